"""Reading a critical point.

Established here: partners, signs and groups are right where the answer is known; they do not depend
on the numbering of the neurons, on a rotation outside the span or on the shares of a split; and the
line for people says what it should.
"""

from __future__ import annotations

import numpy as np
import pytest

from landtopo.models.networks.points.reading import Reading, read_point
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array


def anti_aligned(size: int, count: int) -> Array:
    """The pattern of minima with anti-aligned neurons, roughly."""
    weights = np.full((size, size), -0.04)
    np.fill_diagonal(weights, 1.0)
    weights[:, size - count :] = 0.25
    weights[size - count :] = 0.15
    for i in range(size - count, size):
        weights[i, i] = -0.7
    return weights


def read(weights: Array, teacher: Teacher) -> Reading:
    return read_point(TeacherStudent(teacher, len(weights)), weights @ np.eye(weights.shape[1]))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_anti_aligned_neurons_in_any_numbering(count: int) -> None:
    teacher = Teacher.orthonormal(7)
    order = np.random.default_rng(0).permutation(7)
    found = read(anti_aligned(7, count)[order], teacher)
    assert (found.aligned, found.anti_aligned, found.unpaired) == (7 - count, count, 0)
    assert found.partner.tolist() == order.tolist()
    assert np.all((found.cosine < 0) == (order >= 7 - count))
    assert [teachers for teachers, _ in found.shared] == list(range(7 - count, 7))
    if count:
        assert found.description == (
            f"{7 - count} aligned; {count} anti-aligned; {count} teacher "
            f"neuron{'s' if count > 1 else ''} shared by {7 - count if count == 1 else 6} neurons"
        )


def test_global_minimum_with_splits_and_zero_neurons() -> None:
    teacher = Teacher.from_vectors([[2.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.3, 0.0, 1.0]])
    v = teacher.vectors
    weights = np.vstack([0.2 * v[1], v[2], 0.5 * v[1], np.zeros(3), v[0], 0.3 * v[1]])
    found = read_point(TeacherStudent(teacher, 6), weights)
    assert found.partner.tolist() == [1, 2, 1, -1, 0, 1]
    assert found.split_groups == ((0, 2, 5),)
    assert found.zero_neurons == (3,)
    assert (found.aligned, found.anti_aligned) == (3, 0)
    assert found.description == (
        "every teacher neuron is reproduced; 1 neuron split in 3 parallel parts; 1 zero neuron"
    )


def test_counts_do_not_depend_on_shares() -> None:
    teacher = Teacher.orthonormal(5)
    base = anti_aligned(5, 1)
    texts = set()
    for share in (0.5, 0.01):
        weights = np.vstack([base[:4], share * base[4], (1 - share) * base[4]])
        found = read_point(TeacherStudent(teacher, 6), weights)
        assert found.anti_aligned == 1
        texts.add(found.description)
    assert len(texts) == 1


def test_neurons_that_stand_for_several_teachers() -> None:
    weights = np.array([[1.9, 0.1, 0.1, 0.1], [-0.5, 0.9, 0.9, 0.9]])
    found = read(weights, Teacher.orthonormal(4))
    assert found.several == ((1, (1, 2, 3)),)
    assert "1 neuron for 3 teacher neurons" in found.description


def test_more_neurons_than_teachers() -> None:
    weights = np.array([[1.0, 0.0], [0.0, -0.6], [0.3, 0.4]])
    found = read(weights, Teacher.orthonormal(2))
    assert (found.aligned, found.anti_aligned, found.unpaired) == (1, 1, 1)
    assert found.partner.tolist() == [0, 1, -1]
    assert found.cosine[2] == 0


@pytest.mark.parametrize(
    "teacher",
    [
        Teacher.equicorrelated(6, 0.9),
        Teacher.from_vectors([[1, 0, 0], [1, 0, 0], [0, 1, 1]]),
        Teacher.from_vectors([[1, 0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]]),
    ],
)
def test_the_teacher_is_recognised_in_any_teacher(teacher: Teacher) -> None:
    order = np.random.default_rng(0).permutation(teacher.size)
    found = read_point(TeacherStudent(teacher, teacher.size), teacher.vectors[order])
    assert found.description.startswith("every teacher neuron is reproduced")
    if teacher.size == teacher.rank:
        assert (found.several, found.shared) == ((), ())


def test_another_network_with_zero_loss() -> None:
    # relu(x) - relu(-x) = x, so teachers that sum to zero can all be turned round.
    teacher = Teacher.from_vectors([[1, 0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
    found = read_point(TeacherStudent(teacher, 3), -teacher.vectors)
    assert found.description.startswith("zero loss with another network than the teacher's")
    assert (found.aligned, found.anti_aligned) == (0, 3)


def test_outside_the_span() -> None:
    teacher = Teacher.orthonormal(2)
    weights = np.array([[0.6, 0.4, 0.3, 0.4], [0.4, 0.6, -0.3, -0.4]])
    found = read_point(TeacherStudent(teacher, 2), weights)
    assert found.outside == 1
    assert "1 direction outside the teacher's span" in found.description


def test_all_neurons_zero() -> None:
    found = read_point(TeacherStudent(Teacher.orthonormal(3), 2), np.zeros((2, 3)))
    assert found.description == "all neurons are zero"
    assert found.partner.tolist() == [-1, -1]
