"""Where finished pieces of a long computation are kept, so that it can go on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from landtopo.checks import checked_count
from landtopo.errors import InvalidArgument, LandtopoError
from landtopo.progress import Progress

__all__ = [
    "Forgetful",
    "Gathered",
    "Journal",
    "Prefixed",
    "Shard",
    "ShardFinished",
    "in_chunks",
    "kept_or_made",
    "together",
]


# What is finished within so many seconds becomes durable at once, and a kill may cost them. A file
# takes some milliseconds for it, whatever is written.
_MOMENT = 0.1


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

    def __repr__(self) -> str:
        return "Forgetful()"

    def recall(self, key: str) -> None:
        """Nothing is known."""

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Nothing is kept."""


class Gathered:
    """Pieces on their way to a journal, in a ``with`` statement: those of a moment go together.

    Parameters
    ----------
    journal : Journal
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: dict[str, Mapping[str, Any]] = {}
        self._kept = monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self._keep()

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a piece soon, and at the end of the ``with`` statement in any case."""
        self._waiting[key] = value
        if monotonic() - self._kept >= _MOMENT:
            self._keep()

    def _keep(self) -> None:
        if self._waiting:
            with together(self._journal):
                for key, value in self._waiting.items():
                    self._journal.remember(key, value)
        self._waiting = {}
        self._kept = monotonic()


def together(journal: Journal) -> AbstractContextManager[None]:
    """What a journal is given inside becomes durable at the end, if it can do that."""
    several: Callable[[], AbstractContextManager[None]] = getattr(journal, "together", nullcontext)
    return several()


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

    def together(self) -> AbstractContextManager[None]:
        """Keep at once what is given inside."""
        return together(self.journal)


def kept_or_made(
    journal: Journal, key: str, make: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """What a journal keeps under a key; where it keeps nothing, what is made and then kept.

    Parameters
    ----------
    journal : Journal
    key : str
    make : callable
    """
    known = journal.recall(key)
    if known is None:
        known = make()
        journal.remember(key, known)
    return known


class ShardFinished(LandtopoError):
    """What a shard was to do is kept, and the rest is for the others.

    Attributes
    ----------
    kept : int
        Tasks whose results the journal holds.
    total : int
        Tasks of the whole search.

    Examples
    --------
    >>> import landtopo as lt
    >>> issubclass(lt.ShardFinished, lt.LandtopoError)
    True
    """

    def __init__(self, kept: int, total: int) -> None:
        super().__init__(f"{kept} of {total} starts are kept; the others are for other shards.")
        self.kept = kept
        self.total = total


class Shard:
    """The journal of one of several machines that share the starts of a search.

    With it, `find_minima` and `reachability` follow every `of`-th chunk of starts only, and end
    with `ShardFinished`, unless the journal holds all others already. `merge_studies` puts the
    studies of the machines together; the same search with that study as its journal then finds
    what one machine would have found, to the last bit.

    Parameters
    ----------
    journal : Journal
        Such as a study, one for each machine.
    number : int
        Which of them this is, from 1.
    of : int
        How many there are.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> teacher = lt.Teacher.orthonormal(2)
    >>> name = os.path.join(tempfile.mkdtemp(), "first.landtopo")
    >>> with lt.Study.create(name, teacher) as study:
    ...     try:
    ...         lt.find_minima(
    ...             lt.TeacherStudent(teacher, 2), starts=200, journal=lt.Shard(study, 1, 2)
    ...         )
    ...     except lt.ShardFinished as end:
    ...         print(end.kept, end.total)
    128 200
    """

    def __init__(self, journal: Journal, number: int, of: int) -> None:
        self.journal = journal
        self.of = checked_count("of", "Shard", of)
        self.number = checked_count("number", "Shard", number)
        if self.number > self.of:
            raise InvalidArgument(
                f"The 'number' argument of Shard must be from 1 to {self.of}; got {self.number}."
            )

    def __repr__(self) -> str:
        return f"Shard({self.number} of {self.of}, {self.journal!r})"

    def recall(self, key: str) -> Mapping[str, Any] | None:
        """What was remembered under a key, or None.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     lt.Shard(study, 1, 2).recall("first") is None
        True
        """
        return self.journal.recall(key)

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a piece.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     lt.Shard(study, 1, 2).remember("first", {"answer": 1})
        ...     study.recall("first")
        {'answer': 1}
        """
        self.journal.remember(key, value)

    def together(self) -> AbstractContextManager[None]:
        """Keep at once what is given inside.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     shard = lt.Shard(study, 1, 2)
        ...     with shard.together():
        ...         shard.remember("first", {"answer": 1})
        ...     study.recall("first")
        {'answer': 1}
        """
        return together(self.journal)

    def takes(self, chunk: int) -> bool:
        """Whether the chunk of this number, from 0, is for this machine.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     shard = lt.Shard(study, 1, 2)
        >>> [shard.takes(chunk) for chunk in range(4)]
        [True, False, True, False]
        """
        return chunk % self.of == self.number - 1


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

    Raises
    ------
    ShardFinished
        The journal is a `Shard`, and chunks that are for others are missing.
    """
    chunks = {first: min(first + size, total) for first in range(0, total, size)}
    done: dict[int, Mapping[str, Any]] = {}
    for first, last in chunks.items():
        kept = journal.recall(f"{name}/{first}-{last}")
        if kept is not None:
            done[first] = kept
            progress.advance(last - first)
    missing = [
        chunk
        for number, chunk in enumerate(chunks.items())
        if chunk[0] not in done and (not isinstance(journal, Shard) or journal.takes(number))
    ]
    with Gathered(journal) as kept_soon:
        for first, columns in work(missing):
            kept_soon.remember(f"{name}/{first}-{chunks[first]}", columns)
            done[first] = columns
            progress.advance(chunks[first] - first)
    if len(done) < len(chunks):
        raise ShardFinished(sum(chunks[first] - first for first in done), total)
    return {
        key: np.concatenate([np.asarray(done[first][key]) for first in chunks]) for key in done[0]
    }
