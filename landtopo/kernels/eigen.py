"""Eigenvalues and eigenvectors of symmetric matrices, compiled; why: `landtopo.eigen`."""

from __future__ import annotations

import math

import numpy as np

from landtopo.kernels.compiled import njit

__all__ = ["eigh_compiled", "rotated"]

# Sweeps of rotations; convergence is quadratic, and ten do for any matrix in double precision.
_SWEEPS = 60


@njit(cache=True, error_model="numpy")
def eigh_compiled(matrix):
    """`landtopo.eigen.eigh` of one matrix of finite numbers, in compiled code.

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
