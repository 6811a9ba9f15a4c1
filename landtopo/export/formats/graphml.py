"""GraphML, for Gephi, Cytoscape, yEd, igraph and networkx."""

from __future__ import annotations

import io
from collections.abc import Mapping

import networkx as nx
from networkx.readwrite.graphml import GraphMLWriter

from landtopo.export.format import Format, Rows, plain_multigraph, rows_of
from landtopo.export.prepare import Prepared

__all__ = ["FORMAT"]

_SPACE = "{http://graphml.graphdrawing.org/xmlns}"


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    graph = plain_multigraph(prepared)
    for _, data in graph.nodes(data=True):
        # XML ids say it already, and Gephi refuses a second column of that name.
        del data["id"]
    for *_, data in graph.edges(data=True):
        del data["id"]
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
    graph = nx.read_graphml(io.BytesIO(content), edge_key_type=str, force_multigraph=True)
    return rows_of(graph)


FORMAT = Format(suffix=".graphml", title="GraphML", write=_write, files=(".graphml",), read=_read)
