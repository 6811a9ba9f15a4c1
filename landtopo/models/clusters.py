"""Clusters of identical particles: Lennard-Jones and Morse.

The energy depends on the distances alone, so that permutations of the particles and mirror images
make copies, and translations and rotations are gauge. A cluster that has fallen apart is no point
of the landscape: its energy hardly changes because parts of it are out of each other's reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from landtopo.checks import checked_count, checked_number
from landtopo.errors import InvalidArgument
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array, FlowCurve, Pace
from landtopo.symmetry.gauge import RigidMotions
from landtopo.symmetry.particles import ParticleSymmetry
from landtopo.symmetry.permutations import Permutation, format_cycles, parse_cycles

__all__ = ["lennard_jones", "morse"]

_MOST = 200
# Pairs closer than this part of the distance at which they rest are treated as if they were at it:
# searches begin at random, and no critical point is near.
_CORE = 0.35
# Parts of a cluster are out of reach of each other where the gap between them is longer, in the
# distance at which a pair rests: its energy is then less than a hundredth of that of a pair.
_GAP = 2.2


class Pair(Protocol):
    """The energy of two particles, as a function of the square of their distance."""

    @property
    def rest(self) -> float:
        """The distance at which it is lowest."""
        ...

    def derivatives(self, square: Array) -> tuple[Array, Array, Array]:
        """Value, first and second derivative with respect to the square of the distance."""
        ...


@dataclass(frozen=True, slots=True)
class _LennardJones:
    """4 (r^-12 - r^-6): depth 1, zero at distance 1."""

    rest: float = 2.0 ** (1.0 / 6.0)

    def derivatives(self, square: Array) -> tuple[Array, Array, Array]:
        inverse = 1.0 / square
        third = inverse**3
        return (
            4.0 * third * (third - 1.0),
            -12.0 * third * inverse * (2.0 * third - 1.0),
            24.0 * third * inverse**2 * (7.0 * third - 2.0),
        )


@dataclass(frozen=True, slots=True)
class _Morse:
    """e^{2 rho (1 - r)} - 2 e^{rho (1 - r)}: depth 1 at distance 1."""

    rho: float
    rest: float = 1.0

    def derivatives(self, square: Array) -> tuple[Array, Array, Array]:
        distance = np.sqrt(square)
        inner = np.exp(self.rho * (1.0 - distance))
        slope = 2.0 * self.rho * inner * (1.0 - inner)
        bend = 2.0 * self.rho**2 * inner * (2.0 * inner - 1.0)
        return (
            inner * (inner - 2.0),
            slope / (2.0 * distance),
            (bend - slope / distance) / (4.0 * square),
        )


class ClusterEnergy:
    """The energy of a cluster, as an `Objective` of the coordinates of its particles.

    Below a distance at which no critical point has a pair, the energy of a pair goes on as the
    parabola in the square of the distance that it has there: it stays finite.

    Parameters
    ----------
    pair : Pair
    count : int
        Number n of particles.
    """

    def __init__(self, pair: Pair, count: int) -> None:
        self.pair = pair
        self.count = count
        self._first, self._second = np.triu_indices(count, 1)
        self._gauge = RigidMotions(3)

    @property
    def size(self) -> int:
        """Number of coordinates, 3 n."""
        return 3 * self.count

    def _pairs(self, x: Array) -> tuple[Array, Array, Array, Array]:
        points = x.reshape(*x.shape[:-1], self.count, 3)
        apart = points[..., self._first, :] - points[..., self._second, :]
        square = np.sum(apart**2, axis=-1)
        core = (_CORE * self.pair.rest) ** 2
        kept = np.maximum(square, core)
        value, slope, bend = self.pair.derivatives(kept)
        inside = square - kept
        return apart, value + inside * (slope + 0.5 * inside * bend), slope + inside * bend, bend

    def value(self, x: Array) -> Array:
        """Energies, shape () or (n,)."""
        return np.asarray(self._pairs(x)[1].sum(axis=-1))

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Energies and gradients."""
        apart, values, slopes, _ = self._pairs(x)
        forces = 2.0 * slopes[..., None] * apart
        gradient = np.zeros((*x.shape[:-1], self.count, 3))
        table = np.zeros((*x.shape[:-1], self.count, self.count, 3))
        table[..., self._first, self._second, :] = forces
        gradient = table.sum(axis=-2) - table.sum(axis=-3)
        return np.asarray(values.sum(axis=-1)), gradient.reshape(x.shape)

    def hessian(self, x: Array) -> Array:
        """Hessian at one cluster."""
        apart, _, slopes, bends = self._pairs(x)
        blocks = 4.0 * bends[:, None, None] * apart[:, :, None] * apart[:, None, :]
        blocks += 2.0 * slopes[:, None, None] * np.eye(3)
        full = np.zeros((self.count, self.count, 3, 3))
        full[self._first, self._second] = -blocks
        full[self._second, self._first] = -blocks
        every = np.arange(self.count)
        full[every, every] = -full.sum(axis=1)
        return np.asarray(full.transpose(0, 2, 1, 3).reshape(self.size, self.size))

    def gauge(self, x: Array) -> Array:
        """Translations and rotations."""
        return self._gauge.directions(x)

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """Not compiled."""
        return None


