"""What is known of a path between two labelled minima: the record that files and pictures show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.statistics import SummaryStatistics, summary_statistics
from landtopo.objective import Array
from landtopo.paths.record import Gap, JoinedPath, PathKind, RunnerUp, StepRecord
from landtopo.points.evaluations import Evaluations
from landtopo.points.records import CriticalPoint
from landtopo.units import Linear, Squared, Unitless

__all__ = ["PathRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRecord(JoinedPath):
    """A path between two labelled points and the evidence for it.

    Attributes
    ----------
    problem : TeacherStudent
    start, end : ndarray, shape (K, D)
        The two ends, polished.
    points : ndarray, shape (n, K, D)
        Weights along the path.
    positions : ndarray, shape (n,)
        Arc length in weight space.
    losses : ndarray, shape (n,)
        Nowhere between the points is the loss higher than the highest of these by more than
        `profile_tolerance`.
    profile_tolerance : float
    minima : tuple of ndarray, shape (K, D)
        The ends and the intermediates in order.
    minima_losses, minima_positions : ndarray
        Their losses, and their arc lengths along the path.
    transition_states : tuple of CriticalPoint
        In order along the path, with spectra and index in d dimensions.
    transition_positions : ndarray
        Their arc lengths along the path.
    steps : tuple of StepRecord
    highest_loss : float
        Highest loss on the path; infinite where no verified steps join the ends.
    verified : bool
        Whether every step is a transition state of index 1 whose two descents end in its minima,
        a corner with a way down on both sides, or flat.
    kind : {"saddle", "corner", "flat"} or None
        Of the step with the highest loss; None where no verified steps join the ends.
    permutation : tuple of int or None
        pi[k] is the neuron of the end that equals neuron k of the start, if the ends are copies.
        Of an even activation it is a signed permutation (`landtopo.symmetry.permutations`).
    missing : tuple of tuple of ndarray
        If not verified: pairs of minima whose connection is missing.
    runners_up : tuple of RunnerUp
    first_highest_loss : float
        Highest loss of the first complete route, before the search for a lower one.
    bands : int
        Number of bands that were tried.
    evaluations : Evaluations
    seconds : float
        Wall time.
    seed : int
    status : str
        One sentence.
    met : tuple of ndarray, shape (K, D)
        Transition states that were found and followed down, and are not on the path, as some copy.
    """

    _told = ("kind", "highest_loss", "barrier_from", "barrier_to", "verified", "steps", "status")

    problem: TeacherStudent
    start: Linear[Array]
    end: Linear[Array]
    points: Linear[Array]
    positions: Linear[Array]
    losses: Squared[Array]
    profile_tolerance: Squared[float]
    minima: Linear[tuple[Array, ...]]
    minima_losses: Squared[Array]
    minima_positions: Linear[Array]
    transition_states: tuple[CriticalPoint, ...]
    transition_positions: Linear[Array]
    steps: tuple[StepRecord, ...]
    highest_loss: Squared[float]
    verified: bool
    kind: PathKind | None
    permutation: tuple[int, ...] | None
    missing: Linear[tuple[tuple[Array, Array], ...]]
    runners_up: tuple[RunnerUp, ...]
    first_highest_loss: Squared[float]
    bands: int
    evaluations: Evaluations
    seconds: Unitless[float]
    seed: int
    status: str
    met: Linear[tuple[Array, ...]] = ()

    @property
    def stage(self) -> int:
        """The rung that it lies on: the width."""
        return self.problem.width

    def rows(self) -> list[dict[str, Any]]:
        """One row a step between neighbouring minima of the path."""
        return [
            {
                "step": number,
                "kind": str(step.kind),
                "loss_from": float(self.minima_losses[step.start]),
                "highest_loss": float(step.highest_loss),
                "loss_to": float(self.minima_losses[step.end]),
                "saddles_passed": len(step.through),
            }
            for number, step in enumerate(self.steps, 1)
        ]

    def gaps(self) -> tuple[Gap, ...]:
        """What is missing of a path that is not verified, in the order along it."""
        return tuple(
            Gap(
                names=(self._name(first), self._name(second)),
                losses=(self._loss(first), self._loss(second)),
            )
            for first, second in self.missing
        )

    def _name(self, weights: Array) -> str:
        for name, end in (("start", self.start), ("end", self.end)):
            if np.array_equal(weights, end):
                return f"the {name}"
        return "a minimum between"

    def _loss(self, weights: Array) -> float:
        return max(float(PopulationLoss(self.problem).value(weights)), 0.0)

    def statistics(self) -> list[SummaryStatistics]:
        """(Q, R, T) at the points along the path."""
        return [summary_statistics(self.problem.teacher, point) for point in self.points]

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and texts, for JSON; the ends are named by the caller."""
        from landtopo.symmetry.permutations import format_cycles

        told = self.permutation
        return {
            "highest_loss": _number(self.highest_loss),
            "barrier_from": _number(self.barrier_from),
            "barrier_to": _number(self.barrier_to),
            "verified": self.verified,
            "kind": self.kind,
            "permutation": None if told is None else format_cycles(told, len(self.start)),
            "status": self.status,
            "steps": [
                {
                    "kind": step.kind,
                    "highest_loss": step.highest_loss,
                    "transition": step.transition,
                    "start": step.start,
                    "end": step.end,
                    "through_saddles": [saddle.loss for saddle in step.through],
                }
                for step in self.steps
            ],
            "minima": [
                {"loss": float(loss), "weights": w.tolist()}
                for w, loss in zip(self.minima, self.minima_losses, strict=True)
            ],
            "transition_states": [_transition(point) for point in self.transition_states],
            "runners_up": [
                {"highest_loss": other.highest_loss, "losses": list(other.losses)}
                for other in self.runners_up
            ],
            "first_highest_loss": _number(self.first_highest_loss),
            "bands": self.bands,
            "evaluations": self.evaluations.as_dict(),
            "seconds": self.seconds,
            "seed": self.seed,
            "profile": {
                "positions": self.positions.tolist(),
                "losses": self.losses.tolist(),
                "tolerance": self.profile_tolerance,
            },
        }


def _transition(point: CriticalPoint) -> dict[str, Any]:
    lowest = float(point.eigenvalues.min()) if point.eigenvalues.size else None
    normal = float(point.normal_eigenvalues.min()) if point.normal_eigenvalues.size else None
    return {
        "loss": point.loss,
        "grad_norm": point.grad_norm,
        "index": point.index,
        "nullity": point.nullity,
        "gap": _number(point.gap),
        "smallest_eigenvalue": lowest,
        "smallest_normal_eigenvalue": normal,
        "eigenvalues": point.eigenvalues.tolist(),
        "zero_neurons": point.zero_neurons,
        "weights": point.weights.tolist(),
    }


def _number(value: float) -> float | None:
    """JSON knows no infinity."""
    return float(value) if np.isfinite(value) else None
