"""What is studied: a teacher network, and the student that learns from it.

The loss depends on the teacher's weight vectors only through their Gram matrix T = V V^T, so a
teacher is stored in coordinates of its own span: V has shape (M, r) with r = rank(T).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import (
    LARGEST,
    MOST_RATIO,
    checked_array,
    checked_count,
    checked_instance,
    checked_number,
    checked_seed,
)
from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.units import Linear, Squared

if TYPE_CHECKING:
    from landtopo.model import Rungs

__all__ = ["MOST_DIMENSIONS", "MOST_NEURONS", "Teacher", "TeacherStudent"]

_SYMMETRY_TOLERANCE = 1e-12
_EIGENVALUE_TOLERANCE = 1e-12
#: Tables of all pairs of neurons have to fit into memory.
MOST_NEURONS = 10_000
#: Integers up to here, and squares of their roots, are exact in double precision.
MOST_DIMENSIONS = 10**15
_MOST_ENTRIES = 100_000_000


@dataclass(frozen=True, eq=False)
class Teacher(Brief):
    """M teacher neurons with output weights 1, in coordinates of their span.

    Use one of the constructors `orthonormal`, `equicorrelated`, `random`, `from_vectors`,
    `from_gram`, `from_spec`.

    Attributes
    ----------
    vectors : ndarray, shape (M, r)
        Weight vectors in an orthonormal basis of their span; v.x has variance |v|^2.
    gram : ndarray, shape (M, M)
        T = V V^T.
    name : str
        How the teacher was made, such as ``orthonormal:6``.

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.Teacher.orthonormal(6)
    Teacher(name='orthonormal:6', vectors=<array 6 x 6>)
    """

    _told = ("name", "vectors")

    vectors: Linear[Array]
    gram: Squared[Array]
    name: str = "vectors"

    @property
    def size(self) -> int:
        """Number of teacher neurons, M."""
        return int(self.vectors.shape[0])

    @property
    def rank(self) -> int:
        """Dimension of the teacher's span, r = rank(T)."""
        return int(self.vectors.shape[1])

    @cached_property
    def norms(self) -> Array:
        """|v_m|, shape (M,)."""
        return _read_only(np.sqrt(np.diag(self.gram)))

    def __eq__(self, other: object) -> bool:
        """Two teachers are equal when their vectors are, to the last bit."""
        return isinstance(other, Teacher) and np.array_equal(self.vectors, other.vectors)

    def __hash__(self) -> int:
        return hash((self.vectors.shape, self.vectors.tobytes()))

    def rungs(self, caller: str, *, widths: Any, dim: int | None, init: Any) -> Rungs:
        """The models of students of some widths; see `landtopo.model.Subject`."""
        from landtopo.models.networks.ladder import network_rungs

        return network_rungs(self, caller, widths=widths, dim=dim, init=init)

    @classmethod
    def orthonormal(cls, size: int) -> Teacher:
        """M orthonormal vectors, T = I.

        Parameters
        ----------
        size : int
            Number of teacher neurons M >= 1.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.orthonormal(2).gram
        array([[1., 0.],
               [0., 1.]])
        """
        size = checked_count("size", "Teacher.orthonormal", size, most=MOST_NEURONS)
        return cls(_read_only(np.eye(size)), _read_only(np.eye(size)), f"orthonormal:{size}")

    @classmethod
    def equicorrelated(cls, size: int, correlation: float) -> Teacher:
        """M unit vectors with the same scalar product between any two.

        Parameters
        ----------
        size : int
            Number of teacher neurons M >= 1.
        correlation : float
            Their common scalar product rho, -1/(M - 1) <= rho <= 1.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.equicorrelated(2, 0.5).gram.round(6)
        array([[1. , 0.5],
               [0.5, 1. ]])
        """
        size = checked_count("size", "Teacher.equicorrelated", size, most=MOST_NEURONS)
        rho = checked_number(
            "correlation", "Teacher.equicorrelated", correlation, "be a finite number", np.isfinite
        )
        lowest = -1.0 if size == 1 else -1.0 / (size - 1)
        if not lowest - 1e-12 <= rho <= 1.0:
            raise InvalidArgument(
                f"The 'correlation' argument of Teacher.equicorrelated must lie between "
                f"{lowest:.6g} and 1 for {size} neurons, or the Gram matrix has the eigenvalue "
                f"{min(1.0 + (size - 1) * rho, 1.0 - rho):.6g}; got {rho:g}."
            )
        gram = np.full((size, size), rho)
        np.fill_diagonal(gram, 1.0)
        return cls.from_gram(gram, name=f"equicorrelated:{size}:{rho!r}")

    @classmethod
    def random(cls, size: int, *, dim: int | None = None, seed: int = 0) -> Teacher:
        """M vectors with independent entries N(0, 1/dim).

        Parameters
        ----------
        size : int
            Number of teacher neurons M >= 1.
        dim : int, optional
            Dimension of the inputs the vectors are drawn in; M by default.
        seed : int
            Seed of the draw.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.random(2, dim=3, seed=1).vectors.shape
        (2, 2)
        """
        size = checked_count("size", "Teacher.random", size, most=MOST_NEURONS)
        dim = checked_count(
            "dim", "Teacher.random", size if dim is None else dim, most=_MOST_ENTRIES // size
        )
        seed = checked_seed("Teacher.random", seed)
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        vectors = rng.standard_normal((size, dim)) / np.sqrt(dim)
        return cls.from_vectors(vectors, name=f"random:{size}:dim={dim}:seed={seed}")

    @classmethod
    def from_vectors(cls, vectors: ArrayLike, *, name: str = "vectors") -> Teacher:
        """Teacher with the given weight vectors, one a row, in any dimension.

        Parameters
        ----------
        vectors : array_like, shape (M, d)
            Weight vectors. Linear dependence and unequal norms are allowed, zero vectors are not,
            nor norms whose ratio exceeds `landtopo.checks.MOST_RATIO`.
        name : str
            Shown in files and pictures.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.from_vectors([[1, 0, 0], [1, 1, 0]]).rank
        2
        """
        checked_instance("name", "Teacher.from_vectors", name, str)
        given = _matrix("vectors", "Teacher.from_vectors", vectors)
        lengths = np.linalg.norm(given, axis=1)
        if not np.all(np.any(given, axis=1)):
            raise InvalidArgument(
                "The 'vectors' argument of Teacher.from_vectors must have no zero vector; "
                f"teacher neuron {int(np.argmin(lengths)) + 1} is zero."
            )
        _check_norms("vectors", "Teacher.from_vectors", lengths)
        # Of unit rows, so that a short vector does not pass for a dependent one.
        _, singular, right = np.linalg.svd(given / lengths[:, None], full_matrices=False)
        tolerance = max(given.shape) * np.finfo(float).eps * singular[0]
        rank = int(np.sum(singular > tolerance))
        if rank < given.shape[1]:
            basis = right[:rank]
            # The basis of the span is free up to a rotation: take the one in which the vectors
            # are lower triangular, so that equal teachers get equal coordinates.
            given = _lower_triangular(given @ basis.T)
        return cls(_read_only(given), _read_only(given @ given.T), name)

    @classmethod
    def from_gram(cls, gram: ArrayLike, *, name: str = "gram") -> Teacher:
        """Teacher with the given Gram matrix T = V V^T.

        Parameters
        ----------
        gram : array_like, shape (M, M)
            Symmetric and positive semidefinite, of any rank, with a positive diagonal.
        name : str
            Shown in files and pictures.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.from_gram([[1, 1], [1, 2]]).vectors.round(6)
        array([[1., 0.],
               [1., 1.]])
        """
        checked_instance("name", "Teacher.from_gram", name, str)
        given = _matrix("gram", "Teacher.from_gram", gram, square=True)
        where = "The 'gram' argument of Teacher.from_gram"
        scale = np.abs(given).max()
        asymmetry = np.abs(given - given.T).max()
        if asymmetry > _SYMMETRY_TOLERANCE * scale:
            raise InvalidArgument(
                f"{where} must be symmetric; two mirrored entries differ by {asymmetry:.3g}."
            )
        if np.any(np.diag(given) == 0):
            zero = int(np.argmin(np.abs(np.diag(given)))) + 1
            raise InvalidArgument(
                f"{where} must have a positive diagonal; teacher neuron {zero} has zero norm."
            )
        given = (given + given.T) / 2
        lowest = float(np.linalg.eigvalsh(given)[0])
        if np.any(np.diag(given) < 0):
            raise InvalidArgument(
                f"{where} must be positive semidefinite; its smallest eigenvalue is {lowest:.6g}."
            )
        # Of unit vectors, so that a short vector does not pass for a dependent one.
        norms = np.sqrt(np.diag(given))
        _check_norms("gram", "Teacher.from_gram", norms)
        values, directions = np.linalg.eigh(given / np.outer(norms, norms))
        if values[0] < -_EIGENVALUE_TOLERANCE * values[-1] * len(values):
            raise InvalidArgument(
                f"{where} must be positive semidefinite; its smallest eigenvalue is {lowest:.6g}."
            )
        keep = values > len(values) * np.finfo(float).eps * 8 * values[-1]
        factors = directions[:, keep] * np.sqrt(values[keep])
        vectors = _lower_triangular(norms[:, None] * factors)
        return cls(_read_only(vectors), _read_only(vectors @ vectors.T), name)

    @classmethod
    def from_spec(cls, spec: str) -> Teacher:
        """Teacher from a short text, as on the command line.

        Parameters
        ----------
        spec : str
            ``orthonormal:6``, ``equicorrelated:6:0.2``, ``random:6:dim=100:seed=1``, or the name
            of a file that holds vectors or a Gram matrix (.json, .npy, .csv).

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.from_spec("equicorrelated:4:-0.1").size
        4
        """
        from landtopo.models.networks.teacher_files import teacher_from_spec

        checked_instance("spec", "Teacher.from_spec", spec, str)
        return teacher_from_spec(spec)


