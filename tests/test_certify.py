"""What is established: certificates are true and honest.

The enclosures contain what independent formulas give at random points of the box, also where a
student passes its teacher; the proved radius holds against roots found by mpmath; spectra and
losses agree with closed forms and published numbers; points that are not isolated are refused.
"""

from __future__ import annotations

import math
import sys

import mpmath
import numpy as np
import pytest

from landtopo.errors import InvalidArgument, LandtopoError
from landtopo.kernels import precise
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.points.records import Kind
from landtopo.proofs.certification import (
    Certificate,
    CertificateStatus,
    CertifyOptions,
    KrawczykTest,
    certify,
)
from landtopo.proofs.enclosures import (
    Network,
    box,
    lower,
    matrix,
    midpoints,
    networks,
    radii,
    upper,
)
from landtopo.proofs.kernels import LeakyKernel, NetworkFunction

flint = pytest.importorskip("flint")


def _framed(teacher, columns):
    return np.hstack([teacher.vectors, np.zeros((teacher.size, columns - teacher.rank))])


def _polished(teacher, W, steps=12):
    """Newton's method on the precise gradient; null directions are left alone."""
    V = _framed(teacher, W.shape[1])
    for _ in range(steps):
        values, vectors = np.linalg.eigh(midpoints(Network(matrix(W), matrix(V)).hessian()))
        keep = np.abs(values) > 1e-9
        slope = vectors[:, keep].T @ precise.gradient(W, V).ravel()
        W = W - (vectors[:, keep] @ (slope / values[keep])).reshape(W.shape)
    return W


def _spurious(size, anti_aligned):
    """The orthonormal teacher's minimum with its first neurons anti-aligned."""
    teacher = Teacher.orthonormal(size)
    loss = PopulationLoss(TeacherStudent(teacher, size))
    W = np.eye(size) + 0.05 * np.random.default_rng(0).standard_normal((size, size))
    W[range(anti_aligned), range(anti_aligned)] = -0.5
    for _ in range(1500):
        W = W - 0.3 * loss.gradient(W)
    return teacher, _polished(teacher, W)


def _contains(balls, values, slack):
    return all(
        lower(ball) - slack <= value <= upper(ball) + slack
        for ball, value in zip(balls.entries(), np.ravel(values).tolist(), strict=True)
    )


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("radius", [0.0, 1e-9, 1e-4, 1e-2])
def test_enclosures_contain_the_functions(radius, parallel):
    rng = np.random.default_rng(1)
    teacher = Teacher.random(3, dim=4, seed=2)
    loss = PopulationLoss(TeacherStudent(teacher, 3))
    centre = rng.standard_normal((3, teacher.rank))
    if parallel:
        centre[0], centre[1] = teacher.vectors[0], -2 * teacher.vectors[1]
    with flint.ctx.workprec(128):
        around = Network(box(centre, radius), matrix(teacher.vectors))
        hessian, value = around.hessian(), around.loss()
        gradient, block = around.gradient(), around.normal_block()
    for _ in range(20):
        W = centre + radius * rng.uniform(-1, 1, centre.shape)
        W[2] = centre[2] + radius * rng.choice([-1, 1], centre.shape[1])
        # Roundings of the compared doubles, whose entries are of order one.
        assert _contains(gradient, precise.gradient(W, teacher.vectors), 1e-15)
        assert _contains(hessian, loss.hessian(W), 1e-14)
        assert _contains(block, loss.normal_block(W), 1e-14)
        assert _contains(flint.arb_mat([[value]]), precise.value(W, teacher.vectors), 1e-15)
    # Not uselessly wide: first order in the box, with constants from dependent balls.
    assert radii(hessian).max() <= 100 * radius + 1e-30


