"""Whether a value that was read is of the type that its record or its column declares.

A study without checksums may hold anything, and a damaged letter turns an array or a record into a
mapping. Nothing is converted here: a value of another type is damage.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np

from landtopo.landscape.schema import ColumnType, Owner, columns_of

__all__ = ["check_fields", "wrong_value"]

# What rows hold, by table; mappings in all others.
_RECORDS = {"families": ("Family", "FunctionFamily"), "paths": ("PathRecord", "FunctionPath")}
_OWNERS: dict[str, Owner] = {"graph": "graph", "nodes": "node", "edges": "edge"}
_COLUMNS: dict[ColumnType, tuple[type, ...]] = {
    "integer": (int,),
    "exact integer": (int,),
    "number": (float, int),
    "boolean": (bool,),
    "text": (str,),
    "vector": (list, tuple, np.ndarray),
    "matrix": (list, tuple, np.ndarray),
    "structure": (object,),
}


def check_fields(kind: type, values: Mapping[str, Any]) -> None:
    """Raise TypeError if a field of a dataclass is given what it does not declare."""
    hints = _hints(kind)
    for name, value in values.items():
        if name in hints and not _fits(value, hints[name]):
            raise TypeError(f"the field '{name}' of a {kind.__name__} holds a {_kind_of(value)}")


def wrong_value(table: str, value: Any, *, has_checksum: bool) -> str:
    """What is wrong with the coded value of a row, as the rest of a sentence; empty if nothing.

    Parameters
    ----------
    table : str
    value : object
    has_checksum : bool
        It is what was written: the columns of a graph are then those that it was given.
    """
    if type(value).__name__ not in _RECORDS.get(table, ("dict",)):
        return f"holds a {type(value).__name__}"
    declared = {} if has_checksum else _types_of(table)
    for name, entry in value.items() if declared else ():
        kind = declared.get(name, "structure")
        is_truth = isinstance(entry, bool) and kind not in ("boolean", "structure")
        if is_truth or not isinstance(entry, (*_COLUMNS[kind], types.NoneType)):
            return f"holds a {_kind_of(entry)} in the column '{name}'"
    return ""


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@cache
def _types_of(table: str) -> dict[str, ColumnType]:
    if table not in _OWNERS:
        return {}
    return {column.name: column.type for column in columns_of(_OWNERS[table])}


def _fits(value: Any, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    named = getattr(origin or hint, "__value__", None)
    if named is not None:
        # An alias that has a name of its own, as numpy's of arrays since 2.5.
        return _fits(value, named[parts] if parts else named)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        # Another word is a wrong one, which `landtopo verify` names.
        return type(value) in map(type, parts)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if parts[1:] == (...,):
            return all(_fits(item, parts[0]) for item in value)
        return len(value) == len(parts) and all(map(_fits, value, parts))
    if origin is np.ndarray:
        wanted = get_args(parts[1])[0]
        return isinstance(value, np.ndarray) and np.can_cast(value.dtype, wanted)
    if hint in (float, int):
        wide = (float, int) if hint is float else int
        return isinstance(value, wide) and not isinstance(value, bool)
    return isinstance(value, origin or hint)


def _kind_of(value: object) -> str:
    return f"{value.dtype} array" if isinstance(value, np.ndarray) else type(value).__name__
