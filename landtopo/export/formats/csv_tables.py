"""CSV: a table of nodes, a table of edges, and a table that says what the columns mean."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from typing import Any

from landtopo.export.format import Format, edge_rows, node_rows
from landtopo.export.prepare import Prepared
from landtopo.landscape.schema import Column

__all__ = ["FORMAT"]

# How the graph is drawn, beside its columns.
_PLACES = (
    Column("node", "x", "number", "", "where it is drawn: by width, spread over a band"),
    Column("node", "y", "number", "", "where it is drawn: proportional to the loss, upwards"),
    Column("node", "y_even", "number", "", "where it may be drawn: by rank of the loss"),
    Column("node", "color", "text", "", "#rrggbb"),
    Column("edge", "color", "text", "", "#rrggbb"),
)


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    columns = (*prepared.columns, *_PLACES)
    names = {owner: [c.name for c in columns if c.owner == owner] for owner in ("node", "edge")}
    told = [dataclasses.asdict(column) for column in columns]
    return {
        ".nodes.csv": _table(names["node"], node_rows(prepared)),
        ".edges.csv": _table(names["edge"], edge_rows(prepared)),
        ".columns.csv": _table(["owner", "name", "type", "unit", "meaning", "required"], told),
    }


def _table(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, dict.fromkeys(names), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _text(value) for name, value in row.items()})
    return stream.getvalue().encode()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


FORMAT = Format(
    suffix=".csv",
    title="CSV tables",
    write=_write,
    files=(".nodes.csv", ".edges.csv", ".columns.csv"),
)
