"""Population loss of ReLU networks on Gaussian inputs, and its derivatives, compiled.

Letters, used in this module only. Students w_k, k < K, and teachers v_m, m < M, are rows in D
coordinates. All of them together are the "columns" j < N = K + M of pair tables with K rows,
students first, padded with zero columns to a multiple of the vector length. For row k and column j,
with t the angle between the two vectors and hats for unit vectors,

    C = cos t,    S = sin t,    P = pi - t,
    g(u, v) = E[relu(u.x) relu(v.x)] = |u||v| (S + P C) / 2pi          (arc-cosine kernel, order 1)
    grad_u g = (|v| S u^ + P v) / 2pi
    H_uu = |v| S / (2pi |u|) (I - u^ u^T + n_u n_u^T)
    H_uv = (P I + S (u^ v^T + n_u n_v^T)) / 2pi,    n_u = unit(v^ - C u^), n_v = unit(u^ - C v^).

The loss is L = 1/2 (sum g(w_k, w_l) - 2 sum g(w_k, v_m) + sum g(v_m, v_n)), and its gradient is
A W + B V with A_kl = P/2pi, A_kk = 1/2 + sum_j s_j |x_j| S / (2pi |w_k|), B_km = -P/2pi, where s_j
is +1 for students and -1 for teachers. `landtopo.kernels.curvature` has the second derivatives.

Angles come from the cosine where that is well conditioned, and near 0 and pi, where flat families
live and the arc cosine has lost half of its digits, from t = 2 atan2(|u^ - v^|, |u^ + v^|). A zero
neuron has no angle: its rows contribute nothing and its gradient is set to zero.

Absolute errors are a few units of rounding of the largest term; `landtopo.kernels.precise` keeps
the relative error small where terms cancel.
"""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.vectors import aligned, combine, dot, padded, write

__all__ = [
    "TWO_PI",
    "batch_value_gradient",
    "gradient_from_pairs",
    "pairs",
    "psi_values",
    "teacher_frame",
    "value_from_pairs",
    "value_gradient",
    "workspace",
]

_NEAR = 0.9
TWO_PI = 2.0 * math.pi
_SERIES = 0.05

# asin(x) = x p(x^2) for |x| <= 1/2: interpolation of asin(sqrt z)/sqrt z at the 14 Chebyshev nodes
# of [0, 1/4] in 60-digit arithmetic; the relative error is below 4e-18.
_P0 = 1.0
_P1 = 0.16666666666666796
_P2 = 0.07499999999966611
_P3 = 0.04464285717686322
_P4 = 0.030381942642327187
_P5 = 0.022372216106072148
_P6 = 0.017351600625343435
_P7 = 0.01398088299217101
_P8 = 0.011398850408440755
_P9 = 0.010778675120995992
_P10 = 0.0037180577483250537
_P11 = 0.02166805886905636
_P12 = -0.02093065831518245
_P13 = 0.03257934796692842


@njit(cache=True)
def workspace(width, teachers, dimension):
    """Arrays that one thread needs.

    Returns
    -------
    tuple
        unit^T (D, N), |x_j| (N,), s_j |x_j| (N,), own (K,), C, P, S (K, N each), where
        own_k = sum_j s_j |x_j| S_kj / 2pi, that is |w_k| (A_kk - 1/2).
    """
    columns = padded(width + teachers)
    return (
        aligned(dimension * columns).reshape(dimension, columns),
        aligned(columns),
        aligned(columns),
        aligned(width),
        aligned(width * columns).reshape(width, columns),
        aligned(width * columns).reshape(width, columns),
        aligned(width * columns).reshape(width, columns),
    )


@njit(cache=True)
def teacher_frame(vectors, dimension):
    """Teacher rows in D coordinates (zeros outside the span), and sum_mn g(v_m, v_n)."""
    size = vectors.shape[0]
    rows = np.zeros((size, dimension))
    for m in range(size):
        write(rows[m], vectors[m])
    work = workspace(size, 0, dimension)
    pairs(rows, rows[:0], work)
    return rows, value_from_pairs(rows, rows[:0], work, 0.0) * 2.0


