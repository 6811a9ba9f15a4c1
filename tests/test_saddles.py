"""Saddles of a given index, and critical points of a user's own function.

Established here: for K = M = 2 and 3 and d = M, M + 1 and infinity every kind of start alone finds
the complete list of index-1 saddles, with the known lowest barriers; each found point is a critical
point of that index by the Hessian written out; results do not depend on the number of threads and
survive an interruption; a wrong argument is refused; Mueller-Brown and Himmelblau are solved.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from functions import MUELLER_BROWN_MINIMA, MUELLER_BROWN_SADDLES, himmelblau, mueller_brown, ring

from landtopo.errors import InvalidArgument
from landtopo.models.critical_points import find_critical_points
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.saddles import SOURCES, SaddleResult, find_saddles
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.points.records import CriticalPoint, Kind, Status

# Losses of all index-1 saddles. Two agree with barriers known from paths: 0.0861788 for d = 2 and
# 0.0736129 for d >= 3 (K = M = 2). 0.0885119 is the one-neuron minimum split in two, which for
# d = 2 is a saddle of index 1; its loss has the closed form of one student and two teachers.
COMPLETE = {
    (2, 2): [0.08617882, 0.08851194],
    (2, 3): [0.07361293],
    (2, None): [0.07361293],
    (3, 3): [0.02412366, 0.07206560],
    (3, 4): [0.02412366, 0.06834096],
    (3, None): [0.02412366, 0.06834096],
}


@cache
def global_minimum(size: int, dim: int | None) -> CriticalPoint:
    return classify(TeacherStudent(Teacher.orthonormal(size), size, dim), np.eye(size))


@cache
def search(size: int, dim: int | None, source: str) -> SaddleResult:
    return find_saddles(
        TeacherStudent(Teacher.orthonormal(size), size, dim),
        starts=120,
        sources=(source,),
        known=(global_minimum(size, dim),),
    )


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("size", "dim"), COMPLETE)
def test_every_method_alone_finds_the_complete_list(
    size: int, dim: int | None, source: str
) -> None:
    found = search(size, dim, source)
    losses = [family.loss for family in found.families]
    np.testing.assert_allclose(losses, COMPLETE[size, dim], atol=1e-8)


def test_split_saddle_has_the_closed_form_of_one_student() -> None:
    # DESIGN section 7 for M = 2.
    angle = np.arccos(1 / np.sqrt(2))
    g = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    loss = 2 / 4 + 2 / (4 * np.pi) - 4 * g**2
    assert search(2, 2, "random").families[1].loss == pytest.approx(loss, abs=1e-14)


@pytest.mark.parametrize(("size", "dim"), COMPLETE)
def test_saddles_have_the_index_by_the_hessian_written_out(size: int, dim: int | None) -> None:
    found = search(size, dim, "random")
    total = 2 * size if dim is None else dim
    for family in found.families:
        point = family.point
        assert point.kind is Kind.SADDLE
        assert point.grad_norm <= 1e-12
        padded = np.pad(point.weights, ((0, 0), (0, total - point.weights.shape[1])))
        loss = PopulationLoss(found.problem)
        assert np.linalg.norm(loss.gradient(padded)) <= 1e-12
        values = np.linalg.eigvalsh(loss.hessian(padded))
        assert np.sum(values < -1e-10) == 1
        assert np.sum(np.abs(values) <= 1e-10) == point.nullity + point.gauge


def test_books_are_kept_apart() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 3)
    found = find_saddles(problem, starts=40, known=(global_minimum(3, None),))
    assert found.attempts.independent
    assert found.attempts.source == "random"
    assert [book.source for book in found.books] == list(SOURCES[1:])
    assert not any(book.independent for book in found.books)
    assert len(found.attempts) == 40
    counts = [family.count for family in (*found.families, *found.others)]
    for number, count in enumerate(counts):
        assert count == int(np.sum(found.attempts.family == number))
    assert found.coverage.starts == sum(counts)
    for book in (found.attempts, *found.books):
        for status, family in zip(book.status, book.family, strict=True):
            assert (family >= 0) == (status in (Status.CONVERGED, Status.DUPLICATE))
    assert Status.DUPLICATE in found.attempts.status


def test_duplicates_are_named_as_a_full_solution_would_name_them() -> None:
    found = search(3, 3, "random")
    for row, status in enumerate(found.attempts.status):
        if status is Status.DUPLICATE:
            point = classify(found.problem, found.attempts.weights[row])
            family = (*found.families, *found.others)[found.attempts.family[row]]
            assert point.loss == pytest.approx(family.loss, abs=1e-11)
            assert point.index == family.point.index


class Kept:
    """A journal in memory that refuses to go on after some chunks."""

    def __init__(self, most: int) -> None:
        self.pieces: dict[str, Mapping[str, Any]] = {}
        self.most = most

    def recall(self, key: str) -> Mapping[str, Any] | None:
        return self.pieces.get(key)

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        if len(self.pieces) >= self.most:
            raise KeyboardInterrupt
        self.pieces[key] = value


def same(first: SaddleResult, second: SaddleResult) -> None:
    assert [f.loss for f in first.families] == [f.loss for f in second.families]
    assert [f.count for f in first.families] == [f.count for f in second.families]
    assert [f.id for f in first.others] == [f.id for f in second.others]
    assert first.attempts.status == second.attempts.status
    np.testing.assert_array_equal(first.attempts.weights, second.attempts.weights)
    np.testing.assert_array_equal(first.attempts.family, second.attempts.family)


def test_same_result_for_any_number_of_threads_and_after_an_interruption() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 3, 4)
    known = (global_minimum(3, 4),)
    once = find_saddles(problem, starts=80, known=known, sources=("random", "soft modes"))
    same(
        once,
        find_saddles(problem, starts=80, known=known, sources=("random", "soft modes"), jobs=2),
    )
    journal = Kept(2)
    with pytest.raises(KeyboardInterrupt):
        find_saddles(
            problem, starts=80, known=known, sources=("random", "soft modes"), journal=journal
        )
    assert len(journal.pieces) == 2
    journal.most = 100
    again = find_saddles(
        problem, starts=80, known=known, sources=("random", "soft modes"), journal=journal
    )
    same(once, again)


def test_further_starts_change_nothing_found_before() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 3)
    few = find_saddles(problem, starts=32, sources=("random",))
    more = find_saddles(problem, starts=64, sources=("random",))
    np.testing.assert_array_equal(few.attempts.loss, more.attempts.loss[:32])


def test_index_two_and_any() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 3, 3)
    two = find_saddles(problem, index=2, starts=80, sources=("random",))
    assert {family.point.index for family in two.families} == {2}
    losses = [family.loss for family in two.families]
    mixed = find_saddles(problem, index="any", starts=150, sources=("random",))
    seen = {family.point.index: [] for family in mixed.families}  # type: ignore[var-annotated]
    for family in mixed.families:
        seen[family.point.index].append(family.loss)
    np.testing.assert_allclose(seen[1], COMPLETE[3, 3], atol=1e-8)
    assert len(seen[2]) >= 3
    assert all(np.abs(np.array(losses) - loss).min() < 1e-9 for loss in seen[2])
    assert max(seen) >= 3


def test_teachers_without_symmetry_and_wide_students() -> None:
    for teacher, width in [(Teacher.random(3, seed=2), 3), (Teacher.orthonormal(2), 3)]:
        problem = TeacherStudent(teacher, width, teacher.rank + 1)
        found = find_saddles(problem, starts=30)
        for family in found.families:
            point = family.point
            padded = np.pad(point.weights, ((0, 0), (0, teacher.rank + 1 - point.weights.shape[1])))
            values = np.linalg.eigvalsh(PopulationLoss(problem).hessian(padded))
            assert np.sum(values < -1e-10) == point.index == 1
        assert found.families or width > teacher.size


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"index": 0}, "index"),
        ({"starts": 0}, "starts"),
        ({"sources": ("guess",)}, "sources"),
        ({"sources": ()}, "sources"),
        ({"seed": -1}, "seed"),
        ({"init": "moon"}, "start"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidArgument, match=word):
        find_saddles(TeacherStudent(Teacher.orthonormal(2), 2), **arguments)


def test_mueller_brown() -> None:
    found = find_critical_points(mueller_brown(), [-1.5, -0.5], [1.2, 2.0], starts=60)
    expected = np.vstack([MUELLER_BROWN_MINIMA, MUELLER_BROWN_SADDLES])
    got = np.array([[*point.x, point.value] for point in (*found.minima, *found.with_index(1))])
    order = [
        *np.argsort(MUELLER_BROWN_MINIMA[:, 2]),
        *(3 + np.argsort(MUELLER_BROWN_SADDLES[:, 2])),
    ]
    np.testing.assert_allclose(got, expected[order], atol=1e-7)
    assert found.coverage.coverage > 0.9
    assert max(point.grad_norm for point in found.points) < 1e-11


def test_himmelblau_has_nine_critical_points() -> None:
    found = find_critical_points(himmelblau(), [-5, -5], [5, 5], starts=90, highest_index=2, seed=3)
    assert [len(found.with_index(i)) for i in range(3)] == [4, 4, 1]
    np.testing.assert_allclose([point.value for point in found.minima], 0.0, atol=1e-18)
    # The textbook maximum.
    np.testing.assert_allclose(found.with_index(2)[0].x, [-0.270845, -0.923039], atol=1e-6)


def test_a_flat_valley_is_of_minima_and_a_tilted_one_is_not() -> None:
    flat = find_critical_points(ring(), [-1.5, -1.5], [1.5, 1.5], starts=9, highest_index=0)
    assert {point.kind for point in flat.points} == {Kind.MINIMUM}
    assert {point.nullity for point in flat.points} == {1}
    tilted = find_critical_points(ring(0.1), [-1.5, -1.5], [1.5, 1.5], starts=30, highest_index=2)
    roots = np.sort(np.roots([1.0, 0.0, -1.0, 0.1]).real)
    at = [float(tilted.with_index(i)[0].x[0]) for i in (0, 2, 1)]
    np.testing.assert_allclose(at, roots, atol=1e-9)


def test_starts_of_a_function_are_refused_outside_a_box() -> None:
    with pytest.raises(InvalidArgument, match="low"):
        find_critical_points(himmelblau(), [5, 5], [-5, -5])
