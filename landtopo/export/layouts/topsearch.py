"""The files of topsearch: numbers separated by blanks, and minima counted from 0.

A line of ``min.data`` is `index energy`, one of ``ts.data`` `i j energy`; ``min.coords`` and
``ts.coords`` have a line of coordinates for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from landtopo.export.database import (
    DATABASE,
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

__all__ = ["LAYOUT"]

_COORDINATES = "given_coordinates"


def _recognises(line: str) -> bool:
    words = line.split()
    return len(words) == 2 and words[0].isdecimal()


def _rows(place: Path, names: Sequence[str]) -> list[tuple[Record, list[int]]]:
    """What the lines of a file say: energies, and the whole numbers before them."""
    found = []
    for number, line in enumerate(lines_of(place), start=1):
        words = line.split()
        if len(words) != len(names) + 1:
            raise fault(
                place,
                number,
                f"has {len(words)} entries, where {', '.join(names)} and energy are due",
            )
        whole = [
            number_of(place, number, name, word, whole_number)
            for name, word in zip(names, words, strict=False)
        ]
        energy = number_of(place, number, "the energy", words[-1], finite_number)
        record: Record = {"loss": energy}
        kept(record, line, _line([*whole, energy]))
        found.append((record, whole))
    return found


def _line(values: Sequence[Any]) -> str:
    return " ".join(map(repr, values))


def _said(line: str, whole: int) -> str:
    """The line that the values of a line make; nothing where it has none."""
    words = line.split()
    try:
        return _line([*map(whole_number, words[:whole]), *map(finite_number, words[whole:])])
    except ValueError:
        return ""


def _read(folder: Path) -> nx.MultiGraph[str]:
    place = folder / "min.data"
    minima = []
    for number, (record, (index,)) in enumerate(_rows(place, ("index",))):
        if index != number:
            raise fault(place, number + 1, f"has the index {index}, where {number} is due")
        minima.append(record)
    names = [f"min{number}" for number in range(len(minima))]
    present = [name for name in LAYOUT.files if (folder / name).is_file()]
    passes = []
    if "ts.data" in present:
        place = folder / "ts.data"
        for number, (record, ends) in enumerate(_rows(place, ("i", "j"))):
            for end in ends:
                if not 0 <= end < len(names):
                    raise fault(
                        place,
                        number + 1,
                        f"names the minimum {end}, and min.data has 0 to {len(names) - 1} only",
                    )
            first, second = (names[end] for end in ends)
            ids = {"id": f"ts{number}", "from_id": first, "to_id": second}
            passes.append({**ids, **record})
    for name, records in (("min.coords", minima), ("ts.coords", passes)):
        if name in present:
            _read_points(folder / name, records)
    database: Record = {"layout": LAYOUT.name, "files": present}
    if "dinfo" in present:
        database["given"] = {"dinfo": check_dinfo(folder / "dinfo")}
    return database_graph(LAYOUT.title, zip(names, minima, strict=True), passes, database)


def _read_points(place: Path, records: list[Record]) -> None:
    """Put the lines of coordinates into the records."""
    lines = lines_of(place)
    if len(lines) != len(records):
        data = "min.data" if place.name == "min.coords" else "ts.data"
        raise fault(place, None, f"it has {len(lines)} lines, and {data} has {len(records)}")
    size = len(lines[0].split()) if lines else 0
    for number, (line, record) in enumerate(zip(lines, records, strict=True), start=1):
        words = line.split()
        if len(words) != size or not words:
            raise fault(place, number, f"has {len(words)} numbers, and line 1 has {size}")
        point = [number_of(place, number, "a coordinate", word, finite_number) for word in words]
        record["coordinates"] = np.array(point)
        kept(record, line, _line(point), _COORDINATES)


def _write(prepared: Prepared) -> dict[str, bytes]:
    database = prepared.attributes.get(DATABASE, {})
    present = database.get("files", ["min.data", "ts.data"])
    numbers = {record["id"]: place for place, record in enumerate(prepared.nodes)}
    minima = [(record, [numbers[record["id"]], record["loss"]]) for record in prepared.nodes]
    passes = [
        (record, [numbers[record["from_id"]], numbers[record["to_id"]], record["loss"]])
        for record in prepared.edges
    ]
    contents = {"min.data": _text("given", minima, 1)}
    if passes or "ts.data" in present:
        contents["ts.data"] = _text("given", passes, 2)
    for name, rows in (("min.coords", minima), ("ts.coords", passes)):
        if all("coordinates" in record for record, _ in rows) and (rows or name in present):
            points = [(record, record["coordinates"]) for record, _ in rows]
            contents[name] = _text(_COORDINATES, points, 0)
    given = database.get("given", {})
    if "dinfo" in given:
        contents["dinfo"] = given["dinfo"].encode()
    return contents


def _text(name: str, rows: Sequence[tuple[Record, Sequence[Any]]], whole: int) -> bytes:
    lines = [
        said_again(record.get(name), _line(values), lambda line: _said(line, whole))
        for record, values in rows
    ]
    return "".join(f"{line}\n" for line in lines).encode()


LAYOUT = Layout(
    name="topsearch",
    title="topsearch",
    files=("min.data", "ts.data", "min.coords", "ts.coords", "dinfo"),
    holds=(),
    decimals=None,
    recognises=_recognises,
    read=_read,
    write=_write,
)
