"""Node-link JSON, as D3 and networkx read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import networkx as nx

from landtopo.export.format import Format, Rows, plain_multigraph, rows_of
from landtopo.export.prepare import Prepared

__all__ = ["FORMAT"]


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    data: dict[str, Any] = nx.node_link_data(
        plain_multigraph(prepared, nested=True), edges="links", nodes="nodes"
    )
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
    graph = nx.node_link_graph(
        json.loads(content), multigraph=True, directed=False, edges="links", nodes="nodes"
    )
    return rows_of(graph)


FORMAT = Format(
    suffix=".json", title="node-link JSON (D3)", write=_write, files=(".json",), read=_read
)
