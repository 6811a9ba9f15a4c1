"""Critical points in a fixed space, of any index there, from many starts.

The first starts have the neurons that can follow teacher vectors on these, or mirrored in the mean
direction s of the teacher, w -> 2 (w.s) s - w: what a mirrored neuron shared with the whole teacher
it keeps, and it is anti-aligned with its own vector. The others are random. From what is a minimum
in the fixed space climbs follow its softest modes there.

Steps are Newton's in the eigenbasis of the Hessian, uphill along so many of the lowest eigenvectors
and downhill along the others, no longer than a radius that shrinks; close to a critical point they
are Newton's alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.eigen import eigh
from landtopo.models.networks.fixed_objective import FixedSpaceObjective
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.families import group_weights
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetric.classes import SymmetryClass, fixed_space
from landtopo.models.networks.symmetry.fixed_space import FixedSpace
from landtopo.objective import Array
from landtopo.tolerances import ZERO_CURVATURE

__all__ = ["UPHILL", "mirror_image", "symmetric_ends"]

# Uphill along so many eigenvectors, in turn; None is Newton's method from far away, too.
UPHILL = (0, 1, 0, 2, 0, None)
# Starts on the teacher, and draws of the neurons that follow nothing.
_MOST_ON_TEACHER, _DRAWS = 32, 8
_MOST_STEPS = 80
_NEAR, _CONVERGED = 1e-3, 1e-12
# The longest step relative to the norm of the start, if that is random and if on the teacher.
_RADIUS, _CAREFUL = 0.4, 0.1
_SHRINK = 0.97
# How far climbs start from a minimum, relative to its norm.
_AWAY = 0.15
# Relative to the mean norm of the teacher.
_SHORTEST = 1e-5
_SPREAD = 0.5


def symmetric_ends(
    problem: TeacherStudent,
    group: SymmetryClass,
    seed: int,
    number: int,
    starts: int,
    uphill: tuple[int | None, ...] = UPHILL,
    modes: int = 3,
) -> dict[str, Any]:
    """Critical points that searches in the fixed space of a group end in.

    Parameters
    ----------
    problem : TeacherStudent
    group : SymmetryClass
    seed, number : int
        Root seed, and the number of the class.
    starts : int
        Random ones.
    uphill : tuple of (int or None)
        Along how many eigenvectors they go uphill, in turn.
    modes : int
        Softest modes of each minimum that are climbed along, both ways.

    Returns
    -------
    dict
        ``ends``, a list of weights, shape (K, r), one of each family; ``met``, how many starts
        ended in each; ``indices``, negative eigenvalues of each in the fixed space; ``outcomes``,
        how many ended how.
    """
    space = fixed_space(problem, group)
    scale = float(problem.teacher.norms.mean())
    key = np.random.SeedSequence(seed, spawn_key=(problem.width, 3, number))
    generator = np.random.default_rng(key)
    blocks = space.basis.reshape(problem.width, problem.rank, -1)
    searched = _Searched(problem, space)
    if not np.all(np.abs(blocks[space.representatives]).max(axis=(1, 2), initial=0.0)):
        # Only where the teacher's vectors depend on each other: symmetry leaves a neuron nothing.
        return {**searched.result(), "outcomes": {"a neuron vanished": starts}}
    followers = _followers(problem, group, space.representatives)
    for weights in _on_teacher(problem, blocks, space.representatives, followers, generator):
        searched.follow(space.basis.T @ weights.ravel(), 0, _CAREFUL)
    for start in range(starts):
        y = _drawn(blocks, space.representatives, scale, generator)
        searched.follow(y, uphill[start % len(uphill)], _RADIUS)
    for y in searched.minima():
        _, vectors = eigh(searched.objective.hessian(y))
        for step in _AWAY * np.linalg.norm(y) * vectors.T[:modes]:
            searched.follow(y + step, 1, _RADIUS)
            searched.follow(y - step, 1, _RADIUS)
    return searched.result()


class _Searched:
    """A fixed space, and the critical points that were met in it."""

    def __init__(self, problem: TeacherStudent, space: FixedSpace) -> None:
        self.problem = problem
        self.space = space
        whole = WeightObjective(PopulationLoss(problem), width=problem.width, columns=problem.rank)
        self.objective = FixedSpaceObjective(whole, space)
        self._scale = float(problem.teacher.norms.mean())
        blocks = space.basis.reshape(problem.width, problem.rank, -1)
        self._neurons = blocks[space.representatives]
        self._ends: list[Array] = []
        self._indices: list[int] = []
        self._outcomes: Counter[str] = Counter()

    def follow(self, y: Array, uphill: int | None, reach: float) -> None:
        """Search from a point, with steps up to a part of its norm."""
        end, outcome = _follow(self.objective, y, uphill, reach, self._neurons, self._scale)
        self._outcomes[outcome] += 1
        if end is not None:
            values = np.linalg.eigvalsh(self.objective.hessian(end))
            self._ends.append(end)
            self._indices.append(int(np.sum(values < -ZERO_CURVATURE)))

    def minima(self) -> list[Array]:
        """The different minima of the space."""
        found = [end for end, index in zip(self._ends, self._indices, strict=True) if index == 0]
        if not found:
            return []
        labels = group_weights(self.problem, self._weights(found))
        return [found[i] for i in np.unique(labels, return_index=True)[1]]

    def result(self) -> dict[str, Any]:
        """What `symmetric_ends` returns."""
        weights = self._weights(self._ends)
        labels = group_weights(self.problem, weights) if len(weights) else np.zeros(0, int)
        first = np.unique(labels, return_index=True)[1]
        return {
            "ends": [weights[i] for i in first],
            "met": [int(np.sum(labels == labels[i])) for i in first],
            "indices": [self._indices[i] for i in first],
            "outcomes": dict(sorted(self._outcomes.items())),
        }

    def _weights(self, ends: list[Array]) -> Array:
        shape = (len(ends), self.problem.width, self.problem.rank)
        return np.asarray([self.space.basis @ end for end in ends]).reshape(shape)


def mirror_image(teacher: Teacher, vectors: Array) -> Array:
    """Vectors mirrored in the mean direction of a teacher.

    Parameters
    ----------
    teacher : Teacher
    vectors : ndarray, shape (n, r)
    """
    mean = teacher.vectors.sum(axis=0)
    size = float(np.linalg.norm(mean))
    # Without a mean direction, as for a regular polygon, the mirror image is the opposite vector.
    axis = mean / size if size > 1e-6 * float(teacher.norms.max()) else np.zeros_like(mean)
    return np.asarray(2.0 * np.outer(vectors @ axis, axis) - vectors)


def _on_teacher(
    problem: TeacherStudent,
    blocks: Array,
    representatives: NDArray[np.int64],
    followers: list[dict[int, int]],
    generator: np.random.Generator,
) -> Iterator[Array]:
    """Weights with neurons on the vectors that they follow, or mirrored, in every way.

    Neurons that follow nothing are random; where they are a single orbit, there are several draws.
    """
    if not followers:
        return
    scale = float(problem.teacher.norms.mean())
    vectors = problem.teacher.vectors
    images = mirror_image(problem.teacher, vectors)
    draws = _DRAWS if len(representatives) == len(followers) + 1 else 1
    patterns = product(range(draws), product((False, True), repeat=len(followers)))
    for _, pattern in islice(patterns, _MOST_ON_TEACHER):
        weights = blocks @ _drawn(blocks, representatives, scale, generator)
        for orbit, mirrored in zip(followers, pattern, strict=True):
            source = images if mirrored else vectors
            weights[list(orbit)] = source[list(orbit.values())]
        yield weights


def _followers(
    problem: TeacherStudent, group: SymmetryClass, representatives: NDArray[np.int64]
) -> list[dict[int, int]]:
    """For orbits of neurons that can follow a vector each, as the group moves both: which ones."""
    left = set(range(problem.teacher.size))
    found = []
    for neuron in representatives.tolist():
        for vector in sorted(left):
            orbit = _following(group, neuron, vector)
            if orbit is not None and len(set(orbit.values())) == len(orbit):
                found.append(orbit)
                left -= set(orbit.values())
                break
    return found


def _following(group: SymmetryClass, neuron: int, vector: int) -> dict[int, int] | None:
    """What each neuron of an orbit follows if one follows a vector; None if they cannot."""
    orbit = {neuron: vector}
    waiting = [neuron]
    for one in waiting:
        for element in group.generators:
            image, followed = element.students[one], element.teachers[orbit[one]]
            if image not in orbit:
                orbit[image] = followed
                waiting.append(image)
            elif orbit[image] != followed:
                return None
    return orbit


def _drawn(
    blocks: Array,
    representatives: NDArray[np.int64],
    scale: float,
    generator: np.random.Generator,
) -> Array:
    """A point at which neurons have norms of the order of the teacher's."""
    y: Array = np.asarray(generator.standard_normal(blocks.shape[2]))
    norms = np.linalg.norm((blocks @ y)[representatives], axis=1)
    wanted = scale * np.exp(_SPREAD * generator.standard_normal(len(representatives)))
    for neuron, norm, length in zip(representatives, norms, wanted, strict=True):
        # Coordinates of one orbit move no other.
        mine = np.abs(blocks[neuron]).max(axis=0) > _SHORTEST
        y[mine] *= length / norm
    return y


