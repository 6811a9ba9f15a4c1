"""The SQLite file of a study: its tables, who may write, and what a failure means.

A transaction is always open while a study is written. It holds SQLite's reserved lock, which keeps
every other writer out and lets readers in, and which the operating system releases when the
process dies, however it dies. The rollback journal (not WAL) keeps the study one file that can be
copied to anywhere between two writes.
"""

from __future__ import annotations

import errno
import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from landtopo.errors import FileFormatError, InvalidArgument, StudyError

__all__ = ["SCHEMA_VERSION", "Database"]

#: Grows by one when a table changes; a file with a larger one is refused.
SCHEMA_VERSION = 1

# Marks the file as ours, for `file` and for us: "LTOP".
_APPLICATION = 0x4C544F50

# How long a commit waits for readers, and a reader for a commit.
_PATIENCE = 30.0

# STRICT tables.
_OLDEST = (3, 37, 0)

_TABLES = """
CREATE TABLE study (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    created TEXT NOT NULL,   -- UTC, ISO 8601, as all times
    teacher TEXT NOT NULL,   -- its name, as on the command line
    neurons INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    vectors BLOB NOT NULL,   -- neurons x rank, float64 little-endian, row by row
    gram BLOB NOT NULL,      -- neurons x neurons, likewise
    dim TEXT NOT NULL,       -- decimal, or 'infinite'
    seed TEXT NOT NULL       -- decimal: a seed may exceed 64 bits
) STRICT;
CREATE TABLE sessions (
    id INTEGER NOT NULL PRIMARY KEY,
    started TEXT NOT NULL,
    ended TEXT NOT NULL,     -- empty while it runs, and for ever after a kill
    command TEXT NOT NULL,
    options TEXT NOT NULL,   -- JSON
    versions TEXT NOT NULL   -- JSON
) STRICT;
CREATE TABLE steps (
    key TEXT NOT NULL PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions (id),
    finished TEXT NOT NULL,
    value BLOB NOT NULL      -- landtopo/study/codec.py, as every value and record
) STRICT;
CREATE TABLE attempts (
    width INTEGER NOT NULL,
    source TEXT NOT NULL,
    aim TEXT NOT NULL,       -- minima, saddles, reachability
    session INTEGER NOT NULL REFERENCES sessions (id),
    starts INTEGER NOT NULL,
    converged INTEGER NOT NULL,
    search TEXT NOT NULL,    -- JSON: method, start distribution, tolerance
    record BLOB NOT NULL,
    PRIMARY KEY (width, source)
) STRICT;
CREATE TABLE families (
    id TEXT NOT NULL,
    source TEXT NOT NULL,    -- the search that lists it
    width INTEGER NOT NULL,
    kind TEXT NOT NULL,
    loss REAL NOT NULL,
    count INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (width, source, id)
) STRICT;
CREATE TABLE paths (
    width INTEGER NOT NULL,
    from_id TEXT NOT NULL,
    to_id TEXT NOT NULL,
    permutation TEXT NOT NULL,  -- of the second end, in cycles, or 'closest'
    seed TEXT NOT NULL,
    session INTEGER NOT NULL REFERENCES sessions (id),
    highest_loss REAL NOT NULL,
    verified INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (width, from_id, to_id, permutation, seed)
) STRICT;
CREATE TABLE graph (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    session INTEGER NOT NULL REFERENCES sessions (id),
    finished TEXT NOT NULL,
    record BLOB NOT NULL     -- its attributes
) STRICT;
CREATE TABLE nodes (
    place INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    width INTEGER NOT NULL,
    loss REAL NOT NULL,
    record BLOB NOT NULL
) STRICT;
CREATE TABLE edges (
    place INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    from_id TEXT NOT NULL REFERENCES nodes (id),
    to_id TEXT NOT NULL REFERENCES nodes (id),
    kind TEXT NOT NULL,      -- a transition's, or 'lineage'
    record BLOB NOT NULL
) STRICT;
"""


