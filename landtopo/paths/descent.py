"""Steepest descent dx/dt = -grad f from a transition state to the minimum on each side.

The flow is integrated with an error bound, not walked down by a minimiser that may jump into a
neighbouring basin: with a stabilised explicit method as long as its steps are cheap, with a
linearly implicit one where the flow is too stiff for that. Once the Hessian is positive definite
and Newton's method converges from where the flow is without leaving its neighbourhood, Newton
finishes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import numpy as np

from landtopo.eigen import eigh
from landtopo.objective import Array, FlowCurve, FlowEnd, Objective, Pace
from landtopo.paths.integrators import FlowStep, chebyshev_stages, chebyshev_step, rosenbrock_step
from landtopo.paths.unstable import Stretch, first_stretch
from landtopo.points.ascend import newton
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.points.factors import cholesky, lowest_modes
from landtopo.points.spectrum import with_gauge_lifted
from landtopo.shown import Brief

__all__ = [
    "Descent",
    "DescentOptions",
    "DescentStatus",
    "begun_at",
    "descend",
    "descend_both",
    "lowest_curvature",
]

# Newton's method is tried each time the slope has fallen to this fraction.
_ASK = 0.3
# Most stages of a compiled step: about what one that is not compiled takes in time.
_STAGES = 60
# Most compiled steps at a time, which have to be kept room for.
_STEPS = 100
_EPSILON = 4.0 * float(np.finfo(np.float64).eps)


class DescentStatus(Enum):
    """How a descent ended."""

    MINIMUM = "The flow ended in a minimum with a positive definite Hessian."
    FLAT = "The flow came to rest where the Hessian has zero eigenvalues."
    ACCEPTED = "The caller recognised the point that the flow had reached."
    STEPS_USED = "The number of steps allowed was used before the gradient vanished."
    NOT_SMOOTH = "The steps became too short: the function is not smooth on the way."
    NOT_FINITE = "A value that is not finite was met."


_FAILURES = {
    FlowEnd.NOT_SMOOTH: DescentStatus.NOT_SMOOTH,
    FlowEnd.NOT_FINITE: DescentStatus.NOT_FINITE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DescentOptions(Brief):
    """How steepest descent is integrated.

    Attributes
    ----------
    push : float
        Distance along the unstable direction at which the flow is started, or the least one where
        the expansion of `unstable.first_stretch` carries further.
    error : float
        Error of one step that is accepted across the curve, in units of x.
    lag : float
        Error of one step that is accepted along the curve, in units of the step: it changes when
        the flow is where, but not where it goes.
    gradient_tolerance : float
        |grad| at the minimum.
    saddle_gradient : float
        |grad| below which a flow without slope along falling modes counts as ending in a saddle.
    flat_gradient : float
        |grad| at which the flow counts as at rest where Newton cannot finish.
    longest : float
        Largest length of a step, which bounds how coarse the recorded curve is.
    steps : int
        Largest number of steps.
    """

    push: float = 1e-3
    error: float = 2e-3
    lag: float = 0.2
    gradient_tolerance: float = 1e-12
    saddle_gradient: float = 1e-5
    flat_gradient: float = 1e-9
    longest: float = 0.2
    steps: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent(Brief):
    """A steepest-descent curve and where it ended.

    Attributes
    ----------
    x : ndarray, shape (size,)
        End point.
    value, gradient_norm : float
        There.
    points : ndarray, shape (n, size)
        Along the curve, the start and the end included.
    tangents : ndarray, shape (n, size)
        -grad at the points.
    times : ndarray, shape (n,)
        Time of the flow, as accurate as `DescentOptions.lag`; infinite for the end that Newton
        found.
    newton_shift : float
        Distance that Newton's method moved the end.
    smallest_eigenvalue : float
        Of the Hessian at the end, gauge directions left out: from a few inverse iterations where
        it is positive, which come within a few per cent of it from above; nan if not computed.
    evaluations : Evaluations
    status : DescentStatus
    """

    x: Array
    value: float
    gradient_norm: float
    points: Array = field(repr=False)
    tangents: Array = field(repr=False)
    times: Array = field(repr=False)
    newton_shift: float
    smallest_eigenvalue: float
    evaluations: Evaluations
    status: DescentStatus

    @property
    def converged(self) -> bool:
        """Whether the curve ended at a point of rest."""
        return self.status in (DescentStatus.MINIMUM, DescentStatus.FLAT, DescentStatus.ACCEPTED)


def descend_both(
    objective: Objective,
    transition: Array,
    unstable: Array,
    options: DescentOptions | None = None,
    *,
    accept: Callable[[Array], Array | None] | None = None,
    rest: Callable[[Array], tuple[float, DescentStatus]] | None = None,
) -> tuple[Descent, Descent]:
    """Descend from both sides of a transition state.

    Parameters
    ----------
    objective : Objective
    transition : ndarray, shape (size,)
        A critical point of index 1.
    unstable : ndarray, shape (size,)
        Unit eigenvector of the negative eigenvalue.
    options : DescentOptions, optional
    accept, rest : callable, optional
        As in `descend`.

    Returns
    -------
    tuple of two Descent
        Along `unstable` and against it. The curves start at the transition state itself.
    """
    options = DescentOptions() if options is None else options
    local = _Local(objective, transition)
    stiffness = local.stiffness()
    stretches = first_stretch(
        objective,
        transition,
        unstable,
        local.hessian,
        shortest=options.push,
        longest=options.longest,
        largest_term=5.0 * options.error,
    )
    sides = []
    for sign, stretch in zip((1.0, -1.0), stretches or (None, None), strict=True):
        push = sign * options.push * unstable
        side = descend(
            objective,
            transition + push if stretch is None else stretch.points[-1],
            options,
            accept=accept,
            rest=rest,
            stiffness=stiffness,
            time_step=None if stretch is None else 0.5 / stretch.rate,
        )
        if stretch is not None:
            side = _after(side, stretch)
        sides.append(begun_at(side, transition, push))
    return sides[0], sides[1]


def descend(
    objective: Objective,
    start: Array,
    options: DescentOptions | None = None,
    *,
    accept: Callable[[Array], Array | None] | None = None,
    rest: Callable[[Array], tuple[float, DescentStatus]] | None = None,
    stiffness: float | None = None,
    time_step: float | None = None,
) -> Descent:
    """Integrate the gradient flow from a point until it rests in a minimum.

    Parameters
    ----------
    objective : Objective
    start : ndarray, shape (size,)
    options : DescentOptions, optional
    accept : callable, optional
        Given the point that the flow has reached, returns the end it must flow to, or None. For
        ends that Newton's method cannot reach, such as degenerate minima.
    rest : callable, optional
        What the point is at which the flow rests, in place of `lowest_curvature`.
    stiffness : float, optional
        The largest curvature at the start, if it is known.
    time_step : float, optional
        The first one to try.
    """
    options = DescentOptions() if options is None else options
    counted = Counted(objective)
    course = _begun(counted, np.array(start, dtype=np.float64), options, stiffness, time_step)
    while course.pace.steps > 0:
        curve = _stretch(counted, course.x, course.slope, course.pace)
        course = course.after(curve)
        if curve.end in _FAILURES:
            return _ended(counted, course, _FAILURES[curve.end], np.nan)
        if course.norm > course.pace.until * course.pace.peak:
            continue
        course = course.slower()
        stop = _stop(counted, course, options, accept)
        if stop is None:
            continue
        reached = course.up_to(counted, stop.x)
        if stop.status is DescentStatus.ACCEPTED:
            return _ended(counted, reached, stop.status, np.nan)
        smallest, status = lowest_curvature(counted, reached.x) if rest is None else rest(reached.x)
        return _ended(counted, reached, status, smallest)
    return _ended(counted, course, DescentStatus.STEPS_USED, np.nan)


class _Stop(NamedTuple):
    """Where a flow that has become slow must end, and how that is known."""

    x: Array
    status: DescentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """A descent as far as it has come, and how it goes on.

    Attributes
    ----------
    points, tangents, times : tuple of ndarray
        In pieces: the start, then what each call of the flow added.
    pace : Pace
    shift : float
        Length of a last move that is none of the flow.
    value : float or None
        Of the function there, if it is known.
    """

    points: tuple[Array, ...]
    tangents: tuple[Array, ...]
    times: tuple[Array, ...]
    pace: Pace
    shift: float = 0.0
    value: float | None = None

    @property
    def x(self) -> Array:
        """Where it is."""
        return np.asarray(self.points[-1][-1])

    @property
    def slope(self) -> Array:
        """-grad there."""
        return np.asarray(self.tangents[-1][-1])

    @property
    def norm(self) -> float:
        """|grad| there."""
        return float(np.linalg.norm(self.slope))

    def after(self, curve: FlowCurve) -> _Course:
        """With the steps of a stretch of the flow."""
        pace = replace(
            self.pace,
            time_step=curve.time_step,
            stiffness=curve.stiffness,
            peak=curve.peak,
            steps=self.pace.steps - len(curve.points),
        )
        if not len(curve.points):
            return replace(self, pace=pace)
        return replace(
            self,
            points=(*self.points, curve.points),
            tangents=(*self.tangents, curve.slopes),
            times=(*self.times, self.times[-1][-1] + curve.times),
            pace=pace,
        )

    def slower(self) -> _Course:
        """To go on until the slope is a fraction of what it is now."""
        return replace(self, pace=replace(self.pace, until=_ASK * self.norm / self.pace.peak))

    def up_to(self, objective: Objective, end: Array) -> _Course:
        """With the end that the flow would reach after an infinite time."""
        shift = float(np.linalg.norm(end - self.x))
        if shift == 0:
            return self
        value, gradient = objective.value_and_gradient(end)
        return replace(
            self,
            points=(*self.points, end[None]),
            tangents=(*self.tangents, -gradient[None]),
            times=(*self.times, np.array([np.inf])),
            shift=shift,
            value=float(value),
        )


def _begun(
    objective: Objective,
    x: Array,
    options: DescentOptions,
    stiffness: float | None,
    time_step: float | None,
) -> _Course:
    """A descent at its start."""
    _, gradient = objective.value_and_gradient(x)
    norm = float(np.linalg.norm(gradient))
    stiffness = _Local(objective, x).stiffness() if stiffness is None else stiffness
    if time_step is None:
        time_step = min(0.1 / max(norm, 1e-12), 1.0 / stiffness)
    pace = Pace(
        time_step=time_step,
        stiffness=stiffness,
        peak=norm,
        until=_ASK,
        error=options.error,
        lag=options.lag,
        longest=options.longest,
        # A factorised n x n Hessian takes as long as about n / 8 gradients.
        stages=max(5, x.size // 8),
        steps=options.steps,
    )
    return _Course(points=(x[None],), tangents=(-gradient[None],), times=(np.zeros(1),), pace=pace)


def _stop(
    objective: Objective,
    course: _Course,
    options: DescentOptions,
    accept: Callable[[Array], Array | None] | None,
) -> _Stop | None:
    """Where the flow must end, if that can be told from where it is."""
    accepted = None if accept is None else accept(course.x)
    if accepted is not None:
        return _Stop(accepted, DescentStatus.ACCEPTED)
    local = _Local(objective, course.x)
    found = _finish(objective, local, course.slope, options)
    if found is not None:
        return _Stop(found, DescentStatus.MINIMUM)
    found = _saddle(objective, local, course.slope, options)
    if found is not None or course.norm <= options.flat_gradient:
        return _Stop(course.x if found is None else found, DescentStatus.FLAT)
    return None


def _ended(objective: Counted, course: _Course, status: DescentStatus, smallest: float) -> Descent:
    """What a descent yielded."""
    return Descent(
        x=course.x,
        value=float(objective.value(course.x)) if course.value is None else course.value,
        gradient_norm=course.norm,
        points=np.vstack(course.points),
        tangents=np.vstack(course.tangents),
        times=np.concatenate(course.times),
        newton_shift=course.shift,
        smallest_eigenvalue=smallest,
        evaluations=objective.evaluations,
        status=status,
    )


def _stretch(objective: Objective, x: Array, slope: Array, pace: Pace) -> FlowCurve:
    """Steps of the flow: many at once where they are compiled, or else one."""
    if chebyshev_stages(pace.time_step * pace.stiffness) <= _STAGES:
        found = objective.flow(x, replace(pace, stages=_STAGES, steps=min(pace.steps, _STEPS)))
        if found is not None:
            return found
    return _step(objective, x, slope, pace)


def _step(objective: Objective, x: Array, slope: Array, pace: Pace) -> FlowCurve:
    """One step of the flow, as long as its error allows."""
    value = float(objective.value(x))
    norm = float(np.linalg.norm(slope))
    local = _Local(objective, x)
    h, stiffness = pace.time_step, pace.stiffness
    asked = False
    while True:
        h = min(h, pace.longest / max(norm, 1e-300))
        stages = chebyshev_stages(h * stiffness)
        if stages <= pace.stages:
            taken = chebyshev_step(objective, x, slope, h, stages)
        else:
            reached = rosenbrock_step(objective, x, slope, h, local.hessian)
            if reached is None:
                h *= 0.5
                continue
            taken = reached
        ratio = _error_ratio(x, taken, pace)
        if not np.isfinite(ratio):
            return _no_step(x, h, stiffness, pace, FlowEnd.NOT_FINITE)
        # What cancels in the value is of the order of the curvature times the point squared.
        rounding = _EPSILON * (abs(value) + stiffness * float(x @ x))
        if ratio <= 1.0 and taken.value <= value + rounding:
            break
        h *= max(0.1, min(0.5, 0.8 * ratio ** (-1 / 3) if ratio > 0 else 0.5))
        # An unstable step misses by far; one that is only too long for the curve does not.
        if not asked and (ratio > 3.0 or not taken.value <= value + rounding):
            stiffness, asked = local.stiffness(), True
        if h * norm < 1e-14 * max(1.0, float(np.linalg.norm(x))):
            return _no_step(x, h, stiffness, pace, FlowEnd.NOT_SMOOTH)
    return FlowCurve(
        points=taken.x[None],
        slopes=taken.slope[None],
        times=np.array([h]),
        time_step=h * min(5.0, max(0.2, 0.8 * max(ratio, 1e-12) ** (-1 / 3))),
        stiffness=stiffness,
        peak=max(pace.peak, float(np.linalg.norm(taken.slope))),
        gradients=0,
        end=FlowEnd.STEPS_USED,
    )


def _no_step(x: Array, h: float, stiffness: float, pace: Pace, end: FlowEnd) -> FlowCurve:
    """No step at all."""
    none = np.empty((0, x.size))
    return FlowCurve(none, none, np.empty(0), h, stiffness, pace.peak, 0, end)


def _error_ratio(x: Array, taken: FlowStep, options: Pace) -> float:
    """The error of a step in units of what is accepted."""
    size = float(np.linalg.norm(taken.slope))
    tangent = taken.slope / size if size > 0 else taken.slope
    along = float(tangent @ taken.error)
    across = float(np.linalg.norm(taken.error - along * tangent))
    late = options.lag * float(np.linalg.norm(taken.x - x))
    return max(across / options.error, abs(along) / max(late, options.error))


class _Local:
    """The Hessian at one point of the curve, computed when something first needs it."""

    def __init__(self, objective: Objective, x: Array) -> None:
        self.objective = objective
        self.x = x

    @cached_property
    def hessian(self) -> Array:
        """Hessian, shape (size, size)."""
        return self.objective.hessian(self.x)

    def lifted(self) -> Array:
        """The Hessian with the gauge directions made stiff."""
        return with_gauge_lifted(self.hessian, self.objective.gauge(self.x))

    def stiffness(self) -> float:
        """Upper estimate of the largest curvature, from a few power iterations."""
        vector = self.hessian @ np.cos(np.arange(1.0, self.x.size + 1.0))
        size = float(np.linalg.norm(vector))
        for _ in range(12):
            if size == 0 or not np.isfinite(size):
                break
            vector = self.hessian @ (vector / size)
            size = float(np.linalg.norm(vector))
        return max(1.1 * size, 1e-12)


def _finish(
    objective: Objective, local: _Local, slope: Array, options: DescentOptions
) -> Array | None:
    """The minimum that Newton's method finds from here, if the flow must end there too."""
    lifted = local.lifted()
    factors = cholesky(lifted)
    if factors is None:
        return None
    move = factors.solve(slope)
    length = float(np.linalg.norm(move))
    # In a convex region the flow reaches the minimum along a path not much longer than the
    # Newton step when the Hessian changes little over it, which is what `newton` then confirms.
    misfit = float(np.linalg.norm(lifted @ move - slope))
    if length > 0.1 or misfit > 1e-8 * np.linalg.norm(slope):
        return None
    end, _, _, converged = newton(
        objective,
        local.x,
        gradient_tolerance=options.gradient_tolerance,
        region=2.0 * length,
        factors=factors,
    )
    return end if converged else None


