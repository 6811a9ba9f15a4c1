"""Landscape graphs to files and back, by suffix; or to directories, by name.

A format is a module in landtopo/export/formats/: adding one there is all it takes.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import tempfile
from functools import cache
from pathlib import Path

import networkx as nx

from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.export.directories import directory_contents, read_directory
from landtopo.export.format import Format, Rows
from landtopo.export.prepare import COLUMNS_KEY, Prepared, Record, build_graph, prepare
from landtopo.export.values import restore
from landtopo.landscape.schema import FORMAT_VERSION, Owner

__all__ = ["known_formats", "output_files", "read_graph", "write_bytes", "write_graph"]


@cache
def known_formats() -> dict[str, Format]:
    """The known formats by suffix, in alphabetical order."""
    package = importlib.import_module("landtopo.export.formats")
    found: list[Format] = [
        importlib.import_module(f"{package.__name__}.{module.name}").FORMAT
        for module in pkgutil.iter_modules(package.__path__)
    ]
    return {entry.suffix: entry for entry in sorted(found, key=lambda entry: entry.suffix)}


def output_files(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """The files that `write_graph` writes for this path; more than one for .csv.

    Parameters
    ----------
    path : path-like
        Its suffix chooses the format.

    Raises
    ------
    InvalidArgument
        The suffix is not known.
    """
    target = Path(path)
    chosen = _format(target, "write_graph")
    return tuple(target.with_suffix(suffix) for suffix in chosen.files)


def write_graph(
    graph: nx.MultiGraph[str], path: str | os.PathLike[str], *, format: str | None = None
) -> tuple[Path, ...]:
    """Write a landscape graph; the suffix of the path chooses the format.

    The same graph gives the same bytes. Each file appears whole or not at all: it is written
    beside its place and moved there.

    Parameters
    ----------
    graph : networkx.MultiGraph
        As `landscape_graph` makes it.
    path : path-like
        Ends in .csv, .cyjs, .dot, .gexf, .graphml, .html, .json or .md.
    format : {"pathsample", "topsearch"}, optional
        Write the files of such a database into the directory `path`, which is made if need be.
        What a database has no place for is told by a warning of the logger ``landtopo``; what
        would be wrong there is refused (docs/file-formats.md).

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    InvalidArgument
        The suffix is not known, the graph is not a landscape graph, or the format cannot hold it;
        nothing is written then.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> [path.name for path in lt.write_graph(graph, name.replace(".landtopo", ".graphml"))]
    ['two.graphml']
    """
    target = Path(path)
    if format is not None:
        files = directory_contents(graph, target, format)
        target.mkdir(parents=True, exist_ok=True)
        for place, content in files.items():
            write_bytes(place, content)
        return tuple(files)
    chosen = _format(target, "write_graph")
    prepared = prepare(graph)
    _refuse_reserved(prepared, chosen)
    contents = chosen.write(prepared)
    written = tuple(target.with_suffix(suffix) for suffix in chosen.files)
    for suffix, place in zip(chosen.files, written, strict=True):
        write_bytes(place, contents[suffix])
    return written


def read_graph(path: str | os.PathLike[str]) -> nx.MultiGraph[str]:
    """Read a landscape graph that `write_graph` wrote, or a database of another program.

    Parameters
    ----------
    path : path-like
        Ends in .gexf, .graphml or .json (the other formats are for other programs), or is a
        directory with the files of PATHSAMPLE or topsearch.

    Returns
    -------
    networkx.MultiGraph
        With the types of the column table: arrays, exact integers, booleans.

    Raises
    ------
    InvalidArgument
        The suffix is not one that can be read.
    FileFormatError
        The file is damaged, not a landscape graph, or from a newer landtopo.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> file, = lt.write_graph(graph, name.replace(".landtopo", ".json"))
    >>> list(lt.read_graph(file))
    ['w2-f0']
    """
    source = Path(path)
    if source.is_dir():
        return read_directory(source)
    reader = _format(source, "read_graph").read
    if reader is None:
        readable = _listed([suffix for suffix, entry in known_formats().items() if entry.read])
        raise InvalidArgument(
            f"The 'path' argument of read_graph must end in {readable}; got '{source.name}'."
        )
    try:
        return _restored(reader(source.read_bytes()))
    except FileFormatError as error:
        raise FileFormatError(f"'{source}' cannot be read: {error}") from None
    except (ValueError, LookupError, TypeError, AttributeError, SyntaxError, RecursionError):
        # SyntaxError is the base of the XML parser's errors.
        raise FileFormatError(
            f"'{source}' cannot be read: it is damaged or not a {source.suffix} file."
        ) from None


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file that is complete or absent, whatever happens in between.

    Parameters
    ----------
    path : path-like
        The file; an existing one is replaced.
    content : bytes
        What it is to hold.

    Raises
    ------
    OSError
        The file cannot be written; names the file.
    """
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".landtopo-")
    except OSError as error:
        # The name of the file that was asked for, not of the temporary one.
        raise OSError(error.errno, error.strerror, str(target)) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files that only their owner can read; a result is an ordinary file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _format(path: Path, function: str) -> Format:
    known = known_formats()
    chosen = known.get(path.suffix.lower())
    if chosen is None:
        raise InvalidArgument(
            f"The 'path' argument of {function} must end in {_listed(list(known))}; "
            f"got '{path.name}'."
        )
    return chosen


def _refuse_reserved(prepared: Prepared, chosen: Format) -> None:
    for column in prepared.columns:
        if column.name in chosen.reserved.get(column.owner, ()):
            raise InvalidArgument(
                f"An attribute of a {column.owner} cannot be called '{column.name}' in a "
                f"{chosen.suffix} file, where the name has a meaning of its own."
            )


def _listed(suffixes: list[str]) -> str:
    return ", ".join(suffixes[:-1]) + f" or {suffixes[-1]}"


def _restored(rows: Rows) -> nx.MultiGraph[str]:
    version = rows.attributes.get("format_version")
    if version is not None and int(version) > FORMAT_VERSION:
        raise FileFormatError(
            f"its format version is {int(version)}, and this landtopo reads up to "
            f"{FORMAT_VERSION}; a newer landtopo is needed."
        )
    columns = rows.columns()

    def records(owner: Owner, given: list[Record]) -> list[Record]:
        # Names outside the table (positions, colours, the table itself) are how the file shows
        # the graph, and no part of it.
        return [
            {
                column.name: restore(
                    row[column.name],
                    column.type,
                    f"its {owner} {column.name}",
                    nested=rows.nested,
                )
                for column in columns
                if column.owner == owner and column.name in row
            }
            for row in given
        ]

    attributes = {name: value for name, value in rows.attributes.items() if name != COLUMNS_KEY}
    graph = build_graph(
        columns,
        records("graph", [attributes])[0],
        records("node", rows.nodes),
        records("edge", rows.edges),
    )
    return prepare(graph).graph()
