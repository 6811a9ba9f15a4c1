"""One model of the landscape: its families of minima, and the ways between them.

Minima are looked for from random starts, from those of the model on the next lower rung where there
is a ladder of models, and from starts that the model suggests when the lowest one is known. For the
ways between them searches of several kinds alternate, each where it helps most at the moment:

- *random starts* climb to transition states from anywhere; being independent, they tell how much
  has not been seen;
- *soft modes* climb away from a family along every mode, up to symmetry;
- *corners* lead out of flat sets over places where the function is not smooth;
- *lines* climb from the highest points of straight lines between copies of two families;
- *bands* join copies of two families by verified steps: first between parts of the graph that
  nothing joins, then as a check that what is known is the lowest.

Every search is a pure function of what it starts from. Which ones are run is decided between
batches from what is known, and results are taken in the order of the batch: the graph does not
depend on the number of processes, on interruptions, or on what a journal holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np

from landtopo.checks import check_options
from landtopo.errors import InvalidArgument
from landtopo.landscape.catalogue import Catalogue
from landtopo.landscape.pool import Piece, Pool
from landtopo.landscape.rungs import Line, LineageOptions
from landtopo.landscape.transitions import (
    PAST_SADDLE,
    STRAIGHT,
    Harvest,
    absorb,
    band_piece,
    follow_piece,
)
from landtopo.model import FamilyLike, Minima, Model
from landtopo.objective import Array
from landtopo.points.climbs import SaddleStart
from landtopo.points.coverage import Coverage, estimate_coverage
from landtopo.points.sources import Source, in_turn
from landtopo.progress import Progress
from landtopo.run import Run
from landtopo.shown import Brief

__all__ = ["ExploreOptions", "Failure", "Line", "Rung", "TransitionSearch", "explore"]

_Item = TypeVar("_Item")
# What a piece of work is for: a kind of search, or a source of climbs.
_Search = tuple["str | Source[SaddleStart]", Piece]

# Families whose own copies are joined by bands.
_LOW_FAMILIES = 3
# Pieces of climbs that are worked on at once, knowing the same passes.
_ROUND = 8
# As long as any source has some to give there are so many in a round.
_FEWEST = 4

RANDOM, MODES, LINES = "random starts", "soft modes", "lines"
CORNERS, BANDS = "corners", "bands"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreOptions(Brief):
    """How much is spent on the ways between minima.

    Numbers of starts are for networks of up to 150 coordinates, and fall in proportion above; for
    other models see `Starts.share`.

    Attributes
    ----------
    random_starts : int
        Independent starts of climbs to transition states.
    blocks : int
        For networks whose teacher has vectors that stand alike: all groups of exchanges within up
        to so many blocks of them are searched for minima and passes; see `symmetry_search`.
    mirrors : int
        For networks whose teacher has other vectors as well: most searches for minima from copies
        of the lowest one with some neurons mirrored.
    modes : int
        Softest modes of each family that are climbed along; degenerate ones count once.
    mode_starts : int
        Most climbs away from each family.
    line_starts : int
        Most climbs from lines between copies of each pair of families, a family and itself
        included; pairs take turns.
    pairs : int
        Most pairs of different families for lines, the closest first.
    tries : int
        Bands for a pair of families in parts of the graph that nothing joins.
    self_moves : int
        Copies of a family that differ by up to so many transpositions are joined with it.
    self_pairs : int
        Most copies of the lowest family that are joined with it, the simplest permutations first;
        the next two families are joined with one copy each. Copies of higher ones are joined by
        way of these.
    check_pairs : int
        Most pairs of different families for bands that check whether what is known is the lowest.
    patience : int
        The search ends when so many climbs in a row brought nothing new; up to as many as all
        others together are added for that from random starts.
    family_patience : int
        Climbs away from a family end when so many of them in a row brought nothing new; climbs from
        lines between pairs of families do after `patience` of them.
    lineage : LineageOptions

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.ExploreOptions(pairs=10).pairs
    10
    """

    random_starts: int = 160
    blocks: int = 2
    mirrors: int = 64
    modes: int = 24
    mode_starts: int = 160
    line_starts: int = 40
    pairs: int = 40
    tries: int = 4
    self_moves: int = 2
    self_pairs: int = 3
    check_pairs: int = 12
    patience: int = 200
    family_patience: int = 48
    lineage: LineageOptions = field(default_factory=LineageOptions)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Brief):
    """A pair of families that no path was found between.

    Attributes
    ----------
    first, second : int
        Numbers of the families in the catalogue.
    tries : int
        Bands that were tried between them.
    """

    first: int
    second: int
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionSearch(Brief):
    """How transitions were looked for, and how sure one can be of their list.

    Attributes
    ----------
    outcomes : dict
        For every kind of search, how many ended how.
    coverage : Coverage
        From the independent searches alone: what further ones would find.
    idle : int
        Climbs since the last one that brought something new.
    stopped : str
        One sentence.
    told : tuple of str
        What else was searched, a sentence each.
    """

    outcomes: dict[str, dict[str, int]]
    coverage: Coverage
    idle: int
    stopped: str
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung(Brief):
    """Everything that is known of one model."""

    search: Minima
    catalogue: Catalogue
    lines: tuple[Line, ...]
    failed: tuple[Failure, ...]
    transition_search: TransitionSearch


def explore(
    model: Model,
    ancestors: Sequence[FamilyLike] = (),
    *,
    starts: int,
    options: ExploreOptions,
    run: Run,
) -> Rung:
    """Search from many starts, lift what is known of the rung below, and join what is found.

    Parameters
    ----------
    model : Model
    ancestors : sequence of FamilyLike
        Families of minima on the rung below, by increasing value; empty if not known.
    starts : int
        As in `find_minima`.
    options : ExploreOptions
    run : Run
    """
    search = model.starts.minima(starts, run)
    catalogue = Catalogue(model)
    for family in search.families:
        catalogue.add_family(family)
    pool, seed, progress = Pool(run), run.seed, run.progress
    lines: tuple[Line, ...] = ()
    if model.ladder is not None:
        lines = model.ladder.lift(catalogue, ancestors, seed, options.lineage, pool, progress)
    explorer = _Explorer(catalogue, seed, options, pool, progress)
    told = explorer.take_suggested()
    stopped = explorer.run()
    return Rung(
        search=search,
        catalogue=catalogue,
        lines=lines,
        failed=explorer.failed(),
        transition_search=TransitionSearch(
            outcomes={name: dict(sorted(n.items())) for name, n in explorer.outcomes.items() if n},
            coverage=estimate_coverage(
                [met[RANDOM] for met in catalogue.met], looks=explorer.looks
            ),
            idle=explorer.idle,
            stopped=stopped,
            told=told,
        ),
    )


class _Explorer:
    """Decides which searches to run next, until nothing new is found."""

    def __init__(
        self,
        catalogue: Catalogue,
        seed: int,
        options: ExploreOptions,
        pool: Pool,
        progress: Progress,
    ) -> None:
        self.catalogue = catalogue
        self.model = catalogue.model
        self.seed = seed
        self.options = options
        self.pool = pool
        self.progress = progress
        self.outcomes: dict[str, Counter[str]] = {
            name: Counter() for name in (RANDOM, MODES, CORNERS, LINES, BANDS)
        }
        self.idle = 0
        self._explored = 0
        self._lined: set[tuple[int, int]] = set()
        self._checked: set[tuple[int, int]] = set()
        self._tries: Counter[tuple[int, int]] = Counter()
        self._drawn = 0
        self._sources: list[Source[SaddleStart]] = []
        # Batches of random climbs, after each of which it was decided whether to draw more.
        self.looks = 0
        self._distances: dict[tuple[int, int], float] = {}

    def take_suggested(self) -> tuple[str, ...]:
        """Searches that the model suggests when its lowest family is known; what they were."""
        if not self.catalogue.families:
            return ()
        lowest = min(self.catalogue.families, key=lambda family: family.loss)
        told = []
        suggested = self.model.starts.suggested(lowest, self.seed, self.options, self.pool)
        for source, result in suggested:
            for end in result["ends"]:
                self.catalogue.locate(np.ravel(end), found_by=source)
            passes = [SaddleStart(x=state) for state in result.get("passes", ())]
            if passes:
                (ways,) = self.pool.run([follow_piece(self.model, passes, self._known())])
                for found in Harvest.from_mapping(ways).found:
                    absorb(self.catalogue, found, found_by=source)
            self.outcomes[source] = Counter(result["outcomes"])
            told += [result["told"]] if "told" in result else []
        return tuple(told)

    def run(self) -> str:
        """Run batches of searches until none is left that helps; returns why it ended."""
        self.progress.begin(f"{self.model.label}: ways between minima", None)
        while True:
            batch = self._from_families() + self._climbs()
            batch = batch or self._between_parts() or self._checks()
            if not batch and not self._more_random():
                break
            pieces = [piece for _, piece in batch]
            results = self.pool.run(pieces, finished=lambda: self.progress.advance(0))
            for (source, _), result in zip(batch, results, strict=True):
                self._take(source, Harvest.from_mapping(result))
        self.progress.end()
        climbs = f"{self.idle} climbs in a row"
        if self.idle >= self.options.patience:
            return f"{climbs} brought nothing new."
        return f"The budget of searches was used; the last {climbs} brought nothing new."

    def failed(self) -> tuple[Failure, ...]:
        """Pairs of families that bands were tried between, and that nothing joins."""
        parts = self.catalogue.components()
        return tuple(
            Failure(first=first, second=second, tries=tries)
            for (first, second), tries in sorted(self._tries.items())
            if not any({first, second} <= part for part in parts)
        )

    def _take(self, source: str | Source[SaddleStart], harvest: Harvest) -> None:
        kind = source if isinstance(source, str) else source.kind
        known = len(self.catalogue.families) + len(self.catalogue.transitions)
        outcomes = Counter(harvest.outcomes)
        saddles = self._saddles[: len(harvest.again)]
        for number, times in zip(saddles, harvest.again, strict=True):
            self.catalogue.met[number][kind] += times
            past = self.catalogue.transitions[number].through_saddle
            outcomes[PAST_SADDLE if past else STRAIGHT] += times
        for found in harvest.found:
            absorb(self.catalogue, found, found_by=kind)
        self.outcomes[kind].update(+outcomes)
        families, transitions = len(self.catalogue.families), len(self.catalogue.transitions)
        is_new = families + transitions > known
        spent = outcomes.total()
        if not isinstance(source, str):
            source.brought(spent, is_new)
        if is_new:
            self.idle = 0
        elif kind not in (BANDS, CORNERS):
            self.idle += spent
        self.progress.advance(1, f"{families} families, {transitions} transitions")

    @property
    def _saddles(self) -> list[int]:
        """Numbers of the transitions that climbs end in."""
        known = enumerate(self.catalogue.transitions)
        return [number for number, one in known if one.kind == "saddle"]

    def _known(self) -> list[Array]:
        """The transition states of these."""
        transitions = self.catalogue.transitions
        return [one.point.x for i in self._saddles if (one := transitions[i]).point]

    def _from_families(self) -> list[_Search]:
        """Climbs from families that are new; at first as many from random starts."""
        batch: list[_Search] = []
        if not self._drawn:
            self._random(self._scaled(self.options.random_starts))
        for number in range(self._explored, len(self.catalogue.families)):
            family = self.catalogue.families[number]
            if family.flat_dimension != 0:
                # On a flat set all copies are joined in the same way.
                self._checked.add((number, number))
                for copy in islice(self._copies(number, number), 1, 2):
                    batch.append((BANDS, self._joining(family.x, copy, self.seed)))
                ways_out = self.model.strata.ways_out(family, self.options.lineage)
                batch += [(CORNERS, piece) for piece in ways_out]
            most = self._scaled(self.options.mode_starts)
            away = self.model.starts.from_modes(
                family.point, modes=self.options.modes, seed=self.seed
            )
            self._add(MODES, islice(away, most), self.options.family_patience)
        self._explored = len(self.catalogue.families)
        return batch

    def _from_lines(self) -> None:
        """Lines between pairs that are new, the closest first, as a source of climbs."""
        families = self.catalogue.families
        own = [(i, i) for i in range(len(families))]
        others = [pair for pair in self._by_distance() if pair not in self._lined]
        used = sum(i != j for i, j in self._lined)
        pairs = [*own, *others[: max(0, self.options.pairs - used)]]
        pairs = [pair for pair in pairs if pair not in self._lined]
        self._lined.update(pairs)
        most = self._scaled(self.options.line_starts)
        lines = [
            self.model.starts.from_lines(families[i].point, families[j].point, seed=self.seed)
            for i, j in pairs
        ]
        if lines:
            tops = in_turn(_available(line, most) for line in lines)
            self._add(LINES, tops, self.options.patience)

    def _between_parts(self) -> list[_Search]:
        """Bands between parts of the graph that nothing joins: the closest pair of each two."""
        parts = self.catalogue.components()
        if len(parts) == 1:
            return []
        part_of = {family: number for number, part in enumerate(parts) for family in part}
        batch: list[_Search] = []
        taken: set[tuple[int, ...]] = set()
        order = self._by_distance()
        for pair in sorted(order, key=lambda p: (self._tries[p], order.index(p))):
            between = tuple(sorted(part_of[i] for i in pair))
            if between[0] == between[1] or between in taken:
                continue
            if self._tries[pair] < self.options.tries:
                taken.add(between)
                batch.append((BANDS, self._band(*pair, self._tries[pair])))
                self._tries[pair] += 1
        return batch

    def _checks(self) -> list[_Search]:
        """Bands where the lowest pass should be known already."""
        families = self.catalogue.families
        batch: list[_Search] = []
        lowest = np.argsort([family.loss for family in families], kind="stable")[:_LOW_FAMILIES]
        for rank, i in enumerate(map(int, lowest)):
            if (i, i) in self._checked:
                continue
            self._checked.add((i, i))
            here = families[i].x
            most = min(self.options.self_pairs, 1) if rank else self.options.self_pairs
            for copy in islice(self._copies(i, i), 1, 1 + most):
                batch.append((BANDS, self._joining(here, copy, self.seed)))
        nearest: dict[int, tuple[int, int]] = {}
        for i, j in self._by_distance():
            for one, other in ((i, j), (j, i)):
                nearest.setdefault(one, (one, other))
        wanted = [(min(pair), max(pair)) for pair in nearest.values()]
        wanted += [(0, i) for i in range(1, len(families)) if self._can_be_joined(0, i)]
        for pair in sorted(set(wanted) - self._checked):
            if sum(i != j for i, j in self._checked) >= self.options.check_pairs:
                break
            self._checked.add(pair)
            batch.append((BANDS, self._band(*pair, 0)))
        return batch

    def _more_random(self) -> bool:
        """Add random starts, as long as the last climbs brought something new; whether any."""
        spent = sum(sum(self.outcomes[name].values()) for name in (RANDOM, MODES, LINES))
        drawn = sum(self.outcomes[RANDOM].values())
        if self.idle >= self.options.patience or 2 * drawn > spent:
            return False
        self._random(self._scaled(self.options.random_starts))
        return True

    def _random(self, count: int) -> None:
        numbers = range(self._drawn, self._drawn + count)
        self._drawn += count
        self.looks += 1
        starts = (
            self.model.starts.random(
                np.random.default_rng(
                    np.random.SeedSequence(self.seed, spawn_key=(self.model.stage, number, 1))
                )
            )
            for number in numbers
        )
        # They tell how much has not been seen, and are all spent.
        self._add(RANDOM, starts, count + 1)

    def _add(self, kind: str, starts: Iterable[SaddleStart], patience: int) -> None:
        self._sources.append(Source(kind, starts, patience=patience))

    def _climbs(self) -> list[_Search]:
        """The next climbs of all sources, which then know the passes found by now.

        Lines come after what is next to families, because they start from all of them.
        """
        for kinds in ((RANDOM, MODES), (LINES,)):
            if LINES in kinds:
                self._from_lines()
            known = self._known()
            batch: list[_Search] = []
            # One chunk of each; more of them where sources are few, so that workers are not idle.
            drawn, most = -1, _ROUND
            while drawn < len(batch) < most:
                drawn = len(batch)
                for source in self._sources:
                    if source.kind in kinds and len(batch) < most:
                        starts = source.next()
                        if starts:
                            batch.append((source, follow_piece(self.model, starts, known)))
                most = _FEWEST
            if batch:
                return batch
        return []

    def _band(self, first: int, second: int, attempt: int) -> Piece:
        """A band to the closest copy at first, then to copies that lie otherwise."""
        here, there = (self.catalogue.families[i].x for i in (first, second))
        copy = self.model.symmetry.closest_copy(there, here)
        if attempt % 2:
            copy = next(islice(self._copies(first, second), attempt, None), copy)
        return self._joining(here, copy, self.seed + attempt)

    def _joining(self, start: Array, end: Array, seed: int) -> Piece:
        """Bands between two minima that know of the passes known by now."""
        return band_piece(self.model, start, end, seed, self._known())

    def _copies(self, first: int, second: int) -> Iterator[Array]:
        """Copies of one family that lie differently to another, nearest numberings first."""
        here, there = (self.catalogue.families[i].x for i in (first, second))
        moves = self.options.self_moves if first == second else 1
        copies = self.model.symmetry.copies(there, here, moves=moves, loop=first == second)
        return _available(copies, None)

    def _by_distance(self) -> list[tuple[int, int]]:
        """Pairs of different families, the closest first."""
        families = self.catalogue.families
        for j in range(len(families)):
            for i in range(j):
                if (i, j) not in self._distances and self._can_be_joined(i, j):
                    apart = self.model.symmetry.apart(families[i].x, families[j].x)
                    self._distances[i, j] = round(apart, 6)
        return sorted(self._distances, key=lambda pair: (self._distances[pair], pair))

    def _can_be_joined(self, i: int, j: int) -> bool:
        families = self.catalogue.families
        return not self.model.starts.apart(families[i].x, families[j].x)

    def _scaled(self, count: int) -> int:
        return max(8, int(count * self.model.starts.share))


def _available(items: Iterator[_Item], most: int | None) -> Iterator[_Item]:
    """The first items; none where the symmetry of the teacher gives too many copies to list."""
    try:
        yield from islice(items, most)
    except InvalidArgument:
        return
