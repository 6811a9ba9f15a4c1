"""Recompute what a study says, each number by another route, and list what disagrees.

- Losses, gradients and spectra: quadrature over the angle and central differences (quadrature.py),
  which share nothing with the closed forms.
- Barriers and the ends of transitions: an accurate integration of the gradient flow down both sides
  of the stored transition state; the descents of the search are guided by eigenvectors.
- Labelled copies: neurons are permuted for every automorphism of the teacher, one by one, as long
  as there are few enough.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.checks import check_options
from landtopo.landscape.schema import LINEAGE
from landtopo.objective import Array
from landtopo.problem import TeacherStudent
from landtopo.progress import Progress, Silent
from landtopo.shown import Brief
from landtopo.study.quadrature import (
    difference_hessian,
    difference_normal_block,
    quadrature_gradient,
    quadrature_loss,
)
from landtopo.study.rows import Fault
from landtopo.study.store import Study
from landtopo.units import in_units, unit_of

__all__ = ["Check", "VerifyOptions", "verify"]

# Angle in radians and relative length up to which neurons are merged and dropped: of points that
# are exact, and of points that the flow is still on the way to.
_EXACT = (1e-5, 1e-7)
_NEAR = (3e-2, 1e-2)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions(Brief):
    """Tolerances, for a teacher with squared norm 1 in total; those of larger ones grow with it.

    Attributes
    ----------
    loss : float
        Of losses and barriers: terms of order one cancel in double precision.
    gradient : float
        Largest norm of a gradient at a critical point, by the same argument.
    curvature : float
        Of eigenvalues from differences; beside a parallel neuron with a norm 100 times larger
        their error is about 1e-6.
    largest : int
        Most coordinates of a point whose spectrum is recomputed.
    most_copies : int
        Most automorphisms of the teacher that are tried one by one.
    away : float
        How far from a transition state the flows start, as a fraction of its norm.
    saddles : int
        Most saddles in which symmetry may make a flow end before it is sent on.
    modes : int
        Most modes along which it is sent on from one.
    """

    loss: float = 1e-13
    gradient: float = 1e-11
    curvature: float = 1e-5
    largest: int = 1500
    most_copies: int = 5040
    away: float = 1e-3
    saddles: int = 3
    modes: int = 4

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Brief):
    """One number of the study, recomputed.

    Attributes
    ----------
    subject : str
        Id of the family, transition or path.
    quantity : str
        Such as ``loss``.
    stored, recomputed : float or str
    tolerance : float
        Largest difference that counts as agreement; 0 for texts and counts.
    agrees : bool
    """

    subject: str
    quantity: str
    stored: float | str
    recomputed: float | str
    tolerance: float
    agrees: bool

    def record(self) -> dict[str, Any]:
        """Plain values, with the field names as keys."""
        return {name: getattr(self, name) for name in self.__slots__}


def verify(
    study: Study, *, options: VerifyOptions | None = None, progress: Progress | None = None
) -> list[Check]:
    """Recompute the graph, the families of every search and the paths of a study.

    Parameters
    ----------
    study : Study
    options : VerifyOptions, optional
    progress : Progress, optional

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
    options, progress = options or VerifyOptions(), progress or Silent()
    damaged = [_damaged(fault) for fault in study.faults()]
    if damaged:
        return damaged
    tasks = list(_tasks(study, options))
    progress.begin("verify", len(tasks))
    checks: list[Check] = []
    for task in tasks:
        checks += task
        progress.advance()
    progress.end()
    return checks


def _damaged(fault: Fault) -> Check:
    return Check(
        subject=fault.place,
        quantity="content of the file",
        stored="damaged",
        recomputed=fault.what,
        tolerance=0.0,
        agrees=False,
    )


