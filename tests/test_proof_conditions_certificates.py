"""Conditions of certificates, each tested where leaving it out proves something untrue.

A condition that holds at every point of a usual test is not tested by it. The points here are made
so that the condition decides.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.proofs.certification import CertificateStatus, CertifyOptions, KrawczykTest, certify
from landtopo.proofs.enclosures import lower, upper


def critical(teacher: Teacher, weights: Array) -> Array:
    """The critical point next to weights, by Newton's method."""
    loss = PopulationLoss(TeacherStudent(teacher, len(weights)))
    for _ in range(30):
        hessian = loss.hessian(weights).reshape(weights.size, weights.size)
        step = np.linalg.lstsq(hessian, loss.gradient(weights).ravel(), rcond=1e-9)[0]
        weights = weights - step.reshape(weights.shape)
    assert np.linalg.norm(loss.gradient(weights)) < 1e-14
    return weights


def in_span_saddle(correlation: float, start: list[list[float]]) -> tuple[TeacherStudent, Array]:
    """The saddle between the two labelled copies of the global minimum, K = M = 2."""
    teacher = Teacher.equicorrelated(2, correlation)
    return TeacherStudent(teacher, 2), critical(teacher, np.array(start))


@pytest.mark.parametrize("first_size", [2.0**-k for k in range(3, 9)])
def test_a_box_with_more_than_one_critical_point_is_never_certified(first_size: float) -> None:
    # At this correlation the saddle in the span is nearly degenerate outside of it, and two more,
    # mirror images of each other, lie close by. Which box is tried first is a guess and must not
    # matter for what is proved.
    problem, inside = in_span_saddle(-0.95, [[0.208, -0.269], [0.744, 0.319]])
    soft = np.linalg.eigh(PopulationLoss(problem).normal_block(inside))[1][:, :1]
    outside = critical(problem.teacher, np.hstack([inside, 0.5 * soft]))
    assert 0.1 < np.abs(outside[:, 2]).max() < 0.5
    cluster = [np.pad(inside, ((0, 0), (0, 1))), outside, outside * [1.0, 1.0, -1.0]]
    for root in cluster[:2]:
        columns = 3 if root[:, 2].any() else 2
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(KrawczykTest, "_first_size", lambda *_: first_size)
            proved = certify(problem, root[:, :columns] + 1e-7)
        centre = np.pad(proved.weights, ((0, 0), (0, 3 - columns)))
        distances = sorted(float(np.abs(centre - other).max()) for other in cluster)
        assert proved.contraction < 1
        assert distances[0] <= proved.radius < proved.isolation < distances[1]


@pytest.mark.parametrize("dim", [4, 7, None])
def test_an_index_is_not_proved_where_a_pivot_can_vanish(dim: int | None) -> None:
    # A saddle in the span that is unstable outside of it, and weights that leave the span a little
    # along the unstable direction n. In the coordinates that the weights use nothing is degenerate,
    # but n is no direction of the critical point's own: it counts once for each unused dimension.
    problem, inside = in_span_saddle(0.0, [[1.07, 1.07], [-0.07, -0.07]])
    problem = TeacherStudent(problem.teacher, 2, dim)
    values, vectors = np.linalg.eigh(PopulationLoss(problem).normal_block(inside))
    assert values[0] < -1 < 0 < values[1]
    truth = certify(problem, inside)
    assert truth.index == 1 + (2 if dim is None else dim - 2)
    astray = certify(problem, np.hstack([inside, 1e-8 * vectors[:, :1]]))
    assert astray.index in (None, truth.index)
    assert astray.index_normal in (None, 1)


