"""tanh x, by its Hermite series."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers
from landtopo.kernels.formula import table
from landtopo.kernels.series import DERIVATIVES, answer_by_series, hermite_rows, tabulate_smooth
from landtopo.models.networks.activation import Activation
from landtopo.objective import Array

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = "tanh"
PARAMETERS = ""
# Up to this length the series, cut where it is, is right to 1e-13 even for parallel neurons.
_LONGEST = 1.5
_TERMS = 400


class Tanh(NamedTuple):
    """The tag: what a trapezoid for Hermite coefficients needs."""

    nodes: Array
    rows: Array


_compiled = njit(cache=True, error_model="numpy")

answer_by_series(Tanh)


@answers(table, Tanh)
@_compiled
def _table(tag, p, tables, k):
    samples = np.empty((DERIVATIVES, tag.nodes.shape[0]))
    length = math.sqrt(p)
    for i in range(tag.nodes.shape[0]):
        x = length * tag.nodes[i]
        t = math.tanh(x)
        u = (1.0 - t) * (1.0 + t)
        samples[0, i] = t
        samples[1, i] = u
        samples[2, i] = -2.0 * t * u
        samples[3, i] = u * (6.0 * t * t - 2.0)
        samples[4, i] = u * t * (16.0 - 24.0 * t * t)
    tabulate_smooth(samples, tag.rows, _LONGEST, p, tables, k)


def _slopes(x: Array) -> tuple[Array, Array]:
    value = np.tanh(x)
    first = 1.0 - value**2
    return first, -2.0 * value * first


def make(parameters: str) -> Activation:
    """Tanh x, by its Hermite series."""
    return Activation(
        name=NAME,
        tag=Tanh(*hermite_rows(_TERMS)),
        function=np.tanh,
        slopes=_slopes,
        exact=lambda mp, x: mp.tanh(x),
        parity=-1,
        longest=_LONGEST,
    )
