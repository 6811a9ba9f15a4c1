"""The surface of Mueller and Brown: four Gaussians in the plane, three minima, two saddles.

K. Mueller, L. D. Brown, Theor. Chim. Acta 53, 75 (1979).
"""

from __future__ import annotations

import numpy as np

from landtopo.models.functions import function_model
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array

__all__ = ["mueller_brown"]

_DEPTH = np.array([-200.0, -100.0, -170.0, 15.0])
_XX = np.array([-1.0, -1.0, -6.5, 0.7])
_XY = np.array([0.0, 0.0, 11.0, 0.6])
_YY = np.array([-10.0, -10.0, -6.5, 0.7])
_X = np.array([1.0, 0.0, -0.5, -1.0])
_Y = np.array([0.0, 0.5, 1.5, 1.0])


def _parts(x: Array) -> tuple[Array, Array, Array]:
    dx, dy = x[0] - _X, x[1] - _Y
    # Far outside, the last term grows beyond all numbers.
    exponent = np.minimum(_XX * dx**2 + _XY * dx * dy + _YY * dy**2, 500.0)
    return _DEPTH * np.exp(exponent), 2 * _XX * dx + _XY * dy, _XY * dx + 2 * _YY * dy


def _value(x: Array) -> float:
    return float(_parts(x)[0].sum())


def _gradient(x: Array) -> Array:
    terms, ex, ey = _parts(x)
    return np.array([terms @ ex, terms @ ey])


def _hessian(x: Array) -> Array:
    terms, ex, ey = _parts(x)
    mixed = terms @ (ex * ey + _XY)
    return np.array([[terms @ (ex**2 + 2 * _XX), mixed], [mixed, terms @ (ey**2 + 2 * _YY)]])


def mueller_brown() -> SmoothModel:
    """The model of the surface."""
    return function_model(
        _value, _gradient, _hessian, low=[-1.5, -0.5], high=[1.2, 2.0], name="mueller-brown"
    )
