"""Teachers from a short text or a file.

A text names either a construction or a file:

    orthonormal:M                      M orthonormal vectors
    equicorrelated:M:RHO               M unit vectors with common scalar product RHO
    scaled:M:NORM                      M orthogonal vectors, the first of that norm, the others of 1
    angle:PHI                          two unit vectors at that angle, in radians
    random:M[:dim=D][:seed=S]          entries N(0, 1/D); D = M and S = 0 unless given
    FILE  |  FILE:vectors  |  FILE:gram

A file is .npy (one array), .csv (one row a line, separated by commas, semicolons or blanks; `#`
starts a comment, which may hold anything) or .json (a list of rows, or an object with one of the
keys "vectors" and "gram", and perhaps "activation", a text, and "outputs", a list with the output
weight of each neuron). A bare matrix holds vectors, one a row. A bare matrix that is square and
symmetric could as well be a Gram matrix: it is refused unless both readings give the same teacher,
and `:vectors` or `:gram` after the name decides.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from landtopo.checks import shown
from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.models.networks.problem import Teacher
from landtopo.models.networks.tolerances import SAME_TEACHER
from landtopo.numerals import real_number, whole_number
from landtopo.objective import Array
from landtopo.texts import name_of

__all__ = ["matrix_from_file", "teacher_from_spec"]

Reading = Literal["vectors", "gram"]

_READINGS: tuple[Reading, ...] = ("vectors", "gram")

# Looser than what a Gram matrix must satisfy: a matrix this close to symmetric was meant to be.
_LOOKS_SYMMETRIC = 1e-6

_LONGEST_NAME = 1000
_BLANKS = " \t"
_NO_NUMBERS = "it is damaged or not an .npy file of numbers"


def teacher_from_spec(spec: str) -> Teacher:
    """Teacher from a short text, as on the command line.

    Parameters
    ----------
    spec : str
        ``orthonormal:6``, ``equicorrelated:6:0.2``, ``scaled:6:0.5``, ``angle:1.2``,
        ``random:6:dim=100:seed=1``, or the name of a file (.json, .npy, .csv) that may be followed
        by ``:vectors`` or ``:gram``.

    Raises
    ------
    InvalidArgument
        The text names no teacher, or the numbers in the file are no teacher.
    FileFormatError
        The file does not exist or cannot be read.
    """
    maker, *parts = spec.split(":")
    if maker in _MAKERS:
        return _MAKERS[maker](spec, parts)
    return _from_file(spec)


def _orthonormal(spec: str, parts: list[str]) -> Teacher:
    if len(parts) != 1:
        raise _unusable(spec, "must be written as orthonormal:M, such as orthonormal:6")
    return Teacher.orthonormal(_integer(spec, "number of neurons", parts[0]))


def _equicorrelated(spec: str, parts: list[str]) -> Teacher:
    if len(parts) != 2:
        raise _unusable(
            spec, "must be written as equicorrelated:M:RHO, such as equicorrelated:6:0.2"
        )
    size = _integer(spec, "number of neurons", parts[0])
    return Teacher.equicorrelated(size, _real(spec, "correlation", parts[1]))


def _scaled(spec: str, parts: list[str]) -> Teacher:
    if len(parts) != 2:
        raise _unusable(spec, "must be written as scaled:M:NORM, such as scaled:6:0.5")
    size = _integer(spec, "number of neurons", parts[0])
    return Teacher.scaled(size, _real(spec, "norm", parts[1]))


def _angle(spec: str, parts: list[str]) -> Teacher:
    if len(parts) != 1:
        raise _unusable(spec, "must be written as angle:PHI in radians, such as angle:1.2")
    return Teacher.at_angle(_real(spec, "angle", parts[0]))


def _random(spec: str, parts: list[str]) -> Teacher:
    form = "must be written as random:M:dim=D:seed=S, such as random:6:dim=100:seed=1"
    if not parts:
        raise _unusable(spec, form)
    size = _integer(spec, "number of neurons", parts[0])
    named: dict[str, int] = {}
    for part in parts[1:]:
        name, _, value = part.partition("=")
        if name not in ("dim", "seed") or name in named:
            raise _unusable(spec, form)
        named[name] = _integer(spec, name, value)
    return Teacher.random(size, **named)


_MAKERS: dict[str, Callable[[str, list[str]], Teacher]] = {
    "orthonormal": _orthonormal,
    "equicorrelated": _equicorrelated,
    "scaled": _scaled,
    "angle": _angle,
    "random": _random,
}


def _integer(spec: str, what: str, text: str) -> int:
    try:
        return whole_number(text)
    except ValueError:
        raise _unusable(
            spec, f"has the {what} {shown(text)}, which is not a whole number"
        ) from None


def _real(spec: str, what: str, text: str) -> float:
    try:
        return real_number(text)
    except ValueError:
        raise _unusable(spec, f"has the {what} {shown(text)}, which is not a number") from None


def _unusable(spec: str, problem: str) -> InvalidArgument:
    return InvalidArgument(f"The teacher {shown(spec, _LONGEST_NAME)} {problem}.")


def _from_file(spec: str) -> Teacher:
    name, _, last = spec.rpartition(":")
    asked = next((reading for reading in _READINGS if reading == last and name), None)
    path = Path(name if asked else spec)
    if path.suffix.lower() not in _READERS:
        raise _unusable(
            spec,
            "is neither orthonormal:M, equicorrelated:M:RHO, scaled:M:NORM, angle:PHI, "
            "random:M:dim=D:seed=S nor a file that ends in .json, .npy or .csv",
        )
    matrix, key = _matrix_of(path, _READINGS)
    stated = next((reading for reading in _READINGS if reading == key), None)
    if asked and stated and asked != stated:
        raise _unusable(spec, f'contradicts its file, which holds "{stated}"')
    reading = asked or stated or _reading_of(spec, matrix)
    # The folder says nothing about the teacher, and would make equal results differ.
    title = name_of(path) + (f":{asked}" if asked else "")
    make = Teacher.from_gram if reading == "gram" else Teacher.from_vectors
    activation, outputs = _function_in(path)
    try:
        return make(matrix, name=title).with_function(activation, outputs=outputs)
    except InvalidArgument as error:
        raise InvalidArgument(
            f"The teacher file {shown(str(path), _LONGEST_NAME)} cannot be used. {error}"
        ) from None


def _function_in(path: Path) -> tuple[Any, Any]:
    """What a file of a teacher says of activation and output weights; None where it does not."""
    if path.suffix.lower() != ".json":
        return None, None
    content = json.loads(_text(path))
    if not isinstance(content, dict):
        return None, None
    return content.get("activation"), content.get("outputs")


def matrix_from_file(path: str | os.PathLike[str], *, keys: tuple[str, ...] = ()) -> Array:
    """A matrix from an .npy, .csv or .json file.

    Parameters
    ----------
    path : path-like
        Its suffix says how it is read.
    keys : tuple of str
        In a .json file, an object that has exactly one of these keys may stand for the matrix.

    Raises
    ------
    FileFormatError
        The file does not exist or cannot be read.
    """
    return _matrix_of(Path(path), keys)[0]


def _matrix_of(path: Path, keys: tuple[str, ...]) -> tuple[Array, str | None]:
    """The matrix in a file, and the key of the object that holds it there."""
    try:
        reader = _READERS.get(path.suffix.lower())
        if reader is None:
            raise ValueError("its name must end in .json, .npy or .csv")
        return reader(path, keys)
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
    except (ValueError, EOFError, MemoryError) as error:
        reason = str(error)
    raise FileFormatError(f"{shown(str(path), _LONGEST_NAME)} cannot be read: {reason}.")


def _reading_of(spec: str, matrix: Array) -> Reading:
    if matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and np.all(np.isfinite(matrix)):
        scale = float(np.abs(matrix).max(initial=0.0))
        symmetric = np.abs(matrix - matrix.T).max(initial=0.0) <= _LOOKS_SYMMETRIC * scale
        with np.errstate(over="ignore", invalid="ignore"):
            same = np.abs(matrix @ matrix.T - matrix).max(initial=0.0) <= SAME_TEACHER * scale
        if symmetric and not same:
            raise _unusable(
                spec,
                "holds a symmetric matrix, which can be vectors or their Gram matrix: "
                f"write {spec}:vectors or {spec}:gram",
            )
    return "vectors"


def _read_npy(path: Path, keys: tuple[str, ...]) -> tuple[Array, None]:
    with path.open("rb") as stream:
        try:
            kind, count = _npy_header(stream)
        # A damaged header fails in as many ways as Python's parser has.
        except Exception:
            raise ValueError(_NO_NUMBERS) from None
        if kind.kind not in "iuf":
            raise ValueError(f"it holds values of type {kind}, not real numbers")
        if path.stat().st_size - stream.tell() != count * kind.itemsize:
            raise ValueError("it does not hold one array and nothing else")
        stream.seek(0)
        try:
            array = np.lib.format.read_array(stream, allow_pickle=False)
        except ValueError:
            raise ValueError(_NO_NUMBERS) from None
    with np.errstate(over="ignore"):
        return array.astype(np.float64), None


def _npy_header(stream: BinaryIO) -> tuple[np.dtype[Any], int]:
    """Type and number of the values that follow."""
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, kind = read[version](stream)
    if min(shape, default=0) < 0:
        raise ValueError
    return kind, math.prod(shape)


def _read_csv(path: Path, keys: tuple[str, ...]) -> tuple[Array, None]:
    # Only these ends of lines: splitlines() also knows form feeds, and more.
    lines = [line.partition("#")[0].strip(_BLANKS) for line in re.split("\r\n|\r|\n", _text(path))]
    separator = next((sign for sign in ";," if any(sign in line for line in lines)), None)
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        row = []
        for entry in (
            re.split(f"[{_BLANKS}]+", line) if separator is None else line.split(separator)
        ):
            try:
                row.append(real_number(entry.strip(_BLANKS)))
            except ValueError:
                raise ValueError(
                    f"line {number} holds {shown(entry.strip(_BLANKS))}, which is not a number"
                ) from None
        if rows and len(row) != len(rows[0]):
            raise ValueError(
                f"line {number} holds {len(row)} numbers, the first row {len(rows[0])}"
            )
        rows.append(row)
    return np.array(rows, dtype=np.float64), None


def _read_json(path: Path, keys: tuple[str, ...]) -> tuple[Array, str | None]:
    try:
        content = json.loads(_text(path))
    except ValueError:
        raise ValueError("it is not valid JSON") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    key = None
    if isinstance(content, dict) and keys:
        present = [name for name in keys if name in content]
        if len(present) != 1:
            names = " and ".join(f'"{name}"' for name in keys)
            raise ValueError(f"its object must have exactly one of the keys {names}")
        key = present[0]
        content = content[key]
    return _numbers(content), key


def _numbers(rows: Any) -> Array:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ValueError("it must hold a list of rows, each a list of numbers")
    if any(type(entry) not in (int, float) for row in rows for entry in row):
        raise ValueError("it holds an entry that is not a number")
    if len({len(row) for row in rows}) > 1:
        raise ValueError("its rows have different lengths")
    try:
        return np.array(rows, dtype=np.float64)
    except OverflowError:
        raise ValueError("it holds a number beyond the range of double precision") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not a text file in UTF-8") from None


_READERS: dict[str, Callable[[Path, tuple[str, ...]], tuple[Array, str | None]]] = {
    ".npy": _read_npy,
    ".csv": _read_csv,
    ".json": _read_json,
}
