"""The command group: what is common to all commands is how they fail."""

from __future__ import annotations

import errno
import importlib
import io
import logging
import pkgutil
import sys
from concurrent.futures import BrokenExecutor
from typing import Any, NoReturn

import click

from landtopo._version import __version__
from landtopo.errors import LandtopoError
from landtopo.texts import printable
from landtopo_cli import commands
from landtopo_cli.terminal import report_warnings

__all__ = ["FAILED", "INCOMPLETE", "INTERRUPTED", "UNUSABLE", "landtopo"]

FAILED = 1
UNUSABLE = 2
INCOMPLETE = 3
INTERRUPTED = 130


class Application(click.Group):
    """A group whose commands return their exit code, or nothing when all went well."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run a command and exit the process with its code."""
        options["standalone_mode"] = False
        try:
            code = super().main(*args, **options)
        except click.ClickException as error:
            # What it cites may hold ends of lines; usage, hints and the sentence take a line each.
            told = io.StringIO()
            error.show(file=told)
            text = told.getvalue().replace(error.message, printable(error.message))
            for line in text.splitlines():
                click.echo(printable(line.expandtabs(2)), err=True)
            code = error.exit_code
        except click.Abort:
            code = INTERRUPTED
        except LandtopoError as error:
            click.echo(f"Error: {error}", err=True)
            code = UNUSABLE
        except MemoryError:
            click.echo("Error: The memory of this machine is not enough for this.", err=True)
            code = FAILED
        except BrokenExecutor:
            click.echo(
                "Error: A process that was at work for this one was ended from outside; what was "
                "finished is kept if a study was given.",
                err=True,
            )
            code = FAILED
        except OSError as error:
            place = f" '{error.filename}'" if error.filename else ""
            click.echo(f"Error: {printable(f'{error.strerror or error}{place}')}.", err=True)
            # No file can have such a name, so nothing was begun.
            code = UNUSABLE if error.errno == errno.ENAMETOOLONG else FAILED
        sys.exit(code if isinstance(code, int) else 0)


_EPILOG = """\b
Begin with
  landtopo minima --teacher orthonormal:6 --width 6
  landtopo graph --teacher orthonormal:6 --widths 6:7 -o six.landtopo --out-dir out

\b
Exit codes: 0 done, 1 failed, 2 not usable as asked, 3 finished but
incomplete, 130 interrupted with what was finished kept in the study.
"""


@click.group(
    cls=Application,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="landtopo", message="%(prog)s %(version)s")
def landtopo() -> None:
    """The exact topology of two-layer teacher-student loss landscapes.

    Finds the families of minima, the flat sets they form, the barriers between them, and how all
    of it changes with the width of the student.
    """
    report_warnings(logging.WARNING)


for _module in pkgutil.iter_modules(commands.__path__):
    landtopo.add_command(importlib.import_module(f"{commands.__name__}.{_module.name}").command)
