"""Where training runs end: each is followed by its own dynamics into a basin, then solved.

A run is followed by plain gradient descent or by the gradient flow, or by one-pass SGD for a given
time and then by the flow, into the basin of its end point, and there the end point is solved for.
The basin is certain as soon as Newton's method contracts at once: its first step leads to a point
close by, and its second is many times shorter. This is tried at a few values of |grad|. At
|grad| = `basin` the minimiser is asked, which also knows flat sets. If its solution lies too far
away, the run was only passing a saddle, and the flow goes on to a smaller gradient before the
minimiser tries again. A flow that comes to rest at a saddle has ended there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.checks import check_options, checked_choice
from landtopo.kernels import flow as compiled_flow
from landtopo.kernels import minimise as compiled
from landtopo.kernels.descent import descend_batch
from landtopo.models.networks.dynamics.sgd import run_sgd
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.search import DIVERGED, have_diverged
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.starts import StartDistribution, draw_start, start_generator
from landtopo.objective import Array
from landtopo.points.polish import polish
from landtopo.shown import Brief
from landtopo.units import Unitless

__all__ = ["METHODS", "RunOptions", "finish_runs", "follow_runs"]

METHODS = ("flow", "gd", "sgd")
_LIMIT = 5_000_000
_REST = 1e-10
# |grad|, in units of `basin`, at which Newton's method may show that the basin has been entered.
_EARLIER = (30.0, 10.0, 3.0)
# Second over first Newton step up to which it has. Measured at K = M = 6, 10, 17 with 2000, 1000
# and 1000 runs of descent and flow each: with this value and with twice as much, every run ends
# where it does when it is followed to `basin`.
_CONTRACTION = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(Brief):
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
    step: Unitless[float] = 0.1
    rate: Unitless[float] = 0.1
    duration: Unitless[float] = 500.0
    accuracy: Unitless[float] = 1e-5
    basin: Unitless[float] = 1e-4
    nearest: Unitless[float] = 0.05
    tolerance: Unitless[float] = 1e-12
    longest: Unitless[float] = 1e7
    limit: int = 1_000_000

    def __post_init__(self) -> None:
        checked_choice("method", "RunOptions", self.method, METHODS)
        check_options(self)

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
        (codes of `networks.points.search`; diverged weights are NaN), ``evaluations`` (gradients
        and Hessian products), ``time`` (of the flow; step times number of steps of gradient
        descent; steps/d of SGD; and then of the flow that finishes).
    """
    if options.method == "sgd":
        trained = run_sgd(
            problem,
            distribution,
            rate=options.rate,
            times=[options.duration],
            runs=last - first,
            first_run=first,
            seed=seed,
        )
        ends = finish_runs(problem, trained.weights, options)
        ends["time"] += options.duration
        return ends
    weights = np.stack(
        [
            draw_start(problem, distribution, start_generator(seed, problem.width, run))
            for run in range(first, last)
        ]
    )
    return finish_runs(problem, weights, options)


def finish_runs(problem: TeacherStudent, weights: Array, options: RunOptions) -> dict[str, Any]:
    """Follow noise-free dynamics from given weights (n, K, D) to the ends of the runs.

    That is gradient descent into the basin if this is the method, and the gradient flow otherwise.

    Returns
    -------
    dict
        The columns of `follow_runs`.
    """
    runs = _Runs(PopulationLoss(problem), weights.copy(), options)
    follow = runs.descend if options.method == "gd" else runs.flow
    for factor in _EARLIER:
        follow(factor * options.basin)
        runs.settle()
    if options.method == "gd":
        runs.descend(options.basin)
    target = options.basin
    while len(runs.running):
        runs.flow(target)
        runs.solve()
        if target <= _REST:
            break
        target = max(1e-2 * target, _REST)
    runs.stop_at_saddles()
    return runs.columns()


