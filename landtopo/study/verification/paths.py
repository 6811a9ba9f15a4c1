"""Stored paths: every point on them, every step, and what is said of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from landtopo.models.networks.paths.record import PathRecord
from landtopo.objective import Array
from landtopo.paths.joined import JoinStatus
from landtopo.points.records import Kind
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.corners import ways_over
from landtopo.study.verification.descents import Descent, both_ways
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.known import Checker, Known
from landtopo.study.verification.labelled import differ, isomorphism, joint
from landtopo.study.verification.provenance import check_name, check_teacher
from landtopo.study.verification.quadrature import quadrature_loss
from landtopo.study.verification.readings import same_network, verdict_of
from landtopo.study.verification.relations import lies_at, point_graph
from landtopo.study.verification.spectra import LOSS
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "EVALUATIONS"]

# Labelled points that are the same, relative to their largest product.
_SAME = 1e-6
# Arc lengths are sums of many distances in double precision.
_LENGTH = 1e-9


def _check_path(known: Known, record: Record) -> Iterator[Check]:
    (named,) = record.within
    path: PathRecord = named.record
    compare = known.compare(record)
    yield from compare.claim("problem", "that of the study", path.problem.width == len(path.start)
                             and path.problem.dim == known.study.dim, stored="problem")  # fmt: skip
    yield from _ends(known, compare, path, named)
    yield from _points(known, compare, path)
    yield from _minima(known, compare, path)
    yield from _whole(compare, path)


def _ends(known: Known, compare: Comparison, path: PathRecord, named: Any) -> Iterator[Check]:
    """Both ends: critical points, the first and last points, and of the families that are named."""
    for name, weights, place, family in (
        ("start", path.start, 0, named.from_id),
        ("end", path.end, -1, named.to_id),
    ):
        point = known.evidence(weights, path.problem)
        rest = point.gradient_norm <= 1e-11 * compare.scale(1)
        near = _same(point, weights, path.points[place]) and _same(
            point, weights, path.minima[place]
        )
        wanted = True
        if family in known.graph and known.node(family).width == point.width:
            wanted = same_network(point, known.node(family))
        elif family == "global":
            wanted = point.is_zero
        shown = "a critical point of the family named, where the path ends"
        yield from compare.claim(name, shown, rest and near and wanted, stored=family)
    permutation = path.permutation
    if permutation is not None:
        good = sorted(permutation) == list(range(len(path.start)))
        graph = point_graph(path.start, known.evidence(path.start, path.problem))
        if good:
            placed = point_graph(
                path.end[list(permutation)], known.evidence(path.end, path.problem)
            )
            good = differ(graph, placed) <= _SAME
        yield from compare.claim("permutation", "one that makes the end the start", good)
    else:
        yield from compare.claim(
            "permutation", "none, because the ends are no copies", _no_copies(known, path)
        )


def _no_copies(known: Known, path: PathRecord) -> bool:
    vectors = known.evidence(path.start, path.problem).frame
    graphs = [joint(w, vectors, teachers_apart=True) for w in (path.start, path.end)]
    return isomorphism(*graphs) is None


def _same(point: Evidence, one: Array, other: Array) -> bool:
    return differ(point_graph(one, point), point_graph(other, point)) <= _SAME


def _points(known: Known, compare: Comparison, path: PathRecord) -> Iterator[Check]:
    """Losses along the path, between its points too, and arc lengths."""
    teacher = path.problem.teacher
    losses = np.array([quadrature_loss(teacher, point) for point in path.points])
    allowed = LOSS * compare.scale(2)
    yield from compare.close("losses", losses, allowed)
    differences = np.linalg.norm(np.diff(path.points, axis=0), axis=(1, 2))
    lengths = np.concatenate([[0.0], np.cumsum(differences)])
    yield from compare.close("positions", lengths, _LENGTH * max(float(lengths[-1]), 1e-300))
    same = bool(
        np.abs(losses - path.losses).max() <= allowed
        and np.abs(lengths - path.positions).max() <= _LENGTH * max(float(lengths[-1]), 1e-300)
    )
    yield from compare.claim(
        "points", "those of its losses and positions", same, stored=f"{len(path.points)} points"
    )
    between = (path.points[1:] + path.points[:-1]) / 2
    top = float(losses.max())
    over = max((quadrature_loss(teacher, point) for point in between), default=0.0) - top
    yield from compare.claim(
        "points", "no higher between them", over <= path.profile_tolerance + allowed,
        stored=f"{over:.2g} higher",
    )  # fmt: skip
    unit = known.evidence(path.start, path.problem).unit
    good = 0 < path.profile_tolerance <= 1e-6 * unit**2
    yield from compare.claim("profile_tolerance", "below 1e-6", good)
    if path.verified:
        yield from compare.number("highest_loss", top, LOSS + path.profile_tolerance)


def _minima(known: Known, compare: Comparison, path: PathRecord) -> Iterator[Check]:
    """Minima and transition states where they are said to be on the path."""
    points = [known.evidence(weights, path.problem) for weights in path.minima]
    good = all(
        point.gradient_norm <= 1e-11 * point.unit
        and verdict_of(point, np.inf)[0] is not Kind.SADDLE
        for point in points
    )
    yield from compare.claim("minima", "minima", good, stored=f"{len(points)} points")
    passed = [known.evidence(weights, path.problem) for weights in path.met]
    good = all(
        point.gradient_norm <= 1e-11 * point.unit
        and (point.spectra.index == 1 or len(point.parts.zero) == 1)
        for point in passed
    )
    yield from compare.claim("met", "transition states", good, stored=f"{len(passed)} points")
    yield from compare.close("minima_losses", [point.loss for point in points],
                             LOSS * compare.scale(2))  # fmt: skip
    for name, positions, states in (
        ("minima_positions", path.minima_positions, path.minima),
        (
            "transition_positions",
            path.transition_positions,
            tuple(state.weights for state in path.transition_states),
        ),
    ):
        good = len(positions) == len(states)
        for position, weights in zip(positions, states, strict=False):
            nearest = path.points[int(np.argmin(np.abs(path.positions - position)))]
            apart = np.abs(path.positions - position).min() <= 1e-9 * (1 + path.positions[-1])
            point = known.evidence(weights, path.problem)
            padded = np.pad(weights, ((0, 0), (0, nearest.shape[1] - weights.shape[1])))
            good = good and bool(apart) and _same(point, padded, nearest)
        yield from compare.claim(name, "where the path passes them", good)
    yield from compare.claim(
        "transition_states", "one for each position", good, stored=str(len(path.transition_states))
    )


def _whole(compare: Comparison, path: PathRecord) -> Iterator[Check]:
    """What follows from the steps."""
    heights = [step.highest_loss for step in path.steps]
    if path.verified and heights:
        top = path.steps[int(np.argmax(heights))]
        yield from compare.number("highest_loss", max(heights), LOSS)
        kinds = {step.kind for step in path.steps if step.highest_loss >= top.highest_loss - 1e-12}
        yield from compare.claim("kind", " or ".join(sorted(kinds)), path.kind in kinds)
    joined = bool(heights) and [step.start for step in path.steps] == list(range(len(heights)))
    yield from compare.claim("steps", "from minimum to minimum", joined or not path.verified,
                             stored=f"{len(heights)} steps")  # fmt: skip
    yield from compare.claim("missing", "nothing if verified", path.verified != bool(path.missing),
                             stored=f"{len(path.missing)} pairs")  # fmt: skip
    yield from compare.claim("verified", not path.missing, path.verified != bool(path.missing))
    first = path.first_highest_loss
    good = first >= path.highest_loss - LOSS * compare.scale(2) or not path.verified
    yield from compare.claim("first_highest_loss", "no lower than the path", good)
    others = all(other.highest_loss >= path.highest_loss - 1e-9 for other in path.runners_up)
    yield from compare.claim("runners_up", "no lower than the path", others,
                             stored=f"{len(path.runners_up)} routes")  # fmt: skip
    for name, value in (("bands", path.bands), ("seed", path.seed)):
        yield from compare.claim(name, "an integer >= 0", type(value) is int and value >= 0)
    yield from compare.claim("seconds", "a time", math.isfinite(path.seconds)
                             and path.seconds >= 0)  # fmt: skip
    sentences = {status.value for status in JoinStatus}
    yield from compare.claim("status", "a sentence of the search", path.status in sentences)
    yield from compare.claim("evaluations", "counts", True, stored="counts")


def _check_step(known: Known, record: Record) -> Iterator[Check]:
    (named,) = record.within
    path: PathRecord = named.record
    compare, stored = known.compare(record), record.values
    count = len(path.minima)
    ends = stored["start"], stored["end"]
    good = all(0 <= end < count for end in ends) and ends[1] == ends[0] + 1
    for name in ("start", "end"):
        yield from compare.claim(name, "numbers of neighbouring minima", good)
    if not good:
        return
    points = [known.evidence(path.minima[end], path.problem) for end in ends]
    higher = max(point.loss for point in points)
    number = stored["transition"]
    if number is None:
        flat = abs(points[0].loss - points[1].loss) <= 1e-11 * compare.scale(2)
        yield from compare.claim("kind", "flat", flat and stored["kind"] == "flat")
        yield from compare.claim("transition", "none", flat and stored["kind"] == "flat")
        yield from compare.number("highest_loss", higher, 1e-11)
        yield from compare.claim("through", "nothing", not stored["through"])
        return
    if not 0 <= number < len(path.transition_states):
        yield from compare.claim("transition", "the number of a state", False)
        return
    state = path.transition_states[number].weights
    point = known.evidence(state, path.problem)
    kind = "corner" if point.parts.zero else "saddle"
    yield from compare.equal("kind", kind)
    yield from compare.number("highest_loss", max(point.loss, higher), 1e-11)
    yield from _ways(known, record, state, points)


def _ways(known: Known, record: Record, state: Array, points: list[Evidence]) -> Iterator[Check]:
    """Whether the flows from a state end in the two minima of its step."""
    (named,) = record.within
    problem, compare = named.record.problem, known.compare(record)
    point = known.evidence(state, problem)
    graphs = [point_graph(end.weights, end) for end in points]
    joined, through = False, False
    if point.parts.zero:
        key = ("over corner", state.tobytes(), state.shape)
        ways = known.memory.get(key, lambda: ways_over(problem, state))
        ends = [known.evidence(end, problem) for way in ways for end in way.ends]
        joined = all(any(same_network(end, wanted) for end in ends) for wanted in points)
    else:
        for modes in (1, 4):
            flows = ("both ways", state.tobytes(), state.shape, modes)
            both = known.memory.get(flows, partial(both_ways, problem, state, modes))
            joined = any(_lands(turn, graphs, points) for turn in (both, both[::-1]))
            through = any(way.saddle is not None for way in both)
            if joined:
                break
        yield from compare.claim("through", through, bool(record.values["through"]) == through,
                                 stored=f"{len(record.values['through'])} saddles")  # fmt: skip
    yield from compare.claim("transition", "one that joins the two minima", joined)
    for name in ("start", "end"):
        yield from compare.claim(name, "a minimum that the flow ends in", joined)


def _lands(turn: tuple[Descent, ...], graphs: list[Any], points: list[Evidence]) -> bool:
    """Each flow ends at its minimum, or on the flat set of it."""
    for way, graph, point in zip(turn, graphs, points, strict=True):
        flat = point.width > len(point.parts.groups)
        ends = [Evidence(point.problem, end) for end in way.ends] if flat else []
        if not lies_at(way, graph, point) and not any(same_network(end, point) for end in ends):
            return False
    return True


def _check_saddle(known: Known, record: Record) -> Iterator[Check]:
    named = record.within[0]
    compare, stored = known.compare(record), record.values
    point = known.evidence(stored["weights"], named.record.problem)
    rest = point.gradient_norm <= 1e-9 * compare.scale(1)
    good = rest and point.spectra.index > 0
    yield from compare.number("loss", point.loss, 1e-12)
    yield from compare.claim("weights", "a saddle", good, stored=f"{point.gradient_norm:.2g}")


def _check_runner_up(known: Known, record: Record) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    losses = stored["losses"]
    good = bool(losses) and max(losses) <= stored["highest_loss"] + LOSS * compare.scale(2)
    named = record.within[0].record
    minima = max(float(named.minima_losses[0]), float(named.minima_losses[-1]))
    top = max([minima, *losses])
    yield from compare.number("highest_loss", top, 1e-11)
    yield from compare.claim("losses", "no higher than the route", good or not losses)


def _check_problem(known: Known, record: Record) -> Iterator[Check]:
    compare = known.compare(record)
    path: PathRecord = record.within[0].record
    if record.kind == "TeacherStudent":
        yield from compare.equal("width", len(path.start))
        same = record.values["dim"] == known.study.dim
        yield from compare.claim("dim", known.study.dim, same)
        yield from compare.equal("activation", known.teacher.activation)
        yield from compare.equal("outputs", None)
        yield from compare.claim("teacher", known.teacher.title,
                                 record.values["teacher"] == known.teacher)  # fmt: skip
        return
    yield from check_name(compare, known, "name", record.values["name"])
    yield from check_teacher(compare, known, record.values["gram"], record.values["vectors"])
    yield from compare.equal("activation", known.teacher.activation)
    yield from compare.equal("outputs", known.teacher.outputs)


def _check_evaluations(known: Known, record: Record) -> Iterator[Check]:
    for name, value in record.values.items():
        good = isinstance(value, int) and 0 <= value < 10**12
        yield from known.compare(record).claim(name, "a count", good)


_COUNTS = {"Evaluations": ("value", "gradient", "hessian")}
#: The same for paths of any landscape.
EVALUATIONS = Checker(covers=_COUNTS, run=_check_evaluations, form=_COUNTS)

CHECKERS = (
    Checker(
        covers={
            "PathRecord": (
                "problem", "start", "end", "points", "positions", "losses", "profile_tolerance",
                "minima", "minima_losses", "minima_positions", "transition_states",
                "transition_positions", "steps", "highest_loss", "verified", "kind",
                "permutation", "missing", "runners_up", "first_highest_loss", "bands",
                "evaluations", "seconds", "seed", "status", "met",
            )
        },
        run=_check_path,
        form={
            "PathRecord": (
                "profile_tolerance",
                "first_highest_loss",
                "bands",
                "seconds",
                "seed",
                "status",
            )
        },
    ),
    Checker(
        covers={"StepRecord": ("kind", "highest_loss", "transition", "start", "end", "through")},
        run=_check_step,
    ),
    Checker(covers={"PassedSaddle": ("loss", "weights")}, run=_check_saddle),
    Checker(
        covers={"RunnerUp": ("highest_loss", "losses")},
        run=_check_runner_up,
        form={"RunnerUp": ("losses",)},
    ),
    Checker(
        covers={
            "TeacherStudent": ("teacher", "width", "dim", "activation", "outputs"),
            "Teacher": ("vectors", "gram", "name", "activation", "outputs"),
        },
        run=_check_problem,
    ),
    EVALUATIONS,
)  # fmt: skip
