"""Routes over verified connections and all their copies under the landscape's symmetry.

Minima are kept as families with an element of the group each: minimum = g . family. A connection
found between g1 . f1 and g2 . f2 exists, by symmetry, between s g1 . f1 and s g2 . f2 for every s.
From g . f1 it therefore leads to g h . f2 with h = g1^-1 g2. The graph of all labelled minima that
this defines (the derived graph of a voltage graph) is never built; routes are searched for in it
from both ends.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from operator import itemgetter

import numpy as np

from landtopo.objective import Array
from landtopo.paths.met import Met
from landtopo.paths.setting import Element, Setting
from landtopo.shown import Brief
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


_Key = tuple[int, Element]
# How a place was reached: from which key, over which exit of which place.
_Trail = dict[_Key, tuple[_Key, Place, "_Exit"] | None]


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
    onward : callable
        g h of g, as fast as it can be computed.
    """

    connection: int
    forward: bool
    height: float
    transition: int | None
    back: Element
    voltage: Element
    there: int
    onward: Callable[[Element], Element]


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
        self.met = Met(setting)
        self.values: list[float] = []
        self.connections: list[Connection] = []
        self._classes: list[Element] = []
        self._distinct: list[bool] = []
        self._exits: list[list[_Exit]] = []
        self._known: dict[tuple[int, int, Element], float] = {}
        self._known_overlaps: dict[_Key, list[tuple[float, Callable[[Element], float]]]] = {}

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
        found = self.met.find(x, value)
        if found is not None:
            return Place(family=found[0], element=found[1])
        number = self.met.add(x, value)
        self.values.append(value)
        classes = self.setting.classes(x)
        self._classes.append(classes)
        self._distinct.append(len(set(classes)) == len(classes))
        self._exits.append([])
        return Place(family=number, element=tuple(range(len(classes))))

    def point(self, place: Place) -> Array:
        """Coordinates of a labelled minimum."""
        return self.setting.act(place.element, self.families[place.family])

    def key(self, place: Place) -> _Key:
        """The same for two places if and only if they are the same labelled minimum."""
        return self._key(place.family, place.element)

    def _key(self, family: int, element: Element) -> _Key:
        if self._distinct[family]:
            return family, element
        classes = self._classes[family]
        labels = [0] * len(classes)
        for i, image in enumerate(element):
            labels[image] = classes[i]
        return family, tuple(labels)

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
                    voltage=(voltage := compose(back, there.element)),
                    there=there.family,
                    onward=_after(voltage),
                )
            )

    def connect_turned(self, connection: Connection, turn: Element) -> None:
        """Add the image of a verified connection by a further symmetry."""
        points = np.array([self.point(end) for end in connection.ends])
        first, last = (
            self.place(x, value)
            for x, value in zip(
                self.setting.turn(turn, points),
                [self.values[end.family] for end in connection.ends],
                strict=True,
            )
        )
        self.connect(replace(connection, ends=(first, last), turn=turn))

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
        trails: tuple[_Trail, _Trail] = ({self.key(start): None}, {self.key(end): None})
        if self.key(start) in trails[1]:
            return []
        fronts = [[start], [end]]
        exits = [
            [one for one in some if one.height <= height and one.transition not in without]
            for some in self._exits
        ]
        while fronts[0] and fronts[1] and len(trails[0]) + len(trails[1]) < limit:
            side = 0 if len(fronts[0]) <= len(fronts[1]) else 1
            trail, other, following = trails[side], trails[1 - side], []
            for place in fronts[side]:
                came = self.key(place)
                element = place.element
                for one in exits[place.family]:
                    reached = one.onward(element)
                    key = self._key(one.there, reached)
                    if key in trail:
                        continue
                    trail[key] = (came, place, one)
                    if key in other:
                        return self._assembled(trails, key)
                    following.append(Place(family=one.there, element=reached))
                if len(trail) > limit:
                    break
            fronts[side] = following
        if not (fronts[0] and fronts[1]):
            return None
        trail = self._guided(start, end, exits, limit // 20)
        found = self.key(end)
        return self._assembled((trail, {found: None}), found) if found in trail else None

    def reachable(self, start: Place, end: Place, most: int, height: float) -> list[Place]:
        """Labelled minima joined to one by connections up to a height.

        Not all of them: always going on from the one closest to a second labelled minimum, `most`
        times.
        """
        exits = [[one for one in some if one.height <= height] for some in self._exits]
        trail = self._guided(start, end, exits, most)
        places = [start]
        for came in trail.values():
            if came is not None:
                _, place, one = came
                places.append(Place(family=one.there, element=one.onward(place.element)))
        return places

    def _guided(self, start: Place, end: Place, exits: list[list[_Exit]], most: int) -> _Trail:
        """Best-first search by the distance to the end; stops there or after so many places."""
        wanted = self.key(end)
        overlaps = self._overlaps(end)
        trail: _Trail = {self.key(start): None}
        queue = [(0.0, 0, start)]
        while queue and wanted not in trail and most > 0:
            most -= 1
            _, _, place = heappop(queue)
            came = self.key(place)
            for one in exits[place.family]:
                element = one.onward(place.element)
                key = self._key(one.there, element)
                if key in trail:
                    continue
                trail[key] = (came, place, one)
                square, overlap = overlaps[one.there]
                # Rounded: equally close copies are taken in the order in which they were met.
                apart = round(square - 2.0 * overlap(element), 9)
                heappush(queue, (apart, len(trail), Place(family=one.there, element=element)))
        return trail

    def squared_distance(self, place: Place, other: Place) -> float:
        """Of two labelled minima, as they are."""
        square, overlap = self._overlaps(other)[place.family]
        return square - 2.0 * overlap(place.element)

    def _overlaps(self, end: Place) -> list[tuple[float, Callable[[Element], float]]]:
        """For each family |family|^2 + |end|^2, and the scalar product of a copy with the end."""
        key = self.key(end)
        known = self._known_overlaps.setdefault(key, [])
        target = self.point(end)
        for family in self.families[len(known) :]:
            square = float(family @ family + target @ target)
            known.append((square, self.setting.overlap(family, target)))
        return known

    def _assembled(self, trails: tuple[_Trail, _Trail], meeting: _Key) -> list[RouteStep]:
        """The steps from the start to the meeting point and on to the end."""
        halves: list[list[RouteStep]] = [[], []]
        for side, trail in enumerate(trails):
            key = meeting
            while (came := trail[key]) is not None:
                key, place, one = came
                step = RouteStep(
                    connection=one.connection,
                    element=compose(place.element, one.back),
                    forward=one.forward == (side == 0),
                    start=place,
                    end=Place(family=one.there, element=compose(place.element, one.voltage)),
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


def _after(voltage: Element) -> Callable[[Element], Element]:
    """The map g -> g h of permutations as tuples of images."""
    if len(voltage) < 2:
        return lambda element: element
    return itemgetter(*voltage)
