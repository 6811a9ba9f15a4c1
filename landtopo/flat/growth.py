"""How the loss grows along null directions that are not flat.

Along a unit null direction u the loss is relaxed over all directions with a clear eigenvalue:
phi(s) = stationary value of L(x + s u + R y) over y. By the envelope theorem phi'(s) = u . grad L
there, which keeps its relative accuracy where phi itself, a difference of losses, has lost it. With
phi = c |s|^p the slope is p c |s|^(p-1); the fit is

    log |phi'| = log(p c) + (p - 1) log s + b s,

in which b takes up the next order, over all steps at which the slope is far above rounding.

Different powers in one null space are told apart by a basis adapted to them: at a displacement s
the relaxed loss has curvatures of order s^(p-2), so its Hessian, averaged over a few displacements,
separates the powers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from landtopo.eigen import eigh
from landtopo.flat.null_space import NullSpace
from landtopo.objective import Array, Objective
from landtopo.shown import Brief

__all__ = ["Growth", "PowerLaw", "adapted_basis", "fit_power_law", "growth"]

_STEPS = 14
# Steps reach from 3e-4 to a tenth of the distance within which the objective is smooth.
_SHORTEST, _LONGEST = 3e-4, 1e-1
# Slopes this many times above rounding enter the fit.
_ABOVE_ROUNDING = 200.0
_BEFORE_CHANGE = 0.75
_RELAXATIONS = 60
# Small, so that powers separate well: s^(p-2) for p = 3 and 4 differ by this.
_DISPLACEMENT = 2e-3
_DISPLACEMENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaw(Brief):
    """A fitted law c s^p of the relaxed loss, to one side.

    Attributes
    ----------
    exponent : float
        p; NaN if fewer than five steps could be used.
    exponent_error : float
        Standard error of the fit, or the change of p when only the shorter half of the steps is
        fitted, whichever is larger.
    coefficient : float
        c, negative where the loss falls; for the exponent rounded to an integer if that is within
        0.1, else for the fitted one.
    decades : float
        Decades of s that were fitted.
    """

    exponent: float
    exponent_error: float
    coefficient: float
    decades: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth(Brief):
    """Relaxed loss along one null direction.

    Attributes
    ----------
    steps : ndarray, shape (n,)
        Lengths s > 0.
    losses : ndarray, shape (2, n)
        phi(s) - phi(0) along +u and -u; NaN where it is below what was asked to be resolved.
    slopes : ndarray, shape (2, n)
        phi'(s) away from the point along +u and -u; NaN where the relaxation failed.
    laws : tuple of two PowerLaw
        Along +u and -u.
    rounding : float
        Error of a slope.
    """

    steps: Array
    losses: Array
    slopes: Array
    laws: tuple[PowerLaw, PowerLaw]
    rounding: float

    @property
    def exponent(self) -> float:
        """The smaller of the two exponents: it decides what happens first."""
        return min((law.exponent for law in self.laws), key=lambda p: (np.isnan(p), p))

    @property
    def exponent_error(self) -> float:
        """The larger of the two errors of the fit."""
        return max(law.exponent_error for law in self.laws)

    @property
    def descends(self) -> bool:
        """Whether the loss falls to one side."""
        return any(law.coefficient < 0 for law in self.laws)


def growth(
    objective: Objective,
    x: Array,
    null: NullSpace,
    directions: Array,
    *,
    reach: float,
    value: Callable[[Array], Array] | None = None,
    loss_floor: float = 0.0,
) -> tuple[Growth, ...]:
    """Measure the growth of the relaxed loss along null directions.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
        A critical point, converged as far as rounding allows.
    null : NullSpace
        Null space there.
    directions : ndarray, shape (n, size)
        Unit null directions.
    reach : float
        Distance within which the objective is smooth or its corners are far.
    value : callable, optional
        A more accurate value than the objective's, for the stored losses.
    loss_floor : float
        Changes of the loss that the slopes estimate to be below this are not evaluated.

    Returns
    -------
    tuple of Growth
        One for each direction.
    """
    count = len(directions)
    if not count:
        return ()
    steps = np.geomspace(_SHORTEST, _LONGEST, _STEPS) * reach
    sides = np.concatenate([directions, -directions])
    offsets = (sides[:, None, :] * steps[None, :, None]).reshape(-1, objective.size)
    rows = null.eigenvectors[~null.zero]
    eigenvalues = null.eigenvalues[~null.zero]
    scale = float(np.abs(null.eigenvalues).max(initial=0.0))
    rounding = 8 * np.finfo(float).eps * scale * max(float(np.linalg.norm(x)), reach)
    points, failed = _relax(objective, x + offsets, rows, eigenvalues, rounding)
    _, gradients = objective.value_and_gradient(points)
    slopes = np.einsum("nd,nd->n", gradients, np.repeat(sides, _STEPS, axis=0))
    slopes[failed] = np.nan
    evaluate = objective.value if value is None else value
    losses = np.full(len(points), np.nan)
    seen = np.abs(slopes) * np.tile(steps, len(sides)) > loss_floor
    if seen.any():
        losses[seen] = evaluate(points[seen]) - float(evaluate(x[None])[0])
    shape = (2, count, _STEPS)
    return tuple(
        Growth(
            steps=steps,
            losses=losses.reshape(shape)[:, i],
            slopes=slopes.reshape(shape)[:, i],
            laws=(
                fit_power_law(steps, slopes.reshape(shape)[0, i], rounding),
                fit_power_law(steps, slopes.reshape(shape)[1, i], rounding),
            ),
            rounding=rounding,
        )
        for i in range(count)
    )


def adapted_basis(
    objective: Objective,
    x: Array,
    null: NullSpace,
    directions: Array,
    *,
    reach: float,
    rng: np.random.Generator,
) -> Array:
    """Rotate null directions so that those with different powers of growth are separate.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
    null : NullSpace
    directions : ndarray, shape (n, size)
        Orthonormal null directions.
    reach : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, size)
        Orthonormal, of the same span; slowest growth first.
    """
    if len(directions) < 2:
        return directions
    rows = null.eigenvectors[~null.zero]
    total = np.zeros((len(directions), len(directions)))
    for _ in range(_DISPLACEMENTS):
        offset = rng.standard_normal(len(directions))
        offset *= _DISPLACEMENT * reach / np.linalg.norm(offset)
        hessian = objective.hessian(x + offset @ directions)
        half = rows @ hessian
        across = half @ directions.T
        # The Schur complement: curvature after the other directions have relaxed.
        reduced = directions @ hessian @ directions.T
        reduced -= across.T @ np.linalg.solve(half @ rows.T, across)
        values, vectors = eigh(reduced)
        total += (vectors * np.abs(values)) @ vectors.T
    _, vectors = eigh(total)
    return np.asarray(vectors.T @ directions)


def _relax(
    objective: Objective, points: Array, rows: Array, eigenvalues: Array, rounding: float
) -> tuple[Array, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Solve for zero force along `rows`, with the Hessian of the base point as Jacobian."""
    current = points.copy()
    active = np.arange(len(points))
    last = np.full(len(points), np.inf)
    failed = np.zeros(len(points), dtype=np.bool_)
    if not len(rows):
        return current, failed
    for _ in range(_RELAXATIONS):
        _, gradients = objective.value_and_gradient(current[active])
        force = gradients @ rows.T
        size = np.linalg.norm(force, axis=1)
        done = (size <= rounding) | ((size <= 30 * rounding) & (size > 0.5 * last[active]))
        diverged = ~(size < 10 * last[active])
        failed[active[diverged & ~done]] = True
        last[active] = np.minimum(size, last[active])
        go = ~done & ~diverged
        active = active[go]
        if not len(active):
            return current, failed
        current[active] -= (force[go] / eigenvalues) @ rows
    failed[active] = True
    return current, failed


