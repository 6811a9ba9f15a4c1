"""Gradients of ReLU networks and nothing else, as fast as they go.

Letters and formulas are those of `landtopo.kernels.relu`. What saves time: every pair of students
is computed once; all pairs lie in one row, first those of students (k, l), l < k, then those of
students and teachers, so that the loop over angles is one long one; and the entries of a teacher
that are zero, nearly all of an orthonormal one's, are left out.

Angles and sines come from one number z with a single root. For |C| <= 1/2, z = C^2; otherwise
z = (1 - |C|)/2, the squared sine of half the angle to the nearer pole, which for |C| > 0.99 is
taken from |u^ - v^| or |u^ + v^| instead, because 1 - |C| has lost digits there. In both cases
0 <= z <= 1/4, and asin(sqrt z) / sqrt z and sqrt(1 - z) are polynomials up to 4e-17. Gradients
agree with those of `landtopo.kernels.relu` within a few units of rounding of their largest term.
"""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.relu import TWO_PI
from landtopo.kernels.tasks import ReluFlow
from landtopo.kernels.vectors import aligned, combine, dot, padded

__all__ = ["fast_gradient", "fast_task"]

_NEAR = 0.99
# A teacher with fewer non-zero entries than one in so many is summed entry by entry.
_SPARSE = 6

# Interpolation at the 13 Chebyshev nodes of [0, 1/4] in 60-digit arithmetic.
# asin(sqrt z) / sqrt z, relative error below 3e-17:
_A0 = 1.0
_A1 = 0.16666666666664942
_A2 = 0.07500000000385201
_A3 = 0.044642856805998936
_A4 = 0.03038195969768514
_A5 = 0.022371749733164054
_A6 = 0.01735977964134998
_A7 = 0.01388484282640208
_A8 = 0.012170138592391726
_A9 = 0.0065293020047365695
_A10 = 0.019513468251252167
_A11 = -0.016187392271599134
_A12 = 0.03187962140081284
# sqrt(1 - z), relative error below 4e-17:
_R0 = 1.0
_R1 = -0.4999999999999815
_R2 = -0.1250000000041244
_R3 = -0.06249999963931342
_R4 = -0.0390625163329017
_R5 = -0.02734331164089207
_R6 = -0.020515325325567758
_R7 = -0.016027596302914372
_R8 = -0.01375441009387522
_R9 = -0.007446828865423663
_R10 = -0.021194963521473254
_R11 = 0.017190548009281534
_R12 = -0.034308838583332474


