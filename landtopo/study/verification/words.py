"""Verdict, parts, flat dimension, lowest slope and symmetry of a stored point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from landtopo.models.networks.points.reading import describe
from landtopo.models.networks.symmetry.group_names import name_group
from landtopo.points.records import Kind
from landtopo.study.verification.checks import Check
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.known import Checker, Known, weights_of
from landtopo.study.verification.labelled import isomorphism, joint
from landtopo.study.verification.readings import contents_of, flat_dimension, verdict_of
from landtopo.study.verification.stored import Record
from landtopo.symmetry.groups import PermutationGroup

__all__ = ["CHECKERS"]

# Of psi: rounding, and the square of the distance to the direction that a descent ends at.
_SLOPE = 1e-11
_REDUCED = 1e-9

_PARTS = ("description", "effective_width", "anti_aligned", "flat_dimension", "psi_min",
          "isotropy", "isotropy_order", "orbit_size")  # fmt: skip


def _check_verdict(known: Known, record: Record) -> Iterator[Check]:
    """Kind, reason, and whether the minimum is global."""
    point = known.evidence(weights_of(record))
    compare = known.compare(record)
    unit = point.unit
    kind, reason = verdict_of(point, record.values.get("grad_tolerance", 1e-12 * unit))
    yield from compare.equal("kind", str(kind))
    yield from compare.equal("reason", reason)
    yield from compare.equal("is_global", point.is_zero)
    yield from compare.equal("zero_neurons", len(point.parts.zero))
    tolerance = record.values.get("grad_tolerance")
    if tolerance is not None:
        wanted = 1e-12 * unit
        if record.within[0] == "search":
            wanted = unit * known.asked(*record.within[1:]).get("tolerance", 1e-12)
        yield from compare.number("grad_tolerance", wanted, 1e-15, power=1)


def _check_parts(known: Known, record: Record) -> Iterator[Check]:
    """What the line about a point says, and the numbers in it."""
    point = known.evidence(weights_of(record))
    compare = known.compare(record)
    contents = contents_of(point)
    yield from compare.equal("description", describe(contents))
    yield from compare.equal("effective_width", len(point.parts.groups))
    yield from compare.equal("anti_aligned", contents.anti_aligned)
    if record.values.get("flat_dimension") is not None:
        yield from compare.equal("flat_dimension", flat_dimension(point))
    elif record.kind == "node" and verdict_of(point, np.inf)[0] is Kind.MINIMUM:
        # The column is left out where the search could not decide.
        yield from ()
    if record.values.get("reduced") is not None:
        yield from _reduced(point, known, record)
    yield from compare.number("psi_min", point.lowest_slope, _SLOPE, power=1)


def _reduced(point: Evidence, known: Known, record: Record) -> Iterator[Check]:
    """The reduced network, in whatever columns outside the span."""
    vectors = point.teacher.vectors
    stored = np.asarray(record.values["reduced"])
    graphs = [joint(w, vectors, teachers_apart=True) for w in (stored, point.parts.vectors)]
    same = isomorphism(*graphs) is not None
    yield from known.compare(record).claim(
        "reduced", "that of the weights", same, stored=f"shape {stored.shape}"
    )


def _check_symmetry(known: Known, record: Record) -> Iterator[Check]:
    """Isotropy group and number of labelled copies."""
    point = known.evidence(weights_of(record))
    compare = known.compare(record)
    group = PermutationGroup.from_generators(
        list(point.symmetry.generators), point.width + len(point.frame)
    )
    yield from compare.equal("isotropy", name_group(group, point.width)[0])
    yield from compare.equal("isotropy_order", point.symmetry.order)
    yield from compare.equal("orbit_size", point.copies)


CHECKERS = (
    Checker(
        covers={
            "node": ("kind", "reason", "is_global", "zero_neurons"),
            "CriticalPoint": ("kind", "reason", "zero_neurons", "grad_tolerance"),
        },
        run=_check_verdict,
    ),
    Checker(
        covers={"node": _PARTS[:5], "Family": (*_PARTS[:5], "reduced")},
        run=_check_parts,
    ),
    Checker(covers={"node": _PARTS[5:], "Family": _PARTS[5:]}, run=_check_symmetry),
)
