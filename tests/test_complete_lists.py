"""Complete lists of critical points: what is listed is right, and nothing is missing.

Ranges are compared with dense samples, listed points with the gradient and the Hessian of the loss,
and lists with what many Newton searches from random weights end in.
"""

from __future__ import annotations

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.points.records import Kind
from landtopo.proofs import circle, jets, outside, plane

pytest.importorskip("flint")

from landtopo.proofs.complete import CompleteStatus, complete_list


def _teacher(degrees, norm=1.0):
    angle = np.deg2rad(degrees)
    return Teacher.from_vectors([[1.0, 0.0], [norm * np.cos(angle), norm * np.sin(angle)]])


def _plane(degrees, norm=1.0):
    angle = np.deg2rad(degrees)
    return plane.PlaneTeacher(directions=((0, 0), (angle, angle)), norms=((1, 1), (norm, norm)))


@pytest.mark.parametrize("name", ["kernel", "turn", "bend"])
def test_ranges_hold_dense_samples_and_no_more(name):
    generator = np.random.default_rng(0)
    low = generator.uniform(-10, 10, 3000)
    high = low + generator.choice([1e-9, 1e-3, 0.3, 2.0, 5.0], 3000)
    found = getattr(circle, name)(circle.Interval(low, high))
    exact = getattr(circle, f"_{name}")
    samples = exact(np.linspace(low, high, 4001))
    assert np.all(found.low <= samples.min(axis=0))
    assert np.all(found.high >= samples.max(axis=0))
    # Distances of samples are 1.3e-3 at most, and slopes 2, next to the kinks of bend.
    assert np.all(samples.min(axis=0) - found.low < 3e-3)
    assert np.all(found.high - samples.max(axis=0) < 3e-3)


def test_derivatives_of_the_pair_integral():
    x = np.linspace(-3, 3, 401)
    x = x[np.abs(x) > 0.01]
    step = 1e-6
    slope = (circle._kernel(x + step) - circle._kernel(x - step)) / (2 * step)
    second = (circle._turn(x + step) - circle._turn(x - step)) / (2 * step)
    np.testing.assert_allclose(circle._turn(x), -slope, atol=1e-8)
    np.testing.assert_allclose(circle._bend(x), -second, atol=1e-8)


def test_intervals_hold_all_products():
    generator = np.random.default_rng(1)
    a, b = np.sort(generator.normal(size=(2, 2, 1000)), axis=1)
    x, y = circle.Interval(*a), circle.Interval(*b)
    for part in (0, 0.3, 1):
        for other in (0, 0.6, 1):
            u, v = (
                np.clip(z[0] + share * (z[1] - z[0]), z[0], z[1])
                for z, share in ((a, part), (b, other))
            )
            assert np.all(((x * y).low <= u * v) & (u * v <= (x * y).high))
            assert np.all(((x - y).low <= u - v) & (u - v <= (x - y).high))


def _newton_ends(teacher, width, dim, count):
    """Distinct critical points with neurons that are not zero and not parallel, by their losses."""
    loss = PopulationLoss(TeacherStudent(teacher, width, dim))
    generator = np.random.default_rng(3)
    ends = set()
    for _ in range(count):
        W = generator.normal(size=(width, dim))
        for _ in range(60):
            slope = loss.gradient(W).ravel()
            step = np.linalg.lstsq(loss.hessian(W), slope, rcond=1e-12)[0]
            W = W - (step / max(1, 2 * np.linalg.norm(step))).reshape(W.shape)
            if np.linalg.norm(W, axis=1).min() < 1e-3:
                break
        norms = np.linalg.norm(W, axis=1)
        units = W / norms[:, None]
        apart = width == 1 or abs(units[0] - units[1]).max() > 1e-3
        if np.linalg.norm(loss.gradient(W)) < 1e-12 and norms.min() > 1e-2 and apart:
            ends.add(round(float(loss.value(W)), 8))
    return ends


@pytest.mark.parametrize(
    ("degrees", "norm", "width"),
    [(90, 1.0, 1), (150, 1.0, 1), (60, 1.0, 2), (90, 1.0, 2), (150, 1.0, 2), (100, 0.5, 2)],
)
def test_lists_are_those_of_many_newton_searches(degrees, norm, width):
    teacher = _teacher(degrees, norm)
    found = complete_list(TeacherStudent(teacher, width, 2))
    assert found.status is CompleteStatus.COMPLETE
    assert found.complete
    assert found.volume == 0
    listed = {round(p.loss_bounds[0], 8) + 0.0 for p in found.points if p.flat_dimension == 0}
    ends = _newton_ends(teacher, width, 2, 40)
    assert ends <= listed
    assert ends
    loss = PopulationLoss(TeacherStudent(teacher, width, 2))
    for point in found.points:
        assert np.linalg.norm(loss.gradient(point.weights)) < 1e-12
        if point.index is not None:
            values = np.linalg.eigvalsh(loss.hessian(point.weights))
            assert point.index == np.sum(values < -1e-9)


