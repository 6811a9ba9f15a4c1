"""A landscape: a function, and what is known of it before any search.

Every room that searches, joins, draws or stores speaks of a `Model` only. Points are flat arrays
x, of as many coordinates as the model gives them; the function itself is an `Objective`. A model
computes in units in which lengths and curvatures are of order one, for which all tolerances are
meant. What is known of it comes in parts, some of which may be nothing:

- `Symmetry`: which points are copies of each other;
- `Strata`: where the function is not smooth, or constant;
- `Starts`: where searches begin, and how far they may go;
- `Facts`: what is said of points, families of minima and transitions;
- `Ladder`: how families are lifted from the model on the rung below; None where there is none.

An element of a symmetry is a permutation, the tuple of its images, so that elements can be
composed, inverted and made a group of without knowing what they move. Moving along the gauge (a
continuous symmetry, `Objective.gauge`) is no element: points that differ by it are one point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, cast

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.shown import Brief
from landtopo.symmetry.permutations import Permutation

if TYPE_CHECKING:
    from landtopo.landscape.catalogue import Catalogue, PassKind, Transition
    from landtopo.landscape.explore import ExploreOptions
    from landtopo.landscape.pool import Piece, Pool
    from landtopo.landscape.rungs import Line, LineageOptions
    from landtopo.landscape.transitions import Found
    from landtopo.objective import Array, Objective
    from landtopo.paths.descent import DescentOptions
    from landtopo.points.ascend import Ascent, AscentOptions
    from landtopo.points.climbs import SaddleStart
    from landtopo.points.coverage import Coverage
    from landtopo.points.records import Attempts, Kind
    from landtopo.progress import Progress
    from landtopo.run import Run

__all__ = [
    "Facts",
    "FamilyLike",
    "Ladder",
    "Mark",
    "Minima",
    "Model",
    "Point",
    "Relation",
    "Rungs",
    "Starts",
    "Strata",
    "Subject",
    "Symmetry",
    "also_for_models",
    "models_of",
]


class Point(Protocol):
    """A critical point with its spectrum: evidence, and the verdict."""

    @property
    def x(self) -> Array:
        """Flat coordinates."""
        ...

    @property
    def loss(self) -> float:
        """The value there."""
        ...

    @property
    def grad_norm(self) -> float:
        """Norm of the gradient."""
        ...

    @property
    def eigenvalues(self) -> Array:
        """Of the Hessian, ascending, without gauge directions."""
        ...

    @property
    def index(self) -> int:
        """Negative eigenvalues."""
        ...

    @property
    def nullity(self) -> int:
        """Zero eigenvalues, gauge not counted."""
        ...

    @property
    def gap(self) -> float:
        """Smallest size of a non-zero eigenvalue over the largest of a zero one."""
        ...

    @property
    def kind(self) -> Kind:
        """The verdict."""
        ...

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        ...

    def moved(self, x: Array) -> Self:
        """A copy of the point by symmetry, which lies at x."""
        ...


class FamilyLike(Protocol):
    """All critical points that are one point up to symmetry, with the flat set they lie on."""

    @property
    def id(self) -> str:
        """Its name in its landscape."""
        ...

    @property
    def point(self) -> Point:
        """The representative."""
        ...

    @property
    def x(self) -> Array:
        """Flat coordinates of the representative."""
        ...

    @property
    def loss(self) -> float:
        """The value of every member."""
        ...

    @property
    def flat_dimension(self) -> int | None:
        """Dimension of the connected set of minima, gauge not counted; None if not decided."""
        ...

    @property
    def count(self) -> int:
        """How many independent starts ended in it."""
        ...

    @property
    def found_by(self) -> str:
        """The search that met it first."""
        ...

    def moved(self, x: Array) -> Self:
        """The family with another representative, a copy of this one."""
        ...

    def named(self, name: str) -> Self:
        """The family with this id."""
        ...

    def record(self) -> dict[str, Any]:
        """Plain values by name."""
        ...


class Minima(Protocol):
    """What a search for minima from many starts has found."""

    @property
    def families(self) -> Sequence[FamilyLike]:
        """Families of minima, by increasing value."""
        ...

    @property
    def others(self) -> Sequence[FamilyLike]:
        """Other critical points in which starts ended."""
        ...

    @property
    def attempts(self) -> Attempts:
        """Every start."""
        ...

    @property
    def coverage(self) -> Coverage:
        """How sure the list is."""
        ...

    @property
    def search(self) -> Mapping[str, Any]:
        """How starts were drawn and followed."""
        ...


class Mark(Protocol):
    """A point, or a connected set of points, prepared for being compared up to symmetry."""

    def match(self, other: Any) -> Permutation | None:
        """The element that carries this to the other; None if there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation(Brief):
    """How a copy of b lies to a, told by the simplest element there is.

    Attributes
    ----------
    element : tuple of int
        c: c b lies to a as the given copy g b does, or a to g b when `reversed`.
    carrier : tuple of int
        Carries the pair (a, g b) to (a, c b), or (g b, a) to (a, c b) when `reversed`.
    reversed : bool
        Whether the pair is told from its other end; only for copies of one minimum.
    """

    element: Permutation
    carrier: Permutation
    reversed: bool = False


