"""The local dimension of a set of critical points, from displaced points brought back to it.

A point displaced along a random null direction and brought back by the shortest way keeps what was
flat of its displacement and loses what was not. Singular values of many such displacements have a
gap between the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from landtopo.flat.correct import correct
from landtopo.flat.null_space import NullSpace
from landtopo.flat.trace import Boundary, TraceOptions
from landtopo.objective import Array, Objective

# Along a null direction with a cubic law each step halves the displacement.
_STEPS_BACK = 24

__all__ = ["FlatOptions", "Probe", "local_dimension", "natural_reach"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatOptions:
    """How the null directions are examined.

    Attributes
    ----------
    probe_radius : float
        Displacement of the probes, in units of the reach.
    rank_tests : int
        Number of random points of the traced set at which the rank is determined again.
    shortest_flat : float
        A traced curve shorter than this, in units of the reach, is not called flat.
    trace : TraceOptions
    """

    probe_radius: float = 1e-2
    rank_tests: int = 2
    shortest_flat: float = 1e-2
    trace: TraceOptions = field(default_factory=TraceOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Local dimension of the critical set at a point, from displaced points brought back.

    Attributes
    ----------
    dimension : int
    tangents : ndarray, shape (dimension, size)
        Orthonormal.
    singular_values : ndarray
        Of what the probes kept of their displacement, 1 for a flat direction; descending.
    gap : float
        Ratio of the singular values on both sides of the cut.
    probes, failed : int
        Number of probes, and of those that did not come back to the critical set.
    """

    dimension: int
    tangents: Array
    singular_values: Array
    gap: float
    probes: int
    failed: int


def local_dimension(
    objective: Objective,
    x: Array,
    null: NullSpace,
    *,
    reach: float,
    rng: np.random.Generator,
    options: FlatOptions,
    further: int = 3,
) -> Probe:
    """Dimension of the set of critical points of equal loss at one of its points.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
    null : NullSpace
        At x.
    reach : float
        Distance within which the objective is smooth.
    rng : numpy.random.Generator
    options : FlatOptions
    further : int
        Probes beyond the rank that they show; so no tangent is missing but by accident.

    Returns
    -------
    Probe
    """
    level = float(objective.value(x))
    tolerance = options.trace.loss_tolerance * options.trace.loss_scale
    kept: list[Array] = []
    failed = 0
    rank, gap, values, right = 0, float("inf"), np.empty(0), np.empty((0, null.nullity))
    while null.nullity and failed < 4 + null.nullity:
        radius = options.probe_radius * reach
        offset = rng.standard_normal(null.nullity)
        offset /= np.linalg.norm(offset)
        for _ in range(4):
            start = x + radius * (offset @ null.basis)
            found = correct(objective, start, most_steps=_STEPS_BACK)
            back = null.basis @ (found.x - x) / radius
            if abs(found.value - level) <= tolerance and np.linalg.norm(back) <= 2:
                # Scaled so that a flat direction has a mean square of one.
                kept.append(back * np.sqrt(null.nullity))
                break
            radius /= 4
        else:
            failed += 1
            continue
        _, values, right = np.linalg.svd(np.array(kept), full_matrices=False)
        values = values / np.sqrt(len(kept))
        rank, gap = _rank(values)
        if len(kept) >= rank + further:
            break
    return Probe(
        dimension=rank,
        tangents=right[:rank] @ null.basis,
        singular_values=values,
        gap=gap,
        probes=len(kept) + failed,
        failed=failed,
    )


def _rank(values: Array) -> tuple[int, float]:
    """Cut descending singular values, of order one if flat, at the widest gap above 1e-3."""
    lifted = np.clip(np.concatenate([[1.0], values, [1e-3]]), 1e-3, 1.0)
    ratios = lifted[:-1] / lifted[1:]
    cut = int(np.argmax(ratios))
    return cut, float(ratios[cut])


def natural_reach(x: Array, boundary: Boundary | None, options: FlatOptions) -> float:
    """Distance within which the objective is smooth, or its natural length."""
    if boundary is not None:
        return float(boundary(x).min())
    return options.trace.scale or max(1.0, float(np.linalg.norm(x)))
