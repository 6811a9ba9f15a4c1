"""What a critical point is.

Established here: the reduced network undoes splits, permutations, zero neurons and rotations
outside the span; index and nullity in d dimensions agree with the eigenvalues of the Hessian
written out in all d coordinates, for minima, saddles, splits at positive loss and points outside
the span; verdicts are those of the theory (saddles with tiny negative eigenvalues stay saddles,
splits of spurious minima become saddles, zero loss is a minimum); nothing depends on where on a
flat set the point lies; products alone give the spectrum and the steps of the dense Hessian.
"""

from __future__ import annotations

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.kernels.minimise import minimise_batch
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.classify import classify, reduce_network
from landtopo.models.networks.points.curvature import curvature_at
from landtopo.models.networks.points.saddle_starts import mode_starts
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.points.ascend import AscentOptions, ascend
from landtopo.points.records import CriticalPoint, Kind


def minima(problem: TeacherStudent, starts: int, seed: int = 0) -> list[Array]:
    loss = PopulationLoss(problem)
    rank = problem.rank
    network = loss.network(rank)
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((starts, problem.width, rank)) / np.sqrt(rank)
    minimise_batch(weights, network, 1e-12, 100_000)
    return list(weights)


def spurious_six() -> Array:
    """Near the K = M = 6 minimum with one anti-aligned neuron (issue numbers, three digits)."""
    weights = np.full((6, 6), -0.05)
    np.fill_diagonal(weights, 0.987)
    weights[:, 5] = 0.308
    weights[5] = 0.225
    weights[5, 5] = -0.602
    return weights


def written_out(problem: TeacherStudent, weights: Array, dim: int) -> Array:
    """Eigenvalues of the Hessian in all `dim` coordinates."""
    padded = np.zeros((len(weights), dim))
    padded[:, : weights.shape[1]] = weights
    return np.linalg.eigvalsh(PopulationLoss(problem).hessian(padded))


def counts(values: Array, tolerance: float = 1e-9) -> tuple[int, int]:
    return int(np.sum(values < -tolerance)), int(np.sum(np.abs(values) <= tolerance))


def test_reduced_network_undoes_splits_zeros_and_rotations() -> None:
    generator = np.random.default_rng(1)
    core = generator.standard_normal((3, 5))
    core[:, 3:] = core[:, 3:4] @ np.array([[0.6, 0.8]])  # one direction outside a span of 3
    shares = np.array([0.2, 0.8, 1.0, 1e-6, 1 - 1e-6])
    weights = np.vstack([shares[:, None] * core[[0, 0, 1, 2, 2]], np.zeros((1, 5))])
    order = generator.permutation(6)
    reduced = reduce_network(weights[order], 3)
    assert reduced.effective_width == 3
    assert reduced.zero_neurons == 1
    assert reduced.outside == 1
    assert sorted(reduced.sizes.tolist()) == [1, 2, 2]
    np.testing.assert_allclose(np.sort(reduced.shares), np.sort([*shares, 0.0]), atol=1e-15)
    expanded = reduced.expand()
    # The rotation outside the span is free; scalar products are not.
    np.testing.assert_allclose(expanded @ expanded.T, (weights @ weights.T)[order][:, order])
    assert reduced.residual < 1e-15


def test_reduced_network_merges_within_the_stated_angle_only() -> None:
    weights = np.array([[1.0, 0.0], [0.5, 0.5 * 9e-6], [0.3, 0.3 * 2e-4]])
    assert reduce_network(weights, 2).effective_width == 2
    assert reduce_network(weights, 2, angle_tolerance=1e-3).effective_width == 1
    assert reduce_network(weights, 2, angle_tolerance=0.0).effective_width == 3


@pytest.mark.parametrize("bad", [np.zeros(3), np.full((2, 3), np.nan), np.zeros((2, 1))])
def test_reduced_network_refuses_what_is_no_point(bad: Array) -> None:
    with pytest.raises(InvalidArgument):
        reduce_network(bad, 2)


def test_global_minimum_has_the_closed_spectrum() -> None:
    # DESIGN section 7: 1/4 -+ 1/2pi with multiplicities; normal block 1/4 and (M + 1)/4.
    m = 5
    point = classify(TeacherStudent(Teacher.orthonormal(m), m), np.eye(m)[::-1])
    low, high = 0.25 - 0.5 / np.pi, 0.25 + 0.5 / np.pi
    assert np.sum(np.abs(point.eigenvalues - low) < 1e-12) == m * (m - 1) // 2
    assert np.sum(np.abs(point.eigenvalues - high) < 1e-12) == m * (m - 3) // 2
    np.testing.assert_allclose(point.normal_eigenvalues, [0.25] * (m - 1) + [(m + 1) / 4])
    assert (point.kind, point.index, point.nullity) == (Kind.MINIMUM, 0, 0)
    assert point.loss == 0


