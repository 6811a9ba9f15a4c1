"""Databases of minima and transition states of other programs: read, told, drawn and written again.

The fixtures are written here, character by character, without the code under test. Superbasins are
compared with a union-find of this file's own on the numbers in the files.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo
from synthetic_landscape import small_graph

import landtopo as lt
from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.export.layouts.pathsample import fixed_point

# Energies of four minima, and of transition states with their minima: ties, a degenerate
# rearrangement (3 3), a pair that is joined twice, and one minimum that nothing joins.
ENERGIES = (-16.505384168, -15.935043, -15.593211, -15.53306, -15.0)
PASSES = (
    (-15.44, 2, 1),
    (-15.28, 1, 3),
    (-15.44, 3, 4),
    (-15.1, 3, 3),
    (-15.03, 4, 2),
    (-15.0301, 2, 4),
)


DIGITS = "1234.567890123456789"


def fixed(decimals: int, *numbers: float) -> str:
    return "".join(f"{number:{decimals + 10}.{decimals}f}" for number in numbers)


def moments(number: int) -> str:
    return f"{1.25 * number:20.10f}{2.5:20.10f}{-0.0:20.10f}"


def pathsample(folder: Path, decimals: int = 15, points: bool = True) -> Path:
    folder.mkdir()
    minima = [
        fixed(decimals, energy, 50.125 + number) + f"{number:6d}" + moments(number)
        for number, energy in enumerate(ENERGIES, start=1)
    ]
    # Digits that no double has: it would be written with others.
    minima[1] = minima[1].replace(
        fixed(decimals, 52.125), DIGITS[: decimals + 5].rjust(decimals + 10)
    )
    passes = [
        fixed(decimals, energy, 60.5) + f"{1:10d}{first:10d}{second:10d}" + moments(number)
        for number, (energy, first, second) in enumerate(PASSES)
    ]
    (folder / "min.data").write_bytes("".join(f"{line}\n" for line in minima).encode())
    (folder / "ts.data").write_bytes("".join(f"{line}\n" for line in passes).encode())
    if points:
        rng = np.random.default_rng(1)
        (folder / "points.min").write_bytes(rng.normal(size=(len(ENERGIES), 21)).tobytes())
        (folder / "points.ts").write_bytes(rng.normal(size=(len(PASSES), 21)).tobytes())
        (folder / "min.A").write_bytes(b"           1\n           1\n")
        (folder / "min.B").write_bytes(b"2\n4\n3\n")
        (folder / "dinfo").write_bytes(
            b"DELTA 0.25\nFIRST -15.0\nLEVELS 7\nMINIMA min.data\nTS ts.data\n! a remark\nIDMIN 1\n"
        )
    return folder


def topsearch(folder: Path) -> Path:
    folder.mkdir()
    # The digits of a user: neither the shortest nor all of them.
    minima = [f"{number} {energy:8.5f}0" for number, energy in enumerate(ENERGIES)]
    passes = [f"{first - 1}  {second - 1} {energy!r}" for energy, first, second in PASSES]
    (folder / "min.data").write_text("".join(f"{line}\n" for line in minima))
    (folder / "ts.data").write_text("".join(f"{line}\n" for line in passes))
    rng = np.random.default_rng(2)
    for name, size in (("min.coords", len(ENERGIES)), ("ts.coords", len(PASSES))):
        np.savetxt(folder / name, rng.normal(size=(size, 2)), fmt="%.18e")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {place.name: place.read_bytes() for place in sorted(folder.iterdir())}


def superbasins(level: float) -> set[frozenset[int]]:
    """Minima and transition states at or below a level, by a union-find without ranks."""
    parent = {number: number for number, e in enumerate(ENERGIES, start=1) if e <= level}

    def root(number: int) -> int:
        return number if parent[number] == number else root(parent[number])

    for energy, first, second in PASSES:
        if energy <= level and first in parent and second in parent:
            parent[root(first)] = root(second)
    roots = {root(number) for number in parent}
    return {frozenset(n for n in parent if root(n) == one) for one in roots}


MAKERS = {
    "wide": lambda place: pathsample(place, 15),
    "narrow": lambda place: pathsample(place, 10),
    "energies alone": lambda place: pathsample(place, 15, points=False),
    "topsearch": topsearch,
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("through", ["", ".graphml", ".json", ".gexf"])
def test_what_was_read_is_written_again_byte_for_byte(
    kind: str, through: str, tmp_path: Path
) -> None:
    source = MAKERS[kind](tmp_path / "given")
    graph = lt.read_graph(source)
    # The test says something: this line cannot be made of its values, and others can.
    kept = [name for name, data in graph.nodes(data=True) if "given" in data]
    assert kept == (["min2"] if kind in ("wide", "energies alone") else kept)
    if through:
        (file,) = lt.write_graph(graph, tmp_path / f"between{through}")
        graph = lt.read_graph(file)
    name = "topsearch" if kind == "topsearch" else "pathsample"
    written = lt.write_graph(graph, tmp_path / "again", format=name)
    assert contents(tmp_path / "again") == contents(source)
    assert {place.name for place in written} == set(contents(source))


@pytest.mark.parametrize("kind", ["wide", "topsearch"])
def test_a_database_is_a_graph_without_teacher_and_neurons(kind: str, tmp_path: Path) -> None:
    graph = lt.read_graph(MAKERS[kind](tmp_path / "given"))
    first = 0 if kind == "topsearch" else 1
    assert list(graph) == [f"min{first + number}" for number in range(len(ENERGIES))]
    assert graph.nodes[f"min{first}"]["loss"] == pytest.approx(ENERGIES[0], abs=1e-5)
    for number, (energy, one, two) in enumerate(PASSES):
        ends = f"min{one - 1 + first}", f"min{two - 1 + first}"
        data = graph.edges[*ends, f"ts{number + first}"]
        assert (data["from_id"], data["to_id"]) == ends
        assert data["loss"] == energy
        assert data["barrier_to"] == energy - graph.nodes[ends[1]]["loss"]
    (file,) = lt.write_graph(graph, tmp_path / "graph.json")
    told = file.read_text() + lt.write_graph(graph, tmp_path / "graph.md")[0].read_text()
    for word in ("teacher", "neuron", "student", "width", "famil", "network", "loss is zero"):
        assert word not in told


def test_superbasins_are_those_of_a_union_find(tmp_path: Path) -> None:
    graph = lt.read_graph(pathsample(tmp_path / "given"))
    levels = sorted({*ENERGIES, *(energy for energy, *_ in PASSES)})
    for level in [*levels, *(level + 1e-6 for level in levels), -17.0]:
        found = {
            frozenset(int(name.removeprefix("min")) for name in part)
            for part in lt.components(graph, level)
        }
        assert found == superbasins(level)
    tree = lt.merge_tree(graph)
    assert len(tree.graph["roots"]) == 2
    for merge, data in tree.nodes(data=True):
        if data["kind"] == "merge":
            below = {int(name.removeprefix("min")) for name in data["families"]}
            assert below in superbasins(data["loss"]), merge


def test_fortran_writes_the_zero_before_the_point_where_it_fits() -> None:
    assert fixed_point(0.5, 6, 4) == "0.5000"
    assert fixed_point(0.5, 5, 4) == ".5000"
    assert fixed_point(-0.5, 6, 4) == "-.5000"
    assert fixed_point(-0.5, 5, 4) is None
    assert fixed_point(10.5, 6, 4) is None
    assert fixed_point(-1e-9, 8, 4) == " -0.0000"
    assert fixed_point(20.0, 8, 4) == " 20.0000"


def change(folder: Path, name: str, line: int, old: str, new: str) -> None:
    place = folder / name
    lines = place.read_text().split("\n")
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    place.write_text("\n".join(lines))


def fault_of(folder: Path, name: str) -> None:
    """Break one thing in a database."""
    if name == "cut line":
        place = folder / "min.data"
        place.write_bytes(place.read_bytes()[:-30])
    elif name == "cut transition state":
        change(folder, "ts.data", 3, "       3", "")
    elif name == "no line feed":
        place = folder / "ts.data"
        place.write_bytes(place.read_bytes()[:-1])
    elif name == "NaN":
        change(folder, "min.data", 2, DIGITS, "NaN".rjust(20))
    elif name == "asterisks":
        change(folder, "min.data", 4, fixed(15, ENERGIES[3]), "*" * 25)
    elif name == "infinite energy":
        change(folder, "ts.data", 2, fixed(15, PASSES[1][0]), "-Infinity".rjust(25))
    elif name == "missing minimum":
        change(folder, "ts.data", 5, "         4", "         9")
    elif name == "minimum zero":
        change(folder, "ts.data", 5, "         4", "         0")
    elif name == "mixed widths":
        lines = (folder / "min.data").read_text().split("\n")
        lines[2] = fixed(10, ENERGIES[2], 53.125) + f"{3:6d}" + moments(3)
        (folder / "min.data").write_text("\n".join(lines))
    elif name == "other width":
        text = "".join(
            fixed(10, energy, 60.5) + f"{1:10d}{first:10d}{second:10d}" + moments(1) + "\n"
            for energy, first, second in PASSES
        )
        (folder / "ts.data").write_text(text)
    elif name == "wrong count":
        (folder / "min.B").write_text("3\n4\n3\n")
    elif name == "list of what is not there":
        (folder / "min.A").write_text("1\n6\n")
    elif name == "points":
        place = folder / "points.min"
        place.write_bytes(place.read_bytes()[:-8])
    elif name == "points of other size":
        place = folder / "points.ts"
        place.write_bytes(bytes(8 * 18 * len(PASSES)))
    elif name == "NaN in points":
        point = np.fromfile(folder / "points.ts")
        point[50] = math.nan
        point.tofile(folder / "points.ts")
    elif name == "dinfo":
        change(folder, "dinfo", 3, "7", "many")
    elif name == "empty":
        (folder / "min.data").write_bytes(b"")
    elif name == "not ASCII":
        place = folder / "min.data"
        place.write_bytes(place.read_bytes().replace(b"-15", b"\xff15", 1))


FAULTS = {
    "cut line": ("min.data", "line 5 "),
    "cut transition state": ("ts.data", "line 3 "),
    "no line feed": ("ts.data", "line 6 "),
    "NaN": ("min.data", "line 2 "),
    "asterisks": ("min.data", "line 4 "),
    "infinite energy": ("ts.data", "line 2 "),
    "missing minimum": ("ts.data", "line 5 "),
    "minimum zero": ("ts.data", "line 5 "),
    "mixed widths": ("min.data", "line 3 "),
    "other width": ("ts.data", "line 1 "),
    "wrong count": ("min.B", "line 1 "),
    "list of what is not there": ("min.A", "line 2 "),
    "points": ("points.min", "bytes"),
    "points of other size": ("points.ts", "18"),
    "NaN in points": ("points.ts", "record 3 "),
    "dinfo": ("dinfo", "line 3 "),
    "empty": ("min.data", "no minimum"),
    "not ASCII": ("min.data", "line 2 "),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_sentence_that_names_file_and_line(name: str, tmp_path: Path) -> None:
    folder = pathsample(tmp_path / "given")
    fault_of(folder, name)
    file, where = FAULTS[name]
    target = tmp_path / "out.json"
    ended = CliRunner().invoke(landtopo, ["export", str(folder), str(target)])
    assert ended.exit_code == 2
    assert ended.stderr.count("\n") == 1
    assert f"{folder / file}'" in ended.stderr
    assert where in ended.stderr
    assert not target.exists()


@pytest.mark.parametrize(
    ("file", "text", "where"),
    [
        ("min.data", "0 -1.0\n2 -0.5\n", "line 2 "),
        ("min.data", "0 -1.0\n1\n", "line 2 "),
        ("min.data", "0 -1.0\n1 nan\n", "line 2 "),
        ("min.data", "hello\n", "line 1 "),
        ("ts.data", "0 7 -0.5\n", "line 1 "),
        ("ts.data", "0 1 -0.5 3\n", "line 1 "),
        ("ts.coords", "0.0 1.0\n", "it has 1 lines"),
        ("min.coords", "0 1\n0 1\n0 1 2\n0 1\n0 1\n", "line 3 "),
    ],
)
def test_faults_of_the_other_dialect(file: str, text: str, where: str, tmp_path: Path) -> None:
    folder = topsearch(tmp_path / "given")
    (folder / file).write_text(text)
    with pytest.raises(FileFormatError) as caught:
        lt.read_graph(folder)
    assert f"{file}' cannot be read: {where}" in str(caught.value)


def test_commands_take_a_directory(tmp_path: Path) -> None:
    run = CliRunner().invoke
    folder = str(pathsample(tmp_path / "given"))
    shown = run(landtopo, ["show", folder])
    assert shown.exit_code == 0
    assert "5 minima, 6 transition states, 1 of them between copies of one minimum" in shown.stdout
    assert "2 parts that no transition state joins, of 4 and 1" in shown.stdout
    assert run(landtopo, ["show", folder, "--json"]).exit_code == 0
    picture = str(tmp_path / "tree.svg")
    plot = ["plot", folder, "--kind", "tree", "-o", picture]
    assert run(landtopo, plot).exit_code == 0
    for kind in ("graph", "widths", "spectrum", "profile", "reached", "path"):
        other = run(landtopo, ["plot", folder, "--kind", kind, "-o", str(tmp_path / "no.svg")])
        assert other.exit_code == 2, kind
        assert "Traceback" not in other.output
    assert run(landtopo, [*plot, "--force", "--width", "6"]).exit_code == 2
    for suffix in ("graphml", "gexf", "json", "cyjs", "dot", "csv", "md", "html"):
        file = str(tmp_path / f"graph.{suffix}")
        assert run(landtopo, ["export", folder, file]).exit_code == 0, suffix
    copy = tmp_path / "copy"
    again = ["export", str(tmp_path / "graph.json"), str(copy), "--format", "pathsample"]
    assert run(landtopo, again).exit_code == 0
    assert contents(copy) == contents(Path(folder))
    assert run(landtopo, again).exit_code == 2
    assert run(landtopo, [*again, "--force"]).exit_code == 0
    assert run(landtopo, ["show", str(tmp_path)]).exit_code == 2


def network(**changes: object) -> object:
    """Two isolated families and a pass between them."""
    graph = small_graph()
    for node in [name for name in graph if not name.startswith("w6")]:
        graph.remove_node(node)
    for *_, data in graph.edges(data=True):
        data["kind"] = "saddle"
        data.update(changes)
    return graph


def test_networks_become_databases_with_what_is_lost_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="landtopo"):
        lt.write_graph(network(), tmp_path / "one", format="pathsample")
    assert "log_product, point_group_order and inertia are not known" in caplog.text
    assert "weights" in caplog.text
    again = lt.read_graph(tmp_path / "one")
    assert [data["loss"] for _, data in again.nodes(data=True)] == [0.0, 0.0250805810]
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="landtopo"):
        lt.write_graph(network(kind="corner"), tmp_path / "two", format="topsearch")
    assert "is a corner" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="landtopo"):
        lt.write_graph(network(verified=False), tmp_path / "three", format="topsearch")
    assert "left out" in caplog.text
    assert lt.read_graph(tmp_path / "three").number_of_edges() == 0


def test_between_databases_what_is_lost_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = lt.read_graph(pathsample(tmp_path / "given"))
    with caplog.at_level(logging.WARNING, logger="landtopo"):
        lt.write_graph(given, tmp_path / "text", format="topsearch")
    assert "no place for inertia, log_product, point_group_order, min.A and min.B." in caplog.text
    again = lt.read_graph(tmp_path / "text")
    for (_, one), (_, two) in zip(given.nodes(data=True), again.nodes(data=True), strict=True):
        assert one["loss"] == two["loss"]
        assert np.array_equal(one["coordinates"], two["coordinates"])
    caplog.clear()
    # Two coordinates are no particle in space.
    plane = lt.read_graph(topsearch(tmp_path / "plane"))
    plane.nodes["min0"]["loss"] = 1e-17
    with caplog.at_level(logging.WARNING, logger="landtopo"):
        lt.write_graph(plane, tmp_path / "columns", format="pathsample")
    assert "no place for coordinates of minima and coordinates of transition states" in caplog.text
    assert "energies are rounded to 15 digits" in caplog.text


def test_what_would_be_wrong_in_a_database_is_refused(tmp_path: Path) -> None:
    flat = network()
    flat.nodes["w6-f1"]["flat_dimension"] = 1
    for graph in (small_graph(), flat, network(kind="flat")):
        with pytest.raises(InvalidArgument, match=r"^The 'graph' argument of write_graph cannot"):
            lt.write_graph(graph, tmp_path / "out", format="topsearch")
    huge = lt.read_graph(pathsample(tmp_path / "given"))
    huge.nodes["min1"]["loss"] = -1e30
    with pytest.raises(InvalidArgument, match=r"does not fit the 25 characters"):
        lt.write_graph(huge, tmp_path / "out", format="pathsample")
    assert not (tmp_path / "out").exists()
    bare = lt.read_graph(pathsample(tmp_path / "bare", points=False))
    with pytest.raises(InvalidArgument, match=r"has points.min, points.ts, .* of another database"):
        lt.write_graph(bare, tmp_path / "given", format="pathsample")
    with pytest.raises(InvalidArgument, match=r"^The 'format' argument of write_graph"):
        lt.write_graph(huge, tmp_path / "out", format="pele")


def test_functions_for_networks_refuse_a_database(tmp_path: Path) -> None:
    graph = lt.read_graph(topsearch(tmp_path / "given"))
    for function in (
        lt.width_table,
        lambda graph: lt.labelled_connectivity(graph, 6),
        lambda graph: lt.compare_graphs(graph, graph),
        lambda graph: lt.merge_tree(graph, 6),
        lt.plot.graph,
        lt.plot.widths,
    ):
        with pytest.raises(InvalidArgument):
            function(graph)


def test_changed_values_are_written_and_old_lines_forgotten(tmp_path: Path) -> None:
    graph = lt.read_graph(topsearch(tmp_path / "given"))
    graph.nodes["min1"]["loss"] = -15.75
    lt.write_graph(graph, tmp_path / "new", format="topsearch")
    before = (tmp_path / "given" / "min.data").read_text().split("\n")
    after = (tmp_path / "new" / "min.data").read_text().split("\n")
    assert after == [before[0], "1 -15.75", *before[2:]]
