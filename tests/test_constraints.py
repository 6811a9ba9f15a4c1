"""Constrained rows: derivatives, gauge, the projected Hessian, and known minima."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

import landtopo as lt
from landtopo.models.constraints import Constraint, NormalisedRows, OrthonormalRows
from landtopo.models.networks.loss import WeightObjective
from landtopo.objective import Array


def loss(students: int, teachers: int, columns: int) -> tuple[lt.PopulationLoss, WeightObjective]:
    whole = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(teachers), students))
    return whole, WeightObjective(whole, students, columns)


def constraints(columns: int) -> list[Constraint]:
    _, inner = loss(4, 4, columns)
    return [NormalisedRows(inner, np.array([1.0, 0.5, 2.0, 1.0])), OrthonormalRows(inner, 4)]


def across(constraint: Constraint, x: Array) -> Array:
    """Orthonormal columns that span what is no gauge."""
    gauge = constraint.gauge(x)
    return np.linalg.qr(gauge.T, mode="complete")[0][:, len(gauge) :]


def spectrum(constraint: Constraint, x: Array) -> Array:
    basis = across(constraint, x)
    return np.linalg.eigvalsh(basis.T @ constraint.hessian(x) @ basis)


@pytest.mark.parametrize("columns", [4, 6])
@pytest.mark.parametrize("kind", [0, 1])
def test_derivatives_agree_with_differences(columns: int, kind: int) -> None:
    constraint = constraints(columns)[kind]
    rng = np.random.default_rng(columns)
    x, direction = rng.normal(size=(2, constraint.size))
    value, gradient = constraint.value_and_gradient(x)
    hessian = constraint.hessian(x)
    assert_allclose(hessian, hessian.T, atol=1e-14)
    # Taylor's remainder is of third order: eight times smaller for half the step.
    remainders = []
    for step in (1e-2, 5e-3, 2.5e-3):
        there = constraint.value(x + step * direction)
        second = 0.5 * step**2 * direction @ hessian @ direction
        remainders.append(abs(there - value - step * direction @ gradient - second))
    slopes = np.diff(np.log2(remainders))
    assert_allclose(slopes, -3.0, atol=0.25)


@pytest.mark.parametrize("columns", [4, 6])
@pytest.mark.parametrize("kind", [0, 1])
def test_the_gauge_changes_nothing(columns: int, kind: int) -> None:
    constraint = constraints(columns)[kind]
    x = np.random.default_rng(7).normal(size=constraint.size)
    gauge = constraint.gauge(x)
    rows = 4 if kind == 0 else 10
    assert len(gauge) == rows + (columns == 6)
    assert_allclose(gauge @ gauge.T, np.eye(len(gauge)), atol=1e-13)
    value, gradient = constraint.value_and_gradient(x)
    assert_allclose(gauge @ gradient, 0.0, atol=1e-14)
    for direction in gauge:
        # The group acts along curves; the value along the straight line bends in second order.
        change = constraint.value(x + 1e-4 * direction) - value
        assert abs(change) < 1e-7


@pytest.mark.parametrize("kind", [0, 1])
def test_points_of_a_batch_are_points(kind: int) -> None:
    constraint = constraints(6)[kind]
    points = np.random.default_rng(3).normal(size=(5, constraint.size))
    values, gradients = constraint.value_and_gradient(points)
    for point, value, gradient in zip(points, values, gradients, strict=True):
        one = constraint.value_and_gradient(point)
        assert_allclose(one[0], value, rtol=1e-14)
        assert_allclose(one[1], gradient, rtol=0, atol=1e-15)
    placed = constraint.place(points)
    assert_allclose(constraint.place(placed), placed, rtol=0, atol=1e-15)
    assert_allclose(constraint.value(placed), values, rtol=1e-13)


def test_lengths_and_products_are_kept() -> None:
    normalised, orthonormal = constraints(6)
    x = np.random.default_rng(4).normal(size=24)
    lengths = np.linalg.norm(normalised.place(x).reshape(4, 6), axis=1)
    assert_allclose(lengths, [1.0, 0.5, 2.0, 1.0], rtol=1e-15)
    rows = orthonormal.place(x).reshape(4, 6)
    assert_allclose(rows @ rows.T, np.eye(4), atol=1e-15)


def minimum(constraint: Constraint, x: Array) -> Array:
    """A minimum by another program, then Newton steps across the gauge."""
    result = minimize(
        constraint.value_and_gradient, x, jac=True, method="BFGS", options={"gtol": 1e-8}
    )
    x = constraint.place(result.x)
    for _ in range(4):
        basis = across(constraint, x)
        hessian = basis.T @ constraint.hessian(x) @ basis
        slope = basis.T @ constraint.value_and_gradient(x)[1]
        x = constraint.place(x - basis @ np.linalg.solve(hessian, slope))
    assert np.linalg.norm(constraint.value_and_gradient(x)[1]) < 1e-14
    return x


@pytest.mark.parametrize(
    ("students", "teachers", "wanted"),
    [
        (8, 8, (0.0240579772, 0.012511, 0.16945)),
        (5, 4, (0.1026907008, None, None)),
    ],
)
def test_known_minima_of_normalised_neurons(
    students: int, teachers: int, wanted: tuple[float, float | None, float | None]
) -> None:
    whole, inner = loss(students, teachers, teachers)
    constraint = NormalisedRows(inner, np.ones(students))
    found = []
    for seed in range(60):
        start = np.random.default_rng(seed).normal(size=inner.size)
        x = minimum(constraint, start)
        if abs(constraint.value(x) - wanted[0]) < 1e-9:
            found.append(x)
            break
    (x,) = found
    values = spectrum(constraint, x)
    assert abs(constraint.value(x) - wanted[0]) < 6e-11
    # The same numbers from the Lagrangian, which the constrained problem has by another route.
    weights = x.reshape(students, teachers)
    mu = constraint.multipliers(x)
    lagrangian = inner.hessian(x) - np.kron(np.diag(mu), np.eye(teachers))
    allowed = np.eye(inner.size) - _projection(weights)
    both = np.sort(np.append(values, np.zeros(students)))
    assert_allclose(np.linalg.eigvalsh(allowed @ lagrangian @ allowed), both, atol=1e-12)
    if wanted[1] is not None:
        assert values[0] == pytest.approx(wanted[1], abs=6e-7)
        normal = np.linalg.eigvalsh(whole.normal_block(weights) - np.diag(mu))
        assert normal[0] == pytest.approx(wanted[2], abs=6e-6)


def _projection(weights: Array) -> Array:
    """On the rows themselves."""
    count, columns = weights.shape
    result = np.zeros((count, columns, count, columns))
    for k, row in enumerate(weights):
        result[k, :, k] = np.outer(row, row) / (row @ row)
    return result.reshape(count * columns, -1)


@pytest.mark.parametrize(("size", "index"), [(3, 1), (4, 3), (5, 6), (6, 0), (8, 0)])
def test_block_reflections_are_critical(size: int, index: int) -> None:
    _, inner = loss(size, size, size)
    constraint = OrthonormalRows(inner, size)
    weights = 2.0 / size * np.ones((size, size)) - np.eye(size)
    x = weights.ravel()
    value, gradient = constraint.value_and_gradient(x)
    values = spectrum(constraint, x)
    assert np.linalg.norm(gradient) < 1e-14
    assert int(np.sum(values < 0)) == index
    if size == 6:
        assert value == pytest.approx(0.05587787, abs=6e-9)
        assert values[0] == pytest.approx(0.001417, abs=6e-7)
    # On tangents Z = Omega W the projected Hessian is Z -> H Z - sym(G W^T) Z.
    slope = inner.value_and_gradient(x)[1].reshape(size, size) @ weights.T
    bend = inner.hessian(x) - np.kron(0.5 * (slope + slope.T), np.eye(size))
    basis = across(constraint, x)
    assert_allclose(np.linalg.eigvalsh(basis.T @ bend @ basis), values, atol=1e-13)
