"""`connect`: the lowest verified path between two labelled points of the network landscape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import (
    check_options,
    checked_array,
    checked_instance,
    checked_options,
    checked_seed,
)
from landtopo.errors import InvalidArgument
from landtopo.model import also_for_models
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.paths.alike import common_pair
from landtopo.models.networks.paths.assemble import path_record
from landtopo.models.networks.paths.copies import NetworkCopies
from landtopo.models.networks.paths.ends import align_outside, labelled_distance, pad
from landtopo.models.networks.paths.record import PathRecord
from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import GraphMark
from landtopo.models.networks.units import in_units, unit_of
from landtopo.objective import Array
from landtopo.paths.join import JoinOptions, join, look_between
from landtopo.paths.joined_copies import Link
from landtopo.points.evaluations import Counted
from landtopo.points.known import Known
from landtopo.points.polish import polish
from landtopo.points.records import Kind
from landtopo.progress import Progress
from landtopo.shown import Brief
from landtopo.units import rescaled

if TYPE_CHECKING:
    import networkx as nx
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

__all__ = ["ConnectOptions", "connect", "links_between"]

# |grad| of an end after Newton's method, in units of the teacher, that is more than rounding and
# what slow convergence on flat sets leaves.
_CRITICAL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions(Brief):
    """How a path between labelled points is searched for.

    Attributes
    ----------
    join : JoinOptions
    outside : int
        Largest number of directions outside the teacher's span that paths may use. Two leave room
        for a transition state in one of them to be told from one that would go lower still.
    noise : tuple of float
        Displacements of first guesses in turn, in units of the teacher's mean norm.
    profile_tolerance : float
        How much higher than its highest stored point the path may be anywhere, in units of the
        teacher (`landtopo.units`).

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.ConnectOptions(outside=1).outside
    1
    """

    join: JoinOptions = field(default_factory=JoinOptions)
    outside: int = 2
    noise: tuple[float, ...] = (0.3, 0.6, 0.15, 1.0)
    profile_tolerance: float = 1e-10

    def __post_init__(self) -> None:
        check_options(self)


@also_for_models("landtopo.models.connections:connect")
def connect(
    problem: TeacherStudent,
    start: ArrayLike,
    end: ArrayLike,
    *,
    seed: int = 0,
    options: ConnectOptions | None = None,
    known: Sequence[ArrayLike] = (),
    graph: nx.MultiGraph[str] | None = None,
    progress: Progress | None = None,
) -> PathRecord:
    """Join two labelled minima by the lowest verified path that the budget finds.

    The result does not depend on which of all equivalent pairs of labelled minima is asked for, nor
    on which of the two is the start: the search is done for one pair that stands for all of them,
    and what it finds is carried back. What is known beforehand is followed down again and holds for
    all copies; the path is never higher than the lowest route over it.

    Parameters
    ----------
    problem : TeacherStudent or Model
        For a model such as `function_model` makes, see `landtopo.models.connections.connect`.
    start, end : array_like, shape (K, D), r <= D <= r + E
        Minima; Newton's method is applied to them first.
    seed : int
        Root seed of the symmetry breaking.
    options : ConnectOptions, optional
    known : sequence of array_like, shape (K, D)
        Transition states and corners known beforehand, in any labelling.
    graph : networkx.MultiGraph, optional
        A landscape graph of the same teacher, whose transition states are known too.
    progress : Progress, optional

    Returns
    -------
    PathRecord
        Verified, or with what is missing.

    Raises
    ------
    InvalidArgument
        An argument cannot be used, or an end is no minimum.

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> path = lt.connect(problem, np.eye(2), np.eye(2)[::-1])
    >>> round(path.barrier, 6), path.verified
    (0.073613, True)
    """
    began = perf_counter()
    known = [*_passes_of(problem, graph), *known]
    search = _Search(problem, start, end, known, options, seed)
    with _linear_algebra().limit(limits=1, user_api="blas"):
        copies = NetworkCopies(search.setting)
        pair = common_pair(copies, search.counted, search.start, search.end)
        record = search.run(pair.start, pair.end, copies, progress)
        record = pair.back(record)
    return search.told(record, began)


def links_between(
    problem: TeacherStudent,
    start: ArrayLike,
    end: ArrayLike,
    *,
    seed: int,
    options: ConnectOptions,
    known: Sequence[ArrayLike] = (),
) -> tuple[float, tuple[Link, ...]]:
    """What is met while a way lower than those over known passes is looked for.

    For graphs, which want every verified connection that they do not have yet, and no path.

    Parameters
    ----------
    problem : TeacherStudent
        In units of the teacher.
    start, end, seed, options, known
        As of `connect`; the two are joined as they are labelled.

    Returns
    -------
    height : float
        Of the lowest route that is known by now; infinite if there is none.
    links : tuple of Link
        Connections over what is known are not among them.
    """
    search = _Search(problem, start, end, known, options, seed)
    with _linear_algebra().limit(limits=1, user_api="blas"):
        copies = NetworkCopies(search.setting)
        return look_between(
            search.counted,
            search.start.ravel(),
            search.end.ravel(),
            copies,
            search.options.join,
            setting=search.setting,
            rng=search.rng(),
            known=search.different(copies),
        )


class _Search:
    """The arguments of a connection, checked and in units of the teacher."""

    def __init__(
        self,
        problem: TeacherStudent,
        start: ArrayLike,
        end: ArrayLike,
        known: Sequence[ArrayLike],
        options: ConnectOptions | None,
        seed: int,
    ) -> None:
        self.options = checked_options("options", "connect", options, ConnectOptions)
        checked_instance("problem", "connect", problem, TeacherStudent)
        problem.require_labels("connect")
        self.seed = checked_seed("connect", seed)
        self.unit = unit_of(problem.teacher)
        first = _weights("start", problem, start) / self.unit
        last = _weights("end", problem, end) / self.unit
        others = [_weights("known", problem, point) / self.unit for point in known]
        self.problem = problem = in_units(problem)
        wide = max(w.shape[1] for w in (first, last, *others))
        columns = max(wide, problem.rank + min(self.options.outside, problem.extra))
        self.known = [pad(w, columns).ravel() for w in others]
        self.setting = NetworkSetting(PopulationLoss(problem), columns, noise=self.options.noise)
        self.counted = Counted(self.setting.objective)
        # Matrices of this size are handled fastest by one thread; more only wait for each other.
        with _linear_algebra().limit(limits=1, user_api="blas"):
            self.start, end = (_polished(self.counted, pad(w, columns)) for w in (first, last))
            self.end = align_outside(end, self.start, problem.rank)
            _check_ends(self.setting, self.start, self.end)

    def rng(self) -> np.random.Generator:
        """What breaks the symmetry of first guesses."""
        return np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(self.problem.width,))
        )

    def different(self, copies: NetworkCopies) -> list[Array]:
        """What is known beforehand, one of all copies."""
        met = Known(GraphMark)
        graphs = (copies.graph(self.setting.weights(x)) for x in self.known)
        placed = [met.place(graph)[1] for graph in graphs]
        return [x for x, element in zip(self.known, placed, strict=True) if element is None]

    def run(
        self, start: Array, end: Array, copies: NetworkCopies, progress: Progress | None
    ) -> PathRecord:
        """Join two points, in units of the teacher."""
        joined = join(
            self.counted,
            start.ravel(),
            end.ravel(),
            self.options.join,
            setting=self.setting,
            rng=self.rng(),
            known=self.different(copies),
            copies=copies,
            progress=progress,
        )
        return path_record(
            self.problem,
            self.setting,
            self.counted,
            joined,
            tolerance=self.options.profile_tolerance,
            seed=self.seed,
        )

    def told(self, record: PathRecord, began: float) -> PathRecord:
        """The record with what it cost, in the units of the problem that was given."""
        cost = self.counted.evaluations + self.setting.spent
        record = replace(record, evaluations=cost, seconds=perf_counter() - began)
        return rescaled(record, self.unit)


def _passes_of(problem: TeacherStudent, graph: nx.MultiGraph[str] | None) -> list[Array]:
    """Weights of the transition states and corners of a graph at the width of a problem."""
    if graph is None:
        return []
    checked_instance("problem", "connect", problem, TeacherStudent)
    vectors = np.asarray(graph.graph.get("vectors", problem.teacher.vectors), dtype=np.float64)
    own = problem.teacher.vectors
    dim = "infinite" if problem.dim is None else str(problem.dim)
    told = graph.graph.get("dim", dim)
    same = vectors.shape == own.shape and np.allclose(vectors, own, rtol=0, atol=1e-9 * own.max())
    if not same or told != dim:
        raise InvalidArgument(
            f"The 'graph' argument of connect must be of the problem's teacher and dimension, "
            f"{problem.teacher.name} and {dim}; got {graph.graph.get('teacher')} and {told}."
        )
    return [
        np.asarray(data["weights"], dtype=np.float64)
        for first, _, data in graph.edges(data=True)
        if graph.nodes[first].get("width") == problem.width
        and data.get("kind") in ("saddle", "corner")
        and "weights" in data
    ]


@cache
def _linear_algebra() -> ThreadpoolController:
    """The linear algebra libraries in use; finding them takes milliseconds, so it is done once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _weights(name: str, problem: TeacherStudent, value: ArrayLike) -> Array:
    low, high = problem.rank, problem.rank + problem.extra
    return checked_array(
        name,
        "connect",
        value,
        f"({problem.width}, {low} to {high})",
        lambda shape: len(shape) == 2 and shape[0] == problem.width and low <= shape[1] <= high,
    )


