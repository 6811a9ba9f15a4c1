"""Stored paths of a model: every point on them, every pass, and what is said of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from landtopo.flat.local import DirectionKind
from landtopo.models.connections import PROFILE, FunctionPath
from landtopo.objective import Array
from landtopo.paths.joined import JoinStatus
from landtopo.study.store import NamedPath
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.functions.evidence import FunctionEvidence
from landtopo.study.verification.functions.known import KnownModel
from landtopo.study.verification.functions.points import VALUE
from landtopo.study.verification.functions.ways import ways_from
from landtopo.study.verification.known import Checker
from landtopo.study.verification.paths import EVALUATIONS
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS"]

# Arc lengths are sums of many distances in double precision.
_LENGTH = 1e-9
# What a path passes lies on it to this, relative to the length of the path.
_ON = 1e-6


def _check_path(known: KnownModel, record: Record) -> Iterator[Check]:
    (named,) = record.within
    path = FunctionPath(**record.values)
    compare = known.compare(record)
    yield from compare.equal("model", known.model.name)
    yield from compare.equal("width", known.model.width)
    yield from _ends(known, compare, path, named)
    yield from _points(known, compare, path)
    yield from _steps(known, compare, path)
    yield from _whole(known, compare, path)


def _rests(known: KnownModel, x: Array, index: int) -> bool:
    """Whether a point is critical, with so many negative eigenvalues."""
    if x.shape != (known.model.size,):
        return False
    point = known.evidence(x)
    norm, error = point.slope
    return norm <= 4.0 * error + 1.01 * point.allowed_slope and point.index == index


def _ends(
    known: KnownModel, compare: Comparison, path: FunctionPath, named: NamedPath
) -> Iterator[Check]:
    """Both ends: minima, the first and last points, and those of the graph that are named."""
    for name, x, place, told in (
        ("start", path.start, 0, named.from_id),
        ("end", path.end, -1, named.to_id),
    ):
        near = [path.minima[place], *([path.points[place]] if path.verified else [])]
        good = _rests(known, x, 0) and all(np.array_equal(x, other) for other in near)
        if good and told in known.graph:
            good = known.evidence(x).is_copy_of(known.node(told))
        shown = "the minimum named, where the path ends"
        yield from compare.claim(name, shown, good, stored=told)


def _points(known: KnownModel, compare: Comparison, path: FunctionPath) -> Iterator[Check]:
    """Values along the path, between its points too, and arc lengths."""
    objective, unit = known.model.shape.objective, known.model.energy
    losses = np.asarray(objective.value(path.points))
    size = unit + float(np.abs(losses).max())
    yield from compare.close("losses", losses, VALUE * size)
    steps = np.linalg.norm(np.diff(path.points, axis=0), axis=1)
    lengths = np.concatenate([[0.0], np.cumsum(steps)])
    close = _LENGTH * max(float(lengths[-1]), known.model.length)
    yield from compare.close("positions", lengths, close)
    same = len(losses) == len(path.losses) and bool(
        np.abs(losses - path.losses).max() <= VALUE * size
        and np.abs(lengths - path.positions).max() <= close
    )
    yield from compare.claim("points", "those of its losses and positions", same,
                             stored=f"{len(path.points)} points")  # fmt: skip
    between = np.asarray(objective.value((path.points[1:] + path.points[:-1]) / 2.0))
    over = float(between.max(initial=-np.inf) - losses.max())
    good = over <= PROFILE * unit + VALUE * size
    yield from compare.claim("points", "no higher between them", good,
                             stored=f"{over:.2g} higher")  # fmt: skip
    if path.verified:
        top = float(losses.max())
        yield from compare.number("highest_loss", top, PROFILE * unit + VALUE * size, power=0)


def _steps(known: KnownModel, compare: Comparison, path: FunctionPath) -> Iterator[Check]:
    """Minima and transition states where the path passes them, and that flows join them."""
    good = len(path.minima) >= 2 and all(_rests(known, x, 0) for x in path.minima)
    yield from compare.claim("minima", "minima", good, stored=f"{len(path.minima)} points")
    if not good:
        return
    minima = [known.evidence(x) for x in path.minima]
    size = known.model.energy + max(abs(point.loss) for point in minima)
    yield from compare.close("minima_losses", [point.loss for point in minima], VALUE * size)
    states = [known.evidence(state.x) for state in path.transition_states]
    # Flat steps lead along a set of minima, and over nothing.
    steps = [(one, other) for one, other in pairwise(minima) if not one.is_at(other)]
    joined = len(states) == len(steps) and all(
        _on(known, path, state) and _joins(known, state, ends)
        for state, ends in zip(states, steps, strict=True)
    )
    on = all(_on(known, path, point) for point in minima) or not path.verified
    yield from compare.claim("minima", "on the path", on, stored=f"{len(minima)} points")
    for name in ("transition_states", "verified"):
        good = joined or not path.verified
        yield from compare.claim(name, "one that joins each minimum to the next", good,
                                 stored=f"{len(states)} points")  # fmt: skip
    yield from compare.claim("met", "transition states",
                             all(_rests(known, x, 1) for x in path.met),
                             stored=f"{len(path.met)} points")  # fmt: skip


def _on(known: KnownModel, path: FunctionPath, point: FunctionEvidence) -> bool:
    """Whether the path passes a point, which may be moved along the gauge."""
    align, x = known.model.shape.gauge.align, point.inside
    points = path.points / known.model.length
    nearest = int(np.argmin(np.abs(path.losses - point.loss)))
    near = [points[nearest], *points[np.argsort(np.linalg.norm(points - x, axis=1))[:3]]]
    apart = min(float(np.linalg.norm(align(x, one) - one)) for one in near)
    return apart <= _ON * (1.0 + float(path.positions[-1]) / known.model.length)


def _joins(
    known: KnownModel, state: FunctionEvidence, ends: tuple[FunctionEvidence, FunctionEvidence]
) -> bool:
    """Whether one flow from a state ends in each of two labelled minima."""
    if state.index != 1:
        return False
    ways = [[known.evidence(end) for end in way.ends] for way in ways_from(known, state)]
    return any(
        all(any(one.is_at(end) for one in side) for side, end in zip(turn, ends, strict=True))
        for turn in (ways, ways[::-1])
    )


def _whole(known: KnownModel, compare: Comparison, path: FunctionPath) -> Iterator[Check]:
    wanted = path.status == JoinStatus.CONNECTED.value
    yield from compare.equal("verified", wanted)
    if not path.verified:
        yield from compare.claim("highest_loss", "infinite", path.highest_loss == math.inf)
    yield from compare.claim(
        "status", "a sentence of the search", path.status in {one.value for one in JoinStatus}
    )
    for name, value in (("bands", path.bands), ("seed", path.seed)):
        yield from compare.claim(name, "an integer >= 0", type(value) is int and value >= 0)
    good = math.isfinite(path.seconds) and path.seconds >= 0
    yield from compare.claim("seconds", "a time", good)
    yield from compare.claim("evaluations", "counts", True, stored="counts")


def _check_flat(known: KnownModel, record: Record) -> Iterator[Check]:
    """What null directions are, by places beside the point that the value leads back to."""
    compare, stored = known.compare(record), record.values
    x = np.asarray(stored["coordinates"], dtype=np.float64)
    norm, error = known.evidence(x).slope
    rests = norm <= 4.0 * error + 1.01 * known.evidence(x).allowed_slope
    yield from compare.claim("coordinates", "a critical point", rests, stored=f"{norm:.3g}")
    point = known.evidence(x)
    yield from compare.number("loss", point.loss, VALUE * (known.model.energy + abs(point.loss)),
                              power=0)  # fmt: skip
    yield from compare.equal("nullity", point.nullity)
    yield from compare.equal("gauge", point.gauge)
    told = stored["flat_dimension"]
    good = isinstance(told, int) and 0 <= told <= point.nullity
    # Where all null directions are flat, the value leads back along all of them.
    good = good and (told == point.nullity) == (point.nullity == 0 or point.is_flat)
    yield from compare.claim("flat_dimension", "as the value leads back", good)
    kinds = [str(kind) for kind in stored["directions"]]
    good = (
        len(kinds) == point.nullity + point.gauge
        and kinds.count(str(DirectionKind.GAUGE)) == point.gauge
        and kinds.count(str(DirectionKind.FLAT)) == told
        and set(kinds) <= {str(kind) for kind in DirectionKind}
    )
    yield from compare.claim("directions", "a kind for each null direction", good)
    told = stored["disagreements"]
    good = isinstance(told, list) and all(isinstance(one, str) for one in told)
    yield from compare.claim("disagreements", "sentences", good)


_FORM = ("bands", "seconds", "seed", "status")
_PATH: tuple[Any, ...] = (
    "model", "width", "start", "end", "points", "positions", "losses", "minima", "minima_losses",
    "transition_states", "highest_loss", "verified", "evaluations", "met", *_FORM,
)  # fmt: skip
_FLAT = ("loss", "flat_dimension", "nullity", "gauge", "directions", "disagreements", "coordinates")

CHECKERS = (
    Checker(covers={"FunctionPath": _PATH}, run=_check_path, form={"FunctionPath": _FORM}),
    Checker(covers={"FlatDirections": _FLAT}, run=_check_flat,
            form={"FlatDirections": ("disagreements",)}),
    EVALUATIONS,
)  # fmt: skip
