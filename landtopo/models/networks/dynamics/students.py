"""Training of students whose second layer is trained, too, or whose neurons are constrained.

A trained second layer follows the gradient in all weights, dW/dt = -dL/dW and da/dt = -dL/da. Where
s(t x) = t^h s(x) for t > 0, w_k.dL/dw_k = h a_k dL/da_k, so that the flow keeps |w_k|^2 - h a_k^2
of each neuron; a step eta of gradient descent changes it by eta^2 (|dL/dw_k|^2 - h (dL/da_k)^2).
Constrained rows follow the projected gradient,

    P_k g_k,   P_k = I - w_k w_k^T / r_k^2        (lengths)
    G - sym(G W^T) W                              (orthonormal rows)

and are brought back to the constraint after each step of descent; what the flow keeps are their
products. A run ends where Newton's method stays close by: at a minimum, or, if the gradient has
become very small, at the saddle to which it has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from scipy.integrate import solve_ivp

from landtopo.checks import checked_count, checked_number, checked_options
from landtopo.errors import InvalidArgument
from landtopo.kernels.descent import descend_batch
from landtopo.kernels.training import ConstrainedNetwork, TrainedNetwork
from landtopo.landscape.pool import Piece, Pool
from landtopo.models.constraints import NormalisedRows
from landtopo.models.networks.as_function import NetworkShape, StudentModel
from landtopo.models.networks.constrained import ConstrainedShape
from landtopo.models.networks.dynamics.ends import RunOptions
from landtopo.models.networks.dynamics.flow import FlowOptions, FlowStatus
from landtopo.models.networks.dynamics.reachability import Share, share_of
from landtopo.models.networks.formulas import formulas_of, with_outputs
from landtopo.models.networks.joint import outputs_of, weights_of
from landtopo.models.networks.trained import TrainedShape
from landtopo.models.smooth import FunctionSearch, SmoothModel, grouped
from landtopo.objective import Array
from landtopo.points.ascend import newton
from landtopo.points.records import Kind, Status
from landtopo.points.stationary import LEAST, FunctionFamily, FunctionPoint
from landtopo.run import Run
from landtopo.shown import Brief, Table

__all__ = ["StudentFlow", "StudentRuns", "flow_students", "student_reachability"]

_CHUNK = 25
_MOST = 100_000_000
# |grad|, in units of the model, at which the end of a run is looked for. Down to the third one
# descent goes by its own steps, and from there by the flow, which cannot leave the basin any more;
# the last one is that of rest.
_TARGETS = (1e-3, 1e-4, 1e-6, 1e-8, 1e-10)
_BASIN = 1e-6
# How far an end may be, in units of the model, before the last target.
_NEAR = 1e-3
# Error of a step of the flow of a run, relative to its point.
_ACCURACY = 1e-8
# Weights that are so much larger than at the start and than the teacher's have left for good.
_AWAY = 1e6


class _Training(Protocol):
    """Points y that are trained, and the points x of the model that they stand for."""

    @property
    def conserved(self) -> str:
        """What the flow conserves, in words; empty if nothing is known."""
        ...

    def begin(self, x: Array) -> Array:
        """What starts at a point that was drawn."""
        ...

    def slopes(self, y: Array) -> tuple[Array, Array]:
        """Losses and what is followed down, of points (.., size)."""
        ...

    def kept(self, y: Array) -> Array:
        """Where a step to points (.., size) leads."""
        ...

    def point(self, y: Array) -> Array:
        """The point of the model."""
        ...

    def invariants(self, y: Array) -> Array:
        """What is conserved, shape (.., m)."""
        ...

    def landscape(self) -> Any:
        """The landscape of points y as compiled descent wants it, for one batch."""
        ...


@dataclass(frozen=True, slots=True)
class _Joint:
    """All weights and output weights."""

    shape: TrainedShape

    @property
    def conserved(self) -> str:
        degree = self.shape.problem.function.degree
        if degree is None:
            return ""
        return f"|w|^2 - {'' if degree == 1 else f'{degree:g} '}a^2 of each neuron"

    def begin(self, x: Array) -> Array:
        return self.shape.objective.joint_from(x)

    def slopes(self, y: Array) -> tuple[Array, Array]:
        return self.shape.objective.joint(y)

    def kept(self, y: Array) -> Array:
        return y

    def point(self, y: Array) -> Array:
        return self.shape.objective.joint_to(y)

    def invariants(self, y: Array) -> Array:
        degree, rank = self.shape.problem.function.degree, self.shape.problem.rank
        if degree is None:
            return np.empty((*y.shape[:-1], 0))
        rows = self.shape.objective.rows(y)
        weights, outputs = weights_of(rows, rank), outputs_of(rows, rank)
        return np.asarray(np.sum(weights**2, axis=-1) - degree * outputs**2)

    def landscape(self) -> TrainedNetwork:
        problem = self.shape.problem
        columns = self.shape.objective.columns
        return TrainedNetwork(with_outputs(problem, columns), problem.rank)


@dataclass(frozen=True, slots=True)
class _Projected:
    """Constrained rows."""

    shape: ConstrainedShape

    @property
    def conserved(self) -> str:
        return "products of neurons" if self.shape.is_orthonormal else "|w|^2 of each neuron"

    def begin(self, x: Array) -> Array:
        return self.shape.place(x)

    def slopes(self, y: Array) -> tuple[Array, Array]:
        return self.shape.objective.value_and_gradient(self.shape.place(y))

    def kept(self, y: Array) -> Array:
        return self.shape.place(y)

    def point(self, y: Array) -> Array:
        return self.shape.place(y)

    def invariants(self, y: Array) -> Array:
        rows = y.reshape(*y.shape[:-1], self.shape.problem.width, -1)
        if not self.shape.is_orthonormal:
            return np.asarray(np.sum(rows**2, axis=-1))
        products = rows @ np.swapaxes(rows, -1, -2)
        return products.reshape(*y.shape[:-1], -1)

    def landscape(self) -> ConstrainedNetwork:
        problem, objective = self.shape.problem, self.shape.objective
        inner = formulas_of(problem).network(objective.columns, problem.width)
        lengths = objective.radii if isinstance(objective, NormalisedRows) else np.empty(0)
        return ConstrainedNetwork(inner, lengths)


def _training(model: SmoothModel, caller: str) -> _Training:
    shape = model.shape
    if isinstance(shape, TrainedShape):
        return _Joint(shape)
    if isinstance(shape, ConstrainedShape):
        return _Projected(shape)
    raise InvalidArgument(
        f"{caller} is for networks, with a trained second layer or a constraint as well; "
        f"{model.name} is none."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentRuns(Table):
    """Where many training runs of students ended.

    Attributes
    ----------
    search : FunctionSearch
        Every run, and the points in which runs ended; `family.count` is the number of runs.
    options : RunOptions
    runs : int
    level : float
        The lowest loss at which a run ended.
    zero : bool
        Whether that is zero. Where it is not, as where no student is the teacher, it is the lowest
        loss that these runs know, and nothing says that none is lower.
    conserved : str
        What the gradient flow keeps, in words; empty if nothing is known.
    drift : float
        The largest change of it in any run, in units of the largest at its start, or of 1.
    times : ndarray, shape (runs,)
        Of the flow, or step times number of steps.
    confidence : float
        Of the intervals.
    """

    _printed: ClassVar[tuple[str, ...]] = ("label", "count", "fraction", "low", "high")

    search: FunctionSearch
    options: RunOptions
    runs: int
    level: float
    zero: bool
    conserved: str
    drift: float
    times: Array
    confidence: float

    @property
    def families(self) -> tuple[FunctionFamily, ...]:
        """Minima, then other points in which runs ended."""
        return (*self.search.families, *self.search.others)

    def rows(self) -> list[dict[str, Any]]:
        """One row a point in which runs ended, then the runs without one."""
        return [share.record() for share in self.shares()]

    def shares(self) -> tuple[Share, ...]:
        """One for each point, then the runs that left, and those that did not come to rest."""
        found = [self._share(family.id, family.count) for family in self.families]
        status = self.search.attempts.status
        diverged = status.count(Status.DIVERGED)
        rest = self.runs - diverged - sum(family.count for family in self.families)
        ends = {"diverged": diverged, "unfinished": rest}
        return (*found, *(self._share(label, count) for label, count in ends.items() if count))

    def success(self) -> Share:
        """The runs that ended at the lowest loss: zero, or the lowest that is known."""
        near = LEAST + 1e-9 * abs(self.level)
        count = sum(one.count for one in self.search.families if one.loss <= self.level + near)
        return self._share("global" if self.zero else "lowest known", count)

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        families = [
            {**share.record(), **family.record()}
            for share, family in zip(self.shares(), self.families, strict=False)
        ]
        return {
            "model": self.search.model,
            "options": asdict(self.options),
            **{"seed": self.search.search["seed"], "runs": self.runs},
            **{"confidence": self.confidence, "families": families},
            "without_end": [one.record() for one in self.shares()[len(families) :]],
            "success": {**self.success().record(), "level": self.level},
            **{"conserved": self.conserved, "drift": self.drift},
        }

    def _share(self, label: str, count: int) -> Share:
        return share_of(label, count, self.runs, self.confidence)


def student_reachability(
    model: StudentModel,
    *,
    runs: int = 1000,
    options: RunOptions | None = None,
    confidence: float = 0.95,
    init: Any = None,
    **how: Any,
) -> StudentRuns:
    """Follow training runs of students with a trained second layer or a constraint to their ends.

    Run i starts where start i of `find_minima` does.

    Parameters
    ----------
    model : StudentModel
        Of `trained_model` or `constrained_model`.
    runs : int
    options : RunOptions, optional
        The method ``flow`` or ``gd``, its step, `longest` and `limit`; the rest is for networks.
    confidence : float
    init : None
        Starts are those of the model.
    **how
        `seed`, `jobs`, `cluster`, `journal`, `progress`, as for any search.

    Returns
    -------
    StudentRuns

    Raises
    ------
    InvalidArgument
        An argument cannot be used; one-pass SGD of such students is not worked out.

    Examples
    --------
    >>> import landtopo as lt
    >>> from landtopo.models.networks.dynamics.ends import RunOptions
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2)
    >>> gd = RunOptions(method="gd")
    >>> found = lt.reachability(lt.trained_model(problem), runs=10, options=gd)
    >>> found.success().count
    10
    """
    caller = "reachability"
    training = _training(model, caller)
    if init is not None:
        raise InvalidArgument(f"Starts of {caller} are those of the model: it has its own 'init'.")
    runs = checked_count("runs", caller, runs, most=_MOST)
    options = checked_options("options", caller, options, RunOptions)
    if options.method == "sgd":
        raise InvalidArgument(
            "One-pass SGD is worked out for networks whose weights alone are trained, without a "
            "constraint; the methods here are flow and gd."
        )
    confidence = checked_number(
        "confidence", caller, confidence, "lie between 0 and 1", lambda number: 0 < number < 1
    )
    run = Run.checked(caller, **{"seed": 0, "jobs": 1, **how})
    pieces = [
        Piece(
            name=f"reach/{model.stage}",
            function=_follow,
            arguments=(model, options, run.seed, first, min(first + _CHUNK, runs)),
        )
        for first in range(0, runs, _CHUNK)
    ]
    run.progress.begin(f"{model.label}: runs", len(pieces))
    results = Pool(run).run(pieces, finished=lambda: run.progress.advance(1))
    run.progress.end()
    found = model.told_search(
        grouped(
            model,
            results,
            independent=runs,
            sources=("random starts", ""),
            wanted=lambda point: point.kind is Kind.MINIMUM,
            names=("min", "other"),
            search={"method": str(options), "seed": run.seed},
        )
    )
    level = min((family.loss for family in found.families), default=float("inf"))
    return StudentRuns(
        search=found,
        options=options,
        runs=runs,
        level=level,
        zero=level <= LEAST * model.energy,
        conserved=training.conserved,
        drift=max(float(np.max(one["drift"])) for one in results),
        times=np.concatenate([np.asarray(one["time"]) for one in results]),
        confidence=confidence,
    )


def _start(model: SmoothModel, training: _Training, seed: int, run: int) -> Array:
    key = np.random.SeedSequence(seed, spawn_key=(model.stage, run))
    return training.begin(np.ravel(model.shape.draw(np.random.default_rng(key))))


def _follow(
    model: SmoothModel, options: RunOptions, seed: int, first: int, last: int
) -> Mapping[str, Any]:
    """Some runs from their starts to their ends."""
    training = _training(model, "reachability")
    runs = _Runs(
        model, training, np.array([_start(model, training, seed, n) for n in range(first, last)])
    )
    for target in _TARGETS:
        if options.method == "gd" and target >= _BASIN:
            runs.descend(target, options)
        else:
            runs.flow(target, options)
        runs.settle(at_rest=target == _TARGETS[-1])
        if not len(runs.running):
            break
    return runs.columns()


class _Runs:
    """A batch of runs; `running` are those whose end is not known yet."""

    def __init__(self, model: SmoothModel, training: _Training, points: Array) -> None:
        count = len(points)
        self.model, self.training, self.points = model, training, points
        self.data = training.landscape()
        self.before = training.invariants(points)
        self.status = [Status.TOO_LONG] * count
        self.ends = np.full(points.shape, np.nan)
        self.losses, self.norms = np.full(count, np.inf), np.full(count, np.inf)
        self.times, self.used = np.zeros(count), np.zeros(count, dtype=np.int64)
        self.running = np.arange(count)
        self.bound = _AWAY * (np.abs(points).max() + model.length)
        self.slope = model.energy / model.length

    def descend(self, target: float, options: RunOptions) -> None:
        """Gradient descent until |grad| is small, or the steps are used up."""
        moving = self.points[self.running]
        end = target * self.slope
        _, _, used = descend_batch(moving, self.data, options.step, end, options.limit)
        self.points[self.running] = moving
        # The last gradient makes no step; the next call starts with the same one.
        self.times[self.running] += options.step * (used - 1)
        self.used[self.running] += used
        self._measure()

    def _measure(self) -> None:
        """Losses and |grad| of where runs are; those that have left are ended."""
        runs = self.running
        with np.errstate(all="ignore"):
            values, slopes = self.training.slopes(self.points[runs])
            norms = np.linalg.norm(slopes, axis=1) / self.slope
            here = np.abs(self.points[runs]).max(axis=1) <= self.bound
        self.losses[runs], self.norms[runs] = values, norms
        here &= np.isfinite(norms)
        for run in runs[~here]:
            self.status[run] = Status.DIVERGED
        self.running = runs[here]

    def flow(self, target: float, options: RunOptions) -> None:
        """The flow until |grad| is small, or the time is over."""
        for run in self.running:
            if self.times[run] >= options.longest:
                continue
            accuracy = (_ACCURACY, 1e-2 * _ACCURACY)
            span = (self.times[run], options.longest)
            piece = _integrated(
                self.training, self.points[run], span, accuracy, target * self.slope
            )
            self.points[run] = self.training.kept(piece.y[:, -1])
            self.times[run] = piece.t[-1]
            self.used[run] += piece.nfev
        self._measure()

    def settle(self, *, at_rest: bool) -> None:
        """End the runs next to a minimum, and at last those at rest anywhere."""
        left = []
        for run in self.running.tolist():
            place = self.training.point(self.points[run]) / self.model.length
            if not at_rest and not self._is_near(place):
                left.append(run)
                continue
            point = self._end_of(place)
            rests = point.grad_norm <= point.grad_tolerance
            flawed = self.model.strata.flaw(point.x) is not None
            if rests and not flawed and (point.kind is Kind.MINIMUM or at_rest):
                self.status[run], self.ends[run] = Status.CONVERGED, point.x
                self.losses[run], self.norms[run] = point.value, point.grad_norm
            else:
                left.append(run)
                if at_rest:
                    self.losses[run] /= self.model.energy
                    self.status[run] = Status.FLAWED if rests and flawed else self.status[run]
        self.running = np.array(left, dtype=np.int64)

    def _is_near(self, place: Array) -> bool:
        """Whether Newton's method finds an end close by, or one is known: spectra take longer."""
        if self.model.least_near(place) is not None:
            return True
        x = np.ravel(self.model.shaped(place))
        objective = self.model.objective(x)
        *_, converged = newton(objective, x, gradient_tolerance=_TARGETS[-1], region=_NEAR)
        return converged

    def _end_of(self, place: Array) -> FunctionPoint:
        """The critical point next to where a run is, in units of the model."""
        least = self.model.least_near(place)
        return self.model.strata.judge(place if least is None else least)

    def columns(self) -> dict[str, Any]:
        """What is known of every run, in units of the model."""
        codes = tuple(Status)
        drift = np.zeros(len(self.points))
        if self.before.shape[1]:
            apart = np.abs(self.training.invariants(self.points) - self.before).max(axis=1)
            drift = apart / np.maximum(np.abs(self.before).max(axis=1), 1.0)
        return {
            "x": self.ends,
            "loss": self.losses,
            "grad_norm": self.norms,
            "status": np.array([codes.index(one) for one in self.status]),
            **{"evaluations": self.used, "time": self.times},
            "drift": np.where([one is Status.DIVERGED for one in self.status], 0.0, drift),
        }


