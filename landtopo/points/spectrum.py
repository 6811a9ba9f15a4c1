"""The Hessian's spectrum at one point, with the gauge directions taken out exactly.

A gauge direction comes from the group action, not from a small eigenvalue: the Hessian is
restricted to the complement of the rows that `Objective.gauge` returns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.linalg import eigh

from landtopo.objective import Array, Objective
from landtopo.points.factors import lowest_modes
from landtopo.shown import Brief
from landtopo.tolerances import ZERO_CURVATURE

__all__ = ["Spectrum", "lowest_spectrum", "spectrum", "with_gauge_lifted", "without_gauge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum(Brief):
    """Eigenvalues and eigenvectors of a Hessian on the complement of the gauge directions.

    Attributes
    ----------
    eigenvalues : ndarray, shape (m,)
        In ascending order: all size - g of them, or the lowest ones, all that are not positive
        and a positive one among them; or those of a space that symmetries fix.
    vectors : ndarray, shape (size, m)
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
    values, vectors = eigh(with_gauge_lifted(hessian, gauge))
    keep = hessian.shape[0] - gauge.shape[0]
    return values[:keep], vectors[:, :keep]


def with_gauge_lifted(hessian: Array, gauge: Array) -> Array:
    """P H P + s G^T G, P the projection off the gauge directions, s far above the spectrum of H.

    The gauge directions become its last eigenvectors; the others are those of P H P to rounding.

    Parameters
    ----------
    hessian : ndarray, shape (n, n)
    gauge : ndarray, shape (g, n)
        Orthonormal rows.
    """
    if not gauge.shape[0]:
        return hessian
    shift = 4.0 * float(np.abs(hessian).sum(axis=1).max()) + 1.0
    half = gauge @ hessian
    corner = half @ gauge.T
    projected = hessian - gauge.T @ half - half.T @ gauge
    projected += gauge.T @ (corner + shift * np.eye(gauge.shape[0])) @ gauge
    return np.asarray(projected)


def lowest_spectrum(
    hessian: Array, gauge: Array, *, zero_tolerance: float = ZERO_CURVATURE
) -> Spectrum:
    """The part of a Hessian's spectrum that decides index and nullity.

    Parameters
    ----------
    hessian : ndarray, shape (n, n)
    gauge : ndarray, shape (g, n)
        Orthonormal rows.
    zero_tolerance : float
        Relative to the largest row sum of |H|, which bounds the size of the eigenvalues.
    """
    tolerance = zero_tolerance * float(np.abs(hessian).sum(axis=1).max(initial=0.0))
    lifted = with_gauge_lifted(hessian, gauge)
    most = hessian.shape[0] - gauge.shape[0]
    count = min(3, most)
    while True:
        values, vectors = lowest_modes(lifted, count)
        if count == most or values[-1] > tolerance:
            break
        count = min(4 * count, most)
    return Spectrum(
        eigenvalues=values, vectors=vectors, gauge=gauge.shape[0], zero_tolerance=tolerance
    )


def spectrum(objective: Objective, x: Array, *, zero_tolerance: float = ZERO_CURVATURE) -> Spectrum:
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
