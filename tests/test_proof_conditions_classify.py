"""Conditions of verdicts on critical points, each tested where leaving it out changes the word.

Where the truth can be written down, every field of the record is compared with it.
"""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import pytest

from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import _Solved, classify, reduce_network, verdict
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.points.third_order import ThirdOrder
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry.fixed_space import interchangeable, shared_symmetry
from landtopo.points.records import CriticalPoint, Kind

EPSILON = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("third", ThirdOrder)
def test_verdict_is_what_the_first_decisive_fact_says(third: ThirdOrder) -> None:
    for known in product((False, True), (False, True), *[(0, 1, 2)] * 4):
        zero_loss, critical, index, zero_neurons, zeros, flat = known
        kind, reason = verdict(
            zero_loss=zero_loss,
            critical=critical,
            index=index,
            zero_neurons=zero_neurons,
            zeros=zeros,
            flat=flat,
            third=third,
        )
        if zero_loss:
            assert (kind, "global minimum" in reason) == (Kind.MINIMUM, True)
        elif not critical:
            assert (kind, "Not a critical point" in reason) == (Kind.UNDECIDED, True)
        elif index:
            number = "1 direction." if index == 1 else "2 directions."
            assert (kind, reason.endswith(f"negative in {number}")) == (Kind.SADDLE, True)
        elif zero_neurons:
            assert (kind, "zero neuron can grow" in reason) == (Kind.SADDLE, True)
        elif zeros:
            number = "1 direction " if zeros == 1 else "2 directions "
            assert reason.startswith(f"The curvature vanishes in {number}")
            assert (kind, "rises" in reason, "falls" in reason) == {
                ThirdOrder.RISES: (Kind.MINIMUM, True, False),
                ThirdOrder.FALLS: (Kind.SADDLE, False, True),
                ThirdOrder.OPEN: (Kind.UNDECIDED, False, False),
            }[third]
        else:
            assert (kind, "exact splits" in reason) == (Kind.MINIMUM, bool(flat))


@pytest.mark.parametrize("dim", [3, 5, None])
def test_the_record_of_no_neuron_at_all(dim: int | None) -> None:
    teacher = Teacher.orthonormal(3)
    point = classify(TeacherStudent(teacher, 2, dim), np.full((2, 4 - (dim == 3)), 1e-9))
    assert point.weights.shape == (2, 3)
    assert not point.weights.any()
    # |sum_m relu(v_m x)|^2 / 2 = M / 4 + M (M - 1) / 4 pi.
    assert point.loss == pytest.approx(0.75 + 6 / (4 * np.pi))
    assert point.eigenvalues.shape == point.normal_eigenvalues.shape == (0,)
    assert point.normal_multiplicity == (2 if dim is None else dim - 3)
    numbers = (point.grad_norm, point.gap, point.zero_tolerance)
    counts = (point.gauge, point.index_in_span, point.index_normal, point.index, point.nullity)
    assert (*numbers, *counts) == (0.0,) * 8
    assert (point.zero_neurons, point.kind) == (2, Kind.SADDLE)
    assert not point.weights.flags.writeable
    assert not point.eigenvalues.flags.writeable


@pytest.mark.parametrize("factor", [2.0**-10, 1.0, 2.0**10])
def test_tolerances_have_the_units_of_what_they_are_compared_with(factor: float) -> None:
    teacher = Teacher.from_vectors(factor * np.eye(2))
    problem = TeacherStudent(teacher, 2)
    point = classify(problem, factor * np.eye(2), grad_tolerance=1e-7)
    assert point.grad_tolerance == pytest.approx(1e-7 * factor)
    # Rounding of a spectrum of order one, whatever the unit.
    assert EPSILON < point.zero_tolerance < 100 * EPSILON
    assert point.gap == pytest.approx((0.25 - 0.5 / np.pi) / point.zero_tolerance)


