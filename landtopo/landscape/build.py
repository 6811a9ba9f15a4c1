"""`landscape_graph`: the graph of families of minima across widths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import networkx as nx

from landtopo._version import __version__
from landtopo.checks import (
    checked_count,
    checked_instance,
    checked_jobs,
    checked_options,
    checked_seed,
)
from landtopo.errors import InvalidArgument
from landtopo.journal import Forgetful, Journal
from landtopo.landscape.catalogue import Transition
from landtopo.landscape.explore import ExploreOptions, Width, explore_width
from landtopo.landscape.schema import FORMAT_VERSION, INFINITE, LINEAGE, MINIMUM
from landtopo.models.networks.landscape.lineage import Line
from landtopo.models.networks.points.search import SearchResult
from landtopo.models.networks.problem import MOST_NEURONS, Teacher, TeacherStudent
from landtopo.models.networks.starts import ScaledStart, StartDistribution, parse_distribution
from landtopo.models.networks.symmetry import cycle_type, format_cycles, is_even
from landtopo.models.networks.units import in_units, unit_of
from landtopo.points.coverage import binomial_interval
from landtopo.points.records import Family, Status
from landtopo.progress import Progress, Silent
from landtopo.units import rescaled

__all__ = ["edge_record", "landscape_graph", "node_record"]


def landscape_graph(
    teacher: Teacher,
    widths: int | Iterable[int],
    *,
    starts: int = 5000,
    seed: int = 0,
    jobs: int = 1,
    dim: int | None = None,
    init: str | StartDistribution = "gaussian:1",
    options: ExploreOptions | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
    searched: Callable[[SearchResult], None] | None = None,
) -> nx.MultiGraph[str]:
    """Families of minima at every width, the transitions between them, and their lineage.

    Nodes are families of minima. Edges within a width are verified transitions: a transition state
    of index 1 whose two descents end in the families it joins, or a flat connection. A loop joins
    labelled copies of one family. Edges between neighbouring widths say what a family becomes when
    a neuron is added. All attributes are described in `landtopo.landscape.schema`.

    Parameters
    ----------
    teacher : Teacher
    widths : int or iterable of int
        Numbers of student neurons.
    starts : int
        Independent starts at every width.
    seed : int
        Root seed.
    jobs : int
        Threads for the starts; the result does not depend on it.
    dim : int, optional
        Dimension of the inputs; infinite by default.
    init : str or StartDistribution
        Start distribution.
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
    checked_instance("teacher", "landscape_graph", teacher, Teacher)
    chosen = _checked_widths(widths)
    starts = checked_count("starts", "landscape_graph", starts)
    seed = checked_seed("landscape_graph", seed)
    jobs = checked_jobs("landscape_graph", jobs)
    unit = unit_of(teacher)
    distribution = ScaledStart(distribution=parse_distribution(init), unit=unit)
    problems = {width: TeacherStudent(teacher, width, dim) for width in chosen}
    graph: nx.MultiGraph[str] = nx.MultiGraph(
        format_version=FORMAT_VERSION,
        landtopo_version=__version__,
        teacher=teacher.name,
        gram=teacher.gram.tolist(),
        vectors=teacher.vectors.tolist(),
        dim=INFINITE if dim is None else str(dim),
        widths=list(chosen),
        seed=seed,
        starts={str(width): starts for width in chosen},
        start_search={},
        coverage={},
        transition_search={},
        failed_pairs={},
    )
    families: dict[int, tuple[Family, ...]] = {}
    lines = 0
    for width in chosen:
        known = explore_width(
            in_units(problems[width]),
            families.get(width - 1, ()),
            starts=starts,
            seed=seed,
            jobs=jobs,
            init=distribution,
            options=checked_options("options", "landscape_graph", options, ExploreOptions),
            journal=journal or Forgetful(),
            progress=progress or Silent(),
        )
        families[width] = known.catalogue.by_loss()
        search = rescaled(known.search, unit)
        if searched is not None:
            searched(search)
        _add_width(graph, known, search, unit)
        lines = _add_lines(graph, known, families, width, lines)
    return graph


