"""Paths of the network landscape: known barriers, honest verdicts, and nothing between the points.

Established: the two barriers of two neurons (in and outside the teacher's span), those of three
against saddle enumeration without bands, the symmetric trap at six neurons, parity, barrier zero
above the teacher's width, and that every edge is index 1 with both descents checked.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.paths.connect import ConnectOptions, connect
from landtopo.models.networks.paths.ends import (
    align_outside,
    labelled_distance,
    relative_permutation,
    small_cycles,
)
from landtopo.models.networks.paths.record import PathRecord
from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.paths.descent import descend, descend_both
from landtopo.paths.join import JoinOptions
from landtopo.points.ascend import AscentOptions, ascend
from landtopo.symmetry.permutations import is_even

# The spurious minimum of six neurons has one neuron anti-aligned (DESIGN: loss 0.0250805810).
SPURIOUS_LOSS = 0.0250805810


def _problem(width: int, dim: int | None = None, teachers: int | None = None) -> TeacherStudent:
    return TeacherStudent(Teacher.orthonormal(teachers or width), width, dim)


def _cycle(width: int, length: int) -> list[int]:
    order = list(range(width))
    order[:length] = [*order[1:length], order[0]]
    return order


def _verify(path: PathRecord) -> None:
    """Check the claims of a record by evaluating the loss again, densely."""
    assert path.verified
    loss = PopulationLoss(path.problem)
    for point in path.transition_states:
        assert point.index == 1
        assert point.grad_norm <= 1e-12
        assert np.linalg.norm(loss.gradient(point.weights)) <= 1e-12
    for w in path.minima:
        assert np.linalg.norm(loss.gradient(w)) <= 1e-12
    share = np.linspace(0.0, 1.0, 12)[None, :, None, None]
    pieces = path.points[:-1, None] + share * np.diff(path.points, axis=0)[:, None]
    highest = float(loss.value(pieces.reshape(-1, *path.start.shape)).max())
    assert highest <= path.losses.max() + path.profile_tolerance
    assert path.losses.max() <= path.highest_loss + path.profile_tolerance
    np.testing.assert_allclose(path.points[0], path.start, atol=1e-12)
    rank = path.problem.rank
    assert labelled_distance(path.points[-1], path.end, rank) <= 1e-5
    assert path.barrier == path.barrier_from


@pytest.mark.parametrize(("dim", "barrier"), [(2, 0.0861788), (3, 0.0736129), (None, 0.0736129)])
@pytest.mark.parametrize("seed", [0, 1])
def test_two_neurons_change_places(dim: int | None, barrier: float, seed: int) -> None:
    """The lowest pass leaves the teacher's span where there is room (DESIGN, trap 6)."""
    path = connect(_problem(2, dim), np.eye(2), np.eye(2)[::-1], seed=seed)
    _verify(path)
    assert path.barrier == pytest.approx(barrier, abs=5e-8)
    assert path.permutation == (1, 0)
    assert path.kind == "saddle"
    outside = [t.weights[:, 2:] for t in path.transition_states]
    assert max(np.abs(w).max(initial=0.0) for w in outside) > 0.01 or dim == 2


@pytest.mark.parametrize("dim", [3, 4, None])
def test_three_neurons_against_saddle_enumeration(dim: int | None) -> None:
    """Barriers of a swap and of a three-cycle, from bands and from saddle searches without any.

    All minima of three neurons are copies of the global one, so the lowest saddle that changes the
    parity is the barrier of a swap (even permutations cost less), the lowest of all that of a
    three-cycle.
    """
    problem = _problem(3, dim)
    columns = 3 + min(problem.extra, 2)
    objective = WeightObjective(PopulationLoss(problem), columns=columns)
    rng = np.random.default_rng(5)
    lowest = {True: np.inf, False: np.inf}
    for _ in range(80):
        found = ascend(objective, rng.normal(size=objective.size) * 0.6)
        if not found.converged or found.value > min(lowest[False], 0.09):
            continue
        weights = objective.weights(found.x)
        if classify(problem, weights).index != 1:
            continue
        assert found.spectrum is not None
        ends = [
            objective.weights(side.x)
            for side in descend_both(objective, found.x, found.spectrum.vectors[:, 0])
        ]
        relative = relative_permutation(ends[0], ends[1], 3)
        if relative is not None and relative != (0, 1, 2):
            lowest[is_even(relative)] = min(lowest[is_even(relative)], found.value)
    for length in (2, 3):
        path = connect(problem, np.eye(3), np.eye(3)[_cycle(3, length)], seed=0)
        _verify(path)
        assert path.barrier == pytest.approx(lowest[length == 3], rel=1e-9)