def test_spurious_minimum_of_six_neurons():
    # Safran, Yehudai, Shamir (2021): loss 0.0250805810, smallest eigenvalue 0.0047003547.
    teacher, W = _spurious(6, 1)
    certificate = certify(TeacherStudent(teacher, 6), W)
    assert certificate.status is CertificateStatus.CERTIFIED
    assert certificate.kind is Kind.MINIMUM
    assert certificate.index == certificate.index_in_span == certificate.index_normal == 0
    assert certificate.radius < 1e-15
    assert 1e-7 < certificate.isolation < 1
    assert certificate.contraction < 1
    low, high = certificate.loss_bounds
    assert low <= high < low + 1e-16
    assert low == pytest.approx(0.0250805810, abs=6e-11)
    bounds = certificate.eigenvalue_bounds
    assert bounds.shape == (36, 2)
    assert bounds[0, 0] == pytest.approx(0.0047003547, abs=6e-11)
    assert np.all(bounds[:, 0] <= bounds[:, 1])
    assert np.max(bounds[:, 1] - bounds[:, 0]) < 1e-12
    hessian = PopulationLoss(TeacherStudent(teacher, 6)).hessian(W)
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), bounds[:, 0], atol=1e-12)
    assert certificate.normal_bounds.shape == (6, 2)
    assert certificate.normal_multiplicity == 6
    with pytest.raises(ValueError, match="read-only"):
        certificate.weights[0, 0] = 1.0


@pytest.mark.parametrize("anti_aligned", [1, 2])
def test_ten_neurons(anti_aligned):
    teacher, W = _spurious(10, anti_aligned)
    certificate = certify(TeacherStudent(teacher, 10, dim=12), W)
    assert certificate.kind is Kind.MINIMUM
    loss, smallest = {1: (0.018702195, 0.03196403), 2: (0.035326880, 0.01599208)}[anti_aligned]
    assert certificate.loss_bounds[1] == pytest.approx(loss, abs=1e-9)
    assert certificate.eigenvalue_bounds[0, 0] == pytest.approx(smallest, abs=1e-8)
    assert certificate.normal_multiplicity == 2


def test_global_minimum_where_every_student_is_parallel_to_a_teacher():
    certificate = certify(TeacherStudent(Teacher.orthonormal(5), 5), np.eye(5))
    assert certificate.kind is Kind.MINIMUM
    assert certificate.loss_bounds[0] == 0.0
    assert certificate.loss_bounds[1] < 1e-30
    low, high = certificate.eigenvalue_bounds.T
    for value, multiplicity in ((0.25 - 0.5 / np.pi, 10), (0.25 + 0.5 / np.pi, 5)):
        inside = (low <= value + 1e-16) & (high >= value - 1e-16)
        assert inside.sum() == multiplicity
    np.testing.assert_allclose(certificate.normal_bounds[:4], 0.25, atol=1e-15)
    np.testing.assert_allclose(certificate.normal_bounds[4], 1.5, atol=1e-15)
    teacher = Teacher.random(3, dim=5, seed=4)
    turned = np.hstack([teacher.vectors[::-1], np.full((3, 2), 1e-12)])
    certificate = certify(TeacherStudent(teacher, 3, dim=5), turned)
    assert certificate.kind is Kind.MINIMUM
    assert 0 < certificate.dropped < 1e-11
    assert certificate.weights.shape == (3, 3)


def test_radius_and_isolation_hold_against_mpmath():
    # One student and three teachers in general position, in 40 digits.
    teacher = Teacher.random(3, dim=3, seed=7)
    W = _polished(teacher, teacher.vectors.sum(axis=0, keepdims=True), 25)
    V = mpmath.matrix(teacher.vectors.tolist())

    def gradient(*w):
        square = mpmath.fdot(w, w)
        total = [x / 2 for x in w]
        for m in range(3):
            v = [V[m, i] for i in range(3)]
            other, cosine = mpmath.fdot(v, v), mpmath.fdot(w, v)
            sine = mpmath.sqrt(square * other - cosine**2)
            opposite = mpmath.pi - mpmath.atan2(sine, cosine)
            for i in range(3):
                total[i] -= (sine / square * w[i] + opposite * v[i]) / (2 * mpmath.pi)
        return total

    with mpmath.workdps(40):
        root = mpmath.findroot(gradient, [mpmath.mpf(x) for x in W[0].tolist()])
        problem = TeacherStudent(teacher, 1)
        for noise in (0.0, 1e-9, 1e-5):
            start = W + noise * np.array([[1.0, -0.5, 0.7]])
            certificate = certify(problem, start)
            assert certificate.kind is Kind.MINIMUM
            distance = max(abs(root[i] - mpmath.mpf(float(start[0, i]))) for i in range(3))
            assert distance <= certificate.radius <= 4 * noise + 1e-15
            loss = precise.value(W, teacher.vectors)
            assert certificate.loss_bounds[0] - 1e-16 <= loss <= certificate.loss_bounds[1] + 1e-16
    assert certify(problem, W + 0.5).status is CertificateStatus.NOT_PROVED


