"""Complete connection: from one minimum to another by verified steps, over as many as it takes.

Every band may reveal minima between its ends, or miss the mark. Known minima are the nodes of a
graph, verified transition states its edges; the route that costs least, with a missing connection
costing its squared length and more with every failure, says which pair to try next (doubly nudged
connections by Dijkstra's rule: Carr, Trygubenko, Wales, J. Chem. Phys. 122, 234903 (2005)). When a
and b are joined, the search goes on for a while for a route whose highest point is lower.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Protocol

import networkx as nx
import numpy as np

from landtopo.objective import Array, Objective
from landtopo.paths.band import ElasticBand
from landtopo.paths.chain import Metric, evenly_spaced, relax
from landtopo.paths.descent import Descent, DescentOptions, descend_both
from landtopo.paths.refine import RefineOptions, refine
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
    "PlainSetting",
    "Setting",
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
    patience : int
        The improvement stage ends after so many bands in a row that found no lower route.
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
    improve: int = 40
    patience: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """A minimum met on the way.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value : float
    """

    x: Array = field(repr=False)
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A transition state with both descents done.

    Attributes
    ----------
    ascent : Ascent
        How it was found; its point, gradient and spectrum.
    sides : tuple of Descent
    ends : tuple of int
        Minima that the descents ended in, by their number in `Joined.minima`.
    left_band : bool
        Whether refinement left the neighbourhood of the band.
    """

    ascent: Ascent = field(repr=False)
    sides: tuple[Descent, Descent] = field(repr=False)
    ends: tuple[int, int]
    left_band: bool

    @property
    def value(self) -> float:
        """Value at the transition state."""
        return self.ascent.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One verified step of a route.

    Attributes
    ----------
    start, end : int
        Minima, by their number.
    transition : int or None
        Transition state, by its number; None for a flat step.
    points : ndarray, shape (n, size)
        From the start to the end.
    top : int
        Number of the transition state's point.
    highest : float
        Highest value on the step.
    """

    start: int
    end: int
    transition: int | None
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
    flats : tuple of tuple
        (i, j, points): minima joined without a barrier.
    route : tuple of Step
        Steps of the route with the lowest highest point; empty if there is none.
    missing : tuple of tuple of int
        If there is no route: pairs of minima whose connection would complete one.
    attempts : tuple of Attempt
    evaluations : Evaluations
    other_routes : tuple of tuple of float
        Values at the transition states of the next best routes: each is the best one without the
        highest transition states of those before it.
    first_highest : float
        Highest point of the first route found, before the improvement stage.
    status : JoinStatus
    """

    minima: tuple[Minimum, ...]
    transitions: tuple[Transition, ...] = field(repr=False)
    flats: tuple[tuple[int, int, Array], ...] = field(repr=False)
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


