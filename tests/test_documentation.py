"""What the documentation shows works: its commands parse, its worked examples run.

The site runs all its blocks when it is built (`make docs`). This needs no Sphinx, and covers what
the site does not: the commands of the README and of indented lines, and an added format as a file.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from functions import MUELLER_BROWN_MINIMA, MUELLER_BROWN_SADDLES, mueller_brown
from landtopo_cli.app import landtopo as application
from synthetic_landscape import small_graph

import landtopo as lt
from landtopo.export import formats
from landtopo.export.files import known_formats
from landtopo.paths.chain import Metric, relax
from landtopo.paths.optimiser import StepRule
from landtopo.paths.refine import refine

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXTENDING = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def shown_commands() -> Iterator[tuple[str, str]]:
    """Whole lines `landtopo ...`, with where they stand."""
    for file in TEXTS:
        for line in re.findall(r"^ *(landtopo [a-z]+ .*)$", file.read_text("utf-8"), re.MULTILINE):
            if line.split()[1] in application.commands:
                yield file.name, line
    for name, command in application.commands.items():
        for line in re.findall(r"^ *(landtopo .*)$", command.epilog or "", re.MULTILINE):
            yield f"landtopo {name} --help", line


@pytest.mark.parametrize(("place", "line"), list(dict.fromkeys(shown_commands())))
def test_a_command_that_is_shown_can_be_typed(
    place: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options exist and have such values; files it names are there."""
    monkeypatch.chdir(tmp_path)
    _, name, *arguments = shlex.split(line, comments=True)
    for word in arguments:
        if re.fullmatch(r"[\w-]+\.(npy|csv|json|landtopo|graphml)", word):
            Path(word).touch()
    for folder in ("DIRECTORY", "database"):
        Path(folder).mkdir()
    context = click.Context(application, info_name="landtopo")
    application.commands[name].make_context(name, arguments, parent=context)


def blocks(text: str) -> list[str]:
    return re.findall(r"^```\{python\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_examples_of_adding_things_run() -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in blocks(EXTENDING):
            exec(compile(block, "docs/architecture.md", "exec"), names)
    # The saddle of the example's own surface, found by the example's own method.
    assert "CONVERGED [0.  0.5]" in printed.getvalue()
    assert "w2-f0 0\n" in printed.getvalue()


def test_the_added_method_finds_the_saddles_of_mueller_brown() -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    (method,) = [block for block in blocks(EXTENDING) if "class Drag" in block]
    exec(compile(method, "docs/architecture.md", "exec"), names)
    first, _, last = MUELLER_BROWN_MINIMA[:, :2]
    line = np.linspace(first, last, 15)
    metric = Metric.from_hessians(mueller_brown(), line[::7])
    rule = names["Drag"](tolerance=0.02, step_rule=StepRule(longest=1.0))
    chain = relax(mueller_brown(), line, rule, metric=metric)
    found = [maximum.ascent.x for maximum in refine(mueller_brown(), chain.images).maxima]
    # Published with ten digits.
    np.testing.assert_allclose(found, MUELLER_BROWN_SADDLES[:, :2], atol=2e-9)


def test_a_format_is_added_by_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (module,) = [block for block in blocks(EXTENDING) if "FORMAT = Format" in block]
    (tmp_path / "trivial.py").write_text(module)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    known_formats.cache_clear()
    try:
        graph = small_graph()
        (written,) = lt.write_graph(graph, tmp_path / "landscape.tgf")
    finally:
        known_formats.cache_clear()
    nodes, edges = written.read_text().split("#\n")
    assert len(nodes.splitlines()) == graph.number_of_nodes()
    assert len(edges.splitlines()) == graph.number_of_edges()
