"""What joining two minima yields: minima, transition states, routes, and every band tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from landtopo.objective import Array
from landtopo.paths.descent import Descent
from landtopo.paths.routes import Place
from landtopo.paths.setting import Element
from landtopo.points.ascend import Ascent
from landtopo.points.evaluations import Evaluations
from landtopo.shown import Brief

__all__ = ["Attempt", "JoinStatus", "Joined", "Minimum", "Step", "Transition"]


class JoinStatus(Enum):
    """How a complete connection ended."""

    CONNECTED = "Verified steps join the two ends."
    BUDGET_USED = "The budget was used before verified steps joined the two ends."
    EXHAUSTED = "Every pair that could help was tried as often as allowed, without success."


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum(Brief):
    """A minimum met on the way.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value : float
    place : Place
        Its family and element.
    """

    x: Array = field(repr=False)
    value: float
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(Brief):
    """A transition state, or another pass, with both descents done.

    Attributes
    ----------
    x : ndarray, shape (size,)
    value : float
    ascent : Ascent or None
        How it was found, with gradient and spectrum; None for a pass that is no smooth saddle.
    ends : tuple of int
        Minima that the descents ended in, by their number in `Joined.minima`.
    sides : tuple of Descent
    left_band : bool
        Whether refinement left the neighbourhood of the band.
    through : tuple of ndarray, shape (size,)
        Lower saddles at which a descent came to rest, by symmetry, and was pushed on.
    """

    x: Array = field(repr=False)
    value: float
    ascent: Ascent | None = field(repr=False)
    ends: tuple[int, int]
    sides: tuple[Descent, Descent] = field(repr=False)
    left_band: bool
    through: tuple[Array, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Brief):
    """One verified step of a route.

    Attributes
    ----------
    transition : int or None
        Transition state, by its number; None for a flat step.
    element : tuple of int
        Element of the symmetry group that was applied to the connection that was found.
    turn : tuple of int or None
        Further symmetry that was applied before.
    start, end : ndarray, shape (size,)
        The minima it joins.
    points : ndarray, shape (n, size)
        From the start to the end.
    top : int
        Number of the highest point.
    highest : float
        Highest value on the step.
    through : tuple of ndarray, shape (size,)
        Lower saddles at which a descent came to rest, before the symmetries are applied.
    """

    transition: int | None
    element: Element
    turn: Element | None
    start: Array = field(repr=False)
    end: Array = field(repr=False)
    points: Array = field(repr=False)
    top: int
    highest: float
    through: tuple[Array, ...] = field(default=(), repr=False)

    @property
    def flat(self) -> bool:
        """Whether the step has no transition state because it needs none."""
        return self.transition is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Brief):
    """One band that was tried, whatever came of it.

    Attributes
    ----------
    pair : tuple of int
    highest : float
        Highest sampled value of the relaxed band.
    found : tuple of int
        Transition states it led to, by number, known ones included.
    rejected : tuple of str
        Why maxima of the band gave no transition state, one sentence each.
    """

    pair: tuple[int, int]
    highest: float
    found: tuple[int, ...]
    rejected: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(Brief):
    """Everything found while joining two minima; number 0 and 1 are the ends.

    Attributes
    ----------
    minima : tuple of Minimum
    transitions : tuple of Transition
    known_before : int
        So many of the transitions, the first ones, were given as known.
    route : tuple of Step
        Steps of the route with the lowest highest point; empty if there is none.
    missing : tuple of tuple of int
        If there is no route: pairs of minima whose connection would complete one.
    attempts : tuple of Attempt
    evaluations : Evaluations
    other_routes : tuple of tuple of float
        Highest values of the steps of the next best routes: each is the best one without the
        highest transition states of those before it.
    first_highest : float
        Highest point of the first route found, before the improvement stage.
    status : JoinStatus
    """

    minima: tuple[Minimum, ...]
    transitions: tuple[Transition, ...] = field(repr=False)
    known_before: int
    route: tuple[Step, ...] = field(repr=False)
    missing: tuple[tuple[int, int], ...]
    attempts: tuple[Attempt, ...] = field(repr=False)
    evaluations: Evaluations
    other_routes: tuple[tuple[float, ...], ...]
    first_highest: float
    status: JoinStatus

    @property
    def highest(self) -> float:
        """Highest value on the route; infinite if there is none."""
        return max((step.highest for step in self.route), default=float("inf"))
