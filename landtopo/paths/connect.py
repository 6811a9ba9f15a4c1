"""`connect`: the lowest verified path between two labelled points of the network landscape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import (
    check_options,
    checked_array,
    checked_instance,
    checked_options,
    checked_seed,
)
from landtopo.errors import InvalidArgument
from landtopo.loss import PopulationLoss
from landtopo.objective import Array
from landtopo.paths.chain import lengths
from landtopo.paths.ends import align_outside, labelled_distance, pad, relative_permutation
from landtopo.paths.join import JoinOptions, join
from landtopo.paths.joined import Joined, JoinStatus, Step
from landtopo.paths.network import NetworkSetting
from landtopo.paths.profile import resolve
from landtopo.paths.record import PassedSaddle, PathKind, PathRecord, RunnerUp, StepRecord
from landtopo.points.evaluations import Counted
from landtopo.points.polish import polish
from landtopo.points.records import CriticalPoint, Kind
from landtopo.problem import TeacherStudent
from landtopo.progress import Progress
from landtopo.shown import Brief
from landtopo.symmetry.frame import symmetry_frame
from landtopo.symmetry.relabelling import Relabelling
from landtopo.units import in_units, rescaled, unit_of

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

__all__ = ["ConnectOptions", "connect"]

# |grad| of an end after Newton's method, in units of the teacher, that is more than rounding and
# what slow convergence on flat sets leaves.
_CRITICAL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions(Brief):
    """How a path between labelled points is searched for.

    Attributes
    ----------
    join : JoinOptions
    outside : int
        Largest number of directions outside the teacher's span that paths may use. Two leave room
        for a transition state in one of them to be told from one that would go lower still.
    noise : tuple of float
        Displacements of first guesses in turn, in units of the teacher's mean norm.
    profile_tolerance : float
        How much higher than its highest stored point the path may be anywhere, in units of the
        teacher (`landtopo.units`).

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.ConnectOptions(outside=1).outside
    1
    """

    join: JoinOptions = field(default_factory=JoinOptions)
    outside: int = 2
    noise: tuple[float, ...] = (0.3, 0.6, 0.15, 1.0)
    profile_tolerance: float = 1e-10

    def __post_init__(self) -> None:
        check_options(self)


def connect(
    problem: TeacherStudent,
    start: ArrayLike,
    end: ArrayLike,
    *,
    seed: int = 0,
    options: ConnectOptions | None = None,
    known: Sequence[ArrayLike] = (),
    progress: Progress | None = None,
) -> PathRecord:
    """Join two labelled minima by the lowest verified path that the budget finds.

    Parameters
    ----------
    problem : TeacherStudent
    start, end : array_like, shape (K, D), r <= D <= r + E
        Minima; Newton's method is applied to them first.
    seed : int
        Root seed of the symmetry breaking.
    options : ConnectOptions, optional
    known : sequence of array_like, shape (K, D)
        Transition states known beforehand.
    progress : Progress, optional

    Returns
    -------
    PathRecord
        Verified, or with what is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> path = lt.connect(problem, np.eye(2), np.eye(2)[::-1])
    >>> round(path.barrier, 6), path.verified
    (0.073613, True)
    """
    began = perf_counter()
    options = checked_options("options", "connect", options, ConnectOptions)
    checked_instance("problem", "connect", problem, TeacherStudent)
    seed = checked_seed("connect", seed)
    unit = unit_of(problem.teacher)
    first = _weights("start", problem, start) / unit
    last = _weights("end", problem, end) / unit
    others = [_weights("known", problem, point) / unit for point in known]
    problem = in_units(problem)
    wide = max(w.shape[1] for w in (first, last, *others))
    columns = max(wide, problem.rank + min(options.outside, problem.extra))
    loss = PopulationLoss(problem)
    setting = NetworkSetting(loss, columns, noise=options.noise)
    counted = Counted(setting.objective)
    # Matrices of this size are handled fastest by one thread; more only wait for each other.
    with _linear_algebra().limit(limits=1, user_api="blas"):
        a, b = (_polished(counted, pad(w, columns)) for w in (first, last))
        b = align_outside(b, a, problem.rank)
        _check_ends(setting, a, b)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(problem.width,)))
        joined = join(
            counted,
            a.ravel(),
            b.ravel(),
            options.join,
            setting=setting,
            rng=rng,
            known=[pad(w, columns).ravel() for w in others],
            progress=progress,
        )
        record = _record(problem, setting, counted, joined, options, seed)
    cost = counted.evaluations + setting.spent
    record = replace(record, evaluations=cost, seconds=perf_counter() - began)
    return rescaled(record, unit)


@cache
def _linear_algebra() -> ThreadpoolController:
    """The linear algebra libraries in use; finding them takes milliseconds, so it is done once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _weights(name: str, problem: TeacherStudent, value: ArrayLike) -> Array:
    low, high = problem.rank, problem.rank + problem.extra
    return checked_array(
        name,
        "connect",
        value,
        f"({problem.width}, {low} to {high})",
        lambda shape: len(shape) == 2 and shape[0] == problem.width and low <= shape[1] <= high,
    )


def _polished(objective: Counted, weights: Array) -> Array:
    """The end itself where the gradient vanishes already, else what Newton's method finds near."""
    _, gradient = objective.value_and_gradient(weights.ravel())
    if np.linalg.norm(gradient) <= 1e-12 or np.any(np.linalg.norm(weights, axis=1) == 0):
        return weights
    x, _ = polish(objective, weights.ravel())
    return np.asarray(x.reshape(weights.shape))


