"""A function of one's own as a model: its box, its derivatives, and the symmetries it has.

Derivatives that are not given are made by JAX, where the function is written for it, or of central
differences, whose error is estimated and widens what counts as a zero eigenvalue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_array, checked_count, shown
from landtopo.errors import InvalidArgument
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array, FlowCurve, Objective, Pace
from landtopo.points.derivative_check import check_derivatives
from landtopo.symmetry.coordinates import SignedPermutations
from landtopo.symmetry.gauge import Along, Gauge, NoGauge, RigidMotions
from landtopo.symmetry.permutations import Permutation
from landtopo.tolerances import UNCHANGED

__all__ = ["FunctionObjective", "FunctionShape", "format_signed", "function_model", "parse_signed"]

_GROUPS = ("translations", "rotations", "rigid")
# Points at which symmetries are tried, and by how much a copy may differ, of the values' spread.
_TRIED = 5
# Steps of differences of fourth order, in lengths of one: the error of the stencil and that of
# rounding are about the same there, for first differences and for second ones of values.
_FIRST = 1e-3
_SECOND = 4e-3
# Coordinates that a line has room for.
_SHOWN = 4


def function_model(
    f: Callable[[Array], Any],
    gradient: Callable[[Array], ArrayLike] | None = None,
    hessian: Callable[[Array], ArrayLike] | None = None,
    low: ArrayLike = -1.0,
    high: ArrayLike = 1.0,
    *,
    size: int | None = None,
    symmetry: Sequence[Sequence[int]] = (),
    gauge: str | Callable[[Array], ArrayLike] | None = None,
    jax: bool = False,
    name: str | None = None,
) -> SmoothModel:
    """A smooth function as a model, for every search, connection, graph and picture.

    Parameters
    ----------
    f : callable
        Value at one point, shape (size,).
    gradient, hessian : callable, optional
        Shapes (size,) and (size, size). They are compared with differences at random points before
        any work; missing ones are made by JAX or of differences.
    low, high : array_like, shape (size,)
        Corners of the box in which searches start; numbers for all coordinates alike.
    size : int, optional
        Number of coordinates, where both corners are numbers.
    symmetry : sequence of sequence of int
        Generators of signed permutations of the coordinates that leave the function as it is:
        entry i is +j or -j where x_i becomes +x_j or -x_j, counted from 1.
    gauge : str or callable, optional
        Continuous symmetry: ``translations:k``, ``rotations:k`` or ``rigid:k`` of points in k
        dimensions, whose coordinates follow each other; or a function from a point to directions
        (m, size) along which nothing changes.
    jax : bool
        Whether `f` is written with jax.numpy, so that JAX can differentiate it.
    name : str, optional
        What people call it; the name of the function by default.

    Returns
    -------
    SmoothModel

    Raises
    ------
    InvalidArgument
        An argument cannot be used; a derivative contradicts differences; a symmetry changes the
        function.

    Examples
    --------
    >>> import landtopo as lt
    >>> model = lt.function_model(
    ...     lambda x: (x[0] ** 2 - 1) ** 2 + x[1] ** 2,
    ...     lambda x: [4 * x[0] * (x[0] ** 2 - 1), 2 * x[1]],
    ...     lambda x: [[12 * x[0] ** 2 - 4, 0], [0, 2]],
    ...     low=[-2, -2],
    ...     high=[2, 2],
    ...     symmetry=[[-1, 2]],
    ...     name="double well",
    ... )
    >>> graph = lt.landscape_graph(model, starts=20)
    >>> [(data["loss"], data["orbit_size"]) for _, data in graph.nodes(data=True)]
    [(0.0, 2)]
    >>> [round(data["loss"], 12) for *_, data in graph.edges(data=True)]
    [1.0]
    """
    for given, what in ((f, "f"), (gradient, "gradient"), (hessian, "hessian")):
        if not callable(given) and (what == "f" or given is not None):
            raise InvalidArgument(
                f"The '{what}' argument of function_model must be callable; "
                f"got {type(given).__name__}."
            )
    first, last = _box(low, high, size)
    flow_along = _gauge(gauge, len(first))
    objective = _objective(f, gradient, hessian, jax, first, last, flow_along)
    check_derivatives("function_model", objective, first, last, argument="f")
    shape = FunctionShape(
        name=name or getattr(f, "__name__", "function").strip("<>"),
        objective=objective,
        error=objective.error,
        slope_error=objective.slope_error,
        low=first,
        high=last,
        gauge=flow_along,
        symmetry=SignedPermutations(len(first), symmetry, gauge=flow_along),
    )
    _check_symmetry(shape)
    return SmoothModel(shape)


@dataclass(frozen=True, kw_only=True)
class FunctionShape:
    """A function in a box; see `landtopo.models.smooth.Shape`.

    Attributes
    ----------
    name : str
    objective : Objective
    low, high : ndarray, shape (size,)
        Corners of the box.
    gauge : Gauge
    symmetry : SignedPermutations
    error : float
        Error of Hessians relative to the largest curvature.
    slope_error : float
        Error of gradients.
    """

    name: str
    objective: Objective
    low: Array
    high: Array
    gauge: Gauge
    symmetry: SignedPermutations
    error: float = 0.0
    slope_error: float = 0.0

    @property
    def title(self) -> str:
        """What a page calls it."""
        return f"function {self.name}"

    @property
    def length(self) -> float:
        """Half the longest edge of the box."""
        return float(np.max(self.high - self.low)) / 2.0

    def draw(self, generator: np.random.Generator) -> Array:
        """Uniform in the box."""
        return generator.uniform(self.low, self.high)

    def shaped(self, x: Array) -> Array:
        """The coordinates in a row."""
        return x

    def place(self, x: Array) -> Array:
        """Every point is one."""
        return x

    def flaw(self, x: Array) -> str | None:
        """Every critical point of a function is one."""
        return None

    def description(self, x: Array, isotropy: int) -> str:
        """Where it is, as far as a line has room."""
        shown_entries = ", ".join(f"{entry:.4g}" for entry in x[:_SHOWN])
        more = ", ..." if len(x) > _SHOWN else ""
        return f"at ({shown_entries}{more})"

    def element_text(self, element: Permutation) -> dict[str, str]:
        """The coordinates that are exchanged, and those that change their sign."""
        if self.symmetry.order == 1:
            return {}
        return {"permutation": format_signed(element)}

    def element_of(self, told: Mapping[str, Any]) -> Permutation | None:
        """The inverse; the identity where nothing was said."""
        return parse_signed(str(told.get("permutation", "()")), len(self.low))

    def columns(self, x: Array) -> dict[str, Any]:
        """Nothing more."""
        return {}


def format_signed(element: Sequence[int]) -> str:
    """A signed permutation of coordinates as text, such as ``x1 -> -x2, x2 -> x1``."""
    size = len(element) // 2
    parts = []
    for i in range(size):
        place, sign = element[i] % size, "" if element[i] < size else "-"
        if element[i] != i:
            parts.append(f"x{i + 1} -> {sign}x{place + 1}")
    return ", ".join(parts) or "()"


def parse_signed(text: str, size: int) -> Permutation | None:
    """The signed permutation that `format_signed` wrote, or None.

    Examples
    --------
    >>> from landtopo.models.functions import parse_signed
    >>> parse_signed("x1 -> -x2, x2 -> x1", 2)
    (3, 0, 1, 2)
    """
    images = list(range(size))
    for part in text.split(", ") if text != "()" else ():
        move = re.fullmatch(r"x(\d+) -> (-?)x(\d+)", part)
        if move is None or not (1 <= int(move[1]) <= size and 1 <= int(move[3]) <= size):
            return None
        images[int(move[1]) - 1] = int(move[3]) - 1 + (size if move[2] else 0)
    if len({image % size for image in images}) < size:
        return None
    return tuple(images + [(image + size) % (2 * size) for image in images])


class FunctionObjective:
    """A function with the derivatives it was given, and differences for those it was not.

    Parameters
    ----------
    f, gradient, hessian : callable
        The last two may be None.
    steps : ndarray, shape (size,)
        Lengths of one in every coordinate, of which the steps of differences are small parts.
    gauge : Gauge
    """

    def __init__(
        self,
        f: Callable[[Array], Any],
        gradient: Callable[[Array], ArrayLike] | None,
        hessian: Callable[[Array], ArrayLike] | None,
        steps: Array,
        gauge: Gauge,
    ) -> None:
        self._f = f
        self._gradient = gradient
        self._hessian = hessian
        self._steps = steps
        self._gauge = gauge
        self.error = 0.0
        self.slope_error = 0.0

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self._steps)

    def value(self, x: Array) -> Array:
        """Values, shape () or (n,)."""
        if x.ndim == 1:
            return np.asarray(_number(self._f(x)))
        return np.array([_number(self._f(row)) for row in x])

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Values and gradients."""
        flat = x.reshape(-1, self.size)
        gradients = np.array([self.slope(row) for row in flat])
        return self.value(x), gradients.reshape(x.shape)

    def slope(self, x: Array, share: float = 1.0) -> Array:
        """The gradient at one point; of differences with a part of the usual step."""
        if self._gradient is not None:
            found = np.asarray(self._gradient(x), dtype=np.float64)
            if found.shape != x.shape:
                raise InvalidArgument(
                    f"The 'gradient' argument of function_model must return an array of shape "
                    f"{x.shape}; it returned one of shape {found.shape}."
                )
            return found
        steps = share * _FIRST * self._steps
        return np.array([_first(self._f, x, i, step) for i, step in enumerate(steps)])

    def hessian(self, x: Array) -> Array:
        """Hessian at one point."""
        return self.curvature(x)

    def curvature(self, x: Array, share: float = 1.0) -> Array:
        """The Hessian at one point; of differences with a part of the usual step."""
        if self._hessian is not None:
            found = np.asarray(self._hessian(x), dtype=np.float64)
            if found.shape != (self.size, self.size):
                raise InvalidArgument(
                    f"The 'hessian' argument of function_model must return an array of shape "
                    f"{(self.size, self.size)}; it returned one of shape {found.shape}."
                )
            return found
        if self._gradient is not None:
            steps = share * _FIRST * self._steps
            rows = [_first(self.slope, x, i, step) for i, step in enumerate(steps)]
            return np.asarray(0.5 * (np.array(rows) + np.array(rows).T))
        return self._second(x, share * _SECOND * self._steps)

    def _second(self, x: Array, steps: Array) -> Array:
        """Second differences of values, of fourth order."""
        size = self.size
        result = np.empty((size, size))
        for i in range(size):
            for j in range(i + 1):

                def along(y: Array, j: int = j) -> Array:
                    return np.asarray(_first(self._f, y, j, steps[j]))

                result[i, j] = result[j, i] = _first(along, x, i, steps[i])
        return result

    def gauge(self, x: Array) -> Array:
        """Directions of the continuous symmetry."""
        return self._gauge.directions(x)

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """A user's function is not compiled."""
        return None

    def estimate_errors(self, points: Array) -> None:
        """State the errors of differences, from what half the step changes at some points."""
        for x in points:
            if self._gradient is None:
                apart = np.abs(self.slope(x) - self.slope(x, 0.5)).max()
                self.slope_error = max(self.slope_error, float(apart))
            if self._hessian is None:
                whole = self.curvature(x)
                apart = np.abs(whole - self.curvature(x, 0.5)).max()
                largest = float(np.abs(whole).max())
                self.error = max(self.error, float(apart) / largest if largest else 0.0)


