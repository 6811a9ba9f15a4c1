"""s(x) = max(x, 0)^2, with S = |u ^ v| and B = pi - t, t the angle between u and v.

    G = [3 c S + B (pq + 2 c^2)] / 2 pi,  G_p = [c S / p + B q] / 2 pi,  G_c = 2 (S + B c) / pi

(the arc-cosine kernel of order 2 of Cho and Saul, 2009).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers
from landtopo.kernels.formula import (
    arcsine,
    first,
    no_table,
    no_table_size,
    own,
    second,
    table,
    table_size,
)
from landtopo.models.networks.activation import Activation

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = "squared-relu"
PARAMETERS = ""


class SquaredRelu(NamedTuple):
    """The tag."""

    scale: float = 1.0


_compiled = njit(cache=True, error_model="numpy")

answers(table_size, SquaredRelu)(no_table_size)
answers(table, SquaredRelu)(no_table)


@answers(first, SquaredRelu)
@_compiled
def _first(tag, p, q, c, wedge, tables, k, j):
    whole = p * q
    inverse = 1.0 / whole if whole > 0.0 else 0.0
    own_inverse = 1.0 / p if p > 0.0 else 0.0
    area = math.sqrt(wedge)
    opposite = 0.5 * math.pi + arcsine(c * math.sqrt(inverse), wedge * inverse)
    value = (3.0 * c * area + opposite * (whole + 2.0 * c * c)) / (2.0 * math.pi)
    along = (c * area * own_inverse + opposite * q) / (2.0 * math.pi)
    return value, along, 2.0 / math.pi * (area + opposite * c)


@answers(second, SquaredRelu)
@_compiled
def _second(tag, p, q, c, wedge, tables, k, j):
    whole = p * q
    inverse = 1.0 / whole if whole > 0.0 else 0.0
    left = 1.0 / p if p > 0.0 else 0.0
    right = 1.0 / q if q > 0.0 else 0.0
    area = math.sqrt(wedge) / math.pi
    opposite = 0.5 * math.pi + arcsine(c * math.sqrt(inverse), wedge * inverse)
    return -0.5 * c * area * left * left, area * left, area * right, 2.0 / math.pi * opposite


@answers(own, SquaredRelu)
@_compiled
def _own(tag, p, tables, k):
    return 1.5 * p * p, 3.0 * p, 3.0


def make(parameters: str) -> Activation:
    """max(x, 0)^2."""
    return Activation(
        name=NAME,
        tag=SquaredRelu(),
        function=lambda x: np.square(np.maximum(x, 0.0)),
        exact=lambda mp, x: x * x if x > 0 else mp.zero,
        degree=2,
        kinks=True,
    )