class Setting(Protocol):
    """What a connection has to know of the landscape besides the function itself."""

    def same(self, x: Array, others: Sequence[Array]) -> int | None:
        """Which of the known minima this one is; None if it is new."""
        ...

    def known_transition(self, x: Array, others: Sequence[Array]) -> int | None:
        """Which of the known transition states this one is."""
        ...

    def distance(self, x: Array, y: Array) -> float:
        """Length of a missing connection."""
        ...

    def first_guess(
        self, x: Array, y: Array, images: int, attempt: int, rng: np.random.Generator
    ) -> Array:
        """Images to begin a band with, its symmetry broken; shape (images, size)."""
        ...

    def objection(self, ascent: Ascent) -> str | None:
        """Why a critical point of index 1 here is no transition state; None if it is one."""
        ...

    def settle(self, x: Array) -> Array | None:
        """The end of a descent that Newton's method cannot reach, if it can be told from here."""
        ...

    def flat_path(self, x: Array, y: Array) -> Array | None:
        """A path of constant value between two minima, if the landscape has one."""
        ...

    def intermediates(self, x: Array, y: Array, rng: np.random.Generator) -> Sequence[Array]:
        """Minima, known by symmetry, through which a lower route from x to y may lead."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSetting:
    """A function of which nothing else is known.

    Attributes
    ----------
    tolerance : float
        Distance below which two critical points are the same.
    noise : tuple of float
        Displacements of the first guesses in turn, as fractions of the distance of the ends.
    """

    tolerance: float = 1e-6
    noise: tuple[float, ...] = (0.0, 0.1, 0.3, 0.6)

    def same(self, x: Array, others: Sequence[Array]) -> int | None:
        """The known minimum within the tolerance."""
        for i, other in enumerate(others):
            if np.linalg.norm(x - other) <= self.tolerance * (1.0 + np.linalg.norm(x)):
                return i
        return None

    def known_transition(self, x: Array, others: Sequence[Array]) -> int | None:
        """The known transition state within the tolerance."""
        return self.same(x, others)

    def distance(self, x: Array, y: Array) -> float:
        """Euclidean distance."""
        return float(np.linalg.norm(x - y))

    def first_guess(
        self, x: Array, y: Array, images: int, attempt: int, rng: np.random.Generator
    ) -> Array:
        """The straight line, bent by a random half wave from the second attempt on."""
        share = np.linspace(0.0, 1.0, images)
        line = x + share[:, None] * (y - x)
        bend = rng.standard_normal(x.size)
        bend *= self.noise[attempt % len(self.noise)] * self.distance(x, y) / np.linalg.norm(bend)
        line += np.sin(np.pi * share)[:, None] * bend
        line[0], line[-1] = x, y
        return np.asarray(line)

    def objection(self, ascent: Ascent) -> str | None:
        """None: index 1 is all that is asked."""
        return None

    def settle(self, x: Array) -> Array | None:
        """Nothing is known of the minima beforehand."""
        return None

    def flat_path(self, x: Array, y: Array) -> Array | None:
        """No flat set is known."""
        return None

    def intermediates(self, x: Array, y: Array, rng: np.random.Generator) -> Sequence[Array]:
        """No symmetry is known."""
        return ()


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
    progress = Silent() if progress is None else progress
    search.add_minimum(start)
    search.add_minimum(end)
    for point in known:
        search.add_known(point)
    return search.run(progress)


class _Search:
    """The growing graph of minima and transition states of one connection."""

    def __init__(
        self, objective: Counted, options: JoinOptions, setting: Setting, rng: np.random.Generator
    ) -> None:
        self.objective = objective
        self.options = options
        self.setting = setting
        self.rng = rng
        self.minima: list[Minimum] = []
        self.transitions: list[Transition] = []
        self.flats: list[tuple[int, int, Array]] = []
        self.attempts: list[Attempt] = []
        self.tries: dict[tuple[int, int], int] = {}
        self.distances: dict[tuple[int, int], float] = {}
        self.metric: Metric | None = None

    def run(self, progress: Progress) -> Joined:
        """Search until joined, then improve."""
        progress.begin("joining two minima", self.options.bands)
        status = JoinStatus.BUDGET_USED
        while len(self.attempts) < self.options.bands:
            if self.same_component():
                status = JoinStatus.CONNECTED
                break
            pair = self.next_pair()
            if pair is None:
                status = JoinStatus.EXHAUSTED
                break
            self.try_pair(*pair)
            progress.advance(1, f"{len(self.minima)} minima")
        if self.same_component():
            status = JoinStatus.CONNECTED
        progress.end()
        route = self.route()
        first = highest = max((step.highest for step in route), default=float("inf"))
        if route and highest > self.level(0, 1):
            progress.begin("looking for a lower route", self.options.improve)
            used = idle = turn = 0
            while used < self.options.improve and idle < self.options.patience:
                before = len(self.attempts)
                self.improve(turn, route)
                turn += 1
                spent = max(len(self.attempts) - before, 1)
                route = self.route()
                lower = max(step.highest for step in route)
                idle = 0 if lower < highest - 1e-9 * abs(highest) else idle + spent
                highest = lower
                used += spent
                progress.advance(spent, f"highest point {highest:.7g}")
            progress.end()
        return Joined(
            minima=tuple(self.minima),
            transitions=tuple(self.transitions),
            flats=tuple(self.flats),
            route=tuple(route),
            missing=() if route else tuple(self.missing()),
            attempts=tuple(self.attempts),
            evaluations=self.objective.evaluations,
            other_routes=tuple(self.other_routes(route)),
            first_highest=first,
            status=status,
        )

    def add_minimum(self, x: Array) -> int:
        """Number of a minimum, a new one if it is not known yet."""
        known = self.setting.same(x, [minimum.x for minimum in self.minima])
        if known is not None and not (len(self.minima) == 1 and known == 0):
            return known
        number = len(self.minima)
        self.minima.append(Minimum(x=x, value=float(self.objective.value(x))))
        for other in range(number):
            flat = self.setting.flat_path(self.minima[other].x, x)
            if flat is not None:
                self.flats.append((other, number, flat))
                break
        return number

    def add_known(self, x: Array) -> None:
        """Take a transition state that is known beforehand."""
        ascent = ascend(self.objective, x, self.options.refine.ascent)
        self.add_transition(ascent, left=True)

    def add_transition(self, ascent: Ascent, *, left: bool) -> tuple[int | None, str]:
        """Number of a transition state after both descents, or why it is none."""
        if not ascent.converged or ascent.spectrum is None:
            return None, ascent.status.value
        known = self.setting.known_transition(ascent.x, [t.ascent.x for t in self.transitions])
        if known is not None:
            return known, ""
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
        transition = Transition(ascent=ascent, sides=sides, ends=ends, left_band=left)
        self.transitions.append(transition)
        return len(self.transitions) - 1, ""

    def try_pair(self, i: int, j: int) -> None:
        """One band between two minima, its maxima refined and followed down."""
        key = (min(i, j), max(i, j))
        count = self.tries.get(key, 0)
        self.tries[key] = count + 1
        images = self.setting.first_guess(
            self.minima[i].x,
            self.minima[j].x,
            self.options.images,
            count,
            self.rng,
        )
        if self.metric is None:
            # One metric serves all bands: what is stiff is much the same everywhere.
            # Not at the ends, where a function need not be smooth.
            middle = images.shape[0] // 2
            self.metric = Metric.from_hessians(self.objective, images[[1, middle, -2]])
        chain = relax(self.objective, images, self.options.band, metric=self.metric)
        refinement = refine(self.objective, chain.images, self.options.refine)
        found, rejected = [], []
        for maximum in refinement.maxima:
            number, reason = self.add_transition(maximum.ascent, left=maximum.left)
            if number is None:
                rejected.append(reason)
            else:
                found.append(number)
        if not found:
            flat = self.flat_valley(i, j, chain.images, refinement.highest)
            if flat is not None:
                self.flats.append((i, j, flat))
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

    def edges(self, without: Container[int] = ()) -> nx.Graph[int]:
        """Verified connections only, the lowest for each pair, some transition states left out."""
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(self.minima)))
        for number, transition in enumerate(self.transitions):
            i, j = transition.ends
            if i == j or number in without:
                continue
            if not graph.has_edge(i, j) or transition.value < graph.edges[i, j]["height"]:
                graph.add_edge(i, j, height=transition.value, transition=number, flat=-1)
        for number, (i, j, _) in enumerate(self.flats):
            height = max(self.minima[i].value, self.minima[j].value)
            if i != j and (not graph.has_edge(i, j) or height < graph.edges[i, j]["height"]):
                graph.add_edge(i, j, height=height, transition=-1, flat=number)
        return graph

    def same_component(self) -> bool:
        """Whether verified steps join the ends."""
        return bool(nx.has_path(self.edges(), 0, 1))

    def next_pair(self) -> tuple[int, int] | None:
        """The missing connection on the cheapest route that has been tried least."""
        missing = self.missing()
        open_pairs = [p for p in missing if self.tries.get(p, 0) < self.options.tries]
        if not open_pairs:
            return None
        return min(open_pairs, key=lambda p: (self.tries.get(p, 0), self.length(*p), p))

    def missing(self) -> list[tuple[int, int]]:
        """Pairs without a verified connection on the cheapest route from 0 to 1."""
        verified = self.edges()
        component = {
            node: number
            for number, nodes in enumerate(nx.connected_components(verified))
            for node in nodes
        }
        graph: nx.Graph[int] = nx.Graph()
        graph.add_edges_from(verified.edges, weight=0.0)
        count = len(self.minima)
        for i in range(count):
            for j in range(i + 1, count):
                if component[i] == component[j]:
                    continue
                tries = self.tries.get((i, j), 0)
                if tries >= self.options.tries:
                    continue
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

    def improve(self, turn: int, route: list[Step]) -> None:
        """A band, or a chain of them, that may lead around the highest point of the route."""
        top = max(route, key=lambda step: step.highest)
        where = route.index(top)
        if turn % 3 == 1:
            self.try_chain(0, 1, top.highest)
        elif turn % 3 == 2:
            before = [step.start for step in route[: where + 1]]
            after = [step.end for step in route[where:]]
            self.try_pair(
                before[int(self.rng.integers(len(before)))],
                after[int(self.rng.integers(len(after)))],
            )
        elif turn % 2:
            self.try_pair(top.start, top.end)
        else:
            self.try_pair(0, 1)

    def try_chain(self, i: int, j: int, height: float) -> None:
        """Bands along minima known by symmetry, as long as every link is below a height."""
        points = self.setting.intermediates(self.minima[i].x, self.minima[j].x, self.rng)
        numbers = [i]
        for point in points:
            numbers.append(self.add_minimum(point))
        numbers.append(j)
        for here, there in pairwise(numbers):
            if here == there or self.joined_below(here, there, height):
                continue
            self.try_pair(here, there)
            if not self.joined_below(here, there, height):
                break

    def joined_below(self, i: int, j: int, height: float) -> bool:
        """Whether verified steps lower than a height join two minima."""
        lower = _below(self.edges(), height - 1e-9 * abs(height))
        return bool(nx.has_path(lower, i, j))

    def other_routes(self, route: Sequence[Step], most: int = 3) -> Iterator[tuple[float, ...]]:
        """The next best routes, by the values at their transition states."""
        without: set[int] = set()
        for _ in range(most):
            top = max(route, key=lambda step: step.highest, default=None)
            if top is None or top.transition is None:
                return
            without.add(top.transition)
            route = self.route(without)
            if route:
                yield tuple(step.highest for step in route)

    def route(self, without: Container[int] = ()) -> list[Step]:
        """Route from 0 to 1 with the lowest highest point, and the fewest steps among those."""
        graph = self.edges(without)
        if not nx.has_path(graph, 0, 1):
            return []
        heights = sorted({data["height"] for _, _, data in graph.edges(data=True)})
        low, high = 0, len(heights) - 1
        while low < high:
            middle = (low + high) // 2
            if nx.has_path(_below(graph, heights[middle]), 0, 1):
                high = middle
            else:
                low = middle + 1
        nodes = nx.shortest_path(_below(graph, heights[low]), 0, 1)
        return [self.step(i, j, graph) for i, j in pairwise(nodes)]

    def step(self, i: int, j: int, graph: nx.Graph[int]) -> Step:
        """The lowest verified connection of two minima, from the first to the second."""
        data = graph.edges[i, j]
        if data["flat"] >= 0:
            first, _, points = self.flats[data["flat"]]
            points = points if first == i else points[::-1]
            return Step(
                start=i, end=j, transition=None, points=points, top=0, highest=data["height"]
            )
        transition = self.transitions[data["transition"]]
        near, far = transition.sides
        if transition.ends[0] != i:
            near, far = far, near
        return Step(
            start=i,
            end=j,
            transition=data["transition"],
            points=np.vstack([near.points[::-1], far.points[1:]]),
            top=near.points.shape[0] - 1,
            highest=transition.value,
        )


def _below(graph: nx.Graph[int], height: float) -> nx.Graph[int]:
    kept: nx.Graph[int] = nx.Graph()
    kept.add_nodes_from(graph.nodes)
    kept.add_edges_from((i, j) for i, j, data in graph.edges(data=True) if data["height"] <= height)
    return kept
