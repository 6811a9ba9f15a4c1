"""What a notebook shows: a graph as the offline page in a frame, a record field by field."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from browsing import wait_for
from synthetic_landscape import small_graph

import landtopo as lt


def source(frame: Any) -> str:
    """The page inside the frame, as a browser would read the attribute."""
    (value,) = re.findall(r' srcdoc="([^"]*)" ', frame._repr_html_())
    return html.unescape(value)


def test_the_frame_holds_the_offline_page(tmp_path: Path) -> None:
    graph = small_graph()
    frame = lt.show(graph)
    (written,) = lt.write_graph(graph, tmp_path / "landscape.html")
    assert source(frame) == frame.page == written.read_text("utf-8")
    assert repr(frame) == (
        f"Frame(families={graph.number_of_nodes()}, edges={graph.number_of_edges()}, height=640)"
    )
    # No address, and no way to the notebook around it.
    assert "://" not in frame._repr_html_()
    assert 'sandbox="allow-scripts"' in frame._repr_html_()
    assert 'height="300"' in lt.show(graph, height=300)._repr_html_()


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(lt.InvalidArgument, match=r"height.*>= 200; got 0\.$"):
        lt.show(small_graph(), height=0)
    with pytest.raises(lt.InvalidArgument, match=r"undirected networkx\.MultiGraph"):
        lt.show(nx.Graph())  # type: ignore[arg-type]


def test_the_frame_draws(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "notebook.html"
    page.write_text(f"<!DOCTYPE html><p>A cell.</p>{lt.show(small_graph())._repr_html_()}")
    browser.get_log("browser")
    browser.get(page.as_uri())
    browser.switch_to.frame(0)
    wait_for(browser, "landtopo.planes.graph.labels.length === 5")
    wait_for(browser, "document.querySelectorAll('#table tbody tr').length > 0")
    browser.switch_to.default_content()
    assert browser.get_log("browser") == []


def test_a_frame_that_gets_its_size_late_draws_all(browser: Any, tmp_path: Path) -> None:
    """Browsers may read the page of a frame before they know how large it is."""
    page = tmp_path / "notebook.html"
    shown = lt.show(small_graph())._repr_html_()
    small = shown.replace('width="100%" height="640"', 'width="0" height="0"')
    assert small != shown
    page.write_text(f"<!DOCTYPE html><p>A cell.</p>{small}")
    browser.get(page.as_uri())
    browser.switch_to.frame(0)
    wait_for(browser, "window.landtopo !== undefined")
    browser.switch_to.default_content()
    browser.execute_script(
        "const frame = document.querySelector('iframe'); frame.width = 700; frame.height = 640;"
    )
    browser.switch_to.frame(0)
    wait_for(
        browser,
        "(({ shape, width }) => {"
        " const all = Object.values(shape?.places ?? {}).map(([x]) => x).sort((a, b) => a - b);"
        " return all[0] >= 0 && all[all.length - 1] - all[0] > width / 2; })"
        "(landtopo.planes.graph)",
    )
    browser.switch_to.default_content()


def test_records_tell_their_fields() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2)
    family = lt.find_minima(problem, starts=20)["w2-f0"]
    told = family._repr_html_()
    assert "<th>orbit size</th><td>2</td>" in told
    # In full, where the one line cuts it off.
    assert html.escape(family.point.reason) in told
    assert "<th>weights</th><td><pre>[[" in told
    point = lt.classify(problem, np.eye(2))
    assert "<th>kind</th><td>minimum</td>" in point._repr_html_()
    assert "0.09085" in point._repr_html_()
    assert "<th>width</th><td>2</td>" in problem._repr_html_()


def test_large_arrays_are_told_by_their_shape() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(9), 9)
    told = lt.classify(problem, np.eye(9))._repr_html_()
    assert "<th>weights</th><td>&lt;array 9 x 9&gt;</td>" in told
