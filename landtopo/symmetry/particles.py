"""Symmetries of a cluster of identical particles in space: permutations, rigid motions, mirrors.

An element is a permutation of n + 2 numbers: the particles, and two more that change places where
the cluster is turned into its mirror image. Translations and proper rotations are gauge.

Two clusters are copies of each other if some isometry carries one to the other but for the order of
the particles. An isometry about the centre is known from what it does to as many particles as span
the cluster, so that it is enough to try the places to which these can go: those with the same
distances from the centre and from each other. Every one is tried, and accepted by the distances
that are left between the particles of the two clusters after the best motion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from landtopo.model import Relation
from landtopo.objective import Array
from landtopo.symmetry.gauge import RigidMotions
from landtopo.symmetry.permutations import Permutation, identity

__all__ = ["ParticleSymmetry"]

# Values that must agree for an isometry to be tried agree to this part of the size of the cluster.
_CLOSE = 1e-4
# Particles that span the cluster span at least this volume, in units of its size.
_SPAN = 1e-2
_ROUNDS = 50
# Turns from which the closest copy is looked for.
_TURNS = 24


class ParticleSymmetry:
    """The `Symmetry` of n identical particles in three dimensions.

    Parameters
    ----------
    count : int
        Number n of particles.
    tolerance : float
        Two clusters are the same where no particle is farther from its place than this, relative to
        the size of the cluster: Newton's method leaves less than 1e-8 of it, and different critical
        points differ by more than 1e-3 nearly always.
    """

    def __init__(self, count: int, tolerance: float = 1e-5) -> None:
        self.count = count
        self.tolerance = tolerance
        self.gauge = RigidMotions(3)

    @property
    def order(self) -> int:
        """N! permutations, each with the mirror image or without."""
        return 2 * factorial(self.count)

    def identity(self, x: Array) -> Permutation:
        """Nothing moves."""
        return identity(self.count + 2)

    def act(self, element: Sequence[int], x: Array) -> Array:
        """Renumber the particles, particle i becoming number element[i], and mirror them or not."""
        points = x.reshape(-1, 3)[np.argsort(element[: self.count])]
        return np.asarray(points * (1.0 if element[-1] > element[-2] else -1.0)).ravel()

    def mark(self, x: Array) -> _Cluster:
        """The cluster with its distances."""
        return _Cluster(self, x)

    def match(self, x: Array, reference: Array) -> Permutation | None:
        """An element that carries a reference to a point, without a mirror if there is one."""
        return _Cluster(self, reference).match(_Cluster(self, x))

    def fixing(self, x: Array) -> list[Permutation]:
        """The elements that leave a cluster as it is, but for where it is and how it is turned."""
        cluster = _Cluster(self, x)
        maps = [(order, sign) for order, sign in cluster.maps(cluster)]
        if cluster.rank < 3:
            # What lies in a plane is its own mirror image by the same permutation.
            maps = [(order, sign) for order, _ in maps for sign in (1, -1)]
        return [self._element(order, sign) for order, sign in maps]

    def _element(self, order: NDArray[np.int64], sign: int) -> Permutation:
        tail = (self.count, self.count + 1)
        return (*order.tolist(), *(tail if sign > 0 else tail[::-1]))

    def isotropy_order(self, x: Array) -> int:
        """Order of the point group: isometries that keep the cluster, mirrors included."""
        return len(self.fixing(x))

    def upright(self, x: Array) -> Array:
        """Centred, the longest axis first, the particles by their distance from the centre."""
        points = x.reshape(-1, 3) - x.reshape(-1, 3).mean(axis=0)
        _, _, axes = np.linalg.svd(points, full_matrices=False)
        axes[-1] *= np.sign(np.linalg.det(axes))
        points = points @ axes.T
        order = np.argsort(np.round(np.linalg.norm(points, axis=1), 6), kind="stable")
        return np.asarray(points[order]).ravel()

    def closest_copy(self, x: Array, target: Array) -> Array:
        """The closest of the copies that assignment and rotation in turn lead to.

        From some turns of the cluster and of its mirror image; no copy is known to be the closest,
        but of points that are copies of each other the distance is zero.
        """
        element = self.match(target, x)
        if element is not None:
            return self.gauge.align(self.act(element, x), target)
        best, least = x, np.inf
        generator = np.random.default_rng(np.random.SeedSequence(self.count))
        points = x.reshape(-1, 3) - x.reshape(-1, 3).mean(axis=0)
        aims = target.reshape(-1, 3)
        for number in range(_TURNS):
            turn = np.eye(3) if number < 2 else np.linalg.qr(generator.standard_normal((3, 3)))[0]
            if np.linalg.det(turn) * (1 - 2 * (number % 2)) < 0:
                turn = -turn
            copy = self._settled(points @ turn.T, aims)
            apart = float(np.linalg.norm(copy - target))
            if apart < least - 1e-9:
                best, least = copy, apart
        return best

    def _settled(self, points: Array, aims: Array) -> Array:
        """Assignment and rotation in turn, until nothing changes."""
        from scipy.optimize import linear_sum_assignment

        here = points + aims.mean(axis=0)
        for number in range(_ROUNDS):
            apart = np.sum((aims[:, None] - here[None]) ** 2, axis=2)
            _, order = linear_sum_assignment(apart)
            if number and np.array_equal(order, np.arange(len(order))):
                break
            here = self.gauge.align(here[order].ravel(), aims.ravel()).reshape(-1, 3)
        return np.asarray(here.ravel())

    def apart(self, x: Array, y: Array) -> float:
        """Distance of the closest copies that are found, moving the one or the other."""
        ways = ((x, y), (y, x))
        return min(float(np.linalg.norm(self.closest_copy(*way) - way[1])) for way in ways)

    def copies(self, x: Array, target: Array, *, moves: int, loop: bool) -> Iterator[Array]:
        """The closest copy, then those in which one or two pairs of particles change places."""
        first = x if loop else self.closest_copy(x, target)
        yield first
        seen = [self._key(first, target)]
        level = [first]
        for _ in range(moves):
            further = []
            for copy in level:
                points = copy.reshape(-1, 3)
                for i, j in combinations(range(self.count), 2):
                    order = np.arange(self.count)
                    order[[i, j]] = j, i
                    moved = self.gauge.align(points[order].ravel(), target)
                    key = self._key(moved, target)
                    if all(np.abs(key - other).max() > _CLOSE for other in seen):
                        seen.append(key)
                        further.append(moved)
            further.sort(key=lambda copy: float(np.linalg.norm(copy - target)))
            yield from further
            level = further

    def _key(self, copy: Array, target: Array) -> Array:
        """Numbers that are the same for copies that lie alike."""
        points = copy.reshape(-1, 3), target.reshape(-1, 3)
        centred = [part - part.mean(axis=0) for part in points]
        mixed = centred[0] @ centred[0].T + np.sqrt(0.5) * centred[1] @ centred[1].T
        both = np.linalg.eigvalsh(mixed)
        crossed = np.sort(np.linalg.norm(centred[0] - centred[1], axis=1))
        return np.concatenate([both, crossed])

    def simplest(
        self, first: Array, second: Array, element: Permutation, *, loop: bool
    ) -> Relation:
        """The element as it was found: of those for pairs that lie alike it may not be simplest."""
        return Relation(element=element, carrier=self.identity(first))


class _Cluster:
    """A cluster about its centre, with what every isometry keeps."""

    def __init__(self, symmetry: ParticleSymmetry, x: Array) -> None:
        points = x.reshape(-1, 3)
        self.symmetry = symmetry
        self.points = points - points.mean(axis=0)
        self.size = float(np.sqrt(np.mean(np.sum(self.points**2, axis=1))))
        self.gram = self.points @ self.points.T
        apart = np.linalg.norm(self.points[:, None] - self.points[None], axis=2)
        # Distances of each particle from the centre and from all others, in order.
        self.prints = np.column_stack([np.sqrt(np.diag(self.gram)), np.sort(apart, axis=1)])
        self.base = self._base()
        self.rank = len(self.base)

    def _base(self) -> list[int]:
        """Particles that span the cluster about its centre, those with few likenesses first."""
        near = _CLOSE * max(self.size, 1e-300)
        alike = np.all(np.abs(self.prints[:, None] - self.prints[None]) <= near, axis=2).sum(axis=1)
        base: list[int] = []
        rest = self.points.copy()
        for _ in range(3):
            lengths = np.linalg.norm(rest, axis=1)
            useful = np.flatnonzero(lengths > max(_SPAN * self.size, 0.3 * lengths.max()))
            if not len(useful) or lengths.max() <= _SPAN * self.size:
                break
            chosen = int(useful[np.lexsort((useful, alike[useful]))[0]])
            base.append(chosen)
            axis = rest[chosen] / lengths[chosen]
            rest = rest - np.outer(rest @ axis, axis)
        return base

    def match(self, other: _Cluster) -> Permutation | None:
        """An element that carries this to the other, without a mirror if there is one."""
        mirrored = None
        for order, sign in self.maps(other):
            found = self.symmetry._element(order, sign)
            if sign > 0:
                return found
            mirrored = mirrored or found
        return mirrored

    def maps(self, other: _Cluster) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Isometries that carry this to the other: where each particle goes, and the sign.

        Each is proved by the distances that are left between the particles.
        """
        near = _CLOSE * max(self.size, 1e-300)
        if self.points.shape != other.points.shape or abs(self.size - other.size) > near:
            return
        ordered = [np.sort(one.prints, axis=0) for one in (self, other)]
        if np.abs(ordered[0] - ordered[1]).max() > near:
            return
        own = self.points[self.base]
        seen: set[tuple[bytes, int]] = set()
        for places in self._places(other, [], near):
            there = other.points[places]
            for turn in _isometries(own, there):
                carried = self.points @ turn.T
                apart = np.linalg.norm(other.points[None] - carried[:, None], axis=2)
                order = np.argmin(apart, axis=1)
                if len(np.unique(order)) < len(order):
                    continue
                sign = 1 if np.linalg.det(turn) > 0 else -1
                key = order.tobytes(), sign
                if key not in seen and self._proved(other, order, sign):
                    seen.add(key)
                    yield order, sign

    def _places(self, other: _Cluster, taken: list[int], near: float) -> Iterator[list[int]]:
        """Where the base can go: to particles with the same distances."""
        if len(taken) == self.rank:
            yield taken
            return
        here = self.base[len(taken)]
        alike = np.all(np.abs(other.prints - self.prints[here]) <= near, axis=1)
        for number, there in enumerate(taken):
            wanted = self.gram[here, self.base[number]]
            alike &= np.abs(other.gram[:, there] - wanted) <= near * max(self.size, 1.0)
        alike[taken] = False
        for place in np.flatnonzero(alike).tolist():
            yield from self._places(other, [*taken, place], near)

    def _proved(self, other: _Cluster, order: NDArray[np.int64], sign: int) -> bool:
        """Whether the best motion leaves nothing of the distances."""
        moved = np.empty_like(self.points)
        moved[order] = sign * self.points
        aligned = self.symmetry.gauge.align(moved.ravel(), other.points.ravel()).reshape(-1, 3)
        left = np.linalg.norm(aligned - other.points, axis=1).max(initial=0.0)
        return bool(left <= self.symmetry.tolerance * max(self.size, 1e-300))


def _isometries(own: Array, there: Array) -> Iterator[Array]:
    """Orthogonal matrices that carry some independent vectors to others."""
    left, _, right = np.linalg.svd(there.T @ own)
    if len(own) >= 3:
        yield left @ right
        return
    # Two vectors, or one, leave open what becomes of the rest: the proper one, since what lies in a
    # plane is its own mirror image.
    middle = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    yield left @ middle @ right
