"""The map of a width: families and passes in the plane, by their distances modulo symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from landtopo.export.looks import edge_style
from landtopo.export.maps import LandscapeMap, map_of
from landtopo.export.prepare import Prepared, prepare
from landtopo.landscape.schema import LINEAGE
from landtopo.plot.marks import draw_edge, draw_families, draw_names, put_legend, shrunk
from landtopo.plot.style import SINGLE_COLUMN, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["map"]

# More families than this and their names would hide the drawing.
_NAMES_SHOWN = 40
_LINE = "#56B4E9"


def map(
    graph: nx.MultiGraph[str],
    width: int | None = None,
    *,
    lines: Sequence[ArrayLike] = (),
    most: int = 100,
    ax: Axes | None = None,
) -> Axes:
    """Draw the map: what is alike lies together, whatever its loss.

    Families and transition states (crosses) are placed in the plane by scikit-learn's metric
    multidimensional scaling of their distances modulo symmetry: for networks those of the summary
    statistics (Q, R), zero for copies. How true the map is, the axis tells: *stress* is the root of
    the squared errors of all distances over their squares; that *of lines* is the same of the
    distances from points of the lines to families and transition states. A pass is drawn from both
    its families to its transition state; the way is not known to be straight.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int, optional
        Student width K; the smallest in the graph by default.
    lines : sequence of array_like
        Paths and flow lines, each as its points, such as ``connect(...).points``.
        Their points are placed one by one, and move no family.
    most : int
        Families and transition states that are drawn at most, the lowest families first.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidArgument
        There is no such width, the graph has no weights or coordinates, or does not say which
        points are copies of each other (a database does not).

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=3, starts=20)
    >>> lt.plot.map(graph).get_xlabel().startswith("distances in (Q, R) modulo symmetry, stress")
    True
    """
    prepared = prepare(graph)
    found = map_of(prepared, width, lines=lines, most=most, caller="plot.map")
    with axes_for(ax, width=SINGLE_COLUMN, height=3.2) as axes:
        for number, line in enumerate(found.lines):
            style: dict[str, Any] = {"color": _LINE, "linewidth": 1.6, "gid": f"line-{number}"}
            # A legend leaves out what begins so.
            style["label"] = "_" if number else "path or flow line"
            axes.plot(line[:, 0], line[:, 1], zorder=1.5, **style)
        _draw_passes(axes, prepared, found)
        families = {
            node["id"]: found.places[node["id"]]
            for node in prepared.nodes
            if node["id"] in found.places
        }
        draw_families(axes, families, prepared.node_looks)
        axes.set_aspect("equal", adjustable="datalim")
        axes.margins(0.12)
        if len(families) <= _NAMES_SHOWN:
            draw_names(axes, families, prepared.node_looks)
        axes.set_xlabel(found.sentence)
        put_legend(axes, [node for node in prepared.nodes if node["id"] in families])
    return axes


def _draw_passes(ax: Axes, prepared: Prepared, found: LandscapeMap) -> None:
    """Lines from both families to each transition state, and a cross there."""
    thin = 0.6 * shrunk(len(found.places))
    crosses: list[tuple[float, float]] = []
    for edge in prepared.edges:
        ends = [found.places.get(edge[name]) for name in ("from_id", "to_id")]
        if edge["kind"] == LINEAGE or None in ends:
            continue
        via: list[Any] = [found.places[edge["id"]]] if edge["id"] in found.places else []
        crosses += via
        curve = np.array([ends[0], *via, ends[1]], dtype=np.float64)
        draw_edge(ax, curve, edge_style(edge), thickness=thin, zorder=2)
    if crosses:
        ax.plot(*np.array(crosses).T, "x", color="black", markersize=3, zorder=2.5,
                markeredgewidth=0.7, label="transition state")  # fmt: skip
