"""The list of all critical points of x^2, against Newton's method and exact derivatives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import landtopo as lt
from landtopo.objective import Array

# Distinct, equal and mixed eigenvalues of V^T V.
TEACHERS = [
    np.sqrt([1.9, 1.3, 0.8, 0.45, 0.2]),
    np.ones(5),
    np.sqrt([1.5, 1.5, 0.6, 0.6, 0.6]),
]


def problem_of(lengths: Array, width: int, dim: int | None) -> lt.TeacherStudent:
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(len(lengths),) * 2))
    teacher = lt.Teacher.from_vectors(np.diag(lengths) @ turn)
    return lt.TeacherStudent(teacher, width, dim, activation="quadratic")


def gauge(weights: Array) -> int:
    """Dimension of the orbit under W -> O W."""
    width, rank = len(weights), np.linalg.matrix_rank(weights)
    return int(width * (width - 1) // 2 - (width - rank) * (width - rank - 1) // 2)


@pytest.mark.parametrize("lengths", TEACHERS)
@pytest.mark.parametrize("size", range(1, 6))
def test_points_are_critical_with_the_index_and_nullity_that_are_told(
    lengths: Array, size: int
) -> None:
    for width in range(1, 6):
        for extra in (0, 2):
            dim = size + extra
            problem = problem_of(lengths[:size], width, dim)
            loss = lt.PopulationLoss(problem)
            for one in lt.theorem_list(problem).points:
                padded = np.zeros((width, problem.rank + problem.extra))
                padded[:, : one.weights.shape[1]] = one.weights
                assert loss.value(padded) == pytest.approx(one.loss, abs=1e-12)
                assert np.abs(loss.gradient(padded)).max() <= 1e-12
                hessian = loss.hessian(padded).reshape(padded.size, padded.size)
                values = np.linalg.eigvalsh(hessian)
                # In extra = min(K, d - r) columns, of d - r.
                hidden = one.normal_index * (extra - problem.extra)
                assert int(np.sum(values < -1e-9)) == one.index - hidden
                used = sum(one.used)
                turns = one.outside * (problem.extra - one.outside)
                # Spare neurons at loss zero: L = |z|^4 along them outside the teacher's span.
                quartic = (width - used) * problem.extra if used == size else 0
                zeros = gauge(one.weights) + turns + one.flat_dimension + quartic
                assert int(np.sum(np.abs(values) <= 1e-9)) == zeros
                infinite = lt.theorem_list(problem_of(lengths[:size], width, None)).points
                same = [
                    two for two in infinite if (two.used, two.outside) == (one.used, one.outside)
                ]
                assert [two.index for two in same] == [None if one.normal_index else one.index]


def newton(weights: Array, target: Array) -> Array | None:
    """A zero of W (4 S + 2 tr S), by Newton's method with a damped pseudoinverse."""
    shape, eye = weights.shape, np.eye(weights.size).reshape(-1, *weights.shape)

    def residual(w: Array) -> Array:
        s = w.T @ w - target
        return np.asarray(w @ (4 * s + 2 * np.trace(s) * np.eye(shape[1])))

    for _ in range(80):
        value = residual(weights)
        if np.abs(value).max() < 1e-12:
            return weights
        step = 1e-6
        columns = [(residual(weights + step * e) - residual(weights - step * e)) for e in eye]
        jacobian = np.array([(c / (2 * step)).ravel() for c in columns]).T
        move = -np.linalg.lstsq(jacobian, value.ravel(), rcond=1e-6)[0].reshape(shape)
        weights = weights + move * min(1.0, 0.5 / np.abs(move).max())
    return None


@pytest.mark.parametrize(
    ("lengths", "width", "dim"),
    [(TEACHERS[0][:2], 2, 3), (TEACHERS[1][:2], 2, 3), (TEACHERS[2][:3], 2, 3)],
)
def test_newtons_method_ends_in_points_of_the_list_and_in_all_of_them(
    lengths: Array, width: int, dim: int
) -> None:
    target = np.zeros((dim, dim))
    target[: len(lengths), : len(lengths)] = np.diag(lengths**2)
    listed = {round(p.loss, 7) for p in lt.theorem_list(problem_of(lengths, width, dim)).points}
    rng, met = np.random.default_rng(0), Counter[float]()
    for _ in range(150):
        end = newton(rng.normal(size=(width, dim)) * rng.uniform(0.1, 1.0), target)
        if end is not None:
            s = end.T @ end - target
            met[round(float(np.sum(s**2) + np.trace(s) ** 2 / 2), 7)] += 1
    assert sum(met.values()) > 100
    assert set(met) == listed


def test_only_local_minima_are_those_of_the_lowest_loss() -> None:
    for lengths in TEACHERS:
        for size in range(1, 6):
            for width in range(1, 6):
                points = lt.theorem_list(problem_of(lengths[:size], width, None)).points
                assert [one.index == 0 for one in points] == [True] + [False] * (len(points) - 1)


def test_searches_find_the_list_in_the_plane() -> None:
    problem = problem_of(TEACHERS[0][:2], 2, 2)
    found = lt.find_saddles(problem, index="any", starts=60).families
    listed = {(round(p.loss, 8), p.index) for p in lt.theorem_list(problem).points if p.loss > 0}
    assert {(round(f.loss, 8), f.point.index) for f in found} == listed


def test_other_activations_are_refused() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation="erf")
    with pytest.raises(lt.InvalidArgument, match="must have activation quadratic"):
        lt.theorem_list(problem)
    with pytest.raises(lt.InvalidArgument, match="activation relu"):
        lt.complete_list(problem)
