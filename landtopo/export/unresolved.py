"""What a landscape graph leaves open, read from its attributes.

Pairs of families that were tried and not joined, critical points that may be minima, starts that
ended in none, and families that may be flat: people see these wherever they see the graph, because
what is missing from a graph is part of what it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import networkx as nx

from landtopo.export.prepare import Prepared, Record
from landtopo.landscape.metrics import components
from landtopo.landscape.schema import MODEL
from landtopo.points.records import Kind, Status
from landtopo.wording import counted, listed, loss_text

__all__ = ["FailedPair", "OtherEnd", "Unresolved", "unresolved"]

# More of a kind than this are summed up.
_SHOWN = 6
# Attributes of the graph that have an entry for each width.
_BY_RUNG = ("start_search", "failed_pairs")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPair:
    """Two families between which paths were tried and none was found.

    Attributes
    ----------
    id : str
        Such as ``w6-x0``, or ``x0`` where there are no widths; no id of a family or an edge looks
        like it.
    width : int
        0 where there are no widths, here and below.
    from_id, to_id : str
    tries : int
    """

    id: str
    width: int
    from_id: str
    to_id: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEnd:
    """A critical point in which starts ended, and that is no family of minima.

    Attributes
    ----------
    id : str
        Such as ``w6-u0``, or ``u0``.
    width : int
    kind : str
        ``saddle``, or ``undecided`` where its spectrum does not tell: it may be a minimum.
    loss : float
    count : int
        Starts that ended there.
    description, reason : str
        What it is, and why it is called so.
    """

    id: str
    width: int
    kind: str
    loss: float
    count: int
    description: str
    reason: str

    @property
    def undecided(self) -> bool:
        """Whether it may be a minimum."""
        return self.kind == Kind.UNDECIDED

    def sentence(self) -> str:
        """For people."""
        loss = loss_text(self.loss)
        what = (
            f"critical point of loss {loss} that may be a minimum"
            if self.undecided
            else f"{self.kind} of loss {loss}"
        )
        starts = counted(self.count, "start")
        return f"{starts} ended in a {what} ({self.description}). {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """What one width leaves open.

    Attributes
    ----------
    width : int
    pairs : tuple of FailedPair
    ends : tuple of OtherEnd
        By increasing loss.
    unfinished : tuple of (str, int)
        Why starts came to no critical point, as a sentence, and how many.
    maybe_flat : tuple of str
        Families of minima whose flat dimension is not known.
    parts : tuple of tuple of str
        Families that known transitions join, if they fall into more than one part.
    empty : bool
        No minimum is known.
    """

    width: int
    pairs: tuple[FailedPair, ...]
    ends: tuple[OtherEnd, ...]
    unfinished: tuple[tuple[str, int], ...]
    maybe_flat: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    empty: bool

    def sentences(self) -> tuple[str, ...]:
        """For people; nothing where nothing is left open."""
        found = []
        if self.empty:
            found.append("No minimum was found; try more starts.")
        if self.parts:
            shown = " and ".join("{" + listed(part, _SHOWN) + "}" for part in self.parts)
            found.append(f"No known path joins {shown}.")
        found += [
            f"No path was found between {pair.from_id} and {pair.to_id}; "
            f"{counted(pair.tries, 'band was', 'bands were')} tried."
            for pair in self.pairs[:_SHOWN]
        ]
        if len(self.pairs) > _SHOWN:
            found.append(f"The same holds of {len(self.pairs) - _SHOWN} more pairs.")
        found += [end.sentence() for end in self.ends[:_SHOWN]]
        if len(self.ends) > _SHOWN:
            starts = sum(end.count for end in self.ends[_SHOWN:])
            found.append(
                f"{counted(starts, 'start')} ended in {len(self.ends) - _SHOWN} further critical "
                "points that are no minima, or may be none."
            )
        found += [
            f"{counted(count, 'start')} came to no critical point: {reason}"
            for reason, count in self.unfinished
        ]
        if self.maybe_flat:
            names = listed(self.maybe_flat, _SHOWN)
            be = "is" if len(self.maybe_flat) == 1 else "are"
            found.append(f"It is not known whether {names} {be} isolated or flat.")
        return tuple(found)


def unresolved(prepared: Prepared) -> tuple[Unresolved, ...]:
    """What every width of a graph leaves open, upwards; widths without families too.

    A landscape without widths is one entry, whose separate parts are told elsewhere: a database may
    fall into thousands.
    """
    if MODEL in prepared.attributes:
        names = {name for key in _BY_RUNG for name in prepared.attributes.get(key, {})}
        # The one rung of a model is called by its number of coordinates.
        rung = _Rung(width=0, key=min(names, default=""), prefix="", nodes=prepared.nodes)
        return (_of_rung(prepared, rung, ()),)
    studied = {int(node["width"]) for node in prepared.nodes}
    attributes = prepared.attributes
    for name in _BY_RUNG:
        studied |= {int(width) for width in attributes.get(name, {})}
    graph = prepared.graph()
    return tuple(_of_width(prepared, graph, width) for width in sorted(studied))


class _Rung(NamedTuple):
    """A width, or a model: how attributes call it, how ids begin, and its families."""

    width: int
    key: str
    prefix: str
    nodes: Sequence[Record]


def _of_width(prepared: Prepared, graph: nx.MultiGraph[str], width: int) -> Unresolved:
    nodes = [node for node in prepared.nodes if node["width"] == width]
    place = {node["id"]: number for number, node in enumerate(nodes)}
    parts = [tuple(sorted(part, key=place.__getitem__)) for part in components(graph, width=width)]
    rung = _Rung(width=width, key=str(width), prefix=f"w{width}-", nodes=nodes)
    return _of_rung(prepared, rung, tuple(parts) if len(parts) > 1 else ())


def _of_rung(prepared: Prepared, rung: _Rung, parts: tuple[tuple[str, ...], ...]) -> Unresolved:
    width, nodes = rung.width, rung.nodes
    known = {node["id"] for node in nodes}
    failed = prepared.attributes.get("failed_pairs", {}).get(rung.key, ())
    search = prepared.attributes.get("start_search", {}).get(rung.key, {})
    # Nothing was asked of a database, so that nothing of it is open.
    decided = MODEL in prepared.attributes and not any("flat_dimension" in node for node in nodes)
    others = sorted(search.get("others", ()), key=lambda other: (other["loss"], other["kind"]))
    return Unresolved(
        width=width,
        pairs=tuple(
            FailedPair(id=f"{rung.prefix}x{number}", width=width, **_plain_pair(pair))
            for number, pair in enumerate(failed)
            if {pair["from_id"], pair["to_id"]} <= known
        ),
        ends=tuple(
            OtherEnd(
                id=f"{rung.prefix}u{number}",
                width=width,
                kind=str(other["kind"]),
                loss=float(other["loss"]),
                count=int(other["count"]),
                description=str(other.get("description", "")),
                reason=str(other.get("reason", "")),
            )
            for number, other in enumerate(others)
        ),
        unfinished=tuple(
            (status.value, int(search["outcomes"][status.name.lower()]))
            for status in Status
            if status is not Status.CONVERGED and status.name.lower() in search.get("outcomes", {})
        ),
        maybe_flat=tuple(
            node["id"] for node in nodes if "flat_dimension" not in node and not decided
        ),
        parts=parts,
        empty=not nodes,
    )


def _plain_pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {"from_id": pair["from_id"], "to_id": pair["to_id"], "tries": int(pair["tries"])}
