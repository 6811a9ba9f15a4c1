"""Transitions of the graph: their heights, where the flow takes them, and how their ends lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product

import numpy as np
from scipy.interpolate import PchipInterpolator

from landtopo.landscape.schema import LINEAGE
from landtopo.objective import Array
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.corners import ways_over
from landtopo.study.verification.descents import Descent, both_ways
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.flats import check_flat
from landtopo.study.verification.known import Checker, Known, weights_of
from landtopo.study.verification.relations import (
    Renumbering,
    end_families,
    landing,
    lies_at,
    permutations_to,
    point_graph,
    same_sets,
)
from landtopo.study.verification.spectra import LOSS
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS"]

# Parts of the height and of the length of a way. Arc lengths of a search are those of straight
# pieces; to flat ends the flow comes so slowly that both stop at some distance of the end.
_PROFILE = 5e-3
_LENGTH = 2e-2
# Modes of a saddle along which flows are sent on from it: at first, and if that does not do.
_MODES = (1, 4)


def _check_heights(known: Known, record: Record) -> Iterator[Check]:
    """Barriers, and the highest loss of the profile."""
    stored = record.values
    if stored["kind"] == LINEAGE:
        return
    compare = known.compare(record)
    ends = [known.node(stored[f"{side}_id"]) for side in ("from", "to")]
    weights = weights_of(record)
    highest = max(end.loss for end in ends)
    if weights is None:
        yield from _flat_height(ends, highest, compare)
    else:
        highest = max(highest, known.evidence(weights).loss)
    for side, end in zip(("from", "to"), ends, strict=True):
        yield from compare.number(f"barrier_{side}", highest - end.loss, LOSS)
    profile = np.asarray(stored.get("profile", np.empty((0, 2))))
    if profile.size:
        top = float(profile[:, 1].max())
        yield from compare.claim(
            "profile", f"a highest loss of {highest:.17g}", abs(top - highest) <= LOSS
            * compare.scale(2), stored=f"{top:.17g}",
        )  # fmt: skip


def _flat_height(ends: list[Evidence], highest: float, compare: Comparison) -> Iterator[Check]:
    """A flat way is as high as its ends, and no higher than what rounding leaves of zero."""
    zero = all(end.is_zero for end in ends)
    size = max(float(np.sum(end.weights**2)) for end in ends)
    allowed = 1e-24 * size / compare.scale(2) if zero else LOSS
    yield from compare.number("loss", highest, allowed)


def _check_ways(known: Known, record: Record) -> Iterator[Check]:
    """Both flows from the transition state, and the relation of the minima in which they end."""
    stored = record.values
    if stored["kind"] == LINEAGE:
        return
    compare = known.compare(record)
    if stored["kind"] == "flat":
        yield from check_flat(known, record)
        return
    weights = weights_of(record)
    if weights is None:
        return
    problem = known.problem(len(weights))
    wanted = (stored["from_id"], stored["to_id"])
    if stored["kind"] == "corner":
        key = ("over corner", weights.tobytes(), weights.shape)
        reached = known.memory.get(key, lambda: ways_over(problem, weights))
        found = set().union(*(end_families(known, way) for way in reached))
        yield from _families(compare, wanted, set(wanted) <= found, " or ".join(sorted(found)))
        return
    # One push of a flow that symmetry made end in a saddle leads to one of several families there.
    for modes in _MODES:
        flows = ("both ways", weights.tobytes(), weights.shape, modes)
        ways = known.memory.get(flows, partial(both_ways, problem, weights, modes))
        names = [end_families(known, way) for way in ways]
        turns = [
            turn
            for turn, sides in ((ways, names), (ways[::-1], names[::-1]))
            if all(end in side for end, side in zip(wanted, sides, strict=True))
        ]
        if turns or all(way.saddle is None for way in ways):
            break
    shown = " and ".join(" or ".join(sorted(side)) for side in names)
    yield from _families(compare, wanted, bool(turns), shown)
    yield from compare.equal("through_saddle", any(way.saddle is not None for way in ways))
    if turns:
        yield from _relation(known, record, turns)
        yield from _profile(compare, turns, known.evidence(weights).loss)


def _families(
    compare: Comparison, wanted: tuple[str, str], agree: bool, found: str
) -> Iterator[Check]:
    for side, name in zip(("from_id", "to_id"), wanted, strict=True):
        yield from compare.claim(side, name if agree else found, agree, stored=name)
    yield from compare.equal("verified", agree)
    if not agree:
        yield from compare.claim("kind", found, False)


def _relation(
    known: Known, record: Record, turns: Sequence[tuple[Descent, Descent]]
) -> Iterator[Check]:
    """The way leads from the first family's representative to this copy of the second's."""
    stored, compare = record.values, known.compare(record)
    first, second = (known.node(stored[f"{side}_id"]) for side in ("from", "to"))
    texts = stored["permutation"], stored["teacher_permutation"]
    renumbering = Renumbering.parsed(*texts, second.width, len(second.frame))
    names = ("permutation", "teacher_permutation")
    if renumbering is None:
        for name in names:
            yield from compare.claim(name, "a permutation", False)
        return
    if "cycle_type" not in stored:
        yield from compare.equal("permutation", "()")
        agree = _flat_ends(known, turns, first, second, renumbering)
        yield from compare.claim("teacher_permutation", "flat sets that lie so", agree)
        return
    here, there = point_graph(first.weights, first), renumbering.copy_of(second)
    near = [turn for turn in turns if lies_at(turn[0], here, first)]
    agree = any(lies_at(turn[1], there, second) for turn in near)
    if not agree and any(point.width > len(point.parts.groups) for point in (first, second)):
        # On a flat set the flow comes to rest near the point that the search found.
        agree = _flat_ends(known, turns, first, second, renumbering)
    found = texts
    if not agree:
        turn = (near or turns)[0]
        found = permutations_to(turn[1].ends[0], second, renumbering)
        if not near:
            found = ("none: no flow ends at the representative of the first family",) * 2
    for name, text in zip(names, found, strict=True):
        yield from compare.claim(name, text, agree)


def _flat_ends(
    known: Known,
    turns: Sequence[tuple[Descent, Descent]],
    first: Evidence,
    second: Evidence,
    renumbering: Renumbering,
) -> bool:
    """Whether the flows end on sets that lie as those of the first and the turned second do."""
    return any(
        same_sets(
            (landing(known, one)[1], landing(known, other)[1]), first, second, renumbering.teachers
        )
        for turn in turns
        for one, other in product(turn[0].ends, turn[1].ends)
    )


def _profile(
    compare: Comparison, turns: Sequence[tuple[Descent, Descent]], height: float
) -> Iterator[Check]:
    """Loss against arc length on both sides of the top, up to the first rest of each flow."""
    profile = np.asarray(compare.values.get("profile", np.empty((0, 2))))
    if not profile.size:
        return
    top = int(np.argmax(profile[:, 1]))
    sides = (profile[top::-1], profile[top:])
    best = min(
        max(_apart(side, way, height) for side, way in zip(sides, turn, strict=True))
        for turn in turns
    )
    shown = f"apart by {best:.2g}"
    yield from compare.claim(
        "profile", f"that of the flow to {_PROFILE:g}", best <= _PROFILE, stored=shown
    )


def _apart(side: Array, way: Descent, height: float) -> float:
    """How far one side of a profile is from a flow, relative to its height and its length."""
    lengths, losses = np.abs(side[:, 0] - side[0, 0]), side[:, 1]
    if np.any(np.diff(lengths) <= 0) and len(lengths) > 1:
        return float("inf")
    curve = PchipInterpolator(np.append(0.0, way.lengths), np.append(height, way.losses))
    known = lengths <= way.lengths[-1]
    depth = max(height - float(way.losses[-1]), 1e-300)
    apart = float(np.abs(losses[known] - curve(lengths[known])).max(initial=0.0)) / depth
    if way.saddle is not None:
        return apart
    longer = abs(float(lengths[-1]) - float(way.lengths[-1])) / float(way.lengths[-1])
    return max(apart, longer * _PROFILE / _LENGTH)


CHECKERS = (
    Checker(covers={"edge": ("loss", "barrier_from", "barrier_to", "profile")}, run=_check_heights),
    Checker(
        covers={
            "edge": (
                "kind",
                "from_id",
                "to_id",
                "verified",
                "permutation",
                "teacher_permutation",
                "through_saddle",
                "profile",
            )
        },
        run=_check_ways,
    ),
)
