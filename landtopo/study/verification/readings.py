"""What a point is in words: its verdict, its parts, and the dimension of its flat set.

Only the sentences are those of the search (`verdict` and `describe`, which make words from
numbers); everything that goes into them is recomputed here.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from landtopo.models.networks.points.classify import verdict
from landtopo.models.networks.points.reading import Contents
from landtopo.models.networks.points.third_order import ThirdOrder
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.study.verification.evidence import Evidence
from landtopo.study.verification.formulas import gradient
from landtopo.study.verification.labelled import isomorphism, joint
from landtopo.study.verification.network import parts_of
from landtopo.study.verification.quadrature import quadrature_loss

__all__ = ["contents_of", "flat_dimension", "same_network", "telling", "verdict_of"]

# The search's stated rule of what stands for what: reading.py.
_CLEARLY = 1.5
_PART = 0.25
_HALF = 0.5
# Moves along directions without curvature, in units of the teacher: third order shows there.
_MOVE = 1e-2
_SAMPLES = 64


def verdict_of(point: Evidence, grad_tolerance: float) -> tuple[Kind, str]:
    """The verdict on a point, and the sentence that says why."""
    if not point.parts.groups:
        return Kind.SADDLE, "Every neuron is zero, and growing one lowers the loss."
    flat = sum(len(group) - 1 for group in point.parts.groups)
    zeros = point.spectra.nullity - flat
    decided = point.is_zero or point.spectra.index or point.parts.zero or not zeros
    return verdict(
        zero_loss=point.is_zero,
        critical=point.gradient_norm <= grad_tolerance,
        index=point.spectra.index,
        zero_neurons=len(point.parts.zero),
        zeros=zeros,
        flat=flat,
        third=ThirdOrder.OPEN if decided else _third_order(point),
    )


def _third_order(point: Evidence) -> ThirdOrder:
    """How the loss changes along random moves between the parts of split neurons."""
    small = point.network
    if small.spectra.nullity:
        return ThirdOrder.OPEN
    generator = np.random.default_rng(0)
    weights = np.hstack([point.weights, np.zeros((point.width, int(bool(point.unused))))])
    base = quadrature_loss(point.teacher, weights)
    changes = []
    for group in point.parts.groups:
        if len(group) == 1:
            continue
        for _ in range(_SAMPLES):
            moves = generator.standard_normal((len(group), weights.shape[1]))
            moves -= moves.mean(axis=0)
            axis = weights[group[0]] / np.linalg.norm(weights[group[0]])
            moves -= np.outer(moves @ axis, axis)
            moved = weights.copy()
            moved[list(group)] += _MOVE * point.unit * moves / np.linalg.norm(moves)
            changes.append(quadrature_loss(point.teacher, moved) - base)
    return ThirdOrder.RISES if min(changes) > 0 else ThirdOrder.FALLS


def contents_of(point: Evidence) -> Contents:
    """What the line about a point tells."""
    teacher, parts = point.teacher, point.parts
    inside = parts.vectors[:, : point.problem.rank]
    shares = inside @ teacher.vectors.T / teacher.norms**2
    positive = _partners(shares) if len(shares) else np.zeros(0, dtype=bool)
    own = shares
    if teacher.size == point.problem.rank and len(shares):
        own = np.asarray(np.linalg.lstsq(teacher.vectors.T, inside.T, rcond=None)[0].T)
    several, shared = _duties(own)
    return Contents(
        zero_loss=point.is_zero,
        is_teacher=_is_teacher(point),
        aligned=int(np.sum(positive)),
        anti_aligned=int(np.sum(~positive)),
        unpaired=len(parts.groups) - len(positive),
        several=several,
        shared=shared,
        parts=tuple(len(group) for group in parts.groups),
        zero_neurons=len(parts.zero),
        outside=int(np.linalg.matrix_rank(point.weights[:, point.problem.rank :], tol=1e-8))
        if point.outside
        else 0,
    )


def _partners(shares: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which overlaps are positive in the pairing of largest total size; positive ones win ties."""
    sizes = np.abs(shares) * (1.0 + 1e-6 * (shares > 0))
    # A sparse matrix has no entries that are zero.
    sizes = sizes + 1e-12 + 2e-12 * sizes.max(initial=0.0)
    rows, columns = min_weight_full_bipartite_matching(csr_array(sizes), maximize=True)
    return np.asarray(shares[rows, columns] > 0)


