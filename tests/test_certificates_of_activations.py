"""Proofs for other activations than ReLU: what is enclosed, what is proved, what is refused.

Enclosures of landtopo and of the checker are compared with quadrature to 30 digits, with finite
differences and with the compiled formulas; indices with the number of negative eigenvalues.
"""

from __future__ import annotations

import copy
import json
import sys
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as main

from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent

flint = pytest.importorskip("flint")

from landtopo.proofs.certificate_file import prove_point  # noqa: E402
from landtopo.proofs.certification import CertificateStatus, certify  # noqa: E402
from landtopo.proofs.enclosures import (  # noqa: E402
    Pair,
    box,
    lower,
    matrix,
    networks,
    radii,
    upper,
)
from landtopo.proofs.kernels import network_function  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "verification"))

import check_certificates as checker  # noqa: E402

ACTIVATIONS = ["leaky:0.3", "abs", "erf", "squared-relu", "quadratic"]


def _problem(activation, width=3):
    teacher = Teacher.random(2, dim=3, seed=2).with_function(activation, outputs=[1.0, -0.5])
    return TeacherStudent(teacher, width, outputs=[1.0, 2.0, -1.5][:width])


def _check(record):
    with flint.ctx.workprec(checker.BITS):
        return checker.Point(json.loads(json.dumps(record)))


def _theirs(problem, students):
    """The checker's network for rows of balls."""
    name, _, parameter = problem.teacher.activation.partition(":")
    alpha = {"abs": -1.0, "leaky": float(parameter or 0)}.get(name, 0.0)
    frame = np.pad(problem.teacher.vectors, ((0, 0), (0, students.ncols() - problem.rank)))
    outputs = (problem.strengths, problem.teacher.strengths)
    function = (name, flint.fmpq(*alpha.as_integer_ratio()), *(a.tolist() for a in outputs))
    rows = [flint.arb_mat([row]) for row in students.tolist()]
    teachers = [flint.arb_mat([row]) for row in matrix(frame).tolist()]
    return checker.Network(rows, teachers, function), frame


def _their_derivatives(problem, students):
    """Loss, gradient, Hessian and normal block by the checker, with no symmetries."""
    network, frame = _theirs(problem, students)
    outputs = [[1] * problem.width, [1] * len(frame)]
    orbits = checker.Orbits(problem.width, frame.tolist(), outputs, set(), [])
    block = flint.arb_mat([network.normal(k)[: problem.width] for k in range(problem.width)])
    loss = network.loss([(k, 1) for k in range(problem.width)])
    return flint.arb_mat([[loss]]), orbits.slope(network), orbits.curvature(network), block


def _ours(problem, students):
    function = network_function(problem, "a test")
    network = networks(matrix(problem.teacher.vectors), function)(students)
    loss = flint.arb_mat([[network.loss()]])
    return loss, network.gradient(), network.hessian(), network.normal_block()


def _holds(balls, values, slack):
    values = np.ravel(values).tolist()
    return all(
        lower(ball) - slack <= value <= upper(ball) + slack
        for ball, value in zip(balls.entries(), values, strict=True)
    )


