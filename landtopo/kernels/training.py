"""Descent in more than weights: with a trained second layer, or on constrained rows (compiled).

Both are made of a landscape of weights, with A and B, psi and the gradient G of its own:

    dL/dw_k = g_k,   dL/da_k = psi(w_k)                          (trained second layer)
    P_k g_k,         P_k = I - w_k w_k^T / |w_k|^2               (lengths)
    G - sym(G W^T) W                                             (orthonormal rows)

Constrained points lie on the constraint, and are brought back to it after each step: to the closest
rows of their lengths, or to the polar factor (W W^T)^(-1/2) W, by the iteration of Newton and
Schulz, X <- (3 I - X X^T) X / 2, which takes singular values between 0 and sqrt(3) to one (Higham
2008, chapter 8). After a step from orthonormal rows along a tangent none is below one.
"""

import math
from typing import NamedTuple

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers, constrain, flow_task, gradient, output_slopes, shaped
from landtopo.kernels.vectors import combine, dot
from landtopo.objective import Array

__all__ = ["ConstrainedNetwork", "TrainedNetwork"]

# Products of orthonormal rows are right to this, and closer than that rounding does not bring them.
_ORTHONORMAL = 1e-14
# Rows of a matrix X X^T that sum up to less have singular values of X that the iteration takes.
_SAFE = 2.5
_MOST_ROUNDS = 100


class TrainedNetwork(NamedTuple):
    """Student with a trained second layer: the data of one batch.

    Attributes
    ----------
    inner : DenseNetwork or RectifiedNetwork
        Its output weights are overwritten: no two batches share them.
    rank : int
        Points are rows (w_in, a, w_out), and a is at this place.
    """

    inner: tuple[object, ...]
    rank: int


class ConstrainedNetwork(NamedTuple):
    """Student with constrained rows: the data of a batch.

    Attributes
    ----------
    inner : ReluNetwork, DenseNetwork or RectifiedNetwork
    lengths : ndarray, shape (K,)
        Of the rows; shape (0,) where they are orthonormal.
    """

    inner: tuple[object, ...]
    lengths: Array


class TrainedTask(NamedTuple):
    """Weights, gradients by them, and psi, shapes (K, D), (K, D) and (K,)."""

    inner: tuple[object, ...]
    rank: int
    W: Array
    G: Array
    psi: Array


class ConstrainedTask(NamedTuple):
    """`products` and `moved` are to work in, shapes (K, K) and (K, D)."""

    inner: tuple[object, ...]
    lengths: Array
    products: Array
    moved: Array


_like_loops = njit(cache=True, error_model="numpy")


@answers(flow_task, TrainedNetwork)
@_like_loops
def _trained_task(data):
    shape = data.inner.K, data.inner.V.shape[1]
    return TrainedTask(
        flow_task(data.inner), data.rank, np.empty(shape), np.empty(shape), np.empty(data.inner.K)
    )


@answers(shaped, TrainedTask)
@_like_loops
def _trained_shape(task, x):
    return x.reshape(task.W.shape[0], task.W.shape[1] + 1)


@answers(gradient, TrainedTask)
@_like_loops
def _trained_gradient(task, Y, G):
    inner, rank, W = task.inner, task.rank, task.W
    for k in range(W.shape[0]):
        inner.a[k] = Y[k, rank]
        inner.weights[k] = Y[k, rank]
        for i in range(W.shape[1]):
            W[k, i] = Y[k, i if i < rank else i + 1]
    gradient(inner, W, task.G)
    output_slopes(inner, W, task.psi)
    for k in range(W.shape[0]):
        G[k, rank] = task.psi[k]
        for i in range(W.shape[1]):
            G[k, i if i < rank else i + 1] = task.G[k, i]


@answers(constrain, TrainedTask)
@_like_loops
def _unconstrained(task, X):
    pass


@answers(flow_task, ConstrainedNetwork)
@_like_loops
def _constrained_task(data):
    K, D = data.inner.K, data.inner.V.shape[1]
    return ConstrainedTask(flow_task(data.inner), data.lengths, np.empty((K, K)), np.empty((K, D)))


@answers(shaped, ConstrainedTask)
@_like_loops
def _constrained_shape(task, x):
    return x.reshape(task.moved.shape)


@answers(gradient, ConstrainedTask)
@_like_loops
def _projected(task, X, G):
    gradient(task.inner, X, G)
    K, D = X.shape
    if len(task.lengths) > 0:
        for k in range(K):
            along = dot(G[k], X[k]) / dot(X[k], X[k])
            for i in range(D):
                G[k, i] -= along * X[k, i]
        return
    R = task.products
    for k in range(K):
        for j in range(k + 1):
            R[k, j] = -0.5 * (dot(G[k], X[j]) + dot(G[j], X[k]))
            R[j, k] = R[k, j]
    combine(R, X, G)


@answers(constrain, ConstrainedTask)
@_like_loops
def _placed(task, X):
    K, D = X.shape
    if len(task.lengths) > 0:
        for k in range(K):
            scale = task.lengths[k] / math.sqrt(dot(X[k], X[k]))
            for i in range(D):
                X[k, i] *= scale
        return
    R, moved = task.products, task.moved
    for _ in range(_MOST_ROUNDS):
        most, apart = _products(X, R)
        if most > _SAFE:
            shrink = 1.0 / math.sqrt(most)
            for k in range(K):
                for i in range(D):
                    X[k, i] *= shrink
            continue
        if not apart > _ORTHONORMAL:
            break
        for k in range(K):
            for i in range(D):
                moved[k, i] = 1.5 * X[k, i]
            for j in range(K):
                R[k, j] *= -0.5
        combine(R, X, moved)
        for k in range(K):
            for i in range(D):
                X[k, i] = moved[k, i]


@_like_loops
def _products(X, R):
    """Write X X^T; its largest sum of a row, and its largest distance from the unit matrix."""
    K = X.shape[0]
    most, apart = 0.0, 0.0
    for k in range(K):
        for j in range(k + 1):
            R[k, j] = dot(X[k], X[j])
            R[j, k] = R[k, j]
            apart = max(apart, abs(R[k, j] - (1.0 if j == k else 0.0)))
    for k in range(K):
        total = 0.0
        for j in range(K):
            total += abs(R[k, j])
        most = max(most, total)
    return most, apart
