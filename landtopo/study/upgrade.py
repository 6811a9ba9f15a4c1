"""A study of an earlier format gets the tables of today; one of landtopo 0.1.0 also checksums."""

from __future__ import annotations

from collections.abc import Callable

from landtopo.study.database import Database
from landtopo.study.integrity import examined
from landtopo.study.provenance import now
from landtopo.study.rows import Row, Rows
from landtopo.study.schema import FIRST_VERSION, SCHEMA_VERSION, TABLES

__all__ = ["upgrade"]

# Rows that are moved at once: pages of the old table become free for the new one.
_BATCH = 100


def upgrade(database: Database, renewed: Callable[[Row], Row]) -> None:
    """Bring a study that is open for writing to the present format, if it is not in it yet.

    Parameters
    ----------
    database : Database
    renewed : callable
        From the row of the table `study` in an earlier format to the one of today.

    Values stay as they are, to the byte. Where there were no checksums, the row of the study says
    when it was done: from then on a row is known to be as it was at that time.

    Raises
    ------
    FileFormatError
        Something in the study is damaged; it is left as it is.
    """
    if database.version == SCHEMA_VERSION:
        return
    with database.together():
        for fault in examined(database)[1]:
            raise database.damage(str(fault))
        if database.version != FIRST_VERSION:
            database.run("DROP TABLE totals")
        names = [name for name in TABLES if name != "totals"]
        for name in names:
            database.run(f"ALTER TABLE {name} RENAME TO old_{name}")
        database.make_tables()
        for name in names:
            _move(database, name, renewed)
        for name in reversed(names):
            database.run(f"DROP TABLE old_{name}")
    database.version = SCHEMA_VERSION


def _move(database: Database, table: str, renewed: Callable[[Row], Row]) -> None:
    rows = Rows(database)
    last = -1
    while True:
        cursor = database.run(
            f"SELECT rowid AS number, * FROM old_{table} WHERE rowid > ? ORDER BY rowid LIMIT ?",
            (last, _BATCH),
        )
        names = [column for column, *_ in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in database.each(cursor)]
        for row in found:
            last = row.pop("number")
            if table in ("attempts", "paths"):
                row["number"] = last
            if table == "study":
                upgraded = row.get("upgraded", now())
                row = {**renewed(row), "upgraded": upgraded}
            rows.put(table, **row)
        if table == "steps":
            # The one large table, and no other refers to it.
            database.run("DELETE FROM old_steps WHERE rowid <= ?", (last,))
        if len(found) < _BATCH:
            return
