"""Whatever a graph holds is read back from its file, or refused before anything is written.

Texts, names and values are drawn from all that Python has: control characters, halves of surrogate
pairs, what XML has no place for, integers beyond 64 bits, mixed types, nested lists.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_landscape import open_graph, small_graph

from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.export import known_formats, output_files, prepare, read_graph, write_graph
from landtopo.export.prepare import natural_key
from landtopo.texts import escaped, unescaped

READABLE = (".gexf", ".graphml", ".json")
FORMATS = (*READABLE, ".csv", ".cyjs", ".dot", ".html", ".md")

#: Every code point, halves of surrogate pairs and non-characters included.
CHARACTERS = st.one_of(
    st.characters(),
    st.characters(categories=["Cs"]),
    st.characters(categories=["Cc"]),
    st.sampled_from("\ufffe\uffff\u0085\u2028\r\n\t\x00_x0AF<>&\"'\\é"),
)
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=8),
    st.sampled_from(["_x000D_", "_x005F_x000D_", "_x0041\x01", "a\r\nb", " ", "", "]]>", "\ud800"]),
)
SCALARS = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**200), max_value=2**200),
    st.floats(),
    st.none(),
)
VALUES = st.one_of(
    SCALARS,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.builds(np.array, st.lists(st.floats(width=64), max_size=3)),
    st.builds(np.array, st.lists(st.integers(-(2**62), 2**62), max_size=3)),
)
NAMES = st.one_of(
    st.sampled_from(
        ["viz", "parents", "key", "source", "target", "label", "type", "weight", "name", "value",
         "x", "color", "columns", "start", "end", "pid", "networkx_key", "node_default",
         "note", "u_for_edge", "node_for_adding", "incoming_graph_data", "for", "a b", "é", "",
         "a\nb", "\ud800"]
    ),
    TEXTS,
    st.integers(0, 3),
    st.none(),
    st.tuples(st.just("a")),
)  # fmt: skip
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=3)


@st.composite
def graphs(draw: Any) -> nx.MultiGraph[Any]:
    graph: nx.MultiGraph[Any] = nx.MultiGraph(format_version=1)
    graph.graph.update(draw(ATTRIBUTES))
    first = draw(st.one_of(st.just("w1-f0"), TEXTS))
    key = draw(st.one_of(st.just("w1-t0"), TEXTS))
    for node in (first, "w2-f0"):
        graph.add_node(node, kind="minimum", width=1, loss=0.5)
        graph.nodes[node].update(draw(ATTRIBUTES))
    graph.add_edge(first, "w2-f0", key=key, kind="lineage")
    graph.edges[first, "w2-f0", key].update(draw(ATTRIBUTES))
    return graph


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(graph=graphs())
def test_what_is_written_is_read_back_or_refused(tmp_path: Path, graph: nx.MultiGraph[Any]) -> None:
    for suffix in FORMATS:
        path = tmp_path / f"any{suffix}"
        before = dict.fromkeys(output_files(path), b"before")
        for file, content in before.items():
            file.write_bytes(content)
        refusal = ""
        try:
            write_graph(graph, path)
        except InvalidArgument as error:
            refusal = str(error)
        if refusal:
            assert "\n" not in refusal
            assert {file: file.read_bytes() for file in before} == before
            continue
        for file in before:
            file.read_bytes().decode("utf-8")
        if suffix in READABLE:
            again = read_graph(path)
            assert prepare(again) == prepare(graph)
            assert set(again) == set(graph)
    assert {file.name for file in tmp_path.iterdir()} == {
        file.name for suffix in FORMATS for file in output_files(tmp_path / f"any{suffix}")
    }


@pytest.mark.parametrize("suffix", READABLE)
@pytest.mark.parametrize("value", [True, False, 3, 0.5, "true", [True]])
def test_attributes_of_the_graph_keep_their_types(
    tmp_path: Path, suffix: str, value: object
) -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph(format_version=1, mine=value)
    graph.add_node("w1-f0", kind="minimum", width=1, loss=0.5)
    write_graph(graph, tmp_path / f"any{suffix}")
    again = read_graph(tmp_path / f"any{suffix}").graph["mine"]
    assert (type(again), again) == (type(value), value)


@given(text=TEXTS)
def test_texts_are_escaped_reversibly_and_fit_every_format(text: str) -> None:
    written = escaped(text)
    assert unescaped(written) == text
    written.encode()
    ElementTree.fromstring(f"<a>{written.replace('&', '').replace('<', '').replace('>', '')}</a>")
    assert not any(ord(letter) < 32 and letter not in "\t\n" for letter in written)
    if text.isprintable() and "_x" not in text:
        assert written == text


ODD_TEXTS = [
    "a\x01b.csv",
    "a\r\nb",
    "\ud800",
    "\udc80.csv",
    "_x0001_",
    "\ufffe",
    "\x00",
    "\x1b[31m",
    "",
]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_odd_texts_come_back_as_they_were(tmp_path: Path, text: str) -> None:
    graph = small_graph()
    graph.graph["teacher"] = graph.nodes["w6-f0"]["description"] = text
    graph.edges["w6-f0", "w7-f0", "l0"]["found_by"] = text
    graph.nodes["w6-f0"]["notes"] = {text: [text, {"deep": text}]}
    for suffix in FORMATS:
        files = write_graph(graph, tmp_path / f"odd{suffix}")
        for file in files:
            file.read_bytes().decode("utf-8")
        if suffix in READABLE:
            again = read_graph(files[0])
            assert again.graph["teacher"] == text
            assert again.nodes["w6-f0"]["description"] == text
            assert again.nodes["w6-f0"]["notes"] == {text: [text, {"deep": text}]}
            assert again.edges["w6-f0", "w7-f0", "l0"]["found_by"] == text
    with (tmp_path / "odd.nodes.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    assert unescaped(rows["w6-f0"]["description"]) == text
    assert len(rows) == 5


@pytest.mark.parametrize("suffix", READABLE)
@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (1.5, "x", "structure"),
        ("1.5", 1.5, "structure"),
        (True, 1, "structure"),
        (1, 2.5, "number"),
        (2**70, 1, "exact integer"),
        (2**70, 0.5, "structure"),
        ([1, "a"], "[1]", "structure"),
        ({"a": 1}, [2], "structure"),
        ("", "null", "text"),
        (np.array([2**60 + 1]), np.array([1]), "structure"),
    ],
)
def test_columns_of_mixed_types(
    tmp_path: Path, suffix: str, one: object, other: object, kind: str
) -> None:
    graph = small_graph()
    graph.nodes["w6-f0"]["note"], graph.nodes["w6-f1"]["note"] = one, other
    types = {column.name: column.type for column in prepare(graph).columns_of("node")}
    assert types["note"] == kind
    write_graph(graph, tmp_path / f"mixed{suffix}")
    again = read_graph(tmp_path / f"mixed{suffix}")
    for node, value in (("w6-f0", one), ("w6-f1", other)):
        found = again.nodes[node]["note"]
        np.testing.assert_array_equal(found, value)
        if not isinstance(value, np.ndarray) and kind == "structure":
            assert type(found) is type(value)


@pytest.mark.parametrize(
    "name", ["viz", "parents", "label", "type", "weight", "start", "pid", "for"]
)
@pytest.mark.parametrize("suffix", FORMATS)
def test_names_that_other_writers_keep_for_themselves(
    tmp_path: Path, suffix: str, name: str
) -> None:
    graph = small_graph()
    for number, data in enumerate([graph.graph, *graph.nodes.values(), *graph.edges.values()]):
        data[name] = f"value {number}"
    (path, *_) = write_graph(graph, tmp_path / f"a{suffix}")
    if suffix in READABLE:
        assert prepare(read_graph(path)) == prepare(graph)


@pytest.mark.parametrize(
    ("owner", "name", "suffixes"),
    [
        ("node", "x", FORMATS),
        ("node", "y_even", FORMATS),
        ("edge", "color", FORMATS),
        ("graph", "columns", FORMATS),
        ("node", 7, FORMATS),
        ("node", None, FORMATS),
        ("edge", "", FORMATS),
        ("edge", "two\nlines", FORMATS),
        ("node", "\ud800", FORMATS),
        ("graph", "_x0041_", FORMATS),
        ("edge", "source", (".json", ".cyjs")),
        ("edge", "key", (".json", ".cyjs")),
        ("node", "value", (".cyjs",)),
        ("graph", "node_default", (".graphml",)),
    ],
)
def test_names_that_a_file_cannot_keep_are_refused(
    tmp_path: Path, owner: str, name: Any, suffixes: tuple[str, ...]
) -> None:
    graph = small_graph()
    data = {
        "graph": graph.graph,
        "node": graph.nodes["w6-f0"],
        "edge": graph.edges["w6-f0", "w7-f0", "l0"],
    }[owner]
    data[name] = "mine"
    for suffix in FORMATS:
        path = tmp_path / f"a{suffix}"
        if suffix in suffixes:
            with pytest.raises(InvalidArgument) as refusal:
                write_graph(graph, path)
            assert str(refusal.value).endswith(".")
            assert "\n" not in str(refusal.value)
            assert repr(name) in str(refusal.value)
            assert not path.exists()
        else:
            write_graph(graph, path)


@pytest.mark.parametrize(
    "value",
    [{1, 2}, b"bytes", 1j, object(), {1.5: 2}, {1: 0, "1": 0}, 10**5000, [10**5000]],
    ids=["set", "bytes", "complex", "object", "key", "keys", "integer", "integers"],
)
def test_values_that_no_file_keeps_are_refused(tmp_path: Path, value: object) -> None:
    graph = small_graph()
    graph.nodes["w6-f0"]["note"] = value
    for suffix in FORMATS:
        with pytest.raises(InvalidArgument, match=r"'note' of node 'w6-f0' must be of type"):
            write_graph(graph, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_list_within_itself_is_refused() -> None:
    graph, ring = small_graph(), [1]
    ring.append(ring)  # type: ignore[arg-type]
    graph.nodes["w6-f0"]["note"] = ring
    with pytest.raises(InvalidArgument, match="'note' of node 'w6-f0' must be of type structure"):
        prepare(graph)


@pytest.mark.parametrize("name", ["", "a\nb", "\x01", "\ud800", "_x0041_", "a\u2028b"], ids=ascii)
def test_ids_are_printable(name: str) -> None:
    graph = nx.relabel_nodes(small_graph(), {"w6-f1": name})
    with pytest.raises(InvalidArgument, match="must have printable texts as node ids; got '"):
        prepare(graph)
    graph = small_graph()
    graph.add_edge("w6-f0", "w7-f0", key=name, kind="lineage")
    with pytest.raises(InvalidArgument, match="must have printable texts as edge keys"):
        prepare(graph)


def test_ids_are_sorted_whatever_they_hold() -> None:
    # "²" is a digit that is no number, and Python reads no number of 5000 digits.
    names = ["w²-f0", "w7-f0", "w07-f0", "w" + "9" * 5000, "w" + "1" * 5000, "w10", "٣"]
    backwards = names[::-1]
    assert sorted(names, key=natural_key) == sorted(backwards, key=natural_key)
    assert natural_key("w" + "1" * 5000) < natural_key("w" + "9" * 5000)


@pytest.mark.parametrize("loss", [1e308, 1.7e308, 5e-324])
def test_losses_of_any_size_are_drawn_somewhere(tmp_path: Path, loss: float) -> None:
    graph = small_graph()
    graph.nodes["w6-f1"]["loss"] = loss
    graph.nodes["w6-f0"]["share"] = -0.5
    for suffix in READABLE:
        write_graph(graph, tmp_path / f"a{suffix}")
        assert prepare(read_graph(tmp_path / f"a{suffix}")) == prepare(graph)


def test_numbers_that_are_no_decimal_numbers_are_no_numbers(tmp_path: Path) -> None:
    (path,) = write_graph(small_graph(), tmp_path / "a.graphml")
    text = path.read_text()
    for written in ("1_0", " 7", "٧"):
        path.write_text(text.replace(">6</data>", f">{written}</data>", 1))
        with pytest.raises(FileFormatError, match="cannot be read"):
            read_graph(path)


# GEXF 1.2draft: its elements, their attributes (! where required) and children, as its schema says.

_GEXF, _VIZ = "{http://www.gexf.net/1.2draft}", "{http://www.gexf.net/1.2draft/viz}"
_SPAN = "start startopen end endopen"
_ELEMENTS = {
    f"{_GEXF}gexf": ("version! variant", "meta graph"),
    f"{_GEXF}meta": ("lastmodifieddate", "creator keywords description"),
    f"{_GEXF}creator": ("", ""),
    f"{_GEXF}keywords": ("", ""),
    f"{_GEXF}description": ("", ""),
    f"{_GEXF}graph": (
        f"timeformat defaultedgetype idtype mode {_SPAN}",
        "attributes nodes edges",
    ),
    f"{_GEXF}attributes": (f"class! mode {_SPAN}", "attribute"),
    f"{_GEXF}attribute": ("id! title! type!", "default options"),
    f"{_GEXF}default": ("", ""),
    f"{_GEXF}options": ("", ""),
    f"{_GEXF}nodes": ("count", "node"),
    f"{_GEXF}node": (
        f"id! label pid {_SPAN}",
        "attvalues spells nodes edges parents viz:color viz:position viz:size viz:shape",
    ),
    f"{_GEXF}edges": ("count", "edge"),
    f"{_GEXF}edge": (
        f"id! source! target! type label weight {_SPAN}",
        "attvalues spells viz:color viz:thickness viz:shape",
    ),
    f"{_GEXF}attvalues": ("", "attvalue"),
    f"{_GEXF}attvalue": (f"for! value! {_SPAN}", ""),
    f"{_VIZ}color": (f"r! g! b! a {_SPAN}", ""),
    f"{_VIZ}position": (f"x! y! z! {_SPAN}", ""),
    f"{_VIZ}size": (f"value! {_SPAN}", ""),
    f"{_VIZ}thickness": (f"value! {_SPAN}", ""),
    f"{_VIZ}shape": (f"value! uri {_SPAN}", ""),
}
_WORDS = {
    ("gexf", "version"): {"1.2"},
    ("graph", "mode"): {"static", "dynamic"},
    ("graph", "defaultedgetype"): {"directed", "undirected", "mutual"},
    ("graph", "idtype"): {"integer", "string"},
    ("attributes", "class"): {"node", "edge"},
    ("attributes", "mode"): {"static", "dynamic"},
    ("attribute", "type"): {
        "integer", "long", "double", "float", "boolean", "liststring", "string", "anyURI",
    },
    ("edge", "type"): {"directed", "undirected", "mutual"},
    ("shape", "value"): {
        "disc", "square", "triangle", "diamond", "image", "solid", "dotted", "dashed", "double",
    },
}  # fmt: skip
_AT_LEAST_ZERO = {("size", "value"), ("thickness", "value"), ("color", "a")}


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def gexf_faults(content: str) -> list[str]:
    """Where a file departs from the schema, and from what it says about ids."""
    root = ElementTree.fromstring(content)
    faults = [] if root.tag == f"{_GEXF}gexf" else [f"the root is {root.tag}"]
    if [child.tag for child in root] not in ([f"{_GEXF}meta", f"{_GEXF}graph"], [f"{_GEXF}graph"]):
        faults.append("gexf holds meta, if any, and then one graph")
    for element in root.iter():
        attributes, children = _ELEMENTS.get(element.tag, ("", ""))
        name = _local(element.tag)
        if element.tag not in _ELEMENTS:
            faults.append(f"unknown element {element.tag}")
        known = {entry.rstrip("!") for entry in attributes.split()}
        required = {entry.rstrip("!") for entry in attributes.split() if entry.endswith("!")}
        # Attributes of other namespaces, such as xsi:schemaLocation, are allowed on any element.
        given = {key for key in element.attrib if not key.startswith("{")}
        faults += [f"{name} has an attribute {key}" for key in sorted(given - known)]
        faults += [f"{name} lacks its attribute {key}" for key in sorted(required - given)]
        allowed = {
            (_VIZ if entry.startswith("viz:") else _GEXF) + entry.removeprefix("viz:")
            for entry in children.split()
        }
        faults += [f"{name} holds {child.tag}" for child in element if child.tag not in allowed]
        for key, value in element.attrib.items():
            if value not in _WORDS.get((name, key), {value}):
                faults.append(f"{name} {key} is {value}")
            if (name, key) in _AT_LEAST_ZERO and not float(value) >= 0:
                faults.append(f"{name} {key} is {value}")
            if name == "position" and key in "xyz" and not np.isfinite(float(value)):
                faults.append(f"position {key} is {value}")
            if name == "color" and key in "rgb" and not 0 <= int(value) <= 255:
                faults.append(f"color {key} is {value}")
        if list(element) and (element.text or "").strip():
            faults.append(f"{name} holds text")
    return faults + _id_faults(root)


_LITERALS = {
    "long": int,
    "integer": int,
    "double": float,
    "float": float,
    "boolean": {"true": 1, "false": 0}.__getitem__,
}


def _id_faults(root: ElementTree.Element) -> list[str]:
    faults = []
    nodes = [node.get("id") for node in root.iter(f"{_GEXF}node")]
    edges = [edge.get("id") for edge in root.iter(f"{_GEXF}edge")]
    for ids in (nodes, edges):
        faults += [f"the id {name} occurs twice" for name in {i for i in ids if ids.count(i) > 1}]
    for edge in root.iter(f"{_GEXF}edge"):
        if not {edge.get("source"), edge.get("target")} <= set(nodes):
            faults.append(f"the edge {edge.get('id')} has no end")
    for owner in ("node", "edge"):
        types = {}
        for declared in root.iter(f"{_GEXF}attributes"):
            if declared.get("class") == owner:
                for attribute in declared:
                    if attribute.get("id") in types:
                        faults.append(f"the attribute {attribute.get('id')} occurs twice")
                    types[attribute.get("id")] = str(attribute.get("type"))
        for element in root.iter(f"{_GEXF}{owner}"):
            for value in element.iterfind(f"{_GEXF}attvalues/{_GEXF}attvalue"):
                kind = types.get(value.get("for"))
                if kind is None:
                    faults.append(f"the attribute {value.get('for')} is not declared")
                else:
                    _LITERALS.get(kind, str)(str(value.get("value")))
    return faults


def test_gexf_follows_its_schema(tmp_path: Path) -> None:
    lone: nx.MultiGraph[str] = nx.MultiGraph(format_version=1)
    lone.add_node("w1-f0", kind="minimum", width=1, loss=0.0)
    odd = small_graph()
    odd.graph["teacher"] = "\x01\ud800"
    odd.nodes["w6-f0"].update(viz="mine", parents=[1], note=1)
    odd.nodes["w6-f1"].update(note="x", start=2.5)
    for graph in (small_graph(), open_graph(), lone, odd, nx.MultiGraph(format_version=1)):
        (path,) = write_graph(graph, tmp_path / "a.gexf")
        assert gexf_faults(path.read_text()) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('mode="static"', 'mode="static" name="a"', "graph has an attribute name"),
        ('defaultedgetype="undirected"', 'defaultedgetype="none"', "defaultedgetype is none"),
        ('version="1.2"', 'version="1.3"', "version is 1.3"),
        ('type="long"', 'type="int"', "type is int"),
        (' z="0.0"', "", "position lacks its attribute z"),
        ('<edge source="w6-f0"', '<edge source="nowhere"', "has no end"),
        ('id="l1"', 'id="l0"', "the id l0 occurs twice"),
        ('for="1"', 'for="999"', "the attribute 999 is not declared"),
        ("<attvalues>", "<data/><attvalues>", "node holds"),
    ],
)
def test_the_check_of_the_schema_can_fail(tmp_path: Path, old: str, new: str, fault: str) -> None:
    (path,) = write_graph(small_graph(), tmp_path / "a.gexf")
    text = path.read_text()
    assert old in text
    assert any(fault in found for found in gexf_faults(text.replace(old, new, 1)))


def test_every_format_is_tried_here() -> None:
    assert set(FORMATS) == set(known_formats())
