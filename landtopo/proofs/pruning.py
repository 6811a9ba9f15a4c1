"""Boxes that hold no common zero of some functions, and which axis to halve where one may.

Functions are known by their values in the middle of a box and the ranges of their slopes all over
it. Beside each function those combinations are looked at that an approximate inverse of the slopes
makes: each of them depends on one unknown, as far as slopes are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.proofs.circle import Interval

__all__ = ["halves", "prune", "without_zero"]

Mask = NDArray[np.bool_]
Axes = NDArray[np.intp]

_BATCH = 20_000
_MOST_BOXES = 1_500_000
# An axis is halved for what it adds unless another one is wider by this factor.
_UNEVEN = 1e6
# A slope of this size says nothing.
_BOUNDLESS = 1e50


def without_zero(
    values: list[Interval], jacobian: list[list[Interval]], width: Array
) -> tuple[Mask, Axes]:
    """Which boxes hold no common zero, and for the others the axis to halve.

    Parameters
    ----------
    values : list of Interval
        In the middle of each box.
    jacobian : list of list of Interval
        Slopes all over each box, by the unknowns, as many as functions, and then by parameters.
    width : ndarray, shape (n, D)

    Returns
    -------
    excluded : ndarray of bool, shape (n,)
    axes : ndarray of int, shape (n,)
        What adds most to the bound of that combination which is next to excluding the box.
    """
    at = np.stack([x.middle for x in values], axis=-1)
    error = np.stack([0.5 * (x.high - x.low) for x in values], axis=-1) + 1e-14 * np.abs(at)
    slopes = np.stack([np.stack([x.middle for x in row], axis=-1) for row in jacobian], axis=-2)
    spread = np.stack(
        [np.stack([0.5 * (x.high - x.low) for x in row], axis=-1) for row in jacobian], axis=-2
    )
    half = 0.5 * width[:, None, :]
    spread = spread + 1e-14 * np.abs(slopes)
    unknown = slopes[:, :, : len(values)]
    size = np.linalg.norm(unknown, axis=(1, 2))
    fine = np.isfinite(slopes).all(axis=(1, 2)) & (size < _BOUNDLESS)
    regular = fine & (np.abs(np.linalg.det(unknown)) > 1e-12 * size ** len(values))
    kept = regular[:, None, None]
    factor = np.linalg.inv(np.where(kept, unknown, np.eye(len(values))))
    known = np.where(kept, slopes, 0)
    mixed = np.abs(factor @ known) + np.abs(factor) @ spread
    centre = np.where(regular[:, None], np.abs(np.einsum("nij,nj->ni", factor, at)), 0)
    added = np.concatenate([mixed * half, (np.abs(slopes) + spread) * half], axis=1)
    rest = np.concatenate([np.einsum("nij,nj->ni", np.abs(factor), error), error], axis=1)
    sizes = np.concatenate([centre, np.abs(at)], axis=1)
    bound = (rest + added.sum(axis=2)) * (1 + 1e-9)
    share = np.where(np.isfinite(bound) & (bound > 0), sizes / bound, 0)
    best, rows = np.argmax(share, axis=1), np.arange(len(width))
    adds = added[rows, best]
    axes = np.argmax(np.where(np.isfinite(adds), adds, 0), axis=1)
    uneven = width.max(axis=1) > _UNEVEN * width[rows, axes]
    widest = uneven | (share[rows, best] <= 0)
    return share[rows, best] > 1, np.where(widest, np.argmax(width, axis=1), axes)


def halves(low: Array, high: Array, axes: Axes) -> tuple[Array, Array]:
    """Both halves of boxes, cut across one axis each."""
    rows = np.arange(len(low))
    middle = 0.5 * (low[rows, axes] + high[rows, axes])
    left, right = high.copy(), low.copy()
    left[rows, axes] = middle
    right[rows, axes] = middle
    return np.concatenate([low, right]), np.concatenate([left, high])


def prune(
    low: Array,
    high: Array,
    excluded: Callable[[Interval], tuple[Mask, Axes]],
    smallest: float,
    progress: Callable[[float], None] | None,
) -> tuple[Array, float, int]:
    """Halve boxes until each is excluded or too small.

    Parameters
    ----------
    low, high : ndarray, shape (n, D)
    excluded : callable
        Which boxes are excluded, and the axis to halve of each.
    smallest : float
        Boxes are not halved when no side is longer.
    progress : callable, optional
        Is told which part of all boxes is decided.

    Returns
    -------
    undecided : ndarray, shape (m, D, 2)
        Also those that are left when many have been looked at.
    volume : float
        Part of all boxes that these are.
    boxes : int
        How many were looked at.
    """
    total, lost, boxes = _volume(low, high), 0.0, 0
    undecided = [np.empty((0, low.shape[1], 2))]
    stack = [(low, high)]
    while stack:
        low, high = stack.pop()
        if len(low) > _BATCH:
            stack.append((low[_BATCH:], high[_BATCH:]))
            low, high = low[:_BATCH], high[:_BATCH]
        boxes += len(low)
        out, axes = excluded(Interval(low, high))
        low, high, axes = low[~out], high[~out], axes[~out]
        tiny = ((high - low).max(axis=1, initial=0) < smallest) | (boxes > _MOST_BOXES)
        undecided.append(np.stack([low[tiny], high[tiny]], axis=-1))
        lost += _volume(low[tiny], high[tiny])
        if not np.all(tiny):
            stack.append(halves(low[~tiny], high[~tiny], axes[~tiny]))
        if progress is not None:
            progress(1 - (sum(_volume(*one) for one in stack) + lost) / total)
    return np.concatenate(undecided), lost / total, boxes


def _volume(low: Array, high: Array) -> float:
    return float(np.sum(np.prod(high - low, axis=1)))
