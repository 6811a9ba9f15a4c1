"""A landscape of energies in sentences and tables, for the terminal and for reports."""

from __future__ import annotations

import math

from landtopo.export.prepare import Prepared, Record
from landtopo.export.story import search_evidence
from landtopo.export.tables import Table
from landtopo.landscape.metrics import components
from landtopo.landscape.schema import MODEL
from landtopo.landscape.tree import merge_tree
from landtopo.wording import UNKNOWN, counted, listed, loss_text, number

__all__ = [
    "LISTED",
    "about_energies",
    "energies_evidence",
    "energies_found",
    "minimum_table",
    "transition_state_table",
]

#: A terminal and a page have room for so many rows.
LISTED = 24

# More of a kind than this are summed up.
_NAMED = 6
# What no search of landtopo has found.
_UNSEARCHED = (
    "A database does not say how it was searched: minima, and transition states between those that "
    "are here, may be missing."
)


def about_energies(prepared: Prepared) -> list[str]:
    """What there is, how it is joined, and what is not known, in sentences."""
    return [*energies_found(prepared), *energies_evidence(prepared)]


def energies_found(prepared: Prepared) -> list[str]:
    """What there is, and how it is joined."""
    minima, passes = prepared.nodes, prepared.edges
    loops = sum(edge["from_id"] == edge["to_id"] for edge in passes)
    found = (
        f"{prepared.attributes[MODEL]}: {counted(len(minima), 'minimum', 'minima')}, "
        f"{counted(len(passes), 'transition state')}"
    )
    if loops:
        found += f", {loops} of them between copies of one minimum"
    sentences = [f"{found}."]
    if minima:
        lowest = min(minima, key=lambda node: node["loss"])
        sentences.append(f"The lowest energy is {loss_text(lowest['loss'])} ({lowest['id']}).")
    parts = components(prepared.graph())
    if len(parts) == 1 and len(minima) > 1:
        sentences.append("The transition states join all minima.")
    elif len(parts) > 1:
        sizes = [str(size) for size in sorted(map(len, parts), reverse=True)]
        sentences.append(
            f"The minima fall into {len(parts)} parts that no transition state joins, of "
            f"{listed(sizes, _NAMED)}."
        )
    if "derivatives" in prepared.attributes:
        sentences.append(f"Derivatives are made of {prepared.attributes['derivatives']}.")
    return sentences


def energies_evidence(prepared: Prepared) -> list[str]:
    """What was searched, and what that says of what was not found."""
    evidence = [
        sentence
        for key in prepared.attributes.get("coverage", {})
        for sentence in search_evidence(prepared.attributes, key, prepared.nodes, prepared.edges)
    ]
    failed = sum(map(len, prepared.attributes.get("failed_pairs", {}).values()))
    if failed:
        evidence.append(f"{counted(failed, 'pair')} of minima could not be joined.")
    return evidence or [_UNSEARCHED]


def minimum_table(prepared: Prepared) -> Table:
    """The lowest minima, one row each."""
    rows = sorted(prepared.nodes, key=lambda node: node["loss"])
    tree = merge_tree(prepared.graph())
    searched = any("count" in node for node in rows)
    further = ("starts", "copies", "what") if searched else ("point group", "log product")
    return Table(
        ("minimum", "energy", "barrier to a lower one", *further),
        tuple(
            (
                node["id"],
                loss_text(node["loss"]),
                number(_finite(tree.nodes[node["id"]]["persistence"])),
                *(_met(node) if searched else _point(node)),
            )
            for node in rows[:LISTED]
        ),
        _more(len(rows), "minima"),
    )


def transition_state_table(prepared: Prepared) -> Table:
    """The lowest transition states, one row each."""
    rows = sorted(prepared.edges, key=lambda edge: edge["loss"])
    return Table(
        (
            "transition state",
            "from",
            "to",
            "energy",
            "barrier from",
            "barrier to",
            "point group",
            "log product",
        ),
        tuple(
            (
                edge["id"],
                edge["from_id"],
                edge["to_id"],
                loss_text(edge["loss"]),
                number(edge.get("barrier_from")),
                number(edge.get("barrier_to")),
                *_point(edge),
            )
            for edge in rows[:LISTED]
        ),
        _more(len(rows), "transition states"),
    )


def _met(record: Record) -> tuple[str, str, str]:
    """What a search of landtopo says of a minimum."""
    return (
        str(record.get("count", UNKNOWN)),
        str(record.get("orbit_size", UNKNOWN)),
        str(record.get("description", UNKNOWN)),
    )


def _point(record: Record) -> tuple[str, str]:
    return str(record.get("point_group_order", UNKNOWN)), number(record.get("log_product"))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _more(rows: int, what: str) -> tuple[str, ...]:
    return (f"{rows - LISTED} more {what} are not listed.",) if rows > LISTED else ()
