"""Directions outside the plane of a teacher of two vectors, and critical points by mirror images.

docs/proofs.md derives what a point outside the plane must satisfy. One direction outside is used,
in which the two neurons are on different sides. Letters: half is half the angle of the teacher, c
and s its cosine and sine; pi - a_m the angle between a neuron and teacher vector m, n_m the norms;
a_1 = sigma + tau, a_2 = sigma - tau; x is along the bisector and y towards the first vector. A
direction is given by two angles,

    sin(sigma - pi / 2) = c cos(alpha),  0 < alpha < pi,     sin(tau) = s sin(kappa),
    (X, Y, h) = (cos(tau) cos(alpha), sin(sigma) sin(kappa), sin(alpha) cos(kappa)),

so that sigma = pi / 2 + c B and tau = s T, where B and T stay smooth when the teacher's vectors
become parallel or opposed. With S = sum_m n_m a_m v_m / |v_m|, N = sum_m n_m sin a_m and the angle
pi - o between neurons that are mirror images of each other, what is left is

    S x u = 0,     |S|^2 (pi - o + sin o) = 2 o N S.u,

and lengths are positive if S.u > 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.proofs.circle import Interval, interval
from landtopo.proofs.jets import (
    Jet,
    arcsine,
    bent,
    constant,
    cosine,
    inverse,
    sine,
    square,
    variables,
)
from landtopo.proofs.plane import PlaneSearch, PlaneTeacher, search_boxes

__all__ = ["PI", "Pair", "bounded", "mirrored_lengths", "pair", "search_mirrored", "total"]

PI = interval(np.pi - 1e-15, np.pi + 1e-15)
_TURN = np.pi + 1e-14
_LARGE = 1e100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Half the angle of a teacher, its cosine and sine, and the norms."""

    half: Jet
    cosine: Jet
    sine: Jet
    norms: tuple[Jet, Jet]

    def sum_of(self, sigma: Jet, tau: Jet) -> tuple[tuple[Jet, Jet], Jet, tuple[Jet, Jet]]:
        """The angles a_m, N, and S, for the directions that sigma and tau give."""
        angles = (sigma + tau).clipped(0, _TURN), (sigma - tau).clipped(0, _TURN)
        first, second = (n * a for n, a in zip(self.norms, angles, strict=True))
        sines = total(n * sine(a) for n, a in zip(self.norms, angles, strict=True))
        return angles, sines, ((first + second) * self.cosine, (first - second) * self.sine)


def pair(angle: Jet, norms: Sequence[tuple[float, float]]) -> Pair:
    """A teacher, or a range of them.

    Parameters
    ----------
    angle : Jet
        Between its vectors.
    norms : sequence of pairs of float
    """
    half = angle * 0.5
    first, second = (constant(interval(*norm), angle.size) for norm in norms)
    return Pair(half=half, cosine=cosine(half), sine=sine(half), norms=(first, second))


def total(jets: Iterable[Jet]) -> Jet:
    """The sum."""
    return reduce(Jet.__add__, jets)


def search_mirrored(
    teacher: PlaneTeacher,
    smallest: float = 1e-6,
) -> PlaneSearch:
    """All points whose neurons are mirror images of each other: (alpha, kappa).

    Parameters
    ----------
    teacher : PlaneTeacher
    smallest : float
        Boxes are not halved below this width.
    """

    def keep(box: Interval) -> NDArray[np.bool_]:
        values, along = _mirrored(teacher, *_ranges(box))
        out = ~values[0].value.holds_zero | ~values[1].value.holds_zero | (along.high <= 0)
        return np.asarray(~out)

    def system(box: Interval, of: PlaneTeacher) -> tuple[list[Interval], list[list[Interval]]]:
        values = _mirrored(of, *variables(box))[0]
        return [one.value for one in values], [[bounded(x) for x in one.slopes] for one in values]

    step = np.pi / 16
    grid = np.stack(np.meshgrid(np.arange(16), np.arange(-8, 8), indexing="ij"), axis=-1)
    low = step * grid.reshape(-1, 2).astype(np.float64)
    high = np.nextafter(low + step, 10)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return search_boxes(teacher, low, high, keep, system, smallest, None)


@dataclass(frozen=True, slots=True)
class _Student:
    """Components of a direction over the plane's axes, N, S, and o."""

    x: Jet
    y: Jet
    height: Jet
    sines: Jet
    sums: tuple[Jet, Jet]
    o: Jet

    @property
    def along(self) -> Jet:
        return self.sums[0] * self.x + self.sums[1] * self.y


def _student(teacher: PlaneTeacher, alpha: Jet, kappa: Jet) -> _Student:
    angle = interval(*teacher.directions[1]) - interval(*teacher.directions[0])
    two, pi = pair(constant(angle, alpha.size), teacher.norms), constant(PI, alpha.size)
    sigma = pi * 0.5 + two.cosine * bent(two.cosine, pi * 0.5 - alpha)
    tau = two.sine * bent(two.sine, kappa)
    _, sines, sums = two.sum_of(sigma, tau)
    height = (sine(alpha) * cosine(kappa)).clipped(0, 1)
    return _Student(
        x=cosine(tau) * cosine(alpha),
        y=sine(sigma) * sine(kappa),
        height=height,
        sines=sines,
        sums=sums,
        o=pi - arcsine(height) * 2.0,
    )


def _mirrored(teacher: PlaneTeacher, alpha: Jet, kappa: Jet) -> tuple[list[Jet], Jet]:
    """Both equations, and S.u."""
    one = _student(teacher, alpha, kappa)
    o, along = one.o.clipped(0, _TURN), one.along
    size = square(one.sums[0]) + square(one.sums[1])
    turn = one.sums[0] * one.y - one.sums[1] * one.x
    rest = constant(PI, alpha.size) - o + sine(o).clipped(0, 1)
    return [turn, size * rest - o * one.sines * along * 2.0], along


def _ranges(box: Interval) -> list[Jet]:
    """The unknowns without slopes."""
    columns = zip(box.low.T, box.high.T, strict=True)
    return [constant(Interval(low, high), len(box.low)) for low, high in columns]


def bounded(slope: Interval) -> Interval:
    """The same, or bounds that say nothing where there are none."""
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
        (alpha, kappa).
    radius : float
        Of the box around it.
    """
    one = _student(teacher, *_ranges(Interval(point[None] - radius, point[None] + radius)))
    # w_1 + w_2 = S / o.
    part = inverse(one.o * 2.0)
    out = one.along * inverse(square(one.x) + square(one.y)) * one.height * part
    return (one.sums[0] * part).value, (one.sums[1] * part).value, out.value
