"""The population loss of all weights of a student, its output weights among them.

A point has a row (w_in, a, w_out) for each neuron: r coordinates in the teacher's span, the output
weight, E coordinates outside the span. So a row is a vector in r + 1 + E dimensions, of which the
symmetries of the loss turn the last E only.

Where s(t x) = t^h s(x) for t > 0, the loss does not change along (a, w) -> (a / t^h, t w), and
depends on u = |a|^(1/h) w and on the sign of a alone: L(W, a) = L_e(U), e = sign a, the loss of a
student with fixed output weights e. `SignedLoss` is that function of rows (u_in, e, u_out); its
scale gauge is the axis of e, along which nothing changes as long as the sign stays. Spectra in U
are those of the loss in (W, a) up to a positive factor in each direction, so that signs and numbers
of eigenvalues are the same, without one zero for each neuron.

`JointLoss` is the loss of rows (w_in, a, w_out) for any smooth s. With G_kl = g(w_k, w_l) and psi
as of `PopulationLoss.psi`,

    dL/da_k = psi(w_k),                 d2L/da_k da_l = G_kl,
    d2L/da_k dw_l = a_l grad_1 g(w_l, w_k) + [k = l] grad psi(w_k).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array, FlowCurve, Pace

__all__ = ["JointLoss", "SignedLoss", "joined", "outputs_of", "weights_of"]

# Of a loss, relative to E[f*^2].
_ROUNDING = 16.0 * float(np.finfo(np.float64).eps)


def joined(weights: Array, outputs: Array, rank: int) -> Array:
    """Rows (w_in, a, w_out), flat, of weights (.., K, r + E) and output weights (.., K).

    Parameters
    ----------
    weights, outputs : ndarray
    rank : int
        r.
    """
    rows = np.concatenate([weights[..., :rank], outputs[..., None], weights[..., rank:]], axis=-1)
    return rows.reshape(*rows.shape[:-2], rows.shape[-2] * rows.shape[-1])


def weights_of(rows: Array, rank: int) -> Array:
    """Weights (.., K, r + E) of rows (.., K, r + 1 + E).

    Parameters
    ----------
    rows : ndarray
    rank : int
        r.
    """
    return np.ascontiguousarray(np.delete(rows, rank, axis=-1))


def outputs_of(rows: Array, rank: int) -> Array:
    """Output weights (.., K) of rows (.., K, r + 1 + E).

    Parameters
    ----------
    rows : ndarray
    rank : int
        r.
    """
    return np.ascontiguousarray(rows[..., rank])


def _above_rounding(values: Array, constant: float) -> Array:
    """Losses, those that cannot be told from zero being zero."""
    return np.where(np.abs(values) <= _ROUNDING * constant, 0.0, values)


class _Joined:
    """What both have in common: the places of weights and output weights in a flat point.

    Parameters
    ----------
    problem : TeacherStudent
        Its width, and its teacher.
    extra : int, optional
        Number E of coordinates outside the span; as many as students can use by default.
    """

    def __init__(self, problem: TeacherStudent, extra: int | None = None) -> None:
        self.problem = problem
        self.rank, self.width = problem.rank, problem.width
        self.columns = self.rank + (problem.extra if extra is None else extra)
        places = np.arange(self.size).reshape(self.width, -1)
        self._outputs = places[:, self.rank]
        self._weights = np.delete(places, self.rank, axis=1).ravel()

    @property
    def size(self) -> int:
        """Number of coordinates, K (r + E + 1)."""
        return self.width * (self.columns + 1)

    def rows(self, x: Array) -> Array:
        """Rows (.., K, r + 1 + E) of flat points."""
        return x.reshape(*x.shape[:-1], self.width, self.columns + 1)

    def value(self, x: Array) -> Array:
        """Losses, shape () or (n,)."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Losses and gradients."""
        values, gradients = self._all(np.ascontiguousarray(x).reshape(-1, self.size))
        return values.reshape(x.shape[:-1]), gradients.reshape(x.shape)

    def _all(self, points: Array) -> tuple[Array, Array]:
        """Losses (n,) and gradients (n, size)."""
        raise NotImplementedError

    def joint(self, y: Array) -> tuple[Array, Array]:
        """L(W, a) and its gradient at rows (w_in, a, w_out).

        Parameters
        ----------
        y : ndarray, shape (.., size)
            Without a zero output weight.
        """
        raise NotImplementedError

    def joint_from(self, x: Array) -> Array:
        """A point as rows (w_in, a, w_out)."""
        raise NotImplementedError

    def joint_to(self, y: Array) -> Array:
        """The point that rows (w_in, a, w_out) stand for."""
        raise NotImplementedError

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """None: there are no compiled steps."""
        return None


