"""One curve of critical points over the parameter of the teacher, within a space that is fixed.

On the fixed space of a point's isotropy group a curve goes smoothly through all points at which the
Hessian is singular across that space alone: there lower symmetry branches off, and the curve itself
goes on. Within the space it may turn back (fold); it may also run into a point of larger symmetry,
which shows as a singular Hessian in the space, too. Steps are by arc length, corrections by
Newton's method with the exact Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from landtopo.eigen import eigh
from landtopo.models.networks.sweeps.curve import TeacherCurve
from landtopo.models.networks.sweeps.loss import LossAt
from landtopo.models.networks.symmetry import Relabelling
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Branch", "Node", "Space", "acting", "complement", "is_definite", "solved"]

_CRITICAL = 1e-11
_CORRECTIONS = 8
_ITERATIONS, _LAST_STEP = 24, 1e-9
_FIXED = 1e-9
_NOTHING = 1e-9


class Space(NamedTuple):
    """Weights that some relabellings leave alone.

    Attributes
    ----------
    basis : ndarray, shape (K D, n)
        Orthonormal columns.
    width, columns : int
    """

    basis: Array
    width: int
    columns: int

    @classmethod
    def of(cls, weights: Array, rank: int, elements: tuple[Relabelling, ...]) -> Space:
        """The fixed space of elements that leave some weights alone; outer axes turn with them."""
        width, columns = weights.shape
        size = width * columns
        defect = np.zeros((size, size))
        for element in elements:
            apart = acting(element, weights, rank) - np.eye(size)
            defect += apart.T @ apart
        values, vectors = eigh(defect)
        return cls(np.ascontiguousarray(vectors[:, values < _FIXED]), width, columns)


def acting(element: Relabelling, weights: Array, rank: int) -> Array:
    """An element on all weights, shape (K D, K D); outer axes turn so that some are left alone."""
    width, columns = weights.shape
    rotation = np.zeros((columns, columns))
    # v_m -> v_t(m) is the permutation of coordinates, see `curve`.
    rotation[list(element.teachers), np.arange(rank)] = 1.0
    moved = np.zeros((width, width))
    moved[list(element.students), np.arange(width)] = 1.0
    outer = weights[:, rank:]
    if outer.shape[1]:
        left, _, right = np.linalg.svd(outer.T @ moved.T @ outer)
        rotation[rank:, rank:] = (left @ right).T
    return np.asarray(np.kron(moved, rotation), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Brief):
    """A point of a curve.

    Attributes
    ----------
    weights : ndarray, shape (K, D)
    value : float
        The parameter.
    tangent : ndarray, shape (n + 1,)
        Of the curve, in coordinates of the space and the parameter.
    loss : float
    spectrum, normal : ndarray
        Eigenvalues of the Hessian without gauge, and of the normal block, ascending.
    within : int
        Negative eigenvalues of the Hessian in the space.
    """

    weights: Array
    value: float
    tangent: Array
    loss: float
    spectrum: Array
    normal: Array
    within: int

    @property
    def negative(self) -> tuple[int, int]:
        """Negative eigenvalues of the Hessian and of the normal block."""
        return int(np.sum(self.spectrum < 0)), int(np.sum(self.normal < 0))

    @property
    def lowest(self) -> float:
        """The lowest eigenvalue of both."""
        return float(min(self.spectrum.min(), self.normal.min(initial=np.inf)))

    @property
    def index(self) -> int:
        """In inputs of infinite dimension: of the normal block, each counts many times."""
        inner, outer = self.negative
        return inner + outer * len(self.normal)


class Branch:
    """The equations on one fixed space.

    Parameters
    ----------
    curve : TeacherCurve
    space : Space
    """

    def __init__(self, curve: TeacherCurve, space: Space) -> None:
        self.curve = curve
        self.space = space

    def parts(self, y: Array, value: float) -> tuple[Array, Array, Array]:
        """Gradient, Hessian with gauge made stiff, and derivative of the gradient by the parameter.

        All on the space.
        """
        weights = self.weights(y)
        loss = LossAt(self.curve, value, self.space.columns)
        basis = self.space.basis
        gauge = self.gauge(weights) @ basis
        inner = basis.T @ loss.hessian(weights) @ basis + gauge.T @ gauge
        sides = loss.gradient(weights).ravel(), loss.mixed(weights).ravel()
        return basis.T @ sides[0], inner, basis.T @ sides[1]

    def weights(self, y: Array) -> Array:
        """Weights at coordinates of the space."""
        return (self.space.basis @ y).reshape(self.space.width, self.space.columns)

    def gauge(self, weights: Array) -> Array:
        """Unit turns of the axes outside the span, one a row."""
        rank = self.curve.size
        outer = weights[:, rank:]
        turns = []
        for i in range(outer.shape[1]):
            for j in range(i):
                turn = np.zeros_like(weights)
                turn[:, rank + i], turn[:, rank + j] = outer[:, j], -outer[:, i]
                turns.append(turn.ravel() / np.linalg.norm(turn))
        return np.array(turns).reshape(len(turns), weights.size)

    def at(self, weights: Array, value: float) -> Array | None:
        """The solution next to some weights at a given parameter; None where Newton finds none."""
        y = self.space.basis.T @ weights.ravel()
        moved = np.inf
        for _ in range(_ITERATIONS):
            gradient, hessian, _ = self.parts(y, value)
            try:
                step = np.linalg.solve(hessian, gradient)
            except np.linalg.LinAlgError:
                return None
            moved = float(np.linalg.norm(step))
            if not moved < 0.5:
                return None
            y = y - step
            if moved < 1e-13 * max(1.0, float(np.linalg.norm(y))):
                break
        # Where the Hessian is nearly singular a small gradient says little.
        exact = moved < _LAST_STEP and np.linalg.norm(self.parts(y, value)[0]) < _CRITICAL
        return y if exact else None

    def correct(self, node: Node, length: float) -> Node | None:
        """The point of the curve across the end of a step along the tangent of a node."""
        start = np.append(self.space.basis.T @ node.weights.ravel(), node.value)
        ahead = start + length * node.tangent
        now = ahead.copy()
        low, high = self.curve.low, self.curve.high
        slack, moved = 0.02 * (high - low), np.inf
        for _ in range(_CORRECTIONS):
            if not low - slack <= now[-1] <= high + slack or not is_definite(self.curve, now[-1]):
                return None
            gradient, hessian, mixed = self.parts(now[:-1], float(now[-1]))
            whole = np.block([[hessian, mixed[:, None]], [node.tangent[None]]])
            residual = np.append(gradient, node.tangent @ (now - ahead))
            try:
                step = np.linalg.solve(whole, residual)
            except np.linalg.LinAlgError:
                return None
            now = now - step
            if not np.linalg.norm(now - ahead) <= max(0.5 * abs(length), 1e-9):
                return None
            moved = float(np.linalg.norm(step))
            if moved < 1e-12:
                break
        # Where curves meet the equations are nearly singular, and rounding moves the point.
        y, value = now[:-1], float(now[-1])
        exact = moved < _LAST_STEP and np.linalg.norm(self.parts(y, value)[0]) < _CRITICAL
        return self.node(y, value, node.tangent) if exact else None

    def node(self, y: Array, value: float, along: Array) -> Node | None:
        """A point with its tangent, on the side of a direction, and its spectra."""
        _, hessian, mixed = self.parts(y, value)
        whole = np.block([[hessian, mixed[:, None]], [along[None]]])
        right = np.zeros(len(y) + 1)
        right[-1] = 1.0
        try:
            tangent = np.linalg.solve(whole, right)
        except np.linalg.LinAlgError:
            return None
        weights = self.weights(y)
        if np.linalg.norm(weights, axis=1).min() < 1e-4:
            return None
        spectrum, normal, loss = self.spectra(weights, value)
        gauge = self.gauge(weights) @ self.space.basis
        free = np.linalg.eigvalsh(hessian - gauge.T @ gauge) if len(gauge) else None
        values = np.linalg.eigvalsh(hessian) if free is None else free
        return Node(
            weights=weights,
            value=value,
            tangent=tangent / np.linalg.norm(tangent),
            loss=loss,
            spectrum=spectrum,
            normal=normal,
            # Gauge zeros are no negative eigenvalues.
            within=int(np.sum(values < -1e-10)) if len(gauge) else int(np.sum(values < 0)),
        )

    def spectra(self, weights: Array, value: float) -> tuple[Array, Array, float]:
        """Eigenvalues without gauge, those of the normal block, and the loss."""
        loss = LossAt(self.curve, value, self.space.columns)
        across = complement(self.gauge(weights).T)
        unused = complement(weights[:, self.curve.size :])
        inner = across.T @ loss.hessian(weights) @ across
        outer = unused.T @ loss.normal_block(weights) @ unused
        return _eigenvalues(inner), _eigenvalues(outer), loss.value(weights)

    def starting(self, weights: Array, value: float) -> Node | None:
        """The node at a critical point; the tangent points to larger parameters."""
        y = self.at(weights, value)
        if y is None:
            return None
        return self.node(y, value, np.append(np.zeros(len(y)), 1.0))


def solved(curve: TeacherCurve, weights: Array, value: float) -> Array | None:
    """Newton's method on all coordinates, from some weights at a given parameter."""
    everything = Space(np.eye(weights.size), *weights.shape)
    branch = Branch(curve, everything)
    y = branch.at(weights, value)
    return None if y is None else branch.weights(y)


def is_definite(curve: TeacherCurve, value: float) -> bool:
    """Whether the teacher's vectors are independent at a parameter."""
    return bool(np.linalg.eigvalsh(curve.gram(value))[0] > _NOTHING)


def _eigenvalues(matrix: Array) -> Array:
    return np.asarray(np.linalg.eigvalsh(matrix), dtype=np.float64)


def complement(columns: Array) -> Array:
    """Orthonormal columns across some independent ones."""
    count = columns.shape[1]
    if count == 0:
        return np.eye(len(columns))
    return np.asarray(np.linalg.qr(columns, mode="complete")[0][:, count:])
