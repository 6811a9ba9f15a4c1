"""Many starts: every start ends in a critical point or says why not, and every end is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.checks import (
    MOST_RATIO,
    check_options,
    checked_choice,
    checked_count,
    checked_instance,
    checked_number,
    checked_tolerance,
)
from landtopo.journal import Journal, in_chunks, together
from landtopo.kernels import minimise as compiled
from landtopo.kernels.descent import descend_batch
from landtopo.model import also_for_models
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.families import build_families, group_weights
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.starts import (
    ScaledStart,
    StartDistribution,
    draw_start,
    parse_distribution,
    start_generator,
)
from landtopo.models.networks.units import in_units, unit_of
from landtopo.objective import Array
from landtopo.points.coverage import Coverage, estimate_coverage
from landtopo.points.polish import polish
from landtopo.points.records import Attempts, CriticalPoint, Families, Family, Kind, Status
from landtopo.progress import Progress
from landtopo.run import Run, on_cluster
from landtopo.shown import Brief
from landtopo.units import Unitless, rescaled

__all__ = [
    "DIVERGED",
    "METHODS",
    "SearchOptions",
    "SearchResult",
    "find_minima",
    "have_diverged",
    "run_starts",
]

METHODS = ("quasi-newton", "gradient-descent")
#: Code of a start whose weights grew beyond all bounds, beside those of the compiled minimiser.
DIVERGED = -1
_STATUS = {
    compiled.CONVERGED: Status.CONVERGED,
    compiled.TOO_LONG: Status.TOO_LONG,
    compiled.STALLED: Status.STALLED,
    DIVERGED: Status.DIVERGED,
}
_CHUNK = 128
_WAVE = 4 * _CHUNK
_NO_LIMIT = 1_000_000
_MOST = 100_000_000
_DENSE = 1600
# Meetings expected of a family that has just the probability that coverage may leave out.
_MEETINGS = 10.0
# Gradient descent is followed until Newton's method from its end cannot leave the basin.
_DESCENT_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions(Brief):
    """How starts are followed.

    Attributes
    ----------
    method : str
        ``quasi-newton`` (fast), or ``gradient-descent``: plain steps of fixed size, whose ends
        are then solved to `tolerance` by Newton's method.
    tolerance : float
        Norm of the gradient at the end, in units of the teacher.
    limit : int
        Most gradients and Hessian products of one start.
    step : float
        Step of gradient descent.
    """

    method: str = "quasi-newton"
    tolerance: float = 1e-12
    limit: int = 200_000
    step: float = 0.1

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult(Families):
    """What many starts found.

    Attributes
    ----------
    problem : TeacherStudent
    families : tuple of Family
        Families of minima, by increasing loss.
    others : tuple of Family
        Families of other critical points in which starts ended: saddles, undecided points.
    attempts : Attempts
        Every start. `attempts.family` counts through `families`, then `others`.
    coverage : Coverage
        How sure the list is, from the independent starts.
    search : dict
        Method, start distribution, seed, stopping rule: without it a count means nothing.
    """

    problem: TeacherStudent
    families: tuple[Family, ...]
    others: tuple[Family, ...]
    attempts: Attempts
    coverage: Coverage
    search: Unitless[dict[str, Any]]

    @property
    def points(self) -> tuple[CriticalPoint, ...]:
        """The representatives of all families, minima first."""
        return tuple(family.point for family in (*self.families, *self.others))


@also_for_models("landtopo.models.searches:find_minima")
def find_minima(
    problem: TeacherStudent,
    *,
    starts: int | None = None,
    until_coverage: float | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    cluster: str | None = None,
    method: str = "quasi-newton",
    init: str | StartDistribution = "gaussian:1",
    tolerance: float = 1e-12,
    step: float = 0.1,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> SearchResult:
    """Find families of minima from many random starts.

    Start number i draws from `SeedSequence(seed, spawn_key=(width, i))`, so neither `jobs`, nor
    resuming, nor further starts change what was found before.

    Parameters
    ----------
    problem : TeacherStudent or Model
        For a model such as `function_model` makes, see `landtopo.models.searches.find_minima`.
    starts : int, optional
        Number of starts, at most if another rule is given too. 500 by default, or a million where
        another rule stops the search.
    until_coverage : float, optional
        Stop when the estimated coverage is at least this, and a family that is met with the
        probability left over would have been met ten times on average.
    time_limit : float, optional
        Stop after so many seconds. The number of starts followed until then is in `search`, and
        that many starts give the same result again.
    seed : int
        Root seed.
    jobs : int
        Number of threads.
    cluster : str, optional
        Address of a dask scheduler whose workers follow the starts; the result does not depend on
        it.
    method : str
        ``quasi-newton`` or ``gradient-descent``.
    init : str or StartDistribution
        Start distribution, such as ``gaussian:1``; see `landtopo.models.networks.starts`.
    tolerance : float
        Norm of the gradient at which a start has converged, in units of the teacher
        (`landtopo.models.networks.units.unit_of`).
    step : float
        Step of gradient descent.
    journal : Journal, optional
        Keeps finished chunks of starts.
    progress : Progress, optional

    Returns
    -------
    SearchResult

    Raises
    ------
    InvalidArgument
        If an argument cannot be used.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> found = lt.find_minima(problem, starts=20)
    >>> found["w2-f0"].orbit_size
    2
    >>> len(found), found.coverage.families
    (1, 1)
    """
    checked_instance("problem", "find_minima", problem, TeacherStudent)
    problem.require_ones("find_minima")
    most = checked_count("starts", "find_minima", 500 if starts is None else starts, most=_MOST)
    if starts is None and not (until_coverage is None and time_limit is None):
        most = _NO_LIMIT
    if until_coverage is not None:
        until_coverage = checked_number(
            "until_coverage",
            "find_minima",
            until_coverage,
            "lie between 0 and 1",
            lambda value: 0 < value < 1,
        )
    if time_limit is not None:
        time_limit = checked_number(
            "time_limit",
            "find_minima",
            time_limit,
            "be a positive number of seconds",
            lambda value: 0 < value < np.inf,
        )
    run = Run.checked(
        "find_minima", seed=seed, jobs=jobs, cluster=cluster, journal=journal, progress=progress
    )
    method = checked_choice("method", "find_minima", method, METHODS)
    tolerance = checked_tolerance("find_minima", tolerance)
    step = checked_number(
        "step", "find_minima", step, "lie in (0, 1]", lambda value: 0 < value <= 1
    )
    distribution = parse_distribution(init)
    unit, problem = unit_of(problem.teacher), in_units(problem)
    options = SearchOptions(method=method, tolerance=tolerance, step=step)
    attempts, stopped, looks = _run_until(
        problem,
        ScaledStart(distribution=distribution, unit=unit),
        most,
        until_coverage,
        time_limit,
        options,
        run,
    )
    run.progress.begin("families", None)
    minima, others, attempts = _grouped(problem, attempts, tolerance)
    run.progress.end()
    result = SearchResult(
        problem=problem,
        families=minima,
        others=others,
        attempts=attempts,
        coverage=estimate_coverage([family.count for family in (*minima, *others)], looks=looks),
        search={
            **asdict(options),
            "init": str(distribution),
            "starts": len(attempts),
            "stopped_by": stopped,
            "looks": looks,
            "seed": run.seed,
        },
    )
    return rescaled(result, unit)


def _grouped(
    problem: TeacherStudent, attempts: Attempts, tolerance: float
) -> tuple[tuple[Family, ...], tuple[Family, ...], Attempts]:
    """Families of minima, other families, and the attempts with their numbers among both."""
    families, labels = build_families(problem, attempts, grad_tolerance=tolerance)
    minima = tuple(family for family in families if family.point.kind is Kind.MINIMUM)
    others = tuple(family for family in families if family.point.kind is not Kind.MINIMUM)
    order = {family.id: i for i, family in enumerate((*minima, *others))}
    number = np.array([order[family.id] for family in families] + [-1], dtype=np.int64)
    return minima, others, _with_families(attempts, number[labels])


class _Remembering:
    """A journal that also keeps in memory what it was given."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kept: dict[str, Mapping[str, Any]] = {}

    def recall(self, key: str) -> Mapping[str, Any] | None:
        return self._kept.get(key) or self._journal.recall(key)

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        self._journal.remember(key, value)
        self._kept[key] = value

    def together(self) -> AbstractContextManager[None]:
        return together(self._journal)


