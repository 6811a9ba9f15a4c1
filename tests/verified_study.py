"""A tiny study with a record of every kind in it, and one fault for every stored field."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from landtopo_cli.reached import keep_reachability

from landtopo.landscape.build import landscape_graph
from landtopo.models.networks.dynamics.reachability import reachability
from landtopo.models.networks.paths.connect import connect
from landtopo.models.networks.points.search import SearchResult
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.paths.record import PassedSaddle, RunnerUp
from landtopo.points.records import Status
from landtopo.study import Study
from landtopo.study.verification import Record

__all__ = ["examples", "faults_of", "make_study", "plant"]

_TEACHER = Teacher.orthonormal(2)
# Values that are no form of their field, for those of which nothing but the form is known.
_ILL_FORMED: dict[str, Any] = {
    "started": "soon",
    "ended": "1999-01-01T00:00:00+00:00",
    "command": "rm -r",
    "options": {"Widths!": 3},
    "versions": {"landtopo": "new"},
    "status": "It went well.",
    "first_highest_loss": 0.0,
    "losses": (5.0,),
}


def make_study(path: Path) -> None:
    """Widths 1 to 3: a minimum of positive loss, saddles, a flat set, lineages of both kinds."""
    with Study.create(path, _TEACHER) as study:

        def keep(found: SearchResult) -> None:
            source = f"{found.search['method']} from {found.search['init']}"
            families = (*found.families, *found.others)
            study.save_search("minima", source, found.attempts, families, found.search)

        study.begin("graph", {"widths": [1, 2, 3]})
        graph = landscape_graph(_TEACHER, (1, 2, 3), starts=40, journal=study, searched=keep)
        study.save_graph(graph)
        keep_reachability(study, reachability(TeacherStudent(_TEACHER, 2), runs=20))
        record = connect(TeacherStudent(_TEACHER, 2), np.eye(2), np.eye(2)[::-1])
        study.save_path(record, "global", "global", permutation="(1 2)")


def examples(record: Record) -> Iterator[Record]:
    """The record, and records of kinds that a tiny study does not have, made from it."""
    yield record
    if record.kind == "PathRecord":
        (named,) = record.within
        path = named.record
        if not path.transition_states or not path.steps:
            return
        state = path.transition_states[0]
        saddle = PassedSaddle(loss=state.loss, weights=state.weights)
        yield Record(
            kind="PassedSaddle",
            name="a saddle",
            values=_fields(saddle),
            within=(named, path.steps[0]),
        )
        other = RunnerUp(highest_loss=0.1, losses=(0.1, 0.05))
        yield Record(kind="RunnerUp", name="another", values=_fields(other), within=(named,))


def _fields(record: Any) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in dataclasses.fields(record)}


def faults_of(name: str, value: Any, *, form: bool) -> Iterator[tuple[str, Any]]:
    """Wrong values of a field, each with the leaf that is wrong.

    Parameters
    ----------
    name : str
    value : object
        The right one.
    form : bool
        Whether nothing but the form of the field is checked.
    """
    if form:
        yield (
            name,
            _ILL_FORMED.get(name, -1)
            if name in _ILL_FORMED or not isinstance(value, np.ndarray)
            else np.full_like(value, -1),
        )
        return
    if name == "failed_pairs":
        yield name, {"3": [{"from_id": "w3-f0", "to_id": "w3-f0", "tries": 1}]}
    elif isinstance(value, Mapping):
        # Structures of the graph have one part for each width, of which one is enough.
        parts = list(value.items())[-1:] if all(key.isdigit() for key in value) else value.items()
        for key, item in parts:
            for leaf, wrong in faults_of(f"{name}.{key}", item, form=False):
                yield leaf, {**value, key: wrong}
        if not value:
            yield name, {"9": "something"}
    else:
        yield name, _wrong(name, value)


def _wrong(name: str, value: Any) -> Any:
    if name == "runners_up":
        return (RunnerUp(highest_loss=0.0, losses=(0.0,)),)
    if name == "through":
        return (PassedSaddle(loss=0.1, weights=np.eye(2)),)
    if name == "missing":
        return ((np.eye(2), np.eye(2)),)
    if name == "met":
        return (*value, np.eye(2))  # a minimum
    simple = _wrong_simple(name, value)
    if simple is not None:
        return simple
    if isinstance(value, np.ndarray):
        changed = value.copy()
        if changed.size:
            changed.flat[0] = _wrong(name, changed.flat[0].item())
            return changed
        return np.ones(1)
    if isinstance(value, (tuple, list)):
        if not value:
            return type(value)([1])
        if dataclasses.is_dataclass(value[0]):
            return type(value)()
        if isinstance(value[0], dict):
            return type(value)()
        return type(value)([*value[:-1], _wrong(name, value[-1])])
    raise TypeError(f"No fault is known for {name} of type {type(value).__name__}.")


def _wrong_simple(name: str, value: Any) -> Any:
    if isinstance(value, Status):
        return Status.TOO_LONG if value is Status.CONVERGED else Status.CONVERGED
    if isinstance(value, Enum):
        return next(other for other in type(value) if other is not value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + 1e-3 * max(1.0, abs(value)) if np.isfinite(value) else 1.0
    if isinstance(value, str):
        if "permutation" in name:
            return "(1 2)" if value == "()" else "()"
        return {"even": "odd", "odd": "even", "stays": "flows", "flows": "stays"}.get(
            value, "something else"
        )
    if value is None:
        return 1
    return None


def plant(study: Study, record: Record, name: str, wrong: Any) -> None:
    """Write the record with one wrong field into the study, by its own means."""
    if record.kind in ("graph", "node", "edge"):
        graph = study.graph()
        if record.kind == "graph":
            graph.graph[name] = wrong
        elif record.kind == "node":
            graph.nodes[record.name][name] = wrong
        else:
            next(data for _, _, key, data in graph.edges(keys=True, data=True)
                 if key == record.name)[name] = wrong  # fmt: skip
        study.save_graph(graph)
    elif record.kind in ("Attempts", "Family", "CriticalPoint") and record.within[0] != "path":
        _plant_in_search(study, record, name, wrong)
    elif record.kind != "Session":
        _plant_in_path(study, record, name, wrong)


def _plant_in_search(study: Study, record: Record, name: str, wrong: Any) -> None:
    width, source = record.within[-2:]
    aim = next(
        aim
        for aim in ("minima", "saddles", "reachability")
        if (width, source) in study.searches(aim)
    )
    attempts, families = study.attempts(width, source), study.families(width, source)
    if record.kind == "Attempts":
        attempts = dataclasses.replace(attempts, **{name: wrong})
    else:
        number = next(i for i, one in enumerate(families) if record.name.startswith(one.id + " "))
        family = families[number]
        if record.kind == "Family":
            families[number] = dataclasses.replace(family, **{name: wrong})
        else:
            point = dataclasses.replace(family.point, **{name: wrong})
            families[number] = dataclasses.replace(family, point=point)
    study.save_search(aim, source, attempts, families, study.search_options(width, source))


def _plant_in_path(study: Study, record: Record, name: str, wrong: Any) -> None:
    named = study.paths()[0]
    path = named.record
    if record.kind == "PathRecord":
        path = dataclasses.replace(path, **{name: wrong})
    elif record.kind == "StepRecord":
        step = dataclasses.replace(path.steps[0], **{name: wrong})
        path = dataclasses.replace(path, steps=(step, *path.steps[1:]))
    elif record.kind == "CriticalPoint":
        state = dataclasses.replace(path.transition_states[0], **{name: wrong})
        path = dataclasses.replace(path, transition_states=(state, *path.transition_states[1:]))
    study.save_path(path, named.from_id, named.to_id, permutation=named.permutation)
