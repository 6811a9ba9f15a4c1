"""How a cluster of particles with pair energies answers the compiled loops.

With s_ij the square of a distance and u(s) the energy of a pair,

    dE/dx_i = sum_j 2 u' (x_i - x_j),   d2E/dx_i dx_j = -(4 u'' a a^T + 2 u' 1),   a = x_i - x_j.

Below a distance at which no critical point has a pair, u goes on as the parabola in s that it has
there: it stays finite.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import (
    answers,
    flow_task,
    gauge_rows,
    gradient,
    newton_task,
    product,
    shaped,
    tabulate,
    value_gradient,
)
from landtopo.kernels.motions import motions
from landtopo.kernels.pairs import pair_energy
from landtopo.objective import Array

__all__ = ["Particles", "hessian_of", "values_gradients"]


class Particles(NamedTuple):
    """A kind of cluster: the data of a batch.

    Attributes
    ----------
    pair : named tuple
        See `landtopo.kernels.pairs`.
    number : int
        How many particles, n; points are their coordinates one after the other.
    core : float
        Square of the distance below which energies are those of the parabola.
    length, energy : float
        Units of points and values.
    """

    pair: Any
    number: int
    core: float
    length: float
    energy: float


class ParticlesTask(NamedTuple):
    """What loops work on: `slopes` and `bends`, shape (n, n), are u' and u'' of the pairs i < j."""

    data: Any
    slopes: Array
    bends: Array


_like_loops = njit(cache=True, error_model="numpy")


@answers(newton_task, Particles)
@_like_loops
def _newton_task(data):
    return ParticlesTask(
        data, np.zeros((data.number, data.number)), np.zeros((data.number, data.number))
    )


answers(flow_task, Particles)(_newton_task)


@answers(shaped, ParticlesTask)
@_like_loops
def _shaped(task, x):
    return x.reshape(task.data.number, 3)


@answers(value_gradient, ParticlesTask)
@_like_loops
def _value_gradient(task, X, G):
    data = task.data
    scale = data.length * data.length
    first, second = scale / data.energy, scale * scale / data.energy
    total = 0.0
    for i in range(data.number):
        G[i, 0] = G[i, 1] = G[i, 2] = 0.0
    for i in range(data.number):
        for j in range(i + 1, data.number):
            a = X[i, 0] - X[j, 0]
            b = X[i, 1] - X[j, 1]
            c = X[i, 2] - X[j, 2]
            square = scale * (a * a + b * b + c * c)
            kept = max(square, data.core)
            inside = square - kept
            value, slope, bend = pair_energy(data.pair, kept)
            total += value + inside * (slope + 0.5 * inside * bend)
            slope = first * (slope + inside * bend)
            task.slopes[i, j] = slope
            task.bends[i, j] = second * bend
            G[i, 0] += 2.0 * slope * a
            G[i, 1] += 2.0 * slope * b
            G[i, 2] += 2.0 * slope * c
            G[j, 0] -= 2.0 * slope * a
            G[j, 1] -= 2.0 * slope * b
            G[j, 2] -= 2.0 * slope * c
    return total / data.energy


@answers(gradient, ParticlesTask)
@_like_loops
def _gradient(task, X, G):
    _value_gradient(task, X, G)


@answers(tabulate, ParticlesTask)
@_like_loops
def _tabulate(task, X):
    _value_gradient(task, X, np.empty((task.data.number, 3)))


@answers(product, ParticlesTask)
@_like_loops
def _product(task, X, P, OUT):
    count = task.data.number
    for i in range(count):
        OUT[i, 0] = OUT[i, 1] = OUT[i, 2] = 0.0
    for i in range(count):
        for j in range(i + 1, count):
            a = X[i, 0] - X[j, 0]
            b = X[i, 1] - X[j, 1]
            c = X[i, 2] - X[j, 2]
            p = P[i, 0] - P[j, 0]
            q = P[i, 1] - P[j, 1]
            r = P[i, 2] - P[j, 2]
            slope = 2.0 * task.slopes[i, j]
            along = 4.0 * task.bends[i, j] * (a * p + b * q + c * r)
            p = slope * p + along * a
            q = slope * q + along * b
            r = slope * r + along * c
            OUT[i, 0] += p
            OUT[i, 1] += q
            OUT[i, 2] += r
            OUT[j, 0] -= p
            OUT[j, 1] -= q
            OUT[j, 2] -= r


@answers(gauge_rows, ParticlesTask)
@_like_loops
def _gauge_rows(task, X):
    return motions(X, True, True)


@njit(cache=True, nogil=True, error_model="numpy")
def values_gradients(points, data, gradients):
    """Values of a batch of points, shape (n, size); the gradients go to an array of that shape."""
    task = newton_task(data)
    values = np.empty(points.shape[0])
    for b in range(points.shape[0]):
        values[b] = value_gradient(task, shaped(task, points[b]), shaped(task, gradients[b]))
    return values


@njit(cache=True, nogil=True, error_model="numpy")
def hessian_of(x, data):
    """Hessian at one point, shape (size, size)."""
    task = newton_task(data)
    X = shaped(task, x)
    value_gradient(task, X, np.empty((data.number, 3)))
    H = np.zeros((x.size, x.size))
    away = np.empty(3)
    for i in range(data.number):
        for j in range(i + 1, data.number):
            for k in range(3):
                away[k] = X[i, k] - X[j, k]
            for k in range(3):
                for m in range(3):
                    block = 4.0 * task.bends[i, j] * away[k] * away[m]
                    if k == m:
                        block += 2.0 * task.slopes[i, j]
                    H[3 * i + k, 3 * i + m] += block
                    H[3 * j + k, 3 * j + m] += block
                    H[3 * i + k, 3 * j + m] = -block
                    H[3 * j + k, 3 * i + m] = -block
    return H
