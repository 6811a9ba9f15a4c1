"""The counts of a flat set's cells: closed formulas against the complex built cell by cell.

Independent routes: enumeration of all cells, breadth-first search in the built graph, and ranks of
the boundary matrices of the whole complex.
"""

from __future__ import annotations

from collections import Counter
from math import factorial

import networkx as nx
import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.models.networks.flat.cells import Labels, cell_complex, cells, corner_graph

SIZES = [(k, m) for k in range(1, 6) for m in range(1, k + 1)]


def test_one_spare_neuron_over_three_teachers():
    shape = cell_complex(4, 3)
    assert shape.f_vector == (24, 36)
    assert (shape.components, shape.diameter, shape.cycles) == (1, 4, 13)


@pytest.mark.parametrize("m", [1, 2, 5, 12, 30])
def test_known_widths_as_exact_integers(m):
    isolated = cell_complex(m, m)
    assert isolated.f_vector == (factorial(m),)
    assert isolated.components == factorial(m)
    assert isolated.cycles == 0
    assert isolated.diameter == 0
    split = cell_complex(m + 1, m)
    assert split.f_vector == (factorial(m + 1), m * factorial(m + 1) // 2)
    assert split.components == 1
    assert cell_complex(m + 2, m).dimension == 2


@pytest.mark.parametrize(("width", "m"), [*SIZES, (6, 3), (6, 5), (7, 6)])
def test_closed_formulas_against_the_built_complex(width, m):
    shape = cell_complex(width, m)
    built = Counter(sum(label > 0 for label in labels) - m for labels in cells(width, m))
    assert tuple(built[p] for p in range(width - m + 1)) == shape.f_vector
    graph = corner_graph(width, m)
    assert graph.number_of_nodes() == shape.corners
    assert graph.number_of_edges() == shape.segments
    assert nx.number_connected_components(graph) == shape.components
    assert shape.cycles == shape.segments - shape.corners + shape.components
    # Relabelling places and neurons maps any corner to any other: one eccentricity is enough.
    corner = next(iter(graph))
    farthest = max(nx.single_source_shortest_path_length(graph, corner).values())
    assert farthest == shape.diameter


def boundary_ranks(width: int, m: int) -> list[int]:
    """Ranks of the boundary maps of the complex of products of simplices, by dimension."""
    by_dimension: dict[int, list[Labels]] = {}
    for labels in cells(width, m):
        by_dimension.setdefault(sum(label > 0 for label in labels) - m, []).append(labels)
    ranks = [0]
    for p in range(1, width - m + 1):
        position = {labels: i for i, labels in enumerate(by_dimension[p - 1])}
        matrix = np.zeros((len(position), len(by_dimension[p])))
        for column, labels in enumerate(by_dimension[p]):
            before = 0  # dimensions of the simplices of the reduced neurons already done
            for neuron in range(1, m + 1):
                places = [k for k, label in enumerate(labels) if label == neuron]
                if len(places) > 1:
                    for i, place in enumerate(places):
                        face = tuple(0 if k == place else x for k, x in enumerate(labels))
                        matrix[position[face], column] = (-1) ** (before + i)
                before += len(places) - 1
        ranks.append(int(np.linalg.matrix_rank(matrix)))
    return [*ranks, 0]


@pytest.mark.parametrize(("width", "m"), [*SIZES[:-1], (6, 4)])
def test_homology_is_in_the_top_dimension_only(width, m):
    shape = cell_complex(width, m)
    ranks = boundary_ranks(width, m)
    betti = tuple(count - ranks[p] - ranks[p + 1] for p, count in enumerate(shape.f_vector))
    assert betti == shape.betti
    assert sum((-1) ** p * b for p, b in enumerate(betti)) == shape.euler_characteristic


def test_two_reduced_neurons_make_a_sphere():
    for width in range(3, 9):
        assert cell_complex(width, 2).betti == (1, *[0] * (width - 3), 1)


def test_copies_multiply_every_count():
    one, three = cell_complex(6, 4), cell_complex(6, 4, copies=3)
    assert three.f_vector == tuple(3 * count for count in one.f_vector)
    assert three.betti == tuple(3 * number for number in one.betti)
    assert (three.components, three.cycles, three.diameter) == (3, 3 * one.cycles, one.diameter)


def test_refusals():
    with pytest.raises(InvalidArgument, match="'effective_width'"):
        cell_complex(3, 4)
    with pytest.raises(InvalidArgument, match="'width'"):
        cell_complex(0, 0)
    with pytest.raises(InvalidArgument, match="'copies'"):
        cell_complex(3, 2, copies=0)
    with pytest.raises(InvalidArgument, match="479001600 corners"):
        corner_graph(12, 11)