@pytest.mark.parametrize("degrees", [3, 45, 90, 135, 178])
def test_two_neurons_and_two_vectors_have_no_spurious_minimum(degrees):
    found = complete_list(TeacherStudent(_teacher(degrees), 2, 2))
    assert found.complete
    kinds = [point.kind for point in found.points]
    assert kinds.count(Kind.MINIMUM) == 1
    assert kinds.count(Kind.SADDLE) == len(kinds) - 1
    assert found.points[0].description == "the teacher itself"
    assert found.points[0].loss_bounds[1] < 1e-20


def test_one_vector():
    one = complete_list(TeacherStudent(Teacher.orthonormal(1), 1))
    assert [(p.kind, p.index) for p in one.points] == [(Kind.MINIMUM, 0)]
    two = complete_list(TeacherStudent(Teacher.orthonormal(1), 2))
    assert [(p.kind, p.flat_dimension) for p in two.points] == [(Kind.MINIMUM, 1)]
    assert one.complete
    assert two.complete
    assert two.boxes > 100


def test_the_condition_of_two_neurons_on_both_sides_of_one_vector():
    """D is the difference that the equations of two neurons leave, and positive."""
    generator = np.random.default_rng(4)
    a, b = np.sort(generator.uniform(0, np.pi, (2, 2000)), axis=0)
    a, b = a[a + b < np.pi], b[a + b < np.pi]
    k, s = circle._kernel, circle._turn
    d = a + b
    value = (s(a) + s(b)) * (np.pi + k(d)) - (k(a) + k(b)) * s(d)
    assert np.all(value > 0)
    # Lengths from the slopes, in the sum of the two equations along the neurons.
    first, second = s(b) / s(d), s(a) / s(d)
    rest = (first + second) * (np.pi + k(d)) - (k(a) + k(b))
    np.testing.assert_allclose(value, rest * s(d), atol=1e-12)


@pytest.mark.parametrize(("degrees", "norm"), [(60, 1.0), (150, 1.0), (100, 0.5)])
def test_lists_outside_the_plane_are_those_of_many_newton_searches(degrees, norm):
    teacher = _teacher(degrees, norm)
    found = complete_list(TeacherStudent(teacher, 2, 3))
    assert found.complete
    leaving = [p for p in found.points if p.weights.shape[1] == 3]
    assert len(leaving) == (3 if degrees == 150 else 1)
    loss = PopulationLoss(TeacherStudent(teacher, 2, 3))
    for point in leaving:
        assert np.linalg.norm(loss.gradient(point.weights)) < 1e-12
        values = np.linalg.eigvalsh(loss.hessian(point.weights))
        assert point.index == np.sum(values < -1e-9)
        assert point.kind is Kind.SADDLE
    listed = {round(p.loss_bounds[0], 8) + 0.0 for p in found.points if p.flat_dimension == 0}
    ends = _newton_ends(teacher, 2, 3, 60)
    assert ends <= listed
    assert {round(p.loss_bounds[0], 8) for p in leaving} <= ends


def _at(x, y, lam, degrees=100):
    """The equations outside the plane at one point, and slopes."""
    box = circle.interval(np.array([[x, y, lam]]))
    terms = outside._terms(_plane(degrees), *jets.variables(box))
    return terms, [float(one.value.middle[0]) for one in terms.values]


def test_what_is_searched_outside_the_plane_is_the_gradient():
    """On the bisector F1 is zero, and lengths make the gradients parallel to the neurons."""
    generator = np.random.default_rng(5)
    teacher, half = _teacher(100), np.deg2rad(50)
    loss = PopulationLoss(TeacherStudent(teacher, 2, 3))
    turn = np.array([[np.cos(half), np.sin(half)], [np.sin(half), -np.cos(half)]])
    for _ in range(20):
        x, lam = generator.uniform(0.1, 0.8), generator.uniform(0.75, 0.97)
        sigma = np.pi - half - (np.pi - 2 * half) * x**2
        if lam * sigma <= half:
            continue
        terms, (first, divided, third) = _at(x, 0.0, lam)
        angles = np.array([sigma, lam * sigma])
        ahead = -np.cos(angles) / np.cos(half)
        height = np.sqrt(1 - ahead**2)
        units = np.stack([ahead, 0 * ahead, height * [1, -1]], axis=1)
        np.testing.assert_allclose([float(h.value.middle[0]) for h in terms.heights], height)
        o = np.pi - np.arccos(units[0] @ units[1])
        s = 2 * sigma * np.cos(half)
        mixed = height[1] * ahead[0] + height[0] * ahead[1]
        k = lam / o * s / mixed
        sizes = np.array([k * height[1], k * height[0] / lam])
        if mixed <= 0:
            continue
        W = sizes[:, None] * units
        slope = loss.gradient(np.hstack([W[:, :2] @ turn, W[:, 2:]]))
        slope = np.hstack([slope[:, :2] @ turn.T, slope[:, 2:]])
        e = 2 * np.pi * np.sum(slope * units, axis=1)
        np.testing.assert_allclose(slope, e[:, None] * units / (2 * np.pi), atol=1e-12)
        n = 2 * np.sin(angles)
        assert first == pytest.approx(0, abs=1e-12)
        assert third == pytest.approx(e[0] * o * s * mixed, abs=1e-10)
        second = lam / k * (n[1] * e[0] - n[0] * e[1])
        assert divided == pytest.approx(height.sum() * second / (1 - lam), abs=1e-9)


