"""Students whose neurons are constrained: all of one length, or orthonormal.

The constraint is a gauge (`landtopo/models/constraints.py`), so that the landscape is that of a
smooth function of the rows. With W_out as W outside the teacher's span, the Hessian in each
direction that no neuron uses is the normal block

    N = A - diag(mu),    mu_k = w_k . g_k / r_k^2          (lengths r_k)
    N = A - sym(G W^T)                                     (orthonormal rows)

with the gradient's rows g_k and the unconstrained normal block A. Points have few columns outside
the span: N decides whether a critical point is what it seems to be in all d dimensions.

No neuron can vanish, and none can be split: a student that is wider than its teacher cannot
represent it, and no operation on a point of one width gives one of the next with the same function.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from landtopo.checks import checked_instance, checked_positive, shown
from landtopo.errors import InvalidArgument
from landtopo.models.constraints import NormalisedRows, OrthonormalRows
from landtopo.models.networks.as_function import (
    Joined,
    NetworkShape,
    Outside,
    StudentModel,
    StudentModels,
    problems_of,
    students_from_name,
)
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.numerals import real_number
from landtopo.objective import Array
from landtopo.symmetry.gauge import Gauge, Lengths, Polar

__all__ = ["ConstrainedShape", "constrained_from_name", "constrained_model", "constrained_models"]

# Columns outside the span that points have at most, beyond those that orthonormal rows need.
_MOST_COLUMNS = 2
# Norms of teacher neurons that differ by rounding are equal.
_EQUAL = 1e-12
# A curvature of this part of the largest is zero.
_ZERO = 1e-9


@dataclass(frozen=True, kw_only=True)
class ConstrainedShape(NetworkShape):
    """Constrained students; see `NetworkShape`."""

    objective: NormalisedRows | OrthonormalRows
    # The point whose block was worked out last, for what is asked of it one after the other.
    _last: dict[bytes, Array] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_orthonormal(self) -> bool:
        """Whether neurons are orthonormal, not only of one length."""
        return isinstance(self.objective, OrthonormalRows)

    def place(self, x: Array) -> Array:
        """The constrained rows that a point stands for."""
        return self.objective.place(x)

    def normal(self, x: Array) -> Array:
        """Eigenvalues of N, ascending, without those that are zero by the gauge of W_out."""
        weights = self.weights(x)
        key = weights.tobytes()
        if key not in self._last:
            self._last.clear()
            self._last[key] = self._normal(weights)
        return self._last[key]

    @cached_property
    def _loss(self) -> PopulationLoss:
        return PopulationLoss(self.problem)

    def _normal(self, weights: Array) -> Array:
        loss = self._loss
        block = loss.normal_block(weights) - self._multipliers(weights, loss.gradient(weights))
        out = weights[:, self.problem.rank :]
        left, sizes, _ = np.linalg.svd(out)
        used = int(np.sum(sizes > _ZERO * float(np.linalg.norm(weights))))
        basis = left[:, used:]
        return np.linalg.eigvalsh(basis.T @ block @ basis)

    def _multipliers(self, weights: Array, gradient: Array) -> Array:
        products = gradient @ weights.T
        if isinstance(self.objective, NormalisedRows):
            return np.diag(np.diag(products) / self.objective.radii**2)
        return np.asarray(0.5 * (products + products.T))

    def flaw(self, x: Array) -> str | None:
        """Whether directions that it does not use, of which points have too few, lead down."""
        weights = self.weights(x)
        codimension = self.problem.codimension
        columns = weights.shape[1] - self.problem.rank
        if not columns or columns == codimension:
            return None
        sizes = np.linalg.svd(weights[:, self.problem.rank :], compute_uv=False)
        if len(sizes) < columns or sizes[-1] <= _ZERO * float(np.linalg.norm(weights)):
            # One of its own columns is unused, and its Hessian has the block.
            return None
        normal = self.normal(x)
        if len(normal) and normal[0] < -_ZERO * float(np.abs(normal).max()):
            return "Directions outside the coordinates that were searched lead down from it."
        return None

    def columns(self, x: Array) -> dict[str, Any]:
        """Stability outside the span, where there is an outside."""
        normal = self.normal(x) if self.problem.codimension != 0 else np.empty(0)
        return {"smallest_normal_eigenvalue": float(normal[0])} if len(normal) else {}


def constrained_model(problem: TeacherStudent, constraint: str) -> StudentModel:
    """Students of one width whose neurons are constrained, as a model.

    All searches, connections, graphs and pictures take it as they take `function_model`.

    Parameters
    ----------
    problem : TeacherStudent
        With output weights 1 of the student. In more dimensions than the teacher's span, points
        have up to two coordinates outside it, and are judged in all dimensions.
    constraint : str
        ``normalised``: every neuron has the length of the teacher's, which must be equal;
        ``normalised:R``: every neuron has the length R; ``orthonormal``: neurons are orthogonal to
        each other and of length one.

    Returns
    -------
    SmoothModel

    Raises
    ------
    InvalidArgument
        The constraint cannot be met or is none of these.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 3, dim=2)
    >>> model = lt.constrained_model(problem, "normalised")
    >>> [(family.id, family.orbit_size) for family in lt.find_minima(model, starts=10)]
    [('min0', 6)]
    """
    checked_instance("problem", "constrained_model", problem, TeacherStudent)
    return constrained_models(problem.teacher, constraint, problem.width, dim=problem.dim).models[0]


def constrained_models(
    teacher: Teacher, constraint: str, widths: int | Iterable[int], *, dim: int | None = None
) -> StudentModels:
    """Students of several widths whose neurons are constrained, for a graph over widths.

    Parameters
    ----------
    teacher : Teacher
    constraint : str
        As for `constrained_model`.
    widths : int or iterable of int
    dim : int, optional
        Dimension of the inputs; infinite by default.

    Returns
    -------
    ParameterModels
        `landscape_graph` takes it in place of a teacher.

    Raises
    ------
    InvalidArgument
        An argument cannot be used.

    Examples
    --------
    >>> import landtopo as lt
    >>> models = lt.constrained_models(lt.Teacher.orthonormal(2), "normalised", [2, 3], dim=2)
    >>> graph = lt.landscape_graph(models, starts=10)
    >>> sorted(graph)
    ['w2-min0', 'w3-min0']
    """
    caller = "constrained_models"
    problems = problems_of(caller, teacher, widths, dim)
    if teacher.function.mixes:
        raise InvalidArgument(
            "Constrained students need another activation than x^2, where rotations of neurons "
            "into each other join copies."
        )
    length = _length(teacher, constraint)
    most = max(problems)
    if length is None and dim is not None and most > dim:
        raise InvalidArgument(
            f"{most} orthonormal neurons need as many dimensions of the inputs; there are {dim}."
        )
    told = constraint if length is None else f"normalised:{length!r}"
    if length is not None and length == _common_length(teacher):
        told = "normalised"
    ending = "" if dim is None else f" | dim={dim}"
    name = f"students:{told} | {teacher.title}{ending}"
    where = "inputs of any dimension" if dim is None else f"inputs of dimension {dim}"
    kind, _, radius = told.partition(":")
    longer = f" of length {float(radius):g}" if radius else ""
    title = f"student with {kind} neurons{longer}, teacher {teacher.title}, {where}"

    def make(width: int) -> StudentModel:
        objective, gauge = _objective(problems[width], length)
        return StudentModel(
            ConstrainedShape(
                name=f"{name} | width={width}",
                title=title,
                problem=problems[width],
                objective=objective,
                gauge=gauge,
            )
        )

    return StudentModels(make, tuple(problems), name, title)


def constrained_from_name(text: str, widths: Iterable[int] | None) -> StudentModel | StudentModels:
    """What `constrained_models` named, made again.

    Parameters
    ----------
    text : str
        Such as ``students:normalised | orthonormal:4 | dim=5 | width=4``; without the last part
        where widths are given.
    widths : iterable of int, optional

    Raises
    ------
    InvalidArgument
        It is no such name, or its teacher is not there.

    Examples
    --------
    >>> from landtopo.models.networks.constrained import constrained_from_name
    >>> constrained_from_name("students:orthonormal | orthonormal:2 | dim=2 | width=2", None).size
    4
    """
    return students_from_name(
        text, widths, _named, example="students:normalised | orthonormal:4 | width=4"
    )


def _named(kind: str, teacher: Teacher, widths: Iterable[int], *, dim: int | None) -> StudentModels:
    return constrained_models(teacher, kind.removeprefix("students:"), widths, dim=dim)


def _length(teacher: Teacher, constraint: str) -> float | None:
    """The length of every neuron, or None for orthonormal ones."""
    kind, separator, text = str(constraint).partition(":")
    if constraint == "orthonormal":
        return None
    if kind != "normalised":
        raise InvalidArgument(
            "A constraint must be normalised, normalised:R or orthonormal; "
            f"got {shown(constraint)}."
        )
    if not separator:
        common = _common_length(teacher)
        if common is None:
            raise InvalidArgument(
                "The teacher's vectors have different lengths; say the one of the student's "
                "neurons, as in normalised:1."
            )
        return common
    try:
        length = real_number(text)
    except ValueError:
        length = 0.0
    return checked_positive("constraint", "constrained_models", length)


def _common_length(teacher: Teacher) -> float | None:
    norms = teacher.norms
    same = float(np.ptp(norms)) <= _EQUAL * float(norms.max())
    return float(norms.mean()) if same else None


def _objective(
    problem: TeacherStudent, length: float | None
) -> tuple[NormalisedRows | OrthonormalRows, Gauge]:
    """The constrained loss in as many columns as are searched, and its gauge."""
    rank, width = problem.rank, problem.width
    needed = 0 if length is not None else max(0, width - rank)
    columns = rank + min(problem.extra, _MOST_COLUMNS + needed)
    inner = WeightObjective(PopulationLoss(problem), columns=columns)
    objective: NormalisedRows | OrthonormalRows
    own: Gauge
    if length is None:
        objective, own = OrthonormalRows(inner, width), Polar(width)
    else:
        objective = NormalisedRows(inner, np.full(width, length))
        own = Lengths(columns)
    outside = (Outside(width, rank, columns, inner),) if columns > rank else ()
    return objective, Joined(objective, (own, *outside))
