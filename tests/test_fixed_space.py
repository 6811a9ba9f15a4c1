"""The space that the common symmetries of two labelled points fix, and what is computed there.

Established: every exchange leaves both points and the loss alone, and nothing else is fixed than
the space; the loss, its gradient, Hessian and flow on the space are those of all coordinates
projected; spectra from irreducible blocks are those of the whole Hessian, with multiplicities; the
unstable curve's expansion lies on the curve that an independent integrator finds; what is found in
the space is judged in all coordinates, and its symmetry broken where its index is too high there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from functions import ring
from scipy.integrate import solve_ivp

from landtopo.kernels.curvature import hessian_rows
from landtopo.models.networks.fixed_objective import FixedSpaceObjective
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.paths.connect import ConnectOptions, connect
from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry.fixed_space import (
    SharedSymmetry,
    interchangeable,
    shared_symmetry,
)
from landtopo.objective import Array, FlowEnd, Pace
from landtopo.paths.descent import DescentOptions
from landtopo.paths.join import JoinOptions
from landtopo.paths.known_ways import KnownWays
from landtopo.paths.profile import kept_below
from landtopo.paths.unstable import first_stretch
from landtopo.points.ascend import AscentOptions, ascend
from landtopo.points.evaluations import Counted
from landtopo.symmetry.isotypic import isotypic_blocks, isotypic_eigenvalues

FIRST = ConnectOptions(join=JoinOptions(improve=0))


def _cycled(weights: Array, length: int) -> Array:
    order = [*range(1, length), 0, *range(length, len(weights))]
    return weights[order]


def _two_groups() -> Teacher:
    """Three long vectors and three short ones, orthogonal: two classes and a cycle in neither."""
    return Teacher.from_vectors(np.diag([1.0, 1.0, 1.0, 0.6, 0.6, 0.6]))


CASES = {
    "cycle": (Teacher.orthonormal(6), 3, 0),
    "swap, room outside": (Teacher.orthonormal(5), 2, 2),
    "one cycle, long class": (Teacher.orthonormal(9), 3, 1),
    "equal angles": (Teacher.equicorrelated(5, 0.3), 2, 1),
    "dependent": (Teacher.equicorrelated(5, -0.25), 2, 1),
    "two classes": (_two_groups(), 2, 1),
}


def _case(name: str) -> tuple[TeacherStudent, Array, Array, SharedSymmetry]:
    teacher, length, extra = CASES[name]
    problem = TeacherStudent(teacher, teacher.size, teacher.rank + extra if extra else None)
    start = np.hstack([teacher.vectors, np.zeros((teacher.size, extra))])
    end = _cycled(start, length)
    rows = np.hstack([teacher.vectors, np.zeros((teacher.size, extra))])
    symmetry = shared_symmetry(rows, interchangeable(teacher.gram), start, end)
    assert symmetry is not None
    return problem, start, end, symmetry


def _inside(symmetry: SharedSymmetry, start: Array, end: Array, seed: int = 0) -> Array:
    """A point of the fixed space between the ends, with nothing else special about it."""
    basis = symmetry.space(start.shape[1]).basis
    rng = np.random.default_rng(seed)
    middle = (0.6 * start + 0.4 * end).ravel()
    return np.asarray(basis @ (middle @ basis + 0.1 * rng.standard_normal(basis.shape[1])))


def test_classes_of_interchangeable_vectors() -> None:
    assert interchangeable(Teacher.orthonormal(4).gram) == ((0, 1, 2, 3),)
    assert interchangeable(_two_groups().gram) == ((0, 1, 2), (3, 4, 5))
    assert interchangeable(Teacher.random(4, seed=3).gram) == ()
    # The ends of a path may be exchanged with each other, and so may its two middle vectors, but
    # not one pair alone.
    path = np.eye(4) + 0.3 * (np.eye(4, k=1) + np.eye(4, k=-1))
    assert interchangeable(path) == ()
    star = np.eye(4)
    star[0, 1:] = star[1:, 0] = 0.3
    assert interchangeable(star) == ((1, 2, 3),)


@pytest.mark.parametrize("name", CASES)
def test_exchanges_leave_both_ends_and_the_loss_alone(name: str) -> None:
    problem, start, end, symmetry = _case(name)
    objective = WeightObjective(PopulationLoss(problem), columns=start.shape[1])
    rng = np.random.default_rng(1)
    x = rng.standard_normal(start.size)
    for first, *others in symmetry.onlookers:
        for other in others:
            moved = symmetry.exchanged(
                first, other, np.stack([start.ravel(), end.ravel(), x], axis=1)
            )
            np.testing.assert_allclose(moved[:, 0], start.ravel(), atol=1e-12)
            np.testing.assert_allclose(moved[:, 1], end.ravel(), atol=1e-12)
            assert objective.value(moved[:, 2].copy()) == pytest.approx(
                float(objective.value(x)), rel=1e-12
            )


@pytest.mark.parametrize("name", CASES)
def test_the_space_is_what_all_exchanges_fix(name: str) -> None:
    """The mean over the group projects on it; the star of exchanges generates the group."""
    _, start, _, symmetry = _case(name)
    basis = symmetry.space(start.shape[1]).basis
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
    # x is fixed by all exchanges if and only if it is by 1/2 (1 + g) for each of them in turn.
    fixed = np.eye(start.size)
    total = np.zeros_like(fixed)
    count = 0
    for first, *others in symmetry.onlookers:
        for other in others:
            total += symmetry.exchanged(first, other, fixed)
            count += 1
    values, vectors = np.linalg.eigh(0.5 * (total + total.T) / count)
    dimension = int(np.sum(values > 1.0 - 1e-9))
    assert dimension == basis.shape[1]
    np.testing.assert_allclose(
        basis @ basis.T, vectors[:, -dimension:] @ vectors[:, -dimension:].T, atol=1e-9
    )


def test_neurons_that_would_meet_on_a_mirror_are_no_onlookers() -> None:
    """In a swap both neurons cross the mirror between their two teachers; the others do not."""
    _, _, _, symmetry = _case("swap, room outside")
    assert symmetry.onlookers == ((2, 3, 4),)
    teacher = Teacher.orthonormal(2)
    classes = interchangeable(teacher.gram)
    ends = teacher.vectors, teacher.vectors[::-1]
    assert shared_symmetry(teacher.vectors, classes, *ends) is None


@pytest.mark.parametrize("name", CASES)
def test_the_loss_on_the_space_is_the_loss(name: str) -> None:
    problem, start, end, symmetry = _case(name)
    whole = WeightObjective(PopulationLoss(problem), columns=start.shape[1])
    space = symmetry.space(start.shape[1])
    inside = FixedSpaceObjective(whole, space)
    basis = space.basis
    points = np.array([_inside(symmetry, start, end, seed) for seed in range(3)])
    y = points @ basis
    np.testing.assert_allclose(y @ basis.T, points, atol=1e-13)
    values, gradients = whole.value_and_gradient(points)
    np.testing.assert_allclose(gradients @ basis @ basis.T, gradients, atol=1e-12)
    found, slopes = inside.value_and_gradient(y)
    np.testing.assert_allclose(found, values, rtol=1e-12)
    np.testing.assert_allclose(inside.value(y), values, rtol=1e-12)
    np.testing.assert_allclose(slopes, gradients @ basis, atol=1e-13)
    single, slope = inside.value_and_gradient(y[0])
    assert single.shape == ()
    assert float(single) == pytest.approx(float(values[0]), rel=1e-12)
    np.testing.assert_allclose(slope, slopes[0], atol=1e-14)
    expected = basis.T @ whole.hessian(points[0]) @ basis
    np.testing.assert_allclose(inside.hessian(y[0]), expected, atol=1e-12)
    assert inside.size == basis.shape[1]


def test_gauge_directions_stay_in_the_space() -> None:
    problem, start, end, symmetry = _case("swap, room outside")
    whole = WeightObjective(PopulationLoss(problem), columns=start.shape[1])
    inside = FixedSpaceObjective(whole, symmetry.space(start.shape[1]))
    x = _inside(symmetry, start, end)
    gauge = inside.gauge(x @ symmetry.space(start.shape[1]).basis)
    assert gauge.shape == (*whole.gauge(x).shape[:1], inside.size)
    np.testing.assert_allclose(gauge @ gauge.T, np.eye(len(gauge)), atol=1e-12)


def test_rows_of_the_hessian_are_its_rows() -> None:
    problem, start, end, symmetry = _case("cycle")
    whole = WeightObjective(PopulationLoss(problem), columns=start.shape[1])
    x = _inside(symmetry, start, end)
    rows = hessian_rows(x.reshape(1, *start.shape), whole.rows, 2)
    count = 2 * start.shape[1]
    np.testing.assert_allclose(
        rows.reshape(count, -1), whole.hessian(x)[:count], rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("name", CASES)
def test_irreducible_blocks_have_the_whole_spectrum(name: str) -> None:
    problem, start, end, symmetry = _case(name)
    columns = start.shape[1]
    blocks = isotypic_blocks(symmetry, columns * symmetry.width)
    assert blocks is not None
    assert sum(one.dimension * one.basis.shape[1] for one in blocks) == start.size
    whole = WeightObjective(PopulationLoss(problem), columns=columns)
    hessian = whole.hessian(_inside(symmetry, start, end))
    found = isotypic_eigenvalues(hessian, blocks)
    assert found is not None
    np.testing.assert_allclose(found, np.linalg.eigvalsh(hessian), atol=1e-12)


def test_a_matrix_without_the_symmetry_is_refused() -> None:
    _, start, _, symmetry = _case("one cycle, long class")
    blocks = isotypic_blocks(symmetry, start.size)
    assert blocks is not None
    matrix = np.diag(np.arange(1.0, start.size + 1.0))
    assert isotypic_eigenvalues(matrix, blocks) is None


def test_three_classes_of_onlookers() -> None:
    """Products of standard representations of every two of them."""
    teacher = Teacher.from_vectors(np.diag([1.0] * 3 + [0.8] * 4 + [0.6] * 2))
    start = teacher.vectors
    symmetry = shared_symmetry(start, interchangeable(teacher.gram), start, start)
    assert symmetry is not None
    assert [len(c) for c in symmetry.onlookers] == [3, 4, 2]
    blocks = isotypic_blocks(symmetry, 9 * symmetry.width)
    assert blocks is not None
    basis = symmetry.space(9).basis
    x = start.ravel() + basis @ (0.05 * np.random.default_rng(2).standard_normal(basis.shape[1]))
    hessian = WeightObjective(PopulationLoss(TeacherStudent(teacher, 9))).hessian(x)
    found = isotypic_eigenvalues(hessian, blocks)
    assert found is not None
    np.testing.assert_allclose(found, np.linalg.eigvalsh(hessian), atol=1e-12)


def test_classification_by_blocks_is_classification() -> None:
    """At K = 16 blocks are used; kinds, indices and all 256 eigenvalues agree."""
    width = 16
    problem = TeacherStudent(Teacher.orthonormal(width), width, width)
    start = problem.teacher.vectors
    end = _cycled(start, 2)
    path = connect(problem, start, end, options=FIRST)
    (state,) = (one for one in path.transition_states if one.loss == path.highest_loss)
    setting = NetworkSetting(PopulationLoss(problem), problem.rank)
    symmetry = setting.shared_symmetry(state.weights.ravel(), state.weights.ravel())
    assert symmetry is not None
    assert len(symmetry.onlookers[0]) >= width - 3
    plain = classify(problem, state.weights)
    quick = classify(problem, state.weights, symmetry=symmetry)
    assert (plain.kind, plain.index, plain.nullity) == (quick.kind, quick.index, quick.nullity)
    np.testing.assert_allclose(quick.eigenvalues, plain.eigenvalues, atol=1e-11)
    np.testing.assert_allclose(quick.weights, plain.weights, atol=1e-11)


def _saddle(width: int, length: int) -> tuple[WeightObjective, Array, Array]:
    problem = TeacherStudent(Teacher.orthonormal(width), width, width + 1)
    start = np.eye(width, width + 1)
    path = connect(problem, start, _cycled(start, length), options=FIRST)
    state = max(path.transition_states, key=lambda one: one.loss)
    x = np.zeros((width, width + 1))
    x[:, : state.weights.shape[1]] = state.weights
    objective = WeightObjective(PopulationLoss(problem), columns=width + 1)
    return objective, x.ravel(), np.linalg.eigh(objective.hessian(x.ravel()))[1][:, 0]


@pytest.mark.parametrize(("width", "length"), [(4, 2), (5, 3), (6, 2)])
def test_the_first_stretch_lies_on_the_unstable_curve(width: int, length: int) -> None:
    """Against LSODA from a millionth off the saddle; the expansion claims 1e-2 at most."""
    objective, x, unstable = _saddle(width, length)
    both = first_stretch(
        objective,
        x,
        unstable,
        objective.hessian(x),
        shortest=1e-3,
        longest=0.2,
        largest_term=1e-2,
    )
    assert both is not None
    for sign, stretch in zip((1.0, -1.0), both, strict=True):
        assert np.linalg.norm(stretch.points[-1] - x) > 5e-3
        flow = solve_ivp(
            lambda _, y: -objective.value_and_gradient(y)[1],
            (0.0, 16.0 / stretch.rate),
            x + sign * 1e-6 * unstable,
            method="LSODA",
            rtol=1e-10,
            atol=1e-13,
        ).y.T
        pieces = np.diff(flow, axis=0)
        for point, tangent in zip(stretch.points, stretch.tangents, strict=True):
            share = np.einsum("ij,ij->i", point - flow[:-1], pieces)
            share /= np.maximum(np.einsum("ij,ij->i", pieces, pieces), 1e-300)
            nearest = flow[:-1] + np.clip(share, 0.0, 1.0)[:, None] * pieces
            length_from_saddle = float(np.linalg.norm(point - x))
            assert np.linalg.norm(nearest - point, axis=1).min() <= 0.01 * length_from_saddle
            assert objective.value(point) < objective.value(x)
            assert tangent @ (point - x) > 0


def test_a_stretch_that_does_not_carry_is_none() -> None:
    """The ring's saddle with a bound on the third-order term that nothing meets."""
    objective = ring(0.05)
    saddle = ascend(objective, np.array([0.97, 0.01]), AscentOptions(index=1))
    assert saddle.converged
    assert saddle.spectrum is not None
    arguments = (objective, saddle.x, saddle.spectrum.vectors[:, 0], objective.hessian(saddle.x))
    assert first_stretch(*arguments, shortest=1e-3, longest=0.2, largest_term=1e-2) is not None
    assert first_stretch(*arguments, shortest=0.1, longest=0.2, largest_term=1e-12) is None


