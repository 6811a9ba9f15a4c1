"""What a connection has to know of the network landscape: copies, gauge, dimensions, zero loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landtopo.flat.slides import FlatPathStatus, loss_range, slide_path
from landtopo.loss import PopulationLoss, WeightObjective
from landtopo.objective import Array
from landtopo.paths.ends import (
    align_outside,
    closest_permutation,
    labelled_distance,
    same_labelled,
    small_cycles,
)
from landtopo.points.ascend import Ascent
from landtopo.points.classify import classify
from landtopo.points.records import CriticalPoint

__all__ = ["NetworkSetting"]


class NetworkSetting:
    """The population loss in r + e coordinates, as a setting for `join`.

    Parameters
    ----------
    loss : PopulationLoss
    columns : int
        Coordinates D = r + e of each neuron.
    noise : tuple of float
        Displacements of the neurons of first guesses in turn, in units of the teacher's mean norm.
    tolerance : float
        Largest difference between entries of the same labelled point.
    """

    def __init__(
        self,
        loss: PopulationLoss,
        columns: int,
        *,
        noise: tuple[float, ...] = (0.3, 0.6, 0.15, 1.0),
        tolerance: float = 1e-6,
    ) -> None:
        problem = loss.problem
        self.loss = loss
        self.objective = WeightObjective(loss, problem.width, columns)
        self.rank = problem.rank
        self.noise = noise
        self.tolerance = tolerance
        self.scale = float(np.trace(problem.teacher.gram))
        self.unit = float(problem.teacher.norms.mean())
        self._classified: dict[bytes, CriticalPoint] = {}

    def weights(self, x: Array) -> Array:
        """Weights (K, D) of flat coordinates."""
        return self.objective.weights(x)

    def same(self, x: Array, others: Sequence[Array]) -> int | None:
        """The known labelled point that is this one up to a rotation outside the span."""
        return same_labelled(
            self.weights(x), [self.weights(y) for y in others], self.rank, self.tolerance
        )

    def known_transition(self, x: Array, others: Sequence[Array]) -> int | None:
        """The known labelled transition state that is this one."""
        return same_labelled(
            self.weights(x), [self.weights(y) for y in others], self.rank, 1e3 * self.tolerance
        )

    def distance(self, x: Array, y: Array) -> float:
        """Distance over rotations outside the span."""
        return labelled_distance(self.weights(x), self.weights(y), self.rank)

    def first_guess(
        self, x: Array, y: Array, images: int, attempt: int, rng: np.random.Generator
    ) -> Array:
        """The straight line, every neuron bent aside by a random half wave, outside included.

        Straight lines between labelled copies are symmetric, and bands begun on them stop at
        points of high index.
        """
        share = np.linspace(0.0, 1.0, images)
        line = x + share[:, None] * (y - x)
        bend = rng.standard_normal((self.objective.width, self.objective.columns))
        bend *= self.noise[attempt % len(self.noise)] * self.unit / np.sqrt(self.objective.columns)
        line += np.sin(np.pi * share)[:, None] * bend.ravel()
        line[0], line[-1] = x, y
        return np.asarray(line)

    def classified(self, x: Array) -> CriticalPoint:
        """The critical point at flat coordinates in d dimensions, computed once."""
        key = x.tobytes()
        if key not in self._classified:
            self._classified[key] = classify(self.loss.problem, self.weights(x))
        return self._classified[key]

    def objection(self, ascent: Ascent) -> str | None:
        """Whether the point has index 1 in all d dimensions, not only in these coordinates."""
        found = self.classified(ascent.x)
        if found.zero_neurons:
            return "A neuron vanishes there, and the loss is not differentiable."
        if found.grad_norm > found.grad_tolerance:
            return f"The gradient cannot be brought below {found.grad_norm:.3g} there."
        if found.index != 1:
            return f"The index in d dimensions is {found.index}, not 1."
        return None

    def settle(self, x: Array) -> Array | None:
        """The point of zero loss that a descent has come close to, where Newton cannot go.

        With more students than teachers the global minima form a flat set with third-order
        walls, which the flow reaches only algebraically.
        """
        problem = self.loss.problem
        if problem.width <= problem.teacher.size:
            return None
        if float(self.objective.value(x)) > 1e-4 * self.scale:
            return None
        end = self.nearest_zero(self.weights(x))
        if end is None:
            return None
        share = np.linspace(0.0, 1.0, 33)
        values = self.objective.value(x + share[:, None] * (end.ravel() - x))
        slack = 1e-15 * self.scale
        return end.ravel() if np.all(np.diff(values) <= slack) else None

    def nearest_zero(self, weights: Array) -> Array | None:
        """Zero-loss weights in which every neuron serves the teacher it is closest to in angle."""
        teacher = self.loss.problem.teacher
        overlap = weights[:, : self.rank] @ teacher.vectors.T / teacher.norms
        owner = np.argmax(overlap, axis=1)
        if np.unique(owner).size < teacher.size:
            return None
        length = np.maximum(overlap[np.arange(owner.size), owner], 0.0)
        total = np.bincount(owner, weights=length, minlength=teacher.size)
        if np.any(total <= 0):
            return None
        result = np.zeros_like(weights)
        result[:, : self.rank] = (length / total[owner])[:, None] * teacher.vectors[owner]
        return result

    def flat_path(self, x: Array, y: Array) -> Array | None:
        """Slides of weight between parallel neurons, when both points are the same network."""
        first, last = self.weights(x), self.weights(y)
        values = self.objective.value(np.array([x, y]))
        if abs(values[0] - values[1]) > 1e-13 * self.scale:
            return None
        if self.loss.problem.width <= self.loss.problem.teacher.size and values[0] < 1e-6:
            # K = M at zero loss: no neuron is spare. Below M there is no zero loss.
            return None
        found = slide_path(first, last)
        if isinstance(found, FlatPathStatus):
            return None
        start, lowest, highest, _ = loss_range(self.loss, found[0], 16)
        if max(highest - start, start - lowest) > 1e-13 * self.scale:
            return None
        return np.asarray(found[0].reshape(found[0].shape[0], -1))

    def intermediates(self, x: Array, y: Array, rng: np.random.Generator) -> Sequence[Array]:
        """Copies of x that lead towards y by three neurons, or two, changing places at a time.

        Where many neurons move at once the pass is often higher than by small cycles in turn, and
        even permutations can be had from three-cycles alone, which are the cheapest.
        """
        first, last = self.weights(x), self.weights(y)
        match = closest_permutation(first[:, : self.rank], last[:, : self.rank])
        points = []
        order = list(range(first.shape[0]))
        for swap in small_cycles(match, rng):
            order = [order[i] for i in swap]
            points.append(align_outside(first[order], last, self.rank).ravel())
        if points and self.same(points[-1], [y]) is not None:
            points.pop()
        return points
