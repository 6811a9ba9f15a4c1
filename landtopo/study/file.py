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
from landtopo.errors import FileFormatError, InvalidArgument, StudyError
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.tolerances import SAME_TEACHER
from landtopo.models.origin import Origin, change_of_file, is_same, origin_of
from landtopo.models.parameter import ParameterModels
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array
from landtopo.study.codec import decode, encode
from landtopo.study.database import Database
from landtopo.study.declared import wrong_value
from landtopo.study.integrity import examined
from landtopo.study.provenance import Session, now, versions
from landtopo.study.rows import Fault, Row, Rows, name_of_row
from landtopo.study.schema import SCHEMA_VERSION
from landtopo.study.upgrade import upgrade

__all__ = ["StudyFile"]

_INFINITE = "infinite"


class StudyFile:
    """One study file, open for reading or for writing.

    Use `create`, `open` or `resume`, and close it, best with ``with``. It is a `Journal`.

    Attributes
    ----------
    path : Path
    model : Origin or None
        What it is about, if that is no network.
    dim : int or None
        Dimension of the inputs; None means infinite.
    seed : int
        Root seed.
    created : str
        UTC, ISO 8601.
    upgraded : str
        When a study of landtopo 0.1.0 got its checksums; empty if it had them from the start, or
        has none yet.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = Rows(database)
        self._running: Row | None = None
        self._intended: tuple[str, Mapping[str, Any]] = ("", {})
        self.path = database.path
        if not database.version:
            raise database.emptiness()
        with self._reading("study"):
            (row,) = self._rows.all("study")
            self.created: str = row["created"]
            self.upgraded: str = row.get("upgraded", "")
            about = _about(row)
            self._teacher: Teacher | None = about.get("teacher")
            self.model: Origin | None = about.get("model")
            self.dim: int | None = about.get("dim")
            if not isinstance(self._teacher or self.model, (Teacher, Origin)):
                raise TypeError("it is of nothing that is known")
            self.seed = int(row["seed"])

    def __repr__(self) -> str:
        name = type(self).__name__
        if self.model is not None:
            return f"{name}({str(self.path)!r}, model={self.model.name!r})"
        dim = "infinite" if self.dim is None else self.dim
        return f"{name}({str(self.path)!r}, teacher={self.teacher.title!r}, dim={dim})"

    @property
    def teacher(self) -> Teacher:
        """The teacher, to the last bit as when the study was created.

        Raises
        ------
        StudyError
            The study is of a model.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     study.teacher.size
        2
        """
        if self._teacher is None:
            raise StudyError(
                f"The study '{self.path}' is of the model {self.title}, and this is for networks."
            )
        return self._teacher

    @property
    def title(self) -> str:
        """What the study is about, as on the command line.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     study.title
        'orthonormal:2'
        """
        return self.teacher.title if self.model is None else self.model.name

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        teacher: Teacher | SmoothModel | ParameterModels,
        *,
        dim: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Start a study in a new file and open it for writing.

        Parameters
        ----------
        path : path-like
            The file; it must not exist yet.
        teacher : Teacher, SmoothModel or ParameterModels
            Or a model, such as `function_model` makes, or models over a parameter.
        dim : int, optional
            Dimension of the inputs of networks; None means infinite.
        seed : int
            Root seed of all random numbers.

        Raises
        ------
        StudyError
            The file exists already and is not empty, or cannot be made.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.seed
        0
        >>> study.close()
        """
        row = _first_row(teacher, dim, seed)
        database = Database(Path(path), write=True, create=True)
        with _closing_on_failure(database):
            if database.version:
                raise StudyError(f"The study '{path}' exists already.")
            return cls._begun(database, row)

    @classmethod
    def _begun(cls, database: Database, row: Row) -> Self:
        with database.together():
            database.make_tables()
            Rows(database).put("study", **row)
        database.version = SCHEMA_VERSION
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

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.close()
        >>> with lt.Study.open(name) as study:
        ...     print(study.teacher.name)
        orthonormal:2
        """
        database = Database(Path(path), write=write)
        with _closing_on_failure(database):
            return cls(database)

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike[str],
        teacher: Teacher | SmoothModel | ParameterModels,
        *,
        dim: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Open a study for writing if there is one in the file, otherwise create it.

        The parameters are those of `create`. An empty file is no study yet: `mktemp` makes one, and
        so does a process that is killed while it creates a study.

        Raises
        ------
        StudyError
            The study in the file is of another teacher, dimension or seed, or in use.
        FileFormatError
            The file is not a study, is damaged, or is from a newer landtopo.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.resume(name, lt.Teacher.orthonormal(2)) as study:
        ...     print(study.seed)
        0
        """
        row = _first_row(teacher, dim, seed)
        database = Database(Path(path), write=True, create=True)
        with _closing_on_failure(database):
            if not database.version:
                return cls._begun(database, row)
            study = cls(database)
            study.check(teacher, dim=dim, seed=seed)
        return study

    def check(
        self, teacher: Teacher | SmoothModel | ParameterModels, *, dim: int | None, seed: int
    ) -> None:
        """Raise StudyError unless the study is of this teacher or model, dimension and seed.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.check(lt.Teacher.orthonormal(2), dim=None, seed=0)
        >>> study.close()
        """
        if isinstance(teacher, (SmoothModel, ParameterModels)):
            self._check_model(teacher)
        else:
            self._check_teacher(teacher)
        if self.dim != dim:
            self._refuse(
                "dim",
                _INFINITE if self.dim is None else str(self.dim),
                _INFINITE if dim is None else str(dim),
            )
        if self.seed != seed:
            self._refuse("the seed", str(self.seed), str(seed))

    def _check_model(self, given: SmoothModel | ParameterModels) -> None:
        if self.model is None:
            self._refuse("the teacher", self.title, f"the model {given.source}")
            return
        other = origin_of(given)
        if self.model.parameter != other.parameter:
            self._refuse("the parameter", self.model.parameter or "none", other.parameter or "none")
        if change := change_of_file(self.model, other):
            raise StudyError(
                f"The study '{self.path}' cannot be continued: {change}; choose another study."
            )
        if not is_same(self.model, other):
            self._refuse("the model", self.title, other.name)

    def _check_teacher(self, given: Teacher) -> None:
        if self.model is not None:
            self._refuse("the model", self.title, f"the teacher {given.title}")
        mine, other = self.teacher.gram, given.gram
        scale = float(np.abs(mine).max())
        if (
            mine.shape != other.shape
            or np.abs(mine - other).max() > SAME_TEACHER * scale
            or (self.teacher.activation, self.teacher.outputs) != (given.activation, given.outputs)
        ):
            self._refuse("the teacher", self.teacher.title, given.title)

    def _refuse(self, what: str, mine: str, given: str) -> None:
        other = "another one of the same name" if mine == given else given
        raise StudyError(
            f"The study '{self.path}' has {what} {mine}, not {other}; choose another file."
        )

    def problem(self, width: int) -> TeacherStudent:
        """The problem that the study is about, for one width.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.problem(3).width
        3
        >>> study.close()
        """
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
        """Close the file; calling it twice does nothing more.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.close()
        """
        try:
            self._end_session()
        finally:
            self._running = None
            self._database.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make everything that is written inside the ``with`` durable at once, or nothing.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> with study.together():
        ...     study.remember("first", {"answer": 1})
        ...     study.remember("second", {"answer": 2})
        >>> study.close()
        """
        # Begun outside the transaction, the session outlives one that fails.
        if self._database.write and self._running is None:
            self.begin(*self._intended)
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

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.remember("first", {"answer": 1})
        >>> study.recall("first")
        {'answer': 1}
        >>> study.close()
        """
        content = encode(value)
        with self.together():
            self._rows.put("steps", key=key, session=self._session, finished=now(), value=content)

    def recall(self, key: str) -> Any:
        """What was remembered under the key, or None.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.recall("first") is None
        True
        >>> study.close()
        """
        row = self._rows.one("steps", key=key)
        return None if row is None else self._decoded("steps", row)

    def steps(self, prefix: str = "") -> list[str]:
        """The keys of finished steps that begin so, sorted.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.remember("first", {"answer": 1})
        >>> study.steps()
        ['first']
        >>> study.close()
        """
        keys: list[str] = [row["key"] for row in self._rows.all("steps")]
        return sorted(key for key in keys if key.startswith(prefix))

    # Provenance.

    def intend(self, command: str, options: Mapping[str, Any]) -> None:
        """Say what is about to be run, which is put on record when it first writes.

        Parameters
        ----------
        command : str
        options : mapping

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.intend("graph", {"widths": [2]})
        >>> len(study.sessions())
        0
        >>> study.remember("first", {"answer": 1})
        >>> study.sessions()[0].options
        {'widths': [2]}
        >>> study.close()
        """
        self._intended = (command, dict(options))

    def begin(self, command: str = "", options: Mapping[str, Any] | None = None) -> None:
        """Say on record what is about to be run; done without words by the first write if not.

        Parameters
        ----------
        command : str
            Such as ``graph``.
        options : mapping, optional
            Its options, in values that JSON has.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.begin("graph")
        >>> len(study.sessions())
        1
        >>> study.close()
        """
        self._end_session()
        upgrade(self._database, _renewed)
        with self._database.together():
            number = 1 + max((row["id"] for row in self._rows.all("sessions")), default=0)
            running: Row = {
                "id": number,
                "started": now(),
                "ended": "",
                "command": command,
                "options": json.dumps(dict(options or {})),
                "versions": json.dumps(versions()),
            }
            self._rows.put("sessions", **running)
        self._running = running

    @property
    def _session(self) -> int:
        """Number of the session that is running."""
        return 0 if self._running is None else int(self._running["id"])

    def _end_session(self) -> None:
        if self._running is not None and not self._database.lost:
            with self._database.together():
                self._rows.put("sessions", **{**self._running, "ended": now()})
        self._running = None

    def sessions(self) -> list[Session]:
        """The runs that wrote into the study, in order.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.begin("graph")
        >>> study.sessions()[0].command
        'graph'
        >>> study.close()
        """
        with self._reading("sessions"):
            return [
                Session(
                    number=row["id"],
                    started=row["started"],
                    ended=row["ended"],
                    command=row["command"],
                    options=json.loads(row["options"]),
                    versions=json.loads(row["versions"]),
                )
                for row in self._rows.all("sessions")
            ]

    def faults(self) -> list[Fault]:
        """Everything in the study that is not as it was written, as `check_study` finds it.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     list(study.faults())
        []
        """
        return examined(self._database)[1]

    def _decoded(self, table: str, row: Row) -> Any:
        try:
            value = decode(row["value" if table == "steps" else "record"])
            wrong = wrong_value(table, value, has_checksum=self._rows.have_checksums)
        except FileFormatError as error:
            wrong = f"cannot be read: {error}"
        if wrong:
            raise self._database.damage(str(Fault(name_of_row(table, row), wrong)))
        return value

    @contextmanager
    def _reading(self, table: str) -> Iterator[None]:
        """Say what is damaged when values without checksums make no sense."""
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            fault = Fault(f"table {table}", f"holds values that make no sense: {error}")
            raise self._database.damage(str(fault)) from None


