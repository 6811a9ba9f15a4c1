"""Loss of every family against width."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import networkx as nx

from landtopo.export.looks import EDGE_STYLES
from landtopo.export.prepare import Prepared, prepare
from landtopo.landscape.schema import LINEAGE
from landtopo.plot.style import (
    LINES,
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

__all__ = ["widths"]

# Families closer than this share of the axis stand side by side.
_TOO_CLOSE = 0.035
_STEP = 0.09
_MOST_ASIDE = 4


def widths(
    graph: nx.MultiGraph[str],
    *,
    lineage: bool = True,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss of every family against the student's width.

    Circles are isolated families, squares have flat directions; the size grows with the share of
    the starts that end there.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    lineage : bool
        Draw what becomes of each family when one neuron is added: solid where it stays a minimum,
        dotted where it flows into another.
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
    inches = min(max(SINGLE_COLUMN, 0.6 * len(studied)), 12.0)
    with axes_for(ax, width=inches) as axes:
        loss_axis(axes, [record["loss"] for record in prepared.nodes], scale)
        places = _places(axes, prepared)
        if lineage:
            _draw_lineage(axes, prepared, places)
        draw_families(axes, places, prepared.node_looks)
        axes.set_xlabel("student width $K$")
        axes.set_xticks(studied)
        if studied:
            axes.set_xlim(studied[0] - 0.5, studied[-1] + 0.5)
        put_legend(axes)
    return axes


def _places(ax: Axes, prepared: Prepared) -> dict[str, tuple[float, float]]:
    """Families at their width and loss, moved aside only where they would hide each other."""
    to_axis = ax.transData + ax.transAxes.inverted()
    taken: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    places = {}
    for record in sorted(prepared.nodes, key=lambda record: record["loss"]):
        width, loss = record["width"], shown_loss(record["loss"])
        height = float(to_axis.transform((width, loss))[1])
        # 0, 1, -1, 2, -2, ...: the first place that is free at this height.
        asides = sorted(range(-_MOST_ASIDE, _MOST_ASIDE + 1), key=lambda step: (abs(step), -step))
        aside = next(
            (
                step
                for step in asides
                if all(abs(height - other) > _TOO_CLOSE for other in taken[width, step])
            ),
            0,
        )
        taken[width, aside].append(height)
        places[record["id"]] = (width + _STEP * aside, loss)
    return places


def _draw_lineage(ax: Axes, prepared: Prepared, places: dict[str, tuple[float, float]]) -> None:
    named = set()
    for record in prepared.edges:
        if record["kind"] != LINEAGE:
            continue
        style = EDGE_STYLES[record.get("fate", "stays")]
        ends = places[record["from_id"]], places[record["to_id"]]
        ax.plot(
            [end[0] for end in ends],
            [end[1] for end in ends],
            linestyle=LINES[style.shape],
            color=style.color,
            linewidth=0.8,
            zorder=1,
            label=None if style.name in named else style.name,
        )
        named.add(style.name)
