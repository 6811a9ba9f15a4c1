"""What a sweep finds: families between events, and the graph that events make of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landtopo.models.networks.sweeps.curve import TeacherCurve
from landtopo.models.networks.sweeps.events import SweepEvent
from landtopo.objective import Array
from landtopo.shown import Brief, Table

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["SweepFamily", "SweepResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFamily(Brief):
    """A family from one event to the next: its index is the same all along.

    Attributes
    ----------
    id : str
    low, high : float
        Where it is there.
    index : int
        0 for minima, 1 for passes; in inputs of infinite dimension.
    isotropy : str
    isotropy_order : int
    anti_aligned : int
        In its middle.
    values, losses, smallest : ndarray, shape (n,)
        Parameters, ascending, with the loss and the lowest eigenvalue.
    weights : ndarray, shape (n, K, D)
        In the coordinates of `TeacherCurve.vectors`.
    begins, ends : int or None
        The event at each end, by its number; None at the end of the range.
    why_begins, why_ends : str
        One sentence each.
    found_by : str
        What met its curve first.
    """

    id: str
    low: float
    high: float
    index: int
    isotropy: str
    isotropy_order: int
    anti_aligned: int
    values: Array = field(repr=False)
    losses: Array = field(repr=False)
    smallest: Array = field(repr=False)
    weights: Array = field(repr=False)
    begins: int | None
    ends: int | None
    why_begins: str
    why_ends: str
    found_by: str

    def loss(self, value: float) -> float:
        """The loss at a parameter, between those of the curve.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> round(found.families[0].loss(0.15), 5)
        0.05972
        """
        return float(np.interp(value, self.values, self.losses))


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult(Table):
    """Minima and passes over a range of the parameter, and what happens to them.

    Attributes
    ----------
    curve : TeacherCurve
    width : int
    families : tuple of SweepFamily
        Of index 0 and 1, by their first parameters.
    events : tuple of SweepEvent
        By their parameters.
    bases : tuple of float
        Where families were searched for.
    unsteady : int
        Points that were met at a base and belong to no isolated family; they were not followed.
    search : dict

    Examples
    --------
    >>> import landtopo as lt
    >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
    >>> len(found.families), len(found.events)
    (1, 0)
    """

    curve: TeacherCurve
    width: int
    families: tuple[SweepFamily, ...]
    events: tuple[SweepEvent, ...]
    bases: tuple[float, ...]
    unsteady: int
    search: dict[str, Any]

    _printed: ClassVar[tuple[str, ...]] = ("value", "low", "high", "kind", "before", "after")

    def at(self, value: float) -> tuple[SweepFamily, ...]:
        """The families that are there at a parameter.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> [family.index for family in found.at(0.15)]
        [0]
        """
        return tuple(one for one in self.families if one.low < value < one.high)

    def rows(self) -> list[dict[str, Any]]:
        """One row for each event.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4).rows()
        []
        """
        return [one.record() for one in self.events]

    def graph(self) -> nx.Graph[str]:
        """Families as nodes, two of which are joined where one event ends or begins both.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> list(found.graph())
        ['s1']
        """
        import networkx as nx

        graph: nx.Graph[str] = nx.Graph()
        for one in self.families:
            graph.add_node(
                one.id, low=one.low, high=one.high, index=one.index, isotropy=one.isotropy
            )
        for number, event in enumerate(self.events):
            names = [*event.before, *event.after]
            for i, first in enumerate(names):
                for second in names[:i]:
                    graph.add_edge(first, second, event=number, value=event.value)
        return graph
