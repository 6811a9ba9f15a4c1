"""s(x) = c0 + c1 x + c2 x^2 + ..: the pair integral is a finite sum, exact for all weights."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval

from landtopo.checks import shown
from landtopo.errors import InvalidArgument
from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers
from landtopo.kernels.formula import first, own, own_of_pairs, second, table, table_size
from landtopo.kernels.series import shifted_sum
from landtopo.models.networks.activation import Activation, numbers
from landtopo.objective import Array

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = "polynomial"
PARAMETERS = "C0,C1,..."
# Moments of a normal variable to this power are still small numbers.
_MOST_DEGREE = 12


class Polynomial(NamedTuple):
    """The tag: row n of `moments` has the coefficients of s_n(p) in powers of p."""

    moments: Array


_compiled = njit(cache=True, error_model="numpy")

answers(own, Polynomial)(own_of_pairs)


@answers(table_size, Polynomial)
@_compiled
def _table_size(tag):
    return tag.moments.shape[0]


@answers(table, Polynomial)
@_compiled
def _table(tag, p, tables, k):
    for n in range(tag.moments.shape[0]):
        total = 0.0
        for i in range(tag.moments.shape[1] - 1, -1, -1):
            total = total * p + tag.moments[n, i]
        tables[k, n] = total


@answers(first, Polynomial)
@_compiled
def _first(tag, p, q, c, wedge, tables, k, j):
    return (
        shifted_sum(tables, k, j, c, 0, 0),
        0.5 * shifted_sum(tables, k, j, c, 2, 0),
        shifted_sum(tables, k, j, c, 1, 1),
    )


@answers(second, Polynomial)
@_compiled
def _second(tag, p, q, c, wedge, tables, k, j):
    return (
        0.25 * shifted_sum(tables, k, j, c, 4, 0),
        0.5 * shifted_sum(tables, k, j, c, 3, 1),
        0.5 * shifted_sum(tables, k, j, c, 1, 3),
        shifted_sum(tables, k, j, c, 2, 2),
    )


def _moments(coefficients: Array) -> Array:
    """s_n(p) = sum_k c_k k! / (k - n)! E[z^(k-n)] p^((k-n)/2), by n and the power of p."""
    degree = len(coefficients) - 1
    result = np.zeros((degree + 5, degree // 2 + 1))
    for k, coefficient in enumerate(coefficients.tolist()):
        for n in range(k, -1, -2):
            half = (k - n) // 2
            gaussian = math.factorial(k - n) // (math.factorial(half) * 2**half)
            result[n, half] += coefficient * gaussian * math.perm(k, n)
    return result


def _homogeneous(coefficients: Array) -> int | None:
    powers = np.flatnonzero(coefficients)
    return int(powers[0]) if len(powers) == 1 else None


def _slopes(coefficients: Array, x: Array) -> tuple[Array, Array]:
    first, second = (polyval(x, polyder(coefficients, order)) for order in (1, 2))
    return np.asarray(first), np.asarray(second)


def make(parameters: str) -> Activation:
    """The polynomial with coefficients C0,C1,... of rising powers."""
    coefficients = np.trim_zeros(np.array(numbers(NAME, parameters)), "b")
    if len(coefficients) < 3:
        raise InvalidArgument(
            f"The 'activation' argument {shown(f'{NAME}:{parameters}')} is linear: the loss is a "
            "convex quadratic form of sum_k a_k w_k alone, whose minima are one flat set, so that "
            "there is no landscape to explore; give a coefficient of x^2 or a higher power."
        )
    if len(coefficients) > _MOST_DEGREE + 1 or not np.all(np.isfinite(coefficients)):
        raise InvalidArgument(
            f"The 'activation' argument {shown(f'{NAME}:{parameters}')} must have finite "
            f"coefficients and a degree of at most {_MOST_DEGREE}."
        )
    powers = np.flatnonzero(coefficients)
    parity = 1 if np.all(powers % 2 == 0) else -1 if np.all(powers % 2 == 1) else 0

    def exact(mp: Any, x: Any) -> Any:
        total = mp.zero
        for c in coefficients[::-1].tolist():
            total = total * x + c
        return total

    return Activation(
        name=f"{NAME}:{','.join(repr(float(c)).removesuffix('.0') for c in coefficients)}",
        tag=Polynomial(_moments(coefficients)),
        function=lambda x: polyval(x, coefficients),
        slopes=lambda x: _slopes(coefficients, x),
        exact=exact,
        degree=_homogeneous(coefficients),
        parity=parity,
        mixes=len(coefficients) == 3 and coefficients[1] == 0.0,
    )
