"""Where training runs end: each is followed by its own dynamics into a basin, then solved.

A run is followed until |grad| <= `basin` by plain gradient descent or by the gradient flow, or by
one-pass SGD for a given time and then by the flow. Then the minimiser solves for the critical
point. If that lies too far away, the run was only passing a saddle, and the flow goes
on to a smaller gradient before the minimiser tries again. A flow that comes to rest at a saddle has
ended there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.dynamics.sgd import run_sgd
from landtopo.errors import InvalidArgument
from landtopo.kernels import flow as compiled_flow
from landtopo.kernels import minimise as compiled
from landtopo.kernels.relu import batch_value_gradient
from landtopo.loss import PopulationLoss, WeightObjective
from landtopo.objective import Array
from landtopo.points.polish import polish
from landtopo.points.starts import StartDistribution, draw_start, start_generator
from landtopo.problem import TeacherStudent

__all__ = ["METHODS", "RunOptions", "finish_runs", "follow_runs"]

METHODS = ("flow", "gd", "sgd")
_LIMIT = 5_000_000
_REST = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How runs are followed to their ends.

    Attributes
    ----------
    method : str
        ``flow`` (gradient flow), ``gd`` (gradient descent), ``sgd`` (one-pass SGD).
    step : float
        Step of gradient descent.
    rate : float
        Learning rate of SGD.
    duration : float
        Time = steps/d of SGD, before the noise is switched off.
    accuracy : float
        Error of one step of the flow, in units of the teacher's norm. Measured at K = M = 17: with
        1e-5 all of 150 runs ended where they do with 1e-7, with 1e-4 all but 2.
    basin : float
        |grad| at which the minimiser is asked for the end point.
    nearest : float
        Largest distance to the end point at that moment, in units of the root mean square norm of
        the teacher's neurons; beyond it the flow goes on.
    tolerance : float
        |grad| at the end.
    longest : float
        Largest time of the flow.
    limit : int
        Most steps of gradient descent.
    """

    method: str = "flow"
    step: float = 0.1
    rate: float = 0.1
    duration: float = 500.0
    accuracy: float = 1e-5
    basin: float = 1e-4
    nearest: float = 0.05
    tolerance: float = 1e-12
    longest: float = 1e7
    limit: int = 1_000_000

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidArgument(
                f"The 'method' of runs must be one of {', '.join(METHODS)}; got {self.method!r}."
            )
        for name in ("step", "rate", "duration", "accuracy", "basin", "nearest", "tolerance"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InvalidArgument(
                    f"The '{name}' of runs must be a positive number; got {value}."
                )

    def key(self) -> str:
        """Identifies every detail, for journals."""
        details = json.dumps(asdict(self), sort_keys=True)
        return f"{self}:{hashlib.sha256(details.encode()).hexdigest()[:12]}"

    def __str__(self) -> str:
        """The dynamics in short, for captions."""
        if self.method == "gd":
            return f"gd:{self.step:g}"
        if self.method == "sgd":
            return f"sgd:{self.rate:g}:{self.duration:g}"
        return "flow"


def follow_runs(
    problem: TeacherStudent,
    distribution: StartDistribution,
    options: RunOptions,
    seed: int,
    first: int,
    last: int,
) -> dict[str, Any]:
    """Runs first ... last - 1 from their starts to their ends.

    Returns
    -------
    dict
        Columns over runs: ``weights`` (n, K, D), ``loss`` (to 1e-15), ``grad_norm``, ``status``
        (codes of `landtopo.kernels.minimise`), ``evaluations`` (gradients and Hessian products),
        ``time`` (of the flow; step times number of steps of gradient descent; steps/d of SGD; and
        then of the flow that finishes).
    """
    count = last - first
    time = np.zeros(count)
    evaluations = np.zeros(count, dtype=np.int64)
    if options.method == "sgd":
        trained = run_sgd(
            problem,
            distribution,
            rate=options.rate,
            times=[options.duration],
            runs=count,
            first_run=first,
            seed=seed,
        )
        weights = trained.weights
        time += options.duration
    else:
        weights = np.stack(
            [
                draw_start(problem, distribution, start_generator(seed, problem.width, run))
                for run in range(first, last)
            ]
        )
    if options.method == "gd":
        rows, constant = PopulationLoss(problem).frame(weights.shape[2])
        _, _, evaluations = compiled.descend_batch(
            weights, rows, constant, options.step, options.basin, options.limit
        )
        time += options.step * evaluations
    ends = finish_runs(problem, weights, options)
    ends["evaluations"] += evaluations
    ends["time"] += time
    return ends


def finish_runs(problem: TeacherStudent, weights: Array, options: RunOptions) -> dict[str, Any]:
    """Follow the noise-free gradient flow from given weights (n, K, D) to the ends of the runs.

    Returns
    -------
    dict
        The columns of `follow_runs`.
    """
    loss = PopulationLoss(problem)
    rows, constant = loss.frame(weights.shape[2])
    weights = weights.copy()
    time = np.zeros(len(weights))
    evaluations = np.zeros(len(weights), dtype=np.int64)
    norms, codes = _finish(loss, weights, options, time, evaluations)
    finite = np.all(np.isfinite(weights), axis=(1, 2))
    losses = np.full(len(weights), np.inf)
    # Plain double precision, in one batch: families get their losses with all digits right.
    values, _ = batch_value_gradient(weights[finite], rows, constant, False)
    losses[finite] = np.maximum(values, 0.0)
    return {
        "weights": weights,
        "loss": losses,
        "grad_norm": norms,
        "status": codes,
        "evaluations": evaluations,
        "time": time,
    }


def _finish(
    loss: PopulationLoss,
    weights: Array,
    options: RunOptions,
    time: Array,
    evaluations: NDArray[np.int64],
) -> tuple[Array, NDArray[np.int64]]:
    """Flow into basins and solve; `weights`, `time` and `evaluations` are brought up to date."""
    rows, constant = loss.frame(weights.shape[2])
    norms = np.full(len(weights), np.inf)
    codes = np.full(len(weights), compiled.TOO_LONG, dtype=np.int64)
    reach = options.nearest * float(np.sqrt(np.mean(loss.problem.teacher.norms**2)))
    running = np.flatnonzero(np.all(np.isfinite(weights), axis=(1, 2)))
    target = options.basin
    while len(running):
        flowing = weights[running]
        norms[running], taken, states, used = compiled_flow.flow_batch(
            flowing, rows, options.accuracy, target, options.longest, _LIMIT
        )
        weights[running] = flowing
        time[running] += taken
        evaluations[running] += used
        running = running[states == compiled_flow.CONVERGED]
        solved = weights[running]
        after, ended, used = compiled.minimise_batch(
            solved, rows, constant, options.tolerance, _LIMIT
        )
        evaluations[running] += used
        moved = np.linalg.norm(solved - weights[running], axis=(1, 2))
        accepted = (ended == compiled.CONVERGED) & (moved <= reach)
        done = running[accepted]
        weights[done], norms[done], codes[done] = solved[accepted], after[accepted], ended[accepted]
        running = running[~accepted]
        if target <= _REST:
            break
        target = max(1e-2 * target, _REST)
    # At rest, and no minimum nearby: the saddle that the run has come to.
    objective = WeightObjective(loss, columns=weights.shape[2])
    for run in running:
        x, norm = polish(objective, weights[run].ravel(), tolerance=options.tolerance)
        if np.linalg.norm(x - weights[run].ravel()) <= reach:
            weights[run], norms[run] = objective.weights(x), norm
            codes[run] = compiled.CONVERGED if norm <= options.tolerance else compiled.STALLED
        else:
            codes[run] = compiled.STALLED
    return norms, codes
