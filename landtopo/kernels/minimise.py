"""The compiled minimiser: limited-memory BFGS far away, truncated Newton near.

Far from a minimum, L-BFGS steps are accepted on sufficient decrease of the loss. From `SWITCH` on,
steps come from conjugate gradients on the exact Hessian and are accepted on the norm of the
gradient alone: below |grad| ~ 1e-8 the loss is flat to machine precision and says nothing.

At a zero-loss point with more students than needed the Hessian is singular and Newton's method
only halves the error a step, because the loss grows cubically when parallel neurons turn against
each other. There the parallel neurons are merged, the smaller network is solved, and its neurons
are split again in the proportions found: this is an exact critical point of the wider network.
"""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.curvature import hvp_from_pairs
from landtopo.kernels.relu import (
    dot,
    pairs,
    value_from_pairs,
    value_gradient,
    workspace,
)

__all__ = [
    "CONVERGED",
    "STALLED",
    "TOO_LONG",
    "minimise_batch",
    "polish_batch",
    "settle_batch",
]

CONVERGED = 0
TOO_LONG = 1
STALLED = 2

_MEMORY = 6
_SWITCH = 1e-2
_ARMIJO = 1e-4
_ZERO_LOSS = 1e-13
_SHORT = 1e-3
_SETTLING = 1e-4


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _add(scale, direction, x):
    """Add scale * direction to x in place."""
    for i in range(x.shape[0]):
        x[i] += scale * direction[i]


@njit(cache=True, error_model="numpy")
def _quasi_newton(x, V, constant, target, limit, work, K, D):
    """L-BFGS until |grad| <= target; returns (evaluations, value, |grad|)."""
    n = x.size
    S = np.empty((_MEMORY, n))
    Y = np.empty((_MEMORY, n))
    rho = np.empty(_MEMORY)
    alpha = np.empty(_MEMORY)
    g = np.empty(n)
    trial = np.empty(n)
    g_trial = np.empty(n)
    d = np.empty(n)
    value = value_gradient(x.reshape(K, D), V, constant, work, g.reshape(K, D))
    evaluations = 1
    stored = 0
    newest = -1
    norm = math.sqrt(dot(g, g))
    while norm > target and evaluations < limit:
        d[:] = g
        for q in range(stored):
            j = (newest - q) % _MEMORY
            alpha[j] = rho[j] * dot(S[j], d)
            _add(-alpha[j], Y[j], d)
        if stored > 0:
            d *= 1.0 / (rho[newest] * dot(Y[newest], Y[newest]))
        else:
            d *= min(1.0, 0.5 / norm)
        for q in range(stored - 1, -1, -1):
            j = (newest - q) % _MEMORY
            beta = rho[j] * dot(Y[j], d)
            _add(alpha[j] - beta, S[j], d)
        slope = -dot(g, d)
        if slope >= 0.0:
            d[:] = g
            slope = -norm * norm
            stored = 0
        length = math.sqrt(dot(d, d))
        bound = 0.5 * math.sqrt(dot(x, x)) + 0.1
        step = 1.0 if length <= bound else bound / length
        accepted = False
        for _ in range(12):
            for i in range(n):
                trial[i] = x[i] - step * d[i]
            f = value_gradient(trial.reshape(K, D), V, constant, work, g_trial.reshape(K, D))
            evaluations += 1
            if f <= value + _ARMIJO * step * slope + 1e-15 * constant:
                accepted = True
                break
            curvature = 2.0 * (f - value - step * slope)
            best = -slope * step * step / curvature if curvature > 0.0 else 0.5 * step
            step = min(0.5 * step, max(0.1 * step, best))
        if not accepted:
            if stored == 0:
                break
            stored = 0
            continue
        newest = (newest + 1) % _MEMORY
        sy = 0.0
        yy = 0.0
        ss = 0.0
        for i in range(n):
            s = trial[i] - x[i]
            y = g_trial[i] - g[i]
            S[newest, i] = s
            Y[newest, i] = y
            sy += s * y
            yy += y * y
            ss += s * s
            x[i] = trial[i]
            g[i] = g_trial[i]
        if sy > 1e-10 * math.sqrt(ss * yy):
            rho[newest] = 1.0 / sy
            stored = min(stored + 1, _MEMORY)
        else:
            newest = (newest - 1) % _MEMORY
        value = f
        norm = math.sqrt(dot(g, g))
    return evaluations, value, norm


