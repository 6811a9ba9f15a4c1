"""Numbers as people write them in commands, specifications and files.

Python's own `int` and `float` also take ``1_0``, blanks around a number and digits of every
script, which in a table of numbers are typing errors.
"""

from __future__ import annotations

import re

__all__ = ["real_number", "whole_number"]

_WHOLE = re.compile(r"[+-]?[0-9]{1,300}")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf|nan", re.I)


def whole_number(text: str) -> int:
    """The whole number that a text is.

    Parameters
    ----------
    text : str
        Decimal digits of ASCII with a sign or none.

    Raises
    ------
    ValueError
        It is none.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"'{text}' is not a whole number")
    return int(text)


def real_number(text: str) -> float:
    """The number that a text is, ``inf`` and ``nan`` included.

    Parameters
    ----------
    text : str
        A decimal number of ASCII digits, with an exponent or none.

    Raises
    ------
    ValueError
        It is none.
    """
    if not _REAL.fullmatch(text):
        raise ValueError(f"'{text}' is not a number")
    return float(text)
