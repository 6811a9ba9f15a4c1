"""A digest of a whole study file, kept in the file, so that `landtopo check` sees every byte.

Rows have checksums, but a file has more bytes than rows: free pages, the space between rows,
counters. SQLite leaves 20 bytes of its header alone (72 to 91, "reserved for expansion"). Who
finishes writing puts there

    12 bytes  a digest of everything else in the file
     4 bytes  SQLite's change counter at that time
     4 bytes  a digest of these 16 bytes

SQLite carries them along when more is written, and its counter then tells that the seal is one of
an earlier state, as it does after a kill.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO

__all__ = ["is_broken", "put_seal"]

_PLACE, _SIZE = 72, 20
_BLOCK = 1 << 20


def put_seal(file: BinaryIO) -> None:
    """Seal a file that is open for reading and writing while nobody else can write it."""
    counter, _ = _header(file)
    content = _digest(file) + counter
    file.seek(_PLACE)
    file.write(content + _short(content, 4))
    file.flush()


def is_broken(file: BinaryIO) -> bool:
    """Whether a file is not the one that was sealed, though nothing was written since."""
    counter, seal = _header(file)
    content, short = seal[:16], seal[16:]
    if seal == bytes(_SIZE):
        return False
    if short != _short(content, 4):
        return True
    return content[12:] == counter and content[:12] != _digest(file)


def _header(file: BinaryIO) -> tuple[bytes, bytes]:
    """SQLite's change counter, and the seal."""
    file.seek(0)
    header = file.read(_PLACE + _SIZE)
    return header[24:28], header[_PLACE:]


def _digest(file: BinaryIO) -> bytes:
    content = hashlib.blake2b(digest_size=12)
    file.seek(0)
    content.update(file.read(_PLACE))
    file.seek(_PLACE + _SIZE)
    while block := file.read(_BLOCK):
        content.update(block)
    return content.digest()


def _short(content: bytes, size: int) -> bytes:
    return hashlib.blake2b(content, digest_size=size).digest()
