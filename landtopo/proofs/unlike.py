"""That two neurons outside the plane of a teacher of two vectors are mirror images of each other.

Letters as in `landtopo.proofs.outside`. Angles of the second neuron are lam a_m, and 0 < lam <= 1
by the choice of names. With o as there, N_k = sum_m n_m sin a_km and S that of the first neuron,
three equations of the form h_2 P + h_1 Q = 0 are left, in which (P, Q) are

    F1: S x u_1, S x u_2;
    F2: N_2 (pi lam - o) - N_1 lam sin o,  N_2 sin o - N_1 (pi - lam o);
    F3: |S|^2 (pi lam - o) - o N_1 S.u_1,  |S|^2 sin o - o N_1 S.u_2,

the lengths are positive if h_2 S.u_1 + h_1 S.u_2 > 0, and h_1 < h_2 unless lam = 1
(docs/proofs.md). F2 vanishes for lam = 1, mirror images. With sinc x = sin x / x,

    (h_1 + h_2) F2 / (1 - lam) = -E ((pi - o) N_2 - N_1 sin o) + (h_1 + h_2) (N_1 h_2 sin o
        - h_1 D (pi - o + sin o) - pi N_2 h_2 - o N_1 h_1),
    D = (N_1 - N_2) / (1 - lam) = sum_m n_m a_m cos((1 + lam) a_m / 2) sinc((1 - lam) a_m / 2),
    E = (h_1^2 - h_2^2) / (1 - lam), also by the same rule for differences of squares of cosines.

Neurons are given by alpha_1 < alpha_2 and kappa_1; F2 is divided by 1 - lam and multiplied by c.
Heights may both be small; what counts is their ratio. So the angles are cut into four parts, in
which that of a neuron or its supplement is x <= pi / 2 and that of the other one is s x,
0 <= s <= 1; heights are taken in units of sin x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.journal import Forgetful, Journal, kept_or_made
from landtopo.objective import Array
from landtopo.proofs.circle import Interval, interval
from landtopo.proofs.jets import (
    Jet,
    arcsine,
    bent,
    constant,
    cosine,
    inverse,
    root,
    sinc,
    sine,
    square,
    variables,
)
from landtopo.proofs.outside import PI, Pair, bounded, pair, total
from landtopo.proofs.plane import PlaneSearch, PlaneTeacher
from landtopo.proofs.pruning import prune, without_zero

__all__ = ["search_unlike"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Whether x or s x of a neuron is the supplement of alpha, and whether the first has s x."""

    first: bool
    second: bool
    small: bool


