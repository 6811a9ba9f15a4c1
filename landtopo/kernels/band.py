"""The nudged force on the images of a chain, compiled.

Formulas are those of `landtopo.paths.band`; chains are short, and everything around a compiled
evaluation of the images takes longer than the evaluation.
"""

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.vectors import dot

__all__ = ["nudged_force", "tangents"]


@njit(cache=True, error_model="numpy")
def tangents(images, values):
    """Unit tangents at the inner images, towards the higher neighbour, shape (n - 2, size)."""
    n, size = images.shape
    along = np.empty((n - 2, size))
    for i in range(1, n - 1):
        rise = values[i + 1] - values[i]
        fall = values[i - 1] - values[i]
        if rise > 0.0 and fall < 0.0:
            to_next, to_last = 1.0, 0.0
        elif rise < 0.0 and fall > 0.0:
            to_next, to_last = 0.0, 1.0
        else:
            large = max(abs(rise), abs(fall))
            small = min(abs(rise), abs(fall))
            uphill = values[i + 1] > values[i - 1]
            to_next = large if uphill else small
            to_last = small if uphill else large
            if to_next == 0.0 and to_last == 0.0:
                to_next, to_last = 1.0, 1.0
        row = along[i - 1]
        for k in range(size):
            row[k] = to_next * (images[i + 1, k] - images[i, k])
            row[k] += to_last * (images[i, k] - images[i - 1, k])
        norm = math.sqrt(dot(row, row))
        if norm > 0.0:
            for k in range(size):
                row[k] /= norm
    return along


@njit(cache=True, error_model="numpy")
def nudged_force(images, values, gradients, stiffness):
    """Force on the inner images and what it was made from.

    Parameters
    ----------
    images, gradients : ndarray, shape (n, size)
    values : ndarray, shape (n,)
    stiffness : ndarray, shape (n - 1,)
        Spring constants of the pieces.

    Returns
    -------
    force, along, across : ndarray, shape (n - 2, size)
        -grad perpendicular to the chain with the springs along it; tangents; the first part.
    slope : ndarray, shape (n - 2,)
        Of the function along the chain.
    """
    n, size = images.shape
    along = tangents(images, values)
    across = np.empty((n - 2, size))
    force = np.empty((n - 2, size))
    slope = np.empty(n - 2)
    before = 0.0
    for k in range(size):
        before += (images[1, k] - images[0, k]) ** 2
    before = math.sqrt(before)
    for i in range(1, n - 1):
        after = 0.0
        for k in range(size):
            after += (images[i + 1, k] - images[i, k]) ** 2
        after = math.sqrt(after)
        pull = stiffness[i] * after - stiffness[i - 1] * before
        before = after
        row = along[i - 1]
        slope[i - 1] = dot(gradients[i], row)
        for k in range(size):
            across[i - 1, k] = slope[i - 1] * row[k] - gradients[i, k]
            force[i - 1, k] = across[i - 1, k] + pull * row[k]
    return force, along, across, slope
