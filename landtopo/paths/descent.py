"""Steepest descent dx/dt = -grad f from a transition state to the minimum on each side.

The flow is integrated with an error bound, not walked down by a minimiser that may jump into a
neighbouring basin: with a stabilised explicit method as long as its steps are cheap, with a
linearly implicit one where the flow is too stiff for that. Once the Hessian is positive definite
and Newton's method converges from where the flow is without leaving its neighbourhood, Newton
finishes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.paths.integrators import FlowStep, chebyshev_stages, chebyshev_step, rosenbrock_step
from landtopo.points.ascend import newton
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.points.factors import cholesky, lowest_modes
from landtopo.points.spectrum import with_gauge_lifted

__all__ = ["Descent", "DescentOptions", "DescentStatus", "begun_at", "descend", "descend_both"]

_EPSILON = 4.0 * float(np.finfo(np.float64).eps)


class DescentStatus(Enum):
    """How a descent ended."""

    MINIMUM = "The flow ended in a minimum with a positive definite Hessian."
    FLAT = "The flow came to rest where the Hessian has zero eigenvalues."
    ACCEPTED = "The caller recognised the point that the flow had reached."
    STEPS_USED = "The number of steps allowed was used before the gradient vanished."
    NOT_SMOOTH = "The steps became too short: the function is not smooth on the way."
    NOT_FINITE = "A value that is not finite was met."


@dataclass(frozen=True, slots=True, kw_only=True)
class DescentOptions:
    """How steepest descent is integrated.

    Attributes
    ----------
    push : float
        Distance along the unstable direction at which the flow is started.
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
class Descent:
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
    accept : callable, optional
        As in `descend`.

    Returns
    -------
    tuple of two Descent
        Along `unstable` and against it. The curves start at the transition state itself.
    """
    options = DescentOptions() if options is None else options
    stiffness = _Local(objective, transition).stiffness()
    sides = [
        descend(
            objective,
            transition + sign * options.push * unstable,
            options,
            accept=accept,
            stiffness=stiffness,
        )
        for sign in (1.0, -1.0)
    ]
    return begun_at(sides[0], transition, unstable), begun_at(sides[1], transition, -unstable)


def descend(
    objective: Objective,
    start: Array,
    options: DescentOptions | None = None,
    *,
    accept: Callable[[Array], Array | None] | None = None,
    stiffness: float | None = None,
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
    stiffness : float, optional
        The largest curvature at the start, if it is known.
    """
    options = DescentOptions() if options is None else options
    counted = Counted(objective)
    x = np.array(start, dtype=np.float64)
    first, gradient = counted.value_and_gradient(x)
    value, slope = float(first), -gradient
    points, tangents, times = [x], [slope], [0.0]
    local = _Local(counted, x)
    stiffness = local.stiffness() if stiffness is None else stiffness
    # A factorised n x n Hessian takes as long as about n / 8 gradients.
    most_stages = max(5, x.size // 8)
    since = 0
    time = 0.0
    peak = norm = float(np.linalg.norm(slope))
    ask_below = 0.3
    h = min(0.1 / max(norm, 1e-12), 1.0 / stiffness)
    status = DescentStatus.STEPS_USED
    shift = 0.0
    for _ in range(options.steps):
        h = min(h, options.longest / max(norm, 1e-300))
        stages = chebyshev_stages(h * stiffness)
        if stages <= most_stages:
            taken = chebyshev_step(counted, x, slope, h, stages)
        else:
            reached = rosenbrock_step(counted, x, slope, h, local.hessian)
            if reached is None:
                h *= 0.5
                continue
            taken = reached
        ratio = _error_ratio(x, taken, options)
        if not np.isfinite(ratio):
            status = DescentStatus.NOT_FINITE
            break
        # What cancels in the value is of the order of the curvature times the point squared.
        rounding = _EPSILON * (abs(value) + stiffness * float(x @ x))
        if ratio > 1.0 or not taken.value <= value + rounding:
            h *= max(0.1, min(0.5, 0.8 * ratio ** (-1 / 3) if ratio > 0 else 0.5))
            # An unstable step misses by far; one that is only too long for the curve does not.
            if since and (ratio > 3.0 or not taken.value <= value + rounding):
                stiffness, since = local.stiffness(), 0
            if h * norm < 1e-14 * max(1.0, float(np.linalg.norm(x))):
                status = DescentStatus.NOT_SMOOTH
                break
            continue
        time += h
        x, slope, value = taken.x, taken.slope, taken.value
        local = _Local(counted, x)
        norm = float(np.linalg.norm(slope))
        points.append(x)
        tangents.append(slope)
        times.append(time)
        peak = max(peak, norm)
        since += 1
        if since >= 50:
            stiffness, since = local.stiffness(), 0
        h *= min(5.0, max(0.2, 0.8 * max(ratio, 1e-12) ** (-1 / 3)))
        if norm > ask_below * peak:
            continue
        ask_below = 0.3 * norm / peak
        accepted = accept(x) if accept is not None else None
        if accepted is not None:
            end, status = accepted, DescentStatus.ACCEPTED
        else:
            found = _finish(counted, local, slope, options)
            status = DescentStatus.MINIMUM
            if found is None:
                found = _saddle(counted, local, slope, options)
                status = DescentStatus.FLAT
            if found is None:
                if norm > options.flat_gradient:
                    status = DescentStatus.STEPS_USED
                    continue
                found = x
            end = found
        shift = float(np.linalg.norm(end - x))
        if shift > 0:
            x = end
            last, gradient = counted.value_and_gradient(x)
            value, slope = float(last), -gradient
            points.append(x)
            tangents.append(slope)
            times.append(np.inf)
        break
    smallest = np.nan
    if status in (DescentStatus.MINIMUM, DescentStatus.FLAT):
        smallest = _lowest(_Local(counted, x).lifted())
        status = DescentStatus.MINIMUM if smallest > 1e-9 * stiffness else DescentStatus.FLAT
    return Descent(
        x=x,
        value=value,
        gradient_norm=float(np.linalg.norm(slope)),
        points=np.array(points),
        tangents=np.array(tangents),
        times=np.array(times),
        newton_shift=shift,
        smallest_eigenvalue=smallest,
        evaluations=counted.evaluations,
        status=status,
    )


def _error_ratio(x: Array, taken: FlowStep, options: DescentOptions) -> float:
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
    values, vectors = np.linalg.eigh(local.lifted())
    falling = vectors[:, values < -1e-6 * values[-1]]
    if not falling.shape[1] or np.linalg.norm(slope @ falling) > 1e-4 * norm:
        return None
    end, _, _, converged = newton(
        objective, local.x, gradient_tolerance=options.gradient_tolerance, region=1e-2
    )
    return end if converged else None


def _lowest(lifted: Array) -> float:
    """The lowest eigenvalue, or an estimate from above if it is positive."""
    factors = cholesky(lifted)
    if factors is None:
        return float(lowest_modes(lifted, 1)[0][0])
    vector = np.cos(np.arange(1.0, lifted.shape[0] + 1.0))
    for _ in range(6):
        vector /= np.linalg.norm(vector)
        vector = factors.solve(vector)
    return float(1.0 / np.linalg.norm(vector))


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
    return Descent(
        x=side.x,
        value=side.value,
        gradient_norm=side.gradient_norm,
        points=np.vstack([start, side.points]),
        tangents=np.vstack([size * direction, side.tangents]),
        times=np.concatenate([[-np.inf], side.times]),
        newton_shift=side.newton_shift,
        smallest_eigenvalue=side.smallest_eigenvalue,
        evaluations=side.evaluations,
        status=side.status,
    )
