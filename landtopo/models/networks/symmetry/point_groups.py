"""Teacher automorphisms, isotropy groups of points, and orbit sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import LARGEST, checked_array
from landtopo.errors import InvalidArgument
from landtopo.models.networks.symmetry.graph import TOLERANCE, Palette, PointGraph, PointLike
from landtopo.models.networks.symmetry.group_names import GroupFactor, name_group
from landtopo.models.networks.symmetry.relabelling import Relabelling
from landtopo.shown import Brief
from landtopo.symmetry.groups import PermutationGroup
from landtopo.symmetry.permutations import Permutation
from landtopo.symmetry.search import automorphism_group

__all__ = [
    "Isotropy",
    "TeacherAutomorphisms",
    "isotropy",
    "orbit_size",
    "symmetry_group",
    "teacher_automorphisms",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TeacherAutomorphisms(Brief):
    """The permutations of the teacher neurons that keep their Gram matrix.

    Attributes
    ----------
    order : int
        Number of automorphisms |Aut(T)|, exact.
    generators : tuple of permutations
        Empty when there is no automorphism but the identity.
    orbits : tuple of tuples of int
        Teacher neurons that automorphisms exchange, fixed ones included.
    name : str
        Such as ``S_6``; see `landtopo.models.networks.symmetry.group_names.name_group`.
    group : PermutationGroup
        The group on 0..M-1.
    tolerance, widest_tie, smallest_step : float
        Absolute: largest difference allowed between entries of T that count as equal, the largest
        that occurs, and the smallest difference between entries told apart.
    """

    order: int
    generators: tuple[Permutation, ...]
    orbits: tuple[tuple[int, ...], ...]
    name: str
    group: PermutationGroup
    tolerance: float
    widest_tie: float
    smallest_step: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Isotropy(Brief):
    """The subgroup of S_K x Aut(T) that fixes a point.

    Attributes
    ----------
    order : int
        Number of elements, exact.
    generators : tuple of Relabelling
        Empty when only the identity fixes the point.
    student_orbits, teacher_orbits : tuple of tuples of int
        Neurons that the group exchanges, fixed ones included, counted from 0.
    name : str
        Such as ``S_5 x S_1``; see `landtopo.models.networks.symmetry.group_names.name_group`.
    factors : tuple of GroupFactor
        Which orbits of students and of teachers each factor permutes in step.
    group : PermutationGroup
        The group on 0..K+M-1, students first.
    width : int
        K.
    tolerance, widest_tie, smallest_step : float
        Absolute: largest difference allowed between values that count as equal, the largest that
        occurs, and the smallest difference between values told apart.
    """

    order: int
    generators: tuple[Relabelling, ...]
    student_orbits: tuple[tuple[int, ...], ...]
    teacher_orbits: tuple[tuple[int, ...], ...]
    name: str
    factors: tuple[GroupFactor, ...]
    group: PermutationGroup
    width: int
    tolerance: float
    widest_tie: float
    smallest_step: float

    def elements(self) -> Iterator[Relabelling]:
        """All elements, the identity first, one at a time."""
        for images in self.group.elements():
            yield Relabelling.from_images(images, self.width)


def symmetry_group(graph: PointGraph, *, tolerance: float = TOLERANCE) -> PermutationGroup:
    """Symmetry group of a graph as permutations of 0..K+M-1, without a name."""
    return _group(graph, Palette.of(graph, tolerance))


def teacher_automorphisms(
    teacher: ArrayLike, *, teacher_labels: ArrayLike | None = None, tolerance: float = TOLERANCE
) -> TeacherAutomorphisms:
    """Automorphism group of a teacher.

    Parameters
    ----------
    teacher : array_like, shape (M, M)
        Gram matrix T, of any rank.
    teacher_labels : array_like, shape (M,), optional
        Output weights; only neurons with equal ones can be exchanged.
    tolerance : float
        Entries that differ by more, relative to the largest diagonal entry, are different. It
        should be the one used for points.

    Returns
    -------
    TeacherAutomorphisms

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> lt.teacher_automorphisms(np.eye(6)).order
    720
    """
    gram = checked_array(
        "teacher",
        "teacher_automorphisms",
        teacher,
        "(M, M)",
        lambda shape: len(shape) == 2 and shape[0] == shape[1],
        largest=LARGEST**2,
    )
    empty = np.empty((0, len(gram)))
    graph = PointGraph.from_statistics(np.empty((0, 0)), empty, gram, teacher_labels=teacher_labels)
    palette = Palette.of(graph, tolerance)
    group = _group(graph, palette)
    return TeacherAutomorphisms(
        order=group.order,
        generators=tuple(tuple(row) for row in group.generators.tolist()),
        orbits=group.orbits(),
        name=name_group(group, 0)[0],
        group=group,
        tolerance=palette.tolerance,
        widest_tie=palette.widest_tie,
        smallest_step=palette.smallest_step,
    )


def isotropy(point: PointLike, *, tolerance: float = TOLERANCE) -> Isotropy:
    """Isotropy group of a point.

    Parameters
    ----------
    point : PointGraph, summary statistics or (Q, R, T)
        Any point, critical or not, inside the teachers' span or not.
    tolerance : float
        Values that differ by more, relative to the largest squared teacher norm, are different.

    Returns
    -------
    Isotropy

    Examples
    --------
    >>> import landtopo as lt
    >>> point = lt.summary_statistics(lt.Teacher.orthonormal(3), [[2, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> lt.isotropy(point).name
    'S_2 x S_1'
    """
    graph = PointGraph.of(point)
    palette = Palette.of(graph, tolerance)
    group = _group(graph, palette)
    name, factors = name_group(group, graph.width)
    parts = group.orbits()
    return Isotropy(
        order=group.order,
        generators=tuple(
            Relabelling.from_images(row, graph.width) for row in group.generators.tolist()
        ),
        student_orbits=tuple(part for part in parts if part[0] < graph.width),
        teacher_orbits=tuple(
            tuple(member - graph.width for member in part)
            for part in parts
            if part[0] >= graph.width
        ),
        name=name,
        factors=factors,
        group=group,
        width=graph.width,
        tolerance=palette.tolerance,
        widest_tie=palette.widest_tie,
        smallest_step=palette.smallest_step,
    )


def orbit_size(width: int, automorphisms: int, isotropy_order: int) -> int:
    """Number of labelled copies of a point, K! |Aut(T)| / |isotropy|, exact.

    Parameters
    ----------
    width : int
        Number of student neurons K.
    automorphisms : int
        |Aut(T)|.
    isotropy_order : int
        Order of the point's isotropy group.

    Raises
    ------
    InvalidArgument
        If the quotient is no integer: the orders belong to different problems or tolerances.
    """
    size, rest = divmod(factorial(width) * automorphisms, isotropy_order)
    if rest:
        raise InvalidArgument(
            f"The 'isotropy_order' argument of orbit_size must divide {width}! x {automorphisms}; "
            f"got {isotropy_order}."
        )
    return size


def _group(graph: PointGraph, palette: Palette) -> PermutationGroup:
    found = palette.colours(graph)
    assert found is not None
    return automorphism_group(*found)
