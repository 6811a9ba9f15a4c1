"""A model with a parameter: its landscapes at several values, and what becomes of minima between.

The models at the values are the rungs of a ladder, and families of minima are lifted from one to
the next by continuation (`landtopo/models/continuation.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from landtopo.checks import checked_number, shown
from landtopo.errors import InvalidArgument
from landtopo.landscape.catalogue import Catalogue
from landtopo.landscape.pool import Piece, Pool
from landtopo.landscape.rungs import Line, LineageOptions
from landtopo.landscape.schema import MODEL, PARAMETER, rungs_of
from landtopo.landscape.transitions import descend_to_rest
from landtopo.model import FamilyLike, Ladder, Rungs
from landtopo.models.continuation import CONTINUES, MERGES, End, Family, followed
from landtopo.models.smooth import FunctionFacts, SmoothModel, derivatives_of, refuse_networks
from landtopo.objective import Array, Objective
from landtopo.points.stationary import FunctionFamily, FunctionPoint, judged
from landtopo.progress import Progress

__all__ = ["CONTINUATION", "MOST_VALUES", "ParameterModels", "RungModel", "parameter_models"]

#: More landscapes than this are not searched at once.
MOST_VALUES = 500
#: How the graph names where a minimum that no start met comes from.
CONTINUATION = "continuation"
# Functions between two values that are kept.
_KEPT = 64


class ParameterModels:
    """Models of one kind at increasing or decreasing values of a parameter.

    Made by `parameter_models`.

    Parameters
    ----------
    make : callable
        The model at a value.
    parameter : str
        Its name.
    values : sequence of float
    name : str
        What people call the kind, and how it is made again.

    Examples
    --------
    >>> import landtopo as lt
    >>> def bowl(depth):
    ...     return lt.function_model(lambda x: depth * float(x @ x), low=[-1.0], high=[1.0])
    >>> models = lt.parameter_models(bowl, "depth", [1, 2, 3])
    >>> models
    <bowl, depth = 1 to 3: 3 models>
    >>> models.models[0].name
    'bowl, depth = 1'
    """

    def __init__(
        self,
        make: Callable[[float], SmoothModel],
        parameter: str,
        values: Sequence[float],
        name: str,
    ) -> None:
        self.make = make
        self.parameter = parameter
        self.values = tuple(values)
        #: How it is made again, and the SHA-256 of the file that is read for that, if any.
        self.source, self.digest = name, ""

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.values)} models>"

    @property
    def name(self) -> str:
        """The kind, and the values."""
        return f"{self.source}, {self.title_of_values}"

    @property
    def title(self) -> str:
        """What a graph says that it is of."""
        return f"model {self.source}"

    @property
    def title_of_values(self) -> str:
        """The parameter, and from where to where it goes."""
        return f"{self.parameter} = {self.values[0]:g} to {self.values[-1]:g}"

    @property
    def spelled(self) -> str:
        """The parameter and all its values, as on the command line."""
        return f"{self.parameter}={','.join(repr(value) for value in self.values)}"

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the rungs: 1, 2, ... for the values in turn."""
        return tuple(range(1, len(self.values) + 1))

    @cached_property
    def models(self) -> tuple[RungModel, ...]:
        """One for each value."""
        return tuple(RungModel(self, number) for number in range(1, len(self.values) + 1))

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.models[0].size

    @property
    def derivatives(self) -> dict[str, str]:
        """As `SmoothModel.derivatives`, the largest errors of all models."""
        return derivatives_of([model.shape for model in self.models])

    @property
    def attributes(self) -> dict[str, Any]:
        """What a graph says of all its models."""
        told: dict[str, Any] = {"name": self.parameter, "values": list(self.values)}
        if rungs_of(told) != self.numbers:
            told["rungs"] = list(self.numbers)
        return {
            MODEL: self.title,
            PARAMETER: told,
            **self.derivatives,
            **self.models[0].told_symmetry,
        }

    def rungs(self, caller: str, *, widths: Any, dim: int | None, init: Any) -> Rungs:
        """The models; see `landtopo.model.Subject`.

        Examples
        --------
        >>> import landtopo as lt
        >>> def bowl(depth):
        ...     return lt.function_model(lambda x: depth * float(x @ x), low=[-1.0], high=[1.0])
        >>> models = lt.parameter_models(bowl, "depth", [1, 2])
        >>> len(models.rungs("landscape_graph", widths=None, dim=None, init=None).models)
        2
        """
        refuse_networks(caller, self.name, widths=widths, dim=dim, init=init)
        return Rungs(
            models=self.models,
            told=lambda model, record: model.told(record),
            attributes=self.attributes,
            starts=max(model.usual_starts for model in self.models),
        )