def _run_until(
    problem: TeacherStudent,
    distribution: StartDistribution,
    most: int,
    until_coverage: float | None,
    time_limit: float | None,
    options: SearchOptions,
    run: Run,
) -> tuple[Attempts, str, int]:
    """Follow starts until a stopping rule holds.

    Returns the attempts, the name of the rule, and how often the ends were looked at to decide.

    Rules are looked at after whole waves of starts, whose sizes depend on nothing else, so that
    the coverage rule stops at the same start whatever the number of jobs.
    """
    began = monotonic()
    if until_coverage is None and time_limit is None:
        wave = most
    else:
        wave = _WAVE
        run = replace(run, journal=_Remembering(run.journal))
    number = 0
    looks = 0
    check = 0.0 if until_coverage is None else _MEETINGS / (1.0 - until_coverage)
    while True:
        number = min(number + wave, most)
        attempts = run_starts(problem, distribution, number, options, run)
        if until_coverage is not None and number >= check:
            ended = [status is Status.CONVERGED for status in attempts.status]
            counts = np.bincount(group_weights(problem, attempts.weights[ended]))
            looks += 1
            if estimate_coverage(counts).coverage >= until_coverage:
                return attempts, "coverage", looks
            check = 1.5 * number
        if time_limit is not None and monotonic() - began >= time_limit:
            return attempts, "time", looks
        if number >= most:
            return attempts, "starts", looks


