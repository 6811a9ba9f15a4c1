"""What a command was asked to do, and the study or the lack of one that it works with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo.errors import EmptyStudyError, LandtopoError
from landtopo_cli.tables import plain_json
from landtopo_cli.terminal import TerminalProgress, progress, report_warnings

if TYPE_CHECKING:
    from landtopo.problem import Teacher, TeacherStudent
    from landtopo.progress import Progress
    from landtopo.study import Study

__all__ = ["INFINITE", "Request", "Work"]

#: `--dim inf`, as files hold it.
INFINITE = "infinite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A request with what it left open filled in.

    Attributes
    ----------
    teacher, dim, seed
        From the options, or from the study.
    widths : tuple of int
    options : dict
        Keyword arguments for the library: the command's own options, `starts` and `jobs`, without
        those that were given neither now nor when the study was made. Defaults are the library's.
    study : Study or None
        Open for writing.
    progress : Progress
    """

    teacher: Teacher
    dim: int | None
    seed: int
    widths: tuple[int, ...]
    options: dict[str, Any]
    study: Study | None
    progress: Progress

    def problem(self, width: int) -> TeacherStudent:
        """The problem for one of the widths."""
        from landtopo.problem import TeacherStudent

        return TeacherStudent(self.teacher, width, self.dim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The shared options as given; None where an option was not."""

    teacher: str | None
    widths: tuple[int, ...] | None
    dim: int | str | None
    starts: int | None
    seed: int | None
    jobs: int
    study: Path | None
    as_json: bool
    quiet: bool

    @contextmanager
    def work(self, command: str, **options: Any) -> Iterator[Work]:
        """Open the study, fill in what was left open, and say what a Ctrl-C has kept.

        Parameters
        ----------
        command : str
            Name of the command. In a study, options that are not given are those that the same
            command had there before.
        **options
            The command's own options; None where one was not given.
        """
        if self.quiet:
            report_warnings(logging.ERROR)
        study = self._study()
        listener = progress(self.quiet)
        try:
            yield self._filled_in(study, listener, command, options)
        except KeyboardInterrupt:
            if isinstance(listener, TerminalProgress):
                listener.clear()
            click.echo(self._after_interruption(), err=True)
            raise
        finally:
            if study is not None:
                study.close()

    def answer(self, record: Callable[[], Any], text: Callable[[], str]) -> None:
        """Print the result on stdout: JSON if that was asked for, else text for people."""
        click.echo(plain_json(record()) if self.as_json else text())

    def note(self, text: str) -> None:
        """Tell a person something on stderr."""
        if not self.quiet:
            click.echo(text, err=True)

    def warn(self, sentences: Iterable[str]) -> None:
        """Tell a person on stderr what went wrong beside the result, also when told to be quiet."""
        for sentence in sentences:
            click.echo(sentence, err=True)

    def _study(self) -> Study | None:
        if self.study is None:
            return None
        from landtopo.export.files import known_formats
        from landtopo.problem import Teacher
        from landtopo.study import Study

        given = None if self.teacher is None else Teacher.from_spec(self.teacher)
        try:
            study = Study.open(self.study, write=True)
        except EmptyStudyError:
            if self.study.suffix.lower() in known_formats():
                raise click.UsageError(
                    f"-o names the study, and '{self.study}' looks like a graph file; write those "
                    "with 'landtopo export' from a study."
                ) from None
            if given is None:
                raise
            return Study.create(self.study, given, dim=self._dim(None), seed=self.seed or 0)
        try:
            study.check(
                given or study.teacher,
                dim=self._dim(study.dim),
                seed=study.seed if self.seed is None else self.seed,
            )
        except LandtopoError:
            study.close()
            raise
        return study

    def _dim(self, default: int | None) -> int | None:
        if self.dim is None:
            return default
        return None if isinstance(self.dim, str) else self.dim

    def _filled_in(
        self, study: Study | None, listener: Progress, command: str, options: Mapping[str, Any]
    ) -> Work:
        from landtopo.problem import Teacher

        sessions = [] if study is None else study.sessions()
        before = [entry.options for entry in sessions if entry.command == command]
        asked = {**options, "widths": self.widths, "starts": self.starts}
        kept = {**(before[-1] if before else {})}
        kept |= {name: value for name, value in asked.items() if value is not None}
        if "widths" not in kept:
            raise click.UsageError("Missing option '--width' or '--widths'.")
        if study is not None:
            study.begin(command, kept)
        return Work(
            teacher=study.teacher if study else Teacher.from_spec(self.teacher or ""),
            dim=study.dim if study else self._dim(None),
            seed=study.seed if study else self.seed or 0,
            widths=tuple(kept.pop("widths")),
            options={**kept, "jobs": self.jobs},
            study=study,
            progress=listener,
        )

    def _after_interruption(self) -> str:
        if self.study is None:
            return "Interrupted; nothing is kept, because no study was given (-o STUDY)."
        return (
            f"Interrupted; what was finished is kept in '{self.study}', and the same command "
            "goes on from there."
        )