@pytest.mark.parametrize(("dim", "index"), [(2, 1), (3, 2), (None, 3)])
def test_saddle_in_the_span(dim, index):
    # K = M = 2: the lowest saddle if d = 2; one negative eigenvalue more for every direction else.
    teacher = Teacher.orthonormal(2)
    W = _polished(teacher, np.array([[1.068, 1.068], [-0.068, -0.068]]))
    certificate = certify(TeacherStudent(teacher, 2, dim), W)
    assert certificate.kind is Kind.SADDLE
    assert certificate.index_in_span == 1
    assert certificate.index == index
    assert certificate.loss_bounds[0] == pytest.approx(0.0861788, abs=1e-7)


def test_transition_state_outside_the_span():
    # K = M = 2 and d >= 3: 0.0736129, with a rotation (gauge) mode for d >= 4.
    teacher = Teacher.orthonormal(2)
    W = _polished(teacher, np.array([[0.525, 0.525, -0.409], [0.525, 0.525, 0.409]]))
    for dim, columns in ((3, 1), (4, 2), (None, 2)):
        rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((columns, columns)))[0]
        given = np.hstack([W, np.zeros((2, columns - 1))])
        given[:, 2:] = given[:, 2:] @ rotation
        certificate = certify(TeacherStudent(teacher, 2, dim), given)
        assert certificate.status is CertificateStatus.CERTIFIED
        assert certificate.kind is Kind.SADDLE
        assert certificate.index == 1
        assert certificate.weights.shape == (2, 3)
        assert certificate.eigenvalue_bounds.shape == (6, 2)
        assert certificate.normal_bounds.shape == (1, 2)
        assert certificate.loss_bounds[0] == pytest.approx(0.0736129, abs=1e-7)


def test_two_directions_outside_the_span():
    # K = M = 3: a point that uses two outer directions; one rotation between them is gauge.
    teacher = Teacher.orthonormal(3)
    start = [[0.358] * 3 + [0.294, 0.509], [0.358] * 3 + [0.294, -0.509], [0.358] * 3 + [-0.587, 0]]
    W = _polished(teacher, np.array(start))
    certificate = certify(TeacherStudent(teacher, 3), W)
    assert certificate.status is CertificateStatus.CERTIFIED
    assert certificate.eigenvalue_bounds.shape == (14, 2)
    assert certificate.normal_bounds.shape == (1, 2)
    # The same spectrum with the gauge direction's zero left in.
    values = np.linalg.eigvalsh(PopulationLoss(TeacherStudent(teacher, 3)).hessian(W))
    smallest = np.argmin(np.abs(values))
    assert abs(values[smallest]) < 1e-12
    np.testing.assert_allclose(
        np.delete(values, smallest), certificate.eigenvalue_bounds[:, 0], atol=1e-11
    )
    assert certificate.index_in_span == np.sum(values < -1e-9)


def test_points_that_are_not_isolated_are_refused():
    teacher, W = _spurious(6, 1)
    problem = TeacherStudent(teacher, 7)
    zero = certify(problem, np.vstack([W, np.zeros((1, 6))]))
    assert zero.status is CertificateStatus.ZERO_NEURON
    split = certify(problem, np.vstack([W[:5], 0.3 * W[5], 0.7 * W[5]]))
    assert split.status is CertificateStatus.PARALLEL_NEURONS
    nearly = np.vstack([W[:5], 0.3 * W[5] + 1e-9, 0.7 * W[5]])
    strict = CertifyOptions(parallel_angle=0.0)
    assert certify(problem, nearly, strict).status is CertificateStatus.NOT_PROVED
    for refused in (zero, split):
        assert isinstance(refused, Certificate)
        assert refused.kind is Kind.UNDECIDED
        assert refused.index is None
        assert refused.eigenvalue_bounds.shape == (0, 2)
        assert refused.radius == np.inf


