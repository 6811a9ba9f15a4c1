"""Double-double arithmetic: a number is the unevaluated sum (hi, lo), |lo| <= ulp(hi) / 2.

About 31 decimal digits from error-free transformations (Knuth's two-sum; the product's error by
one fused multiply-add). They hold only when no operation is reassociated or contracted, so nothing
here may be compiled with ``fastmath``. Relative error bounds of the operations, in units of
2**-106: `add` 3, `multiply` 5, `divide` 10 (Joldes, Muller, Popescu 2017), also where the sum
cancels. Operands far from overflow, and products above 1e-290, are assumed.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic

from landtopo.kernels import fixed_point
from landtopo.kernels.compiled import njit

__all__ = [
    "PI",
    "add",
    "arctangent",
    "divide",
    "fma",
    "multiply",
    "multiply_by_double",
    "product",
    "square_root",
    "two_sum",
]


def _split(value: int, bits: int) -> tuple[float, float]:
    """Double-double nearest to value / 2**bits."""
    high = value / (1 << bits)
    numerator, denominator = high.as_integer_ratio()
    return high, (value * denominator - (numerator << bits)) / (denominator << bits)


def _table() -> np.ndarray:
    """Arctangents of k / 64, k = 0..64, as double-doubles, shape (65, 2)."""
    bits = fixed_point.BITS
    return np.array([_split(fixed_point.arctangent(k, 64), bits) for k in range(65)])


PI = _split(fixed_point.pi(), fixed_point.BITS)
_HALF_PI = (PI[0] / 2, PI[1] / 2)
_ARCTANGENTS = _table()
_THIRD = _split((1 << 256) // 3, 256)
_FIFTH = _split((1 << 256) // 5, 256)
_SEVENTH = _split((1 << 256) // 7, 256)


@intrinsic
def fma(typingctx, a, b, c):
    """Return a * b + c with one rounding: the processor's instruction, or libm's fma."""
    signature = types.float64(types.float64, types.float64, types.float64)

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return signature, generate


@njit(cache=True, error_model="numpy")
def two_sum(a, b):
    """Return a + b exactly, as (rounded sum, error)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@njit(cache=True, error_model="numpy")
def fast_two_sum(a, b):
    """Return a + b, exactly when |a| >= |b| or a == 0."""
    s = a + b
    return s, b - (s - a)


@njit(cache=True, error_model="numpy")
def product(a, b):
    """Return a * b of two doubles exactly, as (rounded product, error)."""
    p = a * b
    return p, fma(a, b, -p)


@njit(cache=True, error_model="numpy")
def add(a_hi, a_lo, b_hi, b_lo):
    """Sum of two double-doubles, accurate also under cancellation."""
    s, e = two_sum(a_hi, b_hi)
    t, f = two_sum(a_lo, b_lo)
    s, e = fast_two_sum(s, e + t)
    return fast_two_sum(s, e + f)


@njit(cache=True, error_model="numpy")
def multiply(a_hi, a_lo, b_hi, b_lo):
    """Product of two double-doubles."""
    p, e = product(a_hi, b_hi)
    return fast_two_sum(p, e + fma(a_hi, b_lo, a_lo * b_hi))


@njit(cache=True, error_model="numpy")
def multiply_by_double(a_hi, a_lo, b):
    """Product of a double-double and a double."""
    p, e = product(a_hi, b)
    return fast_two_sum(p, fma(a_lo, b, e))


@njit(cache=True, error_model="numpy")
def divide(a_hi, a_lo, b_hi, b_lo):
    """Quotient of two double-doubles, b not zero."""
    q = a_hi / b_hi
    p, e = multiply_by_double(b_hi, b_lo, q)
    r, s = add(a_hi, a_lo, -p, -e)
    return fast_two_sum(q, (r + s) / b_hi)


@njit(cache=True, error_model="numpy")
def square_root(a_hi, a_lo):
    """Square root of a double-double >= 0."""
    if a_hi <= 0.0:
        return 0.0, 0.0
    root = np.sqrt(a_hi)
    p, e = product(root, root)
    r, s = add(a_hi, a_lo, -p, -e)
    return fast_two_sum(root, 0.5 * (r + s) / root)


@njit(cache=True, error_model="numpy")
def arctangent(y_hi, y_lo, x_hi, x_lo):
    """Arctangent of y / x and, without cancellation, y - x atan(y / x), for y >= 0, x >= 0.

    The table gives atan(k / 64) for the k / 64 nearest to y / x (or x / y when that is smaller);
    the rest, below 1/128, by its power series up to the fifteenth power.

    Returns
    -------
    angle_hi, angle_lo : float
        atan(y / x) in [0, pi / 2].
    deficit_hi, deficit_lo : float
        y - x atan(y / x) >= 0, which is x (y / x)^3 / 3 for small angles.
    """
    swap = y_hi > x_hi
    if swap:
        num_hi, num_lo, den_hi, den_lo = x_hi, x_lo, y_hi, y_lo
    else:
        num_hi, num_lo, den_hi, den_lo = y_hi, y_lo, x_hi, x_lo
    k = int(64.0 * (num_hi / den_hi) + 0.5)
    if k == 0:
        r, r_lo = divide(num_hi, num_lo, den_hi, den_lo)
    else:
        node = k / 64.0  # exact; so are the products with it, up to the rounding of lo
        t, t_lo = multiply_by_double(den_hi, den_lo, -node)
        t, t_lo = add(num_hi, num_lo, t, t_lo)
        d, d_lo = multiply_by_double(num_hi, num_lo, node)
        d, d_lo = add(den_hi, den_lo, d, d_lo)
        r, r_lo = divide(t, t_lo, d, d_lo)
    # r - atan(r) = r^3 (1/3 - q/5 + q^2/7 - ...), q = r^2 < 2^-14: from q^3 on a double is enough.
    q, q_lo = multiply(r, r_lo, r, r_lo)
    tail = 1.0 / 9.0 - q * (1.0 / 11.0 - q * (1.0 / 13.0 - q * (1.0 / 15.0)))
    p, p_lo = add(_SEVENTH[0], _SEVENTH[1], -q * tail, 0.0)
    p, p_lo = multiply(p, p_lo, q, q_lo)
    p, p_lo = add(_FIFTH[0], _FIFTH[1], -p, -p_lo)
    p, p_lo = multiply(p, p_lo, q, q_lo)
    p, p_lo = add(_THIRD[0], _THIRD[1], -p, -p_lo)
    p, p_lo = multiply(p, p_lo, q, q_lo)
    cubic, cubic_lo = multiply(p, p_lo, r, r_lo)
    if k == 0 and not swap:
        deficit, deficit_lo = multiply(cubic, cubic_lo, x_hi, x_lo)
        angle, angle_lo = add(r, r_lo, -cubic, -cubic_lo)
        return angle, angle_lo, deficit, deficit_lo
    angle, angle_lo = add(r, r_lo, -cubic, -cubic_lo)
    angle, angle_lo = add(_ARCTANGENTS[k, 0], _ARCTANGENTS[k, 1], angle, angle_lo)
    if swap:
        angle, angle_lo = add(_HALF_PI[0], _HALF_PI[1], -angle, -angle_lo)
    p, p_lo = multiply(x_hi, x_lo, angle, angle_lo)
    deficit, deficit_lo = add(y_hi, y_lo, -p, -p_lo)
    return angle, angle_lo, deficit, deficit_lo
