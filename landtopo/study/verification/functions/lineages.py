"""What becomes of minima over a parameter: slow flows from one value to the next.

A continuation follows a branch by its tangents. Here the parameter goes on in many small steps, and
at each the flow of a standard integrator leads to rest: where the branch of minima ends, the flow
leaves it by itself, after a push where symmetry would hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from landtopo.eigen import eigh
from landtopo.landscape.schema import LINEAGE
from landtopo.models.continuation import CONTINUES, FLAT, FOLD, MERGES, TURNS
from landtopo.models.parameter import RungModel
from landtopo.objective import Array, Objective
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.functions.evidence import FunctionEvidence
from landtopo.study.verification.functions.known import KnownModel, is_line
from landtopo.study.verification.functions.searches import made_again
from landtopo.study.verification.known import Checker
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS"]

# Steps of the parameter, and of it beyond an event. Of flows, in units of the model: the slope at
# rest, the push, and the tolerance of steps.
_STEPS = 24
_REST = 1e-6
_PUSH = 1e-3
_STEP = 1e-8
_LONGEST = 1e7
_EVENTS = (MERGES, TURNS, FOLD, FLAT)
# Where a branch ends, the smallest curvature is at most this part of that at the value before.
_SOFT = 0.05


def _check_rung(known: KnownModel, record: Record) -> Iterator[Check]:
    rung, compare = known.model, known.compare(record)
    yield from compare.equal("width", rung.width)
    yield from compare.equal("parameter", rung.value if isinstance(rung, RungModel) else None)


def _check_line(known: KnownModel, record: Record) -> Iterator[Check]:
    stored, rung = record.values, known.model
    if not is_line(record) or not isinstance(rung, RungModel) or rung.stage == 1:
        return
    compare = known.compare(record)
    yield from compare.equal("kind", LINEAGE)
    good = stored["id"] == record.name and str(stored["id"])[:1] == "l"
    yield from compare.claim("id", f"{record.name}, of a lineage", good)
    yield from _repeated(known, compare, record)
    below, first = known.at(rung.stage - 1), stored["from_id"]
    for name, one, where in (("from_id", below, "before"), ("to_id", known, "here")):
        if stored[name] not in one.graph:
            yield from compare.claim(name, f"a minimum at the value {where}", False)
            return
    words = stored["operation"].split(", then ")
    continues = words == [CONTINUES]
    known_words = continues or set(words) <= set(_EVENTS)
    yield from compare.claim("operation", "words for events", known_words)
    yield from compare.equal("fate", "stays" if set(words) <= {CONTINUES, MERGES} else "flows")
    start = below.evidence(below.graph.nodes[first]["coordinates"])
    between = () if continues else (stored.get("parameter_low"), stored.get("parameter_high"))
    ends = known.memory.get(
        ("slow flows", rung.name, start.x.tobytes(), between), lambda: _ends(rung, start, between)
    )
    same = any(known.evidence(end).is_copy_of(known.node(stored["to_id"])) for end in ends)
    for name in ("from_id", "to_id"):
        yield from compare.claim(name, "where a slow flow ends", same, stored=stored[name])
    yield from _shares(compare, stored)
    low: Any = stored.get("parameter_low")
    high: Any = stored.get("parameter_high")
    if continues:
        good = low is None and high is None
        yield from compare.claim("operation", "an event with its values", good)
        return
    values = sorted((rung.family.values[rung.stage - 2], rung.value))
    good = low is not None and high is not None and values[0] <= low <= high <= values[1]
    good = good and abs(high - low) <= 1e-4 * (values[1] - values[0])
    good = good and (start.nullity > 0 or _softened(rung, start, between))
    for name in ("parameter_low", "parameter_high"):
        yield from compare.claim(name, "values about the end of the branch", good)


def _repeated(known: KnownModel, compare: Comparison, record: Record) -> Iterator[Check]:
    """The line as the pieces of work make it again."""
    graph = made_again(known)
    rows = {} if graph is None else {data["id"]: data for data in graph.edges.values()}
    for name, value in rows.get(record.name, {}).items():
        yield from compare.equal(name, value)


def _shares(compare: Comparison, stored: Mapping[str, Any]) -> Iterator[Check]:
    """Parts of the descents that were followed."""
    part = stored["fraction"] * stored.get("directions", 1)
    good = 0.0 < stored["fraction"] <= 1.0 and abs(part - round(part)) < 1e-9
    yield from compare.claim("fraction", "a part of the descents", good)
    yield from compare.equal("followed", stored.get("directions"))


def _values(rung: RungModel, between: tuple[Any, ...]) -> list[float]:
    """Values of the parameter from the one before, in order, those about an event among them."""
    first, last = rung.family.values[rung.stage - 2], rung.value
    steps = {*np.linspace(first, last, _STEPS + 1)[1:].tolist(), last}
    known = {value for value in between if value is not None and first != value}
    inside = {value for value in known if min(first, last) <= value <= max(first, last)}
    return sorted(steps | inside, reverse=first > last)


def _softened(rung: RungModel, start: FunctionEvidence, between: tuple[Any, ...]) -> bool:
    """Whether a curvature has nearly vanished where a branch is said to end."""
    first = between[0] if rung.value > rung.family.values[rung.stage - 2] else between[1]
    x = start.x / rung.length
    before = _softest(rung.at(rung.family.values[rung.stage - 2]), x)[0]
    for value in _values(rung, between):
        if (value - first) * (rung.value - first) > 0.0:
            break
        x = _rest(rung.at(value), x)
        here = _softest(rung.at(value), x)[0]
    return abs(here) <= _SOFT * before


def _ends(rung: RungModel, start: FunctionEvidence, between: tuple[Any, ...]) -> list[Array]:
    """Where slow flows end at the value of a rung, pushed to either side; in its own units."""
    ends = []
    for side in (_PUSH, -_PUSH):
        x = start.x / rung.length
        for value in _values(rung, between):
            objective = rung.at(value)
            x = _rest(objective, x + side * _softest(objective, x)[1])
        ends.append(rung.strata.judge(x).x * rung.length)
    return ends


def _softest(objective: Objective, x: Array) -> tuple[float, Array]:
    """The smallest curvature and its direction, continuous symmetries left out."""
    gauge = objective.gauge(x)
    values, vectors = eigh(objective.hessian(x) + 1e6 * gauge.T @ gauge)
    return float(values[0]), vectors[:, 0]


def _rest(objective: Objective, start: Array) -> Array:
    """Where the flow dx/dt = -grad comes to rest."""

    def slope(_: float, x: Array) -> Array:
        return -np.asarray(objective.value_and_gradient(x)[1])

    def at_rest(time: float, x: Array) -> float:
        return float(np.linalg.norm(slope(time, x))) - _REST

    at_rest.terminal = True  # type: ignore[attr-defined]
    at_rest.direction = -1.0  # type: ignore[attr-defined]
    found = solve_ivp(slope, (0.0, _LONGEST), start, method="LSODA", rtol=_STEP, atol=1e-10,
                      events=at_rest)  # fmt: skip
    return np.asarray(found.y[:, -1])


_LINE = ("id", "kind", "from_id", "to_id", "operation", "fate", "fraction", "directions",
         "followed", "parameter_low", "parameter_high")  # fmt: skip

CHECKERS = (
    Checker(covers={"node": ("width", "parameter")}, run=_check_rung),
    Checker(covers={"edge": _LINE}, run=_check_line),
)
