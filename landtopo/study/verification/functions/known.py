"""What the checkers of a study of a model work with."""

from __future__ import annotations

from typing import Any

import numpy as np

from landtopo.models.smooth import SmoothModel
from landtopo.study.store import Study
from landtopo.study.verification.checks import Comparison
from landtopo.study.verification.evidence import Memory
from landtopo.study.verification.functions.evidence import FunctionEvidence
from landtopo.study.verification.known import Stored, UnknownFamilyError
from landtopo.study.verification.stored import Record

__all__ = ["KnownModel", "place_of"]


class KnownModel(Stored):
    """A study of a model that is verified.

    Parameters
    ----------
    study : Study
    memory : Memory
    model : SmoothModel
        The function, which a study does not hold.
    """

    def __init__(self, study: Study, memory: Memory, model: SmoothModel) -> None:
        super().__init__(study, memory)
        self.model = model

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


def place_of(record: Record) -> Any:
    """Coordinates of the point that a record is about."""
    if record.kind == "FunctionFamily":
        return record.values["point"].x
    return record.values["x" if record.kind == "FunctionPoint" else "coordinates"]
