"""How two labelled copies can lie to each other: one example of each kind.

A copy of a point b is g b for some g in S_K x Aut(T). Seen from a point a, the copies g b and g' b
lie alike when an element that fixes a carries one to the other, that is, when g and g' are in one
double coset of the isotropy groups of a and b. For a = b = the global minimum of an orthonormal
teacher with K = M these are the conjugacy classes of S_K.

The pair (a, g b) is a graph with two colours on every edge, and two pairs are alike if and only if
their graphs are isomorphic. So double cosets are told apart by the canonical form of that graph,
which costs the same for a group of 2 or of 20! elements.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from landtopo.errors import InvalidArgument
from landtopo.models.networks.symmetry.graph import TOLERANCE, Palette, PointGraph, PointLike
from landtopo.models.networks.symmetry.point_groups import symmetry_group
from landtopo.models.networks.symmetry.relabelling import Relabelling
from landtopo.symmetry.groups import PermutationGroup
from landtopo.symmetry.search import automorphism_group, canonical_order

__all__ = ["relative_relabellings", "teacher_groups"]

Integers = NDArray[np.int64]


def relative_relabellings(
    first: PointLike,
    second: PointLike | None = None,
    *,
    moves: int | None = None,
    both_ways: bool = False,
    coset_limit: int = 5_000,
    tolerance: float = TOLERANCE,
) -> Iterator[tuple[int, Relabelling]]:
    """Copies of one point that lie differently as seen from another, nearest numberings first.

    Parameters
    ----------
    first : PointGraph, summary statistics or (Q, R, T)
        The point a that stays.
    second : optional
        The point b that is copied; a itself by default.
    moves : int, optional
        Largest number of transpositions of student neurons, or of neurons turned around where they
        can be, counted from the copies in which only
        teacher neurons are renumbered; no limit by default: then every double coset is listed.
    both_ways : bool
        For copies of a itself: list g and its inverse, which join the same two copies from the
        other end, only once.
    coset_limit : int
        Largest number of inequivalent renumberings of the teachers to start from.
    tolerance : float
        Relative to the largest squared teacher norm.

    Yields
    ------
    moves : int
        Number of transpositions of student neurons.
    relabelling : Relabelling
        g; the copy is g b. The first one yielded is the identity.
    """
    a = PointGraph.of(first)
    b = a if second is None else PointGraph.of(second)
    if a.gram.shape != b.gram.shape or a.width != b.width:
        raise InvalidArgument(
            "The points of relative_relabellings must have the same numbers of neurons; "
            f"got {a.width} + {a.teachers} and {b.width} + {b.teachers}."
        )
    if both_ways and second is not None:
        raise InvalidArgument(
            "The 'both_ways' argument of relative_relabellings is for copies of one point."
        )
    width, size = a.width, len(a.gram)
    pairs = _Pairs(a, b, tolerance)
    seen: set[bytes] = set()

    def is_new(images: Integers) -> bool:
        key = pairs.key(images)
        if key in seen:
            return False
        seen.add(key)
        if both_ways:
            seen.add(pairs.key(np.argsort(images)))
        return True

    level = []
    whole, part = teacher_groups(b, tolerance)
    for teachers in whole.coset_representatives(part, coset_limit):
        images = np.concatenate([np.arange(width), width + teachers])
        if is_new(images):
            yield 0, Relabelling.from_images(images.tolist(), width)
            level.append(images)
    count = 0
    steps = _transpositions(width, size, a.turned)
    while level and (moves is None or count < moves):
        count += 1
        further = []
        for images in level:
            for step in steps:
                moved = step[images]
                if is_new(moved):
                    yield count, Relabelling.from_images(moved.tolist(), width)
                    further.append(moved)
        level = further


def _transpositions(width: int, size: int, turned: bool) -> list[Integers]:
    """Exchanges of two students; of neurons with opposites also one that is turned around."""
    steps = []
    neurons = width // 2 if turned else width
    for i in range(neurons):
        for j in range(i):
            swap = np.arange(size)
            swap[[i, j]] = j, i
            if turned:
                swap[[i + neurons, j + neurons]] = j + neurons, i + neurons
            steps.append(swap)
        if turned:
            turn = np.arange(size)
            turn[[i, i + neurons]] = i + neurons, i
            steps.append(turn)
    return steps


def teacher_groups(
    graph: PointGraph, tolerance: float
) -> tuple[PermutationGroup, PermutationGroup]:
    """Aut(T), and the permutations of teachers that occur in a point's isotropy group.

    Every coset of the second in the first is a set of copies of the point that renumbering students
    carries into each other.
    """
    width, size = graph.width, len(graph.gram)
    labels = None if graph.labels is None else graph.labels[width:]
    alone = PointGraph(gram=graph.gram[width:, width:], width=0, labels=labels)
    whole = symmetry_group(alone, tolerance=tolerance)
    found = Palette.of(graph, tolerance).colours(graph)
    assert found is not None
    colours, classes = found
    part = automorphism_group(colours, classes).restricted(range(width, size))
    return whole, part


class _Pairs:
    """Canonical forms of pairs of a point and a copy of another."""

    def __init__(self, a: PointGraph, b: PointGraph, tolerance: float) -> None:
        of_a = Palette.of(a, tolerance).colours(a)
        of_b = Palette.of(b, tolerance).colours(b)
        assert of_a is not None
        assert of_b is not None
        self._colours_a, self._classes_a = of_a
        self._colours_b, self._classes_b = of_b
        self._base = int(self._colours_b.max()) + 1
        self._class_base = int(self._classes_b.max()) + 1

    def key(self, images: Integers) -> bytes:
        """The same for two copies if and only if they lie alike."""
        source = np.argsort(images)
        colours = self._colours_a * self._base + self._colours_b[np.ix_(source, source)]
        classes = self._classes_a * self._class_base + self._classes_b[source]
        order = canonical_order(colours, classes)
        return colours[np.ix_(order, order)].tobytes() + classes[order].tobytes()
