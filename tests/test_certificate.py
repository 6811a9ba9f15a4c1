"""The psi certificate.

Established here: psi is the slope of the loss when a neuron grows; its minimum is not above what a
dense sample of directions finds, and in few dimensions not above a rigorous lower bound; both
bounds that need no search hold; flowing from a grown neuron really lowers the loss; regions of
descent are counted right where they are known; zero loss is recognised.
"""

from __future__ import annotations

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.kernels.minimise import minimise_batch
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array


def minimum(problem: TeacherStudent, seed: int = 0) -> Array:
    """A minimum of a student narrower than its teacher: never at zero loss."""
    loss = PopulationLoss(problem)
    network = loss.network(problem.rank)
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((1, problem.width, problem.rank)) / np.sqrt(problem.rank)
    minimise_batch(weights, network, 1e-12, 100_000)
    return np.array(classify(problem, weights[0]).weights)


PROBLEMS = [
    TeacherStudent(Teacher.orthonormal(2), 1),
    TeacherStudent(Teacher.orthonormal(2), 1, 2),
    TeacherStudent(Teacher.orthonormal(3), 2, 3),
    TeacherStudent(Teacher.equicorrelated(4, -0.2), 2),
    TeacherStudent(Teacher.random(5, dim=3, seed=4), 3),
    TeacherStudent(Teacher.orthonormal(8), 5),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.teacher.name}-{p.width}-{p.dim}")
def test_bounds_and_dense_sample(problem: TeacherStudent) -> None:
    weights = minimum(problem)
    found = psi_min(problem, weights)
    assert found.loss > 1e-3
    assert found.lower_bound <= found.minimum + 1e-15
    assert found.minimum <= found.upper_bound < 0
    assert -np.sqrt(found.loss) <= found.lower_bound
    columns = found.directions.shape[1]
    directions = np.random.default_rng(1).standard_normal((20_000, columns))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    padded = np.pad(weights, ((0, 0), (0, columns - weights.shape[1])))
    loss = PopulationLoss(problem)
    assert found.minimum <= loss.psi(directions, padded).min() + 1e-14
    # The minima are what they are said to be: unit vectors, psi as stated, no slope.
    slopes, gradients = loss.psi_and_gradient(found.directions, padded)
    np.testing.assert_allclose(slopes, found.slopes, atol=1e-13)
    np.testing.assert_allclose(np.linalg.norm(found.directions, axis=1), 1.0)
    along = gradients - slopes[:, None] * found.directions
    assert np.abs(along).max() < 1e-7
    if columns <= 3:
        assert found.lower_bound == pytest.approx(found.minimum, abs=1e-8)


def test_psi_is_the_slope_of_a_growing_neuron() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 2)
    weights = minimum(problem)
    found = psi_min(problem, weights)
    wider = PopulationLoss(problem.with_width(3))
    padded = np.pad(weights, ((0, 1), (0, 1)))
    base = float(wider.value(padded))
    for size in (1e-4, 1e-5):
        padded[2] = size * found.directions[0]
        slope = (float(wider.value(padded)) - base) / size
        # A neuron of this size adds size^2 / 4 of its own.
        assert slope - size / 4 == pytest.approx(found.minimum, abs=1e-9)


def test_growing_the_neuron_leads_to_a_lower_minimum() -> None:
    problem = TeacherStudent(Teacher.orthonormal(4), 3)
    weights = minimum(problem)
    found = psi_min(problem, weights)
    wider = PopulationLoss(problem.with_width(4))
    start = np.vstack([weights, 0.05 * found.directions[0, :4]])[None]
    network = wider.network(4)
    minimise_batch(start, network, 1e-12, 100_000)
    assert float(wider.value(start[0])) < found.loss - 1e-3


def test_regions_of_descent_where_they_are_known() -> None:
    # Teachers e1 and -e1, students s e2 and -s e2: psi(u) = s h(p/2 - t) - h(t) with t the angle to
    # the first axis and h(t) = (2 sin t + (pi - 2 t) cos t) / 2pi, which falls from 1/2 to 1/pi. So
    # psi < 0 around both teachers. Outside the plane psi = (s - 1) / pi joins the two or not.
    teacher = Teacher.from_vectors([[1.0, 0.0], [-1.0, 0.0], [0.0, 2e-8]])
    students = np.array([[0.0, 1.0], [0.0, -1.0]])
    plane = TeacherStudent(teacher, 2, 2)
    space = TeacherStudent(teacher, 2)
    assert psi_min(plane, students).regions == 2
    assert psi_min(space, 1.05 * students).regions == 2
    assert psi_min(space, 0.95 * students).regions == 1
    both = psi_min(plane, students)
    np.testing.assert_allclose(np.abs(both.directions[:, 0]), 1.0, atol=1e-6)
    assert both.minimum == pytest.approx(1 / np.pi - 0.5, abs=1e-8)


def test_sign_pattern() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 3)
    weights = np.vstack([minimum(problem.with_width(2)), np.zeros(3)])
    found = psi_min(problem, weights)
    assert found.signs.shape == (6, 2)
    # psi vanishes at the students, as everywhere where the gradient does; a zero neuron has none.
    assert found.signs[:3, 0].tolist() == [0, 0, 0]
    assert found.signs[2].tolist() == [0, 0]
    loss = PopulationLoss(problem)
    for side, sign in enumerate((1, -1)):
        slopes = loss.psi(sign * problem.teacher.vectors, weights[:2])
        assert found.signs[3:, side].tolist() == np.sign(slopes).astype(int).tolist()


def test_zero_loss_is_global() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 4)
    found = psi_min(problem, np.vstack([np.eye(3)[:2], 0.3 * np.eye(3)[2], 0.7 * np.eye(3)[2]]))
    assert (found.minimum, found.regions, len(found.directions)) == (0.0, 0, 0)
    assert "global" in found.verdict


def test_all_neurons_zero() -> None:
    # psi(u) = -sum_m g(u, v_m): for one teacher it is lowest along it, -1/2.
    problem = TeacherStudent(Teacher.orthonormal(1), 1)
    found = psi_min(problem, np.zeros((1, 1)))
    assert found.minimum == pytest.approx(-0.5)
    np.testing.assert_allclose(found.directions, [[1.0, 0.0]], atol=1e-7)


def test_wrong_shape_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="psi_min"):
        psi_min(TeacherStudent(Teacher.orthonormal(3), 2), np.zeros((2, 2)))
