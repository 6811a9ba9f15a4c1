"""Labelled points of a network: when two are the same, how far apart, and what joins them flatly.

Coordinates are weights (K, r + e): the rotation of the e columns outside the teacher's span is a
gauge, so points are compared through W_in and W_out W_out^T.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from landtopo.models.networks.symmetry.relabelling import renumbered
from landtopo.objective import Array
from landtopo.symmetry.permutations import Permutation, inverse, signed

__all__ = [
    "align_outside",
    "closest_permutation",
    "labelled_distance",
    "pad",
    "relative_permutation",
    "small_cycles",
]

# A neuron that is no longer inside the span, relative to the largest weight, stands outside alone.
_NOTHING_INSIDE = 1e-6


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


def closest_permutation(start: Array, end: Array, *, turned: bool = False) -> Permutation:
    """The order of the end's neurons that comes closest to the start; pi[k] goes with k.

    Both are compared in the columns that span the teacher and through their norms.

    Parameters
    ----------
    start, end : ndarray, shape (K, r)
    turned : bool
        Whether each neuron alone can be turned around: the order is a signed permutation.
    """
    cost = np.sum((start[:, None, :] - end[None, :, :]) ** 2, axis=2)
    if not turned:
        return tuple(int(i) for i in linear_sum_assignment(cost)[1])
    opposite = np.sum((start[:, None, :] + end[None, :, :]) ** 2, axis=2)
    rows, columns = linear_sum_assignment(np.minimum(cost, opposite))
    turns = opposite[rows, columns] < cost[rows, columns]
    return signed((columns + len(end) * turns).tolist())


def relative_permutation(
    start: Array, end: Array, rank: int, *, turned: bool = False, tolerance: float = 1e-5
) -> Permutation | None:
    """The student permutation that carries one labelled point into another, if there is one.

    Parameters
    ----------
    start, end : ndarray, shape (K, D)
    rank : int
        Columns in the teacher's span.
    turned : bool
        Whether each neuron alone can be turned around.
    tolerance : float
        Of the distance that is left, a neuron.

    Returns
    -------
    tuple of int or None
        pi[k] is the neuron of `end` that equals neuron k of `start`; where neurons can be turned
        around it is a signed permutation.
    """
    match = closest_permutation(start[:, :rank], end[:, :rank], turned=turned)
    if turned and np.any(end[:, rank:]):
        match = _turned_outside(start, end, rank, match)
    moved = renumbered(end, inverse(match))
    if labelled_distance(moved, start, rank) <= tolerance * start.shape[0]:
        return match
    return None


def _turned_outside(start: Array, end: Array, rank: int, match: Permutation) -> Permutation:
    """Signs of neurons that vanish inside the span as their products with others outside tell.

    Up to one sign of all, which a rotation outside undoes.
    """
    count = len(start)
    images = list(match[:count])
    moved = renumbered(end, inverse(match))
    inside = np.linalg.norm(start[:, :rank], axis=1)
    small = inside <= _NOTHING_INSIDE * np.abs(start).max()
    told = list(np.flatnonzero(~small))
    for k in np.flatnonzero(small):
        if told:
            wanted = start[told, rank:] @ start[k, rank:]
            if wanted @ (moved[told, rank:] @ moved[k, rank:]) < 0.0:
                images[k] = (images[k] + count) % (2 * count)
                moved[k] = -moved[k]
        told.append(k)
    return signed(images)


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
