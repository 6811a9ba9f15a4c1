"""Ways between minima: candidates from soft modes and from bands, verified and put in a catalogue.

The searches are pure functions of weights and a seed that return plain arrays, so that their
results can be kept in a journal and computed anywhere; what they mean is decided in `absorb`, in
one place and one order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from landtopo.landscape.catalogue import Catalogue, Transition
from landtopo.loss import PopulationLoss
from landtopo.objective import Array
from landtopo.paths.connect import ConnectOptions, connect
from landtopo.paths.descent import Descent, descend_both
from landtopo.paths.ends import labelled_distance, pad
from landtopo.paths.network import NetworkSetting
from landtopo.points.ascend import AscentOptions, ascend, soft_mode_starts
from landtopo.points.classify import classify
from landtopo.points.records import Kind
from landtopo.problem import TeacherStudent

__all__ = ["Found", "absorb", "between", "from_soft_modes"]

_TOLERANCE = 1e-12
# Room outside the span in which a transition state can lie, and one more axis that tells whether
# the loss would fall further there.
_OUTSIDE = 2
_SAME = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One way between two labelled minima, as a search returns it.

    Attributes
    ----------
    kind : str
        ``saddle``, ``corner`` or ``flat``.
    state : ndarray, shape (K, D)
        The transition state; empty for a flat way.
    start, end : ndarray, shape (K, D)
        The minima at both ends.
    positions, losses : ndarray, shape (n,)
        Loss profile against arc length.
    """

    kind: str
    state: Array = field(repr=False)
    start: Array = field(repr=False)
    end: Array = field(repr=False)
    positions: Array = field(repr=False)
    losses: Array = field(repr=False)

    def as_mapping(self) -> dict[str, Any]:
        """Plain values for a journal."""
        names = ("kind", "state", "start", "end", "positions", "losses")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Found:
        """The inverse of `as_mapping`."""
        return cls(**values)


def from_soft_modes(
    problem: TeacherStudent, minimum: Array, *, modes: int, seed: int
) -> list[Found]:
    """Follow the softest modes of a minimum uphill to transition states, and those down.

    Parameters
    ----------
    problem : TeacherStudent
    minimum : ndarray, shape (K, r + e)
    modes : int
        Number of softest modes, both ways each. Degenerate modes are followed in random
        combinations too, because those that belong to eigenvectors mean nothing there.
    seed : int
        Root seed of the combinations.
    """
    columns = max(minimum.shape[1], problem.rank + min(_OUTSIDE, problem.extra))
    setting = NetworkSetting(PopulationLoss(problem), columns)
    objective = setting.objective
    x = pad(minimum, columns).ravel()
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(problem.width, 1)))
    options = AscentOptions(gradient_tolerance=_TOLERANCE)
    starts = list(soft_mode_starts(objective, x, modes=modes))
    scale = float(np.linalg.norm(x)) / np.sqrt(problem.width)
    for _ in range(2 * modes):
        away = rng.standard_normal(x.size)
        away /= np.linalg.norm(away)
        starts.append((x + 0.3 * scale * away, away))
    states: list[Array] = []
    found = []
    for start, direction in starts:
        ascent = ascend(objective, start, options, direction=direction)
        if not ascent.converged or ascent.spectrum is None:
            continue
        if setting.objection(ascent) is not None:
            continue
        weights = setting.weights(ascent.x)
        if any(labelled_distance(weights, known, problem.rank) < _SAME for known in states):
            continue
        states.append(weights)
        sides = descend_both(
            objective, ascent.x, ascent.spectrum.vectors[:, 0], accept=setting.settle
        )
        if all(side.converged for side in sides):
            found.append(_from_sides(setting, ascent.x, sides))
    return found


def between(
    problem: TeacherStudent,
    start: Array,
    end: Array,
    *,
    seed: int,
    known: Sequence[Array] = (),
    options: ConnectOptions | None = None,
) -> list[Found]:
    """Every step of the lowest path that is found between two labelled minima."""
    record = connect(problem, start, end, seed=seed, options=options, known=known)
    found = []
    for step in record.steps:
        first, last = sorted((step.start, step.end))
        lower, upper = record.minima_positions[first], record.minima_positions[last]
        part = (record.positions >= lower) & (record.positions <= upper)
        state = (
            np.empty((0, 0))
            if step.transition is None
            else record.transition_states[step.transition].weights
        )
        found.append(
            Found(
                kind=step.kind,
                state=state,
                start=record.minima[first],
                end=record.minima[last],
                positions=record.positions[part] - lower,
                losses=record.losses[part],
            )
        )
    return found


def absorb(catalogue: Catalogue, found: Found, *, found_by: str) -> bool:
    """Put one way into the catalogue; False when it is known already or proves to be none.

    The transition state is classified anew, and both ends are located as labelled minima. A family
    that is met here for the first time is added.
    """
    problem = catalogue.problem
    point = None
    if found.kind == "saddle":
        point = classify(problem, found.state)
        if point.kind is not Kind.SADDLE or point.index != 1 or point.grad_norm > _TOLERANCE:
            return False
        if catalogue.known_transition(point.weights, point.loss) is not None:
            return False
    start = catalogue.locate(found.start, found_by=found_by)
    end = catalogue.locate(found.end, found_by=found_by)
    if start is None or end is None:
        return False
    losses, positions = found.losses, found.positions
    height = float(losses.max()) if point is None else point.loss
    relabelling = None
    first, last = (start, end) if start.family <= end.family else (end, start)
    if start.family > end.family:
        losses, positions = losses[::-1], positions[-1] - positions[::-1]
    if first.relabelling is not None and last.relabelling is not None:
        vectors = problem.teacher.vectors
        weights = catalogue.families[last.family].weights
        seen = first.relabelling.inverse().after(last.relabelling)
        relabelling = catalogue.relabelling(weights, seen.on_weights(weights, vectors))
    if found.kind == "flat":
        if any(
            t.kind == "flat" and {t.start, t.end} == {first.family, last.family}
            for t in catalogue.transitions
        ):
            return False
        height = max(catalogue.families[first.family].loss, catalogue.families[last.family].loss)
    catalogue.add_transition(
        Transition(
            kind=found.kind,  # type: ignore[arg-type]
            start=first.family,
            end=last.family,
            relabelling=relabelling,
            loss=height,
            point=point,
            positions=positions,
            losses=np.maximum(losses, 0.0),
            found_by=found_by,
        )
    )
    return True


def _from_sides(setting: NetworkSetting, state: Array, sides: tuple[Descent, Descent]) -> Found:
    points = np.vstack([sides[0].points[::-1], sides[1].points[1:]])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return Found(
        kind="saddle",
        state=setting.weights(state),
        start=setting.weights(sides[0].x),
        end=setting.weights(sides[1].x),
        positions=np.concatenate([[0.0], np.cumsum(steps)]),
        losses=np.asarray(setting.objective.value(points)),
    )
