"""What the null directions of a critical point are: gauge, flat, curved, or not null at all.

Knows nothing of networks. A direction is flat only when the loss is constant along a traced curve:

1. Points displaced along random null directions are brought back to the critical set. What they
   keep of their displacement spans the tangents of the flat set; along the other null directions
   they return. The rank of the displacements is the local dimension, with a gap of its own.
2. Each tangent is traced to both sides. Where several flat sets cross, displaced points fall back
   to the crossing; so points are also displaced by a fixed amount in one direction and corrected in
   all others, and what reaches the critical set that way is traced as a branch.
3. Along the null directions orthogonal to all tangents the growth of the relaxed loss is measured.
   Quadratic growth there means that the eigenvalue was small, not zero; it is taken out of the null
   space, and the rest is examined again.
4. The rank is determined again at random points of the traced set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from landtopo.flat.correct import correct
from landtopo.flat.growth import Growth, adapted_basis, growth
from landtopo.flat.null_space import NullSpace, null_space, smaller_null_space
from landtopo.flat.rank_test import FlatOptions, RankTest, local_dimension, natural_reach
from landtopo.flat.trace import Boundary, Trace, TraceStop, trace
from landtopo.objective import Array, Objective
from landtopo.shown import Brief

# Random directions in which a branch is looked for, and Hessians for each of them.
_BRANCH_TRIES = 3
_BRANCH_STEPS = 20
# Part of its displacement that a branch has outside of the tangents known.
_NEW = 0.3
# A rank test keeps away from corners by this part of the largest distance met on the traces, stays
# within so many times the reach, and makes so many probes beyond the rank.
_ROOM = 0.2
_FAR = 3.0
_FURTHER_TESTS = 2
# Smaller changes of the loss, in its unit, are not stored.
_LOSS_FLOOR = 1e-14
# Correction stops at a tenth of the gradient's tolerance.
_CALM = 0.2

__all__ = [
    "DirectionKind",
    "LocalReport",
    "NullDirection",
    "local_report",
]


class DirectionKind(StrEnum):
    """What a null direction is."""

    GAUGE = "gauge"  # a symmetry of the function: nothing changes along it
    FLAT = "flat"  # a curve of critical points with constant loss leaves along it
    CURVED = "curved"  # the eigenvalue is zero, but the loss changes with a higher power
    SOFT = "soft"  # the loss changes quadratically: the eigenvalue is small, not zero
    UNRESOLVED = "unresolved"  # neither a flat curve nor a power law could be established


@dataclass(frozen=True, slots=True, kw_only=True)
class NullDirection(Brief):
    """One null direction and the evidence for what it is.

    Attributes
    ----------
    vector : ndarray, shape (size,)
        Unit vector.
    traces : tuple of Trace
        To both sides, for tangents of the flat set.
    growth : Growth or None
        For the other null directions.
    kind : DirectionKind
    """

    vector: Array
    traces: tuple[Trace, ...]
    growth: Growth | None
    kind: DirectionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalReport(Brief):
    """The null space of a critical point, taken apart.

    Attributes
    ----------
    x : ndarray, shape (size,)
        The point, after its gradient was brought to the floor of rounding.
    loss, grad_norm : float
    moved : float
        Distance from the point that was given.
    null : NullSpace
    probe : RankTest
        Local dimension of the flat set at x.
    rank_tests : tuple of RankTest
        The same at random points of the traced set.
    directions : tuple of NullDirection
        Gauge, then flat, then the others.
    flat_dimension : int
        Number of independent traced flat directions; where flat sets cross, the largest dimension
        found at random points of the traced set.
    small_eigenvalues : int
        Number of eigenvalues that were taken for zero first, and then out of the null space because
        the loss grows quadratically.
    disagreements : tuple of str
        What the independent routes to the flat dimension do not agree on, in sentences.
    """

    x: Array
    loss: float
    grad_norm: float
    moved: float
    null: NullSpace
    probe: RankTest
    rank_tests: tuple[RankTest, ...]
    directions: tuple[NullDirection, ...]
    flat_dimension: int
    small_eigenvalues: int
    disagreements: tuple[str, ...]

    def count(self, kind: DirectionKind) -> int:
        """Number of directions of a kind."""
        return sum(direction.kind is kind for direction in self.directions)


def local_report(
    objective: Objective,
    x: Array,
    *,
    rng: np.random.Generator,
    boundary: Boundary | None = None,
    value: Callable[[Array], Array] | None = None,
    candidates: Array | None = None,
    sectors: NDArray[np.int64] | None = None,
    options: FlatOptions | None = None,
) -> LocalReport:
    """Take the null space of a critical point apart.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
        A critical point, as converged as it is at hand.
    rng : numpy.random.Generator
        For the displacements of the probes.
    boundary : callable, optional
        Distances to the places where the objective is not smooth. The smallest of them is the
        reach; without it, the natural length of the trace options is.
    value : callable, optional
        A more accurate value than the objective's, for stored losses.
    candidates : ndarray, shape (n, size), optional
        Directions that are traced instead of a basis of the tangent space, as far as they are
        tangents.
    sectors : ndarray of int, shape (size,), optional
        Sector of each coordinate, where a symmetry forbids the Hessian at x to couple sectors;
        null directions that are no candidates then each stay in one sector.
    options : FlatOptions, optional

    Returns
    -------
    LocalReport
    """
    chosen = options or FlatOptions()
    settled = correct(objective, x, target=chosen.at_rest)
    reach = natural_reach(settled.x, boundary, chosen)
    null = null_space(objective, settled.x, reach=reach)
    scene = _Scene(objective, settled.x, reach, boundary, value, rng, chosen)
    wide = null
    directions, probe, tests = _take_apart(scene, null, wide, candidates, sectors)
    soft = sum(row.kind is DirectionKind.SOFT for row in directions)
    if soft:
        null = smaller_null_space(null, null.nullity - soft)
        directions, probe, tests = _take_apart(scene, null, wide, candidates, sectors)
    flat = sum(row.kind is DirectionKind.FLAT for row in directions)
    return LocalReport(
        x=settled.x,
        loss=settled.value,
        grad_norm=settled.grad_norm,
        moved=float(np.linalg.norm(settled.x - x)),
        null=null,
        probe=probe,
        rank_tests=tests,
        directions=tuple(directions),
        # Where flat sets cross, their tangents span more than the dimension of any of them.
        flat_dimension=min(flat, max((test.dimension for test in tests), default=flat)),
        small_eigenvalues=soft,
        disagreements=_disagreements(flat, probe, tests, directions),
    )


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every step of a report needs."""

    objective: Objective
    x: Array
    reach: float
    boundary: Boundary | None
    value: Callable[[Array], Array] | None
    rng: np.random.Generator
    options: FlatOptions