def test_published_spurious_minimum() -> None:
    # Safran, Yehudai, Shamir 2021: loss 0.0250805810, smallest eigenvalue 0.0047003547.
    point = classify(
        TeacherStudent(Teacher.orthonormal(6), 6), spurious_six(), grad_tolerance=1e-12
    )
    assert point.kind is Kind.MINIMUM
    assert point.loss == pytest.approx(0.0250805810, abs=5e-11)
    assert point.eigenvalues[0] == pytest.approx(0.0047003547, abs=5e-11)
    assert point.grad_norm < 1e-14
    assert point.gap > 1e8


@pytest.mark.parametrize("dim", [6, 7, 9])
@pytest.mark.parametrize("share", [0.5, 0.1, 1e-3])
def test_split_spurious_minimum_is_a_saddle_with_the_index_written_out(
    dim: int, share: float
) -> None:
    six = TeacherStudent(Teacher.orthonormal(6), 6, dim)
    problem = six.with_width(7)
    found = classify(six, spurious_six())
    for neuron in (0, 5):
        split = np.vstack([found.weights, share * found.weights[neuron]])
        split[neuron] *= 1 - share
        point = classify(problem, split)
        values = written_out(problem, point.weights, dim)
        assert (point.index, point.nullity) == counts(values)
        assert point.kind is (Kind.SADDLE if point.index else Kind.MINIMUM)
        own = point.eigenvalues
        assert point.index_in_span == int(np.sum(own < -point.zero_tolerance))
        full = np.concatenate([own, np.tile(point.normal_eigenvalues, dim - 6)])
        np.testing.assert_allclose(np.sort(full), values, atol=1e-12)
        assert point.index > 0


def test_verdict_does_not_depend_on_where_the_split_is() -> None:
    problem = TeacherStudent(Teacher.orthonormal(6), 8)
    found = classify(problem.with_width(6), spurious_six()).weights
    seen = set()
    for share in (0.2, 1 / 3, 1e-5, 3e-6, 1e-6, 3e-7):
        shares = [share, share, 1 - 2 * share]
        split = np.vstack([found[:5], np.array(shares)[:, None] * found[5]])
        point = classify(problem, split)
        seen.add((point.kind, point.index, point.nullity))
        values = written_out(problem, point.weights, 6)
        assert point.index_in_span == counts(values, 1e-8)[0]
    assert len(seen) == 1


@pytest.mark.parametrize(("width", "dim"), [(5, 4), (6, 4), (5, 6), (6, 7)])
def test_zero_loss_nullity(width: int, dim: int) -> None:
    # d (K - M) null directions where all neurons are non-zero.
    problem = TeacherStudent(Teacher.orthonormal(4), width, dim)
    for weights in minima(problem, 6):
        point = classify(problem, weights)
        assert point.kind is Kind.MINIMUM
        assert point.loss < 1e-28
        assert point.index == 0
        assert point.nullity == dim * (width - 4 - point.zero_neurons)
        assert "global" in point.reason


def test_minima_of_searches_agree_with_the_hessian_written_out() -> None:
    for teacher, width in [
        (Teacher.orthonormal(5), 3),
        (Teacher.equicorrelated(4, -0.2), 4),
        (Teacher.random(4, seed=3), 5),
        (Teacher.from_vectors([[1, 0], [-0.5, 0.8], [-0.5, -0.8]]), 2),
    ]:
        problem = TeacherStudent(teacher, width, teacher.rank + 2)
        for weights in minima(problem, 8):
            point = classify(problem, weights)
            if point.zero_neurons:
                continue
            values = written_out(problem, point.weights, teacher.rank + 2)
            assert (point.index, point.nullity) == counts(values), (teacher.name, point)


def saddle_outside() -> tuple[TeacherStudent, CriticalPoint]:
    """The lowest saddle between the two copies of the K = M = 2 minimum, loss 0.0736129."""
    problem = TeacherStudent(Teacher.orthonormal(2), 2, 4)
    objective = WeightObjective(PopulationLoss(problem), columns=3)
    start = np.array([[0.6, 0.45, 0.5], [0.45, 0.6, -0.5]])
    found = ascend(objective, start.ravel(), AscentOptions(index=1))
    assert found.converged
    return problem, classify(problem, objective.weights(found.x))


