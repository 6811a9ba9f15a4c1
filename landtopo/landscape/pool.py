"""Independent pieces of a long search: looked up in the journal, computed in parallel, kept.

A piece is a function of this package with its arguments; its key in the journal is made of their
content, so that it is found again whatever else was searched before it, and in whatever order.
Results come back in the order of the pieces: neither the number of processes nor an interruption
can change what is made of them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from landtopo.run import Run, alone, end_with, on_cluster
from landtopo.shown import Brief

__all__ = ["Piece", "Pool"]

# Starting processes takes as long as this many seconds of work, and of work that threads share.
_ALONE = 1.5
_THREADED = 8.0

_Result = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece(Brief):
    """One piece of work.

    Attributes
    ----------
    name : str
        First part of its key; it says which function this is and on which problem.
    function : callable
        A function of a module that returns plain values for a journal.
    arguments : tuple
        Built from numbers, texts, arrays, sequences and records; all but the first, which is the
        problem, are part of the key.
    """

    name: str
    function: Callable[..., Mapping[str, Any]]
    arguments: tuple[Any, ...]

    @property
    def key(self) -> str:
        """Name and content."""
        content = hashlib.sha256()
        _digest(content, self.arguments[1:])
        return f"{self.name}/{content.hexdigest()[:32]}"


class Pool:
    """Runs pieces, in this process, in several, or on a cluster.

    Parameters
    ----------
    run : Run
    threads : bool
        Whether pieces can run beside each other in one process and mostly without the interpreter
        lock. A function of the user's may keep what it computes in one place.
    """

    def __init__(self, run: Run, *, threads: bool = False) -> None:
        self.jobs = run.jobs
        self.threads = threads
        self.cluster = run.cluster
        self.journal = run.journal
        self._spent = 0.0

    def run(
        self, pieces: Sequence[Piece], *, finished: Callable[[], None] | None = None
    ) -> list[Mapping[str, Any]]:
        """Results of pieces, in their order.

        Parameters
        ----------
        pieces : sequence of Piece
        finished : callable, optional
            Called after each one.
        """
        results: dict[str, Mapping[str, Any]] = {}
        keys = [piece.key for piece in pieces]
        waiting: dict[str, Piece] = {}
        for key, piece in zip(keys, pieces, strict=True):
            kept = self.journal.recall(key)
            if kept is None:
                waiting[key] = piece
                continue
            results[key] = kept
            if finished is not None:
                finished()
        with closing(self._compute(waiting)) as computed:
            for key, value in computed:
                self.journal.remember(key, value)
                results[key] = value
                if finished is not None:
                    finished()
        return [results[key] for key in keys]

    def _compute(
        self, waiting: dict[str, Piece]
    ) -> Generator[tuple[str, Mapping[str, Any]], None, None]:
        """Results as they come: alone while it is quick, then in processes or on a cluster."""
        left = list(waiting.items())
        if self.cluster is not None and left:
            calls = [(piece.function, piece.arguments) for _, piece in left]
            with closing(on_cluster(self.cluster, _called, calls)) as found:
                for number, value in found:
                    yield left[number][0], value
            return
        with closing(self._here(left)) as computed:
            yield from computed
        if not left:
            return
        from joblib import Parallel, delayed

        parallel = Parallel(
            n_jobs=min(self.jobs, len(left)),
            backend="loky",
            return_as="generator_unordered",
            inner_max_num_threads=1,
            pre_dispatch="2*n_jobs",
            batch_size=1,
        )
        tasks = (delayed(_run_for)(os.getpid(), key, piece) for key, piece in left)
        with closing(parallel(tasks)) as values:
            yield from values

    def _here(self, left: list[tuple[str, Piece]]) -> Generator[_Result, None, None]:
        """Take pieces off a list and run them in this process, while starting others is no use."""
        if self.jobs > 1 and self.threads and len(left) > 1:
            yield from self._by_threads(left)
        while left and (self.jobs == 1 or self._spent < _ALONE or len(left) == 1):
            seconds, result = _timed(*left.pop(0))
            self._spent += seconds
            yield result

    def _by_threads(self, left: list[tuple[str, Piece]]) -> Generator[_Result, None, None]:
        with ThreadPoolExecutor(min(self.jobs, len(left))) as threads:
            running: set[Future[tuple[float, _Result]]] = set()
            while running or (left and self._spent < _THREADED):
                while left and len(running) < self.jobs and self._spent < _THREADED:
                    running.add(threads.submit(_timed, *left.pop(0)))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for one in done:
                    seconds, result = one.result()
                    self._spent += seconds
                    yield result


def _timed(key: str, piece: Piece) -> tuple[float, _Result]:
    """Seconds that a piece took, and its result."""
    began = perf_counter()
    result = _run(key, piece)
    return perf_counter() - began, result


def _run_for(parent: int, key: str, piece: Piece) -> _Result:
    """One piece, in a process that ends with the one that started it."""
    end_with(parent)
    return _run(key, piece)


def _run(key: str, piece: Piece) -> _Result:
    """One piece with its key."""
    return key, alone(piece.function, *piece.arguments)


def _called(
    function: Callable[..., Mapping[str, Any]], arguments: tuple[Any, ...]
) -> Mapping[str, Any]:
    return function(*arguments)


def _digest(content: Any, value: object) -> None:
    """Feed a value to a hash, with types and lengths, so that no two values read the same."""
    if isinstance(value, np.ndarray):
        content.update(f"array {value.dtype.str} {value.shape} ".encode())
        content.update(np.ascontiguousarray(value).tobytes())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [getattr(value, field.name) for field in dataclasses.fields(value)]
        content.update(f"record {type(value).__name__} ".encode())
        _digest(content, fields)
    elif isinstance(value, (list, tuple)):
        content.update(f"list {len(value)} ".encode())
        for item in value:
            _digest(content, item)
    elif value is None or isinstance(value, (bool, int, float, str)):
        content.update(f"{type(value).__name__} {value!r} ".encode())
    else:
        raise TypeError(f"No key can be made of {type(value).__name__}.")
