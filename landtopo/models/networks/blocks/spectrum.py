"""The whole spectrum of a block pattern, at sizes that need not be integers.

The Hessian commutes with the exchanges in every class, and by Schur's lemma acts on all copies of
an irreducible representation as one small matrix. Of the exchanges of n neurons there occur

    the trivial representation; the standard one (n-1, 1), n - 1 dimensions;
    (n-2, 2), n (n - 3) / 2 dimensions; (n-2, 1, 1), (n - 1)(n - 2) / 2 dimensions,

and of two classes the product of their standard ones (Arjevani, Field, arXiv:1912.11939). In each
there is a vector that all exchanges leave alone which do not move one or two marked members. Marked
members are classes of their own, so that the vector is a direction of a finer pattern, where its
second derivatives are sums with real numbers of terms again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from landtopo.models.networks.blocks.loss import Slopes, Vector, curvature, slopes
from landtopo.models.networks.blocks.pattern import Pattern, Real
from landtopo.shown import Brief

__all__ = ["Representation", "hessian_block", "normal_block", "representations"]

#: Which member of a class: the first or second marked one, or none of them.
Mark = int
_REST: Mark = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation(Brief):
    """An irreducible representation of the exchanges within classes.

    Attributes
    ----------
    kind : str
        ``trivial``, ``standard``, ``(n-2, 2)``, ``(n-2, 1, 1)`` or ``product`` of standard ones.
    classes : tuple of int
        The classes it belongs to.
    dimension : float
        How often each eigenvalue counts.
    """

    kind: str
    classes: tuple[int, ...]
    dimension: Real


def representations(pattern: Pattern) -> Iterator[Representation]:
    """All that can occur, where their dimension is above zero.

    Parameters
    ----------
    pattern : Pattern
    """
    yield Representation(kind="trivial", classes=(), dimension=1)
    large = [c for c, size in enumerate(pattern.sizes) if size > 1]
    for c in large:
        n = pattern.sizes[c]
        yield Representation(kind="standard", classes=(c,), dimension=n - 1)
        if n > 3:
            yield Representation(kind="(n-2, 2)", classes=(c,), dimension=n * (n - 3) / 2)
        if n > 2:
            dimension = (n - 1) * (n - 2) / 2
            yield Representation(kind="(n-2, 1, 1)", classes=(c,), dimension=dimension)
    for one, other in combinations(large, 2):
        dimension = (pattern.sizes[one] - 1) * (pattern.sizes[other] - 1)
        yield Representation(kind="product", classes=(one, other), dimension=dimension)


def hessian_block(at: Slopes, representation: Representation) -> Any:
    """The Hessian in the teacher's span, on the copies of a representation.

    Parameters
    ----------
    at : Slopes
    representation : Representation
        Of the pattern of the point.

    Returns
    -------
    matrix, shape (n, n)
        Of the point's arithmetic; n = 0 where the representation does not occur.
    """
    pattern = at.pattern
    if representation.kind == "trivial":
        size = len(pattern.coordinates)
        units = [[at.arithmetic.mpf(i == j) for i in range(size)] for j in range(size)]
        return curvature(at, _normalised(pattern, units, at.arithmetic))
    marks = 1 if representation.kind in ("standard", "product") else 2
    fine = _Marked(pattern, dict.fromkeys(representation.classes, marks))
    x = [at.x[pattern.place[label.orbit, label.teacher, label.own]] for label in fine.labels]
    vectors = [
        [
            entry(label) * at.arithmetic.one
            if (label.orbit, label.teacher) == (orbit, teacher)
            else 0
            for label in fine.labels
        ]
        for orbit, teacher, entry in _copies(pattern, representation)
    ]
    basis = _normalised(fine.pattern, vectors, at.arithmetic)
    return curvature(slopes(fine.pattern, x, at.arithmetic), basis)


def _normalised(pattern: Pattern, vectors: list[Vector], arithmetic: Any) -> list[Vector]:
    result = []
    for vector in vectors:
        parts = zip(pattern.multiplicities, vector, strict=True)
        norm = arithmetic.sqrt(sum(number * entry**2 for number, entry in parts))
        result.append([entry / norm for entry in vector])
    return result


class _Marked:
    """A pattern in which members of some classes are marked: each a class of its own.

    Attributes
    ----------
    pattern : Pattern
        The finer one.
    labels : list of Label
        What the coordinates of the finer pattern are in the coarse one.
    """

    def __init__(self, coarse: Pattern, marks: dict[int, int]) -> None:
        classes: list[tuple[int, Mark, Real]] = []
        for c, size in enumerate(coarse.sizes):
            marked = marks.get(c, 0)
            classes += [(c, mark, 1) for mark in range(marked)]
            if size != marked:
                classes.append((c, _REST, size - marked))
        students: list[tuple[int, int | None]] = []
        for orbit, followed in enumerate(coarse.students):
            if followed is None:
                students.append((orbit, None))
            else:
                parts = [i for i, one in enumerate(classes) if one[0] == followed]
                students += [(orbit, number) for number in parts]
        self.pattern = Pattern(
            sizes=tuple(size for _, _, size in classes),
            students=tuple(number for _, number in students),
        )
        self.labels = [
            Label(
                orbit=students[one.student][0],
                teacher=classes[one.teacher][0],
                i=_REST if (number := students[one.student][1]) is None else classes[number][1],
                j=classes[one.teacher][1],
                own=one.own,
            )
            for one in self.pattern.coordinates
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(Brief):
    """A coordinate of a pattern with marked members.

    Attributes
    ----------
    orbit, teacher : int
        Orbit and class of the pattern without marks.
    i, j : int
        Mark of the neuron (of the teacher vector that it follows), and of the teacher vector.
    own : bool
        Whether these are the same.
    """

    orbit: int
    teacher: int
    i: Mark
    j: Mark
    own: bool


#: Orbit, class, and the entry there for given marks.
_Copy = tuple[int, int, Callable[[Label], Real]]


def _copies(pattern: Pattern, representation: Representation) -> Iterator[_Copy]:
    """Orthogonal vectors, not normalised, one in each copy of a representation."""
    kind, classes = representation.kind, representation.classes
    n = pattern.sizes[classes[0]]
    for orbit, followed in enumerate(pattern.students):
        if kind == "standard":
            yield from _standard_copies(pattern, orbit, classes[0])
        elif kind == "product" and followed in classes:
            on = classes[1] if followed == classes[0] else classes[0]
            mine, yours = _along(pattern.sizes[followed]), _along(pattern.sizes[on])
            yield orbit, on, lambda at, f=mine, g=yours: f(at.i) * g(at.j)  # type: ignore[misc]
        elif kind == "(n-2, 2)" and followed == classes[0]:
            yield orbit, followed, _even(n)
        elif kind == "(n-2, 1, 1)" and followed == classes[0]:
            yield orbit, followed, _odd(n)


def _even(n: Real) -> Callable[[Label], Real]:
    """Symmetric in neuron and teacher vector, rows add up to zero; by how many are not marked."""
    entries = {0: (n - 2) * (n - 3), 1: 3 - n, 2: 2}
    return lambda at: 0 if at.own else entries[(at.i, at.j).count(_REST)]


def _odd(n: Real) -> Callable[[Label], Real]:
    """Antisymmetric, rows add up to zero; by row and column."""
    entries = {0: {1: n - 2, _REST: -1}, 1: {0: 2 - n, _REST: 1}, _REST: {0: 1, 1: -1}}
    return lambda at: 0 if at.own else entries[at.i].get(at.j, 0)


def _standard_copies(pattern: Pattern, orbit: int, marked: int) -> Iterator[_Copy]:
    size = pattern.sizes[marked]
    s = _along(size)
    if pattern.students[orbit] != marked:
        yield orbit, marked, lambda at: s(at.j)
        return
    for teacher in range(len(pattern.sizes)):
        if teacher != marked:
            yield orbit, teacher, lambda at: s(at.i)
    yield orbit, marked, lambda at: s(at.i) if at.own else 0
    yield orbit, marked, lambda at: 0 if at.own else s(at.i) - s(at.j)
    # With two members there is one pair, and the sum vanishes.
    if size > 2:
        yield orbit, marked, lambda at: 0 if at.own else s(at.i) + s(at.j)


def _along(size: Real) -> Callable[[Mark], Real]:
    """The vector of the standard representation that belongs to one marked member."""
    return lambda mark: -1 if mark == _REST else size - 1


def normal_block(at: Slopes, representation: Representation) -> Any:
    """The normal block, for directions outside the teacher's span, on a representation's copies.

    Parameters
    ----------
    at : Slopes
    representation : Representation
        The others than ``trivial`` and ``standard`` do not occur.

    Returns
    -------
    matrix, shape (n, n)
        Of the point's arithmetic.
    """
    pattern, arithmetic = at.pattern, at.arithmetic
    if representation.kind == "trivial":
        orbits = list(range(len(pattern.students)))
    elif representation.kind == "standard":
        orbits = [a for a, c in enumerate(pattern.students) if c == representation.classes[0]]
    else:
        orbits = []
    block = arithmetic.zeros(len(orbits), len(orbits))
    for number, orbit in enumerate(orbits):
        block[number, number] = 2 * at.norms[orbit] / pattern.count(orbit)
    for pair, term in zip(pattern.pairs, at.pairs, strict=True):
        if pair.first not in orbits or pair.second not in orbits:
            continue
        first, second = orbits.index(pair.first), orbits.index(pair.second)
        sizes = pattern.count(pair.first), pattern.count(pair.second)
        each = term.s / pair.count
        if representation.kind == "trivial":
            part = term.s * (2 if first == second else 1) / arithmetic.sqrt(sizes[0] * sizes[1])
        elif pair.own:
            part = each
        else:
            part = -each
        block[first, second] += part
        if first != second:
            block[second, first] += part
    return block
