"""The flow of the summary statistics, at any learning rate.

The gradient flow closes on (Q, R). So does one-pass SGD in the limit d -> infinity at
time = steps/d, where a finite learning rate eta multiplies the drift by eta and adds eta^2 N to
dQ/dt (`landtopo.models.networks.dynamics.noise`).

State: y = (W_in, upper triangle of Q). W_in is R in the coordinates of the teacher's span, so a
teacher of any rank has no superfluous coordinates. The right-hand side is evaluated at weights
with these statistics, W = [W_in | any factor of Q - W_in W_in^T]; in this way angles between nearly
collinear neurons keep their accuracy, which scalar products have lost.

Near zero loss the state itself has lost digits: an error of 1e-11 in Q is one of that size in the
loss, whatever it is. The gradient flow is therefore followed in the weights, where the loss is
quadratic in the error, and its statistics are those of the weights. At a finite rate there is no
flow of weights, and the error remains. Every trajectory is computed a second time with coarser
tolerances; how far its losses are apart bounds their error in practice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.ndimage import maximum_filter1d

from landtopo.checks import LARGEST, MOST_RATIO, checked_instance, checked_number, checked_options
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.models.networks.dynamics.flow import (
    FlowOptions,
    FlowStatus,
    flow_weights,
    interpolate,
)
from landtopo.models.networks.dynamics.noise import noise_derivatives, noise_term
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.statistics import flow_jacobian, weights_from_statistics
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["StatisticsFlow", "StatisticsSystem", "flow_statistics", "loss_from_statistics"]

# Below this size, in units of squared output, the relative error of the noise is not watched.
_SMALL_NOISE = 1e-8
_VALIDITY = 1e-6
_COARSER = 100.0
# Steps on either side that an error is compared with.
_AROUND = 4
# Of sums of a few terms, in units of the largest.
_ROUNDING = 1e-15


class StatisticsSystem:
    """The right-hand side dy/dt of the flow of the statistics, and its Jacobian.

    Parameters
    ----------
    problem : TeacherStudent
    rate : float, optional
        Learning rate; None is the gradient flow.
    """

    def __init__(self, problem: TeacherStudent, rate: float | None = None) -> None:
        self.problem = problem
        self.rate = rate
        self.noise_error = 0.0
        self.bound = LARGEST
        self._upper = np.triu_indices(problem.width)
        self._split = problem.width * problem.rank
        # All K outside columns are used, whatever d: the factor needs them.
        self._objective = WeightObjective(
            PopulationLoss(problem), columns=problem.rank + problem.width
        )

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self._split + len(self._upper[0])

    def pack(self, weights: Array) -> Array:
        """State y of weights (K, r + E)."""
        inside = weights[:, : self.problem.rank]
        return np.concatenate([inside.ravel(), (weights @ weights.T)[self._upper]])

    def statistics(self, states: Array) -> tuple[Array, Array]:
        """(Q, R) of states (..., size)."""
        width = self.problem.width
        lead = states.shape[:-1]
        inside = states[..., : self._split].reshape(*lead, width, self.problem.rank)
        student = np.empty((*lead, width, width))
        student[..., self._upper[0], self._upper[1]] = states[..., self._split :]
        student[..., self._upper[1], self._upper[0]] = states[..., self._split :]
        return student, inside @ self.problem.teacher.vectors.T

    def weights(self, state: Array) -> Array:
        """Weights (K, r + K) with the statistics of a state; rounding below zero is cut."""
        student, _ = self.statistics(state)
        inside = state[: self._split].reshape(self.problem.width, self.problem.rank)
        values, directions = eigh(student - inside @ inside.T)
        return np.hstack([inside, directions * np.sqrt(np.maximum(values, 0.0))])

    def lowest_eigenvalue(self, state: Array) -> float:
        """Smallest eigenvalue of Q - W_in W_in^T: the statistics are valid if it is >= 0."""
        student, _ = self.statistics(state)
        inside = state[: self._split].reshape(self.problem.width, self.problem.rank)
        return float(np.linalg.eigvalsh(student - inside @ inside.T)[0])

    def drift(self, state: Array) -> Array:
        """The gradient flow's dy/dt."""
        weights = self.weights(state)
        _, flat = self._objective.value_and_gradient(weights.ravel())
        gradient = flat.reshape(weights.shape)
        change = -(gradient @ weights.T)
        inside = -gradient[:, : self.problem.rank]
        return np.concatenate([inside.ravel(), (change + change.T)[self._upper]])

    def noise(self, state: Array) -> Array:
        """N in the coordinates of y: it changes Q only."""
        term = noise_term(self.problem.teacher, self.weights(state))
        size = float(np.abs(term.matrix).max())
        if size > _SMALL_NOISE:
            self.noise_error = max(self.noise_error, term.error / size)
        return np.concatenate([np.zeros(self._split), term.matrix[self._upper]])

    def field(self, state: Array) -> Array:
        """dy/dt; zero beyond `bound`, where nothing is computed any more."""
        if not float(np.abs(state).max()) <= self.bound:
            return np.zeros_like(state)
        if self.rate is None:
            return self.drift(state)
        return self.rate * self.drift(state) + self.rate**2 * self.noise(state)

    def drift_jacobian(self, state: Array) -> Array:
        """Jacobian of dy/dt without the noise, exact; shape (size, size)."""
        factor = 1.0 if self.rate is None else self.rate
        return factor * flow_jacobian(self.problem.teacher, self.weights(state))

    def noise_jacobian(self, state: Array) -> Array:
        """Jacobian of `noise`, shape (size, size)."""
        student, overlap = noise_derivatives(self.problem.teacher, self.weights(state))
        upper = self._upper
        result = np.zeros((self.size, self.size))
        inside = overlap[upper] @ self.problem.teacher.vectors
        result[self._split :, : self._split] = inside.reshape(len(upper[0]), self._split)
        result[self._split :, self._split :] = student[upper][:, *upper]
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsFlow(Brief):
    """A trajectory of the summary statistics.

    Attributes
    ----------
    times : ndarray, shape (n,)
        Steps of the integrator: time of the gradient flow, or steps/d at a finite rate.
    student, overlap : ndarray, shapes (n, K, K) and (n, K, M)
        Q and R.
    losses : ndarray, shape (n,)
    loss_errors : ndarray, shape (n,)
        Estimated errors: distance from the loss of a trajectory with tolerances 100 times as large,
        relative to the loss the largest one of the steps around; and rounding.
    lowest_eigenvalue : float
        Smallest eigenvalue of Q - W_in W_in^T along the trajectory, the invariant that makes
        [[Q, R], [R^T, T]] positive semidefinite: never below zero by more than rounding and the
        integration error.
    noise_error : float
        Largest error of the noise term met, relative to its largest entry at the time; 0 for the
        gradient flow.
    rate : float or None
        Learning rate; None is the gradient flow.
    evaluations : int
        Right-hand sides computed.
    options : FlowOptions
    status : FlowStatus
    at : callable
        (Q, R) at times within the trajectory.
    """

    times: Array
    student: Array
    overlap: Array
    losses: Array
    loss_errors: Array
    lowest_eigenvalue: float
    noise_error: float
    rate: float | None
    evaluations: int
    options: FlowOptions
    status: FlowStatus
    at: Callable[[ArrayLike], tuple[Array, Array]]


