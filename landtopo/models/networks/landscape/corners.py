"""Ways out of a flat set of minima over its corners.

A minimum of positive loss with a neuron in several parallel parts lies on a flat set: weight slides
from part to part at no cost. Where one part is used up the neuron is zero, and a zero neuron can
turn in any direction for nothing. At a critical point sum_m |v_m| psi(v_m / |v_m|) = -2 L, so that
psi is negative in some direction: the neuron grows again there, and the loss falls. The corner is
the pass, and its height above the minimum is exactly zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from landtopo.landscape.pool import Piece
from landtopo.landscape.rungs import LineageOptions
from landtopo.landscape.transitions import Found, Harvest, descend_to_rest
from landtopo.models.networks.landscape.lineage import grown_neurons
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.paths.ends import pad
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array

__all__ = ["corner_piece", "over_corner"]

_SLIDE = 9


def corner_piece(problem: TeacherStudent, weights: Array, options: LineageOptions) -> Piece:
    """`over_corner` as a piece of work."""
    name = f"corners/{problem.width}"
    return Piece(name=name, function=_over_corner, arguments=(problem, weights, options))


def _over_corner(
    problem: TeacherStudent, weights: Array, options: LineageOptions
) -> dict[str, Any]:
    return over_corner(problem, weights, options).as_mapping()


def over_corner(problem: TeacherStudent, weights: Array, options: LineageOptions) -> Harvest:
    """Slide along the flat set to a corner, and go down from it along the local minima of psi.

    One of each class that symmetry makes the same is followed.

    psi depends on the network alone, so that one corner of the set stands for all.

    Parameters
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (K, r + e)
        A minimum of positive loss with a neuron in parallel parts, none of them zero.
    options : LineageOptions
    """
    reduced = reduce_network(weights, problem.rank, function=problem.function)
    group = np.flatnonzero(reduced.assignment == int(np.argmax(reduced.sizes)))
    shrinks, grows = (int(k) for k in group[np.argsort(reduced.shares[group], kind="stable")][:2])
    corner = weights.copy()
    corner[grows] += corner[shrinks]
    corner[shrinks] = 0.0
    narrower = problem.with_width(problem.width - 1)
    others = np.delete(corner, shrinks, axis=0)
    directions = psi_min(narrower, others).representatives[: options.most]
    starts = grown_neurons(narrower, others, directions, options)
    model = NetworkModel(problem)
    found = []
    outcomes = {"corner": 0, "unfinished descent": 0}
    for start in starts:
        # The new neuron comes last; it takes the place of the part that was used up.
        start = np.insert(start[:-1], shrinks, start[-1], axis=0)
        x = start.ravel()
        objective = model.objective(x)
        descent = descend_to_rest(model, objective, x)
        if not descent.converged:
            outcomes["unfinished descent"] += 1
            continue
        outcomes["corner"] += 1
        first, top = (pad(point, start.shape[1]).ravel() for point in (weights, corner))
        slide = first + np.linspace(0.0, 1.0, _SLIDE)[:, None] * (top - first)
        points = np.vstack([slide, descent.points])
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        found.append(
            Found(
                kind="corner",
                state=corner.copy(),
                start=weights.copy(),
                end=model.shaped(descent.x).copy(),
                positions=np.concatenate([[0.0], np.cumsum(steps)]),
                losses=np.asarray(objective.value(points)),
            )
        )
    return Harvest(found=tuple(found), outcomes={name: n for name, n in outcomes.items() if n})
