"""Reading a critical point: which student neuron does what for which teacher neuron."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from landtopo.checks import checked_instance, checked_weights
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.cancelling import (
    cancelling_pairs,
    without_pairs,
    zeros_of,
)
from landtopo.models.networks.points.classify import is_zero_loss
from landtopo.models.networks.points.reduced import Reduced, reduce_network
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Contents", "Reading", "describe", "read_point"]

# A teacher neuron belongs to one student neuron if that reproduces it this many times better than
# the next one does, and at least to this part of its length.
_CLEARLY = 1.5
# An overlap with a teacher neuron, in units of its squared length, that is none.
_NO_OVERLAP = 1e-9
_PART = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Brief):
    """What every neuron of a point does. Neurons are numbered from 0.

    The counts are of reduced neurons, so that they are the same on a whole flat set.

    Attributes
    ----------
    partner : ndarray of int, shape (K,)
        Teacher neuron that goes with each student neuron: the one-to-one assignment of the reduced
        neurons with the largest total |overlap|, in units of the teachers' lengths; -1 for zero
        neurons and for reduced neurons beyond the number of teachers.
    cosine : ndarray, shape (K,)
        Cosine of the angle with the partner; 0 where there is none.
    aligned, anti_aligned : int
        Reduced neurons with a positive and a negative overlap with their partner.
    unpaired : int
        Reduced neurons without a partner.
    split_groups : tuple of tuple of int
        Student neurons that are parts of the same reduced neuron.
    zero_neurons : tuple of int
        Student neurons that are zero.
    several : tuple of (int, tuple of int)
        Student neurons that stand for more than one teacher neuron, with these teachers. Of a split
        group the first is named.
    shared : tuple of (int, int)
        Teacher neurons without a student neuron of their own, with the number of reduced neurons
        that have at least half of the largest positive overlap with it.
    outside : int
        Number of directions outside the teacher's span that are used.
    description : str
        One line.
    """

    partner: NDArray[np.int64]
    cosine: Array
    aligned: int
    anti_aligned: int
    unpaired: int
    split_groups: tuple[tuple[int, ...], ...]
    zero_neurons: tuple[int, ...]
    several: tuple[tuple[int, tuple[int, ...]], ...]
    shared: tuple[tuple[int, int], ...]
    outside: int
    description: str


def read_point(
    problem: TeacherStudent, weights: ArrayLike, *, reduced: Reduced | None = None
) -> Reading:
    """Read a critical point.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, r + E)
        One point.
    reduced : Reduced, optional
        Its reduced network, if it is known already.

    Returns
    -------
    Reading

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> lt.read_point(problem, np.eye(2)).description
    'every teacher neuron is reproduced'
    """
    checked_instance("problem", "read_point", problem, TeacherStudent)
    problem.require_ones("read_point")
    given = checked_weights("read_point", weights, problem.rank)
    if reduced is None:
        reduced = reduce_network(given, problem.rank, function=problem.function)
    reduced = _without_zeros(problem, reduced)
    teacher = problem.teacher
    lengths = teacher.norms
    overlaps = reduced.vectors[:, : reduced.rank] @ _turned(teacher).T
    if problem.function.parity == 1:
        # A neuron and its opposite are the same.
        overlaps = np.abs(overlaps)
    parts = overlaps / lengths**2
    # Symmetric networks have ties between positive and negative overlaps: positive ones win.
    rows, columns = linear_sum_assignment(-np.abs(parts) * (1.0 + 1e-6 * (parts > 0)))
    if problem.function.parity == 1:
        # Neither sign of an overlap means anything, and rounding is none.
        some = parts[rows, columns] > _NO_OVERLAP
        rows, columns = rows[some], columns[some]
    partners = np.full(reduced.effective_width, -1, dtype=np.int64)
    partners[rows] = columns
    signs = np.sign(overlaps[rows, columns])
    live = reduced.assignment >= 0
    owner = reduced.assignment[live]
    partner = np.full(reduced.width, -1, dtype=np.int64)
    partner[live] = partners[owner]
    norms = np.linalg.norm(reduced.vectors, axis=1)
    cosines = np.zeros(reduced.effective_width)
    cosines[rows] = overlaps[rows, columns] / (norms[rows] * lengths[columns])
    cosine = np.zeros(reduced.width)
    cosine[live] = cosines[owner]
    members = [
        tuple(np.flatnonzero(reduced.assignment == j).tolist())
        for j in range(reduced.effective_width)
    ]
    several, shared = _duties(_coefficients(problem, reduced))
    anti = int(np.sum(signs < 0))
    aligned = int(np.sum(signs > 0))
    groups = tuple(group for group in members if len(group) > 1)
    zeros = tuple(np.flatnonzero(~live).tolist())
    zero_loss = is_zero_loss(float(PopulationLoss(problem).value(given)), given)
    pairs = cancelling_pairs(problem, reduced.vectors) if zero_loss else 0
    return Reading(
        partner=partner,
        cosine=cosine,
        aligned=aligned,
        anti_aligned=anti,
        unpaired=int(np.sum(partners < 0)),
        split_groups=groups,
        zero_neurons=zeros,
        several=tuple((members[j][0], teachers) for j, teachers in several),
        shared=shared,
        outside=reduced.outside,
        description=describe(
            Contents(
                zero_loss=zero_loss,
                is_teacher=_is_teacher(problem, reduced),
                aligned=aligned,
                anti_aligned=anti,
                unpaired=int(np.sum(partners < 0)),
                several=tuple(len(teachers) for _, teachers in several),
                shared=tuple(count for _, count in shared),
                parts=tuple(reduced.sizes.tolist()),
                zero_neurons=reduced.zero_neurons,
                outside=reduced.outside,
                pairs=pairs,
            )
        ),
    )


def _without_zeros(problem: TeacherStudent, reduced: Reduced) -> Reduced:
    """The network without zero neurons, also where they are neurons like all others."""
    zero = zeros_of(problem, reduced.vectors)
    if (problem.function.merges and not problem.function.mixes) or not zero:
        return reduced
    assignment = np.arange(reduced.width)
    assignment[zero] = -1
    assignment[assignment >= 0] = np.arange(reduced.width - len(zero))
    return replace(reduced, vectors=np.delete(reduced.vectors, zero, axis=0), assignment=assignment)


def _turned(teacher: Teacher) -> Array:
    """The teacher's vectors; of an odd s one with a negative output weight is its opposite."""
    if teacher.outputs is None or teacher.function.parity != -1:
        return teacher.vectors
    return np.asarray(np.sign(teacher.strengths)[:, None] * teacher.vectors)


