"""Cytoscape JSON, for Cytoscape, Cytoscape.js and networkx (which wants value and key)."""

from __future__ import annotations

from collections.abc import Mapping

from landtopo.export.format import CREATOR, Format, edge_rows, graph_row, node_rows
from landtopo.export.formats.node_link import json_lines
from landtopo.export.prepare import Prepared

__all__ = ["FORMAT"]


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    nodes = []
    for row in node_rows(prepared):
        # Cytoscape's y axis points down.
        nodes.append(
            {
                "data": {**row, "name": row["id"], "value": row["id"]},
                "position": {"x": row["x"], "y": -row["y"]},
                "selected": False,
            }
        )
    edges = [
        {
            "data": {
                **row,
                "name": row["id"],
                "key": row["id"],
                "source": row["from_id"],
                "target": row["to_id"],
            },
            "selected": False,
        }
        for row in edge_rows(prepared)
    ]
    data = {
        "format_version": "1.0",
        "generated_by": CREATOR,
        "target_cytoscapejs_version": "~3.0",
        "directed": False,
        "multigraph": True,
        "data": {
            **graph_row(prepared),
            "name": str(prepared.attributes.get("teacher", "landscape")),
        },
        "elements": {"nodes": nodes, "edges": edges},
    }
    return {".cyjs": json_lines(data, ())}


FORMAT = Format(
    suffix=".cyjs",
    title="Cytoscape JSON",
    write=_write,
    files=(".cyjs",),
    reserved={
        "graph": ("name",),
        "node": ("name", "value"),
        "edge": ("name", "key", "source", "target"),
    },
)
