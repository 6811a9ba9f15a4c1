"""Whether a user's function is what an `Objective` promises: found before any work, and said.

A wrong sign in a gradient sends every search away from where it should go, without any sign of it
but results that are wrong. So the values, gradients and Hessians at a few points are compared with
differences of each other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from landtopo.checks import shown
from landtopo.errors import InvalidArgument
from landtopo.objective import Array, Objective

__all__ = ["check_derivatives"]

_POINTS = 5
# Most coordinates along which differences are taken at one point.
_COORDINATES = 32
# Steps of the differences, in units of the box: of the shortest, rounding is small enough for
# nearly every function, and of the longest for those with large values.
_STEPS = (1e-6, 1e-5, 1e-4, 1e-3)
# Share of the largest derivative by which one may be off beyond the error of the difference.
_MISMATCH = 1e-3
_ASYMMETRY = 1e-6
_EPSILON = float(np.finfo(np.float64).eps)


def check_derivatives(
    function: str, objective: Objective, low: Array, high: Array, *, argument: str = "objective"
) -> None:
    """Refuse an objective whose values, gradients and Hessians do not belong together.

    Parameters
    ----------
    function : str
        The public function that was given it.
    objective : Objective
    low, high : ndarray, shape (size,)
        Corners of the box in which it is looked at, at some fixed points.
    argument : str
        The argument that it was given as.

    Raises
    ------
    InvalidArgument
        In one sentence: a wrong shape, no finite real number, or a derivative that differences
        contradict.
    """
    where = f"The '{argument}' argument of {function}"
    generator = np.random.default_rng(np.random.SeedSequence(0))
    for x in generator.uniform(low, high, size=(_POINTS, len(low))):
        gradient, hessian = _evaluated(where, objective, x)
        chosen = np.arange(len(x))
        if len(x) > _COORDINATES:
            chosen = generator.choice(len(x), _COORDINATES, replace=False)
        for name, source, change, exact in (
            ("gradient", "values", lambda y: np.atleast_1d(objective.value(y)), gradient[:, None]),
            ("Hessian", "gradients", lambda y: objective.value_and_gradient(y)[1], hessian),
        ):
            scale = float(np.abs(exact).max())
            for i in chosen.tolist():
                edge = np.zeros(len(x))
                edge[i] = high[i] - low[i]
                found = _contradiction(change, x, edge, exact[i], scale)
                if found is not None:
                    raise InvalidArgument(
                        f"{where} has a {name} that contradicts its {source}: at x = {_text(x)} "
                        f"along coordinate {i} differences give {_text(found)}, and it says "
                        f"{_text(exact[i])}."
                    )


def _evaluated(where: str, objective: Objective, x: Array) -> tuple[Array, Array]:
    """Gradient and Hessian at a point; they and the value are what was promised."""
    size = len(x)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            value, gradient = objective.value_and_gradient(x)
            found = (
                ("value", np.asarray(objective.value(x)), ()),
                ("value", np.asarray(value), ()),
                ("gradient", np.asarray(gradient), (size,)),
                ("Hessian", np.asarray(objective.hessian(x)), (size, size)),
            )
    except InvalidArgument:
        raise
    except (TypeError, ValueError, IndexError, np.exceptions.ComplexWarning) as error:
        raise InvalidArgument(
            f"{where} cannot be evaluated at x = {_text(x)}: {' '.join(str(error).split())}."
        ) from error
    for name, array, shape in found:
        if array.shape != shape or array.dtype.kind not in "iuf":
            raise InvalidArgument(
                f"{where} must have a {name} of real numbers, of shape {shape}; at x = {_text(x)} "
                f"it has the type {array.dtype} and the shape {array.shape}."
            )
        if not np.all(np.isfinite(array)):
            raise InvalidArgument(f"{where} has a {name} that is not finite at x = {_text(x)}.")
    hessian = found[3][1]
    if np.abs(hessian - hessian.T).max() > _ASYMMETRY * np.abs(hessian).max():
        raise InvalidArgument(f"{where} has a Hessian that is not symmetric at x = {_text(x)}.")
    return found[2][1], hessian


def _contradiction(
    function: Callable[[Array], Array], x: Array, edge: Array, exact: Array, scale: float
) -> Array | None:
    """Differences along an edge of the box that no step brings into agreement, or None.

    The change over half a step tells the error of a difference, and the size of what is
    subtracted its rounding.
    """
    length = float(np.abs(edge).max())
    difference = exact
    for step in _STEPS:
        ahead, behind = function(x + step * edge), function(x - step * edge)
        difference = (ahead - behind) / (2.0 * step * length)
        half = (function(x + 0.5 * step * edge) - function(x - 0.5 * step * edge)) / (step * length)
        size = np.maximum(np.abs(ahead), np.abs(behind)).max() + np.abs(x).max() * scale
        rounding = 64.0 * _EPSILON * size / (step * length)
        allowed = _MISMATCH * scale + 4.0 * np.abs(difference - half) + rounding
        # Near a singularity a step may lead to where the function is no number.
        if not np.all(np.isfinite(difference)) or np.all(np.abs(half - exact) <= allowed):
            return None
    return np.asarray(difference)


def _text(x: Array) -> str:
    return shown([float(f"{entry:.6g}") for entry in np.atleast_1d(x)])
