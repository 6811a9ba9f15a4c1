"""Neurons that add up to nothing: of an odd s, w and -w, and a zero neuron.

Where s is odd and no polynomial, s(w.x) of different lines are linearly independent functions: in
a direction x in which all |w.x| differ, the largest of them outgrows the others in the terms of
high order. So a student with output weights 1 has the function of a teacher exactly if it has its
neurons, and beside them pairs (w, -w) and zero neurons. One spare neuron is zero, and alone. Two
are a pair, and w is arbitrary: one connected set.

A polynomial has only so many terms, and other networks can have its function, too. Where they do,
the Hessian has more null directions than the pairs.
"""

from __future__ import annotations

import numpy as np

from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.tolerances import ZERO_NEURON
from landtopo.objective import Array

__all__ = ["cancelling_pairs", "pairs_dimension", "without_pairs", "zeros_of"]

# How exactly neurons cancel that are found by a search at a degenerate minimum.
_PAIR = 1e-4


def without_pairs(weights: Array, scale: float) -> Array:
    """Neurons without those that cancel in pairs, and without zero ones.

    Parameters
    ----------
    weights : ndarray, shape (K, D)
    scale : float
        The unit of lengths.
    """
    left = [k for k in range(len(weights)) if np.linalg.norm(weights[k]) > ZERO_NEURON * scale]
    for k in list(left):
        opposite = [j for j in left if np.linalg.norm(weights[j] + weights[k]) <= _PAIR * scale]
        if k in left and opposite:
            left.remove(k)
            left.remove(opposite[0])
    return weights[left]


def zeros_of(problem: TeacherStudent, weights: Array) -> list[int]:
    """Which neurons are zero, as far as a search can tell.

    Parameters
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (K, D)
    """
    least = ZERO_NEURON * float(problem.teacher.norms.max())
    return np.flatnonzero(np.linalg.norm(weights, axis=1) <= least).tolist()


def cancelling_pairs(problem: TeacherStudent, weights: Array) -> int:
    """In how many pairs the neurons cancel that a student of zero loss has to spare.

    Parameters
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (K, D)
    """
    function = problem.function
    if function.parity != -1 or function.merges:
        return 0
    scale = float(problem.teacher.norms.max())
    return (len(weights) - len(without_pairs(weights, scale))) // 2


def pairs_dimension(problem: TeacherStudent, pairs: int, outside: int | None = None) -> int:
    """Dimension of the set that pairs (w, -w) fill, rotations outside the span not counted.

    Each w has r coordinates in the span and E outside; rotations move n generic vectors outside in
    n E - n (n + 1) / 2 directions, n <= E.

    Parameters
    ----------
    problem : TeacherStudent
    pairs : int
    outside : int, optional
        E; as many as the students can use by default.
    """
    room = problem.extra if outside is None else outside
    rank = min(pairs, room)
    return pairs * (problem.rank + room) - (rank * room - rank * (rank + 1) // 2)
