"""Networks of any activation: the loss and its derivatives by the pair integral, compiled.

Letters of this module: students w_k with output weights a_k, teachers v_m with b_m; all of them
together are the "columns" j < N = K + M of tables with K rows, students first, with weights
c_j = a_j or -b_m, so that f - f* = sum_j c_j s(x_j.x). With the derivatives of G(p, q, c) that
`landtopo.kernels.formula` asks of the activation, at the pair (k, j),

    L    = 1/2 sum_k a_k [ a_k phi(p_k) + sum_l c_l G_kl - 2 sum_m b_m G_km ] + 1/2 E[f*^2]
    dL/dW = A W + B V,   A_kl = a_k a_l G_c(kl),   B_km = -a_k b_m G_c(km),
    A_kk  = a_k^2 phi'(p_k) + 2 a_k sum_{j != k} c_j G_p(kj),
    H_uu  = 2 G_p I + 4 G_pp u u^T + 2 G_pc (u v^T + v u^T) + G_cc v v^T,
    H_uv  = G_c I + G_cc (u v^T + v u^T) + 2 G_pc u u^T + 2 G_qc v v^T.

A is the Hessian's block for every direction outside the span of the coordinates.
"""

import math

import numpy as np

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
from landtopo.kernels.formula_calls import FIRST, SECOND, SIZE, TABLES, formula_pairs
from landtopo.kernels.tasks import DenseNetwork, DenseTask
from landtopo.kernels.vectors import aligned, combine, dot, padded, write

# Beyond this squared cosine, the squared sine comes from half-angle norms.
_NEAR = 0.9

_like_loops = njit(cache=True, error_model="numpy")


@answers(newton_task, DenseNetwork)
@_like_loops
def _newton_task(data):
    K, (M, D) = data.K, data.V.shape
    columns = padded(K + M)
    nothing = np.zeros((0, 0))
    squares, products = aligned(columns), aligned(K * columns).reshape(K, columns)
    firsts = aligned(3 * K * columns).reshape(3, K, columns)
    size = formula_pairs(
        data.formula, SIZE, 0, 0, squares, products, products, nothing, firsts, nothing
    )
    task = DenseTask(
        data.V,
        data.constant,
        data.a,
        data.b,
        data.formula,
        K,
        D,
        aligned(D * columns).reshape(D, columns),
        squares,
        aligned(columns),
        np.zeros((columns, size)),
        products,
        aligned(K * columns).reshape(K, columns),
        firsts,
        aligned(4 * K * columns).reshape(4, K, columns),
        np.zeros((K, K)),
        np.zeros((K, M)),
        np.zeros((K, 3)),
        np.zeros(1, dtype=np.bool_),
    )
    for j in range(K):
        task.weights[j] = data.a[j]
    for m in range(M):
        task.weights[K + m] = -data.b[m]
        squares[K + m] = dot(data.V[m], data.V[m])
        for i in range(D):
            task.rows[i, K + m] = data.V[m, i]
    # Padding stands for zero neurons with no weight.
    _ask(task, TABLES, K, columns, firsts)
    return task


@_like_loops
def _ask(task, wanted, start, stop, out):
    formula_pairs(
        task.formula,
        wanted,
        start,
        stop,
        task.squares,
        task.products,
        task.wedges,
        task.tables,
        out,
        task.own,
    )


answers(flow_task, DenseNetwork)(_newton_task)


@answers(shaped, DenseTask)
@_like_loops
def _shaped(task, x):
    return x.reshape(task.K, task.D)


@_like_loops
def _overlaps(task, X):
    """Products and squared areas of all pairs, squared lengths and tables of students."""
    K, D = X.shape
    rows, squares, C, S = task.rows, task.squares, task.products, task.wedges
    for k in range(K):
        u = X[k]
        squares[k] = dot(u, u)
        for i in range(D):
            rows[i, k] = u[i]
    _ask(task, TABLES, 0, K, task.firsts)
    C[:] = 0.0
    combine(X, rows, C)
    for k in range(K):
        near = _areas(squares[k], squares, C[k], S[k])
        C[k, k] = squares[k]
        if near > 1:
            _near_areas(k, K + task.V.shape[0], rows, squares, C[k], S[k])
        S[k, k] = 0.0


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _areas(square, squares, products, wedges):
    near = 0
    for j in range(squares.shape[0]):
        whole = square * squares[j]
        overlap = products[j] * products[j]
        rest = whole - overlap
        wedges[j] = rest if rest > 0.0 else 0.0
        near += 1 if overlap > _NEAR * whole else 0
    return near


