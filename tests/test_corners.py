"""Corners, where neurons are exactly zero.

Established here: every critical point of a narrower student gives a corner with its loss; corners
at positive loss are open, and the loss falls along exactly the directions in which psi is negative,
fastest along the steepest; at zero loss they are minima; bad arguments are refused.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.corners import CornerVerdict, find_corners, read_corner
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.points.records import Kind


def test_all_corners_of_a_small_problem() -> None:
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    found = find_corners(problem, starts=10)
    assert [corner.zero_neurons for corner in found.corners] == [1, 2]
    one, both = found.corners
    # One student and two teachers: closed form of DESIGN section 7. All zero: E[f*^2] / 2.
    angle = np.arccos(1 / np.sqrt(2))
    g = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    assert one.loss == pytest.approx(0.5 + 0.5 / np.pi - 4 * g**2, abs=1e-14)
    assert both.loss == pytest.approx(0.5 + 0.5 / np.pi, abs=1e-14)
    assert {corner.verdict for corner in found.corners} == {CornerVerdict.OPEN}
    assert all(corner.point.kind is Kind.SADDLE for corner in found.corners)
    assert found.families[0] is not None
    assert found.families[0].width == 1
    assert found.families[1] is None
    assert found.coverage[1].starts == 10


def test_the_loss_falls_where_psi_is_negative_and_fastest_along_the_steepest() -> None:
    # The minimum with one anti-aligned neuron (to three digits) and a zero neuron.
    problem = TeacherStudent(Teacher.orthonormal(6), 7)
    near = np.full((7, 6), -0.05)
    np.fill_diagonal(near, 0.987)
    near[:, 5], near[5], near[5, 5], near[6] = 0.308, 0.225, -0.602, 0.0
    corner = read_corner(problem, near)
    loss = PopulationLoss(problem)
    weights = np.pad(corner.point.weights, ((0, 0), (0, 1)))
    others = np.any(weights, axis=1)
    directions = np.random.default_rng(0).standard_normal((60, 7))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    directions = np.vstack([corner.psi.directions[0], directions])
    slopes = loss.psi(directions, weights[others])
    changes = []
    for direction in directions:
        weights[~others] = 1e-5 * direction
        changes.append(float(loss.value(weights)) - corner.loss)
    assert np.any(slopes > 0)
    assert np.array_equal(np.array(changes) < 0, slopes < 0)
    assert int(np.argmin(changes)) == 0


def test_zero_loss_corner_is_a_minimum() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 4)
    found = find_corners(problem, zero_neurons=1, starts=5, index=1)
    assert found.corners[0].verdict is CornerVerdict.MINIMUM
    assert found.corners[0].loss < 1e-28
    # With index 1 the transition states of width 3 are corners of width 4 too.
    assert CornerVerdict.SADDLE in {corner.verdict for corner in found.corners}
    losses = [round(corner.loss, 8) for corner in found.corners]
    assert 0.02412366 in losses


def test_record_is_plain_json() -> None:
    problem = TeacherStudent(Teacher.orthonormal(2), 3, 2)
    corner = read_corner(problem, np.vstack([np.full((1, 2), 0.75), np.zeros((2, 2))]) / 1.0)
    record = json.loads(json.dumps(corner.record()))
    assert record["zero_neurons"] == 2
    assert record["verdict"] == corner.verdict.name.lower()
    assert record["regions"] == corner.regions
    assert len(record["psi_signs"]) == 5


def test_not_critical_and_bad_arguments() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 3)
    far = np.random.default_rng(0).standard_normal((3, 3))
    far[1] = 0
    assert read_corner(problem, far).verdict is CornerVerdict.NOT_CRITICAL
    with pytest.raises(InvalidArgument, match="zero neuron"):
        read_corner(problem, np.eye(3))
    with pytest.raises(InvalidArgument, match="zero_neurons"):
        find_corners(problem, zero_neurons=4)
    with pytest.raises(InvalidArgument, match="index"):
        find_corners(problem, index=-1)
