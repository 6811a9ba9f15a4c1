"""Proofs of what is there at both ends of an event's bracket.

An end of a family is solved for ever closer to the event, up to the end of the bracket, with more
digits than doubles have: there the Hessian is singular up to some 1e-9. What is proved, by interval
arithmetic and for the exact Gram matrix: one critical point is in a box, alone, and has the index.
What is not: that the points at the two ends of the bracket are on one curve, that nothing else is
there, and that what ends at a fold has nothing to follow it on the other side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.models.networks.sweeps.curve import TeacherCurve
from landtopo.models.networks.sweeps.pieces import Curve, Part
from landtopo.models.networks.sweeps.trace import WIDE, Happening
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Approach", "Proof", "approach", "proved"]

# Of the range: where the approach begins. Each next distance is smaller by the ratio.
_BEGIN = 1e-4
_RATIO = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof(Brief):
    """That a point is there at a parameter, with its index.

    Attributes
    ----------
    family : str
        Empty where the point has an index above 1, so that it belongs to no listed family.
    value : float
        The parameter: an end of the event's bracket, or as close to it as a proof succeeded.
    index : int or None
        None where nothing was proved at any distance.
    at_end : bool
        Whether it was proved at the end of the bracket, with the index of the family.
    """

    family: str
    value: float
    index: int | None
    at_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach(Brief):
    """Two points of a family, from which its end can be approached.

    Attributes
    ----------
    weights : ndarray, shape (2, K, D)
    values : tuple of float
        The second is closer to the event.
    event : float
    way : int
        -1 below the event, 1 above.
    index : int
    """

    weights: Array
    values: tuple[float, float]
    event: float
    way: int
    index: int


def approach(curve: Curve, part: Part, met: Happening, side: int, reach: float) -> Approach | None:
    """Where the approach to one end of a part begins; None if no points are found there.

    Parameters
    ----------
    curve : Curve
        Of the part.
    part : Part
    met : Happening
        The event.
    side : int
        0 where the part begins, 1 where it ends.
    reach : float
        Of the whole range.
    """
    way = -1 if side else 1
    aside = min(_BEGIN * reach, 0.25 * float(part.values[-1] - part.values[0]))
    values = tuple(met.value + way * one for one in (aside, aside / _RATIO))
    points = [_point(part, curve, value) for value in values]
    if points[0] is None or points[1] is None:
        return None
    return Approach(
        weights=np.array(points),
        values=(values[0], values[1]),
        event=met.value,
        way=way,
        index=part.index,
    )


def _point(part: Part, curve: Curve, value: float) -> Array | None:
    """The part's point, which has its index; as a curve near a fold or a line between nodes."""
    i = int(np.clip(np.searchsorted(part.values, value), 1, len(part.values) - 1))
    share = (value - part.values[i - 1]) / (part.values[i] - part.values[i - 1])
    for bent in (share, np.sqrt(max(share, 0.0)), 1.0 - np.sqrt(max(1.0 - share, 0.0))):
        guess = part.weights[i - 1] + bent * (part.weights[i] - part.weights[i - 1])
        y = curve.branch.at(guess, value)
        if y is None:
            continue
        node = curve.branch.node(y, value, np.append(np.zeros(len(y)), 1.0))
        if node is not None and node.index == part.index:
            return node.weights
    return None


def proved(curve: TeacherCurve, begin: Approach) -> dict[str, Any]:
    """The proof that succeeds closest to the event.

    Parameters
    ----------
    curve : TeacherCurve
    begin : Approach

    Returns
    -------
    dict
        ``value``, ``index`` (-1 where there is none) and ``at_end``.
    """
    from landtopo.proofs.exact_point import ExactTeacher

    rotation, pivots = _outside(begin.weights[1][:, curve.size :])
    distances = [abs(value - begin.event) for value in begin.values]
    while distances[-1] > WIDE * _RATIO:
        distances.append(distances[-1] / _RATIO)
    distances.append(WIDE)
    places: list[Array] = []
    solved = []
    for number, distance in enumerate(distances):
        value = begin.event + begin.way * distance
        teacher = ExactTeacher(curve.gram(value), curve.leak(value)[0])
        if number < 2:
            starts = [_turned(curve, begin.weights[number], value, teacher.vectors, rotation)]
        else:
            starts = _ahead(distances[: number + 1], places)
        best = None
        for start in starts:
            for row, column in zip(pivots, range(curve.size, start.shape[1]), strict=True):
                start[row, column + 1 :] = 0.0
            point = teacher.solve(start, pivots)
            if point is None:
                continue
            middle = np.array([float(x) for x in point.entries()]).reshape(start.shape)
            moved = float(np.linalg.norm(middle - start))
            if best is None or moved < best[0]:
                best = moved, middle, point
        if best is None:
            break
        places.append(best[1])
        solved.append((value, teacher, best[2]))
    for number, (value, teacher, point) in reversed(list(enumerate(solved))):
        index = teacher.certificate(point, pivots).index
        if index == begin.index:
            return {"value": value, "index": index, "at_end": number == len(distances) - 1}
    return {"value": begin.event, "index": -1, "at_end": False}


def _outside(outer: Array) -> tuple[Array, list[int]]:
    """A rotation of the columns outside the span that makes zeros, and its pivot rows."""
    import scipy.linalg

    rotation, _, order = scipy.linalg.qr(outer.T, pivoting=True)
    return np.asarray(rotation), [int(row) for row in order[: outer.shape[1]]]


def _turned(
    curve: TeacherCurve, weights: Array, value: float, vectors: Array, rotation: Array
) -> Array:
    """Weights in coordinates in which the teacher has other vectors of the same Gram matrix."""
    overlaps = weights[:, : curve.size] @ curve.vectors(value)[0].T
    inner = np.linalg.solve(vectors, overlaps.T).T
    return np.hstack([inner, weights[:, curve.size :] @ rotation])


def _ahead(distances: list[float], places: list[Array]) -> list[Array]:
    """The next place from the last two: for a point that moves as the distance, or as its root."""
    starts = []
    for power in (1.0, 0.5):
        before, last, now = (one**power for one in distances[-3:])
        share = (now - last) / (last - before)
        starts.append(places[-1] + share * (places[-1] - places[-2]))
    return starts
