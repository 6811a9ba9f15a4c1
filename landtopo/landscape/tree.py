"""The merge tree (disconnectivity tree) of a width: which families join below which loss.

Only transitions count, never lineage, and only verified ones. A transition joins its families at
its *level*: the loss of the pass, or that of the higher end when rounding puts a flat pass below
it. Levels closer than the tolerance are one level, at which any number of branches may join, so
nothing depends on the order of equal losses. networkx does the graph work: the spanning trees of
scipy.sparse.csgraph lose edges of weight zero, which here are the flat ones.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from landtopo.checks import checked_count, checked_instance, checked_number, checked_positive, shown
from landtopo.errors import InvalidArgument
from landtopo.landscape.leaves import put_leaves
from landtopo.landscape.schema import LINEAGE, MODEL
from landtopo.shown import Brief
from landtopo.tolerances import LEVEL

__all__ = [
    "MinimaxRoute",
    "check_landscape",
    "check_networks",
    "merge_tree",
    "minimax_route",
    "transition_graph",
]


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


def check_networks(caller: str, graph: nx.MultiGraph[str]) -> None:
    """Refuse a landscape that is not of networks, and so has no widths."""
    if MODEL in getattr(graph, "graph", {}):
        raise InvalidArgument(
            f"The 'graph' argument of {caller} must be a landscape of networks; it is one of a "
            f"{graph.graph[MODEL]}."
        )


def check_landscape(caller: str, graph: nx.MultiGraph[str], width: int | None = None) -> None:
    """Refuse what is no landscape graph, and a width that it does not have."""
    checked_instance("graph", caller, graph, nx.MultiGraph)
    for node, data in graph.nodes(data=True):
        if "loss" not in data or ("width" not in data and MODEL not in graph.graph):
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
        known = {data["width"] for _, data in graph.nodes(data=True) if "width" in data}
        known |= set(graph.graph.get("widths", ()))
        if not known and MODEL in graph.graph:
            raise InvalidArgument(
                f"The 'width' argument of {caller} must be left out for a landscape without widths."
            )
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
    losses, passes = _below(graph, width, level)
    found: nx.MultiGraph[str] = nx.MultiGraph()
    for node, loss in losses.items():
        found.add_node(node, loss=loss)
    for height, key, first, second in passes:
        found.add_edge(first, second, key=key, level=height)
    return found


#: Level and key of a transition, and its families, sorted.
_Pass = tuple[float, str, str, str]


def _below(
    graph: nx.MultiGraph[str], width: int | None, level: float = math.inf
) -> tuple[dict[str, float], list[_Pass]]:
    """Losses of families and verified transitions up to a level, by loss, then by id."""
    known = sorted(
        (float(data["loss"]), node)
        for node, data in graph.nodes(data=True)
        if (width is None or data.get("width") == width) and data["loss"] <= level
    )
    losses = {node: loss for loss, node in known}
    passes = []
    for first, second, key, data in graph.edges(keys=True, data=True):
        if data["kind"] == LINEAGE or not data.get("verified", True):
            continue
        if first in losses and second in losses:
            height = max(float(data["loss"]), losses[first], losses[second])
            if height <= level:
                passes.append((height, key, min(first, second), max(first, second)))
    return losses, sorted(passes)


def merge_tree(
    graph: nx.MultiGraph[str], width: int | None = None, *, tolerance: float = LEVEL
) -> nx.DiGraph[str]:
    """The merge tree of all families of one width; a forest when they are not all joined.

    The time grows hardly faster than the number of families and transitions.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int, optional
        Student width K; may be left out where the graph has one width only, or none.
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
        `families` (a sequence), `lowest` (the family that goes on) and `transitions` (keys of the
        edges that join there). The graph attribute `roots` lists the roots.

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
    check_landscape("merge_tree", graph, width)
    if width is None:
        width = _only_width(graph)
    losses, passes = _below(graph, width)
    if not losses:
        raise InvalidArgument(
            f"The 'width' argument of merge_tree must be one with families; got {width!r}."
        )
    tree: nx.DiGraph[str] = nx.DiGraph(width=width)
    _put_families(tree, graph, losses, passes)
    order = {node: place for place, node in enumerate(losses)}
    # What is joined is known by its lowest family: from there, ways up are short in a deep tree.
    above = {node: node for node in losses}
    node_of = dict(above)
    merges = 0
    for group in _levels(passes, tolerance):
        edges = [(_top(above, first), _top(above, second), key) for _, key, first, second in group]
        if len(edges) == 1 and edges[0][0] == edges[0][1]:
            # Most transitions of a large landscape join what lower ones have joined.
            continue
        sets = [(sorted(lowest, key=order.__getitem__), keys) for lowest, keys in _parts(edges)]
        for lowest, keys in sorted(sets, key=lambda part: order[part[0][0]]):
            merge = f"m{merges}"
            merges += 1
            _join(tree, merge, [node_of[family] for family in lowest], group[-1][0], keys)
            above.update(dict.fromkeys(lowest, lowest[0]))
            node_of[lowest[0]] = merge
    tree.graph["roots"] = tuple(dict.fromkeys(node_of[_top(above, node)] for node in losses))
    put_leaves(tree, order)
    return tree


