"""The first stretch of the way down from a saddle, where the flow is slowest, in closed form.

The curve on which the gradient flow leaves a saddle of index 1 has the expansion

    x(s) = x* + s u + s^2 c / 2 + s^3 d / 6 + ...,    ds/dt = m s,

u the eigenvector of the negative eigenvalue -m. Putting it into dx/dt = -grad f and comparing
powers of s (the parametrisation method: Cabre, Fontich, de la Llave, J. Differ. Equ. 218, 444
(2005), in its linear normal form, which nothing forbids in one dimension) gives

    (H + 2 m) c = -T(u, u),    T(u, u) the second derivative of the gradient along u,
    (H + 3 m) e(s) = -(grad f(y(s)) + m s y'(s)),

with y the curve up to second order and e what it misses, up to fourth order. Both matrices are
positive, because -m is the lowest eigenvalue. The expansion carries as far as e is small and the
function falls by at least half of what m s^2 / 2 says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.points.factors import cholesky

__all__ = ["Stretch", "first_stretch"]

# Distance over which the second derivative of the gradient is taken. What it misses keeps the
# symmetry of the saddle and is found again in the next order; rounding does neither.
_STEP = 1e-2
# Largest third-order term as a share of the distance from the saddle.
_SHARE = 0.25


class Stretch(NamedTuple):
    """Points on the way down, the saddle not among them.

    Attributes
    ----------
    points, tangents : ndarray, shape (n, size)
        With dx/dt there.
    times : ndarray, shape (n,)
        Of the flow, 0 at the last point.
    rate : float
        Rate m at which the flow leaves the saddle.
    """

    points: Array
    tangents: Array
    times: Array
    rate: float


def first_stretch(
    objective: Objective,
    saddle: Array,
    unstable: Array,
    hessian: Array,
    *,
    shortest: float,
    longest: float,
    largest_term: float,
) -> tuple[Stretch, Stretch] | None:
    """The first stretches on both sides of a saddle.

    Parameters
    ----------
    objective : Objective
    saddle : ndarray, shape (size,)
        A critical point whose lowest eigenvalue is negative.
    unstable : ndarray, shape (size,)
        Unit eigenvector of that eigenvalue.
    hessian : ndarray, shape (size, size)
        At the saddle.
    shortest, longest : float
        Bounds of the distance along `unstable`.
    largest_term : float
        Largest size of the term of third order; what is left out is far smaller.

    Returns
    -------
    tuple of two Stretch, or None
        Along `unstable` and against it; None if the expansion does not carry as far as `shortest`.
    """
    rate = -float(unstable @ hessian @ unstable)
    diagonal = np.diag_indices(saddle.size)
    shifted = hessian.copy()
    shifted[diagonal] += 2.0 * rate
    second = cholesky(shifted)
    shifted[diagonal] += rate
    third = cholesky(shifted)
    if rate <= 0.0 or second is None or third is None:
        return None
    both = saddle + _STEP * np.array([unstable, -unstable])
    _, gradients = objective.value_and_gradient(both)
    bend = second.solve(-(gradients[0] + gradients[1]) / _STEP**2)

    def missing(s: float) -> Array:
        """What the curve up to second order misses."""
        point = saddle + s * unstable + 0.5 * s**2 * bend
        _, gradient = objective.value_and_gradient(point)
        return third.solve(-gradient - rate * s * (unstable + s * bend))

    height = float(objective.value(saddle))
    share = np.array([0.25, 0.5, 1.0])
    found = []
    for sign in (1.0, -1.0):
        s = longest
        while s >= shortest:
            term = missing(sign * s)
            size = float(np.linalg.norm(term))
            allowed = min(largest_term, _SHARE * s)
            if not size <= allowed:
                # The term is of third order, and what is allowed of first or less.
                s *= max(0.8 * (allowed / size) ** 0.5, 0.1) if np.isfinite(size) else 0.1
                continue
            t = sign * s * share[:, None]
            cubic = share[:, None] ** 3 * term
            points = saddle + t * unstable + 0.5 * t**2 * bend + cubic
            if np.all(objective.value(points) < height - 0.25 * rate * (s * share) ** 2):
                break
            s *= 0.5
        else:
            return None
        found.append(
            Stretch(
                points=points,
                tangents=rate * (t * unstable + t**2 * bend + 3.0 * cubic),
                times=np.log(share) / rate,
                rate=rate,
            )
        )
    return found[0], found[1]
