"""The disconnectivity tree of a width."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from decimal import ROUND_CEILING, Context
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx

from landtopo.checks import checked_number
from landtopo.export.prepare import prepare
from landtopo.export.tables import copies_of
from landtopo.landscape.branches import branch_ends, leaf_order
from landtopo.landscape.pruning import important, pruned
from landtopo.landscape.tree import merge_tree
from landtopo.landscape.words import rung_name, words_of
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
# More leaves than this could not be told apart on a page.
_MOST_DRAWN = 1000
# The lowest levels at which copies join are told in pieces, and the highest one.
_LEVELS_TOLD = 4


def tree(
    graph: nx.MultiGraph[str],
    width: int | None = None,
    *,
    importance: float | None = None,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the disconnectivity tree: a branch for each family, up to where a lower one takes over.

    Symbols are minima at their loss, horizontal lines passes at theirs. Open diamonds mark where
    labelled copies of the lowest family join, with the number of separate pieces that are left;
    trees that nothing joins have dotted tops. What is left out is told below the axes.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int, optional
        Student width K; the smallest in the graph by default.
    importance : float, optional
        Leave out branches that are shorter: those whose barrier to a lower minimum (the
        `persistence` of `merge_tree`) is below it. By default all are drawn where there are no more
        than 1000, and otherwise the longest.
    scale : {"auto", "linear", "log"}
        Scale of the loss axis.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes
    """
    words = words_of(getattr(graph, "graph", {}))
    if importance is not None:
        checked_number(
            "importance", "tree", importance, "be a number >= 0", lambda number: number >= 0
        )
    if width is None and isinstance(graph, nx.MultiGraph):
        width = min(
            (data["width"] for _, data in graph.nodes(data=True) if "width" in data), default=None
        )
    whole = merge_tree(graph, width)
    shown = important(whole, importance, most=_MOST_DRAWN)
    found = pruned(whole, shown)
    prepared = prepare(graph if len(shown) == len(graph) else graph.subgraph(shown))
    families = [node for node, data in found.nodes(data=True) if data["kind"] == "family"]
    order = {node: place for place, node in enumerate(leaf_order(found))}
    losses = {node: shown_loss(data["loss"]) for node, data in found.nodes(data=True)}
    joins = [join for join in _joins(graph, found, width) if join.family in shown]
    inches = min(max(SINGLE_COLUMN, 0.16 * len(families) + 0.8), 12.0)
    with axes_for(ax, width=inches) as axes:
        loss_axis(axes, [*losses.values(), *(join.level for join in joins)], scale, words)
        _draw_branches(axes, found, order, losses)
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
        rung = rung_name(graph.graph, width)
        of_width = f", {rung}" if rung else ""
        axes.set_xlabel(f"{words.minima}{of_width}{_left_out(whole, shown)}")
        axes.tick_params(axis="x", length=0)
        put_legend(axes, [record for record in prepared.nodes if record["id"] in places])
    return axes


def _left_out(tree: nx.DiGraph[str], shown: Collection[str]) -> str:
    """A line that says how many leaves are hidden, and which; nothing where none is."""
    leaves = {
        name: data["persistence"] for name, data in tree.nodes(data=True) if "persistence" in data
    }
    hidden = [persistence for name, persistence in leaves.items() if name not in shown]
    if not hidden:
        return ""
    alone = sum(map(math.isinf, hidden))
    highest = max((barrier for barrier in hidden if math.isfinite(barrier)), default=None)
    # Rounded upwards, so that it is a bound.
    bound = Context(prec=3, rounding=ROUND_CEILING).create_decimal(highest or 0.0)
    reasons = [] if highest is None else [f"barrier to a lower one at most {float(bound):g}"]
    if alone:
        reasons.append(f"{alone} that nothing joins to a lower one")
    return f"\n{len(hidden)} of {len(leaves)} not shown: {', and '.join(reasons)}"


class _Join(NamedTuple):
    """A level at which labelled copies of a family appear or join, and the pieces then left."""

    family: str
    level: float
    appear: bool
    text: str


def _joins(graph: nx.MultiGraph[str], tree: nx.DiGraph[str], width: int | None) -> list[_Join]:
    """Where copies of the lowest family join.

    Where it is not known which copies passes join, the lowest pass between copies of each family.
    """
    if width is None:
        return []
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
        if family not in known and data.get("copies_join", -math.inf) > data["loss"] + 1e-12:
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


def _draw_branches(
    ax: Axes, tree: nx.DiGraph[str], order: dict[str, int], losses: dict[str, float]
) -> None:
    """The vertical line of each family up to where it ends, and the horizontal one to its trunk."""
    from landtopo.plot.labels import clear_label

    top = ax.get_ylim()[1]
    thin = shrunk(len(order))
    roots = tree.graph["roots"]
    root_of = {tree.nodes[root]["lowest"]: root for root in roots}
    merges = [name for name, data in tree.nodes(data=True) if data["kind"] == "merge"]
    ends = branch_ends(tree)
    for family in tree.nodes:
        if family not in order:
            continue
        x = order[family]
        if family not in ends:
            joined = losses[root_of[family]]
            ax.plot([x, x], [losses[family], joined], "-", color="black", linewidth=thin)
            # A lone tree goes on solid; several that nothing joins end in dots.
            line = "-" if len(roots) == 1 else ":"
            ax.plot([x, x], [joined, top], line, color="black", linewidth=0.8 * thin)
            continue
        level = losses[ends[family]]
        trunk = order[tree.nodes[ends[family]]["lowest"]]
        ax.plot([x, x, trunk], [losses[family], level, level], "-", color="black", linewidth=thin)
        if len(merges) <= _BARRIERS_SHOWN:
            persistence = tree.nodes[family]["persistence"]
            clear_label(ax, f"{persistence:.2g}", (x, level), gap=2.0, side="above")


def _trunk(tree: nx.DiGraph[str], family: str, level: float) -> str:
    """The family whose branch this one is part of at a level."""
    node = family
    while (above := list(tree.predecessors(node))) and tree.nodes[above[0]]["loss"] <= level:
        node = above[0]
    return str(tree.nodes[node]["lowest"])
