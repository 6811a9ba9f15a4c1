"""Closed walks over copies of minima that make a given relabelling, as short as can be had.

Families are joined by links; a link leads from the copy g of a family to the copy g v of another,
with the same v for every g. Relabellings that fix a family's representative may be put in anywhere,
because they change nothing. Whatever is joined with the representative of a family, the root, is
then reached by a walk, and walks from the root to copies of itself make a group. Which elements
belong to it is decided by a stabiliser chain. A walk for each comes from a table with a short walk
for every point of every orbit of the chain, filled from random walks, cheaper ones taking the place
of longer ones (Minkwitz, J. Symbolic Comput. 26, 89 (1998)).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from landtopo.symmetry.groups import Images, PermutationGroup

__all__ = ["Exit", "Grouping", "Part", "Walk"]

#: Makes the group that some elements generate.
Grouping = Callable[[Sequence[Images]], PermutationGroup]

# The table is done when so many walks in a row, for each of its entries, made none shorter.
_PATIENCE = 3
_LONGEST_LOOP = 4
# Steps of what is entered into the table, at first.
_LIMIT = 12
# Of the walks that lead to one copy, so many are compared and the shortest taken.
_TRIES = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exit:
    """A link as seen from one of its ends; number `number ^ 1` is the way back.

    Attributes
    ----------
    number : int
    here, there : int
        Families.
    voltage : ndarray of int
        v: from the copy g of `here` it leads to the copy g v of `there`.
    height : float
    """

    number: int
    here: int
    there: int
    voltage: Images
    height: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """Steps, each an element that fixes the family it leaves, and an exit.

    Attributes
    ----------
    steps : tuple of (ndarray of int, int)
    last : ndarray of int
        What fixes the family it ends in, and is applied there.
    element : ndarray of int
        The product of all: from the copy g it leads to the copy g times this.
    """

    steps: tuple[tuple[Images, int], ...]
    last: Images
    element: Images

    def then(self, other: Walk) -> Walk:
        """First this walk, then another one."""
        if not other.steps:
            steps, last = self.steps, self.last[other.last]
        else:
            (first, number), *rest = other.steps
            steps, last = (*self.steps, (self.last[first], number), *rest), other.last
        return Walk(steps=steps, last=last, element=self.element[other.element])

    def back(self) -> Walk:
        """The same walk the other way round."""
        steps, fixing = [], np.argsort(self.last)
        for element, number in reversed(self.steps):
            steps.append((fixing, number ^ 1))
            fixing = np.argsort(element)
        return Walk(steps=tuple(steps), last=fixing, element=np.argsort(self.element))


class Part:
    """All that is joined with copies of a family up to some height.

    Walks begin and end at the root, the family with the largest stabiliser: elements of it cost no
    step, so loops there are short.

    Parameters
    ----------
    family : int
    exits : sequence of Exit
        All those that may be used, both directions of each.
    stabilisers : sequence of PermutationGroup
        Of the representative of every family.
    symmetry : callable
        Makes the group that some elements generate.
    """

    def __init__(
        self,
        family: int,
        exits: Iterable[Exit],
        stabilisers: Sequence[PermutationGroup],
        symmetry: Grouping,
    ) -> None:
        self._stabilisers = stabilisers
        self._symmetry = symmetry
        self._exits: dict[int, list[Exit]] = {}
        for one in exits:
            self._exits.setdefault(one.here, []).append(one)
        self._identity = np.arange(stabilisers[family].degree)
        self.root = max(self._from(family), key=lambda one: (stabilisers[one].order, -one))
        self._tree = self._from(self.root)

    def _from(self, family: int) -> dict[int, Walk]:
        """A shortest walk from a family to every one that it is joined with."""
        tree = {family: self._fixing(self._identity)}
        waiting = deque([family])
        while waiting:
            here = waiting.popleft()
            for one in self._exits.get(here, ()):
                if one.there not in tree:
                    tree[one.there] = tree[here].then(self._over(self._identity, one))
                    waiting.append(one.there)
        return tree

    def joins(self, first: int, second: int, element: Images) -> bool:
        """Whether the representative of a family is joined with a copy of another one."""
        if not {first, second} <= self._tree.keys():
            return False
        return self._round(first, second, element).tolist() in self._group

    def _round(self, first: int, second: int, element: Images) -> Images:
        """The same relation, as one of the root to itself."""
        back = np.argsort(self._tree[second].element)
        return self._tree[first].element[element][back]

    def walk(self, first: int, second: int, element: Images) -> Walk:
        """A walk from the representative of a family to a copy that it is joined with."""
        rng = np.random.default_rng(np.random.SeedSequence(0))
        here, root, there = (self._stabilisers[family] for family in (first, self.root, second))
        choices = [(self._identity, self._identity, self._round(first, second, element))]
        for _ in range(_TRIES):
            start, middle = here.random(rng), root.random(rng)
            wanted = np.argsort(start)[element[there.random(rng)]]
            choices.append((start, middle, np.argsort(middle)[self._round(first, second, wanted)]))
        start, middle, wanted = min(choices, key=lambda choice: self._cost(choice[2]))
        to_root = self._fixing(start).then(self._tree[first].back()).then(self._fixing(middle))
        return to_root.then(self._factored(wanted)).then(self._tree[second])

    def _over(self, fixing: Images, way: Exit) -> Walk:
        return Walk(steps=((fixing, way.number),), last=self._identity, element=fixing[way.voltage])

    def _fixing(self, element: Images) -> Walk:
        return Walk(steps=(), last=element, element=element)

    @cached_property
    def _group(self) -> PermutationGroup:
        """Elements g for which the root's representative is joined with its copy by g."""
        found = []
        for family, tree in self._tree.items():
            back = np.argsort(tree.element)
            for fixing in self._stabilisers[family].generators:
                found.append(tree.element[fixing][back])
            for one in self._exits.get(family, ()):
                far = np.argsort(self._tree[one.there].element)
                found.append(tree.element[one.voltage][far])
        return self._symmetry(found)

    def _factors(self, element: Images) -> Iterator[Walk]:
        """Entries of the table whose product is an element of the group."""
        for point, entries in zip(self._group.base, self._table, strict=True):
            entry = entries[int(element[point])]
            yield entry
            element = np.argsort(entry.element)[element]

    def _cost(self, element: Images) -> int:
        return sum(len(walk.steps) for walk in self._factors(element))

    def _factored(self, element: Images) -> Walk:
        """A walk from the root back to it that makes an element of the group."""
        result = self._fixing(self._identity)
        for walk in self._factors(element):
            result = result.then(walk)
        return result

    @cached_property
    def _table(self) -> list[dict[int, Walk]]:
        """For every base point, and every point of its orbit, a walk that leads from one there.

        It fixes the base points before.
        """
        start = self._fixing(self._identity)
        table = [{point: start} for point in self._group.base]
        for family, tree in self._tree.items():
            for fixing in self._stabilisers[family].generators:
                self._enter(table, tree.then(self._fixing(fixing)).then(tree.back()), _LIMIT)
        rng = np.random.default_rng(np.random.SeedSequence(0))
        limit, idle = _LIMIT, 0
        while idle < _PATIENCE * sum(map(len, table)) or not self._is_full(table):
            improved = self._enter(table, self._loop(rng), limit)
            idle = 0 if improved else idle + 1
            if idle > _PATIENCE * sum(map(len, table)) and not self._is_full(table):
                # Products of what is there lead on; longer ones where that is not enough.
                if not self._multiply(table, limit):
                    limit *= 2
                idle = 0
        return table

    def _is_full(self, table: list[dict[int, Walk]]) -> bool:
        return prod(map(len, table)) == self._group.order

    def _multiply(self, table: list[dict[int, Walk]], limit: int) -> bool:
        """Enter the products of all entries that fix the same base points."""
        improved = False
        for depth in range(len(table)):
            first = list(table[depth].values())
            further = [walk for entries in table[depth:] for walk in entries.values()]
            for one in first:
                for other in further:
                    image = int(other.element[one.element[self._group.base[depth]]])
                    if image not in table[depth]:
                        improved |= self._enter(table, other.then(one), limit)
        return improved

    def _loop(self, rng: np.random.Generator) -> Walk:
        """A random walk of few steps and back to the root, half of the time of none."""
        here, walk = self.root, self._fixing(self._identity)
        for _ in range(min(int(rng.geometric(0.5)) - 1, _LONGEST_LOOP)):
            ways = self._exits.get(here, ())
            walk = walk.then(self._fixing(self._stabilisers[here].random(rng)))
            if not ways:
                break
            way = ways[int(rng.integers(len(ways)))]
            walk, here = walk.then(self._over(self._identity, way)), way.there
        return walk.then(self._fixing(self._stabilisers[here].random(rng))).then(
            self._tree[here].back()
        )

    def _enter(self, table: list[dict[int, Walk]], walk: Walk, limit: int) -> bool:
        """Put a walk into the table, and what is left of it where there is one already.

        What is left is given up when it is longer than the limit.
        """
        improved = False
        for point, entries in zip(self._group.base, table, strict=True):
            known = entries.get(int(walk.element[point]))
            images = int(walk.element[point]), int(np.flatnonzero(walk.element == point)[0])
            for way, image in enumerate(images):
                if image not in entries or len(entries[image].steps) > len(walk.steps):
                    entries[image] = walk.back() if way else walk
                    improved = True
            if known is None or len(known.steps) + len(walk.steps) > limit:
                break
            walk = known.back().then(walk)
        return improved