def run_starts(
    problem: TeacherStudent,
    distribution: StartDistribution,
    starts: int,
    options: SearchOptions,
    run: Run,
) -> Attempts:
    """Follow starts 0 .. starts - 1 to their ends, in chunks that are journalled."""
    loss = PopulationLoss(problem)
    name = (
        f"starts/{problem.width}/{distribution}/{options.method}/{run.seed}/{options.tolerance:g}"
        + (f"/{options.step:g}" if options.method == "gradient-descent" else "")
    )
    run.progress.begin(f"width {problem.width}: starts", starts)
    columns = in_chunks(
        starts,
        _CHUNK,
        name=name,
        work=partial(_in_parallel, loss, distribution, options, run),
        journal=run.journal,
        progress=run.progress,
    )
    run.progress.end()
    return Attempts(
        width=problem.width,
        source=str(distribution),
        independent=True,
        starts=np.arange(starts, dtype=np.int64),
        status=tuple(_STATUS[int(code)] for code in columns["status"]),
        loss=columns["loss"],
        grad_norm=columns["grad_norm"],
        evaluations=columns["evaluations"],
        weights=columns["weights"],
        family=np.full(starts, -1, dtype=np.int64),
    )


def _in_parallel(
    loss: PopulationLoss,
    distribution: StartDistribution,
    options: SearchOptions,
    run: Run,
    chunks: list[tuple[int, int]],
) -> Iterator[tuple[int, dict[str, Any]]]:
    if run.cluster is not None and chunks:
        tasks = [(loss.problem, distribution, run.seed, options, *chunk) for chunk in chunks]
        for number, columns in on_cluster(run.cluster, _follow_afar, tasks):
            yield chunks[number][0], columns
        return

    def work(first: int, last: int) -> tuple[int, dict[str, Any]]:
        return first, _follow(loss, distribution, run.seed, options, first, last)

    # The kernels release the interpreter lock, so threads are enough and nothing is copied.
    with ThreadPoolExecutor(max_workers=run.jobs) as pool:
        waiting = [pool.submit(work, *chunk) for chunk in chunks]
        try:
            for future in as_completed(waiting):
                yield future.result()
        finally:
            for future in waiting:
                future.cancel()


