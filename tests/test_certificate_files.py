"""Certificates as files: the checker accepts true ones and refuses every kind of false one.

The checker and landtopo share no code. Here they are compared with each other, with dense spectra
in doubles, and with records that claim what is not so.
"""

from __future__ import annotations

import copy
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.models.networks.blocks.family import block_family
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.points.records import Kind

flint = pytest.importorskip("flint")

from landtopo.proofs.certificate_file import prove_point  # noqa: E402
from landtopo.proofs.certification import CertificateStatus, certify  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "verification"))

import check_certificates as checker  # noqa: E402

SADDLE = [[0.525, 0.525, -0.409], [0.525, 0.525, 0.409]]
# K = M = 3: uses two directions outside the span.
TURNING = [[0.358] * 3 + [0.294, 0.509], [0.358] * 3 + [0.294, -0.509], [0.358] * 3 + [-0.587, 0]]


def _settled(teacher, weights, steps=30):
    """Newton's method, along the eigenvectors of all eigenvalues that are not zero."""
    W = np.array(weights, dtype=float)
    loss = PopulationLoss(TeacherStudent(teacher, len(W)))
    for _ in range(steps):
        values, vectors = np.linalg.eigh(loss.hessian(W))
        keep = np.abs(values) > 1e-7
        slope = vectors[:, keep].T @ loss.gradient(W).ravel()
        W = W - (vectors[:, keep] @ (slope / values[keep])).reshape(W.shape)
    return W


def _proof(teacher, weights, dim=None):
    return prove_point(TeacherStudent(teacher, len(weights), dim), weights)


def _check(record):
    with flint.ctx.workprec(checker.BITS):
        return checker.Point(json.loads(json.dumps(record)))


def _six(extra=None):
    return _proof(Teacher.orthonormal(6), block_family(1, size=6, extra=extra).weights())


@pytest.fixture(scope="module")
def spurious():
    return _six().record


@pytest.fixture(scope="module")
def outside():
    """The saddle of two neurons outside the span, K = M = 2 in all dimensions."""
    teacher = Teacher.orthonormal(2)
    return _proof(teacher, _settled(teacher, SADDLE)).record


def test_the_spurious_minimum_of_six_neurons(spurious):
    # Safran, Yehudai, Shamir (2021).
    proof = _six()
    assert proof.status is CertificateStatus.CERTIFIED
    assert (proof.kind, proof.index, proof.unknowns) == (Kind.MINIMUM, 0, 5)
    assert proof.loss_bounds[0] == pytest.approx(0.0250805810, abs=6e-11)
    assert proof.record == spurious
    point = _check(spurious)
    assert (point.kind, point.index) == ("minimum", 0)
    assert float(point.tight) < 1e-36


@pytest.mark.parametrize(
    ("anti_aligned", "size", "unknowns", "in_span"),
    [(1, 4, 16, 2), (1, 5, 5, 3), (2, 7, 6, None), (5, 8, 6, None)],
)
def test_indices_of_symmetric_saddles_are_those_of_all_eigenvalues(
    anti_aligned, size, unknowns, in_span
):
    """Counted from sectors of few unknowns; one anti-aligned neuron has 2 and 3 below its onset."""
    teacher = Teacher.orthonormal(size)
    weights = block_family(anti_aligned, size=size).weights()
    proof = _proof(teacher, weights)
    loss = PopulationLoss(TeacherStudent(teacher, size))
    below = int(np.sum(np.linalg.eigvalsh(loss.hessian(weights)) < 0))
    outer = int(np.sum(np.linalg.eigvalsh(loss.normal_block(weights)) < 0))
    assert proof.unknowns == unknowns
    assert proof.index == below + size * outer
    assert in_span in (None, below)
    assert below > 0
    assert _check(proof.record).index == proof.index
    finite = _proof(teacher, weights, dim=size)
    assert _check(finite.record).index == finite.index == below


