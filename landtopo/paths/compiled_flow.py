"""The gradient flow of a function that compiled loops know, as descents take it."""

from __future__ import annotations

from typing import Any

import numpy as np

from landtopo.objective import Array, FlowCurve, FlowEnd, Pace

__all__ = ["followed"]


def followed(x: Array, data: Any, pace: Pace, space: Array | None = None) -> FlowCurve:
    """A stretch of the flow, by Runge-Kutta-Chebyshev steps.

    Parameters
    ----------
    x : ndarray, shape (size,)
    data : named tuple
        The function; see `landtopo.kernels.contract`.
    pace : Pace
    space : ndarray, shape (size, n), optional
        Orthonormal columns that span a space which the flow does not leave.
    """
    from landtopo.kernels import flow

    points, gradients, times, step, stiffness, peak, count, status = flow.flow_curve(
        np.ascontiguousarray(x).ravel(),
        data,
        np.empty((x.size, 0)) if space is None else space,
        pace.time_step,
        pace.stiffness,
        pace.peak,
        pace.until,
        pace.error,
        pace.lag,
        pace.longest,
        pace.stages,
        pace.steps,
    )
    ends = {
        flow.SLOW: FlowEnd.SLOW,
        flow.STIFF: FlowEnd.STIFF,
        flow.TOO_LONG: FlowEnd.STEPS_USED,
        flow.NOT_SMOOTH: FlowEnd.NOT_SMOOTH,
        flow.FAILED: FlowEnd.NOT_FINITE,
    }
    return FlowCurve(points, -gradients, times, step, stiffness, peak, count, ends[status])
