"""The null space of a Hessian at a critical point, cut out by the widest gap in its spectrum.

No fixed threshold tells a zero eigenvalue from a small one. What can be known depends on the point:
along a null direction with the cubic law c s^3, a residual gradient g leaves the point displaced by
s = sqrt(g / 3c), where the eigenvalue is 6 c s = sqrt(12 c g). So eigenvalues up to

    resolution = sqrt(12 c g),    c ~ (largest eigenvalue) / (distance within which L is smooth),

with g no less than the rounding of the gradient, may be zero; along flat directions and steeper
laws they are smaller. Sorted by size, and with everything below the resolution lifted to it, the
spectrum is cut where the ratio of neighbours is largest, among the cuts whose zero side the
resolution explains. The ratio of the true eigenvalues on both sides is reported as the gap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.points.spectrum import without_gauge
from landtopo.shown import Brief

__all__ = [
    "NullSpace",
    "SpectralCut",
    "cut_at",
    "null_space",
    "resolution",
    "smaller_null_space",
    "spectral_cut",
]

# Rounding of a dense symmetric eigenvalue problem: a few units per dimension.
_ROUNDING = 4.0 * np.finfo(float).eps
# The cubic coefficient c is known up to a factor; its square root is within this.
_MARGIN = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectralCut(Brief):
    """Where a spectrum was cut into zero and non-zero eigenvalues.

    Attributes
    ----------
    nullity : int
        Number of eigenvalues that count as zero.
    gap : float
        Smallest non-zero size over the largest zero one (or over the rounding level if larger).
    largest_zero, smallest_nonzero : float
        Sizes on both sides of the cut; 0 and infinity where a side is empty.
    rounding : float
        Rounding of the eigenvalues.
    resolution : float
        Size up to which an eigenvalue may be zero at this point.
    """

    nullity: int
    gap: float
    largest_zero: float
    smallest_nonzero: float
    rounding: float
    resolution: float

    @property
    def threshold(self) -> float:
        """A size between the zero and the non-zero eigenvalues."""
        if not np.isfinite(self.smallest_nonzero):
            return float("inf")
        return float(np.sqrt(max(self.largest_zero, self.rounding) * self.smallest_nonzero))


@dataclass(frozen=True, slots=True, kw_only=True)
class NullSpace(Brief):
    """Null space of a Hessian, its gauge part apart.

    Attributes
    ----------
    gauge : ndarray, shape (g, size)
        Orthonormal rows from the group action.
    basis : ndarray, shape (nullity, size)
        Orthonormal null directions that are orthogonal to the gauge.
    eigenvalues : ndarray, shape (size - g,)
        Ascending, gauge directions taken out.
    eigenvectors : ndarray, shape (size - g, size)
        One a row, in the order of the eigenvalues.
    zero : ndarray of bool, shape (size - g,)
        Which eigenvalues count as zero.
    cut : SpectralCut
    gauge_residual : float
        Largest |H t| over the gauge directions t; rounding level at a critical point.
    """

    gauge: Array
    basis: Array
    eigenvalues: Array
    eigenvectors: Array
    zero: np.ndarray[tuple[int], np.dtype[np.bool_]]
    cut: SpectralCut
    gauge_residual: float

    @property
    def nullity(self) -> int:
        """Number of null directions besides the gauge."""
        return int(self.basis.shape[0])

    @property
    def index(self) -> int:
        """Number of negative eigenvalues."""
        return int(np.sum(self.eigenvalues[~self.zero] < 0))


def resolution(scale: float, *, grad_norm: float, norm: float, reach: float) -> float:
    """Size up to which a Hessian eigenvalue may be zero at a nearly critical point.

    Parameters
    ----------
    scale : float
        Largest eigenvalue.
    grad_norm : float
        Norm of the gradient at the point.
    norm : float
        Norm of the point, for the rounding of the gradient.
    reach : float
        Distance within which the function is smooth.

    Returns
    -------
    float
    """
    gradient = max(grad_norm, float(_ROUNDING) * scale * max(norm, reach))
    return float(np.sqrt(12 * scale / reach * gradient))


def spectral_cut(sizes: Array, dimension: int, *, resolved: float) -> SpectralCut:
    """Cut a spectrum at its widest gap.

    Parameters
    ----------
    sizes : ndarray, shape (n,)
        Absolute eigenvalues, in any order.
    dimension : int
        Dimension of the matrix, for the rounding level.
    resolved : float
        Size up to which an eigenvalue may be zero, see `resolution`.

    Returns
    -------
    SpectralCut
    """
    ordered = np.sort(sizes)
    scale = float(ordered[-1]) if ordered.size else 0.0
    if scale == 0.0:
        return SpectralCut(
            nullity=len(ordered),
            gap=float("inf"),
            largest_zero=0.0,
            smallest_nonzero=float("inf"),
            rounding=0.0,
            resolution=resolved,
        )
    rounding = float(_ROUNDING) * dimension * scale
    level = max(rounding, resolved)
    lifted = np.concatenate([[level], np.maximum(ordered, level)])
    ratios = lifted[1:] / lifted[:-1]
    ratios[lifted[:-1] > _MARGIN * level] = 0.0
    # The lowest of equal ratios: nothing is called zero without a reason.
    return cut_at(ordered, int(np.argmax(ratios)), rounding=rounding, resolved=resolved)


def cut_at(sizes: Array, nullity: int, *, rounding: float, resolved: float) -> SpectralCut:
    """Cut a spectrum where the nullity is known.

    Parameters
    ----------
    sizes : ndarray, shape (n,)
        Absolute eigenvalues, in any order.
    nullity : int
        How many of them are zero, less than n.
    rounding, resolved : float
        Kept in the result.

    Returns
    -------
    SpectralCut
    """
    ordered = np.sort(sizes)
    largest = float(ordered[nullity - 1]) if nullity else 0.0
    return SpectralCut(
        nullity=nullity,
        gap=float(ordered[nullity]) / max(largest, rounding),
        largest_zero=largest,
        smallest_nonzero=float(ordered[nullity]),
        rounding=rounding,
        resolution=resolved,
    )


def null_space(objective: Objective, x: Array, *, reach: float) -> NullSpace:
    """Null space of the Hessian at a critical point.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
        The critical point, its gradient as small as rounding allows.
    reach : float
        Distance within which the objective is smooth.

    Returns
    -------
    NullSpace
    """
    gauge = objective.gauge(x)
    hessian = objective.hessian(x)
    values, columns = without_gauge(hessian, gauge)
    _, gradient = objective.value_and_gradient(x)
    resolved = resolution(
        float(np.abs(values).max(initial=0.0)),
        grad_norm=float(np.linalg.norm(gradient)),
        norm=float(np.linalg.norm(x)),
        reach=reach,
    )
    cut = spectral_cut(np.abs(values), objective.size, resolved=resolved)
    zero = np.zeros(len(values), dtype=np.bool_)
    zero[np.argsort(np.abs(values), kind="stable")[: cut.nullity]] = True
    rows = np.ascontiguousarray(columns.T)
    residual = np.linalg.norm(gauge @ hessian, axis=1).max(initial=0.0)
    return NullSpace(
        gauge=gauge,
        basis=rows[zero],
        eigenvalues=values,
        eigenvectors=rows,
        zero=zero,
        cut=cut,
        gauge_residual=float(residual),
    )


def smaller_null_space(null: NullSpace, nullity: int) -> NullSpace:
    """The same spectrum with only the `nullity` smallest eigenvalues called zero.

    For eigenvalues that turned out to be small and not zero, by the growth of the function.
    """
    sizes = np.abs(null.eigenvalues)
    zero = np.zeros(len(sizes), dtype=np.bool_)
    zero[np.argsort(sizes, kind="stable")[:nullity]] = True
    return replace(
        null,
        basis=null.eigenvectors[zero],
        zero=zero,
        cut=cut_at(sizes, nullity, rounding=null.cut.rounding, resolved=null.cut.resolution),
    )
