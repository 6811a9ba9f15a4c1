"""What is known of the steps of a path between two labelled minima, and of what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from landtopo.objective import Array
from landtopo.shown import Brief, Table
from landtopo.units import Linear, Squared

__all__ = ["Gap", "JoinedPath", "PassedSaddle", "PathKind", "RunnerUp", "StepRecord"]

PathKind = Literal["saddle", "corner", "flat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedSaddle(Brief):
    """A lower saddle on the way down, at which a descent came to rest and was pushed on.

    Attributes
    ----------
    loss : float
    weights : ndarray, shape (K, D)
    """

    loss: Squared[float]
    weights: Linear[Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord(Brief):
    """One verified step from a minimum to the next.

    Attributes
    ----------
    kind : {"saddle", "corner", "flat"}
    highest_loss : float
        Highest loss on the step.
    transition : int or None
        Number of its transition state in the path's list; None for a flat step.
    start, end : int
        Numbers of the minima it joins, in the path's list.
    through : tuple of PassedSaddle
        Where symmetry made a descent end in a saddle. Steepest descent alone joins the transition
        state to these saddles, and only the least push from there to the minimum.
    """

    kind: PathKind
    highest_loss: Squared[float]
    transition: int | None
    start: int
    end: int
    through: tuple[PassedSaddle, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerUp(Brief):
    """A route that was found too, and is higher or longer.

    Attributes
    ----------
    highest_loss : float
    losses : tuple of float
        Loss at each of its transition states, in order.
    """

    highest_loss: Squared[float]
    losses: Squared[tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Brief):
    """A connection that an incomplete path lacks.

    Attributes
    ----------
    names : tuple of str
        What is not joined: the start, the end, or a minimum between them.
    losses : tuple of float
        Their losses.
    """

    names: tuple[str, str]
    losses: Squared[tuple[float, float]]

    def sentence(self) -> str:
        """What is missing, in words."""
        first, second = (
            f"{name} (loss {_told(loss)})"
            for name, loss in zip(self.names, self.losses, strict=True)
        )
        return f"No verified way joins {first} and {second}."


def _told(loss: float) -> str:
    """A loss in words; rounding errors of an exact zero are told as zero."""
    return "0" if loss <= 1e-14 else f"{loss:.6g}"


class JoinedPath(Table):
    """What paths of all models have: a record of its own says what else there is, and keeps it."""

    __slots__ = ()

    points: Array
    minima_losses: Array
    transition_states: tuple[Any, ...]
    highest_loss: float
    verified: bool
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and texts, for JSON."""
        raise NotImplementedError

    @property
    def stage(self) -> int:
        """The rung that it lies on."""
        raise NotImplementedError

    @property
    def barrier_from(self) -> float:
        """Highest loss on the path above the loss of its start."""
        return self.highest_loss - float(self.minima_losses[0])

    @property
    def barrier_to(self) -> float:
        """Highest loss on the path above the loss of its end."""
        return self.highest_loss - float(self.minima_losses[-1])

    @property
    def barrier(self) -> float:
        """The barrier seen from the start."""
        return self.barrier_from