@njit(cache=True, error_model="numpy")
def _newton_step(x, V, work, g, tolerance, limit, K, D, s):
    """Conjugate gradients for H s = -g; returns (products, met negative curvature)."""
    n = x.size
    r = -g
    p = r.copy()
    h = np.empty(n)
    s[:] = 0.0
    rr = dot(r, r)
    goal = tolerance * tolerance * rr
    products = 0
    while products < limit and rr > goal:
        hvp_from_pairs(x.reshape(K, D), V, work, p.reshape(K, D), h.reshape(K, D))
        products += 1
        curvature = dot(p, h)
        if curvature <= 1e-12 * dot(p, p):
            if curvature < -1e-9 * dot(p, p):
                s[:] = p
                return products, True
            break
        a = rr / curvature
        _add(a, p, s)
        _add(-a, h, r)
        new = dot(r, r)
        ratio = new / rr
        for i in range(n):
            p[i] = ratio * p[i] + r[i]
        rr = new
    return products, False


@njit(cache=True, error_model="numpy")
def _newton(x, V, constant, tolerance, work, K, D, limit):
    """Truncated Newton, accepted on |grad|.

    Returns (evaluations, products, |grad|, met negative curvature); x is the best point seen, or a
    point lower down when the curvature was negative.
    """
    n = x.size
    g = np.empty(n)
    trial = np.empty(n)
    g_trial = np.empty(n)
    s = np.empty(n)
    value = value_gradient(x.reshape(K, D), V, constant, work, g.reshape(K, D))
    norm = math.sqrt(dot(g, g))
    evaluations = 1
    products = 0
    patience = 2
    best = x.copy()
    best_norm = norm
    for _ in range(limit):
        if norm < best_norm:
            best[:] = x
            best_norm = norm
        if norm <= tolerance:
            break
        tight = min(0.1, max(math.sqrt(norm), 0.1 * tolerance / norm))
        cg, negative = _newton_step(x, V, work, g, tight, 4 * n, K, D, s)
        products += cg
        if negative:
            length = math.sqrt(dot(s, s))
            side = -1.0 if dot(s, g) > 0.0 else 1.0
            size = 0.02 * math.sqrt(dot(x, x)) / length
            for _ in range(8):
                for i in range(n):
                    trial[i] = x[i] + side * size * s[i]
                f = value_gradient(trial.reshape(K, D), V, constant, work, g_trial.reshape(K, D))
                evaluations += 1
                if f < value:
                    x[:] = trial
                    return evaluations, products, norm, True
                size *= 0.5
            return evaluations, products, norm, False
        length = math.sqrt(dot(s, s))
        bound = 0.2 * math.sqrt(dot(x, x)) + 1e-3
        step = 1.0 if length <= bound else bound / length
        better = False
        for _ in range(4):
            for i in range(n):
                trial[i] = x[i] + step * s[i]
            f = value_gradient(trial.reshape(K, D), V, constant, work, g_trial.reshape(K, D))
            evaluations += 1
            new = math.sqrt(dot(g_trial, g_trial))
            if new < norm:
                better = True
                break
            step *= 0.5
        if not better:
            # With norms of very different size the gradient of the long neurons drowns that of
            # the short ones, and the way to the solution leads over larger gradients.
            if patience == 0 or length > 1e-3 * bound:
                break
            patience -= 1
            for i in range(n):
                trial[i] = x[i] + s[i]
            f = value_gradient(trial.reshape(K, D), V, constant, work, g_trial.reshape(K, D))
            evaluations += 1
            new = math.sqrt(dot(g_trial, g_trial))
        x[:] = trial
        g[:] = g_trial
        value = f
        norm = new
    if norm > best_norm:
        x[:] = best
        norm = best_norm
    pairs(x.reshape(K, D), V, work)
    return evaluations, products, norm, False


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
            merged[groups] = W[k]
            groups += 1
        else:
            merged[owner[k]] += W[k]
    return groups


