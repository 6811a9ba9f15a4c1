"""What offline pages are made of: files of the package, and data within a script element."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

__all__ = ["asset", "embedded"]


def asset(name: str) -> str:
    """The text of a file in landtopo/export/assets.

    Parameters
    ----------
    name : str
    """
    return files("landtopo.export").joinpath("assets", name).read_text(encoding="utf-8").rstrip()


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element it stands in.

    Parameters
    ----------
    data : mapping
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c")
