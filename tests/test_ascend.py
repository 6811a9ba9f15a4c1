"""Eigenvector following reaches critical points of the wanted index, and says when it does not.

Established on landscapes with textbook critical points: Mueller-Brown, Himmelblau, a ring whose
rotation is a gauge, and a function with a kink.
"""

from __future__ import annotations

import numpy as np
import pytest
from functions import MUELLER_BROWN_SADDLES, himmelblau, mueller_brown, ring

from landtopo.errors import InvalidArgument
from landtopo.objective import Array, SmoothFunction
from landtopo.points.ascend import AscentOptions, AscentStatus, ascend, soft_mode_starts
from landtopo.points.spectrum import spectrum, without_gauge


@pytest.mark.parametrize("saddle", MUELLER_BROWN_SADDLES)
def test_mueller_brown_saddles(saddle: Array) -> None:
    found = ascend(mueller_brown(), saddle[:2] + np.array([0.06, -0.05]))
    assert found.status is AscentStatus.CONVERGED
    # The published coordinates have ten digits.
    np.testing.assert_allclose(found.x, saddle[:2], atol=2e-9)
    assert found.value == pytest.approx(saddle[2], abs=1e-6)
    assert found.gradient_norm <= 1e-12
    assert found.spectrum is not None
    assert found.spectrum.index == 1
    assert found.spectrum.nullity == 0


@pytest.mark.parametrize(("index", "count"), [(0, 4), (1, 4), (2, 1)])
def test_himmelblau_has_four_minima_four_saddles_one_maximum(index: int, count: int) -> None:
    """The nine critical points of Himmelblau's function, by index, from random starts."""
    rng = np.random.default_rng(0)
    objective = himmelblau()
    places = set()
    for _ in range(60):
        # A saddle search that starts outside the walls of the function climbs them for ever.
        found = ascend(objective, rng.uniform(-4, 4, 2), AscentOptions(index=index, steps=60))
        if found.converged:
            assert found.gradient_norm <= 1e-12
            places.add(tuple(np.round(found.x, 6)))
    assert len(places) == count


def test_soft_mode_starts_climb_out_of_a_minimum() -> None:
    objective = himmelblau()
    minimum = np.array([3.0, 2.0])
    reached = set()
    for start, direction in soft_mode_starts(objective, minimum, modes=2, amplitudes=(0.2, 0.5)):
        found = ascend(objective, start, direction=direction)
        if found.converged:
            reached.add(tuple(np.round(found.x, 3)))
    assert (3.385, 0.074) in reached
    assert (0.087, 2.884) in reached


def test_gauge_direction_is_taken_out_exactly() -> None:
    """A tilted ring turned about a third axis: two equal saddles become a circle of saddles."""

    class Surface:
        size = 3
        plane = ring(0.1)

        # f(x, sqrt(y^2 + z^2)): rotations of (y, z) change nothing.
        def _polar(self, x: Array) -> Array:
            return np.stack([x[..., 0], np.hypot(x[..., 1], x[..., 2])], axis=-1)

        def value(self, x: Array) -> Array:
            return self.plane.value(self._polar(x))

        def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
            value, g = self.plane.value_and_gradient(self._polar(x))
            unit = x[..., 1:] / np.linalg.norm(x[..., 1:], axis=-1, keepdims=True)
            return value, np.concatenate([g[..., :1], g[..., 1:] * unit], axis=-1)

        def hessian(self, x: Array) -> Array:
            h = 1e-5
            rows = []
            for e in np.eye(3):
                up, down = (self.value_and_gradient(x + s * h * e)[1] for s in (1, -1))
                rows.append((up - down) / (2 * h))
            return (np.array(rows) + np.array(rows).T) / 2

        def gauge(self, x: Array) -> Array:
            turn = np.array([0.0, -x[2], x[1]])
            return (turn / np.linalg.norm(turn))[None]

    surface = Surface()
    x = np.array([0.3, 0.5, -0.7])
    values, vectors = without_gauge(surface.hessian(x), surface.gauge(x))
    assert values.shape == (2,)
    assert np.abs(surface.gauge(x) @ vectors).max() < 1e-14
    projector = np.eye(3) - surface.gauge(x).T @ surface.gauge(x)
    expected = np.linalg.eigvalsh(projector @ surface.hessian(x) @ projector)
    np.testing.assert_allclose(np.sort(np.append(values, 0.0)), expected, atol=1e-13)


