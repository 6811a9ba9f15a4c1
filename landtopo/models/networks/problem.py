"""What is studied: a teacher network, and the student that learns from it.

The loss depends on the teacher's weight vectors only through their Gram matrix T = V V^T, so a
teacher is stored in coordinates of its own span: V has shape (M, r) with r = rank(T).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.models.networks.activation import RELU, Activation, activation_from_spec
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.units import Linear, Squared, Unitless

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
# How a title tells what is not in the name.
_ACTIVATION = "activation="
_OUTPUTS = "outputs="


@dataclass(frozen=True, eq=False)
class Teacher(Brief):
    """M teacher neurons in coordinates of their span: f*(x) = sum_m b_m s(v_m.x).

    Use one of the constructors `orthonormal`, `equicorrelated`, `random`, `from_vectors`,
    `from_gram`, `from_spec`, and `with_function` for another s than ReLU and other b than 1.

    Attributes
    ----------
    vectors : ndarray, shape (M, r)
        Weight vectors in an orthonormal basis of their span; v.x has variance |v|^2.
    gram : ndarray, shape (M, M)
        T = V V^T.
    name : str
        How the teacher was made, such as ``orthonormal:6``.
    activation : str
        Names s, see `landtopo.models.networks.activation.activation_names`.
    outputs : tuple of float, or None
        b; None for output weights 1.

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.Teacher.orthonormal(6)
    Teacher(name='orthonormal:6', vectors=<array 6 x 6>)
    """

    vectors: Linear[Array]
    gram: Squared[Array]
    name: str = "vectors"
    activation: str = RELU
    outputs: Unitless[tuple[float, ...] | None] = None

    @property
    def _told(self) -> tuple[str, ...]:  # type: ignore[override]
        unusual = ("activation",) if self.activation != RELU else ()
        return ("name", "vectors", *unusual, *(("outputs",) if self.outputs is not None else ()))

    @cached_property
    def function(self) -> Activation:
        """The activation s."""
        return activation_from_spec(self.activation)

    @cached_property
    def strengths(self) -> Array:
        """The output weights b, shape (M,)."""
        return _read_only(np.ones(self.size) if self.outputs is None else np.array(self.outputs))

    @property
    def title(self) -> str:
        """The name, with the activation and the output weights where they are not the usual ones.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.orthonormal(2).with_function("erf", outputs=[1, -1]).title
        'orthonormal:2 | activation=erf | outputs=1,-1'
        """
        parts = [self.name]
        if self.activation != RELU or f" | {_ACTIVATION}" in self.name:
            parts.append(f"{_ACTIVATION}{self.activation}")
        if self.outputs is not None or f" | {_OUTPUTS}" in self.name:
            parts.append(_OUTPUTS + ",".join(_plain(b) for b in self.strengths))
        return " | ".join(parts)

    def titled(self, title: str) -> Teacher:
        """The same vectors, with the name and the function that a title tells.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.orthonormal(2).titled("mine | activation=erf").activation
        'erf'
        """
        parts = title.split(" | ")
        outputs, activation = None, RELU
        if len(parts) > 1 and parts[-1].startswith(_OUTPUTS):
            outputs = [float(b) for b in parts.pop().removeprefix(_OUTPUTS).split(",")]
        if len(parts) > 1 and parts[-1].startswith(_ACTIVATION):
            activation = parts.pop().removeprefix(_ACTIVATION)
        return replace(self, name=" | ".join(parts)).with_function(activation, outputs=outputs)

    @property
    def told(self) -> str:
        """Activation, and output weights where they are not 1, in a few words.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.orthonormal(2).with_function("erf").told
        'activation erf'
        """
        weights = "" if self.outputs is None else " and output weights of the teacher"
        return f"activation {self.activation}{weights}"

    @property
    def has_negative(self) -> bool:
        """Whether an output weight is negative.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.orthonormal(2).has_negative
        False
        """
        return bool(self.strengths.min() < 0.0)

    @property
    def is_plain(self) -> bool:
        """Whether s is ReLU and b is 1."""
        return self.function.is_relu and self.outputs is None

    def require_relu(self, function: str, argument: str = "teacher") -> None:
        """Raise InvalidArgument unless s is ReLU and b is 1, for what is known of that alone.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.orthonormal(2).require_relu("certify")
        """
        if not self.is_plain:
            raise _unknown(function, argument, "activation relu and output weights 1", self.told)

    def with_function(
        self, activation: str | None = None, *, outputs: ArrayLike | None = None
    ) -> Teacher:
        """The same vectors with another activation or other output weights.

        Parameters
        ----------
        activation : str, optional
            Such as ``erf`` or ``leaky:0.1``; unchanged by default.
        outputs : array_like, shape (M,), optional
            b, of any signs, none of them zero; unchanged by default.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.orthonormal(2).with_function("leaky:.10").activation
        'leaky:0.1'
        """
        name, given = self.activation, self.outputs
        if activation is not None:
            checked_instance("activation", "Teacher", activation, str)
            name = activation_from_spec(activation).name
        if outputs is not None:
            given = _outputs("Teacher", outputs, self.size)
        return replace(self, activation=name, outputs=given)

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
        """Two teachers are equal when their vectors are, to the last bit, and their functions."""
        return (
            isinstance(other, Teacher)
            and np.array_equal(self.vectors, other.vectors)
            and (self.activation, self.outputs) == (other.activation, other.outputs)
        )

    def __hash__(self) -> int:
        return hash((self.vectors.shape, self.vectors.tobytes(), self.activation, self.outputs))

    def rungs(self, caller: str, *, widths: Any, dim: int | None, init: Any) -> Rungs:
        """The models of students of some widths, for a search of their landscapes.

        Parameters
        ----------
        caller : str
            The function that refusals name.
        widths : int or iterable of int
        dim : int or None
            Dimension of the inputs; None means infinite.
        init : str or StartDistribution or None
            Of the starts of searches for minima; ``gaussian:1`` by default.

        Examples
        --------
        >>> import landtopo as lt
        >>> teacher = lt.Teacher.orthonormal(2)
        >>> rungs = teacher.rungs("an example", widths=[2, 3], dim=None, init=None)
        >>> [model.label for model in rungs.models]
        ['width 2', 'width 3']
        """
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
    def scaled(cls, size: int, norm: float) -> Teacher:
        """M orthogonal vectors, the first of a norm of its own, the others of norm 1.

        Parameters
        ----------
        size : int
            Number of teacher neurons M >= 1.
        norm : float
            Of the first one.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.scaled(3, 0.5).norms
        array([0.5, 1. , 1. ])
        """
        size = checked_count("size", "Teacher.scaled", size, most=MOST_NEURONS)
        norm = checked_number(
            "norm", "Teacher.scaled", norm, "be a finite number > 0", lambda x: 0.0 < x < np.inf
        )
        vectors = np.eye(size)
        vectors[0, 0] = norm
        return cls.from_vectors(vectors, name=f"scaled:{size}:{norm!r}")

    @classmethod
    def at_angle(cls, angle: float) -> Teacher:
        """Two unit vectors.

        Parameters
        ----------
        angle : float
            Between them, in radians, from 0 to pi.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.Teacher.at_angle(1.0).gram.round(6)
        array([[1.      , 0.540302],
               [0.540302, 1.      ]])
        """
        angle = checked_number(
            "angle",
            "Teacher.at_angle",
            angle,
            "lie between 0 and pi, in radians",
            lambda x: 0.0 <= x <= np.pi,
        )
        vectors = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        return cls.from_vectors(vectors, name=f"angle:{angle!r}")

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
        values, directions = eigh(given / np.outer(norms, norms))
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
            ``orthonormal:6``, ``equicorrelated:6:0.2``, ``scaled:6:0.5``, ``angle:1.2``,
            ``random:6:dim=100:seed=1``, or the name of a file that holds vectors or a Gram matrix
            (.json, .npy, .csv).

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
    activation : str
        Names s of student and teacher; the teacher's own by default. In the problem, the teacher
        has it as well.
    outputs : tuple of float, or None
        Output weights a of the student, of any signs, none of them zero; None for 1.

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), width=3)
    TeacherStudent(teacher=<Teacher orthonormal:2>, width=3, dim=None)
    >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), width=3, activation="erf").teacher
    Teacher(name='orthonormal:2', vectors=<array 2 x 2>, activation='erf')
    """

    _told = ("teacher", "width", "dim")

    teacher: Teacher
    width: int
    dim: int | None = None
    activation: str | None = None
    outputs: Unitless[tuple[float, ...] | None] = None

    def __post_init__(self) -> None:
        checked_instance("teacher", "TeacherStudent", self.teacher, Teacher)
        if self.activation is not None and self.activation != self.teacher.activation:
            object.__setattr__(self, "teacher", self.teacher.with_function(self.activation))
        object.__setattr__(self, "activation", self.teacher.activation)
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
        if self.outputs is not None:
            outputs = _outputs("TeacherStudent", self.outputs, self.width)
            object.__setattr__(self, "outputs", outputs)

    @property
    def function(self) -> Activation:
        """The activation s."""
        return self.teacher.function

    @cached_property
    def strengths(self) -> Array:
        """The output weights a, shape (K,)."""
        return _read_only(np.ones(self.width) if self.outputs is None else np.array(self.outputs))

    @property
    def told(self) -> str:
        """Activation, and output weights where they are not 1, in a few words.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), 1, outputs=[2]).told
        'activation relu and output weights of the student'
        """
        return self.teacher.told + (
            "" if self.outputs is None else " and output weights of the student"
        )

    def require_relu(self, function: str) -> None:
        """Raise InvalidArgument unless s is ReLU and a, b are 1, for what holds of that alone.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), 2).require_relu("certify")
        """
        if not self.is_plain:
            raise _unknown(function, "problem", "activation relu and output weights 1", self.told)

    def require_ones(self, function: str) -> None:
        """Raise InvalidArgument unless a is 1.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), 2).require_ones("find_minima")
        """
        if self.outputs is not None:
            raise _unknown(function, "problem", "output weights 1 of the student", self.told)

    def require_labels(self, function: str) -> None:
        """Raise InvalidArgument unless signed permutations are all the symmetry of the student.

        Also where `require_climbs` does.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), 2).require_labels("connect")
        """
        self.require_climbs(function)
        if self.function.mixes:
            raise _unknown(
                function,
                "problem",
                "an activation other than x^2, where rotations of neurons into each other join "
                "copies",
                self.told,
            )

    def require_climbs(self, function: str) -> None:
        """Raise InvalidArgument where there are corners of another kind than those of ReLU.

        Also where there may be minima at them.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), 2).require_climbs("find_saddles")
        """
        self.require_ones(function)
        if self.function.kinks and (self.function.degree != 1 or self.teacher.has_negative):
            raise _unknown(
                function,
                "problem",
                "a smooth activation, or one with s(t x) = t s(x) for t > 0 and a teacher with "
                "positive output weights",
                self.told,
            )

    def require_flat(self, function: str) -> None:
        """Raise InvalidArgument where a flat set may end at corners that are not worked out.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation="squared-relu")
        >>> problem.require_flat("flat_directions")
        """
        self.require_ones(function)
        if self.function.kinks and (not self.function.merges or self.teacher.has_negative):
            raise _unknown(
                function,
                "problem",
                "a smooth activation, or one with s(t x) = t^h s(x) for t > 0 and a teacher with "
                "positive output weights",
                self.told,
            )

    @property
    def is_plain(self) -> bool:
        """Whether s is ReLU and all output weights are 1: the model with kernels of its own."""
        return self.teacher.is_plain and self.outputs is None

    @property
    def sides(self) -> int:
        """Vectors that a symmetry permutes: K neurons, where s is even 2K with their opposites.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation="abs").sides
        4
        """
        return 2 * self.width if self.function.turns else self.width

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

        Raises
        ------
        InvalidArgument
            If the output weights of the student are not 1 and it has another width.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> problem.with_width(3).width
        3
        """
        if self.outputs is not None and width != self.width:
            raise InvalidArgument(
                f"The 'outputs' argument of TeacherStudent was given for {self.width} neurons, so "
                f"that there is no such problem of width {width}."
            )
        return TeacherStudent(self.teacher, width, self.dim, outputs=self.outputs)


def _unknown(function: str, argument: str, wanted: str, got: str) -> InvalidArgument:
    return InvalidArgument(
        f"The '{argument}' argument of {function} must have {wanted}, for which alone it is worked "
        f"out; got {got}."
    )


def _outputs(function: str, value: ArrayLike, count: int) -> tuple[float, ...] | None:
    """Output weights, None if all are 1."""
    given = checked_array(
        "outputs", function, value, f"({count},), a number for each neuron", lambda s: s == (count,)
    )
    if np.any(given == 0.0):
        raise InvalidArgument(
            f"The 'outputs' argument of {function} must have no zero; that of neuron "
            f"{int(np.argmax(given == 0.0)) + 1} is zero, and a neuron without output weight is "
            "none."
        )
    if np.abs(given).max() > MOST_RATIO * np.abs(given).min():
        raise InvalidArgument(
            f"The 'outputs' argument of {function} must have sizes that differ by a factor of at "
            f"most {MOST_RATIO:.2g}; they go from {np.abs(given).min():.3g} to "
            f"{np.abs(given).max():.3g}."
        )
    return None if np.all(given == 1.0) else tuple(given.tolist())


def _plain(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


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
