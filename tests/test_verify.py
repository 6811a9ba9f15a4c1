"""`verify` finds a true study true, and a fault in any stored field of it.

Its routes share nothing with the closed forms: they are compared with them here at points in
general position, with parallel neurons, and with a zero neuron.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application
from verified_study import examples, faults_of, make_study, plant

from landtopo.landscape.build import landscape_graph
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.transitions import follow
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.points.saddle_starts import mode_starts
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry import format_cycles
from landtopo.points.coverage import binomial_interval
from landtopo.study import Study
from landtopo.study.verification import (
    Check,
    Known,
    Memory,
    Record,
    checks_of,
    form_only,
    records_of,
    stored_fields,
    uncovered,
    verify,
)
from landtopo.study.verification.descents import both_ways
from landtopo.study.verification.formulas import gradient, slopes
from landtopo.study.verification.intervals import binomial_ends
from landtopo.study.verification.labelled import automorphisms, isomorphism, joint, relabelled
from landtopo.study.verification.quadrature import (
    difference_hessian,
    difference_normal_block,
    quadrature_gradient,
    quadrature_loss,
    quadrature_slope,
)

# Fields whose values are records of their own, with a fault in each of their fields.
_RECORDS = {
    ("Family", "point"),
    ("PathRecord", "problem"),
    ("PathRecord", "evaluations"),
    ("TeacherStudent", "teacher"),
}


@pytest.mark.parametrize("kind", ["general", "parallel", "zero"])
def test_quadrature_agrees_with_the_closed_forms(kind: str) -> None:
    teacher = Teacher.random(4, dim=6, seed=1)
    weights = np.random.default_rng(0).standard_normal((5, teacher.rank + 2))
    if kind == "parallel":
        weights[1] = -2 * weights[0]
        weights[2] = weights[3] / 3
        weights[4, : teacher.rank], weights[4, teacher.rank :] = teacher.vectors[1], 0.0
    if kind == "zero":
        weights[2] = 0.0
    loss = PopulationLoss(TeacherStudent(teacher, 5))
    vectors = np.hstack([teacher.vectors, np.zeros((4, 2))])
    # Double precision: rounding of sums of order ten.
    assert quadrature_loss(teacher, weights) == pytest.approx(float(loss.value(weights)), abs=3e-14)
    by_quadrature = quadrature_gradient(teacher, weights)
    assert np.abs(by_quadrature - loss.gradient(weights)).max() < 1e-14
    assert np.abs(gradient(weights, vectors) - by_quadrature).max() < 3e-14
    if kind == "zero":
        assert np.all(by_quadrature[2] == 0)
        return
    direction = weights[3] / np.linalg.norm(weights[3])
    slope = quadrature_slope(teacher, weights, direction)
    assert slope == pytest.approx(float(loss.psi(direction, weights)), abs=3e-14)
    assert slopes(direction[None], weights, vectors)[0][0] == pytest.approx(slope, abs=3e-14)
    # The step of the differences times third derivatives, and their lack at parallel neurons.
    tolerance = 1e-8 if kind == "parallel" else 1e-9
    assert np.abs(difference_hessian(teacher, weights) - loss.hessian(weights)).max() < tolerance
    block = difference_normal_block(teacher, weights)
    assert np.abs(block - loss.normal_block(weights)).max() < tolerance


@pytest.mark.parametrize("seed", range(4))
def test_automorphisms_are_those_of_brute_force(seed: int) -> None:
    """All renumberings of five neurons and three teachers, tried one by one."""
    generator = np.random.default_rng(seed)
    vectors = np.eye(3)
    weights = np.round(generator.standard_normal((5, 3)))
    weights[3:] = weights[:2][:, [1, 0, 2]]
    graph = joint(weights, vectors)
    table = graph.tables[0]
    wanted = sum(
        np.array_equal(table, table[np.ix_(images, images)])
        for students in itertools.permutations(range(5))
        for teachers in itertools.permutations(range(5, 8))
        for images in [(*students, *teachers)]
    )
    assert automorphisms(graph).order == wanted
    images = (*generator.permutation(5).tolist(), *(5 + generator.permutation(3)).tolist())
    moved = relabelled(graph, images)
    found = isomorphism(graph, moved)
    assert found is not None
    assert np.array_equal(relabelled(graph, found).tables, moved.tables)
    other = weights.copy()
    other[0] *= 1.01
    assert isomorphism(graph, joint(other, vectors)) is None


@pytest.mark.parametrize(("count", "total"), [(0, 5), (3, 7), (40, 40), (1, 10**6)])
def test_intervals_are_those_of_the_formula(count: int, total: int) -> None:
    exact = binomial_interval(count, total)
    assert binomial_ends(count, total, 0.95) == pytest.approx(exact, abs=1e-12)


def test_every_stored_field_is_covered() -> None:
    """A new column or a new field of a record fails here until something verifies it."""
    assert uncovered() == []
    known = {(kind, name) for kind, names in stored_fields().items() for name in names}
    assert form_only() <= known


@pytest.fixture(scope="session")
def true_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verify") / "s"
    make_study(path)
    return path


@pytest.fixture(scope="session")
def memory(true_study: Path) -> Memory:
    """What is known of the points of the true study, so that faults cost little."""
    known = Memory()
    with Study.open(true_study) as study:
        assert not failing(verify(study, memory=known))
    return known


def test_a_true_study_is_found_true(true_study: Path, memory: Memory) -> None:
    with Study.open(true_study) as study:
        checks = verify(study, memory=memory)
    assert len(checks) > 400
    result = CliRunner().invoke(application, ["verify", str(true_study)])
    assert result.exit_code == 0, result.output
    assert "0 disagree" in result.stdout


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, names in stored_fields().items() for name in names],
)
def test_a_fault_in_any_field_is_named(
    true_study: Path, memory: Memory, tmp_path: Path, kind: str, name: str
) -> None:
    """One field at a time is made wrong, in each record of its own sort that has it."""
    if (kind, name) in _RECORDS:
        assert set(stored_fields()) >= {"CriticalPoint", "TeacherStudent", "Evaluations", "Teacher"}
        return
    tried = 0
    with Study.open(true_study) as study:
        records = [one for record in records_of(study) for one in examples(record)]
    seen: set[Any] = set()
    for record in records:
        if record.kind != kind or name not in record.values:
            continue
        sort = sort_of(record)
        if sort in seen:
            continue
        seen.add(sort)
        form = (kind, name) in form_only()
        for leaf, wrong in faults_of(name, record.values[name], form=form):
            tried += 1
            found = with_fault(true_study, tmp_path, memory, (record, name, wrong))
            named = {check.quantity.split(".")[0] for check in found}
            assert name in named, f"{record.name}: {leaf} = {wrong!r} is not found; found {named}"
    assert tried, "no record of the study has a value for it"


def sort_of(record: Record) -> Any:
    """Records of one sort meet the same checks."""
    values = record.values
    if record.kind == "edge":
        return values["kind"], values.get("operation"), values.get("fate")
    if record.kind == "node":
        return values["is_global"], values["flat_dimension"]
    if record.kind == "CriticalPoint":
        return record.within[0], str(values["kind"])
    return record.kind


def with_fault(
    true_study: Path, folder: Path, memory: Memory, fault: tuple[Record, str, Any]
) -> list[Check]:
    """Failing checks of one record of a copy of the study in which a field is wrong."""
    record, name, wrong = fault
    path = folder / "copy"
    shutil.copy(true_study, path)
    with Study.open(path, write=True) as study:
        plant(study, record, name, wrong)
    with Study.open(path) as study:
        known = Known(study, memory)
        faulty = faulty_record(study, record, name, wrong, of_true=records_in(true_study))
        return failing(checks_of(known, faulty))


def test_a_flow_that_ends_in_a_lower_saddle_is_followed_on() -> None:
    """By symmetry one flow from this pass ends in a saddle; the search went on from there too."""
    teacher = Teacher.equicorrelated(4, -0.3)
    problem = TeacherStudent(teacher, 4)
    families = find_minima(problem, starts=60).families
    climbs = itertools.islice(mode_starts(problem, families[1].point, seed=0), 60)
    way = next(
        one for one in follow(NetworkModel(problem), list(climbs)).found if one.through_saddle
    )
    ways = both_ways(problem, way.state)
    assert [one.saddle is not None for one in ways].count(True) == 1
    losses = [PopulationLoss(problem).value(one.ends[0]) for one in ways]
    assert sorted(losses) == pytest.approx(sorted((way.losses[0], way.losses[-1])), abs=1e-10)


@pytest.mark.parametrize("students", [(1, 2, 0), (0, 2, 1), (1, 0, 2)])
def test_a_wrong_permutation_of_a_swap_is_found(tmp_path: Path, students: tuple[int, ...]) -> None:
    """A 3-cycle told as its inverse or as a swap joins other labelled copies."""
    teacher = Teacher.equicorrelated(3, 0.2)
    path = tmp_path / "s"
    known = Memory()
    options = ExploreOptions(random_starts=16, mode_starts=8, line_starts=4, patience=1)
    with Study.create(path, teacher) as study:
        graph = landscape_graph(teacher, 3, starts=20, options=options)
        edge = next(data for data in graph.edges.values() if data["cycle_type"] == "3")
        right = edge["permutation"]
        study.save_graph(graph)
        assert not failing(verify(study, memory=known))
        edge.update(permutation=format_cycles(students))
        study.save_graph(graph)
        found = failing(verify(study, memory=known))
    named = {(check.subject, check.quantity) for check in found}
    assert ((edge["id"], "permutation") in named) == (format_cycles(students) != right)


def records_in(path: Path) -> list[Record]:
    with Study.open(path) as study:
        return list(records_of(study))


def faulty_record(
    study: Study, record: Record, name: str, wrong: Any, *, of_true: list[Record]
) -> Record:
    """The record as the study gives it back, or where a study writes none itself, changed here."""
    unwritten = ("Session", "PassedSaddle", "RunnerUp", "Evaluations", "Teacher", "TeacherStudent")
    if record.kind in unwritten or (record.kind, name) == ("Attempts", "width"):
        changed = {**record.values, name: wrong}
        return Record(kind=record.kind, name=record.name, values=changed, within=record.within)
    if record.kind in ("PathRecord", "StepRecord") or record.within[:1] == ("path",):
        # Another seed makes another path, and the latest comes last.
        return [one for one in records_of(study) if one.kind == record.kind][-1]
    number = [one.name for one in of_true if same_place(one, record)].index(record.name)
    return [one for one in records_of(study) if same_place(one, record)][number]


def same_place(one: Record, other: Record) -> bool:
    """Whether two records stand in the same search, or in the same table of the graph."""
    if one.kind != other.kind:
        return False
    searched = ("Attempts", "Family", "CriticalPoint")
    return one.kind not in searched or one.within[-2:] == other.within[-2:]


def failing(checks: Iterator[Check] | list[Check]) -> list[Check]:
    return [check for check in checks if not check.agrees]
