"""S_K x Aut(T) as the symmetry of a model: comparisons of points, and copies of them.

Elements are permutations of the K students and the rows of the teacher's frame, students first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from landtopo.model import Relation
from landtopo.models.networks.landscape.relations import simplest_relation
from landtopo.models.networks.points.families import distinguishing
from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import (
    GraphMark,
    PermutationGroup,
    PointGraph,
    Relabelling,
    closest_copy,
    equivalence,
    isotropy,
    on_frame,
    point_graph,
    relative_relabellings,
    symmetry_frame,
    teacher_automorphisms,
)
from landtopo.models.networks.tolerances import TIED_OVERLAPS
from landtopo.objective import Array
from landtopo.points.records import Family, is_zero_loss
from landtopo.symmetry.permutations import Permutation, signed

__all__ = ["NetworkSymmetry", "between_sets", "flat_mark"]

# Renumberings of the teachers that are tried to tell how far two points are from each other.
_TRIED = 200


def flat_mark(problem: TeacherStudent, one: Any) -> GraphMark:
    """The connected set of a critical point or family: its reduced network.

    At zero loss the directions of its neurons decide alone, see `distinguishing`.

    Parameters
    ----------
    problem : TeacherStudent
    one : CriticalPoint or Family
    """
    if isinstance(one, Family):
        network, zero_loss = one.reduced, one.is_global
    else:
        network = reduce_network(one.weights, problem.rank, function=problem.function).vectors
        zero_loss = is_zero_loss(one.loss, one.weights)
    known = distinguishing(problem, network, zero_loss=zero_loss)
    return GraphMark(point_graph(problem.teacher, known), problem.sides)


def between_sets(
    problem: TeacherStudent, first: Family, second: Family, element: Permutation
) -> Permutation:
    """An element between families of which one is a flat set: teachers alone count.

    Those that keep one of the two sets are left out.
    """
    sides, size = problem.sides, len(symmetry_frame(problem.teacher))
    identity = Relabelling.identity(sides, size)
    given = Relabelling.from_images(element, sides)
    for family in (first, second):
        if len(family.reduced) == problem.width:
            continue
        kept = isotropy(point_graph(problem.teacher, family.reduced)).generators
        group = PermutationGroup.from_generators([one.teachers for one in kept], size)
        if given.teachers in group:
            return identity.images()
    return Relabelling(students=identity.students, teachers=given.teachers).images()


class NetworkSymmetry:
    """The `Symmetry` of students of one width.

    Parameters
    ----------
    problem : TeacherStudent
    """

    def __init__(self, problem: TeacherStudent) -> None:
        self._problem = problem
        self._frame = symmetry_frame(problem.teacher)

    @property
    def turned(self) -> bool:
        """Whether the opposite of a neuron is as good."""
        return self._problem.function.turns

    @property
    def sides(self) -> int:
        """Points that stand for students: K neurons, or 2K with their opposites."""
        return (2 if self.turned else 1) * self._problem.width

    @property
    def vectors(self) -> int:
        """Number of rows of the teacher's frame."""
        return len(self._frame)

    def _weights(self, x: Array) -> Array:
        return np.reshape(x, (self._problem.width, -1))

    def _compared(self, x: Array) -> Array:
        """What distances are measured between."""
        return self._weights(x)

    def _graph(self, x: Array, *, told_apart: bool = False) -> PointGraph:
        """A point as the symmetries see it; with numbered vectors students alone are renumbered."""
        return PointGraph.from_weights(
            self._weights(x),
            self._frame,
            turned=self.turned,
            teacher_labels=np.arange(self.vectors, dtype=np.float64) if told_apart else None,
        )

    def identity(self, x: Array) -> Permutation:
        """No neuron and no vector is renumbered."""
        return Relabelling.identity(self.sides, self.vectors).images()

    def mark(self, x: Array) -> GraphMark:
        """The labelled network, for comparisons up to symmetry."""
        return GraphMark(self._graph(x))

    def match(self, x: Array, reference: Array) -> Permutation | None:
        """Element that carries one point to another, of students alone if possible.

        Copies that a permutation of students alone can reach have a relative permutation that
        means the same to everybody; teachers are renumbered only where it has to be.
        """
        for told_apart in (True, False):
            first, second = (self._graph(one, told_apart=told_apart) for one in (reference, x))
            found = equivalence(first, second)
            if found is not None:
                return found.images()
        return None

    def act(self, element: Sequence[int], x: Array) -> Array:
        """Renumber the neurons of a point, and rotate the teacher's span."""
        relabelling = Relabelling.from_images(element, self.sides)
        return relabelling.on_weights(self._weights(x), self._frame).ravel()

    def upright(self, x: Array) -> Array:
        """Neurons in the order of the teachers they go with, aligned before anti-aligned ones.

        Those that can be turned around are aligned. Teachers can only be renumbered where the
        symmetry of the teacher allows it.
        """
        weights, teacher = self._weights(x), self._problem.teacher
        partner = read_point(self._problem, weights).partner
        overlaps = weights[:, : self._problem.rank] @ teacher.vectors.T / teacher.norms**2
        turned = np.zeros(len(weights), dtype=bool)
        if self.turned:
            turned = (partner >= 0) & (overlaps[np.arange(len(weights)), partner] < 0.0)
            overlaps = np.abs(overlaps)
        own = np.array([overlaps[partner == m, m].sum() for m in range(teacher.size)])
        images = np.arange(teacher.size)
        for orbit in teacher_automorphisms(teacher.gram).orbits:
            places = np.array(orbit)
            images[places[np.argsort(-own[places].round(TIED_OVERLAPS), kind="stable")]] = places
        gram = np.empty_like(teacher.gram)
        gram[np.ix_(images, images)] = teacher.gram
        if np.abs(gram - teacher.gram).max() > 1e-9 * np.abs(gram).max():
            images = np.arange(teacher.size)
        places = np.where(partner < 0, teacher.size, images[partner])
        lengths = np.linalg.norm(weights, axis=1).round(TIED_OVERLAPS)
        students = np.argsort(np.lexsort((-lengths, places))) + len(weights) * turned
        rows = students.tolist()
        order = Relabelling(
            students=signed(rows) if self.turned else tuple(rows),
            teachers=on_frame(teacher, images.tolist()),
        )
        return order.on_weights(weights, self._frame).ravel()

    def closest_copy(self, x: Array, target: Array) -> Array:
        """The closest copy over all symmetries, as far as they can be listed."""
        rows = self._compared(target), self._compared(x)
        return closest_copy(*rows, self._frame, turned=self.turned).weights.ravel()

    def apart(self, x: Array, y: Array) -> float:
        """Distance of the closest copies that few renumberings of the teachers give."""
        rows = self._compared(x), self._compared(y)
        return closest_copy(*rows, self._frame, turned=self.turned, limit=_TRIED).distance

    def copies(self, x: Array, target: Array, *, moves: int, loop: bool) -> Iterator[Array]:
        """Copies that lie differently to another point, nearest numberings first."""
        graph = self._graph(target)
        if loop:
            kinds = relative_relabellings(graph, moves=moves, both_ways=True)
        else:
            kinds = relative_relabellings(graph, self._graph(x), moves=moves)
        for _, kind in kinds:
            yield kind.on_weights(self._weights(x), self._frame).ravel()

    def simplest(
        self, first: Array, second: Array, element: Permutation, *, loop: bool
    ) -> Relation:
        """The element that moves the fewest teachers, then students, in the smallest cycles."""
        found = simplest_relation(
            self._problem.teacher,
            self._weights(first),
            self._weights(second),
            Relabelling.from_images(element, self._problem.sides),
            loop=loop,
        )
        return Relation(
            element=found.relabelling.images(),
            carrier=found.carrier.images(),
            reversed=found.reversed,
        )