class Symmetry(Protocol):
    """Which points are copies of each other."""

    def identity(self, x: Array) -> Permutation:
        """The element that moves nothing of a point."""
        ...

    def mark(self, x: Array) -> Mark:
        """A point for comparisons with others."""
        ...

    def match(self, x: Array, reference: Array) -> Permutation | None:
        """The element that carries a reference to a point, or to where gauge carries the point.

        None if the points are no copies of each other. A match is proved by what is left of the
        difference, not by invariants.
        """
        ...

    def act(self, element: Sequence[int], x: Array) -> Array:
        """Apply an element to a point."""
        ...

    def upright(self, x: Array) -> Array:
        """The copy of a point that represents all of them."""
        ...

    def closest_copy(self, x: Array, target: Array) -> Array:
        """The copy of a point, gauge included, that is closest to another, as far as is found."""
        ...

    def apart(self, x: Array, y: Array) -> float:
        """About how far the closest copies of two points are from each other."""
        ...

    def copies(self, x: Array, target: Array, *, moves: int, loop: bool) -> Iterator[Array]:
        """Copies of a point that lie differently as seen from another, the simplest first.

        For a loop both points are one, the first copy yielded is the point itself, and of an
        element and its inverse one is enough.
        """
        ...

    def simplest(
        self, first: Array, second: Array, element: Permutation, *, loop: bool
    ) -> Relation:
        """The simplest element for how the copy of the second point by an element lies."""
        ...


class Strata(Protocol):
    """Where the function is not smooth, or constant; and what a critical point therefore is."""

    def judge(self, x: Array) -> Point:
        """The critical point at x or as near as Newton's method finds it, and what it is."""
        ...

    def mark(self, one: Any) -> Mark:
        """The connected set of constant value that a point or family belongs to."""
        ...

    def between_sets(
        self, first: FamilyLike, second: FamilyLike, element: Permutation
    ) -> Permutation:
        """The simplest element for how two connected sets lie, of which one is no point."""
        ...

    def is_pass(self, point: Point, kind: PassKind) -> bool:
        """Whether a point is critical, and one over which a way of this kind can lead."""
        ...

    def ways_out(self, family: FamilyLike, options: LineageOptions) -> Sequence[Piece]:
        """Searches for ways out of a flat set, over places where the function is not smooth."""
        ...

    def objection(self, ascent: Ascent) -> str | None:
        """Why a critical point of index 1 in its coordinates is no transition state, or None."""
        ...

    def settle(self, x: Array) -> Array | None:
        """The end of a descent that Newton's method cannot reach, if it can be told from here."""
        ...


