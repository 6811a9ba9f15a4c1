"""The XOR network: two inputs, two neurons, one output, on four points, with weight decay.

    f(x) = c + sum_k v_k s(w_k.x + b_k),    L = 1/8 sum_i (f(x_i) - y_i)^2 + (g / 2) |p|^2

for x = (+-1, +-1) and y = -x_1 x_2; the nine coordinates are (w_1, b_1, w_2, b_2, v, c), and s is
tanh or the logistic function. Neurons and inputs may change places, an input may change its sign
together with the output, and a tanh neuron all its signs: 64 symmetries, 16 of the logistic
function, all of them signed permutations of coordinates.

Without decay the points of zero loss are no isolated points: nine numbers fit four values. With any
decay g > 0 the origin is a minimum, L = 1/2 with the curvatures g (eight times) and
1 + 2 s(0)^2 + g: the four targets sum to zero with each input and by themselves, so that nothing
pulls a small network away.
Minima of such networks are studied by D. Mehta, X. Zhao, E. A. Bernal and D. J. Wales, Phys. Rev. E
97, 052307 (2018).
"""

from __future__ import annotations

import numpy as np

from landtopo.checks import checked_number
from landtopo.errors import InvalidArgument
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
    [2, 1, 3, 5, 4, 6, 7, 8, 9],  # the inputs change places
    [-1, 2, 3, -4, 5, 6, -7, -8, -9],  # an input and the output change their signs
]
# A neuron changes its signs.
_ODD = [-1, -2, -3, 4, 5, 6, -7, 8, 9]


def _tanh(z: Array) -> tuple[Array, Array, Array]:
    """s, s' and s''."""
    values = np.tanh(z)
    first = 1.0 - values**2
    return values, first, -2.0 * values * first


def _sigmoid(z: Array) -> tuple[Array, Array, Array]:
    """The same of 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2."""
    values, first, second = _tanh(z / 2.0)
    return (1.0 + values) / 2.0, first / 4.0, second / 8.0


_ACTIVATIONS = {"tanh": _tanh, "sigmoid": _sigmoid}


def _slopes(x: Array, values: Array, first: Array) -> Array:
    """Derivatives of f on every point, shape (4, 9)."""
    inner = (first * x[6:8])[:, :, None] * _WIDE[:, None, :]
    return np.column_stack([inner.reshape(4, 6), values, np.ones(4)])


def xor(decay: float = 0.01, activation: str = "tanh") -> SmoothModel:
    """The model of the network.

    Parameters
    ----------
    decay : float
        g, positive.
    activation : {"tanh", "sigmoid"}
        s.

    Examples
    --------
    >>> from landtopo.models.xor import xor
    >>> xor(0.01)
    <xor:0.01: 9 coordinates>
    >>> xor(0.01, "sigmoid")
    <xor:sigmoid:0.01: 9 coordinates>
    """
    decay = checked_number("decay", "xor", decay, "be a number > 0", lambda g: 0.0 < g < np.inf)
    if activation not in _ACTIVATIONS:
        raise InvalidArgument(
            f"The 'activation' argument of xor must be {' or '.join(_ACTIVATIONS)}; got "
            f"{activation!r}."
        )
    neurons = _ACTIVATIONS[activation]
    odd = activation == "tanh"

    def parts(x: Array) -> tuple[Array, ...]:
        """s, s' and s'' of every neuron on every point (4, 2), and what the network misses (4,)."""
        values, first, second = neurons(_WIDE @ x[:6].reshape(2, 3).T)
        return values, first, second, x[8] + values @ x[6:8] - _TARGETS

    def value(x: Array) -> float:
        return float(np.mean(parts(x)[3] ** 2) + decay * (x @ x)) / 2.0

    def gradient(x: Array) -> Array:
        values, first, _, missed = parts(x)
        return np.asarray(missed @ _slopes(x, values, first) / 4.0 + decay * x)

    def hessian(x: Array) -> Array:
        values, first, second, missed = parts(x)
        slopes = _slopes(x, values, first)
        result = slopes.T @ slopes / 4.0 + decay * np.eye(9)
        for k in range(2):
            own = slice(3 * k, 3 * k + 3)
            bend = missed * x[6 + k] * second[:, k]
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
        symmetry=[*_SYMMETRY, _ODD] if odd else _SYMMETRY,
        name=f"xor:{decay:g}" if odd else f"xor:{activation}:{decay:g}",
    )
