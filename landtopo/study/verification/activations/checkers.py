"""Families and transitions of a graph of another activation than ReLU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.study.verification.activations.evidence import KnownNetworks, NetworkEvidence
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.known import Checker, weights_of
from landtopo.study.verification.labelled import differ, relabelled
from landtopo.study.verification.stored import Record
from landtopo.symmetry.permutations import parse_cycles

__all__ = ["CHECKERS"]

# Of losses and gradients, beside what the grid shows; and of ends that Newton's method finished.
_VALUE = 1e-13
_SAME = 1e-5


def _check_family(known: KnownNetworks, record: Record) -> Iterator[Check]:
    point, compare = known.evidence(weights_of(record)), known.compare(record)
    yield from _loss(point, compare)
    if len(point.live) == len(point.weights):
        yield from _curvatures(point, compare)
    yield from compare.equal("isotropy_order", point.isotropy_order)
    yield from compare.equal("orbit_size", point.copies)


def _loss(point: NetworkEvidence, compare: Comparison) -> Iterator[Check]:
    value, error = point.loss
    yield from compare.number("loss", value, _VALUE + error)
    yield from compare.number("grad_norm", point.gradient_norm, 10 * _VALUE + error, power=1)


def _curvatures(point: NetworkEvidence, compare: Comparison) -> Iterator[Check]:
    lowest = float(point.inside.min(initial=np.inf))
    yield from compare.number("smallest_eigenvalue", lowest, point.error, power=0)
    yield from compare.equal("index", point.index)


def _check_pass(known: KnownNetworks, record: Record) -> Iterator[Check]:
    """Height, barriers and curvatures of a transition, and where the flow leads from there."""
    stored, compare = record.values, known.compare(record)
    weights = weights_of(record)
    if weights is None:
        return
    point = known.evidence(weights)
    yield from _loss(point, compare)
    sides = [known.node(stored[f"{side}_id"]) for side in ("from", "to")]
    for side, end in zip(("from", "to"), sides, strict=True):
        error = 2 * _VALUE + point.loss[1] + end.loss[1]
        yield from compare.number(f"barrier_{side}", point.loss[0] - end.loss[0], error)
    if stored["kind"] != "saddle":
        return
    yield from _curvatures(point, compare)
    flat = any(known.graph.nodes[stored[f"{side}_id"]].get("flat_dimension") != 0
               for side in ("from", "to"))  # fmt: skip
    if not flat and not stored.get("through_saddle"):
        yield from _ends(point, compare, sides)


def _ends(
    point: NetworkEvidence, compare: Comparison, sides: list[NetworkEvidence]
) -> Iterator[Check]:
    """The flows lead to the first family's representative, and to this copy of the second's."""
    stored, problem = compare.values, point.problem
    graphs = [point.graph(end.weights) for end in sides]
    count = problem.sides
    try:
        students = parse_cycles(stored["permutation"], problem.width, signs=problem.function.turns)
        teachers = parse_cycles(stored["teacher_permutation"], len(graphs[1].classes) - count)
    except InvalidArgument:
        yield from compare.claim("permutation", "a permutation", False)
        return
    wanted = (graphs[0], relabelled(graphs[1], (*students, *(count + m for m in teachers))))
    ends = [point.graph(end) for end in point.ends]
    agree = any(
        all(differ(end, goal) <= _SAME for end, goal in zip(turn, wanted, strict=True))
        for turn in (ends, ends[::-1])
    )
    for name in ("from_id", "to_id", "permutation", "teacher_permutation", "verified"):
        yield from compare.claim(name, "where the flows end", agree)


_POINT = ("loss", "grad_norm", "smallest_eigenvalue", "index")
_ENDS = ("from_id", "to_id", "permutation", "teacher_permutation", "verified")

CHECKERS = (
    Checker(covers={"node": (*_POINT, "isotropy_order", "orbit_size")}, run=_check_family),
    Checker(covers={"edge": (*_POINT, "barrier_from", "barrier_to", *_ENDS)}, run=_check_pass),
)
