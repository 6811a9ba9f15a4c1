"""A study keeps every value exactly, survives kills and full disks, and has one writer.

Values: what is read equals what was written, to the last bit, without pickle.
File: a process killed at any moment leaves everything that it had committed and a sound file; a
failed write leaves the earlier content; other writers, other teachers, newer versions, foreign and
damaged files are refused in a sentence.
"""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from landtopo_cli.app import landtopo as main

from landtopo.errors import FileFormatError, InvalidArgument, StudyError
from landtopo.models.networks.problem import Teacher
from landtopo.points.records import Attempts, CriticalPoint, Family, Kind, Status
from landtopo.study import Study
from landtopo.study.codec import decode, encode
from landtopo.study.schema import SCHEMA_VERSION

SOURCE = "quasi-newton from gaussian:1"
TEACHER = Teacher.random(3, dim=5, seed=4)


# Values.

plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers(), inner)
    ),
    max_leaves=20,
)


@given(plain_values)
@settings(max_examples=60, deadline=None)
def test_plain_values_come_back_equal(value: object) -> None:
    again = decode(encode(value))
    assert again == value
    assert repr(again) == repr(value)  # tells -0.0 from 0.0, 1 from 1.0 and True, tuple from list


def test_arrays_come_back_to_the_last_bit() -> None:
    special = np.array([0.0, -0.0, 5e-324, math.nan, math.inf, -math.inf, 1 / 3])
    arrays = [
        special,
        special.reshape(7, 1)[::2],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(4, dtype=">i4"),
        np.array([True, False]),
        np.array(1 + 2j),
        np.empty((0, 3)),
        np.float32([1.5]),
    ]
    for array, again in zip(arrays, decode(encode(arrays)), strict=True):
        assert again.dtype == array.dtype.newbyteorder("=")
        assert again.shape == array.shape
        assert again.tobytes() == array.astype(again.dtype).tobytes()
        assert again.flags.writeable
        assert again.flags.c_contiguous
    locked = np.ones(2)
    locked.setflags(write=False)
    assert not decode(encode(locked)).flags.writeable


def test_numpy_scalars_become_numbers() -> None:
    for value in (np.int64(2**62), np.float64(0.1), np.bool_(True), np.float32(0.5)):
        again = decode(encode(value))
        assert type(again) in (int, float, bool)
        assert again == value
    assert math.isnan(decode(encode(np.float64("nan"))))


def test_records_and_enumerations_come_back() -> None:
    family = make_family(0)
    again = decode(encode({"found": [family], "status": Status.TOO_LONG}))
    assert again["status"] is Status.TOO_LONG
    assert_same_record(again["found"][0], family)


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, b"bytes", np.array([object()]), np.array(["text"]), SimpleNamespace(a=1)],
)
def test_what_cannot_be_kept_exactly_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument):
        encode({"value": value})


def test_damaged_and_hostile_bytes_are_refused() -> None:
    good = encode({"a": np.arange(5.0), "b": "text"})
    for bad in (b"", good[:3], good[:20], good[:-1], b"\xff" * 30, pickle.dumps({"a": 1})):
        with pytest.raises(FileFormatError):
            decode(bad)
    for tree in (
        '{"$record":["os:system",{"command":"true"}]}',
        '{"$record":["landtopo.study.codec:encode",{"value":1}]}',
        '{"$record":["landtopo.study.codec:importlib",{}]}',
        '{"$record":["landtopo.points.records:Kind",{}]}',
        '{"$record":["landtopo.no_such_module:Thing",{}]}',
        '{"$record":["landtopo.points.records:Family",{"no_such_field":1}]}',
        '{"$enum":["landtopo.points.records:Kind","NO_SUCH"]}',
        '{"$array":["|O",[1],0,true]}',
        '{"$array":["<f8",[1000000000],0,true]}',
        '{"$array":["<f8",[-1],0,true]}',
        '{"$array":[]}',
        '{"$record":["landtopo.points.records:Family",[]]}',
        "[" * 100_000,
    ):
        with pytest.raises(FileFormatError):
            decode(len(tree).to_bytes(4, "little") + tree.encode())


# Identity.


