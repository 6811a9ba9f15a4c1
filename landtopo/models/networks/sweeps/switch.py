"""Families that branch off where eigenvalues of a more symmetric one are zero.

Close to such a point, on both sides, Newton's method starts from the family displaced along its
null directions. What it finds belongs to the point when it comes closer as the parameter does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landtopo.eigen import eigh
from landtopo.models.networks.sweeps.branch import Branch, Space, solved
from landtopo.models.networks.sweeps.loss import LossAt
from landtopo.models.networks.sweeps.trace import Happening
from landtopo.models.networks.symmetry import Reference, Relabelling, isotropy, point_graph
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Neighbour", "neighbours"]

# Distances in the parameter, relative to its range; what belongs to a crossing comes closer by a
# factor of two at least as the distance falls by the ratio of these.
_FAR, _NEAR = 1e-4, 1e-4 / 16
_COMES = 0.5
_TRIES, _ROUNDS = 32, 6
_MOST_ELEMENTS, _WORD = 4, 8
_SHORTEST, _LONGEST = 1e-4, 0.15
_NULL = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour(Brief):
    """A critical point next to one at which eigenvalues are zero.

    Attributes
    ----------
    weights : ndarray, shape (K, D)
    value : float
        The parameter.
    side : int
        -1 below the crossing, 1 above.
    index : int
        Negative eigenvalues, in the columns that are used.
    copies : int
        How many of it there are next to the one point.
    """

    weights: Array
    value: float
    side: int
    index: int
    copies: int


def neighbours(branch: Branch, met: Happening, seed: int) -> tuple[list[Neighbour], bool | None]:
    """What branches off at a crossing, and whether the signs add up.

    Sums of (-1)^index over all critical points next to the crossing are the same on both sides (the
    degree of the gradient). That they are says that none, or an even number, is missing.

    Parameters
    ----------
    branch : Branch
        The curve's own space.
    met : Happening
        A crossing of its.
    seed : int

    Returns
    -------
    found : list of Neighbour
    balanced : bool or None
        None where the points on the curve itself could not be told.
    """
    curve = branch.curve
    wide = met.weights
    if met.outer:
        wide = np.pad(wide, ((0, 0), (0, 1)))
    whole = Branch(curve, Space(np.eye(wide.size), *wide.shape))
    null = _null_space(branch, whole, met)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4,)))
    sides = []
    for way in (-1, 1):
        side = _Side.next_to(branch, whole, met, way, wide.shape)
        if side is None:
            return [], None
        sides.append(side)
    for _ in range(_ROUNDS):
        for side in sides:
            side.search(null, generator)
        if sides[0].total == sides[1].total:
            break
    found = [one for side in sides for one in side.found]
    return found, sides[0].total == sides[1].total


class _Side:
    """One side of a crossing.

    Attributes
    ----------
    found : list of Neighbour
    total : int
        Sum of the signs of all critical points that are known there.
    """

    def __init__(self, whole: Branch, values: list[float], own: list[Array], outer: bool) -> None:
        self.whole = whole
        self.curve = whole.curve
        self.values = values
        self.own = own
        self.teacher = self.curve.teacher(values[0])
        self.group = isotropy(point_graph(self.teacher, own[0]))
        # A column outside the span may change its sign, too.
        self.order = self.group.order * (2 if outer else 1)
        self.total = (-1) ** self._index(own[0])
        self.found: list[Neighbour] = []
        self._known: list[Reference] = []

    @classmethod
    def next_to(
        cls, branch: Branch, whole: Branch, met: Happening, way: int, shape: tuple[int, ...]
    ) -> _Side | None:
        """The points of the curve itself; None where they are not there."""
        curve = branch.curve
        values = [met.value + way * share * (curve.high - curve.low) for share in (_FAR, _NEAR)]
        if not curve.low < values[0] < curve.high:
            return None
        own = []
        for value in values:
            y = branch.at(met.weights, value)
            if y is None:
                return None
            point = branch.weights(y)
            own.append(np.pad(point, ((0, 0), (0, shape[1] - point.shape[1]))))
        return cls(whole, values, own, met.outer > 0)

    def search(self, null: Array, random: np.random.Generator) -> None:
        """A round of starts."""
        for number in range(_TRIES):
            u = self._direction(null, random)
            share = (number + random.random()) / _TRIES
            size = _SHORTEST * (_LONGEST / _SHORTEST) ** share
            end = solved(self.curve, self.own[0] + size * u, self.values[0])
            if end is None:
                continue
            apart = float(np.linalg.norm(end - self.own[0]))
            if not 1e-7 < apart < _LONGEST:
                continue
            graph = point_graph(self.teacher, end)
            if any(one.match(graph) is not None for one in self._known):
                continue
            if not self._comes_closer(end, apart):
                continue
            self._known.append(Reference(graph))
            index, copies = self._index(end), self.order // isotropy(graph).order
            self.total += copies * (-1) ** index
            side = 1 if self.values[0] > self.values[1] else -1
            self.found.append(
                Neighbour(weights=end, value=self.values[0], side=side, index=index, copies=copies)
            )

    def _direction(self, null: Array, random: np.random.Generator) -> Array:
        """A unit null direction, mostly one that has some of the symmetry."""
        u = null @ random.standard_normal(null.shape[1])
        if len(self.group.generators) and null.shape[1] > 1:
            some = _some(self.group.generators, random)
            if some:
                space = Space.of(self.own[0], self.curve.size, some).basis
                kept = space @ (space.T @ u)
                u = kept if np.linalg.norm(kept) > _NULL * np.linalg.norm(u) else u
        return np.asarray((u / np.linalg.norm(u)).reshape(self.own[0].shape))

    def _comes_closer(self, end: Array, apart: float) -> bool:
        for share in (0.25, 1.0 / 16.0, 0.5):
            start = self.own[1] + share * (end - self.own[0])
            closer = solved(self.curve, start, self.values[1])
            if closer is not None and 1e-9 < np.linalg.norm(closer - self.own[1]) < _COMES * apart:
                return True
        return False

    def _index(self, weights: Array) -> int:
        return int(np.sum(self.whole.spectra(weights, self.values[0])[0] < 0))


def _some(
    generators: tuple[Relabelling, ...], random: np.random.Generator
) -> tuple[Relabelling, ...]:
    """A few conjugates of generators, and products of them."""
    found = []
    for _ in range(int(random.integers(_MOST_ELEMENTS))):
        one = generators[random.integers(len(generators))]
        conjugate = random.random() < 0.5
        for _ in range(int(random.integers(_WORD))):
            other = generators[random.integers(len(generators))]
            one = other.after(one).after(other.inverse()) if conjugate else other.after(one)
        found.append(one)
    return tuple(found)


def _null_space(branch: Branch, whole: Branch, met: Happening) -> Array:
    """Directions of the weights, as columns, along which the curvature vanishes."""
    weights = met.weights
    loss = LossAt(branch.curve, met.value, weights.shape[1])
    if not met.outer:
        gauge = branch.gauge(weights)
        values, vectors = eigh(loss.hessian(weights) + gauge.T @ gauge)
        order = np.argsort(np.abs(values))[: met.inner]
        return np.asarray(vectors[:, order])
    values, vectors = eigh(loss.normal_block(weights))
    order = np.argsort(np.abs(values))[: met.outer]
    found = np.zeros((len(weights), whole.space.columns, len(order)))
    found[:, -1, :] = vectors[:, order]
    return found.reshape(-1, len(order))
