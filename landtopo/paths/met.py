"""Points met before, found again among thousands without comparing each.

Two points are compared by an assignment of what symmetry moves. Most are told apart before that, by
numbers which every element leaves alone: those of all points lie in one table, and one comparison
leaves the few that a point can be a copy of.
"""

from __future__ import annotations

import numpy as np

from landtopo.objective import Array
from landtopo.paths.setting import Element, Invariants, Setting

__all__ = ["Met", "same_value"]

_ROOM = 16


def same_value(value: float) -> float:
    """By how much the values of copies of one point may differ."""
    return 1e-9 * (1e-3 + abs(value))


class Met:
    """Points by number, one of all copies that elements make.

    Parameters
    ----------
    setting : Setting
        Tells copies apart.

    Attributes
    ----------
    points : list of ndarray, shape (size,)
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.points: list[Array] = []
        # For each point its value and its invariants, and by how much they may be off.
        self._table = np.empty((0, 0))
        self._slack = np.empty((0, 0))

    def find(self, x: Array, value: float) -> tuple[int, Element] | None:
        """The first point of which this one is a copy, and the element that makes it.

        Parameters
        ----------
        x : ndarray, shape (size,)
        value : float
            Points of another value (`same_value`) are not compared.
        """
        count = len(self.points)
        if not count:
            return None
        own = self.setting.invariants(x)
        row, slack = _row(value, own, same_value(value))
        apart = np.abs(self._table[:count] - row) <= self._slack[:count] + slack
        for number in np.flatnonzero(apart.all(axis=1)).tolist():
            element = self.setting.relation(x, self.points[number])
            if element is not None:
                return number, element
        return None

    def add(self, x: Array, value: float) -> int:
        """Number of a new point."""
        row, slack = _row(value, self.setting.invariants(x), 0.0)
        number = len(self.points)
        if number == len(self._table):
            room = np.full((max(_ROOM, number), row.size), np.nan)
            self._table = np.vstack([self._table.reshape(number, row.size), room])
            self._slack = np.vstack([self._slack.reshape(number, row.size), room])
        self._table[number], self._slack[number] = row, slack
        self.points.append(x)
        return number


def _row(value: float, own: Invariants, slack: float) -> tuple[Array, Array]:
    return np.append(own.numbers, value), np.append(own.slack, slack)