@_like_loops
def _near_areas(k, count, rows, squares, products, wedges):
    """The squared areas of nearly parallel pairs, from half-angle norms."""
    for j in range(count):
        whole = squares[k] * squares[j]
        if j != k and products[j] * products[j] > _NEAR * whole:
            a, b = 1.0 / math.sqrt(squares[k]), 1.0 / math.sqrt(squares[j])
            minus, plus = 0.0, 0.0
            for i in range(rows.shape[0]):
                x, y = a * rows[i, k], b * rows[i, j]
                minus += (x - y) * (x - y)
                plus += (x + y) * (x + y)
            wedges[j] = 0.25 * minus * plus * whole


@_like_loops
def _first_order(task, X):
    """Tables of first derivatives, A, B, and own terms of a point."""
    _overlaps(task, X)
    a, b, weights, T = task.a, task.b, task.weights, task.firsts
    K, M = task.K, task.V.shape[0]
    _ask(task, FIRST, 0, K, T)
    for k in range(K):
        for j in range(K):
            task.A[k, j] = a[k] * a[j] * T[2, k, j]
        for m in range(M):
            task.B[k, m] = -a[k] * b[m] * T[2, k, K + m]
        task.A[k, k] = a[k] * a[k] * task.own[k, 1] + 2.0 * a[k] * dot(weights, T[1, k])
    task.whole[0] = False


@answers(value_gradient, DenseTask)
@_like_loops
def _value_gradient(task, X, G):
    _first_order(task, X)
    K = task.K
    total = 0.0
    for k in range(K):
        row = task.firsts[0, k]
        students = dot(task.weights[:K], row[:K]) + task.a[k] * task.own[k, 0]
        total += task.a[k] * (0.5 * students + dot(task.weights[K:], row[K:]))
    G[:] = 0.0
    combine(task.A, X, G)
    combine(task.B, task.V, G)
    return total + 0.5 * task.constant


@answers(gradient, DenseTask)
@_like_loops
def _gradient(task, X, G):
    _first_order(task, X)
    G[:] = 0.0
    combine(task.A, X, G)
    combine(task.B, task.V, G)


@answers(tabulate, DenseTask)
@_like_loops
def _tabulate(task, X):
    _first_order(task, X)
    _second_order(task)


@_like_loops
def _second_order(task):
    T = task.seconds
    _ask(task, SECOND, 0, task.K, T)
    for k in range(task.K):
        for i in range(4):
            for j in range(T.shape[2]):
                T[i, k, j] *= task.a[k] * task.weights[j]
    task.whole[0] = True


@answers(constrain, DenseTask)
@_like_loops
def _anywhere(task, X):
    pass


@answers(output_slopes, DenseTask)
@_like_loops
def _output_slopes(task, X, PSI):
    for k in range(task.K):
        PSI[k] = dot(task.weights, task.firsts[0, k]) + task.a[k] * task.own[k, 0]


