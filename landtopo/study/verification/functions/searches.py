"""Stored searches of a model, ids and counts of the graph, and the model itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np

from landtopo.errors import LandtopoError
from landtopo.landscape.build import landscape_graph
from landtopo.landscape.gathered import SOURCES, gathered
from landtopo.landscape.one_rung import graph_at
from landtopo.landscape.schema import FORMAT_VERSION, MODEL, PARAMETER, STUDENTS, SYMMETRY
from landtopo.models.kept import kept_model
from landtopo.models.origin import Origin, is_same, origin_of
from landtopo.models.parameter import CONTINUATION, ParameterModels
from landtopo.points.records import Attempts, Status
from landtopo.study.findings import findings_of
from landtopo.study.verification.checks import Check
from landtopo.study.verification.counts import compare_start_search, labels_of, source_of
from landtopo.study.verification.functions.known import KnownModel, is_line, place_of
from landtopo.study.verification.functions.points import VALUE
from landtopo.study.verification.intervals import coverage_of, interval_like
from landtopo.study.verification.known import Checker
from landtopo.study.verification.leaves import compare_leaves
from landtopo.study.verification.names import places_of, shown_places
from landtopo.study.verification.provenance import FAILED_PAIRS, SESSION
from landtopo.study.verification.replay import (
    KeptPieces,
    MissingPieceError,
    compare_search_form,
)
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "made_again"]

# Heights closer than this, in units of the model, are tied and in any order.
_TIED = 2e-10
# Of intervals: roots of a quadratic equation in double precision.
_ENDS = 1e-9
_RANDOM, _MODES = "random starts", "soft modes"


def _check_model(known: KnownModel, record: Record) -> Iterator[Check]:
    """The study's model against the one that its name makes today."""
    compare, given = known.compare(record), origin_of(known.subject)
    yield from compare.equal("name", given.name)
    yield from compare.equal("digest", given.digest)
    yield from compare.equal("size", given.size)
    yield from compare.equal("symmetries", given.symmetries)
    yield from compare.equal("parameter", given.parameter)
    same = is_same(Origin(**record.values), given)
    yield from compare.claim("values", "those of the model", same, stored="values at some points")


def _check_attempts(known: KnownModel, record: Record) -> Iterator[Check]:
    stage, source = record.within
    attempts, compare = Attempts(**record.values), known.compare(record)
    asked, families = known.asked(stage, source), _listed(known, stage, source)
    yield from compare.equal("width", known.model.stage)
    yield from compare.equal("source", _RANDOM)
    yield from compare.equal("independent", True)
    starts = np.asarray(attempts.starts)
    good = np.array_equal(starts, np.arange(len(starts)))
    yield from compare.claim("starts", "numbers in order", good, stored=f"{len(starts)} starts")
    converged = np.array([status is Status.CONVERGED for status in attempts.status], dtype=bool)
    labels = np.asarray(attempts.family)
    good = np.array_equal(labels >= 0, converged) and bool(np.all(labels < len(families)))
    for name in ("status", "family"):
        yield from compare.claim(name, "a point for each that converged", good, stored="labels")
    used = np.asarray(attempts.evaluations)
    yield from compare.claim("evaluations", "at least 0", bool(np.all(used >= 0)), stored="numbers")
    if not good:
        return
    for label, rows in labels_of(attempts).items():
        point = known.evidence(attempts.weights[rows[0]])
        name = f"that of {families[label].id}"
        same = point.is_copy_of(known.evidence(families[label].x))
        for field in ("weights", "family"):
            yield from compare.claim(field, name, same, stored=f"the end of start {rows[0]}")
        # What is left of the gradient, to be squared over a curvature that may be soft.
        tolerance = max(float(asked["tolerance"]), point.allowed_slope)
        norms = np.asarray(attempts.grad_norm)[rows]
        good = bool(np.all((norms >= 0.0) & (norms <= 1e3 * tolerance)))
        yield from compare.claim(
            "grad_norm", f"up to {tolerance:.2g}", good, stored=f"{norms.max():.2g}"
        )
        apart = float(np.abs(np.asarray(attempts.loss)[rows] - point.loss).max())
        close = 1e-10 * known.model.energy + VALUE * abs(point.loss)
        yield from compare.claim("loss", f"{point.loss:.17g}", apart <= close,
                                 stored=f"apart by {apart:.2g}")  # fmt: skip


