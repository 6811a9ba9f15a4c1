"""Node-link JSON, as D3 and networkx read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import networkx as nx

from landtopo.export.format import Format, Rows, edge_rows, graph_row, node_rows
from landtopo.export.prepare import Prepared

__all__ = ["FORMAT"]


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    nodes = node_rows(prepared, nested=True)
    edges = {row["id"]: row for row in edge_rows(prepared, nested=True)}
    # Links come in networkx's order, by their ends in the order of the nodes.
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.add_nodes_from(row["id"] for row in nodes)
    graph.add_edges_from((row["from_id"], row["to_id"], row["id"]) for row in edges.values())
    data = {
        "directed": False,
        "multigraph": True,
        "graph": graph_row(prepared, nested=True),
        "nodes": nodes,
        "links": [
            {**edges[key], "source": first, "target": second, "key": key}
            for first, second, key in graph.edges(keys=True)
        ],
    }
    return {".json": json_lines(data, ("nodes", "links"))}


def json_lines(data: Mapping[str, Any], lists: tuple[str, ...]) -> bytes:
    """JSON with one row a line, so that files can be read and compared as text."""
    parts = []
    for name, value in data.items():
        if name in lists:
            rows = ",\n".join(_compact(row) for row in value)
            parts.append(f"{_compact(name)}:[\n{rows}\n]")
        else:
            parts.append(f"{_compact(name)}:{_compact(value)}")
    return ("{" + ",\n".join(parts) + "}\n").encode()


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _read(content: bytes) -> Rows:
    data = json.loads(content)
    return Rows(
        attributes=data.get("graph", {}), nodes=data["nodes"], edges=data["links"], nested=True
    )


FORMAT = Format(
    suffix=".json",
    title="node-link JSON (D3)",
    write=_write,
    files=(".json",),
    read=_read,
    reserved={"edge": ("source", "target", "key")},
)
