"""One width of the landscape: its families of minima, and the ways between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from landtopo.journal import Journal
from landtopo.landscape.catalogue import Catalogue
from landtopo.landscape.lineage import zero_neuron_fate
from landtopo.landscape.transitions import Found, absorb, between, from_soft_modes
from landtopo.points.records import Family
from landtopo.points.search import SearchResult, find_minima
from landtopo.problem import TeacherStudent
from landtopo.progress import Progress
from landtopo.symmetry import closest_copy, relative_relabellings

__all__ = ["ExploreOptions", "Line", "Width", "explore_width"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreOptions:
    """How much is spent on the ways between minima.

    Attributes
    ----------
    modes : int
        Softest modes of each family that are followed uphill, both ways.
    pairs : int
        Pairs of families that are joined by bands, the closest first.
    tries : int
        Bands searches for a pair that is not joined by anything yet.
    self_moves : int
        Copies of a family that differ by up to so many transpositions are joined with it.
    self_pairs : int
        Most copies of a family that are joined with it.
    """

    modes: int = 8
    pairs: int = 12
    tries: int = 3
    self_moves: int = 2
    self_pairs: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of a family at the next smaller width when a neuron was added.

    Attributes
    ----------
    ancestor : int
        Number of the family at width K - 1, by increasing loss.
    operation : str
        ``zero neuron``.
    stays : bool
        Whether the point is still a minimum.
    descendant : int
        Number of the family at width K in the catalogue.
    """

    ancestor: int
    operation: str
    stays: bool
    descendant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """Everything that is known of one width."""

    search: SearchResult
    catalogue: Catalogue
    lines: tuple[Line, ...]
    failed: tuple[tuple[int, int], ...]


def explore_width(
    problem: TeacherStudent,
    ancestors: tuple[Family, ...],
    *,
    starts: int,
    seed: int,
    jobs: int,
    init: str,
    options: ExploreOptions,
    journal: Journal,
    progress: Progress,
) -> Width:
    """Search from many starts, lift the families of the width below, and join what is found.

    Parameters
    ----------
    problem : TeacherStudent
    ancestors : tuple of Family
        Families of minima at the width below, by increasing loss; empty if not known.
    starts, seed, jobs, init
        As in `find_minima`.
    options : ExploreOptions
    journal : Journal
        Keeps every finished piece.
    progress : Progress
    """
    search = find_minima(
        problem,
        starts=starts,
        seed=seed,
        jobs=jobs,
        init=init,
        journal=journal,
        progress=progress,
    )
    catalogue = Catalogue(problem)
    for family in search.families:
        catalogue.add_family(family)
    # Which families are known first depends on the starts, so their number is part of the key.
    explorer = _Explorer(
        catalogue, seed, options, journal, f"ways/{problem.width}/{init}/{starts}/{seed}", progress
    )
    lines = explorer.lift(ancestors)
    failed = explorer.join_everything()
    return Width(search=search, catalogue=catalogue, lines=lines, failed=failed)


