"""Translations and rotations of points: as directions, and the best ones (compiled)."""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.vectors import dot, without

__all__ = ["aligned_to", "motions"]

# Rotations shorter than this, relative to the longest one, turn nothing: those about the axis of
# points in a row.
_INDEPENDENT = 1e-8


@njit(cache=True, error_model="numpy")
def motions(X, translations, rotations):
    """Orthonormal rows that span translations and rotations, or one of the two.

    Parameters
    ----------
    X : ndarray, shape (n, k)
        Points.
    translations, rotations : bool
        Which of the two. Rotations are about the origin, or with translations about any point.

    Returns
    -------
    ndarray, shape (g, n k)
        Fewer rows where the points lie so that some rotation moves none.
    """
    n, k = X.shape
    shifts = k if translations else 0
    rows = np.zeros((shifts + (k * (k - 1) // 2 if rotations else 0), n * k))
    middle = np.zeros(k)
    if translations:
        for axis in range(k):
            for i in range(n):
                middle[axis] += X[i, axis] / n
                rows[axis, k * i + axis] = 1.0 / math.sqrt(n)
    longest = 0.0
    turn = shifts
    if rotations:
        for axis in range(k):
            for other in range(axis):
                for i in range(n):
                    rows[turn, k * i + axis] = X[i, other] - middle[other]
                    rows[turn, k * i + other] = middle[axis] - X[i, axis]
                longest = max(longest, math.sqrt(dot(rows[turn], rows[turn])))
                turn += 1
    found = shifts
    for m in range(shifts, turn):
        row = rows[found]
        for i in range(n * k):
            row[i] = rows[m, i]
        for _ in range(2):
            without(row, rows, found)
        length = math.sqrt(dot(row, row))
        if length > _INDEPENDENT * longest:
            for i in range(n * k):
                row[i] /= length
            found += 1
    return rows[:found]


@njit(cache=True, error_model="numpy")
def aligned_to(X, Y, translations, rotations):
    """Points moved to where they are closest to others (W. Kabsch, Acta Cryst. A 32, 922 (1976)).

    Parameters
    ----------
    X, Y : ndarray, shape (n, k)
    translations, rotations : bool
        As in `motions`.

    Returns
    -------
    ndarray, shape (n, k)
        A new one.
    """
    n, k = X.shape
    middle, aim = np.zeros(k), np.zeros(k)
    if translations:
        for i in range(n):
            for axis in range(k):
                middle[axis] += X[i, axis] / n
                aim[axis] += Y[i, axis] / n
    turn = np.eye(k)
    if rotations:
        products = np.zeros((k, k))
        for i in range(n):
            for a in range(k):
                for b in range(k):
                    products[a, b] += (X[i, a] - middle[a]) * (Y[i, b] - aim[b])
        left, _, right = np.linalg.svd(products)
        turn = left @ right
        if np.linalg.det(turn) < 0.0:
            left[:, -1] *= -1.0
            turn = left @ right
    moved = np.empty((n, k))
    for i in range(n):
        for b in range(k):
            moved[i, b] = aim[b]
            for a in range(k):
                moved[i, b] += (X[i, a] - middle[a]) * turn[a, b]
    return moved
