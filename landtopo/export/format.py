"""What a file format is, and the rows and column tables that formats share."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from landtopo._version import __version__
from landtopo.errors import FileFormatError
from landtopo.export.prepare import COLUMNS_KEY, Prepared, Record
from landtopo.export.values import flat
from landtopo.landscape.schema import Column, ColumnType, Owner

__all__ = ["CREATOR", "Format", "Rows", "column_list", "edge_rows", "graph_row", "node_rows"]

#: Named as the maker in formats that have a place for it.
CREATOR = f"landtopo {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a reader found: the values as they are in the file, not yet converted.

    Attributes
    ----------
    attributes : dict
        Graph attributes, the table of columns among them.
    nodes : list of dict
        With `id`.
    edges : list of dict
        With `id`, `from_id` and `to_id`.
    nested : bool
        Lists and dictionaries are such; otherwise every value is a text.
    """

    attributes: Record
    nodes: list[Record]
    edges: list[Record]
    nested: bool = False

    def columns(self) -> tuple[Column, ...]:
        """The table of columns that the file carries.

        Raises
        ------
        FileFormatError
            There is none, or it is damaged.
        """
        table = self.attributes.get(COLUMNS_KEY)
        try:
            if isinstance(table, str):
                table = json.loads(table)
            columns = tuple(Column(**entry) for entry in table or ())
        except (TypeError, ValueError):
            raise FileFormatError("its table of columns is damaged.") from None
        if not columns:
            raise FileFormatError("it has no table of columns, so landtopo did not write it.")
        for column in columns:
            if column.type not in get_args(ColumnType) or column.owner not in get_args(Owner):
                raise FileFormatError(
                    f"its column '{column.name}' has the unknown type '{column.type}'."
                )
        return columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A file format: one module in landtopo/export/formats/ defines one as FORMAT.

    Attributes
    ----------
    suffix : str
        What the path given to `write_graph` ends in, such as ".gexf".
    title : str
        Name of the format, for people.
    write : callable
        From the prepared graph and the title of the study to the content of each file, by its
        suffix.
    files : tuple of str
        Suffixes of the files that are written, in place of `suffix`.
    read : callable, optional
        From the content of the one file to its rows.
    reserved : dict of tuple of str
        By owner: names that the format gives a meaning of its own, and no column may have.
    """

    suffix: str
    title: str
    write: Callable[[Prepared], Mapping[str, bytes]]
    files: tuple[str, ...]
    read: Callable[[bytes], Rows] | None = None
    reserved: Mapping[Owner, tuple[str, ...]] = field(default_factory=dict)


def column_list(prepared: Prepared) -> list[Record]:
    """The table of columns as a list of dictionaries."""
    return [dataclasses.asdict(column) for column in prepared.columns]


def graph_row(prepared: Prepared, *, nested: bool = False) -> Record:
    """Graph attributes as a file holds them, the table of columns included."""
    row = _flattened(prepared.columns_of("graph"), prepared.attributes, nested)
    return {**row, COLUMNS_KEY: flat(column_list(prepared), "structure", nested=nested)}


def node_rows(prepared: Prepared, *, nested: bool = False) -> list[Record]:
    """One dictionary a family, as a file holds it, with its position and colour."""
    columns = prepared.columns_of("node")
    rows = []
    for record in prepared.nodes:
        look = prepared.node_looks[record["id"]]
        place = {"x": look.x, "y": look.y, "y_even": look.y_even, "color": look.color}
        rows.append({**place, **_flattened(columns, record, nested)})
    return rows


def edge_rows(prepared: Prepared, *, nested: bool = False) -> list[Record]:
    """One dictionary an edge, as a file holds it, with its colour."""
    columns = prepared.columns_of("edge")
    return [
        {
            "color": prepared.edge_looks[record["id"]].color,
            **_flattened(columns, record, nested),
        }
        for record in prepared.edges
    ]


def _flattened(columns: Iterable[Column], record: Mapping[str, Any], nested: bool) -> Record:
    return {
        column.name: flat(record[column.name], column.type, nested=nested)
        for column in columns
        if column.name in record
    }
