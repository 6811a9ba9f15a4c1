"""Texts as every format can hold them, and back; names of files as people can read them.

XML has no place for control characters, UTF-8 none for halves of surrogate pairs (which Python
makes of file names that are not UTF-8), and readers of XML and CSV change carriage returns. Such a
character is written by its number as ``_x000D_``, and ``_x000D_`` itself as ``_x005F_x000D_``: the
convention of Office Open XML (ECMA-376, ST_Xstring), which leaves all other texts alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["escaped", "in_texts", "is_plain_name", "name_of", "printable", "unescaped"]

# Tabulators and line feeds stay. The controls from U+007F on would be allowed, and change what
# terminals show.
_UNFIT = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
# An underscore that reads as the beginning of an escape, and what has no place.
_ESCAPE = re.compile(f"_(?=x[0-9A-F]{{4}}[_{_UNFIT}])|[{_UNFIT}]")
_ESCAPED = re.compile("_x([0-9A-F]{4})_")


def escaped(text: str) -> str:
    """The text with all that a format may not hold written by number."""
    return _ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescaped(text: str) -> str:
    """The inverse of `escaped`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def in_texts(change: Callable[[str], str], value: Any) -> Any:
    """A nested value of plain types with every text in it changed, keys included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): in_texts(change, entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [in_texts(change, entry) for entry in value]
    return value


def is_plain_name(name: object) -> bool:
    """Whether this can be an id or the name of a column: printable, and the same in each file."""
    return isinstance(name, str) and name.isprintable() and name != "" and escaped(name) == name


def name_of(path: str | os.PathLike[str]) -> str:
    """The printable name of a file without its folder, the same in every locale."""
    return printable(os.fsencode(Path(path).name).decode(errors="surrogateescape"))


def printable(text: str) -> str:
    r"""A text, such as a sentence with the name of a file, as it can be shown and stored anywhere.

    Control characters, which may rule a terminal, and bytes that are no UTF-8 become escapes of
    Python, such as ``\x1b``.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
