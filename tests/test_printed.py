"""What people see of public objects: short lines, tables, documented names, running examples."""

from __future__ import annotations

import doctest
import inspect
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import landtopo as lt
from landtopo.journal import Forgetful
from landtopo.shown import Table

SHORT = 400
#: Classes that are no objects of a user's: a protocol, and exceptions, whose text is their message.
NOT_MADE = {
    *("Objective", "LandtopoError", "InvalidArgument", "FileFormatError", "StudyError"),
    "ShardFinished",
}


def public() -> Iterator[tuple[str, Any]]:
    for name in lt.__all__:
        found = getattr(lt, name)
        if inspect.isclass(found) or inspect.isfunction(found):
            yield name, found


def documented() -> Iterator[tuple[str, Any]]:
    """Functions and classes, and the methods of the classes."""
    for name, found in public():
        yield name, found
        if inspect.isclass(found):
            for method, value in inspect.getmembers(found, callable):
                own = (getattr(value, "__module__", "") or "").startswith("landtopo")
                if own and not method.startswith("_") and not is_protocol(found):
                    yield f"{name}.{method}", value


def is_protocol(found: type) -> bool:
    return bool(getattr(found, "_is_protocol", False))


# Examples.

DOCUMENTED = dict(documented())


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTED)
def test_example_runs(name: str) -> None:
    text = inspect.getdoc(DOCUMENTED[name]) or ""
    assert "\nExamples\n--------\n" in text, f"{name} has no example"
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert example.examples
    for package, module in (("python-flint", "flint"), ("pandas", "pandas")):
        if f"# needs {package}" in text:
            pytest.importorskip(module)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    complaints: list[str] = []
    runner.run(example, out=complaints.append)
    assert not runner.failures, "".join(complaints)


# Documentation.


def section(text: str, title: str) -> str | None:
    """A section of a numpydoc text, without its title."""
    parts = re.split(r"(?m)^([A-Z][a-z]+)\n-{3,}\n", text)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(title)


def names_of(text: str) -> list[str]:
    heads = re.findall(r"(?m)^(\w[\w, ]*) :", text)
    heads += re.findall(r"(?m)^(\w+(?:, \w+)*)$", text)
    return [name.strip() for head in heads for name in head.split(",")]


@pytest.mark.parametrize(
    "name", [name for name in DOCUMENTED if inspect.isroutine(DOCUMENTED[name])]
)
def test_sections_match_the_signature(name: str) -> None:
    signature = inspect.signature(DOCUMENTED[name])
    text = inspect.getdoc(DOCUMENTED[name]) or ""
    expected = {parameter for parameter in signature.parameters if parameter not in ("self", "cls")}
    parameters, returns = section(text, "Parameters"), section(text, "Returns")
    function = "." not in name
    if parameters is not None or (function and expected):
        assert set(names_of(parameters or "")) == expected
    nothing = signature.return_annotation in ("None", None)
    assert not (nothing and returns is not None)
    if function and not nothing:
        assert returns is not None, f"{name} does not say what it returns"


# Objects.


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """One object of every kind that the public functions give, of a tiny problem."""
    teacher = lt.Teacher.orthonormal(2)
    problem = lt.TeacherStudent(teacher, 2)
    finite = lt.TeacherStudent(teacher, 2, dim=20)
    weights = np.array([[0.9, 0.1], [0.2, 0.7]])
    problem_of_squares = lt.TeacherStudent(teacher, 2, activation="quadratic")
    point = lt.summary_statistics(teacher, weights)
    graph = lt.landscape_graph(teacher, [2, 3], starts=20)
    bowl = lt.SmoothFunction(
        size=1,
        function=lambda x: float(x @ x),
        derivative=lambda x: 2 * x,
        second=lambda x: 2 * np.eye(1),
    )
    path = lt.connect(problem, np.eye(2), np.eye(2)[::-1])
    return {
        "teacher": teacher,
        "problem": problem,
        "loss": lt.PopulationLoss(problem),
        "function": bowl,
        "options": (lt.ConnectOptions(), lt.ExploreOptions()),
        "minima": lt.find_minima(problem, starts=20),
        "saddles": lt.find_saddles(problem, starts=20),
        "corners": lt.find_corners(problem, starts=20),
        "points": lt.find_critical_points(bowl, [-1], [1], starts=3),
        "path": path,
        "flat": lt.flat_directions(lt.TeacherStudent(teacher, 3), [[0.4, 0], [0.6, 0], [0, 1]]),
        "reached": lt.reachability(problem, runs=20),
        "psi": lt.psi_min(problem, weights),
        "theorem": lt.theorem_list(problem_of_squares),
        "reading": lt.read_point(problem, np.eye(2)),
        "blocks": lt.block_family(anti_aligned=1, size=6),
        "statistics": point,
        "flow": lt.flow_weights(problem, weights),
        "statistics flow": lt.flow_statistics(problem, point.student, point.overlap),
        "noise": lt.noise_term(teacher, weights),
        "sgd": lt.run_sgd(finite, weights, rate=0.1, times=[0, 0.5]),
        "attraction": lt.attraction(problem, np.eye(2)),
        "isotropy": lt.isotropy(point),
        "automorphisms": lt.teacher_automorphisms(teacher.gram),
        "labelled": lt.labelled_connectivity(graph, 2),
        "widths": lt.width_table(graph),
        "comparison": lt.compare_graphs(graph, graph),
        "route": lt.minimax_route(graph, "w2-f0", "w2-f0"),
        "counts": lt.component_counts(graph),
        "curve": lt.TeacherCurve.equicorrelated(2, -0.5, 0.5),
        "sweep": lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4),
        "symmetric": lt.symmetry_search(problem, starts=8),
        "shard": lt.Shard(Forgetful(), 1, 2),
        "entry": lt.AtlasEntry(stem="relu.o2", teacher="orthonormal:2", first=2, last=2),
    }


