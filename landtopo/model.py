"""A landscape: a function, and what is known of it before any search.

Every room that searches, joins, draws or stores speaks of a `Model` only. Points are flat arrays
x, of as many coordinates as the model gives them; the function itself is an `Objective`. What is
known of it comes in parts, each of which may be nothing:

- `Symmetry`: which points are copies of each other (`Trivial`: none but a point itself);
- `Strata`: where the function is not smooth, or constant (`Smooth`: nowhere).

An element of a symmetry is a permutation, the tuple of its images, so that elements can be
composed, inverted and made a group of without knowing what they move. Moving along the gauge (a
continuous symmetry, `Objective.gauge`) is no element: points that differ by it are one point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from landtopo.symmetry.permutations import Permutation

if TYPE_CHECKING:
    from landtopo.objective import Array, Objective
    from landtopo.points.ascend import Ascent

__all__ = ["Mark", "Model", "Smooth", "Strata", "Symmetry", "Trivial"]


class Mark(Protocol):
    """A point, or a connected set of points, prepared for being compared up to symmetry."""

    def match(self, other: Mark) -> Permutation | None:
        """The element that carries this to the other; None if there is none."""
        ...


class Symmetry(Protocol):
    """Which points are copies of each other."""

    def mark(self, x: Array) -> Mark:
        """A point for comparisons with others."""
        ...

    def match(self, x: Array, reference: Array) -> Permutation | None:
        """The element that carries a reference to a point, or to where gauge carries the point.

        None if the points are no copies of each other. A match is proved by what is left of the
        difference, not by invariants.
        """
        ...

    def act(self, element: Sequence[int], points: Array) -> Array:
        """Apply an element to points, shape (..., size)."""
        ...

    def closest_copy(self, x: Array, target: Array) -> Array:
        """The copy of a point, gauge included, that is closest to another, as far as is found."""
        ...

    def distance(self, x: Array, y: Array) -> float:
        """Distance of two points as they are labelled: of the closest ones that gauge makes."""
        ...


class Strata(Protocol):
    """Where the function is not smooth, or constant."""

    def objection(self, ascent: Ascent) -> str | None:
        """Why a critical point of index 1 in its coordinates is no transition state, or None."""
        ...

    def settle(self, x: Array) -> Array | None:
        """The end of a descent that Newton's method cannot reach, if it can be told from here."""
        ...

    def flat_path(self, x: Array, y: Array) -> Array | None:
        """A path of constant value between two minima, shape (n, size), if one is known."""
        ...


class Model(Protocol):
    """A function, and what is known of it beforehand."""

    @property
    def name(self) -> str:
        """What people call it, as on the command line."""
        ...

    def objective(self, x: Array) -> Objective:
        """The function in the coordinates of a point."""
        ...

    def shaped(self, x: Array) -> Array:
        """A point in the shape in which people see it, such as one particle a row."""
        ...

    @property
    def symmetry(self) -> Symmetry:
        """Copies."""
        ...

    @property
    def strata(self) -> Strata:
        """What is not smooth, or constant."""
        ...


class _Itself:
    """A point without copies."""

    def __init__(self, x: Array, tolerance: float) -> None:
        self.x = x
        self.tolerance = tolerance

    def match(self, other: Mark) -> Permutation | None:
        """The empty permutation for the same point."""
        if not isinstance(other, _Itself) or other.x.shape != self.x.shape:
            return None
        apart = np.linalg.norm(self.x - other.x)
        return () if apart <= self.tolerance * (1.0 + np.linalg.norm(self.x)) else None


class Trivial:
    """No symmetry: the group of one element, the empty permutation.

    Parameters
    ----------
    tolerance : float
        Distance below which two critical points are the same, relative to 1 + |x|. Newton's method
        leaves less than 1e-8 of it where the curvature is not lost in rounding, and different
        critical points are rarely closer than 1e-4.
    """

    def __init__(self, tolerance: float = 1e-6) -> None:
        self.tolerance = tolerance

    def mark(self, x: Array) -> Mark:
        """The point itself."""
        return _Itself(x, self.tolerance)

    def match(self, x: Array, reference: Array) -> Permutation | None:
        """The empty permutation for the same point."""
        return self.mark(reference).match(self.mark(x))

    def act(self, element: Sequence[int], points: Array) -> Array:
        """The points themselves."""
        return points

    def closest_copy(self, x: Array, target: Array) -> Array:
        """The point itself."""
        return x

    def distance(self, x: Array, y: Array) -> float:
        """Euclidean distance."""
        return float(np.linalg.norm(x - y))


class Smooth:
    """Smooth everywhere, and nothing is known to be constant."""

    def objection(self, ascent: Ascent) -> str | None:
        """None: index 1 is all that is asked."""
        return None

    def settle(self, x: Array) -> Array | None:
        """Nothing is known of the minima beforehand."""
        return None

    def flat_path(self, x: Array, y: Array) -> Array | None:
        """No flat set is known."""
        return None
