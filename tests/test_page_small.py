"""The offline page on a telephone, 390 x 844: nothing lies over anything else, fingers can hit it.

What is compared are boxes of texts and controls as the browser lays them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import SEEN, TITLE, click, click_at, element, in_graph, run, text_of, wait_for
from synthetic_landscape import large_graph, open_graph, small_graph

from landtopo.export import write_graph

# Boxes of all texts and controls that can be seen, cut where something scrolls.
BOXES = """
const boxes = [];
const add = (owner, what, box) => {
  let { left, top, right, bottom } = box;
  for (let above = owner.parentElement; above; above = above.parentElement) {
    if (above === document.body || getComputedStyle(above).overflow === 'visible') continue;
    const frame = above.getBoundingClientRect();
    [left, top] = [Math.max(left, frame.left), Math.max(top, frame.top)];
    [right, bottom] = [Math.min(right, frame.right), Math.min(bottom, frame.bottom)];
  }
  if (right - left > 1 && bottom - top > 1) boxes.push([what, left, top, right, bottom]);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, owner = node.parentElement;
  if (!node.textContent.trim() || ['SCRIPT', 'STYLE', 'OPTION'].includes(owner.tagName)) continue;
  if (!owner.checkVisibility()) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const box of range.getClientRects()) add(node, node.textContent.trim(), box);
}
for (const item of document.querySelectorAll('input, select, #drawing, #panel canvas')) {
  const what = item.id || item.value || item.tagName;
  if (item.checkVisibility()) add(item, what, item.getBoundingClientRect());
}
return boxes;
"""

# Names in the drawing, as they are painted, and the symbols.
NAMES = """
const { labels, shape, shift } = landtopo.planes.graph, graph = landtopo.planes.graph;
const pen = document.createElement('canvas').getContext('2d');
pen.font = graph.canvas.getContext('2d').font.replace('600 ', '');
const names = labels.map(([id, x, y]) => {
  const half = pen.measureText(id).width / 2, [left, top] = [x + shift.x, y + shift.y];
  return [`name of ${id}`, left - half, top - 5.5, left + half, top + 5.5];
});
const symbols = Object.keys(shape.places).filter((id) => graph.clearness()[id]).map((id) => {
  const [x, y] = graph.at(...shape.places[id]), half = graph.radius(id);
  return [`symbol of ${id}`, x - half, y - half, x + half, y + half];
});
return [...names, ...symbols];
"""


@pytest.fixture
def small(browser: Any, tmp_path: Path) -> Iterator[Any]:
    yield from opened(browser, small_graph(), tmp_path)


def opened(browser: Any, graph: Any, folder: Path, width: int = 390) -> Iterator[Any]:
    (path,) = write_graph(graph, folder / "page.html")
    size = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(path.as_uri())
        yield browser
        assert browser.get_log("browser") == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def overlaps(boxes: list[Any], least: float = 1.0) -> list[tuple[str, str]]:
    """Pairs of boxes that share more than a sliver."""
    found = []
    for number, (one, *a) in enumerate(boxes):
        for other, *b in boxes[number + 1 :]:
            across = min(a[2], b[2]) - max(a[0], b[0])
            along = min(a[3], b[3]) - max(a[1], b[1])
            if across > least and along > least:
                found.append((one, other))
    return found


def check_layout(browser: Any) -> None:
    boxes = run(browser, BOXES)
    assert len(boxes) > 20
    assert overlaps(boxes) == []
    width = run(browser, "return window.innerWidth")
    assert run(browser, "return document.documentElement.scrollWidth") <= width
    assert all(box[1] >= 0 and box[3] <= width for box in boxes)


@pytest.mark.parametrize("width", [320, 390, 800])
def test_nothing_lies_over_anything_else(browser: Any, tmp_path: Path, width: int) -> None:
    for page in opened(browser, open_graph(), tmp_path, width):
        check_layout(page)
        element(page, "#more").click()
        wait_for(page, "document.querySelector('#beside').checkVisibility()")
        check_layout(page)
        for shown in ("w6-f1", "w6-t1", "l1", "w7-u0"):
            run(page, f"landtopo.choose('{shown}')")
            check_layout(page)
        for tab in ("widths", "edge", "columns", "about"):
            run(page, f"document.querySelector('#tab-{tab}').click()")
            check_layout(page)


def test_what_is_tapped_is_as_large_as_a_finger(small: Any) -> None:
    element(small, "#more").click()
    run(small, "landtopo.choose('w6-f1')")
    sizes = run(
        small,
        "return [...document.querySelectorAll('button, select, label, summary, [type=search],"
        " tr[data-id]')].filter((item) => item.checkVisibility()).map((item) => {"
        " const box = item.getBoundingClientRect();"
        " return [item.textContent, box.width, box.height]; })",
    )
    assert len(sizes) > 20
    # 44 pixels: success criterion 2.5.5 of the Web Content Accessibility Guidelines.
    assert [size for size in sizes if min(size[1:]) < 44] == []


def test_the_panel_is_a_sheet_below_the_drawing(small: Any) -> None:
    click_at(small, in_graph("w6-f1"))
    wait_for(small, f"{TITLE} === 'Family w6-f1'")
    wait_for(small, "Math.abs(document.querySelector('#drawing').getBoundingClientRect().top) < 2")
    drawing, panel, tables = (
        run(
            small,
            f"const {{ top, bottom, width }} = document.querySelector('{part}')"
            ".getBoundingClientRect(); return [top, bottom, width]",
        )
        for part in ("#drawing", "#panel", "#tables")
    )
    assert drawing[1] <= panel[0] < panel[1] <= tables[0]
    # The drawing and the beginning of the sheet are seen together.
    assert drawing[1] - drawing[0] > 300
    assert panel[0] < 844 - 200
    assert [drawing[2], panel[2], tables[2]] == [390, 390, 390]


def test_filters_open_and_close(small: Any) -> None:
    assert run(small, "return document.querySelector('#widths').checkVisibility()") is False
    click(small, "#more", "document.querySelector('#widths').checkVisibility()")
    element(small, "#widths input[value='7']").click()
    wait_for(small, "landtopo.planes.graph.names().length === 3")
    click(small, "#more", "!document.querySelector('#widths').checkVisibility()")


@pytest.mark.parametrize("graph", [small_graph(), large_graph(160, 4)])
@pytest.mark.parametrize("width", [390, 1400])
def test_names_lie_on_no_other_name_and_no_symbol(
    browser: Any, tmp_path: Path, graph: Any, width: int
) -> None:
    for page in opened(browser, graph, tmp_path, width):
        boxes = run(page, NAMES)
        names = [pair for pair in overlaps(boxes) if any(part[0] == "n" for part in pair)]
        assert names == []
        assert sum(box[0].startswith("name") for box in boxes) >= min(len(graph), 25)
        # What is filtered away takes no room.
        run(page, "document.querySelector(`#edges input`).click()")
        boxes = run(page, NAMES)
        names = [pair for pair in overlaps(boxes) if any(part[0] == "n" for part in pair)]
        assert names == []


def test_heads_of_columns_and_ticks_have_room(browser: Any, tmp_path: Path) -> None:
    for page in opened(browser, large_graph(160, 4), tmp_path):
        # What is written on the canvas of the axes while it is drawn anew.
        texts = run(
            page,
            "const seen = new Set(), pens = CanvasRenderingContext2D.prototype;"
            " const write = pens.fillText;"
            " pens.fillText = function (text, x, y) {"
            "  const wide = this.measureText(text).width;"
            "  const left = this.textAlign === 'center' ? x - wide / 2 : x;"
            "  if (this.canvas.id === 'network')"
            "   seen.add(JSON.stringify([text, left, y - 5, left + wide, y + 5]));"
            "  write.call(this, text, x, y); };"
            " document.querySelector('#fit').click();"
            " pens.fillText = write;"
            " return [...seen].map(JSON.parse);",
        )
        heads = [text[0] for text in texts if "width" in text[0]]
        assert heads == ["width 6", "width 7", "width 8", "width 9"]
        assert len(texts) > 6
        assert overlaps(texts) == []
        assert all(text[1] >= 0 and text[3] <= 390 for text in texts)


def test_an_unknown_column_is_answered_by_those_that_exist(small: Any) -> None:
    field = element(small, "#search")
    for query, said in (
        ("alined=1", "There is no column “alined”."),
        ("w6 loss2<0.1", "There is no column “loss2”."),
        ("Loss<0.1", "There is no column “Loss”."),
        ("<0.1", "A column’s name goes before “<”."),
    ):
        field.clear()
        field.send_keys(query)
        wait_for(small, f"document.querySelector('#hint').textContent.startsWith({said!r})")
        hint = text_of(small, "#hint")
        for name in ("anti_aligned", "loss", "isotropy_order", "barrier_from", "fate"):
            assert name in hint
        # Nothing is said of a question that means nothing.
        assert text_of(small, "#found") == ""
        assert run(small, f"return Object.values({SEEN}).every((part) => part === 1)")
        check_layout(small)
    for query, said in (
        ("loss<", "A value goes after “loss<”."),
        ("loss<low", "“<” compares numbers, and “low” is none."),
    ):
        field.clear()
        field.send_keys(query)
        wait_for(small, f"document.querySelector('#hint').textContent === {said!r}")
    field.clear()
    field.send_keys("anti_aligned = 1 loss < 0.02")
    wait_for(small, "document.querySelector('#found').textContent === '1 family, 0 edges'")
    assert element(small, "#hint").is_displayed() is False
