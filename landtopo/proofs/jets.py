"""Intervals with the ranges of their slopes by some unknowns.

A jet is an array of boxes: the range of a function over each, and the ranges of its derivatives, if
they are asked for. Functions and rules are those of differentiation, on intervals. Where a root can
be zero its slope has no bounds, and what is made of it is infinite or no number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from landtopo.objective import Array
from landtopo.proofs.circle import Interval, interval, range_of

__all__ = [
    "Jet",
    "arcsine",
    "bent",
    "constant",
    "cosine",
    "inverse",
    "root",
    "sinc",
    "sine",
    "square",
    "variables",
]

# A bound of roundings of the functions for arguments below 100.
_ROOM = 1e-13


@dataclass(frozen=True, slots=True)
class Jet:
    """Ranges of a function and, maybe, of its slopes."""

    value: Interval
    slopes: tuple[Interval, ...] = ()

    @property
    def low(self) -> Array:
        """The lower bound."""
        return self.value.low

    @property
    def high(self) -> Array:
        """The upper bound."""
        return self.value.high

    @property
    def size(self) -> int:
        """How many boxes."""
        return len(self.value.low)

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.value + other.value, _joined(self.slopes, other.slopes))

    def __neg__(self) -> Jet:
        return Jet(-self.value, tuple(-x for x in self.slopes))

    def __sub__(self, other: Jet | float) -> Jet:
        other = other if isinstance(other, Jet) else constant(interval(other), self.size)
        return self + (-other)

    def __rsub__(self, other: float) -> Jet:
        return -(self - other)

    def __radd__(self, other: float) -> Jet:
        return self - (-other)

    def __mul__(self, other: Jet | float) -> Jet:
        if not isinstance(other, Jet):
            other = constant(interval(other), self.size)
        left = tuple(x * other.value for x in self.slopes)
        right = tuple(self.value * x for x in other.slopes)
        return Jet(self.value * other.value, _joined(left, right))

    def clipped(self, low: float, high: float) -> Jet:
        """The same where the function is known to lie between two numbers."""
        value = Interval(np.clip(self.low, low, high), np.clip(self.high, low, high))
        return Jet(value, self.slopes)

    def meeting(self, other: Jet) -> Jet:
        """The same function by two rules: what both allow; a bound that is no number says nothing.

        Roundings may leave no room between two bounds, which then are one number.
        """
        slopes = zip(self.slopes, other.slopes, strict=True)
        return Jet(_common(self.value, other.value), tuple(_common(x, y) for x, y in slopes))


def _common(x: Interval, y: Interval) -> Interval:
    low, high = np.fmax(x.low, y.low), np.fmin(x.high, y.high)
    return Interval(np.fmin(low, high), np.fmax(low, high))


def _joined(first: tuple[Interval, ...], second: tuple[Interval, ...]) -> tuple[Interval, ...]:
    if not first or not second:
        return first or second
    return tuple(x + y for x, y in zip(first, second, strict=True))


def constant(value: Interval, size: int) -> Jet:
    """The same number, or range, in all boxes; or one range for each, of no unknown."""
    return Jet(Interval(*(np.broadcast_to(x, (size,)) for x in value)))


def variables(box: Interval) -> list[Jet]:
    """The unknowns themselves.

    Parameters
    ----------
    box : Interval
        Of shape (n, D).
    """
    count, dimension = box.low.shape
    unit = np.eye(dimension)
    return [
        Jet(
            Interval(box.low[:, i], box.high[:, i]),
            tuple(interval(np.full(count, x)) for x in unit[i]),
        )
        for i in range(dimension)
    ]


def sine(x: Jet) -> Jet:
    """Range of sin."""
    return _function(x, _sine, _cosine)


def cosine(x: Jet) -> Jet:
    """Range of cos."""
    return _function(x, _cosine, lambda y: -_sine(y))


def arcsine(x: Jet) -> Jet:
    """Range of arcsin, of numbers between 0 and 1."""

    def value(y: Interval) -> Interval:
        return Interval(np.arcsin(y.low) - _ROOM, np.arcsin(y.high) + _ROOM)

    def slope(y: Interval) -> Interval:
        return _reciprocal(_root(interval(1.0) - y * y))

    return _function(x, value, slope)


def bent(k: Jet, x: Jet) -> Jet:
    """Range of arcsin(k sin x) / k for k between 0 and 1 and sizes of x up to pi / 2.

    It rises with x; its slope by x, cos x / sqrt(1 - k^2 sin^2 x), falls with the size of x and
    rises with k. With q(u) = arcsin(u) / u it is q(k s) s, s = sin x, and its slope by k is
    q'(k s) s^2; both are odd in x, and their sizes rise with those of x and k.
    """
    quarter = 0.5 * np.pi
    arm = Interval(np.clip(x.low, -quarter, quarter), np.clip(x.high, -quarter, quarter))
    part = Interval(np.clip(k.low, 0, 1), np.clip(k.high, 0, 1))
    low, high = np.sin(arm.low), np.sin(arm.high)

    def odd(f: Callable[[Array, Array], Array]) -> tuple[Array, Array]:
        return (
            np.where(low < 0, f(part.high, low), f(part.low, low)),
            np.where(high > 0, f(part.high, high), f(part.low, high)),
        )

    def slope(k: Array, x: Array) -> Array:
        return np.asarray(np.cos(x) / np.sqrt(np.cos(x) ** 2 + (1 - k * k) * np.sin(x) ** 2))

    least, most = odd(lambda k, s: np.asarray(s * _arc(k * s)))
    value = Interval(least - _ROOM, most + _ROOM)
    near, far = _sizes(arm)
    by_x = Interval(
        np.maximum(slope(part.low, far) * (1 - 1e-12) - _ROOM, 0),
        np.minimum(slope(part.high, near) * (1 + 1e-12) + _ROOM, 1),
    )
    least, most = odd(lambda k, s: np.asarray(s * s * _arc_slope(k * s)))
    by_k = Interval(least - 1e-9 * (1 + np.abs(least)), most + 1e-9 * (1 + np.abs(most)))
    slopes = _joined(tuple(by_x * one for one in x.slopes), tuple(by_k * one for one in k.slopes))
    return Jet(value, slopes)


def square(x: Jet) -> Jet:
    """Range of the square."""

    def value(y: Interval) -> Interval:
        near, far = _sizes(y)
        return Interval(near * near * (1 - 1e-15), far * far * (1 + 1e-15))

    return _function(x, value, lambda y: y * interval(2.0))


def root(x: Jet) -> Jet:
    """Range of the square root; a number below zero is taken for zero."""
    return _function(x, _root, lambda y: _reciprocal(interval(2.0) * _root(y)))


def sinc(x: Jet) -> Jet:
    """Range of sin(x) / x for sizes of x up to pi.

    It falls with the size of x, and its slope is -x g with g = (sin x - x cos x) / x^3, which falls
    too, from 1 / 3.
    """
    return _function(x, _sinc, _sinc_slope)


def inverse(x: Jet) -> Jet:
    """Range of the reciprocal of positive numbers."""
    return _function(x, _reciprocal, lambda y: -(_reciprocal(y) * _reciprocal(y)))


def _function(
    x: Jet, value: Callable[[Interval], Interval], slope: Callable[[Interval], Interval]
) -> Jet:
    if not x.slopes:
        return Jet(value(x.value))
    rate = slope(x.value)
    return Jet(value(x.value), tuple(rate * one for one in x.slopes))


def _sine(x: Interval) -> Interval:
    return range_of(x, np.sin, {0.5 * np.pi: 1.0, -0.5 * np.pi: -1.0})


def _cosine(x: Interval) -> Interval:
    return range_of(x, np.cos, {0.0: 1.0, np.pi: -1.0})


def _root(x: Interval) -> Interval:
    low, high = (np.sqrt(np.maximum(y, 0)) for y in x)
    return Interval(low * (1 - 1e-15), high * (1 + 1e-15))


def _reciprocal(x: Interval) -> Interval:
    low, high = (np.maximum(y, 0.0) for y in x)
    return Interval(np.nextafter(1 / high, -np.inf), np.nextafter(1 / low, np.inf))


def _sinc(x: Interval) -> Interval:
    near, far = _sizes(x)
    return Interval(np.sinc(far / np.pi) - _ROOM, np.sinc(near / np.pi) + _ROOM)


def _sinc_slope(x: Interval) -> Interval:
    near, far = (np.minimum(y, np.pi) for y in _sizes(x))
    return -(x * Interval(_sinc_fall(far) - 1e-11, _sinc_fall(near) + 1e-11))


def _sinc_fall(x: Array) -> Array:
    y = np.maximum(x, 0.05)
    series = 1 / 3 - x**2 / 30 + x**4 / 840 - x**6 / 45360
    return np.where(x < y, series, (np.sin(y) - y * np.cos(y)) / y**3)


def _arc(u: Array) -> Array:
    """arcsin(u) / u."""
    v = np.clip(np.abs(u), 1e-4, 1)
    return np.where(np.abs(u) < v, 1 + u * u / 6, np.arcsin(v) / v)


def _arc_slope(u: Array) -> Array:
    """Derivative of arcsin(u) / u."""
    v = np.clip(np.abs(u), 1e-2, 1)
    series = u / 3 + 3 * u**3 / 10 + 15 * u**5 / 56 + 35 * u**7 / 144
    exact = (1 / np.sqrt(1 - v * v) - np.arcsin(v) / v) / v
    return np.where(np.abs(u) < v, series, np.sign(u) * exact)


def _sizes(x: Interval) -> tuple[Array, Array]:
    """Smallest and largest absolute value."""
    ends = np.abs(x.low), np.abs(x.high)
    return np.where(x.holds_zero, 0.0, np.minimum(*ends)), np.maximum(*ends)