@njit(cache=True)
def _near_pair(unit, k, j):
    """(P, S) of two nearly collinear unit vectors, from half-angle norms."""
    minus = 0.0
    plus = 0.0
    for i in range(unit.shape[0]):
        a = unit[i, k]
        b = unit[i, j]
        minus += (a - b) * (a - b)
        plus += (a + b) * (a + b)
    minus = math.sqrt(minus)
    plus = math.sqrt(plus)
    return 2.0 * math.atan2(plus, minus), 0.5 * minus * plus


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def pairs(W, V, work, rows=-1):
    """Fill the pair tables of a point: unit vectors, norms, C, P and S.

    Parameters
    ----------
    W : ndarray, shape (K, D)
    V : ndarray, shape (M, D)
    work : tuple
        From `workspace(K, M, D)`; overwritten.
    rows : int, optional
        Of the tables only so many are filled, those of the first students; all by default.
    """
    unit, norm, signed, own, C, P, S = work
    K, D = W.shape
    M = V.shape[0]
    N = K + M
    columns = unit.shape[1]
    filled = K if rows < 0 else rows
    for j in range(N):
        x = W[j] if j < K else V[j - K]
        total = 0.0
        for i in range(D):
            total += x[i] * x[i]
        total = math.sqrt(total)
        norm[j] = total
        signed[j] = total if j < K else -total
        inverse = 1.0 / total if total > 0.0 else 0.0
        for i in range(D):
            unit[i, j] = x[i] * inverse
    C[:] = 0.0
    combine(unit[:, :filled].T, unit, C[:filled])
    for k in range(filled):
        c = C[k]
        p = P[k]
        s = S[k]
        c[k] = 0.0
        near = 0
        for j in range(columns):
            x = c[j]
            a = abs(x)
            near += 1 if a > _NEAR else 0
            wide = a > 0.5
            z = 0.5 * (1.0 - a) if wide else a * a
            z = z if z > 0.0 else 0.0
            root = math.sqrt(z) if wide else a
            y = _P13
            y = y * z + _P12
            y = y * z + _P11
            y = y * z + _P10
            y = y * z + _P9
            y = y * z + _P8
            y = y * z + _P7
            y = y * z + _P6
            y = y * z + _P5
            y = y * z + _P4
            y = y * z + _P3
            y = y * z + _P2
            y = y * z + _P1
            y = y * z + _P0
            y *= root
            # y = asin(|x|) for small |x|, half the angle to the nearer pole for large |x|.
            upper = math.pi - 2.0 * y if wide else 0.5 * math.pi + y
            lower = 2.0 * y if wide else 0.5 * math.pi - y
            p[j] = upper if x > 0.0 else lower
            q = (1.0 - a) * (1.0 + a)
            s[j] = math.sqrt(q if q > 0.0 else 0.0)
        if near > 0:
            for j in range(N):
                if abs(c[j]) > _NEAR:
                    p[j], s[j] = _near_pair(unit, k, j)
                    h = 1.0 - 0.5 * s[j] * s[j] / (0.5 + 0.5 * abs(c[j]))
                    c[j] = math.copysign(h, c[j])
        c[k] = 1.0
        p[k] = math.pi
        s[k] = 0.0
        own[k] = dot(signed, s) / TWO_PI


@njit(cache=True)
def _overlap(p, s, c):
    """S + P C = 2pi g / (|u||v|), without cancellation near t = pi."""
    if p < _SERIES:
        q = p * p
        return p * q * (1.0 - q * (0.1 - q * (1.0 / 280.0 - q / 15120.0))) / 3.0
    return s + p * c


@njit(cache=True, fastmath={"contract", "reassoc", "nsz"})
def _overlaps(weights, first, last, c, p, s):
    """sum_j weights_j (S + P C) over first <= j < last."""
    total = 0.0
    for j in range(first, last):
        total += weights[j] * (s[j] + p[j] * c[j])
    return total


@njit(cache=True)
def value_from_pairs(W, V, work, constant):
    """Loss of a point whose pair tables are filled; `constant` is sum_mn g(v_m, v_n)."""
    _, norm, _, _, C, P, S = work
    K = W.shape[0]
    N = K + V.shape[0]
    total = 0.0
    for k in range(K):
        row = _overlaps(norm, 0, K, C[k], P[k], S[k])
        row -= 2.0 * _overlaps(norm, K, N, C[k], P[k], S[k])
        total += norm[k] * row
    return 0.5 * (total / TWO_PI + constant)