def _tasks(study: Study, options: VerifyOptions) -> Iterator[Iterator[Check]]:
    """One lazy run of checks for each thing that is stored."""
    if study.has_graph:
        graph = study.graph()
        for node, data in graph.nodes.items():
            problem = study.problem(data["width"])
            yield _point(problem, node, data, options)
            yield _copies(problem, node, data, options)
        for (_, _, key), data in graph.edges.items():
            if data["kind"] != LINEAGE:
                ends = graph.nodes[data["from_id"]], graph.nodes[data["to_id"]]
                yield _transition(study.problem(ends[0]["width"]), key, data, ends, options)
    for width, source in study.searches():
        for family in study.families(width, source):
            record = {**family.record(), "eigenvalues": family.point.eigenvalues}
            yield _point(study.problem(width), f"{family.id} of {source}", record, options)
    for path in study.paths():
        name = f"{path.from_id} to {path.to_id} {path.permutation}"
        yield _path(path.record.problem, name, path.record, options)


def _point(
    problem: TeacherStudent, name: str, data: Mapping[str, Any], options: VerifyOptions
) -> Iterator[Check]:
    """Loss, gradient, spectra and index of a stored critical point."""
    compare = _Comparison(problem, name)
    weights = np.asarray(data["weights"], dtype=np.float64)
    teacher = problem.teacher
    yield compare.numbers("loss", data["loss"], quadrature_loss(teacher, weights), options.loss)
    gradient = float(np.linalg.norm(quadrature_gradient(teacher, weights)))
    yield compare.numbers("gradient norm", 0.0, gradient, options.gradient, power=1)
    alive = weights[np.linalg.norm(weights, axis=1) > 0]
    if not 0 < alive.size <= options.largest or "eigenvalues" not in data:
        return
    values = np.linalg.eigvalsh(difference_hessian(teacher, alive))
    stored = np.sort(np.asarray(data["eigenvalues"]))
    closest = _without_smallest(values, len(values) - len(stored))
    gap = float(np.abs(closest - stored).max(initial=0.0))
    yield compare.numbers("eigenvalues, largest difference", 0.0, gap, options.curvature, power=0)
    normal = np.linalg.eigvalsh(difference_normal_block(teacher, alive))
    outside = weights.shape[1] - problem.rank
    unused = None if problem.codimension is None else problem.codimension - outside
    if "smallest_normal_eigenvalue" in data and outside == 0 and unused != 0:
        yield compare.numbers(
            "smallest normal eigenvalue",
            data["smallest_normal_eigenvalue"],
            float(normal[0]),
            options.curvature,
            power=0,
        )
    if "index" in data:
        # Zero and gauge directions scatter around zero by the error of the differences.
        floor = -options.curvature * compare.scale(0)
        count = int(np.sum(values < floor)) + int(np.sum(normal < floor)) * (
            len(weights) - outside if unused is None else unused
        )
        yield compare.equal("index", data["index"], count)


def _without_smallest(values: NDArray[Any], count: int) -> NDArray[Any]:
    """The values but the `count` of smallest size: gauge directions, which records leave out."""
    order = np.argsort(np.abs(values), kind="stable")
    return np.sort(values[order[count:]]) if count >= 0 else values


def _copies(
    problem: TeacherStudent, name: str, data: Mapping[str, Any], options: VerifyOptions
) -> Iterator[Check]:
    """The number of labelled copies, K! |Aut(T)| / |isotropy|, by trying every symmetry."""
    teacher, weights = problem.teacher, np.asarray(data["weights"])
    if (
        math.factorial(teacher.size) > options.most_copies
        or weights.shape[1] > problem.rank
        or "orbit_size" not in data
    ):
        return
    # An automorphism acts on the span as the orthogonal map that permutes the teachers.
    same = 1e-6 * float(teacher.norms.max())
    automorphisms = stabiliser = 0
    overlaps = weights @ teacher.vectors.T
    for order in permutations(range(teacher.size)):
        chosen = list(order)
        if np.abs(teacher.gram[np.ix_(chosen, chosen)] - teacher.gram).max() > same:
            continue
        automorphisms += 1
        stabiliser += _matchings(overlaps, overlaps[:, chosen], same)
    copies = math.factorial(len(weights)) * automorphisms // max(stabiliser, 1)
    yield _Comparison(problem, name).equal("labelled copies", data["orbit_size"], copies)


