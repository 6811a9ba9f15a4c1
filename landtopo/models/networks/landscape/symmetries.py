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

from landtopo.landscape.pool import Piece
from landtopo.models.networks.landscape.mirrors import minimised
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.families import group_weights
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetric.classes import block_classes
from landtopo.models.networks.symmetric.solve import symmetric_ends
from landtopo.objective import Array
from landtopo.points.records import CriticalPoint, Kind
from landtopo.wording import counted, listed

__all__ = ["SYMMETRY", "symmetric_piece", "symmetric_points"]

SYMMETRY = "search by symmetry"

# Starts in each fixed space beside those on the teacher: downhill, and to saddles of index 1 there;
# and modes of its minima.
_STARTS, _UPHILL, _MODES = 4, (0, 1), 1
_NEGATIVE = 1e-9
# What is met in the fixed space of a class of groups, and how that is told.
_MET = {
    "minimum": "a minimum",
    "transition state": "no minimum but a saddle of index 1",
    "other": "other critical points alone",
    "nothing": "nothing",
}


def symmetric_piece(problem: TeacherStudent, seed: int, blocks: int) -> Piece:
    """`symmetric_points` as a piece of work."""
    return Piece(
        name=f"symmetries/{problem.width}",
        function=symmetric_points,
        arguments=(problem, seed, blocks, _STARTS),
    )


def symmetric_points(
    problem: TeacherStudent, seed: int, blocks: int, starts: int
) -> dict[str, Any]:
    """Minima and saddles of index 1 in the fixed spaces of groups of exchanges.

    Parameters
    ----------
    problem : TeacherStudent
    seed : int
    blocks : int
        All groups with up to so many blocks are gone through.
    starts : int
        For each of them, beside those on the teacher.

    Returns
    -------
    dict
        ``ends`` and ``passes``, lists of weights, shape (K, r + e), one of each family;
        ``outcomes``, what was met in how many classes of groups; ``told``, what was searched, in
        one sentence.
    """
    loss = PopulationLoss(problem)
    low: list[Array] = []
    unstable: list[Array] = []
    classes: list[range | None] = []
    spent = 0
    for number, group in enumerate(block_classes(problem, blocks)):
        found = symmetric_ends(problem, group, seed, number, starts, _UPHILL, _MODES)
        spent += sum(found["outcomes"].values())
        first = len(low)
        for end, index in zip(found["ends"], found["indices"], strict=True):
            negative = int(np.sum(np.linalg.eigvalsh(loss.hessian(end)) < -_NEGATIVE))
            if negative <= 1:
                low.append(end)
            if negative and not index:
                unstable.append(end)
        classes.append(range(first, len(low)) if found["ends"] else None)
    points, labels = _points(problem, low)
    outcomes = Counter(
        "nothing" if ends is None else _met([points[labels[i]] for i in ends]) for ends in classes
    )
    key = np.random.SeedSequence(seed, spawn_key=(problem.width, 4))
    shaken = minimised(problem, unstable, np.random.default_rng(key))
    minima = [point.weights for point in points if point.kind is Kind.MINIMUM]
    met = [f"{text} in {outcomes[name]}" for name, text in _MET.items() if outcomes[name]]
    return {
        "ends": [*minima, *shaken["ends"]],
        "passes": [point.weights for point in points if _is_pass(point)],
        "outcomes": dict(sorted(outcomes.items())),
        "told": (
            f"Search by symmetry, with {counted(spent, 'start')}: all "
            f"{counted(len(classes), 'class', 'classes')} of groups of exchanges within up to "
            f"{counted(blocks, 'block')} of teacher vectors were gone through; met "
            f"were {listed(met)}."
        ),
    }


def _points(
    problem: TeacherStudent, found: list[Array]
) -> tuple[list[CriticalPoint], dict[int, int]]:
    """One point of each family, and which of them each weights belong to."""
    if not found:
        return [], {}
    labels = group_weights(problem, np.array(found))
    first = np.unique(labels, return_index=True)[1]
    return [classify(problem, found[i]) for i in first], dict(enumerate(labels.tolist()))


def _is_pass(point: CriticalPoint) -> bool:
    return point.kind is Kind.SADDLE and point.index == 1 and not point.zero_neurons


def _met(points: list[CriticalPoint]) -> str:
    if any(point.kind is Kind.MINIMUM for point in points):
        return "minimum"
    return "transition state" if any(map(_is_pass, points)) else "other"
