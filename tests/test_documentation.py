"""What the documentation shows works: its commands parse, its worked examples run.

The site runs all its blocks when it is built (`make docs`). This needs no Sphinx, and covers what
the site does not: the commands of the README and of indented lines, and an added format as a file.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from functions import MUELLER_BROWN_MINIMA, MUELLER_BROWN_SADDLES, mueller_brown
from landtopo_cli.app import landtopo as application
from synthetic_landscape import small_graph

import landtopo as lt
from landtopo.export import formats
from landtopo.export.files import known_formats
from landtopo.models.networks import activations
from landtopo.models.networks.activation import _modules, activation_from_spec
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
    # A command keeps the names of its help option from the first context that it is given.
    context = click.Context(application, info_name="landtopo", **application.context_settings)
    application.commands[name].make_context(name, arguments, parent=context)


@pytest.mark.parametrize("file", TEXTS[1:], ids=lambda file: file.name)
def test_pages_hold_no_python_that_is_not_run(file: Path) -> None:
    """What is typed stands in blocks that the site runs, or in indented lines that can be typed."""
    fences = re.findall(r"^ *```+ *(\S+)$", file.read_text("utf-8"), re.MULTILINE)
    assert not {"python", "console", "bash", "sh", "shell"} & set(fences)


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(
        r"^```python\n(.*?)^```$", TEXTS[0].read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), names)
    assert Path("landscape.graphml").is_file()
    assert "w6-f1" in printed.getvalue()
    assert names["path"].verified


def blocks(text: str) -> list[str]:
    return re.findall(r"^```\{python\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_examples_of_adding_things_run() -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in blocks(EXTENDING):
            exec(compile(block, "<docs/architecture.md>", "exec"), names)
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


def test_a_model_is_added_by_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (module,) = [block for block in blocks(EXTENDING) if "function_model(" in block]
    (tmp_path / "wells.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    arguments = ["minima", "--model", "wells.py:wells", "--starts", "30", "--json"]
    result = CliRunner().invoke(application, arguments)
    assert result.exit_code == 0
    lowest, *_ = json.loads(result.stdout)["families"]
    # At the minimum the forces vanish: its energy changes by the square of a displacement alone.
    names: dict[str, Any] = {}
    exec(compile(module, "wells.py", "exec"), names)
    energy, x = names["energy"], np.array(lowest["coordinates"])
    assert energy(x) == pytest.approx(lowest["loss"], abs=1e-12)
    for axis in np.eye(3):
        assert energy(x + 1e-3 * axis) > energy(x)
        assert abs(energy(x + 1e-4 * axis) - energy(x - 1e-4 * axis)) < 1e-9


def test_an_activation_is_added_by_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (module,) = [block for block in blocks(EXTENDING) if 'NAME = "bump"' in block]
    (tmp_path / "bump.py").write_text(module)
    monkeypatch.setattr(activations, "__path__", [*activations.__path__, str(tmp_path)])
    _modules.cache_clear()
    try:
        found = activation_from_spec("bump")
    finally:
        _modules.cache_clear()
    bump = sys.modules.pop(f"{activations.__name__}.bump")

    def integrals(p: float, q: float, c: float) -> Any:
        return np.array(bump._first(found.tag, p, q, c, p * q - c**2, np.zeros((0, 0)), 0, 0))

    place, step = np.array([0.7, 1.1, 0.4]), 1e-5
    slopes = [
        (integrals(*(place + step * axis)) - integrals(*(place - step * axis))) / (2 * step)
        for axis in np.eye(3)
    ]
    p, q, c = place
    told = bump._second(found.tag, p, q, c, p * q - c**2, np.zeros((0, 0)), 0, 0)
    # Central differences of functions of order one: 1e-10 of each, from step^2 and from rounding.
    np.testing.assert_allclose(integrals(p, q, c)[1:], [slopes[0][0], slopes[2][0]], atol=1e-9)
    np.testing.assert_allclose(
        told, [slopes[0][1], slopes[0][2], slopes[1][2], slopes[2][2]], atol=1e-9
    )


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


# The paper.


def test_every_claim_of_the_paper_is_measured() -> None:
    sys.path.insert(0, str(ROOT / "verification"))
    try:
        import paper_claims
    finally:
        sys.path.pop(0)
    text = (ROOT / "docs" / "paper" / "paper.md").read_text("utf-8")
    claims = paper_claims.claims(text)
    assert len(claims) == text.count("<!-- claim:") > 5
    for name, number in claims.items():
        assert callable(getattr(paper_claims, name))
        # The number of the mark is the one that people read before it.
        said = text[: text.index(f"<!-- claim: {name} ")].rpartition("-->")[2]
        power = round(math.log10(number)) if number < 1e-3 else None
        told = f"{number:g}" if power is None else f"10^{{{power}}}"
        assert told in said, name
    assert set(claims) >= paper_claims.AT_LEAST


def test_what_the_paper_cites_is_in_its_list() -> None:
    paper = ROOT / "docs" / "paper"
    cited = set(re.findall(r"@(\w+\d{4}\w+)", (paper / "paper.md").read_text("utf-8")))
    listed = re.findall(r"^@\w+\{(\w+),", (paper / "paper.bib").read_text("utf-8"), re.MULTILINE)
    assert cited == set(listed)
    assert len(listed) == len(set(listed))


# The notebooks; the site runs them anew.


@pytest.mark.parametrize("file", sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")))
def test_a_notebook_is_stored_as_it_was_run(file: Path) -> None:
    cells = [
        cell for cell in json.loads(file.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"
    ]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [output["output_type"] for cell in cells for output in cell["outputs"]]
    assert kinds
    assert set(kinds) <= {"execute_result", "stream"}
    # Whoever reads it where nothing is installed sees tables, pictures and pages.
    shown = [set(output.get("data", ())) for cell in cells for output in cell["outputs"]]
    assert any({"text/html", "image/png"} & data for data in shown)
