"""The block pattern of a point: its few different values, by orbits of neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.models.networks.symmetry.graph import TOLERANCE, PointGraph, PointLike
from landtopo.models.networks.symmetry.point_groups import Isotropy, isotropy
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["BlockPattern", "BlockValue", "block_pattern"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockValue(Brief):
    """A value in a block, and how often each row of the block has it."""

    value: float
    count: int


Block = tuple[BlockValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPattern(Brief):
    """Values of R and Q by orbits of the isotropy group.

    All rows of a block hold the same values in some order, because the group carries each to each.

    Attributes
    ----------
    student_orbits, teacher_orbits : tuple of tuples of int
        Rows and columns of the tables, counted from 0.
    squared_norms : tuple of float
        |w|^2 by student orbit.
    overlaps : tuple of tuples of blocks
        R by student and teacher orbit; the values of a block, most frequent last, so that the
        overlap with a partner comes first.
    products : tuple of tuples of blocks
        Q by two student orbits, a neuron's product with itself left out.
    """

    student_orbits: tuple[tuple[int, ...], ...]
    teacher_orbits: tuple[tuple[int, ...], ...]
    squared_norms: tuple[float, ...]
    overlaps: tuple[tuple[Block, ...], ...]
    products: tuple[tuple[Block, ...], ...]

    def record(self) -> dict[str, Any]:
        """The tables as plain JSON values; neurons are counted from 1."""

        def plain(table: tuple[tuple[Block, ...], ...]) -> list[list[list[dict[str, Any]]]]:
            return [
                [[{"value": part.value, "count": part.count} for part in block] for block in row]
                for row in table
            ]

        return {
            "student_orbits": [[i + 1 for i in orbit] for orbit in self.student_orbits],
            "teacher_orbits": [[i + 1 for i in orbit] for orbit in self.teacher_orbits],
            "squared_norms": list(self.squared_norms),
            "overlaps": plain(self.overlaps),
            "products": plain(self.products),
        }


def block_pattern(
    point: PointLike, *, group: Isotropy | None = None, tolerance: float = TOLERANCE
) -> BlockPattern:
    """Block pattern of a point.

    Parameters
    ----------
    point : PointGraph, summary statistics or (Q, R, T)
    group : Isotropy, optional
        The point's isotropy group, where it is known.
    tolerance : float
        Relative to the largest squared teacher norm; values in a row that differ by no more are
        counted together and their mean is given.
    """
    graph = PointGraph.of(point)
    if group is None:
        group = isotropy(graph, tolerance=tolerance)
    width = graph.width
    q, r = graph.gram[:width, :width], graph.gram[:width, width:]
    absolute = tolerance * graph.scale
    rows = [np.array(orbit) for orbit in group.student_orbits]
    columns = [np.array(orbit) for orbit in group.teacher_orbits]
    off_diagonal = q.copy()
    np.fill_diagonal(off_diagonal, np.nan)
    return BlockPattern(
        student_orbits=group.student_orbits,
        teacher_orbits=group.teacher_orbits,
        squared_norms=tuple(float(np.diag(q)[row].mean()) for row in rows),
        overlaps=tuple(
            tuple(_values(r[np.ix_(row, column)], absolute) for column in columns) for row in rows
        ),
        products=tuple(
            tuple(_values(off_diagonal[np.ix_(row, column)], absolute) for column in rows)
            for row in rows
        ),
    )


def _values(block: Array, tolerance: float) -> Block:
    """Values of a block from its sorted rows; NaN marks entries to leave out."""
    ordered = np.sort(block, axis=1)
    columns = ordered.mean(axis=0)
    columns = columns[np.isfinite(columns)]
    if not len(columns):
        return ()
    parts = np.split(columns, np.flatnonzero(np.diff(columns) > tolerance) + 1)
    values = [BlockValue(value=float(part.mean()), count=len(part)) for part in parts]
    return tuple(sorted(values, key=lambda entry: (entry.count, -abs(entry.value))))
