"""One-pass SGD in finite dimension: batches of runs and the statistics along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.checks import checked_count, checked_seed
from landtopo.dynamics.statistics_flow import loss_from_statistics
from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.points.starts import StartDistribution, draw_start, start_generator
from landtopo.problem import TeacherStudent
from landtopo.progress import Progress, Silent
from landtopo.shown import Brief

__all__ = ["METHODS", "SGDRuns", "run_sgd"]

METHODS = ("reduced", "direct")
# Third number of the spawn key (width, run, 1) of a run's samples; (width, run) draws its start.
_SAMPLES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SGDRuns(Brief):
    """Runs of one-pass SGD, in columns; row i is run `runs[i]`.

    Attributes
    ----------
    problem : TeacherStudent
    rate : float
        Learning rate eta; a step is w_k <- w_k - (eta/d)(f - f*) s'(w_k.x) x.
    seed : int
    method : str
        ``reduced`` (exact, cost of a step independent of d) or ``direct``.
    runs : ndarray of int, shape (n,)
    times : ndarray, shape (t,)
        Time = steps/d.
    student, overlap : ndarray, shapes (n, t, K, K) and (n, t, K, M)
        Q and R.
    losses : ndarray, shape (n, t)
    weights : ndarray, shape (n, K, r + E)
        Weights at the last time, up to a rotation outside the span.
    """

    problem: TeacherStudent
    rate: float
    seed: int
    method: str
    runs: NDArray[np.int64]
    times: Array
    student: Array
    overlap: Array
    losses: Array
    weights: Array


def run_sgd(
    problem: TeacherStudent,
    start: StartDistribution | ArrayLike,
    *,
    rate: float,
    times: ArrayLike,
    runs: int = 1,
    first_run: int = 0,
    seed: int = 0,
    method: str = "reduced",
    progress: Progress | None = None,
) -> SGDRuns:
    """Train by one-pass SGD on inputs of finite dimension d.

    Run i draws its start from `SeedSequence(seed, spawn_key=(width, i))` and its samples from
    `SeedSequence(seed, spawn_key=(width, i, 1))`, whatever other runs are made.

    Parameters
    ----------
    problem : TeacherStudent
        With a finite dimension.
    start : StartDistribution or array_like, shape (K, r + E)
        Where each run starts; the same point for all of them if weights are given.
    rate : float
        Learning rate eta > 0.
    times : array_like, shape (t,)
        Times = steps/d, ascending, at which the statistics are recorded.
    runs, first_run : int
        Runs first_run ... first_run + runs - 1 are made.
    seed : int
    method : str
        ``reduced``: the exact process of (Q, R) in r + K + 1 coordinates, some 0.3 microseconds a
        step for K = M = 3 and 1.5 for 17 in any dimension; the proof is in
        `landtopo.dynamics.simulator`. ``direct``: d-dimensional vectors, some 7 microseconds a step
        for each thousand dimensions; for comparison.
    progress : Progress, optional
        Advances by one for each run.

    Returns
    -------
    SGDRuns

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2, dim=50)
    >>> runs = lt.run_sgd(problem, [[0.9, 0.1], [0.2, 0.7]], rate=0.1, times=[0, 1], runs=3)
    >>> runs.losses.shape
    (3, 2)
    """
    from landtopo.dynamics import simulator

    dim = problem.dim
    if dim is None:
        raise InvalidArgument(
            "run_sgd needs a problem of finite dimension; use flow_statistics for the limit of "
            "infinite dimension."
        )
    if not (np.isfinite(rate) and rate > 0):
        raise InvalidArgument(
            f"The 'rate' argument of run_sgd must be a positive number; got {rate}."
        )
    if method not in METHODS:
        raise InvalidArgument(
            f"The 'method' argument of run_sgd must be one of {', '.join(METHODS)}; got {method!r}."
        )
    checked_count("runs", "run_sgd", runs)
    checked_seed("run_sgd", seed)
    moments = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if not np.all(np.isfinite(moments)) or np.any(moments < 0) or np.any(np.diff(moments) < 0):
        raise InvalidArgument("The 'times' argument of run_sgd must be ascending and >= 0.")
    steps = np.round(moments * dim).astype(np.int64)

    width, size, rank = problem.width, problem.teacher.size, problem.rank
    vectors = np.ascontiguousarray(problem.teacher.vectors)
    student = np.empty((runs, len(steps), width, width))
    overlap = np.empty((runs, len(steps), width, size))
    weights = np.zeros((runs, width, rank + problem.extra))
    freedom = dim - rank - width
    progress = progress or Silent()
    progress.begin("SGD runs", runs)
    for i in range(runs):
        run = first_run + i
        if isinstance(start, StartDistribution):
            begin = draw_start(problem, start, start_generator(seed, width, run))
        else:
            begin = _checked_start(problem, start)
        generator = np.random.default_rng(
            np.random.SeedSequence(seed, spawn_key=(width, run, _SAMPLES))
        )
        if method == "direct" or freedom < 1:
            full = np.zeros((width, dim))
            full[:, : begin.shape[1]] = begin
            simulator.direct_run(
                full, vectors, rate / dim, steps, generator, student[i], overlap[i]
            )
            weights[i] = _triangular(full, rank, problem.extra)
        else:
            weights[i] = _triangular(begin, rank, width)
            simulator.reduced_run(
                weights[i], vectors, rate / dim, freedom, steps, generator, student[i], overlap[i]
            )
        progress.advance()
    progress.end()
    return SGDRuns(
        problem=problem,
        rate=float(rate),
        seed=seed,
        method=method,
        runs=np.arange(first_run, first_run + runs),
        times=steps / dim,
        student=student,
        overlap=overlap,
        losses=loss_from_statistics(student, overlap, problem.teacher.gram),
        weights=weights,
    )


def _checked_start(problem: TeacherStudent, start: ArrayLike) -> Array:
    begin = np.array(start, dtype=np.float64)
    rank = problem.rank
    if begin.ndim != 2 or begin.shape[0] != problem.width or begin.shape[1] < rank:
        raise InvalidArgument(
            f"The 'start' argument of run_sgd must have shape ({problem.width}, {rank} + E) or be "
            f"a start distribution; got shape {begin.shape}."
        )
    assert problem.dim is not None
    if begin.shape[1] > problem.dim and np.any(begin[:, problem.dim :]):
        raise InvalidArgument(
            f"The 'start' argument of run_sgd needs more than {problem.dim} dimensions."
        )
    return begin[:, : problem.dim]


def _triangular(weights: Array, rank: int, columns: int) -> Array:
    """The same weights up to a rotation outside the span: [W_in | lower triangular]."""
    result = np.zeros((len(weights), rank + columns))
    result[:, :rank] = weights[:, :rank]
    if weights.shape[1] > rank:
        lower = np.asarray(np.linalg.qr(weights[:, rank:].T, mode="r")).T
        result[:, rank : rank + lower.shape[1]] = lower
    return result