class Starts(Protocol):
    """Where searches begin, and how far they may go."""

    def minima(self, starts: int, run: Run) -> Minima:
        """Search for minima from independent random starts."""
        ...

    def suggested(
        self, lowest: FamilyLike, seed: int, options: ExploreOptions, pool: Pool
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Further searches, by what is known of the model: their names, and what they found.

        This is ``ends``, which may be minima, and ``outcomes``; perhaps ``passes``, which are
        transition states, and ``told``, a sentence.
        """
        ...

    @property
    def share(self) -> float:
        """Which part of the usual numbers of climbs to make, at most 1."""
        ...

    def random(self, generator: np.random.Generator) -> SaddleStart:
        """A random start of a climb."""
        ...

    def from_modes(self, point: Any, *, modes: int, seed: int) -> Iterator[SaddleStart]:
        """Climbs away from a point along its softest modes, one of each kind up to symmetry."""
        ...

    def from_lines(self, first: Any, second: Any, *, seed: int) -> Iterator[SaddleStart]:
        """Climbs from the highest points of straight lines between copies of two points."""
        ...

    def apart(self, first: Array, second: Array) -> bool:
        """Whether no way between two points is looked for, because none is smooth."""
        ...

    def climb(self, x: Array) -> AscentOptions:
        """How a climb to a transition state from a point is done."""
        ...

    @property
    def descent(self) -> DescentOptions:
        """How steepest descents are followed."""
        ...


class Facts(Protocol):
    """What is said of points, families of minima and transitions."""

    def family(self, point: Any, *, count: int, found_by: str) -> FamilyLike:
        """Everything that is said of a family, from its representative."""
        ...

    def name(self, number: int) -> str:
        """The id of the family with a number by increasing value."""
        ...

    def transition_name(self, number: int) -> str:
        """The id of the transition with a number by increasing height."""
        ...

    def node(self, family: Any) -> dict[str, Any]:
        """What a graph says of a family beside its record."""
        ...

    def edge(self, transition: Transition) -> dict[str, Any]:
        """What a graph says of a transition beside what all have."""
        ...

    def line(self, line: Line) -> dict[str, Any]:
        """What a graph says of what became of a family of the rung below."""
        ...


class Ladder(Protocol):
    """The way from the model on the rung below."""

    def lift(
        self,
        catalogue: Catalogue,
        ancestors: Sequence[FamilyLike],
        seed: int,
        options: LineageOptions,
        pool: Pool,
        progress: Progress,
    ) -> tuple[Line, ...]:
        """Lift every family of the rung below in every way, and add where it goes."""
        ...


class Model(Protocol):
    """A function, and what is known of it beforehand."""

    @property
    def name(self) -> str:
        """What people call it, as on the command line."""
        ...

    @property
    def label(self) -> str:
        """What is told of progress, such as the rung."""
        ...

    @property
    def stage(self) -> int:
        """Number of the rung; part of the keys of pieces of work and of random numbers."""
        ...

    @property
    def size(self) -> int:
        """Number of coordinates of a typical point."""
        ...

    @property
    def least(self) -> float:
        """No value is lower; minus infinity if no bound is known."""
        ...

    def objective(self, x: Array) -> Objective:
        """The function in the coordinates of a point."""
        ...

    def shaped(self, x: Array) -> Array:
        """A point in the shape in which people see it, such as one particle a row."""
        ...

    def ways(
        self, start: Array, end: Array, *, seed: int, known: Sequence[Array]
    ) -> tuple[Sequence[Found], bool]:
        """Steps of the lowest path found between two labelled minima, and whether they join them.

        `known` are transition states known beforehand.
        """
        ...

    @property
    def symmetry(self) -> Symmetry:
        """Copies."""
        ...

    @property
    def strata(self) -> Strata:
        """What is not smooth, or constant."""
        ...

    @property
    def starts(self) -> Starts:
        """Where searches begin."""
        ...

    @property
    def facts(self) -> Facts:
        """What is said."""
        ...

    @property
    def ladder(self) -> Ladder | None:
        """The rung below."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rungs(Brief):
    """The models that a landscape graph is made of, and what it says of all of them.

    Attributes
    ----------
    models : tuple of Model
        From the lowest rung to the highest.
    told : callable
        From a model and a record of results in its units to the same in the units of what was
        asked.
    attributes : dict
        Of the graph.
    starts : int
        Default number of independent starts.
    """

    models: tuple[Model, ...]
    told: Callable[[Any, Any], Any] = field(repr=False)
    attributes: Mapping[str, Any]
    starts: int


class Subject(Protocol):
    """What a landscape graph can be asked of: a model, or what stands for a ladder of models."""

    def rungs(self, caller: str, *, widths: Any, dim: int | None, init: Any) -> Rungs:
        """The models, for the arguments of the function that asks."""
        ...


def models_of(
    name: str, caller: str, subject: object, *, widths: Any, dim: int | None, init: Any
) -> Rungs:
    """The models that an argument stands for.

    Raises
    ------
    InvalidArgument
        It stands for none, or other arguments do not fit.
    """
    found = getattr(subject, "rungs", None)
    if not callable(found):
        raise InvalidArgument(
            f"The '{name}' argument of {caller} must be a Teacher or a model; "
            f"got {type(subject).__name__}."
        )
    rungs: Rungs = found(caller, widths=widths, dim=dim, init=init)
    return rungs


_Function = TypeVar("_Function", bound=Callable[..., Any])


def also_for_models(place: str) -> Callable[[_Function], _Function]:
    """A function of networks that hands a model over to the function for models.

    Parameters
    ----------
    place : str
        Where that is: ``package.module:name``. It refuses arguments that are for networks.
    """
    module, _, name = place.partition(":")

    def decorate(function: _Function) -> _Function:
        @wraps(function)
        def chosen(problem: Any, *arguments: Any, **more: Any) -> Any:
            if hasattr(problem, "strata") and hasattr(problem, "objective"):
                return getattr(import_module(module), name)(problem, *arguments, **more)
            return function(problem, *arguments, **more)

        return cast(_Function, chosen)

    return decorate
