"""Null directions of critical points of a model: gauge, flat, curved or only soft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import (
    checked_seed,
)
from landtopo.errors import InvalidArgument
from landtopo.flat.local import DirectionKind, local_report
from landtopo.models.given import given_point, refuse
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array
from landtopo.points.stationary import FunctionPoint
from landtopo.shown import Table

__all__ = ["FlatDirections", "flat_directions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatDirections(Table):
    """What the null directions of a critical point of a model are.

    Attributes
    ----------
    point : FunctionPoint
        The point, with its spectrum.
    flat_dimension : int
        Dimension of the set of constant value through it, gauge not counted; traced curves.
    kinds : tuple of DirectionKind
        Of each null direction, gauge first.
    vectors : ndarray, shape (n, size)
        The directions.
    disagreements : tuple of str
        What independent routes to the dimension do not agree on.
    """

    point: FunctionPoint
    flat_dimension: int
    kinds: tuple[DirectionKind, ...]
    vectors: Array
    disagreements: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Plain values, as files and studies have them."""
        return {
            "loss": self.point.value,
            "flat_dimension": self.flat_dimension,
            "nullity": self.point.nullity,
            "gauge": self.point.gauge,
            "directions": [str(kind) for kind in self.kinds],
            "disagreements": list(self.disagreements),
            "coordinates": self.point.x.tolist(),
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row a null direction."""
        return [{"direction": number, "kind": str(kind)} for number, kind in enumerate(self.kinds)]


def flat_directions(
    model: SmoothModel, x: ArrayLike, *, seed: int = 0, **more: Any
) -> FlatDirections:
    """Which null directions of a critical point are gauge, flat, curved or only soft.

    Parameters
    ----------
    model : SmoothModel
    x : array_like
        A critical point, flat or as the model shows points.
    seed : int
        Of the displacements by which directions are tried.
    **more
        Arguments for networks, which are refused.
    """
    refuse("flat_directions", model, more)
    seed = checked_seed("flat_directions", seed)
    point = model.strata.judge(given_point("x", "flat_directions", model, x))
    if point.grad_norm > point.grad_tolerance:
        raise InvalidArgument(
            "The 'x' argument of flat_directions must be a critical point; Newton's method finds "
            f"none close to it: |grad| stays at {model.told(point).grad_norm:.1e}."
        )
    report = local_report(
        model.objective(point.x), point.x, rng=np.random.default_rng(np.random.SeedSequence(seed))
    )
    return FlatDirections(
        point=model.told(point),
        flat_dimension=report.flat_dimension,
        kinds=tuple(direction.kind for direction in report.directions),
        vectors=np.array([d.vector for d in report.directions]).reshape(-1, model.size),
        disagreements=report.disagreements,
    )
