"""All checkers, and what they make of a study."""

from __future__ import annotations

from collections.abc import Iterator

from landtopo.progress import Progress, Silent
from landtopo.study.rows import Fault
from landtopo.study.store import Study
from landtopo.study.verification import (
    counts,
    gaps,
    lineages,
    names,
    paths,
    provenance,
    replay,
    searches,
    spectra,
    transitions,
    words,
)
from landtopo.study.verification.checks import Check
from landtopo.study.verification.evidence import Memory
from landtopo.study.verification.known import Checker, Known, UnknownFamilyError
from landtopo.study.verification.stored import Record, records_of, stored_fields

__all__ = ["checks_of", "form_only", "uncovered", "verify"]

_CHECKERS: tuple[Checker, ...] = (
    *spectra.CHECKERS,
    *words.CHECKERS,
    *transitions.CHECKERS,
    *lineages.CHECKERS,
    *counts.CHECKERS,
    *gaps.CHECKERS,
    *names.CHECKERS,
    *searches.CHECKERS,
    *paths.CHECKERS,
    *provenance.CHECKERS,
    *replay.CHECKERS,
)


def verify(
    study: Study, *, memory: Memory | None = None, progress: Progress | None = None
) -> list[Check]:
    """Recompute the graph, the searches, the paths and the sessions of a study.

    Parameters
    ----------
    study : Study
    memory : Memory, optional
        Keeps what was worked out about points, for another study that shares them.
    progress : Progress, optional

    Returns
    -------
    list of Check
        All checks; those that fail have `agrees` False. If anything in the file is not as it was
        written, only that is told: nothing is computed from damaged rows.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
    >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
    >>> [check for check in lt.verify(study) if not check.agrees]
    []
    >>> study.close()
    """
    progress = progress or Silent()
    damaged = [_damaged(fault) for fault in study.faults()]
    if damaged:
        return damaged
    known = Known(study, memory or Memory())
    records = list(records_of(study))
    progress.begin("verify", len(records))
    checks: list[Check] = []
    for record in records:
        checks += checks_of(known, record)
        progress.advance(1, record.name)
    progress.end()
    return checks


def _damaged(fault: Fault) -> Check:
    return Check(
        subject=fault.place,
        quantity="content of the file",
        stored="damaged",
        recomputed=fault.what,
        tolerance=0.0,
        agrees=False,
    )


def checks_of(known: Known, record: Record) -> Iterator[Check]:
    """The checks of one record."""
    for checker in _CHECKERS:
        if record.kind not in checker.covers:
            continue
        try:
            yield from checker.run(known, record)
        except UnknownFamilyError as error:
            # Whatever is said about ends needs them; names.py says which of them is unknown.
            yield from known.compare(record).claim("ends", "families of the graph", False,
                                                   stored=str(error))  # fmt: skip


def uncovered() -> list[tuple[str, str]]:
    """Stored fields, as (kind of record, name), that no checker covers."""
    covered = {
        (kind, name)
        for checker in _CHECKERS
        for kind, names in checker.covers.items()
        for name in names
    }
    return [
        (kind, name)
        for kind, names in stored_fields().items()
        for name in names
        if (kind, name) not in covered
    ]


def form_only() -> set[tuple[str, str]]:
    """Fields, as (kind of record, name), of which the form alone is checked."""
    return {
        (kind, name)
        for checker in _CHECKERS
        for kind, names in checker.form.items()
        for name in names
    }
