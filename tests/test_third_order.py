"""Where a split neuron has no curvature, the loss itself confirms what the third order says.

The loss is evaluated along many moves between the parts, at distances small enough for the fourth
order not to matter; the sign of the lowest change has to agree with the verdict.
"""

from __future__ import annotations

import numpy as np
import pytest

from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.points.third_order import ThirdOrder, split_third_order
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Kind

CIRCLE = 2 * np.pi * np.arange(5) / 5
PENTAGON = Teacher.from_vectors(np.stack([np.cos(CIRCLE), np.sin(CIRCLE)], axis=1))
OPPOSITE = Teacher.from_vectors([[1.0], [-2.0]])


def split(weights: Array, neuron: int, share: float) -> Array:
    """One neuron in two parts; two more columns."""
    parts = np.vstack([weights, (1 - share) * weights[neuron]])
    parts[neuron] *= share
    return np.hstack([parts, np.zeros((len(parts), 2))])


def lowest_change(problem: TeacherStudent, weights: Array, neuron: int, null: Array) -> float:
    """Lowest change of the loss over s^3 when two parts move apart by s in the null space."""
    generator = np.random.default_rng(0)
    moves = generator.standard_normal((400, len(null))) @ null
    moves = np.vstack([null, -null, moves / np.linalg.norm(moves, axis=1, keepdims=True)])
    loss = PopulationLoss(problem)
    size = 1e-3
    points = np.repeat(weights[None], len(moves), axis=0)
    points[:, neuron] += size * moves
    points[:, -1] -= size * moves
    return float((loss.value(points) - loss.value(weights)).min()) / size**3


@pytest.mark.parametrize("share", [0.5, 0.45, 0.4, 0.3, 0.2, 0.1])
@pytest.mark.parametrize("neuron", [0, 1, 2, 3])
def test_pentagon(neuron: int, share: float) -> None:
    (family,) = find_minima(TeacherStudent(PENTAGON, 4), starts=40).families
    narrow = TeacherStudent(PENTAGON, 4)
    u = family.weights[neuron]
    own = PopulationLoss(narrow).hessian(family.weights).reshape(4, 2, 4, 2)[neuron, :, neuron]
    across = np.array([-u[1], u[0]]) / np.linalg.norm(u)
    curvature = float(across @ own @ across) - 0.5
    problem = TeacherStudent(PENTAGON, 5)
    point = classify(problem, split(family.weights, neuron, share)[:, :2])
    if abs(curvature) > 1e-6:
        assert point.kind is (Kind.SADDLE if curvature < 0 else Kind.MINIMUM)
        assert "third order" not in point.reason
        return
    # In the plane and outside of it the curvature is zero, by the symmetry of the teacher.
    null = np.vstack([np.r_[across, 0.0, 0.0], np.eye(4)[2:]])
    change = lowest_change(problem, split(family.weights, neuron, share), neuron, null)
    assert abs(change) > 1e-3
    assert point.kind is (Kind.MINIMUM if change > 0 else Kind.SADDLE)
    assert point.index == 0
    assert "third order" in point.reason


def test_both_verdicts_occur_on_one_flat_set() -> None:
    (family,) = find_minima(TeacherStudent(PENTAGON, 4), starts=40).families
    problem = TeacherStudent(PENTAGON, 5)
    kinds = {
        classify(problem, split(family.weights, neuron, share)[:, :2]).kind
        for neuron in range(4)
        for share in (0.5, 0.05)
    }
    assert kinds == {Kind.MINIMUM, Kind.SADDLE}


@pytest.mark.parametrize("share", [0.5, 0.4, 0.25, 0.2, 0.1])
@pytest.mark.parametrize("teacher", [0, 1])
def test_opposite_teachers(teacher: int, share: float) -> None:
    """l^3 > tau (a_1^2 + a_2^2) with l = |u| and tau = 3 is all that matters."""
    problem = TeacherStudent(OPPOSITE, 2)
    u = OPPOSITE.vectors[teacher : teacher + 1]
    length = float(np.linalg.norm(u))
    rises = length > 3.0 * (share**2 + (1 - share) ** 2)
    point = classify(problem, split(u, 0, share)[:, :1])
    assert point.kind is (Kind.MINIMUM if rises else Kind.SADDLE)
    change = lowest_change(problem, split(u, 0, share), 0, np.eye(3)[1:])
    assert (change > 0) == rises


def test_families_of_a_set_with_saddles_are_represented_by_its_minima() -> None:
    found = find_minima(TeacherStudent(OPPOSITE, 2), starts=60)
    spurious = [family for family in found.families if not family.is_global]
    (family,) = spurious
    assert family.loss == pytest.approx(0.25)
    assert family.flat_dimension == 1
    assert family.count > 0
    reduced = reduce_network(family.weights, 1)
    assert family.point.kind is Kind.MINIMUM
    assert reduced.effective_width == 1


def test_many_parts_are_decided_only_by_what_is_certain() -> None:
    def verdict(tau: float, shares: list[float]) -> ThirdOrder:
        teachers = np.array([[tau, 0.0]])
        return split_third_order(
            np.array([[1.0, 0.0]]), teachers, 0, np.array(shares), np.empty((0, 2)), outside=True
        )

    assert verdict(0.4, [0.2, 0.3, 0.5]) is ThirdOrder.RISES
    assert verdict(5.0, [0.2, 0.3, 0.5]) is ThirdOrder.FALLS
    assert verdict(1.0, [1 / 3, 1 / 3, 1 / 3]) is ThirdOrder.OPEN
    assert verdict(1.0, [0.3, 0.7]) is ThirdOrder.RISES
    assert verdict(1.9, [0.5, 0.5]) is ThirdOrder.RISES
    assert verdict(2.1, [0.5, 0.5]) is ThirdOrder.FALLS


@pytest.mark.parametrize("length", [1e-3, 1e-5, 1e-6])
def test_curvatures_that_are_hardly_known_are_not_taken_for_zero(length: float) -> None:
    """The short neuron blurs all curvatures; that of the split is -0.44 times its length."""
    teacher = Teacher.from_vectors([[length, 0.0], [0.0, 1.0]])
    spurious = find_minima(TeacherStudent(teacher, 2), starts=20).families[1]
    assert spurious.loss == pytest.approx(0.1519 * length**2, rel=1e-3)
    long = int(np.argmax(np.linalg.norm(spurious.weights, axis=1)))
    point = classify(TeacherStudent(teacher, 3), split(spurious.weights, long, 0.5)[:, :2])
    assert point.kind is (Kind.SADDLE if length == 1e-3 else Kind.UNDECIDED)
