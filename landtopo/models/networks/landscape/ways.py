"""The ways over the passes of a graph, point by point.

A graph holds the profile of a way, arc length and loss, and its transition state. Steepest descents
from there give the points again; they are believed where they have the profile that the graph
holds, which also says which end is which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from landtopo.landscape.schema import INFINITE
from landtopo.landscape.transitions import arc_lengths, both_ways_down
from landtopo.models.networks.landscape.labelled_copies import teacher_of
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.units import in_units, unit_of
from landtopo.objective import Array
from landtopo.points.spectrum import lowest_spectrum
from landtopo.shown import Brief

__all__ = ["Way", "way_over"]

# Of the gradient at a transition state, in units of the teacher.
_CRITICAL = 1e-10
# By this part of its length and of its highest barrier a way may miss its profile: descents on
# another machine have other points, and losses between points are interpolated.
_AGREES = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Way(Brief):
    """A way from the first end of a pass to the second.

    Attributes
    ----------
    points : ndarray, shape (n, K, D)
        Weights.
    positions, losses : ndarray, shape (n,)
        Arc length, and loss.
    """

    points: Array = field(repr=False)
    positions: Array = field(repr=False)
    losses: Array = field(repr=False)


def way_over(attributes: Mapping[str, Any], edge: Mapping[str, Any]) -> Way | None:
    """The points of the way over a saddle of a graph of networks.

    Parameters
    ----------
    attributes : mapping
        Of the graph.
    edge : mapping
        Of the transition.

    Returns
    -------
    Way or None
        None where there is no saddle of index 1 (a corner, a flat way), or descents from it do not
        have the profile of the edge, or have it in both directions between two families.

    Examples
    --------
    >>> import landtopo as lt
    >>> from landtopo.models.networks.landscape.ways import way_over
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    >>> way = way_over(graph.graph, graph.edges["w2-f0", "w2-f0", "w2-t0"])
    >>> round(float(way.losses.max()), 6)
    0.073613
    """
    profile = np.array(edge.get("profile", ()), dtype=np.float64).reshape(-1, 2)
    if edge["kind"] != "saddle" or "weights" not in edge or len(profile) < 3:
        return None
    teacher = teacher_of(attributes)
    unit = unit_of(teacher)
    weights = np.array(edge["weights"], dtype=np.float64)
    dim = attributes.get("dim", INFINITE)
    problem = TeacherStudent(teacher, width=len(weights), dim=None if dim == INFINITE else int(dim))
    model = NetworkModel(in_units(problem))
    saddle = weights.ravel() / unit
    objective = model.objective(saddle)
    if not np.linalg.norm(objective.value_and_gradient(saddle)[1]) <= _CRITICAL:
        return None
    spectrum = lowest_spectrum(objective.hessian(saddle), objective.gauge(saddle))
    if spectrum.index != 1:
        return None
    found = both_ways_down(model, objective, saddle, spectrum.vectors[:, 0])
    if found is None:
        return None
    points = np.array([model.shaped(x) for x in found[0]])
    positions = unit * arc_lengths(model, found[0])
    losses = unit**2 * np.asarray(objective.value(found[0]))
    ways = [
        Way(points=unit * points, positions=positions, losses=losses),
        Way(
            points=unit * points[::-1],
            positions=positions[-1] - positions[::-1],
            losses=losses[::-1],
        ),
    ]
    agreeing = [way for way in ways if _has_profile(way, profile)]
    loop = edge["from_id"] == edge["to_id"]
    return agreeing[0] if len(agreeing) == 1 or (agreeing and loop) else None


def _has_profile(way: Way, profile: Array) -> bool:
    lengths, losses = profile[:, 0] - profile[0, 0], profile[:, 1]
    apart = np.abs(np.interp(lengths, way.positions, way.losses) - losses)
    same = abs(way.positions[-1] - lengths[-1]) <= _AGREES * lengths[-1]
    return bool(same and apart.max() <= _AGREES * np.ptp(losses))
