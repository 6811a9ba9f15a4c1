"""GraphML, for Gephi, Cytoscape, yEd, igraph and networkx."""

from __future__ import annotations

import io
from collections.abc import Mapping
from xml.etree import ElementTree

import networkx as nx
from networkx.readwrite.graphml import GraphMLWriter

from landtopo.export.format import Format, Rows, edge_rows, graph_row, node_rows
from landtopo.export.prepare import Prepared, Record

__all__ = ["FORMAT"]

_SPACE = "{http://graphml.graphdrawing.org/xmlns}"


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.graph.update(graph_row(prepared))
    # XML ids say what `id` does, and Gephi refuses a second column of that name.
    for row in node_rows(prepared):
        node = row.pop("id")
        graph.add_node(node)
        graph.nodes[node].update(row)
    for row in edge_rows(prepared):
        edge = row["from_id"], row["to_id"], row.pop("id")
        graph.add_edge(*edge)
        graph.edges[edge].update(row)
    # networkx.write_graphml writes other bytes when lxml is installed.
    writer = GraphMLWriter()
    writer.add_graph_element(graph)
    booleans = {key.get("id") for key in writer.xml if key.get("attr.type") == "boolean"}
    for element in writer.xml.iter("data"):
        if element.get("key") in booleans:
            # networkx writes Python's True; XML knows only true.
            element.text = element.text.lower()
    stream = io.BytesIO()
    writer.dump(stream)
    return {".graphml": stream.getvalue() + b"\n"}


def _read(content: bytes) -> Rows:
    # networkx would drop empty texts, and make a simple graph of one without parallel edges.
    root = ElementTree.fromstring(content)
    names = {key.get("id"): key.get("attr.name", "") for key in root.iter(f"{_SPACE}key")}

    def rows(tag: str, **ids: str) -> list[Record]:
        return [
            {
                **{name: element.get(attribute) for name, attribute in ids.items()},
                **{
                    names[entry.get("key")]: entry.text or ""
                    for entry in element.iterfind(f"{_SPACE}data")
                },
            }
            for element in root.iter(f"{_SPACE}{tag}")
        ]

    (attributes,) = rows("graph")
    return Rows(
        attributes=attributes,
        nodes=rows("node", id="id"),
        edges=rows("edge", id="id", from_id="source", to_id="target"),
    )


FORMAT = Format(
    suffix=".graphml",
    title="GraphML",
    write=_write,
    files=(".graphml",),
    read=_read,
    # What networkx calls the values of nodes and edges that have none.
    reserved={"graph": ("node_default", "edge_default")},
)
