"""CSV: a table of nodes, a table of edges, and a table that says what the columns mean."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from landtopo.export.format import Format, column_list, edge_rows, node_rows
from landtopo.export.prepare import Prepared

__all__ = ["FORMAT"]

_PLACES = ["x", "y", "y_even", "color"]


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    node_names = [column.name for column in prepared.columns_of("node")]
    edge_names = [column.name for column in prepared.columns_of("edge")]
    columns = column_list(prepared)
    return {
        ".nodes.csv": _table([*node_names, *_PLACES], node_rows(prepared)),
        ".edges.csv": _table([*edge_names, "color"], edge_rows(prepared)),
        ".columns.csv": _table(["owner", "name", "type", "unit", "meaning", "required"], columns),
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
