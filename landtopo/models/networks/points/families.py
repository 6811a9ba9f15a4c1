"""Families: end points of searches grouped by their reduced networks, up to symmetry.

Two critical points belong to one family when their reduced networks (zero neurons dropped, parallel
neurons merged) are carried into each other by student permutations, teacher automorphisms and
rotations outside the span.

At zero loss it is enough that the *directions* of the reduced neurons agree. For directions u_j the
norms c_j >= 0 with sum c_j relu(u_j.x) = f* form a convex polytope, so all such points lie on one
connected set. Only linearly dependent teachers have more than one point of this kind. The same
holds for every s that is positively homogeneous. Of an odd s that is not, pairs (w, -w) cancel:
they, and zero neurons, are left out at zero loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from landtopo.errors import InvalidArgument
from landtopo.landscape.numbering import numbered
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.cancelling import (
    cancelling_pairs,
    pairs_dimension,
    without_pairs,
)
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.points.classify import classify, is_zero_loss
from landtopo.models.networks.points.reading import Reading, read_point
from landtopo.models.networks.points.reduced import Reduced, reduce_network
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry import (
    GraphMark,
    PointGraph,
    both_signs,
    equivalence_classes,
    function_automorphisms,
    isotropy,
    mirror_images,
    orbit_size,
    point_graph,
    symmetry_frame,
)
from landtopo.models.networks.tolerances import PARALLEL, ZERO_NEURON
from landtopo.models.networks.units import unit_of
from landtopo.objective import Array
from landtopo.points.known import Known
from landtopo.points.records import Attempts, CriticalPoint, Family, Kind, Status

__all__ = [
    "FamilyIndex",
    "build_families",
    "describe_family",
    "distinguishing",
    "family_graph",
    "group_weights",
    "number_families",
]

_ZERO_LOSS = 1e-13


def build_families(
    problem: TeacherStudent, attempts: Attempts, *, grad_tolerance: float = 1e-12
) -> tuple[tuple[Family, ...], NDArray[np.int64]]:
    """Group the converged end points of a search into families.

    Parameters
    ----------
    problem : TeacherStudent
    attempts : Attempts
    grad_tolerance : float
        Largest |grad| of a critical point.

    Returns
    -------
    families : tuple of Family
        By increasing loss, numbered ``w6-f0``, ``w6-f1``, ...
    labels : ndarray of int, shape (n,)
        Family of every attempt, -1 where it did not converge.
    """
    converged = np.array([status is Status.CONVERGED for status in attempts.status], dtype=bool)
    rows = np.flatnonzero(converged)
    classes = group_weights(problem, attempts.weights[rows])
    points = [
        classify(problem, attempts.weights[rows[first]], grad_tolerance=grad_tolerance)
        for first in np.unique(classes, return_index=True)[1]
    ]
    # End points near a corner are known less well; once classified they are exact, and classes
    # that were apart only by that come together.
    if points:
        classes = group_weights(problem, _stacked(points))[classes]
    families = []
    for number in range(int(classes.max(initial=-1)) + 1):
        members = rows[classes == number]
        point = _representative(problem, attempts.weights[members], grad_tolerance)
        families.append(
            describe_family(
                problem,
                point,
                count=len(members) if attempts.independent else 0,
                found_by=attempts.source,
            )
        )
    ordered, order = number_families(families)
    labels = np.full(len(attempts), -1, dtype=np.int64)
    labels[rows] = order[classes] if len(rows) else classes
    return ordered, labels


def group_weights(problem: TeacherStudent, weights: Array) -> NDArray[np.int64]:
    """Class of every point, equal for points of one family; classes are numbered as they appear.

    Parameters
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (n, K, r + E)
        Critical points, accurate to about 1e-9.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    labels = np.full(len(weights), -1, dtype=np.int64)
    buckets: dict[tuple[int, int], list[int]] = {}
    reduced: dict[int, Array] = {}
    scale = float(problem.teacher.norms.max())
    plain = _needs_no_reduction(weights, problem)
    zero = _zero_loss(problem, weights)
    copies = np.flatnonzero(zero & _along_teacher(problem, weights))
    for i in np.setdiff1d(np.arange(len(weights)), copies[1:], assume_unique=True):
        vectors = (
            weights[i, :, : problem.rank]
            if plain[i]
            else reduce_network(
                weights[i], problem.rank, scale=scale, function=problem.function
            ).vectors
        )
        vectors = reduced[i] = distinguishing(problem, vectors, zero_loss=bool(zero[i]))
        buckets.setdefault((len(vectors), vectors.shape[1] - problem.rank), []).append(i)
    found = 0
    frame = symmetry_frame(problem.teacher)
    for (neurons, _), members in buckets.items():
        if neurons == 0:
            # There is one network without neurons.
            labels[members] = found
            found += 1
            continue
        points = np.stack([reduced[i] for i in members])
        points = both_signs(problem.teacher, points)
        overlaps = points[:, :, : problem.rank] @ frame.T
        classes = equivalence_classes(
            points @ points.transpose(0, 2, 1),
            overlaps,
            frame @ frame.T,
            turned=problem.function.turns,
        )
        labels[members] = classes.labels + found
        found += len(classes.representatives)
    labels[copies[1:]] = labels[copies[:1]]
    return _by_appearance(labels)


