"""Start distributions: what is drawn has the stated distribution, in any dimension.

The draw through Bartlett's factor is compared with a plainly drawn d-dimensional matrix by the
first two moments of (Q, R), whose exact values are known; starts depend on identity only.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from landtopo.errors import InvalidArgument
from landtopo.models.networks.dynamics.reachability import reachability
from landtopo.models.networks.points.saddles import find_saddles
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.starts import (
    GaussianStart,
    GivenStart,
    LiftedStart,
    OrthogonalStart,
    SmallStart,
    SphereStart,
    draw_start,
    parse_distribution,
    start_generator,
)

TEACHER = Teacher.equicorrelated(3, 0.3)


def _draws(problem, distribution, count=4000):
    return np.array(
        [draw_start(problem, distribution, start_generator(5, 4, n)) for n in range(count)]
    )


@pytest.mark.parametrize("dim", [3, 5, 7, 8, 40, 10**9])
def test_gaussian_start_has_the_moments_of_a_wishart_matrix(dim):
    problem = TeacherStudent(TEACHER, 4, dim)
    weights = _draws(problem, GaussianStart(scale=2.0))
    assert weights.shape[1:] == (4, 3 + min(4, dim - 3))
    gram = weights @ weights.transpose(0, 2, 1)
    overlap = weights[:, :, :3] @ TEACHER.vectors.T
    # Standard errors of 4000 draws; five of them are allowed.
    variance = 16.0 / dim
    slack = 5 / math.sqrt(4000)
    expected = np.full((4, 4), variance) + variance * np.eye(4)
    assert np.abs(gram.mean(0) - 4.0 * np.eye(4)).max() < slack * math.sqrt(2 * variance)
    assert np.abs(gram.var(0) / expected - 1).max() < slack * math.sqrt(2 + 12 / dim) * 1.5
    assert np.abs(overlap.mean(0)).max() < slack * 2 / math.sqrt(dim)
    covariance = np.cov(overlap[:, 0].T) * dim / 4
    assert np.abs(covariance - TEACHER.gram).max() < 1.5 * slack


def test_bartlett_factor_has_the_law_of_a_plain_draw():
    problem = TeacherStudent(TEACHER, 4, 9)
    rng = np.random.default_rng(1)
    plain = rng.standard_normal((4000, 4, 9)) / 3
    drawn = _draws(problem, GaussianStart())
    for pick in (lambda w: np.linalg.det(w @ w.transpose(0, 2, 1)), lambda w: w[:, 0, 1]):
        assert stats.ks_2samp(pick(plain), pick(drawn)).pvalue > 1e-4


def test_sphere_and_orthogonal_starts_have_exact_norms():
    problem = TeacherStudent(TEACHER, 4, 50)
    sphere = draw_start(problem, SphereStart(scale=0.7), start_generator(0, 4, 0))
    np.testing.assert_allclose(np.linalg.norm(sphere, axis=1), 0.7, rtol=1e-14)
    rows = draw_start(problem, OrthogonalStart(scale=0.7), start_generator(0, 4, 0))
    np.testing.assert_allclose(rows @ rows.T, 0.49 * np.eye(4), atol=1e-14)
    # Overlaps of a uniformly rotated frame have variance 1/d, as those of any unit vector.
    many = _draws(problem, OrthogonalStart(), 2000)
    assert abs(np.mean(many[:, :, 0] ** 2) * 50 - 1) < 0.1


def test_orthogonal_start_of_more_neurons_than_dimensions_has_orthogonal_columns():
    problem = TeacherStudent(TEACHER, 5, 3)
    weights = draw_start(problem, OrthogonalStart(scale=2.0), start_generator(0, 5, 0))
    np.testing.assert_allclose(weights.T @ weights, 4 * 5 / 3 * np.eye(3), atol=1e-13)


def test_dimension_of_a_start():
    infinite = TeacherStudent(TEACHER, 4)
    assert draw_start(infinite, GaussianStart(), start_generator(0, 4, 0)).shape == (4, 3)
    assert draw_start(infinite, GaussianStart(dim=100), start_generator(0, 4, 0)).shape == (4, 7)
    limit = draw_start(infinite, GaussianStart(dim=math.inf), start_generator(0, 4, 0))
    np.testing.assert_array_equal(limit, np.hstack([np.zeros((4, 3)), np.eye(4)]))
    with pytest.raises(InvalidArgument, match="at least the rank"):
        draw_start(infinite, GaussianStart(dim=2), start_generator(0, 4, 0))
    problem = TeacherStudent(TEACHER, 4, 10)
    with pytest.raises(InvalidArgument, match="at most the problem's, 10"):
        draw_start(problem, GaussianStart(dim=11), start_generator(0, 4, 0))


def test_starts_depend_on_identity_only():
    problem = TeacherStudent(TEACHER, 4)
    last = draw_start(problem, GaussianStart(), start_generator(3, 4, 7))
    for n in range(7):
        draw_start(problem, GaussianStart(), start_generator(3, 4, n))
    np.testing.assert_array_equal(
        last, draw_start(problem, GaussianStart(), start_generator(3, 4, 7))
    )
    other = draw_start(problem, GaussianStart(), start_generator(3, 5, 7))
    assert not np.array_equal(last, other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gaussian:1", GaussianStart()),
        ("gaussian", GaussianStart()),
        ("gaussian:0.5:dim=1000000000", GaussianStart(scale=0.5, dim=10**9)),
        ("gaussian:1:dim=1e9", GaussianStart(dim=10**9)),
        ("sphere:2:dim=inf", SphereStart(scale=2.0, dim=math.inf)),
        ("small:1e-3", SmallStart()),
        ("small", SmallStart()),
        ("orthogonal:1", OrthogonalStart()),
    ],
)
def test_short_texts_are_read_and_written_back(text, expected):
    assert parse_distribution(text) == expected
    assert parse_distribution(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "gauss:1", "gaussian:x", "gaussian:0", "sphere:-1", "small:1:2", "gaussian:dim=1.5"),
        *("gaussian:nan", "gaussian:inf", "gaussian:1e999", "gaussian:1:dim=nan", "gaussian:1_0"),
        *(
            "gaussian:1:dim=1_0",
            "gaussian:\u0661",
            "gaussian: 5",
            "gaussian:0x10",
            "gaussian:dim=0",
        ),
        *("gaussian:1:dim=-inf", "gaussian:1:dim=1e30", "gaussian:1j"),
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(InvalidArgument, match=r"start"):
        parse_distribution(text)


def test_given_and_lifted_starts():
    problem = TeacherStudent(TEACHER, 4)
    base = np.random.default_rng(0).standard_normal((2, 3, 3))
    grown = draw_start(problem, LiftedStart(weights=base, scale=0.1), start_generator(0, 4, 0))
    assert any(np.array_equal(grown[:3], point) for point in base)
    np.testing.assert_allclose(np.linalg.norm(grown[3]), 0.1)
    split = draw_start(problem, LiftedStart(weights=base, split=True), start_generator(0, 4, 1))
    # Splitting keeps the sum of the neurons.
    assert any(np.allclose(split.sum(0), point.sum(0)) for point in base)
    again = draw_start(problem, GivenStart(weights=split), start_generator(0, 4, 2))
    np.testing.assert_array_equal(again, split)
    assert str(GivenStart(weights=split)) != str(GivenStart(weights=split + 1))
    with pytest.raises(InvalidArgument, match="GivenStart"):
        draw_start(problem, GivenStart(weights=base), start_generator(0, 4, 0))


@pytest.mark.parametrize("kind", [GaussianStart, SmallStart, SphereStart, OrthogonalStart])
@pytest.mark.parametrize(
    "options",
    [
        {"scale": math.nan},
        {"scale": 0},
        {"scale": -1.0},
        {"scale": True},
        {"scale": "1"},
        {"scale": np.complex128(1)},
        {"scale": 10**400},
        {"dim": math.nan},
        {"dim": 0},
        {"dim": 2.5},
        {"dim": "7"},
    ],
)
def test_a_distribution_refuses_what_is_no_scale_or_dimension(kind, options):
    with pytest.raises(InvalidArgument, match=f"argument of {kind.__name__} must") as caught:
        kind(**options)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("scale", [1e9, 1e-150])
@pytest.mark.parametrize("search", [find_minima, find_saddles, reachability])
def test_starts_in_which_the_teacher_or_the_student_is_lost_are_refused(search, scale):
    # Before, 1e300 ended in a traceback and 1e-200 was a saddle that all training reaches.
    for length in (1.0, 1e40):
        problem = TeacherStudent(Teacher.from_vectors(length * TEACHER.vectors), 2)
        with pytest.raises(InvalidArgument, match=r"times the longest teacher neuron; .*\.$"):
            search(problem, init=SphereStart(scale=scale * length))
    with pytest.raises(InvalidArgument, match=r"from 'gaussian:1e\+300' must have entries of at m"):
        search(TeacherStudent(TEACHER, 2), init="gaussian:1e300")


@pytest.mark.parametrize(
    "weights", [np.full((2, 3), np.nan), np.ones((3, 3)), np.ones((2, 2)), np.ones((2, 3)) * 1j]
)
def test_what_a_distribution_of_the_users_draws_is_checked(weights):
    class Mine:
        def __str__(self):
            return "mine"

        def draw(self, problem, generator):
            return weights

    with pytest.raises(InvalidArgument, match="'init' argument of a search from 'mine' must"):
        find_minima(TeacherStudent(TEACHER, 2), starts=2, init=Mine())
