"""Compiled code on disk: used when it is what was saved, made again when not, missed by nobody.

The functions here are small ones of a module written for the test, so that compiling takes no time.
"""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numba
import pytest

from landtopo.kernels import compiled

_SOURCE = """
from landtopo.kernels.compiled import njit

@njit(cache=True, error_model="numpy")
def square(x):
    return x * x

@njit(cache=True)
def cube(x):
    return x * square(x)

@njit(cache=True)
def square_first(pair):
    return pair[0] * pair[0]
"""

_ELSEWHERE = """
from typing import NamedTuple

class Pair(NamedTuple):
    one: int
    other: int
"""


@pytest.fixture(autouse=True)
def _sentences_are_new() -> Iterator[None]:
    compiled._say_uncached.cache_clear()
    compiled.announce_compilation.cache_clear()
    # A command that ran in this process has taken the sentences over.
    logger = logging.getLogger("landtopo")
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.NOTSET)
    logger.propagate = True
    yield
    logger.setLevel(level)
    logger.propagate = propagate
    compiled._say_uncached.cache_clear()
    compiled.announce_compilation.cache_clear()


def load(folder: Path) -> ModuleType:
    """The module as a new process would load it."""
    file = folder / "powers.py"
    if not file.exists():
        file.write_text(_SOURCE)
    spec = importlib.util.spec_from_file_location("powers", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def use(module: ModuleType) -> int:
    """Call the functions, and say how many came from disk."""
    assert module.cube(3) == 27
    assert module.cube(0.5) == 0.125
    return sum(module.cube.stats.cache_hits.values())


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip_middle(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": _cut,
    "nonsense": lambda content: b"\x80\x05nonsense" + content,
    "flipped": _flip_middle,
    "other object": lambda content: b"\x80\x04K\x01.",
}


@pytest.mark.parametrize("damage", sorted(DAMAGE))
def test_damaged_code_is_compiled_again_silently(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    assert use(load(tmp_path)) == 0
    assert use(load(tmp_path)) == 2
    for file in (tmp_path / "__pycache__").glob("powers.cube*.nbc"):
        file.write_bytes(DAMAGE[damage](file.read_bytes()))
    assert use(load(tmp_path)) == 0
    assert use(load(tmp_path)) == 2
    assert caplog.records == []


def test_no_flipped_bit_of_a_file_is_ever_run(tmp_path: Path) -> None:
    use(load(tmp_path))
    kernel = load(tmp_path).cube
    for file in (tmp_path / "__pycache__").glob("powers.cube*.nbc"):
        whole = file.read_bytes()
        for place in range(0, len(whole), len(whole) // 40):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            # The checksum refuses it; numba itself runs what it finds.
            found = [
                kernel._cache.load_overload((number,), kernel.targetctx)
                for number in (numba.int64, numba.float64)
            ]
            assert sum(code is not None for code in found) == 1
        file.write_bytes(whole)
    assert use(load(tmp_path)) == 2


def test_code_for_types_that_cannot_be_imported_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = ModuleType("elsewhere")
    exec(_ELSEWHERE, elsewhere.__dict__)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "elsewhere", elsewhere)
        assert load(tmp_path).square_first(elsewhere.Pair(2, 3)) == 4
    module = load(tmp_path)
    assert module.square_first((5, 3)) == 25
    assert module.square_first.stats.cache_hits == {}
    module = load(tmp_path)
    assert module.square_first((5, 3)) == 25
    assert sum(module.square_first.stats.cache_hits.values()) == 1


def test_code_of_older_sources_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "__pycache__"
    use(load(tmp_path))
    before = set(folder.glob("powers.cube*"))
    with (tmp_path / "powers.py").open("a") as file:
        file.write("\n")
    compiled.source_stamp.__globals__["_stamp"].cache_clear()
    assert use(load(tmp_path)) == 0
    after = set(folder.glob("powers.cube*"))
    assert len(before) == len(after) == 2
    assert not before & after


def test_a_file_with_the_code_for_other_types_is_not_believed(tmp_path: Path) -> None:
    use(load(tmp_path))
    first, second = sorted((tmp_path / "__pycache__").glob("powers.cube*.nbc"))
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert use(load(tmp_path)) == 0


def _refused(*_: object) -> None:
    raise OSError(30, "Read-only file system")


def test_without_a_folder_functions_are_compiled_and_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("numba.core.caching._CacheLocator.ensure_cache_path", _refused)
    module = load(tmp_path)
    assert use(module) == 0
    assert caplog.records == []
    monkeypatch.setattr("landtopo.kernels.relu.batch_value_gradient", module.cube)
    for _ in range(2):
        compiled.announce_compilation()
    (record,) = caplog.records
    assert "NUMBA_CACHE_DIR" in record.message
    assert record.levelno == logging.WARNING


def test_a_folder_that_goes_away_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = load(tmp_path)
    monkeypatch.setattr("numba.core.caching._CacheLocator.ensure_cache_path", _refused)
    assert use(module) == 0
    (record,) = caplog.records
    assert "NUMBA_CACHE_DIR" in record.message


def test_the_library_loads_where_nothing_can_be_written() -> None:
    script = (
        "import numba.core.caching as c, sys\n"
        "def refuse(self): raise OSError(30, 'Read-only file system')\n"
        "c._CacheLocator.ensure_cache_path = refuse\n"
        "from landtopo.kernels import band, relu\n"
        "print(relu.padded(5), relu.batch_value_gradient.stats.cache_path)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["8", "None"]
    assert done.stderr == ""
