"""Second derivatives at one point: Newton steps and spectra, dense or from products alone.

Up to `DENSE` coordinates the Hessian is formed and all its eigenvalues are computed. Beyond that
only products with it are used: Newton steps by the minimum-residual method, and the lowest
eigenvalues by Lanczos' method, repeated on the complement of what was found until no eigenvalue
that is not positive is left.
"""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh, minres

from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.objective import Array
from landtopo.points.factors import Symmetric, factorised
from landtopo.points.spectrum import with_gauge_lifted, without_gauge
from landtopo.symmetry.isotypic import IsotypicBlock, isotypic_eigenvalues, useful_blocks
from landtopo.symmetry.shared import Shared

__all__ = ["DENSE", "Curvature", "curvature_at", "eigenvalues_without_gauge"]

DENSE = 1600
# A gradient across the space of the symmetries, relative to the trace of the Hessian, that is more
# than rounding.
_ROUNDING = 1e-15
_LANCZOS = 8
_MOST = 400


class Curvature(Protocol):
    """The Hessian at one point, whatever way it is kept."""

    @property
    def gauge(self) -> Array:
        """Orthonormal rows that span the gauge directions, shape (g, K D)."""
        ...

    @property
    def hessian(self) -> Array | None:
        """The Hessian, shape (K D, K D), where it is formed."""
        ...

    def step(self, gradient: Array) -> Array:
        """Newton's step -H^+ grad, gauge and null directions held; shape (K D,)."""
        ...

    def eigenvalues(self) -> tuple[Array, float]:
        """Eigenvalues without gauge, ascending, and the largest size of all eigenvalues.

        All of them from a dense Hessian; otherwise the lowest ones, among them all that are not
        positive.
        """
        ...

    def block(self, neuron: int) -> Array:
        """The diagonal block of one neuron, shape (D, D)."""
        ...


def curvature_at(
    loss: PopulationLoss,
    weights: Array,
    *,
    dense: int = DENSE,
    symmetry: Shared | None = None,
) -> Curvature:
    """The Hessian at a point without zero neurons.

    Parameters
    ----------
    loss : PopulationLoss
        Of a problem with the width of the point.
    weights : ndarray, shape (K, D)
    dense : int
        Largest number of coordinates for which the Hessian is formed.
    symmetry : Shared, optional
        Symmetries of the point, which must lie in the teacher's span. Where that is faster they
        give the eigenvalues, and Newton's steps, which then keep them.
    """
    blocks = useful_blocks(symmetry, weights.size)
    if blocks is not None and weights.size <= dense:
        return _Symmetric(loss, weights, blocks)
    return (_Dense if weights.size <= dense else _Products)(loss, weights)


def eigenvalues_without_gauge(hessian: Array, gauge: Array) -> Array:
    """Eigenvalues on the complement of orthonormal rows, ascending."""
    values = np.linalg.eigvalsh(with_gauge_lifted(hessian, gauge))
    return np.asarray(values[: values.size - len(gauge)], dtype=np.float64)


class _Dense:
    def __init__(self, loss: PopulationLoss, weights: Array) -> None:
        objective = WeightObjective(loss, width=len(weights), columns=weights.shape[1])
        self.columns = weights.shape[1]
        self.hessian: Array | None = objective.hessian(weights.ravel())
        self.gauge = objective.gauge(weights.ravel())
        self._hessian = self.hessian

    @cached_property
    def _factors(self) -> Symmetric | None:
        hessian, gauge = self._hessian, self.gauge
        return factorised(hessian + gauge.T @ gauge if len(gauge) else hessian)

    def step(self, gradient: Array) -> Array:
        hessian, gauge = self._hessian, self.gauge
        if self._factors is not None:
            step = -self._factors.solve(gradient)
            if np.linalg.norm(step) <= 1e6 * np.linalg.norm(gradient):
                return np.asarray(step)
        values, vectors = without_gauge(hessian, gauge)
        keep = np.abs(values) > 1e-12 * np.abs(values).max()
        components = vectors[:, keep].T @ gradient
        return np.asarray(-vectors[:, keep] @ (components / values[keep]))

    def eigenvalues(self) -> tuple[Array, float]:
        values = eigenvalues_without_gauge(self._hessian, self.gauge)
        return values, float(np.abs(values).max(initial=0.5))

    def block(self, neuron: int) -> Array:
        own = slice(neuron * self.columns, (neuron + 1) * self.columns)
        return self._hessian[own, own]


