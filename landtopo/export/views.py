"""What the offline page draws beside the graph: merge trees and maps, by width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from landtopo.errors import InvalidArgument
from landtopo.export.maps import map_of
from landtopo.export.prepare import Prepared
from landtopo.landscape.branches import branch_ends, leaf_order
from landtopo.landscape.tree import merge_tree

__all__ = ["longest", "maps", "trees"]

# Maps of all widths cost about so many distances, ten milliseconds each at most, and a map shows
# so many points at most.
_PAIRS = 150
_POINTS = 24
# Places are shown to this part of the size of a map.
_DIGITS = 5


def trees(prepared: Prepared) -> list[dict[str, Any]]:
    """The merge tree of each width: families from left to right, and where their branches end.

    An end is the family that takes over, the level, and the transitions of that level; the lowest
    family of a tree has none.

    Parameters
    ----------
    prepared : Prepared
    """
    graph = prepared.graph()
    found = []
    for width in _widths(prepared):
        tree = merge_tree(graph, width)
        merges = {family: tree.nodes[merge] for family, merge in branch_ends(tree).items()}
        ends = {
            family: [merge["lowest"], merge["loss"], list(merge["transitions"])]
            for family, merge in merges.items()
        }
        found.append({"width": width or 0, "order": leaf_order(tree), "ends": ends})
    return found


def longest(forest: list[dict[str, Any]], prepared: Prepared, most: int) -> frozenset[str]:
    """The families with the longest branches, the lowest of each tree first of all.

    Parameters
    ----------
    forest : list of dict
        As `trees` makes it.
    prepared : Prepared
    most : int
    """
    losses = {node["id"]: node["loss"] for node in prepared.nodes}
    lasting = {
        name: tree["ends"][name][1] - losses[name] if name in tree["ends"] else math.inf
        for tree in forest
        for name in tree["order"]
    }
    return frozenset(sorted(lasting, key=lambda name: (-lasting[name], losses[name], name))[:most])


def maps(prepared: Prepared) -> list[dict[str, Any]]:
    """The map of each width that has one.

    Parameters
    ----------
    prepared : Prepared
    """
    widths = _widths(prepared)
    most = min(_POINTS, max(2, math.isqrt(2 * _PAIRS // max(len(widths), 1))))
    found = []
    for width in widths:
        try:
            drawn = map_of(prepared, width, most=most)
        except InvalidArgument:
            continue
        size = max((abs(x) for place in drawn.places.values() for x in place), default=0.0) or 1.0
        found.append(
            {
                "width": drawn.width,
                "told": drawn.sentence,
                "size": float(f"{size:.{_DIGITS}g}"),
                "places": {
                    name: [round(x / size, _DIGITS), round(y / size, _DIGITS)]
                    for name, (x, y) in drawn.places.items()
                },
            }
        )
    return found


def _widths(prepared: Prepared) -> Sequence[int | None]:
    """The widths, or values of a parameter, that have families; None where there are none."""
    if any("width" not in node for node in prepared.nodes):
        return [None]
    return sorted({int(node["width"]) for node in prepared.nodes})
