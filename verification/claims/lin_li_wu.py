"""Lin, Li, Wu (2024), Theorem 6: the shape of the set of students with zero loss."""

from __future__ import annotations

from functools import partial
from itertools import permutations
from math import factorial

import networkx as nx
import numpy as np

import landtopo as lt
from claims import Claim, Finding, states

SOURCE = "Lin, Li and Wu 2024"


def corners(teachers: int, students: int) -> nx.Graph:
    """Students that carry each teacher neuron once, joined where one slides to an empty place.

    Made from weights: two corners are joined when the loss is zero all along the straight line.
    """
    teacher = lt.Teacher.equicorrelated(teachers, 0.3)
    loss = lt.PopulationLoss(lt.TeacherStudent(teacher, students))
    shares = np.linspace(0.0, 1.0, 9)[1:-1, None, None]
    graph = nx.Graph()
    points = {}
    for places in permutations(range(students), teachers):
        weights = np.zeros((students, teacher.rank))
        weights[list(places)] = teacher.vectors
        graph.add_node(places)
        points[places] = weights
    for here, weights in points.items():
        for there, others in points.items():
            moved = sum(one != other for one, other in zip(here, there, strict=True))
            if here < there and moved <= 2:
                line = (1.0 - shares) * weights + shares * others
                if np.all(loss.value(line) < 1e-20):
                    graph.add_edge(here, there)
    return graph


def isolated(size: int) -> Finding:
    """K = M: as many single points as permutations, and each curved up in all directions."""
    graph = corners(size, size)
    problem = lt.TeacherStudent(lt.Teacher.equicorrelated(size, 0.3), size)
    point = lt.classify(problem, problem.teacher.vectors)
    alone = point.nullity == 0 and point.index == 0 and graph.number_of_edges() == 0
    pieces = nx.number_connected_components(graph)
    return states(f"{pieces} pieces, nullity {point.nullity}", alone and pieces == factorial(size))


def connected(size: int) -> Finding:
    """K = M + 1: (M + 1)! corners, M (M + 1)! / 2 segments, one piece."""
    graph = corners(size, size + 1)
    count, lines = graph.number_of_nodes(), graph.number_of_edges()
    pieces = nx.number_connected_components(graph)
    holds = (count, lines, pieces) == (
        factorial(size + 1),
        size * factorial(size + 1) // 2,
        1,
    )
    return states(f"{count} corners, {lines} segments, {pieces} piece", holds)


CLAIMS = [
    *(
        Claim(
            name=f"zero-loss-isolated-{size}",
            source=SOURCE,
            says=f"K = M = {size}: the zero-loss set is M! isolated points",
            published=f"{factorial(size)} points",
            command=f"landtopo flat --teacher equicorrelated:{size}:0.3 --width {size}",
            find=partial(isolated, size),
        )
        for size in (2, 3, 4)
    ),
    *(
        Claim(
            name=f"zero-loss-connected-{size}",
            source=SOURCE,
            says=f"M = {size}, K = {size + 1}: the zero-loss set is connected",
            published=f"{factorial(size + 1)} corners, {size * factorial(size + 1) // 2} segments, "
            "one piece",
            command=f"landtopo flat --teacher equicorrelated:{size}:0.3 --width {size + 1}",
            find=partial(connected, size),
        )
        for size in (2, 3, 4)
    ),
]