@answers(product, DenseTask)
@_like_loops
def _product(task, X, P, OUT):
    # Second derivatives are not wanted at every point at which values are.
    if not task.whole[0]:
        _second_order(task)
    V, T, A = task.V, task.seconds, task.A
    K, D = X.shape
    N = K + V.shape[0]
    for k in range(K):
        u, x, y = X[k], P[k], OUT[k]
        ux = dot(u, x)
        along = 2.0 * task.a[k] * task.a[k] * task.own[k, 2] * ux
        for i in range(D):
            y[i] = A[k, k] * x[i]
        for j in range(N):
            if j == k:
                continue
            v = X[j] if j < K else V[j - K]
            g_pp, g_pc, g_qc, g_cc = T[0, k, j], T[1, k, j], T[2, k, j], T[3, k, j]
            vx = dot(v, x)
            along += 4.0 * g_pp * ux + 2.0 * g_pc * vx
            aside = 2.0 * g_pc * ux + g_cc * vx
            if j < K:
                z = P[j]
                uz, vz = dot(u, z), dot(v, z)
                along += g_cc * vz + 2.0 * g_pc * uz
                aside += 2.0 * g_qc * vz + g_cc * uz
                mixed = A[k, j]
                for i in range(D):
                    y[i] += mixed * z[i]
            for i in range(D):
                y[i] += aside * v[i]
        for i in range(D):
            y[i] += along * u[i]


@answers(hessian, DenseTask)
@_like_loops
def _hessian(task, X, H):
    V, T, A = task.V, task.seconds, task.A
    K, D = X.shape
    N = K + V.shape[0]
    for k in range(K):
        u = X[k]
        bend = 2.0 * task.a[k] * task.a[k] * task.own[k, 2]
        for i in range(D):
            for h in range(D):
                H[k, i, k, h] = bend * u[i] * u[h]
            H[k, i, k, i] += A[k, k]
        for j in range(N):
            if j == k:
                continue
            v = X[j] if j < K else V[j - K]
            g_pp, g_pc, g_qc, g_cc = T[0, k, j], T[1, k, j], T[2, k, j], T[3, k, j]
            for i in range(D):
                left = 4.0 * g_pp * u[i] + 2.0 * g_pc * v[i]
                right = 2.0 * g_pc * u[i] + g_cc * v[i]
                for h in range(D):
                    H[k, i, k, h] += left * u[h] + right * v[h]
            if k < j < K:
                for i in range(D):
                    left = 2.0 * g_pc * u[i] + g_cc * v[i]
                    right = g_cc * u[i] + 2.0 * g_qc * v[i]
                    for h in range(D):
                        H[k, i, j, h] = left * u[h] + right * v[h]
                    H[k, i, j, i] += A[k, j]
                for i in range(D):
                    for h in range(D):
                        H[j, h, k, i] = H[k, i, j, h]


@answers(normal_block, DenseTask)
@_like_loops
def _normal_block(task, X, A):
    write(A.ravel(), task.A.ravel())


@answers(slopes, DenseTask)
@_like_loops
def _slopes(task, U, X, VALUES, GRADIENTS):
    # One more student, whose pairs with all neurons are a row of tables, replaces each in turn.
    K, M, D = task.K, task.V.shape[0], task.D
    vectors = np.empty((K + M, D))
    weights = np.empty(K + M)
    for j in range(K + M):
        weights[j] = -task.a[j] if j < K else task.b[j - K]
        write(vectors[j], X[j] if j < K else task.V[j - K])
    network = DenseNetwork(vectors, 0.0, np.ones(1), weights, task.formula, 1)
    one = newton_task(network)
    for r in range(U.shape[0]):
        _first_order(one, U[r : r + 1])
        VALUES[r] = dot(one.weights[1:], one.firsts[0, 0, 1:])
        if GRADIENTS.shape[0] > 0:
            along = 2.0 * dot(one.weights, one.firsts[1, 0])
            for i in range(D):
                GRADIENTS[r, i] = along * U[r, i]
            for j in range(K + M):
                for i in range(D):
                    GRADIENTS[r, i] += one.B[0, j] * vectors[j, i]


@answers(rounding, DenseTask)
@_like_loops
def _rounding(task):
    return 1e-15 * task.constant


@answers(length_scale, DenseTask)
@_like_loops
def _length_scale(task):
    return math.sqrt(dot(task.V.ravel(), task.V.ravel()))


@answers(finish, DenseTask)
@_like_loops
def _finish(task, x, value, norm, tolerance):
    return False, 0


@answers(undecided, DenseTask)
@_like_loops
def _undecided(task, value):
    return False


@answers(tidy, DenseTask)
@_like_loops
def _tidy(task, x, g, smallest):
    return False
