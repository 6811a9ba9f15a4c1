"""How a landscape graph keeps the families and transitions of networks of one width."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from landtopo.landscape.gathered import Kept
from landtopo.models.networks.ladder import network_model
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import Relabelling, parse_cycles, symmetry_frame
from landtopo.models.networks.units import unit_of
from landtopo.symmetry.permutations import Permutation
from landtopo.units import rescaled

__all__ = ["kept_networks"]


def kept_networks(problem: TeacherStudent) -> Kept:
    """The networks of one width in a graph of their teacher.

    Parameters
    ----------
    problem : TeacherStudent
    """
    unit = unit_of(problem.teacher)

    def element(data: Mapping[str, Any]) -> Permutation:
        return Relabelling(
            students=parse_cycles(
                data.get("permutation", "()"), problem.width, signs=problem.function.turns
            ),
            teachers=parse_cycles(
                data.get("teacher_permutation", "()"), len(symmetry_frame(problem.teacher))
            ),
        ).images()

    return Kept(
        model=network_model(problem),
        told=partial(rescaled, unit=unit),
        column="weights",
        width=problem.width,
        length=unit,
        energy=unit**2,
        element=element,
        exact=lambda data: "parity" in data,
    )
