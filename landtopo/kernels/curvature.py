"""Second derivatives of the population loss of ReLU networks, compiled.

Letters and pair tables are those of `landtopo.kernels.relu`. The Hessian's blocks are sums of H_uu
and H_uv over pairs; A, the matrix of the gradient, is the block for every direction outside the
span of the D coordinates. At t = 0 a pair has H_uu = 0 and H_uv = I/2; at t = pi both are 0.
"""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.relu import TWO_PI, pairs, workspace
from landtopo.kernels.vectors import combine, dot

__all__ = [
    "batch_hessian",
    "batch_hvp",
    "batch_normal_block",
    "hessian",
    "hessian_rows",
    "hvp_from_pairs",
    "normal_block",
]


@njit(cache=True)
def normal_block(W, V, work, A):
    """Write the normal block A, shape (K, K), for a point whose pair tables are filled.

    Rows and columns of zero neurons, which have no angles, are zero.
    """
    _, norm, _, own, _, P, _ = work
    K = W.shape[0]
    for k in range(K):
        for j in range(K):
            A[k, j] = P[k, j] / TWO_PI if norm[j] > 0.0 and norm[k] > 0.0 else 0.0
        if norm[k] > 0.0:
            A[k, k] = 0.5 + own[k] / norm[k]


@njit(cache=True)
def hessian(W, V, work, H, scratch):
    """Write the Hessian into H, shape (K, D, K, D), for a point whose pair tables are filled.

    With fewer rows, H of shape (R, D, K, D), only those of the first R students are written.

    Parameters
    ----------
    W : ndarray, shape (K, D)
        Blocks of a zero row, where the loss is not differentiable, are set to zero.
    V : ndarray, shape (M, D)
    work : tuple
        From `workspace`, filled by `pairs`.
    H : ndarray, shape (K, D, K, D)
        Overwritten.
    scratch : ndarray, shape (N, D)
        Overwritten.
    """
    unit, norm, signed, total, C, P, S = work
    K, D = W.shape
    N = K + V.shape[0]
    u = np.empty(D)
    a = np.empty(D)
    b = np.empty(D)
    for j in range(N):
        for i in range(D):
            scratch[j, i] = unit[i, j]
    for k in range(H.shape[0]):
        if norm[k] == 0.0:
            H[k] = 0.0
            H[:, :, k] = 0.0
            continue
        for i in range(D):
            u[i] = scratch[k, i]
        own = total[k] / norm[k]
        for i in range(D):
            x = -own * u[i]
            row = H[k, i, k]
            for h in range(D):
                row[h] = x * u[h]
            row[i] += 0.5 + own
        for j in range(N):
            s = S[k, j]
            if j == k or norm[j] == 0.0:
                if j != k and j < K:
                    H[k, :, j] = 0.0
                continue
            c = C[k, j]
            x = scratch[j]
            # a = sin t n_u; a second projection removes what rounding leaves along u^.
            dot = 0.0
            for i in range(D):
                a[i] = x[i] - c * u[i]
                dot += a[i] * u[i]
            length = 0.0
            for i in range(D):
                a[i] -= dot * u[i]
                length += a[i] * a[i]
            length = math.sqrt(length)
            inverse = 1.0 / length if length > 0.0 else 0.0
            for i in range(D):
                a[i] *= inverse
            weight = signed[j] * s / (TWO_PI * norm[k])
            for i in range(D):
                y = weight * a[i]
                row = H[k, i, k]
                for h in range(D):
                    row[h] += y * a[h]
            if k < j < K:
                # n_v in the plane of the pair: sin t u^ - cos t n_u turned to v^'s side.
                for i in range(D):
                    b[i] = (S[k, j] * u[i] - c * a[i]) / TWO_PI
                p = P[k, j] / TWO_PI
                t = s / TWO_PI
                for i in range(D):
                    y = t * u[i]
                    z = s * a[i]
                    row = H[k, i, j]
                    for h in range(D):
                        row[h] = y * x[h] + z * b[h]
                    row[i] += p
                if j >= H.shape[0]:
                    continue
                for h in range(D):
                    row = H[j, h, k]
                    for i in range(D):
                        row[i] = H[k, i, j, h]


