"""Models of smooth functions: any function, with the symmetries that are known of it.

Searches compute in units of the function. A length of one is about half the size of the region in
which they start, and a value of one makes the largest curvature at a minimum about one; both are
powers of two, so that nothing is rounded. What is told is in the units of the function itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.landscape.catalogue import PassKind, Transition
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.numbering import numbered
from landtopo.landscape.pool import Piece, Pool
from landtopo.landscape.rungs import Line, LineageOptions
from landtopo.landscape.schema import MODEL, SYMMETRY
from landtopo.landscape.transitions import Found, arc_lengths
from landtopo.model import Ladder, Rungs, Symmetry
from landtopo.models.flat_sets import SetMark, all_flat, copies_of_set
from landtopo.objective import Array, FlowCurve, Objective, Pace
from landtopo.paths.descent import DescentOptions
from landtopo.paths.join import JoinOptions, join
from landtopo.paths.joined import JoinStatus
from landtopo.paths.setting import Element, PlainSetting
from landtopo.points.ascend import Ascent, AscentOptions, AscentStatus, ascend, soft_mode_starts
from landtopo.points.climbs import SaddleStart
from landtopo.points.coverage import Coverage, estimate_coverage
from landtopo.points.known import Known
from landtopo.points.records import Attempts, Families, Kind, Status
from landtopo.points.stationary import (
    LEAST,
    LEAST_REASON,
    FunctionFamily,
    FunctionPoint,
    flat_reason,
    judged,
)
from landtopo.run import Run
from landtopo.symmetry.gauge import Gauge
from landtopo.symmetry.permutations import Permutation
from landtopo.symmetry.told import symmetry_record
from landtopo.tolerances import CRITICAL

__all__ = [
    "FunctionFacts",
    "FunctionSearch",
    "Shape",
    "SmoothModel",
    "derivatives_of",
    "follow_to",
    "grouped",
    "refuse_networks",
]

_STARTS = 200
_CHUNK = 16
# Coordinates below which fewer climbs are made, and above which each costs too much.
_FEW = 16
_MANY = 150
_STEPS = 500
# Climbs that come to a saddle take far fewer; others go round in circles.
_CLIMB_STEPS = 80
# Critical points of interest lie in the region of the starts: what goes farther from its start than
# the diagonal of a box around it will not come back.
_REGION = 2.0
# How far Newton's method may move a point that should be critical, and how close two points of
# rest are the same.
_REACH = 1e-3
# Starts from which curvatures at minima are learned.
_LEARNING = 5
# Noise on lines between points, in units of their distance.
_NOISE = (0.0, 0.05, 0.3)
_COPIES = 8
_AMPLITUDES = (0.05, 0.2)
_JOIN = JoinOptions(bands=12, improve=12, patience=6)
# Passes whose descents are remembered, some ten kilobytes each.
_REMEMBERED = 1000
_STATUS = {
    AscentStatus.CONVERGED: Status.CONVERGED,
    AscentStatus.OTHER_INDEX: Status.CONVERGED,
    AscentStatus.STEPS_USED: Status.TOO_LONG,
    AscentStatus.LEFT_REGION: Status.DIVERGED,
}


class Shape(Protocol):
    """What a kind of functions adds to a model: symmetries, starts and words."""

    @property
    def name(self) -> str:
        """What people call the function, as on the command line."""
        ...

    @property
    def title(self) -> str:
        """What a page calls it."""
        ...

    @property
    def objective(self) -> Objective:
        """The function in its own units."""
        ...

    @property
    def error(self) -> float:
        """Error of Hessians relative to the largest curvature; 0 where they are exact."""
        ...

    @property
    def slope_error(self) -> float:
        """Error of gradients; 0 where they are exact."""
        ...

    @property
    def length(self) -> float:
        """Half the size of the region in which searches start."""
        ...

    @property
    def symmetry(self) -> Any:
        """A `Symmetry` with `order` and `isotropy_order`."""
        ...

    @property
    def gauge(self) -> Gauge:
        """Its continuous symmetry."""
        ...

    def draw(self, generator: np.random.Generator) -> Array:
        """A random start."""
        ...

    def shaped(self, x: Array) -> Array:
        """A point in the shape in which people see it."""
        ...

    def place(self, x: Array) -> Array:
        """The point itself; on a constraint, the point there that it stands for."""
        ...

    def flaw(self, x: Array) -> str | None:
        """Why a critical point is not one of the landscape, in a sentence, or None."""
        ...

    def description(self, x: Array, isotropy: int) -> str:
        """A point in one line."""
        ...

    def element_text(self, element: Permutation) -> dict[str, str]:
        """What a graph says of the element by which a transition leads to a copy."""
        ...

    def element_of(self, told: Mapping[str, Any]) -> Permutation | None:
        """The element that a transition was told with, or None where it is none."""
        ...

    def columns(self, x: Array) -> dict[str, Any]:
        """What else a graph says of a point."""
        ...


class _Scaled:
    """A function in units of a model, as an `Objective`."""

    def __init__(self, objective: Objective, length: float, energy: float) -> None:
        self._objective = objective
        self._length = length
        self._energy = energy

    @property
    def size(self) -> int:
        return self._objective.size

    def value(self, x: Array) -> Array:
        return np.asarray(self._objective.value(x * self._length)) / self._energy

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        value, gradient = self._objective.value_and_gradient(x * self._length)
        return np.asarray(value) / self._energy, gradient * (self._length / self._energy)

    def hessian(self, x: Array) -> Array:
        hessian = self._objective.hessian(x * self._length)
        return np.asarray(hessian * (self._length**2 / self._energy))

    def gauge(self, x: Array) -> Array:
        # Orthonormal rows are the same in every unit.
        return self._objective.gauge(x * self._length)

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSearch(Families):
    """What many starts found of a function: its minima, or its saddles of an index.

    Attributes
    ----------
    model : str
        Its name.
    families : tuple of FunctionFamily
        What was searched for, by increasing value.
    others : tuple of FunctionFamily
        Other critical points in which starts ended.
    attempts : Attempts
        Every independent start. `attempts.family` counts through `families`, then `others`.
    coverage : Coverage
        How sure the list is.
    search : dict
        How starts were drawn and followed: without it a count means nothing.
    """

    _printed = ("id", "kind", "loss", "smallest_eigenvalue", "count", "orbit_size", "description")

    model: str
    families: tuple[FunctionFamily, ...]  # type: ignore[assignment]
    others: tuple[FunctionFamily, ...]  # type: ignore[assignment]
    attempts: Attempts
    coverage: Coverage
    search: dict[str, Any]


class SmoothModel:
    """A `Model` of a smooth function.

    Parameters
    ----------
    shape : Shape
        The function, and what is known of it.
    tolerance : float
        |grad| of a critical point, in units of the model, where derivatives are exact.
    """

    #: No bound is known.
    least = -math.inf
    #: The rung, where models are rungs of a ladder.
    width: int | None = None
    #: Whether `settled` gives all points of a flat set of minima the same one.
    settles = False

    def __init__(self, shape: Shape, *, tolerance: float = CRITICAL) -> None:
        self.shape = shape
        self.least_gradient = tolerance
        self.length = _power_of_two(shape.length)
        #: How `named_model` makes it, and the SHA-256 of the file it reads for that, if any.
        self.source, self.digest = shape.name, ""
        self._followed = _Followed()

    def __repr__(self) -> str:
        return f"<{self.name}: {self.size} coordinates>"

    @property
    def name(self) -> str:
        """What people call the function."""
        return self.shape.name

    @property
    def title(self) -> str:
        """What a graph says that it is of."""
        return self.shape.title

    @property
    def label(self) -> str:
        """The name."""
        return self.name

    @property
    def prefix(self) -> str:
        """The beginning of ids of points: there is one rung only."""
        return ""

    @property
    def stage(self) -> int:
        """The number of coordinates: there is one rung only."""
        return self.size

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.shape.objective.size

    @cached_property
    def energy(self) -> float:
        """The value that is one in units of the model."""
        found = []
        for number in range(_LEARNING):
            start = self.draw(np.random.default_rng(np.random.SeedSequence(0, spawn_key=(number,))))
            trial = _in_units(self.shape.objective, self.length, 1.0)
            largest = _power_of_two(_largest(trial, start))
            scaled = _in_units(self.shape.objective, self.length, largest)
            end = ascend(scaled, start, self.options(0, 1e-6)).x
            found.append(_largest(trial, end))
        return _power_of_two(float(np.median(found)))

    @cached_property
    def _objective(self) -> Objective:
        return self.scaled(self.shape.objective)

    def scaled(self, objective: Objective) -> Objective:
        """A function in its own units, in those of the model."""
        return _in_units(objective, self.length, self.energy)

    def objective(self, x: Array) -> Objective:
        """The function, in units of the model."""
        return self._objective

    def shaped(self, x: Array) -> Array:
        """The point as people see it, in units of the model."""
        return self.shape.shaped(self.shape.place(x * self.length) / self.length)

    def inside(self, x: Array) -> Array:
        """A point that was given in the function's units, flat and in units of the model."""
        return np.ravel(np.asarray(x, dtype=np.float64)) / self.length

    def draw(self, generator: np.random.Generator) -> Array:
        """A random start, in units of the model."""
        return self.shape.draw(generator) / self.length

    @cached_property
    def tolerance(self) -> float:
        """|grad| of a critical point: what differences leave of it, where it is made of them."""
        return max(self.least_gradient, 8.0 * self.shape.slope_error * self.length / self.energy)

    def settled(self, x: Array) -> Array:
        """A critical point where it is shown: that itself, or one that stands for its flat set."""
        return np.ravel(self.shaped(x))

    def shown_for(self, x: Array) -> Array:
        """The point that stands for the flat set of one, where there is such a point for all."""
        return self.settled(x) if self.settles else x

    def approach(self, x: Array) -> Array:
        """Where the search for a minimum that begins at a random start goes on: there."""
        return x

    @property
    def not_searched(self) -> str:
        """Which ways between minima are not looked for, in a sentence; empty if there are none."""
        return ""

    def part_of(self, x: Array) -> tuple[int, ...]:
        """Numbers that tell the part of the model that a labelled point lies in.

        Parts meet where the function is not smooth; symmetries put the numbers in another order.
        """
        return ()

    def flat_dimension(self, x: Array, nullity: int) -> int:
        """Dimension of the set of minima that a minimum with so many null directions lies on."""
        return nullity

    def is_flat(self, point: FunctionPoint) -> bool:
        """Whether the null directions of a point without negative eigenvalues are all flat."""
        return all_flat(self.objective(point.x), point)

    def is_single(self, point: FunctionPoint) -> bool:
        """Whether a saddle is one point, or on a flat set that is known, and no one of many."""
        return True

    def least_near(self, x: Array) -> Array | None:
        """A point of least value next to a place, where such are known beforehand."""
        return None

    def least_set(self, x: Array) -> Hashable | None:
        """Names the set of least value that a point lies on, where all of it is one; else None."""
        return None

    def options(self, index: int, tolerance: float | None = None) -> AscentOptions:
        """How a point of an index is searched for."""
        return AscentOptions(
            index=index,
            gradient_tolerance=self.tolerance if tolerance is None else tolerance,
            region=_REGION * math.sqrt(self.size) * max(1.0, self.shape.length / self.length),
            steps=_CLIMB_STEPS if index else _STEPS,
        )

    @property
    def ladder(self) -> Ladder | None:
        """A model alone has no rung below."""
        return None

    @property
    def symmetry(self) -> Symmetry:
        """Copies."""
        symmetry: Symmetry = self.shape.symmetry
        return symmetry

    @cached_property
    def strata(self) -> _Strata:
        """Nothing but critical points."""
        return _Strata(self)

    @cached_property
    def starts(self) -> _Starts:
        """Random points, soft modes and lines."""
        return _Starts(self)

    @cached_property
    def facts(self) -> FunctionFacts:
        """What is said of any function."""
        return FunctionFacts(self)

    def rungs(self, caller: str, *, widths: Any, dim: int | None, init: Any) -> Rungs:
        """The model alone; see `landtopo.model.Subject`."""
        refuse_networks(caller, self.name, widths=widths, dim=dim, init=init)
        return Rungs(
            models=(self,),
            told=lambda model, record: model.told(record),
            attributes={MODEL: self.title, **self.derivatives, **self.told_symmetry},
            starts=self.usual_starts,
        )

    @property
    def told_symmetry(self) -> dict[str, Any]:
        """Which points are copies of each other, where that can be told in plain values."""
        record = symmetry_record(self.shape.symmetry)
        return {} if record is None else {SYMMETRY: record}

    @property
    def usual_starts(self) -> int:
        """Default number of starts of a search for minima: fewer in few dimensions."""
        return max(50, int(_STARTS * min(1.0, self.size / _FEW)))

    @property
    def derivatives(self) -> dict[str, str]:
        """What derivatives may be wrong by, where they are made of differences; else nothing."""
        return derivatives_of([self.shape])

    def told(self, record: Any) -> Any:
        """A record in the units of the function."""
        length, energy = self.length, self.energy
        if isinstance(record, FunctionPoint):
            slope, curvature = energy / length, energy / length**2
            return replace(
                record,
                x=record.x * length,
                value=record.value * energy,
                grad_norm=record.grad_norm * slope,
                grad_tolerance=record.grad_tolerance * slope,
                eigenvalues=record.eigenvalues * curvature,
                zero_tolerance=record.zero_tolerance * curvature,
            )
        if isinstance(record, FunctionFamily):
            return replace(record, point=self.told(record.point))
        if isinstance(record, Transition):
            return replace(
                record,
                loss=record.loss * energy,
                point=None if record.point is None else self.told(record.point),
                positions=record.positions * length,
                losses=record.losses * energy,
            )
        if isinstance(record, FunctionSearch):
            return self.told_search(record)
        raise TypeError(f"A {type(record).__name__} has no units of a function.")

    def told_search(self, search: FunctionSearch) -> FunctionSearch:
        """What a search found, in the units of the function."""
        length, energy = self.length, self.energy
        attempts = replace(
            search.attempts,
            loss=search.attempts.loss * energy,
            grad_norm=search.attempts.grad_norm * (energy / length),
            weights=search.attempts.weights * length,
        )
        return replace(
            search,
            families=tuple(self.told(one) for one in search.families),
            others=tuple(self.told(one) for one in search.others),
            attempts=attempts,
            search={**search.search, "tolerance": self.tolerance * energy / length},
        )

    def ways(
        self, start: Array, end: Array, *, seed: int, known: Sequence[Array]
    ) -> tuple[Sequence[Found], bool]:
        """Transition states, but known ones, met while two minima are joined; and if they are."""
        if self.part_of(start) != self.part_of(end):
            return (), False
        joined = join(
            self._objective,
            start,
            self.shape.gauge.align(end, start),
            _JOIN,
            setting=replace(self.setting, kept=self._followed),
            rng=np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(self.stage, 3))),
            known=known,
        )
        found = []
        for passed in joined.transitions[joined.known_before :]:
            up, down = passed.sides
            points = np.vstack([up.points[::-1], down.points[1:]])
            found.append(
                Found(
                    kind="saddle",
                    state=self.shaped(passed.x).copy(),
                    start=self.shaped(up.x).copy(),
                    end=self.shaped(down.x).copy(),
                    positions=arc_lengths(self, points),
                    losses=np.asarray(self._objective.value(points)),
                    through_saddle=bool(passed.through),
                )
            )
        return found, joined.status is JoinStatus.CONNECTED

    @cached_property
    def setting(self) -> _Setting:
        """What a connection has to know."""
        return _Setting(
            gauge=self.shape.gauge,
            flaw=self.strata.flaw,
            value=self._objective.value,
            settled=self.shown_for,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting(PlainSetting):
    """Labelled points that are one where gauge carries them into each other, or one flat set."""

    gauge: Gauge
    flaw: Callable[[Array], str | None]
    value: Callable[[Array], Array]
    settled: Callable[[Array], Array]
    kept: _Followed | None = None

    def relation(self, x: Array, reference: Array) -> Element | None:
        x, reference = self.settled(x), self.settled(reference)
        near = np.linalg.norm(self.gauge.align(reference, x) - x)
        return () if near <= self.tolerance * (1.0 + np.linalg.norm(x)) else None

    def distance(self, x: Array, y: Array) -> float:
        return float(np.linalg.norm(self.gauge.align(y, x) - x))

    def first_guess(
        self, x: Array, y: Array, images: int, attempt: int, rng: np.random.Generator
    ) -> Array:
        aligned = self.gauge.align(y, x)
        guess = PlainSetting.first_guess(self, x, aligned, images, attempt, rng)
        with np.errstate(all="ignore"):
            has_values = bool(np.all(np.isfinite(self.value(guess))))
        # A straight line may lead where the function has no value: a row of length zero on a
        # constraint, for opposite ends. A bent one does not.
        return guess if has_values or attempt else self.first_guess(x, y, images, 1, rng)

    def objection(self, ascent: Ascent, symmetry: Any = None) -> str | None:
        return self.flaw(ascent.x)

    def followed(self, x: Array) -> list[Any] | None:
        return None if self.kept is None else self.kept.of(x)


class _Followed:
    """What the passes of one search led to, by point; each process has its own."""

    def __init__(self) -> None:
        self._lists: dict[bytes, list[Any]] = {}

    def __reduce__(self) -> tuple[type[_Followed], tuple[()]]:
        return _Followed, ()

    def of(self, x: Array) -> list[Any]:
        """The list of a point."""
        if len(self._lists) >= _REMEMBERED:
            self._lists.clear()
        return self._lists.setdefault(x.tobytes(), [])


class _Strata:
    """Smooth everywhere; what a critical point is, its Hessian says."""

    def __init__(self, model: SmoothModel) -> None:
        self._model = model

    def flaw(self, x: Array) -> str | None:
        """Why a point is not one of the landscape."""
        return self._model.shape.flaw(x * self._model.length)

    def judge(self, x: Array) -> FunctionPoint:
        """The point after Newton's method, with its spectrum."""
        model = self._model
        point = self._judged(np.ravel(model.shaped(x)))
        # Ways over a saddle lead from where it was met.
        placed = np.ravel(model.shaped(point.x)) if point.index else model.settled(point.x)
        if np.any(placed != point.x):
            # Along a flat set Newton's method would not stay where it is put.
            point = self._judged(placed, reach=0.0 if model.settles else _REACH)
        flaw = self.flaw(point.x)
        if flaw is not None:
            return replace(point, kind=Kind.UNDECIDED, reason=flaw)
        rests = point.nullity and not point.index and point.grad_norm <= point.grad_tolerance
        if rests and point.value <= model.least + LEAST:
            return replace(point, kind=Kind.MINIMUM, reason=LEAST_REASON)
        if rests and model.is_flat(point):
            return replace(point, kind=Kind.MINIMUM, reason=flat_reason(point.nullity))
        return point

    def _judged(self, x: Array, reach: float = _REACH) -> FunctionPoint:
        model = self._model
        return judged(
            model.objective(x), x, reach=reach, tolerance=model.tolerance, error=model.shape.error
        )

    def mark(self, one: Any) -> SetMark:
        """The point itself, or the set of minima that it lies on; also of its coordinates alone."""
        if isinstance(one, np.ndarray):
            return self.mark_at(one)
        point = getattr(one, "point", one)
        return self.mark_at(point.x, point.nullity if point.kind is Kind.MINIMUM else 0)

    def mark_at(self, x: Array, dimension: int = 0) -> SetMark:
        """The same of a place that is known to lie on a set of a dimension."""
        model = self._model
        if model.settles:
            x, dimension = model.settled(x), 0
        return SetMark(
            symmetry=model.symmetry,
            gauge=model.shape.gauge,
            objective=model.objective(x),
            x=x,
            dimension=dimension,
            own=model.symmetry.mark(x),
            least=model.least_set(x),
        )

    def between_sets(self, first: Any, second: Any, element: Permutation) -> Permutation:
        """The element that is known: any that carries one set to the other."""
        return element

    def is_pass(self, point: Any, kind: PassKind) -> bool:
        """A saddle of index 1."""
        saddle = kind == "saddle" and point.kind is Kind.SADDLE and point.index == 1
        return saddle and self._model.is_single(point)

    def ways_out(self, family: Any, options: LineageOptions) -> Sequence[Piece]:
        """Nothing is not smooth."""
        return ()

    def objection(self, ascent: Ascent) -> str | None:
        """Only what is no point of the landscape at all."""
        return self.flaw(ascent.x)

    def settle(self, x: Array) -> Array | None:
        """The point of least value that a descent has come close to, where such are known."""
        return self._model.least_near(x)


class _Starts:
    """Random points, soft modes and lines."""

    def __init__(self, model: SmoothModel) -> None:
        self._model = model

    def minima(self, starts: int, run: Run) -> FunctionSearch:
        """Minima from random starts."""
        return _minima(self._model, starts, run)

    def suggested(
        self, lowest: Any, seed: int, options: ExploreOptions, pool: Pool
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """None beyond random ones; but what is not searched is told."""
        told = self._model.not_searched
        return [("", {"ends": (), "outcomes": {}, "told": told})] if told else ()

    @property
    def share(self) -> float:
        """Few in few dimensions, where they meet the same again and again."""
        return min(1.0, self._model.size / _FEW, _MANY / self._model.size)

    def random(self, generator: np.random.Generator) -> SaddleStart:
        """A random start, as for minima."""
        return SaddleStart(x=self._model.draw(generator))

    def from_modes(self, point: Any, *, modes: int, seed: int) -> Iterator[SaddleStart]:
        """Along the softest modes, both ways."""
        objective = self._model.objective(point.x)
        for x, direction in soft_mode_starts(
            objective, point.x, modes=modes, amplitudes=_AMPLITUDES
        ):
            yield SaddleStart(x=x, direction=direction)

    def from_lines(self, first: Any, second: Any, *, seed: int) -> Iterator[SaddleStart]:
        """From the highest points of straight lines to copies, with and without noise."""
        model = self._model
        objective = model.objective(first.x)
        loop = first is second
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(model.stage, 4)))
        copies = model.symmetry.copies(second.x, first.x, moves=2, loop=loop)
        for number, copy in enumerate(copies):
            if number > _COPIES:
                return
            if model.part_of(copy) != model.part_of(first.x):
                continue
            away = copy - first.x
            apart = float(np.linalg.norm(away))
            if apart < _REACH:
                continue
            line = first.x + np.linspace(0.0, 1.0, 17)[:, None] * away
            values = np.asarray(objective.value(line))[1:-1]
            # Where particles pass through each other a value may be no number.
            top = line[1 + int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))]
            for level in _NOISE:
                noise = level * apart / math.sqrt(away.size) * generator.standard_normal(away.size)
                yield SaddleStart(x=top + noise, direction=away)

    def apart(self, first: Array, second: Array) -> bool:
        """Whether the points lie in parts of the model that meet where it is not smooth."""
        parts = (self._model.part_of(x) for x in (first, second))
        first_parts, second_parts = (sorted(part) for part in parts)
        return first_parts != second_parts

    def climb(self, x: Array) -> AscentOptions:
        """Until the gradient vanishes."""
        return self._model.options(1)

    @property
    def descent(self) -> DescentOptions:
        """As far as the gradient is known."""
        return DescentOptions(gradient_tolerance=self._model.tolerance)


