"""Ways between minima: searches that find them, verified and put in a catalogue.

The searches are pure functions of weights and seeds that return plain arrays, so that their results
can be kept in a journal and computed anywhere; what they mean is decided in `absorb`, in one place
and one order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from landtopo.landscape.catalogue import Catalogue, Copy, PassKind, Transition
from landtopo.landscape.pool import Piece
from landtopo.model import FamilyLike, Model, Point
from landtopo.objective import Array, Objective
from landtopo.paths.descent import Descent, descend, descend_both
from landtopo.paths.onward import onward
from landtopo.points.ascend import Ascent, AscentOptions, AscentStatus, Climbs, climbs
from landtopo.points.climbs import SaddleStart
from landtopo.points.known import Known
from landtopo.shown import Brief
from landtopo.symmetry.permutations import compose, inverse
from landtopo.tolerances import LEVEL, SAME_VALUE, TIED_DIGITS
from landtopo.units import Linear, Squared

if TYPE_CHECKING:
    from landtopo.paths.joined_copies import Link
    from landtopo.paths.record import StepRecord

__all__ = [
    "PAST_SADDLE",
    "STRAIGHT",
    "Found",
    "Harvest",
    "absorb",
    "arc_lengths",
    "band_piece",
    "both_ways_down",
    "descend_to_rest",
    "follow",
    "follow_piece",
    "way_over",
    "ways_of",
]

# Outcomes of searches that ended in a pass.
STRAIGHT, PAST_SADDLE = "transition state", "descent into a saddle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Brief):
    """One way between two labelled minima, as a search returns it.

    Points have the shape in which the model shows them.

    Attributes
    ----------
    kind : {"saddle", "corner", "flat"}
    state : ndarray
        The transition state or corner; empty for a flat way.
    start, end : ndarray
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
        How many searches ended how, but for those that ended in passes known before.
    again : tuple of int
        How many ended in each of these.
    """

    found: tuple[Found, ...]
    outcomes: dict[str, int]
    again: tuple[int, ...] = ()

    def as_mapping(self) -> dict[str, Any]:
        """Plain values for a journal."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Harvest:
        """The inverse of `as_mapping`."""
        found = tuple(Found(**one) for one in values["found"])
        return cls(
            found=found, outcomes=dict(values["outcomes"]), again=tuple(values.get("again", ()))
        )


def follow_piece(model: Model, starts: Sequence[SaddleStart], known: Sequence[Array]) -> Piece:
    """`follow` as a piece of work."""
    shaped = [
        SaddleStart(
            x=model.shaped(start.x),
            direction=None if start.direction is None else model.shaped(start.direction),
        )
        for start in starts
    ]
    passes = tuple(model.shaped(x) for x in known)
    return Piece(name=f"climbs/{model.stage}", function=_follow, arguments=(model, shaped, passes))


def band_piece(model: Model, start: Array, end: Array, seed: int, known: Sequence[Array]) -> Piece:
    """The lowest path that is found between two labelled minima, step by step, as a piece of work.

    Parameters
    ----------
    model : Model
    start, end : ndarray, shape (size,)
    seed : int
    known : sequence of ndarray, shape (size,)
        Transition states that are known already.
    """
    points = (model.shaped(start), model.shaped(end))
    passes = tuple(model.shaped(x) for x in known)
    return Piece(
        name=f"bands/{model.stage}", function=_between, arguments=(model, *points, seed, passes)
    )


def _follow(model: Model, starts: Sequence[SaddleStart], known: Sequence[Array]) -> dict[str, Any]:
    return follow(model, starts, [np.ravel(x) for x in known]).as_mapping()


def _between(
    model: Model, start: Array, end: Array, seed: int, known: Sequence[Array]
) -> dict[str, Any]:
    ends = np.ravel(start), np.ravel(end)
    ways, joined = model.ways(*ends, seed=seed, known=[np.ravel(x) for x in known])
    outcome = "joined" if joined else "not joined"
    return Harvest(found=tuple(ways), outcomes={outcome: 1}).as_mapping()


