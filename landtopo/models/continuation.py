"""What becomes of a minimum while a parameter of its function changes.

A minimum is followed by predictor and corrector: one Newton step with the old Hessian leads along
the tangent of the branch, Newton's method leads back onto it. A step is taken only if the corrector
moves the point much less than the predictor did, if neither the number of zero curvatures nor the
size of the smallest other one changes much, and if a step back returns; otherwise it is halved.
Where no step is left, the branch of minima ends:

- *merges*: close by there is another minimum on the far side, which copies of the point share;
- *turns into a saddle*: the branch goes on as a saddle, from which flows lead to both sides;
- *vanishes at a fold*: there is no critical point close by any more;
- *leaves its flat set*: the flat directions of the point are flat no more.

From there steepest descent leads to a minimum at that value of the parameter, and this one is
followed on. So every end is a minimum at the last value, whichever word the event is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.points.spectrum import without_gauge
from landtopo.points.stationary import FunctionPoint
from landtopo.shown import Brief

__all__ = ["CONTINUES", "FLAT", "FOLD", "MERGES", "TURNS", "End", "Family", "followed"]

CONTINUES, MERGES, TURNS = "continues", "merges", "turns into a saddle"
FOLD, FLAT = "vanishes at a fold", "leaves its flat set"

# In units of the model: how far one step may lead, and the part of it that may be corrected.
_MOVE = 0.3
_CORRECTED = 0.5
_LEAST_MOVE = 1e-6
# Part of a step by which the way back may miss where it began.
_RETURN = 0.1
# By which factor the smallest curvature may change in a step.
_CHANGE = 3.0
# The smallest step, as a part of the way from one value to the next; beyond an event, so many more.
_HALVINGS = 20
_BEYOND = 4.0
# How far from where a branch ends its continuation is looked for: events are known to about the
# smallest step, and branches come together like its square root, 1e-3.
_NEAR = 0.05
# Length of the push away from a saddle.
_PUSH = 1e-3
# Events of one minimum between two values.
_EVENTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Functions of one parameter, as a continuation sees them, in units of one model.

    Attributes
    ----------
    at : callable
        The function at a value of the parameter.
    judged : callable
        The critical point of a function at a place or as near as Newton's method finds it within a
        reach, with its spectrum.
    descend : callable
        The minimum of a function to which steepest descent leads; None where it does not arrive.
    """

    at: Callable[[float], Objective]
    judged: Callable[[Objective, Array, float], FunctionPoint]
    descend: Callable[[Objective, Array], Array | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Brief):
    """Where a minimum has come to at the last value, or one of the places.

    Attributes
    ----------
    x : ndarray or None
        None where a descent did not arrive.
    events : tuple of str
        What happened on the way, in order; empty if it is the same minimum all along.
    low, high : float
        Values between which the first of these lies; both the last value if there is none.
    """

    x: Array | None
    events: tuple[str, ...]
    low: float
    high: float


def followed(family: Family, x: Array, start: float, stop: float) -> list[End]:
    """Follow a minimum from one value of the parameter to another.

    Parameters
    ----------
    family : Family
    x : ndarray, shape (size,)
        A minimum at the first value.
    start, stop : float

    Returns
    -------
    list of End
        One, or one for each way that leads down from a saddle which the minimum has turned into.
    """
    least = abs(stop - start) * 0.5**_HALVINGS
    return list(_followed(family, x, start, stop, least, ()))


def _followed(
    family: Family, x: Array, value: float, stop: float, least: float, events: tuple[str, ...]
) -> Iterator[End]:
    x, reached = _walk(family, x, value, stop, least)
    if reached == stop:
        yield End(x=x, events=events, low=stop, high=stop)
        return
    beyond = _towards(reached, stop, _BEYOND * least)
    word, ways = _event(family, x, reached, beyond)
    if len(events) == _EVENTS:
        yield End(x=None, events=(*events, word), low=reached, high=beyond)
        return
    for way in ways:
        end, onward = _down(family, way, beyond, stop, least)
        if end is None:
            yield End(x=None, events=(*events, word), low=reached, high=beyond)
            continue
        for one in _followed(family, end, onward, stop, least, (*events, word)):
            yield End(x=one.x, events=one.events, low=reached, high=beyond)


def _walk(family: Family, x: Array, value: float, stop: float, least: float) -> tuple[Array, float]:
    """How far a minimum can be followed, and where it is then."""
    here = family.judged(family.at(value), x, _LEAST_MOVE)
    step = abs(stop - value)
    while value != stop:
        target = _towards(value, stop, step)
        there = _stepped(family, here, value, target)
        if there is not None:
            here, value, step = there, target, 2.0 * step
        elif step <= least:
            break
        else:
            step = max(min(step, abs(stop - value)) / 2.0, least)
    return here.x, value


def _towards(value: float, stop: float, step: float) -> float:
    return stop if abs(stop - value) <= step else value + math.copysign(step, stop - value)


def _stepped(
    family: Family, here: FunctionPoint, value: float, target: float
) -> FunctionPoint | None:
    """The same minimum at another value, or None where that is not certain."""
    old, new = family.at(value), family.at(target)
    there = _along(family, here, old, new)
    if there is None:
        return None
    before, after = (float(one.eigenvalues[one.nullity :].min(initial=np.inf))
                     for one in (here, there))  # fmt: skip
    if before > _CHANGE * after or after > _CHANGE * before:
        return None
    # Where branches come together, the way back leads elsewhere.
    back = _along(family, there, new, old)
    if back is None:
        return None
    apart = float(np.linalg.norm(back.x - here.x))
    moved = float(np.linalg.norm(there.x - here.x))
    return there if apart <= _RETURN * moved + _LEAST_MOVE else None


def _along(
    family: Family, here: FunctionPoint, old: Objective, new: Objective
) -> FunctionPoint | None:
    """The minimum of another function to which the tangent of the branch leads, or None."""
    values, vectors = without_gauge(old.hessian(here.x), old.gauge(here.x))
    order = np.argsort(np.abs(values), kind="stable")[here.nullity :]
    slope = new.value_and_gradient(here.x)[1]
    move = -vectors[:, order] @ ((vectors[:, order].T @ slope) / values[order])
    length = float(np.linalg.norm(move))
    if not length <= _MOVE:
        return None
    there = family.judged(new, here.x + move, _CORRECTED * length + _LEAST_MOVE)
    rests = there.grad_norm <= there.grad_tolerance
    return there if rests and not there.index and there.nullity == here.nullity else None


def _event(family: Family, x: Array, value: float, beyond: float) -> tuple[str, list[Array]]:
    """What a branch of minima ends by, and places from which to go down."""
    before = family.judged(family.at(value), x, _LEAST_MOVE)
    objective = family.at(beyond)
    near = family.judged(objective, x, _NEAR)
    rests = near.grad_norm <= near.grad_tolerance
    if rests and near.index:
        vectors = without_gauge(objective.hessian(near.x), objective.gauge(near.x))[1]
        return TURNS, [near.x + side * _PUSH * vectors[:, 0] for side in (1.0, -1.0)]
    if before.nullity:
        return FLAT, [x]
    return (MERGES if rests and not near.nullity else FOLD), [x]


def _down(
    family: Family, x: Array, value: float, stop: float, least: float
) -> tuple[Array | None, float]:
    """The minimum below a place, as soon behind an event as descents are not too slow for it."""
    step = least
    while True:
        end = family.descend(family.at(value), x)
        if end is not None or value == stop:
            return end, value
        step *= 32.0
        value = _towards(value, stop, step)
