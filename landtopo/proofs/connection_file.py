"""Certificates of descents: tubes around both ways down from a saddle, which the flow cannot leave.

The flow is considered on the weights that some symmetries leave alone. A tube is a chain of frusta
around straight pieces of the way. Through the side of each the flow goes inwards, and along each it
goes forwards; the first begins at the saddle as a cone, and the last ends in a ball around a
critical point in which the loss is convex on these weights. That point is a minimum, or a lower
saddle all of whose ways down break a symmetry of the descent. docs/proofs.md says what has to hold,
and why that is a proof.
Here it is arranged in doubles, with Hessians enclosed over whole frusta and a twentieth to spare;
the proof is what `verification/check_connections.py` makes of the record.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from landtopo.checks import checked_instance
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.proofs.certificate_file import (
    PointProof,
    centre,
    exact_table,
    prove_point,
    told_symmetries,
    write_record,
)
from landtopo.proofs.certification import checked_weights
from landtopo.proofs.enclosures import Network, matrix, midpoints, radii, require_flint
from landtopo.proofs.reduction import Reduction, exchanges, reduction
from landtopo.shown import Brief

if TYPE_CHECKING:
    from flint import arb_mat

__all__ = [
    "CONNECTION_CLAIM",
    "CONNECTION_CLAIM_SADDLE",
    "ConnectionProof",
    "ConnectionStatus",
    "prove_connection",
]

CONNECTION_CLAIM = (
    "The two descents from the saddle, along its only direction of descent, end in the two minima."
)
CONNECTION_CLAIM_SADDLE = (
    "The two descents from the saddle, along its only direction of descent, end in the two "
    "critical points, of which at least one is a saddle."
)
_BITS = 96
# Of what a condition demands, beside roundings of doubles.
_SPARE = 1.05
# Lengths of pieces, in units of the longest teacher vector: of the first, and at least; and how
# much longer the next may be.
_FIRST = 1e-6
_SHORTEST = 1e-8
# How long pieces may be, one after the other: long ones make a wide tube, which may have to open.
_LONGEST = (0.1, 1e-3, 2e-4, 4e-5)
_LONGER = 1.25
# What may be lost to the enclosure: a part of the curvature across, or as much as opens the tube by
# a factor of e on one unit of length. Where a tube opens more, still more is lost.
_LOSS = 0.2
_TRIES = 12
_HALVINGS = 20
_TIME = 1e6
_REST = 1e-11


class ConnectionStatus(StrEnum):
    """How the search for tubes ended, as a sentence."""

    FOUND = "Both descents have tubes that end next to certified minima."
    FOUND_SADDLE = (
        "Both descents have tubes, and at least one ends next to a certified lower saddle, whose "
        "ways down break a symmetry of the descent."
    )
    NO_SADDLE = (
        "The point is no certified saddle of index 1 that leaves the teacher's span in at most one "
        "direction."
    )
    NO_END = (
        "A descent does not end at a certified critical point in the columns that the saddle uses."
    )
    NO_TUBE = "The flow could not be kept in a tube."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionProof(Brief):
    """Tubes around both descents of a saddle.

    Attributes
    ----------
    saddle : PointProof
    ends : tuple of PointProof
        Where the descents end, labelled as they are: minima, or lower saddles.
    frusta : tuple of int
        How many pieces each tube has.
    widest : float
        The largest radius of a tube.
    status : ConnectionStatus
    record : dict or None
        The certificate as JSON holds it.
    """

    saddle: PointProof
    ends: tuple[PointProof, ...]
    frusta: tuple[int, ...]
    widest: float
    status: ConnectionStatus
    record: dict[str, Any] | None = field(repr=False)

    @property
    def minima(self) -> tuple[PointProof, ...]:
        """Those of the ends that are minima."""
        return tuple(one for one in self.ends if one.index == 0)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate as JSON.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        InvalidArgument
            If there is none.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> lt.prove_connection(problem, [[1, 0], [0, 1]]).record is None  # needs python-flint
        True
        """
        if self.record is None:
            raise InvalidArgument("There is no certificate to write: there are no tubes.")
        write_record(self.record, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frustum:
    """Radii at both ends, and a bound from below of curvatures across."""

    start: float
    end: float
    curvature: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tube:
    """Points of the axis, frusta between them, and the radius of the ball that it ends in."""

    points: Array
    frusta: list[_Frustum]
    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A solution of the flow: its length, the point after some length, and the last point."""

    length: float
    at: Callable[[float], Array]
    end: Array


class _Lost(Exception):
    """A condition cannot be met."""


def prove_connection(
    problem: TeacherStudent,
    weights: ArrayLike,
    progress: Callable[[float], None] | None = None,
) -> ConnectionProof:
    """Enclose both descents of a saddle of index 1, up to minima or lower saddles.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, r + E)
        Close to a saddle of index 1 that leaves the teacher's span in at most one direction, both
        of whose descents end in critical points that leave it at most in the same direction,
        without zero and without parallel neurons. A descent ends in a saddle where symmetries that
        it cannot lose keep it from the ways down there.
    progress : callable, optional
        Is told which part of both descents is enclosed.

    Returns
    -------
    ConnectionProof

    Raises
    ------
    InvalidArgument
        If the weights do not fit the problem.
    LandtopoError
        If python-flint is missing.

    Examples
    --------
    Two neurons are no saddle where they are the teacher's.

    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> lt.prove_connection(problem, [[1, 0], [0, 1]]).status.value  # needs python-flint
    "The point is no certified saddle of index 1 that leaves the teacher's span in at most one \
direction."
    """
    require_flint()
    import flint

    checked_instance("problem", "prove_connection", problem, TeacherStudent)
    problem.require_relu("prove_connection")
    points, _ = checked_weights("prove_connection", problem, weights)
    saddle = prove_point(problem, points)
    if saddle.index != 1 or saddle.record is None or len(saddle.record["pivots"]) > 1:
        return _failed(saddle, ConnectionStatus.NO_SADDLE)
    with flint.ctx.workprec(_BITS):
        descents = _Descents(problem, centre(saddle.record))
        ends: list[PointProof] = []
        tubes: list[_Tube] = []
        for sign in (1, -1):

            def told(part: float, before: int = len(tubes)) -> None:
                if progress is not None:
                    progress(0.5 * (before + part))

            cone = descents.apex(sign)
            if cone is None:
                return _failed(saddle, ConnectionStatus.NO_TUBE)
            way = descents.way(cone[0])
            end = prove_point(problem, descents.weights(way.end))
            last = None if end.record is None else centre(end.record)
            if last is None or last.shape[1] > descents.shape[1]:
                return _failed(saddle, ConnectionStatus.NO_END)
            tube = descents.tube(way, cone[1], descents.padded(last), told)
            if tube is None:
                return _failed(saddle, ConnectionStatus.NO_TUBE)
            tubes.append(tube)
            ends.append(end)
    lowest = all(end.index == 0 for end in ends)
    record = {
        "format": "landtopo certificate of a connection",
        "format_version": 1,
        "claim": CONNECTION_CLAIM if lowest else CONNECTION_CLAIM_SADDLE,
        "saddle": saddle.record,
        "symmetries": told_symmetries(descents.whole),
        "descents": [
            {
                "saddle" if end.index else "minimum": end.record,
                "attraction": str(Fraction(tube.radius)),
                "points": _exact(tube.points),
                "frusta": _exact(np.array([[x.start, x.end, x.curvature] for x in tube.frusta])),
            }
            for end, tube in zip(ends, tubes, strict=True)
        ],
    }
    return ConnectionProof(
        saddle=saddle,
        ends=tuple(ends),
        frusta=tuple(len(tube.frusta) for tube in tubes),
        widest=max(x.end for tube in tubes for x in tube.frusta),
        status=ConnectionStatus.FOUND if lowest else ConnectionStatus.FOUND_SADDLE,
        record=record,
    )


def _failed(saddle: PointProof, status: ConnectionStatus) -> ConnectionProof:
    return ConnectionProof(
        saddle=saddle, ends=(), frusta=(), widest=np.inf, status=status, record=None
    )


def _exact(values: Array) -> dict[str, Any]:
    return exact_table([[Fraction(x) for x in line] for line in values.tolist()])


class _Descents:
    """The flow on the weights that the symmetries of a saddle and its soft direction leave alone.

    Points are given by one value for each orbit of entries; lengths are those in weights.
    """

    def __init__(self, problem: TeacherStudent, saddle: Array) -> None:
        self.loss = PopulationLoss(problem)
        self.scale = float(problem.teacher.norms.max())
        self.shape = saddle.shape
        frame = self.padded(problem.teacher.vectors)
        self.teachers = matrix(frame)
        soft = eigh(self.loss.hessian(saddle))[1][:, 0].reshape(saddle.shape)
        # What leaves a point on the way alone leaves the whole way alone, and the saddle.
        classes = exchanges(frame, saddle + 0.01 * self.scale * soft, 1e-7 * self.scale)
        held = np.zeros(saddle.shape, dtype=bool)
        self.whole: Reduction = reduction(
            (saddle.shape[0], saddle.shape[1]), held, [one for group in classes for one in group]
        )
        self.roots: Array = np.sqrt(self.whole.sizes.astype(np.float64))
        self.saddle = self.values(saddle)
        self.soft = self.values(soft) * self.roots
        self.soft /= np.linalg.norm(self.soft)

    def padded(self, rows: Array) -> Array:
        """Rows in the columns of the saddle, zero in the one beside the teacher's."""
        return np.pad(rows, ((0, 0), (0, self.shape[1] - rows.shape[1])))

    def values(self, weights: Array) -> Array:
        """The mean of each orbit."""
        return np.bincount(self.whole.labels.ravel(), weights.ravel()) / self.whole.sizes

    def weights(self, values: Array) -> Array:
        """All entries."""
        return np.asarray(values[self.whole.labels])

    def gradient(self, values: Array) -> Array:
        """In orthonormal coordinates."""
        slope = self.loss.gradient(self.weights(values)).ravel()
        return np.bincount(self.whole.labels.ravel(), slope) / self.roots

    def enclosed(self, values: Array, sizes: Array) -> tuple[Array, float]:
        """The Hessian in orthonormal coordinates, and a bound of the error's norm, over a box."""
        from flint import arb

        entries = [arb(x, r) for x, r in zip(values.tolist(), sizes.tolist(), strict=True)]
        balls: arb_mat = self.whole.hessian(Network(self.whole.weights(entries), self.teachers))
        if not all(x.is_finite() for x in balls.entries()):
            raise _Lost
        scale = np.outer(self.roots, self.roots)
        middle = midpoints(balls) / scale
        return 0.5 * (middle + middle.T), float((radii(balls) / scale).sum(axis=1).max())

    def apex(self, sign: int) -> tuple[Array, _Frustum] | None:
        """The first cone, and the end of its axis."""
        axis = sign * self.soft
        length = _FIRST * self.scale
        for _ in range(_HALVINGS):
            reach = 2 * length * np.ones(len(axis)) / self.roots
            try:
                middle, error = self.enclosed(self.saddle, reach)
            except _Lost:
                length /= 2
                continue
            along, across, least = _curvatures(middle, error, axis)
            if least > 0 > along:
                slope = 2 * across / (least - along)
                if slope < 0.5 and along + slope * across < 0:
                    end = self.saddle + length * axis / self.roots
                    return end, _Frustum(start=0.0, end=slope * length, curvature=least)
            length /= 2
        return None

    def way(self, first: Array) -> _Way:
        """The flow from the end of the first cone on."""

        def slope(_: float, z: Array) -> Array:
            return -self.gradient(z / self.roots)

        def resting(_: float, z: Array) -> float:
            return float(np.linalg.norm(self.gradient(z / self.roots))) - _REST * self.scale

        resting.terminal = True  # type: ignore[attr-defined]
        found = solve_ivp(
            slope,
            (0, _TIME),
            first * self.roots,
            method="LSODA",
            rtol=1e-11,
            atol=1e-13 * self.scale,
            events=resting,
            dense_output=True,
        )
        gone = np.r_[0, np.cumsum(np.linalg.norm(np.diff(found.y.T, axis=0), axis=1))]

        solution: Any = found.sol

        def at(place: float) -> Array:
            return np.asarray(solution(np.interp(place, gone, found.t)) / self.roots)

        return _Way(length=float(gone[-1]), at=at, end=found.y[:, -1] / self.roots)

    def tube(
        self, way: _Way, cone: _Frustum, last: Array, told: Callable[[float], None]
    ) -> _Tube | None:
        """Frusta along a way into a ball around its end, as long as can be."""
        middle = self.values(last)
        radius = self._attraction(middle)
        found = None
        for longest in _LONGEST:
            found = found or self._pieces(way, cone, (middle, radius), longest * self.scale, told)
        return found

    def _pieces(
        self,
        way: _Way,
        cone: _Frustum,
        ball: tuple[Array, float],
        longest: float,
        told: Callable[[float], None],
    ) -> _Tube | None:
        middle, radius = ball
        points, frusta = [self.saddle, way.at(0.0)], [cone]
        place, step = 0.0, _FIRST * self.scale
        while step > _SHORTEST * self.scale:
            gap = float(np.linalg.norm((points[-1] - middle) * self.roots))
            if gap + frusta[-1].end < radius / _SPARE:
                return _Tube(points=np.array(points), frusta=frusta, radius=radius)
            point = way.at(min(place + step, way.length))
            try:
                frusta.append(self._frustum(points[-2], points[-1], point, frusta[-1].end))
            except _Lost:
                step /= 2
                continue
            points.append(point)
            place += step
            told(min(1.0, place / way.length))
            step = min(step * _LONGER, longest)
        return None

    def _attraction(self, end: Array) -> float:
        """Radius of a ball in which the Hessian is positive; 0 where none is found."""
        radius = 0.1 * self.scale
        for _ in range(_HALVINGS):
            try:
                middle, error = self.enclosed(end, radius * _SPARE / self.roots)
                if np.linalg.eigvalsh(middle)[0] > _SPARE * error:
                    return radius
            except _Lost:
                pass
            radius /= 2
        return 0.0

    def _frustum(self, before: Array, start: Array, end: Array, entry: float) -> _Frustum:
        axis, length = _direction((end - start) * self.roots)
        last, _ = _direction((start - before) * self.roots)
        turn = float(np.linalg.norm(axis - last))
        begin = entry * (1 + 0.5 * turn) * (1 + 1e-9)
        overlap = entry * turn * _SPARE
        half = 0.5 * length + overlap
        middle_point = 0.5 * (start + end)
        slope = self.gradient(middle_point)
        ahead = float(axis @ slope)
        aside = float(np.linalg.norm(slope - ahead * axis))
        widest = 1.2 * begin
        for _ in range(_TRIES):
            middle, error = self.enclosed(
                middle_point, (np.abs(axis) * half + widest) * _SPARE / self.roots
            )
            along, across, least = _curvatures(middle, error, axis)
            change = half * (abs(along) + 2 * error) + widest * across
            if ahead + change >= 0 or error > max(_LOSS * least, -ahead / self.scale):
                raise _Lost
            push = _SPARE * (aside + half * across)
            pull = least * (begin if least > 0 else widest)
            if pull > push:
                # As narrow as the flow makes it at the narrower end.
                rate = _SPARE * (abs(ahead) + change) / length
                finish = (push + begin * rate) / (least + rate)
            else:
                finish = begin + _SPARE * (push - pull) / abs(ahead + change) * length
            needed = max(begin, finish) + abs(finish - begin) / length * overlap
            if needed <= widest:
                return _Frustum(start=begin, end=finish, curvature=least)
            widest = 1.1 * needed
        raise _Lost


def _direction(step: Array) -> tuple[Array, float]:
    length = float(np.linalg.norm(step))
    return step / length, length


def _curvatures(middle: Array, error: float, axis: Array) -> tuple[float, float, float]:
    """Bounds above of the curvature along an axis and of the slope across, below of that across."""
    bent = middle @ axis
    along = float(axis @ bent)
    across = float(np.linalg.norm(bent - along * axis)) + error
    flat = np.eye(len(axis)) - np.outer(axis, axis)
    values = np.linalg.eigvalsh(
        flat @ middle @ flat + 2 * np.abs(middle).sum() * np.outer(axis, axis)
    )
    return along + error, _SPARE * across, float(values[0] - _SPARE * error)
