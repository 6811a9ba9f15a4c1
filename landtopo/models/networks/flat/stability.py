"""Index and lowest eigenvalues as functions of the position on a flat line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.flat.null_space import resolution, spectral_cut
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["StabilityLine", "split_line", "stability_along"]

_DEFAULT_SHARES = tuple(float(c) for c in np.linspace(0.025, 0.975, 39))


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityLine(Brief):
    """Spectra along a line of critical points.

    Attributes
    ----------
    positions : ndarray, shape (n,)
        Where on the line: shares of a split, or arclength.
    losses, grad_norms : ndarray, shape (n,)
    lowest : ndarray, shape (n, q)
        The q lowest Hessian eigenvalues in the coordinates used, ascending.
    lowest_normal : ndarray, shape (n, q')
        The lowest eigenvalues of the normal block.
    index, nullity : ndarray of int, shape (n,)
        In the coordinates used.
    index_normal, nullity_normal : ndarray of int, shape (n,)
        For each unused direction of the input space.
    gap : ndarray, shape (n,)
        At the cut between zero and non-zero eigenvalues.
    crossings : tuple of float
        Positions between which the index changes, in the middle.
    has_normal : bool
        Whether there is an unused direction.
    """

    positions: Array
    losses: Array
    grad_norms: Array
    lowest: Array
    lowest_normal: Array
    index: np.ndarray[tuple[int], np.dtype[np.int64]]
    nullity: np.ndarray[tuple[int], np.dtype[np.int64]]
    index_normal: np.ndarray[tuple[int], np.dtype[np.int64]]
    nullity_normal: np.ndarray[tuple[int], np.dtype[np.int64]]
    gap: Array
    crossings: tuple[float, ...]
    has_normal: bool

    @property
    def stable(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Where no eigenvalue is negative, shape (n,)."""
        unstable = self.index > 0
        if self.has_normal:
            unstable = unstable | (self.index_normal > 0)
        return np.asarray(~unstable)


def stability_along(
    problem: TeacherStudent, points: Array, positions: Array, *, lowest: int = 8
) -> StabilityLine:
    """Spectra at given critical points, such as a traced flat curve.

    Parameters
    ----------
    problem : TeacherStudent
        Its width is not used.
    points : ndarray, shape (n, K, D)
        Critical points, without zero neurons where s has a kink.
    positions : ndarray, shape (n,)
    lowest : int
        How many of the lowest eigenvalues to keep.

    Returns
    -------
    StabilityLine
    """
    count, width, columns = points.shape
    loss = PopulationLoss(problem.with_width(width))
    values, gradients = loss.value_and_gradient(points)
    inside = np.array([np.linalg.eigvalsh(loss.hessian(point)) for point in points])
    outside = np.asarray(np.linalg.eigvalsh(loss.normal_block(points)), dtype=np.float64)
    has_normal = problem.dim is None or columns < problem.dim
    grad_norms = np.linalg.norm(gradients.reshape(count, -1), axis=1)
    kinks, unit = problem.function.kinks, float(problem.teacher.norms.max())
    index, nullity, index_normal, nullity_normal, gap = ([] for _ in range(5))
    for i, (own, normal) in enumerate(zip(inside, outside, strict=True)):
        pool = np.abs(np.concatenate([own, normal]) if has_normal else own)
        resolved = resolution(
            float(pool.max()),
            grad_norm=float(grad_norms[i]),
            norm=float(np.linalg.norm(points[i])),
            reach=float(np.linalg.norm(points[i], axis=1).min()) if kinks else unit,
        )
        cut = spectral_cut(pool, len(pool), resolved=resolved)
        index.append(int(np.sum(own < -cut.threshold)))
        nullity.append(int(np.sum(np.abs(own) <= cut.threshold)))
        index_normal.append(int(np.sum(normal < -cut.threshold)))
        nullity_normal.append(int(np.sum(np.abs(normal) <= cut.threshold)))
        gap.append(cut.gap)
    total = np.array(index) + (np.array(index_normal) if has_normal else 0)
    changes = np.flatnonzero(np.diff(total))
    return StabilityLine(
        positions=np.array(positions, dtype=np.float64),
        losses=np.asarray(values),
        grad_norms=grad_norms,
        lowest=inside[:, :lowest],
        lowest_normal=outside[:, :lowest],
        index=np.array(index, dtype=np.int64),
        nullity=np.array(nullity, dtype=np.int64),
        index_normal=np.array(index_normal, dtype=np.int64),
        nullity_normal=np.array(nullity_normal, dtype=np.int64),
        gap=np.array(gap),
        crossings=tuple(float((positions[i] + positions[i + 1]) / 2) for i in changes),
        has_normal=has_normal,
    )


def split_line(
    problem: TeacherStudent,
    weights: Array,
    neuron: int,
    *,
    shares: Sequence[float] = _DEFAULT_SHARES,
    lowest: int = 8,
) -> StabilityLine:
    """Spectra along the segment on which one neuron is split into shares c and 1 - c.

    Parameters
    ----------
    problem : TeacherStudent
        Its width is not used.
    weights : ndarray, shape (m, D)
        A critical point without zero neurons.
    neuron : int
        Which neuron is split, from 0.
    shares : sequence of float
        Values of c, 0 < c < 1.
    lowest : int
        How many of the lowest eigenvalues to keep.

    Returns
    -------
    StabilityLine
        `positions` are the shares.
    """
    if not 0 <= neuron < len(weights):
        raise InvalidArgument(
            f"The 'neuron' argument of split_line must be an integer from 0 to {len(weights) - 1}; "
            f"got {neuron}."
        )
    positions = np.array(shares, dtype=np.float64)
    if not np.all((positions > 0) & (positions < 1)):
        raise InvalidArgument(
            "The 'shares' argument of split_line must lie strictly between 0 and 1; got "
            f"{[float(c) for c in positions if not 0 < c < 1]}."
        )
    points = np.concatenate([weights, weights[neuron : neuron + 1]])[None].repeat(
        len(positions), axis=0
    )
    points[:, neuron] *= positions[:, None]
    points[:, -1] *= 1 - positions[:, None]
    return stability_along(problem, points, positions, lowest=lowest)
