"""Where training ends: the compiled flow, the counting, and published frequencies in small.

Established: the Runge-Kutta-Chebyshev flow ends where an accurate integrator ends; runs depend on
identity only, whatever jobs, interruptions and clusters do; published percentages
lie in the intervals (full sizes in verification/).
"""

from __future__ import annotations

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.kernels import flow as compiled
from landtopo.kernels.descent import descend_batch
from landtopo.kernels.fast import fast_gradient, fast_task
from landtopo.kernels.minimise import settle_batch
from landtopo.kernels.network import ReluNetwork
from landtopo.kernels.relu import batch_value_gradient, teacher_frame
from landtopo.models.networks.dynamics.ends import RunOptions, follow_runs
from landtopo.models.networks.dynamics.flow import FlowOptions, flow_weights
from landtopo.models.networks.dynamics.reachability import reachability
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.starts import GaussianStart, GivenStart, draw_start, start_generator
from landtopo.points.coverage import binomial_interval
from landtopo.points.records import Kind

ORTHONORMAL = Teacher.orthonormal(10)


class _Memory:
    def __init__(self):
        self.kept = {}

    def recall(self, key):
        return self.kept.get(key)

    def remember(self, key, value):
        self.kept[key] = value


def _starts(problem, count, distribution=None):
    return np.stack(
        [
            draw_start(
                problem, distribution or GaussianStart(), start_generator(0, problem.width, n)
            )
            for n in range(count)
        ]
    )


@pytest.mark.parametrize(
    ("teacher", "width"),
    [(Teacher.orthonormal(6), 6), (Teacher.random(4, seed=1), 4), (Teacher.orthonormal(3), 4)],
)
def test_compiled_flow_ends_where_the_accurate_flow_ends(teacher, width):
    problem = TeacherStudent(teacher, width)
    starts = _starts(problem, 4)
    network = PopulationLoss(problem).network(starts.shape[2])
    for start in starts:
        accurate = flow_weights(problem, start, options=FlowOptions(speed=1e-5)).weights[-1]
        errors = []
        for tolerance in (1e-3, 1e-5):
            end = start[None].copy()
            _, _, (status,), _ = compiled.flow_batch(end, network, tolerance, 1e-5, 1e6, 10**6)
            assert status == compiled.CONVERGED
            errors.append(np.linalg.norm(end[0] - accurate))
        # Both stop at |grad| = 1e-5, from sides that the last step decides.
        assert errors[1] < 5e-3
        assert errors[0] < 0.1


def test_compiled_flow_is_of_second_order():
    """Error at a fixed time against the tolerance: error per step ~ h^3, so global ~ tol^(2/3)."""
    problem = TeacherStudent(Teacher.orthonormal(4), 4)
    start = _starts(problem, 1)
    network = PopulationLoss(problem).network(4)
    exact = flow_weights(problem, start[0], options=FlowOptions(longest=8.0)).weights[-1]
    tolerances = np.array([1e-4, 1e-5, 1e-6, 1e-7])
    errors = []
    for tolerance in tolerances:
        end = start.copy()
        _, (time,), (status,), _ = compiled.flow_batch(end, network, tolerance, 1e-12, 8.0, 10**6)
        assert status == compiled.TOO_LONG
        assert time == pytest.approx(8.0, rel=1e-14)
        errors.append(np.linalg.norm(end[0] - exact))
    slope = np.polyfit(np.log(tolerances), np.log(errors), 1)[0]
    assert 0.55 < slope < 0.85


def test_flow_brings_a_superfluous_neuron_to_zero():
    """K = 2, M = 1, on the line: see test_dynamics_flow; the end is w = (1, 0)."""
    weights = np.array([[[1.5], [0.05]]])
    _, _, (status,), _ = compiled.flow_batch(
        weights, ReluNetwork(np.ones((1, 1)), 0.5, 2), 1e-5, 1e-9, 1e4, 10**6
    )
    assert status == compiled.CONVERGED
    assert weights[0, 1, 0] == 0
    assert weights[0, 0, 0] == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("extra", [0, 3])
@pytest.mark.parametrize(
    "teacher", [Teacher.orthonormal(7), Teacher.equicorrelated(4, 0.3), Teacher.random(5, seed=2)]
)
def test_fast_gradient_is_the_gradient(teacher, extra):
    """In general position, at all distances from the poles, and with a zero neuron."""
    width = teacher.size + 2
    rng = np.random.default_rng(0)
    rows, _ = teacher_frame(teacher.vectors, teacher.rank + extra)
    task = fast_task(width, rows)
    for distance in (1.0, 0.1, 1e-3, 1e-6, 1e-9, 1e-13, 0.0):
        weights = 0.4 * rng.standard_normal((width, teacher.rank + extra))
        weights[0] = 1.3 * rows[0] + distance * weights[1]
        weights[1] = -0.7 * rows[1] + distance * weights[2]
        weights[2] = -0.2 * weights[0] + distance * weights[3]
        weights[3] = 0.8 * weights[1] + distance * weights[4]
        weights[4] *= distance
        gradient = np.empty_like(weights)
        fast_gradient(task, weights, gradient)
        _, exact = batch_value_gradient(weights[None], rows, 0.0, True)
        # Sums of 16 terms of order one.
        np.testing.assert_allclose(gradient, exact[0], atol=4e-15)


