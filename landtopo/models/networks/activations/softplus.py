"""log(1 + exp x), by its Hermite series."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers
from landtopo.kernels.formula import first, own, own_of_pairs, second, table, table_size
from landtopo.kernels.series import (
    DERIVATIVES,
    hermite_rows,
    smooth_first,
    smooth_second,
    tabulate_smooth,
)
from landtopo.models.networks.activation import Activation
from landtopo.objective import Array

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = "softplus"
PARAMETERS = ""
# Up to this length the series, cut where it is, is right to 1e-13 even for parallel neurons.
_LONGEST = 3.0
_TERMS = 400


class Softplus(NamedTuple):
    """The tag: what a trapezoid for Hermite coefficients needs."""

    nodes: Array
    rows: Array


_compiled = njit(cache=True, error_model="numpy")

answers(own, Softplus)(own_of_pairs)
answers(first, Softplus)(smooth_first)
answers(second, Softplus)(smooth_second)


@answers(table_size, Softplus)
@_compiled
def _table_size(tag):
    return DERIVATIVES * tag.rows.shape[0] + 2


@answers(table, Softplus)
@_compiled
def _table(tag, p, tables, k):
    samples = np.empty((DERIVATIVES, tag.nodes.shape[0]))
    length = math.sqrt(p)
    for i in range(tag.nodes.shape[0]):
        x = length * tag.nodes[i]
        y = 1.0 / (1.0 + math.exp(-x))
        u = y * (1.0 / (1.0 + math.exp(x)))
        t = 1.0 - 2.0 * y
        samples[0, i] = max(x, 0.0) + math.log1p(math.exp(-abs(x)))
        samples[1, i] = y
        samples[2, i] = u
        samples[3, i] = u * t
        samples[4, i] = u * (t * t - 2.0 * u)
    tabulate_smooth(samples, tag.rows, _LONGEST, p, tables, k)


@lru_cache(maxsize=1)
def _tag() -> Softplus:
    return Softplus(*hermite_rows(_TERMS))


def make(parameters: str) -> Activation:
    """log(1 + exp x), by its Hermite series."""
    return Activation(
        name=NAME,
        tag=_tag(),
        function=lambda x: np.logaddexp(0.0, x),
        exact=lambda mp, x: mp.log1p(mp.exp(x)),
        parity=0,
        longest=_LONGEST,
    )
