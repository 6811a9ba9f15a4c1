"""One-pass SGD in finite dimension: batches of runs and the statistics along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.checks import (
    checked_array,
    checked_choice,
    checked_count,
    checked_instance,
    checked_positive,
    checked_seed,
    checked_weights,
)
from landtopo.errors import InvalidArgument
from landtopo.models.networks.dynamics.statistics_flow import loss_from_statistics
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.starts import StartDistribution, draw_start, start_generator
from landtopo.objective import Array
from landtopo.progress import Progress, Silent
from landtopo.shown import Brief

__all__ = ["METHODS", "SGDRuns", "run_sgd"]

METHODS = ("reduced", "direct")
# Third number of the spawn key (width, run, 1) of a run's samples; (width, run) draws its start.
_SAMPLES = 1
_MOST_STEPS = 10**15


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
        `networks.dynamics.simulator`. ``direct``: d-dimensional vectors, some 7 microseconds a step
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
    from landtopo.models.networks.dynamics import simulator

    dim = checked_instance("problem", "run_sgd", problem, TeacherStudent).dim
    problem.require_relu("run_sgd")
    if dim is None:
        raise InvalidArgument(
            "run_sgd needs a problem of finite dimension; use flow_statistics for the limit of "
            "infinite dimension."
        )
    rate = checked_positive("rate", "run_sgd", rate)
    checked_choice("method", "run_sgd", method, METHODS)
    runs = checked_count("runs", "run_sgd", runs)
    first_run = checked_count("first_run", "run_sgd", first_run, least=0)
    seed = checked_seed("run_sgd", seed)
    steps = _checked_steps(times, dim)
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


def _checked_steps(times: ArrayLike, dim: int) -> NDArray[np.int64]:
    moments = np.atleast_1d(
        checked_array("times", "run_sgd", times, "() or (t,)", lambda shape: len(shape) < 2)
    )
    if np.any(moments < 0) or np.any(np.diff(moments) < 0):
        raise InvalidArgument("The 'times' argument of run_sgd must be ascending and >= 0.")
    if moments.max(initial=0.0) * dim > _MOST_STEPS:
        raise InvalidArgument(
            f"The 'times' argument of run_sgd must end after at most {_MOST_STEPS:g} steps, time "
            f"{_MOST_STEPS / dim:g} in dimension {dim}; got {moments.max():g}."
        )
    return np.round(moments * dim).astype(np.int64)


def _checked_start(problem: TeacherStudent, start: ArrayLike) -> Array:
    begin = checked_weights(
        "run_sgd", start, problem.rank, width=problem.width, dim=problem.dim, argument="start"
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
