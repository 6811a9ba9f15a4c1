"""Routes over all copies of what is known, as steps from point to point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landtopo.objective import Array, Objective
from landtopo.paths.joined import Minimum, Step
from landtopo.paths.joined_copies import Hop, JoinedCopies
from landtopo.paths.setting import Setting
from landtopo.tolerances import SAME_PLACE

__all__ = ["route_over"]


def route_over(
    joined_copies: JoinedCopies,
    setting: Setting,
    objective: Objective,
    ends: Sequence[Minimum],
    *,
    below: float,
) -> tuple[Step, ...] | None:
    """The lowest route between two minima over all copies of what is known.

    Parameters
    ----------
    joined_copies : JoinedCopies
    setting : Setting
    objective : Objective
    ends : sequence of two Minimum
    below : float
        Only a route lower than this is wanted.

    Returns
    -------
    tuple of Step or None
        With flat steps where a route enters and leaves a connected set at different points.
    """
    start, end = ends
    hops = joined_copies.route(start.x, end.x, (start.value, end.value), below=below)
    if hops is None:
        return None
    copies = [_copied(joined_copies, setting, hop) for hop in hops]
    steps: list[Step] = []
    here = start.x
    for step in (*copies, None):
        there = end.x if step is None else step.start
        slide = _slide(setting, objective, here, there)
        if slide is None:
            return None
        steps += slide
        if step is not None:
            steps.append(step)
            here = step.end
    return tuple(steps)


def _slide(setting: Setting, objective: Objective, x: Array, y: Array) -> tuple[Step, ...] | None:
    """The flat step between points of one connected set, none where they are the same."""
    if setting.distance(x, y) <= SAME_PLACE:
        return ()
    flat = setting.flat_path(x, y)
    if flat is None:
        return None
    step = Step(
        transition=None,
        element=tuple(range(len(setting.classes(x)))),
        turn=None,
        start=x,
        end=y,
        points=flat,
        top=0,
        highest=float(np.max(objective.value(np.array([x, y])))),
    )
    return (step,)


def _copied(joined_copies: JoinedCopies, setting: Setting, hop: Hop) -> Step:
    link = joined_copies.links[hop.link]
    points = joined_copies.copies.act(hop.element, link.points)
    top, through = link.top, link.through
    if not hop.forward:
        points, top, through = points[::-1], len(points) - 1 - top, through[::-1]
    width = len(setting.classes(points[0]))
    element = hop.element.tolist()
    return Step(
        transition=link.transition,
        element=tuple(element[:width]),
        turn=tuple(image - width for image in element[width:]),
        start=points[0],
        end=points[-1],
        points=points,
        top=top,
        highest=link.height,
        through=(*through[0], *through[1]),
    )
