"""Paths between minima of a model, verified step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_seed
from landtopo.errors import InvalidArgument
from landtopo.landscape.schema import MODEL
from landtopo.landscape.transitions import arc_lengths
from landtopo.models.copies import ModelCopies
from landtopo.models.given import given_point, refuse
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array
from landtopo.paths.join import JoinOptions, join
from landtopo.paths.joined import Joined, JoinStatus
from landtopo.paths.profile import resolve
from landtopo.paths.record import JoinedPath
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.points.records import Kind
from landtopo.points.stationary import FunctionPoint
from landtopo.progress import Progress

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["PROFILE", "FunctionPath", "connect"]

_JOIN = JoinOptions(bands=40, improve=20, patience=8)
#: How much higher than its highest stored point a path may be anywhere, in units of the model.
PROFILE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionPath(JoinedPath):
    """A path between two minima of a model, and the evidence for it.

    Attributes
    ----------
    model : str
        Name of the model.
    start, end : ndarray, shape (size,)
        The two minima; the end is the copy by gauge that the path arrives at.
    points : ndarray, shape (n, size)
    positions, losses : ndarray, shape (n,)
        Arc length, and values.
    minima : tuple of ndarray, shape (size,)
        The ends and what lies between them, in order.
    minima_losses : ndarray
        Their values.
    transition_states : tuple of FunctionPoint
        In order along the path.
    highest_loss : float
        Highest value on the path; infinite where no verified steps join the ends.
    verified : bool
        Whether every step leads over a transition state of index 1 whose two descents end in its
        minima, or is flat.
    bands : int
        Number of bands that were tried.
    evaluations : Evaluations
    seconds : float
        Wall time.
    seed : int
    status : str
        One sentence.
    met : tuple of ndarray, shape (size,)
        Transition states that were found and followed down, and are not on the path, as some copy.
    width : int or None
        Number of the parameter's value, where the model is one over a parameter.
    """

    _told = ("model", "highest_loss", "barrier_from", "barrier_to", "verified", "status")

    model: str
    start: Array
    end: Array
    points: Array
    positions: Array
    losses: Array
    minima: tuple[Array, ...]
    minima_losses: Array
    transition_states: tuple[FunctionPoint, ...]
    highest_loss: float
    verified: bool
    bands: int
    evaluations: Evaluations
    seconds: float
    seed: int
    status: str
    met: tuple[Array, ...] = ()
    width: int | None = None

    @property
    def stage(self) -> int:
        """The rung that it lies on: a model alone has the one of its number of coordinates."""
        return len(self.start) if self.width is None else self.width

    def rows(self) -> list[dict[str, Any]]:
        """One row a transition state."""
        return [
            {
                "step": number,
                "loss": point.value,
                "index": point.index,
                "grad_norm": point.grad_norm,
                "smallest_eigenvalue": float(point.eigenvalues[0]),
            }
            for number, point in enumerate(self.transition_states, 1)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and texts, for JSON."""
        joined = np.isfinite(self.highest_loss)
        return {
            "model": self.model,
            "highest_loss": self.highest_loss if joined else None,
            "barrier_from": self.barrier_from if joined else None,
            "barrier_to": self.barrier_to if joined else None,
            "verified": self.verified,
            "status": self.status,
            "minima": [
                {"loss": float(loss), "coordinates": x.tolist()}
                for x, loss in zip(self.minima, self.minima_losses, strict=True)
            ],
            "transition_states": [
                {
                    "loss": point.value,
                    "index": point.index,
                    "grad_norm": point.grad_norm,
                    "eigenvalues": point.eigenvalues.tolist(),
                    "coordinates": point.x.tolist(),
                }
                for point in self.transition_states
            ],
            "bands": self.bands,
            "evaluations": self.evaluations.as_dict(),
            "seconds": self.seconds,
            "seed": self.seed,
            "profile": {"positions": self.positions.tolist(), "losses": self.losses.tolist()},
        }


