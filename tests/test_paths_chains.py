"""Chains relax to the minimum-energy path of landscapes whose saddles are known.

Established on Mueller-Brown (highest saddle -40.6648, lower one -72.2489) and on rings: bands and
strings agree, refinement gives exact saddles, descents join the right minima, evaluations are
counted, and stepping by hand is the same as running.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from functions import MUELLER_BROWN_MINIMA, MUELLER_BROWN_SADDLES, bowl, mueller_brown, ring

from landtopo.errors import InvalidArgument
from landtopo.kernels.band import tangents
from landtopo.objective import Array
from landtopo.paths.band import ElasticBand
from landtopo.paths.chain import ChainStatus, Metric, Rule, begin, evenly_spaced, relax, step
from landtopo.paths.descent import DescentOptions, DescentStatus, descend, descend_both
from landtopo.paths.integrators import chebyshev_stages, chebyshev_step, rosenbrock_step
from landtopo.paths.optimiser import StepRule
from landtopo.paths.profile import interior_maxima, resolve, sample
from landtopo.paths.refine import refine
from landtopo.paths.string import StringMethod
from landtopo.points.evaluations import Counted

FIRST, _, LAST = MUELLER_BROWN_MINIMA[:, :2]
# Mueller-Brown has curvatures of 1000: in its metric the plane is about 40 across.
LONG = StepRule(longest=1.0)


def _line(count: int = 15) -> Array:
    return np.linspace(FIRST, LAST, count)


def _metric() -> Metric:
    return Metric.from_hessians(mueller_brown(), _line(3))


@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (0, 1)])
def test_a_hessian_that_is_not_finite_leaves_lengths_as_they_are(
    entry: float, place: tuple[int, int]
) -> None:
    objective = mueller_brown()

    def second(x: Array) -> Array:
        table = np.array(objective.hessian(x))
        table[place] = table[place[::-1]] = entry
        return table

    metric = Metric.from_hessians(replace(objective, second=second), _line(3))
    np.testing.assert_array_equal(metric.root, np.eye(2))
    np.testing.assert_array_equal(metric.inverse, np.eye(2))


RULES: dict[str, Rule] = {
    "band": ElasticBand(tolerance=0.02, climb_below=1.0, step_rule=LONG),
    "energy springs": ElasticBand(
        tolerance=0.02, climb_below=1.0, springs="energy", step_rule=LONG
    ),
    "doubly nudged": ElasticBand(
        tolerance=0.02, climb_below=1.0, doubly_nudged=True, step_rule=LONG
    ),
    "adaptive": ElasticBand(tolerance=0.02, climb_below=1.0, adapt_every=10, step_rule=LONG),
    "string": StringMethod(tolerance=0.02, step_rule=LONG),
    "growing string": StringMethod(tolerance=0.02, growing=True, step_rule=LONG),
}


@pytest.mark.parametrize("name", RULES)
def test_every_method_finds_both_saddles_of_mueller_brown(name: str) -> None:
    objective = mueller_brown()
    chain = relax(objective, _line(), RULES[name], metric=_metric())
    assert chain.status is ChainStatus.CONVERGED
    np.testing.assert_array_equal(chain.images[[0, -1]], [FIRST, LAST])
    refinement = refine(objective, chain.images)
    assert len(refinement.maxima) == 2
    for found, saddle in zip(refinement.maxima, MUELLER_BROWN_SADDLES, strict=True):
        assert found.ascent.converged
        assert not found.left
        np.testing.assert_allclose(found.ascent.x, saddle[:2], atol=2e-9)


def test_climbing_image_sits_on_the_saddle() -> None:
    rule = ElasticBand(tolerance=1e-5, climb_below=1.0, step_rule=LONG, max_steps=2000)
    chain = relax(mueller_brown(), _line(), rule, metric=_metric())
    assert chain.climbing
    # A force of 1e-5 in the metric, through curvatures of order one, displaces by about as much.
    assert chain.values.max() == pytest.approx(MUELLER_BROWN_SADDLES[0, 2], abs=1e-6)


def test_adaptive_band_adds_images_near_the_top() -> None:
    rule = ElasticBand(images=7, tolerance=0.02, climb_below=1.0, adapt_every=5, step_rule=LONG)
    chain = relax(mueller_brown(), _line(), rule, metric=_metric())
    assert chain.images.shape[0] > 7
    assert sample(mueller_brown(), chain.images).values.max() == pytest.approx(-40.66, abs=0.3)


def test_growing_string_begins_at_its_ends() -> None:
    rule = StringMethod(images=21, growing=True, tolerance=0.05, step_rule=LONG)
    chain = begin(mueller_brown(), _line(), rule, metric=_metric())
    assert chain.images.shape[0] == 4
    assert relax(mueller_brown(), _line(), rule, metric=_metric()).images.shape[0] == 21


def test_stepping_by_hand_is_running() -> None:
    objective, rule = mueller_brown(), RULES["band"]
    chain = begin(objective, _line(), rule, metric=_metric())
    for _ in range(12):
        chain = step(objective, chain, rule)
    short = ElasticBand(max_steps=12, tolerance=0.02, climb_below=1.0, step_rule=LONG)
    np.testing.assert_array_equal(
        chain.images, relax(objective, _line(), short, metric=_metric()).images
    )


def test_evaluations_are_counted() -> None:
    counted = Counted(mueller_brown())
    chain = relax(counted, _line(), RULES["adaptive"], metric=Metric.euclidean(2))
    assert counted.evaluations == chain.evaluations
    assert chain.evaluations.hessian == 0


def test_tangent_points_to_the_higher_neighbour() -> None:
    images = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [2.0, 1.0], [2.0, 2.0]])
    along = tangents(images, np.array([0.0, 1.0, 2.0, 1.0, 0.5]))
    np.testing.assert_allclose(along[0], [0, 1])
    np.testing.assert_allclose(along[2], [1, 0])
    # At the top both sides count; the neighbours are equally low here.
    np.testing.assert_allclose(along[1], np.array([1, 1]) / np.sqrt(2))


def test_images_are_spread_evenly() -> None:
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 3.0]])
    spread = evenly_spaced(corner, 9)
    np.testing.assert_allclose(spread[2], [1.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(np.diff(spread[2:, 1]), 0.5)


def test_ring_valley_is_followed_without_a_barrier() -> None:
    start = np.array([[np.cos(t), np.sin(t)] for t in (0.0, 2.0)])
    line = np.linspace(start[0], start[1], 11)
    assert ring().value(line).max() > 0.1
    chain = relax(ring(), line, StringMethod(images=11, tolerance=1e-6))
    # The value is the square of the distance from the valley, the force is of first order in it.
    assert chain.values.max() < 1e-10


def test_tilted_ring_has_the_barrier_of_its_cubic() -> None:
    """Saddle and minimum are roots of t^3 - t + tilt = 0."""
    tilt = 0.05
    low, _, high = np.sort(np.roots([1.0, 0.0, -1.0, tilt]).real)
    objective = ring(tilt)
    angles = np.linspace(0.2, 2 * np.pi - 0.2, 25)
    guess = low * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    chain = relax(objective, guess, ElasticBand(tolerance=1e-4))
    (top,) = refine(objective, chain.images).maxima
    np.testing.assert_allclose(top.ascent.x, [high, 0.0], atol=1e-12)
    assert top.ascent.value == pytest.approx((high**2 - 1) ** 2 / 4 + tilt * high, abs=1e-14)
    sides = descend_both(objective, top.ascent.x, top.ascent.spectrum.vectors[:, 0])
    for side in sides:
        np.testing.assert_allclose(side.x, [low, 0.0], atol=1e-12)


@pytest.mark.parametrize("row", [0, 1])
def test_descents_join_the_right_minima(row: int) -> None:
    """In Mueller-Brown the upper saddle joins the first and second minimum, the lower the rest."""
    objective = mueller_brown()
    x = MUELLER_BROWN_SADDLES[row, :2]
    values, vectors = np.linalg.eigh(objective.hessian(x))
    assert values[0] < 0
    ends = descend_both(objective, x, vectors[:, 0], DescentOptions(push=1e-4))
    reached = {int(np.argmin(np.abs(MUELLER_BROWN_MINIMA[:, 0] - end.x[0]))) for end in ends}
    assert reached == {row, row + 1}
    for end in ends:
        assert end.status is DescentStatus.MINIMUM
        assert end.gradient_norm <= 1e-12
        assert end.smallest_eigenvalue > 0
        # Newton only finishes: the flow itself has come close.
        assert end.newton_shift < 0.1
        assert np.all(np.diff(objective.value(end.points)) < 0)


def test_chebyshev_steps_are_of_second_order_and_stable_when_stiff() -> None:
    objective = bowl(np.array([1.0, 400.0]))
    x = np.array([1.0, 0.0])
    errors = []
    for h in (0.2, 0.1, 0.05):
        slope = -objective.value_and_gradient(x)[1]
        errors.append(abs(chebyshev_step(objective, x, slope, h, 16).x[0] - np.exp(-h)))
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    # The local error of a method of order two falls like h^3.
    np.testing.assert_allclose(orders, 3.0, atol=0.2)
    # h * 400 = 80 is forty times what Euler's rule survives.
    x = np.array([1.0, 1.0])
    slope = -objective.value_and_gradient(x)[1]
    step = chebyshev_step(objective, x, slope, 0.2, chebyshev_stages(80.0))
    assert abs(step.x[1]) < 1.0


def test_rosenbrock_steps_are_of_third_order_and_know_no_stiffness() -> None:
    # On the ring r' = r (1 - r^2), so r^2 / (1 - r^2) grows like e^(2 t).
    x = np.array([0.3, 0.4])
    ratio = 0.25 / 0.75
    errors = []
    for h in (0.04, 0.02, 0.01):
        step = rosenbrock_step(ring(), x, -ring().value_and_gradient(x)[1], h, ring().hessian(x))
        assert step is not None
        grown = ratio * np.exp(2 * h)
        errors.append(abs(np.hypot(*step.x) - np.sqrt(grown / (1 + grown))))
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    # The local error of a method of order three falls like h^4.
    np.testing.assert_allclose(orders, 4.0, atol=0.3)
    stiff = bowl(np.array([1.0, 1e6]))
    x = np.ones(2)
    step = rosenbrock_step(stiff, x, -stiff.value_and_gradient(x)[1], 1.0, stiff.hessian(x))
    assert step is not None
    assert abs(step.x[1]) < 1e-5
    # A mode that grows by more than e^2.3 in one step is not followed.
    hill = bowl(np.array([1.0, -4.0]))
    assert rosenbrock_step(hill, x, -hill.value_and_gradient(x)[1], 1.0, hill.hessian(x)) is None


def test_descent_follows_the_flow_of_a_quadratic() -> None:
    """In a bowl the flow conserves x_1^b / x_2^a: compare with the exact curve."""
    curvatures = np.array([1.0, 3.0])
    start = np.array([1.0, 1.0])
    down = descend(bowl(curvatures), start, DescentOptions(error=1e-6))
    inner = down.points[(down.times > 0) & (down.points[:, 0] > 0.2)]
    np.testing.assert_allclose(inner[:, 1], inner[:, 0] ** 3, atol=2e-4)


def test_descent_rests_in_a_flat_valley() -> None:
    down = descend(ring(), np.array([0.3, 0.1]))
    assert down.status is DescentStatus.FLAT
    # The flow is radial: the angle does not change.
    assert np.arctan2(down.x[1], down.x[0]) == pytest.approx(np.arctan2(0.1, 0.3), abs=1e-6)


def test_the_caller_can_recognise_the_end() -> None:
    target = np.array([1.0, 0.0])
    down = descend(
        ring(),
        np.array([0.5, 0.0]),
        accept=lambda x: target if np.linalg.norm(x - target) < 0.2 else None,
    )
    assert down.status is DescentStatus.ACCEPTED
    np.testing.assert_array_equal(down.x, target)


def test_maxima_hidden_between_images_are_seen() -> None:
    """Images at the nodes of a wave show nothing of it."""
    objective = bowl(np.array([-1.0]))
    profile = sample(objective, np.array([[-1.0], [-0.4], [0.5], [1.0]]), per_piece=16)
    (top,) = interior_maxima(profile.values)
    assert abs(profile.points[top, 0]) < 0.05


def test_interior_maxima_handle_plateaus_and_ties() -> None:
    assert interior_maxima(np.array([0.0, 1.0, 1.0, 0.0])) == [1]
    assert interior_maxima(np.array([0.0, 1.0, 0.0, 1.0, 0.0])) == [1, 3]
    assert interior_maxima(np.array([0.0, 1.0, 2.0])) == []
    assert interior_maxima(np.array([0.0, 1.0, 0.9, 2.0, 0.0]), floor=0.5) == [3]


def test_resolved_profile_hides_nothing() -> None:
    objective = mueller_brown()
    rough = relax(objective, _line(), RULES["string"], metric=_metric()).images
    profile = resolve(objective, rough)
    fine = np.vstack(
        [np.linspace(a, b, 200) for a, b in zip(profile.points, profile.points[1:], strict=False)]
    )
    assert objective.value(fine).max() <= profile.values.max() + 1e-10


def test_chains_refuse_a_wrong_shape() -> None:
    with pytest.raises(InvalidArgument, match="'images' argument of begin must have shape"):
        begin(mueller_brown(), np.zeros((2, 2)), ElasticBand())
