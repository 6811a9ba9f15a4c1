"""What is known of one width: families of minima, and transition states with both their ends.

Everything is kept modulo the symmetry of the problem. The relabelling on a transition says to which
copy of the second family it leads, as seen from the representative of the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from landtopo.families import describe_family, number_families
from landtopo.objective import Array
from landtopo.points.classify import classify
from landtopo.points.records import CriticalPoint, Family, Kind
from landtopo.points.reduced import reduce_network
from landtopo.problem import TeacherStudent
from landtopo.symmetry import PointGraph, Reference, Relabelling, equivalence

__all__ = ["Catalogue", "Copy", "Transition"]

_SAME_LOSS = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A labelled minimum as a copy of a family's representative.

    Attributes
    ----------
    family : int
        Number of the family in the catalogue.
    relabelling : Relabelling or None
        Element of S_K x Aut(T) that carries the representative to the point; None where the point
        is elsewhere on the family's flat set.
    """

    family: int
    relabelling: Relabelling | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A verified way from one family of minima to another.

    Attributes
    ----------
    kind : {"saddle", "corner", "flat"}
        How the pass is crossed.
    start, end : int
        Families at the two ends, by their numbers in the catalogue.
    relabelling : Relabelling or None
        Seen from the representative of `start`, the other end is this copy of the representative
        of `end`; None where one of the ends lies elsewhere on a flat set.
    loss : float
        Height of the pass.
    point : CriticalPoint or None
        The transition state; None for a flat connection.
    positions, losses : ndarray, shape (n,)
        Loss profile from end to end, against arc length in weight space.
    found_by : str
        The search that met it first.
    """

    kind: Literal["saddle", "corner", "flat"]
    start: int
    end: int
    relabelling: Relabelling | None
    loss: float
    point: CriticalPoint | None
    positions: Array = field(repr=False)
    losses: Array = field(repr=False)
    found_by: str


class Catalogue:
    """Families and transitions of one width, as they are met.

    Parameters
    ----------
    problem : TeacherStudent
    """

    def __init__(self, problem: TeacherStudent) -> None:
        self.problem = problem
        self.families: list[Family] = []
        self.transitions: list[Transition] = []
        self._reduced: list[Reference] = []

    def add_family(self, family: Family) -> None:
        """Add a family that is known to be new."""
        self.families.append(family)
        self._reduced.append(Reference(self.graph(family.reduced)))

    def graph(self, weights: Array) -> PointGraph:
        """A point as the symmetry module sees it."""
        return PointGraph.from_weights(weights, self.problem.teacher.vectors)

    def locate(self, weights: Array, *, found_by: str) -> Copy | None:
        """The family and copy of a labelled minimum; a family that is new is added.

        Returns None when the point is no minimum.
        """
        point = classify(self.problem, weights)
        if point.kind is not Kind.MINIMUM:
            return None
        reduced = self.graph(reduce_network(point.weights, self.problem.rank).vectors)
        for number, known in enumerate(self._reduced):
            if known.match(reduced) is not None:
                relabelling = self.relabelling(self.families[number].weights, point.weights)
                return Copy(family=number, relabelling=relabelling)
        self.add_family(describe_family(self.problem, point, count=0, found_by=found_by))
        return Copy(
            family=len(self.families) - 1,
            relabelling=Relabelling.identity(self.problem.width, self.problem.teacher.size),
        )

    def relabelling(self, first: Array, second: Array) -> Relabelling | None:
        """Element of S_K x Aut(T) that carries one point to another, of students alone if possible.

        Copies that a permutation of students alone can reach have a relative permutation that
        means the same to everybody; teachers are renumbered only where it has to be.
        """
        apart = np.arange(self.problem.teacher.size, dtype=np.float64)
        vectors, rank = self.problem.teacher.vectors, self.problem.rank
        told_apart = [
            PointGraph.from_statistics(
                w @ w.T, w[:, :rank] @ vectors.T, vectors @ vectors.T, teacher_labels=apart
            )
            for w in (first, second)
        ]
        return equivalence(*told_apart) or equivalence(self.graph(first), self.graph(second))

    def known_transition(self, weights: Array, loss: float) -> int | None:
        """Number of the transition whose state this point is a copy of."""
        graph = None
        for number, transition in enumerate(self.transitions):
            state = transition.point
            if state is None or abs(state.loss - loss) > _SAME_LOSS:
                continue
            graph = graph or self.graph(weights)
            if equivalence(self.graph(state.weights), graph) is not None:
                return number
        return None

    def add_transition(self, transition: Transition) -> None:
        """Add a transition that is known to be new."""
        self.transitions.append(transition)

    def components(self) -> list[set[int]]:
        """Families joined by transitions, of whatever height."""
        import networkx as nx

        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(self.families)))
        graph.add_edges_from((t.start, t.end) for t in self.transitions)
        return [set(part) for part in nx.connected_components(graph)]

    def ordered(self) -> tuple[tuple[Family, ...], tuple[Transition, ...]]:
        """Families by increasing loss, and transitions by height with their ends renumbered."""
        families, order = number_families(self.families)
        renumbered = []
        for transition in self.transitions:
            start, end = int(order[transition.start]), int(order[transition.end])
            renumbered.append(replace(transition, start=start, end=end))
        height = sorted(
            range(len(renumbered)),
            key=lambda i: (
                round(renumbered[i].loss, 10),
                renumbered[i].start,
                renumbered[i].end,
                i,
            ),
        )
        return families, tuple(renumbered[i] for i in height)

    def numbers(self) -> dict[int, int]:
        """Number by increasing loss of every family of the catalogue."""
        _, order = number_families(self.families)
        return {i: int(new) for i, new in enumerate(np.asarray(order))}
