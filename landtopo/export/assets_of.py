"""What offline pages are made of: files of the package, and data within a script element."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from landtopo.export.format import CREATOR

__all__ = ["asset", "embedded", "filled"]


def asset(name: str) -> str:
    """The text of a file in landtopo/export/assets.

    Parameters
    ----------
    name : str
    """
    return files("landtopo.export").joinpath("assets", name).read_text(encoding="utf-8").rstrip()


def filled(
    name: str, *, title: str, code: Sequence[str], data: Mapping[str, Any], library: str = ""
) -> bytes:
    """A whole page: the template ``NAME.html`` with its style ``NAME.css``.

    Parameters
    ----------
    name : str
    title : str
        Plain text.
    code : sequence of str
        Scripts in landtopo/export/assets, in their order.
    data : mapping
    library : str
        A script that stands before them.
    """
    parts = {
        "@CREATOR@": html.escape(CREATOR),
        "@TITLE@": html.escape(title),
        "@STYLE@": asset(f"{name}.css"),
        "@LIBRARY@": library,
        "@CODE@": "\n".join(map(asset, code)),
        # Last: nothing in the data is ever taken for a placeholder.
        "@DATA@": embedded(data),
    }
    page = asset(f"{name}.html")
    for mark, text in parts.items():
        page = page.replace(mark, text)
    return page.encode()


def embedded(data: Any) -> str:
    """JSON that cannot end the script element it stands in.

    Parameters
    ----------
    data : object
        Plain JSON values.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c")