def test_what_moves_too_far_is_not_the_same_point() -> None:
    problem = TeacherStudent(Teacher.orthonormal(3), 3)
    start = np.eye(3) + 1e-2 * np.random.default_rng(0).standard_normal((3, 3))
    distance = np.linalg.norm(start - np.eye(3)) / np.linalg.norm(start)
    near, far = (classify(problem, start, region=by * distance) for by in (0.9, 1.1))
    assert (near.kind, near.loss > 0) == (Kind.UNDECIDED, True)
    assert far.kind is Kind.MINIMUM
    np.testing.assert_allclose(far.weights, np.eye(3), atol=1e-14)


@pytest.mark.parametrize("dim", [3, 4, 6, None])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.5, 0.3, 0.2)])
def test_splits_of_a_minimum_of_positive_loss(shares: tuple[float, ...], dim: int | None) -> None:
    teacher = Teacher.orthonormal(3)
    start = [[1.32, 0.09, 0.09], [-0.24, 0.95, 0.95]]
    narrow = classify(TeacherStudent(teacher, 2, dim), start)
    assert (narrow.kind, narrow.nullity) == (Kind.MINIMUM, 0)
    for neuron in (0, 1):
        parts = np.outer(shares, narrow.weights[neuron])
        split = np.vstack([narrow.weights[1 - neuron], parts])
        point = classify(TeacherStudent(teacher, len(split), dim), split)
        size = 3 if dim is None else dim
        padded = np.hstack([split, np.zeros((len(split), size - 3))])
        values = np.linalg.eigvalsh(
            PopulationLoss(TeacherStudent(teacher, len(split))).hessian(padded)
        )
        unused = point.normal_multiplicity
        assert unused == (len(split) if dim is None else dim - 3)
        spectrum = [point.eigenvalues, *[point.normal_eigenvalues] * (size - 3)]
        np.testing.assert_allclose(np.sort(np.concatenate(spectrum)), values, atol=1e-12)
        negative = np.sum(point.normal_eigenvalues < -1e-9)
        assert point.index_in_span == np.sum(point.eigenvalues < -1e-9)
        assert point.index_normal == negative
        assert point.index == point.index_in_span + unused * negative
        flat = np.sum(np.abs(point.eigenvalues) < 1e-9)
        zero_outside = np.sum(np.abs(point.normal_eigenvalues) < 1e-9)
        assert point.nullity == flat + unused * zero_outside
        assert point.gauge == 0
        assert not point.normal_eigenvalues.flags.writeable