class FunctionFacts:
    """What is said of any function."""

    def __init__(self, model: SmoothModel) -> None:
        self._model = model

    def family(self, point: FunctionPoint, *, count: int, found_by: str) -> FunctionFamily:
        """A family from its representative."""
        shape = self._model.shape
        dimension = 0
        if point.kind is Kind.MINIMUM:
            dimension = self._model.flat_dimension(point.x, point.nullity)
        order = int(shape.symmetry.order)
        if dimension and not self._model.settles:
            objective = self._model.objective(point.x)
            isotropy = order // copies_of_set(
                objective, shape.gauge, shape.symmetry, point.x, dimension
            )
        else:
            isotropy = int(shape.symmetry.isotropy_order(self._model.settled(point.x)))
        return FunctionFamily(
            id="",
            point=point,
            count=count,
            found_by=found_by,
            flat_dimension=dimension if dimension or not point.nullity else None,
            isotropy_order=isotropy,
            orbit_size=order // isotropy,
            description=shape.description(point.x * self._model.length, isotropy),
        )

    def name(self, number: int) -> str:
        """Numbered by increasing value, such as min0, after the rung where there are several."""
        return f"{self._model.prefix}min{number}"

    def transition_name(self, number: int) -> str:
        """Numbered by increasing height, such as ts0, likewise."""
        return f"{self._model.prefix}ts{number}"

    def node(self, family: FunctionFamily) -> dict[str, Any]:
        """Its coordinates and spectrum, and where the representative is."""
        x, isotropy = family.point.x, family.isotropy_order
        rung = {} if self._model.width is None else {"width": self._model.width}
        return {
            **self._point(family.point),
            **rung,
            "description": self._model.shape.description(x, isotropy),
        }

    def _point(self, point: Any) -> dict[str, Any]:
        """What a graph says of minima and transition states; here in the function's units."""
        positive = point.eigenvalues[point.eigenvalues > point.zero_tolerance]
        return {
            "coordinates": point.x,
            "eigenvalues": point.eigenvalues,
            "log_product": float(np.log(positive).sum()),
            **self._model.shape.columns(point.x),
        }

    def edge(self, transition: Transition) -> dict[str, Any]:
        """Which copy it leads to, and the coordinates and spectrum of the transition state."""
        record: dict[str, Any] = dict(self._model.shape.element_text(transition.element))
        point: Any = transition.point
        if point is not None:
            record.update(self._point(point))
        return record

    def line(self, line: Line) -> dict[str, Any]:
        """There are no rungs."""
        return {}


