"""Chains without a barrier: whether two minima are joined by a flat valley, checked densely.

Images on a flat valley prove nothing, because the chords between them cut its bends and may hide a
hill. Every piece is sampled, and where it is too high its middle is put into the valley by Newton's
method, until all pieces are as low as the images or a middle cannot be made so.
"""

from __future__ import annotations

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.paths.chain import Metric, evenly_spaced, relax
from landtopo.paths.string import StringMethod
from landtopo.points.polish import polish

__all__ = ["flat_valley"]

_PER_PIECE = 8
_MOST_POINTS = 20_000


def flat_valley(
    objective: Objective, images: Array, level: float, *, metric: Metric | None = None
) -> Array | None:
    """A chain between the ends of another one on which the function is nowhere above a level.

    Parameters
    ----------
    objective : Objective
    images : ndarray, shape (n, size)
        A relaxed band.
    level : float
        Highest value that is allowed, at points and between them.
    metric : Metric, optional
        For the relaxation.

    Returns
    -------
    ndarray, shape (m, size), or None
        None if the band is not so low that it could be flat, or cannot be made so.
    """
    ends = float(objective.value(images[[0, -1]]).max())
    line = float(objective.value(evenly_spaced(images[[0, -1]], images.shape[0])).max())
    highest = float(objective.value(images).max())
    if highest - ends > 0.01 * max(line - ends, 0.0):
        return None
    rule = StringMethod(images=4 * images.shape[0], tolerance=1e-8, max_steps=500)
    points = relax(objective, images, rule, metric=metric).images
    for k in range(1, len(points) - 1):
        room = float(np.linalg.norm(points[k + 1] - points[k]))
        lowered = _lowered(objective, points[k], level, room)
        if lowered is None:
            return None
        points[k] = lowered
    share = np.arange(1, _PER_PIECE) / _PER_PIECE
    while len(points) <= _MOST_POINTS:
        pieces = np.diff(points, axis=0)
        inner = points[:-1, None] + share[None, :, None] * pieces[:, None]
        values = objective.value(inner.reshape(-1, points.shape[1]))
        high = np.flatnonzero(values.reshape(len(pieces), -1).max(axis=1) > level)
        if high.size == 0:
            return points
        added = []
        for i in high.tolist():
            middle = 0.5 * (points[i] + points[i + 1])
            room = 0.5 * float(np.linalg.norm(points[i + 1] - points[i]))
            lowered = _lowered(objective, middle, level, room)
            if lowered is None:
                return None
            added.append(lowered)
        points = np.insert(points, high + 1, np.array(added), axis=0)
    return None


def _lowered(objective: Objective, x: Array, level: float, room: float) -> Array | None:
    """The point of the valley nearest to a given one, if it is low enough and not far away."""
    if float(objective.value(x)) <= level:
        return x
    found, _ = polish(objective, x)
    near = np.linalg.norm(found - x) <= room
    return found if near and float(objective.value(found)) <= level else None
