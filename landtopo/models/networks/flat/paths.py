"""Explicit flat paths between two labelled points, verified by the loss along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from landtopo.models.networks.flat.bridges import bridged_path
from landtopo.models.networks.flat.routing import Slide
from landtopo.models.networks.flat.slides import FlatPathStatus, loss_range, slide_path
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import is_zero_loss
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["FlatPath", "flat_path"]

# Losses of a flat path are equal up to rounding: a hundred times below the 1e-12 that is promised.
_FLATNESS = 1e-14


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatPath(Brief):
    """A piecewise straight path of constant loss.

    Attributes
    ----------
    points : ndarray, shape (n + 1, K, D)
        The corners of the path, the two ends included; empty if there is none.
    slides : tuple of Slide
        What moves on each of the n straight pieces; empty if the reduced network changes on the
        way, where several neurons move at once.
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


def flat_path(
    problem: TeacherStudent, start: ArrayLike, end: ArrayLike, *, samples: int = 16
) -> FlatPath:
    """A shortest path of slides between two labelled points, verified by the loss along it.

    Students of zero loss with different reduced networks, which a linearly dependent teacher can
    have, are joined through the edges of the polytope of zero-loss measures where that is possible.

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
    first, last = np.array(start, dtype=np.float64), np.array(end, dtype=np.float64)
    found = slide_path(first, last)
    ends_at_zero = all(is_zero_loss(float(loss.value(x)), x) for x in (first, last))
    if isinstance(found, FlatPathStatus) and ends_at_zero:
        bridged = bridged_path(problem.teacher, first, last)
        found = bridged if isinstance(bridged, FlatPathStatus) else (bridged, (), 1)
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
