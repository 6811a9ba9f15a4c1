"""What `make docs` asks of built pages: no dead link, nothing from outside, all public names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import landtopo

SITE = Path(__file__).parent / "_build" / "html"
#: The theme leaves pieces of its own templates among its files.
PAGES = sorted(set(SITE.rglob("*.html")) - set((SITE / "_static").rglob("*.html")))
#: Attributes by which a browser loads something by itself; links of text are clicked by a person.
LOADED = {
    ("script", "src"), ("link", "href"), ("img", "src"), ("img", "srcset"), ("iframe", "src"),
    ("source", "src"), ("source", "srcset"), ("video", "src"), ("audio", "src"), ("embed", "src"),
    ("object", "data"), ("form", "action"), ("use", "href"), ("image", "href"),
}  # fmt: skip


class Page(HTMLParser):
    """The links, the anchors and what is loaded, of one page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.links: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.loaded: list[str] = []
        self.styles: list[str] = []
        self._in_style = False
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        for name, value in values.items():
            if (tag, name) in LOADED:
                self.loaded.append(value)
        self.styles.append(values.get("style", ""))
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        """Note what a style sheet within the page says."""
        if self._in_style:
            self.styles.append(data)


def is_outside(address: str) -> bool:
    return bool(urlsplit(address).netloc) or urlsplit(address).scheme in {"http", "https", "ftp"}


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    assert len(PAGES) > 80, "the site was not built: make docs"
    return {file.resolve(): Page(file) for file in PAGES}


def targets(page: Page) -> Iterator[tuple[str, Path, str]]:
    """Links within the site: as they stand, the file, and the place in it."""
    for link in [*page.links, *page.loaded]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        file = page.file.resolve()
        if parts.path:
            file = (page.file.parent / unquote(parts.path)).resolve()
        yield link, file, unquote(parts.fragment)


def test_no_link_is_dead(pages: dict[Path, Page]) -> None:
    dead = []
    for page in pages.values():
        for link, file, place in targets(page):
            known = pages.get(file)
            if not file.is_file() or (known and place and place not in known.anchors):
                dead.append(f"{page.file.relative_to(SITE)}: {link}")
    assert dead == []


def test_nothing_is_loaded_from_outside(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        for address in page.loaded:
            assert not is_outside(address), f"{page.file}: {address}"
        for text in page.styles:
            assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", text), page.file
    for file in SITE.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", file.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", text), file


def test_every_public_name_has_a_page(pages: dict[Path, Page]) -> None:
    for name in landtopo.__all__:
        if name not in {"__version__", "plot"}:
            assert (SITE / "api" / f"landtopo.{name}.html").is_file(), name
    for name in landtopo.plot.__all__:
        assert (SITE / "api" / f"landtopo.plot.{name}.html").is_file(), name


def test_every_command_has_a_place(pages: dict[Path, Page]) -> None:
    from landtopo_cli.app import landtopo as application

    anchors = pages[(SITE / "commands.html").resolve()].anchors
    for name in application.commands:
        assert f"landtopo-{name}" in anchors, name


def test_formulas_are_there_without_a_script() -> None:
    text = (SITE / "concepts.html").read_text("utf-8")
    assert text.count("<math") > 5
    assert "mathjax" not in " ".join(Page(SITE / "concepts.html").loaded).lower()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with its driver is installed (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


SEEN = (
    "index.html", "start.html", "concepts.html", "commands.html", "reference.html",
    "api/landtopo.find_minima.html", "api/landtopo.connect.html", "notebooks/across_widths.html",
    "examples/index.html", "search.html",
)  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_a_browser_asks_for_nothing_outside(browser: Any, name: str) -> None:
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get((SITE / name).as_uri())
    asked = re.findall(r'"url":"([^"]+)"', str(browser.get_log("performance")).replace("\\", ""))
    assert asked
    outside = {address for address in asked if re.match(r"(https?|wss?):", address)}
    assert outside == set()
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


@pytest.mark.parametrize("name", SEEN)
def test_a_phone_scrolls_down_only(browser: Any, name: str) -> None:
    browser.set_window_size(390, 844)
    browser.get((SITE / name).as_uri())
    wide = browser.execute_script(
        "const article = document.querySelector('.bd-article-container');"
        "return [article, document.documentElement].map(e => e.scrollWidth - e.clientWidth)"
    )
    assert max(wide) <= 1