_PARTS = (
    _Part(first=False, second=True, small=True),
    _Part(first=False, second=True, small=False),
    _Part(first=False, second=False, small=True),
    _Part(first=True, second=True, small=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Angles:
    """What the unknowns say of both neurons.

    `rest` is 1 - lam; `heights` are h in units of `unit` = sin x, and `stretch` is c E in units of
    its square.
    """

    sigmas: tuple[Jet, Jet]
    taus: tuple[Jet, Jet]
    xs: tuple[Jet, Jet]
    ys: tuple[Jet, Jet]
    unit: Jet
    heights: tuple[Jet, Jet]
    lam: Jet
    rest: Jet
    stretch: Jet


def _angles(two: Pair, part: _Part, x: Jet, kappa: Jet, s: Jet) -> _Angles:
    quarter = constant(PI, x.size) * 0.5
    ends = (s * x, x) if part.small else (x, s * x)
    signs = [-1.0 if flag else 1.0 for flag in (part.first, part.second)]
    cosines = [cosine(end) * sign for end, sign in zip(ends, signs, strict=True)]
    bends = [bent(two.cosine, quarter - e) * sign for e, sign in zip(ends, signs, strict=True)]
    sigmas = quarter + two.cosine * bends[0], quarter + two.cosine * bends[1]
    fall = bends[0] - bends[1]
    rest = (two.cosine * fall * inverse(sigmas[0])).clipped(0, 1)
    lam = 1.0 - rest
    arc = bent(two.sine, kappa)
    taus = two.sine * arc, lam * two.sine * arc
    sines = sine(kappa), lam * arc * sinc(taus[1])
    # (cos^2 kappa_2 - cos^2 kappa_1) / (1 - lam).
    widening = square(arc) * (1.0 + lam) * sinc((1.0 + lam) * taus[0]) * sinc(rest * taus[0])
    first = cosine(kappa).clipped(0, 1)
    second = root((square(first) + rest * widening).clipped(0, 1))
    ratio = (s * sinc(s * x) * inverse(sinc(x))).clipped(0, 1)
    unit, one = sine(x), constant(interval(1.0), x.size)
    high = (ratio, one) if part.small else (one, ratio)
    heights = high[0] * first, high[1] * second
    # c E in units of unit^2: by the rule of products, and as it stands, which fails at lam = 1.
    summed = bends[0] + bends[1]
    slope = sigmas[0] * summed * sinc(two.cosine * summed) * sinc(rest * sigmas[0])
    ruled = -(slope * square(second) * square(inverse(unit)))
    ruled -= square(high[0]) * two.cosine * widening
    plain = sigmas[0] * (square(heights[0]) - square(heights[1])) * inverse(fall)
    return _Angles(
        sigmas=sigmas,
        taus=taus,
        xs=(cosine(taus[0]) * cosines[0], cosine(taus[1]) * cosines[1]),
        ys=(sine(sigmas[0]) * sines[0], sine(sigmas[1]) * sines[1]),
        unit=unit,
        heights=heights,
        lam=lam,
        rest=rest,
        stretch=ruled.meeting(plain),
    )


def _between(one: _Angles) -> tuple[Jet, Jet]:
    """The angle pi - o between the neurons, and o, from their distance and from their sum."""
    pi = constant(PI, one.lam.size)
    (x1, x2), (y1, y2), (h1, h2) = one.xs, one.ys, one.heights
    near = square(x1 - x2) + square(y1 - y2) + square(one.unit * (h1 + h2))
    far = square(x1 + x2) + square(y1 + y2) + square(one.unit * (h1 - h2))
    angle, rest = (
        arcsine((root(size.clipped(0, 4)) * 0.5).clipped(0, 1)) * 2.0 for size in (near, far)
    )
    return angle.meeting(pi - rest), rest.meeting(pi - angle)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """Pairs (P, Q), the equations with F2 divided, S.u, and heights in units of sin x."""

    pairs: list[tuple[Jet, Jet]]
    values: list[Jet]
    along: tuple[Jet, Jet]
    heights: tuple[Jet, Jet]
    lam: Jet


def _terms(two: Pair, part: _Part, x: Jet, kappa: Jet, s: Jet) -> _Terms:
    one = _angles(two, part, x, kappa, s)
    lam, rest, pi = one.lam, one.rest, constant(PI, x.size)
    turned, o = _between(one)
    across = sine(o).meeting(sine(turned)).clipped(0, 1)
    angles, n1, (ahead, aside) = two.sum_of(one.sigmas[0], one.taus[0])
    n2 = total(n * sine(lam * a) for n, a in zip(two.norms, angles, strict=True))
    d = total(
        n * a * cosine((1.0 + lam) * a * 0.5) * sinc(rest * a * 0.5)
        for n, a in zip(two.norms, angles, strict=True)
    )
    turns = [ahead * y - aside * x for x, y in zip(one.xs, one.ys, strict=True)]
    along = [ahead * x + aside * y for x, y in zip(one.xs, one.ys, strict=True)]
    size = square(ahead) + square(aside)
    pairs = [
        (turns[0], turns[1]),
        (n2 * (lam * pi - o) - n1 * lam * across, n2 * across - n1 * (pi - lam * o)),
        (size * (lam * pi - o) - o * n1 * along[0], size * across - o * n1 * along[1]),
    ]
    h1, h2 = one.heights
    divided = two.cosine * (h1 + h2) * (
        n1 * h2 * across - h1 * d * (turned + across) - pi * n2 * h2 - o * n1 * h1
    ) - one.stretch * (turned * n2 - n1 * across)
    return _Terms(
        pairs=pairs,
        values=[h2 * pairs[0][0] + h1 * pairs[0][1], divided, h2 * pairs[2][0] + h1 * pairs[2][1]],
        along=(along[0], along[1]),
        heights=(h1, h2),
        lam=lam,
    )


def search_unlike(
    teacher: PlaneTeacher,
    smallest: float = 1e-6,
    progress: Callable[[float], None] | None = None,
    journal: Journal | None = None,
) -> PlaneSearch:
    """That there are no points whose neurons are no mirror images of each other.

    Parameters
    ----------
    teacher : PlaneTeacher
    smallest : float
        Boxes are not halved below this width.
    progress : callable, optional
        Is told which part of all boxes is decided.
    journal : Journal, optional
        Keeps each of the four parts when it is through; it is about this teacher alone.

    Returns
    -------
    PlaneSearch
        Undecided boxes have alpha_1, kappa_1 and alpha_2.
    """
    quarter = np.nextafter(0.5 * np.pi, 2)
    step = np.array([quarter / 4, quarter / 4, 0.25])
    grid = np.stack(
        np.meshgrid(np.arange(4), np.arange(-4, 4), np.arange(4), indexing="ij"), axis=-1
    )
    angle = interval(*teacher.directions[1]) - interval(*teacher.directions[0])
    low = step * grid.reshape(-1, 3).astype(np.float64)
    column = np.ones((len(low), 1))
    high = np.hstack([np.nextafter(low + step, 10), float(angle.high) * column])
    low = np.hstack([low, float(angle.low) * column])
    kept = journal or Forgetful()
    told = progress or (lambda share: None)

    def searched(number: int) -> Mapping[str, Any]:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            left, volume, boxes = prune(
                low,
                high,
                _test(teacher, _PARTS[number]),
                smallest,
                lambda share: told((number + share) / len(_PARTS)),
            )
        return {"undecided": _directions(_PARTS[number], left), "volume": volume, "boxes": boxes}

    parts = []
    for number in range(len(_PARTS)):
        parts.append(kept_or_made(kept, f"unlike/{number}", partial(searched, number)))
        told((number + 1) / len(_PARTS))
    return PlaneSearch(
        roots=np.empty((0, 3)),
        radii=np.empty(0),
        reaches=np.empty(0),
        undecided=np.concatenate([one["undecided"] for one in parts]),
        volume=float(np.mean([one["volume"] for one in parts])),
        boxes=sum(one["boxes"] for one in parts),
    )


def _directions(part: _Part, boxes: Array) -> Array:
    """Boxes of alpha_1, kappa_1 and alpha_2 around boxes of x, kappa_1 and s."""
    x, kappa, s = boxes[:, 0], boxes[:, 1], boxes[:, 2]
    ends = (s * x, x) if part.small else (x, s * x)
    first, second = (
        np.pi - end[:, ::-1] if flag else end
        for end, flag in zip(ends, (part.first, part.second), strict=True)
    )
    return np.stack([first, kappa, second], axis=1)


def _test(
    teacher: PlaneTeacher, part: _Part
) -> Callable[[Interval], tuple[Mask, NDArray[np.intp]]]:
    """Which boxes hold no such point, and the axis to halve."""

    def terms(box: Interval) -> _Terms:
        x, kappa, s, angle = variables(box)
        return _terms(pair(angle, teacher.norms), part, x, kappa, s)

    def excluded(box: Interval) -> tuple[Mask, NDArray[np.intp]]:
        found = terms(box)
        h1, h2 = found.heights
        out = h1.low >= h2.high
        for number, (p, q) in enumerate(found.pairs):
            # Not both heights are zero outside the plane.
            out |= ((p.low > 0) & (q.low > 0)) | ((p.high < 0) & (q.high < 0))
            for other, more in found.pairs[:number]:
                out |= ~(p * more - other * q).value.holds_zero
        for value in found.values:
            out |= ~value.value.holds_zero
        ahead, after = found.along
        out |= ((ahead.high <= 0) & (after.high <= 0)) | ((h2 * ahead + h1 * after).high <= 0)
        middle = box.middle
        values = [one.value for one in terms(Interval(middle, middle)).values]
        slopes = [[bounded(x) for x in one.slopes] for one in found.values]
        none, axes = without_zero(values, slopes, box.high - box.low)
        return out | none, axes

    return excluded
