"""Rotations of the coordinates outside the teacher's span, which change no loss (compiled)."""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.vectors import dot, without

__all__ = ["turns"]

# A tangent that the others span to this share of the point's length is none of its own.
_SPANNED = 1e-13


@njit(cache=True, error_model="numpy")
def turns(W, V):
    """Orthonormal tangents of these rotations at a point.

    Parameters
    ----------
    W : ndarray, shape (K, D)
    V : ndarray, shape (M, D)
        Teacher rows; the columns outside their span are the last ones, and zero.

    Returns
    -------
    ndarray, shape (g, K D)
    """
    K, D = W.shape
    rank = D
    while rank > 0 and not np.any(V[:, rank - 1]):
        rank -= 1
    rows = np.zeros(((D - rank) * (D - rank - 1) // 2, K * D))
    flat = W.ravel()
    least = _SPANNED * math.sqrt(dot(flat, flat))
    count = 0
    for a in range(rank, D):
        for b in range(a + 1, D):
            row = rows[count]
            row[:] = 0.0
            for k in range(K):
                row[k * D + a] = -W[k, b]
                row[k * D + b] = W[k, a]
            for _ in range(2):
                without(row, rows, count)
            length = math.sqrt(dot(row, row))
            if length > least:
                for i in range(K * D):
                    row[i] /= length
                count += 1
    return rows[:count]