def _along_teacher(problem: TeacherStudent, weights: Array) -> NDArray[np.bool_]:
    """Whether all directions of a point that are not zero are the teacher's, each of them there.

    At zero loss such points, which are most of them, are one family and need no comparison.
    """
    function, teacher = problem.function, problem.teacher
    if not function.merges or function.mixes:
        return np.zeros(len(weights), dtype=bool)
    lengths = np.linalg.norm(weights, axis=2)
    live = lengths > ZERO_NEURON * float(teacher.norms.max())
    units = weights / np.maximum(lengths, 1e-300)[:, :, None]
    outside = np.linalg.norm(units[:, :, problem.rank :], axis=2)
    chords = np.full(lengths.shape, np.inf)
    nearest = np.zeros(lengths.shape, dtype=np.int64)
    for number, direction in enumerate(teacher.vectors / teacher.norms[:, None]):
        inside = units[:, :, : problem.rank]
        apart = np.linalg.norm(inside - direction, axis=2)
        if function.parity == 1:
            apart = np.minimum(apart, np.linalg.norm(inside + direction, axis=2))
        closer = apart < chords
        nearest[closer] = number
        chords[closer] = apart[closer]
    every = np.all([np.any(live & (nearest == j), axis=1) for j in range(teacher.size)], axis=0)
    near = np.hypot(chords, outside) <= 0.5 * PARALLEL
    return np.asarray(every & np.all(near | ~live, axis=1))


def distinguishing(problem: TeacherStudent, reduced: Array, *, zero_loss: bool) -> Array:
    """What tells the family of a reduced network: its weights, at zero loss what determines them.

    Directions get the mean norm of the teacher, so that tolerances mean the same.
    """
    function = problem.function
    if not len(reduced):
        return reduced
    if function.mixes:
        # (W^T W)^(1/2) is the same for all rotations of neurons into each other: what it makes of
        # the teacher, and how long it is outside.
        _, lengths, axes = np.linalg.svd(reduced, full_matrices=False)
        vectors = np.pad(problem.teacher.vectors, ((0, 0), (0, reduced.shape[1] - problem.rank)))
        rows = ((vectors @ axes.T) * lengths) @ axes
        outside = np.linalg.svd(reduced[:, problem.rank :], compute_uv=False)
        far = np.zeros((len(outside), reduced.shape[1]))
        far[np.arange(len(outside)), problem.rank + np.arange(len(outside))] = outside
        return np.vstack([rows, far])
    if not zero_loss:
        return reduced
    if function.merges:
        lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
        return np.asarray(reduced / lengths * float(problem.teacher.norms.mean()))
    return (
        without_pairs(reduced, float(problem.teacher.norms.max()))
        if function.parity == -1
        else reduced
    )


def describe_family(
    problem: TeacherStudent, point: CriticalPoint, *, count: int, found_by: str
) -> Family:
    """Everything that is said of a family, from its representative.

    The family is not numbered yet; see `number_families`.
    """
    point, reduced, reading = _upright(problem, point)
    automorphisms = function_automorphisms(problem.teacher)
    function = problem.function
    graph = _unlabelled if function.mixes else point_graph
    labelled = isotropy(graph(problem.teacher, point.weights))
    # Neurons can be renumbered, and of an even s turned around, each alone; rotations are a gauge.
    renumbered = 0 if function.mixes else problem.width
    turned = 2**problem.width if function.turns else 1
    certified = function.degree == 1 and problem.outputs is None
    return Family(
        id="",
        width=problem.width,
        point=point,
        count=count,
        found_by=found_by,
        reduced=reduced.vectors,
        effective_width=reduced.effective_width,
        flat_dimension=_flat_dimension(problem, point, reduced),
        anti_aligned=reading.anti_aligned,
        isotropy=labelled.name,
        isotropy_order=labelled.order,
        orbit_size=orbit_size(renumbered, turned * automorphisms.order, labelled.order),
        psi_min=psi_min(problem, point.weights).minimum if certified else np.nan,
        description=reading.description,
    )