class _Explorer:
    """Runs the searches of one width in a fixed order, each kept in the journal when done."""

    def __init__(
        self,
        catalogue: Catalogue,
        seed: int,
        options: ExploreOptions,
        journal: Journal,
        prefix: str,
        progress: Progress,
    ) -> None:
        self.catalogue = catalogue
        self.problem = catalogue.problem
        self.seed = seed
        self.options = options
        self.journal = journal
        self.prefix = prefix
        self.progress = progress
        self._explored = 0
        self._paired: set[tuple[int, int]] = set()

    def lift(self, ancestors: tuple[Family, ...]) -> tuple[Line, ...]:
        """Add a neuron to every family of the width below and see where it goes."""
        if not ancestors:
            return ()
        below = self.problem.with_width(self.problem.width - 1)
        self.progress.begin(f"width {self.problem.width}: lineage", len(ancestors))
        lines = []
        for number, family in enumerate(ancestors):

            def compute(family: Family = family) -> dict[str, Any]:
                fate = zero_neuron_fate(below, family)
                if fate is None:
                    return {"found": False}
                return {
                    "found": True,
                    "operation": fate.operation,
                    "stays": fate.stays,
                    "weights": fate.weights,
                }

            fate = self._kept(f"lineage/{family.id}", compute)
            self.progress.advance()
            if not fate["found"]:
                continue
            copy = self.catalogue.locate(fate["weights"], found_by=f"lifted from {family.id}")
            if copy is not None:
                lines.append(
                    Line(
                        ancestor=number,
                        operation=fate["operation"],
                        stays=bool(fate["stays"]),
                        descendant=copy.family,
                    )
                )
        self.progress.end()
        return tuple(lines)

    def join_everything(self) -> tuple[tuple[int, int], ...]:
        """Follow soft modes, join pairs and copies; returns pairs that resisted."""
        failed: set[tuple[int, int]] = set()
        self.progress.begin(f"width {self.problem.width}: ways between minima", None)
        while self._explored < len(self.catalogue.families):
            while self._explored < len(self.catalogue.families):
                self._soft_modes(self._explored)
                self._copies(self._explored)
                self._explored += 1
            self._pairs()
            failed |= self._components()
        self.progress.end()
        joined = self.catalogue.components()
        return tuple(
            sorted(pair for pair in failed if not any(set(pair) <= part for part in joined))
        )

    def _soft_modes(self, number: int) -> None:
        family = self.catalogue.families[number]
        if family.flat_dimension != 0:
            return
        self._absorbed(
            f"modes/{number}",
            lambda: from_soft_modes(
                self.problem, family.weights, modes=self.options.modes, seed=self.seed
            ),
            "soft modes",
        )

    def _copies(self, number: int) -> None:
        """Join a family with its own labelled copies, the simplest permutations first."""
        family = self.catalogue.families[number]
        graph = self.catalogue.graph(family.weights)
        relabellings = relative_relabellings(graph, moves=self.options.self_moves, both_ways=True)
        most = 1 if family.flat_dimension else self.options.self_pairs
        for count, (_, relabelling) in enumerate(islice(relabellings, 1, 1 + most)):
            copy = relabelling.on_weights(family.weights, self.problem.teacher.vectors)
            self._absorbed(
                f"copies/{number}/{count}",
                lambda copy=copy: between(self.problem, family.weights, copy, seed=self.seed),  # type: ignore[misc]
                "bands",
            )

    def _pairs(self) -> None:
        """Join the closest copies of the closest pairs of families."""
        for distance, first, second in self._by_distance()[: self.options.pairs]:
            if (first, second) in self._paired or not np.isfinite(distance):
                continue
            self._paired.add((first, second))
            self._band(first, second, 0)

    def _components(self) -> set[tuple[int, int]]:
        """Keep trying between components until one is left or every pair has been tried enough."""
        failed: set[tuple[int, int]] = set()
        for attempt in range(1, 1 + self.options.tries):
            for _, first, second in self._by_distance():
                parts = self.catalogue.components()
                if len(parts) == 1:
                    return failed
                if any({first, second} <= part for part in parts):
                    continue
                self._band(first, second, attempt)
                if not any({first, second} <= part for part in self.catalogue.components()):
                    failed.add((first, second))
        return failed

    def _band(self, first: int, second: int, attempt: int) -> None:
        start, end = (self.catalogue.families[i].weights for i in (first, second))

        def compute() -> list[Found]:
            copy = closest_copy(start, end, self.problem.teacher.vectors).weights
            return between(self.problem, start, copy, seed=self.seed + attempt)

        self._absorbed(f"pair/{first}-{second}/{attempt}", compute, "bands")

    def _by_distance(self) -> list[tuple[float, int, int]]:
        families = self.catalogue.families
        vectors = self.problem.teacher.vectors
        pairs = []
        for second in range(len(families)):
            for first in range(second):
                copy = closest_copy(
                    families[first].weights, families[second].weights, vectors, limit=200
                )
                pairs.append((round(copy.distance, 6), first, second))
        return sorted(pairs)

    def _absorbed(self, key: str, compute: Callable[[], list[Found]], found_by: str) -> None:
        kept = self._kept(key, lambda: {"found": [one.as_mapping() for one in compute()]})
        for one in kept["found"]:
            absorb(self.catalogue, Found.from_mapping(one), found_by=found_by)
        known = self.catalogue
        self.progress.advance(
            1, f"{len(known.families)} families, {len(known.transitions)} transitions"
        )

    def _kept(self, key: str, compute: Callable[[], dict[str, Any]]) -> Mapping[str, Any]:
        name = f"{self.prefix}/{key}"
        kept = self.journal.recall(name)
        if kept is None:
            kept = compute()
            self.journal.remember(name, kept)
        return kept
