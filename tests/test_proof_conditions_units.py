"""Every number of a record scales with the power of the unit that its field declares.

The powers are measured: the same things are computed, without units, for a teacher and for one
twice as long.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

import landtopo
from landtopo import units
from landtopo.landscape.catalogue import Transition
from landtopo.models.networks import units as network_units
from landtopo.models.networks.dynamics import reachability as reaching
from landtopo.models.networks.dynamics.ends import RunOptions
from landtopo.models.networks.paths import connect as connecting
from landtopo.models.networks.points import saddles, search
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.starts import GaussianStart
from landtopo.models.networks.statistics import SummaryStatistics
from landtopo.models.networks.units import in_units
from landtopo.objective import Array
from landtopo.paths.join import JoinOptions
from landtopo.units import Linear, Squared, Unitless, powers, rescaled

BASE = Teacher.equicorrelated(3, -0.3)
ROOTS = (
    search.SearchResult,
    saddles.SaddleResult,
    connecting.PathRecord,
    reaching.Reachability,
    Transition,
)


def dataclasses_of_the_package() -> set[type]:
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(landtopo.__path__, "landtopo.")
        # Importing it runs the command.
        if found.name != "landtopo.__main__"
    ]
    return {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and dataclasses.is_dataclass(value)
    }


def numbers_in(value: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Names of fields and the largest number in each value, records inside taken apart."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from numbers_in(getattr(value, field.name), field.name)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from numbers_in(item, name)
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item, name)
    elif isinstance(value, np.ndarray):
        if value.size and value.dtype.kind == "f":
            yield name, float(np.abs(value).max())
    elif isinstance(value, float):
        yield name, abs(value)


def computed(factor: float) -> list[object]:
    """What the package computes for the teacher, longer by the factor, in its own numbers."""
    # With two students no loss is zero, so that all of them can be measured.
    problem = TeacherStudent(Teacher.from_vectors(factor * BASE.vectors), 2)
    init = GaussianStart(scale=factor)
    found = search.find_minima(problem, starts=30, init=init)
    weights = found.families[0].weights
    unjoined = connecting.ConnectOptions(join=JoinOptions(bands=0, improve=0))
    return [
        found,
        saddles.find_saddles(problem, index="any", starts=6, sources=("random",), init=init),
        connecting.connect(problem, weights, weights[::-1]),
        connecting.connect(problem, weights, weights[::-1], options=unjoined),
        reaching.reachability(
            problem, runs=5, init=init, options=RunOptions(method="gd", limit=5, tolerance=1e-7)
        ),
        reaching.reachability(problem, runs=5, init=init),
        classify(problem, weights + 0.1 * factor, grad_tolerance=1e-3),
    ]


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    """By name of a field: the power of the factor by which its numbers grow."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (network_units, search, saddles, reaching, connecting):
            patch.setattr(module, "unit_of", lambda teacher: 1.0)
        small, large = computed(1.0), computed(2.0)
    found = defaultdict(list)
    for one, other in zip(small, large, strict=True):
        sizes: dict[str, list[list[float]]] = defaultdict(lambda: [[], []])
        for place, record in enumerate((one, other)):
            for name, size in numbers_in(record):
                sizes[name][place].append(size)
        for name, (first, second) in sizes.items():
            # A gradient at a critical point is rounding, and tells nothing.
            if first and second and 1e-8 < max(first) < np.inf:
                found[name].append(np.log2(max(second) / max(first)))
    return {name: float(np.median(values)) for name, values in found.items()}


def declared_powers(kind: type) -> dict[str, int]:
    hints = units._hints(kind)
    return {name: p for name, p in powers(kind).items() if units._may_hold_numbers(hints[name])}


@pytest.mark.parametrize("root", ROOTS, ids=lambda kind: kind.__name__)
def test_numbers_scale_with_the_declared_power(root: type, measured: dict[str, float]) -> None:
    # The tolerance is an option in units of the teacher, and wall time is not to be measured; what
    # is met off a path are weights, as its minima are.
    known = measured | {
        "profile_tolerance": measured["losses"],
        "seconds": 0.0,
        "met": measured["minima"],
        # Neurons carry the unit, output weights do not.
        "outputs": 0.0,
    }
    for kind in units._reached(root):
        declared = declared_powers(kind)
        assert declared == {name: pytest.approx(known[name], abs=0.2) for name in declared}, kind


