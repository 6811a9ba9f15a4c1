"""Commands and Python of a page, run while the site is built, with what they print.

A block `{run}` holds commands `landtopo ...`, one a line; a block `{python}` holds Python, whose
last expression is shown: a picture as a picture, anything else as its text. Each page has a folder
of its own, in which files stay from block to block, and names of Python stay likewise. A command
that is `:shared:` runs once for all pages, and its files are copied to the page's folder.

What fails, or ends with another exit code than `:exit:` says, is an error of the build.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import shlex
import shutil
import tempfile
import textwrap
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from click.testing import CliRunner
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PICTURES = "_generated"
#: Of what is printed; a page is wider than most terminals.
WIDTH = 100


@dataclass(frozen=True)
class Outcome:
    """What a block left behind."""

    text: str
    code: int = 0
    value: Any = None


@dataclass
class Page:
    """The folder and the names of one page."""

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def python(self, source: str) -> Outcome:
        """Run statements; the value of a last expression is the outcome's."""
        tree = ast.parse(source)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        printed = io.StringIO()
        value, code = None, 0
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(printed):
            try:
                exec(compile(tree, "<page>", "exec"), self.names)
                if last is not None:
                    value = eval(compile(last, "<page>", "eval"), self.names)
            except Exception:
                printed.write(traceback.format_exc())
                code = 1
        return Outcome(printed.getvalue(), code, value)

    def command(self, line: str) -> Outcome:
        """Run one command, in this process: a hundred interpreters would take minutes to start."""
        return run_command(line, self.folder)


def run_command(line: str, folder: Path) -> Outcome:
    """What `landtopo ...` prints on a terminal that shows both streams, and its exit code."""
    from landtopo_cli.app import landtopo

    program, *arguments = shlex.split(line, comments=True)
    if program != "landtopo":
        raise ValueError(f"'{line}' is no command of landtopo.")
    with contextlib.chdir(folder):
        result = CliRunner().invoke(landtopo, arguments, prog_name="landtopo")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return Outcome("".join(traceback.format_exception(result.exception)), 1)
    return Outcome(result.output, result.exit_code)


