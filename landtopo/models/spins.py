"""The spherical p-spin model: a random form of degree p on a sphere.

    H(s) = -N^((1 - p) / 2) sum_{i_1..i_p} J_{i_1..i_p} s_{i_1} .. s_{i_p},    |s|^2 = N,

with independent normal J of variance one, so that two points with overlap q = s.t / N have energies
of covariance N q^p (A. Auffinger, G. Ben Arous, J. Cerny, Comm. Pure Appl. Math. 66, 165 (2013)).
The sphere is a constraint by `landtopo/models/constraints.py`: the function is one of the direction
alone, and the length is gauge. H(-s) = (-1)^p H(s): where p is odd, maxima are minima turned
around; where it is even, s and -s are copies.

Critical points are the eigenvectors of the symmetric part of J: s with T(s, .., s, .) = l s. Of
p = 3 there are 2^N - 1 with complex entries, up to their length (D. Cartwright, B. Sturmfels,
Linear Algebra Appl. 438, 942 (2013)), so that there are at most 2 (2^N - 1) critical points; of
p = 2 they are the N eigenvectors of a random symmetric matrix, with either sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from landtopo.checks import checked_count, checked_number, checked_seed
from landtopo.errors import InvalidArgument
from landtopo.models.constraints import NormalisedRows
from landtopo.models.functions import FunctionShape
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array, SmoothFunction
from landtopo.symmetry.coordinates import SignedPermutations
from landtopo.symmetry.gauge import Lengths

__all__ = ["p_spin"]

_MOST = 200
# N^p couplings are held, and made symmetric by p! permutations.
_MOST_ORDER = 6
_MOST_COUPLINGS = _MOST**3


@dataclass(frozen=True, kw_only=True)
class _Sphere(FunctionShape):
    """A function on a sphere of radius sqrt(N)."""

    objective: NormalisedRows
    order: int

    @property
    def title(self) -> str:
        """What a page calls it."""
        return f"spherical {self.order}-spin model {self.name}"

    def draw(self, generator: np.random.Generator) -> Array:
        """Uniform on the sphere."""
        return self.place(generator.standard_normal(self.objective.size))

    def place(self, x: Array) -> Array:
        """The point of the sphere that a point stands for."""
        return self.objective.place(x)


def p_spin(count: int, seed: int = 0, field: float | None = None, *, order: int = 3) -> SmoothModel:
    """The model of N spins with random couplings.

    Parameters
    ----------
    count : int
        N, from 2 to 200.
    seed : int
        Of the couplings.
    field : float, optional
        h, of the energy - h sum_i s_i that is added. Without it s and -s are copies if p is even;
        with h = 0 they are not said to be, as at any other h.
    order : int
        p, from 2 to 6. There may be at most 8 million couplings, N^p.

    Examples
    --------
    >>> from landtopo.models.spins import p_spin
    >>> p_spin(5, seed=1)
    <p-spin:5:1: 5 coordinates>
    >>> p_spin(5, seed=1, order=4)
    <p-spin:5:1:4: 5 coordinates>
    """
    count = checked_count("count", "p_spin", count, least=2, most=_MOST)
    order = checked_count("order", "p_spin", order, least=2, most=_MOST_ORDER)
    seed = checked_seed("p_spin", seed)
    if count**order > _MOST_COUPLINGS:
        raise InvalidArgument(
            f"The 'count' argument of p_spin must be at most "
            f"{int(_MOST_COUPLINGS ** (1.0 / order) + 1e-9)} where p is {order}; got {count}."
        )
    even = field is None and order % 2 == 0
    field = 0.0 if field is None else field
    field = checked_number("field", "p_spin", field, "be a finite number", math.isfinite)
    gauge, radius = Lengths(count), np.sqrt(count)
    turned = [[-number for number in range(1, count + 1)]] if even else []
    shape = _Sphere(
        name=f"p-spin:{count}:{seed}" + (f":{order}" if order != 3 else ""),
        order=order,
        objective=NormalisedRows(_energy(count, seed, field, order), np.array([radius])),
        low=np.full(count, -radius),
        high=np.full(count, radius),
        gauge=gauge,
        symmetry=SignedPermutations(count, turned, gauge=gauge),
    )
    return SmoothModel(shape)


def _energy(count: int, seed: int, field: float, order: int) -> SmoothFunction:
    """The form of all s, and the field."""
    # Models of p = 3 are those of versions that knew no other.
    key = (count, 7) if order == 3 else (count, 7, order)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    couplings = generator.standard_normal((count,) * order) / count ** ((order - 1) / 2)
    tensor = np.asarray(
        sum(np.transpose(couplings, one) for one in permutations(range(order)))
    ) / float(math.factorial(order))

    def bend(s: Array) -> Array:
        """T(s, .., s, ., .)."""
        matrix = tensor
        while matrix.ndim > 2:
            matrix = matrix @ s
        return matrix

    def slope(s: Array) -> Array:
        return np.asarray(-float(order) * bend(s) @ s)

    return SmoothFunction(
        size=count,
        function=lambda s: float(slope(s) @ s) / order - field * float(s.sum()),
        derivative=lambda s: slope(s) - field,
        second=lambda s: -float(order * (order - 1)) * bend(s),
    )
