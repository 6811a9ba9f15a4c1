"""What one point of a function is, recomputed from values of the function alone.

Gradients and Hessians are differences of eighth order of the values, with whole and half steps;
what the two differ by is the error. The spectrum is that of the whole Hessian, in which continuous
symmetries must show as zeros.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from landtopo.eigen import eigh
from landtopo.models.flat_sets import walks_to
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array
from landtopo.points.stationary import LEAST
from landtopo.study.verification.labelled import Joint, automorphisms
from landtopo.symmetry.particles import ParticleSymmetry

__all__ = ["FunctionEvidence"]

# Differences of eighth order: weights at 1, 2, 3, 4 steps, and of second ones at none.
_FIRST = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
_SECOND = np.array([8 / 5, -1 / 5, 8 / 315, -1 / 560])
_MIDDLE = -205 / 72
# Steps, in units of the model, in which curvatures are of order one.
_SLOPE_STEP = 2.0**-8
_CURVATURE_STEP = 2.0**-7
_EPSILON = float(np.finfo(np.float64).eps)
# A curvature of this part of the largest is zero, unless the differences are worse than that.
_ZERO = 1e-8
# How far a point is displaced to see whether it is one of many, in units of the model.
_ASIDE = 2e-2
# Points of rest are one where they are as close as this, relative to their size.
_SAME = 1e-5


class FunctionEvidence:
    """Recomputed quantities of a point, each when it is asked for, in the function's own units.

    Parameters
    ----------
    model : SmoothModel
    x : ndarray, shape (size,)
        In the function's units.
    """

    def __init__(self, model: SmoothModel, x: Array) -> None:
        self.model = model
        self.x = np.asarray(x, dtype=np.float64)
        #: The point, and the function, in units of the model.
        self.inside = self.x / model.length
        self._objective = model.objective(self.inside)

    @cached_property
    def loss(self) -> float:
        """The value."""
        return float(self._objective.value(self.inside)) * self.model.energy

    @cached_property
    def gradient_norm(self) -> float:
        """By the derivatives that the function has."""
        slope = self._objective.value_and_gradient(self.inside)[1]
        return float(np.linalg.norm(slope)) * self.slope_unit

    @property
    def slope_unit(self) -> float:
        """A gradient of one, in units of the model."""
        return self.model.energy / self.model.length

    @property
    def curvature_unit(self) -> float:
        """A curvature of one, in units of the model."""
        return self.model.energy / self.model.length**2

    @cached_property
    def slope(self) -> tuple[float, float]:
        """Norm of the gradient by differences of values, and its error."""
        whole, half = (self._slope(step) for step in (_SLOPE_STEP, _SLOPE_STEP / 2))
        rounding = self._rounding / _SLOPE_STEP
        error = float(np.linalg.norm(whole - half)) + rounding * np.sqrt(whole.size)
        return float(np.linalg.norm(whole)) * self.slope_unit, error * self.slope_unit

    @cached_property
    def allowed_slope(self) -> float:
        """Largest gradient of a critical point, by the stated rule: the tolerance, or rounding."""
        largest = float(np.abs(self.eigenvalues).max(initial=0.0))
        rounding = 64.0 * _EPSILON * float(np.linalg.norm(self.x))
        return largest * max(self.model.tolerance * self.model.length, rounding)

    def _slope(self, step: float) -> Array:
        lines = self._values(np.eye(self.inside.size), step)
        return np.asarray((lines[:, 5:] - lines[:, 3::-1]) @ _FIRST / step)

    @cached_property
    def _rounding(self) -> float:
        """Of a value, in units of the model."""
        return 4.0 * _EPSILON * (1.0 + abs(self.loss) / self.model.energy)

    def _values(self, directions: Array, step: float) -> Array:
        """Values at -4 to 4 steps along directions, one of them a row."""
        shares = step * np.arange(-4, 5)
        points = self.inside + shares[None, :, None] * directions[:, None]
        flat = points.reshape(-1, self.inside.size)
        return np.asarray(self._objective.value(flat)).reshape(len(directions), 9)

    @cached_property
    def hessian(self) -> tuple[Array, float]:
        """By differences of values, in units of the model, and the error of an eigenvalue.

        Where third derivatives jump, as at parallel neurons, the error falls like the step only:
        steps are halved until rounding is as large.
        """
        step, rounding = _CURVATURE_STEP, self._rounding / _CURVATURE_STEP**2 * self.inside.size
        whole, half = self._hessian(step), self._hessian(step / 2)
        while (apart := float(np.linalg.norm(whole - half, 2))) > 16.0 * rounding:
            step, rounding = step / 2, 4.0 * rounding
            whole, half = half, self._hessian(step / 2)
        return whole, apart + rounding

    def _hessian(self, step: float) -> Array:
        size = self.inside.size
        axes = np.eye(size)
        first, second = np.triu_indices(size, 1)
        own = self._second(axes, step)
        mixed = self._second(axes[first] + axes[second], step)
        mixed = (mixed - self._second(axes[first] - axes[second], step)) / 4.0
        result = np.diag(own)
        result[first, second] = result[second, first] = mixed
        return result

    def _second(self, directions: Array, step: float) -> Array:
        if not len(directions):
            return np.zeros(0)
        lines = self._values(directions, step)
        return np.asarray(
            ((lines[:, 5:] + lines[:, 3::-1]) @ _SECOND + _MIDDLE * lines[:, 4]) / step**2
        )

    @cached_property
    def eigenvalues(self) -> Array:
        """Of the whole Hessian, ascending, those that continuous symmetries explain left out.

        They are the ones closest to zero; at a critical point nothing else can be told of them.
        """
        values = np.linalg.eigvalsh(self.hessian[0])
        kept = np.argsort(np.abs(values), kind="stable")[self.gauge :]
        return np.asarray(np.sort(values[kept]) * self.curvature_unit)

    @property
    def error(self) -> float:
        """Of an eigenvalue; where a function's own are differences, 4 times what it states."""
        largest = float(np.abs(self.eigenvalues).max(initial=0.0))
        return self.hessian[1] * self.curvature_unit + 4.0 * self.model.shape.error * largest

    @cached_property
    def gauge(self) -> int:
        """Number of directions of the continuous symmetry."""
        return len(self.model.shape.gauge.directions(self.x))

    @cached_property
    def gauge_is_flat(self) -> bool:
        """Whether so many curvatures vanish at least."""
        values = np.abs(np.linalg.eigvalsh(self.hessian[0]) * self.curvature_unit)
        return int(np.sum(values <= self.zero)) >= self.gauge

    @property
    def zero(self) -> float:
        """Size up to which a curvature is zero."""
        return max(self.error, _ZERO * float(np.abs(self.eigenvalues).max(initial=0.0)))

    @property
    def index(self) -> int:
        """Number of negative curvatures."""
        return int(np.sum(self.eigenvalues < -self.zero))

    @property
    def nullity(self) -> int:
        """Number of those that vanish, beyond the continuous symmetry."""
        return int(np.sum(np.abs(self.eigenvalues) <= self.zero))

    @cached_property
    def is_flat(self) -> bool:
        """Whether the value stays the same at places beside the point, as far as it leads back.

        Places are displaced along random null directions and brought back across them, by slopes
        over the curvatures here.
        """
        values, vectors = eigh(self.hessian[0])
        order = np.argsort(np.abs(values), kind="stable")
        null, across = np.split(order, [self.gauge + self.nullity])
        generator = np.random.default_rng(0)
        for _ in range(4):
            share = generator.standard_normal(len(null))
            aside = _ASIDE * vectors[:, null] @ (share / np.linalg.norm(share))
            x = self.inside + aside
            for _ in range(60):
                slope = self._objective.value_and_gradient(x)[1]
                x = x - vectors[:, across] @ ((vectors[:, across].T @ slope) / values[across])
            apart = abs(float(self._objective.value(x)) - self.loss / self.model.energy)
            kept = float((x - self.inside) @ aside)
            if not (apart <= 100.0 * self._rounding and kept >= 0.5 * _ASIDE**2):
                return False
        return True

    @property
    def is_least(self) -> bool:
        """Whether no value is lower."""
        return self.loss <= self.model.least + LEAST * self.model.energy

    @property
    def flat_dimension(self) -> int | None:
        """Dimension of the set of minima; None where null directions lead elsewhere."""
        if not self.nullity:
            return 0
        if self.is_least:
            return None if self.index else self.model.flat_dimension(self.inside, self.nullity)
        if self.index or not self.is_flat:
            return None
        # A model that knows its flat sets calls no others so.
        known = self.model.flat_dimension(self.inside, self.nullity)
        return self.nullity if known == self.nullity else None

    @cached_property
    def isotropy_order(self) -> int:
        """Number of symmetries that leave the point as it is."""
        symmetry = self.model.shape.symmetry
        if isinstance(symmetry, ParticleSymmetry):
            return _point_group_order(self.inside.reshape(-1, 3))
        if hasattr(symmetry, "rows"):
            rows, frame = symmetry.rows(self.model.settled(self.inside))
            return _order_of_rows(rows, frame, turned=symmetry.turned)
        return int(symmetry.order) // self._copies

    @cached_property
    def _copies(self) -> int:
        """Different images of the point, met by applying generators again and again."""
        symmetry, gauge = self.model.shape.symmetry, self.model.shape.gauge
        generators = [element.tolist() for element in symmetry.group.generators]
        found = [self.inside]
        near = _SAME * (1.0 + float(np.linalg.norm(self.inside)))
        for x in found:
            for element in generators:
                image = symmetry.act(element, x)
                known = (gauge.align(other, image) for other in found)
                if all(np.linalg.norm(other - image) > near for other in known) and not any(
                    self._on_one_set(image, other) for other in found
                ):
                    found.append(image)
        return len(found)

    def is_at(self, other: FunctionEvidence) -> bool:
        """Whether this is the other point, or on one set with it, but for its gauge."""
        x, y = self.inside, other.inside
        if self.model.settles:
            x, y = self.model.settled(x), self.model.settled(y)
        apart = np.linalg.norm(self.model.shape.gauge.align(y, x) - x)
        return bool(apart <= _SAME * (1.0 + np.linalg.norm(x))) or self._on_one_set(x, y)

    def _on_one_set(self, x: Array, y: Array) -> bool:
        """Whether points are joined by minima of the same value, as the model walks."""
        # A model that gives one point for a whole set was asked for that.
        dimension = 0 if self.model.settles else self.flat_dimension
        gauge = self.model.shape.gauge
        return bool(dimension) and walks_to(self._objective, gauge, x, y, int(dimension or 0))

    def is_copy_of(self, other: FunctionEvidence) -> bool:
        """Whether the points are one up to symmetry: equally high, and carried into each other."""
        apart = abs(self.loss - other.loss) / self.model.energy
        marks = [
            self.model.strata.mark_at(one.inside, one.flat_dimension or 0) for one in (self, other)
        ]
        same = marks[0].match(marks[1]) is not None
        return same and apart <= 1e-8 * (1.0 + abs(self.loss) / self.model.energy)


def _order_of_rows(rows: Array, frame: Array, *, turned: bool) -> int:
    """Renumberings of rows and of vectors that keep all products, opposites staying opposites."""
    neurons = np.zeros((len(rows) + len(frame), rows.shape[1]))
    neurons[: len(rows)] = rows
    neurons[len(rows) :, : frame.shape[1]] = frame
    opposite = np.zeros((len(neurons), len(neurons)))
    if turned:
        half = np.arange(len(rows) // 2)
        opposite[half, half + len(half)] = opposite[half + len(half), half] = 1.0
    classes = np.repeat([0, 1], [len(rows), len(frame)])
    graph = Joint(tables=np.array([neurons @ neurons.T, opposite]), classes=classes)
    return automorphisms(graph).order


def _point_group_order(points: Array) -> int:
    """Renumberings that keep all distances; twice as many where a mirror moves nothing."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    graph = Joint(tables=apart[None], classes=np.zeros(len(points), dtype=np.int64))
    sizes = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return automorphisms(graph).order * (1 if sizes[-1] > 1e-2 * sizes[0] else 2)
