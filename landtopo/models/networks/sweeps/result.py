"""What a sweep finds: families between events, and the graph that events make of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landtopo.models.networks.sweeps.curve import TeacherCurve
from landtopo.models.networks.sweeps.events import SweepEvent
from landtopo.objective import Array
from landtopo.shown import Brief, Table
from landtopo.wording import counted

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["SweepFamily", "SweepResult"]

_CERTAINTY = (
    "Families were searched for at {bases}; one that exists between two of these only, and "
    "branches off from none that is listed, is missing. A bracket is 8e-9 wide. Where signs do not "
    "add up, something branches off that was not found; it need not be a minimum or a pass. Where "
    "they do, what is missing, if anything, has signs that add up to nothing."
)
_PROVED = (
    " Proved: at each end of the bracket, every point that is known to begin or end there exists, "
    "alone in a box, with its index. Not proved: that the points at both ends are one family, and "
    "that nothing else is there."
)


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

    @property
    def certainty(self) -> str:
        """What is known of families and events, and what is not, in sentences.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> found.certainty.split(";")[0]
        'Families were searched for at 0.138'
        """
        bases = ", ".join(f"{value:.4g}" for value in self.bases)
        told = _CERTAINTY.format(bases=bases)
        if any(one.proofs for one in self.events):
            told += _PROVED
        if self.unsteady:
            told += f" {counted(self.unsteady, 'point')} that are not isolated were not followed."
        return told

    def record(self) -> dict[str, Any]:
        """All of it as plain values, but for the weights.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> found.record()["families"][0]["id"]
        's1'
        """
        names = [
            *("low", "high", "index", "isotropy", "isotropy_order", "anti_aligned"),
            *("begins", "ends", "why_begins", "why_ends", "found_by"),
        ]
        return {
            "curve": self.curve.title,
            "parameter": self.curve.parameter.value,
            "width": self.width,
            "low": self.curve.low,
            "high": self.curve.high,
            "bases": list(self.bases),
            "search": self.search,
            "unsteady": self.unsteady,
            "families": [
                {
                    "id": one.id,
                    **{name: getattr(one, name) for name in names},
                    "values": one.values.tolist(),
                    "losses": one.losses.tolist(),
                    "smallest": one.smallest.tolist(),
                }
                for one in self.families
            ],
            "events": self.rows(),
        }

    def overlaps(self, family: SweepFamily, most: int = 50) -> tuple[Array, Array, Array]:
        """Q and R of a family along its curve.

        Parameters
        ----------
        family : SweepFamily
        most : int
            Points of the curve, evenly by their numbers, both ends included.

        Returns
        -------
        values : ndarray, shape (n,)
        q : ndarray, shape (n, K, K)
            Scalar products of the neurons.
        r : ndarray, shape (n, K, M)
            Of the neurons with the teacher's vectors.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> values, q, r = found.overlaps(found.families[0])
        >>> r.shape == (len(values), 1, 2)
        True
        """
        count = min(most, len(family.values))
        kept = np.unique(np.linspace(0, len(family.values) - 1, count).round().astype(int))
        values, weights = family.values[kept], family.weights[kept]
        vectors = np.array([self.curve.vectors(float(value))[0] for value in values])
        inner = weights[:, :, : self.curve.size]
        return values, weights @ weights.transpose(0, 2, 1), inner @ vectors.transpose(0, 2, 1)

    def graph(self) -> nx.MultiGraph[str]:
        """Families as nodes, two of which are joined where one event ends or begins both.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> list(found.graph())
        ['s1']
        """
        import networkx as nx

        graph: nx.MultiGraph[str] = nx.MultiGraph(curve=self.curve.title, width=self.width)
        for one in self.families:
            graph.add_node(
                one.id,
                low=one.low,
                high=one.high,
                index=one.index,
                isotropy=one.isotropy,
                anti_aligned=one.anti_aligned,
                why_begins=one.why_begins,
                why_ends=one.why_ends,
            )
        for number, event in enumerate(self.events):
            names = [*event.before, *event.after]
            for i, first in enumerate(names):
                for second in names[:i]:
                    graph.add_edge(
                        second,
                        first,
                        key=f"e{number}-{second}-{first}",
                        event=number,
                        value=event.value,
                        low=event.low,
                        high=event.high,
                        kind=event.kind,
                        bracketed=event.bracketed,
                        certified=bool(event.certified),
                    )
        return graph
