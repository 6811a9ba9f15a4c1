"""How the two ends of a way lie to each other: stored relabellings against recomputed ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.models.networks.symmetry.relabelling import teacher_rotation
from landtopo.objective import Array
from landtopo.study.verification.descents import Descent, settled
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.known import Known
from landtopo.study.verification.labelled import (
    Joint,
    differ,
    isomorphism,
    joint,
    relabelled,
    together,
)
from landtopo.study.verification.readings import same_network, telling
from landtopo.symmetry.permutations import format_cycles, parse_cycles

__all__ = ["Renumbering", "end_families", "landing", "lies_at", "permutations_to", "same_sets"]

# Ends of an integration, finished by Newton's method, are known far better than that; flat sets
# are reached along slow ways.
_SAME = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Renumbering:
    """A stored relabelling of the second end: where student and teacher neurons go."""

    students: tuple[int, ...]
    teachers: tuple[int, ...]

    @classmethod
    def parsed(cls, students: str, teachers: str, width: int, size: int) -> Renumbering | None:
        """From cycles; None where the texts are no permutations of so many neurons."""
        try:
            return cls(
                students=parse_cycles(students, width), teachers=parse_cycles(teachers, size)
            )
        except InvalidArgument:
            return None

    def copy_of(self, point: Evidence) -> Joint:
        """The copy of a point that it makes."""
        images = (*self.students, *(point.width + m for m in self.teachers))
        return relabelled(point_graph(point.weights, point), images)


def point_graph(weights: Array, point: Evidence) -> Joint:
    """The graph of weights at the problem of a point."""
    return joint(weights, point.frame)


def end_families(known: Known, way: Descent) -> set[str]:
    """Names of the families in which a flow may end; ``elsewhere`` for others."""
    return {landing(known, end)[0] for end in way.ends}


def landing(known: Known, end: Array) -> tuple[str, Evidence]:
    """The family at the end of a flow, and the point of it that is next to the end.

    Nearly parallel neurons are merged if need be. ``elsewhere`` is no family of the graph.
    """
    nodes = tuple(known.nodes_at(len(end)))
    points = tuple(known.node(name).weights.tobytes() for name in nodes)
    key = ("landing", end.tobytes(), end.shape, nodes, points)
    return known.memory.get(key, lambda: _landing(known, end))


def _landing(known: Known, end: Array) -> tuple[str, Evidence]:
    problem = known.problem(len(end))
    for level in range(3):
        point = settled(problem, end, level=level)
        if point is not None:
            found = known.evidence(point, problem)
            name = known.family_of(found)
            if name is not None:
                return name, found
    return "elsewhere", known.evidence(end, problem)


def lies_at(way: Descent, wanted: Joint, point: Evidence) -> bool:
    """Whether a flow ends at a labelled point, given by its graph.

    From a saddle in which symmetry made it end, it may go on to every copy of its ends that a
    symmetry of that saddle makes.
    """
    ends = [point_graph(end, point) for end in way.ends]
    if any(differ(end, wanted) <= _SAME for end in ends):
        return True
    if way.saddle is None:
        return False
    saddle = point_graph(way.saddle, point)
    return any(
        isomorphism(together(saddle, end), together(saddle, wanted)) is not None for end in ends
    )


def permutations_to(end: Array, point: Evidence, stored: Renumbering) -> tuple[str, str]:
    """Permutations that make the copy of a point at an end: of students, and of teachers.

    Each is the one that goes with the stored other one; ``none`` if there is none.
    """
    width, size = point.width, len(point.frame)
    graph, wanted = (point_graph(w, point) for w in (point.weights, end))
    students = np.arange(width)
    placed = relabelled(graph, (*students, *(width + m for m in stored.teachers)))
    apart = np.concatenate([np.zeros(width, dtype=np.int64), np.arange(1, size + 1)])
    found = isomorphism(_with(placed, apart), _with(wanted, apart))
    first = "none" if found is None else format_cycles(found[:width])
    placed = relabelled(graph, (*stored.students, *range(width, width + size)))
    apart = np.concatenate([np.arange(1, width + 1), np.zeros(size, dtype=np.int64)])
    found = isomorphism(_with(placed, apart), _with(wanted, apart))
    second = "none" if found is None else format_cycles([m - width for m in found[width:]])
    return first, second


def _with(graph: Joint, classes: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Joint:
    return Joint(tables=graph.tables, classes=classes)


def same_sets(
    ends: tuple[Evidence, Evidence], first: Evidence, second: Evidence, teachers: tuple[int, ...]
) -> bool:
    """Whether two flat sets lie to each other as that of a point and a turned one do.

    Parameters
    ----------
    ends : tuple of Evidence
        Points on the two sets.
    first, second : Evidence
        Points of the two families.
    teachers : tuple of int
        Permutation of the teacher neurons that turns the second.
    """
    frame, rank = first.frame, first.problem.rank
    try:
        turned = teacher_rotation(frame, teachers)
    except InvalidArgument:
        return False
    if not all(same_network(a, b) for a, b in zip(ends, (first, second), strict=True)):
        return False
    graphs = []
    for pair, turn in ((ends, np.eye(rank)), ((first, second), turned)):
        one, other = (telling(point)[:, :rank] for point in pair)
        rows = np.vstack([one, other @ turn.T, frame])
        sizes = (len(one), len(other), len(frame))
        graphs.append(Joint(tables=(rows @ rows.T)[None], classes=np.repeat(np.arange(3), sizes)))
    return isomorphism(*graphs) is not None
