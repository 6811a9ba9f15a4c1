"""Whether a study is what was written, byte for byte where a byte has a meaning.

Checksums find altered rows, totals lost ones, and SQLite's own check whatever joins pages and
indices. What is left has no effect: the space between rows, pages that are free, a few fields of
the header. The seal of a study that was closed sees these too; one that was killed has none until
it is written to and closed again.
"""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from landtopo.errors import EmptyStudyError, FileFormatError
from landtopo.study.attempts import with_repetition
from landtopo.study.codec import decode
from landtopo.study.database import Database
from landtopo.study.declared import wrong_value
from landtopo.study.rows import Fault, Row, Rows, name_of_row
from landtopo.study.schema import FIRST_VERSION, TABLES
from landtopo.study.seal import is_broken

__all__ = ["StudyCheck", "check_study", "examined"]

# Columns that hold a coded value, and those that hold JSON.
_CODED = ("value", "record")
_JSON = ("options", "versions", "search")

# Bytes of the header whose value is the same in every study: place, length, value.
_FIXED = (
    (0, 16, int.from_bytes(b"SQLite format 3\0")),
    (18, 2, 0x0101),  # rollback journal, to write and to read
    (20, 1, 0),
    (21, 3, 0x402020),
    (44, 4, 4),
    (48, 4, 0),
    (52, 4, 0),
    (56, 4, 1),  # UTF-8
    (64, 4, 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCheck:
    """What a check of a study found.

    Attributes
    ----------
    path : Path
    version : int
        Format version of the file; 0 if that cannot be told.
    rows : int
        How many were read.
    faults : tuple of Fault
    """

    path: Path
    version: int
    rows: int
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.faults

    @property
    def has_checksums(self) -> bool:
        """Whether the study was written with checksums; without, altered numbers are not seen."""
        return self.version > FIRST_VERSION


def check_study(path: str | os.PathLike[str]) -> StudyCheck:
    """Read everything in a study, and say what is not as it was written.

    Parameters
    ----------
    path : path-like
        The study. This process must not have it open for writing: the operating system drops the
        lock of a process that closes any of its handles of a file.

    Raises
    ------
    EmptyStudyError
        There is no such file, or nothing in it.
    StudyError
        It cannot be opened.
    """
    path = Path(path)
    try:
        database = Database(path, write=False)
    except EmptyStudyError:
        raise
    except FileFormatError as error:
        return StudyCheck(
            path=path, version=0, rows=0, faults=(Fault("file", f"cannot be opened: {error}"),)
        )
    with closing(database):
        if not database.version:
            raise database.emptiness()
        rows, faults = examined(database)
        return StudyCheck(path=path, version=database.version, rows=rows, faults=tuple(faults))


def examined(database: Database) -> tuple[int, list[Fault]]:
    """How many rows there are, and everything that is damaged.

    While this process writes the study, the file outside of its tables is left out: closing it
    would give back the lock that keeps other writers out.
    """
    if database.write:
        return _tables(database)
    # In this order it is closed when the lock of the snapshot is given back already.
    with database.place.open("rb") as file, database.snapshot():
        outside = _outside(file, database.version)
        rows, faults = _tables(database)
    return rows, outside + faults


def _tables(database: Database) -> tuple[int, list[Fault]]:
    """How many rows there are, and what is damaged in them or holds them together wrongly."""
    faults = _pages(database)
    count = 0
    for table in TABLES:
        if table == "totals" and database.version == FIRST_VERSION:
            continue
        try:
            for item in Rows(database).checked(table):
                count += 1
                faults += [item] if isinstance(item, Fault) else _unreadable(table, item, database)
        except FileFormatError as error:
            faults.append(Fault(f"table {table}", f"cannot be read: {error}"))
    return count, faults


def _pages(database: Database) -> list[Fault]:
    """What SQLite finds wrong with its pages, indices and references."""
    try:
        found = [text for (text,) in database.rows("PRAGMA integrity_check(20)") if text != "ok"]
        lost = database.rows("PRAGMA foreign_key_check")
    except FileFormatError as error:
        return [Fault("file", f"cannot be examined: {error}")]
    faults = [Fault("file", f"is damaged: {' '.join(str(text).split())}") for text in found]
    return faults + [
        Fault(
            f"row {row} of the table {table}", f"refers to a row of the table {other} that is lost"
        )
        for table, row, other, _ in lost
    ]


def _unreadable(table: str, row: Row, database: Database) -> list[Fault]:
    """Whether the coded values of a row can be understood."""
    try:
        for name in row.keys() & set(_CODED):
            value = decode(row[name])
            wrong = wrong_value(table, value, has_checksum=database.version > FIRST_VERSION)
            if wrong:
                return [Fault(name_of_row(table, row), wrong)]
            if table == "attempts":
                with_repetition(value)
        for name in _JSON:
            if name in row:
                json.loads(row[name])
    except (FileFormatError, ValueError, TypeError, LookupError, RecursionError) as error:
        return [Fault(name_of_row(table, row), f"cannot be read: {error}")]
    return []


def _outside(file: BinaryIO, version: int) -> list[Fault]:
    """What is wrong with the header, and with the file as a whole."""
    header = file.read(100)
    wrong = [
        place
        for place, length, value in _FIXED
        if int.from_bytes(header[place : place + length]) != value
    ]
    page = int.from_bytes(header[16:18])
    size = int.from_bytes(header[28:32]) * (65536 if page == 1 else page)
    if size != os.fstat(file.fileno()).st_size:
        wrong.append(28)
    if header[24:28] != header[92:96]:
        wrong.append(92)
    faults = [
        Fault(f"byte {place} of the file", "is not what SQLite puts there") for place in wrong
    ]
    if version > FIRST_VERSION and is_broken(file):
        faults.append(Fault("file", "is not the one that was closed after the last write"))
    return faults
