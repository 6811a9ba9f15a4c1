"""s(x) = erf(x / sqrt 2), which is 2 Phi(x) - 1.

G = (2/pi) atan2(c, sqrt D), D = (1 + p)(1 + q) - c^2 = 1 + p + q + |u ^ v|^2 (Saad and Solla, Phys.
Rev. E 52, 4225, 1995). The second form of D has all digits for long and nearly parallel weights.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import erf

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers
from landtopo.kernels.formula import (
    arcsine,
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
from landtopo.objective import Array

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = "erf"
PARAMETERS = ""


class Erf(NamedTuple):
    """The tag."""

    scale: float = 1.0


_compiled = njit(cache=True, error_model="numpy")

answers(table_size, Erf)(no_table_size)
answers(table, Erf)(no_table)
answers(own, Erf)(own_of_pairs)


@answers(first, Erf)
@_compiled
def _first(tag, p, q, c, wedge, tables, k, j):
    inverse = 1.0 / ((1.0 + p) * (1.0 + q))
    d = 1.0 + p + q + wedge
    slope = 2.0 / (math.pi * math.sqrt(d))
    value = 2.0 / math.pi * arcsine(c * math.sqrt(inverse), d * inverse)
    return value, -0.5 * c * slope / (1.0 + p), slope


@answers(second, Erf)
@_compiled
def _second(tag, p, q, c, wedge, tables, k, j):
    d = 1.0 + p + q + wedge
    root = math.sqrt(d)
    cube = 1.0 / (math.pi * d * root)
    p, q = 1.0 + p, 1.0 + q
    along = c * (1.0 / (math.pi * p * p * root) + 0.5 * q / p * cube)
    return along, -q * cube, -p * cube, 2.0 * c * cube


def _slopes(x: Array) -> tuple[Array, Array]:
    first = math.sqrt(2.0 / math.pi) * np.exp(-(x**2) / 2.0)
    return first, -x * first


def make(parameters: str) -> Activation:
    """erf(x / sqrt 2)."""
    return Activation(
        name=NAME,
        tag=Erf(),
        function=lambda x: erf(x / math.sqrt(2.0)),
        slopes=_slopes,
        exact=lambda mp, x: mp.erf(x / mp.sqrt(2)),
        parity=-1,
    )
