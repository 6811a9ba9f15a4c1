"""Landscapes with textbook critical points, as objectives for the tests."""

from __future__ import annotations

import numpy as np

from landtopo.objective import Array, SmoothFunction

__all__ = [
    "MUELLER_BROWN_MINIMA",
    "MUELLER_BROWN_SADDLES",
    "bowl",
    "himmelblau",
    "mueller_brown",
    "ring",
]

# Mueller, Brown, Theor. Chim. Acta 53, 75 (1979): x, y and energy of each point.
MUELLER_BROWN_MINIMA = np.array(
    [
        [-0.5582236346, 1.4417258418, -146.6995172],
        [-0.0500108229, 0.4666941049, -80.7678181],
        [0.6234994049, 0.0280377585, -108.1667241],
    ]
)
MUELLER_BROWN_SADDLES = np.array(
    [[-0.8220015587, 0.6243128028, -40.6648435], [0.2124865820, 0.2929883251, -72.2489401]]
)

_DEPTH = np.array([-200.0, -100.0, -170.0, 15.0])
_XX = np.array([-1.0, -1.0, -6.5, 0.7])
_XY = np.array([0.0, 0.0, 11.0, 0.6])
_YY = np.array([-10.0, -10.0, -6.5, 0.7])
_X = np.array([1.0, 0.0, -0.5, -1.0])
_Y = np.array([0.0, 0.5, 1.5, 1.0])


def mueller_brown() -> SmoothFunction:
    """Sum of four Gaussians in the plane: three minima, two saddles of index one."""

    def parts(x: Array) -> tuple[Array, Array, Array]:
        dx, dy = x[0] - _X, x[1] - _Y
        terms = _DEPTH * np.exp(_XX * dx**2 + _XY * dx * dy + _YY * dy**2)
        return terms, 2 * _XX * dx + _XY * dy, _XY * dx + 2 * _YY * dy

    def value(x: Array) -> float:
        return float(parts(x)[0].sum())

    def gradient(x: Array) -> Array:
        terms, ex, ey = parts(x)
        return np.array([terms @ ex, terms @ ey])

    def hessian(x: Array) -> Array:
        terms, ex, ey = parts(x)
        mixed = terms @ (ex * ey + _XY)
        return np.array([[terms @ (ex**2 + 2 * _XX), mixed], [mixed, terms @ (ey**2 + 2 * _YY)]])

    return SmoothFunction(size=2, function=value, derivative=gradient, second=hessian)


def himmelblau() -> SmoothFunction:
    """(x^2 + y - 11)^2 + (x + y^2 - 7)^2: four minima of value 0, four saddles, one maximum."""

    def value(x: Array) -> float:
        return float((x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2)

    def gradient(x: Array) -> Array:
        a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
        return np.array([4 * a * x[0] + 2 * b, 2 * a + 4 * b * x[1]])

    def hessian(x: Array) -> Array:
        a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
        mixed = 4 * (x[0] + x[1])
        return np.array([[4 * a + 8 * x[0] ** 2 + 2, mixed], [mixed, 2 + 4 * b + 8 * x[1] ** 2]])

    return SmoothFunction(size=2, function=value, derivative=gradient, second=hessian)


def bowl(curvatures: Array) -> SmoothFunction:
    """Quadratic function with the given curvatures along the axes."""
    return SmoothFunction(
        size=curvatures.size,
        function=lambda x: float(curvatures @ x**2) / 2,
        derivative=lambda x: curvatures * x,
        second=lambda x: np.diag(curvatures),
    )


def ring(tilt: float = 0.0) -> SmoothFunction:
    """(|x|^2 - 1)^2 / 4 + tilt x_1 in the plane: a circle of minima when it is not tilted.

    Tilted, 0 < tilt < 2 / sqrt(27), the critical points lie on the first axis at the roots of
    t^3 - t + tilt = 0: the smallest is the minimum, the largest the saddle, the middle a maximum.
    """

    def value(x: Array) -> float:
        return float((x @ x - 1) ** 2 / 4 + tilt * x[0])

    def gradient(x: Array) -> Array:
        return np.asarray((x @ x - 1) * x + np.array([tilt, 0.0]))

    def hessian(x: Array) -> Array:
        return np.asarray((x @ x - 1) * np.eye(2) + 2 * np.outer(x, x))

    return SmoothFunction(size=2, function=value, derivative=gradient, second=hessian)
