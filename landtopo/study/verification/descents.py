"""Where the gradient flow goes from a point: integrated in time, and finished by Newton's method.

The descents of the search follow steepest descent by its local quadratic model; here a standard
integrator (LSODA) follows dW/dt = -dL/dW, with the arc length as one more coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import solve_ivp

from landtopo.eigen import eigh
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import symmetry_frame
from landtopo.models.networks.units import unit_of
from landtopo.objective import Array
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.formulas import gradient
from landtopo.study.verification.labelled import Joint, isomorphism, joint, together
from landtopo.study.verification.network import Parts, gauge_directions, parts_of
from landtopo.study.verification.quadrature import (
    difference_hessian,
    quadrature_gradient,
    quadrature_loss,
)

__all__ = ["Descent", "both_ways", "follow_flow", "settled"]

# Angle in radians and relative length up to which neurons are merged and dropped: of points that
# are exact, and of those to which the flow comes slowly, because the loss rises in third order.
_LEVELS = ((1e-5, 1e-7), (1e-3, 1e-5), (3e-2, 1e-2))
# Speed at which the flow has come to rest, in units of the teacher, and relative tolerance of a
# step: where lengths and losses on the way count, and where only the end does.
_CLOSE = (2e-7, 1e-8)
_ROUGH = (1e-5, 1e-6)
# Length of the first step away from a saddle, and how far Newton's method may go, relative to the
# weights.
_AWAY = 1e-3
_REGION = 5e-2
_CRITICAL = 1e-12
_LONGEST = 1e7
# Saddles in which symmetry may make a flow end before it is sent on.
_SADDLES = 3
# Points of a flow whose losses are computed.
_SHOWN = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """A flow down from a point.

    Attributes
    ----------
    ends : tuple of ndarray, shape (K, D)
        Where it comes to rest; several where it was sent on from a saddle in several ways.
    saddle : ndarray, shape (K, D), or None
        The first saddle in which it ended, from where it was sent on.
    lengths, losses : ndarray, shape (n,)
        Arc length from the start, and loss, up to the first rest.
    """

    ends: tuple[Array, ...]
    saddle: Array | None
    lengths: Array
    losses: Array


def both_ways(problem: TeacherStudent, state: Array, modes: int = 1) -> tuple[Descent, Descent]:
    """The flows from both sides of a saddle, along its lowest mode; lengths are from the saddle.

    Parameters
    ----------
    problem : TeacherStudent
    state : ndarray, shape (K, D)
    modes : int
        Along how many of the lowest modes of a saddle in which symmetry makes a flow end it is sent
        on, both ways, unless symmetry makes these the same.
    """
    mode = _falling_modes(problem, state)[0]
    first, second = (
        replace(way, lengths=way.lengths + float(np.linalg.norm(mode)))
        for way in (_followed(problem, state + side, modes, _CLOSE) for side in (mode, -mode))
    )
    return first, second


def follow_flow(problem: TeacherStudent, start: Array) -> Descent:
    """The flow from a point to its end, past a few saddles at most, of which the end matters.

    Parameters
    ----------
    problem : TeacherStudent
    start : ndarray, shape (K, D)
    """
    return _followed(problem, start, 1, _ROUGH)


def _followed(
    problem: TeacherStudent,
    start: Array,
    modes: int,
    accuracy: tuple[float, float],
    saddles: int = _SADDLES,
) -> Descent:
    """A flow, sent on from saddles along so many of their lowest modes."""
    end, lengths, losses = _flow(problem, start, accuracy)
    exact = settled(problem, end, level=0)
    if exact is None or not saddles:
        return Descent(ends=(end,), saddle=None, lengths=lengths, losses=losses)
    point = Evidence(problem, exact)
    if point.is_zero or not point.spectra.index:
        return Descent(ends=(exact,), saddle=None, lengths=lengths, losses=losses)
    ends: list[Array] = []
    for further in _pushed(problem, exact, modes):
        ends += _followed(problem, further, modes, _ROUGH, saddles - 1).ends
    return Descent(ends=tuple(ends), saddle=exact, lengths=lengths, losses=losses)


def _pushed(problem: TeacherStudent, saddle: Array, modes: int) -> list[Array]:
    """Points beside a saddle, one of all that its symmetry makes the same."""
    vectors = symmetry_frame(problem.teacher)
    found: list[Array] = []
    graphs: list[Joint] = []
    here = joint(saddle, vectors)
    for mode in _falling_modes(problem, saddle)[:modes]:
        for side in (mode, -mode):
            # The modes have a length of their own, so that the sum tells them apart.
            graph = together(here, joint(saddle + side / _AWAY, vectors))
            if all(isomorphism(graph, other) is None for other in graphs):
                graphs.append(graph)
                found.append(saddle + side)
    return found


def settled(problem: TeacherStudent, weights: Array, *, level: int) -> Array | None:
    """The critical point next to weights, with neurons merged that the level takes for parallel.

    Parameters
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (K, D)
    level : int
        0 for points that are exact; up to 2.

    Returns
    -------
    ndarray, shape (K, D)
        None where Newton's method finds none near enough.
    """
    unit = unit_of(problem.teacher)
    angle, zero = _LEVELS[level]
    parts = parts_of(weights, angle=angle, zero=zero)
    network, limit = parts.vectors, _REGION * float(np.linalg.norm(weights))
    if not len(network):
        return np.zeros_like(weights)
    point = network
    for _ in range(30):
        slope = quadrature_gradient(problem.teacher, point)
        hessian = difference_hessian(problem.teacher, point)
        # Rotations outside the span are no curvature, and neither is what is smaller than errors.
        inverse = np.linalg.pinv(hessian, rcond=1e-7, hermitian=True)
        step = (inverse @ slope.ravel()).reshape(point.shape)
        if np.linalg.norm(point - step - network) > limit:
            return None
        point = point - step
        if np.linalg.norm(step) <= 1e-14 * np.linalg.norm(point):
            break
    if np.linalg.norm(quadrature_gradient(problem.teacher, point)) > _CRITICAL * unit:
        return None
    return _expanded(parts, point, weights)


def _expanded(parts: Parts, vectors: Array, weights: Array) -> Array:
    """The student whose reduced network has these vectors, with the shares that weights have."""
    result = np.zeros_like(weights)
    for vector, group in zip(vectors, parts.groups, strict=True):
        lengths = np.linalg.norm(weights[list(group)], axis=1)
        result[list(group)] = np.outer(lengths / lengths.sum(), vector)
    return result


def _falling_modes(problem: TeacherStudent, weights: Array) -> list[Array]:
    """Short steps along the modes of negative curvature, the steepest first."""
    live = np.linalg.norm(weights, axis=1) > 0
    hessian = difference_hessian(problem.teacher, weights[live])
    gauge = gauge_directions(weights[live], problem.rank)
    values, vectors = eigh(hessian + 10.0 * gauge.T @ gauge)
    length = _AWAY * float(np.linalg.norm(weights))
    modes = []
    for mode in vectors[:, values < -1e-7].T:
        step = np.zeros_like(weights)
        step[live] = length * mode.reshape(-1, weights.shape[1])
        modes.append(step)
    return modes


def _flow(
    problem: TeacherStudent, start: Array, accuracy: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """End of the flow, with arc lengths and losses on the way."""
    unit, (rest, relative) = unit_of(problem.teacher), accuracy
    vectors = np.zeros((problem.teacher.size, start.shape[1]))
    vectors[:, : problem.rank] = problem.teacher.vectors / unit
    shape = start.shape

    def speed(_: float, state: Array) -> Array:
        slope = gradient(state[:-1].reshape(shape), vectors)
        return np.append(-slope.ravel(), np.linalg.norm(slope))

    def at_rest(_: float, state: Array) -> float:
        return float(np.linalg.norm(gradient(state[:-1].reshape(shape), vectors))) - rest

    at_rest.terminal = True  # type: ignore[attr-defined]
    # Beside a soft saddle the flow begins more slowly than that.
    at_rest.direction = -1.0  # type: ignore[attr-defined]
    found = solve_ivp(
        speed,
        (0.0, _LONGEST),
        np.append(start.ravel() / unit, 0.0),
        method="LSODA",
        rtol=relative,
        atol=1e-2 * relative,
        events=at_rest,
    )
    rows = np.unique(np.linspace(0, len(found.t) - 1, _SHOWN).round().astype(np.int64))
    points = unit * found.y[:-1, rows].T.reshape(-1, *shape)
    losses = np.array([quadrature_loss(problem.teacher, point) for point in points])
    return points[-1], unit * found.y[-1, rows], losses
