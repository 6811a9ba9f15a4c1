"""The directions in which a zero neuron leaves: local minima of psi with psi < 0, by classes.

The isotropy group of a point carries local minima of psi into each other. A class is such an orbit,
and the exact number of its members is the order of the group over that of the subgroup that fixes
one of them (directions outside the coordinates in use are counted modulo rotations there).

Descents of psi start from named directions, which find what is deep or symmetric, and from
directions that are uniform on the sphere, independent of each other: these say how much of the
sphere leads to classes that have been met (`landtopo.points.coverage`). They go on in batches until
that is nearly all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landtopo.eigen import eigh
from landtopo.models.networks.points.slopes import SlopeField
from landtopo.models.networks.symmetry.graph import TOLERANCE, PointGraph
from landtopo.models.networks.symmetry.matching import GraphMark
from landtopo.models.networks.symmetry.point_groups import symmetry_group
from landtopo.models.networks.symmetry.relabelling import teacher_rotation
from landtopo.objective import Array
from landtopo.points.coverage import Coverage, estimate_coverage
from landtopo.points.known import Invariants, Known
from landtopo.symmetry.groups import PermutationGroup

__all__ = ["EscapeSearch", "Escapes", "Frame"]

# Descents that start where psi is lowest, and pairs of neurons that name directions.
_LOWEST = 128
_PAIRS = 2_000
_BATCH = 256
# Ends closer than this are the same, and so is where a descent ends that came this close.
_SAME = 1e-4
_NEAR = 1e-3
# Relative to sqrt(L): psi above minus this is not negative, a curvature below minus this is.
_NEGATIVE = 1e-9
_CURVED = 1e-7
_NOT_AT_REST = 1e-6
# Of the gradient, in units of the sum of its terms.
_ROUNDING = 1e-13
# What an end is instead of a class: a direction with psi >= 0, or no local minimum.
_ABOVE, _NONE = -1, -2
# Length of the step away from a saddle of psi.
_PUSH = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A network in the coordinates in which directions are searched.

    Attributes
    ----------
    weights : ndarray, shape (K, D)
        Students, zero and parallel ones included.
    landmarks : ndarray, shape (F, D)
        Vectors whose permutations are the symmetries of the teacher's function
        (`landtopo.models.networks.symmetry.frame`), in these coordinates.
    rank : int
        The first r coordinates are those of the teacher's span.
    room : bool
        The last column is an axis that no neuron uses.
    """

    weights: Array
    landmarks: Array
    rank: int
    room: bool

    @property
    def columns(self) -> int:
        """D."""
        return int(self.landmarks.shape[1])

    def group(self) -> PermutationGroup:
        """Isotropy group of the network, on students and landmarks."""
        return symmetry_group(self._graph(self.weights))

    def marked(self, direction: Array) -> PointGraph:
        """The network with a direction as one more neuron, which is told from all others."""
        graph = self._graph(np.vstack([self.weights, direction]))
        labels = np.ones(len(graph.gram))
        labels[graph.width - 1] = 2.0
        return replace(graph, labels=labels)

    def rotations(self) -> list[Array]:
        """What generators of the isotropy group do to directions, each of shape (D, D)."""
        used = self.columns - int(self.room)
        vectors = np.vstack([self.weights, self.landmarks])[:, :used]
        found = []
        for images in self.group().generators:
            rotation = np.eye(self.columns)
            rotation[:used, :used] = teacher_rotation(vectors, images)
            found.append(rotation)
        return found

    def _graph(self, weights: Array) -> PointGraph:
        return PointGraph.from_weights(weights, self.landmarks[:, : self.rank])


@dataclass(frozen=True, slots=True, kw_only=True)
class Escapes:
    """Local minima of psi with psi < 0.

    Attributes
    ----------
    directions : ndarray, shape (n, D)
        Unit vectors of the distinct ones that were met, steepest first.
    slopes : ndarray, shape (n,)
        psi there.
    classes : ndarray of int, shape (n,)
        Class of each; classes are numbered by their first members.
    sizes : tuple of int
        Exact number of members of each class, met or not.
    minimum : float
        Lowest psi of them; the lowest at any end if there is none.
    followed : int
        Descents.
    coverage : Coverage
        Of the classes, and of the ends with psi >= 0 as one more, by the uniform directions.
    """

    directions: Array
    slopes: Array
    classes: NDArray[np.int64]
    sizes: tuple[int, ...]
    minimum: float
    followed: int
    coverage: Coverage


