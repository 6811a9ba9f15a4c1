"""The compiled climbs: their steps against dense eigenvectors, their ends against other routes."""

from __future__ import annotations

import numpy as np
import pytest

import landtopo as lt
from landtopo.kernels import climb
from landtopo.kernels.turns import turns
from landtopo.models.networks.fixed_objective import FixedSpaceObjective
from landtopo.models.networks.loss import WeightObjective
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.symmetry.fixed_space import interchangeable, shared_symmetry
from landtopo.objective import Array, Objective, SmoothFunction
from landtopo.points.ascend import AscentOptions, AscentStatus, ascend, climbs
from landtopo.points.climbs import SaddleStart
from landtopo.points.evaluations import Counted


class _Plain(Counted):
    """A function that compiled loops are not told of."""

    @property
    def compiled(self) -> None:
        return None


def _loss(width: int, extra: int) -> WeightObjective:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(width), width=width)
    return WeightObjective(lt.PopulationLoss(problem), columns=width + extra)


def _state(
    matrix: Array, gradient: Array, rules: climb.Rules, direction: Array | None = None
) -> climb.Climb:
    size = len(gradient)
    along = np.zeros(size) if direction is None else direction
    state = climb.beginning(np.zeros(size), along, rules)
    state.g[:] = gradient
    climb.proposed(climb.Quadratic(matrix, np.empty((0, size))), state, rules)
    return state


def _symmetric(values: Array, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((len(values), len(values))))[0]
    return np.ascontiguousarray((axes * values) @ axes.T), axes


@pytest.mark.parametrize("index", [0, 1, 2])
def test_in_few_coordinates_the_step_is_that_of_all_eigenvectors(index: int) -> None:
    """The rational-function step of every mode, from a dense eigendecomposition."""
    values = np.array([-2.0, -1.1, -0.4, 0.3, 0.9, 1.0, 2.5])
    matrix, axes = _symmetric(values, 3)
    gradient = np.random.default_rng(1).standard_normal(7)
    components = axes.T @ gradient
    steps = -2 * components / (np.abs(values) + np.sqrt(values**2 + 4 * components**2))
    steps[:index] *= -1.0
    state = _state(matrix, gradient, AscentOptions(index=index).rules)
    np.testing.assert_allclose(state.step, axes @ steps, atol=1e-12)
    np.testing.assert_allclose(state.change, matrix @ state.step, atol=1e-12)


def test_a_direction_is_tracked_until_its_mode_is_the_lowest() -> None:
    matrix, axes = _symmetric(np.array([-1.0, 0.5, 0.8, 2.0]), 0)
    gradient = axes @ np.array([0.3, 0.2, 0.1, 0.4])
    rules = AscentOptions().rules
    tracked = _state(matrix, gradient, rules, 3.0 * axes[:, 2])
    assert tracked.step @ axes[:, 2] > 0
    assert tracked.step @ axes[:, 0] < 0
    assert tracked.known[1] == 1
    lowest = _state(matrix, gradient, rules, axes[:, 0])
    assert lowest.known[1] == 0
    # With one falling mode, climbed, the step is Newton's.
    np.testing.assert_allclose(lowest.step, -np.linalg.solve(matrix, gradient), atol=1e-12)


def test_in_many_coordinates_the_step_solves_as_well_as_was_asked() -> None:
    """Newton's equations are left with a tenth of the gradient, or less near the end."""
    matrix, _ = _symmetric(np.concatenate([[-0.3], np.geomspace(0.05, 3.0, 199)]), 5)
    for size, allowed in ((1.0, 0.1), (1e-3, 1e-3)):
        gradient = np.random.default_rng(2).standard_normal(200)
        gradient *= size / np.linalg.norm(gradient)
        state = _state(matrix, gradient, AscentOptions().rules)
        left = np.linalg.norm(matrix @ state.step + gradient)
        assert left <= allowed * size
        np.testing.assert_allclose(state.change, matrix @ state.step, atol=1e-13 * size)


def test_turns_span_the_gauge_of_the_objective() -> None:
    for extra in (1, 2, 3):
        loss = _loss(4, extra)
        x = np.random.default_rng(extra).standard_normal(loss.size)
        for outside in (1.0, 1e-6, 0.0):
            weights = loss.weights(x.copy())
            weights[:, 4:] *= outside
            rows = turns(weights, loss.rows)
            expected = loss.gauge(weights.ravel())
            assert rows.shape == expected.shape
            np.testing.assert_allclose(rows.T @ rows, expected.T @ expected, atol=1e-9)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_both_ways_of_climbing_end_in_the_same_points(index: int) -> None:
    """One loop is compiled, the other asks for Hessians: two routes to the same steps."""
    loss = _loss(4, 1)
    rng = np.random.default_rng(7)
    starts = rng.standard_normal((10, loss.size)) * 0.5
    options = AscentOptions(index=index)
    found = climbs(loss, starts, options)
    converged = 0
    for number, start in enumerate(starts):
        alone = ascend(loss, start, options)
        by_hand = ascend(_Plain(loss), start, options)
        np.testing.assert_array_equal(found.points[number], alone.x)
        assert by_hand.status is alone.status
        if alone.converged:
            converged += 1
            # Newton's method has brought both within 1e-12 over the smallest curvature.
            np.testing.assert_allclose(by_hand.x, alone.x, atol=1e-8)
            gradient = loss.value_and_gradient(alone.x)[1]
            assert np.linalg.norm(gradient) <= 2e-12
    assert converged >= 8


