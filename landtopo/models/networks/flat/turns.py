"""Slides of s(x) = |x|, where a neuron may go on as its opposite from where it is zero.

Neurons of one line are turned so that they are parallel. What is to have another sign in the end
gives all its weight to another neuron first, at once where that one is on the same line or zero.
All other slides are those of parallel neurons.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landtopo.models.networks.flat.slides import FlatPathStatus, slide_path
from landtopo.objective import Array

__all__ = ["turning_path"]

_ZERO = 1e-9
_PARALLEL = 1e-6
_SEED = 20_260_412


def turning_path(start: Array, end: Array) -> Array | None:
    """The corners of a path of constant loss between two points with the same lines.

    Parameters
    ----------
    start, end : ndarray, shape (K, D)

    Returns
    -------
    ndarray, shape (n, K, D), or None
        None where the lines differ, or neurons have no room to change places.
    """
    # Both orientations of a line have different signs along any axis that is not across to it.
    axis = np.random.default_rng(_SEED).standard_normal(start.shape[1])
    before, after = (np.where(points @ axis < 0.0, -1.0, 1.0) for points in (start, end))
    here, there = before[:, None] * start, after[:, None] * end
    signs = before
    points = [start]
    for k in np.flatnonzero(before != after).tolist():
        if np.linalg.norm(here[k]) > _ZERO and np.linalg.norm(there[k]) > _ZERO:
            for corner in _emptied(here, k):
                here = corner
                points.append(signs[:, None] * here)
            if np.linalg.norm(here[k]) > _ZERO:
                return None
        signs = np.where(np.arange(len(signs)) == k, after, signs)
    found = slide_path(here, there)
    if isinstance(found, FlatPathStatus):
        return None
    points += list(after[:, None] * found[0][1:])
    points[-1] = end
    return np.array(points)


def _emptied(weights: Array, k: int) -> list[Array]:
    """Corners after which neuron k is zero, one slide each; none if there is no room."""
    norms = np.linalg.norm(weights, axis=1)
    live = norms > _ZERO
    if not live[k]:
        return []
    units = weights / np.where(live, norms, 1.0)[:, None]
    alike = np.linalg.norm(units[:, None] - units[None], axis=2) <= _PARALLEL
    alike &= live[:, None] & live & ~np.eye(len(weights), dtype=bool)
    beside = np.flatnonzero(alike[k])
    empty = np.flatnonzero(~live)
    if beside.size or empty.size:
        return [_moved(weights, k, int(beside[0] if beside.size else empty[0]))]
    pairs: NDArray[np.int64] = np.argwhere(alike)
    if not len(pairs):
        return []
    giver, taker = pairs[0].tolist()
    first = _moved(weights, giver, taker)
    return [first, _moved(first, k, giver)]


def _moved(weights: Array, source: int, target: int) -> Array:
    result = weights.copy()
    result[target] += result[source]
    result[source] = 0.0
    return result