def follow(model: Model, starts: Sequence[SaddleStart], known: Sequence[Array] = ()) -> Harvest:
    """Climb from every start to a transition state, and go down from it on both sides.

    Parameters
    ----------
    model : Model
    starts : sequence of SaddleStart
    known : sequence of ndarray, shape (size,)
        Transition states that are known already: what they lead to is not looked for again.
    """
    met = Known(model.symmetry.mark, slack=SAME_VALUE)
    for x in known:
        met.add(x, float(model.objective(x).value(x)))
    found: dict[int, Found | str] = {}
    times: Counter[int] = Counter()
    outcomes: Counter[str] = Counter()
    for objective, ends, number in _climbed(model, starts):
        if ends.status[number] is not AscentStatus.CONVERGED:
            outcomes[_word(ends.status[number])] += 1
            continue
        place, element = met.place(ends.points[number], float(ends.values[number]))
        if element is None:
            found[place] = _both_ways_down(model, objective, ends.concluded(objective, number))
        times[place] += 1
        one = found.get(place)
        if isinstance(one, str):
            outcomes[one] += 1
        elif one is not None:
            outcomes[PAST_SADDLE if one.through_saddle else STRAIGHT] += 1
    return Harvest(
        found=tuple(
            replace(one, times=times[place])
            for place, one in found.items()
            if isinstance(one, Found)
        ),
        outcomes=dict(sorted(outcomes.items())),
        again=tuple(times[place] for place in range(len(known))),
    )


class Stepped(Protocol):
    """A path with its verified steps."""

    @property
    def steps(self) -> Sequence[StepRecord]:
        """Between minima by their numbers."""
        ...

    @property
    def minima(self) -> Sequence[Array]:
        """In order along the path."""
        ...

    @property
    def transition_states(self) -> Sequence[Any]:
        """Likewise."""
        ...

    @property
    def minima_positions(self) -> Array:
        """Arc lengths of the minima."""
        ...

    @property
    def positions(self) -> Array:
        """Arc lengths along the path."""
        ...

    @property
    def losses(self) -> Array:
        """Losses there."""
        ...


def way_over(model: Model, link: Link) -> Found:
    """A verified connection of two minima as a way, in the units of the model."""
    kind: PassKind = "flat" if link.transition is None else "saddle" if link.smooth else "corner"
    state, start, end = (model.shaped(link.points[i]).copy() for i in (link.top, 0, -1))
    return Found(
        kind=kind,
        state=np.empty((0, 0)) if kind == "flat" else state,
        start=start,
        end=end,
        positions=arc_lengths(model, link.points),
        losses=np.asarray(model.objective(link.points[0]).value(link.points)),
        through_saddle=any(link.through),
    )


def ways_of(record: Stepped) -> tuple[Found, ...]:
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
    strata = catalogue.model.strata
    if found.kind != "flat":
        point = strata.judge(np.ravel(found.state))
        if not strata.is_pass(point, found.kind):
            return False
        if found.kind == "saddle" and catalogue.count_known(point, found_by, found.times):
            return False
    start = catalogue.locate(np.ravel(found.start), found_by=found_by)
    end = catalogue.locate(np.ravel(found.end), found_by=found_by)
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


