"""Ways between minima: searches that find them, verified and put in a catalogue.

The searches are pure functions of weights and seeds that return plain arrays, so that their results
can be kept in a journal and computed anywhere; what they mean is decided in `absorb`, in one place
and one order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from landtopo.landscape.catalogue import Catalogue, Copy, PassKind, Transition
from landtopo.landscape.pool import Piece
from landtopo.models.networks.landscape.relations import simplest_relation
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.saddle_starts import SaddleStart
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import PointGraph, Reference, point_graph, symmetry_frame
from landtopo.objective import Array
from landtopo.paths.connect import ConnectOptions, connect_as_labelled
from landtopo.paths.descent import Descent, descend, descend_both
from landtopo.paths.join import JoinOptions
from landtopo.paths.onward import onward
from landtopo.paths.record import PathRecord
from landtopo.points.ascend import Ascent, AscentOptions, ascend
from landtopo.points.records import CriticalPoint, Family, Kind
from landtopo.shown import Brief
from landtopo.units import Linear, Squared

__all__ = [
    "Found",
    "Harvest",
    "absorb",
    "band_piece",
    "between",
    "descend_to_rest",
    "follow",
    "follow_piece",
    "ways_of",
]

_TOLERANCE = 1e-12
_SAME_LOSS = 1e-8
# At a critical point sum |w_k|^2 / 2 <= E[f^2] = E[f f*] <= E[f*^2] (all pair integrals are
# positive), so what climbs far beyond that will not come back.
_REGION = 1.3
_STEPS = 150
_FLAT = 1e-12
# Most passes are known before bands are tried, so that bands look for what is missing or lower.
_CONNECT = ConnectOptions(join=JoinOptions(bands=30, improve=40, patience=6))
_TIED_LOSSES = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Brief):
    """One way between two labelled minima, as a search returns it.

    Attributes
    ----------
    kind : {"saddle", "corner", "flat"}
    state : ndarray, shape (K, D)
        The transition state or corner; empty for a flat way.
    start, end : ndarray, shape (K, D)
        The minima at both ends.
    positions, losses : ndarray, shape (n,)
        Loss profile against arc length.
    times : int
        How many searches ended here.
    through_saddle : bool
        Whether symmetry makes a descent end in a lower saddle, from which it was followed on.
    """

    kind: PassKind
    state: Linear[Array] = field(repr=False)
    start: Linear[Array] = field(repr=False)
    end: Linear[Array] = field(repr=False)
    positions: Linear[Array] = field(repr=False)
    losses: Squared[Array] = field(repr=False)
    times: int = 1
    through_saddle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest(Brief):
    """What some searches brought.

    Attributes
    ----------
    found : tuple of Found
    outcomes : dict of str to int
        How many searches ended how.
    """

    found: tuple[Found, ...]
    outcomes: dict[str, int]

    def as_mapping(self) -> dict[str, Any]:
        """Plain values for a journal."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Harvest:
        """The inverse of `as_mapping`."""
        found = tuple(Found(**one) for one in values["found"])
        return cls(found=found, outcomes=dict(values["outcomes"]))


def follow_piece(problem: TeacherStudent, starts: Sequence[SaddleStart]) -> Piece:
    """`follow` as a piece of work."""
    return Piece(name=f"climbs/{problem.width}", function=_follow, arguments=(problem, starts))


def band_piece(
    problem: TeacherStudent, start: Array, end: Array, seed: int, known: Sequence[Array]
) -> Piece:
    """`between` as a piece of work."""
    name = f"bands/{problem.width}"
    return Piece(name=name, function=_between, arguments=(problem, start, end, seed, tuple(known)))


def _follow(problem: TeacherStudent, starts: Sequence[SaddleStart]) -> dict[str, Any]:
    return follow(problem, starts).as_mapping()


def _between(
    problem: TeacherStudent, start: Array, end: Array, seed: int, known: Sequence[Array]
) -> dict[str, Any]:
    return between(problem, start, end, seed=seed, known=known).as_mapping()