def test_slopes_outside_the_plane():
    generator = np.random.default_rng(6)
    for _ in range(20):
        x, y, lam = generator.uniform([0.2, -0.7, 0.8], [0.7, 0.7, 0.99])
        terms, _ = _at(x, y, lam)
        step = 1e-6
        for i, move in enumerate(step * np.eye(3)):
            ahead, behind = (_at(*(np.array([x, y, lam]) + sign * move))[1] for sign in (1, -1))
            for one, up, down in zip(terms.values, ahead, behind, strict=True):
                slope, low, high = (up - down) / (2 * step), *(x[0] for x in one.slopes[i])
                assert low - 1e-6 < slope < high + 1e-6
                # Slopes of sinc are bounded to x^2 / 10 of their size.
                assert high - low < 0.05 * (1 + abs(slope))


def test_ranges_outside_the_plane_hold_samples():
    generator = np.random.default_rng(7)
    low = generator.uniform([0, -1, 0.5], [0.9, 0.9, 0.95], (200, 3))
    high = np.minimum(low + generator.choice([1e-3, 0.05]), 1)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        terms = outside._terms(_plane(100), *jets.variables(circle.Interval(low, high)))
    for _ in range(30):
        at = low + generator.uniform(size=(200, 3)) * (high - low)
        sampled = outside._terms(_plane(100), *outside._ranges(circle.interval(at)))
        for one, inner in zip(terms.values, sampled.values, strict=True):
            assert np.all(one.low <= inner.high)
            assert np.all(inner.low <= one.high)


def test_lists_of_an_interval_of_teachers_hold_those_of_its_teachers():
    within = np.deg2rad(0.01)
    many = complete_list(TeacherStudent(_teacher(60), 2, 3), within=within)
    assert many.complete
    assert np.rad2deg(many.angles) == pytest.approx([59.99, 60.01])
    for degrees in (59.991, 60.0, 60.008):
        one = complete_list(TeacherStudent(_teacher(degrees), 2, 3))
        assert len(one.points) == len(many.points)
        for around, point in zip(many.points, one.points, strict=True):
            assert around.kind is point.kind
            assert around.description == point.description
            assert around.loss_bounds[0] <= point.loss_bounds[1]
            assert point.loss_bounds[0] <= around.loss_bounds[1]
            assert around.index in (None, point.index)


def test_intervals_that_are_too_wide_are_open():
    found = complete_list(TeacherStudent(_teacher(60), 1, 2), within=np.deg2rad(40))
    assert found.status is not CompleteStatus.COMPLETE
    for within in (-1.0, np.nan, 2.0, "wide"):
        with pytest.raises(InvalidArgument, match="within"):
            complete_list(TeacherStudent(_teacher(60), 1, 2), within=within)
    with pytest.raises(InvalidArgument, match="apart from being"):
        complete_list(TeacherStudent(_teacher(60), 1, 2), within=np.deg2rad(61))
    with pytest.raises(InvalidArgument, match="one vector"):
        complete_list(TeacherStudent(Teacher.orthonormal(1), 1), within=0.1)


def test_teachers_of_a_whole_interval():
    """Between 59.995 and 60.005 degrees there are always the same two solutions."""
    low, high = np.deg2rad([59.995, 60.005])
    teacher = plane.PlaneTeacher(directions=((0, 0), (low, high)), norms=((1, 1), (1, 1)))
    found = plane.search_pairs(teacher, smallest=1e-3)
    assert len(found.undecided) == 0
    turns = {tuple(np.round(np.rad2deg(root)).astype(int) % 360) for root in found.roots}
    assert turns == {(0, 60), (30, 210), (210, 30)}
    exact = plane.search_pairs(_plane(60))
    assert len(exact.roots) == len(found.roots)


def test_what_cannot_be_listed_is_refused():
    for teacher, width in ((Teacher.orthonormal(3), 2), (Teacher.orthonormal(2), 3)):
        with pytest.raises(InvalidArgument, match="at most two neurons"):
            complete_list(TeacherStudent(teacher, width))
    with pytest.raises(InvalidArgument, match="not parallel"):
        complete_list(TeacherStudent(Teacher.from_vectors([[1, 0], [-1, 0]]), 2))


def test_a_search_that_stops_early_says_so():
    found = plane.search_pairs(_plane(90), smallest=0.2)
    assert len(found.undecided) > 0
    assert 0 < found.volume < 1
