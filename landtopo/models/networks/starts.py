"""Where searches and training runs start: distributions of the student's weights.

A start is drawn in the coordinates of the problem, W = [W_in | W_out], for inputs of dimension d up
to 10^9 and beyond: of a d-dimensional Gaussian matrix only W_in and the Gram matrix of the rest
matter, and the latter is Wishart distributed, W_out = Bartlett's triangular factor. The draw is
exact, not an approximation for large d.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import (
    LARGEST,
    MOST_RATIO,
    check_options,
    checked_array,
    checked_number,
    checked_positive,
    checked_weights,
    shown,
)
from landtopo.errors import InvalidArgument
from landtopo.models.networks.problem import MOST_DIMENSIONS, TeacherStudent
from landtopo.numerals import real_number
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = [
    "GaussianStart",
    "GivenStart",
    "LiftedStart",
    "OrthogonalStart",
    "ScaledStart",
    "SmallStart",
    "SphereStart",
    "StartDistribution",
    "draw_start",
    "parse_distribution",
    "start_generator",
]


@runtime_checkable
class StartDistribution(Protocol):
    """A distribution of start points."""

    def __str__(self) -> str:
        """The short text that `parse_distribution` reads, or a description."""
        ...

    def draw(self, problem: TeacherStudent, generator: np.random.Generator) -> Array:
        """One start, shape (K, r + E)."""
        ...


def start_generator(seed: int, width: int, start: int) -> np.random.Generator:
    """The random numbers of one start: by identity, never by order of execution."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(width, start)))


def draw_start(
    problem: TeacherStudent, distribution: StartDistribution, generator: np.random.Generator
) -> Array:
    """One start of a distribution.

    Parameters
    ----------
    problem : TeacherStudent
    distribution : StartDistribution
        See `parse_distribution` for the ones that have a short text.
    generator : numpy.random.Generator
        See `start_generator`.

    Returns
    -------
    ndarray, shape (K, r + E)
        E = min(K, d - r), d the dimension of the start (see `GaussianStart`).
    """
    weights = checked_weights(
        f"a search from {shown(str(distribution))}",
        distribution.draw(problem, generator),
        problem.rank,
        width=problem.width,
        dim=problem.dim,
        argument="init",
    )
    largest = float(np.abs(weights).max(initial=0.0))
    longest = float(problem.teacher.norms.max())
    if largest > MOST_RATIO * longest or 0.0 < largest * LARGEST < longest:
        raise InvalidArgument(
            f"The start {shown(str(distribution))} has weights of {largest / longest:.3g} times "
            f"the longest teacher neuron; more than {MOST_RATIO:.2g}, where the teacher is lost in "
            f"the rounding of the loss, or less than {1.0 / LARGEST:g}, whose squares are no "
            "longer numbers, cannot be followed."
        )
    return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class _Isotropic(Brief):
    """What the distributions with a scale, in a dimension, have in common."""

    name: ClassVar[str]
    scale: float = 1.0
    dim: float | None = None

    def __post_init__(self) -> None:
        kind = type(self).__name__
        checked_positive("scale", kind, self.scale)
        if self.dim is not None and self.dim != math.inf:
            checked_number(
                "dim",
                kind,
                self.dim,
                f"be an integer from 1 to {MOST_DIMENSIONS}, or inf",
                lambda dim: 1 <= dim <= MOST_DIMENSIONS and dim.is_integer(),
            )

    def __str__(self) -> str:
        """Short text."""
        ending = "" if self.dim is None else f":dim={self.dim}"
        return f"{self.name}:{self.scale:g}{ending}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianStart(_Isotropic):
    """Independent entries N(0, scale^2 / d).

    Attributes
    ----------
    scale : float
        Typical norm of a neuron.
    dim : int or inf, optional
        d. By default the problem's dimension; for a problem of infinite dimension that of the
        teacher's span, because in infinite dimension (``math.inf``) all overlaps vanish and there
        is only one start, Q = scale^2 I and R = 0.
    """

    name = "gaussian"

    def draw(self, problem: TeacherStudent, generator: np.random.Generator) -> Array:
        """One start, shape (K, r + E)."""
        return self.scale * _gaussian(problem, self.dim, generator)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallStart(_Isotropic):
    """Independent entries N(0, scale^2 / d) with a small scale; `dim` as in `GaussianStart`."""

    name = "small"
    scale: float = 1e-3

    def draw(self, problem: TeacherStudent, generator: np.random.Generator) -> Array:
        """One start, shape (K, r + E)."""
        return self.scale * _gaussian(problem, self.dim, generator)


