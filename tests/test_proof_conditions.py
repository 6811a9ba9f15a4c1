"""Conditions of proofs and of accuracy, each tested where leaving it out gives something untrue.

A condition that holds at every point of a usual test is not tested by it. The points here are made
so that the condition decides.
"""

from __future__ import annotations

import dataclasses
from itertools import permutations

import mpmath
import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.flat.null_space import null_space, resolution, spectral_cut
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.points.families import number_families
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.statistics import (
    SummaryStatistics,
    flow_field,
    flow_jacobian,
    summary_statistics,
)
from landtopo.objective import Array, SmoothFunction
from landtopo.paths.descent import DescentStatus, descend
from landtopo.points.records import Family
from landtopo.symmetry import groups
from landtopo.symmetry.groups import PermutationGroup


def exact_hessian(weights: Array, vectors: Array) -> Array:
    """Second differences of the loss with 90 digits and steps of 1e-25."""
    with mpmath.workdps(90):
        rows = [[mpmath.mpf(x) for x in row] for row in weights.tolist()]
        teachers = [[mpmath.mpf(x) for x in row] for row in vectors.tolist()]

        def overlap(u: list, v: list) -> mpmath.mpf:
            product = mpmath.sqrt(mpmath.fdot(u, u) * mpmath.fdot(v, v))
            cosine = mpmath.fdot(u, v) / product
            angle = mpmath.acos(cosine)
            return product * (mpmath.sin(angle) + (mpmath.pi - angle) * cosine) / (2 * mpmath.pi)

        def loss(moves: dict[tuple[int, int], mpmath.mpf]) -> mpmath.mpf:
            moved = [row[:] for row in rows]
            for (k, i), move in moves.items():
                moved[k][i] += move
            own = sum(mpmath.fdot(w, w) for w in moved) / 4
            pairs = sum(overlap(moved[k], moved[j]) for k in range(len(moved)) for j in range(k))
            return own + pairs - sum(overlap(w, v) for w in moved for v in teachers)

        h = mpmath.mpf(10) ** -25
        size = weights.size
        places = [divmod(n, weights.shape[1]) for n in range(size)]
        result = np.empty((size, size))
        for n, first in enumerate(places):
            for m, second in enumerate(places[: n + 1]):
                if n == m:
                    change = loss({first: h}) + loss({first: -h}) - 2 * loss({})
                    result[n, n] = change / h**2
                else:
                    same = loss({first: h, second: h}) + loss({first: -h, second: -h})
                    other = loss({first: h, second: -h}) + loss({first: -h, second: h})
                    result[n, m] = result[m, n] = (same - other) / (4 * h**2)
    return result


@pytest.mark.parametrize("angle", [1e-8, 1e-6, 1e-3, 0.3, np.pi - 1e-8])
def test_hessian_has_all_digits_at_any_angle(angle: float) -> None:
    # Of cos t alone, t = 1e-8 is not known at all, and the Hessian to a few parts in 1e9.
    teacher = Teacher.from_vectors([[1.0, 0.0], [0.3, 0.8]])
    direction = np.array([[np.cos(0.7), np.sin(0.7)], [np.cos(0.7 + angle), np.sin(0.7 + angle)]])
    weights = np.array([[1.3], [0.6]]) * direction
    exact = exact_hessian(weights, teacher.vectors)
    found = PopulationLoss(TeacherStudent(teacher, 2)).hessian(weights).reshape(4, 4)
    # Roundings of a dozen terms of order one.
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-15)


@pytest.mark.parametrize(
    "problem",
    [
        TeacherStudent(Teacher.orthonormal(2), 1),
        TeacherStudent(Teacher.orthonormal(3), 2, 3),
        TeacherStudent(Teacher.equicorrelated(3, -0.3), 2),
        TeacherStudent(Teacher.orthonormal(8), 5),
    ],
    ids=lambda p: f"{p.teacher.name}-{p.width}-{p.dim}",
)
def test_lower_bound_of_psi_does_not_trust_the_search(problem: TeacherStudent) -> None:
    weights = find_minima(problem, starts=3).families[0].weights
    careful = psi_min(problem, weights)
    # A search that stops where it starts misses the minimum, and the bound must not follow it.
    careless = psi_min(problem, weights, random=16, tolerance=100.0)
    assert careless.minimum > careful.minimum + 1e-6
    assert careless.lower_bound <= careful.minimum + 1e-15
    if careful.directions.shape[1] > 4:
        # The Cauchy-Schwarz inequality, with no search at all.
        assert careless.lower_bound == pytest.approx(-np.sqrt(careful.loss), rel=1e-12)


