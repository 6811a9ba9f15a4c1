"""`landtopo reach` from the command to the picture, the study, and the nodes of a graph.

Established: one command gives the table and the picture; the study draws the same picture again;
a graph that is made, or remade, in that study has the fractions on its nodes and says where the
runs started, in exported files, too; files of others are not overwritten.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application

import landtopo as lt

TWO = ("reach", "--teacher", "orthonormal:2", "--widths", "2:3", "--runs", "60")


def _run(*arguments: str | Path, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(application, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, result.output
    return result


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reach")
    _run(*TWO, "-o", folder / "two.landtopo", "--out-dir", folder / "out")
    return folder / "two.landtopo"


def test_one_command_gives_table_and_picture(study: Path, tmp_path: Path) -> None:
    out = study.parent / "out"
    assert {file.name for file in out.iterdir()} == {"reached.pdf", "reached.png"}
    # What this study wrote it may replace; what somebody changed only by force.
    again = _run(*TWO, "-o", study, "--out-dir", out)
    assert re.search(r"^ +3 +100\.00 ", again.stdout, re.MULTILINE)
    (out / "reached.png").write_bytes(b"mine")
    refused = _run(*TWO, "-o", study, "--out-dir", out, exit_code=2)
    assert "--force" in refused.output
    assert (out / "reached.png").read_bytes() == b"mine"
    _run(*TWO, "-o", study, "--out-dir", out, "--force")
    # Without a study as well.
    _run(*TWO, "--out-dir", tmp_path)
    assert (tmp_path / "reached.png").read_bytes() == (out / "reached.png").read_bytes()


def test_study_draws_its_runs(study: Path, tmp_path: Path) -> None:
    picture = tmp_path / "reached.svg"
    _run("plot", study, "--kind", "reached", "-o", picture)
    text = picture.read_text()
    for label in ("orthonormal:2: 60 runs at each width", "flow from gaussian:1", "global"):
        assert label in text
    for arguments, sentence in (
        ((study, "--width", "2"), "leave out --width"),
        ((study, "--name", "w2-f0"), "leave out --name"),
    ):
        refused = _run(
            "plot", *arguments, "--kind", "reached", "-o", tmp_path / "no.svg", exit_code=2
        )
        assert sentence in refused.output
    with lt.Study.create(tmp_path / "empty.landtopo", lt.Teacher.orthonormal(2)):
        pass
    empty = ("plot", tmp_path / "empty.landtopo", "--kind", "reached", "-o", tmp_path / "no.svg")
    assert "no runs yet" in _run(*empty, exit_code=2).output


def test_graph_made_after_the_runs_has_them_on_its_nodes(study: Path, tmp_path: Path) -> None:
    # The others draw the runs that the study has had from the beginning.
    study = Path(shutil.copy(study, tmp_path))
    _run("graph", "-o", study, "--widths", "2:3", "--starts", "40")
    with lt.Study.open(study) as opened:
        graph = opened.graph()
    assert graph.graph["reachability"] == {
        "2": "flow from gaussian:1, 60 runs",
        "3": "flow from gaussian:1, 60 runs",
    }
    assert {data["reachability"] for data in graph.nodes.values() if data["is_global"]} == {1.0}
    for data in graph.nodes.values():
        assert data["reachability_low"] <= data["reachability"] <= data["reachability_high"]
    # Runs of another start replace those of that width only.
    _run("reach", "-o", study, "--width", "2", "--runs", "30", "--init", "sphere:1")
    _run("export", study, tmp_path / "graph.graphml")
    exported = lt.read_graph(tmp_path / "graph.graphml")
    assert exported.graph["reachability"] == {
        "2": "flow from sphere:1, 30 runs",
        "3": "flow from gaussian:1, 60 runs",
    }
    assert exported.nodes["w2-f0"]["reachability"] == 1.0
    refused = _run(
        "plot", tmp_path / "graph.graphml", "--kind", "reached", "-o", tmp_path / "no.svg",
        exit_code=2,
    )  # fmt: skip
    assert "made from a study" in refused.output


def test_record_of_one_width(study: Path) -> None:
    found = json.loads(_run(*TWO[:3], "--width", "2", "--runs", "20", "--json").stdout)
    assert found["source"] == "flow from gaussian:1"
    assert sum(row["count"] for row in found["families"]) + found["unfinished"] == 20
