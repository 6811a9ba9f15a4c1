"""Follow a flat direction: a curve of critical points on which the loss stays constant.

Pseudo-arclength continuation: predict along the tangent, correct back to the critical set with
Gauss-Newton steps orthogonal to the tangent. The next tangent is the last one reflected at the
secant, which is exact on straight lines and on circles and needs no eigenvectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from landtopo.checks import check_options
from landtopo.flat.correct import correct
from landtopo.objective import Array, Objective
from landtopo.shown import Brief

__all__ = ["Boundary", "Trace", "TraceOptions", "TraceStop", "trace"]

# Distances (n,) from a point to the places where the objective stops being smooth, such as norms
# of neurons. They shrink linearly when such a place is approached on a straight line.
Boundary = Callable[[Array], Array]


class TraceStop(StrEnum):
    """Why a trace ended."""

    CORNER = "The trace ends at a corner, where the function is not smooth."
    END = "The flat set ends here: no step, however short, keeps loss and gradient."
    CLOSED = "The trace closes at its start."
    LIMIT = "The limit of length or steps was reached, and the flat set goes on."


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOptions(Brief):
    """Steps and tolerances of a trace.

    Attributes
    ----------
    first_step, longest_step, shortest_step : float
        In units of `scale`.
    most_steps : int
    longest_trace : float
        In units of `scale`.
    grad_tolerance : float
        Largest gradient norm on the trace.
    loss_tolerance : float
        Largest change of the loss, in units of `loss_scale`.
    loss_scale : float
        Natural unit of the loss, such as the teacher's squared norm.
    scale : float, optional
        Natural length; by default the norm of the starting point, or 1 if that is less.
    corner_distance : float
        In units of `scale`, or of the nearest corner's distance at the start if that is less: where
        a corner is nearer than this, the rest of the way is straight.
    """

    first_step: float = 0.02
    longest_step: float = 0.2
    shortest_step: float = 1e-6
    most_steps: int = 200
    longest_trace: float = 10.0
    grad_tolerance: float = 1e-11
    loss_tolerance: float = 1e-13
    loss_scale: float = 1.0
    scale: float | None = None
    corner_distance: float = 1e-3

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace(Brief):
    """A traced flat curve.

    Attributes
    ----------
    points : ndarray, shape (n, size)
        From the start on; a corner or the closing point comes last.
    losses, grad_norms : ndarray, shape (n,)
        The gradient of a corner is not defined; NaN stands there.
    arclength : ndarray, shape (n,)
        Length of the curve up to each point.
    stop : TraceStop
    corner : int
        Which distance of the boundary became zero; -1 if none did.
    loss_change : float
        Largest |loss - loss at the start|.
    options : TraceOptions
        The tolerances that were used.
    """

    points: Array
    losses: Array
    grad_norms: Array
    arclength: Array
    stop: TraceStop
    corner: int
    loss_change: float
    options: TraceOptions

    @property
    def length(self) -> float:
        """Length of the whole trace."""
        return float(self.arclength[-1])

    @property
    def largest_gradient(self) -> float:
        """Largest gradient norm, corners left out."""
        return float(np.nanmax(self.grad_norms))


def trace(
    objective: Objective,
    x: Array,
    direction: Array,
    *,
    boundary: Boundary | None = None,
    options: TraceOptions | None = None,
) -> Trace:
    """Trace a flat direction from a critical point, to one side.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
        A critical point.
    direction : ndarray, shape (size,)
        Unit tangent to start with.
    boundary : callable, optional
        Distances to the places where the objective is not smooth.
    options : TraceOptions, optional

    Returns
    -------
    Trace
        If the direction is not flat, its length is about the shortest step.
    """
    return _Tracer(objective, x, direction, boundary, options or TraceOptions()).run()


class _Tracer:
    def __init__(
        self,
        objective: Objective,
        x: Array,
        direction: Array,
        boundary: Boundary | None,
        options: TraceOptions,
    ) -> None:
        self.scale = options.scale or max(1.0, float(np.linalg.norm(x)))
        room = self.scale if boundary is None else min(self.scale, float(boundary(x).min()))
        self.corner_distance = options.corner_distance * room
        self.objective = objective
        self.boundary = boundary
        self.options = options
        self.start = x
        self.first_tangent = direction
        value, gradient = objective.value_and_gradient(x)
        self.level = float(value)
        self.points = [x]
        self.losses = [float(value)]
        self.grad_norms = [float(np.linalg.norm(gradient))]
        self.lengths = [0.0]

    def run(self) -> Trace:
        options = self.options
        x, tangent = self.start, self.first_tangent
        step = options.first_step * self.scale
        shortest = options.shortest_step * self.scale
        for _ in range(options.most_steps):
            if self.lengths[-1] >= options.longest_trace * self.scale:
                break
            near, room = self._nearest_corner(x, tangent)
            if near >= 0 and room <= self.corner_distance:
                return self._last_piece(x + room * tangent, near)
            # Towards a corner, geometrically: the Hessian grows there like one over the distance.
            limit = 0.7 * room if near >= 0 else np.inf
            while True:
                length = min(step, limit)
                moved = self._step(x, tangent, length)
                if moved is not None:
                    break
                step = length / 2
                if step < shortest:
                    return self._end(TraceStop.END, -1)
            y, grad_norm, correction = moved
            if self._closes(x, y, tangent, length):
                self._append(self.start, self.grad_norms[0])
                return self._end(TraceStop.CLOSED, -1)
            self._append(y, grad_norm)
            tangent = self._next_tangent(y, y - x, tangent)
            x = y
            if correction < 0.05 * length:
                step = min(2 * step, options.longest_step * self.scale)
            elif correction > 0.2 * length:
                step /= 2
        return self._end(TraceStop.LIMIT, -1)

    def _last_piece(self, corner: Array, near: int) -> Trace:
        """Straight to the corner, if the loss agrees."""
        change = abs(float(self.objective.value(corner)) - self.level)
        if change > self.options.loss_tolerance * self.options.loss_scale:
            return self._end(TraceStop.END, -1)
        self._append(corner, float("nan"))
        return self._end(TraceStop.CORNER, near)

    def _step(self, x: Array, tangent: Array, length: float) -> tuple[Array, float, float] | None:
        """One corrected step: point, gradient norm, size of the correction; None if refused."""
        options = self.options
        guess = x + length * tangent
        found = correct(
            self.objective, guess, held=tangent[None], target=0.1 * options.grad_tolerance
        )
        correction = float(np.linalg.norm(found.x - guess))
        if (
            found.grad_norm > options.grad_tolerance
            or abs(found.value - self.level) > options.loss_tolerance * options.loss_scale
            or correction > 0.5 * length
        ):
            return None
        return found.x, found.grad_norm, correction

    def _next_tangent(self, x: Array, secant: Array, tangent: Array) -> Array:
        along = secant / np.linalg.norm(secant)
        following = 2 * float(along @ tangent) * along - tangent
        gauge = self.objective.gauge(x)
        following = following - gauge.T @ (gauge @ following)
        return np.asarray(following / np.linalg.norm(following))

    def _nearest_corner(self, x: Array, tangent: Array) -> tuple[int, float]:
        """The corner that straight motion meets first, and the way to it; -1 if there is none."""
        if self.boundary is None:
            return -1, np.inf
        here = self.boundary(x)
        probe = 1e-3 * float(here.min())
        if probe == 0.0:
            return -1, np.inf
        rate = (here - self.boundary(x + probe * tangent)) / probe
        # A neuron that shrinks head-on: others turn aside and never reach zero.
        lengths = np.where(rate > 1e-6, here / np.maximum(rate, 1e-6), np.inf)
        reach = self.options.longest_step * self.scale
        nearest = int(np.argmin(lengths))
        if lengths[nearest] > 2 * reach:
            return -1, np.inf
        return nearest, float(lengths[nearest])

    def _closes(self, x: Array, y: Array, tangent: Array, length: float) -> bool:
        """Whether the start lies between x and y on the curve."""
        if self.lengths[-1] < 3 * length:
            return False
        ahead = float(tangent @ (self.start - x))
        if not 0 < ahead <= 1.01 * length or np.linalg.norm(self.start - y) > 2 * length:
            return False
        found = self._step(x, tangent, ahead)
        return found is not None and bool(
            np.linalg.norm(found[0] - self.start) <= 1e-6 * self.scale
        )

    def _append(self, x: Array, grad_norm: float) -> None:
        self.lengths.append(self.lengths[-1] + float(np.linalg.norm(x - self.points[-1])))
        self.points.append(x)
        self.losses.append(float(self.objective.value(x)))
        self.grad_norms.append(grad_norm)

    def _end(self, stop: TraceStop, corner: int) -> Trace:
        losses = np.array(self.losses)
        return Trace(
            points=np.array(self.points),
            losses=losses,
            grad_norms=np.array(self.grad_norms),
            arclength=np.array(self.lengths),
            stop=stop,
            corner=corner,
            loss_change=float(np.abs(losses - self.level).max()),
            options=self.options,
        )