def test_the_compiled_flow_is_the_flow() -> None:
    """Its points lie on the curve of an independent integrator, within the error it was allowed."""
    problem = TeacherStudent(Teacher.orthonormal(4), 4)
    objective = WeightObjective(PopulationLoss(problem))
    start = np.random.default_rng(4).normal(size=objective.size)
    pace = Pace(
        time_step=0.01,
        stiffness=5.0,
        peak=0.0,
        until=0.01,
        error=1e-4,
        lag=1e-4,
        longest=0.2,
        stages=30,
        steps=500,
    )
    found = objective.flow(start, pace)
    assert found.end is FlowEnd.SLOW
    _, gradients = objective.value_and_gradient(found.points)
    np.testing.assert_allclose(found.slopes, -gradients, atol=1e-13)
    exact = solve_ivp(
        lambda _, y: -objective.value_and_gradient(y)[1],
        (0.0, found.times[-1]),
        start,
        method="LSODA",
        rtol=1e-10,
        atol=1e-12,
        t_eval=found.times,
    ).y.T
    assert np.abs(exact - found.points).max() <= 1e-2
    assert found.gradients >= len(found.points)
    short = objective.flow(start, replace(pace, steps=3))
    assert short.end is FlowEnd.STEPS_USED
    assert len(short.points) == 3
    stiff = objective.flow(start, replace(pace, stages=2, time_step=5.0, longest=100.0))
    assert stiff.end is FlowEnd.STIFF


