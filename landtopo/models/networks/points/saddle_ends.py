"""Where the starts of a search for saddles ended, and which family they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import invariants, symmetry_frame
from landtopo.objective import Array
from landtopo.points.records import Family, Status
from landtopo.shown import Brief

__all__ = ["KnownFamilies", "SearchEnd", "pack_ends", "unpack_ends"]

_SAME_LOSS = 1e-7
_SAME_STATISTICS = 1e-3
_CODES = tuple(Status)


@dataclass(frozen=True, slots=True)
class SearchEnd(Brief):
    """Where one start ended; `family` is set when it was recognised on the way."""

    weights: Array
    status: Status
    loss: float
    grad_norm: float
    evaluations: int
    family: int


class KnownFamilies:
    """The families found so far, for recognising a point before it is solved to the end."""

    def __init__(self, problem: TeacherStudent) -> None:
        self.problem = problem
        self.families: list[Family] = []
        self.losses: list[float] = []
        self.numbers: list[Array] = []
        self.scale = float(problem.teacher.norms.max()) ** 2

    def add(self, family: Family) -> None:
        """Append a family, which gets the next number."""
        self.families.append(family)
        self.losses.append(family.loss)
        self.numbers.append(self._invariants(family.weights))

    def near(self, weights: Array, loss: float) -> int:
        """The only family that a nearly critical point can belong to; -1 if there is none."""
        close = np.flatnonzero(np.abs(np.array(self.losses) - loss) <= _SAME_LOSS)
        if not len(close):
            return -1
        numbers = self._invariants(weights)
        near = [
            int(i)
            for i in close
            if np.abs(self.numbers[i] - numbers).max() <= _SAME_STATISTICS * self.scale
        ]
        return near[0] if len(near) == 1 else -1

    def _invariants(self, weights: Array) -> Array:
        overlaps = weights[:, : self.problem.rank] @ symmetry_frame(self.problem.teacher).T
        return invariants(weights @ weights.T, overlaps)


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
