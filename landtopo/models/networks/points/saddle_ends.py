"""Where the starts of a search for saddles ended, and which family they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from landtopo.models.networks.points.families import distinguishing
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import GraphMark, point_graph
from landtopo.objective import Array
from landtopo.points.known import Known
from landtopo.points.records import Status
from landtopo.shown import Brief

__all__ = ["SearchEnd", "known_saddles", "pack_ends", "unpack_ends"]

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


def known_saddles(problem: TeacherStudent) -> Known[Array]:
    """Weights of the points of a search, by which copies are recognised at once.

    A point elsewhere on a flat set is none: that takes a reduced network (`FamilyIndex`).
    """
    return Known(partial(_mark, problem), slack=_SAME_LOSS)


def _mark(problem: TeacherStudent, weights: Array) -> GraphMark:
    if problem.function.mixes:
        # Rotations of neurons into each other are a gauge.
        weights = distinguishing(problem, weights, zero_loss=False)
    return GraphMark(point_graph(problem.teacher, weights))


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
