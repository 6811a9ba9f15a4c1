"""Curves as they are found: followed in pieces of work, told apart, cut at what happens to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from landtopo.models.networks.sweeps.branch import Branch, Space
from landtopo.models.networks.sweeps.curve import TeacherCurve
from landtopo.models.networks.sweeps.switch import Branching, branching
from landtopo.models.networks.sweeps.trace import (
    Ending,
    Happening,
    HappeningKind,
    bracketed,
    trace,
)
from landtopo.models.networks.symmetry import (
    Relabelling,
    equivalence,
    isotropy,
    point_graph,
    teacher_automorphisms,
)
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Curve", "Curves", "Part", "followed", "trimmed"]

# Losses of one curve, interpolated between its nodes and exact, differ by no more than this.
_NEAR_LOSS, _SAME_LOSS = 2e-3, 1e-10
_UNUSED, _PARALLEL = 1e-8, 1e-6
# Of the range, away from a meeting.
_ASIDE = 1e-4
_TIED = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2)


def followed(
    curve: TeacherCurve, weights: Array, value: float, seed: int, tracked: int
) -> dict[str, Any]:
    """The curve through a critical point, and the points of others that it leads to.

    Parameters
    ----------
    curve : TeacherCurve
    weights : ndarray, shape (K, D)
    value : float
    seed : int
    tracked : int
        Crossings are looked around at where the index is no larger on one side.

    Returns
    -------
    dict
        Columns of nodes and happenings; ``next`` and ``next_values``, points to go on from.
        ``lost`` where the point is none of a smooth curve.
    """
    weights = trimmed(weights, curve.size)
    elements = _elements(curve, weights, value)
    branch = Branch(curve, Space.of(weights, curve.size, elements))
    start = branch.starting(weights, value)
    if start is None or _are_parallel(start.weights):
        return {"lost": True, "next": [], "next_values": []}
    group = isotropy(point_graph(curve.teacher(value), start.weights))
    found = trace(branch, start)
    more: list[Array] = []
    more_values: list[float] = []
    branchings: list[dict[str, Any] | None] = []
    exact = []
    reach = curve.high - curve.low
    for met in found.happenings:
        indices = [found.nodes[i].index for i in (met.place, met.place + 1)]
        sure = met.kind is HappeningKind.FOLD or bracketed(branch, met) is not None
        exact.append(sure)
        found_here = None
        if met.kind is HappeningKind.CROSSING and min(indices) <= tracked:
            found_here = branching(branch, met, seed)
            for one in found_here.found if found_here else ():
                if one.index <= tracked and curve.low < one.value < curve.high:
                    more.append(one.weights)
                    more_values.append(one.value)
        branchings.append(None if found_here is None else found_here.record())
        if met.kind is HappeningKind.MEETING:
            for way in (-1.0, 1.0):
                there = met.value + way * _ASIDE * reach
                larger = _larger(curve, met, group.order)
                other = Branch(curve, Space.of(met.weights, curve.size, larger))
                y = other.at(met.weights, there)
                if y is not None and curve.low < there < curve.high:
                    more.append(other.weights(y))
                    more_values.append(there)
    return {
        "lost": False,
        "isotropy": group.name,
        "order": group.order,
        "weights": np.array([one.weights for one in found.nodes]),
        "values": np.array([one.value for one in found.nodes]),
        "losses": np.array([one.loss for one in found.nodes]),
        "index": np.array([one.index for one in found.nodes]),
        "smallest": np.array([one.lowest for one in found.nodes]),
        "happenings": [met.kind.name for met in found.happenings],
        "met_values": np.array([met.value for met in found.happenings]),
        "met_weights": [met.weights for met in found.happenings],
        "places": np.array([met.place for met in found.happenings], dtype=np.int64),
        "inner": np.array([met.inner for met in found.happenings], dtype=np.int64),
        "outer": np.array([met.outer for met in found.happenings], dtype=np.int64),
        "branchings": branchings,
        "exact": np.array(exact, dtype=np.int64),
        "first": found.first.name,
        "last": found.last.name,
        "next": more,
        "next_values": more_values,
    }


def trimmed(weights: Array, rank: int) -> Array:
    """The same point in as few columns outside the span as hold it, by turning them."""
    left, sizes, _ = np.linalg.svd(weights[:, rank:], full_matrices=False)
    return np.hstack([weights[:, :rank], (left * sizes)[:, sizes > _UNUSED]])


def _are_parallel(weights: Array) -> bool:
    """Whether two neurons are as good as one: such points are not isolated."""
    units = weights / np.linalg.norm(weights, axis=1)[:, None]
    apart = np.linalg.norm(units[:, None] - units[None], axis=2)
    return bool(np.any(apart[np.triu_indices(len(units), 1)] < _PARALLEL))


def _larger(curve: TeacherCurve, met: Happening, order: int) -> tuple[Relabelling, ...]:
    """The symmetries of the point that a curve meets, which is known to some digits only."""
    teacher = curve.teacher(met.value)
    for tolerance in _TIED:
        group = isotropy(point_graph(teacher, met.weights), tolerance=tolerance)
        if group.order > order:
            return _elements(curve, met.weights, met.value, tolerance)
    return _elements(curve, met.weights, met.value)


def _elements(
    curve: TeacherCurve, weights: Array, value: float, tolerance: float = 1e-8
) -> tuple[Relabelling, ...]:
    """Symmetries of a point that are symmetries of the teacher for all parameters."""
    group = isotropy(point_graph(curve.teacher(value), weights), tolerance=tolerance)
    middle = curve.low + 0.618 * (curve.high - curve.low)
    allowed = teacher_automorphisms(curve.gram(middle)).group
    return tuple(one for one in group.generators if one.teachers in allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Brief):
    """A stretch of a curve on which nothing happens; the parameter rises along it.

    Attributes
    ----------
    index : int
    values, losses, smallest : ndarray, shape (n,)
    weights : ndarray, shape (n, K, D)
    ends : tuple of (int or None)
        The happening of the curve at either end, by its number.
    why : tuple of str
        The same in a sentence.
    curve : int
        Number of the curve.
    """

    index: int
    values: Array
    losses: Array
    smallest: Array
    weights: Array
    ends: tuple[int | None, int | None]
    why: tuple[str, str]
    curve: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Brief):
    """A curve of critical points.

    Attributes
    ----------
    number : int
    isotropy : str
    order : int
    values, losses, smallest : ndarray, shape (n,)
        Along the curve.
    index : ndarray of int, shape (n,)
    weights : ndarray, shape (n, K, D)
    happenings : tuple of Happening
    branchings : tuple of (Branching or None)
        Of each happening: what branches off there; None where it was not looked at.
    exact : ndarray of int
        Of each happening: whether the points on both sides were found with just the difference that
        it makes.
    first, last : Ending
    found_by : str
    branch : Branch
    """

    number: int
    isotropy: str
    order: int
    values: Array
    losses: Array
    smallest: Array
    index: Array
    weights: Array
    happenings: tuple[Happening, ...]
    branchings: tuple[Branching | None, ...]
    exact: Array
    first: Ending
    last: Ending
    found_by: str
    branch: Branch = field(repr=False)

    def is_more_symmetric(self, other: Curve) -> bool:
        """Whether the other one can branch off from this one, by the orders of their symmetries.

        A curve that leaves the span branches off from one that has a mirror there.
        """
        mine, its = ((one.order, -one.weights.shape[2]) for one in (self, other))
        return mine > its and self.order >= other.order

    def first_of(self, number: int) -> int:
        """The first of the happenings that are the same as one."""
        met = self.happenings[number]
        return next(
            place
            for place, one in enumerate(self.happenings)
            if one.kind is met.kind and one.value == met.value
        )

    def parts(self) -> Iterator[Part]:
        """Stretches between happenings, in the order of the curve."""
        cuts = [
            (met.place, number)
            for number, met in enumerate(self.happenings)
            if met.kind is not HappeningKind.MEETING or met.inner or self._turns(met.place)
        ]
        begin: tuple[int, int | None] = (-1, None)
        for place, number in [*cuts, (len(self.values) - 1, None)]:
            yield from self._part(begin, (place, number))
            begin = place, number

    def _turns(self, place: int) -> bool:
        if not 0 < place < len(self.values) - 2:
            return True
        steps = np.diff(self.values[place - 1 : place + 3])
        return bool(steps[0] * steps[-1] < 0)

    def _part(self, begin: tuple[int, int | None], end: tuple[int, int | None]) -> Iterator[Part]:
        inside = np.arange(begin[0] + 1, end[0] + 1)
        values, losses = self.values[inside].tolist(), self.losses[inside].tolist()
        smallest, weights = self.smallest[inside].tolist(), list(self.weights[inside])
        for at_end, (_, number) in ((False, begin), (True, end)):
            if number is None:
                continue
            met = self.happenings[number]
            inner, outer, loss = self.branch.spectra(met.weights, met.value)
            lowest = float(min(inner.min(), outer.min(initial=np.inf)))
            if met.kind is HappeningKind.MEETING and smallest:
                lowest = smallest[-1 if at_end else 0]
            place = len(values) if at_end else 0
            values.insert(place, met.value)
            losses.insert(place, loss)
            smallest.insert(place, lowest)
            weights.insert(place, met.weights)
        if len(values) < 2:
            return
        # Beyond a meeting with a turn there is the mirror image of what was there before.
        if self.last is Ending.MEETING and end[1] is None:
            return
        if self.first is Ending.MEETING and begin[1] is None:
            return
        if len(inside):
            index = int(self.index[inside[len(inside) // 2]])
        else:
            # Two happenings within one step: the index is that of a point between.
            value = (values[0] + values[1]) / 2.0
            y = self.branch.at((weights[0] + weights[1]) / 2.0, value)
            node = None
            if y is not None:
                node = self.branch.node(y, value, np.append(np.zeros(len(y)), 1.0))
            if node is None:
                return
            index = node.index
            for column, one in (
                (values, value),
                (losses, node.loss),
                (smallest, node.lowest),
                (weights, node.weights),
            ):
                column.insert(1, one)
        why = tuple(
            self.happenings[number].kind.value if number is not None else ending.value
            for number, ending in ((begin[1], self.first), (end[1], self.last))
        )
        ends = begin[1], end[1]
        columns = [np.array(one) for one in (values, losses, smallest, weights)]
        if columns[0][0] > columns[0][-1]:
            columns = [np.ascontiguousarray(one[::-1]) for one in columns]
            ends, why = ends[::-1], why[::-1]
        yield Part(
            index=index,
            values=columns[0],
            losses=columns[1],
            smallest=columns[2],
            weights=columns[3],
            ends=ends,
            why=(why[0], why[1]),
            curve=self.number,
        )

    def point(self, i: int, value: float) -> Array | None:
        """The curve's point at a parameter between nodes i and i + 1."""
        a, b = self.values[i], self.values[i + 1]
        share = (value - a) / (b - a) if a != b else 0.0
        y = self.branch.at(self.weights[i] + share * (self.weights[i + 1] - self.weights[i]), value)
        return None if y is None else self.branch.weights(y)


