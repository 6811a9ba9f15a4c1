"""Complete connection: from one minimum to another by verified steps, over as many as it takes.

Every band may reveal minima between its ends, or miss the mark. What is verified enters the graph
of known minima (`known_ways`), which says what is still missing (`pairs`). When the two minima are
joined, the search goes on for a while for a route whose highest point is lower (`improve`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from landtopo.checks import check_options
from landtopo.objective import Array, Objective
from landtopo.paths.band import ElasticBand
from landtopo.paths.chain import Metric, relax
from landtopo.paths.descent import DescentOptions
from landtopo.paths.improve import improve
from landtopo.paths.joined import Attempt, Joined, JoinStatus
from landtopo.paths.joined_copies import Copies, Link
from landtopo.paths.known_ways import KnownWays
from landtopo.paths.pairs import Pairs
from landtopo.paths.refine import RefineOptions, refine
from landtopo.paths.setting import PlainSetting, Setting
from landtopo.paths.valley import flat_valley
from landtopo.points.ascend import ascend
from landtopo.points.evaluations import Counted
from landtopo.progress import Progress, Silent
from landtopo.shown import Brief

__all__ = ["JoinOptions", "join", "look_between"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinOptions(Brief):
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

    images: int = 9
    band: ElasticBand = field(
        default_factory=lambda: ElasticBand(
            tolerance=1e-9, relative_tolerance=0.2, max_steps=60, climbing=False
        )
    )
    refine: RefineOptions = field(default_factory=RefineOptions)
    descent: DescentOptions = field(default_factory=DescentOptions)
    bands: int = 60
    tries: int = 6
    improve: int = 80
    patience: int | None = None

    def __post_init__(self) -> None:
        check_options(self)


def join(
    objective: Objective,
    start: Array,
    end: Array,
    options: JoinOptions | None = None,
    *,
    setting: Setting | None = None,
    rng: np.random.Generator,
    known: Sequence[Array] = (),
    copies: Copies | None = None,
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
        Transition states, and other passes, known beforehand; their descents are done again.
    copies : Copies, optional
        The whole symmetry of the landscape. With it, whether and how high the ends are joined is
        decided over all images of what is known, exactly.
    progress : Progress, optional
    """
    setting = PlainSetting() if setting is None else setting
    ways = KnownWays(Counted(objective), setting, _options(options).descent, copies)
    search = _Search(ways, _options(options), rng, progress)
    search.begin(start, end, known)
    known_before = len(ways.transitions)
    status, first = search.run()
    route = ways.best()
    return Joined(
        minima=tuple(ways.minima),
        transitions=tuple(ways.transitions),
        known_before=known_before,
        route=route or (),
        missing=tuple(search.pairs.missing()) if route is None else (),
        attempts=tuple(search.attempts),
        evaluations=ways.objective.evaluations,
        other_routes=tuple(ways.other_routes(route or ())),
        first_highest=first,
        status=status,
    )


def look_between(
    objective: Objective,
    start: Array,
    end: Array,
    copies: Copies,
    options: JoinOptions | None = None,
    *,
    setting: Setting,
    rng: np.random.Generator,
    known: Sequence[Array] = (),
) -> tuple[float, tuple[Link, ...]]:
    """What joins two minima lower than all copies of what is known, and all else met on the way.

    Parameters
    ----------
    objective, start, end, copies, options, setting, rng, known
        As of `join`. Of the route, only its height is worked out.

    Returns
    -------
    height : float
        Highest point of the lowest route by now; infinite if there is none.
    links : tuple of Link
        Every verified connection but the known ones.
    """
    ways = KnownWays(Counted(objective), setting, _options(options).descent, copies, told=False)
    search = _Search(ways, _options(options), rng, None)
    flat, count = search.begin(start, end, known)
    search.run()
    return ways.highest(), (*ways.links[:flat], *ways.links[count:])


def _options(options: JoinOptions | None) -> JoinOptions:
    return JoinOptions() if options is None else options