def test_descent_of_a_run_does_not_depend_on_the_batch():
    problem = TeacherStudent(Teacher.orthonormal(6), 6)
    many = follow_runs(problem, GaussianStart(), RunOptions(method="gd"), 3, 0, 9)
    one = follow_runs(problem, GaussianStart(), RunOptions(method="gd"), 3, 7, 8)
    np.testing.assert_array_equal(many["weights"][7], one["weights"][0])
    assert many["evaluations"][7] == one["evaluations"][0]


@pytest.mark.parametrize("method", ["flow", "gd"])
def test_certain_basins_are_those_that_long_runs_end_in(method):
    """Against plain runs to |grad| = 1e-7, where nothing is left to decide."""
    problem = TeacherStudent(ORTHONORMAL, 10)
    ends = follow_runs(problem, GaussianStart(), RunOptions(method=method), 0, 0, 60)["weights"]
    network = PopulationLoss(problem).network(10)
    far = _starts(problem, 60)
    if method == "gd":
        descend_batch(far, network, 0.1, 1e-7, 10**6)
    else:
        compiled.flow_batch(far, network, 1e-6, 1e-7, 1e7, 10**7)
    np.testing.assert_allclose(ends, far, atol=1e-3)


def test_newton_is_not_trusted_beside_a_saddle_or_far_from_a_minimum():
    teacher = Teacher.orthonormal(2)
    problem = TeacherStudent(teacher, 2)
    network = PopulationLoss(problem).network(2)
    saddle = reachability(problem, runs=1, init="gaussian:1:dim=inf").families[0].weights
    rng = np.random.default_rng(0)
    near_saddle = saddle[:, :2] + 1e-5 * rng.standard_normal((2, 2))
    near_minimum = teacher.vectors + 1e-2 * rng.standard_normal((2, 2))
    far = teacher.vectors + 0.2 * rng.standard_normal((2, 2))
    points = np.stack([near_saddle, near_minimum, far])
    given = points.copy()
    norms, _ = settle_batch(points, network, 1e-12, 0.05, 0.05)
    np.testing.assert_array_equal(np.isfinite(norms), [False, True, False])
    np.testing.assert_allclose(points[1], teacher.vectors, atol=1e-12)
    np.testing.assert_array_equal(points[[0, 2]], given[[0, 2]])


def test_ends_are_those_of_accurate_flows():
    problem = TeacherStudent(Teacher.random(6, seed=0), 6)
    ends = follow_runs(problem, GaussianStart(), RunOptions(), 0, 0, 12)
    assert np.all(ends["status"] == 0)
    assert np.all(ends["grad_norm"] <= 1e-12)
    for run, start in enumerate(_starts(problem, 12)):
        accurate = flow_weights(problem, start, options=FlowOptions(relative=1e-8))
        assert np.linalg.norm(accurate.weights[-1] - ends["weights"][run]) < 1e-5


def test_run_at_a_symmetric_saddle_is_counted_as_such():
    problem = TeacherStudent(Teacher.orthonormal(3), 3)
    result = reachability(problem, runs=5, init="gaussian:1:dim=inf")
    (family,) = result.families
    assert family.point.kind is Kind.SADDLE
    assert [share.label for share in result.by_anti_aligned()] == ["saddle"]
    assert result.global_share().count == 0


def test_run_that_passes_close_to_a_saddle_ends_in_a_minimum():
    """Started 1e-6 from the symmetric saddle of two students: |grad| < basin, yet no end."""
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    saddle = reachability(problem, runs=1, init="gaussian:1:dim=inf").families[0].weights
    start = saddle[:, :2] + 1e-6 * np.random.default_rng(1).standard_normal((2, 2))
    ends = follow_runs(problem, GivenStart(weights=start), RunOptions(), 0, 0, 1)
    assert ends["loss"][0] < 1e-15
    assert ends["time"][0] > 20


def test_unfinished_runs_are_counted():
    problem = TeacherStudent(Teacher.orthonormal(4), 4)
    result = reachability(problem, runs=6, options=RunOptions(longest=1.0))
    assert result.unfinished == 6
    assert result.families == ()
    assert [share.label for share in result.shares()] == ["unfinished"]


