"""Minima of a smooth function that are no points but connected sets of constant value.

Where all null directions of a Hessian are flat, the point is a minimum: along the set the value
does not change, and across it the curvatures are positive. Whether two such points lie on one set
is found by walking: along the set towards the other point, and back to it by Newton's method. A
walk that does not arrive leaves the two apart, though a way may exist.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

from landtopo.flat.local import local_report
from landtopo.model import Mark, Symmetry
from landtopo.objective import Array, Objective
from landtopo.points.spectrum import without_gauge
from landtopo.points.stationary import FunctionPoint
from landtopo.symmetry.gauge import Gauge
from landtopo.symmetry.permutations import Permutation
from landtopo.tolerances import SAME_PLACE

__all__ = ["SetMark", "all_flat", "copies_of_set", "walks_to"]

# In units of the model: a step along a set, what values may differ by.
_STEP = 0.1
_SAME = 1e-9
_STEPS = 400
_CORRECTIONS = 6
# A walk of which this part or less leads on is stuck: the rest points across the set. It is sent
# aside a few times, as from the far side of a circle.
_STUCK = 1e-3
_ASIDE = 3


def all_flat(objective: Objective, point: FunctionPoint) -> bool:
    """Whether the value stays constant on traced curves along all null directions of a point.

    Parameters
    ----------
    objective : Objective
    point : FunctionPoint
        Without negative eigenvalues.
    """
    rng = np.random.default_rng(np.random.SeedSequence(point.nullity))
    return local_report(objective, point.x, rng=rng).flat_dimension == point.nullity


def walks_to(objective: Objective, gauge: Gauge, start: Array, end: Array, dimension: int) -> bool:
    """Whether a walk along the set of minima through a point arrives at another point.

    Parameters
    ----------
    objective : Objective
    gauge : Gauge
    start, end : ndarray, shape (size,)
        Minima of equal value.
    dimension : int
        Of the set.
    """
    x = start
    value = float(objective.value(x))
    aside = 0
    for _ in range(_STEPS):
        away = gauge.align(end, x) - x
        apart = float(np.linalg.norm(away))
        if apart <= SAME_PLACE * (1.0 + float(np.linalg.norm(x))):
            return True
        values, vectors = without_gauge(objective.hessian(x), objective.gauge(x))
        along = vectors[:, np.argsort(np.abs(values), kind="stable")[:dimension]]
        step = along @ (along.T @ away)
        length = float(np.linalg.norm(step))
        if length <= _STUCK * apart:
            if aside == _ASIDE:
                return False
            step, length = along[:, aside % dimension], 1.0
            aside += 1
        x = _back(objective, x + step * min(1.0, _STEP / length), dimension)
        if abs(float(objective.value(x)) - value) > _SAME * (1.0 + abs(value)):
            return False
    return False


def copies_of_set(
    objective: Objective, gauge: Gauge, symmetry: Symmetry, x: Array, dimension: int
) -> int:
    """Number of different sets among the copies by symmetry of the one through a point.

    Parameters
    ----------
    objective : Objective
    gauge : Gauge
    symmetry : Symmetry
    x : ndarray, shape (size,)
    dimension : int
    """
    found = [x]
    for copy in symmetry.copies(x, x, moves=2, loop=True):
        if not any(walks_to(objective, gauge, copy, other, dimension) for other in found):
            found.append(copy)
    return len(found)


def _back(objective: Objective, x: Array, dimension: int) -> Array:
    """The point of a set that Newton's method across it leads to."""
    for _ in range(_CORRECTIONS):
        slope = objective.value_and_gradient(x)[1]
        values, vectors = without_gauge(objective.hessian(x), objective.gauge(x))
        across = np.argsort(np.abs(values), kind="stable")[dimension:]
        basis = vectors[:, across]
        x = x - basis @ ((basis.T @ slope) / values[across])
    return x


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMark:
    """A point, or the set of minima through it, prepared for being compared up to symmetry.

    Attributes
    ----------
    symmetry : Symmetry
    gauge : Gauge
    objective : Objective
    x : ndarray, shape (size,)
    dimension : int
        Of the set; 0 for a point.
    own : Mark
        Of the point.
    least : hashable, optional
        Names the set of least value that the point lies on, where it is known to be one set.
    """

    symmetry: Symmetry
    gauge: Gauge
    objective: Objective = field(repr=False)
    x: Array
    dimension: int
    own: Mark = field(repr=False)
    least: Hashable | None = None

    def match(self, other: SetMark) -> Permutation | None:
        """The element that carries this to the other, or its set to the other's."""
        element = self.own.match(other.own)
        if element is None and self.least is not None and self.least == other.least:
            return self.symmetry.identity(self.x)
        if element is not None or not self.dimension or self.dimension != other.dimension:
            return element
        values = [float(self.objective.value(x)) for x in (self.x, other.x)]
        if abs(values[0] - values[1]) > _SAME * (1.0 + abs(values[0])):
            return None
        copy = self.symmetry.closest_copy(self.x, other.x)
        if not walks_to(self.objective, self.gauge, copy, other.x, self.dimension):
            return None
        return self.symmetry.match(copy, self.x)
