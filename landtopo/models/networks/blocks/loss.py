"""The loss of a block pattern, its derivatives, and its second derivatives along directions.

With p = u.u, q = v.v, s = u.v, t the angle between u and v and D = (p q - s^2)^(1/2), the pair
integral of two rectified units is g = (D + (pi - t) s) / 2 pi, and

    g_s = (pi - t) / 2 pi,   g_p = D / 4 pi p,
    g_ss = 1 / 2 pi D,   g_pp = (q / p - 2 D^2 / p^2) / 8 pi D,   g_pq = 1 / 8 pi D,
    g_ps = -s / 4 pi p D.

Scalar products are quadratic in the unknowns. Where vectors are parallel D = 0; second derivatives
of g along weights are bounded there, and only those through g_s are left (Hessian block I / 2).

Sums over pairs of neurons cancel down to a loss of order one over the size. At a size of 1e7 that
costs 22 digits, which is why all this computes with many more than doubles have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mpmath import MPContext

from landtopo.models.networks.blocks.pattern import Pattern, Real
from landtopo.shown import Brief

__all__ = ["DIGITS", "PRECISE", "Slopes", "curvature", "grad_norm", "gradient", "loss", "slopes"]

#: Decimal digits that are computed with.
DIGITS = 60

#: Arithmetic of that many digits; one of its own, so that no setting of a user changes.
PRECISE: Any = MPContext()
PRECISE.dps = DIGITS

# Multiples of the rounding unit below which the squared sine of an angle is zero.
_ROUNDED = 16

Vector = list[Real]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairing:
    """g and its derivatives for the pairs of one kind, times their number; q = 1 for teachers."""

    value: Real
    s: Real
    p: Real
    q: Real
    ss: Real
    ps: Real
    qs: Real
    pp: Real
    pq: Real
    qq: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes(Brief):
    """What the loss and all its derivatives are made of at one point.

    Attributes
    ----------
    pattern : Pattern
    x : list of float
        The point.
    squares : list of float
        Squared norms by orbit.
    pairs, overlaps : list
        Terms of pairs of students, and of a student and a teacher vector, by coordinate.
    norms : list of float
        Derivative of the loss by the squared norm of an orbit.
    arithmetic : mpmath context
    """

    pattern: Pattern
    x: Vector
    squares: Vector
    pairs: list[_Pairing] = field(repr=False)
    overlaps: list[_Pairing] = field(repr=False)
    norms: Vector
    arithmetic: Any = field(repr=False)


def slopes(pattern: Pattern, x: Vector, arithmetic: Any = PRECISE) -> Slopes:
    """Terms of the loss at a point.

    Parameters
    ----------
    pattern : Pattern
    x : list of float, of the length of the pattern's coordinates
    arithmetic : mpmath context
        `mpmath.fp` for doubles.
    """
    squares = [sum(n * x[i] ** 2 for n, i in part) for part in pattern.parts]
    norms = [pattern.count(orbit) * arithmetic.mpf(0.25) for orbit in range(len(squares))]
    pairs = []
    for pair in pattern.pairs:
        product = sum(n * x[i] * x[j] for n, i, j in pair.terms)
        term = _pairing(squares[pair.first], squares[pair.second], product, pair.count, arithmetic)
        norms[pair.first] += term.p
        norms[pair.second] += term.q
        pairs.append(term)
    overlaps = []
    for one, number, value in zip(pattern.coordinates, pattern.multiplicities, x, strict=True):
        term = _pairing(squares[one.student], 1, value, -number, arithmetic)
        norms[one.student] += term.p
        overlaps.append(term)
    return Slopes(
        pattern=pattern,
        x=x,
        squares=squares,
        pairs=pairs,
        overlaps=overlaps,
        norms=norms,
        arithmetic=arithmetic,
    )


def _pairing(p: Real, q: Real, s: Real, count: Real, arithmetic: Any) -> _Pairing:
    squared = p * q - s * s
    parallel = squared <= _ROUNDED * arithmetic.eps * p * q
    d = arithmetic.zero if parallel else arithmetic.sqrt(squared)
    per = count / arithmetic.pi
    supplement = arithmetic.pi - arithmetic.atan2(d, s)
    inverse = arithmetic.zero if parallel else per / (8 * d)
    return _Pairing(
        value=per * (d + supplement * s) / 2,
        s=per * supplement / 2,
        p=per * d / (4 * p),
        q=per * d / (4 * q),
        ss=4 * inverse,
        ps=-2 * s / p * inverse,
        qs=-2 * s / q * inverse,
        pp=(q / p - 2 * squared / (p * p)) * inverse,
        pq=inverse,
        qq=(p / q - 2 * squared / (q * q)) * inverse,
    )


def loss(at: Slopes) -> Real:
    """The population loss."""
    teachers = sum(at.pattern.sizes)
    constant = teachers / at.arithmetic.mpf(4) + teachers * (teachers - 1) / (4 * at.arithmetic.pi)
    own = sum(at.pattern.count(orbit) * square for orbit, square in enumerate(at.squares)) / 4
    return constant + own + sum(term.value for term in [*at.pairs, *at.overlaps])


def gradient(at: Slopes) -> Vector:
    """Derivative of the loss by each weight that a coordinate stands for.

    Parameters
    ----------
    at : Slopes

    Returns
    -------
    list of float
        Derivatives by the coordinates, over their multiplicities.
    """
    pattern, x = at.pattern, at.x
    total = [term.s for term in at.overlaps]
    for i, one in enumerate(pattern.coordinates):
        total[i] += 2 * at.norms[one.student] * one.size * x[i]
    for pair, term in zip(pattern.pairs, at.pairs, strict=True):
        for n, i, j in pair.terms:
            total[i] += term.s * n * x[j]
            total[j] += term.s * n * x[i]
    return [one / number for one, number in zip(total, pattern.multiplicities, strict=True)]


def grad_norm(at: Slopes) -> Real:
    """Norm of the gradient by all weights of the network."""
    parts = zip(at.pattern.multiplicities, gradient(at), strict=True)
    return at.arithmetic.sqrt(sum(number * one**2 for number, one in parts))


def curvature(at: Slopes, directions: list[Vector]) -> Any:
    """Second derivatives of the loss along directions.

    Parameters
    ----------
    at : Slopes
    directions : list of n vectors
        Each with an entry for every coordinate.

    Returns
    -------
    matrix, shape (n, n)
        Of the arithmetic.
    """
    pattern, x = at.pattern, at.x
    size = range(len(directions))
    total = [[at.arithmetic.zero] * len(directions) for _ in size]

    def add(left: Vector, right: Vector, factor: Real) -> None:
        # Most directions move few coordinates.
        others = [b for b in size if right[b]]
        for a in size:
            if left[a]:
                scaled = factor * left[a]
                for b in others:
                    total[a][b] += scaled * right[b]

    def both(left: Vector, right: Vector, factor: Real) -> None:
        add(left, right, factor)
        add(right, left, factor)

    columns = [[one[i] for one in directions] for i in range(len(x))]
    squares = [
        [2 * sum(n * x[i] * one[i] for n, i in part) for one in directions]
        for part in pattern.parts
    ]
    for i, (one, term) in enumerate(zip(pattern.coordinates, at.overlaps, strict=True)):
        square = squares[one.student]
        add(columns[i], columns[i], 2 * at.norms[one.student] * one.size + term.ss)
        both(columns[i], square, term.ps)
        add(square, square, term.pp)
    for pair, term in zip(pattern.pairs, at.pairs, strict=True):
        first, second = squares[pair.first], squares[pair.second]
        product = [at.arithmetic.zero] * len(directions)
        for n, i, j in pair.terms:
            both(columns[i], columns[j], term.s * n)
            for a in size:
                product[a] += n * (x[i] * columns[j][a] + x[j] * columns[i][a])
        add(product, product, term.ss)
        both(product, first, term.ps)
        both(product, second, term.qs)
        add(first, first, term.pp)
        add(second, second, term.qq)
        both(first, second, term.pq)
    return at.arithmetic.matrix(total)