@pytest.mark.parametrize("angle", [3e-6, 8e-6, 5e-5, 2e-3])
@pytest.mark.parametrize("width", [2, 3])
def test_almost_parallel_teachers_are_not_taken_for_one(angle: float, width: int) -> None:
    # One neuron in place of two is a saddle, with a loss of 1e-18 at the smallest angle.
    teacher = Teacher.from_vectors([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    weights = np.zeros((width, 2))
    weights[:2] = teacher.vectors
    point = classify(TeacherStudent(teacher, width), weights)
    assert (point.kind, point.zero_neurons) == (Kind.MINIMUM, width - 2)
    np.testing.assert_allclose(point.weights, weights, atol=1e-15)
    merged = classify(TeacherStudent(teacher, 1), teacher.vectors.sum(axis=0, keepdims=True))
    both = classify(TeacherStudent(teacher, 2), 0.5 * np.repeat(merged.weights, 2, axis=0))
    assert both.kind is Kind.SADDLE
    assert both.loss > 0


def test_almost_parallel_neurons_are_solved_before_they_are_merged() -> None:
    # Of the point only some digits are known. Its loss is not zero; that of the point nearby is.
    angle = 5e-5
    teacher = Teacher.from_vectors([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    point = classify(
        TeacherStudent(teacher, 2), teacher.vectors + np.array([[0, 1e-7], [0, -1e-7]])
    )
    assert point.kind is Kind.MINIMUM
    np.testing.assert_allclose(point.weights, teacher.vectors, atol=1e-9)


@pytest.mark.parametrize("factor", [1.0, 10.0])
def test_a_smaller_network_replaces_one_only_if_it_is_the_same_point(factor: float) -> None:
    problem = TeacherStudent(Teacher.from_vectors(factor * np.eye(2)), 2)
    wide, narrow = (
        _Solved.near(problem, reduce_network(factor * np.array(rows), 2), 0.1, None)
        for rows in ([[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]])
    )
    wide = dataclasses.replace(wide, loss=0.1, gradient=1e-13)
    tolerance, tie = 1e-12, 1e-14 * factor**2

    def replaced(one: _Solved, other: _Solved, gradient: float, change: float) -> bool:
        other = dataclasses.replace(other, gradient=gradient, loss=0.1 + change)
        return one.is_replaced_by(other, tolerance, factor)

    for sign in (1, -1):
        assert replaced(wide, narrow, 1e-12, sign * 0.9 * tie)
        assert not replaced(wide, narrow, 1e-12, sign * 1.1 * tie)
        assert not replaced(wide, narrow, 2e-12, sign * 0.9 * tie)
    assert not replaced(wide, wide, 1e-14, 0.0)
    open_one = dataclasses.replace(wide, gradient=2e-12)
    assert replaced(open_one, wide, 1.9e-12, 1.0)
    assert not replaced(open_one, narrow, 2e-12, 0.0)


@pytest.mark.parametrize("factor", [1.0, 4.0])
def test_two_split_neurons_are_judged_each_for_itself(factor: float) -> None:
    circle = 2 * np.pi * np.arange(5) / 5
    teacher = Teacher.from_vectors(factor * np.stack([np.cos(circle), np.sin(circle)], axis=1))
    (family,) = find_minima(TeacherStudent(teacher, 4), starts=40).families

    def split(*neurons: int) -> CriticalPoint:
        parts = np.vstack([family.weights, family.weights[list(neurons)]])
        parts[[*neurons, *range(4, len(parts))]] *= 0.5
        return classify(TeacherStudent(teacher, len(parts)), parts)

    flat = [n for n in range(4) if split(n).kind is Kind.MINIMUM]
    both = split(*flat)
    assert len(flat) == 2
    assert (both.kind, "rises in third order" in both.reason) == (Kind.MINIMUM, True)


def test_rounding_of_large_spectra_is_below_the_tolerance() -> None:
    size = 24
    teacher = Teacher.orthonormal(size)
    point = classify(TeacherStudent(teacher, size), np.eye(size))
    # Twice the bound n^(1/2) |H| eps, and the rounding of K + M terms in each entry.
    largest = PopulationLoss(TeacherStudent(teacher, size)).hessian(np.eye(size))
    norm = np.linalg.eigvalsh(largest.reshape(size**2, -1))[-1]
    assert norm > 5
    assert point.zero_tolerance > EPSILON * (2 * size * norm + 2 * size)
    assert point.zero_tolerance < 1e-12


def test_symmetries_of_the_whole_student_are_not_used_for_a_smaller_network() -> None:
    """They number neurons that a split one makes the reduced network do without."""
    teacher = Teacher.orthonormal(16)
    problem = TeacherStudent(teacher, 17)
    weights = np.vstack([teacher.vectors, 0.4 * teacher.vectors[0]])
    weights[0] *= 0.6
    classes = interchangeable(teacher.gram)
    symmetry = shared_symmetry(teacher.vectors, classes, weights, weights)
    assert symmetry is not None
    plain = classify(problem, weights)
    given = classify(problem, weights, symmetry=symmetry)
    assert (given.kind, given.index, given.nullity) == (plain.kind, plain.index, plain.nullity)
    assert given.eigenvalues.tolist() == plain.eigenvalues.tolist()
