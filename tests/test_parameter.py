"""Models over a parameter: what becomes of minima, against closed forms of where they end."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.named import named_over, parsed_values
from landtopo.models.smooth import SmoothModel
from landtopo.study.verification import verify

FILE = """\
import landtopo as lt


def tilted(tilt):
    return lt.function_model(
        lambda x: float(x[0] ** 4 - 2.0 * x[0] ** 2 + tilt * x[0]), low=[-2.0], high=[2.0]
    )
"""
#: The slope of x^4 - 2 x^2 is steepest at x^2 = 1/3.
FOLD = 8.0 / math.sqrt(27.0)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(application, [str(each) for each in arguments])


def fork(mu: float, bias: float = 0.0) -> SmoothModel:
    """A pitchfork at mu = 0 in one coordinate, symmetric unless it has a bias."""
    return lt.function_model(
        lambda x: float(x[0] ** 4 / 4 - mu * x[0] ** 2 / 2 + bias * x[0] + x[1] ** 2),
        lambda x: [x[0] ** 3 - mu * x[0] + bias, 2 * x[1]],
        lambda x: [[3 * x[0] ** 2 - mu, 0], [0, 2]],
        low=[-2.0] * 2,
        high=[2.0] * 2,
        symmetry=[] if bias else [[-1, 2]],
    )


def tilted(tilt: float) -> SmoothModel:
    return lt.function_model(
        lambda x: float(x[0] ** 4 - 2.0 * x[0] ** 2 + tilt * x[0]),
        lambda x: 4.0 * x**3 - 4.0 * x + tilt,
        lambda x: [[12.0 * x[0] ** 2 - 4.0]],
        low=[-2.0],
        high=[2.0],
    )


def lines(graph: nx.MultiGraph[str]) -> list[dict[str, Any]]:
    return [data for data in graph.edges.values() if data["kind"] == "lineage"]


def told(graph: nx.MultiGraph[str]) -> list[tuple[str, str, str, str]]:
    return [(one["from_id"], one["operation"], one["fate"], one["to_id"]) for one in lines(graph)]


def test_a_minimum_vanishes_at_a_fold() -> None:
    graph = lt.landscape_graph(lt.parameter_models(tilted, "tilt", [1.0, 1.5, 2.0]), starts=10)
    assert told(graph) == [
        ("v1-min0", "continues", "stays", "v2-min0"),
        ("v1-min1", "continues", "stays", "v2-min1"),
        ("v2-min0", "continues", "stays", "v3-min0"),
        ("v2-min1", "vanishes at a fold", "flows", "v3-min0"),
    ]
    end = lines(graph)[-1]
    assert end["parameter_low"] <= FOLD <= end["parameter_high"]
    assert end["parameter_high"] - end["parameter_low"] < 1e-5
    assert [data["parameter"] for data in graph.nodes.values()] == [1.0, 1.0, 1.5, 1.5, 2.0]
    assert lt.components(graph, width=2) == [{"v2-min0", "v2-min1"}]


def test_a_pitchfork_is_a_saddle_one_way_and_a_merging_the_other() -> None:
    up = lt.landscape_graph(lt.parameter_models(fork, "mu", [-1.0, -0.3, 0.7]), starts=10)
    assert told(up)[1] == ("v2-min0", "turns into a saddle", "flows", "v3-min0")
    # Both descents end in copies of the one new minimum.
    assert (lines(up)[1]["fraction"], lines(up)[1]["directions"]) == (1.0, 2)
    down = lt.landscape_graph(lt.parameter_models(fork, "mu", [0.7, -0.3]), starts=10)
    assert told(down) == [("v1-min0", "merges", "stays", "v2-min0")]
    assert [data["orbit_size"] for data in down.nodes.values()] == [2, 1]
    for one in (lines(up)[1], lines(down)[0]):
        assert one["parameter_low"] <= 0.0 <= one["parameter_high"]
        assert one["parameter_high"] - one["parameter_low"] < 2e-5


def test_a_biased_pitchfork_has_a_fold_where_its_discriminant_vanishes() -> None:
    """x^3 - mu x + b = 0 has a double root where 4 mu^3 = 27 b^2."""
    models = lt.parameter_models(lambda mu: fork(mu, 0.1), "mu", [1.0, 0.0])
    graph = lt.landscape_graph(models, starts=10)
    fates = {one["operation"]: one for one in lines(graph)}
    assert set(fates) == {"continues", "vanishes at a fold"}
    end = fates["vanishes at a fold"]
    assert end["parameter_low"] <= (27 * 0.01 / 4) ** (1 / 3) <= end["parameter_high"]


def test_two_folds_on_the_way_are_both_told() -> None:
    """From one value to the next the minimum flows twice."""

    def terraces(tilt: float) -> SmoothModel:
        # Three wells of cos x, of which the leftmost is left first.
        return lt.function_model(
            lambda x: float(-0.02 * x[0] ** 2 - math.cos(x[0]) + 1e-3 * x[0] ** 4 - tilt * x[0]),
            low=[-8.0],
            high=[12.0],
        )

    graph = lt.landscape_graph(lt.parameter_models(terraces, "tilt", [0.0, 1.2]), starts=30)
    fates = {one["from_id"]: one["operation"] for one in lines(graph)}
    assert sum(fate.count("vanishes at a fold") == 2 for fate in fates.values()) >= 1


def test_the_flat_valley_of_a_torus_ends_as_soon_as_it_is_tilted() -> None:
    graph = lt.landscape_graph(named_over("torus", "tilt=0:0.5:0.5"), starts=10)
    first, second = lines(graph)
    assert (first["operation"], first["to_id"]) == ("leaves its flat set", "v2-min0")
    assert first["parameter_low"] == 0.0
    assert second["operation"] == "continues"
    assert graph.nodes["v2-min1"]["loss"] == pytest.approx(2.0)


def test_clusters_are_continued_with_their_motions_and_point_groups() -> None:
    graph = lt.landscape_graph(named_over("morse:4", "rho=6,7"), starts=4)
    assert told(graph) == [("v1-min0", "continues", "stays", "v2-min0")]
    assert [data["isotropy_order"] for data in graph.nodes.values()] == [24, 24]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("over")
    file, study = folder / "own.py", folder / "s.landtopo"
    file.write_text(FILE)
    found = run("graph", "--model", f"{file}:tilted", "--parameter", "tilt=1:2:0.5",
                "--starts", 8, "-o", study, "--out-dir", folder / "out")  # fmt: skip
    # At the last value there is nothing to join.
    assert (found.exit_code, found.stderr.count("\n")) == (0, 1), found.stderr
    return study


def test_the_command_tells_values_and_events(kept: Path) -> None:
    shown = run("show", kept).stdout
    assert "at 3 values of tilt from 1 to 2: 5 minima in all." in shown
    row = next(line for line in shown.splitlines() if "vanishes at a fold" in line)
    assert row.split()[-2:] == ["v3-min0", "1"]
    assert f"{FOLD:.4f}" in row
    again = run("graph", "-o", kept)
    assert again.stdout in run("show", kept).stdout
    record = json.loads(run("graph", "-o", kept, "--json").stdout)
    assert record["attributes"]["parameter"] == {"name": "tilt", "values": [1.0, 1.5, 2.0]}
    assert [len(record[name]) for name in ("minima", "transition_states", "lineage")] == [5, 2, 4]
    report = (kept.parent / "out" / "landscape.md").read_text()
    assert "vanishes at a fold" in report


def test_paths_lead_at_one_value(kept: Path) -> None:
    found = run("path", "-o", kept, "--from", "v2-min0", "--to", "v2-min1", "--json")
    assert json.loads(found.stdout)["verified"]
    assert "v2-min0  v2-min1" in run("show", kept).stdout
    refused = run("path", "-o", kept, "--from", "v1-min0", "--to", "v2-min1")
    assert refused.exit_code == 2
    assert "say by them at which one value" in refused.stderr
    assert run("flat", "-o", kept, "--family", "v1-min1").exit_code == 0


def test_it_is_verified(kept: Path) -> None:
    with lt.Study.open(kept) as study:
        checks = verify(study)
    assert len(checks) > 300
    assert [check for check in checks if not check.agrees] == []


def test_graphs_over_a_parameter_survive_files(kept: Path, tmp_path: Path) -> None:
    with lt.Study.open(kept) as study:
        graph = study.graph()
    for name in ("a.json", "a.graphml", "a.gexf"):
        again = lt.read_graph(lt.write_graph(graph, tmp_path / name)[0])
        assert told(again) == told(graph)
        assert again.nodes["v2-min1"]["parameter"] == 1.5
        assert again.graph["parameter"] == graph.graph["parameter"]


def test_a_study_is_for_the_values_it_was_made_with(kept: Path) -> None:
    model = f"{kept.parent / 'own.py'}:tilted"
    refused = run("graph", "--model", model, "--parameter", "tilt=1:2:0.25", "-o", kept)
    assert refused.exit_code == 2
    assert "has the parameter tilt=1.0,1.5,2.0, not tilt=1.0,1.25" in refused.stderr
    same = run("graph", "--model", model, "--parameter", "tilt=1,1.5,2", "-o", kept)
    assert same.exit_code == 0


@pytest.mark.parametrize(
    ("model", "parameter", "words"),
    [
        ("torus", "tilt=0:1:0", "The step of 'tilt=0:1:0' must lead from the first value to"),
        ("torus", "tilt=0:1:-0.1", "must lead from the first value to the last; it is -0.1."),
        ("torus", "tilt=0:1:0.3", "must lead from the first value to the last; it comes to 0.9."),
        ("torus", "tilt=0:1:1e-6", "has 1000001 values; at most 500 can be asked for."),
        ("torus", "tilt", "must be NAME=FROM:TO:STEP or NAME=V1,V2,...; for example beta=0:1:0.1."),
        ("torus", "tilt=0:x:1", "must be NAME=FROM:TO:STEP or NAME=V1,V2,..."),
        ("torus", "tilt=1,1", "must be 2 to 500 increasing or decreasing numbers; got [1.0, 1.0]."),
        ("torus", "beta=0:1:0.1", "The model 'torus' has no parameter 'beta'; it has tilt."),
        ("lj:7", "beta=0:1:0.1", "The model 'lj:7' has no parameter 'beta'."),
        ("nothing", "beta=0:1:0.1", "The model 'nothing' is none of"),
        ("xor", "decay=-1:1:0.5", "The 'decay' argument of xor must be a number > 0; got -1.0."),
    ],
)
def test_bad_parameters_are_refused_in_a_sentence(model: str, parameter: str, words: str) -> None:
    refused = run("graph", "--model", model, "--parameter", parameter)
    assert refused.exit_code == 2
    assert words in refused.stderr.replace("\n", " ")


def test_other_refusals(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(FILE)
    refused = run("graph", "--model", f"{file}:tilted", "--parameter", "beta=0:1:1")
    assert "has no parameter 'beta'; it must be a function of it" in refused.stderr

    def bowl(n: float) -> SmoothModel:
        return lt.function_model(lambda x: float(x @ x), low=-1.0, high=1.0, size=int(n))

    refused = run("graph", "--teacher", "orthonormal:2", "--width", 2, "--parameter", "a=0:1:1")
    assert "--parameter is for a model" in refused.stderr
    with pytest.raises(InvalidArgument, match="must make models with the same coordinates"):
        lt.parameter_models(bowl, "n", [1, 2])
    with pytest.raises(InvalidArgument, match="must return models, such as function_model makes"):
        lt.parameter_models(lambda n: n, "n", [1, 2])  # type: ignore[arg-type, return-value]


def test_values_have_no_rounding_of_sums() -> None:
    assert parsed_values("b=0:1:0.1")[1] == tuple(round(0.1 * n, 1) for n in range(11))
    assert parsed_values("b=1:-1:-0.5")[1] == (1.0, 0.5, 0.0, -0.5, -1.0)
    assert np.all(np.diff(parsed_values("b=0:0.3:0.001")[1]) > 0)
