"""Landscapes of one teacher under several activations, side by side."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as main

import landtopo as lt

TEACHER = lt.Teacher.orthonormal(2)


def graph_of(activation: str) -> nx.MultiGraph[str]:
    return lt.landscape_graph(TEACHER.with_function(activation), widths=[2, 3], starts=100)


@pytest.fixture(scope="module")
def graphs() -> dict[str, nx.MultiGraph[str]]:
    return {name: graph_of(name) for name in ("relu", "leaky:0.3", "erf")}


def test_an_extra_neuron_of_erf_brings_a_spurious_minimum_that_relu_has_not(
    graphs: dict[str, nx.MultiGraph[str]],
) -> None:
    found = lt.compare_models(graphs)
    entries = {(entry.model, entry.width): entry for entry in found.entries}
    assert list(entries) == [(name, width) for width in (2, 3) for name in graphs]
    for name in ("relu", "leaky:0.3"):
        assert entries[name, 3].flat == entries[name, 3].families == 1
        assert entries[name, 3].spurious_share == 0.0
        assert entries[name, 3].pieces == 1
        assert not entries[name, 3].appear
    erf = entries["erf", 3]
    assert (erf.families, erf.isolated, len(erf.appear), erf.go) == (2, 2, 1, ())
    # All six numberings of two neurons and a zero one are pieces of their own.
    assert erf.pieces == 6
    share, low, high = erf.spurious_share, erf.spurious_low, erf.spurious_high
    assert share is not None
    assert low is not None
    assert high is not None
    assert 0.2 < low < share < high < 0.6
    (new,) = (one for one in found.families if one.model == "erf" and one.partner is None)
    # Without a student half of E[f*^2] = 2 E[erf(z / sqrt 2)^2] = 2 / 3 is left.
    assert new.unexplained == pytest.approx(0.0014955118 / (1 / 3), rel=1e-6)
    assert new.family in erf.appear


def test_distances_are_those_of_the_closest_numberings(
    graphs: dict[str, nx.MultiGraph[str]],
) -> None:
    found = lt.compare_models(graphs)

    def weights(model: str, family: str) -> np.ndarray:
        return np.asarray(graphs[model].nodes[family]["weights"])

    for one in found.families:
        if one.partner is None:
            continue
        here, there = weights(one.model, one.family), weights("relu", one.partner)
        apart = []
        for students in permutations(range(one.width)):
            for teachers in ([0, 1], [1, 0]):
                moved = there[list(students)][:, teachers]
                q = here @ here.T - moved @ moved.T
                apart.append(np.sqrt(np.sum(q**2) + 2 * np.sum((here - moved) ** 2)))
        assert one.distance == pytest.approx(min(apart), abs=1e-9)


def test_bad_graphs_are_refused_in_one_sentence(graphs: dict[str, nx.MultiGraph[str]]) -> None:
    with pytest.raises(lt.InvalidArgument, match="two or more"):
        lt.compare_models({"relu": graphs["relu"]})
    other = lt.landscape_graph(lt.Teacher.equicorrelated(2, 0.3), widths=2, starts=20)
    with pytest.raises(lt.InvalidArgument, match="those of other are others"):
        lt.compare_models({"relu": graphs["relu"], "other": other})


def test_the_command_prints_the_same_and_draws_it(
    graphs: dict[str, nx.MultiGraph[str]], tmp_path: Path
) -> None:
    files = []
    for name, graph in graphs.items():
        files.append(str(tmp_path / f"{name.partition(':')[0]}.json"))
        lt.write_graph(graph, files[-1])
    picture = tmp_path / "models.svg"
    done = CliRunner().invoke(
        main, ["compare", *files, "--width", "3", "--picture", str(picture), "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    found = lt.compare_models(graphs)
    assert told["models"] == list(graphs)
    assert told["widths"] == json.loads(json.dumps(found.rows()))
    drawn = picture.read_text("utf-8")
    assert all(word in drawn for word in ("leaky:0.3", "minima at width 3"))
    text = CliRunner().invoke(main, ["compare", *files]).stdout
    assert "none: it appears" in text
    again = CliRunner().invoke(main, ["compare", *files, "--picture", str(picture)])
    assert again.exit_code == 2
    assert "exists" in again.stderr
    unused = CliRunner().invoke(main, ["compare", *files, "--width", "3"])
    assert unused.exit_code == 2
    assert "--width does nothing without --picture" in unused.stderr


def test_trained_and_constrained_students_are_rows_beside_free_ones(
    graphs: dict[str, nx.MultiGraph[str]], tmp_path: Path
) -> None:
    few = lt.ExploreOptions(
        random_starts=8, mode_starts=8, line_starts=4, patience=10, tries=1, check_pairs=1
    )
    kinds = {
        "trained": lt.trained_models(TEACHER, [2, 3], init_outputs="normal"),
        "normalised": lt.constrained_models(TEACHER, "normalised", [2, 3]),
    }
    found = {
        name: lt.landscape_graph(models, starts=12, options=few) for name, models in kinds.items()
    }
    compared = lt.compare_models({"relu": graphs["relu"], **found})
    entries = {(entry.model, entry.width): entry for entry in compared.entries}
    assert len(entries) == 6
    # The teacher itself at width 2: two labelled copies, of each model.
    for name in ("relu", *kinds):
        assert entries[name, 2].pieces == 2
        assert abs(entries[name, 2].lowest) < 1e-12
    lowest = {(one.model, one.width, one.loss < 1e-12): one.distance for one in compared.families}
    assert lowest["trained", 2, True] == pytest.approx(0.0, abs=1e-6)
    assert lowest["normalised", 2, True] == pytest.approx(0.0, abs=1e-6)
    # With free signs the minimum of width 1 comes back on a line without bound.
    trained = entries["trained", 2]
    assert trained.flat >= 1
    assert trained.lowest_escape == 0.0
    lines = [one for one in compared.families if one.model == "trained" and one.width == 2]
    assert [one.partner is None for one in lines] == [one.loss > 1e-12 for one in lines]
    # A wider normalised student is not the teacher; its lowest level counts, in isolated points.
    wider, nodes = entries["normalised", 3], found["normalised"].nodes
    assert wider.lowest > 0.1
    families = [data for _, data in nodes(data=True) if data["width"] == 3]
    best = [data for data in families if data["loss"] < wider.lowest + 1e-9]
    (one,) = best
    x = np.asarray(one["coordinates"]).reshape(3, -1)[:, :2]
    copies = {
        tuple(x[list(students)][:, teachers].round(6).ravel() + 0.0)
        for students in permutations(range(3))
        for teachers in ([0, 1], [1, 0])
    }
    assert wider.pieces == len(copies)
    assert wider.spurious_share == pytest.approx(1.0 - one["count"] / 12)
    files = []
    for name, graph in (("relu", graphs["relu"]), *found.items()):
        files.append(str(tmp_path / f"{name}.json"))
        lt.write_graph(graph, files[-1])
    done = CliRunner().invoke(main, ["compare", *files, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["models"] == ["relu", "relu, trained", "relu, normalised"]
    assert [row["pieces"] for row in told["widths"]] == [entry.pieces for entry in compared.entries]
    assert "relu, normalised" in CliRunner().invoke(main, ["compare", *files]).stdout


def test_graphs_without_students_are_refused() -> None:
    bowl = lt.function_model(lambda x: float(x @ x), low=[-1.0], high=[1.0])
    other = lt.landscape_graph(bowl, starts=2)
    with pytest.raises(lt.InvalidArgument, match="must be a landscape of networks"):
        lt.compare_models({"relu": other, "other": other})
