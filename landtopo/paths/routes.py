"""Routes over verified connections and all their copies under the landscape's symmetry.

Minima are kept as families with an element of the group each: minimum = g . family. A connection
found between g1 . f1 and g2 . f2 exists, by symmetry, between s g1 . f1 and s g2 . f2 for every s.
From g . f1 it therefore leads to g h . f2 with h = g1^-1 g2. The graph of all labelled minima that
this defines (the derived graph of a voltage graph) is never built; routes are searched for in it
from both ends.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from landtopo.objective import Array
from landtopo.paths.setting import Element, Setting
from landtopo.symmetry.permutations import compose, inverse

__all__ = ["Connection", "Place", "RouteStep", "Routes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A labelled minimum: the copy of a family by an element.

    Attributes
    ----------
    family : int
    element : tuple of int
    """

    family: int
    element: Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A verified connection of two labelled minima.

    Attributes
    ----------
    ends : tuple of two Place
    height : float
        Its highest value.
    points : ndarray, shape (n, size)
        From the first end to the second.
    top : int
        Number of the highest point.
    transition : int or None
        Number of its transition state; None if it is flat.
    """

    ends: tuple[Place, Place]
    height: float
    points: Array = field(repr=False)
    top: int
    transition: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStep:
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


_Key = tuple[int, Element]


class Routes:
    """Families of minima, verified connections, and the routes over their copies.

    Parameters
    ----------
    setting : Setting
        Tells copies apart and makes them.
    limit : int
        Largest number of labelled minima that the search for one route visits.
    """

    def __init__(self, setting: Setting, *, limit: int = 4000) -> None:
        self.setting = setting
        self.limit = limit
        self.families: list[Array] = []
        self.values: list[float] = []
        self.connections: list[Connection] = []
        self._classes: list[Element] = []
        self._exits: list[list[tuple[int, int, Element, Element, int]]] = []

    def place(self, x: Array, value: float, tolerance: float) -> Place:
        """The family and element of a minimum; it begins a new family if it is no copy.

        Parameters
        ----------
        x : ndarray, shape (size,)
        value : float
        tolerance : float
            Families whose value differs by more are not compared.
        """
        for number, (family, other) in enumerate(zip(self.families, self.values, strict=True)):
            if abs(other - value) > tolerance:
                continue
            element = self.setting.relation(x, family)
            if element is not None:
                return Place(family=number, element=element)
        self.families.append(x)
        self.values.append(value)
        classes = self.setting.classes(x)
        self._classes.append(classes)
        self._exits.append([])
        return Place(family=len(self.families) - 1, element=tuple(range(len(classes))))

    def point(self, place: Place) -> Array:
        """Coordinates of a labelled minimum."""
        return self.setting.act(place.element, self.families[place.family])

    def key(self, place: Place) -> tuple[int, Element]:
        """The same for two places if and only if they are the same labelled minimum."""
        classes = self._classes[place.family]
        labels = [0] * len(classes)
        for i, image in enumerate(place.element):
            labels[image] = classes[i]
        return place.family, tuple(labels)

    def connect(self, connection: Connection) -> None:
        """Add a verified connection."""
        number = len(self.connections)
        self.connections.append(connection)
        for side in (0, 1):
            here, there = connection.ends[side], connection.ends[1 - side]
            back = inverse(here.element)
            voltage = compose(back, there.element)
            self._exits[here.family].append((number, side, back, voltage, there.family))

    def lowest(
        self, start: Place, end: Place, *, without: Container[int] = ()
    ) -> list[RouteStep] | None:
        """The route whose highest point is lowest, with the fewest steps among those.

        Parameters
        ----------
        start, end : Place
        without : container of int
            Transition states that must not be used.
        """
        heights = sorted({connection.height for connection in self.connections})
        low, high = 0, len(heights) - 1
        best = self.route(start, end, heights[high], without=without) if heights else None
        if self.key(start) == self.key(end):
            return []
        if best is None:
            return None
        while low < high:
            middle = (low + high) // 2
            found = self.route(start, end, heights[middle], without=without)
            if found is None:
                low = middle + 1
            else:
                best, high = found, middle
        return best

    def route(
        self, start: Place, end: Place, height: float, *, without: Container[int] = ()
    ) -> list[RouteStep] | None:
        """A route with the fewest steps over connections up to a height; None if none is found."""
        reached: list[dict[_Key, tuple[_Key | None, RouteStep | None]]] = [
            {self.key(start): (None, None)},
            {self.key(end): (None, None)},
        ]
        if self.key(start) in reached[1]:
            return []
        front = [[start], [end]]
        while front[0] and front[1] and len(reached[0]) + len(reached[1]) < self.limit:
            side = 0 if len(front[0]) <= len(front[1]) else 1
            following = []
            for place in front[side]:
                key = self.key(place)
                for step in self._steps_from(place, height, without):
                    there = self.key(step.end)
                    if there in reached[side]:
                        continue
                    reached[side][there] = (key, step)
                    if there in reached[1 - side]:
                        return self._assembled(reached, there)
                    following.append(step.end)
            front[side] = following
        return None

    def reachable(self, start: Place, most: int, height: float) -> list[Place]:
        """Labelled minima joined to one by connections up to a height, nearest in steps first."""
        seen = {self.key(start)}
        places = [start]
        for place in places:
            for step in self._steps_from(place, height, ()):
                key = self.key(step.end)
                if key not in seen:
                    seen.add(key)
                    places.append(step.end)
                if len(places) >= most:
                    return places
        return places

    def _steps_from(
        self, place: Place, height: float, without: Container[int]
    ) -> Iterator[RouteStep]:
        for number, side, back, voltage, family in self._exits[place.family]:
            connection = self.connections[number]
            if connection.height > height or connection.transition in without:
                continue
            yield RouteStep(
                connection=number,
                element=compose(place.element, back),
                forward=side == 0,
                start=place,
                end=Place(family=family, element=compose(place.element, voltage)),
            )

    def _assembled(
        self, reached: list[dict[_Key, tuple[_Key | None, RouteStep | None]]], meeting: _Key
    ) -> list[RouteStep]:
        halves: list[list[RouteStep]] = [[], []]
        for side in (0, 1):
            key: _Key | None = meeting
            while key is not None:
                key, step = reached[side][key]
                if step is not None:
                    halves[side].append(step)
        back = [
            RouteStep(
                connection=step.connection,
                element=step.element,
                forward=not step.forward,
                start=step.end,
                end=step.start,
            )
            for step in halves[1]
        ]
        return halves[0][::-1] + back

    def step_points(self, step: RouteStep) -> tuple[Array, int]:
        """Points of a step from its start to its end, and the number of the highest one."""
        connection = self.connections[step.connection]
        points = self.setting.act(step.element, connection.points)
        if step.forward:
            return points, connection.top
        return points[::-1], points.shape[0] - 1 - connection.top
