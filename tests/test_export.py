"""Files of landscape graphs: what is written, that it is read back equal, and by other programs.

Round trips compare prepared graphs, which hold every value in plain types. Readers that have
nothing to do with the writers (igraph, pydot, csv, a D3-style reader, the XML parser) confirm the
structure. Equal graphs must give equal bytes, in whatever order they were built.
"""

from __future__ import annotations

import csv
import enum
import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pytest
from synthetic_landscape import large_graph, small_graph

from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.export import (
    known_formats,
    output_files,
    prepare,
    read_graph,
    write_bytes,
    write_graph,
)
from landtopo.export.looks import BAND, COLUMN_DISTANCE, EDGE_STYLES, FAMILY_STYLES, HEIGHT
from landtopo.export.prepare import natural_key
from landtopo.landscape import schema

SUFFIXES = (".csv", ".cyjs", ".dot", ".gexf", ".graphml", ".html", ".json", ".md")
READABLE = (".gexf", ".graphml", ".json")


def shuffled(graph: nx.MultiGraph[str]) -> nx.MultiGraph[str]:
    """The same graph built in the opposite order, edges from the other end."""
    other: nx.MultiGraph[str] = nx.MultiGraph(**dict(reversed(graph.graph.items())))
    for node in reversed(list(graph)):
        other.add_node(node, **dict(reversed(graph.nodes[node].items())))
    for first, second, key, data in reversed(list(graph.edges(keys=True, data=True))):
        other.add_edge(second, first, key=key, **dict(reversed(data.items())))
    return other


def test_formats_are_discovered() -> None:
    assert tuple(known_formats()) == SUFFIXES


@pytest.mark.parametrize("suffix", READABLE)
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    graph = small_graph()
    write_graph(graph, tmp_path / f"landscape{suffix}")
    read = read_graph(tmp_path / f"landscape{suffix}")
    assert prepare(read) == prepare(graph)
    assert isinstance(read, nx.MultiGraph)
    assert not isinstance(read, nx.MultiDiGraph)
    node = read.nodes["w6-f1"]
    assert node["orbit_size"] == math.factorial(6) * 720 // 120
    assert type(node["orbit_size"]) is int
    assert node["is_global"] is False
    np.testing.assert_array_equal(node["weights"], graph.nodes["w6-f1"]["weights"])
    assert not node["weights"].flags.writeable
    edge = read.edges["w6-f1", "w6-f0", "w6-t0"]
    assert edge["profile"] == graph.edges["w6-f1", "w6-f0", "w6-t0"]["profile"]
    assert "neuron" not in read.edges["w6-f0", "w7-f0", "l0"]
    assert read.graph["starts"] == {"6": 2000, "7": 2000, "8": 500}


@pytest.mark.parametrize("suffix", READABLE)
def test_round_trip_of_a_graph_without_parallel_edges(tmp_path: Path, suffix: str) -> None:
    # Readers of networkx turn such a file into a simple graph and lose the keys.
    graph = small_graph()
    graph.remove_edge("w6-f0", "w6-f0", "w6-t2")
    write_graph(graph, tmp_path / f"landscape{suffix}")
    assert prepare(read_graph(tmp_path / f"landscape{suffix}")) == prepare(graph)


@pytest.mark.parametrize("suffix", READABLE)
def test_round_trip_of_one_family(tmp_path: Path, suffix: str) -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph(format_version=1)
    graph.add_node("w1-f0", kind="minimum", width=1, loss=0.0)
    write_graph(graph, tmp_path / f"one{suffix}")
    assert prepare(read_graph(tmp_path / f"one{suffix}")) == prepare(graph)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_graphs_give_equal_bytes(tmp_path: Path, suffix: str) -> None:
    first = write_graph(small_graph(), tmp_path / f"a{suffix}")
    second = write_graph(shuffled(small_graph()), tmp_path / f"b{suffix}")
    assert len(first) == len(second) == (3 if suffix == ".csv" else 1)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first == output_files(tmp_path / f"a{suffix}")


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_export import _digest\n"
        "print(_digest())\n"
    )
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    elsewhere = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert elsewhere == f"{_digest()}\n"


def _digest() -> str:
    written = [f.write(prepare(small_graph())) for f in known_formats().values()]
    return hashlib.sha256(repr(written).encode()).hexdigest()


