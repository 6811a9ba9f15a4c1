"""Gaussian orthant probabilities and second moments of up to four half-spaces (compiled).

Unit vectors u_1..u_n, n <= 4, x ~ N(0, I), orthant O = {u_a.x > 0 for all a}. Angles t_ab.

Second moments. Gaussian integration by parts, twice, leaves only two-dimensional edges:

    E[(u_i.x)(u_j.x) 1_O] = cos t_ij P(O) + sum_{a<b} sin t_ab P(O | edge ab) M_ab(i, j) / (2 pi)

where P(O | edge ab) is the probability of the other half-spaces when u_a.x = u_b.x = 0, and M_ab
is the reflection in the plane of u_a and u_b that exchanges them,
M_ab(i, j) = (u_i.s)(u_j.s)/|s|^2 - (u_i.d)(u_j.d)/|d|^2, s = u_a + u_b, d = u_a - u_b.
For n = 2 and i = a, j = b this is the arc-cosine kernel.

Probabilities. n <= 3 and the edge factors (two half-spaces) are sums of angles. For n = 4, turn u_1
away from the nearest +-u_2 (there the probability is one of three half-spaces) along their great
circle. Plackett's identity, dP/dcos t_1j = P(O | edge 1j) / (2 pi sin t_1j), leaves a closed form
for j = 2, because the plane of u_1 and u_2 does not move, and two one-dimensional integrals of
smooth functions over an arc of at most pi/2, done by adaptive Gauss-Kronrod quadrature.

In coordinates (u_2, direction towards u_1, then Gram-Schmidt on u_3, u_4), with
u_3 = (c3, e3, h3, 0), u_4 = (c4, e4, x, h4), p_j(s) = e_j cos s - c_j sin s, the integrals are

    J_3 = - int_0^t12 p3 / sqrt(h3^2 + p3^2) * atan2(h3 p4 - p3 x, h4 sqrt(h3^2 + p3^2)) ds

and J_4 the same with 3 and 4 exchanged. Nothing is divided by a small number, so linearly
dependent and nearly equal vectors need no special treatment: the heights h3, h4 are only kept
from being exactly zero, which is a consistent infinitesimal shift of the vectors, and the result is
continuous in them. Every quantity is computed from vectors, not from scalar products, for the
same reason that angles are never taken from arccos.

Plackett, Biometrika 41 (1954) 351; Childs, Biometrika 54 (1967) 293; Cho and Saul (2009).
"""

from __future__ import annotations

import math

import numpy as np

from landtopo.kernels.compiled import njit

__all__ = ["make_tables", "moment", "orthant_moments", "orthant_probability", "probability"]

_TWO_PI = 2.0 * math.pi
# Smallest heights: tiny against every rounding error, and their products far from underflow.
_HEIGHT_3 = 1e-60
_HEIGHT_4 = 1e-90
_MAX_PANELS = 200

# Gauss-Kronrod nodes and weights, 7 and 15 points on [-1, 1] (upper half; QUADPACK's constants).
_NODES = np.array(
    [
        0.991455371120812639206854697526329,
        0.949107912342758524526189684047851,
        0.864864423359769072789712788640926,
        0.741531185599394439863864773280788,
        0.586087235467691130294144691693013,
        0.405845151377397166906606412076961,
        0.207784955007898467600689403773245,
        0.000000000000000000000000000000000,
    ]
)
_KRONROD = np.array(
    [
        0.022935322010529224963732008058970,
        0.063092092629978553290700663189204,
        0.104790010322250183839876322541518,
        0.140653259715525918745189590510238,
        0.169004726639267902826583426598550,
        0.190350578064785409913256402421014,
        0.204432940075298892414161999234649,
        0.209482141084727828012999174891714,
    ]
)
_GAUSS = np.array(
    [
        0.129484966168869693270611432679082,
        0.279705391489276667901467771423780,
        0.381830050505118944950369775488975,
        0.417959183673469387755102040816327,
    ]
)


@njit(cache=True)
def _edge_integrand(s, c3, e3, h3, c4, e4, x, h4):
    cos, sin = math.cos(s), math.sin(s)
    p3 = e3 * cos - c3 * sin
    p4 = e4 * cos - c4 * sin
    root = math.sqrt(h3 * h3 + p3 * p3)
    return -p3 / root * math.atan2(h3 * p4 - p3 * x, h4 * root)


