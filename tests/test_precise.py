"""What is established: the precise kernels are right to the digits they promise.

Against mpmath with the exact doubles as inputs (120 digits, plain formulas), for pairs at angles
from 0 to pi, norms from 1e-8 to 1e8 and below; for losses that cancel to 1e-32; for gradients
that nearly vanish. Besides: the error-free transformations are error-free after compilation, the
exact zeros are exact, and the growth law at a zero-loss point holds over twenty decades of loss.
"""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.kernels import double_double, fixed_point, precise

ANGLES = [0.0, 1e-12, 1e-8, 1e-4, 0.02, 0.04, 1.0, math.pi / 2, 2.5]
# Rounding a double to print it is 1.1e-16; two more roundings follow (2 pi and the division).
PAIR_ACCURACY = 5e-16


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(120):
        yield


def _exact(vector):
    return [mpmath.mpf(float(x)) for x in vector]


def _reference_pair(u, v):
    """Pair integral and its gradient from norms and product, with digits to spare."""
    u, v = _exact(u), _exact(v)
    square, other = mpmath.fdot(u, u), mpmath.fdot(v, v)
    if square == 0 or other == 0:
        return mpmath.mpf(0), [mpmath.mpf(0)] * len(u)
    cosine = mpmath.fdot(u, v)
    sine = mpmath.sqrt(abs(square * other - cosine**2))
    angle = mpmath.atan2(sine, cosine)
    value = (sine + (mpmath.pi - angle) * cosine) / (2 * mpmath.pi)
    slope = [
        (sine / square * x + (mpmath.pi - angle) * y) / (2 * mpmath.pi)
        for x, y in zip(u, v, strict=True)
    ]
    return value, slope


def _reference_loss(W, V):
    students, teachers = list(W), list(V)
    total = mpmath.mpf(0)
    slopes = [[mpmath.mpf(0)] * W.shape[1] for _ in students]
    signed = [(w, 1) for w in students] + [(v, -1) for v in teachers]
    for i, (first, sign) in enumerate(signed):
        for second, other in signed:
            value, slope = _reference_pair(first, second)
            total += sign * other * value
            if i < len(students):
                slopes[i] = [s + other * x for s, x in zip(slopes[i], slope, strict=True)]
    return total / 2, slopes


def _relative(found, reference):
    error = mpmath.norm([x - y for x, y in zip(_exact(np.ravel(found)), reference, strict=True)])
    size = mpmath.norm(reference)
    return float(error if size == 0 else error / size)


def _at_angle(rng, angle, dimension, norms):
    """Two vectors at nearly this angle: the second is the first's direction, turned."""
    u = rng.standard_normal(dimension)
    axis = rng.standard_normal(dimension)
    axis -= (axis @ u) / (u @ u) * u
    v = math.cos(angle) * u / np.linalg.norm(u) + math.sin(angle) * axis / np.linalg.norm(axis)
    return norms[0] * u / np.linalg.norm(u), norms[1] * v


def test_fused_multiply_add_rounds_once():
    rng = np.random.default_rng(0)
    compiled = _compiled_fma()
    for a, b, c in rng.standard_normal((300, 3)) * 2.0 ** rng.integers(-30, 30, (300, 3)):
        for addend in (c, -a * b):
            exact = Fraction(a) * Fraction(b) + Fraction(addend)
            assert compiled(a, b, addend) == float(exact)


def _compiled_fma():
    from numba import njit

    @njit
    def call(a, b, c):
        return double_double.fma(a, b, c)

    return call


def test_transformations_are_error_free_when_compiled():
    rng = np.random.default_rng(1)
    for a, b in rng.standard_normal((300, 2)) * 2.0 ** rng.integers(-40, 40, (300, 2)):
        s, e = double_double.two_sum(a, b)
        assert s == a + b
        assert Fraction(s) + Fraction(e) == Fraction(a) + Fraction(b)
        p, e = double_double.product(a, b)
        assert p == a * b
        assert Fraction(p) + Fraction(e) == Fraction(a) * Fraction(b)


def _random_double_double(rng, spread):
    high = rng.uniform(0.5, 1) * 2.0 ** rng.integers(-spread, spread + 1)
    return double_double.two_sum(high, high * 2.0**-54 * rng.uniform(-1, 1))


