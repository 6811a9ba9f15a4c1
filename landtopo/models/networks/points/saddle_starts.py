"""Where searches for saddles start: at random, along soft modes, and between known points.

Transition states are often not in the teacher's span, and a search that starts in the span stays
there. So every kind of start also exists with further columns W_out, small and random where the
point it comes from has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from landtopo.eigen import eigh
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.starts import StartDistribution, draw_start
from landtopo.models.networks.symmetry import (
    PointGraph,
    both_signs,
    closest_copy,
    equivalence_classes,
    isotropy,
    point_graph,
    relative_relabellings,
    symmetry_frame,
    teacher_rotation,
)
from landtopo.models.networks.symmetry.graph import TOLERANCE
from landtopo.models.networks.symmetry.relative import teacher_groups
from landtopo.objective import Array
from landtopo.points.climbs import SaddleStart
from landtopo.points.records import CriticalPoint
from landtopo.points.spectrum import without_gauge
from landtopo.symmetry.groups import orbits

__all__ = ["band_starts", "mode_starts", "pair_starts", "random_start"]

# Columns outside the span that random starts use at most: saddles that use more were not met.
_MOST_COLUMNS = 3
_DEGENERATE = 1e-6
_AMPLITUDES = (0.15, 0.5)
_KICK = 0.05
# Renumberings of the teachers, up to the symmetry of a point, that are all tried for pairs.
_COSETS = 500
# Noise on lines between points, in units of their typical entry: little keeps to the line, much
# reaches transition states off it that a symmetric line misses.
_NOISE = (0.05, 0.3, 0.6, 1.0, 1.5)


def random_start(
    problem: TeacherStudent, distribution: StartDistribution, generator: np.random.Generator
) -> SaddleStart:
    """A draw of a start distribution with 0 to 3 random columns outside the span.

    A distribution that fills columns outside the span itself is left as it is.
    """
    weights = draw_start(problem, distribution, generator)
    extra = int(generator.integers(0, min(problem.extra, _MOST_COLUMNS) + 1))
    if weights.shape[1] > problem.rank or not extra:
        return SaddleStart(x=weights)
    scale = float(np.linalg.norm(weights)) / np.sqrt(weights.size)
    outside = scale * generator.standard_normal((problem.width, extra))
    return SaddleStart(x=np.hstack([weights, outside]))


def mode_starts(
    problem: TeacherStudent,
    point: CriticalPoint,
    *,
    modes: int | None = None,
    amplitudes: tuple[float, ...] = _AMPLITUDES,
    seed: int = 0,
) -> Iterator[SaddleStart]:
    """Starts that leave a critical point along its modes, softest first, both ways.

    Of a degenerate eigenvalue the projections of single moves (one neuron, one teacher direction)
    onto its eigenvectors are taken, and of those that symmetry carries into each other one.

    Parameters
    ----------
    problem : TeacherStudent
    point : CriticalPoint
        Parts of split neurons are made equal; for zero neurons the others are split.
    modes : int, optional
        Number of softest eigenvalues (degenerate ones count once); all by default.
    amplitudes : tuple of float
        Distances from the point, in units of the mean length of a teacher vector.
    seed : int
        Of the small columns outside the span.
    """
    unit = float(problem.teacher.norms.mean())
    for weights in _representatives(problem, point.weights):
        room = min(problem.extra, _MOST_COLUMNS) > weights.shape[1] - problem.rank
        generator = np.random.default_rng(np.random.SeedSequence(seed))
        for number, move in enumerate(_moves(problem, weights, room)):
            if modes is not None and number >= modes:
                break
            for direction in move:
                for amplitude in amplitudes:
                    yield from _along(weights, amplitude * unit, direction, generator)


def pair_starts(
    problem: TeacherStudent,
    first: CriticalPoint,
    second: CriticalPoint,
    *,
    moves: int = 2,
    most: int = 50,
    seed: int = 0,
) -> Iterator[SaddleStart]:
    """The highest points of straight lines between copies of two points.

    Parameters
    ----------
    problem : TeacherStudent
    first, second : CriticalPoint
    moves : int
        Copies of the second that differ from the nearest numbering by at most so many
        transpositions of neurons, one of each kind.
    most : int
        Largest number of copies.
    seed : int
        Of the small columns outside the span.
    """
    for a, b, generator in _pairs(problem, first, second, moves, most, seed):
        objective = WeightObjective(PopulationLoss(problem), columns=a.shape[1])
        line = np.linspace(a.ravel(), b.ravel(), 17)
        values = objective.value(line)
        top = objective.weights(line[int(np.argmax(values[1:-1])) + 1])
        direction = b - a
        unit = np.linalg.norm(direction) / np.sqrt(direction.size)
        for level in _NOISE:
            noise = level * unit * generator.standard_normal(top.shape)
            yield SaddleStart(x=top + noise, direction=direction)


def band_starts(
    problem: TeacherStudent,
    first: CriticalPoint,
    second: CriticalPoint,
    *,
    moves: int = 2,
    most: int = 10,
    images: int = 11,
    steps: int = 80,
    seed: int = 0,
) -> Iterator[SaddleStart]:
    """The maxima along half-relaxed elastic bands between copies of two points.

    Parameters are those of `pair_starts`, with the number of images of a band and of its steps.
    """
    from landtopo.paths.band import ElasticBand
    from landtopo.paths.chain import relax
    from landtopo.paths.profile import interior_maxima, sample

    rule = ElasticBand(images=images, climbing=False, max_steps=steps)
    for a, b, generator in _pairs(problem, first, second, moves, most, seed):
        objective = WeightObjective(PopulationLoss(problem), columns=a.shape[1])
        line = np.linspace(a.ravel(), b.ravel(), images)
        shape = np.sin(np.linspace(0.0, np.pi, images))[:, None]
        unit = np.linalg.norm(b - a) / np.sqrt(a.size)
        for level in _NOISE:
            guess = line + level * unit * shape * generator.standard_normal(line.shape[1])
            profile = sample(objective, relax(objective, guess, rule).images)
            for i in interior_maxima(profile.values):
                yield SaddleStart(
                    x=objective.weights(profile.points[i]),
                    direction=objective.weights(profile.points[i + 1] - profile.points[i - 1]),
                )


def _representatives(problem: TeacherStudent, weights: Array) -> list[Array]:
    """Points with the same reduced network and no zero neuron, one for each neuron to be split."""
    reduced = reduce_network(weights, problem.rank, function=problem.function)
    spare = problem.width - reduced.effective_width
    if not spare:
        return [reduced.vectors] if reduced.effective_width else []
    found = []
    for j in range(reduced.effective_width):
        share = (spare + 1) ** (1.0 / reduced.degree)
        parts = np.repeat(reduced.vectors[j : j + 1] / share, spare + 1, axis=0)
        found.append(np.vstack([np.delete(reduced.vectors, j, axis=0), parts]))
    return [found[i] for i in _inequivalent(problem.teacher, found)]


def _moves(problem: TeacherStudent, weights: Array, room: bool) -> Iterator[list[Array]]:
    """For each distinct eigenvalue, softest first, its directions of unit length."""
    loss = PopulationLoss(problem)
    columns = weights.shape[1]
    objective = WeightObjective(loss, columns=columns)
    x = weights.ravel()
    values, vectors = without_gauge(objective.hessian(x), objective.gauge(x))
    groups = [
        (float(abs(values[group[0]])), vectors[:, group], False) for group in _clusters(values)
    ]
    if room:
        basis = np.linalg.qr(weights[:, problem.rank :], mode="complete")[0]
        basis = basis[:, columns - problem.rank :]
        across, axes = eigh(basis.T @ loss.normal_block(weights) @ basis)
        groups += [
            (float(abs(across[group[0]])), basis @ axes[:, group], True)
            for group in _clusters(across)
        ]
    different = _different_axes(problem.teacher, weights)
    for _, space, outside in sorted(groups, key=lambda group: group[0]):
        if space.shape[1] == 1:
            chosen = [space[:, 0]]
        else:
            # Projections of the coordinate axes onto the space are the columns of its projector.
            projector = space @ space.T
            lengths = np.linalg.norm(projector, axis=0)
            useful = [i for i in different[int(outside)] if lengths[i] > 1e-6]
            chosen = [projector[:, i] / lengths[i] for i in useful]
        directions = []
        for vector in chosen:
            move = np.zeros((problem.width, columns + int(room)))
            if outside:
                move[:, -1] = vector
                directions.append(move)
            else:
                move[:, :columns] = vector.reshape(problem.width, columns)
                directions.extend([move, -move])
        start = np.pad(weights, ((0, 0), (0, int(room))))
        distinct = _inequivalent(problem.teacher, [start + 0.1 * move for move in directions])
        yield [directions[i] for i in distinct]


def _different_axes(
    teacher: Teacher, weights: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Coordinate axes of all weights, and neurons, of which no symmetry of a point needs another.

    Symmetry carries the projections of axes onto an eigenspace into each other with the axes: of
    those that it permutes, whatever their signs, the first is enough. Where it turns axes, as that
    of a teacher in general position does, or weights reach outside the span, all axes are kept.
    """
    count, columns = weights.shape
    frame = symmetry_frame(teacher)
    axes, neurons = [], []
    for element in isotropy(point_graph(teacher, weights)).generators:
        # Of an even activation neurons and their opposites are renumbered.
        students = np.array(element.students)[:count] % count
        neurons.append(students)
        turned = np.abs(teacher_rotation(frame, element.teachers))
        if columns == teacher.rank and np.all(turned.max(axis=0) > 1.0 - 1e-9):
            axes.append((students[:, None] * columns + turned.argmax(axis=0)).ravel())
    return _firsts(count * columns, axes), _firsts(count, neurons)


