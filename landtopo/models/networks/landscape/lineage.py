"""What a family becomes when the student gets one neuron more.

A neuron can be added in two ways that keep the function and the vanishing gradient: a zero neuron
where s(0) = 0, a split where s is homogeneous. Elsewhere no neuron can be added to a family.

*Zero neuron.* The new neuron is zero. It grows in the directions in which psi < 0; while it is
short it turns much faster than it grows, so that it leaves along local minima of psi. These are the
escape directions, each counted once; if psi is nowhere negative the point stays a minimum. One of
each class of directions that symmetry makes the same is followed, and counts as many times as its
class has members; only where there are very many classes a sample of directions is followed.

Where s is not homogeneous, psi is linear for short neurons: a zero neuron grows against its
gradient s'(0) E[(f - f*) x], and that is the one escape direction. Where the gradient vanishes, the
Hessian decides; the escape directions are then a sample, uniform on the unit sphere of the space on
which it is negative.

*Split.* A neuron w becomes c w and (1 - c) w, 0 < c < 1. The wider point is a saddle if and only if
H'_ww - I/2 is negative somewhere on the complement of w, or A_ww - 1/2 is (for directions outside
those in use); see `networks.flat.splitting`, also for other numbers than 1/2 and powers of the
shares. The escape directions are a sample: c uniform between 1/10 and 9/10, and the two parts
pushed apart, against each other, in a direction that is uniform on the unit sphere of the space on
which the curvature is negative (or zero, where the third order makes the wider point a saddle; see
`landtopo.models.networks.points.third_order`).

From every escape direction the gradient flow is followed to the minimum it ends in. Where the
directions are a sample of independent draws, the part that leads to an end has an exact binomial
interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from landtopo.eigen import eigh
from landtopo.landscape.catalogue import Catalogue
from landtopo.landscape.pool import Piece, Pool
from landtopo.landscape.rungs import Line, LineageOptions
from landtopo.landscape.transitions import descend_to_rest
from landtopo.model import FamilyLike
from landtopo.models.networks.flat.splitting import neuron_splits
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.paths.ends import pad
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.points.classify import classify, is_zero_loss
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import GraphMark, isotropy, point_graph
from landtopo.objective import Array
from landtopo.points.known import Known
from landtopo.points.records import Kind
from landtopo.progress import Progress
from landtopo.shown import Brief

__all__ = [
    "SPLIT",
    "ZERO_NEURON",
    "Fate",
    "fates_from",
    "fates_of",
    "grown_neurons",
    "lift",
]

# Size of a curvature that counts as zero.
_FLAT = 1e-9

ZERO_NEURON = "zero neuron"
SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate(Brief):
    """Where a family goes when a neuron is added in one way.

    Attributes
    ----------
    operation : str
        ``zero neuron`` or ``split``.
    neuron : int
        The neuron that was split, from 0; -1 for a zero neuron.
    stays : bool
        Whether the point with the new neuron is still a minimum.
    ends : tuple of ndarray, shape (K + 1, D)
        Minima at width K + 1 that the escape directions lead to; the point itself if it stays.
    counts : tuple of int
        How many escape directions lead to each of them, of `directions`. They add up to less
        where flows did not come to rest at a minimum.
    directions : int
        Escape directions: all of them, or as many as were drawn; 0 if the point stays.
    followed : int
        Directions that were followed, each for itself and for those that symmetry makes the same.
    drawn : bool
        Whether the directions are a sample of independent draws.
    """

    operation: str
    neuron: int
    stays: bool
    ends: tuple[Array, ...] = field(repr=False)
    counts: tuple[int, ...]
    directions: int
    followed: int
    drawn: bool


def lift(
    problem: TeacherStudent,
    catalogue: Catalogue,
    ancestors: Sequence[FamilyLike],
    seed: int,
    options: LineageOptions,
    pool: Pool,
    progress: Progress,
) -> tuple[Line, ...]:
    """Add a neuron to every family of the width below in every way and see where it goes."""
    if not ancestors:
        return ()
    below = problem.with_width(problem.width - 1)
    pieces = [
        Piece(
            name=f"lineage/{below.width}",
            function=fates_of,
            arguments=(below, family.x.reshape(below.width, -1), seed, options),
        )
        for family in ancestors
    ]
    progress.begin(f"width {problem.width}: lineage", len(pieces))
    results = pool.run(pieces, finished=progress.advance)
    progress.end()
    lines = []
    for number, (family, result) in enumerate(zip(ancestors, results, strict=True)):
        for fate in fates_from(result):
            lines += _lines_of(catalogue, number, family.id, fate)
    return tuple(lines)


def _lines_of(catalogue: Catalogue, ancestor: int, name: str, fate: Fate) -> list[Line]:
    counts: Counter[int] = Counter()
    for end, count in zip(fate.ends, fate.counts, strict=True):
        copy = catalogue.locate(np.ravel(end), found_by=f"{fate.operation} added to {name}")
        if copy is not None:
            counts[copy.family] += count
    return [
        Line(
            ancestor=ancestor,
            operation=fate.operation,
            part=fate.neuron,
            stays=fate.stays,
            descendant=descendant,
            count=count,
            directions=fate.directions,
            followed=fate.followed,
            drawn=fate.drawn,
        )
        for descendant, count in sorted(counts.items())
    ]


def fates_of(
    problem: TeacherStudent, weights: Array, seed: int, options: LineageOptions
) -> dict[str, Any]:
    """Add a neuron to a minimum in every inequivalent way and follow where that leads.

    Parameters
    ----------
    problem : TeacherStudent
        The problem at the minimum's width.
    weights : ndarray, shape (K, r + e)
        A minimum without zero neurons.
    seed : int
        Root seed of the sampled directions.
    options : LineageOptions

    Returns
    -------
    dict
        Plain values for a journal; see `fates_from`.
    """
    zero_loss = is_zero_loss(float(PopulationLoss(problem).value(weights)), weights)
    function = problem.function
    fates = [_zero_neuron(problem, weights, zero_loss, seed, options)] if function.vanishes else []
    # Rotating neurons into each other makes a split of what a zero neuron has made.
    if function.merges and not function.mixes:
        fates += _splits(problem, weights, zero_loss, seed, options)
    return {"fates": [asdict(fate) for fate in fates if fate is not None]}


def _splits(
    problem: TeacherStudent, weights: Array, zero_loss: bool, seed: int, options: LineageOptions
) -> list[Fate]:
    """Split one neuron of each class that symmetry makes the same."""
    fates = []
    reduced = reduce_network(weights, problem.rank, function=problem.function)
    orbits = isotropy(point_graph(problem.teacher, reduced.vectors)).student_orbits
    splits = neuron_splits(
        problem, np.array(reduced.vectors), zero_tolerance=1e-9, zero_loss=zero_loss
    )
    for orbit in orbits:
        members = np.flatnonzero(reduced.assignment == orbit[0])
        neuron = int(members[np.argmax(reduced.shares[members])])
        inertia, room = splits[orbit[0]].inertia, splits[orbit[0]].has_normal
        outside = bool(inertia.negative_normal) and room
        fate, below = None, -_FLAT
        if zero_loss or not (inertia.negative or outside):
            fate = _kept(problem, weights, SPLIT, neuron)
            # Where there is no curvature the third order decides, and leads down.
            outside, below = bool(inertia.zero_normal) and room, _FLAT
        fates.append(fate or _split(problem, weights, neuron, below, outside, seed, options))
    return fates


def fates_from(values: Mapping[str, Any]) -> list[Fate]:
    """The fates that `fates_of` returned."""
    return [
        Fate(**{**one, "ends": tuple(one["ends"]), "counts": tuple(one["counts"])})
        for one in values["fates"]
    ]


def _kept(problem: TeacherStudent, weights: Array, operation: str, neuron: int) -> Fate | None:
    """The point itself with the neuron added, if that is a minimum."""
    if neuron < 0:
        wider = np.vstack([weights, np.zeros((1, weights.shape[1]))])
    else:
        half = 0.5 ** (1.0 / int(problem.function.degree or 1))
        wider = np.vstack([weights, half * weights[neuron : neuron + 1]])
        wider[neuron] *= half
    point = classify(problem.with_width(problem.width + 1), wider)
    if point.kind is not Kind.MINIMUM:
        return None
    return Fate(
        operation=operation,
        neuron=neuron,
        stays=True,
        ends=(point.weights,),
        counts=(1,),
        directions=1,
        followed=0,
        drawn=False,
    )


def _zero_neuron(
    problem: TeacherStudent, weights: Array, zero_loss: bool, seed: int, options: LineageOptions
) -> Fate | None:
    if not problem.function.merges and not zero_loss:
        return _smooth_zero_neuron(problem, weights, seed, options)
    certificate = None if zero_loss else psi_min(problem, weights)
    if certificate is None or not len(certificate.directions):
        return _kept(problem, weights, ZERO_NEURON, -1)
    counts = list(certificate.class_sizes)
    drawn = len(counts) > options.most
    if drawn:
        key = (problem.width, problem.width)
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        shares = [count / sum(counts) for count in counts]
        counts = generator.multinomial(options.most, shares).tolist()
    used = [number for number, count in enumerate(counts) if count]
    starts = grown_neurons(problem, weights, certificate.representatives[used], options)
    wider = problem.with_width(problem.width + 1)
    return _flows(wider, ZERO_NEURON, -1, starts, [counts[number] for number in used], drawn)


def _smooth_zero_neuron(
    problem: TeacherStudent, weights: Array, seed: int, options: LineageOptions
) -> Fate | None:
    """A zero neuron where the loss is smooth: gradient and Hessian say where it grows."""
    wider = problem.with_width(problem.width + 1)
    start = np.vstack([weights, np.zeros((1, weights.shape[1]))])
    slope = PopulationLoss(wider).gradient(start)[-1]
    if np.linalg.norm(slope) > _FLAT:
        return _flows(wider, ZERO_NEURON, -1, [start], [1], drawn=False)
    kept = _kept(problem, weights, ZERO_NEURON, -1)
    if kept is not None:
        return kept
    columns = min(weights.shape[1] + 1, wider.rank + wider.extra)
    start = pad(start, columns)
    values, axes = eigh(PopulationLoss(wider).hessian(start).reshape(start.size, start.size))
    space = axes[:, values < -_FLAT]
    key = (problem.width, problem.width)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    moves = generator.standard_normal((options.directions, space.shape[1])) @ space.T
    length = options.push * float(problem.teacher.norms.mean())
    moves *= length / np.linalg.norm(moves, axis=1, keepdims=True)
    starts = [start + move.reshape(start.shape) for move in moves] if space.size else []
    return _flows(wider, ZERO_NEURON, -1, starts, [1] * len(starts), drawn=True)


def grown_neurons(
    problem: TeacherStudent, weights: Array, directions: Array, options: LineageOptions
) -> list[Array]:
    """Points with a short neuron more, shape (K + 1, D), one for each direction.

    Parameters
    ----------
    problem : TeacherStudent
        The problem at the width of the weights.
    weights : ndarray, shape (K, r + e)
    directions : ndarray, shape (n, r + e')
        Unit vectors, such as the local minima of psi.
    options : LineageOptions
    """
    wider = problem.with_width(problem.width + 1)
    columns = min(max(weights.shape[1], directions.shape[1]), wider.rank + wider.extra)
    most = options.seed_length * float(problem.teacher.norms.mean())
    loss = PopulationLoss(problem)
    starts: list[Array] = []
    for direction in directions:
        start = np.vstack([pad(weights, columns), np.zeros((1, columns))])
        used = min(columns, len(direction))
        start[-1, :used] = direction[:used]
        start[-1] *= min(most, abs(float(loss.psi(start[-1], start[:-1]))))
        starts.append(start)
    return starts


def _split(
    problem: TeacherStudent,
    weights: Array,
    neuron: int,
    below: float,
    outside: bool,
    seed: int,
    options: LineageOptions,
) -> Fate:
    """Push two parts apart where the curvature lies below a bound, and follow where that leads."""
    wider = problem.with_width(problem.width + 1)
    used = weights.shape[1]
    columns = used + int(outside)
    block = PopulationLoss(problem).hessian(weights).reshape(problem.width, used, -1, used)
    across = np.linalg.svd(weights[neuron : neuron + 1])[2][1:]
    common = problem.function.meeting(float(weights[neuron] @ weights[neuron]))
    own = across @ (block[neuron, :, neuron] - common * np.eye(used)) @ across.T
    values, axes = eigh(own)
    space = pad((across.T @ axes[:, values < below]).T, columns)
    if outside:
        space = np.vstack([space, np.eye(columns)[-1:]])
    key = (problem.width, neuron)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    length = options.push * float(problem.teacher.norms.mean())
    starts = []
    power = 1.0 / int(problem.function.degree or 1)
    for _ in range(options.directions):
        share = generator.uniform(0.1, 0.9)
        direction = generator.standard_normal(len(space)) @ space
        direction *= length / np.linalg.norm(direction)
        start = np.vstack([pad(weights, columns), np.zeros((1, columns))])
        start[-1] = (1.0 - share) ** power * start[neuron] - direction
        start[neuron] = share**power * start[neuron] + direction
        starts.append(start)
    return _flows(wider, SPLIT, neuron, starts, [1] * len(starts), drawn=True)


def _flows(
    wider: TeacherStudent,
    operation: str,
    neuron: int,
    starts: list[Array],
    counts: list[int],
    drawn: bool,
) -> Fate:
    """Follow the flow from every start; ends of one family are kept once.

    Each start stands for `counts` directions.
    """
    model = NetworkModel(wider)
    ends: list[Array] = []
    distinct = Known(GraphMark)
    arrived: list[int] = []
    for start, count in zip(starts, counts, strict=True):
        x = start.ravel()
        end = descend_to_rest(model, model.objective(x), x)
        if not end.converged:
            continue
        point = classify(wider, model.shaped(end.x))
        if point.kind is not Kind.MINIMUM:
            continue
        reduced = reduce_network(point.weights, wider.rank, function=wider.function).vectors
        number, element = distinct.place(point_graph(wider.teacher, reduced))
        if element is None:
            ends.append(point.weights.copy())
            arrived.append(0)
        arrived[number] += count
    return Fate(
        operation=operation,
        neuron=neuron,
        stays=False,
        ends=tuple(ends),
        counts=tuple(arrived),
        directions=sum(counts),
        followed=len(starts),
        drawn=drawn,
    )
