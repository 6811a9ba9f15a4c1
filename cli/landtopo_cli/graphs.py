"""A landscape graph as people read it in a terminal, and as programs read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landtopo.landscape.schema import LINEAGE, MODEL
from landtopo.wording import counted
from landtopo_cli.tables import table

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.export.tables import Table
    from landtopo.export.unresolved import Unresolved

__all__ = ["graph_record", "graph_text"]


def graph_record(graph: nx.MultiGraph[str]) -> dict[str, Any]:
    """A graph in JSON: attributes, families or minima (nodes) and edges."""
    from landtopo.export.prepare import prepare
    from landtopo.export.tables import width_rows

    prepared = prepare(graph)
    if MODEL in prepared.attributes:
        return {
            "attributes": prepared.attributes,
            "minima": list(prepared.nodes),
            "transition_states": [one for one in prepared.edges if one["kind"] != LINEAGE],
            "lineage": [one for one in prepared.edges if one["kind"] == LINEAGE],
        }
    return {
        "attributes": prepared.attributes,
        "widths": [row.record() for row in width_rows(graph)],
        "families": list(prepared.nodes),
        "edges": list(prepared.edges),
    }


def graph_text(graph: nx.MultiGraph[str]) -> str:
    """Families, transitions and what is left open, width by width, then lineages."""
    from landtopo.export.parameters import energies_told
    from landtopo.export.prepare import prepare
    from landtopo.export.story import start_evidence
    from landtopo.export.tables import (
        families_of,
        family_table,
        lineage_table,
        transition_table,
        transitions_of,
        width_rows,
        widths_table,
    )
    from landtopo.export.unresolved import unresolved

    prepared = prepare(graph)
    if MODEL in prepared.attributes:
        sentences, tables = energies_told(prepared)
        shown = [_text(found) for found in tables if found.rows]
        return "\n\n".join(["\n".join(sentences), *shown])
    parts = []
    rows = width_rows(graph)
    if rows:
        parts += ["Connectivity against width:", _text(widths_table(rows))]
    for entry in unresolved(prepared):
        families = families_of(prepared, entry.width)
        passes = transitions_of(prepared, entry.width)
        parts.append(
            f"Width {entry.width}: {counted(len(families), 'family', 'families')} of minima, "
            f"{counted(len(passes), 'transition')}"
        )
        if families:
            parts.append(_text(family_table(families)))
        if passes:
            parts.append(_text(transition_table(passes)))
        if sure := start_evidence(prepared, entry.width):
            parts.append("\n".join(sure))
        parts += _left_open(entry)
    lineages = lineage_table(prepared)
    if lineages.rows:
        parts.append("What a family becomes when the student is one neuron wider:")
        parts.append(_text(lineages))
    return "\n\n".join(parts)


def _text(content: Table) -> str:
    return "\n\n".join([table(content.header, content.rows), *content.notes])


def _left_open(entry: Unresolved) -> list[str]:
    lines = [f"  {sentence}" for sentence in entry.sentences()]
    return ["\n".join(["Not in the graph, or not decided:", *lines])] if lines else []