def _matchings(first: Array, second: Array, same: float) -> int:
    """In how many ways the rows of one table can be put in the order of the other's."""
    groups: list[Array] = []

    def number_of(row: Array) -> int:
        for number, group in enumerate(groups):
            if np.abs(group - row).max() <= same:
                return number
        groups.append(row)
        return len(groups) - 1

    counts, wanted = (Counter(map(number_of, rows)) for rows in (first, second))
    if counts != wanted:
        return 0
    return math.prod(math.factorial(count) for count in counts.values())


def _transition(
    problem: TeacherStudent,
    name: str,
    data: Mapping[str, Any],
    ends: tuple[Mapping[str, Any], Mapping[str, Any]],
    options: VerifyOptions,
) -> Iterator[Check]:
    """A transition of the graph: its point, its barriers, and where the flow takes it."""
    compare = _Comparison(problem, name)
    for side, end in zip(("from", "to"), ends, strict=True):
        barrier = data[f"barrier_{side}"]
        height = data["loss"] - quadrature_loss(problem.teacher, np.asarray(end["weights"]))
        yield compare.numbers(f"barrier {side}", barrier, height, options.loss)
    profile = np.asarray(data.get("profile", np.empty((0, 2))))
    if len(profile):
        top = float(profile[:, 1].max())
        yield compare.numbers("highest loss of the profile", data["loss"], top, options.loss)
    if "weights" not in data:
        return
    yield from _point(problem, name, data, options)
    if data["kind"] == "saddle":
        by_name = {data["from_id"]: ends[0], data["to_id"]: ends[1]}
        sides = _flow_ends(problem, np.asarray(data["weights"]), by_name, options)
        wanted = data["from_id"], data["to_id"]
        matched = any(
            one in sides[0] and other in sides[1] for one, other in (wanted, wanted[::-1])
        )
        found = wanted if matched else [" or ".join(sorted(side)) for side in sides]
        yield compare.equal("ends of the flow", ", ".join(wanted), ", ".join(found))


def _flow_ends(
    problem: TeacherStudent,
    weights: Array,
    families: Mapping[str, Mapping[str, Any]],
    options: VerifyOptions,
) -> tuple[set[str], set[str]]:
    """Names of the families in which the gradient flow from both sides of a saddle ends."""
    unit = unit_of(problem.teacher)
    problem, weights = in_units(problem), weights / unit
    families = {
        name: {"weights": np.asarray(data["weights"]) / unit} for name, data in families.items()
    }
    push = _pushes(problem, weights, options)[0]
    first, last = (
        _families_below(problem, weights + side, families, options, options.saddles)
        for side in (push, -push)
    )
    return first, last


def _families_below(
    problem: TeacherStudent,
    start: Array,
    families: Mapping[str, Mapping[str, Any]],
    options: VerifyOptions,
    saddles: int,
) -> set[str]:
    """Names of the families in which the flow ends, past so many saddles at most.

    The flow keeps the symmetries of its start, and may end in a saddle that shares them. All
    families below that are joined there, so it is left along every falling mode.
    """
    end = _flow_end(problem, start)
    pushes = _pushes(problem, end, options) if saddles else []
    if not pushes:
        return {_family_of(problem, end, families)}
    found: set[str] = set()
    for push in pushes[: options.modes]:
        for side in (push, -push):
            found |= _families_below(problem, end + side, families, options, saddles - 1)
            if found >= set(families):
                return found
    return found


def _pushes(problem: TeacherStudent, weights: Array, options: VerifyOptions) -> list[Array]:
    """Short steps along the modes of negative curvature by differences, the steepest first."""
    if not np.linalg.norm(weights, axis=1).all():
        return []
    values, vectors = np.linalg.eigh(difference_hessian(problem.teacher, weights))
    length = options.away * float(np.linalg.norm(weights))
    falling = vectors[:, values < -options.curvature]
    return [length * mode.reshape(weights.shape) for mode in falling.T]


