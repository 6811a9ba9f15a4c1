"""Points with numbered neurons: which renumberings carry one into another, by trying.

A graph is one or more square tables of values, one row a neuron, and a class for every row; an
isomorphism renumbers rows within classes and keeps the tables. Classes are made finer until nothing
changes (colour refinement), then one row is set apart at a time, with every partner that it may
have. This shares nothing with the canonical forms and the permutation groups of the search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array

__all__ = [
    "Automorphisms",
    "Joint",
    "automorphisms",
    "differ",
    "isomorphism",
    "joint",
    "relabelled",
    "together",
]

_Whole = NDArray[np.int64]

# Values of points that were computed on different ways agree to this, relative to the largest.
_SAME = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Scalar products of students and teachers, students first, and a class for every row.

    Attributes
    ----------
    tables : ndarray, shape (points, K + M, K + M)
        One point, or several whose neurons are renumbered together.
    classes : ndarray of int, shape (K + M,)
    """

    tables: Array
    classes: _Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Automorphisms:
    """A group of renumberings: its order, and elements that generate it."""

    order: int
    generators: tuple[tuple[int, ...], ...]


def joint(weights: Array, vectors: Array, *, teachers_apart: bool = False) -> Joint:
    """The graph of a point.

    Parameters
    ----------
    weights : ndarray, shape (K, r + e)
    vectors : ndarray, shape (M, r)
    teachers_apart : bool
        Give every teacher neuron a class of its own, so that students alone are renumbered.
    """
    width, size = len(weights), len(vectors)
    neurons = np.zeros((width + size, weights.shape[1]))
    neurons[:width] = weights
    neurons[width:, : vectors.shape[1]] = vectors
    teachers = np.arange(1, size + 1) if teachers_apart else np.ones(size, dtype=np.int64)
    classes = np.concatenate([np.zeros(width, dtype=np.int64), teachers])
    return Joint(tables=(neurons @ neurons.T)[None], classes=classes)


def together(*graphs: Joint) -> Joint:
    """Several points of the same numbers of neurons as one graph."""
    tables = np.concatenate([graph.tables for graph in graphs])
    return Joint(tables=tables, classes=graphs[0].classes)


def differ(first: Joint, second: Joint) -> float:
    """Largest difference of two graphs as they are numbered, relative to their largest value."""
    if first.tables.shape != second.tables.shape:
        return float("inf")
    largest = max(float(np.abs(graph.tables).max(initial=0.0)) for graph in (first, second))
    return float(np.abs(first.tables - second.tables).max(initial=0.0)) / max(largest, 1e-300)


def relabelled(graph: Joint, images: Sequence[int]) -> Joint:
    """The graph in which row i has become row images[i]; classes stay where they are."""
    rows = np.argsort(images)
    return Joint(tables=graph.tables[:, rows][:, :, rows], classes=graph.classes)


def isomorphism(first: Joint, second: Joint) -> tuple[int, ...] | None:
    """Images with second.tables[:, images[i], images[j]] = first.tables[:, i, j], or None."""
    if first.tables.shape != second.tables.shape:
        return None
    values = _numbered(first.tables, second.tables)
    return _matched(values[0], values[1], first.classes, second.classes)


def automorphisms(graph: Joint) -> Automorphisms:
    """The renumberings that keep a graph: the product of the orbits in a chain of stabilisers."""
    (table,) = _numbered(graph.tables)
    order, generators = _stabilisers(table, graph.classes)
    return Automorphisms(order=order, generators=tuple(generators))


def _numbered(*graphs: Array) -> list[_Whole]:
    """One table a graph, with the same number for values that are the same in all of them."""
    result = [np.zeros(tables.shape[1:], dtype=np.int64) for tables in graphs]
    for layer in range(len(graphs[0])):
        values = np.concatenate([tables[layer].ravel() for tables in graphs])
        order = np.argsort(values, kind="stable")
        largest = max(float(np.abs(values).max(initial=0.0)), 1e-300)
        steps = np.diff(values[order]) > _SAME * largest
        numbers = np.empty(len(values), dtype=np.int64)
        numbers[order] = np.concatenate([[0], np.cumsum(steps)])[: len(values)]
        parts = np.split(numbers, len(graphs))
        many = int(numbers.max(initial=0)) + 1
        result = [
            before * many + part.reshape(before.shape)
            for before, part in zip(result, parts, strict=True)
        ]
    return result


def _refined(tables: Sequence[_Whole], classes: Sequence[_Whole]) -> list[_Whole]:
    """Classes split by how many neighbours of which class are seen at which value."""
    count = len(tables[0])
    many = 1 + max(int(table.max(initial=0)) for table in tables)
    joined = np.concatenate(classes)
    joined = np.unique(joined, return_inverse=True)[1]
    while True:
        parts = np.split(joined, len(tables))
        seen = [
            np.sort(part[None, :] * many + table, axis=1)
            for part, table in zip(parts, tables, strict=True)
        ]
        own = [np.diag(table) for table in tables]
        rows = np.column_stack([joined, np.concatenate(own), np.vstack(seen)])
        finer = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
        if finer.max() == joined.max():
            return [np.asarray(part) for part in np.split(joined, len(joined) // count)]
        joined = finer


def _matched(first: _Whole, second: _Whole, one: _Whole, other: _Whole) -> tuple[int, ...] | None:
    one, other = _refined((first, second), (one, other))
    if not np.array_equal(np.sort(one), np.sort(other)):
        return None
    sizes = np.bincount(one)
    open_classes = np.flatnonzero(sizes > 1)
    if not len(open_classes):
        images = np.argsort(other)[one]
        kept = second[np.ix_(images, images)]
        return tuple(images.tolist()) if np.array_equal(kept, first) else None
    chosen = open_classes[np.argmin(sizes[open_classes])]
    row = int(np.flatnonzero(one == chosen)[0])
    for partner in np.flatnonzero(other == chosen).tolist():
        found = _matched(first, second, _apart(one, row), _apart(other, partner))
        if found is not None:
            return found
    return None


def _apart(classes: _Whole, row: int) -> _Whole:
    """Classes with one row in a class of its own."""
    result = classes.copy()
    result[row] = classes.max() + 1
    return result


def _stabilisers(table: _Whole, classes: _Whole) -> tuple[int, list[tuple[int, ...]]]:
    (classes,) = _refined((table,), (classes,))
    sizes = np.bincount(classes)
    open_classes = np.flatnonzero(sizes > 1)
    if not len(open_classes):
        return 1, []
    chosen = open_classes[np.argmax(sizes[open_classes])]
    members = np.flatnonzero(classes == chosen).tolist()
    base = members[0]
    order, generators = _stabilisers(table, _apart(classes, base))
    orbit = _orbit(base, generators)
    for member in members[1:]:
        if member in orbit:
            continue
        images = _matched(table, table, _apart(classes, base), _apart(classes, member))
        if images is not None:
            generators.append(images)
            orbit = _orbit(base, generators)
    return prod((order, len(orbit))), generators


def _orbit(point: int, generators: Sequence[tuple[int, ...]]) -> set[int]:
    orbit, waiting = {point}, [point]
    while waiting:
        here = waiting.pop()
        for images in generators:
            if images[here] not in orbit:
                orbit.add(images[here])
                waiting.append(images[here])
    return orbit