def derivatives_of(shapes: Sequence[Shape]) -> dict[str, str]:
    """What derivatives of some functions may be wrong by at most, if made of differences.

    Parameters
    ----------
    shapes : sequence of Shape
    """
    slope, curvature = (
        max(errors)
        for errors in zip(*((one.slope_error, one.error) for one in shapes), strict=True)
    )
    parts = []
    if slope:
        parts.append(f"gradients to about {slope:.1g}")
    if curvature:
        parts.append(f"Hessians to about {curvature:.1g} of their largest eigenvalue")
    return {"derivatives": f"differences, {' and '.join(parts)}"} if parts else {}


def refuse_networks(caller: str, name: str, **given: Any) -> None:
    """Refuse arguments that mean something for networks only.

    Parameters
    ----------
    caller : str
        The function that has them.
    name : str
        Of the model.
    **given
        None where one is left out.
    """
    for argument, value in given.items():
        if value is not None:
            raise InvalidArgument(
                f"The '{argument}' argument of {caller} is for networks, and must be left out for "
                f"{name}; got {value!r}."
            )


def _minima(model: SmoothModel, starts: int, run: Run) -> FunctionSearch:
    """Follow starts to minima, and group their ends up to symmetry."""
    pieces = [
        Piece(
            name=f"starts/{model.stage}",
            function=_follow,
            arguments=(model, first, min(first + _CHUNK, starts), run.seed),
        )
        for first in range(0, starts, _CHUNK)
    ]
    run.progress.begin(f"{model.label}: starts", len(pieces))
    results = Pool(run).run(pieces, finished=lambda: run.progress.advance(1))
    run.progress.end()
    return grouped(
        model,
        results,
        independent=starts,
        sources=("random starts", ""),
        wanted=lambda point: point.kind is Kind.MINIMUM,
        names=("min", "other"),
        search={"method": "eigenvector following", "seed": run.seed},
    )


