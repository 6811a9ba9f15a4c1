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

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
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

__all__ = ["NEWTON", "UPHILL", "mirror_image", "symmetric_ends"]

_FOUND, _VANISHED, _LOST = "critical point", "a neuron vanished", "not converged"
# Uphill along so many eigenvectors, in turn, or by Newton's method from far away, too.
NEWTON = -1
UPHILL = (0, 1, 0, 2, 0, NEWTON)
# Starts on the teacher, and draws of the neurons that follow nothing.
_MOST_ON_TEACHER, _DRAWS = 32, 8
_MOST_STEPS = 80
_NEAR, _CONVERGED = 1e-3, 1e-12
# The longest step relative to the norm of the start, if that is random and if on the teacher.
_RADIUS, _CAREFUL = 0.4, 0.1
_SHRINK = 0.97
_TINY = 1e-300
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
    uphill: tuple[int, ...] = UPHILL,
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
    uphill : tuple of int
        Along how many eigenvectors they go uphill, in turn, or `NEWTON`.
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
        return {**searched.result(), "outcomes": {_VANISHED: starts}}
    followers = _followers(problem, group, space.representatives)
    placed = [
        space.basis.T @ weights.ravel()
        for weights in _on_teacher(problem, blocks, space.representatives, followers, generator)
    ]
    drawn = [_drawn(blocks, space.representatives, scale, generator) for _ in range(starts)]
    searched.follow(
        [*placed, *drawn],
        len(placed) * [0] + [uphill[start % len(uphill)] for start in range(starts)],
        len(placed) * [_CAREFUL] + starts * [_RADIUS],
    )
    aside: list[Array] = []
    for y in searched.minima():
        _, vectors = eigh(searched.objective.hessians(y[None])[0])
        for step in _AWAY * np.linalg.norm(y) * vectors.T[:modes]:
            aside += [y + step, y - step]
    searched.follow(aside, len(aside) * [1], len(aside) * [_RADIUS])
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

    def follow(self, starts: list[Array], uphill: list[int], reach: list[float]) -> None:
        """Search from points, with steps up to a part of their norms."""
        if not starts:
            return
        course = _Course(
            objective=self.objective,
            uphill=np.array(uphill),
            neurons=self._neurons,
            scale=self._scale,
        )
        ends, outcomes = _followed(course, np.array(starts), np.array(reach))
        self._outcomes.update(outcomes)
        found = ends[[outcome == _FOUND for outcome in outcomes]]
        values = np.linalg.eigvalsh(self.objective.hessians(found))
        self._ends += list(found)
        self._indices += np.sum(values < -ZERO_CURVATURE, axis=1).tolist()

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """What searches in one fixed space need.

    Attributes
    ----------
    objective : FixedSpaceObjective
    uphill : ndarray of int, shape (n,)
        Along how many eigenvectors each search goes uphill, or `NEWTON`.
    neurons : ndarray, shape (o, r, size)
        What the coordinates make of a neuron of each orbit.
    scale : float
        Mean norm of the teacher.
    """

    objective: FixedSpaceObjective
    uphill: NDArray[np.int64]
    neurons: Array
    scale: float


def _followed(course: _Course, starts: Array, reach: Array) -> tuple[Array, list[str]]:
    """Where searches end, shape (n, size), and how."""
    ends = starts.copy()
    outcomes = len(starts) * [_LOST]
    radius = reach * np.linalg.norm(starts, axis=1)
    value, gradient = course.objective.value_and_gradient(starts)
    left = np.arange(len(starts))
    for _ in range(_MOST_STEPS):
        y, uphill = ends[left], course.uphill[left]
        norm = np.linalg.norm(gradient, axis=1)
        near = norm < _NEAR * course.scale
        values, vectors = eigh(course.objective.hessians(y))
        along = np.einsum("nij,ni->nj", vectors, gradient)
        step = _steps(values, along, np.where(near, NEWTON, uphill))
        length = np.linalg.norm(step, axis=1)
        step *= np.minimum(1.0, radius / np.maximum(length, _TINY))[:, None]
        moved = y + np.einsum("nij,nj->ni", vectors, step)
        after, slope = course.objective.value_and_gradient(moved)
        higher = (uphill == 0) & ~near & (after > value)
        radius = np.where(
            higher,
            np.minimum(radius, length) / 4.0,
            radius * np.where(uphill == 0, 1.0, _SHRINK),
        )
        ends[left[~higher]] = moved[~higher]
        value = np.where(higher, value, after)
        gradient = np.where(higher[:, None], gradient, slope)
        sizes = np.linalg.norm(np.einsum("orj,nj->nor", course.neurons, moved), axis=2)
        vanished = ~higher & (sizes.min(axis=1) < _SHORTEST * course.scale)
        small = (norm < _CONVERGED * course.scale) | (length < 1e-14 * course.scale)
        found = ~higher & ~vanished & small
        stuck = higher & (radius < _SHORTEST * course.scale)
        for mask, outcome in ((vanished, _VANISHED), (found, _FOUND)):
            for place in left[mask].tolist():
                outcomes[place] = outcome
        going = ~(vanished | found | stuck)
        left, radius, norm = left[going], radius[going], norm[going]
        value, gradient = value[going], gradient[going]
        if not len(left):
            break
    for place in left[norm < 1e-10 * course.scale].tolist():
        outcomes[place] = _FOUND
    return ends, outcomes


def _steps(values: Array, along: Array, uphill: NDArray[np.int64]) -> Array:
    """Steps in eigenbases, shape (n, size), of any length."""
    plain = -along / np.where(np.abs(values) > 1e-12, values, np.inf)
    step = -along / np.maximum(np.abs(values), 1e-8)
    np.negative(step, out=step, where=np.arange(step.shape[1]) < uphill[:, None])
    return np.where((uphill == NEWTON)[:, None], plain, step)
