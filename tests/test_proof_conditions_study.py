"""Conditions by which a study is known to be what was written, each tested where it decides.

The seal, the coded values and the checksummed rows are compared with what their definitions give,
written out here, so that what one version writes another one reads.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from landtopo.errors import FileFormatError, InvalidArgument, StudyError
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Family, Kind
from landtopo.study import Study
from landtopo.study.codec import decode, encode
from landtopo.study.database import Database
from landtopo.study.declared import check_fields, wrong_value
from landtopo.study.integrity import check_study
from landtopo.study.names import class_of, name_of
from landtopo.study.rows import Fault, Rows, name_of_row
from landtopo.study.schema import checksum
from landtopo.study.seal import is_broken, put_seal
from landtopo.units import Linear, Squared

KEPT = Path(__file__).parent / "data" / "study-0.1.0.landtopo"


def execute(path: Path, *statements: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        found = [row for one in statements for row in connection.execute(one)]
        connection.commit()
        return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with something in every table, closed."""
    path = Path(shutil.copy(KEPT, tmp_path_factory.mktemp("conditions") / "kept.landtopo"))
    with Study.open(path, write=True) as study:
        study.remember("new", {"a": np.arange(600.0)})
    return path


@pytest.fixture
def study_file(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(kept, tmp_path / "s.landtopo"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    Study.create(tmp_path / "new", Teacher.orthonormal(2)).close()
    with closing(Database(tmp_path / "new", write=True)) as found:
        yield found


# Coded values.


def test_bytes_of_a_value_are_those_of_the_format() -> None:
    locked = np.array([[1, 2]], dtype=">i2")
    locked.setflags(write=False)
    value = {
        "a": [np.array([1.5]), locked, np.array(True)],
        "b": (math.inf, -math.inf, math.nan, 1.0, np.int8(3), None),
        "c": {"$d": 1, 2: {}},
        "e": {"$f": 0},
    }
    text = (
        b'{"a":[{"$array":["<f8",[1],0,true]},{"$array":["<i2",[1,2],8,false]},'
        b'{"$array":["|b1",[],12,true]}],"b":{"$tuple":[{"$float":"inf"},{"$float":"-inf"},'
        b'{"$float":"nan"},1.0,3,null]},"c":{"$items":[["$d",1],[2,{}]]},'
        b'"e":{"$items":[["$f",0]]}}'
    )
    numbers = np.float64(1.5).tobytes() + b"\1\0\2\0" + b"\1"
    content = encode(value)
    assert content == len(text).to_bytes(4, "little") + text + numbers
    again = decode(content)
    assert [array.tolist() for array in again["a"]] == [[1.5], [[1, 2]], True]
    rest = {"b": (math.inf, -math.inf, math.nan, 1.0, 3, None), "c": value["c"], "e": value["e"]}
    assert repr({name: again[name] for name in "bce"}) == repr(rest)
    assert [array.flags.writeable for array in again["a"]] == [True, False, True]


@pytest.mark.parametrize("kind", ["?", "i1", "u8", "f2", "f8", "c16"])
def test_arrays_of_numbers_are_kept(kind: str) -> None:
    array = np.ones((1, 2), dtype=kind)
    again = decode(encode(array))
    assert (again.dtype, again.shape) == (array.dtype, array.shape)


@pytest.mark.parametrize(
    "array", [np.ones(1, np.clongdouble), np.zeros(1, "M8[s]"), np.array("a"), np.zeros(1, "V8")]
)
def test_arrays_of_other_things_are_refused(array: Any) -> None:
    with pytest.raises(InvalidArgument, match="must hold booleans or numbers"):
        encode(array)


@pytest.mark.parametrize("text", ['{"$recopd":["path",{}]}', '{"$":1}', '{"a":[{"$Array":[]}]}'])
def test_what_begins_like_a_tag_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(FileFormatError, match="stands for nothing"):
        decode(len(text).to_bytes(4, "little") + text.encode())
    assert decode(encode({"$recopd": 1})) == {"$recopd": 1}


def test_records_and_enumerations_are_not_taken_for_each_other() -> None:
    for text, said in (
        ('{"$enum":["family","MINIMUM"]}', "of another kind"),
        ('{"$record":["kind of point",{"value":"minimum"}]}', "of another kind"),
        ('{"$array":["<f8",[-1,-1],0,true]}', "an array of type"),
    ):
        with pytest.raises(FileFormatError, match=said):
            decode(len(text).to_bytes(4, "little") + text.encode() + bytes(16))
    assert decode(b'\x1b\0\0\0{"$other":[1],"$array":[2]}') == {"$other": [1], "$array": [2]}


def test_only_named_classes_are_stored() -> None:
    assert class_of(name_of(Family)) is Family
    with pytest.raises(InvalidArgument, match="got Fault"):
        name_of(Fault)
    with pytest.raises(ValueError, match="does not know the record 'os:system'"):
        class_of("os:system")


@dataclass(frozen=True, kw_only=True)
class Declared:
    whole: int = 0
    number: Squared[float] = 0.0
    flag: bool = False
    text: str = ""
    maybe: int | None = None
    word: Literal["saddle", "flat"] = "flat"
    pair: tuple[int, str] = (0, "")
    many: tuple[float, ...] = ()
    array: Linear[Array] = field(default_factory=lambda: np.zeros(0))
    inside: Kind = Kind.MINIMUM


RIGHT: dict[str, tuple[Any, ...]] = {
    "whole": (0, -(10**30)),
    "number": (0.0, math.nan, 3),
    "flag": (True,),
    "text": ("",),
    "maybe": (None, 7),
    "word": ("saddle", "another word"),
    "pair": ((1, "a"),),
    "many": ((), (1.0, 2)),
    "array": (np.zeros((2, 2)), np.zeros(2, dtype=np.int32), np.zeros(1, dtype=np.float32)),
    "inside": (Kind.SADDLE,),
}
WRONG: dict[str, tuple[Any, ...]] = {
    "whole": (True, 1.0, "1", None, {}),
    "number": (True, "1.0", None, {"%float": "nan"}),
    "flag": (0, 1, None),
    "text": (1, None, b""),
    "maybe": (1.0, "", False),
    "word": (1, None),
    "pair": ((1,), (1, "a", "b"), (1, 2), ("a", "a"), [1, "a"], 1),
    "many": ((1.0, "2"), ("1", 2.0), [1.0], 1.0),
    "array": ([0.0], np.zeros(2, dtype=complex), {"%array": []}, 0.0, None),
    "inside": ("minimum", 0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_fields_take_what_they_declare_and_nothing_else(name: str) -> None:
    for value in RIGHT[name]:
        check_fields(Declared, {name: value})
    for value in WRONG[name]:
        with pytest.raises(TypeError, match=f"the field '{name}' of a Declared holds a "):
            check_fields(Declared, {"whole": 1, "text": "a", name: value})
    check_fields(Declared, {"unknown": object()})


@pytest.mark.parametrize(
    ("table", "column", "right", "wrong"),
    [
        ("nodes", "loss", (0.5, 1, None), (True, "0.5", {})),
        ("nodes", "count", (1, None), (True, 1.0, "1")),
        ("nodes", "is_global", (True, None), (1, "yes")),
        ("nodes", "weights", (np.eye(2), [[1.0]], None), (1.0, "1", {})),
        ("nodes", "isotropy", ("", None), (1, True)),
        ("edges", "kind", ("saddle",), (0,)),
        ("graph", "coverage", ({}, [], True, None), ()),
        ("graph", "not a column", ({}, 1, True), ()),
        ("steps", "loss", ("anything",), ()),
    ],
)
def test_columns_take_what_they_declare(
    table: str, column: str, right: tuple[Any, ...], wrong: tuple[Any, ...]
) -> None:
    for value in right:
        assert wrong_value(table, {column: value}, has_checksum=False) == ""
    for value in wrong:
        found = wrong_value(table, {column: value}, has_checksum=False)
        assert found == f"holds a {type(value).__name__} in the column '{column}'"
        assert wrong_value(table, {column: value}, has_checksum=True) == ""
    assert wrong_value(table, [], has_checksum=True) == "holds a list"
    assert wrong_value("families", {}, has_checksum=True) == "holds a dict"


# The seal.


def sealed_file(size: int) -> io.BytesIO:
    file = io.BytesIO(np.random.default_rng(0).bytes(72) + bytes(20) + bytes(size - 92))
    put_seal(file)
    return file


@pytest.mark.parametrize("size", [100, 5000, (1 << 20) + 500])
def test_seal_is_a_digest_of_everything_else(size: int) -> None:
    file = sealed_file(size)
    content = file.getvalue()
    assert len(content) == size
    rest = hashlib.blake2b(content[:72] + content[92:], digest_size=12).digest()
    seal = rest + content[24:28]
    assert content[72:92] == seal + hashlib.blake2b(seal, digest_size=4).digest()
    assert not is_broken(file)
    for place in [*range(0, 24), *range(28, 100), size // 2, size - 1]:
        changed = bytearray(content)
        changed[place] ^= 16
        assert is_broken(io.BytesIO(changed)), place
    # SQLite's counter tells of writes after the seal, and no seal of a file that was never closed.
    for place in range(24, 28):
        changed = bytearray(content)
        changed[place] ^= 16
        assert not is_broken(io.BytesIO(changed))
    assert not is_broken(io.BytesIO(content[:72] + bytes(20) + content[92:]))


# Rows.


def put_node(rows: Rows, width: object = 3, loss: object = 0.5, place: int = 0) -> None:
    rows.put("nodes", place=place, id=f"n{place}", width=width, loss=loss, record=b"")


@pytest.mark.parametrize(
    ("width", "loss"),
    [
        (2**63 - 1, 0.5),
        (-(2**63), 1e308),
        (np.int8(-3), np.float32(0.5)),
        (True, math.inf),
        (3, 2),
        (3, -0.0),
    ],
)
def test_columns_give_back_what_they_take(database: Database, width: Any, loss: Any) -> None:
    rows = Rows(database)
    put_node(rows, width, loss)
    (row,) = rows.all("nodes")
    assert (row["width"], row["loss"]) == (width, loss)
    assert (type(row["width"]), type(row["loss"])) == (int, float)
    assert rows.one("nodes", place=0) == row
    assert rows.one("nodes", place=1) is None


@pytest.mark.parametrize(
    ("width", "loss", "column"),
    [
        (2**63, 0.5, "width"),
        (-(2**63) - 1, 0.5, "width"),
        (0.5, 0.5, "width"),
        (3, math.nan, "loss"),
        (3, "0.5", "loss"),
        (None, 0.5, "width"),
    ],
)
def test_columns_refuse_what_they_would_change(
    database: Database, width: Any, loss: Any, column: str
) -> None:
    rows = Rows(database)
    with pytest.raises(InvalidArgument, match=rf"column nodes\.{column} of a study cannot hold"):
        put_node(rows, width, loss)
    assert rows.all("nodes") == []


@pytest.mark.parametrize("code", [0xD800, 0xDC80, 0xDFFF])
def test_lone_surrogates_are_refused(database: Database, code: int) -> None:
    with pytest.raises(InvalidArgument, match=r"column steps\.key"):
        Rows(database).put("steps", key=f"a{chr(code)}b", session=1, finished="", value=b"")


def test_totals_follow_every_change(database: Database) -> None:
    rows = Rows(database)

    def total() -> tuple[int, int]:
        found = rows.all("nodes")
        digest = 0
        for row in found:
            digest ^= checksum("nodes", row)
            assert row["checksum"] == checksum("nodes", row)
        (known,) = [row for row in rows.all("totals") if row["name"] == "nodes"]
        assert (known["rows"], known["digest"]) == (len(found), digest)
        return len(found), digest

    for place in range(3):
        put_node(rows, place=place)
        assert total()[0] == place + 1
    put_node(rows, loss=0.25, place=1)
    assert total()[0] == 3
    rows.remove("nodes", place=0, id="n1")
    assert total()[0] == 3
    rows.remove("nodes", place=0, id="n0")
    assert total()[0] == 2
    rows.remove("nodes")
    assert total() == (0, 0)


def test_rows_are_numbered_from_one(database: Database) -> None:
    rows = Rows(database)
    rest = {"aim": "minima", "session": 1, "starts": 1, "converged": 0, "search": "{}"}
    with database.together():
        database.run("PRAGMA defer_foreign_keys = 1")
        rows.put("sessions", id=1, started="", ended="", command="", options="{}", versions="{}")
        for source in ("b", "a", "b"):
            rows.put("attempts", width=2, source=source, record=b"", **rest)
    found = [(row["number"], row["source"]) for row in rows.all("attempts")]
    # What is written again is the latest.
    assert found == [(2, "a"), (3, "b")]


def test_names_of_rows_are_short() -> None:
    row = {"width": 3, "source": "x" * 200, "id": "\u00e9"}
    shown = ascii("x" * 200)[:80]
    assert name_of_row("families", row) == (
        f"row width 3, source {shown}, id '\\xe9' of the table families"
    )
    assert str(Fault("file", "is damaged")) == "the file is damaged"


# What a check finds.


def faults_of(path: Path) -> list[tuple[str, str]]:
    return [tuple(fault) for fault in check_study(path).faults]


def without_seal(path: Path) -> bytearray:
    content = bytearray(path.read_bytes())
    content[72:92] = bytes(20)
    return content


def test_a_sound_study_is_sound(study_file: Path, tmp_path: Path) -> None:
    found = check_study(study_file)
    assert (found.path, found.version, found.faults) == (study_file, 3, ())
    assert (found.sound, found.has_checksums) == (True, True)
    tables = execute(study_file, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    counts = [execute(study_file, f"SELECT count(*) FROM {name}")[0][0] for (name,) in tables]
    assert found.rows == sum(counts)
    old = check_study(Path(shutil.copy(KEPT, tmp_path / "old")))
    assert (old.version, old.sound, old.has_checksums) == (1, True, False)


@pytest.mark.parametrize("place", [18, 19, 21, 22, 23, 47, 51, 52, 55, 56, 67])
def test_fields_of_the_header_are_known_without_a_seal(study_file: Path, place: int) -> None:
    content = without_seal(study_file)
    first = max(start for start in (18, 20, 21, 44, 48, 52, 56, 64) if start <= place)
    content[place] ^= 1
    study_file.write_bytes(content)
    try:
        found = faults_of(study_file)
    except StudyError:
        return
    named = (f"byte {first} of the file", "is not what SQLite puts there")
    if found[0][1].startswith(("cannot", "is damaged")):
        return
    assert named in found
    assert [where for where, _ in found if where.startswith("byte")] == [named[0]]


def test_size_and_counters_of_the_header_are_compared(study_file: Path) -> None:
    content = without_seal(study_file)
    study_file.write_bytes(content)
    assert faults_of(study_file) == []
    said = "is not what SQLite puts there"
    study_file.write_bytes(content + bytes(len(content) % 3 + 1))
    assert ("byte 28 of the file", said) in faults_of(study_file)
    content[92] ^= 1
    study_file.write_bytes(content)
    assert ("byte 92 of the file", said) in faults_of(study_file)


def test_what_is_written_after_the_seal_does_not_break_it(study_file: Path) -> None:
    content = bytearray(study_file.read_bytes())
    last = len(content) - 1
    content[last] ^= 1
    study_file.write_bytes(content)
    assert ("file", "is not the one that was closed after the last write") in faults_of(study_file)


def test_a_row_in_place_of_another_is_noticed(study_file: Path) -> None:
    (row,) = execute(study_file, "SELECT * FROM steps WHERE key = 'new'")
    with closing(sqlite3.connect(study_file)) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute("SELECT * FROM steps WHERE key = 'new'").fetchone())
        row["key"] = "other"
        # Its own checksum is right.
        connection.execute(
            "UPDATE steps SET key = 'other', checksum = ? WHERE key = 'new'",
            (checksum("steps", row),),
        )
        connection.commit()
    assert ("table steps", "has other rows than were written") in faults_of(study_file)
    execute(study_file, "DELETE FROM steps WHERE key = 'other'")
    (fault,) = [one for one in faults_of(study_file) if one[0] == "table steps"]
    (count,) = execute(study_file, "SELECT count(*) FROM steps")[0]
    assert fault[1] == f"has {count} rows, and {count + 1} were written"
    execute(study_file, "UPDATE totals SET rows = rows - 1 WHERE name = 'steps'")
    assert ("row name 'steps' of the table totals", "is not what was written") in faults_of(
        study_file
    )


def test_a_reference_to_a_lost_row_is_named(study_file: Path) -> None:
    (number,) = execute(study_file, "SELECT max(rowid) FROM edges")[0]
    execute(study_file, "PRAGMA foreign_keys = 0", "DELETE FROM nodes")
    said = "refers to a row of the table nodes that is lost"
    assert (f"row {number} of the table edges", said) in faults_of(study_file)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("steps", "value", b"\0"),
        ("families", "record", b""),
        ("sessions", "options", "{"),
        ("sessions", "versions", "x"),
        ("attempts", "search", "[1"),
    ],
)
def test_what_was_written_wrongly_is_noticed(
    study_file: Path, table: str, column: str, value: Any
) -> None:
    with closing(Database(study_file, write=True)) as database:
        rows = Rows(database)
        row = rows.all(table)[0]
        del row["checksum"]
        with database.together():
            rows.put(table, **{**row, column: value})
        name = name_of_row(table, row)
    faults = faults_of(study_file)
    assert [place for place, what in faults if what.startswith("cannot be read: ")] == [name]


# What is asked of a study.


def test_searches_paths_and_families_are_those_asked_for(study_file: Path) -> None:
    with Study.open(study_file) as study:
        searches = study.searches()
        aims = {aim: study.searches(aim) for aim in ("minima", "saddles", "reachability")}
        assert sorted(chain.from_iterable(aims.values())) == sorted(searches)
        assert all(aims[aim] for aim in ("minima", "saddles"))
        for width, source in searches:
            losses = [(family.loss, family.id) for family in study.families(width, source)]
            assert losses == sorted(losses)
            assert study.search_options(width, source)
            assert len(study.attempts(width, source)) > 0
        for width in {width for width, _ in searches}:
            latest = [source for at, source in aims["minima"] if at == width]
            expected = study.families(width, latest[-1]) if latest else []
            assert [f.id for f in study.families(width)] == [f.id for f in expected]
        width, source = searches[0]
        assert study.search_options(width, source + "x") == {}
        assert study.search_options(width + 9, source) == {}
        with pytest.raises(StudyError, match="has no search"):
            study.attempts(width, source + "x")
        paths = study.paths()
        assert paths
        for known in {path.record.problem.width for path in paths}:
            assert len(study.paths(known)) == sum(p.record.problem.width == known for p in paths)
        assert study.paths(99) == []
        assert study.has_graph
        rows = study.rows()
        assert len(rows) == sum(len(study.families(*search)) for search in searches)
    stored = execute(study_file, "SELECT aim, starts, converged, search FROM attempts")
    assert all(json.loads(search) for *_, search in stored)


def test_each_damage_is_told_once(study_file: Path) -> None:
    execute(study_file, "UPDATE nodes SET loss = loss + 1 WHERE place = 0")
    assert faults_of(study_file) == [("row place 0 of the table nodes", "is not what was written")]


def test_rows_are_not_read_where_their_total_is_damaged(study_file: Path) -> None:
    execute(study_file, "UPDATE totals SET digest = digest + 1 WHERE name = 'nodes'")
    with closing(Database(study_file, write=False)) as database:
        with pytest.raises(FileFormatError, match="row name 'nodes' of the table totals is not"):
            Rows(database).all("nodes")
        assert Rows(database).all("edges")


@pytest.mark.parametrize("value", [object(), {1}, b"", Teacher, 1j])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(InvalidArgument, match="must be built from numbers, texts"):
        encode([value])


def test_records_come_back() -> None:
    teacher = Teacher.orthonormal(2)
    assert decode(encode((teacher, Kind.SADDLE))) == (teacher, Kind.SADDLE)
    times = b'{"$array":["<M8[s]",[1],0,true]}'
    with pytest.raises(FileFormatError):
        decode(len(times).to_bytes(4, "little") + times + bytes(8))


# The study as a whole.


def test_all_rows_of_an_old_study_are_moved(tmp_path: Path) -> None:
    """More than are moved at once, and exactly as many."""
    for count in (100, 101, 250):
        path = Path(shutil.copy(KEPT, tmp_path / f"{count}.landtopo"))
        (have,) = execute(path, "SELECT count(*) FROM steps")[0]
        content = execute(path, "SELECT hex(value) FROM steps LIMIT 1")[0][0]
        execute(
            path,
            *(
                f"INSERT INTO steps VALUES ('added {number:03}', 1, '2026', x'{content}')"
                for number in range(count - have)
            ),
        )
        keys = [key for (key,) in execute(path, "SELECT key FROM steps ORDER BY key")]
        assert len(keys) == count
        with Study.open(path, write=True) as study:
            study.begin("nothing")
            assert study.steps() == keys
        assert check_study(path).sound


def test_a_search_replaces_the_one_before(tmp_path: Path) -> None:
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    found = find_minima(problem, starts=4)
    family = found.families[0]
    with Study.create(tmp_path / "s", problem.teacher) as study:
        assert study.seed == 0
        many = [dataclasses.replace(family, id=f"w2-f{number}") for number in range(3)]
        study.save_search("minima", "any", found.attempts, many, {"step": 0.5})
        assert [one.id for one in study.families(2)] == ["w2-f0", "w2-f1", "w2-f2"]
        assert study.search_options(2, "any") == {"step": 0.5}
        study.save_search("minima", "any", found.attempts, many[:1])
        assert [one.id for one in study.families(2)] == ["w2-f0"]
        assert study.search_options(2, "any") == {}
    with Study.resume(tmp_path / "s", problem.teacher) as study:
        assert study.seed == 0


def test_what_is_no_study_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"something else" * 100)
    found = check_study(tmp_path / "s")
    assert (found.version, found.rows, len(found.faults)) == (0, 0, 1)


def test_values_of_other_types_are_damage_without_checksums() -> None:
    database = Database(KEPT, write=False)
    try:
        rows = Rows(database)
        row = rows.all("families")[0]
        assert rows._wrong("families", row) == ""
        for name, wrong, kind in (("loss", "0.5", "REAL"), ("count", 1.0, "INTEGER")):
            said = f"holds in {name} what is not of type {kind}"
            assert rows._wrong("families", {**row, name: wrong}) == said
    finally:
        database.close()


def test_a_damaged_step_is_not_recalled(study_file: Path) -> None:
    execute(study_file, "UPDATE steps SET finished = finished || '0' WHERE key = 'new'")
    with (
        Study.open(study_file) as study,
        pytest.raises(FileFormatError, match="row key 'new' of the table steps is not what was"),
    ):
        study.recall("new")
