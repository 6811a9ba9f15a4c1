"""Newton's method to the nearest critical point, whatever its index, with exact Hessians."""

from __future__ import annotations

import numpy as np

from landtopo.eigen import eigh
from landtopo.objective import Array, Objective

__all__ = ["polish"]

_RELATIVE_NULL = 1e-7


def polish(
    objective: Objective,
    x: Array,
    *,
    tolerance: float = 1e-12,
    steps: int = 60,
    patience: int = 0,
) -> tuple[Array, float]:
    """Solve grad = 0 from a point near a critical point.

    Directions in which the Hessian vanishes to relative 1e-7 are left alone, so that a flat set is
    met at its nearest point; steps are accepted on the norm of the gradient, never on the value.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
    tolerance : float
        Wanted norm of the gradient. One further step is taken below it, to the rounding floor.
    steps : int
        Largest number of Hessians.
    patience : int
        How many full steps may make the gradient larger: where neurons have very different norms
        the way to the solution leads over larger gradients. The best point is returned.

    Returns
    -------
    x : ndarray, shape (size,)
    norm : float
        Norm of the gradient there.
    """
    _, gradient = objective.value_and_gradient(x)
    norm = float(np.linalg.norm(gradient))
    best, best_norm = x, norm
    for _ in range(steps):
        last = norm <= tolerance
        values, vectors = eigh(objective.hessian(x))
        keep = np.abs(values) > _RELATIVE_NULL * np.abs(values).max()
        step = -vectors[:, keep] @ ((vectors[:, keep].T @ gradient) / values[keep])
        length = 1.0
        while length > 0.01:
            trial = x + length * step
            _, new = objective.value_and_gradient(trial)
            if np.linalg.norm(new) < norm:
                break
            length *= 0.5
        else:
            if patience == 0:
                break
            patience -= 1
            trial = x + step
            _, new = objective.value_and_gradient(trial)
        x, gradient, norm = trial, new, float(np.linalg.norm(new))
        if norm < best_norm:
            best, best_norm = x, norm
        if last:
            break
    return best, best_norm
