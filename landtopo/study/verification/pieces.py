"""Finished pieces of a verification, beside the study, so that one that was killed goes on.

A piece may be used again only where it would come out the same. The file begins with a stamp of all
that decides: the bytes of the study, the sources of landtopo, the versions of what computes, and
the machine's architecture. Where the stamp is another one, the file is begun anew. Every line has a
digest of itself and of the stamp, so that a torn line, a damaged one and one from elsewhere are no
pieces. The file goes away when the verification is through: the next one computes everything.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from landtopo.study.provenance import versions

__all__ = ["Pieces"]

_LOGGER = logging.getLogger("landtopo")
_PACKAGE = Path(__file__).parents[2]
_BLOCK = 1 << 20
_BEGINS = b"landtopo verify "


class Pieces:
    """A journal in a file beside a study: its name, and ``.verify``.

    Parameters
    ----------
    study : path-like
        A study that this process does not have open for writing: who closes any of its handles of
        a file gives back its locks.

    Attributes
    ----------
    path : Path
        Where pieces are kept.
    """

    def __init__(self, study: str | os.PathLike[str]) -> None:
        self._study = Path(study).absolute()
        self.path = self._study.with_name(f"{self._study.name}.verify")
        self._state = _state(self._study)
        self._stamp = _stamp(self._study)
        self._known: dict[str, Mapping[str, Any]] = {}
        self._file: BinaryIO | None = None
        try:
            self._file = self._opened()
        except OSError as error:
            self._give_up(error)

    def recall(self, key: str) -> Mapping[str, Any] | None:
        """The piece that an earlier verification finished, or None."""
        return self._known.get(key)

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a piece, unless the study was written since."""
        if self._file is None:
            return
        if _state(self._study) != self._state:
            # What is computed from now on may be of another study than the stamp says.
            self._file.close()
            self._file = None
            return
        try:
            self._file.write(self._line(json.dumps([key, value]).encode()))
            self._file.flush()
        except OSError as error:
            self._give_up(error)

    @property
    def are_kept(self) -> bool:
        """Whether there is a file that takes what is finished."""
        return self._file is not None

    def finish(self) -> None:
        """Remove the file: all pieces are put together."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self.path.unlink(missing_ok=True)

    def _opened(self) -> BinaryIO:
        content = self.path.read_bytes() if self.path.exists() else b""
        if not (content.startswith(_BEGINS) or _BEGINS.startswith(content)):
            raise FileExistsError(errno.EEXIST, "Another file has its name")
        head, *lines = content.split(b"\n")
        if head != self._stamp:
            file = self.path.open("wb")
            file.write(self._stamp + b"\n")
            file.flush()
            return file
        for line in lines:
            text = line.partition(b" ")[2]
            if line + b"\n" == self._line(text):
                key, value = json.loads(text)
                self._known[key] = value
        file = self.path.open("ab")
        if not content.endswith(b"\n"):
            # The line that was being written when the process was killed.
            file.write(b"\n")
        return file

    def _line(self, content: bytes) -> bytes:
        digest = hashlib.blake2b(self._stamp + content, digest_size=16)
        return digest.hexdigest().encode() + b" " + content + b"\n"

    def _give_up(self, error: OSError) -> None:
        self._file = None
        _LOGGER.warning(
            "Finished pieces of the verification cannot be kept in '%s' (%s): it would begin anew "
            "after a kill.",
            self.path,
            error.strerror,
        )


def _state(path: Path) -> tuple[int, ...]:
    """What changes when a file is written or replaced."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _stamp(study: Path) -> bytes:
    """A digest of everything that decides what a piece is."""
    content = hashlib.blake2b(json.dumps(versions(), sort_keys=True).encode())
    for file in sorted(_PACKAGE.rglob("*.py")):
        content.update(hashlib.blake2b(file.read_bytes()).digest())
    with study.open("rb") as stream:
        while block := stream.read(_BLOCK):
            content.update(block)
    return _BEGINS + content.hexdigest().encode()
