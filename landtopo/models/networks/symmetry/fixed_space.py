"""The weights that every symmetry of two labelled points leaves alone.

Exchanging two teacher vectors that stand alike in the Gram matrix is a reflection of the span. With
an exchange of the neurons that follow them it may leave two labelled points as they are; such
teacher vectors and neurons are onlookers of the way between the points. The weights that all these
symmetries fix form a linear space. Critical points of the loss on this space are critical points of
the loss (the principle of symmetric criticality: Palais, Commun. Math. Phys. 69, 19 (1979)), the
gradient flow never leaves it, and its dimension does not grow with the number of onlookers.

A neuron in an orbit of n neurons is the image of a representative under a product of reflections.
The representative itself may be any vector that the reflections fix which do not move it: those of
pairs of teacher vectors that it meets at equal overlaps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["EXACT", "FixedSpace", "SharedSymmetry", "interchangeable", "shared_symmetry"]

# Entries of a Gram matrix that differ by no more than this, relative to the largest, differ by
# rounding. What is nearly symmetric is not symmetric: the gradient would not vanish across.
EXACT = 2e-14

# A neuron's unit of overlap with the start against that with the end, in the signature of a teacher
# vector: any number will do that does not make sums of the two coincide.
_SKEW = 0.6180339887498949

# How neurons move when the first vector of a class is exchanged with each of the others.
_Exchanges = dict[int, dict[int, NDArray[np.int64]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedSpace(Brief):
    """A space of weights that is fixed by symmetries, with orthonormal coordinates.

    Attributes
    ----------
    basis : ndarray, shape (K D, n)
        Orthonormal columns; W.ravel() = basis @ y.
    representatives : ndarray of int, shape (o,)
        One neuron of each orbit.
    multiplicities : ndarray of int, shape (o,)
        How many neurons each orbit has.
    """

    basis: Array = field(repr=False)
    representatives: NDArray[np.int64]
    multiplicities: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SharedSymmetry(Brief):
    """Exchanges of teacher vectors and neurons that leave two labelled points as they are.

    They generate a product of symmetric groups, one for each class of onlookers.

    Attributes
    ----------
    teacher : ndarray, shape (M, D)
    exchanges : dict
        For the first vector of each class and every other one of it, the images of all neurons
        when the two are exchanged, shape (K,).
    overlaps : ndarray, shape (2, K, M)
        Of the neurons of both points with the teacher vectors.
    tolerance : float
        Largest difference of equal overlaps.
    """

    teacher: Array = field(repr=False)
    exchanges: _Exchanges = field(repr=False)
    overlaps: Array = field(repr=False)
    tolerance: float

    @property
    def onlookers(self) -> tuple[tuple[int, ...], ...]:
        """Classes of teacher vectors that may be exchanged, two or more in each."""
        return tuple((first, *others) for first, others in self.exchanges.items())

    @property
    def width(self) -> int:
        """Number of student neurons K."""
        return int(self.overlaps.shape[1])

    def exchanged(self, first: int, other: int, vectors: Array) -> Array:
        """Directions in weight space after the first vector of a class and another change places.

        Parameters
        ----------
        first, other : int
        vectors : ndarray, shape (K D, n)
            D may be smaller than that of the teacher where the teacher needs no more columns.
        """
        weights = vectors.reshape(self.width, -1, vectors.shape[1])
        normal = (self.teacher[other] - self.teacher[first])[: weights.shape[1]]
        along = np.tensordot(weights, normal, axes=(1, 0)) * (2.0 / float(normal @ normal))
        moved = np.empty_like(weights)
        moved[self.exchanges[first][other]] = weights - normal[None, :, None] * along[:, None, :]
        return moved.reshape(vectors.shape)

    def basis(self, size: int, *, without: frozenset[int] = frozenset()) -> Array:
        """Orthonormal columns of the weights of so many entries that the symmetries fix."""
        return self.space(size // self.width, without=without).basis

    def space(self, columns: int, *, without: frozenset[int] = frozenset()) -> FixedSpace:
        """The weights that the symmetries fix, or those of them that leave some vectors alone.

        Parameters
        ----------
        columns : int
            Coordinates D of each neuron, enough for the teacher.
        without : frozenset of int
            Onlookers that stay where they are, none of them the first of its class.
        """
        teacher = self.teacher[:, :columns]
        kept = {
            first: [other for other in others if other not in without]
            for first, others in self.exchanges.items()
        }
        classes = [(first, *others) for first, others in kept.items()]
        tables = {
            first: (others, np.array([self.exchanges[first][other] for other in others]))
            for first, others in kept.items()
            if others
        }
        frames: dict[int, Array] = {}
        orbits: list[list[int]] = []
        allowed: dict[tuple[tuple[int, ...], ...], Array] = {}
        for neuron in range(self.width):
            if neuron in frames:
                continue
            ties = _ties(classes, self.overlaps[:, neuron], self.tolerance)
            if ties not in allowed:
                allowed[ties] = _orthogonal_to(teacher, ties)
            frames[neuron] = allowed[ties]
            orbit = [neuron]
            for one in orbit:
                for first, (others, images) in tables.items():
                    new = [
                        (m, image)
                        for m, image in zip(others, images[:, one].tolist(), strict=True)
                        if image not in frames
                    ]
                    if new:
                        normals = teacher[[m for m, _ in new]] - teacher[first]
                        turned = _reflected(frames[one], normals)
                        frames.update(zip((image for _, image in new), turned, strict=True))
                        orbit += [image for _, image in new]
            orbits.append(orbit)
        sizes = [frames[orbit[0]].shape[1] for orbit in orbits]
        basis = np.zeros((self.width, columns, sum(sizes)))
        used = 0
        for orbit, size in zip(orbits, sizes, strict=True):
            for neuron in orbit:
                basis[neuron, :, used : used + size] = frames[neuron] / np.sqrt(len(orbit))
            used += size
        return FixedSpace(
            basis=basis.reshape(self.width * columns, used),
            representatives=np.array([orbit[0] for orbit in orbits]),
            multiplicities=np.array([len(orbit) for orbit in orbits]),
        )


def interchangeable(gram: Array) -> tuple[tuple[int, ...], ...]:
    """Classes of teacher vectors any two of which can be exchanged without changing overlaps.

    Parameters
    ----------
    gram : ndarray, shape (M, M)

    Returns
    -------
    tuple of tuple of int
        Those with two or more members.
    """
    tolerance = EXACT * float(np.abs(gram).max())
    lengths = np.diagonal(gram)
    left = list(range(len(gram)))
    classes = []
    while left:
        first = left[0]
        apart = np.abs(gram - gram[first])
        # The overlap of the two with each other may be any, and their own are compared apart.
        apart[:, first] = 0.0
        np.fill_diagonal(apart, np.abs(lengths - lengths[first]))
        alike = apart.max(axis=1) <= tolerance
        members = [m for m in left if alike[m]]
        left = [m for m in left if not alike[m]]
        if len(members) > 1:
            classes.append(tuple(members))
    return tuple(classes)


def shared_symmetry(
    teacher: Array,
    classes: tuple[tuple[int, ...], ...],
    start: Array,
    end: Array,
    *,
    tolerance: float = 1e-9,
) -> SharedSymmetry | None:
    """The symmetries of two points, and of the straight line between them.

    A symmetry that carries a neuron across the mirror between two teacher vectors on its way from
    start to end is left out: two neurons would have to meet on that mirror.

    Parameters
    ----------
    teacher : ndarray, shape (M, D)
        Teacher vectors in the coordinates of the weights.
    classes : tuple of tuple of int
        From `interchangeable`.
    start, end : ndarray, shape (K, D)
    tolerance : float
        Largest difference of equal entries.

    Returns
    -------
    SharedSymmetry or None
        None if there are no symmetries.
    """
    ends = np.hstack([start, end])
    overlaps = np.array([start @ teacher.T, end @ teacher.T])
    exchanges = _exchanges(teacher, classes, ends, overlaps, tolerance)
    if not exchanges:
        return None
    return SharedSymmetry(
        teacher=teacher, exchanges=exchanges, overlaps=overlaps, tolerance=tolerance
    )


def _exchanges(
    teacher: Array,
    classes: tuple[tuple[int, ...], ...],
    ends: Array,
    overlaps: Array,
    tolerance: float,
) -> _Exchanges:
    """For the first vector of each class of onlookers, how neurons move when it is exchanged."""
    found: _Exchanges = {}
    # Rows are sorted in the same way for two vectors that can be exchanged.
    signature = np.sort(overlaps[0] + _SKEW * overlaps[1], axis=0)
    for members in classes:
        left = list(members)
        while left:
            first, *rest = left
            apart = np.abs(signature[:, rest] - signature[:, [first]]).max(axis=0, initial=0.0)
            alike = [m for m, d in zip(rest, apart.tolist(), strict=True) if d <= 4.0 * tolerance]
            others = {}
            if alike:
                sides = overlaps[:, :, alike] - overlaps[:, :, [first]]
                moving = np.abs(sides).max(axis=0) > tolerance
                # On its way a neuron must stay on its side of the mirror.
                astray = (sides[0] * sides[1] <= tolerance**2) & moving
                normals = teacher[alike] - teacher[first]
                halves = np.moveaxis(ends.reshape(len(ends), 2, -1), 2, 0)
                turned = _reflected(halves.reshape(len(halves), -1), normals)
                turned = np.moveaxis(turned.reshape(len(alike), *halves.shape), 1, 3)
                for number, other in enumerate(alike):
                    if not astray[:, number].any():
                        images = _followed(
                            ends, turned[number].reshape(ends.shape), moving[:, number], tolerance
                        )
                        if images is not None:
                            others[other] = images
            if others:
                found[first] = others
            left = [m for m in rest if m not in others]
    return found


def _followed(
    rows: Array, turned: Array, moving: NDArray[np.bool_], tolerance: float
) -> NDArray[np.int64] | None:
    """Which neurons change places in a mirror; None if they are not carried to each other."""
    images = np.arange(len(rows))
    places = np.flatnonzero(moving)
    if places.size == 2:
        # The usual case: one neuron follows each of the two vectors.
        if np.abs(turned[places[0]] - rows[places[1]]).max() > tolerance:
            return None
        images[places] = places[::-1]
        return images
    equal = np.abs(turned[places, None] - rows[None, places]).max(axis=2) <= tolerance
    if not (np.all(equal.sum(axis=0) == 1) and np.all(equal.sum(axis=1) == 1)):
        return None
    if places.size:
        images[places] = places[equal.argmax(axis=1)]
    return images


def _reflected(columns: Array, normals: Array) -> Array:
    """Columns (D, m) in the mirror of each normal (n, D); shape (n, D, m)."""
    scaled = normals * (2.0 / np.einsum("ij,ij->i", normals, normals))[:, None]
    return np.asarray(columns - normals[:, :, None] * (scaled @ columns)[:, None, :])


def _ties(
    classes: list[tuple[int, ...]], overlaps: Array, tolerance: float
) -> tuple[tuple[int, ...], ...]:
    """Sets of onlookers that one neuron meets at equal overlaps, at both ends."""
    start, end = overlaps.tolist()
    ties = []
    for members in classes:
        sets: list[list[int]] = []
        for m in members:
            for tied in sets:
                one = tied[0]
                if abs(start[m] - start[one]) <= tolerance and abs(end[m] - end[one]) <= tolerance:
                    tied.append(m)
                    break
            else:
                sets.append([m])
        ties += [tuple(tied) for tied in sets if len(tied) > 1]
    return tuple(ties)


def _orthogonal_to(teacher: Array, ties: tuple[tuple[int, ...], ...]) -> Array:
    """Orthonormal basis, as columns, of the vectors with equal overlaps within each set."""
    columns = teacher.shape[1]
    normals = [teacher[m] - teacher[tied[0]] for tied in ties for m in tied[1:]]
    if not normals:
        return np.eye(columns)
    if len(normals) <= columns:
        whole, triangle = np.linalg.qr(np.array(normals).T, mode="complete")
        pivots = np.abs(np.diagonal(triangle))
        if pivots.min() > 1e-6 * pivots.max():
            return np.asarray(whole[:, len(normals) :])
    _, sizes, rows = np.linalg.svd(np.array(normals))
    rank = int(np.sum(sizes > 1e-9 * sizes[0]))
    return np.asarray(rows[rank:].T)
