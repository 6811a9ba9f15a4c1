"""Lists of all critical points of one or two neurons and a teacher of one or two vectors.

Directions are searched with intervals until none is left that could be a critical point, except
next to those that are listed. What is searched, and why nothing else has to be: docs/proofs.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from landtopo.checks import checked_instance, checked_number
from landtopo.errors import InvalidArgument
from landtopo.journal import Forgetful, Journal, Prefixed, kept_or_made
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.proofs.certificate_file import PointProof, prove_point, write_record
from landtopo.proofs.certification import CertificateStatus
from landtopo.proofs.circle import interval, kernel
from landtopo.proofs.enclosures import require_flint
from landtopo.proofs.every_teacher import Enclosed, enclosed_mirrored, enclosed_plane
from landtopo.proofs.outside import mirrored_lengths, search_mirrored
from landtopo.proofs.plane import (
    PlaneSearch,
    PlaneTeacher,
    lengths,
    search_line,
    search_pairs,
    search_single,
)
from landtopo.proofs.unlike import search_unlike
from landtopo.shown import Brief, Table
from landtopo.wording import counted

__all__ = ["CompleteList", "CompleteStatus", "ListedPoint", "complete_list"]

LIST_CLAIM = (
    "These are all critical points with neurons that are not zero, and no others, up to exchanges "
    "of neurons; a split neuron is two parallel ones, of any lengths with this sum."
)
_MOST = 2
# What an angle or a norm differs by, at most, from its value in doubles, relative to its size.
_ROOM = 1e-14
_TIGHT = 1e-9


class CompleteStatus(StrEnum):
    """What a search has shown, as a sentence."""

    COMPLETE = "These are all critical points with neurons that are not zero, and no others."
    OPEN = "There may be others in the boxes that could not be decided, and nowhere else."
    UNSURE = "What a point is, or whether it is there, could not be decided."


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
    angles : tuple of float or None
        Between the two vectors of the teachers that the list is about (radians), from the smallest
        to the largest.
    undecided : ndarray, shape (n, D, 2)
        Boxes of directions, in radians from the first teacher vector, that may hold others.
    undecided_outside : ndarray, shape (n, 3, 2)
        Boxes that may hold others which leave the plane of the teacher: alpha_1, kappa_1 and
        alpha_2 of docs/proofs.md, in radians.
    volume : float
        Part of all directions that they are, of those in the plane or outside of it, whichever is
        larger.
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
    angles: tuple[float, float] | None
    undecided: Array
    undecided_outside: Array
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

    def record(self) -> dict[str, Any] | None:
        """The list as a JSON file holds it, for a checker that shares no code with landtopo.

        Returns
        -------
        dict or None
            None where the list is not complete, or is about an interval of teachers.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(1), width=1)
        >>> found = lt.complete_list(problem)  # needs python-flint
        >>> [point["kind"] for point in found.record()["points"]]
        ['minimum']
        """
        first = self.points[0].proof.record if self.complete else None
        if first is None or (self.angles is not None and self.angles[0] < self.angles[1]):
            return None
        return {
            "format": "landtopo complete list",
            "format_version": 1,
            "claim": LIST_CLAIM,
            "teacher": first["teacher"],
            "dim": first["dim"],
            "width": len(self.points[0].weights),
            "points": [
                {
                    "split": point.flat_dimension == 1,
                    "kind": str(point.kind),
                    "index": point.index,
                    "certificate": point.proof.record,
                }
                for point in self.points
            ],
        }

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the list as JSON; ``verification/check_lists.py`` checks it.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        InvalidArgument
            If the list is not complete, or is about an interval of teachers.

        Examples
        --------
        >>> import tempfile, os
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2, dim=2)
        >>> found = lt.complete_list(problem)  # needs python-flint
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found.write(os.path.join(folder, "list.json"))
        ...     os.listdir(folder)
        ['list.json']
        """
        record = self.record()
        if record is None:
            raise InvalidArgument(
                "There is no list to write: it is not complete, or about an interval of teachers."
            )
        write_record(record, path)


