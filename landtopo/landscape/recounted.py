"""A landscape graph with the counts of another search from the same starts.

What a graph says of starts, how many ended in which family and what was not seen, is that of one
search. A study keeps of each kind of start the longest search, so that the graph takes its counts.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import networkx as nx

from landtopo.landscape.build import node_record, start_search
from landtopo.landscape.catalogue import Catalogue
from landtopo.landscape.gathered import Kept
from landtopo.model import Minima
from landtopo.points.coverage import binomial_interval

__all__ = ["recounted"]


def recounted(graph: nx.MultiGraph[str], kept: Kept, search: Minima) -> nx.MultiGraph[str]:
    """The graph with the counts of a search, if its own came from starts of the same kind.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph, which has all families that the search has found; it is not changed.
    kept : Kept
        One of its models.
    search : Minima
        A search for minima of this model, in the units of the graph.

    Returns
    -------
    networkx.MultiGraph
        The same object if nothing changes.
    """
    stage = str(kept.model.stage)
    before, asked = graph.graph.get("start_search", {}).get(stage), start_search(search)
    names = [name for name, data in graph.nodes.items() if data.get("width") == kept.width]
    if before is None or any(kept.column not in graph.nodes[name] for name in names):
        return graph
    if any(before.get(name) != asked[name] for name in ("method", "init")):
        return graph
    facts, starts = kept.model.facts, len(search.attempts)
    catalogue = Catalogue(kept.model)
    for name in names:
        point = kept.model.strata.judge(kept.inside(graph.nodes[name][kept.column]))
        catalogue.add_family(facts.family(point, count=0, found_by=""))
    counts = dict.fromkeys(names, 0)
    for family in search.families:
        x = kept.inside(node_record(facts, family, starts)[kept.column])
        copy = catalogue.locate(x, found_by="")
        if copy is not None and copy.family < len(names):
            counts[names[copy.family]] += family.count
    # Edges keep their order, which a copy by networkx would change.
    result = deepcopy(graph)
    result.graph.update(
        starts={**graph.graph["starts"], stage: starts},
        start_search={**graph.graph["start_search"], stage: asked},
        coverage={**graph.graph["coverage"], stage: search.coverage.record()},
    )
    for name, count in counts.items():
        result.nodes[name].update(_shares(count, starts))
    return result


def _shares(count: int, starts: int) -> dict[str, Any]:
    low, high = binomial_interval(count, starts)
    return {"count": count, "share": count / starts, "share_low": low, "share_high": high}
