"""Plain gradient descent for a batch of starts, compiled."""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import constrain, flow_task, gradient, shaped
from landtopo.kernels.vectors import aligned, dot, write

__all__ = ["CONVERGED", "TOO_LONG", "descend_batch"]

CONVERGED = 0
TOO_LONG = 1


@njit(cache=True, nogil=True, error_model="numpy")
def descend_batch(points, data, step, tolerance, limit):
    """Gradient descent with a fixed step.

    Parameters
    ----------
    points : ndarray, shape (n, ...)
        Overwritten with the end points.
    data : named tuple
        The landscape; see `landtopo.kernels.contract`.
    step, tolerance : float
    limit : int
        Most gradients of one run.

    Returns
    -------
    norms : ndarray, shape (n,)
        |grad| at the end.
    statuses, evaluations : ndarray of int, shape (n,)
        Status code and number of gradients.
    """
    count = points.shape[0]
    size = points.size // max(count, 1)
    task = flow_task(data)
    norms = np.empty(count)
    statuses = np.empty(count, dtype=np.int64)
    evaluations = np.zeros(count, dtype=np.int64)
    if count == 0:
        return norms, statuses, evaluations
    g = aligned(size)
    x = aligned(size)
    X, G = shaped(task, x), shaped(task, g)
    for b in range(count):
        write(x, points[b].ravel())
        statuses[b] = TOO_LONG
        norm = np.inf
        for i in range(limit):
            gradient(task, X, G)
            norm = math.sqrt(dot(g, g))
            evaluations[b] = i + 1
            if norm <= tolerance:
                statuses[b] = CONVERGED
                break
            if not math.isfinite(norm):
                break
            for j in range(size):
                x[j] -= step * g[j]
            constrain(task, X)
        norms[b] = norm
        write(points[b].reshape(x.size), x)
    return norms, statuses, evaluations
