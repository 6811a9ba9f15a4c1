"""Corners: points at which one or more neurons are exactly zero.

The loss is not differentiable where a neuron is zero. Such a point is critical when the other
neurons are at a critical point of the narrower problem; what growing a zero neuron does to first
order is said by psi over all directions. If psi >= 0 the corner is a local minimum as far as the
zero neurons are concerned; if psi < 0 somewhere it is open, and the directions with psi < 0 fall
into separate regions of descent. A path that shrinks a neuron to zero in one region and lets it
grow again in another passes the corner; its loss is then the height of the pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_count, checked_instance, checked_jobs, checked_seed
from landtopo.errors import InvalidArgument
from landtopo.journal import Journal
from landtopo.models.networks.points.certificate import PsiCertificate, psi_min
from landtopo.models.networks.points.classify import classify, is_zero_loss
from landtopo.models.networks.problem import TeacherStudent
from landtopo.points.coverage import Coverage
from landtopo.points.records import CriticalPoint, Family
from landtopo.progress import Progress
from landtopo.shown import Brief, Table

__all__ = ["Corner", "CornerResult", "CornerVerdict", "find_corners", "read_corner"]


class CornerVerdict(StrEnum):
    """What a corner is, as a sentence."""

    MINIMUM = "A local minimum: no direction for a zero neuron lowers the loss."
    OPEN = "Open: a zero neuron can grow in a direction that lowers the loss."
    SADDLE = "A saddle of the other neurons, whatever the zero neurons do."
    CONTRADICTION = "Contradiction: psi is nowhere negative, yet the loss is positive."
    NOT_CRITICAL = "Not critical: the gradient of the other neurons does not vanish."


@dataclass(frozen=True, slots=True, kw_only=True)
class Corner(Brief):
    """A point with zero neurons.

    Attributes
    ----------
    point : CriticalPoint
        Its spectrum is that of the neurons that are not zero.
    zero_neurons : int
        How many neurons are zero.
    psi : PsiCertificate
        Lowest psi, its local minima, an estimate of the number of regions of descent, signs of psi
        at the directions of students and teachers.
    verdict : CornerVerdict
    """

    point: CriticalPoint
    zero_neurons: int
    psi: PsiCertificate
    verdict: CornerVerdict

    @property
    def loss(self) -> float:
        """Loss of the corner: the height of a pass through it."""
        return self.point.loss

    @property
    def regions(self) -> int:
        """Estimated number of separate regions of descent; see `PsiCertificate`."""
        return self.psi.regions

    def record(self) -> dict[str, Any]:
        """The corner as plain JSON values."""
        return {
            "loss": self.loss,
            "zero_neurons": self.zero_neurons,
            "index": self.point.index,
            "nullity": self.point.nullity,
            "grad_norm": self.point.grad_norm,
            "psi_min": self.psi.minimum,
            "psi_lower_bound": self.psi.lower_bound,
            "psi_signs": self.psi.signs.tolist(),
            "steepest": self.psi.directions[0].tolist() if len(self.psi.directions) else None,
            "regions": self.regions,
            "verdict": self.verdict.name.lower(),
            "reason": str(self.verdict),
            "weights": self.point.weights.tolist(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CornerResult(Table):
    """Corners of a problem, from the critical points of the narrower ones.

    Attributes
    ----------
    problem : TeacherStudent
    corners : tuple of Corner
        By the number of zero neurons, then by loss.
    families : tuple of Family
        Family of each corner, at the width of the neurons that are not zero; for the corner at
        which all neurons are zero, None stands in its place.
    coverage : dict of int to Coverage
        How sure the list of critical points is, for each width below K that was searched.
    """

    problem: TeacherStudent
    corners: tuple[Corner, ...]
    families: tuple[Family | None, ...]
    coverage: dict[int, Coverage]

    def rows(self) -> list[dict[str, Any]]:
        """One row a corner: its evidence and its verdict."""
        told = ("loss", "zero_neurons", "index", "psi_min", "regions", "verdict")
        return [{name: corner.record()[name] for name in told} for corner in self.corners]


def read_corner(
    problem: TeacherStudent, weights: ArrayLike, *, grad_tolerance: float = 1e-12
) -> Corner:
    """What a point with zero neurons is.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, r + E)
        A point with at least one zero neuron.
    grad_tolerance : float
        Largest |grad| of the neurons that are not zero, in units of the teacher.

    Returns
    -------
    Corner
    """
    checked_instance("problem", "read_corner", problem, TeacherStudent).require_relu("read_corner")
    point = classify(problem, weights, grad_tolerance=grad_tolerance)
    if not point.zero_neurons:
        raise InvalidArgument(
            "The 'weights' argument of read_corner must have a zero neuron; the shortest one has "
            f"norm {np.linalg.norm(np.asarray(weights), axis=1).min():.3g}."
        )
    psi = psi_min(problem, point.weights)
    if point.grad_norm > point.grad_tolerance:
        verdict = CornerVerdict.NOT_CRITICAL
    elif is_zero_loss(point.loss, point.weights):
        verdict = CornerVerdict.MINIMUM
    elif point.index:
        verdict = CornerVerdict.SADDLE
    elif psi.minimum < 0:
        verdict = CornerVerdict.OPEN
    else:
        verdict = CornerVerdict.CONTRADICTION
    return Corner(point=point, zero_neurons=point.zero_neurons, psi=psi, verdict=verdict)


def find_corners(
    problem: TeacherStudent,
    *,
    zero_neurons: int | None = None,
    index: int = 0,
    starts: int = 200,
    seed: int = 0,
    jobs: int = 1,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> CornerResult:
    """Corners of a problem: critical points of narrower students, with zero neurons added.

    Parameters
    ----------
    problem : TeacherStudent
    zero_neurons : int, optional
        Number of zero neurons; by default every number from 1 to K.
    index : int
        Largest index of the other neurons' critical point: 0 for minima, 1 for transition states
        as well.
    starts, seed, jobs, journal, progress
        Of the searches at the narrower widths; see `find_minima` and `find_saddles`.

    Returns
    -------
    CornerResult

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> found = lt.find_corners(problem, starts=20)
    >>> [(corner.zero_neurons, round(corner.loss, 6)) for corner in found.corners]
    [(1, 0.088512), (2, 0.659155)]
    """
    from landtopo.models.networks.points.saddles import find_saddles
    from landtopo.models.networks.points.search import find_minima

    checked_instance("problem", "find_corners", problem, TeacherStudent)
    problem.require_relu("find_corners")
    if zero_neurons is not None:
        zero_neurons = checked_count(
            "zero_neurons", "find_corners", zero_neurons, most=problem.width
        )
    index = checked_count(
        "index", "find_corners", index, least=0, most=problem.width * (problem.rank + problem.extra)
    )
    starts = checked_count("starts", "find_corners", starts)
    seed = checked_seed("find_corners", seed)
    jobs = checked_jobs("find_corners", jobs)
    corners: list[Corner] = []
    families: list[Family | None] = []
    coverage: dict[int, Coverage] = {}
    counts = range(1, problem.width + 1) if zero_neurons is None else [zero_neurons]
    for zeros in counts:
        width = problem.width - zeros
        if not width:
            corners.append(read_corner(problem, np.zeros((problem.width, problem.rank))))
            families.append(None)
            continue
        narrow = problem.with_width(width)
        minima = find_minima(
            narrow, starts=starts, seed=seed, jobs=jobs, journal=journal, progress=progress
        )
        coverage[width] = minima.coverage
        found = list(minima.families)
        for order in range(1, index + 1):
            saddles = find_saddles(
                narrow,
                index=order,
                starts=starts,
                seed=seed,
                jobs=jobs,
                known=[family.point for family in minima.families],
                journal=journal,
                progress=progress,
            )
            found.extend(saddles.families)
        # Points that have zero neurons themselves are corners of a narrower width.
        whole = [family for family in found if not family.point.zero_neurons]
        for family in sorted(whole, key=lambda each: each.loss):
            weights = family.weights
            padded = np.vstack([weights, np.zeros((zeros, weights.shape[1]))])
            corners.append(read_corner(problem, padded))
            families.append(family)
    return CornerResult(
        problem=problem, corners=tuple(corners), families=tuple(families), coverage=coverage
    )
