"""`verify` finds a true study of a model true, and a fault in any stored field of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application
from verified_study import faults_of

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.clusters import lennard_jones, morse
from landtopo.models.mueller_brown import mueller_brown
from landtopo.models.named import named_model
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array
from landtopo.study.verification import (
    Check,
    Memory,
    Record,
    checks_of,
    form_only,
    records_of,
    stored_fields,
    uncovered,
    verify,
)
from landtopo.study.verification.functions.evidence import FunctionEvidence
from landtopo.study.verification.functions.known import KnownModel

FIELDS = [(kind, name) for kind, names in stored_fields(models=True).items() for name in names]


def triangle(x: Array) -> float:
    """Three points in the plane: two sides of length one, and a weak pull on the third."""
    a, b, c, d, e, f = x.tolist()
    first, second = (a - c) ** 2 + (b - d) ** 2, (e - c) ** 2 + (f - d) ** 2
    far = (a - e) ** 2 + (b - f) ** 2
    return (first - 1.0) ** 2 + (second - 1.0) ** 2 + 0.2 * math.exp(-far)


def of_triangle() -> SmoothModel:
    """Made of differences; turned and moved about, and the ends exchanged."""
    return lt.function_model(
        triangle,
        low=[-1.0] * 6,
        high=[1.0] * 6,
        gauge="rigid:2",
        symmetry=[[5, 6, 3, 4, 1, 2]],
        name="triangle",
    )


def fork(mu: float) -> SmoothModel:
    """A pitchfork."""
    return lt.function_model(
        lambda x: float(x[0] ** 4 / 4 - mu * x[0] ** 2 / 2 + x[1] ** 2),
        lambda x: [x[0] ** 3 - mu * x[0], 2 * x[1]],
        low=[-2.0] * 2,
        high=[2.0] * 2,
        symmetry=[[-1, 2]],
    )


MODELS: dict[str, Callable[[], SmoothModel | lt.ParameterModels]] = {
    "mueller-brown": mueller_brown,
    "lj:5": lambda: lennard_jones(5),
    "own": of_triangle,
    "students": lambda: lt.constrained_model(
        lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, dim=3, activation="erf"), "normalised"
    ),
    "over": lambda: lt.parameter_models(fork, "mu", [-1.0, -0.5, 0.5]),
}


def make(path: Path, model: SmoothModel | lt.ParameterModels) -> None:
    """A graph, and for one model saddles, a path and null directions."""
    with lt.Study.create(path, model) as study:

        def keep(aim: str, found: Any) -> None:
            source = f"{found.search['method']} from {found.search['init']}"
            points = (*found.families, *found.others)
            name = source if aim == "minima" else f"{source} to index 1"
            study.save_search(aim, name, found.attempts, points, found.search)

        study.begin("graph", {"starts": 6})
        graph = lt.landscape_graph(
            model, starts=6, journal=study, searched=lambda found: keep("minima", found)
        )
        study.save_graph(graph)
        if isinstance(model, lt.ParameterModels):
            return
        keep("saddles", lt.find_saddles(model, starts=4, journal=study))
        names = list(graph)
        rows = [*graph.nodes.values(), *graph.edges.values()]
        ends = [graph.nodes[names[place]]["coordinates"] for place in (0, -1)]
        if len(names) > 1:
            path = lt.connect(model, *ends, graph=graph)
            study.save_path(path, names[0], names[-1])
        for row in rows[:1] + rows[-1:]:
            record = lt.flat_directions(model, row["coordinates"]).record()
            study.remember(f"flat/{model.stage}/{row['id']}", record)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, KnownModel]]:
    """The studies, open, with what was recomputed of them."""
    found = {}
    for number, (name, maker) in enumerate(MODELS.items()):
        path = tmp_path_factory.mktemp("verify") / str(number)
        make(path, maker())
        found[name] = KnownModel(lt.Study.open(path), Memory(), maker())
    yield found
    for one in found.values():
        one.study.close()


def failing(checks: Iterator[Check] | list[Check]) -> list[Check]:
    return [check for check in checks if not check.agrees]


def test_every_stored_field_of_a_model_is_covered() -> None:
    assert uncovered(models=True) == []
    assert form_only(models=True) <= set(FIELDS)


@pytest.mark.parametrize("name", MODELS)
def test_a_true_study_is_found_true(known: dict[str, KnownModel], name: str) -> None:
    one = known[name]
    checks = verify(one.study, model=one.subject, memory=one.memory)
    assert len(checks) > 120
    assert failing(checks) == []


def test_the_command_verifies_what_its_name_makes_again(known: dict[str, KnownModel]) -> None:
    result = CliRunner().invoke(application, ["verify", str(known["mueller-brown"].study.path)])
    assert result.exit_code == 0, result.output
    assert "0 disagree" in result.stdout
    with pytest.raises(InvalidArgument, match="'triangle' must be given, for it cannot be made"):
        verify(known["own"].study)


def sort_of(record: Record) -> Any:
    """Records of one sort meet the same checks."""
    if record.kind in ("FunctionPoint", "FunctionFamily"):
        return record.kind, record.name.rstrip("0123456789")
    return record.kind


@pytest.mark.parametrize(
    ("kind", "name"),
    # These are records of their own.
    [one for one in FIELDS if one[1] != "point" and one != ("FunctionPath", "evaluations")],
)
def test_a_fault_in_any_field_is_named(known: dict[str, KnownModel], kind: str, name: str) -> None:
    """One field at a time is made wrong, in a record of each sort that has it."""
    tried = 0
    for one in known.values():
        seen = set()
        for record in records_of(one.study):
            if record.kind != kind or name not in record.values or sort_of(record) in seen:
                continue
            seen.add(sort_of(record))
            form = (kind, name) in form_only(models=True)
            for leaf, wrong in faults_of(name, record.values[name], form=form):
                tried += 1
                faulty = dataclasses.replace(record, values={**record.values, name: wrong})
                found = {check.quantity.split(".")[0] for check in failing(checks_of(one, faulty))}
                assert name in found, f"{record.name}: {leaf} = {wrong!r} is not found; {found}"
    assert tried, "no record of the studies has a value for it"


def test_a_changed_file_is_told_by_verify(tmp_path: Path) -> None:
    file, path = tmp_path / "own.py", tmp_path / "s"
    text = "import landtopo as lt\nwell = lt.function_model(" \
        "lambda x: float((x[0] ** 2 - 1) ** 2 + 0.3 * x[0]), low=[-2.0], high=[2.0])\n"  # fmt: skip
    file.write_text(text)
    make(path, named_model(f"{file}:well"))
    with lt.Study.open(path) as study:
        assert failing(verify(study)) == []
    file.write_text(f"{text}# A remark.\n")
    with lt.Study.open(path) as study:
        assert [check.quantity for check in failing(verify(study))] == ["digest"]
    file.write_text(text.replace("0.3", "0.31"))
    with lt.Study.open(path) as study:
        found = {check.quantity for check in failing(verify(study))}
    assert {"digest", "values", "loss", "coordinates", "barrier_from"} <= found


def test_differences_of_values_agree_with_the_closed_forms() -> None:
    for model, x in (
        (mueller_brown(), np.array([0.3, 0.7])),
        (morse(4, 6.0), np.array([0, 0, 0, 1.1, 0, 0, 0, 1.0, 0.1, 0.2, 0.3, 0.9])),
    ):
        point = FunctionEvidence(model, x)
        value, slope = model.shape.objective.value_and_gradient(x)
        assert point.loss == pytest.approx(float(value), rel=1e-14)
        norm, error = point.slope
        assert norm == pytest.approx(float(np.linalg.norm(slope)), abs=error)
        assert error < 1e-9 * norm
        exact = model.shape.objective.hessian(x) / point.curvature_unit
        hessian, error = point.hessian
        assert np.linalg.norm(hessian - exact, 2) <= error
        assert error < 1e-7 * np.linalg.norm(exact, 2)


@pytest.mark.parametrize(
    ("points", "order"),
    [
        # A regular tetrahedron, a square, and four points without any symmetry.
        ([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], 24),
        ([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], 16),
        ([[0, 0, 0], [1, 0, 0], [0, 1.2, 0], [0, 0.1, 1.5]], 1),
    ],
)
def test_point_groups_are_counted_by_distances(points: list[list[float]], order: int) -> None:
    x = np.array(points, dtype=np.float64).ravel()
    assert FunctionEvidence(lennard_jones(4), x).isotropy_order == order
