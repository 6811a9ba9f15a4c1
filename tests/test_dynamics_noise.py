"""The noise term of one-pass SGD: orthant probabilities, second moments and their sum.

Established by routes that share no formula: orders of reflection groups, sums over sign patterns
against the arc-cosine kernel, linear dependence, nested integrals in mpmath, quasi-Monte Carlo,
scipy's multivariate normal, and exact special cases of the whole matrix.
"""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from landtopo.errors import InvalidArgument
from landtopo.kernels.orthant import orthant_moments, orthant_probability
from landtopo.models.networks.dynamics.noise import (
    noise_derivatives,
    noise_from_statistics,
    noise_term,
)
from landtopo.models.networks.problem import Teacher
from landtopo.models.networks.statistics import summary_statistics

TIGHT = 1e-14


def _unit(rows):
    rows = np.asarray(rows, dtype=float)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _kernel(u, v):
    t = 2 * math.atan2(np.linalg.norm(u - v), np.linalg.norm(u + v))
    return (math.sin(t) + (math.pi - t) * math.cos(t)) / (2 * math.pi)


@pytest.mark.parametrize(
    ("bonds", "order"),
    [
        ([(0, 1, 3), (1, 2, 3), (2, 3, 3)], 120),
        ([(0, 1, 3), (1, 2, 3), (2, 3, 4)], 384),
        ([(0, 1, 3), (1, 2, 3), (1, 3, 3)], 192),
        ([(0, 1, 3), (1, 2, 4), (2, 3, 3)], 1152),
        ([(0, 1, 3), (1, 2, 3), (2, 3, 5)], 14400),
    ],
)
def test_chamber_of_a_reflection_group_has_probability_one_over_its_order(bonds, order):
    gram = np.eye(4)
    for i, j, m in bonds:
        gram[i, j] = gram[j, i] = -math.cos(math.pi / m)
    roots = np.linalg.cholesky(gram)
    for permutation in itertools.permutations(range(4)):
        value, _ = orthant_probability(np.ascontiguousarray(roots[list(permutation)]), TIGHT)
        # Four closed-form terms of size 1/2 cancel to 1/order.
        assert abs(value - 1 / order) < 2e-16


def test_equally_correlated_orthant_is_one_over_n_plus_one():
    vectors = np.linalg.cholesky(np.full((4, 4), 0.5) + 0.5 * np.eye(4))
    for n in range(1, 5):
        value, _ = orthant_probability(np.ascontiguousarray(vectors[:n]), TIGHT)
        assert abs(value - 1 / (n + 1)) < 1e-15


def _random_vectors(rng, closeness):
    """Four unit vectors in 2 to 5 dimensions, some of them nearly collinear or dependent."""
    vectors = rng.standard_normal((4, int(rng.integers(2, 6))))
    for a in range(1, 4):
        if rng.random() < 0.5:
            b = int(rng.integers(0, a))
            vectors[a] = rng.choice([-1, 1]) * vectors[b] + closeness * vectors[a]
    return _unit(vectors)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 0.1, 1e-3, 1e-6, 1e-9, 1e-12, 0.0]))
def test_sum_over_sign_patterns_is_the_pair_integral(seed, closeness):
    u = _random_vectors(np.random.default_rng(seed), closeness)
    total = np.zeros((4, 4))
    probability = 0.0
    for signs in itertools.product([1.0, -1.0], repeat=2):
        turned = np.ascontiguousarray(u * np.array([1.0, 1.0, *signs])[:, None])
        moments = orthant_moments(turned, TIGHT)
        flips = np.array([1.0, 1.0, *signs])
        total += moments * np.outer(flips, flips)
        probability += orthant_probability(turned, TIGHT)[0]
    # Rounding of unit vectors at closeness c is amplified to 1e-16/c in directions, but directions
    # of close vectors enter the result multiplied by c. Where both pairs are close at once, the
    # quadrature over the peak that they make loses two digits: 1.6e-13 was seen at c = 1e-6.
    assert abs(total[0, 1] - _kernel(u[0], u[1])) < (1e-14 if closeness in (0.0, 1.0) else 1e-12)
    two = orthant_moments(np.ascontiguousarray(u[:2]), TIGHT)
    np.testing.assert_allclose(total[:2, :2], two, atol=1e-12)
    assert abs(probability - orthant_probability(np.ascontiguousarray(u[:2]), TIGHT)[0]) < 1e-12


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_moments_of_dependent_vectors_are_linear(seed):
    rng = np.random.default_rng(seed)
    u = np.vstack([_unit(rng.standard_normal((3, 3))), np.zeros((1, 3))])
    factors = rng.standard_normal(3)
    length = np.linalg.norm(factors @ u[:3])
    u[3] = factors @ u[:3] / length
    moments = orthant_moments(u, TIGHT)
    # The matrix of dependent variables has rank three: errors are amplified by |factors| / length.
    slack = 1e-14 * (1 + np.abs(factors).sum() / length)
    np.testing.assert_allclose(moments[3], factors @ moments[:3] / length, atol=slack)