def complete_list(
    problem: TeacherStudent,
    progress: Callable[[float], None] | None = None,
    within: float = 0.0,
    journal: Journal | None = None,
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
    within : float
        The list is about all teachers with the same norms whose angle differs by at most this
        from the given one (radians): each of them has just these points, close to where they are
        for the given one.
    journal : Journal, optional
        Keeps finished searches, such as a study of this teacher; what was kept is not searched
        again.

    Returns
    -------
    CompleteList

    Raises
    ------
    InvalidArgument
        If there are more neurons or vectors, or the vectors are or could be parallel.
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
    problem.require_relu("complete_list")
    within = checked_number(
        "within", "complete_list", within, "lie between 0 and pi / 2", lambda x: 0 <= x < np.pi / 2
    )
    teacher = problem.teacher
    if problem.width > _MOST or teacher.size > _MOST or teacher.rank < teacher.size:
        raise InvalidArgument(
            "The 'problem' argument of complete_list must have at most two neurons and two teacher "
            f"vectors that are not parallel; it has {problem.width} and {teacher.size} "
            f"with rank {teacher.rank}."
        )
    require_flint()
    if teacher.size == 1:
        if within:
            raise InvalidArgument(
                "The 'within' argument of complete_list must be 0 for a teacher of one vector; "
                f"got {within}."
            )
        return _one_vector(problem)
    return _Lister(problem, within, progress, journal or Forgetful()).found()


class _Lister:
    """The searches for one problem, and the points that they find."""

    def __init__(
        self,
        problem: TeacherStudent,
        within: float,
        progress: Callable[[float], None] | None,
        journal: Journal,
    ) -> None:
        self.problem, self.within = problem, within
        self.progress = progress or (lambda part: None)
        # Neither the number of neurons nor the dimension changes what a search finds.
        self.journal = Prefixed(journal, f"complete/{within!r}")
        self.plane, self.frame, angle = _plane(problem, within)
        self.angles = angle - within, angle + within
        self.searches: list[PlaneSearch] = []
        self.outer: list[PlaneSearch] = []
        self.points: list[ListedPoint] = []
        self.sure = True

    def found(self) -> CompleteList:
        """All of it."""
        pairs = self.problem.width == _MOST
        smallest = 1e-4 if self.within else 1e-7
        told = None if pairs else self.progress
        single = self._searched("single", lambda: search_single(self.plane, told))
        self.searches.append(single)
        for number, weights in self._networks(single):
            make = self._split if pairs else self._isolated
            self.points.append(make(weights, single, number))
        if pairs:
            leaves = self.problem.dim is None or self.problem.dim > _MOST
            share = 0.5 if leaves else 1.0
            found = self._searched(
                "pairs",
                lambda: search_pairs(
                    self.plane, smallest, lambda part: self.progress(share * part)
                ),
            )
            self.progress(share)
            self.searches.append(found)
            self.points += [self._isolated(w, found, i) for i, w in self._networks(found)]
            if leaves:
                self._outside()
        certified = all(one.kind is not Kind.UNDECIDED for one in self.points) and self.sure
        undecided = [one.undecided for one in self.searches[-1:]]
        outside = [one.undecided for one in self.outer if one.undecided.shape[1] == 3]
        every = [*self.searches, *self.outer]
        status = CompleteStatus.COMPLETE if certified else CompleteStatus.UNSURE
        if any(len(one.undecided) for one in every):
            status = CompleteStatus.OPEN
        return CompleteList(
            points=tuple(sorted(self.points, key=lambda one: one.loss_bounds)),
            angles=self.angles,
            undecided=np.concatenate(undecided),
            undecided_outside=np.concatenate([np.empty((0, 3, 2)), *outside]),
            volume=max(one.volume for one in every),
            boxes=sum(one.boxes for one in every),
            status=status,
        )

    def _searched(self, name: str, search: Callable[[], PlaneSearch]) -> PlaneSearch:
        """A search, or what the journal keeps of it."""
        return PlaneSearch(**kept_or_made(self.journal, name, lambda: asdict(search())))

    def _outside(self) -> None:
        """Points that leave the plane: mirror images, and that there are no others."""
        mirrored = self._searched("mirrored", lambda: search_mirrored(self.plane))
        unlike = search_unlike(
            self.plane,
            progress=lambda part: self.progress(0.5 + 0.5 * part),
            journal=self.journal,
        )
        if len(mirrored.undecided):
            boxes = mirrored.undecided[:, [0, 1, 0]]
            mirrored = replace(mirrored, undecided=boxes)
        self.outer += [mirrored, unlike]
        half = 0.5 * sum(self.angles) / 2
        turn = np.array([[np.cos(half), np.sin(half)], [np.sin(half), -np.cos(half)]])
        for x, reach in zip(mirrored.roots, mirrored.reaches, strict=True):
            ahead, aside, out = (y.middle[0] for y in mirrored_lengths(self.plane.middle, x, 0.0))
            if mirrored_lengths(self.plane, x, reach)[2].low[0] <= 0:
                self.sure = False
                continue
            inside = np.array([ahead, aside]) @ turn @ self.frame
            height = out * self._unit
            weights = np.array([[*inside, height], [*inside, -height]])
            dim = self.problem.dim
            told = enclosed_mirrored(self.plane, x, reach, self._unit, dim) if self.within else None
            self.points.append(self._listed(weights, "2 neurons outside the plane", told))

    @property
    def _unit(self) -> float:
        return float(self.problem.teacher.norms.max())

    def _networks(self, search: PlaneSearch) -> list[tuple[int, Array]]:
        """Weights of solutions, each once: the same after turns, pairs after exchanges."""
        seen: list[Array] = []
        found = []
        for number, angles in enumerate(search.roots):
            units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
            known = [np.abs(units[o] - one).max() for one in seen for o in ([0, -1], [-1, 0])]
            if known and min(known) < _TIGHT:
                continue
            seen.append(units[[0, -1]])
            ranges = lengths(self.plane, angles, max(search.reaches[number], _TIGHT))
            if any(x.high < 0 for x in ranges):
                continue
            if any(x.low <= 0 for x in ranges):
                self.sure = False
                continue
            exact = [float(x.middle) for x in lengths(self.plane.middle, angles, 0.0)]
            if len(angles) > 1:
                k = float(kernel(interval(angles[1] - angles[0])).middle)
                exact = [x / (np.pi**2 - k**2) for x in exact]
            found.append((number, np.array(exact)[:, None] * units @ self.frame))
        return found

    def _isolated(self, weights: Array, search: PlaneSearch, number: int) -> ListedPoint:
        teacher = self.problem.teacher.vectors
        orders = (teacher, teacher[::-1]) if len(weights) == len(teacher) else ()
        same = any(np.abs(weights - one).max() < _TIGHT * self._unit for one in orders)
        told = self._told(search, number)
        if told is not None:
            # The teacher's own directions are in the cube for all teachers, and no others.
            same = same and search.radii[number] >= self.within + _ROOM
            if same:
                told = replace(told, kind=Kind.MINIMUM, loss_bounds=(0.0, 0.0))
        what = "the teacher itself" if same else counted(len(weights), "neuron")
        return self._listed(weights, what, told)

    def _listed(self, weights: Array, description: str, told: Enclosed | None) -> ListedPoint:
        proof = prove_point(self.problem, weights)
        if told is None:
            told = Enclosed(kind=proof.kind, index=proof.index, loss_bounds=proof.loss_bounds)
        return ListedPoint(
            description=description,
            kind=told.kind,
            index=told.index,
            flat_dimension=0,
            loss_bounds=told.loss_bounds,
            weights=weights,
            proof=proof,
        )

    def _split(self, weights: Array, search: PlaneSearch, number: int) -> ListedPoint:
        point = _split(self.problem, weights)
        told = self._told(search, number)
        return point if told is None else replace(point, loss_bounds=told.loss_bounds)

    def _told(self, search: PlaneSearch, number: int) -> Enclosed | None:
        """What a point in the plane is for every teacher, if there are many."""
        if not self.within:
            return None
        angles, reach = search.roots[number], float(search.reaches[number])
        return enclosed_plane(self.plane, angles, reach, self._unit, self.problem.dim)


def _plane(problem: TeacherStudent, within: float) -> tuple[PlaneTeacher, Array, float]:
    """The teacher in polar coordinates, from its first vector on, in units of the longest."""
    vectors = problem.teacher.vectors
    norms = np.linalg.norm(vectors, axis=1)
    unit = vectors[0] / norms[0]
    across = np.array([-unit[1], unit[0]])
    angle = float(np.arctan2(vectors[1] @ across, vectors[1] @ unit))
    if angle < 0:
        across, angle = -across, -angle
    if not within < min(angle, np.pi - angle) - _ROOM:
        raise InvalidArgument(
            "The 'within' argument of complete_list must leave the vectors apart from being "
            f"parallel; their angle is {angle:.6g}, and within is {within:.6g}."
        )
    sizes = (norms / norms.max()).tolist()
    teacher = PlaneTeacher(
        directions=((0.0, 0.0), (angle - within - _ROOM, angle + within + _ROOM)),
        norms=tuple((x * (1 - _ROOM), x * (1 + _ROOM)) for x in sizes),
    )
    return teacher, norms.max() * np.array([unit, across]), angle


def _isolated(problem: TeacherStudent, weights: Array) -> ListedPoint:
    """The one neuron of a teacher of one vector."""
    proof = prove_point(problem, weights)
    return ListedPoint(
        description="the teacher itself",
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
        angles=None,
        undecided_outside=np.empty((0, 3, 2)),
        undecided=np.empty((0, 1, 2)) if search is None else search.undecided,
        volume=0.0 if search is None else search.volume,
        boxes=0 if search is None else search.boxes,
        status=CompleteStatus.COMPLETE if certified and not open_ else CompleteStatus.OPEN,
    )