class _Symmetric(_Dense):
    """A dense Hessian that commutes with known symmetries, by its irreducible blocks."""

    def __init__(
        self, loss: PopulationLoss, weights: Array, blocks: tuple[IsotypicBlock, ...]
    ) -> None:
        super().__init__(loss, weights)
        self._blocks = blocks

    def step(self, gradient: Array) -> Array:
        # The gradient is as symmetric as the point, and so is the step.
        basis = self._blocks[0].basis
        across = np.linalg.norm(gradient - basis @ (gradient @ basis))
        if across > _ROUNDING * self._hessian.diagonal().sum():
            return super().step(gradient)
        factors = factorised(basis.T @ (self._hessian @ basis))
        if factors is None:
            return super().step(gradient)
        return np.asarray(-basis @ factors.solve(gradient @ basis))

    def eigenvalues(self) -> tuple[Array, float]:
        values = isotypic_eigenvalues(self._hessian, self._blocks)
        if values is None:
            return super().eigenvalues()
        return values, float(np.abs(values).max(initial=0.5))


class _Products:
    hessian: Array | None = None

    def __init__(self, loss: PopulationLoss, weights: Array) -> None:
        self.loss = loss
        self.weights = weights
        objective = WeightObjective(loss, width=len(weights), columns=weights.shape[1])
        self.gauge = objective.gauge(weights.ravel())

    def _times(self, x: Array) -> Array:
        return self.loss.hvp(self.weights, x.reshape(self.weights.shape)).ravel()

    def _operator(self, held: Array, value: float) -> LinearOperator:
        """The Hessian on the complement of orthonormal rows, `value` on them."""

        def times(x: Array) -> Array:
            x = x.ravel()
            inside = held @ x
            y = self._times(x - inside @ held)
            return np.asarray(y - (held @ y) @ held + value * (inside @ held))

        size = self.weights.size
        return LinearOperator((size, size), matvec=times, dtype=np.float64)

    def step(self, gradient: Array) -> Array:
        scale = float(np.linalg.norm(gradient))
        if scale == 0.0:
            return np.zeros_like(gradient)
        # Scaled, because the method's own stopping tests know absolute sizes.
        found, _ = minres(
            self._operator(self.gauge, 1.0), -gradient / scale, rtol=1e-8, maxiter=4000
        )
        return np.asarray(found * scale)

    def eigenvalues(self) -> tuple[Array, float]:
        size = self.weights.size
        start = np.random.default_rng(0).standard_normal(size)
        top = float(
            eigsh(
                self._operator(self.gauge, 0.0),
                k=1,
                which="LA",
                v0=start,
                tol=1e-3,
                return_eigenvectors=False,
            )[0]
        )
        held = self.gauge
        found: list[Array] = []
        while True:
            values, vectors = eigsh(
                self._operator(held, 2.0 * top),
                k=_LANCZOS,
                which="SA",
                v0=start,
                ncv=8 * _LANCZOS,
                tol=1e-8,
            )
            found.append(np.asarray(values, dtype=np.float64))
            # Copies of a repeated eigenvalue can be missed by one run; what is positive is not
            # counted, so that only the others have to be complete.
            if values[0] > 1e-9 * top or len(found) * _LANCZOS >= min(_MOST, size):
                break
            held = np.vstack([held, np.linalg.qr(vectors)[0].T])
        return np.sort(np.concatenate(found)), top

    def block(self, neuron: int) -> Array:
        columns = self.weights.shape[1]
        moves = np.zeros((columns, *self.weights.shape))
        moves[np.arange(columns), neuron, np.arange(columns)] = 1.0
        block = self.loss.hvp(self.weights, moves)[:, neuron, :]
        return np.asarray(0.5 * (block + block.T))