def _is_teacher(point: Evidence) -> bool:
    """Whether the reduced network is the teacher's, in any order of its neurons."""
    wanted = parts_of(point.vectors).vectors
    found = point.parts.vectors
    if wanted.shape != found.shape:
        return False
    near = np.linalg.norm(wanted[:, None] - found[None], axis=2)
    near = near <= 1e-6 * float(point.teacher.norms.max())
    return bool(near.any(axis=0).all() and near.any(axis=1).all())


def _duties(shares: Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For how many teachers a neuron stands alone, if several; by how many a teacher is shared."""
    alone: dict[int, int] = {}
    shared = []
    for column in np.maximum(shares, 0.0).T:
        best = float(column.max(initial=0.0))
        rest = np.delete(column, int(np.argmax(column))) if len(column) else column
        if best >= _PART and best >= _CLEARLY * float(rest.max(initial=0.0)):
            owner = int(np.argmax(column))
            alone[owner] = alone.get(owner, 0) + 1
        else:
            shared.append(int(np.sum(column >= _HALF * best)) if best > 0 else 0)
    return tuple(count for count in alone.values() if count > 1), tuple(shared)


def flat_dimension(point: Evidence) -> int:
    """Dimension of the connected set of minima that a minimum lies on.

    At zero loss the functions relu(w_k.x) of fixed directions add up to the teacher's as before:
    the kernel of their scalar products, and the zero neurons, which can share in any of them.
    Elsewhere weight slides between parallel neurons; if the reduced network has other directions
    without curvature, the set is sampled.
    """
    spare = sum(len(group) - 1 for group in point.parts.groups)
    if point.is_zero:
        live = point.weights[point.parts.live]
        units = live / np.linalg.norm(live, axis=1, keepdims=True)
        angles = 2.0 * np.arctan2(
            np.linalg.norm(units[:, None] - units, axis=2),
            np.linalg.norm(units[:, None] + units, axis=2),
        )
        products = (np.sin(angles) + (np.pi - angles) * np.cos(angles)) / (2.0 * np.pi)
        values = np.linalg.eigvalsh(products)
        return int(np.sum(values <= 1e-10 * len(live))) + len(point.parts.zero)
    if not point.network.spectra.nullity:
        return spare
    return _sampled_dimension(point)


def _sampled_dimension(point: Evidence) -> int:
    """Rank of the displacements of critical points around a point, found by least squares."""
    weights, vectors = point.weights, point.vectors
    small = float(np.linalg.norm(weights)) * 1e-2
    generator = np.random.default_rng(0)

    def slope(x: Array) -> Array:
        return np.asarray(gradient(x.reshape(weights.shape), vectors).ravel())

    found = []
    for _ in range(2 * weights.size):
        start = weights + small * generator.standard_normal(weights.shape) / weights.size**0.5
        end = least_squares(slope, start.ravel(), method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15)
        if np.linalg.norm(end.fun) <= 1e-11 * point.unit:
            found.append(end.x - weights.ravel())
    if not found:
        return 0
    sizes = np.linalg.svd(np.array(found), compute_uv=False)
    return int(np.sum(sizes > 0.1 * small))


def same_network(first: Evidence, second: Evidence) -> bool:
    """Whether two points are of one family: the same reduced network up to symmetry.

    At zero loss directions alone count, because their norms are free where the teacher leaves a
    choice.
    """
    if first.is_zero != second.is_zero:
        return False
    vectors = first.frame
    one, other = (telling(point) for point in (first, second))
    return isomorphism(joint(one, vectors), joint(other, vectors)) is not None


def telling(point: Evidence) -> Array:
    """The reduced network, at zero loss with unit vectors of the teacher's mean length."""
    vectors = point.parts.vectors
    if not point.is_zero or not len(vectors):
        return vectors
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths * float(point.teacher.norms.mean()))
