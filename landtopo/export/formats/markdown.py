"""A one-page report in Markdown, for notebooks and for people without another program."""

from __future__ import annotations

from collections.abc import Mapping

from landtopo.export.format import Format
from landtopo.export.prepare import Prepared
from landtopo.export.report import report

__all__ = ["FORMAT"]


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    return {".md": report(prepared).encode()}


FORMAT = Format(suffix=".md", title="report", write=_write, files=(".md",))
