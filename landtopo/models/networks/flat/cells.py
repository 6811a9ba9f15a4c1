"""The cells of a flat set: all ways in which K student neurons can carry m reduced neurons.

A reduced network with neurons u_1..u_m (pairwise not parallel, none zero) is the same function as
every student with w_k = c_k u_{s(k)}, c_k >= 0, where the shares of each reduced neuron sum to one.
For a fixed surjection s from the non-zero student neurons onto the reduced ones, the shares fill a
product of simplices, of dimension (number of non-zero neurons) - m. A share that goes to zero makes
a zero neuron, and there the cells are glued. So

- cells of dimension p are surjections of m + p chosen neurons onto m: C(K, m+p) m! S(m+p, m), with
  Stirling numbers of the second kind S (Lin, Li and Wu 2024, Theorem 6, for the zero-loss set);
- corners (p = 0) are injections of m reduced neurons into K places, and a segment (p = 1) moves one
  of them to an empty place. Corners and segments are the *arrangement graph* A(K, m), regular of
  degree m (K - m), of diameter floor(3m/2) if K > m (Day and Tripathi 1992);
- the whole set is the m-fold deleted product of a simplex with K vertices: m disjoint faces at a
  time. It is (K - m - 1)-connected (Barany, Shlosman and Szucs 1981) and has dimension K - m, so
  above K = m its only homology besides one component is in the top dimension, and the Euler
  characteristic gives its rank.

All counts are exact integers. They hold for every critical point: splitting keeps the function and
the zero gradient. Whether the points of a cell are minima is another question (`splitting`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from math import comb, factorial

import networkx as nx

from landtopo.errors import InvalidArgument
from landtopo.shown import Brief

__all__ = [
    "CellComplex",
    "Labels",
    "cell_complex",
    "cells",
    "corner_graph",
    "surjections",
]

# One reduced neuron (1..m) or nothing (0) for each student neuron.
Labels = tuple[int, ...]

_LARGEST_GRAPH = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CellComplex(Brief):
    """Shape of the set of all students of width K with one reduced network.

    Attributes
    ----------
    width : int
        Number of student neurons K.
    effective_width : int
        Number of reduced neurons m <= K.
    copies : int
        Number of different reduced networks that teacher automorphisms make of this one; their
        cell complexes are disjoint, and every count below is of all of them together.
    f_vector : tuple of int
        Number of cells of dimension 0, 1, .., K - m.
    components : int
        Number of connected components; labelled, so student permutations count as different.
    diameter : int
        Largest number of segments between two corners of one component.
    cycles : int
        First Betti number of the graph of corners and segments: its independent cycles.
    betti : tuple of int
        Betti numbers of the whole set, dimension 0 to K - m.
    """

    width: int
    effective_width: int
    copies: int
    f_vector: tuple[int, ...]
    components: int
    diameter: int
    cycles: int
    betti: tuple[int, ...]

    @property
    def dimension(self) -> int:
        """Dimension of the largest cells, K - m."""
        return len(self.f_vector) - 1

    @property
    def corners(self) -> int:
        """Points at which m neurons carry everything and K - m neurons are zero."""
        return self.f_vector[0]

    @property
    def segments(self) -> int:
        """Edges along which one reduced neuron is split over two student neurons."""
        return self.f_vector[1] if self.dimension else 0

    @property
    def euler_characteristic(self) -> int:
        """Alternating sum of the f-vector."""
        return sum((-1) ** p * count for p, count in enumerate(self.f_vector))


def surjections(sources: int, targets: int) -> int:
    """Number of maps of `sources` things onto all of `targets` things, exact."""
    return sum((-1) ** i * comb(targets, i) * (targets - i) ** sources for i in range(targets + 1))


def cell_complex(width: int, effective_width: int, *, copies: int = 1) -> CellComplex:
    """Counts of the flat set of a reduced network, from closed formulas.

    Parameters
    ----------
    width : int
        Number of student neurons K >= 1.
    effective_width : int
        Number of reduced neurons, 0 <= m <= K.
    copies : int
        Number of reduced networks in the family that differ only by a teacher automorphism.

    Returns
    -------
    CellComplex
    """
    _check("cell_complex", width, effective_width)
    if copies < 1:
        raise InvalidArgument(
            f"The 'copies' argument of cell_complex must be an integer >= 1; got {copies}."
        )
    m = effective_width
    spare = width - m if m else 0
    counts = [comb(width, m + p) * surjections(m + p, m) for p in range(spare + 1)]
    components = 1 if spare or not m else counts[0]
    euler = sum((-1) ** p * count for p, count in enumerate(counts))
    betti = [components] + [0] * spare
    if spare:
        betti[spare] = (-1) ** spare * (euler - 1)
    return CellComplex(
        width=width,
        effective_width=m,
        copies=copies,
        f_vector=tuple(copies * count for count in counts),
        components=copies * components,
        diameter=(3 * m) // 2 if spare else 0,
        cycles=copies * ((counts[1] if spare else 0) - counts[0] + components),
        betti=tuple(copies * number for number in betti),
    )


def cells(width: int, effective_width: int) -> Iterator[Labels]:
    """All cells, each as the label of every student neuron: 1..m, or 0 for a zero neuron.

    The dimension of a cell is the number of its non-zero labels minus m. The faces of a cell are
    the cells in which some of its labels are 0.
    """
    _check("cells", width, effective_width)
    for labels in product(range(effective_width + 1), repeat=width):
        if len(set(labels) - {0}) == effective_width:
            yield labels


def corner_graph(width: int, effective_width: int) -> nx.Graph[Labels]:
    """The graph of corners and segments of one reduced network, built.

    Parameters
    ----------
    width, effective_width : int
        K and m; the graph has K!/(K - m)! nodes.

    Returns
    -------
    networkx.Graph
        Nodes are labels as in `cells`; each edge has the attribute ``neuron``, the reduced neuron
        that is split along it.
    """
    _check("corner_graph", width, effective_width)
    size = factorial(width) // factorial(width - effective_width)
    if size > _LARGEST_GRAPH:
        raise InvalidArgument(
            f"corner_graph would have {size} corners, more than {_LARGEST_GRAPH}; "
            "cell_complex gives the counts without building it."
        )
    graph: nx.Graph[Labels] = nx.Graph()
    for places in permutations(range(width), effective_width):
        corner = [0] * width
        for neuron, place in enumerate(places):
            corner[place] = neuron + 1
        here = tuple(corner)
        graph.add_node(here)
        empty = [place for place in range(width) if not corner[place]]
        for neuron, place in enumerate(places):
            for other in empty:
                if other < place:  # each segment once, from its higher end
                    there = list(here)
                    there[other], there[place] = neuron + 1, 0
                    graph.add_edge(here, tuple(there), neuron=neuron + 1)
    return graph


def _check(function: str, width: int, effective_width: int) -> None:
    if width < 1:
        raise InvalidArgument(
            f"The 'width' argument of {function} must be an integer >= 1; got {width!r}."
        )
    if not 0 <= effective_width <= width:
        raise InvalidArgument(
            f"The 'effective_width' argument of {function} must be an integer from 0 to the width "
            f"{width}; got {effective_width!r}."
        )