def test_saddle_outside_the_span_without_its_gauge_modes() -> None:
    problem, point = saddle_outside()
    assert point.loss == pytest.approx(0.0736129, abs=5e-8)
    assert point.weights.shape == (2, 3)
    assert (point.kind, point.index, point.nullity) == (Kind.SADDLE, 1, 0)
    # One axis is used, one of the two is left: one rotation between them.
    assert (point.gauge, point.normal_multiplicity) == (1, 1)
    values = written_out(problem, point.weights, 4)
    assert counts(values) == (point.index, point.gauge)
    kept = np.sort(np.concatenate([point.eigenvalues, point.normal_eigenvalues]))
    np.testing.assert_allclose(kept, np.delete(values, np.argmin(np.abs(values))), atol=1e-12)


def test_rotated_and_padded_input_is_the_same_point() -> None:
    _, point = saddle_outside()
    infinite = TeacherStudent(Teacher.orthonormal(2), 2)
    angle = 0.7
    outside = point.weights[:, 2:] @ np.array([[np.cos(angle), np.sin(angle)]])
    again = classify(infinite, np.hstack([point.weights[:, :2], outside]))
    assert again.weights.shape == (2, 3)
    np.testing.assert_allclose(again.eigenvalues, point.eigenvalues, atol=1e-13)
    assert (again.index, again.nullity) == (1, 0)
    # Width 2 in infinite dimension: two axes, one of them unused.
    assert (again.gauge, again.normal_multiplicity) == (1, 1)


def test_tiny_eigenvalues_of_either_sign_are_decided() -> None:
    # As the correlation of the teachers grows from 0, the minimum with one anti-aligned neuron
    # turns into a saddle of index 4 near 0.162. Bisection makes the eigenvalues small; below 1e-8
    # the rounding of the teacher's vectors splits the four.
    def at(correlation: float) -> CriticalPoint:
        teacher = Teacher.equicorrelated(6, correlation)
        return classify(TeacherStudent(teacher, 6), coefficients @ teacher.vectors, region=0.2)

    coefficients = spurious_six()
    below, above = 0.0, 0.19
    for low in np.linspace(0.03, 0.15, 5):
        teacher = Teacher.equicorrelated(6, float(low))
        coefficients = np.linalg.solve(teacher.vectors.T, at(float(low)).weights.T).T
    for _ in range(26):
        middle = 0.5 * (below + above)
        point = at(middle)
        below, above = (below, middle) if point.eigenvalues[0] < 0 else (middle, above)
    for step in (1e-4, 1e-5, 1e-6):
        minimum, saddle = at(below - step), at(above + step)
        assert 0 < minimum.eigenvalues[0] < 0.05 * step
        assert 0 > saddle.eigenvalues[3] > -0.05 * step
        assert (minimum.kind, minimum.index) == (Kind.MINIMUM, 0)
        assert (saddle.kind, saddle.index) == (Kind.SADDLE, 4)
        assert saddle.nullity == 0


def test_strict_saddle_where_gradient_descent_stops() -> None:
    # M = 17, K = 18: a minimum with three anti-aligned neurons, and next to it, 8e-12 higher, a
    # saddle with eigenvalue -3.8e-5. A run that stops at |grad|^2 <= 1e-9 stops at either.
    size, width = 17, 18
    problem = TeacherStudent(Teacher.orthonormal(size), width)
    pattern = np.zeros((width, size))
    pattern[:14, :14] = np.eye(14)
    pattern[:14, 14:] = 0.1
    pattern[14:17, :14], pattern[14:17, 14:] = 0.024, 0.146
    pattern[[14, 15, 16], [14, 15, 16]] = -0.715
    pattern[17, :14], pattern[17, 14:] = -0.09, 0.45
    loss = PopulationLoss(problem)
    network = loss.network(size)
    start = pattern[None].copy()
    minimise_batch(start, network, 1e-12, 100_000)
    minimum = classify(problem, start[0])
    assert minimum.kind is Kind.MINIMUM
    assert 3e-5 < minimum.eigenvalues[0] < 5e-5
    objective = WeightObjective(loss)
    closest, least = None, np.inf
    for away in mode_starts(problem, minimum, modes=1, amplitudes=(0.05,)):
        if away.x.shape[1] == size and away.direction is not None:
            found = ascend(objective, away.x.ravel(), direction=away.direction.ravel())
            # Not every start need lead to the one next to it; others lie far away.
            apart = float(np.linalg.norm(found.x - minimum.weights.ravel()))
            if found.converged and apart < least:
                closest, least = found, apart
    assert closest is not None
    saddle = classify(problem, objective.weights(closest.x))
    assert (saddle.kind, saddle.index, saddle.nullity) == (Kind.SADDLE, 1, 0)
    assert -5e-5 < saddle.eigenvalues[0] < -3e-5
    assert 0 < saddle.loss - minimum.loss < 1e-11
    near = saddle.weights + 1e-6 * np.random.default_rng(0).standard_normal((width, size))
    assert np.linalg.norm(loss.gradient(near)) ** 2 < 1e-9
    assert classify(problem, near).kind is Kind.SADDLE


