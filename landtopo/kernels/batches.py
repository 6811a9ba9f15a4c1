"""Derivatives of batches of points, for any landscape that answers `landtopo.kernels.contract`.

One function does it all, because most of the time of compiling is spent on what all have in common.
"""

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import (
    hessian,
    newton_task,
    normal_block,
    product,
    slopes,
    tabulate,
    value_gradient,
)

__all__ = ["BLOCKS", "GRADIENTS", "HESSIANS", "PRODUCTS", "SLOPES", "evaluate"]

GRADIENTS, HESSIANS, PRODUCTS, BLOCKS, SLOPES = range(5)


@njit(cache=True, nogil=True)
def evaluate(points, data, directions, wanted):
    """What is wanted of points, shape (n, K, D).

    Parameters
    ----------
    points : ndarray, shape (n, K, D)
    data : named tuple
    directions : ndarray
        For PRODUCTS of the shape of the points; for SLOPES (1, m, D), with one point.
    wanted : int

    Returns
    -------
    values : ndarray, shape (n,) or (m,)
        Values, or for SLOPES dL/da of one more neuron with a = 0.
    found : ndarray
        Flat: gradients (n, K, D); Hessians (n, K, D, K, D) without values; their products with
        directions; their blocks (n, K, K) for directions that no neuron has a part in; for SLOPES
        gradients (m, D) with respect to the directions.
    """
    n, K, D = points.shape
    task = newton_task(data)
    if wanted == SLOPES:
        values = np.empty(directions.shape[1])
        found = np.empty(directions.size)
        slopes(task, directions[0], points[0], values, found.reshape(directions.shape[1], D))
        return values, found
    values = np.zeros(n)
    if wanted == HESSIANS:
        size = K * D * K * D
    elif wanted == BLOCKS:
        size = K * K
    else:
        size = K * D
    found = np.empty(n * size)
    for b in range(n):
        here = found[b * size : (b + 1) * size]
        if wanted == GRADIENTS:
            values[b] = value_gradient(task, points[b], here.reshape(K, D))
            continue
        tabulate(task, points[b])
        if wanted == HESSIANS:
            hessian(task, points[b], here.reshape(K, D, K, D))
        elif wanted == PRODUCTS:
            product(task, points[b], directions[b], here.reshape(K, D))
        else:
            normal_block(task, points[b], here.reshape(K, K))
    return values, found