def _flow_end(problem: TeacherStudent, start: Array) -> Array:
    from landtopo.dynamics.flow import flow_weights

    return _solved(problem, flow_weights(problem, start).weights[-1])


def _solved(problem: TeacherStudent, weights: Array) -> Array:
    """The critical point that Newton's method finds from weights, shape (K, r + E)."""
    from landtopo.loss import PopulationLoss, WeightObjective
    from landtopo.points.polish import polish

    width, columns = weights.shape
    loss = PopulationLoss(problem.with_width(width))
    objective = WeightObjective(loss, width=width, columns=columns)
    return polish(objective, weights.ravel())[0].reshape(weights.shape)


def _family_of(
    problem: TeacherStudent, weights: Array, families: Mapping[str, Mapping[str, Any]]
) -> str:
    """Name of the family that weights belong to.

    To a flat set with walls of third order the flow comes so slowly that neurons which become
    parallel still differ by an angle, and those which vanish have a length; the network without
    these differences is solved instead.
    """
    from landtopo.points.reduced import reduce_network
    from landtopo.symmetry import PointGraph, equivalence

    vectors = problem.teacher.vectors

    def reduced(point: Array, same: tuple[float, float]) -> Array:
        angle, zero = same
        return reduce_network(
            point, problem.rank, angle_tolerance=angle, zero_tolerance=zero
        ).vectors

    stored = {
        name: PointGraph.from_weights(reduced(np.asarray(data["weights"]), _EXACT), vectors)
        for name, data in families.items()
    }
    for same in (_EXACT, _NEAR):
        mine = reduced(weights, same)
        if same is _NEAR and len(mine):
            mine = _solved(problem, mine)
        shape = PointGraph.from_weights(mine, vectors)
        for name, graph in stored.items():
            if equivalence(graph, shape) is not None:
                return name
    return "elsewhere"


def _path(
    problem: TeacherStudent, name: str, record: Any, options: VerifyOptions
) -> Iterator[Check]:
    """A stored path: its highest loss, and the transition states on it."""
    compare = _Comparison(problem, name)
    for number, state in enumerate(record.transition_states, start=1):
        data = {
            "weights": state.weights,
            "loss": state.loss,
            "eigenvalues": state.eigenvalues,
            "index": state.index,
        }
        yield from _point(problem, f"{name}, transition state {number}", data, options)
    if record.verified:
        losses = [quadrature_loss(problem.teacher, point) for point in record.points]
        tolerance = options.loss + record.profile_tolerance / compare.scale(2)
        yield compare.numbers("highest loss", record.highest_loss, max(losses), tolerance)


class _Comparison:
    """Makes checks about one thing."""

    def __init__(self, problem: TeacherStudent, subject: str) -> None:
        self.subject = subject
        self._unit = unit_of(problem.teacher)
        self._size = max(1.0, float(np.trace(problem.teacher.gram)) / self._unit**2)

    def scale(self, power: int) -> float:
        """Size of a quantity that grows with a power of the unit of the teacher."""
        return self._size * self._unit**power

    def numbers(
        self, quantity: str, stored: float, recomputed: float, tolerance: float, *, power: int = 2
    ) -> Check:
        """Compare two numbers that grow with a power of the teacher's length; losses with two."""
        tolerance *= self.scale(power)
        return Check(
            subject=self.subject,
            quantity=quantity,
            stored=float(stored),
            recomputed=float(recomputed),
            tolerance=tolerance,
            agrees=bool(abs(stored - recomputed) <= tolerance),
        )

    def equal(self, quantity: str, stored: object, recomputed: object) -> Check:
        """Compare counts or names."""
        return Check(
            subject=self.subject,
            quantity=quantity,
            stored=str(stored),
            recomputed=str(recomputed),
            tolerance=0.0,
            agrees=str(stored) == str(recomputed),
        )