def fit_power_law(steps: Array, slopes: Array, rounding: float) -> PowerLaw:
    """Fit c s^p to slopes p c s^(p-1).

    Parameters
    ----------
    steps, slopes : ndarray, shape (n,)
        NaN slopes are left out, and so are those that rounding reaches.
    rounding : float
        Error of a slope.

    Returns
    -------
    PowerLaw
    """
    use = np.flatnonzero(np.abs(slopes) > _ABOVE_ROUNDING * rounding)  # NaN compares as False
    signs = np.sign(slopes[use])
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    if changes.size:
        # A higher power of the other sign takes over: only what is well below that counts.
        use = use[: round(_BEFORE_CHANGE * (changes[0] + 1))]
    if len(use) < 5:
        return PowerLaw(
            exponent=float("nan"),
            exponent_error=float("nan"),
            coefficient=float("nan"),
            decades=0.0,
        )
    s, slope = steps[use], np.abs(slopes[use])
    # A slope known to relative e has a logarithm known to e; corrections of order s^2 stay in.
    error = np.hypot(rounding / slope, (s / steps[-1]) ** 2 * 1e-2) + 1e-12
    exponent, deviation, coefficient = _fit(s, slope, error, s[-1])
    half = max(5, len(s) // 2)
    change = abs(_fit(s[:half], slope[:half], error[:half], s[-1])[0] - exponent)
    return PowerLaw(
        exponent=exponent,
        exponent_error=max(deviation, change),
        coefficient=float(signs[0]) * coefficient,
        decades=float(np.log10(s[-1] / s[0])),
    )


def _fit(s: Array, slope: Array, error: Array, longest: float) -> tuple[float, float, float]:
    """Exponent, its standard error, and coefficient."""
    design = np.stack([np.ones_like(s), np.log(s), s / longest], axis=1) / error[:, None]
    logarithm = np.log(slope)
    answer, *_ = np.linalg.lstsq(design, logarithm / error, rcond=None)
    residual = design @ answer - logarithm / error
    covariance = np.linalg.pinv(design.T @ design)
    spread = max(1.0, float(residual @ residual) / max(1, len(s) - 3))
    exponent = 1.0 + float(answer[1])
    deviation = float(np.sqrt(covariance[1, 1] * spread))
    whole = round(exponent)
    if abs(exponent - whole) > 0.1 or not whole:
        return exponent, deviation, float(np.exp(answer[0])) / exponent
    # The coefficient at the exact exponent: refit the two other terms.
    shifted = (logarithm - (whole - 1) * np.log(s)) / error
    (level, _), *_ = np.linalg.lstsq(design[:, [0, 2]], shifted, rcond=None)
    return exponent, deviation, float(np.exp(level)) / whole
