"""Loss, gradient and second derivatives without the closed forms.

With u along the first axis of the plane of u and v, at the angle t to each other, and with
x = r (cos phi, sin phi) there, the moments of r give

    E[relu(u.x) relu(v.x)] = |u||v|/pi  int cos(phi) cos(phi - t) dphi,
    E[1(u.x > 0) relu(v.x) x] = |v|/pi  int cos(phi - t) (cos(phi) u^ + sin(phi) n^) dphi,

both over t - pi/2 < phi < pi/2, with n^ the unit vector of the part of v orthogonal to u.
Gauss-Legendre nodes integrate these trigonometric polynomials to rounding. Second derivatives are
central differences of the gradient. Everything is computed in the widest floating point numbers of
the machine, with 64 bits where it has them: gradients are known far below the rounding of weights,
and differences to many digits.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.models.networks.problem import Teacher
from landtopo.objective import Array

__all__ = [
    "EPSILON",
    "difference_hessian",
    "difference_normal_block",
    "legendre",
    "norms_of",
    "planes",
    "quadrature_gradient",
    "quadrature_loss",
    "quadrature_slope",
]

_Wide = NDArray[Any]

#: Relative rounding of the numbers used here.
EPSILON = float(np.finfo(np.longdouble).eps)

# Step of the differences, in units of the norm of the neuron that moves. The error is about the
# step where neurons are parallel, because the loss has no third derivative there, and rounding
# over the step elsewhere.
_STEP = EPSILON**0.5


def quadrature_loss(teacher: Teacher, weights: Array) -> float:
    """Population loss of weights (K, r + E), with an absolute error of rounding."""
    neurons, signs = _stacked(teacher, weights)
    norms, angles, _, _ = planes(neurons, neurons)
    phi, factor = _nodes(angles)
    integral = np.sum(factor * np.cos(phi) * np.cos(phi - angles[..., None]), axis=-1)
    pairs = norms[:, None] * norms * integral / _pi()
    return float(np.sum(pairs * signs[:, None] * signs) / 2)


def quadrature_gradient(teacher: Teacher, weights: Array) -> Array:
    """dL/dW, shape (K, r + E); rows of zero neurons are zero."""
    neurons, signs = _stacked(teacher, weights)
    pulls = _pulls(neurons[: len(weights)], neurons)
    return np.asarray(np.sum(pulls * signs[:, None], axis=1), dtype=np.float64)


def quadrature_slope(teacher: Teacher, weights: Array, direction: Array) -> float:
    """psi(u) = E[(f - f*) relu(u.x)] for a unit vector u of as many columns as the weights."""
    neurons, signs = _stacked(teacher, weights)
    unit = np.asarray(direction, dtype=np.longdouble)
    unit = unit / norms_of(unit[None])[0]
    pulls = _pulls(unit[None], neurons)[0]
    return float(np.sum(pulls * signs[:, None] * unit))


def difference_hessian(teacher: Teacher, weights: Array) -> Array:
    """Hessian in the coordinates given, shape (K D, K D), by central differences.

    Where a neuron is parallel to a vector v, the error is about `EPSILON` ** 0.5 times |v| over its
    norm.
    """
    size = weights.size
    hessian = _differences(teacher, weights, np.arange(weights.shape[1])).reshape(size, size)
    return np.asarray((hessian + hessian.T) / 2, dtype=np.float64)


def difference_normal_block(teacher: Teacher, weights: Array) -> Array:
    """Normal block A, shape (K, K): the same in one direction that nothing uses yet."""
    wide = np.hstack([weights, np.zeros((len(weights), 1))])
    last = weights.shape[1]
    block = _differences(teacher, wide, np.array([last]))[:, 0, :, last]
    return np.asarray((block + block.T) / 2, dtype=np.float64)


def _differences(teacher: Teacher, weights: Array, columns: NDArray[np.int64]) -> _Wide:
    """d(gradient)/d(weights[k, column]), shape (K, columns, K, D), one neuron after the other.

    When a neuron moves, only its pairs with the others change.
    """
    neurons, signs = _stacked(teacher, weights)
    width, count = len(weights), len(columns)
    result = np.empty((width, count, *weights.shape), dtype=np.longdouble)
    units = np.eye(weights.shape[1], dtype=np.longdouble)[columns]
    for k in range(width):
        length = np.longdouble(_STEP) * norms_of(neurons[k : k + 1])[0]
        moved = np.concatenate([neurons[k] + length * units, neurons[k] - length * units])
        rest = np.arange(len(neurons)) != k
        own = moved / 2 + np.sum(_pulls(moved, neurons[rest]) * signs[rest][:, None], axis=1)
        result[k, :, k] = (own[:count] - own[count:]) / (2 * length)
        others = _pulls(neurons[:width][rest[:width]], moved)
        change = (others[:, :count] - others[:, count:]) / (2 * length)
        result[k][:, rest[:width]] = change.transpose(1, 0, 2)
    return result


def _pulls(first: _Wide, second: _Wide) -> _Wide:
    """E[1(u.x > 0) relu(v.x) x] for every u of the first and v of the second, (n, m, D)."""
    norms, angles, along, across = planes(first, second)
    phi, factor = _nodes(angles)
    active = factor * np.cos(phi - angles[..., None])
    active *= (norms_of(second) / _pi())[:, None]
    parallel = np.sum(active * np.cos(phi), axis=-1)
    orthogonal = np.sum(active * np.sin(phi), axis=-1)
    pulls = parallel[..., None] * along[:, None] + orthogonal[..., None] * across
    return np.asarray(pulls * (norms > 0)[:, None, None])


def _stacked(teacher: Teacher, weights: Array) -> tuple[_Wide, _Wide]:
    """Students and teachers in the same columns, and their signs in f - f*."""
    columns = weights.shape[1]
    vectors = np.zeros((teacher.size, columns))
    vectors[:, : teacher.rank] = teacher.vectors
    signs = np.concatenate([np.ones(len(weights)), -np.ones(teacher.size)])
    return np.vstack([weights, vectors]).astype(np.longdouble), signs.astype(np.longdouble)


def planes(first: _Wide, second: _Wide) -> tuple[_Wide, _Wide, _Wide, _Wide]:
    """Norms of the first, angles, unit vectors of the first, and n^ for every pair."""
    norms = norms_of(first)
    along = first / np.where(norms > 0, norms, 1)[:, None]
    lengths = along @ second.T
    rest = second[None] - lengths[..., None] * along[:, None]
    heights = norms_of(rest)
    angles = np.arctan2(heights, lengths)
    across = rest / np.where(heights > 0, heights, 1)[..., None]
    return norms, angles, along, across


def norms_of(vectors: _Wide) -> _Wide:
    """Lengths of vectors, shape (.., D)."""
    return np.asarray(np.sqrt(np.sum(vectors * vectors, axis=-1)))


@cache
def _pi() -> np.longdouble:
    return np.longdouble(np.longdouble(4) * np.arctan(np.longdouble(1)))


@cache
def legendre(count: int = 24) -> tuple[_Wide, _Wide]:
    """Gauss-Legendre nodes and weights: those of NumPy, finished by Newton's method."""
    nodes: _Wide = np.polynomial.legendre.leggauss(count)[0].astype(np.longdouble)
    slope: _Wide = nodes
    for _ in range(3):
        before: _Wide = np.ones_like(nodes)
        value: _Wide = nodes
        for degree in range(2, count + 1):
            before, value = (
                value,
                ((2 * degree - 1) * nodes * value - (degree - 1) * before) / degree,
            )
        slope = np.longdouble(count) * (nodes * value - before) / (nodes * nodes - 1)
        nodes = nodes - value / slope
    return nodes, 2 / ((1 - nodes * nodes) * slope * slope)


def _nodes(angles: _Wide) -> tuple[_Wide, _Wide]:
    """Nodes and weights on t - pi/2 < phi < pi/2 for every pair."""
    nodes, weights = legendre()
    half = (_pi() - angles)[..., None] / 2
    return angles[..., None] / 2 + half * nodes, half * weights
