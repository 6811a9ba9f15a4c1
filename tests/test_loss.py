"""Value, gradient and Hessian are those of the defining integral, everywhere.

Independent routes: the arc-cosine formula in 50-digit arithmetic, Taylor remainders, Monte Carlo
over inputs, exact spectra at the global minimum, and the symmetries of the loss.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array

ANGLES = ["0", "1e-12", "1e-8", "1e-4", "1", "3.1415926435897932", "3.14159265358979323846264338"]


def exact_loss(w: Array, v: Array) -> mp.mpf:
    """The loss at doubles, by the arc-cosine formula with 60 digits."""
    mp.mp.dps = 60

    def pair(a: Array, b: Array) -> mp.mpf:
        a = [mp.mpf(float(x)) for x in a]
        b = [mp.mpf(float(x)) for x in b]
        na, nb = (mp.sqrt(mp.fsum(x * x for x in c)) for c in (a, b))
        dot = mp.fsum(x * y for x, y in zip(a, b, strict=True))
        cross = mp.sqrt(abs(na**2 * nb**2 - dot**2))
        t = mp.atan2(cross, dot)
        return na * nb * (mp.sin(t) + (mp.pi - t) * mp.cos(t)) / (2 * mp.pi)

    total = mp.fsum(pair(a, b) for a in w for b in w)
    total -= 2 * mp.fsum(pair(a, b) for a in w for b in v)
    total += mp.fsum(pair(a, b) for a in v for b in v)
    return total / 2


def exact_gradient(w: Array, v: Array) -> list[list[mp.mpf]]:
    """The gradient at doubles, from grad_u g = (|v| sin t u/|u| + (pi - t) v) / 2 pi."""
    mp.mp.dps = 60
    rows = []
    for k, u in enumerate(w):
        u = [mp.mpf(float(x)) for x in u]
        nu = mp.sqrt(mp.fsum(x * x for x in u))
        total = [x / 2 for x in u]
        others = [(x, 1) for j, x in enumerate(w) if j != k] + [(x, -1) for x in v]
        for other, sign in others:
            x = [mp.mpf(float(y)) for y in other]
            nx = mp.sqrt(mp.fsum(y * y for y in x))
            dot = mp.fsum(a * b for a, b in zip(u, x, strict=True))
            cross = mp.sqrt(abs(nu**2 * nx**2 - dot**2))
            t = mp.atan2(cross, dot)
            for i in range(len(u)):
                total[i] += sign * (nx * mp.sin(t) * u[i] / nu + (mp.pi - t) * x[i]) / (2 * mp.pi)
        rows.append(total)
    return rows


def relative_error(computed: Array, exact: list[list[mp.mpf]]) -> float:
    difference = mp.fsum(
        (mp.mpf(float(a)) - b) ** 2
        for x, y in zip(np.atleast_2d(computed), exact, strict=True)
        for a, b in zip(x, y, strict=True)
    )
    size = mp.fsum(b**2 for y in exact for b in y)
    return float(mp.sqrt(difference / size)) if size else float(mp.sqrt(difference))


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("norm", [1.0, 0.37])
def test_loss_and_gradient_of_a_pair_at_every_angle(angle: str, norm: float) -> None:
    mp.mp.dps = 60
    t = mp.mpf(angle)
    teacher = Teacher.from_vectors([[1.0, 0.0], [0.0, 1e-3]])
    w = norm * np.array([[float(mp.cos(t)), float(mp.sin(t))]])
    loss = PopulationLoss(TeacherStudent(teacher, 1))
    expected = exact_loss(w, teacher.vectors)
    assert abs(float((mp.mpf(float(loss.value(w))) - expected) / expected)) <= 1e-13
    assert relative_error(loss.gradient(w), exact_gradient(w, teacher.vectors)) <= 1e-13


@pytest.mark.parametrize("angle", ANGLES[:4])
def test_cancelling_loss_keeps_its_relative_accuracy(angle: str) -> None:
    """One student next to one teacher of the same norm: the loss goes down to 1e-25 and below."""
    t = float(angle)
    teacher = Teacher.from_vectors([[1.0, 0.0]])
    loss = PopulationLoss(TeacherStudent(teacher, 1))
    w = np.array([[np.cos(t), np.sin(t)]])
    v = np.array([[1.0, 0.0]])
    expected = exact_loss(w, v)
    value = float(loss.value(w))
    if expected == 0:
        assert value == 0.0
    else:
        assert abs(float((mp.mpf(value) - expected) / expected)) <= 1e-13
    assert relative_error(loss.gradient(w), exact_gradient(w, v)) <= 1e-13


def test_near_global_minimum_value_is_right_to_many_digits() -> None:
    teacher = Teacher.equicorrelated(4, 0.3)
    w = teacher.vectors + 1e-13 * np.random.default_rng(0).standard_normal((4, 4))
    value = float(PopulationLoss(TeacherStudent(teacher, 4)).value(w))
    expected = exact_loss(w, teacher.vectors)
    assert value < 1e-24
    # the loss is 1e-26 of terms of order one; double-double keeps 32 digits of those
    assert abs(float((mp.mpf(value) - expected) / expected)) <= 1e-4


points = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2), st.integers(0, 10**6))


def draw(point: tuple[int, int, int, int]) -> tuple[PopulationLoss, Array, np.random.Generator]:
    width, size, extra, seed = point
    rng = np.random.default_rng(seed)
    teacher = Teacher.from_vectors(rng.standard_normal((size, size)))
    problem = TeacherStudent(teacher, width)
    return PopulationLoss(problem), rng.standard_normal((width, teacher.rank + extra)), rng


@settings(deadline=None, max_examples=40)
@given(points)
def test_gradient_and_hessian_are_the_taylor_coefficients(point: tuple[int, int, int, int]) -> None:
    """The remainder after the quadratic term shrinks like the third power of the step."""
    loss, w, rng = draw(point)
    direction = rng.standard_normal(w.shape)
    direction /= np.linalg.norm(direction)
    value, gradient = loss.value_and_gradient(w)
    second = float(direction.ravel() @ loss.hessian(w) @ direction.ravel())
    first = float(np.sum(gradient * direction))
    angles = np.abs(
        np.concatenate(
            [w, np.pad(loss.problem.teacher.vectors, ((0, 0), (0, w.shape[1] - loss.problem.rank)))]
        )
    )
    scale = min(1.0, float(np.linalg.norm(w, axis=1).min()), float(angles.max()))
    remainders = []
    for h in (1e-3 * scale, 1e-4 * scale):
        up, down = loss.value(w + h * direction), loss.value(w - h * direction)
        assert abs((up - down) / (2 * h) - first) <= 50 * h**2 / scale**2 + 1e-10
        remainders.append(abs((up - 2 * value + down) / h**2 - second))
    # second differences carry rounding 1e-15 / h^2 and a kink-limited remainder of order h
    assert remainders[0] <= 20.0 * 1e-3 / scale + 1e-8


@settings(deadline=None, max_examples=40)
@given(points)
def test_hessian_vector_products_are_those_of_the_hessian(point: tuple[int, int, int, int]) -> None:
    loss, w, rng = draw(point)
    directions = rng.standard_normal((3, *w.shape))
    expected = directions.reshape(3, -1) @ loss.hessian(w)
    np.testing.assert_allclose(
        loss.hvp(w, directions).reshape(3, -1), expected, atol=1e-12 * np.abs(expected).max()
    )


@settings(deadline=None, max_examples=40)
@given(points)
def test_unused_directions_see_the_normal_block(point: tuple[int, int, int, int]) -> None:
    """In r + E + 1 coordinates the Hessian is block diagonal: the old one and A."""
    loss, w, _ = draw(point)
    wide = np.hstack([w, np.zeros((len(w), 1))])
    hessian = loss.hessian(wide).reshape(*wide.shape, *wide.shape)
    np.testing.assert_allclose(
        hessian[:, :-1, :, :-1].reshape(w.size, w.size), loss.hessian(w), atol=1e-13
    )
    np.testing.assert_allclose(hessian[:, -1, :, -1], loss.normal_block(w), atol=1e-13)
    assert np.abs(hessian[:, -1, :, :-1]).max() <= 1e-13


@settings(deadline=None, max_examples=40)
@given(points)
def test_loss_is_invariant_and_gradient_equivariant(point: tuple[int, int, int, int]) -> None:
    loss, w, rng = draw(point)
    order = rng.permutation(len(w))
    value, gradient = loss.value_and_gradient(w)
    moved, moved_gradient = loss.value_and_gradient(w[order])
    assert float(moved) == pytest.approx(float(value), rel=1e-12)
    np.testing.assert_allclose(moved_gradient, gradient[order], atol=1e-13)


@settings(deadline=None, max_examples=30)
@given(points)
def test_homogeneity(point: tuple[int, int, int, int]) -> None:
    """<W, dL/dW> = sum_k |w_k| psi(w_k/|w_k|), by Euler's theorem."""
    loss, w, _ = draw(point)
    slopes = loss.psi(w, w)
    assert float(np.sum(w * loss.gradient(w))) == pytest.approx(float(np.sum(slopes)), abs=1e-11)


