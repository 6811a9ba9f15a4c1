"""Slides between labelled points with the same reduced network, as weights."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from landtopo.errors import InvalidArgument
from landtopo.models.networks.flat.routing import Slide, route
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.reduced import Reduced, reduce_network
from landtopo.objective import Array
from landtopo.tolerances import SAME_PLACE

__all__ = ["FlatPathStatus", "loss_range", "slide_path"]


class FlatPathStatus(StrEnum):
    """How the search for a flat path ended."""

    FOUND = "The path is flat."
    DIFFERENT = "The two points have different reduced networks, which no flat path joins."
    NO_SPARE = "Every student neuron is needed and the two labellings differ: the points are apart."
    NOT_FLAT = "The loss changes along the path."


def slide_path(
    start: ArrayLike, end: ArrayLike
) -> tuple[Array, tuple[Slide, ...], int] | FlatPathStatus:
    """Straight pieces that lead from one student to another with the same reduced network.

    Parameters
    ----------
    start, end : array_like, shape (K, D)

    Returns
    -------
    points : ndarray, shape (n + 1, K, D)
    slides : tuple of Slide
    lower_bound : int
        Or, instead of the three, the status that says why there is none.
    """
    first, last = np.array(start, dtype=np.float64), np.array(end, dtype=np.float64)
    if first.shape != last.shape or first.ndim != 2:
        raise InvalidArgument(
            "The 'start' and 'end' arguments of slide_path must have one shape (K, D); got "
            f"{first.shape} and {last.shape}."
        )
    # All columns count as in-span: the two ends are compared as they are, without rotations.
    columns = first.shape[1]
    here, there = reduce_network(first, columns), reduce_network(last, columns)
    match = _match(here, there)
    if match is None:
        return FlatPathStatus.DIFFERENT
    rename = np.full(there.effective_width + 1, -1, dtype=np.int64)
    rename[match] = np.arange(len(match))
    found = route(
        here.shares,
        [int(j) for j in here.assignment],
        there.shares,
        [int(j) for j in rename[there.assignment]],
    )
    if found is None:
        return FlatPathStatus.NO_SPARE
    points = [first]
    shares = np.array(here.shares)
    owner = np.array(here.assignment)
    for slide in found.slides:
        shares[slide.source] -= slide.amount
        shares[slide.target] += slide.amount
        owner[slide.target] = slide.neuron
        if shares[slide.source] <= 1e-9:
            shares[slide.source], owner[slide.source] = 0.0, -1
        live = owner >= 0
        corner = np.zeros_like(first)
        corner[live] = shares[live, None] * here.vectors[owner[live]]
        points.append(corner)
    if found.slides:
        points[-1] = last
    else:
        points.append(last)
    return np.array(points), found.slides, found.lower_bound


def _match(first: Reduced, second: Reduced) -> NDArray[np.int64] | None:
    """Which reduced neuron of `second` is which of `first`; None if the networks differ."""
    if first.vectors.shape != second.vectors.shape:
        return None
    if first.effective_width == 0:
        return np.empty(0, dtype=np.int64)
    distances = np.linalg.norm(first.vectors[:, None] - second.vectors[None], axis=2)
    rows, columns = linear_sum_assignment(distances)
    scale = float(np.linalg.norm(first.vectors, axis=1).max())
    if distances[rows, columns].max() > SAME_PLACE * scale:
        return None
    return np.asarray(columns, dtype=np.int64)


def loss_range(
    loss: PopulationLoss, points: Array, samples: int
) -> tuple[float, float, float, int]:
    """Loss at the start, lowest and highest loss along straight pieces, number of evaluations."""
    where = np.linspace(0.0, 1.0, samples + 1)[:-1]
    pieces = points[:-1, None] + where[None, :, None, None] * np.diff(points, axis=0)[:, None]
    along = np.concatenate([pieces.reshape(-1, *points.shape[1:]), points[-1:]])
    objective = WeightObjective(loss, along.shape[1], along.shape[2])
    values = objective.value(along.reshape(len(along), -1))
    return float(values[0]), float(values.min()), float(values.max()), len(values)
