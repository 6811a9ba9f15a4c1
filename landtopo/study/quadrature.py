"""The loss and its derivatives by quadrature, sharing nothing with the closed forms.

Two neurons u, v span a plane. There the input is a two-dimensional Gaussian with polar coordinates
(rho, phi), phi measured from u towards v, which lies at the angle t. Both neurons are active for
t - pi/2 < phi < pi/2, the radial integral of rho^3 exp(-rho^2/2) is 2, and

    E[relu(u.x) relu(v.x)]  = |u||v|/pi  int cos(phi) cos(phi - t) dphi,
    E[1(u.x > 0) relu(v.x) x] = |v|/pi   int cos(phi - t) (cos(phi) u^ + sin(phi) n^) dphi,

with n^ the unit vector of the part of v orthogonal to u. Gauss-Legendre nodes integrate these
trigonometric polynomials to rounding. Second derivatives are central differences of the gradient.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.problem import Teacher

__all__ = ["difference_hessian", "difference_normal_block", "quadrature_gradient",
           "quadrature_loss"]  # fmt: skip

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def quadrature_loss(teacher: Teacher, weights: Array) -> float:
    """Population loss of weights (K, r + E), with an absolute error of rounding."""
    neurons, signs = _stacked(teacher, weights)
    norms, angles, _, _ = _planes(neurons, neurons)
    phi, factor = _nodes(angles)
    integral = np.sum(factor * np.cos(phi) * np.cos(phi - angles[..., None]), axis=-1)
    return float(0.5 * signs @ (np.outer(norms, norms) * integral / np.pi) @ signs)


def quadrature_gradient(teacher: Teacher, weights: Array) -> Array:
    """dL/dW, shape (K, r + E); rows of zero neurons are zero."""
    neurons, signs = _stacked(teacher, weights)
    return np.asarray(np.einsum("j,kjd->kd", signs, _pulls(weights, neurons)))


def difference_hessian(teacher: Teacher, weights: Array, *, step: float = 1e-7) -> Array:
    """Hessian in the coordinates given, shape (K D, K D), by central differences.

    The step is in units of the norm of the neuron that moves. Where that is parallel to a vector v
    the loss has no third derivative, and the error is about the step times |v| over the norm;
    elsewhere rounding over the step, about 1e-9 times the same ratio, dominates.
    """
    size = weights.size
    hessian = _differences(teacher, weights, np.arange(weights.shape[1]), step).reshape(size, size)
    return (hessian + hessian.T) / 2


def difference_normal_block(teacher: Teacher, weights: Array, *, step: float = 1e-7) -> Array:
    """Normal block A, shape (K, K): the same in one direction that nothing uses yet."""
    wide = np.hstack([weights, np.zeros((len(weights), 1))])
    last = weights.shape[1]
    block = _differences(teacher, wide, np.array([last]), step)[:, 0, :, last]
    return (block + block.T) / 2


def _differences(
    teacher: Teacher, weights: Array, columns: NDArray[np.int64], step: float
) -> Array:
    """d(gradient)/d(weights[k, column]), shape (K, columns, K, D), one neuron after the other.

    When a neuron moves, only its pairs with the others change.
    """
    neurons, signs = _stacked(teacher, weights)
    width, count = len(weights), len(columns)
    result = np.empty((width, count, *weights.shape))
    units = np.eye(weights.shape[1])[columns]
    for k in range(width):
        length = step * float(np.linalg.norm(weights[k]))
        moved = np.concatenate([weights[k] + length * units, weights[k] - length * units])
        rest = np.arange(len(neurons)) != k
        own = moved / 2 + np.einsum("j,njd->nd", signs[rest], _pulls(moved, neurons[rest]))
        result[k, :, k] = (own[:count] - own[count:]) / (2 * length)
        others = _pulls(weights[rest[:width]], moved)
        change = (others[:, :count] - others[:, count:]) / (2 * length)
        result[k][:, rest[:width]] = change.transpose(1, 0, 2)
    return result


def _pulls(first: Array, second: Array) -> Array:
    """E[1(u.x > 0) relu(v.x) x] for every u of the first and v of the second, (n, m, D)."""
    norms, angles, along, across = _planes(first, second)
    phi, factor = _nodes(angles)
    active = factor * np.cos(phi - angles[..., None])
    active *= (np.linalg.norm(second, axis=1) / np.pi)[:, None]
    parallel = np.sum(active * np.cos(phi), axis=-1)
    orthogonal = np.sum(active * np.sin(phi), axis=-1)
    pulls = parallel[..., None] * along[:, None] + orthogonal[..., None] * across
    return np.asarray(pulls * (norms > 0)[:, None, None])


def _stacked(teacher: Teacher, weights: Array) -> tuple[Array, Array]:
    """Students and teachers in the same columns, and their signs in f - f*."""
    columns = weights.shape[1]
    vectors = np.zeros((teacher.size, columns))
    vectors[:, : teacher.rank] = teacher.vectors
    signs = np.concatenate([np.ones(len(weights)), -np.ones(teacher.size)])
    return np.vstack([weights, vectors]), signs


def _planes(first: Array, second: Array) -> tuple[Array, Array, Array, Array]:
    """Norms of the first, angles, unit vectors of the first, and n^ for every pair."""
    norms = np.linalg.norm(first, axis=1)
    along = first / np.where(norms > 0, norms, 1.0)[:, None]
    lengths = along @ second.T
    rest = second[None] - lengths[..., None] * along[:, None]
    heights = np.linalg.norm(rest, axis=2)
    angles = np.arctan2(heights, lengths)
    across = rest / np.where(heights > 0, heights, 1.0)[..., None]
    return norms, angles, along, across


def _nodes(angles: Array) -> tuple[Array, Array]:
    """Nodes and weights on t - pi/2 < phi < pi/2 for every pair."""
    half = (np.pi - angles)[..., None] / 2
    return angles[..., None] / 2 + half * _NODES, half * _WEIGHTS