def test_loss_is_the_expectation_over_gaussian_inputs() -> None:
    rng = np.random.default_rng(5)
    teacher = Teacher.random(3, seed=1)
    w = rng.standard_normal((4, 5))
    x = rng.standard_normal((400_000, 5))
    v = np.pad(teacher.vectors, ((0, 0), (0, 2)))
    error = np.maximum(x @ w.T, 0).sum(1) - np.maximum(x @ v.T, 0).sum(1)
    samples = 0.5 * error**2
    loss = PopulationLoss(TeacherStudent(teacher, 4))
    spread = samples.std() / np.sqrt(len(samples))
    assert abs(float(loss.value(w)) - samples.mean()) < 4.5 * spread
    u = rng.standard_normal(5)
    slopes = error * np.maximum(x @ u, 0)
    spread = slopes.std() / np.sqrt(len(slopes))
    assert abs(float(loss.psi(u, w)) - slopes.mean()) < 4.5 * spread


@pytest.mark.parametrize("size", [4, 5, 6, 10])
def test_spectrum_at_the_global_minimum(size: int) -> None:
    """Exact multiplicities of the two bulk eigenvalues and of the normal block (trap 14)."""
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(size), size))
    w = np.eye(size)
    values = np.linalg.eigvalsh(loss.hessian(w))
    low, high = 0.25 - 0.5 / np.pi, 0.25 + 0.5 / np.pi
    assert int(np.sum(np.abs(values - low) < 1e-12)) == size * (size - 1) // 2
    assert int(np.sum(np.abs(values - high) < 1e-12)) == size * (size - 3) // 2
    normal = np.linalg.eigvalsh(loss.normal_block(w))
    np.testing.assert_allclose(normal, [0.25] * (size - 1) + [(size + 1) / 4], atol=1e-13)
    assert float(loss.value(w)) == 0.0