def test_every_record_that_declares_powers_declares_all() -> None:
    declaring = {
        kind
        for kind in dataclasses_of_the_package()
        if re.search(
            r"(Linear|Squared|Unitless)\[", str([f.type for f in dataclasses.fields(kind)])
        )
    }
    assert declaring >= {Teacher, *ROOTS}
    for kind in declaring:
        for reached in units._reached(kind):
            powers(reached)


@dataclasses.dataclass(frozen=True)
class Inner:
    size: Linear[float]
    name: str = "inner"


@dataclasses.dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    named: dict[str, Inner]
    area: Squared[tuple[float | None, ...]]
    lengths: Linear[dict[str, Any]]
    counts: NDArray[np.int64]
    ratio: Unitless[float]
    nothing: Linear[Array | None] = None


def test_values_scale_wherever_they_stand() -> None:
    array = np.array([1.0, -2.0])
    array.setflags(write=False)
    outer = Outer(
        inner=(Inner(1.0), Inner(2.0)),
        named={"a": Inner(3.0)},
        area=(1.0, None, np.inf),
        lengths={"b": [array, 2], "c": True, "d": None},
        counts=np.array([1, 2]),
        ratio=0.5,
    )
    there = rescaled(outer, 4.0)
    assert there.inner == (Inner(4.0), Inner(8.0))
    assert there.named == {"a": Inner(12.0)}
    assert there.area == (16.0, None, np.inf)
    scaled, whole = there.lengths["b"]
    assert (scaled.tolist(), whole) == ([4.0, -8.0], 8)
    assert not scaled.flags.writeable
    assert (there.lengths["c"], there.lengths["d"], there.nothing) == (True, None, None)
    assert there.counts is outer.counts
    assert there.ratio == 0.5
    assert rescaled(outer, 1.0) is outer


def undeclared(hint: Any) -> type:
    kind = dataclasses.make_dataclass("Made", [("fine", Linear[float]), ("field", hint)])
    return dataclasses.make_dataclass("Holder", [("made", tuple[kind, ...])])


@pytest.mark.parametrize(
    "hint",
    [
        float,
        float | None,
        complex,
        Array,
        NDArray[np.float32],
        np.ndarray,
        Any,
        object,
        dict,
        tuple[int, float],
        dict[str, list[float]],
        Linear[float] | None,
        Annotated[float, "meters"],
    ],
    ids=str,
)
def test_a_field_of_numbers_without_a_power_is_refused(hint: Any) -> None:
    holder = undeclared(hint)
    with pytest.raises(TypeError, match="'field' of Made must declare the power of the unit"):
        rescaled(holder(made=()), 1.0)


@pytest.mark.parametrize(
    "hint", [int, bool, str, None, NDArray[np.int64], Literal["a", 1], tuple[int, ...] | None]
)
def test_a_field_without_numbers_has_no_power(hint: Any) -> None:
    assert rescaled(undeclared(hint)(made=()), 2.0).made == ()
    with pytest.raises(TypeError, match="'field' of Made holds no numbers"):
        rescaled(undeclared(Squared[hint])(made=()), 1.0)


def test_records_that_are_never_scaled_are_refused() -> None:
    statistics = SummaryStatistics(student=np.eye(1), overlap=np.eye(1), teacher=np.eye(1))
    with pytest.raises(TypeError, match="'student' of SummaryStatistics must declare"):
        rescaled(statistics, 2.0)
    with pytest.raises(TypeError, match="Only records can be scaled; got float"):
        rescaled(1.0, 2.0)


def test_problem_comes_back_as_it_was() -> None:
    problem = TeacherStudent(Teacher.from_vectors(300.0 * BASE.vectors), 2, dim=7)
    found = search.find_minima(problem, starts=3)
    assert found.problem == problem
    assert found.problem.teacher.name == problem.teacher.name
    assert np.array_equal(found.problem.teacher.gram, problem.teacher.gram)
    assert not found.problem.teacher.vectors.flags.writeable
    assert in_units(problem).dim == 7
