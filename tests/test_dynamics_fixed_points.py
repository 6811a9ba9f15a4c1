"""Minima are the attractive fixed points of the flow of (Q, R); what a finite rate does to them.

Established: the Jacobian's spectrum is what Hessian and normal block predict, for minima and
saddles in and outside the span; perturbed points return or leave at the predicted rate; displaced
fixed points are where an independent integration of the flow comes to rest; critical rates agree
with closed forms and with the growth of runs.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.models.networks.dynamics.finite_rate import (
    BranchEnd,
    BranchOptions,
    critical_rate,
    follow_rate,
)
from landtopo.models.networks.dynamics.fixed_points import Stability, attraction, is_attractive
from landtopo.models.networks.dynamics.flow import FlowOptions
from landtopo.models.networks.dynamics.statistics_flow import StatisticsSystem, flow_statistics
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent


@cache
def _spurious(name, width, starts):
    problem = TeacherStudent(Teacher.from_spec(name), width)
    found = find_minima(problem, starts=starts, seed=0)
    (family, *_) = (family for family in found.families if not family.is_global)
    return problem, family.weights


@pytest.mark.parametrize(
    ("teacher", "width", "starts"),
    [
        (Teacher.orthonormal(6), 6, 300),
        (Teacher.orthonormal(8), 8, 60),
        (Teacher.equicorrelated(5, -0.15), 5, 60),
        (Teacher.random(6, seed=0), 6, 40),
        (Teacher.orthonormal(4), 5, 20),
        (Teacher.orthonormal(7), 8, 40),
        (Teacher.random(4, seed=2), 2, 10),
    ],
)
def test_every_minimum_attracts_and_its_spectrum_is_the_predicted_one(teacher, width, starts):
    problem = TeacherStudent(teacher, width)
    found = find_minima(problem, starts=starts, seed=0)
    for family in found.families:
        result = attraction(problem, family.weights)
        assert result.mismatch < 1e-8
        assert result.rotation < 1e-8
        assert result.agrees
        assert is_attractive(problem, family.weights)
        flat = width > teacher.size
        assert result.stability is (Stability.NEUTRAL if flat else Stability.ATTRACTIVE)


def test_symmetric_saddle_repels():
    """One student for three teachers and two copies of it: splitting opens ways down."""
    problem = TeacherStudent(Teacher.orthonormal(3), 2)
    start = np.full((2, 3), 0.5)
    start[1] *= 0.5
    # The one-student minimum, split in two: DESIGN's closed form gives its direction.
    cosine = 1 / math.sqrt(3)
    angle = math.acos(cosine)
    length = 2 * 3 * (math.sin(angle) + (math.pi - angle) * cosine) / (2 * math.pi)
    start *= length / np.linalg.norm(start.sum(axis=0))
    result = attraction(problem, start)
    assert result.stability is Stability.REPELLING
    assert result.agrees
    assert result.mismatch < 1e-8
    assert not is_attractive(problem, start)


def test_perturbed_minimum_returns_at_the_slowest_rate():
    problem, weights = _spurious("orthonormal:8", 8, 60)
    result = attraction(problem, weights)
    system = StatisticsSystem(problem)
    jacobian = system.drift_jacobian(system.pack(weights))
    values, vectors = np.linalg.eig(jacobian)
    slowest = np.real(vectors[:, np.argmax(values.real)])
    inside = slowest[: weights.shape[0] * problem.rank].reshape(weights.shape[0], problem.rank)
    moved = weights[:, : problem.rank] + 1e-4 * inside / np.linalg.norm(inside)
    # A part outside the span as well.
    moved = np.hstack([moved, 1e-4 * np.eye(8)])
    flow = flow_statistics(
        problem,
        moved @ moved.T,
        moved[:, :8] @ problem.teacher.vectors.T,
        options=FlowOptions(longest=3000.0, speed=1e-10),
    )
    target = weights[:, :8] @ problem.teacher.vectors.T
    distances = np.linalg.norm(flow.overlap - target, axis=(1, 2))
    assert distances[-1] < 1e-6
    late = (flow.times > 0.4 * flow.times[-1]) & (distances > 1e-8)
    slope = np.polyfit(flow.times[late], np.log(distances[late]), 1)[0]
    assert slope == pytest.approx(result.eigenvalues[-1], rel=0.02)


def test_perturbed_saddle_leaves_at_the_largest_rate():
    problem = TeacherStudent(Teacher.orthonormal(1), 1)
    # The opposite half-line is a valley floor that ends at zero; a saddle of K = M = 2 instead:
    # both students at the one-student minimum of two teachers.
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    cosine = 1 / math.sqrt(2)
    angle = math.pi / 4
    length = 4 * (math.sin(angle) + (math.pi - angle) * cosine) / (2 * math.pi)
    start = np.outer([0.6, 0.4], [length * cosine] * 2)
    result = attraction(problem, start)
    assert result.stability is Stability.REPELLING
    rng = np.random.default_rng(0)
    # An index above 1: a perturbation leaves along the fastest direction in the end.
    moved = start + 1e-7 * rng.standard_normal((2, 2))
    flow = flow_statistics(
        problem, moved @ moved.T, moved, options=FlowOptions(longest=400.0, relative=1e-11)
    )
    away = np.linalg.norm(flow.overlap - start, axis=(1, 2))
    window = (away > 1e-5) & (away < 1e-3) & (flow.times < flow.times[np.argmax(away > 1e-3)])
    slope = np.polyfit(flow.times[window], np.log(away[window]), 1)[0]
    assert slope == pytest.approx(result.eigenvalues[-1], rel=0.1)


def test_critical_rates_in_closed_form():
    """K = M orthonormal. M = 1: A = 1/2, P = 1/2, so 2. M = 2, symmetric parts a I + b J."""
    expected = {1: 2.0}
    # M = 2: A = [[1/2, 1/4], [1/4, 1/2]]; on X = [[a, b], [b, a]]: (A X + X A) = [[a + b/2,
    # b + a/2], ...]. P(i,j,k,l) = 1/2 for one index, 1/4 for two:
    # (P X)_11 = a/2 + a/4 + b/2, (P X)_12 = a/2 + b/2.
    drift = np.array([[1.0, 0.5], [0.5, 1.0]])
    noise = np.array([[0.75, 0.5], [0.5, 0.5]])
    expected[2] = 1 / np.abs(np.linalg.eigvals(np.linalg.solve(drift, noise))).max()
    for size, value in expected.items():
        found = critical_rate(TeacherStudent(Teacher.orthonormal(size), size), np.eye(size))
        assert found == pytest.approx(value, rel=1e-12)
    assert expected[2] == pytest.approx(3 - math.sqrt(3), rel=1e-12)


def test_zero_loss_is_stable_below_the_critical_rate_only():
    teacher = Teacher.equicorrelated(3, 0.3)
    problem = TeacherStudent(teacher, 3)
    critical = critical_rate(problem, teacher.vectors)
    moved = np.hstack([teacher.vectors, 1e-4 * np.eye(3)])
    overlap = teacher.gram
    for factor, grows in ((0.9, False), (1.1, True)):
        flow = flow_statistics(
            problem,
            moved @ moved.T,
            overlap,
            rate=factor * critical,
            options=FlowOptions(longest=60.0, relative=1e-7, absolute=1e-13),
        )
        assert (flow.losses[-1] > flow.losses[len(flow.losses) // 2]) == grows


def test_displaced_fixed_point_is_where_the_flow_comes_to_rest():
    problem, weights = _spurious("random:5:seed=4", 5, 60)
    branch = follow_rate(problem, weights, options=BranchOptions(largest=0.2))
    assert branch.end is BranchEnd.LARGEST
    assert np.all(branch.slowest < 0)
    assert np.all(np.diff(branch.excess) > 0)
    n = len(branch.rates) // 2
    rate = float(branch.rates[n])
    flow = flow_statistics(
        problem,
        branch.student[0],
        branch.overlap[0],
        rate=rate,
        options=FlowOptions(longest=1e5, speed=1e-9, relative=1e-8, absolute=1e-10),
    )
    np.testing.assert_allclose(flow.student[-1], branch.student[n], atol=1e-5)
    np.testing.assert_allclose(flow.overlap[-1], branch.overlap[n], atol=1e-5)
    # To first order in the rate: dL = rate * tr(normal slope) is positive and linear.
    assert branch.excess[1] / branch.rates[1] == pytest.approx(
        branch.excess[2] / branch.rates[2], rel=0.05
    )


def test_fixed_point_vanishes_in_a_fold():
    problem, weights = _spurious("random:5:seed=4", 5, 60)
    branch = follow_rate(problem, weights)
    assert branch.end is BranchEnd.FOLD
    assert branch.vanishes is not None
    # The slowest eigenvalue passes zero at the fold.
    assert branch.slowest[-1] > 0 > branch.slowest[-2] > -0.2 * abs(branch.slowest[0])
    finer = follow_rate(problem, weights, options=BranchOptions(step=0.02))
    assert finer.vanishes == pytest.approx(branch.vanishes, rel=1e-4)
    # Above the fold nothing holds the flow; it leaves for zero loss or grows.
    flow = flow_statistics(
        problem,
        branch.student[-1],
        branch.overlap[-1],
        rate=1.05 * branch.vanishes,
        options=FlowOptions(longest=3000.0, relative=1e-6, absolute=1e-8),
    )
    distance = np.linalg.norm(flow.overlap[-1] - branch.overlap[-1])
    assert distance > 0.1


def test_excess_loss_of_ten_neurons_grows_up_to_the_fold():
    problem, weights = _spurious("orthonormal:10", 10, 20)
    branch = follow_rate(problem, weights)
    assert branch.end is BranchEnd.FOLD
    assert branch.vanishes is not None
    assert np.all(np.diff(branch.excess) > 0)
    # As with derivatives by differences, which took minutes.
    assert branch.vanishes == pytest.approx(0.34662, rel=1e-4)


def test_points_without_a_branch_are_refused():
    teacher = Teacher.orthonormal(2)
    with pytest.raises(InvalidArgument, match="positive loss"):
        follow_rate(TeacherStudent(teacher, 2), np.eye(2))
    with pytest.raises(InvalidArgument, match="isolated minimum"):
        follow_rate(TeacherStudent(teacher, 2), np.full((2, 2), 0.5) * [[0.7], [0.9]])
    with pytest.raises(InvalidArgument, match="zero loss"):
        critical_rate(TeacherStudent(teacher, 2), 2 * np.eye(2))
