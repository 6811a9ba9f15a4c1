"""Students of a teacher as models of a smooth function of their rows, widths as rungs.

`NetworkModel` is the landscape of the weights alone, with all that is known of it beforehand:
corners, splitting, lineage. What else may be made of students, such as constrained ones, is a
smooth function of K rows, each a neuron with its first r coordinates in the teacher's span, and has
the same copies: S_K x Aut(T). A `NetworkShape` says that, and in which words points are told; the
function and its gauge are given from outside. A `StudentModel` is one width of it, `StudentModels`
are several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import factorial
from typing import Any

import numpy as np

from landtopo.checks import checked_count, checked_instance
from landtopo.errors import InvalidArgument
from landtopo.landscape.schema import STUDENTS
from landtopo.models.networks.landscape.copies import NetworkSymmetry
from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.problem import MOST_NEURONS, Teacher, TeacherStudent
from landtopo.models.networks.starts import GaussianStart
from landtopo.models.networks.symmetry import (
    Relabelling,
    format_cycles,
    function_automorphisms,
    isotropy,
    parse_cycles,
)
from landtopo.models.networks.units import in_units, unit_of
from landtopo.models.parameter import ParameterModels
from landtopo.models.smooth import FunctionSearch, SmoothModel
from landtopo.numerals import whole_number
from landtopo.objective import Array, Objective
from landtopo.symmetry.gauge import Gauge
from landtopo.symmetry.permutations import Permutation

__all__ = [
    "Joined",
    "NetworkShape",
    "Outside",
    "StudentModel",
    "StudentModels",
    "StudentSymmetry",
    "problems_of",
    "students_from_name",
]


class StudentSymmetry(NetworkSymmetry):
    """S_K x Aut(T) on points that stand for students: those that a place gives for them.

    Parameters
    ----------
    problem : TeacherStudent
        In units of the model.
    place : callable
        From flat points to flat points of the same size that are compared, in the same units.
    """

    def __init__(self, problem: TeacherStudent, place: Callable[[Array], Array]) -> None:
        super().__init__(problem)
        self._place = place

    def _weights(self, x: Array) -> Array:
        return super()._weights(self._place(np.ravel(x)))

    @cached_property
    def order(self) -> int:
        """Number of elements."""
        problem = self._problem
        turned = 2**problem.width if self.turned else 1
        automorphisms = int(function_automorphisms(problem.teacher).order)
        return factorial(problem.width) * turned * automorphisms

    def isotropy_order(self, x: Array) -> int:
        """Number of elements that leave a point as it is."""
        return int(isotropy(self._graph(x)).order)

    def fixing(self, x: Array) -> list[Permutation]:
        """Elements that leave a point as it is, as many as generate all."""
        return [one.images() for one in isotropy(self._graph(x)).generators]

    def rows(self, x: Array) -> tuple[Array, Array]:
        """Neurons, followed by their opposites where these are as good; the teacher's frame."""
        weights = self._weights(x)
        return np.vstack([weights, -weights]) if self.turned else weights, self._frame


class Outside:
    """The gauge of rotations of the columns outside the teacher's span.

    Parameters
    ----------
    width, rank, columns : int
        Points are `width` rows; columns from `rank` to before `columns` are outside the span.
    objective : Objective
        Knows the directions.
    """

    trivial = False

    def __init__(self, width: int, rank: int, columns: int, objective: Objective) -> None:
        self.width = width
        self.outside = slice(rank, columns)
        self._objective = objective

    def directions(self, x: Array) -> Array:
        """Orthonormal rows."""
        return self._objective.gauge(x)

    def align(self, x: Array, target: Array) -> Array:
        """Columns turned to where they are closest to those of the other point."""
        rows = x.reshape(self.width, -1).copy()
        out, aim = rows[:, self.outside], target.reshape(self.width, -1)[:, self.outside]
        left, _, right = np.linalg.svd(out.T @ aim)
        rows[:, self.outside] = out @ left @ right
        return rows.ravel()


