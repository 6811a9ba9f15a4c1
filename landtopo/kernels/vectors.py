"""Sums over rows of small matrices, compiled for the vector units of the processor."""

import numpy as np

from landtopo.kernels.compiled import njit

__all__ = ["LANES", "aligned", "combine", "dot", "padded", "without", "write"]

LANES = 8
_LINE = 64


@njit(cache=True)
def aligned(count):
    """Zeros that begin at a cache line, so that loops over them take the same time in every run."""
    spare = _LINE // 8
    block = np.zeros(count + spare)
    first = (_LINE - block.ctypes.data % _LINE) % _LINE // 8
    return block[first : first + count]


@njit(cache=True)
def padded(columns):
    """Number of columns rounded up to whole vectors."""
    return (columns + LANES - 1) // LANES * LANES


@njit(cache=True, fastmath={"contract"})
def combine(coefficients, rows, out):
    """Add coefficients (n, J) times rows (J, L) to out (n, L).

    Two rows of `out` and four of `rows` at a time: the sizes are too small for a library, and the
    time is that of loading and storing.
    """
    n, count = coefficients.shape
    length = out.shape[1]
    pairs_end = n // 2 * 2
    whole = count // 4 * 4
    for k in range(0, pairs_end, 2):
        x = out[k]
        y = out[k + 1]
        a = coefficients[k]
        b = coefficients[k + 1]
        for j in range(0, whole, 4):
            a0, a1, a2, a3 = a[j], a[j + 1], a[j + 2], a[j + 3]
            b0, b1, b2, b3 = b[j], b[j + 1], b[j + 2], b[j + 3]
            r0, r1, r2, r3 = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
            for i in range(length):
                x[i] += a0 * r0[i] + a1 * r1[i] + a2 * r2[i] + a3 * r3[i]
                y[i] += b0 * r0[i] + b1 * r1[i] + b2 * r2[i] + b3 * r3[i]
        for j in range(whole, count):
            a0 = a[j]
            b0 = b[j]
            r0 = rows[j]
            for i in range(length):
                x[i] += a0 * r0[i]
                y[i] += b0 * r0[i]
    for k in range(pairs_end, n):
        x = out[k]
        a = coefficients[k]
        for j in range(count):
            a0 = a[j]
            r0 = rows[j]
            for i in range(length):
                x[i] += a0 * r0[i]


@njit(cache=True, fastmath={"contract", "reassoc", "nsz"})
def dot(a, b):
    """Scalar product; the order of the sum is left to the vector unit."""
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@njit(cache=True, error_model="numpy")
def without(v, rows, count):
    """Take the parts along orthonormal rows out of v, in place."""
    for j in range(count):
        q = rows[j]
        share = dot(q, v)
        for i in range(v.shape[0]):
            v[i] -= share * q[i]


@njit(cache=True)
def write(target, source):
    """Write a flat array over the beginning of another.

    A slice does the same, and compiles for two seconds what it says of shapes that do not fit.
    """
    for i in range(source.shape[0]):
        target[i] = source[i]
