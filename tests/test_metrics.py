"""Measures of connectivity against definitions: thresholds, the ultrametric inequality, igraph.

Component counts and the minimax matrix are compared with connected components at every level;
cycle numbers with the rank of the incidence matrix; comparisons with graphs changed on purpose.
"""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from synthetic_landscape import large_graph, small_graph
from test_tree import barrier_by_thresholds, random_graph

from landtopo.errors import InvalidArgument
from landtopo.landscape.comparison import compare_graphs
from landtopo.landscape.metrics import (
    component_counts,
    components,
    independent_cycles,
    minimax_matrix,
    neighbourhood,
)
from landtopo.landscape.tree import transition_graph


@pytest.mark.parametrize("seed", range(40))
def test_minimax_matrix(seed: int) -> None:
    graph = random_graph(seed)
    ids, matrix = minimax_matrix(graph, width=3)
    for (i, first), (j, second) in itertools.product(enumerate(ids), repeat=2):
        if i == j:
            assert matrix[i, j] == graph.nodes[first]["loss"]
        else:
            assert matrix[i, j] == barrier_by_thresholds(graph, first, second)
    # Ultrametric: the way through a third family is never lower.
    through = np.maximum(matrix[:, :, None], matrix[None, :, :]).min(axis=1)
    assert np.all(matrix <= through)


@pytest.mark.parametrize("seed", range(40))
def test_component_counts_at_every_level(seed: int) -> None:
    graph = random_graph(seed)
    counts = component_counts(graph, width=3)
    levels = [entry.level for entry in counts]
    assert levels == sorted(set(levels))
    for level in np.arange(-0.5, 6.0, 0.5):
        before = [entry.components for entry in counts if entry.level <= level]
        assert len(components(graph, level, width=3)) == (before[-1] if before else 0)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("copies", [False, True])
def test_cycles_are_the_kernel_of_the_incidence_matrix(seed: int, copies: bool) -> None:
    graph = random_graph(seed)
    whole = transition_graph(graph, 3)
    place = {node: index for index, node in enumerate(whole)}
    edges = [(a, b) for a, b in whole.edges() if copies or a != b]
    incidence = np.zeros((len(place), len(edges)))
    for column, (a, b) in enumerate(edges):
        incidence[place[a], column] += 1
        incidence[place[b], column] -= 1
    rank = np.linalg.matrix_rank(incidence) if edges else 0
    assert independent_cycles(graph, width=3, copies=copies) == len(edges) - rank


def test_components_come_in_the_order_of_their_lowest_loss() -> None:
    assert components(small_graph(), 0.0189) == [
        {"w6-f0"},
        {"w8-f0"},
        {"w7-f0"},
        {"w7-f1"},
    ]
    assert components(small_graph(), width=6) == [{"w6-f0", "w6-f1"}]


def test_large_matrix_agrees_with_igraph() -> None:
    igraph = pytest.importorskip("igraph")
    ids, matrix = minimax_matrix(large_graph(400, 4), width=7)
    whole = transition_graph(large_graph(400, 4), 7)
    oracle = igraph.Graph(
        n=len(ids), edges=[(ids.index(a), ids.index(b)) for a, b in whole.edges()]
    )
    weights = [data["level"] for *_, data in whole.edges(data=True)]
    tree = oracle.spanning_tree(weights=weights, return_tree=False)
    kept = igraph.Graph(n=len(ids), edges=[oracle.es[index].tuple for index in tree])
    heights = [weights[index] for index in tree]
    for target in range(0, len(ids), 7):
        for source, path in enumerate(kept.get_shortest_paths(target, output="epath")):
            if source != target:
                assert matrix[target, source] == max(heights[index] for index in path)


def test_unconnected_families_are_infinitely_far() -> None:
    ids, matrix = minimax_matrix(small_graph())
    assert matrix[ids.index("w6-f0"), ids.index("w7-f0")] == math.inf


def test_neighbourhood() -> None:
    graph = small_graph()
    assert set(neighbourhood(graph, "w6-f1")) == {"w6-f0", "w6-f1", "w7-f0", "w7-f1"}
    assert set(neighbourhood(graph, "w6-f1", lineage=False)) == {"w6-f0", "w6-f1"}
    assert set(neighbourhood(graph, "w6-f1", radius=2)) == set(graph)
    around = neighbourhood(graph, "w8-f0")
    assert set(around) == {"w8-f0", "w7-f0", "w7-f1"}
    assert around.nodes["w7-f1"]["loss"] == 0.0187
    assert isinstance(around, nx.MultiGraph)
    with pytest.raises(InvalidArgument, match=r"^The 'family' argument of neighbourhood "):
        neighbourhood(graph, "w9-f0")


def test_a_renamed_graph_is_equal() -> None:
    graph = small_graph()
    names = {node: f"x{place}" for place, node in enumerate(graph)}
    renamed = nx.relabel_nodes(graph, names)
    for *_, data in renamed.edges(data=True):
        data["from_id"], data["to_id"] = names[data["from_id"]], names[data["to_id"]]
    report = compare_graphs(graph, renamed)
    assert report.equal
    assert {(pair.first, pair.second) for pair in report.families} == set(names.items())
    assert len(report.edges_same) == graph.number_of_edges()


def test_comparison_finds_each_change() -> None:
    first, second = small_graph(), small_graph()
    second.remove_node("w7-f1")
    second.edges["w6-f1", "w6-f0", "w6-t0"]["loss"] += 1e-6
    second.add_node("w6-f2", **{**first.nodes["w6-f1"], "loss": 0.07})
    data = {**first.edges["w6-f0", "w6-f0", "w6-t1"], "cycle_type": "5 1"}
    second.add_edge("w6-f0", "w6-f0", key="w6-t3", **data)
    report = compare_graphs(first, second)
    assert not report.equal
    assert report.families_only_first == ("w7-f1",)
    assert report.families_only_second == ("w6-f2",)
    assert [pair.first for pair in report.edges_changed] == ["w6-t0"]
    assert report.edges_changed[0].change == pytest.approx(1e-6, rel=1e-9)
    assert set(report.edges_only_first) == {"w7-t1", "l2", "l4"}
    assert report.edges_only_second == ("w6-t3",)


def test_comparison_tells_families_of_equal_loss_apart_by_what_they_are() -> None:
    first, second = small_graph(), small_graph()
    second.nodes["w6-f1"]["anti_aligned"] = 2
    report = compare_graphs(first, second)
    assert report.families_only_first == report.families_only_second == ("w6-f1",)
    second.nodes["w6-f1"]["anti_aligned"] = 1
    second.nodes["w6-f1"]["eigenvalues"] = second.nodes["w6-f1"]["eigenvalues"] + 0.01
    assert compare_graphs(first, second).families_only_first == ("w6-f1",)
