"""Ways out of a corner, a point with a zero neuron: along every local minimum of psi."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.study.verification.descents import Descent, follow_flow
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.labelled import Joint, automorphisms, isomorphism, joint
from landtopo.study.verification.quadrature import quadrature_slope

__all__ = ["Escape", "escapes", "ways_over"]
# Most length at which a neuron begins to grow, in units of the teacher's mean length: psi decides
# there, and the second order of the loss is a tenth of the first or less.
_LENGTH = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Escape:
    """A class of directions in which a new neuron lowers the loss.

    Attributes
    ----------
    start : ndarray, shape (K + 1, D)
        The network with a short neuron more, in the last row.
    slope : float
        psi there.
    count : int
        How many directions the symmetry of the network makes of it.
    """

    start: Array
    slope: float
    count: int


def escapes(point: Evidence) -> list[Escape]:
    """One direction of each class of local minima of psi below zero, the steepest first.

    Parameters
    ----------
    point : Evidence
        A critical point without zero neurons.
    """
    weights, _ = point.widened()
    found: list[Escape] = []
    graphs: list[Joint] = []
    longest = _LENGTH * float(point.teacher.norms.mean())
    whole = automorphisms(joint(weights, point.frame)).order
    for direction in point.slopes.directions:
        slope = quadrature_slope(point.teacher, weights, direction)
        if slope >= -1e-12 * point.unit:
            continue
        start = np.vstack([weights, min(longest, 0.2 * abs(slope)) * direction])
        # A neuron of unit length tells directions apart better than a short one.
        graph = joint(np.vstack([weights, direction]), point.frame)
        graph.classes[len(weights)] = -1
        if any(isomorphism(graph, other) is not None for other in graphs):
            continue
        graphs.append(graph)
        count = whole // automorphisms(graph).order
        found.append(Escape(start=start, slope=slope, count=count))
    return found


def ways_over(problem: TeacherStudent, corner: Array) -> list[Descent]:
    """Flows from a corner: growing the zero neuron again, and staying as the corner is.

    Parameters
    ----------
    problem : TeacherStudent
    corner : ndarray, shape (K, D)
        With one zero neuron.
    """
    zero = int(np.argmin(np.linalg.norm(corner, axis=1)))
    others = np.delete(corner, zero, axis=0)
    narrow = Evidence(problem.with_width(len(others)), others)
    still = Descent(
        ends=(corner,), saddle=None, lengths=np.zeros(1), losses=np.array([narrow.loss])
    )
    ways = [still]
    for escape in escapes(narrow):
        start = np.insert(escape.start[:-1], zero, escape.start[-1], axis=0)
        ways.append(follow_flow(problem, start))
    return ways
