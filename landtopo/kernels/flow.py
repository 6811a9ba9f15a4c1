"""Gradient flow followed to its end for a batch of starts (compiled).

The flow's Jacobian, minus the Hessian, has real eigenvalues, and after a short transient only a few
slow ones matter. Runge-Kutta-Chebyshev steps of second order with s stages are stable along
0.65 s^2 of the negative real axis, so a step that accuracy allows costs the square root of its
stiffness in gradients, without linear algebra.

Sommeijer, Shampine, Verwer, J. Comput. Appl. Math. 88 (1998) 315: formulas (2.8) to (2.10) and the
error estimate (2.11), here with a plain step-size controller.

Letters: h step, s stages, g gradient (the flow's right-hand side is -g), T Chebyshev polynomial
with derivatives T', T''; b, mu, nu, c as in that paper.
"""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import (
    flow_task,
    gradient,
    length_scale,
    newton_task,
    product,
    shaped,
    tabulate,
    tidy,
)
from landtopo.kernels.vectors import aligned, dot, write

__all__ = [
    "CONVERGED",
    "FAILED",
    "NOT_SMOOTH",
    "SLOW",
    "STIFF",
    "TOO_LONG",
    "flow_batch",
    "flow_curve",
]

CONVERGED = 0
TOO_LONG = 1
FAILED = 2
# Why a recorded curve ends.
SLOW = 3
STIFF = 4
NOT_SMOOTH = 5

# The damping of the stability polynomial and the length of its stability interval over s^2.
_DAMPING = 2.0 / 13.0
_INTERVAL = 0.65
_MAX_STAGES = 300
# A part this small, relative to the length scale, that still shrinks is at zero.
_ZERO = 1e-9
# The spectral radius is estimated anew after this many steps.
_REFRESH = 20


@njit(cache=True)
def _buffers(size):
    """Arrays that a run works in: four of a step, then g, the new g, and two of products."""
    return (
        aligned(size),
        aligned(size),
        aligned(size),
        aligned(size),
        aligned(size),
        aligned(size),
        aligned(size),
        aligned(size),
    )


@njit(cache=True, error_model="numpy")
def _spectral_radius(x, curvature, direction, image):
    """Largest eigenvalue magnitude of the Hessian by power iteration from `direction`.

    Returns the estimate, enlarged, and the products used.
    """
    DIRECTION, IMAGE = shaped(curvature, direction), shaped(curvature, image)
    X = shaped(curvature, x)
    tabulate(curvature, X)
    radius = 0.0
    for i in range(12):
        norm = math.sqrt(dot(direction, direction))
        for n in range(len(direction)):
            direction[n] /= norm
        product(curvature, X, DIRECTION, IMAGE)
        new = math.sqrt(dot(image, image))
        write(direction, image)
        if new == 0.0:
            direction[:] = 1.0
            return 1.0, i + 1
        if abs(new - radius) <= 0.02 * new:
            return 1.1 * new, i + 1
        radius = new
    return 1.2 * radius, 12


@njit(cache=True, error_model="numpy")
def _chebyshev_step(x, g, h, stages, task, buffers):
    """One step of s stages from x with gradient g; the end point is left in buffers[0]."""
    y, before, older, slope = buffers[0], buffers[1], buffers[2], buffers[3]
    BEFORE, SLOPE = shaped(task, before), shaped(task, slope)
    n = len(x)
    w0 = 1.0 + _DAMPING / (stages * stages)
    minus = w0 * w0 - 1.0
    root = math.sqrt(minus)
    argument = stages * math.log(w0 + root)
    sinh, cosh = math.sinh(argument), math.cosh(argument)
    w1 = sinh * minus / (cosh * stages * root - w0 * sinh)
    b_before = b_older = 1.0 / (4.0 * w0 * w0)
    t_before, t_older = w0, 1.0
    d_before, d_older = 1.0, 0.0
    e_before, e_older = 0.0, 0.0
    step = h * w1 * b_before
    for i in range(n):
        older[i] = x[i]
        before[i] = x[i] - step * g[i]
    for _ in range(2, stages + 1):
        t = 2.0 * w0 * t_before - t_older
        d = 2.0 * w0 * d_before - d_older + 2.0 * t_before
        e = 2.0 * w0 * e_before - e_older + 4.0 * d_before
        b = e / (d * d)
        mu = 2.0 * w0 * b / b_before
        nu = -b / b_older
        step = h * mu * w1 / w0
        a = 1.0 - t_before * b_before
        gradient(task, BEFORE, SLOPE)
        for i in range(n):
            y[i] = (
                mu * before[i]
                + nu * older[i]
                + (1.0 - mu - nu) * x[i]
                - step * (slope[i] - a * g[i])
            )
            older[i] = before[i]
            before[i] = y[i]
        t_before, t_older = t, t_before
        d_before, d_older = d, d_before
        e_before, e_older = e, e_before
        b_before, b_older = b, b_before


