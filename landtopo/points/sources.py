"""Where searches start, and when a source of starts is no longer worth it.

A source is an ordered list of starts of one kind: the soft modes of one family, the lines between
all pairs of families in turn. What the first of them bring tells how much the next ones can bring,
so that each source is given up on its own record, whatever the others find.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar

__all__ = ["Source", "in_turn"]

_Start = TypeVar("_Start")


class Source(Generic[_Start]):
    """Starts that are spent in chunks as long as they bring something new.

    Parameters
    ----------
    kind : str
        What they are.
    starts : iterable
        The starts, the most promising ones first.
    chunk : int
        How many are spent at once.
    patience : int
        So many starts in a row without anything new, and the source is given up.
    """

    def __init__(
        self, kind: str, starts: Iterable[_Start], *, chunk: int = 16, patience: int
    ) -> None:
        self.kind = kind
        self.patience = patience
        self.idle = 0
        self.spent = 0
        # Starts that were given out and are not told of yet.
        self._given = 0
        self._chunk = chunk
        self._starts: Iterator[_Start] = iter(starts)
        self._open = True

    @property
    def open(self) -> bool:
        """Whether there may be starts that are worth it, should those given out bring nothing."""
        return self._open and self.idle + self._given < self.patience

    def next(self) -> Sequence[_Start]:
        """The next starts; none where the source is at its end."""
        if not self.open:
            return []
        starts = list(islice(self._starts, self._chunk))
        self._open = len(starts) == self._chunk
        self._given += len(starts)
        return starts

    def brought(self, starts: int, new: bool) -> None:
        """Take note of what the starts of a chunk brought."""
        self.spent += starts
        self._given -= min(self._given, self._chunk)
        self.idle = 0 if new else self.idle + starts


def in_turn(generators: Iterable[Iterable[_Start]]) -> Iterator[_Start]:
    """One from each, then the next from each, so that a limit cuts all of them alike.

    Parameters
    ----------
    generators : iterable of iterable
    """
    left = [iter(generator) for generator in generators]
    while left:
        alive = []
        for generator in left:
            for start in islice(generator, 1):
                yield start
                alive.append(generator)
        left = alive
