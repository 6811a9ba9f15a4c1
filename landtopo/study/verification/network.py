"""What a network is made of, straight from its weights: zero, parallel and outside neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landtopo.objective import Array

__all__ = ["Parts", "gauge_directions", "parts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Neurons that are zero, and those that share a direction.

    Attributes
    ----------
    zero : tuple of int
        Neurons without a length.
    groups : tuple of tuples of int
        The others, those of one direction together.
    vectors : ndarray, shape (m, D)
        Sum of the weights of each group: the reduced network.
    """

    zero: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    vectors: Array

    @property
    def live(self) -> list[int]:
        """Neurons that are not zero, in order."""
        return sorted(k for group in self.groups for k in group)


def parts_of(
    weights: Array, *, angle: float = 1e-5, zero: float = 1e-7, scale: float = 0.0
) -> Parts:
    """Groups of parallel neurons within an angle in radians of their longest member.

    Parameters
    ----------
    weights : ndarray, shape (K, D)
    angle : float
    zero : float
        Length of a zero neuron, relative to the longest one or to `scale`.
    scale : float
    """
    norms = np.linalg.norm(weights, axis=1)
    least = zero * max(float(norms.max(initial=0.0)), scale)
    groups: list[list[int]] = []
    for k in np.argsort(-norms, kind="stable").tolist():
        if norms[k] <= least:
            break
        unit = weights[k] / norms[k]
        for group in groups:
            leader = weights[group[0]] / norms[group[0]]
            if np.linalg.norm(unit - leader) <= angle:
                group.append(k)
                break
        else:
            groups.append([k])
    groups.sort(key=min)
    vectors = np.array([weights[group].sum(axis=0) for group in groups])
    return Parts(
        zero=tuple(np.flatnonzero(norms <= least).tolist()),
        groups=tuple(tuple(sorted(group)) for group in groups),
        vectors=vectors.reshape(len(groups), weights.shape[1]),
    )


def gauge_directions(weights: Array, rank: int) -> Array:
    """Orthonormal rows, shape (g, K D): infinitesimal rotations of the columns outside the span."""
    width, columns = weights.shape
    rows = []
    for first in range(rank, columns):
        for second in range(first + 1, columns):
            move = np.zeros((width, columns))
            move[:, first], move[:, second] = -weights[:, second], weights[:, first]
            rows.append(move.ravel())
    if not rows:
        return np.zeros((0, weights.size))
    _, sizes, axes = np.linalg.svd(np.array(rows), full_matrices=False)
    return np.asarray(axes[sizes > 1e-9 * max(float(sizes.max()), 1e-300)])
