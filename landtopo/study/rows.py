"""Rows of a study: each with its checksum, each checked when it is read."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.study.database import Database
from landtopo.study.schema import FIRST_VERSION, KEYS, checksum

__all__ = ["Fault", "Row", "Rows", "name_of_row"]

#: A row by the names of its columns.
Row = dict[str, Any]

_NOT_AS_WRITTEN = "is not what was written"

_TYPES = {"INTEGER": int, "REAL": float, "TEXT": str, "BLOB": bytes}


class Fault(NamedTuple):
    """Something in a study that is damaged.

    Attributes
    ----------
    place : str
        Such as ``row w6-f1 of the table nodes``.
    what : str
        What is wrong with it, as the rest of a sentence.
    """

    place: str
    what: str

    def __str__(self) -> str:
        return f"the {self.place} {self.what}"


class Rows:
    """The tables of a study.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, dict[str, str]] = {}

    def all(self, table: str) -> list[Row]:
        """All rows of a table, in the order in which they were put there.

        Raises
        ------
        FileFormatError
            A row is not what was written, or is missing; the message says which.
        """
        rows = []
        with closing(self.checked(table)) as found:
            for item in found:
                if isinstance(item, Fault):
                    raise self._database.damage(str(item))
                rows.append(item)
        return rows

    def one(self, table: str, **key: object) -> Row | None:
        """The row with a key, or None."""
        for row in self._select(table, key):
            wrong = self._wrong(table, row)
            if wrong:
                raise self._database.damage(str(Fault(name_of_row(table, row), wrong)))
            return row
        return None

    def put(self, table: str, **values: object) -> None:
        """Write a row, in place of one with the same key."""
        kinds = self._kinds(table)
        if "number" in kinds and "number" not in values:
            (last,) = self._database.row(f"SELECT ifnull(max(number), 0) FROM {table}")
            values["number"] = last + 1
        row: Row = {name: _plain(f"{table}.{name}", kinds[name], values[name]) for name in values}
        row["checksum"] = checksum(table, row)
        replaced = self._checksums(table, {name: row[name] for name in KEYS[table]})
        self._insert(table, row)
        self._count(table, 1 - len(replaced), [row["checksum"], *replaced])

    def remove(self, table: str, **some: object) -> None:
        """Remove the rows in which columns have these values; all rows if none are given."""
        removed = self._checksums(table, some)
        self._database.run(f"DELETE FROM {table}{_where(some)}", tuple(some.values()))
        self._count(table, -len(removed), removed)

    def checked(self, table: str) -> Generator[Row | Fault, None, None]:
        """The sound rows of a table, and what is wrong with it."""
        count = digest = 0
        sound = True
        with self._database.snapshot():
            # Without an index, which could be damaged: rows that it has lost would be missed.
            for row in self._read(f"SELECT * FROM {table} NOT INDEXED ORDER BY rowid"):
                count += 1
                wrong = self._wrong(table, row)
                if wrong:
                    sound = False
                    yield Fault(name_of_row(table, row), wrong)
                else:
                    digest ^= row.get("checksum", 0)
                    yield row
            if self.have_checksums and table != "totals":
                yield from self._missing(table, count, digest if sound else None)

    @property
    def have_checksums(self) -> bool:
        """Whether the study was written with them; without, only wrong types can be told."""
        return self._database.version != FIRST_VERSION

    def _wrong(self, table: str, row: Row) -> str:
        """What is wrong with a row."""
        if self.have_checksums:
            return "" if row["checksum"] == checksum(table, row) else _NOT_AS_WRITTEN
        kinds = self._kinds(table)
        names = [name for name in row if not _fits(kinds[name], row[name])]
        return f"holds in {names[0]} what is not of type {kinds[names[0]]}" if names else ""

    def _missing(self, table: str, count: int, digest: int | None) -> Iterator[Fault]:
        """What the totals of a table say that was not found in it."""
        found = self._select("totals", {"name": table})
        total = found[0] if found else {"rows": 0, "digest": 0}
        if found and total["checksum"] != checksum("totals", total):
            yield Fault(f"row name {table!r} of the table totals", _NOT_AS_WRITTEN)
        elif total["rows"] != count:
            yield Fault(f"table {table}", f"has {count} rows, and {total['rows']} were written")
        elif digest is not None and total["digest"] != digest:
            yield Fault(f"table {table}", "has other rows than were written")

    def _count(self, table: str, change: int, checksums: Iterable[int]) -> None:
        """Keep the totals true after rows with these checksums were added or removed."""
        total = self.one("totals", name=table) or {"name": table, "rows": 0, "digest": 0}
        total["rows"] += change
        for value in checksums:
            total["digest"] ^= value
        total["checksum"] = checksum("totals", total)
        self._insert("totals", total)

    def _insert(self, table: str, row: Row) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self._database.run(
            f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", tuple(row.values())
        )

    def _select(self, table: str, some: Mapping[str, object]) -> list[Row]:
        return list(self._read(f"SELECT * FROM {table}{_where(some)}", tuple(some.values())))

    def _checksums(self, table: str, some: Mapping[str, object]) -> list[int]:
        return [
            value
            for (value,) in self._database.rows(
                f"SELECT checksum FROM {table}{_where(some)}", tuple(some.values())
            )
        ]

    def _kinds(self, table: str) -> dict[str, str]:
        """The type of each column."""
        if table not in self._known:
            rows = self._database.rows(f"PRAGMA table_info({table})")
            self._known[table] = {name: kind for _, name, kind, *_ in rows}
        return self._known[table]

    def _read(self, query: str, values: tuple[object, ...] = ()) -> Iterator[Row]:
        cursor = self._database.run(query, values)
        names = [column for column, *_ in cursor.description]
        for row in self._database.each(cursor):
            yield dict(zip(names, row, strict=True))


def name_of_row(table: str, row: Row) -> str:
    """What a message calls a row."""
    key = ", ".join(f"{name} {ascii(row[name])[:80]}" for name in KEYS[table])
    return f"row {key} of the table {table}"


def _where(some: Mapping[str, object]) -> str:
    return f" WHERE {' AND '.join(f'{name} = ?' for name in some)}" if some else ""


def _plain(place: str, kind: str, value: object) -> object:
    """A value as SQLite returns it from a column of some kind, or InvalidArgument.

    Left to itself it makes a BLOB of a NumPy integer and NULL of NaN, and drops the sign of zero.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int)) and kind in ("INTEGER", "REAL"):
        value = int(value) if kind == "INTEGER" else float(value)
    if isinstance(value, float):
        value += 0.0
    if not _fits(kind, value):
        raise InvalidArgument(
            f"The column {place} of a study cannot hold {ascii(value)[:80]}: it is of type {kind}."
        )
    return value


def _fits(kind: str, value: object) -> bool:
    """Whether a column of some kind holds a value as it is."""
    return isinstance(value, _TYPES[kind]) and not (
        (isinstance(value, int) and not -(2**63) <= value < 2**63)
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value))
    )
