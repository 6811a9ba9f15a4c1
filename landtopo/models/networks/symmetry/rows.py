"""S_K x Aut(T) as the symmetry of a model whose points have a row for each neuron.

A row is the weights of a neuron, and may have more coordinates that symmetries of the teacher leave
alone, such as an output weight: the frame then has one more vector along each, of a length that no
other has. Elements are permutations of the K neurons (of 2K, with the opposites of rows, where each
alone can be turned around) and the vectors of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from landtopo.model import Relation
from landtopo.models.networks.symmetry.copies import closest_copy
from landtopo.models.networks.symmetry.graph import PointGraph
from landtopo.models.networks.symmetry.matching import Reference
from landtopo.models.networks.symmetry.point_groups import isotropy, teacher_automorphisms
from landtopo.models.networks.symmetry.relabelling import Relabelling
from landtopo.models.networks.symmetry.relative import relative_relabellings
from landtopo.models.networks.symmetry.whole import Symmetry
from landtopo.objective import Array
from landtopo.symmetry.groups import PermutationGroup
from landtopo.symmetry.permutations import Permutation

__all__ = ["RowSymmetry"]

# Renumberings of the teachers that are tried to tell how far two points are from each other.
_TRIED = 200
_TIED = 6


class RowSymmetry:
    """The `Symmetry` of points with a row for each neuron.

    Parameters
    ----------
    width : int
        Number of rows K.
    frame : ndarray, shape (F, r)
        Vectors whose permutations with the same Gram matrix act on the first r coordinates of rows.
    turned : bool
        Whether each row alone can be turned around.
    weight : float
        What the r-th coordinate of rows is multiplied by where a closest copy is looked for.
    """

    def __init__(
        self, width: int, frame: Array, *, turned: bool = False, weight: float = 1.0
    ) -> None:
        self.width = width
        self.frame = frame
        self.turned = turned
        self.weight = weight

    @cached_property
    def whole(self) -> Symmetry:
        """The group, abstractly."""
        automorphisms = teacher_automorphisms(self.frame @ self.frame.T).group
        return Symmetry(width=self.width, automorphisms=automorphisms, turned=self.turned)

    @property
    def order(self) -> int:
        """Number of elements."""
        return self.whole.order

    @cached_property
    def group(self) -> PermutationGroup:
        """All elements."""
        rows = self.whole.automorphisms.generators.tolist()
        return self.whole.students(rows)

    def _rows(self, x: Array) -> Array:
        """One row a neuron."""
        return np.reshape(x, (self.width, -1))

    def rows(self, x: Array) -> tuple[Array, Array]:
        """Rows, with their opposites where each can be turned around, and the frame."""
        rows = self._rows(x)
        return np.vstack([rows, -rows]) if self.turned else rows, self.frame

    def graph(self, x: Array) -> PointGraph:
        """A point as the symmetries see it."""
        return PointGraph.from_weights(self._rows(x), self.frame, turned=self.turned)

    def identity(self, x: Array) -> Permutation:
        """No row and no vector is renumbered."""
        return self.whole.identity.images()

    def mark(self, x: Array) -> _Mark:
        """A point for comparisons up to symmetry."""
        return _Mark(self.graph(x))

    def match(self, x: Array, reference: Array) -> Permutation | None:
        """Element that carries a reference to a point, of rows alone if possible."""
        labels = np.arange(len(self.frame), dtype=np.float64)
        for told in (labels, None):
            first, second = (
                PointGraph.from_weights(
                    self._rows(y), self.frame, turned=self.turned, teacher_labels=told
                )
                for y in (reference, x)
            )
            found = Reference(first).match(second)
            if found is not None:
                return found.images()
        return None

    def isotropy_order(self, x: Array) -> int:
        """Number of elements that leave a point as it is, but for rotations outside the span."""
        return isotropy(self.graph(x)).order

    def fixing(self, x: Array) -> list[Permutation]:
        """The elements that leave a point as it is, but for rotations outside the span."""
        elements = isotropy(self.graph(x)).group.elements()
        return [tuple(int(image) for image in element) for element in elements]

    def act(self, element: Sequence[int], x: Array) -> Array:
        """Renumber the rows of a point, and rotate the teacher's span."""
        relabelling = Relabelling.from_images(element, self.whole.sides)
        return relabelling.on_weights(self._rows(x), self.frame).ravel()

    def upright(self, x: Array) -> Array:
        """Rows in the order of the vectors of the frame that they have most in common with."""
        rows = self._rows(x)
        overlaps = rows[:, : self.frame.shape[1]] @ self.frame.T
        partner = np.argmax(np.abs(overlaps).round(_TIED), axis=1)
        lengths = np.linalg.norm(rows, axis=1).round(_TIED)
        return rows[np.lexsort((-lengths, partner))].ravel()

    def closest_copy(self, x: Array, target: Array) -> Array:
        """The closest copy over all symmetries, as far as they can be listed."""
        rows = self._weighed(target), self._weighed(x)
        found = np.array(closest_copy(*rows, self.frame, turned=self.turned).weights)
        found[:, self.frame.shape[1] - 1] /= self.weight
        return found.ravel()

    def _weighed(self, x: Array) -> Array:
        rows = np.array(self._rows(x))
        rows[:, self.frame.shape[1] - 1] *= self.weight
        return rows

    def apart(self, x: Array, y: Array) -> float:
        """Distance of the closest copies that few renumberings of the teachers give."""
        rows = self._weighed(x), self._weighed(y)
        return closest_copy(*rows, self.frame, turned=self.turned, limit=_TRIED).distance

    def copies(self, x: Array, target: Array, *, moves: int, loop: bool) -> Iterator[Array]:
        """Copies that lie differently to another point, nearest numberings first."""
        graph = self.graph(target)
        if loop:
            kinds = relative_relabellings(graph, moves=moves, both_ways=True)
        else:
            kinds = relative_relabellings(graph, self.graph(x), moves=moves)
        for _, kind in kinds:
            yield kind.on_weights(self._rows(x), self.frame).ravel()

    def simplest(
        self, first: Array, second: Array, element: Permutation, *, loop: bool
    ) -> Relation:
        """The element as it was found: of those for pairs that lie alike it may not be simplest."""
        return Relation(element=element, carrier=self.identity(first))


class _Mark:
    def __init__(self, graph: PointGraph) -> None:
        self.graph = graph

    @cached_property
    def _reference(self) -> Reference:
        return Reference(self.graph)

    def match(self, other: _Mark) -> Permutation | None:
        """The element that carries this to the other, or None."""
        found = self._reference.match(other.graph)
        return None if found is None else found.images()