def _quadrature(problem, p, q, c):
    """E[s(x) s(y)] to 30 digits: by angles if s is homogeneous, else given the first variable."""
    function = problem.function
    with mpmath.workdps(40):
        p, q, c = map(mpmath.mpf, (p, q, c))
        if function.degree is None:  # erf of a Gaussian variable has a closed mean
            slope, rest = c / p, q - c * c / p
            root = mpmath.sqrt(2 * (1 + rest))

            def inner(x):
                return mpmath.erf(x / mpmath.sqrt(2)) * mpmath.erf(slope * x / root)

            def density(x):
                return mpmath.exp(-x * x / (2 * p)) / mpmath.sqrt(2 * mpmath.pi * p)

            width = 16 * mpmath.sqrt(p)
            return mpmath.quad(lambda x: inner(x) * density(x), mpmath.linspace(-width, width, 17))
        t = mpmath.acos(c / mpmath.sqrt(p * q))
        h = function.degree
        radial = mpmath.fac2(2 * h) * mpmath.sqrt(p * q) ** h
        half = mpmath.pi / 2
        ends = sorted({-half, half, t - half, t + half, 3 * half})

        def around(x):
            first, second = mpmath.cos(x), mpmath.cos(x - t)
            return function.exact(mpmath.mp, first) * function.exact(mpmath.mp, second)

        return radial * mpmath.quad(around, ends) / (2 * mpmath.pi)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_pair_integrals_are_those_of_quadrature(activation):
    problem = _problem(activation)
    kernel = network_function(problem, "a test").kernel
    generator = np.random.default_rng(3)
    for scale in (0.4, 1.5):
        u, v = scale * generator.integers(-8, 9, size=(2, 1, 3)) / 8.0
        p, q, c = (float((x * y).sum()) for x, y in ((u, u), (v, v), (u, v)))
        with flint.ctx.workprec(192):
            rows = matrix(u), matrix(v)
            squares = [checker.dot(x, x) for x in rows]
            ours = Pair(kernel, *rows, *squares).value()
            theirs = checker.Pair(*rows, *_theirs(problem, box(np.eye(3), 0.0))[0].activation).value
        with mpmath.workdps(60):
            known = _quadrature(problem, *_exactly(u, v))
            for found in (ours, theirs):
                middle = mpmath.mpf(found.mid().str(45, radius=False))
                assert abs(middle - known) < mpmath.mpf(float(found.rad())) + mpmath.mpf(10) ** -30
                assert float(found.rad()) < 1e-45
        assert abs(p * q - c * c) > 1e-3


def _exactly(u, v):
    with mpmath.workdps(60):
        first, second = ([mpmath.mpf(x) for x in row.ravel().tolist()] for row in (u, v))
        pairs = ((first, first), (second, second), (first, second))
        return [mpmath.fdot(x, y) for x, y in pairs]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_derivatives_are_differences_of_the_loss(activation):
    """In 256 bits, so that the errors are those of central differences, 1e-20."""
    problem = _problem(activation, width=2)
    W = np.random.default_rng(5).integers(-16, 17, size=(2, 3)) / 8.0
    step = 2.0**-36
    with flint.ctx.workprec(256):
        for derivatives in (_ours, _their_derivatives):
            _, slope, bend, _ = derivatives(problem, matrix(W))
            for i in range(W.size):
                moved = np.zeros(W.size)
                moved[i] = step
                ahead, behind = (
                    derivatives(problem, matrix(W + sign * moved.reshape(W.shape)))
                    for sign in (1, -1)
                )
                assert abs((ahead[0][0, 0] - behind[0][0, 0]) / (2 * step) - slope[i, 0]) < 1e-18
                for j in range(W.size):
                    change = (ahead[1][j, 0] - behind[1][j, 0]) / (2 * step)
                    assert abs(change - bend[j, i]) < 1e-18
            assert radii(bend).max() < 1e-60


@pytest.mark.parametrize("parallel", [0, 1, -1])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_boxes_hold_what_the_compiled_formulas_give(activation, parallel):
    """Also where neurons pass the teacher and each other, at angles 0 and pi."""
    problem = _problem(activation)
    loss = PopulationLoss(problem)
    generator = np.random.default_rng(1)
    centre = generator.normal(size=(3, 3))
    if parallel:
        centre[0] = np.append(parallel * problem.teacher.vectors[0], 0.0)
        centre[2] = 1.5 * parallel * centre[1]
    for radius in (0.0, 1e-3):
        with flint.ctx.workprec(128):
            boxed = box(centre, radius)
            both = _ours(problem, boxed), _their_derivatives(problem, boxed)
        for _ in range(5):
            W = centre + radius * generator.uniform(-1, 1, centre.shape)
            known = loss.value(W), loss.gradient(W), loss.hessian(W), loss.normal_block(W)
            for found in both:
                for balls, values in zip(found, known, strict=True):
                    assert _holds(balls, values, 2e-13)
        for found in both:
            assert radii(found[2]).max() <= 1000 * radius + 1e-15


def _settled(problem, weights, steps=30):
    """Newton's method, along the eigenvectors of all eigenvalues that are not zero."""
    W = np.array(weights, dtype=float)
    loss = PopulationLoss(problem)
    for _ in range(steps):
        values, vectors = np.linalg.eigh(loss.hessian(W))
        keep = np.abs(values) > 1e-7
        slope = vectors[:, keep].T @ loss.gradient(W).ravel()
        W = W - (vectors[:, keep] @ (slope / values[keep])).reshape(W.shape)
    return W


