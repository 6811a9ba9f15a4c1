"""Who computed what, when and with which versions."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from landtopo._version import __version__
from landtopo.shown import Brief

__all__ = ["Session", "now", "versions"]

_PACKAGES = ("numpy", "scipy", "numba", "networkx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Brief):
    """One run that wrote into a study.

    Attributes
    ----------
    number : int
        Counted from 1.
    started, ended : str
        UTC, ISO 8601; `ended` is empty while the run lasts, and stays so when it was killed.
    command : str
        What was run, such as ``graph``.
    options : dict
        Its options.
    versions : dict
        Of landtopo, Python and the packages that compute, and the machine's architecture.
    """

    number: int
    started: str
    ended: str
    command: str
    options: dict[str, Any]
    versions: dict[str, str]


def now() -> str:
    """The time, as a study writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Versions of everything that numbers depend on."""
    found = {"landtopo": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        found[package] = metadata.version(package)
    return {**found, "machine": f"{platform.system()} {platform.machine()}"}
