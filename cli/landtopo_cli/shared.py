"""One study, one truth: what any command finds serves all the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landtopo.wording import counted, listed

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.models.networks.landscape.gathered import Finding
    from landtopo.objective import Array
    from landtopo.points.records import Family
    from landtopo.study import Study

__all__ = ["keep_graph", "known_states", "share", "stored_minima", "with_findings"]


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
    return _news(before, graph, width) + keep_graph(study, graph)


def with_findings(study: Study, graph: nx.MultiGraph[str], width: int) -> nx.MultiGraph[str]:
    """A graph with what the study knows of one of its widths."""
    from landtopo.models.networks.landscape.gathered import gathered

    return gathered(graph, study.problem(width), _findings(study, width))


def keep_graph(study: Study, graph: nx.MultiGraph[str]) -> list[str]:
    """Store a graph, and say which families have new ids; stored paths are given them too."""
    from landtopo.models.networks.landscape.gathered import renaming
    from landtopo_cli.reached import put_on_graph

    renamed: dict[str, str] = {}
    for width in sorted({data["width"] for data in graph.nodes.values()}):
        before = dict(stored_minima(study, width))
        after = _nodes(graph, width)
        if before and any(
            path.from_id in before or path.to_id in before for path in study.paths(width)
        ):
            renamed |= renaming(study.problem(width), before, after)
    put_on_graph(study, graph)
    with study.together():
        study.save_graph(graph)
        study.rename_families(renamed)
    moved = [f"{name} is now {new}" for name, new in renamed.items()]
    return [f"Families are numbered by loss: {listed(moved)}."] if moved else []


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
    found = [state for finding in _findings(study, width) for state in finding.states]
    for path in study.paths(width):
        found += [state.weights for state in path.record.transition_states]
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

    problem = study.problem(width)
    new: list[Family] = []
    for finding in _findings(study, width):
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


def _findings(study: Study, width: int) -> list[Finding]:
    """Everything that searches and paths at a width have found, always in one order."""
    from landtopo.landscape.transitions import ways_of
    from landtopo.models.networks.landscape.gathered import SOURCES, Finding
    from landtopo.points.records import Kind

    found = []
    for aim, name in zip(("minima", "reachability", "saddles"), SOURCES, strict=False):
        for source in sorted(source for at, source in study.searches(aim) if at == width):
            families = study.families(width, source)
            # Starts of a search for minima that end in saddles are told as such.
            passes = [] if aim == "minima" else [one for one in families if _is_pass(one)]
            found.append(
                Finding(
                    found_by=name,
                    minima=[one.weights for one in families if one.point.kind is Kind.MINIMUM],
                    states=[one.weights for one in passes],
                )
            )
    found += [
        Finding(found_by=SOURCES[-1], states=path.record.met, ways=ways_of(path.record))
        for path in study.paths(width)
    ]
    return found


def _is_pass(family: Family) -> bool:
    from landtopo.points.records import Kind

    point = family.point
    return point.kind is Kind.SADDLE and point.index == 1 and not point.zero_neurons


def _news(before: nx.MultiGraph[str], after: nx.MultiGraph[str], width: int) -> list[str]:
    """What a graph has gained at a width."""
    families = len(after.nodes) - len(before.nodes)
    passes = len(after.edges) - len(before.edges)
    gained = [
        counted(number, *words)
        for number, *words in ((families, "family", "families"), (passes, "transition"))
        if number > 0
    ]
    if not gained:
        return []
    return [f"Width {width}: the graph of the study has gained {listed(gained)}."]
