"""The zero-loss endgame of the minimiser for students with more neurons than needed, where s(t x)
is t s(x) for t > 0.

There the Hessian is singular and Newton's method only halves the error a step, because the loss
grows cubically when parallel neurons turn against each other. The parallel neurons are merged, the
smaller network is solved, and its neurons are split again in the proportions found: this is an
exact critical point of the wider network.
"""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import asked, shaped, value_gradient
from landtopo.kernels.minimise import newton
from landtopo.kernels.vectors import dot, write

__all__ = ["end_at_zero_loss", "narrower"]

_ZERO_LOSS = 1e-13
_SHORT = 1e-3


@asked
def narrower(task, K):
    """The task of a student with K neurons, all output weights 1."""


@njit(cache=True, error_model="numpy")
def _merge_parallel(x, angle, small, K, D, owner, merged):
    """Group neurons within an angle; writes group sums and returns the number of groups.

    Neurons shorter than `small` are left out: at zero loss a vanishing neuron may point anywhere.
    """
    W = x.reshape(K, D)
    groups = 0
    cosine = math.cos(angle)
    for k in range(K):
        owner[k] = -1
        nk = math.sqrt(dot(W[k], W[k]))
        if nk <= small:
            owner[k] = -2
            continue
        for q in range(groups):
            nq = math.sqrt(dot(merged[q], merged[q]))
            if dot(W[k], merged[q]) >= cosine * nk * nq:
                owner[k] = q
                break
        if owner[k] < 0:
            owner[k] = groups
            write(merged[groups], W[k])
            groups += 1
        else:
            merged[owner[k]] += W[k]
    return groups


@njit(cache=True, error_model="numpy")
def _solve_merged(x, task, tolerance, norm, small):
    """Try to end at zero loss with parallel neurons merged and those below `small` dropped.

    Returns (done, evaluations); x changes only when done.
    """
    constant, K, D = task.constant, task.K, task.D
    owner = np.empty(K, dtype=np.int64)
    merged = np.zeros((K, D))
    angle = min(0.5, 20.0 * math.sqrt(norm))
    groups = _merge_parallel(x, angle, small, K, D, owner, merged)
    if groups == K or groups == 0:
        return False, 0
    reduced = merged[:groups].copy().ravel()
    smaller = narrower(task, groups)
    # Every part of a split neuron has the gradient of the whole.
    goal = 0.5 * tolerance / math.sqrt(K)
    evaluations, products, end, negative = newton(reduced, goal, smaller, np.int64(40))
    evaluations += products
    W = x.reshape(K, D)
    Z = reduced.reshape(groups, D)
    value = value_gradient(smaller, shaped(smaller, reduced), np.empty((groups, D)))
    moved = 0.0
    for q in range(groups):
        for i in range(D):
            moved = max(moved, abs(Z[q, i] - merged[q, i]))
    if negative or end > goal or value > _ZERO_LOSS * constant or moved > 0.2:
        return False, evaluations
    shortest = np.inf
    for q in range(groups):
        shortest = min(shortest, math.sqrt(dot(Z[q], Z[q])))
    if shortest < _SHORT * math.sqrt(dot(x, x) / K):
        # A short neuron that is turned aside has hardly a gradient: this is not zero loss yet.
        return False, evaluations
    for q in range(groups):
        square = dot(Z[q], Z[q])
        if square == 0.0:
            for k in range(K):
                if owner[k] == q:
                    owner[k] = -2
            continue
        total = 0.0
        for k in range(K):
            if owner[k] == q:
                share = dot(W[k], Z[q]) / square
                if share <= 0.0:
                    return False, evaluations
                total += share
        for k in range(K):
            if owner[k] == q:
                write(W[k], dot(W[k], Z[q]) / square / total * Z[q])
    for k in range(K):
        if owner[k] == -2:
            W[k] = 0.0
    return True, evaluations


@njit(cache=True, error_model="numpy")
def end_at_zero_loss(x, task, tolerance, norm):
    """Merge parallel neurons, and drop short ones if that is needed too; (done, evaluations)."""
    done, evaluations = _solve_merged(x, task, tolerance, norm, 0.0)
    unit = math.sqrt(dot(x, x) / task.K)
    if not done:
        done, used = _solve_merged(x, task, tolerance, norm, _SHORT * unit)
        evaluations += used
    if not done and norm < 1e-5:
        done, used = _solve_merged(x, task, tolerance, norm, 50.0 * norm)
        evaluations += used
    return done, evaluations
