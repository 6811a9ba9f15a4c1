"""Lists of all critical points of one or two neurons and a teacher of one or two vectors.

Directions are searched with intervals until none is left that could be a critical point, except
next to those that are listed. What is searched, and why nothing else has to be: docs/proofs.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from landtopo.checks import checked_instance
from landtopo.errors import InvalidArgument
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.proofs.certificate_file import PointProof, prove_point
from landtopo.proofs.certification import CertificateStatus
from landtopo.proofs.circle import interval, kernel
from landtopo.proofs.enclosures import require_flint
from landtopo.proofs.plane import (
    PlaneSearch,
    PlaneTeacher,
    lengths,
    search_line,
    search_pairs,
    search_single,
)
from landtopo.shown import Brief, Table
from landtopo.wording import counted

__all__ = ["CompleteList", "CompleteStatus", "ListedPoint", "complete_list"]

_MOST = 2
# What an angle or a norm differs by, at most, from its value in doubles, relative to its size.
_ROOM = 1e-14
_TIGHT = 1e-9


class CompleteStatus(StrEnum):
    """What a search has shown, as a sentence."""

    COMPLETE = "These are all critical points with neurons that are not zero, and no others."
    OPEN = "There may be others in the boxes that could not be decided, and nowhere else."
    PLANE = (
        "These are all critical points in the plane of the teacher with neurons that are not zero; "
        "others may leave it."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPoint(Brief):
    """A critical point, or a flat set of them, up to exchanges of neurons.

    Attributes
    ----------
    description : str
    kind : Kind
    index : int or None
        Of an isolated point; None for a flat set.
    flat_dimension : int
    loss_bounds : tuple of float
    weights : ndarray, shape (K, M)
        A representative.
    proof : PointProof
        Of the network with neurons that are not parallel.
    """

    description: str
    kind: Kind
    index: int | None
    flat_dimension: int
    loss_bounds: tuple[float, float]
    weights: Array = field(repr=False)
    proof: PointProof = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteList(Table):
    """All critical points, or what could not be decided.

    Attributes
    ----------
    points : tuple of ListedPoint
        By increasing loss.
    undecided : ndarray, shape (n, D, 2)
        Boxes of directions, in radians from the first teacher vector, that may hold others.
    volume : float
        Part of all directions that they are.
    boxes : int
        How many boxes were looked at.
    status : CompleteStatus

    Examples
    --------
    >>> import landtopo as lt
    >>> teacher = lt.Teacher.equicorrelated(2, 0.3)
    >>> found = lt.complete_list(lt.TeacherStudent(teacher, width=1))  # needs python-flint
    >>> isinstance(found, lt.CompleteList), len(found.points)
    (True, 2)
    """

    points: tuple[ListedPoint, ...]
    undecided: Array
    volume: float
    boxes: int
    status: CompleteStatus

    @property
    def complete(self) -> bool:
        """Whether there are no others."""
        return self.status is CompleteStatus.COMPLETE

    def rows(self) -> list[dict[str, Any]]:
        """One row for each point.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(1), width=1)
        >>> found = lt.complete_list(problem)  # needs python-flint
        >>> [row["kind"] for row in found.rows()]
        ['minimum']
        """
        return [
            {
                "description": one.description,
                "kind": str(one.kind),
                "index": one.index,
                "flat_dimension": one.flat_dimension,
                "loss": 0.5 * sum(one.loss_bounds),
            }
            for one in self.points
        ]


def complete_list(
    problem: TeacherStudent, progress: Callable[[float], None] | None = None
) -> CompleteList:
    """List all critical points with neurons that are not zero, and prove that there are no others.

    A network with a zero neuron and a positive loss can always be left downwards, as psi is
    negative somewhere; one with loss zero is an end of a flat set that is listed.

    Parameters
    ----------
    problem : TeacherStudent
        At most two neurons and two teacher vectors, which must not be parallel.
    progress : callable, optional
        Is told which part of all directions is decided.

    Returns
    -------
    CompleteList

    Raises
    ------
    InvalidArgument
        If there are more neurons or vectors, or the vectors are parallel.
    LandtopoError
        If python-flint is missing.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2, dim=2)
    >>> found = lt.complete_list(problem)  # needs python-flint
    >>> [str(point.kind) for point in found.points], found.complete
    (['minimum', 'saddle', 'saddle', 'saddle'], True)
    """
    checked_instance("problem", "complete_list", problem, TeacherStudent)
    teacher = problem.teacher
    if problem.width > _MOST or teacher.size > _MOST or teacher.rank < teacher.size:
        raise InvalidArgument(
            "The 'problem' argument of complete_list must have at most two neurons and two teacher "
            f"vectors that are not parallel; it has {problem.width} and {teacher.size} "
            f"with rank {teacher.rank}."
        )
    require_flint()
    if teacher.size == 1:
        return _one_vector(problem)
    plane, frame = _plane(problem)
    single = search_single(plane, None if problem.width == _MOST else progress)
    searches, candidates = [single], _networks(plane, frame, single)
    if problem.width == _MOST:
        pairs = search_pairs(plane, progress=progress)
        searches.append(pairs)
        split = [_split(problem, weights) for weights in candidates.weights]
        found = _networks(plane, frame, pairs)
        points = [*split, *(_isolated(problem, weights) for weights in found.weights)]
        leaves = problem.dim is None or problem.dim > teacher.rank
        open_ = candidates.open + found.open
    else:
        points = [_isolated(problem, weights) for weights in candidates.weights]
        leaves, open_ = False, candidates.open
    certified = all(one.proof.status is CertificateStatus.CERTIFIED for one in points)
    undecided = searches[-1].undecided
    whole = certified and not open_ and all(not len(one.undecided) for one in searches)
    if not whole:
        status = CompleteStatus.OPEN
    else:
        status = CompleteStatus.PLANE if leaves else CompleteStatus.COMPLETE
    return CompleteList(
        points=tuple(sorted(points, key=lambda one: one.loss_bounds)),
        undecided=undecided,
        volume=max(one.volume for one in searches),
        boxes=sum(one.boxes for one in searches),
        status=status,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Networks:
    """Solutions with positive lengths, and how many have lengths of unknown sign."""

    weights: list[Array]
    open: int


def _plane(problem: TeacherStudent) -> tuple[PlaneTeacher, Array]:
    """The teacher in polar coordinates, from its first vector on, in units of the longest."""
    vectors = problem.teacher.vectors
    norms = np.linalg.norm(vectors, axis=1)
    unit = vectors[0] / norms[0]
    across = np.array([-unit[1], unit[0]])
    angle = float(np.arctan2(vectors[1] @ across, vectors[1] @ unit))
    if angle < 0:
        across, angle = -across, -angle
    sizes = (norms / norms.max()).tolist()
    teacher = PlaneTeacher(
        directions=((0.0, 0.0), (angle - _ROOM, angle + _ROOM)),
        norms=tuple((x * (1 - _ROOM), x * (1 + _ROOM)) for x in sizes),
    )
    return teacher, norms.max() * np.array([unit, across])


def _networks(teacher: PlaneTeacher, frame: Array, search: PlaneSearch) -> _Networks:
    """Weights of solutions, each once: angles are the same after turns, pairs after exchanges."""
    seen: list[Array] = []
    weights, unknown = [], 0
    for angles in search.roots:
        units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        known = [np.abs(units[order] - one).max() for one in seen for order in ([0, -1], [-1, 0])]
        if known and min(known) < _TIGHT:
            continue
        seen.append(units[[0, -1]])
        ranges = lengths(teacher, angles, _TIGHT)
        if any(x.high < 0 for x in ranges):
            continue
        if any(x.low <= 0 for x in ranges):
            unknown += 1
            continue
        exact = [float(x.middle) for x in lengths(teacher.middle, angles, 0.0)]
        if len(angles) > 1:
            k = float(kernel(interval(angles[1] - angles[0])).middle)
            exact = [x / (np.pi**2 - k**2) for x in exact]
        weights.append(np.array(exact)[:, None] * units @ frame)
    return _Networks(weights=weights, open=unknown)


def _isolated(problem: TeacherStudent, weights: Array) -> ListedPoint:
    proof = prove_point(problem, weights)
    teacher = problem.teacher.vectors
    orders = (teacher, teacher[::-1]) if len(weights) == len(teacher) else ()
    same = any(np.abs(weights - one).max() < _TIGHT * np.abs(teacher).max() for one in orders)
    return ListedPoint(
        description="the teacher itself" if same else counted(len(weights), "neuron"),
        kind=proof.kind,
        index=proof.index,
        flat_dimension=0,
        loss_bounds=proof.loss_bounds,
        weights=weights,
        proof=proof,
    )


def _split(problem: TeacherStudent, weights: Array) -> ListedPoint:
    """One neuron in two parallel parts.

    Parts that turn away from each other change the loss by -sum_m n_m sin t_m |y|^2 / (2 pi |w|) in
    every direction outside the plane, and twice that in it: less than zero unless all vectors of
    the teacher are parallel to the neuron.
    """
    proof = prove_point(replace(problem, width=1), weights)
    flat = problem.teacher.size == 1
    certified = proof.status is CertificateStatus.CERTIFIED
    kind = Kind.MINIMUM if flat else Kind.SADDLE
    return ListedPoint(
        description="one neuron in two parallel parts",
        kind=kind if certified else Kind.UNDECIDED,
        index=None,
        flat_dimension=1,
        loss_bounds=proof.loss_bounds,
        weights=np.concatenate([0.5 * weights, 0.5 * weights]),
        proof=proof,
    )


def _one_vector(problem: TeacherStudent) -> CompleteList:
    """One neuron has the teacher's direction, or would be zero; two have it both, or are none."""
    search = search_line() if problem.width == _MOST else None
    make = _isolated if search is None else _split
    point = make(problem, problem.teacher.vectors.copy())
    open_ = search is not None and len(search.undecided) > 0
    certified = point.proof.status is CertificateStatus.CERTIFIED
    return CompleteList(
        points=(point,),
        undecided=np.empty((0, 1, 2)) if search is None else search.undecided,
        volume=0.0 if search is None else search.volume,
        boxes=0 if search is None else search.boxes,
        status=CompleteStatus.COMPLETE if certified and not open_ else CompleteStatus.OPEN,
    )
