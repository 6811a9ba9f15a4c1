"""The landscape of a student network, as every room sees it.

Points are the weights (K, D) in one row, D = r + e; how many columns e outside the span a point has
is told by its length. Everything is in units of the teacher (`networks.units`). An element of the
symmetry is a permutation of the K neurons and of the rows of the teacher's frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from landtopo.landscape.catalogue import Catalogue, PassKind
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.pool import Piece, Pool
from landtopo.landscape.rungs import Line, LineageOptions
from landtopo.landscape.transitions import Found, way_over
from landtopo.model import FamilyLike
from landtopo.models.networks.landscape.copies import NetworkSymmetry, between_sets, flat_mark
from landtopo.models.networks.landscape.facts import NetworkFacts
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.paths.connect import ConnectOptions, links_between
from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.saddle_starts import mode_starts, pair_starts, random_start
from landtopo.models.networks.points.search import SearchResult, find_minima
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.starts import GaussianStart, StartDistribution
from landtopo.models.networks.symmetry.fixed_space import interchangeable
from landtopo.objective import Array
from landtopo.paths.descent import DescentOptions
from landtopo.paths.join import JoinOptions
from landtopo.points.ascend import Ascent, AscentOptions
from landtopo.points.climbs import SaddleStart
from landtopo.points.records import CriticalPoint, Kind
from landtopo.progress import Progress
from landtopo.run import Run
from landtopo.symmetry.permutations import Permutation
from landtopo.tolerances import CRITICAL

__all__ = ["NetworkModel"]

# What climbs far beyond the longest critical points will not come back.
_REGION = 1.3
_STEPS = 150
_COORDINATES = 150
# Most passes are known before bands are tried, so that bands look for what is missing or lower.
_CONNECT = ConnectOptions(join=JoinOptions(bands=30, improve=40, patience=6))


class NetworkModel:
    """A `Model` of the population loss of students of one width.

    Parameters
    ----------
    problem : TeacherStudent
        In units of the teacher.
    init : StartDistribution, optional
        Of the starts of searches for minima.
    """

    #: Losses are never negative.
    least = 0.0

    def __init__(self, problem: TeacherStudent, init: StartDistribution | None = None) -> None:
        self.problem = problem
        self.init = GaussianStart() if init is None else init
        self._settings: dict[int, NetworkSetting] = {}

    def __reduce__(self) -> tuple[type[NetworkModel], tuple[Any, ...]]:
        return NetworkModel, (self.problem, self.init)

    @property
    def name(self) -> str:
        """The teacher's name."""
        return self.problem.teacher.title

    @property
    def label(self) -> str:
        """The width."""
        return f"width {self.problem.width}"

    @property
    def stage(self) -> int:
        """The width K."""
        return self.problem.width

    @property
    def size(self) -> int:
        """Coordinates in the teacher's span."""
        return self.problem.width * self.problem.rank

    @cached_property
    def loss(self) -> PopulationLoss:
        """The exact population loss."""
        return PopulationLoss(self.problem)

    def setting(self, x: Array) -> NetworkSetting:
        """What is known in the coordinates of a point, beside the loss."""
        columns = x.size // self.problem.width
        if columns not in self._settings:
            self._settings[columns] = NetworkSetting(self.loss, columns)
        return self._settings[columns]

    def objective(self, x: Array) -> WeightObjective:
        """The loss in as many columns as a point has."""
        return self.setting(x).objective

    def shaped(self, x: Array) -> Array:
        """The weights, shape (K, D)."""
        return np.reshape(x, (self.problem.width, -1))

    def ways(
        self, start: Array, end: Array, *, seed: int, known: Sequence[Array]
    ) -> tuple[Sequence[Found], bool]:
        """What is met in search of a way lower than the known ones, and whether one is known."""
        height, links = links_between(
            self.problem,
            self.shaped(start),
            self.shaped(end),
            seed=seed,
            options=_CONNECT,
            known=[self.shaped(x) for x in known],
        )
        return [way_over(self, link) for link in links], height < np.inf

    @cached_property
    def symmetry(self) -> NetworkSymmetry:
        """S_K x Aut(T)."""
        return NetworkSymmetry(self.problem)

    @cached_property
    def strata(self) -> _Strata:
        """Corners and flat sets."""
        return _Strata(self)

    @cached_property
    def starts(self) -> _Starts:
        """Random weights, soft modes, lines between copies, points with a symmetry."""
        return _Starts(self)

    @cached_property
    def facts(self) -> NetworkFacts:
        """What is said of networks."""
        return NetworkFacts(self.problem)

    @cached_property
    def ladder(self) -> _Ladder:
        """From one width to the next."""
        return _Ladder(self.problem)


