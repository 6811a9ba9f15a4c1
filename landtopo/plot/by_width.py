"""Loss of every family against width."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import networkx as nx

from landtopo.export.prepare import Prepared, prepare
from landtopo.export.unresolved import unresolved
from landtopo.landscape.tree import check_networks
from landtopo.plot.marks import (
    Places,
    draw_families,
    draw_lineage,
    draw_undecided,
    put_legend,
    undecided_losses,
)
from landtopo.plot.style import SINGLE_COLUMN, LossScale, axes_for, loss_axis, shown_loss

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
    the starts that end there. Hollow circles are critical points that may be minima.

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
    check_networks("plot.widths", graph)
    prepared = prepare(graph)
    entries = unresolved(prepared)
    studied = [entry.width for entry in entries]
    inches = min(max(SINGLE_COLUMN, 0.6 * len(studied)), 12.0)
    with axes_for(ax, width=inches) as axes:
        losses = [record["loss"] for record in prepared.nodes]
        loss_axis(axes, [*losses, *undecided_losses(entries)], scale)
        places = _places(axes, prepared)
        if lineage:
            draw_lineage(axes, prepared, places)
        draw_families(axes, places, prepared.node_looks)
        draw_undecided(axes, entries, lambda width: width + 0.5 * _STEP * (2 * _MOST_ASIDE + 1))
        axes.set_xlabel("student width $K$")
        axes.set_xticks(studied)
        if studied:
            axes.set_xlim(studied[0] - 0.5, studied[-1] + 0.5)
        put_legend(axes, prepared.nodes)
    return axes


def _places(ax: Axes, prepared: Prepared) -> Places:
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
