"""The gradient and psi in plain NumPy, for integrations that need many of them.

dL/dW = A W + B V with coefficients that depend on angles and norms alone (docs/mathematics.md),
and the gradient of E[relu(u.x) relu(v.x)] by u. What they lead to is judged by quadrature.
"""

from __future__ import annotations

import numpy as np

from landtopo.objective import Array

__all__ = ["gradient", "slopes"]


def gradient(weights: Array, vectors: Array) -> Array:
    """dL/dW, shape (K, D); rows of zero neurons are zero.

    Parameters
    ----------
    weights : ndarray, shape (K, D)
    vectors : ndarray, shape (M, D)
        The teacher's.
    """
    width = len(weights)
    neurons = np.vstack([weights, vectors])
    signs = np.concatenate([np.ones(width), -np.ones(len(vectors))])
    norms = np.sqrt(np.sum(neurons * neurons, axis=1))
    units = neurons / np.maximum(norms, 1e-300)[:, None]
    angles = _angles(units[:width], units)
    turned = np.sin(angles) @ (signs * norms) / np.maximum(norms[:width], 1e-300)
    result = ((np.pi - angles) * signs) @ neurons + turned[:, None] * weights
    return np.asarray(np.where(norms[:width, None] > 0, result / (2 * np.pi), 0.0))


def slopes(directions: Array, weights: Array, vectors: Array) -> tuple[Array, Array]:
    """Psi at unit directions, shape (n, D), and its gradient across each, shape (n, D)."""
    neurons = np.vstack([weights, vectors])
    signs = np.concatenate([np.ones(len(weights)), -np.ones(len(vectors))])
    norms = np.sqrt(np.sum(neurons * neurons, axis=1))
    angles = _angles(directions, neurons / np.maximum(norms, 1e-300)[:, None])
    along = np.sin(angles) @ (signs * norms)
    full = (((np.pi - angles) * signs) @ neurons + along[:, None] * directions) / (2 * np.pi)
    values = np.sum(full * directions, axis=1)
    return values, full - values[:, None] * directions


def _angles(first: Array, second: Array) -> Array:
    """Angles between unit vectors, accurate where they are small or close to pi."""
    cosines = first @ second.T
    angles = np.arccos(np.clip(cosines, -1.0, 1.0))
    rows, columns = np.nonzero(np.abs(cosines) > 0.999)
    one, other = first[rows], second[columns]
    apart, together = (np.sqrt(np.sum(x * x, axis=1)) for x in (one - other, one + other))
    angles[rows, columns] = 2.0 * np.arctan2(apart, together)
    return np.asarray(angles)