def test_a_climb_on_a_fixed_space_is_a_climb_of_the_whole() -> None:
    """Compiled on the space, with Hessians on the space, and lifted: the same critical point."""
    teacher = lt.Teacher.orthonormal(5)
    problem = lt.TeacherStudent(teacher, width=5)
    whole = WeightObjective(lt.PopulationLoss(problem), columns=6)
    start = np.hstack([np.eye(5), np.zeros((5, 1))])
    end = start[[1, 2, 0, 3, 4]]
    symmetry = shared_symmetry(whole.rows, interchangeable(teacher.gram), start, end)
    assert symmetry is not None
    inside = FixedSpaceObjective(whole, symmetry.space(6))
    assert inside.size < whole.size
    rng = np.random.default_rng(0)
    middle = 0.5 * (start + end).ravel() @ inside.space.basis
    ended = 0
    for _ in range(4):
        y = middle + 0.2 * rng.standard_normal(inside.size)
        found, by_hand = ascend(inside, y), ascend(_Plain(inside), y)
        assert found.status is by_hand.status
        if found.converged:
            ended += 1
            np.testing.assert_allclose(found.x, by_hand.x, atol=1e-8)
            gradient = whole.value_and_gradient(inside.space.basis @ found.x)[1]
            assert np.linalg.norm(gradient) < 1e-11
    assert ended >= 3


def test_a_batch_concludes_as_single_climbs_do() -> None:
    loss = _loss(3, 1)
    starts = np.random.default_rng(1).standard_normal((3, loss.size)) * 0.5
    found = climbs(loss, starts)
    for number, start in enumerate(starts):
        one, alone = found.concluded(loss, number), ascend(loss, start)
        assert one.status is alone.status
        assert one.spectrum is not None
        assert alone.spectrum is not None
        np.testing.assert_array_equal(one.spectrum.eigenvalues, alone.spectrum.eigenvalues)
        assert one.evaluations == alone.evaluations
        np.testing.assert_array_equal(one.points, alone.points[[0, -1]])


def test_regions_are_those_of_each_start() -> None:
    loss = _loss(3, 0)
    starts = np.random.default_rng(4).standard_normal((2, loss.size))
    found = climbs(loss, starts, regions=np.array([0.01, np.inf]))
    assert found.status[0] is AscentStatus.LEFT_REGION
    assert found.status[1] is not AscentStatus.LEFT_REGION


def test_a_curvature_that_is_not_finite_ends_a_climb() -> None:
    objective: Objective = SmoothFunction(
        size=2,
        function=lambda x: float(x @ x),
        derivative=lambda x: 2 * x,
        second=lambda x: np.full((2, 2), np.nan if abs(x[0]) < 0.8 else 2.0),
    )
    found = ascend(objective, np.array([1.0, 0.5]), AscentOptions(index=0))
    assert found.status is AscentStatus.NOT_FINITE
    assert found.spectrum is None


def test_known_passes_are_recognised_and_not_followed_again() -> None:
    """The ends are the same; what is known is counted, up to copies, and has no ways of its own."""
    from landtopo.landscape.transitions import follow

    model = NetworkModel(lt.TeacherStudent(lt.Teacher.orthonormal(3), width=3))
    rng = np.random.default_rng(0)
    starts = [SaddleStart(x=rng.standard_normal((3, 4)) * 0.7) for _ in range(12)]
    fresh = follow(model, starts)
    assert fresh.found
    assert fresh.again == ()
    # A copy: neurons and teachers renumbered, and turned outside the span.
    order = [2, 0, 1]
    known = []
    for one in fresh.found:
        copy = np.pad(one.state[order], ((0, 0), (0, 1)))
        copy[:, :3] = copy[:, :3][:, [1, 0, 2]]
        copy[:, 3:] = copy[:, 3:] @ np.array([[0.6, 0.8], [-0.8, 0.6]])
        known.append(copy.ravel())
    again = follow(model, starts, known)
    assert again.found == ()
    assert again.again == tuple(one.times for one in fresh.found)
    assert sum(again.outcomes.values()) + sum(again.again) == len(starts)
