"""One study, one truth: what any command finds serves all the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from landtopo.wording import counted, listed

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.landscape.gathered import Kept
    from landtopo.objective import Array
    from landtopo.points.records import Family
    from landtopo.study import Study

__all__ = [
    "count_starts",
    "keep_graph",
    "keep_model_graph",
    "known_states",
    "longer_kept",
    "share",
    "share_model",
    "source_of",
    "stored_minima",
    "with_counts",
    "with_findings",
]


def share(study: Study, width: int) -> list[str]:
    """Put what the study knows of a width on its graph, if it has one; what is new, in sentences.

    Parameters
    ----------
    study : Study
        Open for writing.
    width : int
    """
    if not study.has_graph:
        return []
    before = study.graph()
    graph = with_findings(study, before, width)
    if graph is before:
        return []
    return _news(before, graph, f"Width {width}: the") + keep_graph(study, graph)


def share_model(study: Study, kept: Kept) -> list[str]:
    """The same for the graph of a model."""
    from landtopo.landscape.gathered import gathered
    from landtopo.study.findings import findings_of

    if not study.has_graph:
        return []
    before = study.graph()
    graph = gathered(before, kept, findings_of(study, kept.model.stage))
    if graph is before:
        return []
    return _news(before, graph, "The") + keep_model_graph(study, graph, [kept])


def count_starts(study: Study, kept: Kept) -> None:
    """Give the graph of a study, if it has one, the counts of the search that the study keeps."""
    if study.has_graph:
        before = study.graph()
        graph, _ = with_counts(study, before, kept)
        if graph is not before:
            study.save_graph(graph)


def with_counts(
    study: Study, graph: nx.MultiGraph[str], kept: Kept
) -> tuple[nx.MultiGraph[str], list[str]]:
    """A graph with the counts of the search from its kind of starts that a study keeps.

    That may be longer than the search of the graph, which is said, or have been made anew.
    """
    from landtopo.landscape.build import start_search
    from landtopo.landscape.recounted import recounted
    from landtopo.study.findings import stored_search

    stage = kept.model.stage
    asked = graph.graph["start_search"].get(str(stage))
    if asked is None or (stage, source_of(asked)) not in study.searches("minima"):
        return graph, []
    search = stored_search(study, stage, source_of(asked))
    starts = graph.graph["starts"][str(stage)]
    if start_search(search) == asked and len(search.attempts) == starts:
        return graph, []
    return recounted(graph, kept, search), longer_kept(study, asked, stage, starts)


def source_of(search: Mapping[str, Any]) -> str:
    """What a study calls the searches for minima that were asked for so."""
    return f"{search['method']} from {search['init']}"


def longer_kept(study: Study, search: Mapping[str, Any], stage: int, starts: int) -> list[str]:
    """What is said where a study keeps a longer search than one of so many starts.

    Parameters
    ----------
    study : Study
    search : mapping
        How starts were drawn and followed.
    stage : int
        The width, or the number of coordinates.
    starts : int
    """
    kept = len(study.attempts(stage, source_of(search)))
    if kept <= starts:
        return []
    return [f"The study keeps its search of {kept} starts from {search['init']}, which is longer."]


def with_findings(study: Study, graph: nx.MultiGraph[str], width: int) -> nx.MultiGraph[str]:
    """A graph with what the study knows of one of its widths."""
    from landtopo.landscape.gathered import gathered
    from landtopo.models.networks.landscape.kept import kept_networks
    from landtopo.study.findings import findings_of

    return gathered(graph, kept_networks(study.problem(width)), findings_of(study, width))


def keep_graph(study: Study, graph: nx.MultiGraph[str]) -> list[str]:
    """Store a graph, and say which families have new ids; stored paths are given them too."""
    from landtopo.landscape.gathered import renaming
    from landtopo.models.networks.landscape.kept import kept_networks
    from landtopo_cli.reached import put_on_graph

    renamed: dict[str, str] = {}
    for width in sorted({data["width"] for data in graph.nodes.values()}):
        before = dict(stored_minima(study, width))
        after = _nodes(graph, width)
        if before and any(
            path.from_id in before or path.to_id in before for path in study.paths(width)
        ):
            renamed |= renaming(kept_networks(study.problem(width)), before, after)
    put_on_graph(study, graph)
    moved = _kept(study, graph, renamed)
    return [f"Families are numbered by loss: {listed(moved)}."] if moved else []


def keep_model_graph(study: Study, graph: nx.MultiGraph[str], kept: Sequence[Kept]) -> list[str]:
    """The same for the graph of a model, or of models over a parameter."""
    from landtopo.landscape.gathered import renaming

    renamed: dict[str, str] = {}
    if study.has_graph and study.paths():
        known = study.graph()
        for rung in kept:
            before, after = (_minima(one, rung.width) for one in (known, graph))
            renamed |= renaming(rung, before, after)
    moved = _kept(study, graph, renamed)
    return [f"Minima are numbered by value: {listed(moved)}."] if moved else []


def _minima(graph: nx.MultiGraph[str], width: int | None) -> dict[str, Array]:
    """Coordinates of the minima of one rung of a graph of models."""
    nodes = graph.nodes.items()
    return {name: data["coordinates"] for name, data in nodes if data.get("width") == width}


def _kept(study: Study, graph: nx.MultiGraph[str], renamed: dict[str, str]) -> list[str]:
    """Store a graph and the new ids of its families; what these are."""
    with study.together():
        study.save_graph(graph)
        study.rename_families(renamed)
    return [f"{name} is now {new}" for name, new in renamed.items()]


def stored_minima(study: Study, width: int) -> list[tuple[str, Array]]:
    """Families of minima that the study knows at a width, by id, by increasing loss.

    The ids are those of its graph, or else of its latest search for minima, and after these of
    what other commands have met.
    """
    from landtopo.points.records import Kind

    nodes = _nodes(study.graph(), width) if study.has_graph else {}
    if nodes:
        return list(nodes.items())
    families = [one for one in study.families(width) if one.point.kind is Kind.MINIMUM]
    families += _further_minima(study, width, families)
    families.sort(key=lambda family: family.loss)
    return [(family.id, family.weights) for family in families]


def _nodes(graph: nx.MultiGraph[str], width: int) -> dict[str, Array]:
    nodes = graph.nodes
    found = [name for name in nodes if nodes[name]["width"] == width]
    found.sort(key=lambda name: float(nodes[name]["loss"]))
    return {name: nodes[name]["weights"] for name in found}


def known_states(study: Study, width: int) -> list[Array]:
    """Transition states that any command has found, whether the study has a graph or not."""
    from landtopo.study.findings import findings_of

    found = [state for finding in findings_of(study, width) for state in finding.states]
    for path in study.paths(width):
        found += [getattr(state, "weights", state.x) for state in path.record.transition_states]
    return found


def _further_minima(study: Study, width: int, families: list[Family]) -> list[Family]:
    """Families of minima beside some others that any command has met, with the ids that follow.

    They are numbered by increasing loss after the others, which keep their ids.
    """
    from dataclasses import replace

    from landtopo.models.networks.points.classify import classify
    from landtopo.models.networks.points.families import (
        FamilyIndex,
        describe_family,
        number_families,
    )
    from landtopo.points.records import Kind
    from landtopo.study.findings import findings_of

    problem = study.problem(width)
    new: list[Family] = []
    for finding in findings_of(study, width):
        ends = [end for way in finding.ways for end in (way.start, way.end)]
        for weights in (*finding.minima, *ends):
            point = classify(problem, weights)
            index = FamilyIndex(problem, (*families, *new))
            if point.kind is Kind.MINIMUM and index.find(point.weights) is None:
                new.append(describe_family(problem, point, count=0, found_by=finding.found_by))
    first = len(families)
    return [
        replace(family, id=f"w{width}-f{first + number}")
        for number, family in enumerate(number_families(new)[0])
    ]


def _news(before: nx.MultiGraph[str], after: nx.MultiGraph[str], whose: str) -> list[str]:
    """What a graph has gained."""
    families = len(after.nodes) - len(before.nodes)
    passes = len(after.edges) - len(before.edges)
    gained = [
        counted(number, *words)
        for number, *words in ((families, "family", "families"), (passes, "transition"))
        if number > 0
    ]
    if not gained:
        return []
    return [f"{whose} graph of the study has gained {listed(gained)}."]
