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
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_damaged_code_is_compiled_again_silently(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, damage: str
) -> None:
    assert use(load(tmp_path)) == 0
    assert use(load(tmp_path)) == 2
    for file in (tmp_path / "__pycache__").glob(f"powers.cube*.{kind}"):
        file.write_bytes(DAMAGE[damage](file.read_bytes()))
    # In an index, a flipped bit may leave one of the two entries whole.
    assert use(load(tmp_path)) < 2
    assert use(load(tmp_path)) == 2
    assert caplog.records == []


def test_no_flipped_bit_of_a_data_file_is_ever_run(tmp_path: Path) -> None:
    use(load(tmp_path))
    (file, *_) = sorted((tmp_path / "__pycache__").glob("powers.cube*.1.nbc"))
    (index,) = (tmp_path / "__pycache__").glob("powers.cube*.nbi")
    whole, names = file.read_bytes(), index.read_bytes()
    kernel = load(tmp_path).cube
    for place in range(0, len(whole), len(whole) // 40):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        # The pickle or the checksum refuses it; numba itself runs what it finds.
        assert kernel._cache.load_overload((numba.int64,), kernel.targetctx) is None
        # Refusing it has emptied the index.
        index.write_bytes(names)
    file.write_bytes(whole)
    assert kernel._cache.load_overload((numba.int64,), kernel.targetctx) is not None


def test_an_index_that_names_the_code_for_other_types_is_not_believed(tmp_path: Path) -> None:
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
