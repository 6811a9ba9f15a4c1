"""Himmelblau's function: four minima of value 0, four saddles, one maximum.

D. M. Himmelblau, Applied Nonlinear Programming, McGraw-Hill (1972).
"""

from __future__ import annotations

import numpy as np

from landtopo.models.functions import function_model
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array

__all__ = ["himmelblau"]


def _value(x: Array) -> float:
    return float((x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2)


def _gradient(x: Array) -> Array:
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return np.array([4 * a * x[0] + 2 * b, 2 * a + 4 * b * x[1]])


def _hessian(x: Array) -> Array:
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    mixed = 4 * (x[0] + x[1])
    return np.array([[4 * a + 8 * x[0] ** 2 + 2, mixed], [mixed, 2 + 4 * b + 8 * x[1] ** 2]])


def himmelblau() -> SmoothModel:
    """The model of the function."""
    return function_model(
        _value, _gradient, _hessian, low=-5.0, high=5.0, size=2, name="himmelblau"
    )
