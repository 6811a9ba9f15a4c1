"""What counts as critical, same, tied, flat and zero: one number for each question, and why it.

All are in the units of a model, in which lengths and curvatures are of order one. Double precision
has 1.1e-16 there; a value that is a sum of some hundred terms is wrong by about 1e-15, a coordinate
of a critical point by that of the gradient over the smallest curvature. A tolerance that decides
anything else than these questions stands where it is used. Those of neurons are in
`landtopo.models.networks.tolerances`.
"""

from __future__ import annotations

__all__ = [
    "CRITICAL",
    "LEVEL",
    "SAME_PLACE",
    "SAME_VALUE",
    "TIED",
    "TIED_DIGITS",
    "UNCHANGED",
    "ZERO_CURVATURE",
    "same_value",
]

#: |grad| of a critical point: a thousand times what rounding leaves, so that Newton's method gets
#: there, and small enough that a curvature of 1e-4 leaves coordinates known to 1e-8.
CRITICAL = 1e-12
#: A curvature of this size is zero: far above what rounding leaves of an exact zero, some 1e-16 a
#: dimension; the gap to the first one that is none is reported with every spectrum.
ZERO_CURVATURE = 1e-9
#: So far apart, as a part of their size, lie points that are one labelled point: ten times what
#: separates it from itself computed twice, along soft directions.
SAME_PLACE = 1e-6
#: Values of copies of one point agree to this where one of them may come from a climb that has just
#: stopped; different points that agree to it are told apart by symmetry.
SAME_VALUE = 1e-8
#: Values of one point, or of two that symmetry ties, agree to this after Newton's method, by
#: whatever way they were met: points without an order must get none from their last digits.
TIED = 1e-11
#: The same as digits after the point.
TIED_DIGITS = 11
#: Levels closer than this are one: values of refined points are wrong by about 1e-15. No flat way
#: rises by more.
LEVEL = 1e-12
#: Values at random points change by no more under a symmetry, relative to their spread there: other
#: maps that users give change them by about as much as the spread.
UNCHANGED = 1e-9


def same_value(value: float) -> float:
    """By how much the values of copies of one point may differ that Newton's method has found."""
    return 1e-9 * (1e-3 + abs(value))