def parameter_models(
    make: Callable[[float], SmoothModel],
    parameter: str,
    values: Sequence[float],
    *,
    name: str | None = None,
) -> ParameterModels:
    """Models at values of a parameter, for a graph of what becomes of minima as it changes.

    Parameters
    ----------
    make : callable
        A function of the parameter that makes a model, such as `function_model` does.
    parameter : str
        Name of the parameter.
    values : sequence of float
        At least two and at most 500, increasing or decreasing.
    name : str, optional
        What people call the kind; the name of the function by default.

    Returns
    -------
    ParameterModels
        `landscape_graph` takes it in place of a model.

    Raises
    ------
    InvalidArgument
        An argument cannot be used, or models at two values differ in their coordinates or
        symmetries.

    Examples
    --------
    A double well that is tilted until one of its minima vanishes at a fold, where the slope of
    x^4 - 2 x^2, of size 8 / sqrt(27) at its steepest, is compensated:

    >>> import landtopo as lt
    >>> def tilted(tilt):
    ...     return lt.function_model(
    ...         lambda x: x[0] ** 4 - 2 * x[0] ** 2 + tilt * x[0],
    ...         lambda x: 4 * x**3 - 4 * x + tilt,
    ...         lambda x: [[12 * x[0] ** 2 - 4]],
    ...         low=[-2.0],
    ...         high=[2.0],
    ...     )
    >>> graph = lt.landscape_graph(lt.parameter_models(tilted, "tilt", [1.0, 2.0]), starts=20)
    >>> [
    ...     (one["from_id"], one["to_id"], one["operation"])
    ...     for *_, one in graph.edges(data=True)
    ...     if one["kind"] == "lineage"
    ... ]
    [('v1-min0', 'v2-min0', 'continues'), ('v1-min1', 'v2-min0', 'vanishes at a fold')]
    """
    if not callable(make):
        raise InvalidArgument(
            "The 'make' argument of parameter_models must be a function of the parameter; "
            f"got {type(make).__name__}."
        )
    given = [
        checked_number("values", "parameter_models", value, "be finite numbers", math.isfinite)
        for value in values
    ]
    steps = np.sign(np.diff(given))
    if not 2 <= len(given) <= MOST_VALUES or abs(int(steps.sum())) != len(given) - 1:
        raise InvalidArgument(
            f"The 'values' argument of parameter_models must be 2 to {MOST_VALUES} increasing or "
            f"decreasing numbers; got {shown(given) if len(given) < 10 else len(given)}."
        )
    found = ParameterModels(make, parameter, given, name or str(getattr(make, "__name__", "model")))
    kinds = {(model.size, model.order) for model in found.models}
    if len(kinds) > 1:
        raise InvalidArgument(
            "The 'make' argument of parameter_models must make models with the same coordinates "
            f"and symmetries at all values; {parameter} changes their numbers."
        )
    return found


