"""Which two minima to try a band between next.

The route that costs least says it, with a missing connection costing its squared length and more
with every failure (doubly nudged connections by Dijkstra's rule: Carr, Trygubenko, Wales, J. Chem.
Phys. 122, 234903 (2005)); or else the closest copies of minima that are joined to the two ends.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import pairwise

import networkx as nx
import numpy as np

from landtopo.paths.known_ways import KnownWays
from landtopo.paths.setting import Element

__all__ = ["Pairs"]

# Copies joined to an end that are compared with those joined to the other, and pairs looked at.
_COPIES = 300
_CLOSEST = 50
# Further symmetries by which connections are copied; copies that a minimum may be joined with next.
_TURNS = 60
_NEXT = 30


class Pairs:
    """What has been tried between which minima.

    Parameters
    ----------
    ways : KnownWays
    most : int
        Largest number of bands for one pair.
    rng : numpy.random.Generator
    """

    def __init__(self, ways: KnownWays, most: int, rng: np.random.Generator) -> None:
        self.ways = ways
        self.most = most
        self.rng = rng
        self.tries: Counter[tuple[int, int]] = Counter()
        self._spread_out = 0

    def tried(self, i: int, j: int) -> int:
        """How often a pair was tried, this time not counted; counts this time."""
        key = (min(i, j), max(i, j))
        self.tries[key] += 1
        return self.tries[key] - 1

    def count(self, i: int, j: int) -> int:
        """How often a pair was tried."""
        return self.tries[min(i, j), max(i, j)]

    def next(self, attempts: int) -> tuple[int, int] | None:
        """The missing connection on the cheapest route that has been tried least.

        Every third time the closest copies instead; None if nothing is left, or if copies of known
        connections join the ends.
        """
        ways = self.ways
        pairs = [pair for pair in self.missing() if self.count(*pair) < self.most]
        if pairs and (attempts % 3 < 2 or not ways.transitions):
            return min(pairs, key=self._order)
        self.spread()
        if ways.is_joined:
            return None
        return self.closest_copies() or (pairs[0] if pairs else None)

    def closest_copies(self, height: float = float("inf")) -> tuple[int, int] | None:
        """The closest pair of minima of which one is joined to each end below a height.

        Copies that known connections reach are compared too, not only those that were met.
        """
        ways = self.ways
        routes = ways.routes
        ends = ways.minima[0].place, ways.minima[1].place
        sets = []
        for one, other in (ends, ends[::-1]):
            reached = routes.reachable(one, other, 20, height)
            apart = routes.squared_distances(reached, other)
            order = np.argsort(np.round(apart, 9), kind="stable")[:_COPIES]
            sets.append(np.array([routes.point(reached[int(number)]) for number in order]))
        here, there = sets
        squares = np.sum(here**2, axis=1)[:, None] + np.sum(there**2, axis=1)
        # Rounded, so that ties are broken by number and not by rounding.
        apart = np.round(squares - 2.0 * here @ there.T, 9)
        for flat in np.argsort(apart, axis=None, kind="stable")[:_CLOSEST]:
            i, j = divmod(int(flat), len(there))
            pair = ways.add_minimum(here[i]), ways.add_minimum(there[j])
            if pair[0] != pair[1] and self.count(*pair) < self.most:
                return pair
        return None

    def spread(self) -> None:
        """Enter copies of the connections by further symmetries, which cost no evaluations.

        By the same ones for all, so that copies of connections that follow each other do so too.
        """
        ways = self.ways
        found = [one for one in ways.routes.connections if one.turn is None]
        for one in found[self._spread_out :]:
            if one.height < ways.ceiling and one.transition is not None:
                for turn in self._turns:
                    ways.routes.connect_turned(one, turn)
        self._spread_out = len(found)

    @cached_property
    def _turns(self) -> list[Element]:
        drawn = (self.ways.setting.automorphism(self.rng) for _ in range(_TURNS))
        return list(dict.fromkeys(turn for turn in drawn if turn is not None))

    def new_exit(self) -> tuple[int, int]:
        """A minimum joined to an end below the ceiling, and a copy of a known one close to it."""
        ways = self.ways
        routes, setting = ways.routes, ways.setting
        side = int(self.rng.integers(2))
        here, there = ways.minima[side].place, ways.minima[1 - side].place
        inside = routes.reachable(here, there, 10, ways.ceiling)
        x = routes.point(inside[int(self.rng.integers(len(inside)))])
        # Further symmetries make copies of families; one of each kind stands for the others.
        found = [one.ends for one in routes.connections if one.turn is None]
        kinds = sorted({end.family for ends in found for end in ends})
        copies = [
            setting.closest_copy(routes.families[family], x, self.rng)
            for family in kinds
            for _ in range(max(1, _NEXT // len(kinds)))
        ]
        copies.sort(key=lambda copy: setting.distance(x, copy))
        start = ways.add_minimum(x)
        tried = []
        for copy in copies:
            pair = start, ways.add_minimum(copy)
            if pair[0] != pair[1] and not ways.joined_below(*pair):
                if not self.count(*pair):
                    return pair
                tried.append(pair)
        return min(tried, key=self._order) if tried else (0, 1)

    def missing(self) -> list[tuple[int, int]]:
        """Pairs without a verified connection on the cheapest route from 0 to 1."""
        ways = self.ways
        count = len(ways.minima)
        if count == 2 and not self.tries and ways.joined[0] != ways.joined[1]:
            return [(0, 1)]
        graph: nx.Graph[int] = nx.Graph()
        component = [ways.joined[i] for i in range(count)]
        for i in range(count):
            for j in range(i + 1, count):
                if component[i] == component[j]:
                    graph.add_edge(i, j, weight=0.0)
                    continue
                tries = self.count(i, j)
                if tries < self.most:
                    graph.add_edge(i, j, weight=ways.length(i, j) ** 2 * (1.0 + tries) ** 2)
        if 0 not in graph or 1 not in graph or not nx.has_path(graph, 0, 1):
            return []
        nodes = nx.dijkstra_path(graph, 0, 1)
        pairs = [(min(p), max(p)) for p in pairwise(nodes)]
        return [p for p in pairs if component[p[0]] != component[p[1]]]

    def _order(self, pair: tuple[int, int]) -> tuple[int, float, tuple[int, int]]:
        return self.count(*pair), self.ways.length(*pair), pair