def test_teacher_dimension_and_seed_are_kept_exactly(tmp_path: Path) -> None:
    seed = 2**100 + 1
    with Study.create(tmp_path / "s", TEACHER, dim=10**9, seed=seed):
        pass
    with Study.open(tmp_path / "s") as study:
        assert study.teacher == TEACHER
        assert np.array_equal(study.teacher.gram, TEACHER.gram)
        assert study.teacher.name == TEACHER.name
        assert study.dim == 10**9
        assert study.seed == seed
        assert study.problem(4).extra == 4
    with Study.create(tmp_path / "infinite", TEACHER) as study:
        assert study.dim is None


def test_a_study_of_something_else_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "s"
    Study.resume(path, TEACHER, dim=5, seed=1).close()
    Study.resume(path, TEACHER, dim=5, seed=1).close()
    # The same teacher with the rounding of another machine.
    Study.resume(path, Teacher.from_gram(TEACHER.gram * (1 + 1e-15)), dim=5, seed=1).close()
    refused = [
        (Teacher.orthonormal(3), 5, 1, f"has the teacher {TEACHER.name}, not orthonormal:3"),
        (Teacher.orthonormal(4), 5, 1, "not orthonormal:4"),
        (replace(Teacher.orthonormal(3), name=TEACHER.name), 5, 1, "another one of the same name"),
        (TEACHER, None, 1, "has dim 5, not infinite"),
        (TEACHER, 6, 1, "has dim 5, not 6"),
        (TEACHER, 5, 0, "has the seed 1, not 0"),
    ]
    for teacher, dim, seed, words in refused:
        with pytest.raises(StudyError) as caught:
            Study.resume(path, teacher, dim=dim, seed=seed)
        assert words in str(caught.value)
        assert_one_sentence(caught.value)


def test_create_refuses_bad_arguments_and_leaves_no_file(tmp_path: Path) -> None:
    for options in ({"dim": 2}, {"seed": -1}):
        with pytest.raises(InvalidArgument):
            Study.create(tmp_path / "s", TEACHER, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "s").exists()


# The journal.