def _coefficients(problem: TeacherStudent, reduced: Reduced) -> Array:
    """How much of each teacher neuron is in each reduced neuron, shape (m, M).

    Where the teachers are independent these are the coefficients of w = sum c_m v_m; otherwise the
    overlaps in units of the teachers' squared lengths.
    """
    vectors = _turned(problem.teacher)
    inside = reduced.vectors[:, : reduced.rank]
    if problem.teacher.size == problem.rank:
        return np.asarray(np.linalg.solve(vectors.T, inside.T).T)
    return np.asarray(inside @ vectors.T / problem.teacher.norms**2)


def _is_teacher(problem: TeacherStudent, reduced: Reduced) -> bool:
    """Whether the reduced network is the teacher's, parallel teacher neurons merged."""
    function, teacher = problem.function, problem.teacher
    if function.mixes and teacher.outputs is None:
        gap = reduced.vectors.T @ reduced.vectors
        gap[: problem.rank, : problem.rank] -= teacher.vectors.T @ teacher.vectors
        return bool(np.abs(gap).max() <= 1e-6 * float(teacher.norms.max()) ** 2)
    vectors = _turned(teacher)
    if teacher.outputs is not None:
        # Positive output weights are lengths where s is homogeneous, and nothing else is.
        sizes = np.abs(teacher.strengths) if function.parity == -1 else teacher.strengths
        if sizes.min() < 0.0 or (not function.merges and np.any(sizes != 1.0)):
            return False
        if function.merges:
            vectors = sizes[:, None] ** (1.0 / reduced.degree) * vectors
    merged = reduce_network(vectors, problem.rank, function=function).vectors
    found = reduced.vectors
    if function.parity == -1 and not function.merges:
        scale = float(teacher.norms.max())
        merged, found = without_pairs(merged, scale), without_pairs(found, scale)
    if merged.shape != found.shape:
        return False
    distances = np.linalg.norm(merged[:, None] - found[None], axis=2)
    if function.parity == 1:
        opposite = np.linalg.norm(merged[:, None] + found[None], axis=2)
        distances = np.minimum(distances, opposite)
    rows, columns = linear_sum_assignment(distances)
    return bool(distances[rows, columns].max() <= 1e-6 * float(teacher.norms.max()))


