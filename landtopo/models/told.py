"""What follows from a graph of networks and is not in it: the teacher's vectors, and ways in full.

As `landtopo.models.distances`, for who sees graphs only and knows no networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from landtopo.errors import InvalidArgument
from landtopo.landscape.schema import MODEL
from landtopo.objective import Array

__all__ = ["Way", "teacher_vectors", "way_over"]


class Way(Protocol):
    """A way from the first end of a pass to the second."""

    @property
    def points(self) -> Array:
        """Weights, shape (n, K, D)."""
        ...

    @property
    def positions(self) -> Array:
        """Arc length, shape (n,)."""
        ...

    @property
    def losses(self) -> Array:
        """Losses, shape (n,)."""
        ...


def teacher_vectors(attributes: Mapping[str, Any]) -> Array | None:
    """The teacher's vectors in the first coordinates of all weights, shape (M, r).

    Parameters
    ----------
    attributes : mapping
        Of the graph.

    Returns
    -------
    ndarray or None
        None where there is no teacher, or it is not told.
    """
    from landtopo.models.networks.landscape.labelled_copies import teacher_of

    if MODEL in attributes:
        return None
    try:
        return teacher_of(attributes).vectors
    except InvalidArgument:
        return None


def way_over(attributes: Mapping[str, Any], edge: Mapping[str, Any]) -> Way | None:
    """The points of the way over a pass of networks, where they can be found again.

    Parameters
    ----------
    attributes, edge : mapping
        Of the graph, and of the transition.
    """
    from landtopo.models.networks.landscape.ways import way_over

    if MODEL in attributes:
        return None
    try:
        return way_over(attributes, edge)
    except InvalidArgument:
        return None