TABLES = (
    "minima", "saddles", "corners", "points", "path", "flat", "reached", "labelled", "widths",
    "comparison", "theorem",
)  # fmt: skip


def reachable(value: Any, seen: set[int]) -> Iterator[Any]:
    """An object of landtopo and all that its attributes lead to."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if type(value).__module__.startswith("landtopo"):
        yield value
        names = [*getattr(type(value), "__slots__", ()), *getattr(value, "__dict__", ())]
        for name in names:
            if not name.startswith("_"):
                yield from reachable(getattr(value, name), seen)
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from reachable(item, seen)
    elif isinstance(value, dict):
        for item in value.values():
            yield from reachable(item, seen)


def test_everything_has_a_short_line(made: dict[str, Any]) -> None:
    kinds = set()
    for value in reachable(made, set()):
        kinds.add(type(value).__name__)
        told = repr(value)
        assert len(told) <= SHORT, f"{type(value).__name__}: {len(told)}"
        assert "array(" not in told, told
        assert " object at 0x" not in told, told
    classes = {name for name, found in public() if inspect.isclass(found)}
    told_apart = {"Certificate", "CompleteList", "ParameterModels", "ProposedSymmetry", "Study"}
    assert classes - NOT_MADE - told_apart <= kinds


def test_models_of_functions_have_short_lines() -> None:
    def parabola(depth: float) -> Any:
        return lt.function_model(lambda x: depth * (x[0] ** 2 - 1) ** 2, low=[-2], high=[2])

    for made in (
        lt.parameter_models(parabola, "depth", [1, 2]),
        lt.propose_symmetry(parabola(1.0)),
    ):
        assert len(repr(made)) <= SHORT
        assert " object at 0x" not in repr(made)


def test_certificate_and_study_have_short_lines(tmp_path: Path) -> None:
    with lt.Study.create(tmp_path / "two.landtopo", lt.Teacher.orthonormal(2)) as study:
        assert "teacher='orthonormal:2'" in repr(study)
        assert len(repr(study)) <= SHORT
        found = lt.find_minima(study.problem(2), starts=20)
        study.save_search("minima", "gaussian:1", found.attempts, found.families)
        assert [row["id"] for row in study.rows()] == ["w2-f0"]
        assert str(study).startswith(repr(study))
        assert "w2-f0" in study._repr_html_()
    pytest.importorskip("flint")
    certificate = lt.certify(lt.TeacherStudent(lt.Teacher.orthonormal(2), 2), np.eye(2))
    assert len(repr(certificate)) <= SHORT
    assert len(certificate.rows()) == len(certificate.eigenvalue_bounds) + 2
    assert "<table>" in certificate._repr_html_()
    complete = lt.complete_list(lt.TeacherStudent(lt.Teacher.orthonormal(1), 1))
    assert len(repr(complete)) <= SHORT


@pytest.mark.parametrize("name", TABLES)
def test_tables_tell_every_row(made: dict[str, Any], name: str) -> None:
    result = made[name]
    assert isinstance(result, Table)
    rows = result.rows()
    assert rows
    assert all(row.keys() == rows[0].keys() for row in rows)
    assert len(str(result).splitlines()) == 2 + len(rows)
    assert str(result).splitlines()[0] == repr(result)
    assert result._repr_html_().count("<tr>") == 1 + len(rows)


@pytest.mark.parametrize("name", TABLES)
def test_tables_for_pandas(made: dict[str, Any], name: str) -> None:
    pandas = pytest.importorskip("pandas")
    rows = made[name].rows()
    frame = made[name].to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == list(rows[0])
    assert len(frame) == len(rows)


def test_pandas_is_asked_for_in_one_sentence(
    made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^to_dataframe needs pandas, .* adds it\.$"):
        made["minima"].to_dataframe()


def test_texts_in_tables_are_escaped(made: dict[str, Any]) -> None:
    found = made["minima"]
    family = found.families[0]
    strange = types.SimpleNamespace(
        row=lambda: {**family.row(), "description": "a < b & c"}, id=family.id
    )
    changed = type(found)(
        **{name: getattr(found, name) for name in found.__slots__ if name != "families"},
        families=(strange,),
    )
    assert "a &lt; b &amp; c" in changed._repr_html_()


def test_families_by_id(made: dict[str, Any]) -> None:
    for result in (made["minima"], made["saddles"]):
        assert len(result) == len(result.families)
        assert list(result) == list(result.families)
        for family in (*result.families, *result.others):
            assert result[family.id] is family
    with pytest.raises(lt.InvalidArgument, match=r"must be one of w2-f0; got 'w9-f9'\.$"):
        made["minima"]["w9-f9"]


def test_single_values_are_floats() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2)
    loss = lt.PopulationLoss(problem)
    weights = np.array([[0.9, 0.1], [0.2, 0.7]])
    batch = np.array([weights, 2 * weights])
    assert type(loss.value(weights)) is float
    assert type(loss.value_and_gradient(weights)[0]) is float
    assert type(loss.psi([1.0, 0.0], weights)) is float
    assert type(loss.psi_and_gradient([1.0, 0.0], weights)[0]) is float
    assert loss.value(batch).shape == (2,)
    assert loss.value(batch)[0] == loss.value(weights)
    assert loss.psi([[1.0, 0.0]], weights).shape == (1,)
    function = lt.SmoothFunction(
        size=1, function=lambda x: x[0] ** 2, derivative=lambda x: 2 * x, second=lambda x: 2
    )
    assert type(function.value(np.array([2.0]))) is float
    assert function.value(np.array([[2.0], [3.0]])).tolist() == [4.0, 9.0]
