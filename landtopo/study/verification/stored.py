"""What a study stores: every record, and the names of its fields.

The kinds of record are ``graph``, ``node`` and ``edge``, with the columns of the landscape schema,
and the dataclasses that searches, paths and sessions consist of, found by walking their types.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from landtopo.landscape.one_rung import attributes_at
from landtopo.landscape.schema import PARAMETER, columns_of, rungs_of
from landtopo.models.connections import FunctionPath
from landtopo.models.networks.paths.record import PathRecord
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.origin import Origin
from landtopo.points.records import Attempts, Family
from landtopo.points.stationary import FunctionFamily
from landtopo.study.provenance import Session
from landtopo.study.store import NamedPath, Study

__all__ = ["Record", "records_of", "stored_fields"]

#: The classes that are stored as they are; those in their fields are found from here.
_ROOTS = (Attempts, Family, PathRecord, Session)
#: The same in studies of models, and what other programs' files say, which is in no study.
_MODEL_ROOTS = (Origin, Attempts, FunctionFamily, FunctionPath, Session)
#: What a study keeps of null directions, which are steps and no class.
_FLAT = ("loss", "flat_dimension", "nullity", "gauge", "directions", "disagreements", "coordinates")
_FOREIGN = ("database", "given", "given_coordinates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One stored record.

    Attributes
    ----------
    kind : str
        ``graph``, ``node``, ``edge``, or the name of a dataclass.
    name : str
        What people call it, such as ``w6-f0``.
    values : mapping
        Its fields.
    within : tuple
        What it was found in: (width, source) of a search, the record of a path.
    stage : int or None
        Number of the parameter's value, in studies of models over one.
    """

    kind: str
    name: str
    values: Mapping[str, Any] = field(repr=False)
    within: tuple[Any, ...] = field(default=(), repr=False)
    stage: int | None = None


def stored_fields(*, models: bool = False) -> dict[str, tuple[str, ...]]:
    """The names of all fields, by the kind of record, of studies of networks or of models."""
    found: dict[str, tuple[str, ...]] = {}
    for owner in ("graph", "node", "edge"):
        columns = [column.name for column in columns_of(owner, energies=models)]
        found[owner] = tuple(name for name in columns if name not in _FOREIGN)
    if models:
        found["FlatDirections"] = _FLAT
    waiting: list[type] = list(_MODEL_ROOTS if models else _ROOTS)
    while waiting:
        kind = waiting.pop(0)
        if kind.__name__ in found:
            continue
        found[kind.__name__] = tuple(one.name for one in dataclasses.fields(kind) if one.init)
        names = {"Teacher": Teacher, "TeacherStudent": TeacherStudent}
        for hint in typing.get_type_hints(kind, localns=names).values():
            waiting += list(_dataclasses_in(hint))
    return found


