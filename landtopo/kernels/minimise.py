"""The compiled minimiser: limited-memory BFGS far away, truncated Newton near.

Far from a minimum, L-BFGS steps are accepted on sufficient decrease of the value. From `SWITCH` on,
steps come from conjugate gradients on the exact Hessian and are accepted on the norm of the
gradient alone: below |grad| ~ 1e-8 the function is flat to machine precision and says nothing.

At a degenerate minimum Newton's method only halves the error a step; a landscape that knows its
degenerate minima finishes there in its own way (`landtopo.kernels.contract.finish`).
"""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import (
    finish,
    newton_task,
    product,
    rounding,
    shaped,
    tabulate,
    undecided,
    value_gradient,
)
from landtopo.kernels.vectors import dot, write

__all__ = [
    "CONVERGED",
    "STALLED",
    "TOO_LONG",
    "minimise_batch",
    "newton",
    "polish_batch",
    "settle_batch",
]

CONVERGED = 0
TOO_LONG = 1
STALLED = 2

_MEMORY = 6
# Newton steps to the end. Plain numbers in calls would be compiled for one by one.
_POLISH = np.int64(12)
_SWITCH = 1e-2
_ARMIJO = 1e-4
_SETTLING = 1e-4


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _add(scale, direction, x):
    """Add scale * direction to x in place."""
    for i in range(x.shape[0]):
        x[i] += scale * direction[i]


@njit(cache=True, error_model="numpy")
def _quasi_newton(x, target, limit, task):
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
    X, G = shaped(task, x), shaped(task, g)
    X_trial, G_trial = shaped(task, trial), shaped(task, g_trial)
    noise = rounding(task)
    value = value_gradient(task, X, G)
    evaluations = 1
    stored = 0
    newest = -1
    norm = math.sqrt(dot(g, g))
    while norm > target and evaluations < limit:
        write(d, g)
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
            write(d, g)
            slope = -norm * norm
            stored = 0
        length = math.sqrt(dot(d, d))
        bound = 0.5 * math.sqrt(dot(x, x)) + 0.1
        step = 1.0 if length <= bound else bound / length
        accepted = False
        for _ in range(12):
            for i in range(n):
                trial[i] = x[i] - step * d[i]
            f = value_gradient(task, X_trial, G_trial)
            evaluations += 1
            if f <= value + _ARMIJO * step * slope + noise:
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
def _newton_step(x, task, g, tolerance, limit, s):
    """Conjugate gradients for H s = -g; returns (products, met negative curvature)."""
    n = x.size
    r = -g
    p = r.copy()
    h = np.empty(n)
    X, P, H = shaped(task, x), shaped(task, p), shaped(task, h)
    s[:] = 0.0
    rr = dot(r, r)
    goal = tolerance * tolerance * rr
    products = 0
    while products < limit and rr > goal:
        product(task, X, P, H)
        products += 1
        curvature = dot(p, h)
        if curvature <= 1e-12 * dot(p, p):
            if curvature < -1e-9 * dot(p, p):
                write(s, p)
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
def newton(x, tolerance, task, limit):
    """Truncated Newton, accepted on |grad|.

    Returns (evaluations, products, |grad|, met negative curvature); x is the best point seen, or a
    point lower down when the curvature was negative.
    """
    n = x.size
    g = np.empty(n)
    trial = np.empty(n)
    g_trial = np.empty(n)
    s = np.empty(n)
    X, G = shaped(task, x), shaped(task, g)
    X_trial, G_trial = shaped(task, trial), shaped(task, g_trial)
    value = value_gradient(task, X, G)
    norm = math.sqrt(dot(g, g))
    evaluations = 1
    products = 0
    patience = 2
    best = x.copy()
    best_norm = norm
    for _ in range(limit):
        if norm < best_norm:
            write(best, x)
            best_norm = norm
        if norm <= tolerance:
            break
        tight = min(0.1, max(math.sqrt(norm), 0.1 * tolerance / norm))
        cg, negative = _newton_step(x, task, g, tight, 4 * n, s)
        products += cg
        if negative:
            length = math.sqrt(dot(s, s))
            side = -1.0 if dot(s, g) > 0.0 else 1.0
            size = 0.02 * math.sqrt(dot(x, x)) / length
            for _ in range(8):
                for i in range(n):
                    trial[i] = x[i] + side * size * s[i]
                f = value_gradient(task, X_trial, G_trial)
                evaluations += 1
                if f < value:
                    write(x, trial)
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
            f = value_gradient(task, X_trial, G_trial)
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
            f = value_gradient(task, X_trial, G_trial)
            evaluations += 1
            new = math.sqrt(dot(g_trial, g_trial))
        write(x, trial)
        write(g, g_trial)
        value = f
        norm = new
    if norm > best_norm:
        write(x, best)
        norm = best_norm
    tabulate(task, X)
    return evaluations, products, norm, False