# Activation, teacher vectors, weights near the point, its loss and its index in all dimensions.
POINTS = [
    ("erf", 2, [[1, 0], [0, 1]], 0.0, 0),
    ("erf", 3, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 0.0, 0),
    (
        "erf",
        3,
        [[1.2148, 1.8523, 1.2148], [-1.7744, -1.9834, -1.7744], [1.432, 1.0201, 1.432]],
        0.0757989800,
        0,
    ),
    (
        "erf",
        3,
        [[0.4962, 0.4962, -0.1187], [0.4962, -0.1187, 0.4962], [-0.1187, 0.4962, 0.4962]],
        0.0137892507,
        1,
    ),
    (
        "erf",
        3,
        [[0.344, 0.0608, 0.344], [-0.135, 0.409, 0.6491], [0.6491, 0.409, -0.135]],
        0.014244892914797,
        2,
    ),
    # One neuron more than the teacher: a zero one is isolated, and a minimum of its own.
    ("erf", 2, [[0, 1], [0, 0], [1, 0]], 0.0, 0),
    ("erf", 2, [[0.4636, 0.4636], [-0.4574, 0.9262], [0.9262, -0.4574]], 0.0014955118, 0),
    ("erf", 2, [[0.3154, 0.3154], [-0.3145, 0.9059], [0.9059, -0.3145]], 0.0016473853413614, 1),
    ("leaky:0.3", 3, [[0, 1, 0], [0, 0, 1], [1, 0, 0]], 0.0, 0),
    (
        "leaky:0.3",
        3,
        [[0.6593, -0.3184, 0.6593], [-0.3184, 0.6593, 0.6593], [0.6593, 0.6593, -0.3184]],
        0.011820685785914,
        1,
    ),
    (
        "leaky:0.3",
        3,
        [
            [0.6671, 0.0747, 0.0747, -0.2996],
            [0.6671, 0.0747, 0.0747, 0.2996],
            [-0.3125, 0.8627, 0.8627, 0],
        ],
        0.035840656686827,
        3,
    ),
    ("abs", 2, [[0, -1], [-1, 0]], 0.0, 0),
    # Half way round, (S - C^2 / S) / 2 of docs/mathematics.md; and one neuron alone, outside.
    ("abs", 2, [[0.6945, 0.6945], [-0.6945, 0.6945]], 0.0578724925, 1),
    ("abs", 2, [[-1.389, 0, 0], [0, 0, 0.389]], 0.2523647573, 1),
    ("abs", 2, [[0, 0, 0.4202], [-0.9474, -0.9474, 0]], 0.2922018032, 3),
    ("squared-relu", 2, [[1, 0], [0, 1]], 0.0, 0),
    ("squared-relu", 2, [[0.558, 0.558, -0.333], [0.558, 0.558, 0.333]], 0.4202893370, 1),
    ("squared-relu", 2, [[-0.087, -0.087], [0.812, 0.812]], 0.4463750050, 3),
    ("quadratic", 1, [[1]], 0.0, 0),
    ("quadratic", 1, [[0, 0.5773]], 4 / 3, 1),
]


@pytest.mark.parametrize(("activation", "size", "start", "loss", "index"), POINTS)
def test_minima_and_saddles_are_proved_with_their_index(activation, size, start, loss, index):
    teacher = Teacher.orthonormal(size).with_function(activation)
    problem = TeacherStudent(teacher, len(start))
    W = _settled(problem, start)
    known = PopulationLoss(problem)
    below, outer = (
        int(np.sum(np.linalg.eigvalsh(x) < -1e-9))
        for x in (known.hessian(W), known.normal_block(W))
    )
    proof = prove_point(problem, W)
    assert proof.status is CertificateStatus.CERTIFIED
    unused = len(W) - (W.shape[1] - size)
    assert proof.index == index == below + unused * outer
    assert proof.loss_bounds[0] - 1e-14 <= known.value(W) <= proof.loss_bounds[1] + 1e-14
    assert proof.loss_bounds[0] == pytest.approx(loss, abs=1e-10)
    assert certify(problem, W).index == index
    point = _check(proof.record)
    assert (point.index, point.kind) == (index, "saddle" if index else "minimum")
    assert proof.record["activation"] == activation.partition(":")[0]
    assert Fraction(proof.record["parameter"]) == Fraction(
        {"abs": -1.0, "leaky:0.3": 0.3}.get(activation, 0.0)
    )


