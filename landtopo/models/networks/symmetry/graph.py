"""A point as a complete graph with values, and the values as colours.

Up to rotations a point is its summary statistics. Vertices are the K student and M teacher neurons,
students first; an edge has the scalar product of its two neurons as its value, a vertex its squared
norm and, if there are any, its output weight. Students and teachers are told apart. Then

- teacher automorphisms are the symmetries of the teachers' part alone,
- the isotropy group of a point is the symmetry group of the whole graph,
- two points are equivalent if and only if their graphs are isomorphic.

Where neurons can be turned around, the graph has their opposites for K further vertices, and the
edges between a neuron and its opposite have a colour of their own. So opposites go to opposites,
also of neurons that are equal or zero.

Values that differ by rounding must get one colour. They are sorted, kind by kind, and cut where the
step to the next one is larger than the tolerance: no grid is laid over them, so no value can fall
on the wrong side of a grid line. A run of values that is wider than the tolerance all the same is
cut at its largest steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.checks import LARGEST, checked_array, checked_positive, shown
from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["TOLERANCE", "Palette", "PointGraph", "PointLike", "Statistics"]

TOLERANCE = 1e-7

Colours = NDArray[np.int64]


class Statistics(Protocol):
    """Summary statistics of a point; see `networks.statistics.SummaryStatistics`."""

    @property
    def student(self) -> Array:
        """Q = W W^T, shape (K, K)."""
        ...

    @property
    def overlap(self) -> Array:
        """R = W V^T, shape (K, M)."""
        ...

    @property
    def teacher(self) -> Array:
        """T = V V^T, shape (M, M)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointGraph(Brief):
    """A point as a complete graph with values on vertices and edges.

    Attributes
    ----------
    gram : ndarray, shape (K + M, K + M)
        [[Q, R], [R^T, T]], symmetric.
    width : int
        Number of student neurons K.
    labels : ndarray, shape (K + M,), or None
        Something else that tells neurons apart, such as output weights.
    turned : bool
        Whether the second half of the students are the opposites of the first.
    """

    gram: Array
    width: int
    labels: Array | None = None
    turned: bool = False

    @classmethod
    def from_statistics(
        cls,
        student: ArrayLike,
        overlap: ArrayLike,
        teacher: ArrayLike,
        *,
        student_labels: ArrayLike | None = None,
        teacher_labels: ArrayLike | None = None,
        turned: bool = False,
    ) -> PointGraph:
        """Graph of summary statistics.

        Parameters
        ----------
        student, overlap, teacher : array_like, shapes (K, K), (K, M), (M, M)
            Q, R and T. K = 0 gives the graph of the teachers alone.
        student_labels, teacher_labels : array_like, shapes (K,), (M,), optional
            Output weights; only neurons with equal labels can be exchanged. Missing ones are 1.
        turned : bool
            Whether each student neuron alone can be turned around; Q and R are those of the
            neurons and their opposites.
        """
        t = _products("teacher", teacher, "(M, M)", _is_square)
        q = _products("student", student, "(K, K)", _is_square)
        width, size = len(q), len(t)
        r = _products("overlap", overlap, f"{width, size}", lambda shape: shape == (width, size))
        gram = np.empty((width + size, width + size))
        gram[:width, :width] = (q + q.T) / 2
        gram[:width, width:] = r
        gram[width:, :width] = r.T
        gram[width:, width:] = (t + t.T) / 2
        labels = None
        if student_labels is not None or teacher_labels is not None:
            labels = np.ones(width + size)
            for part, name, given in (
                (labels[:width], "student_labels", student_labels),
                (labels[width:], "teacher_labels", teacher_labels),
            ):
                if given is not None:
                    part[:] = _products(name, given, f"({len(part)},)", part.shape.__eq__)
        return cls(gram=gram, width=width, labels=labels, turned=turned)

    @classmethod
    def from_weights(
        cls,
        weights: ArrayLike,
        vectors: ArrayLike,
        *,
        turned: bool = False,
        teacher_labels: ArrayLike | None = None,
    ) -> PointGraph:
        """Graph of weights.

        Parameters
        ----------
        weights : array_like, shape (K, r + E)
            Student weights in the coordinates of the teachers' span and E further ones.
        vectors : array_like, shape (M, r)
            Teacher vectors, such as ``Teacher.vectors``.
        turned : bool
            Whether each student neuron alone can be turned around.
        teacher_labels : array_like, shape (M,), optional
            As of `from_statistics`.
        """
        function = "PointGraph.from_weights"
        v = checked_array("vectors", function, vectors, "(M, r)", lambda shape: len(shape) == 2)
        rank = v.shape[1]
        w = checked_array(
            "weights",
            function,
            weights,
            f"(K, {rank} + E)",
            lambda shape: len(shape) == 2 and shape[1] >= rank,
        )
        if turned:
            w = np.concatenate([w, -w])
        return cls.from_statistics(
            w @ w.T,
            w[:, : v.shape[1]] @ v.T,
            v @ v.T,
            teacher_labels=teacher_labels,
            turned=turned,
        )

    @classmethod
    def of(cls, point: PointLike) -> PointGraph:
        """Graph of summary statistics, given as a record or as (Q, R, T)."""
        if isinstance(point, PointGraph):
            return point
        if isinstance(point, tuple) and len(point) == 3:
            return cls.from_statistics(*point)
        if not all(hasattr(point, name) for name in ("student", "overlap", "teacher")):
            raise InvalidArgument(
                "A point in a search for symmetries must be summary statistics or (Q, R, T); got "
                f"{shown(point)}."
            )
        return cls.from_statistics(point.student, point.overlap, point.teacher)

    @property
    def teachers(self) -> int:
        """Number of teacher neurons M."""
        return len(self.gram) - self.width

    @property
    def scale(self) -> float:
        """Largest squared norm of a teacher neuron; tolerances are relative to it."""
        return float(np.diag(self.gram)[self.width :].max(initial=0.0)) or 1.0


