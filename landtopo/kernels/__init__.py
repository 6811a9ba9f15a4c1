"""The compiled room: pair integrals, their derivatives, and the loops that call them most."""

from __future__ import annotations

from pathlib import Path

__all__: list[str] = []


def _forget_stale_code() -> None:
    """Remove compiled code that is older than any kernel's source.

    numba notices when the source of a cached function changes, but not when that of a function
    called by it does: an edit or an upgrade would leave old code inlined in new.
    """
    folder = Path(__file__).parent
    newest = max(source.stat().st_mtime for source in folder.glob("*.py"))
    for index in folder.glob("__pycache__/*.nb[ic]"):
        try:
            if index.stat().st_mtime < newest:
                index.unlink()
        except OSError:
            # Another process was faster, or the folder cannot be written; numba then caches
            # elsewhere, by the user, and the source it checks is this one.
            continue


_forget_stale_code()
