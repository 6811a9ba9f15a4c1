"""Eigenvector following to a critical point of a given index.

The steps are those of `landtopo.kernels.climb`. A function that compiled loops know is climbed by
one of them; any other is asked for its Hessian at every point, from which the same compiled steps
are made. Either way the spectrum of the whole Hessian at the end says what was reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from landtopo.errors import InvalidArgument
from landtopo.kernels import climb
from landtopo.objective import Array, Objective
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.points.factors import Positive, Symmetric, factorised
from landtopo.points.spectrum import Spectrum, lowest_spectrum, spectrum, with_gauge_lifted
from landtopo.shown import Brief
from landtopo.tolerances import CRITICAL, ZERO_CURVATURE

__all__ = [
    "Ascent",
    "AscentOptions",
    "AscentStatus",
    "Climbs",
    "ascend",
    "climbs",
    "newton",
    "soft_mode_starts",
]


class AscentStatus(Enum):
    """How an ascent ended."""

    CONVERGED = "A critical point of the wanted index was reached."
    OTHER_INDEX = "A critical point was reached, but its index is another one."
    STEPS_USED = "The number of steps allowed was used before the gradient vanished."
    NOT_SMOOTH = "The gradient jumps however short the step: the function is not smooth there."
    LEFT_REGION = "The iteration left the region it was confined to."
    NOT_FINITE = "A value that is not finite was met."


_STATUSES = {
    climb.CONVERGED: AscentStatus.CONVERGED,
    climb.STEPS_USED: AscentStatus.STEPS_USED,
    climb.NOT_SMOOTH: AscentStatus.NOT_SMOOTH,
    climb.LEFT_REGION: AscentStatus.LEFT_REGION,
    climb.NOT_FINITE: AscentStatus.NOT_FINITE,
}
_Walked = tuple[Array, float, float, AscentStatus]


@dataclass(frozen=True, slots=True, kw_only=True)
class AscentOptions(Brief):
    """How eigenvector following is done.

    Attributes
    ----------
    index : int
        Wanted index n >= 0 (0 walks down to a minimum).
    steps : int
        Largest number of steps.
    gradient_tolerance : float
        |grad| at which the point counts as critical.
    radius, largest_radius, smallest_radius : float
        First, largest and smallest length of a step.
    region : float
        Distance from the start at which the ascent gives up.
    zero_tolerance : float
        Relative size below which an eigenvalue counts as zero.
    """

    index: int = 1
    steps: int = 200
    gradient_tolerance: float = CRITICAL
    radius: float = 0.1
    largest_radius: float = 0.3
    smallest_radius: float = 1e-7
    region: float = np.inf
    zero_tolerance: float = ZERO_CURVATURE

    def __post_init__(self) -> None:
        for name, least in (("index", 0), ("steps", 1)):
            if int(getattr(self, name)) != getattr(self, name) or getattr(self, name) < least:
                raise InvalidArgument(
                    f"The '{name}' argument of AscentOptions must be an integer >= {least}; "
                    f"got {getattr(self, name)}."
                )

    @property
    def rules(self) -> climb.Rules:
        """The same as compiled loops want it."""
        return climb.Rules(
            int(self.index),
            int(self.steps),
            float(self.gradient_tolerance),
            float(self.radius),
            float(self.largest_radius),
            float(self.smallest_radius),
            float(self.zero_tolerance),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ascent(Brief):
    """Where an ascent ended, and how it went.

    Attributes
    ----------
    x : ndarray, shape (size,)
        Last point.
    value, gradient_norm : float
        There.
    spectrum : Spectrum or None
        Hessian spectrum at the last point without gauge directions; None when it is not finite.
    points : ndarray, shape (n, size)
        The iterates.
    distance : float
        Between the first and the last point.
    evaluations : Evaluations
        What it cost; a product with the Hessian counts as a gradient.
    status : AscentStatus
    """

    x: Array
    value: float
    gradient_norm: float
    spectrum: Spectrum | None
    points: Array = field(repr=False)
    distance: float
    evaluations: Evaluations
    options: AscentOptions = field(repr=False)
    status: AscentStatus

    @property
    def converged(self) -> bool:
        """Whether a critical point of the wanted index was reached."""
        return self.status is AscentStatus.CONVERGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbs(Brief):
    """Where climbs from many starts ended.

    Attributes
    ----------
    starts, points : ndarray, shape (n, size)
        First and last points.
    values, gradient_norms : ndarray, shape (n,)
        At the last ones.
    status : tuple of AscentStatus
        `CONVERGED` says nothing of the index.
    evaluations : ndarray of int, shape (n,)
        Gradients, and products with the Hessian or Hessians, together.
    options : AscentOptions
    """

    starts: Array = field(repr=False)
    points: Array = field(repr=False)
    values: Array
    gradient_norms: Array
    status: tuple[AscentStatus, ...] = field(repr=False)
    evaluations: NDArray[np.int64]
    options: AscentOptions = field(repr=False)

    def __len__(self) -> int:
        return len(self.points)

    def concluded(self, objective: Objective, number: int) -> Ascent:
        """One of the climbs, with the spectrum at its end.

        Parameters
        ----------
        objective : Objective
        number : int
        """
        counted = Counted(objective)
        counted.add(Evaluations(gradient=int(self.evaluations[number])))
        points = np.stack([self.starts[number], self.points[number]])
        end = (
            float(self.values[number]),
            float(self.gradient_norms[number]),
            self.status[number],
        )
        return _concluded(counted, points, end, self.options)


def newton(
    objective: Objective,
    x: Array,
    *,
    gradient_tolerance: float = CRITICAL,
    region: float = np.inf,
    steps: int = 40,
    factors: Symmetric | Positive | None = None,
) -> tuple[Array, Array, Array, bool]:
    """Newton's method from nearby, gauge directions held, as long as it really converges.

    A factorised Hessian serves for further steps as long as each shrinks the gradient to a quarter.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
    gradient_tolerance : float
        |grad| that is asked for.
    region : float
        Largest distance from the start.
    steps : int
        Largest number of steps.
    factors : Symmetric or Positive, optional
        Of the Hessian at the start, if they are known.

    Returns
    -------
    x : ndarray, shape (size,)
        The iterate with the smallest gradient.
    value : ndarray, shape ()
    gradient : ndarray, shape (size,)
    converged : bool
        False when a step failed to shrink the gradient by half or the region was left; the point
        is then the best one before that.
    """
    start = x
    value, gradient = objective.value_and_gradient(x)
    norm = float(np.linalg.norm(gradient))
    fresh = True
    for _ in range(steps):
        if norm <= gradient_tolerance:
            break
        if factors is None:
            gauge = objective.gauge(x)
            factors = factorised(with_gauge_lifted(objective.hessian(x), gauge))
            fresh = True
        if factors is None:
            break
        trial = x - factors.solve(gradient)
        # A nearly singular Hessian sends the step to where its square overflows.
        reachable = np.abs(trial).max() < 1e100 and np.linalg.norm(trial - start) <= region
        new_norm = np.inf
        if reachable:
            new_value, new_gradient = objective.value_and_gradient(trial)
            new_norm = float(np.linalg.norm(new_gradient))
        if not new_norm < 0.5 * norm:
            if fresh:
                break
            factors = None
            continue
        if new_norm > 0.25 * norm:
            factors = None
        fresh = False
        x, value, gradient, norm = trial, new_value, new_gradient, new_norm
    return x, value, gradient, norm <= gradient_tolerance


def ascend(
    objective: Objective,
    start: Array,
    options: AscentOptions | None = None,
    *,
    direction: Array | None = None,
) -> Ascent:
    """Follow eigenvectors from a start to a critical point of the wanted index.

    Parameters
    ----------
    objective : Objective
    start : ndarray, shape (size,)
    options : AscentOptions, optional
    direction : ndarray, shape (size,), optional
        For index 1: the direction to climb at first. The mode that overlaps most with it is
        followed until its eigenvalue is the lowest; without it the lowest one is followed at once.
    """
    options = AscentOptions() if options is None else options
    start = np.array(start, dtype=np.float64)
    if start.shape != (objective.size,):
        raise InvalidArgument(
            f"The 'start' argument of ascend must have shape ({objective.size},); got "
            f"{start.shape}."
        )
    counted = Counted(objective)
    along = np.zeros_like(start) if direction is None else np.asarray(direction, dtype=np.float64)
    walk = _walk if counted.compiled is None else _walk_compiled
    points, value, gradient, status = walk(counted, start, along, options)
    return _concluded(counted, points, (value, gradient, status), options)


def climbs(
    objective: Objective,
    starts: Array,
    options: AscentOptions | None = None,
    *,
    directions: Array | None = None,
    regions: Array | None = None,
) -> Climbs:
    """Climb from many starts without asking for the spectrum at the ends.

    The walks are those of `ascend`; what a walk that has converged ended in is known only from the
    whole spectrum there.

    Parameters
    ----------
    objective : Objective
    starts : ndarray, shape (n, size)
    options : AscentOptions, optional
    directions : ndarray, shape (n, size), optional
        As in `ascend`; zero where there is none.
    regions : ndarray, shape (n,), optional
        Distance from each start at which it gives up; that of the options by default.
    """
    options = AscentOptions() if options is None else options
    ends = np.array(starts, dtype=np.float64)
    along = np.zeros_like(ends) if directions is None else np.ascontiguousarray(directions)
    reach = np.full(len(ends), options.region) if regions is None else regions
    data = Counted(objective).compiled
    if data is None:
        return _climbs_one_by_one(objective, ends, along, reach, options)
    none = np.empty((len(ends), 0, ends.shape[1]))
    values, norms, codes, costs = climb.climb_batch(ends, along, reach, none, data, options.rules)
    return Climbs(
        starts=np.array(starts, dtype=np.float64),
        points=ends,
        values=values,
        gradient_norms=norms,
        status=tuple(_STATUSES[code] for code in codes.tolist()),
        evaluations=costs[:, 1] + costs[:, 2],
        options=options,
    )


def _climbs_one_by_one(
    objective: Objective, starts: Array, along: Array, reach: Array, options: AscentOptions
) -> Climbs:
    """The same for a function that is not compiled."""
    walked, used = [], []
    for start, direction, region in zip(starts, along, reach, strict=True):
        counted = Counted(objective)
        walked.append(_walk(counted, start, direction, replace(options, region=float(region))))
        used.append(counted.evaluations.gradient + counted.evaluations.hessian)
    return Climbs(
        starts=starts,
        points=np.array([points[-1] for points, *_ in walked]).reshape(starts.shape),
        values=np.array([value for _, value, _, _ in walked]),
        gradient_norms=np.array([norm for *_, norm, _ in walked]),
        status=tuple(status for *_, status in walked),
        evaluations=np.array(used, dtype=np.int64),
        options=options,
    )


def _walk_compiled(
    counted: Counted, start: Array, direction: Array, options: AscentOptions
) -> _Walked:
    """The points of one climb by the compiled loop."""
    ends, trace = start[None].copy(), np.empty((1, options.steps + 1, start.size))
    values, norms, codes, costs = climb.climb_batch(
        ends,
        direction[None],
        np.array([options.region]),
        trace,
        counted.compiled,
        options.rules,
    )
    steps, gradients, products = costs[0].tolist()
    counted.add(Evaluations(gradient=gradients + products))
    points = trace[0, : steps + 1].copy()
    return points, float(values[0]), float(norms[0]), _STATUSES[int(codes[0])]


def _walk(counted: Counted, start: Array, direction: Array, options: AscentOptions) -> _Walked:
    """The same for a function that is not compiled: the compiled steps, one by one."""
    rules = options.rules
    state = climb.beginning(start, direction, rules)
    value, state.g[:] = counted.value_and_gradient(state.x)
    points = [start]
    while True:
        status = climb.ended(state, start, options.region, rules)
        if status == climb.UNDER_WAY and len(points) > options.steps:
            status = climb.STEPS_USED
        if status != climb.UNDER_WAY:
            break
        hessian = np.ascontiguousarray(counted.hessian(state.x), dtype=np.float64)
        gauge = np.ascontiguousarray(counted.gauge(state.x), dtype=np.float64)
        full, _ = climb.proposed(climb.Quadratic(hessian, gauge), state, rules)
        if not np.isfinite(full):
            status = climb.NOT_FINITE
            break
        while True:
            scale = min(1.0, float(state.radius[0]) / full) if full > 0.0 else 1.0
            trial = state.x + scale * state.step
            new, gradient = counted.value_and_gradient(trial)
            status = climb.adapted(state, np.ascontiguousarray(gradient), full, scale, rules)
            if status != climb.SHORTER:
                break
        if status != climb.UNDER_WAY:
            break
        value = new
        state.x[:], state.g[:] = trial, gradient
        points.append(trial)
    return np.array(points), float(value), float(np.linalg.norm(state.g)), _STATUSES[status]


def _concluded(
    counted: Counted, points: Array, end: tuple[float, float, AscentStatus], options: AscentOptions
) -> Ascent:
    """A walk with the spectrum at its end."""
    x, (value, gradient_norm, status) = points[-1], end
    found = None
    if status is not AscentStatus.NOT_FINITE:
        found = lowest_spectrum(
            counted.hessian(x), counted.gauge(x), zero_tolerance=options.zero_tolerance
        )
        if status is AscentStatus.CONVERGED and found.index != options.index:
            status = AscentStatus.OTHER_INDEX
    return Ascent(
        x=x,
        value=value,
        gradient_norm=gradient_norm,
        spectrum=found,
        points=points,
        distance=float(np.linalg.norm(x - points[0])),
        evaluations=counted.evaluations,
        options=options,
        status=status,
    )


def soft_mode_starts(
    objective: Objective,
    minimum: Array,
    *,
    modes: int,
    amplitudes: tuple[float, ...] = (0.05, 0.2),
) -> Iterator[tuple[Array, Array]]:
    """Starts for ascents that leave a critical point along its softest modes, both ways.

    Parameters
    ----------
    objective : Objective
    minimum : ndarray, shape (size,)
    modes : int
        Number of softest modes; zero modes are left out.
    amplitudes : tuple of float
        Distances from the minimum.

    Yields
    ------
    start, direction : ndarray, shape (size,)
        To be given to `ascend`.
    """
    found = spectrum(objective, minimum)
    order = np.argsort(np.abs(found.eigenvalues), kind="stable")
    useful = [int(i) for i in order if abs(found.eigenvalues[i]) > found.zero_tolerance]
    for mode in useful[:modes]:
        for amplitude in amplitudes:
            for sign in (1.0, -1.0):
                away = sign * found.vectors[:, mode]
                yield minimum + amplitude * away, away
