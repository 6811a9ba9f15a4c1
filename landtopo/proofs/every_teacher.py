"""What critical points of one or two neurons are, for all teachers of two vectors in some interval.

The point and the teacher are enclosed, and with them loss and second derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from landtopo.eigen import eigh
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.proofs.certificate_file import negatives
from landtopo.proofs.circle import Interval, interval, kernel
from landtopo.proofs.enclosures import Network, lower, matrix, midpoints, upper
from landtopo.proofs.jets import constant, cosine, inverse, sine
from landtopo.proofs.outside import mirrored_lengths
from landtopo.proofs.plane import PlaneTeacher, lengths

if TYPE_CHECKING:
    from flint import arb_mat

__all__ = ["Enclosed", "enclosed_mirrored", "enclosed_plane"]

_BITS = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """What was proved for every teacher: the index, if its signs are the same, and the loss."""

    kind: Kind
    index: int | None
    loss_bounds: tuple[float, float]


def enclosed_plane(
    teacher: PlaneTeacher, angles: Array, reach: float, unit: float, dim: int | None
) -> Enclosed:
    """A point in the plane of the teacher.

    Parameters
    ----------
    teacher : PlaneTeacher
    angles : ndarray, shape (K,)
        Directions of the neurons.
    reach : float
        How far they are from those at most.
    unit : float
        Length of the longest teacher vector.
    dim : int or None
    """
    boxes = [interval(x - reach, x + reach) for x in angles.tolist()]
    sizes = lengths(teacher, angles, reach)
    if len(boxes) > 1:
        k = kernel(boxes[1] - boxes[0])
        pi = interval(np.pi - 1e-15, np.pi + 1e-15)
        factor = _scalar(inverse(constant(pi * pi - k * k, 1)).value)
        sizes = [x * factor for x in sizes]
    rows = [_polar(x, angle) for x, angle in zip(sizes, boxes, strict=True)]
    vectors = [
        _polar(interval(*norm), interval(*angle))
        for norm, angle in zip(teacher.norms, teacher.directions, strict=True)
    ]
    return _enclosed(rows, vectors, unit, dim)


def enclosed_mirrored(
    teacher: PlaneTeacher, point: Array, reach: float, unit: float, dim: int | None
) -> Enclosed:
    """Mirror images outside the plane, found as (alpha, kappa) by `search_mirrored`."""
    ahead, aside, out = (_scalar(x) for x in mirrored_lengths(teacher, point, reach))
    half = (interval(*teacher.directions[1]) - interval(*teacher.directions[0])) * interval(0.5)
    zero = interval(0.0)
    vectors = [
        [*_polar(interval(*norm), side * half), zero]
        for norm, side in zip(teacher.norms, (interval(1.0), interval(-1.0)), strict=True)
    ]
    return _enclosed([[ahead, aside, out], [ahead, aside, -out]], vectors, unit, dim)


def _enclosed(
    rows: list[list[Interval]], vectors: list[list[Interval]], unit: float, dim: int | None
) -> Enclosed:
    import flint

    with flint.ctx.workprec(_BITS):
        around = Network(_balls(rows), _balls(vectors))
        tables = [around.hessian()]
        width, columns = len(rows), len(rows[0])
        # Mirror images use one more direction, along which the normal block has a null vector.
        free = width - (columns - 2)
        times = free if dim is None else dim - columns
        if times and free:
            tables.append(_corner(around.normal_block(), free))
        counts = [negatives(one) if _finite(one) else None for one in tables]
        loss = around.loss() * unit * unit
        below = any(_descends(one) for one in tables if _finite(one))
        bounds = max(0.0, lower(loss)), upper(loss)
    index = None
    if None not in counts:
        index = sum(n * (1, times)[i] for i, n in enumerate(counts) if n is not None)
        return Enclosed(
            kind=Kind.SADDLE if index else Kind.MINIMUM, index=index, loss_bounds=bounds
        )
    kind = Kind.SADDLE if below else Kind.UNDECIDED
    return Enclosed(kind=kind, index=None, loss_bounds=bounds)


def _descends(table: arb_mat) -> bool:
    """Whether the direction of the lowest curvature in the middle goes down everywhere."""
    lowest = matrix(eigh(midpoints(table))[1][:, :1])
    return bool((lowest.transpose() * table * lowest)[0, 0] < 0)


def _corner(table: arb_mat, size: int) -> arb_mat:
    from flint import arb_mat

    return arb_mat([[table[i, j] for j in range(size)] for i in range(size)])


def _finite(table: arb_mat) -> bool:
    return all(x.is_finite() for x in table.entries())


def _balls(rows: list[list[Interval]]) -> arb_mat:
    from flint import arb, arb_mat

    return arb_mat([[arb(float(x.low)).union(arb(float(x.high))) for x in row] for row in rows])


def _polar(size: Interval, angle: Interval) -> list[Interval]:
    jet = constant(angle, 1)
    return [size * _scalar(f(jet).value) for f in (cosine, sine)]


def _scalar(x: Interval) -> Interval:
    return Interval(*(np.asarray(y).reshape(-1)[0] for y in x))
