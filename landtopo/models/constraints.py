"""A function on constrained rows: of given lengths, or orthonormal.

A constraint is a gauge. Rows u of any lengths stand for the rows w = r u / |u|, and any matrix U of
full rank for the closest one with orthonormal rows, W = (U U^T)^(-1/2) U (its polar factor). The
function of u or U so made is smooth, its critical points are those of the constrained function, and
the directions that the constraint forbids change nothing: there are no multipliers to carry along
and no steps to bring back. At u = w the rest of the spectrum is that of the projected Hessian

    P (H - diag(mu) (x) I) P,    mu_k = w_k . g_k / r_k^2    (lengths)
    Z -> P (H Z - sym(G W^T) Z)                              (orthonormal rows)

with the gradient's rows g_k and the orthogonal projections P onto what the constraint allows
(Absil, Mahony and Sepulchre 2008, chapters 3 and 5).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from landtopo.objective import Array, FlowCurve, Objective, Pace
from landtopo.symmetry.gauge import symmetric_multiples

__all__ = ["Constraint", "NormalisedRows", "OrthonormalRows"]

# Rows whose matrix has this condition number depend on each other, but for rounding.
_DEPENDENT = 1e-12


class Constraint(Objective, Protocol):
    """A function of points that stand for constrained ones."""

    def place(self, x: Array) -> Array:
        """The constrained points that points stand for, of the same shape."""
        ...


class NormalisedRows:
    """A function of rows whose lengths are given.

    Parameters
    ----------
    inner : Objective
        The function of all rows, K D coordinates.
    radii : ndarray, shape (K,)
        Lengths, positive.
    """

    def __init__(self, inner: Objective, radii: Array) -> None:
        self.inner = inner
        self.radii = np.asarray(radii, dtype=np.float64)
        self.columns = inner.size // len(self.radii)

    @property
    def size(self) -> int:
        """Number of coordinates, K D."""
        return self.inner.size

    def place(self, x: Array) -> Array:
        """Rows of the given lengths."""
        rows = self._rows(x)
        lengths = _lengths(rows)
        return np.asarray((self.radii[:, None] / lengths * rows).reshape(x.shape))

    def value(self, x: Array) -> Array:
        """Values, shape () or (n,)."""
        return self.inner.value(self.place(x))

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Values and gradients; those have no part along their rows."""
        value, gradient = self.inner.value_and_gradient(self.place(x))
        rows = self._rows(x)
        lengths = _lengths(rows)
        units = rows / lengths
        slopes = self._rows(gradient)
        slopes = slopes - np.sum(slopes * units, axis=-1, keepdims=True) * units
        return value, np.asarray((self.radii[:, None] / lengths * slopes).reshape(x.shape))

    def hessian(self, x: Array) -> Array:
        """Hessian at one point.

        With w = r u / n, n = |u| and e = u / n: dw = (r/n) P du, and d2w[du, du] =
        -(r/n^2) [2 (e.du) P du + (|du|^2 - (e.du)^2) e].
        """
        rows = self._rows(x)
        lengths = np.linalg.norm(rows, axis=1)
        units = rows / lengths[:, None]
        place = self.place(x)
        _, gradient = self.inner.value_and_gradient(place)
        slopes = self._rows(gradient)
        count, columns = rows.shape
        outer = self.inner.hessian(place).reshape(count, columns, count, columns)
        scale = self.radii / lengths
        across = np.eye(columns) - units[:, :, None] * units[:, None, :]
        result = np.einsum(
            "k,kab,kblc,lcd,l->kald", scale, across, outer, across, scale, optimize=True
        )
        for k in range(count):
            along = float(units[k] @ slopes[k])
            sideways = np.outer(units[k], across[k] @ slopes[k])
            bend = along * across[k] + sideways + sideways.T
            result[k, :, k] -= scale[k] / lengths[k] * bend
        return np.asarray(result.reshape(x.size, x.size))

    def gauge(self, x: Array) -> Array:
        """The rows themselves, and the gauge of the inner function, which changes no length."""
        rows = self._rows(x)
        count, columns = rows.shape
        own = np.zeros((count, count, columns))
        own[np.arange(count), np.arange(count)] = rows / np.linalg.norm(rows, axis=1)[:, None]
        inner = self._rows(self.inner.gauge(self.place(x)))
        if len(inner):
            inner = inner * (np.linalg.norm(rows, axis=1) / self.radii)[:, None]
            inner = np.linalg.qr(inner.reshape(len(inner), -1).T)[0].T
        return np.vstack([own.reshape(count, -1), inner.reshape(len(inner), x.size)])

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """None: there are no compiled steps."""
        return None

    def multipliers(self, x: Array) -> Array:
        """mu_k, shape (K,), of the constrained point: the normal block is A - diag(mu)."""
        place = self.place(x)
        _, gradient = self.inner.value_and_gradient(place)
        return np.asarray(np.sum(self._rows(place) * self._rows(gradient), axis=1) / self.radii**2)

    def _rows(self, x: Array) -> Array:
        return x.reshape(*x.shape[:-1], len(self.radii), self.columns)


