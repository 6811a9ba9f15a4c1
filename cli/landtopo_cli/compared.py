"""Landscapes of several models side by side, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo.wording import UNKNOWN, exact, listed, number, percent
from landtopo_cli.tables import loss_text, table

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.landscape.compared_models import ModelComparison, ModelWidth

__all__ = ["comparison_record", "comparison_text", "named"]


def named(graphs: Iterable[tuple[Path, nx.MultiGraph[str]]]) -> dict[str, nx.MultiGraph[str]]:
    """Graphs by their activations and what else students are, or by their files if two agree."""
    from landtopo.landscape.schema import MODEL, STUDENTS
    from landtopo.models.networks.landscape.across_models import name_of_model

    listed_graphs = list(graphs)
    for source, graph in listed_graphs:
        if MODEL in graph.graph and STUDENTS not in graph.graph:
            raise click.UsageError(
                f"'{source}' is the graph of a {graph.graph[MODEL]}; compare is for students of a "
                "teacher."
            )
    names = [name_of_model(graph) for _, graph in listed_graphs]
    if len(set(names)) < len(names):
        names = [source.name for source, _ in listed_graphs]
    if len(set(names)) < len(names):
        raise click.UsageError("Two of the graphs have the same name; rename one of the files.")
    return {name: graph for name, (_, graph) in zip(names, listed_graphs, strict=True)}


def comparison_record(found: ModelComparison) -> dict[str, Any]:
    """The comparison in JSON."""
    return {
        "models": list(found.models),
        "widths": found.rows(),
        "families": [asdict(one) for one in found.families],
    }


def comparison_text(found: ModelComparison) -> str:
    """The comparison for people."""
    header = (
        *("width", "model", "families", "isolated", "flat", "lowest escape"),
        *("spurious starts", "95 % interval", "lowest loss", "pieces there"),
    )
    parts = [table(header, [_row(entry) for entry in found.entries])]
    first = found.models[0]
    columns = ("width", "model", "family", "loss", f"nearest in {first}", "distance in (Q, R)")
    others = [one for one in found.families if one.model != first]
    parts.append(
        table(
            columns,
            [
                (
                    str(one.width),
                    one.model,
                    one.family,
                    loss_text(one.loss),
                    one.partner or "none: it appears",
                    number(one.distance, 3),
                )
                for one in others
            ],
        )
    )
    gone = [
        f"{entry.model}, width {entry.width}: {listed(entry.go)} of {first} "
        f"{'has' if len(entry.go) == 1 else 'have'} no counterpart."
        for entry in found.entries
        if entry.go
    ]
    return "\n\n".join([*parts, *(["\n".join(gone)] if gone else [])])


def _row(entry: ModelWidth) -> tuple[str, ...]:
    low, high = entry.spurious_low, entry.spurious_high
    return (
        str(entry.width),
        entry.model,
        str(entry.families),
        str(entry.isolated),
        str(entry.flat),
        number(entry.lowest_escape, 3),
        percent(entry.spurious_share),
        UNKNOWN if low is None or high is None else f"{percent(low)} to {percent(high)}",
        loss_text(entry.lowest),
        UNKNOWN if entry.pieces is None else exact(entry.pieces),
    )
