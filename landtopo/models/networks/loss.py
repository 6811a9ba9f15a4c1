"""The population loss and its derivatives at weights, for one point or a batch.

Weights are given in coordinates, W = [W_in | W_out]: the first r columns span the teacher, any
further columns are directions outside its span. `(K, D)` is one point, `(n, K, D)` a batch,
D = r + E with any E >= 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_array, checked_instance
from landtopo.errors import InvalidArgument
from landtopo.kernels.compiled import announce_compilation
from landtopo.kernels.network import ReluNetwork
from landtopo.models.networks.formulas import Formulas, formulas_of
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array, FlowCurve, Pace
from landtopo.paths.compiled_flow import followed

__all__ = ["PopulationLoss", "WeightObjective"]


class PopulationLoss:
    """L(W) = 1/2 E[(sum_k a_k s(w_k.x) - sum_m b_m s(v_m.x))^2] over x ~ N(0, I).

    Every method is exact up to rounding, by the closed form of the pair integral of s or by its
    series. For ReLU, leaky ReLU and |x|, where terms cancel (near global minima, gradients at
    critical points) values and gradients are recomputed in double-double arithmetic, so that their
    *relative* error stays near 1e-13. For other activations a value below the rounding of its terms
    cannot be told from zero, and is 0.

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
        self.formulas: Formulas = formulas_of(problem)

    def __repr__(self) -> str:
        return f"PopulationLoss({self.problem!r})"

    def frame(self, columns: int) -> tuple[Array, float]:
        """Teacher rows in `columns` coordinates, shape (M, columns), and E[f*^2].

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
        return self.formulas.frame(columns)

    def network(self, columns: int) -> Any:
        """The problem in some coordinates, as compiled loops want it.

        Parameters
        ----------
        columns : int
            Number of coordinates, at least the rank of the teacher.

        Returns
        -------
        named tuple
            See `landtopo.kernels.contract`.

        Examples
        --------
        >>> import landtopo as lt
        >>> loss = lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(2), width=3))
        >>> loss.network(2).K
        3
        """
        return self.formulas.network(columns, self.problem.width)

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
        values, _ = self.formulas.values_gradients(points, with_gradient=False)
        self.formulas.sharpen_values(points, values)
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
        values, gradients = self.formulas.values_gradients(points, with_gradient=True)
        self.formulas.sharpen_values(points, values)
        self.formulas.sharpen_gradients(points, gradients)
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
        size = points.shape[1] * points.shape[2]
        result = self.formulas.hessians(points).reshape(len(points), size, size)
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
        products = self.formulas.products(points, along)
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
        blocks = self.formulas.normal_blocks(points)
        return np.asarray(blocks[0] if single else blocks)

    def psi(self, directions: ArrayLike, weights: ArrayLike) -> Any:
        """Slope of the loss for adding a neuron with given weights and the output weight 0.

        psi(u) = E[(f - f*) s(u.x)] = sum_l a_l g(u, w_l) - sum_m b_m g(u, v_m). For ReLU it is the
        one-sided slope for growing a zero neuron in the direction u.

        Parameters
        ----------
        directions : array_like, shape (D,) or (n, D)
            Weights u; psi is homogeneous in them as s is.
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
        slopes, gradients = self.formulas.slopes(along.reshape(-1, columns), points[0])
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
        self._refuse_long_neurons(method, points)
        return (points[None] if single else points), single

    def _refuse_long_neurons(self, method: str, points: Array) -> None:
        longest = self.problem.function.longest
        if np.isfinite(longest) and np.linalg.norm(points, axis=-1).max(initial=0.0) > longest:
            raise InvalidArgument(
                f"The 'weights' argument of {method} must have no neuron longer than {longest:g}, "
                f"beyond which the series of {self.problem.function.name} is not known to rounding."
            )

    def _refuse_zero_neurons(self, method: str, points: Array) -> None:
        # Also where the square of the norm is no longer a number.
        if self.problem.function.kinks and np.any(np.linalg.norm(points, axis=2) == 0):
            raise InvalidArgument(
                f"The 'weights' argument of {method} must have no zero neuron, because the loss "
                "is not differentiable there; remove zero neurons first."
            )


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
        self.formulas = loss.formulas
        self.rows, self.constant = loss.frame(self.columns)

    @property
    def size(self) -> int:
        """Number of coordinates, K D."""
        return self.width * self.columns

    @property
    def farthest(self) -> float:
        """Norm of weights beyond which critical points are not looked for.

        At a critical point of ReLU students E[f^2] = E[f f*], so that E[f^2] <= E[f*^2]; all pair
        integrals being positive, sum |w_k|^2 / 2 <= E[f^2]. Of other activations no such bound is
        known, and it is at least twice the norm of the teacher.
        """
        bound = float(np.sqrt(2.0 * self.constant))
        if self.loss.problem.is_plain:
            return bound
        return max(bound, 2.0 * float(np.linalg.norm(self.loss.problem.teacher.vectors)))

    @property
    def compiled(self) -> ReluNetwork | None:
        """The function as compiled climbs want it; None where they do not know its gauge."""
        data = self.loss.formulas.network(self.columns, self.width)
        return data if isinstance(data, ReluNetwork) else None

    def weights(self, x: Array) -> Array:
        """Weights (..., K, D) of flat coordinates (..., K D)."""
        return x.reshape(*x.shape[:-1], self.width, self.columns)

    def value(self, x: Array) -> Array:
        """Losses, shape () or (n,)."""
        values, _ = self.formulas.values_gradients(self._batch(x), with_gradient=False)
        return np.asarray(values.reshape(x.shape[:-1]))

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Losses and gradients."""
        values, gradients = self.formulas.values_gradients(self._batch(x), with_gradient=True)
        return np.asarray(values.reshape(x.shape[:-1])), np.asarray(gradients.reshape(x.shape))

    def hessian(self, x: Array) -> Array:
        """Hessian at one point, shape (K D, K D)."""
        return np.asarray(self.formulas.hessians(self._batch(x)).reshape(x.size, x.size))

    def gauge(self, x: Array) -> Array:
        """Orthonormal tangents of the rotations of the coordinates outside the teacher's span.

        In the frame of the singular value decomposition W_out = sum_i s_i u_i v_i^T the generator
        of a rotation in the plane (v_i, v_j) moves W by s_i u_i v_j^T - s_j u_j v_i^T; these are
        orthogonal to each other, and zero only if s_i = s_j = 0. Where s(x) = x^2, rotations of the
        neurons into each other change nothing either.
        """
        if self.loss.problem.function.mixes:
            return self._rotations(x)
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

    def _rotations(self, x: Array) -> Array:
        """Tangents of all rotations of neurons and of columns outside the span, orthonormal."""
        weights = self.weights(x)
        tangents = []
        for i in range(self.width):
            for j in range(i):
                move = np.zeros_like(weights)
                move[i], move[j] = weights[j], -weights[i]
                tangents.append(move.ravel())
        for i in range(self.rank, self.columns):
            for j in range(self.rank, i):
                move = np.zeros_like(weights)
                move[:, i], move[:, j] = weights[:, j], -weights[:, i]
                tangents.append(move.ravel())
        if not tangents:
            return np.empty((0, self.size))
        _, lengths, axes = np.linalg.svd(np.array(tangents), full_matrices=False)
        # Two zero neurons have no rotation, however little is left of them.
        scale = max(float(np.linalg.norm(x)), float(np.linalg.norm(self.rows)))
        return np.asarray(axes[lengths > 1e-7 * scale])

    def flow(self, x: Array, pace: Pace, *, space: Array | None = None) -> FlowCurve:
        """A stretch of the gradient flow, by Runge-Kutta-Chebyshev steps.

        Columns of `space`, shape (size, n), are orthonormal and span a space that the flow does
        not leave.
        """
        return followed(x, self.loss.network(self.columns), pace, space)

    def _batch(self, x: Array) -> Array:
        return np.ascontiguousarray(x, dtype=np.float64).reshape(-1, self.width, self.columns)
