"""Which labelled copies of minima are joined, and how that goes with the width: read off a graph.

The counts themselves know no networks (`landtopo.landscape.labelled`, `landtopo.landscape.widths`);
which copies there are, and what carries them into each other, its model says here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx

from landtopo.errors import InvalidArgument
from landtopo.landscape.labelled import LabelledConnectivity, connectivity_of
from landtopo.landscape.labelled_cover import LabelledCopies, Link, Orbit
from landtopo.landscape.tree import check_networks
from landtopo.landscape.widths import (
    WidthRow,
    WidthStep,
    WidthTable,
    by_loss,
    counted_row,
    step_from,
)
from landtopo.symmetry.groups import PermutationGroup
from landtopo.tolerances import LEVEL

if TYPE_CHECKING:
    from landtopo.models.networks.problem import Teacher

__all__ = ["connect_copies", "labelled_connectivity", "width_table"]


def labelled_connectivity(
    graph: nx.MultiGraph[str],
    width: int,
    *,
    teacher: Teacher | None = None,
    highest: float = math.inf,
    tolerance: float = LEVEL,
) -> LabelledConnectivity:
    """Labelled connectivity of one width of a landscape graph.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    width : int
        Student width K.
    teacher : Teacher, optional
        Needed if the graph was computed for a teacher in other coordinates than those that its name
        or its Gram matrix gives, such as vectors from a file.
    highest : float
        Look only at what lies at or below this level.
    tolerance : float
        Levels that differ by no more are one level.

    Returns
    -------
    LabelledConnectivity

    Raises
    ------
    InvalidArgument
        The graph has no family of this width, families have no weights, or the teacher does not fit
        them.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> found = lt.labelled_connectivity(graph, width=2)
    >>> found.copies
    {'w2-f0': 2}
    >>> found.components(level=0.01)
    2
    """
    check_networks("labelled_connectivity", graph)
    known = sorted({int(data["width"]) for _, data in graph.nodes(data=True)})
    if width not in known:
        raise InvalidArgument(
            f"The 'width' argument of labelled_connectivity must be one of {known}; got {width!r}."
        )
    # What knows flat sets of networks takes long to load, and models have none of it.
    from landtopo.models.networks.landscape.labelled_copies import labelled_copies

    copies = labelled_copies(graph, width, teacher, highest + tolerance)
    return connectivity_of(width, copies, highest=highest, tolerance=tolerance)


def connect_copies(
    width: int,
    automorphisms: PermutationGroup,
    orbits: Sequence[Orbit],
    links: Sequence[Link],
    *,
    tolerance: float = LEVEL,
) -> LabelledConnectivity:
    """Labelled connectivity from families and passes given one by one.

    Parameters
    ----------
    width : int
        Number of student neurons K.
    automorphisms : PermutationGroup
        Aut(T) on 0..M-1, such as `teacher_automorphisms(T).group`.
    orbits : sequence of Orbit
        The families, with the stabilisers of their representatives, such as `isotropy(point).group`
        for an isolated minimum.
    links : sequence of Link
        The passes.
    tolerance : float
        Levels that differ by no more are one level.

    Returns
    -------
    LabelledConnectivity

    Raises
    ------
    InvalidArgument
        Two orbits have one id, a link names an orbit that is not there, or a relabelling is no
        element of S_K x Aut(T).
    """
    from landtopo.models.networks.symmetry.whole import Symmetry

    copies = LabelledCopies(
        symmetry=Symmetry(width=width, automorphisms=automorphisms),
        orbits=tuple(orbits),
        links=tuple(links),
        left_out=(),
        undecided=(),
    )
    return connectivity_of(width, copies, tolerance=tolerance)


def width_table(graph: nx.MultiGraph[str], *, teacher: Teacher | None = None) -> WidthTable:
    """The table of connectivity against width.

    Parameters
    ----------
    graph : networkx.MultiGraph
        A landscape graph.
    teacher : Teacher, optional
        As in `labelled_connectivity`.

    Returns
    -------
    WidthTable
        A tuple of `WidthRow`, one for every width that has families, upwards.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> table = lt.width_table(graph)
    >>> table[0].families
    1
    """
    check_networks("width_table", graph)
    by_width: dict[int, dict[str, Mapping[str, Any]]] = {}
    for name, data in graph.nodes(data=True):
        by_width.setdefault(int(data["width"]), {})[name] = data
    rows = []
    for width in sorted(by_width):
        families = dict(sorted(by_width[width].items(), key=lambda item: by_loss(*item)))
        below = by_width.get(width - 1)
        rows.append(
            _row(
                graph,
                width,
                families,
                teacher,
                None if below is None else step_from(graph, width - 1, below, families),
            )
        )
    return WidthTable(rows)


def _row(
    graph: nx.MultiGraph[str],
    width: int,
    families: Mapping[str, Mapping[str, Any]],
    teacher: Teacher | None,
    step: WidthStep | None,
) -> WidthRow:
    at_zero = tuple(name for name, data in families.items() if data.get("is_global", False))
    components, joined = None, None
    if at_zero:
        zero = max(float(families[name]["loss"]) for name in at_zero)
        labelled = labelled_connectivity(graph, width, teacher=teacher, highest=zero)
        components = labelled.components()
        joined = labelled.joined_fraction(at_zero[0])
    return counted_row(
        graph, width, families, at_zero, zero_components=components, joined=joined, step=step
    )
