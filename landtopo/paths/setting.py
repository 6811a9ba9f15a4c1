"""What a connection has to know of a landscape besides the function itself.

Above all its discrete symmetry: a group whose elements are permutations (tuples of images) that
carry minima to minima and transition states to transition states. A function of which nothing is
known has the group of one element, the empty permutation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.paths.restricted import Restricted
from landtopo.points.ascend import Ascent
from landtopo.points.known import Invariants, Known
from landtopo.shown import Brief
from landtopo.symmetry.shared import Shared
from landtopo.tolerances import SAME_PLACE, same_value

__all__ = ["Element", "Overlap", "Pass", "PlainSetting", "Setting", "known_places"]

Element = tuple[int, ...]


class Overlap(NamedTuple):
    """Scalar products of all copies of a point with another one.

    Attributes
    ----------
    constant : float
    table : ndarray, shape (n, n)
        The product with the copy by an element is the constant and the sum of [i, element[i]].
    """

    constant: float
    table: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(Brief):
    """A pass that is not a smooth saddle: a point and the ways down from it.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value : float
    ways : tuple of ndarray, shape (size,)
        Points close to it, from which descents lead to different sides.
    """

    x: Array = field(repr=False)
    value: float
    ways: tuple[Array, ...] = field(repr=False)


class Setting(Protocol):
    """What a connection has to know of the landscape besides the function itself."""

    def relation(self, x: Array, reference: Array) -> Element | None:
        """The element that carries a reference point to this one; None if there is none."""
        ...

    def invariants(self, x: Array) -> Invariants:
        """Numbers of a point that elements leave alone, as many for every point."""
        ...

    def act(self, element: Element, points: Array) -> Array:
        """Apply an element to points, shape (..., size)."""
        ...

    def overlap(self, x: Array, target: Array) -> Overlap:
        """The scalar products with a target of the copies of a point by elements."""
        ...

    def automorphism(self, rng: np.random.Generator) -> Element | None:
        """Some further symmetry that makes other copies than the elements do; None without one."""
        ...

    def turn(self, automorphism: Element, points: Array) -> Array:
        """Apply a further symmetry to points, shape (..., size)."""
        ...

    def reversals(self, x: Array, y: Array) -> Sequence[Element]:
        """Further symmetries that exchange two points, but for an element."""
        ...

    def classes(self, x: Array) -> Element:
        """Numbers, one for each thing that elements move; equal where exchange changes nothing."""
        ...

    def closest_copy(self, x: Array, target: Array, rng: np.random.Generator) -> Array:
        """A copy of a point by symmetry that is close to another point."""
        ...

    def distance(self, x: Array, y: Array) -> float:
        """Length of a missing connection."""
        ...

    def first_guess(
        self, x: Array, y: Array, images: int, attempt: int, rng: np.random.Generator
    ) -> Array:
        """Images to begin a band with, its symmetry broken; shape (images, size)."""
        ...

    def fixed_space(self, objective: Objective, x: Array, y: Array) -> Restricted | None:
        """What symmetries that two points have in common leave alone; None without any."""
        ...

    def objection(self, ascent: Ascent, symmetry: Shared | None = None) -> str | None:
        """Why a critical point of index 1 here is no transition state; None if it is one.

        With symmetries its spectrum is that of the space which they fix.
        """
        ...

    def is_curved_up(self, x: Array, symmetry: Shared | None = None) -> bool:
        """Whether a critical point, perhaps with symmetries, is known to be a minimum."""
        ...

    def other_passes(self, x: Array, below: float = np.inf) -> Sequence[Pass]:
        """Passes near a maximum of a band where the function is not smooth, lower than a bound."""
        ...

    def passes_at(self, x: Array) -> Sequence[Pass]:
        """Passes at a point where the function is not smooth; none where it is."""
        ...

    def followed(self, x: Array) -> list[Any] | None:
        """Where later connections find what a known pass leads to; None if nothing is kept."""
        ...

    def settle(self, x: Array) -> Array | None:
        """The end of a descent that Newton's method cannot reach, if it can be told from here."""
        ...

    def may_slide(self, x: Array) -> bool:
        """Whether a path of constant value may begin at a minimum."""
        ...

    def flat_path(self, x: Array, y: Array) -> Array | None:
        """A path of constant value between two minima, if the landscape has one."""
        ...

    def intermediates(self, x: Array, y: Array, rng: np.random.Generator) -> Sequence[Array]:
        """Minima, known by symmetry, through which a lower route from x to y may lead."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSetting(Brief):
    """A function of which nothing else is known.

    Attributes
    ----------
    tolerance : float
        Distance below which two critical points are the same, relative to 1 + |x|.
    noise : tuple of float
        Displacements of the first guesses in turn, as fractions of the distance of the ends.
    """

    tolerance: float = SAME_PLACE
    noise: tuple[float, ...] = (0.0, 0.1, 0.3, 0.6)

    def relation(self, x: Array, reference: Array) -> Element | None:
        """The empty permutation for the same point."""
        near = np.linalg.norm(x - reference) <= self.tolerance * (1.0 + np.linalg.norm(x))
        return () if near else None

    def invariants(self, x: Array) -> Invariants:
        """None: comparing two points costs no more."""
        return Invariants(np.empty(0), np.empty(0))

    def act(self, element: Element, points: Array) -> Array:
        """The points themselves."""
        return points

    def overlap(self, x: Array, target: Array) -> Overlap:
        """There is one copy only."""
        return Overlap(float(x @ target), np.empty((0, 0)))

    def automorphism(self, rng: np.random.Generator) -> Element | None:
        """No symmetry is known."""
        return None

    def turn(self, automorphism: Element, points: Array) -> Array:
        """The points themselves."""
        return points

    def classes(self, x: Array) -> Element:
        """Nothing is moved."""
        return ()

    def reversals(self, x: Array, y: Array) -> Sequence[Element]:
        """No further symmetry is known."""
        return ()

    def closest_copy(self, x: Array, target: Array, rng: np.random.Generator) -> Array:
        """The point itself."""
        return x

    def distance(self, x: Array, y: Array) -> float:
        """Euclidean distance."""
        return float(np.linalg.norm(x - y))

    def first_guess(
        self, x: Array, y: Array, images: int, attempt: int, rng: np.random.Generator
    ) -> Array:
        """The straight line, bent by a random half wave from the second attempt on."""
        share = np.linspace(0.0, 1.0, images)
        line = x + share[:, None] * (y - x)
        bend = rng.standard_normal(x.size)
        bend *= self.noise[attempt % len(self.noise)] * self.distance(x, y) / np.linalg.norm(bend)
        line += np.sin(np.pi * share)[:, None] * bend
        line[0], line[-1] = x, y
        return np.asarray(line)

    def fixed_space(self, objective: Objective, x: Array, y: Array) -> Restricted | None:
        """No symmetry is known."""
        return None

    def objection(self, ascent: Ascent, symmetry: Shared | None = None) -> str | None:
        """None: index 1 is all that is asked."""
        return None

    def is_curved_up(self, x: Array, symmetry: Shared | None = None) -> bool:
        """Nothing is known of a point beforehand."""
        return False

    def other_passes(self, x: Array, below: float = np.inf) -> Sequence[Pass]:
        """A smooth function has none."""
        return ()

    def passes_at(self, x: Array) -> Sequence[Pass]:
        """A smooth function has none."""
        return ()

    def followed(self, x: Array) -> list[Any] | None:
        """Nothing is kept."""
        return None

    def settle(self, x: Array) -> Array | None:
        """Nothing is known of the minima beforehand."""
        return None

    def may_slide(self, x: Array) -> bool:
        """No flat set is known."""
        return False

    def flat_path(self, x: Array, y: Array) -> Array | None:
        """No flat set is known."""
        return None

    def intermediates(self, x: Array, y: Array, rng: np.random.Generator) -> Sequence[Array]:
        """No symmetry is known."""
        return ()


class _Labelled:
    """A labelled point, for comparisons up to the elements of a setting."""

    def __init__(self, setting: Setting, x: Array) -> None:
        self._setting = setting
        self.x = x

    def match(self, other: _Labelled) -> Element | None:
        return self._setting.relation(other.x, self.x)


def known_places(setting: Setting) -> Known[Array]:
    """Points of a landscape by number, one of all copies that elements make."""
    return Known(partial(_Labelled, setting), slack=same_value, invariants=setting.invariants)
