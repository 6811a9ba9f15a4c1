"""Verified connections under the whole symmetry of a landscape: what is joined, and how high.

`Routes` knows copies that one kind of symmetry makes, and finds routes over them step by step.
Here a connection stands for its images by every symmetry, and whether two labelled minima are
joined below a height is decided exactly, in a group (`landtopo.paths.walks`). So the height found
is the lowest that the connections allow, whichever copies are asked for. A short route is looked
for among the copies next to the two ends; where there is none, the group gives one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from landtopo.objective import Array
from landtopo.paths.walks import Exit, Part
from landtopo.symmetry.groups import Images, PermutationGroup

__all__ = ["Copies", "Hop", "JoinedCopies", "Link"]

# Labelled minima that the search for a short route visits; images of one link that it looks at.
_VISITED = 4000
_IMAGES = 1500


class Copies(Protocol):
    """The whole symmetry of a landscape and its connected sets of minima.

    An element is an array of images; families are numbered as they are met.
    """

    def locate(self, x: Array, value: float) -> tuple[int, Images]:
        """The family of a minimum, and the element that makes its copy of the representative."""
        ...

    def stabiliser(self, family: int) -> PermutationGroup:
        """What leaves the representative, or the flat set it belongs to, as it is."""
        ...

    def group(self, elements: Sequence[Images]) -> PermutationGroup:
        """The group that some elements generate."""
        ...

    def fixing(self, x: Array) -> Sequence[Images]:
        """Elements that leave a point as it is, and generate all that do."""
        ...

    def act(self, element: Images, points: Array) -> Array:
        """Apply an element to points, shape (..., size)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Link:
    """A verified connection of two minima.

    Attributes
    ----------
    points : ndarray, shape (n, size)
        From the first minimum to the second.
    values : tuple of float
        Of the two minima.
    top : int
        Number of the highest point.
    height : float
    transition : int or None
        Number of its transition state; None if it is flat.
    through : tuple of two tuples of ndarray
        On each side, lower saddles at which the descent came to rest and was pushed on.
    smooth : bool
        Whether the function is smooth at the transition state.
    """

    points: Array = field(repr=False)
    values: tuple[float, float]
    top: int
    height: float
    transition: int | None
    through: tuple[tuple[Array, ...], tuple[Array, ...]] = field(default=((), ()), repr=False)
    smooth: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hop:
    """A copy of a link as a step of a route.

    Attributes
    ----------
    link : int
    element : ndarray of int
        What is applied to it.
    forward : bool
    """

    link: int
    element: Images
    forward: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Place:
    """The copy of a family by an element, and how a search came there."""

    family: int
    element: Images
    before: _Place | None = None
    hop: Hop | None = None


