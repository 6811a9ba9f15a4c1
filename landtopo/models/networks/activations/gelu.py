"""GELU, s(x) = x Phi(x), Phi the distribution function of a normal variable.

With D = (1 + p)(1 + q) - c^2 = 1 + p + q + |u ^ v|^2, E = (1 + p)(1 + q) and
a = atan2(c, sqrt D), in a form in which nothing cancels for long and nearly parallel weights,

    G   = c/4 + c a / 2 pi + (pq D + c^2) / (2 pi E sqrt D)
    G_c = 1/4 + a / 2 pi + c (3 + p + q + c^2 / D) / (2 pi E sqrt D).

Second derivatives and higher of s hold a factor exp(-x^2 / 2), under which (u.x, v.x) is another
pair of normal variables: with P = p / (1 + p), C = c / (1 + p), R = (q + |u ^ v|^2) / (1 + p) for
one factor, and with 1 - (1 + q)/D, c/D, 1 - (1 + p)/D for two. E[(u.x)^n h(v.x)] is then a sum over
pairings (Wick) of E[h], E[h''] ~ 2 - m, E[h^(4)] ~ -3 m^2 + 7 m - 4, m = R / (1 + R).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

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

NAME = "gelu"
PARAMETERS = ""


class Gelu(NamedTuple):
    """The tag."""

    scale: float = 1.0


_compiled = njit(cache=True, error_model="numpy")

answers(table_size, Gelu)(no_table_size)
answers(table, Gelu)(no_table)
answers(own, Gelu)(own_of_pairs)


@answers(first, Gelu)
@_compiled
def _first(tag, p, q, c, wedge, tables, k, j):
    inverse = 1.0 / ((1.0 + p) * (1.0 + q))
    d = 1.0 + p + q + wedge
    factor = 0.5 / (math.pi * math.sqrt(d))
    angle = 0.25 + arcsine(c * math.sqrt(inverse), d * inverse) / (2.0 * math.pi)
    numerator = (p * q * d + c * c) * inverse
    slope = angle + c * factor * inverse * (3.0 + p + q + c * c / d)
    one, mixed, other = p / (1.0 + p), c / (1.0 + p), (q + wedge) / (1.0 + p)
    bend = 2.0 - other / (1.0 + other)
    along = 0.5 * factor * ((2.0 - one) * other - mixed * mixed * bend)
    return c * angle + factor * numerator, along, slope


@answers(second, Gelu)
@_compiled
def _second(tag, p, q, c, wedge, tables, k, j):
    d = 1.0 + p + q + wedge
    factor = 0.25 / (math.pi * math.sqrt(d))
    along, one_mixed = _tilted(p, q, c, wedge)
    _, other_mixed = _tilted(q, p, c, wedge)
    left, right, both = 1.0 - (1.0 + q) / d, 1.0 - (1.0 + p) / d, c / d
    across = (2.0 - left) * (2.0 - right) + 2.0 * both * both
    return 0.5 * factor * along, factor * one_mixed, factor * other_mixed, 2.0 * factor * across


@_compiled
def _tilted(p, q, c, wedge):
    """E[s^(4)(u.x) s(v.x)] and E[s^(3)(u.x) s'(v.x)], times 2 pi sqrt D."""
    one, mixed, other = p / (1.0 + p), c / (1.0 + p), (q + wedge) / (1.0 + p)
    m = other / (1.0 + other)
    bend = 2.0 - m
    fourth = (7.0 - 3.0 * m) * m - 4.0
    square = mixed * mixed
    along = (
        (7.0 * one - 3.0 * one * one - 4.0) * other
        + (7.0 - 6.0 * one) * square * bend
        - square * square * fourth
    )
    return along, mixed * ((3.0 * one - 4.0) * bend + square * fourth)


def _slopes(x: Array) -> tuple[Array, Array]:
    density = np.exp(-(x**2) / 2.0) / math.sqrt(2.0 * math.pi)
    return ndtr(x) + x * density, (2.0 - x**2) * density


def make(parameters: str) -> Activation:
    """X Phi(x)."""
    return Activation(
        name=NAME,
        tag=Gelu(),
        function=lambda x: x * ndtr(x),
        slopes=_slopes,
        exact=lambda mp, x: x * mp.ncdf(x),
    )