@dataclass(frozen=True, slots=True)
class Joined:
    """Several gauges whose motions commute, as one.

    Attributes
    ----------
    objective : Objective
        Knows the directions of all of them.
    parts : tuple of Gauge
    """

    objective: Objective
    parts: tuple[Gauge, ...]

    @property
    def trivial(self) -> bool:
        """Whether there is none."""
        return not self.parts

    def directions(self, x: Array) -> Array:
        """Orthonormal rows."""
        return self.objective.gauge(x)

    def align(self, x: Array, target: Array) -> Array:
        """Along each in turn."""
        for part in self.parts:
            x = part.align(x, target)
        return x


@dataclass(frozen=True, kw_only=True)
class NetworkShape:
    """Students of one width; see `landtopo.models.smooth.Shape`.

    Attributes
    ----------
    name : str
        How `named_model` makes it.
    title : str
    problem : TeacherStudent
        Its dimension is that of the inputs.
    objective : Objective
        A function of K rows in its own units, whose first r columns lie in the teacher's span.
    gauge : Gauge
        Its continuous symmetry.
    error, slope_error : float
        As of any function: derivatives are exact.
    """

    name: str
    title: str
    problem: TeacherStudent
    objective: Objective
    gauge: Gauge
    error: float = 0.0
    slope_error: float = 0.0

    @property
    def columns_of_rows(self) -> int:
        """Number of coordinates of a row."""
        return self.objective.size // self.problem.width

    @property
    def length(self) -> float:
        """The length of the teacher's vectors, where all may be measured in it."""
        return unit_of(self.problem.teacher)

    @cached_property
    def symmetry(self) -> StudentSymmetry:
        """S_K x Aut(T), of points in units of the model."""
        unit = self.length
        return StudentSymmetry(in_units(self.problem), lambda x: self.place(x * unit) / unit)

    def draw(self, generator: np.random.Generator) -> Array:
        """Rows of independent entries with the typical length of the teacher's vectors."""
        start = GaussianStart(dim=self.columns_of_rows)
        lengths = float(self.problem.teacher.norms.max())
        return self.place(np.ravel(lengths * start.draw(self.problem, generator)))

    def shaped(self, x: Array) -> Array:
        """One neuron a row."""
        return x.reshape(self.problem.width, -1)

    def place(self, x: Array) -> Array:
        """Every point is one."""
        return x

    def flaw(self, x: Array) -> str | None:
        """Every critical point of the function is one."""
        return None

    def weights(self, x: Array) -> Array:
        """The weights that a point stands for, shape (K, D)."""
        return self.place(np.ravel(x)).reshape(self.problem.width, -1)

    def plain(self, x: Array) -> Array | None:
        """Weights of the student with output weights 1 that a point is, if it is one."""
        return self.weights(x)

    def is_unbounded(self, x: Array) -> bool:
        """Whether a minimum lies on a flat set without bound, which has an end that leads down."""
        return False

    def description(self, x: Array, isotropy: int) -> str:
        """What the neurons do for the teacher's."""
        return read_point(self.problem, self.weights(x)).description

    def element_text(self, element: Permutation) -> dict[str, str]:
        """Relative permutations of neurons and of the teacher's vectors."""
        relabelling = Relabelling.from_images(element, self.symmetry.sides)
        return {
            "permutation": format_cycles(relabelling.students, self.problem.width),
            "teacher_permutation": format_cycles(relabelling.teachers),
        }

    def element_of(self, told: Mapping[str, Any]) -> Permutation | None:
        """The inverse; the identity where nothing was said."""
        symmetry, width = self.symmetry, self.problem.width
        students, teachers = (
            told.get(name, "()") for name in ("permutation", "teacher_permutation")
        )
        try:
            return Relabelling(
                students=parse_cycles(students, width, signs=symmetry.turned),
                teachers=parse_cycles(teachers, symmetry.vectors),
            ).images()
        except InvalidArgument:
            return None

    def columns(self, x: Array) -> dict[str, Any]:
        """Nothing more."""
        return {}