def test_a_longer_search_is_never_lost(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", TEACHER, dim=5) as study:
        save(study, make_result(20))
        shorter = make_result(19)
        assert not study.save_search("minima", SOURCE, shorter.attempts, ())
        assert len(study.attempts(4, SOURCE)) == 20
        assert len(study.families(4, SOURCE)) == 3
        # One that depends on what was found before belongs to the search that came last.
        dependent = replace(shorter.attempts, independent=False)
        assert study.save_search("minima", SOURCE, dependent, ())
        save(study, make_result(19))
        save(study, make_result(40))
        assert len(study.attempts(4, SOURCE)) == 40


def test_steps_are_durable_and_replaceable(tmp_path: Path) -> None:
    chunk = {"weights": np.random.default_rng(0).standard_normal((4, 3, 5)), "codes": [1, 2]}
    with Study.create(tmp_path / "s", TEACHER) as study:
        assert study.recall("starts/0-4") is None
        study.remember("starts/0-4", {"old": True})
        study.remember("starts/0-4", chunk)
        study.remember("starts%/x", {})
        assert study.steps("starts/") == ["starts/0-4"]
        with pytest.raises(InvalidArgument):
            study.remember("bad", {"value": object()})
    with Study.open(tmp_path / "s") as study:
        again = study.recall("starts/0-4")
        assert again.keys() == chunk.keys()
        assert np.array_equal(again["weights"], chunk["weights"])
        assert study.steps() == ["starts%/x", "starts/0-4"]
        with pytest.raises(StudyError, match="reading only"):
            study.remember("more", {})


def test_together_is_all_or_nothing(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", TEACHER) as study:
        with contextlib.suppress(ValueError), study.together():
            study.remember("before", {})
            raise ValueError
        with study.together():
            study.remember("a", {})
            study.remember("b", {})
        with contextlib.suppress(KeyboardInterrupt), study.together():
            study.remember("c", {})
            raise KeyboardInterrupt
        study.remember("d", {})
        assert study.steps() == ["a", "b", "d"]


# Searches and the graph.


def test_attempts_and_families_come_back(tmp_path: Path) -> None:
    result = make_result(n=500)
    with Study.create(tmp_path / "s", TEACHER) as study:
        save(study, result)
        save(study, result)
    with Study.open(tmp_path / "s") as study:
        assert study.searches() == [(4, SOURCE)]
        attempts = study.attempts(4, SOURCE)
        families = study.families(4)
        assert study.families(5) == []
        assert study.searches("saddles") == []
        with pytest.raises(StudyError, match="no search"):
            study.attempts(5, SOURCE)
    for field in fields(Attempts):
        if field.name != "weights":
            mine, theirs = getattr(attempts, field.name), getattr(result.attempts, field.name)
            assert np.array_equal(mine, theirs, equal_nan=isinstance(mine, np.ndarray))
    rows = [result.attempts.family.tolist().index(k) for k in attempts.family]
    expected = result.attempts.weights[rows]
    expected[attempts.family < 0] = np.nan
    assert np.array_equal(attempts.weights, expected, equal_nan=True)
    assert [family.id for family in families] == ["w4-f0", "w4-f1", "w4-f2"]
    for mine, theirs in zip(families, (*result.families, *result.others), strict=True):
        assert_same_record(mine, theirs)


def test_many_attempts_stay_small(tmp_path: Path) -> None:
    result = make_result(n=10_000, width=20, columns=40)
    with Study.create(tmp_path / "s", TEACHER) as study:
        save(study, result)
    # Columns of 8 + 8 + 8 + 8 + 8 + 1 bytes; the end points would be 64 MB.
    assert (tmp_path / "s").stat().st_size < 0.6e6


def test_the_tables_can_be_read_with_plain_sql(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", TEACHER) as study:
        study.begin("minima", {"starts": 500})
        save(study, make_result(n=500))
        study.remember("step", {"a": 1})
    connection = sqlite3.connect(tmp_path / "s")
    assert connection.execute("SELECT starts, converged FROM attempts").fetchall() == [(500, 400)]
    kinds = connection.execute("SELECT kind, count(*) FROM families GROUP BY kind").fetchall()
    assert kinds == [("minimum", 2), ("saddle", 1)]
    # Nothing slipped in under another storage class, and nothing is NULL.
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    assert "study" in tables
    for table in tables:
        sql = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,))
        assert sql.fetchone()[0].rstrip().endswith("STRICT")
        for _, name, kind, not_null, *_ in connection.execute(f"PRAGMA table_info({table})"):
            assert not_null
            seen = {row[0] for row in connection.execute(f"SELECT typeof({name}) FROM {table}")}
            assert seen <= {kind.lower()}
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_the_graph_comes_back(tmp_path: Path) -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph(teacher="orthonormal:3", widths=[3, 4])
    graph.add_node("w3-f1", width=np.int64(3), loss=np.float64(0.1), weights=np.eye(3))
    graph.add_node("w3-f0", width=3, loss=0.0, orbit_size=math.factorial(30), gap=math.inf)
    graph.add_edge("w3-f1", "w3-f0", key="w3-t0", kind="saddle", loss=0.2)
    graph.add_edge("w3-f0", "w3-f0", key="w3-t1", kind="saddle", loss=0.3)
    with Study.create(tmp_path / "s", TEACHER) as study:
        with pytest.raises(StudyError, match="no graph yet"):
            study.graph()
        study.save_graph(graph)
        study.save_graph(graph)
        again = study.graph()
    assert again.graph == graph.graph
    assert list(again) == list(graph)
    assert list(again.edges(keys=True, data=True)) == list(graph.edges(keys=True, data=True))
    assert np.array_equal(again.nodes["w3-f1"].pop("weights"), np.eye(3))
    del graph.nodes["w3-f1"]["weights"]
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))


