"""How often an objective was asked for what: the cost of an algorithm, whatever the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from landtopo.objective import Array, FlowCurve, Objective, Pace
from landtopo.shown import Brief

__all__ = ["Counted", "Evaluations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluations(Brief):
    """Number of points at which values, gradients and Hessians were computed.

    Attributes
    ----------
    value, gradient, hessian : int
        A gradient that comes with its value counts once, as a gradient.
    """

    value: int = 0
    gradient: int = 0
    hessian: int = 0

    def __add__(self, other: Evaluations) -> Evaluations:
        return Evaluations(
            value=self.value + other.value,
            gradient=self.gradient + other.gradient,
            hessian=self.hessian + other.hessian,
        )

    def __sub__(self, other: Evaluations) -> Evaluations:
        return Evaluations(
            value=self.value - other.value,
            gradient=self.gradient - other.gradient,
            hessian=self.hessian - other.hessian,
        )

    def as_dict(self) -> dict[str, int]:
        """Plain numbers for a file."""
        return {"value": self.value, "gradient": self.gradient, "hessian": self.hessian}


class Counted:
    """An objective that counts what it is asked for; otherwise the one it wraps.

    Parameters
    ----------
    objective : Objective
        The function. It may itself count: each counter then counts what goes through it.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._value = self._gradient = self._hessian = 0

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.objective.size

    @property
    def evaluations(self) -> Evaluations:
        """What was asked for until now."""
        return Evaluations(value=self._value, gradient=self._gradient, hessian=self._hessian)

    @property
    def compiled(self) -> tuple[Any, ...] | None:
        """The function as compiled loops want it, if it is known to them.

        What they use is to be added.
        """
        return getattr(self.objective, "compiled", None)

    def value(self, x: Array) -> Array:
        """Values, shape () or (n,)."""
        self._value += 1 if x.ndim == 1 else x.shape[0]
        return self.objective.value(x)

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Values and gradients at one point or a batch."""
        self._gradient += 1 if x.ndim == 1 else x.shape[0]
        return self.objective.value_and_gradient(x)

    def hessian(self, x: Array) -> Array:
        """Hessian at one point, shape (size, size)."""
        self._hessian += 1
        return self.objective.hessian(x)

    def add(self, cost: Evaluations) -> None:
        """Count what was asked of the same function in another way."""
        self._value += cost.value
        self._gradient += cost.gradient
        self._hessian += cost.hessian
        if isinstance(self.objective, Counted):
            self.objective.add(cost)

    def gauge(self, x: Array) -> Array:
        """Orthonormal rows that span the gauge directions at one point."""
        return self.objective.gauge(x)

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """A stretch of the gradient flow; counted in gradients."""
        found = self.objective.flow(x, pace)
        if found is not None:
            self._gradient += found.gradients
        return found
