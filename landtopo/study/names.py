"""Names of stored records, which stay when a class moves or is renamed.

A study may be read long after the code that wrote it was rearranged. What stands in a file is
therefore a name of its own; this table says where its class is now. Version 0.1.0 wrote places in
the code instead of names, and those are read for ever.
"""

from __future__ import annotations

import importlib

from landtopo.errors import InvalidArgument

__all__ = ["class_of", "name_of"]

# What version 0.1.0 wrote for each name: add lines, change none.
_FIRST_PLACES = {
    "critical point": "landtopo.points.records:CriticalPoint",
    "evaluations": "landtopo.points.evaluations:Evaluations",
    "family": "landtopo.points.records:Family",
    "kind of point": "landtopo.points.records:Kind",
    "passed saddle": "landtopo.paths.record:PassedSaddle",
    "path": "landtopo.paths.record:PathRecord",
    "problem": "landtopo.problem:TeacherStudent",
    "runner-up": "landtopo.paths.record:RunnerUp",
    "status of an attempt": "landtopo.points.records:Status",
    "step of a path": "landtopo.paths.record:StepRecord",
    "summary statistics": "landtopo.statistics:SummaryStatistics",
    "teacher": "landtopo.problem:Teacher",
}
# Where a class is that has moved since, and what has got its name later.
_NEW_PLACES = {
    "critical point of a function": "landtopo.points.stationary:FunctionPoint",
    "family of a function": "landtopo.points.stationary:FunctionFamily",
    "model": "landtopo.models.origin:Origin",
    "path": "landtopo.models.networks.paths.record:PathRecord",
    "path of a function": "landtopo.models.connections:FunctionPath",
    "problem": "landtopo.models.networks.problem:TeacherStudent",
    "summary statistics": "landtopo.models.networks.statistics:SummaryStatistics",
    "teacher": "landtopo.models.networks.problem:Teacher",
}

_PLACES = {**_FIRST_PLACES, **_NEW_PLACES}
_FIRST_NAMES = {place: name for name, place in _FIRST_PLACES.items()}
_NAMES = {place: name for name, place in _PLACES.items()}


def name_of(kind: type) -> str:
    """The name under which instances of a class are stored.

    Raises
    ------
    InvalidArgument
        It has none.
    """
    name = _NAMES.get(f"{kind.__module__}:{kind.__qualname__}")
    if name is None:
        raise InvalidArgument(
            f"Only records that have a name in a study can be stored; got {kind.__qualname__}."
        )
    return name


def class_of(name: str) -> type:
    """The class of a stored name, or of a place in version 0.1.0.

    Raises
    ------
    ValueError
        No class has it.
    """
    place = _PLACES.get(_FIRST_NAMES.get(name, name))
    if place is None:
        raise ValueError(f"this landtopo does not know the record {name!r:.80}")
    module, _, attribute = place.partition(":")
    found: type = getattr(importlib.import_module(module), attribute)
    return found
