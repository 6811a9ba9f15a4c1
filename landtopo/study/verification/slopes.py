"""Local minima of psi on the unit sphere, by descents from many directions at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from landtopo.objective import Array
from landtopo.study.verification.formulas import slopes

__all__ = ["Slopes", "lowest_slopes"]

_RANDOM = 512
_ROUNDS = 200
# Directions closer than this, in radians, lead to the same minimum.
_SAME = 1e-3
_SEED = 20_260_411


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes:
    """The local minima of psi that were found, the steepest first.

    Attributes
    ----------
    directions : ndarray, shape (n, D)
    values : ndarray, shape (n,)
    """

    directions: Array
    values: Array


def lowest_slopes(weights: Array, vectors: Array) -> Slopes:
    """Distinct local minima of psi.

    Parameters
    ----------
    weights : ndarray, shape (K, D)
        D includes one axis outside the columns in use, where there is room.
    vectors : ndarray, shape (M, D)
        The teacher's.
    """
    columns = weights.shape[1]
    generator = np.random.default_rng(_SEED)
    structured = np.vstack([vectors, weights, np.eye(columns)[-1:]])
    structured = structured[np.linalg.norm(structured, axis=1) > 0]
    draws = generator.standard_normal((_RANDOM, columns))
    # On both sides, and off the symmetric places where a descent could not leave a saddle.
    starts = np.vstack([structured, -structured]) + 1e-3 * generator.standard_normal(
        (2 * len(structured), columns)
    )
    points = _unit(np.vstack([starts, draws]))
    values, turns = slopes(points, weights, vectors)
    steps = np.full(len(points), 1.0 / max(float(np.abs(values).max()), 1e-12))
    for _ in range(_ROUNDS):
        tried = _unit(points - steps[:, None] * turns)
        new, new_turns = slopes(tried, weights, vectors)
        better = new < values
        points = np.where(better[:, None], tried, points)
        turns = np.where(better[:, None], new_turns, turns)
        values = np.where(better, new, values)
        steps = np.where(better, 1.2 * steps, 0.3 * steps)
    kept = [_polished(points[i], weights, vectors) for i in _distinct(points, values, 30 * _SAME)]
    ends = np.array(kept)
    values, turns = slopes(ends, weights, vectors)
    least = np.linalg.norm(turns, axis=1) <= 1e-6 * max(float(np.abs(values).max()), 1e-12)
    ends, values = ends[least], values[least]
    chosen = _distinct(ends, values, _SAME)
    return Slopes(directions=ends[chosen], values=values[chosen])


def _polished(direction: Array, weights: Array, vectors: Array) -> Array:
    """The minimum near a direction: psi(x / |x|), of degree zero, by a quasi-Newton method."""

    def objective(x: Array) -> tuple[float, Array]:
        length = float(np.linalg.norm(x))
        value, turn = slopes((x / length)[None], weights, vectors)
        return float(value[0]), turn[0] / length

    found = minimize(objective, direction, jac=True, method="BFGS", options={"gtol": 1e-13})
    return np.asarray(_unit(np.asarray(found.x)[None])[0])


def _unit(points: Array) -> Array:
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def _distinct(points: Array, values: Array, apart: float) -> list[int]:
    """Numbers of points that are no repetition of a lower one; the last axis counts up to sign."""
    mirrored = points.copy()
    mirrored[:, -1] *= -1.0
    kept: list[int] = []
    for i in np.argsort(values, kind="stable").tolist():
        if all(
            min(np.linalg.norm(points[i] - points[j]), np.linalg.norm(mirrored[i] - points[j]))
            > apart
            for j in kept
        ):
            kept.append(i)
    return kept