class SignedLoss(_Joined):
    """L_e(U) of rows (u_in, e, u_out), for homogeneous s: of e the sign alone counts."""

    def __init__(self, problem: TeacherStudent, extra: int | None = None) -> None:
        super().__init__(problem, extra)
        self._inner: dict[bytes, WeightObjective] = {}

    def inner(self, x: Array) -> WeightObjective:
        """The loss of U with the signs that a point has.

        Parameters
        ----------
        x : ndarray, shape (size,)
        """
        signs = np.where(x[self._outputs] < 0.0, -1.0, 1.0)
        key = signs.tobytes()
        if key not in self._inner:
            problem = self.problem
            fixed = TeacherStudent(problem.teacher, self.width, problem.dim, outputs=tuple(signs))
            self._inner[key] = WeightObjective(PopulationLoss(fixed), columns=self.columns)
        return self._inner[key]

    def _all(self, points: Array) -> tuple[Array, Array]:
        """Points of the same signs at once."""
        values, gradients = np.empty(len(points)), np.zeros(points.shape)
        negative = points[:, self._outputs] < 0.0
        kinds, kind_of = negative[:1], np.zeros(len(points), dtype=np.int64)
        if np.any(negative != kinds):
            kinds, kind_of = np.unique(negative, axis=0, return_inverse=True)
        for number in range(len(kinds)):
            here = np.flatnonzero(kind_of.ravel() == number)
            inner = self.inner(points[here[0]])
            found = inner.value_and_gradient(points[np.ix_(here, self._weights)])
            values[here], gradients[np.ix_(here, self._weights)] = found
            values[here] = _above_rounding(values[here], inner.constant)
        return values, gradients

    def joint(self, y: Array) -> tuple[Array, Array]:
        """L(W, a) and its gradient: with u = |a|^(1/h) w and the gradient G by u, |a|^(1/h) G by w
        and u.G / (h a) by a.
        """
        x = self.joint_to(y)
        value, slope = self.value_and_gradient(x)
        outputs, scale = y[..., self._outputs], self._scale(y)
        rows = slope[..., self._weights].reshape(*outputs.shape, -1)
        gradient = np.empty(y.shape)
        gradient[..., self._weights] = (scale[..., None] * rows).reshape(*y.shape[:-1], -1)
        own = np.sum(rows * x[..., self._weights].reshape(rows.shape), axis=-1)
        gradient[..., self._outputs] = own / (self._degree * outputs)
        return value, gradient

    def joint_from(self, x: Array) -> Array:
        """Rows (w_in, a, w_out), a being what stands in the place of e."""
        return self._stretched(x, 1.0 / self._scale(x))

    def joint_to(self, y: Array) -> Array:
        """Rows (u_in, a, u_out)."""
        return self._stretched(y, self._scale(y))

    @property
    def _degree(self) -> int:
        degree = self.problem.function.degree
        assert degree is not None
        return degree

    def _scale(self, x: Array) -> Array:
        """|a|^(1/h)."""
        return np.asarray(np.abs(x[..., self._outputs]) ** (1.0 / self._degree))

    def _stretched(self, x: Array, scale: Array) -> Array:
        moved = np.array(x)
        moved[..., self._weights] *= np.repeat(scale, self.columns, axis=-1)
        return moved

    def hessian(self, x: Array) -> Array:
        """Hessian at one point; its rows and columns of e are zero."""
        hessian = np.zeros((self.size, self.size))
        inside = np.ix_(self._weights, self._weights)
        hessian[inside] = self.inner(x).hessian(x[self._weights])
        return hessian

    def gauge(self, x: Array) -> Array:
        """The axes of e, and rotations outside the span."""
        turns = self.inner(x).gauge(x[self._weights])
        rows = np.zeros((self.width + len(turns), self.size))
        rows[np.arange(self.width), self._outputs] = 1.0
        rows[self.width :, self._weights] = turns
        return rows


