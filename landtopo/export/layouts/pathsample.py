"""The files of PATHSAMPLE, OPTIM and disconnectionDPS: fixed columns, and records of doubles.

A line of ``min.data`` is a minimum, its number that of the line from 1: energy, logarithm of the
product of positive Hessian eigenvalues, order of the point group, principal moments of inertia, as
2F25.15,I6,3F20.10 or 2F20.10,I6,3F20.10. A line of ``ts.data`` is a transition state: energy,
logarithm, order, its two minima, moments, as 2F25.15,3I10,3F20.10 or 2F20.10,3I10,3F20.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.export.database import (
    DATABASE,
    LINES,
    check_dinfo,
    database_graph,
    fault,
    finite_number,
    kept,
    lines_of,
    number_of,
    said_again,
)
from landtopo.export.layout import Layout
from landtopo.export.prepare import Prepared, Record
from landtopo.numerals import whole_number

__all__ = ["LAYOUT", "fixed_point"]

_MOMENTS = 3
# Digits after the point of energies and logarithms, the usual ones first.
_DECIMALS = (15, 10)
# What stands for values that a graph does not have.
_UNKNOWN = {"log_product": 0.0, "point_group_order": 1, "inertia": (0.0,) * _MOMENTS}


class _Field(NamedTuple):
    """One value of a line: its name, its characters, and its digits after the point, if any."""

    name: str
    size: int
    decimals: int | None


def _fields(decimals: int, whole: tuple[tuple[str, int], ...]) -> tuple[_Field, ...]:
    return (
        _Field("energy", decimals + 10, decimals),
        _Field("the logarithm of the product", decimals + 10, decimals),
        *(_Field(name, size, None) for name, size in whole),
        *(_Field("a moment of inertia", 20, 10) for _ in range(_MOMENTS)),
    )


_ORDER = "the order of the point group"
_MINIMA = {decimals: _fields(decimals, ((_ORDER, 6),)) for decimals in _DECIMALS}
_PASSES = {
    decimals: _fields(decimals, ((_ORDER, 10), ("a minimum", 10), ("a minimum", 10)))
    for decimals in _DECIMALS
}


def _size(fields: tuple[_Field, ...]) -> int:
    return sum(field.size for field in fields)


def fixed_point(value: float, size: int, decimals: int) -> str | None:
    """A number as Fortran's edit descriptor Fw.d writes it; None where that gives asterisks.

    Parameters
    ----------
    value : float
    size, decimals : int
        w and d. The zero before the point is left out where there is no room for it.
    """
    text = f"{value:.{decimals}f}"
    if len(text) > size:
        # Only numbers below one begin so.
        text = text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
    return text.rjust(size) if len(text) <= size else None


def _line(values: list[Any], fields: tuple[_Field, ...]) -> str:
    parts = []
    for value, field in zip(values, fields, strict=True):
        if field.decimals is None:
            text: str | None = str(value).rjust(field.size)
        else:
            text = fixed_point(value, field.size, field.decimals)
        if text is None or len(text) > field.size:
            raise InvalidArgument(
                f"The number {value!r} does not fit the {field.size} characters that a PATHSAMPLE "
                f"file has for {field.name}."
            )
        parts.append(text)
    return "".join(parts)


def _values(place: Path, number: int, line: str, fields: tuple[_Field, ...]) -> list[Any]:
    values = []
    start = 0
    for field in fields:
        text = line[start : start + field.size].strip()
        start += field.size
        parse = whole_number if field.decimals is None else finite_number
        values.append(number_of(place, number, field.name, text, parse))
    return values


def _record(values: list[Any]) -> Record:
    return {
        "loss": values[0],
        "log_product": values[1],
        "point_group_order": values[2],
        "inertia": np.array(values[-_MOMENTS:]),
    }


def _recognises(line: str) -> bool:
    return len(line) in map(_size, _MINIMA.values())


def _rows(place: Path, fields: tuple[_Field, ...]) -> list[tuple[Record, list[Any]]]:
    """What the lines of a file say: records, and the values of each."""
    found = []
    due = _size(fields)
    for number, line in enumerate(lines_of(place), start=1):
        if len(line) != due:
            raise fault(
                place,
                number,
                f"has {len(line)} characters, where lines of {due} are due: it is cut, "
                "or of another width",
            )
        values = _values(place, number, line, fields)
        record = _record(values)
        kept(record, line, _said(line, fields, values))
        found.append((record, values))
    return found


def _said(line: str, fields: tuple[_Field, ...], values: list[Any] | None = None) -> str:
    """The line that the values of a line make; nothing where it has none, or they do not fit."""
    if len(line) != _size(fields):
        return ""
    try:
        return _line(values or _values(Path(), 0, line, fields), fields)
    except (FileFormatError, InvalidArgument):
        return ""


def _read(folder: Path) -> nx.MultiGraph[str]:
    place = folder / "min.data"
    first = lines_of(place)[0]
    decimals = next(digits for digits, fields in _MINIMA.items() if _size(fields) == len(first))
    minima = [record for record, _ in _rows(place, _MINIMA[decimals])]
    names = [f"min{number}" for number in range(1, len(minima) + 1)]
    present = [name for name in LAYOUT.files if (folder / name).is_file()]
    passes = []
    if "ts.data" in present:
        place = folder / "ts.data"
        for number, (record, values) in enumerate(_rows(place, _PASSES[decimals]), start=1):
            ends = [_name(place, number, end, names) for end in values[3:5]]
            ids = {"id": f"ts{number}", "from_id": ends[0], "to_id": ends[1]}
            passes.append({**ids, **record})
    _read_points(folder, present, {"points.min": minima, "points.ts": passes})
    database: Record = {"layout": LAYOUT.name, "decimals": decimals, "files": present}
    given = {}
    for name in LINES[:2]:
        if name in present:
            database[name[-1]], given[name] = _read_list(folder / name, names)
    if "dinfo" in present:
        given["dinfo"] = check_dinfo(folder / "dinfo")
    if given:
        database["given"] = given
    return database_graph(LAYOUT.title, zip(names, minima, strict=True), passes, database)


def _name(place: Path, line: int, number: int, names: list[str]) -> str:
    if not 1 <= number <= len(names):
        raise fault(
            place, line, f"names the minimum {number}, and min.data has 1 to {len(names)} only"
        )
    return names[number - 1]


def _read_list(place: Path, names: list[str]) -> tuple[list[str], str]:
    """The minima that min.A or min.B lists, and its text."""
    lines = lines_of(place)
    if not lines:
        raise fault(place, None, "it is empty")
    numbers = [
        number_of(
            place, number, "a minimum" if number > 1 else "the count", line.strip(), whole_number
        )
        for number, line in enumerate(lines, start=1)
    ]
    found = [_name(place, line, number, names) for line, number in enumerate(numbers[1:], start=2)]
    if len(found) != numbers[0]:
        raise fault(place, 1, f"counts {numbers[0]} minima, and {len(found)} follow")
    return found, "".join(f"{line}\n" for line in lines)


def _read_points(folder: Path, present: list[str], records: Mapping[str, list[Record]]) -> None:
    """Put the coordinates of points.min and points.ts into the records."""
    sizes: dict[str, int] = {}
    for name in filter(present.__contains__, records):
        place, rows = folder / name, records[name]
        content = place.read_bytes()
        size = len(content) // (8 * len(rows)) if rows else 0
        if len(content) != 8 * size * len(rows) or size % 3 or (rows and not size):
            raise fault(
                place,
                None,
                f"it has {len(content)} bytes, which are not {len(rows)} records of 3N doubles",
            )
        if sizes and rows and set(sizes.values()) != {size}:
            raise fault(
                place,
                None,
                f"its records have {size} doubles, and those of points.min {sizes['points.min']}",
            )
        if rows:
            sizes[name] = size
        points = np.frombuffer(content, dtype=np.float64).reshape(len(rows), size)
        for number, (row, point) in enumerate(zip(rows, points, strict=True), start=1):
            if not np.all(np.isfinite(point)):
                raise fault(place, None, f"its record {number} holds NaN or infinity")
            row["coordinates"] = point.copy()


def _write(prepared: Prepared) -> dict[str, bytes]:
    database = prepared.attributes.get(DATABASE, {})
    decimals = database.get("decimals", _DECIMALS[0])
    present = database.get("files", ["min.data", "ts.data"])
    numbers = {record["id"]: place for place, record in enumerate(prepared.nodes, start=1)}
    fields = _MINIMA[decimals]
    contents = {
        "min.data": _text(
            [(record, _values_of(record, ()), fields) for record in prepared.nodes],
        )
    }
    passes = prepared.edges
    if passes or "ts.data" in present:
        contents["ts.data"] = _text(
            [
                (
                    record,
                    _values_of(record, (numbers[record["from_id"]], numbers[record["to_id"]])),
                    _PASSES[decimals],
                )
                for record in passes
            ]
        )
    for name, records in (("points.min", prepared.nodes), ("points.ts", passes)):
        if records and all("coordinates" in record for record in records):
            points = [record["coordinates"] for record in records]
            if len({len(point) for point in points}) == 1 and len(points[0]) % 3 == 0:
                contents[name] = np.array(points, dtype=np.float64).tobytes()
        elif not records and name in present:
            contents[name] = b""
    given = database.get("given", {})
    for name in LINES[:2]:
        if name[-1] in database:
            members = [_number(name, member, numbers) for member in database[name[-1]]]
            contents[name] = _list_text(members, given.get(name)).encode()
    if "dinfo" in given:
        contents["dinfo"] = given["dinfo"].encode()
    return contents


def _number(name: str, member: str, numbers: Mapping[str, int]) -> int:
    if member not in numbers:
        raise InvalidArgument(f"The graph has no minimum '{member}', which {name} lists.")
    return numbers[member]


def _values_of(record: Record, ends: tuple[int, ...]) -> list[Any]:
    known = {**_UNKNOWN, **record}
    return [
        known["loss"],
        known["log_product"],
        known["point_group_order"],
        *ends,
        *known["inertia"],
    ]


def _text(rows: list[tuple[Record, list[Any], tuple[_Field, ...]]]) -> bytes:
    lines = [
        said_again(record.get("given"), _line(values, fields), partial(_said, fields=fields))
        for record, values, fields in rows
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _list_text(members: list[int], given: str | None) -> str:
    text = "".join(f"{number}\n" for number in (len(members), *members))
    return said_again(given, text, lambda given: "".join(f"{word}\n" for word in given.split()))


LAYOUT = Layout(
    name="pathsample",
    title="PATHSAMPLE",
    files=("min.data", "ts.data", "points.min", "points.ts", "min.A", "min.B", "dinfo"),
    holds=("log_product", "point_group_order", "inertia"),
    decimals=_DECIMALS[0],
    recognises=_recognises,
    read=_read,
    write=_write,
)