def _firsts(size: int, generators: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The first member of each orbit of a group of permutations."""
    return np.array([orbit[0] for orbit in orbits(np.reshape(generators, (-1, size)), size)])


def _clusters(values: Array) -> list[NDArray[np.int64]]:
    """Positions of ascending values that are equal to rounding, without the zero ones."""
    scale = float(np.abs(values).max(initial=0.0))
    cuts = np.flatnonzero(np.diff(values) > _DEGENERATE * scale) + 1
    groups = np.split(np.arange(len(values)), cuts)
    return [group for group in groups if len(group) and abs(values[group[0]]) > 1e-9 * scale]


def _inequivalent(teacher: Teacher, points: list[Array]) -> list[int]:
    """Numbers of points of which no two are copies of each other."""
    if len(points) < 2:
        return list(range(len(points)))
    frame = symmetry_frame(teacher)
    points = [both_signs(teacher, point) for point in points]
    classes = equivalence_classes(
        np.stack([point @ point.T for point in points]),
        np.stack([point[:, : teacher.rank] @ frame.T for point in points]),
        frame @ frame.T,
    )
    return [int(i) for i in classes.representatives]


def _along(
    weights: Array, length: float, direction: Array, generator: np.random.Generator
) -> Iterator[SaddleStart]:
    """A move along a direction, and where there is room outside the span once more with a kick."""
    used = weights.shape[1]
    room = direction.shape[1] > used
    start = np.pad(weights, ((0, 0), (0, direction.shape[1] - used))) + length * direction
    if room and np.any(direction[:, used:]):
        yield SaddleStart(x=start, direction=direction)
        return
    yield SaddleStart(x=start[:, :used], direction=direction[:, :used])
    if room:
        start[:, used] += _KICK * length * generator.standard_normal(len(start))
        yield SaddleStart(x=start, direction=direction)


def _padded(weights: Array, columns: int) -> Array:
    return np.pad(weights, ((0, 0), (0, columns - weights.shape[1])))


def _pairs(
    problem: TeacherStudent,
    first: CriticalPoint,
    second: CriticalPoint,
    moves: int,
    most: int,
    seed: int,
) -> Iterator[tuple[Array, Array, np.random.Generator]]:
    """Copies of two points, in the coordinates they use and with one more column if there is one.

    The generator that comes with a pair is its own.
    """
    rank = problem.rank
    vectors = symmetry_frame(problem.teacher)
    used = max(first.weights.shape[1], second.weights.shape[1])
    graphs = [PointGraph.from_weights(point.weights, vectors) for point in (first, second)]
    columns = [used]
    if min(problem.extra, _MOST_COLUMNS) > used - rank:
        columns.append(used + 1)
    count = 0
    a = _padded(first.weights, used)
    copies = _copies(problem, graphs, first, second, moves, most, seed)
    for b in chain.from_iterable(_turned(problem, a, _padded(copy, used)) for copy in copies):
        if np.linalg.norm(a - b) < 1e-6:
            continue
        for width in columns:
            generator = np.random.default_rng(
                np.random.SeedSequence(seed, spawn_key=(problem.width, count, width))
            )
            yield _padded(a, width), _padded(b, width), generator
        count += 1
        if count >= most:
            return


def _turned(problem: TeacherStudent, target: Array, copy: Array) -> Iterator[Array]:
    """A copy, of an even activation with every neuron turned to the target, then one away from it.

    Rotations of neurons into each other are left as they are.
    """
    if problem.function.parity != 1:
        yield copy
        return
    nearest = np.where(np.sum(copy * target, axis=1) < 0.0, -1.0, 1.0)[:, None] * copy
    yield nearest
    for k in range(len(copy)):
        turned = nearest.copy()
        turned[k] *= -1.0
        yield turned


def _copies(
    problem: TeacherStudent,
    graphs: list[PointGraph],
    first: CriticalPoint,
    second: CriticalPoint,
    moves: int,
    most: int,
    seed: int,
) -> Iterator[Array]:
    """Copies of the second point that lie differently as seen from the first.

    One of each kind; where the teachers have too many symmetries for that, the closest copy and
    random ones near it.
    """
    vectors = symmetry_frame(problem.teacher)
    whole, part = teacher_groups(graphs[1], TOLERANCE)
    if whole.order // part.order <= _COSETS:
        for _, relabelling in relative_relabellings(*graphs, moves=moves, coset_limit=_COSETS):
            yield relabelling.on_weights(second.weights, vectors)
        return
    closest = closest_copy(first.weights, second.weights, vectors, seed=seed).weights
    yield closest
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    for _ in range(4 * most):
        order = np.arange(problem.width)
        for _ in range(int(generator.integers(1, moves + 1)) if moves else 0):
            i, j = generator.integers(0, problem.width, size=2)
            order[[i, j]] = order[[j, i]]
        yield closest[order]
