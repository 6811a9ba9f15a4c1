"""What search, bands and flat tracing know of a function: value, gradient and Hessian.

None of them ever sees a network. A loss and a textbook test function look the same from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from landtopo.errors import InvalidArgument
from landtopo.shown import Brief

__all__ = ["Array", "FlowCurve", "FlowEnd", "Objective", "Pace", "SmoothFunction"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace(Brief):
    """How a gradient flow is to be followed from where it is.

    Attributes
    ----------
    time_step : float
        First time step to try.
    stiffness : float
        Upper estimate of the largest curvature.
    peak : float
        Largest |grad| met before.
    until : float
        The flow is followed until |grad| is below this fraction of its largest value.
    error : float
        Error of one step that is accepted across the curve, in units of x.
    lag : float
        Error of one step that is accepted along the curve, in units of the step.
    longest : float
        Largest length of a step.
    stages : int
        Largest number of gradients of one step.
    steps : int
        Largest number of steps.
    """

    time_step: float
    stiffness: float
    peak: float
    until: float
    error: float
    lag: float
    longest: float
    stages: int
    steps: int


class FlowEnd(Enum):
    """Why a stretch of a gradient flow ends."""

    SLOW = "The slope has become as small as was asked for."
    STIFF = "A step needs more stages than are allowed."
    STEPS_USED = "The number of steps allowed was used."
    NOT_SMOOTH = "The steps became too short: the function is not smooth on the way."
    NOT_FINITE = "A value that is not finite was met."


class FlowCurve(NamedTuple):
    """A stretch of a gradient flow.

    Attributes
    ----------
    points, slopes : ndarray, shape (n, size)
        After each step, n >= 0, with -grad there.
    times : ndarray, shape (n,)
        Since the start.
    time_step, stiffness, peak : float
        To go on with, as in `Pace`.
    gradients : int
        What it cost, in gradients.
    end : FlowEnd
    """

    points: Array
    slopes: Array
    times: Array
    time_step: float
    stiffness: float
    peak: float
    gradients: int
    end: FlowEnd


class Objective(Protocol):
    """A function on flat arrays, twice continuously differentiable where it is used.

    `x` has shape (size,) for one point or (n, size) for a batch; values then have shape () or (n,).

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> bowl = lt.SmoothFunction(
    ...     size=2,
    ...     function=lambda x: float(x @ x),
    ...     derivative=lambda x: 2 * x,
    ...     second=lambda x: 2 * np.eye(2),
    ... )
    >>> objective: lt.Objective = bowl
    >>> objective.hessian(np.zeros(2))
    array([[2., 0.],
           [0., 2.]])
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

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """The flow dx/dt = -grad f from x on, by compiled steps; None where there are none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothFunction(Brief):
    """A user's own smooth function as an `Objective`.

    Parameters
    ----------
    size : int
        Number of coordinates.
    function, derivative, second : callable
        Value (float), gradient (size,) and Hessian (size, size) at one point (size,).

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> bowl = lt.SmoothFunction(
    ...     size=2,
    ...     function=lambda x: float(x @ x),
    ...     derivative=lambda x: 2 * x,
    ...     second=lambda x: 2 * np.eye(2),
    ... )
    >>> bowl.value(np.array([1.0, 2.0]))
    5.0
    """

    size: int
    function: Callable[[Array], float]
    derivative: Callable[[Array], Array]
    second: Callable[[Array], Array]

    def __post_init__(self) -> None:
        # That module needs this one.
        from landtopo.checks import checked_count

        checked_count("size", "SmoothFunction", self.size)
        for name in ("function", "derivative", "second"):
            if not callable(getattr(self, name)):
                raise InvalidArgument(
                    f"The '{name}' argument of SmoothFunction must be callable; got "
                    f"{type(getattr(self, name)).__name__}."
                )

    def value(self, x: Array) -> Any:
        """Value at one point, a float, or values of a batch, shape (n,).

        Examples
        --------
        >>> import numpy as np
        >>> import landtopo as lt
        >>> bowl = lt.SmoothFunction(
        ...     size=2,
        ...     function=lambda x: float(x @ x),
        ...     derivative=lambda x: 2 * x,
        ...     second=lambda x: 2 * np.eye(2),
        ... )
        >>> bowl.value(np.array([1.0, 2.0]))
        5.0
        """
        if x.ndim == 1:
            return float(self.function(x))
        return np.array([self.function(row) for row in x], dtype=np.float64)

    def value_and_gradient(self, x: Array) -> tuple[Any, Array]:
        """Values as in `value`, and gradients of the shape of `x`.

        Examples
        --------
        >>> import numpy as np
        >>> import landtopo as lt
        >>> bowl = lt.SmoothFunction(
        ...     size=2,
        ...     function=lambda x: float(x @ x),
        ...     derivative=lambda x: 2 * x,
        ...     second=lambda x: 2 * np.eye(2),
        ... )
        >>> bowl.value_and_gradient(np.array([1.0, 2.0]))
        (5.0, array([2., 4.]))
        """
        flat = x.reshape(-1, self.size)
        gradients = np.array([self.derivative(row) for row in flat], dtype=np.float64)
        _check_shape("derivative", gradients, flat.shape)
        return self.value(x), gradients.reshape(x.shape)

    def hessian(self, x: Array) -> Array:
        """Hessian at one point, shape (size, size).

        Examples
        --------
        >>> import numpy as np
        >>> import landtopo as lt
        >>> bowl = lt.SmoothFunction(
        ...     size=2,
        ...     function=lambda x: float(x @ x),
        ...     derivative=lambda x: 2 * x,
        ...     second=lambda x: 2 * np.eye(2),
        ... )
        >>> bowl.hessian(np.zeros(2))
        array([[2., 0.],
               [0., 2.]])
        """
        return np.asarray(self.second(x), dtype=np.float64)

    def gauge(self, x: Array) -> Array:
        """No continuous symmetry is assumed of a user's function.

        Examples
        --------
        >>> import numpy as np
        >>> import landtopo as lt
        >>> bowl = lt.SmoothFunction(
        ...     size=2,
        ...     function=lambda x: float(x @ x),
        ...     derivative=lambda x: 2 * x,
        ...     second=lambda x: 2 * np.eye(2),
        ... )
        >>> bowl.gauge(np.zeros(2)).shape
        (0, 2)
        """
        return np.empty((0, self.size))

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """A user's function is not compiled.

        Examples
        --------
        >>> import numpy as np
        >>> import landtopo as lt
        >>> bowl = lt.SmoothFunction(
        ...     size=2,
        ...     function=lambda x: float(x @ x),
        ...     derivative=lambda x: 2 * x,
        ...     second=lambda x: 2 * np.eye(2),
        ... )
        >>> bowl.flow(np.zeros(2), None) is None
        True
        """
        return None


def _check_shape(name: str, found: Array, wanted: tuple[int, ...]) -> None:
    if found.shape != wanted:
        raise InvalidArgument(
            f"The '{name}' argument of SmoothFunction must return an array of shape {wanted[1:]}; "
            f"it returned one of shape {found.shape[1:]}."
        )
