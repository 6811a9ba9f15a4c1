"""Starts end where they should, whatever the number of threads, and every one of them is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.kernels.descent import descend_batch
from landtopo.kernels.minimise import CONVERGED, minimise_batch
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.search import SearchResult, find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Status

TEACHERS = [
    Teacher.orthonormal(5),
    Teacher.equicorrelated(4, -0.2),
    Teacher.equicorrelated(4, 0.6),
    Teacher.random(4, seed=3),
    Teacher.from_vectors(np.diag([0.5, 1.0, 2.0])),
    Teacher.from_vectors([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]),
    Teacher.equicorrelated(3, 1.0),
    Teacher.orthonormal(1),
]


class Dictionary:
    """A journal in memory that can break off."""

    def __init__(self, limit: int | None = None) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.limit = limit

    def recall(self, key: str) -> Mapping[str, Any] | None:
        return self.kept.get(key)

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        if self.limit is not None and len(self.kept) >= self.limit:
            raise KeyboardInterrupt
        self.kept[key] = dict(value)


def summary(result: SearchResult) -> list[tuple[Any, ...]]:
    return [
        (family.id, family.loss, family.count, family.weights.tobytes())
        for family in (*result.families, *result.others)
    ]


@pytest.mark.parametrize("teacher", TEACHERS, ids=lambda teacher: teacher.name)
@pytest.mark.parametrize("surplus", [-1, 0, 1, 2])
def test_every_start_ends_in_a_classified_critical_point(teacher: Teacher, surplus: int) -> None:
    """No start is lost, and what is called a minimum has no negative eigenvalue."""
    problem = TeacherStudent(teacher, max(1, teacher.size + surplus))
    result = find_minima(problem, starts=60)
    assert len(result.attempts) == 60
    assert all(status is Status.CONVERGED for status in result.attempts.status)
    assert sum(f.count for f in (*result.families, *result.others)) == 60
    loss = PopulationLoss(problem)
    for family in result.families:
        assert family.point.grad_norm <= 1e-12
        assert np.linalg.norm(loss.gradient(family.weights)) <= 1e-12
        assert family.point.eigenvalues[0] >= -1e-9
        assert family.point.normal_eigenvalues[0] >= -1e-9
        assert family.point.index == 0
    if surplus >= 0:
        assert result.families[0].loss < 1e-25


def test_published_spurious_minimum_of_six_neurons() -> None:
    """Safran, Yehudai, Shamir (2021), data: K = M = 6, one anti-aligned neuron."""
    result = find_minima(TeacherStudent(Teacher.orthonormal(6), 6), starts=2000)
    world, spurious = result.families
    assert world.loss < 1e-25
    assert (world.orbit_size, world.flat_dimension, world.isotropy) == (720, 0, "S_6")
    assert spurious.loss == pytest.approx(0.0250805810, abs=5e-11)
    assert spurious.point.eigenvalues[0] == pytest.approx(0.0047003547, abs=5e-11)
    assert (spurious.anti_aligned, spurious.isotropy) == (1, "S_5 x S_1")
    assert spurious.orbit_size == 720 * 720 // 120
    # published: 0.3 % of 1000 starts of gradient descent
    assert 0.0005 < spurious.count / 2000 < 0.01


def test_published_spurious_minima_of_ten_neurons() -> None:
    """Safran, Yehudai, Shamir (2021), data: K = M = 10."""
    result = find_minima(TeacherStudent(Teacher.orthonormal(10), 10), starts=300)
    found = [(f.anti_aligned, f.loss, float(f.point.eigenvalues[0])) for f in result.families]
    assert found[1] == (
        1,
        pytest.approx(0.018702195, abs=1e-9),
        pytest.approx(0.03196403, abs=1e-8),
    )
    assert found[2] == (
        2,
        pytest.approx(0.035326880, abs=1e-9),
        pytest.approx(0.01599208, abs=1e-8),
    )


def test_one_neuron_more_leaves_only_the_global_family() -> None:
    result = find_minima(TeacherStudent(Teacher.orthonormal(6), 7), starts=500)
    (family,) = result.families
    assert family.is_global
    assert family.flat_dimension == 1
    # a generic member: no zero neuron, d (K - M) null directions for every unused dimension too
    assert family.point.zero_neurons == 0


def test_two_spare_neurons_leave_only_the_global_family() -> None:
    """A vanishing neuron that points aside has hardly a gradient, and is still no new network."""
    result = find_minima(TeacherStudent(Teacher.orthonormal(5), 7), starts=3000)
    (family,) = result.families
    assert family.is_global
    assert family.flat_dimension == 2
    assert not result.others


def test_antipodal_global_minima_of_a_closed_triangle() -> None:
    """v_1 + v_2 + v_3 = 0: relu(x) - relu(-x) = x makes W = -V a global minimum as well."""
    teacher = Teacher.from_vectors([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    result = find_minima(TeacherStudent(teacher, 3), starts=100)
    (family,) = result.families
    assert family.loss < 1e-25
    # V and -V, each with its neurons in any order.
    assert family.orbit_size == 12
    ends = np.sort(result.attempts.weights[:, :, :2], axis=1)
    for sign in (1.0, -1.0):
        wanted = np.sort(sign * teacher.vectors, axis=0)
        assert np.abs(ends - wanted).max(axis=(1, 2)).min() < 1e-8


@pytest.mark.parametrize("width", [6, 7])
def test_results_do_not_depend_on_threads_or_interruptions(width: int) -> None:
    problem = TeacherStudent(Teacher.orthonormal(6), width)
    alone = find_minima(problem, starts=700, seed=5)
    assert summary(find_minima(problem, starts=700, seed=5, jobs=2)) == summary(alone)
    journal = Dictionary(limit=2)
    with pytest.raises(KeyboardInterrupt):
        find_minima(problem, starts=700, seed=5, journal=journal)
    assert len(journal.kept) == 2
    journal.limit = None
    assert summary(find_minima(problem, starts=700, seed=5, journal=journal)) == summary(alone)


def test_further_starts_change_nothing_already_found() -> None:
    problem = TeacherStudent(Teacher.orthonormal(6), 6)
    few, many = (find_minima(problem, starts=n, seed=1).attempts for n in (150, 400))
    np.testing.assert_array_equal(few.weights, many.weights[:150])


def test_gradient_descent_and_quasi_newton_find_the_same_families() -> None:
    problem = TeacherStudent(Teacher.orthonormal(8), 8)
    fast = find_minima(problem, starts=300)
    plain = find_minima(problem, starts=300, method="gradient-descent")
    assert [f.loss for f in plain.families] == pytest.approx([f.loss for f in fast.families])
    # published: 12.6 % of 1000 runs of gradient descent end in a spurious minimum; four standard
    # errors of 300 runs are 7.7 points
    share = 1 - plain.families[0].count / 300
    assert abs(share - 0.126) < 0.077


def test_coverage_rule_stops_at_the_same_start_whatever_the_jobs() -> None:
    problem = TeacherStudent(Teacher.orthonormal(6), 6)
    rule = {"until_coverage": 0.995, "seed": 3}
    one, two = (find_minima(problem, jobs=jobs, **rule) for jobs in (1, 2))
    assert summary(one) == summary(two)
    assert one.search["stopped_by"] == "coverage"
    assert one.coverage.coverage >= 0.995
    # a family of probability 0.005 would have been met ten times on average
    assert len(one.attempts) >= 2000
    assert summary(find_minima(problem, starts=len(one.attempts), seed=3)) == summary(one)


def test_time_and_number_of_starts_stop_a_search() -> None:
    problem = TeacherStudent(Teacher.orthonormal(4), 4)
    short = find_minima(problem, time_limit=1e-9)
    assert short.search["stopped_by"] == "time"
    assert len(short.attempts) == 512
    capped = find_minima(problem, starts=700, until_coverage=0.9999)
    assert (len(capped.attempts), capped.search["stopped_by"]) == (700, "starts")


def test_gradient_descent_takes_plain_steps() -> None:
    problem = TeacherStudent(Teacher.orthonormal(4), 4)
    loss = PopulationLoss(problem)
    network = loss.network(4)
    start = np.random.default_rng(0).standard_normal((1, 4, 4)) / 2
    by_hand = start[0].copy()
    for _ in range(25):
        by_hand -= 0.1 * loss.gradient(by_hand)
    descend_batch(start, network, 0.1, 0.0, 25)
    np.testing.assert_allclose(start[0], by_hand, atol=1e-13)


def test_minimiser_reaches_the_tolerance_from_everywhere() -> None:
    teacher = Teacher.random(5, seed=8)
    loss = PopulationLoss(TeacherStudent(teacher, 6))
    network = loss.network(teacher.rank)
    starts: Array = np.random.default_rng(1).standard_normal((200, 6, teacher.rank))
    starts *= np.logspace(-3, 1, 200)[:, None, None]
    norms, codes, evaluations = minimise_batch(starts, network, 1e-12, 100_000)
    assert np.all(codes == CONVERGED)
    assert norms.max() <= 1e-12
    assert evaluations.max() < 10_000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"starts": 0}, "'starts' argument of find_minima must be an integer >= 1; got 0"),
        ({"seed": -1}, "'seed' argument"),
        ({"jobs": 0}, "'jobs' argument"),
        ({"method": "magic"}, "must be one of quasi-newton, gradient-descent; got 'magic'"),
        ({"tolerance": 1.0}, "'tolerance' argument"),
        ({"tolerance": "small"}, "'tolerance' argument"),
        ({"step": 0.0}, "'step' argument"),
        ({"step": None}, "'step' argument"),
        ({"init": 3}, "A start must be"),
        ({"until_coverage": 1.0}, "'until_coverage' argument"),
        ({"time_limit": 0.0}, "'time_limit' argument"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        find_minima(TeacherStudent(Teacher.orthonormal(2), 2), **arguments)
