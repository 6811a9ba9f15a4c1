"""Pages of landscapes that are of no network: in their own words, and clicked in a browser.

`lj7.json` is what ``landtopo graph --model lj:7`` exported, its paths left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from browsing import TITLE, click, click_at, element, in_graph, run, text_of, wait_for
from click.testing import CliRunner
from landtopo_cli.app import landtopo
from test_databases import pathsample, topsearch
from test_page_small import BOXES, NAMES, overlaps

import landtopo as lt
from landtopo.export import read_graph, write_graph
from landtopo.landscape.explore import ExploreOptions
from landtopo.models.mueller_brown import mueller_brown
from landtopo.models.named import named_over

OF_NETWORKS = re.compile(r"(?i)network|teacher|neuron|width|famil|student")


@pytest.fixture(scope="module")
def plane() -> Any:
    """Mueller-Brown: three minima, two transition states."""
    quick = ExploreOptions(random_starts=16, mode_starts=8, line_starts=4, check_pairs=1)
    return lt.landscape_graph(mueller_brown(), starts=20, options=quick)


def cluster() -> Any:
    graph = read_graph(Path(__file__).parent / "data" / "lj7.json")
    # What a search may leave open.
    graph.graph["failed_pairs"] = {"21": [{"from_id": "min2", "to_id": "min3", "tries": 4}]}
    graph.graph["start_search"]["21"]["others"] = [
        {"kind": "undecided", "loss": -14.0, "count": 1, "reason": "An eigenvalue is too small."}
    ]
    return graph


def data_of(graph: nx.MultiGraph[str], folder: Path) -> dict[str, Any]:
    (path,) = write_graph(graph, folder / "page.html")
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.S
    )
    assert found is not None
    read: dict[str, Any] = json.loads(found.group(1))
    return read


def opened(browser: Any, graph: Any, folder: Path, size: tuple[int, int]) -> Iterator[Any]:
    (path,) = write_graph(graph, folder / "page.html")
    shape = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 800}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    try:
        browser.get(path.as_uri())
        yield browser
        assert browser.get_log("browser") == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


SIZES = [(1400, 900), (390, 844)]


def test_a_page_holds_what_was_found_and_what_is_open(plane: Any, tmp_path: Path) -> None:
    data = data_of(plane, tmp_path)
    assert [node["loss"] for node in data["nodes"]] == pytest.approx(
        [-146.6995172, -108.1667241, -80.7678181]
    )
    (story,) = data["story"]
    assert story["found"].startswith("function mueller-brown: 3 minima, 2 transition states.")
    assert any("starts from random points" in text for text in story["evidence"])
    assert data["legend"]["node"][0]["style"] == "minimum"
    open_ones = data_of(cluster(), tmp_path)
    assert [pair["id"] for pair in open_ones["pairs"]] == ["x0"]
    assert [end["id"] for end in open_ones["ends"]] == ["u0"]
    assert any(
        "No path was found between min2 and min3" in t for t in open_ones["story"][0]["open"]
    )


def test_a_function_of_ones_own_has_a_page(tmp_path: Path) -> None:
    def valley(x: Any) -> Any:
        return (x[0] ** 2 - 1.0) ** 2 + x[1] ** 2

    model = lt.function_model(valley, low=[-2.0, -2.0], high=[2.0, 2.0])
    quick = ExploreOptions(random_starts=4, mode_starts=2, line_starts=2, check_pairs=0)
    graph = lt.landscape_graph(model, starts=6, options=quick)
    assert lt.show(graph).families == 2
    assert "Derivatives are made of differences" in data_of(graph, tmp_path)["story"][0]["found"]


@pytest.mark.parametrize("made", [pathsample, topsearch])
def test_a_database_has_a_page(made: Any, tmp_path: Path) -> None:
    folder, page = made(tmp_path / "given"), tmp_path / "page.html"
    result = CliRunner().invoke(landtopo, ["export", str(folder), str(page)])
    assert result.exit_code == 0
    assert "A database does not say how it was searched" in page.read_text()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_on_the_page_speaks_of_networks(
    browser: Any, plane: Any, tmp_path: Path, size: tuple[int, int]
) -> None:
    for graph in (plane, cluster()):
        for page in opened(browser, graph, tmp_path, size):
            shown = ["min1", "ts0", None, *(["x0", "u0"] if len(graph) == 4 else [])]
            for name in shown:
                run(page, f"landtopo.choose({json.dumps(name)})")
                told = run(page, "return document.body.innerText")
                assert OF_NETWORKS.search(told) is None, (name, OF_NETWORKS.search(told))
                boxes = run(page, BOXES)
                assert len(boxes) > 20
                # A text that is cut has two boxes.
                assert [pair for pair in overlaps(boxes) if len(set(pair)) > 1] == []
            # In one column a unit of the drawing is several pixels, and so is what is left between.
            covered = overlaps(run(page, NAMES))
            assert [pair for pair in covered if len({name.split()[-1] for name in pair}) > 1] == []
            across = run(page, "return document.documentElement.scrollWidth")
            assert across <= size[0]


def test_a_minimum_and_a_pass_are_clicked(browser: Any, tmp_path: Path) -> None:
    for page in opened(browser, cluster(), tmp_path, (1400, 900)):
        assert "4 minima · 12 transition states" in text_of(page, "#subtitle")
        click_at(page, in_graph("min1"))
        wait_for(page, f"{TITLE} === 'Minimum min1'")
        assert "15 contacts, point group of order 6" in text_of(page, "#description")
        assert len(page.find_elements("css selector", ".coordinates li")) == 21
        click(page, "#panel .links button", f"{TITLE} === 'Transition state ts0'")
        assert text_of(page, "#barrier").startswith("Highest energy -15.4447338. Barrier 1.06065")
        # Heights are energies on both scales, the lowest at the foot.
        for scale in ("linear", "log"):
            heights = run(
                page,
                f"landtopo.rescale('{scale}');"
                "const { places } = landtopo.planes.graph.shape;"
                "return landtopo.data.nodes.map((n) => places[n.id][1])",
            )
            assert heights == sorted(heights, reverse=True)
            assert heights[0] == pytest.approx(element(page, "#network").size["height"] - 70)


# --- the tree and the map beside the graph ----------------------------------------------------

PLACE = (
    "(([x, y]) => ({ x, y }))(landtopo.planes.tree.at(...landtopo.planes.tree.shape.places['%s']))"
)
ON_MAP = "(([, x, y]) => ({ x, y }))(landtopo.planes.map.symbols.find(([name]) => name === '%s'))"
# The colour of a canvas at a place.
PIXEL = (
    "const c = document.querySelector('%s'), r = c.width / c.clientWidth, p = %s,"
    " copy = new OffscreenCanvas(c.width, c.height).getContext('2d', { willReadFrequently: true });"
    "copy.drawImage(c, 0, 0);"
    "return Array.from(copy.getImageData(Math.round(p.x * r), Math.round(p.y * r), 1, 1).data);"
)


def click_canvas(browser: Any, canvas: str, place: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    where = run(browser, f"const p = {place}; return [p.x, p.y];")
    area = element(browser, canvas)
    x, y = where[0] - area.size["width"] / 2, where[1] - area.size["height"] / 2
    ActionChains(browser).move_to_element_with_offset(area, round(x), round(y)).click().perform()


@pytest.mark.parametrize("size", SIZES)
def test_tree_map_and_graph_choose_together(
    browser: Any, tmp_path: Path, size: tuple[int, int]
) -> None:
    wide = size[0] > 1000
    for page in opened(browser, cluster(), tmp_path, size):
        click(page, "#view-tree", "!document.querySelector('#pane-tree').hidden")
        # Side by side, or one at a time where there is no room.
        assert element(page, "#pane-graph").is_displayed() is wide
        click_canvas(page, "#tree", PLACE % "min2")
        wait_for(page, f"{TITLE} === 'Minimum min2'")
        assert run(page, "return landtopo.planes.graph.family") == ("min2" if wide else None)
        # The end of a branch is its transition state: between the trunk and the branch.
        run(page, "document.querySelector('#tree').scrollIntoView()")
        level = (
            "((t, [a, y], [b]) => ({ x: (a + b) / 2, y }))(0, landtopo.planes.tree.lines"
            ".find(([name]) => name === 'ts0')[1], landtopo.planes.tree.lines"
            ".find(([name]) => name === 'ts0')[2])"
        )
        click_canvas(page, "#tree", level)
        wait_for(page, f"{TITLE} === 'Transition state ts0'")
        click(page, "#view-map", "!document.querySelector('#pane-map').hidden")
        run(page, "document.querySelector('#map').scrollIntoView()")
        click_canvas(page, "#map", ON_MAP % "min3")
        wait_for(page, f"{TITLE} === 'Minimum min3'")
        click_canvas(page, "#map", ON_MAP % "ts4")
        wait_for(page, f"{TITLE} === 'Transition state ts4'")
        run(page, "document.querySelector('#tip').hidden = true")
        boxes = [box for box in run(page, BOXES) if box[0] != "drawing"]
        assert [pair for pair in overlaps(boxes) if len(set(pair)) > 1] == []


def test_what_is_chosen_elsewhere_is_marked_in_the_tree(browser: Any, tmp_path: Path) -> None:
    for page in opened(browser, cluster(), tmp_path, (1400, 900)):
        run(page, "landtopo.toggleView('tree'); landtopo.toggleView('map');")
        branch = "(([, [x0, y0], [x1, y1]]) => ({ x: x0, y: (y0 + y1) / 2 }))"
        branch += "(landtopo.planes.tree.lines.find(([name]) => name === 'min3'))"
        before = run(page, PIXEL % ("#tree", branch))
        run(page, "landtopo.choose('min3')")
        after = run(page, PIXEL % ("#tree", branch))
        assert after[:3] == [9, 105, 218]
        assert before[:3] != after[:3]
        # Beside the symbol on the map its ring.
        around = [
            f"(({{ x, y }}) => ({{ x: x + {across}, y: y + {along} }}))({ON_MAP % 'min3'})"
            for across, along in ((-12, 0), (12, 0), (0, -12), (0, 12), (8, 8), (-8, -8))
        ]
        # Lines to the passes cover some of it.
        colours = [run(page, PIXEL % ("#map", place))[:3] for place in around]
        assert sum(abs(r - 84) < 4 and abs(g - 174) < 4 and b > 250 for r, g, b in colours) > 1


def test_the_tree_is_told_where_it_is_uncertain(browser: Any, tmp_path: Path) -> None:
    graph = cluster()
    graph.edges["min0", "min1", "ts0"]["verified"] = False
    for page in opened(browser, graph, tmp_path, (1400, 900)):
        run(page, "landtopo.toggleView('tree'); landtopo.toggleView('graph')")
        told = text_of(page, "#tree-told")
        assert "Estimated coverage of starts 100.0 % (97.0 to 100.0)" in told
        assert "of climbs to passes 98.5 % (79.4 to 100.0)" in told
        assert "1 transition state not verified: dashed, joins nothing." in told
        # Another pass joins the two, at a higher level; it is what the tree shows.
        assert run(page, "return landtopo.data.trees[0].ends.min1[2]") != ["ts0"]
        for name, title in (("ts0", "Transition state ts0"), ("x0", "No path was found")):
            line = f"landtopo.planes.tree.lines.find(([name]) => name === '{name}')"
            click_canvas(
                page,
                "#tree",
                "(([, a, b]) => ({ x: 0.6 * a[0] + 0.4 * b[0], y: 0.6 * a[1] + 0.4 * b[1] }))"
                f"({line})",
            )
            wait_for(page, f"{TITLE} === '{title}'")
        click_canvas(page, "#tree", PLACE % "u0")
        wait_for(page, f"{TITLE} === 'Undecided point u0'")


def test_short_branches_are_left_out_by_the_slider(browser: Any, tmp_path: Path) -> None:
    for page in opened(browser, cluster(), tmp_path, (1400, 900)):
        run(page, "landtopo.toggleView('tree')")
        assert text_of(page, "#least-told") == "all 4"
        slide = (
            "const s = document.querySelector('#least'); s.value = %d;"
            "s.dispatchEvent(new Event('input'));"
            "return landtopo.planes.tree.names();"
        )
        # Persistence: min1 0.490, min2 0.273, min3 0.250; the lowest has no end.
        assert run(page, slide % 100) == ["min0", "min1"]
        assert text_of(page, "#least-told") == "0.49: 2 of 4"
        assert set(run(page, slide % 5)) == {"min0", "min1", "min2"}
        # What is chosen is shown all the same.
        run(page, slide % 100)
        run(page, "landtopo.choose('min3')")
        assert "min3" in run(page, "return landtopo.planes.tree.names()")


def test_colours_follow_a_column_in_all_views(browser: Any, tmp_path: Path) -> None:
    for page in opened(browser, cluster(), tmp_path, (1400, 900)):
        run(page, "landtopo.toggleView('tree'); landtopo.toggleView('map')")
        run(
            page,
            "const s = document.querySelector('#colour'); s.value = 'count';"
            "s.dispatchEvent(new Event('change'));",
        )
        # min2 was met least often, min3 most: the ends of the scale.
        for name, colour in (("min2", [68, 1, 84]), ("min3", [253, 231, 37])):
            assert run(page, PIXEL % ("#tree", PLACE % name))[:3] == colour
            assert run(page, PIXEL % ("#map", ON_MAP % name))[:3] == colour
            assert run(page, PIXEL % ("#network", in_graph(name)))[:3] == colour
        assert text_of(page, "#keys").split() == ["24", "81"]


def test_the_tree_is_zoomed_and_walked_with_keys(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    for page in opened(browser, cluster(), tmp_path, (1400, 900)):
        run(page, "landtopo.toggleView('tree'); landtopo.toggleView('graph')")
        canvas = element(page, "#tree")
        order = run(page, "return landtopo.planes.tree.names()")
        for name in order[:3]:
            canvas.send_keys(Keys.ARROW_RIGHT)
            wait_for(page, f"{TITLE} === 'Minimum {name}'")
        canvas.send_keys("+", "+")
        assert run(page, "return landtopo.planes.tree.zoom.x") == pytest.approx(1.69)
        # A leaf is hit where it now is.
        click_canvas(page, "#tree", PLACE % order[1])
        wait_for(page, f"{TITLE} === 'Minimum {order[1]}'")
        canvas.send_keys("0")
        assert run(page, "return landtopo.planes.tree.zoom.x") == 1
        canvas.send_keys(Keys.ESCAPE)
        wait_for(page, f"{TITLE} === 'In short'")


def test_a_database_has_a_tree_and_no_map(browser: Any, tmp_path: Path) -> None:
    graph = read_graph(pathsample(tmp_path / "given"))
    for page in opened(browser, graph, tmp_path, (1400, 900)):
        assert not element(page, "#view-map").is_displayed()
        click(page, "#view-tree", "!document.querySelector('#pane-tree').hidden")
        told = text_of(page, "#tree-told")
        assert told.startswith("How much was searched is not known.")
        assert "Whether passes were verified is not known." in told


def test_a_page_of_many_minima_draws_the_longest_branches(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landtopo.export.formats.page._MANY", 3)
    monkeypatch.setattr("landtopo.export.formats.page._GRAPH", 2)
    for page in opened(browser, cluster(), tmp_path, (1400, 900)):
        assert "4 minima · 12 transition states" in text_of(page, "#subtitle")
        drawn = "return Object.keys(landtopo.planes.graph.shape.places).sort()"
        # The lowest, and the one that lasts longest; undecided points are no minima.
        assert run(page, drawn) == ["min0", "min1", "u0"]
        edges = "return Object.keys(landtopo.planes.graph.shape.curves).sort()"
        assert run(page, edges) == ["ts0", "ts3"]
        assert "draws the 2 with the longest branches of 4 minima" in text_of(page, "#panel")
        # The tree holds all, and each has a panel, without what is long.
        run(page, "landtopo.toggleView('tree'); landtopo.toggleView('graph')")
        click_canvas(page, "#tree", PLACE % "min3")
        wait_for(page, f"{TITLE} === 'Minimum min3'")
        assert "15 contacts" in text_of(page, "#description")
        assert page.find_elements("css selector", ".coordinates") == []
        run(page, "landtopo.recolour('count'); landtopo.choose('ts1')")
        assert text_of(page, "#panel h2") == "Transition state ts1"


@pytest.fixture(scope="module")
def tilted() -> Any:
    """The torus at two values of a parameter."""
    return lt.landscape_graph(named_over("torus", "tilt=0:0.5:0.5"), starts=10)


def test_columns_of_a_parameter_are_named_by_its_values(
    browser: Any, tilted: Any, tmp_path: Path
) -> None:
    assert data_of(tilted, tmp_path)["rungs"] == {"1": "tilt = 0", "2": "tilt = 0.5"}
    drawn = (
        "const seen = [], pens = CanvasRenderingContext2D.prototype, write = pens.fillText;"
        " pens.fillText = function (text, x, y) {"
        "  seen.push(text); write.call(this, text, x, y); };"
        " landtopo.toggleView('tree'); landtopo.rescale('linear');"
        " pens.fillText = write; return seen;"
    )
    for page in opened(browser, tilted, tmp_path, (1400, 900)):
        assert text_of(page, "#widths").split() == ["tilt", "0", "0.5"]
        heads = [text for text in run(page, drawn) if text.startswith("tilt")]
        # Above the columns of the graph, and above the trees.
        assert {"tilt = 0", "tilt = 0.5"} <= set(heads)
        assert any(text.startswith("tilt = 0.5 · ") for text in heads)
        last = next(node for node in tilted if tilted.nodes[node]["width"] == 2)
        run(page, f"landtopo.choose('{last}')")
        assert "tilt = 0.5" in text_of(page, "#panel .badge")
        click(page, "#widths input[value='1']", "landtopo.planes.tree.trees().length === 1")


def test_the_picture_of_a_tree_says_the_value(tilted: Any) -> None:
    assert "tilt = 0.5" in lt.plot.tree(tilted, width=2).get_xlabel()
