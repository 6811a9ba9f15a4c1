"""Independent pieces of a long search: looked up in the journal, computed in parallel, kept.

A piece is a function of this package with its arguments; its key in the journal is made of their
content, so that it is found again whatever else was searched before it, and in whatever order.
Results come back in the order of the pieces: neither the number of processes nor an interruption
can change what is made of them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import call
from time import perf_counter
from typing import Any

import numpy as np

from landtopo.journal import Gathered
from landtopo.processes import are_ready, on_processes
from landtopo.run import Run, alone, on_cluster
from landtopo.shown import Brief

__all__ = ["Piece", "Pool"]

# Starting processes takes as long as this many seconds of work.
_ALONE = 1.5

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
    """

    def __init__(self, run: Run) -> None:
        self.jobs = run.jobs
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
        with Gathered(self.journal) as journal, closing(self._compute(waiting)) as computed:
            for key, value in computed:
                journal.remember(key, value)
                results[key] = value
                if finished is not None:
                    finished()
        return [results[key] for key in keys]

    def _compute(
        self, waiting: dict[str, Piece]
    ) -> Generator[tuple[str, Mapping[str, Any]], None, None]:
        """Results as they come: alone while it is quick, then in processes or on a cluster."""
        left = list(waiting.items())
        if self.cluster is None:
            yield from self._here(left)
        if not left:
            return
        calls = [(piece.function, *piece.arguments) for _, piece in left]
        with closing(
            on_processes(self.jobs, call, calls)
            if self.cluster is None
            else on_cluster(self.cluster, call, calls)
        ) as found:
            for number, value in found:
                yield left[number][0], value

    def _here(self, left: list[tuple[str, Piece]]) -> Generator[_Result, None, None]:
        """Take pieces off a list and run them in this process, while starting others is no use."""
        while left and not are_ready(self.jobs) and (self.jobs == 1 or self._spent < _ALONE):
            began = perf_counter()
            key, piece = left.pop(0)
            value = alone(piece.function, *piece.arguments)
            self._spent += perf_counter() - began
            yield key, value


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
