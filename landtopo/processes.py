"""Other processes of this machine: started once, kept for what comes next, and gone with this one.

A process takes a second until it has loaded the library; meanwhile this one works. What another
process had in hand when it was lost is done here.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from landtopo.run import alone, end_with

__all__ = ["are_ready", "begin", "end", "on_processes"]

# Seconds after which a process that has nothing to do ends.
_IDLE = 60.0

_Task = tuple[int, tuple[Any, ...]]


class _Others(NamedTuple):
    """Other processes, and the one that they belong to."""

    owner: int
    number: int
    executor: Any


_others: _Others | None = None


def are_ready(jobs: int) -> bool:
    """Whether so many processes, with this one, run or are being started."""
    return _others is not None and (_others.owner, _others.number) == (os.getpid(), jobs - 1)


def begin(jobs: int) -> None:
    """Start so many processes, with this one, unless they are there, and return at once."""
    global _others
    if jobs == 1 or are_ready(jobs):
        return
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.backend import get_context

    end()
    count = jobs - 1
    # They do not run the script that this process runs.
    executor = ProcessPoolExecutor(
        count,
        timeout=_IDLE,
        context=get_context("loky"),
        initializer=_prepare,
        initargs=(os.getpid(),),
    )
    _others = _Others(os.getpid(), count, executor)
    for _ in range(count):
        executor.submit(importlib.import_module, "landtopo.landscape.explore")


def end() -> None:
    """Stop the other processes, whatever they do."""
    global _others
    if _others is not None and _others.owner == os.getpid():
        _others.executor.shutdown(wait=False, kill_workers=True)
    _others = None


# Left to the end of Python, what joblib calls then would be gone.
atexit.register(end)


def on_processes(
    jobs: int, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]
) -> Generator[tuple[int, Any], None, None]:
    """Calls in this process and in others: numbers of tasks and results, as they come.

    Parameters
    ----------
    jobs : int
        How many processes, with this one.
    function : callable
        Of a module that the others can import.
    tasks : sequence of tuple
        Its arguments. The others begin with the first, this one with the last.
    """
    left = deque(enumerate(tasks))
    if jobs > 1 and len(left) > 1:
        begin(jobs)
        yield from _shared(function, left)
    while left:
        number, arguments = left.popleft()
        yield number, alone(function, *arguments)


def _shared(
    function: Callable[..., Any], left: deque[_Task]
) -> Generator[tuple[int, Any], None, None]:
    assert _others is not None
    executor = _others.executor
    told: SimpleQueue[tuple[int, Any] | BaseException | None] = SimpleQueue()
    lost = False

    def there() -> None:
        nonlocal lost
        while (taken := _taken(left.popleft)) is not None:
            number, arguments = taken
            try:
                told.put((number, executor.submit(alone, function, *arguments).result()))
            except BrokenExecutor:
                left.append(taken)
                lost = True
                break
            except BaseException as error:
                told.put(error)
                break
        told.put(None)

    working = min(_others.number, len(left) - 1)
    for _ in range(working):
        Thread(target=there, daemon=True).start()
    try:
        while working:
            taken = _taken(left.pop)
            if taken is not None:
                number, arguments = taken
                yield number, alone(function, *arguments)
            while working and (taken is None or not told.empty()):
                result = told.get()
                if result is None:
                    working -= 1
                elif isinstance(result, BaseException):
                    raise result
                else:
                    yield result
    finally:
        if working:
            left.clear()
        if working or lost:
            end()


def _taken(end: Callable[[], _Task]) -> _Task | None:
    """The next task at one end; None where another process was faster."""
    try:
        return end()
    except IndexError:
        return None


def _prepare(parent: int) -> None:
    """The parent decides what Ctrl-C means, no process outlives it, and one of them complains."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
