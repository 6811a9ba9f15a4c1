"""Families and events from all curves of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.sweeps.events import (
    SAME_POINT,
    TRACKED,
    Group,
    SweepEvent,
    event_of,
    joined,
)
from landtopo.models.networks.sweeps.pieces import Curves, Part
from landtopo.models.networks.sweeps.proved import Approach, Proof, approach
from landtopo.models.networks.sweeps.result import SweepFamily
from landtopo.models.networks.sweeps.trace import Happening, HappeningKind
from landtopo.models.networks.symmetry import equivalence, point_graph
from landtopo.objective import Array

__all__ = ["Prover", "assembled"]

_SAME_END, _CLOSE = 1e-8, 0.1

#: Proves many ends of families: whatever `proved` returns for each.
Prover = Callable[[list[Approach]], list[Mapping[str, Any]]]


def assembled(
    known: Curves, prover: Prover | None = None
) -> tuple[tuple[SweepFamily, ...], tuple[SweepEvent, ...]]:
    """Curves cut at what happens to them, and events with the families on both sides.

    Parameters
    ----------
    known : Curves
    prover : callable, optional
        Proves what is there on both sides.
    """
    parts = [part for one in known.curves for part in one.parts()]
    parts.sort(key=lambda one: (one.values[0], one.index, one.losses[0], one.curve))
    parts = _different(known, parts)
    names, count = [], 0
    for part in parts:
        count += part.index <= TRACKED
        names.append(f"s{count}" if part.index <= TRACKED else "")
    groups = [
        group for group in joined(known, parts) if any(names[place] for place, _ in group.ends)
    ]
    for group in groups:
        for place, side in group.ends:
            parts[place] = _closed(known, group, parts[place], side)
    proofs = _proofs(known, groups, parts, names, prover)
    events = [
        event_of(known, group, parts, names, proof)
        for group, proof in zip(groups, proofs, strict=True)
    ]
    of_part = {end: number for number, group in enumerate(groups) for end in group.ends}
    families = [
        _family(known, part, name, [of_part.get((place, side)) for side in (0, 1)])
        for place, (part, name) in enumerate(zip(parts, names, strict=True))
        if name
    ]
    return tuple(families), tuple(events)


def _closed(known: Curves, group: Group, part: Part, side: int) -> Part:
    """A part with the exact end that it has on the curve which it meets there."""
    curve = known.curves[group.curve]
    met = curve.happenings[group.happening]
    if part.curve == group.curve or met.kind is not HappeningKind.CROSSING:
        return part
    values, losses, smallest = (one.copy() for one in (part.values, part.losses, part.smallest))
    weights = part.weights.copy()
    inner, outer, losses[-side] = curve.branch.spectra(met.weights, met.value)
    values[-side] = met.value
    smallest[-side] = min(inner.min(), outer.min(initial=np.inf))
    copy = _copy(known, met, weights[-side])
    if copy is not None:
        weights[-side] = copy
    return replace(part, values=values, losses=losses, smallest=smallest, weights=weights)


def _copy(known: Curves, met: Happening, near: Array) -> Array | None:
    """The copy of a point that is close to some weights; None if there is none."""
    rank = known.curve.size
    teacher = known.curve.teacher(met.value)
    wide = np.pad(met.weights, ((0, 0), (0, max(near.shape[1] - met.weights.shape[1], 0))))
    if wide.shape != near.shape:
        return None
    element = equivalence(
        point_graph(teacher, wide), point_graph(teacher, near), tolerance=SAME_POINT
    )
    if element is None:
        return None
    moved = np.empty_like(wide)
    moved[np.ix_(element.students, element.teachers)] = wide[:, :rank]
    moved[list(element.students), rank:] = wide[:, rank:]
    # Axes outside the span turn with them.
    left, _, right = np.linalg.svd(moved[:, rank:].T @ near[:, rank:])
    moved[:, rank:] = moved[:, rank:] @ (left @ right)
    return moved if np.linalg.norm(moved - near) < _CLOSE else None


def _family(known: Curves, part: Part, name: str, ends: list[int | None]) -> SweepFamily:
    curve = known.curves[part.curve]
    middle = len(part.values) // 2
    problem = TeacherStudent(known.curve.teacher(float(part.values[middle])), len(part.weights[0]))
    return SweepFamily(
        id=name,
        low=float(part.values[0]),
        high=float(part.values[-1]),
        index=part.index,
        isotropy=curve.isotropy,
        isotropy_order=curve.order,
        anti_aligned=read_point(problem, part.weights[middle]).anti_aligned,
        values=part.values,
        losses=part.losses,
        smallest=part.smallest,
        weights=part.weights,
        begins=ends[0],
        ends=ends[1],
        why_begins=part.why[0],
        why_ends=part.why[1],
        found_by=curve.found_by,
    )


def _proofs(
    known: Curves, groups: list[Group], parts: list[Part], names: list[str], prover: Prover | None
) -> list[tuple[Proof, ...]]:
    """Of each group, one for each of its ends."""
    if prover is None:
        return [()] * len(groups)
    reach = known.curve.high - known.curve.low
    begins = []
    for group in groups:
        met = known.curves[group.curve].happenings[group.happening]
        for place, side in group.ends:
            part = parts[place]
            begins.append(approach(known.curves[part.curve], part, met, side, reach))
    told = iter(prover([one for one in begins if one is not None]))
    waiting = iter(begins)
    found = []
    for group in groups:
        proofs = []
        for place, _ in group.ends:
            begin = next(waiting)
            met = known.curves[group.curve].happenings[group.happening]
            result = (
                {"value": met.value, "index": -1, "at_end": False} if begin is None else next(told)
            )
            index = int(result["index"])
            proofs.append(
                Proof(
                    family=names[place],
                    value=float(result["value"]),
                    index=index if index >= 0 else None,
                    at_end=bool(result["at_end"]),
                )
            )
        found.append(tuple(proofs))
    return found


def _different(known: Curves, parts: list[Part]) -> list[Part]:
    """Without parts that are others seen in a mirror, where a curve goes back along itself."""
    kept: list[Part] = []
    for part in parts:
        value = float(part.values[0] + part.values[-1]) / 2.0
        twin = any(
            part.curve == one.curve
            and np.allclose(part.values[[0, -1]], one.values[[0, -1]], rtol=0, atol=_SAME_END)
            and known.same(part.curve, part, one, value)
            for one in kept
        )
        if not twin:
            kept.append(part)
    return kept