def _take_apart(
    scene: _Scene,
    null: NullSpace,
    wide: NullSpace,
    candidates: Array | None,
    sectors: NDArray[np.int64] | None,
) -> tuple[list[NullDirection], RankTest, tuple[RankTest, ...]]:
    """Kinds of all null directions; `wide` also holds eigenvalues that are all but zero.

    These are not relaxed when growth is measured: a step that is short for the null directions is
    long for them.
    """
    objective, x, reach, rng = scene.objective, scene.x, scene.reach, scene.rng
    probe = local_dimension(objective, x, null, reach=reach, rng=rng, options=scene.options)
    basis = np.empty((0, objective.size))
    traces: list[tuple[Trace, ...]] = []
    for tangent in _tangent_basis(probe.tangents, candidates, sectors):
        pair = _trace_both(scene, tangent)
        if _is_flat(pair, scene):
            basis = np.concatenate([basis, tangent[None]])
            traces.append(pair)
    for branch, pair in _branches(scene, null, basis):
        basis = np.concatenate([basis, branch[None]])
        traces.append(pair)
    others = np.concatenate(
        [
            adapted_basis(objective, x, wide, sector, reach=reach, rng=rng)
            for sector in _by_sector(_complement(null.basis, basis), sectors)
        ]
    )
    floor = _LOSS_FLOOR * scene.options.trace.loss_scale
    grown = growth(objective, x, wide, others, reach=reach, value=scene.value, loss_floor=floor)
    directions = [
        *(_direction(row, (), None, DirectionKind.GAUGE) for row in null.gauge),
        *(_direction(t, p, None, DirectionKind.FLAT) for t, p in zip(basis, traces, strict=True)),
        *(_direction(u, (), g, _kind(g)) for u, g in zip(others, grown, strict=True)),
    ]
    return directions, probe, _rank_tests(scene, traces)


def _branches(
    scene: _Scene, null: NullSpace, tangents: Array
) -> list[tuple[Array, tuple[Trace, ...]]]:
    """Flat curves that leave a crossing outside of the span of the tangents."""
    found: list[tuple[Array, tuple[Trace, ...]]] = []
    known = np.linalg.qr(tangents.T)[0].T
    tries = 0
    while tries < _BRANCH_TRIES and len(known) < null.nullity:
        tries += 1
        left = _complement(null.basis, known)
        offset = scene.rng.standard_normal(len(left)) @ left
        offset /= np.linalg.norm(offset)
        start = scene.x + scene.options.probe_radius * scene.reach * offset
        near = correct(scene.objective, start, held=offset[None], most_steps=_BRANCH_STEPS)
        if near.grad_norm > 10 * scene.options.trace.grad_tolerance:
            continue
        away = null.basis.T @ (null.basis @ (near.x - scene.x))
        moved = float(np.linalg.norm(away))
        away -= known.T @ (known @ away)
        if np.linalg.norm(away) < _NEW * moved:
            continue
        away /= np.linalg.norm(away)
        pair = _trace_both(scene, away)
        if _is_flat(pair, scene):
            found.append((away, pair))
            known = np.concatenate([known, away[None]])
            tries = 0
    return found


def _trace_both(scene: _Scene, tangent: Array) -> tuple[Trace, ...]:
    first, second = (
        trace(
            scene.objective,
            scene.x,
            side * tangent,
            boundary=scene.boundary,
            options=scene.options.trace,
        )
        for side in (1.0, -1.0)
    )
    return (first,) if first.stop is TraceStop.CLOSED else (first, second)