def _follow(
    objective: FixedSpaceObjective,
    y: Array,
    uphill: int | None,
    reach: float,
    neurons: Array,
    scale: float,
) -> tuple[Array | None, str]:
    radius = reach * float(np.linalg.norm(y))
    value, gradient = objective.value_and_gradient(y)
    for _ in range(_MOST_STEPS):
        norm = math.sqrt(gradient @ gradient)
        values, vectors = eigh(objective.hessian(y))
        along = vectors.T @ gradient
        sizes = np.maximum(np.abs(values), 1e-8)
        near = norm < _NEAR * scale
        if near or uphill is None:
            step = -along / np.where(np.abs(values) > 1e-12, values, np.inf)
        else:
            step = -along / sizes
            step[:uphill] *= -1.0
        length = math.sqrt(step @ step)
        if length > radius:
            step *= radius / length
        moved = y + vectors @ step
        after, slope = objective.value_and_gradient(moved)
        if uphill == 0 and not near and after > value:
            radius = min(radius, length) / 4.0
            if radius < _SHORTEST * scale:
                return None, "not converged"
            continue
        radius *= 1.0 if uphill == 0 else _SHRINK
        y, value, gradient = moved, after, slope
        if ((neurons @ y) ** 2).sum(axis=1).min() < (_SHORTEST * scale) ** 2:
            return None, "a neuron vanished"
        if norm < _CONVERGED * scale or length < 1e-14 * scale:
            return y, "critical point"
    return (y, "critical point") if norm < 1e-10 * scale else (None, "not converged")