def _unlabelled(teacher: Teacher, weights: Array) -> PointGraph:
    """A point of which W^T W is all there is, for the maps that keep the teacher's function.

    Sums of values are equal only where both are.
    """
    frame = symmetry_frame(teacher)
    overlaps = weights[:, : teacher.rank] @ frame.T
    return PointGraph(gram=frame @ frame.T + 0.5**0.5 * overlaps.T @ overlaps, width=0)


def _upright(
    problem: TeacherStudent, point: CriticalPoint
) -> tuple[CriticalPoint, Reduced, Reading]:
    """The copy with the fewest anti-aligned neurons: maps that keep f* can change their number."""
    scale = float(problem.teacher.norms.max())
    reduced = reduce_network(point.weights, problem.rank, scale=scale, function=problem.function)
    best = point, reduced, read_point(problem, point.weights, reduced=reduced)
    for rotation in mirror_images(problem.teacher):
        weights = point.weights.copy()
        weights[:, : problem.rank] = weights[:, : problem.rank] @ rotation.T
        weights.setflags(write=False)
        reduced = reduce_network(weights, problem.rank, scale=scale, function=problem.function)
        reading = read_point(problem, weights, reduced=reduced)
        if _rank(reading) < _rank(best[2]):
            best = replace(point, weights=weights), reduced, reading
    return best


def _rank(reading: Reading) -> tuple[int, str]:
    return reading.anti_aligned, reading.description


def number_families(
    families: Sequence[Family],
) -> tuple[tuple[Family, ...], NDArray[np.int64]]:
    """Order families by loss and give them their ids.

    Families whose losses tie keep the order they came in, which depends on the seed alone and not
    on the last digits.

    Returns
    -------
    families : tuple of Family
    order : ndarray of int
        New number of each family given.
    """
    order = numbered([family.loss for family in families])
    named = tuple(
        replace(families[i], id=f"w{families[i].width}-f{number}")
        for number, i in enumerate(np.argsort(order))
    )
    return named, order


def _traced_dimension(problem: TeacherStudent, point: CriticalPoint) -> int | None:
    """Flat dimension of a minimum with null directions that no split explains; None if unknown."""
    if point.kind is not Kind.MINIMUM:
        return None
    try:
        problem.require_flat("flat_directions")
    except InvalidArgument:
        return None
    from landtopo.models.networks.flat import flat_directions

    return flat_directions(problem, point.weights).flat_dimension


class FamilyIndex:
    """Says to which of some families a critical point belongs.

    Parameters
    ----------
    problem : TeacherStudent
    families : sequence of Family
    """

    def __init__(self, problem: TeacherStudent, families: Sequence[Family]) -> None:
        self.problem = problem
        self.families = tuple(families)
        self._known = Known(GraphMark)
        for family in families:
            self._known.add(_graph(problem, family.reduced, zero_loss=family.is_global))

    def find(self, weights: Array) -> int | None:
        """Number of the family of a critical point, or None if it belongs to none of them."""
        zero_loss = bool(_zero_loss(self.problem, weights[None])[0])
        found = self._known.find(family_graph(self.problem, weights, zero_loss=zero_loss))
        return None if found is None else found[0]


def family_graph(problem: TeacherStudent, weights: Array, *, zero_loss: bool) -> PointGraph:
    """What tells the family of a critical point, wherever on a flat set it is."""
    scale = float(problem.teacher.norms.max())
    reduced = reduce_network(weights, problem.rank, scale=scale, function=problem.function)
    return _graph(problem, reduced.vectors, zero_loss=zero_loss)


def _graph(problem: TeacherStudent, reduced: Array, *, zero_loss: bool) -> PointGraph:
    telling = distinguishing(problem, reduced, zero_loss=zero_loss)
    return point_graph(problem.teacher, telling)


