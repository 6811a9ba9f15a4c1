"""The graph itself: widths as columns, loss as height, passes as arcs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from landtopo.export.looks import COLUMN_DISTANCE, edge_style
from landtopo.export.prepare import prepare
from landtopo.export.unresolved import unresolved
from landtopo.landscape.schema import LINEAGE
from landtopo.landscape.tree import check_networks
from landtopo.objective import Array
from landtopo.plot.marks import (
    Places,
    draw_edge,
    draw_failed_pairs,
    draw_families,
    draw_lineage,
    draw_names,
    draw_ring,
    draw_undecided,
    put_legend,
    shrunk,
    undecided_losses,
)
from landtopo.plot.style import (
    DOUBLE_COLUMN,
    SINGLE_COLUMN,
    LossScale,
    axes_for,
    loss_axis,
    shown_loss,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["graph"]

_SAMPLES = np.linspace(0.0, 1.0, 61)
# More families than this and their names would hide the drawing.
_NAMES_SHOWN = 40
# Undecided points stand this far to the right of their width.
_ASIDE = 0.4


def graph(
    graph: nx.MultiGraph[str],
    *,
    lineage: bool = True,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the graph of families: widths as columns, loss as height.

    Each transition is an arc whose top is at the loss of its transition state. Loops join labelled
    copies of one family; rings beside a family are loops that cost hardly anything to cross. Red
    dotted lines lead between families that paths were tried between, and none was found; hollow
    circles are critical points that may be minima.

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
    check_networks("plot.graph", graph)
    prepared = prepare(graph)
    entries = unresolved(prepared)
    studied = sorted({record["width"] for record in prepared.nodes})
    passes = [record for record in prepared.edges if record["kind"] != LINEAGE]
    losses = [record["loss"] for record in (*prepared.nodes, *passes)]
    inches = min(max(SINGLE_COLUMN, 1.5 * len(studied)), 2 * DOUBLE_COLUMN)
    with axes_for(ax, width=inches, height=3.4) as axes:
        loss_axis(axes, [*losses, *undecided_losses(entries)], scale)
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
            draw_lineage(axes, prepared, places)
        draw_failed_pairs(axes, entries, places)
        _draw_passes(axes, passes, places)
        draw_families(axes, places, prepared.node_looks)
        known = [entry for entry in entries if entry.width in studied]
        draw_undecided(axes, known, lambda width: studied.index(width) + _ASIDE)
        if len(places) <= _NAMES_SHOWN:
            draw_names(axes, places, prepared.node_looks)
        axes.set_xticks(range(len(studied)), [str(width) for width in studied])
        axes.set_xlim(-0.5, max(len(studied), 1) - 0.5)
        axes.set_xlabel("student width $K$")
        put_legend(axes, prepared.nodes, columns=2 if len(studied) < 3 else 3)
    return axes


def _draw_passes(ax: Axes, passes: list[dict[str, Any]], places: Places) -> None:
    scale = ax.yaxis.get_transform()
    seen: defaultdict[tuple[str, ...], int] = defaultdict(int)
    low, high = scale.transform(np.array(ax.get_ylim()))
    for record in sorted(passes, key=lambda record: (record["loss"], record["id"])):
        ends = record["from_id"], record["to_id"]
        style = edge_style(record)
        nth = seen[tuple(sorted(ends))]
        seen[tuple(sorted(ends))] += 1
        start, end = (places[name] for name in ends)
        top = max(shown_loss(record["loss"]), start[1], end[1])
        heights = scale.transform(np.array([start[1], end[1], top]))
        if ends[0] == ends[1] and heights[2] - heights[0] < 0.04 * (high - low):
            draw_ring(ax, start, style, nth)
            continue
        curve = _arc(start[0], end[0], heights, nth)
        curve[:, 1] = scale.inverted().transform(curve[:, 1])
        draw_edge(ax, curve, style, thickness=shrunk(len(places)))


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
