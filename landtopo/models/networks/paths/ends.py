"""Labelled points of a network: when two are the same, how far apart, and what joins them flatly.

Coordinates are weights (K, r + e): the rotation of the e columns outside the teacher's span is a
gauge, so points are compared through W_in and W_out W_out^T.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from landtopo.objective import Array
from landtopo.symmetry.permutations import Permutation

__all__ = [
    "align_outside",
    "closest_permutation",
    "labelled_distance",
    "pad",
    "relative_permutation",
    "small_cycles",
]


def pad(weights: Array, columns: int) -> Array:
    """The same weights with zero columns added, shape (K, columns)."""
    return np.hstack([weights, np.zeros((weights.shape[0], columns - weights.shape[1]))])


def align_outside(weights: Array, reference: Array, rank: int) -> Array:
    """Rotate the columns outside the span so that they come closest to those of a reference."""
    outside = np.abs(weights[:, rank:]).max(initial=0.0)
    if outside <= 1e-14 * np.abs(weights).max():
        return weights
    left, _, right = np.linalg.svd(weights[:, rank:].T @ reference[:, rank:])
    return np.hstack([weights[:, :rank], weights[:, rank:] @ (left @ right)])


def labelled_distance(first: Array, second: Array, rank: int) -> float:
    """Smallest distance of two labelled points over rotations outside the span."""
    return float(np.linalg.norm(align_outside(first, second, rank) - second))


def closest_permutation(start: Array, end: Array) -> Permutation:
    """The order of the end's neurons that comes closest to the start; pi[k] goes with k.

    Both are compared in the columns that span the teacher and through their norms.
    """
    cost = np.sum((start[:, None, :] - end[None, :, :]) ** 2, axis=2)
    return tuple(int(i) for i in linear_sum_assignment(cost)[1])


def relative_permutation(
    start: Array, end: Array, rank: int, *, tolerance: float = 1e-5
) -> Permutation | None:
    """The student permutation that carries one labelled point into another, if there is one.

    Returns
    -------
    tuple of int or None
        pi[k] is the neuron of `end` that equals neuron k of `start`.
    """
    match = closest_permutation(start[:, :rank], end[:, :rank])
    moved = end[list(match)]
    if labelled_distance(moved, start, rank) <= tolerance * start.shape[0]:
        return match
    return None


def small_cycles(permutation: Sequence[int], rng: np.random.Generator) -> list[Permutation]:
    """Three-cycles, and one swap if the permutation is odd, whose product it is, in random order.

    Returns
    -------
    list of tuple of int
        Taking ``order = [order[i] for i in step]`` for each in turn, from the identity, ends at an
        order of rows in which row k stands at place `permutation[k]`.
    """
    # Sort the places: wanted[place] is the row that belongs there in the end.
    size = len(permutation)
    wanted = [0] * size
    for row, place in enumerate(permutation):
        wanted[place] = row
    order = list(range(size))
    steps: list[Permutation] = []
    while order != wanted:
        wrong = [place for place in range(size) if order[place] != wanted[place]]
        first = wrong[int(rng.integers(len(wrong)))]
        second = order.index(wanted[first])
        third = order.index(wanted[second])
        if third == first:
            others = [place for place in wrong if place not in (first, second)]
            if not others or rng.random() < 0.3:
                third = -1
            else:
                third = others[int(rng.integers(len(others)))]
        step = list(range(size))
        if third < 0:
            step[first], step[second] = second, first
        else:
            step[first], step[second], step[third] = second, third, first
        order = [order[i] for i in step]
        steps.append(tuple(step))
    return steps
