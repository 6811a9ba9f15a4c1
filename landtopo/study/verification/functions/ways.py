"""Transitions of a model: both descents again, by a standard integrator, and what they join."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import PchipInterpolator

from landtopo.eigen import eigh
from landtopo.objective import Array
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.descents import Descent
from landtopo.study.verification.functions.evidence import FunctionEvidence
from landtopo.study.verification.functions.known import KnownModel, is_line, place_of
from landtopo.study.verification.functions.points import VALUE
from landtopo.study.verification.known import Checker
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "ways_from"]

# In units of the model: the first step away from a saddle, the slope at which a flow is at rest,
# the tolerance of its steps, and how far Newton's method may go from there.
_AWAY = 1e-3
_REST = 1e-7
_STEP = 1e-9
_REGION = 5e-2
_LONGEST = 1e9
# Saddles in which symmetry may make a flow end before it is sent on, and along how many modes.
_SADDLES = 3
_MODES = 4
_SHOWN = 257
# Parts of the length and of the height of a way by which a profile may differ, and points of a flow
# that it is compared with.
_LENGTH = 2e-2
_VALUE = 5e-3
_DENSE = 4001


def _check_heights(known: KnownModel, record: Record) -> Iterator[Check]:
    if is_line(record):
        return
    compare, stored = known.compare(record), record.values
    height = known.evidence(place_of(record)).loss
    close = VALUE * (known.model.energy + abs(height))
    ends = [known.node(stored[f"{side}_id"]).loss for side in ("from", "to")]
    for side, end in zip(("from", "to"), ends, strict=True):
        yield from compare.number(f"barrier_{side}", height - end, 2 * close, power=0)
    values = np.asarray(stored["profile"])[:, 1]
    # Descents end where the slope has the tolerance, whose square is left of the value.
    for what, told, wanted in (
        ("highest", values.max(), height),
        ("first", values[0], ends[0]),
        ("last", values[-1], ends[1]),
    ):
        yield from compare.claim(
            "profile",
            f"{wanted:.17g} as its {what} value",
            abs(told - wanted) <= 1e3 * close,
            stored=f"{told:.17g}",
        )


def _check_ways(known: KnownModel, record: Record) -> Iterator[Check]:
    """The minima in which both flows end, how they lie, and the values on the way."""
    if is_line(record):
        return
    compare, stored = known.compare(record), record.values
    point = known.evidence(place_of(record))
    ways = ways_from(known, point)
    names = [[known.minimum_of(known.evidence(end)) for end in way.ends] for way in ways]
    wanted = (stored["from_id"], stored["to_id"])
    turns = [
        turn
        for turn, sides in ((ways, names), (ways[::-1], names[::-1]))
        if all(end in side for end, side in zip(wanted, sides, strict=True))
    ]
    shown = " and ".join(" or ".join(sorted({str(name) for name in side})) for side in names)
    for side, name in zip(("from_id", "to_id"), wanted, strict=True):
        yield from compare.claim(side, name if turns else shown, bool(turns), stored=name)
    yield from compare.equal("verified", bool(turns))
    yield from compare.claim("kind", "saddle", stored["kind"] == "saddle" and bool(turns))
    yield from compare.equal("through_saddle", any(way.saddle is not None for way in ways))
    if turns:
        yield from _element(known, compare, turns)
        yield from _profile(compare, turns, point.loss)


def _element(
    known: KnownModel, compare: Comparison, turns: list[tuple[Descent, Descent]]
) -> Iterator[Check]:
    """The way leads from the first minimum's representative to this copy of the second's."""
    stored, shape = compare.values, known.model.shape
    first, second = (known.node(stored[f"{side}_id"]) for side in ("from", "to"))
    element = shape.element_of(stored)
    agree = False
    if element is not None:
        copy = shape.symmetry.act(element, second.inside)
        there = known.evidence(copy * known.model.length)
        agree = any(
            known.evidence(one).is_at(first) and known.evidence(other).is_at(there)
            for start, end in turns
            for one, other in product(start.ends, end.ends)
        )
    for name in {"permutation", "teacher_permutation"} & stored.keys():
        yield from compare.claim(name, "a copy in which a flow ends", agree)


def _profile(
    compare: Comparison, turns: list[tuple[Descent, Descent]], height: float
) -> Iterator[Check]:
    """Value against arc length on both sides of the top, up to the first rest of each flow."""
    profile = np.asarray(compare.values["profile"])
    top = int(np.argmax(profile[:, 1]))
    sides = (profile[top::-1], profile[top:])
    best = min(
        max(_apart(side, way, height) for side, way in zip(sides, turn, strict=True))
        for turn in turns
    )
    shown = f"apart by {best:.2g} of what is allowed"
    yield from compare.claim("profile", "that of the flow", best <= 1.0, stored=shown)


def _apart(side: Array, way: Descent, height: float) -> float:
    """How far points of a profile are from a flow's, in units of what is allowed.

    Lengths of a search are those of straight pieces, so that a point may lie aside of the curve as
    much as above or below it.
    """
    curve = PchipInterpolator(np.append(0.0, way.lengths), np.append(height, way.losses))
    longest = float(way.lengths[-1])
    lengths = np.linspace(0.0, longest, _DENSE)
    depth = max(height - float(way.losses[-1]), 1e-300)
    here = np.abs(side[:, 0] - side[0, 0])
    known = here <= longest
    aside = np.abs(here[known, None] - lengths) / (_LENGTH * longest)
    above = np.abs(side[known, 1, None] - curve(lengths)) / (_VALUE * depth)
    apart = float(np.maximum(aside, above).min(axis=1).max(initial=0.0))
    if way.saddle is not None:
        return apart
    return max(apart, abs(float(here[-1]) - longest) / (_LENGTH * longest))


def ways_from(known: KnownModel, point: FunctionEvidence) -> tuple[Descent, Descent]:
    """`both_ways`, worked out once."""
    key = ("both ways of a function", known.model.name, point.x.tobytes())
    return known.memory.get(key, lambda: both_ways(known, point))


def both_ways(known: KnownModel, point: FunctionEvidence) -> tuple[Descent, Descent]:
    """The flows from both sides of a saddle; lengths are from the saddle.

    Parameters
    ----------
    known : KnownModel
    point : FunctionEvidence
    """
    mode = _falling_modes(point)[0]
    away = float(np.linalg.norm(mode)) * known.model.length
    first, second = (
        replace(way, lengths=way.lengths + away)
        for way in (_followed(known, point.inside + side, _SADDLES) for side in (mode, -mode))
    )
    return first, second


def _falling_modes(point: FunctionEvidence) -> list[Array]:
    """Short steps along the modes of negative curvature, the steepest first."""
    values, vectors = eigh(point.hessian[0])
    falling = values < -point.zero / point.curvature_unit
    return [_AWAY * mode for mode in vectors[:, falling].T] or [_AWAY * vectors[:, 0]]


def _followed(known: KnownModel, start: Array, saddles: int) -> Descent:
    """A flow, sent on from saddles in which symmetry makes it end."""
    length = known.model.length
    end, lengths, losses = _flow(known, start)
    point = known.evidence(_settled(known, end) * length)
    if not saddles or not point.index:
        return Descent(ends=(point.x,), saddle=None, lengths=lengths, losses=losses)
    ends: list[Array] = []
    for mode in _falling_modes(point)[:_MODES]:
        for side in (mode, -mode):
            ends += _followed(known, point.inside + side, saddles - 1).ends
    return Descent(ends=tuple(ends), saddle=point.x, lengths=lengths, losses=losses)


def _settled(known: KnownModel, end: Array) -> Array:
    """The critical point next to where a flow came to rest, or that place itself."""
    least = known.model.strata.settle(end)
    if least is not None:
        return least
    point = end
    for _ in range(30):
        here = known.evidence(point * known.model.length)
        hessian, error = here.hessian
        slope = known.model.objective(point).value_and_gradient(point)[1]
        cut = max(1e-7, error / float(np.abs(hessian).max()))
        step = np.linalg.pinv(hessian, rcond=cut, hermitian=True) @ slope
        if np.linalg.norm(point - step - end) > _REGION:
            return end
        point = point - step
        if np.linalg.norm(step) <= 1e-13 * (1.0 + np.linalg.norm(point)):
            break
    return point


def _flow(known: KnownModel, start: Array) -> tuple[Array, Array, Array]:
    """End of the flow dx/dt = -grad, with arc lengths and values on the way."""
    objective = known.model.objective(start)
    rest = max(_REST, 10.0 * known.model.tolerance)

    def slope(state: Array) -> Array:
        return np.asarray(objective.value_and_gradient(state[:-1])[1])

    def speed(_: float, state: Array) -> Array:
        found = slope(state)
        return np.append(-found, np.linalg.norm(found))

    def at_rest(_: float, state: Array) -> float:
        return float(np.linalg.norm(slope(state))) - rest

    at_rest.terminal = True  # type: ignore[attr-defined]
    # Beside a soft saddle the flow begins more slowly than that.
    at_rest.direction = -1.0  # type: ignore[attr-defined]
    found = solve_ivp(
        speed,
        (0.0, _LONGEST),
        np.append(start, 0.0),
        method="LSODA",
        rtol=_STEP,
        atol=1e-2 * _STEP,
        events=at_rest,
    )
    rows = np.unique(np.linspace(0, len(found.t) - 1, _SHOWN).round().astype(np.int64))
    points = found.y[:-1, rows].T
    values = np.asarray(objective.value(points)) * known.model.energy
    return points[-1], found.y[-1, rows] * known.model.length, values


CHECKERS = (
    Checker(
        covers={"edge": ("loss", "barrier_from", "barrier_to", "profile")}, run=_check_heights
    ),
    Checker(
        covers={
            "edge": ("kind", "from_id", "to_id", "verified", "permutation",
                     "teacher_permutation", "through_saddle", "profile")
        },
        run=_check_ways,
    ),
)  # fmt: skip