def _first(function: Callable[[Array], Any], x: Array, i: int, step: float) -> Any:
    """The first derivative along a coordinate, by differences of fourth order."""

    def at(share: float) -> Any:
        y = x.copy()
        y[i] += share * step
        return np.asarray(function(y), dtype=np.float64)

    return (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step)


def _number(value: Any) -> float:
    """A value as a float; arrays of one entry are taken for it."""
    return float(np.asarray(value).reshape(()))


def _objective(
    f: Callable[[Array], Any],
    gradient: Callable[[Array], ArrayLike] | None,
    hessian: Callable[[Array], ArrayLike] | None,
    jax: bool,
    low: Array,
    high: Array,
    gauge: Gauge,
) -> FunctionObjective:
    if jax and (gradient is None or hessian is None):
        gradient, hessian = _by_jax(f, gradient, hessian)
    found = FunctionObjective(f, gradient, hessian, (high - low) / 2.0, gauge)
    generator = np.random.default_rng(np.random.SeedSequence(1))
    if gradient is None or hessian is None:
        found.estimate_errors(generator.uniform(low, high, size=(_TRIED, len(low))))
    return found


def _by_jax(
    f: Callable[[Array], Any],
    gradient: Callable[[Array], ArrayLike] | None,
    hessian: Callable[[Array], ArrayLike] | None,
) -> tuple[Callable[[Array], ArrayLike], Callable[[Array], ArrayLike]]:
    """The derivatives that are missing, in double precision."""
    try:
        import jax
    except ImportError:
        raise InvalidArgument(
            "The 'jax' argument of function_model needs JAX, which is not installed: "
            "pip install 'landtopo[jax]'."
        ) from None
    jax.config.update("jax_enable_x64", True)
    return gradient or jax.jit(jax.grad(f)), hessian or jax.jit(jax.hessian(f))