def test_graphml_for_others(tmp_path: Path) -> None:
    (path,) = write_graph(small_graph(), tmp_path / "landscape.graphml")
    plain = nx.read_graphml(path, edge_key_type=str, force_multigraph=True)
    assert set(plain) == set(small_graph())
    assert plain.nodes["w6-f1"]["loss"] == 0.0250805810
    space = "{http://graphml.graphdrawing.org/xmlns}"
    root = ElementTree.parse(path).getroot()
    names = [(key.get("for"), key.get("attr.name")) for key in root.iter(f"{space}key")]
    # One type a column: networkx declares a second key of the same name for a second type.
    assert len(names) == len(set(names))
    booleans = {k.get("id") for k in root.iter(f"{space}key") if k.get("attr.type") == "boolean"}
    values = {d.text for d in root.iter(f"{space}data") if d.get("key") in booleans}
    assert values == {"true", "false"}
    ids = [element.get("id") for element in root.iter() if element.tag != f"{space}key"]
    ids = [name for name in ids if name is not None]
    assert len(ids) == len(set(ids)) == 5 + 11
    igraph = pytest.importorskip("igraph")
    other = igraph.Graph.Read_GraphML(str(path))
    assert (other.vcount(), other.ecount()) == (5, 11)
    assert other.vs.find(id="w7-f1")["loss"] == 0.0187
    assert sum(other.is_loop()) == 4


def test_gexf_for_gephi(tmp_path: Path) -> None:
    (path,) = write_graph(small_graph(), tmp_path / "landscape.gexf")
    text = path.read_text()
    assert "lastmodifieddate" not in text
    assert "networkx" not in text.lower()
    read = nx.read_gexf(path)
    look = prepare(small_graph()).node_looks["w6-f1"]
    assert read.nodes["w6-f1"]["viz"]["position"] == {"x": look.x, "y": look.y, "z": 0.0}
    color = read.nodes["w6-f1"]["viz"]["color"]
    assert "#{r:02X}{g:02X}{b:02X}".format(**color) == look.color
    assert read.nodes["w6-f1"]["viz"]["size"] == look.size
    assert sorted(key for *_, key in read.edges(keys=True)) == sorted(
        key for *_, key in small_graph().edges(keys=True)
    )
    space = "{http://www.gexf.net/1.2draft}"
    root = ElementTree.parse(path).getroot()
    for owner in root.iter(f"{space}attributes"):
        titles = [attribute.get("title") for attribute in owner]
        assert len(titles) == len(set(titles))
    declared = {attribute.get("id") for attribute in root.iter(f"{space}attribute")}
    assert {value.get("for") for value in root.iter(f"{space}attvalue")} <= declared


def test_json_for_d3(tmp_path: Path) -> None:
    (path,) = write_graph(small_graph(), tmp_path / "landscape.json")
    data = json.loads(path.read_text(), parse_constant=pytest.fail)
    nodes = {node["id"]: node for node in data["nodes"]}
    for link in data["links"]:
        assert link["source"] in nodes
        assert link["target"] in nodes
    assert len({link["id"] for link in data["links"]} | set(nodes)) == 5 + 11
    assert nodes["w6-f0"]["weights"][0] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    # Exact integers are text: a JavaScript number would round them.
    assert nodes["w8-f0"]["orbit_size"] == str(math.factorial(8))
    assert data["graph"]["columns"][0]["name"] == "format_version"
    again = nx.node_link_graph(data, edges="links")
    assert sorted(key for *_, key in again.edges(keys=True)) == sorted(
        key for *_, key in small_graph().edges(keys=True)
    )


def test_cytoscape_json(tmp_path: Path) -> None:
    (path,) = write_graph(small_graph(), tmp_path / "landscape.cyjs")
    data = json.loads(path.read_text())
    read = nx.cytoscape_graph(data)
    assert set(read) == set(small_graph())
    assert read.number_of_edges() == 11
    assert data["data"]["format_version"] == 1
    values = [value for node in data["elements"]["nodes"] for value in node["data"].values()]
    assert {type(value) for value in values} <= {str, int, float, bool}


def test_dot(tmp_path: Path) -> None:
    pydot = pytest.importorskip("pydot")
    graph = small_graph()
    graph.nodes["w6-f0"]["description"] = 'quotes " and \\ backslashes'
    (path,) = write_graph(graph, tmp_path / "landscape.dot")
    (read,) = pydot.graph_from_dot_file(str(path))
    names = {node.get_name().strip('"') for node in read.get_nodes()}
    assert names >= set(graph)
    assert len(read.get_edges()) == 11
    # Graphviz's own names are not taken: width=6 would be six inches.
    assert all(float(n.get("width").strip('"')) < 1 for n in read.get_nodes() if n.get("width"))


