"""Single steps of the gradient flow dx/dt = -grad f, each with an estimate of its error.

The Runge-Kutta-Chebyshev method of second order (Sommeijer, Shampine, Verwer, J. Comput. Appl.
Math. 88, 315 (1998)) is explicit, and stable for stiff flows with real spectra, as those of
gradients are: s evaluations reach as far as s^2 of an ordinary explicit method. The exponential
Rosenbrock method of third order with an embedded one of second (exprb32: Hochbruck, Ostermann,
Schweitzer, SIAM J. Numer. Anal. 47, 786 (2009)) solves the local quadratic exactly with the
eigenvectors of the Hessian, and knows no stiffness at all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from landtopo.objective import Array, Objective

__all__ = ["FlowStep", "chebyshev_stages", "chebyshev_step", "exponential_step"]


class FlowStep(NamedTuple):
    """Where a step ended: point, -grad, value, and the estimated error of the point."""

    x: Array
    slope: Array
    value: float
    error: float


def chebyshev_stages(stiffness: float) -> int:
    """Stages that are stable for h times the largest curvature."""
    return max(2, int(np.ceil(np.sqrt(1.0 + 1.54 * stiffness))))


def chebyshev_step(objective: Objective, x: Array, slope: Array, h: float, stages: int) -> FlowStep:
    """One step of the Runge-Kutta-Chebyshev method, for `stages` gradients.

    Parameters
    ----------
    objective : Objective
    x, slope : ndarray, shape (size,)
        Point and -grad there.
    h : float
        Time step.
    stages : int
        At least 2; as many as `chebyshev_stages` says for a stable step.
    """
    first, table = _coefficients(stages)
    before, y = x, x + (first * h) * slope
    for mu, nu, mu_h, gamma_h in table:
        _, gradient = objective.value_and_gradient(y)
        following = (
            (1.0 - mu - nu) * x
            + mu * y
            + nu * before
            - (mu_h * h) * gradient
            + (gamma_h * h) * slope
        )
        before, y = y, following
    value, gradient = objective.value_and_gradient(y)
    error = 0.8 * (x - y) + 0.4 * h * (slope - gradient)
    return FlowStep(y, -gradient, float(value), float(np.linalg.norm(error)))


@lru_cache(maxsize=256)
def _coefficients(stages: int) -> tuple[float, tuple[tuple[float, float, float, float], ...]]:
    """Coefficients of s stages with damping 2/13, from the Chebyshev polynomials at w_0."""
    w0 = 1.0 + 2.0 / (13.0 * stages**2)
    t, dt, ddt = np.zeros(stages + 1), np.zeros(stages + 1), np.zeros(stages + 1)
    t[0], t[1], dt[1] = 1.0, w0, 1.0
    for j in range(2, stages + 1):
        t[j] = 2 * w0 * t[j - 1] - t[j - 2]
        dt[j] = 2 * t[j - 1] + 2 * w0 * dt[j - 1] - dt[j - 2]
        ddt[j] = 4 * dt[j - 1] + 2 * w0 * ddt[j - 1] - ddt[j - 2]
    w1 = dt[stages] / ddt[stages]
    b = np.empty(stages + 1)
    b[2:] = ddt[2:] / dt[2:] ** 2
    b[0] = b[1] = b[2]
    a = 1.0 - b * t
    table = []
    for j in range(2, stages + 1):
        mu = 2 * b[j] * w0 / b[j - 1]
        mu_h = 2 * b[j] * w1 / b[j - 1]
        table.append((float(mu), float(-b[j] / b[j - 2]), float(mu_h), float(-a[j - 1] * mu_h)))
    return float(b[1] * w1), tuple(table)


def exponential_step(objective: Objective, x: Array, slope: Array, h: float) -> FlowStep:
    """One step of the exponential Rosenbrock method, for two gradients and a Hessian.

    Parameters
    ----------
    objective : Objective
    x, slope : ndarray, shape (size,)
        Point and -grad there.
    h : float
        Time step.
    """
    curvatures, modes = np.linalg.eigh(objective.hessian(x))
    z = -h * curvatures
    along = modes.T @ slope
    shift = h * _phi1(z) * along
    middle = x + modes @ shift
    _, gradient = objective.value_and_gradient(middle)
    # What the quadratic got wrong about the force at its own end.
    wrong = modes.T @ -gradient - along + curvatures * shift
    correction = modes @ (2.0 * h * _phi3(z) * wrong)
    y = middle + correction
    value, gradient = objective.value_and_gradient(y)
    return FlowStep(y, -gradient, float(value), float(np.linalg.norm(correction)))


def _phi1(z: Array) -> Array:
    """(e^z - 1) / z."""
    safe = np.where(np.abs(z) < 1e-8, 1.0, z)
    return np.asarray(
        np.where(np.abs(z) < 1e-8, 1.0 + 0.5 * z, np.expm1(np.minimum(safe, 700.0)) / safe)
    )


def _phi3(z: Array) -> Array:
    """(e^z - 1 - z - z^2 / 2) / z^3."""
    small = np.abs(z) < 0.1
    safe = np.where(small, 1.0, z)
    exact = (np.expm1(np.minimum(safe, 700.0)) - safe - 0.5 * safe**2) / safe**3
    series = (1 + z / 4 * (1 + z / 5 * (1 + z / 6 * (1 + z / 7 * (1 + z / 8))))) / 6
    return np.asarray(np.where(small, series, exact))
