"""A damaged study is noticed: whatever byte was altered, and whichever row was lost.

`check_study` finds every altered byte of a study that was closed. In one whose last run was killed
it finds all that change anything: what it does not find leaves every row as it was. Reading gives
one sentence that names the row, and never a number from it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo

from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.models.networks.problem import Teacher
from landtopo.study import Study
from landtopo.study.database import Database
from landtopo.study.integrity import check_study
from landtopo.study.rows import Rows
from landtopo.study.schema import TABLES
from landtopo.study.verification import verify

KEPT = Path(__file__).parent / "data" / "study-0.1.0.landtopo"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with something in every table, closed."""
    path = Path(shutil.copy(KEPT, tmp_path_factory.mktemp("damage") / "sound.landtopo"))
    with Study.open(path, write=True) as study:
        study.remember("new", {"a": np.arange(600.0)})
    assert check_study(path).sound
    return path


@pytest.fixture
def study_file(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "s.landtopo"))


def rows_of(path: Path) -> dict[str, list[Any]]:
    database = Database(path, write=False)
    try:
        return {table: Rows(database).all(table) for table in TABLES}
    finally:
        database.close()


def flipped(content: bytes, rng: np.random.Generator, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def places(size: int, rng: np.random.Generator) -> list[int]:
    """The whole header, and a sample of the rest."""
    return [*range(100), *rng.choice(np.arange(100, size), 150, replace=False).tolist()]


def test_every_flipped_byte_of_a_closed_study_is_found(study_file: Path) -> None:
    content = study_file.read_bytes()
    rng = np.random.default_rng(0)
    for place in places(len(content), rng):
        study_file.write_bytes(flipped(content, rng, place))
        assert not check_study(study_file).sound, place


def test_without_a_seal_what_is_not_found_changes_no_row(study_file: Path) -> None:
    content = bytearray(study_file.read_bytes())
    content[72:92] = bytes(20)
    study_file.write_bytes(content)
    assert check_study(study_file).sound
    before = rows_of(study_file)
    rng = np.random.default_rng(1)
    found = 0
    for place in places(len(content), rng):
        study_file.write_bytes(flipped(bytes(content), rng, place))
        if not check_study(study_file).sound:
            found += 1
            continue
        assert rows_of(study_file) == before, place
    assert found > 60


def test_a_changed_number_is_never_read(study_file: Path) -> None:
    changes = [
        ("families", "loss = loss + 1e-3", "id = 'w3-f0'", "w3-f0"),
        ("families", "record = x'00'", "id = 'w3-f0'", "w3-f0"),
        ("nodes", "width = 4", "id = 'w3-f0'", "of the table nodes"),
        ("edges", "kind = 'flat'", "kind = 'saddle'", "of the table edges"),
        ("attempts", "starts = starts + 1", "aim = 'saddles'", "of the table attempts"),
        ("sessions", "command = 'other'", "id = 1", "row id 1 of the table sessions"),
        ("graph", "finished = ''", "1", "row id 1 of the table graph"),
        ("paths", "highest_loss = 0.5", "1", "of the table paths"),
    ]  # fmt: skip
    content = study_file.read_bytes()
    for table, change, where, named in changes:
        study_file.write_bytes(content)
        execute(study_file, f"UPDATE {table} SET {change} WHERE {where}")
        assert named in sentence_of_reading(study_file)
        (fault, *_) = check_study(study_file).faults
        assert fault.place in sentence_of_reading(study_file)
    study_file.write_bytes(content)
    execute(study_file, "UPDATE steps SET value = x'00' WHERE key = 'new'")
    with Study.open(study_file) as study, pytest.raises(FileFormatError, match="row key 'new'"):
        study.recall("new")
    execute(study_file, "UPDATE study SET seed = '7'")
    with pytest.raises(FileFormatError, match="row id 1 of the table study"):
        Study.open(study_file)


@pytest.mark.parametrize(
    "table", ["sessions", "attempts", "families", "paths", "graph", "nodes", "edges", "totals"]
)
def test_a_lost_row_is_noticed(study_file: Path, table: str) -> None:
    execute(study_file, f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
    assert "rows" in sentence_of_reading(study_file) or "other rows" in sentence_of_reading(
        study_file
    )
    assert not check_study(study_file).sound


def test_a_row_that_its_index_has_lost_is_read(study_file: Path) -> None:
    """Eight flipped bits once removed a line from `show`."""
    content = study_file.read_bytes()
    (root,) = execute(
        study_file, "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_families_1'"
    )[0]
    size = int.from_bytes(content[16:18])
    page = bytearray(content[(root - 1) * size : root * size])
    place = page.index(b"quasi-newton")
    page[place : place + 8] = bytes(byte ^ 1 for byte in page[place : place + 8])
    study_file.write_bytes(content[: (root - 1) * size] + page + content[root * size :])
    with Study.open(study_file) as study:
        assert [len(study.families(*search)) for search in study.searches()] == [
            *(1, 1, 4, 0, 0, 0, 1, 1)
        ]
    assert not check_study(study_file).sound


def test_verify_tells_damage_and_computes_nothing_from_it(study_file: Path) -> None:
    execute(study_file, "UPDATE families SET loss = 0.5 WHERE width = 3")
    with Study.open(study_file) as study:
        checks = verify(study)
    assert checks
    assert not any(check.agrees for check in checks)
    assert any("table families" in check.subject for check in checks)


def test_the_command(study_file: Path) -> None:
    done = CliRunner().invoke(landtopo, ["check", str(study_file)])
    assert done.exit_code == 0
    assert "rows are as they were written" in done.stdout
    rows = json.loads(CliRunner().invoke(landtopo, ["check", str(study_file), "--json"]).stdout)
    assert (rows["sound"], rows["faults"], rows["has_checksums"]) == (True, [], True)
    execute(study_file, "UPDATE nodes SET loss = 0.5 WHERE width = 3")
    done = CliRunner().invoke(landtopo, ["check", str(study_file)])
    assert done.exit_code == 1
    assert "The row place 1 of the table nodes is not what was written." in done.stdout
    done = CliRunner().invoke(landtopo, ["check", str(study_file), "--json"])
    assert done.exit_code == 1
    assert "row place 1 of the table nodes" in [
        fault["place"] for fault in json.loads(done.stdout)["faults"]
    ]
    for command in (["show"], ["verify"], ["export"]):
        files = [str(study_file.parent / "graph.csv")] if command == ["export"] else []
        done = CliRunner().invoke(landtopo, [*command, str(study_file), *files])
        assert done.exit_code != 0
        assert "row place 1 of the table nodes" in done.output
    study_file.write_text("something else")
    done = CliRunner().invoke(landtopo, ["check", str(study_file)])
    assert done.exit_code == 1
    assert "is not a landtopo study" in done.stdout


def test_columns_take_only_what_they_give_back(tmp_path: Path) -> None:
    """SQLite makes a BLOB of a NumPy integer and NULL of NaN, without a word."""
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.add_node("w3-f0", width=np.int64(3), loss=np.float64(-0.0))
    with Study.create(tmp_path / "s", Teacher.orthonormal(2)) as study:
        study.save_graph(graph)
        for width, loss in ((3, float("nan")), (3.5, 0.1), (2**70, 0.1), (3, "0.1"), (None, 0.1)):
            graph.add_node("w3-f0", width=width, loss=loss)
            with pytest.raises(InvalidArgument, match="column nodes"):
                study.save_graph(graph)
        with pytest.raises(InvalidArgument, match=r"column steps\.key"):
            study.remember("\udce9", {})
    assert check_study(tmp_path / "s").sound
    assert execute(tmp_path / "s", "SELECT typeof(width), typeof(loss) FROM nodes") == [
        ("integer", "real")
    ]


def execute(path: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(statement).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


def read_everything(study: Study) -> None:
    for search in study.searches():
        study.families(*search)
    study.paths()
    study.graph()
    study.sessions()
    study.steps()


def sentence_of_reading(path: Path) -> str:
    """What reading everything that a study tells says."""
    with Study.open(path) as study, pytest.raises(FileFormatError) as caught:
        read_everything(study)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text
