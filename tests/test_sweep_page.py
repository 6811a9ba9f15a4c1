"""Files of a sweep, and its page in a real browser, as `test_page` and `test_page_small` do it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from browsing import element, run, text_of
from test_page_small import BOXES, overlaps

import landtopo as lt


@pytest.fixture(scope="module")
def found() -> lt.SweepResult:
    return lt.sweep("angle:2.4..3", width=2, bases=1, starts=20, certified=False)


def written(found: lt.SweepResult, folder: Path, suffix: str) -> str:
    path = lt.write_sweep(found, folder / f"sweep{suffix}")
    first = path.read_bytes()
    assert lt.write_sweep(found, path).read_bytes() == first
    return first.decode()


def test_json_holds_every_digit(found: lt.SweepResult, tmp_path: Path) -> None:
    record = json.loads(written(found, tmp_path, ".json"))
    for family, stored in zip(found.families, record["families"], strict=True):
        np.testing.assert_array_equal(family.weights, stored["weights"])
        np.testing.assert_array_equal(family.losses, stored["losses"])
    assert record["events"] == json.loads(json.dumps(found.rows()))
    graph = nx.node_link_graph(record["graph"], edges="links")
    assert nx.utils.graphs_equal(graph, found.graph())


def test_graph_of_families_joins_what_an_event_ends_and_begins(
    found: lt.SweepResult, tmp_path: Path
) -> None:
    written(found, tmp_path, ".graphml")
    graph = nx.read_graphml(tmp_path / "sweep.graphml", force_multigraph=True)
    joined = {
        frozenset((first, second)): data["value"] for first, second, data in graph.edges(data=True)
    }
    for event in found.events:
        (before,), (after,) = event.before, event.after
        assert joined[frozenset((before, after))] == event.value
    assert graph.number_of_edges() == len(found.events) == 3
    assert {graph.nodes[one.id]["high"] for one in found.families} == {
        one.high for one in found.families
    }


def test_overlaps_are_of_the_weights(found: lt.SweepResult) -> None:
    """R R^T = W V^T V W^T, and at zero loss the student is the teacher: Q = T up to order."""
    family = found.families[0]
    values, q, r = found.overlaps(family, 5)
    assert len(values) == 5
    assert values[[0, -1]].tolist() == [family.low, family.high]
    for value, one, cross in zip(values, q, r, strict=True):
        np.testing.assert_allclose(one, found.curve.gram(value), atol=1e-12)
        np.testing.assert_allclose(np.sort(cross, axis=1), np.sort(one, axis=1), atol=1e-12)


def test_other_suffixes_are_refused(found: lt.SweepResult, tmp_path: Path) -> None:
    with pytest.raises(lt.InvalidArgument, match=r"must end in .*; got 'sweep.gexf'"):
        lt.write_sweep(found, tmp_path / "sweep.gexf")


def test_page_names_no_outside_address(found: lt.SweepResult, tmp_path: Path) -> None:
    text = written(found, tmp_path, ".html")
    assert re.search(r"(?i)\b(https?|wss?|ftp):", text) is None
    assert (
        re.search(r"(?i)<(link|script|img|iframe)[^>]*\b(src|href)\s*=\s*[\"'](?!data:,)", text)
        is None
    )
    assert "default-src 'none'" in text
    assert "@" not in text.split('<script type="application/json"')[0].split("</style>")[1]


@pytest.fixture
def page(browser: Any, found: lt.SweepResult, tmp_path: Path) -> Iterator[Any]:
    written(found, tmp_path, ".html")
    browser.get((tmp_path / "sweep.html").as_uri())
    yield browser
    assert browser.get_log("browser") == []


ROWS = (
    "return [...document.querySelectorAll('#families tbody tr')]"
    ".map((row) => [...row.cells].map((cell) => cell.textContent))"
)


def test_slider_shows_what_is_there(page: Any, found: lt.SweepResult) -> None:
    for value in (2.45, 2.6, 2.9):
        run(page, f"landtopo.move({value})")
        rows = run(page, ROWS)
        here = {one.id: one for one in found.at(value)}
        assert {row[0] for row in rows} == set(here)
        for name, kind, loss, lowest, index, *_ in rows:
            family = here[name]
            assert float(loss) == pytest.approx(family.loss(value), abs=1e-8)
            smallest = np.interp(value, family.values, family.smallest)
            assert float(lowest) == pytest.approx(smallest, rel=1e-3)
            assert (kind, int(index)) == (["minimum", "pass"][family.index], family.index)
        assert text_of(page, "#told").startswith(f"At {value}: 1 minimum and 1 pass")


def test_keys_move_the_slider_and_buttons_go_to_events(page: Any, found: lt.SweepResult) -> None:
    from selenium.webdriver.common.keys import Keys

    slider = element(page, "#slider")
    slider.send_keys(Keys.HOME)
    assert run(page, "return landtopo.state.value") == 2.4
    slider.send_keys(Keys.ARROW_RIGHT)
    assert run(page, "return landtopo.state.value") == pytest.approx(2.4006)
    assert slider.get_attribute("aria-valuetext") == "2.4006"
    for event in found.events:
        element(page, "#next").click()
        assert run(page, "return landtopo.state.value") == event.value
        # At an event there is what ends and what begins.
        names = {row[0] for row in run(page, ROWS)}
        assert names >= {*event.before, *event.after}
    assert not element(page, "#next").is_enabled()
    field = element(page, "#value")
    field.send_keys(Keys.CONTROL, "a", Keys.NULL, "2.7", Keys.TAB)
    assert run(page, "return landtopo.state.value") == 2.7
    assert field.get_attribute("value") == "2.7"


def test_a_chosen_family_shows_its_overlaps(page: Any, found: lt.SweepResult) -> None:
    run(page, "landtopo.move(2.55)")
    (family,) = (one for one in found.at(2.55) if one.index == 1)
    element(page, f"#families button[data-id={family.id}]").click()
    assert text_of(page, "#panel h2") == f"Family {family.id} at 2.55"
    assert (
        element(page, f"#families button[data-id={family.id}]").get_attribute("aria-pressed")
        == "true"
    )
    shown = run(
        page,
        "return [...document.querySelectorAll('#panel table')].map((table) =>"
        " [...table.rows].slice(1).map((row) => [...row.cells].slice(1)"
        ".map((cell) => Number(cell.textContent))))",
    )
    values, q, r = found.overlaps(family)
    for table, stack in zip(shown, (q, r), strict=True):
        flat = stack.reshape(len(values), -1).T
        wanted = [np.interp(2.55, values, column) for column in flat]
        np.testing.assert_allclose(np.ravel(table), wanted, atol=2e-5)
    run(page, "landtopo.move(3)")
    # Where it is gone its last point is told.
    assert text_of(page, "#panel h2").endswith(f"at {family.high:.9g}")


@pytest.mark.parametrize("width", [320, 390, 800])
def test_on_a_telephone_nothing_lies_over_anything_else(
    browser: Any, found: lt.SweepResult, tmp_path: Path, width: int
) -> None:
    written(found, tmp_path, ".html")
    size = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get((tmp_path / "sweep.html").as_uri())
        run(browser, "landtopo.choose(landtopo.data.families[1].id)")
        boxes = run(browser, BOXES)
        assert len(boxes) > 20
        assert overlaps(boxes) == []
        assert run(browser, "return document.documentElement.scrollWidth") <= width
        touched = "button, input, summary"
        heights = run(
            browser,
            f"return [...document.querySelectorAll('{touched}')]"
            ".filter((item) => item.checkVisibility())"
            ".map((item) => item.getBoundingClientRect().height)",
        )
        assert min(heights) >= 44
        assert browser.get_log("browser") == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
