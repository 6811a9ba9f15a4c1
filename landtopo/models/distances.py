"""How far the points of a landscape graph are from each other, modulo symmetry: the one place.

A graph says what its points are made of: weights of students of a teacher, or coordinates with a
symmetry (`landtopo.symmetry.told`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import permutations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from landtopo.errors import InvalidArgument
from landtopo.landscape.schema import MODEL, SYMMETRY
from landtopo.objective import Array
from landtopo.symmetry.particles import ParticleSymmetry
from landtopo.symmetry.told import symmetry_from

__all__ = ["Distance", "distance_of", "distances"]

# Clusters of up to so many particles are compared in every order.
_EVERY_ORDER = 6


class Distance(Protocol):
    """A distance between points that is zero for copies."""

    @property
    def title(self) -> str:
        """What it is, for a picture."""
        ...

    def apart(self, first: Array, second: Array) -> float:
        """Of two points as a graph holds them: the closest copies that are found."""
        ...


def distance_of(attributes: Mapping[str, Any]) -> Distance:
    """The distance that belongs to a graph.

    Parameters
    ----------
    attributes : mapping
        Of the graph.

    Raises
    ------
    InvalidArgument
        The graph does not say which points are copies of each other.
    """
    if MODEL not in attributes:
        from landtopo.models.networks.landscape.labelled_copies import teacher_of
        from landtopo.models.networks.symmetry.statistics_distance import StatisticsDistance

        return StatisticsDistance(teacher_of(attributes))
    if SYMMETRY not in attributes:
        raise InvalidArgument(
            "A map needs to know which points are copies of each other, and this landscape does "
            "not say: it is a database, or has a continuous symmetry that only a function tells."
        )
    return _Copies(attributes[SYMMETRY])


def distances(distance: Distance, first: Sequence[Array], second: Sequence[Array] = ()) -> Array:
    """All distances, of each pair once.

    Parameters
    ----------
    distance : Distance
    first : sequence of ndarray
    second : sequence of ndarray
        Points to which distances are wanted; the same ones by default.

    Returns
    -------
    ndarray, shape (n, m)
    """
    if len(second):
        return np.array([[distance.apart(x, y) for y in second] for x in first])
    found = np.zeros((len(first), len(first)))
    for i, x in enumerate(first):
        for j in range(i):
            found[i, j] = found[j, i] = distance.apart(x, first[j])
    return found


class _Copies:
    """Euclidean distance of the closest copies under a symmetry of coordinates."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._symmetry = symmetry_from(record)
        trivial = self._symmetry.order == 1 and self._symmetry.gauge.trivial
        self.title = "distances" if trivial else "distances modulo symmetry"

    def apart(self, first: Array, second: Array) -> float:
        """The lesser of what is found from both sides."""
        x, y = np.ravel(first), np.ravel(second)
        symmetry = self._symmetry
        if isinstance(symmetry, ParticleSymmetry) and symmetry.count <= _EVERY_ORDER:
            return _every_order(x.reshape(-1, 3), y.reshape(-1, 3))
        return min(symmetry.apart(x, y), symmetry.apart(y, x))


@cache
def _orders(count: int) -> NDArray[np.int64]:
    return np.array(list(permutations(range(count))))


def _every_order(first: Array, second: Array) -> float:
    """The least distance of two clusters over orders, rigid motions and mirror images.

    For one order the best orthogonal matrix brings the sum of scalar products to the sum of the
    singular values of the matrix of products (Kabsch 1976).
    """
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    ordered = second[_orders(len(second))]
    gains = np.linalg.svd(np.einsum("ki,nkj->nij", first, ordered), compute_uv=False).sum(axis=1)
    best = ordered[int(np.argmax(gains))]
    left, _, right = np.linalg.svd(best.T @ first)
    return float(np.linalg.norm(best @ left @ right - first))
