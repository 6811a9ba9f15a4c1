"""Complete connection: from one minimum to another by verified steps, over as many as it takes.

Every band may reveal minima between its ends, or miss the mark. Known minima are the nodes of a
graph, verified transition states its edges; the route that costs least, with a missing connection
costing its squared length and more with every failure, says which pair to try next (doubly nudged
connections by Dijkstra's rule: Carr, Trygubenko, Wales, J. Chem. Phys. 122, 234903 (2005)). What
is found holds for all copies under the landscape's symmetry (`Routes`). When a and b are joined,
the search goes on for a while for a route whose highest point is lower.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise

import networkx as nx
import numpy as np

from landtopo.objective import Array, Objective
from landtopo.paths.band import ElasticBand
from landtopo.paths.chain import Metric, evenly_spaced, relax
from landtopo.paths.descent import Descent, DescentOptions, begun_at, descend, descend_both
from landtopo.paths.refine import RefineOptions, refine
from landtopo.paths.routes import Connection, Place, Routes, RouteStep
from landtopo.paths.setting import Element, Pass, PlainSetting, Setting
from landtopo.paths.string import StringMethod
from landtopo.points.ascend import Ascent, ascend
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.progress import Progress, Silent

__all__ = [
    "Attempt",
    "JoinOptions",
    "JoinStatus",
    "Joined",
    "Minimum",
    "Step",
    "Transition",
    "join",
]


class JoinStatus(Enum):
    """How a complete connection ended."""

    CONNECTED = "Verified steps join the two ends."
    BUDGET_USED = "The budget was used before verified steps joined the two ends."
    EXHAUSTED = "Every pair that could help was tried as often as allowed, without success."


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinOptions:
    """How a complete connection is searched for.

    Attributes
    ----------
    images : int
        Images of a band, ends included.
    band : ElasticBand
        Bands only have to lead near the saddles: refinement does the rest.
    refine : RefineOptions
    descent : DescentOptions
    bands : int
        Largest number of bands until the ends are joined.
    tries : int
        Largest number of bands for one pair.
    improve : int
        Largest number of bands spent on a lower route after the first connection.
    patience : int or None
        The improvement stage ends after so many bands in a row that found no lower route; None
        for 10 and up to 40 where there are few coordinates and bands cost little.
    """

    images: int = 13
    band: ElasticBand = field(
        default_factory=lambda: ElasticBand(
            tolerance=1e-9, relative_tolerance=0.1, max_steps=60, climbing=False
        )
    )
    refine: RefineOptions = field(default_factory=RefineOptions)
    descent: DescentOptions = field(default_factory=DescentOptions)
    bands: int = 60
    tries: int = 6
    improve: int = 80
    patience: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """A minimum met on the way.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value : float
    place : Place
        Its family and element.
    """

    x: Array = field(repr=False)
    value: float
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A transition state, or another pass, with both descents done.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value : float
    ascent : Ascent or None
        How it was found, with gradient and spectrum; None for a pass that is no smooth saddle.
    ends : tuple of int
        Minima that the descents ended in, by their number in `Joined.minima`.
    sides : tuple of Descent
    left_band : bool
        Whether refinement left the neighbourhood of the band.
    """

    x: Array = field(repr=False)
    value: float
    ascent: Ascent | None = field(repr=False)
    ends: tuple[int, int]
    sides: tuple[Descent, Descent] = field(repr=False)
    left_band: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One verified step of a route.

    Attributes
    ----------
    transition : int or None
        Transition state, by its number; None for a flat step.
    element : tuple of int
        Element of the symmetry group that was applied to the connection that was found.
    turn : tuple of int or None
        Further symmetry that was applied before.
    points : ndarray, shape (n, size)
        From the start to the end.
    top : int
        Number of the highest point.
    highest : float
        Highest value on the step.
    """

    transition: int | None
    element: Element
    turn: Element | None
    points: Array = field(repr=False)
    top: int
    highest: float

    @property
    def flat(self) -> bool:
        """Whether the step has no transition state because it needs none."""
        return self.transition is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One band that was tried, whatever came of it.

    Attributes
    ----------
    pair : tuple of int
    highest : float
        Highest sampled value of the relaxed band.
    found : tuple of int
        Transition states it led to, by number, known ones included.
    rejected : tuple of str
        Why maxima of the band gave no transition state, one sentence each.
    """

    pair: tuple[int, int]
    highest: float
    found: tuple[int, ...]
    rejected: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Everything found while joining two minima; number 0 and 1 are the ends.

    Attributes
    ----------
    minima : tuple of Minimum
    transitions : tuple of Transition
    route : tuple of Step
        Steps of the route with the lowest highest point; empty if there is none.
    missing : tuple of tuple of int
        If there is no route: pairs of minima whose connection would complete one.
    attempts : tuple of Attempt
    evaluations : Evaluations
    other_routes : tuple of tuple of float
        Highest values of the steps of the next best routes: each is the best one without the
        highest transition states of those before it.
    first_highest : float
        Highest point of the first route found, before the improvement stage.
    status : JoinStatus
    """

    minima: tuple[Minimum, ...]
    transitions: tuple[Transition, ...] = field(repr=False)
    route: tuple[Step, ...] = field(repr=False)
    missing: tuple[tuple[int, int], ...]
    attempts: tuple[Attempt, ...] = field(repr=False)
    evaluations: Evaluations
    other_routes: tuple[tuple[float, ...], ...]
    first_highest: float
    status: JoinStatus

    @property
    def highest(self) -> float:
        """Highest value on the route; infinite if there is none."""
        return max((step.highest for step in self.route), default=float("inf"))


def join(
    objective: Objective,
    start: Array,
    end: Array,
    options: JoinOptions | None = None,
    *,
    setting: Setting | None = None,
    rng: np.random.Generator,
    known: Sequence[Array] = (),
    progress: Progress | None = None,
) -> Joined:
    """Join two minima by verified steps.

    Parameters
    ----------
    objective : Objective
    start, end : ndarray, shape (size,)
        Two minima, |grad| small.
    options : JoinOptions, optional
    setting : Setting, optional
        What is known of the landscape; `PlainSetting` by default.
    rng : numpy.random.Generator
        Breaks the symmetry of the first guesses.
    known : sequence of ndarray, shape (size,)
        Transition states known beforehand; their descents are done again.
    progress : Progress, optional
    """
    search = _Search(
        Counted(objective),
        JoinOptions() if options is None else options,
        PlainSetting() if setting is None else setting,
        rng,
    )
    search.add_minimum(start)
    search.add_minimum(end, new=True)
    for point in known:
        found = ascend(search.objective, point, search.options.refine.ascent)
        search.add_transition(found, left=False)
    return search.run(Silent() if progress is None else progress)


class _Search:
    """The growing graph of minima and transition states of one connection."""

    def __init__(
        self, objective: Counted, options: JoinOptions, setting: Setting, rng: np.random.Generator
    ) -> None:
        self.objective = objective
        self.options = options
        self.setting = setting
        self.rng = rng
        self.routes = Routes(setting)
        self.minima: list[Minimum] = []
        self.transitions: list[Transition] = []
        self.attempts: list[Attempt] = []
        self.joined: nx.utils.UnionFind[int] = nx.utils.UnionFind()
        self.tries: dict[tuple[int, int], int] = {}
        self.distances: dict[tuple[int, int], float] = {}
        self.metric: Metric | None = None
        # Transition states at least this high cannot make the route lower.
        self.ceiling = float("inf")
        self.spread_out = 0
        self._best: tuple[int, list[RouteStep] | None] = (-1, None)

    def run(self, progress: Progress) -> Joined:
        """Search until joined, then improve."""
        progress.begin("joining two minima", self.options.bands)
        status = JoinStatus.CONNECTED
        while self.best() is None:
            if len(self.attempts) >= self.options.bands:
                status = JoinStatus.BUDGET_USED
                break
            pair = self.next_pair()
            if pair is None:
                status = JoinStatus.EXHAUSTED if self.best() is None else status
                break
            self.try_pair(*pair)
            progress.advance(1, f"{len(self.minima)} minima")
        progress.end()
        first = self.highest()
        if first > self.level(0, 1) and status is JoinStatus.CONNECTED:
            self.improve_route(progress)
        route = self.best()
        return Joined(
            minima=tuple(self.minima),
            transitions=tuple(self.transitions),
            route=tuple(self.step(one) for one in route or ()),
            missing=tuple(self.missing()) if route is None else (),
            attempts=tuple(self.attempts),
            evaluations=self.objective.evaluations,
            other_routes=tuple(self.other_routes(route or ())),
            first_highest=first,
            status=status,
        )

    def add_minimum(self, x: Array, *, new: bool = False) -> int:
        """Number of a minimum, a new one if it is not known yet or if that is asked for."""
        value = float(self.objective.value(x))
        place = self.routes.place(x, value, 1e-9 * (1e-3 + abs(value)))
        key = self.routes.key(place)
        for number, other in enumerate(self.minima):
            if not new and self.routes.key(other.place) == key:
                return number
        number = len(self.minima)
        self.minima.append(Minimum(x=x, value=value, place=place))
        for earlier, other in enumerate(self.minima[:-1]):
            flat = self.setting.flat_path(other.x, x)
            if flat is not None:
                self.add_connection(earlier, number, flat, 0, None, max(other.value, value))
                break
        return number

    def add_connection(
        self, i: int, j: int, points: Array, top: int, transition: int | None, height: float
    ) -> None:
        """Enter a verified connection of two known minima."""
        self.joined.union(i, j)
        self.routes.connect(
            Connection(
                ends=(self.minima[i].place, self.minima[j].place),
                height=height,
                points=points,
                top=top,
                transition=transition,
            )
        )

    def add_transition(self, ascent: Ascent, *, left: bool) -> tuple[int | None, str]:
        """Number of a transition state after both descents, or why it is none."""
        if not ascent.converged or ascent.spectrum is None:
            return None, ascent.status.value
        known = self.known_transition(ascent.x, ascent.value)
        if known is not None:
            return known, ""
        if ascent.value >= self.ceiling:
            return None, "It is not lower than the route that is known."
        objection = self.setting.objection(ascent)
        if objection is not None:
            return None, objection
        sides = descend_both(
            self.objective,
            ascent.x,
            ascent.spectrum.vectors[:, 0],
            self.options.descent,
            accept=self.setting.settle,
        )
        for side in sides:
            if not side.converged:
                return None, side.status.value
        ends = (self.add_minimum(sides[0].x), self.add_minimum(sides[1].x))
        return self.enter(ascent.x, ascent.value, ascent, ends, sides, left), ""

    def add_pass(self, other: Pass) -> list[int]:
        """Numbers of the connections over a pass that is no smooth saddle."""
        if other.value >= self.ceiling or self.known_transition(other.x, other.value) is not None:
            return []
        sides, ends = [], []
        for way in other.ways:
            side = descend(self.objective, way, self.options.descent, accept=self.setting.settle)
            if not side.converged:
                continue
            end = self.add_minimum(side.x)
            if end not in ends:
                sides.append(begun_at(side, other.x, way - other.x))
                ends.append(end)
        return [
            self.enter(other.x, other.value, None, (ends[0], end), (sides[0], side), False)
            for side, end in zip(sides[1:], ends[1:], strict=True)
        ]

    def enter(
        self,
        x: Array,
        value: float,
        ascent: Ascent | None,
        ends: tuple[int, int],
        sides: tuple[Descent, Descent],
        left: bool,
    ) -> int:
        """Enter a transition state whose descents are done."""
        number = len(self.transitions)
        self.transitions.append(
            Transition(x=x, value=value, ascent=ascent, ends=ends, sides=sides, left_band=left)
        )
        points = np.vstack([sides[0].points[::-1], sides[1].points[1:]])
        self.add_connection(*ends, points, sides[0].points.shape[0] - 1, number, value)
        return number

    def known_transition(self, x: Array, value: float) -> int | None:
        """The known transition state of which this one is a copy."""
        for number, other in enumerate(self.transitions):
            close = abs(other.value - value) <= 1e-9 * (1e-3 + abs(value))
            if close and self.setting.relation(x, other.x) is not None:
                return number
        return None

    def try_pair(self, i: int, j: int) -> None:
        """One band between two minima, its maxima refined and followed down."""
        key = (min(i, j), max(i, j))
        count = self.tries.get(key, 0)
        self.tries[key] = count + 1
        images = self.setting.first_guess(
            self.minima[i].x, self.minima[j].x, self.options.images, count, self.rng
        )
        if self.metric is None:
            # One metric serves all bands: what is stiff is much the same everywhere.
            # Not at the ends, where a function need not be smooth.
            middle = images.shape[0] // 2
            self.metric = Metric.from_hessians(self.objective, images[[1, middle, -2]])
        chain = relax(self.objective, images, self.options.band, metric=self.metric)
        refinement = refine(self.objective, chain.images, self.options.refine, metric=self.metric)
        found, rejected = [], []
        for maximum in refinement.maxima:
            number, reason = self.add_transition(maximum.ascent, left=maximum.left)
            if number is None:
                rejected.append(reason)
            else:
                found.append(number)
            # A corner is of interest only below the smooth pass that was found from the same place,
            # and until the ends are joined only where there is none.
            below = self.ceiling
            if number is not None:
                below = min(below, self.transitions[number].value)
            if number is None or np.isfinite(self.ceiling):
                for other in self.setting.other_passes(maximum.start, below):
                    found += self.add_pass(other)
        if not found and np.isinf(self.ceiling):
            flat = self.flat_valley(i, j, chain.images, refinement.highest)
            if flat is not None:
                self.add_connection(i, j, flat, 0, None, self.level(i, j))
        self.attempts.append(
            Attempt(
                pair=(i, j),
                highest=refinement.highest,
                found=tuple(found),
                rejected=tuple(rejected),
            )
        )

    def flat_valley(self, i: int, j: int, images: Array, highest: float) -> Array | None:
        """A chain without a barrier between two minima, if a band this low can be made one."""
        ends = max(self.minima[i].value, self.minima[j].value)
        line = self.objective.value(evenly_spaced(images[[0, -1]], images.shape[0]))
        if highest - ends > 0.01 * max(float(line.max()) - ends, 0.0):
            return None
        rule = StringMethod(images=4 * images.shape[0], tolerance=1e-8, max_steps=500)
        chain = relax(self.objective, images, rule, metric=self.metric)
        return chain.images if float(chain.values.max()) <= self.level(i, j) else None

    def level(self, i: int, j: int) -> float:
        """Highest value that still counts as no barrier between two minima."""
        top = max(self.minima[i].value, self.minima[j].value)
        return top + 1e-12 * max(1.0, abs(top))

    def next_pair(self) -> tuple[int, int] | None:
        """The missing connection on the cheapest route that has been tried least."""
        pairs = [p for p in self.missing() if self.tries.get(p, 0) < self.options.tries]
        if pairs and (len(self.attempts) % 3 < 2 or not self.transitions):
            return min(pairs, key=lambda p: (self.tries.get(p, 0), self.length(*p), p))
        self.spread()
        if self.best() is not None:
            return None
        return self.closest_copies() or (pairs[0] if pairs else None)

    def closest_copies(self, height: float = float("inf")) -> tuple[int, int] | None:
        """The closest pair of minima of which one is joined to each end below a height.

        All copies that known connections reach are compared, not only those that were met.
        """
        ends = self.minima[0].place, self.minima[1].place
        sets = [self.routes.reachable(one, other, 20, height) for one, other in (ends, ends[::-1])]
        here, there = (np.array([self.routes.point(place) for place in one]) for one in sets)
        squares = np.sum(here**2, axis=1)[:, None] + np.sum(there**2, axis=1)
        # Rounded, so that ties are broken by number and not by rounding.
        apart = np.round(squares - 2.0 * here @ there.T, 9)
        for flat in np.argsort(apart, axis=None, kind="stable")[:50]:
            i, j = divmod(int(flat), len(there))
            pair = self.add_minimum(here[i]), self.add_minimum(there[j])
            key = (min(pair), max(pair))
            if pair[0] != pair[1] and self.tries.get(key, 0) < self.options.tries:
                return pair
        return None

    def spread(self, copies: int = 60) -> None:
        """Enter copies of the connections by further symmetries, which cost no evaluations."""
        found = [one for one in self.routes.connections if one.turn is None]
        for one in found[self.spread_out :]:
            if one.height >= self.ceiling or one.transition is None:
                continue
            points = np.array([self.routes.point(end) for end in one.ends])
            values = [self.routes.values[end.family] for end in one.ends]
            for _ in range(copies):
                turn = self.setting.automorphism(self.rng)
                if turn is None:
                    break
                ends = [
                    self.routes.place(x, value, 1e-9 * (1e-3 + abs(value)))
                    for x, value in zip(self.setting.turn(turn, points), values, strict=True)
                ]
                self.routes.connect(replace(one, ends=(ends[0], ends[1]), turn=turn))
        self.spread_out = len(found)

    def new_exit(self) -> tuple[int, int]:
        """A minimum joined to an end below the ceiling, and a copy of a known one close to it."""
        side = int(self.rng.integers(2))
        here, there = self.minima[side].place, self.minima[1 - side].place
        inside = self.routes.reachable(here, there, 10, self.ceiling)
        x = self.routes.point(inside[int(self.rng.integers(len(inside)))])
        copies = [self.setting.closest_copy(family, x, self.rng) for family in self.routes.families]
        start = self.add_minimum(x)
        pairs = [(start, self.add_minimum(copy)) for copy in copies]
        pairs = [(i, j) for i, j in pairs if i != j and not self.joined_below(i, j)]
        if not pairs:
            return 0, 1
        return min(pairs, key=lambda p: (self.tries.get((min(p), max(p)), 0), self.length(*p), p))

    def missing(self) -> list[tuple[int, int]]:
        """Pairs without a verified connection on the cheapest route from 0 to 1."""
        graph: nx.Graph[int] = nx.Graph()
        count = len(self.minima)
        component = [self.joined[i] for i in range(count)]
        for i in range(count):
            for j in range(i + 1, count):
                if component[i] == component[j]:
                    graph.add_edge(i, j, weight=0.0)
                    continue
                tries = self.tries.get((i, j), 0)
                if tries < self.options.tries:
                    graph.add_edge(i, j, weight=self.length(i, j) ** 2 * (1.0 + tries) ** 2)
        if 0 not in graph or 1 not in graph or not nx.has_path(graph, 0, 1):
            return []
        nodes = nx.dijkstra_path(graph, 0, 1)
        pairs = [(min(p), max(p)) for p in pairwise(nodes)]
        return [p for p in pairs if component[p[0]] != component[p[1]]]

    def length(self, i: int, j: int) -> float:
        """Distance of two minima, computed once."""
        key = (min(i, j), max(i, j))
        if key not in self.distances:
            self.distances[key] = self.setting.distance(self.minima[i].x, self.minima[j].x)
        return self.distances[key]

    def best(self) -> list[RouteStep] | None:
        """The lowest route between the ends; looked for again only after something was found."""
        count = len(self.routes.connections)
        known, route = self._best
        if known != count:
            new = self.routes.connections[max(known, 0) :]
            # A route can only have become lower over a new connection that is lower itself.
            height = float("inf") if route is None else self.height(route)
            if any(one.height < height for one in new) or known < 0:
                ends = self.minima[0].place, self.minima[1].place
                found = self.routes.lowest(*ends, below=height)
                route = route if found is None else found
            self._best = (count, route)
        return route

    def height(self, route: Sequence[RouteStep]) -> float:
        """Highest value on a route."""
        heights = [self.routes.connections[step.connection].height for step in route]
        return max(heights, default=self.minima[0].value)

    def highest(self) -> float:
        """Highest value on the best route; infinite if there is none."""
        route = self.best()
        return float("inf") if route is None else self.height(route)

    def improve_route(self, progress: Progress) -> None:
        """Bands that may lead around the highest point, until none has for a while."""
        progress.begin("looking for a lower route", self.options.improve)
        used = idle = turn = 0
        patience = self.options.patience
        if patience is None:
            patience = max(10, min(40, 600 // self.objective.size))
        while used < self.options.improve and idle < patience:
            before, highest = len(self.attempts), self.highest()
            self.ceiling = highest - 1e-9 * abs(highest)
            self.improve(turn)
            turn += 1
            spent = max(len(self.attempts) - before, 1)
            idle = 0 if self.highest() < self.ceiling else idle + spent
            used += spent
            progress.advance(spent, f"highest point {self.highest():.7g}")
        progress.end()

    def improve(self, turn: int) -> None:
        """A band, or a chain of them, that may lead around the highest point of the route."""
        # In turn: the ends again, the closest minima on the two sides of the ceiling by small
        # cycles, ways out that are not known yet, and the two sides of the highest step.
        if turn % 4 == 0:
            self.try_pair(0, 1)
        elif turn % 4 == 1:
            self.spread()
            self.try_chain(*(self.closest_copies(self.ceiling) or (0, 1)))
        elif turn % 4 == 2:
            self.try_pair(*self.new_exit())
        else:
            route = self.best() or []
            heights = [self.routes.connections[step.connection].height for step in route]
            top = int(np.argmax(heights))
            before = route[int(self.rng.integers(top + 1))].start
            after = route[int(self.rng.integers(top, len(route)))].end
            self.try_pair(*(self.add_minimum(self.routes.point(p)) for p in (before, after)))

    def try_chain(self, i: int, j: int) -> None:
        """Bands along minima known by symmetry, as long as every link is below the ceiling."""
        points = self.setting.intermediates(self.minima[i].x, self.minima[j].x, self.rng)
        numbers = [i, *(self.add_minimum(point) for point in points), j]
        for here, there in pairwise(numbers):
            if self.joined_below(here, there):
                continue
            self.try_pair(here, there)
            if not self.joined_below(here, there):
                break

    def joined_below(self, i: int, j: int) -> bool:
        """Whether verified steps lower than the ceiling join two minima, as far as is seen."""
        ends = self.minima[i].place, self.minima[j].place
        return self.routes.route(*ends, self.ceiling, limit=300) is not None

    def other_routes(
        self, route: Sequence[RouteStep], most: int = 3
    ) -> Iterator[tuple[float, ...]]:
        """The next best routes, by the highest values of their steps."""
        without: set[int] = set()
        ends = self.minima[0].place, self.minima[1].place
        for _ in range(most):
            steps = [self.routes.connections[step.connection] for step in route]
            top = max(steps, key=lambda step: step.height, default=None)
            if top is None or top.transition is None:
                return
            without.add(top.transition)
            route = self.routes.lowest(*ends, without=without) or ()
            if route:
                yield tuple(self.routes.connections[one.connection].height for one in route)

    def step(self, one: RouteStep) -> Step:
        """A step of the route with its points."""
        connection = self.routes.connections[one.connection]
        points, top = self.routes.step_points(one)
        return Step(
            transition=connection.transition,
            element=one.element,
            turn=connection.turn,
            points=points,
            top=top,
            highest=connection.height,
        )
