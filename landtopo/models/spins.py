"""The spherical p-spin model for p = 3: a random cubic form on a sphere.

    H(s) = -(1/N) sum_ijk J_ijk s_i s_j s_k,    |s|^2 = N,

with independent normal J_ijk of variance one, so that two points with overlap q = s.t / N have
energies of covariance N q^3 (A. Auffinger, G. Ben Arous, J. Cerny, Comm. Pure Appl. Math. 66, 165
(2013)). The sphere is a constraint by `landtopo/models/constraints.py`: the function is one of the
direction alone, and the length is gauge. -H(-s) = H(s), so that maxima are minima turned around.

Critical points are the eigenvectors of the symmetric part of J: s with T(s, s, .) = l s. There are
2^N - 1 of them with complex entries, up to their length (D. Cartwright, B. Sturmfels, Linear
Algebra Appl. 438, 942 (2013)), so that there are at most 2 (2^N - 1) critical points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from landtopo.checks import checked_count, checked_number, checked_seed
from landtopo.models.constraints import NormalisedRows
from landtopo.models.functions import FunctionShape
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array, SmoothFunction
from landtopo.symmetry.coordinates import SignedPermutations
from landtopo.symmetry.gauge import Lengths

__all__ = ["p_spin"]

# N^3 couplings are held.
_MOST = 200


@dataclass(frozen=True, kw_only=True)
class _Sphere(FunctionShape):
    """A function on a sphere of radius sqrt(N)."""

    objective: NormalisedRows

    @property
    def title(self) -> str:
        """What a page calls it."""
        return f"spherical 3-spin model {self.name}"

    def draw(self, generator: np.random.Generator) -> Array:
        """Uniform on the sphere."""
        return self.place(generator.standard_normal(self.objective.size))

    def place(self, x: Array) -> Array:
        """The point of the sphere that a point stands for."""
        return self.objective.place(x)


def p_spin(count: int, seed: int = 0, field: float = 0.0) -> SmoothModel:
    """The model of N spins with random couplings.

    Parameters
    ----------
    count : int
        N, from 2 to 200.
    seed : int
        Of the couplings.
    field : float
        h, of the energy - h sum_i s_i that is added.

    Examples
    --------
    >>> from landtopo.models.spins import p_spin
    >>> p_spin(5, seed=1)
    <p-spin:5:1: 5 coordinates>
    """
    count = checked_count("count", "p_spin", count, least=2, most=_MOST)
    seed = checked_seed("p_spin", seed)
    field = checked_number("field", "p_spin", field, "be a finite number", math.isfinite)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(count, 7)))
    couplings = generator.standard_normal((count, count, count)) / count
    tensor = sum(np.transpose(couplings, order) for order in permutations(range(3))) / 6.0

    def slope(s: Array) -> Array:
        return np.asarray(-3.0 * (tensor @ s) @ s)

    inner = SmoothFunction(
        size=count,
        function=lambda s: float(slope(s) @ s) / 3.0 - field * float(s.sum()),
        derivative=lambda s: slope(s) - field,
        second=lambda s: -6.0 * (tensor @ s),
    )
    gauge, radius = Lengths(count), np.sqrt(count)
    shape = _Sphere(
        name=f"p-spin:{count}:{seed}",
        objective=NormalisedRows(inner, np.array([radius])),
        low=np.full(count, -radius),
        high=np.full(count, radius),
        gauge=gauge,
        symmetry=SignedPermutations(count, gauge=gauge),
    )
    return SmoothModel(shape)
