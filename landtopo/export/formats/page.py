"""One HTML page that draws the graph by itself: no server, no network, nothing outside the file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landtopo.export.assets_of import filled
from landtopo.export.energies import energies_evidence, energies_found
from landtopo.export.format import Format
from landtopo.export.looks import (
    COLUMN_DISTANCE,
    EDGE_STYLES,
    FAILED_PAIR,
    FAMILY_STYLES,
    UNDECIDED,
)
from landtopo.export.prepare import Prepared, Record
from landtopo.export.story import evidence, in_short, title_of
from landtopo.export.tables import copies_of, width_rows, widths_table
from landtopo.export.unresolved import Unresolved, unresolved
from landtopo.export.views import longest, maps, trees
from landtopo.export.ways import ways
from landtopo.landscape.schema import LINEAGE, MODEL, Column, Owner
from landtopo.landscape.words import rung_name, words_of
from landtopo.models.told import teacher_vectors

__all__ = ["FORMAT"]

_CODE = (
    "data.js",
    "values.js",
    "charts.js",
    "overlaps.js",
    "along.js",
    "names.js",
    "colours.js",
    "plane.js",
    "graph.js",
    "tree.js",
    "map.js",
    "table.js",
    "panel.js",
    "main.js",
)

# Pictures and panels show no more digits and points than this, which keeps the page small; the
# other formats hold everything.
_FEW_DIGITS = 6
_DIGITS = 12
# Points of a profile, and of all profiles together.
_PROFILE_POINTS = 240
_ALL_PROFILES = 150_000
# Losses along a profile are told to this part of its lower barrier, in powers of ten.
_PART = 4

# Of more families than this a browser makes no graph in reasonable time: so many of them are drawn,
# and what is long in a record is left to the other formats.
_MANY = 5_000
_GRAPH = 1_000
_LONG_TEXTS = ("reason", "given", "given_coordinates")

# Undecided points stand so far to the right of the middle of their column.
_BESIDE = 0.36 * COLUMN_DISTANCE


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    return {".html": filled("page", title=title_of(prepared), code=_CODE, data=_data(prepared))}


def _data(prepared: Prepared) -> dict[str, Any]:
    forest = trees(prepared)
    if len(prepared.nodes) <= _MANY:
        more = {"trees": forest, "maps": maps(prepared), "ways": ways(prepared), "drawn": None}
        return {**_drawn(prepared), **more}
    return _of_many(prepared, forest)


def _of_many(prepared: Prepared, forest: list[dict[str, Any]]) -> dict[str, Any]:
    """The page of more families than a browser can draw as a graph.

    The trees and the tables hold all families, in numbers and texts; the graph draws those with the
    longest branches. Of transitions there are those between them, and where branches end.
    """
    kept = longest(forest, prepared, _GRAPH)
    ends = {key for tree in forest for *_, keys in tree["ends"].values() for key in keys}
    slim = dataclasses.replace(
        prepared,
        columns=tuple(column for column in prepared.columns if _is_short(column)),
        nodes=tuple(_short_values(prepared, record, "node") for record in prepared.nodes),
        edges=tuple(
            _short_values(prepared, record, "edge")
            for record in prepared.edges
            if record["id"] in ends or kept >= {record["from_id"], record["to_id"]}
        ),
    )
    data = _drawn(prepared, slim)
    names = [look["style"] for look in data["legend"]["node"]]
    styles = [names.index(look["style"]) for look in data["looks"].values()]
    return {
        **data,
        "looks": {name: data["looks"][name] for name in sorted(kept)},
        "edgeLooks": {record["id"]: data["edgeLooks"][record["id"]] for record in slim.edges},
        "styles": styles,
        "drawn": sorted(kept),
        "transitions": sum(edge["kind"] != LINEAGE for edge in prepared.edges),
        "trees": forest,
        "maps": [],
        "ways": {},
    }


def _is_short(column: Column) -> bool:
    """Whether a page of many families has room for a column."""
    long = column.type in ("vector", "matrix", "structure")
    return column.owner == "graph" or not (long or column.name in _LONG_TEXTS)


def _short_values(prepared: Prepared, record: Record, owner: Owner) -> Record:
    names = {column.name for column in prepared.columns_of(owner) if _is_short(column)}
    return {name: value for name, value in record.items() if name in names}


def _drawn(prepared: Prepared, slim: Prepared | None = None) -> dict[str, Any]:
    """Records with their looks, and what is told of the whole; `slim` is what the page holds."""
    held = prepared if slim is None else slim
    looks = {name: dataclasses.asdict(look) for name, look in prepared.node_looks.items()}
    edge_looks = {name: dataclasses.asdict(look) for name, look in prepared.edge_looks.items()}
    entries = unresolved(prepared)
    vectors = teacher_vectors(prepared.attributes)
    return {
        "attributes": prepared.attributes,
        "columns": {
            owner: [dataclasses.asdict(column) for column in held.columns_of(owner)]
            for owner in ("graph", "node", "edge")
        },
        "nodes": [_shown(record) for record in held.nodes],
        "edges": _shown_edges(held.edges),
        "looks": looks,
        "edgeLooks": edge_looks,
        "legend": {
            "node": _legend([style.name for style in FAMILY_STYLES.values()], looks),
            "edge": _legend([style.name for style in EDGE_STYLES.values()], edge_looks),
        },
        "rungs": _rungs(prepared, entries),
        "span": _rank(prepared.attributes),
        "vectors": None if vectors is None else [_few(row) for row in vectors.tolist()],
        "words": dataclasses.asdict(words_of(prepared.attributes)),
        **(_told if MODEL in prepared.attributes else _story)(prepared, entries),
        **_beside(prepared, entries),
    }


def _story(prepared: Prepared, entries: tuple[Unresolved, ...]) -> dict[str, Any]:
    """What the page says before anything is chosen: sentences, and the table of widths."""
    graph = prepared.graph()
    rows = {row.width: row for row in width_rows(graph)}
    story = []
    for entry in entries:
        row = rows.get(entry.width)
        copies = None if row is None else copies_of(graph, entry.width)
        story.append(
            {
                "width": entry.width,
                "found": "" if row is None else in_short(row, copies, entry),
                "evidence": evidence(prepared, entry.width),
                "open": list(entry.sentences()),
            }
        )
    table = widths_table(rows.values())
    return {"story": story, "widthTable": {"header": table.header, "rows": table.rows}}


def _told(prepared: Prepared, entries: tuple[Unresolved, ...]) -> dict[str, Any]:
    """The same of a landscape without widths."""
    (entry,) = entries
    story = {
        "width": entry.width,
        "found": " ".join(energies_found(prepared)),
        "evidence": energies_evidence(prepared),
        "open": list(entry.sentences()),
    }
    return {"story": [story], "widthTable": None}


def _beside(prepared: Prepared, entries: tuple[Unresolved, ...]) -> dict[str, Any]:
    """What is drawn beside the graph and is no part of it."""
    columns = {width: place for place, width in enumerate(_widths(prepared))}
    known = [entry for entry in entries if entry.width in columns]
    pairs = [dataclasses.asdict(pair) for entry in known for pair in entry.pairs]
    ends = [
        {
            **dataclasses.asdict(end),
            "x": COLUMN_DISTANCE * columns[entry.width] + _BESIDE,
            "text": end.sentence(),
        }
        for entry in known
        for end in entry.ends
        if end.undecided
    ]
    return {
        "pairs": pairs,
        "ends": ends,
        "pairLook": {**dataclasses.asdict(FAILED_PAIR), "thickness": 2.0},
        "endLook": dataclasses.asdict(UNDECIDED),
    }


def _rungs(prepared: Prepared, entries: tuple[Unresolved, ...]) -> dict[str, str]:
    """What the widths, or the values of a parameter, are called."""
    known = set(_widths(prepared)) - {0}
    if MODEL not in prepared.attributes:
        known |= {entry.width for entry in entries}
    names = {str(width): rung_name(prepared.attributes, width) for width in sorted(known)}
    return {width: name for width, name in names.items() if name}


def _widths(prepared: Prepared) -> list[int]:
    return sorted({record.get("width", 0) for record in prepared.nodes})


def _legend(names: list[str], looks: Mapping[str, Record]) -> list[Record]:
    """One look of each style that occurs, known styles first and in their order."""
    by_style = {look["style"]: look for look in looks.values()}
    others = sorted(set(by_style) - set(names))
    return [by_style[name] for name in [*names, *others] if name in by_style]


def _rank(attributes: Mapping[str, Any]) -> int:
    """Dimension of the teacher's span, 0 when the Gram matrix is not known."""
    gram = attributes.get("gram")
    return int(np.linalg.matrix_rank(np.array(gram), hermitian=True)) if gram else 0