def bowl_with_valley(curvature: float, cubic: float) -> SmoothFunction:
    """C x^3 + e x^2 / 2 + y^2 / 2."""
    return SmoothFunction(
        size=2,
        function=lambda p: cubic * p[0] ** 3 + curvature * p[0] ** 2 / 2 + p[1] ** 2 / 2,
        derivative=lambda p: np.array([3 * cubic * p[0] ** 2 + curvature * p[0], p[1]]),
        second=lambda p: np.diag([6 * cubic * p[0] + curvature, 1.0]),
    )


@pytest.mark.parametrize("slope", [1e-12, 1e-10, 1e-8])
def test_only_what_the_gradient_explains_is_called_zero(slope: float) -> None:
    # A residual gradient g leaves a point of c x^3 where the second derivative is sqrt(12 c g).
    explained = np.sqrt(12 * slope)
    degenerate = null_space(
        bowl_with_valley(0.0, 1.0), np.array([np.sqrt(slope / 3), 0.0]), reach=1.0
    )
    assert degenerate.cut.smallest_nonzero == 1.0
    assert degenerate.cut.largest_zero == pytest.approx(explained)
    assert degenerate.nullity == 1
    # Ten times that is a curvature, however much wider the gap above it.
    curvature = 10 * explained
    curved = null_space(
        bowl_with_valley(curvature, 0.0), np.array([slope / curvature, 0.0]), reach=1.0
    )
    assert curved.nullity == 0
    assert curved.cut.smallest_nonzero == pytest.approx(curvature)


@pytest.mark.parametrize("grad_norm", [0.0, 1e-9])
@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_resolution_scales_with_the_function_and_with_lengths(
    factor: float, grad_norm: float
) -> None:
    base = resolution(0.7, grad_norm=grad_norm, norm=2.0, reach=0.5)
    steeper = resolution(0.7 * factor, grad_norm=factor * grad_norm, norm=2.0, reach=0.5)
    assert steeper == pytest.approx(factor * base)
    # A second derivative in other lengths x -> s x is 1 / s^2 of itself, a gradient 1 / s.
    longer = resolution(
        0.7 / factor**2, grad_norm=grad_norm / factor, norm=2.0 * factor, reach=0.5 * factor
    )
    assert longer == pytest.approx(base / factor**2)


def test_resolution_is_the_curvature_that_a_cubic_hides_behind_its_gradient() -> None:
    # f = c x^3 with f'' = `scale` at the distance `reach`, up to the factor 6, where f' = g.
    scale, reach, gradient = 0.7, 0.5, 1e-9
    coefficient = scale / reach
    x = np.sqrt(gradient / (3 * coefficient))
    found = resolution(scale, grad_norm=gradient, norm=0.0, reach=reach)
    assert found == pytest.approx(6 * coefficient * x)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_null_space_scales_with_the_function(factor: float) -> None:
    def scaled(by: float) -> SmoothFunction:
        return SmoothFunction(
            size=4,
            function=lambda p: by * (p[0] ** 3 - p[1] ** 2 / 2 + p[2] ** 2 + p[3] ** 2),
            derivative=lambda p: by * np.array([3 * p[0] ** 2, -p[1], 2 * p[2], 2 * p[3]]),
            second=lambda p: by * np.diag([6 * p[0], -1.0, 2.0, 2.0]),
        )

    point = np.array([1e-5, 0.0, 0.0, 0.0])
    base, other = (null_space(scaled(by), point, reach=1.0) for by in (1.0, factor))
    assert (base.nullity, base.index) == (other.nullity, other.index) == (1, 1)
    assert other.cut.gap == pytest.approx(base.cut.gap)
    for name in ("resolution", "rounding", "largest_zero", "smallest_nonzero", "threshold"):
        assert getattr(other.cut, name) == pytest.approx(factor * getattr(base.cut, name))


