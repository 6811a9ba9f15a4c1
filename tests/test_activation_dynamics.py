"""Training of students with other activations than ReLU: gradient flow and gradient descent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as main

import landtopo as lt
from landtopo.models.networks.dynamics.ends import RunOptions
from landtopo.models.networks.starts import GaussianStart, draw_start, start_generator


def problem_of(spec: str, width: int) -> lt.TeacherStudent:
    return lt.TeacherStudent(lt.Teacher.orthonormal(2), width, activation=spec)


@pytest.mark.parametrize("method", ["flow", "gd"])
def test_runs_of_erf_end_where_an_accurate_integrator_ends(method: str) -> None:
    # One neuron more than the teacher: two families of minima, and both are met.
    problem = problem_of("erf", 3)
    found = lt.reachability(problem, runs=16, options=RunOptions(method=method))
    assert found.unfinished == found.diverged == 0
    assert [round(family.loss, 10) for family in found.families] == [0.0, 0.0014955118]
    assert all(family.count for family in found.families)
    loss = lt.PopulationLoss(problem)
    for run in range(8):
        start = draw_start(problem, GaussianStart(), start_generator(0, 3, run))
        flow = lt.flow_weights(problem, start)
        family = found.families[int(found.attempts.family[run])]
        # The integrator stops at |grad| = 1e-9, where the loss is known to its square.
        assert float(loss.value(flow.weights[-1])) == pytest.approx(family.loss, abs=1e-12)


def test_the_statistics_of_erf_move_as_differences_of_the_loss_say() -> None:
    problem = problem_of("erf", 2)
    loss = lt.PopulationLoss(problem)
    start = np.array([[0.9, 0.1, 0.2], [0.2, 0.7, 0.0]])

    def field(w: np.ndarray) -> np.ndarray:
        # Central differences: an error of the square of the step, 1e-10.
        step, result = 1e-5, np.empty_like(w)
        for place in np.ndindex(w.shape):
            move = np.zeros_like(w)
            move[place] = step
            result[place] = -(loss.value(w + move) - loss.value(w - move)) / (2 * step)
        return result

    w, h = start.copy(), 0.1
    for _ in range(20):
        a = field(w)
        b = field(w + h / 2 * a)
        c = field(w + h / 2 * b)
        d = field(w + h * c)
        w += h / 6 * (a + 2 * b + 2 * c + d)
    begin = lt.summary_statistics(problem.teacher, start)
    flow = lt.flow_statistics(problem, begin.student, begin.overlap)
    student, overlap = flow.at(2.0)
    # The fourth order of the steps, h^5 a step, and the differences.
    assert student == pytest.approx(w @ w.T, abs=1e-7)
    assert overlap == pytest.approx(w[:, :2], abs=1e-7)


def test_zero_neurons_start_where_there_is_no_kink() -> None:
    problem = problem_of("erf", 2)
    flow = lt.flow_statistics(problem, np.zeros((2, 2)), np.zeros((2, 2)))
    assert flow.losses[-1] < flow.losses[0]
    with pytest.raises(lt.InvalidArgument, match="without zero neurons"):
        lt.flow_statistics(problem_of("leaky:0.1", 2), np.zeros((2, 2)), np.zeros((2, 2)))


def test_the_commands_follow_other_activations(tmp_path: Path) -> None:
    runner = CliRunner()
    shared = ["--teacher", "orthonormal:2", "--width", "2", "--activation", "erf", "--quiet"]
    found = runner.invoke(main, ["reach", *shared, "--runs", "5", "--json"])
    assert found.exit_code == 0, found.output
    assert '"erf' in found.stdout or "activation=erf" in found.stdout
    flow = runner.invoke(main, ["flow", *shared, "--json"])
    assert flow.exit_code == 0, flow.output
    assert json.loads(flow.stdout)
    refused = runner.invoke(main, ["flow", *shared, "--rate", "0.1"])
    assert refused.exit_code == 2
    assert "for which alone it is worked out" in refused.output
