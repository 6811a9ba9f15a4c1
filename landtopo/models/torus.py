"""A function of two angles on a torus, with a valley that is flat though no symmetry makes it so.

    f(a, b) = (1 - cos a) (2 + cos b + cos a / 2)

Along the circle a = 0 the value is 0 whatever b is, and the curvature across it is 5/2 + cos b. The
other critical points are a minimum of 1 at a = b = pi, two saddles of 9/8 at b = pi, cos a = -1/2,
between it and the valley, and a maximum of 5 at a = pi, b = 0. The angles are those of two unit
vectors in the plane, (u, v), whose lengths are gauge (`landtopo/models/constraints.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from landtopo.checks import checked_number
from landtopo.models.constraints import NormalisedRows
from landtopo.models.functions import FunctionShape
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array, SmoothFunction
from landtopo.symmetry.coordinates import SignedPermutations
from landtopo.symmetry.gauge import Lengths

__all__ = ["torus"]


def _value(x: Array) -> float:
    return float((1.0 - x[0]) * (2.0 + x[2] + x[0] / 2.0))


def _gradient(x: Array, tilt: float) -> Array:
    return np.array([-1.5 - x[2] - x[0], 0.0, 1.0 - x[0] - tilt, 0.0])


def _hessian(x: Array) -> Array:
    result = np.zeros((4, 4))
    result[0, 0] = result[0, 2] = result[2, 0] = -1.0
    return result


@dataclass(frozen=True, kw_only=True)
class _Torus(FunctionShape):
    """Two unit vectors, told by their angles."""

    objective: NormalisedRows

    def draw(self, generator: np.random.Generator) -> Array:
        """Two uniform angles."""
        return self.place(generator.standard_normal(4))

    def place(self, x: Array) -> Array:
        """The unit vectors."""
        return self.objective.place(x)

    def description(self, x: Array, isotropy: int) -> str:
        """The angles, in degrees."""
        first, second = np.degrees(np.arctan2(x[1::2], x[::2])) + 0.0
        return f"angles {first:.4g} and {second:.4g} degrees"


def torus(tilt: float = 0.0) -> SmoothModel:
    """The model of the function; mirror images, a to -a and b to -b, are its symmetries.

    Parameters
    ----------
    tilt : float
        t, of the term t (1 - cos b) that is added, which leaves one point of the valley lowest.
    """
    tilt = checked_number("tilt", "torus", tilt, "be a finite number", math.isfinite)
    gauge = Lengths(2)
    inner = SmoothFunction(
        size=4,
        function=lambda x: _value(x) + tilt * float(1.0 - x[2]),
        derivative=lambda x: _gradient(x, tilt),
        second=_hessian,
    )
    shape = _Torus(
        name="torus",
        objective=NormalisedRows(inner, np.ones(2)),
        low=np.full(4, -1.0),
        high=np.ones(4),
        gauge=gauge,
        symmetry=SignedPermutations(4, [[1, -2, 3, 4], [1, 2, 3, -4]], gauge=gauge),
    )
    return SmoothModel(shape)