def _polished(objective: Counted, weights: Array) -> Array:
    """The end itself where the gradient vanishes already, else what Newton's method finds near."""
    _, gradient = objective.value_and_gradient(weights.ravel())
    if np.linalg.norm(gradient) <= 1e-12 or np.any(np.linalg.norm(weights, axis=1) == 0):
        return weights
    x, _ = polish(objective, weights.ravel())
    return np.asarray(x.reshape(weights.shape))


def _check_ends(setting: NetworkSetting, start: Array, end: Array) -> None:
    symmetry = setting.shared_symmetry(start.ravel(), end.ravel())
    ends = [("start", start), ("end", end)]
    if setting.relation(end.ravel(), start.ravel()) is not None:
        ends.pop()
    for name, weights in ends:
        x = weights.ravel()
        gradient = float(np.linalg.norm(setting.objective.value_and_gradient(x)[1]))
        if gradient > _CRITICAL:
            raise InvalidArgument(
                f"The '{name}' argument of connect must be a minimum, but Newton's method finds "
                f"none close to it: |grad| stays at {gradient:.1e}."
            )
        if setting.is_curved_up(x, symmetry):
            continue
        point = setting.classified(x)
        if point.kind is Kind.SADDLE:
            reason = point.reason[0].lower() + point.reason[1:]
            raise InvalidArgument(
                f"The '{name}' argument of connect must be a minimum, but {reason}"
            )
    if labelled_distance(start, end, setting.rank) <= setting.tolerance * setting.unit:
        raise InvalidArgument(
            "The 'start' and 'end' arguments of connect must differ; they are one labelled minimum."
        )
