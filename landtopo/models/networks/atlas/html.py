"""Pieces of static pages: everything is escaped, nothing is loaded from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

import numpy as np

from landtopo.objective import Array
from landtopo.shown import html_table
from landtopo.wording import number

__all__ = ["SCRIPT", "STYLE", "heat", "link", "page", "pairs", "table"]

_ASSETS = files("landtopo.models.networks.atlas") / "assets"
STYLE, SCRIPT = "atlas.css", "atlas.js"


def asset(name: str) -> str:
    """Text of a file that pages share."""
    return (_ASSETS / name).read_text("utf-8")


def page(title: str, body: str, *, root: str, scripts: Sequence[str] = ()) -> str:
    """A whole page.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML.
    root : str
        Way from the page to the folder of the atlas, such as ``../../``; empty for its first page.
    scripts : sequence of str
        Files in that folder.
    """
    loaded = "".join(f'<script src="{root}{name}" defer></script>' for name in scripts)
    home = "" if not root else f'<nav><a href="{root}index.html">Atlas</a></nav>'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{root}{STYLE}">{loaded}'
        f"</head>\n<body>{home}<main>\n<h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n"
    )


def link(target: str, text: str) -> str:
    """A link to another page of the atlas."""
    return f'<a href="{escape(target)}">{escape(text)}</a>'


def table(header: Iterable[str], rows: Iterable[Iterable[str]], caption: str = "") -> str:
    """A table of HTML cells under plain headings, which scrolls by itself where it is too wide."""
    return f'<div class="wide">{html_table(header, rows, caption)}</div>'


def pairs(rows: Iterable[tuple[str, str, str]]) -> str:
    """Names, HTML values, and what each name means."""
    return (
        "<dl>"
        + "\n".join(
            f'<dt>{escape(name)}</dt><dd>{value}<span class="means">{escape(means)}</span></dd>'
            for name, value, means in rows
        )
        + "</dl>"
    )


def heat(matrix: Array, caption: str) -> str:
    """A matrix as a table whose cells are blue where negative and red where positive."""
    scale = float(np.abs(matrix).max(initial=0.0)) or 1.0
    rows = []
    for row in matrix:
        cells = []
        for value in row:
            strength = round(100 * abs(float(value)) / scale)
            colour = "red" if value > 0 else "blue"
            text = number(float(value), 3)
            cells.append(f'<td class="{colour}" style="--s:{strength}%">{text}</td>')
        rows.append("<tr>" + "".join(cells) + "</tr>")
    return (
        f'<div class="wide"><table class="heat"><caption>{escape(caption)}</caption>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
