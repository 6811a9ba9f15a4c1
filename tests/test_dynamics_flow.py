"""Gradient flow of weights and of (Q, R): one flow in two descriptions, and known solutions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from landtopo.errors import InvalidArgument
from landtopo.models.networks.dynamics.flow import FlowOptions, FlowStatus, flow_weights
from landtopo.models.networks.dynamics.statistics_flow import (
    StatisticsSystem,
    flow_statistics,
    loss_from_statistics,
)
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.starts import GaussianStart
from landtopo.models.networks.statistics import flow_field, summary_statistics
from landtopo.wording import known_digits


def _start(problem, seed):
    columns = problem.rank + problem.extra
    rng = np.random.default_rng(seed)
    return rng.standard_normal((problem.width, columns)) / np.sqrt(columns)


@pytest.mark.parametrize(
    ("teacher", "width"),
    [
        (Teacher.orthonormal(3), 3),
        (Teacher.random(3, seed=1), 2),
        (Teacher.equicorrelated(4, 0.3), 5),
        (Teacher.from_vectors([[1.0, 0], [-0.5, 0.8], [-0.5, -0.8]]), 3),
    ],
)
def test_flow_of_statistics_is_the_flow_of_weights(teacher, width):
    problem = TeacherStudent(teacher, width)
    weights = _start(problem, 0)
    options = FlowOptions(longest=60.0)
    one = flow_weights(problem, weights, options=options)
    statistics = summary_statistics(teacher, weights)
    system = StatisticsSystem(problem)
    times = np.linspace(0, one.times[-1], 100)
    two = solve_ivp(
        lambda _, state: system.field(state),
        (0.0, one.times[-1]),
        system.pack(weights),
        method="DOP853",
        t_eval=times,
        rtol=1e-10,
        atol=1e-12,
    )
    path = one.at(times)
    student, overlap = system.statistics(two.y.T)
    np.testing.assert_allclose(path @ path.transpose(0, 2, 1), student, atol=1e-8)
    inside = path[:, :, : teacher.rank]
    np.testing.assert_allclose(inside @ teacher.vectors.T, overlap, atol=1e-8)
    assert min(system.lowest_eigenvalue(state) for state in two.y.T) > -1e-8
    whole = flow_statistics(problem, statistics.student, statistics.overlap, options=options)
    for mine, theirs in zip(whole.at(times), (student, overlap), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-7)
    assert np.all(np.diff(one.losses) < 1e-15)


def test_system_agrees_with_the_flow_field_of_the_statistics():
    teacher = Teacher.random(3, seed=4)
    problem = TeacherStudent(teacher, 4)
    weights = _start(problem, 1)
    system = StatisticsSystem(problem)
    student_dot, overlap_dot = system.statistics(system.field(system.pack(weights)))
    q_dot, r_dot = flow_field(summary_statistics(teacher, weights))
    np.testing.assert_allclose(student_dot, q_dot, atol=1e-13)
    np.testing.assert_allclose(overlap_dot, r_dot, atol=1e-13)


def test_finite_rate_adds_the_square_of_the_rate_times_the_noise():
    from landtopo.models.networks.dynamics.noise import noise_term

    teacher = Teacher.orthonormal(3)
    problem = TeacherStudent(teacher, 3)
    weights = _start(problem, 2)
    state = StatisticsSystem(problem).pack(weights)
    slow = StatisticsSystem(problem).field(state)
    fast = StatisticsSystem(problem, 0.3).field(state)
    student, overlap = StatisticsSystem(problem).statistics((fast - 0.3 * slow) / 0.09)
    np.testing.assert_allclose(student, noise_term(teacher, weights).matrix, atol=1e-12)
    np.testing.assert_allclose(overlap, 0, atol=1e-12)


def test_one_neuron_along_its_teacher_is_an_exponential():
    """W = q v outside nothing else: dq/dt = -(q - 1)/2, so q = 1 + (q0 - 1) exp(-t/2)."""
    problem = TeacherStudent(Teacher.orthonormal(1), 1)
    flow = flow_weights(problem, [[3.0]])
    assert flow.status is FlowStatus.CONVERGED
    times = np.linspace(0, 20, 41)
    np.testing.assert_allclose(flow.at(times)[:, 0, 0], 1 + 2 * np.exp(-times / 2), atol=1e-9)


@pytest.mark.parametrize(("size", "width"), [(6, 6), (3, 5)])
def test_the_loss_of_the_statistics_falls_to_the_end(size, width):
    """An error of 1e-11 in Q is one of that size in the loss: 0.1.0 ended with 2e-11 to 3.5e-11."""
    problem = TeacherStudent(Teacher.orthonormal(size), width)
    weights = GaussianStart().draw(problem, np.random.default_rng(0))
    statistics = summary_statistics(problem.teacher, weights)
    flow = flow_statistics(problem, statistics.student, statistics.overlap)
    assert np.all(np.diff(flow.losses) < 0)
    assert 0 < flow.losses[-1] < 1e-13
    # At rest the loss is of second order in the speed.
    assert np.all(flow.loss_errors < 0.2 * flow.losses + 1e-15)


def test_errors_of_the_loss_are_those_against_the_exact_solution():
    """K = M = 1: L = (w - 1)^2 / 4 with w = 1 + 2 exp(-t/2), down to squares of rounding."""
    problem = TeacherStudent(Teacher.orthonormal(1), 1)
    flow = flow_statistics(problem, [[9.0]], [[3.0]])
    exact = np.exp(-flow.times)
    assert np.all(np.abs(flow.losses - exact) <= flow.loss_errors + 1e-15 * exact)
    # The loss has come down to 1e-18.
    assert flow.loss_errors[-1] < 0.2 * flow.losses[-1]
    # At a finite rate the error of Q remains, and is said.
    noisy = flow_statistics(
        problem, [[1.0]], [[0.3]], rate=0.5, options=FlowOptions(longest=60.0, relative=1e-7)
    )
    finer = flow_statistics(
        problem, [[1.0]], [[0.3]], rate=0.5, options=FlowOptions(longest=60.0, relative=1e-11)
    )
    apart = loss_from_statistics(*finer.at(noisy.times), problem.teacher.gram) - noisy.losses
    assert np.all(np.abs(apart) <= noisy.loss_errors + 1e-12)
    assert noisy.loss_errors.max() > 1e-10


def test_a_number_is_told_with_the_digits_that_its_error_leaves():
    assert known_digits(0.12345678901234, 0.0) == "0.123456789"
    assert known_digits(0.12345678901234, 3e-6) == "0.12346"
    assert known_digits(3.5e-11, 2.0e-12) == "3.5e-11"
    assert known_digits(3.5e-11, 4.1e-11) == "<5e-11"
    assert known_digits(0.0, 0.0) == "0"
    assert known_digits(float("nan"), 0.1) == "-"


def test_critical_rate_of_one_neuron():
    """K = M = 1: the teacher is reached below the rate at which zero loss loses its stability, 2.

    Around zero loss a part q outside the span has dq/dt = -eta q + eta^2 q / 2.
    """
    teacher = Teacher.orthonormal(1)
    problem = TeacherStudent(teacher, 1)
    rate = 0.5
    options = FlowOptions(longest=200.0, relative=1e-8, absolute=1e-10, speed=1e-8)
    flow = flow_statistics(problem, [[1.0]], [[0.3]], rate=rate, options=options)
    assert abs(flow.student[-1, 0, 0] - 1) < 1e-6
    assert abs(flow.overlap[-1, 0, 0] - 1) < 1e-6
    assert flow.noise_error < 1e-6
    above = flow_statistics(
        problem,
        [[1.0]],
        [[0.9]],
        rate=2.2,
        options=FlowOptions(longest=20.0, relative=1e-7, absolute=1e-9),
    )
    assert above.losses[-1] > above.losses[0]


def test_opposite_neuron_decays():
    """Beside a student equal to the teacher, an opposite one only shrinks, like exp(-t/2)."""
    problem = TeacherStudent(Teacher.orthonormal(1), 2)
    flow = flow_weights(problem, [[1.0], [-0.5]], options=FlowOptions(longest=30.0))
    np.testing.assert_allclose(flow.weights[:, 1, 0], -0.5 * np.exp(-flow.times / 2), atol=1e-9)
    np.testing.assert_allclose(flow.weights[:, 0, 0], 1, atol=1e-12)


def test_superfluous_neuron_vanishes_in_finite_time():
    """K = 2, M = 1: psi > 0 around a small neuron beside a too long one, so it shrinks to zero."""
    problem = TeacherStudent(Teacher.orthonormal(1), 2)
    flow = flow_weights(problem, [[1.5], [0.05]], options=FlowOptions(longest=100.0))
    ((time, neuron),) = flow.zeroed
    # While both are positive: dw/dt = -(w1 + w2 - 1)/2 for each, so w2 hits zero on the way.
    assert neuron == 1
    # w1 + w2 - 1 = 0.55 exp(-t), w2 = 0.05 - 0.275 (1 - exp(-t)).
    assert time == pytest.approx(-np.log(1 - 0.05 / 0.275), rel=1e-6)
    assert flow.weights[-1, 1, 0] == 0
    assert flow.weights[-1, 0, 0] == pytest.approx(1, abs=1e-8)


def test_statuses_and_events():
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    weights = _start(problem, 0)
    assert (
        flow_weights(problem, weights, options=FlowOptions(longest=1.0)).status is FlowStatus.TIME
    )
    done = flow_weights(problem, weights)
    assert done.status is FlowStatus.CONVERGED
    assert done.grad_norms[-1] == pytest.approx(done.options.speed, rel=1e-2)
    again = flow_weights(problem, Teacher.orthonormal(2).vectors)
    assert again.status is FlowStatus.CONVERGED
    assert len(again.times) == 1
    with pytest.raises(InvalidArgument, match="within the trajectory"):
        done.at(done.times[-1] + 1)
    with pytest.raises(InvalidArgument, match="rate"):
        flow_statistics(problem, np.eye(2), np.zeros((2, 2)), rate=-1.0)
    with pytest.raises(InvalidArgument, match="zero neurons"):
        flow_statistics(problem, np.diag([1.0, 0.0]), np.zeros((2, 2)))


def test_loss_from_statistics_is_the_loss():
    teacher = Teacher.random(4, seed=2)
    problem = TeacherStudent(teacher, 3)
    batch = np.array([_start(problem, seed) for seed in range(5)])
    student = batch @ batch.transpose(0, 2, 1)
    overlap = batch[:, :, : teacher.rank] @ teacher.vectors.T
    np.testing.assert_allclose(
        loss_from_statistics(student, overlap, teacher.gram),
        PopulationLoss(problem).value(batch),
        atol=1e-14,
    )