def loss_from_statistics(student: ArrayLike, overlap: ArrayLike, teacher: ArrayLike) -> Array:
    """Loss from (Q, R, T) or from batches (..., K, K) and (..., K, M) of them.

    Angles come from correlations: absolute errors of some 1e-16 of the largest term.
    """
    q, r, t = (np.asarray(x, dtype=np.float64) for x in (student, overlap, teacher))
    own = np.sqrt(np.maximum(np.diagonal(q, axis1=-2, axis2=-1), 0.0))
    other = np.sqrt(np.diag(t))
    return np.asarray(
        0.5 * _pair_sum(q, own, own) - _pair_sum(r, own, other) + 0.5 * _pair_sum(t, other, other)
    )


def _pair_sum(products: Array, left: Array, right: Array) -> Array:
    sizes = left[..., :, None] * right[..., None, :]
    cosines = np.clip(products / np.where(sizes > 0, sizes, 1.0), -1.0, 1.0)
    sines = np.sqrt((1.0 - cosines) * (1.0 + cosines))
    pairs = sizes * (sines + (np.pi - np.arccos(cosines)) * cosines) / (2.0 * np.pi)
    return np.asarray(pairs.sum(axis=(-2, -1)))


def flow_statistics(
    problem: TeacherStudent,
    student: ArrayLike,
    overlap: ArrayLike,
    *,
    rate: float | None = None,
    options: FlowOptions | None = None,
) -> StatisticsFlow:
    """Follow (Q, R) under the gradient flow or under one-pass SGD in infinite dimension.

    Parameters
    ----------
    problem : TeacherStudent
    student, overlap : array_like, shapes (K, K) and (K, M)
        Q and R at the start; where s has a kink every neuron must be non-zero.
    rate : float, optional
        Learning rate eta of one-pass SGD, time = steps/d, whose noise is known for ReLU with output
        weights 1. None (the default) is the gradient flow, time = eta steps/d in the limit
        eta -> 0, of every activation.
    options : FlowOptions, optional

    Returns
    -------
    StatisticsFlow

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> start = lt.summary_statistics(problem.teacher, [[0.9, 0.1], [0.2, 0.7]])
    >>> flow = lt.flow_statistics(problem, start.student, start.overlap)
    >>> bool(flow.losses[-1] < 1e-10)
    True
    """
    if rate is not None:
        rate = checked_number(
            "rate",
            "flow_statistics",
            rate,
            f"be a positive number up to {LARGEST:g}",
            lambda number: 0 < number <= LARGEST,
        )
    options = checked_options("options", "flow_statistics", options, FlowOptions)
    checked_instance("problem", "flow_statistics", problem, TeacherStudent)
    if rate is None:
        problem.require_ones("flow_statistics")
    else:
        problem.require_relu("flow_statistics at a finite rate")
    start = weights_from_statistics(problem, student, overlap)
    if problem.function.kinks and np.any(np.linalg.norm(start, axis=1) == 0):
        raise InvalidArgument("flow_statistics needs a start without zero neurons.")
    coarse = replace(
        options, relative=_COARSER * options.relative, absolute=_COARSER * options.absolute
    )
    fine, other = (
        _run_weights(problem, start, each)
        if rate is None
        else _run_statistics(problem, start, rate, each)
        for each in (options, coarse)
    )
    times = fine.times
    apart = fine.losses - other.loss_at(np.minimum(times, other.times[-1]))
    system = StatisticsSystem(problem)
    students, overlaps = system.statistics(fine.states)
    lowest = min(system.lowest_eigenvalue(state) for state in fine.states)
    # Of a flow that diverges, rounding alone may be larger than the teacher.
    invalid = fine.status is not FlowStatus.DIVERGED and lowest < -_VALIDITY * float(
        np.trace(problem.teacher.gram)
    )

    def at(moments: ArrayLike) -> tuple[Array, Array]:
        return system.statistics(fine.state_at(moments))

    return StatisticsFlow(
        times=times,
        student=students,
        overlap=overlaps,
        losses=fine.losses,
        loss_errors=np.maximum(_envelope(apart, fine.losses), fine.rounding),
        lowest_eigenvalue=lowest,
        noise_error=fine.noise_error,
        rate=rate,
        evaluations=fine.evaluations,
        options=options,
        status=FlowStatus.INVALID if invalid else fine.status,
        at=at,
    )


