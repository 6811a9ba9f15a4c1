"""Bookkeeping of the graph, made again from the finished pieces that the study keeps.

How often a pass was met, how searches ended and what found a thing first have no formula; they
follow from the pieces of work. These are put together again, without any search: as soon as a piece
is missing, nothing can be said, and the form of the values has to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import networkx as nx
import numpy as np

from landtopo.errors import LandtopoError
from landtopo.landscape.build import landscape_graph
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.schema import LINEAGE
from landtopo.points.coverage import estimate_coverage
from landtopo.study.store import Study
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.known import Checker, Known
from landtopo.study.verification.leaves import compare_leaves
from landtopo.study.verification.readings import same_network
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "KeptPieces", "MissingPieceError", "compare_search_form"]

# Two passes of one pair of families are the same if they are equally high to this.
_SAME_HEIGHT = 1e-9
# Of fractions: counts over counts.
_SAME_FRACTION = 1e-12


class MissingPieceError(Exception):
    """A piece of work that the study does not keep."""


class KeptPieces:
    """A journal that is only read."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def recall(self, key: str) -> Any:
        """What the study keeps; a piece that it does not keep is missed."""
        value = self._study.recall(key)
        if value is None:
            raise MissingPieceError
        return value

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Nothing is computed here."""
        raise MissingPieceError


def _replayed(known: Known) -> nx.MultiGraph[str] | None:
    """The graph as the pieces make it, or None where some are missing."""
    study, asked = known.study, known.graph.graph
    starts = set(asked.get("starts", {}).values())
    inits = {one.get("init") for one in asked.get("start_search", {}).values()}
    if len(starts) != 1 or len(inits) != 1:
        return None
    try:
        return landscape_graph(
            study.teacher,
            sorted(int(text) for text in asked["starts"]),
            starts=starts.pop(),
            seed=study.seed,
            dim=study.dim,
            init=str(inits.pop()),
            options=_options(study),
            journal=KeptPieces(study),
        )
    except (MissingPieceError, LandtopoError):
        return None


def _options(study: Study) -> ExploreOptions:
    """What the last command that made a graph was asked for beside these."""
    made = [entry.options for entry in study.sessions() if entry.command == "graph"]
    asked = made[-1] if made else {}
    return ExploreOptions(blocks=asked["blocks"]) if "blocks" in asked else ExploreOptions()


def _again(known: Known) -> nx.MultiGraph[str] | None:
    key = ("replay", known.study.teacher.vectors.tobytes(), tuple(known.study.steps()))
    asked = known.graph.graph
    settings = (
        str(asked.get("starts")),
        str(asked.get("start_search")),
        known.study.seed,
        _options(known.study).blocks,
    )
    return known.memory.get((*key, *settings), lambda: _replayed(known))


def _check_node(known: Known, record: Record) -> Iterator[Check]:
    again = _again(known)
    if again is None:
        return
    compare = known.compare(record)
    for data in again.nodes.values():
        weights = np.asarray(data["weights"])
        if len(weights) == len(record.values["weights"]) and same_network(
            known.evidence(weights), known.node(record.name)
        ):
            yield from compare.equal("found_by", data["found_by"])
            yield from compare.equal("count", data["count"])


def _check_edge(known: Known, record: Record) -> Iterator[Check]:
    again = _again(known)
    stored = record.values
    if again is None:
        return
    names = _names(known, again)
    ends = {stored["from_id"], stored["to_id"]}
    alike = [
        data
        for data in again.edges.values()
        if {names.get(data["from_id"]), names.get(data["to_id"])} == ends
        and data["kind"] == stored["kind"]
    ]
    if stored["kind"] == LINEAGE:
        yield from _line(known, record, alike)
    else:
        yield from _pass(known, record, alike)


def _line(known: Known, record: Record, alike: list[Any]) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    lines = [data for data in alike if data["operation"] == stored["operation"]]
    split = sorted({data["neuron"] for data in lines if "neuron" in data})
    if "neuron" in stored and lines:
        yield from compare.claim("neuron", f"one of {split}", stored["neuron"] in split)
    for data in lines:
        if data.get("neuron") == stored.get("neuron"):
            yield from compare.number("fraction", data["fraction"], _SAME_FRACTION, power=0)
            for name in ("directions", "followed"):
                if name in data:
                    yield from compare.equal(name, data[name])


def _pass(known: Known, record: Record, alike: list[Any]) -> Iterator[Check]:
    """How often a pass was met, and which of many true numberings was chosen for a flat way."""
    compare, stored = known.compare(record), record.values
    near = _SAME_HEIGHT * compare.scale(2)
    passes = [data for data in alike if abs(data["loss"] - stored["loss"]) <= near]
    names = ["times_met", "found_by"]
    if stored["kind"] == "flat":
        names += ["permutation", "teacher_permutation"]
    for name in names:
        values = [data[name] for data in passes]
        if values:
            shown = " or ".join(map(str, values))
            yield from compare.claim(name, shown, stored.get(name) in values)


def _names(known: Known, again: nx.MultiGraph[str]) -> dict[str, str]:
    """Name in the stored graph of every family of the one made again."""

    def make() -> dict[str, str]:
        found = {}
        for name, data in again.nodes.items():
            stored = known.family_of(known.evidence(np.asarray(data["weights"])))
            if stored is not None:
                found[name] = stored
        return found

    nodes = tuple(np.asarray(data["weights"]).tobytes() for data in known.graph.nodes.values())
    return known.memory.get(("names", id(again), nodes), make)


def _check_form(known: Known, record: Record) -> Iterator[Check]:
    """A pass was met by a search, and by no more than all of them."""
    stored = record.values
    if stored["kind"] == LINEAGE:
        return
    times = stored.get("times_met")
    width = known.node(record.within[0]).width
    searched = known.graph.graph.get("transition_search", {}).get(str(width), {})
    total = sum(sum(ends.values()) for ends in searched.get("outcomes", {}).values())
    good = isinstance(times, int) and 1 <= times <= max(total, 1)
    yield from known.compare(record).claim("times_met", f"1 to {total}", good)


def _check_searches(known: Known, record: Record) -> Iterator[Check]:
    stored, compare = record.values, known.compare(record)
    again = _again(known)
    for text, one in stored.get("transition_search", {}).items():
        name = f"transition_search.{text}"
        if again is not None and text in again.graph["transition_search"]:
            wanted = again.graph["transition_search"][text]
            yield from compare_leaves(compare, name, one, wanted)
        yield from compare_search_form(compare, name, one)


def compare_search_form(
    compare: Comparison, name: str, stored: Mapping[str, Any]
) -> Iterator[Check]:
    """Counts, the estimates that follow from some of them, and the sentence about the end."""
    counts = [count for ends in stored["outcomes"].values() for count in ends.values()]
    good = all(isinstance(count, int) and count > 0 for count in counts)
    yield from compare.claim(f"{name}.outcomes", "counts", good, stored="outcomes")
    coverage = stored["coverage"]
    once, twice = coverage["singletons"], coverage["doubletons"]
    others = coverage["families"] - once - twice
    rest = coverage["starts"] - once - 2 * twice
    if others >= 0 and rest >= 3 * others:
        # Any sample with these numbers gives the same estimates.
        sample = [1] * once + [2] * twice + [3] * (others - 1) + [rest - 3 * (others - 1)] * (
            others > 0
        )  # fmt: skip
        wanted = estimate_coverage(sample).record()
        for field in ("starts", "families", "coverage", "expected_new", "richness"):
            if field in wanted:
                yield from compare_leaves(
                    compare, f"{name}.coverage.{field}", coverage.get(field), wanted[field]
                )
    else:
        yield from compare.claim(f"{name}.coverage", "counts of one sample", False, stored="counts")
    said = str(stored["idle"]) in str(stored["stopped"])
    yield from compare.claim(
        f"{name}.stopped",
        f"a sentence about {stored['idle']} climbs",
        said,
        stored=stored["stopped"],
    )


CHECKERS = (
    Checker(covers={"node": ("found_by", "count")}, run=_check_node),
    Checker(
        covers={
            "edge": (
                "times_met",
                "found_by",
                "permutation",
                "teacher_permutation",
                "neuron",
                "fraction",
                "directions",
                "followed",
            )
        },
        run=_check_edge,
    ),
    Checker(covers={"edge": ("times_met",)}, run=_check_form),
    Checker(covers={"graph": ("transition_search",)}, run=_check_searches),
)
