"""Which compiled formulas answer for a problem, and how far the digits of their results go.

ReLU with output weights 1 has kernels of its own. Leaky ReLU and other output weights take its pair
tables (`landtopo.kernels.rectified`), any other activation its pair integral
(`landtopo.kernels.dense`).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

import numpy as np

from landtopo.kernels import curvature, relu
from landtopo.kernels.network import ReluNetwork
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array

__all__ = ["Formulas", "formulas_of", "with_outputs"]

# Below this ratio of result to largest term, plain double precision has lost three digits and the
# double-double kernel takes over.
_CANCELLATION = 1e-3
_EPSILON = float(np.finfo(np.float64).eps)


class Formulas(Protocol):
    """The loss of a problem and its derivatives, for batches of points (n, K, D) of any width."""

    def frame(self, columns: int) -> tuple[Array, float]:
        """Teacher rows in so many coordinates, and E[f*^2]."""
        ...

    def network(self, columns: int, width: int) -> Any:
        """The landscape as a named tuple for compiled loops."""
        ...

    def values_gradients(self, points: Array, *, with_gradient: bool) -> tuple[Array, Array]:
        """Losses (n,), and gradients (n, K, D) if they are wanted."""
        ...

    def hessians(self, points: Array) -> Array:
        """Hessians (n, K, D, K, D)."""
        ...

    def products(self, points: Array, directions: Array) -> Array:
        """Hessians times directions (n, K, D)."""
        ...

    def normal_blocks(self, points: Array) -> Array:
        """Normal blocks (n, K, K)."""
        ...

    def slopes(self, directions: Array, point: Array) -> tuple[Array, Array]:
        """Psi (n,) and its gradients (n, D) at directions (n, D)."""
        ...

    def sharpen_values(self, points: Array, values: Array) -> None:
        """Replace values whose digits have cancelled."""
        ...

    def sharpen_gradients(self, points: Array, gradients: Array) -> None:
        """Replace gradients whose digits have cancelled, where there is a better way."""
        ...


def formulas_of(problem: TeacherStudent) -> Formulas:
    """The formulas of a problem.

    Parameters
    ----------
    problem : TeacherStudent
    """
    if problem.is_plain:
        return _Relu(problem)
    return _with_outputs(problem)


def with_outputs(problem: TeacherStudent, columns: int) -> Any:
    """The landscape as compiled loops want it that change output weights, too.

    Parameters
    ----------
    problem : TeacherStudent
    columns : int
        Coordinates of each neuron.
    """
    return _with_outputs(problem).network(columns, problem.width)


def _with_outputs(problem: TeacherStudent) -> _Rectified | _Dense:
    return _Rectified(problem) if problem.function.degree == 1 else _Dense(problem)


class _Relu:
    def __repr__(self) -> str:
        return "<formulas of relu>"

    def __init__(self, problem: TeacherStudent) -> None:
        self._vectors = problem.teacher.vectors
        self._frames: dict[int, tuple[Array, float]] = {}

    def frame(self, columns: int) -> tuple[Array, float]:
        if columns not in self._frames:
            rows, constant = relu.teacher_frame(self._vectors, columns)
            self._frames[columns] = (rows, float(constant))
        return self._frames[columns]

    def network(self, columns: int, width: int) -> ReluNetwork:
        return ReluNetwork(*self.frame(columns), width)

    def values_gradients(self, points: Array, *, with_gradient: bool) -> tuple[Array, Array]:
        rows, constant = self.frame(points.shape[2])
        given = _compilable(points)
        values, gradients = relu.batch_value_gradient(given, rows, constant, with_gradient)
        return values, gradients

    def hessians(self, points: Array) -> Array:
        rows, _ = self.frame(points.shape[2])
        return np.asarray(curvature.batch_hessian(_compilable(points), rows))

    def products(self, points: Array, directions: Array) -> Array:
        rows, _ = self.frame(points.shape[2])
        given = _compilable(points), rows, _compilable(directions)
        return np.asarray(curvature.batch_hvp(*given))

    def normal_blocks(self, points: Array) -> Array:
        rows, _ = self.frame(points.shape[2])
        return np.asarray(curvature.batch_normal_block(_compilable(points), rows))

    def slopes(self, directions: Array, point: Array) -> tuple[Array, Array]:
        slopes, gradients = np.empty(len(directions)), np.empty_like(directions)
        rows, _ = self.frame(point.shape[1])
        given = _compilable(directions), _compilable(point), rows
        relu.psi_values(*given, slopes, gradients)
        return slopes, gradients

    def sharpen_values(self, points: Array, values: Array) -> None:
        rows, constant = self.frame(points.shape[2])
        # sum |w|^2 / 4 bounds the size of the terms that cancel from below.
        terms = 0.25 * np.einsum("nkd,nkd->n", points, points) + 0.5 * constant
        for i in np.flatnonzero(values < _CANCELLATION * terms):
            values[i] = _precise().value(_compilable(points[i]), rows)

    def sharpen_gradients(self, points: Array, gradients: Array) -> None:
        rows, _ = self.frame(points.shape[2])
        terms = 0.25 * np.einsum("nkd,nkd->n", points, points)
        size = np.einsum("nkd,nkd->n", gradients, gradients)
        for i in np.flatnonzero(size < _CANCELLATION**2 * terms):
            gradients[i] = _precise().gradient(_compilable(points[i]), rows)


class _General:
    """What is the same for all landscapes that answer `landtopo.kernels.contract`."""

    def __repr__(self) -> str:
        return f"<formulas of {self.problem.told}>"

    def __init__(self, problem: TeacherStudent) -> None:
        self.problem = problem
        self._constant: float | None = None

    def frame(self, columns: int) -> tuple[Array, float]:
        vectors = self.problem.teacher.vectors
        if self._constant is None:
            # The loss of a student that is the teacher, without one to learn from.
            b = self.problem.teacher.strengths
            alone = self._data(np.array(vectors, order="C"), 0.0, np.array(b), np.zeros(len(b)))
            values, _ = self._evaluate("GRADIENTS", vectors[None], data=alone)
            self._constant = 2.0 * float(values[0])
        rows = np.zeros((len(vectors), columns))
        rows[:, : vectors.shape[1]] = vectors
        return rows, self._constant

    def network(self, columns: int, width: int) -> Any:
        b = np.array(self.problem.teacher.strengths)
        return self._data(*self.frame(columns), self._strengths(width), b)

    def _data(self, rows: Array, constant: float, a: Array, b: Array) -> Any:
        """Of teacher rows, E[f*^2], and output weights of students and teachers."""
        raise NotImplementedError

    def _strengths(self, width: int) -> Array:
        given = self.problem.outputs
        return np.ones(width) if given is None else np.array(given)

    def _evaluate(
        self, wanted: str, points: Array, directions: Array | None = None, data: Any = None
    ) -> tuple[Array, Array]:
        from landtopo.kernels import batches

        given = _compilable(points)
        along = np.empty((0, 0, 0)) if directions is None else _compilable(directions)
        if data is None:
            data = self.network(given.shape[2], given.shape[1])
        values, found = batches.evaluate(given, data, along, getattr(batches, wanted))
        return values, found

    def values_gradients(self, points: Array, *, with_gradient: bool) -> tuple[Array, Array]:
        values, found = self._evaluate("GRADIENTS", points)
        return values, found.reshape(points.shape)

    def hessians(self, points: Array) -> Array:
        return self._evaluate("HESSIANS", points)[1].reshape(*points.shape, *points.shape[1:])

    def products(self, points: Array, directions: Array) -> Array:
        return self._evaluate("PRODUCTS", points, directions)[1].reshape(points.shape)

    def normal_blocks(self, points: Array) -> Array:
        count, width, _ = points.shape
        return self._evaluate("BLOCKS", points)[1].reshape(count, width, width)

    def slopes(self, directions: Array, point: Array) -> tuple[Array, Array]:
        slopes, found = self._evaluate("SLOPES", point[None], directions[None])
        return slopes, found.reshape(directions.shape)


class _Rectified(_General):
    """ReLU, leaky ReLU and |x| with any output weights."""

    def _data(self, rows: Array, constant: float, a: Array, b: Array) -> Any:
        from landtopo.kernels import rectified  # noqa: F401  (answers the contract)
        from landtopo.kernels.tasks import RectifiedNetwork

        slope, total = self.problem.function.tag.slope, b @ rows
        plain = (constant - slope * float(total @ total)) / (1.0 - slope) ** 2
        return RectifiedNetwork(rows, plain, a, b, slope, len(a))

    def _sides(self, points: Array) -> tuple[Array, Array, Array]:
        """Students and teachers times the sizes of their output weights, and the signs of a."""
        a, b = self._strengths(points.shape[0]), self.problem.teacher.strengths
        rows, _ = self.frame(points.shape[1])
        return np.abs(a)[:, None] * points, np.abs(b)[:, None] * rows, np.sign(a)

    def sharpen_values(self, points: Array, values: Array) -> None:
        _, constant = self.frame(points.shape[2])
        a, b = self._strengths(points.shape[1]), self.problem.teacher.strengths
        slope = self.problem.function.tag.slope
        terms = 0.25 * np.einsum("nkd,nkd,k->n", points, points, a**2) + 0.5 * constant
        for i in np.flatnonzero(values < _CANCELLATION * terms):
            students, teachers, signs = self._sides(points[i])
            above = np.vstack([students[signs > 0], teachers[b < 0]])
            below = np.vstack([students[signs < 0], teachers[b > 0]])
            m = above.sum(axis=0) - below.sum(axis=0)
            values[i] = (1.0 - slope) ** 2 * _precise_value(above, below) + 0.5 * slope * (m @ m)
        if self.problem.function.parity == 1:
            # A neuron in the place of its opposite has zero loss, and two large terms that cancel.
            size = (points.shape[1] + len(b)) * (np.abs(values) + constant)
            values[values <= _EPSILON * size] = 0.0

    def sharpen_gradients(self, points: Array, gradients: Array) -> None:
        a, b = self._strengths(points.shape[1]), self.problem.teacher.strengths
        slope = self.problem.function.tag.slope
        terms = 0.25 * np.einsum("nkd,nkd,k->n", points, points, a**2)
        size = np.einsum("nkd,nkd->n", gradients, gradients)
        for i in np.flatnonzero(size < _CANCELLATION**2 * terms):
            students, teachers, signs = self._sides(points[i])
            live = np.any(points[i], axis=1)
            m = signs @ students - np.sign(b) @ teachers
            for sign in (1.0, -1.0):
                mine = np.flatnonzero(signs == sign)
                if not len(mine):
                    continue
                own = np.vstack([students[mine], teachers[np.sign(b) == -sign]])
                others = np.vstack([students[signs == -sign], teachers[np.sign(b) == sign]])
                found = _precise().gradient(own, others)[: len(mine)]
                whole = (1.0 - slope) ** 2 * found + slope * sign * m
                gradients[i, mine] = np.abs(a[mine, None]) * whole * live[mine, None]


class _Dense(_General):
    """Any activation with a pair integral."""

    def _data(self, rows: Array, constant: float, a: Array, b: Array) -> Any:
        from landtopo.kernels import dense  # noqa: F401  (answers the contract)
        from landtopo.kernels.tasks import DenseNetwork

        return DenseNetwork(rows, constant, a, b, self.problem.function.formula, len(a))

    def sharpen_values(self, points: Array, values: Array) -> None:
        """Put values to zero that are not above the rounding of the terms they are made of."""
        _, constant = self.frame(points.shape[2])
        # |f|^2 <= 2 |f - f*|^2 + 2 |f*|^2 bounds what cancels but for terms that students of
        # opposite outputs have among themselves, of which there are K at most.
        terms = (points.shape[1] + len(self.problem.teacher.vectors)) * (values + constant)
        error = self.problem.function.error + _EPSILON
        values[values <= error * terms] = 0.0

    def sharpen_gradients(self, points: Array, gradients: Array) -> None:
        """Plain double precision is all there is."""


def _compilable(points: Array) -> Array:
    # Code is compiled for each layout in memory, and once more for what must not be written.
    return np.require(points, requirements=["C", "W"])


def _precise_value(above: Array, below: Array) -> float:
    """The ReLU loss of two networks, either of which may have no neuron."""
    if not len(above):
        above, below = below, above
    empty = np.zeros((1, above.shape[1]))
    return float(_precise().value(above, below if len(below) else empty))


def _precise() -> ModuleType:
    # Compiling the double-double kernel is only worth while where it is needed.
    from landtopo.kernels import precise

    return precise
