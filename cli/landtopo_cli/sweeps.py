"""How a sweep is told, and where it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landtopo.wording import counted
from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    from landtopo.models.networks.sweeps.curve import TeacherCurve
    from landtopo.models.networks.sweeps.events import SweepEvent
    from landtopo.models.networks.sweeps.result import SweepResult
    from landtopo.study import Study

__all__ = ["journal_for", "sweep_text"]

_DIGITS = 11


def journal_for(path: Path, curve: TeacherCurve, seed: int) -> Study:
    """The study that keeps the pieces of a sweep: of the teacher at the lower end.

    Parameters
    ----------
    path : Path
    curve : TeacherCurve
    seed : int
    """
    from landtopo.errors import EmptyStudyError, LandtopoError
    from landtopo.study import Study

    teacher = curve.teacher(curve.low)
    if not path.exists():
        return Study.create(path, teacher, dim=None, seed=seed)
    try:
        study = Study.open(path, write=True)
    except EmptyStudyError:
        return Study.create(path, teacher, dim=None, seed=seed)
    try:
        study.check(teacher, dim=None, seed=seed)
    except LandtopoError as error:
        study.close()
        raise click.UsageError(f"'{path}' is of another sweep: {error}") from None
    return study


def sweep_text(found: SweepResult) -> str:
    """A sweep, for people.

    Parameters
    ----------
    found : SweepResult
    """
    minima = sum(one.index == 0 for one in found.families)
    parts = [
        f"Teachers {found.curve.title}, width {found.width}: "
        f"{counted(minima, 'minimum', 'minima')} and "
        f"{counted(len(found.families) - minima, 'pass', 'passes')} between events, "
        f"{counted(len(found.events), 'event')}."
    ]
    rows = [
        (
            one.id,
            "minimum" if one.index == 0 else "pass",
            number(one.low, _DIGITS),
            number(one.high, _DIGITS),
            loss_text(float(one.losses[0])),
            loss_text(float(one.losses[-1])),
            str(one.anti_aligned),
            one.isotropy,
        )
        for one in found.families
    ]
    head = ("family", "kind", "from", "to", "loss there", "and there", "anti-aligned", "isotropy")
    if rows:
        parts.append(table(head, rows))
    told = [
        (
            number(one.value, _DIGITS),
            one.kind,
            "yes" if one.bracketed else "no",
            {None: "", True: "yes", False: "no"}[one.balanced],
            _proofs(one),
            one.sentence,
        )
        for one in found.events
    ]
    if told:
        columns = ("parameter", "event", "bracketed", "signs add up", "proved", "families")
        parts.append(table(columns, told))
        parts.append(
            "\n".join(f"{number(one.value, _DIGITS)}: {one.account}" for one in found.events)
        )
    parts.append(found.certainty)
    return "\n\n".join(parts)


def _proofs(event: SweepEvent) -> str:
    proved = sum(one.at_end for one in event.proofs)
    return {None: "", True: "yes", False: f"{proved} of {len(event.proofs)}"}[event.certified]
