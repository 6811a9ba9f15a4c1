"""The merge tree against brute force over thresholds, on graphs full of ties and zero heights.

The barrier between two families is the lowest level at which the graph of everything below it
joins them: found here by trying every level, without spanning trees or union-find. The tree's
lowest common ancestors, the routes and the persistences must all say the same.
"""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from synthetic_landscape import ESCAPE_BARRIER, SPURIOUS_LOSS, THREE_CYCLE_LOSS, small_graph

from landtopo.errors import InvalidArgument
from landtopo.landscape.pruning import important, pruned
from landtopo.landscape.tree import merge_tree, minimax_route, transition_graph


def random_graph(seed: int) -> nx.MultiGraph[str]:
    """Families and transitions with losses from a handful of values, zero among them."""
    rng = np.random.default_rng(seed)
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    families = [f"w3-f{number}" for number in range(int(rng.integers(1, 9)))]
    for node in families:
        graph.add_node(node, width=3, loss=float(rng.integers(0, 3)))
    graph.add_node("w4-f0", width=4, loss=0.0)
    for number in range(int(rng.integers(0, 14))):
        first, second = rng.choice(families, 2)
        low = max(graph.nodes[first]["loss"], graph.nodes[second]["loss"])
        loss = low + float(rng.integers(0, 3))
        graph.add_edge(first, second, key=f"w3-t{number}", kind="saddle", loss=loss)
    graph.add_edge(families[0], "w4-f0", key="l0", kind="lineage")
    graph.add_edge(families[0], families[-1], key="w3-t99", kind="saddle", loss=0, verified=False)
    return graph


def barrier_by_thresholds(graph: nx.MultiGraph[str], first: str, second: str) -> float:
    edges = [
        (a, b, data["loss"])
        for a, b, data in graph.edges(data=True)
        if data["kind"] == "saddle" and data.get("verified", True)
    ]
    losses = nx.get_node_attributes(graph, "loss")
    for level in sorted({*losses.values(), *(loss for *_, loss in edges)}):
        below = nx.Graph()
        below.add_nodes_from(node for node in graph if losses[node] <= level)
        below.add_edges_from((a, b) for a, b, loss in edges if loss <= level)
        if first in below and second in below and nx.has_path(below, first, second):
            return level
    return math.inf


@pytest.mark.parametrize("seed", range(60))
def test_tree_and_routes_agree_with_thresholds(seed: int) -> None:
    graph = random_graph(seed)
    tree = merge_tree(graph, 3)
    leaves = [node for node, data in tree.nodes(data=True) if data["kind"] == "family"]
    assert sorted(leaves) == sorted(node for node in graph if graph.nodes[node]["width"] == 3)
    assert nx.is_forest(tree)
    for first, second in itertools.combinations(leaves, 2):
        expected = barrier_by_thresholds(graph, first, second)
        joint = nx.lowest_common_ancestor(tree, first, second)
        assert (tree.nodes[joint]["loss"] if joint else math.inf) == expected
        route = minimax_route(graph, first, second)
        assert (route.highest_loss if route else math.inf) == expected
        if route:
            assert route.families[0] == first
            assert route.families[-1] == second
            assert route.barrier_from == expected - graph.nodes[first]["loss"]
            assert route.barrier_to == expected - graph.nodes[second]["loss"]
            ends_of_steps = itertools.pairwise(route.families)
            for key, ends in zip(route.transitions, ends_of_steps, strict=True):
                assert graph.has_edge(*ends, key=key)


@pytest.mark.parametrize("seed", range(60))
def test_persistence_is_the_barrier_to_a_lower_family(seed: int) -> None:
    graph = random_graph(seed)
    tree = merge_tree(graph, 3)
    losses = {n: graph.nodes[n]["loss"] for n in graph if graph.nodes[n]["width"] == 3}
    for family, loss in losses.items():
        lower = [other for other in losses if (losses[other], other) < (loss, family)]
        reach = [barrier_by_thresholds(graph, family, other) for other in lower]
        assert tree.nodes[family]["persistence"] == min(reach, default=math.inf) - loss


@pytest.mark.parametrize("seed", range(60))
def test_merges_lie_above_each_other_and_ties_are_one_merge(seed: int) -> None:
    tree = merge_tree(random_graph(seed), 3)
    for above, below in tree.edges:
        assert tree.nodes[above]["kind"] == "merge"
        assert tree.out_degree(above) >= 2
        if tree.nodes[below]["kind"] == "merge":
            assert tree.nodes[above]["loss"] > tree.nodes[below]["loss"]
        else:
            assert tree.nodes[above]["loss"] >= tree.nodes[below]["loss"]
    assert sorted(tree.graph["roots"]) == sorted(n for n in tree if tree.in_degree(n) == 0)


def test_tree_does_not_depend_on_the_order_of_the_graph() -> None:
    graph = random_graph(3)
    shuffled: nx.MultiGraph[str] = nx.MultiGraph()
    for node in reversed(list(graph)):
        shuffled.add_node(node, **graph.nodes[node])
    for first, second, key, data in reversed(list(graph.edges(keys=True, data=True))):
        shuffled.add_edge(second, first, key=key, **data)
    one, other = merge_tree(graph, 3), merge_tree(shuffled, 3)
    assert list(one.nodes(data=True)) == list(other.nodes(data=True))
    assert list(one.edges) == list(other.edges)


