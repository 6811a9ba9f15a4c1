"""A family is the same whichever of its members is shown, in whatever order and with what noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landtopo.models.networks.points.families import group_weights, number_families
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry import Relabelling, teacher_automorphisms
from landtopo.objective import Array

PROBLEM = TeacherStudent(Teacher.orthonormal(6), 6)


@pytest.fixture(scope="module")
def families() -> list[Array]:
    result = find_minima(PROBLEM, starts=1500)
    assert len(result.families) == 2
    return [family.weights for family in result.families]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_copies_with_noise_stay_in_their_family(families: list[Array], seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 2, size=40)
    points = []
    for kind in kinds:
        element = Relabelling(
            students=tuple(rng.permutation(6).tolist()), teachers=tuple(rng.permutation(6).tolist())
        )
        copy = element.on_weights(families[kind], PROBLEM.teacher.vectors)
        points.append(copy + 1e-10 * rng.standard_normal(copy.shape))
    labels = group_weights(PROBLEM, np.array(points))
    assert len(set(zip(labels.tolist(), kinds.tolist(), strict=True))) == len(set(kinds.tolist()))
    assert labels.max() + 1 == len(set(kinds.tolist()))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_split_and_zero_neurons_do_not_make_a_new_family(families: list[Array], seed: int) -> None:
    """Flat families: any split of any neuron, and a zero neuron, reduce to the same network."""
    rng = np.random.default_rng(seed)
    wide = TeacherStudent(PROBLEM.teacher, 8)
    points = []
    for _ in range(12):
        shares = rng.dirichlet([1.0, 1.0, 1.0])
        base = families[0]
        split = np.vstack([base[1:], shares[:, None] * base[0]])
        if rng.random() < 0.3:
            split = np.vstack([base, np.zeros((2, 6))])
        points.append(split[rng.permutation(8)])
    assert group_weights(wide, np.array(points)).max() == 0


def test_rotations_outside_the_span_are_one_family() -> None:
    problem = TeacherStudent(Teacher.random(3, seed=1), 3)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, 6))
    copies = [weights]
    for _ in range(5):
        rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        copies.append(np.hstack([weights[:, :3], weights[:, 3:] @ rotation]))
    assert group_weights(problem, np.array(copies)).max() == 0


def test_a_teacher_without_symmetry_keeps_mirror_images_apart() -> None:
    teacher = Teacher.from_vectors([[1.0, 0.0, 0.0], [0.2, 1.5, 0.0], [0.1, -0.3, 0.7]])
    assert teacher_automorphisms(teacher.gram).order == 1
    problem = TeacherStudent(teacher, 2)
    weights = np.random.default_rng(0).standard_normal((2, 3))
    assert group_weights(problem, np.array([weights, weights[::-1]])).tolist() == [0, 0]
    swapped = weights @ teacher.vectors.T @ np.eye(3)[[1, 0, 2]]
    other = np.linalg.solve(teacher.vectors, swapped.T).T
    assert group_weights(problem, np.array([weights, other])).tolist() == [0, 1]


def test_ties_in_loss_keep_the_order_of_discovery() -> None:
    result = find_minima(TeacherStudent(Teacher.orthonormal(3), 2), starts=50)
    first = result.families[0]
    copy = first.weights[::-1].copy()
    second = replace(first, point=replace(first.point, weights=copy, loss=first.loss + 1e-14))
    numbered, order = number_families([second, first])
    assert order.tolist() == [0, 1]
    assert [family.id for family in numbered] == ["w2-f0", "w2-f1"]
    assert numbered[0].weights is second.weights


def test_zero_loss_networks_with_the_same_directions_are_one_family() -> None:
    """v_1 + v_2 + v_3 = 0: (1 - s) V and -s V together have zero loss for every s."""
    teacher = Teacher.equicorrelated(3, -0.5)
    problem = TeacherStudent(teacher, 6)
    shares = (0.2, 0.5, 0.71)
    points = [np.vstack([(1 - s) * teacher.vectors, -s * teacher.vectors]) for s in shares]
    assert group_weights(problem, np.array(points)).tolist() == [0, 0, 0]
    result = find_minima(problem, starts=60)
    # Three neurons a copy of the teacher, of either sign, or all six: L(-W) = L(W).
    assert [family.effective_width for family in result.families] == [3, 6]
    assert not result.others


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_orbit_of_the_global_minimum_has_every_labelling(size: int) -> None:
    teacher = Teacher.equicorrelated(size, 0.3)
    result = find_minima(TeacherStudent(teacher, size), starts=20)
    expected = int(np.prod(np.arange(1, size + 1)))
    assert result.families[0].orbit_size == expected
    assert isinstance(result.families[0].orbit_size, int)


def test_a_zero_loss_network_with_other_directions_is_another_family() -> None:
    """The loss cannot tell that a short neuron of the teacher is missing; the directions can."""
    tiny = 3e-7
    vectors = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, tiny]])
    problem = TeacherStudent(Teacher.from_vectors(vectors), 3)
    without = vectors * [[1.0], [1.0], [0.0]]
    split = np.array([0.5 * vectors[0], 0.5 * vectors[0], vectors[1]])
    points = np.array([vectors, vectors[[2, 0, 1]], without, split, vectors])
    labels = group_weights(problem, points)
    assert labels.tolist() == [0, 0, 1, 1, 0]
