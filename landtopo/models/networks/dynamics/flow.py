"""Gradient flow of the weights, dW/dt = -dL/dW, followed accurately until it stops.

Integrated by LSODA, which changes to implicit steps with the exact Hessian where the flow is
stiff; with many coordinates, where a dense factorisation costs more than the small steps that it
saves, by an explicit method of order eight. Many runs to their ends, compiled:
`landtopo.models.networks.dynamics.reachability`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from landtopo.checks import (
    check_options,
    checked_instance,
    checked_number,
    checked_options,
    checked_weights,
)
from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["FlowOptions", "FlowStatus", "WeightFlow", "flow_weights", "interpolate"]

# Measured: up to this many coordinates implicit steps pay.
_DENSE = 200


class FlowStatus(StrEnum):
    """How an integration ended, as a sentence."""

    CONVERGED = "The speed fell below the tolerance."
    TIME = "The time given ended before the speed fell below the tolerance."
    FAILED = "The integrator could not keep its tolerance."
    DIVERGED = "The weights grew beyond all bounds: at this learning rate the flow diverges."
    INVALID = "The summary statistics stopped being positive semidefinite."


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOptions(Brief):
    """How a flow is integrated.

    Attributes
    ----------
    longest : float
        Largest time.
    speed : float
        The flow has converged when the norm of its right-hand side is below this.
    relative, absolute : float
        Tolerances of one step; the absolute one in units of the teacher's squared norm.
    """

    longest: float = 1e6
    speed: float = 1e-9
    relative: float = 1e-10
    absolute: float = 1e-12

    def __post_init__(self) -> None:
        check_options(self)
        # The integrator never ends where a time is so short that it has no smaller steps.
        checked_number(
            "longest", "FlowOptions", self.longest, "be at least 1e-12", lambda time: time >= 1e-12
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFlow(Brief):
    """A trajectory of the gradient flow of the weights.

    Attributes
    ----------
    times : ndarray, shape (n,)
        Steps of the integrator; time is that of dW/dt = -dL/dW.
    weights : ndarray, shape (n, K, D)
    losses, grad_norms : ndarray, shape (n,)
    zeroed : tuple of (float, int)
        Time and number of each neuron that reached zero and was kept there.
    evaluations : int
        Gradients computed.
    options : FlowOptions
    status : FlowStatus
    at : callable
        Weights at times within the trajectory, shape (..., K, D): dense output.
    """

    times: Array
    weights: Array
    losses: Array
    grad_norms: Array
    zeroed: tuple[tuple[float, int], ...]
    evaluations: int
    options: FlowOptions
    status: FlowStatus
    at: Callable[[ArrayLike], Array]


def flow_weights(
    problem: TeacherStudent, weights: ArrayLike, *, options: FlowOptions | None = None
) -> WeightFlow:
    """Follow dW/dt = -dL/dW from given weights until it stops.

    Where s has a kink, a neuron that shrinks to zero stays there, in agreement with the convention
    that the gradient of a zero neuron is zero; the time is reported.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, r + E)
    options : FlowOptions, optional

    Returns
    -------
    WeightFlow

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> flow = lt.flow_weights(problem, [[0.9, 0.1], [0.2, 0.7]])
    >>> bool(flow.losses[-1] < 1e-12)
    True
    """
    options = checked_options("options", "flow_weights", options, FlowOptions)
    if checked_instance("problem", "flow_weights", problem, TeacherStudent).function.kinks:
        problem.require_ones("flow_weights")
    loss = PopulationLoss(problem)
    start = np.array(checked_weights("flow_weights", weights, problem.rank, width=problem.width))
    shape = start.shape
    objective = WeightObjective(loss, columns=shape[1])
    kinks = problem.function.kinks
    scale = float(np.sqrt(np.trace(problem.teacher.gram)))

    def gradient(x: Array) -> Array:
        return objective.value_and_gradient(x)[1]

    def jacobian(_: float, x: Array) -> Array:
        return -(_hessian_of_rest(problem, x.reshape(shape)) if kinks else objective.hessian(x))

    def stopped(_: float, x: Array) -> float:
        return float(np.linalg.norm(gradient(x))) - options.speed

    def vanishing(_: float, x: Array) -> float:
        norms = np.linalg.norm(x.reshape(shape), axis=1)
        return float(norms[norms > 0].min(initial=np.inf)) - 1e-9 * scale

    events: Any = [stopped, vanishing] if kinks else [stopped]
    for event in events:
        event.terminal, event.direction = True, -1
    zeroed: list[tuple[float, int]] = []
    pieces: list[Any] = []
    x, now, evaluations = start.ravel(), 0.0, 0
    status = FlowStatus.CONVERGED if stopped(0.0, x) <= 0 else FlowStatus.TIME
    while status is FlowStatus.TIME and now < options.longest:
        piece = solve_ivp(
            lambda _, x: -gradient(x),
            (now, options.longest),
            x,
            dense_output=True,
            events=events,
            rtol=options.relative,
            atol=options.absolute * scale,
            **({"method": "LSODA", "jac": jacobian} if x.size <= _DENSE else {"method": "DOP853"}),
        )
        pieces.append(piece)
        evaluations += int(piece.nfev)
        now, x = float(piece.t[-1]), piece.y[:, -1].copy()
        if piece.status < 0:
            status = FlowStatus.FAILED
        elif piece.status == 1 and stopped(now, x) <= 1e-3 * options.speed:
            status = FlowStatus.CONVERGED
        elif piece.status == 1:
            norms = np.linalg.norm(x.reshape(shape), axis=1)
            gone = int(np.argmin(np.where(norms > 0, norms, np.inf)))
            zeroed.append((now, gone))
            x.reshape(shape)[gone] = 0.0
    times = np.concatenate([[0.0], *(piece.t[1:] for piece in pieces)])
    path = np.concatenate([start.reshape(1, -1), *(piece.y[:, 1:].T for piece in pieces)])
    path[-1] = x
    points = path.reshape(-1, *shape)
    losses, gradients = loss.value_and_gradient(points)

    def at(moments: ArrayLike) -> Array:
        values = interpolate(pieces, times[-1], start.ravel(), moments)
        return values.reshape(*np.shape(moments), *shape)

    return WeightFlow(
        times=times,
        weights=points,
        losses=losses,
        grad_norms=np.linalg.norm(gradients, axis=(1, 2)),
        zeroed=tuple(zeroed),
        evaluations=evaluations,
        options=options,
        status=status,
        at=at,
    )


def _hessian_of_rest(problem: TeacherStudent, weights: Array) -> Array:
    """The Hessian where zero neurons stay at zero: without them, and nothing in their rows."""
    alive = np.linalg.norm(weights, axis=1) > 0
    result = np.zeros((weights.size, weights.size))
    keep = np.repeat(alive, weights.shape[1])
    if alive.any():
        reduced = PopulationLoss(problem.with_width(int(alive.sum())))
        result[np.ix_(keep, keep)] = reduced.hessian(weights[alive])
    return result


def interpolate(pieces: list[Any], end: float, start: Array, moments: ArrayLike) -> Array:
    """Dense output of consecutive integrations, shape (number of moments, size)."""
    wanted = np.atleast_1d(np.asarray(moments, dtype=np.float64)).ravel()
    if not np.all((wanted >= 0) & (wanted <= end)):
        raise InvalidArgument(f"The times must lie within the trajectory, 0 to {end:g}.")
    values = np.tile(start, (len(wanted), 1))
    for piece in pieces:
        inside = wanted >= piece.t[0]
        if inside.any():
            values[inside] = piece.sol(np.minimum(wanted[inside], piece.t[-1])).T
    return values
