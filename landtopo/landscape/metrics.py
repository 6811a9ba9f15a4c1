"""Measures of connectivity on a landscape graph, in networkx types.

All of them look at families and their verified transitions; levels are losses (see tree.py).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import networkx as nx
import numpy as np

from landtopo.checks import checked_count, shown
from landtopo.errors import InvalidArgument
from landtopo.landscape.schema import LINEAGE
from landtopo.landscape.tree import check_landscape, transition_graph
from landtopo.objective import Array

__all__ = [
    "ComponentCount",
    "component_counts",
    "components",
    "independent_cycles",
    "minimax_matrix",
    "neighbourhood",
]


class ComponentCount(NamedTuple):
    """From this level on, up to the next entry's, there are so many components."""

    level: float
    components: int


def components(
    graph: nx.MultiGraph[str], level: float = math.inf, *, width: int | None = None
) -> list[set[str]]:
    """Families that are joined below a level, as connected sets.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    level : float
        Families of higher loss are left out, transitions of higher level do not join.
    width : int, optional
        Only families of this width.

    Returns
    -------
    list of set of str
        In the order of the lowest loss in each, then of its id.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> lt.components(graph)
    [{'w2-f0'}]
    """
    below = transition_graph(graph, width, level=level, caller="components")
    place = {node: index for index, node in enumerate(below)}
    found = [set(part) for part in nx.connected_components(below)]
    return sorted(found, key=lambda part: min(place[node] for node in part))


def component_counts(
    graph: nx.MultiGraph[str], *, width: int | None = None
) -> list[ComponentCount]:
    """The number of components of the set below a level, for every level at which it changes.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int, optional
        Only families of this width.

    Returns
    -------
    list of ComponentCount
        Upwards; below the first level there is no family at all.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> lt.component_counts(graph)[0].components
    1
    """
    whole = transition_graph(graph, width, caller="component_counts")
    events = [(float(data["loss"]), 0, node, node) for node, data in whole.nodes(data=True)]
    events += [
        (float(data["level"]), 1, first, second)
        for first, second, data in whole.edges(data=True)
        if first != second
    ]
    joined: nx.utils.UnionFind[str] = nx.utils.UnionFind()
    counts: list[ComponentCount] = []
    present = 0
    # At one level families appear before transitions join them.
    for level, is_transition, first, second in sorted(events):
        if not is_transition:
            present += 1
            joined[first]
        elif joined[first] != joined[second]:
            joined.union(first, second)
            present -= 1
        else:
            continue
        if counts and counts[-1].level == level:
            counts.pop()
        if not counts or counts[-1].components != present:
            counts.append(ComponentCount(level, present))
    return counts


def minimax_matrix(
    graph: nx.MultiGraph[str], *, width: int | None = None
) -> tuple[list[str], Array]:
    """The lowest possible highest loss on the way between every two families.

    An ultrametric: D[a, c] <= max(D[a, b], D[b, c]). The barrier from a to b is D[a, b] - D[a, a].

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int, optional
        Only families of this width.

    Returns
    -------
    ids : list of str
        The families, by loss.
    matrix : ndarray, shape (n, n)
        Symmetric, in units of the loss; the diagonal holds the losses, and unconnected families
        have infinity.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> ids, matrix = lt.minimax_matrix(graph)
    >>> ids, matrix.shape
    (['w2-f0'], (1, 1))
    """
    whole = transition_graph(graph, width, caller="minimax_matrix")
    ids = list(whole)
    place = {node: index for index, node in enumerate(ids)}
    matrix = np.full((len(ids), len(ids)), math.inf)
    np.fill_diagonal(matrix, [data["loss"] for _, data in whole.nodes(data=True)])
    parts = {node: [place[node]] for node in ids}
    edges = sorted(
        (float(data["level"]), place[a], place[b]) for a, b, data in whole.edges(data=True)
    )
    # Single linkage: the transition that first joins two parts is the pass between all their pairs.
    for level, first, second in edges:
        one, other = parts[ids[first]], parts[ids[second]]
        if one is other:
            continue
        matrix[np.ix_(one, other)] = level
        matrix[np.ix_(other, one)] = level
        one.extend(other)
        for index in other:
            parts[ids[index]] = one
    return ids, matrix


def independent_cycles(
    graph: nx.MultiGraph[str],
    level: float = math.inf,
    *,
    width: int | None = None,
    copies: bool = False,
) -> int:
    """Number of independent cycles of transitions: E - V + C, the first Betti number.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    level : float
        Only what lies at or below this level.
    width : int, optional
        Only families of this width.
    copies : bool
        Count transitions between labelled copies of one family (self-loops) too.

    Returns
    -------
    int

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> lt.independent_cycles(graph)
    0
    """
    below = transition_graph(graph, width, level=level, caller="independent_cycles")
    loops = 0 if copies else nx.number_of_selfloops(below)
    edges = below.number_of_edges() - loops
    return edges - below.number_of_nodes() + nx.number_connected_components(below)


def neighbourhood(
    graph: nx.MultiGraph[str], family: str, *, radius: int = 1, lineage: bool = True
) -> nx.MultiGraph[str]:
    """The part of the graph around one family, with all attributes.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    family : str
        Node id.
    radius : int
        Number of edges to go.
    lineage : bool
        Go along lineage edges to other widths too.

    Returns
    -------
    networkx.MultiGraph
        A copy, with the edges between the families found.

    Raises
    ------
    InvalidArgument
        The family is not in the graph.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> list(lt.neighbourhood(graph, "w2-f0"))
    ['w2-f0']
    """
    check_landscape("neighbourhood", graph)
    radius = checked_count("radius", "neighbourhood", radius, least=0)
    if family not in graph:
        raise InvalidArgument(
            "The 'family' argument of neighbourhood must be a family of the graph; "
            f"got {shown(family)}."
        )
    walked = graph
    if not lineage:
        walked = graph.copy()
        walked.remove_edges_from(
            [
                (first, second, key)
                for first, second, key, data in graph.edges(keys=True, data=True)
                if data["kind"] == LINEAGE
            ]
        )
    around: nx.MultiGraph[str] = nx.ego_graph(walked, family, radius=radius)
    return around