def test_probability_is_continuous_through_dependence():
    rng = np.random.default_rng(4)
    base = _unit(rng.standard_normal((4, 3)))
    lift = rng.standard_normal((4, 4)) * [0, 0, 0, 1]
    flat, _ = orthant_probability(base, TIGHT)
    for size in (1e-4, 1e-8, 1e-12):
        near, _ = orthant_probability(_unit(np.pad(base, ((0, 0), (0, 1))) + size * lift), TIGHT)
        assert abs(near - flat) < size


def test_probability_against_scipy():
    for seed in range(4):
        u = _unit(np.random.default_rng(seed).standard_normal((4, 4)))
        wanted = stats.multivariate_normal.cdf(
            np.zeros(4), np.zeros(4), u @ u.T, maxpts=2_000_000, abseps=1e-7, releps=1e-7
        )
        assert abs(orthant_probability(u, TIGHT)[0] - wanted) < 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_probability_against_mpmath_on_another_path(seed):
    """Plackett's identity with all correlations scaled together from zero, to 25 digits."""
    u = _unit(np.random.default_rng(seed).standard_normal((4, 4)))
    with mpmath.workdps(25):
        rho = [[mpmath.fdot(map(mpmath.mpf, a), map(mpmath.mpf, b)) for b in u] for a in u]

        def slope(t):
            total = mpmath.mpf(0)
            for i, j in itertools.combinations(range(4), 2):
                k, m = (a for a in range(4) if a not in (i, j))
                r = {(a, b): t * rho[a][b] for a, b in itertools.permutations(range(4), 2)}
                det = 1 - r[i, j] ** 2

                def rest(a, b, r=r, det=det, i=i, j=j):
                    own = mpmath.mpf(1) if a == b else r[a, b]
                    return (
                        own
                        - (
                            r[a, i] * r[b, i]
                            + r[a, j] * r[b, j]
                            - r[i, j] * (r[a, i] * r[b, j] + r[a, j] * r[b, i])
                        )
                        / det
                    )

                partial = rest(k, m) / mpmath.sqrt(rest(k, k) * rest(m, m))
                edge = mpmath.mpf(1) / 4 + mpmath.asin(partial) / (2 * mpmath.pi)
                total += rho[i][j] * edge / (2 * mpmath.pi * mpmath.sqrt(det))
            return total

        exact = mpmath.mpf(1) / 16 + mpmath.quad(slope, mpmath.linspace(0, 1, 9))
    assert abs(orthant_probability(u, TIGHT)[0] - float(exact)) < 1e-15


def test_moment_in_three_dimensions_against_mpmath():
    """In polar coordinates, with the fourth half-space implied by the first two.

    x, y > 0 and 0.6 x + 0.8 z > 0 is phi in (0, pi/2), theta < pi/2 + atan(0.75 cos phi).
    """
    u = np.array([[1.0, 0, 0], [0, 1.0, 0], [0.6, 0, 0.8], [0.6, 0.8, 0]])

    def slice_at(phi):
        low = mpmath.cos(mpmath.pi / 2 + mpmath.atan(0.75 * mpmath.cos(phi)))
        return mpmath.cos(phi) * mpmath.sin(phi) * (mpmath.mpf(2) / 3 - low + low**3 / 3)

    with mpmath.workdps(25):
        exact = 3 / (4 * mpmath.pi) * mpmath.quad(slice_at, [0, mpmath.pi / 2])
    assert abs(orthant_moments(u, TIGHT)[0, 1] - float(exact)) < 1e-15


