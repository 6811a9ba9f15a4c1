"""Where finished pieces of a long computation are kept, so that it can go on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from landtopo.progress import Progress

__all__ = ["Forgetful", "Journal", "Prefixed", "in_chunks"]


class Journal(Protocol):
    """A durable dictionary of finished pieces; what was remembered survives a kill."""

    def recall(self, key: str) -> Mapping[str, Any] | None:
        """What was remembered under `key`, or None."""
        ...

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep numbers, texts, lists and arrays under `key`, durably."""
        ...


class Forgetful:
    """The default: nothing is kept."""

    def recall(self, key: str) -> None:
        """Nothing is known."""

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Nothing is kept."""


class Prefixed:
    """A journal for one problem of many: keys of searches do not name it.

    Parameters
    ----------
    journal : Journal
    prefix : str
        Names the problem.
    """

    def __init__(self, journal: Journal, prefix: str) -> None:
        self.journal = journal
        self.prefix = prefix

    def recall(self, key: str) -> Mapping[str, Any] | None:
        """What was remembered for this problem."""
        return self.journal.recall(f"{self.prefix}/{key}")

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a piece for this problem."""
        self.journal.remember(f"{self.prefix}/{key}", value)


def in_chunks(
    total: int,
    size: int,
    *,
    name: str,
    work: Callable[[list[tuple[int, int]]], Iterable[tuple[int, Mapping[str, Any]]]],
    journal: Journal,
    progress: Progress,
) -> dict[str, NDArray[Any]]:
    """Work off numbered tasks in chunks, each of which is kept as soon as it is finished.

    Parameters
    ----------
    total : int
        Tasks 0 ... total - 1 are wanted.
    size : int
        Tasks of a chunk; the last one may be shorter.
    name : str
        Key of all chunks: everything that decides what a task gives.
    work : callable
        Given the chunks that are missing, each as the half-open range of its tasks, yields the
        first task of every one and its columns, in any order.
    journal : Journal
    progress : Progress
        Advanced by the number of tasks.

    Returns
    -------
    dict of ndarray
        The columns of all chunks, joined in the order of the tasks.
    """
    chunks = {first: min(first + size, total) for first in range(0, total, size)}
    done: dict[int, Mapping[str, Any]] = {}
    for first, last in chunks.items():
        kept = journal.recall(f"{name}/{first}-{last}")
        if kept is not None:
            done[first] = kept
            progress.advance(last - first)
    for first, columns in work([chunk for chunk in chunks.items() if chunk[0] not in done]):
        journal.remember(f"{name}/{first}-{chunks[first]}", columns)
        done[first] = columns
        progress.advance(chunks[first] - first)
    return {
        key: np.concatenate([np.asarray(done[first][key]) for first in chunks]) for key in done[0]
    }