@njit(cache=True, error_model="numpy")
def _follow(x, task, curvature, tolerance, target, longest, limit, scale, buffers):
    """Flow from x, overwritten, until |g| <= target; returns (status, |g|, time, evaluations)."""
    g, new, direction, image = buffers[4], buffers[5], buffers[6], buffers[7]
    n = len(x)
    X, Y = shaped(task, x), shaped(task, buffers[0])
    G, NEW = shaped(task, g), shaped(task, new)
    gradient(task, X, G)
    evaluations = 1
    norm = math.sqrt(dot(g, g))
    # A direction that no symmetry of the network singles out.
    for i in range(n):
        direction[i] = math.sin(1.0 + 1.7 * i)
    radius, used = _spectral_radius(x, curvature, direction, image)
    evaluations += used
    h = min(0.25 / radius, longest)
    now, age = 0.0, 0
    while norm > target:
        if now >= longest or evaluations >= limit:
            return TOO_LONG, norm, now, evaluations
        if age >= _REFRESH:
            radius, used = _spectral_radius(x, curvature, direction, image)
            evaluations += used
            age = 0
        h = min(h, longest - now, _INTERVAL * (_MAX_STAGES - 1) ** 2 / radius)
        stages = max(2, 1 + int(math.sqrt(1.0 + h * radius / _INTERVAL)))
        _chebyshev_step(x, g, h, stages, task, buffers)
        y = buffers[0]
        gradient(task, Y, NEW)
        evaluations += stages
        error = 0.0
        for i in range(n):
            difference = 0.8 * (x[i] - y[i]) - 0.4 * h * (g[i] + new[i])
            error += difference * difference
        error = math.sqrt(error) / (tolerance * scale)
        if not error <= 1.0:
            if h * radius < 1e-12 or not math.isfinite(error):
                return FAILED, norm, now, evaluations
            h *= max(0.1, 0.8 * error ** (-1.0 / 3.0))
            age = _REFRESH
            continue
        now += h
        age += 1
        write(x, y)
        write(g, new)
        if tidy(task, x, g, _ZERO * scale):
            gradient(task, X, G)
            evaluations += 1
            age = _REFRESH
        norm = math.sqrt(dot(g, g))
        h *= min(3.0, 0.8 * max(error, 1e-6) ** (-1.0 / 3.0))
    return CONVERGED, norm, now, evaluations


@njit(cache=True, nogil=True, error_model="numpy")
def flow_batch(points, data, tolerance, target, longest, limit):
    """Follow the gradient flow from every start of a batch until it stops.

    Parameters
    ----------
    points : ndarray, shape (n, ...)
        Overwritten with the end points.
    data : named tuple
        The landscape; see `landtopo.kernels.contract`.
    tolerance : float
        Error allowed to a step, in units of its length scale.
    target : float
        |grad| at which a run has ended.
    longest : float
        Largest time.
    limit : int
        Most gradients and Hessian products of one run.

    Returns
    -------
    norms, times : ndarray, shape (n,)
        |grad| at the end, and the time of the flow.
    statuses, evaluations : ndarray of int, shape (n,)
    """
    count = points.shape[0]
    size = points.size // max(count, 1)
    task, curvature = flow_task(data), newton_task(data)
    buffers = _buffers(size)
    norms, times = np.empty(count), np.empty(count)
    statuses = np.empty(count, dtype=np.int64)
    evaluations = np.empty(count, dtype=np.int64)
    scale = length_scale(task)
    x = aligned(size)
    for b in range(count):
        write(x, points[b].ravel())
        statuses[b], norms[b], times[b], evaluations[b] = _follow(
            x, task, curvature, tolerance, target, longest, limit, scale, buffers
        )
        write(points[b].reshape(x.size), x)
    return norms, times, statuses, evaluations


