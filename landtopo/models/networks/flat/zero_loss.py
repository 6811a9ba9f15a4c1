"""All students of zero loss, for any teacher, also a linearly dependent one.

A ReLU network with output weights 1 is a positive measure on directions. Its function has a kink on
the hyperplane of each line {+e, -e}, of strength t = (weight on +e) + (weight on -e), and what is
left, s = (weight on +e) - (weight on -e), enters only through the linear part sum_i s_i e_i / 2.
Kinks on different hyperplanes cannot cancel, and all strengths are positive, so a student has zero
loss exactly if it uses the teacher's n lines with the teacher's strengths and its linear part:

    |s_i| <= t_i,    sum_i s_i e_i = linear part of the teacher.

The same holds for every s with s(t x) = t s(x), t > 0, that is not even, and for positive output
weights b_m, which are lengths. An even one, |x|, has no linear part: there is one reduced network,
and every neuron on a line can have either orientation.

This is a polytope. For linearly independent lines it is one point. A teacher with v_1 + v_2 + v_3 =
0 has a segment, from the teacher to its negative. On the open face with the signs z (+ where s_i =
t_i, - where s_i = -t_i, 0 between) the reduced network has n + |I| neurons, I = {i: z_i = 0}; K'
non-zero student neurons then make cells of dimension K' - n - rank(e_I), one for each surjection
onto the reduced neurons.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from math import comb, factorial

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.models.networks.flat.cells import surjections
from landtopo.models.networks.problem import Teacher
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["ZeroLossFace", "ZeroLossSet", "line_freedom", "zero_loss_set"]

_SAME_LINE = 1e-9
_FEASIBLE = 1e-9
_MOST_SYSTEMS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroLossFace(Brief):
    """One open face of the polytope of zero-loss measures.

    Attributes
    ----------
    signs : tuple of int
        For each line: 1 or -1 if only that orientation carries weight, 0 if both do.
    dimension : int
        Dimension of the face.
    effective_width : int
        Number of reduced neurons on it.
    network : ndarray, shape (m, r)
        Reduced neurons at the centre of its corners.
    """

    signs: tuple[int, ...]
    dimension: int
    effective_width: int
    network: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroLossSet(Brief):
    """The shape of the set of all students of zero loss.

    Attributes
    ----------
    width : int
        Number of student neurons K.
    lines : ndarray, shape (n, r)
        Unit vectors of the teacher's lines.
    faces : tuple of ZeroLossFace
        All faces that K neurons can represent, by dimension.
    f_vector : tuple of int
        Number of cells of dimension 0, 1, ..; empty if K is too small for zero loss.
    components : int
        Number of connected components, labelled.
    """

    width: int
    lines: Array
    faces: tuple[ZeroLossFace, ...]
    f_vector: tuple[int, ...]
    components: int

    @property
    def dimension(self) -> int:
        """Dimension of the largest cells; -1 if the set is empty."""
        return len(self.f_vector) - 1

    @property
    def networks(self) -> tuple[Array, ...]:
        """The reduced networks of the corners."""
        return tuple(face.network for face in self.faces if face.dimension == 0)


def zero_loss_set(teacher: Teacher, width: int) -> ZeroLossSet:
    """Cells and components of the set of zero-loss students, exact integers.

    Parameters
    ----------
    teacher : Teacher
    width : int
        Number of student neurons K >= 1.

    Returns
    -------
    ZeroLossSet
    """
    if width < 1:
        raise InvalidArgument(
            f"The 'width' argument of zero_loss_set must be an integer >= 1; got {width}."
        )
    outputs = teacher.strengths
    if teacher.function.degree != 1 or outputs.min() < 0.0:
        raise InvalidArgument(
            "The 'teacher' argument of zero_loss_set must have an activation with s(t x) = t s(x) "
            f"for t > 0, and positive output weights; got {teacher.told}."
        )
    lines, strengths, linear = _lines(outputs[:, None] * teacher.vectors)
    turns = 2 if teacher.function.turns else 1
    if turns == 2:
        # |x| has no linear part, and the orientations of a line are as good as each other.
        faces = [_face((1,) * len(lines), lines, strengths, [strengths])]
    else:
        faces = [
            _face(signs, lines, strengths, corners)
            for signs, corners in _faces(lines, strengths, linear)
        ]
    faces = sorted(
        (face for face in faces if face.effective_width <= width),
        key=lambda face: (face.dimension, face.effective_width, face.signs),
    )
    counts: dict[int, int] = {}
    for face in faces:
        m = face.effective_width
        for used in range(m, width + 1):
            dimension = face.dimension + used - m
            cells = comb(width, used) * surjections(used, m) * turns**used
            counts[dimension] = counts.get(dimension, 0) + cells
    return ZeroLossSet(
        width=width,
        lines=lines,
        faces=tuple(faces),
        f_vector=tuple(counts.get(p, 0) for p in range(max(counts, default=-1) + 1)),
        components=_components(faces, width, turns),
    )


def line_freedom(vectors: Array) -> int:
    """Dimension in which a reduced network can change without changing its function.

    Weight can move between the two orientations of the lines that carry both, as long as the
    linear part stays: |I| - rank(e_I).

    Parameters
    ----------
    vectors : ndarray, shape (m, D)
        Neurons, none zero and no two parallel.

    Returns
    -------
    int
    """
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    both = [
        i
        for i, j in combinations(range(len(units)), 2)
        if np.linalg.norm(units[i] + units[j]) <= _SAME_LINE * 1e3
    ]
    return len(both) - _rank(units[both])


def _lines(vectors: Array) -> tuple[Array, Array, Array]:
    """Unit vectors of the lines, strengths t, and the teacher's own s."""
    units: list[Array] = []
    strengths: list[float] = []
    linear: list[float] = []
    for vector in vectors:
        length = float(np.linalg.norm(vector))
        unit = vector / length
        for i, known in enumerate(units):
            sign = 1.0 if float(known @ unit) > 0 else -1.0
            if np.linalg.norm(unit - sign * known) <= _SAME_LINE:
                strengths[i] += length
                linear[i] += sign * length
                break
        else:
            units.append(unit)
            strengths.append(length)
            linear.append(length)
    return np.array(units), np.array(strengths), np.array(linear)