def test_sessions_say_who_computed_what(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Study.create(path, TEACHER) as study:
        study.remember("a", {})
    with Study.open(path, write=True) as study:
        assert len(study.sessions()) == 1
        study.begin("minima", {"starts": 5})
        study.begin("graph")
        first, second, third = study.sessions()
    assert (first.number, first.command, first.options) == (1, "", {})
    assert (second.number, second.command, second.options) == (2, "minima", {"starts": 5})
    assert first.started <= first.ended <= second.started <= second.ended
    assert {"landtopo", "numpy", "scipy", "numba", "python"} <= first.versions.keys()
    assert (third.number, third.command, third.ended) == (3, "graph", "")


# The file.


def test_a_second_writer_is_refused_and_readers_are_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Study.create(path, TEACHER) as writer:
        writer.remember("a", {})
        for attempt in (
            lambda: Study.open(path, write=True),
            lambda: Study.resume(path, TEACHER),
        ):
            with pytest.raises(StudyError) as caught:
                attempt()
            assert "in use by another process" in str(caught.value)
            assert_one_sentence(caught.value)
        with Study.open(path) as reader:
            assert reader.steps() == ["a"]
            writer.remember("b", {})
            assert reader.steps() == ["a", "b"]
    Study.open(path, write=True).close()


def test_a_newer_study_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    Study.create(path, TEACHER).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    for write in (False, True):
        with pytest.raises(FileFormatError) as caught:
            Study.open(path, write=write)
        assert f"format version {SCHEMA_VERSION + 1}" in str(caught.value)
        assert "newer landtopo" in str(caught.value)
        assert_one_sentence(caught.value)


def test_foreign_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (a)")
    connection.commit()
    connection.close()
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but longer than nothing\n" * 100)
    for path in (other, text):
        before = path.read_bytes()
        for write in (False, True):
            with pytest.raises(FileFormatError, match="not a landtopo study"):
                Study.open(path, write=write)
        with pytest.raises(FileFormatError):
            Study.resume(path, TEACHER)
        with pytest.raises((FileFormatError, StudyError)):
            Study.create(path, TEACHER)
        assert path.read_bytes() == before
    with pytest.raises(StudyError, match="does not exist"):
        Study.open(tmp_path / "absent")
    with pytest.raises(StudyError, match="not a folder"):
        Study.create(tmp_path / "absent" / "s", TEACHER)
    with pytest.raises(StudyError):
        Study.create(tmp_path, TEACHER)
    Study.create(tmp_path / "s", TEACHER).close()
    with pytest.raises(StudyError, match="exists already"):
        Study.create(tmp_path / "s", TEACHER)


def test_a_damaged_study_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Study.create(path, TEACHER) as study:
        study.remember("a", {"numbers": np.arange(10_000.0)})
    connection = sqlite3.connect(path)
    connection.execute("UPDATE steps SET value = substr(value, 1, 100)")
    connection.commit()
    connection.close()
    with Study.open(path) as study, pytest.raises(FileFormatError, match="is damaged"):
        study.recall("a")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(FileFormatError):
        Study.open(path)


def test_an_odd_file_name(tmp_path: Path) -> None:
    path = tmp_path / "a %20?mode=ro #é.study"
    with Study.create(path, TEACHER) as study:
        study.remember("a", {})
    assert path.exists()
    with Study.open(path) as study:
        assert study.steps() == ["a"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "s"
    Study.create(path, TEACHER).close()
    path.chmod(0o444)
    with Study.open(path) as study:
        assert study.steps() == []
    with pytest.raises(StudyError, match="read-only"):
        Study.open(path, write=True)


def test_a_full_disk_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    study = Study.create(path, TEACHER)
    study.remember("small", {"a": 1})
    pages = study._database.row("PRAGMA page_count")[0]
    study._database.run(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(OSError, match="No space left"):
        study.remember("large", {"a": np.zeros(100_000)})
    study.remember("small again", {"a": 2})
    study.close()
    with Study.open(path) as study:
        assert study.steps() == ["small", "small again"]
    assert_sound(path)


def test_a_file_size_limit_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "s"
    script = """
        import resource, signal, sys
        import numpy as np
        from landtopo.models.networks.problem import Teacher
        from landtopo.study import Study
        study = Study.create(sys.argv[1], Teacher.orthonormal(2))
        study.remember("small", {"a": 1})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            study.remember("large", {"a": np.zeros(1_000_000)})
        except OSError as error:
            print(error)
    """
    output = run_script(script, path)
    assert "cannot be read or written" in output or "No space left" in output
    with Study.open(path) as study:
        assert study.steps() == ["small"]
    assert_sound(path)


SAVING = """
    import sys
    import numpy as np
    from landtopo.models.networks.problem import Teacher
    from landtopo.study import Study
    with Study.resume(sys.argv[1], Teacher.orthonormal(2)) as study:
        first = len(study.steps())
        for i in range(first, 10**6):
            study.remember(f"{i:06}", {"i": i, "a": np.full(2000, float(i))})
            print(i, flush=True)
"""


def test_a_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    rng = np.random.default_rng(0)
    reported = -1
    for _ in range(2):
        process = start_script(SAVING, path)
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        time.sleep(float(rng.uniform(0.0, 0.15)))
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        reported = max([reported, *map(int, lines)])
        with Study.open(path) as study:
            steps = study.steps()
            assert steps == [f"{i:06}" for i in range(len(steps))]
            # One more may have been committed than was reported.
            assert reported + 1 <= len(steps) <= reported + 2
            last = study.recall(steps[-1])
            assert np.array_equal(last["a"], np.full(2000, float(last["i"])))
        assert_sound(path)
    # Killed early in a commit, SQLite leaves an empty journal that its next commit removes.
    with Study.resume(path, Teacher.orthonormal(2)) as study:
        study.remember("last", {})
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_kill_during_creation_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.touch()
    with pytest.raises(FileFormatError):
        Study.open(path)
    Study.resume(path, TEACHER).close()
    assert Study.open(path).teacher == TEACHER


# Made-up records.


def make_family(number: int, width: int = 4, kind: Kind = Kind.MINIMUM) -> Family:
    rng = np.random.default_rng(number)
    point = CriticalPoint(
        weights=rng.standard_normal((width, 3)),
        loss=0.1 * number,
        grad_norm=1e-14,
        eigenvalues=np.sort(rng.standard_normal(12)),
        normal_eigenvalues=np.sort(rng.standard_normal(width)),
        normal_multiplicity=2,
        gauge=0,
        gap=math.nan if number else math.inf,
        index_in_span=0,
        index_normal=0,
        index=0,
        nullity=0,
        zero_neurons=0,
        grad_tolerance=1e-12,
        zero_tolerance=1e-9,
        kind=kind,
        reason="All eigenvalues are positive.",
    )
    return Family(
        id=f"w{width}-f{number}",
        width=width,
        point=point,
        count=100 - number,
        found_by="gaussian:1",
        reduced=point.weights,
        effective_width=width,
        flat_dimension=None if number else 0,
        anti_aligned=number,
        isotropy="S_1",
        isotropy_order=1,
        orbit_size=math.factorial(30),
        psi_min=-0.1,
        description="a family",
    )


def make_result(n: int, width: int = 4, columns: int = 5) -> Any:
    rng = np.random.default_rng(1)
    labels = rng.permutation(np.arange(n) % 5 - 1)
    labels[labels == 3] = 0
    families = (make_family(0, width), make_family(1, width))
    attempts = Attempts(
        width=width,
        source="gaussian:1",
        independent=True,
        starts=np.arange(n),
        status=tuple(Status.CONVERGED if k >= 0 else Status.TOO_LONG for k in labels),
        loss=np.where(labels < 0, np.nan, 0.1 * labels),
        grad_norm=rng.random(n),
        evaluations=rng.integers(1000, size=n),
        weights=rng.standard_normal((n, width, columns)),
        family=labels,
    )
    return SimpleNamespace(
        attempts=attempts,
        families=families,
        others=(make_family(2, width, Kind.SADDLE),),
        search={"method": "quasi-newton", "starts": n},
    )


def save(study: Study, result: Any) -> None:
    families = (*result.families, *result.others)
    assert study.save_search("minima", SOURCE, result.attempts, families, result.search)


def assert_same_record(mine: Any, theirs: Any) -> None:
    assert type(mine) is type(theirs)
    for field in fields(mine):
        a, b = getattr(mine, field.name), getattr(theirs, field.name)
        if isinstance(b, CriticalPoint):
            assert_same_record(a, b)
        elif isinstance(b, np.ndarray):
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)
        else:
            assert repr(a) == repr(b)


def assert_one_sentence(error: Exception) -> None:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text


def assert_sound(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def start_script(script: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )


def run_script(script: str, path: Path) -> str:
    process = start_script(script, path)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def test_fields_may_be_declared_by_an_alias_with_a_name_of_its_own() -> None:
    """Numpy's arrays are since 2.5, from Python 3.12 on."""
    from landtopo.study.declared import _fits

    class Alias:
        __value__ = np.ndarray[Any, np.dtype[np.float64]]

    assert _fits(np.zeros(2), Alias)
    assert not _fits([0.0, 0.0], Alias)
    assert not _fits(np.array(["a"]), Alias)


def test_a_refused_command_leaves_no_options_behind(tmp_path: Path) -> None:
    place = str(tmp_path / "two.landtopo")
    weights = tmp_path / "weights.npy"
    np.save(weights, np.eye(2))
    assert call("minima", "--teacher", "orthonormal:2", "--width", "2", "-o", place) == 0
    content = Path(place).read_bytes()
    assert call("identify", str(weights), "-o", place, "--width", "3") == 2
    assert call("identify", str(weights), "-o", place, "--width", "2") == 0
    # What only reads changes no byte either.
    assert Path(place).read_bytes() == content


def call(*arguments: str) -> int:
    return CliRunner().invoke(main, [*arguments, "--quiet"]).exit_code