def _add_width(graph: nx.MultiGraph[str], known: Width, search: SearchResult, unit: float) -> None:
    """Put families and transitions on the graph, which are known in units of the teacher."""
    catalogue = known.catalogue
    width = catalogue.problem.width
    families = tuple(rescaled(family, unit) for family in catalogue.by_loss())
    numbers = catalogue.numbers()
    for family in families:
        graph.add_node(family.id, **node_record(family, len(search.attempts)))
    for number, i in enumerate(catalogue.by_height()):
        transition = rescaled(catalogue.transitions[i], unit)
        first, last = (families[numbers[end]] for end in (transition.start, transition.end))
        key = f"w{width}-t{number}"
        record = edge_record(transition, first, last, catalogue.problem.rank)
        times = sum(catalogue.met[i].values())
        graph.add_edge(first.id, last.id, key=key, id=key, times_met=times, **record)
    graph.graph["start_search"][str(width)] = _start_search(search)
    graph.graph["coverage"][str(width)] = search.coverage.record()
    climbs = known.transition_search
    graph.graph["transition_search"][str(width)] = {
        "outcomes": climbs.outcomes,
        "coverage": climbs.coverage.record(),
        "idle": climbs.idle,
        "stopped": climbs.stopped,
    }
    if known.failed:
        graph.graph["failed_pairs"][str(width)] = [
            {
                "from_id": families[numbers[failure.first]].id,
                "to_id": families[numbers[failure.second]].id,
                "tries": failure.tries,
            }
            for failure in known.failed
        ]


def _start_search(search: SearchResult) -> dict[str, Any]:
    """What was asked of the starts, and what became of those that ended in no minimum."""
    kept = ("method", "init", "tolerance", "limit", "stopped_by")
    ends = Counter(search.attempts.status)
    return {
        **{name: search.search[name] for name in kept},
        # In the order of the enumeration; statuses that did not occur are left out.
        "outcomes": {status.name.lower(): ends[status] for status in Status if ends[status]},
        "others": [_other(family) for family in search.others],
    }


def _other(family: Family) -> dict[str, Any]:
    """A critical point that is no family of minima, without its weights."""
    shown = ("kind", "loss", "count", "index", "nullity", "description", "reason")
    record = family.record()
    return {name: record[name] for name in shown}


def node_record(family: Family, starts: int) -> dict[str, Any]:
    """The attributes of a family, of which `count` of so many starts ended in it."""
    record = family.record()
    record.update(
        kind=MINIMUM,
        weights=family.weights,
        eigenvalues=family.point.eigenvalues,
        is_global=family.is_global,
    )
    if starts:
        low, high = binomial_interval(family.count, starts)
        record.update(share=family.count / starts, share_low=low, share_high=high)
    return {name: value for name, value in record.items() if value is not None}


def edge_record(transition: Transition, first: Family, last: Family, rank: int) -> dict[str, Any]:
    """The attributes of a transition between two families, but for its id."""
    point = transition.point
    relabelling = transition.relabelling
    record: dict[str, Any] = {
        "kind": transition.kind,
        "from_id": first.id,
        "to_id": last.id,
        "loss": transition.loss,
        "barrier_from": transition.loss - first.loss,
        "barrier_to": transition.loss - last.loss,
        "permutation": format_cycles(relabelling.students),
        "teacher_permutation": format_cycles(relabelling.teachers),
        "verified": True,
        "found_by": transition.found_by,
        "profile": [
            [float(s), float(loss)]
            for s, loss in zip(transition.positions, transition.losses, strict=True)
        ],
    }
    if transition.exact:
        record.update(
            cycle_type=_cycle_text(relabelling.students),
            parity="even" if is_even(relabelling.students) else "odd",
        )
    if point is not None:
        record.update(
            index=point.index,
            grad_norm=point.grad_norm,
            smallest_eigenvalue=float(point.eigenvalues[0]),
            through_saddle=transition.through_saddle,
            outside_span=point.weights.shape[1] > rank,
            weights=point.weights,
            eigenvalues=point.eigenvalues,
        )
    return record


def _add_lines(
    graph: nx.MultiGraph[str],
    known: Width,
    families: dict[int, tuple[Family, ...]],
    width: int,
    count: int,
) -> int:
    numbers = known.catalogue.numbers()
    for line in known.lines:
        first = families[width - 1][line.ancestor]
        last = families[width][numbers[line.descendant]]
        key = f"l{count}"
        count += 1
        record: dict[str, Any] = {"operation": line.operation}
        if line.neuron >= 0:
            record["neuron"] = line.neuron + 1
        graph.add_edge(
            first.id,
            last.id,
            key=key,
            id=key,
            kind=LINEAGE,
            from_id=first.id,
            to_id=last.id,
            **record,
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


def _cycle_text(permutation: tuple[int, ...]) -> str:
    lengths = sorted(cycle_type(permutation), reverse=True)
    parts = []
    for length in dict.fromkeys(lengths):
        times = lengths.count(length)
        parts.append(str(length) if times == 1 else f"{length}^{times}")
    return " ".join(parts)


def _checked_widths(widths: int | Iterable[int]) -> tuple[int, ...]:
    given = widths if isinstance(widths, Iterable) else (widths,)
    # One by one: a range may be longer than what memory holds.
    chosen = {
        checked_count("widths", "landscape_graph", width, most=MOST_NEURONS) for width in given
    }
    if not chosen:
        raise InvalidArgument(
            "The 'widths' argument of landscape_graph must name at least one width."
        )
    return tuple(sorted(chosen))