def test_a_flow_held_in_a_space_stays_there() -> None:
    problem, start, end, symmetry = _case("one cycle, long class")
    whole = WeightObjective(PopulationLoss(problem), columns=start.shape[1])
    space = symmetry.space(start.shape[1])
    inside = FixedSpaceObjective(whole, space)
    y = _inside(symmetry, start, end) @ space.basis
    pace = Pace(
        time_step=0.1,
        stiffness=8.0,
        peak=0.0,
        until=0.1,
        error=1e-3,
        lag=0.1,
        longest=0.2,
        stages=30,
        steps=200,
    )
    found = inside.flow(y, pace)
    assert found.end is FlowEnd.SLOW
    held = whole.flow(space.basis @ y, pace, space=space.basis)
    np.testing.assert_allclose(held.points @ space.basis @ space.basis.T, held.points, atol=1e-13)
    np.testing.assert_allclose(found.points @ space.basis.T, held.points, atol=1e-12)


def test_chords_of_a_curved_valley_are_refined_until_they_stay_below() -> None:
    """On the ring's circular floor every chord runs up the inner wall."""
    objective = ring()
    angles = np.linspace(0.0, 1.5, 6)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    tangents = np.stack([-np.sin(angles), np.cos(angles)], axis=1)
    top = 1e-6
    assert objective.value(0.5 * (points[1:] + points[:-1])).max() > top
    kept = kept_below(objective, points, tangents, top)
    assert objective.value(0.5 * (kept[1:] + kept[:-1])).max() <= top
    assert all(np.any(np.all(kept == point, axis=1)) for point in points)
    np.testing.assert_array_equal(kept_below(objective, points, tangents, 1.0), points)