@pytest.mark.parametrize("dimension", [3, 30, 300])
def test_rounding_of_eigenvalues_is_not_called_a_curvature(dimension: int) -> None:
    rng = np.random.default_rng(dimension)
    exact = np.concatenate([np.zeros(dimension // 3), np.linspace(0.5, 2.0, dimension // 3 * 2)])
    vectors = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0]
    found = np.linalg.eigvalsh((vectors * exact) @ vectors.T)
    cut = spectral_cut(np.abs(found), dimension, resolved=0.0)
    assert cut.nullity == dimension // 3
    assert np.abs(found - exact).max() < cut.rounding < 1e-11


@pytest.mark.parametrize("size", [0, 3])
def test_spectrum_without_a_size_is_all_zero(size: int) -> None:
    cut = spectral_cut(np.zeros(size), 3, resolved=1e-9)
    assert (cut.nullity, cut.gap, cut.rounding) == (size, np.inf, 0.0)
    assert (cut.largest_zero, cut.smallest_nonzero, cut.threshold) == (0.0, np.inf, np.inf)


def test_spectrum_is_cut_at_the_widest_gap_that_is_explained() -> None:
    # Of the gaps below four times the resolution the first is the widest; the widest of all, above
    # the last, would call zero what nothing explains.
    cut = spectral_cut(np.array([4.1e-6, 1e-9, 1.0, 3.9e-6]), 4, resolved=1e-6)
    assert (cut.nullity, cut.largest_zero, cut.smallest_nonzero) == (1, 1e-9, 3.9e-6)
    assert cut.gap == pytest.approx(3.9e3)
    assert cut.largest_zero < cut.threshold < cut.smallest_nonzero


def generated(generators: list[tuple[int, ...]], degree: int) -> set[tuple[int, ...]]:
    """All products of permutations, by trying them."""
    found = {tuple(range(degree))}
    waiting = list(found)
    for element in waiting:
        for generator in generators:
            product = tuple(generator[point] for point in element)
            if product not in found:
                found.add(product)
                waiting.append(product)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_groups_hold_exactly_the_products_of_their_generators(seed: int) -> None:
    rng = np.random.default_rng(seed)
    degree = 2 + seed % 4
    generators = [tuple(rng.permutation(degree).tolist()) for _ in range(seed % 3)]
    every = set(permutations(range(degree)))
    members = generated(generators, degree)
    group = PermutationGroup.from_generators(generators, degree)
    assert group.order == len(members)
    assert {tuple(element.tolist()) for element in group.elements()} == members
    assert {one for one in every if one in group} == members
    fixing = [one for one in members if all(one[point] == point for point in group.base)]
    assert fixing == [tuple(range(degree))]
    assert {tuple(group.random(rng).tolist()) for _ in range(20 * len(members))} == members
    whole = PermutationGroup.from_generators(
        [tuple(np.roll(range(degree), 1).tolist()), (1, 0, *range(2, degree))], degree
    )
    cosets = [
        frozenset(tuple(np.array(one)[list(member)].tolist()) for member in members)
        for one in map(tuple, whole.coset_representatives(group, limit=1000))
    ]
    assert len(cosets) == len(set(cosets)) == len(every) // len(members)
    assert set().union(*cosets) == every
    for coset in cosets:
        least = {tuple(group.least_in_coset(np.array(one)).tolist()) for one in coset}
        assert len(least) == 1
        assert least <= coset


def test_restriction_to_points_that_do_not_move_is_trivial() -> None:
    group = PermutationGroup.from_generators([(0, 1, 3, 2)], 4)
    still, moving = group.restricted(range(0, 2)), group.restricted(range(2, 4))
    assert (still.order, len(still.generators), still.base) == (1, 0, ())
    assert (moving.order, moving.generators.tolist()) == (2, [[1, 0]])


@pytest.mark.parametrize("seed", range(20))
def test_restriction_is_what_the_elements_do(seed: int) -> None:
    """Whatever the base: one that is made from generators need not begin with those points."""
    rng = np.random.default_rng(seed)
    kept = range(2, 6)
    generators = [
        [*rng.permutation(2), *(2 + rng.permutation(4)), *(6 + rng.permutation(2))]
        for _ in range(2)
    ]
    group = PermutationGroup.from_generators(generators, 8)
    found = group.restricted(kept)
    wanted = {tuple((one[2:6] - 2).tolist()) for one in group.elements()}
    assert {tuple(one.tolist()) for one in found.elements()} == wanted
    assert found.order == len(wanted)
    with pytest.raises(InvalidArgument, match="range that the group keeps"):
        PermutationGroup.from_generators([np.roll(range(8), 1)], 8).restricted(kept)


@pytest.mark.parametrize("degree", [3, 5, 6])
def test_order_is_proved_and_not_left_to_random_elements(
    degree: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_generators(generators: Array, degree: int, order: int | None) -> list[groups._Level]:
        levels: list[groups._Level] = []
        for generator in generators:
            groups._insert(levels, generator)
        return levels

    monkeypatch.setattr(groups, "_fill", only_generators)
    turn = tuple(np.roll(range(degree), 1).tolist())
    swap = (1, 0, *range(2, degree))
    for generators in ([turn], [turn, swap], [turn, turn[::-1]], [swap, swap[::-1]]):
        members = generated(generators, degree)
        # A bound of the order ends the proof early, and only when it is reached.
        for bound in (None, len(members), 10 * len(members)):
            group = PermutationGroup.from_generators(generators, degree, order=bound)
            assert group.order == len(members)
            assert {tuple(element.tolist()) for element in group.elements()} == members


@pytest.mark.parametrize("angle", [1e-3, 1e-2])
@pytest.mark.parametrize("pair", ["students", "student and teacher"])
def test_jacobian_of_the_flow_turns_nearly_collinear_neurons(angle: float, pair: str) -> None:
    teacher = Teacher.orthonormal(2)
    turned = [np.cos(angle), np.sin(angle), 0.0]
    other = [1.4, 0.0, 0.0] if pair == "students" else [-0.3, 0.4, 0.7]
    weights = np.array([np.multiply(0.8, turned), other])
    base = summary_statistics(teacher, weights)
    jacobian = flow_jacobian(teacher, weights)
    rows, columns = np.triu_indices(2)

    def field(move: Array) -> Array:
        inside, student = move[:4].reshape(2, 2), np.zeros((2, 2))
        student[rows, columns] = student[columns, rows] = move[4:]
        moved = SummaryStatistics(
            student=base.student + student,
            overlap=(weights[:, :2] + inside) @ teacher.vectors.T,
            teacher=teacher.gram,
        )
        d_student, d_overlap = flow_field(moved)
        return np.concatenate([d_overlap.ravel(), d_student[rows, columns]])

    # Steps small against 1 - cos t; what is lost in cosines is their rounding over the step.
    h = 1e-3 * angle**2
    for n, step in enumerate(h * np.eye(len(jacobian))):
        slope = (field(step) - field(-step)) / (2 * h)
        np.testing.assert_allclose(jacobian[:, n], slope, atol=0.05 * angle)


def family_of_loss(loss: float) -> Family:
    family = find_minima(TeacherStudent(Teacher.orthonormal(2), 1), starts=1).families[0]
    return dataclasses.replace(family, point=dataclasses.replace(family.point, loss=loss))


@pytest.mark.parametrize("apart", [1e-9, 1e-6, 1e-3])
def test_losses_that_differ_are_put_in_order(apart: float) -> None:
    families = [family_of_loss(0.1 + apart), family_of_loss(0.1)]
    numbered, order = number_families(families)
    assert [family.loss for family in numbered] == [0.1, 0.1 + apart]
    assert order.tolist() == [1, 0]
    # Differences by rounding are none: the order in which families were met stays.
    tied = [family_of_loss(0.1 + 1e-15), family_of_loss(0.1)]
    assert number_families(tied)[1].tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(10))
def test_descent_goes_on_where_the_value_is_only_rounding(seed: int) -> None:
    # The value is a sum that cancels to 1e-16 of its terms, as a loss is; what is left of a step
    # down of 1e-18 is noise. A descent that takes it for a rise cannot move.
    generator = np.random.default_rng(seed)
    minimum = generator.standard_normal(6)
    curvatures = np.geomspace(0.1, 1.0, 6)
    pull = curvatures * minimum
    function = SmoothFunction(
        size=6,
        function=lambda x: float(curvatures @ x**2 / 2 - pull @ x + pull @ minimum / 2),
        derivative=lambda x: curvatures * (x - minimum),
        second=lambda x: np.diag(curvatures),
    )
    start = minimum + 1e-9 * generator.standard_normal(6)
    reached = descend(function, start)
    assert reached.status is DescentStatus.MINIMUM
    assert np.linalg.norm(reached.x - minimum) < 1e-11
