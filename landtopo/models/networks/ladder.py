"""The models of a teacher's students, one for each width."""

from __future__ import annotations

from collections.abc import Iterable

from landtopo.checks import checked_count
from landtopo.errors import InvalidArgument
from landtopo.landscape.schema import INFINITE
from landtopo.model import Rungs
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.problem import MOST_NEURONS, Teacher, TeacherStudent
from landtopo.models.networks.starts import ScaledStart, StartDistribution, parse_distribution
from landtopo.models.networks.units import in_units, unit_of
from landtopo.units import rescaled

__all__ = ["network_model", "network_rungs"]

_STARTS = 5000


def network_model(
    problem: TeacherStudent, init: str | StartDistribution | None = None
) -> NetworkModel:
    """The model of students of one width, in units of the teacher.

    Parameters
    ----------
    problem : TeacherStudent
    init : str or StartDistribution, optional
        Of the starts of searches for minima; ``gaussian:1`` by default.
    """
    distribution = parse_distribution("gaussian:1" if init is None else init)
    scaled = ScaledStart(distribution=distribution, unit=unit_of(problem.teacher))
    return NetworkModel(in_units(problem), scaled)


def network_rungs(
    teacher: Teacher,
    caller: str,
    *,
    widths: int | Iterable[int] | None,
    dim: int | None,
    init: str | StartDistribution | None,
) -> Rungs:
    """What a landscape graph of a teacher's students is made of.

    Parameters
    ----------
    teacher : Teacher
    caller : str
        The function that refusals name.
    widths : int or iterable of int
    dim : int or None
    init : str or StartDistribution or None
    """
    chosen = _checked_widths(caller, widths)
    problems = [TeacherStudent(teacher, width, dim) for width in chosen]
    problems[0].require_labels(caller)
    unit = unit_of(teacher)
    return Rungs(
        models=tuple(network_model(problem, init) for problem in problems),
        told=lambda model, record: rescaled(record, unit),
        attributes={
            "teacher": teacher.title,
            "gram": teacher.gram.tolist(),
            "vectors": teacher.vectors.tolist(),
            "dim": INFINITE if dim is None else str(dim),
            "widths": list(chosen),
        },
        starts=_STARTS,
    )


def _checked_widths(caller: str, widths: int | Iterable[int] | None) -> tuple[int, ...]:
    given = widths if isinstance(widths, Iterable) else (widths,)
    # One by one: a range may be longer than what memory holds.
    chosen = {checked_count("widths", caller, width, most=MOST_NEURONS) for width in given}
    if not chosen:
        raise InvalidArgument(f"The 'widths' argument of {caller} must name at least one width.")
    return tuple(sorted(chosen))
