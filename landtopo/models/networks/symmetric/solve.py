"""Critical points in a fixed space, of any index there, from many starts.

Steps are Newton's in the eigenbasis of the Hessian, uphill along so many of the lowest eigenvectors
and downhill along the others, no longer than a radius that shrinks; close to a critical point they
are Newton's alone.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.models.networks.fixed_objective import FixedSpaceObjective
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.families import group_weights
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetric.classes import SymmetryClass, fixed_space
from landtopo.objective import Array

__all__ = ["symmetric_ends"]

# Uphill along so many eigenvectors, in turn; None is Newton's method from far away, too.
_UPHILL = (0, 1, 0, 2, 0, None)
_MOST_STEPS = 150
_NEAR, _CONVERGED = 1e-3, 1e-12
_RADIUS, _SHRINK = 0.4, 0.97
# Relative to the mean norm of the teacher.
_SHORTEST = 1e-5
_SPREAD = 0.5


def symmetric_ends(
    problem: TeacherStudent, group: SymmetryClass, seed: int, number: int, starts: int
) -> dict[str, Any]:
    """Critical points that searches in the fixed space of a group end in.

    Parameters
    ----------
    problem : TeacherStudent
    group : SymmetryClass
    seed, number : int
        Root seed, and the number of the class.
    starts : int

    Returns
    -------
    dict
        ``ends``, a list of weights, shape (K, r), one of each family; ``met``, how many starts
        ended in each; ``outcomes``, how many ended how.
    """
    space = fixed_space(problem, group)
    whole = WeightObjective(PopulationLoss(problem), width=problem.width, columns=problem.rank)
    objective = FixedSpaceObjective(whole, space)
    scale = float(problem.teacher.norms.mean())
    blocks = space.basis.reshape(problem.width, problem.rank, -1)
    key = np.random.SeedSequence(seed, spawn_key=(problem.width, 3, number))
    generator = np.random.default_rng(key)
    outcomes: Counter[str] = Counter()
    ends = []
    for start in range(starts):
        y = _drawn(blocks, space.representatives, scale, generator)
        end, outcome = _follow(objective, y, _UPHILL[start % len(_UPHILL)], blocks, scale)
        outcomes[outcome] += 1
        if end is not None:
            ends.append((space.basis @ end).reshape(problem.width, problem.rank))
    if not ends:
        return {"ends": [], "met": [], "outcomes": dict(sorted(outcomes.items()))}
    labels = group_weights(problem, np.array(ends))
    first = np.unique(labels, return_index=True)[1]
    return {
        "ends": [ends[i] for i in first],
        "met": [int(np.sum(labels == labels[i])) for i in first],
        "outcomes": dict(sorted(outcomes.items())),
    }


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
    objective: FixedSpaceObjective, y: Array, uphill: int | None, blocks: Array, scale: float
) -> tuple[Array | None, str]:
    radius = _RADIUS * float(np.linalg.norm(y))
    value, gradient = objective.value_and_gradient(y)
    for _ in range(_MOST_STEPS):
        norm = float(np.linalg.norm(gradient))
        values, vectors = np.linalg.eigh(objective.hessian(y))
        along = vectors.T @ gradient
        sizes = np.maximum(np.abs(values), 1e-8)
        near = norm < _NEAR * scale
        if near or uphill is None:
            step = -along / np.where(np.abs(values) > 1e-12, values, np.inf)
        else:
            step = -along / sizes
            step[:uphill] *= -1.0
        length = float(np.linalg.norm(step))
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
        if np.linalg.norm((blocks @ y), axis=1).min() < _SHORTEST * scale:
            return None, "a neuron vanished"
        if norm < _CONVERGED * scale or length < 1e-14 * scale:
            return y, "critical point"
    return (y, "critical point") if norm < 1e-10 * scale else (None, "not converged")
