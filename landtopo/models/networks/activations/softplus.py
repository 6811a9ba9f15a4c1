"""log(1 + exp x), by its Hermite series."""

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

answer_by_series(Softplus)


@answers(table, Softplus)
@_compiled
def _table(tag, p, tables, k):
    samples = np.empty((DERIVATIVES, tag.nodes.shape[0]))
    length = math.sqrt(p)
    for i in range(tag.nodes.shape[0]):
        x = length * tag.nodes[i]
        y, u, t = logistic(x)
        samples[0, i] = max(x, 0.0) + math.log1p(math.exp(-abs(x)))
        samples[1, i] = y
        samples[2, i] = u
        samples[3, i] = u * t
        samples[4, i] = u * (t * t - 2.0 * u)
    tabulate_smooth(samples, tag.rows, _LONGEST, p, tables, k)


def make(parameters: str) -> Activation:
    """log(1 + exp x), by its Hermite series."""
    return Activation(
        name=NAME,
        tag=Softplus(*hermite_rows(_TERMS)),
        function=lambda x: np.logaddexp(0.0, x),
        slopes=lambda x: (expit(x), expit(x) * expit(-x)),
        exact=lambda mp, x: mp.log1p(mp.exp(x)),
        parity=0,
        longest=_LONGEST,
    )
