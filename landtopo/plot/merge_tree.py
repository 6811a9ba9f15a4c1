"""The disconnectivity tree of a width."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx

from landtopo.export.prepare import prepare
from landtopo.export.tables import copies_of
from landtopo.landscape.tree import merge_tree
from landtopo.plot.marks import draw_families, put_legend, shrunk, symbol_radius
from landtopo.plot.style import (
    SINGLE_COLUMN,
    LossScale,
    axes_for,
    loss_axis,
    shown_loss,
    sized_labels,
)
from landtopo.wording import exact

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["tree"]

# More branches than this are not labelled with their barriers, more leaves not with their names.
_BARRIERS_SHOWN = 12
_NAMES_SHOWN = 60
# The lowest levels at which copies join are told in pieces, and the highest one.
_LEVELS_TOLD = 4


def tree(
    graph: nx.MultiGraph[str],
    width: int | None = None,
    *,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the disconnectivity tree: a branch for each family, up to where a lower one takes over.

    Symbols are minima at their loss, horizontal lines passes at theirs. Open diamonds mark where
    labelled copies of the lowest family join, with the number of separate pieces that are left;
    trees that nothing joins have dotted tops.

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
    joins = _joins(graph, found, width)
    inches = min(max(SINGLE_COLUMN, 0.16 * len(families) + 0.8), 12.0)
    with axes_for(ax, width=inches) as axes:
        loss_axis(axes, [*losses.values(), *(join.level for join in joins)], scale)
        top = axes.get_ylim()[1]
        for family in families:
            _branch(axes, found, family, order, losses, top)
        trunks = {join: order[_trunk(found, join.family, join.level)] for join in joins}
        _draw_joins(
            axes, trunks, lambda name: symbol_radius(prepared.node_looks[name], len(families))
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
        put_legend(axes, [record for record in prepared.nodes if record["id"] in places])
    return axes


class _Join(NamedTuple):
    """A level at which labelled copies of a family appear or join, and the pieces then left."""

    family: str
    level: float
    appear: bool
    text: str


def _joins(graph: nx.MultiGraph[str], tree: nx.DiGraph[str], width: int) -> list[_Join]:
    """Where copies of the lowest family join.

    Where it is not known which copies passes join, the lowest pass between copies of each family.
    """
    copies = copies_of(graph, width)
    found = []
    if copies is not None and len(copies.levels) > 1:
        last = len(copies.levels) - 1
        for number, event in enumerate(copies.levels):
            told = number in (0, last) or number < _LEVELS_TOLD
            pieces = f"{exact(event.components)} piece{'s' * (event.components > 1)}"
            level = shown_loss(event.level)
            found.append(_Join(copies.family, level, number == 0, pieces if told else ""))
    if copies is not None and not copies.notes:
        return found
    known = {join.family for join in found}
    for family, data in tree.nodes(data=True):
        if family not in known and data.get("copies_join", 0.0) > data["loss"] + 1e-12:
            found.append(_Join(family, data["copies_join"], False, ""))
    return found


def _draw_joins(ax: Axes, joins: dict[_Join, int], radius: Callable[[str], float]) -> None:
    """Open diamonds where copies join, and beside them how many pieces are left.

    Parameters
    ----------
    ax : matplotlib Axes
    joins : dict
        The place of the trunk by join.
    radius : callable
        What the symbol of a family takes on each side, in points.
    """
    from landtopo.plot.labels import clear_label

    diamonds = [join for join in joins if not join.appear]
    if diamonds:
        ax.plot(
            [joins[join] for join in diamonds],
            [join.level for join in diamonds],
            "D",
            markersize=4,
            color="white",
            markeredgecolor="black",
            markeredgewidth=0.8,
            zorder=4,
            linestyle="none",
            label="labelled copies join",
        )
    for join in filter(lambda join: join.text, joins):
        gap = radius(join.family) if join.appear else 4.0
        clear_label(ax, join.text, (joins[join], join.level), gap=gap, side="right")


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
    from landtopo.plot.labels import clear_label

    persistence = tree.nodes[family]["persistence"]
    x = order[family]
    thin = shrunk(len(order))
    if math.isinf(persistence):
        joined = losses[_root(tree, family)]
        ax.plot([x, x], [losses[family], joined], "-", color="black", linewidth=thin)
        # A lone tree goes on solid; several that nothing joins end in dots.
        single = len(tree.graph["roots"]) == 1
        ax.plot([x, x], [joined, top], "-" if single else ":", color="black", linewidth=0.8 * thin)
        return
    merge = next(
        node
        for node in nx.ancestors(tree, family)
        if tree.nodes[node]["lowest"] != family and family in _ended_at(tree, node)
    )
    level = losses[merge]
    trunk = order[tree.nodes[merge]["lowest"]]
    ax.plot([x, x, trunk], [losses[family], level, level], "-", color="black", linewidth=thin)
    if sum(data["kind"] == "merge" for _, data in tree.nodes(data=True)) <= _BARRIERS_SHOWN:
        clear_label(ax, f"{persistence:.2g}", (x, level), gap=2.0, side="above")


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