class Database:
    """A connection to a study file, for one writer or for reading.

    Parameters
    ----------
    path : Path
        The file.
    write : bool
        Keep every other writer out until `close`.
    create : bool
        Make the tables; the file must be absent or empty.
    """

    def __init__(self, path: Path, *, write: bool, create: bool = False) -> None:
        self.path = path
        self.write = write
        self._depth = 0
        if sqlite3.sqlite_version_info < _OLDEST:
            raise StudyError(
                f"A study needs SQLite {'.'.join(map(str, _OLDEST))} or newer; this Python has "
                f"{sqlite3.sqlite_version}."
            )
        if not create and not path.is_file():
            raise StudyError(f"The study '{path}' does not exist.")
        if create and not path.parent.is_dir():
            raise StudyError(
                f"The study '{path}' cannot be created: '{path.parent}' is not a folder."
            )
        mode = "rwc" if create else "rw"
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                timeout=0.0 if write else _PATIENCE,
            )
        except sqlite3.Error as error:
            raise self._translated(error) from None
        try:
            self._start(create)
        except BaseException:
            self._connection.close()
            raise

    def _start(self, create: bool) -> None:
        if not self.write:
            self._check()
            return
        self.run("PRAGMA foreign_keys = ON")
        self.run("BEGIN IMMEDIATE")
        if create:
            if self.row("SELECT count(*) FROM sqlite_schema")[0]:
                raise StudyError(f"'{self.path}' exists already.")
            for statement in _TABLES.split(";")[:-1]:
                self.run(statement)
            self.run(f"PRAGMA application_id = {_APPLICATION}")
            self.run(f"PRAGMA user_version = {SCHEMA_VERSION}")
        else:
            self._check()
        # From now on only readers can be in the way.
        self.run(f"PRAGMA busy_timeout = {int(1000 * _PATIENCE)}")

    def _check(self) -> None:
        application = self.row("PRAGMA application_id")[0]
        version = self.row("PRAGMA user_version")[0]
        if application != _APPLICATION:
            raise FileFormatError(f"'{self.path}' is not a landtopo study.")
        if version > SCHEMA_VERSION:
            raise FileFormatError(
                f"The study '{self.path}' has format version {version}, and this landtopo reads "
                f"up to {SCHEMA_VERSION}; a newer landtopo is needed."
            )

    def run(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Execute one statement; failures become landtopo's exceptions or OSError."""
        try:
            return self._connection.execute(statement, [_plain(value) for value in values])
        except sqlite3.Error as error:
            raise self._translated(error) from None

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        try:
            return self.run(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._translated(error) from None

    def row(self, statement: str, values: tuple[object, ...] = ()) -> tuple[Any, ...]:
        """The one row of a query that has exactly one."""
        (found,) = self.rows(statement, values)
        return found

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside becomes durable at the end, all of it or nothing."""
        if not self.write:
            raise StudyError(f"The study '{self.path}' was opened for reading only.")
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self.run("COMMIT")
        except BaseException:
            # SQLite itself has rolled back after some failures, such as a full disk.
            if self._depth == 1 and self._connection.in_transaction:
                self._connection.rollback()
            raise
        finally:
            self._depth -= 1
            if self._depth == 0 and not self._connection.in_transaction:
                self.run("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Release the file; what was not committed is dropped."""
        self._connection.close()

    def _translated(self, error: sqlite3.Error) -> Exception:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StudyError(
                f"The study '{self.path}' is in use by another process; "
                "wait until it has ended, or choose another file."
            )
        if code == sqlite3.SQLITE_READONLY:
            return StudyError(f"The study '{self.path}' cannot be written: it is read-only.")
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return FileFormatError(f"'{self.path}' is not a landtopo study, or is damaged.")
        if code == sqlite3.SQLITE_FULL:
            return OSError(errno.ENOSPC, "No space left for the study", str(self.path))
        if code == sqlite3.SQLITE_IOERR:
            return OSError(errno.EIO, "The study cannot be read or written", str(self.path))
        return StudyError(f"The study '{self.path}' cannot be used: {error}.")


def _plain(value: object) -> object:
    """What SQLite stores as meant: it makes a BLOB of a NumPy integer and NULL of NaN."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        raise InvalidArgument("A study's table cannot hold NaN.")
    return value
