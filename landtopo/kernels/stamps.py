"""What compiled code was made from: hashes of a module and of all modules of landtopo it imports.

Compiled code holds inlined copies of functions of other modules, so it is as old as the oldest of
their sources. Contents count and dates do not: a file that was only touched, or installed again,
leaves the code as good as it was, and one installed over another with an older date does not.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

__all__ = ["answering", "source_stamp", "type_stamp"]

_IMPORT = re.compile(
    r"^\s*(?:from\s+(landtopo[\w.]*)\s+import\s+(\([^)]*\)|[^\n]*)|import\s+(landtopo[\w.]*))",
    re.MULTILINE,
)
_PACKAGE = Path(__file__).parent.parent
_ANSWERS: dict[type, set[str]] = {}


def answering(data: type, file: str) -> None:
    """Note that a source file says what compiled loops do for a type of data."""
    _ANSWERS.setdefault(data, set()).add(file)


def source_stamp(file: str) -> str:
    """Hash of a source file and of all modules of landtopo that it imports, however deep.

    Parameters
    ----------
    file : str
    """
    return _stamp(frozenset({file}))


def type_stamp(data: type) -> str:
    """The same of the modules that answer for a type of data; empty for other types."""
    return _stamp(frozenset(_ANSWERS.get(data, ())))


@cache
def _stamp(files: frozenset[str]) -> str:
    waiting = sorted(files)
    sources: dict[str, bytes] = {}
    while waiting:
        file = waiting.pop()
        if file not in sources:
            sources[file] = Path(file).read_bytes()
            waiting.extend(_imported(sources[file].decode()))
    if not sources:
        return ""
    # By contents alone: the same package has the same stamp in another folder.
    hashes = sorted(hashlib.sha256(source).digest() for source in sources.values())
    return hashlib.sha256(b"".join(hashes)).hexdigest()


def _imported(source: str) -> list[str]:
    """Files of the modules of landtopo that a source imports, names in packages included."""
    found = []
    for package, names, module in _IMPORT.findall(source):
        wanted = [module or package]
        if names:
            wanted += [f"{package}.{name}" for name in re.findall(r"\w+", names)]
        found += [str(file) for name in wanted if (file := _file_of(name)) is not None]
    return found


def _file_of(module: str) -> Path | None:
    """Source of a module of landtopo; None for a name that is no module."""
    place = _PACKAGE.joinpath(*module.split(".")[1:])
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None
