"""The reduced network of a point: zero neurons dropped, parallel neurons merged.

A student neuron k that belongs to the reduced neuron j has w_k = c_k u_j with a share c_k > 0, and
the shares of one reduced neuron sum to one; where s is homogeneous of degree h, their powers c_k^h
do, and where s is even, opposite neurons are parallel too, with shares of both signs. Where s is
not homogeneous nothing is dropped or merged, and where s(x) = x^2 neurons are rotated into each
other until they are orthogonal. The function, the zero gradient and the inertia of the
Hessian are properties of the reduced network; assignment and shares say where on the flat set of
its copies a point lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.errors import InvalidArgument
from landtopo.models.networks.activation import Activation
from landtopo.models.networks.tolerances import OUTSIDE, PARALLEL, ZERO_NEURON
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Reduced", "reduce_network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced(Brief):
    """A network without zero and without parallel neurons, and how a student splits it.

    Attributes
    ----------
    vectors : ndarray, shape (m, r + e)
        Weights u_j of the reduced neurons, in the order in which the student first mentions them;
        e is the number of directions outside the teacher's span that they use.
    rank : int
        Dimension r of the teacher's span.
    assignment : ndarray of int, shape (K,)
        Reduced neuron of each student neuron; -1 for a zero neuron.
    shares : ndarray, shape (K,)
        c_k in w_k = c_k u_j; 0 for a zero neuron.
    degree : int
        h.
    residual : float
        Largest distance |w_k - c_k u_j|, lost columns included.
    zero_tolerance : float
        Largest norm of a zero neuron, relative to the longest neuron (or the scale given).
    angle_tolerance : float
        Largest angle between neurons that were merged, in radians.
    outside_tolerance : float
        Largest singular value of the columns outside the span that were dropped, relative to the
        longest neuron.
    """

    vectors: Array
    rank: int
    assignment: NDArray[np.int64]
    shares: Array
    residual: float
    zero_tolerance: float
    angle_tolerance: float
    outside_tolerance: float
    degree: int = 1

    @property
    def width(self) -> int:
        """Number of student neurons K."""
        return len(self.assignment)

    @property
    def effective_width(self) -> int:
        """Number of reduced neurons m."""
        return len(self.vectors)

    @property
    def outside(self) -> int:
        """Number e of directions outside the span that are used."""
        return int(self.vectors.shape[1]) - self.rank

    @property
    def zero_neurons(self) -> int:
        """Number of student neurons that are zero."""
        return int(np.sum(self.assignment < 0))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many student neurons share each reduced neuron, shape (m,)."""
        live = self.assignment[self.assignment >= 0]
        return np.bincount(live, minlength=self.effective_width).astype(np.int64)

    def expand(self, vectors: Array | None = None) -> Array:
        """Student weights, shape (K, r + e): every neuron exactly its share of a reduced one.

        Parameters
        ----------
        vectors : ndarray, shape (m, r + e), optional
            Reduced neurons to use instead of `vectors`.
        """
        u = self.vectors if vectors is None else vectors
        live = self.assignment >= 0
        weights = np.zeros((self.width, u.shape[1]))
        weights[live] = self.shares[live, None] * u[self.assignment[live]]
        return weights

    def evenly_split(self) -> Array:
        """Student weights, shape (K, r + e), with equal parts of every reduced neuron."""
        live = self.assignment >= 0
        owner = self.assignment[live]
        weights = np.zeros((self.width, self.vectors.shape[1]))
        parts = self.sizes[owner].astype(np.float64) ** (-1.0 / self.degree)
        weights[live] = np.copysign(parts, self.shares[live])[:, None] * self.vectors[owner]
        return weights


def reduce_network(
    weights: ArrayLike,
    rank: int,
    *,
    zero_tolerance: float = ZERO_NEURON,
    angle_tolerance: float = PARALLEL,
    outside_tolerance: float = OUTSIDE,
    scale: float = 0.0,
    function: Activation | None = None,
) -> Reduced:
    """Drop the zero neurons of a student, merge its parallel ones, drop unused columns.

    At a zero-loss point the gradient falls like the square of the angle between neurons that should
    be parallel, so that |grad| <= 1e-12 leaves angles near 1e-6: the default is above that.

    Parameters
    ----------
    weights : array_like, shape (K, r + E)
        One point.
    rank : int
        Dimension r of the teacher's span.
    zero_tolerance : float
        Relative to the longest neuron: a neuron that is not longer is zero.
    angle_tolerance : float
        Neurons within this angle of a longer one are merged with it (their vectors are added).
    outside_tolerance : float
        Relative to the longest neuron: columns outside the span are rotated to their principal
        axes, and those with a singular value not above this are dropped.
    scale : float
        A length that counts beside the longest neuron, such as that of the teacher's vectors: with
        it, neurons that are all tiny are all zero.
    function : Activation, optional
        s; ReLU by default.

    Returns
    -------
    Reduced
    """
    given = np.array(weights, dtype=np.float64)
    if given.ndim != 2 or not len(given) or given.shape[1] < rank:
        raise InvalidArgument(
            f"The 'weights' argument of reduce_network must have shape (K, {rank} + E) with "
            f"K >= 1; got {given.shape}."
        )
    if not np.all(np.isfinite(given)):
        raise InvalidArgument("The 'weights' argument of reduce_network must be finite.")
    if function is not None and (function.mixes or not function.merges):
        return _unmerged(
            _orthogonal(given) if function.mixes else given,
            rank,
            zero_tolerance,
            angle_tolerance,
            outside_tolerance,
            scale,
        )
    degree = 1 if function is None or function.degree is None else function.degree
    norms = np.linalg.norm(given, axis=1)
    longest = max(float(norms.max()), scale)
    lines = function is not None and function.parity == 1
    assignment, signs = _group(given, norms, zero_tolerance * longest, angle_tolerance, lines)
    live = assignment >= 0
    groups = int(assignment.max(initial=-1)) + 1
    vectors = np.zeros((groups, given.shape[1]))
    masses = given * (norms ** (degree - 1))[:, None] if degree > 1 else given
    np.add.at(vectors, assignment[live], signs[live, None] * masses[live])
    shares = np.zeros(len(given))
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / lengths[:, None]
    if degree > 1:
        lengths = lengths ** (1.0 / degree)
        vectors = units * lengths[:, None]
    shares[live] = np.einsum("kd,kd->k", given[live], units[assignment[live]])
    shares[live] /= lengths[assignment[live]]
    rebuilt = np.zeros_like(given)
    rebuilt[live] = shares[live, None] * vectors[assignment[live]]
    residual = float(np.linalg.norm(given - rebuilt, axis=1).max())
    compressed, dropped = _compress(vectors, rank, outside_tolerance * longest)
    if np.linalg.norm(compressed, axis=1).min(initial=np.inf) <= zero_tolerance * longest:
        # A neuron that stands outside alone would be nothing without these axes.
        compressed, dropped = _compress(vectors, rank, 0.0)
    vectors = compressed
    for array in (vectors, assignment, shares):
        array.setflags(write=False)
    return Reduced(
        vectors=vectors,
        rank=rank,
        assignment=assignment,
        shares=shares,
        residual=max(residual, dropped),
        zero_tolerance=zero_tolerance,
        angle_tolerance=angle_tolerance,
        outside_tolerance=outside_tolerance,
        degree=degree,
    )