def test_flat_valley_counts_as_nullity_not_as_index() -> None:
    found = ascend(ring(), np.array([0.8, 0.4]), AscentOptions(index=0))
    assert found.converged
    assert np.hypot(*found.x) == pytest.approx(1.0, abs=1e-12)
    assert found.spectrum is not None
    assert (found.spectrum.index, found.spectrum.nullity) == (0, 1)
    assert found.spectrum.gap > 1e6


def test_many_coordinates_and_a_start_of_higher_index() -> None:
    """Double wells side by side: the index of a critical point is its number of zero coordinates.

    With so many coordinates the modes are improved from step to step instead of computed anew.
    """
    weights = np.linspace(1.0, 2.0, 150)
    wells = SmoothFunction(
        size=150,
        function=lambda x: float(np.sum(weights * (x**2 - 1) ** 2) / 4),
        derivative=lambda x: weights * (x**2 - 1) * x,
        second=lambda x: np.diag(weights * (3 * x**2 - 1)),
    )
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((150, 150)))[0]
    turned = SmoothFunction(
        size=150,
        function=lambda x: float(wells.value(turn @ x)),
        derivative=lambda x: turn.T @ wells.value_and_gradient(turn @ x)[1],
        second=lambda x: turn.T @ wells.hessian(turn @ x) @ turn,
    )
    place = np.sign(rng.standard_normal(150))
    place[[10, 70, 140]] = 0.0
    found = ascend(turned, turn.T @ (place + 0.01 * rng.standard_normal(150)))
    assert found.converged
    assert found.spectrum is not None
    assert found.spectrum.index == 1
    ends = np.abs(turn @ found.x)
    assert np.sum(ends < 1e-9) == 1
    np.testing.assert_allclose(ends[ends > 0.5], 1.0, atol=1e-12)
    # All that is not positive is in the spectrum, with its eigenvector.
    expected = np.linalg.eigvalsh(turned.hessian(found.x))
    known = found.spectrum.eigenvalues
    np.testing.assert_allclose(known, expected[: known.size], atol=1e-11)


def test_a_kink_is_reported() -> None:
    """|x| - y^2 has a ridge at x = 0 seen from one side: a jump of the gradient is no saddle."""
    kink = SmoothFunction(
        size=2,
        function=lambda x: float(abs(x[0]) + x[1] ** 2 / 2),
        derivative=lambda x: np.array([np.sign(x[0]), x[1]]),
        second=lambda x: np.diag([0.0, 1.0]),
    )
    found = ascend(kink, np.array([0.3, 0.2]), AscentOptions(index=0, steps=500))
    assert found.status in (AscentStatus.NOT_SMOOTH, AscentStatus.STEPS_USED)


def test_region_and_steps_limit_the_search() -> None:
    far = ascend(mueller_brown(), np.array([3.0, 3.0]), AscentOptions(steps=3))
    assert far.status is AscentStatus.STEPS_USED
    left = ascend(mueller_brown(), np.array([-0.55, 1.0]), AscentOptions(region=0.05))
    assert left.status is AscentStatus.LEFT_REGION
    assert len(left.points) > 1


def test_bad_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidArgument, match=r"'index' argument of AscentOptions must be"):
        AscentOptions(index=-1)
    with pytest.raises(InvalidArgument, match=r"'start' argument of ascend must have shape"):
        ascend(mueller_brown(), np.zeros(3))


def test_spectrum_gap_of_a_regular_point_is_infinite() -> None:
    assert spectrum(himmelblau(), np.array([3.0, 2.0])).gap == np.inf