@pytest.mark.parametrize("seed", [0, 1])
def test_six_neurons_do_not_stop_at_the_symmetric_point(seed: int) -> None:
    """The straight line between copies that differ by a swap leads to 0.06418, of index six."""
    problem = _problem(6)
    swap = connect(problem, np.eye(6), np.eye(6)[_cycle(6, 2)], seed=seed)
    turn = connect(problem, np.eye(6), np.eye(6)[_cycle(6, 3)], seed=seed)
    _verify(swap)
    _verify(turn)
    # The lowest in 2,240 bands of every relative permutation, with 0, 1 and 2 outside columns.
    assert swap.barrier == pytest.approx(0.0599439831, abs=1e-9)
    assert turn.barrier == pytest.approx(0.0237577390, abs=1e-9)
    assert swap.barrier > 2 * turn.barrier


def test_double_swap_is_even_and_goes_by_three_cycles() -> None:
    path = connect(_problem(6), np.eye(6), np.eye(6)[[1, 0, 3, 2, 4, 5]], seed=0)
    _verify(path)
    assert path.barrier == pytest.approx(0.0237577390, abs=1e-9)
    assert path.first_highest_loss >= path.highest_loss
    assert all(other.highest_loss >= path.highest_loss for other in path.runners_up)


def _spurious() -> Array:
    """The minimum of six neurons with one anti-aligned neuron, from its leading digits."""
    start = np.eye(6) - 0.05
    start[:, 5] = 0.308
    start[5] = [0.225] * 5 + [-0.602]
    objective = WeightObjective(PopulationLoss(_problem(6)))
    found = ascend(objective, start.ravel(), AscentOptions(index=0))
    assert found.value == pytest.approx(SPURIOUS_LOSS, abs=1e-9)
    return objective.weights(found.x)


@pytest.mark.parametrize("order", [[1, 0, 2, 3, 4, 5], [3, 1, 0, 2, 5, 4], [0, 1, 2, 3, 4, 5]])
def test_spurious_minimum_of_six_neurons_is_shallow_towards_one_parity(order: list[int]) -> None:
    """Its way out costs less than 1e-4, but leads to global minima of one parity only.

    The others are behind the pass of a swap. Parity is that of the anti-aligned neuron put where
    a teacher is missing.
    """
    path = connect(_problem(6), _spurious(), np.eye(6)[order], seed=0)
    _verify(path)
    if is_even(tuple(order)):
        assert path.highest_loss == pytest.approx(0.0599439831, abs=1e-9)
    else:
        assert 0 < path.barrier_from < 1e-4
        assert path.barrier_to == pytest.approx(0.0250923306, abs=1e-9)


@pytest.mark.parametrize("teachers", [3, 6])
def test_wide_students_have_no_barrier_between_global_minima(teachers: int) -> None:
    """One neuron to spare joins all labelled copies at zero loss (Lin, Li, Wu 2024, Theorem 6)."""
    width = teachers + 1
    problem = _problem(width, teachers=teachers)
    loss = PopulationLoss(problem)
    rng = np.random.default_rng(3)
    for _ in range(6):
        ends = []
        for _ in range(2):
            owner = rng.permutation(np.append(np.arange(teachers), rng.integers(teachers)))
            share = rng.uniform(0.1, 1.0, width)
            share /= np.bincount(owner, weights=share)[owner]
            ends.append(share[:, None] * np.eye(teachers)[owner])
        path = connect(problem, *ends, seed=0)
        assert path.verified
        assert path.kind == "flat"
        assert abs(path.barrier) <= 1e-12
        assert not path.transition_states
        fine = np.concatenate(
            [np.linspace(a, b, 25) for a, b in zip(path.points, path.points[1:], strict=False)]
        )
        assert loss.value(fine).max() <= 1e-25
        np.testing.assert_allclose(path.points[[0, -1]], [path.start, path.end], atol=1e-14)


