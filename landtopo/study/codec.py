"""Values to bytes and back, exactly and without pickle: the one place where types are converted.

A value is written as four bytes (little-endian length of the text), a JSON text, and the arrays'
numbers one after the other, little-endian, in C order. In the text an object whose only key begins
with ``$`` stands for what JSON does not have:

    {"$array": [dtype, shape, offset, writeable]}   an array; offset from the end of the text
    {"$float": "nan" | "inf" | "-inf"}
    {"$tuple": [...]}
    {"$items": [[key, value], ...]}                 a dictionary with keys that are not plain texts
    {"$enum": [name of the class, name]}            an enumeration with a name in names.py
    {"$record": [name of the class, {field: value}]}  a dataclass with one

NumPy scalars become Python numbers. Reading executes nothing that the bytes say: the classes are
those that have a name in `landtopo.study.names`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import struct
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.study.declared import check_fields
from landtopo.study.names import class_of, name_of

__all__ = ["decode", "encode"]

# What reading bytes that are not ours can run into.
_DAMAGE = (
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
_LENGTH = struct.Struct("<I")
_NUMBERS = re.compile(r"[<|][biufc][0-9]{1,2}")


def encode(value: object) -> bytes:
    """The bytes of a value.

    Parameters
    ----------
    value : object
        Built from None, booleans, integers of any size, floats, texts, lists, tuples, mappings,
        arrays of booleans or numbers, NumPy scalars, and landtopo's records and enumerations.

    Raises
    ------
    InvalidArgument
        Something else is in it.
    """
    arrays: list[bytes] = []
    tree = _Encoder(arrays).tree(value)
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False).encode()
    return b"".join([_LENGTH.pack(len(text)), text, *arrays])


def decode(content: bytes) -> Any:
    """The value of bytes that `encode` made.

    Raises
    ------
    FileFormatError
        The bytes are damaged, or hold a record that this version does not know.
    """
    try:
        (length,) = _LENGTH.unpack_from(content)
        text = content[_LENGTH.size : _LENGTH.size + length]
        return _value(json.loads(text), memoryview(content)[_LENGTH.size + length :])
    except _DAMAGE as error:
        raise FileFormatError(f"A stored value cannot be read: {error}.") from None


class _Encoder:
    def __init__(self, arrays: list[bytes]) -> None:
        self._arrays = arrays
        self._offset = 0

    def tree(self, value: object) -> object:
        if isinstance(value, Enum):
            return {"$enum": [name_of(type(value)), value.name]}
        if isinstance(value, np.ndarray):
            return {"$array": self._array(value)}
        if isinstance(value, np.generic):
            return self.tree(value.item())
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"$float": str(float(value))}
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, tuple):
            return {"$tuple": [self.tree(item) for item in value]}
        if isinstance(value, list):
            return [self.tree(item) for item in value]
        if isinstance(value, Mapping):
            if all(type(key) is str and not key.startswith("$") for key in value):
                return {key: self.tree(item) for key, item in value.items()}
            return {"$items": [[self.tree(key), self.tree(item)] for key, item in value.items()]}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {
                field.name: self.tree(getattr(value, field.name))
                for field in dataclasses.fields(value)
                if field.init
            }
            return {"$record": [name_of(type(value)), fields]}
        raise InvalidArgument(
            "A stored value must be built from numbers, texts, lists, mappings, arrays and "
            f"landtopo's records; got {type(value).__name__}."
        )

    def _array(self, array: np.ndarray[Any, Any]) -> list[object]:
        if array.dtype.kind not in "biufc" or array.dtype.itemsize > 16:
            raise InvalidArgument(
                f"A stored array must hold booleans or numbers; got the type {array.dtype}."
            )
        kind = array.dtype.newbyteorder("<")
        content = np.ascontiguousarray(array, dtype=kind).tobytes()
        entry: list[object] = [kind.str, list(array.shape), self._offset, array.flags.writeable]
        self._arrays.append(content)
        self._offset += len(content)
        return entry


def _value(tree: Any, numbers: memoryview) -> Any:
    if isinstance(tree, list):
        return [_value(item, numbers) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if len(tree) == 1:
        ((key, content),) = tree.items()
        if key == "$array":
            return _array(content, numbers)
        if key == "$float":
            return float(content)
        if key == "$tuple":
            return tuple(_value(item, numbers) for item in content)
        if key == "$items":
            return {_value(name, numbers): _value(item, numbers) for name, item in content}
        if key == "$enum":
            return _class(content[0], enumeration=True)[content[1]]
        if key == "$record":
            fields = {name: _value(item, numbers) for name, item in content[1].items()}
            kind = _class(content[0], enumeration=False)
            check_fields(kind, fields)
            return kind(**fields)
        if key.startswith("$"):
            raise ValueError(f"it holds {key!r:.20}, which stands for nothing")
    return {key: _value(item, numbers) for key, item in tree.items()}


def _array(entry: list[Any], numbers: memoryview) -> np.ndarray[Any, Any]:
    kind, shape, offset, writeable = entry
    if not _NUMBERS.fullmatch(kind) or any(extent < 0 for extent in shape):
        raise ValueError(f"it holds an array of type {kind!r:.20} and shape {shape!r:.40}")
    dtype = np.dtype(kind)
    count = math.prod(shape)
    # Arrays in native order that can be written, as computed ones are: compiled functions treat
    # a read-only or foreign one as another type, and would be compiled again for it.
    array = np.frombuffer(numbers, dtype, count, offset).astype(dtype.newbyteorder("="))
    array = array.reshape(shape)
    array.setflags(write=writeable)
    return array


def _class(name: str, *, enumeration: bool) -> Any:
    found = class_of(name)
    if issubclass(found, Enum) is not enumeration:
        raise ValueError(f"the record {name!r:.80} is of another kind")
    return found
