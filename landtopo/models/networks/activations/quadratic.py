"""s(x) = x^2: G = pq + 2 c^2. The loss is |S|^2 + (tr S)^2 / 2 with S = W^T W - V^T V."""

from __future__ import annotations

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

NAME = "quadratic"
PARAMETERS = ""


class Quadratic(NamedTuple):
    """The tag."""

    scale: float = 1.0


_compiled = njit(cache=True, error_model="numpy")

answers(table_size, Quadratic)(no_table_size)
answers(table, Quadratic)(no_table)
answers(own, Quadratic)(own_of_pairs)


@answers(first, Quadratic)
@_compiled
def _first(tag, p, q, c, wedge, tables, k, j):
    return p * q + 2.0 * c * c, q, 4.0 * c


@answers(second, Quadratic)
@_compiled
def _second(tag, p, q, c, wedge, tables, k, j):
    return 0.0, 0.0, 0.0, 4.0


def make(parameters: str) -> Activation:
    """x^2."""
    return Activation(
        name=NAME,
        tag=Quadratic(),
        function=np.square,
        slopes=lambda x: (2.0 * x, np.full_like(x, 2.0)),
        exact=lambda mp, x: x * x,
        degree=2,
        parity=1,
        mixes=True,
    )
