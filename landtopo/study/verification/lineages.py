"""Lineage: what a family becomes with one neuron more, followed again with own directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.eigen import eigh
from landtopo.landscape.schema import LINEAGE
from landtopo.models.networks.landscape.lineage import SPLIT, ZERO_NEURON
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.study.verification.checks import Check
from landtopo.study.verification.corners import escapes
from landtopo.study.verification.descents import Descent, follow_flow
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.intervals import binomial_ends
from landtopo.study.verification.known import Checker, Known
from landtopo.study.verification.network import parts_of
from landtopo.study.verification.quadrature import difference_hessian, difference_normal_block
from landtopo.study.verification.readings import verdict_of
from landtopo.study.verification.relations import end_families
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS"]

# Directions that are drawn for a split, more if none leads to the family that is told, and the
# level at which two samples must not differ.
_DRAWN = (4, 32)
_LEVEL = 0.999
# Length of the first step away from a split, in units of the teacher's mean length.
_PUSH = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fate:
    """Where a neuron more leads.

    Attributes
    ----------
    stays : bool
        Whether the point with it is still a minimum.
    ways : tuple of (set of str, int)
        Families to which a direction may lead, and how many directions are like it.
    drawn : bool
        Whether the directions are a random sample.
    """

    stays: bool
    ways: tuple[tuple[set[str], int], ...]
    drawn: bool

    @property
    def total(self) -> int:
        """Number of directions."""
        return sum(times for _, times in self.ways)

    def bounds(self, family: str) -> tuple[int, int]:
        """Directions that lead to a family for sure, and that may."""
        sure = sum(times for names, times in self.ways if names == {family})
        return sure, sum(times for names, times in self.ways if family in names)

    def names(self) -> str:
        """The families, as text."""
        return ", ".join(sorted(set().union(*(names for names, _ in self.ways))))


def _check(known: Known, record: Record) -> Iterator[Check]:
    stored = record.values
    if stored["kind"] != LINEAGE:
        return
    compare = known.compare(record)
    first, second = stored["from_id"], stored["to_id"]
    point = known.node(first)
    steps = known.node(second).width - point.width
    yield from compare.claim("to_id", f"a family of width {point.width + 1}", steps == 1)
    operation, neuron = stored["operation"], stored.get("neuron", 0)
    good = operation == (ZERO_NEURON if neuron == 0 else SPLIT)
    good = good and 0 <= neuron <= point.width
    shown = "zero neuron, or split and a neuron"
    for name in ("operation", "neuron"):
        if name in stored or not good:
            yield from compare.claim(name, shown, good)
    if not good or steps != 1:
        return
    yield from _once(known, record, point)
    for draws in _DRAWN:
        fate = _fate(known, point, neuron - 1, draws)
        if fate.bounds(second)[1] or not fate.drawn:
            break
    yield from compare.equal("fate", "stays" if fate.stays else "flows")
    reached = fate.bounds(second)[1] > 0 or (fate.drawn and _alike(stored, fate))
    yield from compare.claim("to_id", fate.names(), reached)
    yield from compare.claim("from_id", f"one that leads to {fate.names()}", reached)
    yield from _fraction(known, record, fate)


def _sample(stored: Mapping[str, Any]) -> tuple[int, int]:
    """How many of how many directions a stored fraction of drawn ones means."""
    total = int(stored.get("directions", 8))
    return round(float(stored["fraction"]) * total), total


def _alike(stored: Mapping[str, Any], fate: _Fate) -> bool:
    """Whether the stored sample and the one drawn here may come from one probability."""
    sure, possible = fate.bounds(stored["to_id"])
    low = binomial_ends(sure, fate.total, _LEVEL)[0]
    high = binomial_ends(possible, fate.total, _LEVEL)[1]
    stored_low, stored_high = binomial_ends(*_sample(stored), _LEVEL)
    return stored_low <= high and low <= stored_high


def _fraction(known: Known, record: Record, fate: _Fate) -> Iterator[Check]:
    stored, compare = record.values, known.compare(record)
    fraction = float(stored["fraction"])
    directions = stored.get("directions")
    sure, possible = fate.bounds(stored["to_id"])
    total = fate.total
    if not fate.drawn:
        low, high = sure / total, possible / total
        agrees = low - 1e-12 <= fraction <= high + 1e-12
        shown = f"{low:.17g}" if sure == possible else f"{low:.17g} to {high:.17g}"
        yield from compare.claim("fraction", shown, agrees)
        if not fate.stays:
            yield from compare.equal("directions", total)
            yield from compare.equal("followed", len(fate.ways))
    else:
        met, sample = _sample(stored)
        whole = 0 < met <= sample and abs(fraction * sample - met) <= 1e-9
        shown = f"{sure} to {possible} of {total} drawn again"
        yield from compare.claim("fraction", shown, whole and _alike(stored, fate))
        if directions is not None:
            yield from compare.claim("directions", "at least those followed", directions > 0)
            yield from compare.equal("followed", sample)
            low, high = binomial_ends(met, sample, 0.95)
            yield from compare.number("fraction_low", low, 1e-9, power=0)
            yield from compare.number("fraction_high", high, 1e-9, power=0)
    together = sum(float(data["fraction"]) for data in _siblings(known, stored))
    yield from compare.claim(
        "fraction", "at most 1 together", together <= 1 + 1e-9, stored=f"{together:g} together"
    )


def _siblings(known: Known, stored: Any) -> list[Any]:
    """Lines of the same family and the same neuron."""
    same = ("from_id", "operation", "neuron")
    return [
        data
        for data in known.graph.edges.values()
        if data["kind"] == LINEAGE and all(data.get(name) == stored.get(name) for name in same)
    ]


def _once(known: Known, record: Record, point: Evidence) -> Iterator[Check]:
    """Of neurons that symmetry makes the same one is split, and each kind is."""
    stored = record.values
    if "neuron" not in stored:
        return
    split = {
        data["neuron"]
        for data in known.graph.edges.values()
        if data["kind"] == LINEAGE and data["from_id"] == stored["from_id"] and "neuron" in data
    }
    classes = _neuron_classes(point)
    met = sorted(classes[neuron - 1] for neuron in split if 0 < neuron <= point.width)
    wanted = sorted(set(classes.values()))
    yield from known.compare(record).claim(
        "neuron", "one neuron of each kind", met == wanted, stored=str(sorted(split))
    )


def _neuron_classes(point: Evidence) -> dict[int, int]:
    """Class of every live neuron: those of one reduced neuron and its images are the same."""
    groups = point.parts.groups
    owner = {k: number for number, group in enumerate(groups) for k in group}
    classes = list(range(len(groups)))
    for images in point.network.symmetry.generators:
        for number, image in enumerate(images[: len(groups)]):
            low, high = sorted((classes[number], classes[image]))
            classes = [low if one == high else one for one in classes]
    return {k: classes[number] for k, number in owner.items()}


def _fate(known: Known, point: Evidence, neuron: int, draws: int) -> _Fate:
    """The neuron counts from 0; -1 is a new one of weight zero."""
    key = ("lineage", point.teacher.vectors.tobytes(), point.weights.tobytes(), neuron, draws)
    kept, ways = known.memory.get(key, lambda: _ways(known, point, neuron, draws))
    if not ways:
        name = known.family_of(known.evidence(kept)) or "elsewhere"
        return _Fate(stays=True, ways=(({name}, 1),), drawn=False)
    led = tuple((end_families(known, way), times) for way, times in ways)
    return _Fate(stays=False, ways=led, drawn=neuron >= 0)


def _ways(
    known: Known, point: Evidence, neuron: int, draws: int
) -> tuple[Array, list[tuple[Descent, int]]]:
    """The point itself with the neuron more, and the flows from it unless it is a minimum."""
    kept = np.vstack([point.weights, np.zeros((1, point.columns))])
    if neuron < 0:
        starts = _zero_starts(point)
    else:
        kept[-1] = 0.5 * kept[neuron]
        kept[neuron] *= 0.5
        starts = _split_starts(point, neuron, draws, falling=True)
        if not starts and verdict_of(known.evidence(kept), np.inf)[0] is not Kind.MINIMUM:
            # The third order decides, and leads down.
            starts = _split_starts(point, neuron, draws, falling=False)
    problem = known.problem(len(kept))
    return kept, [(follow_flow(problem, start), times) for start, times in starts]


def _zero_starts(point: Evidence) -> list[tuple[Array, int]]:
    if point.is_zero:
        return []
    return [(escape.start, escape.count) for escape in escapes(point)]


def _split_starts(
    point: Evidence, neuron: int, draws: int, *, falling: bool
) -> list[tuple[Array, int]]:
    """Two parts of a neuron pushed apart in random directions along which the loss falls.

    With `falling` false along those where it has no curvature.
    """
    if point.is_zero:
        return []
    columns, weights = point.columns, point.weights
    # Curvatures of the reduced neuron, of which this one may be a part.
    parts = parts_of(weights)
    owner = next(j for j, group in enumerate(parts.groups) if neuron in group)
    hessian = difference_hessian(point.teacher, parts.vectors)
    own = hessian.reshape(len(parts.groups), columns, -1, columns)[owner, :, owner]
    axis = weights[neuron] / np.linalg.norm(weights[neuron])
    across = np.linalg.svd(axis[None])[2][1:]
    values, modes = eigh(across @ (own - 0.5 * np.eye(columns)) @ across.T)
    error = point.spectra.error
    below = -error if falling else error
    normal = difference_normal_block(point.teacher, parts.vectors)[owner, owner] - 0.5
    outside = bool(point.unused) and normal < below
    space = np.pad((across.T @ modes[:, values < below]).T, ((0, 0), (0, int(outside))))
    if outside:
        space = np.vstack([space, np.eye(columns + 1)[-1:]])
    generator = np.random.default_rng(neuron)
    starts = []
    for _ in range(draws if len(space) else 0):
        share = generator.uniform(0.1, 0.9)
        move = generator.standard_normal(len(space)) @ space
        move *= _PUSH * float(point.teacher.norms.mean()) / np.linalg.norm(move)
        start = np.pad(weights, ((0, 1), (0, int(outside))))
        start[-1] = (1.0 - share) * start[neuron] - move
        start[neuron] = share * start[neuron] + move
        starts.append((start, 1))
    return starts


CHECKERS = (
    Checker(
        covers={
            "edge": (
                "kind",
                "from_id",
                "to_id",
                "operation",
                "neuron",
                "fate",
                "fraction",
                "fraction_low",
                "fraction_high",
                "directions",
                "followed",
            )
        },
        run=_check,
    ),
)
