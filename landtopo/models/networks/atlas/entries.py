"""Which landscapes an atlas has, and how they are called."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landtopo.checks import checked_count, checked_instance, shown
from landtopo.errors import InvalidArgument
from landtopo.models.networks.problem import Teacher
from landtopo.shown import Brief

__all__ = ["ENTRIES", "AtlasEntry", "chosen", "entries_from_file"]

_STEM = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_NARROW, _WIDE = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasEntry(Brief):
    """The landscapes of one teacher, one for each width.

    Attributes
    ----------
    stem : str
        First part of all labels: lower case, digits and underscores, parts joined by dots. The
        landscape of width 6 of ``relu.o6`` is ``relu.o6.k6``, its families are ``relu.o6.k6.f1``
        and so on, its passes ``relu.o6.k6.t1``.
    teacher : str
        As `Teacher.from_spec` reads it.
    activation : str
        As `Teacher.with_function` reads it.
    first, last : int
        Widths of the students.
    starts : int or None
        Starts for minima at each width; what graphs take by default if None.

    Raises
    ------
    InvalidArgument
        If an attribute cannot be used.

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.AtlasEntry(stem="relu.o6", teacher="orthonormal:6", first=6, last=7).widths
    (6, 7)
    """

    stem: str
    teacher: str
    first: int
    last: int
    activation: str = "relu"
    starts: int | None = None

    def __post_init__(self) -> None:
        if not _STEM.fullmatch(checked_instance("stem", "AtlasEntry", self.stem, str)):
            raise InvalidArgument(
                "The stem of an atlas entry must be lower-case letters, digits and underscores in "
                f"parts that dots join, such as relu.o6; got {shown(self.stem)}."
            )
        checked_count("first", "AtlasEntry", self.first)
        checked_count("last", "AtlasEntry", self.last)
        if self.last < self.first:
            raise InvalidArgument(
                f"The widths of atlas entry '{self.stem}' must ascend; got {self.first} to "
                f"{self.last}."
            )
        if self.starts is not None:
            checked_count("starts", "AtlasEntry", self.starts)
        self.subject()

    @property
    def widths(self) -> tuple[int, ...]:
        """All widths."""
        return tuple(range(self.first, self.last + 1))

    def subject(self) -> Teacher:
        """The teacher with its activation.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.AtlasEntry(stem="relu.o6", teacher="orthonormal:6", first=6, last=7).subject().size
        6
        """
        return Teacher.from_spec(self.teacher).with_function(self.activation)

    def label(self, width: int) -> str:
        """Permanent label of the landscape of a width.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.AtlasEntry(stem="relu.o6", teacher="orthonormal:6", first=6, last=7).label(7)
        'relu.o6.k7'
        """
        return f"{self.stem}.k{width}"


def _default() -> Iterable[AtlasEntry]:
    for size in range(2, 13):
        yield AtlasEntry(
            stem=f"relu.o{size}",
            teacher=f"orthonormal:{size}",
            first=max(1, size - _NARROW),
            last=size + _WIDE,
        )
    for size in (3, 4, 5):
        for percent in (-20, -10, 10, 25, 50, 75):
            sign = "m" if percent < 0 else ""
            yield AtlasEntry(
                stem=f"relu.e{size}_{sign}{abs(percent):02d}",
                teacher=f"equicorrelated:{size}:{percent / 100:g}",
                first=size - 1,
                last=size + 2,
            )
        for seed in range(1, 6):
            yield AtlasEntry(
                stem=f"relu.r{size}_{seed}",
                teacher=f"random:{size}:seed={seed}",
                first=size - 1,
                last=size + 2,
            )
    for stem, activation in (("leaky_01", "leaky:0.1"), ("leaky_05", "leaky:0.5"), ("erf", "erf")):
        for size in range(2, 7):
            yield AtlasEntry(
                stem=f"{stem}.o{size}",
                teacher=f"orthonormal:{size}",
                activation=activation,
                first=max(1, size - 1),
                last=size + 2,
            )


#: The landscapes of an atlas if nothing else is asked for.
ENTRIES: tuple[AtlasEntry, ...] = tuple(_default())


def chosen(entries: Sequence[AtlasEntry], names: Sequence[str]) -> tuple[AtlasEntry, ...]:
    """The entries with these stems, in their order; all if no stem is given.

    Raises
    ------
    InvalidArgument
        There is no entry of such a stem.
    """
    known = {entry.stem for entry in entries}
    for name in names:
        if name not in known:
            raise InvalidArgument(
                f"There is no atlas entry '{name}'; `landtopo atlas list` shows them all."
            )
    return tuple(entry for entry in entries if not names or entry.stem in names)


def entries_from_file(path: str | os.PathLike[str]) -> tuple[AtlasEntry, ...]:
    """Entries of a JSON file: a list of objects with the attributes of `AtlasEntry`.

    Raises
    ------
    InvalidArgument
        The file cannot be read, or is no such list.
    """
    where = f"'{os.fspath(path)}'"
    try:
        given = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        text = " ".join(str(error).split())
        raise InvalidArgument(
            f"The entries of an atlas cannot be read from {where}: {text}."
        ) from None
    if not isinstance(given, list) or not given:
        raise InvalidArgument(f"{where} must hold a list of atlas entries.")
    found = tuple(_entry(where, one) for one in given)
    stems = [entry.stem for entry in found]
    for stem in stems:
        if stems.count(stem) > 1:
            raise InvalidArgument(f"{where} has more than one atlas entry '{stem}'.")
    return found


def _entry(where: str, given: Any) -> AtlasEntry:
    names = ("stem", "teacher", "activation", "first", "last", "starts")
    if not isinstance(given, dict) or not set(given) <= set(names):
        raise InvalidArgument(
            f"Every atlas entry in {where} must be an object with some of the names "
            f"{', '.join(names)}; got {shown(given)}."
        )
    missing = [name for name in ("stem", "teacher", "first", "last") if name not in given]
    if missing:
        raise InvalidArgument(f"An atlas entry in {where} lacks {', '.join(missing)}.")
    return AtlasEntry(**given)
