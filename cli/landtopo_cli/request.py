"""What a command was asked to do, and the study or the lack of one that it works with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo.errors import EmptyStudyError, LandtopoError
from landtopo_cli.tables import plain_json
from landtopo_cli.terminal import TerminalProgress, progress, report_warnings

if TYPE_CHECKING:
    from landtopo.journal import Journal
    from landtopo.models.networks.problem import Teacher, TeacherStudent
    from landtopo.progress import Progress
    from landtopo.study import Study

__all__ = ["INFINITE", "Request", "Work", "at_work", "no_graph_file"]

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
    starts_given : bool
        Whether `starts` was given now.
    study : Study or None
        Open for writing.
    progress : Progress
    shard : pair of int, optional
        Which of how many machines this is that share the starts.
    """

    teacher: Teacher
    dim: int | None
    seed: int
    widths: tuple[int, ...]
    options: dict[str, Any]
    starts_given: bool
    study: Study | None
    progress: Progress
    shard: tuple[int, int] | None = None

    @property
    def journal(self) -> Journal | None:
        """Where pieces are kept: the study, of which a shard fills its part."""
        from landtopo.journal import Shard

        if self.study is None or self.shard is None:
            return self.study
        return Shard(self.study, *self.shard)

    def problem(self, width: int) -> TeacherStudent:
        """The problem for one of the widths."""
        from landtopo.models.networks.problem import TeacherStudent

        return TeacherStudent(self.teacher, width, self.dim)

    def on(self, cluster: str | None) -> Work:
        """The same on a cluster, which is not kept as an option of the study."""
        if cluster is None:
            return self
        return replace(self, options={**self.options, "cluster": cluster})

    def only(self, shard: tuple[int, int] | None) -> Work:
        """The same for one of several machines, which is not kept as an option either."""
        if shard is not None and self.study is None:
            raise click.UsageError("--shard does nothing without -o STUDY, which keeps its part.")
        return replace(self, shard=shard)

    def refuse_starts(self, because: str) -> None:
        """A usage error if `--starts` was given for a search that will not be made."""
        if self.starts_given:
            raise click.UsageError(f"--starts does nothing here: {because}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The shared options as given; None where an option was not."""

    teacher: str | None
    activation: str | None
    outputs: tuple[float, ...] | None
    widths: tuple[int, ...] | None
    dim: int | str | None
    starts: int | None
    seed: int | None
    jobs: int
    study: Path | None
    as_json: bool
    quiet: bool

    @contextmanager
    def work(
        self, command: str, *, needs: Mapping[str, str] | None = None, **options: Any
    ) -> Iterator[Work]:
        """Open the study, fill in what was left open, and say what a Ctrl-C has kept.

        Parameters
        ----------
        command : str
            Name of the command. In a study, options that are not given are those that the same
            command had there before.
        needs : mapping of str to str, optional
            Options that do nothing but for one method, and that method.
        **options
            The command's own options; None where one was not given.
        """
        if self.quiet:
            report_warnings(logging.ERROR)
        listener = progress(self.quiet)
        with at_work(self._study(options), listener) as study:
            yield self._filled_in(study, listener, command, needs or {}, options)

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

    def _study(self, options: Mapping[str, Any]) -> Study | None:
        if self.study is None:
            return None
        from landtopo.study import Study

        given = None if self.teacher is None else self.given_teacher()
        try:
            study = Study.open(self.study, write=True)
        except EmptyStudyError:
            no_graph_file(self.study)
            if given is None:
                raise
            # Before there is a file that a refused command would leave behind.
            _check_problems(given, self.given_dim(None), self.widths or (), options)
            return Study.create(self.study, given, dim=self.given_dim(None), seed=self.seed or 0)
        try:
            study.check(
                given or self._with_function(study.teacher),
                dim=self.given_dim(study.dim),
                seed=study.seed if self.seed is None else self.seed,
            )
        except LandtopoError:
            study.close()
            raise
        return study

    def given_teacher(self) -> Teacher:
        """The teacher that the options state."""
        from landtopo.models.networks.problem import Teacher

        return self._with_function(Teacher.from_spec(self.teacher or ""))

    def _with_function(self, teacher: Teacher) -> Teacher:
        return teacher.with_function(self.activation, outputs=self.outputs)

    def given_dim(self, default: int | None) -> int | None:
        """The dimension that the options state; None means infinite."""
        if self.dim is None:
            return default
        return None if isinstance(self.dim, str) else self.dim

    def _filled_in(
        self,
        study: Study | None,
        listener: Progress,
        command: str,
        needs: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> Work:
        sessions = [] if study is None else study.sessions()
        before = [entry.options for entry in sessions if entry.command == command]
        asked = {**options, "widths": self.widths, "starts": self.starts}
        kept = {**(before[-1] if before else {})}
        kept |= {name: value for name, value in asked.items() if value is not None}
        if "widths" not in kept:
            raise click.UsageError("Missing option '--width' or '--widths'.")
        for name, method in needs.items():
            if kept.get("method") != method:
                if asked[name] is not None:
                    raise click.UsageError(f"--{name} does nothing without --method {method}.")
                kept.pop(name, None)
        teacher = study.teacher if study else self.given_teacher()
        dim = study.dim if study else self.given_dim(None)
        _check_problems(teacher, dim, kept["widths"], kept)
        if study is not None:
            study.intend(command, kept)
        return Work(
            teacher=teacher,
            dim=dim,
            seed=study.seed if study else self.seed or 0,
            widths=tuple(kept.pop("widths")),
            options={**kept, "jobs": self.jobs},
            starts_given=self.starts is not None,
            study=study,
            progress=listener,
        )


@contextmanager
def at_work(study: Study | None, listener: Progress) -> Iterator[Study | None]:
    """Say what a Ctrl-C has kept, and close the study in the end."""
    try:
        yield study
    except KeyboardInterrupt:
        if isinstance(listener, TerminalProgress):
            listener.clear()
        click.echo(
            "Interrupted; nothing is kept, because no study was given (-o STUDY)."
            if study is None
            else f"Interrupted; what was finished is kept in '{study.path}', and the same command "
            "goes on from there.",
            err=True,
        )
        raise
    finally:
        if study is not None:
            study.close()


def no_graph_file(place: Path) -> None:
    """A usage error for a new study that has the name of a file of another kind."""
    from landtopo.export.files import known_formats

    if place.suffix.lower() in known_formats():
        raise click.UsageError(
            f"-o names the study, and '{place}' looks like a graph file; write those with "
            "'landtopo export' from a study."
        )


def _check_problems(
    teacher: Teacher, dim: int | None, widths: Iterable[int], options: Mapping[str, Any]
) -> None:
    """Refuse dimensions and start distributions that do not fit, before any work."""
    from landtopo.models.networks.problem import TeacherStudent
    from landtopo.models.networks.starts import draw_start, parse_distribution, start_generator

    problems = [TeacherStudent(teacher, width, dim) for width in widths]
    init = options.get("init")
    if init is not None:
        distribution = parse_distribution(init)
        for problem in problems[:1]:
            draw_start(problem, distribution, start_generator(0, problem.width, 0))