@dataclass(frozen=True)
class TeacherStudent(Brief):
    """A student of a given width that learns from a teacher on inputs N(0, I_d).

    Attributes
    ----------
    teacher : Teacher
        The teacher.
    width : int
        Number of student neurons K >= 1.
    dim : int or None
        Dimension d of the inputs, at least rank(T); None means infinite.

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), width=3)
    TeacherStudent(teacher=<Teacher orthonormal:2>, width=3, dim=None)
    """

    teacher: Teacher
    width: int
    dim: int | None = None

    def __post_init__(self) -> None:
        checked_instance("teacher", "TeacherStudent", self.teacher, Teacher)
        object.__setattr__(
            self, "width", checked_count("width", "TeacherStudent", self.width, most=MOST_NEURONS)
        )
        if self.dim is not None:
            dim = checked_count("dim", "TeacherStudent", self.dim, most=MOST_DIMENSIONS)
            if dim < self.teacher.rank:
                raise InvalidArgument(
                    "The 'dim' argument of TeacherStudent must be at least the rank of the "
                    f"teacher's Gram matrix, {self.teacher.rank}; got {dim}."
                )
            object.__setattr__(self, "dim", dim)

    @property
    def rank(self) -> int:
        """Dimension r of the teacher's span."""
        return self.teacher.rank

    @property
    def extra(self) -> int:
        """Number E of coordinates outside the teacher's span that a student can use at most.

        E = min(K, d - r), or K in infinite dimension: K vectors span no more than K directions.
        """
        return self.width if self.dim is None else min(self.width, self.dim - self.rank)

    @property
    def codimension(self) -> int | None:
        """Dimension d - r of the complement of the teacher's span; None means infinite."""
        return None if self.dim is None else self.dim - self.rank

    def with_width(self, width: int) -> TeacherStudent:
        """The same problem for another width.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> problem.with_width(3).width
        3
        """
        return TeacherStudent(self.teacher, width, self.dim)


