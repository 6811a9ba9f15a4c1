"""Null directions of test functions with known flat sets are told apart: flat, curved, small.

The functions know their own valleys: rings and tori of given radii, troughs with given powers, and
random smooth functions sum_i |h_i(x)|^p_i that vanish exactly on the manifold h = 0.
"""

from __future__ import annotations

import numpy as np
import pytest

from landtopo.flat.correct import correct
from landtopo.flat.growth import fit_power_law
from landtopo.flat.local import DirectionKind, LocalReport, local_report
from landtopo.flat.null_space import spectral_cut
from landtopo.flat.rank_test import FlatOptions
from landtopo.flat.trace import TraceOptions, TraceStop, trace
from landtopo.objective import Array, SmoothFunction


def examine(function: SmoothFunction, x: Array, seed: int = 0) -> LocalReport:
    return local_report(function, x, rng=np.random.default_rng(seed))


def sum_of_powers(size, terms, powers) -> SmoothFunction:
    """sum_i |h_i|^p_i; `terms(x)` gives values (m,), gradients (m, n) and Hessians (m, n, n)."""
    p = np.array(powers, dtype=float)

    def value(x):
        return float(np.sum(np.abs(terms(x)[0]) ** p))

    def gradient(x):
        h, slopes, _ = terms(x)
        return (p * np.abs(h) ** (p - 1) * np.sign(h)) @ slopes

    def hessian(x):
        h, slopes, curvatures = terms(x)
        first = p * np.abs(h) ** (p - 1) * np.sign(h)
        second = p * (p - 1) * np.abs(h) ** (p - 2)
        return (slopes.T * second) @ slopes + np.einsum("m,mij->ij", first, curvatures)

    return SmoothFunction(size=size, function=value, derivative=gradient, second=hessian)


def ring(radius: float = 1.0) -> SmoothFunction:
    """Zero on a circle in three dimensions."""

    def terms(x):
        h = np.array([x[0] ** 2 + x[1] ** 2 - radius**2, x[2]])
        slopes = np.array([[2 * x[0], 2 * x[1], 0.0], [0.0, 0.0, 1.0]])
        return h, slopes, np.array([np.diag([2.0, 2.0, 0.0]), np.zeros((3, 3))])

    return sum_of_powers(3, terms, [2, 2])


def torus(first: float = 1.0, second: float = 0.5) -> SmoothFunction:
    """Zero on the product of two circles in four dimensions."""

    def terms(x):
        h = np.array([x[0] ** 2 + x[1] ** 2 - first**2, x[2] ** 2 + x[3] ** 2 - second**2])
        slopes = np.array([[2 * x[0], 2 * x[1], 0, 0], [0, 0, 2 * x[2], 2 * x[3]]])
        return h, slopes, np.array([np.diag([2.0, 2, 0, 0]), np.diag([0, 0, 2.0, 2])])

    return sum_of_powers(4, terms, [2, 2])


def linear(rows, powers) -> SmoothFunction:
    matrix = np.array(rows, dtype=float)
    m, n = matrix.shape
    return sum_of_powers(n, lambda x: (matrix @ x, matrix, np.zeros((m, n, n))), powers)


def planted(size: int, powers: list[int], seed: int) -> tuple[SmoothFunction, Array]:
    """A random curved valley of dimension size - len(powers), and a point of it."""
    rng = np.random.default_rng(seed)
    m = len(powers)
    slope = np.linalg.qr(rng.standard_normal((size, m)))[0].T * rng.uniform(0.5, 2, m)[:, None]
    bend = 0.3 * rng.standard_normal((m, size, size))
    bend = bend + bend.transpose(0, 2, 1)
    point = rng.standard_normal(size)

    def terms(x):
        d = x - point
        h = slope @ d + np.einsum("mij,i,j->m", bend, d, d) / 2
        return h, slope + bend @ d, bend

    return sum_of_powers(size, terms, powers), point


def exponents(report: LocalReport) -> list[float]:
    return sorted(
        row.growth.exponent
        for row in report.directions
        if row.growth is not None and row.kind is DirectionKind.CURVED
    )


@pytest.mark.parametrize("radius", [0.7, 1.0, 3.0])
def test_ring_closes_after_its_circumference(radius):
    function = ring(radius)
    report = examine(function, radius * np.array([0.6, 0.8, 0.0]))
    assert report.flat_dimension == report.probe.dimension == report.null.nullity == 1
    (walk,) = report.directions[0].traces
    assert walk.stop is TraceStop.CLOSED
    # Chords of steps up to a fifth of the radius fall short of the circle by less than 1 %.
    assert walk.length == pytest.approx(2 * np.pi * radius, rel=0.01)
    assert np.linalg.norm(walk.points[:, :2], axis=1) == pytest.approx(radius, rel=1e-11)
    assert walk.loss_change < 1e-20
    assert not report.disagreements


