"""Names of files and terminals in any encoding: nothing fails, and files are always UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application
from landtopo_cli.tables import plain_json

from landtopo.export import read_graph
from landtopo.models.networks.problem import Teacher
from landtopo.texts import name_of

# Bytes that are no UTF-8, letters of no small character set, a control character.
TEACHER, STUDY, OUT = b"\xff\xe9\x1b\xce\xbb.csv", b"s\xfe\xce\xbb.landtopo", b"out\xfd\xce\xbb"

_SCRIPT = """
import json, os, sys
import landtopo_cli
def command(*words):
    sys.argv = ["landtopo", *(os.fsdecode(word) for word in words)]
    try:
        landtopo_cli.main()
    except SystemExit as end:
        assert end.code == 0, (words, end.code)
os.chdir(os.fsencode(sys.argv[1]))
teacher, study, out = (bytes.fromhex(text) for text in sys.argv[2:5])
weights, picture = b"w" + teacher, out + b"/" + out + b".pdf"
open(weights, "w").write("0.5")
open(teacher, "w").write("1")
command(b"graph", b"--teacher", teacher, b"--width", b"1", b"--starts", b"5", b"-o", study,
        b"--out-dir", out)
command(b"show", study)
command(b"show", study, b"--json")
command(b"show", out + b"/landscape.gexf")
command(b"export", study, out + b"/" + out + b".graphml")
command(b"plot", study, b"--kind", b"graph", b"-o", picture)
command(b"flow", b"--teacher", teacher, b"--width", b"1", b"--weights", weights, b"--json")
"""


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
    ids=["latin-1", "C"],
)
def test_names_and_terminals_in_any_encoding(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path), TEACHER.hex(), STUDY.hex(), OUT.hex()],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert b"\x1b" not in done.stdout + done.stderr
    out = tmp_path / os.fsdecode(OUT)
    suffixes = {".csv", ".cyjs", ".dot", ".gexf", ".graphml", ".html", ".json", ".md"}
    assert {file.suffix for file in out.iterdir()} >= suffixes
    for file in out.iterdir():
        if file.suffix in suffixes:
            file.read_bytes().decode("utf-8")
    name = name_of(os.fsdecode(TEACHER))
    assert read_graph(out / "landscape.graphml").graph["teacher"] == name
    assert read_graph(out / os.fsdecode(OUT + b".graphml")).graph["teacher"] == name


def test_names_of_files_are_shown_without_what_rules_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "a\x1b[2J\udc80é.csv"
    file.write_text("1,0\n0,1")
    assert Teacher.from_spec(str(file)).name == "a\\x1b[2J\\udc80é.csv"
    for arguments in (
        ["minima", "--teacher", "no\x1b\udc80.csv", "--width", "1"],
        ["show", "no\x1b\udc80.landtopo"],
        ["export", str(file), "a.graphml"],
    ):
        result = CliRunner().invoke(application, arguments)
        assert result.exit_code == 2
        assert "\x1b" not in result.stderr
        assert result.stderr.splitlines()[-1].startswith("Error: ")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_strict_in_every_encoding(
    encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = {"teacher": "é λ \udc80", "gap": float("inf")}
    with (tmp_path / "out").open("w", encoding=encoding, errors="strict") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        text = plain_json(record)
        monkeypatch.undo()
        stream.write(text)
    assert json.loads((tmp_path / "out").read_text(encoding=encoding)) == {**record, "gap": None}
