"""What one point is, recomputed from nothing but its weights and the teacher's vectors.

Spectra come from differences of quadratures, so that an eigenvalue counts as zero below the error
of the differences. Index and nullity are those of the whole student, neuron by neuron, after every
neuron was measured in units of the square root of its length: by Sylvester's law this keeps the
signs, and no short part of a split neuron hides the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry import symmetry_frame
from landtopo.models.networks.units import unit_of
from landtopo.objective import Array
from landtopo.study.verification.labelled import Automorphisms, automorphisms, joint
from landtopo.study.verification.network import Parts, gauge_directions, parts_of
from landtopo.study.verification.quadrature import (
    EPSILON,
    difference_hessian,
    difference_normal_block,
    quadrature_gradient,
    quadrature_loss,
    quadrature_slope,
)
from landtopo.study.verification.slopes import Slopes, lowest_slopes

__all__ = ["Evidence", "Memory", "Spectra"]

_Value = TypeVar("_Value")

# Error of a curvature from differences: the step, times the ratio of the lengths of neighbours on
# one line, which is 100 at most where the search keeps a neuron.
_CURVATURE = 100.0 * EPSILON**0.5
_ROUNDING = float(np.finfo(np.float64).eps)


class Memory:
    """Remembers what was worked out, so that each thing is worked out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Any] = {}

    def get(self, key: tuple[Any, ...], make: Callable[[], _Value]) -> _Value:
        """The value of a key, made if it is new."""
        if key not in self._known:
            self._known[key] = make()
        value: _Value = self._known[key]
        return value

    def evidence(self, problem: TeacherStudent, weights: Array) -> Evidence:
        """The evidence about a point."""
        given = np.ascontiguousarray(weights, dtype=np.float64)
        key = (
            "point",
            problem.teacher.told,
            problem.teacher.vectors.tobytes(),
            problem.dim,
            given.shape,
            given.tobytes(),
        )
        return self.get(key, lambda: Evidence(problem.with_width(len(given)), given))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectra:
    """Curvatures in the columns in use and outside, gauge directions and zero neurons left out.

    Attributes
    ----------
    inside, normal : ndarray
        Ascending.
    error : float
        Of each, in size.
    gauge : int
        Number of directions that rotations of the columns outside the span account for.
    index, nullity : int
        In all d dimensions.
    """

    inside: Array
    normal: Array
    error: float
    gauge: int
    index: int
    nullity: int