def commands(text: str) -> list[str]:
    """The commands of a block: a line each, joined where one ends in a backslash."""
    joined = text.replace("\\\n", " ")
    lines = (" ".join(line.split()) for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


class Workshop:
    """The folders of all pages, and what shared commands have made."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="landtopo-site-"))
        self._pages: dict[str, Page] = {}
        self._shared: dict[str, tuple[Outcome, Path]] = {}

    def page(self, name: str) -> Page:
        """The page of a name, begun when it is first asked for."""
        if name not in self._pages:
            folder = self.home / "pages" / name
            folder.mkdir(parents=True)
            self._pages[name] = Page(folder)
        return self._pages[name]

    def forget(self, name: str) -> None:
        """Begin a page anew."""
        page = self._pages.pop(name, None)
        if page is not None:
            shutil.rmtree(page.folder)

    def shared(self, line: str, page: Page) -> Outcome:
        """The outcome of a command that runs once, with its files in the page's folder."""
        if line not in self._shared:
            folder = self.home / "shared" / str(len(self._shared))
            folder.mkdir(parents=True)
            self._shared[line] = run_command(line, folder), folder
        outcome, folder = self._shared[line]
        shutil.copytree(folder, page.folder, dirs_exist_ok=True)
        return outcome

    def close(self) -> None:
        """Remove all folders."""
        shutil.rmtree(self.home, ignore_errors=True)


def wrapped(line: str) -> list[str]:
    """A long sentence as several lines; lines of tables, which have wide gaps, stay as they are."""
    if "  " in line.strip() or len(line) <= WIDTH:
        return [line]
    return textwrap.wrap(line, WIDTH)


class Executed(SphinxDirective):
    """What both kinds of blocks share: options, and how text and pictures are shown."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "hidden": directives.flag,
        "silent": directives.flag,
        "lines": directives.positive_int,
        "exit": directives.nonnegative_int,
        "shared": directives.flag,
        "keep": directives.unchanged,
        "alt": directives.unchanged,
    }

    @property
    def workshop(self) -> Workshop:
        """Of this build."""
        return self.env.app.workshop

    def code(self, text: str, language: str) -> nodes.Node:
        """A block as it was written."""
        block = nodes.literal_block(text, text, language=language)
        self.set_source_info(block)
        return block

    def printed(self, text: str) -> Iterator[nodes.Node]:
        """What was printed, as far as `:lines:` says."""
        lines = [part for line in text.rstrip().splitlines() for part in wrapped(line)]
        most = self.options.get("lines", len(lines))
        shown = "\n".join([*lines[:most], *(["..."] if len(lines) > most else [])])
        if shown and "silent" not in self.options:
            yield nodes.literal_block(shown, shown, language="text", classes=["printed"])

    def check(self, outcome: Outcome, what: str) -> None:
        """Another end than was expected is an error of the page."""
        expected = self.options.get("exit", 0)
        if outcome.code != expected:
            raise self.error(
                f"'{what}' ended with {outcome.code} and not {expected}:\n{outcome.text}"
            )

    def keep(self, page: Page) -> None:
        """Put files among those of the site, beside the page in `files/`."""
        for name in self.options.get("keep", "").split():
            target = Path(self.env.app.outdir) / "files" / Path(name).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(page.folder / name, target)


class Run(Executed):
    """Commands of a terminal."""

    def run(self) -> list[nodes.Node]:
        """Each command with what it prints."""
        page = self.workshop.page(self.env.docname)
        shown: list[nodes.Node] = []
        for line in commands("\n".join(self.content)):
            if "shared" in self.options:
                outcome = self.workshop.shared(line, page)
            else:
                outcome = page.command(line)
            self.check(outcome, line)
            shown += [self.code(line, "sh"), *self.printed(outcome.text)]
        self.keep(page)
        return [] if "hidden" in self.options else shown


class Python(Executed):
    """Lines of Python."""

    def run(self) -> list[nodes.Node]:
        """The lines, what they print, and the value of the last one."""
        page = self.workshop.page(self.env.docname)
        source = "\n".join(self.content)
        outcome = page.python(source)
        self.check(outcome, source)
        text, picture = outcome.text, figure_of(outcome.value)
        if outcome.value is not None and picture is None:
            text += str(outcome.value)
        shown = [self.code(source, "python"), *self.printed(text)]
        if picture is not None:
            shown.append(self.picture(picture))
        self.keep(page)
        return [] if "hidden" in self.options else shown

    def picture(self, figure: Any) -> nodes.Node:
        """A figure as an image of the page; it needs an `:alt:` text for who cannot see it."""
        from landtopo import plot

        if not self.options.get("alt"):
            raise self.error("A picture needs ':alt:', one sentence that says what it shows.")
        count = self.env.new_serialno("picture")
        name = f"{self.env.docname.replace('/', '-')}-{count}.png"
        folder = Path(self.env.srcdir) / PICTURES
        folder.mkdir(exist_ok=True)
        plot.save(figure, folder / name)
        return nodes.image(uri=f"/{PICTURES}/{name}", alt=self.options["alt"], width="460px")


def figure_of(value: Any) -> Any:
    """The figure that a value is, or is drawn in; None for what is no picture."""
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    if isinstance(value, Figure):
        return value
    return value.figure if isinstance(value, Axes) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the blocks."""
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    app.workshop = Workshop()  # type: ignore[attr-defined]
    app.connect("env-purge-doc", lambda app, env, name: app.workshop.forget(name))
    app.connect("build-finished", lambda app, error: app.workshop.close())
    app.add_directive("run", Run)
    app.add_directive("python", Python)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