@dataclass(frozen=True, kw_only=True)
class ClusterShape:
    """A cluster in a ball; see `landtopo.models.smooth.Shape`.

    Attributes
    ----------
    name, title : str
    objective : ClusterEnergy
    """

    name: str
    title: str
    objective: ClusterEnergy
    error: float = 0.0
    slope_error: float = 0.0

    @property
    def length(self) -> float:
        """Radius of a ball with room for the particles in close packing, and half as much again."""
        rest = self.objective.pair.rest
        return float(0.75 * rest * self.objective.count ** (1.0 / 3.0))

    @cached_property
    def gauge(self) -> RigidMotions:
        """Translations and rotations."""
        return RigidMotions(3)

    @cached_property
    def symmetry(self) -> ParticleSymmetry:
        """Permutations and mirror images."""
        return ParticleSymmetry(self.objective.count)

    def draw(self, generator: np.random.Generator) -> Array:
        """Particles uniform in the ball, no two much closer than a pair at rest."""
        rest, points = self.objective.pair.rest, np.empty((0, 3))
        closest = 0.7 * rest
        while len(points) < self.objective.count:
            point = generator.uniform(-self.length, self.length, size=3)
            if np.linalg.norm(point) > self.length:
                continue
            if len(points) and np.linalg.norm(points - point, axis=1).min() < closest:
                # A crowded ball leaves no room: what is asked for gets less with every refusal.
                closest *= 0.999
                continue
            points = np.vstack([points, point])
        return points.ravel()

    def shaped(self, x: Array) -> Array:
        """One particle a row."""
        return x.reshape(-1, 3)

    def place(self, x: Array) -> Array:
        """Every point is one."""
        return x

    def flaw(self, x: Array) -> str | None:
        """Whether the cluster has fallen apart."""
        from scipy.sparse.csgraph import connected_components

        points = x.reshape(-1, 3)
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        parts = connected_components(apart < _GAP * self.objective.pair.rest)[0]
        if parts > 1:
            return f"The cluster has fallen into {parts} parts."
        closest = apart[np.triu_indices(len(points), 1)].min()
        if closest <= _CORE * self.objective.pair.rest:
            return "Two particles are closer than the energy is meant for."
        return None

    def description(self, x: Array, isotropy: int) -> str:
        """Contacts and the order of the point group."""
        points = x.reshape(-1, 3)
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        near = apart[np.triu_indices(len(points), 1)] < 1.2 * self.objective.pair.rest
        return f"{int(near.sum())} contacts, point group of order {isotropy}"

    def element_text(self, element: Permutation) -> dict[str, str]:
        """Which particles change places, and whether it is the mirror image."""
        text = format_cycles(element[: self.objective.count])
        mirrored = element[-1] < element[-2]
        return {"permutation": f"{text}, mirror image" if mirrored else text}

    def element_of(self, told: Mapping[str, Any]) -> Permutation | None:
        """The inverse."""
        count = self.objective.count
        text = str(told.get("permutation", ""))
        cycles = text.removesuffix(", mirror image")
        try:
            order = parse_cycles(cycles, count)
        except InvalidArgument:
            return None
        return (*order, *((count, count + 1) if cycles == text else (count + 1, count)))

    def columns(self, x: Array) -> dict[str, Any]:
        """Order of the point group, and principal moments of inertia for particles of mass one."""
        points = x.reshape(-1, 3) - x.reshape(-1, 3).mean(axis=0)
        tensor = np.eye(3) * np.sum(points**2) - points.T @ points
        return {
            "point_group_order": self.symmetry.isotropy_order(x),
            "inertia": np.linalg.eigvalsh(tensor),
        }


def lennard_jones(count: int) -> SmoothModel:
    """A cluster of particles with the pair energy 4 (r^-12 - r^-6).

    Parameters
    ----------
    count : int
        Number of particles, from 3.

    Examples
    --------
    >>> from landtopo.models.clusters import lennard_jones
    >>> lennard_jones(7)
    <lj:7: 21 coordinates>
    """
    count = checked_count("count", "lennard_jones", count, least=3, most=_MOST)
    title = f"cluster of {count} Lennard-Jones particles"
    energy = ClusterEnergy(_LennardJones(), count)
    return SmoothModel(ClusterShape(name=f"lj:{count}", title=title, objective=energy))


def morse(count: int, rho: float) -> SmoothModel:
    """A cluster of particles with the pair energy e^{2 rho (1 - r)} - 2 e^{rho (1 - r)}.

    Parameters
    ----------
    count : int
        Number of particles, from 3.
    rho : float
        How narrow the well is: 3 for sodium, 6 like Lennard-Jones, 14 for fullerenes.

    Examples
    --------
    >>> from landtopo.models.clusters import morse
    >>> morse(5, 6)
    <morse:5:6: 15 coordinates>
    """
    count = checked_count("count", "morse", count, least=3, most=_MOST)
    rho = checked_number("rho", "morse", rho, "lie between 1 and 30", lambda v: 1 <= v <= 30)
    title = f"cluster of {count} Morse particles with rho = {rho:g}"
    energy = ClusterEnergy(_Morse(rho), count)
    return SmoothModel(ClusterShape(name=f"morse:{count}:{rho:g}", title=title, objective=energy))
