"""How a landscape graph looks: positions, colours and shapes, the same in every format.

The colours are those of Okabe and Ito, told apart with every common kind of colour blindness;
shape or line style says the same thing a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from landtopo.landscape.schema import LINEAGE

__all__ = [
    "BAND",
    "COLUMN_DISTANCE",
    "EDGE_STYLES",
    "FAILED_PAIR",
    "FAMILY_STYLES",
    "HEIGHT",
    "PLAIN",
    "PLAIN_FLAT",
    "UNDECIDED",
    "EdgeLook",
    "NodeLook",
    "Style",
    "edge_look",
    "edge_style",
    "family_style",
    "node_looks",
    "symbol_size",
]

#: Distance between the columns of two widths, width of the band that the families of one width
#: fill, and height of the highest family, in drawing units.
COLUMN_DISTANCE = 400.0
BAND = 240.0
HEIGHT = 1000.0

_DEEPEST = 1e6

# Multiples of the golden ratio modulo 1 fill an interval evenly however many there are, so
# families of neighbouring losses, consecutive in rank, stand far from each other.
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Style:
    """What a class of nodes or edges looks like, and its name in legends."""

    name: str
    color: str
    shape: str


#: By (zero loss, flat); None where it is not known whether the family is flat.
FAMILY_STYLES = {
    (True, False): Style("zero loss, isolated", "#0072B2", "circle"),
    (True, True): Style("zero loss, flat", "#56B4E9", "square"),
    (True, None): Style("zero loss, maybe flat", "#0072B2", "diamond"),
    (False, False): Style("positive loss, isolated", "#D55E00", "circle"),
    (False, True): Style("positive loss, flat", "#E69F00", "square"),
    (False, None): Style("positive loss, maybe flat", "#D55E00", "diamond"),
}

#: Where there are no networks, so that no value is known to be the lowest: whatever may be known
#: of a minimum beside its energy, and flat ones.
PLAIN = Style("minimum", "#0072B2", "circle")
PLAIN_FLAT = Style("minimum, flat", "#56B4E9", "square")

#: By kind, for lineage by fate.
EDGE_STYLES = {
    "saddle": Style("pass: saddle", "#222222", "solid"),
    "corner": Style("pass: corner", "#AA4499", "dashed"),
    "flat": Style("pass: flat", "#009E73", "solid"),
    "stays": Style("lineage: stays", "#767676", "solid"),
    "flows": Style("lineage: flows", "#767676", "dotted"),
}

#: What is no part of the graph and is shown beside it: families between which paths were tried and
#: not found, and critical points that may be minima.
FAILED_PAIR = Style("tried, not joined", "#CC3311", "dotted")
UNDECIDED = Style("may be a minimum", "#222222", "hollow")


@dataclass(frozen=True, slots=True)
class NodeLook:
    """Where a family is drawn and how.

    Attributes
    ----------
    x : float
        By width, where there are widths, spread over a band.
    y : float
        Proportional to the loss, `HEIGHT` for the largest one; upwards.
    y_even : float
        By rank of the loss within the width, evenly spaced: families of nearly equal loss apart.
    color, shape : str
        "#rrggbb"; "circle" (isolated), "square" (flat) or "diamond" (not known).
    size : float
        Diameter, growing with the share of the starts.
    style : str
        Name of the class in legends.
    """

    x: float
    y: float
    y_even: float
    color: str
    shape: str
    size: float
    style: str


@dataclass(frozen=True, slots=True)
class EdgeLook:
    """How an edge is drawn: "#rrggbb", "solid", "dashed" or "dotted", thickness, legend name."""

    color: str
    line: str
    thickness: float
    style: str


def family_style(record: Mapping[str, Any]) -> Style:
    """Colour and shape of a family: zero or positive loss, isolated or flat or not known."""
    if "width" not in record:
        return PLAIN_FLAT if record.get("flat_dimension", 0) > 0 else PLAIN
    flat = record["flat_dimension"] > 0 if "flat_dimension" in record else None
    return FAMILY_STYLES[bool(record.get("is_global", False)), flat]


def edge_style(record: Mapping[str, Any]) -> Style:
    """Colour and line of a transition or lineage edge."""
    kind = str(record["kind"])
    if kind == LINEAGE:
        kind = str(record.get("fate", "stays"))
    return EDGE_STYLES.get(kind, Style(kind, "#222222", "solid"))


def symbol_size(share: float) -> float:
    """Diameter of a family's symbol in drawing units, by its share of the starts."""
    return float(14.0 + 22.0 * max(share, 0.0) ** 0.5)


def node_looks(nodes: Iterable[Mapping[str, Any]]) -> dict[str, NodeLook]:
    """Positions and styles of all families, by id.

    Parameters
    ----------
    nodes : iterable of records
        Sorted; records of equal loss are ranked in this order.
    """
    columns: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for record in nodes:
        columns[record.get("width", 0)].append(record)
    if not columns:
        return {}
    losses = [record["loss"] for column in columns.values() for record in column]
    # Heights count from zero loss; energies have no zero.
    low = 0.0 if all("width" in record for record in columns[min(columns)]) else min(losses)
    top = max(losses) - low
    most = max(len(column) for column in columns.values())
    looks = {}
    for place, width in enumerate(sorted(columns)):
        for rank, record in enumerate(sorted(columns[width], key=lambda record: record["loss"])):
            aside = (0.5 + rank * _GOLDEN) % 1.0 - 0.5
            style = family_style(record)
            looks[record["id"]] = NodeLook(
                x=round(COLUMN_DISTANCE * place + BAND * aside, 3),
                y=round(_height(record["loss"] - low, top), 3),
                y_even=round(HEIGHT * rank / max(most - 1, 1), 3),
                color=style.color,
                shape=style.shape,
                size=round(symbol_size(record.get("share", 0.1)), 3),
                style=style.name,
            )
    return looks


def _height(loss: float, top: float) -> float:
    """Where a loss is drawn; one that is far below zero or overflows keeps a place."""
    return min(max(HEIGHT * loss / top, -_DEEPEST), HEIGHT) if top > 0 else 0.0


def edge_look(record: Mapping[str, Any]) -> EdgeLook:
    """How one edge is drawn."""
    style = edge_style(record)
    thickness = {LINEAGE: 1.0, "flat": 4.0}.get(record["kind"], 2.0)
    return EdgeLook(style.color, style.shape, thickness, style.name)