def _saddle(
    objective: Objective, local: _Local, slope: Array, options: DescentOptions
) -> Array | None:
    """The saddle that the flow must end in, because symmetry keeps it from falling off.

    Rounding does make it fall off after a while, to one side or the other; long before, the slope
    along the modes of negative curvature is nothing but rounding.
    """
    norm = float(np.linalg.norm(slope))
    if norm > options.saddle_gradient:
        return None
    values, vectors = eigh(local.lifted())
    falling = vectors[:, values < -1e-6 * values[-1]]
    if not falling.shape[1] or np.linalg.norm(slope @ falling) > 1e-4 * norm:
        return None
    end, _, _, converged = newton(
        objective, local.x, gradient_tolerance=options.gradient_tolerance, region=1e-2
    )
    return end if converged else None


def lowest_curvature(objective: Objective, x: Array) -> tuple[float, DescentStatus]:
    """What a point of rest is: a minimum, or flat or a saddle.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)

    Returns
    -------
    smallest : float
        As `Descent.smallest_eigenvalue`.
    status : DescentStatus
        MINIMUM or FLAT.
    """
    lifted = _Local(objective, x).lifted()
    factors = cholesky(lifted)
    if factors is None:
        return float(lowest_modes(lifted, 1)[0][0]), DescentStatus.FLAT
    vector = np.cos(np.arange(1.0, lifted.shape[0] + 1.0))
    for _ in range(6):
        vector /= np.linalg.norm(vector)
        vector = factors.solve(vector)
    smallest = float(1.0 / np.linalg.norm(vector))
    positive = smallest > 1e-9 * float(np.abs(lifted).sum(axis=1).max())
    return smallest, DescentStatus.MINIMUM if positive else DescentStatus.FLAT


def _after(side: Descent, stretch: Stretch) -> Descent:
    """The same curve with what came before its first point."""
    return replace(
        side,
        points=np.vstack([stretch.points[:-1], side.points]),
        tangents=np.vstack([stretch.tangents[:-1], side.tangents]),
        times=np.concatenate([stretch.times[:-1], side.times]),
    )


def begun_at(side: Descent, start: Array, direction: Array) -> Descent:
    """The same curve with the point in front from which the flow was pushed off.

    Parameters
    ----------
    side : Descent
    start : ndarray, shape (size,)
        A point where the flow has no slope of its own.
    direction : ndarray, shape (size,)
        From there to the first point of the curve.
    """
    size = float(np.linalg.norm(side.tangents[0]) / np.linalg.norm(direction))
    return replace(
        side,
        points=np.vstack([start, side.points]),
        tangents=np.vstack([size * direction, side.tangents]),
        times=np.concatenate([[-np.inf], side.times]),
    )
