"""Reachability: which families training ends in, from stated initialisations, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from landtopo.checks import (
    checked_count,
    checked_instance,
    checked_jobs,
    checked_number,
    checked_options,
    checked_seed,
)
from landtopo.errors import InvalidArgument
from landtopo.journal import Forgetful, Journal, in_chunks
from landtopo.kernels import minimise as compiled
from landtopo.model import also_for_models
from landtopo.models.networks.dynamics.ends import RunOptions, follow_runs
from landtopo.models.networks.points.families import FamilyIndex, build_families
from landtopo.models.networks.points.search import DIVERGED
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.starts import ScaledStart, StartDistribution, parse_distribution
from landtopo.models.networks.units import in_units, unit_of
from landtopo.objective import Array
from landtopo.points.coverage import binomial_interval
from landtopo.points.records import Attempts, Family, Kind, Status
from landtopo.progress import Progress, Silent
from landtopo.run import on_cluster
from landtopo.shown import Brief, Table
from landtopo.units import Unitless, rescaled

__all__ = ["Reachability", "Share", "reachability", "share_of"]

_CHUNK = 50
_MOST = 100_000_000
_STATUS = {
    compiled.CONVERGED: Status.CONVERGED,
    compiled.TOO_LONG: Status.TOO_LONG,
    compiled.STALLED: Status.STALLED,
    DIVERGED: Status.DIVERGED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Brief):
    """A part of the runs, with its binomial interval.

    Attributes
    ----------
    label : str
        Family id, or what the runs have in common.
    count, runs : int
    low, high : float
        Exact interval of the probability.
    confidence : float
        Its confidence level.
    """

    label: str
    count: int
    runs: int
    low: float
    high: float
    confidence: float

    @property
    def fraction(self) -> float:
        """The part of the runs, count / runs."""
        return self.count / self.runs

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = ("label", "count", "fraction", "low", "high")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachability(Table):
    """Where many runs ended.

    Attributes
    ----------
    problem : TeacherStudent
    init : str
        Start distribution.
    options : RunOptions
    seed, runs : int
    families : tuple of Family
        Where runs ended, by increasing loss: minima, saddles in which the dynamics came to rest,
        points that could not be decided (see `family.point.kind`). `family.count` is the number of
        runs.
    unfinished : int
        Runs that did not come to rest within the limits.
    diverged : int
        Runs whose weights grew beyond all bounds, as they do where steps are too long.
    attempts : Attempts
        Every run; `attempts.family` counts through `families`.
    times : ndarray, shape (runs,)
        Time until the basin of the end point was entered.
    confidence : float
        Of the intervals.
    """

    problem: TeacherStudent
    init: str
    options: RunOptions
    seed: int
    runs: int
    families: tuple[Family, ...]
    unfinished: int
    diverged: int
    attempts: Attempts
    times: Unitless[Array]
    confidence: Unitless[float]

    def rows(self) -> list[dict[str, Any]]:
        """One row a family in which runs ended, then the unfinished runs if there are any."""
        return [share.record() for share in self.shares()]

    def share(self, families: Sequence[Family], label: str) -> Share:
        """The runs that ended in any of some of `self.families`."""
        return share_of(label, sum(family.count for family in families), self.runs, self.confidence)

    def shares(self) -> tuple[Share, ...]:
        """One share for each family, then the diverged and the unfinished runs if there are any."""
        found = [self.share([family], family.id) for family in self.families]
        found += self._without_end()
        return tuple(found)

    def global_share(self) -> Share:
        """The runs that ended at zero loss."""
        return self.share([family for family in self.families if family.is_global], "global")

    def by_anti_aligned(self) -> tuple[Share, ...]:
        """Minima by their number of anti-aligned neurons, then saddles and runs without an end.

        Labels are ``0``, ``1``, ... (every number up to the largest met), ``saddle``,
        ``undecided``, ``diverged`` and ``unfinished`` where there are any.
        """
        minima = [family for family in self.families if family.point.kind is Kind.MINIMUM]
        largest = max((family.anti_aligned for family in minima), default=-1)
        found = [
            self.share([f for f in minima if f.anti_aligned == number], str(number))
            for number in range(largest + 1)
        ]
        for kind in (Kind.SADDLE, Kind.UNDECIDED):
            others = [family for family in self.families if family.point.kind is kind]
            if others:
                found.append(self.share(others, str(kind)))
        found += self._without_end()
        return tuple(found)

    def _without_end(self) -> list[Share]:
        counts = {"diverged": self.diverged, "unfinished": self.unfinished}
        return [
            share_of(label, count, self.runs, self.confidence)
            for label, count in counts.items()
            if count
        ]

    def matched(self, families: Sequence[Family]) -> dict[str, Share]:
        """Shares of other families, such as those of a study or a graph, by their ids.

        Families in which no run ended have a share of zero; runs that ended elsewhere are under
        the key ``elsewhere``.
        """
        index = FamilyIndex(self.problem, tuple(families))
        counts = dict.fromkeys([*(family.id for family in families), "elsewhere"], 0)
        for family in self.families:
            number = index.find(family.weights)
            counts["elsewhere" if number is None else families[number].id] += family.count
        counts["elsewhere"] += self.unfinished + self.diverged
        return {
            label: share_of(label, count, self.runs, self.confidence)
            for label, count in counts.items()
        }

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "teacher": self.problem.teacher.title,
            "width": self.problem.width,
            "dim": self.problem.dim,
            "init": self.init,
            "source": self.attempts.source,
            "options": asdict(self.options),
            "seed": self.seed,
            "runs": self.runs,
            "confidence": self.confidence,
            "unfinished": self.unfinished,
            "diverged": self.diverged,
            "families": [
                {**share.record(), **_facts(family)}
                for share, family in zip(self.shares(), self.families, strict=False)
            ],
            "by_anti_aligned": [share.record() for share in self.by_anti_aligned()],
            "global": self.global_share().record(),
        }


@also_for_models("landtopo.models.networks.dynamics.students:student_reachability")
def reachability(
    problem: TeacherStudent,
    *,
    runs: int = 1000,
    init: str | StartDistribution = "gaussian:1",
    options: RunOptions | None = None,
    seed: int = 0,
    jobs: int = 1,
    cluster: str | None = None,
    confidence: float = 0.95,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Reachability:
    """Follow many training runs to their ends and count in which families they end.

    Run i draws its start from `SeedSequence(seed, spawn_key=(width, i))`, the same as start i of
    `find_minima`; neither `jobs`, nor resuming, nor further runs change what was found before.

    Parameters
    ----------
    problem : TeacherStudent
        One-pass SGD needs a finite dimension, ReLU and output weights 1; the gradient flow and
        gradient descent take every activation, and output weights of the teacher.
    runs : int
    init : str or StartDistribution
        Such as ``gaussian:1`` or ``gaussian:1:dim=1000000000``; see `networks.starts`.
    options : RunOptions, optional
        Method and its parameters; the gradient flow by default.
    seed : int
    jobs : int
        Number of threads; without meaning on a cluster.
    cluster : str, optional
        Address of a dask scheduler, such as ``tcp://host:8786``, whose workers make the runs.
    confidence : float
        Of the binomial intervals.
    journal : Journal, optional
        Keeps finished chunks of runs, so that a repeated call goes on where it was.
    progress : Progress, optional

    Returns
    -------
    Reachability

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> found = lt.reachability(problem, runs=20)
    >>> round(found.global_share().fraction, 4)
    1.0
    """
    checked_instance("problem", "reachability", problem, TeacherStudent)
    problem.require_ones("reachability")
    runs = checked_count("runs", "reachability", runs, most=_MOST)
    seed = checked_seed("reachability", seed)
    jobs = checked_jobs("reachability", jobs)
    confidence = checked_number(
        "confidence",
        "reachability",
        confidence,
        "lie between 0 and 1",
        lambda number: 0 < number < 1,
    )
    distribution = parse_distribution(init)
    options = checked_options("options", "reachability", options, RunOptions)
    if options.method == "sgd":
        problem.require_relu("reachability with the method 'sgd'")
        if problem.dim is None:
            raise InvalidArgument("The method 'sgd' needs a problem of finite dimension.")
    journal, progress = journal or Forgetful(), progress or Silent()
    unit, problem = unit_of(problem.teacher), in_units(problem)
    starts = ScaledStart(distribution=distribution, unit=unit)
    progress.begin(f"width {problem.width}: runs", runs)
    columns = in_chunks(
        runs,
        _CHUNK,
        name=f"reach/{problem.width}/{problem.dim}/{distribution}/{options.key()}/{seed}",
        work=partial(_in_parallel, problem, starts, options, seed, jobs, cluster),
        journal=journal,
        progress=progress,
    )
    progress.end()
    attempts = Attempts(
        width=problem.width,
        source=f"{options} from {distribution}",
        independent=True,
        starts=np.arange(runs, dtype=np.int64),
        status=tuple(_STATUS[int(code)] for code in columns["status"]),
        loss=columns["loss"],
        grad_norm=columns["grad_norm"],
        evaluations=columns["evaluations"],
        weights=columns["weights"],
        family=np.full(runs, -1, dtype=np.int64),
    )
    progress.begin("families", None)
    families, labels = build_families(problem, attempts, grad_tolerance=options.tolerance)
    progress.end()
    diverged = attempts.status.count(Status.DIVERGED)
    result = Reachability(
        problem=problem,
        init=str(distribution),
        options=options,
        seed=seed,
        runs=runs,
        families=families,
        unfinished=int(np.sum(labels < 0)) - diverged,
        diverged=diverged,
        attempts=replace(attempts, family=labels),
        times=columns["time"],
        confidence=confidence,
    )
    return rescaled(result, unit)


def _in_parallel(
    problem: TeacherStudent,
    distribution: StartDistribution,
    options: RunOptions,
    seed: int,
    jobs: int,
    cluster: str | None,
    chunks: list[tuple[int, int]],
) -> Iterator[tuple[int, dict[str, Any]]]:
    if not chunks:
        return
    if cluster is None and (jobs == 1 or len(chunks) < 2):
        for first, last in chunks:
            yield first, follow_runs(problem, distribution, options, seed, first, last)
        return
    tasks = [(problem, distribution, options, seed, *chunk) for chunk in chunks]
    if cluster is not None:
        for _, found in on_cluster(cluster, _numbered, tasks):
            yield found
        return
    from joblib import Parallel, delayed

    # The kernels release the interpreter lock: threads are enough.
    parallel = Parallel(n_jobs=jobs, backend="threading", return_as="generator_unordered")
    yield from parallel(delayed(_numbered)(*task) for task in tasks)


def _numbered(
    problem: TeacherStudent,
    distribution: StartDistribution,
    options: RunOptions,
    seed: int,
    first: int,
    last: int,
) -> tuple[int, dict[str, Any]]:
    return first, follow_runs(problem, distribution, options, seed, first, last)


def share_of(label: str, count: int, runs: int, confidence: float) -> Share:
    """A part of the runs with its interval.

    Parameters
    ----------
    label : str
    count, runs : int
    confidence : float
        Level of the interval.
    """
    low, high = binomial_interval(count, runs, level=confidence)
    return Share(label=label, count=count, runs=runs, low=low, high=high, confidence=confidence)


def _facts(family: Family) -> dict[str, Any]:
    return {
        "loss": family.loss,
        "is_global": family.is_global,
        "kind": str(family.point.kind),
        "anti_aligned": family.anti_aligned,
        "zero_neurons": family.point.zero_neurons,
        "flat_dimension": family.flat_dimension,
        "description": family.description,
    }
