"""Single steps of the gradient flow dx/dt = -grad f, each with an estimate of its error.

The Runge-Kutta-Chebyshev method of second order (Sommeijer, Shampine, Verwer, J. Comput. Appl.
Math. 88, 315 (1998)) is explicit, and stable for stiff flows with real spectra, as those of
gradients are: s evaluations reach as far as s^2 of an ordinary explicit method. The Rosenbrock
method ROS3 of third order with an embedded one of second (Sandu, Verwer, Blom, Spee, Carmichael,
Potra, Atmos. Environ. 31, 3459 (1997)) is linearly implicit and L-stable: with the Hessian it knows
no stiffness at all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.points.factors import cholesky

__all__ = ["FlowStep", "chebyshev_stages", "chebyshev_step", "rosenbrock_step"]

# ROS3: gamma of (I / (gamma h) + H), how stages feed on earlier ones, the weights of the stages in
# the solution, and in the difference to the embedded method.
_GAMMA = 0.43586652150845899941601945119356
_COUPLING = (-1.0156171083877702, 4.075995645253770, 9.207679429833079)
_WEIGHTS = (1.0, 6.169794704382824, -0.42772256543218573)
_ERROR = (0.5, -2.9079558716805470, 0.22354069897811570)


class FlowStep(NamedTuple):
    """Where a step ended: point, -grad, value, and the estimated error of the point."""

    x: Array
    slope: Array
    value: float
    error: Array


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
    first, table, of_start, of_slope = _coefficients(stages)
    before, y = x, x + (first * h) * slope
    # What every stage takes from the first point, for all stages at once.
    fixed = np.outer(of_start, x) + np.outer(h * of_slope, slope)
    for following, (mu, nu, mu_h) in zip(fixed, table, strict=True):
        _, gradient = objective.value_and_gradient(y)
        following += mu * y
        following += nu * before
        following -= (mu_h * h) * gradient
        before, y = y, following
    value, gradient = objective.value_and_gradient(y)
    error = 0.8 * (x - y) + 0.4 * h * (slope - gradient)
    return FlowStep(y.copy(), -gradient, float(value), error)


@lru_cache(maxsize=256)
def _coefficients(
    stages: int,
) -> tuple[float, tuple[tuple[float, float, float], ...], Array, Array]:
    """Coefficients of s stages with damping 2/13, from the Chebyshev polynomials at w_0.

    Of the slope in the first stage; of the last point, the one before it and the gradient in each
    further stage; and what these take of the first point and of the slope there.
    """
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
    of_start, of_slope = np.empty(stages - 1), np.empty(stages - 1)
    for j in range(2, stages + 1):
        mu = 2 * b[j] * w0 / b[j - 1]
        mu_h = 2 * b[j] * w1 / b[j - 1]
        nu = -b[j] / b[j - 2]
        table.append((float(mu), float(nu), float(mu_h)))
        of_start[j - 2], of_slope[j - 2] = 1.0 - mu - nu, -a[j - 1] * mu_h
    return float(b[1] * w1), tuple(table), of_start, of_slope


def rosenbrock_step(
    objective: Objective, x: Array, slope: Array, h: float, hessian: Array
) -> FlowStep | None:
    """One step of ROS3, for two gradients and a Cholesky factorisation.

    Parameters
    ----------
    objective : Objective
    x, slope : ndarray, shape (size,)
        Point and -grad there.
    h : float
        Time step.
    hessian : ndarray, shape (size, size)
        At x.

    Returns
    -------
    FlowStep or None
        None where a mode grows so fast that the step is too long for it.
    """
    factors = cholesky(hessian + np.diag(np.full(x.size, 1.0 / (_GAMMA * h))))
    if factors is None:
        return None
    first = factors.solve(slope)
    _, gradient = objective.value_and_gradient(x + first)
    second = factors.solve(_COUPLING[0] / h * first - gradient)
    third = factors.solve((_COUPLING[1] * first + _COUPLING[2] * second) / h - gradient)
    y = x + _WEIGHTS[0] * first + _WEIGHTS[1] * second + _WEIGHTS[2] * third
    error = _ERROR[0] * first + _ERROR[1] * second + _ERROR[2] * third
    value, gradient = objective.value_and_gradient(y)
    return FlowStep(y, -gradient, float(value), error)
