"""The merge tree (disconnectivity tree) of a width: which families join below which loss.

Only transitions count, never lineage, and only verified ones. A transition joins its families at
its *level*: the loss of the pass, or that of the higher end when rounding puts a flat pass below
it. Levels closer than the tolerance are one level, at which any number of branches may join, so
nothing depends on the order of equal losses. networkx does the graph work: the spanning trees of
scipy.sparse.csgraph lose edges of weight zero, which here are the flat ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from landtopo.checks import checked_count, checked_instance, checked_number, checked_positive, shown
from landtopo.errors import InvalidArgument
from landtopo.landscape.schema import LINEAGE
from landtopo.shown import Brief

__all__ = ["LEVEL_TOLERANCE", "MinimaxRoute", "merge_tree", "minimax_route", "transition_graph"]

#: Levels closer than this are equal: losses of refined points carry errors of about 1e-15.
LEVEL_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimaxRoute(Brief):
    """The route between two families whose highest pass is lowest.

    Attributes
    ----------
    families : tuple of str
        From the first family to the second.
    transitions : tuple of str
        Edge keys along the way.
    highest_loss : float
        Level of the highest pass; the loss of the family when both ends are the same.
    barrier_from, barrier_to : float
        The same above the first and above the second family, in units of the loss.
    """

    families: tuple[str, ...]
    transitions: tuple[str, ...]
    highest_loss: float
    barrier_from: float
    barrier_to: float


def check_landscape(caller: str, graph: nx.MultiGraph[str], width: int | None = None) -> None:
    """Refuse what is no landscape graph, and a width that it does not have."""
    checked_instance("graph", caller, graph, nx.MultiGraph)
    for node, data in graph.nodes(data=True):
        if "width" not in data or "loss" not in data:
            raise InvalidArgument(
                f"The 'graph' argument of {caller} must be a landscape graph; its node "
                f"{shown(node)} has no width and loss."
            )
    for first, second, data in graph.edges(data=True):
        if "kind" not in data or ("loss" not in data and data["kind"] != LINEAGE):
            raise InvalidArgument(
                f"The 'graph' argument of {caller} must be a landscape graph; its edge from "
                f"{shown(first)} to {shown(second)} has no kind and loss."
            )
    if width is not None:
        checked_count("width", caller, width)
        known = {data["width"] for _, data in graph.nodes(data=True)}
        known |= set(graph.graph.get("widths", ()))
        if width not in known:
            raise InvalidArgument(
                f"The 'width' argument of {caller} must be one of {sorted(known)}; got {width!r}."
            )


def transition_graph(
    graph: nx.MultiGraph[str],
    width: int | None = None,
    *,
    level: float = math.inf,
    caller: str = "transition_graph",
) -> nx.MultiGraph[str]:
    """Families and verified transitions up to a level.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int, optional
        Only families of this width; of all widths by default.
    level : float
        Only families of at most this loss, and transitions of at most this level.
    caller : str
        The function that refusals name.

    Returns
    -------
    networkx.MultiGraph
        With the node attribute `loss` and the edge attribute `level`; self-loops join labelled
        copies. Families and transitions come in the order of loss, then of id.
    """
    check_landscape(caller, graph, width)
    checked_number("level", caller, level, "be a number", lambda number: not math.isnan(number))
    found: nx.MultiGraph[str] = nx.MultiGraph()
    losses = {
        node: float(data["loss"])
        for node, data in graph.nodes(data=True)
        if (width is None or data["width"] == width) and data["loss"] <= level
    }
    for node in sorted(losses, key=lambda node: (losses[node], node)):
        found.add_node(node, loss=losses[node])
    edges = []
    for first, second, key, data in graph.edges(keys=True, data=True):
        if data["kind"] == LINEAGE or not data.get("verified", True):
            continue
        if first in losses and second in losses:
            height = max(float(data["loss"]), losses[first], losses[second])
            if height <= level:
                edges.append((height, key, *sorted((first, second))))
    for height, key, first, second in sorted(edges):
        found.add_edge(first, second, key=key, level=height)
    return found


def merge_tree(
    graph: nx.MultiGraph[str], width: int, *, tolerance: float = LEVEL_TOLERANCE
) -> nx.DiGraph[str]:
    """The merge tree of all families of one width; a forest when they are not all joined.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int
        Student width K.
    tolerance : float
        Levels that differ by no more are one level.

    Returns
    -------
    networkx.DiGraph
        Edges lead from a merge to what it joins. Leaves are the families (kind "family"), with
        `loss`, `persistence` (loss of the merge in which a family of lower loss takes over, minus
        its own; infinite for the lowest of each tree), `copies` (keys of the transitions between
        its labelled copies), `copies_join` (the lowest level of those, if there are any) and
        `orbit_size` (number of its labelled copies, if known).
        Inner nodes m0, m1, ... (kind "merge"), numbered upwards, have `loss` (the level),
        `families`, `lowest` (the family that goes on) and `transitions` (keys of the edges that
        join there). The graph attribute `roots` lists the roots.

    Raises
    ------
    InvalidArgument
        The graph has no family of this width.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> len(lt.merge_tree(graph, width=2))
    1
    """
    checked_positive("tolerance", "merge_tree", tolerance)
    transitions = transition_graph(graph, width, caller="merge_tree")
    if not transitions:
        raise InvalidArgument(
            f"The 'width' argument of merge_tree must be one with families; got {width!r}."
        )
    tree: nx.DiGraph[str] = nx.DiGraph(width=width)
    order = {node: place for place, node in enumerate(transitions)}
    for node, data in transitions.nodes(data=True):
        loops = transitions.get_edge_data(node, node) or {}
        tree.add_node(
            node,
            kind="family",
            loss=data["loss"],
            families=(node,),
            lowest=node,
            persistence=math.inf,
            copies=tuple(sorted(loops)),
        )
        if "orbit_size" in graph.nodes[node]:
            tree.nodes[node]["orbit_size"] = int(graph.nodes[node]["orbit_size"])
        if loops:
            tree.nodes[node]["copies_join"] = min(loop["level"] for loop in loops.values())
    top = {node: node for node in transitions}  # family -> root of its present tree
    for group in _levels(transitions, tolerance):
        level = group[-1][0]
        joining: nx.MultiGraph[str] = nx.MultiGraph()
        for _, key, first, second in group:
            if top[first] != top[second]:
                joining.add_edge(top[first], top[second], key=key)
        merged = [
            sorted(part, key=lambda node: order[tree.nodes[node]["lowest"]])
            for part in nx.connected_components(joining)
        ]
        for parts in sorted(merged, key=lambda parts: order[tree.nodes[parts[0]]["lowest"]]):
            _join(tree, parts, level, joining.subgraph(parts).edges(keys=True), top)
    tree.graph["roots"] = tuple(dict.fromkeys(top.values()))
    return tree


def _levels(
    transitions: nx.MultiGraph[str], tolerance: float
) -> list[list[tuple[float, str, str, str]]]:
    """Edges between different families in groups of one level, upwards."""
    edges = sorted(
        (float(data["level"]), key, first, second)
        for first, second, key, data in transitions.edges(keys=True, data=True)
        if first != second
    )
    groups: list[list[tuple[float, str, str, str]]] = []
    for edge in edges:
        if groups and edge[0] - groups[-1][-1][0] <= tolerance:
            groups[-1].append(edge)
        else:
            groups.append([edge])
    return groups


def _join(
    tree: nx.DiGraph[str],
    parts: list[str],
    level: float,
    edges: Iterable[tuple[str, str, str]],
    top: dict[str, str],
) -> None:
    """Put a merge above the given roots, the one with the lowest family first."""
    merge = f"m{sum(data['kind'] == 'merge' for _, data in tree.nodes(data=True))}"
    families = tuple(family for part in parts for family in tree.nodes[part]["families"])
    tree.add_node(
        merge,
        kind="merge",
        loss=level,
        families=families,
        lowest=tree.nodes[parts[0]]["lowest"],
        transitions=tuple(sorted(key for _, _, key in edges)),
    )
    for part in parts:
        tree.add_edge(merge, part)
    for part in parts[1:]:
        ended = tree.nodes[tree.nodes[part]["lowest"]]
        ended["persistence"] = level - ended["loss"]
    for family in families:
        top[family] = merge


def minimax_route(graph: nx.MultiGraph[str], first: str, second: str) -> MinimaxRoute | None:
    """The route between two families whose highest pass is lowest, by verified transitions.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    first, second : str
        Node ids of families.

    Returns
    -------
    MinimaxRoute or None
        None when no chain of transitions joins them.

    Raises
    ------
    InvalidArgument
        An id is not in the graph.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> lt.minimax_route(graph, "w2-f0", "w2-f0").families
    ('w2-f0',)
    """
    check_landscape("minimax_route", graph)
    for name, node in (("first", first), ("second", second)):
        if node not in graph:
            raise InvalidArgument(
                f"The '{name}' argument of minimax_route must be a family of the graph; "
                f"got {shown(node)}."
            )
    transitions = transition_graph(graph)
    # A path in a minimum spanning tree has the lowest possible highest edge.
    spanning = nx.minimum_spanning_tree(transitions, weight="level")
    if not nx.has_path(spanning, first, second):
        return None
    families = nx.shortest_path(spanning, first, second)
    steps = [next(iter(spanning.get_edge_data(a, b).items())) for a, b in pairwise(families)]
    losses = nx.get_node_attributes(transitions, "loss")
    highest = max([losses[first], losses[second], *(step["level"] for _, step in steps)])
    return MinimaxRoute(
        families=tuple(families),
        transitions=tuple(key for key, _ in steps),
        highest_loss=highest,
        barrier_from=highest - losses[first],
        barrier_to=highest - losses[second],
    )