PointLike = PointGraph | Statistics | tuple[ArrayLike, ArrayLike, ArrayLike]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Palette(Brief):
    """Which values of a graph count as one colour.

    Attributes
    ----------
    lows, highs : ndarray, shape (c,)
        Ends of the intervals of the negated values: colour 0 of a kind is its largest value.
    starts : ndarray of int, shape (6,)
        Where the intervals start for the squared norms of students, their products, the overlaps,
        the squared norms of teachers and their products, and the number of intervals.
    labels : tuple of two pairs (lows, highs), or None
        Intervals of the labels of students and of teachers.
    width : int
        Number of student neurons.
    tolerance : float
        Absolute: values that differ by more are told apart.
    label_tolerance : float
        The same for labels.
    """

    lows: Array
    highs: Array
    starts: Colours
    labels: tuple[tuple[Array, Array], tuple[Array, Array]] | None
    width: int
    tolerance: float
    label_tolerance: float

    @classmethod
    def of(cls, graph: PointGraph, tolerance: float) -> Palette:
        """Palette of a graph; the tolerance is relative to the graph's scale."""
        checked_positive("tolerance", "a search for symmetries", tolerance)
        k = graph.width
        absolute = tolerance * graph.scale
        q, r, t = graph.gram[:k, :k], graph.gram[:k, k:], graph.gram[k:, k:]
        kinds = [np.diag(q), _upper(q), r.ravel(), np.diag(t), _upper(t)]
        intervals = [_intervals(values, absolute) for values in kinds]
        labels = None
        label_tolerance = 0.0
        if graph.labels is not None:
            label_tolerance = tolerance * float(np.abs(graph.labels).max(initial=0.0))
            labels = (
                _intervals(graph.labels[:k], label_tolerance),
                _intervals(graph.labels[k:], label_tolerance),
            )
        return cls(
            lows=np.concatenate([low for low, _ in intervals]),
            highs=np.concatenate([high for _, high in intervals]),
            starts=np.cumsum([0, *(len(low) for low, _ in intervals)]),
            labels=labels,
            width=k,
            tolerance=absolute,
            label_tolerance=label_tolerance,
        )

    @property
    def widest_tie(self) -> float:
        """Largest difference of two values with one colour."""
        return float((self.highs - self.lows).max(initial=0.0))

    @property
    def smallest_step(self) -> float:
        """Smallest difference of two values of one kind with different colours."""
        steps = self.lows[1:] - self.highs[:-1]
        inside = np.ones(len(steps), dtype=bool)
        borders = self.starts[1:-1] - 1
        inside[borders[(borders >= 0) & (borders < len(steps))]] = False
        return float(steps[inside].min(initial=np.inf))

    def colours(self, graph: PointGraph) -> tuple[Colours, Colours] | None:
        """Colours of a graph's entries, and classes of its vertices.

        Returns
        -------
        tuple of ndarray of int, shapes (n, n) and (n,), or None
            None when the graph has a value that is not in the palette.
        """
        from landtopo.kernels.palette import colours_of

        n = len(graph.gram)
        colours = np.empty((n, n), dtype=np.int64)
        if not colours_of(
            graph.gram, self.width, self.lows, self.highs, self.starts, self.tolerance, colours
        ):
            return None
        if graph.turned:
            half = np.arange(self.width // 2)
            colours[half, half + len(half)] = colours[half + len(half), half] = self.starts[-1]
        classes = np.diag(colours).copy()
        if self.labels is not None:
            if graph.labels is None:
                return None
            k = self.width
            for part, (lows, highs) in zip((slice(k), slice(k, n)), self.labels, strict=True):
                values = -graph.labels[part]
                if not len(values):
                    continue
                middles = (highs[:-1] + lows[1:]) / 2
                nearest = np.searchsorted(middles, values)
                distance = np.maximum(lows[nearest] - values, values - highs[nearest])
                if np.any(distance > self.label_tolerance):
                    return None
                classes[part] += nearest * (self.starts[-1] + 1)
            # Students come before teachers whatever their labels are.
            classes[k:] += (self.starts[-1] + 1) * (n + 1)
        return colours, classes


def _upper(block: Array) -> Array:
    return np.asarray(block[np.triu_indices(len(block), 1)])


def _intervals(values: Array, tolerance: float) -> tuple[Array, Array]:
    """Runs of the negated values without a step above the tolerance: their two ends."""
    ordered = np.sort(-values)
    if not len(ordered):
        return ordered, ordered
    steps = np.diff(ordered)
    cuts = set((np.flatnonzero(steps > tolerance) + 1).tolist())
    borders = [0, *sorted(cuts), len(ordered)]
    wide = [
        (left, right)
        for left, right in pairwise(borders)
        if ordered[right - 1] - ordered[left] > tolerance
    ]
    while wide:
        left, right = wide.pop()
        cut = left + 1 + int(np.argmax(steps[left : right - 1]))
        cuts.add(cut)
        wide += [
            (a, b)
            for a, b in ((left, cut), (cut, right))
            if ordered[b - 1] - ordered[a] > tolerance
        ]
    inner = sorted(cuts)
    return ordered[[0, *inner]], ordered[[*(cut - 1 for cut in inner), len(ordered) - 1]]


def _is_square(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[0] == shape[1]


def _products(
    name: str, value: ArrayLike, shape: str, fits: Callable[[tuple[int, ...]], bool]
) -> Array:
    """Scalar products of weights, or what else tells neurons apart."""
    return checked_array(name, "a search for symmetries", value, shape, fits, largest=LARGEST**2)
