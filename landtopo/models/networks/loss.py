"""The population loss and its derivatives at weights, for one point or a batch.

Weights are given in coordinates, W = [W_in | W_out]: the first r columns span the teacher, any
further columns are directions outside its span. `(K, D)` is one point, `(n, K, D)` a batch,
D = r + E with any E >= 0. Output weights are 1.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_array, checked_instance
from landtopo.errors import InvalidArgument
from landtopo.kernels import curvature, relu
from landtopo.kernels.compiled import announce_compilation
from landtopo.kernels.network import ReluNetwork
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array, FlowCurve, FlowEnd, Pace

__all__ = ["PopulationLoss", "WeightObjective"]

# Below this ratio of result to largest term, plain double precision has lost three digits and the
# double-double kernel takes over.
_CANCELLATION = 1e-3


class PopulationLoss:
    """L(W) = 1/2 E[(sum_k relu(w_k.x) - sum_m relu(v_m.x))^2] over x ~ N(0, I).

    Every method is exact up to rounding, in closed form. Where terms cancel (near global minima,
    gradients at critical points) values and gradients are recomputed in double-double arithmetic,
    so their *relative* error stays near 1e-13.

    Parameters
    ----------
    problem : TeacherStudent
        The teacher, and the width and dimension of the student.

    Examples
    --------
    >>> import landtopo as lt
    >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
    >>> loss.value([[1, 0], [0, 1]])
    0.0
    >>> loss.value([[1, 0], [0, 0.5]])
    0.0625
    """

    def __init__(self, problem: TeacherStudent) -> None:
        announce_compilation()
        self.problem = checked_instance("problem", "PopulationLoss", problem, TeacherStudent)
        self._frames: dict[int, tuple[Array, float]] = {}

    def __repr__(self) -> str:
        return f"PopulationLoss({self.problem!r})"

    def frame(self, columns: int) -> tuple[Array, float]:
        """Teacher rows in `columns` coordinates, shape (M, columns), and sum_mn g(v_m, v_n).

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> rows, constant = loss.frame(3)
        >>> rows
        array([[1., 0., 0.],
               [0., 1., 0.]])
        >>> round(constant, 6)
        1.31831
        """
        if columns not in self._frames:
            rows, constant = relu.teacher_frame(self.problem.teacher.vectors, columns)
            self._frames[columns] = (rows, float(constant))
        return self._frames[columns]

    def network(self, columns: int) -> ReluNetwork:
        """The problem in some coordinates, as compiled loops want it.

        Parameters
        ----------
        columns : int
            Number of coordinates, at least the rank of the teacher.

        Returns
        -------
        ReluNetwork
            See `landtopo.kernels.contract`.

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=3))
        >>> loss.network(2).K
        3
        """
        return ReluNetwork(*self.frame(columns), self.problem.width)

    def value(self, weights: ArrayLike) -> Any:
        """Loss, in units of squared output: a float, or an array of shape (n,) for a batch.

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> round(loss.value([[1, 0], [0, 0.5]]), 6)
        0.0625
        >>> loss.value([[[1, 0], [0, 0.5]], [[1, 0], [0, 1]]]).round(6)
        array([0.0625, 0.    ])
        """
        points, single = self._points("value", weights)
        rows, constant = self.frame(points.shape[2])
        values, _ = relu.batch_value_gradient(points, rows, constant, False)
        self._sharpen_values(points, rows, constant, values)
        return float(values[0]) if single else values

    def gradient(self, weights: ArrayLike) -> Array:
        """dL/dW, shape (K, D) or (n, K, D); rows of zero neurons are zero.

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> loss.gradient([[1, 0], [0, 0.5]]).round(6)
        array([[-0.079577, -0.125   ],
               [ 0.      , -0.25    ]])
        """
        return self.value_and_gradient(weights)[1]

    def value_and_gradient(self, weights: ArrayLike) -> tuple[Any, Array]:
        """Loss and gradient; the angles are computed once.

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> value, gradient = loss.value_and_gradient([[1, 0], [0, 0.5]])
        >>> round(value, 6), gradient.shape
        (0.0625, (2, 2))
        """
        points, single = self._points("value_and_gradient", weights)
        rows, constant = self.frame(points.shape[2])
        values, gradients = relu.batch_value_gradient(points, rows, constant, True)
        self._sharpen_values(points, rows, constant, values)
        self._sharpen_gradients(points, rows, gradients)
        return (float(values[0]), gradients[0]) if single else (values, gradients)

    def hessian(self, weights: ArrayLike) -> Array:
        """Hessian in the coordinates given, shape (K D, K D) or (n, K D, K D), C order of W.

        Raises
        ------
        InvalidArgument
            If a neuron is zero: the loss is not differentiable there.

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> loss.hessian([[1, 0], [0, 1]]).diagonal()
        array([0.5, 0.5, 0.5, 0.5])
        """
        points, single = self._points("hessian", weights)
        self._refuse_zero_neurons("hessian", points)
        rows, _ = self.frame(points.shape[2])
        size = points.shape[1] * points.shape[2]
        result = curvature.batch_hessian(points, rows).reshape(len(points), size, size)
        return np.asarray(result[0] if single else result)

    def hvp(self, weights: ArrayLike, directions: ArrayLike) -> Array:
        """Hessian times directions of the shape of `weights`, without forming the Hessian.

        Directions of shape (n, K, D) with one point (K, D) give n products.

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> loss.hvp([[1, 0], [0, 1]], [[1, 0], [0, 0]]).round(6)
        array([[0.5     , 0.      ],
               [0.25    , 0.159155]])
        """
        points, single = self._points("hvp", weights)
        self._refuse_zero_neurons("hvp", points)
        shape = points.shape[1:]
        along = checked_array(
            "directions",
            "hvp",
            directions,
            f"{shape} or (n, {shape[0]}, {shape[1]})",
            lambda given: len(given) in (2, 3) and given[-2:] == shape,
        )
        one = along.ndim == 2
        along = along.reshape(-1, *points.shape[1:])
        if len(points) != len(along):
            if not single:
                raise InvalidArgument(
                    "The 'directions' argument of hvp must hold one direction for each point; "
                    f"got {len(along)} for {len(points)}."
                )
            points = np.repeat(points, len(along), axis=0)
        rows, _ = self.frame(points.shape[2])
        products = curvature.batch_hvp(points, rows, along)
        return np.asarray(products[0] if single and one else products)

    def normal_block(self, weights: ArrayLike) -> Array:
        """A, shape (K, K) or (n, K, K): the Hessian's block for every unused direction.

        At an in-span point the Hessian in d dimensions is the in-span Hessian plus A (x) I_(d-r).

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> loss.normal_block([[1, 0], [0, 1]]).round(6)
        array([[0.5 , 0.25],
               [0.25, 0.5 ]])
        """
        points, single = self._points("normal_block", weights)
        self._refuse_zero_neurons("normal_block", points)
        rows, _ = self.frame(points.shape[2])
        blocks = curvature.batch_normal_block(points, rows)
        return np.asarray(blocks[0] if single else blocks)

    def psi(self, directions: ArrayLike, weights: ArrayLike) -> Any:
        """One-sided slope of the loss for growing a zero neuron in given unit directions.

        psi(u) = E[(f - f*) relu(u.x)] = sum_l g(u, w_l) - sum_m g(u, v_m).

        Parameters
        ----------
        directions : array_like, shape (D,) or (n, D)
            Directions; psi is homogeneous of degree one in them.
        weights : array_like, shape (K, D)
            One point.

        Returns
        -------
        float, or ndarray of shape (n,)

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> round(loss.psi([1, 0], [[0.5, 0], [0, 0.5]]), 6)
        -0.329577
        """
        slopes, _ = self.psi_and_gradient(directions, weights)
        return slopes

    def psi_and_gradient(self, directions: ArrayLike, weights: ArrayLike) -> tuple[Any, Array]:
        """Psi as in `psi`, and its gradient with respect to the directions, of their shape.

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2))
        >>> slope, gradient = loss.psi_and_gradient([1, 0], [[0.5, 0], [0, 0.5]])
        >>> gradient.round(6)
        array([-0.329577, -0.125   ])
        """
        points, single = self._points("psi", weights, any_width=True)
        columns = points.shape[2]
        if not single:
            raise InvalidArgument(
                f"The 'weights' argument of psi must be one point, of shape (K, {columns}); got "
                f"{points.shape}."
            )
        along = checked_array(
            "directions",
            "psi",
            directions,
            f"({columns},) or (n, {columns})",
            lambda shape: len(shape) in (1, 2) and shape[-1] == columns,
        )
        rows, _ = self.frame(points.shape[2])
        flat = along.reshape(-1, points.shape[2])
        slopes = np.empty(len(flat))
        gradients = np.empty_like(flat)
        relu.psi_values(flat, points[0], rows, slopes, gradients)
        found = float(slopes[0]) if along.ndim == 1 else slopes
        return found, gradients.reshape(along.shape)

    def _points(
        self, method: str, weights: ArrayLike, *, any_width: bool = False
    ) -> tuple[Array, bool]:
        rank, width = self.problem.rank, self.problem.width
        points = checked_array(
            "weights",
            method,
            weights,
            f"({width}, {rank} + E) or (n, {width}, {rank} + E)",
            lambda shape: (
                len(shape) in (2, 3) and (shape[-2] == width or any_width) and shape[-1] >= rank
            ),
        )
        single = points.ndim == 2
        return (points[None] if single else points), single

    def _refuse_zero_neurons(self, method: str, points: Array) -> None:
        # Also where the square of the norm is no longer a number.
        if np.any(np.linalg.norm(points, axis=2) == 0):
            raise InvalidArgument(
                f"The 'weights' argument of {method} must have no zero neuron, because the loss "
                "is not differentiable there; remove zero neurons first."
            )

    def _sharpen_values(self, points: Array, rows: Array, constant: float, values: Array) -> None:
        # sum |w|^2 / 4 bounds the size of the terms that cancel from below.
        terms = 0.25 * np.einsum("nkd,nkd->n", points, points) + 0.5 * constant
        for i in np.flatnonzero(values < _CANCELLATION * terms):
            values[i] = _precise().value(points[i], rows)

    def _sharpen_gradients(self, points: Array, rows: Array, gradients: Array) -> None:
        terms = 0.25 * np.einsum("nkd,nkd->n", points, points)
        size = np.einsum("nkd,nkd->n", gradients, gradients)
        for i in np.flatnonzero(size < _CANCELLATION**2 * terms):
            gradients[i] = _precise().gradient(points[i], rows)


class WeightObjective:
    """The population loss as an `Objective` of the flattened weights.

    Plain double precision throughout: absolute errors of a few 1e-16 of the largest term, which is
    what iterations need; evidence that is reported comes from `PopulationLoss`.

    Parameters
    ----------
    loss : PopulationLoss
    width : int, optional
        Number of student neurons; the problem's width by default (a reduced network has fewer).
    columns : int, optional
        Number of coordinates D = r + E of each neuron; r by default.
    """

    def __init__(
        self, loss: PopulationLoss, width: int | None = None, columns: int | None = None
    ) -> None:
        self.loss = loss
        self.width = loss.problem.width if width is None else width
        self.columns = loss.problem.rank if columns is None else columns
        self.rank = loss.problem.rank
        self.rows, self.constant = loss.frame(self.columns)

    @property
    def size(self) -> int:
        """Number of coordinates, K D."""
        return self.width * self.columns

    def weights(self, x: Array) -> Array:
        """Weights (..., K, D) of flat coordinates (..., K D)."""
        return x.reshape(*x.shape[:-1], self.width, self.columns)

    def value(self, x: Array) -> Array:
        """Losses, shape () or (n,)."""
        values, _ = relu.batch_value_gradient(self._batch(x), self.rows, self.constant, False)
        return np.asarray(values.reshape(x.shape[:-1]))

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Losses and gradients."""
        values, gradients = relu.batch_value_gradient(
            self._batch(x), self.rows, self.constant, True
        )
        return np.asarray(values.reshape(x.shape[:-1])), np.asarray(gradients.reshape(x.shape))

    def hessian(self, x: Array) -> Array:
        """Hessian at one point, shape (K D, K D)."""
        return np.asarray(
            curvature.batch_hessian(self._batch(x), self.rows).reshape(x.size, x.size)
        )

    def gauge(self, x: Array) -> Array:
        """Orthonormal tangents of the rotations of the coordinates outside the teacher's span.

        In the frame of the singular value decomposition W_out = sum_i s_i u_i v_i^T the generator
        of a rotation in the plane (v_i, v_j) moves W by s_i u_i v_j^T - s_j u_j v_i^T; these are
        orthogonal to each other, and zero only if s_i = s_j = 0.
        """
        outside = self.weights(x)[:, self.rank :]
        count = outside.shape[1]
        if count < 2 or not np.any(outside):
            return np.empty((0, self.size))
        left, singular, right = np.linalg.svd(outside, full_matrices=True)
        scale = np.linalg.norm(x)
        s = np.zeros(count)
        s[: len(singular)] = np.where(singular > 1e-13 * scale, singular, 0.0)
        tangents = []
        for i in range(count):
            for j in range(i + 1, count):
                if s[i] == 0.0:
                    break
                move = np.zeros((self.width, self.columns))
                move[:, self.rank :] = s[i] * np.outer(left[:, i], right[j])
                if s[j] > 0.0:
                    move[:, self.rank :] -= s[j] * np.outer(left[:, j], right[i])
                tangents.append(move.ravel() / np.hypot(s[i], s[j]))
        return np.array(tangents).reshape(-1, self.size)

    def flow(self, x: Array, pace: Pace, *, space: Array | None = None) -> FlowCurve:
        """A stretch of the gradient flow, by Runge-Kutta-Chebyshev steps.

        Columns of `space`, shape (size, n), are orthonormal and span a space that the flow does
        not leave.
        """
        from landtopo.kernels import flow

        points, gradients, times, step, stiffness, peak, count, status = flow.flow_curve(
            np.ascontiguousarray(x).ravel(),
            self.loss.network(self.columns),
            np.empty((x.size, 0)) if space is None else space,
            pace.time_step,
            pace.stiffness,
            pace.peak,
            pace.until,
            pace.error,
            pace.lag,
            pace.longest,
            pace.stages,
            pace.steps,
        )
        ends = {
            flow.SLOW: FlowEnd.SLOW,
            flow.STIFF: FlowEnd.STIFF,
            flow.TOO_LONG: FlowEnd.STEPS_USED,
            flow.NOT_SMOOTH: FlowEnd.NOT_SMOOTH,
            flow.FAILED: FlowEnd.NOT_FINITE,
        }
        return FlowCurve(points, -gradients, times, step, stiffness, peak, count, ends[status])

    def _batch(self, x: Array) -> Array:
        return np.ascontiguousarray(x, dtype=np.float64).reshape(-1, self.width, self.columns)


def _precise() -> ModuleType:
    # Compiling the double-double kernel is only worth while where it is needed.
    from landtopo.kernels import precise

    return precise
