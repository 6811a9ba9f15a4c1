"""Fixed points of one-pass SGD at a finite learning rate.

At time = steps/d and d -> infinity, (Q, R) come to rest where drift(y) + eta noise(y) = 0 (see
`networks.dynamics.statistics_flow`). A minimum of the loss is the solution at eta = 0; for eta > 0
it is displaced out of the teacher's span, loses a part of its stability, and can vanish in a fold.
At zero loss the noise vanishes with the loss, and the fixed point stays where it is; it is stable
up to a critical rate.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import check_options, checked_instance, checked_options, checked_weights
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.models.networks.dynamics.statistics_flow import StatisticsSystem, loss_from_statistics
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import classify, is_zero_loss
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.shown import Brief

__all__ = ["BranchEnd", "BranchOptions", "RateBranch", "critical_rate", "follow_rate"]

# Component of the rate in the unit tangent at which a point counts as the fold.
_FLAT = 1e-3


class BranchEnd(StrEnum):
    """Why a branch of fixed points was not followed further, as a sentence."""

    FOLD = "The fixed point meets another one and vanishes."
    LARGEST = "The largest learning rate asked for was reached."
    UNBOUNDED = "The statistics grow without bound."
    BOUNDARY = "The statistics reach the boundary of what weights can have."
    LOST = "Newton's method no longer converged at the smallest step."


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchOptions(Brief):
    """How a branch is continued in the learning rate.

    Attributes
    ----------
    first, largest : float
        First and largest learning rate.
    step : float
        Largest step in pseudo-arclength (statistics and learning rate together).
    smallest : float
        Smallest step.
    tolerance : float
        Norm of drift + eta noise at a fixed point.
    limit : int
        Most points.
    """

    first: float = 1e-3
    largest: float = 5.0
    step: float = 0.05
    smallest: float = 1e-6
    tolerance: float = 1e-11
    limit: int = 400

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBranch(Brief):
    """A minimum's fixed point followed in the learning rate.

    Attributes
    ----------
    rates : ndarray, shape (n,)
        Learning rates, from 0 (the minimum itself).
    student, overlap : ndarray, shapes (n, K, K) and (n, K, M)
        Q and R of the fixed point.
    losses, excess : ndarray, shape (n,)
        Loss, and loss minus that of the minimum.
    slowest : ndarray, shape (n,)
        Largest real part of the Jacobian's eigenvalues in units of eta steps/d: the fixed point is
        stable where it is negative.
    unstable : float or None
        Rate at which stability is lost before the end, between two points of the branch.
    vanishes : float or None
        Rate of the fold in which the fixed point disappears.
    options : BranchOptions
    end : BranchEnd
    """

    rates: Array
    student: Array
    overlap: Array
    losses: Array
    excess: Array
    slowest: Array
    unstable: float | None
    vanishes: float | None
    options: BranchOptions
    end: BranchEnd


class _Branch:
    """The equation G(y, eta) = drift(y) + eta noise(y) = 0 and its derivatives."""

    def __init__(self, problem: TeacherStudent, options: BranchOptions) -> None:
        self.system = StatisticsSystem(problem)
        self.options = options

    def residual(self, z: Array) -> Array:
        return np.asarray(self.system.drift(z[:-1]) + z[-1] * self.system.noise(z[:-1]))

    def derivatives(self, z: Array) -> tuple[Array, Array]:
        """dG/dy, shape (n, n), and dG/deta = noise, shape (n,)."""
        y, rate = z[:-1], z[-1]
        noise = self.system.noise(y)
        jacobian = self.system.drift_jacobian(y)
        if rate != 0:
            jacobian += rate * self.system.noise_jacobian(y)
        return jacobian, noise

    def tangent(self, jacobian: Array, noise: Array, before: Array) -> Array:
        """Unit null vector of [dG/dy, dG/deta], on the side of the one before."""
        matrix = np.vstack([np.column_stack([jacobian, noise]), before])
        right = np.zeros(len(before))
        right[-1] = 1.0
        direction = np.linalg.solve(matrix, right)
        return np.asarray(direction / np.linalg.norm(direction))

    def approach_fold(
        self, low: Array, low_tangent: Array, high: Array, high_tangent: Array
    ) -> tuple[list[Array], list[float]]:
        """Points from `low` to the fold between two points and the first one past it.

        Secant steps on the rate's component of the unit tangent, which changes sign there.
        """
        points, slowest = [low], [_slowest(self.derivatives(low)[0])]
        for _ in range(8):
            rise, fall = low_tangent[-1], high_tangent[-1]
            part = min(max(rise / (rise - fall), 0.05), 0.95)
            length = float(np.linalg.norm(high - low))
            found = self.correct(low + part * length * low_tangent, low_tangent)
            if found is None:
                break
            z, jacobian, noise, _ = found
            tangent = self.tangent(jacobian, noise, low_tangent)
            if tangent[-1] > 0:
                low, low_tangent = z, tangent
                points.append(z)
                slowest.append(_slowest(jacobian))
            else:
                high, high_tangent = z, tangent
            if abs(tangent[-1]) < _FLAT:
                break
        return [*points, high], [*slowest, _slowest(self.derivatives(high)[0])]

    def correct(self, guess: Array, direction: Array) -> tuple[Array, Array, Array, int] | None:
        """Newton's method in the hyperplane through `guess` normal to `direction`.

        The derivatives at the guess serve for all iterations. Returns the solution, these
        derivatives and the number of iterations.
        """
        jacobian, noise = self.derivatives(guess)
        matrix = np.vstack([np.column_stack([jacobian, noise]), direction])
        z, previous = guess, np.inf
        for iteration in range(1, 16):
            residual = self.residual(z)
            size = float(np.linalg.norm(residual))
            if size <= self.options.tolerance:
                return z, jacobian, noise, iteration
            if not size < 0.7 * previous:
                return None
            previous = size
            right = np.append(-residual, direction @ (guess - z))
            try:
                z = z + np.linalg.solve(matrix, right)
            except np.linalg.LinAlgError:
                return None
            if not np.all(np.isfinite(z)):
                return None
        return None


def follow_rate(
    problem: TeacherStudent, weights: ArrayLike, *, options: BranchOptions | None = None
) -> RateBranch:
    """Continue the fixed point of one-pass SGD that starts in an isolated spurious minimum.

    Pseudo-arclength continuation in (W_in, Q, eta) with exact derivatives.

    Parameters
    ----------
    problem : TeacherStudent
        Its dimension is not used: the flow is that of infinite dimension.
    weights : array_like, shape (K, r + E)
        A minimum of positive loss whose Hessian is not singular.
    options : BranchOptions, optional

    Returns
    -------
    RateBranch

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(6), width=6)
    >>> shape = np.eye(6) - 0.05
    >>> shape[0] = [-0.6] + 5 * [0.2]
    >>> spurious = lt.flow_weights(problem, shape).weights[-1]
    >>> round(lt.follow_rate(problem, spurious).vanishes, 3)
    0.541
    """
    options = checked_options("options", "follow_rate", options, BranchOptions)
    checked_instance("problem", "follow_rate", problem, TeacherStudent)
    problem.require_relu("follow_rate")
    infinite = TeacherStudent(problem.teacher, problem.width)
    point = classify(infinite, weights)
    if is_zero_loss(point.loss, point.weights):
        raise InvalidArgument(
            "follow_rate needs a minimum of positive loss; at zero loss the fixed point does not "
            "move, see critical_rate."
        )
    if point.kind is not Kind.MINIMUM or point.nullity or point.zero_neurons:
        raise InvalidArgument(
            "follow_rate needs an isolated minimum without zero neurons; this point is: "
            f"{point.kind}, nullity {point.nullity}, {point.zero_neurons} zero neurons."
        )
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # On matrices of a few hundred rows threads cost more than they bring.
    with threadpool_limits(1, "blas"):
        return _continue(infinite, point.weights, options)


def _continue(problem: TeacherStudent, weights: Array, options: BranchOptions) -> RateBranch:
    """The branch that starts in an isolated minimum."""
    branch = _Branch(problem, options)
    start = np.append(branch.system.pack(weights), 0.0)
    jacobian, noise = branch.derivatives(start)
    path, slowest = [start], [_slowest(jacobian)]
    direction = np.append(-np.linalg.solve(jacobian, noise), 1.0)
    z = start + options.first * direction
    upward = np.zeros(len(z))
    upward[-1] = 1.0
    found = branch.correct(z, upward)
    end: BranchEnd | None = BranchEnd.LOST if found is None else None
    step = options.first
    scale = float(np.linalg.norm(start))
    direction = direction / np.linalg.norm(direction)
    while end is None and found is not None:
        z, jacobian, noise, iterations = found
        before = direction
        direction = branch.tangent(jacobian, noise, before)
        if direction[-1] <= 0:
            path[-1:], slowest[-1:] = branch.approach_fold(path[-1], before, z, direction)
            end = BranchEnd.FOLD
            break
        path.append(z)
        slowest.append(_slowest(jacobian))
        if z[-1] >= options.largest or len(path) >= options.limit:
            end = BranchEnd.LARGEST
        elif np.linalg.norm(z[:-1]) > 1e3 * scale:
            end = BranchEnd.UNBOUNDED
        elif branch.system.lowest_eigenvalue(z[:-1]) < -1e-9:
            end = BranchEnd.BOUNDARY
        if end is not None:
            break
        if iterations <= 5:
            step = min(1.6 * step, options.step * max(1.0, float(np.linalg.norm(z)) / scale))
        while True:
            found = branch.correct(z + step * direction, direction)
            # A turn by more than some 25 degrees, or a jump, is too coarse to trust.
            if found is not None and (found[0] - z) @ direction > 0.9 * np.linalg.norm(
                found[0] - z
            ):
                break
            step *= 0.5
            if step < options.smallest:
                end, found = BranchEnd.LOST, None
                break
    return _collect(problem, branch, path, slowest, end or BranchEnd.LOST)


def _slowest(jacobian: Array) -> float:
    return float(np.linalg.eigvals(jacobian).real.max())


def _collect(
    problem: TeacherStudent,
    branch: _Branch,
    path: list[Array],
    slowest: list[float],
    end: BranchEnd,
) -> RateBranch:
    states = np.array(path)
    rates, leading = states[:, -1], np.array(slowest)
    vanishes = float(rates.max()) if end is BranchEnd.FOLD else None
    unstable = None
    crossed = np.flatnonzero((leading[:-1] < 0) & (leading[1:] >= 0))
    # The crossing next to a fold is the fold itself.
    if len(crossed) and not (end is BranchEnd.FOLD and crossed[0] >= len(rates) - 2):
        n = int(crossed[0])
        part = leading[n] / (leading[n] - leading[n + 1])
        unstable = float(rates[n] + part * (rates[n + 1] - rates[n]))
    student, overlap = branch.system.statistics(states[:, :-1])
    losses = loss_from_statistics(student, overlap, problem.teacher.gram)
    return RateBranch(
        rates=rates,
        student=student,
        overlap=overlap,
        losses=losses,
        excess=losses - losses[0],
        slowest=leading,
        unstable=unstable,
        vanishes=vanishes,
        options=branch.options,
        end=end,
    )


def critical_rate(problem: TeacherStudent, weights: ArrayLike) -> float:
    """Learning rate up to which a zero-loss point is a stable fixed point of one-pass SGD.

    A small part X = Q - W_in W_in^T outside the span obeys
    dX/dt = -eta (A X + X A) + eta^2 sum_ij X_ij P(i, j, k, l), P the probability that all the
    neurons named are active, A the normal block; a part inside the span feeds the noise to second
    order only. Both terms keep X positive semidefinite, so stability is lost where the spectral
    radius of (A . + . A)^-1 P equals 1 / eta.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, r + E)
        A point of zero loss without zero neurons.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> round(lt.critical_rate(problem, np.eye(2)), 4)
    1.2679
    """
    from landtopo.kernels.orthant import orthant_probability

    checked_instance("problem", "critical_rate", problem, TeacherStudent)
    problem.require_relu("critical_rate")
    w = checked_weights("critical_rate", weights, problem.rank, width=problem.width)
    loss = PopulationLoss(problem)
    if not is_zero_loss(float(loss.value(w)), w) or np.any(np.linalg.norm(w, axis=1) == 0):
        raise InvalidArgument("critical_rate needs a point of zero loss without zero neurons.")
    width = len(w)
    units = w / np.linalg.norm(w, axis=1, keepdims=True)

    @cache
    def probability(members: tuple[int, ...]) -> float:
        rows = np.ascontiguousarray(units[list(members)])
        return float(orthant_probability(rows, 1e-13)[0])

    active = np.empty((width,) * 4)
    for members in itertools.combinations_with_replacement(range(width), 4):
        value = probability(tuple(sorted(set(members))))
        for order in set(itertools.permutations(members)):
            active[order] = value
    # In the eigenbasis of A the drift is diagonal. Where it vanishes (split neurons) so does the
    # noise: those directions are neutral at every rate.
    values, vectors = eigh(loss.normal_block(w))
    sums = values[:, None] + values[None, :]
    turned = np.einsum("ijkl,ia,jb,kc,ld->cdab", active, *[vectors] * 4, optimize=True)
    moving = (sums > 1e-10 * sums.max()).ravel()
    size = width * width
    operator = turned.reshape(size, size)[np.ix_(moving, moving)] / sums.ravel()[moving][:, None]
    return float(1.0 / np.abs(np.linalg.eigvals(operator)).max())