def _listed(known: KnownModel, stage: int, source: str) -> list[Any]:
    """The points of a search as labels count them: what was searched for, then the rest."""

    def place(family: Any) -> tuple[bool, int]:
        return family.id.startswith("other"), int(re.sub(r"\D", "", family.id) or 0)

    return sorted(known.families(stage, source), key=place)


def _check_family(known: KnownModel, record: Record) -> Iterator[Check]:
    stage, source = record.within
    compare, stored = known.compare(record), record.values
    attempts, families = known.attempts(stage, source), known.families(stage, source)
    point = known.evidence(place_of(record))
    same = [
        label for label, rows in labels_of(attempts).items()
        if point.is_copy_of(known.evidence(attempts.weights[rows[0]]))
    ]  # fmt: skip
    yield from compare.equal("count", int(sum(np.sum(attempts.family == label) for label in same)))
    yield from compare.equal("found_by", _RANDOM if same else _MODES)
    kind = "other" if str(stored["id"]).startswith("other") else r"[a-z]+"
    alike = [
        known.evidence(family.x).loss for family in families
        if family.id.startswith("other") == str(stored["id"]).startswith("other")
    ]  # fmt: skip
    places = places_of(point.loss, alike, _TIED * known.model.energy)
    number = re.fullmatch(rf"{kind}(\d+)", str(stored["id"]))
    good = number is not None and int(number[1]) in places
    ids = [family.id for family in families]
    good = good and ids.count(stored["id"]) == 1
    yield from compare.claim("id", f"number {shown_places(places)} by value", good)


def _check_node(known: KnownModel, record: Record) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    point, stage = known.node(record.name), known.model.stage
    heights = [known.node(name).loss for name in known.graph]
    places = places_of(point.loss, heights, _TIED * known.model.energy)
    number = re.fullmatch(rf"{known.model.prefix}min(\d+)", str(stored["id"]))
    good = stored["id"] == record.name and number is not None and int(number[1]) in places
    yield from compare.claim("id", f"{record.name}, number {shown_places(places)} by value", good)
    source = source_of(known, stage)
    if source is None:
        return
    attempts = known.attempts(stage, source)
    count = sum(
        len(rows) for rows in labels_of(attempts).values()
        if point.is_copy_of(known.evidence(attempts.weights[rows[0]]))
    )  # fmt: skip
    yield from compare.equal("count", count)
    yield from compare.number("share", count / len(attempts), 1e-12, power=0)
    names = ("share_low", "share_high")
    told = (stored.get(names[0]), stored.get(names[1]))
    for name, end in zip(names, interval_like(told, count, len(attempts)), strict=True):
        yield from compare.number(name, end, _ENDS, power=0)


def _check_edge(known: KnownModel, record: Record) -> Iterator[Check]:
    if is_line(record):
        return
    compare, stored = known.compare(record), record.values
    height = known.evidence(place_of(record)).loss
    heights = [known.evidence(data["coordinates"]).loss for data in known.graph.edges.values()]
    places = places_of(height, heights, _TIED * known.model.energy)
    number = re.fullmatch(rf"{known.model.prefix}ts(\d+)", str(stored["id"]))
    good = stored["id"] == record.name and number is not None and int(number[1]) in places
    yield from compare.claim("id", f"{record.name}, number {shown_places(places)} by height", good)
    ends = {stored["from_id"], stored["to_id"]} == set(record.within)
    for side in ("from_id", "to_id"):
        yield from compare.claim(side, " or ".join(sorted(record.within)), ends)


def _check_found(known: KnownModel, record: Record) -> Iterator[Check]:
    """What found a thing first, and how often, as the pieces of work make it again."""
    if is_line(record):
        return
    compare, stored = known.compare(record), record.values
    searched = known.graph.graph["transition_search"].get(str(known.model.stage), {})
    names = set(searched.get("outcomes", {})) | ({_RANDOM} if record.kind == "node" else set())
    names |= {SOURCES[0], *(SOURCES[2:]), *([CONTINUATION] if known.model.width else [])}
    yield from compare.claim("found_by", " or ".join(sorted(names)), stored["found_by"] in names)
    times = stored.get("times_met")
    if times is not None:
        total = sum(sum(ends.values()) for ends in searched.get("outcomes", {}).values())
        good = isinstance(times, int) and 1 <= times <= max(total, 1)
        yield from compare.claim("times_met", f"1 to {total}", good)
    again = _again(known)
    if again is None:
        return
    rows = again.nodes if record.kind == "node" else {e["id"]: e for e in again.edges.values()}
    if record.name in rows:
        for name in ("found_by", "times_met"):
            if name in rows[record.name]:
                yield from compare.equal(name, rows[record.name][name])


