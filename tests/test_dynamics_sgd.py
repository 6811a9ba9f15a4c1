"""One-pass SGD at finite d: the reduced process is the direct one, and tends to the flow.

Established: coupled to the same samples, the reduced and the direct step give the same (Q, R) to
rounding (the proof in `networks.dynamics.simulator`, executed); drawn independently they agree in
law; the mean of runs follows the flow with the noise term and not the one without; deviations
shrink like 1/sqrt(d).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from landtopo.errors import InvalidArgument
from landtopo.models.networks.dynamics.flow import FlowOptions
from landtopo.models.networks.dynamics.sgd import run_sgd
from landtopo.models.networks.dynamics.simulator import reduced_step
from landtopo.models.networks.dynamics.statistics_flow import flow_statistics
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.starts import GaussianStart, OrthogonalStart
from landtopo.models.networks.statistics import summary_statistics

COARSE = FlowOptions(longest=20.0, relative=1e-8, absolute=1e-10)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_reduced_step_is_the_direct_step(width):
    rng = np.random.default_rng(width)
    size, rank, dim, rate = 4, 3, 25, 0.01
    teacher = rng.standard_normal((size, rank))
    weights = rng.standard_normal((width, dim)) / np.sqrt(dim)
    reduced = np.hstack([weights[:, :rank], np.linalg.qr(weights[:, rank:].T, mode="r").T])
    scratch = np.empty(width)
    for _ in range(300):
        sample = rng.standard_normal(dim)
        basis = np.linalg.solve(reduced[:, rank:], weights[:, rank:])
        outside = basis @ sample[rank:]
        rest = np.linalg.norm(sample[rank:] - outside @ basis)
        reduced_step(
            reduced, teacher, rate, np.concatenate([sample[:rank], outside]), rest, scratch
        )
        z = weights @ sample
        error = np.maximum(z, 0).sum() - np.maximum(teacher @ sample[:rank], 0).sum()
        weights -= rate * error * np.outer(z > 0, sample)
        # 300 steps of backward-stable rotations.
        np.testing.assert_allclose(weights @ weights.T, reduced @ reduced.T, atol=1e-12)
        np.testing.assert_allclose(weights[:, :rank], reduced[:, :rank], atol=1e-12)
        assert not np.triu(reduced[:, rank:], 1).any()


def test_reduced_and_direct_runs_have_the_same_law():
    problem = TeacherStudent(Teacher.equicorrelated(2, 0.2), 3, 30)
    arguments = {"rate": 0.8, "times": [0.0, 2.0, 6.0], "runs": 1500}
    one = run_sgd(problem, GaussianStart(), method="reduced", seed=1, **arguments)
    two = run_sgd(problem, GaussianStart(), method="direct", seed=2, **arguments)
    for t in range(3):
        for pick in (
            lambda run, t=t: run.losses[:, t],
            lambda run, t=t: run.student[:, t, 0, 0],
            lambda run, t=t: run.student[:, t, 0, 1],
            lambda run, t=t: run.overlap[:, t, 1, 1],
        ):
            # 12 comparisons: a level of 1e-4 each.
            assert stats.ks_2samp(pick(one), pick(two)).pvalue > 1e-4


def test_dimension_without_room_outside_is_run_directly():
    problem = TeacherStudent(Teacher.orthonormal(2), 3, 4)
    one = run_sgd(problem, GaussianStart(), rate=0.1, times=[5.0], runs=3)
    two = run_sgd(problem, GaussianStart(), rate=0.1, times=[5.0], runs=3, method="direct")
    np.testing.assert_array_equal(one.student, two.student)
    assert one.weights.shape == (3, 3, 4)


@pytest.mark.parametrize(("width", "rate", "longest"), [(2, 0.1, 20), (2, 1.0, 10), (3, 0.1, 20)])
def test_mean_follows_the_flow_with_the_noise_term_only(width, rate, longest):
    teacher = Teacher.orthonormal(width)
    weights = np.random.default_rng(0).standard_normal((width, 2 * width)) / 2
    start = summary_statistics(teacher, weights)
    times = np.linspace(0, longest, 6)
    infinite = TeacherStudent(teacher, width)
    with_noise = flow_statistics(
        infinite, start.student, start.overlap, rate=rate, options=COARSE
    ).at(times)
    without = flow_statistics(infinite, start.student, start.overlap, options=COARSE).at(
        times * rate
    )
    for dim in (1000, 4000):
        runs = run_sgd(
            TeacherStudent(teacher, width, dim), weights, rate=rate, times=times, runs=40
        )
        for n, found in enumerate((runs.student, runs.overlap)):
            band = found.std(axis=0)[1:] / np.sqrt(len(found)) + 2.0 / dim
            mean = found.mean(axis=0)[1:]
            # Five standard errors, of which a systematic part of order 1/d is allowed.
            assert np.all(np.abs(mean - with_noise[n][1:]) < 5 * band)
            if n == 0:
                # The flow without noise leaves the band.
                assert np.max(np.abs(mean - without[n][1:]) / band) > 5


def test_above_the_critical_rate_runs_and_flow_grow_together():
    """K = M = 3, rate 1: zero loss is unstable, and the loss grows in both descriptions."""
    teacher = Teacher.orthonormal(3)
    weights = np.random.default_rng(0).standard_normal((3, 6)) / 2
    start = summary_statistics(teacher, weights)
    times = np.array([0.0, 3.0, 9.0])
    flow = flow_statistics(
        TeacherStudent(teacher, 3), start.student, start.overlap, rate=1.0, options=COARSE
    )
    student, _ = flow.at(times)
    for dim in (1000, 4000):
        runs = run_sgd(TeacherStudent(teacher, 3, dim), weights, rate=1.0, times=times, runs=60)
        spread = runs.student.std(axis=0)
        assert np.all(np.abs(runs.student.mean(axis=0) - student) < spread + 1e-12)
        assert runs.losses[:, -1].mean() > 1.5 * runs.losses[:, 1].mean()


def test_fluctuations_shrink_like_the_square_root_of_the_dimension():
    teacher = Teacher.orthonormal(2)
    weights = np.random.default_rng(1).standard_normal((2, 4)) / 2
    dims = np.array([250, 1000, 4000, 16000])
    spreads = []
    for dim in dims:
        runs = run_sgd(
            TeacherStudent(teacher, 2, int(dim)), weights, rate=0.5, times=[3.0], runs=80
        )
        spreads.append(np.sqrt(runs.student[:, 0].var(axis=0).mean()))
    slope = np.polyfit(np.log(dims), np.log(spreads), 1)[0]
    # Each spread is known to 1/sqrt(2 80) = 8 %: the slope over four points to 0.03.
    assert abs(slope + 0.5) < 0.1


def test_runs_depend_on_identity_only():
    problem = TeacherStudent(Teacher.orthonormal(2), 2, 100)
    many = run_sgd(problem, OrthogonalStart(), rate=0.5, times=[1.0, 2.0], runs=5, seed=3)
    last = run_sgd(
        problem, OrthogonalStart(), rate=0.5, times=[1.0, 2.0], runs=1, first_run=4, seed=3
    )
    np.testing.assert_array_equal(many.student[4], last.student[0])
    np.testing.assert_array_equal(many.weights[4], last.weights[0])
    np.testing.assert_allclose(last.weights[0] @ last.weights[0].T, last.student[0, -1], atol=1e-13)
    assert not np.array_equal(many.student[0], many.student[1])


def test_arguments_are_checked():
    problem = TeacherStudent(Teacher.orthonormal(2), 2, 10)
    with pytest.raises(InvalidArgument, match="finite dimension"):
        run_sgd(TeacherStudent(Teacher.orthonormal(2), 2), np.eye(2), rate=0.1, times=[1.0])
    with pytest.raises(InvalidArgument, match="'rate'"):
        run_sgd(problem, np.eye(2), rate=0.0, times=[1.0])
    with pytest.raises(InvalidArgument, match="'times'"):
        run_sgd(problem, np.eye(2), rate=0.1, times=[2.0, 1.0])
    with pytest.raises(InvalidArgument, match="'start'"):
        run_sgd(problem, np.eye(3), rate=0.1, times=[1.0])
    with pytest.raises(InvalidArgument, match="'method'"):
        run_sgd(problem, np.eye(2), rate=0.1, times=[1.0], method="fast")
