"""The tables by which people read a landscape graph, in the terminal and in reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx

from landtopo.errors import InvalidArgument
from landtopo.export.prepare import Prepared, Record, natural_key
from landtopo.landscape.labelled import FamilyLevel
from landtopo.landscape.schema import LINEAGE
from landtopo.landscape.widths import WidthRow
from landtopo.models.connectivity import labelled_connectivity, width_table
from landtopo.tolerances import TIED_DIGITS
from landtopo.wording import UNKNOWN, exact, listed, loss_text, number, percent

__all__ = [
    "Copies",
    "Table",
    "copies_of",
    "copy_table",
    "families_of",
    "family_table",
    "lineage_table",
    "transition_table",
    "transitions_of",
    "width_rows",
    "widths_table",
]

# More families than this are not all named in one cell.
_NAMED = 4
_YES_NO = {True: "yes", False: "no", None: UNKNOWN}
_EXACT = (
    "The numbers are exact for the passes above; one that was not found can only make them smaller."
)
_PAST_SADDLE = (
    "* One descent keeps a symmetry of the saddle and ends in a lower saddle; "
    "from there it was followed on."
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Attributes
    ----------
    header : tuple of str
    rows : tuple of tuple of str
    notes : tuple of str
        Sentences that belong below it.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def families_of(prepared: Prepared, width: int) -> list[Record]:
    """Families of a width by increasing loss, in the order of their ids where losses tie."""
    return sorted(
        (node for node in prepared.nodes if node["width"] == width),
        key=lambda node: round(node["loss"], TIED_DIGITS),
    )


def transitions_of(prepared: Prepared, width: int) -> list[Record]:
    """Transitions of a width by increasing height."""
    ids = {node["id"] for node in prepared.nodes if node["width"] == width}
    passes = [edge for edge in prepared.edges if edge["kind"] != LINEAGE and edge["from_id"] in ids]
    return sorted(passes, key=lambda edge: round(edge.get("loss", 0.0), TIED_DIGITS))


def width_rows(graph: nx.MultiGraph[str]) -> tuple[WidthRow, ...]:
    """Connectivity by width; nothing for a graph from elsewhere that says too little for it."""
    try:
        return width_table(graph)
    except InvalidArgument:
        return ()


def widths_table(rows: Iterable[WidthRow]) -> Table:
    """Connectivity against width, one row a width."""
    header = (
        "width",
        "families",
        "isolated",
        "flat",
        "starts at zero loss",
        "pieces at zero loss",
        "highest minimum",
        "lowest escape",
        "stay minima",
        "turn into saddles",
        "appear",
    )
    return Table(
        header,
        tuple(
            (
                str(row.width),
                str(row.families),
                str(row.isolated),
                str(row.flat),
                percent(row.global_share),
                exact(row.zero_components),
                number(row.largest_spurious_loss),
                number(row.lowest_escape, 3),
                *(
                    (UNKNOWN, UNKNOWN, UNKNOWN)
                    if row.step is None
                    else (_named(row.step.stay), _named(row.step.turn), _named(row.step.appear))
                ),
            )
            for row in rows
        ),
    )


def family_table(nodes: Iterable[Record]) -> Table:
    """Families of minima, one row each."""
    header = (
        "family",
        "loss",
        "starts",
        "share",
        "95 % interval",
        "flat",
        "copies",
        "lowest curvature",
        "what it is",
    )
    return Table(
        header,
        tuple(
            (
                node["id"],
                loss_text(node["loss"]),
                str(node.get("count", UNKNOWN)),
                percent(node.get("share")),
                _interval(node),
                str(node.get("flat_dimension", UNKNOWN)),
                exact(node.get("orbit_size")),
                _lowest_curvature(node),
                node.get("description", ""),
            )
            for node in nodes
        ),
    )


def transition_table(edges: Sequence[Record]) -> Table:
    """Transitions, one row each."""
    header = (
        "transition",
        "from",
        "to",
        "pass",
        "permutation",
        "loss",
        "barrier from",
        "barrier to",
        "verified",
    )
    past_saddle = any(edge.get("through_saddle") for edge in edges)
    return Table(
        header,
        tuple(
            (
                edge["id"],
                edge["from_id"],
                edge["to_id"],
                edge["kind"] + ("*" if edge.get("through_saddle") else ""),
                _permutation(edge),
                loss_text(edge["loss"]) if "loss" in edge else UNKNOWN,
                number(edge.get("barrier_from")),
                number(edge.get("barrier_to")),
                _YES_NO[edge.get("verified")],
            )
            for edge in edges
        ),
        (_PAST_SADDLE,) if past_saddle else (),
    )


def lineage_table(prepared: Prepared) -> Table:
    """What becomes of a family with one neuron more, one row for each end and fate."""
    ways: defaultdict[tuple[str, str, str, str], list[Record]] = defaultdict(list)
    for edge in prepared.edges:
        if edge["kind"] == LINEAGE:
            fate = edge.get("fate", UNKNOWN)
            # Nothing leaves a point that is still a minimum.
            fraction = UNKNOWN if fate == "stays" else _escapes(edge)
            ways[edge["from_id"], fate, edge["to_id"], fraction].append(edge)
    order = {node["id"]: place for place, node in enumerate(prepared.nodes)}
    keys = sorted(ways, key=lambda key: (order[key[0]], order[key[2]], key[1], key[3]))
    return Table(
        ("family", "fate", "in", "by", "escape directions"),
        tuple(
            (first, fate, last, _operations(ways[first, fate, last, fraction]), fraction)
            for first, fate, last, fraction in keys
        ),
    )


def _escapes(edge: Record) -> str:
    """The part of the escape directions that a lineage edge stands for, and of how many."""
    text = percent(edge.get("fraction"), 0)
    if "directions" not in edge:
        return text
    if "fraction_low" in edge:
        low, high = 100 * edge["fraction_low"], 100 * edge["fraction_high"]
        return f"{text} of {edge['directions']} drawn ({low:.0f} to {high:.0f} %)"
    followed = edge["followed"]
    apart = "" if followed == edge["directions"] else f", {followed} followed"
    return f"{text} of {edge['directions']}{apart}"


@dataclass(frozen=True, slots=True)
class Copies:
    """How the labelled copies of one family are joined.

    Attributes
    ----------
    family : str
        The lowest of its width.
    levels : tuple of FamilyLevel
        Every level at which copies appear or join, upwards.
    notes : tuple of str
        What makes the counts upper bounds, if anything does.
    """

    family: str
    levels: tuple[FamilyLevel, ...]
    notes: tuple[str, ...]


def copies_of(graph: nx.MultiGraph[str], width: int) -> Copies | None:
    """Labelled connectivity of the lowest family of a width.

    None for a graph from elsewhere that says too little for it.
    """
    try:
        found = labelled_connectivity(graph, width)
    except InvalidArgument:
        return None
    lowest = min(
        found.copies,
        key=lambda name: (round(graph.nodes[name]["loss"], TIED_DIGITS), natural_key(name)),
        default=None,
    )
    if lowest is None:
        return None
    notes = []
    if found.left_out:
        notes.append(
            f"Pieces are upper bounds: it is not known which copies {listed(found.left_out, 4)} "
            f"{'joins' if len(found.left_out) == 1 else 'join'}."
        )
    if found.undecided:
        notes.append(
            "Pieces are upper bounds: it is not known whether "
            f"{listed(found.undecided, 4)} {'is' if len(found.undecided) == 1 else 'are'} flat."
        )
    return Copies(lowest, found.family_levels(lowest), tuple(notes))


def copy_table(copies: Copies) -> Table:
    """One row for each level at which copies join."""
    return Table(
        ("from loss", "separate pieces", "neuron permutations that are joined", "by"),
        tuple(
            (
                loss_text(event.level),
                exact(event.components),
                # Of two neurons, the even permutation is no permutation.
                _PERMUTATIONS[
                    event.permutations.kind if event.permutations.order > 1 else "identity"
                ],
                _named(event.transitions) if event.transitions else UNKNOWN,
            )
            for event in copies.levels
        ),
        (_EXACT, *copies.notes),
    )


_PERMUTATIONS = {
    "all": "all",
    "even": "the even ones",
    "some": "some",
    "some even": "some even ones",
    "identity": "none",
}


def _named(names: Sequence[str]) -> str:
    return " ".join(names[:_NAMED]) + (" ..." if len(names) > _NAMED else "") or "none"


def _interval(node: Record) -> str:
    if "share_low" not in node or "share_high" not in node:
        return UNKNOWN
    return f"{100 * node['share_low']:.2f} to {100 * node['share_high']:.2f} %"


def _lowest_curvature(node: Record) -> str:
    """Zero where the spectrum has zeros and nothing below: what is left there is rounding."""
    if node.get("nullity", 0) > 0 and node.get("index") == 0:
        return "0"
    both = (node.get("smallest_eigenvalue"), node.get("smallest_normal_eigenvalue"))
    return number(min((value for value in both if value is not None), default=None))


def _permutation(edge: Record) -> str:
    """Of neurons, and of teacher neurons where those have to be renumbered too."""
    students, teachers = edge.get("permutation", UNKNOWN), edge.get("teacher_permutation", "()")
    # Between points elsewhere on flat sets the numbering of the neurons says nothing.
    if students == "()" and "cycle_type" not in edge:
        students = UNKNOWN
    return students if teachers == "()" else f"{students}, teacher {teachers}"


def _operations(edges: Iterable[Record]) -> str:
    """``zero neuron; split of 1, 6``."""
    neurons: defaultdict[str, list[str]] = defaultdict(list)
    for edge in edges:
        neurons[edge.get("operation", UNKNOWN)] += [str(edge["neuron"])] if "neuron" in edge else []
    return "; ".join(
        operation + (f" of {', '.join(which)}" if which else "")
        for operation, which in sorted(neurons.items(), reverse=True)
    )