@pytest.mark.parametrize("dim", [3, 4, 9, None])
def test_unused_directions_are_counted_once(dim: int | None) -> None:
    # The lowest saddle between the copies leaves the span wherever the dimension lets it.
    inside_problem, inside = in_span_saddle(-0.9, [[0.12, -0.298], [0.794, 0.402]])
    soft = np.linalg.eigh(PopulationLoss(inside_problem).normal_block(inside))[1][:, :1]
    outside = critical(inside_problem.teacher, np.hstack([inside, 0.4 * soft]))
    proved = certify(TeacherStudent(inside_problem.teacher, 2, dim), outside)
    assert proved.index == 1
    # Of the K or d - r directions outside of the span one is in use.
    assert proved.normal_multiplicity == (1 if dim is None else dim - 3)
    assert proved.normal_bounds.shape == (1, 2)


def test_turning_the_outer_columns_drops_only_what_is_not_used() -> None:
    problem, inside = in_span_saddle(0.0, [[1.07, 1.07], [-0.07, -0.07]])
    assert certify(problem, inside).dropped == 0.0
    outer = np.random.default_rng(0).standard_normal((2, 2))
    turned = certify(problem, np.hstack([inside, outer]))
    centre = turned.weights[:, 2:]
    # A rotation, with an exact zero above the second pivot.
    np.testing.assert_allclose(centre @ centre.T, outer @ outer.T, atol=1e-14)
    assert np.sum(centre == 0.0) == 1
    assert turned.dropped < 1e-15


def test_outer_columns_are_independent_in_the_whole_box() -> None:
    problem, inside = in_span_saddle(-0.9, [[0.12, -0.298], [0.794, 0.402]])
    soft = np.linalg.eigh(PopulationLoss(problem).normal_block(inside))[1][:, :1]
    outside = critical(problem.teacher, np.hstack([inside, 0.4 * soft]))
    # A second column that is no part of the critical point: the box must not reach zero there.
    proved = certify(problem, np.hstack([outside, 1e-8 * soft[::-1] * [[1.0], [-1.0]]]))
    assert proved.weights.shape == (2, 4)
    assert proved.isolation < np.abs(proved.weights[:, 3]).max()


@pytest.mark.parametrize("dim", [2, 3, 4, None])
def test_every_unused_dimension_counts_the_negative_normal_direction(dim: int | None) -> None:
    problem, inside = in_span_saddle(0.0, [[1.07, 1.07], [-0.07, -0.07]])
    proved = certify(TeacherStudent(problem.teacher, 2, dim), inside)
    assert (proved.index_in_span, proved.index_normal) == (1, 1)
    assert proved.index == 1 + (2 if dim is None else dim - 2)


@pytest.mark.parametrize("precision", [20, 21, 22, 24, 36, 38, 40, 44])
@pytest.mark.parametrize("soft_direction", ["normal", "in use"])
def test_coarse_arithmetic_leaves_signs_open_and_proves_nothing_false(
    precision: int, soft_direction: str
) -> None:
    # The lowest eigenvalue of the normal block in the span is -0.0009, and that of the saddle
    # outside of it, where the direction is in use, 0.00008.
    problem, point = in_span_saddle(-0.95, [[0.208, -0.269], [0.744, 0.319]])
    signs = (1, 1, 3)
    if soft_direction == "in use":
        soft = np.linalg.eigh(PopulationLoss(problem).normal_block(point))[1][:, :1]
        point, signs = critical(problem.teacher, np.hstack([point, 0.5 * soft])), (1, 0, 1)
    truth = certify(problem, point)
    assert (truth.index_in_span, truth.index_normal, truth.index) == signs
    coarse = certify(problem, point, CertifyOptions(precision=precision))
    found = (coarse.index_in_span, coarse.index_normal, coarse.index)
    for claimed, sign in zip(found, signs, strict=True):
        assert claimed in (None, sign)
    both = None not in found[:2]
    assert (coarse.index is not None) == both
    if np.isfinite(coarse.radius):
        ends = {True: CertificateStatus.CERTIFIED, False: CertificateStatus.SIGN_OPEN}
        assert coarse.status is ends[both]
    assert coarse.loss_bounds[0] <= truth.loss_bounds[1]
    assert coarse.loss_bounds[1] >= truth.loss_bounds[0]


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
def test_zero_and_parallel_neurons_are_told_at_any_scale(length: float) -> None:
    problem = TeacherStudent(Teacher.from_vectors(length * np.eye(2)), 2)

    def status(weights: list[list[float]]) -> CertificateStatus:
        return certify(problem, length * np.array(weights)).status

    options = CertifyOptions()
    short = options.zero_norm * np.array([0.9, 1.1])
    assert status([[1.0, 0.0], [0.0, short[0]]]) is CertificateStatus.ZERO_NEURON
    assert status([[1.0, 0.0], [0.0, short[1]]]) is not CertificateStatus.ZERO_NEURON
    near, far = options.parallel_angle * np.array([0.9, 1.1])
    for size in (0.2, 3.0):
        parallel, apart = [[1.0, 0.0], [size, size * near]], [[size, size * far], [1.0, 0.0]]
        assert status(parallel) is CertificateStatus.PARALLEL_NEURONS
        assert status(apart) is not CertificateStatus.PARALLEL_NEURONS