def _shown(record: Record) -> Record:
    shown = dict(record)
    for name in ("isotropy_order", "orbit_size"):
        if name in shown:
            shown[name] = str(shown[name])
    if "weights" in shown:
        shown["weights"] = [_few(row) for row in shown["weights"]]
    if "eigenvalues" in shown:
        shown["eigenvalues"] = _few(shown["eigenvalues"])
    return shown


def _shown_edges(edges: Sequence[Record]) -> list[Record]:
    profiles = sum("profile" in record for record in edges)
    most = min(_PROFILE_POINTS, _ALL_PROFILES // max(profiles, 1))
    shown = [_shown(record) for record in edges]
    for record in shown:
        if "profile" in record:
            record["profile"] = _thinned(record["profile"], most)
    return shown


def _few(row: list[float]) -> list[float]:
    return [_rounded(x, _FEW_DIGITS) for x in row]


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _thinned(profile: list[list[float]], most: int) -> list[list[float]]:
    """Few enough points for a small picture, the ends and the highest point among them.

    Those three are told in full. Between them losses need no more decimals than the lower of the
    two barriers, which is drawn close up, and never exceed the highest.
    """
    if not profile:
        return []
    losses = [loss for _, loss in profile]
    highest = max(losses)
    marked = {0, losses.index(highest), len(profile) - 1}
    barriers = [highest - end for end in (losses[0], losses[-1]) if end < highest]
    decimals = _PART - math.floor(math.log10(min(barriers))) if barriers else _DIGITS
    kept = sorted({*range(0, len(profile), math.ceil(len(profile) / max(most, 1))), *marked})
    full = [_rounded(loss, _DIGITS) for loss in losses]
    top = max(full)
    return [
        [
            _rounded(profile[place][0], _FEW_DIGITS),
            full[place] if place in marked else min(round(full[place], decimals), top),
        ]
        for place in kept
    ]


FORMAT = Format(suffix=".html", title="offline page", write=_write, files=(".html",))
