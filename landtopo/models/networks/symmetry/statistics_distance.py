"""Distances of networks in the summary statistics (Q, R), modulo all symmetries of the problem.

Two networks W and W' are as far apart as the closest of their copies,

    d^2 = min |Q - P Q' P^T|^2 + 2 |R - P W' O^T V^T|^2,

over permutations P of the neurons, with signs where the activation is even, and over the orthogonal
maps O of the span that keep the teacher's function. It is the Frobenius distance of the matrices
[[Q, R], [R^T, T]]; rotations outside the span are gone from Q. For a narrower network zero neurons
are added, which change no function.

The minimum is over a product of two groups, quadratic in P and linear in O. Where the groups are
small it is taken over all elements. Where they are not, P is improved by the best exchange of two
neurons (or of a sign) and O by the best element that is listed, in turn and from several starts,
the closest copy in the weights among them; what is found is then an upper bound, and zero for
copies.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations, product
from math import factorial

import numpy as np
from numpy.typing import NDArray

from landtopo.models.networks.problem import Teacher
from landtopo.models.networks.symmetry.copies import closest_copy
from landtopo.models.networks.symmetry.frame import function_automorphisms, symmetry_frame
from landtopo.models.networks.symmetry.relabelling import teacher_rotation
from landtopo.objective import Array

__all__ = ["StatisticsDistance"]

# So many pairs of elements are all tried, and so many maps of the span are listed.
_ALL = 600_000
_LISTED = 1_000
_STARTS = 8
_TRIED = 50
_ROUNDS = 100
_GAIN = 1e-13

Integers = NDArray[np.int64]


class StatisticsDistance:
    """Distance of networks with one teacher in (Q, R), modulo symmetry.

    Parameters
    ----------
    teacher : Teacher

    Examples
    --------
    >>> import landtopo as lt
    >>> from landtopo.models.networks.symmetry.statistics_distance import StatisticsDistance
    >>> distance = StatisticsDistance(lt.Teacher.orthonormal(2))
    >>> float(distance.apart([[1, 0], [0, 1]], [[0, 1], [1, 0]]))
    0.0
    """

    title = "distances in (Q, R) modulo symmetry"

    def __init__(self, teacher: Teacher) -> None:
        self.vectors = teacher.vectors
        self.even = teacher.function.parity == 1 and not teacher.function.mixes
        self._frame = frame = symmetry_frame(teacher)
        group = function_automorphisms(teacher).group
        generator = np.random.default_rng(np.random.SeedSequence(teacher.size))
        self.order = int(group.order)
        if self.order <= _LISTED:
            elements = list(group.elements())
        else:
            # Steps of the group and random elements of it, as far as there is room.
            drawn = [group.random(generator) for _ in range(_LISTED)]
            elements = [np.arange(len(frame)), *drawn]
        self._maps = np.array([teacher_rotation(frame, element) for element in elements])
        self._steps = self._maps
        if self.order > _LISTED:
            self._steps = np.array([teacher_rotation(frame, step) for step in group.steps()])

    def is_exact(self, width: int) -> bool:
        """Whether all copies of networks of a width are compared."""
        signs = 2**width if self.even else 1
        return self.order <= _LISTED and factorial(width) * signs * self.order <= _ALL

    def apart(self, first: Array, second: Array) -> float:
        """Distance of the closest copies.

        Parameters
        ----------
        first, second : array_like, shapes (K, r + E), (K', r + E')
        """
        pair = _Pair(np.asarray(first, float), np.asarray(second, float), self.vectors)
        if self.is_exact(pair.width):
            rows, signs = _every_order(pair.width, self.even)
            gains = pair.quadratic(rows, signs)[:, None] + pair.linear(rows, signs, self._maps)
            order, element = np.unravel_index(int(np.argmax(gains)), gains.shape)
            return pair.distance(rows[order], signs[order], self._maps[element])
        turns = self._maps[:: -(-len(self._maps) // _STARTS)]
        starts = [(*pair.assigned(turn, self.even), turn) for turn in turns]
        near = closest_copy(pair.weights[0], pair.weights[1], self._frame, limit=_TRIED)
        rows = np.argsort(near.relabelling.students)
        turn = teacher_rotation(self._frame, near.relabelling.teachers)
        starts.append((rows, np.ones(pair.width), turn))
        return min(self._found(pair, *start) for start in starts)

    def _found(self, pair: _Pair, rows: Integers, signs: Array, turn: Array) -> float:
        """The end of improvements in turn from one start."""
        best = pair.gain(rows, signs, turn)
        for _ in range(_ROUNDS):
            tried = _neighbours(rows, signs, self.even)
            gains = pair.quadratic(*tried) + pair.linear(*tried, turn[None])[:, 0]
            place = int(np.argmax(gains))
            if gains[place] > best + _GAIN * pair.size:
                rows, signs, best = tried[0][place], tried[1][place], float(gains[place])
                continue
            turns = self._maps if self.order <= _LISTED else self._steps @ turn
            further = pair.linear(rows[None], signs[None], turns)[0]
            place = int(np.argmax(further))
            gain = float(further[place] + pair.quadratic(rows[None], signs[None])[0])
            if gain <= best + _GAIN * pair.size:
                break
            turn, best = turns[place], gain
        return pair.distance(rows, signs, turn)


class _Pair:
    """Two networks of one width, and by how much a copy of the second brings them together."""

    def __init__(self, first: Array, second: Array, vectors: Array) -> None:
        rank = vectors.shape[1]
        self.width = max(len(first), len(second))
        missing = self.width - len(first), self.width - len(second)
        self.weights = [
            np.pad(w, ((0, count), (0, 0)))
            for w, count in zip((first, second), missing, strict=True)
        ]
        self.vectors = vectors
        self.inside = [w[:, :rank] for w in self.weights]
        self.gram = [w @ w.T for w in self.weights]
        self.pull = self.inside[0] @ vectors.T @ vectors
        self.size = float(sum(np.sum(q**2) for q in self.gram))

    def quadratic(self, rows: Integers, signs: Array) -> Array:
        """<Q, P Q' P^T> for orders of the neurons, shape (n,)."""
        moved = self.gram[1][rows[:, :, None], rows[:, None, :]]
        return np.asarray(np.einsum("ij,nij,ni,nj->n", self.gram[0], moved, signs, signs))

    def linear(self, rows: Integers, signs: Array, turns: Array) -> Array:
        """2 <R, P W' O^T V^T>, shape (n, number of turns)."""
        moved = signs[:, :, None] * self.inside[1][rows]
        crossed = np.einsum("ki,nkj->nij", self.pull, moved)
        return np.asarray(2.0 * crossed.reshape(len(rows), -1) @ turns.reshape(len(turns), -1).T)

    def gain(self, rows: Integers, signs: Array, turn: Array) -> float:
        """The sum of both."""
        linear = self.linear(rows[None], signs[None], turn[None])
        return float(self.quadratic(rows[None], signs[None])[0] + linear[0, 0])

    def assigned(self, turn: Array, even: bool) -> tuple[Integers, Array]:
        """The order for which the overlaps with the teacher are closest."""
        from scipy.optimize import linear_sum_assignment

        gains = self.pull @ (self.inside[1] @ turn.T).T
        rows = linear_sum_assignment(np.abs(gains) if even else gains, maximize=True)[1]
        signs = np.ones(self.width)
        if even:
            signs = np.where(gains[np.arange(self.width), rows] < 0.0, -1.0, 1.0)
        return rows, signs

    def distance(self, rows: Integers, signs: Array, turn: Array) -> float:
        """From what is left of the difference, which rounding leaves exact where it is zero."""
        gram = self.gram[1][np.ix_(rows, rows)] * np.outer(signs, signs)
        overlap = signs[:, None] * self.inside[1][rows] @ turn.T
        left = np.sum((self.gram[0] - gram) ** 2)
        right = np.sum(((self.inside[0] - overlap) @ self.vectors.T) ** 2)
        return float(np.sqrt(left + 2.0 * right))


@cache
def _every_order(width: int, even: bool) -> tuple[Integers, Array]:
    """All permutations of the neurons with all their signs."""
    orders = np.array(list(permutations(range(width))), dtype=np.int64).reshape(-1, width)
    kinds = np.array(list(product((1.0, -1.0), repeat=width if even else 0)))
    signs = np.hstack([kinds, np.ones((len(kinds), width - kinds.shape[1]))])
    return np.repeat(orders, len(signs), axis=0), np.tile(signs, (len(orders), 1))


def _neighbours(rows: Integers, signs: Array, even: bool) -> tuple[Integers, Array]:
    """Orders with two neurons exchanged, with or without one sign more, and this order itself."""
    first, second = np.triu_indices(len(rows), 1)
    orders = np.tile(rows, (len(first) + 1, 1))
    count = np.arange(len(first))
    orders[count, first], orders[count, second] = rows[second], rows[first]
    if not even:
        return orders, np.tile(signs, (len(orders), 1))
    flips = np.vstack([np.ones(len(rows)), 1.0 - 2.0 * np.eye(len(rows))])
    return np.repeat(orders, len(flips), axis=0), np.tile(signs * flips, (len(orders), 1))
