"""Summary statistics carry everything: weights come back from them, and so does the flow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landtopo.errors import InvalidArgument
from landtopo.kernels.minimise import minimise_batch
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.statistics import (
    SummaryStatistics,
    flow_field,
    flow_jacobian,
    summary_statistics,
    weights_from_statistics,
)
from landtopo.objective import Array

cases = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), st.integers(0, 10**6))


def draw(case: tuple[int, int, int, int]) -> tuple[TeacherStudent, Array]:
    width, size, extra, seed = case
    rng = np.random.default_rng(seed)
    problem = TeacherStudent(Teacher.from_vectors(rng.standard_normal((size, size))), width)
    return problem, rng.standard_normal((width, size + extra))


def minimum(teacher: Teacher, *, spurious: bool) -> Array:
    """Some minimum at K = M, of positive loss if `spurious`."""
    problem = TeacherStudent(teacher, teacher.size)
    loss = PopulationLoss(problem)
    network = loss.network(teacher.rank)
    weights = np.random.default_rng(0).standard_normal((2000, teacher.size, teacher.rank))
    minimise_batch(weights, network, 1e-12, 10_000)
    for point in weights:
        if (loss.value(point) > 1e-6) == spurious:
            return np.asarray(point)
    raise AssertionError("no such minimum among 2000 starts")


@settings(deadline=None)
@given(cases)
def test_weights_come_back_from_their_statistics(case: tuple[int, int, int, int]) -> None:
    problem, weights = draw(case)
    there = summary_statistics(problem.teacher, weights)
    back = weights_from_statistics(problem, there.student, there.overlap)
    again = summary_statistics(problem.teacher, back)
    # directions of squared size below 1e-10 of the largest entry are dropped
    scale = np.abs(there.block_matrix()).max() * problem.width
    np.testing.assert_allclose(again.student, there.student, atol=1e-8 * scale)
    np.testing.assert_allclose(again.overlap, there.overlap, atol=1e-8 * scale)


@settings(deadline=None)
@given(cases)
def test_flow_of_the_statistics_is_that_of_the_weights(case: tuple[int, int, int, int]) -> None:
    problem, weights = draw(case)
    velocity = -PopulationLoss(problem).gradient(weights)
    student, overlap = flow_field(summary_statistics(problem.teacher, weights))
    expected = velocity @ weights.T
    rank = problem.rank
    # angles from correlations keep half of the digits for nearly collinear neurons
    np.testing.assert_allclose(student, expected + expected.T, atol=1e-6)
    np.testing.assert_allclose(overlap, velocity[:, :rank] @ problem.teacher.vectors.T, atol=1e-6)


@pytest.mark.parametrize("extra", [1, 2])
def test_jacobian_is_the_derivative_of_the_flow(extra: int) -> None:
    teacher = Teacher.random(3, seed=4)
    problem = TeacherStudent(teacher, 3)
    weights = np.random.default_rng(1).standard_normal((3, 3 + extra))
    jacobian = flow_jacobian(teacher, weights)
    rows, columns = np.triu_indices(3)
    base = summary_statistics(teacher, weights)

    def field(inside: Array, student: Array) -> Array:
        statistics = SummaryStatistics(
            student=student, overlap=inside @ teacher.vectors.T, teacher=teacher.gram
        )
        d_student, d_overlap = flow_field(statistics)
        d_inside = np.linalg.solve(teacher.vectors, d_overlap.T).T
        return np.concatenate([d_inside.ravel(), d_student[rows, columns]])

    h = 1e-6
    for n in range(len(jacobian)):
        inside, student = np.zeros((3, 3)), np.zeros((3, 3))
        if n < 9:
            inside.ravel()[n] = h
        else:
            k, j = rows[n - 9], columns[n - 9]
            student[k, j] = student[j, k] = h
        up = field(weights[:, :3] + inside, base.student + student)
        down = field(weights[:, :3] - inside, base.student - student)
        np.testing.assert_allclose(jacobian[:, n], (up - down) / (2 * h), atol=1e-7)
    assert problem.extra == 3


@pytest.mark.parametrize(
    ("teacher", "spurious"),
    [
        (Teacher.equicorrelated(4, -0.2), True),
        (Teacher.equicorrelated(5, -0.1), True),
        (Teacher.orthonormal(6), True),
        (Teacher.orthonormal(3), False),
        (Teacher.random(4, seed=2), False),
        (Teacher.random(4, dim=3, seed=1), False),
    ],
    ids=lambda value: value.name if isinstance(value, Teacher) else str(value),
)
def test_flow_jacobian_has_the_spectrum_of_both_hessian_blocks(
    teacher: Teacher, spurious: bool
) -> None:
    """Eigenvalues are exactly {-lambda_i(H_in)} and {-(alpha_i + alpha_j), i <= j}."""
    weights = minimum(teacher, spurious=spurious)
    loss = PopulationLoss(TeacherStudent(teacher, teacher.size))
    curvatures = np.linalg.eigvalsh(loss.hessian(weights))
    normal = np.linalg.eigvalsh(loss.normal_block(weights))
    i, j = np.triu_indices(teacher.size)
    expected = np.sort(np.concatenate([-curvatures, -(normal[i] + normal[j])]))
    found = np.linalg.eigvals(flow_jacobian(teacher, weights))
    assert np.abs(found.imag).max() < 1e-8
    np.testing.assert_allclose(np.sort(found.real), expected, atol=1e-8)


def test_invalid_statistics_are_refused_with_the_eigenvalue() -> None:
    problem = TeacherStudent(Teacher.orthonormal(2), 2, dim=2)
    with pytest.raises(InvalidArgument, match=r"smallest eigenvalue is -0\.4"):
        weights_from_statistics(problem, np.eye(2), [[1.4, 0.0], [0.0, 1.0]])
    with pytest.raises(InvalidArgument, match="need 4 dimensions, but dim is 2"):
        weights_from_statistics(problem, np.eye(2), np.zeros((2, 2)))
    with pytest.raises(InvalidArgument, match="not symmetric"):
        weights_from_statistics(problem, [[1, 0.5], [0, 1]], np.zeros((2, 2)))
    with pytest.raises(InvalidArgument, match="must be finite"):
        weights_from_statistics(problem, [[1, np.nan], [np.nan, 1]], np.zeros((2, 2)))


def test_overlaps_outside_the_range_of_a_singular_teacher_are_refused() -> None:
    problem = TeacherStudent(Teacher.from_vectors([[1.0], [1.0]]), 1)
    with pytest.raises(InvalidArgument, match="positive semidefinite"):
        weights_from_statistics(problem, [[4.0]], [[1.0, -1.0]])