def _is_flat(traces: tuple[Trace, ...], scene: _Scene) -> bool:
    """Whether a curve is flat for some length, with gradients that correction brings down.

    A small eigenvalue keeps the gradient below the tolerance for a while, but not far below.
    """
    calm = _CALM * scene.options.trace.grad_tolerance
    lengths = []
    for t in traces:
        restless = np.flatnonzero(np.nan_to_num(t.grad_norms) > calm)
        lengths.append(t.length if not restless.size else t.arclength[restless[0] - 1])
    return bool(max(lengths) >= scene.options.shortest_flat * scene.reach)


def _by_sector(rows: Array, sectors: NDArray[np.int64] | None) -> list[Array]:
    """Split an orthonormal basis of a space that respects the sectors into one for each."""
    if sectors is None or not len(rows):
        return [rows]
    parts = []
    for sector in np.unique(sectors):
        inside = np.where(sectors == sector, rows, 0.0)
        _, sizes, right = np.linalg.svd(inside, full_matrices=False)
        parts.append(right[sizes > 0.5])
    return parts


def _tangent_basis(
    tangents: Array, candidates: Array | None, sectors: NDArray[np.int64] | None
) -> Array:
    """Unit rows that span the tangents: candidates first, as far as they are tangents.

    The others each stay in one sector.
    """
    if not len(tangents):
        return tangents
    rows: list[Array] = []
    for row in () if candidates is None else candidates:
        unit = row / np.linalg.norm(row)
        if np.linalg.norm(unit - tangents.T @ (tangents @ unit)) > 1e-2:
            continue
        if np.linalg.matrix_rank(np.array([*rows, unit]), tol=1e-6) > len(rows):
            rows.append(unit)
    if len(rows) < len(tangents):
        left = _complement(tangents, np.array(rows).reshape(-1, tangents.shape[1]))
        parts = [part for part in _by_sector(left, sectors) if len(part)]
        rows += list(np.concatenate(parts) if len(parts) > 1 else left)
    return np.array(rows[: len(tangents)])


def _complement(space: Array, inside: Array) -> Array:
    """Orthonormal rows spanning what is left of `space` beside `inside`."""
    count = len(space) - len(inside)
    if not count:
        return np.empty((0, space.shape[1]))
    if not len(inside):
        return space
    orthogonal = np.linalg.qr(inside.T)[0].T
    left = space - space @ orthogonal.T @ orthogonal
    _, _, right = np.linalg.svd(left, full_matrices=False)
    return np.asarray(right[:count])


def _direction(
    vector: Array, traces: tuple[Trace, ...], grown: Growth | None, kind: DirectionKind
) -> NullDirection:
    return NullDirection(vector=vector, traces=traces, growth=grown, kind=kind)


def _kind(grown: Growth) -> DirectionKind:
    if np.isnan(grown.exponent):
        return DirectionKind.UNRESOLVED
    return DirectionKind.CURVED if grown.exponent > 2.5 else DirectionKind.SOFT


def _rank_tests(scene: _Scene, traces: list[tuple[Trace, ...]]) -> tuple[RankTest, ...]:
    """The local dimension at random points of the traced set."""
    objective, boundary, options = scene.objective, scene.boundary, scene.options
    points = [
        point
        for pair in traces
        for t in pair
        for point, size, length in zip(t.points[1:], t.grad_norms[1:], t.arclength[1:], strict=True)
        if not np.isnan(size) and length <= _FAR * scene.reach
    ]
    if not points:
        return ()
    # Next to a corner everything happens within the corner's distance, and drowns in rounding.
    room = np.array([natural_reach(point, boundary, options) for point in points])
    points = [point for point, r in zip(points, room, strict=True) if r >= _ROOM * room.max()]
    count = min(options.rank_tests, len(points))
    tests = []
    for i in scene.rng.choice(len(points), count, replace=False):
        y = correct(objective, points[i]).x
        reach = natural_reach(y, boundary, options)
        tests.append(
            local_dimension(
                objective,
                y,
                null_space(objective, y, reach=reach),
                reach=reach,
                rng=scene.rng,
                options=options,
                further=_FURTHER_TESTS,
            )
        )
    return tuple(tests)


def _disagreements(
    traced: int, probe: RankTest, tests: tuple[RankTest, ...], directions: list[NullDirection]
) -> tuple[str, ...]:
    found = []
    dimensions = sorted({test.dimension for test in tests})
    if dimensions and dimensions != [traced]:
        numbers = " and ".join(str(number) for number in dimensions)
        found.append(
            f"The loss is constant along {traced} independent traced directions, but at random "
            f"points of the traced set its dimension is {numbers}: it is no manifold of one "
            "dimension."
        )
    elif traced != probe.dimension:
        found.append(
            f"The loss is constant along {traced} independent traced directions, but displaced "
            f"points keep their displacement in {probe.dimension}."
        )
    unresolved = sum(direction.kind is DirectionKind.UNRESOLVED for direction in directions)
    if unresolved:
        found.append(
            f"For {unresolved} of the null directions neither a flat curve nor a power law could "
            "be established."
        )
    return tuple(found)
