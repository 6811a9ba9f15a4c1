"""Tables and numbers as people read them."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any

from landtopo.wording import aligned as table
from landtopo.wording import loss_text, number, share

__all__ = ["loss_text", "number", "plain_json", "share", "table"]


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
