"""What the checkers of a study of a model work with."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np

from landtopo.landscape.one_rung import graph_at
from landtopo.models.parameter import ParameterModels
from landtopo.models.smooth import SmoothModel
from landtopo.study.store import Study
from landtopo.study.verification.checks import Comparison
from landtopo.study.verification.evidence import Memory
from landtopo.study.verification.functions.evidence import FunctionEvidence
from landtopo.study.verification.known import Stored, UnknownFamilyError
from landtopo.study.verification.stored import Record

__all__ = ["KnownModel", "is_line", "place_of"]


class KnownModel(Stored):
    """A study of a model that is verified.

    Parameters
    ----------
    study : Study
    memory : Memory
    subject : SmoothModel or ParameterModels
        The function, which a study does not hold, or functions over a parameter.
    number : int
        Of the rung.
    """

    def __init__(
        self,
        study: Study,
        memory: Memory,
        subject: SmoothModel | ParameterModels,
        number: int | None = None,
    ) -> None:
        super().__init__(study, memory)
        self.subject = subject
        self.models: tuple[SmoothModel, ...]
        self.models = subject.models if isinstance(subject, ParameterModels) else (subject,)
        rungs = {model.width: model for model in self.models}
        self.model = self.models[0] if number is None else rungs[number]
        self._others: dict[int | None, KnownModel] = {self.model.width: self}

    def at(self, number: int | None) -> KnownModel:
        """The same at another value of the parameter; a model alone has none."""
        if number is None or not isinstance(self.subject, ParameterModels):
            return self
        if number not in self._others:
            if number not in self.subject.numbers:
                raise UnknownFamilyError(f"value {number}")
            found = KnownModel(self.study, self.memory, self.subject, number)
            found._others = self._others
            self._others[number] = found
        return self._others[number]

    @cached_property
    def graph(self) -> nx.MultiGraph[str]:
        """The landscape graph, at the value of the parameter if it is over one."""
        whole = self.study.graph() if self.study.has_graph else nx.MultiGraph()
        return whole if self.model.width is None else graph_at(whole, self.model.width)

    def evidence(self, x: Any) -> FunctionEvidence:
        """What is recomputed of a point."""
        place = np.ravel(np.asarray(x, dtype=np.float64))
        return self.memory.get(
            ("function", self.model.name, place.tobytes()),
            lambda: FunctionEvidence(self.model, place),
        )

    def node(self, name: str) -> FunctionEvidence:
        """What is recomputed of a minimum of the graph.

        Raises
        ------
        UnknownFamilyError
            The graph has none of that name.
        """
        if name not in self.graph:
            raise UnknownFamilyError(name)
        return self.evidence(self.graph.nodes[name]["coordinates"])

    def nodes_at(self, stage: int) -> list[str]:
        """The minima of the graph: a model has one stage."""
        return list(self.graph)

    def minimum_of(self, point: FunctionEvidence) -> str | None:
        """Name of the minimum of the graph that a point is a copy of."""
        return next((name for name in self.graph if point.is_copy_of(self.node(name))), None)

    def compare(self, record: Record) -> Comparison:
        """Makes checks of a record's fields; tolerances are those of the checkers."""
        return Comparison(record.name, record.values)


def is_line(record: Record) -> bool:
    """Whether an edge is a lineage, which has no point."""
    return record.kind == "edge" and "coordinates" not in record.values


def place_of(record: Record) -> Any:
    """Coordinates of the point that a record is about."""
    if record.kind == "FunctionFamily":
        return record.values["point"].x
    return record.values["x" if record.kind == "FunctionPoint" else "coordinates"]
