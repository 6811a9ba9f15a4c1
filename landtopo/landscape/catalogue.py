"""What is known of one width: families of minima, and transition states with both their ends.

Everything is kept modulo the symmetry of the problem. The representative of a family is the copy
in which neuron k goes with teacher neuron k, as far as they go in pairs, and a transition state is
the copy whose first descent ends in the representative of its first family. The relabelling of a
transition says in which copy of the second representative the other descent ends.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.families import (
    describe_family,
    distinguishing,
    number_families,
)
from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import (
    PermutationGroup,
    PointGraph,
    Reference,
    Relabelling,
    equivalence,
    isotropy,
    on_frame,
    point_graph,
    symmetry_frame,
    teacher_automorphisms,
)
from landtopo.objective import Array
from landtopo.points.records import CriticalPoint, Family, Kind, is_zero_loss
from landtopo.shown import Brief
from landtopo.units import Linear, Squared

__all__ = ["Catalogue", "Copy", "PassKind", "Transition"]

PassKind = Literal["saddle", "corner", "flat"]

_SAME_LOSS = 1e-8
# Overlaps closer than this are tied when neurons are put in order.
_TIED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Brief):
    """A labelled minimum as a copy of a family's representative.

    Attributes
    ----------
    family : int
        Number of the family in the catalogue.
    relabelling : Relabelling
        Element of S_K x Aut(T) that carries the representative to the point, or, where the point
        is elsewhere on a flat set, the representative's flat set to the point's; that says
        nothing of the students, which slides along the flat set renumber.
    exact : bool
        Whether the point itself is a copy of the representative.
    """

    family: int
    relabelling: Relabelling
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(Brief):
    """A verified way from one family of minima to another.

    Attributes
    ----------
    kind : {"saddle", "corner", "flat"}
        How the pass is crossed.
    start, end : int
        Families at the two ends, by their numbers in the catalogue.
    relabelling : Relabelling
        The way leads from the representative of `start` to this copy of the representative of
        `end`.
    exact : bool
        Whether it does. If not, one of the ends lies elsewhere on a flat set, and only the part of
        the relabelling that acts on teachers means something.
    loss : float
        Height of the pass.
    point : CriticalPoint or None
        The transition state or corner, labelled as the ends are; None for a flat connection.
    positions, losses : ndarray, shape (n,)
        Loss profile from end to end, against arc length in weight space.
    found_by : str
        The search that met it first.
    through_saddle : bool
        Whether symmetry makes a descent end in a lower saddle, from which it was followed on.
    """

    kind: PassKind
    start: int
    end: int
    relabelling: Relabelling
    exact: bool
    loss: Squared[float]
    point: CriticalPoint | None
    positions: Linear[Array] = field(repr=False)
    losses: Squared[Array] = field(repr=False)
    found_by: str
    through_saddle: bool = False


class Catalogue:
    """Families and transitions of one width, as they are met.

    Parameters
    ----------
    problem : TeacherStudent

    Attributes
    ----------
    families : list of Family
        Numbered by their place.
    transitions : list of Transition
    met : list of Counter
        How many searches of each kind ended in each transition.
    """

    def __init__(self, problem: TeacherStudent) -> None:
        self.problem = problem
        self.families: list[Family] = []
        self.transitions: list[Transition] = []
        self.met: list[Counter[str]] = []
        self._reduced: list[Reference] = []
        self._frame = symmetry_frame(problem.teacher)

    def add_family(self, family: Family) -> None:
        """Add a family that is known to be new, with its neurons put in order."""
        order = self._order(family.weights)
        weights = order.on_weights(family.weights, self._frame)
        weights.setflags(write=False)
        self.restore(replace(family, point=replace(family.point, weights=weights)))

    def restore(self, family: Family) -> None:
        """Add a family as an earlier catalogue had it."""
        self.families.append(family)
        known = distinguishing(self.problem, family.reduced, zero_loss=family.is_global)
        self._reduced.append(Reference(self.graph(known)))

    def graph(self, weights: Array) -> PointGraph:
        """A point as the symmetry module sees it."""
        return point_graph(self.problem.teacher, weights)

    def locate(self, weights: Array, *, found_by: str) -> Copy | None:
        """The family and copy of a labelled minimum; a family that is new is added.

        Returns None when the point is no minimum.
        """
        point = classify(self.problem, weights)
        if point.kind is not Kind.MINIMUM:
            return None
        network = reduce_network(point.weights, self.problem.rank).vectors
        zero_loss = is_zero_loss(point.loss, point.weights)
        reduced = self.graph(distinguishing(self.problem, network, zero_loss=zero_loss))
        for number, known in enumerate(self._reduced):
            match = known.match(reduced)
            if match is not None:
                return self._copy(number, point.weights, match.teachers)
        self.add_family(describe_family(self.problem, point, count=0, found_by=found_by))
        number = len(self.families) - 1
        return self._copy(number, point.weights, range(len(self._frame)))

    def _copy(self, number: int, weights: Array, teachers: range | tuple[int, ...]) -> Copy:
        relabelling = self.relabelling(self.families[number].weights, weights)
        if relabelling is not None:
            return Copy(family=number, relabelling=relabelling, exact=True)
        students = tuple(range(self.problem.width))
        relabelling = Relabelling(students=students, teachers=tuple(teachers))
        return Copy(family=number, relabelling=relabelling, exact=False)

    def relabelling(self, first: Array, second: Array) -> Relabelling | None:
        """Element of S_K x Aut(T) that carries one point to another, of students alone if possible.

        Copies that a permutation of students alone can reach have a relative permutation that
        means the same to everybody; teachers are renumbered only where it has to be.
        """
        vectors, rank = self._frame, self.problem.rank
        apart = np.arange(len(vectors), dtype=np.float64)
        told_apart = [
            PointGraph.from_statistics(
                w @ w.T, w[:, :rank] @ vectors.T, vectors @ vectors.T, teacher_labels=apart
            )
            for w in (first, second)
        ]
        return equivalence(*told_apart) or equivalence(self.graph(first), self.graph(second))

    def between_flat_sets(self, first: int, second: int, given: Relabelling) -> Relabelling:
        """A relabelling between families of which one is a flat set: teachers alone count.

        Those that keep one of the two sets are left out.
        """
        identity = Relabelling.identity(self.problem.width, len(self._frame))
        for number in (first, second):
            reduced = self.families[number].reduced
            if len(reduced) == self.problem.width:
                continue
            kept = isotropy(self.graph(reduced)).generators
            group = PermutationGroup.from_generators(
                [element.teachers for element in kept], len(self._frame)
            )
            if given.teachers in group:
                return identity
        return replace(identity, teachers=given.teachers)

    def count_known(
        self, point: CriticalPoint, found_by: str, times: int, *, ends: set[int] | None = None
    ) -> bool:
        """Count searches that ended in a pass that is known; False if it is new.

        Parameters
        ----------
        point : CriticalPoint
            The transition state or corner.
        found_by : str
            The kind of search.
        times : int
            How many of them.
        ends : set of int, optional
            Families that the pass has to join; by default any.
        """
        graph = None
        for transition, met in zip(self.transitions, self.met, strict=True):
            state = transition.point
            if state is None or abs(state.loss - point.loss) > _SAME_LOSS:
                continue
            if ends is not None and ends != {transition.start, transition.end}:
                continue
            # States that differ in how a neuron is split lie on one flat set and are one pass.
            graph = graph or self._network(point.weights)
            if equivalence(self._network(state.weights), graph) is not None:
                met[found_by] += times
                return True
        return False

    def _network(self, weights: Array) -> PointGraph:
        return self.graph(reduce_network(weights, self.problem.rank).vectors)

    def add_transition(self, transition: Transition) -> None:
        """Add a transition that is known to be new."""
        self.transitions.append(transition)
        self.met.append(Counter())

    def components(self, level: float = math.inf) -> list[set[int]]:
        """Families joined by transitions up to a height."""
        import networkx as nx

        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(self.families)))
        graph.add_edges_from((t.start, t.end) for t in self.transitions if t.loss <= level)
        return [set(part) for part in nx.connected_components(graph)]

    def numbers(self) -> list[int]:
        """Number by increasing loss of every family of the catalogue."""
        return [int(new) for new in number_families(self.families)[1]]

    def by_loss(self) -> tuple[Family, ...]:
        """Families by increasing loss, with their ids."""
        return number_families(self.families)[0]

    def by_height(self) -> list[int]:
        """Numbers of the transitions by increasing height."""
        numbers = self.numbers()
        heights = [round(transition.loss, 10) for transition in self.transitions]
        ends = [(numbers[one.start], numbers[one.end]) for one in self.transitions]
        return sorted(range(len(heights)), key=lambda i: (heights[i], ends[i], i))

    def _order(self, weights: Array) -> Relabelling:
        """Neurons in the order of the teachers they go with, aligned ones before anti-aligned ones.

        Teachers can only be renumbered where the symmetry of the teacher allows it.
        """
        teacher = self.problem.teacher
        partner = read_point(self.problem, weights).partner
        overlaps = weights[:, : self.problem.rank] @ teacher.vectors.T / teacher.norms**2
        own = np.array([overlaps[partner == m, m].sum() for m in range(teacher.size)])
        images = np.arange(teacher.size)
        for orbit in teacher_automorphisms(teacher.gram).orbits:
            places = np.array(orbit)
            images[places[np.argsort(-own[places].round(_TIED), kind="stable")]] = places
        gram = np.empty_like(teacher.gram)
        gram[np.ix_(images, images)] = teacher.gram
        if np.abs(gram - teacher.gram).max() > 1e-9 * np.abs(gram).max():
            images = np.arange(teacher.size)
        places = np.where(partner < 0, teacher.size, images[partner])
        lengths = np.linalg.norm(weights, axis=1).round(_TIED)
        students = np.argsort(np.lexsort((-lengths, places)))
        return Relabelling(
            students=tuple(students.tolist()), teachers=on_frame(teacher, images.tolist())
        )
