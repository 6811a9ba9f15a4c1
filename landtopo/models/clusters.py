"""Clusters of identical particles: Lennard-Jones and Morse.

The energy depends on the distances alone, so that permutations of the particles and mirror images
make copies, and translations and rotations are gauge. A cluster that has fallen apart is no point
of the landscape: its energy hardly changes because parts of it are out of each other's reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from landtopo.checks import checked_count, checked_number
from landtopo.errors import InvalidArgument
from landtopo.kernels.pairs import LennardJones, Morse
from landtopo.kernels.particles import Particles, hessian_of, values_gradients
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array, FlowCurve, Pace
from landtopo.paths.compiled_flow import followed
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


class ClusterEnergy:
    """The energy of a cluster, as an `Objective` of the coordinates of its particles.

    Below a distance at which no critical point has a pair, the energy of a pair goes on as the
    parabola in the square of the distance that it has there: it stays finite.

    Parameters
    ----------
    pair : LennardJones or Morse
        See `landtopo.kernels.pairs`.
    count : int
        Number n of particles.
    length, energy : float
        Units of coordinates and values.
    """

    def __init__(
        self, pair: LennardJones | Morse, count: int, *, length: float = 1.0, energy: float = 1.0
    ) -> None:
        self.pair = pair
        self.count = count
        #: As compiled loops want it.
        self.compiled = Particles(pair, count, (_CORE * pair.rest) ** 2, length, energy)

    def in_units(self, length: float, energy: float) -> ClusterEnergy:
        """The same in other units."""
        return ClusterEnergy(self.pair, self.count, length=length, energy=energy)

    @property
    def size(self) -> int:
        """Number of coordinates, 3 n."""
        return 3 * self.count

    def value(self, x: Array) -> Array:
        """Energies, shape () or (n,)."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Energies and gradients."""
        points = np.ascontiguousarray(x, dtype=np.float64).reshape(-1, self.size)
        gradients = np.empty_like(points)
        values = values_gradients(points, self.compiled, gradients)
        return np.asarray(values.reshape(x.shape[:-1])), gradients.reshape(x.shape)

    def hessian(self, x: Array) -> Array:
        """Hessian at one cluster."""
        return np.asarray(hessian_of(np.ascontiguousarray(x), self.compiled))

    def gauge(self, x: Array) -> Array:
        """Translations and rotations."""
        return RigidMotions(3).directions(x)

    def flow(self, x: Array, pace: Pace) -> FlowCurve:
        """A stretch of the gradient flow."""
        return followed(x, self.compiled, pace)


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
        rest, points = self.objective.pair.rest, x.reshape(-1, 3)
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        near = apart < _GAP * rest
        # Reached by two steps, by four, and so on.
        for _ in range(len(points).bit_length()):
            near = near @ near
        if not near.all():
            return f"The cluster has fallen into {len(np.unique(near, axis=0))} parts."
        closest = apart[np.triu_indices(len(points), 1)].min()
        if closest <= _CORE * rest:
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
    energy = ClusterEnergy(LennardJones(), count)
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
    energy = ClusterEnergy(Morse(rho), count)
    return SmoothModel(ClusterShape(name=f"morse:{count}:{rho:g}", title=title, objective=energy))
