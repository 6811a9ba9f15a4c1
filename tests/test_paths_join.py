"""Complete connections of functions whose minima, passes and flat valleys are known.

Established: a valley counts as flat only if nothing higher hides between its points; a descent that
symmetry sends into a saddle is followed to the minima behind it, and the record says so; corners
are passes where a narrower network's minimum has two regions of descent, and nowhere else.
"""

from __future__ import annotations

import numpy as np
import pytest
from functions import mueller_brown, ring

from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.paths.connect import ConnectOptions, connect
from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array, SmoothFunction
from landtopo.paths.descent import DescentStatus, descend, descend_both
from landtopo.paths.join import JoinOptions, join
from landtopo.paths.joined import Joined, JoinStatus
from landtopo.paths.onward import onward
from landtopo.paths.setting import Pass
from landtopo.paths.valley import flat_valley
from landtopo.points.ascend import AscentOptions, ascend


def _joined(
    objective: SmoothFunction, start: Array, end: Array, known: Array | None = None
) -> Joined:
    points = [] if known is None else [known]
    return join(objective, start, end, rng=np.random.default_rng(0), known=points)


def _densely(points: Array, per_piece: int = 50) -> Array:
    share = np.arange(per_piece)[None, :, None] / per_piece
    inner = points[:-1, None] + share * np.diff(points, axis=0)[:, None]
    return np.vstack([inner.reshape(-1, points.shape[1]), points[-1:]])


def test_mueller_brown_is_joined_over_its_lower_saddle_in_between() -> None:
    """The deep minimum, the shallow one between, and the two textbook saddles on the way."""
    objective = mueller_brown()
    deep, far = (
        ascend(objective, np.array(x), AscentOptions(index=0)).x
        for x in ([-0.56, 1.44], [0.62, 0.03])
    )
    found = _joined(objective, deep, far)
    assert found.status is JoinStatus.CONNECTED
    assert sorted(step.highest for step in found.route) == pytest.approx(
        [-72.248940112, -40.664843508], abs=1e-6
    )
    # What was known is told apart from what was met, and joins the ends without a band.
    states = [one.x for one in found.transitions]
    quick = JoinOptions(improve=1)
    again = join(objective, deep, far, quick, rng=np.random.default_rng(0), known=states)
    assert (found.known_before, again.known_before) == (0, len(states))
    assert again.highest == found.highest
    assert len(again.attempts) < len(found.attempts)


def test_a_ring_of_minima_is_flat_between_its_points_too() -> None:
    found = _joined(ring(), np.array([1.0, 0.0]), np.array([-0.6, 0.8]))
    (step,) = found.route
    assert step.flat
    assert ring().value(_densely(step.points)).max() <= 1e-12


@pytest.mark.parametrize("tilt", [1e-6, 1e-5, 1e-3])
def test_a_tilted_ring_is_not_flat_however_little_it_is_tilted(tilt: float) -> None:
    """Its two ends lie on the slope, so they are no minima; only the top is asked for here."""
    objective = ring(tilt)
    angles = np.linspace(0.6, -0.6, 13)
    images = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    level = float(objective.value(images[[0, -1]]).max()) + 1e-12
    assert flat_valley(objective, images, level) is None


def test_a_hill_between_the_images_is_no_flat_valley() -> None:
    """A hump of 1.5e-5, narrower than the spacing of the images, on a straight valley."""
    height, width = 1.5e-5, 2e-3

    def hump(x: Array) -> float:
        return height * float(np.exp(-(((x[0] - 0.5137) / width) ** 2)))

    objective = SmoothFunction(
        size=2,
        function=lambda x: float(x[1] ** 2 / 2) + hump(x),
        derivative=lambda x: np.array([-2 * (x[0] - 0.5137) / width**2 * hump(x), x[1]]),
        second=lambda x: np.diag(
            [(4 * (x[0] - 0.5137) ** 2 / width**4 - 2 / width**2) * hump(x), 1.0]
        ),
    )
    bow = np.sin(np.pi * np.linspace(0, 1, 13))
    images = np.stack([np.linspace(0, 1, 13), 1e-3 * bow], axis=1)
    assert flat_valley(objective, images, 1e-12) is None


def _ridge() -> SmoothFunction:
    """(x^2 - 1)^2 / 4 + y^4 / 4 + y^2 / 10 - 2 x^2 y^2 / 5.

    From the pass at the origin the axis y = 0 leads down to saddles at (+-1, 0), and only beside
    it lie the four minima, where x^2 = (1 - 4/25) / (1 - 16/25) = 7/3 and y^2 = (4 x^2 - 1) / 5.
    """
    return SmoothFunction(
        size=2,
        function=lambda x: float(
            (x[0] ** 2 - 1) ** 2 / 4 + x[1] ** 4 / 4 + x[1] ** 2 / 10 - 0.4 * x[0] ** 2 * x[1] ** 2
        ),
        derivative=lambda x: np.array(
            [
                x[0] * (x[0] ** 2 - 1) - 0.8 * x[0] * x[1] ** 2,
                x[1] ** 3 + 0.2 * x[1] - 0.8 * x[0] ** 2 * x[1],
            ]
        ),
        second=lambda x: np.array(
            [
                [3 * x[0] ** 2 - 1 - 0.8 * x[1] ** 2, -1.6 * x[0] * x[1]],
                [-1.6 * x[0] * x[1], 3 * x[1] ** 2 + 0.2 - 0.8 * x[0] ** 2],
            ]
        ),
    )


