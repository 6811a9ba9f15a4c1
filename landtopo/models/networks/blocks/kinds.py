"""The families that are told by how many neurons are anti-aligned, and where each is looked for.

At every size they are the same few numbers: followers of a class of teacher vectors that they are
anti-aligned with, followers of the others, and perhaps one neuron more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import fp
from scipy.optimize import minimize

from landtopo.models.networks.blocks.loss import (
    PRECISE,
    Slopes,
    Vector,
    curvature,
    gradient,
    loss,
    slopes,
)
from landtopo.models.networks.blocks.pattern import Pattern, Real
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["EXTRAS", "Kind"]

EXTRAS = ("spread", "opposed")

# Where the search begins: overlaps of anti-aligned neurons with their own teacher vectors, and of
# the extra neuron; near those of the families at the first size, as there are other basins.
_OWN = {None: 0.6, "spread": 0.4, "opposed": 0.6}
_EXTRA = {None: 0.0, "spread": 0.3, "opposed": -0.2}
_OTHERS = 0.6
_STATIONARY = 1e-6
# Overlaps that rounding leaves where the sign changes.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Brief):
    """A family at all sizes.

    Attributes
    ----------
    anti_aligned : int or None
        Neurons with a negative overlap with their own teacher vector; None for all.
    extra : str or None
        One neuron more than teacher vectors, with the same overlap with all of those that
        anti-aligned neurons follow: a positive one (``spread``) or a negative one (``opposed``).
    """

    anti_aligned: int | None
    extra: str | None

    @property
    def least(self) -> float:
        """The smallest size with these classes."""
        return 2.0 if self.anti_aligned is None else max(self.anti_aligned + 1.0, 2.0)

    @property
    def first(self) -> float:
        """The size at which the family is looked for."""
        return 10.0 if self.anti_aligned is None else 3.0 * self.anti_aligned + 8.0

    @property
    def fixed(self) -> int:
        """Teacher vectors in the classes that do not grow."""
        return self.anti_aligned or 0

    @property
    def orbits(self) -> tuple[str, ...]:
        """Names of the orbits of neurons."""
        return (*self.classes, "extra") if self.extra else self.classes

    def width(self, size: Real) -> Real:
        """Neurons at a size."""
        return size + (self.extra is not None)

    @property
    def classes(self) -> tuple[str, ...]:
        """What followers of each class are."""
        if self.anti_aligned is None:
            return ("anti-aligned",)
        return ("anti-aligned", "aligned") if self.anti_aligned else ("aligned",)

    def pattern(self, size: Real, arithmetic: Any = PRECISE) -> Pattern:
        """Blocks at a size, which is the number of teacher vectors."""
        sizes: tuple[Real, ...] = (arithmetic.mpf(size),)
        if len(self.classes) == 2:
            sizes = (arithmetic.mpf(self.anti_aligned), sizes[0] - self.anti_aligned)
        students: tuple[int | None, ...] = tuple(range(len(sizes)))
        return Pattern(sizes=sizes, students=(*students, None) if self.extra else students)

    def start(self) -> Vector | None:
        """The overlaps at the first size, to some digits; None where they are not found."""
        pattern = self.pattern(self.first, fp)
        start = self._guess(pattern)
        return start if self.anti_aligned == 0 else self._lowest(pattern, start)

    def _lowest(self, pattern: Pattern, start: Vector) -> Vector | None:
        """The minimum of the fixed space next to a guess."""
        root: Array = np.sqrt(np.array(pattern.multiplicities, dtype=np.float64))
        units = [[float(i == j) / root[i] for i in range(len(root))] for j in range(len(root))]

        def at(y: Array) -> Slopes:
            return slopes(pattern, list(map(float, y / root)), fp)

        def value(y: Array) -> float:
            return float(loss(at(y)))

        def slope(y: Array) -> Array:
            return np.array(gradient(at(y)), dtype=np.float64) * root

        def second(y: Array) -> Array:
            return np.array(curvature(at(y), units).tolist(), dtype=np.float64)

        # Orthonormal coordinates of the fixed space: its minimum, not one of the whole landscape.
        found = minimize(
            value,
            np.array(start, dtype=np.float64) * root,
            jac=slope,
            hess=second,
            method="trust-exact",
            options={"gtol": 1e-8, "initial_trust_radius": 0.2, "max_trust_radius": 1.0},
        )
        x = list(map(float, found.x / root))
        stationary = float(np.linalg.norm(found.jac)) < _STATIONARY
        return x if stationary and self.fits(pattern, x) else None

    def _guess(self, pattern: Pattern) -> Vector:
        x = []
        size = sum(pattern.sizes)
        for one in pattern.coordinates:
            anti = self.classes[one.teacher] == "anti-aligned"
            if pattern.students[one.student] is None:
                x.append(_EXTRA[self.extra] if anti else -_EXTRA[self.extra] / size**0.5)
            elif self.classes[one.student] == "aligned":
                x.append(1.0 if one.own else 0.0)
            else:
                x.append(-_OWN[self.extra] if one.own else _OTHERS / size)
        return x

    def fits(self, pattern: Pattern, x: Vector) -> bool:
        """Whether overlaps have the signs that the family is named by, and no neuron is zero."""
        for one, value in zip(pattern.coordinates, x, strict=True):
            if one.own:
                sign = 1 if self.classes[one.student] == "aligned" else -1
            elif (
                pattern.students[one.student] is None
                and self.classes[one.teacher] == "anti-aligned"
            ):
                sign = 1 if self.extra == "spread" else -1
            else:
                continue
            if value * sign <= _NOTHING:
                return False
        norms = [sum(n * x[i] ** 2 for n, i in part) for part in pattern.parts]
        return all(norm > _NOTHING**2 for norm in norms)
