"""Eigenvalues and eigenvectors of small symmetric matrices, compiled."""

from __future__ import annotations

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.vectors import dot

__all__ = ["eigh_compiled", "rotated"]

# Sweeps of rotations; convergence is quadratic, and ten do for any matrix in double precision.
_SWEEPS = 60
# Beside the diagonal this much is nothing, relative to the diagonal there.
_SMALL = 2.0**-52


@njit(cache=True, error_model="numpy")
def eigh_compiled(matrix):
    """Eigenvalues in ascending order, and eigenvectors as rows, of one matrix of finite numbers.

    Up to some forty rows this takes half the time of a call of LAPACK. Source: G. H. Golub, C. F.
    Van Loan, Matrix Computations, section 8.3 (reflections to a tridiagonal matrix, then implicit
    QL steps); where that does not end, rotations do.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)

    Returns
    -------
    values : ndarray, shape (n,)
    vectors : ndarray, shape (n, n)
    """
    n = matrix.shape[0]
    values, beside, vectors = np.empty(n), np.zeros(n), np.eye(n)
    _tridiagonal(matrix.copy(), values, beside, vectors)
    for first in range(n):
        if not _separated(values, beside, vectors, first):
            values, columns = rotated(matrix)
            return values, columns.T.copy()
    order = np.argsort(values)
    return values[order], vectors[order]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _tridiagonal(A, diagonal, beside, Q):
    """Write Q A Q^T, its diagonal and what is beside it, and Q, which is the identity before.

    Row k of A is overwritten with the vector of the reflection that clears it.
    """
    n = A.shape[0]
    change, weights = np.empty(n), np.zeros(n)
    for k in range(n - 1):
        v = A[k]
        diagonal[k] = v[k]
        rest = dot(v[k + 2 :], v[k + 2 :])
        if rest == 0.0:
            beside[k] = v[k + 1]
            continue
        beside[k] = -math.copysign(math.sqrt(rest + v[k + 1] * v[k + 1]), v[k + 1])
        v[k + 1] -= beside[k]
        weight = weights[k] = 2.0 / (rest + v[k + 1] * v[k + 1])
        for i in range(k + 1, n):
            change[i] = weight * dot(A[i, k + 1 :], v[k + 1 :])
        half = 0.5 * weight * dot(change[k + 1 :], v[k + 1 :])
        for i in range(k + 1, n):
            change[i] -= half * v[i]
        for i in range(k + 1, n):
            row, x, y = A[i], v[i], change[i]
            for j in range(k + 1, n):
                row[j] -= x * change[j] + y * v[j]
    diagonal[n - 1] = A[n - 1, n - 1]
    for k in range(n - 3, -1, -1):
        v = A[k]
        for i in range(k + 1, n):
            row = Q[i]
            share = weights[k] * dot(row[k + 1 :], v[k + 1 :])
            for j in range(k + 1, n):
                row[j] -= share * v[j]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _separated(d, e, Q, first):
    """QL steps until e[first] is zero, with Q turned alike; False where there are too many."""
    n = d.size
    for _ in range(_SWEEPS):
        last = first
        while last < n - 1 and abs(e[last]) > _SMALL * (abs(d[last]) + abs(d[last + 1])):
            last += 1
        if last == first:
            return True
        g = (d[first + 1] - d[first]) / (2.0 * e[first])
        g = d[last] - d[first] + e[first] / (g + math.copysign(math.sqrt(g * g + 1.0), g))
        s, c, p = 1.0, 1.0, 0.0
        whole = True
        for i in range(last - 1, first - 1, -1):
            f, b = s * e[i], c * e[i]
            r = math.sqrt(f * f + g * g)
            e[i + 1] = r
            if r == 0.0:
                # The matrix falls apart here.
                d[i + 1] -= p
                whole = False
                break
            s, c = f / r, g / r
            g = d[i + 1] - p
            r = (d[i] - g) * s + 2.0 * c * b
            p = s * r
            d[i + 1] = g + p
            g = c * r - b
            x, y = Q[i], Q[i + 1]
            for k in range(n):
                f = y[k]
                y[k] = s * x[k] + c * f
                x[k] = c * x[k] - s * f
        if whole:
            d[first] -= p
            e[first] = g
        e[last] = 0.0
    return False


@njit(cache=True, error_model="numpy")
def rotated(matrix):
    """The same, vectors as columns, by rotations that make one entry beside the diagonal zero each.

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