def test_double_double_operations():
    rng = np.random.default_rng(2)
    unit = mpmath.mpf(2) ** -106
    for _ in range(1000):
        a, b = _random_double_double(rng, 5), _random_double_double(rng, 5)
        close = (-a[0], -a[1] * (1 - 1e-9 * rng.uniform()))
        x, y, z = (mpmath.mpf(p[0]) + p[1] for p in (a, b, close))
        for result, exact, bound in (
            (double_double.add(*a, *b), x + y, 3),
            (double_double.add(*a, *close), x + z, 3),
            (double_double.multiply(*a, *b), x * y, 5),
            (double_double.divide(*a, *b), x / y, 10),
            (double_double.square_root(*a), mpmath.sqrt(x), 5),
        ):
            assert abs(mpmath.mpf(result[0]) + result[1] - exact) <= bound * unit * abs(exact)


def test_double_double_arctangent():
    rng = np.random.default_rng(3)
    for _ in range(2000):
        a, b = _random_double_double(rng, 30), _random_double_double(rng, 30)
        y, x = mpmath.mpf(a[0]) + a[1], mpmath.mpf(b[0]) + b[1]
        angle_hi, angle_lo, deficit_hi, deficit_lo = double_double.arctangent(*a, *b)
        angle = mpmath.atan(y / x)
        assert abs((mpmath.mpf(angle_hi) + angle_lo) / angle - 1) < mpmath.mpf(2) ** -102
        # From the table's first interval on, 1/128, y - x atan(y / x) cancels by (1/128)^2 / 3.
        deficit = y - x * angle
        assert abs((mpmath.mpf(deficit_hi) + deficit_lo) / deficit - 1) < mpmath.mpf(2) ** -84


def test_fixed_point_constants_and_arctangent():
    scale = mpmath.mpf(2) ** fixed_point.BITS
    assert abs(fixed_point.pi() / scale - mpmath.pi) < 1e-76
    assert fixed_point.arctangent(0, 5) == 0
    rng = np.random.default_rng(4)
    for _ in range(200):
        a, b = (int(x) << int(s) for x, s in zip(rng.integers(1, 2**53, 2), (0, 40), strict=True))
        for numerator, denominator in ((a, b), (b, a), (a, a)):
            found = fixed_point.arctangent(numerator, denominator) / scale
            assert abs(found - mpmath.atan(mpmath.mpf(numerator) / denominator)) < 1e-73


@pytest.mark.parametrize("from_pi", [False, True])
@pytest.mark.parametrize("dimension", [2, 3, 7, 100])
def test_pairs_at_every_angle(dimension, from_pi):
    rng = np.random.default_rng(dimension)
    for angle in ANGLES:
        for norms in ((1.0, 1.0), (1e-8, 1e8), (1e8, 1e8), (3e-200, 0.7), (1e-8, 1e-8)):
            u, v = _at_angle(rng, angle, dimension, norms)
            if from_pi:
                v = -v
            value, slope = _reference_pair(u, v)
            assert _relative([precise.pair_value(u, v)], [value]) <= PAIR_ACCURACY
            assert _relative([precise.pair_value(v, u)], [value]) <= PAIR_ACCURACY
            assert _relative(precise.pair_gradient(u, v), slope) <= PAIR_ACCURACY


@pytest.mark.parametrize("angle", [1e-130, 1e-60, 1e-30, 1e-16, 1e-12, 1e-8, 1e-4])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_pairs_along_an_axis_at_tiny_angles(sign, angle):
    # Beside an axis, doubles can be at far smaller angles than 1e-16.
    u, v = np.array([3.0, 7.0, angle]), sign * np.array([6.0, 14.0, 5 * angle])
    with mpmath.workdps(600):
        value, slope = _reference_pair(u, v)
        if value > 1e-300:
            assert _relative([precise.pair_value(u, v)], [value]) <= PAIR_ACCURACY
        else:
            assert precise.pair_value(u, v) < 1e-300
        assert _relative(precise.pair_gradient(u, v), slope) <= PAIR_ACCURACY


def test_exact_angles():
    u = np.array([3.0, -5.0, 11.0, 0.1])
    assert precise.pair_value(u, u) == pytest.approx(u @ u / 2, rel=4e-16)
    np.testing.assert_allclose(precise.pair_gradient(u, u), u / 2, rtol=4e-16)
    assert precise.pair_value(u, -4 * u) == 0.0
    assert not precise.pair_gradient(u, -4 * u).any()
    assert precise.pair_value(u, 0 * u) == 0.0
    assert not precise.pair_gradient(0 * u, u).any()


