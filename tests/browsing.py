"""A page in a real browser: run scripts in it, find, click and wait."""

from __future__ import annotations

from typing import Any


def run(browser: Any, script: str) -> Any:
    return browser.execute_script(script)


def element(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def text_of(browser: Any, selector: str) -> str:
    return str(element(browser, selector).text)


def wait_for(browser: Any, script: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20).until(lambda opened: opened.execute_script(f"return {script}"))


TITLE = "document.querySelector('#panel h2').textContent"


def click(browser: Any, selector: str, then: str) -> None:
    """Click an element and wait until the JavaScript condition holds."""
    element(browser, selector).click()
    wait_for(browser, then)


# What the graph shows now, by id.
SEEN = "landtopo.planes.graph.clearness()"


def in_graph(name: str) -> str:
    """Where a family is drawn in the graph, as a JavaScript expression."""
    return (
        "(([x, y]) => ({ x, y }))"
        f"(landtopo.planes.graph.at(...landtopo.planes.graph.shape.places['{name}']))"
    )


def click_at(browser: Any, place: str) -> None:
    """Click the drawing where the JavaScript expression, a rendered position, says."""
    from selenium.webdriver.common.action_chains import ActionChains

    where = run(browser, f"const p = {place}; return [p.x, p.y];")
    area = element(browser, "#network")
    x, y = (
        round(where[0] - area.size["width"] / 2),
        round(where[1] - area.size["height"] / 2),
    )
    ActionChains(browser).move_to_element_with_offset(area, x, y).click().perform()
