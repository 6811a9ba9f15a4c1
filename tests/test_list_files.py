"""Complete lists as files: the checker accepts true ones and refuses every kind of false one.

The checker and landtopo share no code: it searches all directions with formulas of its own, which
are compared here with the gradient of the loss.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent

flint = pytest.importorskip("flint")

from landtopo.proofs import outside  # noqa: E402
from landtopo.proofs import plane as plane_search  # noqa: E402
from landtopo.proofs.certificate_file import prove_point  # noqa: E402
from landtopo.proofs.complete import LIST_CLAIM, complete_list  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "verification"))

import check_certificates  # noqa: E402
import check_lists as checker  # noqa: E402
import check_outside  # noqa: E402
import check_plane  # noqa: E402


def _teacher(degrees, norm=1.0):
    angle = np.deg2rad(degrees)
    return Teacher.from_vectors([[1.0, 0.0], [norm * np.cos(angle), norm * np.sin(angle)]])


def _record(teacher, width, dim):
    return complete_list(TeacherStudent(teacher, width, dim)).record()


def _check(record):
    with flint.ctx.workprec(check_certificates.BITS):
        return checker.Listed(json.loads(json.dumps(record)))


@pytest.fixture(scope="module")
def plane():
    return _record(Teacher.orthonormal(2), 2, 2)


@pytest.mark.parametrize(
    ("teacher", "width", "dim", "count"),
    [
        (Teacher.orthonormal(1), 1, None, 1),
        (Teacher.orthonormal(1), 2, None, 1),
        (_teacher(90), 1, None, 2),
        (_teacher(60), 2, 2, 4),
        (_teacher(150), 2, 2, 8),
        (_teacher(100, 0.5), 2, 2, 4),
    ],
)
def test_lists_of_landtopo_are_complete(teacher, width, dim, count):
    record = _record(teacher, width, dim)
    assert record["claim"] == checker.CLAIM == LIST_CLAIM
    assert len(record["points"]) == count
    listed = _check(record)
    assert listed.told.startswith(f"{count} points and no others")
    assert listed.boxes > 10 or (len(teacher.vectors), width) == (1, 1)


@pytest.mark.parametrize("number", range(4))
def test_a_list_without_one_of_its_points_is_refused(plane, number):
    false = copy.deepcopy(plane)
    del false["points"][number]
    with pytest.raises(check_certificates.Refused, match="not decided"):
        _check(false)


def test_lists_without_their_only_point_are_refused():
    for width in (1, 2):
        false = _record(Teacher.orthonormal(1), width, None)
        false["points"] = []
        with pytest.raises(check_certificates.Refused, match="one point"):
            _check(false)


def _moved(record):
    certificate = record["points"][1]["certificate"]
    certificate["box"]["centre"]["numerators"][0][0] += certificate["box"]["centre"]["denominator"]


def _of_another_teacher(record):
    other = _record(_teacher(91), 2, 2)
    record["points"][2] = other["points"][2]


def _teacher_alone(record):
    record["teacher"] = _record(_teacher(91), 1, 2)["teacher"]


def _smaller_box(record):
    record["points"][1]["certificate"]["box"]["radius"] = "1/1" + 60 * "0"


def _of_leaky_relu(record):
    """A point that is not critical for ReLU, though it is for what its certificate names."""
    teacher = Teacher.orthonormal(2).with_function("leaky:0.5")
    proof = prove_point(TeacherStudent(teacher, 2, record["dim"]), teacher.vectors)
    record["points"][1]["certificate"] = proof.record


def _put(key, value):
    def change(record):
        record["points"][1][key] = value

    return change


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (_moved, "box|symmetries"),
        (_smaller_box, "too small"),
        (_of_another_teacher, "of another teacher"),
        (_teacher_alone, "of another teacher"),
        (_put("index", 2), "index"),
        (_put("kind", "minimum"), "is a saddle"),
        (_put("split", True), "width"),
        (lambda record: record["points"][1]["certificate"].update(index=3), "index 2|index 1"),
        (_of_leaky_relu, "not of ReLU"),
        (lambda record: record["points"].append(record["points"][1]), "twice"),
        (lambda record: record.update(width=1), "width"),
        (lambda record: record.update(dim="infinite"), "another dimension"),
        (lambda record: record.update(claim="These are some."), "claim"),
        (lambda record: record.update(format_version=2), "format_version"),
        (lambda record: record.update(bound=1), "claim"),
        (lambda record: record["points"][1].update(note=""), "fields"),
    ],
)
def test_planted_faults_are_refused(plane, fault, reason):
    false = copy.deepcopy(plane)
    fault(false)
    with pytest.raises(check_certificates.Refused, match=reason):
        _check(false)


def test_points_outside_the_plane():
    """The saddle of two mirrored neurons is all that the search for such points meets."""
    angle = np.pi / 2
    teacher = plane_search.PlaneTeacher(directions=((0, 0), (angle, angle)), norms=((1, 1), (1, 1)))
    (root,) = outside.search_mirrored(teacher).roots
    ahead, aside, out = (float(x.middle[0]) for x in outside.mirrored_lengths(teacher, root, 0.0))
    x, y = (ahead + aside) / 2**0.5, (ahead - aside) / 2**0.5
    problem = TeacherStudent(Teacher.orthonormal(2), 2, 3)
    proof = prove_point(problem, [[x, y, out], [x, y, -out]])
    with flint.ctx.workprec(check_certificates.BITS):
        vectors = check_plane.Circle(checker.matrix(proof.record["teacher"])).vectors
        place = checker.directions(check_certificates.Point(proof.record))
        assert checker.search(check_outside.Mirrored(vectors), [place]) > 10
        with pytest.raises(check_certificates.Refused, match="not decided"):
            checker.search(check_outside.Mirrored(vectors), [])


def _ranges(box):
    return [flint.arb(x) + flint.arb(0, 1e-14) for x in box]


def test_the_functions_of_two_neurons_are_those_of_the_gradient():
    """At lengths that the radial parts give, F1 and F2 are combinations of the parts across."""
    generator = np.random.default_rng(1)
    teacher = _teacher(100, 0.5)
    loss = PopulationLoss(TeacherStudent(teacher, 2, 2))
    vectors = [[flint.fmpq(*x.as_integer_ratio()) for x in row] for row in teacher.vectors.tolist()]
    of = check_plane.Plane(vectors)
    for _ in range(20):
        u, d = generator.uniform([0, 0.2], [6.2, 3.0])
        units = np.array([[np.cos(x), np.sin(x)] for x in (u, u + d)])
        (b1, _, _), (b2, _, _), (k, _, _) = of.parts(_ranges([u, d]))
        b1, b2, k = (float(x.mid()) for x in (b1, b2, k))
        lengths = np.array([np.pi * b1 - k * b2, np.pi * b2 - k * b1]) / (np.pi**2 - k**2)
        if lengths.min() <= 0.01:
            continue
        slope = 2 * np.pi * loss.gradient(lengths[:, None] * units)
        np.testing.assert_allclose(np.sum(slope * units, axis=1), 0, atol=1e-12)
        across = np.sum(slope * (units @ np.array([[0, 1], [-1, 0]])), axis=1)
        first, second = (float(x.mid()) for x in of.system(_ranges([u, d]))[0])
        total, rest = across.sum(), across[0] - across[1]
        assert abs(first) == pytest.approx(abs((np.pi + k) * rest), abs=1e-10)
        assert abs(second) == pytest.approx(abs((np.pi - k) * total), abs=1e-10)


@pytest.mark.parametrize("kind", ["Circle", "Plane", "Mirrored", "Unlike"])
def test_ranges_and_slopes_hold_samples(kind):
    generator = np.random.default_rng(2)
    vectors = [[flint.fmpq(1), flint.fmpq(0)], [flint.fmpq(-1, 5), flint.fmpq(1, 2)]]
    circle = check_plane.Circle(vectors)
    of = {
        "Circle": circle,
        "Plane": check_plane.Plane(vectors),
        "Mirrored": check_outside.Mirrored(circle.vectors),
        "Unlike": check_outside.Unlike(circle.vectors),
    }[kind]
    low, high = np.array(of.boxes[0]).T
    met = 0
    for _ in range(40):
        a = generator.uniform(low, high - 0.2)
        width = generator.choice([1e-3, 0.05, 0.2])
        values, slopes = of.system([checker.span((x, x + width)) for x in a])
        x, y = (a + width * generator.uniform(size=len(a)) for _ in range(2))
        (fx, _), (fy, _) = (of.system([flint.arb(z) for z in at]) for at in (x, y))
        for value, row, one, two in zip(values, slopes, fx, fy, strict=True):
            if not (one.is_finite() and two.is_finite()):
                continue
            met += 1
            assert value.overlaps(one)
            # The mean value theorem.
            assert (
                sum(s * (q - p) for s, p, q in zip(row, x, y, strict=True)) - two + one
            ).contains(0)
    assert met > 20


def test_lists_that_are_no_file():
    problem = TeacherStudent(_teacher(60), 1, 2)
    found = complete_list(problem, within=0.001)
    assert found.complete
    assert found.record() is None
    with pytest.raises(InvalidArgument, match="no list to write"):
        found.write("list.json")


def test_the_program(tmp_path, capsys, plane):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    complete_list(TeacherStudent(Teacher.orthonormal(2), 2, 2)).write(good)
    assert json.loads(good.read_text()) == json.loads(json.dumps(plane))
    bad.write_text("{}")
    with flint.ctx.workprec(53):
        assert check_certificates.main([good], checker.Listed) == 0
        assert check_certificates.main([good, bad], checker.Listed) == 1
    assert "REFUSED" in capsys.readouterr().out
