"""A verification that was killed goes on, and uses no piece that could come out otherwise now."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application

from landtopo.progress import Silent
from landtopo.study import Study, verification
from landtopo.study.verification import Pieces, pieces, verify

KEPT = Path(__file__).parent / "data" / "study-0.1.0.landtopo"


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    return Path(shutil.copy(KEPT, tmp_path / "old.landtopo"))


@pytest.fixture
def no_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of that of the sources, which take a moment to read."""
    folder = tmp_path / "sources"
    folder.mkdir()
    monkeypatch.setattr(pieces, "_PACKAGE", folder)
    return folder


class Stopped(Exception):
    """Raised in place of a kill."""


class Interrupted:
    """A journal during whose last piece the process ends."""

    def __init__(self, journal: Pieces, left: int) -> None:
        self.journal, self.left = journal, left
        self.made = 0

    def recall(self, key: str) -> Mapping[str, Any] | None:
        return self.journal.recall(key)

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        if self.made == self.left:
            raise Stopped
        self.made += 1
        self.journal.remember(key, value)


class Told(Silent):
    """How many steps were announced, and how many were made."""

    total: int | None = None
    steps = 0

    def begin(self, label: str, total: int | None) -> None:
        self.total = total

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps += steps


def test_what_was_finished_is_not_made_again(study_file: Path) -> None:
    with Study.open(study_file) as study:
        whole = Interrupted(Pieces(study_file), left=-1)
        checks = verify(study, journal=whole)
        whole.journal.finish()
        begun = Interrupted(Pieces(study_file), left=whole.made // 2)
        with pytest.raises(Stopped):
            verify(study, journal=begun)
        rest = Interrupted(Pieces(study_file), left=-1)
        assert verify(study, journal=rest, progress=(told := Told())) == checks
        assert begun.made + rest.made == whole.made
        rest.journal.finish()
    # Only what is left is told: the time that it takes follows from it.
    assert told.total == told.steps == rest.made
    assert sorted(study_file.parent.iterdir()) == [study_file]


@pytest.mark.slow
def test_a_kill_changes_no_letter(study_file: Path) -> None:
    command = [sys.executable, "-m", "landtopo", "verify", str(study_file), "--json"]
    kept = study_file.with_name("old.landtopo.verify")
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and child.poll() is None:
            if kept.exists() and kept.read_bytes().count(b"\n") > 20:
                break
            time.sleep(0.005)
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert kept.exists()
    again, alone = (
        subprocess.run(command, check=True, capture_output=True).stdout for _ in range(2)
    )
    assert again == alone
    assert not kept.exists()


def test_an_interruption_says_what_is_kept(
    study_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(study: Study, *, journal: Pieces, **_: object) -> None:
        journal.remember("a", {})
        raise KeyboardInterrupt

    monkeypatch.setattr(verification, "verify", interrupted)
    result = CliRunner().invoke(application, ["verify", str(study_file)])
    assert result.exit_code == 130
    assert f"is kept in '{study_file}.verify', and the same command goes on" in result.stderr
    assert found(study_file) == {}


def found(study_file: Path) -> Any:
    return Pieces(study_file).recall("a")


def test_pieces_of_another_state_are_none(
    study_file: Path, no_sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (no_sources / "module.py").write_text("value = 1\n")
    value = {"checks": [0.1, float("inf"), "ü\ud800"]}
    Pieces(study_file).remember("a", value)
    assert found(study_file) == value

    (no_sources / "module.py").write_text("value = 2\n")
    assert found(study_file) is None

    Pieces(study_file).remember("a", value)
    with Study.open(study_file, write=True) as study:
        study.remember("new", {})
    assert found(study_file) is None

    Pieces(study_file).remember("a", value)
    monkeypatch.setattr(pieces, "versions", lambda: {"numpy": "9"})
    assert found(study_file) is None


@pytest.mark.usefixtures("no_sources")
def test_torn_damaged_and_foreign_lines_are_no_pieces(study_file: Path, tmp_path: Path) -> None:
    journal = Pieces(study_file)
    for key in "abc":
        journal.remember(key, {"of": key})
    content = journal.path.read_bytes()
    for end in range(len(content)):
        journal.path.write_bytes(content[:end])
        torn = Pieces(study_file)
        whole = content[: end + 1].count(b"\n") - 1
        assert [key for key in "abc" if torn.recall(key)] == list("abc"[: max(whole, 0)])
        torn.remember("d", {"of": "d"})
        again = Pieces(study_file)
        assert again.recall("d") == {"of": "d"}
        assert [key for key in "abc" if again.recall(key)] == list("abc"[: max(whole, 0)])
    for place in range(content.index(b"\n") + 1, len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1
        journal.path.write_bytes(damaged)
        after = Pieces(study_file)
        assert {key: after.recall(key) for key in "abc" if after.recall(key)}.items() < {
            key: {"of": key} for key in "abc"
        }.items()

    other = Path(shutil.copy(study_file, tmp_path / "other.landtopo"))
    with Study.open(other, write=True) as study:
        study.remember("new", {})
    stamp = Pieces(other).path.read_bytes()
    Pieces(other).path.write_bytes(stamp + content.partition(b"\n")[2])
    assert found(other) is None


def test_nothing_is_kept_after_the_study_was_written(study_file: Path) -> None:
    before = study_file.read_bytes()
    journal = Pieces(study_file)
    journal.remember("a", {"of": "it"})
    with Study.open(study_file, write=True) as study:
        study.remember("new", {})
    journal.remember("b", {"of": "another state"})
    study_file.write_bytes(before)
    assert found(study_file) == {"of": "it"}
    assert Pieces(study_file).recall("b") is None


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_has_the_name_already_is_left(
    study_file: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    place = study_file.with_name("old.landtopo.verify")
    if kind == "file":
        place.write_text("mine\n")
    else:
        place.mkdir()
    journal = Pieces(study_file)
    journal.remember("a", {})
    journal.finish()
    assert place.is_dir() if kind == "folder" else place.read_text() == "mine\n"
    assert "cannot be kept" in caplog.text
