"""The set of all zero-loss students, also of linearly dependent teachers.

Independent routes: the loss at the claimed networks, the built graph, searches from random starts,
and the traced dimension at random points of every stratum.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import minimize

from landtopo.errors import InvalidArgument
from landtopo.flat.correct import correct
from landtopo.models.networks.flat.bridges import zero_loss_graph
from landtopo.models.networks.flat.cells import cell_complex
from landtopo.models.networks.flat.directions import flat_directions
from landtopo.models.networks.flat.paths import flat_path
from landtopo.models.networks.flat.slides import FlatPathStatus
from landtopo.models.networks.flat.zero_loss import line_freedom, zero_loss_set
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array

MERCEDES = Teacher.from_gram(np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]]))


def balanced(size: int, dim: int, seed: int) -> Teacher:
    """A teacher whose vectors have several positive linear dependences."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((size, dim))
    vectors[-1] -= vectors.sum(axis=0)
    return Teacher.from_vectors(vectors)


@pytest.mark.parametrize(
    "teacher",
    [
        Teacher.orthonormal(4),
        Teacher.equicorrelated(4, 0.5),
        Teacher.random(4, dim=6, seed=0),
        # Dependent, but on one side of a hyperplane.
        Teacher.from_vectors(np.random.default_rng(0).uniform(0.1, 1, (4, 3)), name="one-sided"),
    ],
    ids=lambda teacher: teacher.name,
)
@pytest.mark.parametrize("width", [3, 4, 5, 7])
def test_independent_teachers_have_one_network(teacher, width):
    found = zero_loss_set(teacher, width)
    if width < 4:
        assert found.f_vector == ()
        assert found.components == 0
        return
    shape = cell_complex(width, 4)
    assert found.f_vector == shape.f_vector
    assert found.components == shape.components


def test_equal_and_opposite_teacher_vectors():
    doubled = zero_loss_set(Teacher.from_vectors([[1, 0], [2, 0], [0, 1.0]]), 3)
    assert doubled.f_vector == cell_complex(3, 2).f_vector
    opposite = zero_loss_set(Teacher.from_vectors([[1, 0], [-1, 0], [0, 1.0]]), 4)
    assert opposite.f_vector == cell_complex(4, 3).f_vector
    assert zero_loss_set(Teacher.from_vectors([[2.0]]), 3).f_vector == cell_complex(3, 1).f_vector


def test_three_vectors_that_sum_to_zero():
    """The negative of the teacher is a second network; six neurons join the two."""
    isolated = zero_loss_set(MERCEDES, 3)
    assert isolated.f_vector == (12,)
    assert isolated.components == 12
    split = zero_loss_set(MERCEDES, 4)
    assert split.f_vector == (48, 72)
    assert split.components == 2
    assert zero_loss_set(MERCEDES, 5).components == 2
    joined = zero_loss_set(MERCEDES, 6)
    assert joined.components == 1
    assert joined.f_vector[:2] == (240, 2 * 540 + 720)
    assert joined.dimension == 3


@pytest.mark.parametrize("width", [3, 4, 5, 6])
def test_the_graph_of_corners_built(width):
    found = zero_loss_set(MERCEDES, width)
    graph = zero_loss_graph(MERCEDES, width)
    assert graph.number_of_nodes() == found.f_vector[0]
    assert graph.number_of_edges() == (found.f_vector[1] if found.dimension else 0)
    assert nx.number_connected_components(graph) == found.components
    with pytest.raises(InvalidArgument, match="corners, more than"):
        zero_loss_graph(Teacher.orthonormal(9), 10)


def test_its_additional_points_are_what_a_search_finds():
    problem = TeacherStudent(MERCEDES, 3)
    objective = WeightObjective(PopulationLoss(problem))
    networks = zero_loss_set(MERCEDES, 3).networks
    rng = np.random.default_rng(0)
    met = set()
    for _ in range(60):
        start = rng.standard_normal(6)

        def both(x):
            value, gradient = objective.value_and_gradient(x)
            return float(value), gradient

        end = correct(objective, minimize(both, start, jac=True, method="L-BFGS-B").x)
        if end.value > 1e-20:
            continue
        weights = objective.weights(end.x)
        distances = [
            min(np.linalg.norm(weights[list(p)] - network) for p in PERMUTATIONS)
            for network in networks
        ]
        assert min(distances) < 1e-7
        met.add(int(np.argmin(distances)))
    assert met == {0, 1}


