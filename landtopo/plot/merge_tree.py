"""The disconnectivity tree of a width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import networkx as nx

from landtopo.export.prepare import prepare
from landtopo.landscape.tree import merge_tree
from landtopo.plot.style import (
    SINGLE_COLUMN,
    LossScale,
    axes_for,
    draw_families,
    loss_axis,
    put_legend,
    shown_loss,
    sized_labels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["tree"]

# More branches than this are not labelled with their barriers, more leaves not with their names.
_BARRIERS_SHOWN = 12
_NAMES_SHOWN = 60


def tree(
    graph: nx.MultiGraph[str],
    width: int | None = None,
    *,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the disconnectivity tree: a branch for each family, up to where a lower one takes over.

    Symbols are minima at their loss, horizontal lines passes at theirs. Open diamonds mark where
    labelled copies of one family join; trees that nothing joins have dotted tops.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int, optional
        Student width K; the smallest in the graph by default.
    scale : {"auto", "linear", "log"}
        Scale of the loss axis.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes
    """
    prepared = prepare(graph)
    if width is None:
        width = min((record["width"] for record in prepared.nodes), default=0)
    found = merge_tree(graph, width)
    families = [node for node, data in found.nodes(data=True) if data["kind"] == "family"]
    order = {node: place for place, node in enumerate(_order(found))}
    losses = {node: shown_loss(data["loss"]) for node, data in found.nodes(data=True)}
    copies = {
        family: found.nodes[family]["copies_join"]
        for family in families
        if found.nodes[family].get("copies_join", 0.0) > found.nodes[family]["loss"] + 1e-12
    }
    inches = min(max(SINGLE_COLUMN, 0.16 * len(families) + 0.8), 12.0)
    with axes_for(ax, width=inches) as axes:
        loss_axis(axes, [*losses.values(), *copies.values()], scale)
        top = axes.get_ylim()[1]
        for family in families:
            _branch(axes, found, family, order, losses, top)
        for family, level in copies.items():
            axes.plot(
                order[_trunk(found, family, level)],
                level,
                "D",
                markersize=4,
                color="white",
                markeredgecolor="black",
                markeredgewidth=0.8,
                zorder=4,
                linestyle="none",
                label="labelled copies join" if family == next(iter(copies)) else None,
            )
        places = {family: (float(order[family]), losses[family]) for family in families}
        draw_families(axes, places, prepared.node_looks)
        axes.set_xlim(-0.6, len(families) - 0.4)
        names = sorted(families, key=order.__getitem__)
        if len(names) <= _NAMES_SHOWN:
            sized_labels(axes, names, range(len(names)))
        else:
            axes.set_xticks([])
        axes.set_xlabel(f"families of minima, width {width}")
        axes.tick_params(axis="x", length=0)
        put_legend(axes)
    return axes


def _order(tree: nx.DiGraph[str]) -> list[str]:
    """Families from left to right: the lowest in the middle, what joins last outermost.

    Branches that join a trunk go to alternate sides of it, so no line crosses another.
    """
    lines: dict[str, list[str]] = {}
    joined: dict[str, int] = {}
    for node in nx.dfs_postorder_nodes(tree):
        # Successors come by loss, the trunk first.
        trunk, *others = list(tree.successors(node)) or [node]
        line, count = lines.get(trunk, [node]), joined.get(trunk, 0)
        for part in others:
            line = [*line, *lines[part]] if count % 2 == 0 else [*lines[part], *line]
            count += 1
        lines[node], joined[node] = line, count
    return [family for root in tree.graph["roots"] for family in lines[root]]


def _branch(
    ax: Axes,
    tree: nx.DiGraph[str],
    family: str,
    order: dict[str, int],
    losses: dict[str, float],
    top: float,
) -> None:
    """The vertical line of a family up to where it ends, and the horizontal one to its trunk."""
    persistence = tree.nodes[family]["persistence"]
    x = order[family]
    if math.isinf(persistence):
        joined = losses[_root(tree, family)]
        ax.plot([x, x], [losses[family], joined], "-", color="black", solid_capstyle="butt")
        # A lone tree goes on solid; several that nothing joins end in dots.
        single = len(tree.graph["roots"]) == 1
        ax.plot([x, x], [joined, top], "-" if single else ":", color="black", linewidth=0.8)
        return
    merge = next(
        node
        for node in nx.ancestors(tree, family)
        if tree.nodes[node]["lowest"] != family and family in _ended_at(tree, node)
    )
    level = losses[merge]
    trunk = order[tree.nodes[merge]["lowest"]]
    ax.plot([x, x, trunk], [losses[family], level, level], "-", color="black", linewidth=1.0)
    if sum(data["kind"] == "merge" for _, data in tree.nodes(data=True)) <= _BARRIERS_SHOWN:
        ax.annotate(
            f"{persistence:.2g}",
            (x, level),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize="x-small",
        )


def _ended_at(tree: nx.DiGraph[str], merge: str) -> list[str]:
    """The families whose branches end at this merge."""
    return [tree.nodes[child]["lowest"] for child in tree.successors(merge)][1:]


def _root(tree: nx.DiGraph[str], node: str) -> str:
    """The root above a node."""
    while above := list(tree.predecessors(node)):
        node = above[0]
    return node


def _trunk(tree: nx.DiGraph[str], family: str, level: float) -> str:
    """The family whose branch this one is part of at a level."""
    node = family
    while (above := list(tree.predecessors(node))) and tree.nodes[above[0]]["loss"] <= level:
        node = above[0]
    return str(tree.nodes[node]["lowest"])