class _Search:
    """Bands between pairs of minima, until the ends are joined."""

    def __init__(
        self,
        ways: KnownWays,
        options: JoinOptions,
        rng: np.random.Generator,
        progress: Progress | None,
    ) -> None:
        self.ways = ways
        self.options = options
        self.rng = rng
        self.progress = Silent() if progress is None else progress
        self.pairs = Pairs(ways, options.tries, rng)
        self.attempts: list[Attempt] = []
        self.metric: Metric | None = None

    def begin(self, start: Array, end: Array, known: Sequence[Array]) -> tuple[int, int]:
        """Enter the ends and what is known: numbers of connections after either.

        The ends alone may be joined by a flat path, which is found and not known.
        """
        ways = self.ways
        ways.add_minimum(start)
        ways.add_minimum(end, new=True)
        flat = len(ways.links)
        for point in known:
            passes = ways.setting.passes_at(point)
            for other in passes:
                ways.add_pass(other)
            if not passes:
                found = ascend(ways.objective, point, self.options.refine.ascent)
                ways.add_transition(found, left=False, known_before=True)
        return flat, len(ways.links)

    def run(self) -> tuple[JoinStatus, float]:
        """Join the ends and look for a lower route; how that ended, and the height before."""
        ways = self.ways
        status = self._connect()
        first = ways.highest()
        if first > ways.level(0, 1) and status is JoinStatus.CONNECTED:
            improve(
                ways,
                self.pairs,
                self._try_pair,
                self.rng,
                most=self.options.improve,
                patience=self.options.patience,
                progress=self.progress,
            )
        return status, first

    def _connect(self) -> JoinStatus:
        """Try pairs until verified steps join the ends."""
        progress = self.progress
        progress.begin("joining two minima", self.options.bands)
        status = JoinStatus.CONNECTED
        while not self.ways.is_joined:
            if len(self.attempts) >= self.options.bands:
                status = JoinStatus.BUDGET_USED
                break
            pair = self.pairs.next(len(self.attempts))
            if pair is None:
                if not self.ways.is_joined:
                    status = JoinStatus.EXHAUSTED
                break
            self._try_pair(*pair)
            if not self.ways.is_joined:
                self.ways.mirror()
            progress.advance(1, f"{len(self.ways.minima)} minima")
        progress.end()
        return status

    def _try_pair(self, i: int, j: int) -> None:
        """One band between two minima, its maxima refined and followed down."""
        ways, options = self.ways, self.options
        count = self.pairs.tried(i, j)
        ends = ways.minima[i].x, ways.minima[j].x
        within = ways.setting.fixed_space(ways.objective, *ends)
        # The first band keeps what symmetry the ends share, and has few coordinates.
        if within is not None and count > 0:
            within, count = None, count - 1
        images = ways.setting.first_guess(*ends, options.images, count, self.rng)
        # The middle, because at the ends a function need not be smooth.
        middle = images.shape[0] // 2
        if within is not None:
            images = within.lower(images)
            metric = Metric.from_hessians(within.inside, images[middle : middle + 1])
        else:
            if self.metric is None:
                # One metric serves all bands: what is stiff is much the same everywhere.
                self.metric = Metric.from_hessians(ways.objective, images[middle : middle + 1])
            metric = self.metric
        objective: Objective = ways.objective if within is None else within.inside
        chain = relax(objective, images, options.band, metric=metric)
        refinement = refine(objective, chain.images, options.refine, metric=metric)
        if within is not None:
            refinement = within.lifted_refinement(refinement)
        found, rejected = [], []
        for maximum in refinement.maxima:
            number, reason = ways.add_transition(maximum.ascent, left=maximum.left, within=within)
            if number is None:
                rejected.append(reason)
            else:
                found.append(number)
            # A corner is of interest only below the smooth pass that was found from the same place,
            # and until the ends are joined only where there is none.
            below = ways.ceiling
            if number is not None:
                below = min(below, ways.transitions[number].value)
            if number is None or np.isfinite(ways.ceiling):
                for other in ways.setting.other_passes(maximum.start, below):
                    found += ways.add_pass(other)
        if not found and np.isinf(ways.ceiling):
            level = ways.level(i, j)
            flat = flat_valley(objective, chain.images, level, metric=metric)
            if flat is not None:
                flat = flat if within is None else within.lift(flat)
                ways.add_connection(i, j, flat, 0, None, level)
        if within is not None:
            ways.objective.add(within.evaluations)
        self.attempts.append(
            Attempt(
                pair=(i, j),
                highest=refinement.highest,
                found=tuple(found),
                rejected=tuple(rejected),
            )
        )