def _follow_afar(problem: TeacherStudent, *rest: Any) -> dict[str, Any]:
    """One chunk of starts, where the problem has come without its loss."""
    return _follow(PopulationLoss(problem), *rest)


def _follow(
    loss: PopulationLoss,
    distribution: StartDistribution,
    seed: int,
    options: SearchOptions,
    first: int,
    last: int,
) -> dict[str, Any]:
    """One chunk of starts, start to end."""
    problem = loss.problem
    weights = np.stack(
        [
            draw_start(
                problem,
                distribution,
                start_generator(seed, problem.width, start),
            )
            for start in range(first, last)
        ]
    )
    network = loss.network(weights.shape[2])
    if options.method == "gradient-descent":
        _, codes, used = descend_batch(
            weights, network, options.step, _DESCENT_TOLERANCE, options.limit
        )
        gone = have_diverged(problem, weights)
        weights[gone], codes[gone] = np.nan, DIVERGED
        norms = _solve_ends(loss, weights, codes, options.tolerance)
    else:
        norms, codes, used = compiled.minimise_batch(
            weights, network, options.tolerance, options.limit
        )
        _solve_stalled(loss, weights, codes, norms, options.tolerance)
    return {
        "weights": weights,
        # Plain double precision is enough for a list of ends; families get every digit.
        "loss": np.maximum(loss.formulas.values_gradients(weights, with_gradient=False)[0], 0.0),
        "grad_norm": norms,
        "status": codes,
        "evaluations": used,
    }


def have_diverged(problem: TeacherStudent, weights: Array) -> NDArray[np.bool_]:
    """Which points (n, K, D) have neurons so long that they hide the teacher in their rounding."""
    longest = MOST_RATIO * float(problem.teacher.norms.max())
    return np.asarray(~np.all(np.abs(weights) <= longest, axis=(1, 2)))


def _solve_stalled(
    loss: PopulationLoss, weights: Array, codes: Array, norms: Array, tolerance: float
) -> None:
    """Newton's method with dense Hessians for the few ends where conjugate gradients fail."""
    objective = WeightObjective(loss, columns=weights.shape[2])
    for i in np.flatnonzero(codes == compiled.STALLED):
        corner = loss.problem.function.kinks and np.any(np.all(weights[i] == 0, axis=1))
        if objective.size > _DENSE or corner or not np.isfinite(norms[i]):
            continue
        x, norm = polish(objective, weights[i].ravel(), tolerance=tolerance, patience=4)
        close = np.linalg.norm(x - weights[i].ravel()) <= 1e-2 * np.linalg.norm(x)
        if norm <= tolerance and close:
            weights[i], norms[i], codes[i] = objective.weights(x), norm, compiled.CONVERGED


def _flat(weights: Array) -> Array:
    return weights.reshape(len(weights), -1)


def _solve_ends(loss: PopulationLoss, weights: Array, codes: Array, tolerance: float) -> Array:
    """Newton's method from the ends of gradient descent, to whatever critical point is there."""
    objective = WeightObjective(loss, columns=weights.shape[2])
    norms: Array = compiled.polish_batch(weights, loss.network(objective.columns), tolerance)
    # Beyond the neurons that a series is known for there is no number, and nothing to solve.
    for i in np.flatnonzero((norms > tolerance) & np.isfinite(objective.value(_flat(weights)))):
        x, norms[i] = polish(objective, weights[i].ravel(), tolerance=tolerance)
        weights[i] = objective.weights(x)
    codes[norms <= tolerance] = compiled.CONVERGED
    codes[(norms > tolerance) & (codes == compiled.CONVERGED)] = compiled.STALLED
    return norms


def _with_families(attempts: Attempts, labels: NDArray[np.int64]) -> Attempts:
    return replace(attempts, family=labels)
