"""What the null directions of a critical point are: gauge, flat, curved, or not null at all.

Knows nothing of networks. A direction is flat only when the loss is constant along a traced curve:

1. Points displaced along random null directions are brought back to the critical set. What they
   keep of their displacement spans the tangents of the flat set; along the other null directions
   they return. The rank of the displacements is the local dimension, with a gap of its own.
2. Each tangent is traced to both sides. Where several flat sets cross, displaced points fall back
   to the crossing; so points are also displaced by a fixed amount in one direction and corrected in
   all others, and what reaches the critical set that way is traced as a branch.
3. Along the null directions orthogonal to all tangents the growth of the relaxed loss is measured.
   Quadratic growth there means that the eigenvalue was small, not zero.
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
from landtopo.flat.null_space import NullSpace, null_space
from landtopo.flat.probe import FlatOptions, Probe, local_dimension, natural_reach
from landtopo.flat.trace import Boundary, Trace, TraceStop, trace
from landtopo.objective import Array, Objective

# Random directions in which a branch is looked for, and Hessians for each of them.
_BRANCH_TRIES = 3
_BRANCH_STEPS = 20
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
class NullDirection:
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
class LocalReport:
    """The null space of a critical point, taken apart.

    Attributes
    ----------
    x : ndarray, shape (size,)
        The point, after its gradient was brought to the floor of rounding.
    loss, grad_norm : float
    moved : float
        Distance from the point that was given.
    null : NullSpace
    probe : Probe
        Local dimension of the flat set at x.
    rank_tests : tuple of Probe
        The same at random points of the traced set.
    directions : tuple of NullDirection
        Gauge, then flat, then the others.
    flat_dimension : int
        Number of independent traced flat directions; where flat sets cross, the largest dimension
        found at random points of the traced set.
    disagreements : tuple of str
        What the independent routes to the flat dimension do not agree on, in sentences.
    """

    x: Array
    loss: float
    grad_norm: float
    moved: float
    null: NullSpace
    probe: Probe
    rank_tests: tuple[Probe, ...]
    directions: tuple[NullDirection, ...]
    flat_dimension: int
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
        Sector of each coordinate, where a symmetry forbids the Hessian at x to couple sectors; the
        directions that are not flat then each stay in one sector.
    options : FlatOptions, optional

    Returns
    -------
    LocalReport
    """
    chosen = options or FlatOptions()
    settled = correct(objective, x)
    here = settled.x
    reach = natural_reach(here, boundary, chosen)
    null = null_space(objective, here, reach=reach)
    probe = local_dimension(objective, here, null, reach=reach, rng=rng, options=chosen)
    basis = np.empty((0, objective.size))
    traces: list[tuple[Trace, ...]] = []
    for tangent in _tangent_basis(probe.tangents, candidates):
        pair = _trace_both(objective, here, tangent, boundary, chosen)
        if _is_flat(pair, reach, chosen):
            basis = np.concatenate([basis, tangent[None]])
            traces.append(pair)
    for branch, pair in _branches(objective, here, null, basis, reach, boundary, rng, chosen):
        basis = np.concatenate([basis, branch[None]])
        traces.append(pair)
    others = np.concatenate(
        [
            adapted_basis(objective, here, null, sector, reach=reach, rng=rng)
            for sector in _by_sector(_complement(null.basis, basis), sectors)
        ]
    )
    floor = _LOSS_FLOOR * chosen.trace.loss_scale
    grown = growth(objective, here, null, others, reach=reach, value=value, loss_floor=floor)
    directions = [
        *(_direction(row, (), None, DirectionKind.GAUGE) for row in null.gauge),
        *(_direction(t, p, None, DirectionKind.FLAT) for t, p in zip(basis, traces, strict=True)),
        *(_direction(u, (), g, _kind(g)) for u, g in zip(others, grown, strict=True)),
    ]
    tests = _rank_tests(objective, traces, reach, boundary, rng, chosen)
    # Where flat sets cross, their tangents span more than the dimension of any of them.
    dimension = min(len(basis), max((test.dimension for test in tests), default=len(basis)))
    return LocalReport(
        x=here,
        loss=settled.value,
        grad_norm=settled.grad_norm,
        moved=float(np.linalg.norm(here - x)),
        null=null,
        probe=probe,
        rank_tests=tests,
        directions=tuple(directions),
        flat_dimension=dimension,
        disagreements=_disagreements(len(basis), probe, tests, directions),
    )


