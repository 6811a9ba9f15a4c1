"""The SQLite file of a study: who may write, and what a failure means.

A transaction is always open while a study is written. It holds SQLite's reserved lock, which keeps
every other writer out and lets readers in, and which the operating system releases when the
process dies, however it dies. The rollback journal (not WAL) keeps the study one file that can be
copied to anywhere between two writes. A new study becomes visible with its first commit, as a
whole: until then the file is empty, and an empty file is a new study.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from landtopo.errors import EmptyStudyError, FileFormatError, LandtopoError, StudyError
from landtopo.study.schema import APPLICATION, SCHEMA_VERSION, create_tables, has_tables_of
from landtopo.study.seal import put_seal

__all__ = ["Database"]

# How long a commit waits for readers, and a reader for a commit.
_PATIENCE = 30.0

# STRICT tables.
_OLDEST = (3, 37, 0)

_READ_ONLY = "cannot be written: it, or its folder, is read-only."
_EFFECTIVE = os.access in os.supports_effective_ids

# What a failure to write leaves; the name of the file follows.
_KEPT = "what was stored before is kept in"

_DAMAGE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_FORMAT,
)


class Database:
    """A connection to a study file, for one writer or for reading.

    Parameters
    ----------
    path : Path
        The file.
    write : bool
        Keep every other writer out until `close`.
    create : bool
        Make the file if it is not there.

    Attributes
    ----------
    place : Path
        Where the file is, whatever folder the process goes to.
    version : int
        Format version of the file; 0 if nothing is in it yet.
    lost : bool
        Whether the file was taken away while it was written; nothing more can be.
    """

    def __init__(self, path: Path, *, write: bool, create: bool = False) -> None:
        self.path = path
        self.place = path.absolute()
        self.write = write
        self.version = 0
        self.lost = False
        self._depth = 0
        self._written = False
        self._file: os.stat_result | None = None
        if sqlite3.sqlite_version_info < _OLDEST:
            raise StudyError(
                f"A study needs SQLite {'.'.join(map(str, _OLDEST))} or newer; this Python has "
                f"{sqlite3.sqlite_version}."
            )
        self._check_place(create)
        try:
            self.connection = sqlite3.connect(
                f"{self.place.as_uri()}?mode={'rwc' if create else 'rw'}",
                uri=True,
                isolation_level=None,
                timeout=0.0 if write else _PATIENCE,
            )
        except sqlite3.Error as error:
            raise self.translated(error) from None
        try:
            self._start()
            self._file = os.stat(self.place)
        except BaseException:
            self.connection.close()
            raise

    @property
    def _name(self) -> str:
        return f"The study '{self.path}'"

    def _check_place(self, create: bool) -> None:
        path = self.path
        if path.is_dir():
            raise StudyError(f"'{path}' is a folder, not a study.")
        try:
            # Without a place for its journal, SQLite would blame the permissions.
            os.stat(f"{self.place}-journal")
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise
        if not create and not path.is_file():
            raise EmptyStudyError(f"{self._name} does not exist.")
        if create and not path.parent.is_dir():
            raise StudyError(f"{self._name} cannot be created: '{path.parent}' is not a folder.")

    def _start(self) -> None:
        # Damaged texts are for the checksums to find.
        self.connection.text_factory = lambda text: text.decode(errors="surrogateescape")
        if self.write:
            # SQLite would only say so at the first write.
            if not os.access(self.path, os.W_OK, effective_ids=_EFFECTIVE):
                raise StudyError(f"{self._name} {_READ_ONLY}")
            self.run("PRAGMA foreign_keys = ON")
            self.run("BEGIN IMMEDIATE")
            # From now on only readers can be in the way.
            self.run(f"PRAGMA busy_timeout = {int(1000 * _PATIENCE)}")
        with self.snapshot():
            if self.row("SELECT count(*) FROM sqlite_schema")[0]:
                self.version = self._known_version()

    def _known_version(self) -> int:
        version = self.row("PRAGMA user_version")[0]
        if self.row("PRAGMA application_id")[0] != APPLICATION:
            raise FileFormatError(f"'{self.path}' is not a landtopo study.")
        if version > SCHEMA_VERSION:
            raise FileFormatError(
                f"{self._name} has format version {version}, and this landtopo reads "
                f"up to {SCHEMA_VERSION}; a newer landtopo is needed."
            )
        if not has_tables_of(self.connection, version):
            raise self.damage(f"its tables are not those of format version {version}")
        return int(version)

    def make_tables(self) -> None:
        """Make the tables of the present version, inside a transaction."""
        try:
            create_tables(self.connection)
        except sqlite3.Error as error:
            raise self.translated(error) from None
        self.run(f"PRAGMA application_id = {APPLICATION}")
        self.run(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def run(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Execute one statement; failures become landtopo's exceptions or OSError."""
        try:
            return self.connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self.translated(error) from None
        except UnicodeDecodeError:
            # Of SQLite's message, which cites the damaged text.
            raise self.damage("the text of its tables cannot be read") from None

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return list(self.each(self.run(statement, values)))

    def row(self, statement: str, values: tuple[object, ...] = ()) -> tuple[Any, ...]:
        """The one row of a query that has exactly one."""
        (found,) = self.rows(statement, values)
        return found

    def each(self, cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
        """The rows of a query one after the other."""
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self.translated(error) from None

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is the file at one moment, whoever writes meanwhile."""
        if self.connection.in_transaction:
            yield
            return
        self.run("BEGIN")
        try:
            yield
        finally:
            self.connection.rollback()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside becomes durable at the end, all of it or nothing."""
        if not self.write:
            raise StudyError(f"{self._name} was opened for reading only.")
        if self._depth == 0:
            self._check_still_there()
            self._keep_others_out()
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self.run("COMMIT")
                self._written = True
                self._check_still_there()
        except BaseException:
            # SQLite itself has rolled back after some failures, such as a full disk.
            if self._depth == 1 and self.connection.in_transaction:
                self.connection.rollback()
            raise
        finally:
            self._depth -= 1
            if self._depth == 0 and not self.lost:
                # Should that fail, the next one to write is told.
                with suppress(OSError, LandtopoError):
                    self._keep_others_out()

    def _keep_others_out(self) -> None:
        """Begin a transaction, which holds the lock, if none is open."""
        if not self.connection.in_transaction:
            self.run("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Seal what was written, and release the file; what was not committed is dropped."""
        file = None
        try:
            if self._written and self.connection.in_transaction and not self._depth:
                with suppress(OSError):
                    file = self.place.open("r+b")
                    if self._is_open_as(os.fstat(file.fileno())):
                        put_seal(file)
        finally:
            self.connection.close()
            # Not before: a process that closes a file gives back all its locks of it.
            if file is not None:
                file.close()

    def emptiness(self) -> EmptyStudyError:
        """The error to raise when something is to be read and nothing was written yet."""
        return EmptyStudyError(f"{self._name} is empty: nothing was written yet.")

    def damage(self, what: str) -> FileFormatError:
        """The error to raise when something stored is not what was written."""
        return FileFormatError(
            f"{self._name} is damaged: {what}; use a copy of it, or make it anew "
            "('landtopo check' lists what is damaged)."
        )

    def translated(self, error: sqlite3.Error) -> Exception:
        """The exception of landtopo, or of the operating system, for one of SQLite."""
        extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        code = extended & 0xFF
        name, folder = self._name, self.place.parent
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StudyError(
                f"{name} is in use by another process; "
                "wait until it has ended, or choose another file."
            )
        if extended == sqlite3.SQLITE_READONLY_DBMOVED:
            return StudyError(f"{name} was removed or renamed while it was written.")
        if extended == sqlite3.SQLITE_READONLY_ROLLBACK:
            return StudyError(
                f"{name} was left in the middle of a write, which can only be undone by who may "
                "write it."
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return StudyError(f"{name} {_READ_ONLY}")
        if code == sqlite3.SQLITE_CANTOPEN:
            return StudyError(
                f"{name} cannot be opened: there is no permission for it or for '{folder}'."
                if self._file is None
                else f"{name} cannot be written: no file can be made beside it in '{folder}'."
            )
        if code == sqlite3.SQLITE_NOTADB:
            return FileFormatError(f"'{self.path}' is not a landtopo study, or is damaged.")
        if code in _DAMAGE:
            return self.damage(f"SQLite says '{' '.join(str(error).split())}'")
        if code == sqlite3.SQLITE_FULL:
            return OSError(errno.ENOSPC, f"No space left for the study; {_KEPT}", str(self.path))
        if code == sqlite3.SQLITE_IOERR:
            return OSError(
                errno.EIO, f"The study cannot be read or written; {_KEPT}", str(self.path)
            )
        return StudyError(f"{name} cannot be used: {error}.")

    def _check_still_there(self) -> None:
        """Raise, after saving what is stored, if the path does not lead to the open file."""
        try:
            if self._is_open_as(os.stat(self.place)):
                return
            taken = True
        except (FileNotFoundError, NotADirectoryError):
            taken = False
        except OSError:
            # Nobody may look; whether it can be written SQLite will say.
            return
        self.lost = True
        if self.connection.in_transaction:
            self.connection.rollback()
        if taken or not self.version:
            raise StudyError(
                f"{self._name} was replaced while it was written; this run stores "
                "nothing in the file that is there now."
            )
        what = f"{self._name} was removed or renamed while it was written"
        try:
            self._put_back()
        except (OSError, UnicodeError, LandtopoError):
            raise StudyError(f"{what}, and cannot be written again.") from None
        raise StudyError(
            f"{what}; what was stored before is there again, and the same command goes on from "
            "there."
        )

    def _is_open_as(self, found: os.stat_result) -> bool:
        return self._file is not None and os.path.samestat(found, self._file)

    def _put_back(self) -> None:
        """Write what is stored to the path again, from the file that has no name any more."""
        copy = self.place.with_name(f"{self.place.name}.{os.getpid()}")
        try:
            self.run("VACUUM INTO ?", (str(copy),))
            os.replace(copy, self.place)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
