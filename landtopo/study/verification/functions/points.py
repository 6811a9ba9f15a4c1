"""Values, spectra, verdicts and symmetries of stored points of a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from landtopo.landscape.schema import MINIMUM
from landtopo.points.records import Kind
from landtopo.points.stationary import LEAST_REASON, flat_reason, verdict_of
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.functions.evidence import FunctionEvidence
from landtopo.study.verification.functions.known import KnownModel, is_line, place_of
from landtopo.study.verification.known import Checker
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "VALUE"]

#: Of values, relative to their size and to the unit of the model: sums in another order.
VALUE = 1e-12
_EPSILON = float(np.finfo(np.float64).eps)
# Of what follows from eigenvalues whose errors are known, relative to these errors.
_SLACK = 4.0


def _check_point(known: KnownModel, record: Record) -> Iterator[Check]:
    if is_line(record):
        return
    point, compare, stored = known.evidence(place_of(record)), known.compare(record), record.values
    value = "value" if record.kind == "FunctionPoint" else "loss"
    size = known.model.energy + abs(point.loss)
    yield from compare.number(value, point.loss, VALUE * size, power=0)
    yield from _rest(point, compare, record)
    yield from _spectrum(point, compare, stored)
    yield from compare.equal("count", 0) if record.kind == "FunctionPoint" else ()


def _rest(point: FunctionEvidence, compare: Comparison, record: Record) -> Iterator[Check]:
    """The gradient, and that it vanishes."""
    stored = record.values
    largest = float(np.abs(point.eigenvalues).max(initial=0.0))
    size = float(np.linalg.norm(point.x)) + point.model.length
    rounding = 64.0 * _EPSILON * largest * size + point.model.shape.slope_error
    yield from compare.number("grad_norm", point.gradient_norm, rounding, power=0)
    allowed = point.allowed_slope
    slack = allowed * (_SLACK * point.error / largest + 1e-12)
    yield from compare.number("grad_tolerance", allowed, slack, power=0)
    if str(stored.get("kind")) != str(Kind.UNDECIDED):
        norm, error = point.slope
        yield from compare.claim(
            "x" if record.kind == "FunctionPoint" else "coordinates",
            "a critical point",
            norm <= _SLACK * error + allowed,
            stored=f"gradient {norm:.3g}",
        )


def _spectrum(
    point: FunctionEvidence, compare: Comparison, stored: Mapping[str, Any]
) -> Iterator[Check]:
    values, error = point.eigenvalues, _SLACK * point.error
    yield from compare.close("eigenvalues", values, error)
    yield from compare.number("smallest_eigenvalue", values.min(initial=np.inf), error, power=0)
    for name in ("index", "nullity"):
        yield from compare.equal(name, getattr(point, name))
    yield from compare.equal("gauge", point.gauge)
    if "gauge" in stored:
        yield from compare.claim(
            "gauge", f"{point.gauge} vanishing curvatures", point.gauge_is_flat, stored="curvatures"
        )
    largest = float(np.abs(values).max(initial=0.0))
    zero = max(1e-9, 4.0 * point.model.shape.error) * largest
    yield from compare.number("zero_tolerance", zero, zero * (error / largest + 1e-12), power=0)
    positive = values[values > point.zero]
    if len(positive):
        product = float(np.log(positive).sum())
        yield from compare.number(
            "log_product", product, float((error / positive).sum()) + 1e-12, power=0
        )
    yield from _gap(point, compare, stored)


def _gap(
    point: FunctionEvidence, compare: Comparison, stored: Mapping[str, Any]
) -> Iterator[Check]:
    """Infinite where nothing vanishes; else no less than to what counts as zero.

    What a vanishing curvature is below that is rounding, which no other route gives again.
    """
    gap = stored.get("gap")
    if gap is None:
        return
    if not point.nullity:
        yield from compare.claim("gap", "infinite: nothing vanishes", gap == np.inf)
        return
    sizes = np.abs(point.eigenvalues)
    least = float(sizes[sizes > point.zero].min(initial=np.inf)) / (_SLACK * point.zero)
    yield from compare.claim("gap", f"at least {least:.3g}", gap >= least)


def _check_verdict(known: KnownModel, record: Record) -> Iterator[Check]:
    point, compare = known.evidence(place_of(record)), known.compare(record)
    if record.kind == "node":
        yield from compare.equal("kind", MINIMUM)
    critical = point.gradient_norm <= 1.01 * point.allowed_slope
    kind, reason = verdict_of(critical, point.index, point.nullity, point.gauge)
    if kind is Kind.UNDECIDED and critical and point.is_least and not point.index:
        kind, reason = Kind.MINIMUM, LEAST_REASON
    elif kind is Kind.UNDECIDED and critical and point.flat_dimension:
        kind, reason = Kind.MINIMUM, flat_reason(point.nullity)
    flaw = known.model.shape.flaw(point.x)
    if flaw is not None:
        kind, reason = Kind.UNDECIDED, flaw
    yield from compare.equal("kind", str(kind))
    yield from compare.equal("reason", reason)


def _check_symmetry(known: KnownModel, record: Record) -> Iterator[Check]:
    if is_line(record):
        return
    point, compare = known.evidence(place_of(record)), known.compare(record)
    order = point.isotropy_order
    yield from compare.equal("isotropy_order", order)
    yield from compare.equal("orbit_size", int(known.model.shape.symmetry.order) // order)
    yield from compare.equal("point_group_order", order)
    yield from compare.equal("description", known.model.shape.description(point.x, order))
    for name, value in known.model.shape.columns(point.x).items():
        if name != "point_group_order":
            close = VALUE * float(np.abs(value).max(initial=0.0))
            yield from compare.close(name, value, close)
    if record.values.get("flat_dimension") is not None:
        yield from compare.equal("flat_dimension", point.flat_dimension)


_POINT = ("grad_norm", "eigenvalues", "index")
_NODE = ("isotropy_order", "orbit_size", "description", "flat_dimension")
_SHAPE = ("point_group_order", "inertia")

CHECKERS = (
    Checker(
        covers={
            "node": (*_POINT, "loss", "coordinates", "smallest_eigenvalue", "log_product", "gap",
                     "nullity"),
            "edge": (*_POINT, "coordinates", "smallest_eigenvalue", "log_product"),
            "FunctionPoint": (*_POINT, "x", "value", "grad_tolerance", "gauge", "zero_tolerance",
                              "gap", "nullity", "count"),
        },
        run=_check_point,
    ),
    Checker(
        covers={"node": ("kind", "reason"), "FunctionPoint": ("kind", "reason")},
        run=_check_verdict,
    ),
    Checker(
        covers={"node": (*_NODE, *_SHAPE), "edge": _SHAPE, "FunctionFamily": (*_NODE, "point")},
        run=_check_symmetry,
    ),
)  # fmt: skip
