"""Labelled points of a network: when two are the same, how far apart, and what joins them flatly.

Coordinates are weights (K, r + e): the rotation of the e columns outside the teacher's span is a
gauge, so points are compared through W_in and W_out W_out^T.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from landtopo.objective import Array
from landtopo.symmetry.permutations import Permutation

__all__ = [
    "align_outside",
    "closest_permutation",
    "compress",
    "cycle_types",
    "labelled_distance",
    "pad",
    "relative_permutation",
    "same_labelled",
    "small_cycles",
]


def pad(weights: Array, columns: int) -> Array:
    """The same weights with zero columns added, shape (K, columns)."""
    return np.hstack([weights, np.zeros((weights.shape[0], columns - weights.shape[1]))])


def compress(weights: Array, rank: int, *, tolerance: float = 1e-7) -> Array:
    """Weights in the fewest columns: those outside the span turned so that empty ones go.

    Parameters
    ----------
    weights : ndarray, shape (K, D)
    rank : int
        Number r of columns that span the teacher.
    tolerance : float
        Size of a singular value of W_out, relative to the weights, that counts as zero.

    Returns
    -------
    ndarray, shape (K, r + rank of W_out)
    """
    outside = weights[:, rank:]
    if outside.size == 0:
        return weights.copy()
    left, singular, _ = np.linalg.svd(outside, full_matrices=False)
    used = int(np.sum(singular > tolerance * max(float(np.linalg.norm(weights)), 1.0)))
    return np.hstack([weights[:, :rank], left[:, :used] * singular[:used]])


def align_outside(weights: Array, reference: Array, rank: int) -> Array:
    """Rotate the columns outside the span so that they come closest to those of a reference."""
    if weights.shape[1] - rank < 1 or not np.any(weights[:, rank:]):
        return weights
    left, _, right = np.linalg.svd(weights[:, rank:].T @ reference[:, rank:])
    return np.hstack([weights[:, :rank], weights[:, rank:] @ (left @ right)])


def labelled_distance(first: Array, second: Array, rank: int) -> float:
    """Smallest distance of two labelled points over rotations outside the span."""
    return float(np.linalg.norm(align_outside(first, second, rank) - second))


def same_labelled(first: Array, others: Sequence[Array], rank: int, tolerance: float) -> int | None:
    """Number of the labelled point that is this one up to a rotation outside the span."""
    if not others:
        return None
    inside = np.array([other[:, :rank] for other in others])
    near = np.abs(inside - first[:, :rank]).max(axis=(1, 2)) <= tolerance
    for i in map(int, np.flatnonzero(near)):
        if labelled_distance(first, others[i], rank) <= tolerance * first.shape[0]:
            return i
    return None


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


def cycle_types(size: int) -> Iterator[Permutation]:
    """One permutation of each conjugacy class of S_size but the identity, short cycles first.

    The inequivalent ways in which two labelled copies of a point can differ whose neurons are all
    alike under the symmetry of the teacher.
    """
    partitions = sorted(_partitions(size, size), key=lambda p: (size - len(p), p))
    for parts in partitions:
        if max(parts) == 1:
            continue
        images: list[int] = []
        for part in parts:
            first = len(images)
            images += [first + (i + 1) % part for i in range(part)]
        yield tuple(images)


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


def _partitions(total: int, largest: int) -> Iterator[tuple[int, ...]]:
    if total == 0:
        yield ()
    for part in range(min(total, largest), 0, -1):
        for rest in _partitions(total - part, part):
            yield (part, *rest)
