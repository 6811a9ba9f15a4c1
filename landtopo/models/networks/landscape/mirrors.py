"""Minima with many anti-aligned neurons, which random starts hardly ever meet.

A neuron is mirrored in the mean direction s of the teacher, w -> 2 (w.s) s - w: what it shared with
the whole teacher it keeps, and it is anti-aligned with its own partner. From a network with some
neurons mirrored a minimiser often comes to a minimum with just those neurons anti-aligned. For
orthonormal teachers of M = 6 neurons that is the only search that finds the one with all six.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, islice
from typing import Any

import numpy as np

from landtopo.kernels import minimise as compiled
from landtopo.landscape.pool import Piece
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import Distinct, point_graph
from landtopo.objective import Array
from landtopo.points.records import Kind

__all__ = ["MIRRORS", "mirrored_minima", "mirrored_piece", "mirrored_starts"]

MIRRORS = "mirrors"

# Symmetry can keep a mirrored start on its way to a saddle; shaken by so much, in units of the
# teacher's mean norm, it gets off but stays in the basin.
_SHAKEN = 0.02
_TOLERANCE = 1e-12
_LIMIT = 200_000
# After so many sets of neurons in a row that symmetry carries into earlier ones, the next size.
_REPEATED = 12


def mirrored_piece(problem: TeacherStudent, weights: Array, seed: int, most: int) -> Piece:
    """`mirrored_minima` as a piece of work."""
    return Piece(
        name=f"mirrors/{problem.width}",
        function=mirrored_minima,
        arguments=(problem, weights, seed, most),
    )


def mirrored_minima(
    problem: TeacherStudent, weights: Array, seed: int, most: int
) -> dict[str, Any]:
    """Minima that a minimiser finds from mirrored copies of a network.

    Parameters
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (K, r + e)
    seed : int
    most : int
        Most starts.

    Returns
    -------
    dict
        ``ends``, a list of minima, shape (K, r + e'), one of each family; ``outcomes``, how many
        starts ended how.
    """
    columns = problem.rank + min(1, problem.extra)
    key = np.random.SeedSequence(seed, spawn_key=(problem.width, 2))
    generator = np.random.default_rng(key)
    length = _SHAKEN * float(problem.teacher.norms.mean())
    starts = []
    for start in islice(mirrored_starts(problem, weights), most):
        wide = np.zeros((problem.width, columns))
        wide[:, : problem.rank] = start
        starts.append(wide + length * generator.standard_normal(wide.shape))
    points = np.array(starts).reshape(-1, problem.width, columns)
    network = PopulationLoss(problem).network(columns)
    _, codes, _ = compiled.minimise_batch(points, network, _TOLERANCE, _LIMIT)
    outcomes: Counter[str] = Counter()
    ends: list[Array] = []
    distinct = Distinct()
    for end, code in zip(points, codes, strict=True):
        if code != compiled.CONVERGED:
            outcomes["unfinished descent"] += 1
            continue
        point = classify(problem, end)
        outcomes[str(point.kind)] += 1
        if point.kind is not Kind.MINIMUM:
            continue
        reduced = reduce_network(point.weights, problem.rank, function=problem.function).vectors
        if distinct.place(point_graph(problem.teacher, reduced))[1]:
            ends.append(point.weights.copy())
    return {"ends": ends, "outcomes": dict(sorted(outcomes.items()))}


def mirrored_starts(problem: TeacherStudent, weights: Array) -> Iterator[Array]:
    """A network with every set of neurons mirrored, one of those that symmetry makes the same.

    Parameters
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (K, r + e)

    Yields
    ------
    ndarray, shape (K, r)
        Small sets and large ones in turn.
    """
    vectors = problem.teacher.vectors
    within = weights[:, : problem.rank]
    mean = vectors.sum(axis=0)
    size = float(np.linalg.norm(mean))
    # Without a mean direction, as for a regular polygon, the mirror image is the opposite neuron.
    axis = mean / size if size > 1e-6 * float(problem.teacher.norms.max()) else np.zeros_like(mean)
    images = 2.0 * np.outer(within @ axis, axis) - within
    width = len(within)
    sizes = [n for pair in zip(range(1, width + 1), range(width, 0, -1), strict=True) for n in pair]
    for count in sizes[:width]:
        distinct = Distinct()
        repeated = 0
        for chosen in combinations(range(width), count):
            start = within.copy()
            start[list(chosen)] = images[list(chosen)]
            if distinct.place(point_graph(problem.teacher, start))[1]:
                repeated = 0
                yield start
                continue
            repeated += 1
            if repeated >= _REPEATED:
                break
