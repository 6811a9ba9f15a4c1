"""What people see while they wait: progress bars and warnings, on stderr."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import click

from landtopo.progress import Silent

__all__ = ["TerminalProgress", "progress", "report_warnings"]


class TerminalProgress:
    """Progress as bars with the time left; stages may be nested."""

    def __init__(self) -> None:
        self._bars: list[Any] = []

    def begin(self, label: str, total: int | None) -> None:
        """Show a bar, below those of the stages around it."""
        from tqdm import tqdm

        self._bars.append(
            tqdm(
                total=total,
                desc=label,
                file=sys.stderr,
                leave=False,
                position=len(self._bars),
                **_shape(),
            )
        )

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move the innermost bar."""
        if self._bars:
            if note:
                self._bars[-1].set_postfix_str(note, refresh=False)
            self._bars[-1].update(steps)

    def end(self) -> None:
        """Remove the innermost bar."""
        if self._bars:
            self._bars.pop().close()

    def clear(self) -> None:
        """Remove all bars, as when the work was interrupted."""
        while self._bars:
            self.end()


def _shape() -> dict[str, Any]:
    # Some terminals say that they have no rows and columns; tqdm would then show nothing.
    try:
        known = os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except OSError:
        known = False
    return {"dynamic_ncols": True} if known else {"ncols": 80, "nrows": 24}


def progress(quiet: bool) -> TerminalProgress | Silent:
    """Bars on a terminal, otherwise nothing."""
    return Silent() if quiet or not sys.stderr.isatty() else TerminalProgress()


class _Warnings(logging.Handler):
    """Log records as plain lines on stderr, above a bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        message = self.format(record)
        if "tqdm" in sys.modules and sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.write(message, file=sys.stderr)
        else:
            click.echo(message, err=True)


def report_warnings(level: int) -> None:
    """Show what the library logs from this level on."""
    logger = logging.getLogger("landtopo")
    logger.setLevel(level)
    logger.propagate = False
    if not any(isinstance(handler, _Warnings) for handler in logger.handlers):
        logger.addHandler(_Warnings())
