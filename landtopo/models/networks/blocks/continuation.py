"""Solutions of equations with one parameter, followed along their curve by arc length.

A step goes along the tangent of the curve (y, t) and comes back by Newton's method on the plane
across it, so that a curve that turns back in t is followed all the same (Keller, 1977).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from landtopo.models.networks.blocks.loss import Vector
from landtopo.models.networks.blocks.pattern import Real
from landtopo.shown import Brief

__all__ = ["Curve", "Equations", "Node", "fold_near", "follow", "newton"]

_MOST_STEPS = 400
_MOST_ITERATIONS = 40
_CORRECTIONS = 8
# Cosine between tangents below which a step may have come to another curve.
_STRAIGHT = 0.8
_FIRST, _LONGEST, _SHORTEST = 0.02, 0.5, 1e-7
# Powers of the rounding unit: a step of Newton's method after which nothing changes any more, and
# the relative change of the parameter for its derivative.
_LAST_STEP, _CHANGE = 0.45, 1 / 3


class Equations(Protocol):
    """As many equations as unknowns, with a parameter."""

    @property
    def arithmetic(self) -> Any:
        """The mpmath context that all numbers are of."""
        ...

    def residual(self, y: Vector, t: Real) -> Vector:
        """What is zero at a solution."""
        ...

    def jacobian(self, y: Vector, t: Real) -> Any:
        """Derivative of the residual by y, a matrix."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Brief):
    """A solution y at a parameter t."""

    y: Vector = field(repr=False)
    t: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Brief):
    """Solutions along a curve, in order.

    Attributes
    ----------
    nodes : tuple of Node
        The last one is at the end that was asked for where `reached`.
    reached : bool
        Otherwise the curve turned back, ended, or took too many steps.
    """

    nodes: tuple[Node, ...]
    reached: bool


def newton(equations: Equations, y: Vector, t: Real) -> Node | None:
    """A solution at a given parameter, to the digits of the arithmetic; None where none is near.

    Parameters
    ----------
    equations : Equations
    y : list of float
        Where to begin.
    t : float
    """
    for _ in range(_MOST_ITERATIONS):
        step = _solved(equations, equations.jacobian(y, t), equations.residual(y, t))
        if step is None or not _size(step) < 1:
            return None
        y = [one - change for one, change in zip(y, step, strict=True)]
        if _size(step) < _last_step(equations):
            return Node(y=y, t=t)
    return None


def follow(equations: Equations, start: Node, to: Real) -> Curve:
    """The curve through a solution, up to a parameter.

    Parameters
    ----------
    equations : Equations
    start : Node
    to : float
        Parameter of the end; where the curve turns back before it, it ends at the turn.
    """
    nodes = [start]
    way = 1 if to > start.t else -1
    length = equations.arithmetic.mpf(_FIRST)
    direction = _tangent(equations, start, [0 * one for one in start.y] + [way])
    for _ in range(_MOST_STEPS):
        here = nodes[-1]
        if direction is None:
            break
        if length < _SHORTEST:
            return Curve(nodes=tuple(nodes), reached=False)
        if (to - here.t) * way <= length * abs(direction[-1]):
            share = (to - here.t) / direction[-1]
            guess = [a + share * b for a, b in zip(here.y, direction, strict=False)]
            end = newton(equations, guess, to)
            if end is not None and _near(end.y, guess, length):
                nodes.append(end)
                break
            length /= 2
            continue
        there, tries = _correct(equations, here, direction, length)
        turned = None if there is None else _tangent(equations, there, direction)
        # At a turn steps become ever shorter; what lies behind it is not of the way.
        if (
            there is None
            or turned is None
            or _cosine(direction, turned) < _STRAIGHT
            or turned[-1] * way <= 0
        ):
            length /= 2
            continue
        nodes.append(there)
        direction = turned
        if tries <= 3:
            length = min(2 * length, _LONGEST)
    return Curve(nodes=tuple(nodes), reached=nodes[-1].t == to)