def _matrix(argument: str, function: str, value: ArrayLike, *, square: bool = False) -> Array:
    shape = "(M, M)" if square else "(M, d)"
    matrix = checked_array(
        argument,
        function,
        value,
        f"{shape} with M, a number of neurons from 1 to {MOST_NEURONS}",
        lambda sizes: (
            len(sizes) == 2
            and 0 not in sizes
            and sizes[0] <= MOST_NEURONS
            and (sizes[0] == sizes[1] or not square)
        ),
        largest=LARGEST**2 if square else LARGEST,
    )
    return np.array(matrix)


def _check_norms(argument: str, function: str, norms: Array) -> None:
    shortest, longest = float(norms.min()), float(norms.max())
    if not (longest >= 1.0 / LARGEST and shortest * MOST_RATIO >= longest):
        raise InvalidArgument(
            f"The '{argument}' argument of {function} must have norms of at least "
            f"{1.0 / LARGEST:g} that differ by a factor of at most {MOST_RATIO:.2g}, beyond which "
            "the square of the shorter one is lost in the rounding of the longer one's; they go "
            f"from {shortest:.3g} to {longest:.3g}."
        )


def _lower_triangular(vectors: Array) -> Array:
    """Rotate rows into lower echelon form with positive pivots: V = L Q^T, from QR of V^T."""
    lower = np.linalg.qr(vectors.T)[1].T
    signs = np.ones(lower.shape[1])
    for column in range(lower.shape[1]):
        pivots = np.flatnonzero(np.abs(lower[:, column]) > 1e-14 * np.abs(lower).max())
        if pivots.size and lower[pivots[0], column] < 0:
            signs[column] = -1.0
    return np.asarray(lower * signs + 0.0)


def _read_only(array: Sequence[float] | Array) -> Array:
    result = np.array(array, dtype=np.float64)
    result.setflags(write=False)
    return result
