"""A landscape graph as plain lists, in the order in which it was built, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

__all__ = ["graph_of", "lists_of"]


def lists_of(graph: nx.MultiGraph[str]) -> dict[str, Any]:
    """Attributes, nodes and edges."""
    return {
        "graph": dict(graph.graph),
        "nodes": [(node, dict(data)) for node, data in graph.nodes(data=True)],
        "edges": [
            (first, second, key, dict(data))
            for first, second, key, data in graph.edges(keys=True, data=True)
        ],
    }


def graph_of(lists: Mapping[str, Any]) -> nx.MultiGraph[str]:
    """The inverse of `lists_of`."""
    graph: nx.MultiGraph[str] = nx.MultiGraph(**lists["graph"])
    for node, data in lists["nodes"]:
        graph.add_node(node, **data)
    for first, second, key, data in lists["edges"]:
        graph.add_edge(first, second, key, **data)
    return graph
