"""The XOR network: two inputs, two tanh neurons, one output, on four points, with weight decay.

    f(x) = c + sum_k v_k tanh(w_k.x + b_k),    L = 1/8 sum_i (f(x_i) - y_i)^2 + (g / 2) |p|^2

for x = (+-1, +-1) and y = -x_1 x_2; the nine coordinates are (w_1, b_1, w_2, b_2, v, c). Neurons
and inputs may change places, a neuron may change all its signs, and so may an input together with
the output: 64 symmetries, all of them signed permutations of coordinates.

Without decay the points of zero loss are no isolated points: nine numbers fit four values. With any
decay g > 0 the origin is a minimum, L = 1/2 with the curvatures g (eight times) and 1 + g: the four
targets sum to zero with each input and by themselves, so that nothing pulls a small network away.
Minima of such networks are studied by D. Mehta, X. Zhao, E. A. Bernal and D. J. Wales, Phys. Rev. E
97, 052307 (2018).
"""

from __future__ import annotations

import numpy as np

from landtopo.checks import checked_number
from landtopo.models.functions import function_model
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array

__all__ = ["xor"]

_INPUTS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
_TARGETS = -_INPUTS[:, 0] * _INPUTS[:, 1]
# Inputs with a one for the bias, so that a neuron is a row of three numbers.
_WIDE = np.column_stack([_INPUTS, np.ones(4)])
_SYMMETRY = [
    [4, 5, 6, 1, 2, 3, 8, 7, 9],  # the neurons change places
    [-1, -2, -3, 4, 5, 6, -7, 8, 9],  # a neuron changes its signs
    [2, 1, 3, 5, 4, 6, 7, 8, 9],  # the inputs change places
    [-1, 2, 3, -4, 5, 6, -7, -8, -9],  # an input and the output change their signs
]


def _parts(x: Array) -> tuple[Array, Array, Array]:
    """Tanh of every neuron on every point (4, 2), its slope, and what the network misses (4,)."""
    values = np.tanh(_WIDE @ x[:6].reshape(2, 3).T)
    return values, 1.0 - values**2, x[8] + values @ x[6:8] - _TARGETS


def _slopes(x: Array, values: Array, first: Array) -> Array:
    """Derivatives of f on every point, shape (4, 9)."""
    inner = (first * x[6:8])[:, :, None] * _WIDE[:, None, :]
    return np.column_stack([inner.reshape(4, 6), values, np.ones(4)])


def xor(decay: float = 0.01) -> SmoothModel:
    """The model of the network.

    Parameters
    ----------
    decay : float
        g, positive.

    Examples
    --------
    >>> from landtopo.models.xor import xor
    >>> xor(0.01)
    <xor:0.01: 9 coordinates>
    """
    decay = checked_number("decay", "xor", decay, "be a number > 0", lambda g: 0.0 < g < np.inf)

    def value(x: Array) -> float:
        return float(np.mean(_parts(x)[2] ** 2) + decay * (x @ x)) / 2.0

    def gradient(x: Array) -> Array:
        values, first, missed = _parts(x)
        return np.asarray(missed @ _slopes(x, values, first) / 4.0 + decay * x)

    def hessian(x: Array) -> Array:
        values, first, missed = _parts(x)
        slopes = _slopes(x, values, first)
        result = slopes.T @ slopes / 4.0 + decay * np.eye(9)
        for k in range(2):
            own = slice(3 * k, 3 * k + 3)
            bend = missed * x[6 + k] * -2.0 * values[:, k] * first[:, k]
            result[own, own] += _WIDE.T @ (bend[:, None] * _WIDE) / 4.0
            crossed = (missed * first[:, k]) @ _WIDE / 4.0
            result[own, 6 + k] += crossed
            result[6 + k, own] += crossed
        return np.asarray(result)

    return function_model(
        value,
        gradient,
        hessian,
        low=-3.0,
        high=3.0,
        size=9,
        symmetry=_SYMMETRY,
        name=f"xor:{decay:g}",
    )
