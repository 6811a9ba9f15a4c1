"""The group S_K x Aut(T) that relabels a landscape, and its subgroups, with exact orders.

Where each neuron alone can be turned around, signed permutations of the K neurons take the place
of S_K: 2^K K! of them, on 2K points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import factorial

from landtopo.errors import InvalidArgument
from landtopo.models.networks.symmetry.relabelling import Relabelling
from landtopo.shown import Brief
from landtopo.symmetry.groups import PermutationGroup
from landtopo.symmetry.permutations import Permutation, is_even, signed, unsigned

__all__ = ["StudentPermutations", "Symmetry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentPermutations(Brief):
    """Permutations of student neurons alone that lead from a copy to one it is joined with.

    They form a group. Where it is the alternating group, copies fall into two parity classes.
    Signed permutations are even or odd as what they do whatever the signs.

    Attributes
    ----------
    width : int
        K.
    order : int
        Order of the group, exact.
    odd : bool
        Whether it has an odd member.
    turned : bool
        Whether permutations have signs.
    """

    width: int
    order: int
    odd: bool
    turned: bool = False

    @property
    def classes(self) -> int:
        """Number of different components in which the renumberings of a copy lie."""
        return _renumberings(self.width, self.turned) // self.order

    @property
    def kind(self) -> str:
        """In words: all, even (all even ones and no other), some, some even, identity."""
        if self.classes == 1:
            return "all"
        if self.classes == 2 and not self.odd:  # without signs the only subgroup of index two
            return "even"
        if self.odd:
            return "some"
        return "identity" if self.order == 1 else "some even"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Symmetry(Brief):
    """The group G = S_K x Aut(T).

    Attributes
    ----------
    width : int
        Number of student neurons K.
    automorphisms : PermutationGroup
        Aut(T) on 0..M-1, as from `teacher_automorphisms`.
    turned : bool
        Whether each neuron alone can be turned around.
    """

    width: int
    automorphisms: PermutationGroup
    turned: bool = False

    @property
    def sides(self) -> int:
        """Points that stand for students: K neurons, or 2K with their opposites."""
        return 2 * self.width if self.turned else self.width

    @property
    def teachers(self) -> int:
        """Number of teacher neurons M."""
        return self.automorphisms.degree

    @property
    def order(self) -> int:
        """Number of elements, exact."""
        return _renumberings(self.width, self.turned) * self.automorphisms.order

    @property
    def identity(self) -> Relabelling:
        """The element that changes nothing."""
        return Relabelling.identity(self.sides, self.teachers)

    def group(self, generators: Iterable[Relabelling] = ()) -> PermutationGroup:
        """The subgroup that some elements generate, on students and then teachers."""
        images = [element.images() for element in generators]
        return PermutationGroup.from_generators(
            images, self.sides + self.teachers, order=self._bound(images)
        )

    def elements(self, group: PermutationGroup) -> list[Relabelling]:
        """Elements that generate a subgroup."""
        return [Relabelling.from_images(row, self.sides) for row in _rows(group)]

    def enlarged(self, group: PermutationGroup, further: Iterable[Relabelling]) -> PermutationGroup:
        """What a subgroup and some more elements generate; the same object if nothing is new."""
        new = [element for element in dict.fromkeys(further) if element.images() not in group]
        return self.group([*self.elements(group), *new]) if new else group

    def students(self, teachers: Iterable[Sequence[int]] = ()) -> PermutationGroup:
        """All permutations of students, times what some permutations of teachers generate."""
        identity = self.identity
        generators = [
            Relabelling(students=identity.students, teachers=tuple(images)) for images in teachers
        ]
        further: list[Permutation] = []
        if self.width > 1:
            further = [(1, 0, *range(2, self.width)), (*range(1, self.width), 0)]
        if self.turned:
            turn = (self.width, *range(1, self.width))
            further = [signed(images) for images in (*further, turn)]
        generators += [
            Relabelling(students=images, teachers=identity.teachers) for images in further
        ]
        return self.group(generators)

    def check(self, what: str, images: Sequence[int]) -> None:
        """Refuse what is no element of G.

        Raises
        ------
        InvalidArgument
        """
        students = images[: self.sides]
        teachers = [image - self.sides for image in images[self.sides :]]
        if (
            sorted(students) != list(range(self.sides))
            or (self.turned and tuple(students) != signed(students[: self.width]))
            or sorted(teachers) != list(range(self.teachers))
            or teachers not in self.automorphisms
        ):
            raise InvalidArgument(
                f"Labelled copies are related by elements of "
                f"{'signed ' if self.turned else ''}S_{self.width} x Aut(T) for "
                f"{self.teachers} teacher neurons; {what} has others."
            )

    def renumberings(self, group: PermutationGroup) -> StudentPermutations:
        """The permutations of students alone in a subgroup.

        The order of a group is the order of its image times that of its kernel. The image that is
        wanted is the one on the teachers; two more points, which odd permutations of students
        exchange, do the same for the even permutations.
        """
        count = self.teachers
        teachers = [[image - self.sides for image in row[self.sides :]] for row in _rows(group)]
        signs = self._signs(_rows(group))
        bound = self.automorphisms.order
        if all(teacher for _, teacher in signs) and not self._teachers_are_even():
            bound //= 2
        image = PermutationGroup.from_generators(teachers, count, order=bound).order
        told = [
            [*row, count, count + 1] if even else [*row, count + 1, count]
            for row, (even, _) in zip(teachers, signs, strict=True)
        ]
        both = image
        # Where the sign of the students is trivial or follows from the teachers, it adds nothing.
        if not all(s for s, _ in signs) and not all(s == t for s, t in signs):
            both = PermutationGroup.from_generators(told, count + 2, order=2 * image).order
        order, even = group.order // image, group.order // both
        return StudentPermutations(
            width=self.width, order=order, odd=even < order, turned=self.turned
        )

    def _bound(self, images: Sequence[Sequence[int]]) -> int:
        """A bound of the order of a subgroup, from the signs of its generators.

        Sign of the students, sign of the teachers and their product are homomorphisms. Those that
        are trivial on the generators but not on G halve the order, or quarter it together.
        """
        whole = [(True, self._teachers_are_even())]
        if self.width > 1:
            whole.append((False, True))
        return self.order * _trivial(whole) // _trivial(self._signs(images))

    def _signs(self, images: Iterable[Sequence[int]]) -> list[tuple[bool, bool]]:
        """Whether students, whatever their signs, and teachers are permuted evenly, for each."""
        count = self.sides
        return [
            (is_even(unsigned(row, self.width)), is_even([image - count for image in row[count:]]))
            for row in images
        ]

    def _teachers_are_even(self) -> bool:
        return all(is_even(row) for row in _rows(self.automorphisms))


def _renumberings(width: int, turned: bool) -> int:
    return factorial(width) * (2**width if turned else 1)


def _rows(group: PermutationGroup) -> list[list[int]]:
    rows: list[list[int]] = group.generators.tolist()
    return rows


def _trivial(signs: Sequence[tuple[bool, bool]]) -> int:
    """How many of the four products of the two signs are trivial."""
    students = all(student for student, _ in signs)
    teachers = all(teacher for _, teacher in signs)
    product = all(student == teacher for student, teacher in signs)
    return 1 + students + teachers + product
