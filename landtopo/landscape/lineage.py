"""What a family becomes when the student gets one neuron more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landtopo.kernels.minimise import polish_batch
from landtopo.loss import PopulationLoss
from landtopo.objective import Array
from landtopo.paths.descent import descend
from landtopo.paths.network import NetworkSetting
from landtopo.points.certificate import psi_min
from landtopo.points.records import Family
from landtopo.problem import TeacherStudent

__all__ = ["Fate", "zero_neuron_fate"]

# Length of the new neuron, in units of the teacher's mean norm: small enough for the slope psi to
# decide, large enough for the flow to leave the corner soon.
_SEED_LENGTH = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """Where a family goes when a neuron is added.

    Attributes
    ----------
    operation : str
        ``zero neuron``.
    stays : bool
        Whether the point with the new neuron is still a minimum.
    slope : float
        psi in the direction in which the new neuron grows; 0 where it stays.
    weights : ndarray, shape (K + 1, D)
        The minimum at width K + 1 that is reached.
    """

    operation: str
    stays: bool
    slope: float
    weights: Array


def zero_neuron_fate(problem: TeacherStudent, family: Family) -> Fate | None:
    """Add a zero neuron to a minimum and let it grow where the loss falls most steeply.

    Parameters
    ----------
    problem : TeacherStudent
        The problem at the family's width.
    family : Family

    Returns
    -------
    Fate or None
        None when the flow did not come to rest at a minimum.
    """
    wider = problem.with_width(problem.width + 1)
    certificate = psi_min(problem, family.weights)
    if family.is_global or certificate.minimum >= 0:
        weights = np.vstack([family.weights, np.zeros((1, family.weights.shape[1]))])
        return Fate(operation="zero neuron", stays=True, slope=0.0, weights=weights)
    direction = certificate.directions[0]
    columns = max(family.weights.shape[1], len(direction))
    columns = min(columns, wider.rank + wider.extra)
    start = np.zeros((wider.width, columns))
    start[:-1, : family.weights.shape[1]] = family.weights
    size = _SEED_LENGTH * float(problem.teacher.norms.mean())
    start[-1, : len(direction)] = size * direction[:columns]
    setting = NetworkSetting(PopulationLoss(wider), columns)
    end = descend(setting.objective, start.ravel(), accept=setting.settle)
    if not end.converged:
        return None
    weights = setting.weights(end.x)[None].copy()
    polish_batch(weights, setting.objective.rows, setting.objective.constant, 1e-12)
    return Fate(
        operation="zero neuron",
        stays=False,
        slope=float(certificate.slopes[0]),
        weights=weights[0],
    )
