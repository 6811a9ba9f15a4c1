"""What a critical point is: its spectrum in d dimensions, and the verdict that follows.

The spectrum is taken of the reduced network, where neurons are neither zero nor parallel, after
Newton's method has brought the gradient to the floor of rounding. What parallel student neurons add
is exact. Let w_i = c_i u be the parts of the reduced neuron u, and move them by c_i x + y_i with
sum y_i = 0. Then the second-order change of the loss is that of the reduced network under the
moves x, plus sum_i y_i^T P y_i / c_i, with

    P = H'_uu - I/2 on the coordinates used,    A'_uu - 1/2 on every unused direction,

H' and A' being the reduced network's Hessian and normal block. (The mixed block of two parallel
students is I/2 and the diagonal one is I/2 + P / c_i.) For any s of degree h, with
sum c_i^h = 1, it is c_i^(h-2) in the place of 1 / c_i, and E[s'(u.x)^2] across u in the place of
1/2. So the index gains n - 1 for every negative eigenvalue of P, and the nullity n - 1 for every
zero one; P u = 0 is the flat direction in which the shares change. By Sylvester's law none of this
depends on the shares. Where P has other zero eigenvalues the third order decides, see
third_order.py.

Zero neurons have no second derivative. At positive loss some direction for growing one always
lowers the loss: the gradient being zero, sum_m |v_m| psi(v_m / |v_m|) = -2 L. That holds for every
homogeneous s and positive output weights b_m (as factors in the sum), and not for negative ones.

Where s is not homogeneous, no neuron is dropped or merged, and the spectrum says it all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_instance, checked_positive, checked_weights
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.cancelling import zeros_of
from landtopo.models.networks.points.curvature import (
    DENSE,
    Curvature,
    curvature_at,
    eigenvalues_without_gauge,
)
from landtopo.models.networks.points.reduced import Reduced, reduce_network
from landtopo.models.networks.points.third_order import ThirdOrder, split_third_order
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.units import unit_of
from landtopo.objective import Array
from landtopo.points.records import CriticalPoint, Kind, is_zero_loss
from landtopo.symmetry.shared import Shared

__all__ = ["Reduced", "classify", "is_zero_loss", "reduce_network", "verdict"]

# (angle, zero) tolerances tried in turn. A point that is critical only with the wider ones was
# stopped early, or lies where nothing but a high power of the angle between neurons tells them from
# parallel ones: Newton's method decides whether the smaller network has a critical point there. The
# last pair merges exact copies only.
_TOLERANCES = ((1e-5, 1e-7), (1e-3, 1e-5), (3e-2, 1e-2), (0.0, 0.0))
_SOFT = 1e-6
_WELL_KNOWN = 1e-9
_SAME_LOSS = 1e-14
# Neurons closer than this may be equal where the loss grows in fourth order between them: by less
# than the fourth power of it.
_ALIKE = 1e-3
_SAME_FOURTH = 1e-12
_STEPS = 4
# Newton steps, relative to the weights, after which nothing is left but rounding.
_CLOSE = 1e-9
_EPSILON = float(np.finfo(np.float64).eps)


def classify(
    problem: TeacherStudent,
    weights: ArrayLike,
    *,
    grad_tolerance: float = 1e-12,
    region: float = 1e-2,
    symmetry: Shared | None = None,
) -> CriticalPoint:
    """Spectrum and verdict of the critical point at given weights, or as near as Newton finds it.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, r + E)
        A point that should be critical. Zero neurons, parallel neurons and unused columns are
        recognised (`reduce_network`) and made exact.
    grad_tolerance : float
        Largest |grad| of a critical point, in units of the teacher (`networks.units.unit_of`).
    region : float
        How far Newton's method may move the point, relative to the norm of the weights.
    symmetry : Shared, optional
        Symmetries that the point is known to have. They change nothing but the time it takes.

    Returns
    -------
    CriticalPoint
        With the corrected weights. Verdicts: *saddle* when an eigenvalue is negative beyond its
        error or a zero neuron has a way down; *minimum* when the loss is zero, or when no
        eigenvalue is negative and the only zero ones belong to exact splits; *undecided*, with the
        reason, otherwise. Above `networks.points.curvature.DENSE` coordinates the eigenvalues are
        the lowest ones of the reduced network; all that are not positive are among them.

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> point = lt.classify(problem, np.eye(2))
    >>> str(point.kind), point.index
    ('minimum', 0)
    """
    checked_instance("problem", "classify", problem, TeacherStudent)
    problem.require_ones("classify")
    given = checked_weights("classify", weights, problem.rank, width=problem.width)
    checked_positive("grad_tolerance", "classify", grad_tolerance)
    checked_positive("region", "classify", region)
    grad_tolerance *= unit_of(problem.teacher)
    scale = float(problem.teacher.norms.max())
    limit = region * max(float(np.linalg.norm(given)), scale)
    lossless = is_zero_loss(float(PopulationLoss(problem).value(given)), given)
    solved: _Solved | None = None
    function = problem.function
    tolerances = _TOLERANCES if function.merges and not function.mixes else _TOLERANCES[-1:]
    for angle, zero in tolerances:
        if solved is not None and solved.gradient <= grad_tolerance and not solved.is_soft:
            break
        reduced = reduce_network(
            given,
            problem.rank,
            angle_tolerance=angle,
            zero_tolerance=zero,
            scale=scale,
            function=function,
        )
        if reduced.residual > limit:
            continue
        codimension = problem.codimension
        if codimension is not None and reduced.outside > codimension:
            raise InvalidArgument(
                "The 'weights' argument of classify uses "
                f"{problem.rank + reduced.outside} dimensions, but dim is {problem.dim}."
            )
        if not reduced.effective_width:
            return _classify_nothing(problem, grad_tolerance)
        attempt = _Solved.near(problem, reduced, limit, symmetry)
        # Near teachers that are almost parallel a smaller network is nearly as good, and a saddle.
        if lossless and angle and not attempt.is_lossless:
            continue
        if solved is None or solved.is_replaced_by(attempt, grad_tolerance, scale):
            solved = attempt
            lossless = lossless or solved.is_lossless
    assert solved is not None
    if not function.merges and solved.is_soft:
        solved = _settled(problem, solved, limit, grad_tolerance, scale)
    return _judge(problem, solved, grad_tolerance)


def _settled(
    problem: TeacherStudent, solved: _Solved, limit: float, grad_tolerance: float, scale: float
) -> _Solved:
    """The point with equal neurons made equal, where the loss tells them apart in fourth order.

    Of a smooth s, n copies of one neuron can be a critical point along whose differences the
    curvature vanishes: there Newton's method creeps, and |grad| <= 1e-12 leaves neurons 1e-4 apart.
    Its steps are taken here in the stiff directions alone, neurons that are alike together.
    """
    u, rank = solved.vectors, problem.rank
    left, singular, right = np.linalg.svd(u[:, rank:], full_matrices=False)
    kept = np.where(singular > _ALIKE * scale, singular, 0.0)
    inside = reduce_network(
        np.hstack([u[:, :rank], (left * kept) @ right]), rank, function=problem.function
    ).vectors
    alike = np.linalg.norm(inside[:, None] - inside[None], axis=2) <= _ALIKE * scale
    mean = alike / alike.sum(axis=1, keepdims=True)
    x = mean @ inside
    if x.shape == u.shape and not np.any(x - u):
        return solved
    objective = WeightObjective(PopulationLoss(problem), columns=x.shape[1])
    for _ in range(_STEPS):
        gradient = mean @ objective.value_and_gradient(x.ravel())[1].reshape(x.shape)
        values, axes = eigh(objective.hessian(x.ravel()))
        stiff = np.abs(values) > _SOFT * np.abs(values).max()
        step = axes[:, stiff] @ ((axes[:, stiff].T @ gradient.ravel()) / values[stiff])
        x = mean @ (x - step.reshape(x.shape))
    distance = np.linalg.norm(x @ x.T - u @ u.T) / float(np.linalg.norm(u))
    if distance > limit:
        return solved
    reduced = reduce_network(x, rank, scale=scale, function=problem.function)
    attempt = _Solved.near(problem, replace(reduced, residual=0.0), 0.0, None)
    same = abs(attempt.loss - solved.loss) <= _SAME_FOURTH * scale**2
    return attempt if same and attempt.gradient <= grad_tolerance else solved


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solved:
    """A reduced network after Newton's method, with its second derivatives."""

    reduced: Reduced
    vectors: Array
    loss: float
    gradient: float
    curvature: Curvature
    normal: Array
    values: Array
    error: float

    @property
    def is_soft(self) -> bool:
        """Whether some curvature is so small that parallel neurons may be the reason."""
        return bool(np.abs(self.values).min(initial=np.inf) < _SOFT)

    @property
    def is_lossless(self) -> bool:
        """Whether the loss is zero."""
        return is_zero_loss(self.loss, self.vectors)

    def is_replaced_by(self, other: _Solved, grad_tolerance: float, scale: float) -> bool:
        """Whether another reduction of the same point describes it better."""
        if self.gradient > grad_tolerance:
            return other.gradient < self.gradient
        return (
            other.reduced.effective_width < self.reduced.effective_width
            and other.gradient <= grad_tolerance
            and abs(other.loss - self.loss) <= _SAME_LOSS * scale**2
        )

    @classmethod
    def near(
        cls,
        problem: TeacherStudent,
        reduced: Reduced,
        limit: float,
        symmetry: Shared | None,
    ) -> _Solved:
        """Solve grad = 0 from the reduced network's vectors."""
        if reduced.effective_width < problem.width or reduced.outside:
            symmetry = None
        loss = PopulationLoss(problem.with_width(reduced.effective_width))
        u = np.array(reduced.vectors)
        start = u
        gradient = _gradient(loss, u)
        norm = float(np.linalg.norm(gradient))
        size = float(np.linalg.norm(u))
        limit += reduced.residual
        kinks = problem.function.kinks
        shortest = 1e-7 * float(np.linalg.norm(u, axis=1).max()) if kinks else -1.0
        curvature = curvature_at(loss, u, symmetry=symmetry)
        step = curvature.step(gradient.ravel()).reshape(u.shape)
        for _ in range(20):
            moved = float(np.linalg.norm(step))
            if moved <= 2.0 * _EPSILON * size or not np.linalg.norm(u + step - start) <= limit:
                break
            # Newton's method is of no use on its way to a zero neuron, which has to be dropped.
            if np.linalg.norm(u + step, axis=1).min() <= shortest:
                break
            new = _gradient(loss, u + step)
            better = np.linalg.norm(new) < 0.5 * norm
            # Rounding of the stiff directions hides what is left of the gradient in soft ones;
            # there the next step tells whether this one has been right.
            if not better and np.linalg.norm(new) > 16.0 * _EPSILON * size:
                break
            there = curvature_at(loss, u + step, symmetry=symmetry)
            # The Hessian of a point so close serves as well, and is factorised already.
            near = curvature if moved <= _CLOSE * size else there
            next_step = near.step(new.ravel()).reshape(u.shape)
            if not better and not np.linalg.norm(next_step) < 0.5 * moved:
                break
            u, gradient, norm = u + step, new, float(np.linalg.norm(new))
            curvature, step = there, next_step
        moved = float(np.linalg.norm(step))
        values, largest = curvature.eigenvalues()
        lengths = np.linalg.norm(u, axis=1)
        total = float(lengths.sum() + problem.teacher.norms.sum())
        # Rounding of the eigenvalues and of their entries (own terms are divided by |w_k|), and
        # the change of the Hessian over the distance to the exact critical point: third
        # derivatives are sums of terms |x_j| / (2 pi |w_k|^2) of order one.
        if kinks:
            rounding = 4.0 * np.sqrt(u.size) * largest + 4.0 * total / float(lengths.min())
            third = total / (2.0 * float(lengths.min()) ** 2)
        else:
            # Of a smooth s, sums of products of derivatives of order one.
            rounding = 8.0 * np.sqrt(u.size) * (largest + total)
            third = 8.0 * (largest + total)
        error = _EPSILON + problem.function.error
        rounding, drift = error * rounding, min(moved, limit) * third
        return cls(
            reduced=reduced,
            vectors=u,
            loss=float(loss.value(u)),
            gradient=norm,
            curvature=curvature,
            normal=loss.normal_block(u),
            values=values,
            error=rounding + drift,
        )


