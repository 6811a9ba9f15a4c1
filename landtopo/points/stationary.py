"""Critical points of any smooth function, and families of them: evidence, then the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.points.ascend import newton
from landtopo.points.records import Kind
from landtopo.points.spectrum import spectrum
from landtopo.shown import Brief
from landtopo.units import Linear, Squared, Unitless

__all__ = [
    "LEAST",
    "LEAST_REASON",
    "FunctionFamily",
    "FunctionPoint",
    "flat_reason",
    "judged",
    "verdict_of",
]

#: A value that is closer than this to the least one, in units of the model, is the least.
LEAST = 1e-12
#: Why a point of such a value is a minimum, whatever its null directions are.
LEAST_REASON = "No value is lower; null directions may be flat, or walls of higher order."
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionPoint(Brief):
    """A critical point of a function.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value, grad_norm : float
        There.
    grad_tolerance : float
        Largest gradient norm of a critical point.
    eigenvalues : ndarray
        Of the Hessian, ascending, without gauge directions.
    gauge : int
        Number of gauge directions that were left out.
    zero_tolerance : float
        Largest size of an eigenvalue that counts as zero.
    gap : float
        Smallest size of a non-zero eigenvalue over the largest size of a zero one.
    index, nullity : int
        Numbers of negative and of zero eigenvalues.
    kind : Kind
        *minimum* if all eigenvalues are positive, or those that vanish belong to flat directions;
        *saddle* if some are negative; *undecided* if none is negative and some are zero, or where
        the gradient does not vanish.
    reason : str
        One sentence that says why.
    count : int
        How many independent starts ended here.
    """

    _told = ("kind", "value", "grad_norm", "index", "nullity", "gap", "x")

    x: Linear[Array]
    value: Squared[float]
    grad_norm: Linear[float]
    grad_tolerance: Linear[float]
    eigenvalues: Unitless[Array]
    gauge: int
    zero_tolerance: Unitless[float]
    gap: Unitless[float]
    index: int
    nullity: int
    kind: Kind
    reason: str
    count: int = 0

    @property
    def loss(self) -> float:
        """The value, as every landscape calls it."""
        return self.value

    def moved(self, x: Array) -> FunctionPoint:
        """A copy by symmetry, which lies at x."""
        x = np.array(x)
        x.setflags(write=False)
        return replace(self, x=x)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFamily(Brief):
    """All critical points of a function that are one up to symmetry.

    Attributes
    ----------
    id : str
        Such as ``min0``: numbered by increasing value.
    point : FunctionPoint
        The representative.
    count : int
        How many independent starts ended in it.
    found_by : str
        The search that met it first.
    flat_dimension : int or None
        Dimension of the connected set of minima, gauge not counted; None where it was not decided.
    isotropy_order : int
        Number of symmetries that leave the point as it is.
    orbit_size : int
        Number of its copies, gauge not counted.
    description : str
        One line that a person understands.
    """

    _told = ("id", "loss", "count", "orbit_size", "flat_dimension", "description")

    id: str
    point: FunctionPoint
    count: int
    found_by: str
    flat_dimension: int | None
    isotropy_order: int
    orbit_size: int
    description: str

    @property
    def x(self) -> Array:
        """Coordinates of the representative."""
        return self.point.x

    @property
    def loss(self) -> float:
        """The value of every member."""
        return self.point.value

    def moved(self, x: Array) -> FunctionFamily:
        """The family with another representative, a copy of this one."""
        return replace(self, point=self.point.moved(x))

    def named(self, name: str) -> FunctionFamily:
        """The family with an id."""
        return replace(self, id=name)

    def record(self) -> dict[str, Any]:
        """Plain values by name."""
        point = self.point
        return {
            "id": self.id,
            "kind": str(point.kind),
            "loss": point.value,
            "count": self.count,
            "index": point.index,
            "nullity": point.nullity,
            "gap": point.gap,
            "flat_dimension": self.flat_dimension,
            "smallest_eigenvalue": float(point.eigenvalues[0]) if len(point.eigenvalues) else None,
            "grad_norm": point.grad_norm,
            "isotropy_order": self.isotropy_order,
            "orbit_size": self.orbit_size,
            "description": self.description,
            "reason": point.reason,
            "found_by": self.found_by,
            "coordinates": point.x.tolist(),
        }

    def row(self) -> dict[str, Any]:
        """The record without the coordinates: one row of a table."""
        return {name: value for name, value in self.record().items() if name != "coordinates"}


def judged(
    objective: Objective, x: Array, *, reach: float, tolerance: float, error: float = 0.0
) -> FunctionPoint:
    """The critical point at x or as near as Newton's method finds it, and what it is.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
    reach : float
        How far Newton's method may move the point.
    tolerance : float
        |grad| of a critical point, in units of the largest curvature there times a length of one;
        it is never below what rounding leaves of the gradient.
    error : float
        Error of the Hessian relative to its largest eigenvalue, where it is made of differences.

    Returns
    -------
    FunctionPoint
    """
    # Asked for nothing, Newton's method goes on until rounding stops it.
    end, _, _, _ = newton(objective, x, gradient_tolerance=0.0, region=reach)
    zero = max(1e-9, 4.0 * error)
    found = spectrum(objective, end, zero_tolerance=zero)
    value, gradient = objective.value_and_gradient(end)
    norm = float(np.linalg.norm(gradient))
    largest = float(np.abs(found.eigenvalues).max(initial=0.0))
    rounding = 64.0 * _EPSILON * largest * float(np.linalg.norm(end))
    allowed = max(tolerance * largest, rounding)
    kind, reason = verdict_of(norm <= allowed, found.index, found.nullity, found.gauge)
    end = np.array(end)
    end.setflags(write=False)
    return FunctionPoint(
        x=end,
        value=float(value),
        grad_norm=norm,
        grad_tolerance=allowed,
        eigenvalues=found.eigenvalues,
        gauge=found.gauge,
        zero_tolerance=found.zero_tolerance,
        gap=found.gap,
        index=found.index,
        nullity=found.nullity,
        kind=kind,
        reason=reason,
    )


def flat_reason(dimension: int) -> str:
    """Why a point with null directions is a minimum."""
    what = "direction" if dimension == 1 else f"{dimension} directions"
    return (
        f"The value is constant on curves traced along the null {what}, and all other eigenvalues "
        "of the Hessian are positive."
    )


def verdict_of(critical: bool, index: int, nullity: int, gauge: int) -> tuple[Kind, str]:
    """What a point is, and why, from its numbers of eigenvalues of each sign."""
    beside = f", {gauge} directions of the continuous symmetry left out" if gauge else ""
    if not critical:
        return Kind.UNDECIDED, "The gradient does not vanish near by."
    if index:
        return Kind.SADDLE, f"The Hessian has {index} negative eigenvalues{beside}."
    if nullity:
        return Kind.UNDECIDED, f"No eigenvalue is negative, and {nullity} are zero{beside}."
    return Kind.MINIMUM, f"All eigenvalues of the Hessian are positive{beside}."