@pytest.mark.parametrize("shape", [(1, 1, 2), (3, 2, 3), (4, 5, 8), (2, 3, 60)])
@pytest.mark.parametrize("noise", [None, 1e-4, 1e-8, 1e-13, 1e-16])
def test_loss_and_gradient_against_mpmath(shape, noise):
    width, size, dimension = shape
    rng = np.random.default_rng(sum(shape))
    V = rng.standard_normal((size, dimension))
    W = rng.standard_normal((width, dimension))
    if noise is not None:
        # Near a zero-loss point: one neuron for each teacher, the last shared by all that is left.
        parts = np.zeros((width, size))
        parts[np.arange(width), np.arange(width) % size] = 1.0
        V = V[: min(width, size)]
        parts = parts[:, : len(V)] / parts[:, : len(V)].sum(axis=0)
        W = parts @ V + noise * W
    value, slopes = _reference_loss(W, V)
    flat = [x for row in slopes for x in row]
    found, gradient = precise.value_and_gradient(W, V)
    assert _relative([found], [value]) <= 1e-15
    assert _relative([precise.value(W, V)], [value]) <= 1e-15
    assert _relative(gradient, flat) <= 1e-15


@pytest.mark.parametrize("angle", [1e-15, 1e-12, 1e-8, 1e-4])
def test_one_neuron_nearly_on_the_teacher(angle):
    # Equal norms, angle t: |grad L| is t / 2 to first order, all of it from cancelled terms.
    V = np.array([[1.0, 0.0, 0.0]])
    W = np.array([[math.cos(angle), math.sin(angle), 0.0]])
    value, slopes = _reference_loss(W, V)
    found, gradient = precise.value_and_gradient(W, V)
    assert np.linalg.norm(gradient) == pytest.approx(angle / 2, rel=3e-4 if angle > 1e-6 else 1e-7)
    assert _relative([found], [value]) <= 1e-15
    assert _relative(gradient, slopes[0]) <= 1e-15


@pytest.mark.parametrize("offset", [1e-20, 1e-28])
def test_tiny_steps_out_of_the_span(offset):
    # Double-double alone keeps no digit of a loss of 1e-56 among terms of order one.
    V = np.eye(3, 4)
    W = V.copy()
    W[:, 3] = offset * np.array([1.0, -2.0, 0.5])
    value, slopes = _reference_loss(W, V)
    found, gradient = precise.value_and_gradient(W, V)
    assert _relative([found], [value]) <= 1e-15
    assert _relative(gradient, [x for row in slopes for x in row]) <= 1e-13


def test_scales_of_the_network():
    rng = np.random.default_rng(8)
    W, V = rng.standard_normal((2, 4, 5))
    value, gradient = precise.value_and_gradient(W, V)
    for power in (-300, -40, 27, 300):
        scaled, slopes = precise.value_and_gradient(W * 2.0**power, V * 2.0**power)
        assert scaled == value * 2.0 ** (2 * power)
        np.testing.assert_array_equal(slopes, gradient * 2.0**power)
    W[0] *= 1e-9
    V[2] *= 1e7
    reference, slopes = _reference_loss(W, V)
    found, gradient = precise.value_and_gradient(W, V)
    assert _relative([found], [reference]) <= 1e-15
    assert _relative(gradient, [x for row in slopes for x in row]) <= 1e-15


def test_exact_zeros():
    rng = np.random.default_rng(9)
    V = rng.standard_normal((5, 7))
    for W in (
        V,
        V[::-1],
        np.vstack([V, np.zeros((2, 7))]),
        np.vstack([V[:4], V[4:] / 4, V[4:] / 4, V[4:] / 2]),  # one teacher shared by three
    ):
        value, gradient = precise.value_and_gradient(W, V)
        assert value == 0.0
        assert precise.value(W, V) == 0.0
        assert not gradient.any()
        assert precise.psi(V[0] + V[1], W, V) == 0.0


def test_zero_neurons_contribute_nothing():
    rng = np.random.default_rng(10)
    W, V = rng.standard_normal((2, 4, 5))
    W[1] = 0.0
    value, gradient = precise.value_and_gradient(W, V)
    reduced, slopes = precise.value_and_gradient(np.delete(W, 1, axis=0), np.vstack([V, 0 * V]))
    assert value == reduced
    assert not gradient[1].any()
    np.testing.assert_array_equal(np.delete(gradient, 1, axis=0), slopes)
    nothing = precise.value_and_gradient(np.zeros((2, 5)), V)
    assert nothing[0] == pytest.approx(precise.value(V, np.zeros((1, 5))), rel=1e-15)
    assert not nothing[1].any()