def _branches(
    objective: Objective,
    x: Array,
    null: NullSpace,
    tangents: Array,
    reach: float,
    boundary: Boundary | None,
    rng: np.random.Generator,
    options: FlatOptions,
) -> list[tuple[Array, tuple[Trace, ...]]]:
    """Flat curves that leave a crossing outside of the span of the tangents."""
    found: list[tuple[Array, tuple[Trace, ...]]] = []
    known = tangents
    tries = 0
    while tries < _BRANCH_TRIES and len(known) < null.nullity:
        tries += 1
        left = _complement(null.basis, known)
        offset = rng.standard_normal(len(left)) @ left
        offset /= np.linalg.norm(offset)
        radius = options.probe_radius * reach
        near = correct(objective, x + radius * offset, held=offset[None], most_steps=_BRANCH_STEPS)
        if near.grad_norm > 10 * options.trace.grad_tolerance:
            continue
        away = null.basis.T @ (null.basis @ (near.x - x))
        away -= known.T @ (known @ away)
        away /= np.linalg.norm(away)
        pair = _trace_both(objective, x, away, boundary, options)
        if _is_flat(pair, reach, options):
            found.append((away, pair))
            known = np.concatenate([known, away[None]])
            tries = 0
    return found


def _trace_both(
    objective: Objective, x: Array, tangent: Array, boundary: Boundary | None, options: FlatOptions
) -> tuple[Trace, ...]:
    first = trace(objective, x, tangent, boundary=boundary, options=options.trace)
    if first.stop is TraceStop.CLOSED:
        return (first,)
    return first, trace(objective, x, -tangent, boundary=boundary, options=options.trace)


def _is_flat(traces: tuple[Trace, ...], reach: float, options: FlatOptions) -> bool:
    """Whether a curve is flat for some length, with gradients that correction brings down.

    A small eigenvalue keeps the gradient below the tolerance for a while, but not far below.
    """
    calm = _CALM * options.trace.grad_tolerance
    lengths = []
    for t in traces:
        restless = np.flatnonzero(np.nan_to_num(t.grad_norms) > calm)
        lengths.append(t.length if not restless.size else t.arclength[restless[0] - 1])
    return bool(max(lengths) >= options.shortest_flat * reach)


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


def _tangent_basis(tangents: Array, candidates: Array | None) -> Array:
    """Unit rows that span the tangents: candidates first, as far as they are tangents."""
    if candidates is None or not len(tangents):
        return tangents
    rows: list[Array] = []
    for row in candidates:
        unit = row / np.linalg.norm(row)
        if np.linalg.norm(unit - tangents.T @ (tangents @ unit)) > 1e-2:
            continue
        if np.linalg.matrix_rank(np.array([*rows, unit]), tol=1e-6) > len(rows):
            rows.append(unit)
    if len(rows) < len(tangents):
        rows += list(_complement(tangents, np.array(rows).reshape(-1, tangents.shape[1])))
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


def _rank_tests(
    objective: Objective,
    traces: list[tuple[Trace, ...]],
    reach: float,
    boundary: Boundary | None,
    rng: np.random.Generator,
    options: FlatOptions,
) -> tuple[Probe, ...]:
    points = [
        point
        for pair in traces
        for t in pair
        for point, size, length in zip(t.points[1:], t.grad_norms[1:], t.arclength[1:], strict=True)
        if not np.isnan(size) and length <= _FAR * reach
    ]
    if not points:
        return ()
    # Next to a corner everything happens within the corner's distance, and drowns in rounding.
    room = np.array([natural_reach(point, boundary, options) for point in points])
    points = [point for point, r in zip(points, room, strict=True) if r >= _ROOM * room.max()]
    chosen = rng.choice(len(points), min(options.rank_tests, len(points)), replace=False)
    tests = []
    for i in chosen:
        y = correct(objective, points[i]).x
        room_there = natural_reach(y, boundary, options)
        tests.append(
            local_dimension(
                objective,
                y,
                null_space(objective, y, reach=room_there),
                reach=room_there,
                rng=rng,
                options=options,
                further=_FURTHER_TESTS,
            )
        )
    return tuple(tests)


def _disagreements(
    traced: int, probe: Probe, tests: tuple[Probe, ...], directions: list[NullDirection]
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
    soft = sum(direction.kind is DirectionKind.SOFT for direction in directions)
    if soft:
        found.append(
            f"Along {soft} of the null directions the loss changes quadratically: their "
            "eigenvalues are small, not zero."
        )
    unresolved = sum(direction.kind is DirectionKind.UNRESOLVED for direction in directions)
    if unresolved:
        found.append(
            f"For {unresolved} of the null directions neither a flat curve nor a power law could "
            "be established."
        )
    return tuple(found)
