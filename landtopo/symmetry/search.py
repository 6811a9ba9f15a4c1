"""Automorphism groups and canonical orders of complete graphs with integer colours.

The compiled search is in `landtopo.kernels.refine`; here its results become groups, and the
first path becomes a canonical order: where all vertices of a cell that is opened are in one orbit,
it does not matter which is taken, and where they are not, one of each orbit is followed and the
order with the smallest matrix of colours wins.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from landtopo.errors import LandtopoError
from landtopo.symmetry.groups import PermutationGroup

__all__ = ["STEP_LIMIT", "automorphism_group", "canonical_order", "gave_up", "partition"]

Integers = NDArray[np.int64]

# Refinements in one search for a map. Points of a landscape need as many as they have neurons; only
# combinatorial designs of high regularity could need this many, and they would take hours.
STEP_LIMIT = 100_000


def partition(classes: Integers) -> tuple[Integers, Integers]:
    """Ordered partition of the vertices by their classes: order and cell sizes."""
    order = np.argsort(classes, kind="stable")
    ordered = classes[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1])
    size = np.zeros(len(classes), dtype=np.int64)
    size[starts] = np.diff([*starts, len(classes)])
    return order, size


def gave_up() -> LandtopoError:
    """The error for a search that took too long."""
    return LandtopoError(
        f"The search for symmetries gave up after {STEP_LIMIT} steps; the point is too regular."
    )


def automorphism_group(colours: Integers, classes: Integers) -> PermutationGroup:
    """All permutations of the vertices that keep the colours and the classes.

    Parameters
    ----------
    colours : ndarray of int, shape (n, n)
        Symmetric.
    classes : ndarray of int, shape (n,)
    """
    from landtopo.kernels.refine import automorphisms

    found = automorphisms(colours, *partition(classes), STEP_LIMIT)
    complete, base, lengths, generators, fixed, *_ = found
    if not complete:
        raise gave_up()
    return PermutationGroup(
        len(classes), base.tolist(), generators, fixed.tolist(), prod(lengths.tolist())
    )


def canonical_order(colours: Integers, classes: Integers) -> Integers:
    """Order of the vertices that does not depend on how they were numbered.

    Returns
    -------
    ndarray of int, shape (n,)
        ``colours[np.ix_(order, order)]`` is the same matrix for isomorphic graphs.
    """
    return _canonical_order(colours, *partition(classes))


def _canonical_order(colours: Integers, order: Integers, size: Integers) -> Integers:
    from landtopo.kernels.refine import automorphisms, individualised

    complete, _, lengths, generators, fixed, cells, orders, sizes = automorphisms(
        colours, order, size, STEP_LIMIT
    )
    if not complete:
        raise gave_up()
    for level, cell in enumerate(cells):
        length = sizes[level, cell]
        if lengths[level] == length:
            continue
        stabiliser = generators[fixed >= level]
        best: Integers | None = None
        best_key = b""
        left = set(orders[level, cell : cell + length].tolist())
        for at in range(length):
            vertex = int(orders[level, cell + at])
            if vertex not in left:
                continue
            left -= _orbit(stabiliser, vertex)
            leaf = _canonical_order(colours, *individualised(orders[level], sizes[level], cell, at))
            key = colours[np.ix_(leaf, leaf)].astype(">i8").tobytes()
            if best is None or key < best_key:
                best, best_key = leaf, key
        assert best is not None
        return best
    return np.asarray(orders[-1])


def _orbit(generators: Integers, vertex: int) -> set[int]:
    orbit = {vertex}
    waiting = [vertex]
    for point in waiting:
        for target in generators[:, point].tolist():
            if target not in orbit:
                orbit.add(target)
                waiting.append(target)
    return orbit
