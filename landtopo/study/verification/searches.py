"""Stored searches: attempts against each other, and families against their attempts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from landtopo.errors import LandtopoError
from landtopo.models.networks.starts import parse_distribution
from landtopo.points.records import Attempts, Family, Status
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.known import Checker, Known
from landtopo.study.verification.readings import same_network
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "label_of"]

# Losses of attempts of one family, but for what is left of their gradients.
_LOSS = 1e-10


def label_of(known: Known, width: int, source: str, number: int) -> int:
    """The label that attempts of a stored search have for its family of this number, or -1.

    Attempts count families as the search listed them; families are stored by increasing loss.
    """
    attempts = known.attempts(width, source)
    family = known.families(width, source)[number]
    point = known.evidence(np.asarray(family.weights))
    for label in np.unique(attempts.family[attempts.family >= 0]).tolist():
        row = int(np.flatnonzero(attempts.family == label)[0])
        if same_network(known.evidence(np.asarray(attempts.weights[row])), point):
            return int(label)
    return -1


def _check_attempts(known: Known, record: Record) -> Iterator[Check]:
    width, source = record.within
    attempts = Attempts(**record.values)
    compare = known.compare(record)
    asked = known.asked(width, source)
    families = _listed(known, width, source)
    yield from compare.equal("width", width)
    named = source == attempts.source or source.endswith(f"from {attempts.source}")
    yield from compare.claim("source", f"that of '{source}'", named or "saddles" in source)
    counted = any(family.count for family in families)
    if known.families(width, source):
        yield from compare.claim("independent", counted, attempts.independent == counted)
    starts = np.asarray(attempts.starts)
    good = len(starts) == 0 or (int(starts[0]) >= 0 and bool(np.all(np.diff(starts) > 0)))
    if attempts.independent:
        good = good and np.array_equal(starts, np.arange(len(starts)))
    yield from compare.claim("starts", "numbers in order", good, stored=f"{len(starts)} starts")
    saddles = (width, source) in known.study.searches("saddles")
    yield from _columns(compare, attempts, asked, len(families), saddles=saddles)
    yield from _ends(compare, attempts, known)


def _listed(known: Known, width: int, source: str) -> list[Family]:
    """The families that the labels of a search count; searches for saddles share one list."""
    saddles = known.study.searches("saddles")
    if (width, source) not in saddles:
        return known.families(width, source)
    return [family for at, label in saddles if at == width for family in known.families(at, label)]


def _columns(
    compare: Comparison,
    attempts: Attempts,
    asked: dict[str, object],
    families: int,
    *,
    saddles: bool,
) -> Iterator[Check]:
    """Columns that belong together, row by row."""
    converged = np.array([status is Status.CONVERGED for status in attempts.status], dtype=bool)
    labels = np.asarray(attempts.family)
    same = np.array_equal(labels >= 0, converged) or not families
    if saddles:
        # Runs into known points have their label too, and not all that is critical has the index.
        ended = [status in (Status.CONVERGED, Status.DUPLICATE) for status in attempts.status]
        same = not np.any((labels >= 0) & ~np.array(ended, dtype=bool))
    for name in ("status", "family"):
        yield from compare.claim(
            name, "a family for each that converged", same, stored=f"{int(converged.sum())}"
        )
    shown = f"-1 to {families - 1}"
    good = bool(np.all((labels >= -1) & (labels < max(families, 1))))
    yield from compare.claim("family", shown, good, stored=f"up to {labels.max(initial=-1)}")
    tolerance = float(str(asked.get("tolerance", np.inf))) * compare.scale(1)
    norms = np.asarray(attempts.grad_norm)[converged]
    worst = float(norms.max(initial=0.0))
    good = bool(np.all(norms >= 0)) and worst <= max(tolerance, 1e-12 * compare.scale(1))
    yield from compare.claim(
        "grad_norm", f"up to {tolerance:g}", good or not families, stored=f"{worst:g}"
    )
    used = np.asarray(attempts.evaluations)
    limit = float(str(asked.get("limit", np.inf)))
    good = len(used) == 0 or (int(used.min()) >= 0 and int(used.max()) <= 2 * limit)
    yield from compare.claim("evaluations", "0 to the limit", good, stored=f"{used.max(initial=0)}")


def _ends(compare: Comparison, attempts: Attempts, known: Known) -> Iterator[Check]:
    """The losses and the end points of each family."""
    labels = np.asarray(attempts.family)
    for label in np.unique(labels[labels >= 0]).tolist():
        rows = np.flatnonzero(labels == label)
        point = known.evidence(np.asarray(attempts.weights[rows[0]]))
        apart = np.abs(np.asarray(attempts.loss)[rows] - point.loss)
        # What is left of the gradient is squared, over a curvature that may be soft.
        steepest = float(np.asarray(attempts.grad_norm)[rows].max())
        allowed = _LOSS * compare.scale(2) + 100.0 * steepest**2
        worst = int(np.argmax(np.where(np.isfinite(apart), apart, np.inf)))
        yield from compare.claim(
            "loss",
            f"{point.loss:.17g}, that of the end point of start {rows[0]}",
            float(apart[worst]) <= allowed,
            stored=f"{attempts.loss[rows[worst]]:.17g} of start {rows[worst]}",
        )
        slope = point.gradient_norm
        norms = float(np.asarray(attempts.grad_norm)[rows[0]])
        same = abs(slope - norms) <= 1e-9 * compare.scale(1) + 1e-2 * norms
        for name in ("weights", "grad_norm"):
            yield from compare.claim(
                name, f"gradient {slope:.2g} at start {rows[0]}", same, stored=f"{norms:.2g}"
            )


def _check_family(known: Known, record: Record) -> Iterator[Check]:
    width, source = record.within
    compare, stored = known.compare(record), record.values
    attempts = known.attempts(width, source)
    families = known.families(width, source)
    yield from compare.equal("width", len(stored["point"].weights))
    number = next(i for i, family in enumerate(families) if family.id == stored["id"])
    ids = [family.id for family in families]
    good = ids.count(stored["id"]) == 1
    shape = re.fullmatch(rf"w{width}-([a-z]+)(\d+)", stored["id"])
    if shape is None:
        good = False
    else:
        alike = [family for family in families if family.id.startswith(f"w{width}-{shape[1]}")]
        losses = [known.evidence(np.asarray(family.weights)).loss for family in alike]
        own = known.evidence(np.asarray(stored["point"].weights)).loss
        tied = 2e-10 * compare.scale(2)
        first = sum(loss < own - tied for loss in losses)
        last = first + sum(abs(loss - own) <= tied for loss in losses)
        if (width, source) in known.study.searches("saddles"):
            # Saddles are numbered in the order in which they were met.
            first, last = 0, len(alike)
        good = good and first <= int(shape[2]) < last
    yield from compare.claim("id", "its number by loss", good)
    label = label_of(known, width, source, number)
    count = int(np.sum(attempts.family == label)) if attempts.independent and label >= 0 else 0
    yield from compare.equal("count", count)
    names = {attempts.source, source}
    names |= {label.rpartition(" from ")[2] for at, label in known.searches if at == width}
    shown = " or ".join(sorted(names))
    yield from compare.claim("found_by", shown, stored["found_by"] in names)


def is_distribution(text: str) -> bool:
    """Whether a text names a start distribution."""
    try:
        parse_distribution(text)
    except LandtopoError:
        return False
    return True


CHECKERS = (
    Checker(
        covers={
            "Attempts": (
                "width",
                "source",
                "independent",
                "starts",
                "status",
                "loss",
                "grad_norm",
                "evaluations",
                "weights",
                "family",
            )
        },
        run=_check_attempts,
        form={"Attempts": ("evaluations",)},
    ),
    Checker(covers={"Family": ("id", "width", "count", "found_by")}, run=_check_family),
)
