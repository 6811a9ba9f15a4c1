"""A landscape graph with what other searches of the same landscape have found.

A path may lead over a lower pass than the graph has, a search for saddles may meet one that the
graph does not know, and any search may end in a family of minima that is new. All of it is put on
the graph by the rules by which the graph was built: families are told apart by symmetry, transition
states are followed down on both sides, and nothing is entered twice. What independent starts ended
in is not touched: a family that is new has been met by none of them, until `recounted` is given a
search that has met it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
import numpy as np

from landtopo.landscape.build import edge_record, node_record
from landtopo.landscape.catalogue import Catalogue, Transition
from landtopo.landscape.schema import LINEAGE
from landtopo.landscape.transitions import Found, absorb, follow
from landtopo.model import FamilyLike, Model
from landtopo.objective import Array
from landtopo.points.climbs import SaddleStart
from landtopo.symmetry.permutations import Permutation

__all__ = ["SOURCES", "Finding", "Kept", "gathered", "renaming"]

#: How the graph names the searches beside its own that families and transitions come from.
SOURCES = ("searches for minima", "runs of training", "searches for saddles", "paths")

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a search has found of one model, in the units of its graph.

    Attributes
    ----------
    found_by : str
        One of `SOURCES`.
    minima : sequence of ndarray
    states : sequence of ndarray
        Transition states.
    ways : sequence of Found
        Ways that were followed from end to end.
    """

    found_by: str
    minima: Sequence[Array] = ()
    states: Sequence[Array] = ()
    ways: Sequence[Found] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a graph keeps what is known of one model.

    Attributes
    ----------
    model : Model
    told : callable
        From records in the units of the model to the same in those of the graph.
    column : str
        The column of the coordinates of points.
    width : int or None
        The rung; None where the graph has one only, and no widths.
    length, energy : float
        A length and a value of one, in units of the model, in those of the graph.
    element : callable
        The element of the symmetry that an edge was told with.
    exact : callable
        Whether the edge leads to the very copy that it tells.
    """

    model: Model
    told: Callable[[Any], Any]
    column: str
    width: int | None
    length: float
    energy: float
    element: Callable[[Attributes], Permutation]
    exact: Callable[[Attributes], bool]

    def inside(self, x: Any) -> Array:
        """A point of the graph, flat and in units of the model."""
        return np.ravel(np.asarray(x, dtype=np.float64)) / self.length

    def way(self, found: Found) -> Found:
        """A way in units of the model."""
        return replace(
            found,
            state=found.state / self.length,
            start=found.start / self.length,
            end=found.end / self.length,
            positions=found.positions / self.length,
            losses=found.losses / self.energy,
        )


def gathered(
    graph: nx.MultiGraph[str], kept: Kept, findings: Sequence[Finding]
) -> nx.MultiGraph[str]:
    """The graph with what was found of one of its models, if it has coordinates of its families.

    What it was given so before is found again: the result depends on what the graph's own search
    has found, and on the findings in their order, not on when they were put on it.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph; it is not changed.
    kept : Kept
    findings : sequence of Finding

    Returns
    -------
    networkx.MultiGraph
        The same object if nothing is new. Families are numbered by increasing loss, so a new one
        can give others new ids; see `renaming`.
    """
    whole = _nodes(graph, kept.width)
    names = [name for name, data in whole.items() if data.get("found_by") not in SOURCES]
    keys = [
        key
        for first, last, key, data in graph.edges(keys=True, data=True)
        if {first, last} <= set(names)
        and data["kind"] != LINEAGE
        and data.get("found_by") not in SOURCES
    ]
    given = (len(whole) - len(names), len(list(_within(graph, kept.width))) - len(keys))
    if not names or any(kept.column not in graph.nodes[name] for name in names):
        return graph
    catalogue = _restored(graph, kept, names, keys)
    for finding in findings:
        _absorb(catalogue, finding, kept)
    for name in whole.keys() - set(names):
        _recall(catalogue, kept, whole[name])
    found = (len(catalogue.families) - len(names), len(catalogue.transitions) - len(keys))
    if given == found == (0, 0):
        return graph
    return _rebuilt(graph, kept, catalogue, names, keys)


def renaming(kept: Kept, before: Mapping[str, Array], after: Mapping[str, Array]) -> dict[str, str]:
    """Which ids families of minima have now, by their ids before, where these differ.

    Parameters
    ----------
    kept : Kept
    before, after : mapping of str to ndarray
        Representatives by id.
    """
    catalogue = Catalogue(kept.model)
    numbers = {}
    for name, x in after.items():
        copy = catalogue.locate(kept.inside(x), found_by="")
        if copy is not None:
            numbers[copy.family] = name
    renamed = {}
    for name, x in before.items():
        copy = catalogue.locate(kept.inside(x), found_by="")
        new = None if copy is None else numbers.get(copy.family)
        if new is not None and new != name:
            renamed[name] = new
    return renamed


def _restored(
    graph: nx.MultiGraph[str], kept: Kept, names: Sequence[str], keys: Sequence[str]
) -> Catalogue:
    """The catalogue that one model of the graph was made from, in its units."""
    catalogue = Catalogue(kept.model)
    for name in names:
        catalogue.restore(_family(kept, graph.nodes[name]))
    place = {name: number for number, name in enumerate(names)}
    edges = {key: data for *_, key, data in graph.edges(keys=True, data=True)}
    for key in keys:
        data = edges[key]
        state = data.get(kept.column)
        profile = np.array(data.get("profile", ())).reshape(-1, 2)
        catalogue.add_transition(
            Transition(
                kind=data["kind"],
                start=place[data["from_id"]],
                end=place[data["to_id"]],
                element=kept.element(data),
                exact=kept.exact(data),
                loss=data["loss"] / kept.energy,
                point=None if state is None else kept.model.strata.judge(kept.inside(state)),
                positions=profile[:, 0] / kept.length,
                losses=profile[:, 1] / kept.energy,
                found_by=data.get("found_by", ""),
                through_saddle=bool(data.get("through_saddle", False)),
            )
        )
    return catalogue


def _family(kept: Kept, data: Attributes) -> FamilyLike:
    model = kept.model
    return model.facts.family(
        model.strata.judge(kept.inside(data[kept.column])),
        count=int(data.get("count", 0)),
        found_by=str(data.get("found_by", "")),
    )


def _absorb(catalogue: Catalogue, finding: Finding, kept: Kept) -> None:
    for x in finding.minima:
        catalogue.locate(kept.inside(x), found_by=finding.found_by)
    ways = [kept.way(way) for way in finding.ways]
    for x in finding.states:
        point = catalogue.model.strata.judge(kept.inside(x))
        if not catalogue.count_known(point, finding.found_by, 1):
            ways += follow(catalogue.model, [SaddleStart(x=point.x)]).found
    for way in ways:
        absorb(catalogue, way, found_by=finding.found_by)


def _recall(catalogue: Catalogue, kept: Kept, data: Attributes) -> None:
    """Keep the count of a family that the graph was given before."""
    known = len(catalogue.families)
    copy = catalogue.locate(kept.inside(data[kept.column]), found_by=str(data["found_by"]))
    if copy is not None and copy.family < known:
        family: Any = catalogue.families[copy.family]
        catalogue.families[copy.family] = replace(family, count=int(data.get("count", 0)))


def _rebuilt(
    graph: nx.MultiGraph[str],
    kept: Kept,
    catalogue: Catalogue,
    names: Sequence[str],
    keys: Sequence[str],
) -> nx.MultiGraph[str]:
    """The graph with the families and transitions of the catalogue of one model."""
    width, stage = kept.width, str(kept.model.stage)
    facts = catalogue.model.facts
    families = tuple(kept.told(family) for family in catalogue.by_loss())
    numbers = catalogue.numbers()
    renamed = {name: families[numbers[place]].id for place, name in enumerate(names)}
    old = {new: graph.nodes[name] for name, new in renamed.items()}
    starts = int(graph.graph.get("starts", {}).get(stage, 0))
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
            data = edge_record(facts, kept.told(transition), first, last)
            data = {"times_met": sum(catalogue.met[i].values()), **data}
        key = facts.transition_name(number)
        edges.append((first.id, last.id, key, {**data, "id": key}))
    result: nx.MultiGraph[str] = nx.MultiGraph(**graph.graph)
    rungs = {data.get("width") for data in graph.nodes.values()}
    for at in sorted(rungs, key=lambda rung: -1 if rung is None else int(rung)):
        here = nodes if at == width else _nodes(graph, at)
        for name, attributes in here.items():
            result.add_node(name, **attributes)
        within = edges if at == width else _within(graph, at)
        for first_id, last_id, key, attributes in (*within, *_lines(graph, at, renamed)):
            result.add_edge(first_id, last_id, key, **attributes)
    _update_failures(result, width, stage, renamed)
    return result


def _edge(graph: nx.MultiGraph[str], key: str) -> Attributes:
    return next(data for *_, name, data in graph.edges(keys=True, data=True) if name == key)


def _nodes(graph: nx.MultiGraph[str], width: int | None) -> dict[str, Attributes]:
    return {name: data for name, data in graph.nodes.items() if data.get("width") == width}


_Edges = Iterator[tuple[str, str, str, dict[str, Any]]]


def _within(graph: nx.MultiGraph[str], width: int | None) -> _Edges:
    for _, _, key, data in graph.edges(keys=True, data=True):
        if data["kind"] != LINEAGE and graph.nodes[data["from_id"]].get("width") == width:
            yield data["from_id"], data["to_id"], key, data


def _lines(graph: nx.MultiGraph[str], width: int | None, renamed: Mapping[str, str]) -> _Edges:
    """Lineages that end at a rung, with the new names of their ends."""
    for _, _, key, data in graph.edges(keys=True, data=True):
        if data["kind"] == LINEAGE and graph.nodes[data["to_id"]].get("width") == width:
            first, last = (renamed.get(data[end], data[end]) for end in ("from_id", "to_id"))
            yield first, last, key, {**data, "from_id": first, "to_id": last}


def _update_failures(
    graph: nx.MultiGraph[str], width: int | None, stage: str, renamed: Mapping[str, str]
) -> None:
    """Pairs between which no path was found, without those that are joined by now."""
    pairs = [
        {**pair, "from_id": renamed[pair["from_id"]], "to_id": renamed[pair["to_id"]]}
        for pair in graph.graph.get("failed_pairs", {}).get(stage, ())
    ]
    within: nx.Graph[str] = nx.Graph()
    within.add_nodes_from(_nodes(graph, width))
    within.add_edges_from(
        (first, last)
        for first, last, data in graph.edges(data=True)
        if data["kind"] != LINEAGE and first in within and last in within
    )
    left = [
        pair for pair in pairs if not nx.has_path(within, str(pair["from_id"]), str(pair["to_id"]))
    ]
    failures = {**graph.graph.get("failed_pairs", {}), stage: left}
    graph.graph["failed_pairs"] = {at: some for at, some in failures.items() if some}
