"""How a sweep is told, and where it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo.wording import counted
from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    from landtopo.models.networks.sweeps.curve import TeacherCurve
    from landtopo.models.networks.sweeps.events import SweepEvent
    from landtopo.models.networks.sweeps.result import SweepResult
    from landtopo.study import Study

__all__ = ["journal_for", "sweep_record", "sweep_text"]

_DIGITS = 11
_PROVED = (
    " Proved: at each end of the bracket, every point that is known to begin or end there exists, "
    "alone in a box, with its index. Not proved: that the points at both ends are one family, and "
    "that nothing else is there."
)


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


def sweep_record(found: SweepResult) -> dict[str, Any]:
    """A sweep as plain JSON values.

    Parameters
    ----------
    found : SweepResult
    """
    return {
        "curve": found.curve.title,
        "parameter": found.curve.parameter.value,
        "width": found.width,
        "low": found.curve.low,
        "high": found.curve.high,
        "bases": list(found.bases),
        "search": found.search,
        "unsteady": found.unsteady,
        "families": [
            {
                "id": one.id,
                "low": one.low,
                "high": one.high,
                "index": one.index,
                "isotropy": one.isotropy,
                "isotropy_order": one.isotropy_order,
                "anti_aligned": one.anti_aligned,
                "begins": one.begins,
                "ends": one.ends,
                "why_begins": one.why_begins,
                "why_ends": one.why_ends,
                "found_by": one.found_by,
                "values": one.values.tolist(),
                "losses": one.losses.tolist(),
                "smallest": one.smallest.tolist(),
            }
            for one in found.families
        ],
        "events": found.rows(),
    }


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
    bases = ", ".join(number(value, 4) for value in found.bases)
    parts.append(
        f"Families were searched for at {bases}; one that exists between two of these only, and "
        "branches off from none that is listed, is missing. A bracket is 8e-9 wide. Where signs do "
        "not add up, something branches off that was not found; it need not be a minimum or a pass."
        + (_PROVED if any(one.proofs for one in found.events) else "")
        + (
            f" {counted(found.unsteady, 'point')} that are not isolated were not followed."
            if found.unsteady
            else ""
        )
    )
    return "\n\n".join(parts)


def _proofs(event: SweepEvent) -> str:
    proved = sum(one.at_end for one in event.proofs)
    return {None: "", True: "yes", False: f"{proved} of {len(event.proofs)}"}[event.certified]
