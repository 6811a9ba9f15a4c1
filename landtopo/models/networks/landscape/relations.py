"""The simplest relabelling that says how a copy of one minimum lies to another.

Seen from a minimum a, the copies g b and h g k b of a minimum b lie alike for every h that fixes a
and k that fixes b. A transition state therefore has a whole double coset of relabellings, and it is
written down with the simplest one: it moves the fewest teacher neurons, then the fewest student
neurons, then in the smallest cycles, then those with the smallest numbers. For copies of one
minimum g and its inverse join the same two copies, told from either end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, permutations
from math import comb

import numpy as np
from numpy.typing import NDArray

from landtopo.errors import LandtopoError
from landtopo.models.networks.problem import Teacher
from landtopo.models.networks.symmetry import (
    PointGraph,
    Reference,
    Relabelling,
    both_signs,
    cycle_type,
    cycles,
    equivalence,
    point_graph,
    symmetry_frame,
    teacher_automorphisms,
    teacher_rotation,
)
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Relation", "simplest_relation"]

# Power sums of copies that lie alike agree to this, relative to the squared norms of the points.
_SAME_PRODUCT = 1e-6
# Graphs of two copies are laid over each other with this factor between them: sums of their values
# are equal only where both are.
_OVERLAY = 0.5**0.5
_MOST_PERMUTATIONS = 50_000
_MOST_MOVED = 6
_CHUNK = 1000
_SMALL_GROUP = 720
# Students moved at most, and teachers moved at most of a large group, when teachers are moved.
_WITH_TEACHERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation(Brief):
    """How a copy of b lies to a.

    Attributes
    ----------
    relabelling : Relabelling
        c, the simplest one: c b lies to a as the given copy g b does, or a to g b when `reversed`.
    carrier : Relabelling
        Carries the pair (a, g b) to (a, c b), or (g b, a) to (a, c b) when `reversed`.
    reversed : bool
        Whether the pair is told from its other end; only for copies of one minimum.
    """

    relabelling: Relabelling
    carrier: Relabelling
    reversed: bool


def simplest_relation(
    teacher: Teacher, first: Array, second: Array, given: Relabelling, *, loop: bool
) -> Relation:
    """The simplest relabelling in the double coset of a given one.

    Parameters
    ----------
    teacher : Teacher
    first, second : ndarray, shapes (K, D) and (K, D')
        The minima a and b.
    given : Relabelling
        g; the pair in question is (a, g b).
    loop : bool
        Whether a and b are the same minimum, so that the pair may be told from its other end.

    Returns
    -------
    Relation
        Where none that moves few neurons was found, g with its teachers put back in place if a
        symmetry of a does that.
    """
    vectors = symmetry_frame(teacher)
    copies = [given.on_weights(second, vectors)]
    if loop:
        # The pair (g a, a), seen from its second member, is (a, g^-1 a).
        copies.append(given.inverse().on_weights(second, vectors))
    references = [_Pair(teacher, first, copy) for copy in copies]
    for candidate, copy in _candidates(teacher, first, second, references[0]):
        for turned, reference in enumerate(references):
            carrier = reference.match(copy)
            if carrier is not None:
                carrier = carrier.after(given.inverse()) if turned else carrier
                return Relation(relabelling=candidate, carrier=carrier, reversed=bool(turned))
    carrier = _without_teachers(teacher, first, given)
    return Relation(relabelling=carrier.after(given), carrier=carrier, reversed=False)


def _without_teachers(teacher: Teacher, point: Array, given: Relabelling) -> Relabelling:
    """What fixes a point and undoes the teachers' part of a relabelling; the identity if nothing.

    With the teachers in place, parity and cycles of the students mean something even where no
    simple relabelling was found.
    """
    frame = symmetry_frame(teacher)
    identity = Relabelling.identity(len(given.students), len(frame))
    back = Relabelling(students=identity.students, teachers=given.inverse().teachers)
    moved, still = (
        point_graph(teacher, weights, told_apart=True)
        for weights in (back.on_weights(point, frame), point)
    )
    students = equivalence(moved, still)
    return identity if students is None else students.after(back)


class _Pair:
    """A minimum a and a copy of another one, for comparison with further copies.

    The graphs of the two are laid over each other: for pairs that lie alike they are isomorphic.
    """

    def __init__(self, teacher: Teacher, first: Array, second: Array) -> None:
        self._teacher = teacher
        self._first = first
        self._reference = Reference(self._overlay(second))
        # Sums of powers of the singular values of a + x (c b), which relabellings do not change.
        rank = teacher.rank
        self._inside, inside = (both_signs(teacher, w[:, :rank]) for w in (first, second))
        self._product = float(np.sum(self._inside * inside))
        self._tolerance = _SAME_PRODUCT * float(np.sum(first**2) + np.sum(second**2))
        self._powers = self._power_sums(inside[None])

    def near(self, weights: Array, students: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which renumberings, shape (n, K), make copies that may lie as the given one does.

        Parameters
        ----------
        weights : ndarray, shape (K, r), or (2K, r) with the opposites of the neurons
        students : ndarray of int, shape (n, K) or (n, 2K)
        """
        # Most differ already in the scalar product with a, which needs no copy.
        terms = (self._inside @ weights.T)[students, np.arange(len(weights))]
        left = np.flatnonzero(np.abs(terms.sum(axis=1) - self._product) <= self._tolerance)
        apart = np.abs(self._power_sums(weights[np.argsort(students[left], axis=1)]) - self._powers)
        return left[np.all(apart <= self._tolerance * (1.0 + self._powers), axis=1)]

    def match(self, second: Array) -> Relabelling | None:
        """The relabelling that carries the pair to the one with another copy."""
        try:
            carrier = self._reference.match(self._overlay(second))
        except LandtopoError:  # the search for it gave up
            return None
        if carrier is None:
            return None
        moved = carrier.on_weights(self._first, symmetry_frame(self._teacher))
        one, other = (point_graph(self._teacher, w).gram for w in (self._first, moved))
        return carrier if np.abs(one - other).max() <= 1e-5 * np.abs(one).max() else None

    def _overlay(self, second: Array) -> PointGraph:
        one, other = (point_graph(self._teacher, w) for w in (self._first, second))
        return replace(one, gram=one.gram + _OVERLAY * other.gram)

    def _power_sums(self, copies: Array) -> Array:
        mixed = self._inside + _OVERLAY * copies
        square = mixed @ mixed.transpose(0, 2, 1)
        fourth = square @ square
        return np.stack([np.sum(square**2, axis=(1, 2)), np.sum(fourth**2, axis=(1, 2))], axis=1)


def _candidates(
    teacher: Teacher, first: Array, second: Array, wanted: _Pair
) -> Iterator[tuple[Relabelling, Array]]:
    """Relabellings by simplicity, with the copies they make, that may be the wanted one."""
    vectors, rank = symmetry_frame(teacher), teacher.rank
    size = len(vectors)
    count, turned = len(first), teacher.function.turns
    students = _signed_by_simplicity(count) if turned else _by_simplicity(count)
    for images in _teacher_permutations((vectors @ vectors.T).tobytes(), size):
        if images != tuple(range(size)):
            students = students[: _moving_up_to(count, _WITH_TEACHERS, turned)]
        rotated = second[:, :rank] @ teacher_rotation(vectors, images).T
        rotated = both_signs(teacher, rotated)
        for begin in range(0, len(students), _CHUNK):
            rows = students[begin : begin + _CHUNK]
            for place in wanted.near(rotated, rows):
                element = Relabelling(students=tuple(rows[place].tolist()), teachers=images)
                yield element, element.on_weights(second, vectors)


@lru_cache(maxsize=8)
def _by_simplicity(size: int) -> NDArray[np.int64]:
    """Permutations that move few points, the simplest first, shape (n, size)."""
    found = [np.arange(size)[None]]
    for moved in range(2, size + 1):
        if moved > _MOST_MOVED or _moving_up_to(size, moved) > _MOST_PERMUTATIONS:
            break
        found.extend(_moving(size, kind) for kind in _by_cycle_type(moved))
    rows = np.concatenate(found)
    rows.setflags(write=False)
    return rows


@lru_cache(maxsize=8)
def _signed_by_simplicity(size: int) -> NDArray[np.int64]:
    """Signed permutations that move few neurons, the simplest first, shape (n, 2 size).

    Of those that move as many neurons, the ones that turn fewer around come first.
    """
    plain = _by_simplicity(size)
    moving = np.sum(plain != np.arange(size), axis=1)
    found: list[NDArray[np.int64]] = []
    for moved in range(min(size, _MOST_MOVED) + 1):
        if moved > 1 and _moving_up_to(size, moved, True) > _MOST_PERMUTATIONS:
            break
        for count in range(moved + 1):
            for turned in map(list, combinations(range(size), count)):
                # Neurons that are turned around move, too, where they keep their numbers.
                stay = np.sum(plain[:, turned] == turned, axis=1)
                rows = plain[moving + stay == moved].copy()
                rows[:, turned] += size
                found.append(np.hstack([rows, (rows + size) % (2 * size)]))
    result = np.concatenate(found)
    result.setflags(write=False)
    return result


def _moving_up_to(size: int, moved: int, turned: bool = False) -> int:
    """Number of permutations, signed or not, that move no more points than that."""
    if not turned:
        kinds = {count: len(_derangements(count)) for count in range(2, moved + 1)}
        return 1 + sum(comb(size, count) * number for count, number in kinds.items())
    # A neuron that is turned around and keeps its number is moved.
    return sum(
        comb(size, count)
        * sum(
            comb(count, kept) * len(_derangements(count - kept)) * 2 ** (count - kept)
            for kept in range(count + 1)
        )
        for count in range(min(moved, size) + 1)
    )


def _moving(size: int, patterns: tuple[tuple[int, ...], ...]) -> NDArray[np.int64]:
    """Every set of points moved by every pattern."""
    sets = np.array(list(combinations(range(size), len(patterns[0]))), dtype=np.int64)
    rows = np.tile(np.arange(size), (len(sets), len(patterns), 1))
    for place, pattern in enumerate(patterns):
        np.put_along_axis(rows[:, place], sets, sets[:, list(pattern)], axis=1)
    return rows.reshape(-1, size)


@lru_cache(maxsize=8)
def _derangements(size: int) -> tuple[tuple[int, ...], ...]:
    """Permutations of 0..size-1 that move every point."""
    return tuple(p for p in permutations(range(size)) if all(i != q for i, q in enumerate(p)))


def _by_cycle_type(size: int) -> list[tuple[tuple[int, ...], ...]]:
    """Permutations that move all of `size` points, by their cycles, small ones first."""
    kinds: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for pattern in _derangements(size):
        kinds.setdefault(cycle_type(pattern), []).append(pattern)
    return [tuple(sorted(kinds[kind], key=cycles)) for kind in sorted(kinds)]


@lru_cache(maxsize=8)
def _teacher_permutations(gram: bytes, size: int) -> tuple[tuple[int, ...], ...]:
    """Automorphisms of the teacher, the identity first, those that move few neurons before others.

    All of a small group; of a large one those that move up to three neurons.
    """
    matrix = np.frombuffer(gram).reshape(size, size)
    group = teacher_automorphisms(matrix).group
    if group.order <= _SMALL_GROUP:
        found = [tuple(images.tolist()) for images in group.elements()]
    else:
        found = [tuple(range(size))]
        for moved in range(2, _WITH_TEACHERS + 1):
            for kind in _by_cycle_type(moved):
                rows = _moving(size, kind).tolist()
                found.extend(tuple(images) for images in rows if images in group)
    return tuple(sorted(found, key=_simplicity))


def _simplicity(permutation: tuple[int, ...]) -> tuple[int, tuple[int, ...], object]:
    parts = cycles(permutation)
    return sum(map(len, parts)), tuple(sorted(map(len, parts), reverse=True)), parts
