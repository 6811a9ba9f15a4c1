"""The psi certificate: which directions for one more neuron lower the loss, and how steeply.

psi(u) = E[(f - f*) relu(u.x)], u a unit vector, is the one-sided slope of the loss for growing a
zero neuron in the direction u. With positive output weights the loss is convex in the
distribution of neurons, so a critical point is a global minimum of the infinitely wide problem if
and only if psi >= 0 on the whole sphere.

At a critical point of loss L two bounds hold without any search:

- psi >= -sqrt(L), by the Cauchy-Schwarz inequality with E[(f - f*)^2] = 2 L, E[relu(u.x)^2] = 1/2;
- min psi <= -2 L / sum_m |v_m|, because sum_m |v_m| psi(v_m / |v_m|) = sum_k psi(w_k) - 2 L, where
  psi(w_k) = w_k . dL/dw_k vanishes.

So psi >= 0 with a positive loss is a contradiction. The derivative of psi along the sphere is
E[(f - f*) 1[u.x > 0] h.x], again bounded by sqrt(L): psi changes by at most sqrt(L) times the
angle, which turns values on a covering of a low-dimensional sphere into a rigorous lower bound.

psi depends on the part of u outside the coordinates that the network uses only through its length,
so the span of the network and one axis outside it are searched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.errors import InvalidArgument
from landtopo.loss import PopulationLoss
from landtopo.objective import Array
from landtopo.points.classify import is_zero_loss
from landtopo.points.reduced import reduce_network
from landtopo.problem import TeacherStudent

__all__ = ["PsiCertificate", "psi_min"]

_TWO_PI = 2.0 * np.pi
_FOLLOWED = 128
_CELLS = 20_000
_PAIRS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PsiCertificate:
    """The lowest slope for growing a zero neuron, and the landscape of slopes around it.

    Attributes
    ----------
    minimum : float
        Lowest psi found over unit directions; 0 at zero loss.
    lower_bound : float
        No direction has a lower psi than this: -sqrt(L), or better from a covering of the sphere.
    upper_bound : float
        -2 L / sum |v_m|, which some direction reaches at a critical point.
    directions : ndarray, shape (n, r + e + 1) or (n, r + e)
        Unit vectors of the distinct local minima of psi with psi < 0, steepest first. The last
        column is the axis outside the coordinates in use; it is missing where dim leaves no room.
    slopes : ndarray, shape (n,)
        psi there.
    regions : int
        Number of separate regions of descent {psi < 0} that these local minima lie in, as far as
        the arcs between the directions searched can join them: an upper bound of it.
    signs : ndarray of int, shape (K + M, 2)
        Sign of psi at every student's and teacher's direction, and at its negative. 0 means zero to
        rounding (always so at a critical point for the students themselves), and for zero neurons.
    loss : float
        Of the point.
    searched : int
        Number of directions psi was evaluated at as starts.
    verdict : str
        One sentence.
    """

    minimum: float
    lower_bound: float
    upper_bound: float
    directions: Array
    slopes: Array
    regions: int
    signs: NDArray[np.int64]
    loss: float
    searched: int
    verdict: str


def psi_min(
    problem: TeacherStudent,
    weights: ArrayLike,
    *,
    random: int = 512,
    tolerance: float = 1e-10,
    seed: int = 0,
) -> PsiCertificate:
    """Minimise psi over all unit directions from many starts.

    Starts are the directions of teachers and students, their negatives, sums and differences of (at
    most 2000) pairs, the axis outside, and random directions.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K', r + E)
        A critical point. Any number of neurons is accepted, so that reduced networks can be given.
    random : int
        Number of random starts.
    tolerance : float
        Norm of psi's gradient along the sphere at its minima, relative to sqrt(L).
    seed : int
        Of the random starts; they are the same for every point.

    Returns
    -------
    PsiCertificate
    """
    given = np.asarray(weights, dtype=np.float64)
    if given.ndim != 2 or not len(given) or given.shape[1] < problem.rank:
        raise InvalidArgument(
            f"The 'weights' argument of psi_min must have shape (K, {problem.rank} + E); "
            f"got {given.shape}."
        )
    reduced = reduce_network(given, problem.rank, angle_tolerance=0.0, zero_tolerance=0.0)
    used = reduced.vectors if reduced.effective_width else given[:0, : problem.rank]
    room = problem.codimension is None or problem.codimension > reduced.outside
    students = np.hstack([used, np.zeros((len(used), int(room)))])
    columns = students.shape[1]
    loss = PopulationLoss(problem.with_width(max(len(used), 1)))
    value = float(loss.value(used if len(used) else np.zeros((1, problem.rank))))
    teachers, _ = loss.frame(columns)
    field = _Field(students, teachers)
    named = np.vstack([students, teachers])
    signs = _signs(field, named, reduced.assignment, len(used))
    scale = float(np.sqrt(max(value, 0.0)))
    upper = -2.0 * value / float(problem.teacher.norms.sum())
    if is_zero_loss(value, given):
        return PsiCertificate(
            minimum=0.0,
            lower_bound=0.0,
            upper_bound=0.0,
            directions=np.empty((0, columns)),
            slopes=np.empty(0),
            regions=0,
            signs=np.zeros_like(signs),
            loss=value,
            searched=0,
            verdict="The loss is zero, so psi vanishes everywhere: a global minimum.",
        )
    starts = _starts(named, columns, random, seed)
    values = field.values(starts)
    followed = np.argsort(values, kind="stable")[:_FOLLOWED]
    ends, slopes = field.descend(starts[followed], tolerance * scale)
    if room:
        ends[:, -1] = np.abs(ends[:, -1])
    owner, minima = _distinct(ends, slopes, 1e-9 * scale)
    bound = max(-scale, _covering_bound(field, columns, scale, float(slopes.min())))
    regions = _regions(field, starts[followed], values[followed], ends, owner, minima, room)
    lowest = float(slopes.min())
    if lowest < 0:
        verdict = f"Not a global minimum: one more neuron lowers the loss with slope {lowest:.6g}."
    else:
        verdict = (
            "Contradiction: psi is nowhere negative at a positive loss, which no critical point "
            "can have; the point is not critical."
        )
    return PsiCertificate(
        minimum=lowest,
        lower_bound=bound,
        upper_bound=upper,
        directions=ends[minima],
        slopes=slopes[minima],
        regions=regions,
        signs=signs,
        loss=value,
        searched=len(starts),
        verdict=verdict,
    )


class _Field:
    """psi of one network, its gradient and Hessian, for batches of unit directions."""

    def __init__(self, students: Array, teachers: Array) -> None:
        vectors = np.vstack([students, teachers])
        norms = np.linalg.norm(vectors, axis=1)
        self.units = vectors / norms[:, None]
        self.strengths = norms * np.r_[np.ones(len(students)), -np.ones(len(teachers))] / _TWO_PI

    def _angles(self, u: Array) -> tuple[Array, Array, Array]:
        """Cosines, sines and pi - angle with every vector, each of shape (n, N)."""
        cosines = np.clip(u @ self.units.T, -1.0, 1.0)
        sines = np.sqrt((1.0 - cosines) * (1.0 + cosines))
        near = np.abs(cosines) > 0.99
        if near.any():
            rows, which = np.nonzero(near)
            minus = np.linalg.norm(u[rows] - self.units[which], axis=1)
            plus = np.linalg.norm(u[rows] + self.units[which], axis=1)
            sines[rows, which] = 0.5 * minus * plus
        return cosines, sines, np.arctan2(sines, -cosines)

    def values(self, u: Array) -> Array:
        """psi, shape (n,)."""
        cosines, sines, opposite = self._angles(u)
        return np.asarray((sines + opposite * cosines) @ self.strengths)

    def derivatives(self, u: Array) -> tuple[Array, Array, Array]:
        """psi, its gradient along the sphere and its Hessian there; u itself has curvature 1."""
        cosines, sines, opposite = self._angles(u)
        values = (sines + opposite * cosines) @ self.strengths
        gradients = (opposite * self.strengths) @ self.units - (
            (opposite * cosines) @ self.strengths
        )[:, None] * u
        # sum_j s_j sin t_j (I - u u^T + n_j n_j^T) - psi (I - u u^T), n_j = (x_j - cos t_j u) / sin
        own = sines @ self.strengths
        inverse = np.where(sines > 1e-12, 1.0 / np.maximum(sines, 1e-12), 0.0) * self.strengths
        columns = u.shape[1]
        hessians = np.matmul(self.units.T * inverse[:, None, :], self.units)
        mixed = (inverse * cosines) @ self.units
        square = np.sum(inverse * cosines**2, axis=1)
        outer = u[:, :, None] * u[:, None, :]
        cross = u[:, :, None] * mixed[:, None, :]
        hessians += square[:, None, None] * outer - cross - np.swapaxes(cross, 1, 2)
        flat = np.eye(columns) - outer
        hessians += (own - values)[:, None, None] * flat + outer
        return values, gradients, hessians

    def descend(self, starts: Array, tolerance: float) -> tuple[Array, Array]:
        """Local minima of psi from every start: damped Newton steps along the sphere."""
        u = starts.copy()
        values, gradients, hessians = self.derivatives(u)
        active = np.arange(len(u))
        radius = np.full(len(u), 0.5)
        for _ in range(60):
            norms = np.linalg.norm(gradients[active], axis=1)
            active = active[(norms > tolerance) & (radius[active] > 1e-9)]
            if not len(active):
                break
            # Curvatures enter with their size, so that every step goes down; small ones are
            # raised, so that no step is longer than the radius.
            curvatures, axes = np.linalg.eigh(hessians[active])
            components = np.einsum("nji,nj->ni", axes, gradients[active])
            floor = np.linalg.norm(components, axis=1) / (4.0 * radius[active])
            lengths = -components / np.maximum(np.abs(curvatures), 1e-3 * floor[:, None])
            full = np.linalg.norm(lengths, axis=1)
            lengths *= np.minimum(1.0, radius[active] / np.maximum(full, 1e-300))[:, None]
            moves = np.einsum("nij,nj->ni", axes, lengths)
            trial = u[active] + moves
            trial /= np.linalg.norm(trial, axis=1, keepdims=True)
            new_values, new_gradients, new_hessians = self.derivatives(trial)
            smaller = np.linalg.norm(new_gradients, axis=1) < 0.5 * np.linalg.norm(
                gradients[active], axis=1
            )
            # Near the end values are equal to rounding: there a smaller gradient is progress.
            level = new_values <= values[active] + 1e-15 * np.abs(self.strengths).sum()
            good = (new_values < values[active]) | (smaller & level)
            moved = active[good]
            u[moved], values[moved] = trial[good], new_values[good]
            gradients[moved], hessians[moved] = new_gradients[good], new_hessians[good]
            radius[moved] = np.minimum(1.0, 1.5 * radius[moved])
            radius[active[~good]] *= 0.25
        return u, values


def _starts(named: Array, columns: int, random: int, seed: int) -> Array:
    units = named / np.linalg.norm(named, axis=1, keepdims=True)
    first, second = np.triu_indices(len(units), 1)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(columns,)))
    if len(first) > _PAIRS:
        some = generator.choice(len(first), size=_PAIRS, replace=False)
        first, second = first[some], second[some]
    axis = np.zeros((1, columns))
    axis[0, -1] = 1.0
    directions = np.vstack(
        [
            units,
            -units,
            units[first] + units[second],
            units[first] - units[second],
            -units[first] - units[second],
            units.sum(axis=0)[None],
            -units.sum(axis=0)[None],
            axis,
            generator.standard_normal((random, columns)),
        ]
    )
    lengths = np.linalg.norm(directions, axis=1)
    keep = lengths > 1e-6
    return np.asarray(directions[keep] / lengths[keep, None])


def _signs(
    field: _Field, named: Array, assignment: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    units = named / np.linalg.norm(named, axis=1, keepdims=True)
    noise = 1e-11 * float(np.abs(field.strengths).sum())
    both = np.stack([field.values(units), field.values(-units)], axis=1)
    signs = np.where(np.abs(both) <= noise, 0, np.sign(both)).astype(np.int64)
    students = np.zeros((len(assignment), 2), dtype=np.int64)
    students[assignment >= 0] = signs[assignment[assignment >= 0]]
    return np.vstack([students, signs[count:]])


def _distinct(ends: Array, slopes: Array, tolerance: float) -> tuple[NDArray[np.int64], list[int]]:
    """Number of the local minimum each end belongs to (-1: psi >= 0), and a member of each."""
    owner = np.full(len(ends), -1, dtype=np.int64)
    minima: list[int] = []
    for i in np.argsort(slopes, kind="stable").tolist():
        if slopes[i] >= -tolerance:
            continue
        for number, j in enumerate(minima):
            if np.linalg.norm(ends[i] - ends[j]) < 1e-4:
                owner[i] = number
                break
        else:
            owner[i] = len(minima)
            minima.append(i)
    return owner, minima


def _regions(
    field: _Field,
    starts: Array,
    start_values: Array,
    ends: Array,
    owner: NDArray[np.int64],
    minima: list[int],
    room: bool,
) -> int:
    """Number of groups of local minima that arcs of negative psi leave unjoined."""
    count = len(minima)
    group = np.arange(count)
    # A start with psi < 0 lies in the region of the minimum below it.
    below = np.flatnonzero((start_values < 0) & (owner >= 0))
    points = np.vstack([ends[minima], starts[below]])
    if room:
        points[:, -1] = np.abs(points[:, -1])
    labels = np.concatenate([np.arange(count), owner[below]])
    first, second = np.triu_indices(len(points), 1)
    differ = labels[first] != labels[second]
    first, second = first[differ], second[differ]
    cosines = np.einsum("nd,nd->n", points[first], points[second])
    # There are many arcs between nearly opposite points, and none to prefer.
    short = cosines > -0.8
    first, second, cosines = first[short], second[short], cosines[short]
    near = np.argsort(-cosines, kind="stable")
    for chunk in np.array_split(near[:4096], 16):
        a, b = first[chunk], second[chunk]
        useful = group[labels[a]] != group[labels[b]]
        a, b = a[useful], b[useful]
        if not len(a):
            continue
        weights = np.linspace(0.0, 1.0, 15)[1:-1, None, None]
        arcs = ((1.0 - weights) * points[a] + weights * points[b]).reshape(-1, points.shape[1])
        lengths = np.linalg.norm(arcs, axis=1)
        arcs[lengths > 0] /= lengths[lengths > 0, None]
        highest = field.values(arcs).reshape(13, -1).max(axis=0)
        for i in np.flatnonzero(highest < 0):
            one, other = group[labels[a[i]]], group[labels[b[i]]]
            group[group == other] = one
    return len(np.unique(group))


def _covering_bound(field: _Field, columns: int, scale: float, best: float) -> float:
    """Rigorous lower bound of psi from cells of a cube's surface that are halved; -inf if high.

    The projection from the surface of the cube [-1, 1]^D to the sphere makes no distance larger, so
    a cell of half width h lies within the angle h sqrt(D - 1) of its centre.
    """
    if columns > 4:
        return -np.inf
    if columns == 1:
        return best
    centres = []
    for axis in range(columns):
        for side in (-1.0, 1.0):
            centre = np.zeros(columns)
            centre[axis] = side
            centres.append(centre)
    cells = np.array(centres)
    curvature = 2.0 * float(np.abs(field.strengths).sum()) + scale
    half = 1.0
    lowest, left = -np.inf, best
    while len(cells) <= _CELLS:
        units = cells / np.linalg.norm(cells, axis=1, keepdims=True)
        values, gradients, _ = field.derivatives(units)
        radius = half * np.sqrt(columns - 1)
        slopes = np.linalg.norm(gradients, axis=1)
        lower = values - np.minimum(scale * radius, slopes * radius + 0.5 * curvature * radius**2)
        best = min(best, float(values.min()))
        open_cells = lower < best - 1e-9 * scale
        # What is left aside may still be lower than the best, by no more than that.
        left = min(left, best, float(lower[~open_cells].min(initial=best)))
        lowest = max(lowest, float(lower[open_cells].min(initial=left)))
        cells = cells[open_cells]
        if not len(cells):
            break
        half *= 0.5
        cells = _halved(cells, half)
    return lowest


def _halved(cells: Array, half: float) -> Array:
    """Every cell of a cube's surface cut in two along each of its D - 1 sides."""
    columns = cells.shape[1]
    moves = np.array(np.meshgrid(*[(-half, half)] * (columns - 1))).reshape(columns - 1, -1).T
    face = np.argmax(np.abs(cells), axis=1)
    sides = np.array([[i for i in range(columns) if i != axis] for axis in range(columns)])
    result = np.repeat(cells, len(moves), axis=0)
    rows = np.arange(len(result))[:, None]
    result[rows, np.repeat(sides[face], len(moves), axis=0)] += np.tile(moves, (len(cells), 1))
    return result
