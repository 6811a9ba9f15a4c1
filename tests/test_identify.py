"""Which family a trained network is: by flow and by distance, in any coordinates and order."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.families import describe_family

PROBLEM = lt.TeacherStudent(lt.Teacher.orthonormal(6), 6)
SPURIOUS = lt.block_family(1, size=6).weights()


@pytest.fixture(scope="module")
def families() -> list[lt.Family]:
    points = [classify(PROBLEM, weights) for weights in (np.eye(6), SPURIOUS)]
    return [describe_family(PROBLEM, point, count=0, found_by="test") for point in points]


@pytest.fixture(scope="module")
def named(families: list[lt.Family]) -> list[lt.Family]:
    return [replace(one, id=f"w6-f{number}") for number, one in enumerate(families)]


def turned(weights: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The network with its neurons shuffled, in 20 dimensions, and the teacher there."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    there = np.pad(weights, ((0, 0), (0, 20 - weights.shape[1]))) @ rotation
    return there[rng.permutation(len(weights))], np.eye(6, 20) @ rotation


@pytest.mark.parametrize("seed", range(3))
def test_a_minimum_is_known_in_any_order_and_coordinates(named: list[lt.Family], seed: int) -> None:
    weights, vectors = turned(SPURIOUS, seed)
    inside = lt.in_teacher_coordinates(PROBLEM, weights, vectors)
    found = lt.identify(PROBLEM, inside, named)
    assert found.verdict == "These weights are a point of w6-f1."
    assert found.family == found.likenesses[0].id == "w6-f1"
    # weights_from_statistics takes a square root of a matrix of rounded products.
    assert found.likenesses[0].distance < 1e-6
    assert found.likenesses[0].is_exact


def test_the_flow_and_not_the_distance_decides(named: list[lt.Family]) -> None:
    # The barrier is 1.2e-5: beyond it the spurious minimum is closest, and the global one downhill.
    ends = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        weights = SPURIOUS + 0.25 * rng.normal(size=(6, 6)) / np.sqrt(6)
        found = lt.identify(PROBLEM, weights, named)
        downhill = "w6-f0" if lt.flow_weights(PROBLEM, weights).losses[-1] < 1e-12 else "w6-f1"
        ends.add(found.family)
        assert found.family == downhill
        assert found.likenesses[0].id == downhill
        nearest = min(found.likenesses, key=lambda one: one.distance)
        assert nearest.id == "w6-f1"
        assert nearest.distance <= np.linalg.norm(weights - SPURIOUS) + 1e-9
    assert ends == {"w6-f0", "w6-f1"}


def test_an_unknown_family_is_said(named: list[lt.Family]) -> None:
    found = lt.identify(PROBLEM, SPURIOUS, named[:1])
    assert found.family is None
    assert "loss 0.025080581" in found.verdict
    assert "none of the families" in found.verdict


def test_what_does_not_fit_is_refused(named: list[lt.Family]) -> None:
    wider = PROBLEM.with_width(7)
    with pytest.raises(InvalidArgument, match="families of width 7; got w6-f0"):
        lt.identify(wider, np.eye(7, 6), named)
    with pytest.raises(InvalidArgument, match="must be those of the teacher"):
        lt.in_teacher_coordinates(PROBLEM, SPURIOUS, 1.1 * np.eye(6))
    with pytest.raises(InvalidArgument, match=r"'weights' .* \(6, 9\)"):
        lt.in_teacher_coordinates(PROBLEM, SPURIOUS, np.eye(6, 9))


def test_the_command(tmp_path: Path) -> None:
    weights, vectors = turned(np.eye(6), 5)
    np.save(tmp_path / "trained.npy", weights + 1e-3)
    np.save(tmp_path / "vectors.npy", vectors)
    arguments = [
        "identify", str(tmp_path / "trained.npy"), "--vectors", str(tmp_path / "vectors.npy"),
        "--teacher", "orthonormal:6", "--width", "6", "--starts", "40",
    ]  # fmt: skip
    told = CliRunner().invoke(application, [*arguments, "--json"])
    assert told.exit_code == 0, told.output
    record = json.loads(told.stdout)
    assert record["family"] == "w6-f0"
    assert record["end"]["distance"] == pytest.approx(1e-3 * np.sqrt(120), rel=0.2)
    shown = CliRunner().invoke(application, arguments)
    assert "ends in w6-f0" in shown.output


def test_a_network_in_other_coordinates_is_noticed(named: list[lt.Family]) -> None:
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((6, 6)))[0]
    turned = SPURIOUS @ turn
    assert lt.identify(PROBLEM, turned, named).turned == "w6-f1"
    assert lt.identify(PROBLEM, SPURIOUS, named).turned is None
    straight = lt.in_teacher_coordinates(PROBLEM, turned, turn)
    found = lt.identify(PROBLEM, straight, named)
    assert (found.turned, found.family) == (None, "w6-f1")
    random = np.random.default_rng(4).standard_normal((6, 6)) / np.sqrt(6)
    assert lt.identify(PROBLEM, random, named).turned is None


def test_the_command_says_so_and_tells_the_loss(tmp_path: Path) -> None:
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((2, 2)))[0]
    np.save(tmp_path / "turned.npy", np.eye(2) @ turn)
    np.save(tmp_path / "teacher.npy", turn)
    asked = ["identify", str(tmp_path / "turned.npy"), "--teacher", "orthonormal:2"]
    asked += ["--width", "2", "--starts", "20"]
    done = CliRunner().invoke(application, asked)
    assert "as those of w2-f0 do, and lie elsewhere" in done.stderr
    loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), 2)).value(turn)
    assert f"Loss of these weights {loss:.10g}"[:30] in done.stdout
    done = CliRunner().invoke(application, [*asked, "--vectors", str(tmp_path / "teacher.npy")])
    assert "elsewhere" not in done.stderr
    assert "Loss of these weights 0, norm" in done.stdout