@njit(cache=True, error_model="numpy")
def _solve_merged(x, V, constant, tolerance, K, D, norm, small):
    """Try to end at zero loss with parallel neurons merged and those below `small` dropped.

    Returns (done, evaluations); x changes only when done.
    """
    owner = np.empty(K, dtype=np.int64)
    merged = np.zeros((K, D))
    angle = min(0.5, 20.0 * math.sqrt(norm))
    groups = _merge_parallel(x, angle, small, K, D, owner, merged)
    if groups == K or groups == 0:
        return False, 0
    reduced = merged[:groups].copy().ravel()
    work = workspace(groups, V.shape[0], D)
    # Every part of a split neuron has the gradient of the whole.
    goal = 0.5 * tolerance / math.sqrt(K)
    evaluations, products, end, negative = _newton(reduced, V, constant, goal, work, groups, D, 40)
    evaluations += products
    W = x.reshape(K, D)
    Z = reduced.reshape(groups, D)
    value = value_from_pairs(Z, V, work, constant)
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
                W[k] = dot(W[k], Z[q]) / square / total * Z[q]
    for k in range(K):
        if owner[k] == -2:
            W[k] = 0.0
    return True, evaluations


@njit(cache=True, error_model="numpy")
def _end_at_zero_loss(x, V, constant, tolerance, K, D, norm):
    """Merge parallel neurons, and drop short ones if that is needed too; (done, evaluations)."""
    done, evaluations = _solve_merged(x, V, constant, tolerance, K, D, norm, 0.0)
    unit = math.sqrt(dot(x, x) / K)
    if not done:
        done, used = _solve_merged(x, V, constant, tolerance, K, D, norm, _SHORT * unit)
        evaluations += used
    if not done and norm < 1e-5:
        done, used = _solve_merged(x, V, constant, tolerance, K, D, norm, 50.0 * norm)
        evaluations += used
    return done, evaluations


@njit(cache=True, nogil=True, error_model="numpy")
def minimise_batch(W, V, constant, tolerance, limit):
    """Minimise from every start of a batch; W (n, K, D) is overwritten with the end points.

    Returns
    -------
    norms : ndarray, shape (n,)
        |grad| at the end.
    statuses, evaluations : ndarray of int, shape (n,)
        Status code, and number of gradients and Hessian products together.
    """
    count, K, D = W.shape
    work = workspace(K, V.shape[0], D)
    norms = np.empty(count)
    statuses = np.empty(count, dtype=np.int64)
    evaluations = np.zeros(count, dtype=np.int64)
    g = np.empty(K * D)
    for b in range(count):
        x = W[b].copy().ravel()
        switch = max(_SWITCH, tolerance)
        statuses[b] = STALLED
        norm = np.inf
        for _ in range(30):
            used, value, norm = _quasi_newton(
                x, V, constant, switch, limit - evaluations[b], work, K, D
            )
            evaluations[b] += used
            if norm > switch and evaluations[b] >= limit:
                statuses[b] = TOO_LONG
                break
            if K > 1 and value < 1e-2 * constant and norm < _SWITCH:
                done, used = _end_at_zero_loss(x, V, constant, tolerance, K, D, norm)
                evaluations[b] += used
                if done:
                    value_gradient(x.reshape(K, D), V, constant, work, g.reshape(K, D))
                    norm = math.sqrt(dot(g, g))
                    statuses[b] = CONVERGED
                    break
            start = x.copy()
            # Half the tolerance, so that no other way of summing finds the norm above it.
            used, products, new, negative = _newton(x, V, constant, 0.5 * tolerance, work, K, D, 12)
            evaluations[b] += used + products
            if new <= tolerance and not negative:
                norm = new
                statuses[b] = CONVERGED
                if K > 1 and value < 1e-2 * constant:
                    # Near zero loss a short neuron may be turned aside without a gradient to show.
                    _, used = _end_at_zero_loss(x, V, constant, tolerance, K, D, 1e-6)
                    evaluations[b] += used
                break
            if evaluations[b] >= limit:
                norm = new
                statuses[b] = TOO_LONG
                break
            if negative:
                switch = min(switch, max(0.3 * norm, 1e-9))
                continue
            if new > 0.01 * norm:
                x[:] = start
            norm = min(norm, new)
            switch = max(0.03 * switch, 1e-9)
        norms[b] = norm
        W[b] = x.reshape(K, D)
    return norms, statuses, evaluations


