"""Two landscape graphs side by side: which families correspond, which edges changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from landtopo.landscape.schema import LINEAGE
from landtopo.landscape.tree import check_networks
from landtopo.shown import Brief, Table

__all__ = ["EdgePair", "FamilyPair", "GraphComparison", "compare_graphs"]

# What a family is, besides its loss; a value that one graph does not have decides nothing.
_INVARIANTS = ("index", "effective_width", "anti_aligned", "zero_neurons", "isotropy_order")


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPair(Brief):
    """A family of the first graph and the one of the second that it corresponds to.

    Attributes
    ----------
    first, second : str
        Node ids.
    loss_change : float
        Loss in the second graph minus loss in the first.
    """

    first: str
    second: str
    loss_change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePair(Brief):
    """Edges between corresponding families, of the same kind and permutation class.

    Attributes
    ----------
    first, second : str
        Edge keys.
    change : float
        Second minus first: of the pass height for transitions, of the fraction for lineage.
    """

    first: str
    second: str
    change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphComparison(Table):
    """What two landscape graphs have in common.

    Attributes
    ----------
    tolerance : float
        Losses (and fractions of lineage edges) that differ by no more are equal.
    families : tuple of FamilyPair
        Corresponding families.
    families_only_first, families_only_second : tuple of str
        Families without a counterpart.
    edges_same, edges_changed : tuple of EdgePair
        Corresponding edges, within the tolerance or not.
    edges_only_first, edges_only_second : tuple of str
        Keys of edges without a counterpart.
    """

    tolerance: float
    families: tuple[FamilyPair, ...]
    families_only_first: tuple[str, ...]
    families_only_second: tuple[str, ...]
    edges_same: tuple[EdgePair, ...]
    edges_changed: tuple[EdgePair, ...]
    edges_only_first: tuple[str, ...]
    edges_only_second: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a family of either graph; None where it has no counterpart."""
        pairs = [(pair.first, pair.second, pair.loss_change) for pair in self.families]
        first = [(name, None, None) for name in self.families_only_first]
        second = [(None, name, None) for name in self.families_only_second]
        names = ("first", "second", "loss_change")
        return [dict(zip(names, row, strict=True)) for row in (*pairs, *first, *second)]

    @property
    def equal(self) -> bool:
        """The same families and the same edges."""
        return not (
            self.families_only_first
            or self.families_only_second
            or self.edges_changed
            or self.edges_only_first
            or self.edges_only_second
        )


def compare_graphs(
    first: nx.MultiGraph[str], second: nx.MultiGraph[str], *, tolerance: float = 1e-9
) -> GraphComparison:
    """Compare two landscape graphs of the same teacher.

    Families correspond when width, loss, Hessian eigenvalues and the integers that describe them
    agree; among several possibilities the closest are taken first. Names play no part.

    Parameters
    ----------
    first, second : networkx.MultiGraph
        Landscape graphs.
    tolerance : float
        For losses, in their units; eigenvalues may differ by its square root, since they are
        known less well.

    Returns
    -------
    GraphComparison

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> lt.compare_graphs(graph, graph).equal
    True
    """
    for graph in (first, second):
        check_networks("compare_graphs", graph)
    partners = _family_partners(first, second, tolerance)
    families = tuple(
        FamilyPair(
            first=node,
            second=partners[node],
            loss_change=float(second.nodes[partners[node]]["loss"] - first.nodes[node]["loss"]),
        )
        for node in sorted(partners)
    )
    same, changed, only_first, only_second = _edges(first, second, partners, tolerance)
    return GraphComparison(
        tolerance=tolerance,
        families=families,
        families_only_first=tuple(sorted(set(first) - set(partners))),
        families_only_second=tuple(sorted(set(second) - set(partners.values()))),
        edges_same=same,
        edges_changed=changed,
        edges_only_first=only_first,
        edges_only_second=only_second,
    )


def _family_partners(
    first: nx.MultiGraph[str], second: nx.MultiGraph[str], tolerance: float
) -> dict[str, str]:
    candidates = []
    for one, data in first.nodes(data=True):
        for other, others in second.nodes(data=True):
            if data["width"] == others["width"] and _alike(data, others, tolerance):
                candidates.append((abs(data["loss"] - others["loss"]), one, other))
    return dict(_closest_first(candidates))


def _closest_first(candidates: Iterable[tuple[Any, str, str]]) -> list[tuple[str, str]]:
    """Pair names off, the closest first, each name once."""
    taken: tuple[set[str], set[str]] = (set(), set())
    pairs = []
    for _, one, other in sorted(candidates):
        if one not in taken[0] and other not in taken[1]:
            taken[0].add(one)
            taken[1].add(other)
            pairs.append((one, other))
    return pairs


def _alike(one: Mapping[str, Any], other: Mapping[str, Any], tolerance: float) -> bool:
    if abs(one["loss"] - other["loss"]) > tolerance:
        return False
    for name in _INVARIANTS:
        if name in one and name in other and one[name] != other[name]:
            return False
    spectra = one.get("eigenvalues"), other.get("eigenvalues")
    if spectra[0] is None or spectra[1] is None or len(spectra[0]) != len(spectra[1]):
        return True
    # A family with a flat direction has no one spectrum: it depends on the point of the flat set.
    if one.get("flat_dimension", 0) or other.get("flat_dimension", 0):
        return True
    difference = np.sort(np.asarray(spectra[0])) - np.sort(np.asarray(spectra[1]))
    return bool(np.abs(difference).max(initial=0.0) <= np.sqrt(tolerance))


def _edges(
    first: nx.MultiGraph[str],
    second: nx.MultiGraph[str],
    partners: Mapping[str, str],
    tolerance: float,
) -> tuple[tuple[EdgePair, ...], tuple[EdgePair, ...], tuple[str, ...], tuple[str, ...]]:
    places: defaultdict[Any, tuple[dict[str, float], dict[str, float]]] = defaultdict(
        lambda: ({}, {})
    )
    names = ({node: partners.get(node, f"first:{node}") for node in first}, {n: n for n in second})
    for side, graph in enumerate((first, second)):
        for one, other, key, data in graph.edges(keys=True, data=True):
            value = float(data.get("fraction", 0.0) if data["kind"] == LINEAGE else data["loss"])
            places[_edge_class(names[side], one, other, data)][side][key] = value
    same: list[EdgePair] = []
    changed: list[EdgePair] = []
    only_first: list[str] = []
    only_second: list[str] = []
    for group in sorted(places, key=repr):
        ones, others = places[group]
        candidates = [
            (abs(ones[one] - others[other]), one, other) for one in ones for other in others
        ]
        pairs = _closest_first(candidates)
        for one, other in pairs:
            pair = EdgePair(first=one, second=other, change=others[other] - ones[one])
            (same if abs(pair.change) <= tolerance else changed).append(pair)
        only_first += sorted(set(ones) - {one for one, _ in pairs})
        only_second += sorted(set(others) - {other for _, other in pairs})
    return tuple(same), tuple(changed), tuple(only_first), tuple(only_second)


def _edge_class(
    names: Mapping[str, str], one: str, other: str, data: Mapping[str, Any]
) -> tuple[Any, ...]:
    """What an edge says apart from its number: edges of one class can correspond."""
    if data["kind"] == LINEAGE:
        # The numbering of neurons is arbitrary, so which one was split says nothing here.
        return (
            LINEAGE,
            names[data["from_id"]],
            names[data["to_id"]],
            data.get("operation", ""),
            data.get("fate", ""),
        )
    ends = sorted((names[one], names[other]))
    return (data["kind"], *ends, data.get("cycle_type", ""))
