"""The help of commands as pages: examples are code, with a place for a link to each command."""

from __future__ import annotations

from typing import Any

import click
from sphinx.application import Sphinx


def _examples(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Lines that click would leave as they are: a title, then what is typed."""
    shown: list[str] = []
    for line in lines:
        text = line.removeprefix("| ")
        if text.startswith("  "):
            shown.append(text)
        elif text:
            shown += ["", f"{text}::" if text in TITLES else text, ""]
        else:
            shown.append("")
    lines[:] = [*shown, ""]


TITLES = {"Examples", "Begin with"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Rewrite what stands below the options."""
    app.connect("sphinx-click-process-epilog", _examples)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