class OrthonormalRows:
    """A function of K orthonormal rows in D >= K dimensions.

    Derivatives of M^(-1/2), M = U U^T, are sums over divided differences of its eigenvalues
    (Daleckii and Krein 1965); with eigenvalues all one these are -1/2 and 3/8.

    Parameters
    ----------
    inner : Objective
        The function of all rows, K D coordinates.
    count : int
        Number of rows K.
    """

    def __init__(self, inner: Objective, count: int) -> None:
        self.inner = inner
        self.count = count
        self.columns = inner.size // count

    @property
    def size(self) -> int:
        """Number of coordinates, K D."""
        return self.inner.size

    def place(self, x: Array) -> Array:
        """The closest orthonormal rows; no numbers where rows depend on each other."""
        left, _, right = _factors(self._rows(x))
        return np.asarray((left @ right).reshape(x.shape))

    def value(self, x: Array) -> Array:
        """Values, shape () or (n,)."""
        return self.inner.value(self.place(x))

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Values and gradients.

        With the singular value decomposition U = L S R^T and G~ = L^T G R: the antisymmetric part
        of the square block of G~ is divided by (s_i + s_j)/2, the rest by s_i.
        """
        rows = self._rows(x)
        left, singular, right = _factors(rows)
        value, gradient = self.inner.value_and_gradient((left @ right).reshape(x.shape))
        slopes = np.swapaxes(left, -1, -2) @ self._rows(gradient)
        within = slopes @ np.swapaxes(right, -1, -2)
        turned = (within - np.swapaxes(within, -1, -2)) / (
            singular[..., :, None] + singular[..., None, :]
        )
        rest = (slopes - within @ right) / singular[..., :, None]
        return value, np.asarray((left @ (turned @ right + rest)).reshape(x.shape))

    def hessian(self, x: Array) -> Array:
        """Hessian at one point."""
        rows = self._rows(x)
        if not np.all(np.isfinite(self.place(x))):
            return np.full((x.size, x.size), np.nan)
        vectors, singular, _ = np.linalg.svd(rows, full_matrices=False)
        values = singular**2
        first, second = _differences(values)
        place = self.place(x)
        _, gradient = self.inner.value_and_gradient(place)
        count, columns = rows.shape
        # In the eigenbasis of U U^T; the rows of all matrices are turned by `vectors`.
        u = vectors.T @ rows
        g = vectors.T @ gradient.reshape(count, columns)
        unit = np.eye(count)
        # Of dM = X U^T + U X^T by the entries of X, and then dW = (first o dM) U + M^(-1/2) X.
        moved = np.einsum("ia,jb->ijab", unit, u) + np.einsum("ja,ib->ijab", unit, u)
        jacobian = np.einsum("ij,ijab,jc->icab", first, moved, u)
        jacobian += np.einsum("ia,cb,i->icab", unit, np.eye(columns), values**-0.5)
        flat = jacobian.reshape(x.size, x.size)
        turn = np.kron(vectors, np.eye(columns))
        hessian = turn.T @ self.inner.hessian(place) @ turn
        result = flat.T @ hessian @ flat
        # <G, d2W> = <G U^T, D2F[dM, dM] + DF[2 X X^T]> + 2 <G, DF[dM] X>.
        pull = g @ u.T
        bent = np.einsum("ij,ikj,ikab,kjcd->abcd", pull, second, moved, moved, optimize=True)
        bent = bent + bent.transpose(2, 3, 0, 1)
        weighed = first * (pull + pull.T)
        bent += np.einsum("ac,bd->abcd", weighed, np.eye(columns))
        mixed = np.einsum("ac,acxy,ab->cbxy", first, moved, g, optimize=True)
        bent += mixed + mixed.transpose(2, 3, 0, 1)
        result += bent.reshape(x.size, x.size)
        result = turn @ result @ turn.T
        return np.asarray(0.5 * (result + result.T))

    def gauge(self, x: Array) -> Array:
        """Orthonormal rows that span all S W, S symmetric, and the gauge of the inner function.

        The matrices whose polar factor is W are P W, P symmetric and positive.
        """
        rows, closest = self._rows(x), self._rows(self.place(x))
        own = symmetric_multiples(closest)
        inner = self.inner.gauge(self.place(x))
        if len(inner):
            # A turn of the columns of W is one of those of U = (U W^T) W.
            inner = (rows @ closest.T @ self._rows(inner)).reshape(len(inner), x.size)
        both = np.vstack([own, inner.reshape(-1, x.size)])
        _, singular, right = np.linalg.svd(both, full_matrices=False)
        return np.asarray(right[singular > 1e-10 * singular[0]])

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """None: there are no compiled steps."""
        return None

    def _rows(self, x: Array) -> Array:
        return x.reshape(*x.shape[:-1], self.count, self.columns)


def _differences(values: Array) -> tuple[Array, Array]:
    """First and second divided differences of t^(-1/2), without subtractions.

    With a = sqrt(s), b = sqrt(t), c = sqrt(u): f[s, t] = -1 / (a b (a + b)) and
    f[s, t, u] = (a + b + c) / (a b c (a + b) (b + c) (a + c)).
    """
    root = np.sqrt(values)
    a, b = root[:, None], root[None, :]
    first = -1.0 / (a * b * (a + b))
    a, b, c = root[:, None, None], root[None, :, None], root[None, None, :]
    second = (a + b + c) / (a * b * c * (a + b) * (b + c) * (a + c))
    return first, second


def _factors(rows: Array) -> tuple[Array, Array, Array]:
    """Singular value decomposition; of rows that depend on each other there are no numbers."""
    left, singular, right = np.linalg.svd(rows, full_matrices=False)
    lost = singular[..., -1:] <= _DEPENDENT * singular[..., :1]
    return left, np.where(lost, np.nan, singular), np.where(lost[..., None], np.nan, right)


def _lengths(rows: Array) -> Array:
    """Lengths of rows; that of a zero row, which has no direction, is no number."""
    found = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(np.where(found > 0.0, found, np.nan))
