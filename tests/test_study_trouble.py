"""What happens around a study: kills, requests to end, a file that is taken away, a locked folder.

One sentence says what it is, and nothing that was found before is lost.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo

from landtopo.errors import EmptyStudyError, LandtopoError, StudyError
from landtopo.models.networks.problem import Teacher
from landtopo.study import Study
from landtopo.study.integrity import check_study

TEACHER = Teacher.orthonormal(2)
MINIMA = ("minima", "--teacher", "orthonormal:2", "--width", "2", "--starts", "5", "--quiet")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.landtopo"


# Creation.


def test_an_empty_file_is_a_new_study(path: Path) -> None:
    path.touch()
    for command in (
        ["show", str(path)],
        ["check", str(path)],
        ["minima", "--width", "2", "-o", str(path)],
    ):
        done = CliRunner().invoke(landtopo, command)
        assert done.exit_code == 2
        assert (
            done.output.strip() == f"Error: The study '{path}' is empty: nothing was written yet."
        )
    done = CliRunner().invoke(landtopo, [*MINIMA, "-o", str(path)])
    assert done.exit_code == 0, done.output
    assert check_study(path).sound
    with Study.open(path) as study:
        assert len(study.families(2)) == 1


def test_an_empty_file_that_looks_like_a_graph_is_none(tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    file.touch()
    done = CliRunner().invoke(landtopo, [*MINIMA, "-o", str(file)])
    assert done.exit_code == 2
    assert "looks like a graph file" in done.output
    assert file.read_bytes() == b""


def test_a_creation_that_was_cut_short_is_undone(path: Path) -> None:
    """The file is not empty then, but a journal beside it says that it was."""
    script = """
        import os, sys
        from landtopo.models.networks.problem import Teacher
        from landtopo.study import Study
        from landtopo.study.database import Database
        make = Database.make_tables
        def cut_short(self):
            make(self)
            self.run("PRAGMA cache_size = 1")
            self.run("PRAGMA cache_spill = 1")
            self.run("CREATE TABLE large (a BLOB)")
            for _ in range(100):
                self.run("INSERT INTO large VALUES (zeroblob(10000))")
            os.kill(os.getpid(), 9)
        Database.make_tables = cut_short
        Study.create(sys.argv[1], Teacher.orthonormal(2))
    """
    assert run_script(script, path).returncode == -signal.SIGKILL
    assert path.stat().st_size > 0
    assert path.with_name(f"{path.name}-journal").exists()
    with Study.resume(path, TEACHER) as study:
        study.remember("a", {"a": 1})
    assert check_study(path).sound
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_journal_of_a_study_that_is_gone_does_no_harm(path: Path) -> None:
    path.with_name(f"{path.name}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 200)
    with Study.resume(path, TEACHER) as study:
        study.remember("a", {"a": 1})
    assert check_study(path).sound


def test_kills_at_creation(tmp_path: Path) -> None:
    """Five of eight once left an empty file that was then refused; 1000 are in verification."""
    kills = load_kills()
    # Enough starts that no run ends before it is killed.
    kills.COMMANDS = {"minima": ("--width", "2", "--starts", "6000")}
    tally = kills.new_tally(seed=0)
    quiet = {"minima": kills.quiet_run("minima", tmp_path)}
    kills.EARLY = 1.0
    kills.one_study(tally, quiet, tmp_path, kills=6)
    assert (tally["kills"], tally["finished"], tally["failures"]) == (6, {"minima": 1}, [])


def test_two_that_create_one_study(path: Path) -> None:
    first = Study.create(path, TEACHER)
    for second in (
        lambda: Study.create(path, TEACHER),
        lambda: Study.resume(path, TEACHER),
        lambda: Study.open(path, write=True),
    ):
        with pytest.raises(StudyError, match="in use by another process") as caught:
            second()
        assert_one_sentence(caught.value)
    first.close()
    Study.resume(path, TEACHER).close()


# The file is taken away.


def test_a_study_that_is_removed_is_there_again(path: Path) -> None:
    with Study.create(path, TEACHER) as study:
        study.remember("before", {"a": 1})
        path.unlink()
        with pytest.raises(StudyError, match="removed or renamed") as caught:
            study.remember("after", {"a": 2})
        assert_one_sentence(caught.value)
    with Study.resume(path, TEACHER) as study:
        assert study.recall("before") == {"a": 1}
        study.remember("after", {"a": 2})
    assert check_study(path).sound


def test_a_study_that_is_removed_in_the_middle_of_a_write(path: Path) -> None:
    def write(study: Study) -> None:
        with study.together():
            study.remember("a", {"a": 1})
            path.unlink()

    with Study.create(path, TEACHER) as study, pytest.raises(StudyError, match="is there again"):
        write(study)
    with Study.open(path) as study:
        assert study.recall("a") == {"a": 1}
    assert check_study(path).sound


def test_what_takes_its_place_is_left_alone(path: Path) -> None:
    with Study.create(path, TEACHER) as study:
        study.remember("before", {"a": 1})
        path.rename(path.with_name("kept"))
        path.write_text("something else")
        with pytest.raises(StudyError, match="was replaced") as caught:
            study.remember("after", {"a": 2})
        assert_one_sentence(caught.value)
    assert path.read_text() == "something else"
    with Study.open(path.with_name("kept")) as study:
        assert study.recall("before") == {"a": 1}


def test_the_process_goes_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Study.create("s", TEACHER) as study:
        study.remember("before", {"a": 1})
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        study.remember("after", {"a": 2})
    assert list(Path().iterdir()) == []
    assert check_study(tmp_path / "s").sound


def test_its_folder_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with Study.create(folder / "s", TEACHER) as study:
        study.remember("before", {"a": 1})
        (folder / "s").unlink()
        folder.rmdir()
        with pytest.raises(StudyError, match="cannot be written again") as caught:
            study.remember("after", {"a": 2})
        assert_one_sentence(caught.value)


def test_permission_that_is_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(0o777)
    # Root may do everything, so that another user does this.
    script = """
        import os, sys
        from pathlib import Path
        from landtopo.errors import StudyError
        from landtopo.models.networks.problem import Teacher
        from landtopo.study import Study
        path = Path(sys.argv[1])
        with Study.create(path, Teacher.orthonormal(2)) as study:
            study.remember("before", {"a": 1})
            if os.geteuid() == 0:
                os.chown(path.parent, 65534, 65534)
                os.chown(path, 65534, 65534)
                os.seteuid(65534)
            path.parent.chmod(0o555)
            try:
                study.remember("after", {"a": 2})
            except StudyError as error:
                print(error)
            path.parent.chmod(0o777)
            study.remember("then", {"a": 3})
        path.chmod(0o444)
        for write in (False, True):
            try:
                with Study.open(path, write=write) as study:
                    print(study.steps())
            except StudyError as error:
                print(error)
        path.chmod(0o000)
        try:
            Study.open(path)
        except StudyError as error:
            print(error)
        path.chmod(0o600)
    """
    for parent in (tmp_path, *(one for one in tmp_path.parents if "pytest-of-" in str(one))):
        parent.chmod(0o755)
    done = run_script(script, folder / "s")
    assert done.stdout.splitlines() == [
        f"The study '{folder / 's'}' cannot be written: it, or its folder, is read-only.",
        "['before', 'then']",
        f"The study '{folder / 's'}' cannot be written: it, or its folder, is read-only.",
        f"The study '{folder / 's'}' cannot be opened: there is no permission for it or for "
        f"'{folder}'.",
    ]


def test_a_folder_is_no_study(tmp_path: Path) -> None:
    for use in (Study.open, lambda path: Study.resume(path, TEACHER)):
        with pytest.raises(StudyError, match="is a folder") as caught:
            use(tmp_path)
        assert_one_sentence(caught.value)
    with pytest.raises(EmptyStudyError, match="does not exist"):
        Study.open(tmp_path / "absent")


# Requests to end.


def test_sigterm_is_like_ctrl_c(path: Path) -> None:
    words = ["minima", "--teacher", "orthonormal:5", "--width", "6", "--starts", "100000"]
    words += ["--jobs", "2", "-o", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-c", "from landtopo_cli import main; main()", *words],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: path.exists() and len(steps_of(path)) > 2)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    assert f"what was finished is kept in '{path}'" in said
    assert "Traceback" not in said
    assert is_gone(process.pid)
    assert check_study(path).sound
    with Study.open(path) as study:
        assert study.sessions()[-1].ended
        assert len(study.steps()) > 2


def test_sigterm_ends_the_processes_that_work_for_it(path: Path) -> None:
    script = """
        import os, signal, sys, time
        import landtopo_cli
        from landtopo.landscape.pool import Piece, Pool
        from landtopo.run import Run
        def work(problem, number):
            os.write(1, b"begun\\n")  # at once: two processes write here
            time.sleep(120)
            return {}
        signal.signal(signal.SIGTERM, landtopo_cli._Interruption().ask)
        pool = Pool(Run(jobs=2))
        pool._spent = 100.0
        pieces = [Piece(name="a", function=work, arguments=(None, k)) for k in range(4)]
        try:
            pool.run(pieces)
        except KeyboardInterrupt:
            sys.exit(130)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 130
    process.stdout.close()
    assert is_gone(process.pid)


def run_script(script: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        check=False,
        text=True,
        stdout=subprocess.PIPE,
    )


def steps_of(path: Path) -> list[str]:
    try:
        with Study.open(path) as study:
            return study.steps()
    except LandtopoError:
        return []


def wait_until(condition: object) -> None:
    assert callable(condition)
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("nothing happened")


def is_gone(group: int) -> bool:
    """Whether no process of the group is left, after a moment to end."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def load_kills() -> ModuleType:
    place = Path(__file__).parent.parent / "verification" / "kills.py"
    spec = importlib.util.spec_from_file_location("kills", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_one_sentence(error: Exception) -> None:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