@njit(cache=True, error_model="numpy")
def _error_ratio(x, y, g, new, h, error, lag):
    """The estimated error of a step, across the curve and along it, in units of what is allowed."""
    n = len(x)
    size, along, moved = 0.0, 0.0, 0.0
    for i in range(n):
        e = 0.8 * (x[i] - y[i]) - 0.4 * h * (g[i] + new[i])
        size += new[i] * new[i]
        along += e * new[i]
        moved += (y[i] - x[i]) ** 2
    along = along / size if size > 0.0 else 0.0
    across = 0.0
    for i in range(n):
        e = 0.8 * (x[i] - y[i]) - 0.4 * h * (g[i] + new[i])
        across += (e - along * new[i]) ** 2
    late = max(lag * math.sqrt(moved), error)
    return max(math.sqrt(across) / error, abs(along) * math.sqrt(size) / late)


@njit(cache=True, nogil=True, error_model="numpy")
def flow_curve(start, data, basis, h, radius, peak, ask, error, lag, longest, most, steps):
    """Follow the gradient flow from a point, keeping every step, until it has become slow.

    Parameters
    ----------
    start : ndarray, shape (size,)
    data : named tuple
    basis : ndarray, shape (size, n)
        Orthonormal columns of a space that the flow does not leave; steps are projected on it, so
        that rounding does not leave it either. n = 0 for none.
    h : float
        First time step to try.
    radius : float
        The Hessian's largest eigenvalue, or more.
    peak : float
        The largest |grad| before the start.
    ask : float
        The curve ends when |grad| is below this fraction of its largest value.
    error, lag : float
        Error of a step that is allowed across the curve, and along it in units of the step.
    longest : float
        Largest length of a step.
    most : int
        Largest number of stages; steps that need more are left to the caller.
    steps : int
        Largest number of steps.

    Returns
    -------
    points, gradients : ndarray, shape (m, size)
        After each step.
    times : ndarray, shape (m,)
        Since the start.
    h, radius, peak : float
        To go on with.
    evaluations : int
        Gradients and Hessian products.
    status : int
        SLOW, STIFF, TOO_LONG, NOT_SMOOTH or FAILED.
    """
    n = len(start)
    task, curvature = flow_task(data), newton_task(data)
    buffers = _buffers(n)
    g, new, direction, image = buffers[4], buffers[5], buffers[6], buffers[7]
    for i in range(n):
        direction[i] = math.sin(1.0 + 1.7 * i)
    x = aligned(n)
    write(x, start)
    coordinates = np.empty(basis.shape[1])
    points, gradients = np.empty((steps, n)), np.empty((steps, n))
    times = np.empty(steps)
    X, Y = shaped(task, x), shaped(task, buffers[0])
    G, NEW = shaped(task, g), shaped(task, new)
    gradient(task, X, G)
    evaluations, kept, age, now = 1, 0, 0, 0.0
    norm = math.sqrt(dot(g, g))
    peak = max(peak, norm)
    status = TOO_LONG
    while kept < steps:
        if age >= _REFRESH:
            radius, used = _spectral_radius(x, curvature, direction, image)
            evaluations += used
            age = 0
        h = min(h, longest / norm)
        stages = max(2, 1 + int(math.sqrt(1.0 + h * radius / _INTERVAL)))
        if stages > most:
            status = STIFF
            break
        _chebyshev_step(x, g, h, stages, task, buffers)
        y = buffers[0]
        gradient(task, Y, NEW)
        evaluations += stages
        ratio = _error_ratio(x, y, g, new, h, error, lag)
        if not ratio <= 1.0:
            if not math.isfinite(ratio):
                status = FAILED
                break
            # An unstable step misses by far; one that is only too long for the curve does not.
            if ratio > 3.0 and age > 0:
                age = _REFRESH
            h *= max(0.1, min(0.5, 0.8 * ratio ** (-1.0 / 3.0)))
            if h * norm < 1e-14 * max(1.0, math.sqrt(dot(x, x))):
                status = NOT_SMOOTH
                break
            continue
        if basis.shape[1] > 0:
            coordinates[:] = 0.0
            for i in range(n):
                for j in range(basis.shape[1]):
                    coordinates[j] += basis[i, j] * y[i]
            for i in range(n):
                y[i] = dot(basis[i], coordinates)
        write(x, y)
        write(g, new)
        now += h
        age += 1
        points[kept] = x
        gradients[kept] = g
        times[kept] = now
        kept += 1
        norm = math.sqrt(dot(g, g))
        peak = max(peak, norm)
        h *= min(5.0, max(0.2, 0.8 * max(ratio, 1e-12) ** (-1.0 / 3.0)))
        if norm <= ask * peak:
            status = SLOW
            break
    return points[:kept], gradients[:kept], times[:kept], h, radius, peak, evaluations, status
