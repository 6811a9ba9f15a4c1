"""ReLU with output weights, and leaky ReLU: the kernels of ReLU and a quadratic form, compiled.

s(x) = x for x > 0 and al x below is (1 - al) relu(x) + al x, and the mixed terms add up to

    L_leaky(W) = (1 - al)^2 L_relu(W) + (al / 2) |m|^2,   m = sum_k a_k w_k - sum_m b_m v_m.

Letters and pair tables are those of `landtopo.kernels.relu`, with s_j = a_j for students and -b_m
for teachers instead of signs, and be = (1 - al)^2:

    A_kl = a_k a_l (be P / 2pi + al),   B_km = -a_k b_m (be P / 2pi + al),
    A_kk = be (a_k^2 / 2 + a_k own_k / |w_k|) + al a_k^2,   own_k = sum_j s_j |x_j| S_kj / 2pi.
"""

import math

import numpy as np

from landtopo.kernels import relu
from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import (
    answers,
    constrain,
    finish,
    flow_task,
    gradient,
    hessian,
    length_scale,
    newton_task,
    normal_block,
    output_slopes,
    product,
    rounding,
    shaped,
    slopes,
    tabulate,
    tidy,
    undecided,
    value_gradient,
)
from landtopo.kernels.curvature import hessian as relu_hessian
from landtopo.kernels.relu import TWO_PI
from landtopo.kernels.tasks import RectifiedNetwork, RectifiedTask
from landtopo.kernels.vectors import aligned, combine, dot, write
from landtopo.kernels.zero_loss import end_at_zero_loss, narrower

# Below this share of the loss without a student, zero loss may be near.
_LOW = 1e-2

_like_loops = njit(cache=True, error_model="numpy")


@answers(newton_task, RectifiedNetwork)
@_like_loops
def _newton_task(data):
    M, D = data.V.shape
    K = data.K
    weights = aligned(K + M)
    for k in range(K):
        weights[k] = data.a[k]
    for m in range(M):
        weights[K + m] = -data.b[m]
    return RectifiedTask(
        data.V,
        data.constant,
        data.a,
        data.b,
        data.slope,
        relu.workspace(K, M, D),
        weights,
        np.zeros((K, K)),
        np.zeros((K, M)),
        K,
        D,
    )


answers(flow_task, RectifiedNetwork)(_newton_task)


@answers(shaped, RectifiedTask)
@_like_loops
def _shaped(task, x):
    return x.reshape(task.K, task.D)


@answers(tabulate, RectifiedTask)
@_like_loops
def _tabulate(task, X):
    """Pair tables, A and B."""
    relu.pairs(X, task.V, task.work)
    _, norm, signed, own, _, P, S = task.work
    a, b, A, B = task.a, task.b, task.A, task.B
    K, M = task.K, task.V.shape[0]
    scale = (1.0 - task.slope) * (1.0 - task.slope)
    for j in range(K + M):
        signed[j] = task.weights[j] * norm[j]
    for k in range(K):
        live = norm[k] > 0.0
        own[k] = dot(signed, S[k]) / TWO_PI
        for j in range(K):
            both = live and norm[j] > 0.0
            A[k, j] = a[k] * a[j] * (scale * P[k, j] / TWO_PI + task.slope) if both else 0.0
        for m in range(M):
            B[k, m] = -a[k] * b[m] * (scale * P[k, K + m] / TWO_PI + task.slope) if live else 0.0
        if live:
            A[k, k] = (
                scale * (0.5 * a[k] * a[k] + a[k] * own[k] / norm[k]) + task.slope * a[k] * a[k]
            )


@_like_loops
def _imbalance(task, X, m):
    """Write sum_k a_k w_k - sum_m b_m v_m."""
    m[:] = 0.0
    for k in range(task.K):
        for i in range(task.D):
            m[i] += task.a[k] * X[k, i]
    for j in range(task.V.shape[0]):
        for i in range(task.D):
            m[i] -= task.b[j] * task.V[j, i]


@answers(value_gradient, RectifiedTask)
@_like_loops
def _value_gradient(task, X, G):
    gradient(task, X, G)
    _, _, signed, _, C, P, S = task.work
    K = task.K
    N = K + task.V.shape[0]
    total = 0.0
    for k in range(K):
        students, teachers = 0.0, 0.0
        for j in range(K):
            students += signed[j] * (S[k, j] + P[k, j] * C[k, j])
        for j in range(K, N):
            teachers += signed[j] * (S[k, j] + P[k, j] * C[k, j])
        total += signed[k] * (0.5 * students + teachers)
    m = np.empty(task.D)
    _imbalance(task, X, m)
    scale = (1.0 - task.slope) * (1.0 - task.slope)
    plain = total / TWO_PI + 0.5 * task.constant
    return scale * plain + 0.5 * task.slope * dot(m, m)


@answers(gradient, RectifiedTask)
@_like_loops
def _gradient(task, X, G):
    tabulate(task, X)
    G[:] = 0.0
    combine(task.A, X, G)
    combine(task.B, task.V, G)


@answers(constrain, RectifiedTask)
@_like_loops
def _anywhere(task, X):
    pass


