"""Which groups a critical point can be left alone by, up to conjugacy.

Two neurons of a reduced network are never equal, so that no permutation of neurons alone leaves it
as it is: its isotropy group is a group of permutations of teacher vectors that acts on the neurons
as well. Here are two kinds of such groups.

*Blocks*: all exchanges within classes of teacher vectors that stand alike (a Young subgroup). What
such exchanges leave of a neuron alone is a Young subgroup again: within each class it has equal
overlaps with the members of each part of a partition, and its orbit is as large as there are ways
to choose the parts. With two or three blocks all actions on the neurons are gone through.

*Prime cycles*: permutations of prime order, with so many cycles of teacher vectors and so many of
neurons. Every group has such an element, so that every symmetric point is in one of their spaces,
which are large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, permutations, product
from math import comb, factorial, prod

import numpy as np

from landtopo.eigen import eigh
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry.fixed_space import FixedSpace, interchangeable
from landtopo.models.networks.symmetry.relabelling import Relabelling, teacher_rotation
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["SymmetryClass", "block_classes", "fixed_space", "prime_classes"]

_Parts = tuple[int, ...]
# Of a neuron: for each block, the sizes of the parts that it has equal overlaps with.
_Type = tuple[_Parts, ...]
_FIXED = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SymmetryClass(Brief):
    """A conjugacy class of groups, by one of them.

    Attributes
    ----------
    kind : str
        ``blocks`` or ``prime``.
    name : str
        Such as ``S_4 x S_6`` or ``2 cycles of length 3``.
    order : int
        Number of elements.
    teachers, neurons : tuple of int
        Sizes of the orbits of teacher vectors that stand alike, and of neurons, falling.
    parts : str
        The orbits of neurons, and where they come from: an orbit that follows the first block of
        four is ``4 (3+1 of block 1)``, equal overlaps with three of its vectors.
    generators : tuple of Relabelling
    """

    kind: str
    name: str
    order: int
    teachers: tuple[int, ...]
    neurons: tuple[int, ...]
    parts: str
    generators: tuple[Relabelling, ...]


def fixed_space(problem: TeacherStudent, group: SymmetryClass) -> FixedSpace:
    """Weights in the teacher's span that a group leaves alone.

    Parameters
    ----------
    problem : TeacherStudent
    group : SymmetryClass
    """
    width, rank = problem.width, problem.rank
    rotations = [
        teacher_rotation(problem.teacher.vectors, element.teachers) for element in group.generators
    ]
    frames: dict[int, Array] = {}
    orbits = []
    for first in range(width):
        if first in frames:
            continue
        # How the first neuron is carried to each; two ways to one have to agree (Schreier).
        carried = {first: np.eye(rank)}
        defect = np.zeros((rank, rank))
        orbit = [first]
        for one in orbit:
            for element, rotation in zip(group.generators, rotations, strict=True):
                image, turned = element.students[one], rotation @ carried[one]
                if image not in carried:
                    carried[image] = turned
                    orbit.append(image)
                    continue
                apart = turned - carried[image]
                defect += apart.T @ apart
        values, vectors = eigh(defect)
        fixed = vectors[:, values < _FIXED]
        frames |= {one: turned @ fixed / np.sqrt(len(orbit)) for one, turned in carried.items()}
        orbits.append(orbit)
    sizes = [frames[orbit[0]].shape[1] for orbit in orbits]
    basis = np.zeros((width, rank, sum(sizes)))
    for orbit, last in zip(orbits, np.cumsum(sizes), strict=True):
        for one in orbit:
            basis[one, :, last - frames[one].shape[1] : last] = frames[one]
    return FixedSpace(
        basis=basis.reshape(width * rank, -1),
        representatives=np.array([orbit[0] for orbit in orbits]),
        multiplicities=np.array([len(orbit) for orbit in orbits]),
    )


def block_classes(problem: TeacherStudent, blocks: int) -> Iterator[SymmetryClass]:
    """Groups of exchanges within up to so many blocks, with every action on the neurons.

    Parameters
    ----------
    problem : TeacherStudent
    blocks : int
        Most blocks; classes of teacher vectors that stand alike need one each in any case.

    Yields
    ------
    SymmetryClass
        Few blocks first.
    """
    alike = interchangeable(problem.teacher.gram)
    if not alike:
        return
    found: list[tuple[_Parts, ...]] = [
        choice
        for choice in product(*(_partitions(len(members)) for members in alike))
        if sum(map(len, choice)) <= max(blocks, len(alike))
        and any(size > 1 for sizes in choice for size in sizes)
    ]
    for choice in sorted(found, key=lambda one: (sum(map(len, one)), one)):
        sizes: _Parts = tuple(size for part in choice for size in part)
        members = [
            list(block)
            for part, whole in zip(choice, alike, strict=True)
            for block in _cut(whole, part)
        ]
        same = [number for number, part in enumerate(choice) for _ in part]
        for types in _actions(sizes, same, problem.width):
            yield _block_class(problem, members, types)


def _cut(members: tuple[int, ...], sizes: _Parts) -> Iterator[tuple[int, ...]]:
    start = 0
    for size in sizes:
        yield members[start : start + size]
        start += size


@lru_cache(maxsize=256)
def _partitions(n: int, most: int | None = None) -> tuple[_Parts, ...]:
    """Partitions of n, each with its parts falling."""
    if n == 0:
        return ((),)
    return tuple(
        (first, *rest)
        for first in range(min(n, most or n), 0, -1)
        for rest in _partitions(n - first, first)
    )


def _index(parts: _Parts) -> int:
    return factorial(sum(parts)) // prod(map(factorial, parts))


@lru_cache(maxsize=256)
def _parts_up_to(n: int, most: int) -> tuple[_Parts, ...]:
    """Partitions of n with at most so many ways to choose their parts."""
    found = []
    # There are at least comb(n, j) ways where j members are outside the largest part; where that
    # part is less than half of them, at least as many as for a third.
    if comb(n, -(-n // 3)) <= most or n < 4:
        return tuple(parts for parts in _partitions(n) if _index(parts) <= most)
    for outside in range(n // 2 + 1):
        if comb(n, outside) > most:
            break
        found += [
            (n - outside, *rest)
            for rest in _partitions(outside, n - outside)
            if _index((n - outside, *rest)) <= most
        ]
    return tuple(found)


def _actions(sizes: _Parts, same: list[int], width: int) -> Iterator[tuple[_Type, ...]]:
    """Orbits of neurons by their types, width neurons in all; renumbered blocks count once."""
    types = [
        one
        for one in product(*(_parts_up_to(n, width) for n in sizes))
        if prod(map(_index, one)) <= width
    ]
    types.sort(key=lambda one: (-prod(map(_index, one)), one))
    counts = [prod(map(_index, one)) for one in types]
    swaps = [
        order
        for order in permutations(range(len(sizes)))
        if all((sizes[i], same[i]) == (sizes[j], same[j]) for i, j in enumerate(order))
    ]
    met: set[tuple[_Type, ...]] = set()

    def fill(first: int, left: int) -> Iterator[tuple[_Type, ...]]:
        if left == 0:
            yield ()
            return
        for i in range(first, len(types)):
            if counts[i] <= left:
                for rest in fill(i, left - counts[i]):
                    yield (types[i], *rest)

    for chosen in fill(0, width):
        name = min(tuple(sorted(tuple(one[i] for i in order) for one in chosen)) for order in swaps)
        if name not in met:
            met.add(name)
            yield chosen


def _block_class(
    problem: TeacherStudent, members: list[list[int]], types: tuple[_Type, ...]
) -> SymmetryClass:
    # A neuron is told by which part each teacher vector of a block belongs to.
    neurons: list[tuple[int, tuple[tuple[int, ...], ...]]] = []
    orbits = []
    for number, one in enumerate(types):
        choices = [
            sorted(set(_arrangements(tuple(i for i, n in enumerate(parts) for _ in range(n)))))
            for parts in one
        ]
        orbit = [(number, labels) for labels in product(*choices)]
        orbits.append(len(orbit))
        neurons += orbit
    place = {neuron: i for i, neuron in enumerate(neurons)}
    generators = []
    for c, block in enumerate(members):
        for i in range(len(block) - 1):
            teachers = list(range(problem.teacher.size))
            teachers[block[i]], teachers[block[i + 1]] = block[i + 1], block[i]
            students = []
            for number, labels in neurons:
                row = list(labels[c])
                row[i], row[i + 1] = row[i + 1], row[i]
                students.append(place[number, (*labels[:c], tuple(row), *labels[c + 1 :])])
            generators.append(Relabelling(students=tuple(students), teachers=tuple(teachers)))
    sizes = [len(block) for block in members]
    told = []
    for one, count in zip(types, orbits, strict=True):
        split = [
            f"{'+'.join(map(str, parts))} of block {c}"
            for c, parts in enumerate(one, 1)
            if len(parts) > 1
        ]
        told.append(f"{count} ({', '.join(split)})" if split else str(count))
    return SymmetryClass(
        kind="blocks",
        name=" x ".join(f"S_{n}" for n in sizes if n > 1),
        order=prod(map(factorial, sizes)),
        teachers=tuple(sizes),
        neurons=tuple(orbits),
        parts=" + ".join(
            name if (number := len(list(group))) == 1 else f"{number} x {name}"
            for name, group in groupby(told)
        ),
        generators=tuple(generators),
    )


def _arrangements(labels: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every order of some labels, equal ones not told apart."""
    if not labels:
        yield ()
        return
    for first in sorted(set(labels)):
        rest = list(labels)
        rest.remove(first)
        for others in _arrangements(tuple(rest)):
            yield (first, *others)


