"""Connectivity against width: one row for every width of a landscape graph.

A row says how many families there are, which of them are flat, how far the labelled copies of the
global minimum are joined at zero loss, what it takes to leave each spurious minimum, and how often
starts end in a global one. The step from the width below, read off the lineage edges, says which
families stay minima when a neuron is added, which turn into saddles and where they flow, and which
are new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import networkx as nx

from landtopo.landscape.metrics import minimax_matrix
from landtopo.landscape.schema import LINEAGE
from landtopo.points.coverage import binomial_interval
from landtopo.shown import Brief, Table
from landtopo.tolerances import LEVEL, TIED_DIGITS
from landtopo.wording import counted

__all__ = [
    "Escape",
    "LineageLine",
    "WidthRow",
    "WidthStep",
    "WidthTable",
    "by_loss",
    "counted_row",
    "escapes_of",
    "step_from",
    "width_records",
]

_STAYS = "stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escape(Brief):
    """What it takes to leave a spurious family.

    Attributes
    ----------
    family : str
    loss : float
    barrier : float or None
        Lowest barrier, above its loss, on a way to a family of lower loss; None if no way is known.
    barrier_to_global : float or None
        The same on a way to a global family.
    """

    family: str
    loss: float
    barrier: float | None
    barrier_to_global: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageLine(Brief):
    """What one way of adding a neuron makes of a family.

    Attributes
    ----------
    family : str
        The family at the width below.
    operation : str
        ``zero neuron`` or ``split``.
    neuron : int or None
        The neuron that is split, counted from 1.
    stays : bool
        Whether the point is still a minimum.
    descendant : str
        The family that it belongs to, or flows into.
    fraction : float
        Part of the escape directions that end there.
    """

    family: str
    operation: str
    neuron: int | None
    stays: bool
    descendant: str
    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthStep(Brief):
    """What one more neuron changes.

    Attributes
    ----------
    width : int
        The width below.
    lines : tuple of LineageLine
        In the order of the families at the width below.
    stay : tuple of str
        Families that are still minima with one more neuron, in at least one of the ways to add it.
    turn : tuple of str
        Families that become saddles in every way that was followed: as minima they vanish.
    untraced : tuple of str
        Families of which nothing is known.
    appear : tuple of str
        Families at the new width that no family below stays in.
    fed : tuple of str
        Those of them into which families from below flow.
    """

    width: int
    lines: tuple[LineageLine, ...]
    stay: tuple[str, ...]
    turn: tuple[str, ...]
    untraced: tuple[str, ...]
    appear: tuple[str, ...]
    fed: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "from_width": self.width,
            "stay": list(self.stay),
            "turn_into_saddles": list(self.turn),
            "untraced": list(self.untraced),
            "appear": list(self.appear),
            "appear_fed_from_below": list(self.fed),
            "lines": [
                {
                    "family": line.family,
                    "operation": line.operation,
                    "neuron": line.neuron,
                    "fate": _STAYS if line.stays else "flows",
                    "descendant": line.descendant,
                    "fraction": line.fraction,
                }
                for line in self.lines
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthRow(Brief):
    """One width of a landscape.

    Attributes
    ----------
    width : int
        Student width K.
    families : int
        Families of minima.
    isolated, flat, undecided : int
        Families of flat dimension zero, above zero, and not known.
    global_families : tuple of str
        Families of zero loss.
    starts : int or None
        Independent starts at this width, if known.
    global_count : int
        Starts that ended in a global family.
    global_share, global_low, global_high : float or None
        Their part of all starts, with its binomial interval.
    zero_components : int or None
        Labelled connected components of the minima of zero loss, exact; None without any.
    joined : Fraction or None
        Part of the labelled copies of the first global family that are joined with a given one at
        zero loss, itself included.
    largest_spurious_loss : float or None
    escapes : tuple of Escape
        One for every spurious family, by loss.
    step : WidthStep or None
        What changed from the width below, if that is in the graph.
    """

    width: int
    families: int
    isolated: int
    flat: int
    undecided: int
    global_families: tuple[str, ...]
    starts: int | None
    global_count: int
    global_share: float | None
    global_low: float | None
    global_high: float | None
    zero_components: int | None
    joined: Fraction | None
    largest_spurious_loss: float | None
    escapes: tuple[Escape, ...]
    step: WidthStep | None

    @property
    def lowest_escape(self) -> float | None:
        """The lowest barrier out of any spurious family to one of lower loss."""
        return min((e.barrier for e in self.escapes if e.barrier is not None), default=None)

    def record(self) -> dict[str, Any]:
        """Plain JSON values; `zero_components` is exact and can exceed 64 bits."""
        return {
            "width": self.width,
            "families": self.families,
            "isolated": self.isolated,
            "flat": self.flat,
            "undecided": self.undecided,
            "global_families": list(self.global_families),
            "starts": self.starts,
            "global_count": self.global_count,
            "global_share": self.global_share,
            "global_share_low": self.global_low,
            "global_share_high": self.global_high,
            "zero_components": self.zero_components,
            "joined_fraction": None if self.joined is None else float(self.joined),
            "largest_spurious_loss": self.largest_spurious_loss,
            "lowest_escape": self.lowest_escape,
            "escapes": [
                {
                    "family": escape.family,
                    "loss": escape.loss,
                    "barrier": escape.barrier,
                    "barrier_to_global": escape.barrier_to_global,
                }
                for escape in self.escapes
            ],
            "step": None if self.step is None else self.step.record(),
        }


class WidthTable(tuple[WidthRow, ...], Table):
    """Connectivity against width, one row a width."""

    __slots__ = ()

    _printed = (
        "width",
        "families",
        "isolated",
        "flat",
        "global_share",
        "zero_components",
        "largest_spurious_loss",
        "lowest_escape",
    )

    def rows(self) -> list[dict[str, Any]]:
        """One row a width: its record, without the escapes and the step to the next width."""
        return [
            {name: value for name, value in row.record().items() if name not in ("escapes", "step")}
            for row in self
        ]

    def __repr__(self) -> str:
        return f"WidthTable({counted(len(self), 'width')})"


def width_records(rows: Iterable[WidthRow]) -> list[dict[str, Any]]:
    """The rows as plain JSON values."""
    return [row.record() for row in rows]


def counted_row(
    graph: nx.MultiGraph[str],
    width: int,
    families: Mapping[str, Mapping[str, Any]],
    lowest: tuple[str, ...],
    *,
    zero_components: int | None,
    joined: Fraction | None,
    step: WidthStep | None,
) -> WidthRow:
    """A row of the table with what is counted of families.

    Parameters
    ----------
    graph : networkx.MultiGraph
    width : int
    families : mapping
        Its families with what the graph says of them, by name.
    lowest : tuple of str
        Those that stand in the place of the global ones.
    zero_components, joined, step
        As in `WidthRow`.
    """
    dimensions = [data.get("flat_dimension") for data in families.values()]
    spurious = [data["loss"] for name, data in families.items() if name not in lowest]
    counted = sum(int(families[name].get("count", 0)) for name in lowest)
    starts = {int(key): int(value) for key, value in graph.graph.get("starts", {}).items()}
    total = starts.get(width)
    low, high = (None, None) if total is None else binomial_interval(counted, total)
    return WidthRow(
        width=width,
        families=len(families),
        isolated=sum(dimension == 0 for dimension in dimensions),
        flat=sum(dimension is not None and dimension > 0 for dimension in dimensions),
        undecided=sum(dimension is None for dimension in dimensions),
        global_families=lowest,
        starts=total,
        global_count=counted,
        global_share=counted / total if total else None,
        global_low=low,
        global_high=high,
        zero_components=zero_components,
        joined=joined,
        largest_spurious_loss=float(max(spurious)) if spurious else None,
        escapes=escapes_of(graph, width, lowest),
        step=step,
    )


def escapes_of(
    graph: nx.MultiGraph[str], width: int, at_zero: tuple[str, ...]
) -> tuple[Escape, ...]:
    """What it takes to leave each family of a width that is not one of the lowest.

    Parameters
    ----------
    graph : networkx.MultiGraph
    width : int
    at_zero : tuple of str
        The lowest ones.
    """
    names, heights = minimax_matrix(graph, width=width)
    losses = heights.diagonal()
    found = []
    for place, name in enumerate(names):
        if name in at_zero:
            continue
        barriers = heights[place] - losses[place]
        lower = losses < losses[place] - LEVEL
        ends = [other in at_zero for other in names]
        found.append(
            Escape(
                family=name,
                loss=float(losses[place]),
                barrier=_lowest(barriers[lower]),
                barrier_to_global=_lowest(barriers[ends]),
            )
        )
    return tuple(found)


def _lowest(barriers: Iterable[float]) -> float | None:
    known = [float(barrier) for barrier in barriers if barrier != float("inf")]
    return min(known, default=None)


def step_from(
    graph: nx.MultiGraph[str],
    width: int,
    below: Mapping[str, Mapping[str, Any]],
    above: Mapping[str, Mapping[str, Any]],
) -> WidthStep:
    """What becomes of the families of a width, by the lineage edges of a graph.

    Parameters
    ----------
    graph : networkx.MultiGraph
    width : int
        The width below.
    below, above : mapping
        Families of both widths with what the graph says of them, by name.
    """
    order = sorted(below, key=lambda name: by_loss(name, below[name]))
    place = {name: number for number, name in enumerate(order)}
    lines = []
    for *_, data in graph.edges(keys=True, data=True):
        if data["kind"] != LINEAGE or data["from_id"] not in place:
            continue
        neuron = data.get("neuron")
        lines.append(
            LineageLine(
                family=data["from_id"],
                operation=str(data.get("operation", "")),
                neuron=None if neuron is None else int(neuron),
                stays=data.get("fate") == _STAYS,
                descendant=data["to_id"],
                fraction=float(data.get("fraction", 1.0)),
            )
        )
    lines.sort(
        key=lambda line: (place[line.family], line.operation, line.neuron or 0, -line.fraction)
    )
    traced = {line.family for line in lines}
    stay = {line.family for line in lines if line.stays}
    kept = {line.descendant for line in lines if line.stays}
    met = {line.descendant for line in lines}
    appear = [name for name in above if name not in kept]
    return WidthStep(
        width=width,
        lines=tuple(lines),
        stay=tuple(name for name in order if name in stay),
        turn=tuple(name for name in order if name in traced - stay),
        untraced=tuple(name for name in order if name not in traced),
        appear=tuple(appear),
        fed=tuple(name for name in appear if name in met),
    )


def by_loss(name: str, data: Mapping[str, Any]) -> tuple[float, str]:
    """What families are put in order by: losses tied by symmetry by their names."""
    return round(float(data["loss"]), TIED_DIGITS), name