def test_torus_has_two_flat_dimensions():
    report = examine(torus(), np.array([0.6, 0.8, 0.0, -0.5]))
    assert report.flat_dimension == 2
    assert [test.dimension for test in report.rank_tests] == [2, 2]
    assert not report.disagreements


@pytest.mark.parametrize("power", [3, 4, 6])
def test_a_trough_is_null_and_not_flat(power):
    function = linear([[1.0, 0, 0], [0, 1.0, 0], [0.0, 0, 1]], [2, 2, power])
    report = examine(function, np.zeros(3))
    assert report.null.nullity == 1
    assert report.flat_dimension == 0
    assert exponents(report) == pytest.approx([power], rel=1e-3)
    law = report.directions[0].growth.laws[0]
    assert law.coefficient == pytest.approx(1.0, rel=1e-3)


def test_a_falling_cubic_is_seen():
    """x^2 + y^3: the loss rises to one side and falls to the other."""
    function = SmoothFunction(
        size=2,
        function=lambda x: float(x[0] ** 2 + x[1] ** 3),
        derivative=lambda x: np.array([2 * x[0], 3 * x[1] ** 2]),
        second=lambda x: np.diag([2.0, 6 * x[1]]),
    )
    report = examine(function, np.zeros(2))
    grown = report.directions[0].growth
    assert grown.descends
    assert sorted(law.coefficient for law in grown.laws) == pytest.approx([-1, 1], rel=1e-6)