@njit(cache=True)
def fast_task(K, V):
    """What `fast_gradient` needs to know of the teacher V (M, D), and arrays to work in."""
    M, D = V.shape
    directions = aligned(D * M).reshape(D, M)
    lengths = aligned(M)
    rows = np.empty(M * D, dtype=np.int64)
    columns = np.empty(M * D, dtype=np.int64)
    entries = 0
    for m in range(M):
        lengths[m] = math.sqrt(dot(V[m], V[m]))
        for i in range(D):
            if V[m, i] != 0.0:
                directions[i, m] = V[m, i] / lengths[m]
                rows[entries] = m
                columns[entries] = i
                entries += 1
    if entries * _SPARSE > M * D:
        entries = 0
    count = padded(K * (K - 1) // 2 + K * M)
    return ReluFlow(
        V,
        directions,
        lengths,
        rows[:entries].copy(),
        columns[:entries].copy(),
        aligned(count),
        aligned(count),
        aligned(count),
        aligned(count),
        aligned(K * D).reshape(K, D),
        aligned(K),
        aligned(K),
        aligned(K * K).reshape(K, K),
    )


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _squares(C, z):
    """Write z of every pair; returns how many pairs are so close to a pole that it is not right."""
    near = 0
    for j in range(C.shape[0]):
        a = abs(C[j])
        square = 0.5 * (1.0 - a) if a > 0.5 else a * a
        z[j] = square if square > 0.0 else 0.0
        near += 1 if a > _NEAR else 0
    return near


@njit(cache=True, error_model="numpy")
def _near_squares(C, z, units, directions):
    """Correct z of pairs close to a pole from half-angle norms."""
    K, D = units.shape
    M = directions.shape[1]
    j = 0
    for k in range(K):
        for other in range(k):
            if abs(C[j]) > _NEAR:
                sign = math.copysign(1.0, C[j])
                total = 0.0
                for i in range(D):
                    total += (units[k, i] - sign * units[other, i]) ** 2
                z[j] = 0.25 * total
            j += 1
    for k in range(K):
        for m in range(M):
            if abs(C[j]) > _NEAR:
                sign = math.copysign(1.0, C[j])
                total = 0.0
                for i in range(D):
                    total += (units[k, i] - sign * directions[i, m]) ** 2
                z[j] = 0.25 * total
            j += 1


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _angles(C, squares, P, S):
    """P/2pi and S of every pair from C and z."""
    for j in range(C.shape[0]):
        x = C[j]
        a = abs(x)
        z = squares[j]
        wide = a > 0.5
        root = math.sqrt(z)
        root = root if wide else a
        y = _A12
        y = y * z + _A11
        y = y * z + _A10
        y = y * z + _A9
        y = y * z + _A8
        y = y * z + _A7
        y = y * z + _A6
        y = y * z + _A5
        y = y * z + _A4
        y = y * z + _A3
        y = y * z + _A2
        y = y * z + _A1
        y = y * z + _A0
        y *= root
        q = _R12
        q = q * z + _R11
        q = q * z + _R10
        q = q * z + _R9
        q = q * z + _R8
        q = q * z + _R7
        q = q * z + _R6
        q = q * z + _R5
        q = q * z + _R4
        q = q * z + _R3
        q = q * z + _R2
        q = q * z + _R1
        q = q * z + _R0
        # Wide: y and root are half the angle to the nearer pole and its sine, q its cosine.
        pole = 2.0 * y if wide else 0.5 * math.pi - y
        P[j] = (math.pi - pole if x > 0.0 else pole) / TWO_PI
        S[j] = 2.0 * root * q if wide else q


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def fast_gradient(task, W, G):
    """Write dL/dW into G.

    Parameters
    ----------
    task : ReluFlow
        From `fast_task(K, V)`; overwritten.
    W, G : ndarray, shape (K, D)
        Weights and gradient. A zero neuron has a zero gradient.
    """
    V, directions, lengths, rows, columns, C, z, P, S, units, norms, own, A = task
    K, D = units.shape
    M = V.shape[0]
    start = K * (K - 1) // 2
    entries = len(rows)
    j = 0
    for k in range(K):
        w = W[k]
        u = units[k]
        norms[k] = math.sqrt(dot(w, w))
        inverse = 1.0 / norms[k] if norms[k] > 0.0 else 0.0
        for i in range(D):
            u[i] = w[i] * inverse
        own[k] = 0.0
        for other in range(k):
            C[j] = dot(u, units[other])
            j += 1
    overlaps = C[start : start + K * M].reshape(K, M)
    overlaps[:] = 0.0
    if entries > 0:
        for k in range(K):
            c = overlaps[k]
            u = units[k]
            for q in range(entries):
                c[rows[q]] += u[columns[q]] * directions[columns[q], rows[q]]
    else:
        combine(units, directions, overlaps)
    if _squares(C, z) > 0:
        _near_squares(C, z, units, directions)
    _angles(C, z, P, S)

    j = 0
    for k in range(K):
        p = P[j : j + k]
        s = S[j : j + k]
        a = A[k]
        norm = norms[k]
        for other in range(k):
            own[other] += norm * s[other]
        for other in range(k):
            a[other] = p[other]
        for other in range(k):
            A[other, k] = p[other]
        own[k] += dot(norms[:k], s)
        j += k
    for k in range(K):
        own[k] -= dot(lengths, S[j : j + M])
        A[k, k] = 0.5 + own[k] / (TWO_PI * norms[k])
        j += M
    G[:] = 0.0
    combine(A, W, G)
    B = P[start : start + K * M].reshape(K, M)
    if entries > 0:
        for k in range(K):
            g = G[k]
            b = B[k]
            for q in range(entries):
                g[columns[q]] -= b[rows[q]] * V[rows[q], columns[q]]
    else:
        for j in range(start, start + K * M):
            P[j] = -P[j]
        combine(B, V, G)
    for k in range(K):
        if norms[k] == 0.0:
            G[k] = 0.0