@njit(cache=True)
def hvp_from_pairs(W, V, work, X, Y):
    """Write the Hessian times X, shape (K, D), into Y for a point whose pair tables are filled.

    Costs about as much as one gradient: products with n_u and n_v are sums over unit vectors, with
    S n_u (n_u.x) = (x_j^ - C u^) (x_j^.x - C u^.x) / S, and S n_v.x_v = u^.x_v - C v^.x_v.
    """
    unit, norm, signed, own, C, P, S = work
    K, D = W.shape
    N = K + V.shape[0]
    columns = unit.shape[1]
    beta = np.zeros((K, columns))
    along = np.empty(K)
    flip = np.empty((K, K))
    coefficient = np.zeros(columns)
    mix = np.zeros((K, K))
    combine(X, unit, beta)
    for k in range(K):
        along[k] = beta[k, k]
    for k in range(K):
        for j in range(K):
            flip[k, j] = beta[j, k]
    for k in range(K):
        y = Y[k]
        y[:] = 0.0
        if norm[k] == 0.0:
            continue
        c = C[k]
        s = S[k]
        row = beta[k]
        back = flip[k]
        scale = 1.0 / (TWO_PI * norm[k])
        a = along[k]
        for j in range(columns):
            e = signed[j] * scale * (row[j] - c[j] * a)
            coefficient[j] = e / s[j] if s[j] > 0.0 else 0.0
        for j in range(K):
            f = (back[j] - c[j] * along[j]) / TWO_PI
            coefficient[j] += f / s[j] if s[j] > 0.0 and norm[j] > 0.0 else 0.0
            mix[k, j] = P[k, j] / TWO_PI if norm[j] > 0.0 else 0.0
        coefficient[k] = 0.0
        coefficient[k] = (
            dot(s[:K], along) / TWO_PI - own[k] / norm[k] * a - dot(coefficient[:N], c[:N])
        )
        mix[k, k] = 0.5 + own[k] / norm[k]
        for i in range(D):
            y[i] = dot(coefficient, unit[i])
    combine(mix, X, Y)


@njit(cache=True, nogil=True)
def batch_hessian(W, V):
    """Hessians (n, K, D, K, D) of a batch W (n, K, D) without zero neurons."""
    n, K, D = W.shape
    work = workspace(K, V.shape[0], D)
    scratch = np.empty((K + V.shape[0], D))
    H = np.empty((n, K, D, K, D))
    for b in range(n):
        pairs(W[b], V, work)
        hessian(W[b], V, work, H[b], scratch)
    return H


@njit(cache=True, nogil=True)
def hessian_rows(W, V, rows):
    """Rows (n, R, D, K, D) of Hessians, of the first R students, at a batch W (n, K, D) without
    zero neurons.
    """
    n, K, D = W.shape
    work = workspace(K, V.shape[0], D)
    scratch = np.empty((K + V.shape[0], D))
    H = np.empty((n, rows, D, K, D))
    for b in range(n):
        pairs(W[b], V, work, rows)
        hessian(W[b], V, work, H[b], scratch)
    return H


@njit(cache=True, nogil=True)
def batch_hvp(W, V, X):
    """Hessian-vector products (n, K, D) of batches W and X, both (n, K, D)."""
    n, K, D = W.shape
    work = workspace(K, V.shape[0], D)
    Y = np.empty((n, K, D))
    for b in range(n):
        pairs(W[b], V, work)
        hvp_from_pairs(W[b], V, work, X[b], Y[b])
    return Y


@njit(cache=True, nogil=True)
def batch_normal_block(W, V):
    """Normal blocks (n, K, K) of a batch W (n, K, D)."""
    n, K, D = W.shape
    work = workspace(K, V.shape[0], D)
    A = np.empty((n, K, K))
    for b in range(n):
        pairs(W[b], V, work)
        normal_block(W[b], V, work, A[b])
    return A