class JoinedCopies:
    """Links, and what they join.

    Parameters
    ----------
    copies : Copies

    Attributes
    ----------
    links : list of Link
    """

    def __init__(self, copies: Copies) -> None:
        self.copies = copies
        self.links: list[Link] = []
        self._starts: list[tuple[Images, Images]] = []
        self._exits: list[Exit] = []
        self._images: dict[int, dict[bytes, Images]] = {}
        self._parts: dict[tuple[int, float], Part] = {}

    def add(self, link: Link, state: Array | None = None) -> None:
        """Enter a connection.

        Where symmetry made a descent end in a saddle, it could have been pushed on to any image of
        its end by what leaves the transition state as it is: these are connections too.

        Parameters
        ----------
        link : Link
        state : ndarray, shape (size,), optional
            Its transition state.
        """
        self._enter(link)
        if state is None or not any(link.through):
            return
        for element in self.copies.fixing(state):
            further = self.copies.act(element, link.points[link.top :])
            moved = tuple(self.copies.act(element, x) for x in link.through[1])
            points = np.vstack([link.points[: link.top], further])
            self._enter(replace(link, points=points, through=(link.through[0], moved)))

    def _enter(self, link: Link) -> None:
        (first, start), (last, end) = (
            self.copies.locate(link.points[place], value)
            for place, value in zip((0, -1), link.values, strict=True)
        )
        # What lies below the new link is joined as before.
        self._parts = {key: part for key, part in self._parts.items() if key[1] < link.height}
        number = len(self.links)
        self.links.append(link)
        self._starts.append((start, end))
        for way, here, there, one, other in (
            (0, first, last, start, end),
            (1, last, first, end, start),
        ):
            self._exits.append(
                Exit(
                    number=2 * number + way,
                    here=here,
                    there=there,
                    voltage=np.argsort(one)[other],
                    height=link.height,
                )
            )

    def route(
        self, start: Array, end: Array, values: tuple[float, float], *, below: float = np.inf
    ) -> tuple[Hop, ...] | None:
        """The route between two minima whose highest point is lowest.

        Parameters
        ----------
        start, end : ndarray, shape (size,)
        values : tuple of float
            Of the two.
        below : float
            Only routes lower than this are wanted.

        Returns
        -------
        tuple of Hop or None
            Empty if both belong to one connected set; None if nothing below joins them.
        """
        places = self._located(start, end, values)
        height = self._height(*places, below)
        if height is None:
            return None
        found = self._short(*places, height)
        return self._from_group(*places, height) if found is None else found

    def height(
        self, start: Array, end: Array, values: tuple[float, float], *, below: float = np.inf
    ) -> float | None:
        """Height of the highest link of the lowest route, which is not looked for itself.

        Parameters
        ----------
        start, end, values, below
            As of `route`.

        Returns
        -------
        float or None
            The value of the higher one if both belong to one connected set; None if nothing below
            joins them.
        """
        height = self._height(*self._located(start, end, values), below)
        return None if height is None else max(height, *values)

    def _located(
        self, start: Array, end: Array, values: tuple[float, float]
    ) -> tuple[_Place, _Place]:
        here, there = (
            _Place(family=family, element=element)
            for family, element in map(self.copies.locate, (start, end), values)
        )
        return here, there

    def _height(self, start: _Place, end: _Place, below: float) -> float | None:
        wanted = np.argsort(start.element)[end.element]
        heights = sorted({link.height for link in self.links if link.height < below})
        heights.insert(0, -np.inf)
        low, high = 0, len(heights) - 1
        if not self._joins(start, end, wanted, heights[high]):
            return None
        while low < high:
            middle = (low + high) // 2
            if self._joins(start, end, wanted, heights[middle]):
                high = middle
            else:
                low = middle + 1
        return heights[low]

    def _joins(self, start: _Place, end: _Place, wanted: Images, height: float) -> bool:
        return self._part(start.family, height).joins(start.family, end.family, wanted)

    def _part(self, family: int, height: float) -> Part:
        key = family, height
        if key not in self._parts:
            exits = [one for one in self._exits if one.height <= height]
            families = {family, *(one.here for one in exits)}
            self._parts[key] = Part(
                family,
                exits,
                [self.copies.stabiliser(number) for number in range(max(families) + 1)],
                self.copies.group,
            )
        return self._parts[key]

    def _key(self, place: _Place) -> tuple[int, bytes]:
        least = self.copies.stabiliser(place.family).least_in_coset(place.element)
        return place.family, least.tobytes()

    def _over(self, place: _Place, way: Exit, fixing: Images) -> _Place:
        """Where an exit leads from a place, by way of an element that fixes the family."""
        element = place.element[fixing]
        forward = way.number % 2 == 0
        own = self._starts[way.number // 2][0 if forward else 1]
        return _Place(
            family=way.there,
            element=element[way.voltage],
            before=place,
            hop=Hop(link=way.number // 2, element=element[np.argsort(own)], forward=forward),
        )

    def _onward(self, place: _Place, height: float) -> Iterator[_Place]:
        for way in self._exits:
            if way.here == place.family and way.height <= height:
                for fixing in self._orbit(way).values():
                    yield self._over(place, way, fixing)

    def _orbit(self, way: Exit) -> dict[bytes, Images]:
        """For each copy that an exit leads to an element that fixes the family it leaves."""
        if way.number not in self._images:
            there = self.copies.stabiliser(way.there)
            identity = np.arange(there.degree)
            found = {there.least_in_coset(way.voltage).tobytes(): identity}
            waiting = [identity]
            for element in waiting:
                for generator in self.copies.stabiliser(way.here).generators:
                    image = generator[element]
                    key = there.least_in_coset(image[way.voltage]).tobytes()
                    if key not in found and len(found) < _IMAGES:
                        found[key] = image
                        waiting.append(image)
            self._images[way.number] = found
        return self._images[way.number]

    def _short(self, start: _Place, end: _Place, height: float) -> tuple[Hop, ...] | None:
        """A route with few steps, searched for from both ends; None if none is met soon."""
        known = {self._key(start): start}, {self._key(end): end}
        fronts = [[start], [end]]
        if self._key(start) in known[1]:
            return ()
        while fronts[0] and fronts[1]:
            side = 0 if len(fronts[0]) <= len(fronts[1]) else 1
            following = []
            for place in fronts[side]:
                for reached in self._onward(place, height):
                    key = self._key(reached)
                    if key in known[side]:
                        continue
                    known[side][key] = reached
                    if key in known[1 - side]:
                        return (
                            *reversed([hop for _, hop in _trail(known[0][key])]),
                            *(_turned(hop) for _, hop in _trail(known[1][key])),
                        )
                    following.append(reached)
                if len(known[0]) + len(known[1]) > _VISITED:
                    return None
            fronts[side] = following
        return None

    def _from_group(self, start: _Place, end: _Place, height: float) -> tuple[Hop, ...]:
        wanted = np.argsort(start.element)[end.element]
        walk = self._part(start.family, height).walk(start.family, end.family, wanted)
        place = start
        for fixing, number in walk.steps:
            place = self._over(place, self._exits[number], fixing)
        places = [*reversed([one for one, _ in _trail(place)])]
        return tuple(self._shortened([start, *places], height))

    def _shortened(self, places: list[_Place], height: float) -> Iterator[Hop]:
        """The hops of a route, without its detours: from every place as far as one hop leads."""
        last_visit = {self._key(place): number for number, place in enumerate(places)}
        here = places[0]
        while (number := last_visit[self._key(here)]) < len(places) - 1:
            reached = None
            for further in reversed(places[number + 2 :]):
                reached = self._directly(here, further, height)
                if reached is not None:
                    break
            here = places[number + 1] if reached is None else reached
            assert here.hop is not None
            yield here.hop

    def _directly(self, here: _Place, there: _Place, height: float) -> _Place | None:
        """The second place, reached from the first by one hop, if one leads there."""
        apart = np.argsort(here.element)[there.element]
        key = self.copies.stabiliser(there.family).least_in_coset(apart).tobytes()
        for way in self._exits:
            if (way.here, way.there) == (here.family, there.family) and way.height <= height:
                fixing = self._orbit(way).get(key)
                if fixing is not None:
                    return self._over(here, way, fixing)
        return None


def _trail(place: _Place) -> Iterator[tuple[_Place, Hop]]:
    """From a place back to where the search began."""
    while place.before is not None and place.hop is not None:
        yield place, place.hop
        place = place.before


def _turned(hop: Hop) -> Hop:
    return Hop(link=hop.link, element=hop.element, forward=not hop.forward)
