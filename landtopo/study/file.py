"""The study as a file: what it is about, who writes, and the journal of finished steps."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from landtopo.checks import checked_seed
from landtopo.errors import FileFormatError, StudyError
from landtopo.objective import Array
from landtopo.problem import Teacher, TeacherStudent
from landtopo.study.codec import decode, encode
from landtopo.study.database import Database
from landtopo.study.provenance import Session, now, versions

__all__ = ["StudyFile"]

_INFINITE = "infinite"

# Gram matrices of one teacher differ between machines by rounding.
_SAME_TEACHER = 1e-12


class StudyFile:
    """One study file, open for reading or for writing.

    Use `create`, `open` or `resume`, and close it, best with ``with``. It is a `Journal`.

    Attributes
    ----------
    path : Path
    teacher : Teacher
        To the last bit as when the study was created.
    dim : int or None
        Dimension of the inputs; None means infinite.
    seed : int
        Root seed.
    created : str
        UTC, ISO 8601.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session = 0
        self.path = database.path
        row = database.row(
            "SELECT created, teacher, neurons, rank, vectors, gram, dim, seed FROM study"
        )
        created, name, neurons, rank, vectors, gram, dim, seed = row
        self.created: str = created
        self.teacher = Teacher(
            _array(vectors, (neurons, rank)), _array(gram, (neurons, neurons)), name
        )
        self.dim = None if dim == _INFINITE else int(dim)
        self.seed = int(seed)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        teacher: Teacher,
        *,
        dim: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Start a study in a new file and open it for writing.

        Parameters
        ----------
        path : path-like
            The file; it must not exist yet.
        teacher : Teacher
        dim : int, optional
            Dimension of the inputs; None means infinite.
        seed : int
            Root seed of all random numbers.

        Raises
        ------
        StudyError
            The file exists already, or cannot be made.
        """
        dim = TeacherStudent(teacher, 1, dim).dim
        values = (
            1,
            now(),
            teacher.name,
            teacher.size,
            teacher.rank,
            _bytes(teacher.vectors),
            _bytes(teacher.gram),
            _INFINITE if dim is None else str(dim),
            str(checked_seed("Study.create", seed)),
        )
        database = Database(Path(path), write=True, create=True)
        with _closing_on_failure(database), database.together():
            database.run("INSERT INTO study VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            return cls(database)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        write: bool = False,
    ) -> Self:
        """Open a study that exists.

        Parameters
        ----------
        path : path-like
        write : bool
            Keep other writers out, and be allowed to write; readers never disturb.

        Raises
        ------
        StudyError
            There is no such file, or another process writes it.
        FileFormatError
            It is not a study, is damaged, or is from a newer landtopo.
        """
        database = Database(Path(path), write=write)
        with _closing_on_failure(database):
            return cls(database)

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike[str],
        teacher: Teacher,
        *,
        dim: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Open a study for writing if the file exists, otherwise create it.

        The parameters are those of `create`.

        Raises
        ------
        StudyError
            The study in the file is of another teacher, dimension or seed, or in use.
        FileFormatError
            The file is not a study, is damaged, or is from a newer landtopo.
        """
        # An empty file is what a process leaves that was killed while it created one.
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            return cls.create(path, teacher, dim=dim, seed=seed)
        database = Database(Path(path), write=True)
        with _closing_on_failure(database):
            study = cls(database)
            study.check(teacher, dim=dim, seed=seed)
        return study

    def check(self, teacher: Teacher, *, dim: int | None, seed: int) -> None:
        """Raise StudyError unless the study is of this teacher, dimension and seed."""
        mine, given = self.teacher.gram, teacher.gram
        scale = float(np.abs(mine).max())
        if mine.shape != given.shape or np.abs(mine - given).max() > _SAME_TEACHER * scale:
            self._refuse("the teacher", self.teacher.name, teacher.name)
        if self.dim != dim:
            self._refuse(
                "dim",
                _INFINITE if self.dim is None else str(self.dim),
                _INFINITE if dim is None else str(dim),
            )
        if self.seed != seed:
            self._refuse("the seed", str(self.seed), str(seed))

    def _refuse(self, what: str, mine: str, given: str) -> None:
        other = "another one of the same name" if mine == given else given
        raise StudyError(
            f"The study '{self.path}' has {what} {mine}, not {other}; choose another file."
        )

    def problem(self, width: int) -> TeacherStudent:
        """The problem that the study is about, for one width."""
        return TeacherStudent(self.teacher, width, self.dim)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; calling it twice does nothing more."""
        try:
            self._end_session()
        finally:
            self._session = 0
            self._database.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make everything that is written inside the ``with`` durable at once, or nothing."""
        # Begun outside the transaction, the session outlives one that fails.
        if self._database.write and not self._session:
            self.begin()
        with self._database.together():
            yield

    # The journal.

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep the result of a finished step under its key, durably.

        Parameters
        ----------
        key : str
            Says everything that the value depends on, beyond the teacher and the dimension.
        value : mapping
            Numbers, texts, lists, mappings, arrays and records of landtopo.
        """
        content = encode(value)
        with self.together():
            self._database.run(
                "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?)",
                (key, self._session, now(), content),
            )

    def recall(self, key: str) -> Any:
        """What was remembered under the key, or None."""
        rows = self._database.rows("SELECT value FROM steps WHERE key = ?", (key,))
        return self._decoded(rows[0][0]) if rows else None

    def steps(self, prefix: str = "") -> list[str]:
        """The keys of finished steps that begin so, sorted."""
        rows = self._database.rows(
            "SELECT key FROM steps WHERE substr(key, 1, ?) = ? ORDER BY key", (len(prefix), prefix)
        )
        return [key for (key,) in rows]

    # Provenance.

    def begin(self, command: str = "", options: Mapping[str, Any] | None = None) -> None:
        """Say on record what is about to be run; done without words by the first write if not.

        Parameters
        ----------
        command : str
            Such as ``graph``.
        options : mapping, optional
            Its options, in values that JSON has.
        """
        self._end_session()
        with self._database.together():
            cursor = self._database.run(
                "INSERT INTO sessions (started, ended, command, options, versions) "
                "VALUES (?, '', ?, ?, ?)",
                (now(), command, json.dumps(dict(options or {})), json.dumps(versions())),
            )
        self._session = int(cursor.lastrowid or 0)

    def _end_session(self) -> None:
        if self._session:
            with self._database.together():
                self._database.run(
                    "UPDATE sessions SET ended = ? WHERE id = ?", (now(), self._session)
                )
            self._session = 0

    def sessions(self) -> list[Session]:
        """The runs that wrote into the study, in order."""
        rows = self._database.rows(
            "SELECT id, started, ended, command, options, versions FROM sessions ORDER BY id"
        )
        return [
            Session(
                number=number,
                started=started,
                ended=ended,
                command=command,
                options=json.loads(options),
                versions=json.loads(versions),
            )
            for number, started, ended, command, options, versions in rows
        ]

    def _decoded(self, content: bytes) -> Any:
        try:
            return decode(content)
        except FileFormatError as error:
            raise FileFormatError(f"The study '{self.path}' is damaged: {error}") from None


@contextmanager
def _closing_on_failure(database: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise


def _array(content: bytes, shape: tuple[int, int]) -> Array:
    array = np.frombuffer(content, "<f8").astype(np.float64).reshape(shape)
    array.setflags(write=False)
    return array


def _bytes(array: Array) -> bytes:
    return np.ascontiguousarray(array, dtype="<f8").tobytes()