def _top(above: dict[str, str], node: str) -> str:
    """The lowest family of what a family is joined to; the way there is halved for next time."""
    while above[node] != node:
        above[node] = above[above[node]]
        node = above[node]
    return node


def _only_width(graph: nx.MultiGraph[str]) -> int | None:
    """The width of all families; None where there are no widths."""
    widths = sorted({data["width"] for _, data in graph.nodes(data=True) if "width" in data})
    if len(widths) > 1:
        raise InvalidArgument(
            f"The 'width' argument of merge_tree must be one of {widths}; got None."
        )
    return widths[0] if widths else None


def _put_families(
    tree: nx.DiGraph[str],
    graph: nx.MultiGraph[str],
    losses: Mapping[str, float],
    passes: Iterable[_Pass],
) -> None:
    """The leaves, with the transitions between labelled copies of each."""
    loops: defaultdict[str, list[_Pass]] = defaultdict(list)
    for found in passes:
        if found[2] == found[3]:
            loops[found[2]].append(found)
    for node, loss in losses.items():
        own = loops.get(node, [])
        tree.add_node(
            node,
            kind="family",
            loss=loss,
            families=(node,),
            lowest=node,
            persistence=math.inf,
            copies=tuple(sorted(key for _, key, *_ in own)),
        )
        if "orbit_size" in graph.nodes[node]:
            tree.nodes[node]["orbit_size"] = int(graph.nodes[node]["orbit_size"])
        if own:
            tree.nodes[node]["copies_join"] = own[0][0]


def _levels(passes: Iterable[_Pass], tolerance: float) -> Iterator[list[_Pass]]:
    """Transitions between different families in groups of one level, upwards."""
    group: list[_Pass] = []
    for found in passes:
        if found[2] == found[3]:
            continue
        if group and found[0] - group[-1][0] > tolerance:
            yield group
            group = []
        group.append(found)
    if group:
        yield group


def _parts(edges: Iterable[tuple[str, str, str]]) -> list[tuple[set[str], list[str]]]:
    """What the edges of one level join: sets of nodes, and the keys of the edges in each."""
    known = [edge for edge in edges if edge[0] != edge[1]]
    if len(known) < 2:
        return [({first, second}, [key]) for first, second, key in known]
    joined: nx.utils.UnionFind[str] = nx.utils.UnionFind()
    for first, second, _ in known:
        joined.union(first, second)
    parts: dict[str, tuple[set[str], list[str]]] = {}
    for first, second, key in known:
        nodes, keys = parts.setdefault(joined[first], (set(), []))
        nodes.update((first, second))
        keys.append(key)
    return list(parts.values())


def _join(
    tree: nx.DiGraph[str], merge: str, roots: list[str], level: float, keys: Iterable[str]
) -> None:
    """Put a merge above the given roots, the one with the lowest family first."""
    tree.add_node(
        merge,
        kind="merge",
        loss=level,
        families=(),
        lowest=tree.nodes[roots[0]]["lowest"],
        transitions=tuple(sorted(keys)),
    )
    for root in roots:
        tree.add_edge(merge, root)
    for root in roots[1:]:
        ended = tree.nodes[tree.nodes[root]["lowest"]]
        ended["persistence"] = level - ended["loss"]


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
