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
from browsing import TITLE, click, click_at, element, run, text_of, wait_for
from click.testing import CliRunner
from landtopo_cli.app import landtopo
from test_databases import pathsample, topsearch
from test_page_small import BOXES, NAMES, overlaps

import landtopo as lt
from landtopo.export import read_graph, write_graph
from landtopo.landscape.explore import ExploreOptions
from landtopo.models.mueller_brown import mueller_brown

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
        click_at(page, "landtopo.cy.getElementById('min1').renderedPosition()")
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
                "return landtopo.data.nodes.map((n) => landtopo.cy.getElementById(n.id)"
                ".renderedPosition('y'))",
            )
            assert heights == sorted(heights, reverse=True)
            assert heights[0] == pytest.approx(element(page, "#network").size["height"] - 70)