def test_csv_tables(tmp_path: Path) -> None:
    nodes, edges, columns = write_graph(small_graph(), tmp_path / "landscape.csv")
    assert nodes.name == "landscape.nodes.csv"
    with nodes.open(newline="") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    assert float(rows["w6-f1"]["loss"]) == 0.0250805810
    assert rows["w6-f1"]["is_global"] == "false"
    assert rows["w6-f1"]["reachability"] == ""
    assert json.loads(rows["w6-f0"]["weights"])[1][1] == 1.0
    with edges.open(newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)][:2] == ["l0", "l1"]
    with columns.open(newline="") as stream:
        meanings = {(row["owner"], row["name"]): row["meaning"] for row in csv.DictReader(stream)}
    assert meanings["edge", "barrier_from"] == "height of the pass above from_id"
    for owner, path in (("node", nodes), ("edge", edges)):
        with path.open(newline="") as stream:
            assert all(meanings[owner, name] for name in next(csv.reader(stream)))


class Fate(enum.Enum):
    STAYS = "stays"


def test_prepare_makes_plain_values_of_one_type_a_column() -> None:
    graph = small_graph()
    graph.nodes["w6-f0"]["psi_min"] = np.float32(0.5)
    graph.nodes["w6-f1"]["index"] = 0.0
    graph.nodes["w7-f0"]["description"] = None
    graph.edges["w6-f0", "w7-f0", "l0"]["fate"] = Fate.STAYS
    graph.nodes["w6-f0"]["verdict_margin"] = 1
    graph.nodes["w6-f1"]["verdict_margin"] = 2.5
    prepared = prepare(graph)
    plain = {"integer": int, "exact integer": int, "number": float, "boolean": bool, "text": str}
    for owner, records in (("node", prepared.nodes), ("edge", prepared.edges)):
        kinds = {column.name: column.type for column in prepared.columns_of(owner)}
        for record in records:
            for name, value in record.items():
                assert type(value) is plain.get(kinds[name], list)
    assert kinds["fate"] == "text"
    assert "gap" not in prepared.nodes[0]  # infinite in the graph
    assert "description" not in prepared.nodes[2]
    # A column that the table does not know gets the narrowest type that holds all its values.
    assert prepared.nodes[0]["verdict_margin"] == 1.0
    assert json.loads(json.dumps(prepared.nodes)) == list(prepared.nodes)


def test_exact_integers_survive(tmp_path: Path) -> None:
    graph = small_graph()
    graph.nodes["w6-f0"]["orbit_size"] = math.factorial(25) + 1
    graph.graph["seed"] = 2**127 - 1
    for suffix in READABLE:
        write_graph(graph, tmp_path / f"exact{suffix}")
        read = read_graph(tmp_path / f"exact{suffix}")
        assert read.nodes["w6-f0"]["orbit_size"] == math.factorial(25) + 1
        assert read.graph["seed"] == 2**127 - 1


def test_texts_with_markup_survive(tmp_path: Path) -> None:
    graph = small_graph()
    graph.graph["teacher"] = 'a <b> & "c" \\ é'
    graph.nodes["w6-f0"]["description"] = "</script><script>alert(1)</script> & ]]>"
    for suffix in READABLE:
        write_graph(graph, tmp_path / f"text{suffix}")
        assert prepare(read_graph(tmp_path / f"text{suffix}")) == prepare(graph)
    (page,) = write_graph(graph, tmp_path / "text.html")
    assert "alert(1)</script>" not in page.read_text()


def test_natural_order() -> None:
    names = ["w10-f0", "w6-f10", "w6-f2", "l3", "w6-t0"]
    assert sorted(names, key=natural_key) == ["l3", "w6-f2", "w6-f10", "w6-t0", "w10-f0"]


def test_layout_shows_width_and_loss_and_keeps_families_apart() -> None:
    prepared = prepare(large_graph(400, 4))
    looks = prepared.node_looks
    top = max(record["loss"] for record in prepared.nodes)
    places = set()
    for record in prepared.nodes:
        look = looks[record["id"]]
        column = COLUMN_DISTANCE * (record["width"] - 6)
        assert abs(look.x - column) <= BAND / 2
        # Positions are rounded to three decimals.
        assert look.y == pytest.approx(HEIGHT * record["loss"] / top, abs=1e-3)
        places.add((look.x, look.y_even))
    assert len(places) == 400
    xy = np.array(sorted(places))
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    # 100 families in a band of 240 by 1000: evenly spread they are about 50 apart.
    assert distance[np.triu_indices(400, 1)].min() > 20


