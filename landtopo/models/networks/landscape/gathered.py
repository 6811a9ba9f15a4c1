"""A landscape graph with what other searches of the same landscape have found.

A path may lead over a lower pass than the graph has, a search for saddles may meet one that the
graph does not know, and any search may end in a family of minima that is new. All of it is put on
the graph by the rules by which the graph was built: families are told apart by symmetry, transition
states are followed down on both sides, and nothing is entered twice. What independent starts ended
in is not touched: a family that is new has been met by none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from landtopo.landscape.build import edge_record, node_record
from landtopo.landscape.catalogue import Catalogue, Transition
from landtopo.landscape.schema import LINEAGE
from landtopo.landscape.transitions import Found, absorb, follow
from landtopo.models.networks.ladder import network_model
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import Relabelling, parse_cycles, symmetry_frame
from landtopo.models.networks.units import unit_of
from landtopo.objective import Array
from landtopo.points.climbs import SaddleStart
from landtopo.points.records import Family
from landtopo.units import rescaled

__all__ = ["SOURCES", "Finding", "gathered", "renaming"]

#: How the graph names the searches beside its own that families and transitions come from.
SOURCES = ("searches for minima", "runs of training", "searches for saddles", "paths")

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a search has found at one width.

    Attributes
    ----------
    found_by : str
        One of `SOURCES`.
    minima : sequence of ndarray, shape (K, D)
    states : sequence of ndarray, shape (K, D)
        Transition states.
    ways : sequence of Found
        Ways that were followed from end to end.
    """

    found_by: str
    minima: Sequence[Array] = ()
    states: Sequence[Array] = ()
    ways: Sequence[Found] = ()


def gathered(
    graph: nx.MultiGraph[str], problem: TeacherStudent, findings: Sequence[Finding]
) -> nx.MultiGraph[str]:
    """The graph with what was found at one of its widths, if its families have weights there.

    What it was given so before is found again: the result depends on what the graph's own search
    has found, and on the findings in their order, not on when they were put on it.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph; it is not changed.
    problem : TeacherStudent
        Teacher and dimension of the graph, and the width.
    findings : sequence of Finding
        In the problem's units.

    Returns
    -------
    networkx.MultiGraph
        The same object if nothing is new. Families are numbered by increasing loss, so a new one
        can give others new ids; see `renaming`.
    """
    whole = _nodes(graph, problem.width)
    names = [name for name, data in whole.items() if data.get("found_by") not in SOURCES]
    keys = [
        key
        for first, last, key, data in graph.edges(keys=True, data=True)
        if {first, last} <= set(names)
        and data["kind"] != LINEAGE
        and data.get("found_by") not in SOURCES
    ]
    given = (len(whole) - len(names), len(list(_within(graph, problem.width))) - len(keys))
    if not names or any("weights" not in graph.nodes[name] for name in names):
        return graph
    catalogue = _restored(graph, network_model(problem), unit_of(problem.teacher), names, keys)
    for finding in findings:
        _absorb(catalogue, finding, unit_of(problem.teacher))
    found = (len(catalogue.families) - len(names), len(catalogue.transitions) - len(keys))
    if given == found == (0, 0):
        return graph
    return _rebuilt(graph, problem, catalogue, names, keys)


def renaming(
    problem: TeacherStudent, before: Mapping[str, Array], after: Mapping[str, Array]
) -> dict[str, str]:
    """Which ids families of minima have now, by their ids before, where these differ.

    Parameters
    ----------
    problem : TeacherStudent
    before, after : mapping of str to ndarray, shape (K, D)
        Representatives by id.
    """
    catalogue = Catalogue(network_model(problem))
    unit = unit_of(problem.teacher)
    numbers = {}
    for name, weights in after.items():
        copy = catalogue.locate(np.ravel(weights) / unit, found_by="")
        if copy is not None:
            numbers[copy.family] = name
    renamed = {}
    for name, weights in before.items():
        copy = catalogue.locate(np.ravel(weights) / unit, found_by="")
        new = None if copy is None else numbers.get(copy.family)
        if new is not None and new != name:
            renamed[name] = new
    return renamed


def _restored(
    graph: nx.MultiGraph[str],
    model: NetworkModel,
    unit: float,
    names: Sequence[str],
    keys: Sequence[str],
) -> Catalogue:
    """The catalogue that a width of the graph was made from, in units of the teacher."""
    problem = model.problem
    catalogue = Catalogue(model)
    for name in names:
        catalogue.restore(_family(model, graph.nodes[name], unit))
    place = {name: number for number, name in enumerate(names)}
    edges = {key: data for *_, key, data in graph.edges(keys=True, data=True)}
    for key in keys:
        data = edges[key]
        state = data.get("weights")
        profile = np.array(data.get("profile", ())).reshape(-1, 2)
        catalogue.add_transition(
            Transition(
                kind=data["kind"],
                start=place[data["from_id"]],
                end=place[data["to_id"]],
                element=Relabelling(
                    students=parse_cycles(data.get("permutation", "()"), problem.width),
                    teachers=parse_cycles(
                        data.get("teacher_permutation", "()"), len(symmetry_frame(problem.teacher))
                    ),
                ).images(),
                exact="parity" in data,
                loss=data["loss"] / unit**2,
                point=None if state is None else model.strata.judge(np.ravel(state) / unit),
                positions=profile[:, 0] / unit,
                losses=profile[:, 1] / unit**2,
                found_by=data.get("found_by", ""),
                through_saddle=bool(data.get("through_saddle", False)),
            )
        )
    return catalogue