def test_what_is_not_isolated_or_not_regular_is_refused_in_a_sentence():
    def status(activation, weights):
        teacher = Teacher.orthonormal(2).with_function(activation)
        problem = TeacherStudent(teacher, len(weights))
        found = {prove_point(problem, weights).status, certify(problem, weights).status}
        assert len(found) == 1
        return found.pop()

    # Opposite neurons of an even function are one neuron, split; so are parallel ones.
    opposite = [[0.7, 0.1], [-0.7, -0.1], [0, 1]]
    parallel = [[0.7, 0.1], [0.7, 0.1], [0, 1]]
    assert status("abs", opposite) is CertificateStatus.PARALLEL_NEURONS
    assert status("leaky:-1", opposite) is CertificateStatus.PARALLEL_NEURONS
    for activation in ("abs", "leaky:0.3", "squared-relu"):
        assert status(activation, parallel) is CertificateStatus.PARALLEL_NEURONS
        assert status(activation, [[1, 0], [0, 0]]) is CertificateStatus.ZERO_NEURON
    for weights in (np.eye(2), [[1, 0], [0, 0]]):
        assert status("quadratic", weights) is CertificateStatus.MIXED
    # The averaging point of erf is isolated up to exchanges; its loss grows in fourth order.
    assert status("erf", np.full((2, 2), 1 / np.sqrt(6))) is CertificateStatus.NOT_PROVED
    # Pairs (w, -w) of erf are a line.
    line = [[1, 0], [0, 1], [0.3, 0.4], [-0.3, -0.4]]
    assert status("erf", line) is CertificateStatus.NOT_PROVED
    problem = TeacherStudent(Teacher.orthonormal(2).with_function("gelu"), 2)
    for prove in (certify, prove_point):
        with pytest.raises(InvalidArgument, match="erf, squared-relu or quadratic, whose"):
            prove(problem, np.eye(2))
    erf = TeacherStudent(Teacher.orthonormal(2).with_function("erf"), 2, outputs=[1.0, -1.0])
    with pytest.raises(InvalidArgument, match=r"must have shape \(2, 2 \+ E\)"):
        prove_point(erf, np.eye(3, 2))


def test_output_weights_are_part_of_the_proof():
    # Exchanging the columns exchanges the teacher's vectors, but not their outputs.
    vectors = np.eye(2)
    for activation in ("relu", "erf", "abs"):
        same, other = (
            TeacherStudent(Teacher.from_vectors(vectors).with_function(activation, outputs=b), 2)
            for b in ([2.0, 2.0], [2.0, 1.0])
        )
        both = [
            TeacherStudent(one.teacher, 2, outputs=list(one.teacher.strengths))
            for one in (same, other)
        ]
        proofs = [prove_point(one, np.eye(2)) for one in both]
        assert [proof.index for proof in proofs] == [0, 0]
        assert [proof.unknowns for proof in proofs] == [2, 4]
        for proof in proofs:
            assert _check(proof.record).kind == "minimum"
        exchange = proofs[0].record["symmetries"]
        assert len(exchange) == 1
        wrong = dict(proofs[1].record, symmetries=exchange)
        with pytest.raises(checker.Refused, match="moves the teacher or the outputs"):
            _check(wrong)
        for side in (0, 1):
            wrong = copy.deepcopy(proofs[0].record)
            wrong["outputs"][side] = ["2", "1"]
            with pytest.raises(checker.Refused, match="moves the teacher or the outputs"):
                _check(wrong)
            wrong["outputs"][side] = ["2"]
            with pytest.raises(checker.Refused, match="an output for each"):
                _check(wrong)


def _moved(record):
    centre = record["box"]["centre"]
    centre["numerators"][0][0] += centre["denominator"] // 10**4


def _swapped(record):
    line = record["box"]["centre"]["numerators"][0]
    line[0] = -line[0]


def _opposite(record):
    """A neuron turned around: another point where s is not even."""
    lines = record["box"]["centre"]["numerators"]
    lines[0] = [-x for x in lines[0]]


def _called(name, parameter="0"):
    return lambda record: record.update(activation=name, parameter=parameter)