class _Runs:
    """A batch of runs; `running` are those whose end is not known yet."""

    def __init__(self, loss: PopulationLoss, weights: Array, options: RunOptions) -> None:
        count = len(weights)
        self.loss = loss
        self.options = options
        self.weights = weights
        self.network = loss.network(weights.shape[2])
        self.norms = np.full(count, np.inf)
        self.codes = np.full(count, compiled.TOO_LONG, dtype=np.int64)
        self.time = np.zeros(count)
        self.evaluations = np.zeros(count, dtype=np.int64)
        self.reach = options.nearest * float(np.sqrt(np.mean(loss.problem.teacher.norms**2)))
        self.running = np.arange(count)
        self._drop_diverged()

    def descend(self, target: float) -> None:
        """Gradient descent until |grad| <= target; runs of too many steps are left to the flow."""
        moving, options = self.weights[self.running], self.options
        _, _, used = descend_batch(moving, self.network, options.step, target, options.limit)
        self.weights[self.running] = moving
        # The last gradient makes no step; the next call starts with the same one.
        self.time[self.running] += options.step * (used - 1)
        self.evaluations[self.running] += used
        self._drop_diverged()

    def flow(self, target: float) -> None:
        """The flow until |grad| <= target; runs that take too long are given up."""
        moving, options = self.weights[self.running], self.options
        self.norms[self.running], taken, states, used = compiled_flow.flow_batch(
            moving, self.network, options.accuracy, target, options.longest, _LIMIT
        )
        self.weights[self.running] = moving
        self.time[self.running] += taken
        self.evaluations[self.running] += used
        self.running = self.running[states == compiled_flow.CONVERGED]

    def _drop_diverged(self) -> None:
        """End the runs whose weights have grown beyond all bounds."""
        left = have_diverged(self.loss.problem, self.weights[self.running])
        gone, self.running = self.running[left], self.running[~left]
        self.codes[gone] = DIVERGED
        self.weights[gone] = np.nan

    def settle(self) -> None:
        """End the runs from which Newton's method converges at once."""
        solved = self.weights[self.running]
        norms, used = compiled.settle_batch(
            solved, self.network, self.options.tolerance, self.reach, _CONTRACTION
        )
        self.evaluations[self.running] += used
        self._end(np.isfinite(norms), solved, norms)

    def solve(self) -> None:
        """End the runs for which the minimiser finds a point close by."""
        solved = self.weights[self.running]
        norms, codes, used = compiled.minimise_batch(
            solved, self.network, self.options.tolerance, _LIMIT
        )
        self.evaluations[self.running] += used
        moved = np.linalg.norm(solved - self.weights[self.running], axis=(1, 2))
        self._end((codes == compiled.CONVERGED) & (moved <= self.reach), solved, norms)

    def _end(self, accepted: NDArray[np.bool_], solved: Array, norms: Array) -> None:
        done = self.running[accepted]
        self.weights[done], self.norms[done] = solved[accepted], norms[accepted]
        self.codes[done] = compiled.CONVERGED
        self.running = self.running[~accepted]

    def stop_at_saddles(self) -> None:
        """Runs at rest with no minimum nearby end at the saddle that they have come to."""
        objective = WeightObjective(self.loss, columns=self.weights.shape[2])
        for run in self.running:
            start = self.weights[run].ravel()
            x, norm = polish(objective, start, tolerance=self.options.tolerance)
            self.codes[run] = compiled.STALLED
            if np.linalg.norm(x - start) <= self.reach:
                self.weights[run], self.norms[run] = objective.weights(x), norm
                if norm <= self.options.tolerance:
                    self.codes[run] = compiled.CONVERGED

    def columns(self) -> dict[str, Any]:
        """What is known of every run."""
        finite = np.all(np.isfinite(self.weights), axis=(1, 2))
        losses = np.full(len(self.weights), np.inf)
        # Plain double precision, in one batch: families get their losses with all digits right.
        values, _ = self.loss.formulas.values_gradients(self.weights[finite], with_gradient=False)
        losses[finite] = np.maximum(values, 0.0)
        return {
            "weights": self.weights,
            "loss": losses,
            "grad_norm": self.norms,
            "status": self.codes,
            "evaluations": self.evaluations,
            "time": self.time,
        }
