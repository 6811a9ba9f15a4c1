"""The graph itself: widths as columns, loss as height, passes as arcs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from landtopo.export.looks import COLUMN_DISTANCE, edge_style
from landtopo.export.prepare import Prepared, prepare
from landtopo.landscape.schema import LINEAGE
from landtopo.objective import Array
from landtopo.plot.style import (
    DOUBLE_COLUMN,
    LINES,
    POINTS,
    SINGLE_COLUMN,
    LossScale,
    axes_for,
    draw_families,
    loss_axis,
    put_legend,
    shown_loss,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["graph"]

_SAMPLES = np.linspace(0.0, 1.0, 61)
# More families than this and their names would hide the drawing.
_NAMES_SHOWN = 40


def graph(
    graph: nx.MultiGraph[str],
    *,
    lineage: bool = True,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the graph of families: widths as columns, loss as height.

    Each transition is an arc whose top is at the loss of its transition state. Loops join labelled
    copies of one family; rings beside a family are loops that cost nothing to cross.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    lineage : bool
        Draw lineage edges between the widths.
    scale : {"auto", "linear", "log"}
        Scale of the loss axis.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes
    """
    prepared = prepare(graph)
    studied = sorted({record["width"] for record in prepared.nodes})
    passes = [record for record in prepared.edges if record["kind"] != LINEAGE]
    losses = [record["loss"] for record in (*prepared.nodes, *passes)]
    inches = min(max(SINGLE_COLUMN, 1.5 * len(studied)), 2 * DOUBLE_COLUMN)
    with axes_for(ax, width=inches, height=3.4) as axes:
        loss_axis(axes, losses, scale)
        low, high = axes.get_ylim()
        if axes.get_yscale() == "linear":
            # Room for the names below the lowest families.
            axes.set_ylim(low - 0.05 * (high - low), high)
        places = {
            record["id"]: (
                prepared.node_looks[record["id"]].x / COLUMN_DISTANCE,
                shown_loss(record["loss"]),
            )
            for record in prepared.nodes
        }
        if lineage:
            _draw_lineage(axes, prepared, places)
        _draw_passes(axes, passes, places)
        draw_families(axes, places, prepared.node_looks)
        if len(places) <= _NAMES_SHOWN:
            for name, (x, y) in places.items():
                axes.annotate(
                    name,
                    (x, y),
                    xytext=(0, -2 - POINTS * prepared.node_looks[name].size / 2),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    fontsize="x-small",
                )
        axes.set_xticks(range(len(studied)), [str(width) for width in studied])
        axes.set_xlim(-0.5, max(len(studied), 1) - 0.5)
        axes.set_xlabel("student width $K$")
        put_legend(axes, columns=2 if len(studied) < 4 else 3)
    return axes


def _draw_lineage(ax: Axes, prepared: Prepared, places: dict[str, tuple[float, float]]) -> None:
    named: set[str] = set()
    for record in prepared.edges:
        if record["kind"] == LINEAGE:
            ends = np.array([places[record["from_id"]], places[record["to_id"]]])
            _line(ax, ends, record, named, thickness=0.7, zorder=1)


def _draw_passes(
    ax: Axes, passes: list[dict[str, Any]], places: dict[str, tuple[float, float]]
) -> None:
    scale = ax.yaxis.get_transform()
    named: set[str] = set()
    seen: defaultdict[tuple[str, ...], int] = defaultdict(int)
    low, high = scale.transform(np.array(ax.get_ylim()))
    for record in sorted(passes, key=lambda record: (record["loss"], record["id"])):
        ends = record["from_id"], record["to_id"]
        nth = seen[tuple(sorted(ends))]
        seen[tuple(sorted(ends))] += 1
        start, end = (np.array([places[name][0], places[name][1]]) for name in ends)
        top = max(shown_loss(record["loss"]), start[1], end[1])
        heights = scale.transform(np.array([start[1], end[1], top]))
        if ends[0] == ends[1] and heights[2] - heights[0] < 0.04 * (high - low):
            _ring(ax, start, record, named, nth)
            continue
        curve = _arc(start[0], end[0], heights, nth)
        curve[:, 1] = scale.inverted().transform(curve[:, 1])
        _line(ax, curve, record, named, thickness=1.0, zorder=2)


def _arc(x0: float, x1: float, heights: Array, nth: int) -> Array:
    """A curve between two families, in axis heights, whose top is exactly the third height.

    A quadratic Bezier curve with heights 0, c, e has its largest value c^2 / (2c - e) where its
    slope vanishes, so c = h + sqrt(h (h - e)) lifts it to h.
    """
    rise, height = heights[1] - heights[0], heights[2] - heights[0]
    t = _SAMPLES
    if x0 == x1:
        # A loop over one family: narrow, as high as its pass.
        wide = 0.04 + 0.025 * nth
        return np.column_stack(
            [x0 + wide * np.sin(2 * np.pi * t), heights[0] + height * np.sin(np.pi * t) ** 2]
        )
    control = height + np.sqrt(max(height * (height - rise), 0.0))
    aside = 0.04 * nth * (-1) ** nth
    x = x0 * (1 - t) ** 2 + 2 * t * (1 - t) * ((x0 + x1) / 2 + aside) + x1 * t**2
    return np.column_stack([x, heights[0] + 2 * t * (1 - t) * control + rise * t**2])


def _line(
    ax: Axes,
    curve: Array,
    record: dict[str, Any],
    named: set[str],
    *,
    thickness: float,
    zorder: int,
) -> None:
    style = edge_style(record)
    ax.plot(
        curve[:, 0],
        curve[:, 1],
        color=style.color,
        linestyle=LINES[style.shape],
        linewidth=thickness * (2.0 if record["kind"] == "flat" else 1.0),
        zorder=zorder,
        label=None if style.name in named else style.name,
    )
    named.add(style.name)


def _ring(ax: Axes, place: Array, record: dict[str, Any], named: set[str], nth: int) -> None:
    """A loop of no height, as a ring beside its family."""
    from matplotlib.transforms import offset_copy

    style = edge_style(record)
    aside = offset_copy(ax.transData, ax.get_figure(root=True), x=7 + 3 * nth, y=0, units="points")
    ax.plot(
        place[0],
        place[1],
        "o",
        markersize=9,
        fillstyle="none",
        color=style.color,
        markeredgewidth=1.6,
        transform=aside,
        zorder=2,
        clip_on=False,
    )
    if style.name not in named:
        # A line in the legend, as for the arcs.
        ax.plot([], [], color=style.color, linestyle=LINES[style.shape], label=style.name)
        named.add(style.name)
