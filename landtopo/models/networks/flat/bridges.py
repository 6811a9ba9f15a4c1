"""Zero-loss students of a linearly dependent teacher: their graph, and paths between networks.

Slides keep the reduced network. Where the polytope of zero-loss measures (`zero_loss`) is more than
a point, its edges join different reduced networks: weight moves from one orientation of several
lines to the other at once, along a straight segment of students. An edge that has m reduced neurons
in its interior needs K >= m student neurons.
"""

from __future__ import annotations

from itertools import permutations
from math import factorial

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from landtopo.errors import InvalidArgument
from landtopo.models.networks.flat.cells import Labels
from landtopo.models.networks.flat.slides import FlatPathStatus, slide_path
from landtopo.models.networks.flat.zero_loss import ZeroLossFace, ZeroLossSet, zero_loss_set
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import Teacher
from landtopo.objective import Array

__all__ = ["bridged_path", "zero_loss_graph"]

_LARGEST_GRAPH = 200_000


def zero_loss_graph(teacher: Teacher, width: int) -> nx.Graph[Labels]:
    """The graph of corners and segments of all zero-loss students, built.

    Parameters
    ----------
    teacher : Teacher
    width : int
        Number of student neurons K.

    Returns
    -------
    networkx.Graph
        Nodes are corners: for each student neuron +i or -i if it lies on the teacher's line i
        (from 1) in one or the other orientation, 0 if it is zero. Edges have the attribute
        ``kind``, "slide" or "bridge".
    """
    whole = zero_loss_set(teacher, width)
    corners = [face for face in whole.faces if face.dimension == 0]
    size = sum(factorial(width) // factorial(width - face.effective_width) for face in corners)
    if size > _LARGEST_GRAPH:
        raise InvalidArgument(
            f"zero_loss_graph would have {size} corners, more than {_LARGEST_GRAPH}; "
            "zero_loss_set counts cells and components without building it."
        )
    graph: nx.Graph[Labels] = nx.Graph()
    for face in corners:
        tokens = _tokens(face)
        for places in permutations(range(width), len(tokens)):
            here = _labels(width, places, tokens)
            graph.add_node(here)
            for token, place in zip(tokens, places, strict=True):
                for other in range(place):
                    if not here[other]:
                        there = list(here)
                        there[other], there[place] = token, 0
                        graph.add_edge(here, tuple(there), kind="slide")
    for edge in (face for face in whole.faces if face.dimension == 1):
        tokens = _tokens(edge)
        ends = [set(_tokens(face)) for face in corners if _is_in(face, edge)]
        for places in permutations(range(width), len(tokens)):
            labels = _labels(width, places, tokens)
            first, second = (tuple(x if x in end else 0 for x in labels) for end in ends)
            graph.add_edge(first, second, kind="bridge")
    return graph


def bridged_path(teacher: Teacher, start: ArrayLike, end: ArrayLike) -> Array | FlatPathStatus:
    """A piecewise straight path between two zero-loss students with different reduced networks.

    Parameters
    ----------
    teacher : Teacher
    start, end : array_like, shape (K, r)
        Students of zero loss.

    Returns
    -------
    ndarray, shape (n + 1, K, r), or FlatPathStatus
        The corners of the path; it is not claimed to be the shortest. Or why there is none.
    """
    first, last = np.array(start, dtype=np.float64), np.array(end, dtype=np.float64)
    if first.shape[1] != teacher.rank:
        return FlatPathStatus.DIFFERENT
    whole = zero_loss_set(teacher, len(first))
    corners = {face.signs: face for face in whole.faces if face.dimension == 0}
    start_corners, end_corners = (_corners_of(x, whole) for x in (first, last))
    route = _shortest(_corner_network(whole), start_corners, end_corners)
    if route is None:
        return FlatPathStatus.DIFFERENT
    points = [first]
    for signs in route:
        points += _onto(points[-1], corners[signs], whole.lines)
    back = [last, *_onto(last, corners[route[-1]], whole.lines)]
    joined = slide_path(points[-1], back[-1])
    if isinstance(joined, FlatPathStatus):
        return joined
    return np.array([*points, *joined[0][1:], *back[-2::-1]])


def _corners_of(student: Array, whole: ZeroLossSet) -> list[tuple[int, ...]]:
    """Corners of the polytope's face that a zero-loss student lies on."""
    used = set(_student_tokens(student, whole.lines)) - {0}
    own = next((face for face in whole.faces if set(_tokens(face)) == used), None)
    if own is None:
        return []
    return [face.signs for face in whole.faces if face.dimension == 0 and _is_in(face, own)]


def _corner_network(whole: ZeroLossSet) -> nx.Graph[tuple[int, ...]]:
    """Corners of the polytope, joined by the edges that K neurons can represent."""
    graph: nx.Graph[tuple[int, ...]] = nx.Graph()
    graph.add_nodes_from(face.signs for face in whole.faces if face.dimension == 0)
    for edge in (face for face in whole.faces if face.dimension == 1):
        ends = [
            signs
            for signs in graph
            if all(a in (0, b) for a, b in zip(edge.signs, signs, strict=True))
        ]
        graph.add_edge(*ends)
    return graph


def _shortest(
    graph: nx.Graph[tuple[int, ...]],
    starts: list[tuple[int, ...]],
    ends: list[tuple[int, ...]],
) -> list[tuple[int, ...]] | None:
    routes = [
        nx.shortest_path(graph, first, last)
        for first in starts
        for last in ends
        if nx.has_path(graph, first, last)
    ]
    return min(routes, key=len, default=None)


def _onto(student: Array, corner: ZeroLossFace, lines: Array) -> list[Array]:
    """Straight pieces from a student to one with a corner's reduced network, one neuron each.

    The corner must belong to the closure of the student's face, or be joined to it by an edge.
    """
    tokens = _student_tokens(student, lines)
    wanted = dict(zip(_tokens(corner), corner.network, strict=True))
    places: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token:
            places.setdefault(token, place)
    pieces = []
    missing = [token for token in wanted if token not in places]
    if missing:
        gathered = np.zeros_like(student)
        for place, token in enumerate(tokens):
            if token:
                gathered[places[token]] += student[place]
        if not np.array_equal(gathered, student):
            pieces.append(gathered)
        empty = [place for place in range(len(student)) if place not in places.values()]
        places.update(zip(missing, empty, strict=False))
    there = np.zeros_like(student)
    for token, vector in wanted.items():
        there[places[token]] = vector
    if not np.array_equal(there, pieces[-1] if pieces else student):
        pieces.append(there)
    return pieces


def _student_tokens(student: Array, lines: Array) -> list[int]:
    """Signed number of the oriented line of each neuron, 0 for zero neurons."""
    reduced = reduce_network(student, student.shape[1])
    tokens = []
    for owner in reduced.assignment:
        if owner < 0:
            tokens.append(0)
            continue
        overlaps = lines @ reduced.vectors[owner]
        nearest = int(np.argmax(np.abs(overlaps)))
        tokens.append((nearest + 1) * (1 if overlaps[nearest] > 0 else -1))
    return tokens


def _tokens(face: ZeroLossFace) -> list[int]:
    """Signed numbers of the oriented lines that carry weight on a face, as in its network."""
    return [
        orientation * (i + 1)
        for i, sign in enumerate(face.signs)
        for orientation in ((1, -1) if sign == 0 else (sign,))
    ]


def _labels(width: int, places: tuple[int, ...], tokens: list[int]) -> Labels:
    labels = [0] * width
    for place, token in zip(places, tokens, strict=True):
        labels[place] = token
    return tuple(labels)


def _is_in(face: ZeroLossFace, larger: ZeroLossFace) -> bool:
    """Whether a face belongs to the boundary of another, or is it."""
    return all(a in (0, b) for a, b in zip(larger.signs, face.signs, strict=True))
