"""Pair integrals in wide fixed-point arithmetic on Python's integers.

The last resort of `landtopo.kernels.precise`: a sum that cancels so far that double-double
arithmetic keeps too few digits is evaluated here once more, with absolute errors near 2**-220 of
its largest terms. A pair costs some ten microseconds, about fifty times what it costs there.

Letters: n one of the weight vectors of a signed sum sum_i c_i relu(n_i.x), c_i integers;
C = n_i.n_j; S = |n_i||n_j| sin t with t the angle between them; B = pi - t;
h = S + B C = 2 pi E[relu(n_i.x) relu(n_j.x)]. All are integers: components of vectors and angles
are the number times 2**BITS, products of two of them the number times 2**(2 BITS).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from landtopo.objective import Array

__all__ = ["BITS", "arctangent", "pi", "signed_gradient", "signed_norm", "signed_overlap"]

BITS = 256
# A sum of 10^5 pairs collects fewer than 2**_LOST roundings of one unit in the last place.
_LOST = 32
_STEPS = 64

Vector = list[int]


def _series(ratio: int, bits: int) -> int:
    """Arctangent of a small ratio by its power series, both times 2**bits."""
    square = (ratio * ratio) >> bits
    power, total, order = ratio, ratio, 1
    while abs(power) > 1:
        power = -((power * square) >> bits)
        order += 2
        total += power // order
    return total


@cache
def pi(bits: int = BITS) -> int:
    """The number pi times 2**bits, by Machin's formula 16 atan(1/5) - 4 atan(1/239)."""
    guarded = bits + 32
    one = 1 << guarded
    return (16 * _series(one // 5, guarded) - 4 * _series(one // 239, guarded)) >> 32


@cache
def _table(bits: int) -> tuple[int, ...]:
    """Arctangents of k / 64, k = 0..64: two neighbours differ by atan(64 / (64^2 + k (k + 1)))."""
    values = [0]
    for k in range(_STEPS):
        step = (_STEPS << bits) // (_STEPS * _STEPS + k * (k + 1))
        values.append(values[-1] + _series(step, bits))
    return tuple(values)


def arctangent(numerator: int, denominator: int, bits: int = BITS) -> int:
    """Arctangent of numerator / denominator (both >= 0, one of them positive), times 2**bits."""
    if numerator > denominator:
        return (pi(bits) >> 1) - arctangent(denominator, numerator, bits)
    k = (2 * _STEPS * numerator + denominator) // (2 * denominator)
    rest = ((_STEPS * numerator - k * denominator) << bits) // (
        _STEPS * denominator + k * numerator
    )
    return _table(bits)[k] + _series(rest, bits)


def _integers(rows: Array) -> tuple[list[Vector], int]:
    """Rows as integers times 2**(exponent - BITS), exact above 2**-BITS of the largest entry."""
    mantissas, exponents = np.frexp(rows)
    exponent = int(exponents[rows != 0].max(initial=0))
    shifts = (exponents + (BITS - 53 - exponent)).tolist()
    whole = np.ldexp(mantissas, 53).astype(np.int64).tolist()
    vectors = [
        [m << s if s >= 0 else m >> -s for m, s in zip(row, shift, strict=True)]
        for row, shift in zip(whole, shifts, strict=True)
    ]
    return vectors, exponent


def _dot(first: Vector, second: Vector) -> int:
    return sum(a * b for a, b in zip(first, second, strict=True))


def _pair(first: Vector, second: Vector, norms: tuple[int, int]) -> tuple[int, int, int]:
    """S, B and h of two non-zero vectors with the given squared norms."""
    cosine = _dot(first, second)
    sine = math.isqrt(norms[0] * norms[1] - cosine * cosine)
    angle = arctangent(sine, abs(cosine))
    opposite = pi() - angle if cosine > 0 else angle
    return sine, opposite, sine + ((opposite * cosine) >> BITS)


def _to_float(value: int, exponent: int) -> float:
    """Nearest double of value * 2**exponent."""
    return value / (1 << -exponent) if exponent < 0 else float(value << exponent)


def _resolved(total: int, terms: int, exponent: int) -> float:
    """The sum of h over pairs divided by 2 pi, or 0.0 when it is lost in the roundings."""
    if abs(total) <= terms >> (BITS - _LOST):
        return 0.0
    return _to_float((total << BITS) // (2 * pi()), 2 * (exponent - BITS))


def signed_norm(rows: Array, coefficients: Sequence[int]) -> float:
    """Expectation of the square of sum_i c_i relu(n_i.x).

    Parameters
    ----------
    rows : ndarray, shape (N, D)
        The vectors n_i; none of them zero.
    coefficients : sequence of int, length N
        The c_i.

    Returns
    -------
    float
        Exactly 0.0 when the sum is below 2**-220 of its terms.
    """
    vectors, exponent = _integers(rows)
    squares = [_dot(vector, vector) for vector in vectors]
    total = terms = 0
    for i, first in enumerate(vectors):
        own = coefficients[i] ** 2 * ((pi() * squares[i]) >> BITS)
        total += own
        terms += own
        for j in range(i):
            weight = 2 * coefficients[i] * coefficients[j]
            h = weight * _pair(first, vectors[j], (squares[i], squares[j]))[2]
            total += h
            terms += abs(h)
    return _resolved(total, terms, exponent)


def signed_overlap(direction: Array, rows: Array, coefficients: Sequence[int]) -> float:
    """Expectation of relu(u.x) sum_i c_i relu(n_i.x).

    Parameters
    ----------
    direction : ndarray, shape (D,)
        The vector u, not zero.
    rows, coefficients
        As in `signed_norm`.
    """
    vectors, exponent = _integers(np.vstack([direction, rows]))
    first = vectors[0]
    square = _dot(first, first)
    total = terms = 0
    for coefficient, vector in zip(coefficients, vectors[1:], strict=True):
        h = coefficient * _pair(first, vector, (square, _dot(vector, vector)))[2]
        total += h
        terms += abs(h)
    return _resolved(total, terms, exponent)


def signed_gradient(directions: Array, rows: Array, coefficients: Sequence[int]) -> Array:
    """Expectation of 1[u.x > 0] x sum_i c_i relu(n_i.x), for each of several u.

    Parameters
    ----------
    directions : ndarray, shape (K, D)
        The vectors u; none of them zero.
    rows, coefficients
        As in `signed_norm`.

    Returns
    -------
    ndarray, shape (K, D)
        Entries below 2**-220 of their terms are exactly 0.0.
    """
    vectors, exponent = _integers(np.vstack([directions, rows]))
    count = len(directions)
    sources = vectors[count:]
    squares = [_dot(vector, vector) for vector in sources]
    result = np.zeros(directions.shape)
    for k, first in enumerate(vectors[:count]):
        square = _dot(first, first)
        own = terms = 0
        total = [0] * directions.shape[1]
        for coefficient, vector, other in zip(coefficients, sources, squares, strict=True):
            sine, opposite, _ = _pair(first, vector, (square, other))
            own += coefficient * ((sine << BITS) // square)
            weight = coefficient * opposite
            total = [t + weight * x for t, x in zip(total, vector, strict=True)]
            terms += abs(weight) * math.isqrt(other)
        total = [t + own * x for t, x in zip(total, first, strict=True)]
        for column, entry in enumerate(total):
            if abs(entry) > terms >> (BITS - _LOST):
                result[k, column] = _to_float(entry // (2 * pi()), exponent - BITS)
    return result