def _envelope(apart: Array, losses: Array) -> Array:
    """Sizes of differences, where one that is small by chance is as large as those around it."""
    relative = np.abs(apart) / np.maximum(losses, np.finfo(np.float64).tiny)
    return np.asarray(losses * maximum_filter1d(relative, 2 * _AROUND + 1, mode="nearest"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One integration: states y and losses at its steps, and at any time between."""

    times: Array
    states: Array
    losses: Array
    rounding: Array
    noise_error: float
    evaluations: int
    status: FlowStatus
    state_at: Callable[[ArrayLike], Array]
    loss_at: Callable[[ArrayLike], Array]


def _run_weights(problem: TeacherStudent, start: Array, options: FlowOptions) -> _Run:
    """The gradient flow, at any rate of learning the same."""
    system, loss = StatisticsSystem(problem), PopulationLoss(problem)
    flow = flow_weights(problem, start, options=options)

    def state_at(moments: ArrayLike) -> Array:
        points = flow.at(moments)
        flat = points.reshape(-1, *start.shape)
        states = np.array([system.pack(point) for point in flat])
        return states.reshape(*np.shape(moments), system.size)

    return _Run(
        times=flow.times,
        states=np.array([system.pack(point) for point in flow.weights]),
        losses=flow.losses,
        rounding=_ROUNDING * flow.losses,
        noise_error=0.0,
        evaluations=flow.evaluations,
        status=flow.status,
        state_at=state_at,
        loss_at=lambda moments: loss.value(flow.at(moments)),
    )


def _run_statistics(
    problem: TeacherStudent, start: Array, rate: float, options: FlowOptions
) -> _Run:
    """One-pass SGD at a finite rate."""
    scale = float(np.trace(problem.teacher.gram))
    system = StatisticsSystem(problem, rate)
    y = system.pack(start)

    # Where the teacher is lost in the rounding of the student, the flow has left for good.
    bound = MOST_RATIO**2 * max(scale, float(np.abs(y).max()))
    # A step that is tried may lead far beyond.
    system.bound = 2.0 * bound

    def escaped(_: float, state: Array) -> float:
        return bound - float(np.abs(state).max())

    def stopped(moment: float, state: Array) -> float:
        # Beyond the bound the field is zero, which is no rest.
        if escaped(moment, state) <= 0:
            return 1.0
        return float(np.linalg.norm(system.field(state))) - options.speed

    events: Any = [stopped, escaped]
    for event in events:
        event.terminal, event.direction = True, -1
    status = FlowStatus.CONVERGED if stopped(0.0, y) <= 0 else FlowStatus.TIME
    pieces: list[Any] = []
    times, path, evaluations = np.zeros(1), y[None], 0
    if status is FlowStatus.TIME:
        piece = solve_ivp(
            lambda _, state: system.field(state),
            (0.0, options.longest),
            y,
            method="LSODA",
            # The noise has one too, which costs more than the steps that it saves.
            jac=lambda _, state: system.drift_jacobian(state),
            dense_output=True,
            events=events,
            rtol=options.relative,
            atol=options.absolute * scale,
        )
        pieces.append(piece)
        times, path, evaluations = piece.t, piece.y.T, int(piece.nfev)
        if piece.status < 0:
            status = FlowStatus.FAILED
        elif piece.status == 1:
            # The end lies on the bound up to the root finder's rounding.
            left = escaped(0.0, path[-1]) <= 0.5 * bound
            status = FlowStatus.DIVERGED if left else FlowStatus.CONVERGED

    def state_at(moments: ArrayLike) -> Array:
        states = interpolate(pieces, float(times[-1]), y, moments)
        return states.reshape(*np.shape(moments), y.size)

    def loss_at(moments: ArrayLike) -> Array:
        return losses_of(state_at(moments))

    def losses_of(states: Array) -> Array:
        return loss_from_statistics(*system.statistics(states), problem.teacher.gram)

    return _Run(
        times=times,
        states=path,
        losses=losses_of(path),
        rounding=np.full(len(times), _ROUNDING * scale),
        noise_error=system.noise_error,
        evaluations=evaluations,
        status=status,
        state_at=state_at,
        loss_at=loss_at,
    )
