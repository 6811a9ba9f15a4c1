"""`symmetry_search`: critical points of every symmetry, and for each symmetry what there is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from landtopo.checks import checked_count, checked_instance, checked_jobs, checked_seed
from landtopo.journal import Forgetful, Journal
from landtopo.landscape.pool import Piece, Pool
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.families import group_weights
from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetric.classes import (
    SymmetryClass,
    block_classes,
    fixed_space,
    prime_classes,
)
from landtopo.models.networks.symmetric.solve import symmetric_ends
from landtopo.models.networks.symmetry import isotropy, point_graph
from landtopo.objective import Array
from landtopo.points.records import CriticalPoint, Kind, is_zero_loss
from landtopo.progress import Progress, Silent
from landtopo.run import Run
from landtopo.shown import Brief, Table
from landtopo.wording import counted

__all__ = ["SymmetricPoint", "SymmetryReport", "SymmetrySearch", "symmetry_search"]

_MOST_STARTS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SymmetricPoint(Brief):
    """A critical point that was met in the fixed space of a group.

    Attributes
    ----------
    point : CriticalPoint
        With the spectrum in d dimensions; the search is in the teacher's span.
    effective_width : int
        Neurons of the reduced network.
    anti_aligned : int
        Neurons with a negative overlap with their partner teacher vector.
    isotropy : str
        The group that leaves the point alone.
    isotropy_order : int
        Its order.
    met : int
        How many starts, of all classes, ended in it.
    """

    point: CriticalPoint
    effective_width: int
    anti_aligned: int
    isotropy: str
    isotropy_order: int
    met: int

    @property
    def loss(self) -> float:
        """Loss of the point."""
        return self.point.loss

    @property
    def smallest_eigenvalue(self) -> float:
        """In the span; of the spectrum without gauge."""
        return float(self.point.eigenvalues[0]) if len(self.point.eigenvalues) else float("nan")

    @property
    def weights(self) -> Array:
        """Weights of the point, shape (K, r)."""
        return self.point.weights


@dataclass(frozen=True, slots=True, kw_only=True)
class SymmetryReport(Brief):
    """What was found with the symmetry of one class of groups.

    Attributes
    ----------
    group : SymmetryClass
    unknowns : int
        Dimension of the fixed space.
    starts : int
        Those on the teacher, and random ones.
    outcomes : dict
        How many starts ended how.
    exact : tuple of int
        Points whose isotropy group is no larger, by their numbers; lowest index first.
    larger : tuple of int
        Points with more symmetry that were met on the way.
    sentence : str
        Minima; else saddles with their indices; else that none was found.
    """

    group: SymmetryClass
    unknowns: int
    starts: int
    outcomes: dict[str, int]
    exact: tuple[int, ...]
    larger: tuple[int, ...]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymmetrySearch(Table):
    """Critical points by their symmetry.

    Attributes
    ----------
    problem : TeacherStudent
    points : tuple of SymmetricPoint
        By increasing loss.
    classes : tuple of SymmetryReport
        Groups of few blocks first, then cycles of prime order.
    blocks : int
        Groups with up to so many blocks were all gone through.
    starts, cycle_starts : int
        Random ones for each of these, and for each class of cycles.
    seed : int

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), width=3)
    >>> found = lt.symmetry_search(problem, starts=12, cycle_starts=2)
    >>> [round(point.loss, 6) for point in found.minima], found.classes[0].group.name
    ([0.0], 'S_3')
    """

    problem: TeacherStudent
    points: tuple[SymmetricPoint, ...]
    classes: tuple[SymmetryReport, ...]
    blocks: int
    starts: int
    cycle_starts: int
    seed: int

    _printed: ClassVar[tuple[str, ...]] = ("group", "neurons", "unknowns", "starts", "found")

    @property
    def minima(self) -> tuple[SymmetricPoint, ...]:
        """The points that are minima in d dimensions."""
        return tuple(one for one in self.points if one.point.kind is Kind.MINIMUM)

    def rows(self) -> list[dict[str, Any]]:
        """One row for each class of groups.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> lt.symmetry_search(problem, starts=6).rows()[0]["neurons"]
        '2 (1+1 of block 1)'
        """
        return [
            {
                "group": one.group.name,
                "neurons": one.group.parts,
                "unknowns": one.unknowns,
                "starts": one.starts,
                "found": one.sentence,
            }
            for one in self.classes
        ]


def symmetry_search(
    problem: TeacherStudent,
    *,
    blocks: int = 3,
    starts: int = 60,
    cycle_starts: int = 12,
    seed: int = 0,
    jobs: int = 1,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> SymmetrySearch:
    """Look for critical points in the fixed spaces of all groups that can leave one alone.

    Groups of exchanges within one, two, .. `blocks` blocks of teacher vectors are all gone through,
    each with every action on the neurons; of other groups, elements of prime order, one of which
    leaves any symmetric point alone. In each fixed space Newton's method starts at random, towards
    minima and towards saddles. That every group was tried does not say that every point of each was
    met: the number of starts is told. Points have their neurons in the teacher's span.

    Parameters
    ----------
    problem : TeacherStudent
    blocks : int
        Most blocks.
    starts, cycle_starts : int
        Random ones for each class of blocks, and for each class of cycles of prime order. Before
        them the neurons that can follow teacher vectors start on these, or mirrored, in all ways.
    seed : int
        Root seed.
    jobs : int
        Number of processes.
    journal : Journal, optional
        Keeps every class that is finished.
    progress : Progress, optional

    Returns
    -------
    SymmetrySearch

    Raises
    ------
    InvalidArgument
        If an argument cannot be used.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> round(lt.symmetry_search(problem, starts=12).points[0].loss, 12)
    0.0
    """
    checked_instance("problem", "symmetry_search", problem, TeacherStudent)
    problem.require_relu("symmetry_search")
    blocks = checked_count("blocks", "symmetry_search", blocks)
    starts = checked_count("starts", "symmetry_search", starts, most=_MOST_STARTS)
    cycle_starts = checked_count(
        "cycle_starts", "symmetry_search", cycle_starts, least=0, most=_MOST_STARTS
    )
    seed = checked_seed("symmetry_search", seed)
    pool = Pool(Run(jobs=checked_jobs("symmetry_search", jobs), journal=journal or Forgetful()))
    listener = progress or Silent()
    groups = list(block_classes(problem, blocks))
    numbers = [starts] * len(groups)
    if cycle_starts:
        cycles = list(prime_classes(problem))
        groups += cycles
        numbers += [cycle_starts] * len(cycles)
    pieces = [
        Piece(
            name=f"fixed spaces/{problem.width}",
            function=symmetric_ends,
            arguments=(problem, group, seed, place, number),
        )
        for place, (group, number) in enumerate(zip(groups, numbers, strict=True))
    ]
    listener.begin(f"width {problem.width}: symmetries", len(pieces))
    results = pool.run(pieces, finished=listener.advance)
    listener.end()
    points, of_class = _points(problem, results)
    return SymmetrySearch(
        problem=problem,
        points=points,
        classes=tuple(
            _report(problem, group, result["outcomes"], points, met)
            for group, result, met in zip(groups, results, of_class, strict=True)
        ),
        blocks=blocks,
        starts=starts,
        cycle_starts=cycle_starts,
        seed=seed,
    )


def _points(
    problem: TeacherStudent, results: list[Any]
) -> tuple[tuple[SymmetricPoint, ...], list[set[int]]]:
    """The different points, by loss, and which of them each class met."""
    ends = [end for result in results for end in result["ends"]]
    times = [met for result in results for met in result["met"]]
    if not ends:
        return (), [set() for _ in results]
    labels = group_weights(problem, np.array(ends))
    first = np.unique(labels, return_index=True)[1]
    exact = [classify(problem, ends[place]) for place in first]
    # Classified points are exact, and classes that were apart only by that come together.
    together = group_weights(problem, np.array([point.weights for point in exact]))
    labels = together[labels]
    points = []
    for label, place in enumerate(np.unique(together, return_index=True)[1]):
        point = exact[place]
        labelled = isotropy(point_graph(problem.teacher, point.weights))
        reduced = reduce_network(point.weights, problem.rank, function=problem.function)
        reading = read_point(problem, point.weights, reduced=reduced)
        met = sum(n for n, one in zip(times, labels, strict=True) if one == label)
        points.append(
            SymmetricPoint(
                point=point,
                effective_width=reduced.effective_width,
                anti_aligned=reading.anti_aligned,
                isotropy=labelled.name,
                isotropy_order=labelled.order,
                met=met,
            )
        )
    order = sorted(range(len(points)), key=lambda i: (round(points[i].loss, 11), i))
    number = {old: new for new, old in enumerate(order)}
    of_class: list[set[int]] = []
    start = 0
    for result in results:
        end = start + len(result["ends"])
        of_class.append({number[int(label)] for label in labels[start:end]})
        start = end
    return tuple(points[old] for old in order), of_class


def _report(
    problem: TeacherStudent,
    group: SymmetryClass,
    outcomes: dict[str, int],
    points: tuple[SymmetricPoint, ...],
    met: set[int],
) -> SymmetryReport:
    def rank(number: int) -> tuple[int, int]:
        return points[number].point.index, number

    exact = sorted((n for n in met if points[n].isotropy_order <= group.order), key=rank)
    starts = sum(outcomes.values())
    return SymmetryReport(
        group=group,
        unknowns=fixed_space(problem, group).basis.shape[1],
        starts=starts,
        outcomes=dict(outcomes),
        exact=tuple(exact),
        larger=tuple(sorted(met - set(exact), key=rank)),
        sentence=_sentence([points[n] for n in exact], len(met) - len(exact), starts),
    )


def _sentence(found: list[SymmetricPoint], larger: int, starts: int) -> str:
    kinds = Counter(one.point.kind for one in found)
    told = []
    minima = [
        0.0 if is_zero_loss(one.loss, one.weights) else one.loss
        for one in found
        if one.point.kind is Kind.MINIMUM
    ]
    if minima:
        shown = ", ".join(f"{loss:.9g}" for loss in sorted(minima))
        told.append(f"{counted(len(minima), 'minimum', 'minima')} ({shown})")
    saddles = [one for one in found if one.point.kind is Kind.SADDLE]
    if saddles:
        low, high = saddles[0].point.index, saddles[-1].point.index
        span = f"index {low}" if low == high else f"indices {low} to {high}"
        told.append(
            f"{counted(len(saddles), 'saddle')} of {span}, the lowest index at "
            f"{saddles[0].loss:.9g} with {saddles[0].anti_aligned} anti-aligned"
        )
    if kinds[Kind.UNDECIDED]:
        told.append(f"{kinds[Kind.UNDECIDED]} undecided")
    if not told:
        tried = f"none found with {counted(starts, 'start')}"
        return f"{tried} but {larger} with more symmetry" if larger else tried
    return ("" if minima else "no minimum; ") + "; ".join(told)