@dataclass(frozen=True, slots=True, kw_only=True)
class SphereStart(_Isotropic):
    """Every neuron uniform on the sphere of radius `scale`; `dim` as in `GaussianStart`."""

    name = "sphere"

    def draw(self, problem: TeacherStudent, generator: np.random.Generator) -> Array:
        """One start, shape (K, r + E)."""
        weights = _gaussian(problem, self.dim, generator)
        return np.asarray(self.scale * weights / np.linalg.norm(weights, axis=1, keepdims=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrthogonalStart(_Isotropic):
    """Orthogonal neurons of norm `scale`, uniformly rotated; `dim` as in `GaussianStart`.

    When there are more neurons than dimensions the d columns are orthogonal instead, with norm
    scale sqrt(K / d), so that the neurons have the norm `scale` in the quadratic mean.
    """

    name = "orthogonal"

    def draw(self, problem: TeacherStudent, generator: np.random.Generator) -> Array:
        """One start, shape (K, r + E)."""
        weights = _gaussian(problem, self.dim, generator)
        # The polar factor of a Gaussian matrix is uniform on the matrices with orthonormal rows.
        left, _, right = np.linalg.svd(weights, full_matrices=False)
        factor = self.scale * math.sqrt(problem.width / min(weights.shape))
        return np.asarray(factor * (left @ right))


@dataclass(frozen=True, eq=False, kw_only=True)
class GivenStart(Brief):
    """The user's own start points, one of them at random, shaken.

    Attributes
    ----------
    weights : ndarray, shape (n, K, D) or (K, D)
    jitter : float
        Standard deviation of the entries of a Gaussian matrix that is added.
    """

    weights: ArrayLike
    jitter: float = 0.0

    def __post_init__(self) -> None:
        check_options(self, zeros=("jitter",))

    def __str__(self) -> str:
        """Description with a digest of the points."""
        return f"given:{_digest('GivenStart', self.weights)}:jitter={self.jitter:g}"

    def draw(self, problem: TeacherStudent, generator: np.random.Generator) -> Array:
        """One start, shape (K, D)."""
        points = _points("GivenStart", self.weights)
        if points.shape[1] != problem.width or points.shape[2] < problem.rank:
            raise InvalidArgument(
                "The 'weights' argument of GivenStart must have points of shape "
                f"({problem.width}, {problem.rank} + E); got {points.shape[1:]}."
            )
        chosen = points[generator.integers(len(points))]
        return np.asarray(chosen + self.jitter * generator.standard_normal(chosen.shape))


@dataclass(frozen=True, eq=False, kw_only=True)
class LiftedStart(Brief):
    """Points of a smaller width with further neurons, shaken.

    Attributes
    ----------
    weights : ndarray, shape (n, K', D) or (K', D), K' <= K
        One of them is taken at random.
    scale : float
        Norm of the new neurons, which point anywhere in the given coordinates.
    split : bool
        Make the new neurons by splitting old ones instead, w -> c w and (1 - c) w.
    jitter : float
        Standard deviation of the entries of a Gaussian matrix that is added.
    """

    weights: ArrayLike
    scale: float = 1e-3
    split: bool = False
    jitter: float = 0.0

    def __post_init__(self) -> None:
        check_options(self, zeros=("jitter",))

    def __str__(self) -> str:
        """Description with a digest of the points."""
        how = "split" if self.split else f"scale={self.scale:g}"
        return f"lifted:{_digest('LiftedStart', self.weights)}:{how}:jitter={self.jitter:g}"

    def draw(self, problem: TeacherStudent, generator: np.random.Generator) -> Array:
        """One start, shape (K, D)."""
        points = _points("LiftedStart", self.weights)
        if points.shape[1] > problem.width or points.shape[2] < problem.rank:
            raise InvalidArgument(
                f"The 'weights' argument of LiftedStart must have points of at most "
                f"{problem.width} neurons in {problem.rank} + E coordinates; "
                f"got {points.shape[1:]}."
            )
        neurons = list(points[generator.integers(len(points))])
        while len(neurons) < problem.width:
            if self.split:
                old = int(generator.integers(len(neurons)))
                fraction = generator.random()
                neurons.append(fraction * neurons[old])
                neurons[old] = (1.0 - fraction) * neurons[old]
            else:
                direction = generator.standard_normal(points.shape[2])
                neurons.append(self.scale * direction / np.linalg.norm(direction))
        lifted = np.array(neurons)
        return np.asarray(lifted + self.jitter * generator.standard_normal(lifted.shape))


_NAMED: dict[str, Callable[..., StartDistribution]] = {
    kind.name: kind for kind in (GaussianStart, SmallStart, SphereStart, OrthogonalStart)
}


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaledStart(Brief):
    """Starts of another distribution in other units: the same points, and the same text.

    Attributes
    ----------
    distribution : StartDistribution
    unit : float
        What a length of 1 is called in the other units; see `landtopo.units`.
    """

    distribution: StartDistribution
    unit: float

    def __str__(self) -> str:
        """Text of the distribution."""
        return str(self.distribution)

    def draw(self, problem: TeacherStudent, generator: np.random.Generator) -> Array:
        """One start, shape (K, r + E)."""
        return np.asarray(self.distribution.draw(problem, generator) / self.unit)


def parse_distribution(text: str | StartDistribution) -> StartDistribution:
    """Start distribution from a short text, as on the command line.

    Parameters
    ----------
    text : str or StartDistribution
        A distribution is returned as it is. As a text
        ``gaussian:1``, ``small:1e-3``, ``sphere:1`` or ``orthogonal:1`` (the number is the scale
        and may be left out), with ``:dim=1000`` or ``:dim=inf`` at the end if wanted.
    """
    if isinstance(text, StartDistribution):
        return text
    if not isinstance(text, str):
        raise InvalidArgument(f"A start must be a text or a StartDistribution; got {shown(text)}.")
    name, *rest = text.split(":")
    options: dict[str, float] = {}
    try:
        if name not in _NAMED:
            raise ValueError
        for part in rest:
            key, _, value = part.rpartition("=")
            key = key or "scale"
            if key in options or key not in ("scale", "dim"):
                raise ValueError
            number = real_number(value)
            options[key] = int(number) if key == "dim" and number.is_integer() else number
        return _NAMED[name](**options)
    except InvalidArgument as error:
        raise InvalidArgument(f"The start {shown(text)} cannot be used. {error}") from None
    except ValueError:
        raise InvalidArgument(
            f"A start must be one of {', '.join(_NAMED)}, with ':SCALE' and ':dim=D' if wanted, "
            f"such as gaussian:1 or sphere:1:dim=1000; got {shown(text)}."
        ) from None


def _gaussian(problem: TeacherStudent, dim: float | None, generator: np.random.Generator) -> Array:
    """A K x d matrix with entries N(0, 1/d) in the problem's coordinates, shape (K, r + E)."""
    width, rank = problem.width, problem.rank
    limit = problem.dim
    if dim is None:
        dim = rank if limit is None else limit
    if dim < rank or (limit is not None and dim > limit):
        upper = "" if limit is None else f" and at most the problem's, {limit}"
        raise InvalidArgument(
            f"The dimension of a start must be an integer or inf, at least the rank of the "
            f"teacher's Gram matrix, {rank}{upper}; got {dim}."
        )
    if dim == math.inf:
        return np.hstack([np.zeros((width, rank)), np.eye(width)])
    codimension = int(dim) - rank
    inside = generator.standard_normal((width, rank))
    if codimension <= width:
        outside = generator.standard_normal((width, codimension))
    else:
        # Bartlett: the triangular factor of a Wishart matrix with d - r degrees of freedom.
        outside = np.tril(generator.standard_normal((width, width)), -1)
        outside[np.diag_indices(width)] = np.sqrt(
            generator.chisquare(codimension - np.arange(width))
        )
    return np.hstack([inside, outside]) / math.sqrt(dim)


def _digest(name: str, weights: ArrayLike) -> str:
    points = np.ascontiguousarray(_points(name, weights))
    return f"{len(points)}:{hashlib.sha256(points.tobytes()).hexdigest()[:12]}"


def _points(name: str, weights: ArrayLike) -> Array:
    points = checked_array(
        "weights",
        name,
        weights,
        "(n, K, D)",
        lambda shape: len(shape) in (2, 3) and 0 not in shape,
    )
    return points[None] if points.ndim == 2 else points
