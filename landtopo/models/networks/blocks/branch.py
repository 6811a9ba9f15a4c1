"""One family over all sizes: its overlaps at any size, where it turns back, where it crosses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from mpmath import fp

from landtopo.models.networks.blocks.continuation import Node, fold_near, follow, newton
from landtopo.models.networks.blocks.grown import Grown
from landtopo.models.networks.blocks.kinds import Kind
from landtopo.models.networks.blocks.loss import (
    PRECISE,
    Slopes,
    Vector,
    curvature,
    gradient,
    loss,
    slopes,
)
from landtopo.models.networks.blocks.pattern import Real
from landtopo.models.networks.blocks.spectrum import (
    Representation,
    hessian_block,
    normal_block,
    representations,
)
from landtopo.shown import Brief

__all__ = ["FARTHEST", "Branch", "Crossing", "Fold", "Walk", "branch_of", "eigenvalues"]

#: Sizes up to which stability is looked at.
FARTHEST = 1e7

# Times the number of anti-aligned neurons: what sizes are followed to in doubles, which lose a
# digit for each factor of ten.
_DOUBLES_UP_TO, _DOUBLES_AT_MOST = 1e4, 1e6
# Steps in size^(-1/2): of the search for signs, and those for which arc length is not needed where
# overlaps (times the number of teacher vectors) change by less than the given factor of the step.
_SCAN, _SMALL_STEP, _STEEPEST = 0.03, 0.04, 20
_POLYNOMIAL = 4
# How often the distance to a fold is halved.
_APPROACHES = 8
# Powers of 4 times the first size, and how many, for the expansion at large sizes.
_FROM, _TERMS = 4, 9
_NO_LIMIT = 1e-9
_JUST_ABOVE = 1 + 1e-9
_CROSSED = PRECISE.mpf("1e-20")
_MOST_SECANTS = 80


# Representation by kind and classes, and whether of the normal block.
_Block = tuple[str, tuple[int, ...], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing(Brief):
    """A size at which an eigenvalue is zero and changes its sign.

    Attributes
    ----------
    at : Slopes
        The point there.
    size : float
    representation : Representation
        Of the eigenvalue that is zero.
    outside : bool
        Whether it is one of the normal block.
    rises : bool
        Whether it is positive at larger sizes.
    minimum : bool
        Whether the family is a minimum at the sizes just above.
    """

    at: Slopes = field(repr=False)
    size: Real
    representation: Representation
    outside: bool
    rises: bool
    minimum: bool

    @property
    def onset(self) -> bool:
        """Whether the family is a minimum above and none below."""
        return self.minimum and self.rises


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold(Brief):
    """A size at which a family turns back, and exists on one side only."""

    at: Slopes = field(repr=False)
    size: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk(Brief):
    """What happens to a family on its way from large sizes to small ones.

    Attributes
    ----------
    crossings : tuple of Crossing
        By falling size.
    fold : Fold or None
        Where the way ends by turning back.
    lowest : float or None
        The smallest size that was looked at; None where the family is not there at large sizes.
    """

    crossings: tuple[Crossing, ...]
    fold: Fold | None
    lowest: float | None


class _AtSize:
    """The equations of a family at one size; a parameter is not used."""

    def __init__(
        self, kind: Kind | Grown, size: Real, arithmetic: Any = PRECISE, scale: Vector | None = None
    ) -> None:
        self.arithmetic = arithmetic
        self.pattern = kind.pattern(size, arithmetic)
        # Overlaps with many teacher vectors are small as one over their number.
        self.scale = scale or [1 + one.size for one in self.pattern.coordinates]

    def overlaps(self, y: Vector) -> Vector:
        return [one / scale for one, scale in zip(y, self.scale, strict=True)]

    def scaled(self, x: Vector) -> Vector:
        return [one * scale for one, scale in zip(x, self.scale, strict=True)]

    def point(self, y: Vector) -> Slopes:
        return slopes(self.pattern, self.overlaps(y), self.arithmetic)

    def residual(self, y: Vector, t: Real) -> Vector:
        return gradient(self.point(y))

    def jacobian(self, y: Vector, t: Real) -> Any:
        size = len(y)
        zero = self.arithmetic.zero
        units = [[1 / self.scale[i] if i == j else zero for i in range(size)] for j in range(size)]
        matrix = curvature(self.point(y), units)
        for i in range(size):
            for j in range(size):
                matrix[i, j] *= self.scale[i] / self.pattern.multiplicities[i]
        return matrix


class _OverSizes:
    """The equations of a family with the parameter size^(-1/2), in doubles."""

    arithmetic: Any = fp

    def __init__(self, kind: Kind | Grown) -> None:
        self.kind = kind

    def at(self, t: Real) -> _AtSize:
        return _AtSize(self.kind, t**-2, fp)

    def residual(self, y: Vector, t: Real) -> Vector:
        return self.at(t).residual(y, t)

    def jacobian(self, y: Vector, t: Real) -> Any:
        return self.at(t).jacobian(y, t)


class Branch:
    """A family over sizes: followed in doubles, with all digits where it is asked for.

    Parameters
    ----------
    kind : Kind or Grown

    Attributes
    ----------
    found : bool
        Whether there is a point at the first size.
    """

    def __init__(self, kind: Kind | Grown) -> None:
        self.kind = kind
        count = kind.fixed or 1
        self._in_doubles = max(min(_DOUBLES_UP_TO * count, _DOUBLES_AT_MOST), 4 * kind.first)
        self._equations = _OverSizes(kind)
        self._nodes: list[Node] = []
        start = kind.start()
        if start is not None:
            t = kind.first**-0.5
            node = newton(self._equations, self._equations.at(t).scaled(start), t)
            if node is not None and self._fits(node):
                self._nodes.append(node)
        self.found = bool(self._nodes)

    def at(self, size: Real) -> Slopes | None:
        """The point at a size, exact to the digits; None where the family does not reach it.

        Parameters
        ----------
        size : float
            At least `kind.least`.
        """
        near = self._near(max(float(size), self.kind.least * _JUST_ABOVE))
        if near is None:
            return None
        source = self._equations.at(near.t)
        x = source.overlaps(near.y)
        equations = _AtSize(self.kind, PRECISE.mpf(size))
        # At the least size one kind of overlap is of no teacher vector.
        places = [source.pattern.place[key] for key in equations.pattern.place]
        guess = equations.scaled([x[i] * PRECISE.one for i in places])
        end = newton(equations, guess, PRECISE.zero)
        if end is None:
            return None
        at = equations.point(end.y)
        return at if self.kind.fits(equations.pattern, at.x) else None

    def _near(self, size: float) -> Node | None:
        """The point at a size, in doubles."""
        t = size**-0.5
        if not self._nodes:
            return None
        if size > self._in_doubles:
            # Beyond, doubles do not have the digits, and the curve is smooth in the parameter.
            ends = [self._near(self._in_doubles / 2**i) for i in range(_POLYNOMIAL)]
            known = [node for node in ends if node is not None]
            return _through(known, t) if len(known) == len(ends) else None
        nearest, *others = sorted(self._nodes, key=lambda node: abs(node.t - t))
        if nearest.t == t:
            return nearest
        if others and abs(nearest.t - t) < _SMALL_STEP:
            node = newton(self._equations, _through([nearest, others[0]], t).y, t)
            if node is not None and _apart(node, nearest) < _STEEPEST * abs(t - nearest.t):
                self._nodes.append(node)
                return node
        curve = follow(self._equations, nearest, t)
        self._nodes += curve.nodes[1:]
        return curve.nodes[-1] if curve.reached else None

    def _fits(self, node: Node) -> bool:
        here = self._equations.at(node.t)
        return self.kind.fits(here.pattern, here.overlaps(node.y))

    def walk(self) -> Walk:
        """From `FARTHEST` down to the smallest size: where eigenvalues cross zero, where it ends.

        Two changes of one eigenvalue between neighbouring sizes of the walk are not seen.
        """
        crossings: list[Crossing] = []
        above: tuple[float, dict[_Block, int]] | None = None
        for size in self._sizes():
            here = self._negative(size)
            if here is None:
                if above is None:
                    return Walk(crossings=(), fold=None, lowest=None)
                fold = self._fold(above[0])
                for size in () if fold is None else _towards(above[0], float(fold.size)):
                    here = self._negative(size)
                    if here is None:
                        break
                    crossings += self._between(size, here, *above)
                    above = size, here
                return Walk(crossings=tuple(crossings), fold=fold, lowest=above[0])
            if above is not None:
                crossings += self._between(size, here, *above)
            above = size, here
        assert above is not None
        return Walk(crossings=tuple(crossings), fold=None, lowest=above[0])

    def _between(
        self, low: float, below: dict[_Block, int], high: float, above: dict[_Block, int]
    ) -> list[Crossing]:
        """All crossings between two sizes, by falling size."""
        found = []
        for block, number in below.items():
            if block in above:
                ends = sorted((number, above[block]))
                for place in range(*ends):
                    size = self._cross(block, place, low, high)
                    found.append((size, block, number > above[block]))
        found.sort(key=lambda one: -one[0])
        negative = sum(above.values())
        crossings = []
        for size, block, rises in found:
            at = self.at(size)
            assert at is not None
            crossings.append(
                Crossing(
                    at=at,
                    size=size,
                    representation=self._found(at, block),
                    outside=block[2],
                    rises=rises,
                    minimum=negative == 0,
                )
            )
            negative += 1 if rises else -1
        return crossings

    def _fold(self, size: float) -> Fold | None:
        """Where the curve turns back next below a size; None where it ends otherwise."""
        start = self._near(size)
        assert start is not None
        near = follow(self._equations, start, (self.kind.least * _JUST_ABOVE) ** -0.5).nodes[-1]
        scale = self._equations.at(near.t).scale
        turn = fold_near(
            lambda t: _AtSize(self.kind, t**-2, PRECISE, scale),
            Node(y=[PRECISE.mpf(one) for one in near.y], t=PRECISE.mpf(near.t)),
        )
        if turn is None or abs(turn.t - near.t) > _SCAN:
            return None
        equations = _AtSize(self.kind, turn.t**-2, PRECISE, scale)
        at = equations.point(turn.y)
        if not self.kind.fits(equations.pattern, at.x):
            return None
        return Fold(at=at, size=turn.t**-2)

    def expansion(self) -> tuple[int, Vector] | None:
        """Coefficients of size^power L in powers of size^(-1/2), for large sizes.

        Richardson's extrapolation: the polynomial through values at sizes of ratio 4. The power is
        1 where the limit of L is zero to the digits that this gives, and 0 otherwise.
        """
        points = [self.at(4**j * self.kind.first) for j in range(_FROM, _FROM + _TERMS)]
        rows, values = PRECISE.zeros(_TERMS, _TERMS), PRECISE.zeros(_TERMS, 1)
        sizes = []
        for i, at in enumerate(points):
            if at is None:
                return None
            sizes.append(sum(at.pattern.sizes))
            values[i] = loss(at)
            for j in range(_TERMS):
                rows[i, j] = sizes[i] ** (-PRECISE.mpf(j) / 2)
        terms = list(PRECISE.lu_solve(rows, values))
        if abs(terms[0]) > _NO_LIMIT:
            return 0, terms
        for i, size in enumerate(sizes):
            values[i] *= size
        return 1, list(PRECISE.lu_solve(rows, values))

    def _sizes(self) -> Iterator[float]:
        yield FARTHEST
        # Eigenvalues are smooth in size^(-1/2).
        low, high = self._in_doubles**-0.5, (self.kind.least * _JUST_ABOVE) ** -0.5
        for t in np.linspace(low, high, 1 + math.ceil((high - low) / _SCAN)):
            yield float(t) ** -2

    def _negative(self, size: float) -> dict[_Block, int] | None:
        """How many eigenvalues of each block are negative; None where the family does not reach."""
        at: Slopes | None = None
        if size > self._in_doubles:
            at = self.at(size)
        elif (node := self._near(size)) is not None and self._fits(node):
            at = self._equations.at(node.t).point(node.y)
        if at is None:
            return None
        return {
            (one.kind, one.classes, outside): sum(value < 0 for value in values)
            for one in representations(at.pattern)
            for outside in (False, True)
            if (values := eigenvalues(at, one, outside=outside))
        }

    def _cross(self, block: _Block, place: int, low: Real, high: Real) -> Real:
        """The size between two others where an eigenvalue of a block, by its place, is zero."""

        def value_at(size: Real) -> Real:
            return self._values(size, block)[place]

        ends = [(PRECISE.mpf(size), value_at(size)) for size in (low, high)]
        rises = ends[1][1] > 0
        size, stayed = ends[0][0], -1
        for _ in range(_MOST_SECANTS):
            (a, below), (b, above) = ends
            size = (a * above - b * below) / (above - below)
            value = value_at(size)
            if abs(value) < _CROSSED:
                break
            kept = 1 if (value < 0) == rises else 0
            ends[1 - kept] = (size, value)
            # An end that stays twice counts half (Illinois), or the other one would never move.
            if kept == stayed:
                ends[kept] = (ends[kept][0], ends[kept][1] / 2)
            stayed = kept
        return size

    def _values(self, size: Real, block: _Block) -> Vector:
        at = self.at(size)
        assert at is not None
        return eigenvalues(at, self._found(at, block), outside=block[2])

    @staticmethod
    def _found(at: Slopes, block: _Block) -> Representation:
        return next(
            one for one in representations(at.pattern) if (one.kind, one.classes) == block[:2]
        )


def eigenvalues(at: Slopes, representation: Representation, *, outside: bool) -> Vector:
    """Eigenvalues on the copies of a representation, ascending.

    Parameters
    ----------
    at : Slopes
    representation : Representation
    outside : bool
        Of the normal block, otherwise of the Hessian in the teacher's span.
    """
    block = (normal_block if outside else hessian_block)(at, representation)
    if not block.rows:
        return []
    if at.arithmetic is fp:
        # Before 1.4, mpmath fails here in doubles.
        return [float(value) for value in np.linalg.eigvalsh(np.array(block.tolist(), dtype=float))]
    return sorted(at.arithmetic.eigsy(block, eigvals_only=True))


@lru_cache(maxsize=64)
def branch_of(kind: Kind | Grown) -> Branch:
    """The branch of a kind, with what is known of it already.

    Parameters
    ----------
    kind : Kind or Grown
    """
    return Branch(kind)


def _towards(size: float, end: float) -> Iterator[float]:
    """Sizes that come ever closer to an end."""
    for _ in range(_APPROACHES):
        size = (size + end) / 2
        yield size


def _through(nodes: list[Node], t: float) -> Node:
    """On the polynomial through some nodes."""
    y = [0.0] * len(nodes[0].y)
    for one in nodes:
        share = math.prod((t - other.t) / (one.t - other.t) for other in nodes if other is not one)
        y = [a + share * b for a, b in zip(y, one.y, strict=True)]
    return Node(y=y, t=t)


def _apart(one: Node, other: Node) -> float:
    return float(max(abs(a - b) for a, b in zip(one.y, other.y, strict=True)))
