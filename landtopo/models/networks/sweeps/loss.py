"""The loss and its derivatives at one point of a curve of teachers, the parameter's included.

With al the slope of the activation below zero and m = sum_k w_k - sum_m v_m, for all of them

    L = (1 - al)^2 L_relu + (al / 2) |m|^2.
"""

from __future__ import annotations

import numpy as np

from landtopo.kernels import curvature, relu
from landtopo.models.networks.sweeps.curve import TeacherCurve
from landtopo.objective import Array

__all__ = ["LossAt"]

_NOTHING = 1e-9


class LossAt:
    """The loss at one value of the parameter.

    Parameters
    ----------
    curve : TeacherCurve
    value : float
    columns : int
        D, those of the teacher's span first.
    """

    def __init__(self, curve: TeacherCurve, value: float, columns: int) -> None:
        vectors, slope = curve.vectors(value)
        self._rows, self._constant = relu.teacher_frame(vectors, columns)
        self._slope = np.pad(slope, ((0, 0), (0, columns - len(slope))))
        self._al, self._leaking = curve.leak(value)
        self._be = (1.0 - self._al) ** 2

    def value(self, weights: Array) -> float:
        """L, for weights of shape (K, D)."""
        losses, _ = relu.batch_value_gradient(weights[None], self._rows, self._constant, False)
        m = self._excess(weights)
        # At zero loss what is left is rounding, of either sign.
        return max(float(self._be * losses[0] + 0.5 * self._al * (m @ m)), 0.0)

    def gradient(self, weights: Array) -> Array:
        """Shape (K, D)."""
        return self._be * self._plain_gradient(weights) + self._al * self._excess(weights)

    def hessian(self, weights: Array) -> Array:
        """Shape (K D, K D)."""
        width, columns = weights.shape
        plain = curvature.batch_hessian(weights[None], self._rows).reshape(weights.size, -1)
        linear = np.kron(np.ones((width, width)), np.eye(columns))
        return np.asarray(self._be * plain + self._al * linear, dtype=np.float64)

    def normal_block(self, weights: Array) -> Array:
        """Shape (K, K)."""
        block = curvature.batch_normal_block(weights[None], self._rows)[0]
        return np.asarray(self._be * block + self._al, dtype=np.float64)

    def mixed(self, weights: Array) -> Array:
        """The derivative of the gradient by the parameter, shape (K, D)."""
        moved = self._be * _by_teacher(weights, self._rows, self._slope)
        moved -= self._al * self._slope.sum(axis=0)
        if self._leaking:
            plain = self._plain_gradient(weights)
            moved += self._leaking * (self._excess(weights) - 2.0 * (1.0 - self._al) * plain)
        return moved

    def _plain_gradient(self, weights: Array) -> Array:
        _, gradients = relu.batch_value_gradient(weights[None], self._rows, self._constant, True)
        return np.asarray(gradients[0])

    def _excess(self, weights: Array) -> Array:
        return np.asarray(weights.sum(axis=0) - self._rows.sum(axis=0))


def _by_teacher(weights: Array, rows: Array, slope: Array) -> Array:
    """Derivative of the gradient as the teacher vectors move, shape (K, D).

    -H_uv v' summed over teacher vectors, with the mixed block H_uv of the pair integral.
    """
    p, q = np.linalg.norm(weights, axis=1), np.linalg.norm(rows, axis=1)
    u, v = weights / p[:, None], rows / q[:, None]
    apart = np.linalg.norm(u[:, None] - v[None], axis=2)
    together = np.linalg.norm(u[:, None] + v[None], axis=2)
    angle = 2.0 * np.arctan2(apart, together)
    cosine = u @ v.T
    sine = apart * together / 2.0
    inverse = np.where(sine > _NOTHING, 1.0 / np.maximum(sine, _NOTHING), 0.0)
    # sin t n_u and sin t n_v, with n_u n_v^T sin t = (sin t n_u)(sin t n_v)^T / sin t.
    to_teacher = v[None] - cosine[:, :, None] * u[:, None]
    to_student = u[:, None] - cosine[:, :, None] * v[None]
    moved = (np.pi - angle) @ slope
    moved += (sine * np.einsum("md,md->m", v, slope)[None]).sum(axis=1)[:, None] * u
    bend = inverse * np.einsum("kmd,md->km", to_student, slope)
    moved += np.einsum("km,kmd->kd", bend, to_teacher)
    return np.asarray(-moved / (2.0 * np.pi))
