"""What is known of a landscape between two minima: verified connections, and the lowest route.

The graph of minima and transition states grows; nothing enters it without both descents. What is
found holds for all copies under the landscape's symmetry (`Routes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

import networkx as nx
import numpy as np

from landtopo.objective import Array
from landtopo.paths.descent import (
    Descent,
    DescentOptions,
    DescentStatus,
    begun_at,
    descend,
    descend_both,
    lowest_curvature,
)
from landtopo.paths.joined import Minimum, Step, Transition
from landtopo.paths.joined_copies import Copies, JoinedCopies, Link
from landtopo.paths.onward import onward
from landtopo.paths.profile import kept_below
from landtopo.paths.restricted import Restricted
from landtopo.paths.route_steps import route_over
from landtopo.paths.routes import Connection, Routes, RouteStep
from landtopo.paths.setting import Element, Pass, Setting, known_places
from landtopo.points.ascend import Ascent
from landtopo.points.evaluations import Counted
from landtopo.symmetry.shared import Shared

__all__ = ["KnownWays"]


class KnownWays:
    """The growing graph of minima and transition states of one connection.

    Parameters
    ----------
    objective : Counted
    setting : Setting
    descent : DescentOptions
    copies : Copies, optional
        The whole symmetry. With it, routes lead over all images of what is known.
    told : bool
        Whether the route itself is wanted; with the whole symmetry its height is known without.

    Attributes
    ----------
    minima : list of Minimum
        Number 0 and 1 are the ends.
    transitions : list of Transition
    routes : Routes
    links : list of Link
        Every connection as it was found.
    joined : networkx.utils.UnionFind
        Which minima verified connections join.
    ceiling : float
        Transition states at least this high are of no use.
    """

    def __init__(
        self,
        objective: Counted,
        setting: Setting,
        descent: DescentOptions,
        copies: Copies | None = None,
        *,
        told: bool = True,
    ) -> None:
        self.objective = objective
        self.setting = setting
        self.descent = descent
        self.routes = Routes(setting)
        self.links: list[Link] = []
        self.minima: list[Minimum] = []
        self.transitions: list[Transition] = []
        self._numbers: dict[bytes, int] = {}
        self._sliding: list[int] = []
        self._passes = known_places(setting)
        self.joined: nx.utils.UnionFind[int] = nx.utils.UnionFind()
        self.ceiling = float("inf")
        self._copies = None if copies is None else JoinedCopies(copies)
        self._distances: dict[tuple[int, int], float] = {}
        self._best: tuple[int, list[RouteStep] | None] = (-1, None)
        self._steps: tuple[tuple[int, int], tuple[Step, ...] | None] = ((-1, -1), None)
        self._mirrored = 0
        self._told = told or copies is None
        self._heights: tuple[int, float] = (-1, float("inf"))

    def add_minimum(self, x: Array, *, new: bool = False) -> int:
        """Number of a minimum, a new one if it is not known yet or if that is asked for."""
        value = float(self.objective.value(x))
        place = self.routes.place(x, value)
        key = self.routes.key(place)
        if not new and key in self._numbers:
            return self._numbers[key]
        number = len(self.minima)
        self._numbers.setdefault(key, number)
        self.minima.append(Minimum(x=x, value=value, place=place))
        if self.setting.may_slide(x):
            self._slide_to(number)
            self._sliding.append(number)
        return number

    def _slide_to(self, number: int) -> None:
        """Join a minimum with the first that a path of constant value leads to."""
        one = self.minima[number]
        for earlier in self._sliding:
            other = self.minima[earlier]
            flat = self.setting.flat_path(other.x, one.x)
            if flat is not None:
                top = max(other.value, one.value)
                self.add_connection(earlier, number, flat, 0, None, top)
                return

    def add_connection(
        self,
        i: int,
        j: int,
        points: Array,
        top: int,
        transition: int | None,
        height: float,
        through: tuple[tuple[Array, ...], tuple[Array, ...]] = ((), ()),
    ) -> None:
        """Enter a verified connection of two known minima.

        `through` are the saddles at which descents came to rest, on the two sides.
        """
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
        link = Link(
            points=points,
            values=(self.minima[i].value, self.minima[j].value),
            top=top,
            height=height,
            transition=transition,
            through=through,
            smooth=transition is None or self.transitions[transition].ascent is not None,
        )
        self.links.append(link)
        if self._copies is not None:
            self._copies.add(link, None if transition is None else points[top])

    def mirror(self) -> None:
        """Enter the images of connections by the symmetries that exchange the two ends.

        They may be the missing half of a way from one to the other.
        """
        new = [one for one in self.routes.connections[self._mirrored :] if one.turn is None]
        for one in new:
            if one.transition is not None:
                for turn in self._reversals:
                    self.routes.connect_turned(one, turn)
        self._mirrored = len(self.routes.connections)

    @cached_property
    def _reversals(self) -> Sequence[Element]:
        return self.setting.reversals(self.minima[0].x, self.minima[1].x)

    def add_transition(
        self,
        ascent: Ascent,
        *,
        left: bool,
        within: Restricted | None = None,
        known_before: bool = False,
    ) -> tuple[int | None, str]:
        """Number of a transition state after both descents, or why it is none.

        Descents from a point of a space that symmetries fix stay in it and are done there. Those
        from a point that was known beforehand may have been done for another connection.
        """
        if not ascent.converged or ascent.spectrum is None:
            return None, ascent.status.value
        known = self.known_transition(ascent.x, ascent.value)
        if known is not None:
            return known, ""
        if ascent.value >= self.ceiling:
            return None, "It is not lower than the route that is known."
        symmetry = None if within is None else within.symmetry
        objection = self.setting.objection(ascent, symmetry)
        if objection is not None:
            broken = None if within is None else within.broken(ascent)
            return (None, objection) if broken is None else self.add_transition(broken, left=left)
        kept = self.setting.followed(ascent.x) if known_before else None
        followed = kept or self._both_ways_down(ascent, within, alone=kept is not None)
        if kept is not None:
            kept[:] = followed
        for side, _ in followed:
            if not side.converged:
                return None, side.status.value
        (left_side, left_through), (right_side, right_through) = followed
        ends = (self.add_minimum(left_side.x), self.add_minimum(right_side.x))
        through = left_through, right_through
        return self._enter(
            ascent.x, ascent.value, ascent, ends, (left_side, right_side), left, through
        ), ""

    def _both_ways_down(
        self, ascent: Ascent, within: Restricted | None, *, alone: bool
    ) -> list[tuple[Descent, tuple[Array, ...]]]:
        """Both descents, on to minima; `alone` where what else is known must not matter."""
        assert ascent.spectrum is not None
        unstable = ascent.spectrum.vectors[:, 0]
        rest = None if alone else self._rest
        both_sides: Callable[..., tuple[Descent, Descent]] = partial(descend_both, self.objective)
        if within is not None and within.holds(ascent.x) and within.holds(unstable):
            both_sides = within.descend_both
            rest = partial(self._rest, symmetry=within.symmetry)
        sides = both_sides(ascent.x, unstable, self.descent, accept=self.setting.settle, rest=rest)
        return [self._to_minimum(side) for side in sides]

    def _rest(self, x: Array, symmetry: Shared | None = None) -> tuple[float, DescentStatus]:
        """What a point is at which a descent rests; copies of known minima are known to be one."""
        if self.routes.met.find(x, float(self.objective.value(x))) is not None:
            return np.nan, DescentStatus.ACCEPTED
        if symmetry is not None and self.setting.is_curved_up(x, symmetry):
            return np.nan, DescentStatus.MINIMUM
        return lowest_curvature(self.objective, x)

    def _to_minimum(self, side: Descent) -> tuple[Descent, tuple[Array, ...]]:
        return onward(self.objective, side, self.descent, accept=self.setting.settle)

    def add_pass(self, other: Pass) -> list[int]:
        """Numbers of the connections over a pass that is no smooth saddle."""
        if other.value >= self.ceiling or self.known_transition(other.x, other.value) is not None:
            return []
        found: list[tuple[Descent, int, tuple[Array, ...]]] = []
        for way in other.ways:
            down = descend(self.objective, way, self.descent, accept=self.setting.settle)
            side, through = self._to_minimum(down)
            if not side.converged:
                continue
            end = self.add_minimum(side.x)
            if all(end != known for _, known, _ in found):
                found.append((begun_at(side, other.x, way - other.x), end, through))
        return [
            self._enter(
                other.x,
                other.value,
                None,
                (found[0][1], end),
                (found[0][0], side),
                False,
                (found[0][2], through),
            )
            for side, end, through in found[1:]
        ]

    def _enter(
        self,
        x: Array,
        value: float,
        ascent: Ascent | None,
        ends: tuple[int, int],
        sides: tuple[Descent, Descent],
        left: bool,
        through: tuple[tuple[Array, ...], tuple[Array, ...]],
    ) -> int:
        """Enter a transition state whose descents are done."""
        number = self._passes.add(x, value)
        self.transitions.append(
            Transition(
                x=x,
                value=value,
                ascent=ascent,
                ends=ends,
                sides=sides,
                left_band=left,
                through=(*through[0], *through[1]),
            )
        )
        up, down = (kept_below(self.objective, side.points, side.tangents, value) for side in sides)
        points = np.vstack([up[::-1], down[1:]])
        self.add_connection(*ends, points, len(up) - 1, number, value, through)
        return number

    def known_transition(self, x: Array, value: float) -> int | None:
        """The known transition state of which this one is a copy."""
        found = self._passes.find(x, value)
        return None if found is None else found[0]

    def level(self, i: int, j: int) -> float:
        """Highest value that still counts as no barrier between two minima."""
        top = max(self.minima[i].value, self.minima[j].value)
        return top + 1e-12 * max(1.0, abs(top))

    def length(self, i: int, j: int) -> float:
        """Distance of two minima, computed once."""
        key = (min(i, j), max(i, j))
        if key not in self._distances:
            self._distances[key] = self.setting.distance(self.minima[i].x, self.minima[j].x)
        return self._distances[key]

    def joined_below(self, i: int, j: int) -> bool:
        """Whether verified steps lower than the ceiling join two minima, as far as is seen."""
        one, other = self.minima[i], self.minima[j]
        if self._copies is not None:
            values = one.value, other.value
            return self._copies.height(one.x, other.x, values, below=self.ceiling) is not None
        return self.routes.route(one.place, other.place, self.ceiling, limit=300) is not None

    def best(self) -> tuple[Step, ...] | None:
        """The lowest route between the ends; looked for again only after something was found."""
        count = (
            len(self.routes.connections),
            0 if self._copies is None else len(self._copies.links),
        )
        if self._steps[0] != count:
            self._steps = count, self._lowest(self._steps[1])
        return self._steps[1]

    def _lowest(self, known: tuple[Step, ...] | None) -> tuple[Step, ...] | None:
        """The lowest route by now; the known one where none is lower."""
        route = self._listed()
        if self._copies is None:
            return None if route is None else tuple(self._step(one) for one in route)
        height = float("inf") if known is None else self._top(known)
        if route is not None and self._height(route) < height:
            known, height = tuple(self._step(one) for one in route), self._height(route)
        lower = None
        if height > self.level(0, 1):
            lower = route_over(
                self._copies, self.setting, self.objective, self.minima[:2], below=height
            )
        return known if lower is None else lower

    def _top(self, route: Sequence[Step]) -> float:
        return max((step.highest for step in route), default=self.minima[0].value)

    def _listed(self) -> list[RouteStep] | None:
        """The lowest route over the copies that the routes know."""
        count = len(self.routes.connections)
        known, route = self._best
        if known != count:
            new = self.routes.connections[max(known, 0) :]
            # A route can only have become lower over a new connection that is lower itself.
            height = float("inf") if route is None else self._height(route)
            if any(one.height < height for one in new) or known < 0:
                ends = self.minima[0].place, self.minima[1].place
                found = self.routes.lowest(*ends, below=height)
                route = route if found is None else found
            self._best = (count, route)
        return route

    def _height(self, route: Sequence[RouteStep]) -> float:
        heights = [self.routes.connections[step.connection].height for step in route]
        return max(heights, default=self.minima[0].value)

    def highest(self) -> float:
        """Highest value on the lowest route; infinite if there is none."""
        if self._told or self._copies is None:
            route = self.best()
            return float("inf") if route is None else self._top(route)
        count, height = self._heights
        if count != len(self._copies.links):
            one, other = self.minima[:2]
            lower = self._copies.height(one.x, other.x, (one.value, other.value), below=height)
            height = height if lower is None else lower
            self._heights = len(self._copies.links), height
        return height

    @property
    def is_joined(self) -> bool:
        """Whether verified steps join the ends."""
        return self.highest() < float("inf")

    def sides_of_top(self, rng: np.random.Generator) -> tuple[int, int]:
        """Minima before and after the highest step, between which there may be a lower one."""
        if not self._told:
            top = self.highest()
            ends = (one.ends for one in self.transitions if one.value == top)
            return next(ends, (0, 1))
        route = self.best() or ()
        highest = int(np.argmax([step.highest for step in route]))
        before = route[int(rng.integers(highest + 1))].start
        after = route[int(rng.integers(highest, len(route)))].end
        return self.add_minimum(before), self.add_minimum(after)

    def other_routes(self, best: Sequence[Step], most: int = 3) -> Iterator[tuple[float, ...]]:
        """The next best routes, by the highest values of their steps."""
        without: set[int] = set()
        ends = self.minima[0].place, self.minima[1].place
        passes = [(step.highest, step.transition) for step in best]
        for _ in range(most):
            top = max(passes, key=lambda one: one[0], default=None)
            if top is None or top[1] is None:
                return
            without.add(top[1])
            route = self.routes.lowest(*ends, without=without) or ()
            steps = [self.routes.connections[step.connection] for step in route]
            passes = [(step.height, step.transition) for step in steps]
            if route:
                yield tuple(height for height, _ in passes)

    def _step(self, one: RouteStep) -> Step:
        """A step of the route with its points."""
        connection = self.routes.connections[one.connection]
        points, top = self.routes.step_points(one)
        return Step(
            transition=connection.transition,
            element=one.element,
            turn=connection.turn,
            start=self.routes.point(one.start),
            end=self.routes.point(one.end),
            points=points,
            top=top,
            highest=connection.height,
            through=self._through(connection.transition),
        )

    def _through(self, transition: int | None) -> tuple[Array, ...]:
        return () if transition is None else self.transitions[transition].through
