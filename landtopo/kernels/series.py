"""Activations by their Hermite series, with a table of coefficients for each neuron.

With s_n(p) = E[s^(n)(sqrt p z)] for a polynomial, and for any smooth s the numbers
h_jn(p) = E[s^(j)(sqrt p z) he_n(z)] / sqrt(n!) of its derivatives s^(j), j = 0..4,

    G(p, q, c) = sum_n s_n(p) s_n(q) c^n / n! = sum_n h_0n(p) h_0n(q) rho^n,  rho = c / sqrt(pq).

By the heat equation ds_n/dp = s_(n+2) / 2, so that derivatives of G are sums of the same kind:
G_c of (1, 1), G_p of (2, 0) / 2, G_cc of (2, 2), G_pc of (3, 1) / 2, G_pp of (4, 0) / 4, where the
two numbers say by how much n is shifted, or which derivative j is meant, at u and at v.
"""

import math
from functools import lru_cache

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers
from landtopo.kernels.formula import first, own, own_of_pairs, second, table_size

__all__ = [
    "DERIVATIVES",
    "answer_by_series",
    "hermite_rows",
    "logistic",
    "shifted_sum",
    "tabulate_smooth",
]

DERIVATIVES = 5
# Beyond this |z| the weight of the quadrature is below rounding.
_END = 12.5
_STEP = 0.08
# Coefficients at which a neuron's own series ends, and all its series do.
_SMALL = 1e-9
_NOTHING = 1e-17
_QUIET = 6


@njit(cache=True, error_model="numpy")
def shifted_sum(tables, k, j, c, left, right):
    """sum_n s_(n+left)(u) s_(n+right)(v) c^n / n! of tables of s_n."""
    total, power = 0.0, 1.0
    for n in range(tables.shape[1] - max(left, right)):
        total += power * tables[k, n + left] * tables[j, n + right]
        power *= c / (n + 1.0)
    return total


@lru_cache(maxsize=1)
def hermite_rows(terms):
    """Nodes z (L,), and weight times he_n(z) / sqrt(n!) at them (terms, L).

    The trapezoid is exact to rounding for smooth integrands that fall off with the normal density
    as long as its step resolves them; the step resolves he_n up to n = 400 times activations with
    |w| <= 4.
    """
    nodes = _STEP * np.arange(-round(_END / _STEP), round(_END / _STEP) + 1)
    # he_n grows like exp(z^2 / 4) at most: the root of the weight keeps products in range.
    root = np.sqrt(_STEP / math.sqrt(2.0 * math.pi)) * np.exp(-0.25 * nodes**2)
    rows = np.empty((terms, len(nodes)))
    before, now = np.zeros_like(nodes), root.copy()
    for n in range(terms):
        rows[n] = now * root
        before, now = now, (nodes * now - math.sqrt(n) * before) / math.sqrt(n + 1.0)
    return nodes, rows


@njit(cache=True, error_model="numpy")
def tabulate_smooth(samples, rows, longest, p, tables, k):
    """Write h_jn of a neuron from samples (5, L) of s and its derivatives at sqrt(p) z.

    Row k of the tables has 5 blocks of as many numbers as there are terms, then how many of them
    count for the neuron itself, and for pairs with others.
    """
    terms = rows.shape[0]
    table = tables[k]
    table[:] = 0.0
    if p > longest * longest:
        table[:] = np.nan
        table[DERIVATIVES * terms] = 1.0
        table[DERIVATIVES * terms + 1] = 1.0
        return
    quiet, silent = 0, 0
    counted = 0
    n = 0
    while n < terms and silent < _QUIET:
        largest = 0.0
        for i in range(DERIVATIVES):
            total = 0.0
            for z in range(rows.shape[1]):
                total += rows[n, z] * samples[i, z]
            table[i * terms + n] = total
            largest = max(largest, abs(total))
        quiet = quiet + 1 if largest < _SMALL else 0
        silent = silent + 1 if largest < _NOTHING else 0
        if quiet < _QUIET:
            counted = n + 1
        n += 1
    table[DERIVATIVES * terms] = counted
    table[DERIVATIVES * terms + 1] = n


@njit(cache=True, error_model="numpy")
def _smooth_sum(tables, k, j, rho, left, right):
    """sum_n h_(left)n(u) h_(right)n(v) rho^n."""
    terms = (tables.shape[1] - 2) // DERIVATIVES
    last = DERIVATIVES * terms
    count = int(max(tables[k, last], tables[j, last]))
    u, v = tables[k, left * terms : last], tables[j, right * terms : last]
    total, power = 0.0, 1.0
    for n in range(count):
        total += power * u[n] * v[n]
        power *= rho
    return total


@njit(cache=True, error_model="numpy")
def _smooth_first(tag, p, q, c, wedge, tables, k, j):
    """`landtopo.kernels.formula.first` of a series."""
    rho = _correlation(p, q, c)
    return (
        _smooth_sum(tables, k, j, rho, 0, 0),
        0.5 * _smooth_sum(tables, k, j, rho, 2, 0),
        _smooth_sum(tables, k, j, rho, 1, 1),
    )


@njit(cache=True, error_model="numpy")
def _smooth_second(tag, p, q, c, wedge, tables, k, j):
    """`landtopo.kernels.formula.second` of a series."""
    rho = _correlation(p, q, c)
    return (
        0.25 * _smooth_sum(tables, k, j, rho, 4, 0),
        0.5 * _smooth_sum(tables, k, j, rho, 3, 1),
        0.5 * _smooth_sum(tables, k, j, rho, 1, 3),
        _smooth_sum(tables, k, j, rho, 2, 2),
    )


@njit(cache=True, error_model="numpy")
def _smooth_table_size(tag):
    """`landtopo.kernels.formula.table_size` of a series."""
    return DERIVATIVES * tag.rows.shape[0] + 2


def answer_by_series(tag):
    """Answer all questions but `landtopo.kernels.formula.table` for a type of tags.

    Parameters
    ----------
    tag : type
        A named tuple with what `hermite_rows` gives: `nodes` and `rows`.
    """
    answers(own, tag)(own_of_pairs)
    answers(first, tag)(_smooth_first)
    answers(second, tag)(_smooth_second)
    answers(table_size, tag)(_smooth_table_size)


@njit(cache=True, error_model="numpy")
def logistic(x):
    """Y = 1 / (1 + exp(-x)), its derivative u = y (1 - y) without cancellation, and 1 - 2 y."""
    y = 1.0 / (1.0 + math.exp(-x))
    return y, y * (1.0 / (1.0 + math.exp(x))), 1.0 - 2.0 * y


@njit(cache=True, error_model="numpy")
def _correlation(p, q, c):
    size = math.sqrt(p * q)
    return min(1.0, max(-1.0, c / size)) if size > 0.0 else 0.0
