"""GEXF, for Gephi, with positions, sizes and colours."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import networkx as nx
from networkx.readwrite.gexf import GEXFWriter

from landtopo.errors import FileFormatError
from landtopo.export.format import CREATOR, Format, Rows, graph_row, plain_multigraph, rows_of
from landtopo.export.prepare import Prepared

__all__ = ["FORMAT"]

_SPACE = "{http://www.gexf.net/1.2draft}"
_SHAPES = {"circle": "disc", "square": "square", "diamond": "diamond"}


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    graph = plain_multigraph(prepared)
    # GEXF has no graph attributes: they go into the description, and only the name into the graph.
    graph.graph.clear()
    graph.graph["name"] = str(prepared.attributes.get("teacher", "landscape"))
    for node, data in graph.nodes(data=True):
        look = prepared.node_looks[node]
        for name in ("x", "y", "color"):
            del data[name]
        data["viz"] = {
            "position": {"x": look.x, "y": look.y, "z": 0.0},
            "color": _channels(look.color),
            "size": look.size,
            "shape": _SHAPES[look.shape],
        }
    for _, _, key, data in graph.edges(keys=True, data=True):
        del data["color"]
        edge = prepared.edge_looks[key]
        data["viz"] = {"color": _channels(edge.color), "thickness": edge.thickness}
    writer = GEXFWriter(graph, version="1.2draft")
    _finish(writer.xml, graph_row(prepared))
    stream = io.BytesIO()
    writer.write(stream)
    return {".gexf": stream.getvalue() + b"\n"}


def _channels(color: str) -> dict[str, Any]:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return {"r": red, "g": green, "b": blue, "a": 1.0}


def _finish(xml: ElementTree.Element, attributes: dict[str, Any]) -> None:
    """Make the file depend on the graph alone, and add what networkx has no place for."""
    meta = xml.find("meta")
    assert meta is not None
    meta.attrib.pop("lastmodifieddate")
    creator = meta.find("creator")
    assert creator is not None
    creator.text = CREATOR
    description = ElementTree.SubElement(meta, "description")
    description.text = json.dumps(attributes, separators=(",", ":"), ensure_ascii=False)
    # Edge ids are the keys already; without this Gephi shows them a second time.
    for attributes_element in xml.iter("attributes"):
        for attribute in list(attributes_element):
            if attribute.get("title") == "networkx_key":
                attributes_element.remove(attribute)
                _drop_values(xml, str(attribute.get("id")))


def _drop_values(xml: ElementTree.Element, attribute: str) -> None:
    for values in xml.iter("attvalues"):
        for value in list(values):
            if value.get("for") == attribute:
                values.remove(value)


def _read(content: bytes) -> Rows:
    found = ElementTree.fromstring(content).find(f"{_SPACE}meta/{_SPACE}description")
    if found is None or not found.text:
        raise FileFormatError("it has no table of columns, so landtopo did not write it.")
    rows = rows_of(nx.read_gexf(io.BytesIO(content)))
    return Rows(attributes=json.loads(found.text), nodes=rows.nodes, edges=rows.edges)


FORMAT = Format(suffix=".gexf", title="GEXF (Gephi)", write=_write, files=(".gexf",), read=_read)
