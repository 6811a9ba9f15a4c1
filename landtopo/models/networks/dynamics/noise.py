"""The noise term of one-pass SGD at finite learning rate.

N_kl = E[(f - f*)^2 s'(w_k.x) s'(w_l.x)]. One step of one-pass SGD moves w_k by
-(eta/d)(f - f*) s'(w_k.x) x, so with time = steps/d and d -> infinity the flow of the summary
statistics becomes

    dR/dt = -eta (A R + B T),    dQ/dt = -eta [(A Q + B R^T) + (A Q + B R^T)^T] + eta^2 N.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_instance, checked_positive, checked_weights
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.models.networks.problem import Teacher
from landtopo.models.networks.statistics import SummaryStatistics
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["NoiseTerm", "noise_derivatives", "noise_from_statistics", "noise_term"]

# Directions closer than this are one: their difference is rounding.
_SAME = 1e-13
# Absolute error asked of each four-vector probability; it costs next to nothing to ask for more
# than the result needs.
_PROBABILITY_TOLERANCE = 1e-13
_RANK = 64 * np.finfo(float).eps


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseTerm(Brief):
    """N and how well it is known.

    Attributes
    ----------
    error : float
        Estimated absolute error of the entries: quadratures and rounding.
    tolerance : float
        Relative error asked for, in units of the largest entry of N.
    accurate : bool
        Whether error <= tolerance * max |N|. Near zero loss N itself vanishes and cannot be
        known better than the rounding of its terms.
    matrix : ndarray, shape (K, K)
        N, symmetric and positive semidefinite, in units of squared output. Rows of zero neurons
        are zero, by the convention s'(0) = 0.
    """

    error: float
    tolerance: float
    accurate: bool
    matrix: Array


def noise_term(teacher: Teacher, weights: ArrayLike, *, tolerance: float = 1e-6) -> NoiseTerm:
    """N at weights, by an exact reduction to one-dimensional integrals.

    Second moments over an orthant reduce to probabilities of half-spaces by Gaussian integration
    by parts; those of at most three half-spaces are closed forms, those of four are two smooth
    integrals over an angle (see `landtopo.kernels.orthant`). K = M = 10 takes some 7 ms.

    Parameters
    ----------
    teacher : Teacher
    weights : array_like, shape (K, r + E)
        Weights in coordinates of the span and E further ones.
    tolerance : float
        Relative error to judge `accurate` by.

    Returns
    -------
    NoiseTerm

    Examples
    --------
    >>> import landtopo as lt
    >>> noise = lt.noise_term(lt.Teacher.orthonormal(2), [[0.9, 0.1], [0.2, 0.7]])
    >>> noise.matrix.shape, noise.accurate
    ((2, 2), True)
    """
    checked_positive("tolerance", "noise_term", tolerance)
    vectors = _all_vectors("noise_term", teacher, weights)
    return _noise(vectors, len(vectors) - teacher.size, tolerance)


def noise_from_statistics(statistics: SummaryStatistics, *, tolerance: float = 1e-6) -> NoiseTerm:
    """N from (Q, R, T); see `noise_term`.

    Directions are resolved to the square root of rounding, 1e-8, because products are.
    """
    statistics.require_relu("noise_from_statistics")
    block = statistics.block_matrix()
    lengths = np.sqrt(np.maximum(np.diag(block), 0.0))
    scale = np.where(lengths > 0, lengths, 1.0)
    values, directions = eigh(block / np.outer(scale, scale))
    keep = values > _RANK * len(block) * values[-1]
    vectors = directions[:, keep] * np.sqrt(values[keep]) * lengths[:, None]
    return _noise(vectors, len(statistics.student), tolerance)


def noise_derivatives(teacher: Teacher, weights: ArrayLike) -> tuple[Array, Array]:
    """Derivatives of N with respect to Q and R, in closed form up to the same quadratures.

    K = M = 10 takes some 14 ms.

    Parameters
    ----------
    teacher : Teacher
    weights : array_like, shape (K, r + E)
        No neuron zero, no two of them parallel.

    Returns
    -------
    student : ndarray, shape (K, K, K, K)
        dN_kl / dQ_ab, Q_ab and Q_ba moved together.
    overlap : ndarray, shape (K, K, K, M)
        dN_kl / dR_am.
    """
    from landtopo.kernels.noise import noise_slopes

    vectors = _all_vectors("noise_derivatives", teacher, weights)
    width = len(vectors) - teacher.size
    norms = np.linalg.norm(vectors, axis=1)
    if np.any(norms == 0):
        raise InvalidArgument("noise_derivatives needs neurons that are not zero.")
    units = vectors[:width] / norms[:width, None]
    gaps = np.linalg.norm(units[:, None] - units[None], axis=2) + 2.0 * np.eye(width)
    if np.any(gaps < _SAME):
        raise InvalidArgument("noise_derivatives needs neurons that are not parallel.")
    signs = np.where(np.arange(len(vectors)) < width, 1.0, -1.0)
    slopes = noise_slopes(vectors, signs, width, _PROBABILITY_TOLERANCE)
    return slopes[..., :width], slopes[..., width:]


def _all_vectors(caller: str, teacher: Teacher, weights: ArrayLike) -> Array:
    """Students and then teachers as rows in the students' coordinates."""
    rank = checked_instance("teacher", caller, teacher, Teacher).rank
    teacher.require_relu(caller)
    w = checked_weights(caller, weights, rank)
    vectors = np.zeros((len(w) + teacher.size, w.shape[1]))
    vectors[: len(w)] = w
    vectors[len(w) :, :rank] = teacher.vectors
    return vectors


def _noise(vectors: Array, width: int, tolerance: float) -> NoiseTerm:
    """N of the first `width` rows, with the others as teachers."""
    from landtopo.kernels.noise import noise_sums

    norms = np.linalg.norm(vectors, axis=1)
    signs = np.where(np.arange(len(vectors)) < width, 1.0, -1.0)
    # Equal directions are merged first: the terms then cancel exactly at a global minimum.
    units: list[Array] = []
    amplitudes: list[float] = []
    group = np.full(len(vectors), -1)
    students = 0
    for row in range(len(vectors)):
        if row == width:
            students = len(units)
        if norms[row] == 0:
            continue
        unit = vectors[row] / norms[row]
        for other, known in enumerate(units):
            if np.linalg.norm(unit - known) < _SAME:
                group[row] = other
                amplitudes[other] += signs[row] * norms[row]
                break
        else:
            group[row] = len(units)
            units.append(unit)
            amplitudes.append(signs[row] * norms[row])
    matrix = np.zeros((width, width))
    rounding = 0.0
    if students:
        grouped, quadrature = noise_sums(
            np.array(units), np.array(amplitudes), students, _PROBABILITY_TOLERANCE
        )
        index = group[:width]
        alive = np.outer(index >= 0, index >= 0)
        matrix = np.where(alive, grouped[np.ix_(index, index)], 0.0)
        # Measured: random signs leave about 3 per cent of this bound.
        rounding = float(np.finfo(float).eps / 4 * np.sum(np.abs(amplitudes)) ** 2)
        rounding += float(quadrature.max())
    matrix.setflags(write=False)
    return NoiseTerm(
        error=rounding,
        tolerance=tolerance,
        accurate=bool(rounding <= tolerance * np.abs(matrix).max(initial=0.0)),
        matrix=matrix,
    )
