"""A smooth curve through the points of a path that are known."""

from __future__ import annotations

import numpy as np

from landtopo.objective import Array

__all__ = ["SmoothCurve"]

_POINTS = 400
_ROUNDS = 4


class SmoothCurve:
    """A curve through all known points, with no top that they have not.

    Pieces are cubic. Slopes are those of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 1984),
    and zero at critical points.

    Parameters
    ----------
    known : ndarray, shape (n, 2)
        Rows of (arc length, loss).
    critical : ndarray
        Arc lengths of the critical points.
    """

    def __init__(self, known: Array, critical: Array) -> None:
        from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

        # A path may stay where it is for a moment.
        fresh = np.concatenate([[True], np.diff(known[:, 0]) > 0])
        self.known = known[fresh]
        self._spline = None
        if len(self.known) > 2:
            s, losses = self.known.T
            slopes = PchipInterpolator(s, losses).derivative()(s)
            slopes[np.isin(s, critical)] = 0.0
            self._spline = CubicHermiteSpline(s, losses, slopes)

    def points(self, low: float = -np.inf, high: float = np.inf) -> Array:
        """Many points of a part of the curve, the known ones exactly, shape (n, 2)."""
        s, losses = self.known.T
        low, high = max(low, s[0]), min(high, s[-1])
        inside = (low <= s) & (s <= high)
        at = np.union1d(s[inside], np.linspace(low, high, _POINTS))
        values = np.interp(at, s, losses) if self._spline is None else self._spline(at)
        values[np.searchsorted(at, s[inside])] = losses[inside]
        return np.column_stack([at, values])

    def above(self, floor: float, top: float) -> tuple[float, float]:
        """The ends of the part around an arc length where the loss is at least so high."""
        low, high = float(self.known[0, 0]), float(self.known[-1, 0])
        # Each round narrows what holds an end to the distance of two points.
        for _ in range(_ROUNDS):
            sides = (self.points(low, top)[::-1], self.points(top, high))
            low, high = (_end(side, floor) for side in sides)
        return low, high


def _end(side: Array, floor: float) -> float:
    """The first place below a height on the way from a top, or the last place."""
    below = np.flatnonzero(side[:, 1] < floor)
    return float(side[below[0] if below.size else -1, 0])