def _dataclasses_in(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _dataclasses_in(part)


def records_of(study: Study) -> Iterator[Record]:
    """Every record of a study, in the order in which they are verified."""
    if study.model is not None and study.model.parameter:
        for record in _records_of(study):
            yield replace(record, stage=_stage(record))
        return
    yield from _records_of(study)


def _stage(record: Record) -> int | None:
    """The number of the rung that the name or the place of a record tells."""
    if record.kind in ("Attempts", "FunctionFamily", "FunctionPoint") and record.within:
        numbers = [one for one in record.within if isinstance(one, int)]
        if numbers:
            return numbers[0]
    for one in record.within:
        if isinstance(one, NamedPath):
            return one.record.stage
    if record.kind == "edge":
        # A lineage is a claim of the minimum that it leads to.
        record = replace(record, name=str(record.values["to_id"]))
    found = re.match(r"(?:[vw]|null directions flat/|graph of value )(\d+)", record.name)
    return None if found is None else int(found[1])


def _records_of(study: Study) -> Iterator[Record]:
    if study.model is not None:
        yield Record(kind="Origin", name="the model", values=_fields(study.model))
    if study.has_graph:
        graph = study.graph()
        yield from _of_attributes(graph.graph)
        for name, data in graph.nodes.items():
            yield Record(kind="node", name=name, values=data)
        for first, last, key, data in graph.edges(keys=True, data=True):
            yield Record(kind="edge", name=key, values=data, within=(first, last))
    for width, source in study.searches():
        yield from _of_search(study, width, source)
    for path in study.paths():
        if isinstance(path.record, FunctionPath):
            yield from _of_function_path(path, path.record)
        else:
            yield from _of_path(path, path.record)
    for key in study.steps("flat/") if study.model is not None else ():
        yield Record(kind="FlatDirections", name=f"null directions {key}", values=study.recall(key))
    for session in study.sessions():
        yield Record(kind="Session", name=f"session {session.number}", values=_fields(session))


def _of_attributes(attributes: Mapping[str, Any]) -> Iterator[Record]:
    """What a graph says of itself; over a parameter one value at a time."""
    if PARAMETER not in attributes:
        yield Record(kind="graph", name="graph", values=attributes)
        return
    for number in rungs_of(attributes[PARAMETER]):
        values = attributes_at(attributes, number)
        yield Record(kind="graph", name=f"graph of value {number}", values=values)


def _of_search(study: Study, width: int, source: str) -> Iterator[Record]:
    place = (width, source)
    name = f"{source}, width {width}" if study.model is None else source
    yield Record(
        kind="Attempts", name=name, values=_fields(study.attempts(width, source)), within=place
    )
    for family in study.families(width, source):
        yield from _with_point(family, f"{family.id} of {source}", place)


def _with_point(
    family: Family | FunctionFamily, name: str, place: tuple[Any, ...]
) -> Iterator[Record]:
    kinds = [type(one).__name__ for one in (family, family.point)]
    yield Record(kind=kinds[0], name=name, values=_fields(family), within=place)
    point = _fields(family.point)
    yield Record(kind=kinds[1], name=name, values=point, within=("search", *place))


def _of_function_path(path: NamedPath, record: FunctionPath) -> Iterator[Record]:
    name = f"{path.from_id} to {path.to_id}"
    yield Record(kind="FunctionPath", name=name, values=_fields(record), within=(path,))
    evaluations = _fields(record.evaluations)
    yield Record(kind="Evaluations", name=name, values=evaluations, within=(path,))
    for number, state in enumerate(record.transition_states, start=1):
        place = f"{name}, transition state {number}"
        yield Record(kind="FunctionPoint", name=place, values=_fields(state), within=("path", path))


def _of_path(path: NamedPath, record: Any) -> Iterator[Record]:
    name = f"{path.from_id} to {path.to_id} {path.permutation}"
    problem = record.problem
    inside: tuple[Any, ...] = (path,)
    yield Record(kind="PathRecord", name=name, values=_fields(record), within=inside)
    yield Record(kind="TeacherStudent", name=name, values=_fields(problem), within=inside)
    yield Record(kind="Teacher", name=name, values=_fields(problem.teacher), within=inside)
    yield Record(kind="Evaluations", name=name, values=_fields(record.evaluations), within=inside)
    for number, state in enumerate(record.transition_states, start=1):
        yield Record(
            kind="CriticalPoint",
            name=f"{name}, transition state {number}",
            values=_fields(state),
            within=("path", path),
        )
    for number, step in enumerate(record.steps, start=1):
        place = f"{name}, step {number}"
        yield Record(kind="StepRecord", name=place, values=_fields(step), within=inside)
        for saddle in step.through:
            yield Record(
                kind="PassedSaddle", name=place, values=_fields(saddle), within=(path, step)
            )
    for number, other in enumerate(record.runners_up, start=1):
        yield Record(
            kind="RunnerUp",
            name=f"{name}, runner-up {number}",
            values=_fields(other),
            within=inside,
        )


def _fields(record: Any) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in dataclasses.fields(record)}
