"""A second process for a page and pictures, which loads what they need while this one searches."""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Self, TypeVar

from landtopo.run import end_with

__all__ = ["Beside"]

_Result = TypeVar("_Result")
_LOADED = ("sklearn.manifold", "landtopo.plot.canvas", "matplotlib.backends.backend_pdf")


class Beside:
    """Takes a part of the work once it was started; until then, and where it fails, none."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def start(self, jobs: int) -> None:
        """Start the process and return at once; nothing for one job."""
        if jobs > 1:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(os.getpid(),),
            )
            self._pool.submit(_load)

    def run(self, tasks: Sequence[Callable[[], _Result]]) -> list[_Result]:
        """What each task returns, in their order.

        The other process begins with the first task, this one with the last.

        Parameters
        ----------
        tasks : sequence of callable
            Functions of modules, with their arguments (`functools.partial`).
        """
        left = deque(enumerate(tasks))
        found: dict[int, _Result] = {}

        def there(pool: ProcessPoolExecutor) -> None:
            while (taken := _taken(left.popleft)) is not None:
                number, task = taken
                try:
                    found[number] = pool.submit(task).result()
                except BrokenExecutor:
                    left.append(taken)
                    return

        def here() -> None:
            while (taken := _taken(left.popleft if self._pool is None else left.pop)) is not None:
                number, task = taken
                found[number] = task()

        if self._pool is not None:
            with ThreadPoolExecutor(1) as thread:
                other = thread.submit(there, self._pool)
                try:
                    here()
                finally:
                    left.clear()
                other.result()
        # All for one job, and what a process that was lost had in hand.
        here()
        return [found[number] for number in range(len(tasks))]


def _taken(end: Callable[[], tuple[int, Any]]) -> tuple[int, Any] | None:
    """The next task at one end; None where the other process was faster."""
    try:
        return end()
    except IndexError:
        return None


def _begin(parent: int) -> None:
    """The parent decides what Ctrl-C means, no process outlives it, and one of them complains."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)


def _load() -> None:
    """Load what pictures need; what cannot be loaded is told when it is used."""
    from landtopo.plot.style import matplotlib_loaded

    matplotlib_loaded()
    for name in _LOADED:
        importlib.import_module(name)
