"""What splitting a neuron does to the spectrum, exactly.

Replace the neuron u of a critical network by parallel neurons c_1 u .. c_n u with shares c_i > 0
that sum to one. Move them by c_i X + z_i with sum z_i = 0, and the other neurons by Y. Because the
mixed Hessian block of two parallel neurons is I/2 and the diagonal block is I/2 + P / c_i, with

    P = H_uu - I/2,

the second-order change of the loss is that of the narrow network under (X, Y), plus
1/2 sum_i z_i^T P z_i / c_i. Outside of the coordinates used the same holds with the normal block
and p = A_uu - 1/2. By Sylvester's law of inertia each of the n - 1 independent z adds the inertia
of P (and of p for every unused direction of the input space), whatever the shares are: inside a
split segment no eigenvalue crosses zero. P u = 0 is the flat direction. At c = 1/2 the eigenvalues
are twice those of P, and those of the narrow Hessian with row and column of u times sqrt 2.

For any s with s(t x) = t^h s(x), t > 0, the h-th powers of the shares sum to one. With

    M = E[s'(u.x)^2 x x^T] = g (I + (2 h - 2) u u^T / |u|^2),    g = `Activation.meeting`,

the mixed block is (c_i c_j)^(h-1) M, the diagonal one c_i^(2h-2) M + c_i^(h-2) P, and P = H_uu - M
(g in the place of 1/2 outside of the coordinates used). For halves 2 and sqrt 2 become t and
sqrt t, t = 2^((2-h)/h). Where s is not homogeneous no neuron can be split.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Inertia", "NeuronSplit", "SplitVerdict", "neuron_splits", "split_inertia"]


class SplitVerdict(StrEnum):
    """What becomes of a minimum when one of its neurons is split."""

    GLOBAL = "The loss is zero, so the split point is a global minimum."
    STAYS = "The split point stays a minimum, as far as second derivatives decide."
    SADDLE = "The split point is a saddle."
    DEGENERATE = "The split adds zero eigenvalues besides the flat direction, and no negative one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Inertia(Brief):
    """Signs of the eigenvalues that one further parallel neuron adds.

    Attributes
    ----------
    negative, zero : int
        In the coordinates used; the flat direction is one of the zeros.
    negative_normal, zero_normal : int
        For each unused direction of the input space.
    tolerance : float
        Largest size that counted as zero.
    """

    negative: int
    zero: int
    negative_normal: int
    zero_normal: int
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronSplit(Brief):
    """Splitting one neuron of a network without zero and parallel neurons.

    Attributes
    ----------
    neuron : int
        Which neuron, from 0.
    eigenvalues : ndarray, shape (D - 1,)
        Spectrum of P on the complement of the neuron, ascending.
    normal : float
        p = A_uu - 1/2, the same for every direction outside the coordinates used.
    has_normal : bool
        Whether there is such a direction.
    inertia : Inertia
        What each further parallel neuron adds to the signs of the spectrum.
    predicted : ndarray, shape ((m + 1) D,)
        Hessian eigenvalues of the network with this neuron split into halves, ascending.
    predicted_normal : ndarray, shape (m + 1,)
        The same for its normal block.
    prediction_error : float
        Largest difference from the eigenvalues of the wider network's own Hessian and block.
    verdict : SplitVerdict
    """

    neuron: int
    eigenvalues: Array
    normal: float
    has_normal: bool
    inertia: Inertia
    predicted: Array
    predicted_normal: Array
    prediction_error: float
    verdict: SplitVerdict


def neuron_splits(
    problem: TeacherStudent, weights: Array, *, zero_tolerance: float, zero_loss: bool
) -> tuple[NeuronSplit, ...]:
    """Examine the splitting of every neuron of a critical network.

    Parameters
    ----------
    problem : TeacherStudent
        Its width is not used.
    weights : ndarray, shape (m, D)
        A critical point without zero and without parallel neurons.
    zero_tolerance : float
        Size up to which an eigenvalue counts as zero.
    zero_loss : bool
        Whether the loss is zero.

    Returns
    -------
    tuple of NeuronSplit
        One for each neuron; none where s is not homogeneous, or rotations of neurons into each
        other are a gauge, of which splits are a part.
    """
    width, columns = weights.shape
    narrow = PopulationLoss(problem.with_width(width))
    wide = PopulationLoss(problem.with_width(width + 1))
    hessian, block = narrow.hessian(weights), narrow.normal_block(weights)
    has_normal = problem.dim is None or columns < problem.dim
    splits = []
    degree = narrow.problem.function.degree
    if degree is None or narrow.problem.function.mixes:
        return ()
    twice = 2.0 ** ((2 - degree) / degree)
    for j in range(width):
        inertia, values, normal = _inertia(narrow, hessian, block, weights, j, zero_tolerance)
        part = slice(j * columns, (j + 1) * columns)
        scale = np.ones(width * columns)
        scale[part] = np.sqrt(twice)
        own = np.linalg.eigvalsh(hessian[part, part] - _common(narrow, weights[j]))
        even = np.linalg.eigvalsh(scale[:, None] * hessian * scale)
        predicted = np.sort(np.concatenate([even, twice * own]))
        scale = np.ones(width)
        scale[j] = np.sqrt(twice)
        even = np.linalg.eigvalsh(scale[:, None] * block * scale)
        predicted_normal = np.sort(np.append(even, twice * normal))
        halves = np.concatenate([weights, weights[j : j + 1] / 2.0 ** (1.0 / degree)])
        halves[j] /= 2.0 ** (1.0 / degree)
        error = np.abs(predicted - np.linalg.eigvalsh(wide.hessian(halves))).max()
        error_normal = np.abs(
            predicted_normal - np.linalg.eigvalsh(wide.normal_block(halves))
        ).max()
        for array in (values, predicted, predicted_normal):
            array.setflags(write=False)
        splits.append(
            NeuronSplit(
                neuron=j,
                eigenvalues=values,
                normal=normal,
                has_normal=has_normal,
                inertia=inertia,
                predicted=predicted,
                predicted_normal=predicted_normal,
                prediction_error=float(max(error, error_normal)),
                verdict=SplitVerdict.GLOBAL if zero_loss else _verdict(inertia, has_normal),
            )
        )
    return tuple(splits)


def split_inertia(
    problem: TeacherStudent, weights: Array, *, zero_tolerance: float
) -> tuple[Inertia, ...]:
    """What one further parallel neuron adds to the signs of the spectrum, for every neuron.

    Parameters
    ----------
    problem, weights, zero_tolerance
        As for `neuron_splits`.

    Returns
    -------
    tuple of Inertia
        None where there are no splits, as in `neuron_splits`.
    """
    loss = PopulationLoss(problem.with_width(len(weights)))
    if not problem.function.merges or problem.function.mixes:
        return ()
    hessian, block = loss.hessian(weights), loss.normal_block(weights)
    return tuple(
        _inertia(loss, hessian, block, weights, j, zero_tolerance)[0] for j in range(len(weights))
    )


def _common(loss: PopulationLoss, neuron: Array) -> Array:
    """M of a neuron."""
    function = loss.problem.function
    square = float(neuron @ neuron)
    common = function.meeting(square) * np.eye(len(neuron))
    if function.degree != 1:
        common += (
            (2 * int(function.degree or 1) - 2)
            * function.meeting(square)
            * (np.outer(neuron, neuron) / square)
        )
    return common


def _inertia(
    loss: PopulationLoss,
    hessian: Array,
    block: Array,
    weights: Array,
    neuron: int,
    tolerance: float,
) -> tuple[Inertia, Array, float]:
    columns = weights.shape[1]
    part = slice(neuron * columns, (neuron + 1) * columns)
    own = hessian[part, part] - _common(loss, weights[neuron])
    # The complement of the neuron: P u = 0 is exact, and must not be a rounded eigenvalue.
    complement = np.linalg.svd(weights[neuron : neuron + 1])[2][1:]
    values = np.linalg.eigvalsh(complement @ own @ complement.T)
    square = float(weights[neuron] @ weights[neuron])
    normal = float(block[neuron, neuron]) - loss.problem.function.meeting(square)
    inertia = Inertia(
        negative=int(np.sum(values < -tolerance)),
        zero=1 + int(np.sum(np.abs(values) <= tolerance)),
        negative_normal=int(normal < -tolerance),
        zero_normal=int(abs(normal) <= tolerance),
        tolerance=tolerance,
    )
    return inertia, values, normal


def _verdict(inertia: Inertia, has_normal: bool) -> SplitVerdict:
    if inertia.negative or (has_normal and inertia.negative_normal):
        return SplitVerdict.SADDLE
    if inertia.zero > 1 or (has_normal and inertia.zero_normal):
        return SplitVerdict.DEGENERATE
    return SplitVerdict.STAYS
