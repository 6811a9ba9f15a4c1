"""Canonical forms: one numbering for all copies of a point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landtopo.models.networks.symmetry.graph import TOLERANCE, Palette, PointGraph, PointLike
from landtopo.models.networks.symmetry.matching import Reference
from landtopo.models.networks.symmetry.relabelling import Relabelling
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.symmetry.search import canonical_order

__all__ = ["CanonicalForm", "canonical_form"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CanonicalForm(Brief):
    """A point in a numbering of its neurons that all its copies share.

    Attributes
    ----------
    students : ndarray of int, shape (K,)
        Student neurons in canonical order: Q[students][:, students].
    teachers : ndarray of int, shape (M,)
        Teacher neurons in canonical order.
    gram : ndarray, shape (K + M, K + M)
        [[Q, R], [R^T, T]] in canonical order.
    labels : ndarray, shape (K + M,), or None
        Labels in canonical order.
    key : bytes
        Which entries are equal and which is larger, within each kind. Copies of a point have the
        same key unless rounding moved two values across the tolerance; different points can share
        it.
    relabelling : Relabelling
        The element of S_K x Aut(T) that carries the point to its canonical copy, in which the
        teachers keep their numbers.
    tolerance, widest_tie, smallest_step : float
        Absolute: largest difference allowed in a tie, the largest that occurs, and the smallest
        difference between values told apart. Far apart, the last two say that the key is safe.
    """

    students: NDArray[np.int64]
    teachers: NDArray[np.int64]
    gram: Array
    labels: Array | None
    key: bytes
    relabelling: Relabelling
    tolerance: float
    widest_tie: float
    smallest_step: float

    def matches(self, other: CanonicalForm) -> bool:
        """Whether two canonical forms are of equivalent points.

        True is proof, to the tolerance. False is not, when a value of one point lies at the
        tolerance from another: `equivalence` decides that case.
        """
        return (
            self.key == other.key
            and self.gram.shape == other.gram.shape
            and bool(np.abs(self.gram - other.gram).max(initial=0.0) <= self.tolerance)
        )


def canonical_form(point: PointLike, *, tolerance: float = TOLERANCE) -> CanonicalForm:
    """Canonical form of a point under S_K x Aut(T).

    Neurons are put in order of decreasing squared norms; what that leaves open is decided by
    decreasing products and overlaps (as sorted lists, refined until nothing changes), and what
    symmetry leaves open does not matter.

    Parameters
    ----------
    point : PointGraph, summary statistics or (Q, R, T)
    tolerance : float
        Relative to the largest squared teacher norm.
    """
    graph = PointGraph.of(point)
    palette = Palette.of(graph, tolerance)
    found = palette.colours(graph)
    assert found is not None
    colours, classes = found
    width = graph.width
    order = canonical_order(colours, classes)
    if graph.turned:
        order = np.concatenate([_with_opposites(order[:width]), order[width:]])
    students, teachers = order[:width], order[width:] - width
    gram = graph.gram[np.ix_(order, order)]
    ordered = colours[np.ix_(order, order)]
    # Where the canonical order puts the teachers depends on the point; a map from there back to
    # the teachers' own numbering that is chosen by the canonical matrix alone serves all copies.
    back = _onto_teachers(graph, teachers, tolerance)
    place = np.argsort(teachers)
    return CanonicalForm(
        students=students,
        teachers=teachers,
        gram=gram,
        labels=None if graph.labels is None else graph.labels[order],
        key=np.concatenate([[width], classes[order], ordered[np.tril_indices(len(order))]])
        .astype("<i8")
        .tobytes(),
        relabelling=Relabelling(
            students=tuple(np.argsort(students).tolist()), teachers=tuple(back[place].tolist())
        ),
        tolerance=palette.tolerance,
        widest_tie=palette.widest_tie,
        smallest_step=palette.smallest_step,
    )


def _with_opposites(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The side of each neuron that comes first in an order, then their opposites."""
    count = len(order) // 2
    first = np.unique(order % count, return_index=True)[1]
    sides = order[np.sort(first)]
    return np.concatenate([sides, (sides + count) % (2 * count)])


def _onto_teachers(
    graph: PointGraph, teachers: NDArray[np.int64], tolerance: float
) -> NDArray[np.int64]:
    """Where teachers in canonical order go in their own numbering, chosen by their matrix alone."""
    labels = None if graph.labels is None else graph.labels[graph.width :]
    own = PointGraph(gram=graph.gram[graph.width :, graph.width :], width=0, labels=labels)
    canonical = PointGraph(
        gram=own.gram[np.ix_(teachers, teachers)],
        width=0,
        labels=None if labels is None else labels[teachers],
    )
    images = Reference(canonical, tolerance=tolerance).images(own)
    # The order itself is such a map, so one exists.
    assert images is not None
    return images
