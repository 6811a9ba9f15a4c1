"""The Hessian's spectrum at one point, with the gauge directions taken out exactly.

A gauge direction comes from the group action, not from a small eigenvalue: the Hessian is
restricted to the complement of the rows that `Objective.gauge` returns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.linalg import eigh

from landtopo.objective import Array, Objective

__all__ = ["Spectrum", "spectrum", "without_gauge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """Eigenvalues and eigenvectors of a Hessian on the complement of the gauge directions.

    Attributes
    ----------
    eigenvalues : ndarray, shape (size - g,)
        In ascending order.
    vectors : ndarray, shape (size, size - g)
        Orthonormal eigenvectors, one a column.
    gauge : int
        Number g of gauge directions that were taken out.
    zero_tolerance : float
        Eigenvalues not larger than this in size count as zero.
    """

    eigenvalues: Array
    vectors: Array
    gauge: int
    zero_tolerance: float

    @property
    def index(self) -> int:
        """Number of negative eigenvalues."""
        return int(np.sum(self.eigenvalues < -self.zero_tolerance))

    @property
    def nullity(self) -> int:
        """Number of zero eigenvalues, gauge directions not counted."""
        return int(np.sum(np.abs(self.eigenvalues) <= self.zero_tolerance))

    @property
    def gap(self) -> float:
        """Smallest size of a non-zero eigenvalue over the largest size of a zero one."""
        sizes = np.abs(self.eigenvalues)
        zero = sizes <= self.zero_tolerance
        if not zero.any() or zero.all():
            return float("inf")
        largest = float(sizes[zero].max())
        return float(sizes[~zero].min()) / largest if largest > 0 else float("inf")


def without_gauge(hessian: Array, gauge: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of a Hessian on the complement of the gauge directions.

    Parameters
    ----------
    hessian : ndarray, shape (n, n)
    gauge : ndarray, shape (g, n)
        Orthonormal rows.

    Returns
    -------
    eigenvalues : ndarray, shape (n - g,)
        Ascending.
    vectors : ndarray, shape (n, n - g)
    """
    if not gauge.shape[0]:
        values, vectors = eigh(hessian)
        return values, vectors
    # P H P + s G^T G with s above the spectrum of H: the gauge directions become the last
    # eigenvectors, and the others are those of P H P to rounding.
    shift = 4.0 * float(np.abs(hessian).sum(axis=1).max()) + 1.0
    half = gauge @ hessian
    corner = half @ gauge.T
    projected = hessian - gauge.T @ half - half.T @ gauge
    projected += gauge.T @ (corner + shift * np.eye(gauge.shape[0])) @ gauge
    values, vectors = eigh(projected)
    keep = hessian.shape[0] - gauge.shape[0]
    return values[:keep], vectors[:, :keep]


def spectrum(objective: Objective, x: Array, *, zero_tolerance: float = 1e-9) -> Spectrum:
    """Spectrum of the Hessian at one point.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
    zero_tolerance : float
        Relative to the largest eigenvalue's size: below it an eigenvalue counts as zero.
    """
    gauge = objective.gauge(x)
    values, vectors = without_gauge(objective.hessian(x), gauge)
    scale = float(np.abs(values).max()) if values.size else 1.0
    return Spectrum(
        eigenvalues=values,
        vectors=vectors,
        gauge=gauge.shape[0],
        zero_tolerance=zero_tolerance * scale,
    )