def prime_classes(problem: TeacherStudent) -> Iterator[SymmetryClass]:
    """Permutations of prime order of teacher vectors that stand alike, and of neurons.

    Parameters
    ----------
    problem : TeacherStudent
    """
    alike = interchangeable(problem.teacher.gram)
    largest = max(map(len, alike), default=0)
    for p in (n for n in range(2, largest + 1) if all(n % q for q in range(2, n))):
        for cycles in product(*(range(len(members) // p + 1) for members in alike)):
            if not any(cycles):
                continue
            teachers = list(range(problem.teacher.size))
            for number, members in zip(cycles, alike, strict=True):
                for c in range(number):
                    ring = members[c * p : (c + 1) * p]
                    for a, b in zip(ring, (*ring[1:], ring[0]), strict=True):
                        teachers[a] = b
            for moved in range(problem.width // p + 1):
                students = list(range(problem.width))
                for c in range(moved):
                    for i in range(p):
                        students[c * p + i] = c * p + (i + 1) % p
                element = Relabelling(students=tuple(students), teachers=tuple(teachers))
                rest = problem.width - p * moved
                yield SymmetryClass(
                    kind="prime",
                    name=f"C_{p}, {sum(cycles)} cycle{'s' if sum(cycles) > 1 else ''}",
                    order=p,
                    teachers=(p,) * sum(cycles) + (1,) * (sum(map(len, alike)) - p * sum(cycles)),
                    neurons=(p,) * moved + (1,) * rest,
                    parts=" + ".join(
                        f"{number} x {size}" for number, size in ((moved, p), (rest, 1)) if number
                    ),
                    generators=(element,),
                )