def _duties(
    parts: Array,
) -> tuple[tuple[tuple[int, tuple[int, ...]], ...], tuple[tuple[int, int], ...]]:
    """Reduced neurons that stand for several teachers, and teachers that are shared."""
    served: dict[int, list[int]] = {}
    shared = []
    for m in range(parts.shape[1]):
        column = np.maximum(parts[:, m], 0.0)
        order = np.argsort(-column, kind="stable")
        best = float(column[order[0]]) if len(order) else 0.0
        second = float(column[order[1]]) if len(order) > 1 else 0.0
        if best >= _PART and best >= _CLEARLY * second:
            served.setdefault(int(order[0]), []).append(m)
        else:
            shared.append((m, int(np.sum(column >= 0.5 * best)) if best > 0 else 0))
    several = [(j, tuple(teachers)) for j, teachers in sorted(served.items()) if len(teachers) > 1]
    return tuple(several), tuple(shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents(Brief):
    """What the line about a family tells, without the labels of neurons.

    Attributes
    ----------
    zero_loss, is_teacher : bool
        Whether the loss is zero, and the reduced network the teacher's.
    aligned, anti_aligned, unpaired : int
        Reduced neurons by their overlap with their partner, and those without one.
    several : tuple of int
        For each reduced neuron that stands for more than one teacher neuron, for how many.
    shared : tuple of int
        For each teacher neuron without one of its own, the number of those that share it.
    parts : tuple of int
        For each reduced neuron, in how many parallel parts it is split.
    zero_neurons, outside : int
        Zero neurons; directions outside the teacher's span that are used.
    pairs : int
        Pairs of opposite neurons that cancel at zero loss.
    """

    zero_loss: bool
    is_teacher: bool
    aligned: int
    anti_aligned: int
    unpaired: int
    several: tuple[int, ...]
    shared: tuple[int, ...]
    parts: tuple[int, ...]
    zero_neurons: int
    outside: int
    pairs: int = 0


def describe(point: Contents) -> str:
    """One line that holds for the whole family."""
    words = []
    if not point.parts:
        return "all neurons are zero"
    if point.zero_loss and point.is_teacher:
        words.append("every teacher neuron is reproduced")
    else:
        if point.zero_loss:
            words.append("zero loss with another network than the teacher's")
        words.append(f"{point.aligned} aligned")
        if point.anti_aligned:
            words.append(f"{point.anti_aligned} anti-aligned")
        if point.unpaired:
            words.append(f"{point.unpaired} without a partner")
        words.extend(_several_words(point.several))
        words.extend(_shared_words(point.shared))
    split = [size for size in point.parts if size > 1]
    for size in sorted(set(split), reverse=True):
        words.append(f"{_times(split.count(size), 'neuron')} split in {size} parallel parts")
    if point.pairs:
        words.append(f"{_times(point.pairs, 'pair')} of opposite neurons that cancel")
    if point.zero_neurons:
        words.append(_times(point.zero_neurons, "zero neuron"))
    if point.outside:
        words.append(f"reaches {_times(point.outside, 'direction')} outside the teacher's span")
    return "; ".join(words)


def _several_words(sizes: tuple[int, ...]) -> list[str]:
    return [
        f"{_times(sizes.count(size), 'neuron')} for {size} teacher neurons"
        + (" each" if sizes.count(size) > 1 else "")
        for size in sorted(set(sizes))
    ]


def _shared_words(shared: tuple[int, ...]) -> list[str]:
    words = []
    for low, high, form in (
        (0, 0, "{} not reproduced"),
        (1, 1, "{} reproduced in part by one neuron"),
        (2, None, "{} shared by {} neurons"),
    ):
        counts = sorted(n for n in shared if n >= low and (high is None or n <= high))
        different = sorted(set(counts))
        if len(different) > 3:
            span = f"{different[0]} to {different[-1]}"
            words.append(form.format(_times(len(counts), "teacher neuron"), span))
        else:
            words.extend(
                form.format(_times(counts.count(n), "teacher neuron"), n) for n in different
            )
    return words


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
