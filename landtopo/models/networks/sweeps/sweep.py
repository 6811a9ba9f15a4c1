"""`sweep`: the families of a landscape over a parameter of the teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landtopo.checks import checked_count, checked_instance, checked_jobs, checked_seed
from landtopo.journal import Forgetful, Journal
from landtopo.landscape.pool import Piece, Pool
from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.points.saddles import find_saddles
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.sweeps.curve import TeacherCurve
from landtopo.models.networks.sweeps.events import SweepEvent, event_of, joined
from landtopo.models.networks.sweeps.pieces import Known, Part, followed, trimmed
from landtopo.models.networks.symmetric.search import symmetry_search
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.progress import Progress, Silent
from landtopo.run import Run
from landtopo.shown import Brief, Table

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["SweepFamily", "SweepResult", "sweep"]

# Where in its part of the range each base lies: nowhere special.
_WITHIN = 0.38
_TRACKED = 1
_SAME_END = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFamily(Brief):
    """A family from one event to the next: its index is the same all along.

    Attributes
    ----------
    id : str
    low, high : float
        Where it is there.
    index : int
        0 for minima, 1 for passes; in inputs of infinite dimension.
    isotropy : str
    isotropy_order : int
    anti_aligned : int
        In its middle.
    values, losses, smallest : ndarray, shape (n,)
        Parameters, ascending, with the loss and the lowest eigenvalue.
    weights : ndarray, shape (n, K, D)
        In the coordinates of `TeacherCurve.vectors`.
    begins, ends : int or None
        The event at each end, by its number; None at the end of the range.
    why_begins, why_ends : str
        One sentence each.
    found_by : str
        What met its curve first.
    """

    id: str
    low: float
    high: float
    index: int
    isotropy: str
    isotropy_order: int
    anti_aligned: int
    values: Array = field(repr=False)
    losses: Array = field(repr=False)
    smallest: Array = field(repr=False)
    weights: Array = field(repr=False)
    begins: int | None
    ends: int | None
    why_begins: str
    why_ends: str
    found_by: str

    def loss(self, value: float) -> float:
        """The loss at a parameter, between those of the curve.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> round(found.families[0].loss(0.15), 5)
        0.05972
        """
        return float(np.interp(value, self.values, self.losses))


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult(Table):
    """Minima and passes over a range of the parameter, and what happens to them.

    Attributes
    ----------
    curve : TeacherCurve
    width : int
    families : tuple of SweepFamily
        Of index 0 and 1, by their first parameters.
    events : tuple of SweepEvent
        By their parameters.
    bases : tuple of float
        Where families were searched for.
    unsteady : int
        Points that were met at a base and belong to no isolated family; they were not followed.
    search : dict

    Examples
    --------
    >>> import landtopo as lt
    >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
    >>> len(found.families), len(found.events)
    (1, 0)
    """

    curve: TeacherCurve
    width: int
    families: tuple[SweepFamily, ...]
    events: tuple[SweepEvent, ...]
    bases: tuple[float, ...]
    unsteady: int
    search: dict[str, Any]

    _printed: ClassVar[tuple[str, ...]] = ("value", "low", "high", "kind", "before", "after")

    def at(self, value: float) -> tuple[SweepFamily, ...]:
        """The families that are there at a parameter.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> [family.index for family in found.at(0.15)]
        [0]
        """
        return tuple(one for one in self.families if one.low < value < one.high)

    def rows(self) -> list[dict[str, Any]]:
        """One row for each event.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4).rows()
        []
        """
        return [one.record() for one in self.events]

    def graph(self) -> nx.Graph[str]:
        """Families as nodes, two of which are joined where one event ends or begins both.

        Examples
        --------
        >>> import landtopo as lt
        >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
        >>> list(found.graph())
        ['s1']
        """
        import networkx as nx

        graph: nx.Graph[str] = nx.Graph()
        for one in self.families:
            graph.add_node(
                one.id, low=one.low, high=one.high, index=one.index, isotropy=one.isotropy
            )
        for number, event in enumerate(self.events):
            names = [*event.before, *event.after]
            for i, first in enumerate(names):
                for second in names[:i]:
                    graph.add_edge(first, second, event=number, value=event.value)
        return graph


def sweep(
    curve: TeacherCurve | str,
    width: int,
    *,
    bases: int = 5,
    starts: int = 100,
    seed: int = 0,
    jobs: int = 1,
    certified: bool = False,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Follow every minimum and every pass that is met over a range of teachers.

    At several bases minima and saddles of index 1 are searched for from random starts and, where
    the activation is ReLU, by symmetry. Each is followed both ways by arc length, with the exact
    Hessian, on the space that its symmetries fix. Where eigenvalues of a family of index 0 or 1
    change their sign, what branches off is looked for on both sides and followed, too; where a
    curve meets a more symmetric one, that is followed.

    Families that exist between two bases only, and branch off from none that is known, are missed.
    Points that are not isolated (with parallel or zero neurons) are not followed.

    Parameters
    ----------
    curve : TeacherCurve or str
        Such as ``equicorrelated:6:-0.19..0.95``; the teacher's vectors are independent. Slopes of
        leaky ReLU, and teachers of one's own, are curves of `TeacherCurve`.
    width : int
        Student neurons K.
    bases : int
        Parameters at which to search.
    starts : int
        Random starts of the searches at each.
    seed : int
        Root seed.
    jobs : int
        Number of processes.
    certified : bool
        Prove with interval arithmetic, which needs python-flint, what is there on both sides of
        every event.
    journal : Journal, optional
        Keeps finished pieces. Their keys name the curve.
    progress : Progress, optional

    Returns
    -------
    SweepResult

    Raises
    ------
    InvalidArgument
        If an argument cannot be used.

    Examples
    --------
    >>> import landtopo as lt
    >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=2, bases=1, starts=8)
    >>> [(family.index, round(family.low, 3)) for family in found.families][0]
    (0, 0.1)
    """
    if isinstance(curve, str):
        curve = TeacherCurve.from_spec(curve)
    checked_instance("curve", "sweep", curve, TeacherCurve)
    width = checked_count("width", "sweep", width, most=100)
    bases = checked_count("bases", "sweep", bases, most=1000)
    starts = checked_count("starts", "sweep", starts, most=1_000_000)
    seed = checked_seed("sweep", seed)
    jobs = checked_jobs("sweep", jobs)
    if certified:
        from landtopo.proofs.enclosures import require_flint

        require_flint()
    kept = journal or Forgetful()
    listener = progress or Silent()
    reach = curve.high - curve.low
    values = [curve.low + reach * (i + _WITHIN) / bases for i in range(bases)]
    pool = Pool(Run(jobs=jobs, journal=kept))
    known = Known(curve, width)
    unsteady = 0
    for value in values:
        points, loose = _met(curve, width, value, starts, seed, jobs, kept, listener)
        unsteady += loose
        fresh = [(w, value, by) for w, by in points]
        while fresh:
            wave = known.new(fresh)
            listener.begin(f"{curve.title}: curves from {value:.6g}", len(wave))
            results = pool.run(
                [
                    Piece(
                        name=f"sweep/{curve.title}/{width}",
                        function=followed,
                        arguments=(curve, weights, at, seed, _TRACKED),
                    )
                    for weights, at, _ in wave
                ],
                finished=listener.advance,
            )
            listener.end()
            fresh = []
            for (_, _, by), result in zip(wave, results, strict=True):
                if known.add(result, by):
                    fresh += [
                        (trimmed(w, curve.size), float(at), "a crossing")
                        for w, at in zip(result["next"], result["next_values"], strict=True)
                    ]
    families, events = _assembled(known, certified=certified)
    return SweepResult(
        curve=curve,
        width=width,
        families=families,
        events=events,
        bases=tuple(values),
        unsteady=unsteady,
        search={"starts": starts, "seed": seed, "curves": len(known.curves)},
    )