@njit(cache=True)
def gradient_from_pairs(W, V, work, G):
    """Write dL/dW into G, shape (K, D), for a point whose pair tables are filled.

    With fewer rows, G of shape (R, D), only those of the first R students are written.
    """
    _, norm, _, own, _, P, _ = work
    K = W.shape[0]
    M = V.shape[0]
    rows = G.shape[0]
    A = np.zeros((rows, K))
    B = np.zeros((rows, M))
    for k in range(rows):
        if norm[k] == 0.0:
            continue
        a = A[k]
        b = B[k]
        p = P[k]
        for j in range(K):
            a[j] = p[j] / TWO_PI
        for m in range(M):
            b[m] = -p[K + m] / TWO_PI
        a[k] = 0.5 + own[k] / norm[k]
    G[:] = 0.0
    combine(A, W, G)
    combine(B, V, G)


@njit(cache=True)
def value_gradient(W, V, constant, work, G):
    """Loss at one point; the gradient goes to G."""
    pairs(W, V, work)
    gradient_from_pairs(W, V, work, G)
    return value_from_pairs(W, V, work, constant)


@njit(cache=True, nogil=True)
def batch_value_gradient(W, V, constant, with_gradient):
    """Losses (n,) and gradients (n, K, D) of a batch W (n, K, D)."""
    n, K, D = W.shape
    work = workspace(K, V.shape[0], D)
    values = np.empty(n)
    G = np.empty((n, K, D)) if with_gradient else np.empty((0, K, D))
    for b in range(n):
        pairs(W[b], V, work)
        values[b] = value_from_pairs(W[b], V, work, constant)
        if with_gradient:
            gradient_from_pairs(W[b], V, work, G[b])
    return values, G


@njit(cache=True, nogil=True)
def batch_orbits(W, V, constant, counts, with_gradient):
    """Losses and rows of gradients of points whose neurons fall into orbits of equivalent ones.

    Parameters
    ----------
    W : ndarray, shape (n, K, D)
        The first R neurons are one of each orbit.
    V : ndarray, shape (M, D)
    constant : float
        sum_mn g(v_m, v_n).
    counts : ndarray, shape (R,)
        How many neurons each orbit has.
    with_gradient : bool

    Returns
    -------
    values : ndarray, shape (n,)
    rows : ndarray, shape (n, R, D)
        dL/dw of the representatives; n = 0 without gradient.
    """
    n, K, D = W.shape
    N = K + V.shape[0]
    R = counts.shape[0]
    work = workspace(K, V.shape[0], D)
    _, norm, _, _, C, P, S = work
    values = np.empty(n)
    G = np.empty((n, R, D)) if with_gradient else np.empty((0, R, D))
    for b in range(n):
        pairs(W[b], V, work, R)
        total = 0.0
        for k in range(R):
            row = _overlaps(norm, 0, K, C[k], P[k], S[k])
            row -= 2.0 * _overlaps(norm, K, N, C[k], P[k], S[k])
            total += counts[k] * norm[k] * row
        values[b] = 0.5 * (total / TWO_PI + constant)
        if with_gradient:
            gradient_from_pairs(W[b], V, work, G[b])
    return values, G


@njit(cache=True)
def psi_values(U, W, V, slopes, gradients):
    """psi(u) = sum_l g(u, w_l) - sum_m g(u, v_m) for rows of U, and its gradients.

    Parameters
    ----------
    U : ndarray, shape (n, D)
        Directions, not necessarily normalised: psi is homogeneous of degree one.
    W : ndarray, shape (K, D)
    V : ndarray, shape (M, D)
    slopes : ndarray, shape (n,)
        Overwritten with psi.
    gradients : ndarray, shape (n, D) or (0, D)
        Overwritten with d psi / d u unless empty.
    """
    K, D = W.shape
    N = K + V.shape[0]
    columns = np.empty((N, D))
    for j in range(N):
        write(columns[j], W[j] if j < K else V[j - K])
    work = workspace(1, N, D)
    _, norm, _, _, C, P, S = work
    for r in range(U.shape[0]):
        pairs(U[r : r + 1], columns, work)
        total = 0.0
        own = 0.0
        for j in range(N):
            sign = norm[j + 1] if j < K else -norm[j + 1]
            total += sign * _overlap(P[0, j + 1], S[0, j + 1], C[0, j + 1])
            own += sign * S[0, j + 1]
        slopes[r] = norm[0] * total / TWO_PI
        if gradients.shape[0] > 0 and norm[0] > 0.0:
            g = gradients[r]
            for i in range(D):
                g[i] = own / (norm[0] * TWO_PI) * U[r, i]
            for j in range(N):
                a = P[0, j + 1] / TWO_PI if j < K else -P[0, j + 1] / TWO_PI
                for i in range(D):
                    g[i] += a * columns[j, i]