def test_equal_and_opposite_neurons():
    rng = np.random.default_rng(11)
    V = rng.standard_normal((3, 4))
    W = np.vstack([V[0], V[0], -V[1], -V[1], V[2]])
    value, slopes = _reference_loss(W, V)
    found, gradient = precise.value_and_gradient(W, V)
    assert _relative([found], [value]) <= 1e-15
    assert _relative(gradient, [x for row in slopes for x in row]) <= 1e-15


def test_psi_is_the_slope_and_sums_to_the_loss():
    # Homogeneity: w_k . dL/dw_k = psi(w_k), and L = (sum_k psi(w_k) - sum_m psi(v_m)) / 2.
    rng = np.random.default_rng(12)
    W, V = rng.standard_normal((4, 6)), rng.standard_normal((5, 6))
    value, gradient = precise.value_and_gradient(W, V)
    slopes = [precise.psi(w, W, V) for w in W]
    np.testing.assert_allclose(np.sum(W * gradient, axis=1), slopes, rtol=1e-13)
    total = sum(slopes) - sum(precise.psi(v, W, V) for v in V)
    assert total / 2 == pytest.approx(value, rel=1e-14)
    u = rng.standard_normal(6)
    pairs = [precise.pair_value(u, w) for w in W] + [-precise.pair_value(u, v) for v in V]
    assert precise.psi(u, W, V) == pytest.approx(math.fsum(pairs), rel=1e-13)
    assert precise.psi(0 * u, W, V) == 0.0
    # Growing a zero neuron along u: the loss changes by psi(u) s + |u|^2 s^2 / 4.
    s = 2.0**-30
    grown = precise.value(np.vstack([W, s * u]), V)
    assert (grown - value) / s == pytest.approx(precise.psi(u, W, V), rel=1e-6)


def test_psi_near_zero_loss():
    rng = np.random.default_rng(13)
    V = rng.standard_normal((3, 4))
    W = V + 1e-18 * np.array([[0, 0, 0, 1.0]])
    W[:, 3] = V[:, 3]
    W = np.hstack([W, 1e-18 * rng.standard_normal((3, 1))])
    V = np.hstack([V, np.zeros((3, 1))])
    u = rng.standard_normal(5)
    reference = sum(_reference_pair(u, w)[0] for w in W) - sum(_reference_pair(u, v)[0] for v in V)
    assert _relative([precise.psi(u, W, V)], [reference]) <= 1e-15


def test_fixed_point_and_double_double_agree_where_both_hold():
    rng = np.random.default_rng(14)
    W, V = rng.standard_normal((2, 3, 4))
    rows, signs = np.vstack([W, V]), [1] * 3 + [-1] * 3
    assert fixed_point.signed_norm(rows, signs) / 2 == pytest.approx(precise.value(W, V), rel=1e-15)
    np.testing.assert_allclose(
        fixed_point.signed_gradient(W, rows, signs), precise.gradient(W, V), rtol=1e-14
    )
    assert fixed_point.signed_overlap(V[0], rows, signs) == pytest.approx(
        precise.psi(V[0], W, V), rel=1e-15
    )


def test_cubic_growth_over_twenty_decades():
    # Opposite shifts of two parallel students at zero loss: L = c s^3 (a kink of the integrals).
    V = np.eye(3)
    W = np.vstack([V[0] / 2, V[0] / 2, V[1:]])
    shift = np.zeros_like(W)
    shift[0, 1], shift[1, 1] = 1.0, -1.0
    steps = 2.0 ** -np.arange(10, 34, 4)
    losses = [precise.value(W + s * shift, V) for s in steps]
    exponents = np.diff(np.log(losses)) / np.diff(np.log(steps))
    np.testing.assert_allclose(exponents, 3.0, atol=2e-2)
    assert abs(exponents[-1] - 3.0) < 1e-7


def test_arguments_are_checked():
    with pytest.raises(
        InvalidArgument, match=r"'V' argument of value must have shape .*, with as many columns"
    ):
        precise.value(np.eye(2), np.eye(3))
    with pytest.raises(InvalidArgument, match="'W' argument of value must be finite"):
        precise.value(np.full((2, 2), np.nan), np.eye(2))
    with pytest.raises(InvalidArgument, match="'v' argument of pair_value must have shape"):
        precise.pair_value(np.ones(2), np.ones(3))
    with pytest.raises(InvalidArgument, match="'u' argument of psi"):
        precise.psi(np.ones(3), np.eye(2), np.eye(2))
