"""A landscape graph as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.landscape.widths import WidthRow

__all__ = ["graph_record", "graph_text"]

# More families than this are not all named in one cell.
_NAMED = 4
_PAST_SADDLE = (
    "* One descent keeps a symmetry of the saddle and ends in a lower saddle; "
    "from there it was followed on."
)
_YES_NO = {True: "yes", False: "no", None: "-"}


def graph_record(graph: nx.MultiGraph[str]) -> dict[str, Any]:
    """A graph in JSON: attributes, families (nodes) and edges."""
    from landtopo.export.prepare import prepare

    prepared = prepare(graph)
    return {
        "attributes": prepared.attributes,
        "widths": [row.record() for row in _width_rows(graph)],
        "families": list(prepared.nodes),
        "edges": list(prepared.edges),
    }


def graph_text(graph: nx.MultiGraph[str]) -> str:
    """Families, transitions and lineages, width by width."""
    from landtopo.export.prepare import prepare
    from landtopo.landscape.schema import LINEAGE

    prepared = prepare(graph)
    parts = []
    rows = _width_rows(graph)
    if rows:
        parts += ["Connectivity against width:", _width_table(rows)]
    for width in sorted({node["width"] for node in prepared.nodes}):
        families = [node for node in prepared.nodes if node["width"] == width]
        ids = {node["id"] for node in families}
        passes = [edge for edge in prepared.edges if _within(edge, ids) and edge["kind"] != LINEAGE]
        parts.append(
            f"Width {width}: {_count(len(families), 'family', 'families')} of minima, "
            f"{_count(len(passes), 'transition')}"
        )
        parts.append(_families(families))
        if passes:
            parts.append(_transitions(passes))
    lineages = [edge for edge in prepared.edges if edge["kind"] == LINEAGE]
    if lineages:
        parts.append("What a family becomes when the student is one neuron wider:")
        parts.append(_lineages(lineages))
    return "\n\n".join(parts)


def _width_rows(graph: nx.MultiGraph[str]) -> tuple[WidthRow, ...]:
    """Connectivity by width; nothing for a graph from elsewhere that says too little for it."""
    from landtopo.errors import InvalidArgument
    from landtopo.landscape.widths import width_table

    try:
        return width_table(graph)
    except InvalidArgument:
        return ()


def _width_table(rows: Sequence[WidthRow]) -> str:
    header = (
        "width",
        "families",
        "isolated",
        "flat",
        "starts at zero loss",
        "pieces at zero loss",
        "largest spurious loss",
        "lowest escape",
        "stay",
        "turn into saddles",
        "appear",
    )
    return table(
        header,
        (
            (
                str(row.width),
                str(row.families),
                str(row.isolated),
                str(row.flat),
                "-" if row.global_share is None else f"{100 * row.global_share:.2f} %",
                "-" if row.zero_components is None else number(row.zero_components),
                number(row.largest_spurious_loss),
                number(row.lowest_escape),
                *(
                    ("-", "-", "-")
                    if row.step is None
                    else (
                        _listed(row.step.stay),
                        _listed(row.step.turn),
                        _listed(row.step.appear),
                    )
                ),
            )
            for row in rows
        ),
    )


def _listed(names: Sequence[str]) -> str:
    return " ".join(names[:_NAMED]) + (" ..." if len(names) > _NAMED else "") or "none"


def _families(nodes: list[dict[str, Any]]) -> str:
    header = (
        "family",
        "loss",
        "starts",
        "share",
        "flat",
        "copies",
        "lowest curvature",
        "what it is",
    )
    return table(
        header,
        (
            (
                node["id"],
                loss_text(node["loss"]),
                str(node.get("count", "-")),
                f"{100 * node['share']:.2f} %" if "share" in node else "-",
                str(node.get("flat_dimension", "-")),
                number(node.get("orbit_size")),
                number(node.get("smallest_eigenvalue")),
                node.get("description", ""),
            )
            for node in nodes
        ),
    )


def _transitions(edges: list[dict[str, Any]]) -> str:
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
    rows = table(
        header,
        (
            (
                edge["id"],
                edge["from_id"],
                edge["to_id"],
                edge["kind"] + ("*" if edge.get("through_saddle") else ""),
                edge.get("permutation", "-"),
                "-" if "loss" not in edge else loss_text(edge["loss"]),
                number(edge.get("barrier_from")),
                number(edge.get("barrier_to")),
                _YES_NO[edge.get("verified")],
            )
            for edge in sorted(edges, key=lambda edge: (edge.get("loss", 0.0), edge["id"]))
        ),
    )
    past_saddle = any(edge.get("through_saddle") for edge in edges)
    return f"{rows}\n\n{_PAST_SADDLE}" if past_saddle else rows


def _lineages(edges: list[dict[str, Any]]) -> str:
    header = ("from", "to", "by", "neuron", "fate", "fraction")
    return table(
        header,
        (
            (
                edge["from_id"],
                edge["to_id"],
                edge.get("operation", "-"),
                str(edge.get("neuron", "-")),
                edge.get("fate", "-"),
                number(edge.get("fraction"), 3),
            )
            for edge in edges
        ),
    )


def _within(edge: dict[str, Any], ids: set[str]) -> bool:
    return edge["from_id"] in ids and edge["to_id"] in ids


def _count(size: int, one: str, many: str = "") -> str:
    return f"{size} {one if size == 1 else many or one + 's'}"
