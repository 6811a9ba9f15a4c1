"""Explicit flat paths between labelled points with the same reduced network, as weights."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from landtopo.errors import InvalidArgument
from landtopo.flat.routing import Slide, route
from landtopo.loss import PopulationLoss, WeightObjective
from landtopo.objective import Array
from landtopo.points.reduced import Reduced, reduce_network
from landtopo.problem import TeacherStudent

__all__ = ["FlatPath", "FlatPathStatus", "flat_path", "loss_range", "slide_path"]

# Losses of a flat path are equal up to rounding: a hundred times below the 1e-12 that is promised.
_FLATNESS = 1e-14
# Reduced neurons closer than this, relative to the longest one, are the same; the loss is quadratic
# in what is left, and the path's verification sees it.
_SAME_NETWORK = 1e-6


class FlatPathStatus(StrEnum):
    """How the search for a flat path ended."""

    FOUND = "The path is flat."
    DIFFERENT = "The two points have different reduced networks, which no slides join."
    NO_SPARE = "Every student neuron is needed and the two labellings differ: the points are apart."
    NOT_FLAT = "The loss changes along the path."


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatPath:
    """A piecewise straight path of constant loss.

    Attributes
    ----------
    points : ndarray, shape (n + 1, K, D)
        The corners of the path, the two ends included; empty if there is none.
    slides : tuple of Slide
        What moves on each of the n straight pieces.
    lower_bound : int
        No path of slides has fewer pieces than this.
    loss : float
        Loss at the start.
    highest_loss, lowest_loss : float
        Extremes over the samples.
    samples : int
        Number of points at which the loss was evaluated.
    tolerance : float
        Largest change of the loss that counts as constant, in units of the loss.
    status : FlatPathStatus
    """

    points: Array
    slides: tuple[Slide, ...]
    lower_bound: int
    loss: float
    highest_loss: float
    lowest_loss: float
    samples: int
    tolerance: float
    status: FlatPathStatus

    @property
    def barrier(self) -> float:
        """Highest loss on the path above the loss at its start."""
        return self.highest_loss - self.loss

    @property
    def length(self) -> float:
        """Euclidean length of the path."""
        return float(np.linalg.norm(np.diff(self.points, axis=0), axis=(1, 2)).sum())

    @property
    def optimal(self) -> bool:
        """Whether no path has fewer straight pieces of one slide each, as far as is proven."""
        return self.status is FlatPathStatus.FOUND and len(self.slides) == self.lower_bound


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


def flat_path(
    problem: TeacherStudent, start: ArrayLike, end: ArrayLike, *, samples: int = 16
) -> FlatPath:
    """A shortest path of slides between two labelled points, verified by the loss along it.

    Parameters
    ----------
    problem : TeacherStudent
    start, end : array_like, shape (K, D)
        Two points, usually two labelled global minima.
    samples : int
        Evaluations of the loss on each straight piece.

    Returns
    -------
    FlatPath
    """
    loss = PopulationLoss(problem)
    found = slide_path(start, end)
    first = np.array(start, dtype=np.float64)
    if isinstance(found, FlatPathStatus):
        value = float(loss.value(first))
        return FlatPath(
            points=np.empty((0, *first.shape)),
            slides=(),
            lower_bound=0,
            loss=value,
            highest_loss=value,
            lowest_loss=value,
            samples=0,
            tolerance=0.0,
            status=found,
        )
    points, slides, lower_bound = found
    points.setflags(write=False)
    value, lowest, highest, count = loss_range(loss, points, samples)
    tolerance = _FLATNESS * float(np.trace(problem.teacher.gram)) * first.shape[0]
    flat = highest - value <= tolerance and value - lowest <= tolerance
    return FlatPath(
        points=points,
        slides=slides,
        lower_bound=lower_bound,
        loss=value,
        highest_loss=highest,
        lowest_loss=lowest,
        samples=count,
        tolerance=tolerance,
        status=FlatPathStatus.FOUND if flat else FlatPathStatus.NOT_FLAT,
    )


def _match(first: Reduced, second: Reduced) -> NDArray[np.int64] | None:
    """Which reduced neuron of `second` is which of `first`; None if the networks differ."""
    if first.vectors.shape != second.vectors.shape:
        return None
    if first.effective_width == 0:
        return np.empty(0, dtype=np.int64)
    distances = np.linalg.norm(first.vectors[:, None] - second.vectors[None], axis=2)
    rows, columns = linear_sum_assignment(distances)
    scale = float(np.linalg.norm(first.vectors, axis=1).max())
    if distances[rows, columns].max() > _SAME_NETWORK * scale:
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