@njit(cache=True, nogil=True, error_model="numpy")
def minimise_batch(points, data, tolerance, limit):
    """Minimise from every start of a batch.

    Parameters
    ----------
    points : ndarray, shape (n, ...)
        Overwritten with the end points.
    data : named tuple
        The landscape; see `landtopo.kernels.contract`.
    tolerance : float
        |grad| at which a run has converged.
    limit : int
        Most gradients and Hessian products of one run.

    Returns
    -------
    norms : ndarray, shape (n,)
        |grad| at the end.
    statuses, evaluations : ndarray of int, shape (n,)
        Status code, and number of gradients and Hessian products together.
    """
    count = points.shape[0]
    size = points.size // max(count, 1)
    task = newton_task(data)
    norms = np.empty(count)
    statuses = np.empty(count, dtype=np.int64)
    evaluations = np.zeros(count, dtype=np.int64)
    g = np.empty(size)
    for b in range(count):
        x = points[b].copy().ravel()
        switch = max(_SWITCH, tolerance)
        statuses[b] = STALLED
        norm = np.inf
        for _ in range(30):
            used, value, norm = _quasi_newton(x, switch, limit - evaluations[b], task)
            evaluations[b] += used
            if norm > switch and evaluations[b] >= limit:
                statuses[b] = TOO_LONG
                break
            if norm < _SWITCH:
                done, used = finish(task, x, value, norm, tolerance)
                evaluations[b] += used
                if done:
                    value_gradient(task, shaped(task, x), shaped(task, g))
                    norm = math.sqrt(dot(g, g))
                    statuses[b] = CONVERGED
                    break
            start = x.copy()
            # Half the tolerance, so that no other way of summing finds the norm above it.
            used, products, new, negative = newton(x, 0.5 * tolerance, task, _POLISH)
            evaluations[b] += used + products
            if new <= tolerance and not negative:
                norm = new
                statuses[b] = CONVERGED
                # Near a degenerate minimum a gradient can be small all the same.
                _, used = finish(task, x, value, 1e-6, tolerance)
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
                write(x, start)
            norm = min(norm, new)
            switch = max(0.03 * switch, 1e-9)
        norms[b] = norm
        write(points[b].reshape(x.size), x)
    return norms, statuses, evaluations


@njit(cache=True, nogil=True, error_model="numpy")
def polish_batch(points, data, tolerance):
    """Truncated Newton from points near minima, overwritten where it converges.

    Parameters
    ----------
    points : ndarray, shape (n, ...)
    data : named tuple
    tolerance : float

    Returns
    -------
    ndarray, shape (n,)
        |grad| at the end; not below the tolerance where the curvature is negative or vanishes.
    """
    count = points.shape[0]
    task = newton_task(data)
    norms = np.empty(count)
    for b in range(count):
        x = points[b].copy().ravel()
        _, _, norm, negative = newton(x, 0.5 * tolerance, task, _POLISH)
        norms[b] = np.inf if negative else norm
        if norms[b] <= tolerance:
            write(points[b].reshape(x.size), x)
    return norms


@njit(cache=True, nogil=True, error_model="numpy")
def settle_batch(points, data, tolerance, reach, contraction):
    """Newton's method from points that are certainly in the basin of a minimum close by.

    Two Newton steps decide: the first must not be longer than `reach`, the second not longer than
    `contraction` times the first, and no curvature met on the way may be negative. Where the
    second derivative changes so little over the first step, it is positive all the way to the
    solution. Near degenerate minima nothing is decided here.

    Parameters
    ----------
    points : ndarray, shape (n, ...)
        Overwritten with the solutions where they are found.
    data : named tuple
    tolerance, reach, contraction : float

    Returns
    -------
    norms : ndarray, shape (n,)
        |grad| at the solutions; infinite where none was found.
    evaluations : ndarray of int, shape (n,)
        Gradients and Hessian products.
    """
    count = points.shape[0]
    size = points.size // max(count, 1)
    task = newton_task(data)
    norms = np.full(count, np.inf)
    evaluations = np.zeros(count, dtype=np.int64)
    g = np.empty(size)
    s = np.empty(size)
    for b in range(count):
        x = points[b].copy().ravel()
        first = reach
        certain = True
        for step in range(2):
            value = value_gradient(task, shaped(task, x), shaped(task, g))
            products, negative = _newton_step(x, task, g, _SETTLING, 4 * size, s)
            evaluations[b] += products + 1
            length = math.sqrt(dot(s, s))
            if negative or length > (contraction * first if step > 0 else reach):
                certain = False
                break
            first = length
            _add(1.0, s, x)
        if not certain or undecided(task, value):
            continue
        used, products, norm, negative = newton(x, 0.5 * tolerance, task, _POLISH)
        evaluations[b] += used + products
        moved = 0.0
        for i in range(size):
            moved += (x[i] - points[b].ravel()[i]) ** 2
        if norm <= tolerance and not negative and moved <= reach * reach:
            norms[b] = norm
            write(points[b].reshape(x.size), x)
    return norms, evaluations
