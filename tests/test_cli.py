"""The command line: JSON on stdout, people's text and notes on stderr, exit codes that can be used.

0 done, 1 failed, 2 not usable as asked, 3 finished but incomplete, 130 interrupted with what was
finished kept. Start-up imports nothing heavy.
"""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application
from landtopo_cli.tables import plain_json, table
from synthetic_landscape import small_graph

import landtopo
from landtopo.journal import Gathered
from landtopo.models.networks.problem import Teacher
from landtopo.study import Study

TWO = ["--teacher", "orthonormal:2", "--width", "2"]

FAMILY_FIELDS = {
    "id", "width", "loss", "count", "index", "nullity", "gap", "flat_dimension",
    "smallest_eigenvalue", "smallest_normal_eigenvalue", "grad_norm", "effective_width",
    "anti_aligned", "zero_neurons", "isotropy_order", "orbit_size", "psi_min", "weights",
}  # fmt: skip
PATH_FIELDS = {
    "from", "to", "highest_loss", "barrier_from", "barrier_to", "verified", "kind",
    "permutation", "transition_states", "evaluations", "seconds",
}  # fmt: skip


def run(*arguments: object) -> Result:
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


def answer(*arguments: object) -> Any:
    result = run(*arguments, "--json", "--quiet")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def refusal(*arguments: object) -> str:
    """The one sentence with which a request is refused."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert last.endswith(".")
    return last


# Start-up and help.


def test_the_script_and_the_module_tell_their_version() -> None:
    script = Path(sys.executable).with_name("landtopo")
    for command in ([script], [sys.executable, "-m", "landtopo"]):
        output = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert output.stdout == f"landtopo {landtopo.__version__}\n"


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    script = (
        "import sys, landtopo_cli.app; "
        "print({'numpy', 'scipy', 'numba', 'networkx', 'matplotlib'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert output.stdout == "set()\n"


def test_every_command_explains_itself_with_an_example() -> None:
    overview = run("--help")
    assert overview.exit_code == 0
    for name, command in application.commands.items():
        assert re.search(rf"^  {name} +\S", overview.stdout, re.MULTILINE)
        text = run(name, "-h").stdout
        assert f"landtopo {name} " in text.partition("Examples")[2]
        assert max(map(len, text.splitlines())) <= 100
        assert all(option.help for option in command.params if isinstance(option, click.Option))


# minima.


@pytest.fixture(scope="module")
def minima() -> Any:
    return answer("minima", *TWO, "--starts", 50, "--seed", 3)


def test_minima_in_json_keep_the_contract(minima: Any) -> None:
    assert minima.keys() >= {"problem", "search", "families"}
    assert minima["problem"]["teacher"] == "orthonormal:2"
    assert minima["problem"]["width"] == 2
    assert minima["problem"]["dim"] == "infinite"
    search = minima["search"]
    assert (search["starts"], search["seed"], search["init"]) == (50, 3, "gaussian:1")
    assert sum(search["attempts"].values()) == 50
    assert 0 < search["coverage"]["coverage"] <= 1
    (family,) = minima["families"]
    assert family.keys() >= FAMILY_FIELDS
    assert family["id"] == "w2-f0"
    assert family["loss"] < 1e-25
    assert (family["index"], family["flat_dimension"], family["orbit_size"]) == (0, 0, 2)
    weights = np.sort(np.array(family["weights"]), axis=0)[:, :2]
    assert np.allclose(weights, [[0, 0], [1, 1]], atol=1e-10)


def test_minima_do_not_depend_on_jobs(minima: Any) -> None:
    again = answer("minima", *TWO, "--starts", 50, "--seed", 3, "--jobs", 2)
    assert again == minima


def test_several_widths_give_a_list() -> None:
    found = answer("minima", "--teacher", "orthonormal:2", "--widths", "2:3", "--starts", 20)
    assert [entry["problem"]["width"] for entry in found] == [2, 3]
    assert found[1]["families"][0]["flat_dimension"] == 1


def test_minima_for_people() -> None:
    result = run("minima", *TWO, "--starts", 50, "--dim", "1e3")
    assert result.exit_code == 0
    assert "Teacher orthonormal:2, student width 2, inputs of dim 1000: 50 starts" in result.stdout
    assert re.search(r"^w2-f0 +minimum +0 +50 +100.00 %", result.stdout, re.MULTILINE)
    assert "coverage" in result.stdout


def test_a_teacher_from_a_file(tmp_path: Path, minima: Any) -> None:
    np.save(tmp_path / "teacher.npy", np.eye(2))
    found = answer("minima", "--teacher", tmp_path / "teacher.npy", "--width", 2, "--starts", 5)
    assert found["problem"]["teacher"] == "teacher.npy"
    assert found["families"][0]["loss"] < 1e-25


def test_gradient_descent_and_other_starts() -> None:
    found = answer("minima", *TWO, "--starts", 5, "--method", "gradient-descent",
                   "--init", "gaussian:0.1", "--step", 0.2, "--dim", 2)  # fmt: skip
    search = found["search"]
    assert (search["method"], search["step"]) == ("gradient-descent", 0.2)
    assert search["init"].startswith("gaussian:0.1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["minima", "--width", 2], "Missing option '--teacher'"),
        (["minima", "--teacher", "orthonormal:2"], "Missing option '--width'"),
        (["minima", *TWO, "--widths", "2:3"], "either --width or --widths"),
        (["minima", "--teacher", "orthonormal:2", "--widths", "3:2"], "must run upwards"),
        (["minima", "--teacher", "orthonormal:2", "--widths", "x"], "such as 6:8"),
        (["minima", "--teacher", "orthonormal:2", "--widths", "2:"], "such as 6:8"),
        (["minima", "--teacher", "orthonormal:2", "--widths", "0:2"], "must run upwards"),
        (["minima", "--teacher", "orthonormal:2", "--width", 0], "--width"),
        (["minima", "--teacher", "nonsense", "--width", 2], "neither orthonormal:M"),
        (["minima", "--teacher", "absent.npy", "--width", 2], "No such file"),
        (["minima", *TWO, "--dim", 1], "at least the rank"),
        (["minima", *TWO, "--dim", "2.5"], "neither a whole number"),
        (["minima", *TWO, "--dim", "nan"], "neither a whole number"),
        (["minima", *TWO, "--dim", "1e999"], "neither a whole number"),
        (["minima", *TWO, "--seed", -1], "--seed"),
        (["minima", *TWO, "--starts", 0], "--starts"),
        (["minima", *TWO, "--method", "magic"], "method"),
        (["minima", *TWO, "--init", "magic"], "magic"),
        (["minima", *TWO, "-o", "no/such/folder/s"], "not a folder"),
        (["graph", *TWO, "-o", "landscape.graphml"], "-o names the study"),
        (["nonsense"], "No such command"),
        (["show", "absent"], "does not exist"),
    ],
)
def test_refusals(arguments: list[object], words: str) -> None:
    assert words in refusal(*arguments)


# The study.


def test_a_study_is_continued_without_saying_it_all_again(tmp_path: Path) -> None:
    study = tmp_path / "two.landtopo"
    first = answer("minima", *TWO, "--dim", 7, "--seed", 5, "--starts", 130, "-o", study)
    again = answer("minima", "-o", study)
    assert again == first
    longer = answer("minima", "-o", study, "--starts", 140)
    assert longer["problem"] == first["problem"]
    assert longer["search"]["starts"] == 140
    with Study.open(study) as stored:
        assert stored.seed == 5
        assert stored.dim == 7
        assert [entry.command for entry in stored.sessions()] == ["minima"] * 3
        assert len(stored.attempts(2, "quasi-newton from gaussian:1")) == 140
        assert [family.id for family in stored.families(2)] == ["w2-f0"]
    assert "not orthonormal:3" in refusal("minima", "--teacher", "orthonormal:3", "-o", study)
    assert "seed 5, not 6" in refusal("minima", "-o", study, "--seed", 6)
    assert "dim 7, not infinite" in refusal("minima", "-o", study, "--dim", "inf")
    assert "two.landtopo" in run("show", study).stdout


def test_a_study_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Study.create(path, Teacher.orthonormal(2)) as study:
        study.remember("a", {})
        assert "in use by another process" in refusal("minima", *TWO, "-o", path)
        assert run("show", path).exit_code == 0


def test_ctrl_c_keeps_what_was_finished(tmp_path: Path) -> None:
    path = tmp_path / "s"
    arguments = ["minima", *TWO, "--starts", "1000000", "-o", str(path)]
    process = subprocess.Popen(
        [Path(sys.executable).with_name("landtopo"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background of a shell are started with Ctrl-C switched off.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for_steps(path)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output == ""
    assert f"what was finished is kept in '{path}'" in errors
    assert "Traceback" not in errors
    with Study.open(path) as study:
        assert study.steps("starts/2/")
        assert study.sessions()[0].ended
    # The same starts again, and no others, were finished before.
    assert answer("minima", "-o", path, "--starts", 128)["search"]["starts"] == 128


def test_ctrl_c_without_a_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landtopo.models.networks.points.search.find_minima", interrupted)
    result = run("minima", *TWO)
    assert result.exit_code == 130
    assert "nothing is kept" in result.stderr


# path.


def test_the_swap_of_two_neurons() -> None:
    # Both barriers are known from enumerating the saddles: with two dimensions the neurons must
    # pass each other on a line, with three they go around.
    heights = {}
    for dim in (2, 3, "inf"):
        path = answer("path", *TWO, "--dim", dim, "--permutation", "(1 2)")
        assert path.keys() >= PATH_FIELDS
        assert (path["from"], path["to"], path["permutation"]) == ("global", "global", "(1 2)")
        assert path["verified"]
        assert path["barrier_from"] == pytest.approx(path["highest_loss"], abs=1e-20)
        assert all(state["index"] == 1 for state in path["transition_states"])
        heights[dim] = path["highest_loss"]
    assert heights[2] == pytest.approx(0.0861788, abs=1e-7)
    assert heights[3] == pytest.approx(0.0736129, abs=1e-7)
    assert heights["inf"] == pytest.approx(0.0736129, abs=1e-7)


def test_ends_from_files_and_a_study(tmp_path: Path) -> None:
    np.save(tmp_path / "start.npy", np.eye(2))
    (tmp_path / "end.json").write_text(json.dumps({"weights": [[0, 1, 0], [1, 0, 0]]}))
    study = tmp_path / "s"
    arguments = ["--from", tmp_path / "start.npy", "--to", tmp_path / "end.json"]
    path = answer("path", *TWO, "--dim", 3, *arguments, "-o", study)
    assert (path["from"], path["to"], path["permutation"]) == ("start.npy", "end.json", "(1 2)")
    assert path["highest_loss"] == pytest.approx(0.0736129, abs=1e-7)
    with Study.open(study) as stored:
        (kept,) = stored.paths(2)
        assert stored.paths(3) == []
    assert (kept.from_id, kept.to_id, kept.permutation) == ("start.npy", "end.json", "closest")
    assert kept.record.highest_loss == path["highest_loss"]
    assert kept.record.as_dict() == {k: v for k, v in path.items()
                                     if k not in ("problem", "from", "to")}  # fmt: skip
    assert "end.json" in run("show", study).stdout
    # The file is the labelled point that it is; the family comes to it.
    for option in ("--from", "--to"):
        text = refusal("path", "-o", study, "--width", 2, option, tmp_path / "end.json")
        assert "are the same point" in text


def test_the_ends_of_a_path_that_cannot_be(tmp_path: Path) -> None:
    for arguments, words in (
        (["--permutation", "(1 3)"], "neurons 1 to 2"),
        (["--permutation", "()"], "are the same point"),
        (["--permutation", "1 2"], "cycles"),
        ([], "Both ends are global"),
        (["--from", "w2-f9"], "known: w2-f0"),
        (["--from", "absent.npy"], "No such file"),
        (["--from", "absent"], "must end in"),
        (["--from", write_three(tmp_path)], "2 rows"),
    ):
        assert words in refusal("path", *TWO, *arguments)
    assert "--width" in refusal("path", "--teacher", "orthonormal:2", "--widths", "2:3")


def test_an_incomplete_path_exits_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from landtopo.models.networks.paths import connect as module

    connect = module.connect

    def unverified(*arguments: Any, **options: Any) -> Any:
        return replace(connect(*arguments, **options), verified=False, highest_loss=np.inf)

    monkeypatch.setattr(module, "connect", unverified)
    result = run("path", *TWO, "--permutation", "(1 2)", "--json")
    assert result.exit_code == 3
    path = json.loads(result.stdout)
    assert path["verified"] is False
    assert path["highest_loss"] is None

    study = tmp_path / "s"
    assert run("path", *TWO, "--permutation", "(1 2)", "-o", study).exit_code == 3
    (row,) = [line for line in run("show", study).stdout.splitlines() if "(1 2)" in line]
    assert row.split()[-5:] == ["-", "-", "-", "-", "no"]
    assert "was not completed" in refusal(
        "plot", study, "--kind", "profile", "-o", tmp_path / "profile.pdf"
    )


# saddles, families, flat, certify, flow, reach.


def test_saddles_of_two_neurons(tmp_path: Path) -> None:
    study = tmp_path / "s"
    found = answer("saddles", *TWO, "--dim", 3, "--starts", 30, "-o", study)
    (saddle,) = found["families"]
    assert saddle.keys() >= FAMILY_FIELDS
    assert saddle["index"] == 1
    assert saddle["loss"] == pytest.approx(0.0736129, abs=1e-7)
    assert "0.07361293" in run("saddles", "-o", study).stdout
    with Study.open(study) as stored:
        books = {source: len(stored.attempts(2, source)) for _, source in stored.searches()}
    run("saddles", "--starts", 10, "-o", study)
    with Study.open(study) as stored:
        kept = {source: len(stored.attempts(2, source)) for _, source in stored.searches()}
        assert kept == books
        assert books["index 1 from random"] == 30
        assert stored.searches("minima") == []
        assert (2, "index 1 from random") in stored.searches("saddles")
        assert stored.families(2) == []
    assert "whole number nor any" in refusal("saddles", *TWO, "--index", "x")
    assert "sources" in refusal("saddles", *TWO, "--source", "x")


def test_a_family_in_detail() -> None:
    (family,) = answer("families", *TWO, "--starts", 5)
    assert family.keys() >= FAMILY_FIELDS - {"count"}
    assert sorted(family["partners"]) == [1, 2]
    assert family["partner_cosines"] == pytest.approx([1.0, 1.0])
    assert family["isotropy_order"] == 2
    text = run("families", *TWO, "--starts", 5, "--family", "w2-f0").stdout
    assert text.startswith("w2-f0: every teacher neuron is reproduced")
    assert "no family w2-f1" in refusal("families", *TWO, "--starts", 5, "--family", "w2-f1")


def test_flat_directions_of_three_neurons_and_two_teachers(tmp_path: Path) -> None:
    # d (K - M) null directions at zero loss, of which K - M = 1 is flat.
    arguments = ["--teacher", "orthonormal:2", "--width", 3, "--dim", 4, "--starts", 5]
    (report,) = answer("flat", *arguments, "-o", tmp_path / "s")
    assert (report["id"], report["index"], report["nullity"]) == ("w3-f0", 0, 4)
    assert (report["flat"], report["flat_dimension"]) == (1, 1)
    assert re.search(r"^w3-f0 +0 +3 +0 +4 ", run("flat", *arguments).stdout, re.MULTILINE)


def test_certificates(tmp_path: Path) -> None:
    pytest.importorskip("flint")
    (proof,) = answer("certify", *TWO, "--starts", 5)
    assert (proof["kind"], proof["index"], proof["neurons"]) == ("minimum", 0, 2)
    assert proof["loss_bounds"][0] <= 0 <= proof["loss_bounds"][1] < 1e-20
    np.save(tmp_path / "far.npy", np.array([[1.0, 0.3], [0.1, 0.8]]))
    result = run("certify", *TWO, "--weights", tmp_path / "far.npy")
    assert result.exit_code == 3
    assert "No box" in result.stdout


def test_certificates_as_files(tmp_path: Path) -> None:
    """Saddles that the study knows are proved too, and no file is overwritten unasked."""
    pytest.importorskip("flint")
    study, folder = tmp_path / "s", tmp_path / "proofs"
    answer("saddles", *TWO, "--index", "any", "--starts", 20, "-o", study)
    proofs = answer("certify", "-o", study, "--width", 2, "--out-dir", folder)
    told = {proof["id"]: proof for proof in proofs}
    assert told["w2-s0"]["kind"] == "saddle"
    assert told["w2-s0"]["index"] == 1
    assert told["w2-f0"]["kind"] == "minimum"
    for name, proof in told.items():
        record = json.loads((folder / f"{name}.json").read_text())
        assert (record["kind"], record["index"]) == (proof["kind"], proof["index"])
    one = ("certify", "-o", study, "--width", 2, "--family", "w2-s0", "--out-dir", folder)
    assert "exists; give --force" in refusal(*one)
    assert len(answer(*one, "--force")) == 1
    assert "it is a file" in refusal("certify", *TWO, "--out-dir", study)


@pytest.mark.slow
def test_connections_of_a_study(tmp_path: Path) -> None:
    """Passes are proved once, and what is not proved is said."""
    pytest.importorskip("flint")
    study, folder = tmp_path / "s", tmp_path / "proofs"
    asked = ("certify", "-o", study, "--width", 2, "--connections", "--out-dir", folder)
    answer("minima", *TWO, "--dim", 2, "--starts", 5, "-o", study)
    assert "takes those of a study's graph" in refusal(*asked)
    answer("graph", *TWO, "--dim", 2, "--starts", 5, "-o", study)
    result = run(*asked, "--json", "--quiet")
    first, *others = json.loads(result.stdout)
    assert (first["id"], first["proved"], first["ends"]) == ("w2-t0", True, ["w2-f0", "w2-f0"])
    assert first["loss_bounds"][0] <= 0.08617881635766222 <= first["loss_bounds"][1]
    assert result.exit_code == (0 if all(one["proved"] for one in others) else 3)
    assert all(one["status"].endswith(".") for one in others)
    file = folder / "w2-t0-joins.json"
    written = file.stat().st_mtime_ns
    one = (*asked, "--family", "w2-t0")
    assert answer(*one) == [first]
    assert file.stat().st_mtime_ns == written
    assert "There is no pass w2-f0; known: w2-t0" in refusal(*asked, "--family", "w2-f0")
    record = json.loads(file.read_text())
    record["saddle"]["index"] = 2
    file.write_text(json.dumps(record))
    assert "is no certificate of w2-t0; give --force" in refusal(*one)
    assert "takes no --weights" in refusal(*asked, "--weights", file)
    assert "either --complete or" in refusal(*asked, "--complete")


def test_flow_follows_the_statistics(tmp_path: Path) -> None:
    np.save(tmp_path / "start.npy", np.array([[1.0, 0.3], [0.1, 0.8]]))
    flow = answer("flow", *TWO, "--weights", tmp_path / "start.npy")
    assert flow["times"][0] == 0.0
    assert np.all(np.diff(flow["losses"]) < 1e-12)
    assert flow["losses"][-1] < 1e-9
    assert np.allclose(np.array(flow["student"])[0], [[1.09, 0.34], [0.34, 0.65]])
    stopped = run("flow", *TWO, "--longest", 1)
    assert stopped.exit_code == 0
    assert "draw 0, seed 0" in stopped.stdout
    assert "2 rows" in refusal("flow", *TWO, "--weights", write_three(tmp_path))


def test_reach_puts_fractions_on_the_graph(study_with_graph: Path) -> None:
    found = answer("reach", "-o", study_with_graph, "--width", 6, "--runs", 100)
    (ended,) = found["families"]
    assert (ended["count"], ended["loss"] < 1e-20) == (100, True)
    with Study.open(study_with_graph) as study:
        graph = study.graph()
        assert study.searches("reachability") == [(6, "flow from gaussian:1")]
    assert graph.nodes["w6-f0"]["reachability"] == 1.0
    assert graph.nodes["w6-f1"]["reachability"] == 0.0
    assert 0 < graph.nodes["w6-f1"]["reachability_high"] < 0.05
    assert "reachability" not in graph.nodes["w7-f0"]
    assert graph.graph["reachability"] == {"6": "flow from gaussian:1, 100 runs"}
    text = run("reach", "-o", study_with_graph).stdout
    assert re.search(r"^ +6 +100.00 \(96\.\d\d-100\.00\)", text, re.MULTILINE)


# graph and plot.


def test_the_graph_of_two_neurons_and_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One file a picture is enough here; test_pictures_of_every_kind draws the rest.
    monkeypatch.setattr("landtopo_cli.outputs._PICTURES", (".png",))
    study, out = tmp_path / "two.landtopo", tmp_path / "out"
    arguments = ["graph", "--teacher", "orthonormal:2", "--widths", "2:3", "--starts", 50]
    first = run(*arguments, "-o", study, "--out-dir", out)
    assert first.exit_code == 0
    assert "Width 3: 1 family of minima" in first.stdout
    names = {path.name for path in out.iterdir()}
    assert names >= {"landscape.graphml", "landscape.html", "widths.png", "tree-2.png"}
    # A tree of one flat family, which nothing leads out of, would be a single symbol.
    assert "tree-3.png" not in names
    page = (out / "landscape.md").read_text()
    shown = set(re.findall(r"!\[[^]]+\]\(([^)]+)\)", page))
    assert shown == {name for name in names if name.endswith(".png")}
    assert str(tmp_path) not in page
    with Study.open(study) as stored:
        graph = stored.graph()
    assert set(graph) == {"w2-f0", "w3-f0"}
    assert graph.nodes["w3-f0"]["flat_dimension"] == 1

    # Again: nothing new, the same bytes; and no file of somebody else is overwritten.
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    again = run("graph", "-o", study, "--out-dir", out)
    assert again.exit_code == 0
    assert again.stdout == first.stdout
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before

    # Killed while it writes: what lies there half is its own.
    def stop(*_: object) -> None:
        (out / "landscape.json").write_text("half")
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("landtopo.export.write_graph", stop)
        assert run("graph", "-o", study, "--out-dir", out).exit_code != 0
    assert run("graph", "-o", study, "--out-dir", out).exit_code == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert "tree-3.png" not in before
    (out / "tree-3.png").write_text("mine")
    assert "--force" in refusal("graph", "-o", study, "--out-dir", out)
    (out / "tree-3.png").unlink()
    (out / "landscape.json").write_text("mine")
    assert "--force" in refusal("graph", "-o", study, "--out-dir", out)
    assert (out / "landscape.json").read_text() == "mine"
    assert "--force" in refusal(*arguments, "--out-dir", out)

    record = answer("graph", "-o", study)
    assert [family["id"] for family in record["families"]] == ["w2-f0", "w3-f0"]
    # Ids of the graph are ends of paths.
    path = answer("path", "-o", study, "--width", 2, "--from", "w2-f0", "--to", "w2-f0",
                  "--permutation", "(1 2)")  # fmt: skip
    assert path["highest_loss"] == pytest.approx(0.0736129, abs=1e-7)


def test_an_interrupted_graph_ends_as_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["graph", "--teacher", "orthonormal:2", "--widths", "1:2", "--starts", 200]
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    assert run(*arguments, "-o", whole).exit_code == 0
    remember = Gathered.remember
    left = 0

    def limited(journal: Gathered, key: str, value: Any) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        remember(journal, key, value)

    monkeypatch.setattr(Gathered, "remember", limited)
    codes = []
    while not codes or codes[-1] == 130:
        # Two pieces of work, then Ctrl-C in the third.
        left = 2
        codes.append(run(*arguments, "-o", pieces).exit_code)
    assert codes[-1] == 0
    assert len(codes) > 3
    monkeypatch.undo()
    for study in (whole, pieces):
        assert run("export", study, study.with_suffix(".json")).exit_code == 0
    assert (tmp_path / "whole.json").read_bytes() == (tmp_path / "pieces.json").read_bytes()


def test_a_graph_without_families_has_files_and_exits_with_3(tmp_path: Path) -> None:
    # With this seed the one start of the one neuron ends in the zero network, a saddle.
    arguments = ["--teacher", "orthonormal:1", "--width", 1, "--starts", 1, "--seed", 2]
    study, out = tmp_path / "s", tmp_path / "out"
    result = run("graph", *arguments, "-o", study, "--out-dir", out)
    assert result.exit_code == 3
    assert "no minimum was found" in result.stderr
    assert "1 start ended in a saddle of loss 0.25 (all neurons are zero)" in result.stdout
    assert "No minimum was found" in (out / "landscape.md").read_text()
    assert not list(out.glob("*.png"))
    assert "nothing to draw" in refusal(
        "plot", study, "--kind", "widths", "-o", tmp_path / "widths.pdf"
    )


def test_a_graph_tells_what_else_starts_ended_in(tmp_path: Path) -> None:
    study = tmp_path / "s"
    arguments = ["--teacher", "orthonormal:1", "--width", 1, "--starts", 50]
    result = run("graph", *arguments, "-o", study)
    assert result.exit_code == 0
    with Study.open(study) as stored:
        graph = stored.graph()
    search = graph.graph["start_search"]["1"]
    assert search["init"] == "gaussian:1"
    (zero,) = search["others"]
    assert (zero["kind"], zero["loss"]) == ("saddle", 0.25)
    assert zero["count"] + graph.nodes["w1-f0"]["count"] == search["outcomes"]["converged"] == 50
    assert f"{zero['count']} starts ended in a saddle" in run("show", study).stdout


def test_a_graph_that_is_not_joined_exits_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small_graph()
    graph.remove_edge("w7-f1", "w7-f0", "w7-t1")
    monkeypatch.setattr("landtopo.landscape.build.landscape_graph", lambda *a, **k: graph)
    result = run("graph", "--teacher", "orthonormal:6", "--widths", "6:8")
    assert result.exit_code == 3
    assert "Width 7: no path was found between {w7-f0} and {w7-f1}." in result.stderr


def test_pictures_of_every_kind(study_with_graph: Path, tmp_path: Path) -> None:
    plot = ["plot", study_with_graph, "--kind"]
    for kind, more in (
        ("tree", ["--width", 6]),
        ("widths", []),
        ("graph", []),
        ("spectrum", ["--name", "w6-f0", "--name", "w7-f1"]),
        ("profile", []),
        ("profile", ["--name", "w6-t1"]),
    ):
        file = tmp_path / f"{kind}{len(more)}.svg"
        result = run(*plot, kind, *more, "-o", file)
        assert result.exit_code == 0, result.stderr
        assert result.stdout == f"{file}\n"
        assert file.read_bytes().startswith(b"<?xml")
    assert "--force" in refusal(*plot, "graph", "-o", file)
    assert "known: 6, 7, 8" in refusal(*plot, "tree", "-o", tmp_path / "a.svg")
    assert "no family of width 9; known: 6, 7, 8" in refusal(
        *plot, "tree", "--width", 9, "-o", tmp_path / "a.svg"
    )
    assert "leave out --width" in refusal(*plot, "graph", "--width", 6, "-o", tmp_path / "a.svg")
    assert "leave out --name" in refusal(*plot, "tree", "--name", "x", "-o", tmp_path / "a.svg")
    assert "no folder" in refusal(*plot, "graph", "-o", tmp_path / "none" / "a.svg")
    assert "no transition w6-t9" in refusal(
        *plot, "profile", "--name", "w6-t9", "-o", tmp_path / "a.svg"
    )
    assert "no spectrum" in refusal(*plot, "spectrum", "--name", "x", "-o", tmp_path / "a.svg")
    assert "must end in" in refusal(*plot, "graph", "-o", tmp_path / "a.xyz")
    assert not list(tmp_path.glob("a.*"))


# show and export.


@pytest.fixture
def study_with_graph(tmp_path: Path) -> Path:
    path = tmp_path / "six.landtopo"
    with Study.create(path, Teacher.orthonormal(6)) as study:
        study.begin("graph", {"widths": [6, 7, 8]})
        study.save_graph(made_graph())
    return path


def test_show_tells_the_whole_graph(study_with_graph: Path) -> None:
    text = run("show", study_with_graph).stdout
    graph = small_graph()
    for node in graph:
        assert re.search(rf"^{node} ", text, re.MULTILINE)
    for _, _, key, kind in graph.edges(keys=True, data="kind"):
        assert kind == "lineage" or re.search(rf"^{key} ", text, re.MULTILINE)
    assert "(1 2 3)" in text
    assert text.count("Connectivity against width") == 1
    assert re.search(r"^ +7 +2 +1 +1 ", text, re.MULTILINE)
    record = json.loads(run("show", study_with_graph, "--json").stdout)
    assert len(record["graph"]["families"]) == len(graph)
    assert len(record["graph"]["edges"]) == graph.number_of_edges()
    assert [row["width"] for row in record["graph"]["widths"]] == [6, 7, 8]
    assert record["sessions"][0]["command"] == "graph"


def test_show_of_an_empty_study(tmp_path: Path) -> None:
    Study.create(tmp_path / "s", Teacher.orthonormal(2)).close()
    result = run("show", tmp_path / "s")
    assert result.exit_code == 0
    assert "Nothing is complete yet" in result.stdout
    assert json.loads(run("show", tmp_path / "s", "--json").stdout)["graph"] is None


def test_export_writes_every_format_and_refuses_to_overwrite(
    study_with_graph: Path, tmp_path: Path
) -> None:
    names = ["a.graphml", "a.gexf", "a.json", "a.cyjs", "a.dot", "a.csv", "a.html"]
    files = [tmp_path / name for name in names]
    result = run("export", study_with_graph, *files)
    assert result.exit_code == 0
    written = [Path(line) for line in result.stdout.splitlines()]
    assert all(path.stat().st_size > 0 for path in written)
    assert set(tmp_path.iterdir()) == {*written, study_with_graph}
    graph = nx.read_graphml(tmp_path / "a.graphml", force_multigraph=True)
    assert set(graph) == set(small_graph())

    before = written[0].read_bytes()
    assert "--force" in refusal("export", study_with_graph, files[0])
    # The second file of the pair counts too.
    pair = sorted(set(written) - {path for path in files if path in written})
    assert pair
    assert "--force" in refusal("export", study_with_graph, tmp_path / "a.csv")
    assert run("export", study_with_graph, files[0], "--force").exit_code == 0
    assert written[0].read_bytes() == before
    assert "must end in" in refusal("export", study_with_graph, tmp_path / "a.xyz")
    missing = tmp_path / "none" / "a.json"
    assert f"there is no folder '{missing.parent}'" in refusal("export", study_with_graph, missing)
    assert not missing.parent.exists()
    # A graph file can be shown and converted like a study.
    assert run("export", tmp_path / "a.json", tmp_path / "b.graphml").exit_code == 0
    assert (tmp_path / "b.graphml").read_bytes() == before
    assert "w6-f1" in run("show", tmp_path / "a.json").stdout
    # A study is a study whatever it is called.
    study_with_graph.rename(tmp_path / "study.json")
    assert "six" not in run("show", tmp_path / "study.json").stdout.splitlines()[0]
    assert run("export", tmp_path / "study.json", tmp_path / "c.graphml").exit_code == 0
    assert (tmp_path / "c.graphml").read_bytes() == before


def test_export_of_a_study_without_a_graph(tmp_path: Path) -> None:
    Study.create(tmp_path / "s", Teacher.orthonormal(2)).close()
    assert "no graph yet" in refusal("export", tmp_path / "s", tmp_path / "a.json")
    (tmp_path / "text").write_text("this is not a study\n" * 100)
    assert "not a landtopo study" in refusal("show", tmp_path / "text")


# Failures and what goes to stderr.


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left for the study", "s"), "No space left for the study 's'."),
        (MemoryError(), "memory"),
    ],
)
def test_failures_of_the_machine_exit_with_1(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def failing(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("landtopo.models.networks.points.search.find_minima", failing)
    result = run("minima", *TWO)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_warnings_are_plain_lines_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    from landtopo.models.networks.points import search

    find_minima = search.find_minima

    def warning(*arguments: Any, **options: Any) -> Any:
        logging.getLogger("landtopo").warning("something to know")
        return find_minima(*arguments, **options)

    monkeypatch.setattr(search, "find_minima", warning)
    result = run("minima", *TWO, "--starts", 2, "--json")
    assert result.stderr == "something to know\n"
    json.loads(result.stdout)
    assert run("minima", *TWO, "--starts", 2, "--quiet").stderr == ""


def test_progress_is_shown_on_a_terminal_only() -> None:
    command = [Path(sys.executable).with_name("landtopo"), "minima", *TWO, "--starts", "300"]
    piped = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert piped.stderr == ""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    # On Linux reading fails with EIO when the other side is closed.
    while chunk := read_or_end(ours):
        shown += chunk
    os.close(ours)
    assert process.stdout is not None
    output = process.stdout.read()
    process.stdout.close()
    assert process.wait() == 0
    assert json.loads(output) == json.loads(piped.stdout)
    assert b"width 2: starts" in shown
    assert b"300/300" in shown or b"%" in shown


def test_a_reader_that_leaves_early_is_no_error() -> None:
    script = Path(sys.executable).with_name("landtopo")
    line = f"{script} minima --help | head -1"
    result = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert result.stdout.startswith("Usage:")
    assert result.stderr == ""


# Tables.


def test_tables_align() -> None:
    text = table(("name", "loss"), [("a", "0.5"), ("long", "-12")])
    assert text == "name  loss\na      0.5\nlong   -12"


def test_json_is_strict_and_numbers_stay_exact() -> None:
    value = {"a": [0.1, float("nan"), [1.5, 2]], "b": (10**30, "[\n1 ]"), "c": float("inf")}
    text = plain_json(value)
    assert "NaN" not in text
    assert json.loads(text) == {"a": [0.1, None, [1.5, 2]], "b": [10**30, "[\n1 ]"], "c": None}


def made_graph() -> nx.MultiGraph[str]:
    graph = small_graph()
    graph.graph["starts"] = {6: 4000, 7: 4000, 8: 4000}
    return graph


def write_three(folder: Path) -> Path:
    np.save(folder / "three.npy", np.eye(3))
    return folder / "three.npy"


def interrupted(*arguments: object, **options: object) -> None:
    raise KeyboardInterrupt


def wait_for_steps(path: Path) -> None:
    for _ in range(600):
        time.sleep(0.1)
        if path.exists():
            connection = sqlite3.connect(path)
            try:
                if connection.execute("SELECT count(*) FROM steps").fetchone()[0]:
                    return
            except sqlite3.OperationalError:
                pass
            finally:
                connection.close()
    raise AssertionError("no step was finished within a minute")


def read_or_end(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""


def test_complete_lists(tmp_path: Path) -> None:
    pytest.importorskip("flint")
    files = ("--out-dir", tmp_path / "proofs")
    (found,) = answer("certify", "--complete", *TWO, "--dim", 2, *files)
    told = json.loads((tmp_path / "proofs" / "w2-complete.json").read_text())
    assert [point["kind"] for point in told["points"]] == [p["kind"] for p in found["points"]]
    assert "exist" in refusal("certify", "--complete", *TWO, "--dim", 2, *files)
    assert "--within takes no" in refusal("certify", "--complete", *TWO, "--within", 1, *files)
    assert found["complete"]
    assert [point["kind"] for point in found["points"]] == ["minimum", "saddle", "saddle", "saddle"]
    (many,) = answer("certify", "--complete", *TWO, "--dim", 2, "--within", 0.001)
    assert many["complete"]
    assert np.rad2deg(many["angles"]) == pytest.approx([89.999, 90.001])
    one = ("--teacher", "equicorrelated:2:0.5", "--width", 1, "--dim", 2)
    result = run("certify", "--complete", *one, "--within", 40)
    assert result.exit_code == 3
    assert "--within does nothing" in refusal("certify", *TWO, "--within", 1)
    assert "--complete takes no" in refusal("certify", "--complete", *TWO, "--family", "w2-f0")
    assert "at most two neurons" in refusal(
        "certify", "--complete", "--teacher", "orthonormal:3", "--width", 2
    )
