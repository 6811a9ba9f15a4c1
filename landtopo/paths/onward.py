"""Descents that come to rest in a saddle, because symmetry keeps them on its ridge, sent on.

A steepest descent keeps every symmetry of its start. Among the points that share them it can only
end in a minimum, but that may be a saddle of the whole landscape. The least push along its lowest
mode then sends it on; by symmetry both sides of the ridge lead to copies of the same minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.paths.descent import Descent, DescentOptions, DescentStatus, begun_at, descend
from landtopo.points.spectrum import lowest_spectrum

__all__ = ["onward"]

_MOST = 8


def onward(
    objective: Objective,
    side: Descent,
    options: DescentOptions | None = None,
    *,
    accept: Callable[[Array], Array | None] | None = None,
) -> tuple[Descent, tuple[Array, ...]]:
    """The same descent if it did not end in a saddle, or else with what follows it.

    Parameters
    ----------
    objective : Objective
    side : Descent
    options : DescentOptions, optional
    accept : callable, optional
        As in `descend`.

    Returns
    -------
    descent : Descent
        Not converged if it met more saddles than can be believed.
    through : tuple of ndarray, shape (size,)
        The saddles it came to rest at before its end, in the order met.
    """
    options = DescentOptions() if options is None else options
    through: list[Array] = []
    while side.status is DescentStatus.FLAT:
        there = lowest_spectrum(objective.hessian(side.x), objective.gauge(side.x))
        if there.index == 0:
            break
        if len(through) == _MOST:
            return replace(side, status=DescentStatus.STEPS_USED), tuple(through)
        through.append(side.x)
        away = options.push * there.vectors[:, 0]
        further = descend(objective, side.x + away, options, accept=accept)
        side = _joined(side, begun_at(further, side.x, away))
    return side, tuple(through)


def _joined(first: Descent, second: Descent) -> Descent:
    return replace(
        second,
        points=np.vstack([first.points, second.points[1:]]),
        tangents=np.vstack([first.tangents, second.tangents[1:]]),
        times=np.concatenate([first.times, second.times[1:]]),
        evaluations=first.evaluations + second.evaluations,
    )
