"""The offline page in a real browser: it is clicked, filtered, searched and scrolled.

Needs Chromium and its driver (Debian: chromium, chromium-driver) and selenium; without them these
tests are skipped and say so. What needs no browser, above all that the page holds no address, is
always tested.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from browsing import SEEN, TITLE, click, click_at, element, in_graph, run, text_of, wait_for
from synthetic_landscape import SWAP_LOSS, large_graph, open_graph, small_graph

from landtopo.export import prepare, write_graph


def page_text(tmp_path: Path, graph: nx.MultiGraph[str]) -> str:
    (path,) = write_graph(graph, tmp_path / "page.html")
    return path.read_text()


def test_page_names_no_outside_address(tmp_path: Path) -> None:
    text = page_text(tmp_path, small_graph())
    assert re.search(r"(?i)\b(https?|wss?|ftp):", text) is None
    assert (
        re.search(r"(?i)<(link|script|img|iframe)[^>]*\b(src|href)\s*=\s*[\"'](?!data:,)", text)
        is None
    )
    assert "@import" not in text
    assert "url(" not in text.split("</style>")[0]
    assert "default-src 'none'" in text


def test_page_holds_every_column_with_its_unit(tmp_path: Path) -> None:
    text = page_text(tmp_path, small_graph())
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found is not None
    data = json.loads(found.group(1))
    prepared = prepare(small_graph())
    for owner in ("graph", "node", "edge"):
        names = [(column["name"], column["unit"]) for column in data["columns"][owner]]
        assert names == [(column.name, column.unit) for column in prepared.columns_of(owner)]
    assert data["span"] == 6
    # Exact integers are text, as JavaScript would round them.
    assert data["nodes"][4]["orbit_size"] == "40320"


def test_long_data_are_deflated_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def data(kind: str) -> str:
        found = re.search(
            f'<script type="{kind}" id="data">(.*?)</script>',
            page_text(tmp_path, small_graph()),
            re.S,
        )
        assert found is not None
        return found.group(1)

    plain = json.loads(data("application/json"))
    monkeypatch.setattr("landtopo.export.assets_of._LARGE", 10)
    packed = data("application/zlib;base64")
    assert json.loads(zlib.decompress(base64.b64decode(packed, validate=True))) == plain
    assert len(packed) < 0.5 * len(json.dumps(plain))


def test_long_profiles_are_thinned_and_keep_their_top(tmp_path: Path) -> None:
    graph = small_graph()
    data = graph.edges["w6-f1", "w6-f0", "w6-t0"]
    data["profile"] = [[s / 5000, 0.02] for s in range(5000)]
    data["profile"][1234] = [1234 / 5000, 0.025]
    text = page_text(tmp_path, graph)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found is not None
    edges = {edge["id"]: edge for edge in json.loads(found.group(1))["edges"]}
    shown = edges["w6-t0"]["profile"]
    assert len(shown) < 300
    assert [1234 / 5000, 0.025] in shown
    assert shown[-1] == [4999 / 5000, 0.02]


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    (path,) = write_graph(small_graph(), tmp_path / "page.html")
    browser.get(path.as_uri())
    yield browser
    # Warnings count too.
    assert browser.get_log("browser") == []


def test_click_on_a_node_shows_the_family(page: Any) -> None:
    assert "HOW TO READ THIS" in text_of(page, "#panel")
    click_at(page, in_graph("w6-f1"))
    wait_for(page, f"{TITLE} === 'Family w6-f1'")
    assert "positive loss, isolated, width 6" in text_of(page, "#panel")
    assert text_of(page, "#description") == "1 anti-aligned neurons, 5 aligned"
    labels = [
        c.get_attribute("aria-label") for c in page.find_elements("css selector", "#panel canvas")
    ]
    assert labels == [
        "Weights: 6 neurons, 6 coordinates",
        "Overlaps R of 6 neurons with 6 of the teacher",
        "Overlaps Q of 6 neurons with each other",
        "Hessian spectrum: 36 eigenvalues",
    ]
    rows = {row.text for row in page.find_elements("css selector", "#panel .values tr")}
    assert "loss 0.025080581\nsquared output" in rows
    # Something is painted on the heat map: the anti-aligned neuron is blue, the others orange.
    colors = run(
        page,
        "const c = document.querySelector('#panel canvas'), r = c.width / c.clientWidth;"
        "const all = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return [0, 1].map((k) => {"
        " const [x, y] = [37, 21].map((corner) => Math.round((corner + 30 * k) * r));"
        " const start = 4 * (y * c.width + x);"
        " return Array.from(all.slice(start, start + 3)); })",
    )
    assert colors[0][2] > colors[0][0]
    assert colors[1][0] > colors[1][2]


def test_click_on_an_edge_shows_the_barrier_profile(page: Any) -> None:
    # Quadratic Bezier curve of the arc: a point at a third of it is on the line.
    click_at(
        page,
        "(() => { const [a, c, b] = landtopo.planes.graph.shape.curves['w7-t1'], t = 0.35,"
        " q = (k) => (1-t)**2*a[k] + 2*t*(1-t)*c[k] + t*t*b[k];"
        " return { x: q(0), y: q(1) }; })()",
    )
    wait_for(page, f"{TITLE} === 'Transition w7-t1'")
    assert text_of(page, "#barrier").startswith("Highest loss 0.0192. Barrier 5e-4 from w7-f1")
    labels = [
        c.get_attribute("aria-label") for c in page.find_elements("css selector", "#panel canvas")
    ]
    # The small barrier is shown once more, close up.
    assert labels[:2] == [
        "Loss along the path from w7-f1 to w7-f0",
        "The pass between w7-f1 and w7-f0, close up",
    ]
    assert "THE LOWER BARRIER, CLOSE UP" in text_of(page, "#panel")


def test_profiles_are_drawn_smooth_and_with_no_top_of_their_own(page: Any) -> None:
    drawn = run(
        page,
        "const pens = CanvasRenderingContext2D.prototype, [curve, move] ="
        " [pens.bezierCurveTo, pens.moveTo], seen = [];"
        " let at = [0, 0];"
        " pens.moveTo = function (x, y) { at = [x, y]; move.call(this, x, y); };"
        " pens.bezierCurveTo = function (...six) {"
        "  if (this.canvas.id !== 'network') seen.push([...at, ...six]);"
        "  at = six.slice(4); curve.apply(this, six); };"
        " landtopo.choose('w7-t1');"
        " [pens.bezierCurveTo, pens.moveTo] = [curve, move];"
        " return [seen, landtopo.data.edgeById['w7-t1'].profile.length];",
    )
    pieces, known = drawn
    # The whole profile, and the close-up of its lower barrier.
    assert known - 1 < len(pieces) < 2 * (known - 1)
    for x0, y0, x1, y1, x2, y2, x3, y3 in pieces:
        assert x0 < x1 < x2 < x3
        low, high = min(y0, y3) - 1e-9, max(y0, y3) + 1e-9
        assert low <= y1 <= high
        assert low <= y2 <= high
    # No corners: a piece goes on in the direction in which the one before it ends.
    for one, other in pairwise(pieces):
        if one[6:] == other[:2]:
            first, second = (
                (one[7] - one[5]) / (one[6] - one[4]),
                (other[3] - other[1]) / (other[2] - other[0]),
            )
            assert first == pytest.approx(second, rel=1e-6, abs=1e-6)


def test_click_on_the_background_closes_the_panel(page: Any) -> None:
    click_at(page, in_graph("w7-f0"))
    wait_for(page, f"{TITLE} === 'Family w7-f0'")
    click_at(
        page, "(({ width, height }) => ({ x: width - 8, y: height - 8 }))(landtopo.planes.graph)"
    )
    wait_for(page, f"{TITLE} === 'In short'")


def test_every_arc_rises_to_its_pass(page: Any) -> None:
    tops = run(
        page,
        "const { shape } = landtopo.planes.graph, on = (p, t) => { let q = p;"
        " while (q.length > 1) q = q.slice(1).map((y, i) => q[i] + (y - q[i]) * t); return q[0]; };"
        "return landtopo.data.edges.filter((e) => e.kind !== 'lineage' && e.loss > 0).map((e) => {"
        " const heights = shape.curves[e.id].map(([, y]) => y);"
        " let best = Infinity;"
        " for (let t = 0; t <= 1; t += 1e-4) best = Math.min(best, on(heights, t));"
        " return [e.loss, shape.foot - best]; })",
    )
    assert len(tops) == 4
    unit = max(height for _, height in tops) / SWAP_LOSS
    for loss, height in tops:
        # The curve was sampled at 10^4 points, and is smooth at its top.
        assert height / unit == pytest.approx(loss, rel=1e-6)


def test_filters_by_width_and_kind(page: Any) -> None:
    shown = f"Object.keys({SEEN})"
    everything = set(run(page, f"return {shown}"))
    assert len(everything) == 5 + 11

    def toggle(box: str, hidden: set[str]) -> None:
        element(page, box).click()
        wait_for(page, f"{shown}.length === {len(everything - hidden)}")
        assert set(run(page, f"return {shown}")) == everything - hidden

    middle = {"w7-f0", "w7-f1", "w7-t0", "w7-t1", "l0", "l1", "l2", "l3", "l4"}
    toggle("#widths input[value='7']", middle)
    assert len(page.find_elements("css selector", "#table tr[data-id]")) == 3
    toggle("#widths input[value='7']", set())
    saddles = {"w6-t0", "w6-t1", "w7-t1"}
    toggle("#edges input[value='pass: saddle']", saddles)
    toggle(
        "#families input[value='positive loss, isolated']",
        saddles | {"w6-f1", "w7-f1", "l1", "l2", "l4"},
    )


def test_the_story_is_told_before_anything_is_chosen(browser: Any, tmp_path: Path) -> None:
    graph = small_graph()
    graph.graph["starts"] = {6: 4000, 7: 4000, 8: 4000}
    (path,) = write_graph(graph, tmp_path / "page.html")
    browser.get(path.as_uri())
    assert "Width 6\n2 families of minima, all isolated." in text_of(browser, "#panel")
    click(browser, "#tab-widths", "document.querySelectorAll('#table tr').length === 4")
    row = element(browser, "#table tbody tr:nth-child(1)").text
    assert row.startswith("6 2 2 0 50.00 %")
    assert browser.get_log("browser") == []


def test_what_is_left_open_is_shown(browser: Any, tmp_path: Path) -> None:
    (path,) = write_graph(open_graph(), tmp_path / "open.html")
    browser.get(path.as_uri())
    assert "12 starts ended in a critical point of loss 0.3 that may be a minimum" in text_of(
        browser, "#panel"
    )
    click_at(browser, in_graph("w7-u0"))
    wait_for(browser, f"{TITLE} === 'Undecided point w7-u0'")
    click_at(
        browser,
        "(() => { const [a, b] = ['w7-f0', 'w7-f1'].map((id) =>"
        " landtopo.planes.graph.shape.places[id]);"
        " return { x: 0.3 * a[0] + 0.7 * b[0], y: 0.3 * a[1] + 0.7 * b[1] }; })()",
    )
    wait_for(browser, f"{TITLE} === 'No path was found'")
    assert "4 bands were tried between these families." in text_of(browser, "#panel")
    shown = f"Object.keys({SEEN}).filter((id) => landtopo.data.besideById[id]).length"
    assert run(browser, f"return {shown}") == 2
    element(browser, "#beside input[value='tried, not joined']").click()
    wait_for(browser, f"{shown} === 1")
    element(browser, "#widths input[value='7']").click()
    wait_for(browser, f"{shown} === 0")
    assert browser.get_log("browser") == []


def test_rounding_of_a_zero_curvature_is_not_called_negative(browser: Any, tmp_path: Path) -> None:
    graph = small_graph()
    graph.nodes["w7-f0"]["eigenvalues"] = [-3e-16, 2e-17, 0.1, 0.5]
    graph.nodes["w7-f1"]["eigenvalues"] = [-0.02, 0.1, 0.5]
    (path,) = write_graph(graph, tmp_path / "page.html")
    browser.get(path.as_uri())
    run(browser, "landtopo.choose('w7-f0')")
    assert "2 zero up to rounding (open), from 0.1 to 0.5." in text_of(browser, "#panel")
    run(browser, "landtopo.choose('w7-f1')")
    assert "1 negative, from -0.02 to 0.5." in text_of(browser, "#panel")


def test_a_family_in_a_crowd_stands_out(browser: Any, tmp_path: Path) -> None:
    (path,) = write_graph(large_graph(600, 4), tmp_path / "crowd.html")
    browser.get(path.as_uri())
    wait_for(browser, "Boolean(window.landtopo)")
    faded = f"return Object.values({SEEN}).filter((part) => part < 1).length"
    assert run(browser, faded) == 0
    run(browser, "landtopo.choose('w6-f40')")
    near = run(
        browser,
        "const own = landtopo.data.edges.filter((e) => [e.from_id, e.to_id].includes('w6-f40'));"
        "return new Set(own.flatMap((e) => [e.id, e.from_id, e.to_id])).size",
    )
    everything = run(browser, "return landtopo.data.nodes.length + landtopo.data.edges.length")
    assert 1 < near < 60
    assert run(browser, faded) == everything - near
    run(browser, "landtopo.choose(null)")
    assert run(browser, faded) == 0


def test_search(page: Any) -> None:
    field = element(page, "#search")
    for query, found in (
        ("w7-", "2 families, 7 edges"),
        ("anti_aligned=1 loss<0.02", "1 family, 0 edges"),
        ("is_global=yes", "3 families, 6 edges"),
        ("nothing-like-this", "0 families, 0 edges"),
    ):
        field.clear()
        field.send_keys(query)
        wait_for(page, f"document.querySelector('#found').textContent === {found!r}")
        rows = page.find_elements("css selector", "#table tr[data-id]")
        assert len(rows) == int(found.split()[0])
    assert run(page, f"return Object.values({SEEN}).filter((part) => part < 1).length") == 16


def test_tables(page: Any) -> None:
    heads = [th.text for th in page.find_elements("css selector", "#table th")]
    expected = prepare(small_graph()).columns_of("node")
    assert [head.split("\n")[0] for head in heads] == [column.name for column in expected]
    assert "loss\nsquared output" in heads
    loss = "document.querySelector('#table th:nth-child(4)')"
    ids = "return [...document.querySelectorAll('#table tr[data-id]')].map((r) => r.dataset.id)"
    click(page, "#table th:nth-child(4) button", f"{loss}.ariaSort === 'ascending'")
    assert run(page, ids) == ["w6-f0", "w8-f0", "w7-f0", "w7-f1", "w6-f1"]
    click(page, "#table th:nth-child(4) button", f"{loss}.ariaSort === 'descending'")
    assert run(page, ids) == ["w6-f1", "w7-f1", "w7-f0", "w8-f0", "w6-f0"]
    click(page, "#table tr[data-id='w8-f0']", f"{TITLE} === 'Family w8-f0'")
    click(page, "#tab-edge", "document.querySelectorAll('#table tr[data-id]').length === 11")
    table = "document.querySelector('#table').textContent"
    click(page, "#tab-columns", f"{table}.includes('height of the pass above from_id')")
    click(page, "#tab-about", f"{table}.includes('orthonormal:6')")


def test_panel_leads_from_family_to_edge_and_back(page: Any) -> None:
    run(page, "landtopo.choose('w6-f1')")
    click(page, "#panel .links button", f"{TITLE} === 'Transition w6-t0'")
    click(page, "#panel .links li:nth-child(2) button", f"{TITLE} === 'Family w6-f0'")


def test_height_scales(page: Any) -> None:
    heights = (
        "const { shape } = landtopo.planes.graph; return ['w6-f0', 'w6-f1', 'w7-f1']"
        ".map((id) => shape.foot - shape.places[id][1])"
    )
    low, high, middle = run(page, heights)
    assert low == pytest.approx(0.0, abs=1e-9)
    assert middle / high == pytest.approx(0.0187 / 0.0250805810, rel=1e-9)
    from selenium.webdriver.support.ui import Select

    choice = Select(element(page, "#scale"))
    choice.select_by_value("even")
    low, high, middle = run(page, heights)
    assert low == 0.0
    assert high == middle > 0
    choice.select_by_value("log")
    low, high, middle = run(page, heights)
    assert low == pytest.approx(0.0, abs=1e-9)
    assert high > middle > 0.5 * high


@pytest.mark.slow
def test_a_large_graph_opens_fast_and_scrolls(browser: Any, tmp_path: Path) -> None:
    (path,) = write_graph(large_graph(2000, 4), tmp_path / "large.html")
    # Its data are deflated.
    assert path.stat().st_size < 3_000_000
    browser.get(path.as_uri())
    wait_for(browser, "Boolean(window.landtopo)")
    ready = run(browser, "return performance.getEntriesByName('landtopo')[0].startTime")
    assert run(browser, "return landtopo.data.edgeById['w9-t499'].profile.length") == 41
    # Less than 1 s by itself on two cores without a graphics card; the machine may be busy.
    assert ready < 10_000
    assert run(browser, "return landtopo.planes.graph.names().length") == 2000
    assert run(browser, "return document.querySelectorAll('#table tr').length") < 100
    run(browser, "document.querySelector('#table').scrollTop = 1e6")
    wait_for(browser, "document.querySelector('#table tr[data-id=\"w9-f499\"]') !== null")
    assert browser.get_log("browser") == []


def test_one_family_and_nothing_else(browser: Any, tmp_path: Path) -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph(format_version=1)
    graph.add_node("w1-f0", kind="minimum", width=1, loss=0.0)
    (path,) = write_graph(graph, tmp_path / "one.html")
    browser.get(path.as_uri())
    run(browser, "landtopo.choose('w1-f0'); landtopo.rescale('log'); landtopo.rescale('even')")
    assert text_of(browser, "#panel h2") == "Family w1-f0"
    assert browser.get_log("browser") == []