def _check_ends(setting: NetworkSetting, start: Array, end: Array) -> None:
    symmetry = setting.shared_symmetry(start.ravel(), end.ravel())
    ends = [("start", start), ("end", end)]
    if setting.relation(end.ravel(), start.ravel()) is not None:
        ends.pop()
    for name, weights in ends:
        x = weights.ravel()
        gradient = float(np.linalg.norm(setting.objective.value_and_gradient(x)[1]))
        if gradient > _CRITICAL:
            raise InvalidArgument(
                f"The '{name}' argument of connect must be a minimum, but Newton's method finds "
                f"none close to it: |grad| stays at {gradient:.1e}."
            )
        if setting.is_curved_up(x, symmetry):
            continue
        point = setting.classified(x)
        if point.kind is Kind.SADDLE:
            reason = point.reason[0].lower() + point.reason[1:]
            raise InvalidArgument(
                f"The '{name}' argument of connect must be a minimum, but {reason}"
            )
    if labelled_distance(start, end, setting.rank) <= setting.tolerance * setting.unit:
        raise InvalidArgument(
            "The 'start' and 'end' arguments of connect must differ; they are one labelled minimum."
        )


def _record(
    problem: TeacherStudent,
    setting: NetworkSetting,
    objective: Counted,
    joined: Joined,
    options: ConnectOptions,
    seed: int,
) -> PathRecord:
    minima, points = [setting.weights(joined.minima[0].x)], [joined.minima[0].x[None]]
    steps: list[StepRecord] = []
    states: list[CriticalPoint] = []
    length, minima_at, states_at = 0.0, [0.0], []
    for number, step in enumerate(joined.route):
        # Descents end in a copy of the minimum that is turned outside the span; turn the rest.
        piece = _turned(step.points, points[-1][-1], setting)
        walked = np.cumsum(lengths(np.vstack([points[-1][-1:], piece[1:]])))
        transition = None
        through: tuple[PassedSaddle, ...] = ()
        kind: PathKind = "flat"
        highest = float(setting.loss.value(setting.weights(piece)).max()) if step.flat else 0.0
        if step.transition is not None:
            passed = joined.transitions[step.transition]
            transition = len(states)
            found = setting.classified(passed.x)
            states.append(replace(found, weights=_copied(found.weights, step, problem)))
            kind = "saddle" if passed.ascent is not None else "corner"
            through = tuple(
                PassedSaddle(
                    loss=float(setting.loss.value(setting.weights(x))),
                    weights=_copied(setting.weights(x), step, problem),
                )
                for x in passed.through
            )
            states_at.append(length + float(walked[step.top - 1]))
            highest = states[-1].loss
        length += float(walked[-1])
        minima_at.append(length)
        points.append(piece[1:])
        steps.append(
            StepRecord(
                kind=kind,
                highest_loss=highest,
                transition=transition,
                start=number,
                end=number + 1,
                through=through,
            )
        )
        minima.append(setting.weights(piece[-1]))
    verified = joined.status is JoinStatus.CONNECTED and bool(joined.route)
    end = setting.weights(joined.minima[1].x)
    if verified and not np.any(end[:, problem.rank :]):
        # The end itself, and not what a descent found of it.
        minima[-1] = end
    line = np.vstack(points)
    if not verified:
        minima.append(end)
        minima_at.append(np.inf)
    profile = resolve(objective, line, tolerance=options.profile_tolerance)
    losses = setting.loss.value(np.array(minima))
    top_step = max(steps, key=lambda s: s.highest_loss, default=None)
    return PathRecord(
        problem=problem,
        start=minima[0],
        end=end,
        points=setting.weights(profile.points),
        positions=profile.positions,
        losses=np.maximum(profile.values, 0.0),
        profile_tolerance=options.profile_tolerance,
        minima=tuple(minima),
        minima_losses=losses,
        minima_positions=np.array(minima_at),
        transition_states=tuple(states),
        transition_positions=np.array(states_at),
        steps=tuple(steps),
        highest_loss=float("inf") if top_step is None else top_step.highest_loss,
        verified=verified,
        kind="saddle" if top_step is None else top_step.kind,
        permutation=relative_permutation(minima[0], end, problem.rank),
        missing=tuple(
            (setting.weights(joined.minima[i].x), setting.weights(joined.minima[j].x))
            for i, j in joined.missing
        ),
        runners_up=tuple(
            RunnerUp(highest_loss=max(heights), losses=heights) for heights in joined.other_routes
        ),
        first_highest_loss=joined.first_highest,
        bands=len(joined.attempts),
        evaluations=objective.evaluations,
        seconds=0.0,
        seed=seed,
        status=joined.status.value,
    )


def _copied(weights: Array, step: Step, problem: TeacherStudent) -> Array:
    """Weights with the symmetries applied that made a step from the connection found."""
    frame = symmetry_frame(problem.teacher)
    teachers = range(len(frame)) if step.turn is None else step.turn
    relabelling = Relabelling(students=step.element, teachers=tuple(teachers))
    return relabelling.on_weights(weights, frame)


def _turned(points: Array, before: Array, setting: NetworkSetting) -> Array:
    """Points rotated outside the span as one, so that the first comes closest to a given one."""
    weights = setting.weights(points)
    rank = setting.rank
    here, there = weights[0, :, rank:], setting.weights(before)[:, rank:]
    if not np.any(here):
        return points
    left, _, right = np.linalg.svd(here.T @ there)
    turned = weights.copy()
    turned[:, :, rank:] = weights[:, :, rank:] @ (left @ right)
    return np.asarray(turned.reshape(points.shape))