def _family(model: NetworkModel, data: Attributes, unit: float) -> Family:
    point = model.strata.judge(np.ravel(np.asarray(data["weights"], dtype=np.float64)) / unit)
    return model.facts.family(
        point, count=int(data.get("count", 0)), found_by=str(data.get("found_by", ""))
    )


def _absorb(catalogue: Catalogue, finding: Finding, unit: float) -> None:
    for weights in finding.minima:
        catalogue.locate(np.ravel(weights) / unit, found_by=finding.found_by)
    ways = [rescaled(way, 1.0 / unit) for way in finding.ways]
    for weights in finding.states:
        point = catalogue.model.strata.judge(np.ravel(weights) / unit)
        if not catalogue.count_known(point, finding.found_by, 1):
            ways += follow(catalogue.model, [SaddleStart(x=point.x)]).found
    for way in ways:
        absorb(catalogue, way, found_by=finding.found_by)


def _rebuilt(
    graph: nx.MultiGraph[str],
    problem: TeacherStudent,
    catalogue: Catalogue,
    names: Sequence[str],
    keys: Sequence[str],
) -> nx.MultiGraph[str]:
    """The graph with the families and transitions of a catalogue at one width."""
    width, unit = problem.width, unit_of(problem.teacher)
    facts = catalogue.model.facts
    families = tuple(rescaled(family, unit) for family in catalogue.by_loss())
    numbers = catalogue.numbers()
    renamed = {name: families[numbers[place]].id for place, name in enumerate(names)}
    old = {new: graph.nodes[name] for name, new in renamed.items()}
    starts = int(graph.graph.get("starts", {}).get(str(width), 0))
    nodes = {
        family.id: {**old[family.id], "id": family.id}
        if family.id in old
        else node_record(facts, family, starts)
        for family in families
    }
    edges = []
    for number, i in enumerate(catalogue.by_height()):
        transition = catalogue.transitions[i]
        first, last = (families[numbers[end]] for end in (transition.start, transition.end))
        if i < len(keys):
            data = {**_edge(graph, keys[i]), "from_id": first.id, "to_id": last.id}
        else:
            data = edge_record(facts, rescaled(transition, unit), first, last)
            data = {"times_met": sum(catalogue.met[i].values()), **data}
        key = facts.transition_name(number)
        edges.append((first.id, last.id, key, {**data, "id": key}))
    result: nx.MultiGraph[str] = nx.MultiGraph(**graph.graph)
    for at in sorted({data["width"] for data in graph.nodes.values()}):
        here = nodes if at == width else _nodes(graph, at)
        for name, attributes in here.items():
            result.add_node(name, **attributes)
        within = edges if at == width else _within(graph, at)
        for first_id, last_id, key, attributes in (*within, *_lines(graph, at, renamed)):
            result.add_edge(first_id, last_id, key, **attributes)
    _update_failures(result, width, renamed)
    return result


def _edge(graph: nx.MultiGraph[str], key: str) -> Attributes:
    return next(data for *_, name, data in graph.edges(keys=True, data=True) if name == key)


def _nodes(graph: nx.MultiGraph[str], width: int) -> dict[str, Attributes]:
    return {name: data for name, data in graph.nodes.items() if data["width"] == width}


_Edges = Iterator[tuple[str, str, str, dict[str, Any]]]


def _within(graph: nx.MultiGraph[str], width: int) -> _Edges:
    for _, _, key, data in graph.edges(keys=True, data=True):
        if data["kind"] != LINEAGE and graph.nodes[data["from_id"]]["width"] == width:
            yield data["from_id"], data["to_id"], key, data


def _lines(graph: nx.MultiGraph[str], width: int, renamed: Mapping[str, str]) -> _Edges:
    """Lineages that end at a width, with the new names of their ends."""
    for _, _, key, data in graph.edges(keys=True, data=True):
        if data["kind"] == LINEAGE and graph.nodes[data["to_id"]]["width"] == width:
            first, last = (renamed.get(data[end], data[end]) for end in ("from_id", "to_id"))
            yield first, last, key, {**data, "from_id": first, "to_id": last}


def _update_failures(graph: nx.MultiGraph[str], width: int, renamed: Mapping[str, str]) -> None:
    """Pairs between which no path was found, without those that are joined by now."""
    pairs = [
        {**pair, "from_id": renamed[pair["from_id"]], "to_id": renamed[pair["to_id"]]}
        for pair in graph.graph.get("failed_pairs", {}).get(str(width), ())
    ]
    within: nx.Graph[str] = nx.Graph()
    within.add_nodes_from(name for name, data in graph.nodes.items() if data["width"] == width)
    within.add_edges_from(
        (first, last)
        for first, last, data in graph.edges(data=True)
        if data["kind"] != LINEAGE and first in within and last in within
    )
    left = [
        pair for pair in pairs if not nx.has_path(within, str(pair["from_id"]), str(pair["to_id"]))
    ]
    failures = {**graph.graph.get("failed_pairs", {}), str(width): left}
    graph.graph["failed_pairs"] = {at: some for at, some in failures.items() if some}
