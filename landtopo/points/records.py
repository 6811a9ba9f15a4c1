"""What is recorded of starts, critical points and families: evidence first, then the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.shown import Brief, Table
from landtopo.units import Linear, Squared, Unitless

__all__ = ["Attempts", "CriticalPoint", "Families", "Family", "Kind", "Status", "is_zero_loss"]


def is_zero_loss(loss: float, weights: Array) -> bool:
    """Whether a loss is zero as far as the rounding of the weights lets one know."""
    return loss <= 1e-23 * float(np.sum(weights**2))


class Status(StrEnum):
    """How an attempt ended, as a sentence."""

    CONVERGED = "The gradient fell below the tolerance."
    TOO_LONG = "The limit of evaluations was reached first."
    STALLED = "No step made the gradient smaller before it reached the tolerance."
    DUPLICATE = "The attempt ran into a point that was known already and was stopped."
    DIVERGED = "The weights grew beyond all bounds."
    FLAWED = (
        "It ended in no point of the model: a neuron vanished, weights run to infinity, or "
        "directions that were not searched lead down."
    )


class Kind(StrEnum):
    """What a critical point is."""

    MINIMUM = "minimum"
    SADDLE = "saddle"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts(Brief):
    """Every start of a search, in columns; row i is start `starts[i]`.

    Attributes
    ----------
    width : int
        Number of student neurons; the spawn key of row i is (width, starts[i]).
    source : str
        Where the starts come from: a start distribution such as ``gaussian:1``, or a search that
        is not independent of what was found before, such as ``soft modes``.
    independent : bool
        Whether the starts are independent draws, so that coverage can be estimated from them.
    starts : ndarray of int, shape (n,)
    status : tuple of Status, length n
    loss, grad_norm : ndarray, shape (n,)
        At the end point.
    evaluations : ndarray of int, shape (n,)
        Gradients and Hessian products.
    weights : ndarray, shape (n, K, D)
        End points.
    family : ndarray of int, shape (n,)
        Number of the family the end point belongs to, -1 where it did not converge.
    """

    width: int
    source: str
    independent: bool
    starts: NDArray[np.int64]
    status: tuple[Status, ...]
    loss: Squared[Array]
    grad_norm: Linear[Array]
    evaluations: NDArray[np.int64]
    weights: Linear[Array]
    family: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPoint(Brief):
    """A point with its spectrum, and what follows from it.

    Attributes
    ----------
    weights : ndarray, shape (K, r + e)
        Weights; e is the number of directions outside the span that they use.
    loss : float
        Population loss, relative accuracy about 1e-13.
    grad_norm : float
        Frobenius norm of the gradient.
    eigenvalues : ndarray, shape (n,)
        Of the Hessian in the r + e coordinates used, ascending; zero neurons and gauge directions
        (rotations outside the span) removed. Above 1600 coordinates only the lowest ones.
    normal_eigenvalues : ndarray
        Of the normal block, ascending; gauge directions removed. Each counts for
        `normal_multiplicity` unused directions.
    normal_multiplicity : int
        d - r - e, or K - e in infinite dimension.
    gauge : int
        Number of gauge directions in d dimensions that were removed.
    gap : float
        Ratio of the smallest eigenvalue magnitude counted as non-zero to the largest counted as
        zero (rounding noise when none is).
    index_in_span, index_normal : int
        Negative eigenvalues in `eigenvalues` and in `normal_eigenvalues`.
    index, nullity : int
        Negative and zero eigenvalues in d dimensions, gauge not counted.
    zero_neurons : int
        Number of neurons that are exactly zero; they have no second derivative.
    grad_tolerance, zero_tolerance : float
        Largest gradient norm of a critical point; largest magnitude of a zero eigenvalue.
    kind : Kind
        The verdict.
    reason : str
        One sentence that says why.

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> lt.classify(problem, np.eye(2)).eigenvalues.round(4)
    array([0.0908, 0.4092, 0.5908, 0.9092])
    """

    _told = ("kind", "loss", "grad_norm", "index", "nullity", "gap", "weights")

    weights: Linear[Array]
    loss: Squared[float]
    grad_norm: Linear[float]
    eigenvalues: Unitless[Array]
    normal_eigenvalues: Unitless[Array]
    normal_multiplicity: int
    gauge: int
    gap: Unitless[float]
    index_in_span: int
    index_normal: int
    index: int
    nullity: int
    zero_neurons: int
    grad_tolerance: Linear[float]
    zero_tolerance: Unitless[float]
    kind: Kind
    reason: str

    @property
    def x(self) -> Array:
        """The weights in one row."""
        return self.weights.ravel()

    def moved(self, x: Array) -> CriticalPoint:
        """A copy by symmetry.

        Parameters
        ----------
        x : ndarray, shape (K (r + e),)
            Its weights in one row.

        Examples
        --------
        >>> import numpy as np
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> point = lt.classify(problem, np.eye(2))
        >>> point.moved(point.weights[::-1].ravel()).weights
        array([[0., 1.],
               [1., 0.]])
        """
        weights = x.reshape(len(self.weights), -1)
        weights.setflags(write=False)
        return replace(self, weights=weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family(Brief):
    """All critical points with one reduced network, up to the symmetry of the problem.

    Attributes
    ----------
    id : str
        Such as ``w6-f0``: width, and number by increasing loss.
    width : int
        Number of student neurons K.
    point : CriticalPoint
        The representative, with its spectrum.
    count : int
        How many independent starts ended in the family.
    found_by : str
        The source of the attempt that met it first.
    reduced : ndarray, shape (m, r + e)
        The reduced network: zero neurons dropped, parallel neurons merged.
    effective_width : int
        m.
    flat_dimension : int or None
        Dimension of the connected set of minima; None where it was not decided.
    anti_aligned : int
        Students whose overlap with their partner teacher neuron is negative.
    isotropy : str
        The subgroup of S_K x Aut(T) that fixes the representative, such as ``S_5 x S_1``.
    isotropy_order : int
        Its order.
    orbit_size : int
        Number of labelled copies of the representative, K! |Aut(T)| / isotropy_order.
    psi_min : float
        Smallest one-sided slope for growing another neuron; nan where none is meant, because the
        activation is not homogeneous.
    description : str
        One line that a person understands.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> family = lt.find_minima(problem, starts=20)["w2-f0"]
    >>> family.is_global, family.orbit_size
    (True, 2)
    """

    _told = ("id", "loss", "count", "orbit_size", "flat_dimension", "weights", "description")

    id: str
    width: int
    point: CriticalPoint
    count: int
    found_by: str
    reduced: Linear[Array]
    effective_width: int
    flat_dimension: int | None
    anti_aligned: int
    isotropy: str
    isotropy_order: int
    orbit_size: int
    psi_min: Linear[float]
    description: str

    @property
    def weights(self) -> Array:
        """Weights of the representative, shape (K, r + e)."""
        return self.point.weights

    @property
    def x(self) -> Array:
        """Weights of the representative in one row."""
        return self.point.x

    def moved(self, x: Array) -> Family:
        """The family with another representative.

        Parameters
        ----------
        x : ndarray, shape (K (r + e),)
            A copy of the representative by symmetry, its weights in one row.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> family = lt.find_minima(problem, starts=20)["w2-f0"]
        >>> family.moved(family.weights[::-1].ravel()).loss == family.loss
        True
        """
        return replace(self, point=self.point.moved(x))

    def named(self, name: str) -> Family:
        """The family with an id.

        Parameters
        ----------
        name : str
            Such as ``w6-f0``.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> lt.find_minima(problem, starts=20)["w2-f0"].named("best").id
        'best'
        """
        return replace(self, id=name)

    @property
    def loss(self) -> float:
        """Loss of every member."""
        return self.point.loss

    @property
    def is_global(self) -> bool:
        """Whether the loss is zero to the accuracy it is known with."""
        return is_zero_loss(self.point.loss, self.point.weights)

    def record(self) -> dict[str, Any]:
        """The family as plain JSON values, with the field names of the documentation.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> lt.find_minima(problem, starts=20)["w2-f0"].record()["isotropy"]
        'S_2'
        """
        point = self.point
        return {
            "id": self.id,
            "width": self.width,
            "kind": str(point.kind),
            "loss": point.loss,
            "count": self.count,
            "index": point.index,
            "nullity": point.nullity,
            "gap": point.gap,
            "flat_dimension": self.flat_dimension,
            "smallest_eigenvalue": _first(point.eigenvalues),
            "smallest_normal_eigenvalue": _first(point.normal_eigenvalues),
            "grad_norm": point.grad_norm,
            "effective_width": self.effective_width,
            "anti_aligned": self.anti_aligned,
            "zero_neurons": point.zero_neurons,
            "isotropy": self.isotropy,
            "isotropy_order": self.isotropy_order,
            "orbit_size": self.orbit_size,
            "psi_min": None if np.isnan(self.psi_min) else self.psi_min,
            "description": self.description,
            "reason": point.reason,
            "found_by": self.found_by,
            "weights": point.weights.tolist(),
        }

    def row(self) -> dict[str, Any]:
        """The record without the weights: one row of a table.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> lt.find_minima(problem, starts=20)["w2-f0"].row()["kind"]
        'minimum'
        """
        return {name: value for name, value in self.record().items() if name != "weights"}

    def _details(self) -> dict[str, Any]:
        """The record, with the weights as an array."""
        return {**self.record(), "weights": self.weights}


class Families(Table):
    """Mix-in of results with families: a table of them, and each by its id."""

    __slots__ = ()

    families: tuple[Family, ...]
    others: tuple[Family, ...]

    _printed: ClassVar[tuple[str, ...]] = (
        "id",
        "kind",
        "loss",
        "smallest_eigenvalue",
        "count",
        "orbit_size",
        "description",
    )

    def rows(self) -> list[dict[str, Any]]:
        """One row a family, `families` before `others`: its record without the weights."""
        return [family.row() for family in (*self.families, *self.others)]

    def __len__(self) -> int:
        return len(self.families)

    def __iter__(self) -> Iterator[Family]:
        return iter(self.families)

    def __bool__(self) -> bool:
        # A result is one also where no family was found.
        return True

    def __getitem__(self, name: str) -> Family:
        known = {family.id: family for family in (*self.families, *self.others)}
        if name not in known:
            raise InvalidArgument(
                f"The id of a family must be one of {', '.join(known) or 'none'}; got {name!r}."
            )
        return known[name]


def _first(values: Array) -> float | None:
    return float(values[0]) if len(values) else None
