"""Minima and saddles of a user's own smooth function.

The same eigenvector following as for networks, for any `Objective`. Nothing is known of the
function's symmetry, so two points are the same when they are close.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_array, checked_count, checked_positive, checked_seed, shown
from landtopo.errors import InvalidArgument
from landtopo.objective import Array, Objective
from landtopo.points.ascend import AscentOptions, AscentStatus, ascend, newton, soft_mode_starts
from landtopo.points.coverage import Coverage, estimate_coverage
from landtopo.points.derivative_check import check_derivatives
from landtopo.points.records import Kind, Status
from landtopo.points.spectrum import spectrum
from landtopo.shown import Brief, Table

__all__ = ["FunctionPoint", "FunctionPoints", "find_critical_points"]

_PROMISED = ("size", "value", "value_and_gradient", "hessian", "gauge", "flow")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionPoint(Brief):
    """A critical point of a function.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value, grad_norm : float
        There.
    eigenvalues : ndarray
        Of the Hessian, ascending, without gauge directions.
    gap : float
        Smallest size of a non-zero eigenvalue over the largest size of a zero one.
    index, nullity : int
        Numbers of negative and of zero eigenvalues.
    count : int
        How many independent starts ended here.
    kind : Kind
        *minimum* if all eigenvalues are positive, *saddle* if some are negative, *undecided* if
        none is negative and some are zero.
    """

    x: Array
    value: float
    grad_norm: float
    eigenvalues: Array
    gap: float
    index: int
    nullity: int
    count: int
    kind: Kind


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
    Afterwards ascents leave every minimum along its soft modes, both ways.

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
    search = _Search(objective, float(np.linalg.norm(last - first)), tolerance, separation)
    status = []
    for number in range(starts):
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        start = generator.uniform(first, last)
        status.append(search.follow(start, number % (highest_index + 1), None, independent=True))
    if highest_index:
        amplitudes = (0.02 * search.extent, 0.1 * search.extent)
        for point in [each for each in search.points() if each.kind is Kind.MINIMUM]:
            for away, direction in soft_mode_starts(
                objective, point.x, modes=objective.size, amplitudes=amplitudes
            ):
                search.follow(away, 1, direction, independent=False)
    points = sorted(search.points(), key=lambda each: (each.index, each.value))
    return FunctionPoints(
        points=tuple(points),
        coverage=estimate_coverage([point.count for point in points]),
        status=tuple(status),
    )


class _Search:
    """The points found so far."""

    def __init__(
        self, objective: Objective, extent: float, tolerance: float, separation: float
    ) -> None:
        self.objective = objective
        self.extent = extent
        self.tolerance = tolerance
        self.separation = separation * extent
        self.places: list[Array] = []
        self.counts: list[int] = []

    def follow(
        self, start: Array, index: int, direction: Array | None, *, independent: bool
    ) -> Status:
        """One start, to the end."""
        scale = float(np.abs(np.linalg.eigvalsh(self.objective.hessian(start))).max())
        options = AscentOptions(
            index=index,
            gradient_tolerance=max(self.tolerance * scale, 1e-14),
            radius=0.01 * self.extent,
            largest_radius=0.05 * self.extent,
            smallest_radius=1e-10 * self.extent,
            region=3.0 * self.extent,
            steps=500,
        )
        found = ascend(self.objective, start, options, direction=direction)
        if found.status not in (AscentStatus.CONVERGED, AscentStatus.OTHER_INDEX):
            used_up = found.status is AscentStatus.STEPS_USED
            return Status.TOO_LONG if used_up else Status.STALLED
        # The scale was that of the start; a few Newton steps reach the floor of rounding here.
        end, _, _, _ = newton(
            self.objective, found.x, gradient_tolerance=0.0, region=self.separation
        )
        for i, place in enumerate(self.places):
            if np.linalg.norm(place - end) <= self.separation:
                self.counts[i] += independent
                return Status.CONVERGED
        self.places.append(end)
        self.counts.append(int(independent))
        return Status.CONVERGED

    def points(self) -> Iterator[FunctionPoint]:
        """Every place with its spectrum."""
        for x, count in zip(self.places, self.counts, strict=True):
            found = spectrum(self.objective, x)
            value, gradient = self.objective.value_and_gradient(x)
            kind = Kind.UNDECIDED if found.nullity else Kind.MINIMUM
            yield FunctionPoint(
                x=x,
                value=float(value),
                grad_norm=float(np.linalg.norm(gradient)),
                eigenvalues=found.eigenvalues,
                gap=found.gap,
                index=found.index,
                nullity=found.nullity,
                count=count,
                kind=Kind.SADDLE if found.index else kind,
            )
