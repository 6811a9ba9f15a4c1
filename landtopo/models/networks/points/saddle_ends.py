"""Where the starts of a search for saddles ended, and which family they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.models.networks.points.families import distinguishing
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import PointGraph, Reference, point_graph
from landtopo.objective import Array
from landtopo.points.records import Family, Status
from landtopo.shown import Brief

__all__ = ["KnownFamilies", "SearchEnd", "pack_ends", "unpack_ends"]

_SAME_LOSS = 1e-7
_CODES = tuple(Status)


@dataclass(frozen=True, slots=True)
class SearchEnd(Brief):
    """Where one start ended; `family` is set when it was recognised at once."""

    weights: Array
    status: Status
    loss: float
    grad_norm: float
    evaluations: int
    family: int


class KnownFamilies:
    """The families found so far, each prepared for recognising its copies."""

    def __init__(self, problem: TeacherStudent) -> None:
        self.problem = problem
        self.families: list[Family] = []
        self._references: list[Reference] = []

    def add(self, family: Family) -> None:
        """Append a family, which gets the next number."""
        self.families.append(family)
        self._references.append(Reference(self._graph(family.weights)))

    def find(self, weights: Array, loss: float) -> int:
        """The family of which a critical point is a copy; -1 if there is none."""
        graph = None
        for number, family in enumerate(self.families):
            if abs(family.loss - loss) <= _SAME_LOSS:
                graph = graph or self._graph(weights)
                if self._references[number].match(graph) is not None:
                    return number
        return -1

    def _graph(self, weights: Array) -> PointGraph:
        if self.problem.function.mixes:
            # Rotations of neurons into each other are a gauge.
            weights = distinguishing(self.problem, weights, zero_loss=False)
        return point_graph(self.problem.teacher, weights)


def pack_ends(ends: list[SearchEnd]) -> dict[str, Any]:
    """Ends of one chunk as arrays, for a journal."""
    columns = max(end.weights.shape[1] for end in ends)
    return {
        "weights": np.array(
            [np.pad(end.weights, ((0, 0), (0, columns - end.weights.shape[1]))) for end in ends]
        ),
        "columns": np.array([end.weights.shape[1] for end in ends], dtype=np.int64),
        "status": np.array([_CODES.index(end.status) for end in ends], dtype=np.int64),
        "loss": np.array([end.loss for end in ends]),
        "grad_norm": np.array([end.grad_norm for end in ends]),
        "evaluations": np.array([end.evaluations for end in ends], dtype=np.int64),
        "family": np.array([end.family for end in ends], dtype=np.int64),
    }


def unpack_ends(kept: dict[str, Any]) -> list[SearchEnd]:
    """The ends that `pack_ends` packed."""
    return [
        SearchEnd(
            weights=kept["weights"][i][:, : int(kept["columns"][i])],
            status=_CODES[int(kept["status"][i])],
            loss=float(kept["loss"][i]),
            grad_norm=float(kept["grad_norm"][i]),
            evaluations=int(kept["evaluations"][i]),
            family=int(kept["family"][i]),
        )
        for i in range(len(kept["loss"]))
    ]
