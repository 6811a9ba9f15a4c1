"""The part of a merge tree that is worth a look: branches above an importance."""

from __future__ import annotations

import math
from collections.abc import Collection

import networkx as nx

from landtopo.landscape.leaves import put_leaves

__all__ = ["important", "pruned"]


def important(
    tree: nx.DiGraph[str], importance: float | None = None, *, most: int
) -> frozenset[str]:
    """The families of a merge tree that last long enough to be shown.

    With each family, all that last longer in the same tree are among them.

    Parameters
    ----------
    tree : networkx.DiGraph
        As `merge_tree` makes it.
    importance : float, optional
        Least persistence.
    most : int
        Without it, at most so many families: the most persistent ones, equal ones all or none;
        of the lowest of separate trees, which have no end, the lowest.
    """
    # Leaves come by loss.
    lasting = {
        name: float(data["persistence"])
        for name, data in tree.nodes(data=True)
        if data["kind"] == "family"
    }
    if importance is None and len(lasting) > most:
        ranked = sorted(lasting, key=lambda name: -lasting[name])
        importance = math.nextafter(lasting[ranked[most]], math.inf)
        if math.isinf(importance):
            return frozenset(ranked[:most])
    return frozenset(name for name, length in lasting.items() if length >= (importance or 0.0))


def pruned(tree: nx.DiGraph[str], kept: Collection[str]) -> nx.DiGraph[str]:
    """The tree with only some of its families, and the merges that join two of them at least.

    Parameters
    ----------
    tree : networkx.DiGraph
        As `merge_tree` makes it.
    kept : collection of str
        With each family all that last longer in the same tree.

    Returns
    -------
    networkx.DiGraph
        The same attributes, but `families`, `transitions` and `roots` of what is left.
    """
    left: nx.DiGraph[str] = nx.DiGraph(width=tree.graph["width"])
    left.add_nodes_from((name, data) for name, data in tree.nodes(data=True) if name in kept)
    families = list(left)
    # What stands for a node of the tree in what is left of it.
    stands = {name: name for name in left}
    for merge, data in tree.nodes(data=True):
        if data["kind"] != "merge":
            continue
        below = [stands[child] for child in tree.successors(merge) if child in stands]
        if len(below) > 1:
            left.add_node(merge, **data)
            left.add_edges_from((merge, child) for child in below)
        if below:
            stands[merge] = merge if len(below) > 1 else below[0]
    left.graph["roots"] = tuple(stands[root] for root in tree.graph["roots"] if root in stands)
    put_leaves(left, families)
    return left
