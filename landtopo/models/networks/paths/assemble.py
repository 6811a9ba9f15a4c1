"""The record of a path, from the steps that join its ends."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from landtopo.models.networks.paths.ends import relative_permutation
from landtopo.models.networks.paths.record import PathRecord
from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry.frame import symmetry_frame
from landtopo.models.networks.symmetry.relabelling import Relabelling
from landtopo.objective import Array
from landtopo.paths.chain import lengths
from landtopo.paths.joined import Joined, JoinStatus, Step
from landtopo.paths.profile import resolve
from landtopo.paths.record import PassedSaddle, PathKind, RunnerUp, StepRecord
from landtopo.points.evaluations import Counted
from landtopo.points.records import CriticalPoint

__all__ = ["path_record"]


def path_record(
    problem: TeacherStudent,
    setting: NetworkSetting,
    objective: Counted,
    joined: Joined,
    *,
    tolerance: float,
    seed: int,
) -> PathRecord:
    """The record of what joining two labelled points yielded.

    Parameters
    ----------
    problem : TeacherStudent
    setting : NetworkSetting
    objective : Counted
    joined : Joined
    tolerance : float
        How much higher than its highest stored point the path may be anywhere.
    seed : int
        The root seed that it was found with.
    """
    verified = joined.status is JoinStatus.CONNECTED and bool(joined.route)
    end = setting.weights(joined.minima[1].x)
    line = _walked(problem, setting, joined)
    minima, minima_at = list(line.minima), list(line.minima_at)
    if not verified:
        minima.append(end)
        minima_at.append(np.inf)
    elif not np.any(end[:, problem.rank :]):
        # The end itself, and not what a descent found of it.
        minima[-1] = end
    profile = resolve(objective, np.vstack(line.points), tolerance=tolerance)
    top_step = max(line.steps, key=lambda s: s.highest_loss, default=None)
    highest = float("inf") if top_step is None else top_step.highest_loss
    return PathRecord(
        problem=problem,
        start=minima[0],
        end=end,
        points=setting.weights(profile.points),
        positions=profile.positions,
        losses=np.maximum(profile.values, 0.0),
        profile_tolerance=tolerance,
        minima=tuple(minima),
        minima_losses=setting.loss.value(np.array(minima)),
        minima_positions=np.array(minima_at),
        transition_states=tuple(line.states),
        transition_positions=np.array(line.states_at),
        steps=tuple(line.steps),
        highest_loss=highest,
        verified=verified,
        kind=None if top_step is None else top_step.kind,
        permutation=relative_permutation(
            minima[0], end, problem.rank, turned=problem.function.turns
        ),
        missing=tuple(
            (setting.weights(joined.minima[i].x), setting.weights(joined.minima[j].x))
            for i, j in joined.missing
        ),
        runners_up=tuple(
            RunnerUp(highest_loss=max(heights), losses=heights) for heights in joined.other_routes
        ),
        # Copies of one pass differ by rounding.
        first_highest_loss=max(joined.first_highest, highest),
        bands=len(joined.attempts),
        evaluations=objective.evaluations,
        seconds=0.0,
        seed=seed,
        status=joined.status.value,
        met=_not_on(joined, setting),
    )


class _Line(NamedTuple):
    """The steps of a route, one after the other."""

    points: list[Array]
    minima: list[Array]
    minima_at: list[float]
    states: list[CriticalPoint]
    states_at: list[float]
    steps: list[StepRecord]


def _walked(problem: TeacherStudent, setting: NetworkSetting, joined: Joined) -> _Line:
    """The route from its start to its end."""
    start = joined.minima[0].x
    line = _Line([start[None]], [setting.weights(start)], [0.0], [], [], [])
    for number, step in enumerate(joined.route):
        # Descents end in a copy of the minimum that is turned outside the span; turn the rest.
        piece = _turned(step.points, line.points[-1][-1], setting)
        walked = np.cumsum(lengths(np.vstack([line.points[-1][-1:], piece[1:]])))
        kind: PathKind = "flat"
        highest = float(setting.loss.value(setting.weights(piece)).max()) if step.flat else 0.0
        if step.transition is not None:
            passed = joined.transitions[step.transition]
            found = setting.classified(passed.x)
            line.states.append(replace(found, weights=_copied(found.weights, step, problem)))
            line.states_at.append(line.minima_at[-1] + float(walked[step.top - 1]))
            kind = "saddle" if passed.ascent is not None else "corner"
            highest = found.loss
        line.steps.append(
            StepRecord(
                kind=kind,
                highest_loss=highest,
                transition=None if step.flat else len(line.states) - 1,
                start=number,
                end=number + 1,
                through=_through(problem, setting, step),
            )
        )
        line.minima_at.append(line.minima_at[-1] + float(walked[-1]))
        line.points.append(piece[1:])
        line.minima.append(setting.weights(piece[-1]))
    return line


def _through(
    problem: TeacherStudent, setting: NetworkSetting, step: Step
) -> tuple[PassedSaddle, ...]:
    """Lower saddles at which the descents of a step came to rest."""
    if step.flat:
        return ()
    return tuple(
        PassedSaddle(
            loss=float(setting.loss.value(setting.weights(x))),
            weights=_copied(setting.weights(x), step, problem),
        )
        for x in step.through
    )


def _not_on(joined: Joined, setting: NetworkSetting) -> tuple[Array, ...]:
    used = {step.transition for step in joined.route}
    return tuple(
        setting.weights(one.x)
        for number, one in enumerate(joined.transitions)
        if number not in used and one.ascent is not None
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
