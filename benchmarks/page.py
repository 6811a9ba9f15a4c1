"""Size of the offline page, and how long Chromium takes to open it: `python benchmarks/page.py`.

Pages of made-up graphs with thousands of families (tests/synthetic_landscape.py), in a headless
Chromium without a graphics card. Told are the bytes of the file, seconds until the page answers
(all of it wired, before the first frame) and until the first frame with the graph is drawn, and
the processor seconds of the page's thread up to there; the best of three.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from synthetic_landscape import large_graph

import landtopo as lt

FRAME = """
const done = arguments[0];
requestAnimationFrame(() => setTimeout(() => done([
  performance.getEntriesByName('landtopo')[0].startTime, performance.now()]), 0));
"""


def opened(page: Path) -> tuple[float, float, float]:
    """Seconds until the page answers, until it is drawn, and of the processor."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1400,900"):
        options.add_argument(argument)
    # With its path told, selenium asks no server for a driver.
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        browser.get(page.as_uri())
        WebDriverWait(browser, 120, 0.05).until(
            lambda one: one.execute_script("return Boolean(window.landtopo)")
        )
        answers, drawn = browser.execute_async_script(FRAME)
        metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        spent = {one["name"]: one["value"] for one in metrics}["TaskDuration"]
        return answers / 1000, drawn / 1000, spent
    finally:
        browser.quit()


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    print("| families | MB | answers, s | drawn, s | processor, s |")
    print("| --- | --- | --- | --- | --- |")
    for count in map(int, sys.argv[1:] or ("500", "2000", "5000")):
        (made,) = lt.write_graph(large_graph(count), folder / "page.html")
        best = [min(times) for times in zip(*(opened(made) for _ in range(3)), strict=True)]
        size = made.stat().st_size / 1e6
        print(f"| {count} | {size:.1f} | {' | '.join(f'{one:.2f}' for one in best)} |")