class Curves:
    """All curves, and whether a point is on one of them.

    Parameters
    ----------
    curve : TeacherCurve
    width : int
    """

    def __init__(self, curve: TeacherCurve, width: int) -> None:
        self.curve = curve
        self.width = width
        self.curves: list[Curve] = []

    def new(self, points: list[tuple[Array, float, str]]) -> list[tuple[Array, float, str]]:
        """Those that are on no curve, and not the same as an earlier one."""
        fresh: list[tuple[Array, float, str]] = []
        for weights, value, by in points:
            if self.holds(weights, value):
                continue
            graph = point_graph(self.curve.teacher(value), weights)
            same = (one for one, at, _ in fresh if at == value and one.shape == weights.shape)
            if any(
                equivalence(point_graph(self.curve.teacher(value), one), graph) is not None
                for one in same
            ):
                continue
            fresh.append((weights, value, by))
        return fresh

    def holds(self, weights: Array, value: float) -> bool:
        """Whether a point is on a curve."""
        return self.at(weights, value) is not None

    def at(self, weights: Array, value: float) -> tuple[int, int] | None:
        """The curve that a point is on, and the node before it."""
        branch = Branch(self.curve, Space(np.eye(weights.size), *weights.shape))
        loss = branch.spectra(weights, value)[2]
        graph = point_graph(self.curve.teacher(value), weights)
        for number, one in enumerate(self.curves):
            if one.weights.shape[1:] != weights.shape:
                continue
            a, b = one.values[:-1], one.values[1:]
            for i in np.flatnonzero((a - value) * (b - value) <= 0):
                low, high = sorted((one.losses[i], one.losses[i + 1]))
                if not low - _NEAR_LOSS <= loss <= high + _NEAR_LOSS:
                    continue
                point = one.point(int(i), value)
                if point is None or abs(branch.spectra(point, value)[2] - loss) > _SAME_LOSS:
                    continue
                if equivalence(point_graph(self.curve.teacher(value), point), graph) is not None:
                    return number, int(i)
        return None

    def same(self, number: int, one: Part, other: Part, value: float) -> bool:
        """Whether two parts of a curve are the same points at a parameter."""
        graphs = []
        for part in (one, other):
            i = int(np.clip(np.searchsorted(part.values, value), 1, len(part.values) - 1))
            share = (value - part.values[i - 1]) / (part.values[i] - part.values[i - 1])
            guess = part.weights[i - 1] + share * (part.weights[i] - part.weights[i - 1])
            branch = self.curves[number].branch
            y = branch.at(guess, value)
            if y is None:
                return False
            graphs.append(point_graph(self.curve.teacher(value), branch.weights(y)))
        return equivalence(*graphs) is not None

    def add(self, result: Mapping[str, Any], found_by: str) -> bool:
        """Add a curve; False where it is known or is none."""
        if result["lost"] or len(result["values"]) < 2:
            return False
        weights, values = np.asarray(result["weights"]), np.asarray(result["values"])
        middle = len(values) // 2
        if self.holds(weights[middle], float(values[middle])):
            return False
        elements = _elements(self.curve, weights[middle], float(values[middle]))
        self.curves.append(
            Curve(
                number=len(self.curves),
                isotropy=str(result["isotropy"]),
                order=int(result["order"]),
                values=values,
                losses=np.asarray(result["losses"]),
                smallest=np.asarray(result["smallest"]),
                index=np.asarray(result["index"]),
                weights=weights,
                happenings=tuple(
                    Happening(
                        kind=HappeningKind[kind],
                        value=float(result["met_values"][i]),
                        weights=np.asarray(result["met_weights"][i]),
                        place=int(result["places"][i]),
                        inner=int(result["inner"][i]),
                        outer=int(result["outer"][i]),
                    )
                    for i, kind in enumerate(result["happenings"])
                ),
                branchings=tuple(
                    None if one is None else Branching.from_record(one)
                    for one in result["branchings"]
                ),
                exact=np.asarray(result["exact"]),
                first=Ending[str(result["first"])],
                last=Ending[str(result["last"])],
                found_by=found_by,
                branch=Branch(self.curve, Space.of(weights[middle], self.curve.size, elements)),
            )
        )
        return True
