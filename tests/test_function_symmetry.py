"""The symmetries of the teacher's function, of which dependent vectors show too few."""

from __future__ import annotations

from itertools import permutations, product
from math import factorial

import numpy as np
import pytest

from landtopo.landscape.build import landscape_graph
from landtopo.models.connectivity import labelled_connectivity
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry import (
    mirror_images,
    on_frame,
    symmetry_frame,
    teacher_automorphisms,
    teacher_rotation,
)
from landtopo.objective import Array

ANGLES = 2 * np.pi * np.arange(3) / 3
TRIANGLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
LIFTED = np.vstack([np.pad(TRIANGLE, ((0, 0), (0, 1))), [[0.0, 0.0, 0.7]]])

# Teacher vectors, and how many orthogonal maps keep the function.
TEACHERS = {
    "triangle": (TRIANGLE, 12),
    "simplex": (Teacher.equicorrelated(4, -1 / 3).vectors, 48),
    "triangle and a vector across": (LIFTED, 12),
    "unequal, sum zero": (np.array([[1.0, 0.2], [-0.3, 0.8], [-0.7, -1.0]]), 2),
    "two on one line": (np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]), 2),
    "opposite": (np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), 2),
    "dependent without symmetry": (np.array([[1.0, 0.0], [0.0, 1.3], [0.6, -0.4]]), 1),
}


def function(vectors: Array, x: Array) -> Array:
    return np.asarray(np.maximum(x @ vectors.T, 0.0).sum(axis=-1))


@pytest.mark.parametrize("name", TEACHERS)
def test_maps_of_the_frame_keep_the_function(name: str) -> None:
    vectors, order = TEACHERS[name]
    teacher = Teacher.from_vectors(vectors)
    frame = symmetry_frame(teacher)
    group = teacher_automorphisms(frame @ frame.T)
    assert group.order == order
    x = np.random.default_rng(0).standard_normal((50, teacher.rank))
    for images in group.group.elements():
        rotation = teacher_rotation(frame, images)
        np.testing.assert_allclose(
            function(teacher.vectors, x @ rotation.T), function(teacher.vectors, x), atol=1e-12
        )


@pytest.mark.parametrize("name", ["triangle", "simplex", "triangle and a vector across"])
def test_no_map_is_missing(name: str) -> None:
    """All signed permutations of the vectors that keep their products and their sum."""
    vectors, order = TEACHERS[name]
    gram, total = vectors @ vectors.T, vectors.sum(axis=0)
    count = 0
    for images in permutations(range(len(vectors))):
        for signs in product((1.0, -1.0), repeat=len(vectors)):
            moved = np.array(signs)[:, None] * vectors[list(images)]
            keeps = np.allclose(moved @ moved.T, gram) and np.allclose(moved.sum(axis=0), total)
            count += bool(keeps)
    assert count == order


@pytest.mark.parametrize(
    "teacher", [Teacher.orthonormal(5), Teacher.random(4, seed=1), Teacher.equicorrelated(4, -0.3)]
)
def test_independent_vectors_are_their_own_frame(teacher: Teacher) -> None:
    assert symmetry_frame(teacher) is teacher.vectors
    assert mirror_images(teacher) == ()


def test_nearly_zero_sum_is_no_symmetry() -> None:
    vectors = TRIANGLE.copy()
    vectors[0] *= 1 + 1e-9
    teacher = Teacher.from_vectors(vectors)
    assert symmetry_frame(teacher) is teacher.vectors


def test_permutations_of_the_vectors_act_on_the_frame() -> None:
    teacher = Teacher.from_vectors(TRIANGLE)
    assert on_frame(teacher, (1, 2, 0)) == (1, 2, 0, 4, 5, 3)
    (mirror,) = mirror_images(teacher)
    np.testing.assert_allclose(
        function(teacher.vectors, mirror), function(teacher.vectors, np.eye(2)), atol=1e-14
    )


@pytest.mark.parametrize(("size", "correlation"), [(3, -0.5), (4, -1 / 3)])
def test_mirror_images_are_one_family(size: int, correlation: float) -> None:
    """L(-W) = L(W) where the teacher's vectors sum to zero: V and -V are copies."""
    problem = TeacherStudent(Teacher.equicorrelated(size, correlation), size)
    loss = PopulationLoss(problem)
    weights = np.random.default_rng(1).standard_normal((size, size - 1))
    assert abs(float(loss.value(weights)) - float(loss.value(-weights))) < 1e-13
    found = find_minima(problem, starts=60, seed=0)
    (family,) = found.families
    # The student permutations of V and of -V.
    assert family.orbit_size == 2 * factorial(size)
    assert family.anti_aligned == 0
    assert family.description == "every teacher neuron is reproduced"


def test_labelled_copies_include_mirror_images() -> None:
    graph = landscape_graph(Teacher.from_vectors(TRIANGLE), [3], starts=40, seed=0)
    connectivity = labelled_connectivity(graph, 3)
    assert connectivity.copies == {"w3-f0": 12}
    assert connectivity.components(0.0) == 12
    assert connectivity.components() == 1
