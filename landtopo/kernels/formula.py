"""What compiled code asks of an activation s.

For x ~ N(0, I) all that a network's loss needs of s is the pair integral

    G(p, q, c) = E[s(u.x) s(v.x)],    p = |u|^2, q = |v|^2, c = u.v,

and its derivatives. An activation hands the kernels a tag, a named tuple of its parameters, and
`landtopo.kernels.contract.answers` gives the questions below their bodies for the type of the tag.

By the heat equation, derivatives of G are pair integrals of derivatives of s (Price's theorem):
G_c = E[s'(u.x) s'(v.x)] and G_p = E[s''(u.x) s(v.x)] / 2, hence G_pq = G_cc / 4. Derivatives by q
are those by p with the two neurons exchanged.

Bodies without branches are compiled to vector instructions; `arcsine` is one.
"""

from __future__ import annotations

import math

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import asked

__all__ = [
    "arcsine",
    "first",
    "no_table",
    "no_table_size",
    "own",
    "own_of_pairs",
    "second",
    "table",
    "table_size",
]


@asked
def first(tag, p, q, c, wedge, tables, k, j):
    """(G, G_p, G_c) of one pair.

    `wedge` is |u|^2 |v|^2 - (u.v)^2, not below 0 and right where that difference cancels; rows k
    and j of `tables` are those of u and v.
    """


@asked
def second(tag, p, q, c, wedge, tables, k, j):
    """(G_pp, G_pc, G_qc, G_cc) of one pair; see `first`."""


@asked
def own(tag, p, tables, k):
    """(phi, phi', phi'') of phi(p) = G(p, p, p)."""


@asked
def table_size(tag):
    """How many numbers a neuron's table has; 0 for activations that need none."""


@asked
def table(tag, p, tables, k):
    """Write what pairs need to know of a neuron with |w|^2 = p to row k of the tables."""


@njit(cache=True)
def no_table_size(tag):
    """`table_size` of an activation whose pairs are given by three numbers."""
    return 0


@njit(cache=True)
def no_table(tag, p, tables, k):
    """`table` of such an activation."""


@njit(cache=True, error_model="numpy")
def own_of_pairs(tag, p, tables, k):
    """`own` of an activation whose pair integral is smooth where u = v."""
    value, g_p, g_c = first(tag, p, p, p, 0.0, tables, k, k)
    g_pp, g_pc, _, g_cc = second(tag, p, p, p, 0.0, tables, k, k)
    return value, 2.0 * g_p + g_c, 2.0 * g_pp + 4.0 * g_pc + 1.5 * g_cc


# asin(x) = x f(x^2) for |x| <= 1/2, by interpolation of f at the 13 Chebyshev nodes of [0, 1/4] in
# 60-digit arithmetic; the relative error is below 3e-17.
_A0 = 1.0
_A1 = 0.16666666666664942
_A2 = 0.07500000000385201
_A3 = 0.044642856805998936
_A4 = 0.03038195969768514
_A5 = 0.022371749733164054
_A6 = 0.01735977964134998
_A7 = 0.01388484282640208
_A8 = 0.012170138592391726
_A9 = 0.0065293020047365695
_A10 = 0.019513468251252167
_A11 = -0.016187392271599134
_A12 = 0.03187962140081284


@njit(cache=True, error_model="numpy")
def arcsine(x, rest):
    """asin(x) from x and rest = 1 - x^2, to rounding for all |x| <= 1."""
    a = abs(x)
    wide = a > 0.5
    z = 0.5 * rest / (1.0 + a) if wide else a * a
    root = math.sqrt(z) if wide else a
    y = _A12
    y = y * z + _A11
    y = y * z + _A10
    y = y * z + _A9
    y = y * z + _A8
    y = y * z + _A7
    y = y * z + _A6
    y = y * z + _A5
    y = y * z + _A4
    y = y * z + _A3
    y = y * z + _A2
    y = y * z + _A1
    y = y * z + _A0
    y *= root
    # Wide: y is half the angle to the nearer pole.
    y = 0.5 * math.pi - 2.0 * y if wide else y
    return math.copysign(y, x)