def test_a_tie_of_many_families_is_one_merge() -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    for number in range(5):
        graph.add_node(f"w2-f{number}", width=2, loss=0.5)
        # Equal heights that differ in the last digits, as refined copies of one saddle do.
        loss = 0.75 + number * 1e-15
        graph.add_edge(f"w2-f{number}", "w2-f0", key=f"t{number}", kind="saddle", loss=loss)
    tree = merge_tree(graph, 2)
    assert tree.out_degree("m0") == 5
    assert tree.number_of_nodes() == 6
    assert tree.nodes["w2-f0"]["persistence"] == math.inf


def test_flat_passes_join_although_rounding_puts_them_below_their_ends() -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.add_node("w7-f0", width=7, loss=4e-31)
    graph.add_node("w7-f1", width=7, loss=9e-31)
    graph.add_edge("w7-f0", "w7-f1", key="w7-t0", kind="flat", loss=0.0)
    tree = merge_tree(graph, 7)
    assert tree.nodes["m0"]["loss"] == 9e-31
    assert tree.nodes["w7-f1"]["persistence"] == 0.0
    route = minimax_route(graph, "w7-f1", "w7-f0")
    assert route is not None
    assert route.barrier_from == 0.0


def test_labelled_copies_are_annotations() -> None:
    tree = merge_tree(small_graph(), 6)
    assert tree.nodes["w6-f0"]["copies"] == ("w6-t1", "w6-t2")
    assert tree.nodes["w6-f0"]["copies_join"] == THREE_CYCLE_LOSS
    assert "copies_join" not in tree.nodes["w6-f1"]
    assert [tree.nodes[family]["orbit_size"] for family in ("w6-f0", "w6-f1")] == [720, 4320]
    assert list(tree.predecessors("w6-f0")) == list(tree.predecessors("w6-f1")) == ["m0"]
    assert tree.nodes["m0"]["transitions"] == ("w6-t0",)
    # The loss of the pass is stored to 1e-17, so the difference carries that error.
    assert tree.nodes["w6-f1"]["persistence"] == pytest.approx(ESCAPE_BARRIER, abs=1e-16)
    assert tree.nodes["w6-f1"]["loss"] == SPURIOUS_LOSS


def test_transition_graph_leaves_out_what_is_not_asked_for() -> None:
    graph = small_graph()
    assert set(transition_graph(graph, 7)) == {"w7-f0", "w7-f1"}
    assert transition_graph(graph).number_of_edges() == 6
    assert transition_graph(graph, 6, level=0.02).number_of_edges() == 0
    assert set(transition_graph(graph, 6, level=0.02)) == {"w6-f0"}


def test_refusals() -> None:
    graph = small_graph()
    with pytest.raises(InvalidArgument, match=r"^The 'width' argument of merge_tree .* got 9\.$"):
        merge_tree(graph, 9)
    with pytest.raises(InvalidArgument, match=r"^The 'second' argument of minimax_route "):
        minimax_route(graph, "w6-f0", "w6-f7")
    assert minimax_route(graph, "w6-f0", "w7-f0") is None


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("importance", [0.0, 0.5, 1.0, math.inf])
def test_pruned_trees_keep_merges_and_persistence_of_what_is_important(
    seed: int, importance: float
) -> None:
    """Against thresholds: two kept families join in the pruned tree where they joined before."""
    graph = random_graph(seed)
    whole = merge_tree(graph, 3)
    kept = important(whole, importance, most=3)
    expected = {
        name for name, data in whole.nodes(data=True) if data.get("persistence", -1) >= importance
    }
    assert kept == expected
    tree = pruned(whole, kept)
    leaves = {name for name, data in tree.nodes(data=True) if data["kind"] == "family"}
    assert leaves == kept
    assert nx.is_forest(tree)
    for first, second in itertools.combinations(sorted(kept), 2):
        joint = nx.lowest_common_ancestor(tree, first, second)
        level = tree.nodes[joint]["loss"] if joint else math.inf
        assert level == barrier_by_thresholds(graph, first, second)
    for root in tree.graph["roots"]:
        below = {name for name in nx.descendants(tree, root) | {root} if name in leaves}
        assert set(tree.nodes[root]["families"]) == below
    for merge in set(tree) - leaves:
        assert tree.out_degree(merge) >= 2


@pytest.mark.parametrize("seed", range(40))
def test_the_most_important_families_do_not_depend_on_ties(seed: int) -> None:
    whole = merge_tree(random_graph(seed), 3)
    lasting = {
        name: data["persistence"]
        for name, data in whole.nodes(data=True)
        if data["kind"] == "family"
    }
    kept = important(whole, most=3)
    assert len(kept) <= 3 or kept == set(lasting)
    hidden = set(lasting) - kept
    if any(map(math.isfinite, (lasting[name] for name in kept))):
        assert max((lasting[name] for name in hidden), default=-1) < min(map(lasting.get, kept))


def test_a_deep_tree_does_not_hold_its_families_once_for_each_merge() -> None:
    """A chain of n families has n (n + 1) / 2 pairs of a merge and a family below it."""
    size = 20_000
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    for number in range(size):
        graph.add_node(f"w2-f{number}", width=2, loss=float(number))
        if number:
            ends = f"w2-f{number - 1}", f"w2-f{number}"
            graph.add_edge(*ends, key=f"t{number}", kind="saddle", loss=number + 0.5)
    tree = merge_tree(graph)
    root = tree.nodes[tree.graph["roots"][0]]["families"]
    assert len(root) == size
    assert (root[0], root[-1], root[1:3]) == ("w2-f0", f"w2-f{size - 1}", ("w2-f1", "w2-f2"))
    assert tree.nodes["m0"]["families"] == ("w2-f0", "w2-f1")
