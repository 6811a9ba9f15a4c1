"""Families that branch off where eigenvalues of a more symmetric one are zero.

Next to such a crossing the reduced loss tells in which directions something branches off. Along
each, Newton's method finds the point at a small distance from the crossing and its parameter, and
once more at half that distance: what is there at both, on one side and with one index, belongs to
the crossing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from landtopo.eigen import eigh
from landtopo.models.networks.sweeps.branch import Branch, Space, acting, complement, is_definite
from landtopo.models.networks.sweeps.kernel import representation
from landtopo.models.networks.sweeps.loss import LossAt
from landtopo.models.networks.sweeps.reduced import Reduced, directions
from landtopo.models.networks.sweeps.trace import Happening
from landtopo.models.networks.symmetry import Reference, isotropy, point_graph
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Branching", "Neighbour", "branching"]

# Distances from a crossing, relative to the size of a neuron, each tried after the one before.
_RADII = (2e-2, 5e-3, 1.25e-3)
_EXPANDED, _BESIDE = 5e-3, 1e-5
_ROUNDS, _STARTS, _SPACES, _DIRECT = 8, 40, 64, 4
_EACH = 4
_MOST_ELEMENTS, _WORD = 3, 16
_FIXED = 1e-6
# Of the range: how far from the crossing a branch may be at its radius.
_REACH = 0.1
# Relative to the distance: where curvatures are some 1e-8, rounding moves points by 1e-7.
_STEPS, _LAST_STEP, _ASTRAY, _TOLERANCE = 25, 1e-5, 4.0, 1e-4

_Kind = tuple[int, tuple[int, int], int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour(Brief):
    """A family of critical points that branches off at a crossing.

    Attributes
    ----------
    weights : ndarray, shape (K, D)
        One of its points next to the crossing.
    value : float
        The parameter there.
    side : int
        -1 below the crossing, 1 above.
    index : int
        Negative eigenvalues, in the columns that are used.
    outer : int
        Those of the normal block, which count in each direction that is not.
    isotropy : str
    copies : int
        How many of it there are next to the one point.
    """

    weights: Array
    value: float
    side: int
    index: int
    outer: int
    isotropy: str
    copies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Branching(Brief):
    """All that was found next to a crossing.

    Attributes
    ----------
    found : tuple of Neighbour
        By their sides and indices.
    own : tuple of int
        The index of the crossing curve itself below and above.
    kernel : str
        Directions in which eigenvalues change their sign, as a representation of its symmetries.
    """

    found: tuple[Neighbour, ...]
    own: tuple[int, int]
    kernel: str

    def record(self) -> dict[str, Any]:
        """All of it as plain values."""
        found = [
            {field.name: getattr(one, field.name) for field in fields(one)} for one in self.found
        ]
        return {"found": found, "own": list(self.own), "kernel": self.kernel}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Branching:
        """Back from plain values."""
        return cls(
            found=tuple(Neighbour(**one) for one in record["found"]),
            own=(int(record["own"][0]), int(record["own"][1])),
            kernel=record["kernel"],
        )

    def counts(self) -> tuple[list[int], list[int]]:
        """How many points of each index there are below and above, the curve's own included."""
        most = max(*self.own, *(one.index for one in self.found), 0) + 1
        sides = []
        for side, index in zip((-1, 1), self.own, strict=True):
            here = [int(i == index) for i in range(most)]
            for one in self.found:
                here[one.index] += one.copies * (one.side == side)
            sides.append(here)
        return sides[0], sides[1]

    @property
    def sums(self) -> tuple[int, int]:
        """Of (-1)^index over all critical points below and above, the curve's own included."""
        below, above = (sum(one[::2]) - sum(one[1::2]) for one in self.counts())
        return below, above

    @property
    def is_balanced(self) -> bool:
        """Whether these may be all critical points: sums are equal, and Morse's inequalities hold.

        Points of index i on either side are p_i + q_i + q_(i-1), with the ranks p_i >= 0 of the
        critical groups of the crossing on both of them, and q_i >= 0 of each side (Chang, Infinite
        Dimensional Morse Theory, 1993, I.4 and I.5). With the smallest q that the difference of the
        sides allows, what is left for p has to be no less than zero.
        """
        below, above = (np.array(one) for one in self.counts())
        quotient = 0
        left = below.copy()
        for i, apart in enumerate(below - above):
            # The difference, divided by 1 + t.
            left[i] -= max(quotient, 0)
            quotient = int(apart) - quotient
            left[i] -= max(quotient, 0)
        return quotient == 0 and bool(np.all(left >= 0))


