"""The cubic law of opposite shifts of parallel neurons, in closed form.

For a small angle t >= 0 between u and v, because sin t - t cos t = t^3 / 3 + O(t^5),

    E[relu(u.x) relu(v.x)] = |u||v| (sin t + (pi - t) cos t) / 2 pi
                           = u.v / 2 + |u||v| t^3 / 6 pi + O(t^5):

the pair integral is smooth but for |t|^3. Move the neurons w_k of a group of parallel neurons by
d_k, and let h_k be the part of d_k / |w_k| orthogonal to w_k. The loss then has the cubic term

    1/6pi [ sum_{k<l} |w_k||w_l| |h_k - h_l|^3 - sum_{k,m} |w_k||v_m| |h_k|^3 ],

summed over the groups, with the teachers m of the group's direction. Near angle pi the pair
integral is |u||v| (pi - t)^3 / 6 pi + .., so that neurons of opposite direction belong to the group
too, with h_k + h_l in place of h_k - h_l. At zero loss this is the whole third order of the relaxed
loss along a null direction: the residual f - f* is of second order there except near the kinks, and
relaxing the other directions changes the loss in fourth order.

For any s with s(t x) = t s(x), t > 0, it is (s(1) + s(-1))^2 times that, the square of the jump of
s' at zero, with b_m |v_m| in the place of |v_m|.
"""

from __future__ import annotations

import numpy as np

from landtopo.models.networks.problem import Teacher
from landtopo.objective import Array

__all__ = ["cubic_coefficient"]

_PARALLEL = 1e-6


def cubic_coefficient(teacher: Teacher, weights: Array, direction: Array) -> float:
    """Coefficient of |s|^3 along a null direction at a zero-loss point.

    Parameters
    ----------
    teacher : Teacher
    weights : ndarray, shape (K, D)
        A zero-loss point without zero neurons.
    direction : ndarray, shape (K, D)
        A null direction, in the units of the weights for s = 1.

    Returns
    -------
    float
        In units of squared output.
    """
    columns = weights.shape[1]
    teachers = np.zeros((teacher.size, columns))
    teachers[:, : teacher.rank] = teacher.vectors
    norms = np.linalg.norm(weights, axis=1)
    units = weights / norms[:, None]
    shifts = direction / norms[:, None]
    shifts = shifts - np.einsum("kd,kd->k", shifts, units)[:, None] * units
    total = 0.0
    for k in range(len(weights)):
        for other in range(k):
            for sign in (1.0, -1.0):
                if np.linalg.norm(units[k] - sign * units[other]) <= _PARALLEL:
                    apart = float(np.linalg.norm(shifts[k] - sign * shifts[other]))
                    total += float(norms[k] * norms[other]) * apart**3
        for v, strength in zip(teachers, teacher.strengths, strict=True):
            length = float(np.linalg.norm(v))
            unit = v / length
            if min(np.linalg.norm(units[k] - unit), np.linalg.norm(units[k] + unit)) <= _PARALLEL:
                pull = float(norms[k]) * length * float(strength)
                total -= pull * float(np.linalg.norm(shifts[k])) ** 3
    jump = float(teacher.function.function(np.array([1.0, -1.0])).sum())
    return jump**2 * total / (6 * np.pi)
