"""What offline pages are made of: files of the package, and data within a script element."""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from landtopo.export.format import CREATOR

__all__ = ["asset", "embedded", "filled"]

# From so many characters on data are deflated: the browser inflates them in milliseconds, and less
# is read from the disk and kept in the document.
_LARGE = 1_000_000


def asset(name: str) -> str:
    """The text of a file in landtopo/export/assets.

    Parameters
    ----------
    name : str
    """
    return files("landtopo.export").joinpath("assets", name).read_text(encoding="utf-8").rstrip()


def filled(name: str, *, title: str, code: Sequence[str], data: Mapping[str, Any]) -> bytes:
    """A whole page: the template ``NAME.html`` with its style ``NAME.css``.

    Parameters
    ----------
    name : str
    title : str
        Plain text.
    code : sequence of str
        Scripts in landtopo/export/assets, in their order.
    data : mapping
    """
    kind, packed = _packed(data)
    parts = {
        "@CREATOR@": html.escape(CREATOR),
        "@TITLE@": html.escape(title),
        "@STYLE@": asset(f"{name}.css"),
        "@CODE@": "\n".join(map(asset, code)),
        "@KIND@": kind,
        # Last: nothing in the data is ever taken for a placeholder.
        "@DATA@": packed,
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
    return _json(data).replace("<", "\\u003c")


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _packed(data: Any) -> tuple[str, str]:
    """Type and text of a script element: JSON, or JSON deflated (zlib, RFC 1950) in base64."""
    text = embedded(data)
    if len(text) <= _LARGE:
        return "application/json", text
    deflated = base64.b64encode(zlib.compress(_json(data).encode(), 9))
    return "application/zlib;base64", deflated.decode()