def _representative(
    problem: TeacherStudent, members: Array, grad_tolerance: float
) -> CriticalPoint:
    """The first member without a zero neuron, which is generic in a flat family, or the first.

    Where the curvature cannot decide, a flat set can be a set of minima only where the parts of a
    split neuron are not too different; then it is the point with equal parts.
    """
    shortest = np.linalg.norm(members, axis=2).min(axis=1)
    generic = np.flatnonzero(shortest > 1e-3 * np.sqrt(np.mean(members[0] ** 2)))
    chosen = int(generic[0]) if len(generic) else 0
    point = classify(problem, members[chosen], grad_tolerance=grad_tolerance)
    if point.kind is Kind.MINIMUM or point.index or point.zero_neurons:
        return point
    reduced = reduce_network(point.weights, problem.rank, function=problem.function)
    if reduced.effective_width == problem.width:
        return point
    even = classify(problem, reduced.evenly_split(), grad_tolerance=grad_tolerance)
    return even if even.kind is Kind.MINIMUM else point


def _stacked(points: Sequence[CriticalPoint]) -> Array:
    columns = max(point.weights.shape[1] for point in points)
    return np.stack(
        [np.pad(p.weights, ((0, 0), (0, columns - p.weights.shape[1]))) for p in points]
    )


def _flat_dimension(problem: TeacherStudent, point: CriticalPoint, reduced: Reduced) -> int | None:
    """Spare neurons that move freely where the reduced network is isolated; else traced.

    Splitting a neuron, and at zero loss adding a zero neuron, moves freely without changing the
    loss; an isolated reduced network leaves no other flat direction. At positive loss a zero neuron
    is a corner, where every direction has a slope. Where s is not homogeneous, neurons that cancel
    in pairs move freely at zero loss.
    """
    if problem.function.mixes or not problem.function.merges:
        if point.nullity == 0:
            return 0
        pairs = cancelling_pairs(problem, reduced.vectors)
        # No set is larger than the null space: with nothing else in it they fill the set.
        filled = point.nullity + point.gauge == pairs * (problem.rank + problem.extra)
        if pairs and filled and is_zero_loss(point.loss, point.weights):
            return pairs_dimension(problem, pairs)
        return _traced_dimension(problem, point)
    spare = problem.width - reduced.effective_width
    if not is_zero_loss(point.loss, point.weights):
        spare -= reduced.zero_neurons
    if spare == 0:
        return 0 if point.nullity == 0 else _traced_dimension(problem, point)
    small = problem.with_width(reduced.effective_width)
    tolerance = max(point.grad_tolerance / unit_of(problem.teacher), 1e-11)
    alone = classify(small, reduced.vectors, grad_tolerance=tolerance)
    return spare if alone.nullity == 0 else _traced_dimension(problem, point)


def _zero_loss(problem: TeacherStudent, weights: Array) -> NDArray[np.bool_]:
    """Whether losses are zero as far as plain double precision can tell."""
    if not len(weights):
        return np.zeros(0, dtype=bool)
    loss = PopulationLoss(problem)
    _, constant = loss.frame(weights.shape[2])
    given = np.ascontiguousarray(weights)
    values, _ = loss.formulas.values_gradients(given, with_gradient=False)
    return np.asarray(values < _ZERO_LOSS * constant)


def _needs_no_reduction(weights: Array, problem: TeacherStudent) -> NDArray[np.bool_]:
    """Whether points have no zero neuron, no parallel pair and nothing outside the span."""
    rank, function = problem.rank, problem.function
    if function.mixes:
        return np.zeros(len(weights), dtype=bool)
    if not function.merges:
        return np.asarray(np.all(weights[:, :, rank:] == 0, axis=(1, 2)))
    norms = np.linalg.norm(weights, axis=2)
    largest = norms.max(axis=1, initial=0.0)
    live = np.all(norms > 10.0 * ZERO_NEURON * largest[:, None], axis=1)
    units = weights / np.maximum(norms, 1e-300)[:, :, None]
    products = units @ units.transpose(0, 2, 1)
    width = weights.shape[1]
    if function.parity == 1:
        products = np.abs(products)
    products[:, np.arange(width), np.arange(width)] = -1.0
    # 1 - cos is half the squared angle; the bound is wide of the angle that merges neurons.
    apart = np.all(products < 1.0 - 50.0 * PARALLEL**2, axis=(1, 2))
    return np.asarray(live & apart & np.all(weights[:, :, rank:] == 0, axis=(1, 2)))


def _by_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return np.asarray(rank[inverse])