def _box(low: ArrayLike, high: ArrayLike, size: int | None) -> tuple[Array, Array]:
    """The corners, as arrays of one length."""
    if size is not None:
        size = checked_count("size", "function_model", size)
    wanted = "(size,)" if size is None else f"({size},)"
    corners = []
    for name, value in (("low", low), ("high", high)):
        given = np.asarray(value)
        if given.ndim == 0 and size is not None:
            value = np.full(size, given)
        corners.append(
            checked_array(
                name,
                "function_model",
                value,
                wanted,
                lambda shape: len(shape) == 1 and shape[0] >= 1 and size in (None, shape[0]),
            )
        )
    first, last = corners
    if first.shape != last.shape or not np.all(first < last):
        raise InvalidArgument(
            "The 'low' and 'high' arguments of function_model must have low < high; "
            f"got {shown(first.tolist())} and {shown(last.tolist())}."
        )
    return first, last


def _gauge(gauge: str | Callable[[Array], ArrayLike] | None, size: int) -> Gauge:
    if gauge is None:
        return NoGauge(size)
    if callable(gauge):
        return Along(gauge)
    kind, _, dimension = str(gauge).partition(":")
    if kind not in _GROUPS or not dimension.isdigit() or int(dimension) < 1:
        raise InvalidArgument(
            "The 'gauge' argument of function_model must be a function or translations:k, "
            f"rotations:k or rigid:k; got {shown(gauge)}."
        )
    if size % int(dimension):
        raise InvalidArgument(
            f"The 'gauge' argument of function_model must fit the {size} coordinates of points in "
            f"{dimension} dimensions; got {shown(gauge)}."
        )
    return RigidMotions(
        int(dimension),
        translations=kind in ("translations", "rigid"),
        rotations=kind in ("rotations", "rigid"),
    )


