"""Flat directions of networks: the measured null space against the reduced network's exact answer.

Independent routes: spectrum, traced curves and growth laws on one side; counting of neurons, the
law of splitting and the cubic law of parallel neurons on the other.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.flat.correct import correct
from landtopo.flat.local import DirectionKind
from landtopo.flat.trace import TraceOptions, TraceStop, trace
from landtopo.models.networks.flat.cells import cell_complex
from landtopo.models.networks.flat.cubic import cubic_coefficient
from landtopo.models.networks.flat.directions import flat_directions
from landtopo.models.networks.flat.records import FLAT_COLUMNS, flat_record, flat_row
from landtopo.models.networks.flat.report import FlatReport, FlatStatus
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array


def split_minimum(teacher: Teacher, width: int, seed: int) -> Array:
    """A global minimum with all neurons non-zero."""
    rng = np.random.default_rng(seed)
    m = teacher.size
    labels = rng.permutation(np.concatenate([np.arange(m), rng.integers(0, m, width - m)]))
    shares = rng.uniform(0.2, 1.0, width)
    for j in range(m):
        shares[labels == j] /= shares[labels == j].sum()
    return shares[:, None] * teacher.vectors[labels]


@pytest.fixture(scope="module")
def spurious() -> Array:
    """The spurious minimum of K = M = 6 with one anti-aligned neuron, by Newton from its shape."""
    start = np.eye(6) * 1.03
    start[0] = -0.4
    objective = WeightObjective(PopulationLoss(TeacherStudent(Teacher.orthonormal(6), 6)))
    rng = np.random.default_rng(0)
    for _ in range(200):
        x = (start + 0.15 * rng.standard_normal((6, 6))).ravel()
        for _ in range(3000):
            x = x - 0.3 * objective.value_and_gradient(x)[1]
        found = correct(objective, x)
        if found.value > 1e-3 and np.linalg.eigvalsh(objective.hessian(found.x))[0] > 0:
            assert found.value == pytest.approx(0.0250805810, abs=1e-9)
            return objective.weights(found.x)
    raise AssertionError("not found")


def curved_rows(report: FlatReport):
    return [row for row in report.directions if row.kind is DirectionKind.CURVED]


@pytest.mark.parametrize(
    ("m", "width", "dim"),
    [(4, 5, 4), (6, 7, 6), (6, 8, 6), (4, 5, 6), (4, 6, 7), (3, 5, None), (1, 3, 4)],
)
@pytest.mark.parametrize("kind", ["orthonormal", "equicorrelated", "random"])
def test_zero_loss_points(m, width, dim, kind):
    teacher = {
        "orthonormal": Teacher.orthonormal(m),
        "equicorrelated": Teacher.equicorrelated(m, 0.4),
        "random": Teacher.random(m, dim=m + 2, seed=m),
    }[kind]
    problem = TeacherStudent(teacher, width, dim)
    report = flat_directions(problem, split_minimum(teacher, width, seed=width))
    spare = width - m
    dimensions = m + width if dim is None else dim  # K neurons reach no more than K unused ones
    assert report.status is FlatStatus.DONE
    assert report.zero_loss
    assert report.nullity == dimensions * spare
    assert report.index == 0
    assert report.gap > 1e6
    assert report.flat_dimension == report.traced_dimension == report.flat == spare
    assert report.curved == (dimensions - 1) * spare
    assert report.gauge == 0
    for row in curved_rows(report):
        for law in row.growth.laws:
            assert law.exponent == pytest.approx(3, rel=0.02)
            assert law.exponent_error < 0.01
            assert law.decades >= 2
            assert law.coefficient == pytest.approx(row.analytic_coefficient, rel=1e-3)
    for row in report.directions:
        for walk in row.traces:
            assert walk.stop is TraceStop.CORNER
            assert walk.loss_change <= 1e-13 * np.trace(teacher.gram)
            assert walk.largest_gradient <= 1e-11
    assert report.corners
    assert all(corner.loss < 1e-20 for corner in report.corners)
    assert report.disagreements == ()


def test_cubic_law_without_fits():
    """The closed form against the loss itself, with all digits, at a small step."""
    teacher = Teacher.equicorrelated(3, 0.2)
    problem = TeacherStudent(teacher, 5)
    weights = np.zeros((5, 4))
    weights[:, :3] = split_minimum(teacher, 5, seed=3)
    report = flat_directions(problem, weights)
    loss = PopulationLoss(problem)
    for row in curved_rows(report):
        step = 1e-4
        value = float(loss.value(weights + step * row.vector))
        expected = cubic_coefficient(teacher, weights, row.vector) * step**3
        # What is not relaxed is of fourth order.
        assert value == pytest.approx(expected, rel=0.02)


def test_losses_along_curved_directions_grow_with_the_third_power():
    """Not the slopes but the stored losses themselves, fitted over two decades."""
    problem = TeacherStudent(Teacher.orthonormal(4), 5, 5)
    report = flat_directions(problem, split_minimum(problem.teacher, 5, seed=1))
    for row in curved_rows(report):
        for losses in row.growth.losses:
            seen = np.isfinite(losses)
            slope = np.polyfit(np.log(row.growth.steps[seen]), np.log(losses[seen]), 1)[0]
            assert slope == pytest.approx(3, rel=0.02)
            assert np.log10(np.ptp(row.growth.steps[seen])) > -3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("neuron", [0, 3])
def test_split_spurious_minimum(spurious, share, neuron):
    problem = TeacherStudent(Teacher.orthonormal(6), 7)
    weights = np.vstack([spurious, (1 - share) * spurious[neuron]])
    weights[neuron] *= share
    report = flat_directions(problem, weights)
    split = report.splits[list(report.reduced.assignment).index(report.reduced.assignment[neuron])]
    assert report.nullity == 1
    assert report.flat_dimension == report.traced_dimension == report.flat == 1
    # Index of the narrow minimum, 0, plus the negative eigenvalues of H'_kk and of A_kk - 1/2.
    theory = np.sum(split.eigenvalues < 0) + 7 * (split.normal < 0)
    assert report.index == report.predicted_index == theory > 0
    (row,) = [row for row in report.directions if row.kind is DirectionKind.FLAT]
    assert [walk.stop for walk in row.traces] == [TraceStop.CORNER] * 2
    length = np.linalg.norm(spurious[neuron]) * np.sqrt(2)
    assert sum(walk.length for walk in row.traces) == pytest.approx(length, rel=1e-9)
    assert max(walk.loss_change for walk in row.traces) <= 1e-13 * 6
    assert {corner.zero_neurons for corner in report.corners} == {(neuron,), (6,)}
    (line,) = report.stability
    assert len(set(line.index)) == 1
    assert line.crossings == ()
    assert report.disagreements == ()


def test_isolated_minima_have_no_null_space(spurious):
    teacher = Teacher.orthonormal(6)
    for weights in (np.eye(6), spurious):
        report = flat_directions(TeacherStudent(teacher, 6), weights)
        assert (report.index, report.nullity, report.flat_dimension) == (0, 0, 0)
        assert report.directions == ()
        assert report.cells.components == 720
        assert report.disagreements == ()
    assert report.eigenvalues[0] == pytest.approx(0.0047003547, abs=1e-9)


def test_a_zero_neuron_corner():
    teacher = Teacher.orthonormal(4)
    weights = np.vstack([np.zeros((2, 4)), np.eye(4)])
    report = flat_directions(TeacherStudent(teacher, 6), weights)
    # The four neurons that are left are an isolated minimum, but the corner is part of a flat set.
    assert report.nullity == 0
    assert report.flat_dimension == report.traced_dimension == 2
    assert report.corners[0].zero_neurons == (0, 1)
    assert report.corners[0].segments == 2 * 4
    assert report.disagreements == ()


def transition(dim: int | None) -> tuple[TeacherStudent, Array]:
    """The lowest saddle between the two copies of the global minimum, K = M = 2."""
    problem = TeacherStudent(Teacher.orthonormal(2), 2, dim)
    columns = 2 if dim == 2 else 3
    objective = WeightObjective(PopulationLoss(problem), columns=columns)
    height = 0.0861788 if dim == 2 else 0.0736129
    rng = np.random.default_rng(1)
    for _ in range(300):
        found = correct(objective, 0.7 * rng.standard_normal(objective.size))
        if abs(found.value - height) < 1e-6 and found.grad_norm < 1e-12:
            return problem, objective.weights(found.x)
    raise AssertionError("not found")


@pytest.mark.parametrize(("dim", "gauge"), [(2, 0), (3, 0), (4, 1), (7, 4), (None, 1)])
def test_gauge_of_a_transition_state_outside_the_span(dim, gauge):
    """One used direction can turn into each of the d - 3 unused ones; nothing else is null."""
    problem, weights = transition(dim)
    report = flat_directions(problem, weights)
    assert (report.index, report.nullity, report.gauge) == (1, 0, gauge)
    assert report.count(DirectionKind.GAUGE) == gauge
    assert report.disagreements == ()
    if report.local.null.gauge.size:
        assert report.local.null.gauge_residual < 1e-13


def test_rotated_columns_are_recognised():
    problem, weights = transition(None)
    turned = np.zeros((2, 4))
    turned[:, :2] = weights[:, :2]
    turned[:, 2:] = weights[:, 2:] @ np.array([[0.6, 0.8]])
    report = flat_directions(problem, turned)
    assert report.weights.shape == (2, 3)
    assert (report.index, report.nullity, report.gauge) == (1, 0, 1)


@pytest.mark.parametrize(
    "teacher",
    [Teacher.equicorrelated(3, 0.35), Teacher.random(3, dim=5, seed=2), Teacher.orthonormal(3)],
    ids=lambda teacher: teacher.name,
)
def test_the_whole_flat_set_by_walking(teacher):
    """From every corner of K = M + 1 = 4 along every segment: 24 corners, 36 segments.

    A share of a tenth is given to the zero neuron, and the flat curve is traced to its other end.
    """
    problem = TeacherStudent(teacher, 4)
    objective = WeightObjective(PopulationLoss(problem))
    vectors = np.array(teacher.vectors)

    def key(weights: Array) -> tuple[int, ...]:
        near = [np.linalg.norm(weights - v, axis=1) < 1e-6 for v in vectors]
        return tuple(int(sum((j + 1) * hit[k] for j, hit in enumerate(near))) for k in range(4))

    first = np.vstack([vectors, np.zeros((1, teacher.rank))])
    corners = {key(first): first}
    segments: set[frozenset[tuple[int, ...]]] = set()
    waiting = [first]
    while waiting:
        corner = waiting.pop()
        zero = key(corner).index(0)
        for giver in set(range(4)) - {zero}:
            start = corner.copy()
            start[zero], start[giver] = 0.1 * corner[giver], 0.9 * corner[giver]
            direction = np.zeros_like(corner)
            direction[zero], direction[giver] = corner[giver], -corner[giver]
            walk = trace(
                objective,
                start.ravel(),
                direction.ravel() / np.linalg.norm(direction),
                boundary=lambda x: np.linalg.norm(x.reshape(4, -1), axis=1),
                options=TraceOptions(scale=1.0, first_step=0.1),
            )
            assert walk.stop is TraceStop.CORNER
            end = walk.points[-1].reshape(4, -1)
            name = key(end)
            assert name.count(0) == 1
            segments.add(frozenset([key(corner), name]))
            if name not in corners:
                corners[name] = end
                waiting.append(end)
    assert (len(corners), len(segments)) == cell_complex(4, 3).f_vector


def test_a_flat_line_that_is_no_split():
    """Weight moves between the two orientations of three lines at once; the loss stays zero."""
    gram = np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]])
    teacher = Teacher.from_gram(gram)
    weights = np.vstack([0.3 * teacher.vectors, -0.7 * teacher.vectors])
    report = flat_directions(TeacherStudent(teacher, 6), weights)
    assert report.flat_dimension == report.traced_dimension == 1
    (line,) = report.stability
    assert set(line.index) == {0}
    assert {corner.zero_neurons for corner in report.corners} == {(0, 1, 2), (3, 4, 5)}
    assert report.disagreements == ()


def test_points_that_are_not_critical_and_bad_arguments():
    problem = TeacherStudent(Teacher.orthonormal(3), 4)
    report = flat_directions(problem, np.random.default_rng(0).standard_normal((4, 3)))
    assert report.status is FlatStatus.NOT_CRITICAL
    assert flat_row(report)[-1] == FlatStatus.NOT_CRITICAL.value
    nothing = flat_directions(problem, np.zeros((4, 3)))
    assert nothing.status is FlatStatus.NOT_CRITICAL
    with pytest.raises(InvalidArgument, match="flat_directions must have shape"):
        flat_directions(problem, np.eye(3))
    with pytest.raises(InvalidArgument, match="but dim is 3"):
        flat_directions(
            TeacherStudent(Teacher.orthonormal(3), 3, 3),
            np.hstack([np.eye(3), np.ones((3, 1))]),
        )


def test_nearly_converged_points_are_finished_first():
    """|grad| = 1e-6 and angles of 1e-6 between split neurons, as a search leaves them."""
    teacher = Teacher.random(4, dim=6, seed=1)
    weights = split_minimum(teacher, 6, seed=2)
    noisy = weights + 1e-7 * np.random.default_rng(0).standard_normal(weights.shape)
    report = flat_directions(TeacherStudent(teacher, 6), noisy)
    assert 0 < report.moved < 1e-5
    assert report.zero_loss
    assert report.traced_dimension == 2
    assert report.disagreements == ()


def test_records_are_plain_and_complete(spurious):
    weights = np.vstack([spurious, 0.4 * spurious[2]])
    weights[2] *= 0.6
    report = flat_directions(TeacherStudent(Teacher.orthonormal(6), 7, 9), weights)
    record = json.loads(json.dumps(flat_record(report), allow_nan=False))
    assert record["index"] == report.index
    assert record["flat"] == 1
    assert record["cells"]["f_vector"] == [5040, 15120]
    assert np.shape(record["weights"]) == (7, 6)
    assert len(record["directions"]) == len(report.directions)
    assert len(flat_row(report)) == len(FLAT_COLUMNS)


def test_the_same_seed_gives_the_same_report():
    problem = TeacherStudent(Teacher.orthonormal(3), 5)
    weights = split_minimum(problem.teacher, 5, seed=0)
    first, second = (flat_record(flat_directions(problem, weights, seed=4)) for _ in range(2))
    assert first == second


def test_methods_agree_on_eleven_neurons():
    teacher = Teacher.orthonormal(10)
    report = flat_directions(TeacherStudent(teacher, 11), split_minimum(teacher, 11, seed=0))
    assert report.disagreements == ()