def _met(
    curve: TeacherCurve,
    width: int,
    value: float,
    starts: int,
    seed: int,
    jobs: int,
    journal: Journal,
    progress: Progress,
) -> tuple[list[tuple[Array, str]], int]:
    """Minima and saddles of index 1 at a parameter, and how many are not isolated."""
    problem = TeacherStudent(curve.teacher(value), width)
    here = _Prefixed(journal, f"sweep/{problem.teacher.title}")
    asked: dict[str, Any] = {"seed": seed, "jobs": jobs, "journal": here, "progress": progress}
    minima = find_minima(problem, starts=starts, **asked)
    symmetric: tuple[Any, ...] = ()
    if problem.is_plain:
        by_symmetry = symmetry_search(problem, starts=min(starts, 60), cycle_starts=0, **asked)
        symmetric = tuple(by_symmetry.points)
    known = [family.point for family in minima.families]
    saddles = find_saddles(
        problem, index=1, starts=starts, sources=("random", "soft modes"), known=known, **asked
    )
    found = [(one.point, one.effective_width, "random starts") for one in minima.families]
    found += [(one.point, one.effective_width, "symmetry") for one in symmetric]
    found += [(one.point, one.effective_width, "climbs") for one in saddles.families]
    points, loose = [], 0
    for point, effective, by in found:
        if point.kind is Kind.UNDECIDED or point.index > _TRACKED:
            continue
        if effective < width or point.nullity:
            loose += 1
            continue
        points.append((trimmed(point.weights, problem.rank), by))
    return points, loose