class RungModel(SmoothModel):
    """The model at one value of a parameter.

    Parameters
    ----------
    family : ParameterModels
    number : int
        Of the value, from 1.
    """

    def __init__(self, family: ParameterModels, number: int) -> None:
        value = family.values[number - 1]
        made = family.make(value)
        if not isinstance(made, SmoothModel):
            raise InvalidArgument(
                "The 'make' argument of parameter_models must return models, such as "
                f"function_model makes; at {value:g} it returned {type(made).__name__}."
            )
        super().__init__(made.shape, tolerance=made.least_gradient)
        self.family = family
        self.width = self._number = number
        self.value = value
        self._between: dict[float, Objective] = {}

    @property
    def name(self) -> str:
        """The kind, and the value."""
        return f"{self.family.source}, {self.family.parameter} = {self.value:g}"

    @property
    def title(self) -> str:
        """What a graph says that it is of."""
        return self.family.title

    @property
    def stage(self) -> int:
        """Number of the value."""
        return self._number

    @property
    def prefix(self) -> str:
        """Such as v3-: the number of the value."""
        return f"v{self._number}-"

    @property
    def order(self) -> int:
        """Number of symmetries, those of the gauge not counted."""
        return int(self.shape.symmetry.order)

    @property
    def ladder(self) -> Ladder | None:
        """Continuation from the value before."""
        return _Continuation(self) if self._number > 1 else None

    @cached_property
    def facts(self) -> _RungFacts:
        """What is said of any function, and the value."""
        return _RungFacts(self)

    def at(self, value: float) -> Objective:
        """The function at another value of the parameter, in units of this model."""
        if value == self.value:
            return self.objective(np.empty(0))
        if value not in self._between:
            if len(self._between) >= _KEPT:
                self._between.pop(next(iter(self._between)))
            self._between[value] = self.scaled(self.family.make(value).shape.objective)
        return self._between[value]

    def followed(self, x: Array) -> list[End]:
        """What becomes of a minimum at the value before, in units of this model."""
        below = self.family.values[self._number - 2]
        kind = Family(at=self.at, judged=self._judged, descend=self._descend)
        return followed(kind, x, below, self.value)

    def _judged(self, objective: Objective, x: Array, reach: float) -> FunctionPoint:
        return judged(objective, x, reach=reach, tolerance=self.tolerance, error=self.shape.error)

    def _descend(self, objective: Objective, x: Array) -> Array | None:
        side = descend_to_rest(self, objective, x)
        return side.x if side.converged else None


class _RungFacts(FunctionFacts):
    """What is said of the points of a model at one value of a parameter."""

    def __init__(self, model: RungModel) -> None:
        super().__init__(model)
        self._rung = model

    def node(self, family: FunctionFamily) -> dict[str, Any]:
        """Its value of the parameter beside all else."""
        return {**super().node(family), "parameter": self._rung.value}

    def line(self, line: Line) -> dict[str, Any]:
        """Between which values the branch of minima ends."""
        if line.between is None:
            return {}
        return {"parameter_low": min(line.between), "parameter_high": max(line.between)}


class _Continuation:
    """The way from the value before."""

    def __init__(self, model: RungModel) -> None:
        self._model = model

    def lift(
        self,
        catalogue: Catalogue,
        ancestors: Sequence[FamilyLike],
        seed: int,
        options: LineageOptions,
        pool: Pool,
        progress: Progress,
    ) -> tuple[Line, ...]:
        """Follow every family of the value before, and add where it goes."""
        model = self._model
        scale = model.family.models[model.stage - 2].length / model.length
        pieces = [
            Piece(
                name=f"continuation/{model.stage}",
                function=_follow,
                arguments=(model, np.array(ancestor.x * scale)),
            )
            for ancestor in ancestors
        ]
        progress.begin(f"{model.label}: continuation", len(pieces))
        results = pool.run(pieces, finished=lambda: progress.advance(1))
        progress.end()
        return tuple(
            line
            for number, result in enumerate(results)
            for line in _lines(catalogue, number, result["ends"])
        )


def _follow(model: RungModel, x: Array) -> dict[str, Any]:
    return {
        "ends": [
            {"x": end.x, "events": list(end.events), "low": end.low, "high": end.high}
            for end in model.followed(x)
        ]
    }


def _lines(catalogue: Catalogue, ancestor: int, ends: Sequence[dict[str, Any]]) -> list[Line]:
    """The ends of one minimum, each family of minima once for each fate."""
    found: Counter[tuple[int, str, tuple[float, float] | None]] = Counter()
    for end in ends:
        copy = None if end["x"] is None else catalogue.locate(end["x"], found_by=CONTINUATION)
        if copy is not None:
            between = (end["low"], end["high"]) if end["events"] else None
            found[copy.family, ", then ".join(end["events"]) or CONTINUES, between] += 1
    return [
        Line(
            ancestor=ancestor,
            operation=operation,
            part=-1,
            stays=set(operation.split(", then ")) <= {CONTINUES, MERGES},
            descendant=descendant,
            count=count,
            directions=len(ends),
            followed=len(ends),
            drawn=False,
            between=between,
        )
        for (descendant, operation, between), count in found.items()
    ]
