"""What a page works out beyond its graph: overlaps Q and R, ways over passes; and its keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import TITLE, element, run, text_of, wait_for
from synthetic_landscape import small_graph

import landtopo as lt
from landtopo.export import prepare, write_graph
from landtopo.export.ways import ways
from landtopo.models.networks.landscape.ways import way_over


@pytest.fixture(scope="module")
def pair() -> Any:
    """Two families of an unequal teacher, and passes between their copies."""
    teacher = lt.Teacher.from_vectors(np.array([[1.0, 0.0], [0.5, 1.5]]))
    return lt.landscape_graph(teacher, widths=2, starts=40)


@pytest.fixture(scope="module")
def two() -> Any:
    return lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)


def saddles(graph: Any) -> Iterator[dict[str, Any]]:
    for *_, data in graph.edges(keys=True, data=True):
        if data["kind"] == "saddle":
            yield data


@pytest.mark.parametrize("name", ["pair", "two"])
def test_a_way_goes_down_from_its_pass_to_both_families(
    name: str, request: pytest.FixtureRequest
) -> None:
    graph = request.getfixturevalue(name)
    found = 0
    for edge in saddles(graph):
        way = way_over(graph.graph, edge)
        if way is None:
            continue
        found += 1
        problem = lt.TeacherStudent(lt.Teacher.from_gram(np.array(graph.graph["gram"])), width=2)
        loss = lt.PopulationLoss(problem)
        ends = [graph.nodes[edge[key]]["loss"] for key in ("from_id", "to_id")]
        # The teacher of the graph is the one of the Gram matrix, turned.
        seen = np.array(graph.graph.get("vectors", problem.teacher.vectors))
        turn = np.linalg.lstsq(seen, problem.teacher.vectors, rcond=None)[0]
        points = way.points.copy()
        points[..., :2] = points[..., :2] @ turn
        losses = loss.value(points)
        assert losses == pytest.approx(way.losses, rel=1e-9, abs=1e-12)
        assert losses[[0, -1]] == pytest.approx(ends, abs=1e-12)
        # Lengths by the trapezium of the points themselves, and falling on both sides.
        steps = np.linalg.norm(np.diff(way.points, axis=0).reshape(len(losses) - 1, -1), axis=1)
        assert way.positions == pytest.approx(np.r_[0.0, np.cumsum(steps)])
        top = losses.argmax()
        assert losses[top] == pytest.approx(edge["loss"], rel=1e-9)
        assert np.all(np.diff(losses[: top + 1]) > -1e-12)
        assert np.all(np.diff(losses[top:]) < 1e-12)
    assert found


def test_a_way_with_another_profile_is_not_believed(two: Any) -> None:
    (edge,) = saddles(two)
    assert way_over(two.graph, edge) is not None
    higher = np.array(edge["profile"]) * [1.0, 1.05]
    assert way_over(two.graph, {**edge, "profile": higher}) is None
    longer = np.array(edge["profile"]) * [1.05, 1.0]
    assert way_over(two.graph, {**edge, "profile": longer}) is None
    moved = np.array(edge["weights"]) + 1e-3
    assert way_over(two.graph, {**edge, "weights": moved}) is None


def test_nothing_is_invented_where_there_is_no_critical_point(tmp_path: Path) -> None:
    assert ways(prepare(small_graph())) == {}


def test_a_page_holds_few_places_and_among_them_the_pass(two: Any) -> None:
    ((name, way),) = ways(prepare(two)).items()
    (edge,) = saddles(two)
    assert name == "w2-t0"
    assert len(way["at"]) == len(way["losses"]) == len(way["points"]) <= 28
    assert max(way["losses"]) == pytest.approx(edge["loss"], rel=1e-8)
    assert way["at"][-1] == pytest.approx(edge["profile"][-1][0], rel=1e-3)


@pytest.fixture
def page(browser: Any, two: Any, tmp_path: Path) -> Iterator[Any]:
    (path,) = write_graph(two, tmp_path / "page.html")
    browser.get(path.as_uri())
    yield browser
    assert browser.get_log("browser") == []


def readings(browser: Any, label: str) -> Any:
    """What a heat map says under the pointer, cell by cell."""
    return run(
        browser,
        f"const map = [...document.querySelectorAll('#panel canvas')].find((one) =>"
        f" one.getAttribute('aria-label').startsWith('{label}'));"
        " const told = map.parentElement.querySelector('.hint'), found = [];"
        " for (const i of [0, 1]) for (const j of [0, 1]) {"
        "  const place = map.getBoundingClientRect();"
        "  map.dispatchEvent(new PointerEvent('pointermove',"
        "   { clientX: place.left + 34 + 30 * j + 15, clientY: place.top + 18 + 30 * i + 15 }));"
        "  found.push(Number(told.textContent.split(': ')[1])); }"
        " return found;",
    )


def test_overlaps_of_a_family_are_those_of_its_weights(page: Any, two: Any) -> None:
    run(page, "landtopo.choose('w2-f0')")
    weights = np.array(two.nodes["w2-f0"]["weights"])
    vectors = lt.Teacher.orthonormal(2).vectors
    shown = readings(page, "Overlaps R")
    assert shown == pytest.approx((weights[:, :2] @ vectors.T).ravel(), abs=1e-5)
    assert readings(page, "Overlaps Q") == pytest.approx((weights @ weights.T).ravel(), abs=1e-5)


def test_dragging_along_the_way_moves_overlaps_and_neurons(page: Any, two: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    run(page, "landtopo.choose('w2-t0')")
    told = text_of(page, "#along-told")
    (edge,) = saddles(two)
    # It begins at the pass.
    assert float(told.split("loss ")[1].split(",")[0]) == pytest.approx(edge["loss"], rel=2e-2)
    picture = "document.querySelector('.along > canvas').toDataURL()"
    before = run(page, f"return {picture}")
    slider = element(page, "#along")
    ActionChains(page).drag_and_drop_by_offset(slider, -slider.size["width"] // 4, 0).perform()
    wait_for(page, f"{picture} !== {json.dumps(before)}")
    assert text_of(page, "#along-told") != told
    slider.send_keys(Keys.HOME)
    assert re.search("Arc length 0 of .* loss 0", text_of(page, "#along-told"))
    first = readings(page, "Overlaps R")
    slider.send_keys(Keys.END)
    last = readings(page, "Overlaps R")
    # Between two labelled copies of the global minimum neurons change places.
    assert sorted(first) == pytest.approx([0, 0, 1, 1], abs=1e-3)
    assert last == pytest.approx(first[2:] + first[:2], abs=1e-3)
    assert slider.get_attribute("aria-valuetext") == text_of(page, "#along-told")


def test_the_graph_is_walked_with_keys(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    (path,) = write_graph(small_graph(), tmp_path / "page.html")
    browser.get(path.as_uri())
    graph = element(browser, "#network")
    graph.send_keys(Keys.ARROW_RIGHT)
    wait_for(browser, f"{TITLE} === 'Family w6-f0'")
    graph.send_keys(Keys.ARROW_RIGHT)
    wait_for(browser, f"{TITLE} === 'Family w6-f1'")
    graph.send_keys(Keys.ARROW_UP)
    wait_for(browser, f"{TITLE} === 'Transition w6-t0'")
    # On from the family, not from the edge.
    graph.send_keys(Keys.ARROW_RIGHT)
    wait_for(browser, f"{TITLE} === 'Family w7-f0'")
    zoom = run(browser, "return landtopo.planes.graph.zoom.x")
    graph.send_keys("+")
    assert run(browser, "return landtopo.planes.graph.zoom.x") == pytest.approx(1.3 * zoom)
    graph.send_keys("0")
    assert run(browser, "return landtopo.planes.graph.zoom.x") == pytest.approx(zoom)
    graph.send_keys(Keys.ESCAPE)
    wait_for(browser, f"{TITLE} === 'In short'")
    element(browser, "#tab-node").send_keys(Keys.ARROW_RIGHT)
    assert element(browser, "#tab-edge").get_attribute("aria-selected") == "true"
    assert run(browser, "return document.activeElement.id") == "tab-edge"


def test_what_one_more_neuron_does_is_told(browser: Any, tmp_path: Path) -> None:
    (path,) = write_graph(small_graph(), tmp_path / "page.html")
    browser.get(path.as_uri())
    run(browser, "landtopo.choose('w6-f1')")
    told = text_of(browser, "#panel")
    assert "goes down: its slope is -0.012." in told
    assert "flows (split of 1) 75 %" in told
    run(browser, "landtopo.choose('w8-f0')")
    told = text_of(browser, "#panel")
    assert "What becomes of it at the next width was not studied." in told
    assert "WHERE IT COMES FROM" in told
