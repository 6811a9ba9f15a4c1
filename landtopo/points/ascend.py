"""Eigenvector following to a critical point of a given index, with the exact Hessian.

Along n chosen eigenvectors the function is maximised, along all others minimised. Every mode has
its own shift, which makes the step of a mode with eigenvalue b and gradient component c

    s = +- 2 c / (|b| + sqrt(b^2 + 4 c^2)),

the rational-function step of one variable (Banerjee, Adams, Simons, Shepard, J. Phys. Chem. 89, 52
(1985), partitioned to single modes as by Wales): it has the right sign whatever the sign of b, and
it becomes the Newton step near a critical point of the wanted index. The trust radius follows how
well the quadratic model predicts the gradient. Function values are never compared, because they
cannot tell points apart below |grad| ~ 1e-8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.objective import Array, Objective
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.points.factors import (
    Positive,
    Symmetric,
    cholesky,
    factorised,
    lowest_modes,
)
from landtopo.points.spectrum import Spectrum, lowest_spectrum, spectrum, with_gauge_lifted
from landtopo.shown import Brief

__all__ = [
    "Ascent",
    "AscentOptions",
    "AscentStatus",
    "ascend",
    "newton",
    "soft_mode_starts",
]


# From so many coordinates on, modes are improved from step to step instead of computed anew.
_LARGE = 100


class AscentStatus(Enum):
    """How an ascent ended."""

    CONVERGED = "A critical point of the wanted index was reached."
    OTHER_INDEX = "A critical point was reached, but its index is another one."
    STEPS_USED = "The number of steps allowed was used before the gradient vanished."
    NOT_SMOOTH = "The gradient jumps however short the step: the function is not smooth there."
    LEFT_REGION = "The iteration left the region it was confined to."
    NOT_FINITE = "A value that is not finite was met."


@dataclass(frozen=True, slots=True, kw_only=True)
class AscentOptions(Brief):
    """How eigenvector following is done.

    Attributes
    ----------
    index : int
        Wanted index n >= 0 (0 walks down to a minimum).
    steps : int
        Largest number of steps.
    gradient_tolerance : float
        |grad| at which the point counts as critical.
    radius, largest_radius, smallest_radius : float
        First, largest and smallest length of a step.
    region : float
        Distance from the start at which the ascent gives up.
    zero_tolerance : float
        Relative size below which an eigenvalue counts as zero.
    """

    index: int = 1
    steps: int = 200
    gradient_tolerance: float = 1e-12
    radius: float = 0.1
    largest_radius: float = 0.3
    smallest_radius: float = 1e-7
    region: float = np.inf
    zero_tolerance: float = 1e-9

    def __post_init__(self) -> None:
        for name, least in (("index", 0), ("steps", 1)):
            if int(getattr(self, name)) != getattr(self, name) or getattr(self, name) < least:
                raise InvalidArgument(
                    f"The '{name}' argument of AscentOptions must be an integer >= {least}; "
                    f"got {getattr(self, name)}."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ascent(Brief):
    """Where an ascent ended, and how it went.

    Attributes
    ----------
    x : ndarray, shape (size,)
        Last point.
    value, gradient_norm : float
        There.
    spectrum : Spectrum or None
        Hessian spectrum at the last point without gauge directions; None when it is not finite.
    gradient_norms : ndarray, shape (n,)
        Of the iterates, first to last.
    points : ndarray, shape (n, size)
        The iterates.
    distance : float
        Between the first and the last point.
    evaluations : Evaluations
        What it cost.
    status : AscentStatus
    """

    x: Array
    value: float
    gradient_norm: float
    spectrum: Spectrum | None
    gradient_norms: Array = field(repr=False)
    points: Array = field(repr=False)
    distance: float
    evaluations: Evaluations
    options: AscentOptions = field(repr=False)
    status: AscentStatus

    @property
    def converged(self) -> bool:
        """Whether a critical point of the wanted index was reached."""
        return self.status is AscentStatus.CONVERGED


def newton(
    objective: Objective,
    x: Array,
    *,
    gradient_tolerance: float = 1e-12,
    region: float = np.inf,
    steps: int = 40,
    factors: Symmetric | Positive | None = None,
) -> tuple[Array, Array, Array, bool]:
    """Newton's method from nearby, gauge directions held, as long as it really converges.

    A factorised Hessian serves for further steps as long as each shrinks the gradient to a quarter.

    Parameters
    ----------
    objective : Objective
    x : ndarray, shape (size,)
    gradient_tolerance : float
        |grad| that is asked for.
    region : float
        Largest distance from the start.
    steps : int
        Largest number of steps.
    factors : Symmetric or Positive, optional
        Of the Hessian at the start, if they are known.

    Returns
    -------
    x : ndarray, shape (size,)
        The iterate with the smallest gradient.
    value : ndarray, shape ()
    gradient : ndarray, shape (size,)
    converged : bool
        False when a step failed to shrink the gradient by half or the region was left; the point
        is then the best one before that.
    """
    start = x
    value, gradient = objective.value_and_gradient(x)
    norm = float(np.linalg.norm(gradient))
    fresh = True
    for _ in range(steps):
        if norm <= gradient_tolerance:
            break
        if factors is None:
            gauge = objective.gauge(x)
            factors = factorised(with_gauge_lifted(objective.hessian(x), gauge))
            fresh = True
        if factors is None:
            break
        trial = x - factors.solve(gradient)
        # A nearly singular Hessian sends the step to where its square overflows.
        reachable = np.abs(trial).max() < 1e100 and np.linalg.norm(trial - start) <= region
        new_norm = np.inf
        if reachable:
            new_value, new_gradient = objective.value_and_gradient(trial)
            new_norm = float(np.linalg.norm(new_gradient))
        if not new_norm < 0.5 * norm:
            if fresh:
                break
            factors = None
            continue
        if new_norm > 0.25 * norm:
            factors = None
        fresh = False
        x, value, gradient, norm = trial, new_value, new_gradient, new_norm
    return x, value, gradient, norm <= gradient_tolerance


def ascend(
    objective: Objective,
    start: Array,
    options: AscentOptions | None = None,
    *,
    direction: Array | None = None,
) -> Ascent:
    """Follow eigenvectors from a start to a critical point of the wanted index.

    Parameters
    ----------
    objective : Objective
    start : ndarray, shape (size,)
    options : AscentOptions, optional
    direction : ndarray, shape (size,), optional
        For index 1: the direction to climb at first. The eigenvector that overlaps most with it is
        followed until its eigenvalue is the lowest; without it the lowest one is followed at once.
    """
    options = AscentOptions() if options is None else options
    counted = Counted(objective)
    x = np.array(start, dtype=np.float64)
    if x.shape != (objective.size,):
        raise InvalidArgument(
            f"The 'start' argument of ascend must have shape ({objective.size},); got {x.shape}."
        )
    climb = None
    if direction is not None and options.index == 1:
        climb = direction / np.linalg.norm(direction)
    radius = options.radius
    points, norms = [x], []
    status = AscentStatus.STEPS_USED
    value, gradient = counted.value_and_gradient(x)
    modes: _Modes | None = None
    for _ in range(options.steps):
        norm = float(np.linalg.norm(gradient))
        norms.append(norm)
        if not np.isfinite(norm):
            status = AscentStatus.NOT_FINITE
            break
        if norm <= options.gradient_tolerance:
            status = AscentStatus.CONVERGED
            break
        if np.linalg.norm(x - points[0]) > options.region:
            status = AscentStatus.LEFT_REGION
            break
        hessian = counted.hessian(x)
        gauge = counted.gauge(x)
        lifted = with_gauge_lifted(hessian, gauge)
        factors = factorised(lifted)
        full_step = None
        if factors is not None and factors.negative == options.index:
            # With the right number of negative eigenvalues Newton's step goes up and down the
            # right modes, and near the end nothing is as good; it needs no eigenvectors.
            full_step = -factors.solve(gradient)
            if np.linalg.norm(full_step) <= radius:
                better, new_value, new_gradient, done = newton(
                    counted,
                    x,
                    gradient_tolerance=options.gradient_tolerance,
                    region=radius,
                    factors=factors,
                )
                if done:
                    x, value, gradient = better, new_value, new_gradient
                    points.append(x)
                    norms.append(float(np.linalg.norm(gradient)))
                    status = AscentStatus.CONVERGED
                    break
            climb = None
        if full_step is None or not np.linalg.norm(full_step) <= 1e6 * norm:
            free = hessian.shape[0] - gauge.shape[0]
            modes = _Modes.of(lifted, free, factors, options, modes)
            followed, climb = modes.followed(options.index, climb)
            full_step = modes.step(gradient, followed, options)
        full = float(np.linalg.norm(full_step))
        while True:
            scale = min(1.0, radius / full) if full > 0 else 1.0
            step = scale * full_step
            trial = x + step
            new_value, new_gradient = counted.value_and_gradient(trial)
            expected = hessian @ step
            # What the quadratic model got wrong, against the gradient it works on: along a curved
            # soft valley H s alone is tiny, and would forbid every useful step.
            error = float(np.linalg.norm(new_gradient - gradient - expected))
            error /= max(float(np.linalg.norm(expected)), norm)
            if not error <= 2.0 and scale * full > options.smallest_radius:
                radius = 0.25 * scale * full
                continue
            break
        if not error <= 2.0 and scale * full <= options.smallest_radius and norm > 1e-8:
            status = AscentStatus.NOT_SMOOTH
            break
        if error < 0.8:
            radius = min(max(radius, 2.0 * scale * full), options.largest_radius)
        elif error > 1.5:
            radius = 0.5 * scale * full
        x, value, gradient = trial, new_value, new_gradient
        points.append(x)
    else:
        norms.append(float(np.linalg.norm(gradient)))
    found = None
    if status is not AscentStatus.NOT_FINITE:
        found = lowest_spectrum(
            counted.hessian(x), counted.gauge(x), zero_tolerance=options.zero_tolerance
        )
        if status is AscentStatus.CONVERGED and found.index != options.index:
            status = AscentStatus.OTHER_INDEX
    return Ascent(
        x=x,
        value=float(value),
        gradient_norm=float(np.linalg.norm(gradient)),
        spectrum=found,
        gradient_norms=np.array(norms),
        points=np.array(points),
        distance=float(np.linalg.norm(x - points[0])),
        evaluations=counted.evaluations,
        options=options,
        status=status,
    )


def soft_mode_starts(
    objective: Objective,
    minimum: Array,
    *,
    modes: int,
    amplitudes: tuple[float, ...] = (0.05, 0.2),
) -> Iterator[tuple[Array, Array]]:
    """Starts for ascents that leave a critical point along its softest modes, both ways.

    Parameters
    ----------
    objective : Objective
    minimum : ndarray, shape (size,)
    modes : int
        Number of softest modes; zero modes are left out.
    amplitudes : tuple of float
        Distances from the minimum.

    Yields
    ------
    start, direction : ndarray, shape (size,)
        To be given to `ascend`.
    """
    found = spectrum(objective, minimum)
    order = np.argsort(np.abs(found.eigenvalues), kind="stable")
    useful = [int(i) for i in order if abs(found.eigenvalues[i]) > found.zero_tolerance]
    for mode in useful[:modes]:
        for amplitude in amplitudes:
            for sign in (1.0, -1.0):
                away = sign * found.vectors[:, mode]
                yield minimum + amplitude * away, away


@dataclass(frozen=True, slots=True)
class _Modes:
    """Eigenvectors of the Hessian at one point: the lowest ones singly, the rest all at once.

    The rest are positive, so that a Cholesky factor of the matrix without the lowest ones gives
    their Newton step; it is None where every mode is known singly.
    """

    values: Array
    vectors: Array
    rest: Positive | None
    zero: float

    @classmethod
    def of(
        cls,
        matrix: Array,
        count: int,
        factors: Symmetric | None,
        options: AscentOptions,
        before: _Modes | None,
    ) -> _Modes:
        """Modes of a matrix of which the lowest `count` are wanted, its gauge ones being last.

        Those of the step before serve as a guess where there are many coordinates.
        """
        bound = float(np.abs(matrix).sum(axis=1).max())
        zero = options.zero_tolerance * bound
        wanted = count if factors is None else max(factors.negative, options.index) + 3
        if 4 * wanted < count:
            if before is not None and factors is not None and count > _LARGE:
                values, vectors = _improved(matrix, factors, before.vectors)
                if np.sum(values < 0.0) == factors.negative and values[-1] > zero:
                    rest = cholesky(matrix + (vectors * (bound - values)) @ vectors.T)
                    if rest is not None:
                        return cls(values, vectors, rest, zero)
            values, vectors = lowest_modes(matrix, wanted)
            if values[-1] > zero:
                rest = cholesky(matrix + (vectors * (bound - values)) @ vectors.T)
                if rest is not None:
                    return cls(values, vectors, rest, zero)
        values, vectors = np.linalg.eigh(matrix)
        return cls(values[:count], vectors[:, :count], None, zero)

    def followed(self, index: int, climb: Array | None) -> tuple[tuple[int, ...], Array | None]:
        """Which modes to climb, and the direction still to be tracked (None: the lowest ones)."""
        if climb is None:
            return tuple(range(index)), None
        overlaps = np.abs(self.vectors.T @ climb)
        mode = int(np.argmax(overlaps))
        if mode == 0 and self.values[0] < 0:
            return (0,), None
        return (mode,), self.vectors[:, mode]

    def step(self, gradient: Array, followed: tuple[int, ...], options: AscentOptions) -> Array:
        """Step along every eigenvector: up the followed ones, down the others."""
        values, components = self.values, self.vectors.T @ gradient
        denominator = np.abs(values) + np.sqrt(values**2 + 4.0 * components**2)
        steps = np.divide(
            -2.0 * components, denominator, out=np.zeros_like(values), where=denominator > 0
        )
        steps[list(followed)] *= -1.0
        # In a flat direction only rounding is left of the gradient; the formula would make it 1.
        steps[
            (np.abs(values) <= self.zero) & (np.abs(components) <= options.gradient_tolerance)
        ] = 0
        step = self.vectors @ steps
        if self.rest is not None:
            step -= self.rest.solve(gradient - self.vectors @ components)
        return np.asarray(step)


def _improved(matrix: Array, factors: Symmetric, guess: Array) -> tuple[Array, Array]:
    """The lowest modes as far as a guess and one inverse iteration from it know them.

    Ritz values are never below the eigenvalues they stand for, so that as many negative ones as
    the inertia says are all there are.
    """
    basis, _ = np.linalg.qr(np.hstack([guess, factors.solve(guess)]))
    values, within = np.linalg.eigh(basis.T @ matrix @ basis)
    count = guess.shape[1]
    return values[:count], basis @ within[:, :count]