def _faces(
    lines: Array, strengths: Array, linear: Array
) -> list[tuple[tuple[int, ...], list[Array]]]:
    """Signs of every face of the polytope, with the values s at its corners."""
    corners = _corners(lines, strengths, linear)
    signs = [
        tuple(int(v) for v in np.sign(s) * (np.abs(np.abs(s) - strengths) <= _FEASIBLE * strengths))
        for s in corners
    ]
    faces = set(signs)
    fresh = set(signs)
    while fresh:  # the smallest face of two faces has their common signs
        fresh = {
            tuple(a if a == b else 0 for a, b in zip(one, other, strict=True))
            for one in fresh
            for other in signs
        } - faces
        faces |= fresh
    return [
        (
            face,
            [
                s
                for s, own in zip(corners, signs, strict=True)
                if all(a in (0, b) for a, b in zip(face, own, strict=True))
            ],
        )
        for face in faces
    ]


def _corners(lines: Array, strengths: Array, linear: Array) -> list[Array]:
    """Corners of {s: |s_i| <= t_i, sum s_i e_i fixed}, each as the values s."""
    count = len(lines)
    left, _, _ = np.linalg.svd(lines)
    moves = left[:, _rank(lines) :]  # s may change along these columns
    free = moves.shape[1]
    if free == 0:
        return [linear]
    if comb(count, free) * 2**free > _MOST_SYSTEMS:
        raise InvalidArgument(
            f"zero_loss_set would solve {comb(count, free) * 2**free} linear systems for a teacher "
            f"with {count} lines and {free} linear dependences, more than {_MOST_SYSTEMS}."
        )
    corners: list[Array] = []
    for tight in combinations(range(count), free):
        rows = moves[list(tight)]
        if np.linalg.svd(rows, compute_uv=False)[-1] < 1e-10:
            continue
        for signs in product((1.0, -1.0), repeat=free):
            wanted = np.array(signs) * strengths[list(tight)] - linear[list(tight)]
            s = linear + moves @ np.linalg.solve(rows, wanted)
            if np.any(np.abs(s) > strengths * (1 + _FEASIBLE)):
                continue
            if not any(np.allclose(s, known, rtol=0, atol=1e-8) for known in corners):
                corners.append(s)
    return corners


def _face(
    signs: tuple[int, ...], lines: Array, strengths: Array, corners: list[Array]
) -> ZeroLossFace:
    both = [i for i, sign in enumerate(signs) if sign == 0]
    centre = np.mean(corners, axis=0)
    rows = [
        orientation * (strengths[i] + orientation * centre[i]) / 2 * lines[i]
        for i, sign in enumerate(signs)
        for orientation in ((1, -1) if sign == 0 else (sign,))
    ]
    network = np.array(rows)
    network.setflags(write=False)
    return ZeroLossFace(
        signs=signs,
        dimension=len(both) - _rank(lines[both]),
        effective_width=len(network),
        network=network,
    )


def _components(faces: list[ZeroLossFace], width: int, turns: int) -> int:
    """Labelled components.

    At a corner of the polytope with m < K reduced neurons all labellings are connected by slides;
    with m = K each stands alone. Edges of the polytope join its corners. A neuron that is zero on
    a slide may go on as its opposite.
    """
    corners = [face for face in faces if face.dimension == 0]
    alone: int = factorial(width) * turns**width
    isolated = sum(alone for face in corners if face.effective_width == width)
    root = {face.signs: face.signs for face in corners if face.effective_width < width}

    def find(signs: tuple[int, ...]) -> tuple[int, ...]:
        while root[signs] != signs:
            signs = root[signs]
        return signs

    for edge in faces:
        if edge.dimension == 1:
            ends = [
                signs
                for signs in root
                if all(a in (0, b) for a, b in zip(edge.signs, signs, strict=True))
            ]
            for end in ends[1:]:
                root[find(end)] = find(ends[0])
    return isolated + len({find(signs) for signs in root})


def _rank(rows: Array) -> int:
    return int(np.linalg.matrix_rank(rows, tol=1e-9)) if len(rows) else 0
