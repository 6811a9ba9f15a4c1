"""The psi certificate: which directions for one more neuron lower the loss, and how steeply.

psi(u) = E[(f - f*) relu(u.x)], u a unit vector, is the one-sided slope of the loss for growing a
zero neuron in the direction u. With positive output weights the loss is convex in the
distribution of neurons, so a critical point is a global minimum of the infinitely wide problem if
and only if psi >= 0 on the whole sphere.

At a critical point of loss L two bounds hold without any search:

- psi >= -sqrt(L), by the Cauchy-Schwarz inequality with E[(f - f*)^2] = 2 L, E[relu(u.x)^2] = 1/2;
- min psi <= -2 L / sum_m |v_m|, because sum_m |v_m| psi(v_m / |v_m|) = sum_k psi(w_k) - 2 L, where
  psi(w_k) = w_k . dL/dw_k vanishes.

So psi >= 0 with a positive loss is a contradiction. The derivative of psi along the sphere is
E[(f - f*) 1[u.x > 0] h.x], again bounded by sqrt(L): psi changes by at most sqrt(L) times the
angle, which turns values on a covering of a low-dimensional sphere into a rigorous lower bound.
For leaky ReLU E[s(u.x)^2] is (1 + al^2) / 2, so that sqrt(1 + al^2) multiplies sqrt(L); output
weights b_m of the teacher are factors in the sum, so that the second bound needs positive ones.

psi depends on the part of u outside the coordinates that the network uses only through its length,
so the span of the network and one axis outside it are searched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.checks import (
    checked_count,
    checked_instance,
    checked_positive,
    checked_seed,
    checked_weights,
)
from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import is_zero_loss
from landtopo.models.networks.points.escapes import EscapeSearch, Frame
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.points.regions import count_regions
from landtopo.models.networks.points.slopes import SlopeField
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry.frame import symmetry_frame
from landtopo.objective import Array
from landtopo.points.coverage import Coverage, estimate_coverage
from landtopo.shown import Brief

__all__ = ["PsiCertificate", "psi_min"]

_CELLS = 20_000
_MOST_RANDOM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PsiCertificate(Brief):
    """The lowest slope for growing a zero neuron, and the landscape of slopes around it.

    Attributes
    ----------
    minimum : float
        Lowest psi found over unit directions; 0 at zero loss.
    lower_bound : float
        No direction has a lower psi than this: -sqrt(L), or better from a covering of the sphere.
    upper_bound : float
        -2 L / sum b_m |v_m|, which some direction reaches at a critical point; the largest value
        that psi can have where some b_m is negative.
    directions : ndarray, shape (n, r + e + 1) or (n, r + e)
        Unit vectors of the distinct local minima of psi with psi < 0, steepest first. The last
        column is the axis outside the coordinates in use; it is missing where dim leaves no room.
    slopes : ndarray, shape (n,)
        psi there.
    classes : ndarray of int, shape (n,)
        Which of them the isotropy group of the point carries into each other: the class of each.
    class_sizes : tuple of int
        Exact number of local minima in each class, those included that no descent met; outside
        the coordinates in use they count modulo rotations.
    regions : int
        Estimated number of separate regions of descent {psi < 0}: groups of local minima that no
        arc of negative psi was found to join; see `networks.points.regions`. It is too large where
        an arc was not found, and too small where a class of local minima was not.
    signs : ndarray of int, shape (K + M, 2)
        Sign of psi at every student's and teacher's direction, and at its negative. 0 means zero to
        rounding (always so at a critical point for the students themselves), and for zero neurons.
    loss : float
        Of the point.
    searched : int
        Number of descents of psi.
    coverage : Coverage
        What its uniform starts say of classes that were not met; see `networks.points.escapes`.
    verdict : str
        One sentence.
    """

    minimum: float
    lower_bound: float
    upper_bound: float
    directions: Array
    slopes: Array
    classes: NDArray[np.int64]
    class_sizes: tuple[int, ...]
    regions: int
    signs: NDArray[np.int64]
    loss: float
    searched: int
    coverage: Coverage
    verdict: str

    @property
    def representatives(self) -> Array:
        """The steepest direction met of each class, shape (c, r + e + 1) or (c, r + e)."""
        return self.directions[np.unique(self.classes, return_index=True)[1]]


def psi_min(
    problem: TeacherStudent,
    weights: ArrayLike,
    *,
    random: int = 512,
    coverage: float = 0.99,
    most: int = 4096,
    tolerance: float = 1e-10,
    seed: int = 0,
) -> PsiCertificate:
    """Look for all local minima of psi with psi < 0, and the lowest.

    Descents start from the lowest of: the directions of teachers and students, their negatives,
    sums and differences of (at most 2000) pairs, the axis outside, and uniform directions; and
    from all uniform ones, until these show that little of the sphere leads to something else.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K', r + E)
        A critical point. Any number of neurons is accepted, so that reduced networks can be given.
    random : int
        Number of uniform directions to begin with.
    coverage : float
        Part of the sphere that must lead to classes of local minima that were met, for sure at the
        level of 95 %, before the search ends.
    most : int
        Number of uniform directions at which it ends anyhow.
    tolerance : float
        Norm of psi's gradient along the sphere at its minima, relative to sqrt(L).
    seed : int
        Of the uniform directions; they are the same for every point.

    Returns
    -------
    PsiCertificate

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> round(lt.psi_min(problem, 0.5 * np.eye(2)).minimum, 6)
    -0.377705
    """
    checked_instance("problem", "psi_min", problem, TeacherStudent)
    function, outputs = problem.function, problem.teacher.strengths
    if function.degree != 1 or problem.outputs is not None:
        raise InvalidArgument(
            "The 'problem' argument of psi_min must have an activation with s(t x) = t s(x) for "
            "t > 0, and student output weights 1, where psi on the unit sphere says whether a "
            f"point is a global minimum; got {problem.told}."
        )
    slope: float = function.tag.slope
    given = checked_weights("psi_min", weights, problem.rank)
    random = checked_count("random", "psi_min", random, least=0, most=_MOST_RANDOM)
    seed = checked_seed("psi_min", seed)
    checked_positive("tolerance", "psi_min", tolerance)
    reduced = reduce_network(given, problem.rank, angle_tolerance=0.0, zero_tolerance=0.0)
    used = reduced.vectors if reduced.effective_width else given[:0, : problem.rank]
    room = problem.codimension is None or problem.codimension > reduced.outside
    students = np.hstack([used, np.zeros((len(used), int(room)))])
    columns = students.shape[1]
    loss = PopulationLoss(problem.with_width(max(len(used), 1)))
    value = float(loss.value(used if len(used) else np.zeros((1, problem.rank))))
    teachers, _ = loss.frame(columns)
    field = SlopeField(
        students,
        teachers,
        outputs=None if problem.teacher.outputs is None else outputs,
        slope=slope,
    )
    named = np.vstack([students, teachers])
    signs = _signs(field, named, reduced.assignment, len(used))
    scale = float(np.sqrt(max(value, 0.0) * (1.0 + slope**2)))
    positive = bool(outputs.min() > 0.0)
    upper = scale
    if positive:
        upper = -2.0 * value / float((problem.teacher.norms * outputs).sum())
    if is_zero_loss(value, given):
        return _everywhere_zero(value, columns, np.zeros_like(signs))
    landmarks = symmetry_frame(problem.teacher)
    frame = Frame(
        weights=np.pad(reduced.expand(used), ((0, 0), (0, int(room)))),
        landmarks=np.pad(landmarks, ((0, 0), (0, columns - problem.rank))),
        rank=problem.rank,
        room=room,
    )
    escapes = EscapeSearch(field, frame, scale, tolerance).run(coverage, most, random, seed)
    lowest = escapes.minimum
    return PsiCertificate(
        minimum=lowest,
        lower_bound=max(-scale, _covering_bound(field, columns, scale, lowest)),
        upper_bound=upper,
        directions=escapes.directions,
        slopes=escapes.slopes,
        classes=escapes.classes,
        class_sizes=escapes.sizes,
        regions=count_regions(field, frame, escapes, seed),
        signs=signs,
        loss=value,
        searched=escapes.followed,
        coverage=escapes.coverage,
        verdict=_verdict(lowest, positive),
    )


def _everywhere_zero(loss: float, columns: int, signs: NDArray[np.int64]) -> PsiCertificate:
    """The certificate of a point of zero loss."""
    return PsiCertificate(
        minimum=0.0,
        lower_bound=0.0,
        upper_bound=0.0,
        directions=np.empty((0, columns)),
        slopes=np.empty(0),
        classes=np.empty(0, dtype=np.int64),
        class_sizes=(),
        regions=0,
        signs=signs,
        loss=loss,
        searched=0,
        coverage=estimate_coverage([]),
        verdict="The loss is zero, so psi vanishes everywhere: a global minimum.",
    )


def _verdict(lowest: float, positive: bool) -> str:
    """What follows from the lowest value of psi, perhaps for a teacher of positive outputs."""
    if lowest < 0:
        return f"Not a global minimum: one more neuron lowers the loss with slope {lowest:.6g}."
    if not positive:
        return (
            "No direction with a negative slope was found: where there is none, the loss is the "
            "smallest that any number of neurons with these output weights can have."
        )
    return (
        "Contradiction: psi is nowhere negative at a positive loss, which no critical point "
        "can have; the point is not critical."
    )


def _signs(
    field: SlopeField, named: Array, assignment: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    units = named / np.linalg.norm(named, axis=1, keepdims=True)
    noise = 1e-11 * float(np.abs(field.strengths).sum())
    both = np.stack([field.values(units), field.values(-units)], axis=1)
    signs = np.where(np.abs(both) <= noise, 0, np.sign(both)).astype(np.int64)
    students = np.zeros((len(assignment), 2), dtype=np.int64)
    students[assignment >= 0] = signs[assignment[assignment >= 0]]
    return np.vstack([students, signs[count:]])


def _covering_bound(field: SlopeField, columns: int, scale: float, best: float) -> float:
    """Rigorous lower bound of psi from cells of a cube's surface that are halved; -inf if high.

    The projection from the surface of the cube [-1, 1]^D to the sphere makes no distance larger, so
    a cell of half width h lies within the angle h sqrt(D - 1) of its centre.
    """
    if columns > 4:
        return -np.inf
    if columns == 1:
        return best
    centres = []
    for axis in range(columns):
        for side in (-1.0, 1.0):
            centre = np.zeros(columns)
            centre[axis] = side
            centres.append(centre)
    cells = np.array(centres)
    curvature = 2.0 * float(np.abs(field.strengths).sum()) + scale
    half = 1.0
    lowest, left = -np.inf, best
    while len(cells) <= _CELLS:
        units = cells / np.linalg.norm(cells, axis=1, keepdims=True)
        values, gradients, _ = field.derivatives(units)
        radius = half * np.sqrt(columns - 1)
        slopes = np.linalg.norm(gradients, axis=1)
        lower = values - np.minimum(scale * radius, slopes * radius + 0.5 * curvature * radius**2)
        best = min(best, float(values.min()))
        open_cells = lower < best - 1e-9 * scale
        # What is left aside may still be lower than the best, by no more than that.
        left = min(left, best, float(lower[~open_cells].min(initial=best)))
        lowest = max(lowest, float(lower[open_cells].min(initial=left)))
        cells = cells[open_cells]
        if not len(cells):
            break
        half *= 0.5
        cells = _halved(cells, half)
    return lowest


def _halved(cells: Array, half: float) -> Array:
    """Every cell of a cube's surface cut in two along each of its D - 1 sides."""
    columns = cells.shape[1]
    moves = np.array(np.meshgrid(*[(-half, half)] * (columns - 1))).reshape(columns - 1, -1).T
    face = np.argmax(np.abs(cells), axis=1)
    sides = np.array([[i for i in range(columns) if i != axis] for axis in range(columns)])
    result = np.repeat(cells, len(moves), axis=0)
    rows = np.arange(len(result))[:, None]
    result[rows, np.repeat(sides[face], len(moves), axis=0)] += np.tile(moves, (len(cells), 1))
    return result
