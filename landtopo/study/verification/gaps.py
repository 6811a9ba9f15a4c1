"""The gap of a family, told by the graph and by the search that found it.

Where curvatures vanish, the gap has their rounding below the line, which no other route gives
again. The search and the graph store it each for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from landtopo.study.verification.checks import Check
from landtopo.study.verification.known import Checker, Known, weights_of
from landtopo.study.verification.readings import same_network
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS"]

# Copies of one number.
_SAME = 1e-9


def _check(known: Known, record: Record) -> Iterator[Check]:
    if record.values.get("gap") is None:
        return
    point = known.evidence(weights_of(record))
    others: list[tuple[Any, float | None]] = []
    if record.kind == "node":
        for width, source in known.study.searches("minima"):
            if width == point.width:
                found = known.families(width, source)
                others += [(family.weights, family.point.gap) for family in found]
    elif record.within[0] == "search" and record.within[1:] in known.study.searches("minima"):
        nodes = known.graph.nodes
        for name in known.nodes_at(point.width):
            others.append((nodes[name]["weights"], nodes[name].get("gap")))
    for weights, gap in others:
        other = known.evidence(np.asarray(weights))
        alike = np.allclose(
            np.sort(np.linalg.norm(other.weights, axis=1)),
            np.sort(np.linalg.norm(point.weights, axis=1)),
            rtol=1e-9,
            atol=0.0,
        )
        if gap is not None and alike and same_network(point, other):
            yield from known.compare(record).number("gap", gap, _SAME * abs(gap), power=0)


CHECKERS = (Checker(covers={"node": ("gap",), "CriticalPoint": ("gap",)}, run=_check),)