def arc_lengths(model: Model, points: Array) -> Array:
    """Length of a way up to each of its points, as people see them, in units of the model.

    Parameters
    ----------
    model : Model
    points : ndarray, shape (n, size)
    """
    seen = np.array([np.ravel(model.shaped(x)) for x in points])
    steps = np.linalg.norm(np.diff(seen, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def descend_to_rest(model: Model, objective: Objective, start: Array) -> Descent:
    """Steepest descent to a minimum, past the saddles in which symmetry makes it end."""
    how, settle = model.starts.descent, model.strata.settle
    side = descend(objective, start, how, accept=settle)
    return onward(objective, side, how, accept=settle)[0]


def _climbed(
    model: Model, starts: Sequence[SaddleStart]
) -> Iterator[tuple[Objective, Climbs, int]]:
    """Climbs from all starts, in their order: of which function, some of them, and which."""
    alike: dict[tuple[int, AscentOptions], list[int]] = {}
    options = [model.starts.climb(np.ravel(start.x)) for start in starts]
    for number, start in enumerate(starts):
        everywhere = replace(options[number], region=np.inf)
        alike.setdefault((start.x.size, everywhere), []).append(number)
    done: dict[int, tuple[Objective, Climbs, int]] = {}
    for (_, everywhere), numbers in alike.items():
        points = np.array([np.ravel(starts[number].x) for number in numbers])
        directions = np.zeros_like(points)
        for row, number in zip(directions, numbers, strict=True):
            direction = starts[number].direction
            if direction is not None:
                row[:] = np.ravel(direction)
        objective = model.objective(points[0])
        regions = np.array([options[number].region for number in numbers])
        ends = climbs(objective, points, everywhere, directions=directions, regions=regions)
        done.update((number, (objective, ends, i)) for i, number in enumerate(numbers))
    return (done[number] for number in range(len(starts)))


def _word(status: AscentStatus) -> str:
    return status.name.lower().replace("_", " ")


def _both_ways_down(model: Model, objective: Objective, ascent: Ascent) -> Found | str:
    """The way over a critical point, or why there is none."""
    if not ascent.converged or ascent.spectrum is None:
        return _word(ascent.status)
    if model.strata.objection(ascent) is not None:
        return "other index in d dimensions, or a corner"
    way = both_ways_down(model, objective, ascent.x, ascent.spectrum.vectors[:, 0])
    if way is None:
        return "unfinished descent"
    points, through = way
    return Found(
        kind="saddle",
        state=model.shaped(ascent.x).copy(),
        start=model.shaped(points[0]).copy(),
        end=model.shaped(points[-1]).copy(),
        positions=arc_lengths(model, points),
        losses=np.asarray(objective.value(points)),
        through_saddle=through,
    )


def both_ways_down(
    model: Model, objective: Objective, saddle: Array, unstable: Array
) -> tuple[Array, bool] | None:
    """Steepest descents from both sides of a saddle as one curve; None where one does not finish.

    Parameters
    ----------
    model : Model
    objective : Objective
    saddle, unstable : ndarray, shape (size,)
        A point of index 1, and its falling direction.

    Returns
    -------
    points : ndarray, shape (n, size)
        From one minimum to the other.
    through : bool
        A descent ended in another saddle, and was followed on.
    """
    how, settle = model.starts.descent, model.strata.settle
    sides = list(descend_both(objective, saddle, unstable, how, accept=settle))
    through = False
    for number, side in enumerate(sides):
        further, saddles = onward(objective, side, how, accept=settle)
        through |= bool(saddles)
        sides[number] = further
        if not further.converged:
            return None
    return np.vstack([sides[0].points[::-1], sides[1].points[1:]]), through


def _is_flat(catalogue: Catalogue, start: Copy, end: Copy, found: Found) -> bool:
    """A flat way needs flat sets at both ends, of the same loss, and no higher point between."""
    ends = [catalogue.families[copy.family] for copy in (start, end)]
    if any(family.flat_dimension == 0 for family in ends):
        return False
    lowest = min(family.loss for family in ends)
    highest = float(max(found.losses.max(), *(family.loss for family in ends)))
    return highest - lowest <= LEVEL


def _rank(catalogue: Catalogue, copy: Copy) -> tuple[float, int]:
    """By value; families tied by symmetry in the order in which they were met."""
    loss = catalogue.families[copy.family].loss
    return round(loss, TIED_DIGITS), copy.family


def _height(first: FamilyLike, last: FamilyLike, point: Point | None, kind: PassKind) -> float:
    """Value of the pass; a corner of a flat set of minima has theirs, but for rounding."""
    higher = max(first.loss, last.loss)
    if point is None or (kind == "corner" and abs(point.loss - higher) <= LEVEL):
        return higher
    return point.loss


def _transition(
    catalogue: Catalogue,
    found: Found,
    point: Point | None,
    start: Copy,
    end: Copy,
    found_by: str,
) -> Transition:
    """The way told from the family with the lower value, with the simplest element."""
    model = catalogue.model
    symmetry = model.symmetry
    positions, losses = found.positions, np.maximum(found.losses, model.least)
    swapped = _rank(catalogue, end) < _rank(catalogue, start)
    if swapped:
        start, end = end, start
    first, last = (catalogue.families[copy.family] for copy in (start, end))
    back = inverse(start.element)
    given = compose(back, end.element)
    exact = start.exact and end.exact
    state = None if point is None else symmetry.act(back, point.x)
    if exact:
        relation = symmetry.simplest(first.x, last.x, given, loop=start.family == end.family)
        given = relation.element
        swapped ^= relation.reversed
        if state is not None:
            state = symmetry.act(relation.carrier, state)
    else:
        given = model.strata.between_sets(first, last, given)
    if swapped:
        losses, positions = losses[::-1].copy(), positions[-1] - positions[::-1]
    if point is not None and state is not None:
        point = point.moved(state)
    return Transition(
        kind=found.kind,
        start=start.family,
        end=end.family,
        element=given,
        exact=exact,
        loss=_height(first, last, point, found.kind),
        point=point,
        positions=positions,
        losses=losses,
        found_by=found_by,
        through_saddle=found.through_saddle,
    )
