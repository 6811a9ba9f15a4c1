"""The command line of landtopo.

Nothing heavy is imported before a command runs, so that `landtopo --help` answers at once.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """Entry point of the script `landtopo`."""
    # The matrices here are small: threads of the linear algebra would only wait for each other.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    # A name that a terminal has no letters for is no reason to fail.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        from landtopo_cli.app import landtopo

        landtopo(prog_name="landtopo")
    except KeyboardInterrupt:
        # Before a command has begun, or after it has ended.
        sys.exit(130)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """A request to end, as `kill`, `timeout` and batch systems make it, is like Ctrl-C."""
    raise KeyboardInterrupt
