"""What tests share: kernels compiled once, not once in every worker, and a browser."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fill numba's cache before workers start: two that compile at once do the work twice."""
    config = session.config
    workers = config.getoption("numprocesses", None)
    if workers and not hasattr(config, "workerinput") and not config.option.collectonly:
        # These two share little.
        here = str(Path(__file__).parent)
        script = (
            f"import sys; sys.path.insert(0, {here!r}); import conftest; conftest.use_dynamics()"
        )
        beside = subprocess.Popen([sys.executable, "-c", script])
        use_landscape()
        assert beside.wait() == 0


def use_landscape() -> None:
    """Small calls that between them need nearly every compiled function of points and paths."""
    import landtopo as lt

    teacher = lt.Teacher.orthonormal(2)
    problem = lt.TeacherStudent(teacher, 2)
    graph = lt.landscape_graph(teacher, widths=[2, 3], starts=20, seed=0)
    assert graph.number_of_nodes()
    lt.connect(problem, np.eye(2), np.eye(2)[::-1], seed=0)


def use_dynamics() -> None:
    """The same for flows, training and what one more neuron can do."""
    import landtopo as lt

    teacher = lt.Teacher.orthonormal(2)
    problem = lt.TeacherStudent(teacher, 2)
    finite = lt.TeacherStudent(teacher, 2, dim=20)
    weights = np.array([[0.9, 0.1], [0.2, 0.7]])
    statistics = lt.summary_statistics(teacher, weights)
    lt.psi_min(problem, weights)
    lt.noise_term(teacher, weights)
    lt.critical_rate(problem, np.eye(2))
    lt.flow_weights(problem, weights)
    lt.flow_statistics(problem, statistics.student, statistics.overlap, rate=0.1)
    for method in ("reduced", "direct"):
        lt.run_sgd(finite, weights, rate=0.1, times=[0.0, 0.5], method=method)
    lt.reachability(finite, runs=5)


@pytest.fixture(autouse=True)
def logger_as_it_is_at_first() -> None:
    """A command that ran in this process keeps what the library logs for the terminal alone.

    It may have run for what several tests share, before any of them began.
    """
    logger = logging.getLogger("landtopo")
    logger.setLevel(logging.NOTSET)
    logger.propagate, logger.handlers = True, []


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with its driver is installed (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1400,1000",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    opened = webdriver.Chrome(options=options, service=service)
    yield opened
    opened.quit()