PERMUTATIONS = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]


@pytest.mark.parametrize(("size", "dim"), [(3, 2), (4, 2), (5, 3), (5, 2), (6, 4)])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_face_has_zero_loss_and_its_own_dimension(size, dim, seed):
    teacher = balanced(size, dim, seed)
    found = zero_loss_set(teacher, 4 * size)
    assert len(found.networks) > 1
    # All faces of a polytope, itself included: Euler characteristic 1.
    assert sum((-1) ** face.dimension for face in found.faces) == 1
    assert sum((-1) ** p * count for p, count in enumerate(found.f_vector)) == euler_of_set(found)
    for face in found.faces:
        problem = TeacherStudent(teacher, face.effective_width)
        value = float(PopulationLoss(problem).value(np.array(face.network)))
        assert value < 1e-24 * np.trace(teacher.gram)
        assert line_freedom(np.array(face.network)) == face.dimension


def euler_of_set(found) -> int:
    """Euler characteristic by cells over each face: chi(open face) times that of its splits."""
    total = 0
    for face in found.faces:
        m = face.effective_width
        for used in range(m, found.width + 1):
            counts = cell_complex(found.width, m).f_vector
            total += (-1) ** (face.dimension + used - m) * counts[used - m]
    return total


@pytest.mark.parametrize("seed", [0, 3])
def test_traced_dimension_on_every_stratum(seed):
    """At the centre of each face, one neuron split: cells have the dimension of the formula."""
    teacher = balanced(4, 2, seed)
    for face in zero_loss_set(teacher, 9).faces:
        width = face.effective_width + 1
        weights = np.vstack([face.network, 0.4 * face.network[:1]])
        weights[0] *= 0.6
        report = flat_directions(TeacherStudent(teacher, width, 4), weights)
        assert report.zero_loss
        assert report.flat_dimension == report.traced_dimension == face.dimension + 1
        assert report.disagreements == ()


def spread(rng: np.random.Generator, part: float, width: int) -> Array:
    """A student between the teacher (part = 1) and its negative (part = 0), split at random."""
    vectors = np.array(MERCEDES.vectors)
    rows = [row for scale in (part, part - 1) if scale for row in scale * vectors]
    weights = np.zeros((width, 2))
    weights[: len(rows)] = rows
    for k in range(len(rows), width):
        donor = rng.integers(k)
        share = rng.uniform(0.2, 0.8)
        weights[k] = share * weights[donor]
        weights[donor] *= 1 - share
    return weights[rng.permutation(width)]


@pytest.mark.parametrize("width", [6, 7, 8])
@pytest.mark.parametrize(("first", "second"), [(1, 0), (0.3, 0.8), (0.3, 0), (1, 0.5), (0.4, 0.4)])
def test_paths_between_different_networks(width, first, second):
    rng = np.random.default_rng(width)
    start, end = spread(rng, first, width), spread(rng, second, width)
    path = flat_path(TeacherStudent(MERCEDES, width), start, end)
    assert path.status is FlatPathStatus.FOUND
    assert path.highest_loss <= 1e-12
    assert np.array_equal(path.points[0], start)
    assert np.array_equal(path.points[-1], end)


def test_no_path_where_there_is_none():
    rng = np.random.default_rng(0)
    for width in (3, 4, 5):
        path = flat_path(
            TeacherStudent(MERCEDES, width), spread(rng, 1, width), spread(rng, 0, width)
        )
        assert path.status is FlatPathStatus.DIFFERENT


def test_refusals():
    with pytest.raises(InvalidArgument, match="'width'"):
        zero_loss_set(MERCEDES, 0)
    with pytest.raises(InvalidArgument, match="linear dependences"):
        zero_loss_set(balanced(30, 10, 0), 30)