def test_spurious_minimum_of_a_wide_student_reaches_the_flat_set() -> None:
    """Descents onto the flat set of global minima are recognised although Newton cannot finish."""
    teacher = Teacher.random(4, seed=3)
    problem = TeacherStudent(teacher, 5)
    start = np.vstack([teacher.vectors * [[1.0], [1.0], [1.0], [0.4]], 0.6 * teacher.vectors[3]])
    end = start[[2, 0, 1, 4, 3]]
    path = connect(problem, start, end, seed=0)
    assert path.verified
    assert abs(path.barrier) <= 1e-12


@pytest.mark.parametrize("spec", ["random", "equicorrelated", "narrow", "plane"])
def test_other_teachers_are_connected_or_honestly_incomplete(spec: str) -> None:
    teacher, width, dim = {
        "random": (Teacher.random(4, seed=3), 4, None),
        "equicorrelated": (Teacher.equicorrelated(4, -0.2), 4, 5),
        "narrow": (Teacher.orthonormal(3), 2, None),
        "plane": (Teacher.from_vectors([[1.0, 0.0], [0.4, 1.1], [-0.7, 0.6]]), 3, 3),
    }[spec]
    problem = TeacherStudent(teacher, width, dim)
    if width < teacher.size:
        objective = WeightObjective(PopulationLoss(problem))
        begun = np.random.default_rng(0).normal(size=objective.size)
        found = ascend(objective, begun, AscentOptions(index=0))
        assert found.converged
        start = objective.weights(found.x)
    else:
        start = teacher.vectors
    path = connect(problem, start, start[::-1], seed=0)
    _verify(path)
    assert path.barrier > 0


@pytest.mark.parametrize("width", [6, 7, 8])
def test_random_pairs_are_verified_or_incomplete(width: int) -> None:
    rng = np.random.default_rng(11)
    for seed in range(3):
        end = np.eye(width)[rng.permutation(width)]
        options = ConnectOptions(join=JoinOptions(improve=0, bands=12))
        path = connect(_problem(width), np.eye(width), end, seed=seed, options=options)
        assert all(state.index == 1 for state in path.transition_states)
        if path.verified:
            _verify(path)
        else:
            assert path.missing


def test_an_exhausted_budget_says_what_is_missing() -> None:
    options = ConnectOptions(join=JoinOptions(bands=1))
    end = np.eye(7)[[1, 0, 3, 2, 5, 6, 4]]
    path = connect(_problem(7), np.eye(7), end, seed=0, options=options)
    assert not path.verified
    assert path.missing
    assert path.highest_loss == np.inf
    assert path.as_dict()["highest_loss"] is None
    assert "budget" in path.status


def test_same_seed_same_path_and_the_record_is_json() -> None:
    problem = _problem(3)
    first, second = (connect(problem, np.eye(3), np.eye(3)[[1, 0, 2]], seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.points, second.points)
    assert first.evaluations == second.evaluations
    record = json.loads(json.dumps(first.as_dict()))
    assert record["permutation"] == "(1 2)"
    assert record["transition_states"][0]["index"] == 1
    assert record["kind"] == "saddle"
    assert record["verified"] is True
    assert len(first.statistics()) == len(first.points)
    for position in first.transition_positions:
        near = int(np.argmin(np.abs(first.positions - position)))
        assert first.losses[near] == pytest.approx(first.highest_loss, abs=1e-9)


def test_a_rotation_outside_the_span_is_no_difference() -> None:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(4, 6))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned = np.hstack([w[:, :3], w[:, 3:] @ turn])
    np.testing.assert_allclose(align_outside(turned, w, 3), w, atol=1e-13)
    assert labelled_distance(turned, w, 3) < 1e-12
    order = (2, 0, 3, 1)
    assert relative_permutation(w, turned[list(np.argsort(order))], 3) == order