def _integrated(
    training: _Training,
    y: Array,
    span: tuple[float, float],
    accuracy: tuple[float, float],
    target: float,
) -> Any:
    """One integration of the flow, until the gradient is as small as the target."""

    def rest(_: float, x: Array) -> float:
        return float(np.linalg.norm(training.slopes(x)[1])) - target

    rest.terminal, rest.direction = True, -1  # type: ignore[attr-defined]
    if rest(0.0, y) <= 0.0:
        span = (span[0], span[0])
    return solve_ivp(
        lambda _, x: -training.slopes(x)[1],
        span,
        y,
        method="LSODA",
        events=rest,
        rtol=accuracy[0],
        atol=accuracy[1],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentFlow(Brief):
    """A trajectory of the gradient flow of students with a trained layer or a constraint.

    Attributes
    ----------
    times : ndarray, shape (n,)
        Steps of the integrator.
    points : ndarray, shape (n, K, columns)
        Rows (w_in, a, w_out) of a trained second layer, or constrained rows.
    losses, grad_norms : ndarray, shape (n,)
    conserved : str
        What the flow keeps, in words; empty if nothing is known.
    invariants : ndarray, shape (n, m)
        That, as it was integrated.
    evaluations : int
        Gradients computed.
    status : FlowStatus
    """

    times: Array
    points: Array
    losses: Array
    grad_norms: Array
    conserved: str
    invariants: Array
    evaluations: int
    status: FlowStatus

    @property
    def drifts(self) -> Array:
        """The largest change of what is conserved since the start, shape (n,)."""
        return np.asarray(np.abs(self.invariants - self.invariants[0]).max(axis=1, initial=0.0))

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = ("times", "points", "losses", "grad_norms", "invariants", "drifts")
        values = {name: getattr(self, name).tolist() for name in names}
        told = {"conserved": self.conserved, "evaluations": self.evaluations}
        return {**values, **told, "status": self.status.value}


def flow_students(
    model: StudentModel, *, run: int = 0, seed: int = 0, options: FlowOptions | None = None
) -> StudentFlow:
    """Follow the gradient flow of students with a trained second layer or a constraint.

    Parameters
    ----------
    model : StudentModel
        Of `trained_model` or `constrained_model`.
    run : int
        Which draw: it starts where run `run` of `reachability` does.
    seed : int
    options : FlowOptions, optional
        The speed is |grad|.

    Returns
    -------
    StudentFlow

    Examples
    --------
    The flow of a trained second layer keeps |w|^2 - a^2 of each ReLU neuron:

    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2)
    >>> flow = lt.flow_students(lt.trained_model(problem))
    >>> bool(flow.losses[-1] < 1e-12), bool(flow.drifts.max() < 1e-8)
    (True, True)
    """
    caller = "flow_students"
    training = _training(model, caller)
    run = checked_count("run", caller, run, least=0, most=_MOST)
    options = checked_options("options", caller, options, FlowOptions)
    start = _start(model, training, Run.checked(caller, seed=seed, jobs=1).seed, run)
    accuracy = options.relative, options.absolute * model.length
    piece = _integrated(training, start, (0.0, options.longest), accuracy, options.speed)
    path = piece.y.T
    losses, slopes = training.slopes(path)
    shape: NetworkShape = model.shape
    status = FlowStatus.FAILED if piece.status < 0 else FlowStatus.TIME
    norms = np.linalg.norm(slopes, axis=1)
    if piece.status == 1 or norms[-1] <= options.speed:
        status = FlowStatus.CONVERGED
    return StudentFlow(
        times=piece.t,
        points=training.kept(path).reshape(len(path), shape.problem.width, -1),
        losses=losses,
        grad_norms=norms,
        conserved=training.conserved,
        invariants=training.invariants(path),
        evaluations=int(piece.nfev),
        status=status,
    )