def test_a_bent_trough_is_relaxed_before_it_is_measured():
    """(x - y^2)^2 + y^4: along y alone the loss is 2 y^4, relaxed over x it is y^4."""

    def terms(x):
        h = np.array([x[0] - x[1] ** 2, x[1]])
        slopes = np.array([[1.0, -2 * x[1]], [0.0, 1.0]])
        return h, slopes, np.array([[[0, 0], [0, -2.0]], np.zeros((2, 2))])

    report = examine(sum_of_powers(2, terms, [2, 4]), np.zeros(2))
    law = report.directions[0].growth.laws[0]
    assert law.exponent == pytest.approx(4, abs=1e-3)
    assert law.coefficient == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(
    ("size", "powers"),
    [
        (5, [2, 2, 2]),
        (6, [2, 2, 2, 4]),
        (6, [2, 2, 3, 3]),
        (8, [2, 2, 2, 3, 4]),
        (5, [2, 2, 2, 3, 4]),
        (7, [2, 2, 2, 2, 4, 4]),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_valleys(size, powers, seed):
    function, point = planted(size, powers, seed)
    # Short traces: far away these polynomials are large, and so is their rounding.
    options = FlatOptions(trace=TraceOptions(longest_trace=1.0))
    report = local_report(function, point, rng=np.random.default_rng(seed), options=options)
    flat = size - len(powers)
    assert report.null.nullity == flat + sum(p > 2 for p in powers)
    assert report.flat_dimension == flat
    assert exponents(report) == pytest.approx([p for p in powers if p > 2], rel=0.02)
    assert not report.disagreements
    for row in report.directions:
        for walk in row.traces:
            # Every point of a trace is on the planted manifold.
            assert max(function.function(x) for x in walk.points) <= 1e-13
            assert walk.largest_gradient <= 1e-11


def test_crossing_valleys_are_no_manifold():
    """x^2 y^2 + z^2 vanishes on two lines that cross."""
    function = SmoothFunction(
        size=3,
        function=lambda x: float(x[0] ** 2 * x[1] ** 2 + x[2] ** 2),
        derivative=lambda x: np.array([2 * x[0] * x[1] ** 2, 2 * x[1] * x[0] ** 2, 2 * x[2]]),
        second=lambda x: np.array(
            [
                [2 * x[1] ** 2, 4 * x[0] * x[1], 0],
                [4 * x[0] * x[1], 2 * x[0] ** 2, 0],
                [0, 0, 2.0],
            ]
        ),
    )
    report = examine(function, np.zeros(3))
    assert report.null.nullity == 2
    assert report.count(DirectionKind.FLAT) == 2
    assert report.flat_dimension == 1
    assert "no manifold" in report.disagreements[0]
    away = examine(function, np.array([1.0, 0, 0]))
    assert (away.null.nullity, away.flat_dimension, away.disagreements) == (1, 1, ())


@pytest.mark.parametrize("factor", [0.3, 3e-3, 1e-4, 1e-5])
def test_a_small_eigenvalue_is_not_a_zero_one(factor):
    """x^2 + (factor y)^2 + z^4, with eigenvalues down to 2e-10 next to a zero one."""
    function = linear([[1.0, 0, 0], [0, factor, 0], [0, 0, 1]], [2, 2, 4])
    report = examine(function, np.zeros(3))
    assert report.null.nullity == 1
    assert report.flat_dimension == 0
    assert exponents(report) == pytest.approx([4], rel=1e-3)
    assert report.null.cut.smallest_nonzero == pytest.approx(2 * factor**2)
    assert report.disagreements == ()


def test_the_cut_needs_no_threshold():
    """The same gap is found whatever the scale of the spectrum, and at whatever height."""
    rng = np.random.default_rng(0)
    large = rng.uniform(1e-3, 1, 12)
    noise = np.abs(rng.standard_normal(5)) * 1e-15
    for scale in (1e-6, 1.0, 1e8):
        cut = spectral_cut(scale * np.concatenate([large, noise]), 17, resolved=1e-7 * scale)
        assert cut.nullity == 5
        assert cut.smallest_nonzero == pytest.approx(scale * large.min())
    badly_converged = np.concatenate([large, 2e-8 * (1 + rng.random(5))])
    assert spectral_cut(badly_converged, 17, resolved=1e-7).nullity == 5
    assert spectral_cut(large, 12, resolved=1e-7).nullity == 0
    everything = spectral_cut(np.zeros(4), 4, resolved=0.0)
    assert (everything.nullity, everything.gap) == (4, np.inf)


def test_gauge_is_taken_out_by_the_group_and_not_by_size():
    """The ring again, its symmetry declared: nothing is left to be flat."""

    class Declared:
        size = 3
        plain = ring()
        value = plain.value
        value_and_gradient = plain.value_and_gradient
        hessian = plain.hessian

        def gauge(self, x):
            return np.array([[-x[1], x[0], 0.0]]) / np.hypot(x[0], x[1])

    report = local_report(Declared(), np.array([0.6, 0.8, 0.0]), rng=np.random.default_rng(0))
    assert report.count(DirectionKind.GAUGE) == 1
    assert report.null.nullity == 0
    assert report.null.gauge_residual < 1e-14


def test_a_flat_segment_ends_where_the_loss_begins_to_rise():
    """y^2 + max(0, |x| - 1)^4 is flat for |x| <= 1."""

    def excess(x):
        return max(0.0, abs(x[0]) - 1.0)

    function = SmoothFunction(
        size=2,
        function=lambda x: float(x[1] ** 2 + excess(x) ** 4),
        derivative=lambda x: np.array([4 * excess(x) ** 3 * np.sign(x[0]), 2 * x[1]]),
        second=lambda x: np.diag([12 * excess(x) ** 2, 2.0]),
    )
    walk = trace(function, np.array([0.2, 0.0]), np.array([1.0, 0.0]))
    assert walk.stop is TraceStop.END
    # Beyond the end a gradient of 1e-11 is reached after (1e-11 / 4)^(1/3) = 1.4e-4.
    assert 0.8 <= walk.length <= 0.8 + 2e-4


def test_a_trace_stops_at_corners_and_at_its_limit():
    function = linear([[0.0, 1.0]], [2])
    start, direction = np.array([0.3, 0.0]), np.array([1.0, 0.0])

    def distance(x):
        return np.array([abs(x[0] - 2.0), abs(x[0] + 5.0)])

    ahead = trace(function, start, direction, boundary=distance)
    assert (ahead.stop, ahead.corner) == (TraceStop.CORNER, 0)
    assert ahead.points[-1] == pytest.approx([2.0, 0.0], abs=1e-12)
    back = trace(function, start, -direction, boundary=distance)
    assert (back.stop, back.corner) == (TraceStop.CORNER, 1)
    free = trace(function, start, direction, options=TraceOptions(longest_trace=3.0))
    assert free.stop is TraceStop.LIMIT
    assert 3.0 <= free.length < 3.3


def test_a_curved_direction_is_not_traced_far():
    function = linear([[1.0, 0], [0, 1.0]], [2, 3])
    walk = trace(function, np.zeros(2), np.array([0.0, 1.0]))
    assert walk.stop is TraceStop.END
    assert walk.length < 1e-4


@pytest.mark.parametrize("power", [2, 3, 4])
def test_correction_returns_to_the_set_by_the_shortest_way(power):
    """From (2, 0.1) to the line y = 0 through a valley of any power, x unchanged."""
    function = linear([[0.0, 1.0]], [power])
    found = correct(function, np.array([2.0, 0.1]))
    assert found.x[0] == 2.0
    assert abs(found.x[1]) < 1e-3
    assert found.grad_norm < 1e-13


def test_power_laws_with_rounding():
    steps = np.geomspace(1e-4, 1e-1, 14)
    rng = np.random.default_rng(0)
    for power in (2, 3, 4):
        rounding = 1e-15
        slopes = 0.7 * power * steps ** (power - 1) * (1 + 0.5 * steps)
        law = fit_power_law(steps, slopes + rounding * rng.standard_normal(14), rounding)
        assert law.exponent == pytest.approx(power, abs=max(0.01, 3 * law.exponent_error))
        assert law.coefficient == pytest.approx(0.7, rel=0.01)
    nothing = fit_power_law(steps, 1e-16 * rng.standard_normal(14), 1e-15)
    assert np.isnan(nothing.exponent)
