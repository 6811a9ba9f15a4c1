"""Minima with many anti-aligned neurons, which random starts hardly ever meet.

A neuron is mirrored in the mean direction s of the teacher, w -> 2 (w.s) s - w: what it shared with
the whole teacher it keeps, and it is anti-aligned with its own partner. From a network with some
neurons mirrored a minimiser often comes to a minimum with just those neurons anti-aligned.

Where all teacher vectors stand alike, a network with some neurons mirrored is left alone by the
exchanges among these and among the others, and `symmetries` starts from it. Here are the sets of
neurons of teachers whose vectors do not, 2^K of them without any symmetry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from typing import Any

import numpy as np

from landtopo.kernels import minimise as compiled
from landtopo.landscape.pool import Piece
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.families import group_weights
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetric.solve import mirror_image
from landtopo.models.networks.symmetry import GraphMark, point_graph
from landtopo.objective import Array
from landtopo.points.known import Known
from landtopo.points.records import Kind
from landtopo.tolerances import CRITICAL

__all__ = ["MIRRORS", "minimised", "mirrored_minima", "mirrored_piece", "mirrored_starts"]

MIRRORS = "mirrors"

# Symmetry can keep a mirrored start on its way to a saddle; shaken by so much, in units of the
# teacher's mean norm, it gets off but stays in the basin.
_SHAKEN = 0.02
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
    key = np.random.SeedSequence(seed, spawn_key=(problem.width, 2))
    starts = list(islice(mirrored_starts(problem, weights), most))
    return minimised(problem, starts, np.random.default_rng(key))


def minimised(
    problem: TeacherStudent, starts: Sequence[Array], generator: np.random.Generator
) -> dict[str, Any]:
    """Minima that a minimiser finds from shaken weights, of which symmetry lets it see no others.

    Parameters
    ----------
    problem : TeacherStudent
    starts : sequence of ndarray, shape (K, r)
    generator : numpy.random.Generator

    Returns
    -------
    dict
        As of `mirrored_minima`.
    """
    columns = problem.rank + min(1, problem.extra)
    length = _SHAKEN * float(problem.teacher.norms.mean())
    shaken = []
    for start in starts:
        wide = np.zeros((problem.width, columns))
        wide[:, : problem.rank] = start
        shaken.append(wide + length * generator.standard_normal(wide.shape))
    points = np.array(shaken).reshape(-1, problem.width, columns)
    network = PopulationLoss(problem).network(columns)
    _, codes, _ = compiled.minimise_batch(points, network, CRITICAL, _LIMIT)
    reached = points[codes == compiled.CONVERGED]
    outcomes: Counter[str] = Counter()
    if len(reached) < len(points):
        outcomes["unfinished descent"] = len(points) - len(reached)
    ends: list[Array] = []
    if len(reached):
        labels = group_weights(problem, reached)
        for first in np.unique(labels, return_index=True)[1]:
            point = classify(problem, reached[first])
            outcomes[str(point.kind)] += int(np.sum(labels == labels[first]))
            if point.kind is Kind.MINIMUM:
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
    within = weights[:, : problem.rank]
    images = mirror_image(problem.teacher, within)
    width = len(within)
    sizes = [n for pair in zip(range(1, width + 1), range(width, 0, -1), strict=True) for n in pair]
    for count in sizes[:width]:
        distinct = Known(GraphMark)
        repeated = 0
        for chosen in combinations(range(width), count):
            start = within.copy()
            start[list(chosen)] = images[list(chosen)]
            if distinct.place(point_graph(problem.teacher, start))[1] is None:
                repeated = 0
                yield start
                continue
            repeated += 1
            if repeated >= _REPEATED:
                break
