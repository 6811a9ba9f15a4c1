"""Tables and numbers as people read them."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from landtopo.wording import loss_text, number, share

__all__ = ["loss_text", "number", "plain_json", "share", "table"]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns; columns of numbers to the right.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequences of str
    """
    body = [list(row) for row in rows]
    columns = list(zip(header, *body, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(_is_number(cell) for cell in column[1:]) for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in [list(header), *body]
    ]
    return "\n".join(lines)


def plain_json(value: Any) -> str:
    """Strict JSON: what is not finite is null, what stdout cannot write is escaped."""
    finite = _finite(value)
    text = json.dumps(finite, indent=2, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(finite, indent=2, allow_nan=False)
    # One line a list of numbers. A text cannot be hit: JSON has no line breaks within texts.
    return re.sub(r'\[\n([^\[\]{}"]*)\n *\]', lambda hit: f"[{_one_line(hit[1])}]", text)


def _one_line(numbers: str) -> str:
    return " ".join(numbers.split())


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return value


def _is_number(cell: str) -> bool:
    return not cell.strip("0123456789.,+-e %")