class Evidence:
    """Recomputed quantities of a point, each when it is asked for.

    Parameters
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (K, r + e)
    """

    def __init__(self, problem: TeacherStudent, weights: Array) -> None:
        self.problem = problem
        self.weights = weights
        self.teacher: Teacher = problem.teacher
        self.width, self.columns = weights.shape
        self.outside = self.columns - problem.rank
        #: Directions that nothing uses, for each of which the normal block counts.
        self.unused = (
            self.width if problem.codimension is None else problem.codimension
        ) - self.outside

    @cached_property
    def parts(self) -> Parts:
        """Zero neurons, and groups of parallel ones."""
        return parts_of(self.weights, scale=float(self.teacher.norms.max()))

    @cached_property
    def vectors(self) -> Array:
        """The teacher's vectors in the columns of the weights, shape (M, r + e)."""
        return np.hstack([self.teacher.vectors, np.zeros((self.teacher.size, self.outside))])

    @property
    def frame(self) -> Array:
        """The vectors whose permutations are the symmetries of the teacher's function."""
        return symmetry_frame(self.teacher)

    @cached_property
    def loss(self) -> float:
        """By quadrature; where the student reproduces the teacher, half the bound on its error."""
        return min(max(quadrature_loss(self.teacher, self.weights), 0.0), 0.5 * self._bound)

    @cached_property
    def _bound(self) -> float:
        """Upper bound of the loss from distances to shares of the teacher's neurons.

        |relu(u.x) - relu(v.x)| <= |(u - v).x|, so that students w_i near shares c_i v of teacher
        neurons v, whose shares add up to one, give L <= (sum |w_i - c_i v|)^2 / 2, and a missing
        part of a teacher neuron counts with its length.
        """
        lengths = self.teacher.norms
        units = self.vectors / lengths[:, None]
        total = np.zeros(self.teacher.size)
        missed = 0.0
        for weight in self.weights:
            along = units @ weight
            nearest = int(np.argmax(along))
            share = max(float(along[nearest]), 0.0)
            missed += float(np.linalg.norm(weight - share * units[nearest]))
            total[nearest] += share
        missed += float(np.abs(total - lengths).sum())
        return 0.5 * missed**2

    @cached_property
    def is_zero(self) -> bool:
        """The loss is zero to the rounding of the weights.

        By the bound where the student's directions are the teacher's, otherwise to the error of
        the quadrature.
        """
        size = float(np.sum(self.weights**2))
        if self._bound <= 1e-22 * size:
            return True
        return quadrature_loss(self.teacher, self.weights) <= 1e3 * EPSILON * size

    @cached_property
    def gradient_norm(self) -> float:
        """Frobenius norm of the gradient."""
        return float(np.linalg.norm(quadrature_gradient(self.teacher, self.weights)))

    @cached_property
    def spectra(self) -> Spectra:
        """Of the neurons that are not zero."""
        live = self.weights[self.parts.live]
        hessian = difference_hessian(self.teacher, live)
        block = difference_normal_block(self.teacher, live)
        gauge = gauge_directions(live, self.problem.rank)
        inside = np.linalg.eigvalsh(_restricted(hessian, gauge))
        normal = np.linalg.eigvalsh(_restricted(block, _rows(live[:, self.problem.rank :].T)))
        # Neurons in units of the square root of their length, relative to the longest.
        lengths = np.linalg.norm(live, axis=1)
        measure = np.sqrt(lengths / lengths.max())
        spread = np.repeat(measure, self.columns)
        across = (live[:, self.problem.rank :] / measure[:, None]).T
        scaled = spread[:, None] * hessian * spread
        scaled_block = measure[:, None] * block * measure
        counted = np.concatenate(
            [
                np.linalg.eigvalsh(_restricted(scaled, _rows(gauge / spread))),
                np.repeat(
                    np.linalg.eigvalsh(_restricted(scaled_block, _rows(across))), self.unused
                ),
            ]
        )
        return Spectra(
            inside=np.asarray(inside),
            normal=np.asarray(normal),
            error=_CURVATURE * max(1.0, float(np.abs(hessian).max())),
            gauge=len(gauge),
            index=int(np.sum(counted < -_CURVATURE)),
            nullity=int(np.sum(np.abs(counted) <= _CURVATURE)),
        )

    @cached_property
    def network(self) -> Evidence:
        """The reduced network as a point of its own."""
        vectors = self.parts.vectors
        return Evidence(self.problem.with_width(max(len(vectors), 1)), vectors)

    @cached_property
    def decisive(self) -> Array:
        """The curvatures that decide: of the reduced network, and of its split neurons."""
        small = self.network
        hessian = difference_hessian(self.teacher, small.weights)
        block = difference_normal_block(self.teacher, small.weights)
        columns = small.columns
        values = [small.spectra.inside]
        if self.unused:
            values.append(small.spectra.normal)
        for j, group in enumerate(self.parts.groups):
            if len(group) == 1:
                continue
            own = hessian.reshape(len(small.weights), columns, -1, columns)[j, :, j]
            own = own - 0.5 * np.eye(columns)
            across = _restricted(own, _rows(small.weights[j][None]))
            values.append(np.asarray(np.linalg.eigvalsh(across)))
            if self.unused:
                values.append(np.array([block[j, j] - 0.5]))
        return np.concatenate(values)

    @cached_property
    def room(self) -> bool:
        """Whether there is a direction that nothing uses."""
        return self.problem.codimension is None or self.problem.codimension > self.outside

    @cached_property
    def slopes(self) -> Slopes:
        """Local minima of psi, the outside axis included where there is one."""
        return lowest_slopes(*self.widened())

    def widened(self) -> tuple[Array, Array]:
        """Live neurons and teachers, with a column more where there is room."""
        wide = ((0, 0), (0, int(self.room)))
        return np.pad(self.weights[self.parts.live], wide), np.pad(self.vectors, wide)

    @cached_property
    def lowest_slope(self) -> float:
        """The lowest psi; 0 at zero loss."""
        if self.is_zero or not len(self.slopes.values):
            return 0.0
        weights, _ = self.widened()
        return quadrature_slope(self.teacher, weights, self.slopes.directions[0])

    @cached_property
    def symmetry(self) -> Automorphisms:
        """The renumberings of students and teachers that fix the point."""
        return automorphisms(joint(self.weights, self.frame))

    @cached_property
    def copies(self) -> int:
        """Labelled copies: K! |Aut(T)| over the order of the isotropy group."""
        whole = automorphisms(joint(np.zeros((0, self.problem.rank)), self.frame)).order
        return math.factorial(self.width) * whole // self.symmetry.order

    @cached_property
    def error_bounds(self) -> tuple[float, float]:
        """Least and most size below which the search calls a curvature zero, by its stated rule.

        Rounding of eigenvalues and of their entries is the least; the change of the Hessian over
        the distance to the exact critical point comes on top. That distance is known up to the
        rounding of the weights.
        """
        small = self.network
        lengths = np.linalg.norm(small.weights, axis=1)
        total = float(lengths.sum() + self.teacher.norms.sum())
        least = float(lengths.min())
        largest = float(np.abs(small.spectra.inside).max(initial=0.0))
        hessian = difference_hessian(self.teacher, small.weights)
        gradient = quadrature_gradient(self.teacher, small.weights).ravel()
        inverse = np.linalg.pinv(hessian, rcond=1e-6, hermitian=True)
        moved = float(np.linalg.norm(inverse @ gradient))
        stretch = float(np.linalg.norm(inverse, 2))
        moved += _ROUNDING * float(np.linalg.norm(small.weights)) * stretch
        rounding = 4.0 * math.sqrt(small.weights.size) * largest + 4.0 * total / least
        rounding *= _ROUNDING
        # The largest curvature is known to the error of the differences.
        return 0.999 * rounding, 1.001 * rounding + float(moved) * total / (2.0 * least**2)

    @property
    def unit(self) -> float:
        """The teacher's unit of length."""
        return unit_of(self.teacher)


def _rows(vectors: Array) -> Array:
    """Orthonormal rows that span given ones."""
    if not vectors.size:
        return np.zeros((0, vectors.shape[1]))
    _, sizes, axes = np.linalg.svd(vectors, full_matrices=False)
    return np.asarray(axes[sizes > 1e-9 * max(float(sizes.max()), 1e-300)])


def _restricted(matrix: Array, removed: Array) -> Array:
    """A symmetric matrix on the complement of orthonormal rows."""
    if not len(removed):
        return matrix
    basis = np.linalg.svd(removed)[2][len(removed) :]
    return np.asarray(basis @ matrix @ basis.T)