def test_descents_into_a_saddle_are_sent_on_and_say_so() -> None:
    objective = _ridge()
    across, along = np.sqrt(7 / 3), np.sqrt((4 * 7 / 3 - 1) / 5)
    down, _ = descend_both(objective, np.zeros(2), np.array([1.0, 0.0]))
    assert down.status is DescentStatus.FLAT
    np.testing.assert_allclose(down.x, [1.0, 0.0], atol=1e-8)
    end, through = onward(objective, down)
    assert end.status is DescentStatus.MINIMUM
    np.testing.assert_allclose(np.abs(end.x), [across, along], atol=1e-12)
    np.testing.assert_allclose(through, [[1.0, 0.0]], atol=1e-8)
    # The curve is whole and never goes up.
    np.testing.assert_array_equal(end.points[: len(down.points)], down.points)
    assert np.all(np.diff(objective.value(end.points)) <= 1e-12)
    # Told of the pass exactly, so that not even rounding breaks the symmetry of the descents.
    ends = np.array([across, along]), np.array([-across, along])
    found = _joined(objective, *ends, known=np.zeros(2))
    assert found.status is JoinStatus.CONNECTED
    assert found.highest == pytest.approx(0.25)
    for minimum in found.minima:
        np.testing.assert_allclose(np.abs(minimum.x), [across, along], atol=1e-9)
    over = found.transitions[0]
    np.testing.assert_allclose(np.abs(over.through), [[1.0, 0.0], [1.0, 0.0]], atol=1e-8)


def test_a_path_over_a_corner_is_a_verified_path_of_that_kind() -> None:
    """Five neurons in the plane: the way down from one side of a corner, and from the other.

    The pass is the point where a neuron vanishes; its loss is the height of the path, and the
    others are at a minimum of the narrower network.
    """
    teacher = Teacher.random(5, dim=2, seed=1)
    problem = TeacherStudent(teacher, 5, 2)
    setting = NetworkSetting(PopulationLoss(problem), 2)
    downs = [descend(setting.objective, way) for way in _corner(problem).ways]
    # A way so shallow that its descent comes to rest before it falls is no end.
    downs = [down for down in downs if down.status is DescentStatus.MINIMUM]
    start, end = (
        setting.weights(choose(downs, key=lambda down: down.value).x) for choose in (min, max)
    )
    options = ConnectOptions(join=JoinOptions(improve=4))
    path = connect(problem, start, end, seed=0, options=options)
    assert path.verified
    assert path.kind == "corner"
    corner = max(path.transition_states, key=lambda state: state.loss)
    assert corner.zero_neurons == 1
    assert corner.index == 0
    assert corner.grad_norm <= 1e-12
    assert corner.loss == path.highest_loss
    assert path.losses.max() <= corner.loss + path.profile_tolerance
    assert path.barrier_from > 0
    assert path.barrier_to > 0
    for state in path.transition_states:
        assert state.zero_neurons or state.index == 1


def _corner(problem: TeacherStudent) -> Pass:
    """The corner of four neurons that is a pass between a global minimum and a spurious one."""
    narrower = WeightObjective(PopulationLoss(problem.with_width(4)))
    setting = NetworkSetting(PopulationLoss(problem), 2)
    rng = np.random.default_rng(0)
    for _ in range(40):
        rest = ascend(narrower, rng.normal(size=8) * 0.6, AscentOptions(index=0))
        if rest.converged:
            weights = np.vstack([narrower.weights(rest.x), [[1e-3, 0.0]]])
            for corner in setting.other_passes(weights.ravel()):
                if max(descend(setting.objective, way).value for way in corner.ways) > 1e-6:
                    return corner
    raise AssertionError("no start met the corner")


@pytest.mark.parametrize("vanishing", [2, 3])
def test_what_lies_below_a_corner_with_several_zero_neurons_hangs_together(vanishing: int) -> None:
    """A way from one region of descent to the other, below the corner all along.

    The first neuron is in one region; a second grows there, the first shrinks to zero, crosses,
    and grows in the other region while the second shrinks. So such a corner is no pass.
    """
    teacher = Teacher.random(5, dim=2, seed=1)
    problem = TeacherStudent(teacher, 5, 2)
    others = _corner(problem).x.reshape(5, 2)[:4]
    certificate = psi_min(problem.with_width(4), others)
    assert certificate.regions >= 2
    loss = PopulationLoss(problem.with_width(4 + vanishing))
    first, second = certificate.directions[:2, :2]
    size = 1e-3 * min(-certificate.slopes[:2])

    def place(one: Array, other: Array) -> Array:
        return np.vstack([others, one, other, np.zeros((vanishing - 2, 2))])

    nothing = np.zeros(2)
    here, there = size * first, size * second
    way = [
        place(*rows)
        for s in np.linspace(0.0, 1.0, 41)
        for rows in (
            (here, s * here),
            ((1 - s) * here, here),
            (s * there, here),
            (there, (1 - s) * here),
        )
    ]
    assert loss.value(np.array(way)).max() < float(loss.value(place(nothing, nothing)))