@pytest.mark.parametrize(
    ("start", "dim", "index"),
    [(SADDLE, 3, 1), (SADDLE, None, 1), (TURNING, None, None), (TURNING, 5, None)],
)
def test_points_outside_the_span(start, dim, index):
    teacher = Teacher.orthonormal(len(start))
    weights = _settled(teacher, start)
    proof = _proof(teacher, weights, dim)
    known = certify(TeacherStudent(teacher, len(start), dim), weights)
    assert proof.status is CertificateStatus.CERTIFIED
    assert proof.index == known.index
    assert index in (None, proof.index)
    assert known.loss_bounds[0] <= proof.loss_bounds[1]
    assert proof.loss_bounds[0] <= known.loss_bounds[1]
    assert _check(proof.record).index == known.index


def test_a_teacher_without_symmetries():
    teacher = Teacher.random(3, dim=4, seed=2)
    weights = _settled(teacher, teacher.vectors + 0.01)
    proof = _proof(teacher, weights)
    assert (proof.index, proof.unknowns) == (0, 9)
    assert proof.loss_bounds[0] <= 0 <= proof.loss_bounds[1] < 1e-30
    assert _check(proof.record).kind == "minimum"


@pytest.mark.parametrize("unit", [2.0**-20, 3e7])
def test_teachers_of_any_length(unit):
    teacher = Teacher.from_vectors(unit * np.eye(6))
    proof = _proof(teacher, unit * block_family(1, size=6).weights())
    assert (proof.index, proof.unknowns) == (0, 5)
    assert proof.loss_bounds[0] / unit**2 == pytest.approx(0.0250805810, abs=6e-11)
    assert _check(proof.record).kind == "minimum"


# Wrong claims. Each is a change of a true certificate; matrices are numerators over denominators.


def _moved(record, step, places=None):
    """The centre moved by a fraction, everywhere or in some places."""
    centre = record["box"]["centre"]
    shift = int(step * centre["denominator"])
    for k, line in enumerate(centre["numerators"]):
        for m in range(len(line)):
            if places is None or (k, m) in places:
                line[m] += shift


def _swapped(record):
    record["box"]["centre"]["numerators"][0] = [
        -x for x in record["box"]["centre"]["numerators"][0]
    ]


def _at(record, *path, value):
    for name in path[:-1]:
        record = record[name]
    record[path[-1]] = value(record[path[-1]]) if callable(value) else value