class _Prefixed:
    """A journal for one teacher of many: keys of searches do not name it."""

    def __init__(self, journal: Journal, prefix: str) -> None:
        self.journal = journal
        self.prefix = prefix

    def recall(self, key: str) -> Mapping[str, Any] | None:
        """What was remembered for this teacher."""
        return self.journal.recall(f"{self.prefix}/{key}")

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a piece for this teacher."""
        self.journal.remember(f"{self.prefix}/{key}", value)


def _assembled(
    known: Known, *, certified: bool
) -> tuple[tuple[SweepFamily, ...], tuple[SweepEvent, ...]]:
    """Curves cut at what happens to them, and events with the families on both sides."""
    parts = [
        (number, part)
        for number, one in enumerate(known.curves)
        for part in one.parts()
        if part.index <= _TRACKED
    ]
    parts.sort(key=lambda one: (one[1].values[0], one[1].index, one[1].losses[0], one[0]))
    parts = _different(known, parts)
    groups = joined(known, [part for _, part in parts])
    of_part: dict[tuple[int, int], int] = {}
    events: list[SweepEvent] = []
    names = [f"s{i}" for i in range(1, len(parts) + 1)]
    for group in groups:
        event = event_of(known, group, [part for _, part in parts], names, certified=certified)
        for place, side in group.ends:
            of_part[place, side] = len(events)
        events.append(event)
    families = []
    for place, (number, part) in enumerate(parts):
        curve = known.curves[number]
        middle = len(part.values) // 2
        problem = TeacherStudent(
            known.curve.teacher(float(part.values[middle])), part.weights.shape[1]
        )
        values = part.values.copy()
        for side in (0, 1):
            if (place, side) in of_part:
                # Where another curve is met it is that one which says where.
                values[-side] = events[of_part[place, side]].value
        families.append(
            SweepFamily(
                id=names[place],
                low=float(values[0]),
                high=float(values[-1]),
                index=part.index,
                isotropy=curve.isotropy,
                isotropy_order=curve.order,
                anti_aligned=read_point(problem, part.weights[middle]).anti_aligned,
                values=values,
                losses=part.losses,
                smallest=part.smallest,
                weights=part.weights,
                begins=of_part.get((place, 0)),
                ends=of_part.get((place, 1)),
                why_begins=part.why[0],
                why_ends=part.why[1],
                found_by=curve.found_by,
            )
        )
    return tuple(families), tuple(events)


def _different(known: Known, parts: list[tuple[int, Part]]) -> list[tuple[int, Part]]:
    """Without parts that are others seen in a mirror, where a curve goes back along itself."""
    kept: list[tuple[int, Part]] = []
    for number, part in parts:
        value = float(part.values[0] + part.values[-1]) / 2.0
        twin = any(
            number == other
            and np.allclose(part.values[[0, -1]], one.values[[0, -1]], rtol=0, atol=_SAME_END)
            and known.same(number, part, one, value)
            for other, one in kept
        )
        if not twin:
            kept.append((number, part))
    return kept
