"""Compiled code: kept on disk where that is possible, never trusted unread, and announced.

numba ends a program when it finds no folder to write to, or a file in its cache that a full disk or
a kill cut short; and it runs whatever machine code a changed file holds. Here a function without a
cache is compiled in each run, and code from disk is used only if it is what was saved.
"""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import pickle
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache as once
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core.caching import FunctionCache
from numba.core.registry import CPUDispatcher
from numba.core.serialize import dumps

from landtopo.kernels.stamps import source_stamp, type_stamp

__all__ = ["announce_compilation", "njit"]

_CHECKSUM = hashlib.sha256().digest_size
_LOGGER = logging.getLogger("landtopo")


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with the cache of this module.

    Names with an underscore are for compiled code: the way in from Python, which takes a seventh of
    all compiling, is left out, and Python runs these as they are written.

    Parameters
    ----------
    cache : bool
        Keep the compiled code on disk.
    **options
        Those of numba.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        inner = function.__name__.startswith("_")
        wrappers = dict.fromkeys(("no_cpython_wrapper", "no_cfunc_wrapper"), inner)
        dispatcher = numba.njit(**{**wrappers, **options})(function)
        if inner and dispatcher is not function:
            dispatcher.__class__ = _Inner
        # With compilation switched off (NUMBA_DISABLE_JIT) the function comes back as it is.
        if cache and dispatcher is not function:
            # There may be no folder that can be written.
            with suppress(RuntimeError, OSError):
                dispatcher._cache = _Cache(function)
        return dispatcher

    return compiled


class _Inner(CPUDispatcher):
    """A compiled function without a way in, where numba would jump to nowhere: Python runs it."""

    def __call__(self, *arguments: Any) -> Any:
        return self.py_func(*arguments)


@once
def announce_compilation() -> None:
    """Log one line if the kernels are not on disk yet, or cannot be kept there."""
    from landtopo.kernels import relu

    folder = relu.batch_value_gradient.stats.cache_path
    if folder is None:
        _say_uncached()
    elif not any(Path(folder).glob("relu.batch_value_gradient-*.nbc")):
        _LOGGER.warning(
            "landtopo compiles its kernels for this machine on first use; this takes about a "
            "minute and is kept on disk."
        )


@once
def _say_uncached() -> None:
    # Worker processes have nothing to add.
    if multiprocessing.parent_process() is None:
        _LOGGER.warning(
            "No folder for compiled code can be written, so each run compiles it again, which "
            "takes about a minute; NUMBA_CACHE_DIR may name a folder to keep it in."
        )


class _Cache(FunctionCache):
    """A cache that counts as empty where it is damaged, and is then written anew.

    Code is found again if the sources it was made from are the same: those that its function's
    module imports, and those that answer for the landscape in its arguments.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file: Any = _Files(
            Path(self._cache_path),
            self._impl.filename_base,
            source_stamp(function.__code__.co_filename),
        )

    def _index_key(self, sig: Any, codegen: Any) -> str:
        _, *machine = super()._index_key(sig, codegen)
        names = [(one.__module__, one.__qualname__, type_stamp(one)) for one in _named(sig)]
        return repr((str(sig), names, machine, numba.__version__))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            found = super().load_overload(sig, target_context)
        except Exception:
            # What another program wrote may raise anything where it is read.
            return None
        # A file that was moved holds the code for arguments of other types.
        fits = found is not None and tuple(found.signature.args) == tuple(sig)
        return found if fits else None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError:
            # By now the disk is full, or the folder read-only or gone.
            _say_uncached()


class _Files:
    """A file for each function, stamp of its sources and types of its arguments.

    numba keeps an index of a function's files, and pickles the types into it: processes that write
    at the same time lose each other's entries, and where a type's module cannot be imported none
    of the entries can be read.
    """

    def __init__(self, folder: Path, function: str, stamp: str) -> None:
        self._folder = folder
        self._function = function
        self._current = f"{function}.{stamp[:16]}"

    def load(self, key: str) -> Any:
        """What was saved; None if nothing was, or if it is no longer what was saved."""
        try:
            content = self._file(key).read_bytes()
        except OSError:
            return None
        checksum, pickled = content[:_CHECKSUM], content[_CHECKSUM:]
        return pickle.loads(pickled) if checksum == _digest(pickled) else None

    def save(self, key: str, data: Any) -> None:
        pickled = dumps(data)
        file = self._file(key)
        unfinished = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
        try:
            unfinished.write_bytes(_digest(pickled) + pickled)
            os.replace(unfinished, file)
        finally:
            unfinished.unlink(missing_ok=True)
        for other in self._folder.glob(f"{self._function}.*"):
            # Others may be writing files whose names do not end so yet.
            ends = other.suffix in {".nbc", ".nbi"}
            if ends and not other.name.startswith(self._current):
                other.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{self._current}.{_digest(key.encode()).hex()[:16]}.nbc"


def _named(sig: Any) -> list[type]:
    """Types of the named tuples among arguments, and of those that they hold."""
    found = []
    for one in sig:
        if isinstance(one, types.NamedUniTuple):
            found += [one.instance_class, *_named([one.dtype])]
        elif isinstance(one, types.NamedTuple):
            found += [one.instance_class, *_named(one.types)]
        elif isinstance(one, types.CPointer):
            found += _named([one.dtype])
    return found


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
