"""All critical points of one and of two neurons in the plane of a teacher of two vectors.

Letters: phi_m, n_m directions and norms of the teacher's vectors; theta_k, rho_k those of students;
b(theta) = sum_m n_m k(theta - phi_m), with k, turn and bend of `landtopo.proofs.circle`. The
gradient by a student is that of psi at its direction; there, psi and psi' are zero where it is:

    one neuron:   b'(theta) = 0,  rho = b / pi;
    two neurons:  rho_2 turn(d) = b'(theta_1),  -rho_1 turn(d) = b'(theta_2),
                  pi rho_1 + k(d) rho_2 = b(theta_1),  k(d) rho_1 + pi rho_2 = b(theta_2),

with d = theta_2 - theta_1. Sum and difference of the last two, times turn(d), leave

    F1 = (b1' - b2') (pi + k(d)) - (b1 + b2) turn(d),
    F2 = (b1' + b2') (pi - k(d)) + (b1 - b2) turn(d).

All pairs of angles are searched by bisection. Next to d = 0 the first is divided by d:
-b''(between) (pi + k(d)) - (b1 + b2) turn(d) / d, which tends to -2 pi (b + b''), and b + b'' is
2 sum_m n_m sin|theta - phi_m| > 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.proofs.circle import Interval, bend, interval, kernel, turn
from landtopo.proofs.pruning import halves, without_zero
from landtopo.shown import Brief

__all__ = [
    "PlaneSearch",
    "PlaneTeacher",
    "lengths",
    "search_boxes",
    "search_line",
    "search_pairs",
    "search_single",
]

Mask = NDArray[np.bool_]

_SMALL = 0.1
_CLOSE = 0.5
_BATCH = 20_000
_NEWTON = 30
_SIZES = (0.1, 0.05, 0.02, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6)
_ATTEMPTS = 8
_MOST_BOXES = 1_500_000
# Pairs are looked at up to this angle beyond pi, where they are other ones with names exchanged.
_BEYOND = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneTeacher(Brief):
    """Two vectors, or all pairs with directions and norms in intervals.

    Attributes
    ----------
    directions, norms : tuple of pairs of float
    """

    directions: tuple[tuple[float, float], ...]
    norms: tuple[tuple[float, float], ...]

    def overlap(self, theta: Interval) -> Interval:
        """Range of b."""
        return self._sum(theta, kernel)

    def slope(self, theta: Interval) -> Interval:
        """Range of b'."""
        return -self._sum(theta, turn)

    def second(self, theta: Interval) -> Interval:
        """Range of b''."""
        return self._sum(theta, bend)

    def _sum(self, theta: Interval, f: Callable[[Interval], Interval]) -> Interval:
        total = interval(0.0)
        for direction, norm in zip(self.directions, self.norms, strict=True):
            total = total + interval(*norm) * f(theta - interval(*direction))
        return total

    @property
    def middle(self) -> PlaneTeacher:
        """The pair in the middle."""
        return PlaneTeacher(
            directions=tuple((0.5 * (x + y),) * 2 for x, y in self.directions),
            norms=tuple((0.5 * (x + y),) * 2 for x, y in self.norms),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneSearch(Brief):
    """What a search found.

    Attributes
    ----------
    roots : ndarray, shape (n, D)
        Angles, one row a solution.
    radii : ndarray, shape (n,)
        In the cube of this radius around each there is that solution and no other; for a teacher
        of intervals, one for every teacher.
    reaches : ndarray, shape (n,)
        How far the solution is from the angles at most, for every teacher.
    undecided : ndarray, shape (m, D, 2)
        Boxes that may hold others.
    volume : float
        Part of all pairs, or angles, that these are.
    boxes : int
        How many were looked at.
    """

    roots: Array
    radii: Array
    reaches: Array
    undecided: Array
    volume: float
    boxes: int


@dataclass(slots=True, kw_only=True)
class _Found:
    """Solutions met until now."""

    roots: list[Array] = field(default_factory=list)
    radii: list[float] = field(default_factory=list)
    reaches: list[float] = field(default_factory=list)

    def near(self, point: Array, distance: float) -> bool:
        """Whether a solution is known that close to a point."""
        return any(np.abs(root - point).max() <= distance for root in self.roots)

    def outside(self, low: Array, high: Array) -> Mask:
        """Which boxes do not lie in the cube of a solution."""
        kept = np.ones(len(low), dtype=bool)
        for root, radius in zip(self.roots, self.radii, strict=True):
            kept &= ~np.all((low >= root - radius) & (high <= root + radius), axis=1)
        return kept


def search_single(
    teacher: PlaneTeacher, progress: Callable[[float], None] | None = None
) -> PlaneSearch:
    """All directions theta in [0, 2 pi) with b'(theta) = 0.

    Parameters
    ----------
    teacher : PlaneTeacher
    progress : callable, optional
        Is told which part of all angles is decided.
    """

    def keep(x: Interval) -> Mask:
        return teacher.slope(Interval(x.low[:, 0], x.high[:, 0])).holds_zero

    def system(x: Interval, of: PlaneTeacher) -> tuple[list[Interval], list[list[Interval]]]:
        theta = Interval(x.low[:, 0], x.high[:, 0])
        return [of.slope(theta)], [[of.second(theta)]]

    start = np.linspace(0, 2 * np.pi, 65)
    return search_boxes(
        teacher, start[:-1, None], np.nextafter(start[1:, None], 10), keep, system, 1e-6, progress
    )


def search_pairs(
    teacher: PlaneTeacher,
    smallest: float = 1e-7,
    progress: Callable[[float], None] | None = None,
) -> PlaneSearch:
    """All pairs of directions of two neurons, theta_2 - theta_1 in (0, pi].

    Parameters
    ----------
    teacher : PlaneTeacher
    smallest : float
        Boxes are not halved below this width.
    progress : callable, optional
        Is told which part of all pairs is decided.
    """

    def keep(x: Interval) -> Mask:
        first, second, d = _angles(x)
        b1, b2 = teacher.overlap(first), teacher.overlap(second)
        s1, s2 = teacher.slope(first), teacher.slope(second)
        k, s, pi = kernel(d), turn(d), interval(np.pi - 1e-15, np.pi + 1e-15)
        kept = (d.high > 0) & (d.low < np.pi + _BEYOND)
        # Lengths are positive: up to d = pi b1' >= 0 >= b2'.
        kept &= (d.high > np.pi) | ((s1.high >= 0) & (s2.low <= 0))
        kept &= ((s1 - s2) * (pi + k) - (b1 + b2) * s).holds_zero
        kept &= ((s1 + s2) * (pi - k) + (b1 - b2) * s).holds_zero
        between = Interval(np.minimum(first.low, second.low), np.maximum(first.high, second.high))
        high = np.clip(d.high, 1e-300, np.pi / 2)
        # sin d / d falls; d = 0 itself gives 1.
        ratio = Interval(np.sin(high) / high * (1 - 1e-15), np.ones_like(high))
        close = d.high < _CLOSE
        part = (pi - Interval(np.maximum(d.low, 0), np.maximum(d.high, 0))) * ratio
        divided = -teacher.second(between) * (pi + kernel(Interval(np.maximum(d.low, 0), d.high)))
        kept &= ~close | (divided - (b1 + b2) * part).holds_zero
        return np.asarray(kept)

    def system(x: Interval, of: PlaneTeacher) -> tuple[list[Interval], list[list[Interval]]]:
        first, second, d = _angles(x)
        b1, b2 = of.overlap(first), of.overlap(second)
        s1, s2 = of.slope(first), of.slope(second)
        c1, c2 = of.second(first), of.second(second)
        k, s, q = kernel(d), turn(d), bend(d)
        pi = interval(np.pi - 1e-15, np.pi + 1e-15)
        values = [(s1 - s2) * (pi + k) - (b1 + b2) * s, (s1 + s2) * (pi - k) + (b1 - b2) * s]
        jacobian = [
            [
                c1 * (pi + k) - s2 * s - (b1 + b2) * q,
                (b1 + b2) * q - c2 * (pi + k) - s1 * s,
            ],
            [
                c1 * (pi - k) - s2 * s + (b1 - b2) * q,
                c2 * (pi - k) + s1 * s - (b1 - b2) * q,
            ],
        ]
        return values, jacobian

    edges = np.linspace(0, 2 * np.pi, 49)
    further = np.linspace(0, 4 * np.pi, 97)
    low = np.array([[x, y] for x in edges[:-1] for y in further[:-1] if x - 0.2 < y < x + 3.4])
    high = np.nextafter(low + 2 * np.pi / 48, 100)
    return search_boxes(teacher, low, high, keep, system, smallest, progress)


def search_line(smallest: float = 1e-3) -> PlaneSearch:
    """Pairs of directions of two neurons and a teacher of one vector, one on each side of it.

    At angles alpha, beta > 0 with d = alpha + beta <= pi there is no critical point where

        D = (s(alpha) + s(beta)) (pi + k(d)) - (k(alpha) + k(beta)) s(d) > 0,  s = turn.

    D is zero on both axes, so that D > 0 follows from its derivative by alpha between the axis and
    a point, and at the origin from the mixed derivative.

    Parameters
    ----------
    smallest : float
        Boxes are not halved below this width.
    """
    edges = np.linspace(0, np.pi, 17)
    low = np.array([[x, y] for x in edges[:-1] for y in edges[:-1] if x <= y and x + y < np.pi])
    high = np.nextafter(low + np.pi / 16, 10)
    total, lost, boxes = float(np.sum(np.prod(high - low, axis=1))), 0.0, 0
    undecided = np.empty((0, 2, 2))
    while len(low):
        boxes += len(low)
        a, b = (Interval(low[:, i], high[:, i]) for i in range(2))
        d = Interval(a.low + b.low, np.minimum(a.high + b.high, np.pi + 1e-14))
        pi = interval(np.pi - 1e-15, np.pi + 1e-15)
        k, s, both = kernel(d), turn(d), kernel(a) + kernel(b)
        whole = (turn(a) + turn(b)) * (pi + k) - both * s
        partial = both * bend(d) - bend(a) * (pi + k) - turn(b) * s
        cosine = Interval(np.cos(d.high) - 1e-15, np.cos(d.low) + 1e-15)
        mixed = (bend(a) + bend(b)) * s + both * (cosine + cosine + s)
        axis = a.low == 0
        proved = (whole.low > 0) | (axis & (partial.low > 0))
        proved |= axis & (b.low == 0) & (mixed.low > 0)
        open_ = ~proved & (d.low <= np.pi) & (a.low <= b.high)
        low, high = low[open_], high[open_]
        tiny = (high - low).max(axis=1, initial=0) < smallest
        undecided = np.concatenate([undecided, np.stack([low[tiny], high[tiny]], axis=-1)])
        lost += float(np.sum(np.prod(high[tiny] - low[tiny], axis=1)))
        low, high = low[~tiny], high[~tiny]
        if len(low):
            low, high = halves(low, high, np.argmax(high - low, axis=1))
    return PlaneSearch(
        roots=np.empty((0, 2)),
        radii=np.empty(0),
        reaches=np.empty(0),
        undecided=undecided,
        volume=lost / total,
        boxes=boxes,
    )


def lengths(teacher: PlaneTeacher, angles: Array, radius: float) -> list[Interval]:
    """Ranges of the lengths of neurons whose directions are that close to some angles.

    Parameters
    ----------
    teacher : PlaneTeacher
    angles : ndarray, shape (1,) or (2,)
    radius : float

    Returns
    -------
    list of Interval
        Of shape (); for two neurons times the positive number pi^2 - k^2.
    """
    pi = interval(np.pi - 1e-15, np.pi + 1e-15)
    boxes = [interval(x - radius, x + radius) for x in angles.tolist()]
    overlaps = [teacher.overlap(x) for x in boxes]
    if len(boxes) == 1:
        return [overlaps[0] * interval((1 - 1e-15) / np.pi, (1 + 1e-15) / np.pi)]
    k = kernel(boxes[1] - boxes[0])
    return [pi * overlaps[0] - k * overlaps[1], pi * overlaps[1] - k * overlaps[0]]


def _angles(x: Interval) -> tuple[Interval, Interval, Interval]:
    first, second = (Interval(x.low[:, i], x.high[:, i]) for i in range(2))
    return first, second, second - first


_System = Callable[[Interval, PlaneTeacher], tuple[list[Interval], list[list[Interval]]]]


def search_boxes(
    teacher: PlaneTeacher,
    low: Array,
    high: Array,
    keep: Callable[[Interval], Mask],
    system: _System,
    smallest: float,
    progress: Callable[[float], None] | None,
) -> PlaneSearch:
    """Halve boxes until each is excluded, lies next to a solution, or is too small.

    Those that are left when many have been looked at are undecided.
    """
    found = _Found()
    undecided: list[Array] = []
    total, boxes = float(np.sum(np.prod(high - low, axis=1))), 0
    lost = 0.0
    stack = [(low, high)]
    while stack:
        low, high = stack.pop()
        if len(low) > _BATCH:
            stack.append((low[_BATCH:], high[_BATCH:]))
            low, high = low[:_BATCH], high[:_BATCH]
        boxes += len(low)
        kept = keep(Interval(low, high))
        low, high = low[kept], high[kept]
        kept = _mean_value(teacher, low, high, system)
        low, high = low[kept], high[kept]
        kept = found.outside(low, high)
        low, high = low[kept], high[kept]
        width = np.max(high - low, axis=1, initial=0)
        small = np.flatnonzero(width < _SMALL)
        # Boxes that are not tried are halved, and some of these will be.
        for place in small[:: max(1, len(small) // _ATTEMPTS)]:
            middle = 0.5 * (low[place] + high[place])
            if not found.near(middle, 2 * width[place]):
                _add_solution(found, teacher, middle, width[place], system)
        kept = found.outside(low, high)
        low, high, width = low[kept], high[kept], width[kept]
        tiny = (width < smallest) | (boxes > _MOST_BOXES)
        if np.any(tiny):
            undecided.append(np.stack([low[tiny], high[tiny]], axis=-1))
            lost += float(np.sum(np.prod(high[tiny] - low[tiny], axis=1)))
        low, high = low[~tiny], high[~tiny]
        if len(low):
            stack.append(halves(low, high, np.argmax(high - low, axis=1)))
        if progress is not None:
            open_part = sum(float(np.sum(np.prod(b - a, axis=1))) for a, b in stack)
            progress(1 - (open_part + lost) / total)
    return PlaneSearch(
        roots=np.array(found.roots).reshape(len(found.roots), low.shape[1]),
        radii=np.array(found.radii),
        reaches=np.array(found.reaches),
        undecided=np.concatenate(undecided) if undecided else np.empty((0, low.shape[1], 2)),
        volume=lost / total,
        boxes=boxes,
    )


def _mean_value(teacher: PlaneTeacher, low: Array, high: Array, system: _System) -> Mask:
    """Which boxes are not excluded by the values in their middles and the slopes all over them."""
    if not len(low):
        return np.zeros(0, dtype=bool)
    middle = 0.5 * (low + high)
    values, _ = system(Interval(middle, middle), teacher)
    _, jacobian = system(Interval(low, high), teacher)
    return ~without_zero(values, jacobian, high - low)[0]


def _add_solution(
    found: _Found, teacher: PlaneTeacher, start: Array, width: float, system: _System
) -> None:
    """Look for a solution near a point, and for a cube in which it is proved to be alone."""
    centre = teacher.middle
    x = start.copy()
    for _ in range(_NEWTON):
        values, jacobian = system(Interval(x[None], x[None]), centre)
        matrix = np.array([[entry.middle[0] for entry in row] for row in jacobian])
        try:
            step = np.linalg.solve(matrix, np.array([value.middle[0] for value in values]))
        except np.linalg.LinAlgError:
            return
        x = x - step
        if not np.all(np.abs(x - start) < 2 * width):
            return
    inverse = np.linalg.inv(matrix)
    at, _ = system(Interval(x[None], x[None]), teacher)
    for radius in _SIZES:
        box = Interval(x[None] - radius, x[None] + radius)
        _, jacobian = system(box, teacher)
        middle = np.array([[entry.middle[0] for entry in row] for row in jacobian])
        half = np.array([[0.5 * (e.high - e.low)[0] for e in row] for row in jacobian])
        # A bound of I - C J, and of the step C F, with room for roundings of these few products.
        size = np.abs(inverse)
        room = 1e-14 * (size @ (np.abs(middle) + half) + 1)
        factor = np.abs(np.eye(len(x)) - inverse @ middle) + size @ half + room
        contraction = float(factor.sum(axis=1).max()) * (1 + 1e-12)
        reach = np.array([max(abs(value.low[0]), abs(value.high[0])) for value in at])
        step_size = float((size @ reach).max()) * (1 + 1e-12)
        if contraction < 1 and step_size + contraction * radius < radius * (1 - 1e-12):
            found.roots.append(x)
            found.radii.append(radius)
            found.reaches.append(step_size / (1 - contraction) * (1 + 1e-12))
            return
