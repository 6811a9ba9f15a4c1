"""Proofs about critical points that are next to another one, for an exact Gram matrix.

Where two critical points are nearly one, the Hessian is nearly singular, and what is rounded, in
the weights or in the teacher's vectors, moves the points by more than they are apart, or breaks the
symmetry that lets them meet. Here the teacher is the one whose Gram matrix T is the given doubles,
exactly: its vectors are the Cholesky factor of T, enclosed in balls. The weights are solved for
with all digits of the arithmetic, and the test is that of `landtopo.proofs.certification`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from landtopo.objective import Array
from landtopo.proofs.certification import (
    Certificate,
    CertificateStatus,
    CertifyOptions,
    KrawczykTest,
    entries,
    free_places,
    submatrix,
)
from landtopo.proofs.enclosures import matrix, midpoints, networks, require_flint
from landtopo.proofs.kernels import LeakyKernel, NetworkFunction

if TYPE_CHECKING:
    from flint import arb, arb_mat

__all__ = ["ExactTeacher"]

_BITS = 192
_STEPS = 12
# Newton's steps double the digits, and stop at this many bits of the weights.
_EXACT = 2.0**-150


class ExactTeacher:
    """A teacher of independent vectors with an exact Gram matrix.

    Parameters
    ----------
    gram : ndarray, shape (M, M)
        T, to be taken as it is.
    slope : float
        Of the activation below zero; 0 is ReLU.

    Raises
    ------
    LandtopoError
        If python-flint is missing.
    """

    def __init__(self, gram: Array, slope: float = 0.0) -> None:
        require_flint()
        import flint

        self.rank = len(gram)
        self._scale = float(np.sqrt(np.diag(gram).max()))
        with flint.ctx.workprec(_BITS):
            vectors = _cholesky(gram)
            self._network = networks(vectors, NetworkFunction(LeakyKernel(slope)))
            self.vectors = midpoints(vectors)

    def solve(self, weights: Array, pivots: list[int]) -> arb_mat | None:
        """The critical point that Newton's method finds, to about 45 digits, or None.

        Parameters
        ----------
        weights : ndarray, shape (K, M + e)
            In coordinates in which the teacher's vectors are `vectors`.
        pivots : list of int
            One row for each of the e columns, in which the columns after it are zero and stay so.
        """
        import flint

        places = free_places(weights.shape, self.rank, pivots)
        with flint.ctx.workprec(_BITS):
            now = matrix(weights)
            for _ in range(_STEPS):
                network = self._network(now)
                slope = entries(network.gradient(), places).mid()
                bend = submatrix(network.hessian(), places).mid()
                try:
                    step = bend.solve(slope, algorithm="approx")
                except ZeroDivisionError:
                    return None
                size = max(float(abs(x).upper()) for x in step.entries())
                if not size < self._scale:
                    return None
                now = _moved(now, step, places)
                if size < _EXACT * self._scale:
                    return now
        return None

    def certificate(self, point: arb_mat, pivots: list[int]) -> Certificate:
        """What is proved of a point, in infinite dimension.

        Parameters
        ----------
        point : arb_mat, shape (K, M + e)
            As `solve` returns it.
        pivots : list of int
        """
        import flint

        centre = midpoints(point)
        refused = Certificate(
            weights=centre,
            dropped=0.0,
            eigenvalue_bounds=np.empty((0, 2)),
            normal_bounds=np.empty((0, 2)),
            normal_multiplicity=len(centre) - (centre.shape[1] - self.rank),
            options=CertifyOptions(precision=_BITS),
            status=CertificateStatus.NOT_PROVED,
        )
        with flint.ctx.workprec(_BITS):
            test = KrawczykTest(point, self._network, self.rank, pivots)
            return test.certificate(refused, self._scale)


def _cholesky(gram: Array) -> arb_mat:
    """L with L L^T = T, lower triangular."""
    from flint import arb

    size = len(gram)
    table: list[list[arb]] = [[arb(0)] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = arb(float(gram[i, j]))
            rest -= sum((table[i][k] * table[j][k] for k in range(j)), arb(0))
            table[i][j] = rest.sqrt() if i == j else rest / table[j][j]
    return _matrix(table)


def _moved(now: arb_mat, step: arb_mat, places: np.ndarray) -> arb_mat:
    moved = now.entries()
    for place, change in zip(places.tolist(), step.entries(), strict=True):
        moved[place] = (moved[place] - change).mid()
    return _matrix([moved[i : i + now.ncols()] for i in range(0, len(moved), now.ncols())])


def _matrix(table: list[list[arb]]) -> arb_mat:
    from flint import arb_mat

    return arb_mat(len(table), len(table[0]), [entry for row in table for entry in row])
