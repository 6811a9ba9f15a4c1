"""Training with a trained second layer or a constraint: flows, descent, ends of runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application
from scipy.integrate import solve_ivp

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.kernels.descent import descend_batch
from landtopo.models.named import named_over
from landtopo.models.networks.as_function import StudentModel
from landtopo.models.networks.dynamics.ends import RunOptions
from landtopo.models.networks.dynamics.flow import FlowOptions
from landtopo.models.networks.dynamics.students import _start, _training
from landtopo.objective import Array

GD = RunOptions(method="gd")


def students(kind: str, teachers: int, width: int, activation: str = "relu") -> StudentModel:
    teacher = lt.Teacher.orthonormal(teachers).with_function(activation)
    problem = lt.TeacherStudent(teacher, width, dim=max(teachers, width))
    if kind == "trained":
        return lt.trained_model(problem, init_outputs="normal")
    return lt.constrained_model(problem, kind)


def field(model: StudentModel, rows: Array) -> Array:
    """What the flow follows, from the loss of weights alone and the definitions."""
    problem = model.shape.problem
    rank, width = problem.rank, problem.width
    if "trained" in model.name:
        weights, outputs = np.delete(rows, rank, axis=1), rows[:, rank]
        given = lt.TeacherStudent(problem.teacher, width, problem.dim, outputs=tuple(outputs))
        loss = lt.PopulationLoss(given)
        slope = np.empty(rows.shape)
        slope[:, rank] = -loss.psi(weights, weights)
        slope[:, np.arange(rows.shape[1]) != rank] = -loss.gradient(weights)
        return slope
    gradient = lt.PopulationLoss(problem).gradient(rows)
    products = gradient @ rows.T
    if "orthonormal |" in model.name:
        return 0.5 * (products + products.T) @ rows - gradient
    return np.diag(products)[:, None] / np.sum(rows**2, axis=1)[:, None] * rows - gradient


@pytest.mark.parametrize(
    ("kind", "activation"),
    [("trained", "relu"), ("trained", "erf"), ("normalised", "relu"), ("orthonormal", "relu")],
)
def test_the_flow_is_that_of_another_integrator(kind: str, activation: str) -> None:
    """From the same start, in the loss of weights alone, by an explicit method of order eight."""
    model = students(kind, 2, 2, activation)
    found = lt.flow_students(model, run=3, options=FlowOptions(longest=20.0))
    start = found.points[0]
    other = solve_ivp(
        lambda _, y: field(model, y.reshape(start.shape)).ravel(),
        (0.0, found.times[-1]),
        start.ravel(),
        method="DOP853",
        rtol=1e-10,
        atol=1e-12,
    )
    assert found.times[-1] > 1.0
    assert found.points[-1].ravel() == pytest.approx(other.y[:, -1], abs=1e-7)
    assert found.losses[-1] < found.losses[0]


@pytest.mark.parametrize("activation", ["relu", "squared-relu"])
def test_the_flow_keeps_what_homogeneity_says(activation: str) -> None:
    """|w|^2 - h a^2 of each neuron, by its definition."""
    model = students("trained", 2, 3, activation)
    degree = model.shape.problem.function.degree
    assert degree is not None
    found = lt.flow_students(model, run=1, options=FlowOptions(longest=30.0))
    rank = model.shape.problem.rank
    kept = np.sum(np.delete(found.points, rank, axis=2) ** 2, axis=2)
    kept -= degree * found.points[:, :, rank] ** 2
    assert np.ptp(found.points, axis=0).max() > 0.1
    assert np.abs(kept - kept[0]).max() < 1e-7
    assert found.drifts.max() == pytest.approx(np.abs(kept - kept[0]).max(), abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "activation"),
    [
        ("trained", "relu"),
        ("trained", "leaky:0.5"),
        ("trained", "erf"),
        ("normalised", "relu"),
        ("orthonormal", "relu"),
    ],
)
def test_a_compiled_step_is_one_down_the_gradient(kind: str, activation: str) -> None:
    """A long one, by psi and the gradient of the loss of weights, and rows by the SVD."""
    model = students(kind, 3, 3, activation)
    training = _training(model, "test")
    start = np.stack([_start(model, training, 4, run) for run in range(3)])
    end = start.copy()
    descend_batch(end, training.landscape(), 0.7, 1e-3, 1)
    for before, after in zip(start, end, strict=True):
        rows = before.reshape(3, -1)
        expected = rows + 0.7 * field(model, rows)
        if kind == "normalised":
            expected = expected / np.linalg.norm(expected, axis=1)[:, None]
        elif kind == "orthonormal":
            left, _, right = np.linalg.svd(expected, full_matrices=False)
            expected = left @ right
        assert np.abs(after - before).max() > 1e-3
        assert after == pytest.approx(expected.ravel(), abs=1e-13)


@pytest.mark.parametrize("kind", ["trained", "normalised", "orthonormal"])
def test_descent_ends_where_plain_steps_do(kind: str) -> None:
    model = students(kind, 2, 2)
    found = lt.reachability(model, runs=2, options=GD)
    losses = [found.families[n].loss for n in found.search.attempts.family]
    for run, loss in enumerate(losses):
        rows = lt.flow_students(model, run=run, options=FlowOptions(longest=1e-9)).points[0]
        for _ in range(1600):
            rows = rows + 0.1 * field(model, rows)
            if kind == "normalised":
                rows = rows / np.linalg.norm(rows, axis=1)[:, None]
            elif kind == "orthonormal":
                left, _, right = np.linalg.svd(rows, full_matrices=False)
                rows = left @ right
        if kind == "trained":
            weights, outputs = np.delete(rows, 2, axis=1), tuple(rows[:, 2])
            problem = lt.TeacherStudent(model.shape.problem.teacher, 2, 2, outputs=outputs)
            value = lt.PopulationLoss(problem).value(weights)
        else:
            value = lt.PopulationLoss(model.shape.problem).value(rows)
        assert loss == pytest.approx(float(value), abs=1e-8)


def test_runs_of_too_long_steps_are_told() -> None:
    model = students("trained", 2, 2)
    found = lt.reachability(model, runs=2, options=RunOptions(method="gd", step=30.0))
    assert [(one.label, one.count) for one in found.shares()] == [("diverged", 2)]
    assert found.success().count == 0


def test_success_is_the_lowest_level_where_no_student_is_the_teacher() -> None:
    """MODELS.md, section 6: normalised, K, M = 5, 4."""
    found = lt.reachability(students("normalised", 4, 5), runs=5, seed=1, options=GD)
    success = found.success()
    assert not found.zero
    assert success.label == "lowest known"
    assert found.level == pytest.approx(0.1026907008, abs=5e-11)
    assert 0 < success.count <= 5
    assert success.low <= success.fraction <= success.high
    again = lt.reachability(students("normalised", 4, 5), runs=4, seed=1, options=GD)
    assert np.array_equal(
        again.search.attempts.weights[0], found.search.attempts.weights[0], equal_nan=True
    )


def test_what_cannot_be_followed_is_refused_in_a_sentence() -> None:
    model = students("normalised", 2, 2)
    with pytest.raises(InvalidArgument, match="One-pass SGD is worked out for networks"):
        lt.reachability(model, options=RunOptions(method="sgd"))
    with pytest.raises(InvalidArgument, match="it has its own 'init'"):
        lt.reachability(model, init="gaussian:1")
    torus = lt.function_model(lambda x: float(x @ x), low=[-1.0], high=[1.0])
    with pytest.raises(InvalidArgument, match="is for networks"):
        lt.reachability(torus)
    with pytest.raises(InvalidArgument, match="states its decay"):
        named_over("xor:0.01", "decay=0.01,0.02")


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(application, [*arguments, "--quiet"])
    return done.exit_code, done.stdout, done.output


OF = ("--teacher", "orthonormal:2", "--dim", "2")


def test_the_command_line_has_them_and_keeps_what_it_finds(tmp_path: Path) -> None:
    study = str(tmp_path / "two.landtopo")
    trained = ("--second-layer", "trained")
    code, out, text = run("reach", *OF, "--widths", "2:3", *trained, "--runs", "4", "-o", study,
                          "--method", "gd", "--json")  # fmt: skip
    assert code == 0, text
    for record in json.loads(out):
        assert record["success"]["label"] == "global"
        assert record["conserved"] == "|w|^2 - a^2 of each neuron"
        assert 1e-4 < record["drift"] < 0.5
    with lt.Study.open(study) as kept:
        assert {width for width, _ in kept.searches("reachability")} == {2, 3}
        assert [check for check in lt.verify(kept) if not check.agrees] == []
    code, out, text = run("flow", *OF, "--width", "2", "--constraint", "orthonormal", "--json")
    assert code == 0, text
    assert max(json.loads(out)["drifts"]) < 1e-8
    for more, why in (
        (("--method", "sgd"), "One-pass SGD is worked out"),
        (("--step", "0.2"), "--step does nothing without --method gd"),
        (("--rate", "0.2"), "--rate is for networks"),
    ):
        code, _, text = run("reach", *OF, "--width", "2", *trained, *more)
        assert code == 2
        assert why in text
