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
from landtopo.export.format import CREATOR, Format, Rows, edge_rows, graph_row, node_rows
from landtopo.export.prepare import Prepared, Record

__all__ = ["FORMAT"]

_SPACE = "{http://www.gexf.net/1.2draft}"
_MARK = "column "
_SHAPES = {"circle": "disc", "square": "square", "diamond": "diamond"}


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    # networkx gives a meaning to many names: columns get theirs when it has written.
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    for row in node_rows(prepared):
        look = prepared.node_looks[row["id"]]
        graph.add_node(
            row["id"],
            viz={
                "position": {"x": look.x, "y": look.y, "z": 0.0},
                "color": _channels(look.color),
                "size": look.size,
                "shape": _SHAPES[look.shape],
            },
            **_marked(row, but=("id", "x", "y", "color")),
        )
    for row in edge_rows(prepared):
        edge = prepared.edge_looks[row["id"]]
        graph.add_edge(
            row["from_id"],
            row["to_id"],
            key=row["id"],
            id=row["id"],
            viz={"color": _channels(edge.color), "thickness": edge.thickness},
            **_marked(row, but=("id", "color")),
        )
    writer = GEXFWriter(graph, version="1.2draft")
    _finish(writer.xml, graph_row(prepared))
    stream = io.BytesIO()
    writer.write(stream)
    return {".gexf": stream.getvalue() + b"\n"}


def _marked(row: Record, *, but: tuple[str, ...]) -> Record:
    return {_MARK + name: value for name, value in row.items() if name not in but}


def _channels(color: str) -> dict[str, Any]:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return {"r": red, "g": green, "b": blue, "a": 1.0}


def _finish(xml: ElementTree.Element, attributes: Record) -> None:
    """Make the file depend on the graph alone, and as the schema of GEXF 1.2 wants it."""
    meta, graph = xml.find("meta"), xml.find("graph")
    assert meta is not None
    assert graph is not None
    meta.attrib.pop("lastmodifieddate")
    creator = meta.find("creator")
    assert creator is not None
    creator.text = CREATOR
    # GEXF has no attributes of the graph, not even a name, and a place for a text.
    graph.attrib.pop("name", None)
    description = ElementTree.SubElement(meta, "description")
    description.text = json.dumps(attributes, separators=(",", ":"), ensure_ascii=False)
    for declared in xml.iter("attributes"):
        for attribute in list(declared):
            title = attribute.get("title", "")
            if title.startswith(_MARK):
                attribute.set("title", title.removeprefix(_MARK))
            else:
                # Edge ids are the keys of networkx already; Gephi would show them twice.
                declared.remove(attribute)
                _drop_values(xml, str(attribute.get("id")))


def _drop_values(xml: ElementTree.Element, attribute: str) -> None:
    for values in xml.iter("attvalues"):
        for value in list(values):
            if value.get("for") == attribute:
                values.remove(value)


def _read(content: bytes) -> Rows:
    root = ElementTree.fromstring(content)
    found = root.find(f"{_SPACE}meta/{_SPACE}description")
    if found is None or not found.text:
        raise FileFormatError("it has no table of columns, so landtopo did not write it.")

    def rows(owner: str, **ids: str) -> list[Record]:
        declared = root.iterfind(f"{_SPACE}graph/{_SPACE}attributes[@class='{owner}']/*")
        titles = {attribute.get("id"): attribute.get("title", "") for attribute in declared}
        return [
            {
                **{name: element.get(attribute) for name, attribute in ids.items()},
                **{
                    titles[entry.get("for")]: entry.get("value")
                    for entry in element.iterfind(f"{_SPACE}attvalues/{_SPACE}attvalue")
                },
            }
            for element in root.iter(f"{_SPACE}{owner}")
        ]

    return Rows(
        attributes=json.loads(found.text),
        nodes=rows("node", id="id"),
        edges=rows("edge", id="id", from_id="source", to_id="target"),
    )


FORMAT = Format(suffix=".gexf", title="GEXF (Gephi)", write=_write, files=(".gexf",), read=_read)
