"""The command line of landtopo.

Nothing heavy is imported before a command runs, so that `landtopo --help` answers at once.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from threading import Timer
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

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
    interruption = _Interruption()
    signal.signal(signal.SIGTERM, interruption.ask)
    sys.unraisablehook = interruption.ask_again
    try:
        from landtopo_cli.app import landtopo

        landtopo(prog_name="landtopo")
    except KeyboardInterrupt:
        # Before a command has begun, or after it has ended.
        sys.exit(130)
    except Exception:
        # The compiler goes on without what a lost interruption should have brought it.
        if not interruption.lost:
            raise
        sys.exit(130)
    finally:
        # While Python ends it would look through all that there is, for a quarter of a second.
        gc.freeze()
        # Their own way to end takes most of a second, which this process would wait for.
        if "landtopo.processes" in sys.modules:
            sys.modules["landtopo.processes"].end()


class _Interruption:
    """A request to end, as `kill`, `timeout` and batch systems make it, is like Ctrl-C.

    Attributes
    ----------
    lost : bool
        Whether one came while C code called back, as that of the compiler does: Python drops what
        is raised there, and would print it.
    """

    def __init__(self) -> None:
        self.lost = False

    def ask(self, number: int, frame: FrameType | None) -> NoReturn:
        """End what is done in the main thread."""
        raise KeyboardInterrupt

    def ask_again(self, dropped: UnraisableHookArgs) -> None:
        """End it a moment later, when it is out of the callback."""
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(dropped)
            return
        self.lost = True
        again = Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        again.daemon = True
        again.start()
