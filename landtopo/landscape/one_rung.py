"""One rung of a landscape graph of models over a parameter, as a graph of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

__all__ = ["attributes_at", "graph_at"]

# Attributes of a graph that have a part for each rung.
_BY_RUNG = ("starts", "start_search", "coverage", "transition_search", "failed_pairs")


def attributes_at(attributes: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What a graph says of one rung, and of all.

    Parameters
    ----------
    attributes : mapping
        Of the graph.
    number : int
        Of the rung.
    """
    key = str(number)
    return {
        name: {key: value[key]} if name in _BY_RUNG and key in value else value
        for name, value in attributes.items()
        if name not in _BY_RUNG or key in value or not value
    }


def graph_at(graph: nx.MultiGraph[str], number: int) -> nx.MultiGraph[str]:
    """The minima and transition states of one rung.

    Parameters
    ----------
    graph : networkx.MultiGraph
    number : int
        Of the rung.
    """
    names = [name for name, data in graph.nodes.items() if data.get("width") == number]
    found: nx.MultiGraph[str] = nx.MultiGraph(graph.subgraph(names))
    found.graph.clear()
    found.graph.update(attributes_at(graph.graph, number))
    return found
