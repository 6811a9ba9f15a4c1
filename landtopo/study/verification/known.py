"""What the checkers work with: the study, and everything that was recomputed already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np

from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.units import unit_of
from landtopo.objective import Array
from landtopo.points.records import Attempts
from landtopo.study.store import Study
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.evidence import Evidence, Memory
from landtopo.study.verification.readings import same_network
from landtopo.study.verification.stored import Record

__all__ = ["Checker", "Known", "Stored", "UnknownFamilyError", "weights_of"]


class UnknownFamilyError(Exception):
    """A record names a family that the graph does not have."""


class Stored:
    """What a study says, whatever it is of.

    Parameters
    ----------
    study : Study
    memory : Memory
        Keeps what depends on points alone, so that studies that share them can share it.
    """

    def __init__(self, study: Study, memory: Memory) -> None:
        self.study = study
        self.memory = memory

    @cached_property
    def graph(self) -> nx.MultiGraph[str]:
        """The landscape graph, empty if there is none."""
        return self.study.graph() if self.study.has_graph else nx.MultiGraph()

    @cached_property
    def searches(self) -> list[tuple[int, str]]:
        """The stored searches, as (width, source)."""
        return self.study.searches()

    def attempts(self, width: int, source: str) -> Attempts:
        """Attempts of a stored search."""
        return self.study.attempts(width, source)

    def families(self, width: int, source: str) -> list[Any]:
        """Families of a stored search."""
        return list(self.study.families(width, source))

    def asked(self, width: int, source: str) -> dict[str, Any]:
        """What a stored search was asked for."""
        return self.study.search_options(width, source)


class Known(Stored):
    """A study of networks that is verified.

    Parameters
    ----------
    study : Study
    memory : Memory
        Keeps what depends on points alone, so that studies that share them can share it.
    """

    def __init__(self, study: Study, memory: Memory) -> None:
        super().__init__(study, memory)
        self.teacher = study.teacher

    def problem(self, width: int) -> TeacherStudent:
        """The problem at a width."""
        return self.study.problem(width)

    def evidence(self, weights: Array, problem: TeacherStudent | None = None) -> Evidence:
        """What is recomputed of a point."""
        return self.memory.evidence(problem or self.problem(len(weights)), weights)

    def node(self, name: str) -> Evidence:
        """What is recomputed of a family of the graph.

        Raises
        ------
        UnknownFamilyError
            The graph has none of that name.
        """
        if name not in self.graph:
            raise UnknownFamilyError(name)
        return self.evidence(np.asarray(self.graph.nodes[name]["weights"]))

    def nodes_at(self, width: int) -> list[str]:
        """Families of the graph whose points have so many neurons."""
        return [name for name, data in self.graph.nodes.items() if len(data["weights"]) == width]

    def family_of(self, point: Evidence) -> str | None:
        """Name of the family of the graph that a point belongs to."""
        for name in self.nodes_at(point.width):
            if same_network(point, self.node(name)):
                return name
        return None

    def compare(self, record: Record) -> Comparison:
        """Makes checks of a record's fields."""
        # Tolerances are for a teacher with squared norm 1 in total; those of larger ones grow.
        unit = unit_of(self.teacher)
        size = max(1.0, float(np.trace(self.teacher.gram)) / unit**2)
        return Comparison(record.name, record.values, unit=unit, size=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """One thing that is recomputed.

    Attributes
    ----------
    covers : mapping of str to tuple of str
        The fields that it compares, by the kind of record.
    run : callable
        Makes the checks of one record of such a kind, from what is `Stored`.
    form : mapping of str to tuple of str
        Those of the fields that nothing else in a study determines, such as times and numbers of
        evaluations: a value that could not be one is found, another one is not.
    """

    covers: Mapping[str, tuple[str, ...]]
    run: Callable[[Any, Record], Iterable[Check]]
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def weights_of(record: Record) -> Any:
    """Weights of the point that a record is about, or None."""
    if record.kind == "Family":
        return record.values["point"].weights
    weights = record.values.get("weights")
    return None if weights is None else np.asarray(weights, dtype=np.float64)