@njit(cache=True)
def _panel(low, high, c3, e3, h3, c4, e4, x, h4):
    """Kronrod value and distance to the Gauss value on one panel."""
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    centre = _edge_integrand(middle, c3, e3, h3, c4, e4, x, h4)
    kronrod = _KRONROD[7] * centre
    gauss = _GAUSS[3] * centre
    for node in range(7):
        step = half * _NODES[node]
        pair = _edge_integrand(middle - step, c3, e3, h3, c4, e4, x, h4) + _edge_integrand(
            middle + step, c3, e3, h3, c4, e4, x, h4
        )
        kronrod += _KRONROD[node] * pair
        if node % 2 == 1:
            gauss += _GAUSS[node // 2] * pair
    return half * kronrod, half * abs(kronrod - gauss)


@njit(cache=True)
def _edge_integral(length, c3, e3, h3, c4, e4, x, h4, tolerance):
    """J_3 and an error estimate, by bisection until every panel's error is small enough."""
    if (c3 == 0.0 and e3 == 0.0) or length == 0.0:
        return 0.0, 0.0
    lows = np.empty(_MAX_PANELS)
    highs = np.empty(_MAX_PANELS)
    lows[0], highs[0] = 0.0, length
    waiting = 1
    if h4 < 0.1:
        # The integrand changes fast where u_1 passes the plane of u_3 and u_4: cut there.
        a = h3 * e4 - e3 * x
        b = c3 * x - h3 * c4
        cut = math.atan2(-a, b)
        if cut < 0.0:
            cut += math.pi
        if 0.0 < cut < length:
            highs[0] = cut
            lows[1], highs[1] = cut, length
            waiting = 2
    total, error = 0.0, 0.0
    panels = waiting
    while waiting > 0:
        waiting -= 1
        low, high = lows[waiting], highs[waiting]
        value, distance = _panel(low, high, c3, e3, h3, c4, e4, x, h4)
        # The Kronrod value is far better than its distance to the Gauss value (QUADPACK's rule).
        estimate = min(distance, (200.0 * distance / (high - low)) ** 1.5 * (high - low))
        if (
            estimate <= tolerance * (high - low)
            or panels + 1 >= _MAX_PANELS
            or high - low < 1e-15 * length
        ):
            total += value
            error += estimate
        else:
            middle = 0.5 * (low + high)
            lows[waiting], highs[waiting] = low, middle
            lows[waiting + 1], highs[waiting + 1] = middle, high
            waiting += 2
            panels += 1
    return total, error


@njit(cache=True)
def _pair_tables(U):
    """Cosines, angles and tangents of half the angles of all pairs of rows of U, shapes (n, n)."""
    n, D = U.shape
    cosines = np.empty((n, n))
    angles = np.empty((n, n))
    tangents = np.empty((n, n))
    for a in range(n):
        cosines[a, a] = 1.0
        angles[a, a] = 0.0
        tangents[a, a] = 0.0
        for b in range(a):
            minus, plus, dot = 0.0, 0.0, 0.0
            for i in range(D):
                minus += (U[a, i] - U[b, i]) ** 2
                plus += (U[a, i] + U[b, i]) ** 2
                dot += U[a, i] * U[b, i]
            cosines[a, b] = cosines[b, a] = dot
            angle = 2.0 * math.atan2(math.sqrt(minus), math.sqrt(plus))
            angles[a, b] = angles[b, a] = angle
            tangents[a, b] = tangents[b, a] = math.tan(0.5 * angle)
    return cosines, angles, tangents


@njit(cache=True)
def _components(first, second, axis, scratch, scale):
    """Split `second` into its parts along unit `first` and unit `axis`; the rest goes to scratch.

    Projects twice, so that the rest is orthogonal to both even where it is small.
    """
    c, e = 0.0, 0.0
    for i in range(len(first)):
        scratch[i] = scale * second[i]
    for _ in range(2):
        dot, along = 0.0, 0.0
        for i in range(len(first)):
            dot += scratch[i] * first[i]
            along += scratch[i] * axis[i]
        for i in range(len(first)):
            scratch[i] -= dot * first[i] + along * axis[i]
        c += dot
        e += along
    return c, e


@njit(cache=True)
def _four(members, tolerance, tables):
    """Probability of a four-vector orthant, its error, and its six edge factors.

    `members` is reordered so that the closest pair of lines comes first; P(O | edge) for pairs of
    reordered members goes to `factors` of the tables, above the diagonal.
    """
    U, cosines, angles, factors, work, _ = tables
    best, p, q = -1.0, 0, 1
    for a in range(4):
        for b in range(a + 1, 4):
            close = abs(cosines[members[a], members[b]])
            if close > best:
                best, p, q = close, a, b
    members[0], members[p] = members[p], members[0]
    members[1], members[q] = members[q], members[1]
    one, two, three, four = members[0], members[1], members[2], members[3]
    flip = -1.0 if cosines[one, two] < 0.0 else 1.0
    # With u_2 replaced by flip * u_2 the first two vectors enclose an acute angle.
    length = angles[one, two] if flip > 0.0 else math.pi - angles[one, two]
    two_three = angles[two, three] if flip > 0.0 else math.pi - angles[two, three]
    two_four = angles[two, four] if flip > 0.0 else math.pi - angles[two, four]

    axis, rest_3, rest_4 = work[0], work[1], work[2]
    D = U.shape[1]
    u2 = U[two]
    norm, dot = 0.0, 0.0
    for i in range(D):
        axis[i] = flip * U[one, i] - u2[i]
        dot += axis[i] * u2[i]
    for _ in range(2):
        norm = 0.0
        for i in range(D):
            axis[i] -= dot * u2[i]
            norm += axis[i] * axis[i]
        dot = 0.0
        for i in range(D):
            dot += axis[i] * u2[i]
    norm = math.sqrt(norm)
    for i in range(D):
        axis[i] = flip * axis[i] / norm if norm > 0.0 else 0.0
    # c is a component along flip * u_2.
    c3, e3 = _components(u2, U[three], axis, rest_3, 1.0)
    c4, e4 = _components(u2, U[four], axis, rest_4, 1.0)
    c3, c4 = flip * c3, flip * c4
    h3 = 0.0
    for i in range(D):
        h3 += rest_3[i] * rest_3[i]
    h3 = math.sqrt(h3)
    x = 0.0
    if h3 > 0.0:
        for _ in range(2):
            dot = 0.0
            for i in range(D):
                dot += rest_4[i] * rest_3[i]
            dot /= h3 * h3
            for i in range(D):
                rest_4[i] -= dot * rest_3[i]
            x += dot * h3
    h4 = 0.0
    for i in range(D):
        h4 += rest_4[i] * rest_4[i]
    h3 = max(h3, _HEIGHT_3)
    h4 = max(math.sqrt(h4), _HEIGHT_4)
    # The same with the third and fourth vector exchanged.
    g4 = math.hypot(x, h4)
    y = h3 * (x / g4)
    g3 = h3 * (h4 / g4)

    cos, sin = math.cos(length), math.sin(length)
    p3, p4 = e3 * cos - c3 * sin, e4 * cos - c4 * sin
    root_3, root_4 = math.hypot(h3, e3), math.hypot(g4, e4)
    side_3, side_4 = math.hypot(h3, p3), math.hypot(g4, p4)
    # asin of the correlation of two half-spaces on each edge.
    asin_34 = math.atan2(x, h4)
    asin_24 = -math.atan2(h3 * p4 - p3 * x, h4 * side_3)
    asin_23 = -math.atan2(g4 * p3 - p4 * y, g3 * side_4)
    asin_14 = math.atan2(h3 * e4 - e3 * x, h4 * root_3)
    asin_13 = math.atan2(g4 * e3 - e4 * y, g3 * root_4)
    sin_34 = math.sin(angles[three, four])
    asin_12 = math.atan2(
        cos * (h3 * h4) ** 2 + e3 * p3 * h4 * h4 + (e3 * x - h3 * e4) * (p3 * x - h3 * p4),
        sin * h3 * h4 * sin_34,
    )
    quarter = 0.25 / _TWO_PI
    budget = 0.5 * tolerance * _TWO_PI * _TWO_PI / max(length, 1e-300)
    j3, error_3 = _edge_integral(length, c3, e3, h3, c4, e4, x, h4, budget)
    j4, error_4 = _edge_integral(length, c4, e4, g4, c3, e3, y, g3, budget)
    three_spaces = 0.5 - (two_three + two_four + angles[three, four]) / (4.0 * math.pi)
    value = (
        three_spaces
        - length / _TWO_PI * (0.25 + asin_34 / _TWO_PI)
        + quarter * (two_three - angles[one, three] + two_four - angles[one, four])
        + (j3 + j4) / (_TWO_PI * _TWO_PI)
    )
    if flip < 0.0:
        without = 0.5 - (angles[one, three] + angles[one, four] + angles[three, four]) / (
            4.0 * math.pi
        )
        value = without - value
    factors[0, 1] = 0.25 + asin_34 / _TWO_PI
    factors[0, 2] = 0.25 + flip * asin_24 / _TWO_PI
    factors[0, 3] = 0.25 + flip * asin_23 / _TWO_PI
    factors[1, 2] = 0.25 + asin_14 / _TWO_PI
    factors[1, 3] = 0.25 + asin_13 / _TWO_PI
    factors[2, 3] = 0.25 + flip * asin_12 / _TWO_PI
    return max(value, 0.0), (error_3 + error_4) / (_TWO_PI * _TWO_PI)


@njit(cache=True)
def make_tables(U):
    """What the functions below need of unit vectors U (n, D): pair tables and room to work."""
    cosines, angles, tangents = _pair_tables(U)
    return U, cosines, angles, np.zeros((4, 4)), np.empty((3, U.shape[1])), tangents


@njit(cache=True)
def probability(members, tolerance, tables):
    """Probability of the orthant of the given rows of U and the estimated quadrature error.

    Parameters
    ----------
    members : ndarray of int, shape (n,), 1 <= n <= 4
        Rows of U, reordered when n = 4.
    tolerance : float
        Absolute error allowed to the quadratures, which only n = 4 needs.
    tables : tuple
        From `make_tables`; its edge factors P(O | edge) / (2 pi) are left for `moment`.
    """
    n = len(members)
    angles, factors = tables[2], tables[3]
    error = 0.0
    if n == 1:
        value = 0.5
    elif n == 2:
        value = (math.pi - angles[members[0], members[1]]) / _TWO_PI
        factors[0, 1] = 1.0
    elif n == 3:
        total = 0.0
        for a in range(3):
            for b in range(a + 1, 3):
                total += angles[members[a], members[b]]
                factors[a, b] = 0.5
        value = max(0.5 - total / (4.0 * math.pi), 0.0)
    else:
        value, error = _four(members, tolerance, tables)
    for a in range(n):
        for b in range(a + 1, n):
            factors[a, b] /= _TWO_PI
    return value, error


@njit(cache=True)
def moment(i, j, members, value, tables):
    """E[(u_i.x)(u_j.x) 1_O], O the orthant for which `probability` returned `value` last."""
    cosines, factors, tangents = tables[1], tables[3], tables[5]
    total = cosines[i, j] * value
    for a in range(len(members)):
        for b in range(a + 1, len(members)):
            first, second = members[a], members[b]
            # sin t / |s|^2 and sin t / |d|^2 are half the tangent of t / 2 and of its complement.
            tangent = tangents[first, second]
            if tangent == 0.0:
                continue
            plus = (cosines[i, first] + cosines[i, second]) * (
                cosines[j, first] + cosines[j, second]
            )
            minus = (cosines[i, first] - cosines[i, second]) * (
                cosines[j, first] - cosines[j, second]
            )
            total += 0.5 * factors[a, b] * (plus * tangent - minus / tangent)
    return total


@njit(cache=True)
def orthant_probability(U, tolerance):
    """P(u_a.x > 0 for all rows of U) for 1 to 4 unit vectors, and its estimated error."""
    return probability(np.arange(len(U)), tolerance, make_tables(U))


@njit(cache=True)
def orthant_moments(U, tolerance):
    """E[(u_i.x)(u_j.x) 1(all u_a.x > 0)] for 1 to 4 unit vectors (n, D), shape (n, n)."""
    n = len(U)
    tables = make_tables(U)
    members = np.arange(n)
    value, _ = probability(members, tolerance, tables)
    moments = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            moments[i, j] = moment(i, j, members, value, tables)
    return moments