def _luminance(color: str) -> float:
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_lines_are_dark_enough_and_no_two_styles_look_alike() -> None:
    # WCAG 2.1, 1.4.11: graphical objects need a contrast of 3 to 1 (families have an outline).
    for style in EDGE_STYLES.values():
        assert 1.05 / (_luminance(style.color) + 0.05) >= 3
    looks = [
        (style.color, style.shape) for style in [*FAMILY_STYLES.values(), *EDGE_STYLES.values()]
    ]
    assert len(looks) == len(set(looks))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.nodes["w6-f0"].pop("loss"), r"'loss' of node 'w6-f0' is missing"),
        (lambda g: g.nodes["w6-f0"].update(loss="high"), r"of type number; got 'high'\.$"),
        (lambda g: g.nodes["w6-f0"].update(index=0.5), r"of type integer; got 0\.5\.$"),
        (lambda g: g.nodes["w6-f0"].update(is_global=2), r"of type boolean; got 2\.$"),
        (lambda g: g.nodes["w6-f0"].update(weights=[1.0]), r"of type matrix; got \[1\.0\]\.$"),
        (lambda g: g.graph.pop("format_version"), r"'format_version' of graph is missing"),
        (lambda g: g.add_edge("w6-f0", "w8-f0", kind="flat"), r"got 0\.$"),
        (lambda g: g.add_edge("w6-f0", "w7-f0", key="l1", kind="lineage"), r"got 'l1'\.$"),
        (lambda g: g.add_edge("w6-f0", "w7-f0", key="w6-f1", kind="lineage"), r"got 'w6-f1'\.$"),
        (
            lambda g: g.add_edge("w6-f0", "w7-f0", key="l9", kind="lineage", from_id="w8-f0"),
            r"must join its from_id and to_id, w8-f0 and w7-f0; it joins",
        ),
        (lambda g: g.add_node(3, kind="minimum", width=3, loss=0.0), r"node ids; got 3\.$"),
    ],
)
def test_what_is_no_landscape_graph_is_refused(change: object, message: str) -> None:
    graph = small_graph()
    change(graph)  # type: ignore[operator]
    with pytest.raises(InvalidArgument, match=message) as caught:
        prepare(graph)
    assert str(caught.value).count(". ") == 0


def test_a_directed_graph_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"must be an undirected networkx\.MultiGraph"):
        prepare(nx.MultiDiGraph())


def test_unknown_suffixes_are_refused_in_a_sentence_that_lists_the_known(tmp_path: Path) -> None:
    known = r"\.csv, \.cyjs, \.dot, \.gexf, \.graphml, \.html, \.json or \.md; got 'graph\.png'\."
    with pytest.raises(
        InvalidArgument, match=f"'path' argument of write_graph must end in {known}"
    ):
        write_graph(small_graph(), tmp_path / "graph.png")
    with pytest.raises(InvalidArgument, match=r"must end in \.gexf, \.graphml or \.json; got"):
        read_graph(tmp_path / "graph.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", READABLE)
def test_files_that_are_not_ours_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"other{suffix}"
    for content in (b"", b"{}", b"<xml/>", b"\x00\xff", b'{"nodes": 3, "links": []}'):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="cannot be read: "):
            read_graph(path)
    writer = {".gexf": nx.write_gexf, ".graphml": nx.write_graphml}.get(suffix)
    if writer is None:
        path.write_text(json.dumps(nx.node_link_data(nx.path_graph(3), edges="links")))
    else:
        writer(nx.path_graph(3), path)
    with pytest.raises(FileFormatError, match="no table of columns, so landtopo did not write it"):
        read_graph(path)
    (good,) = write_graph(small_graph(), path)
    good.write_bytes(good.read_bytes()[:-400])
    with pytest.raises(FileFormatError, match="it is damaged or not a"):
        read_graph(path)


@pytest.mark.parametrize("suffix", READABLE)
def test_a_newer_format_is_refused(tmp_path: Path, suffix: str) -> None:
    graph = small_graph()
    graph.graph["format_version"] = schema.FORMAT_VERSION + 1
    write_graph(graph, tmp_path / f"newer{suffix}")
    with pytest.raises(
        FileFormatError, match=r"format version is 2, .* a newer landtopo is needed"
    ):
        read_graph(tmp_path / f"newer{suffix}")


def test_writing_is_atomic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "landscape.json"
    write_bytes(path, b"before")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_graph(small_graph(), path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_readable_as_ordinary_files_are(tmp_path: Path) -> None:
    (written,) = write_graph(small_graph(), tmp_path / "landscape.json")
    ordinary = tmp_path / "ordinary"
    ordinary.write_bytes(b"")
    assert written.stat().st_mode == ordinary.stat().st_mode


def test_documentation_holds_the_table_of_columns() -> None:
    text = (Path(__file__).parent.parent / "docs" / "file-formats.md").read_text()
    for owner in ("graph", "node", "edge"):
        assert schema.markdown_table(owner) in text
        assert schema.markdown_table(owner, energies=True) in text
    for suffix in SUFFIXES:
        assert f"`{suffix}`" in text


def test_column_names() -> None:
    for column in schema.COLUMNS:
        assert column.name.replace("_", "").isalnum()
        assert column.name == column.name.lower()
        assert column.name != "type"
    names = [(column.owner, column.name) for column in schema.COLUMNS]
    assert len(names) == len(set(names))
    assert set(schema.TRANSITIONS) < set(EDGE_STYLES)