# Each changes a true certificate.
WRONG = {
    "a moved point": (_moved, "too small|too large"),
    "a swapped sign": (_swapped, "too small|too large"),
    "a neuron turned around": (_opposite, "too small|too large"),
    "too small a box": (
        lambda record: record["box"].update(radius=str(Fraction(1, 2**135))),
        "too small",
    ),
    "too large a box": (lambda record: record["box"].update(radius="1/4"), "too large|bounds"),
    "a wrong index": (lambda record: record.update(index=record["index"] + 1), "it is a"),
    "ReLU": (_called("relu"), "too small|too large"),
    "abs": (_called("abs", "-1"), "too small|too large"),
    "leaky ReLU": (_called("leaky", "1/10"), "too small|too large"),
    "squared ReLU": (_called("squared-relu"), "too small|too large"),
    "x^2": (_called("quadratic"), "too small|too large"),
    "an odd name": (_called("gelu"), None),
    "a parameter that is none": (_called("erf", "1/10"), "no such parameter"),
    "other outputs": (
        lambda record: record.update(outputs=[["1"] * 3, ["1", "1", "2"]]),
        "too small|too large",
    ),
    "no activation": (lambda record: record.pop("activation"), "claim"),
    "a file of format 1": (lambda record: record.update(format_version=1), "claim"),
}


@pytest.fixture(scope="module")
def saddles():
    """True certificates of saddles of index 1 of erf and leaky ReLU, without symmetries."""
    found = {}
    for activation, _, start, _, index in POINTS:
        if index == 1 and np.shape(start) == (3, 3):
            teacher = Teacher.orthonormal(3).with_function(activation)
            problem = TeacherStudent(teacher, 3)
            record = prove_point(problem, _settled(problem, start)).record
            found[activation] = record
    return found


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("activation", ["erf", "leaky:0.3"])
def test_wrong_certificates_are_refused(saddles, activation, fault):
    record = copy.deepcopy(saddles[activation])
    assert _check(record).index == 1
    change, reason = WRONG[fault]
    change(record)
    wrong = checker.Refused if reason else (checker.Refused, LookupError)
    if (activation, fault) == ("leaky:0.3", "a parameter that is none"):
        reason = "no such parameter"
    with pytest.raises(wrong, match=reason):
        _check(record)


def test_a_turned_neuron_of_abs_is_the_same_point():
    """The checker knows what is even: it takes the copy, with the gradient's sign."""
    teacher = Teacher.orthonormal(2).with_function("abs")
    problem = TeacherStudent(teacher, 2)
    for signs in ([1, 1], [1, -1], [-1, -1]):
        proof = prove_point(problem, np.diag(np.array(signs, dtype=float)))
        assert proof.index == 0
        assert _check(proof.record).kind == "minimum"


def test_a_study_of_erf_is_certified_from_the_command_line(tmp_path, capsys):
    runner = CliRunner()
    study, folder = str(tmp_path / "erf.landtopo"), tmp_path / "proofs"
    shared = ["--teacher", "orthonormal:2", "--activation", "erf", "--quiet"]
    made = runner.invoke(main, ["graph", *shared, "--width", "3", "--starts", "8", "-o", study])
    assert made.exit_code == 0, made.output
    asked = ["certify", "-o", study, "--width", "3", "--json", "--quiet"]
    told = runner.invoke(main, [*asked, "--out-dir", str(folder)])
    assert told.exit_code in (0, 3), told.output
    proofs = {one["id"]: one for one in json.loads(told.stdout)}
    assert proofs["w3-f0"]["neurons"] == 3
    kinds = {one["kind"] for one in proofs.values() if one["index"] is not None}
    assert kinds == {"minimum", "saddle"}
    proved = [folder / f"{name}.json" for name, one in proofs.items() if one["index"] is not None]
    assert checker.main(list(map(str, proved))) == 0
    assert capsys.readouterr().out.count("index") == len(proved)
    # Before the search, which would take minutes.
    tanh = ["certify", *shared[:2], "--activation", "tanh", "--width", "2", "--starts", "100000"]
    refused = runner.invoke(main, tanh)
    assert refused.exit_code == 2
    assert "must have the activation relu, leaky, abs, erf" in refused.output
    refused = runner.invoke(main, ["certify", "-o", study, "--width", "3", "--connections"])
    assert refused.exit_code == 2
    assert "for which alone it is worked out" in refused.output
