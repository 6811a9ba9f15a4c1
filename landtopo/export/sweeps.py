"""Files of a sweep: a page with a slider, everything as JSON, and the graph of families."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from landtopo._version import __version__
from landtopo.errors import InvalidArgument
from landtopo.export.assets_of import filled
from landtopo.export.files import write_bytes

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.objective import Array

__all__ = ["SWEEP_SUFFIXES", "write_sweep"]

#: Suffixes of the files that `write_sweep` can write.
SWEEP_SUFFIXES = (".html", ".json", ".graphml")

_CODE = ("data.js", "values.js", "charts.js", "sweep.js")
_FORMAT_VERSION = 1
# The page shows no more; the JSON file holds every digit.
_DIGITS, _ENTRY_DIGITS = 12, 6
_WITHIN = 0.38


class _Sweep(Protocol):
    @property
    def families(self) -> Sequence[Any]: ...
    @property
    def certainty(self) -> str: ...
    def record(self) -> dict[str, Any]: ...
    def overlaps(self, family: Any) -> tuple[Array, Array, Array]: ...
    def graph(self) -> nx.MultiGraph[str]: ...


def write_sweep(sweep: _Sweep, path: str | os.PathLike[str]) -> Path:
    """Write a sweep; the suffix of the path chooses what of it.

    Parameters
    ----------
    sweep : SweepResult
        What `landtopo.sweep` returns.
    path : path-like
        Ends in .html (a page with a slider over the parameter, in one file that needs no network),
        .json (everything, weights included) or .graphml (the graph of families, joined by events).

    Returns
    -------
    Path

    Raises
    ------
    InvalidArgument
        The suffix is none of these.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
    >>> lt.write_sweep(found, os.path.join(tempfile.mkdtemp(), "two.html")).name
    'two.html'
    """
    target = Path(path)
    writers = dict(zip(SWEEP_SUFFIXES, (_page, _json, _graphml), strict=True))
    if target.suffix not in writers:
        raise InvalidArgument(
            "The 'path' argument of write_sweep must end in .html, .json or .graphml; got "
            f"'{target.name}'."
        )
    write_bytes(target, writers[target.suffix](sweep))
    return target


def _json(sweep: _Sweep) -> bytes:
    import networkx as nx

    record = sweep.record()
    for family, one in zip(record["families"], sweep.families, strict=True):
        family["weights"] = one.weights.tolist()
    record = {
        "format_version": _FORMAT_VERSION,
        "landtopo_version": __version__,
        **record,
        "graph": nx.node_link_data(sweep.graph(), edges="links"),
    }
    return (json.dumps(record, indent=1, allow_nan=False) + "\n").encode()


def _graphml(sweep: _Sweep) -> bytes:
    from networkx.readwrite.graphml import GraphMLWriter

    # networkx.write_graphml writes other bytes when lxml is installed.
    writer = GraphMLWriter()
    writer.add_graph_element(sweep.graph())
    booleans = {key.get("id") for key in writer.xml if key.get("attr.type") == "boolean"}
    for element in writer.xml.iter("data"):
        if element.get("key") in booleans:
            # networkx writes Python's True; XML knows only true.
            element.text = element.text.lower()
    stream = io.BytesIO()
    writer.dump(stream)
    return stream.getvalue() + b"\n"


def _page(sweep: _Sweep) -> bytes:
    record = sweep.record()
    families = []
    for family, one in zip(record["families"], sweep.families, strict=True):
        values, q, r = sweep.overlaps(one)
        shown = {
            name: [float(f"{x:.{_DIGITS}g}") for x in family[name]]
            for name in ("values", "losses", "smallest")
        }
        entries = {
            name: [[[float(f"{x:.{_ENTRY_DIGITS}g}") for x in row] for row in stack] for stack in m]
            for name, m in (("q", q.tolist()), ("r", r.tolist()))
        }
        families.append({**family, **shown, "at": values.tolist(), **entries})
    data = {
        **record,
        "families": families,
        "start": record["low"] + _WITHIN * (record["high"] - record["low"]),
        "seed": record["search"]["seed"],
        "version": __version__,
        "sure": sweep.certainty,
    }
    return filled("sweep", title=f"Families over {record['curve']}", code=_CODE, data=data)