class JointLoss(_Joined):
    """L(W, a) of rows (w_in, a, w_out), for any smooth s."""

    def __init__(self, problem: TeacherStudent, extra: int | None = None) -> None:
        super().__init__(problem, extra)
        self._plain = WeightObjective(PopulationLoss(problem), columns=self.columns)

    def _data(self, outputs: Array, teachers: Array | None = None) -> Any:
        """The landscape of W for given output weights, of teachers too, as compiled loops want it.

        Parameters
        ----------
        outputs : ndarray
        teachers : ndarray, optional
            Those of the problem by default.
        """
        from landtopo.kernels import dense  # noqa: F401  (answers the contract)
        from landtopo.kernels.tasks import DenseNetwork

        strengths = np.array(self.problem.teacher.strengths) if teachers is None else teachers
        formula = self.problem.function.formula
        rows, constant = self._plain.rows, self._plain.constant
        return DenseNetwork(rows, constant, outputs, strengths, formula, len(outputs))

    def _split(self, x: Array) -> tuple[Array, Array]:
        rows = self.rows(np.asarray(x, dtype=np.float64))
        return weights_of(rows, self.rank), outputs_of(rows, self.rank)

    def _slopes(self, data: Any, directions: Array, weights: Array) -> tuple[Array, Array]:
        """Psi and its gradients at directions, of students with given weights."""
        from landtopo.kernels import batches

        found = batches.evaluate(weights[None], data, directions[None], batches.SLOPES)
        return found[0], found[1].reshape(directions.shape)

    def value(self, x: Array) -> Array:
        """Losses, without the slopes psi that gradients need."""
        points = np.ascontiguousarray(x).reshape(-1, self.size)
        return np.array([self._inside(one)[0] for one in points]).reshape(x.shape[:-1])

    def _inside(self, x: Array) -> tuple[float, Array, Any]:
        """The loss at a point, its gradient by W, and the landscape of W there."""
        from landtopo.kernels import batches

        weights, outputs = self._split(x)
        data = self._data(outputs)
        value, slope = batches.evaluate(weights[None], data, np.empty((0, 0, 0)), batches.GRADIENTS)
        return float(_above_rounding(value, data.constant)[0]), slope, data

    def _all(self, points: Array) -> tuple[Array, Array]:
        """One by one, each with its own output weights."""
        values, gradients = np.empty(len(points)), np.empty(points.shape)
        for number, x in enumerate(points):
            values[number], gradients[number, self._weights], data = self._inside(x)
            weights = x[self._weights].reshape(self.width, -1)
            gradients[number, self._outputs] = self._slopes(data, weights, weights)[0]
        return values, gradients

    def joint(self, y: Array) -> tuple[Array, Array]:
        """The same."""
        return self.value_and_gradient(y)

    def joint_from(self, x: Array) -> Array:
        """The point itself."""
        return x

    def joint_to(self, y: Array) -> Array:
        """The point itself."""
        return y

    def hessian(self, x: Array) -> Array:
        """Hessian at one point."""
        from landtopo.kernels import batches

        weights, outputs = self._split(x)
        data, none = self._data(outputs), np.empty((0, 0, 0))
        inner = batches.evaluate(weights[None], data, none, batches.HESSIANS)[1]
        pairs, mixed = self.pairs(weights)
        # Row k, column l: d2L/da_k dw_l.
        across = outputs[None, :, None] * mixed.transpose(1, 0, 2)
        own = np.arange(self.width)
        across[own, own] += self._slopes(data, weights, weights)[1]
        hessian = np.empty((self.size, self.size))
        count = self._weights.size
        hessian[np.ix_(self._weights, self._weights)] = inner.reshape(count, count)
        hessian[np.ix_(self._outputs, self._weights)] = across.reshape(self.width, count)
        hessian[np.ix_(self._weights, self._outputs)] = across.reshape(self.width, count).T
        hessian[np.ix_(self._outputs, self._outputs)] = pairs
        return hessian

    def pairs(self, weights: Array) -> tuple[Array, Array]:
        """G_kl = g(w_k, w_l), and its gradients by w_k, shapes (K, K) and (K, K, D).

        Parameters
        ----------
        weights : ndarray, shape (K, D)
        """
        alone = self._data(np.ones(1), np.zeros(self.problem.teacher.size))
        columns = [self._slopes(alone, weights, weights[[other]]) for other in range(self.width)]
        values, gradients = zip(*columns, strict=True)
        return np.stack(values, axis=1), np.stack(gradients, axis=1)

    def gauge(self, x: Array) -> Array:
        """Rotations outside the span."""
        turns = self._plain.gauge(x[self._weights])
        rows = np.zeros((len(turns), self.size))
        rows[:, self._weights] = turns
        return rows
