"""A curve from a point to both ends of the range, with everything that happens on the way.

Between two points of a curve an eigenvalue that changes its sign is pinned down by bisection and
secants along the arc, so is a parameter that turns back. A turn at which the Hessian in the fixed
space changes its index is a fold; one at which it does not is where the curve meets a point of
larger symmetry and goes back along its own mirror image. Where the index in the space changes
without a turn, the curve crosses one of larger symmetry.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.optimize import brentq

from landtopo.models.networks.sweeps.branch import Branch, Node
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["WIDE", "Ending", "Happening", "HappeningKind", "Trace", "bracketed", "trace"]

#: Half the width of the interval that an event is proved to lie in by the points on both sides.
WIDE = 4e-9

_FIRST, _LONGEST, _SHORTEST = 0.02, 0.06, 1e-7
_STRAIGHT = 0.95
_SLOW, _CAREFUL = 0.05, 0.004
_MOST_STEPS, _ROUND = 1500, 10
_SAME = 1e-7
_EXACT = 1e-14


class HappeningKind(StrEnum):
    """What happens at a value of the parameter, as a sentence."""

    FOLD = "Two families meet and are gone on the other side."
    CROSSING = "Eigenvalues of the family change their sign."
    MEETING = "The family meets one of larger symmetry."


class Ending(StrEnum):
    """How a curve ends, as a sentence."""

    RANGE = "The range of the parameter ends."
    MEETING = "The curve goes back along its mirror image, from a point of larger symmetry."
    CLOSED = "The curve is closed."
    NEURON = "No step leads on: a neuron vanishes, or the curve has a corner."
    LONG = "The limit of steps was reached."


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening(Brief):
    """Something that happens to a curve.

    Attributes
    ----------
    kind : HappeningKind
    value : float
        The parameter.
    weights : ndarray, shape (K, D)
    place : int
        It lies between this node of the curve and the next one.
    inner, outer : int
        How many eigenvalues of the Hessian and of the normal block change their sign.
    """

    kind: HappeningKind
    value: float
    weights: Array
    place: int
    inner: int = 0
    outer: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace(Brief):
    """A curve, in order of arc length.

    Attributes
    ----------
    nodes : tuple of Node
    happenings : tuple of Happening
    first, last : Ending
        At the two ends.
    """

    nodes: tuple[Node, ...]
    happenings: tuple[Happening, ...]
    first: Ending
    last: Ending


def trace(branch: Branch, start: Node) -> Trace:
    """Follow a curve both ways.

    Parameters
    ----------
    branch : Branch
    start : Node
    """
    forward, met, last = _walk(branch, start)
    if last is Ending.CLOSED and met:
        return _opened(forward, met)
    backward, before, first = _walk(branch, replace(start, tangent=-start.tangent))
    shift = len(backward) - 1
    nodes = (*(replace(one, tangent=-one.tangent) for one in backward[:0:-1]), *forward)
    happenings = [replace(one, place=shift - 1 - one.place) for one in reversed(before)]
    happenings += [replace(one, place=one.place + shift) for one in met]
    return Trace(nodes=nodes, happenings=tuple(happenings), first=first, last=last)


def _opened(nodes: list[Node], met: list[Happening]) -> Trace:
    """A closed curve, cut at the first thing that happens on it, which is at both ends then."""
    cut = met[0].place + 1
    turned = (*nodes[cut:], *nodes[:cut])
    moved = [replace(one, place=one.place - cut) for one in met]
    return Trace(
        nodes=turned,
        happenings=(*moved, replace(met[0], place=len(turned) - 1)),
        first=Ending.CLOSED,
        last=Ending.CLOSED,
    )


def _walk(branch: Branch, start: Node) -> tuple[list[Node], list[Happening], Ending]:
    nodes: list[Node] = [start]
    met: list[Happening] = []
    length = _FIRST
    low, high = branch.curve.low, branch.curve.high
    for _ in range(_MOST_STEPS):
        here = nodes[-1]
        there = branch.correct(here, length)
        if (
            there is None
            or there.tangent @ here.tangent < _STRAIGHT
            or (abs(there.tangent[-1]) < _SLOW and length > 1.5 * _CAREFUL)
        ):
            length /= 2.0
            if length < _SHORTEST:
                return nodes, met, Ending.NEURON
            continue
        if not low <= there.value <= high:
            bound = low if there.value < low else high
            share = (bound - here.value) / (there.value - here.value)
            guess = here.weights + share * (there.weights - here.weights)
            y = branch.at(guess, bound)
            end = None if y is None else branch.node(y, bound, there.tangent)
            if end is None:
                length /= 2.0
                if length < _SHORTEST:
                    return nodes, met, Ending.NEURON
                continue
            there = end
            reach = float(
                here.tangent
                @ np.append(
                    branch.space.basis.T @ (end.weights - here.weights).ravel(),
                    end.value - here.value,
                )
            )
            # Turns beyond the end are none of the range.
            turned = there.tangent[-1] * here.tangent[-1] < 0
            found = [] if turned else _between(branch, here, there, reach, len(nodes) - 1)
            return [*nodes, there], met + found, Ending.RANGE
        found = _between(branch, here, there, length, len(nodes) - 1)
        met += found
        if len(nodes) > _ROUND and _is_back(branch, start, there, length):
            return nodes, met, Ending.CLOSED
        nodes.append(there)
        if any(
            one.kind is HappeningKind.MEETING and there.tangent[-1] * here.tangent[-1] < 0
            for one in found
        ):
            return nodes, met, Ending.MEETING
        # Where the parameter hardly changes a curve may turn more than once on a short way.
        slow = abs(there.tangent[-1]) < _SLOW
        length = min(1.5 * length, _CAREFUL if slow else _LONGEST)
    return nodes, met, Ending.LONG


def _is_back(branch: Branch, start: Node, there: Node, length: float) -> bool:
    apart = np.append((there.weights - start.weights).ravel(), there.value - start.value)
    return bool(np.linalg.norm(apart) < length and there.tangent @ start.tangent > _STRAIGHT)


def _between(branch: Branch, here: Node, there: Node, length: float, place: int) -> list[Happening]:
    """Everything that happens within one step, in order."""

    def at(s: float) -> Node:
        node = there if s == length else branch.correct(here, s) if s else here
        if node is None:
            raise ArithmeticError
        return node

    inside = here.within != there.within
    turns = here.tangent[-1] * there.tangent[-1] < 0
    # Where curves cross the equations are singular, and there is nothing to solve.
    if turns and not inside:
        return [_mirrored(branch, here, there, length, place)]
    if inside and not turns:
        return _crossed(branch, here, there, length, place)
    found: list[tuple[float, Happening]] = []
    try:
        crossed = []
        for outer, (one, other) in enumerate(zip(here.negative, there.negative, strict=True)):
            for k in range(min(one, other), max(one, other)):
                s = _zero(at, length, lambda node, k=k, o=outer: (node.spectrum, node.normal)[o][k])
                crossed.append((s, outer))
        turn = None
        if turns:
            turn = _zero(at, length, lambda node: node.tangent[-1])
        if turn is not None:
            node = at(turn)
            crossed = [one for one in crossed if abs(at(one[0]).value - node.value) > _SAME]
            found.append(
                (
                    turn,
                    Happening(
                        kind=HappeningKind.FOLD,
                        value=node.value,
                        weights=node.weights,
                        place=place,
                    ),
                )
            )
        for s, outer in sorted(crossed):
            node = at(s)
            if found and found[-1][1].kind is HappeningKind.CROSSING:
                last = found[-1][1]
                if abs(last.value - node.value) < _SAME and bool(last.outer) == bool(outer):
                    found[-1] = (
                        found[-1][0],
                        replace(last, inner=last.inner + 1 - outer, outer=last.outer + outer),
                    )
                    continue
            found.append(
                (
                    s,
                    Happening(
                        kind=HappeningKind.CROSSING,
                        value=node.value,
                        weights=node.weights,
                        place=place,
                        inner=1 - outer,
                        outer=outer,
                    ),
                )
            )
    except ArithmeticError:
        return []
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _mirrored(branch: Branch, here: Node, there: Node, length: float, place: int) -> Happening:
    """About where a curve turns back along its mirror image: on the cubic through two nodes."""
    a, b = float(here.tangent[-1]), float(there.tangent[-1])
    s = a / (a - b)
    basis = branch.space.basis
    ends = [basis.T @ one.weights.ravel() for one in (here, there)]
    slopes = [length * one.tangent[:-1] for one in (here, there)]
    y = (
        (1 + 2 * s) * (1 - s) ** 2 * ends[0]
        + s * (1 - s) ** 2 * slopes[0]
        + s**2 * (3 - 2 * s) * ends[1]
        - s**2 * (1 - s) * slopes[1]
    )
    return Happening(
        kind=HappeningKind.MEETING,
        value=here.value + 0.5 * a * s * length,
        weights=branch.weights(y),
        place=place,
    )


def _crossed(branch: Branch, here: Node, there: Node, length: float, place: int) -> list[Happening]:
    """Where a curve crosses one of larger symmetry, about; with what else happens in the step."""
    middle = branch.correct(here, length / 2.0) if length > _CAREFUL else None
    if middle is not None:
        ends = [
            np.append(branch.space.basis.T @ one.weights.ravel(), one.value)
            for one in (middle, there)
        ]
        rest = float(middle.tangent @ (ends[1] - ends[0]))
        return _between(branch, here, middle, length / 2.0, place) + _between(
            branch, middle, there, rest, place
        )
    first, last = sorted((here.negative[0], there.negative[0]))
    before, after = here.spectrum[first:last], there.spectrum[first:last]
    share = float(np.mean(before / (before - after))) if last > first else 0.5
    y = [branch.space.basis.T @ one.weights.ravel() for one in (here, there)]
    return [
        Happening(
            kind=HappeningKind.MEETING,
            value=here.value + share * (there.value - here.value),
            weights=branch.weights(y[0] + share * (y[1] - y[0])),
            place=place,
            inner=last - first,
        )
    ]


def _zero(at, length: float, of) -> float:  # type: ignore[no-untyped-def]
    """Where something along the arc is zero that has two signs at the ends of a step."""
    return float(brentq(lambda s: of(at(s)), 0.0, length, xtol=_EXACT, rtol=1e-14, maxiter=80))


def bracketed(branch: Branch, met: Happening) -> tuple[Node, Node] | None:
    """Points on both sides of a crossing, `WIDE` away, whose signs differ just by it.

    Parameters
    ----------
    branch : Branch
    met : Happening
        A crossing or meeting that the curve passes without a turn.
    """
    sides = []
    for way in (-1.0, 1.0):
        y = branch.at(met.weights, met.value + way * WIDE)
        along = np.zeros(branch.space.basis.shape[1] + 1)
        along[-1] = 1.0
        node = None if y is None else branch.node(y, met.value + way * WIDE, along)
        if node is None:
            return None
        sides.append(node)
    below, above = (one.negative for one in sides)
    if (abs(below[0] - above[0]), abs(below[1] - above[1])) != (met.inner, met.outer):
        return None
    return sides[0], sides[1]