@pytest.mark.parametrize("size", [2, 3, 7])
def test_one_student_has_its_closed_form(size: int) -> None:
    cosine = 1 / np.sqrt(size)
    angle = np.arccos(cosine)
    g0 = (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    w = np.full((1, size), 2 * size * g0 / np.sqrt(size))
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(size), 1))
    expected = size / 4 + size * (size - 1) / (4 * np.pi) - size**2 * g0**2
    assert float(loss.value(w)) == pytest.approx(expected, rel=1e-13)
    assert np.linalg.norm(loss.gradient(w)) < 1e-14 * size


def test_hessian_where_neurons_coincide_is_the_limit() -> None:
    """Second differences of the loss converge to the closed form at exactly parallel neurons."""
    teacher = Teacher.orthonormal(3)
    w = np.array([[1.0, 0.5, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
    loss = PopulationLoss(TeacherStudent(teacher, 3))
    rng = np.random.default_rng(2)
    hessian = loss.hessian(w)
    for _ in range(10):
        direction = rng.standard_normal(w.shape)
        h = 1e-4
        second = loss.value(w + h * direction) - 2 * loss.value(w) + loss.value(w - h * direction)
        # C2 but not C3: the remainder is of order h
        assert float(second) / h**2 == pytest.approx(
            float(direction.ravel() @ hessian @ direction.ravel()), abs=2e-2 * np.sum(direction**2)
        )


def test_batch_is_the_same_as_single_points() -> None:
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(4), 3))
    batch = np.random.default_rng(0).standard_normal((5, 3, 4))
    values, gradients = loss.value_and_gradient(batch)
    for i, w in enumerate(batch):
        assert float(values[i]) == float(loss.value(w))
        np.testing.assert_array_equal(gradients[i], loss.gradient(w))
        np.testing.assert_array_equal(loss.hessian(batch)[i], loss.hessian(w))


def test_zero_neurons_add_nothing() -> None:
    teacher = Teacher.random(3, seed=2)
    w = np.random.default_rng(0).standard_normal((2, 3))
    padded = np.vstack([w[:1], np.zeros((1, 3)), w[1:]])
    two, three = (PopulationLoss(TeacherStudent(teacher, k)) for k in (2, 3))
    assert float(three.value(padded)) == pytest.approx(float(two.value(w)), rel=1e-14)
    gradient = three.gradient(padded)
    np.testing.assert_allclose(gradient[[0, 2]], two.gradient(w), atol=1e-15)
    np.testing.assert_array_equal(gradient[1], 0.0)
    with pytest.raises(InvalidArgument, match="remove zero neurons"):
        three.hessian(padded)


def test_a_hundred_neurons_need_no_dense_hessian() -> None:
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(100), 100))
    w = np.random.default_rng(0).standard_normal((100, 100)) / 10
    direction = np.random.default_rng(1).standard_normal((100, 100))
    h = 1e-6
    slope = (loss.gradient(w + h * direction) - loss.gradient(w - h * direction)) / (2 * h)
    np.testing.assert_allclose(loss.hvp(w, direction), slope, atol=1e-6)


