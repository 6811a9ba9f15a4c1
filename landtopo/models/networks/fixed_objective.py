"""The population loss on the space of weights that symmetries fix, as an `Objective`.

One neuron of each orbit stands for all of it: the loss is a sum over pairs in which each row counts
as often as its orbit has neurons, and only the rows of representatives are computed. Points are
made with the representatives first, which the kernels want; the order does not change the loss.
"""

from __future__ import annotations

import numpy as np

from landtopo.kernels import curvature, relu
from landtopo.models.networks.loss import WeightObjective
from landtopo.models.networks.symmetry.fixed_space import FixedSpace
from landtopo.objective import Array, FlowCurve, Pace

__all__ = ["FixedSpaceObjective"]


class FixedSpaceObjective:
    """The loss in orthonormal coordinates y of a fixed space, W.ravel() = basis @ y.

    Parameters
    ----------
    whole : WeightObjective
        In all coordinates.
    space : FixedSpace
    """

    def __init__(self, whole: WeightObjective, space: FixedSpace) -> None:
        self.whole = whole
        self.space = space
        count, columns = len(space.representatives), whole.columns
        others = np.ones(whole.width, dtype=bool)
        others[space.representatives] = False
        blocks = space.basis.reshape(whole.width, columns, -1)
        ordered = np.concatenate([blocks[space.representatives], blocks[others]])
        self._basis = ordered.reshape(whole.size, -1)
        self._across = np.ascontiguousarray(self._basis.T)
        self._counts = space.multiplicities.astype(np.float64)
        rows = self._basis[: count * columns]
        self._weighted = np.repeat(self._counts, columns)[:, None] * rows
        self._weighted_across = np.ascontiguousarray(self._weighted.T)

    @property
    def size(self) -> int:
        """Number of coordinates of the space."""
        return int(self._basis.shape[1])

    def value(self, y: Array) -> Array:
        """Losses, shape () or (n,)."""
        values, _ = relu.batch_orbits(
            self._weights(y), self.whole.rows, self.whole.constant, self._counts, False
        )
        return np.asarray(values.reshape(y.shape[:-1]))

    def value_and_gradient(self, y: Array) -> tuple[Array, Array]:
        """Losses and gradients with respect to y."""
        values, rows = relu.batch_orbits(
            self._weights(y), self.whole.rows, self.whole.constant, self._counts, True
        )
        gradients = rows.reshape(len(rows), -1) @ self._weighted
        return np.asarray(values.reshape(y.shape[:-1])), np.asarray(gradients.reshape(y.shape))

    def hessian(self, y: Array) -> Array:
        """Hessian at one point, shape (size, size)."""
        return np.asarray(self.hessians(y[None])[0])

    def hessians(self, y: Array) -> Array:
        """Hessians at points (n, size), shape (n, size, size)."""
        count = len(self._counts)
        rows = curvature.hessian_rows(self._weights(y), self.whole.rows, count)
        half = rows.reshape(len(y), count * self.whole.columns, len(self._basis)) @ self._basis
        found = self._weighted_across @ half
        return np.asarray(0.5 * (found + np.swapaxes(found, 1, 2)))

    def gauge(self, y: Array) -> Array:
        """Orthonormal rows that span the gauge directions; turns outside the span stay inside."""
        basis = self.space.basis
        return np.asarray(self.whole.gauge(basis @ y) @ basis)

    def flow(self, y: Array, pace: Pace) -> FlowCurve:
        """A stretch of the gradient flow, held in the space."""
        basis = self.space.basis
        found = self.whole.flow(basis @ y, pace, space=basis)
        return found._replace(points=found.points @ basis, slopes=found.slopes @ basis)

    def _weights(self, y: Array) -> Array:
        points = y @ self._across
        return np.asarray(points.reshape(-1, self.whole.width, self.whole.columns))
