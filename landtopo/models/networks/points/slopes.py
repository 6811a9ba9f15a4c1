"""psi of one network on the unit sphere: values, derivatives, and descents to its local minima.

psi(u) = sum_j s_j |x_j| (sin t_j + (pi - t_j) cos t_j) / 2pi, where t_j is the angle between the
unit vector u and the neuron x_j, s_j is 1 for students and -1 for teachers. It is twice
continuously differentiable on the whole sphere. For leaky ReLU it is that times (1 - al)^2, with
output weights in the strengths, and al m.u, m the sum of the neurons with their output weights.
"""

from __future__ import annotations

import numpy as np

from landtopo.eigen import eigh
from landtopo.objective import Array

__all__ = ["SlopeField"]

_TWO_PI = 2.0 * np.pi
# Longest step of a gradient descent, in radians.
_LONGEST = 0.3


class SlopeField:
    """psi of one network, its gradient and Hessian, for batches of unit directions.

    Parameters
    ----------
    students, teachers : ndarray, shapes (K, D) and (M, D)
        Neurons that are not zero.
    outputs : ndarray, shape (M,), optional
        Output weights of the teachers; 1 by default. Those of students are 1.
    slope : float
        al.
    """

    def __init__(
        self,
        students: Array,
        teachers: Array,
        *,
        outputs: Array | None = None,
        slope: float = 0.0,
    ) -> None:
        vectors = np.vstack([students, teachers])
        norms = np.linalg.norm(vectors, axis=1)
        self.units = vectors / norms[:, None]
        self.strengths = norms * np.r_[np.ones(len(students)), -np.ones(len(teachers))] / _TWO_PI
        if outputs is not None:
            self.strengths[len(students) :] *= outputs
        self.tilt: Array | None = None
        if slope:
            self.tilt = slope * _TWO_PI * (self.strengths @ self.units)
            self.strengths *= (1.0 - slope) ** 2

    def _angles(self, u: Array) -> tuple[Array, Array, Array]:
        """Cosines, sines and pi - angle with every vector, each of shape (n, N)."""
        cosines = np.clip(u @ self.units.T, -1.0, 1.0)
        sines = np.sqrt((1.0 - cosines) * (1.0 + cosines))
        near = np.abs(cosines) > 0.99
        if near.any():
            rows, which = np.nonzero(near)
            minus = np.linalg.norm(u[rows] - self.units[which], axis=1)
            plus = np.linalg.norm(u[rows] + self.units[which], axis=1)
            sines[rows, which] = 0.5 * minus * plus
        return cosines, sines, np.arctan2(sines, -cosines)

    def values(self, u: Array) -> Array:
        """psi, shape (n,)."""
        cosines, sines, opposite = self._angles(u)
        found = np.asarray((sines + opposite * cosines) @ self.strengths)
        return found if self.tilt is None else found + u @ self.tilt

    def derivatives(self, u: Array) -> tuple[Array, Array, Array]:
        """psi, its gradient along the sphere and its Hessian there; u itself has curvature 1."""
        cosines, sines, opposite = self._angles(u)
        values = (sines + opposite * cosines) @ self.strengths
        gradients = (opposite * self.strengths) @ self.units - (
            (opposite * cosines) @ self.strengths
        )[:, None] * u
        if self.tilt is not None:
            values = values + u @ self.tilt
            gradients = gradients + self.tilt - (u @ self.tilt)[:, None] * u
        # sum_j s_j sin t_j (I - u u^T + n_j n_j^T) - psi (I - u u^T), n_j = (x_j - cos t_j u) / sin
        own = sines @ self.strengths
        inverse = np.where(sines > 1e-12, 1.0 / np.maximum(sines, 1e-12), 0.0) * self.strengths
        columns = u.shape[1]
        hessians = np.matmul(self.units.T * inverse[:, None, :], self.units)
        mixed = (inverse * cosines) @ self.units
        square = np.sum(inverse * cosines**2, axis=1)
        outer = u[:, :, None] * u[:, None, :]
        cross = u[:, :, None] * mixed[:, None, :]
        hessians += square[:, None, None] * outer - cross - np.swapaxes(cross, 1, 2)
        flat = np.eye(columns) - outer
        hessians += (own - values)[:, None, None] * flat + outer
        return values, gradients, hessians

    def gradients(self, u: Array) -> Array:
        """Gradients along the sphere, shape (n, D)."""
        cosines, _, opposite = self._angles(u)
        along = (opposite * cosines) @ self.strengths
        found = np.asarray((opposite * self.strengths) @ self.units - along[:, None] * u)
        if self.tilt is not None:
            found += self.tilt - (u @ self.tilt)[:, None] * u
        return found

    def approach(self, starts: Array, tolerance: float, steps: int = 80) -> Array:
        """Points close to critical ones of psi below every start, where that takes few steps.

        Steps along the gradient, as long as the last two gradients suggest (Barzilai and Borwein,
        IMA J. Numer. Anal. 8, 1988): without second derivatives, much faster than `descend` in many
        dimensions. What has not come to rest is returned where it is.
        """
        u = starts.copy()
        slopes = self.gradients(u)
        active = np.arange(len(u))
        lengths = np.full(len(u), 1.0 / float(np.abs(self.strengths).sum()))
        for _ in range(steps):
            sizes = np.linalg.norm(slopes[active], axis=1)
            active = active[sizes > tolerance]
            if not len(active):
                break
            most = _LONGEST / np.maximum(np.linalg.norm(slopes[active], axis=1), 1e-300)
            taken = np.minimum(lengths[active], most)
            moved = u[active] - taken[:, None] * slopes[active]
            moved /= np.linalg.norm(moved, axis=1, keepdims=True)
            found = self.gradients(moved)
            step, change = moved - u[active], found - slopes[active]
            bend = np.einsum("nd,nd->n", step, change)
            square = np.einsum("nd,nd->n", step, step)
            # Where psi bends down the step grows; nothing is near.
            lengths[active] = np.where(bend > 0, square / np.where(bend > 0, bend, 1.0), 2 * taken)
            u[active], slopes[active] = moved, found
        return u

    def descend(self, starts: Array, tolerance: float) -> tuple[Array, Array]:
        """Local minima of psi from every start: damped Newton steps along the sphere."""
        u = starts.copy()
        values, gradients, hessians = self.derivatives(u)
        active = np.arange(len(u))
        radius = np.full(len(u), 0.5)
        for _ in range(60):
            norms = np.linalg.norm(gradients[active], axis=1)
            active = active[(norms > tolerance) & (radius[active] > 1e-9)]
            if not len(active):
                break
            # Curvatures enter with their size, so that every step goes down; small ones are
            # raised, so that no step is longer than the radius.
            curvatures, axes = eigh(hessians[active])
            components = np.einsum("nji,nj->ni", axes, gradients[active])
            floor = np.linalg.norm(components, axis=1) / (4.0 * radius[active])
            lengths = -components / np.maximum(np.abs(curvatures), 1e-3 * floor[:, None])
            full = np.linalg.norm(lengths, axis=1)
            lengths *= np.minimum(1.0, radius[active] / np.maximum(full, 1e-300))[:, None]
            moves = np.einsum("nij,nj->ni", axes, lengths)
            trial = u[active] + moves
            trial /= np.linalg.norm(trial, axis=1, keepdims=True)
            new_values, new_gradients, new_hessians = self.derivatives(trial)
            smaller = np.linalg.norm(new_gradients, axis=1) < 0.5 * np.linalg.norm(
                gradients[active], axis=1
            )
            # Near the end values are equal to rounding: there a smaller gradient is progress.
            level = new_values <= values[active] + 1e-15 * np.abs(self.strengths).sum()
            good = (new_values < values[active]) | (smaller & level)
            moved = active[good]
            u[moved], values[moved] = trial[good], new_values[good]
            gradients[moved], hessians[moved] = new_gradients[good], new_hessians[good]
            radius[moved] = np.minimum(1.0, 1.5 * radius[moved])
            radius[active[~good]] *= 0.25
        return u, values

    def refined(self, u: Array, steps: int = 2) -> Array:
        """A local minimum of psi, shape (D,), after further Newton steps along the sphere."""
        for _ in range(steps):
            _, gradients, hessians = self.derivatives(u[None])
            step = np.linalg.lstsq(hessians[0], -gradients[0], rcond=1e-10)[0]
            u = u + step
            u = u / np.linalg.norm(u)
        return u
