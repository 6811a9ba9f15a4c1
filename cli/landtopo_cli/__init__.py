"""The command line of landtopo.

Nothing heavy is imported before a command runs, so that `landtopo --help` answers at once.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of the script `landtopo`."""
    from landtopo_cli.app import landtopo

    landtopo(prog_name="landtopo")