class _Strata:
    """Where a neuron vanishes, and where weight slides between parallel ones."""

    def __init__(self, model: NetworkModel) -> None:
        self._model = model
        self._problem = model.problem

    def judge(self, x: Array) -> CriticalPoint:
        """The classified point."""
        return classify(self._problem, self._model.shaped(x))

    def mark(self, one: Any) -> Any:
        """The reduced network, and at zero loss its directions only."""
        return flat_mark(self._problem, one)

    def between_sets(self, first: Any, second: Any, element: Permutation) -> Permutation:
        """Teachers alone count."""
        return between_sets(self._problem, first, second, element)

    def is_pass(self, point: Any, kind: PassKind) -> bool:
        """A saddle of index 1, or a corner over which other neurons are at a minimum."""
        if point.grad_norm > CRITICAL:
            return False
        if kind == "corner":
            return bool(point.zero_neurons == 1 and point.index == 0)
        corner = self._has_corners and point.zero_neurons
        return point.kind is Kind.SADDLE and point.index == 1 and not corner

    @property
    def _has_corners(self) -> bool:
        return self._problem.function.kinks

    def ways_out(self, family: Any, options: LineageOptions) -> Sequence[Piece]:
        """Over the corners of a flat set at positive loss."""
        from landtopo.models.networks.landscape.corners import corner_piece

        if family.is_global or not self._has_corners:
            return ()
        return (corner_piece(self._problem, family.weights, options),)

    def objection(self, ascent: Ascent) -> str | None:
        """Whether the point has index 1 in all d dimensions, not only in these coordinates."""
        return self._model.setting(ascent.x).objection(ascent)

    def settle(self, x: Array) -> Array | None:
        """The point of zero loss that a descent has come close to."""
        return self._model.setting(x).settle(x)


class _Starts:
    """Where searches for minima and transition states begin."""

    def __init__(self, model: NetworkModel) -> None:
        self._model = model
        self._problem = model.problem

    def minima(self, starts: int, run: Run) -> SearchResult:
        """Families of minima from random weights."""
        return find_minima(
            self._problem,
            starts=starts,
            seed=run.seed,
            jobs=run.jobs,
            cluster=run.cluster,
            init=self._model.init,
            journal=run.journal,
            progress=run.progress,
        )

    def suggested(
        self, lowest: Any, seed: int, options: ExploreOptions, pool: Pool
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Points with a symmetry; where there are sets without any, mirrored copies.

        Exchanges of teacher vectors that stand alike are the symmetries that are searched. Where
        all do, mirrored copies of the lowest family have such a symmetry, too.
        """
        from landtopo.models.networks.landscape.mirrors import MIRRORS, mirrored_piece
        from landtopo.models.networks.landscape.symmetries import SYMMETRY, symmetric_points

        problem = self._problem
        alike = interchangeable(problem.teacher.gram) if problem.is_plain else ()
        found: list[tuple[str, Mapping[str, Any]]] = []
        if alike and options.blocks:
            found.append((SYMMETRY, symmetric_points(problem, seed, options.blocks, pool)))
        if options.mirrors and [len(one) for one in alike] != [problem.teacher.size]:
            piece = mirrored_piece(problem, lowest.weights, seed, options.mirrors)
            found.append((MIRRORS, pool.run([piece])[0]))
        return found

    @property
    def share(self) -> float:
        """All of them up to so many coordinates, as many as can be paid for above."""
        return min(1.0, _COORDINATES / self._model.size)

    def random(self, generator: np.random.Generator) -> SaddleStart:
        """Random weights, with columns outside the span or without."""
        return random_start(self._problem, GaussianStart(), generator)

    def from_modes(self, point: Any, *, modes: int, seed: int) -> Iterator[SaddleStart]:
        """Away from a point along its soft modes."""
        return mode_starts(self._problem, point, modes=modes, seed=seed)

    def from_lines(self, first: Any, second: Any, *, seed: int) -> Iterator[SaddleStart]:
        """From straight lines between copies."""
        return pair_starts(self._problem, first, second, seed=seed)

    def apart(self, first: Array, second: Array) -> bool:
        """Ways between all points are looked for."""
        return False

    def climb(self, x: Array) -> AscentOptions:
        """Until the gradient vanishes, or no critical point can lie there."""
        return AscentOptions(
            gradient_tolerance=CRITICAL,
            region=_REGION * self._model.objective(x).farthest + float(np.linalg.norm(x)),
            steps=_STEPS,
        )

    @property
    def descent(self) -> DescentOptions:
        """As everywhere."""
        return DescentOptions()


class _Ladder:
    """One neuron more."""

    def __init__(self, problem: TeacherStudent) -> None:
        self._problem = problem

    def lift(
        self,
        catalogue: Catalogue,
        ancestors: Sequence[FamilyLike],
        seed: int,
        options: LineageOptions,
        pool: Pool,
        progress: Progress,
    ) -> tuple[Line, ...]:
        """Add a neuron to every family in every way and see where it goes."""
        from landtopo.models.networks.landscape.lineage import lift

        return lift(self._problem, catalogue, ancestors, seed, options, pool, progress)