@pytest.mark.parametrize("denominator", [3, 5, 6, 7, 9, 11, 13, 49])
def test_ends_of_balls_are_rounded_outwards(denominator: int) -> None:
    flint = pytest.importorskip("flint")
    with flint.ctx.workprec(128):
        ball = flint.arb(1) / denominator
        wide = flint.arb(ball, 0.001)
    assert Fraction(lower(ball)) < Fraction(1, denominator) < Fraction(upper(ball))
    assert Fraction(upper(ball)) - Fraction(lower(ball)) < Fraction(1, 10**15)
    radius = Fraction(0.001)
    assert Fraction(lower(wide)) < Fraction(1, denominator) - radius
    assert Fraction(upper(wide)) > Fraction(1, denominator) + radius


def test_a_refused_certificate_claims_nothing() -> None:
    refused = certify(TeacherStudent(Teacher.orthonormal(2), 2), [[1.0, 0.3], [0.0, 1.0]])
    assert refused.status is CertificateStatus.NOT_PROVED
    assert (refused.radius, refused.isolation, refused.contraction) == (np.inf, 0.0, np.inf)
    assert refused.loss_bounds == (-np.inf, np.inf)
    assert refused.eigenvalue_bounds.shape == refused.normal_bounds.shape == (0, 2)
    assert refused.index is refused.index_in_span is refused.index_normal is None
    assert refused.kind is Kind.UNDECIDED


@pytest.mark.parametrize(
    ("inner", "normal", "multiplicity", "kind"),
    [
        ([[-2.0, -1.0], [-0.1, 0.1]], [[1.0, 2.0]], 1, Kind.SADDLE),
        ([[-0.1, 0.1], [1.0, 2.0]], [[1.0, 2.0]], 1, Kind.UNDECIDED),
        ([[-0.1, 0.1], [1.0, 2.0]], [[-2.0, -1.0]], 1, Kind.SADDLE),
        ([[-0.1, 0.1], [1.0, 2.0]], [[-2.0, -1.0]], 0, Kind.UNDECIDED),
        ([[-1.0, 0.0], [1.0, 2.0]], [[1.0, 2.0]], 1, Kind.UNDECIDED),
    ],
)
def test_one_proved_negative_eigenvalue_makes_a_saddle(
    inner: list[list[float]], normal: list[list[float]], multiplicity: int, kind: Kind
) -> None:
    proved = certify(TeacherStudent(Teacher.orthonormal(2), 2), np.eye(2))
    assert proved.kind is Kind.MINIMUM
    opened = dataclasses.replace(
        proved,
        index=None,
        eigenvalue_bounds=np.array(inner),
        normal_bounds=np.array(normal),
        normal_multiplicity=multiplicity,
    )
    assert opened.kind is kind
