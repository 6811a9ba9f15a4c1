"""All critical points of a student and a teacher with s(x) = x^2, by a theorem.

With T = V^T V, S = W^T W - T and t = tr S the loss is |S|^2 + t^2 / 2, its gradient W (4 S + 2 t).
On the space U that the rows of W span, of dimension p, this is W^T W = T - t / 2: so U consists of
eigenvectors of T, of eigenvalues tau (0 outside the teacher's span), and t = -sigma / (1 + p / 2),
sigma the sum of all tau that are left out. On U, W^T W has the eigenvalues
mu = tau + sigma / (p + 2). Every such U with p <= K and mu > 0 gives one critical point up to
W -> O W.

The second derivative along X is 2 |Y|^2 + (tr Y)^2 + <4 S + 2 t, X^T X>, Y = W^T X + X^T W. Where
the rows of X lie in U it vanishes along gauge and is positive along the rest. For an eigenvector j
left out it has the eigenvalues 4 (tau_i - tau_j), i in U, and K - p times -4 mu_j, where
mu_j = tau_j + sigma / (p + 2).
The list is that of arXiv 2501.06074, derived anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar

import numpy as np

from landtopo.checks import checked_instance
from landtopo.errors import InvalidArgument
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.shown import Brief, Table

__all__ = ["TheoremList", "TheoremPoint", "theorem_list"]

# Eigenvalues of T closer than this, relative to the largest, are taken for equal.
_EQUAL = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class TheoremPoint(Brief):
    """A connected set of critical points of x^2, up to rotations of neurons into each other.

    Attributes
    ----------
    loss : float
    index : int or None
        Number of negative eigenvalues in all d dimensions; None for infinitely many.
    normal_index : int
        Of them, for each direction outside the teacher's span that no neuron uses.
    flat_dimension : int
        Of the set beyond gauge: eigenspaces of V^T V of which only a part is used can be turned.
    used : tuple of int
        How many eigenvectors of each eigenvalue of V^T V are used, largest eigenvalue first.
    outside : int
        How many directions outside the teacher's span are used.
    weights : ndarray, shape (K, r + outside)
        A representative.

    Examples
    --------
    >>> import landtopo as lt
    >>> teacher = lt.Teacher.orthonormal(2)
    >>> problem = lt.TeacherStudent(teacher, width=1, dim=2, activation="quadratic")
    >>> lowest = lt.theorem_list(problem).points[0]
    >>> isinstance(lowest, lt.TheoremPoint), lowest.used, lowest.flat_dimension
    (True, (1,), 1)
    """

    loss: float
    index: int | None
    normal_index: int
    flat_dimension: int
    used: tuple[int, ...]
    outside: int
    weights: Array = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TheoremList(Table):
    """All critical points of a problem with s(x) = x^2.

    Complete by a theorem, and not by a search; losses and weights are in double precision.

    Attributes
    ----------
    eigenvalues : tuple of float
        The distinct positive eigenvalues of V^T V, the largest first.
    multiplicities : tuple of int
        Eigenvalues that agree to ten digits are taken for equal.
    points : tuple of TheoremPoint
        By increasing loss.

    Examples
    --------
    >>> import landtopo as lt
    >>> teacher = lt.Teacher.orthonormal(2)
    >>> problem = lt.TeacherStudent(teacher, width=1, dim=2, activation="quadratic")
    >>> found = lt.theorem_list(problem)
    >>> isinstance(found, lt.TheoremList), found.multiplicities
    (True, (2,))
    """

    eigenvalues: tuple[float, ...]
    multiplicities: tuple[int, ...]
    points: tuple[TheoremPoint, ...]

    _printed: ClassVar[tuple[str, ...]] = ("loss", "index", "flat_dimension", "used", "outside")

    def rows(self) -> list[dict[str, Any]]:
        """One row for each point.

        Examples
        --------
        >>> import landtopo as lt
        >>> teacher = lt.Teacher.orthonormal(2)
        >>> problem = lt.TeacherStudent(teacher, width=1, dim=2, activation="quadratic")
        >>> [(round(row["loss"], 6), row["index"]) for row in lt.theorem_list(problem).rows()]
        [(1.333333, 0), (4.0, 2)]
        """
        return [
            {
                "loss": one.loss,
                "index": one.index,
                "normal_index": one.normal_index,
                "flat_dimension": one.flat_dimension,
                "used": " ".join(map(str, one.used)),
                "outside": one.outside,
            }
            for one in self.points
        ]


def theorem_list(problem: TeacherStudent) -> TheoremList:
    """List all critical points of s(x) = x^2 with their indices, of any width and teacher.

    No search is made: the list follows from the eigenvalues of V^T V (arXiv 2501.06074). All
    minima have the lowest loss that the width allows.

    Parameters
    ----------
    problem : TeacherStudent
        With activation ``quadratic`` and output weights 1.

    Returns
    -------
    TheoremList

    Raises
    ------
    InvalidArgument
        If the activation is another one, or output weights are not 1.

    Examples
    --------
    >>> import landtopo as lt
    >>> teacher = lt.Teacher.from_vectors([[1, 0], [0, 2]])
    >>> problem = lt.TeacherStudent(teacher, width=2, dim=2, activation="quadratic")
    >>> [(round(one.loss, 4), one.index) for one in lt.theorem_list(problem).points]
    [(0.0, 0), (1.3333, 1), (21.3333, 2), (29.5, 4)]
    """
    checked_instance("problem", "theorem_list", problem, TeacherStudent)
    function, teacher = problem.function, problem.teacher
    if function.name != "quadratic" or (teacher.outputs, problem.outputs) != (None, None):
        raise InvalidArgument(
            "The 'problem' argument of theorem_list must have activation quadratic and output "
            f"weights 1; it has {problem.told}."
        )
    values, vectors = np.linalg.eigh(teacher.vectors.T @ teacher.vectors)
    order = np.argsort(-values, kind="stable")[: problem.rank]
    values, vectors = values[order], vectors[:, order]
    ends = np.flatnonzero(values[:-1] - values[1:] > _EQUAL * values[0]) + 1
    spaces = np.split(np.arange(problem.rank), ends)
    sizes = [len(space) for space in spaces]
    points = [
        _point(problem, (values, vectors), sizes, used, outside)
        for used, outside in _choices(problem, sizes)
    ]
    return TheoremList(
        eigenvalues=tuple(float(values[space].mean()) for space in spaces),
        multiplicities=tuple(sizes),
        points=tuple(sorted(points, key=lambda one: (one.loss, one.used, one.outside))),
    )


def _choices(problem: TeacherStudent, sizes: list[int]) -> Iterator[tuple[tuple[int, ...], int]]:
    """How many eigenvectors of each eigenvalue, and directions outside, may be used together."""
    for used in product(*(range(size + 1) for size in sizes)):
        room = min(problem.width - sum(used), problem.extra)
        # With nothing left out mu = 0 outside: no neuron is there.
        most = min(room, 0) if sum(used) == sum(sizes) else room
        yield from ((used, outside) for outside in range(most + 1))


def _point(
    problem: TeacherStudent,
    eigen: tuple[Array, Array],
    sizes: list[int],
    used: tuple[int, ...],
    outside: int,
) -> TheoremPoint:
    values, vectors = eigen
    firsts = np.cumsum([0, *sizes[:-1]])
    chosen = np.concatenate([first + np.arange(n) for first, n in zip(firsts, used, strict=True)])
    left = np.delete(values, chosen)
    inside, p = len(chosen), len(chosen) + outside
    share = float(left.sum() / (p + 2))
    weights = np.zeros((problem.width, problem.rank + outside))
    scaled = vectors[:, chosen] * np.sqrt(values[chosen] + share)
    weights[:inside, : problem.rank] = scaled.T
    weights[inside:p, problem.rank :] = np.sqrt(share) * np.eye(outside)
    unused = [size - n for size, n in zip(sizes, used, strict=True)]
    # What is used goes down towards each larger eigenvalue left out; spare neurons towards all.
    index = sum(n * sum(unused[:place]) for place, n in enumerate(used))
    spare = problem.width - p if len(left) else 0
    index += (outside + spare) * len(left)
    free = None if problem.dim is None else problem.dim - problem.rank - outside
    return TheoremPoint(
        loss=p * share**2 + float(np.sum(left**2)) + 2 * share**2,
        index=index if not spare else None if free is None else index + spare * free,
        normal_index=spare,
        flat_dimension=sum(n * more for n, more in zip(used, unused, strict=True)),
        used=used,
        outside=outside,
        weights=weights,
    )