def follow(problem: TeacherStudent, starts: Sequence[SaddleStart]) -> Harvest:
    """Climb from every start to a transition state, and go down from it on both sides.

    Parameters
    ----------
    problem : TeacherStudent
    starts : sequence of SaddleStart
    """
    loss = PopulationLoss(problem)
    known: list[tuple[float, Reference]] = []
    found: list[Found | str] = []
    times: Counter[int] = Counter()
    outcomes: Counter[str] = Counter()
    for start in starts:
        setting = NetworkSetting(loss, start.weights.shape[1])
        ascent = _climb(setting, start)
        if ascent is None:
            outcomes["corner"] += 1
            continue
        if not ascent.converged or ascent.spectrum is None:
            outcomes[ascent.status.name.lower().replace("_", " ")] += 1
            continue
        graph = point_graph(problem.teacher, setting.weights(ascent.x))
        number = _place(known, ascent.value, graph)
        if number == len(known):
            known.append((ascent.value, Reference(graph)))
            found.append(_both_ways_down(setting, ascent))
        times[number] += 1
        one = found[number]
        if isinstance(one, str):
            outcomes[one] += 1
        else:
            outcomes["descent into a saddle" if one.through_saddle else "transition state"] += 1
    return Harvest(
        found=tuple(
            replace(one, times=times[i]) for i, one in enumerate(found) if isinstance(one, Found)
        ),
        outcomes=dict(sorted(outcomes.items())),
    )


def between(
    problem: TeacherStudent,
    start: Array,
    end: Array,
    *,
    seed: int,
    known: Sequence[Array] = (),
) -> Harvest:
    """Every step of the lowest path that is found between two labelled minima.

    Parameters
    ----------
    problem : TeacherStudent
    start, end : ndarray, shape (K, r + e)
    seed : int
    known : sequence of ndarray, shape (K, r + e)
        Transition states that are known already.
    """
    record = connect_as_labelled(problem, start, end, seed=seed, options=_CONNECT, known=known)
    outcome = "joined" if record.verified else "not joined"
    return Harvest(found=ways_of(record), outcomes={outcome: 1})


def ways_of(record: PathRecord) -> tuple[Found, ...]:
    """Every step of a path as a way between two minima, in the units of the record."""
    found = []
    for step in record.steps:
        first, last = sorted((step.start, step.end))
        lower, upper = record.minima_positions[first], record.minima_positions[last]
        part = (record.positions >= lower) & (record.positions <= upper)
        found.append(
            Found(
                kind=step.kind,
                state=np.empty((0, 0))
                if step.transition is None
                else record.transition_states[step.transition].weights.copy(),
                start=record.minima[first].copy(),
                end=record.minima[last].copy(),
                positions=record.positions[part] - lower,
                losses=record.losses[part],
                through_saddle=bool(step.through),
            )
        )
    return tuple(found)


def absorb(catalogue: Catalogue, found: Found, *, found_by: str) -> bool:
    """Put one way into the catalogue; False when it is known already or proves to be none.

    The transition state is classified anew, and both ends are located as labelled minima. A family
    that is met here for the first time is added.

    A way on which symmetry makes a descent end in another saddle is one like any other: below such
    a pass the two ends are apart as far as it is concerned, and above it they are not. It is
    marked, because the end it was followed on to is one of several copies.
    """
    point = None
    if found.kind != "flat":
        point = classify(catalogue.problem, found.state)
        if not _is_pass(point, found.kind):
            return False
        if found.kind == "saddle" and catalogue.count_known(point, found_by, found.times):
            return False
    start = catalogue.locate(found.start, found_by=found_by)
    end = catalogue.locate(found.end, found_by=found_by)
    if start is None or end is None:
        return False
    if point is not None and found.kind == "corner":
        # From one corner ways lead to several families.
        ends = {start.family, end.family}
        if catalogue.count_known(point, found_by, found.times, ends=ends):
            return False
    if found.kind == "flat":
        if not _is_flat(catalogue, start, end, found):
            return False
        for number, other in enumerate(catalogue.transitions):
            if other.kind == "flat" and {other.start, other.end} == {start.family, end.family}:
                catalogue.met[number][found_by] += found.times
                return False
    transition = _transition(catalogue, found, point, start, end, found_by)
    catalogue.add_transition(transition)
    catalogue.met[-1][found_by] += found.times
    return True


def descend_to_rest(setting: NetworkSetting, start: Array) -> Descent:
    """Steepest descent to a minimum, past the saddles in which symmetry makes it end."""
    side = descend(setting.objective, start, accept=setting.settle)
    return onward(setting.objective, side, accept=setting.settle)[0]


def _climb(setting: NetworkSetting, start: SaddleStart) -> Ascent | None:
    """An ascent; None if a neuron became exactly zero, because a corner has no Hessian."""
    bound = np.sqrt(2.0 * setting.objective.constant)
    options = AscentOptions(
        gradient_tolerance=_TOLERANCE,
        region=_REGION * bound + float(np.linalg.norm(start.weights)),
        steps=_STEPS,
    )
    direction = None if start.direction is None else start.direction.ravel()
    try:
        return ascend(setting.objective, start.weights.ravel(), options, direction=direction)
    except ZeroDivisionError:
        return None