def _gradient(loss: PopulationLoss, weights: Array) -> Array:
    """The gradient, with all its digits where that does not take seconds.

    What the sum of many terms loses in double precision is far below the tolerances used here, and
    matters only for the softest directions.
    """
    if weights.size <= DENSE:
        return loss.gradient(weights)
    objective = WeightObjective(loss, width=len(weights), columns=weights.shape[1])
    return objective.value_and_gradient(weights.ravel())[1].reshape(weights.shape)


def _eigenvalues(symmetric: Array) -> Array:
    return np.asarray(np.linalg.eigvalsh(symmetric), dtype=np.float64)


def _complement(columns: Array) -> Array:
    """Orthonormal basis of the complement of linearly independent columns, as columns."""
    count = columns.shape[1]
    if count == 0:
        return np.eye(len(columns))
    return np.linalg.qr(columns, mode="complete")[0][:, count:]


def _judge(problem: TeacherStudent, solved: _Solved, grad_tolerance: float) -> CriticalPoint:
    reduced = solved.reduced
    u, rank = solved.vectors, problem.rank
    outside = u.shape[1] - rank
    weights = reduced.expand(u)
    loss = PopulationLoss(problem)
    if reduced.effective_width == problem.width:
        value, gradient = solved.loss, solved.gradient
    else:
        value = float(loss.value(weights))
        gradient = float(np.linalg.norm(_gradient(loss, weights)))
    unused = (problem.width if problem.codimension is None else problem.codimension) - outside
    tolerance = solved.error
    # Every eigenvalue that decides, and how often it counts, in the span or in the normal block.
    normal = solved.normal
    basis = _complement(u[:, rank:])
    decisive = [
        (solved.values, 1, "in"),
        (_eigenvalues(basis.T @ normal @ basis), 1, "out"),
    ]
    split = [_split(problem, solved, j, unused) for j in np.flatnonzero(reduced.sizes > 1).tolist()]
    for one in split:
        decisive += [(one.values, one.count, "in"), (one.normal, one.count, "out")]
    flat = sum(one.count for one in split)
    # The full spectra cannot say it: in them a small share multiplies rounding beyond tolerance.
    index = {
        where: sum(
            int(np.sum(values < -tolerance)) * times for values, times, w in decisive if w == where
        )
        for where in ("in", "out")
    }
    weight = {"in": 1, "out": unused}
    counted = [(values, times * weight[where]) for values, times, where in decisive]
    zero_counts = [int(np.sum(np.abs(values) <= tolerance)) * times for values, times in counted]
    zeros, explained = sum(zero_counts), sum(zero_counts[2:])
    index_in_d = index["in"] + unused * index["out"]
    sizes = np.concatenate([np.abs(values) for values, times in counted if times])
    small = sizes[sizes <= tolerance]
    lowest = float(small.max(initial=0.0)) or tolerance
    large = sizes[sizes > tolerance]
    gap = float(large.min()) / lowest if large.size else 0.0
    pieces = {one.neuron: one.piece for one in split}
    eigenvalues, normal_eigenvalues = _full_spectra(solved, loss, weights, pieces, decisive[1][0])
    loose = {one.neuron: one.loose for one in split if one.loose is not None}
    kind, reason = verdict(
        zero_loss=is_zero_loss(value, weights),
        critical=gradient <= grad_tolerance,
        index=index_in_d,
        zero_neurons=reduced.zero_neurons,
        grows=problem.teacher.outputs is None or min(problem.teacher.outputs) > 0.0,
        zeros=zeros,
        flat=flat,
        third=_third_order(problem, solved, loose) if zeros == explained else ThirdOrder.OPEN,
    )
    return CriticalPoint(
        weights=_read_only(weights),
        loss=value,
        grad_norm=gradient,
        eigenvalues=_read_only(eigenvalues),
        normal_eigenvalues=_read_only(normal_eigenvalues),
        normal_multiplicity=unused,
        gauge=len(solved.curvature.gauge) + outside * unused,
        gap=gap,
        index_in_span=index["in"],
        index_normal=index["out"],
        index=index_in_d,
        nullity=zeros + flat,
        zero_neurons=reduced.zero_neurons if problem.function.kinks else len(zeros_of(problem, u)),
        grad_tolerance=grad_tolerance,
        zero_tolerance=tolerance,
        kind=kind,
        reason=reason,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loose:
    """Moves between the parts of a split neuron along which the curvature vanishes."""

    null: Array
    outside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """What decides between the parts of a neuron that the student splits.

    Attributes
    ----------
    neuron : int
        Its number in the reduced network.
    count : int
        Number of parts after the first.
    values, normal : ndarray
        Eigenvalues for moving parts against each other, in the span and outside.
    piece : ndarray, shape (D, D)
        What they are eigenvalues of, without what is zero.
    loose : _Loose or None
        Where some are zero.
    """

    neuron: int
    count: int
    values: Array
    normal: Array
    piece: Array
    loose: _Loose | None


def _split(problem: TeacherStudent, solved: _Solved, neuron: int, unused: int) -> _Split:
    u = solved.vectors[neuron]
    across = _complement(u[:, None])
    half = problem.function.meeting(float(u @ u))
    block = solved.curvature.block(neuron)
    values, axes = eigh(across.T @ (block - half * np.eye(len(u))) @ across)
    normal = float(solved.normal[neuron, neuron] - half)
    null = np.abs(values) <= solved.error
    outside = bool(unused and abs(normal) <= solved.error)
    return _Split(
        neuron=neuron,
        count=int(solved.reduced.sizes[neuron]) - 1,
        values=np.asarray(values, dtype=np.float64),
        normal=np.array([normal]),
        piece=(across @ axes * np.where(null, 0.0, values)) @ (across @ axes).T,
        loose=_Loose(null=(across @ axes[:, null]).T, outside=outside)
        if null.any() or outside
        else None,
    )


def _third_order(problem: TeacherStudent, solved: _Solved, loose: dict[int, _Loose]) -> ThirdOrder:
    """What the third order says of all loose moves; those of neurons on one line are coupled."""
    # A curvature that is zero only because little is known of it says nothing of the third order.
    if not loose or solved.error > _WELL_KNOWN:
        return ThirdOrder.OPEN
    # Leaky ReLU has the third order of ReLU, times a factor.
    if problem.function.degree != 1 or problem.function.parity or problem.teacher.outputs:
        return ThirdOrder.OPEN
    u, reduced = solved.vectors, solved.reduced
    teachers = np.zeros((problem.teacher.size, u.shape[1]))
    teachers[:, : problem.rank] = problem.teacher.vectors
    units = u[list(loose)] / np.linalg.norm(u[list(loose)], axis=1, keepdims=True)
    if np.any(np.triu(np.abs(units @ units.T) > 1.0 - 1e-9, 1)):
        return ThirdOrder.OPEN
    found = {
        split_third_order(
            u,
            teachers,
            j,
            reduced.shares[reduced.assignment == j],
            moves.null,
            outside=moves.outside,
        )
        for j, moves in loose.items()
    }
    for verdict in (ThirdOrder.FALLS, ThirdOrder.OPEN):
        if verdict in found:
            return verdict
    return ThirdOrder.RISES


def _full_spectra(
    solved: _Solved,
    loss: PopulationLoss,
    weights: Array,
    pieces: dict[int, Array],
    normal_values: Array,
) -> tuple[Array, Array]:
    """Spectra of the student's Hessian and normal block, zero neurons and gauge left out.

    Built from the reduced network's blocks, so that directions that are null by the structure of a
    split are null to rounding however small a share is.
    """
    reduced = solved.reduced
    hessian = solved.curvature.hessian
    if not pieces or hessian is None:
        return solved.values, normal_values
    function = loss.problem.function
    if reduced.degree > 1:
        return _plain_spectra(loss, weights, reduced)
    half = function.meeting(1.0)
    owner = reduced.assignment[reduced.assignment >= 0]
    shares = reduced.shares[reduced.assignment >= 0]
    count, columns = len(owner), solved.vectors.shape[1]
    small = hessian.reshape(reduced.effective_width, columns, -1, columns)
    signs = np.sign(shares)
    both = np.outer(signs, signs)
    blocks = small[owner][:, :, owner] * both[:, None, :, None]
    normal = solved.normal[np.ix_(owner, owner)] * both
    for k, j in enumerate(owner):
        if int(j) not in pieces:
            continue
        same = half * both[k, owner == j]
        blocks[k][:, owner == j] = np.eye(columns)[:, None, :] * same[None, :, None]
        normal[k, owner == j] = same
        blocks[k, :, k] += pieces[int(j)] / abs(shares[k])
        excess = solved.normal[j, j] - half
        normal[k, k] += (0.0 if abs(excess) <= solved.error else excess) / abs(shares[k])
    live = weights[reduced.assignment >= 0]
    gauge = WeightObjective(loss, width=count, columns=columns).gauge(live.ravel())
    eigenvalues = eigenvalues_without_gauge(blocks.reshape(count * columns, -1), gauge)
    basis = _complement(live[:, reduced.rank :])
    return eigenvalues, _eigenvalues(basis.T @ normal @ basis)


def _plain_spectra(loss: PopulationLoss, weights: Array, reduced: Reduced) -> tuple[Array, Array]:
    """The same for a degree above 1, where parallel neurons have a Hessian like all others."""
    live = weights[reduced.assignment >= 0]
    part = PopulationLoss(loss.problem.with_width(len(live)))
    gauge = WeightObjective(part, width=len(live), columns=live.shape[1]).gauge(live.ravel())
    basis = _complement(live[:, reduced.rank :])
    return (
        eigenvalues_without_gauge(part.hessian(live), gauge),
        _eigenvalues(basis.T @ part.normal_block(live) @ basis),
    )


def verdict(
    *,
    zero_loss: bool,
    critical: bool,
    index: int,
    zero_neurons: int,
    zeros: int,
    flat: int,
    third: ThirdOrder,
    grows: bool = True,
) -> tuple[Kind, str]:
    """What a point is, and the sentence that says why, from what is known of it.

    Parameters
    ----------
    zero_loss, critical : bool
        Whether the loss is zero, and the gradient below its tolerance.
    index, zero_neurons : int
        Negative curvatures in d dimensions; neurons that are exactly zero.
    zeros, flat : int
        Curvatures that vanish otherwise than by sliding weight between parallel neurons, and by
        that.
    third : ThirdOrder
        What the third order says of the former.
    grows : bool
        Whether all output weights of the teacher are positive.
    """
    if zero_loss:
        return Kind.MINIMUM, "The loss is zero, its smallest possible value: a global minimum."
    if not critical:
        return (
            Kind.UNDECIDED,
            "Not a critical point: |grad| is above the tolerance.",
        )
    if index:
        word = "direction" if index == 1 else "directions"
        return Kind.SADDLE, f"The curvature is negative in {index} {word}."
    if zero_neurons and not grows:
        return (
            Kind.UNDECIDED,
            "Zero neurons: with negative output weights of the teacher they need not be able to "
            "grow in a direction that lowers the loss.",
        )
    if zero_neurons:
        return Kind.SADDLE, "A zero neuron can grow in a direction that lowers the loss."
    if zeros:
        word = "direction" if zeros == 1 else "directions"
        vanishes = f"The curvature vanishes in {zeros} {word}"
        if third is ThirdOrder.RISES:
            return (
                Kind.MINIMUM,
                f"{vanishes} besides exact splits, along which the loss rises in third order with "
                "these shares.",
            )
        if third is ThirdOrder.FALLS:
            return (
                Kind.SADDLE,
                f"{vanishes} besides exact splits, along one of which the loss falls in third "
                "order with these shares.",
            )
        return Kind.UNDECIDED, f"{vanishes} along which no split explains it."
    if flat:
        return (
            Kind.MINIMUM,
            "All curvatures are positive except along exact splits, where the loss is constant.",
        )
    return Kind.MINIMUM, "All curvatures are positive."


def _classify_nothing(problem: TeacherStudent, grad_tolerance: float) -> CriticalPoint:
    """The point at which every student neuron is zero."""
    weights = np.zeros((problem.width, problem.rank))
    value = float(PopulationLoss(problem).value(weights))
    grows = problem.teacher.outputs is None or min(problem.teacher.outputs) > 0.0
    empty = _read_only(np.empty(0))
    return CriticalPoint(
        weights=_read_only(weights),
        loss=value,
        grad_norm=0.0,
        eigenvalues=empty,
        normal_eigenvalues=empty,
        normal_multiplicity=problem.width if problem.codimension is None else problem.codimension,
        gauge=0,
        gap=0.0,
        index_in_span=0,
        index_normal=0,
        index=0,
        nullity=0,
        zero_neurons=problem.width,
        grad_tolerance=grad_tolerance,
        zero_tolerance=0.0,
        kind=Kind.SADDLE if grows else Kind.UNDECIDED,
        reason="Every neuron is zero, and growing one lowers the loss."
        if grows
        else "Every neuron is zero, and whether growing one lowers the loss is not known.",
    )


def _read_only(array: Array) -> Array:
    array.setflags(write=False)
    return array
