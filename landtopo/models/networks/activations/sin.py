"""s(x) = sin x: G = (exp(-|u - v|^2 / 2) - exp(-|u + v|^2 / 2)) / 2."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers
from landtopo.kernels.formula import (
    first,
    no_table,
    no_table_size,
    own,
    own_of_pairs,
    second,
    table,
    table_size,
)
from landtopo.models.networks.activation import Activation

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = "sin"
PARAMETERS = ""


class Sine(NamedTuple):
    """The tag."""

    scale: float = 1.0


_compiled = njit(cache=True, error_model="numpy")

answers(table_size, Sine)(no_table_size)
answers(table, Sine)(no_table)
answers(own, Sine)(own_of_pairs)


@answers(first, Sine)
@_compiled
def _first(tag, p, q, c, wedge, tables, k, j):
    near, far = 0.5 * math.exp(c - 0.5 * (p + q)), 0.5 * math.exp(-c - 0.5 * (p + q))
    return near - far, -0.5 * (near - far), near + far


@answers(second, Sine)
@_compiled
def _second(tag, p, q, c, wedge, tables, k, j):
    near, far = 0.5 * math.exp(c - 0.5 * (p + q)), 0.5 * math.exp(-c - 0.5 * (p + q))
    value, slope = near - far, near + far
    return 0.25 * value, -0.5 * slope, -0.5 * slope, value


def make(parameters: str) -> Activation:
    """Sin x."""
    return Activation(
        name=NAME,
        tag=Sine(),
        function=np.sin,
        slopes=lambda x: (np.cos(x), -np.sin(x)),
        exact=lambda mp, x: mp.sin(x),
        parity=-1,
    )