@answers(output_slopes, RectifiedTask)
@_like_loops
def _output_slopes(task, X, PSI):
    _, norm, signed, _, C, P, S = task.work
    m = np.empty(task.D)
    _imbalance(task, X, m)
    scale = (1.0 - task.slope) * (1.0 - task.slope) / TWO_PI
    for k in range(task.K):
        total = 0.0
        for j in range(task.K + task.V.shape[0]):
            total += signed[j] * (S[k, j] + P[k, j] * C[k, j])
        PSI[k] = scale * norm[k] * total + task.slope * dot(X[k], m)


@answers(product, RectifiedTask)
@_like_loops
def _product(task, X, P, OUT):
    unit, norm, signed, own, C, _, S = task.work
    a = task.a
    K, D = X.shape
    N = K + task.V.shape[0]
    columns = unit.shape[1]
    scale = (1.0 - task.slope) * (1.0 - task.slope) / TWO_PI
    beta = np.zeros((K, columns))
    combine(P, unit, beta)
    coefficient = np.zeros(columns)
    OUT[:] = 0.0
    for k in range(K):
        if norm[k] == 0.0:
            continue
        c, s = C[k], S[k]
        x = beta[k, k]
        back = 0.0
        for j in range(N):
            e = a[k] * signed[j] / norm[k] * (beta[k, j] - c[j] * x)
            if j < K and norm[j] > 0.0:
                e += a[k] * a[j] * (beta[j, k] - c[j] * beta[j, j])
                back += a[k] * a[j] * s[j] * beta[j, j]
            coefficient[j] = scale * e / s[j] if s[j] > 0.0 else 0.0
        coefficient[k] = 0.0
        coefficient[k] = (
            scale * back
            - scale * TWO_PI * a[k] * own[k] / norm[k] * x
            - dot(coefficient[:N], c[:N])
        )
        for i in range(D):
            OUT[k, i] = dot(coefficient, unit[i])
    combine(task.A, P, OUT)


@answers(hessian, RectifiedTask)
@_like_loops
def _hessian(task, X, H):
    a, slope = task.a, task.slope
    K, D = X.shape
    scale = (1.0 - slope) * (1.0 - slope)
    relu_hessian(X, task.V, task.work, H, np.empty((K + task.V.shape[0], D)))
    for k in range(K):
        for j in range(K):
            both = a[k] * a[j]
            for i in range(D):
                for h in range(D):
                    here = H[k, i, j, h]
                    if k == j:
                        half = 0.5 if i == h else 0.0
                        H[k, i, j, h] = scale * (both * half + a[k] * (here - half))
                    else:
                        H[k, i, j, h] = scale * both * here
                H[k, i, j, i] += slope * both


@answers(normal_block, RectifiedTask)
@_like_loops
def _normal_block(task, X, A):
    write(A.ravel(), task.A.ravel())


@answers(slopes, RectifiedTask)
@_like_loops
def _slopes(task, U, X, VALUES, GRADIENTS):
    # Neurons of positive weight are students to the kernel of ReLU, the others teachers.
    K, D = task.K, task.D
    N = K + task.V.shape[0]
    positive = 0
    for j in range(N):
        positive += 1 if task.weights[j] > 0.0 else 0
    above, below = np.empty((positive, D)), np.empty((N - positive, D))
    up, down = 0, 0
    for j in range(N):
        v = X[j] if j < K else task.V[j - K]
        if task.weights[j] > 0.0:
            above[up] = task.weights[j] * v
            up += 1
        else:
            below[down] = -task.weights[j] * v
            down += 1
    relu.psi_values(U, above, below, VALUES, GRADIENTS)
    m = np.empty(D)
    _imbalance(task, X, m)
    scale = (1.0 - task.slope) * (1.0 - task.slope)
    for r in range(U.shape[0]):
        VALUES[r] = scale * VALUES[r] + task.slope * dot(U[r], m)
        if GRADIENTS.shape[0] > 0:
            for i in range(D):
                GRADIENTS[r, i] = scale * GRADIENTS[r, i] + task.slope * m[i]


@answers(rounding, RectifiedTask)
@_like_loops
def _rounding(task):
    return 1e-15 * task.constant


@answers(length_scale, RectifiedTask)
@_like_loops
def _length_scale(task):
    return math.sqrt(dot(task.V.ravel(), task.V.ravel()))


@answers(narrower, RectifiedTask)
@_like_loops
def _narrower(task, K):
    return newton_task(RectifiedNetwork(task.V, task.constant, np.ones(K), task.b, task.slope, K))


@answers(finish, RectifiedTask)
@_like_loops
def _finish(task, x, value, norm, tolerance):
    if task.K == 1 or value >= _LOW * task.constant or np.any(task.a != 1.0):
        return False, 0
    return end_at_zero_loss(x, task, tolerance, norm)


@answers(undecided, RectifiedTask)
@_like_loops
def _undecided(task, value):
    return task.V.shape[0] < task.K and value < _LOW * task.constant


@answers(tidy, RectifiedTask)
@_like_loops
def _tidy(task, x, g, smallest):
    removed = False
    for k in range(task.K):
        size, slope = 0.0, 0.0
        for i in range(k * task.D, (k + 1) * task.D):
            size += x[i] * x[i]
            slope += x[i] * g[i]
        if 0.0 < size < smallest * smallest and slope > 0.0:
            removed = True
            for i in range(k * task.D, (k + 1) * task.D):
                x[i] = 0.0
    return removed
