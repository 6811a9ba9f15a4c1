"""A landscape graph as a map: families, transition states and lines in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_count
from landtopo.errors import InvalidArgument
from landtopo.export.prepare import Prepared, Record
from landtopo.landscape.map import placed, placed_beside, stress_beside
from landtopo.landscape.schema import LINEAGE, MODEL
from landtopo.models.distances import distance_of, distances
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.wording import counted

__all__ = ["LandscapeMap", "map_of"]

# Lines have so many points on a map: each costs a distance to every point that has a place.
_POINTS = 60
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class LandscapeMap(Brief):
    """Places in the plane of what one width of a graph holds.

    Attributes
    ----------
    width : int
        0 where there are no widths.
    distance : str
        What distances are, in a few words.
    stress : float
        Root of the squared errors of all distances over their squares.
    places : dict
        x and y by id of family or transition state.
    left_out : int
        Families and transition states that have no place: the highest ones, and families without
        weights.
    lines : tuple of ndarray, shape (n, 2)
        Further paths and flow lines.
    line_stress : float
        As `stress`, of the distances from points of the lines to what has a place.
    """

    _told = ("width", "stress", "left_out")

    width: int
    distance: str
    stress: float
    places: dict[str, tuple[float, float]] = field(repr=False)
    left_out: int
    lines: tuple[Array, ...] = field(default=(), repr=False)
    line_stress: float = 0.0

    @property
    def sentence(self) -> str:
        """What the map shows and how true it is, for a picture."""
        # What rounding leaves of an exact zero is no stress.
        own, beside = (
            stress if stress > _ROUNDING else 0.0 for stress in (self.stress, self.line_stress)
        )
        told = f"{self.distance}, stress {own:.2g}"
        told += f", of lines {beside:.2g}" if self.lines else ""
        return f"{told}\n{counted(self.left_out, 'point')} not shown" if self.left_out else told


def map_of(
    prepared: Prepared,
    width: int | None = None,
    *,
    lines: Sequence[ArrayLike] = (),
    most: int,
    caller: str = "map",
) -> LandscapeMap:
    """Place the lowest families and transition states of a width, then lines beside them.

    Parameters
    ----------
    prepared : Prepared
    width : int, optional
        The smallest by default.
    lines : sequence of array_like
        Each the points of one path or flow line, as the graph holds points: weights (n, K, r + E),
        or coordinates (n, size). They have no say in where families are.
    most : int
        Families and transition states that get a place at most, families first.
    caller : str
        Who is told of in errors.

    Raises
    ------
    InvalidArgument
        There is no such width, no weights or coordinates are known, or it is not known which points
        are copies of each other.
    """
    most = checked_count("most", caller, most, least=2)
    distance = distance_of(prepared.attributes)
    nodes, edges = _of_width(prepared, width, caller)
    known = "coordinates" if MODEL in prepared.attributes else "weights"
    # A flat way has no transition state.
    records = [*_lowest(nodes), *(edge for edge in _lowest(edges) if known in edge)]
    drawn = [record for record in records if known in record][:most]
    if not any(record["kind"] == "minimum" for record in drawn):
        raise InvalidArgument(f"A map needs the {known} of minima, and this graph has none.")
    points = [np.array(record[known], dtype=np.float64) for record in drawn]
    places, stress = placed(distances(distance, points))
    thinned = [_thinned(line, points, caller) for line in lines]
    apart = [distances(distance, line, points) for line in thinned]
    drawn_lines = tuple(placed_beside(rows, places) for rows in apart)
    return LandscapeMap(
        width=int(drawn[0].get("width", 0)),
        distance=distance.title,
        stress=stress,
        places={
            record["id"]: (float(x), float(y)) for record, (x, y) in zip(drawn, places, strict=True)
        },
        left_out=len(records) - len(drawn),
        lines=drawn_lines,
        line_stress=stress_beside(np.vstack(drawn_lines), places, np.vstack(apart))
        if lines
        else 0.0,
    )


def _of_width(
    prepared: Prepared, width: int | None, caller: str
) -> tuple[list[Record], list[Record]]:
    """Families and transitions of a width; all where there are no widths."""
    nodes = list(prepared.nodes)
    known = sorted({int(node["width"]) for node in nodes if "width" in node})
    if width is None and known:
        width = known[0]
    if width is not None:
        if width not in known:
            raise InvalidArgument(
                f"The 'width' argument of {caller} must be one of {known}; got {width!r}."
                if known
                else f"The 'width' argument of {caller} is for networks; leave it out."
            )
        nodes = [node for node in nodes if node["width"] == width]
    ids = {node["id"] for node in nodes}
    edges = [edge for edge in prepared.edges if edge["kind"] != LINEAGE and edge["from_id"] in ids]
    return nodes, edges


def _lowest(records: list[Record]) -> list[Record]:
    # Losses of copies are equal to the last digits only, and ids decide.
    return sorted(records, key=lambda record: round(record.get("loss", 0.0), 11))


def _thinned(line: ArrayLike, points: list[Array], caller: str) -> list[Array]:
    """Some points of a path or flow line, both ends among them."""
    given = np.asarray(line, dtype=np.float64)
    shape = points[0].shape
    fits = given.ndim == 1 + len(shape) and len(given) > 1 and np.all(np.isfinite(given))
    if not fits or (len(shape) == 1 and given.shape[1:] != shape):
        raise InvalidArgument(
            f"The 'lines' argument of {caller} must hold lists of points as the graph has them; "
            f"got an array of shape {given.shape}."
        )
    if len(shape) == 2 and given.shape[1] > max(len(point) for point in points):
        raise InvalidArgument(
            f"The 'lines' argument of {caller} must hold points of this width; got an array of "
            f"shape {given.shape}."
        )
    kept = np.unique(np.linspace(0, len(given) - 1, _POINTS).round().astype(int))
    return list(given[kept])
