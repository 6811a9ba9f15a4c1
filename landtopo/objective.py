"""What search, bands and flat tracing know of a function: value, gradient and Hessian.

None of them ever sees a network. A loss and a textbook test function look the same from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Objective", "SmoothFunction"]

Array = NDArray[np.float64]


class Objective(Protocol):
    """A function on flat arrays, twice continuously differentiable where it is used.

    `x` has shape (size,) for one point or (n, size) for a batch; values then have shape () or (n,).
    """

    @property
    def size(self) -> int:
        """Number of coordinates."""
        ...

    def value(self, x: Array) -> Array:
        """Values, shape () or (n,)."""
        ...

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Values and gradients, shapes () and (size,), or (n,) and (n, size)."""
        ...

    def hessian(self, x: Array) -> Array:
        """Hessian at one point, shape (size, size), symmetric."""
        ...

    def gauge(self, x: Array) -> Array:
        """Orthonormal rows that span the directions of the continuous symmetry at one point.

        Shape (g, size), g >= 0. Moving along them changes nothing; they are exact, from the
        group action, and never decided by a threshold on the Hessian's eigenvalues.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothFunction:
    """A user's own smooth function as an `Objective`.

    Parameters
    ----------
    size : int
        Number of coordinates.
    function, derivative, second : callable
        Value (float), gradient (size,) and Hessian (size, size) at one point (size,).
    """

    size: int
    function: Callable[[Array], float]
    derivative: Callable[[Array], Array]
    second: Callable[[Array], Array]

    def value(self, x: Array) -> Array:
        """Values, shape () or (n,)."""
        flat = x.reshape(-1, self.size)
        return np.array([self.function(row) for row in flat]).reshape(x.shape[:-1])

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Values and gradients at one point or a batch."""
        flat = x.reshape(-1, self.size)
        gradients = np.array([self.derivative(row) for row in flat], dtype=np.float64)
        return self.value(x), gradients.reshape(x.shape)

    def hessian(self, x: Array) -> Array:
        """Hessian at one point, shape (size, size)."""
        return np.asarray(self.second(x), dtype=np.float64)

    def gauge(self, x: Array) -> Array:
        """No continuous symmetry is assumed of a user's function."""
        return np.empty((0, self.size))
