"""The tables of a study, and how a row is known again.

Every row has a checksum of its own content, and `totals` holds for every table how many rows it has
and what their checksums give together, so that a row which was altered, lost or added is noticed.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from functools import cache

__all__ = [
    "APPLICATION",
    "FIRST_VERSION",
    "KEYS",
    "SCHEMA_VERSION",
    "TABLES",
    "checksum",
    "create_tables",
    "has_tables_of",
]

#: Grows by one when a table changes; a file with a larger one is refused, one with a smaller one is
#: read, and changed by the first write.
SCHEMA_VERSION = 3

#: Of landtopo 0.1.0: tables without checksums. Both it and version 2 are of networks only.
FIRST_VERSION = 1

#: Marks the file as ours, for `file` and for us: "LTOP".
APPLICATION = 0x4C544F50

#: Statements that make each table, in an order in which they can be filled.
TABLES = {
    "study": """CREATE TABLE study (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    checksum INTEGER NOT NULL,  -- in all tables: of the rest of the row, by checksum()
    created TEXT NOT NULL,   -- UTC, ISO 8601, as all times
    upgraded TEXT NOT NULL,  -- when a study of format 1 got its checksums, or empty
    name TEXT NOT NULL,      -- of the teacher or the model, as on the command line
    seed TEXT NOT NULL,      -- decimal: a seed may exceed 64 bits
    record BLOB NOT NULL     -- the teacher and the dimension of the inputs, or the model
) STRICT""",
    "sessions": """CREATE TABLE sessions (
    id INTEGER NOT NULL PRIMARY KEY,
    checksum INTEGER NOT NULL,
    started TEXT NOT NULL,
    ended TEXT NOT NULL,     -- empty while it runs, and for ever after a kill
    command TEXT NOT NULL,
    options TEXT NOT NULL,   -- JSON
    versions TEXT NOT NULL   -- JSON
) STRICT""",
    "steps": """CREATE TABLE steps (
    key TEXT NOT NULL PRIMARY KEY,
    checksum INTEGER NOT NULL,
    session INTEGER NOT NULL REFERENCES sessions (id),
    finished TEXT NOT NULL,
    value BLOB NOT NULL      -- landtopo/study/codec.py, as every value and record
) STRICT""",
    "attempts": """CREATE TABLE attempts (
    number INTEGER NOT NULL PRIMARY KEY,  -- grows with time
    checksum INTEGER NOT NULL,
    width INTEGER NOT NULL,
    source TEXT NOT NULL,
    aim TEXT NOT NULL,       -- minima, saddles, reachability
    session INTEGER NOT NULL REFERENCES sessions (id),
    starts INTEGER NOT NULL,
    converged INTEGER NOT NULL,
    search TEXT NOT NULL,    -- JSON: method, start distribution, tolerance
    record BLOB NOT NULL,
    UNIQUE (width, source)
) STRICT""",
    "families": """CREATE TABLE families (
    id TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    source TEXT NOT NULL,    -- the search that lists it
    width INTEGER NOT NULL,
    kind TEXT NOT NULL,
    loss REAL NOT NULL,
    count INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (width, source, id)
) STRICT""",
    "paths": """CREATE TABLE paths (
    number INTEGER NOT NULL PRIMARY KEY,  -- grows with time
    checksum INTEGER NOT NULL,
    width INTEGER NOT NULL,
    from_id TEXT NOT NULL,
    to_id TEXT NOT NULL,
    permutation TEXT NOT NULL,  -- of the second end, in cycles, or 'closest'
    seed TEXT NOT NULL,
    session INTEGER NOT NULL REFERENCES sessions (id),
    highest_loss REAL NOT NULL,
    verified INTEGER NOT NULL,
    record BLOB NOT NULL,
    UNIQUE (width, from_id, to_id, permutation, seed)
) STRICT""",
    "graph": """CREATE TABLE graph (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    checksum INTEGER NOT NULL,
    session INTEGER NOT NULL REFERENCES sessions (id),
    finished TEXT NOT NULL,
    record BLOB NOT NULL     -- its attributes
) STRICT""",
    "nodes": """CREATE TABLE nodes (
    place INTEGER NOT NULL PRIMARY KEY,
    checksum INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    width INTEGER NOT NULL,
    loss REAL NOT NULL,
    record BLOB NOT NULL
) STRICT""",
    "edges": """CREATE TABLE edges (
    place INTEGER NOT NULL PRIMARY KEY,
    checksum INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    from_id TEXT NOT NULL REFERENCES nodes (id),
    to_id TEXT NOT NULL REFERENCES nodes (id),
    kind TEXT NOT NULL,      -- a transition's, or 'lineage'
    record BLOB NOT NULL
) STRICT""",
    "totals": """CREATE TABLE totals (
    name TEXT NOT NULL PRIMARY KEY,  -- of one of the tables above
    checksum INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    digest INTEGER NOT NULL  -- exclusive or of their checksums
) STRICT""",
}

#: The columns that tell the rows of a table apart; one row has each combination of values.
KEYS = {
    "study": ("id",),
    "sessions": ("id",),
    "steps": ("key",),
    "attempts": ("width", "source"),
    "families": ("width", "source", "id"),
    "paths": ("width", "from_id", "to_id", "permutation", "seed"),
    "graph": ("id",),
    "nodes": ("place",),
    "edges": ("place",),
    "totals": ("name",),
}

# `_fingerprint` of the tables of versions before the present one.
_FORMER_TABLES = {
    1: "c837281ab3df1a8266b8e71cdfde858c1c7b09794526a4b6217f6f0bbc39eb28",
    2: "28da399d378e97fdd6613fef90cd9d73044dad0919e424507c4526bcfed4f860",
}


def checksum(table: str, row: Mapping[str, object]) -> int:
    """A signed 64-bit checksum of a row: of its table, and of name, type and value of each column.

    Parameters
    ----------
    table : str
    row : mapping
        All columns, in any order and in the types that SQLite returns; `checksum` is left out.
    """
    content = hashlib.blake2b(table.encode(), digest_size=8)
    for name in sorted(row.keys() - {"checksum"}):
        value = row[name]
        plain = value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")
        content.update(f" {name} {type(value).__name__} {len(plain)} ".encode())
        content.update(plain)
    return int.from_bytes(content.digest(), "little", signed=True)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of the present version; the transaction is the caller's."""
    for statement in TABLES.values():
        connection.execute(statement)


def has_tables_of(connection: sqlite3.Connection, version: int) -> bool:
    """Whether a file has exactly the tables of a format version, to the letter."""
    known = {**_FORMER_TABLES, SCHEMA_VERSION: _present_tables()}
    return _fingerprint(connection) == known.get(version)


def _fingerprint(connection: sqlite3.Connection) -> str:
    rows = connection.execute(
        "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema ORDER BY type, name"
    ).fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@cache
def _present_tables() -> str:
    connection = sqlite3.connect(":memory:")
    try:
        create_tables(connection)
        return _fingerprint(connection)
    finally:
        connection.close()
