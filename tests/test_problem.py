"""The problem is stored faithfully, and what cannot be studied is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landtopo.errors import InvalidArgument
from landtopo.models.networks.problem import Teacher, TeacherStudent


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10**6))
def test_gram_matrix_is_that_of_the_vectors_given(size: int, dim: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((size, dim))
    teacher = Teacher.from_vectors(vectors)
    assert teacher.rank == min(size, dim)
    # a few units of rounding of the largest entry
    np.testing.assert_allclose(teacher.gram, vectors @ vectors.T, atol=1e-13)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10**6))
def test_teacher_from_gram_has_that_gram_matrix_and_rank(size: int, rank: int, seed: int) -> None:
    factor = np.random.default_rng(seed).standard_normal((size, rank))
    gram = factor @ factor.T
    teacher = Teacher.from_gram((gram + gram.T) / 2)
    assert teacher.rank == min(size, rank)
    assert teacher.vectors.shape == (size, teacher.rank)
    # eigenvalues below the rank tolerance are dropped, so only their size is lost
    np.testing.assert_allclose(teacher.gram, gram, atol=1e-12 * np.abs(gram).max())


def test_linearly_dependent_teacher_lives_in_its_span() -> None:
    teacher = Teacher.from_vectors([[1, 0, 0], [0, 1, 0], [-1, -1, 0]])
    assert teacher.rank == 2
    # The rotation into the span rounds, differently with every build of the linear algebra.
    expected = [[1, 0, -1], [0, 1, -1], [-1, -1, 2]]
    np.testing.assert_allclose(teacher.gram, expected, atol=1e-15)


def test_equal_teacher_vectors_are_allowed() -> None:
    assert Teacher.equicorrelated(3, 1.0).rank == 1
    assert Teacher.from_vectors([[1.0, 2.0], [1.0, 2.0]]).rank == 1


def test_lowest_correlation_makes_the_vectors_dependent() -> None:
    assert Teacher.equicorrelated(6, -0.2).rank == 5


def test_random_teacher_depends_on_its_seed_alone() -> None:
    first, second = Teacher.random(4, dim=30, seed=3), Teacher.random(4, dim=30, seed=3)
    assert first == second
    assert first != Teacher.random(4, dim=30, seed=4)
    assert first.rank == 4


def test_vectors_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Teacher.orthonormal(2).vectors[0, 0] = 2.0


@pytest.mark.parametrize(("dim", "extra"), [(None, 5), (3, 0), (4, 1), (100, 5)])
def test_room_outside_the_span(dim: int | None, extra: int) -> None:
    assert TeacherStudent(Teacher.orthonormal(3), 5, dim).extra == extra


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Teacher.from_gram([[1, 2], [2, 1]]), "smallest eigenvalue is -1"),
        (lambda: Teacher.from_gram([[1, 0.1], [0.2, 1]]), "symmetric.*differ by 0.1"),
        (lambda: Teacher.from_gram([[1, 0], [0, 0]]), "teacher neuron 2 has zero norm"),
        (lambda: Teacher.from_gram([[1, 0]]), r"must have shape \(M, M\)"),
        (lambda: Teacher.from_vectors([[1, 0], [0, 0]]), "teacher neuron 2 is zero"),
        (lambda: Teacher.from_vectors([[1, np.nan]]), "NaN"),
        (lambda: Teacher.from_vectors([]), r"must have shape \(M, d\)"),
        (lambda: Teacher.from_vectors([[1 + 1j, 0]]), "array of real numbers"),
        (lambda: Teacher.from_vectors([[1, 0], [1]]), "array of real numbers"),  # type: ignore[list-item]
        (lambda: Teacher.from_vectors([["1", "0"]]), "array of real numbers"),
        (lambda: Teacher.from_vectors([[True, False]]), "array of real numbers"),
        (lambda: Teacher.from_vectors(np.ma.masked_equal([[1.0, 9.0]], 9.0)), "real numbers"),
        (lambda: Teacher.from_vectors([np.ma.masked_equal([1.0, 9.0], 9.0)]), "real numbers"),
        (lambda: Teacher.from_vectors([[10**400]]), "array of real numbers"),
        (lambda: Teacher.from_vectors([[1e150]]), r"at most 1e\+100"),
        (lambda: Teacher.from_vectors([[1e-150]]), "norms of at least 1e-100"),
        (lambda: Teacher.from_vectors(np.diag([1, 1e-8])), r"factor of at most 6.7e\+07"),
        (lambda: Teacher.from_gram(np.diag([1, 1e-16])), r"factor of at most 6.7e\+07"),
        (lambda: Teacher.random(10**4, dim=10**9), "at most 10000"),
        (lambda: Teacher.equicorrelated(4, np.complex128(0.5)), "finite number"),
        (lambda: Teacher.equicorrelated(4, -0.5), "eigenvalue -0.5"),
        (lambda: Teacher.orthonormal(0), "integer >= 1; got 0"),
        (lambda: Teacher.random(3, seed=-1), "integer >= 0; got -1"),
        (lambda: TeacherStudent(Teacher.orthonormal(3), 0), "'width' argument.*>= 1; got 0"),
        (lambda: TeacherStudent(Teacher.orthonormal(3), 2, 2), "at least the rank.*3; got 2"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence) as refusal:
        make()
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


def test_norms_that_double_precision_can_tell_apart_are_a_teacher() -> None:
    # The square of the shorter norm is still above the rounding of the longer one's.
    for vectors in (np.diag([1.0, 2e-8]), np.diag([1e90, 1e85]), np.diag([1e-95, 1e-90])):
        teacher = Teacher.from_vectors(vectors)
        assert teacher.rank == 2
        assert np.array_equal(teacher.norms, np.diag(vectors))