@njit(cache=True, nogil=True, error_model="numpy")
def polish_batch(W, V, constant, tolerance):
    """Truncated Newton from points near minima; W (n, K, D) is overwritten where it converges.

    Returns
    -------
    ndarray, shape (n,)
        |grad| at the end; not below the tolerance where the curvature is negative or vanishes.
    """
    count, K, D = W.shape
    work = workspace(K, V.shape[0], D)
    norms = np.empty(count)
    for b in range(count):
        x = W[b].copy().ravel()
        _, _, norm, negative = _newton(x, V, constant, 0.5 * tolerance, work, K, D, 12)
        norms[b] = np.inf if negative else norm
        if norms[b] <= tolerance:
            W[b] = x.reshape(K, D)
    return norms


@njit(cache=True, nogil=True, error_model="numpy")
def settle_batch(W, V, constant, tolerance, reach, contraction):
    """Newton's method from points that are certainly in the basin of a minimum close by.

    Two Newton steps decide: the first must not be longer than `reach`, the second not longer than
    `contraction` times the first, and no curvature met on the way may be negative. Where the
    second derivative changes so little over the first step, it is positive all the way to the
    solution. At zero loss with superfluous neurons nothing is decided here.

    Parameters
    ----------
    W : ndarray, shape (n, K, D)
        Overwritten with the solutions where they are found.
    V : ndarray, shape (M, D)
    constant, tolerance, reach, contraction : float

    Returns
    -------
    norms : ndarray, shape (n,)
        |grad| at the solutions; infinite where none was found.
    evaluations : ndarray of int, shape (n,)
        Gradients and Hessian products.
    """
    count, K, D = W.shape
    M = V.shape[0]
    work = workspace(K, M, D)
    norms = np.full(count, np.inf)
    evaluations = np.zeros(count, dtype=np.int64)
    g = np.empty(K * D)
    s = np.empty(K * D)
    for b in range(count):
        x = W[b].copy().ravel()
        first = reach
        certain = True
        for step in range(2):
            value = value_gradient(x.reshape(K, D), V, constant, work, g.reshape(K, D))
            products, negative = _newton_step(x, V, work, g, _SETTLING, 4 * K * D, K, D, s)
            evaluations[b] += products + 1
            length = math.sqrt(dot(s, s))
            if negative or length > (contraction * first if step > 0 else reach):
                certain = False
                break
            first = length
            _add(1.0, s, x)
        if not certain or (K > M and value < 1e-2 * constant):
            continue
        used, products, norm, negative = _newton(x, V, constant, 0.5 * tolerance, work, K, D, 12)
        evaluations[b] += used + products
        moved = 0.0
        for i in range(K * D):
            moved += (x[i] - W[b].ravel()[i]) ** 2
        if norm <= tolerance and not negative and moved <= reach * reach:
            norms[b] = norm
            W[b] = x.reshape(K, D)
    return norms, evaluations