def _orthogonal(weights: Array) -> Array:
    """The neurons, rotated into each other so that they are orthogonal, longest first."""
    _, lengths, axes = np.linalg.svd(weights, full_matrices=False)
    peak = np.argmax(np.abs(axes), axis=1)
    axes = axes * np.sign(axes[np.arange(len(axes)), peak])[:, None]
    result = np.zeros_like(weights)
    result[: len(lengths)] = lengths[:, None] * axes
    return result


def _unmerged(
    weights: Array, rank: int, zero: float, angle: float, outside: float, scale: float
) -> Reduced:
    """A network of which only unused columns are dropped."""
    longest = max(float(np.linalg.norm(weights, axis=1).max()), scale)
    vectors, dropped = _compress(weights, rank, outside * longest)
    shares = np.ones(len(weights))
    assignment = np.arange(len(weights))
    for array in (vectors, assignment, shares):
        array.setflags(write=False)
    return Reduced(
        vectors=vectors,
        rank=rank,
        assignment=assignment,
        shares=shares,
        residual=dropped,
        zero_tolerance=zero,
        angle_tolerance=angle,
        outside_tolerance=outside,
    )


def _group(
    given: Array, norms: Array, zero: float, angle: float, lines: bool
) -> tuple[NDArray[np.int64], Array]:
    """Reduced neuron of every student neuron, numbered by first mention; -1 for zero neurons.

    Second, the sign with which each is added; opposite neurons are on one line.
    """
    signs = np.ones(len(given))
    chord = 2.0 * np.sin(0.5 * min(angle, np.pi))
    if norms.min() > zero:
        units = given / norms[:, None]
        cosines = (units @ units.T)[np.triu_indices(len(given), 1)]
        # With room for rounding: where no pair can be that close, there is nothing to do.
        cosines = np.abs(cosines) if lines else cosines
        if cosines.max(initial=-1.0) < 1.0 - 0.5 * chord**2 - 1e-12:
            return np.arange(len(given)), signs
    leader = np.full(len(given), -1, dtype=np.int64)
    leaders: list[int] = []
    # Longest first: the direction of a long neuron is the one that is known best.
    for k in np.argsort(-norms, kind="stable"):
        if norms[k] <= zero:
            continue
        unit = given[k] / norms[k]
        leader[k] = k
        if leaders:
            known = given[leaders] / norms[leaders, None]
            turned = np.where(known @ unit < 0.0, -1.0, 1.0) if lines else np.ones(len(known))
            distances = np.linalg.norm(known - turned[:, None] * unit, axis=1)
            nearest = int(np.argmin(distances))
            if distances[nearest] <= chord:
                leader[k] = leaders[nearest]
                signs[k] = turned[nearest]
        if leader[k] == k:
            leaders.append(int(k))
    numbers: dict[int, int] = {}
    for k in leader:
        if k >= 0:
            numbers.setdefault(int(k), len(numbers))
    found = np.array([numbers[int(k)] if k >= 0 else -1 for k in leader], dtype=np.int64)
    return found, signs


def _compress(vectors: Array, rank: int, tolerance: float) -> tuple[Array, float]:
    """Rotate the columns outside the span to principal axes; drop those not above tolerance."""
    outside = vectors[:, rank:]
    if not np.any(outside):
        return vectors[:, :rank].copy(), 0.0
    left, singular, _ = np.linalg.svd(outside, full_matrices=False)
    keep = singular > tolerance
    dropped = float(singular[~keep].max(initial=0.0))
    # Principal axes have free signs: make the largest entry of each positive.
    columns = left[:, keep] * singular[keep]
    if columns.size:
        peak = columns[np.argmax(np.abs(columns), axis=0), np.arange(columns.shape[1])]
        columns = columns * np.where(peak < 0, -1.0, 1.0)
    return np.hstack([vectors[:, :rank], columns]), dropped