def grouped(
    model: SmoothModel,
    results: Sequence[Mapping[str, Any]],
    *,
    independent: int,
    sources: tuple[str, str],
    wanted: Callable[[FunctionPoint], bool],
    names: tuple[str, str],
    search: Mapping[str, Any],
) -> FunctionSearch:
    """Group ends of starts up to symmetry, in units of the model.

    Parameters
    ----------
    model : SmoothModel
    results : sequence of dict
        Columns of starts in their order, as `follow_to` gives them.
    independent : int
        So many of them, the first ones, are independent draws; counts are of these.
    sources : tuple of two str
        What the independent ones and the others are.
    wanted : callable
        Whether a point is one that was searched for.
    names : tuple of two str
        Beginnings of the ids of what was searched for, and of the rest.
    search : mapping
        How starts were followed.
    """
    columns = {
        name: np.concatenate([np.asarray(one[name]) for one in results]) for name in results[0]
    }
    codes = tuple(Status)
    status = tuple(codes[int(code)] for code in columns["status"])
    points: list[FunctionPoint] = []
    known: Known[Any] = Known(model.strata.mark)
    found_by: list[str] = []
    counts: list[int] = []
    labels = np.full(len(status), -1, dtype=np.int64)
    for i, x in enumerate(columns["x"]):
        if status[i] is not Status.CONVERGED:
            continue
        met = known.find(x)
        if met is None:
            # Soft directions are known less well until Newton's method has reached the floor.
            point = model.strata.judge(x)
            number, element = known.place(point)
            if element is None:
                points.append(point)
                counts.append(0)
                found_by.append(sources[0 if i < independent else 1])
        else:
            number = met[0]
        counts[number] += i < independent
        labels[i] = number
    order = numbered([point.value for point in points])
    by_value = np.argsort(order).tolist()
    ranked = [n for n in by_value if wanted(points[n])] + [
        n for n in by_value if not wanted(points[n])
    ]
    most = sum(map(wanted, points))
    families = [
        model.facts.family(points[n], count=counts[n], found_by=found_by[n]).named(
            f"{names[0]}{place}" if place < most else f"{names[1]}{place - most}"
        )
        for place, n in enumerate(ranked)
    ]
    place_of = np.append(np.argsort(np.array(ranked, dtype=np.int64)), -1)
    kept = slice(0, independent)
    return FunctionSearch(
        model=model.name,
        families=tuple(families[:most]),
        others=tuple(families[most:]),
        attempts=Attempts(
            width=model.stage,
            source=sources[0],
            independent=True,
            starts=np.arange(independent, dtype=np.int64),
            status=status[kept],
            loss=columns["loss"][kept],
            grad_norm=columns["grad_norm"][kept],
            evaluations=columns["evaluations"][kept],
            weights=columns["x"][kept],
            family=place_of[labels[kept]],
        ),
        coverage=estimate_coverage([family.count for family in families if family.count]),
        search={
            "init": "random points",
            "starts": independent,
            "tolerance": model.tolerance,
            "limit": _STEPS,
            "stopped_by": "starts",
            **model.derivatives,
            **search,
        },
    )