def _again(known: KnownModel) -> nx.MultiGraph[str] | None:
    """The graph as the pieces make it, at the value of the parameter if it is over one."""
    graph, rung = made_again(known), known.model.width
    return graph if graph is None or rung is None else graph_at(graph, rung)


def made_again(known: KnownModel) -> nx.MultiGraph[str] | None:
    """The graph as the pieces that the study keeps make it, or None where some are missing."""
    starts = known.graph.graph.get("starts", {}).get(str(known.model.stage))

    def made() -> nx.MultiGraph[str] | None:
        try:
            graph = landscape_graph(
                known.subject, starts=starts, seed=known.study.seed, journal=KeptPieces(known.study)
            )
            for model in known.models:
                graph = gathered(graph, kept_model(model), findings_of(known.study, model.stage))
            return graph
        except (MissingPieceError, LandtopoError):
            return None

    key = ("replay of a model", str(known.study.model), starts, known.study.seed)
    return known.memory.get((*key, tuple(known.study.steps())), made)


def _check_graph(known: KnownModel, record: Record) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    stage = str(known.model.stage)
    yield from compare.equal("format_version", FORMAT_VERSION)
    versions = {session.versions.get("landtopo") for session in known.study.sessions()}
    good = stored.get("landtopo_version") in versions
    yield from compare.claim("landtopo_version", " or ".join(sorted(map(str, versions))), good)
    yield from compare.equal(MODEL, known.model.title)
    told = known.subject.attributes if isinstance(known.subject, ParameterModels) else {}
    yield from compare.equal(PARAMETER, told.get(PARAMETER))
    for field in (SYMMETRY, STUDENTS):
        yield from compare.equal(field, known.model.told_symmetry.get(field))
    yield from compare.equal("derivatives", known.subject.derivatives.get("derivatives", "exact"))
    yield from compare.equal("seed", known.study.seed)
    source = source_of(known, known.model.stage)
    good = source is not None and set(stored["starts"]) == {stage}
    for field in ("starts", "start_search", "coverage"):
        yield from compare.claim(field, "those of a stored search", good, stored=str(source))
    if source is not None:
        attempts = known.attempts(known.model.stage, source)
        yield from compare_leaves(compare, "starts", stored["starts"], {stage: len(attempts)})
        yield from compare_start_search(known, compare, record, known.model.stage, source)
        counts = [len(rows) for rows in labels_of(attempts).values()]
        told = stored["coverage"].get(stage, {})
        yield from compare_leaves(compare, f"coverage.{stage}", told, coverage_of(counts, told))
    again = _again(known)
    for text, one in stored["transition_search"].items():
        name = f"transition_search.{text}"
        if again is not None:
            wanted = again.graph["transition_search"].get(text)
            yield from compare_leaves(compare, name, one, wanted)
        yield from compare_search_form(compare, name, one)


_ATTEMPTS = ("width", "source", "independent", "starts", "status", "loss", "grad_norm",
             "evaluations", "weights", "family")  # fmt: skip
_OF_GRAPH = ("format_version", "landtopo_version", MODEL, PARAMETER, SYMMETRY, STUDENTS,
             "derivatives", "seed", "starts", "start_search", "coverage",
             "transition_search")  # fmt: skip

CHECKERS = (
    Checker(covers={"Origin": ("name", "digest", "size", "symmetries", "values", "parameter")},
            run=_check_model),
    Checker(covers={"Attempts": _ATTEMPTS}, run=_check_attempts,
            form={"Attempts": ("evaluations",)}),
    Checker(covers={"FunctionFamily": ("id", "count", "found_by")}, run=_check_family),
    Checker(covers={"node": ("id", "count", "share", "share_low", "share_high")}, run=_check_node),
    Checker(covers={"edge": ("id", "from_id", "to_id")}, run=_check_edge),
    Checker(covers={"node": ("found_by",), "edge": ("found_by", "times_met")}, run=_check_found),
    Checker(covers={"graph": _OF_GRAPH}, run=_check_graph),
    FAILED_PAIRS,
    SESSION,
)  # fmt: skip
