"""1 / (1 + exp(-x)), by its Hermite series."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import expit

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

NAME = "sigmoid"
PARAMETERS = ""
# Up to this length the series, cut where it is, is right to 1e-13 even for parallel neurons.
_LONGEST = 3.0
_TERMS = 400


class Sigmoid(NamedTuple):
    """The tag: what a trapezoid for Hermite coefficients needs."""

    nodes: Array
    rows: Array


_compiled = njit(cache=True, error_model="numpy")

answers(own, Sigmoid)(own_of_pairs)
answers(first, Sigmoid)(smooth_first)
answers(second, Sigmoid)(smooth_second)


@answers(table_size, Sigmoid)
@_compiled
def _table_size(tag):
    return DERIVATIVES * tag.rows.shape[0] + 2


@answers(table, Sigmoid)
@_compiled
def _table(tag, p, tables, k):
    samples = np.empty((DERIVATIVES, tag.nodes.shape[0]))
    length = math.sqrt(p)
    for i in range(tag.nodes.shape[0]):
        x = length * tag.nodes[i]
        y = 1.0 / (1.0 + math.exp(-x))
        u = y * (1.0 / (1.0 + math.exp(x)))
        t = 1.0 - 2.0 * y
        samples[0, i] = y
        samples[1, i] = u
        samples[2, i] = u * t
        samples[3, i] = u * (t * t - 2.0 * u)
        samples[4, i] = u * t * (t * t - 8.0 * u)
    tabulate_smooth(samples, tag.rows, _LONGEST, p, tables, k)


@lru_cache(maxsize=1)
def _tag() -> Sigmoid:
    return Sigmoid(*hermite_rows(_TERMS))


def make(parameters: str) -> Activation:
    """1 / (1 + exp(-x)), by its Hermite series."""
    return Activation(
        name=NAME,
        tag=_tag(),
        function=expit,
        exact=lambda mp, x: 1 / (1 + mp.exp(-x)),
        parity=0,
        longest=_LONGEST,
    )