class _End(NamedTuple):
    """A local minimum of psi for comparisons, with what symmetry does not change."""

    graph: PointGraph
    kept: Array

    def mark(self) -> GraphMark:
        return GraphMark(self.graph)

    def invariants(self) -> Invariants:
        return Invariants(self.kept, np.full(len(self.kept), TOLERANCE * self.graph.scale))


class EscapeSearch:
    """Descents of psi, and the distinct ends among them.

    Parameters
    ----------
    field : SlopeField
    frame : Frame
    scale : float
        sqrt(L): psi lies between minus it and it.
    tolerance : float
        Norm of psi's gradient along the sphere at its minima, relative to `scale`.
    """

    def __init__(self, field: SlopeField, frame: Frame, scale: float, tolerance: float) -> None:
        self.field = field
        self.frame = frame
        self.scale = scale
        self.tolerance = tolerance
        self.followed = 0
        self._lowest = np.inf
        self._ends = np.empty((0, frame.columns))
        self._slopes = np.empty(0)
        self._classes: list[int] = []
        self._known: Known[_End] = Known(_End.mark, invariants=_End.invariants)
        self._met: list[int] = []
        self._without = 0

    def run(self, target: float, most: int, first: int, seed: int) -> Escapes:
        """Descend until the uniform directions cover `target` of the sphere for sure, or `most`.

        Parameters
        ----------
        target : float
            Lower end of the interval of the coverage that is enough.
        most, first : int
            Uniform directions that are followed at most, and before the first look.
        seed : int
            Of the uniform ones; they are the same for every network of as many columns.
        """
        columns = self.frame.columns
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(columns,)))
        named = _named(self.field.units, generator)
        starts = np.vstack([named, _uniform(first, columns, generator)])
        order = np.argsort(self.field.values(starts), kind="stable")
        owner = np.full(len(starts), _NONE, dtype=np.int64)
        lowest, others = order[:_LOWEST], np.sort(order[_LOWEST:])
        owner[lowest] = self._follow(starts[lowest])
        # Opposite to a neuron psi can have a local minimum that is too narrow to be met by chance.
        self._follow(starts[others[others < 2 * len(self.field.units)]])
        others = others[others >= len(named)]
        owner[others] = self._follow_fast(starts[others])
        self._count(owner[len(named) :])
        drawn, looks = first, 0
        while True:
            looks += 1
            coverage = estimate_coverage([*self._met, self._without], looks=looks)
            if drawn >= most or coverage.coverage_interval[0] >= target:
                return self._result(coverage)
            batch = _uniform(min(_BATCH, most - drawn), columns, generator)
            self._count(self._follow_fast(batch))
            drawn += len(batch)

    def _follow(self, starts: Array, pushes: int = 3) -> NDArray[np.int64]:
        """The class in which each descent ends, or _ABOVE where psi >= 0, or _NONE."""
        result = np.full(len(starts), _NONE, dtype=np.int64)
        if not len(starts):
            return result
        ends, slopes = self.field.descend(starts, self.tolerance * self.scale)
        self.followed += len(starts)
        self._lowest = min(self._lowest, float(slopes.min()))
        if self.frame.room:
            ends[:, -1] = np.abs(ends[:, -1])
        result[slopes >= -_NEGATIVE * self.scale] = _ABOVE
        waiting = np.argsort(slopes, kind="stable")
        waiting = waiting[result[waiting] == _NONE]
        for known, number in zip(self._ends, self._classes, strict=True):
            waiting = _settle(result, waiting, ends, known, number)
        away: list[Array] = []
        while len(waiting):
            end = ends[waiting[0]]
            number, pushed = self._enter(end, float(slopes[waiting[0]]))
            away += pushed
            waiting = _settle(result, waiting, ends, end, number)
        if away and pushes:
            self._follow(np.array(away), pushes - 1)
        return result

    def _follow_fast(self, starts: Array) -> NDArray[np.int64]:
        """The same; most descents end near a local minimum that is known."""
        near = self.field.approach(starts, max(self.tolerance, _NOT_AT_REST) * self.scale)
        if self.frame.room:
            near[:, -1] = np.abs(near[:, -1])
        result = np.full(len(starts), _NONE, dtype=np.int64)
        waiting = np.arange(len(starts))
        for known, number in zip(self._ends, self._classes, strict=True):
            waiting = _settle(result, waiting, near, known, number, _NEAR)
        self.followed += len(starts) - len(waiting)
        result[waiting] = self._follow(near[waiting])
        return result

    def _enter(self, end: Array, slope: float) -> tuple[int, list[Array]]:
        """Class of a new local minimum; for a saddle _NONE, and where to go on from it."""
        _, gradients, hessians = self.field.derivatives(end[None])
        # The direction itself has curvature 1, and no other is below -sqrt(L).
        values, axes = eigh(hessians[0])
        if values[0] < -_CURVED * self.scale:
            pushed = end + _PUSH * np.array([axes[:, 0], -axes[:, 0]])
            return _NONE, list(pushed / np.linalg.norm(pushed, axis=1, keepdims=True))
        rounding = _ROUNDING * float(np.abs(self.field.strengths).sum())
        if np.linalg.norm(gradients[0]) > max(_NOT_AT_REST * self.scale, rounding):
            return _NONE, []
        number = self._class_of(end, slope)
        self._ends = np.vstack([self._ends, end])
        self._slopes = np.append(self._slopes, slope)
        self._classes.append(number)
        return number, []

    def _class_of(self, end: Array, slope: float) -> int:
        # Classes are told apart more finely than ends.
        end = self.field.refined(end)
        # Symmetry keeps the sorted products; most classes are told apart by them.
        kept = np.r_[slope, np.sort(self.frame.weights @ end), np.sort(self.frame.landmarks @ end)]
        number, element = self._known.place(_End(self.frame.marked(end), kept))
        if element is None:
            self._met.append(0)
        return number

    def _count(self, owner: NDArray[np.int64]) -> None:
        for number in owner[owner >= 0].tolist():
            self._met[number] += 1
        self._without += int(np.sum(owner < 0))

    def _result(self, coverage: Coverage) -> Escapes:
        order = np.argsort(self._slopes, kind="stable")
        # Classes in the order in which the steepest of them come.
        old = np.array(self._classes, dtype=np.int64)[order]
        _, firsts = np.unique(old, return_index=True)
        ranked = old[np.sort(firsts)]
        rank = np.empty(len(self._known), dtype=np.int64)
        rank[ranked] = np.arange(len(ranked))
        whole = self.frame.group().order
        fixing = [symmetry_group(self._known.points[number].graph).order for number in ranked]
        return Escapes(
            directions=self._ends[order],
            slopes=self._slopes[order],
            classes=rank[old],
            sizes=tuple(whole // order for order in fixing),
            minimum=float(self._slopes.min()) if len(self._slopes) else self._lowest,
            followed=self.followed,
            coverage=coverage,
        )


def _settle(
    result: NDArray[np.int64],
    waiting: NDArray[np.intp],
    ends: Array,
    known: Array,
    number: int,
    distance: float = _SAME,
) -> NDArray[np.intp]:
    """Give the ends that are a known one its number; returns the others."""
    close = np.linalg.norm(ends[waiting] - known, axis=1) < distance
    result[waiting[close]] = number
    rest: NDArray[np.intp] = waiting[~close]
    return rest


def _uniform(count: int, columns: int, generator: np.random.Generator) -> Array:
    directions = generator.standard_normal((count, columns))
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def _named(units: Array, generator: np.random.Generator) -> Array:
    """Neurons, sums and differences of (at most 2000) pairs, their negatives, and the last axis."""
    first, second = np.triu_indices(len(units), 1)
    if len(first) > _PAIRS:
        some = generator.choice(len(first), size=_PAIRS, replace=False)
        first, second = first[some], second[some]
    axis = np.zeros((1, units.shape[1]))
    axis[0, -1] = 1.0
    directions = np.vstack(
        [
            units,
            -units,
            units[first] + units[second],
            units[first] - units[second],
            -units[first] - units[second],
            units.sum(axis=0)[None],
            -units.sum(axis=0)[None],
            axis,
        ]
    )
    lengths = np.linalg.norm(directions, axis=1)
    keep = lengths > 1e-6
    return np.asarray(directions[keep] / lengths[keep, None])