class StudentModel(SmoothModel):
    """Students of one width as a model; its points have ids such as w4-min0.

    Parameters
    ----------
    shape : NetworkShape
    """

    shape: NetworkShape

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        self.width = shape.problem.width

    @property
    def stage(self) -> int:
        """The width."""
        return self.shape.problem.width

    @property
    def label(self) -> str:
        """The width."""
        return f"width {self.stage}"

    @property
    def prefix(self) -> str:
        """Such as w4-."""
        return f"w{self.stage}-"

    @property
    def told_symmetry(self) -> dict[str, Any]:
        """How the model is made again, but for the width: its symmetry follows from that."""
        return {STUDENTS: self.shape.name.rpartition(" | ")[0]}

    def told_search(self, search: FunctionSearch) -> FunctionSearch:
        """What a search found, in the units of the function; ends of starts on the constraint."""
        found = super().told_search(search)
        weights = np.array(found.attempts.weights)
        ended = np.all(np.isfinite(weights), axis=1)
        weights[ended] = self.shape.place(weights[ended])
        return replace(found, attempts=replace(found.attempts, weights=weights))


class StudentModels(ParameterModels):
    """Students of several widths, one model each.

    Parameters
    ----------
    make : callable
        The `StudentModel` of a width.
    widths : sequence of int
        Increasing.
    name : str
        How it is made again, but for the widths.
    title : str
        What a page calls all of them.
    """

    values: tuple[int, ...]

    def __init__(
        self, make: Callable[[int], StudentModel], widths: Sequence[int], name: str, title: str
    ) -> None:
        super().__init__(lambda width: make(int(width)), "width", widths, name)
        self._title = title

    @property
    def name(self) -> str:
        """The kind, and the widths."""
        return f"{self.title}, {self.title_of_values}"

    @property
    def title(self) -> str:
        """What a graph says that it is of."""
        return self._title

    @property
    def spelled(self) -> str:
        """All widths, as on the command line."""
        return f"width={','.join(map(str, self.values))}"

    @property
    def numbers(self) -> tuple[int, ...]:
        """Rungs are counted by their width."""
        return self.values

    @cached_property
    def models(self) -> tuple[StudentModel, ...]:  # type: ignore[override]
        """One for each width."""
        return tuple(self.make(width) for width in self.values)  # type: ignore[misc]


def problems_of(
    caller: str, teacher: Teacher, widths: int | Iterable[int], dim: int | None
) -> dict[int, TeacherStudent]:
    """The problems of one or several widths, in increasing order.

    Parameters
    ----------
    caller : str
        The function that has these arguments.
    teacher : Teacher
    widths : int or iterable of int
    dim : int or None

    Raises
    ------
    InvalidArgument
        An argument cannot be used.
    """
    checked_instance("teacher", caller, teacher, Teacher)
    given = widths if isinstance(widths, Iterable) else (widths,)
    chosen = sorted({checked_count("widths", caller, one, most=MOST_NEURONS) for one in given})
    if not chosen:
        raise InvalidArgument(f"The 'widths' argument of {caller} must name at least one width.")
    return {width: TeacherStudent(teacher, width, dim) for width in chosen}


def students_from_name(
    text: str,
    widths: Iterable[int] | None,
    make: Callable[..., StudentModels],
    *,
    example: str,
    options: Sequence[str] = (),
) -> StudentModel | StudentModels:
    """What a kind of students was named, made again.

    Parameters
    ----------
    text : str
        `KIND | TEACHER | NAME=VALUE | width=K`, the last part only where no widths are given. A
        teacher has its activation and output weights after it, as in `Teacher.title`; the values
        are those of `dim` and of the options that there are.
    widths : iterable of int, optional
    make : callable
        Of the kind, the teacher and the widths, and by their names the values.
    example : str
        Such a name.
    options : sequence of str
        Names of further values.

    Raises
    ------
    InvalidArgument
        It is no such name, or its teacher is not there.
    """
    kind, *parts = text.split(" | ")
    told: dict[str, str] = {}
    for key in ("width", *options, "dim"):
        if parts and parts[-1].startswith(f"{key}="):
            told[key] = parts.pop().removeprefix(f"{key}=")
    try:
        numbers = {key: whole_number(told.pop(key)) for key in ("width", "dim") if key in told}
    except ValueError:
        numbers, parts = {}, []
    alone = widths is None
    if alone and "width" in numbers:
        widths = [numbers["width"]]
    if not parts or widths is None or set(told) != set(options):
        raise InvalidArgument(f"The model '{text}' must be named like '{example}'.")
    teacher = Teacher.from_spec(parts[0])
    teacher = teacher.titled(" | ".join([teacher.name, *parts[1:]]))
    found = make(kind, teacher, widths, dim=numbers.get("dim"), **told)
    return found.models[0] if alone else found
