"""Computing in units of the teacher.

Weights scale with the teacher, losses with its square, and Hessians not at all; a problem is solved
for the teacher divided by its unit, and what comes out is multiplied back (`landtopo.units`). A
teacher of order one is left as it is.
"""

from __future__ import annotations

import math

from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.units import rescaled

__all__ = ["in_units", "unit_of"]


def unit_of(teacher: Teacher) -> float:
    """The power of two that is closest to the teacher's longest vector, by ratio.

    It is 1 where the loss of another teacher is not the same landscape in other units: where s(t x)
    is not t s(x).

    Parameters
    ----------
    teacher : Teacher
    """
    if teacher.function.degree != 1:
        return 1.0
    return 2.0 ** round(math.log2(float(teacher.norms.max())))


def in_units(problem: TeacherStudent) -> TeacherStudent:
    """The problem with the teacher divided by its unit.

    Parameters
    ----------
    problem : TeacherStudent
    """
    return rescaled(problem, 1.0 / unit_of(problem.teacher))