@pytest.mark.parametrize("length", [2, 3])
def test_dimension_of_the_search_does_not_grow_with_the_onlookers(length: int) -> None:
    sizes = set()
    for width in (6, 9, 14):
        start = np.eye(width, width + 1)
        rows = np.eye(width, width + 1)
        classes = interchangeable(np.eye(width))
        symmetry = shared_symmetry(rows, classes, start, _cycled(start, length))
        assert symmetry is not None
        sizes.add(symmetry.space(width + 1).basis.shape[1])
    assert sizes == {13 if length == 2 else 21}


def test_half_a_way_is_completed_by_its_mirror_image() -> None:
    """At K = 20 a three-cycle leads over a minimum in the middle; one band finds both halves."""
    problem = TeacherStudent(Teacher.orthonormal(20), 20, 21)
    start = np.eye(20, 21)
    end = _cycled(start, 3)
    path = connect(problem, start, end, options=FIRST)
    assert path.verified
    assert path.bands == 1
    assert len(path.transition_states) == 2
    first, second = path.transition_states
    assert first.loss == pytest.approx(second.loss, rel=1e-12)
    loss = PopulationLoss(problem)
    for state in path.transition_states:
        weights = np.hstack([state.weights, np.zeros((20, 20 - state.weights.shape[1]))])
        assert np.linalg.norm(loss.gradient(weights)) <= 1e-12
    values = loss.value(path.points)
    assert values.max() <= path.highest_loss + path.profile_tolerance
    np.testing.assert_allclose(path.points[-1][:, :20], end[:, :20], atol=1e-8)
    assert np.linalg.norm(np.diff(path.points, axis=0), axis=(1, 2)).max() < 0.5


