"""The one answer to "have I met this point": points by number, copies by symmetry being one.

Two points are compared by their marks (`landtopo.model.Mark`), which takes an assignment or a
search of what symmetry moves. Most are told apart before that by numbers that no symmetry changes,
their value among them: those of all points lie in one table, and one comparison leaves the few that
a point can be a copy of. Marks are made when they are first compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from landtopo.objective import Array

if TYPE_CHECKING:
    from landtopo.model import Mark
    from landtopo.symmetry.permutations import Permutation

__all__ = ["Invariants", "Known"]

_Point = TypeVar("_Point")

_ROOM = 16


class Invariants(NamedTuple):
    """Numbers that no element of a symmetry changes.

    Attributes
    ----------
    numbers : ndarray, shape (n,)
    slack : ndarray, shape (n,)
        Points of which a number differs by more than the sum of their slacks are no copies.
    """

    numbers: Array
    slack: Array


class Known(Generic[_Point]):
    """Points by number, in the order in which they were met.

    Parameters
    ----------
    mark : callable
        Prepares a point for comparisons.
    slack : callable or float
        By how much the values of copies may differ, perhaps as a function of the value. By default
        any do.
    invariants : callable, optional
        Further `Invariants` of a point, as many for every point.

    Attributes
    ----------
    points : list
        Whatever `mark` takes.
    """

    def __init__(
        self,
        mark: Callable[[_Point], Mark],
        *,
        slack: Callable[[float], float] | float = math.inf,
        invariants: Callable[[_Point], Invariants] | None = None,
    ) -> None:
        self._mark_of = mark
        self._slack_of = slack
        self._invariants_of = invariants
        self.points: list[_Point] = []
        self._marks: dict[int, Mark] = {}
        # For each point its invariants and its value, and by how much they may be off.
        self._table = np.empty((0, 0))
        self._slack = np.empty((0, 0))

    def __len__(self) -> int:
        return len(self.points)

    def find(
        self, point: _Point, value: float = 0.0, *, among: Callable[[int], bool] | None = None
    ) -> tuple[int, Permutation] | None:
        """The first point of which this one is a copy, and the element that makes it.

        Parameters
        ----------
        point
            As `mark` takes it.
        value : float
            Points of another value are not compared.
        among : callable, optional
            Whether the point of a number is to be compared; by default all are.
        """
        return self._find(_Lazy(self._mark_of, point), self._row(point, value), value, among)

    def add(self, point: _Point, value: float = 0.0) -> int:
        """Number of a new point."""
        return self._add(point, *self._row(point, value))

    def place(self, point: _Point, value: float = 0.0) -> tuple[int, Permutation | None]:
        """The number of a point, which is added if it is new, and then None for the element."""
        row, mark = self._row(point, value), _Lazy(self._mark_of, point)
        found = self._find(mark, row, value, None)
        if found is not None:
            return found
        number = self._add(point, *row)
        if mark.made:
            self._marks[number] = mark.get()
        return number, None

    def _find(
        self,
        mark: _Lazy,
        row: tuple[Array, Array],
        value: float,
        among: Callable[[int], bool] | None,
    ) -> tuple[int, Permutation] | None:
        count = len(self.points)
        if not count:
            return None
        numbers, slack = row[0], row[1].copy()
        slack[-1] = self._slack_of(value) if callable(self._slack_of) else self._slack_of
        apart = np.abs(self._table[:count] - numbers) <= self._slack[:count] + slack
        for number in np.flatnonzero(apart.all(axis=1)).tolist():
            if among is not None and not among(number):
                continue
            if number not in self._marks:
                self._marks[number] = self._mark_of(self.points[number])
            element = self._marks[number].match(mark.get())
            if element is not None:
                return number, element
        return None

    def _add(self, point: _Point, row: Array, slack: Array) -> int:
        number = len(self.points)
        if number == len(self._table):
            room = np.full((max(_ROOM, number), row.size), np.nan)
            self._table = np.vstack([self._table.reshape(number, row.size), room])
            self._slack = np.vstack([self._slack.reshape(number, row.size), room])
        self._table[number], self._slack[number] = row, slack
        self.points.append(point)
        return number

    def _row(self, point: _Point, value: float) -> tuple[Array, Array]:
        if self._invariants_of is None:
            return np.array([value]), np.zeros(1)
        own = self._invariants_of(point)
        return np.append(own.numbers, value), np.append(own.slack, 0.0)


class _Lazy:
    """A mark that is made when it is asked for."""

    def __init__(self, mark: Callable[[Any], Mark], point: Any) -> None:
        self._mark_of, self._point = mark, point
        self._mark: Mark | None = None

    @property
    def made(self) -> bool:
        return self._mark is not None

    def get(self) -> Mark:
        if self._mark is None:
            self._mark = self._mark_of(self._point)
        return self._mark
