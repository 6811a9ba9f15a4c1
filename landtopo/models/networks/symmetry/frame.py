"""The vectors whose permutations are the symmetries of a teacher's function.

With s(x) = max(x, 0) = (x + |x|) / 2 the teacher's function is

    f*(x) = 1/2 sum_m |v_m.x| + 1/2 s.x,    s = sum_m v_m,

so an orthogonal map keeps it if and only if it keeps s and permutes the lines of the v_m, vectors
of one line added up in length. Such a map may carry v_m to -v_n. Then sum_m e_m v_m = s with signs
e_m = -1 for the images with a minus sign, and these sum to zero: linearly independent teachers have
no symmetries but the permutations of their vectors. Dependent ones can
have more. Where all vectors sum to zero, L(-W) = L(W).

Permutations of the frame (v_1, .., v_M, -v_1, .., -v_M, s) that keep its Gram matrix are all these
maps. It is used only where there are more of them than permutations of the v_m. The same holds for
every activation whose odd part is linear (leaky ReLU, GELU, SiLU, softplus), with vectors of one
line added up only where it is homogeneous of degree 1.

Of an even activation the frame is (v_1, .., v_M, -v_1, .., -v_M), and a student neuron stands for
its opposite, too. Of any other, an odd one for instance, f* has the permutations of the v_m as
symmetries; vectors with a negative output weight and an odd activation are turned around first.

Different output weights are written into the frame: it has each vector once more, with a length
that tells its output weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import factorial, prod

import numpy as np
from numpy.typing import ArrayLike

from landtopo.models.networks.problem import Teacher
from landtopo.models.networks.symmetry.fixed_space import EXACT
from landtopo.models.networks.symmetry.graph import TOLERANCE, PointGraph
from landtopo.models.networks.symmetry.point_groups import (
    TeacherAutomorphisms,
    teacher_automorphisms,
)
from landtopo.models.networks.symmetry.relabelling import teacher_rotation
from landtopo.objective import Array
from landtopo.symmetry.groups import PermutationGroup
from landtopo.symmetry.permutations import Permutation

__all__ = [
    "both_signs",
    "function_automorphisms",
    "mirror_images",
    "on_frame",
    "point_graph",
    "symmetry_frame",
]

# The sum of the vectors is told from them by its length, in units of the longest.
_SUM_LENGTH = 1.5
# Lengths that tell output weights are powers of this, in the same units.
_TOLD = 1.7


def symmetry_frame(teacher: Teacher) -> Array:
    """Vectors whose permutations with the same Gram matrix are the symmetries of f*.

    Parameters
    ----------
    teacher : Teacher

    Returns
    -------
    ndarray, shape (F, r), read-only
        The teacher's vectors, F = M, unless its function has more symmetries than they have. Then
        row m is v_m, row M + m is -v_m, and the last row has the direction of their sum if it is
        not zero. (Vectors of one line are replaced by one of their whole length.)
    """
    wider = _wider_frame(teacher)
    return teacher.vectors if wider is None else wider


@lru_cache(maxsize=64)
def _wider_frame(teacher: Teacher) -> Array | None:
    """The frame, or None where the vectors have all symmetries."""
    vectors, function = teacher.vectors, teacher.function
    if function.parity == 1:
        return _told_apart(teacher, np.vstack([vectors, -vectors]), [*teacher.strengths] * 2)
    if teacher.outputs is not None:
        turn = np.sign(teacher.strengths) if function.has_constant_even_part else 1.0
        rows = (turn * vectors.T).T
        sizes = np.abs(teacher.strengths) if function.has_constant_even_part else teacher.strengths
        return _told_apart(teacher, rows, sizes.tolist())
    if teacher.rank == teacher.size or not function.has_linear_odd_part:
        return None
    lines = _merged(vectors) if function.degree == 1 else vectors
    rows = np.vstack([lines, -lines])
    total = vectors.sum(axis=0)
    length = float(np.linalg.norm(total))
    longest = float(np.linalg.norm(lines, axis=1).max())
    if length > EXACT * longest * len(vectors):
        rows = np.vstack([rows, total * (_SUM_LENGTH * longest / length)])
    own = _order(vectors) // prod(factorial(count) for count in _multiplicities(vectors))
    if _order(rows) <= own:
        return None
    rows.setflags(write=False)
    return rows


def _told_apart(teacher: Teacher, rows: Array, outputs: Sequence[float]) -> Array:
    """Rows, each once more with a length that tells its output weight, if these are not all equal.

    Lengths are larger than all others, and no two lengths that tell different output weights are
    equal, so that no map can carry one to another.
    """
    kinds = sorted(set(outputs))
    if len(kinds) > 1:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        told = [_TOLD ** (1 + kinds.index(b)) for b in outputs]
        longest = float(lengths.max())
        rows = np.vstack([rows, rows / lengths * np.array(told)[:, None] * longest])
    rows = np.array(rows)
    rows.setflags(write=False)
    return rows


def both_signs(teacher: Teacher, weights: Array) -> Array:
    """Points (.., K, D) with the opposites of their neurons where s is even, (.., 2 K, D).

    Parameters
    ----------
    teacher : Teacher
    weights : ndarray, shape (.., K, D)
    """
    if not teacher.function.turns:
        return weights
    return np.concatenate([weights, -weights], axis=-2)


def _order(rows: Array) -> int:
    return int(teacher_automorphisms(rows @ rows.T, tolerance=EXACT).order)


def _merged(vectors: Array) -> Array:
    """One vector a line, with the lengths of all that lie on it."""
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / lengths[:, None]
    merged: list[Array] = []
    totals: list[float] = []
    for unit, length in zip(units, lengths, strict=True):
        for place, line in enumerate(merged):
            apart = min(np.linalg.norm(unit - line), np.linalg.norm(unit + line))
            if apart <= EXACT * len(unit):
                totals[place] += length
                break
        else:
            merged.append(unit)
            totals.append(length)
    if len(merged) == len(vectors):
        return vectors
    return np.asarray(np.array(merged) * np.array(totals)[:, None])


def _multiplicities(vectors: Array) -> list[int]:
    """How often each different vector occurs; exchanging equal ones moves nothing."""
    scale = float(np.abs(vectors).max())
    apart = np.abs(vectors[:, None] - vectors[None]).max(axis=2)
    first = np.argmax(apart <= EXACT * scale, axis=1)
    return [int(count) for count in np.unique(first, return_counts=True)[1]]


def function_automorphisms(
    teacher: Teacher, *, tolerance: float = TOLERANCE
) -> TeacherAutomorphisms:
    """The symmetries of the teacher's function, as permutations of the rows of its frame.

    Parameters
    ----------
    teacher : Teacher
    tolerance : float
        As of `teacher_automorphisms`.
    """
    frame = symmetry_frame(teacher)
    return teacher_automorphisms(frame @ frame.T, tolerance=tolerance)


def point_graph(teacher: Teacher, weights: ArrayLike, *, told_apart: bool = False) -> PointGraph:
    """A point as the symmetries of the teacher's function see it.

    Parameters
    ----------
    teacher : Teacher
    weights : array_like, shape (K, r + E)
    told_apart : bool
        Whether the rows of the frame have numbers, so that students alone can be renumbered.

    Returns
    -------
    PointGraph
        With the rows of the frame in the place of teacher neurons.
    """
    frame = symmetry_frame(teacher)
    return PointGraph.from_weights(
        weights,
        frame,
        turned=teacher.function.turns,
        teacher_labels=np.arange(len(frame), dtype=np.float64) if told_apart else None,
    )


def on_frame(teacher: Teacher, automorphism: Sequence[int]) -> Permutation:
    """What a permutation of the teacher's vectors does to the rows of its frame.

    Parameters
    ----------
    teacher : Teacher
    automorphism : sequence of int, length M
        Vector m becomes number automorphism[m]; it keeps T.
    """
    frame = _wider_frame(teacher)
    if frame is None:
        return tuple(automorphism)
    moved = frame @ teacher_rotation(teacher.vectors, automorphism).T
    apart = np.linalg.norm(moved[:, None] - frame[None], axis=2)
    return tuple(np.argmin(apart, axis=1).tolist())


def mirror_images(teacher: Teacher, most: int = 64) -> tuple[Array, ...]:
    """Maps that keep f* and are no permutations of the teacher's vectors, one of each kind.

    Two maps are of one kind if a permutation of the vectors that keeps T leads from one to the
    other.

    Parameters
    ----------
    teacher : Teacher
    most : int
        With more kinds than this none is given.

    Returns
    -------
    tuple of ndarray, shape (r, r)
        Orthogonal matrices of the span; empty for a teacher whose frame is its vectors, for an even
        activation, where turning vectors around is nothing, and with output weights.
    """
    frame = _wider_frame(teacher)
    if frame is None or teacher.function.parity == 1 or teacher.outputs is not None:
        return ()
    whole = function_automorphisms(teacher).group
    own = PermutationGroup.from_generators(
        [on_frame(teacher, one) for one in teacher_automorphisms(teacher.gram).generators],
        len(frame),
    )
    if whole.order > most * own.order:
        return ()
    kinds = whole.coset_representatives(own, most)
    next(kinds)  # the identity
    return tuple(teacher_rotation(frame, images) for images in kinds)
