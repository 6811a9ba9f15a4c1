"""Into how many separate regions the directions with psi < 0 fall.

Every region holds a local minimum of psi. Arcs along which psi is negative join local minima,
directly or by way of other directions with psi < 0; symmetry carries every such arc into others.
What no arc joins is counted as separate: where all local minima are known, the count cannot be too
small but for a crest between two of the points at which an arc is looked at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landtopo.models.networks.points.escapes import Escapes, Frame
from landtopo.models.networks.points.slopes import SlopeField
from landtopo.objective import Array

__all__ = ["count_regions"]

# More members of classes than this are not made; those that were not met then count as separate.
_MEMBERS = 1024
_SAMPLE = 512
_SAME = 1e-4
# Points of an arc, its ends left out, and most arcs that are looked at.
_POINTS = 13
_ARCS = 4096
_CHUNKS = 16
# There are many arcs between nearly opposite points, and none to prefer.
_OPPOSITE = -0.8


def count_regions(field: SlopeField, frame: Frame, escapes: Escapes, seed: int) -> int:
    """Number of groups of local minima that arcs of negative psi leave unjoined.

    Parameters
    ----------
    field : SlopeField
    frame : Frame
    escapes : Escapes
    seed : int
        Of the further directions that arcs may lead over.
    """
    total = sum(escapes.sizes)
    if total <= 1:
        return total
    firsts = [int(np.argmax(escapes.classes == c)) for c in range(len(escapes.sizes))]
    members, moves = escapes.directions, np.empty((0, len(escapes.directions)), dtype=np.int64)
    if total <= _MEMBERS:
        members, moves = _orbits(escapes.directions[firsts], frame)
        firsts = list(range(len(firsts)))
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(members.shape[1], 1)))
    sample = generator.standard_normal((_SAMPLE, members.shape[1]))
    sample /= np.linalg.norm(sample, axis=1, keepdims=True)
    sample = sample[field.values(sample) < 0]
    if frame.room:
        sample[:, -1] = np.abs(sample[:, -1])
    points = np.vstack([members, sample])
    groups = _Groups(len(points), moves)
    first, second = (ends.ravel() for ends in np.meshgrid(firsts, np.arange(len(members))))
    groups.join_over_arcs(field, points, first, second)
    if groups.count(len(members)) > 1:
        groups.join_over_arcs(field, points, *np.triu_indices(len(points), 1))
    unmet = max(0, total - len(members))
    return groups.count(len(members)) + unmet


def _orbits(firsts: Array, frame: Frame) -> tuple[Array, NDArray[np.int64]]:
    """All members of classes, the given ones first, and where generators move each of them."""
    rotations = frame.rotations()
    members = firsts
    done = 0
    while done < len(members):
        images = np.concatenate([members[done:] @ turn.T for turn in rotations] or [members[:0]])
        done = len(members)
        for image in images:
            if np.linalg.norm(members - image, axis=1).min() > _SAME:
                members = np.vstack([members, image])
    moves = [np.argmax(members @ turn.T @ members.T, axis=1) for turn in rotations]
    return members, np.array(moves, dtype=np.int64).reshape(len(moves), len(members))


class _Groups:
    """A partition of points, the first of which are moved by generators of a group."""

    def __init__(self, count: int, moves: NDArray[np.int64]) -> None:
        self._parent = np.arange(count)
        self._moves = moves

    def count(self, first: int) -> int:
        """Number of groups that the first points are in."""
        return len({self._root(point) for point in range(first)})

    def join_over_arcs(
        self, field: SlopeField, points: Array, first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> None:
        """Join pairs over arcs along which psi is negative, the closest pairs first."""
        cosines = np.einsum("nd,nd->n", points[first], points[second])
        near = np.argsort(-cosines, kind="stable")[:_ARCS]
        near = near[cosines[near] > _OPPOSITE]
        shares = np.linspace(0.0, 1.0, _POINTS + 2)[1:-1, None, None]
        for chunk in np.array_split(near, _CHUNKS):
            roots = np.array([self._root(point) for point in range(len(points))])
            chunk = chunk[roots[first[chunk]] != roots[second[chunk]]]
            if not len(chunk):
                continue
            a, b = points[first[chunk]], points[second[chunk]]
            arcs = ((1.0 - shares) * a + shares * b).reshape(-1, points.shape[1])
            arcs /= np.linalg.norm(arcs, axis=1, keepdims=True)
            highest = field.values(arcs).reshape(_POINTS, -1).max(axis=0)
            for pair in chunk[highest < 0].tolist():
                self._join(int(first[pair]), int(second[pair]))

    def _join(self, first: int, second: int) -> None:
        waiting = [(first, second)]
        moved = self._moves.shape[1]
        while waiting:
            a, b = waiting.pop()
            left, right = self._root(a), self._root(b)
            if left == right:
                continue
            self._parent[right] = left
            if a < moved and b < moved:
                waiting += [(int(move[a]), int(move[b])) for move in self._moves]

    def _root(self, point: int) -> int:
        while self._parent[point] != point:
            self._parent[point] = self._parent[self._parent[point]]
            point = int(self._parent[point])
        return point