def _check_symmetry(shape: FunctionShape) -> None:
    """Refuse generators and directions that change the function."""
    generator = np.random.default_rng(np.random.SeedSequence(2))
    points = generator.uniform(shape.low, shape.high, size=(_TRIED, len(shape.low)))
    values = shape.objective.value(points)
    spread = float(np.ptp(values)) + 1e-6 * float(np.abs(values).max())
    for element in shape.symmetry.group.generators:
        copies = np.array([shape.symmetry.act(element.tolist(), x) for x in points])
        apart = np.abs(shape.objective.value(copies) - values)
        if apart.max() > UNCHANGED * spread:
            raise InvalidArgument(
                "The 'symmetry' argument of function_model must leave the function as it is; "
                f"{format_signed(element.tolist())} changes it from {values[apart.argmax()]:.6g} "
                f"by {apart.max():.3g}."
            )
    for x in points:
        _, gradient = shape.objective.value_and_gradient(x)
        along = np.abs(shape.gauge.directions(x) @ gradient).max(initial=0.0)
        allowed = 1e-7 * float(np.linalg.norm(gradient)) + 8.0 * shape.slope_error
        if along > allowed:
            raise InvalidArgument(
                "The 'gauge' argument of function_model must give directions along which the "
                f"function does not change; its slope along one of them is {along:.3g}."
            )