def test_matrix_against_quasi_monte_carlo():
    teacher = Teacher.equicorrelated(3, 0.4)
    weights = 0.6 * np.random.default_rng(1).standard_normal((4, 5))
    x = stats.norm.ppf(stats.qmc.Sobol(5, seed=2).random_base2(19))
    # (f - f*)^2 is homogeneous of degree two: only the directions need sampling.
    x *= np.sqrt(5) / np.linalg.norm(x, axis=1, keepdims=True)
    z = x @ weights.T
    error = np.maximum(z, 0).sum(1) - np.maximum(x[:, :3] @ teacher.vectors.T, 0).sum(1)
    active = (z > 0) * error[:, None]
    noise = noise_term(teacher, weights)
    # Half a million points of a discontinuous function: random ones would err by 2.4e-3.
    np.testing.assert_allclose(noise.matrix, active.T @ active / len(x), atol=4e-3)
    assert noise.accurate
    assert noise.error < 1e-12


def test_statistics_and_weights_give_the_same_noise():
    rng = np.random.default_rng(3)
    for teacher in (Teacher.orthonormal(3), Teacher.random(4, seed=2)):
        for columns in (0, 2, 5):
            weights = rng.standard_normal((4, teacher.rank + columns))
            one = noise_term(teacher, weights)
            two = noise_from_statistics(summary_statistics(teacher, weights))
            # Products resolve directions to the square root of rounding where they are dependent.
            np.testing.assert_allclose(one.matrix, two.matrix, atol=1e-6 * one.matrix.max())


def test_noise_is_twice_the_loss_seen_by_a_neuron_and_its_opposite():
    """s'(u.x) + s'(-u.x) = 1: N_kk of w and of -w, with equal errors, add up to 2 L."""
    from landtopo.models.networks.loss import PopulationLoss
    from landtopo.models.networks.problem import TeacherStudent

    teacher = Teacher.random(3, seed=1)
    rng = np.random.default_rng(2)
    weights = rng.standard_normal((3, 4))
    weights[2] = -1e-9 * weights[1]
    noise = noise_term(teacher, weights).matrix
    loss = float(PopulationLoss(TeacherStudent(teacher, 3)).value(weights))
    assert abs(noise[1, 1] + noise[2, 2] - 2 * loss) < 1e-13
    assert noise[1, 2] == pytest.approx(0.0, abs=1e-14)


def test_one_student_and_one_teacher_exactly():
    """N = a^2/2 + b^2 ((pi - t) + sin t cos t)/(2 pi) - a b ((pi - t) cos t + sin t)/pi."""
    for t in (0.0, 0.3, 1.5, 3.0, math.pi):
        weights = 0.7 * np.array([[math.cos(t), math.sin(t)]])
        expected = (
            0.7**2 / 2
            + ((math.pi - t) + math.sin(t) * math.cos(t)) / (2 * math.pi)
            - 0.7 * ((math.pi - t) * math.cos(t) + math.sin(t)) / math.pi
        )
        noise = noise_term(Teacher.orthonormal(1), weights)
        assert abs(noise.matrix[0, 0] - expected) < 1e-15


def test_orthogonal_students_and_teachers_exactly():
    """All pairs orthogonal, norms q (students) and 1 (teachers).

    The variables are independent: a relu has mean 1/sqrt(2 pi) and mean square 1/2 whether its
    own indicator is there or not, every other indicator contributes a factor 1/2.
    """
    q, width, size = 0.8, 3, 4
    teacher = Teacher.orthonormal(size)
    weights = np.zeros((width, size + width))
    weights[:, size:] = q * np.eye(width)
    mean, square = 1 / math.sqrt(2 * math.pi), 0.5
    amplitudes = np.array([q] * width + [-1.0] * size)

    def expectation(conditioned):
        total = 0.0
        for i, j in itertools.product(range(len(amplitudes)), repeat=2):
            value = square if i == j else mean * mean
            others = [c for c in conditioned if c not in (i, j)]
            total += amplitudes[i] * amplitudes[j] * value * 0.5 ** len(others)
        return total

    noise = noise_term(teacher, weights).matrix
    for k, m in itertools.product(range(width), repeat=2):
        assert abs(noise[k, m] - expectation({k, m})) < 1e-14


