"""Where climbs to saddles start."""

from __future__ import annotations

from dataclasses import dataclass, field

from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["SaddleStart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaddleStart(Brief):
    """Where a search for a saddle starts.

    Attributes
    ----------
    x : ndarray
        A point, flat or in the shape in which its model shows it.
    direction : ndarray of the same shape, or None
        Direction to climb at first.
    """

    x: Array = field(repr=False)
    direction: Array | None = field(default=None, repr=False)
