"""Lists that are never behind: every public name has a page, and every page is in the contents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import landtopo

PAGE = "reference"
REST = "<!-- all other public names -->"
OTHERS = "% other pages"
#: Read by the generator of the pages of single names, which looks into files alone, and writes
#: beside them.
LIST = "_rest.rst"
#: The module of pictures has its functions on the page, and the version is on every page.
ELSEWHERE = {"plot", "__version__"}


def rest_of(page: str) -> str:
    """The directive for those public names that no group of the page has; empty if none."""
    named = set(re.findall(r"^   (\w+)$", page, re.MULTILINE))
    rest = [entry for entry in landtopo.__all__ if entry not in named | ELSEWHERE]
    names = "\n".join(f"   {entry}" for entry in rest)
    return (
        f".. currentmodule:: landtopo\n\n.. autosummary::\n   :toctree: api\n\n{names}\n"
        if rest
        else ""
    )


def _list_the_rest(app: Sphinx, config: Any) -> None:
    source = Path(app.srcdir)
    target = source / LIST
    target.write_text(rest_of((source / f"{PAGE}.md").read_text("utf-8")), "utf-8")
    config.autosummary_generate = [f"{PAGE}.md", LIST]


def _add_the_rest(app: Sphinx, name: str, source: list[str]) -> None:
    if name == PAGE:
        rest = rest_of(source[0])
        block = f"## More\n\n```{{eval-rst}}\n{rest}```\n" if rest else ""
        source[0] = source[0].replace(REST, block)


def _list_other_pages(app: Sphinx, name: str, source: list[str]) -> None:
    """A page that no table of contents names has its place with those that explain."""
    if name == "index":
        found = {entry for entry in app.project.docnames if "/" not in entry}
        others = sorted(found - set(source[0].split()) - {"index"})
        source[0] = source[0].replace(OTHERS, "\n".join(others))


def _keep_bars(app: Sphinx, what: str, name: str, found: Any, options: Any, lines: Any) -> None:
    """Bars in the texts of functions are absolute values, never substitutions."""
    for place, line in enumerate(lines):
        parts = re.split(r"(``.*?``)", line)
        if "|" in line and not line.lstrip().startswith((">>>", "...")):
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            lines[place] = "".join(parts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Complete the page, and read texts as they are meant."""
    app.connect("config-inited", _list_the_rest)
    app.connect("source-read", _add_the_rest)
    app.connect("source-read", _list_other_pages)
    # After numpydoc, which has taken the text apart.
    app.connect("autodoc-process-docstring", _keep_bars, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
