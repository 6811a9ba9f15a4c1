"""All critical points of two neurons that leave the plane of a teacher of two vectors.

docs/proofs.md derives what such a point must satisfy. One direction outside is used, in which the
neurons are on different sides, and the angles pi - a_km between student k and teacher vector m have
a_2m = lam a_1m, with 0 < lam <= 1 by the choice of names. With the angle phi of the teacher,
half = phi / 2, a_1 = sigma + tau and a_2 = sigma - tau, the directions are

    u_1 = (X_1, Y_1, h_1),  u_2 = (X_2, Y_2, -h_2),  X = -cos(sigma) cos(tau) / cos(half),
    Y = sin(sigma) sin(tau) / sin(half),
    h^2 = sin(sigma - half) sin(sigma + half) sin(half - tau) sin(half + tau) / (sin cos half)^2,

at (sigma, tau) and lam (sigma, tau), x along the bisector and y towards the first vector. With
o = arccos(h_1 h_2 - X_1 X_2 - Y_1 Y_2) and S = sum_m n_m a_m v_m / |v_m|, N_k = sum_m n_m sin a_km,
three equations of the form h_2 P + h_1 Q = 0 are left, in which (P, Q) are

    F1: S x u_1, S x u_2;
    F2: N_2 (pi lam - o) - N_1 lam sin o,  N_2 sin o - N_1 (pi - lam o);
    F3: |S|^2 (pi lam - o) - o N_1 S.u_1,  |S|^2 sin o - o N_1 S.u_2,

and the lengths are positive if h_2 S.u_1 + h_1 S.u_2 > 0. F2 vanishes for lam = 1, mirror images.
With sinc x = sin x / x,

    (h_1 + h_2) F2 / (1 - lam) = -E ((pi - o) N_2 - N_1 sin o) + (h_1 + h_2) (N_1 h_2 sin o
        - h_1 D (pi - o + sin o) - pi N_2 h_2 - o N_1 h_1),
    D = (N_1 - N_2) / (1 - lam) = sum_m n_m a_m cos((1 + lam) a_m / 2) sinc((1 - lam) a_m / 2),
    E = (h_1^2 - h_2^2) / (1 - lam), by the same rule for differences of squares of cosines.

Unknowns are x, y = tau / half and lam; pi - half - sigma = (pi - phi) x^2, as h_1 falls like x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.proofs.circle import Interval, interval
from landtopo.proofs.jets import Jet, arccos, constant, cosine, inverse, root, sinc, sine, variables
from landtopo.proofs.plane import PlaneSearch, PlaneTeacher, search_boxes

__all__ = ["mirrored_lengths", "search_mirrored", "search_unlike"]

Mask = NDArray[np.bool_]

_PI = interval(np.pi - 1e-15, np.pi + 1e-15)
_TURN = np.pi + 1e-14
_LARGE = 1e100


@dataclass(frozen=True, slots=True)
class _Student:
    """Components of a direction, S x u and S.u."""

    x: Jet
    y: Jet
    height: Jet
    turn: Jet
    along: Jet


@dataclass(frozen=True, slots=True)
class _Plane:
    """Angle and norms of a teacher, with functions of half the angle."""

    angle: Jet
    half: Jet
    cosine: Jet
    sine: Jet
    norms: tuple[Jet, Jet]

    def student(self, sigma: Jet, tau: Jet, total: tuple[Jet, Jet], height: Jet) -> _Student:
        x = (-(cosine(sigma) * cosine(tau)) * inverse(self.cosine)).clipped(-1, 1)
        y = (sine(sigma) * sine(tau) * inverse(self.sine)).clipped(-1, 1)
        return _Student(
            x=x,
            y=y,
            height=height,
            turn=total[0] * y - total[1] * x,
            along=total[0] * x + total[1] * y,
        )

    def height(self, first: Jet, second: Jet) -> Jet:
        """From the roots of the products of sines of sigma -+ half and of half -+ tau."""
        return (first * second * inverse(self.cosine * self.sine)).clipped(0, 1)


def _plane(teacher: PlaneTeacher, size: int) -> _Plane:
    angle = constant(interval(*teacher.directions[1]) - interval(*teacher.directions[0]), size)
    half = angle * 0.5
    norms = [constant(interval(*norm), size) for norm in teacher.norms]
    return _Plane(
        angle=angle, half=half, cosine=cosine(half), sine=sine(half), norms=(norms[0], norms[1])
    )


@dataclass(frozen=True, slots=True)
class _First:
    """The first student, and what its angles say of the teacher."""

    sigma: Jet
    tau: Jet
    angles: tuple[Jet, Jet]
    weighted: tuple[Jet, Jet]
    total: tuple[Jet, Jet]
    factors: tuple[Jet, Jet]
    student: _Student


def _first(plane: _Plane, x: Jet, y: Jet) -> _First:
    range_ = constant(_PI, x.size) - plane.angle
    gap = x * x * range_
    rest = range_ - gap
    sigma, tau = plane.half + rest, y * plane.half
    angles = (sigma + tau).clipped(0, _TURN), (sigma - tau).clipped(0, _TURN)
    weighted = plane.norms[0] * angles[0], plane.norms[1] * angles[1]
    total = (
        (weighted[0] + weighted[1]) * plane.cosine,
        (weighted[0] - weighted[1]) * plane.sine,
    )
    factors = (
        sine(rest) * sine(gap),
        sine((1.0 - y) * plane.half) * sine((1.0 + y) * plane.half),
    )
    # The root of sin(gap) is smooth in x.
    across = x * root((sine(rest) * range_ * sinc(gap)).clipped(0, 4))
    height = plane.height(across, root(factors[1].clipped(0, 1)))
    student = plane.student(sigma, tau, total, height)
    return _First(
        sigma=sigma,
        tau=tau,
        angles=angles,
        weighted=weighted,
        total=total,
        factors=factors,
        student=student,
    )


@dataclass(frozen=True, slots=True)
class _Terms:
    """Pairs (P, Q) of the equations, the equations with F2 divided, S.u and heights.

    Where `room` is negative there is no second direction with these angles.
    """

    pairs: list[tuple[Jet, Jet]]
    values: list[Jet]
    along: tuple[Jet, Jet]
    heights: tuple[Jet, Jet]
    room: Jet


def _terms(teacher: PlaneTeacher, x: Jet, y: Jet, lam: Jet) -> _Terms:
    plane, pi = _plane(teacher, x.size), constant(_PI, x.size)
    one = _first(plane, x, y)
    sigma, tau, half, first = lam * one.sigma, lam * one.tau, plane.half, one.student
    factors = (
        sine(sigma - half) * sine(sigma + half),
        sine(half - tau) * sine(half + tau),
    )
    height = plane.height(*(root(part.clipped(0, 1)) for part in factors))
    second = plane.student(sigma, tau, one.total, height)
    h1, h2 = first.height, second.height
    o = arccos((h1 * h2 - first.x * second.x - first.y * second.y).clipped(-1, 1))
    s = sine(o).clipped(0, 1)
    n1 = _sum(n * sine(a) for n, a in zip(plane.norms, one.angles, strict=True))
    n2 = _sum(n * sine(lam * a) for n, a in zip(plane.norms, one.angles, strict=True))
    square = one.total[0] * one.total[0] + one.total[1] * one.total[1]
    pairs = [
        (first.turn, second.turn),
        (n2 * (lam * pi - o) - n1 * lam * s, n2 * s - n1 * (pi - lam * o)),
        (square * (lam * pi - o) - o * n1 * first.along, square * s - o * n1 * second.along),
    ]
    d = _sum(
        weight * cosine((1.0 + lam) * a * 0.5) * sinc((1.0 - lam) * a * 0.5)
        for weight, a in zip(one.weighted, one.angles, strict=True)
    )
    # h^2 is a product, and the differences of its factors are products too.
    e = _fall(one.sigma, lam) * factors[1] - one.factors[0] * _fall(one.tau, lam)
    e *= inverse(plane.cosine * plane.sine * plane.cosine * plane.sine)
    divided = -(e * ((pi - o) * n2 - n1 * s)) + (h1 + h2) * (
        n1 * h2 * s - h1 * d * (pi - o + s) - pi * n2 * h2 - o * n1 * h1
    )
    return _Terms(
        pairs=pairs,
        values=[h2 * pairs[0][0] + h1 * pairs[0][1], divided, h2 * pairs[2][0] + h1 * pairs[2][1]],
        along=(first.along, second.along),
        heights=(h1, h2),
        room=sigma - half,
    )


def _fall(x: Jet, lam: Jet) -> Jet:
    """(cos^2(lam x) - cos^2 x) / (1 - lam)."""
    return x * sine((1.0 + lam) * x) * sinc((1.0 - lam) * x)


def _sum(jets: Iterable[Jet]) -> Jet:
    return reduce(Jet.__add__, jets)


def search_unlike(
    teacher: PlaneTeacher,
    smallest: float = 1e-4,
    progress: Callable[[float], None] | None = None,
) -> PlaneSearch:
    """All points whose neurons are no mirror images of each other: (x, y, lam) with lam < 1.

    Parameters
    ----------
    teacher : PlaneTeacher
    smallest : float
        Boxes are not halved below this width.
    progress : callable, optional
        Is told which part of all boxes is decided.
    """

    def keep(box: Interval) -> Mask:
        terms = _terms(teacher, *_ranges(box))
        h1, h2 = terms.heights
        kept = terms.room.high >= 0
        for number, (p, q) in enumerate(terms.pairs):
            # Not both heights are zero outside the plane.
            kept &= ~(((p.low > 0) & (q.low > 0)) | ((p.high < 0) & (q.high < 0)))
            kept &= (h2 * p + h1 * q).value.holds_zero
            for other, more in terms.pairs[:number]:
                kept &= (p * more - other * q).value.holds_zero
        forward, after = terms.along
        kept &= ((forward.high > 0) | (after.high > 0)) & ((h2 * forward + h1 * after).high > 0)
        return np.asarray(kept & terms.values[1].value.holds_zero)

    def system(box: Interval, of: PlaneTeacher) -> tuple[list[Interval], list[list[Interval]]]:
        return _system(_terms(of, *variables(box)).values)

    start = np.array([1.0, 2.0, 1.0]) / 8
    grid = np.stack(np.meshgrid(*[np.arange(8)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    low = grid * start - [0, 1, 0]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return search_boxes(teacher, low, low + start, keep, system, smallest, progress)


def search_mirrored(
    teacher: PlaneTeacher,
    smallest: float = 1e-6,
    progress: Callable[[float], None] | None = None,
) -> PlaneSearch:
    """All points whose neurons are mirror images of each other: (x, y).

    Parameters
    ----------
    teacher : PlaneTeacher
    smallest : float
        Boxes are not halved below this width.
    progress : callable, optional
        Is told which part of all boxes is decided.
    """

    def keep(box: Interval) -> Mask:
        values, along = _mirrored(teacher, *_ranges(box))
        kept = values[0].value.holds_zero & values[1].value.holds_zero & (along.high > 0)
        return np.asarray(kept)

    def system(box: Interval, of: PlaneTeacher) -> tuple[list[Interval], list[list[Interval]]]:
        return _system(_mirrored(of, *variables(box))[0])

    start = np.array([1.0, 2.0]) / 16
    grid = np.stack(np.meshgrid(*[np.arange(16)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    low = grid * start - [0, 1]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return search_boxes(teacher, low, low + start, keep, system, smallest, progress)


def _mirrored(teacher: PlaneTeacher, x: Jet, y: Jet) -> tuple[list[Jet], Jet]:
    """F1 and F3 for lam = 1, divided by h, and S.u."""
    terms = _terms(teacher, x, y, constant(interval(1.0), x.size))
    (turn, _), _, (p, q) = terms.pairs
    return [turn, p + q], terms.along[0]


def _ranges(box: Interval) -> list[Jet]:
    """The unknowns without slopes."""
    columns = zip(box.low.T, box.high.T, strict=True)
    return [constant(Interval(low, high), len(box.low)) for low, high in columns]


def _system(values: Sequence[Jet]) -> tuple[list[Interval], list[list[Interval]]]:
    """Values and slopes; a slope without bounds is one that says nothing."""
    return [one.value for one in values], [[_bounded(x) for x in one.slopes] for one in values]


def _bounded(slope: Interval) -> Interval:
    fine = np.isfinite(slope.low) & np.isfinite(slope.high)
    return Interval(np.where(fine, slope.low, -_LARGE), np.where(fine, slope.high, _LARGE))


def mirrored_lengths(
    teacher: PlaneTeacher, point: Array, radius: float
) -> tuple[Interval, Interval, Interval]:
    """Components of the weights of a mirrored neuron: bisector, towards the first vector, outside.

    Parameters
    ----------
    teacher : PlaneTeacher
    point : ndarray, shape (2,)
        (x, y).
    radius : float
        Of the box around it.
    """
    plane = _plane(teacher, 1)
    one = _first(plane, *_ranges(Interval(point[None] - radius, point[None] + radius)))
    student = one.student
    # w_1 + w_2 = S / o, with o = pi less twice the angle to the plane.
    o = arccos((student.height * student.height * 2.0 - 1.0).clipped(-1, 1))
    part = inverse(o * 2.0)
    square = student.x * student.x + student.y * student.y
    out = student.along * inverse(square) * student.height * part
    return (one.total[0] * part).value, (one.total[1] * part).value, out.value