@pytest.mark.parametrize(("width", "index"), [(5, 16), (6, 25)])
def test_a_symmetric_saddle_of_too_high_index_is_left(width: int, index: int) -> None:
    """From index 1 among all that is as symmetric as the global minimum to a transition state.

    To which one is a matter of rounding: the lowest curvature has many directions, and versions of
    the linear algebra return different ones.
    """
    problem = TeacherStudent(Teacher.orthonormal(width), width, width)
    setting = NetworkSetting(PopulationLoss(problem), width)
    ways = KnownWays(Counted(setting.objective), setting, DescentOptions())
    center = problem.teacher.vectors.ravel()
    within = setting.fixed_space(ways.objective, center, center)
    assert within is not None
    begun = np.random.default_rng(1).normal(size=within.inside.size)
    found = within.lifted_ascent(ascend(within.inside, begun))
    assert found.converged
    values = np.linalg.eigvalsh(setting.objective.hessian(found.x))
    assert np.sum(values < -1e-9) == index
    number, _ = ways.add_transition(found, left=False, within=within)
    assert number is not None
    state = ways.transitions[number]
    assert state.value < found.value
    assert np.linalg.norm(setting.objective.value_and_gradient(state.x)[1]) <= 1e-12
    values = np.linalg.eigvalsh(setting.objective.hessian(state.x))
    assert np.sum(values < -1e-9) == 1


def test_a_teacher_that_is_nearly_symmetric_is_not_symmetric() -> None:
    """Rounded to twelve digits: on a space that is nearly invariant the gradient is not zero."""
    width = 16
    gram = np.where(np.eye(width) > 0, 1.0, 0.1)
    exact = Teacher.from_gram(gram)
    assert len(interchangeable(exact.gram)[0]) == width
    rounded = Teacher.from_vectors(np.round(np.linalg.cholesky(gram), 12))
    assert interchangeable(rounded.gram) == ()
    problem = TeacherStudent(rounded, width)
    start = np.array(rounded.vectors)
    path = connect(problem, start, start[[1, 0, *range(2, width)]], options=FIRST)
    assert path.verified
    loss = PopulationLoss(problem)
    for state in path.transition_states:
        assert (state.kind.value, state.index) == ("saddle", 1)
        assert np.linalg.norm(loss.gradient(state.weights)) <= 1e-12


@pytest.mark.parametrize("error", [1e-12, 1e-10, 1e-8])
def test_nearly_symmetric_images_are_not_taken_for_transition_states(error: float) -> None:
    noise = np.random.default_rng(3).uniform(-1.0, 1.0, (5, 5))
    teacher = Teacher.from_gram(np.eye(5) + error * (noise + noise.T) / 2.0)
    problem = TeacherStudent(teacher, 5)
    start = np.array(teacher.vectors)
    path = connect(problem, start, start[[1, 0, 2, 3, 4]])
    assert path.verified
    loss = PopulationLoss(problem)
    for state in path.transition_states:
        assert np.linalg.norm(loss.gradient(state.weights)) <= 1e-12
