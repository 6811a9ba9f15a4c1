"""All checkers, and what they make of a study."""

from __future__ import annotations

from collections.abc import Iterator

from landtopo.errors import InvalidArgument
from landtopo.journal import Forgetful, Journal
from landtopo.models.origin import origin_of, remade
from landtopo.models.parameter import ParameterModels
from landtopo.models.smooth import SmoothModel
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
from landtopo.study.verification.activations import checkers as activations
from landtopo.study.verification.activations.evidence import KnownNetworks
from landtopo.study.verification.checks import Check
from landtopo.study.verification.evidence import Memory
from landtopo.study.verification.functions import lineages as function_lineages
from landtopo.study.verification.functions import paths as function_paths
from landtopo.study.verification.functions import points as function_points
from landtopo.study.verification.functions import searches as function_searches
from landtopo.study.verification.functions import students as function_students
from landtopo.study.verification.functions import ways as function_ways
from landtopo.study.verification.functions.known import KnownModel
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
_MODEL_CHECKERS: tuple[Checker, ...] = (
    *function_points.CHECKERS,
    *function_ways.CHECKERS,
    *function_searches.CHECKERS,
    *function_paths.CHECKERS,
    *function_lineages.CHECKERS,
    *function_students.CHECKERS,
)

_AnyKnown = Known | KnownModel | KnownNetworks


def verify(
    study: Study,
    *,
    model: SmoothModel | ParameterModels | None = None,
    memory: Memory | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> list[Check]:
    """Recompute the graph, the searches, the paths and the sessions of a study.

    Of another activation than ReLU, or with output weights, only the families and transitions of
    the graph: losses, gradients, curvatures, isotropy, copies, and where the flows end that lead
    to isolated families.

    Parameters
    ----------
    study : Study
    model : SmoothModel or ParameterModels, optional
        The model of a study of one, where its name does not make it again.
    memory : Memory, optional
        Keeps what was worked out about points, for another study that shares them.
    journal : Journal, optional
        Keeps the checks that are made, so that a verification that was killed goes on; `Pieces`
        knows when they may be used. The keys are meant for this study as it is, and this landtopo.
    progress : Progress, optional
        Of the pieces, one for each record and checker, that the journal does not have.

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
    progress, journal = progress or Silent(), journal or Forgetful()
    damaged = [_damaged(fault) for fault in study.faults()]
    if damaged:
        return damaged
    known = _known(study, memory or Memory(), model)
    if isinstance(known, KnownNetworks) and not study.has_graph:
        raise InvalidArgument(
            "The 'study' argument of verify must have a graph, of which alone points are "
            "recomputed for other activations than ReLU or output weights; got a study of "
            f"{study.teacher.told} without one."
        )
    stamp = f"{origin_of(known.subject).digest} " if isinstance(known, KnownModel) else ""
    tasks = [
        (f"{stamp}{number}.{place} {record.kind} {record.name}", checker, record)
        for number, record in enumerate(records_of(study))
        for place, checker in enumerate(_of_kind(known, record))
    ]
    kept = {key: journal.recall(key) for key, _, _ in tasks}
    # Of the pieces that are left: the time that they will take follows from that of the first ones.
    progress.begin("verify", sum(piece is None for piece in kept.values()))
    checks: list[Check] = []
    for key, checker, record in tasks:
        piece = kept[key]
        if piece is not None:
            checks += [Check(**row) for row in piece["checks"]]
            continue
        made = list(_checks(known, checker, record))
        journal.remember(key, {"checks": [check.record() for check in made]})
        checks += made
        progress.advance(1, record.name)
    progress.end()
    return checks


def _known(study: Study, memory: Memory, model: SmoothModel | ParameterModels | None) -> _AnyKnown:
    if study.model is None:
        return Known(study, memory) if study.teacher.is_plain else KnownNetworks(study, memory)
    return KnownModel(study, memory, remade(study.model) if model is None else model)


def _damaged(fault: Fault) -> Check:
    return Check(
        subject=fault.place,
        quantity="content of the file",
        stored="damaged",
        recomputed=fault.what,
        tolerance=0.0,
        agrees=False,
    )


def checks_of(known: _AnyKnown, record: Record) -> Iterator[Check]:
    """The checks of one record."""
    for checker in _of_kind(known, record):
        yield from _checks(known, checker, record)


def _of_kind(known: _AnyKnown, record: Record) -> Iterator[Checker]:
    checkers = _MODEL_CHECKERS
    if not isinstance(known, KnownModel):
        checkers = _CHECKERS if isinstance(known, Known) else activations.CHECKERS
    return (checker for checker in checkers if record.kind in checker.covers)


def _checks(known: _AnyKnown, checker: Checker, record: Record) -> Iterator[Check]:
    try:
        here = known.at(record.stage) if isinstance(known, KnownModel) else known
        yield from checker.run(here, record)
    except UnknownFamilyError as error:
        # Whatever is said about ends needs them; names.py says which of them is unknown.
        yield from known.compare(record).claim("ends", "families of the graph", False,
                                               stored=str(error))  # fmt: skip


def uncovered(*, models: bool = False) -> list[tuple[str, str]]:
    """Stored fields, as (kind of record, name), that no checker covers."""
    covered = {
        (kind, name)
        for checker in (_MODEL_CHECKERS if models else _CHECKERS)
        for kind, names in checker.covers.items()
        for name in names
    }
    return [
        (kind, name)
        for kind, names in stored_fields(models=models).items()
        for name in names
        if (kind, name) not in covered
    ]


def form_only(*, models: bool = False) -> set[tuple[str, str]]:
    """Fields, as (kind of record, name), of which the form alone is checked."""
    return {
        (kind, name)
        for checker in (_MODEL_CHECKERS if models else _CHECKERS)
        for kind, names in checker.form.items()
        for name in names
    }
