"""From a relaxed chain to transition states: every maximum along it, with the exact Hessian."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.paths.chain import Metric
from landtopo.paths.optimiser import StepRule
from landtopo.paths.profile import interior_maxima, sample
from landtopo.points.ascend import Ascent, AscentOptions, ascend
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.shown import Brief

__all__ = ["RefineOptions", "Refined", "Refinement", "refine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefineOptions(Brief):
    """How maxima of a chain are refined.

    Attributes
    ----------
    per_piece : int
        Sampled points between two images.
    floor : float
        How much a maximum must stand out on both sides, as a fraction of the height of the chain
        above its lower end.
    climb : float
        Before the Hessian is used the maximum climbs along the chain and falls across it, in the
        metric, for at most this fraction of the number of coordinates in gradients: about what a
        factorised Hessian costs. Nothing is gained by it where there are few.
    neighbourhood : float
        The refined point counts as near the chain when its distance to it is at most this
        fraction of the chain's length.
    ascent : AscentOptions
        With index 1.
    """

    per_piece: int = 6
    floor: float = 1e-6
    climb: float = 0.1
    neighbourhood: float = 0.1
    ascent: AscentOptions = field(default_factory=AscentOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined(Brief):
    """One maximum of the chain and the critical point that it led to.

    Attributes
    ----------
    start : ndarray, shape (size,)
        Highest sampled point of the maximum.
    start_value : float
    position : float
        Arc length of the start along the chain.
    ascent : Ascent
        From there.
    distance : float
        From the refined point to the nearest sampled point of the chain.
    left : bool
        Whether it left the neighbourhood of the chain: it may then be a transition state of
        another path.
    """

    start: Array
    start_value: float
    position: float
    ascent: Ascent
    distance: float
    left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement(Brief):
    """All interior maxima of a chain, in the order along it.

    Attributes
    ----------
    maxima : tuple of Refined
    highest : float
        Highest sampled value of the chain.
    evaluations : Evaluations
    """

    maxima: tuple[Refined, ...]
    highest: float
    evaluations: Evaluations


def refine(
    objective: Objective,
    images: Array,
    options: RefineOptions | None = None,
    *,
    metric: Metric | None = None,
) -> Refinement:
    """Refine every interior maximum of a chain to a critical point of index 1.

    Parameters
    ----------
    objective : Objective
    images : ndarray, shape (n, size)
    options : RefineOptions, optional
    metric : Metric, optional
        Of the relaxation that made the chain; Euclidean by default.
    """
    options = RefineOptions() if options is None else options
    counted = Counted(objective)
    profile = sample(counted, images, per_piece=options.per_piece)
    height = float(profile.values.max() - profile.values.min())
    peaks = interior_maxima(profile.values, floor=options.floor * height) if height > 0 else []
    metric = Metric.euclidean(objective.size) if metric is None else metric
    steps = int(options.climb * objective.size)
    found = []
    for i in sorted(peaks):
        along = profile.points[i + 1] - profile.points[i - 1]
        start = _climbed(counted, profile.points[i], along, metric, steps)
        ascent = ascend(counted, start, options.ascent, direction=along)
        distance = float(np.linalg.norm(profile.points - ascent.x, axis=1).min())
        found.append(
            Refined(
                start=profile.points[i],
                start_value=float(profile.values[i]),
                position=float(profile.positions[i]),
                ascent=ascent,
                distance=distance,
                left=distance > options.neighbourhood * float(profile.positions[-1]),
            )
        )
    return Refinement(
        maxima=tuple(found),
        highest=float(profile.values.max()),
        evaluations=counted.evaluations,
    )


def _climbed(objective: Objective, x: Array, along: Array, metric: Metric, steps: int) -> Array:
    """The point with the smallest force on the way of one climbing image with a fixed tangent."""
    if steps < 10:
        return x
    rule = StepRule()
    place = metric.to(x[None])
    tangent = metric.to(along[None])
    tangent /= np.linalg.norm(tangent)

    def force_at(y: Array) -> Array:
        _, gradients = objective.value_and_gradient(metric.back(y))
        slope = metric.slopes(gradients)
        return np.asarray(2.0 * np.sum(slope * tangent) * tangent - slope)

    force = force_at(place)
    size = rule.first
    best, least = place, float(np.linalg.norm(force))
    enough = 0.01 * least
    for _ in range(steps):
        move = rule.propose(size, force, float(np.linalg.norm(force)))
        new = force_at(place + move)
        kept, size = rule.judge(size, force, new, move)
        if kept:
            place, force = place + move, new
            norm = float(np.linalg.norm(force))
            if norm < least:
                best, least = place, norm
        if least <= enough or size < rule.smallest:
            break
    return np.asarray(metric.back(best)[0])