def test_zero_neuron_at_positive_loss_is_open() -> None:
    problem = TeacherStudent(Teacher.orthonormal(6), 7)
    point = classify(problem, np.vstack([spurious_six(), np.zeros(6)]))
    assert point.zero_neurons == 1
    assert point.kind is Kind.SADDLE
    assert "zero neuron" in point.reason
    # The spectrum is that of the other neurons.
    six = classify(problem.with_width(6), spurious_six())
    np.testing.assert_allclose(point.eigenvalues, six.eigenvalues, atol=1e-13)
    assert point.loss == pytest.approx(six.loss, rel=1e-12)


def test_zero_neuron_at_zero_loss_is_a_minimum() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 4)
    noisy = np.vstack([np.eye(3), 1e-13 * np.array([[1.0, -2.0, 0.5]])])
    point = classify(problem, noisy)
    assert (point.kind, point.zero_neurons) == (Kind.MINIMUM, 1)
    assert np.all(point.weights[3] == 0)


def test_all_neurons_zero() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 2)
    point = classify(problem, np.zeros((2, 3)))
    assert (point.kind, point.zero_neurons) == (Kind.SADDLE, 2)


def test_what_is_not_critical_is_undecided() -> None:
    problem = TeacherStudent(Teacher.orthonormal(4), 4)
    weights = np.random.default_rng(0).standard_normal((4, 4))
    point = classify(problem, weights)
    assert point.kind is Kind.UNDECIDED
    assert "critical" in point.reason


def test_points_stopped_early_are_solved_first() -> None:
    problem = TeacherStudent(Teacher.orthonormal(6), 7)
    generator = np.random.default_rng(5)
    exact = np.vstack([np.eye(6)[:5], 0.3 * np.eye(6)[5:], 0.7 * np.eye(6)[5:]])
    for noise in (1e-4, 1e-3):
        point = classify(problem, exact + noise * generator.standard_normal(exact.shape))
        assert point.kind is Kind.MINIMUM
        assert point.grad_norm < 1e-12
        assert point.nullity == 13


def test_wrong_shapes_are_refused() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 3, 3)
    with pytest.raises(InvalidArgument, match="shape"):
        classify(problem, np.eye(2))
    with pytest.raises(InvalidArgument, match="dimensions"):
        classify(problem, np.random.default_rng(0).standard_normal((3, 4)))


@pytest.mark.parametrize("columns", [5, 7])
def test_products_alone_give_the_same_as_the_dense_hessian(columns: int) -> None:
    # A random point has many negative eigenvalues; the one outside the span has gauge modes. The
    # global minimum has repeated ones, which Lanczos' method alone can miss.
    generator = np.random.default_rng(4)
    problem = TeacherStudent(Teacher.orthonormal(5), 6)
    loss = PopulationLoss(problem)
    for weights in (
        generator.standard_normal((6, columns)) / 3,
        -np.pad(np.vstack([np.eye(5), 0.5 * np.eye(5)[:1]]), ((0, 0), (0, columns - 5))),
    ):
        dense, products = curvature_at(loss, weights), curvature_at(loss, weights, dense=0)
        full, size = dense.eigenvalues()
        some, largest = products.eigenvalues()
        assert largest == pytest.approx(size, rel=1e-2)
        np.testing.assert_allclose(some, full[: len(some)], atol=1e-9)
        assert len(some) >= min(np.sum(full < 1e-9) + 1, len(full) - 1)
        gradient = loss.gradient(weights).ravel()
        # Away from critical points holding the gauge modes can be done in more than one way.
        if not len(dense.gauge) and np.abs(full).min() > 1e-6:
            np.testing.assert_allclose(products.step(gradient), dense.step(gradient), atol=1e-6)
        for neuron in (0, 5):
            np.testing.assert_allclose(products.block(neuron), dense.block(neuron), atol=1e-14)


def test_large_networks_are_classified_without_the_hessian() -> None:
    problem = TeacherStudent(Teacher.orthonormal(45), 45)
    point = classify(
        problem, np.eye(45) + 1e-7 * np.random.default_rng(0).standard_normal((45, 45))
    )
    assert (point.kind, point.index, point.nullity) == (Kind.MINIMUM, 0, 0)
    assert point.eigenvalues[0] == pytest.approx(0.25 - 0.5 / np.pi, abs=1e-9)
    assert len(point.eigenvalues) < 45 * 45
    split = np.vstack([np.eye(45)[:44], 0.4 * np.eye(45)[44:], 0.6 * np.eye(45)[44:]])
    wide = classify(problem.with_width(46), split)
    assert (wide.kind, wide.nullity) == (Kind.MINIMUM, 45 + 46)
