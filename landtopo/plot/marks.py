"""What the pictures of a graph are made of: families, edges, what is left open, and the legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from landtopo.export.looks import (
    EDGE_STYLES,
    FAILED_PAIR,
    FAMILY_STYLES,
    PLAIN,
    PLAIN_FLAT,
    UNDECIDED,
    NodeLook,
    Style,
    edge_style,
    symbol_size,
)
from landtopo.export.prepare import Prepared, Record
from landtopo.export.unresolved import Unresolved
from landtopo.landscape.schema import LINEAGE
from landtopo.objective import Array
from landtopo.plot.style import shown_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = [
    "MARKERS",
    "Places",
    "draw_edge",
    "draw_failed_pairs",
    "draw_families",
    "draw_lineage",
    "draw_names",
    "draw_ring",
    "draw_undecided",
    "put_legend",
    "shrunk",
    "symbol_radius",
    "undecided_losses",
]

#: Where families are drawn, in data coordinates, by id.
Places = Mapping[str, tuple[float, float]]

# Points per drawing unit of a symbol's size.
_POINTS = 0.27

#: Of matplotlib, by the shapes of styles.
MARKERS = {"circle": "o", "square": "s", "diamond": "D"}
# Shares of the starts whose sizes the legend shows.
_SHARES = (0.01, 1.0)
_SHARES_TOLD = "1 %, 100 % of starts"
# A label that begins so is left out when matplotlib gathers a legend; ours has each style once.
_HIDDEN = "_"
_LINES: dict[str, Any] = {"solid": "-", "dashed": (0, (4, 2)), "dotted": (0, (1, 1.6))}


def draw_families(ax: Axes, places: Places, looks: Mapping[str, NodeLook]) -> None:
    """Draw the symbols of families.

    Parameters
    ----------
    ax : matplotlib Axes
    places : Places
    looks : dict
        Style by family id.
    """
    names = [style.name for style in (*FAMILY_STYLES.values(), PLAIN, PLAIN_FLAT)]
    present = {look.style for name, look in looks.items() if name in places}
    shrink = shrunk(len(places))
    for style in sorted(present, key=names.index):
        members = [name for name in places if looks[name].style == style]
        first = looks[members[0]]
        ax.scatter(
            [places[name][0] for name in members],
            [places[name][1] for name in members],
            s=[_area(looks[name].size, shrink) for name in members],
            marker=MARKERS[first.shape],
            color=first.color,
            edgecolors="black",
            linewidths=0.5 * shrink,
            zorder=3,
            clip_on=False,
            label=style,
        )


def _area(size: float, shrink: float) -> float:
    """Area of a symbol as matplotlib counts it, in square points."""
    return float((_POINTS * size * shrink) ** 2)


def shrunk(families: int) -> float:
    """Factor by which symbols and lines get smaller when there are many families."""
    return min(1.0, math.sqrt(60 / max(families, 1)))


def draw_names(ax: Axes, places: Places, looks: Mapping[str, NodeLook]) -> None:
    """Write the ids of families beside their symbols, clear of lines."""
    from landtopo.plot.labels import clear_label

    for name, where in places.items():
        clear_label(ax, name, where, gap=symbol_radius(looks[name], len(places)), optional=True)


def symbol_radius(look: NodeLook, families: int) -> float:
    """What the symbol of a family takes on each side, with some room, in points."""
    return 1.5 + _POINTS * look.size * shrunk(families) / 2


def draw_edge(
    ax: Axes, curve: Array, style: Style, *, thickness: float = 1.0, zorder: float = 2
) -> None:
    """Draw one line in the look of its kind.

    Parameters
    ----------
    ax : matplotlib Axes
    curve : ndarray, shape (n, 2)
        In data coordinates.
    style : Style
    thickness : float
        In points.
    zorder : float
    """
    ax.plot(
        curve[:, 0],
        curve[:, 1],
        color=style.color,
        linestyle=_LINES[style.shape],
        linewidth=thickness * _thickness(style),
        zorder=zorder,
        label=_HIDDEN + style.name,
    )


def draw_ring(ax: Axes, where: tuple[float, float], style: Style, number: int) -> None:
    """Draw a loop of hardly any height as a ring beside its family, the further the later."""
    from matplotlib.transforms import offset_copy

    root = ax.get_figure(root=True)
    aside = offset_copy(ax.transData, root, x=7 + 3 * number, y=0, units="points")
    ax.plot(
        *where,
        "o",
        markersize=9,
        fillstyle="none",
        color=style.color,
        markeredgewidth=_thickness(style),
        transform=aside,
        zorder=2,
        clip_on=False,
        label=_HIDDEN + style.name,
    )


def draw_lineage(ax: Axes, prepared: Prepared, places: Places) -> None:
    """Draw what becomes of each family when a neuron is added; several ways are one line."""
    drawn = set()
    for record in prepared.edges:
        style = edge_style(record)
        key = record["from_id"], record["to_id"], style.name
        if record["kind"] == LINEAGE and key not in drawn:
            drawn.add(key)
            ends = np.array([places[record["from_id"]], places[record["to_id"]]])
            draw_edge(ax, ends, style, thickness=0.7 * shrunk(len(places)), zorder=1)


def draw_failed_pairs(ax: Axes, entries: Iterable[Unresolved], places: Places) -> None:
    """Draw a dotted line between families that paths were tried between, and none was found."""
    for entry in entries:
        for pair in entry.pairs:
            ends = np.array([places[pair.from_id], places[pair.to_id]])
            draw_edge(ax, ends, FAILED_PAIR, zorder=1.5)


def draw_undecided(ax: Axes, entries: Iterable[Unresolved], place: Callable[[int], float]) -> None:
    """Draw critical points that may be minima as hollow symbols.

    Parameters
    ----------
    ax : matplotlib Axes
    entries : iterable of Unresolved
    place : callable
        Horizontal position by width.
    """
    points = [
        (place(entry.width), shown_loss(end.loss))
        for entry in entries
        for end in entry.ends
        if end.undecided
    ]
    if points:
        ax.scatter(
            [x for x, _ in points],
            [loss for _, loss in points],
            s=22.0,
            marker="o",
            facecolors="white",
            edgecolors=UNDECIDED.color,
            linewidths=0.9,
            zorder=3,
            clip_on=False,
            label=UNDECIDED.name,
        )


def undecided_losses(entries: Iterable[Unresolved]) -> list[float]:
    """Losses of the critical points that may be minima, for the scale of the axis."""
    return [end.loss for entry in entries for end in entry.ends if end.undecided]


def put_legend(ax: Axes, records: Sequence[Record], *, columns: int = 2) -> None:
    """A legend above the axes, where it hides nothing: symbols in the first column, then lines.

    Parameters
    ----------
    ax : matplotlib Axes
    records : sequence of records
        The families drawn; where their shares are known the legend says what sizes mean.
    columns : int
        About so many.
    """
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D

    symbols: list[tuple[Any, str]] = list(zip(*ax.get_legend_handles_labels(), strict=True))
    # Families first.
    symbols.sort(key=lambda entry: not hasattr(entry[0], "get_sizes"))
    drawn = {str(line.get_label()) for line in ax.lines}
    lines: list[tuple[Any, str]] = [
        (
            Line2D([], [], color=style.color, ls=_LINES[style.shape], lw=_thickness(style)),
            style.name,
        )
        for style in (*EDGE_STYLES.values(), FAILED_PAIR)
        if _HIDDEN + style.name in drawn
    ]
    if not symbols and not lines:
        return
    sizes = []
    if any("share" in record for record in records):
        sizes.append((_sizes(shrunk(len(records))), _SHARES_TOLD))
    blank = Line2D([], [], linestyle="none"), ""
    if lines:
        beside = max(columns - 1, 1)
        if len(symbols) < -(-len(lines) // beside):
            symbols += sizes
        else:
            lines += sizes
        rows = max(len(symbols), -(-len(lines) // beside))
        symbols += [blank] * (rows - len(symbols))
    else:
        symbols += sizes
        rows = -(-len(symbols) // columns)
    entries = [*symbols, *lines]
    # Columns are filled evenly: blanks at the end keep the first one as it is.
    entries += [blank] * (-len(entries) % rows)
    legend = ax.legend(
        [handle for handle, _ in entries],
        [label for _, label in entries],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=-(-len(entries) // rows),
        borderaxespad=0.2,
        columnspacing=0.8,
        handletextpad=0.5,
        handlelength=2.0,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.0)},
    )
    for handle in legend.legend_handles:
        if handle is not None and hasattr(handle, "set_sizes"):
            handle.set_sizes([22.0])


def _sizes(shrink: float) -> tuple[Line2D, ...]:
    """Symbols as large as those of families with the shares that the legend tells."""
    from matplotlib.lines import Line2D

    return tuple(
        Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            markersize=math.sqrt(_area(symbol_size(share), shrink)),
            markerfacecolor="white",
            markeredgecolor="black",
            markeredgewidth=0.5 * shrink,
        )
        for share in _SHARES
    )


def _thickness(style: Style) -> float:
    return 1.8 if style is EDGE_STYLES["flat"] else 1.0
