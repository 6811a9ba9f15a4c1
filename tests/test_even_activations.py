"""Saddles and flat directions of even activations, against the list of x^2 and differences."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import landtopo as lt
from landtopo.objective import Array
from landtopo.points.records import Family

LENGTHS = np.array([1.0, 0.8])


def losses_of_the_theorem(width: int, dim: int | None) -> set[float]:
    """Losses of all critical points of s(x) = x^2 (arXiv 2501.06074), derived anew.

    With S = W^T W - V^T V and t = tr S the gradient is W (4 S + 2 t I). On the space U that W
    reaches S is -t / 2, so that U is made of p eigenvectors of T, or of directions outside, and
    t = - (trace of T on the others) / (1 + p / 2). L = |S|^2 + t^2 / 2.
    """
    squares = LENGTHS**2
    size, found = len(squares), set()
    for p in range(width + 1):
        for inside in range(min(size, p) + 1):
            if dim is not None and p - inside > dim - size:
                continue
            for chosen in combinations(range(size), inside):
                left = np.delete(squares, chosen)
                if p > inside and not len(left):
                    continue
                t = -left.sum() / (1 + p / 2)
                found.add(round(float(p * t**2 / 4 + np.sum(left**2) + t**2 / 2), 8))
    return found


def difference_eigenvalues(problem: lt.TeacherStudent, weights: Array) -> Array:
    """Eigenvalues in all dimensions, by differences of the values alone."""
    loss = lt.PopulationLoss(problem)
    point = np.zeros((problem.width, problem.rank + problem.extra))
    point[:, : weights.shape[1]] = weights
    size, step = point.size, 1e-4
    moves = step * np.eye(size).reshape(size, *point.shape)
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            corners = [
                loss.value(point + a * moves[i] + b * moves[j]) for a in (1, -1) for b in (1, -1)
            ]
            hessian[i, j] = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * step**2)
    return np.linalg.eigvalsh(hessian)


def met(problem: lt.TeacherStudent, starts: int) -> tuple[Family, ...]:
    found = lt.find_saddles(problem, index="any", starts=starts)
    return tuple(found.families)


@pytest.mark.parametrize(("width", "dim"), [(2, None), (2, 3), (3, 2)])
def test_saddles_of_the_square_are_those_of_the_theorem(width: int, dim: int | None) -> None:
    teacher = lt.Teacher.from_vectors(np.diag(LENGTHS)).with_function("quadratic")
    problem = lt.TeacherStudent(teacher, width, dim)
    families = met(problem, 80)
    losses = [round(family.loss, 8) for family in families]
    # Each once: copies by rotations of neurons into each other are recognised.
    assert len(losses) == len(set(losses)) >= 3
    assert set(losses) <= losses_of_the_theorem(width, dim)
    if dim == 2:
        assert {*losses, 0.0} == losses_of_the_theorem(width, dim)
    for family in families:
        # Rounding of values over the squared step is 1e-7; what vanishes is gauge alone.
        values = difference_eigenvalues(problem, family.weights)
        assert int(np.sum(values < -1e-3)) == family.point.index
        assert int(np.sum(np.abs(values) < 1e-3)) == family.point.gauge
        assert family.point.nullity == 0


def test_saddles_of_abs_have_the_index_that_differences_show() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation="abs")
    families = met(problem, 30)
    assert len(families) >= 2
    weights = families[0].weights
    for family in families:
        values = difference_eigenvalues(problem, family.weights)
        assert int(np.sum(values < -1e-3)) == family.point.index
    # A copy with a neuron turned around is a copy, and no other family.
    for signs in ([1.0, -1.0], [-1.0, -1.0]):
        index = lt.classify(problem, np.array(signs)[:, None] * weights)
        assert index.loss == pytest.approx(families[0].loss, abs=1e-14)
    assert len({round(family.loss, 9) for family in families}) == len(families)


def test_null_directions_of_the_square_are_gauge_flat_or_quartic() -> None:
    teacher = lt.Teacher.from_vectors(np.diag(LENGTHS)).with_function("quadratic")
    # A zero neuron turns into the others for nothing, and outside the span L = |z|^4 and more.
    report = lt.flat_directions(
        lt.TeacherStudent(teacher, 3), np.vstack([teacher.vectors, [[0, 0]]])
    )
    assert (report.gauge, report.nullity, report.flat, report.curved) == (3, 3, 0, 3)
    assert [round(row.growth.exponent) for row in report.directions if row.growth] == [4]
    assert not report.disagreements
    # With an orthonormal teacher f* = |x|^2 in its span: one neuron has a circle of minima.
    circle = lt.TeacherStudent(lt.Teacher.orthonormal(2), 1, 2, activation="quadratic")
    found = lt.find_minima(circle, starts=4)
    family = (*found.families, *found.others)[0]
    report = lt.flat_directions(circle, family.weights)
    assert family.loss == pytest.approx(4 / 3, abs=1e-12)
    assert (report.flat, report.flat_dimension, report.traced_dimension) == (1, 1, 1)


@pytest.mark.parametrize(("spec", "dimension"), [("quadratic", 0), ("abs", 1)])
def test_a_search_tells_what_it_knows_of_flat_sets(spec: str, dimension: int) -> None:
    # Of |x| a neuron is split; of x^2 that is a rotation, which is a gauge.
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 3, activation=spec)
    families = lt.find_minima(problem, starts=6).families
    assert families[0].is_global
    assert families[0].flat_dimension == dimension