def _follow(model: SmoothModel, first: int, last: int, seed: int) -> dict[str, Any]:
    """Some random starts, each to a minimum."""
    keys = [
        np.random.SeedSequence(seed, spawn_key=(model.stage, number))
        for number in range(first, last)
    ]
    starts = [(model.draw(np.random.default_rng(key)), None) for key in keys]
    return follow_to(model, starts, 0)


def follow_to(
    model: SmoothModel, starts: Sequence[tuple[Array, Array | None]], index: int
) -> dict[str, Any]:
    """Follow starts, with directions to climb or without, to critical points of an index.

    Returns
    -------
    dict
        Columns: ``x``, ``loss``, ``grad_norm``, ``status`` (number of the `Status`),
        ``evaluations``.
    """
    options = model.options(index)
    codes = tuple(Status)
    rows: dict[str, list[Any]] = {
        name: [] for name in ("x", "loss", "grad_norm", "status", "evaluations")
    }
    for start, direction in starts:
        x = np.ravel(start)
        way = None if direction is None else np.ravel(direction)
        if index == 0 and way is None:
            x = model.approach(x)
        found = ascend(model.objective(x), x, options, direction=way)
        status, x = _STATUS.get(found.status, Status.STALLED), found.x
        if status is not Status.CONVERGED and index == 0 and np.all(np.isfinite(x)):
            # The tolerance may lie below what rounding leaves of the gradient.
            point = model.strata.judge(x)
            if point.grad_norm <= point.grad_tolerance:
                status, x = Status.CONVERGED, point.x
        if status is Status.CONVERGED and model.strata.flaw(x) is not None:
            status = Status.FLAWED
        rows["x"].append(x)
        rows["loss"].append(found.value)
        rows["grad_norm"].append(found.gradient_norm)
        rows["status"].append(codes.index(status))
        rows["evaluations"].append(found.evaluations.gradient + found.evaluations.hessian)
    return {name: np.array(values) for name, values in rows.items()}


def _in_units(objective: Objective, length: float, energy: float) -> Objective:
    """A function in other units: by itself, if it can, or by a product at each call."""
    own = getattr(objective, "in_units", None)
    return _Scaled(objective, length, energy) if own is None else own(length, energy)


def _largest(objective: Objective, x: Array) -> float:
    """The largest size of a curvature."""
    return float(np.abs(np.linalg.eigvalsh(objective.hessian(x))).max(initial=0.0))


def _power_of_two(value: float) -> float:
    return 2.0 ** round(math.log2(value)) if 0.0 < value < math.inf else 1.0
