"""What the layouts of databases share: lines of a file, and the landscape graph of a database.

Numbers are kept exactly: where the digits of a line are not those that its values would be written
with, the line itself is kept as `given`, and written again as long as it says what the values say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import networkx as nx

from landtopo.errors import FileFormatError
from landtopo.export.prepare import Record
from landtopo.landscape.schema import FORMAT_VERSION, MINIMUM, MODEL
from landtopo.numerals import real_number, whole_number
from landtopo.texts import printable

__all__ = [
    "DATABASE",
    "LINES",
    "check_dinfo",
    "database_graph",
    "fault",
    "finite_number",
    "kept",
    "lines_of",
    "number_of",
    "said_again",
]

#: The graph attribute that says how a database was laid out.
DATABASE = "database"

#: Files of a database that are lines of text with a meaning of their own.
LINES = ("min.A", "min.B", "dinfo")

# Keywords of dinfo with a value that can be checked, and whether a text can be it.
_DINFO: dict[str, tuple[str, Callable[[str], bool]]] = {
    "DELTA": ("a positive number", lambda text: finite_number(text) > 0),
    "FIRST": ("a number", lambda text: finite_number(text) is not None),
    "LEVELS": ("a whole number above zero", lambda text: whole_number(text) > 0),
    "MINIMA": ("the name of a file", bool),
    "TS": ("the name of a file", bool),
}


def fault(place: Path, line: int | None, what: str) -> FileFormatError:
    """The error that names a file, and a line where there is one, counted from 1."""
    where = "" if line is None else f"line {line} "
    return FileFormatError(f"'{place}' cannot be read: {where}{what}.")


def lines_of(place: Path) -> list[str]:
    """The lines of a text file.

    Raises
    ------
    FileFormatError
        It is not ASCII, or its last line has no end.
    """
    content = place.read_bytes()
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.isascii():
            raise fault(place, number, "holds characters that are not ASCII")
    if content and not content.endswith(b"\n"):
        raise fault(place, content.count(b"\n") + 1, "is cut: it does not end in a line feed")
    return content.decode("ascii").split("\n")[:-1]


def finite_number(text: str) -> float:
    """The finite number that a text is.

    Raises
    ------
    ValueError
        It is none.
    """
    value = real_number(text)
    if value - value != 0:
        raise ValueError(f"'{text}' is not finite")
    return value


def number_of(place: Path, line: int, what: str, text: str, parse: Callable[[str], Any]) -> Any:
    """What a text in a line says, or the error that it does not."""
    try:
        return parse(text)
    except ValueError:
        kind = "a whole number" if parse is whole_number else "a finite number"
        raise fault(
            place, line, f"has '{printable(text[:40])}' for {what}, which is not {kind}"
        ) from None


def kept(record: Record, given: str, written: str, name: str = "given") -> None:
    """Keep a line in a record where its values would be written otherwise."""
    if given != written:
        record[name] = given


def said_again(given: str | None, written: str, say: Callable[[str], str]) -> str:
    """The line that was given, where it still says what is to be written.

    Parameters
    ----------
    given : str or None
        The line as it was read.
    written : str
        The line that the values make.
    say : callable
        From a line to the line that its values make.
    """
    return given if given is not None and say(given) == written else written


def check_dinfo(place: Path) -> str:
    """The text of dinfo, whose keywords have values that they can have.

    Raises
    ------
    FileFormatError
        One has not.
    """
    lines = lines_of(place)
    for number, line in enumerate(lines, start=1):
        keyword, _, value = line.strip().partition(" ")
        if keyword.upper() not in _DINFO:
            continue
        what, can_be = _DINFO[keyword.upper()]
        try:
            fits = can_be(value.strip())
        except ValueError:
            fits = False
        if not fits:
            raise fault(
                place, number, f"must give {keyword} {what}; it gives '{value.strip()[:40]}'"
            )
    return "".join(f"{line}\n" for line in lines)


def database_graph(
    title: str,
    minima: Iterable[tuple[str, Mapping[str, Any]]],
    passes: Sequence[Mapping[str, Any]],
    database: Record,
) -> nx.MultiGraph[str]:
    """The landscape graph of a database.

    Parameters
    ----------
    title : str
        The program whose layout it has.
    minima : iterable of (str, dict)
        Ids and what is known, `loss` among it.
    passes : sequence of dict
        Transition states: `id`, `from_id`, `to_id`, `loss`, and what else is known.
    database : dict
        What is needed to write the files again.
    """
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.graph.update({"format_version": FORMAT_VERSION, MODEL: f"{title} database"})
    graph.graph[DATABASE] = database
    losses = {}
    for name, known in minima:
        graph.add_node(name, **{"id": name, "kind": MINIMUM, **known})
        losses[name] = known["loss"]
    for known in passes:
        first, second = known["from_id"], known["to_id"]
        graph.add_edge(
            first,
            second,
            key=known["id"],
            **{
                "kind": "saddle",
                **known,
                "barrier_from": known["loss"] - losses[first],
                "barrier_to": known["loss"] - losses[second],
            },
        )
    return graph
