"""A chain of images between two fixed ends, and the loop that relaxes it by any method.

The elastic band and the string are both a rule that turns the values and gradients of the images
into a force, and perhaps moves the images along the chain after a step. All else they share: the
state, the steps, the metric, the counting and the stopping rule.

The metric is one positive definite matrix for all images. In the coordinates y = S^T x with S S^T
the mean Hessian at a few images, made positive by a multiple of the identity, a landscape whose
stiff directions are the same everywhere is nearly isotropic, and steps along the force are nearly
Newton steps. Forces, tangents and lengths are all taken in these coordinates, so that a method
needs to know nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from math import isfinite, sqrt
from typing import Protocol

import numpy as np
from scipy.linalg.lapack import dtrtri

from landtopo.errors import InvalidArgument
from landtopo.objective import Array, Objective
from landtopo.paths.optimiser import StepRule
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.points.factors import cholesky
from landtopo.shown import Brief

__all__ = [
    "Chain",
    "ChainStatus",
    "Metric",
    "Rule",
    "begin",
    "evenly_spaced",
    "lengths",
    "relax",
    "spread",
    "step",
]


class ChainStatus(Enum):
    """How the relaxation of a chain ended."""

    CONVERGED = "The force on every image is below the tolerance."
    STEPS_USED = "The number of steps allowed was used before the forces vanished."
    STALLED = "The steps became too short to change anything."
    NOT_FINITE = "A value that is not finite was met."


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Brief):
    """A root of the positive definite matrix in which lengths are measured.

    Attributes
    ----------
    root, inverse : ndarray, shape (size, size)
        S and S^-1; y = S^T x.
    """

    root: Array
    inverse: Array

    @classmethod
    def euclidean(cls, size: int) -> Metric:
        """Lengths as they are."""
        return cls(root=np.eye(size), inverse=np.eye(size))

    @classmethod
    def from_hessians(cls, objective: Objective, points: Array, *, floor: float = 0.1) -> Metric:
        """Mean Hessian at a few points, with as much of the identity as makes it positive.

        Where it is not finite, lengths stay as they are: what is not finite on a chain is met by
        whatever relaxes it, which says so.

        Parameters
        ----------
        objective : Objective
        points : ndarray, shape (n, size)
        floor : float
            Multiple of the identity, as a fraction of the mean size of the diagonal; it is
            doubled until the matrix is positive with half as much.
        """
        total = np.zeros((objective.size, objective.size))
        for point in points:
            total += objective.hessian(point)
        total /= points.shape[0]
        if not np.all(np.isfinite(total)):
            return cls.euclidean(objective.size)
        diagonal = np.arange(objective.size)
        added = max(floor * float(np.abs(total[diagonal, diagonal]).mean()), 1e-12)
        while True:
            lowered = total.copy()
            lowered[diagonal, diagonal] += 0.5 * added
            if cholesky(lowered) is not None:
                break
            added *= 2.0
        total[diagonal, diagonal] += added
        root = np.asarray(np.linalg.cholesky(total), dtype=np.float64)
        return cls(root=root, inverse=_inverse(root))

    def to(self, points: Array) -> Array:
        """Points in the coordinates y, shape (n, size)."""
        return points @ self.root

    def back(self, points: Array) -> Array:
        """Points from the coordinates y, shape (n, size)."""
        return points @ self.inverse

    def slopes(self, gradients: Array) -> Array:
        """Gradients with respect to y, shape (n, size)."""
        return gradients @ self.inverse.T


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(Brief):
    """State of a chain; a step makes a new one.

    Attributes
    ----------
    images : ndarray, shape (n, size)
        First and last are fixed.
    places : ndarray, shape (n, size)
        The images in the coordinates of the metric.
    values : ndarray, shape (n,)
    gradients : ndarray, shape (n, size)
        Of the function with respect to its own coordinates.
    force : ndarray, shape (n - 2, size)
        On the inner images, in the coordinates of the metric.
    residual : float
        Largest force on an image.
    metric : Metric
    time_step : float
        Size of the next step.
    iteration : int
    climbing : bool
        Whether the highest image climbs already.
    evaluations : Evaluations
        Cost since the chain was begun.
    """

    images: Array
    places: Array = field(repr=False)
    values: Array
    gradients: Array = field(repr=False)
    force: Array = field(repr=False)
    residual: float
    metric: Metric = field(repr=False)
    time_step: float
    iteration: int = 0
    climbing: bool = False
    evaluations: Evaluations
    status: ChainStatus = ChainStatus.STEPS_USED


class Rule(Protocol):
    """A method for chains: the elastic band or the string."""

    @property
    def tolerance(self) -> float:
        """Largest force on an image at which the chain counts as relaxed."""
        ...

    @property
    def relative_tolerance(self) -> float:
        """The same as a fraction of sqrt(2 h), h the height of the chain above its lower end.

        In a metric of Hessians that is the force of a bowl at this height.
        """
        ...

    @property
    def max_steps(self) -> int:
        """Largest number of steps."""
        ...

    @property
    def step_rule(self) -> StepRule:
        """How long the steps are."""
        ...

    def start_images(self, images: Array, metric: Metric) -> Array:
        """Images to begin with."""
        ...

    def place(self, images: Array) -> Array:
        """Images after a move, shifted along the chain before they are evaluated."""
        ...

    def force(self, images: Array, values: Array, gradients: Array, climbing: bool) -> Array:
        """Force on the inner images; everything in the coordinates of the metric."""
        ...

    def complete(self, count: int) -> bool:
        """Whether a chain of so many images has none missing."""
        ...

    def climbs(self, residual: float) -> bool:
        """Whether the highest image starts to climb now; once it does it goes on."""
        ...

    def tidy(self, chain: Chain) -> Array | None:
        """Images moved along the chain, added or removed after a step; None for no change."""
        ...


def lengths(images: Array) -> Array:
    """Lengths of the pieces of a polyline, shape (n - 1,)."""
    return np.asarray(np.linalg.norm(np.diff(images, axis=0), axis=1))


def evenly_spaced(images: Array, count: int) -> Array:
    """`count` points at equal distances along a polyline, its ends kept."""
    position = np.concatenate([[0.0], np.cumsum(lengths(images))])
    if position[-1] == 0:
        return np.repeat(images[:1], count, axis=0)
    wanted = np.linspace(0.0, position[-1], count)
    piece = np.clip(np.searchsorted(position, wanted, side="right") - 1, 0, len(images) - 2)
    length = position[piece + 1] - position[piece]
    share = (wanted - position[piece]) / np.where(length > 0, length, 1.0)
    points = images[piece] + share[:, None] * (images[piece + 1] - images[piece])
    points[0], points[-1] = images[0], images[-1]
    return np.asarray(points)


def spread(images: Array, count: int, metric: Metric) -> Array:
    """`count` images at equal distances in a metric, the ends kept to the last bit."""
    result = metric.back(evenly_spaced(metric.to(images), count))
    result[0], result[-1] = images[0], images[-1]
    return np.asarray(result)


def begin(
    objective: Objective,
    images: Array,
    rule: Rule,
    *,
    metric: Metric | None = None,
) -> Chain:
    """State of a chain before its first step.

    Parameters
    ----------
    objective : Objective
    images : ndarray, shape (n, size)
        First guess, n >= 3; the ends stay where they are.
    rule : ElasticBand or StringMethod
    metric : Metric, optional
        Euclidean by default.
    """
    images = np.array(images, dtype=np.float64)
    if images.ndim != 2 or images.shape[0] < 3 or images.shape[1] != objective.size:
        raise InvalidArgument(
            f"The 'images' argument of begin must have shape (n >= 3, {objective.size}); "
            f"got {images.shape}."
        )
    metric = Metric.euclidean(objective.size) if metric is None else metric
    images = rule.start_images(images, metric)
    counted = Counted(objective)
    values, gradients = counted.value_and_gradient(images)
    places = metric.to(images)
    force = rule.force(places, values, metric.slopes(gradients), False)
    return Chain(
        images=images,
        places=places,
        values=values,
        gradients=gradients,
        force=force,
        residual=_largest(force),
        metric=metric,
        time_step=rule.step_rule.first,
        evaluations=counted.evaluations,
    )


def step(objective: Objective, chain: Chain, rule: Rule) -> Chain:
    """One step of all images, and whatever the rule does along the chain after it."""
    counted = Counted(objective)
    metric = chain.metric
    move = rule.step_rule.propose(chain.time_step, chain.force, chain.residual)
    before = chain.places
    moved_to = before.copy()
    moved_to[1:-1] += move
    moved_to = rule.place(moved_to)
    move = moved_to[1:-1] - before[1:-1]
    images = chain.images.copy()
    images[1:-1] = metric.back(moved_to[1:-1])
    values, gradients = chain.values.copy(), chain.gradients.copy()
    values[1:-1], gradients[1:-1] = counted.value_and_gradient(images[1:-1])
    slopes = metric.slopes(gradients)
    force = rule.force(moved_to, values, slopes, chain.climbing)
    accepted, size = rule.step_rule.judge(chain.time_step, chain.force, force, move)
    cost = chain.evaluations + counted.evaluations
    if not accepted:
        return replace(chain, time_step=size, iteration=chain.iteration + 1, evaluations=cost)
    moved = replace(
        chain,
        images=images,
        places=moved_to,
        values=values,
        gradients=gradients,
        force=force,
        residual=_largest(force),
        time_step=size,
        iteration=chain.iteration + 1,
        evaluations=cost,
    )
    tidied = rule.tidy(moved)
    if tidied is None:
        if moved.climbing or not rule.climbs(moved.residual):
            return moved
        # The force changes with nothing having moved: it must not be judged against the old one.
        force = rule.force(moved_to, values, slopes, True)
        return replace(
            moved,
            climbing=True,
            force=force,
            residual=_largest(force),
            time_step=max(moved.time_step, rule.step_rule.first),
        )
    tidied[0], tidied[-1] = images[0], images[-1]
    counted = Counted(objective)
    values, gradients = counted.value_and_gradient(tidied)
    places = metric.to(tidied)
    force = rule.force(places, values, metric.slopes(gradients), moved.climbing)
    return replace(
        moved,
        images=tidied,
        places=places,
        values=values,
        gradients=gradients,
        force=force,
        residual=_largest(force),
        time_step=max(moved.time_step, rule.step_rule.first),
        evaluations=moved.evaluations + counted.evaluations,
    )


def relax(
    objective: Objective, images: Array, rule: Rule, *, metric: Metric | None = None
) -> Chain:
    """Steps until the forces vanish or the steps allowed are used.

    Parameters
    ----------
    objective : Objective
    images : ndarray, shape (n, size)
        First guess.
    rule : ElasticBand or StringMethod
    metric : Metric, optional

    Returns
    -------
    Chain
        The last state, with its status.
    """
    chain = begin(objective, images, rule, metric=metric)
    while True:
        if not (isfinite(chain.values.sum()) and isfinite(chain.residual)):
            return replace(chain, status=ChainStatus.NOT_FINITE)
        height = float(chain.values.max() - min(chain.values[0], chain.values[-1]))
        enough = max(rule.tolerance, rule.relative_tolerance * sqrt(2.0 * height))
        if chain.residual <= enough and rule.complete(chain.images.shape[0]):
            return replace(chain, status=ChainStatus.CONVERGED)
        if chain.iteration >= rule.max_steps:
            return replace(chain, status=ChainStatus.STEPS_USED)
        if chain.time_step < rule.step_rule.smallest:
            return replace(chain, status=ChainStatus.STALLED)
        chain = step(objective, chain, rule)


def _inverse(lower: Array) -> Array:
    """Inverse of a lower triangular matrix."""
    found, _ = dtrtri(lower, lower=1)
    return np.asarray(found)


def _largest(force: Array) -> float:
    return sqrt(np.einsum("ij,ij->i", force, force).max(initial=0.0))
