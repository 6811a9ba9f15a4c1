"""Continuous symmetries of a function: where nothing changes, and moves along them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from landtopo.objective import Array

__all__ = ["Along", "Gauge", "Lengths", "NoGauge", "Polar", "RigidMotions", "symmetric_multiples"]

# Directions shorter than this, relative to the longest, are the same as others: the rotation about
# the axis of points in a row, for instance.
_INDEPENDENT = 1e-8


class Gauge(Protocol):
    """A continuous symmetry."""

    @property
    def trivial(self) -> bool:
        """Whether there is none."""
        ...

    def directions(self, x: Array) -> Array:
        """Orthonormal rows that span the directions at a point, shape (g, size)."""
        ...

    def align(self, x: Array, target: Array) -> Array:
        """A point moved along the gauge to where it is closest to another."""
        ...


class NoGauge:
    """No continuous symmetry.

    Parameters
    ----------
    size : int
        Number of coordinates.
    """

    trivial = True

    def __init__(self, size: int) -> None:
        self._none = np.empty((0, size))

    def directions(self, x: Array) -> Array:
        """No rows."""
        return self._none

    def align(self, x: Array, target: Array) -> Array:
        """The point itself."""
        return x


class RigidMotions:
    """Translations and rotations of n points in k dimensions, or one of the two.

    Parameters
    ----------
    dimension : int
        k; coordinates are those of one point after the other.
    translations, rotations : bool
        Which of the two. Rotations are proper ones, about the origin; with translations about any
        point.
    """

    trivial = False

    def __init__(
        self, dimension: int, *, translations: bool = True, rotations: bool = True
    ) -> None:
        self.dimension = dimension
        self.translations = translations
        self.rotations = rotations

    def directions(self, x: Array) -> Array:
        """Orthonormal rows; fewer where the points lie in a row or a plane that rotations keep."""
        from landtopo.kernels.motions import motions

        return np.asarray(motions(self._points(x), self.translations, self.rotations))

    def align(self, x: Array, target: Array) -> Array:
        """The best translation, then rotation."""
        from landtopo.kernels.motions import aligned_to

        points, aims = self._points(x), self._points(target)
        return np.ravel(aligned_to(points, aims, self.translations, self.rotations))

    def _points(self, x: Array) -> Array:
        # A copy, because compiled code knows only what can be written.
        return np.array(x, dtype=np.float64).reshape(-1, self.dimension)


class Lengths:
    """Lengths of rows, where the function depends on their directions alone.

    Parameters
    ----------
    columns : int
        Coordinates of a row.
    """

    trivial = False

    def __init__(self, columns: int) -> None:
        self.columns = columns

    def directions(self, x: Array) -> Array:
        """The rows themselves, of length one."""
        rows = x.reshape(-1, self.columns)
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        found = np.zeros((len(rows), *rows.shape))
        found[np.arange(len(rows)), np.arange(len(rows))] = units
        return found.reshape(len(rows), x.size)

    def align(self, x: Array, target: Array) -> Array:
        """Rows as long as those of the other point."""
        rows = x.reshape(-1, self.columns)
        wanted = np.linalg.norm(target.reshape(-1, self.columns), axis=1, keepdims=True)
        return np.asarray(rows * (wanted / np.linalg.norm(rows, axis=1, keepdims=True))).ravel()


def symmetric_multiples(rows: Array) -> Array:
    """S W for a basis of the symmetric matrices S, flat.

    Parameters
    ----------
    rows : ndarray, shape (k, D)
        W.

    Returns
    -------
    ndarray, shape (k (k + 1) / 2, k D)
    """
    count = len(rows)
    i, j = np.triu_indices(count)
    symmetric = np.zeros((len(i), count, count))
    symmetric[np.arange(len(i)), i, j] = symmetric[np.arange(len(i)), j, i] = 1.0
    return np.asarray((symmetric @ rows).reshape(len(i), rows.size))


class Polar:
    """What is left of k rows beside their polar factor, where the function depends on that alone.

    Rows U = P W with W orthonormal and P symmetric and positive stand for W.

    Parameters
    ----------
    count : int
        k.
    """

    trivial = False

    def __init__(self, count: int) -> None:
        self.count = count

    def directions(self, x: Array) -> Array:
        """Orthonormal rows that span all S W, S symmetric."""
        left, _, right = np.linalg.svd(x.reshape(self.count, -1), full_matrices=False)
        return _orthonormal(symmetric_multiples(left @ right))

    def align(self, x: Array, target: Array) -> Array:
        """The same polar factor, with the P of the other point."""
        left, _, right = np.linalg.svd(x.reshape(self.count, -1), full_matrices=False)
        across, lengths, _ = np.linalg.svd(target.reshape(self.count, -1), full_matrices=False)
        return np.asarray((across * lengths) @ across.T @ left @ right).ravel()


class Along:
    """A continuous symmetry that is known by its directions only.

    Parameters
    ----------
    rows : callable
        Given a point, directions (m, size) along which the function does not change; they need
        neither be orthonormal nor independent.
    """

    trivial = False

    def __init__(self, rows: Callable[[Array], ArrayLike]) -> None:
        self._rows = rows

    def directions(self, x: Array) -> Array:
        """Orthonormal rows that span the directions."""
        return _orthonormal(np.array(self._rows(x), dtype=np.float64).reshape(-1, x.size))

    def align(self, x: Array, target: Array) -> Array:
        """The end of the steps along the gauge by which the distance shrinks.

        It is the closest point near by; a copy that is closer on the far side is not seen.
        """
        best = float(np.linalg.norm(x - target))
        share = 1.0
        while share > 1e-3 and best > 0.0:
            trial = x
            for _ in range(8):
                trial = self._step(trial, target, share / 8.0)
            apart = float(np.linalg.norm(trial - target))
            if apart < best * (1.0 - 1e-12):
                x, best = trial, apart
            else:
                share *= 0.5
        return x

    def _step(self, x: Array, target: Array, share: float) -> Array:
        """One Runge-Kutta step of the flow that shrinks the distance."""

        def slope(y: Array) -> Array:
            rows = self.directions(y)
            return np.asarray(rows.T @ (rows @ (target - y)))

        first = slope(x)
        second = slope(x + 0.5 * share * first)
        third = slope(x + 0.5 * share * second)
        fourth = slope(x + share * third)
        return np.asarray(x + share * (first + 2.0 * second + 2.0 * third + fourth) / 6.0)


def _orthonormal(rows: Array) -> Array:
    _, sizes, right = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(right[sizes > _INDEPENDENT * sizes.max(initial=0.0)])
