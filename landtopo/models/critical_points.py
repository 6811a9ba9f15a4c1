"""Critical points of a function of which nothing is known but its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import (
    checked_array,
    checked_count,
    checked_positive,
    checked_seed,
    shown,
)
from landtopo.errors import InvalidArgument
from landtopo.models.functions import FunctionShape
from landtopo.models.smooth import FunctionSearch, SmoothModel, follow_to, grouped
from landtopo.objective import Array, Objective
from landtopo.points.ascend import soft_mode_starts
from landtopo.points.coverage import Coverage
from landtopo.points.derivative_check import check_derivatives
from landtopo.points.records import Kind, Status
from landtopo.points.stationary import FunctionPoint
from landtopo.shown import Table
from landtopo.symmetry.coordinates import SignedPermutations
from landtopo.symmetry.gauge import Along, NoGauge

__all__ = ["FunctionPoints", "find_critical_points"]

_PROMISED = ("size", "value", "value_and_gradient", "hessian", "gauge", "flow")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionPoints(Table):
    """Critical points of a function, and how sure the list is.

    Attributes
    ----------
    points : tuple of FunctionPoint
        By index, then by value.
    coverage : Coverage
        From the independent starts, about minima and saddles together.
    status : tuple of Status
        How each independent start ended.
    """

    points: tuple[FunctionPoint, ...]
    coverage: Coverage
    status: tuple[Status, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a critical point, without its place."""
        told = ("kind", "value", "grad_norm", "index", "nullity", "gap", "count")
        rows = [{name: getattr(point, name) for name in told} for point in self.points]
        return [{**row, "kind": str(row["kind"])} for row in rows]

    @property
    def minima(self) -> tuple[FunctionPoint, ...]:
        """The minima, by value."""
        return tuple(point for point in self.points if point.kind is Kind.MINIMUM)

    def with_index(self, index: int) -> tuple[FunctionPoint, ...]:
        """The points with a given number of negative eigenvalues, by value."""
        return tuple(point for point in self.points if point.index == index)


def find_critical_points(
    objective: Objective,
    low: ArrayLike,
    high: ArrayLike,
    *,
    starts: int = 200,
    highest_index: int = 1,
    seed: int = 0,
    tolerance: float = 1e-10,
    separation: float = 1e-5,
) -> FunctionPoints:
    """Find minima and saddles of a smooth function.

    Start number i is uniform in the box and climbs to index i modulo `highest_index` + 1; it
    draws from `SeedSequence(seed, spawn_key=(i,))`, so further starts change nothing found before.
    Afterwards ascents leave every minimum along its soft modes, both ways. For symmetries, a graph
    and its pictures make a `function_model` of the function.

    Parameters
    ----------
    objective : Objective
        Value, gradient and Hessian, such as a `SmoothFunction`.
    low, high : array_like, shape (size,)
        Corners of the box of starts. Points outside it are kept.
    starts : int
        Number of independent starts.
    highest_index : int
        Largest index that is climbed to; 0 finds minima only.
    seed : int
        Root seed.
    tolerance : float
        Norm of the gradient at a critical point, relative to the largest Hessian eigenvalue there.
    separation : float
        Points closer than this, relative to the diagonal of the box, are the same.

    Returns
    -------
    FunctionPoints

    Raises
    ------
    InvalidArgument
        Also if values, gradients and Hessians of the objective contradict each other at some
        points of the box.

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> bowl = lt.SmoothFunction(
    ...     size=2,
    ...     function=lambda x: float(x @ x),
    ...     derivative=lambda x: 2 * x,
    ...     second=lambda x: 2 * np.eye(2),
    ... )
    >>> found = lt.find_critical_points(bowl, [-1, -1], [1, 1], starts=5)
    >>> [(str(point.kind), round(point.value, 6)) for point in found.points]
    [('minimum', 0.0)]
    """
    if not all(hasattr(objective, name) for name in _PROMISED):
        raise InvalidArgument(
            "The 'objective' argument of find_critical_points must be an Objective, such as a "
            f"SmoothFunction; got {type(objective).__name__}."
        )
    size = checked_count("size", "an Objective", objective.size)
    starts = checked_count("starts", "find_critical_points", starts)
    seed = checked_seed("find_critical_points", seed)
    highest_index = checked_count(
        "highest_index", "find_critical_points", highest_index, least=0, most=size
    )
    tolerance = checked_positive("tolerance", "find_critical_points", tolerance)
    separation = checked_positive("separation", "find_critical_points", separation)
    first, last = (
        checked_array(
            name, "find_critical_points", value, f"({size},)", lambda shape: shape == (size,)
        )
        for name, value in (("low", low), ("high", high))
    )
    if not np.all(first < last):
        raise InvalidArgument(
            "The 'low' and 'high' arguments of find_critical_points must have low < high; "
            f"got {shown(first.tolist())} and {shown(last.tolist())}."
        )
    check_derivatives("find_critical_points", objective, first, last)
    gauge = _gauge_of(objective, first, last)
    extent = float(np.linalg.norm(last - first))
    longest = float(np.max(last - first)) / 2.0
    shape = FunctionShape(
        name="function",
        objective=objective,
        low=first,
        high=last,
        gauge=gauge,
        symmetry=SignedPermutations(
            size, gauge=gauge, tolerance=min(separation * extent / longest, 0.1)
        ),
    )
    model = SmoothModel(shape, tolerance=tolerance)
    results, number = [], 0
    for number in range(starts):
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        climb = [(model.draw(generator), None)]
        results.append(follow_to(model, climb, number % (highest_index + 1)))
    found = _points(model, results, starts)
    if highest_index:
        amplitudes = (0.02 * extent / model.length, 0.1 * extent / model.length)
        objective_ = model.objective(first)
        for family in found.families:
            climbs = list(
                soft_mode_starts(objective_, family.point.x, modes=size, amplitudes=amplitudes)
            )
            results.append(follow_to(model, climbs, 1))
        found = _points(model, results, starts)
    points = [
        replace(model.told(family.point), count=family.count)
        for family in (*found.families, *found.others)
    ]
    points.sort(key=lambda each: (each.index, each.value))
    return FunctionPoints(
        points=tuple(points), coverage=found.coverage, status=found.attempts.status
    )


def _points(model: SmoothModel, results: Sequence[dict[str, Any]], starts: int) -> FunctionSearch:
    return grouped(
        model,
        results,
        independent=starts,
        sources=("random starts", "soft modes"),
        wanted=lambda point: point.kind is Kind.MINIMUM,
        names=("min", "other"),
        search={},
    )


def _gauge_of(objective: Objective, low: Array, high: Array) -> NoGauge | Along:
    """The continuous symmetry that an objective states."""
    none = NoGauge(len(low))
    return Along(objective.gauge) if len(objective.gauge(0.5 * (low + high))) else none