def test_gauge_directions_are_null_and_orthonormal() -> None:
    """At a critical point with W_out != 0 rotations outside the span are null directions."""
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(2), 3))
    objective = WeightObjective(loss, columns=5)
    x = np.random.default_rng(3).standard_normal(objective.size)
    gauge = objective.gauge(x)
    assert gauge.shape == (3, 15)
    np.testing.assert_allclose(gauge @ gauge.T, np.eye(3), atol=1e-12)
    _, gradient = objective.value_and_gradient(x)
    np.testing.assert_allclose(gauge @ gradient, 0.0, atol=1e-13)
    flat = x.copy().reshape(3, 5)
    flat[:, 3:] = 0.0
    assert objective.gauge(flat.ravel()).shape == (2, 15)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([[np.nan, 0.0], [0.0, 1.0]], "must be finite"),
        ("text", "must be an array of real numbers"),
        ([[1.0, 0.0], [0.0]], "must be an array of real numbers"),
        ([[1.0, 0.0], [0.0, 1j]], "must be an array of real numbers"),
        ([["1", "0"], ["0", "1"]], "must be an array of real numbers"),
        ([[True, False], [False, True]], "must be an array of real numbers"),
        ([[None, 0.0], [0.0, 1.0]], "must be an array of real numbers"),
        (np.ma.masked_equal(np.eye(2), 0.0), "must be an array of real numbers"),
        (1e154 * np.eye(2), r"entries of at most 1e\+100"),
    ],
)
def test_what_is_no_number_is_refused(weights: Any, sentence: str) -> None:
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(2), 2))
    calls = [loss.value, loss.gradient, loss.hessian, loss.normal_block]
    calls += [lambda w: loss.psi(w, np.eye(2)), lambda w: loss.psi(np.eye(2), w)]
    calls += [lambda w: loss.hvp(w, np.eye(2)), lambda w: loss.hvp(np.eye(2), w)]
    for call in calls:
        with pytest.raises(InvalidArgument, match=sentence):
            call(weights)


@pytest.mark.parametrize("size", [1e99, 1e-100, 1e-150, 1e-170, 5e-324])
@pytest.mark.parametrize("outside", [0, 1])
def test_weights_of_any_size_give_numbers(size: float, outside: int) -> None:
    loss = PopulationLoss(TeacherStudent(Teacher.equicorrelated(3, 0.3), 3))
    weights = np.ones((3, 3 + outside)) + np.eye(3, 3 + outside)
    weights[1] *= size
    assert np.isfinite(loss.value(weights))
    assert np.isfinite(loss.gradient(weights)).all()
    assert np.isfinite(loss.psi(np.ones(3 + outside), weights))
    for second in (loss.hessian, loss.normal_block, lambda w: loss.hvp(w, np.ones_like(w))):
        if size > 1e-160:
            assert np.isfinite(second(weights)).all()
        else:
            with pytest.raises(InvalidArgument, match="must have no zero neuron"):
                second(weights)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (4,), (1, 1, 3, 3)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(3), 3))
    with pytest.raises(InvalidArgument, match=r"must have shape \(3, 3 \+ E\)"):
        loss.value(np.zeros(shape))
