"""Routes over verified connections and all their copies under the landscape's symmetry.

Minima are kept as families with an element of the group each: minimum = g . family. A connection
found between g1 . f1 and g2 . f2 exists, by symmetry, between s g1 . f1 and s g2 . f2 for every s.
From g . f1 it therefore leads to g h . f2 with h = g1^-1 g2. The graph of all labelled minima that
this defines (the derived graph of a voltage graph) is never built; routes are searched for in it
from both ends, all that one minimum leads to at a time.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from landtopo.objective import Array
from landtopo.paths.setting import Element, Setting, known_places
from landtopo.shown import Brief
from landtopo.symmetry.groups import Images
from landtopo.symmetry.permutations import compose, inverse

__all__ = ["Connection", "Place", "RouteStep", "Routes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Brief):
    """A labelled minimum: the copy of a family by an element.

    Attributes
    ----------
    family : int
    element : tuple of int
    """

    family: int
    element: Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Brief):
    """A verified connection of two labelled minima.

    Attributes
    ----------
    ends : tuple of two Place
    height : float
        Its highest value.
    points : ndarray, shape (n, size)
        From the first end to the second, before `turn` is applied.
    top : int
        Number of the highest point.
    transition : int or None
        Number of its transition state; None if it is flat.
    turn : tuple of int or None
        Further symmetry by which this is a copy of what was found.
    """

    ends: tuple[Place, Place]
    height: float
    points: Array = field(repr=False)
    top: int
    transition: int | None
    turn: Element | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStep(Brief):
    """A copy of a connection as a step of a route.

    Attributes
    ----------
    connection : int
        Its number.
    element : tuple of int
        What was applied to it.
    forward : bool
        Whether it leads from its first end to its second.
    start, end : Place
    """

    connection: int
    element: Element
    forward: bool
    start: Place
    end: Place


class _Node(NamedTuple):
    """A labelled minimum in a search; its key is that of no other."""

    family: int
    element: Images
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exit:
    """One side of a connection, as seen from its family: where g . family leads to.

    Attributes
    ----------
    connection : int
    forward : bool
        Whether it leads along the connection.
    height : float
    transition : int or None
    back : tuple of int
        Inverse of the element of this end.
    voltage : tuple of int
        h: g . family leads to g h . there.
    there : int
        The other family.
    """

    connection: int
    forward: bool
    height: float
    transition: int | None
    back: Element
    voltage: Element
    there: int


class _Fan(NamedTuple):
    """Exits of one family, in the order in which they were met, and in columns."""

    exits: list[_Exit]
    voltages: Images
    there: Images


# How a place was reached: from where, over which exit.
_Trail = dict[bytes, tuple[_Node, _Exit] | None]


class Routes:
    """Families of minima, verified connections, and the routes over their copies.

    Parameters
    ----------
    setting : Setting
        Tells copies apart and makes them.
    limit : int
        Largest number of labelled minima that the search for one route visits.
    """

    def __init__(self, setting: Setting, *, limit: int = 2000) -> None:
        self.setting = setting
        self.limit = limit
        self.met = known_places(setting)
        self.values: list[float] = []
        self.connections: list[Connection] = []
        self._classes = np.empty((0, 0), dtype=np.intp)
        self._exits: list[list[_Exit]] = []
        self._known: dict[tuple[int, int, Element], float] = {}
        self._distances: dict[bytes, _Distances] = {}
        self._images: dict[tuple[int, Element], Place] = {}

    @property
    def families(self) -> list[Array]:
        """A representative of each."""
        return self.met.points

    def place(self, x: Array, value: float) -> Place:
        """The family and element of a minimum; it begins a new family if it is no copy.

        Parameters
        ----------
        x : ndarray, shape (size,)
        value : float
        """
        number, element = self.met.place(x, value)
        if element is not None:
            return Place(family=number, element=element)
        self.values.append(value)
        classes = np.array(self.setting.classes(x), dtype=np.intp)
        self._classes = np.vstack([self._classes.reshape(number, classes.size), classes])
        self._exits.append([])
        return Place(family=number, element=tuple(range(classes.size)))

    def point(self, place: Place) -> Array:
        """Coordinates of a labelled minimum."""
        return self.setting.act(place.element, self.families[place.family])

    def key(self, place: Place) -> bytes:
        """The same for two places if and only if they are the same labelled minimum."""
        return self._node(place).key

    def _node(self, place: Place) -> _Node:
        element = np.array(place.element, dtype=np.intp)
        (key,) = self._keys(np.array([place.family]), element[None])
        return _Node(place.family, element, key)

    def _keys(self, families: Images, elements: Images) -> list[bytes]:
        """The keys of many places: the family, and what each thing is that elements move."""
        labels = np.empty((len(families), 1 + elements.shape[1]), dtype=np.int32)
        labels[:, 0] = families
        labels[np.arange(len(families))[:, None], 1 + elements] = self._classes[families]
        size = labels.itemsize * labels.shape[1]
        text = labels.tobytes()
        return [text[i : i + size] for i in range(0, len(text), size)]

    def connect(self, connection: Connection) -> None:
        """Add a verified connection, unless a lower one joins the same copies."""
        first, last = connection.ends
        name = (first.family, last.family, compose(inverse(first.element), last.element))
        if self._known.get(name, float("inf")) <= connection.height:
            return
        self._known[name] = connection.height
        self._known[last.family, first.family, inverse(name[2])] = connection.height
        number = len(self.connections)
        self.connections.append(connection)
        for forward in (True, False):
            here, there = connection.ends if forward else connection.ends[::-1]
            back = inverse(here.element)
            self._exits[here.family].append(
                _Exit(
                    connection=number,
                    forward=forward,
                    height=connection.height,
                    transition=connection.transition,
                    back=back,
                    voltage=compose(back, there.element),
                    there=there.family,
                )
            )

    def connect_turned(self, connection: Connection, turn: Element) -> None:
        """Add the image of a verified connection by a further symmetry."""
        ends = [self._turned(end, turn) for end in connection.ends]
        self.connect(replace(connection, ends=(ends[0], ends[1]), turn=turn))

    def _turned(self, place: Place, turn: Element) -> Place:
        """Where a further symmetry carries a place: g . family to g . (its image of the family)."""
        key = place.family, turn
        if key not in self._images:
            image = self.setting.turn(turn, self.families[place.family])
            self._images[key] = self.place(image, self.values[place.family])
        image_of_family = self._images[key]
        return Place(
            family=image_of_family.family, element=compose(place.element, image_of_family.element)
        )

    def lowest(
        self,
        start: Place,
        end: Place,
        *,
        below: float = float("inf"),
        without: Container[int] = (),
    ) -> list[RouteStep] | None:
        """The route whose highest point is lowest, with the fewest steps among those.

        Parameters
        ----------
        start, end : Place
        below : float
            Only routes over connections lower than this are wanted.
        without : container of int
            Transition states that must not be used.

        Returns
        -------
        list of RouteStep or None
            None if there is no such route, or none within the limit of the search.
        """
        heights = sorted({one.height for one in self.connections if one.height < below})
        best = self.route(start, end, heights[-1] if heights else below, without=without)
        if not best:
            return best
        low, high = 0, len(heights) - 1
        while low < high:
            middle = (low + high) // 2
            found = self.route(start, end, heights[middle], without=without)
            if found is None:
                low = middle + 1
            else:
                best, high = found, middle
        return best

    def route(
        self,
        start: Place,
        end: Place,
        height: float,
        *,
        without: Container[int] = (),
        limit: int | None = None,
    ) -> list[RouteStep] | None:
        """A route with the fewest steps over connections up to a height; None if none is found.

        Where there are more copies than the limit, a route that always goes on from the copy
        closest to the end is looked for instead.
        """
        limit = self.limit if limit is None else limit
        first, last = self._node(start), self._node(end)
        trails: tuple[_Trail, _Trail] = ({first.key: None}, {last.key: None})
        if first.key == last.key:
            return []
        fronts = [[first], [last]]
        fans = _Fans(self._exits, self._classes.shape[1], height, without)
        while fronts[0] and fronts[1] and len(trails[0]) + len(trails[1]) < limit:
            side = 0 if len(fronts[0]) <= len(fronts[1]) else 1
            trail, other, following = trails[side], trails[1 - side], []
            for node in fronts[side]:
                fan = fans.of(node.family)
                elements = node.element[fan.voltages]
                keys = self._keys(fan.there, elements)
                for one, element, key in zip(fan.exits, elements, keys, strict=True):
                    if key in trail:
                        continue
                    trail[key] = node, one
                    if key in other:
                        return self._assembled(trails, key)
                    following.append(_Node(one.there, element, key))
                if len(trail) > limit:
                    break
            fronts[side] = following
        if not (fronts[0] and fronts[1]):
            return None
        trail = self._guided(first, last, fans, limit // 20)
        found = last.key
        return self._assembled((trail, {found: None}), found) if found in trail else None

    def reachable(self, start: Place, end: Place, most: int, height: float) -> list[Place]:
        """Labelled minima joined to one by connections up to a height.

        Not all of them: always going on from the one closest to a second labelled minimum, `most`
        times.
        """
        fans = _Fans(self._exits, self._classes.shape[1], height, ())
        trail = self._guided(self._node(start), self._node(end), fans, most)
        places = [start]
        for came in trail.values():
            if came is not None:
                node, one = came
                element = tuple(node.element[list(one.voltage)].tolist())
                places.append(Place(family=one.there, element=element))
        return places

    def _guided(self, start: _Node, end: _Node, fans: _Fans, most: int) -> _Trail:
        """Best-first search by the distance to the end; stops there or after so many places."""
        distances = self._distances_to(end)
        trail: _Trail = {start.key: None}
        queue = [(0.0, 0, start)]
        while queue and end.key not in trail and most > 0:
            most -= 1
            _, _, node = heappop(queue)
            fan = fans.of(node.family)
            elements = node.element[fan.voltages]
            keys = self._keys(fan.there, elements)
            # Rounded: equally close copies are taken in the order in which they were met.
            apart = np.round(distances.squared(fan.there, elements), 9).tolist()
            rows = zip(fan.exits, elements, keys, apart, strict=True)
            for one, element, key, far in rows:
                if key not in trail:
                    trail[key] = node, one
                    heappush(queue, (far, len(trail), _Node(one.there, element, key)))
        return trail

    def squared_distances(self, places: list[Place], other: Place) -> Array:
        """Of labelled minima to another one, as they are, shape (n,)."""
        families = np.array([place.family for place in places])
        elements = np.array([place.element for place in places], dtype=np.intp)
        return self._distances_to(self._node(other)).squared(families, elements)

    def _distances_to(self, end: _Node) -> _Distances:
        known = self._distances.setdefault(end.key, _Distances(self.setting))
        if known.count < len(self.families):
            target = self.setting.act(tuple(end.element.tolist()), self.families[end.family])
            known.add(self.families[known.count :], target)
        return known

    def _assembled(self, trails: tuple[_Trail, _Trail], meeting: bytes) -> list[RouteStep]:
        """The steps from the start to the meeting point and on to the end."""
        halves: list[list[RouteStep]] = [[], []]
        for side, trail in enumerate(trails):
            key = meeting
            while (came := trail[key]) is not None:
                node, one = came
                key, element = node.key, tuple(node.element.tolist())
                step = RouteStep(
                    connection=one.connection,
                    element=compose(element, one.back),
                    forward=one.forward == (side == 0),
                    start=Place(family=node.family, element=element),
                    end=Place(family=one.there, element=compose(element, one.voltage)),
                )
                if side == 1:
                    step = replace(step, start=step.end, end=step.start)
                halves[side].append(step)
        return halves[0][::-1] + halves[1]

    def step_points(self, step: RouteStep) -> tuple[Array, int]:
        """Points of a step from its start to its end, and the number of the highest one."""
        connection = self.connections[step.connection]
        points = connection.points
        if connection.turn is not None:
            points = self.setting.turn(connection.turn, points)
        points = self.setting.act(step.element, points)
        if step.forward:
            return points, connection.top
        return points[::-1], points.shape[0] - 1 - connection.top


class _Fans:
    """The exits that one search may use, of every family that it comes to."""

    def __init__(
        self,
        exits: list[list[_Exit]],
        degree: int,
        height: float,
        without: Container[int | None],
    ) -> None:
        self._exits = exits
        self._degree = degree
        self._height = height
        self._without = without
        self._fans: dict[int, _Fan] = {}

    def of(self, family: int) -> _Fan:
        """The exits of a family."""
        if family not in self._fans:
            used = [
                one
                for one in self._exits[family]
                if one.height <= self._height and one.transition not in self._without
            ]
            voltages = np.array([one.voltage for one in used], dtype=np.intp)
            there = np.array([one.there for one in used], dtype=np.intp)
            self._fans[family] = _Fan(used, voltages.reshape(len(used), self._degree), there)
        return self._fans[family]


class _Distances:
    """Squared distances of all copies of all families to one labelled minimum."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self.count = 0
        self._squares = np.empty(0)
        self._tables = np.empty((0, 0, 0))

    def add(self, families: list[Array], target: Array) -> None:
        """Prepare for copies of further families; the target is the same each time."""
        overlaps = [self._setting.overlap(family, target) for family in families]
        squares = [
            float(family @ family + target @ target) - 2.0 * overlap.constant
            for family, overlap in zip(families, overlaps, strict=True)
        ]
        self._squares = np.append(self._squares, squares)
        tables = np.array([overlap.table for overlap in overlaps])
        self._tables = np.concatenate([self._tables.reshape(self.count, *tables.shape[1:]), tables])
        self.count += len(families)

    def squared(self, families: Images, elements: Images) -> Array:
        """Of the copies of families by elements, shape (n, size of the elements)."""
        rows = np.arange(elements.shape[1])
        overlaps = self._tables[families[:, None], rows, elements].sum(axis=1)
        return np.asarray(self._squares[families] - 2.0 * overlaps)
