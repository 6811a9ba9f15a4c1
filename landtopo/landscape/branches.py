"""How a merge tree is drawn: the order of its leaves, and where each branch ends."""

from __future__ import annotations

from collections import deque

import networkx as nx

__all__ = ["branch_ends", "leaf_order"]


def leaf_order(tree: nx.DiGraph[str]) -> list[str]:
    """Families from left to right: the lowest in the middle, what joins last outermost.

    Branches that join a trunk go to alternate sides of it, so no line crosses another.

    Parameters
    ----------
    tree : networkx.DiGraph
        As `merge_tree` makes it.
    """
    lines: dict[str, deque[str]] = {}
    joined: dict[str, int] = {}
    for node in nx.dfs_postorder_nodes(tree):
        # Successors come by loss, the trunk first.
        trunk, *others = list(tree.successors(node)) or [node]
        line, count = lines.pop(trunk, deque([node])), joined.get(trunk, 0)
        for name in others:
            part = lines.pop(name)
            first, last = (line, part) if count % 2 == 0 else (part, line)
            # The longer one grows in place: copies would take the square of a deep tree.
            if len(first) < len(last):
                last.extendleft(reversed(first))
                line = last
            else:
                first.extend(last)
                line = first
            count += 1
        lines[node], joined[node] = line, count
    return [family for root in tree.graph["roots"] for family in lines[root]]


def branch_ends(tree: nx.DiGraph[str]) -> dict[str, str]:
    """The merge in which the branch of each family ends; nothing for the lowest of a tree.

    Parameters
    ----------
    tree : networkx.DiGraph
        As `merge_tree` makes it.
    """
    return {
        tree.nodes[child]["lowest"]: merge
        for merge, data in tree.nodes(data=True)
        if data["kind"] == "merge"
        for child in list(tree.successors(merge))[1:]
    }
