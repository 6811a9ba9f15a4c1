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
from landtopo.proofs import circle, jets, outside, plane, pruning, unlike
from landtopo.study import Study

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


class Killed:
    """A study that is killed when it has kept some searches, and says which keys it was given."""

    def __init__(self, study, after):
        self.study, self.after, self.keys = study, after, []

    def recall(self, key):
        return self.study.recall(key)

    def remember(self, key, value):
        if len(self.keys) == self.after:
            raise KeyboardInterrupt
        self.keys.append(key)
        self.study.remember(key, value)


def test_lists_outside_the_plane_are_those_of_many_newton_searches(tmp_path):
    """With a kill between the searches, of which none is made twice; from what a study keeps of
    all of them the list is the same, whole, and at once.
    """
    teacher = _teacher(100, 0.5)
    problem, shares = TeacherStudent(teacher, 2, 3), []
    with Study.create(tmp_path / "list.landtopo", teacher, dim=3) as study:
        first, second = Killed(study, 5), Killed(study, 7)
        with pytest.raises(KeyboardInterrupt):
            complete_list(problem, shares.append, journal=first)
        assert 0.5 < shares[-1] < 1
        assert shares == sorted(shares)
        found = complete_list(problem, journal=second)
        assert len({*first.keys, *second.keys}) == len(first.keys) + len(second.keys) == 7
        again = complete_list(problem, shares.append, journal=Killed(study, 0))
    assert again.record() == found.record()
    assert again.boxes == found.boxes
    assert shares[-1] == 1
    assert found.complete
    leaving = [p for p in found.points if p.weights.shape[1] == 3]
    assert len(leaving) == 1
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


PARTS = range(len(unlike._PARTS))


def _at(part, point, degrees=100, norm=1.0):
    """The equations outside the plane at one point (x, kappa, s, angle), and slopes."""
    x, kappa, s, angle = jets.variables(circle.interval(np.array([point])))
    two = outside.pair(angle, [(1.0, 1.0), (norm, norm)])
    terms = unlike._terms(two, unlike._PARTS[part], x, kappa, s)
    return terms, [_middle(one) for one in terms.values]


def _middle(jet):
    return float(jet.value.middle[0])


def _directions(part, x, kappa, s, angle):
    """Both directions over the plane of the teacher, and lam, from the angles with its vectors."""
    part = unlike._PARTS[part]
    ends = (s * x, x) if part.small else (x, s * x)
    alphas = [np.pi - e if f else e for e, f in zip(ends, (part.first, part.second), strict=True)]
    half = angle / 2
    sigmas = np.pi / 2 + np.arcsin(np.cos(half) * np.cos(alphas))
    lam = sigmas[1] / sigmas[0]
    taus = np.arcsin(np.sin(half) * np.sin(kappa)) * np.array([1, lam])
    ahead = -np.cos(sigmas) * np.cos(taus) / np.cos(half)
    aside = np.sin(sigmas) * np.sin(taus) / np.sin(half)
    height = np.sqrt(1 - ahead**2 - aside**2)
    units = np.stack([ahead, aside, height * [1, -1]], axis=1)
    teachers = np.array([[np.cos(half), np.sin(half), 0], [np.cos(half), -np.sin(half), 0]])
    return units, teachers, lam


@pytest.mark.parametrize("part", PARTS)
def test_what_is_searched_outside_the_plane_is_what_the_gradient_leaves(part):
    """Where the lengths make two parts of the gradient zero, the rest of it is that of F1 to F3."""
    generator = np.random.default_rng(5)
    norm = 0.7
    for _ in range(20):
        point = generator.uniform([0.1, -1.4, 0.1, 0.3], [1.5, 1.4, 0.9, 3.0])
        units, teachers, lam = _directions(part, *point)
        terms, (first, divided, third) = _at(part, point, norm=norm)
        angles = np.pi - np.arccos(units @ teachers.T)
        np.testing.assert_allclose(angles[1], lam * angles[0], atol=1e-12)
        assert _middle(terms.lam) == pytest.approx(lam, abs=1e-14)
        unit = np.sin(point[0])
        h1, h2 = units[0, 2], -units[1, 2]
        heights = [unit * _middle(h) for h in terms.heights]
        np.testing.assert_allclose(heights, [h1, h2], atol=1e-12)
        norms = np.array([1, norm])
        o = np.pi - np.arccos(units[0] @ units[1])
        s = (norms * angles[0]) @ teachers
        n = np.sin(angles) @ norms
        crossed = [np.cross(s, u)[2] for u in units]
        assert unit * first == pytest.approx(h2 * crossed[0] + h1 * crossed[1], abs=1e-11)
        # Lengths p, q = K h_2, K h_1 / lam of (1, 2) leave (3, 4), multiplied by o / K.
        p = n[1] * (np.pi * lam - o) - n[0] * lam * np.sin(o)
        q = n[1] * np.sin(o) - n[0] * (np.pi - lam * o)
        exact = (h1 + h2) * (h2 * p + h1 * q) / (1 - lam)
        assert divided * unit**2 / np.cos(point[3] / 2) == pytest.approx(exact, abs=1e-9)
        along = units @ s
        size = s @ s
        exact = h2 * (size * (np.pi * lam - o) - o * n[0] * along[0])
        exact += h1 * (size * np.sin(o) - o * n[0] * along[1])
        assert unit * third == pytest.approx(exact, abs=1e-10)


