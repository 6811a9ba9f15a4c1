"""The function along a chain, between its images as well as at them.

Images hide barriers (a band can show 0.0532 at its images and 0.0619 between them), so maxima are
looked for on a dense sample of a smooth curve through the images.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.shown import Brief

__all__ = ["Profile", "curve", "interior_maxima", "kept_below", "resolve", "sample"]

# Halvings of a piece after which it is drawn as it is.
_HALVINGS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Brief):
    """Values along a curve.

    Attributes
    ----------
    points : ndarray, shape (n, size)
    positions : ndarray, shape (n,)
        Arc length from the first point.
    values : ndarray, shape (n,)
    """

    points: Array = field(repr=False)
    positions: Array = field(repr=False)
    values: Array


def curve(images: Array, per_piece: int) -> Array:
    """Points of the smooth curve through the images, `per_piece` to each piece and the last image.

    A cubic through every two neighbours, with the slopes of the parabola through three of them
    taken over the chord lengths, so that uneven images make no loops.
    """
    pieces = np.diff(images, axis=0)
    chord = np.linalg.norm(pieces, axis=1)
    if images.shape[0] < 3 or np.any(chord == 0):
        share = np.arange(per_piece) / per_piece
        inner = images[:-1, None, :] + share[None, :, None] * pieces[:, None, :]
        return np.vstack([inner.reshape(-1, images.shape[1]), images[-1:]])
    rates = pieces / chord[:, None]
    slopes = np.empty_like(images)
    before, after = chord[:-1, None], chord[1:, None]
    slopes[1:-1] = (after * rates[:-1] + before * rates[1:]) / (before + after)
    slopes[0] = 2 * rates[0] - slopes[1]
    slopes[-1] = 2 * rates[-1] - slopes[-2]
    t = (np.arange(per_piece) / per_piece)[None, :, None]
    h = chord[:, None, None]
    inner = (
        (2 * t**3 - 3 * t**2 + 1) * images[:-1, None, :]
        + (t**3 - 2 * t**2 + t) * h * slopes[:-1, None, :]
        + (3 * t**2 - 2 * t**3) * images[1:, None, :]
        + (t**3 - t**2) * h * slopes[1:, None, :]
    )
    return np.vstack([inner.reshape(-1, images.shape[1]), images[-1:]])


def sample(objective: Objective, images: Array, *, per_piece: int = 8) -> Profile:
    """Values on the smooth curve through the images, computed in one batch.

    Parameters
    ----------
    objective : Objective
    images : ndarray, shape (n, size)
    per_piece : int
        Sampled points to each piece between two images.
    """
    points = curve(images, per_piece)
    return Profile(points=points, positions=_positions(points), values=objective.value(points))


def interior_maxima(values: Array, *, floor: float = 0.0) -> list[int]:
    """Positions of the interior local maxima, highest first.

    Parameters
    ----------
    values : ndarray, shape (n,)
    floor : float
        A maximum counts when it stands this much above the lowest point on each of its sides, up
        to the next higher maximum.
    """
    peaks = []
    n = values.size
    for i in range(1, n - 1):
        # On a plateau the first point counts.
        if not values[i] > values[i - 1]:
            continue
        j = i
        while j + 1 < n and values[j + 1] == values[i]:
            j += 1
        if j == n - 1 or values[j + 1] > values[i]:
            continue
        left = _drop(values[: i + 1][::-1])
        right = _drop(values[j:])
        if min(left, right) > floor:
            peaks.append((i + j) // 2)
    return sorted(peaks, key=lambda i: (-values[i], i))


def resolve(
    objective: Objective,
    points: Array,
    *,
    tolerance: float = 1e-10,
    bend: float = 0.005,
    most: int = 20000,
) -> Profile:
    """Add points to a polyline until nothing between them is higher than the highest of them.

    Parameters
    ----------
    objective : Objective
    points : ndarray, shape (n, size)
        Corners of the polyline; all are kept.
    tolerance : float
        How much higher than the highest stored value the function may be anywhere between.
    bend : float
        By how much of its height a profile drawn with straight lines may miss the function.
    most : int
        Largest number of points.

    Notes
    -----
    A piece is trusted when the cubic through the values and slopes of its ends, and three samples
    inside, stay below the highest stored value, and the cubic is nearly straight; otherwise its
    midpoint is added and both halves are looked at again.
    """
    values, gradients = objective.value_and_gradient(points)
    share = np.array([0.25, 0.5, 0.75])
    while points.shape[0] < most:
        top = float(values.max()) + tolerance
        pieces = np.diff(points, axis=0)
        left = np.einsum("ij,ij->i", gradients[:-1], pieces)
        right = np.einsum("ij,ij->i", gradients[1:], pieces)
        bound = np.maximum(values[:-1] + np.maximum(left, 0), values[1:] + np.maximum(-right, 0))
        # Only pieces that could come near the top by their slopes or curvature matter.
        near = np.flatnonzero(bound + 0.5 * np.abs(right - left) > top - tolerance)
        inner = points[near, None, :] + share[None, :, None] * pieces[near, None, :]
        inside = objective.value(inner.reshape(-1, points.shape[1])).reshape(near.size, 3)
        cubic = _cubic_top(values[near], values[near + 1], left[near], right[near])
        high = near[(inside.max(axis=1) > top) | (cubic > top)]
        # The middle of a cubic is this far from the middle of its chord.
        bent = np.abs(right - left) / 8.0 > max(bend * float(np.ptp(values)), tolerance)
        bad = np.union1d(high, np.flatnonzero(bent))
        if bad.size == 0:
            break
        middle = 0.5 * (points[bad] + points[bad + 1])
        new_values, new_gradients = objective.value_and_gradient(middle)
        points = np.insert(points, bad + 1, middle, axis=0)
        values = np.insert(values, bad + 1, new_values)
        gradients = np.insert(gradients, bad + 1, new_gradients, axis=0)
    return Profile(points=points, positions=_positions(points), values=values)


def kept_below(objective: Objective, points: Array, tangents: Array, top: float) -> Array:
    """Points added to a curve until no middle of a straight piece is higher than a given value.

    A curve on the floor of a valley is cut short by its chords, which run up the valley's side.

    Parameters
    ----------
    objective : Objective
    points, tangents : ndarray, shape (n, size)
        Of the curve; tangents have any length.
    top : float

    Returns
    -------
    ndarray, shape (m, size)
        Added points lie on the cubics through neighbours with these tangents.
    """
    units = tangents / np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-300)
    looked_at = np.arange(len(points) - 1)
    for _ in range(_HALVINGS):
        middles = 0.5 * (points[looked_at] + points[looked_at + 1])
        high = looked_at[objective.value(middles) > top]
        if not high.size:
            break
        here, there = points[high], points[high + 1]
        length = np.linalg.norm(there - here, axis=1, keepdims=True)
        added = 0.5 * (here + there) + 0.125 * length * (units[high] - units[high + 1])
        along = 1.5 * (there - here) / length - 0.25 * (units[high] + units[high + 1])
        points = np.insert(points, high + 1, added, axis=0)
        units = np.insert(units, high + 1, along, axis=0)
        new = high + np.arange(high.size)
        looked_at = np.sort(np.concatenate([new, new + 1]))
    return points


def _positions(points: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def _drop(values: Array) -> float:
    """How far values fall from the first one before they rise above it."""
    higher = np.flatnonzero(values > values[0])
    end = int(higher[0]) if higher.size else values.size
    return float(values[0] - values[:end].min())


def _cubic_top(first: Array, last: Array, left: Array, right: Array) -> Array:
    """Largest value on [0, 1] of the cubic with given end values and slopes, sampled finely."""
    t = np.linspace(0.0, 1.0, 33)[None, :]
    cubic = (
        (2 * t**3 - 3 * t**2 + 1) * first[:, None]
        + (t**3 - 2 * t**2 + t) * left[:, None]
        + (3 * t**2 - 2 * t**3) * last[:, None]
        + (t**3 - t**2) * right[:, None]
    )
    return np.asarray(cubic.max(axis=1))
