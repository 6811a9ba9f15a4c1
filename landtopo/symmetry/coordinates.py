"""Symmetries that exchange coordinates of a point, some with a change of sign.

An element is a permutation of 2 n signed coordinates: number i is +x_i, and n + i is -x_i. It
carries x to the point y with y[image of i] = x[i].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.model import Relation
from landtopo.objective import Array
from landtopo.symmetry.gauge import Gauge, NoGauge
from landtopo.symmetry.groups import Images, PermutationGroup
from landtopo.symmetry.permutations import Permutation, identity

__all__ = ["MOST_ELEMENTS", "SignedPermutations"]

#: Groups of coordinates are listed, so that they must not be larger than this.
MOST_ELEMENTS = 50_000


class SignedPermutations:
    """The `Symmetry` of a function that exchanges of its coordinates do not change.

    Parameters
    ----------
    size : int
        Number n of coordinates.
    generators : iterable of sequence of int
        Signed permutations: entry i is +j or -j where x_i becomes +x_j or -x_j, counted from 1.
    gauge : Gauge, optional
        Continuous symmetry: points that differ by it are one point.
    tolerance : float
        Distance below which two critical points are the same, relative to 1 + |x|: Newton's method
        leaves less than 1e-8 of it where the curvature is not lost in rounding, and different
        critical points are rarely closer than 1e-4.

    Raises
    ------
    InvalidArgument
        A generator is no signed permutation, or there are too many elements to list.
    """

    def __init__(
        self,
        size: int,
        generators: Iterable[Sequence[int]] = (),
        *,
        gauge: Gauge | None = None,
        tolerance: float = 1e-6,
    ) -> None:
        self.size = size
        self.gauge = NoGauge(size) if gauge is None else gauge
        self.tolerance = tolerance
        images = [_images(size, generator) for generator in generators]
        self.group = PermutationGroup.from_generators(images, 2 * size)
        if self.group.order > MOST_ELEMENTS:
            raise InvalidArgument(
                "The 'symmetry' argument of function_model must generate a group of at most "
                f"{MOST_ELEMENTS} elements; got one of {self.group.order}."
            )
        # The identity first, then those that move few coordinates.
        elements = np.array(list(self.group.elements()), dtype=np.int64).reshape(-1, 2 * size)
        moved = np.sum(elements != np.arange(2 * size), axis=1)
        self._elements = elements[np.lexsort((*elements.T[::-1], moved))]

    @property
    def order(self) -> int:
        """Number of elements."""
        return int(self.group.order)

    def identity(self, x: Array) -> Permutation:
        """The element that moves nothing."""
        return identity(2 * self.size)

    def act(self, element: Sequence[int], x: Array) -> Array:
        """Exchange coordinates."""
        return np.asarray(self._copies(x, np.array(element)[None])[0])

    def _copies(self, x: Array, elements: Images) -> Array:
        places = elements[:, : self.size]
        copies = np.empty((len(elements), self.size))
        signs = np.where(places < self.size, 1.0, -1.0)
        np.put_along_axis(copies, places % self.size, signs * x, axis=1)
        return copies

    def _aligned(self, x: Array, target: Array) -> Array:
        """All copies of a point, each moved along the gauge to where it is closest to another."""
        copies = self._copies(x, self._elements)
        if self.gauge.trivial:
            return copies
        return np.array([self.gauge.align(copy, target) for copy in copies])

    def _near(self, x: Array, reference: Array) -> Images:
        apart = np.linalg.norm(self._aligned(reference, x) - x, axis=1)
        return np.flatnonzero(apart <= self.tolerance * (1.0 + np.linalg.norm(x)))

    def match(self, x: Array, reference: Array) -> Permutation | None:
        """The first element that carries a reference to a point."""
        near = self._near(x, reference)
        return tuple(self._elements[near[0]].tolist()) if len(near) else None

    def mark(self, x: Array) -> _Mark:
        """The point itself."""
        return _Mark(self, x)

    def fixing(self, x: Array) -> list[Permutation]:
        """The elements that leave a point as it is."""
        return [tuple(self._elements[number].tolist()) for number in self._near(x, x)]

    def isotropy_order(self, x: Array) -> int:
        """Number of elements that leave a point as it is."""
        return len(self._near(x, x))

    def upright(self, x: Array) -> Array:
        """The copy that comes last when coordinates are compared in turn."""
        copies = self._copies(x, self._elements)
        return np.asarray(copies[np.lexsort(np.round(copies, 6).T[::-1])[-1]])

    def closest_copy(self, x: Array, target: Array) -> Array:
        """The closest of all copies."""
        copies = self._aligned(x, target)
        return np.asarray(copies[int(np.argmin(np.linalg.norm(copies - target, axis=1)))])

    def apart(self, x: Array, y: Array) -> float:
        """Distance of the closest copies."""
        return float(np.linalg.norm(self.closest_copy(x, y) - y))

    def copies(self, x: Array, target: Array, *, moves: int, loop: bool) -> Iterator[Array]:
        """Different copies, the closest first."""
        copies = self._aligned(x, target)
        apart = np.round(np.linalg.norm(copies - target, axis=1), 6)
        seen: list[Array] = []
        for i in np.argsort(apart, kind="stable"):
            if all(self._differ(copies[i], other) for other in seen):
                seen.append(copies[i])
                yield copies[i]

    def _differ(self, x: Array, y: Array) -> bool:
        apart = np.linalg.norm(self.gauge.align(x, y) - y)
        return bool(apart > self.tolerance * (1.0 + np.linalg.norm(y)))

    def simplest(
        self, first: Array, second: Array, element: Permutation, *, loop: bool
    ) -> Relation:
        """The element that moves the fewest coordinates, among those for pairs that lie alike."""
        copy = self.act(element, second)
        kept = self._elements[self._near(first, first)]
        for candidate in self._elements:
            wanted = self.act(candidate.tolist(), second)
            for carrier in kept:
                if not self._differ(self.act(carrier.tolist(), copy), wanted):
                    return Relation(
                        element=tuple(candidate.tolist()), carrier=tuple(carrier.tolist())
                    )
        return Relation(element=element, carrier=self.identity(first))


class _Mark:
    def __init__(self, symmetry: SignedPermutations, x: Array) -> None:
        self._symmetry = symmetry
        self.x = x

    def match(self, other: _Mark) -> Permutation | None:
        return self._symmetry.match(other.x, self.x)


def _images(size: int, generator: Sequence[int]) -> list[int]:
    entries = list(islice(generator, size + 1))
    if sorted(abs(entry) for entry in entries) != list(range(1, size + 1)):
        raise InvalidArgument(
            f"The 'symmetry' argument of function_model must list signed permutations of 1 to "
            f"{size}, such as [2, 1] or [-1, 2]; got {entries}."
        )
    forward = [entry - 1 if entry > 0 else size - entry - 1 for entry in entries]
    return forward + [(image + size) % (2 * size) for image in forward]
