"""Computing in units of the teacher.

Weights scale with the teacher, losses with its square, and Hessians not at all. Every tolerance is
meant for a teacher whose longest vector is of order one; a problem for another one is solved for
the teacher divided by its unit, and what comes out is multiplied back. The unit is a power of two,
so that both are exact in floating point, and a teacher of order one is left as it is.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, TypeVar

import numpy as np

from landtopo.problem import Teacher, TeacherStudent

__all__ = ["in_units", "rescaled", "unit_of"]

_Record = TypeVar("_Record")

#: With which power of the unit a field of a record scales; fields that are not named do not.
_POWERS = {
    "weights": 1,
    "reduced": 1,
    "start": 1,
    "end": 1,
    "points": 1,
    "positions": 1,
    "minima": 1,
    "minima_positions": 1,
    "transition_positions": 1,
    "missing": 1,
    "grad_norm": 1,
    "grad_tolerance": 1,
    "psi_min": 1,
    "loss": 2,
    "losses": 2,
    "minima_losses": 2,
    "highest_loss": 2,
    "first_highest_loss": 2,
    "profile_tolerance": 2,
}


def unit_of(teacher: Teacher) -> float:
    """The power of two that is closest to the teacher's longest vector, by ratio.

    Parameters
    ----------
    teacher : Teacher
    """
    return 2.0 ** round(math.log2(float(teacher.norms.max())))


def in_units(problem: TeacherStudent) -> TeacherStudent:
    """The problem with the teacher divided by its unit.

    Parameters
    ----------
    problem : TeacherStudent
    """
    teacher, unit = problem.teacher, unit_of(problem.teacher)
    if unit == 1.0:
        return problem
    vectors, gram = teacher.vectors / unit, teacher.gram / unit**2
    for array in (vectors, gram):
        array.setflags(write=False)
    return dataclasses.replace(
        problem, teacher=dataclasses.replace(teacher, vectors=vectors, gram=gram)
    )


def rescaled(record: _Record, unit: float, problem: TeacherStudent | None = None) -> _Record:
    """A record of results for the divided teacher as one for the teacher itself.

    Parameters
    ----------
    record : dataclass instance
        Records in its fields, alone or in tuples, are treated in the same way.
    unit : float
        See `unit_of`.
    problem : TeacherStudent, optional
        Takes the place of a field `problem`.

    Returns
    -------
    dataclass instance
        The record itself if the unit is 1.
    """
    if unit == 1.0:
        return record
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if field.name == "problem" and problem is not None:
            changed[field.name] = problem
        elif field.name in _POWERS:
            changed[field.name] = _times(value, unit ** _POWERS[field.name])
        else:
            changed[field.name] = _inside(value, unit, problem)
    return dataclasses.replace(record, **changed)  # type: ignore[type-var]


def _inside(value: Any, unit: float, problem: TeacherStudent | None) -> Any:
    if isinstance(value, tuple):
        return tuple(_inside(one, unit, problem) for one in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, Teacher, TeacherStudent)):
        return rescaled(value, unit, problem)
    return value


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, tuple):
        return tuple(_times(one, factor) for one in value)
    if isinstance(value, np.ndarray):
        result = value * factor
        result.setflags(write=value.flags.writeable)
        return result
    return value * factor if isinstance(value, float) else value
