"""`landscape_graph`: the graph of families of minima, and of the ways between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import networkx as nx

from landtopo._version import __version__
from landtopo.checks import checked_count, checked_options
from landtopo.journal import Journal
from landtopo.landscape.catalogue import Transition
from landtopo.landscape.explore import ExploreOptions, Rung, explore
from landtopo.landscape.rungs import Line
from landtopo.landscape.schema import FORMAT_VERSION, LINEAGE, MINIMUM
from landtopo.model import Facts, FamilyLike, Minima, Subject, models_of
from landtopo.points.coverage import binomial_interval
from landtopo.points.records import Status
from landtopo.progress import Progress
from landtopo.run import Run

__all__ = ["edge_record", "landscape_graph", "node_record"]


def landscape_graph(
    teacher: Subject,
    widths: int | Iterable[int] | None = None,
    *,
    starts: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    cluster: str | None = None,
    dim: int | None = None,
    init: Any = None,
    options: ExploreOptions | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
    searched: Callable[[Any], None] | None = None,
) -> nx.MultiGraph[str]:
    """Families of minima, the transitions between them, and for networks their lineage.

    Nodes are families of minima. Edges within a width, or a model, are verified transitions: a
    transition state of index 1 whose two descents end in the families it joins, or a flat
    connection. A loop joins labelled copies of one family. Edges between neighbouring widths say
    what a family becomes when a neuron is added. All attributes are described in
    `landtopo.landscape.schema`.

    Parameters
    ----------
    teacher : Teacher or Model
        A teacher of networks, or a model such as `function_model` makes.
    widths : int or iterable of int
        Numbers of student neurons; for a teacher only.
    starts : int, optional
        Independent starts at every width; by default 5000 for networks, up to 200 for a model.
    seed : int
        Root seed.
    jobs : int
        Threads for the starts, processes for the rest; the result does not depend on it.
    cluster : str, optional
        Address of a dask scheduler, such as ``tcp://10.0.0.1:8786``, whose workers do the work in
        their place; the result does not depend on it.
    dim : int, optional
        Dimension of the inputs; infinite by default; for a teacher only.
    init : str or StartDistribution, optional
        Start distribution, ``gaussian:1`` by default; for a teacher only.
    options : ExploreOptions, optional
        How much is spent on the ways between minima.
    journal : Journal, optional
        Keeps finished pieces, such as a `Study`; a second call goes on where the first one was.
    progress : Progress, optional
    searched : callable, optional
        Is given the search for minima of every width when it is done, with all its attempts.

    Returns
    -------
    networkx.MultiGraph

    Raises
    ------
    InvalidArgument
        If an argument cannot be used.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> graph.nodes["w2-f0"]["orbit_size"]
    2
    >>> lt.width_table(graph)[0].zero_components
    2
    """
    rungs = models_of("teacher", "landscape_graph", teacher, widths=widths, dim=dim, init=init)
    starts = checked_count("starts", "landscape_graph", rungs.starts if starts is None else starts)
    run = Run.checked(
        "landscape_graph",
        seed=seed,
        jobs=jobs,
        cluster=cluster,
        journal=journal,
        progress=progress,
    )
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    # Not as keyword arguments: an attribute may have the name of one of networkx's.
    graph.graph.update(
        format_version=FORMAT_VERSION,
        landtopo_version=__version__,
        **rungs.attributes,
        seed=run.seed,
        starts={str(model.stage): starts for model in rungs.models},
        start_search={},
        coverage={},
        transition_search={},
        failed_pairs={},
    )
    families: dict[int, tuple[FamilyLike, ...]] = {}
    lines = 0
    for model in rungs.models:
        known = explore(
            model,
            families.get(model.stage - 1, ()),
            starts=starts,
            options=checked_options("options", "landscape_graph", options, ExploreOptions),
            run=run,
        )
        families[model.stage] = known.catalogue.by_loss()
        told = partial(rungs.told, model)
        search = told(known.search)
        if searched is not None:
            searched(search)
        _add_rung(graph, known, search, told)
        lines = _add_lines(graph, known, families, lines)
    return graph


def _add_rung(
    graph: nx.MultiGraph[str], known: Rung, search: Minima, told: Callable[[Any], Any]
) -> None:
    """Put families and transitions on the graph, which are known in units of the model."""
    catalogue = known.catalogue
    facts, stage = catalogue.model.facts, str(catalogue.model.stage)
    families = tuple(told(family) for family in catalogue.by_loss())
    numbers = catalogue.numbers()
    for family in families:
        graph.add_node(family.id, **node_record(facts, family, len(search.attempts)))
    for number, i in enumerate(catalogue.by_height()):
        transition = told(catalogue.transitions[i])
        first, last = (families[numbers[end]] for end in (transition.start, transition.end))
        key = facts.transition_name(number)
        record = edge_record(facts, transition, first, last)
        times = sum(catalogue.met[i].values())
        graph.add_edge(first.id, last.id, key=key, id=key, times_met=times, **record)
    graph.graph["start_search"][stage] = start_search(search)
    graph.graph["coverage"][stage] = search.coverage.record()
    climbs = known.transition_search
    graph.graph["transition_search"][stage] = {
        "outcomes": climbs.outcomes,
        "coverage": climbs.coverage.record(),
        "idle": climbs.idle,
        "stopped": climbs.stopped,
        **({"told": list(climbs.told)} if climbs.told else {}),
    }
    if known.failed:
        graph.graph["failed_pairs"][stage] = [
            {
                "from_id": families[numbers[failure.first]].id,
                "to_id": families[numbers[failure.second]].id,
                "tries": failure.tries,
            }
            for failure in known.failed
        ]


def start_search(search: Minima) -> dict[str, Any]:
    """What was asked of the starts, and what became of those that ended in no minimum.

    Parameters
    ----------
    search : Minima
    """
    kept = ("method", "init", "tolerance", "limit", "stopped_by")
    ends = Counter(search.attempts.status)
    return {
        **{name: search.search[name] for name in kept},
        # In the order of the enumeration; statuses that did not occur are left out.
        "outcomes": {status.name.lower(): ends[status] for status in Status if ends[status]},
        "others": [_other(family) for family in search.others],
    }


def _other(family: FamilyLike) -> dict[str, Any]:
    """A critical point that is no family of minima, without its place."""
    shown = ("kind", "loss", "count", "index", "nullity", "description", "reason")
    record = family.record()
    return {name: record[name] for name in shown}


def node_record(facts: Facts, family: FamilyLike, starts: int) -> dict[str, Any]:
    """The attributes of a family, of which `count` of so many starts ended in it."""
    record = family.record()
    record.update(kind=MINIMUM, **facts.node(family))
    if starts:
        low, high = binomial_interval(family.count, starts)
        record.update(share=family.count / starts, share_low=low, share_high=high)
    return {name: value for name, value in record.items() if value is not None}


def edge_record(
    facts: Facts, transition: Transition, first: FamilyLike, last: FamilyLike
) -> dict[str, Any]:
    """The attributes of a transition between two families, but for its id."""
    point = transition.point
    record: dict[str, Any] = {
        "kind": transition.kind,
        "from_id": first.id,
        "to_id": last.id,
        "loss": transition.loss,
        "barrier_from": transition.loss - first.loss,
        "barrier_to": transition.loss - last.loss,
        "verified": True,
        "found_by": transition.found_by,
        "profile": [
            [float(s), float(loss)]
            for s, loss in zip(transition.positions, transition.losses, strict=True)
        ],
        **facts.edge(transition),
    }
    if point is not None:
        record.update(
            index=point.index,
            grad_norm=point.grad_norm,
            smallest_eigenvalue=float(point.eigenvalues[0]),
            through_saddle=transition.through_saddle,
        )
    return record


def _add_lines(
    graph: nx.MultiGraph[str],
    known: Rung,
    families: dict[int, tuple[FamilyLike, ...]],
    count: int,
) -> int:
    model = known.catalogue.model
    numbers = known.catalogue.numbers()
    for line in known.lines:
        first = families[model.stage - 1][line.ancestor]
        last = families[model.stage][numbers[line.descendant]]
        key = f"l{count}"
        count += 1
        graph.add_edge(
            first.id,
            last.id,
            key=key,
            id=key,
            kind=LINEAGE,
            from_id=first.id,
            to_id=last.id,
            operation=line.operation,
            **model.facts.line(line),
            fate="stays" if line.stays else "flows",
            fraction=line.fraction,
            **_escapes(line),
        )
    return count


def _escapes(line: Line) -> dict[str, Any]:
    """How many escape directions a fraction is of; nothing where the point stays a minimum."""
    if line.stays:
        return {}
    low, high = line.interval
    sampled = {"fraction_low": low, "fraction_high": high} if line.drawn else {}
    return {"directions": line.directions, "followed": line.followed, **sampled}