def test_arguments_and_missing_package(monkeypatch):
    problem = TeacherStudent(Teacher.orthonormal(3), 3, dim=3)
    with pytest.raises(InvalidArgument, match="'weights' argument of certify must have shape"):
        certify(problem, np.eye(3, 4))
    with pytest.raises(InvalidArgument, match="'weights' argument of certify must be finite"):
        certify(problem, np.full((3, 3), np.inf))
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(LandtopoError, match="need the package python-flint"):
        certify(problem, np.eye(3))


@pytest.mark.parametrize("slope", [-0.7, 0.0, 0.3])
def test_enclosures_of_leaky_relu_hold_what_its_kernels_compute(slope):
    """Up to the rounding of the kernels; the frame of the teacher is widened by what is used."""
    teacher = Teacher.random(3, seed=4)
    weights = np.random.default_rng(1).normal(size=(3, 5))
    problem = TeacherStudent(teacher, 3, activation=f"leaky:{slope}")
    loss = PopulationLoss(problem)
    function = NetworkFunction(LeakyKernel(slope))
    found = networks(matrix(teacher.vectors), function)(matrix(weights))
    pairs = (
        (found.gradient(), loss.gradient(weights).reshape(-1, 1)),
        (found.hessian(), loss.hessian(weights).reshape(15, 15)),
        (found.normal_block(), loss.normal_block(weights)),
    )
    for balls, values in pairs:
        assert np.abs(midpoints(balls) - values).max() < 1e-14
        assert radii(balls).max() < 1e-13
    assert abs(float(found.loss().mid()) - loss.value(weights)) < 1e-14


def test_isolation_ends_where_columns_outside_could_be_used():
    """K = 1, M = 2: A = 1/2 - sin(pi/4) / (pi |w|) vanishes at |w| = sqrt(2) / pi.

    There a part outside the span begins at no cost, and nothing of the kind can be excluded.
    """
    frame = np.eye(2)
    critical = math.sqrt(2) / math.pi

    def isolation(length, spare, size=1e-2):
        centre = np.full((1, 2), length / math.sqrt(2))
        with flint.ctx.workprec(128):
            test = KrawczykTest(matrix(centre), networks(matrix(frame)), 2, [])
            return test._isolation(spare, 0.0, size)

    assert isolation(critical, 1) == 0.0
    for spare in (1, 7):
        near = isolation(critical + 1e-3, spare)
        assert 0 < near < 1e-3
    # Without room outside there is nothing to exclude, and far from it nothing to give up.
    assert isolation(critical, 0) == 1e-2
    assert isolation(2.0, 1) == 1e-2


def test_isolation_holds_in_all_dimensions_where_outer_columns_are_used():
    """The saddle of K = M = 2 outside the span: in d >= 4 further columns are excluded too."""
    teacher = Teacher.orthonormal(2)
    W = _polished(teacher, np.array([[0.525, 0.525, -0.409], [0.525, 0.525, 0.409]]))
    certificate = certify(TeacherStudent(teacher, 2), W)
    assert certificate.isolation > 1e-6
    objective = WeightObjective(PopulationLoss(TeacherStudent(teacher, 2)), columns=4)
    generator = np.random.default_rng(0)
    for _ in range(20):
        # A point that is near, uses a further column and has the pivot's zeros is not critical.
        near = np.hstack([certificate.weights, np.zeros((2, 1))])
        near[:, :3] += certificate.isolation * generator.uniform(-1, 1, (2, 3))
        pivot = int(np.argmax(np.abs(certificate.weights[:, 2])))
        near[1 - pivot, 3] = certificate.isolation * generator.uniform(0.1, 1)
        gradient = objective.value_and_gradient(near.ravel())[1].reshape(2, 4)
        assert np.linalg.norm(gradient[:, 3]) > 1e-3 * abs(near[1 - pivot, 3])
