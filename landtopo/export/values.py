"""Values of columns: to plain Python, to text for files without nested values, and back.

A value that is unknown, NaN or infinite is *absent* in every file: formats disagree on how to
write it, and None is forbidden in most. Here such a value is None; no record ever holds it.
Texts are escaped as landtopo/texts.py says.
"""

from __future__ import annotations

import enum
import json
import math
import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.landscape.schema import ColumnType
from landtopo.numerals import real_number
from landtopo.texts import escaped, in_texts, unescaped

__all__ = ["flat", "infer_type", "plain", "restore", "typed"]

# JavaScript and many table readers hold integers as doubles.
_SAFE_INTEGER = 2**53
# Python refuses to write or read integers of more decimal digits.
_LONGEST = 10**4300
_DECIMAL = re.compile("-?[0-9]+")


def plain(value: object, kind: ColumnType, where: str) -> Any:
    """The value in built-in Python types, or None when it is to be absent.

    Parameters
    ----------
    value : object
        As found in the graph: NumPy values and enumerations are welcome.
    kind : ColumnType
        Type of its column.
    where : str
        Begins the sentence when the value does not fit the column.

    Raises
    ------
    InvalidArgument
        The value cannot be of that type.
    """
    if value is None:
        return None
    if isinstance(value, enum.Enum):
        value = value.value
    try:
        return _PLAIN[kind](value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        try:
            shown = reprlib.repr(value)
        except ValueError:
            # Python writes no integer of so many digits.
            shown = f"a too long {type(value).__name__}"
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise InvalidArgument(f"{where} must be of type {kind}; got {shown}.") from None


def _whole(value: Any) -> int | None:
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            return None
        if value != int(value):
            raise ValueError
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError
    whole = int(value)
    if abs(whole) >= _LONGEST:
        raise ValueError
    return whole


def _integer(value: Any) -> int | None:
    whole = _whole(value)
    if whole is not None and abs(whole) > _SAFE_INTEGER:
        raise ValueError
    return whole


def _number(value: Any) -> float | None:
    number = real_number(value) if isinstance(value, str) else float(value)
    return number if math.isfinite(number) else None


def _boolean(value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise TypeError


def _text(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (str, bool, int, float)):
        return escaped(str(value))
    raise TypeError


def _array(value: Any, ndim: int) -> list[Any] | None:
    array = np.asarray(value, dtype=np.float64)
    # A matrix without rows, as a list, does not say how many columns it has.
    if array.ndim != ndim and array.shape != (0,):
        raise ValueError
    return array.tolist() if np.all(np.isfinite(array)) else None


def _structure(value: Any) -> Any:
    """Nested lists and dictionaries with text keys; unknown entries of a dictionary are left out.

    A list cannot lose an entry without moving the others, so it is absent as a whole.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return escaped(str(value))
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        entries = {_key(key): _structure(entry) for key, entry in value.items()}
        if len(entries) < len(value):
            raise ValueError
        return {key: entries[key] for key in sorted(entries) if entries[key] is not None}
    if isinstance(value, Iterable) and not isinstance(value, (bytes, set, frozenset)):
        items = [_structure(item) for item in value]
        return None if any(item is None for item in items) else items
    raise TypeError


def _key(key: Any) -> str:
    """The key of a dictionary; widths may be numbers."""
    if isinstance(key, bool) or not isinstance(key, (str, int, np.integer)):
        raise TypeError
    return escaped(str(key))


_PLAIN = {
    "integer": _integer,
    "exact integer": _whole,
    "number": _number,
    "boolean": _boolean,
    "text": _text,
    "vector": lambda value: _array(value, 1),
    "matrix": lambda value: _array(value, 2),
    "structure": _structure,
}


def infer_type(values: Iterable[object]) -> ColumnType:
    """The narrowest type that holds all values of a column that the table does not know."""
    kinds = {_type_of(value) for value in values if value is not None}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds <= {"integer", "exact integer"}:
        return "exact integer"
    if kinds <= {"integer", "number"}:
        return "number"
    return "structure"


def _type_of(value: object) -> ColumnType:
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, (bool, np.bool_)):
        return "boolean"
    if isinstance(value, (int, np.integer)):
        return "integer" if abs(int(value)) <= _SAFE_INTEGER else "exact integer"
    if isinstance(value, (float, np.floating)):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, np.ndarray) and value.ndim in (1, 2) and _holds_doubles(value):
        return "vector" if value.ndim == 1 else "matrix"
    return "structure"


def _holds_doubles(array: np.ndarray) -> bool:
    """Whether an array loses nothing as doubles."""
    if array.dtype.kind in "iu":
        return all(abs(int(entry)) <= _SAFE_INTEGER for entry in array.flat)
    return array.dtype.kind == "f"


def typed(value: Any, kind: ColumnType) -> Any:
    """The plain value as a graph in memory holds it: texts as they were, arrays read-only."""
    if kind in ("text", "structure"):
        return in_texts(unescaped, value)
    if kind not in ("vector", "matrix"):
        return value
    array = np.array(value, dtype=np.float64)
    if array.size == 0 and kind == "matrix":
        array = array.reshape(len(value), 0)
    array.setflags(write=False)
    return array


def flat(value: Any, kind: ColumnType, *, nested: bool = False) -> Any:
    """The plain value for a file: exact integers as text, nested values as JSON text.

    Parameters
    ----------
    value : object
        A plain value.
    kind : ColumnType
        Type of its column.
    nested : bool
        The format holds lists and dictionaries itself.
    """
    if kind == "exact integer":
        return str(value)
    if kind in ("vector", "matrix", "structure") and not nested:
        return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return value


def restore(value: Any, kind: ColumnType, where: str, *, nested: bool = False) -> Any:
    """The plain value from what a file holds; the inverse of `flat`.

    Parameters
    ----------
    value : object
        In a format without nested values, a text; attributes of the graph may have their type.
    kind : ColumnType
        Type of its column.
    where : str
        Begins the sentence when the value does not fit the column.
    nested : bool
        The format holds lists and dictionaries itself.

    Raises
    ------
    FileFormatError
        The value cannot be of that type.
    """
    try:
        if not nested and kind in ("vector", "matrix", "structure"):
            value = json.loads(value)
        if not nested and kind == "boolean" and not isinstance(value, bool):
            value = {"true": True, "false": False}[value.lower()]
        if kind in ("text", "structure"):
            value = in_texts(unescaped, value)
        return plain(value, kind, where)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FileFormatError(f"{where} cannot be read as {kind}.") from None
