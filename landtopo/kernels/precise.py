"""Population loss of ReLU networks with all digits right, however far its terms cancel.

L = (1/2) E[(f - f*)^2] is a sum of terms of order one that cancels to 1e-25 and below near a
global minimum, and a pair integral loses every digit near angles 0 and pi in plain doubles. Here
everything is carried in double-double arithmetic from the exact doubles given, and a sum that
cancels even further is evaluated again in fixed point. Values are right to 1e-15 relative,
gradients to 1e-13 relative in norm (`gradient`, which has no fixed point, to 1e-30 of its terms at
best). For publishing numbers and for growth laws over decades; the
fast kernels are elsewhere.

Letters: f - f* = sum_i c_i relu(n_i.x), with c_i = 1 for students and -1 for teachers before
equal vectors are merged; a = |u|^2, C = u.v, S = |u||v| sin t, t the angle between u and v,
B = pi - t, h = S + B C. Then g(u, v) = E[relu(u.x) relu(v.x)] = h / 2 pi and
grad_u g = (S u / a + B v) / 2 pi, so that neither needs a division by a norm.

S is the square root of a |v|^2 - C^2, or, when that cancels, comes from the minors
m_j = u_p v_j - u_j v_p with u_p the largest component of u. These are differences of exact
products, hence right in all digits, and since m_p = 0 the vector m is never close to u:
S = sqrt(a |m|^2 - (m.u)^2) / |u_p| loses no more than a factor of the dimension.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_array
from landtopo.kernels import fixed_point
from landtopo.kernels.compiled import njit
from landtopo.kernels.double_double import (
    PI,
    add,
    arctangent,
    divide,
    multiply,
    multiply_by_double,
    product,
    square_root,
)
from landtopo.objective import Array

__all__ = ["gradient", "pair_gradient", "pair_value", "psi", "value", "value_and_gradient"]

_TWO_PI = 2 * math.pi
# Below sin t = 2^-5 the difference a |v|^2 - C^2 has lost ten of its 106 bits: use the minors.
_NARROW = 2.0**-10
# Roundings of a double-double sum, relative to the sum of its terms' absolute values. Measured
# errors are below 2^-104 in dimensions up to 200; the rest is margin.
_ROUNDING = 2.0**-101
# A sum is evaluated again in fixed point when its roundings may exceed this part of it.
_VALUE_ACCURACY = 2.0**-51
_GRADIENT_ACCURACY = 2.0**-44

# What `sums_of_pairs` returns.
_Sums = tuple[float, float, Array, float, int]


@njit(cache=True, error_model="numpy")
def scaled_rows(rows):
    """Rows divided by powers of two so that their largest entries are in [1/2, 1), exactly."""
    scaled = np.empty_like(rows)
    exponents = np.empty(rows.shape[0], np.int64)
    for i in range(rows.shape[0]):
        _, exponent = math.frexp(np.abs(rows[i]).max())
        exponents[i] = exponent
        for d in range(rows.shape[1]):
            scaled[i, d] = math.ldexp(rows[i, d], -exponent)
    return scaled, exponents


@njit(cache=True, error_model="numpy")
def _dot(u, v):
    """u.v as a double-double."""
    hi = lo = 0.0
    for d in range(u.shape[0]):
        p, e = product(u[d], v[d])
        hi, lo = add(hi, lo, p, e)
    return hi, lo


@njit(cache=True, error_model="numpy")
def _dots(columns, u, count, hi, lo):
    """Products of u with the first `count` rows, given as columns, into hi and lo at once."""
    hi[:count] = 0.0
    lo[:count] = 0.0
    for d in range(u.shape[0]):
        if u[d] != 0.0:
            for j in range(count):
                p, e = product(u[d], columns[d, j])
                hi[j], lo[j] = add(hi[j], lo[j], p, e)


@njit(cache=True, error_model="numpy")
def _minors(u, v, m_hi, m_lo):
    """Minors u_p v_j - u_j v_p as double-doubles into m_hi and m_lo; returns u_p."""
    pivot = np.abs(u).argmax()
    for j in range(u.shape[0]):
        p, e = product(u[pivot], v[j])
        q, f = product(u[j], v[pivot])
        m_hi[j], m_lo[j] = add(p, e, -q, -f)
    return u[pivot]


@njit(cache=True, error_model="numpy")
def _narrow_sine(u, v, a_hi, a_lo):
    """S from the minors."""
    m_hi = np.empty(u.shape[0])
    m_lo = np.empty(u.shape[0])
    largest = _minors(u, v, m_hi, m_lo)
    square = square_lo = along = along_lo = 0.0
    for j in range(u.shape[0]):
        p, e = multiply(m_hi[j], m_lo[j], m_hi[j], m_lo[j])
        square, square_lo = add(square, square_lo, p, e)
        p, e = multiply_by_double(m_hi[j], m_lo[j], u[j])
        along, along_lo = add(along, along_lo, p, e)
    p, e = multiply(a_hi, a_lo, square, square_lo)
    q, f = multiply(along, along_lo, along, along_lo)
    p, e = add(p, e, -q, -f)
    p, e = square_root(p, e)
    return divide(p, e, abs(largest), 0.0)


@njit(cache=True, error_model="numpy")
def _pair(u, v, a_hi, a_lo, b_hi, b_lo, c_hi, c_lo):
    """S, B and h of two non-zero vectors with squares a, b and product c."""
    p, e = multiply(a_hi, a_lo, b_hi, b_lo)
    q, f = multiply(c_hi, c_lo, c_hi, c_lo)
    q, f = add(p, e, -q, -f)
    if q > _NARROW * p:
        s_hi, s_lo = square_root(q, f)
    else:
        s_hi, s_lo = _narrow_sine(u, v, a_hi, a_lo)
    if c_hi < 0.0:
        b_hi, b_lo, h_hi, h_lo = arctangent(s_hi, s_lo, -c_hi, -c_lo)
    else:
        t_hi, t_lo, _, _ = arctangent(s_hi, s_lo, c_hi, c_lo)
        b_hi, b_lo = add(PI[0], PI[1], -t_hi, -t_lo)
        p, e = multiply(b_hi, b_lo, c_hi, c_lo)
        h_hi, h_lo = add(s_hi, s_lo, p, e)
    return s_hi, s_lo, b_hi, b_lo, h_hi, h_lo


@njit(cache=True, error_model="numpy")
def pair_of(u, v):
    """h, its gradient with respect to u (double-doubles rounded), for non-zero vectors.

    With v' the part of v orthogonal to u, S u / a + B v = (h / a) u + B v', and the two terms
    cannot cancel.
    """
    dimension = u.shape[0]
    a_hi, a_lo = _dot(u, u)
    b_hi, b_lo = _dot(v, v)
    c_hi, c_lo = _dot(u, v)
    _, _, b_hi, b_lo, h_hi, h_lo = _pair(u, v, a_hi, a_lo, b_hi, b_lo, c_hi, c_lo)
    m_hi = np.empty(dimension)
    m_lo = np.empty(dimension)
    largest = _minors(u, v, m_hi, m_lo)
    along = along_lo = 0.0
    for j in range(dimension):
        p, e = multiply_by_double(m_hi[j], m_lo[j], u[j])
        along, along_lo = add(along, along_lo, p, e)
    along, along_lo = divide(along, along_lo, a_hi, a_lo)
    b_hi, b_lo = divide(b_hi, b_lo, largest, 0.0)
    r_hi, r_lo = divide(h_hi, h_lo, a_hi, a_lo)
    result = np.empty(dimension)
    for j in range(dimension):
        p, e = multiply_by_double(along, along_lo, u[j])
        p, e = add(m_hi[j], m_lo[j], -p, -e)
        p, e = multiply(b_hi, b_lo, p, e)
        q, f = multiply_by_double(r_hi, r_lo, u[j])
        p, e = add(p, e, q, f)
        result[j] = p
    return h_hi, result


@njit(cache=True, error_model="numpy")
def merged_rows(students, teachers):
    """Distinct non-zero rows, their coefficients, and where each student went (-1: it is zero)."""
    width, dimension = students.shape
    rows = np.empty((width + teachers.shape[0], dimension))
    coefficients = np.zeros(rows.shape[0])
    places = np.full(width, -1)
    count = 0
    for i in range(rows.shape[0]):
        row = students[i] if i < width else teachers[i - width]
        if not np.any(row != 0.0):
            continue
        place = 0
        while place < count and not np.array_equal(rows[place], row):
            place += 1
        if place == count:
            rows[count] = row
            count += 1
        coefficients[place] += 1.0 if i < width else -1.0
        if i < width:
            places[i] = place
    return rows[:count], coefficients[:count], places


@njit(cache=True, error_model="numpy")
def sums_of_pairs(rows, coefficients, wanted):
    """Value and gradient sums over all pairs, for rows whose first `wanted` need a gradient.

    Returns
    -------
    norm, norm_terms : float
        sum_ij c_i c_j h_ij, and the same with absolute values.
    slopes : ndarray, shape (wanted, D)
        sum_j c_j grad_i h_ij.
    slope_terms : float
        Bound of the terms of `slopes` in Frobenius norm.
    exponent : int
        `norm` is to be multiplied by 4**exponent, `slopes` by 2**exponent.
    """
    count, dimension = rows.shape
    scaled, exponents = scaled_rows(rows)
    columns = np.ascontiguousarray(scaled.T)
    exponent = exponents.max()
    scale = np.empty(count)
    square = np.empty((count, 2))
    for i in range(count):
        scale[i] = math.ldexp(1.0, exponents[i] - exponent)
        square[i] = _dot(scaled[i], scaled[i])
    dot_hi = np.empty(count)
    dot_lo = np.empty(count)
    slope_hi = np.zeros((wanted, dimension))
    slope_lo = np.zeros((wanted, dimension))
    own = np.zeros((wanted, 2))
    bound = np.zeros(wanted)
    total = total_lo = terms = 0.0
    for i in range(count):
        u = scaled[i]
        a_hi, a_lo = square[i]
        _dots(columns, u, i, dot_hi, dot_lo)
        for j in range(i + 1):
            c_i = coefficients[i] * scale[i]
            c_j = coefficients[j] * scale[j]
            for_i = i < wanted and c_j != 0.0
            for_j = j < wanted and c_i != 0.0 and j < i
            for_value = c_i != 0.0 and c_j != 0.0
            if not (for_i or for_j or for_value):
                continue
            if j == i:
                s_hi = s_lo = 0.0
                b_hi, b_lo = PI
                h_hi, h_lo = multiply(a_hi, a_lo, b_hi, b_lo)
            else:
                s_hi, s_lo, b_hi, b_lo, h_hi, h_lo = _pair(
                    u, scaled[j], a_hi, a_lo, square[j, 0], square[j, 1], dot_hi[j], dot_lo[j]
                )
            if for_value:
                weight = c_i * c_j if i == j else 2.0 * c_i * c_j
                p, e = multiply_by_double(h_hi, h_lo, weight)
                total, total_lo = add(total, total_lo, p, e)
                terms += abs(p)
            if for_i:
                _accumulate(slope_hi[i], slope_lo[i], scaled[j], b_hi, b_lo, c_j)
                p, e = multiply_by_double(s_hi, s_lo, c_j)
                own[i] = add(own[i, 0], own[i, 1], p, e)
                bound[i] += _TWO_PI * abs(c_j) * math.sqrt(square[j, 0])
            if for_j:
                _accumulate(slope_hi[j], slope_lo[j], u, b_hi, b_lo, c_i)
                p, e = multiply_by_double(s_hi, s_lo, c_i)
                own[j] = add(own[j, 0], own[j, 1], p, e)
                bound[j] += _TWO_PI * abs(c_i) * math.sqrt(a_hi)
    for i in range(wanted):
        p, e = divide(own[i, 0], own[i, 1], square[i, 0], square[i, 1])
        _accumulate(slope_hi[i], slope_lo[i], scaled[i], p, e, 1.0)
    return total, terms, slope_hi, math.sqrt(np.sum(bound * bound)), exponent


@njit(cache=True, error_model="numpy")
def _accumulate(hi, lo, row, factor_hi, factor_lo, coefficient):
    """Add coefficient * factor * row to the double-double vector (hi, lo)."""
    f_hi, f_lo = multiply_by_double(factor_hi, factor_lo, coefficient)
    for d in range(row.shape[0]):
        p, e = multiply_by_double(f_hi, f_lo, row[d])
        hi[d], lo[d] = add(hi[d], lo[d], p, e)


@njit(cache=True, error_model="numpy")
def overlap_with(direction, rows, coefficients):
    """sum_i c_i h(u, n_i), the same with absolute values, and the exponent of two of both."""
    scaled, exponents = scaled_rows(rows)
    unit, own_exponent = scaled_rows(direction.reshape(1, -1))
    u = unit[0]
    exponent = exponents.max()
    a_hi, a_lo = _dot(u, u)
    total = total_lo = terms = 0.0
    for i in range(rows.shape[0]):
        v = scaled[i]
        b_hi, b_lo = _dot(v, v)
        c_hi, c_lo = _dot(u, v)
        _, _, _, _, h_hi, h_lo = _pair(u, v, a_hi, a_lo, b_hi, b_lo, c_hi, c_lo)
        weight = coefficients[i] * math.ldexp(1.0, exponents[i] - exponent)
        p, e = multiply_by_double(h_hi, h_lo, weight)
        total, total_lo = add(total, total_lo, p, e)
        terms += abs(p)
    return total, terms, exponent + own_exponent[0]


def pair_value(u: ArrayLike, v: ArrayLike) -> float:
    """Pair integral g(u, v) = E[relu(u.x) relu(v.x)] over x ~ N(0, I).

    Parameters
    ----------
    u, v : array_like, shape (D,)
        Weight vectors; entries below 1e-140 of the largest count only approximately.

    Returns
    -------
    float
        Right to 1e-15 relative at every angle; 0.0 when a vector is zero or the angle is pi.
    """
    first, second = _vectors("pair_value", u, v)
    if not (first.any() and second.any()):
        return 0.0
    scaled, exponents = scaled_rows(np.stack([first, second]))
    return float(math.ldexp(pair_of(scaled[0], scaled[1])[0] / _TWO_PI, int(exponents.sum())))


def pair_gradient(u: ArrayLike, v: ArrayLike) -> Array:
    """Gradient of the pair integral g(u, v) with respect to u.

    Parameters
    ----------
    u, v : array_like, shape (D,)
        Weight vectors.

    Returns
    -------
    ndarray, shape (D,)
        Right to 1e-15 relative in norm at every angle; zero when a vector is zero.
    """
    first, second = _vectors("pair_gradient", u, v)
    if not (first.any() and second.any()):
        return np.zeros_like(first)
    scaled, exponents = scaled_rows(np.stack([first, second]))
    slope = pair_of(scaled[0], scaled[1])[1]
    return np.asarray(np.ldexp(slope / _TWO_PI, int(exponents[1])))


def value(W: ArrayLike, V: ArrayLike) -> float:
    """Population loss L = (1/2) E[(f - f*)^2].

    Parameters
    ----------
    W : array_like, shape (K, D)
        Student weights. Zero rows contribute nothing.
    V : array_like, shape (M, D)
        Teacher weights.

    Returns
    -------
    float
        Loss in units of squared output, right to 1e-15 relative, never negative; exactly 0.0
        when it is below 1e-66 of its terms.
    """
    rows, coefficients, _ = merged_rows(*_networks("value", W, V))
    return _loss(rows, coefficients, None)


def gradient(W: ArrayLike, V: ArrayLike) -> Array:
    """Gradient of the population loss with respect to the student weights.

    Never in fixed point, which takes a thousand times as long: where a gradient cancels below 1e-17
    of its terms it is what decides that the point is critical, and its size is not read further.

    Parameters
    ----------
    W : array_like, shape (K, D)
        Student weights. The gradient of a zero row is defined as zero; the slope for growing it
        is `psi`.
    V : array_like, shape (M, D)
        Teacher weights.

    Returns
    -------
    ndarray, shape (K, D)
        Right to 1e-13 relative in Frobenius norm or to 1e-30 of its terms, whichever is larger.
    """
    students, teachers = _networks("gradient", W, V)
    return _gradient(students, merged_rows(students, teachers), exact=False)[0]


def value_and_gradient(W: ArrayLike, V: ArrayLike) -> tuple[float, Array]:
    """Population loss, and its gradient right to 1e-13 relative however far it cancels."""
    students, teachers = _networks("value_and_gradient", W, V)
    merged = merged_rows(students, teachers)
    slopes, sums = _gradient(students, merged, exact=True)
    return _loss(merged[0], merged[1], sums), slopes


def _gradient(
    students: Array, merged: tuple[Array, Array, Array], *, exact: bool
) -> tuple[Array, _Sums | None]:
    """Gradient of the merged networks, and the pair sums it was made from."""
    rows, coefficients, places = merged
    wanted = int(places.max(initial=-1)) + 1  # students are merged first, so they are the first
    slopes = np.zeros_like(students)
    if len(rows) == 0 or wanted == 0:
        return slopes, None
    sums = sums_of_pairs(rows, coefficients, wanted)
    _, _, merged_slopes, terms, exponent = sums
    accuracy = _GRADIENT_ACCURACY * float(np.linalg.norm(merged_slopes))
    active = coefficients != 0.0
    if exact and terms * _ROUNDING > accuracy and active.any():
        merged_slopes = fixed_point.signed_gradient(
            rows[:wanted], rows[active], coefficients[active].astype(int).tolist()
        )
    else:
        merged_slopes = np.ldexp(merged_slopes / _TWO_PI, int(exponent))
    grown = places >= 0
    slopes[grown] = merged_slopes[places[grown]]
    return slopes, sums


def psi(u: ArrayLike, W: ArrayLike, V: ArrayLike) -> float:
    """One-sided slope psi(u) = E[(f - f*) relu(u.x)] of the loss for a new neuron grown along u.

    Parameters
    ----------
    u : array_like, shape (D,)
        Direction; psi is proportional to its norm.
    W, V : array_like, shapes (K, D) and (M, D)
        Student and teacher weights.

    Returns
    -------
    float
        Right to 1e-15 relative; exactly 0.0 when it is below 1e-66 of its terms.
    """
    rows, coefficients, _ = merged_rows(*_networks("psi", W, V))
    direction = checked_array(
        "u", "psi", u, f"{rows.shape[1:]}, like a row of W", lambda shape: shape == rows.shape[1:]
    )
    active = coefficients != 0.0
    if not (direction.any() and active.any()):
        return 0.0
    rows, coefficients = rows[active], coefficients[active]
    total, terms, exponent = overlap_with(direction, rows, coefficients)
    if terms * _ROUNDING > _VALUE_ACCURACY * abs(total):
        return fixed_point.signed_overlap(direction, rows, coefficients.astype(int).tolist())
    return float(math.ldexp(total / _TWO_PI, int(exponent)))


def _loss(rows: Array, coefficients: Array, sums: _Sums | None) -> float:
    """Loss of the merged networks, from pair sums already made if there are any."""
    active = coefficients != 0.0
    if not active.any():
        return 0.0
    if sums is None:
        rows, coefficients = rows[active], coefficients[active]
        active = np.ones(len(rows), dtype=bool)
        sums = sums_of_pairs(rows, coefficients, 0)
    total, terms, _, _, exponent = sums
    if terms * _ROUNDING > _VALUE_ACCURACY * total:
        return 0.5 * fixed_point.signed_norm(
            rows[active], coefficients[active].astype(int).tolist()
        )
    return float(math.ldexp(total / (2 * _TWO_PI), 2 * int(exponent)))


def _networks(function: str, W: ArrayLike, V: ArrayLike) -> tuple[Array, Array]:
    students = checked_array("W", function, W, "(K, D)", lambda shape: len(shape) == 2)
    columns = students.shape[1]
    teachers = checked_array(
        "V",
        function,
        V,
        f"(M, {columns}), with as many columns as W",
        lambda shape: len(shape) == 2 and shape[1] == columns,
    )
    return students, teachers


def _vectors(function: str, u: ArrayLike, v: ArrayLike) -> tuple[Array, Array]:
    first = checked_array("u", function, u, "(D,)", lambda shape: len(shape) == 1)
    second = checked_array(
        "v", function, v, f"{first.shape}, that of u", lambda shape: shape == first.shape
    )
    return first, second