@contextmanager
def _closing_on_failure(database: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise


def _first_row(subject: Teacher | SmoothModel | ParameterModels, dim: int | None, seed: int) -> Row:
    """What a study is about, checked."""
    about: dict[str, Any]
    if isinstance(subject, (SmoothModel, ParameterModels)):
        if dim is not None:
            raise InvalidArgument(
                "The 'dim' argument of Study.create is for networks, and must be left out for "
                f"{subject.name}; got {dim!r}."
            )
        name, about = subject.source, {"model": origin_of(subject)}
    else:
        dim = TeacherStudent(subject, 1, dim).dim
        name, about = subject.title, {"teacher": subject, "dim": dim}
    return {
        "id": 1,
        "created": now(),
        "upgraded": "",
        "name": name,
        "seed": str(checked_seed("Study.create", seed)),
        "record": encode(about),
    }


def _about(row: Row) -> dict[str, Any]:
    """What the row of the table `study` says that it is about, whichever format it is in."""
    if "record" in row:
        found: dict[str, Any] = decode(row["record"])
        return found
    neurons = row["neurons"]
    teacher = Teacher(
        _array(row["vectors"], (neurons, row["rank"])), _array(row["gram"], (neurons, neurons))
    ).titled(row["teacher"])
    return {"teacher": teacher, "dim": None if row["dim"] == _INFINITE else int(row["dim"])}


def _renewed(row: Row) -> Row:
    """The row of the table `study` of an earlier format, in the present one."""
    kept = {name: row[name] for name in ("id", "created", "seed")}
    return {**kept, "name": row["teacher"], "record": encode(_about(row))}


def _array(content: bytes, shape: tuple[int, int]) -> Array:
    array = np.frombuffer(content, "<f8").astype(np.float64).reshape(shape)
    array.setflags(write=False)
    return array