WRONG = {
    "a moved point": (lambda r: _moved(r, Fraction(1, 10**4)), "too small"),
    "a point moved within the box": (lambda r: _moved(r, Fraction(1, 10**9)), "loss"),
    "a point moved by the size of the box": (
        lambda r: _moved(r, Fraction(r["box"]["radius"]) * 2),
        "too small",
    ),
    "one entry moved": (lambda r: _moved(r, Fraction(1, 10**30), {(0, 0)}), None),
    "one entry of many that are equal moved": (
        lambda r: _moved(r, Fraction(1, 10**30), {(2, 3)}),
        "symmetries",
    ),
    "a swapped sign": (_swapped, None),
    "too small a box": (
        lambda r: _at(r, "box", "radius", value=str(Fraction(1, 2**135))),
        "too small",
    ),
    "too large a box": (lambda r: _at(r, "box", "radius", value="1/10"), "too large|no bounds"),
    "a box without size": (lambda r: _at(r, "box", "radius", value="0"), "too small"),
    "a box of negative size": (lambda r: _at(r, "box", "radius", value="-1/1000000"), None),
    "a wrong index": (lambda r: _at(r, "index", value=1), "index 0"),
    "a wrong kind": (lambda r: _at(r, "kind", value="saddle"), "a minimum"),
    "a longer teacher": (
        lambda r: _at(r, "teacher", "numerators", 0, 0, value=2),
        "moves the teacher|inverse",
    ),
    "another teacher of the same symmetry": (
        lambda r: _at(r, "teacher", "denominator", value=3),
        "inverse",
    ),
    "a teacher vector less": (lambda r: r["teacher"]["numerators"].pop(), None),
    "too low a loss": (
        lambda r: _at(r, "loss", value=["0", r["loss"][0]]),
        "loss",
    ),
    "too high a loss": (lambda r: _at(r, "loss", value=[r["loss"][1], "1"]), "loss"),
    "a dimension that is too small": (lambda r: _at(r, "dim", value=5), "no such dimension"),
    "a dimension that is no number": (lambda r: _at(r, "dim", value="many"), "no such dimension"),
    "no inverse": (
        lambda r: _at(
            r, "inverse", "numerators", value=lambda t: [[0 for _ in line] for line in t]
        ),
        "inverse",
    ),
    "an inverse of another size": (
        lambda r: r["inverse"]["numerators"].pop(),
        "shape",
    ),
    "numbers that are not exact": (
        lambda r: _at(r, "box", "centre", "numerators", 0, 0, value=0.5),
        "exact",
    ),
    "a symmetry that the point has not": (
        lambda r: r["symmetries"].append(
            {"neurons": [1, 0, 2, 3, 4, 5], "columns": [1, 0, 2, 3, 4, 5]}
        ),
        "symmetries",
    ),
    "a symmetry that permutes nothing": (
        lambda r: r["symmetries"].append({"neurons": [0] * 6, "columns": list(range(6))}),
        "permutes no neurons",
    ),
    "a symmetry less": (lambda r: r["symmetries"].pop(), None),
    "a sector less": (lambda r: r["sectors"].pop(), "count each place"),
    "a sector twice": (
        lambda r: r["sectors"].append(copy.deepcopy(r["sectors"][0])),
        "count each place",
    ),
    "a sector with too many symmetries": (
        lambda r: _at(r, "sectors", -1, "symmetries", value=r["symmetries"]),
        None,
    ),
    "a sector whose symmetry moves the point": (
        lambda r: r["sectors"][0]["symmetries"].append(
            {"neurons": [1, 0, 2, 3, 4, 5], "columns": [1, 0, 2, 3, 4, 5]}
        ),
        "moves the point",
    ),
    "a basis that is none": (
        lambda r: _at(
            r,
            "sectors",
            0,
            "basis",
            "numerators",
            value=lambda t: [t[0] for _ in t],
        ),
        "orthonormal",
    ),
    "a basis of other vectors": (
        lambda r: _at(
            r,
            "sectors",
            0,
            "basis",
            "numerators",
            value=lambda t: [
                [2**40 if i == j else 0 for j in range(len(t))] for i in range(len(t))
            ],
        ),
        "sign",
    ),
    "a normal basis that is none": (
        lambda r: _at(r, "normal_basis", "numerators", 0, value=[0] * 6),
        "orthonormal",
    ),
    "another claim": (lambda r: _at(r, "claim", value="All of it."), "claim"),
    "a claim beside": (lambda r: r.update(isolation="1"), "claim"),
    "a claim less": (lambda r: r.pop("normal_basis"), "claim"),
    "a later format": (lambda r: _at(r, "format_version", value=3), "format_version"),
    "a pivot in the span": (lambda r: _at(r, "pivots", value=[0]), "pivots"),
}
WRONG_OUTSIDE = {
    "no pivot": (lambda r: _at(r, "pivots", value=[]), "pivots"),
    "a pivot that is no neuron": (lambda r: _at(r, "pivots", value=[2]), "pivots"),
    "a wrong index": (lambda r: _at(r, "index", value=0), "index 1"),
    "a minimum": (lambda r: r.update(kind="minimum"), "a saddle"),
    "a neuron that leaves the columns": (
        lambda r: _moved(r, Fraction(1, 10**3), {(0, 2)}),
        "too small|too large",
    ),
    "a dimension within the columns": (lambda r: _at(r, "dim", value=2), "no such dimension"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_certificates_are_refused(spurious, fault):
    record = copy.deepcopy(spurious)
    change, reason = WRONG[fault]
    change(record)
    assert record != spurious
    wrong = (checker.Refused, ValueError, LookupError, TypeError)
    with pytest.raises(checker.Refused if reason else wrong, match=reason):
        _check(record)


@pytest.mark.parametrize("fault", WRONG_OUTSIDE)
def test_wrong_certificates_outside_the_span_are_refused(outside, fault):
    record = copy.deepcopy(outside)
    _check(record)
    change, reason = WRONG_OUTSIDE[fault]
    change(record)
    with pytest.raises(checker.Refused, match=reason):
        _check(record)


def _made_up(weights):
    """A record with an honest inverse and honest bases, wherever the weights are."""
    W = np.asarray(weights, dtype=float)
    width, size = W.shape
    teacher = Teacher.orthonormal(size)
    loss = PopulationLoss(TeacherStudent(teacher, width))
    grid = 2**40

    def table(values):
        return {
            "denominator": grid,
            "numerators": [[round(x * grid) for x in line] for line in values.tolist()],
        }

    hessian, block = loss.hessian(W), loss.normal_block(W)
    below = [int(np.sum(np.linalg.eigvalsh(x) < 0)) for x in (hessian, block)]
    places = [[k, m] for k in range(width) for m in range(size)]
    basis = np.linalg.eigh(hessian)[1]
    return {
        "format": "landtopo certificate of a point",
        "format_version": 1,
        "claim": checker.CLAIM,
        "kind": "saddle" if sum(below) else "minimum",
        "index": below[0] + width * below[1],
        "loss": ["-1", "100"],
        "dim": "infinite",
        "teacher": table(teacher.vectors),
        "box": {"centre": table(W), "radius": "1/10000000"},
        "pivots": [],
        "inverse": table(np.linalg.pinv(hessian, rcond=1e-12)),
        "symmetries": [],
        "sectors": [{"symmetries": [], "places": places, "basis": table(basis)}],
        "normal_basis": table(np.linalg.eigh(block)[1]),
    }


def test_points_that_are_not_critical_are_refused():
    generator = np.random.default_rng(0)
    accepted = _settled(Teacher.orthonormal(3), np.eye(3) + 0.1)
    assert _check(_made_up(accepted)).kind == "minimum"
    for _ in range(20):
        with pytest.raises(checker.Refused, match=r"no critical point|no bounds|too large"):
            _check(_made_up(generator.normal(size=(3, 3))))
    for step in (1e-5, 1e-6):
        # Next to a critical point, and farther from it than the box is wide.
        with pytest.raises(checker.Refused, match="no critical point"):
            _check(_made_up(accepted + step))


def test_critical_points_that_are_not_isolated_are_refused():
    W = block_family(1, size=4).weights()
    split = np.vstack([W[:3], 0.3 * W[3], 0.7 * W[3]])
    with pytest.raises(checker.Refused, match="too large"):
        _check(_made_up(split))
    zero = np.vstack([np.eye(2), np.zeros((1, 2))])
    zero[2, 0] = 1e-9
    with pytest.raises(checker.Refused, match=r"no bounds|too large"):
        _check(_made_up(zero))
    problem = TeacherStudent(Teacher.orthonormal(4), 5)
    assert prove_point(problem, split).status is CertificateStatus.PARALLEL_NEURONS
    assert prove_point(problem, split).record is None


def test_what_is_far_from_every_critical_point_makes_no_record(tmp_path):
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    proof = prove_point(problem, [[1.0, 0.3], [0.1, 0.8]])
    # Newton's method leads to the teacher from here, which is another point.
    assert proof.status is CertificateStatus.NOT_PROVED
    flat = prove_point(problem, [[1.0, 1e-5], [1.0, -1e-5]])
    assert flat.status is CertificateStatus.NOT_PROVED
    with pytest.raises(InvalidArgument, match="nothing was proved"):
        flat.write(tmp_path / "nothing.json")


def test_the_checker_as_a_command(tmp_path, spurious, capsys):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    _six().write(good)
    assert json.loads(good.read_text()) == spurious
    wrong = copy.deepcopy(spurious)
    wrong["index"] = 2
    bad.write_text(json.dumps(wrong))
    assert checker.main([str(good)]) == 0
    assert "minimum, index 0" in capsys.readouterr().out
    assert checker.main([str(good), str(bad), str(tmp_path / "missing.json")]) == 1
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 3
    assert "REFUSED" in told[1]
    assert "REFUSED" in told[2]


def test_the_checker_is_short_and_alone():
    lines = Path(checker.__file__).read_text().splitlines()
    assert len(lines) <= 300
    imports = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imports == {"json", "sys", "itertools", "flint"}
