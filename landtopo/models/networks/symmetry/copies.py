"""The labelled copy of a point that lies closest to another point."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial, prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.errors import InvalidArgument
from landtopo.models.networks.symmetry.graph import TOLERANCE, PointGraph
from landtopo.models.networks.symmetry.matching import equivalence
from landtopo.models.networks.symmetry.relabelling import Relabelling, teacher_rotation
from landtopo.models.networks.symmetry.relative import teacher_groups
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.symmetry.groups import PermutationGroup
from landtopo.symmetry.permutations import inverse, signed

__all__ = ["ClosestCopy", "closest_copy"]

_RANK = 1e-10
_ROUNDS = 100

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClosestCopy(Brief):
    """A copy of a point and how it was made.

    Attributes
    ----------
    weights : ndarray, shape (K, r + E)
        The copy, with as many columns as the wider of the two points.
    relabelling : Relabelling
        The element of S_K x Aut(T) that was applied.
    rotation : ndarray, shape (E, E)
        Orthogonal matrix that was applied outside the span: w_out -> w_out @ rotation.
    distance : float
        Frobenius norm of the difference to the target.
    exact : bool
        Whether no copy is closer. False means a local optimum: the points are no copies of each
        other, and there were too many teacher automorphisms to try all, or both points leave the
        span and one of them in more than one direction.
    tried : int
        Number of teacher automorphisms for which students were assigned.
    """

    weights: Array
    relabelling: Relabelling
    rotation: Array
    distance: float
    exact: bool
    tried: int


def closest_copy(
    target: ArrayLike,
    weights: ArrayLike,
    vectors: ArrayLike,
    *,
    turned: bool = False,
    limit: int = 5_000,
    restarts: int = 16,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> ClosestCopy:
    """The copy of `weights` under S_K x Aut(T) and rotations outside the span closest to `target`.

    For one teacher automorphism the best student permutation is an assignment problem, solved
    exactly. Automorphisms that belong to the isotropy group of either point lead to nothing new, so
    one of every coset is tried. Where there are more cosets than `limit`, automorphisms are
    improved step by step from several starts; when Aut(T) is a product of symmetric groups the
    teachers are assigned in turn with the students first.

    Parameters
    ----------
    target, weights : array_like, shapes (K, r + E), (K, r + E')
    vectors : array_like, shape (M, r)
        Teacher vectors in coordinates of their span.
    turned : bool
        Whether each student neuron alone can be turned around.
    limit : int
        Largest number of teacher automorphisms to try all of.
    restarts : int
        Number of starts when there are more.
    seed : int
        Seed of those starts.
    tolerance : float
        Tolerance of the automorphisms and isotropy groups.
    """
    v = np.asarray(vectors, dtype=np.float64)
    a, b = np.asarray(target, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b) or min(a.shape[1], b.shape[1]) < v.shape[1]:
        raise InvalidArgument(
            f"The points of closest_copy must have shapes (K, {v.shape[1]} + E) with the same K; "
            f"got {a.shape} and {b.shape}."
        )
    columns = max(a.shape[1], b.shape[1])
    matcher = _Matcher(_padded(a, columns), _padded(b, columns), v, turned)
    # g and h g k are equally far for h in the isotropy group of the target, k in that of the other.
    graphs = tuple(PointGraph.from_weights(w, v, turned=turned) for w in (a, b))
    whole, of_target = teacher_groups(graphs[0], tolerance)
    _, of_weights = teacher_groups(graphs[1], tolerance)
    larger = max(of_target, of_weights, key=lambda group: group.order)
    all_cosets = whole.order // larger.order <= limit
    if not (all_cosets and matcher.exact_outside):
        same = equivalence(graphs[1], graphs[0], tolerance=tolerance)
        if same is not None:
            matcher.take(same)
            return matcher.result(exact=True)
    if all_cosets:
        for representative in whole.coset_representatives(larger, limit):
            matcher.try_one(np.argsort(representative) if larger is of_target else representative)
    else:
        _search(matcher, whole, restarts, seed)
    return matcher.result(exact=all_cosets and matcher.exact_outside)


def _padded(weights: Array, columns: int) -> Array:
    return np.pad(weights, ((0, 0), (0, columns - weights.shape[1])))


class _Matcher:
    """Best student assignment for given teacher automorphisms; keeps the best of all tried."""

    def __init__(self, target: Array, weights: Array, vectors: Array, turned: bool) -> None:
        rank = vectors.shape[1]
        self.turned = turned
        self.vectors = vectors
        self.pseudo_inverse = np.linalg.pinv(vectors)
        self.target_in, self.target_out = target[:, :rank], target[:, rank:]
        # Rows are numbers of neurons, where they can be turned around also of their opposites.
        sides = np.concatenate([weights, -weights]) if turned else weights
        self.weights_in, self.weights_out = sides[:, :rank], sides[:, rank:]
        self.squares = float(np.sum(target**2) + np.sum(weights**2))
        ranks = [_rank(self.target_out, target), _rank(self.weights_out, weights)]
        self.outside = min(ranks) > 0
        self.exact_outside = min(ranks) == 0 or max(ranks) == 1
        self.tried = 0
        self.best = -np.inf
        self.best_teachers: Integers = np.arange(len(vectors))
        self.best_rows: Integers = np.arange(len(target))
        self.best_rotation = np.eye(self.target_out.shape[1])

    def try_one(self, teachers: Integers) -> tuple[float, Integers]:
        """Sum of scalar products for an automorphism, and which neuron goes to each row."""
        self.tried += 1
        # See teacher_rotation; its checks and its last digits are not needed to compare.
        rotated = self.weights_in @ (self.pseudo_inverse @ self.vectors[teachers])
        inside = self.target_in @ rotated.T
        rotation = np.eye(self.target_out.shape[1])
        rows = self._assign(inside)
        if self.outside:
            value, rows, rotation = self._with_outside(inside, rows)
        else:
            value = float(inside[np.arange(len(rows)), rows].sum())
        if value > self.best:
            self.best, self.best_teachers = value, teachers
            self.best_rows, self.best_rotation = rows, rotation
        return value, rows

    def _with_outside(self, inside: Array, rows: Integers) -> tuple[float, Integers, Array]:
        """Assign rows and turn the directions outside the span, in turn, from several starts."""
        count = np.arange(len(rows))
        left, _, right = np.linalg.svd(self.weights_out[: len(self.target_out)].T @ self.target_out)
        aligned = left @ right
        # With one direction on each side only its sign is open, and both are tried.
        u = np.linalg.svd(self.weights_out)[2][0]
        w = np.linalg.svd(self.target_out)[2][0]
        starts = [rows]
        for rotation in (aligned, np.outer(u, w), -np.outer(u, w)):
            starts.append(self._assign(inside + self._gains_outside(rotation)))
        best = (-np.inf, rows, aligned)
        for start in starts:
            rows = start
            previous = -np.inf
            for _ in range(_ROUNDS):
                left, stretches, right = np.linalg.svd(self.weights_out[rows].T @ self.target_out)
                rotation = left @ right
                value = float(inside[count, rows].sum() + stretches.sum())
                if value > best[0]:
                    best = (value, rows, rotation)
                if value <= previous + 1e-14 * self.squares:
                    break
                previous = value
                rows = self._assign(inside + self._gains_outside(rotation))
        return best

    def _gains_outside(self, rotation: Array) -> Array:
        return np.asarray(self.target_out @ (self.weights_out @ rotation).T)

    def _assign(self, gains: Array) -> Integers:
        """Row for each neuron of the target, so that the sum of the chosen gains is largest."""
        count = len(gains)
        if not self.turned:
            return _assign(gains)
        rows = _assign(np.abs(gains[:, :count]))
        return np.where(gains[np.arange(count), rows] < 0.0, rows + count, rows)

    def best_teacher_assignment(self, rows: Integers, parts: list[Integers]) -> Integers:
        """Best automorphism for given rows when Aut(T) holds all permutations of each part.

        The sum of products is linear in the permutation P of the teachers, because O^T = V^+ P V.
        """
        gains = (self.vectors @ self.target_in.T @ self.weights_in[rows] @ self.pseudo_inverse).T
        teachers = np.arange(len(self.vectors))
        for part in parts:
            teachers[part] = part[_assign(gains[np.ix_(part, part)])]
        return teachers

    def take(self, relabelling: Relabelling) -> None:
        """Make an element that carries one point to the other the best."""
        self.best_teachers = np.array(relabelling.teachers)
        self.best_rows = np.argsort(relabelling.students)[: len(self.target_in)]
        left, _, right = np.linalg.svd(self.weights_out[self.best_rows].T @ self.target_out)
        self.best_rotation = left @ right

    def result(self, *, exact: bool) -> ClosestCopy:
        """The best copy tried."""
        rotated = self.weights_in @ teacher_rotation(self.vectors, self.best_teachers).T
        copy = np.hstack([rotated, self.weights_out @ self.best_rotation])[self.best_rows]
        target = np.hstack([self.target_in, self.target_out])
        rows = self.best_rows.tolist()
        return ClosestCopy(
            weights=copy,
            relabelling=Relabelling(
                students=inverse(signed(rows) if self.turned else rows),
                teachers=tuple(self.best_teachers.tolist()),
            ),
            rotation=self.best_rotation,
            distance=float(np.linalg.norm(target - copy)),
            exact=exact,
            tried=self.tried,
        )


def _search(matcher: _Matcher, whole: PermutationGroup, restarts: int, seed: int) -> None:
    """Improve automorphisms from several starts."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    parts = [np.array(orbit) for orbit in whole.orbits()]
    free = whole.order == prod(factorial(len(part)) for part in parts)
    steps = list(whole.steps())
    for start in range(restarts):
        teachers = np.arange(whole.degree) if start == 0 else whole.random(rng)
        value, rows = matcher.try_one(teachers)
        while free:
            teachers_next = matcher.best_teacher_assignment(rows, parts)
            value_next, rows_next = matcher.try_one(teachers_next)
            if value_next <= value + 1e-12 * matcher.squares:
                break
            teachers, value, rows = teachers_next, value_next, rows_next
        improved = True
        while improved:
            improved = False
            for step in steps:
                candidate = step[teachers]
                value_next, _ = matcher.try_one(candidate)
                if value_next > value + 1e-12 * matcher.squares:
                    teachers, value, improved = candidate, value_next, True


def _rank(outside: Array, whole: Array) -> int:
    if not outside.size:
        return 0
    stretches = np.linalg.svd(outside, compute_uv=False)
    return int(np.sum(stretches > _RANK * max(float(np.linalg.norm(whole)), 1e-300)))


def _assign(gains: Array) -> Integers:
    """Column for each row, so that the sum of the chosen gains is largest."""
    from scipy.optimize import linear_sum_assignment

    return np.asarray(linear_sum_assignment(gains, maximize=True)[1], dtype=np.int64)
