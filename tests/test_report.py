"""The report of one page: that it says what the graph says, reads well raw, and is valid Markdown.

Cells are read back from the text and compared with the graph; what copies of the global minimum do
is compared with the groups that a 3-cycle and a swap generate.
"""

from __future__ import annotations

import re
from pathlib import Path

import networkx as nx
import pytest
from synthetic_landscape import (
    ESCAPE_BARRIER,
    SPURIOUS_LOSS,
    SWAP_LOSS,
    THREE_CYCLE_LOSS,
    exact_graph,
    large_graph,
    open_graph,
    small_graph,
)

from landtopo.export import prepare, report, write_graph
from landtopo.export.tables import families_of, lineage_table, transitions_of
from landtopo.export.unresolved import unresolved
from landtopo.points.coverage import estimate_coverage
from landtopo.wording import counted, exact, listed, loss_text, number, percent, share


def page(graph: nx.MultiGraph[str]) -> str:
    return report(prepare(graph))


def tables(text: str) -> list[list[dict[str, str]]]:
    """Every table of a page as rows by column name; all lines of a table must be equally long."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        lines = block.splitlines()
        assert len({len(line) for line in lines}) == 1
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
        assert all(set(cell) <= {"-", ":"} and len(cell) >= 3 for cell in rows[1])
        assert len({len(row) for row in rows}) == 1
        found.append([dict(zip(rows[0], row, strict=True)) for row in rows[2:]])
    return found


def with_starts(graph: nx.MultiGraph[str]) -> nx.MultiGraph[str]:
    """As many starts as the families say that they met."""
    graph.graph["starts"] = {6: 4000, 7: 4000, 8: 4000}
    return graph


def test_tables_hold_what_the_graph_holds() -> None:
    graph = with_starts(exact_graph())
    widths, families, passes, copies, *_ = tables(page(graph))
    assert [row["width"] for row in widths] == ["6", "7", "8"]
    assert [row["starts at zero loss"] for row in widths] == ["50.00 %"] * 3
    assert [row["family"] for row in families] == ["w6-f0", "w6-f1"]
    assert float(families[1]["loss"]) == SPURIOUS_LOSS
    assert families[1]["95 % interval"] == "0.20 to 0.50 %"
    assert [row["copies"] for row in families] == ["720", "4320"]
    assert [row["transition"] for row in passes] == ["w6-t0", "w6-t1", "w6-t2"]
    assert float(passes[0]["barrier from"]) == pytest.approx(ESCAPE_BARRIER, rel=1e-5)
    # 3-cycles of six neurons generate the alternating group, a swap in addition all of S_6.
    assert [row["separate pieces"] for row in copies] == ["720", "2", "1"]
    levels = [float(row["from loss"]) for row in copies]
    assert levels == pytest.approx([0.0, THREE_CYCLE_LOSS, SWAP_LOSS], rel=1e-9)
    assert [row["by"] for row in copies] == ["-", "w6-t1", "w6-t2"]


def test_the_page_says_in_short_what_changes_with_width() -> None:
    text = page(with_starts(exact_graph()))
    assert text.startswith("# Landscape of orthonormal:6, student widths 6 to 8\n")
    assert "learns from the teacher orthonormal:6 (6 neurons, rank 6)" in text
    assert "with seed 0" in text
    (six,) = re.findall(r"^- \*\*Width 6\*\*: .*", text, re.MULTILINE)
    assert "2 families of minima, all isolated." in six
    assert "50.00 % of 4000 starts end at zero loss (95 % interval 48.44 to 51.56 %)." in six
    assert (
        "The labelled copies of w6-f0 are 720 pieces at zero loss; from 0.0617 on even "
        "permutations of neurons are joined (2 pieces are left) and from 0.1371 on all copies are "
        "joined."
    ) in six
    assert "The barrier to a lower minimum is 5e-05 from w6-f1." in six
    (seven,) = re.findall(r"^- \*\*Width 7\*\*: .*", text, re.MULTILINE)
    assert (
        "Against width 6: w6-f0 stays a minimum; w6-f1 becomes a saddle and flows into w7-f0 and "
        "w7-f1; w7-f1 is new."
    ) in seven


def test_what_is_left_open_is_said() -> None:
    text = page(open_graph())
    for sentence in (
        "No known path joins {w7-f0} and {w7-f1}.",
        "No path was found between w7-f0 and w7-f1; 4 bands were tried.",
        "12 starts ended in a critical point of loss 0.3 that may be a minimum (flat as can be). "
        "It is too flat.",
        "12 starts ended in a saddle of loss 0.4 (all neurons are zero).",
        "10 starts came to no critical point: No step made the gradient smaller",
    ):
        assert f"- {sentence}" in text
    entries = {entry.width: entry for entry in unresolved(prepare(open_graph()))}
    assert not entries[6].sentences()
    assert [pair.id for pair in entries[7].pairs] == ["w7-x0"]
    assert [end.undecided for end in entries[7].ends] == [True, False]


def test_a_family_that_may_be_flat_is_said_to_be() -> None:
    graph = small_graph()
    del graph.nodes["w8-f0"]["flat_dimension"]
    assert "- It is not known whether w8-f0 is isolated or flat." in page(graph)


def test_pictures_are_linked_where_they_belong() -> None:
    pictures = {("graph", None): "graph.png", ("tree", 7): "tree-7.png"}
    text = report(prepare(small_graph()), pictures)
    assert text.count("![") == 2
    assert text.index("](graph.png)") < text.index("## Width 6")
    assert text.index("## Width 7") < text.index("](tree-7.png)") < text.index("## Width 8")
    assert "![" not in page(small_graph())


def test_texts_are_no_markup() -> None:
    graph = small_graph()
    graph.nodes["w6-f0"]["description"] = "a | b <script>alert(1)</script> *c*"
    text = page(graph)
    assert "<script" not in text
    (family,) = [row for row in tables(text)[0] if row["family"] == "w6-f0"]
    assert family["what it is"] == r"a \| b &lt;script>alert(1)&lt;/script> \*c\*"


def test_a_page_stays_a_page() -> None:
    text = page(large_graph(400, 4))
    assert "76 more families are in the files with the whole graph." in text
    assert len(text.splitlines()) < 320


def test_a_graph_that_says_little_makes_a_short_page(tmp_path: Path) -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph(format_version=1)
    graph.add_node("w1-f0", kind="minimum", width=1, loss=0.0)
    (path,) = write_graph(graph, tmp_path / "one.md")
    assert path.read_text().startswith("# Landscape of a teacher, student width 1\n")
    assert tables(path.read_text())[0][0]["family"] == "w1-f0"
    empty: nx.MultiGraph[str] = nx.MultiGraph(format_version=1, teacher="orthonormal:2")
    assert page(empty).startswith("# Landscape of orthonormal:2\n")


def test_lowest_curvature_of_a_flat_family_is_zero_and_not_its_rounding() -> None:
    graph = small_graph()
    graph.nodes["w7-f0"]["smallest_eigenvalue"] = -3.1e-16
    rows = {row["family"]: row for table in tables(page(graph)) for row in table if "copies" in row}
    assert rows["w7-f0"]["lowest curvature"] == "0"
    assert float(rows["w6-f1"]["lowest curvature"]) == 0.00470035


def test_orders() -> None:
    prepared = prepare(large_graph(200, 4))
    losses = [record["loss"] for record in families_of(prepared, 8)]
    assert losses == sorted(losses)
    heights = [record["loss"] for record in transitions_of(prepared, 8)]
    assert heights == sorted(heights)
    assert len(heights) == 49


def test_ways_of_adding_a_neuron_share_a_line() -> None:
    graph = small_graph()
    more = {**graph.edges["w6-f1", "w7-f0", "l1"], "neuron": 4}
    graph.add_edge("w6-f1", "w7-f0", key="l9", **more)
    rows = lineage_table(prepare(graph)).rows
    assert ("w6-f1", "flows", "w7-f0", "split of 1, 4", "75 %") in rows
    assert ("w6-f0", "stays", "w7-f0", "zero neuron", "-") in rows


def test_wording() -> None:
    assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert (counted(1, "family", "families"), counted(2, "start")) == ("1 family", "2 starts")
    assert (exact(43545600), exact(10**21), exact(None)) == ("43545600", "1.000000e21", "-")
    # Larger than any double.
    assert exact(10**400) == "1.000000e400"
    assert (loss_text(1e-30), loss_text(0.12345678901)) == ("0", "0.123456789")
    assert (number(None), number(float("nan")), number(1.5)) == ("-", "-", "1.5")
    assert (percent(None), percent(0.5), share(1, 3), share(0, 0)) == (
        "-",
        "50.00 %",
        "33.33 %",
        "-",
    )


def test_families_of_equal_loss_come_by_their_ids() -> None:
    # What rounding leaves of two exact zeros must not decide.
    graph = small_graph()
    graph.nodes["w7-f1"]["loss"] = 1e-33
    assert [record["id"] for record in families_of(prepare(graph), 7)] == ["w7-f0", "w7-f1"]


def test_what_was_searched_is_told_with_what_it_may_have_missed() -> None:
    graph = with_starts(small_graph())
    graph.nodes["w6-f1"].update(count=0, found_by="soft modes")
    starts = estimate_coverage([3990, 9, 1])
    climbs = estimate_coverage([40, 1])
    graph.graph["start_search"] = {"6": {"init": "gaussian:1", "method": "quasi-newton"}}
    graph.graph["coverage"] = {"6": starts.record()}
    graph.graph["transition_search"] = {
        "6": {
            "outcomes": {
                "bands": {"joined": 7, "not joined": 1},
                "lines": {"transition state": 10},
                "mirrors": {"minimum": 5, "saddle": 1},
                "random starts": {"transition state": 41, "other index": 9},
            },
            "coverage": climbs.record(),
            "stopped": "212 climbs in a row brought nothing new.",
            "told": ["Search by symmetry: all 16 classes."],
        }
    }
    text = page(graph)
    for sentence in (
        "Search by symmetry: all 16 classes.",
        "4000 starts from gaussian:1, followed by quasi-newton.",
        f"{starts.sentence()} 1 of the 2 listed was met by no start, but by other searches: w6-f1 "
        "(climbs from soft modes).",
        "Searches from mirrored copies of the lowest family: 6 tried, 5 ended in a minimum.",
        "Climbs to passes: 10 from lines and 50 from random starts. "
        "212 climbs in a row brought nothing new.",
        climbs.sentence(start="climb", family="transition"),
        "Bands between copies: 8 tried, 7 joined both ends.",
    ):
        assert f"- {sentence}" in text


def test_escape_directions_are_told_with_their_number_and_their_interval() -> None:
    graph = small_graph()
    grown = graph.edges["w6-f1", "w7-f0", "l1"]
    grown.update(operation="zero neuron", directions=49, followed=3, fraction=48 / 49)
    del grown["neuron"]
    split = {"operation": "split", "neuron": 2, "directions": 8, "followed": 8, "fraction": 0.75}
    split.update(fraction_low=0.349, fraction_high=0.968)
    graph.add_edge("w6-f1", "w7-f0", key="l9", **{**grown, **split})
    texts = [row[-1] for row in lineage_table(prepare(graph)).rows if row[0] == "w6-f1"]
    assert "98 % of 49, 3 followed" in texts
    assert "75 % of 8 drawn (35 to 97 %)" in texts