def test_the_three_equations_are_the_gradient():
    """With lengths K h_2 and K h_1 / lam, whose sum is in proportion to S on the bisector."""
    generator = np.random.default_rng(8)
    for _ in range(40):
        x, s, angle = generator.uniform([0.1, 0.1, 0.3], [1.5, 0.9, 3.0])
        units, teachers, lam = _directions(2, x, 0.0, s, angle)
        _, (first, divided, third) = _at(2, [x, 0.0, s, angle])
        unit, h1, h2 = np.sin(x), units[0, 2], -units[1, 2]
        o = np.pi - np.arccos(units[0] @ units[1])
        total = (np.pi - np.arccos(units[0] @ teachers.T)) @ teachers
        mixed = h2 * (units @ total)[0] + h1 * (units @ total)[1]
        k = lam / o * (total @ total) / mixed
        if mixed <= 0:
            continue
        W = np.array([k * h2, k * h1 / lam])[:, None] * units
        problem = TeacherStudent(Teacher.from_vectors(teachers[:, :2]), 2, 3)
        slope = PopulationLoss(problem).gradient(W)
        e = 2 * np.pi * np.sum(slope * units, axis=1)
        np.testing.assert_allclose(slope, e[:, None] * units / (2 * np.pi), atol=1e-11)
        n = 2 * np.sin(np.pi - np.arccos(units @ teachers[0]))
        assert first == pytest.approx(0, abs=1e-12)
        assert unit * third == pytest.approx(e[0] * o * mixed, abs=1e-9)
        second = lam / k * (n[1] * e[0] - n[0] * e[1])
        exact = (h1 + h2) * second / (1 - lam)
        assert divided * unit**2 / np.cos(angle / 2) == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("part", PARTS)
def test_slopes_outside_the_plane(part):
    generator = np.random.default_rng(6)
    for _ in range(10):
        point = generator.uniform([0.1, -1.4, 0.1, 0.3], [1.5, 1.4, 0.9, 3.0])
        terms, _ = _at(part, point)
        step = 1e-6
        for i, move in enumerate(step * np.eye(4)):
            ahead, behind = (_at(part, point + sign * move)[1] for sign in (1, -1))
            for one, up, down in zip(terms.values, ahead, behind, strict=True):
                slope, low, high = (up - down) / (2 * step), *(x[0] for x in one.slopes[i])
                assert low - 1e-6 * abs(slope) - 1e-6 < slope < high + 1e-6 * abs(slope) + 1e-6
                assert high - low < 1e-6 * (1 + abs(slope))


@pytest.mark.parametrize("part", PARTS)
def test_ranges_outside_the_plane_hold_samples(part):
    generator = np.random.default_rng(7)
    low = generator.uniform([0, -1.5, 0, 0.05], [1.5, 1.5, 0.95, 3.0], (200, 4))
    width = generator.choice([1e-3, 0.05, 0.3], (200, 1))
    high = np.minimum(low + width, [np.pi / 2, np.pi / 2, 1, 3.1])

    def terms(box):
        x, kappa, s, angle = jets.variables(box)
        two = outside.pair(angle, [(1.0, 1.0), (0.7, 0.7)])
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return unlike._terms(two, unlike._PARTS[part], x, kappa, s)

    found = terms(circle.Interval(low, high))
    for _ in range(30):
        at = low + generator.uniform(0.01, 0.99, size=(200, 4)) * (high - low)
        sampled = terms(circle.interval(at))
        for one, inner in zip(found.values, sampled.values, strict=True):
            assert not np.any(one.low > inner.high)
            assert not np.any(inner.low > one.high)
            for slope, exact in zip(one.slopes, inner.slopes, strict=True):
                assert not np.any(slope.low > exact.high)
                assert not np.any(exact.low > slope.high)


def test_the_neuron_whose_angles_are_smaller_is_further_from_the_plane():
    """S.u falls from the first neuron to the second, which makes |w_1| > lam |w_2|."""
    generator = np.random.default_rng(9)
    a = generator.uniform(0, np.pi, (2, 1000))
    lam = generator.uniform(0, 1, 1000)
    norms = generator.uniform(0.1, 1, (2, 1000))
    along = [-np.sum(norms * a * np.cos(part * a), axis=0) for part in (1.0, lam)]
    assert np.all(along[0] > along[1])


@pytest.mark.slow
def test_nothing_but_mirror_images_outside_the_plane_next_to_parallel_vectors():
    found = unlike.search_unlike(_plane(178))
    assert len(found.undecided) == 0
    assert found.volume == 0
    assert found.boxes > 1000


def test_a_box_with_a_zero_is_not_excluded():
    """Lines x = a and x + y = b of slopes in ranges, one parameter; and boxes beside the zero."""
    generator = np.random.default_rng(10)
    centre = generator.uniform(-1, 1, (500, 3))
    width = generator.uniform(0.01, 0.5, (500, 3))
    slopes = generator.normal(size=(500, 2, 3))
    jacobian = [[circle.interval(slopes[:, i, j]) for j in range(3)] for i in range(2)]
    zero = centre + generator.uniform(-0.5, 0.5, (500, 3)) * width
    exact = np.einsum("nij,nj->ni", slopes, centre - zero)
    out, axes = pruning.without_zero(
        [circle.interval(exact[:, i]) for i in range(2)], jacobian, width
    )
    assert not np.any(out)
    assert set(axes.tolist()) <= {0, 1, 2}
    far = np.einsum("nij,nj->ni", slopes, centre - zero - 40 * width * [1, 1, 0])
    out, _ = pruning.without_zero([circle.interval(far[:, i]) for i in range(2)], jacobian, width)
    assert np.mean(out) > 0.9


def test_lists_of_an_interval_of_teachers_hold_those_of_its_teachers():
    within = np.deg2rad(0.01)
    many = complete_list(TeacherStudent(_teacher(90), 2, 3), within=within)
    assert many.complete
    assert np.rad2deg(many.angles) == pytest.approx([89.99, 90.01])
    one = complete_list(TeacherStudent(_teacher(89.991), 2, 3))
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
