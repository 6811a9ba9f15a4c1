"""`sweep`: the families of a landscape over a parameter of the teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landtopo.checks import checked_count, checked_instance, checked_jobs, checked_seed
from landtopo.journal import Forgetful, Journal, Prefixed
from landtopo.landscape.pool import Piece, Pool
from landtopo.models.networks.landscape.mirrors import mirrored_piece
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.saddles import find_saddles
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.sweeps.assembly import assembled
from landtopo.models.networks.sweeps.curve import TeacherCurve
from landtopo.models.networks.sweeps.events import TRACKED
from landtopo.models.networks.sweeps.pieces import Curves, followed, trimmed
from landtopo.models.networks.sweeps.proved import Approach, proved
from landtopo.models.networks.sweeps.result import SweepResult
from landtopo.models.networks.symmetric.search import symmetry_search
from landtopo.models.networks.symmetry import GraphMark, point_graph
from landtopo.objective import Array
from landtopo.points.known import Known
from landtopo.points.records import Kind
from landtopo.progress import Progress, Silent
from landtopo.run import Run

__all__ = ["sweep"]

# Where in its part of the range each base lies: nowhere special. From so many bases on, two are
# close to the ends of the range, for families that are there only.
_WITHIN = 0.38
_WITH_ENDS, _FROM_END = 4, 0.004
_MIRRORED = 64


def sweep(
    curve: TeacherCurve | str,
    width: int,
    *,
    bases: int = 8,
    starts: int = 100,
    seed: int = 0,
    jobs: int = 1,
    certified: bool | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Follow every minimum and every pass that is met over a range of teachers.

    At several bases, two of four or more close to the ends of the range, minima and saddles of
    index 1 are searched for from random starts and, where the activation is ReLU, from mirrored
    neurons and by symmetry. Each is followed both ways by arc length, with the exact Hessian, on
    the space that its symmetries fix. Where eigenvalues of a family of index 0 or 1 change their
    sign, what branches off is looked for on both sides and followed, too; where a curve meets a
    more symmetric one, that is followed.

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
    certified : bool, optional
        Prove with interval arithmetic, at both ends of the bracket of every event, that the points
        known there exist, alone in a box, with their indices. By default where python-flint is
        installed.
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
    proving = _is_proving(certified)
    kept = journal or Forgetful()
    listener = progress or Silent()
    reach = curve.high - curve.low
    values = [curve.low + reach * share for share in _shares(bases)]
    pool = Pool(Run(jobs=jobs, journal=kept))
    known = Curves(curve, width)
    unsteady = 0
    for value in values:
        points, loose = _met(curve, width, value, starts, seed, jobs, kept, listener)
        unsteady += loose
        _follow(known, [(w, value, by) for w, by in points], seed, pool, listener)

    def prover(begins: list[Approach]) -> list[Mapping[str, Any]]:
        name = f"sweep/{curve.title}/{width}/proof"
        pieces = [Piece(name=name, function=proved, arguments=(curve, one)) for one in begins]
        listener.begin(f"{curve.title}: proofs", len(pieces))
        told = pool.run(pieces, finished=listener.advance)
        listener.end()
        return told

    families, events = assembled(known, prover if proving else None)
    return SweepResult(
        curve=curve,
        width=width,
        families=families,
        events=events,
        bases=tuple(values),
        unsteady=unsteady,
        search={"starts": starts, "seed": seed, "curves": len(known.curves)},
    )


def _follow(
    known: Curves,
    fresh: list[tuple[Array, float, str]],
    seed: int,
    pool: Pool,
    progress: Progress,
) -> None:
    """Add the curves through points, and those that these lead to, wave by wave."""
    curve = known.curve
    while fresh:
        wave = known.new(fresh)
        progress.begin(f"{curve.title}: curves from {fresh[0][1]:.6g}", len(wave))
        results = pool.run(
            [
                Piece(
                    name=f"sweep/{curve.title}/{known.width}/curves",
                    function=followed,
                    arguments=(curve, weights, at, seed, TRACKED),
                )
                for weights, at, _ in wave
            ],
            finished=progress.advance,
        )
        progress.end()
        fresh = []
        for (_, _, by), result in zip(wave, results, strict=True):
            if known.add(result, by):
                fresh += [
                    (trimmed(w, curve.size), float(at), "a crossing")
                    for w, at in zip(result["next"], result["next_values"], strict=True)
                ]


def _shares(bases: int) -> list[float]:
    """Where the bases lie, from 0 to 1."""
    ends = 2 if bases >= _WITH_ENDS else 0
    inner = [(i + _WITHIN) / (bases - ends) for i in range(bases - ends)]
    return [_FROM_END, *inner, 1.0 - _FROM_END] if ends else inner


def _is_proving(asked: bool | None) -> bool:
    from landtopo.errors import LandtopoError
    from landtopo.proofs.enclosures import require_flint

    if asked is False:
        return False
    try:
        require_flint()
    except LandtopoError:
        if asked:
            raise
        return False
    return True


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
    here = Prefixed(journal, f"sweep/{problem.teacher.title}")
    asked: dict[str, Any] = {"seed": seed, "jobs": jobs, "journal": here, "progress": progress}
    minima = find_minima(problem, starts=starts, **asked)
    found = [(one.point, one.effective_width, "random starts") for one in minima.families]
    if problem.is_plain:
        symmetric = symmetry_search(problem, starts=min(starts, 60), cycle_starts=0, **asked)
        found += [(one.point, one.effective_width, "symmetry") for one in symmetric.points]
        if len(minima.families):
            lowest = minima.families[0].weights
            piece = mirrored_piece(problem, lowest, seed, _MIRRORED)
            (mirrored,) = Pool(Run(jobs=1, journal=here)).run([piece])
            ends = (classify(problem, weights) for weights in mirrored["ends"])
            found += [(one, len(one.weights), "mirrors") for one in ends]
    distinct = Known(GraphMark)
    known = [
        point
        for point, effective, _ in found
        if point.index == 0
        and effective == width
        and distinct.place(point_graph(problem.teacher, point.weights))[1] is None
    ]
    saddles = find_saddles(
        problem, index=1, starts=starts, sources=("random", "soft modes"), known=known, **asked
    )
    found += [(one.point, one.effective_width, "climbs") for one in saddles.families]
    points, loose = [], 0
    for point, effective, by in found:
        if point.kind is Kind.UNDECIDED or point.index > TRACKED:
            continue
        if effective < width or point.nullity:
            loose += 1
            continue
        points.append((trimmed(point.weights, problem.rank), by))
    return points, loose
