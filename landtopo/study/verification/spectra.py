"""Loss, gradient and curvatures of a stored point, by quadrature and differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.known import Checker, Known, weights_of
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "LOSS"]

#: Of losses: terms of order one cancel in double precision.
LOSS = 1e-13
# Of gradients: weights are stored to their rounding, and Hessians are of order one.
_GRADIENT = 4e-15
# Most coordinates of a point whose spectrum is recomputed.
_LARGEST = 1500

_OF_ALL = ("loss", "grad_norm", "eigenvalues", "index")
_COVERS = {
    "node": (*_OF_ALL, "weights", "nullity", "gap", "smallest_eigenvalue",
             "smallest_normal_eigenvalue"),
    "edge": (*_OF_ALL, "weights", "smallest_eigenvalue", "outside_span"),
    "CriticalPoint": (*_OF_ALL, "weights", "nullity", "gap", "normal_eigenvalues",
                      "normal_multiplicity", "gauge", "index_in_span", "index_normal",
                      "zero_tolerance"),
    "Family": ("point",),
}  # fmt: skip


def _check(known: Known, record: Record) -> Iterator[Check]:
    if record.kind == "Family":
        # The fields of the point are a record of their own.
        return
    weights = weights_of(record)
    if weights is None:
        return
    point = known.evidence(weights)
    compare = known.compare(record)
    stored = record.values
    yield from _loss(point, compare, stored)
    yield from compare.number("grad_norm", point.gradient_norm, _GRADIENT, power=1)
    kind = str(stored.get("kind", "saddle"))
    if kind != "undecided":
        at_rest = point.gradient_norm <= 1e-12 * compare.scale(1)
        yield from compare.claim("weights", "a critical point", at_rest, stored="gradient "
                                 f"{point.gradient_norm:.3g}")  # fmt: skip
    yield from compare.equal("outside_span", bool(point.outside))
    if 0 < len(point.parts.live) * point.columns <= _LARGEST:
        yield from _spectrum(point, compare, stored)


def _loss(point: Evidence, compare: Comparison, stored: Any) -> Iterator[Check]:
    if stored.get("loss") is None:
        return
    exact = point.loss
    # Where the loss is known to be zero to rounding, nothing larger agrees; a pass over a corner
    # has the loss of the minima beside it, to the same rounding.
    allowed = LOSS
    if point.is_zero:
        allowed = 1e-24 * float(np.sum(point.weights**2)) / compare.scale(2)
    yield from compare.number("loss", exact, allowed)


def _spectrum(point: Evidence, compare: Comparison, stored: Any) -> Iterator[Check]:
    found = point.spectra
    yield from compare.close("eigenvalues", found.inside, found.error)
    yield from compare.number("smallest_eigenvalue", found.inside[0], found.error, power=0)
    if len(found.normal):
        yield from compare.number(
            "smallest_normal_eigenvalue", found.normal[0], found.error, power=0
        )
    yield from compare.close("normal_eigenvalues", found.normal, found.error)
    yield from compare.equal("index", found.index)
    yield from compare.equal("nullity", found.nullity)
    yield from compare.equal("normal_multiplicity", point.unused)
    gauge = found.gauge + point.outside * point.unused
    yield from compare.equal("gauge", gauge)
    yield from compare.equal("index_in_span", int(np.sum(found.inside < -found.error)))
    yield from compare.equal("index_normal", int(np.sum(found.normal < -found.error)))
    yield from _gap(point, compare, stored)


def _gap(point: Evidence, compare: Comparison, stored: Any) -> Iterator[Check]:
    """The ratio of the smallest curvature to what counts as zero, and what does.

    The latter is rounding: between the least that the stated rule gives and the most, where the
    distance to the exact critical point is that of the stored weights. Of a ratio to curvatures
    that vanish, which are rounding themselves, only the lower end is known.
    """
    sizes = np.abs(point.decisive)
    zeros = sizes <= found_error(point)
    least, most = point.error_bounds
    tolerance, gap = stored.get("zero_tolerance"), stored.get("gap")
    if tolerance is not None:
        yield from compare.claim(
            "zero_tolerance", f"{least:.2g} to {most:.2g}", least <= tolerance <= most
        )
        least = most = tolerance
    if gap is None or zeros.all():
        return
    smallest = float(sizes[~zeros].min())
    slack = 1.0 + 10.0 * found_error(point) / smallest
    low, high = smallest / most / slack, slack * smallest / least
    if zeros.any():
        high = np.inf
    for name in ("gap", "zero_tolerance"):
        if name == "gap" or tolerance is not None:
            yield from compare.claim(
                name, f"a gap of {low:.9g} to {high:.9g}", low <= gap <= high, stored=stored[name]
            )


def found_error(point: Evidence) -> float:
    """Size below which a recomputed curvature is zero."""
    return point.network.spectra.error


CHECKERS = (Checker(covers=_COVERS, run=_check),)
