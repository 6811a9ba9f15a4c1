"""Which points are the same up to S_K x Aut(T), and by which element."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.errors import InvalidArgument
from landtopo.models.networks.symmetry.graph import TOLERANCE, Palette, PointGraph, PointLike
from landtopo.models.networks.symmetry.relabelling import Relabelling
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.symmetry.permutations import Permutation
from landtopo.symmetry.search import STEP_LIMIT, gave_up, partition

__all__ = [
    "EquivalenceClasses",
    "GraphMark",
    "Reference",
    "equivalence",
    "equivalence_classes",
    "invariants",
]


class Reference:
    """A point prepared for comparison with many others.

    Parameters
    ----------
    point : PointGraph, summary statistics or (Q, R, T)
    tolerance : float
        Values that differ by more, relative to the largest squared teacher norm, are different.
    """

    def __init__(self, point: PointLike, *, tolerance: float = TOLERANCE) -> None:
        from landtopo.kernels.refine import first_path

        graph = PointGraph.of(point)
        self.graph = graph
        self.palette = Palette.of(graph, tolerance)
        found = self.palette.colours(graph)
        assert found is not None
        self._colours, classes = found
        self._classes = np.sort(classes)
        self._cells, self._traces, orders, _ = first_path(self._colours, *partition(classes))
        self._leaf = orders[-1]

    def match(self, other: PointLike) -> Relabelling | None:
        """The element that carries the reference to another point, or None."""
        images = self.images(PointGraph.of(other))
        return None if images is None else Relabelling.from_images(images, self.graph.width)

    def images(self, other: PointGraph) -> NDArray[np.int64] | None:
        """The same as one permutation of all K + M neurons."""
        from landtopo.kernels.refine import find_map, refine

        if other.gram.shape != self.graph.gram.shape or other.width != self.graph.width:
            return None
        found = self.palette.colours(other)
        if found is None:
            return None
        colours, classes = found
        if not np.array_equal(np.sort(classes), self._classes):
            return None
        n = len(colours)
        orders = np.empty((len(self._cells) + 1, n), dtype=np.int64)
        sizes = np.empty_like(orders)
        orders[0], sizes[0] = partition(classes)
        scratch = np.empty((n, n), dtype=np.int64)
        if refine(colours, orders[0], sizes[0], -1, scratch) != self._traces[0]:
            return None
        images = np.empty(n, dtype=np.int64)
        outcome = find_map(
            self._colours,
            self._leaf,
            self._cells,
            self._traces,
            colours,
            orders,
            sizes,
            0,
            -1,
            STEP_LIMIT,
            images,
        )
        if outcome < 0:
            raise gave_up()
        return images if outcome else None


def equivalence(
    first: PointLike, second: PointLike, *, tolerance: float = TOLERANCE
) -> Relabelling | None:
    """The element of S_K x Aut(T) that carries the first point to the second, or None.

    No value is rounded: the values of the first point are grouped by their own gaps, and those of
    the second are compared with the groups. A map is accepted only when it carries every entry of
    [[Q, R], [R^T, T]] into the group of its image, so the entries agree to twice the tolerance.

    Parameters
    ----------
    first, second : PointGraph, summary statistics or (Q, R, T)
        Points of the same problem.
    tolerance : float
        Relative to the largest squared teacher norm.
    """
    return Reference(first, tolerance=tolerance).match(second)


def invariants(student: ArrayLike, overlap: ArrayLike) -> Array:
    """Numbers that equivalent points share, for a quick rejection.

    Sorting moves no entry by more than the largest change, so two points whose invariants differ by
    more than a tolerance anywhere are not equivalent to that tolerance.

    Parameters
    ----------
    student, overlap : array_like, shapes (..., K, K) and (..., K, M)
        Q and R of one or many points.

    Returns
    -------
    ndarray, shape (..., K + K (K - 1) / 2 + K M)
        Sorted squared norms, sorted products of different students, sorted overlaps.
    """
    q, r = np.asarray(student, dtype=np.float64), np.asarray(overlap, dtype=np.float64)
    rows, columns = np.triu_indices(q.shape[-1], 1)
    return np.concatenate(
        [
            np.sort(np.diagonal(q, axis1=-2, axis2=-1), axis=-1),
            np.sort(q[..., rows, columns], axis=-1),
            np.sort(r.reshape(*r.shape[:-2], -1), axis=-1),
        ],
        axis=-1,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EquivalenceClasses(Brief):
    """Points grouped by equivalence.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
        Class of each point; classes are numbered by their first members.
    representatives : ndarray of int, shape (c,)
        First member of each class.
    images : ndarray of int, shape (n, K + M)
        Element that carries the representative to the point; see `Relabelling.from_images`.
    tolerance : float
        Relative to the largest squared teacher norm.
    """

    labels: NDArray[np.int64]
    representatives: NDArray[np.int64]
    images: NDArray[np.int64]
    tolerance: float

    def relabelling(self, point: int, width: int) -> Relabelling:
        """Element that carries the representative of its class to a point."""
        return Relabelling.from_images(self.images[point], width)


def equivalence_classes(
    student: ArrayLike,
    overlap: ArrayLike,
    teacher: ArrayLike,
    *,
    turned: bool = False,
    tolerance: float = TOLERANCE,
) -> EquivalenceClasses:
    """Group points of one problem by equivalence.

    Every member was matched with its representative: invariants only choose the candidates.

    Parameters
    ----------
    student, overlap : array_like, shapes (n, K, K) and (n, K, M)
        Q and R of the points.
    teacher : array_like, shape (M, M)
        T.
    turned : bool
        Whether the second half of the student neurons are the opposites of the first.
    tolerance : float
        Relative to the largest squared teacher norm.
    """
    q, r = np.asarray(student, dtype=np.float64), np.asarray(overlap, dtype=np.float64)
    if q.ndim != 3 or r.ndim != 3 or len(q) != len(r):
        raise InvalidArgument(
            "equivalence_classes needs Q of shape (n, K, K) and R of shape (n, K, M); "
            f"got {q.shape} and {r.shape}."
        )
    count, width, size = r.shape
    labels = np.full(count, -1, dtype=np.int64)
    images = np.empty((count, width + size), dtype=np.int64)
    representatives: list[int] = []
    if count:
        first = PointGraph.from_statistics(q[0], r[0], teacher)
        grams = np.empty((count, width + size, width + size))
        grams[:] = first.gram
        grams[:, :width, :width] = (q + q.transpose(0, 2, 1)) / 2
        grams[:, :width, width:] = r
        grams[:, width:, :width] = r.transpose(0, 2, 1)
        if not np.all(np.isfinite(grams)):
            raise InvalidArgument(
                "Summary statistics must be finite; they contain NaN or infinity."
            )
        graphs = [PointGraph(gram=gram, width=width, turned=turned) for gram in grams]
        numbers = invariants(q, r)
        # The mean of the invariants differs by no more than they do; along it each point meets only
        # the representatives near it.
        slack = 2 * tolerance * graphs[0].scale
        means: list[float] = []
        known: list[tuple[int, Reference]] = []
        for i in range(count):
            mean = float(numbers[i].mean())
            left = bisect_left(means, mean - slack)
            for label, reference in known[left : bisect_right(means, mean + slack)]:
                if np.abs(numbers[i] - numbers[representatives[label]]).max() > slack:
                    continue
                found = reference.images(graphs[i])
                if found is not None:
                    labels[i] = label
                    images[i] = found
                    break
            if labels[i] < 0:
                labels[i] = len(representatives)
                images[i] = np.arange(width + size)
                place = bisect_left(means, mean)
                means.insert(place, mean)
                known.insert(place, (int(labels[i]), Reference(graphs[i], tolerance=tolerance)))
                representatives.append(i)
    return EquivalenceClasses(
        labels=labels,
        representatives=np.array(representatives, dtype=np.int64),
        images=images,
        tolerance=tolerance,
    )


class GraphMark:
    """A network to be compared with others, as a `Mark`.

    Parameters
    ----------
    graph : PointGraph
    sides : int, optional
        For a network that stands for a flat set, in which students are renumbered at will: elements
        then leave so many places alone.
    """

    def __init__(self, graph: PointGraph, sides: int | None = None) -> None:
        self.graph = graph
        self._sides = sides

    @cached_property
    def _reference(self) -> Reference:
        return Reference(self.graph)

    def match(self, other: GraphMark) -> Permutation | None:
        """The element that carries this to the other, students first."""
        found = self._reference.match(other.graph)
        if found is None:
            return None
        if self._sides is None:
            return found.images()
        students = tuple(range(self._sides))
        return Relabelling(students=students, teachers=found.teachers).images()
