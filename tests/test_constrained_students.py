"""Students with constrained neurons as models: known numbers, copies, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application
from numpy.testing import assert_allclose

import landtopo as lt
from landtopo.models.networks.as_function import StudentModel
from landtopo.models.smooth import follow_to
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.points.stationary import FunctionPoint


def run(arguments: list[str]) -> Result:
    return CliRunner().invoke(application, arguments)


def model(
    students: int, teachers: int, constraint: str, dim: int | None = None, activation: str = "relu"
) -> StudentModel:
    teacher = lt.Teacher.orthonormal(teachers).with_function(activation)
    return lt.constrained_model(lt.TeacherStudent(teacher, students, dim), constraint)


def padded(of: StudentModel, rows: Array) -> Array:
    """Rows with zeros in the columns outside the span, in units of the model."""
    width, columns = len(rows), of.size // len(rows)
    assert columns >= rows.shape[1]
    return of.inside(np.pad(rows, ((0, 0), (0, columns - rows.shape[1]))).reshape(width, -1))


def judged(of: StudentModel, rows: Array) -> FunctionPoint:
    point: FunctionPoint = of.told(of.strata.judge(padded(of, rows)))
    return point


def test_the_minimum_with_one_neuron_turned_around_has_the_known_numbers() -> None:
    """MODELS.md, section 6: loss, smallest eigenvalue for d = M, and outside the span."""
    for dim, columns in ((8, 8), (None, 10)):
        students = model(8, 8, "normalised", dim)
        assert students.size == 8 * columns
        rows = np.eye(8) + 0.05 * np.random.default_rng(1).normal(size=(8, 8))
        rows[0] = 0.3 - np.eye(8)[0]
        found = follow_to(students, [(padded(students, rows), None)], 0)
        point = judged(students, found["x"][0].reshape(8, -1))
        assert point.kind is Kind.MINIMUM
        assert_allclose(point.value, 0.0240579772, atol=5e-11)
        assert_allclose(point.eigenvalues[0], 0.012511, atol=5e-7)
        normal = students.shape.columns(point.x)
        if dim is None:
            assert_allclose(normal["smallest_normal_eigenvalue"], 0.16945, atol=5e-6)
        else:
            assert not normal


@pytest.mark.parametrize(("size", "index"), [(3, 1), (4, 3), (5, 6), (6, 0)])
def test_block_reflections_are_critical_with_orthonormal_rows(size: int, index: int) -> None:
    """MODELS.md, section 5: (2/p) J - I, a minimum from p = 6 on."""
    for dim in (size, None):
        students = model(size, size, "orthonormal", dim)
        point = judged(students, np.full((size, size), 2.0 / size) - np.eye(size))
        assert point.grad_norm < 1e-14
        if dim == size:
            assert point.index == index
        if size == 6:
            assert point.kind is Kind.MINIMUM
            assert_allclose(point.value, 0.05587787, atol=5e-9)
            assert_allclose(point.eigenvalues[0], 0.001417, atol=5e-7)


def test_a_wider_normalised_student_does_not_reach_its_teacher() -> None:
    found = lt.find_minima(model(5, 4, "normalised"), starts=20, seed=1)
    assert_allclose(found.families[0].loss, 0.1026907008, atol=5e-11)
    assert found.families[0].orbit_size == 120


@pytest.mark.parametrize("constraint", ["normalised", "orthonormal"])
@pytest.mark.parametrize("activation", ["relu", "erf", "abs", "tanh"])
def test_the_normal_block_is_the_curvature_of_an_unused_direction(
    constraint: str, activation: str
) -> None:
    """At a critical point: in the Hessian, each of two unused columns has the block."""
    inside, wide = (model(3, 3, constraint, dim, activation) for dim in (3, None))
    rows = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    found = follow_to(inside, [(padded(inside, rows), None)], 0)
    rows = judged(inside, found["x"][0].reshape(3, 3)).x.reshape(3, 3)
    x = np.pad(rows, ((0, 0), (0, 2)))
    hessian = wide.shape.objective.hessian(x.ravel()).reshape(3, 5, 3, 5)
    normal = wide.shape.normal(x.ravel())
    for column in (3, 4):
        assert_allclose(np.linalg.eigvalsh(hessian[:, column, :, column]), normal, atol=1e-9)
    assert_allclose(hessian[:, 3, :, 4], 0.0, atol=1e-12)


@pytest.mark.parametrize("constraint", ["normalised", "orthonormal"])
def test_copies_are_found_and_counted(constraint: str) -> None:
    students = model(4, 3, constraint)
    rng = np.random.default_rng(3)
    x = students.draw(rng)
    turned = x.reshape(4, -1)[[2, 0, 3, 1]]
    turned[:, :3] = turned[:, [1, 2, 0]]
    outside = turned.shape[1] - 3
    turned[:, 3:] = turned[:, 3:] @ np.linalg.qr(rng.normal(size=(outside, outside)))[0]
    # Gauge: other lengths, or another matrix in front.
    mixed = np.eye(4) + 0.1 * np.ones((4, 4))
    turned = (mixed if constraint == "orthonormal" else np.diag([1.0, 2.0, 3.0, 0.5])) @ turned
    element = students.symmetry.match(turned.ravel(), x)
    assert element is not None
    text = students.shape.element_text(element)
    assert students.shape.element_of(text) == element
    copy = students.symmetry.act(element, x)
    aligned = students.shape.gauge.align(turned.ravel(), copy)
    assert_allclose(aligned, copy, atol=1e-12)
    assert students.symmetry.isotropy_order(x) == 1
    assert students.symmetry.order == 24 * 6


@pytest.mark.parametrize(
    ("constraint", "widths", "dim", "sentence"),
    [
        ("orthonormal", [4], 3, "4 orthonormal neurons need as many dimensions"),
        ("normalised:0", [2], None, "The 'constraint' argument of constrained_models must"),
        ("normalised:x", [2], None, "The 'constraint' argument of constrained_models must"),
        ("orthonormal:2", [2], None, "A constraint must be normalised, normalised:R or"),
        ("unit", [2], None, "A constraint must be normalised, normalised:R or"),
        ("normalised", [], None, "must name at least one width"),
        ("normalised", [0], None, "must be an integer >= 1"),
    ],
)
def test_what_cannot_be_is_refused(
    constraint: str, widths: list[int], dim: int | None, sentence: str
) -> None:
    with pytest.raises(lt.InvalidArgument, match=sentence):
        lt.constrained_models(lt.Teacher.orthonormal(3), constraint, widths, dim=dim)


def test_the_length_of_neurons_must_be_known() -> None:
    teacher = lt.Teacher.from_vectors([[1.0, 0.0], [0.0, 2.0]])
    with pytest.raises(lt.InvalidArgument, match="different lengths; say the one"):
        lt.constrained_models(teacher, "normalised", 2)
    (students,) = lt.constrained_models(teacher, "normalised:1.5", 2).models
    rows = students.shape.weights(students.draw(np.random.default_rng(0)) * students.length)
    assert_allclose(np.linalg.norm(rows, axis=1), 1.5)
    squares = lt.Teacher.orthonormal(2).with_function("quadratic")
    with pytest.raises(lt.InvalidArgument, match="another activation than x\\^2"):
        lt.constrained_models(squares, "normalised", 2)


@pytest.mark.parametrize("constraint", ["normalised", "orthonormal"])
def test_a_path_stays_on_the_constraint(constraint: str) -> None:
    students = model(3, 3, constraint)
    start = np.pad(np.eye(3), ((0, 0), (0, 2)))
    path = lt.connect(students, start, start[[1, 2, 0]], seed=1)
    assert path.verified
    assert path.highest_loss < 0.03
    assert_allclose(path.losses, students.shape.objective.value(path.points), atol=1e-15)
    stored = path.points.reshape(len(path.points), 3, -1)
    lengths = np.linalg.norm(stored, axis=2)
    assert_allclose(lengths, 1.0, rtol=0, atol=1e-14)
    if constraint == "orthonormal":
        products = stored @ stored.transpose(0, 2, 1)
        assert_allclose(products, np.broadcast_to(np.eye(3), products.shape), atol=1e-14)


def test_from_the_command_line_to_a_verified_study(tmp_path: Path) -> None:
    study = tmp_path / "students.landtopo"
    asked = ["graph", "--teacher", "orthonormal:2", "--widths", "2:3", "--dim", "3"]
    asked += ["--constraint", "normalised", "--starts", "6", "-o", str(study), "--quiet"]
    out = tmp_path / "out"
    done = run([*asked, "--out-dir", str(out)])
    assert done.exit_code == 0, done.output
    page = (out / "landscape.html").read_text()
    assert "student with normalised neurons" in page
    report = (out / "landscape.md").read_text()
    assert "the lowest that is known" in report
    assert "global" not in report
    again = run(["graph", "-o", str(study), "--quiet", "--json"])
    assert again.exit_code == 0, again.output
    ids = [row["id"] for row in json.loads(again.stdout)["minima"]]
    assert ids[0] == "w2-min0"
    assert any(name.startswith("w3-min") for name in ids)
    for command in (["flat", "-o", str(study), "--family", "w3-min0"], ["show", str(study)]):
        assert run(command).exit_code == 0
    with lt.Study.open(study) as kept:
        checks = lt.verify(kept)
    assert [check for check in checks if not check.agrees] == []
    fields = {check.quantity for check in checks}
    assert {"smallest_normal_eigenvalue", "teacher_permutation"} <= fields


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--width", "4", "--dim", "3", "--constraint", "orthonormal"], "need as many dimensions"),
        (["--width", "3", "--constraint", "normalised:0"], "must be a positive number"),
        (["--constraint", "normalised"], "Missing option '--width'"),
        (
            ["--width", "3", "--constraint", "normalised", "--second-layer", "trained"],
            "--constraint is for students whose second layer is fixed",
        ),
        (["--width", "3", "--constraint", "normalised", "--init", "small:1"], "--init is for"),
        (
            ["--width", "3", "--constraint", "normalised", "--model", "torus"],
            "--model does nothing",
        ),
    ],
)
def test_what_a_command_cannot_do_is_refused_at_once(more: list[str], sentence: str) -> None:
    done = run(["minima", "--teacher", "orthonormal:3", *more])
    assert done.exit_code == 2
    assert sentence in done.output