def branching(branch: Branch, met: Happening, seed: int) -> Branching | None:
    """What branches off at a crossing.

    Sums of (-1)^index over all critical points next to the crossing are the same on both sides (the
    degree of the gradient), and Morse's inequalities hold. That they do says that what is missing,
    if anything, has signs that add up to nothing; that they do not says that something is missing.

    Parameters
    ----------
    branch : Branch
        The curve's own space.
    met : Happening
        A crossing of its.
    seed : int

    Returns
    -------
    Branching or None
        None where the points on the curve itself could not be told.
    """
    here = _Crossing.of(branch, met)
    if here is None:
        return None
    best = None
    for radius in _RADII:
        found = here.search(radius, seed)
        if best is None or found.is_balanced:
            best = found
        if found.is_balanced:
            break
    return best


class _Crossing:
    """A crossing with its reduced loss."""

    def __init__(self, whole: Branch, met: Happening, own: tuple[Array, Array, Array]) -> None:
        below, weights, above = own
        self.whole = whole
        self.curve = whole.curve
        self.value = met.value
        self.weights = weights
        self.size = float(np.linalg.norm(weights) / np.sqrt(len(weights)))
        self.null = _null_space(whole, met, weights)
        self.reduced = Reduced(whole, weights, met.value, self.null)
        self.cubic, self.quartic = self.reduced.expansion(_EXPANDED * self.size)
        beside = _BESIDE * (self.curve.high - self.curve.low)
        slopes = [
            self.reduced.hessian(point.ravel(), met.value + way * beside)
            for point, way in ((below, -1), (above, 1))
        ]
        # How the curve's own point moves with the parameter.
        self.slope = (above - below).ravel() / (2.0 * beside)
        self.rates = (slopes[1] - slopes[0]) / (2.0 * beside)
        # Not at the crossing itself, where the teacher may have symmetries of its own.
        self.group = isotropy(point_graph(self.curve.teacher(met.value + beside), above))
        # A column outside the span that the curve does not use may change its sign, too.
        self.order = self.group.order * (2 if met.outer else 1)
        self.actions = self._actions(bool(met.outer))
        self.kernel = representation(self.group, self.actions)
        spectrum = whole.spectra(weights, met.value)[0]
        others = np.sort(spectrum[np.argsort(np.abs(spectrum))[self.null.shape[1] :]])
        base, moving = int(np.sum(others < 0)), np.linalg.eigvalsh(self.rates)
        self.own = base + int(np.sum(moving > 0)), base + int(np.sum(moving < 0))

    @classmethod
    def of(cls, branch: Branch, met: Happening) -> _Crossing | None:
        """None where the curve's own points are not there."""
        beside = _BESIDE * (branch.curve.high - branch.curve.low)
        values = [met.value - beside, met.value, met.value + beside]
        if not branch.curve.low < values[0] < values[2] < branch.curve.high:
            return None
        found = [branch.at(met.weights, values[0]), branch.at(met.weights, values[2])]
        if found[0] is None or found[1] is None:
            return None
        more = ((0, 0), (0, 1 if met.outer else 0))
        own = branch.weights(found[0]), met.weights, branch.weights(found[1])
        below, weights, above = (np.pad(one, more) for one in own)
        whole = Branch(branch.curve, Space(np.eye(weights.size), *weights.shape))
        return cls(whole, met, (below, weights, above))

    def _actions(self, outer: bool) -> list[Array]:
        """The generators of the symmetries on null directions."""
        null, rank, elements = self.null, self.curve.size, self.group.generators
        if not outer:
            return [null.T @ acting(one, self.weights, rank) @ null for one in elements]
        # They exchange neurons in a column that the curve does not use.
        column = null.reshape(*self.weights.shape, -1)[:, -1]
        return [column.T @ column[np.argsort(one.students)] for one in elements]

    def search(self, radius: float, seed: int) -> Branching:
        """What there is at a radius, relative to the size of a neuron."""
        random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4,)))
        radius *= self.size
        found: list[Neighbour] = []
        known: list[Reference] = []
        tried: dict[float, int] = {}
        result = Branching(found=(), own=self.own, kernel=self.kernel)
        for _ in range(_ROUNDS):
            before = len(found)
            for u, m in self._directions(radius, random, tried):
                self._add(u, m, radius, found, known)
            result = Branching(
                found=tuple(sorted(found, key=lambda one: (one.side, one.index, one.value))),
                own=self.own,
                kernel=self.kernel,
            )
            if result.is_balanced and (len(found) == before or self.null.shape[1] == 1):
                break
        return result

    def _directions(
        self, radius: float, random: np.random.Generator, tried: dict[float, int]
    ) -> list[tuple[Array, float]]:
        """Directions with changes of the parameter: some of each kind, and a few that are free."""
        starts = self._starts(random)
        free = [(u, 0.0) for u in starts[:: max(len(starts) // _DIRECT, 1)]]
        u, m = directions(self.cubic, radius * self.quartic, self.rates, starts)
        digits = -int(np.floor(np.log10(np.abs(m).max(initial=1e-300)))) + 5
        kinds: dict[float, list[int]] = {}
        for place, one in enumerate(np.round(m, digits).tolist()):
            kinds.setdefault(one, []).append(place)
        chosen = []
        for kind, places in kinds.items():
            # Copies of one point, mostly; but the expansion may have more symmetry than the loss.
            for place in places[: max(_EACH - tried.get(kind, 0), 1)]:
                chosen += [(u[place], float(m[place])), (-u[place], float(m[place]))]
            tried[kind] = tried.get(kind, 0) + _EACH
        return chosen + free

    def _starts(self, random: np.random.Generator) -> Array:
        """Unit vectors of the null space, many of them with some of the symmetry."""
        count = self.null.shape[1]
        if count == 1:
            return np.array([[1.0], [-1.0]])
        starts = [random.standard_normal((_STARTS * count, count))]
        for _ in range(_SPACES if self.actions else 0):
            defect = np.zeros((count, count))
            for one in _some(self.actions, random):
                # With either sign: what is odd under an element is a space of its own, too.
                apart = one * random.choice((-1.0, 1.0)) - np.eye(count)
                defect += apart.T @ apart
            values, vectors = eigh(defect)
            fixed = vectors[:, values < _FIXED]
            if fixed.shape[1]:
                starts.append(random.standard_normal((2 * count, fixed.shape[1])) @ fixed.T)
        together = np.concatenate(starts)
        return np.asarray(together / np.linalg.norm(together, axis=1)[:, None])

    def _add(
        self, u: Array, m: float, radius: float, found: list[Neighbour], known: list[Reference]
    ) -> None:
        """Solve along a direction, and keep what is new and belongs to the crossing."""
        far = self._solved(radius * (self.null @ u), radius * m, radius)
        if far is None:
            return
        graph = point_graph(self.curve.teacher(far[1]), far[0])
        if any(one.match(graph) is not None for one in known):
            return
        # What is cubic keeps half of its way as the radius is halved, what is quartic a quarter.
        moved, half = far[1] - self.value, radius / 2.0
        apart = (far[0] - self.weights).ravel() - moved * self.slope
        nears = (self._solved(apart / 2.0, share * moved, half) for share in (0.5, 0.25))
        kind = self._kind(*far, radius)
        if not any(near is not None and self._kind(*near, half) == kind for near in nears):
            return
        side, (index, outer), order, name = kind
        known.append(Reference(graph, tolerance=_TOLERANCE * radius))
        found.append(
            Neighbour(
                weights=far[0],
                value=far[1],
                side=side,
                index=index,
                outer=outer,
                isotropy=name,
                copies=self.order // order,
            )
        )

    def _kind(self, weights: Array, value: float, radius: float) -> _Kind:
        """Side, negative eigenvalues in the columns and outside, symmetries that are left."""
        graph = point_graph(self.curve.teacher(value), weights)
        group = isotropy(graph, tolerance=_TOLERANCE * radius)
        inner, outer, _ = self.whole.spectra(weights, value)
        negative = int(np.sum(inner < 0)), int(np.sum(outer < 0))
        return (1 if value > self.value else -1), negative, group.order, group.name

    def _solved(self, apart: Array, moved: float, radius: float) -> tuple[Array, float] | None:
        """The critical point at a radius in the null space, with its parameter.

        From a place as far from the curve's own point, at a parameter as far from the crossing.
        """
        origin, value, last = self.weights.ravel(), self.value + moved, False
        w = origin + apart + moved * self.slope
        reach = _REACH * (self.curve.high - self.curve.low)
        for _ in range(_STEPS):
            if abs(value - self.value) > reach or not is_definite(self.curve, value):
                return None
            gradient, hessian, mixed = self.whole.parts(w, value)
            inside = self.null.T @ (w - origin)
            right = np.append(gradient, (inside @ inside - radius**2) / 2.0)
            border = np.append(self.null @ inside, 0.0)
            whole = np.block([[hessian, mixed[:, None]], [border[None]]])
            try:
                step = np.linalg.solve(whole, right)
            except np.linalg.LinAlgError:
                return None
            length = float(np.linalg.norm(step))
            w, value = w - step[:-1], value - float(step[-1])
            if last:
                return w.reshape(self.weights.shape), value
            last = length < _LAST_STEP * radius
            apart = w - origin - (value - self.value) * self.slope
            if not np.linalg.norm(apart) < _ASTRAY * radius:
                return None
        return None


def _some(actions: list[Array], random: np.random.Generator) -> list[Array]:
    """A few conjugates of generators, and products of them; half of the time a single one."""
    found = []
    for _ in range(max(1, int(random.integers(2 * _MOST_ELEMENTS)) - _MOST_ELEMENTS + 1)):
        one = actions[random.integers(len(actions))]
        conjugate = random.random() < 0.5
        for _ in range(int(random.integers(_WORD))):
            other = actions[random.integers(len(actions))]
            one = other @ one @ other.T if conjugate else other @ one
        found.append(one)
    return found


def _null_space(whole: Branch, met: Happening, weights: Array) -> Array:
    """Directions of the weights, as columns, along which the curvature vanishes."""
    loss = LossAt(whole.curve, met.value, weights.shape[1])
    if not met.outer:
        gauge = whole.gauge(weights)
        values, vectors = eigh(loss.hessian(weights) + gauge.T @ gauge)
        order = np.argsort(np.abs(values))[: met.inner]
        return np.asarray(vectors[:, order])
    # Turns into a column that is in use are none of it.
    used = complement(complement(weights[:, whole.curve.size : -1]))
    values, vectors = eigh(loss.normal_block(weights) + used @ used.T)
    order = np.argsort(np.abs(values))[: met.outer]
    found = np.zeros((len(weights), weights.shape[1], len(order)))
    found[:, -1, :] = vectors[:, order]
    return found.reshape(-1, len(order))
