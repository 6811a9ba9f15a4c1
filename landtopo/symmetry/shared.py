"""Symmetries that two points have in common, as algorithms see them."""

from __future__ import annotations

from typing import Protocol

from landtopo.objective import Array

__all__ = ["Shared"]


class Shared(Protocol):
    """Exchanges of things that stand alike, which leave two points as they are.

    They generate a product of symmetric groups, one for each class of onlookers: of what has
    nothing to do with the way between the points.
    """

    def __hash__(self) -> int:
        """Of the object: its blocks are worked out once."""
        ...

    @property
    def onlookers(self) -> tuple[tuple[int, ...], ...]:
        """Classes of things that may be exchanged, two or more in each."""
        ...

    def exchanged(self, first: int, other: int, vectors: Array) -> Array:
        """Directions, shape (size, n), after the first of a class and another change places."""
        ...

    def basis(self, size: int, *, without: frozenset[int] = frozenset()) -> Array:
        """Orthonormal columns of the space of points that the symmetries fix, shape (size, n).

        Of points of so many coordinates; or what is fixed by those symmetries alone that leave some
        onlookers where they are, none of them the first of its class.
        """
        ...
