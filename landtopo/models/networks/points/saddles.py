"""Saddles of a given index: from random starts, soft modes, and between known points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from landtopo.checks import (
    checked_choice,
    checked_count,
    checked_instance,
    checked_tolerance,
)
from landtopo.errors import InvalidArgument
from landtopo.journal import Journal
from landtopo.model import also_for_models
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.families import FamilyIndex, describe_family, number_families
from landtopo.models.networks.points.saddle_ends import (
    SearchEnd,
    known_saddles,
    pack_ends,
    unpack_ends,
)
from landtopo.models.networks.points.saddle_starts import (
    band_starts,
    mode_starts,
    pair_starts,
    random_start,
)
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.starts import (
    ScaledStart,
    StartDistribution,
    parse_distribution,
    start_generator,
)
from landtopo.models.networks.units import in_units, unit_of
from landtopo.objective import Array
from landtopo.points.ascend import AscentOptions, AscentStatus, climbs
from landtopo.points.climbs import SaddleStart
from landtopo.points.coverage import Coverage, estimate_coverage
from landtopo.points.known import Known
from landtopo.points.records import Attempts, CriticalPoint, Families, Family, Kind, Status
from landtopo.points.sources import in_turn
from landtopo.progress import Progress
from landtopo.run import Run, on_cluster
from landtopo.units import Unitless, rescaled

__all__ = ["SOURCES", "SaddleResult", "find_saddles"]

SOURCES = ("random", "soft modes", "pairs", "bands")
_CHUNK = 32
_STATUS = {
    AscentStatus.CONVERGED: Status.CONVERGED,
    AscentStatus.STEPS_USED: Status.TOO_LONG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SaddleResult(Families):
    """What a search for saddles found.

    Attributes
    ----------
    problem : TeacherStudent or Model
        For a model such as `function_model` makes, see `landtopo.models.searches.find_saddles`.
    index : int or "any"
        Wanted index in d dimensions.
    families : tuple of Family
        Families of saddles of that index, by increasing loss. `count` is of random starts.
    others : tuple of Family
        Families of other critical points that were met.
    attempts : Attempts
        The random starts. Their `family` counts through `families`, then `others`.
    books : tuple of Attempts
        The starts that are not independent, one book for each source.
    coverage : Coverage
        How sure the list of all families met is, from the random starts alone.
    search : dict
        Sources, start distribution, seed.
    """

    problem: TeacherStudent
    index: int | Literal["any"]
    families: tuple[Family, ...]
    others: tuple[Family, ...]
    attempts: Attempts
    books: tuple[Attempts, ...]
    coverage: Coverage
    search: Unitless[dict[str, Any]]

    @property
    def points(self) -> tuple[CriticalPoint, ...]:
        """The representatives of all families, wanted ones first."""
        return tuple(family.point for family in (*self.families, *self.others))


@also_for_models("landtopo.models.searches:find_saddles")
def find_saddles(
    problem: TeacherStudent,
    *,
    index: int | Literal["any"] = 1,
    starts: int = 500,
    seed: int = 0,
    jobs: int = 1,
    cluster: str | None = None,
    sources: Sequence[str] = SOURCES,
    known: Sequence[CriticalPoint] | None = None,
    init: str | StartDistribution = "gaussian:1",
    tolerance: float = 1e-12,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> SaddleResult:
    """Find families of saddles by eigenvector following with exact Hessians.

    Parameters
    ----------
    problem : TeacherStudent or Model
        For a model such as `function_model` makes, see `landtopo.models.searches.find_saddles`.
    index : int or "any"
        Number of negative eigenvalues in d dimensions (gauge not counted) that is wanted; ``any``
        draws the index to climb to for every start.
    starts : int
        Number of random starts, and largest number of starts of every other source.
    seed : int
        Root seed.
    jobs : int
        Number of threads; the result does not depend on it.
    cluster : str, optional
        Address of a dask scheduler whose workers do the work in their place.
    sources : sequence of str
        Which starts to use: ``random`` (independent draws), ``soft modes`` (away from known points
        along all soft modes, up to symmetry), ``pairs`` (highest points of straight lines between
        copies of known points), ``bands`` (maxima of elastic bands between them).
    known : sequence of CriticalPoint, optional
        Points to start from: minima for index 1, saddles of index n - 1 for index n. They are
        searched for from random starts if they are needed and not given.
    init : str or StartDistribution
        Start distribution of the random starts and of the search for minima.
    tolerance : float
        Norm of the gradient at which a point is critical, in units of the teacher
        (`landtopo.models.networks.units.unit_of`).
    journal : Journal, optional
        Keeps finished chunks of starts.
    progress : Progress, optional

    Returns
    -------
    SaddleResult

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> found = lt.find_saddles(problem, starts=20)
    >>> [round(family.loss, 6) for family in found]
    [0.073613]
    """
    checked_instance("problem", "find_saddles", problem, TeacherStudent)
    problem.require_climbs("find_saddles")
    starts = checked_count("starts", "find_saddles", starts, most=100_000_000)
    run = Run.checked(
        "find_saddles", seed=seed, jobs=jobs, cluster=cluster, journal=journal, progress=progress
    )
    seed = run.seed
    if not isinstance(index, str) or index != "any":
        # In any dimension, an index that counts directions beyond these repeats eigenvalues of the
        # normal block, and no search climbs so many.
        most = problem.width * (problem.rank + problem.extra)
        index = checked_count("index", "find_saddles", index, most=most)
    tolerance = checked_tolerance("find_saddles", tolerance)
    checked_instance("sources", "find_saddles", sources, tuple, list)
    sources = tuple(checked_choice("sources", "find_saddles", name, SOURCES) for name in sources)
    if not sources:
        raise InvalidArgument(
            f"The 'sources' argument of find_saddles must name some of {', '.join(SOURCES)}."
        )
    for point in known or ():
        checked_instance("known", "find_saddles", point, CriticalPoint)
    unit, problem = unit_of(problem.teacher), in_units(problem)
    distribution = ScaledStart(distribution=parse_distribution(init), unit=unit)
    if known is not None:
        known = [rescaled(point, 1.0 / unit) for point in known]
    if known is None and any(source != "random" for source in sources):
        known = _lower_points(problem, index, starts, distribution, tolerance, run)
    search = _Search(problem, index, tolerance, run)
    books = []
    # What is recognised on the way depends on what was found before, so the name under which a
    # source's chunks are kept says that too.
    name = f"saddles/{problem.width}/{index}/{distribution}/{seed}/{tolerance:g}"
    for source in SOURCES:
        if source not in sources:
            continue
        tasks = _tasks(problem, source, index, starts, seed, known or (), distribution)
        name += f"/{source}"
        if source != "random":
            name += f":{starts}:{_digest(known or ())}"
        books.append(search.run(tasks, source, name))
        if source == "random":
            name += f":{starts}"
    result = search.result(
        books,
        {
            "sources": [source for source in SOURCES if source in sources],
            "init": str(distribution),
            "starts": starts,
            "seed": seed,
            "index": index,
            "tolerance": tolerance,
        },
    )
    return rescaled(result, unit)


def _lower_points(
    problem: TeacherStudent,
    index: int | Literal["any"],
    starts: int,
    init: StartDistribution,
    tolerance: float,
    run: Run,
) -> tuple[CriticalPoint, ...]:
    """Points of the index below: what soft modes and pairs start from."""
    if index == "any" or index == 1:
        from landtopo.models.networks.points.search import find_minima

        minima = find_minima(
            problem,
            starts=starts,
            seed=run.seed,
            jobs=run.jobs,
            cluster=run.cluster,
            init=init,
            tolerance=tolerance,
            journal=run.journal,
        )
        return tuple(family.point for family in minima.families)
    below = find_saddles(
        problem,
        index=index - 1,
        starts=starts,
        seed=run.seed,
        jobs=run.jobs,
        cluster=run.cluster,
        sources=("random",),
        init=init,
        tolerance=tolerance,
        journal=run.journal,
    )
    return tuple(family.point for family in below.families)


@dataclass(frozen=True, slots=True)
class _Task:
    """One start, made when it is needed, with the index to climb to."""

    number: int
    index: int
    make: Callable[[], SaddleStart]


def _tasks(
    problem: TeacherStudent,
    source: str,
    index: int | Literal["any"],
    starts: int,
    seed: int,
    known: Sequence[CriticalPoint],
    distribution: StartDistribution,
) -> list[_Task]:
    if source == "random":
        return [_random_task(problem, index, seed, i, distribution) for i in range(starts)]
    target = 1 if index == "any" else index
    generators: list[Iterator[SaddleStart]] = []
    if source == "soft modes":
        generators = [mode_starts(problem, point, seed=seed) for point in known]
    else:
        between = pair_starts if source == "pairs" else band_starts
        generators = [
            between(problem, known[i], known[j], seed=seed)
            for i in range(len(known))
            for j in range(i, len(known))
        ]
    found = list(islice(in_turn(generators), starts))
    return [_Task(i, target, partial(_given, start)) for i, start in enumerate(found)]


def _digest(points: Sequence[CriticalPoint]) -> str:
    digest = sha256()
    for point in points:
        digest.update(repr(point.weights.shape).encode())
        digest.update(np.ascontiguousarray(point.weights, dtype="<f8").tobytes())
    return digest.hexdigest()[:16]


def _given(start: SaddleStart) -> SaddleStart:
    return start


def _random_task(
    problem: TeacherStudent,
    index: int | Literal["any"],
    seed: int,
    number: int,
    distribution: StartDistribution,
) -> _Task:
    generator = start_generator(seed, problem.width, number)
    if index == "any":
        size = problem.width * problem.rank
        target = min(int(generator.geometric(0.4)), max(size - 1, 1))
    else:
        target = index
    return _Task(number, target, lambda: random_start(problem, distribution, generator))


class _Search:
    """Books, and the families they share."""

    def __init__(
        self,
        problem: TeacherStudent,
        index: int | Literal["any"],
        tolerance: float,
        run: Run,
    ) -> None:
        self.problem = problem
        self.index = index
        self.tolerance = tolerance
        self.how = run
        self.progress = run.progress
        self.known = known_saddles(problem)
        self.families: list[Family] = []
        self.counts: list[int] = []

    def run(self, tasks: list[_Task], source: str, name: str) -> Attempts:
        """Follow all starts of one source.

        What is known is the same for all starts of a chunk, so that the order in which threads
        finish does not matter.
        """
        ends: list[SearchEnd] = []
        self.progress.begin(f"width {self.problem.width}: saddles from {source}", len(tasks))
        for first in range(0, len(tasks), _CHUNK):
            chunk = tasks[first : first + _CHUNK]
            key = f"{name}/{first}-{first + len(chunk)}"
            kept = self.how.journal.recall(key)
            if kept is None:
                found = self._follow(chunk)
                self.how.journal.remember(key, pack_ends(found))
            else:
                found = unpack_ends(dict(kept))
            ends.extend(self._named(end, source) for end in found)
            self.progress.advance(len(chunk), f"{len(self.families)} families")
        self.progress.end()
        columns = max((end.weights.shape[1] for end in ends), default=self.problem.rank)
        return Attempts(
            width=self.problem.width,
            source=source,
            independent=source == "random",
            starts=np.array([task.number for task in tasks], dtype=np.int64),
            status=tuple(end.status for end in ends),
            loss=np.array([end.loss for end in ends]),
            grad_norm=np.array([end.grad_norm for end in ends]),
            evaluations=np.array([end.evaluations for end in ends], dtype=np.int64),
            weights=np.array(
                [np.pad(e.weights, ((0, 0), (0, columns - e.weights.shape[1]))) for e in ends]
            ).reshape(len(ends), self.problem.width, columns),
            family=np.array([end.family for end in ends], dtype=np.int64),
        )

    def result(self, books: list[Attempts], search: dict[str, Any]) -> SaddleResult:
        """Order the families, renumber the books."""
        for book in books:
            if book.independent:
                for label in book.family[book.family >= 0]:
                    self.counts[label] += 1
        found = [
            replace(family, count=count)
            for family, count in zip(self.families, self.counts, strict=True)
        ]
        wanted = np.array([self._is_wanted(family.point) for family in found], dtype=bool)
        numbered, order = number_families(found)
        is_wanted = np.zeros(len(found), dtype=bool)
        is_wanted[order] = wanted
        rank = np.argsort(~is_wanted, kind="stable")
        place = np.empty(len(found) + 1, dtype=np.int64)
        place[rank] = np.arange(len(found))
        place[-1] = -1
        number = np.append(place[order], -1)
        families = [
            replace(numbered[i], id=f"w{self.problem.width}-s{n}") for n, i in enumerate(rank)
        ]
        count = int(wanted.sum())
        renamed = [replace(book, family=number[book.family]) for book in books]
        independent = [book for book in renamed if book.independent]
        dependent = tuple(book for book in renamed if not book.independent)
        return SaddleResult(
            problem=self.problem,
            index=self.index,
            families=tuple(families[:count]),
            others=tuple(families[count:]),
            attempts=independent[0] if independent else _no_attempts(self.problem),
            books=dependent,
            coverage=estimate_coverage([family.count for family in families]),
            search=search,
        )

    def _is_wanted(self, point: CriticalPoint) -> bool:
        corner = self.problem.function.kinks and point.zero_neurons
        if point.kind is not Kind.SADDLE or corner:
            return False
        return self.index == "any" or point.index == self.index

    def _follow(self, chunk: list[_Task]) -> list[SearchEnd]:
        loss = PopulationLoss(self.problem)
        if self.how.cluster is not None:
            given = (self.problem, self.known, self.tolerance)
            tasks = [(*given, task.index, task.make()) for task in chunk]
            found = dict(on_cluster(self.how.cluster, _follow_afar, tasks))
            return [found[number] for number in range(len(chunk))]
        follow = partial(_follow_one, loss, self.known, self.tolerance)
        if self.how.jobs == 1:
            return [follow(task.index, task.make()) for task in chunk]
        from joblib import Parallel, delayed

        parallel = Parallel(n_jobs=self.how.jobs, prefer="threads")
        return list(parallel(delayed(follow)(task.index, task.make()) for task in chunk))

    def _named(self, end: SearchEnd, source: str) -> SearchEnd:
        """The same end with its family, which is made if it is new."""
        if end.status is not Status.CONVERGED:
            return end
        index = FamilyIndex(problem=self.problem, families=self.families)
        number = index.find(end.weights)
        if number is None:
            point = classify(self.problem, end.weights, grad_tolerance=self.tolerance)
            family = describe_family(self.problem, point, count=0, found_by=source)
            number = self.known.add(family.weights, family.loss)
            self.families.append(family)
            self.counts.append(0)
        return replace(end, family=number)


def _follow_one(
    loss: PopulationLoss, known: Known[Array], tolerance: float, index: int, start: SaddleStart
) -> SearchEnd:
    """A climb to a point of an index, compared with what is known."""
    problem = loss.problem
    objective = WeightObjective(loss, columns=start.x.shape[1])
    end = SearchEnd(
        weights=start.x,
        status=Status.STALLED,
        loss=float(objective.value(start.x.ravel())),
        grad_norm=np.inf,
        evaluations=0,
        family=-1,
    )
    if index >= objective.size:
        return end
    options = AscentOptions(
        index=index,
        gradient_tolerance=tolerance,
        # What climbs far beyond the longest critical points will not come back.
        region=1.3 * objective.farthest + float(np.linalg.norm(start.x)),
        steps=150,
    )
    along = None if start.direction is None else start.direction.reshape(1, -1)
    ends = climbs(objective, start.x.reshape(1, -1), options, directions=along)
    weights = objective.weights(ends.points[0])
    end = SearchEnd(
        weights=weights,
        status=_STATUS.get(ends.status[0], Status.STALLED),
        loss=float(ends.values[0]),
        grad_norm=float(ends.gradient_norms[0]),
        evaluations=int(ends.evaluations[0]),
        family=-1,
    )
    if end.status is not Status.CONVERGED:
        return end
    met = known.find(weights, end.loss)
    if met is not None:
        return replace(end, status=Status.DUPLICATE, family=met[0])
    point = classify(problem, weights, grad_tolerance=tolerance)
    return SearchEnd(
        weights=point.weights,
        status=Status.CONVERGED if point.grad_norm <= tolerance else Status.STALLED,
        loss=point.loss,
        grad_norm=point.grad_norm,
        evaluations=end.evaluations,
        family=-1,
    )


def _follow_afar(
    problem: TeacherStudent, known: Known[Array], tolerance: float, index: int, start: SaddleStart
) -> SearchEnd:
    """The same where the problem has come without its loss."""
    return _follow_one(PopulationLoss(problem), known, tolerance, index, start)


def _no_attempts(problem: TeacherStudent) -> Attempts:
    numbers: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    return Attempts(
        width=problem.width,
        source="random",
        independent=True,
        starts=numbers,
        status=(),
        loss=np.empty(0),
        grad_norm=np.empty(0),
        evaluations=numbers,
        weights=np.empty((0, problem.width, problem.rank)),
        family=numbers,
    )
