"""The loss on the directions along which its curvature vanishes, and where branches leave there.

With N the null directions of the Hessian at a crossing w_0, all that is across them is solved for
(Lyapunov and Schmidt): f(u) is the loss at w_0 + N u + y(u). To fourth order it is
C3[u, u, u] / 6 + C4[u, u, u, u] / 24, by differences of its exact Hessian, a Schur complement; that
moves by B with the parameter. What branches off solves, at a small radius r,

    C3[u, u] / 2 + r C4[u, u, u] / 6 + m B u = 0,    |u| = 1,    parameter - crossing = r m:

critical points of f on a sphere, where B is a multiple of the identity.
"""

from __future__ import annotations

import numpy as np

from landtopo.models.networks.sweeps.branch import Branch, complement
from landtopo.objective import Array

__all__ = ["Reduced", "directions"]

_ITERATIONS, _LAST_STEP, _LONGEST_STEP = 60, 1e-9, 0.5
_ACROSS, _SOLVED = 12, 1e-13
# Added to the diagonal of singular equations.
_LITTLE = 1e-15
_DIGITS = 7
_CUBIC = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
_QUARTIC = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2), (2, 3, 0, 1), (1, 3, 0, 2), (1, 2, 0, 3))


class Reduced:
    """The reduced loss at a crossing.

    Parameters
    ----------
    whole : Branch
        The equations in all coordinates.
    weights : ndarray, shape (K, D)
        The crossing.
    value : float
        Its parameter.
    null : ndarray, shape (K D, n)
        Null directions, orthonormal.
    """

    def __init__(self, whole: Branch, weights: Array, value: float, null: Array) -> None:
        self.whole = whole
        self.origin = weights.ravel()
        self.value = value
        self.null = null
        self._rest = complement(null)

    def hessian(self, w: Array, value: float) -> Array:
        """Of the reduced loss, shape (n, n), next to some weights, shape (K D,)."""
        for _ in range(_ACROSS):
            gradient, hessian, _ = self.whole.parts(w, value)
            across = self._rest.T @ hessian @ self._rest
            step = np.linalg.solve(across, self._rest.T @ gradient)
            if np.linalg.norm(step) < _SOLVED:
                break
            w = w - self._rest @ step
        mixed = self._rest.T @ hessian @ self.null
        inner = self.null.T @ hessian @ self.null - mixed.T @ np.linalg.solve(across, mixed)
        return np.asarray((inner + inner.T) / 2.0)

    def expansion(self, radius: float) -> tuple[Array, Array]:
        """C3 and C4, by differences at a radius and at half of it, to its fourth power.

        Shapes (n, n, n) and (n, n, n, n).
        """
        far, near = self._differences(radius), self._differences(radius / 2.0)
        return (4.0 * near[0] - far[0]) / 3.0, (4.0 * near[1] - far[1]) / 3.0

    def _differences(self, radius: float) -> tuple[Array, Array]:
        count = self.null.shape[1]
        flat = self.hessian(self.origin, self.value)
        cubic, quartic = np.empty((count,) * 3), np.empty((count,) * 4)
        for i in range(count):
            for j in range(i, -1, -1):
                u = radius * (self.null[:, i] + self.null[:, j] * (i != j))
                ahead, behind = (self.hessian(self.origin + s * u, self.value) for s in (1, -1))
                quartic[i, j] = (ahead + behind - 2.0 * flat) / radius**2
                if i == j:
                    cubic[i] = (ahead - behind) / (2.0 * radius)
        for i in range(count):
            for j in range(i):
                quartic[i, j] -= quartic[i, i] + quartic[j, j]
                quartic[i, j] /= 2.0
                quartic[j, i] = quartic[i, j]
        return (
            np.mean([cubic.transpose(one) for one in _CUBIC], axis=0),
            np.mean([quartic.transpose(one) for one in _QUARTIC], axis=0),
        )


def directions(cubic: Array, quartic: Array, rates: Array, starts: Array) -> tuple[Array, Array]:
    """Directions in which something branches off, by Newton's method from many at once.

    Parameters
    ----------
    cubic, quartic : ndarray
        C3 and r C4.
    rates : ndarray, shape (n, n)
        B.
    starts : ndarray, shape (s, n)
        Unit vectors.

    Returns
    -------
    u : ndarray, shape (t, n)
        Each once; their copies by symmetry are there, too.
    m : ndarray, shape (t,)
        Change of the parameter, in units of r.
    """
    count = starts.shape[1]
    u, last = starts.copy(), np.full(len(starts), np.inf)
    m = np.zeros(len(u))
    for number in range(_ITERATIONS):
        bend = np.einsum("ijkl,sk,sl->sij", quartic, u, u, optimize=True)
        second = np.einsum("ijk,sk->sij", cubic, u)
        gradient = np.einsum("sij,sj->si", second / 2.0 + bend / 6.0, u)
        second += bend / 2.0
        turned = u @ rates
        if number == 0:
            m = -(u * gradient).sum(axis=1) / ((u * turned).sum(axis=1) + _LITTLE)
        matrix = np.zeros((len(u), count + 1, count + 1))
        matrix[:, :count, :count] = second + m[:, None, None] * rates
        matrix[:, :count, count] = turned
        matrix[:, count, :count] = u
        matrix += _LITTLE * np.eye(count + 1)
        right = np.zeros((len(u), count + 1, 1))
        right[:, :count, 0] = gradient + m[:, None] * turned
        right[:, count, 0] = ((u * u).sum(axis=1) - 1.0) / 2.0
        step = np.linalg.solve(matrix, right)[:, :, 0]
        last = np.linalg.norm(step[:, :count], axis=1)
        step *= np.minimum(1.0, _LONGEST_STEP / np.maximum(last, _LITTLE))[:, None]
        u, m = u - step[:, :count], m - step[:, count]
        if not np.any(last > _LAST_STEP):
            break
    found = np.flatnonzero((last < _LAST_STEP) & np.isfinite(m))
    _, first = np.unique(np.round(u[found], _DIGITS), axis=0, return_index=True)
    return u[found[first]], m[found[first]]
