"""Vectorised intervals of doubles; ranges of the pair integral and its derivatives on a circle.

An interval is a pair of arrays, low and high; every operation is rounded outwards. With x the
signed angle between two unit vectors and t = |x| <= pi,

    2 pi g = k(x) = sin t + (pi - t) cos t,
    k'(x) = -turn(x),   turn(x) = sign(x) (pi - t) sin t,
    k''(x) = bend(x) = sin t - (pi - t) cos t.

All have period 2 pi. k falls from x = 0 to pi; turn has its largest value where tan t = pi - t,
once on (0, pi/2) and nowhere else; bend rises from -pi at 0 to where tan t = -2 / (pi - t), once on
(pi/2, pi), and falls to 0 at pi. So the range over an interval is that of its ends and of those
among these places that it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array

__all__ = ["Interval", "bend", "interval", "kernel", "range_of", "turn"]

# A bound of roundings of the three functions for |x| < 100: the argument is reduced with an error
# below 1e-14, slopes are at most pi, and values at most pi.
_ROOM = 1e-13
# Places of extrema and values there, to more digits than `_NEAR` asks for.
_TURN_PLACE, _TURN_TOP = 1.112834815, 1.819705742
_BEND_PLACE, _BEND_TOP = 2.064718667, 1.391007846
_NEAR = 1e-8


class Interval(NamedTuple):
    """Bounds, arrays of one shape."""

    low: Array
    high: Array

    def __add__(self, other: Interval) -> Interval:  # type: ignore[override]
        return _outward(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return _outward(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Interval) -> Interval:  # type: ignore[override]
        products = [x * y for x in self for y in other]
        return _outward(np.minimum.reduce(products), np.maximum.reduce(products))

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    @property
    def middle(self) -> Array:
        """A point of each."""
        return 0.5 * (self.low + self.high)

    @property
    def holds_zero(self) -> NDArray[np.bool_]:
        """Whether zero can be a value; it can where a bound is no number."""
        return np.asarray(~((self.low > 0) | (self.high < 0)))


def interval(low: float | Array, high: float | Array | None = None) -> Interval:
    """An interval, or a number."""
    return Interval(np.asarray(low, float), np.asarray(low if high is None else high, float))


def _outward(low: Array, high: Array) -> Interval:
    return Interval(np.nextafter(low, -np.inf), np.nextafter(high, np.inf))


def kernel(x: Interval) -> Interval:
    """Range of k."""
    return range_of(x, _kernel, {0.0: np.pi, np.pi: 0.0})


def turn(x: Interval) -> Interval:
    """Range of -k'."""
    return range_of(x, _turn, {_TURN_PLACE: _TURN_TOP, -_TURN_PLACE: -_TURN_TOP})


def bend(x: Interval) -> Interval:
    """Range of k''."""
    extrema = {0.0: -np.pi, np.pi: 0.0, _BEND_PLACE: _BEND_TOP, -_BEND_PLACE: _BEND_TOP}
    return range_of(x, _bend, extrema)


def _reduced(x: Array) -> Array:
    return np.asarray(x - 2 * np.pi * np.round(x / (2 * np.pi)))


def _kernel(x: Array) -> Array:
    t = np.abs(_reduced(x))
    return np.asarray(np.sin(t) + (np.pi - t) * np.cos(t))


def _turn(x: Array) -> Array:
    t = _reduced(x)
    return np.asarray((np.pi - np.abs(t)) * np.sin(t))


def _bend(x: Array) -> Array:
    t = np.abs(_reduced(x))
    return np.asarray(np.sin(t) - (np.pi - t) * np.cos(t))


def range_of(x: Interval, f: Callable[[Array], Array], extrema: dict[float, float]) -> Interval:
    """Range of a function of period 2 pi whose extrema are given: places and values."""
    ends = f(x.low), f(x.high)
    low, high = np.minimum(*ends), np.maximum(*ends)
    for place, value in extrema.items():
        turns = np.floor((x.high + _NEAR - place) / (2 * np.pi))
        held = place + 2 * np.pi * turns >= x.low - _NEAR
        low = np.where(held, np.minimum(low, value), low)
        high = np.where(held, np.maximum(high, value), high)
    return Interval(low - _ROOM, high + _ROOM)
