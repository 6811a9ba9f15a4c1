"""The command line of landtopo.

Nothing heavy is imported before a command runs, so that `landtopo --help` answers at once.
"""

from __future__ import annotations

import os

__all__ = ["main"]


def main() -> None:
    """Entry point of the script `landtopo`."""
    # The matrices here are small: threads of the linear algebra would only wait for each other.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from landtopo_cli.app import landtopo

    landtopo(prog_name="landtopo")