def test_small_cycles_sort_any_permutation() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = int(rng.integers(2, 9))
        wanted = tuple(int(i) for i in rng.permutation(size))
        order = list(range(size))
        steps = small_cycles(wanted, rng)
        for one in steps:
            moved = sum(i != k for k, i in enumerate(one))
            assert moved in (2, 3)
            order = [order[i] for i in one]
        assert all(wanted[row] == place for place, row in enumerate(order))


def test_saddles_of_too_high_index_in_d_dimensions_are_refused() -> None:
    """The in-span saddle of six neurons at 0.0604630 has a negative normal eigenvalue."""
    problem = _problem(6)
    inside = NetworkSetting(PopulationLoss(problem), 6)
    tight = NetworkSetting(PopulationLoss(_problem(6, 6)), 6)
    rng = np.random.default_rng(0)
    for _ in range(60):
        found = ascend(inside.objective, rng.normal(size=36) * 0.1 + np.eye(6)[_near()].ravel())
        if found.converged and abs(found.value - 0.060463) < 1e-6:
            break
    else:
        pytest.skip("no start met the saddle")
    assert tight.objection(found) is None
    assert "index in d dimensions" in str(inside.objection(found))


def _near() -> list[int]:
    return [0, 0, 2, 3, 4, 5]


def test_bad_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidArgument, match="'start' argument of connect must have shape"):
        connect(_problem(2), np.eye(3), np.eye(2))
    with pytest.raises(InvalidArgument, match="'seed' argument of connect"):
        connect(_problem(2), np.eye(2), np.eye(2), seed=-1)
    astray = 0.5 * np.random.default_rng(3).normal(size=(4, 4))
    with pytest.raises(InvalidArgument, match="Newton's method finds none close to it"):
        connect(TeacherStudent(Teacher.random(4, seed=1), 4), astray, astray[[1, 0, 2, 3]])


def test_a_corner_with_two_regions_of_descent_is_a_pass() -> None:
    """In the plane a narrower network can leave {psi < 0} in two pieces: its corner joins both.

    Every way from one piece to the other leads over the corner or higher, because near it the loss
    is L + |w| psi(w / |w|).
    """
    teacher = Teacher.random(5, dim=2, seed=1)
    problem = TeacherStudent(teacher, 5, 2)
    narrower = WeightObjective(PopulationLoss(problem.with_width(4)))
    rng = np.random.default_rng(0)
    setting = NetworkSetting(PopulationLoss(problem), 2)
    for _ in range(40):
        rest = ascend(narrower, rng.normal(size=8) * 0.6, AscentOptions(index=0))
        if not rest.converged:
            continue
        weights = np.vstack([narrower.weights(rest.x), [[1e-3, 0.0]]])
        passes = setting.other_passes(weights.ravel())
        if passes:
            break
    (corner,) = passes
    assert corner.value == pytest.approx(rest.value, rel=1e-9)
    assert len(corner.ways) >= 2
    assert not np.any(setting.weights(corner.x)[4])
    ends = []
    for way in corner.ways:
        assert setting.objective.value(way) < corner.value
        down = descend(setting.objective, way)
        assert down.converged
        assert np.all(np.diff(setting.objective.value(down.points)) <= 1e-16)
        ends.append(setting.weights(down.x))
    assert any(labelled_distance(ends[0], other, 2) > 1e-3 for other in ends[1:])
    # All round the corner, between the two pieces, the loss is higher than at it.
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    ring = np.repeat(setting.weights(corner.x)[None], 2000, axis=0)
    ring[:, 4] = 1e-4 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    below = setting.objective.value(ring.reshape(2000, -1)) < corner.value
    assert np.sum(below != np.roll(below, 1)) >= 4
