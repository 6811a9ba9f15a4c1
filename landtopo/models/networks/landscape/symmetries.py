"""Families and passes that have a symmetry, for the graph of a width.

A search by symmetry goes through all groups of exchanges within a few blocks of teacher vectors,
with few starts in the fixed space of each. What is a minimum in d dimensions, or a saddle of index
1, is kept. What is a minimum only among the points with its symmetry is shaken, and a minimiser
goes on.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from landtopo.landscape.pool import Piece, Pool
from landtopo.models.networks.landscape.mirrors import minimised
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.families import group_weights
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetric.classes import SymmetryClass, block_classes
from landtopo.models.networks.symmetric.solve import symmetric_ends
from landtopo.objective import Array
from landtopo.points.records import CriticalPoint, Kind
from landtopo.tolerances import ZERO_CURVATURE
from landtopo.wording import counted, listed

__all__ = ["SYMMETRY", "symmetric_points"]

SYMMETRY = "search by symmetry"

# Starts in each fixed space beside those on the teacher: downhill, and to saddles of index 1 there;
# and modes of its minima.
_STARTS, _UPHILL, _MODES = 4, (0, 1), 1
# Classes that are one piece of work.
_TOGETHER = 16
# What is met in the fixed space of a class of groups, and how that is told.
_MET = {
    "minimum": "a minimum",
    "transition state": "no minimum but a saddle of index 1",
    "other": "other critical points alone",
    "nothing": "nothing",
}


def symmetric_points(
    problem: TeacherStudent, seed: int, blocks: int, pool: Pool, *, starts: int = _STARTS
) -> dict[str, Any]:
    """Minima and saddles of index 1 in the fixed spaces of groups of exchanges.

    Parameters
    ----------
    problem : TeacherStudent
    seed : int
    blocks : int
        All groups with up to so many blocks are gone through.
    pool : Pool
    starts : int
        For each of them, beside those on the teacher.

    Returns
    -------
    dict
        ``ends`` and ``passes``, lists of weights, shape (K, r + e), one of each family;
        ``outcomes``, what was met in how many classes of groups; ``told``, what was searched, in
        one sentence.
    """
    groups = list(block_classes(problem, blocks))
    pieces = [
        Piece(
            name=f"classes of groups/{problem.width}",
            function=_low_ends,
            arguments=(problem, groups[first : first + _TOGETHER], first, seed, starts),
        )
        for first in range(0, len(groups), _TOGETHER)
    ]
    found = pool.run(pieces)
    low, unstable, places, empty = (
        [one for result in found for one in result[name]]
        for name in ("low", "unstable", "places", "empty")
    )
    judged = Piece(
        name=f"symmetries/{problem.width}",
        function=_judged,
        arguments=(problem, low, unstable, seed),
    )
    (points,) = pool.run([judged])
    met = {place: set[str]() for place in range(len(groups)) if place not in empty}
    for place, kind in zip(places, points["kinds"], strict=True):
        met[place].add(kind)
    outcomes = Counter("nothing" if n not in met else _best(met[n]) for n in range(len(groups)))
    told = [f"{text} in {outcomes[name]}" for name, text in _MET.items() if outcomes[name]]
    spent = sum(result["spent"] for result in found)
    return {
        "ends": points["ends"],
        "passes": points["passes"],
        "outcomes": dict(sorted(outcomes.items())),
        "told": (
            f"Search by symmetry, with {counted(spent, 'start')}: all "
            f"{counted(len(groups), 'class', 'classes')} of groups of exchanges within up to "
            f"{counted(blocks, 'block')} of teacher vectors were gone through; met "
            f"were {listed(told)}."
        ),
    }


def _low_ends(
    problem: TeacherStudent, groups: list[SymmetryClass], first: int, seed: int, starts: int
) -> dict[str, Any]:
    """Of some classes of groups: ends with up to one direction down, and of what class each is.

    Also those that are minima among the points with their symmetry alone, and classes in which no
    start ended.
    """
    loss = PopulationLoss(problem)
    low: list[Array] = []
    places: list[int] = []
    unstable: list[Array] = []
    empty: list[int] = []
    spent = 0
    for number, group in enumerate(groups, first):
        found = symmetric_ends(problem, group, seed, number, starts, _UPHILL, _MODES)
        spent += sum(found["outcomes"].values())
        empty += [] if found["ends"] else [number]
        for end, index in zip(found["ends"], found["indices"], strict=True):
            if index > 1:
                continue
            negative = int(np.sum(np.linalg.eigvalsh(loss.hessian(end)) < -ZERO_CURVATURE))
            if negative <= 1:
                low.append(end)
                places.append(number)
            if negative and not index:
                unstable.append(end)
    return {"low": low, "places": places, "unstable": unstable, "empty": empty, "spent": spent}


def _judged(
    problem: TeacherStudent, low: list[Array], unstable: list[Array], seed: int
) -> dict[str, Any]:
    """What ends are in all dimensions, and the minima that lie below unstable ones."""
    points, labels = _points(problem, low)
    key = np.random.SeedSequence(seed, spawn_key=(problem.width, 4))
    shaken = minimised(problem, unstable, np.random.default_rng(key))
    minima = [point.weights for point in points if point.kind is Kind.MINIMUM]
    return {
        "ends": [*minima, *shaken["ends"]],
        "passes": [point.weights for point in points if _is_pass(point)],
        "kinds": [_kind(points[label]) for label in labels],
    }


def _points(problem: TeacherStudent, found: list[Array]) -> tuple[list[CriticalPoint], list[int]]:
    """One point of each family, and which of them each weights belong to."""
    if not found:
        return [], []
    labels = group_weights(problem, np.array(found))
    first = np.unique(labels, return_index=True)[1]
    return [classify(problem, found[i]) for i in first], labels.tolist()


def _is_pass(point: CriticalPoint) -> bool:
    return point.kind is Kind.SADDLE and point.index == 1 and not point.zero_neurons


def _kind(point: CriticalPoint) -> str:
    if point.kind is Kind.MINIMUM:
        return "minimum"
    return "transition state" if _is_pass(point) else "other"


def _best(kinds: set[str]) -> str:
    """What is told of a class in which these were met."""
    return next((name for name in _MET if name in kinds), "other")
