"""How often a family was met, recounted from the attempts that are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.points.records import Attempts, Status
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.intervals import coverage_of, interval_like
from landtopo.study.verification.known import Checker, Known, Stored
from landtopo.study.verification.leaves import compare_leaves
from landtopo.study.verification.readings import same_network
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "compare_start_search", "counted", "labels_of", "source_of"]

# Of intervals: roots of a quadratic equation in double precision.
_ENDS = 1e-9


def counted(known: Known, width: int, source: str, name: str) -> int:
    """Attempts of a stored search that ended in a family of the graph."""
    attempts, point = known.attempts(width, source), known.node(name)
    total = 0
    for label, rows in labels_of(attempts).items():
        end = np.asarray(attempts.weights[rows[0]])
        if label >= 0 and same_network(known.evidence(end), point):
            total += len(rows)
    return total


def labels_of(attempts: Attempts) -> dict[int, NDArray[np.int64]]:
    """Rows of each label that attempts have for the family in which they ended."""
    found = np.unique(attempts.family[attempts.family >= 0]).tolist()
    return {label: np.flatnonzero(attempts.family == label) for label in found}


def source_of(known: Stored, width: int) -> str | None:
    """The stored search behind the counts of the graph at a width, if it is stored."""
    asked = known.graph.graph.get("start_search", {}).get(str(width), {})
    source = f"{asked.get('method')} from {asked.get('init')}"
    return source if (width, source) in known.searches else None


def _check_node(known: Known, record: Record) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    width = len(stored["weights"])
    source = source_of(known, width)
    total = int(known.graph.graph.get("starts", {}).get(str(width), 0))
    count = int(stored.get("count", 0))
    if source is not None:
        count = counted(known, width, source, record.name)
        total = len(known.attempts(width, source))
        yield from compare.equal("count", count)
    if total:
        yield from compare.number("share", count / total, 1e-12, power=0)
        names = ("share_low", "share_high")
        ends = interval_like((stored.get(names[0]), stored.get(names[1])), count, total)
        for name, end in zip(names, ends, strict=True):
            yield from compare.number(name, end, _ENDS, power=0)
    yield from _reachability(known, record, width)


def _reachability(known: Known, record: Record, width: int) -> Iterator[Check]:
    """The latest runs of this width."""
    compare = known.compare(record)
    names = ("reachability", "reachability_low", "reachability_high")
    sources = [label for at, label in known.study.searches("reachability") if at == width]
    if not sources:
        for name in names:
            if name in record.values:
                yield from compare.claim(name, "no runs are stored", False)
        return
    runs = len(known.attempts(width, sources[-1]))
    count = counted(known, width, sources[-1], record.name)
    told = (record.values.get(names[1]), record.values.get(names[2]))
    wanted = (count / runs, *interval_like(told, count, runs))
    for name, value in zip(names, wanted, strict=True):
        yield from compare.number(name, value, _ENDS, power=0)


def _check_graph(known: Known, record: Record) -> Iterator[Check]:
    """What the graph says of the starts of each width."""
    compare, stored = known.compare(record), record.values
    nodes = known.graph.nodes
    sources = {}
    for text, starts in stored.get("starts", {}).items():
        width = int(text)
        counts = [int(nodes[name].get("count", 0)) for name in known.nodes_at(width)]
        source = source_of(known, width)
        asked = [label for at, label in known.study.searches("minima") if at == width]
        if source is None and asked:
            for field in ("method", "init"):
                said = stored["start_search"].get(text, {}).get(field)
                yield from compare.claim(
                    f"start_search.{text}.{field}", " or ".join(asked), False, stored=said
                )
        if source is None:
            done = sum(stored["start_search"].get(text, {}).get("outcomes", {}).values())
            yield from compare.claim("starts", done, done == starts, stored=starts)
        else:
            attempts = known.attempts(width, source)
            counts = [len(rows) for rows in labels_of(attempts).values()]
            yield from compare.claim(
                "starts", len(attempts), len(attempts) == starts, stored=starts
            )
            yield from compare_start_search(known, known.compare(record), record, width, source)
        if text in stored.get("coverage", {}):
            wanted = coverage_of([count for count in counts if count], stored["coverage"][text])
            yield from compare_leaves(compare, f"coverage.{text}", stored["coverage"][text], wanted)
    for width, source in known.study.searches("reachability"):
        runs = len(known.attempts(width, source))
        if known.nodes_at(width):
            sources[str(width)] = f"{source}, {runs} runs"
    if sources or "reachability" in stored:
        yield from compare_leaves(compare, "reachability", stored.get("reachability", {}), sources)


def compare_start_search(
    known: Stored, compare: Comparison, record: Record, width: int, source: str
) -> Iterator[Check]:
    """What a graph says of a stored search for minima."""
    text = str(width)
    attempts = known.attempts(width, source)
    asked = known.asked(width, source)
    wanted: dict[str, Any] = {
        name: asked[name]
        for name in ("method", "init", "tolerance", "limit", "stopped_by")
        if name in asked
    }
    ends = [status.name.lower() for status in attempts.status]
    wanted["outcomes"] = {
        status.name.lower(): ends.count(status.name.lower())
        for status in Status
        if status.name.lower() in ends
    }
    names = ("kind", "loss", "count", "index", "nullity", "description", "reason")
    wanted["others"] = [
        {name: family.record()[name] for name in names}
        for family in known.families(width, source)
        if str(family.point.kind) != "minimum"
    ]
    stored = record.values["start_search"].get(text, {})
    yield from compare_leaves(compare, f"start_search.{text}", stored, wanted)


_SHARES = ("count", "share", "share_low", "share_high")
_REACHED = ("reachability", "reachability_low", "reachability_high")

CHECKERS = (
    Checker(covers={"node": (*_SHARES, *_REACHED)}, run=_check_node),
    Checker(
        covers={"graph": ("starts", "start_search", "coverage", "reachability")}, run=_check_graph
    ),
)