def test_noise_vanishes_exactly_at_zero_loss():
    teacher = Teacher.random(4, seed=3)
    assert not noise_term(teacher, teacher.vectors).matrix.any()
    split = np.vstack([0.25 * teacher.vectors[0], 0.75 * teacher.vectors[0], teacher.vectors[1:]])
    assert np.abs(noise_term(teacher, split).matrix).max() < 1e-30
    at_statistics = noise_from_statistics(summary_statistics(teacher, teacher.vectors))
    assert np.abs(at_statistics.matrix).max() < 1e-14


def test_noise_near_zero_loss_is_a_quadratic_form_of_orthant_probabilities():
    """W = V + e X, X outside the span: N = e^2 sum_ij (X X^T)_ij P(i, j, k, l) + O(e^3)."""
    teacher = Teacher.equicorrelated(3, 0.2)
    x = np.zeros((3, 6))
    x[:, 3:] = np.random.default_rng(0).standard_normal((3, 3))
    gram = x @ x.T
    form = np.zeros((3, 3))
    for k, m, i, j in itertools.product(range(3), repeat=4):
        rows = teacher.vectors[sorted({i, j, k, m})]
        form[k, m] += gram[i, j] * orthant_probability(np.ascontiguousarray(rows), TIGHT)[0]
    base = np.hstack([teacher.vectors, np.zeros((3, 3))])
    for size in (1e-3, 1e-4, 1e-5):
        noise = noise_term(teacher, base + size * x)
        slack = 20 * size + noise.error / size**2
        np.testing.assert_allclose(noise.matrix / size**2, form, atol=slack)


def test_zero_neurons_make_no_noise_and_parallel_neurons_share_it():
    teacher = Teacher.orthonormal(2)
    weights = np.array([[0.5, 0.2], [0.0, 0.0], [1.0, 0.4]])
    noise = noise_term(teacher, weights).matrix
    assert not noise[1].any()
    assert noise[0, 0] == noise[2, 2] == noise[0, 2]
    merged = noise_term(teacher, np.array([[1.5, 0.6]])).matrix
    assert noise[0, 0] == pytest.approx(merged[0, 0], rel=1e-13)


def test_noise_is_equivariant_under_permutations():
    teacher = Teacher.orthonormal(4)
    weights = np.random.default_rng(5).standard_normal((4, 6))
    noise = noise_term(teacher, weights).matrix
    order = [2, 0, 3, 1]
    permuted = noise_term(teacher, weights[order]).matrix
    np.testing.assert_allclose(permuted, noise[np.ix_(order, order)], rtol=1e-13)
    assert np.linalg.eigvalsh(noise)[0] > 0


@pytest.mark.parametrize(("size", "width"), [(1, 1), (1, 2), (2, 2), (3, 3), (3, 4)])
def test_derivatives_against_differences(size, width):
    """Along random changes of all weights, in general position and inside the span."""
    teacher = Teacher.random(size, seed=5)
    rng = np.random.default_rng(7)
    for columns in (width, 0):
        if columns == 0 and size == 1 < width:
            continue  # parallel neurons
        weights, change = rng.standard_normal((2, width, teacher.rank + columns))
        student, overlap = noise_derivatives(teacher, weights)
        step = change @ weights.T
        q_dot = step + step.T
        r_dot = change[:, : teacher.rank] @ teacher.vectors.T
        # Q_ab and Q_ba are one variable.
        upper = np.triu_indices(width)
        along = np.einsum("klp,p->kl", student[:, :, *upper], q_dot[upper])
        along += np.einsum("klam,am->kl", overlap, r_dot)
        h = 1e-5
        moved = [noise_term(teacher, weights + s * h * change).matrix for s in (1, -1)]
        differences = (moved[0] - moved[1]) / (2 * h)
        # Truncation h^2 of third derivatives of order ten, rounding 1e-15 / h.
        np.testing.assert_allclose(along, differences, atol=1e-8 * (1 + np.abs(along).max()))


def test_bad_weights_are_refused():
    teacher = Teacher.orthonormal(3)
    with pytest.raises(InvalidArgument, match="not zero"):
        noise_derivatives(teacher, np.eye(3) * [1.0, 1.0, 0.0])
    with pytest.raises(InvalidArgument, match="not parallel"):
        noise_derivatives(teacher, np.ones((2, 3)) * [[1.0], [2.0]])
    with pytest.raises(InvalidArgument, match=r"shape \(K, 3 \+ E\)"):
        noise_term(Teacher.orthonormal(3), np.zeros((2, 2)))
