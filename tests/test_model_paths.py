"""Paths and null directions of models in studies: kept, read back, and never less than is known."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application
from scipy.integrate import solve_ivp

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.connections import FunctionPath, connect
from landtopo.models.copies import ModelCopies
from landtopo.models.named import named_model
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array
from landtopo.study.codec import decode, encode


def run(*arguments: object) -> Any:
    return CliRunner().invoke(application, [str(each) for each in arguments])


def repelled() -> SmoothModel:
    """Three particles on a line, each in the same two wells, that repel each other."""

    def energy(x: Array) -> float:
        pairs = x - np.roll(x, 1)
        return float(np.sum((x**2 - 1.0) ** 2) + 0.5 * np.sum(np.exp(-(pairs**2))))

    def gradient(x: Array) -> Array:
        back, ahead = x - np.roll(x, 1), np.roll(x, -1) - x
        push = -back * np.exp(-(back**2)) + ahead * np.exp(-(ahead**2))
        return 4.0 * x * (x**2 - 1.0) + push

    symmetry = [[2, 1, 3], [2, 3, 1], [-1, -2, -3]]
    return lt.function_model(
        energy, gradient, low=[-2.0] * 3, high=[2.0] * 3, symmetry=symmetry, name="repelled"
    )


def labelled_heights(model: SmoothModel, graph: nx.MultiGraph[str]) -> tuple[list[Array], Any]:
    """All copies of minima, and a tree with the lowest height between each two.

    By flows of a standard integrator from all copies of passes.
    """
    symmetry, slope = model.shape.symmetry, model.shape.objective.value_and_gradient

    def copies(x: Array) -> list[Array]:
        found: list[Array] = []
        for element in symmetry.group.elements():
            copy = symmetry.act(element.tolist(), x)
            if all(np.abs(copy - other).max() > 1e-5 for other in found):
                found.append(copy)
        return found

    minima = [copy for data in graph.nodes.values() for copy in copies(data["coordinates"])]
    joined: nx.Graph[int] = nx.Graph()
    joined.add_nodes_from(range(len(minima)))
    for data in graph.edges.values():
        for state in copies(data["coordinates"]):
            mode = np.linalg.eigh(model.shape.objective.hessian(state))[1][:, 0]
            ends = []
            for side in (1e-4, -1e-4):
                flow = solve_ivp(
                    lambda _, x: -slope(x)[1], (0.0, 60.0), state + side * mode, rtol=1e-8
                )
                ends.append(int(np.argmin([np.abs(x - flow.y[:, -1]).max() for x in minima])))
            known = joined.get_edge_data(*ends, default={"height": np.inf})["height"]
            joined.add_edge(*ends, height=min(known, data["loss"]))
    return minima, nx.minimum_spanning_tree(joined, weight="height")


def test_paths_are_never_higher_than_copies_of_the_graph_allow() -> None:
    model = repelled()
    graph = lt.landscape_graph(model, starts=20)
    minima, tree = labelled_heights(model, graph)
    assert len(minima) == sum(data["orbit_size"] for data in graph.nodes.values())
    for first, last in list(combinations(range(len(minima)), 2))[::5]:
        route = nx.shortest_path(tree, first, last)
        height = max(tree.edges[step]["height"] for step in pairwise(route))
        path = connect(model, minima[first], minima[last], graph=graph)
        assert path.verified
        assert path.highest_loss <= height + 1e-9
        # The graph has all of the few passes, so that nothing is lower either.
        assert path.highest_loss == pytest.approx(height, abs=1e-9)
    assert np.array_equal(path.points[0], path.start)
    assert encode(decode(encode(path))) == encode(path)


def test_copies_of_clusters_are_located_by_elements_that_make_them() -> None:
    model = named_model("lj:5")
    copies, generator = ModelCopies(model), np.random.default_rng(0)
    x = lt.landscape_graph(model, starts=4).nodes["min0"]["coordinates"] / model.length
    assert copies.locate(x, -9.0) == (0, pytest.approx(range(7)))
    # A trigonal bipyramid: the point group D_3h.
    assert copies.stabiliser(0).order == 12
    turn = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    moved = (x.reshape(5, 3)[generator.permutation(5)] @ turn.T + 0.3).ravel()
    family, element = copies.locate(moved, -9.0)
    made = copies.act(element, np.array([x, x]))
    assert family == 0
    assert np.abs(model.shape.gauge.align(made[1], moved) - moved).max() < 1e-7


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("paths") / "h.landtopo"
    assert run("graph", "--model", "himmelblau", "--starts", 12, "-o", path).exit_code == 0
    return path


def test_what_a_path_finds_serves_the_graph_and_is_read_back(kept: Path) -> None:
    with lt.Study.open(kept, write=True) as study:
        whole = study.graph()
        less = whole.copy()
        less.remove_edges_from([(a, b, k) for a, b, k in whole.edges(keys=True) if k == "ts2"])
        less.remove_node("min2")
        study.save_graph(less)
    found = run("path", "-o", kept, "--from", "min0", "--to", "min1", "--json")
    path = json.loads(found.stdout)
    assert path["verified"]
    assert path["highest_loss"] == pytest.approx(whole.edges["min0", "min3", "ts2"]["loss"])
    assert "The graph of the study has gained" in found.stderr
    with lt.Study.open(kept) as study:
        graph = study.graph()
        heights = [sorted(d["loss"] for d in one.edges.values()) for one in (graph, whole)]
        np.testing.assert_allclose(*heights, atol=1e-9)
        sources = {data["found_by"] for data in [*graph.nodes.values(), *graph.edges.values()]}
        assert {"searches for minima", "paths"} <= sources
        ((start, end, _, record),) = study.paths(2)
        assert isinstance(record, FunctionPath)
        # The ids are those that the ends have now.
        for name, x in ((start, record.start), (end, record.end)):
            np.testing.assert_allclose(graph.nodes[name]["coordinates"], x, atol=1e-9)
    shown = json.loads(run("show", kept, "--json").stdout)
    assert [one["highest_loss"] for one in shown["paths"]] == [path["highest_loss"]]
    assert "Paths" in run("show", kept).stdout


def test_null_directions_are_kept_and_not_worked_out_again(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run("flat", "-o", kept, "--json")
    monkeypatch.setattr("landtopo.models.flat.flat_directions", None)
    again = run("flat", "-o", kept, "--json")
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    shown = json.loads(run("show", kept, "--json").stdout)["flat_directions"]
    assert sorted(one["id"] for one in shown) == sorted(
        one["id"] for one in json.loads(first.stdout)
    )
    assert "Null directions" in run("show", kept).stdout


def test_saddles_serve_the_graph(tmp_path: Path) -> None:
    study = tmp_path / "s"
    run("graph", "--model", "himmelblau", "--starts", 12, "-o", study)
    with lt.Study.open(study, write=True) as opened:
        whole = opened.graph()
        less = whole.copy()
        less.remove_edges_from([(a, b, k) for a, b, k in whole.edges(keys=True) if k == "ts0"])
        opened.save_graph(less)
    found = run("saddles", "-o", study, "--starts", 12)
    assert "The graph of the study has gained 1 transition." in found.stderr
    with lt.Study.open(study) as opened:
        new = [d for d in opened.graph().edges.values() if d["found_by"] == "searches for saddles"]
    assert [data["loss"] for data in new] == [pytest.approx(13.3119262704, abs=1e-9)]


def test_a_graph_of_another_model_is_refused() -> None:
    graph = lt.landscape_graph(named_model("himmelblau"), starts=4)
    with pytest.raises(InvalidArgument, match="must be of the function repelled; got one of func"):
        connect(repelled(), np.ones(3), -np.ones(3), graph=graph)
