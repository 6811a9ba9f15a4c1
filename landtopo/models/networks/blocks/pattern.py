"""What blocks of neurons leave of a network: a few numbers, for sizes that need not be integers.

Orthonormal teacher vectors fall into classes; exchanges within a class are symmetries of the
teacher. Students come in orbits of these exchanges: one neuron for each teacher vector of a class,
its *followers*, or one neuron that they leave alone. A follower has one overlap with its own
teacher vector and one with each class (what is left of its own one included). Numbers of equal
terms in sums over neurons are polynomials in the sizes, so that all formulas hold for real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from landtopo.shown import Brief

__all__ = ["Coordinate", "Pair", "Pattern", "Real"]

#: A float, or a number of more digits.
Real = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinate(Brief):
    """One overlap of a representative.

    Attributes
    ----------
    student, teacher : int
        Orbit and class.
    own : bool
        With the teacher vector that the neuron follows; otherwise with each other one of the class.
    size : float
        How many teacher vectors of the class that are.
    """

    student: int
    teacher: int
    own: bool
    size: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Brief):
    """Pairs of neurons that symmetry makes the same.

    Attributes
    ----------
    first, second : int
        Their orbits.
    count : float
        How many unordered pairs.
    terms : tuple of tuples
        ``(n, i, j)``: the scalar product is the sum of n x_i x_j.
    own : bool
        Both follow the same teacher vector.
    """

    first: int
    second: int
    count: Real
    terms: tuple[tuple[Real, int, int], ...]
    own: bool


@dataclass(frozen=True)
class Pattern(Brief):
    """Blocks of an orthonormal teacher and of a student.

    Attributes
    ----------
    sizes : tuple of float
        Teacher vectors in each class.
    students : tuple of int or None
        The class that each orbit follows, or None for a single neuron.
    """

    sizes: tuple[Real, ...]
    students: tuple[int | None, ...]

    def count(self, student: int) -> Real:
        """Neurons in an orbit."""
        followed = self.students[student]
        return 1 if followed is None else self.sizes[followed]

    @cached_property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The unknowns: overlaps of the representatives, orbit by orbit."""
        found = []
        for student, followed in enumerate(self.students):
            for teacher, size in enumerate(self.sizes):
                rest = size
                if teacher == followed:
                    found.append(Coordinate(student=student, teacher=teacher, own=True, size=1))
                    rest = size - 1
                if rest != 0:
                    found.append(Coordinate(student=student, teacher=teacher, own=False, size=rest))
        return tuple(found)

    @cached_property
    def place(self) -> dict[tuple[int, int, bool], int]:
        """Number of a coordinate by student, teacher and own."""
        return {(one.student, one.teacher, one.own): i for i, one in enumerate(self.coordinates)}

    @cached_property
    def multiplicities(self) -> tuple[Real, ...]:
        """Weights of the network that each coordinate stands for."""
        return tuple(self.count(one.student) * one.size for one in self.coordinates)

    @cached_property
    def parts(self) -> tuple[tuple[tuple[Real, int], ...], ...]:
        """By orbit ``(n, i)``: the squared norm is the sum of n x_i^2."""
        return tuple(
            tuple((one.size, i) for i, one in enumerate(self.coordinates) if one.student == student)
            for student in range(len(self.students))
        )

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs of different neurons."""
        found = []
        for first, follows in enumerate(self.students):
            for second in range(first, len(self.students)):
                together = follows is not None and follows == self.students[second]
                size = self.count(first)
                if first != second:
                    count = size if together else size * self.count(second)
                    found.append(self._pair(first, second, count, own=together))
                if together and size != 1:
                    count = size * (size - 1)
                    count = count / 2 if first == second else count
                    found.append(self._pair(first, second, count, own=False))
        return tuple(found)

    def _pair(self, first: int, second: int, count: Real, *, own: bool) -> Pair:
        terms = []
        for teacher, size in enumerate(self.sizes):
            a, b = self.students[first] == teacher, self.students[second] == teacher
            if own and a:
                pieces = [(1, True, True), (size - 1, False, False)]
            elif a and b:
                pieces = [(1, True, False), (1, False, True), (size - 2, False, False)]
            elif a or b:
                pieces = [(1, a, b), (size - 1, False, False)]
            else:
                pieces = [(size, False, False)]
            terms += [
                (number, self.place[first, teacher, mine], self.place[second, teacher, yours])
                for number, mine, yours in pieces
                if number != 0
            ]
        return Pair(first=first, second=second, count=count, terms=tuple(terms), own=own)
