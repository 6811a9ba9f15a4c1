"""s(x) = cos x: G = (exp(-|u - v|^2 / 2) + exp(-|u + v|^2 / 2)) / 2."""

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

NAME = "cos"
PARAMETERS = ""


class Cosine(NamedTuple):
    """The tag."""

    scale: float = 1.0


_compiled = njit(cache=True, error_model="numpy")

answers(table_size, Cosine)(no_table_size)
answers(table, Cosine)(no_table)
answers(own, Cosine)(own_of_pairs)


@answers(first, Cosine)
@_compiled
def _first(tag, p, q, c, wedge, tables, k, j):
    near, far = 0.5 * math.exp(c - 0.5 * (p + q)), 0.5 * math.exp(-c - 0.5 * (p + q))
    return near + far, -0.5 * (near + far), near - far


@answers(second, Cosine)
@_compiled
def _second(tag, p, q, c, wedge, tables, k, j):
    near, far = 0.5 * math.exp(c - 0.5 * (p + q)), 0.5 * math.exp(-c - 0.5 * (p + q))
    value, slope = near + far, near - far
    return 0.25 * value, -0.5 * slope, -0.5 * slope, value


def make(parameters: str) -> Activation:
    """Cos x."""
    return Activation(
        name=NAME,
        tag=Cosine(),
        function=np.cos,
        slopes=lambda x: (-np.sin(x), -np.cos(x)),
        exact=lambda mp, x: mp.cos(x),
        parity=1,
    )
