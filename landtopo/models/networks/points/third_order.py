"""The third order of the loss between the parts of a split neuron, where the second order is zero.

Let w_i = c_i u be the parts of a neuron u of a critical network, moved by y_i with sum y_i = 0. The
second order of the loss is sum_i y_i^T P y_i / c_i, P = H_uu - I/2 (see classify.py). On the null
space N of P the third order decides, unless it vanishes too: moving other coordinates changes the
loss in fourth order there. It has two parts.

*Pairs on one line.* E[relu(u.x) relu(v.x)] = u.v / 2 + |u||v| t^3 / 6 pi + O(t^5) at the small
angle t, and the same without u.v / 2 at the angle pi - t. With a_i = |w_i|, h_i = y_i / a_i, and
tau = sum |v| over teachers minus students on the line of u other than its parts,

    C = 1/6pi [ sum_{i<k} a_i a_k |h_i - h_k|^3 - tau sum_i a_i |h_i|^3 ].

*Other pairs.* With n the unit vector of the part of v across u, and f = v.u / |u|, the second
derivative by u across it is (|v_across| (I + n n^T)) / 2 pi |u|; its derivative gives

    D[e, e, e] = 1 / (2 pi |u|^2) sum_v s_v f_v [ 3 (n_v.e)|e|^2 - (n_v.e)^3 ],

s_v = 1 for teachers and -1 for students. It is homogeneous of degree -2 in u, so that the parts
contribute T = sum_i D[y_i, y_i, y_i] / 6 c_i^2. C is even and T is odd in y: the point is a minimum
if C > |T| on N, and no minimum if C + T < 0 anywhere on it.

For two parts y_1 = -y_2 = y, and with l = |u|

    6 pi a_1^2 a_2^2 (C + T) = (l^3 - tau (a_1^2 + a_2^2)) |y|^3 + pi l^4 (c_2 - c_1) D[y, y, y].

For more parts, sum_{i<k} a_i a_k |h_i - h_k|^3 >= l/2 sum_i a_i |h_i|^3 by Jensen's inequality
(sum_i a_i h_i = 0), which gives a bound that is sufficient.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from landtopo.objective import Array

__all__ = ["ThirdOrder", "split_third_order"]

_ON_LINE = 1e-7
# Relative size below which the third order counts as zero.
_SLACK = 1e-9


class ThirdOrder(Enum):
    """What the third order says of moves within the null space of a split."""

    RISES = "The loss rises in third order along every one."
    FALLS = "The loss falls in third order along one."
    OPEN = "The third order does not decide."


def split_third_order(
    neurons: Array,
    teachers: Array,
    number: int,
    shares: Array,
    null: Array,
    *,
    outside: bool,
) -> ThirdOrder:
    """Whether the parts of a split neuron can move apart downhill.

    Parameters
    ----------
    neurons : ndarray, shape (m, D)
        Vectors of a critical reduced network: no two are parallel, none is zero.
    teachers : ndarray, shape (M, D)
    number : int
        The neuron that is split.
    shares : ndarray, shape (n,)
        Its parts, adding up to one.
    null : ndarray, shape (p, D)
        Orthonormal basis of the null space of P, across the neuron.
    outside : bool
        Whether directions outside the D coordinates are in the null space too.

    Returns
    -------
    ThirdOrder
    """
    u = neurons[number]
    length = float(np.linalg.norm(u))
    others = np.vstack([np.delete(neurons, number, axis=0), teachers])
    signs = np.r_[-np.ones(len(neurons) - 1), np.ones(len(teachers))]
    lengths = np.linalg.norm(others, axis=1)
    along = others @ u / length
    across = others - along[:, None] * u / length
    widths = np.linalg.norm(across, axis=1)
    on_line = widths <= _ON_LINE * lengths
    tau = float(signs[on_line] @ lengths[on_line])
    apart = ~on_line & (np.abs(along) > 0)
    slopes = signs[apart] * along[apart] / (2.0 * np.pi * length**2)
    normals = (across[apart] / widths[apart, None]) @ null.T
    steepest, attained = _steepest(slopes, normals, outside)
    slack = _SLACK * length**3
    if len(shares) > 2 and length / 2.0 - tau > np.pi * length**2 * steepest + slack / length**2:
        return ThirdOrder.RISES
    if _two_parts(length, tau, shares, attained) < -slack:
        return ThirdOrder.FALLS
    if len(shares) == 2 and _two_parts(length, tau, shares, steepest) > slack:
        return ThirdOrder.RISES
    return ThirdOrder.OPEN


def _steepest(slopes: Array, normals: Array, outside: bool) -> tuple[float, float]:
    """Bounds of the largest D[e, e, e] over unit vectors e of the null space: upper, lower.

    A direction o outside the coordinates has no overlap with anything, so that for
    e = a e' + b o, a^2 + b^2 = 1, the overlaps are a (n.e').
    """
    if normals.shape[1] <= 1:
        overlaps = normals.sum(axis=1)
        first, third = float(slopes @ overlaps), float(slopes @ overlaps**3)
        tilts = [1.0]
        if outside and first * third > 0.0 and abs(first) < abs(third):
            tilts.append(float(np.sqrt(first / third)))
        exact = max(abs(3.0 * first * a - third * a**3) for a in tilts)
        return exact, exact
    upper = 3.0 * float(np.linalg.norm(slopes @ normals)) + float(
        np.abs(slopes) @ np.linalg.norm(normals, axis=1) ** 3
    )
    directions = np.vstack([normals, slopes @ normals, np.eye(normals.shape[1])])
    sizes = np.linalg.norm(directions, axis=1)
    tried = (directions[sizes > 0] / sizes[sizes > 0, None]) @ normals.T
    return upper, float(np.abs((3.0 * tried - tried**3) @ slopes).max())


def _two_parts(length: float, tau: float, shares: Array, odd: float) -> float:
    """Lowest 6 pi a_i^2 a_k^2 (C + T) / |y|^3 where two parts move and the rest stay."""
    lowest = np.inf
    for i in range(len(shares)):
        for k in range(i):
            first, second = length * shares[i], length * shares[k]
            # Parts that stay push like students on the line.
            pushed = tau - (length - first - second)
            even = (first + second) ** 3 - pushed * (first**2 + second**2)
            uneven = abs(float(shares[i] ** 2 - shares[k] ** 2))
            lowest = min(lowest, even - np.pi * length**4 * uneven * odd)
    return float(lowest)
