"""Splitting a neuron: the law of inertia and the spectrum at one half, against wider Hessians."""

from __future__ import annotations

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.flat.correct import correct
from landtopo.models.networks.flat.splitting import SplitVerdict, neuron_splits, split_inertia
from landtopo.models.networks.flat.stability import split_line
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array


def critical_points(
    teacher: Teacher, width: int, columns: int, *, count: int, seed: int
) -> list[Array]:
    """Critical points of any index at positive loss, by Gauss-Newton from random points."""
    problem = TeacherStudent(teacher, width)
    objective = WeightObjective(PopulationLoss(problem), columns=columns)
    rng = np.random.default_rng(seed)
    points: list[Array] = []
    for _ in range(400):
        found = correct(objective, 0.7 * rng.standard_normal(objective.size))
        weights = objective.weights(found.x)
        norms = np.linalg.norm(weights, axis=1)
        if found.grad_norm > 1e-12 or found.value < 1e-6 or norms.min() < 0.05:
            continue
        units = weights / norms[:, None]
        overlaps = (units @ units.T)[np.triu_indices(width, 1)]
        if overlaps.max(initial=-1) < 0.999:
            points.append(weights)
        if len(points) == count:
            return points
    raise AssertionError("too few")


TEACHERS = [
    (Teacher.orthonormal(3), 3),
    (Teacher.equicorrelated(3, 0.4), 3),
    (Teacher.random(3, dim=4, seed=1), 4),
]


@pytest.mark.parametrize(("teacher", "columns"), TEACHERS, ids=["orthonormal", "equi", "random"])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_spectrum_at_one_half(teacher, columns, width):
    for weights in critical_points(teacher, width, columns, count=2, seed=width):
        problem = TeacherStudent(teacher, width)
        for split in neuron_splits(problem, weights, zero_tolerance=1e-9, zero_loss=False):
            assert split.prediction_error < 1e-12 * max(1, np.abs(split.predicted).max())
            assert split.eigenvalues.shape == (columns - 1,)


@pytest.mark.parametrize(("teacher", "columns"), TEACHERS, ids=["orthonormal", "equi", "random"])
@pytest.mark.parametrize("sizes", [(2, 1), (3, 1), (2, 2), (1, 4)])
def test_inertia_for_any_shares(teacher, columns, sizes):
    """Index of a network with groups of parallel neurons, whatever their shares."""
    rng = np.random.default_rng(sum(sizes))
    for weights in critical_points(teacher, 2, columns, count=3, seed=5):
        problem = TeacherStudent(teacher, 2)
        loss = PopulationLoss(problem)
        added = split_inertia(problem, weights, zero_tolerance=1e-9)
        index = np.sum(np.linalg.eigvalsh(loss.hessian(weights)) < -1e-9)
        normal = np.sum(np.linalg.eigvalsh(loss.normal_block(weights)) < -1e-9)
        for size, inertia in zip(sizes, added, strict=True):
            index += (size - 1) * inertia.negative
            normal += (size - 1) * inertia.negative_normal
        wide = PopulationLoss(problem.with_width(sum(sizes)))
        for _ in range(3):
            shares = [rng.dirichlet(np.full(size, 2.0)) for size in sizes]
            split = np.vstack(
                [part[:, None] * row for part, row in zip(shares, weights, strict=True)]
            )
            assert np.linalg.norm(wide.gradient(split)) < 1e-11
            assert np.sum(np.linalg.eigvalsh(wide.hessian(split)) < -1e-9) == index
            assert np.sum(np.linalg.eigvalsh(wide.normal_block(split)) < -1e-9) == normal


def test_splitting_a_global_minimum_keeps_it():
    problem = TeacherStudent(Teacher.equicorrelated(3, 0.2), 3)
    splits = neuron_splits(
        problem, np.array(problem.teacher.vectors), zero_tolerance=1e-9, zero_loss=True
    )
    assert {split.verdict for split in splits} == {SplitVerdict.GLOBAL}
    assert all(np.abs(split.eigenvalues).max() < 1e-14 for split in splits)


def test_one_student_of_many_teachers_splits_into_a_saddle():
    """W = t (1..1)/sqrt M: P is diagonal outside of w, because of the symmetry of the teachers."""
    m = 5
    cosine = 1 / np.sqrt(m)
    angle = np.arccos(cosine)
    norm = 2 * m * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    weights = np.full((1, m), norm / np.sqrt(m))
    problem = TeacherStudent(Teacher.orthonormal(m), 1)
    assert np.linalg.norm(PopulationLoss(problem).gradient(weights)) < 1e-14
    (split,) = neuron_splits(problem, weights, zero_tolerance=1e-9, zero_loss=False)
    assert split.verdict is SplitVerdict.SADDLE
    # H_uu of the M teachers: each gives -sin t / (2 pi |w|) on directions orthogonal to w and v,
    # and twice that along n_v; the M unit vectors n_v are a tight frame of the M - 1 dimensions.
    each = -np.sin(angle) / (2 * np.pi * norm)
    assert split.eigenvalues == pytest.approx(each * (m + m / (m - 1)), rel=1e-12)
    assert split.normal == pytest.approx(each * m, rel=1e-12)


def test_stability_along_a_split():
    (weights,) = critical_points(Teacher.orthonormal(3), 2, 3, count=1, seed=9)
    problem = TeacherStudent(Teacher.orthonormal(3), 3)
    line = split_line(problem, weights, 1)
    assert len(set(line.index)) == 1
    assert line.crossings == ()
    assert set(line.nullity) == {1}
    assert line.losses == pytest.approx(line.losses[0], rel=1e-12)
    # c -> 1 - c exchanges the two halves.
    assert line.lowest == pytest.approx(line.lowest[::-1], abs=1e-10)
    middle = len(line.positions) // 2
    (_, split) = neuron_splits(problem, weights, zero_tolerance=1e-9, zero_loss=False)
    assert line.lowest[middle] == pytest.approx(split.predicted[:8], abs=1e-10)
    with pytest.raises(InvalidArgument, match="'neuron'"):
        split_line(problem, weights, 2)
    with pytest.raises(InvalidArgument, match="strictly between"):
        split_line(problem, weights, 0, shares=[0.5, 1.0])
