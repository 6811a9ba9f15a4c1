"""Critical points as fixed points of the flow of the summary statistics.

At a critical point with e directions outside the span in use, the Jacobian of the flow in the
coordinates (W_in, upper triangle of Q) has exactly the eigenvalues {-lambda_i} and
{-(alpha_i + alpha_j), i <= j}: lambda those of the Hessian in the r + e coordinates used, without
the gauge directions, and alpha those of the normal block on the complement of the columns used. So
minima are the attractive fixed points. Here the Jacobian's spectrum is computed on its own and
compared with the Hessian's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_instance
from landtopo.errors import InvalidArgument
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.statistics import flow_jacobian
from landtopo.objective import Array
from landtopo.points.records import CriticalPoint, Kind
from landtopo.shown import Brief

__all__ = ["Attraction", "Stability", "attraction", "is_attractive"]


class Stability(StrEnum):
    """What a fixed point of the flow does to its neighbourhood."""

    ATTRACTIVE = "attractive"
    NEUTRAL = "attractive up to neutral directions"
    REPELLING = "repelling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attraction(Brief):
    """The spectrum of the flow at a critical point, beside what the Hessian predicts.

    The flow is that of (Q, R) in infinite dimension: a point that is a minimum only because few
    dimensions leave it no way down is repelling here.

    Attributes
    ----------
    point : CriticalPoint
        The point, classified in infinite dimension.
    eigenvalues : ndarray, shape (n,)
        Real parts of the eigenvalues of the flow's Jacobian, ascending; zero neurons removed.
    rotation : float
        Largest imaginary part: 0 up to rounding.
    predicted : ndarray, shape (n,)
        The same from the Hessian and the normal block.
    mismatch : float
        Largest difference of the two.
    tolerance : float
        Largest magnitude of an eigenvalue that counts as zero.
    stability : Stability
        Verdict from the Jacobian alone.
    agrees : bool
        Whether the Hessian's verdict is the same: minimum if and only if not repelling.
    """

    point: CriticalPoint
    eigenvalues: Array
    rotation: float
    predicted: Array
    mismatch: float
    tolerance: float
    stability: Stability
    agrees: bool


def attraction(problem: TeacherStudent, weights: ArrayLike) -> Attraction:
    """Spectrum of the flow of the statistics at a critical point, and its verdict.

    Parameters
    ----------
    problem : TeacherStudent
        Its dimension is not used: see `Attraction`.
    weights : array_like, shape (K, r + E)
        A critical point. Zero neurons do not move to first order and are left out.

    Returns
    -------
    Attraction

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> lt.attraction(problem, np.eye(2)).agrees
    True
    """
    checked_instance("problem", "attraction", problem, TeacherStudent)
    problem.require_relu("attraction")
    infinite = TeacherStudent(problem.teacher, problem.width)
    point = classify(infinite, weights)
    alive = point.weights[np.linalg.norm(point.weights, axis=1) > 0]
    if not len(alive):
        raise InvalidArgument("attraction needs a point with a non-zero neuron.")
    values = np.linalg.eigvals(flow_jacobian(problem.teacher, alive))
    eigenvalues = np.sort(values.real)
    normal = point.normal_eigenvalues
    i, j = np.triu_indices(len(normal))
    predicted = np.sort(np.concatenate([-point.eigenvalues, -(normal[i] + normal[j])]))
    largest = float(np.abs(eigenvalues).max())
    # Rounding of an unsymmetric matrix; what the classification holds for zero is zero here, too.
    tolerance = max(64 * len(values) * np.finfo(float).eps * largest, point.zero_tolerance)
    if eigenvalues[-1] > tolerance:
        stability = Stability.REPELLING
    elif eigenvalues[-1] >= -tolerance:
        stability = Stability.NEUTRAL
    else:
        stability = Stability.ATTRACTIVE
    # A zero neuron's ways down are no part of the linearised flow.
    downhill = point.index > 0
    agrees = (stability is Stability.REPELLING) == downhill
    if not point.zero_neurons and point.kind is not Kind.UNDECIDED:
        agrees = agrees and downhill == (point.kind is Kind.SADDLE)
    return Attraction(
        point=point,
        eigenvalues=eigenvalues,
        rotation=float(np.abs(values.imag).max()),
        predicted=predicted,
        mismatch=float(np.abs(eigenvalues - predicted).max()),
        tolerance=tolerance,
        stability=stability,
        agrees=agrees,
    )


def is_attractive(problem: TeacherStudent, weights: ArrayLike) -> bool:
    """Whether a critical point attracts the flow, up to neutral directions; see `attraction`.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, r + E)
        A critical point.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> lt.is_attractive(problem, np.eye(2))
    True
    """
    return attraction(problem, weights).stability is not Stability.REPELLING
