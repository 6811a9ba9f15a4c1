"""Elements of S_K x Aut(T), and how they act on points.

An element renumbers student neurons by any permutation and teacher neurons by an automorphism of
their Gram matrix. The loss does not change. On summary statistics it acts by

    Q'[s(i), s(j)] = Q[i, j],    R'[s(i), t(m)] = R[i, m],

and on weights in the coordinates of the teachers' span by w'_{s(i)} = O w_i, with the orthogonal
matrix O that carries v_m to v_{t(m)}.

Of an even activation each neuron alone can be turned around. Permutations are then signed ones of
the K neurons and their opposites (`landtopo.symmetry.permutations`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.symmetry import permutations
from landtopo.symmetry.permutations import Permutation

__all__ = ["Relabelling", "renumbered", "teacher_rotation"]

_ORTHOGONALITY = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelling(Brief):
    """An element of S_K x Aut(T).

    Attributes
    ----------
    students : tuple of int, length K or 2K
        Student neuron i becomes number students[i]; of length 2K it is a signed permutation, and
        K + i is the opposite of i.
    teachers : tuple of int, length M
        Teacher neuron m becomes number teachers[m].
    """

    students: Permutation
    teachers: Permutation

    @classmethod
    def identity(cls, width: int, teachers: int) -> Relabelling:
        """The element that changes nothing."""
        return cls(students=permutations.identity(width), teachers=permutations.identity(teachers))

    @classmethod
    def from_images(cls, images: Sequence[int] | NDArray[np.int64], width: int) -> Relabelling:
        """From one permutation of all K + M neurons, students first."""
        joint = [int(image) for image in images]
        return cls(
            students=tuple(joint[:width]), teachers=tuple(image - width for image in joint[width:])
        )

    def images(self) -> Permutation:
        """As one permutation of all K + M neurons, students first."""
        width = len(self.students)
        return (*self.students, *(width + image for image in self.teachers))

    def __str__(self) -> str:
        return (
            f"students {permutations.format_cycles(self.students)}, "
            f"teachers {permutations.format_cycles(self.teachers)}"
        )

    def after(self, first: Relabelling) -> Relabelling:
        """First `first`, then this one."""
        return Relabelling(
            students=permutations.compose(self.students, first.students),
            teachers=permutations.compose(self.teachers, first.teachers),
        )

    def inverse(self) -> Relabelling:
        """The element that undoes this one."""
        return Relabelling(
            students=permutations.inverse(self.students),
            teachers=permutations.inverse(self.teachers),
        )

    def on_statistics(self, student: ArrayLike, overlap: ArrayLike) -> tuple[Array, Array]:
        """Act on Q, shape (K, K), and R, shape (K, M)."""
        q, r = np.asarray(student, dtype=np.float64), np.asarray(overlap, dtype=np.float64)
        rows = np.argsort(self.students)
        columns = np.argsort(self.teachers)
        return q[np.ix_(rows, rows)], r[np.ix_(rows, columns)]

    def on_weights(self, weights: ArrayLike, vectors: ArrayLike) -> Array:
        """Act on weights, shape (K, r + E), given the teacher vectors, shape (M, r).

        Coordinates outside the span move with their neurons and are not rotated.
        """
        w = np.array(weights, dtype=np.float64)
        rotation = teacher_rotation(vectors, self.teachers)
        rank = len(rotation)
        w[:, :rank] = w[:, :rank] @ rotation.T
        return renumbered(w, self.students)


def renumbered(weights: Array, students: Sequence[int] | NDArray[np.int64]) -> Array:
    """Points, shape (.., K, D), whose neuron i becomes number students[i], signed or not.

    Parameters
    ----------
    weights : ndarray, shape (.., K, D)
    students : sequence of int, length K or 2K
    """
    rows = np.argsort(students)
    count = weights.shape[-2]
    if len(rows) == count:
        return np.asarray(weights[..., rows, :])
    rows = rows[:count]
    signs = np.where(rows < count, 1.0, -1.0)
    return np.asarray(signs[:, None] * weights[..., rows % count, :])


def teacher_rotation(vectors: ArrayLike, automorphism: Sequence[int] | NDArray[np.int64]) -> Array:
    """The orthogonal matrix of the teachers' span that realises a teacher automorphism.

    O v_m = v_{t(m)} for all m reads V O^T = V[t]. The columns of V are independent, because V is
    given in coordinates of its own span, so O^T = V^+ V[t] is the only solution; it is orthogonal
    because V[t] has the same Gram matrix as V. The nearest orthogonal matrix is returned, which
    removes what rounding and an automorphism that holds to a tolerance leave.

    Parameters
    ----------
    vectors : array_like, shape (M, r)
        Teacher vectors in coordinates of their span; linearly dependent rows are allowed.
    automorphism : sequence of int, length M
        Teacher neuron m becomes number automorphism[m].

    Returns
    -------
    ndarray, shape (r, r)

    Raises
    ------
    InvalidArgument
        If the permutation does not keep the Gram matrix.
    """
    v = np.asarray(vectors, dtype=np.float64)
    images = np.asarray(automorphism, dtype=np.int64)
    target = v[images]
    solution = np.linalg.lstsq(v, target, rcond=None)[0]
    left, stretches, right = np.linalg.svd(solution)
    residual = np.abs(v @ solution - target).max(initial=0.0)
    scale = np.abs(v).max(initial=0.0)
    if np.abs(stretches - 1).max(initial=0.0) > _ORTHOGONALITY or residual > _ORTHOGONALITY * scale:
        raise InvalidArgument(
            "The 'automorphism' argument of teacher_rotation must keep the teachers' Gram matrix; "
            f"{permutations.format_cycles(images.tolist())} does not."
        )
    return np.asarray((left @ right).T)
