"""The local dimension of a set of critical points, from displaced points brought back to it.

A point displaced along a random null direction and brought back by the shortest way keeps what was
flat of its displacement and loses what was not. Along the singular vectors of what many of them
kept, the kept part of the displacement is of order 1 for a flat direction (exactly 1 if the set is
straight), and small for any other: the cut is at the widest gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from landtopo.checks import check_options
from landtopo.flat.correct import correct
from landtopo.flat.null_space import NullSpace
from landtopo.flat.trace import Boundary, TraceOptions
from landtopo.objective import Array, Objective
from landtopo.shown import Brief

# Along a null direction with a cubic law each step halves the displacement.
_STEPS_BACK = 24
_LOST = 0.03
_CLEAR = 16.0

__all__ = ["FlatOptions", "RankTest", "local_dimension", "natural_reach"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatOptions(Brief):
    """How the null directions are examined.

    Attributes
    ----------
    probe_radius : float
        Displacement of the probes, in units of the reach.
    rank_tests : int
        Number of random points of the traced set at which the rank is determined again.
    shortest_flat : float
        A traced curve shorter than this, in units of the reach, is not called flat.
    at_rest : float
        Gradient norm of a point that is not corrected any more: its rounding, if that is known.
    trace : TraceOptions
    """

    probe_radius: float = 1e-2
    rank_tests: int = 2
    shortest_flat: float = 5e-2
    at_rest: float = 0.0
    trace: TraceOptions = field(default_factory=TraceOptions)

    def __post_init__(self) -> None:
        check_options(self, zeros=("at_rest",))


@dataclass(frozen=True, slots=True, kw_only=True)
class RankTest(Brief):
    """Local dimension of the critical set at a point, from displaced points brought back.

    Attributes
    ----------
    dimension : int
    tangents : ndarray, shape (dimension, size)
        Orthonormal.
    kept : ndarray
        Kept part of the displacement along each singular vector, descending.
    gap : float
        Ratio of the kept parts on both sides of the cut.
    probes, failed : int
        Number of probes, and of those that did not come back to the critical set.
    """

    dimension: int
    tangents: Array
    kept: Array
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
) -> RankTest:
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
    RankTest
    """
    level = float(objective.value(x))
    tolerance = options.trace.loss_tolerance * options.trace.loss_scale
    offsets: list[Array] = []
    returned: list[Array] = []
    failed = rank = 0
    kept, right = np.empty(0), np.empty((0, null.nullity))
    while null.nullity and failed < 4 + null.nullity:
        radius = options.probe_radius * reach
        offset = rng.standard_normal(null.nullity)
        offset /= np.linalg.norm(offset)
        for _ in range(4):
            start = x + radius * (offset @ null.basis)
            found = correct(objective, start, most_steps=_STEPS_BACK)
            back = null.basis @ (found.x - x) / radius
            if abs(found.value - level) <= tolerance and np.linalg.norm(back) <= 2:
                offsets.append(offset)
                returned.append(back)
                break
            radius /= 4
        else:
            failed += 1
            continue
        kept, right = _kept_parts(np.array(offsets), np.array(returned))
        # Between everything and what a few corrections leave of a steep power.
        lifted = np.clip(np.concatenate([[1.0], kept, [_LOST]]), _LOST, 1.0)
        ratios = lifted[:-1] / lifted[1:]
        rank = int(np.argmax(ratios))
        clear = ratios[rank] >= _CLEAR or len(offsets) > null.nullity + further
        if len(offsets) >= rank + further and clear:
            break
    lost = float(kept[rank]) if rank < len(kept) else 0.0
    least = float(kept[rank - 1]) if rank else 1.0
    return RankTest(
        dimension=rank,
        tangents=right[:rank] @ null.basis,
        kept=kept,
        gap=least / lost if lost > 0 else float("inf"),
        probes=len(offsets) + failed,
        failed=failed,
    )


def _kept_parts(offsets: Array, returned: Array) -> tuple[Array, Array]:
    """Kept part of the displacement along each singular vector of `returned`, and the vectors."""
    _, _, right = np.linalg.svd(returned, full_matrices=False)
    before = np.linalg.norm(offsets @ right.T, axis=0)
    after = np.linalg.norm(returned @ right.T, axis=0)
    parts = after / np.maximum(before, 1e-3 * np.linalg.norm(offsets))
    order = np.argsort(-parts, kind="stable")
    return parts[order], right[order]


def natural_reach(x: Array, boundary: Boundary | None, options: FlatOptions) -> float:
    """Distance within which the objective is smooth, or its natural length."""
    if boundary is not None:
        return float(boundary(x).min())
    return options.trace.scale or max(1.0, float(np.linalg.norm(x)))