def connect(
    model: SmoothModel,
    start: ArrayLike,
    end: ArrayLike,
    *,
    seed: int = 0,
    known: Sequence[ArrayLike] = (),
    graph: nx.MultiGraph[str] | None = None,
    progress: Progress | None = None,
    **more: Any,
) -> FunctionPath:
    """Join two labelled minima of a model by the lowest verified path that the budget finds.

    What is known beforehand is followed down again and holds for all copies by symmetry; the path
    is never higher than the lowest route over it.

    Parameters
    ----------
    model : SmoothModel
    start, end : array_like
        Minima, flat or as the model shows points; Newton's method is applied to them first.
    seed : int
        Root seed of the bands.
    known : sequence of array_like
        Transition states known beforehand, any of their copies.
    graph : networkx.MultiGraph, optional
        A landscape graph of the same model, whose transition states are known too.
    progress : Progress, optional
    **more
        Arguments for networks, which are refused.

    Raises
    ------
    InvalidArgument
        An argument cannot be used, or an end is no minimum.
    """
    began = perf_counter()
    refuse("connect", model, more)
    seed = checked_seed("connect", seed)
    first, last = _checked_ends(model, start, end)
    passes = _different(
        model,
        [
            given_point("known", "connect", model, value)
            for value in (*_passes_of(model, graph), *known)
        ],
    )
    counted = Counted(model.objective(first))
    joined = join(
        counted,
        first,
        last,
        _JOIN,
        setting=model.setting,
        rng=np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(model.stage,))),
        known=passes,
        copies=ModelCopies(model),
        progress=progress,
    )
    line, minima, states = [first], [first], []
    for step in joined.route:
        # Each step was found by itself, and may be turned against the one before.
        for x in step.points:
            line.append(model.shape.gauge.align(x, line[-1]))
        minima.append(line[-1])
        if step.transition is not None:
            states.append(model.strata.judge(line[step.top - len(step.points)]))
    verified = joined.status is JoinStatus.CONNECTED and bool(joined.route)
    if not verified:
        minima.append(last)
    kept = [line[0], *(x for x, y in zip(line[1:], line, strict=False) if np.any(x != y))]
    profile = resolve(counted, np.array(kept), tolerance=PROFILE)
    # Between points on a constraint the line leaves it.
    points = np.array([np.ravel(model.shaped(x)) for x in profile.points])
    leaves = np.any(points != profile.points)
    length, energy = model.length, model.energy
    highest = max([joined.highest, *(point.value for point in states)]) if verified else np.inf
    return FunctionPath(
        model=model.name,
        start=first * length,
        end=minima[-1] * length,
        points=points * length,
        positions=(arc_lengths(model, points) if leaves else profile.positions) * length,
        losses=profile.values * energy,
        minima=tuple(x * length for x in minima),
        minima_losses=np.array([float(counted.objective.value(x)) for x in minima]) * energy,
        transition_states=tuple(model.told(point) for point in states),
        highest_loss=float(highest) * energy,
        verified=verified,
        bands=len(joined.attempts),
        evaluations=counted.evaluations,
        seconds=perf_counter() - began,
        seed=seed,
        status=joined.status.value,
        met=_not_on(model, joined),
        width=model.width,
    )


def _checked_ends(model: SmoothModel, start: ArrayLike, end: ArrayLike) -> tuple[Array, Array]:
    """Two different minima that may be joined, the end as close to the start as gauge makes it."""
    ends = []
    for name, value in (("start", start), ("end", end)):
        point = model.strata.judge(given_point(name, "connect", model, value))
        if point.kind is Kind.SADDLE or point.grad_norm > point.grad_tolerance:
            reason = point.reason[0].lower() + point.reason[1:]
            raise InvalidArgument(
                f"The '{name}' argument of connect must be a minimum, but {reason}"
            )
        ends.append(point.x)
    if model.part_of(ends[0]) != model.part_of(ends[1]):
        raise InvalidArgument(
            "The 'start' and 'end' arguments of connect cannot be joined here. "
            + model.not_searched
        )
    first, last = ends[0], model.shape.gauge.align(ends[1], ends[0])
    if model.setting.relation(last, first) is not None:
        raise InvalidArgument(
            "The 'start' and 'end' arguments of connect must differ; they are one labelled minimum."
        )
    return first, last


def _not_on(model: SmoothModel, joined: Joined) -> tuple[Array, ...]:
    """Transition states that are not on the path, as the model shows them."""
    used = {step.transition for step in joined.route}
    passed = enumerate(joined.transitions)
    left = [model.shown_for(other.x) for number, other in passed if number not in used]
    return tuple(np.ravel(model.shaped(x)) * model.length for x in left)


def _different(model: SmoothModel, points: Sequence[Array]) -> list[Array]:
    """Points, one of all copies."""
    copies, objective = ModelCopies(model), model.objective(np.zeros(model.size))
    found: dict[int, Array] = {}
    for x in points:
        found.setdefault(copies.locate(x, float(objective.value(x)))[0], x)
    return list(found.values())


def _passes_of(model: SmoothModel, graph: nx.MultiGraph[str] | None) -> list[Array]:
    """Coordinates of the transition states of a graph."""
    if graph is None:
        return []
    told = graph.graph.get(MODEL)
    if told != model.title:
        raise InvalidArgument(
            f"The 'graph' argument of connect must be of the {model.title}; "
            f"got one of {told or 'networks'}."
        )
    edges = graph.edges(data=True)
    return [
        np.asarray(data["coordinates"])
        for first, _, data in edges
        if "coordinates" in data and graph.nodes[first].get("width") == model.width
    ]
