"""Steps for a force that is not the gradient of anything.

The projected force of a band has no energy, so a line search has nothing to search. The relaxation
is treated as the flow dx/dt = F(x) instead: Euler's rule, its step limited by its own local error
and by the secant that would make the next force smallest, and judged by the force alone (the idea
of Makri, Ortner, Kermode, J. Chem. Phys. 150, 094109 (2019)). In a metric taken from Hessians the
flow is not stiff, and this beats quasi-Newton updates, which learn a curvature that a band lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["StepRule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRule(Brief):
    """How long steps are and when they are taken back.

    Attributes
    ----------
    first : float
        First time step: with a metric from Hessians the natural unit is 1.
    longest : float
        Largest move of one image, in the coordinates of the metric.
    growth : float
        A step is taken back when the norm of the force grows by more than this factor.
    relative_error : float
        Error of Euler's rule that is accepted, relative to the move.
    smallest : float
        Time step below which the chain counts as stalled.
    """

    first: float = 0.2
    longest: float = 0.3
    growth: float = 1.5
    relative_error: float = 0.5
    smallest: float = 1e-8

    def propose(self, size: float, force: Array, largest: float) -> Array:
        """Move of the inner images for a time step, shape of `force`.

        Parameters
        ----------
        size : float
            Time step.
        force : ndarray
        largest : float
            Largest force on an image.
        """
        longest = size * largest
        return force * (size if longest <= self.longest else self.longest / largest)

    def judge(self, size: float, before: Array, after: Array, move: Array) -> tuple[bool, float]:
        """Whether the move is kept, and the next time step.

        Parameters
        ----------
        size : float
            Time step that was tried.
        before, after : ndarray
            Force where the move began and where it ended.
        move : ndarray
            What was moved, limits included.
        """
        old = sqrt(np.vdot(before, before))
        new = sqrt(np.vdot(after, after))
        if not isfinite(new):
            return False, 0.25 * size
        drop = before - after
        square = float(np.vdot(drop, drop))
        secant = float(np.vdot(drop, move)) / square if square > 0 else 2 * size
        error = 0.5 * sqrt(square) / max(old, 1e-300)
        by_error = size * sqrt(self.relative_error / max(error, 1e-12))
        kept = new <= old * (1 - 0.01 * size) or (
            new <= self.growth * old and error <= self.relative_error
        )
        if kept:
            grown = min(4 * size, by_error, secant if secant > 0 else 2 * size)
            return True, max(grown, 0.25 * size)
        return False, max(min(0.25 * size, by_error), 0.1 * size)