@pytest.mark.parametrize("method", ["flow", "gd"])
def test_frequencies_of_ten_neurons_agree_with_published_ones(method):
    """Safran and Shamir 2018: 34.6 % of 1000 runs of gradient descent end in spurious minima."""
    problem = TeacherStudent(ORTHONORMAL, 10)
    result = reachability(problem, runs=200, options=RunOptions(method=method))
    assert result.unfinished == 0
    spurious = result.share([f for f in result.families if not f.is_global], "spurious")
    low, high = binomial_interval(spurious.count, 200, level=0.999)
    assert low < 0.346 < high
    assert {family.anti_aligned for family in result.families} >= {0, 1}


def test_sgd_from_high_dimension_ends_in_the_same_families():
    problem = TeacherStudent(Teacher.orthonormal(4), 4, 2000)
    options = RunOptions(method="sgd", rate=0.2, duration=40.0)
    result = reachability(problem, runs=6, options=options)
    assert result.global_share().count == 6
    assert np.all(result.times > 40)


def test_diverging_sgd_is_counted_as_diverged():
    problem = TeacherStudent(Teacher.orthonormal(4), 4, 100)
    options = RunOptions(method="sgd", rate=5.0, duration=300.0)
    with np.errstate(over="ignore", invalid="ignore"):
        result = reachability(problem, runs=3, options=options)
    assert (result.diverged, result.unfinished) == (3, 0)


def test_jobs_and_interruptions_change_nothing():
    problem = TeacherStudent(Teacher.orthonormal(5), 5)
    memory = _Memory()
    one = reachability(problem, runs=120, seed=4, journal=memory)
    assert len(memory.kept) == 3
    two = reachability(problem, runs=120, seed=4, jobs=2)
    np.testing.assert_array_equal(one.attempts.weights, two.attempts.weights)
    del memory.kept[next(iter(memory.kept))]
    three = reachability(problem, runs=170, seed=4, journal=memory)
    np.testing.assert_array_equal(one.attempts.weights, three.attempts.weights[:120])
    assert one.shares() == two.shares()
    # Other options are other runs.
    reachability(problem, runs=50, seed=4, journal=memory, options=RunOptions(accuracy=1e-3))
    assert len(memory.kept) == 6


def test_bars_show_all_runs():
    import matplotlib as mpl

    mpl.use("Agg")
    from landtopo.plot.reached import reached

    results = [
        reachability(TeacherStudent(Teacher.orthonormal(6), width), runs=40, seed=1)
        for width in (7, 6)
    ]
    axes = reached([results[0], results[1].record()])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["6", "7"]
    tops = {}
    for bar in axes.patches:
        tops[bar.get_x()] = max(tops.get(bar.get_x(), 0.0), bar.get_y() + bar.get_height())
    assert list(tops.values()) == [pytest.approx(100.0)] * 2
    with pytest.raises(InvalidArgument, match="'results'"):
        reached([])


@pytest.mark.parametrize("method", ["flow", "gd"])
def test_units_change_nothing(method):
    """A teacher 2^-20 times as long: the same runs, weights 2^-20, losses 2^-40 times as large."""
    scale = 2.0**-20
    teacher = Teacher.random(5, seed=4)
    small = Teacher.from_vectors(scale * teacher.vectors)
    options = RunOptions(method=method)
    one = reachability(TeacherStudent(teacher, 5), runs=30, options=options)
    weights = _starts(TeacherStudent(teacher, 5), 1)[0]
    given = [GivenStart(weights=factor * weights) for factor in (1.0, scale)]
    two = [
        reachability(TeacherStudent(t, 5), runs=1, init=init, options=options)
        for t, init in zip((teacher, small), given, strict=True)
    ]
    np.testing.assert_array_equal(one.attempts.weights[0], two[0].attempts.weights[0])
    np.testing.assert_allclose(
        two[1].attempts.weights, scale * two[0].attempts.weights, rtol=0, atol=1e-9 * scale
    )
    assert two[1].families[0].is_global == two[0].families[0].is_global
    np.testing.assert_allclose(two[1].times, two[0].times)


def test_shares_of_known_families():
    problem = TeacherStudent(ORTHONORMAL, 10)
    known = find_minima(problem, starts=60, seed=1).families
    result = reachability(problem, runs=60, seed=2)
    matched = result.matched(known[:1])
    assert matched[known[0].id].count == result.global_share().count
    assert matched["elsewhere"].count == 60 - result.global_share().count
    record = result.record()
    assert sum(row["count"] for row in record["families"]) == 60
    assert record["options"]["method"] == "flow"


def test_arguments_are_checked():
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    with pytest.raises(InvalidArgument, match="method"):
        RunOptions(method="adam")
    with pytest.raises(InvalidArgument, match="'step'"):
        RunOptions(step=0.0)
    with pytest.raises(InvalidArgument, match="finite dimension"):
        reachability(problem, options=RunOptions(method="sgd"))
    with pytest.raises(InvalidArgument, match="'confidence'"):
        reachability(problem, confidence=1.0)
    with pytest.raises(InvalidArgument, match="'runs'"):
        reachability(problem, runs=0)
