"""What landtopo 0.1.0 wrote is read for ever, and continued.

`data/study-0.1.0.landtopo` was made by version 0.1.0, and nothing else has touched it:

    landtopo minima  --teacher orthonormal:2 --widths 2:3 --starts 40 -o S
    landtopo graph   -o S --widths 2:3 --starts 40
    landtopo saddles -o S --width 2 --starts 20
    landtopo path    -o S --width 2 --from global --to global --permutation "(1 2)"
    landtopo reach   -o S --widths 2:3 --runs 20

The hashes are of what `landtopo export` of 0.1.0 wrote from it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from landtopo.errors import FileFormatError
from landtopo.export import write_graph
from landtopo.landscape.build import landscape_graph
from landtopo.models.networks.points.search import find_minima
from landtopo.study import Study
from landtopo.study.codec import decode, encode
from landtopo.study.integrity import check_study
from landtopo.study.names import class_of, name_of
from landtopo.study.schema import SCHEMA_VERSION
from landtopo.study.verification import verify

KEPT = Path(__file__).parent / "data" / "study-0.1.0.landtopo"
FILE = "0cbdfcf43fc9f4b18aff9fc0f1e7fd3e4684d6b4e6a9ac7624ae32acba815a51"
TABLES = {
    "old.nodes.csv": "b45f9424ed88fb30029a41c00a4ea2e1981838bf1df8c27c559f6c336bdb6427",
    "old.edges.csv": "6ba071b84ba2ee35f81bf06302ec300431767997b8c03ada309b18b5b4b52f59",
}
JSON = {
    "graph": "6808294c3d23f8dcc405ca161c20fe4ade021af593b1939c24c7f8998fc9127f",
    "nodes": "6a969ce1a5230e733211561feb2aa991600b6a298e5b5d8fb39e931d16f508a2",
    "links": "d597118743dd905a63b02ab6293a599a818a045c8a914f37f80a3f4dc1eb8a28",
}

# Places in the code of 0.1.0 that it wrote where names stand now.
PLACES = {
    "critical point": "landtopo.points.records:CriticalPoint",
    "evaluations": "landtopo.points.evaluations:Evaluations",
    "family": "landtopo.points.records:Family",
    "kind of point": "landtopo.points.records:Kind",
    "passed saddle": "landtopo.paths.record:PassedSaddle",
    "path": "landtopo.paths.record:PathRecord",
    "problem": "landtopo.problem:TeacherStudent",
    "runner-up": "landtopo.paths.record:RunnerUp",
    "status of an attempt": "landtopo.points.records:Status",
    "step of a path": "landtopo.paths.record:StepRecord",
    "summary statistics": "landtopo.statistics:SummaryStatistics",
    "teacher": "landtopo.problem:Teacher",
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(KEPT, tmp_path / "old.landtopo"))


def test_the_study_is_the_one_that_0_1_0_wrote() -> None:
    assert _hash(KEPT.read_bytes()) == FILE


def test_everything_in_it_is_read_and_nothing_is_touched(old: Path) -> None:
    with Study.open(old) as study:
        assert study.teacher.name == "orthonormal:2"
        assert [entry.command for entry in study.sessions()] == [
            "minima",
            "graph",
            "saddles",
            "path",
            "reach",
        ]
        searches = study.searches()
        assert [len(study.attempts(*search)) for search in searches] == [
            *(40, 40),
            *(20, 20, 10, 11),
            *(20, 20),
        ]
        assert [len(study.families(*search)) for search in searches] == [1, 1, 4, 0, 0, 0, 1, 1]
        (path,) = study.paths()
        assert path.record.highest_loss == pytest.approx(0.0736129, abs=1e-7)
        assert len(study.steps()) == 43
        assert sorted(study.graph()) == ["w2-f0", "w3-f0"]
    found_wrong = check_study(old)
    assert found_wrong.sound
    assert not found_wrong.has_checksums
    assert old.read_bytes() == KEPT.read_bytes()


def test_exports_hold_what_those_of_0_1_0_held(old: Path, tmp_path: Path) -> None:
    with Study.open(old) as study:
        graph = study.graph()
    written = {file.name: file.read_bytes() for file in write_graph(graph, tmp_path / "old.csv")}
    assert {name: _hash(written[name]) for name in TABLES} == TABLES
    (file,) = write_graph(graph, tmp_path / "old.json")
    content = json.loads(file.read_bytes())
    # What columns mean may be said better; what is in them stays.
    del content["graph"]["columns"]
    assert {
        part: _hash(json.dumps(content[part], sort_keys=True).encode()) for part in JSON
    } == JSON


def test_it_is_continued_and_has_checksums_from_then_on(old: Path) -> None:
    with Study.open(old, write=True) as study:
        assert study.upgraded == ""
        find_minima(study.problem(2), starts=40, seed=0, journal=study)
    # Nothing was computed, and so nothing was written.
    assert old.read_bytes() == KEPT.read_bytes()
    with Study.open(old, write=True) as study:
        graph = landscape_graph(study.teacher, [2, 3], starts=50, seed=0, journal=study)
        study.save_graph(graph)
    assert sorted(graph) == ["w2-f0", "w3-f0"]
    found = check_study(old)
    assert found.sound
    assert found.has_checksums
    after = sqlite3.connect(old)
    (version,) = after.execute("PRAGMA user_version").fetchone()
    assert version == SCHEMA_VERSION
    kept = sqlite3.connect(KEPT)
    for table, column in (("steps", "value"), ("families", "record"), ("paths", "record")):
        query = f"SELECT {column} FROM {table}"
        assert set(kept.execute(query)) <= set(after.execute(query))
    for table, key in (("attempts", "width, source"), ("paths", "from_id, to_id")):
        query = f"SELECT {key} FROM {table} ORDER BY rowid"
        assert kept.execute(query).fetchall() == after.execute(query).fetchall()
    kept.close()
    after.close()
    with Study.open(old) as study:
        assert study.upgraded
        assert len(study.sessions()) == 6
        assert len(study.graph()) == 2


def test_verify_agrees_with_it(old: Path) -> None:
    with Study.open(old) as study:
        checks = verify(study)
    assert len(checks) >= 60
    assert [check for check in checks if not check.agrees] == []


def test_a_damaged_one_is_not_given_checksums(old: Path) -> None:
    connection = sqlite3.connect(old)
    connection.execute("UPDATE families SET record = substr(record, 1, 50) WHERE id = 'w2-f0'")
    connection.commit()
    connection.close()
    before = old.read_bytes()
    damage = r"'w2-f0' of the table families cannot be read"
    with Study.open(old, write=True) as study, pytest.raises(FileFormatError, match=damage):
        study.remember("new", {})
    assert old.read_bytes() == before
    assert not check_study(old).sound


def read_everything(study: Study) -> None:
    study.graph()
    study.paths()
    for search in study.searches():
        study.families(*search)
        study.attempts(*search)


@pytest.mark.parametrize("letter", [1, 2])
@pytest.mark.parametrize("table", ["families", "paths", "nodes", "edges", "attempts"])
def test_no_mapping_is_taken_for_an_array_or_a_record(old: Path, table: str, letter: int) -> None:
    """Where a letter of a tag is damaged, JSON has a mapping of one entry."""
    with closing(sqlite3.connect(old)) as connection:
        number, content = connection.execute(f"SELECT rowid, record FROM {table}").fetchone()
        for tag in re.finditer(rb'"\$\w', content):
            damaged = bytearray(content)
            damaged[tag.start() + letter] ^= 1
            connection.execute(f"UPDATE {table} SET record = ? WHERE rowid = ?", (damaged, number))
            connection.commit()
            with Study.open(old) as study, pytest.raises(FileFormatError, match=f"table {table}"):
                read_everything(study)
            assert not check_study(old).sound


def test_names_are_independent_of_places() -> None:
    for name, place in PLACES.items():
        assert class_of(name) is class_of(place)
        assert name_of(class_of(name)) == name
    with Study.open(KEPT) as study:
        families, paths = study.families(2), study.paths()
    for record in (*families, *(path.record for path in paths)):
        assert b"landtopo" in KEPT.read_bytes()
        assert b"landtopo" not in encode(record)
        assert type(decode(encode(record))) is type(record)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
