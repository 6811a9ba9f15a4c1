"""Eigenvalues and eigenvectors of symmetric matrices, also where LAPACK gives up.

LAPACK's divide and conquer, which numpy and numba call, is fast and now and then does not converge
on a finite matrix with clustered eigenvalues; symmetric points have many of those. Rotations
(Jacobi's method) are slow and converge always.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from landtopo.kernels.compiled import njit
from landtopo.objective import Array

__all__ = ["eigh", "eigh_compiled"]

# Sweeps of rotations; convergence is quadratic, and ten do for any matrix in double precision.
_SWEEPS = 60


def eigh(matrix: ArrayLike) -> tuple[Array, Array]:
    """Eigenvalues in ascending order, and eigenvectors as columns.

    Parameters
    ----------
    matrix : array_like, shape (..., n, n)
        Symmetric; its lower triangle counts.

    Returns
    -------
    values : ndarray, shape (..., n)
    vectors : ndarray, shape (..., n, n)
    """
    given = np.asarray(matrix, dtype=np.float64)
    try:
        values, vectors = np.linalg.eigh(given)
    except np.linalg.LinAlgError:
        if not np.all(np.isfinite(given)):
            raise
        lower = np.tril(given)
        whole = lower + np.swapaxes(np.tril(given, -1), -1, -2)
        found = [rotated(one) for one in whole.reshape(-1, *given.shape[-2:])]
        values = np.reshape([one for one, _ in found], given.shape[:-1])
        vectors = np.reshape([one for _, one in found], given.shape)
    return values, vectors


@njit(cache=True, error_model="numpy")
def eigh_compiled(matrix):
    """The same for one matrix of finite numbers, in compiled code.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
    """
    try:
        values, vectors = np.linalg.eigh(matrix.copy())
    except Exception:
        values, vectors = rotated(matrix)
    return values, vectors


@njit(cache=True, error_model="numpy")
def rotated(matrix):
    """The same by rotations that make one entry beside the diagonal zero each, in turn.

    Source: G. H. Golub, C. F. Van Loan, Matrix Computations, section 8.5 (cyclic Jacobi).
    """
    n = matrix.shape[0]
    A = matrix.copy()
    V = np.eye(n)
    scale = math.sqrt(np.sum(A * A))
    for _ in range(_SWEEPS):
        beside = 0.0
        for p in range(n):
            for q in range(p + 1, n):
                beside += A[p, q] * A[p, q]
        if math.sqrt(beside) <= 1e-17 * scale:
            break
        for p in range(n):
            for q in range(p + 1, n):
                if A[p, q] == 0.0:
                    continue
                ratio = 0.5 * (A[q, q] - A[p, p]) / A[p, q]
                t = math.copysign(1.0, ratio) / (abs(ratio) + math.hypot(1.0, ratio))
                c = 1.0 / math.hypot(1.0, t)
                s = t * c
                for k in range(n):
                    first, second = A[k, p], A[k, q]
                    A[k, p], A[k, q] = c * first - s * second, s * first + c * second
                for k in range(n):
                    first, second = A[p, k], A[q, k]
                    A[p, k], A[q, k] = c * first - s * second, s * first + c * second
                for k in range(n):
                    first, second = V[k, p], V[k, q]
                    V[k, p], V[k, q] = c * first - s * second, s * first + c * second
    values = np.diag(A).copy()
    order = np.argsort(values)
    return values[order], V[:, order]
