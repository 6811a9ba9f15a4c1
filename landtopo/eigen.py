"""Eigenvalues and eigenvectors of symmetric matrices, also where LAPACK gives up.

LAPACK's divide and conquer, which numpy and numba call, is fast and now and then does not converge
on a finite matrix with clustered eigenvalues; symmetric points have many of those. Rotations
(Jacobi's method) are slow and converge always.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from landtopo.objective import Array

__all__ = ["eigh"]


def eigh(matrix: ArrayLike) -> tuple[Array, Array]:
    """Eigenvalues in ascending order, and eigenvectors as columns.

    Parameters
    ----------
    matrix : array_like, shape (..., n, n)
        Symmetric; its lower triangle counts.

    Returns
    -------
    values : ndarray, shape (..., n)
    vectors : ndarray, shape (..., n, n)
    """
    given = np.asarray(matrix, dtype=np.float64)
    try:
        values, vectors = np.linalg.eigh(given)
    except np.linalg.LinAlgError:
        if not np.all(np.isfinite(given)):
            raise
        from landtopo.kernels.eigen import rotated

        lower = np.tril(given)
        whole = lower + np.swapaxes(np.tril(given, -1), -1, -2)
        found = [rotated(one) for one in whole.reshape(-1, *given.shape[-2:])]
        values = np.reshape([one for one, _ in found], given.shape[:-1])
        vectors = np.reshape([one for _, one in found], given.shape)
    return values, vectors
