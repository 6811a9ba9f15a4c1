"""Databases of minima and transition states, directories of files, to landscape graphs and back.

A layout is a module in landtopo/export/layouts/: adding one there is all it takes.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import networkx as nx

from landtopo.errors import FileFormatError, InvalidArgument
from landtopo.export.database import DATABASE, fault, lines_of
from landtopo.export.layout import Layout
from landtopo.export.prepare import Prepared, Record, prepare
from landtopo.landscape.schema import LINEAGE, MODEL
from landtopo.wording import listed

__all__ = ["directory_contents", "known_layouts", "read_directory"]

_LOGGER = logging.getLogger("landtopo")

# More of a kind than this are summed up.
_NAMED = 3
_KINDS = {"min": "minima", "ts": "transition states"}


@cache
def known_layouts() -> dict[str, Layout]:
    """The known layouts by name, in alphabetical order."""
    package = importlib.import_module("landtopo.export.layouts")
    found: list[Layout] = [
        importlib.import_module(f"{package.__name__}.{module.name}").LAYOUT
        for module in pkgutil.iter_modules(package.__path__)
    ]
    return {entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)}


def read_directory(folder: Path) -> nx.MultiGraph[str]:
    """The landscape graph of a database; the first line of min.data tells its layout.

    Raises
    ------
    FileFormatError
        It is none, or a file of it is damaged; one sentence names the file and the line.
    """
    place = folder / "min.data"
    if not place.is_file():
        raise FileFormatError(
            f"The directory '{folder}' cannot be read: it has no file min.data, so it is no "
            f"database of {' or '.join(layout.title for layout in known_layouts().values())}."
        )
    lines = lines_of(place)
    if not lines:
        raise fault(place, None, "it holds no minimum")
    for layout in known_layouts().values():
        if layout.recognises(lines[0]):
            return layout.read(folder)
    raise fault(
        place,
        1,
        f"has {len(lines[0])} characters and {len(lines[0].split())} entries; PATHSAMPLE writes "
        "116 or 106 characters, and topsearch an index from 0 and an energy",
    )


def directory_contents(
    graph: nx.MultiGraph[str], folder: Path, layout_name: str
) -> dict[Path, bytes]:
    """The files of a database, not yet written.

    What a database has no place for is refused, or left out with a warning that says so.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    folder : Path
        Where the files are to be.
    layout_name : str

    Raises
    ------
    InvalidArgument
        There is no such layout, the graph does not fit it, or another database lies there.
    """
    layouts = known_layouts()
    if layout_name not in layouts:
        raise InvalidArgument(
            f"The 'format' argument of write_graph must be one of {', '.join(layouts)}; "
            f"got {layout_name!r}."
        )
    layout = layouts[layout_name]
    prepared = prepare(graph)
    lost = _lost(prepared, layout)
    contents = layout.write(_fitting(prepared))
    lost += _unwritten(prepared, layout, contents)
    others = [name for name in layout.files if name not in contents and (folder / name).exists()]
    if others:
        raise InvalidArgument(
            f"The directory '{folder}' has {listed(others)} of another database; choose a new one."
        )
    if lost:
        _LOGGER.warning("'%s' does not hold all of the graph: %s.", folder, "; ".join(lost))
    return {folder / name: contents[name] for name in layout.files if name in contents}


def _is_written(edge: Record) -> bool:
    return edge["kind"] != LINEAGE and bool(edge.get("verified", True))


def _fitting(prepared: Prepared) -> Prepared:
    """The part of a graph that a database holds."""
    attributes = prepared.attributes
    return Prepared(
        columns=prepared.columns,
        attributes=attributes,
        nodes=prepared.nodes,
        edges=tuple(filter(_is_written, prepared.edges)),
        node_looks=prepared.node_looks,
        edge_looks=prepared.edge_looks,
    )


def _lost(prepared: Prepared, layout: Layout) -> list[str]:
    """What of a graph is lost in a database; what would be wrong there is refused."""
    if not prepared.nodes:
        raise _refused(layout, "the graph has no minimum")
    widths = sorted({node["width"] for node in prepared.nodes if "width" in node})
    if len(widths) > 1:
        raise _refused(layout, f"the graph has the widths {listed(list(map(str, widths)))}")
    flat = [node["id"] for node in prepared.nodes if node.get("flat_dimension", 0) > 0]
    flat += [edge["id"] for edge in prepared.edges if edge["kind"] == "flat"]
    if flat:
        be = "is no single point" if len(flat) == 1 else "are no single points"
        raise _refused(layout, f"{listed(flat, _NAMED)} {be}, but flat")
    written = [edge for edge in prepared.edges if _is_written(edge)]
    told = (
        ("is a corner and no stationary point", [e for e in written if e["kind"] == "corner"]),
        (
            "leads on through a lower saddle, which is not said there",
            [e for e in written if e.get("through_saddle")],
        ),
        (
            "is not verified and left out",
            [e for e in prepared.edges if not e.get("verified", True)],
        ),
    )
    lost = [f"{_some(edges)} {what}" for what, edges in told if edges]
    if MODEL not in prepared.attributes:
        lost.append("weights, spectra, symmetries and counts have no place there")
    return lost


def _refused(layout: Layout, why: str) -> InvalidArgument:
    return InvalidArgument(
        f"The 'graph' argument of write_graph cannot become a {layout.title} database of one "
        f"landscape of isolated points: {why}."
    )


def _some(edges: list[Record]) -> str:
    if len(edges) == 1:
        return str(edges[0]["id"])
    return f"each of {listed([edge['id'] for edge in edges], _NAMED)}"


def _unwritten(prepared: Prepared, layout: Layout, contents: Mapping[str, bytes]) -> list[str]:
    """What the files do not say although the graph does, and what they say without knowing it."""
    rows = [*prepared.nodes, *filter(_is_written, prepared.edges)]
    missing = [name for name in layout.holds if any(name not in row for row in rows)]
    lost = []
    if missing:
        stand_in = "1 for orders of point groups, 0 for logarithms and moments of inertia"
        lost.append(f"{listed(missing)} are not known, and written as {stand_in}")
    known = {name for other in known_layouts().values() for name in other.holds}
    unsaid = sorted(name for name in known - set(layout.holds) if any(name in row for row in rows))
    for kind, records in (("min", prepared.nodes), ("ts", prepared.edges)):
        written = {f"points.{kind}", f"{kind}.coords"} & set(contents)
        if not written and any("coordinates" in record for record in records):
            unsaid.append(f"coordinates of {_KINDS[kind]}")
    database = prepared.attributes.get(DATABASE, {})
    unsaid += [name for name in database.get("given", {}) if name not in contents]
    if unsaid:
        lost.append(f"it has no place for {listed(unsaid)}")
    decimals = layout.decimals and database.get("decimals", layout.decimals)
    if decimals and any(round(row["loss"], decimals) != row["loss"] for row in rows):
        lost.append(f"energies are rounded to {decimals} digits after the point")
    return lost