def _place(known: list[tuple[float, Reference]], value: float, graph: PointGraph) -> int:
    for number, (other, reference) in enumerate(known):
        if abs(other - value) <= _SAME_LOSS and reference.match(graph) is not None:
            return number
    return len(known)


def _both_ways_down(setting: NetworkSetting, ascent: Ascent) -> Found | str:
    """The way over a critical point, or why there is none."""
    assert ascent.spectrum is not None
    if setting.objection(ascent) is not None:
        return "other index in d dimensions, or a corner"
    unstable = ascent.spectrum.vectors[:, 0]
    sides = list(descend_both(setting.objective, ascent.x, unstable, accept=setting.settle))
    through = False
    for number, side in enumerate(sides):
        further, saddles = onward(setting.objective, side, accept=setting.settle)
        through |= bool(saddles)
        sides[number] = further
        if not further.converged:
            return "unfinished descent"
    points = np.vstack([sides[0].points[::-1], sides[1].points[1:]])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return Found(
        kind="saddle",
        state=setting.weights(ascent.x).copy(),
        start=setting.weights(sides[0].x).copy(),
        end=setting.weights(sides[1].x).copy(),
        positions=np.concatenate([[0.0], np.cumsum(steps)]),
        losses=np.asarray(setting.objective.value(points)),
        through_saddle=through,
    )


def _is_pass(point: CriticalPoint, kind: PassKind) -> bool:
    if point.grad_norm > _TOLERANCE:
        return False
    if kind == "corner":
        return point.zero_neurons == 1 and point.index == 0
    return point.kind is Kind.SADDLE and point.index == 1 and not point.zero_neurons


def _is_flat(catalogue: Catalogue, start: Copy, end: Copy, found: Found) -> bool:
    """A flat way needs flat sets at both ends, of the same loss, and no higher point between."""
    ends = [catalogue.families[copy.family] for copy in (start, end)]
    if any(family.flat_dimension == 0 for family in ends):
        return False
    lowest = min(family.loss for family in ends)
    return float(max(found.losses.max(), *(family.loss for family in ends))) - lowest <= _FLAT


def _rank(catalogue: Catalogue, copy: Copy) -> tuple[float, int]:
    """By loss; families tied by symmetry in the order in which they were met."""
    return round(catalogue.families[copy.family].loss, _TIED_LOSSES), copy.family


def _height(first: Family, last: Family, point: CriticalPoint | None) -> float:
    """Loss of the pass; a corner of a flat set of minima has their loss, but for rounding."""
    higher = max(first.loss, last.loss)
    if point is None or (point.zero_neurons and abs(point.loss - higher) <= _FLAT):
        return higher
    return point.loss


def _transition(
    catalogue: Catalogue,
    found: Found,
    point: CriticalPoint | None,
    start: Copy,
    end: Copy,
    found_by: str,
) -> Transition:
    """The way told from the family with the lower loss, with the simplest relabelling."""
    teacher = catalogue.problem.teacher
    frame = symmetry_frame(teacher)
    positions, losses = found.positions, np.maximum(found.losses, 0.0)
    swapped = _rank(catalogue, end) < _rank(catalogue, start)
    if swapped:
        start, end = end, start
    first, last = (catalogue.families[copy.family] for copy in (start, end))
    back = start.relabelling.inverse()
    given = back.after(end.relabelling)
    exact = start.exact and end.exact
    state = None if point is None else back.on_weights(point.weights, frame)
    if exact:
        relation = simplest_relation(
            teacher,
            first.weights,
            last.weights,
            given,
            loop=start.family == end.family,
        )
        given = relation.relabelling
        swapped ^= relation.reversed
        if state is not None:
            state = relation.carrier.on_weights(state, frame)
    else:
        given = catalogue.between_flat_sets(start.family, end.family, given)
    if swapped:
        losses, positions = losses[::-1].copy(), positions[-1] - positions[::-1]
    if point is not None and state is not None:
        state.setflags(write=False)
        point = replace(point, weights=state)
    return Transition(
        kind=found.kind,
        start=start.family,
        end=end.family,
        relabelling=given,
        exact=exact,
        loss=_height(first, last, point),
        point=point,
        positions=positions,
        losses=losses,
        found_by=found_by,
        through_saddle=found.through_saddle,
    )