def fold_near(equations_at: Callable[[Real], Equations], near: Node) -> Node | None:
    """The solution at which a curve turns back, to the digits of the arithmetic.

    Newton's method on: the residual is zero, the Jacobian has a null vector v, v.v0 = 1 (Moore and
    Spence, 1980). Derivatives of this system are differences, for arithmetics of many digits.

    Parameters
    ----------
    equations_at : callable
        The equations at a parameter; their residual and Jacobian are asked for at it.
    near : Node
        Close to the turn.

    Returns
    -------
    Node or None
    """
    size = len(near.y)
    equations = equations_at(near.t)
    arithmetic = equations.arithmetic
    matrix = equations.jacobian(near.y, near.t)
    guess = [arithmetic.one] * size
    for _ in range(3):
        solved = _solved(equations, matrix, guess)
        if solved is None:
            return None
        norm = arithmetic.sqrt(sum(one * one for one in solved))
        guess = [one / norm for one in solved]

    def system(z: Vector) -> Vector:
        y, v, t = z[:size], z[size : 2 * size], z[-1]
        here = equations_at(t)
        bent = here.jacobian(y, t) * arithmetic.matrix(v)
        across = sum(a * b for a, b in zip(v, guess, strict=True)) - 1
        return [*here.residual(y, t), *bent, across]

    z = [*near.y, *guess, near.t]
    change = arithmetic.eps**0.5
    for _ in range(_MOST_ITERATIONS):
        value = system(z)
        slopes = arithmetic.zeros(len(z), len(z))
        for j in range(len(z)):
            moved = list(z)
            moved[j] += change
            for i, (a, b) in enumerate(zip(system(moved), value, strict=True)):
                slopes[i, j] = (a - b) / change
        step = _solved(equations, slopes, value)
        if step is None or not _size(step) < 1:
            return None
        z = [one - move for one, move in zip(z, step, strict=True)]
        if not z[-1] > 0:
            return None
        if _size(step) < arithmetic.eps**0.4:
            return Node(y=z[:size], t=z[-1])
    return None


def _cosine(one: Vector, other: Vector) -> Real:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _near(y: Vector, guess: Vector, length: Real) -> bool:
    return bool(_size([a - b for a, b in zip(y, guess, strict=True)]) <= length)


def _size(vector: Vector) -> Real:
    return max(map(abs, vector))


def _last_step(equations: Equations) -> Real:
    return equations.arithmetic.eps**_LAST_STEP


def _solved(equations: Equations, matrix: Any, right: Vector) -> Vector | None:
    """Solution of a linear system; None where the matrix is singular."""
    arithmetic = equations.arithmetic
    try:
        return list(arithmetic.lu_solve(matrix, arithmetic.matrix(right)))
    except ZeroDivisionError:
        return None


def _bordered(equations: Equations, node: Node, last: Vector) -> Any:
    """Jacobian by (y, t), with a last row."""
    size = len(node.y)
    whole = equations.arithmetic.zeros(size + 1, size + 1)
    inner = equations.jacobian(node.y, node.t)
    change = node.t * equations.arithmetic.eps**_CHANGE
    before = equations.residual(node.y, node.t)
    after = equations.residual(node.y, node.t + change)
    for i in range(size):
        for j in range(size):
            whole[i, j] = inner[i, j]
        whole[i, size] = (after[i] - before[i]) / change
    for j in range(size + 1):
        whole[size, j] = last[j]
    return whole


def _tangent(equations: Equations, node: Node, along: Vector) -> Vector | None:
    """Unit tangent of the curve that points along a direction; None at a branch point."""
    found = _solved(equations, _bordered(equations, node, along), [0] * len(node.y) + [1])
    if found is None:
        return None
    norm = equations.arithmetic.sqrt(sum(one * one for one in found))
    return [one / norm for one in found]


def _correct(
    equations: Equations, here: Node, direction: Vector, length: Real
) -> tuple[Node | None, int]:
    """The solution across the end of a step, and how many corrections it took."""
    ahead = [a + length * b for a, b in zip([*here.y, here.t], direction, strict=True)]
    now = list(ahead)
    for tries in range(_CORRECTIONS):
        node = Node(y=now[:-1], t=now[-1])
        if node.t <= 0:
            return None, tries
        off = sum(d * (a - b) for d, a, b in zip(direction, now, ahead, strict=True))
        values = [*equations.residual(node.y, node.t), off]
        step = _solved(equations, _bordered(equations, node, direction), values)
        if step is None:
            break
        now = [a - b for a, b in zip(now, step, strict=True)]
        if not _near(now, ahead, length):
            break
        if _size(step) < _last_step(equations):
            return Node(y=now[:-1], t=now[-1]), tries
    return None, _CORRECTIONS
