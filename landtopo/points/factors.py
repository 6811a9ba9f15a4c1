"""Factorisations of one Hessian: what they cost is a fraction of its eigenvectors.

A symmetric factorisation P^T H P = L D L^T solves for Newton's step and, by Sylvester's law of
inertia, tells how many eigenvalues are negative: each 1 x 1 block of D has the sign of one, each
2 x 2 block of one negative and one positive one (Bunch, Kaufman, Math. Comput. 31, 163 (1977)).
Cholesky's exists if and only if all are positive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import lapack

from landtopo.eigen import eigh
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Positive", "Symmetric", "cholesky", "factorised", "lowest_modes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symmetric(Brief):
    """A symmetric matrix, factorised.

    Attributes
    ----------
    negative : int
        Number of negative eigenvalues; those within rounding of zero count as either.
    """

    negative: int
    _factors: Array = field(repr=False)
    _pivots: Array = field(repr=False)

    def solve(self, right: Array) -> Array:
        """Solution of H x = right, shape (n,)."""
        solution, _ = lapack.dsytrs(self._factors, self._pivots, right, lower=1)
        return np.asarray(solution).reshape(right.shape)


def factorised(matrix: Array) -> Symmetric | None:
    """Factors of a symmetric matrix; None if it is singular to the last digit.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
    """
    if not np.all(np.isfinite(matrix)):
        return None
    factors, pivots, info = lapack.dsytrf(matrix.T, lower=1, lwork=64 * matrix.shape[0])
    if info != 0:
        return None
    single = pivots > 0
    # Both pivots of a 2 x 2 block are marked.
    negative = int(np.sum(np.diagonal(factors)[single] < 0.0)) + int(np.sum(~single)) // 2
    return Symmetric(negative=negative, _factors=factors, _pivots=pivots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Positive(Brief):
    """A positive definite matrix, factorised."""

    _factor: Array = field(repr=False)

    def solve(self, right: Array) -> Array:
        """Solution of H x = right, shape (n,)."""
        solution, _ = lapack.dpotrs(self._factor, right, lower=1)
        return np.asarray(solution).reshape(right.shape)


def cholesky(matrix: Array) -> Positive | None:
    """Cholesky's factors of a symmetric matrix; None if it is not positive definite.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
    """
    factor, info = lapack.dpotrf(matrix.T, lower=1, clean=0)
    if info != 0 or not np.all(np.isfinite(np.diagonal(factor))):
        return None
    return Positive(_factor=factor)


def lowest_modes(matrix: Array, count: int) -> tuple[Array, Array]:
    """The lowest eigenvalues of a symmetric matrix, ascending, and their eigenvectors.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
    count : int
        How many, at least 1 and at most n.

    Returns
    -------
    values : ndarray, shape (count,)
    vectors : ndarray, shape (n, count)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the iteration fails, which it does where a number is not finite.
    """
    if not np.all(np.isfinite(matrix)):
        raise np.linalg.LinAlgError("The matrix has entries that are not finite.")
    if 4 * count > matrix.shape[0]:
        values, vectors = eigh(matrix)
        return values[:count], vectors[:, :count]
    values, vectors, found, _, info = lapack.dsyevr(matrix.T, range="I", il=1, iu=count)
    if info != 0 or found != count:
        raise np.linalg.LinAlgError("The lowest eigenvalues did not converge.")
    return np.asarray(values[:count]), np.asarray(vectors[:, :count])
