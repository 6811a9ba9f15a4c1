"""Bring a point back to the set of critical points by the shortest way.

Gauss-Newton steps on the gradient, damped (Levenberg and Marquardt): with eigenvalues l_i and
eigenvectors e_i of the Hessian, dx = - sum_i l_i / (l_i^2 + mu^2) (e_i . g) e_i. Directions with
zero eigenvalue and no force are not moved, so the point returns to a flat set near to where it was.
Next to a flat set with loss c(f) s^p, f along it, Newton's method would move f and not s, because
the eigenvalue along f is only of order s^p. With mu of the gradient's order, s^(p-1), s moves.
Along a null direction that is not flat, where the loss grows like s^p, the step takes s to
s (p - 2)/(p - 1), and the gradient still falls geometrically; but such a step, being long, bends
away from the critical set by its square, where the gradient is stiff. So each trial is followed by
corrections in the stiff directions, with the same eigenvectors, before it is judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.points.spectrum import without_gauge
from landtopo.shown import Brief

__all__ = ["Corrected", "correct"]

# Damping never falls below this fraction of the largest eigenvalue: rounding in a zero eigenvalue
# times rounding in the gradient must not become a step.
_LEAST_DAMPING = 1e-10
# Eigenvalues above this fraction of the largest one are stiff: one Hessian serves several steps.
_STIFF = 1e-2
_STIFF_CORRECTIONS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected(Brief):
    """A point after correction.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value : float
    grad_norm : float
        Norm of the whole gradient, the held directions included.
    steps : int
        Hessians used.
    """

    x: Array
    value: float
    grad_norm: float
    steps: int


def correct(
    objective: Objective,
    x: Array,
    *,
    held: Array | None = None,
    target: float = 0.0,
    most_steps: int = 80,
) -> Corrected:
    """Move to the nearest critical point, to first order.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
    held : ndarray, shape (h, size), optional
        Orthonormal rows along which the point does not move.
    target : float
        Gradient norm at which to stop; by default as far as rounding allows.
    most_steps : int
        Largest number of Hessians.

    Returns
    -------
    Corrected
        The best point met. Never worse than the start.
    """
    fixed = np.empty((0, objective.size)) if held is None else held
    value, gradient = objective.value_and_gradient(x)
    best = x.copy()
    size = float(np.linalg.norm(gradient))
    damping = 1.0
    slow = steps = 0
    while steps < most_steps and size > target and slow < 3:
        steps += 1
        free = np.concatenate([fixed, objective.gauge(best)])
        if len(fixed) and len(free) > len(fixed):
            free = np.linalg.qr(free.T)[0].T
        values, columns = without_gauge(objective.hessian(best), free)
        scale = float(np.abs(values).max(initial=0.0))
        if scale == 0.0:
            break
        force = columns.T @ gradient
        least = _LEAST_DAMPING * scale
        improved = False
        for _ in range(12):
            squared = (damping * size) ** 2 + least**2
            move = -columns @ (values / (values**2 + squared) * force)
            trial, trial_value, trial_gradient = _settle(
                objective, best + move, values, columns, goal=0.5 * size
            )
            trial_size = float(np.linalg.norm(trial_gradient))
            if np.isfinite(trial_size) and trial_size < size:
                improved = True
                break
            damping *= 8.0
        if not improved:
            break
        slow = slow + 1 if trial_size > 0.6 * size else 0
        best, value, gradient, size = trial, trial_value, trial_gradient, trial_size
        damping = max(damping / 8.0, 1.0)
    return Corrected(x=best, value=float(value), grad_norm=size, steps=steps)


def _settle(
    objective: Objective, x: Array, values: Array, columns: Array, *, goal: float
) -> tuple[Array, Array, Array]:
    """Correct in the stiff directions, while that helps and the gradient is above the goal."""
    stiff = np.abs(values) > _STIFF * np.abs(values).max()
    rows, scales = columns[:, stiff], values[stiff]
    value, gradient = objective.value_and_gradient(x)
    for _ in range(_STIFF_CORRECTIONS):
        size = float(np.linalg.norm(gradient))
        if not size > goal:
            break
        nearer = x - rows @ ((rows.T @ gradient) / scales)
        new_value, new_gradient = objective.value_and_gradient(nearer)
        if not np.linalg.norm(new_gradient) < 0.7 * size:
            break
        x, value, gradient = nearer, new_value, new_gradient
    return x, value, gradient
