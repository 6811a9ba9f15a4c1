"""SiLU (swish), x / (1 + exp(-x)), by its Hermite series."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers
from landtopo.kernels.formula import table
from landtopo.kernels.series import (
    DERIVATIVES,
    answer_by_series,
    hermite_rows,
    logistic,
    tabulate_smooth,
)
from landtopo.models.networks.activation import Activation
from landtopo.objective import Array

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = "silu"
PARAMETERS = ""
# Up to this length the series, cut where it is, is right to 1e-13 even for parallel neurons.
_LONGEST = 3.0
_TERMS = 400


class Silu(NamedTuple):
    """The tag: what a trapezoid for Hermite coefficients needs."""

    nodes: Array
    rows: Array


_compiled = njit(cache=True, error_model="numpy")

answer_by_series(Silu)


@answers(table, Silu)
@_compiled
def _table(tag, p, tables, k):
    samples = np.empty((DERIVATIVES, tag.nodes.shape[0]))
    length = math.sqrt(p)
    for i in range(tag.nodes.shape[0]):
        x = length * tag.nodes[i]
        y, u, t = logistic(x)
        second = u * t
        third = u * (t * t - 2.0 * u)
        samples[0, i] = x * y
        samples[1, i] = y + x * u
        samples[2, i] = 2.0 * u + x * second
        samples[3, i] = 3.0 * second + x * third
        samples[4, i] = 4.0 * third + x * u * t * (t * t - 8.0 * u)
    tabulate_smooth(samples, tag.rows, _LONGEST, p, tables, k)


def _slopes(x: Array) -> tuple[Array, Array]:
    share = expit(x)
    slope = share * expit(-x)
    return share + x * slope, 2.0 * slope + x * slope * (1.0 - 2.0 * share)


def make(parameters: str) -> Activation:
    """SiLU (swish), x / (1 + exp(-x)), by its Hermite series."""
    return Activation(
        name=NAME,
        tag=Silu(*hermite_rows(_TERMS)),
        function=lambda x: x * expit(x),
        slopes=_slopes,
        exact=lambda mp, x: x / (1 + mp.exp(-x)),
        parity=0,
        longest=_LONGEST,
    )
