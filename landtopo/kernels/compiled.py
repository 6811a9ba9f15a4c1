"""Compiled code: kept on disk where that is possible, never trusted unread, and announced.

numba ends a program when it finds no folder to write to, or a file in its cache that a full disk or
a kill cut short; and it runs whatever machine code a changed file holds. Here a function without a
cache is compiled in each run, and code from disk is used only if it is what was saved.
"""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import pickle
from collections.abc import Callable
from contextlib import suppress
from functools import cache as once
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps

from landtopo.kernels.stamps import source_stamp, type_stamp

__all__ = ["announce_compilation", "njit"]

_LOGGER = logging.getLogger("landtopo")


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with the cache of this module.

    Parameters
    ----------
    cache : bool
        Keep the compiled code on disk.
    **options
        Those of numba.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        # With compilation switched off (NUMBA_DISABLE_JIT) the function comes back as it is.
        if cache and dispatcher is not function:
            # There may be no folder that can be written.
            with suppress(RuntimeError, OSError):
                dispatcher._cache = _Cache(function)
        return dispatcher

    return compiled


@once
def announce_compilation() -> None:
    """Log one line if the kernels are not on disk yet, or cannot be kept there."""
    from landtopo.kernels import relu

    folder = relu.batch_value_gradient.stats.cache_path
    if folder is None:
        _say_uncached()
    elif not any(Path(folder).glob("relu.batch_value_gradient-*.nbi")):
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


class _Checked(CompileResultCacheImpl):
    """What is saved of a function, with a checksum."""

    def reduce(self, cres: Any) -> tuple[bytes, bytes]:
        content = dumps(super().reduce(cres))
        return _checksum(content), content

    def rebuild(self, target_context: Any, payload: tuple[bytes, bytes]) -> Any:
        checksum, content = payload
        if checksum != _checksum(content):
            raise ValueError("the code is not what was saved")
        return super().rebuild(target_context, pickle.loads(content))


class _Cache(FunctionCache):
    """A cache that counts as empty where it is damaged, and is then written anew.

    Code is found again if the sources it was made from are the same: those that its function's
    module imports, and those that answer for the landscape in its arguments.
    """

    _impl_class = _Checked

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file._source_stamp = source_stamp(function.__code__.co_filename)

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        stamps = tuple(type_stamp(one) for one in _named(sig))
        return super()._index_key(sig, codegen), stamps

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            found = super().load_overload(sig, target_context)
        except Exception:
            # A damaged pickle raises anything.
            with suppress(OSError):
                self.flush()
            return None
        # A damaged index may name the code for arguments of other types.
        fits = found is not None and tuple(found.signature.args) == tuple(sig)
        return found if fits else None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError:
            # By now the disk is full, or the folder read-only or gone.
            _say_uncached()


def _named(sig: Any) -> list[type]:
    """Types of the named tuples among arguments, and of those that they hold."""
    found = []
    for one in sig:
        if isinstance(one, types.NamedUniTuple):
            found += [one.instance_class, *_named([one.dtype])]
        elif isinstance(one, types.NamedTuple):
            found += [one.instance_class, *_named(one.types)]
    return found


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
