"""What is known of one model: families of minima, and transition states with both their ends.

Everything is kept modulo the symmetry of the model. The representative of a family is the copy
that the model calls upright, and a transition state is the copy whose first descent ends in the
representative of its first family. The element of a transition says in which copy of the second
representative the other descent ends.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landtopo.landscape.numbering import numbered
from landtopo.model import FamilyLike, Model, Point
from landtopo.objective import Array
from landtopo.points.known import Known
from landtopo.points.records import Kind
from landtopo.shown import Brief
from landtopo.symmetry.permutations import Permutation
from landtopo.tolerances import SAME_VALUE
from landtopo.units import Linear, Squared

__all__ = ["Catalogue", "Copy", "PassKind", "Transition"]

PassKind = Literal["saddle", "corner", "flat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Brief):
    """A labelled minimum as a copy of a family's representative.

    Attributes
    ----------
    family : int
        Number of the family in the catalogue.
    element : tuple of int
        Element of the symmetry that carries the representative to the point, or, where the point
        is elsewhere on a flat set, the representative's flat set to the point's.
    exact : bool
        Whether the point itself is a copy of the representative.
    """

    family: int
    element: Permutation
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
    element : tuple of int
        The way leads from the representative of `start` to this copy of the representative of
        `end`.
    exact : bool
        Whether it does. If not, one of the ends lies elsewhere on a flat set, and the element only
        says how the sets lie.
    loss : float
        Height of the pass.
    point : Point or None
        The transition state or corner, labelled as the ends are; None for a flat connection.
    positions, losses : ndarray, shape (n,)
        Profile of values from end to end, against arc length.
    found_by : str
        The search that met it first.
    through_saddle : bool
        Whether symmetry makes a descent end in a lower saddle, from which it was followed on.
    """

    kind: PassKind
    start: int
    end: int
    element: Permutation
    exact: bool
    loss: Squared[float]
    point: Point | None
    positions: Linear[Array] = field(repr=False)
    losses: Squared[Array] = field(repr=False)
    found_by: str
    through_saddle: bool = False


class Catalogue:
    """Families and transitions of one model, as they are met.

    Parameters
    ----------
    model : Model

    Attributes
    ----------
    families : list of FamilyLike
        Numbered by their place.
    transitions : list of Transition
    met : list of Counter
        How many searches of each kind ended in each transition.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.families: list[FamilyLike] = []
        self.transitions: list[Transition] = []
        self.met: list[Counter[str]] = []
        mark = model.strata.mark
        self._sets: Known[FamilyLike | Point] = Known(mark)
        # States on one flat set are one pass; flat ways have none.
        self._states: Known[Point] = Known(mark, slack=SAME_VALUE)
        self._over: list[int] = []

    def add_family(self, family: FamilyLike) -> None:
        """Add a family that is known to be new, by its upright copy."""
        self.restore(family.moved(self.model.symmetry.upright(family.x)))

    def restore(self, family: FamilyLike) -> None:
        """Add a family as an earlier catalogue had it."""
        self.families.append(family)
        self._sets.add(family)

    def locate(self, x: Array, *, found_by: str) -> Copy | None:
        """The family and copy of a labelled minimum; a family that is new is added.

        Returns None when the point is no minimum.
        """
        point = self.model.strata.judge(x)
        if point.kind is not Kind.MINIMUM:
            return None
        found = self._sets.find(point)
        if found is not None:
            return self._copy(found[0], point.x, found[1])
        self.add_family(self.model.facts.family(point, count=0, found_by=found_by))
        number = len(self.families) - 1
        return self._copy(number, point.x, None)

    def _copy(self, number: int, x: Array, between_sets: Permutation | None) -> Copy:
        """A copy of a family, of whose flat set an element is known; the identity for None."""
        element = self.model.symmetry.match(x, self.families[number].x)
        if element is not None:
            return Copy(family=number, element=element, exact=True)
        if between_sets is None:
            between_sets = self.model.symmetry.identity(x)
        return Copy(family=number, element=between_sets, exact=False)

    def count_known(
        self, point: Point, found_by: str, times: int, *, ends: set[int] | None = None
    ) -> bool:
        """Count searches that ended in a pass that is known; False if it is new.

        Parameters
        ----------
        point : Point
            The transition state or corner.
        found_by : str
            The kind of search.
        times : int
            How many of them.
        ends : set of int, optional
            Families that the pass has to join; by default any.
        """

        def joins(state: int) -> bool:
            transition = self.transitions[self._over[state]]
            return ends is None or ends == {transition.start, transition.end}

        found = self._states.find(point, point.loss, among=joins)
        if found is None:
            return False
        self.met[self._over[found[0]]][found_by] += times
        return True

    def add_transition(self, transition: Transition) -> None:
        """Add a transition that is known to be new."""
        self.transitions.append(transition)
        self.met.append(Counter())
        if transition.point is not None:
            self._states.add(transition.point, transition.point.loss)
            self._over.append(len(self.transitions) - 1)

    def components(self, level: float = math.inf) -> list[set[int]]:
        """Families joined by transitions up to a height."""
        import networkx as nx

        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(self.families)))
        graph.add_edges_from((t.start, t.end) for t in self.transitions if t.loss <= level)
        return [set(part) for part in nx.connected_components(graph)]

    def numbers(self) -> list[int]:
        """Number by increasing value of every family of the catalogue."""
        return [int(new) for new in self._ordered()]

    def by_loss(self) -> tuple[FamilyLike, ...]:
        """Families by increasing value, with their ids."""
        order = self._ordered()
        found = list(self.families)
        for i, family in enumerate(self.families):
            found[order[i]] = family.named(self.model.facts.name(int(order[i])))
        return tuple(found)

    def _ordered(self) -> NDArray[np.int64]:
        return numbered([family.loss for family in self.families])

    def by_height(self) -> list[int]:
        """Numbers of the transitions by increasing height."""
        numbers = self.numbers()
        heights = [round(transition.loss, 10) for transition in self.transitions]
        ends = [(numbers[one.start], numbers[one.end]) for one in self.transitions]
        return sorted(range(len(heights)), key=lambda i: (heights[i], ends[i], i))
