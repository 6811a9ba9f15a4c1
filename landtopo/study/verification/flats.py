"""Flat ways: constant along the stored profile, between two points of one connected set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from landtopo.study.verification.checks import Check
from landtopo.study.verification.known import Known
from landtopo.study.verification.relations import Renumbering, same_sets
from landtopo.study.verification.spectra import LOSS
from landtopo.study.verification.stored import Record

__all__ = ["check_flat"]


def check_flat(known: Known, record: Record) -> Iterator[Check]:
    """The claims of a flat edge, whose path itself is not stored.

    Weight slides between parallel neurons, and with one neuron to spare every numbering of the
    same reduced network can be reached by slides; the two ends are on one connected set if their
    reduced networks are the same, with the teachers as the edge numbers them.
    """
    stored, compare = record.values, known.compare(record)
    first, second = (known.node(stored[f"{side}_id"]) for side in ("from", "to"))
    width, size = second.width, len(second.frame)
    renumbering = Renumbering.parsed(
        stored["permutation"], stored["teacher_permutation"], width, size
    )
    if renumbering is None:
        yield from compare.claim("permutation", "a permutation", False)
        yield from compare.claim("teacher_permutation", "a permutation", False)
        return
    spare = min(point.width - len(point.parts.groups) for point in (first, second))
    still = tuple(range(size))
    joined = spare > 0 and same_sets((first, first), first, second, still)
    turned = joined and same_sets((first, first), first, second, renumbering.teachers)
    for side in ("from_id", "to_id"):
        yield from compare.claim(side, "the other end's flat set", joined)
    yield from compare.claim("kind", "flat" if joined else "not joined by a flat set", joined)
    yield from compare.claim("teacher_permutation", "the same flat set", turned)
    yield from compare.claim("permutation", "the same flat set", joined)
    yield from compare.equal("verified", joined)
    profile = np.asarray(stored.get("profile", np.empty((0, 2))))
    if profile.size:
        level = float(np.abs(profile[:, 1] - first.loss).max())
        flat = level <= LOSS * compare.scale(2)
        forward = profile[0, 0] == 0 and bool(np.all(np.diff(profile[:, 0]) >= 0))
        yield from compare.claim(
            "profile", "the loss of both ends, forward", flat and forward,
            stored=f"apart by {level:.2g}",
        )  # fmt: skip
