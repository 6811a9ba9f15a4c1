"""The flat directions of a network's critical point, in d dimensions, with all evidence.

The exact side comes from the reduced network (cells, splitting, lines that carry both
orientations); the measured side from the spectrum, traced curves and growth laws of `local`, which
know nothing of networks. The two are compared, and every disagreement is a sentence in the report.

In d dimensions: the loss is invariant under rotations of the coordinates outside the teacher's
span, so at a point that uses e of them the Hessian consists of its block on the r + e coordinates
used, and of the normal block A once for each unused one. One unused coordinate is kept in the
analysis; what is found there counts once for each of them (d - r - e, or K - e if d is infinite,
because K neurons reach no more).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landtopo.checks import checked_instance, checked_seed, checked_weights
from landtopo.errors import InvalidArgument
from landtopo.flat.correct import correct
from landtopo.flat.local import DirectionKind, LocalReport, NullDirection, local_report
from landtopo.flat.null_space import cut_at, spectral_cut
from landtopo.flat.rank_test import FlatOptions
from landtopo.flat.trace import TraceOptions, TraceStop
from landtopo.model import also_for_models
from landtopo.models.networks.flat.cells import CellComplex, cell_complex
from landtopo.models.networks.flat.compare import disagreements
from landtopo.models.networks.flat.cubic import cubic_coefficient
from landtopo.models.networks.flat.report import Corner, FlatDirection, FlatReport, FlatStatus
from landtopo.models.networks.flat.splitting import neuron_splits, split_inertia
from landtopo.models.networks.flat.stability import StabilityLine, stability_along
from landtopo.models.networks.flat.zero_loss import ZeroLossSet, line_freedom, zero_loss_set
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.points.cancelling import cancelling_pairs, pairs_dimension
from landtopo.models.networks.points.classify import is_zero_loss
from landtopo.models.networks.points.reduced import Reduced, reduce_network
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.points.spectrum import without_gauge

__all__ = ["flat_directions"]

# Largest gradient of a critical point, in units of the longest teacher neuron.
_CRITICAL = 1e-10
# Gradient of a point that Newton's method need not improve, and weight that is rounding, in that
# unit: along a null direction with a cubic law a gradient of 1e-16 leaves 1e-8.
_AT_REST = 1e-15
_UNUSED = 1e-6
# How far Newton's method may move a point, relative to its norm, before it is another point.
_REGION = 1e-2
# Neurons this near to a teacher's line are tried on it.
_ON_LINE = 1e-5
# A share below this part of an equal one is small.
_SMALL_SHARE = 0.1
_STABILITY_POINTS = 21
_STABILITY_MARGIN = 0.025


@also_for_models("landtopo.models.flat:flat_directions")
def flat_directions(
    problem: TeacherStudent,
    weights: ArrayLike,
    *,
    seed: int = 0,
    options: FlatOptions | None = None,
) -> FlatReport:
    """Take the null space of a critical point apart: gauge, flat, curved.

    Parameters
    ----------
    problem : TeacherStudent or Model
        For a model such as `function_model` makes, see `landtopo.models.flat.flat_directions`.
    weights : array_like, shape (K, r + E)
        A critical point, or a point from which Newton's method reaches one nearby.
    seed : int
        For the random displacements of the probes.
    options : FlatOptions, optional
        Lengths and tolerances; by default they follow the teacher's norm.

    Returns
    -------
    FlatReport

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=3)
    >>> report = lt.flat_directions(problem, [[0.4, 0], [0.6, 0], [0, 1]])
    >>> report.flat_dimension
    1
    """
    checked_instance("problem", "flat_directions", problem, TeacherStudent)
    problem.require_flat("flat_directions")
    given = np.array(checked_weights("flat_directions", weights, problem.rank, width=problem.width))
    seed = checked_seed("flat_directions", seed)
    unit = float(problem.teacher.norms.max())
    if options is not None:
        checked_instance("options", "flat_directions", options, FlatOptions)
    chosen = options or FlatOptions(
        at_rest=_AT_REST * unit,
        trace=TraceOptions(
            loss_scale=float(np.trace(problem.teacher.gram)),
            scale=unit,
        ),
    )
    reduced = reduce_network(given, problem.rank, function=problem.function)
    if problem.codimension is not None and reduced.outside > problem.codimension:
        raise InvalidArgument(
            "The 'weights' argument of flat_directions uses "
            f"{problem.rank + reduced.outside} dimensions, but dim is {problem.dim}."
        )
    return _Examination(problem, reduced, chosen, np.random.default_rng(seed)).report()


class _Examination:
    """The steps of `flat_directions`, with what they share."""

    def __init__(
        self,
        problem: TeacherStudent,
        reduced: Reduced,
        options: FlatOptions,
        rng: np.random.Generator,
    ) -> None:
        self.problem = problem
        self.function = problem.function
        self.given = reduced
        self.options = options
        self.rng = rng
        self.scale = float(problem.teacher.norms.max())
        self.width = problem.width
        self.used = problem.rank + reduced.outside
        beyond = problem.width if problem.codimension is None else problem.codimension
        self.unused = beyond - reduced.outside
        self.columns = self.used + (1 if self.unused else 0)
        narrow = WeightObjective(
            PopulationLoss(problem.with_width(max(1, reduced.effective_width))), columns=self.used
        )
        self.vectors = _on_lines(np.array(reduced.vectors), problem)
        if reduced.effective_width:
            target = _AT_REST * self.scale
            settled = narrow.weights(correct(narrow, self.vectors.ravel(), target=target).x)
            if np.linalg.norm(settled - self.vectors) <= _REGION * np.linalg.norm(self.vectors):
                self.vectors = settled
        self.weights = reduced.expand(self.vectors)
        self.live = np.flatnonzero(reduced.assignment >= 0)
        loss = PopulationLoss(problem)
        self.loss = loss
        value, gradient = loss.value_and_gradient(self.weights)
        self.value = float(value)
        self.grad_norm = float(np.linalg.norm(gradient[self.live]))
        self.moved = float(np.linalg.norm(self.weights - reduced.expand())) + reduced.residual

    def report(self) -> FlatReport:
        m = self.given.effective_width
        cells = cell_complex(self.width, m)
        if not m or self.grad_norm > _CRITICAL * self.scale:
            return self._not_critical(cells)
        shares = self._comfortable()
        local = self._local(self.live, shares, self.given.assignment)
        eigenvalues, normal = self._spectra(self.weights[self.live])
        # The nullity is the same in the whole cell; where the spectrum itself is cut is shown here.
        sizes = np.abs(np.concatenate([eigenvalues, normal]))
        cut = cut_at(
            sizes,
            local.null.nullity,
            rounding=local.null.cut.rounding * max(1.0, sizes.max() / _largest(local)),
            resolved=local.null.cut.resolution,
        )
        threshold = cut.threshold
        index = _count(eigenvalues < -threshold, normal < -threshold, self.unused)
        nullity = _count(np.abs(eigenvalues) <= threshold, np.abs(normal) <= threshold, self.unused)
        predicted = self._predicted(threshold)
        zero_loss = is_zero_loss(self.value, self.weights)
        splits = neuron_splits(
            self.problem, self.vectors, zero_tolerance=threshold, zero_loss=zero_loss
        )
        opened = self._opened() if len(self.live) < self.width else None
        directions = tuple(self._direction(row, zero_loss) for row in local.directions)
        inside = opened or local
        exact, here = self._exact(zero_loss, inside)
        return FlatReport(
            problem=self.problem,
            weights=_frozen(self.weights),
            loss=self.value,
            grad_norm=self.grad_norm,
            moved=self.moved,
            reduced=self.given,
            eigenvalues=_frozen(eigenvalues),
            normal_eigenvalues=_frozen(normal),
            unused=self.unused,
            cut=cut,
            index=index,
            nullity=nullity,
            predicted_index=predicted[0],
            predicted_nullity=predicted[1],
            gauge=sum(row.multiplicity for row in directions if row.kind is DirectionKind.GAUGE),
            directions=directions,
            local=local,
            same_cell=_frozen(self._carried(self.live, shares, self.given.assignment)),
            opened=opened,
            flat_dimension=exact,
            traced_dimension=inside.flat_dimension,
            corners=self._corners(local),
            stability=tuple(self._stability(row) for row in directions if row.traces),
            cells=cells,
            zero_set=self._zero_set() if zero_loss else None,
            splits=splits,
            zero_loss=zero_loss,
            disagreements=disagreements(
                (index, nullity), predicted, here, inside, directions, splits, cut.gap
            ),
            options=self.options,
            status=FlatStatus.DONE,
        )

    def _comfortable(self) -> Array:
        return _comfortable(self.given.shares, self.given.assignment, self.given.degree)

    def _exact(self, zero_loss: bool, local: LocalReport) -> tuple[int, int]:
        """Flat dimension in d dimensions, and in the columns of the measured side.

        Where s is not homogeneous, what cancels at zero loss is known, and nothing else is.
        """
        if self.function.merges and not self.function.mixes:
            exact = self.width - self.given.effective_width + line_freedom(self.vectors)
            return exact, exact
        pairs = cancelling_pairs(self.problem, self.vectors) if zero_loss else 0
        tangents = pairs * self.columns
        if not pairs or local.null.nullity + len(local.null.gauge) != tangents:
            return local.flat_dimension, local.flat_dimension
        return pairs_dimension(self.problem, pairs), pairs_dimension(
            self.problem, pairs, outside=self.columns - self.problem.rank
        )

    def _zero_set(self) -> ZeroLossSet | None:
        """Known where s is |x| and a linear part."""
        if self.function.degree != 1:
            return None
        return zero_loss_set(self.problem.teacher, self.width)

    def _spectra(self, weights: Array) -> tuple[Array, Array]:
        """Eigenvalues in the coordinates used and of the normal block, gauge taken out."""
        loss = PopulationLoss(self.problem.with_width(len(weights)))
        objective = WeightObjective(loss, columns=self.used)
        x = weights.ravel()
        eigenvalues, _ = without_gauge(objective.hessian(x), objective.gauge(x))
        if not self.unused:
            return eigenvalues, np.empty(0)
        # A W_out = 0: rotating the coordinates used into an unused one changes nothing.
        gauge = np.linalg.qr(weights[:, self.problem.rank :])[0].T
        normal, _ = without_gauge(loss.normal_block(weights), gauge)
        return eigenvalues, normal

    def _predicted(self, threshold: float) -> tuple[int, int]:
        """Index and nullity in d dimensions, from the reduced network and the law of splitting."""
        own, normal = self._spectra(self.vectors)
        index = _count(own < -threshold, normal < -threshold, self.unused)
        nullity = _count(np.abs(own) <= threshold, np.abs(normal) <= threshold, self.unused)
        added = split_inertia(self.problem, self.vectors, zero_tolerance=threshold)
        # Nothing is split where s is not homogeneous.
        for size, inertia in zip(self.given.sizes, added, strict=False):
            more = int(size) - 1
            index += more * _signs(inertia.negative, inertia.negative_normal, self.unused)
            nullity += more * _signs(inertia.zero, inertia.zero_normal, self.unused)
        return index, nullity

    def _carried(
        self, live: NDArray[np.intp], shares: Array, assignment: NDArray[np.int64]
    ) -> Array:
        """Weights of the given neurons with these shares."""
        return np.asarray(shares[live, None] * self.vectors[assignment[live]])

    def _local(
        self, live: NDArray[np.intp], shares: Array, assignment: NDArray[np.int64]
    ) -> LocalReport:
        """Examine the network of the given non-zero neurons, with one unused coordinate."""
        count = len(live)
        owner = assignment[live]
        loss = PopulationLoss(self.problem.with_width(count))
        objective = WeightObjective(loss, columns=self.columns)
        weights = np.zeros((count, self.columns))
        weights[:, : self.used] = self._carried(live, shares, assignment)
        sectors = np.zeros((count, self.columns), dtype=np.int64)
        sectors[:, self.used :] = 1
        candidates = []
        for j in range(len(self.vectors)):
            fibre = np.flatnonzero(owner == j)
            for k in fibre[1:]:
                # The powers of the shares, whatever their signs, keep their sum.
                pair = shares[live[[k, fibre[0]]]]
                first, second = (np.abs(pair) ** (self.given.degree - 1)).tolist()
                row = np.zeros((count, self.columns))
                row[fibre[0], : self.used] = np.sign(pair[1]) * first * self.vectors[j]
                row[k, : self.used] = -np.sign(pair[0]) * second * self.vectors[j]
                candidates.append(row.ravel())
        return local_report(
            objective,
            weights.ravel(),
            rng=self.rng,
            boundary=(lambda x: np.linalg.norm(objective.weights(x), axis=1))
            if self.function.kinks
            else None,
            value=lambda x: loss.value(objective.weights(x)),
            candidates=np.array(candidates).reshape(-1, objective.size),
            sectors=sectors.ravel(),
            options=self.options,
        )

    def _opened(self) -> LocalReport:
        """Examine a point inside a cell that meets this corner: zero neurons get shares."""
        assignment = np.array(self.given.assignment)
        shares = np.array(self.given.shares)
        for turn, k in enumerate(np.flatnonzero(assignment < 0)):
            donor = self.live[turn % len(self.live)]
            assignment[k] = assignment[donor]
            shares[donor] *= 0.6 ** (1.0 / self.given.degree)
            shares[k] = shares[donor] * (0.4 / 0.6) ** (1.0 / self.given.degree)
        shares = _comfortable(shares, assignment, self.given.degree)
        return self._local(np.arange(self.width), shares, assignment)

    def _direction(self, row: NullDirection, zero_loss: bool) -> FlatDirection:
        shaped = row.vector.reshape(len(self.live), self.columns)
        normal = bool(self.unused) and float(np.linalg.norm(shaped[:, -1])) > 0.5
        analytic = None
        if zero_loss and row.kind is DirectionKind.CURVED and self.function.degree == 1:
            padded = np.zeros((len(self.live), self.columns))
            padded[:, : self.used] = self._carried(
                self.live, self._comfortable(), self.given.assignment
            )
            analytic = cubic_coefficient(self.problem.teacher, padded, shaped)
        return FlatDirection(
            vector=_frozen(shaped),
            normal=normal,
            multiplicity=self.unused if normal else 1,
            traces=row.traces,
            growth=row.growth,
            analytic_coefficient=analytic,
            kind=row.kind,
        )

    def _corners(self, local: LocalReport) -> tuple[Corner, ...]:
        corners = []
        if len(self.live) < self.width:
            corners.append(self._corner(self.weights))
        for direction in local.directions:
            for trace in direction.traces:
                if trace.stop is TraceStop.CORNER:
                    end = trace.points[-1].reshape(len(self.live), self.columns)
                    if np.linalg.norm(end[:, self.used :]) > _UNUSED * self.scale:
                        continue  # a corner that uses another coordinate is not of this shape
                    weights = np.zeros_like(self.weights)
                    weights[self.live] = end[:, : self.used]
                    weights[self.live[trace.corner]] = 0.0
                    # Several neurons can vanish together, where the reduced network changes too.
                    weights[np.linalg.norm(weights, axis=1) <= _UNUSED * self.scale] = 0.0
                    corners.append(self._corner(weights))
        return tuple(corners)

    def _corner(self, guess: Array) -> Corner:
        reduced = reduce_network(guess, self.used, function=self.function)
        narrow = WeightObjective(
            PopulationLoss(self.problem.with_width(reduced.effective_width)), columns=self.used
        )
        target = _AT_REST * self.scale
        settled = correct(narrow, np.array(reduced.vectors).ravel(), target=target)
        weights = reduced.expand(narrow.weights(settled.x))
        zero = np.flatnonzero(reduced.assignment < 0)
        value, gradient = self.loss.value_and_gradient(weights)
        return Corner(
            weights=_frozen(weights),
            zero_neurons=tuple(int(k) for k in zero),
            loss=float(value),
            grad_norm=float(np.linalg.norm(np.delete(gradient, zero, axis=0))),
            segments=len(zero) * reduced.effective_width,
        )

    def _stability(self, row: FlatDirection) -> StabilityLine:
        """Spectra at evenly spaced points of a traced direction."""
        points, positions = [], []
        for side, trace in zip((1.0, -1.0), row.traces, strict=False):
            first = 0 if side > 0 else 1
            points.append(trace.points[first:])
            positions.append(side * trace.arclength[first:])
        where = np.concatenate(positions)
        order = np.argsort(where)
        where, known = where[order], np.concatenate(points)[order]
        # Not at the ends: a corner has no Hessian, and next to it rounding grows without bound.
        margin = _STABILITY_MARGIN * (where[-1] - where[0])
        even = np.linspace(where[0] + margin, where[-1] - margin, _STABILITY_POINTS)
        along = np.stack([np.interp(even, where, column) for column in known.T], axis=1)
        along = along.reshape(len(even), len(self.live), self.columns)
        if np.abs(along[:, :, self.used :]).max(initial=0.0) <= _UNUSED * self.scale:
            along = along[:, :, : self.used]
        objective = WeightObjective(
            PopulationLoss(self.problem.with_width(len(self.live))), columns=along.shape[2]
        )
        # Eigenvalues that should vanish grow like the distance from the flat set.
        settled = [
            correct(objective, point.ravel(), target=_AT_REST * self.scale).x for point in along
        ]
        return stability_along(self.problem, objective.weights(np.array(settled)), even)

    def _not_critical(self, cells: CellComplex) -> FlatReport:
        nothing = np.empty(0)
        return FlatReport(
            problem=self.problem,
            weights=_frozen(self.weights),
            loss=self.value,
            grad_norm=self.grad_norm,
            moved=self.moved,
            reduced=self.given,
            eigenvalues=nothing,
            normal_eigenvalues=nothing,
            unused=self.unused,
            cut=spectral_cut(nothing, 0, resolved=0.0),
            index=0,
            nullity=0,
            predicted_index=0,
            predicted_nullity=0,
            gauge=0,
            directions=(),
            local=None,
            same_cell=np.empty((0, self.used)),
            opened=None,
            flat_dimension=0,
            traced_dimension=0,
            corners=(),
            stability=(),
            cells=cells,
            zero_set=None,
            splits=(),
            zero_loss=False,
            disagreements=(),
            options=self.options,
            status=FlatStatus.NOT_CRITICAL,
        )


def _on_lines(vectors: Array, problem: TeacherStudent) -> Array:
    """Put neurons that are nearly on the teacher's lines there if that lowers the loss.

    Neurons of opposite direction are not merged by the reduction; a small angle between them would
    lift their null eigenvalues in proportion.
    """
    if not len(vectors) or vectors.shape[1] > problem.rank or problem.function.degree != 1:
        return vectors
    teachers = problem.teacher.vectors / problem.teacher.norms[:, None]
    overlaps = vectors @ teachers.T
    nearest = np.argmax(np.abs(overlaps), axis=1)
    snapped = np.take_along_axis(overlaps, nearest[:, None], axis=1) * teachers[nearest]
    if np.abs(snapped - vectors).max() > _ON_LINE * float(problem.teacher.norms.max()):
        return vectors
    loss = PopulationLoss(problem.with_width(len(vectors)))
    return snapped if float(loss.value(snapped)) < float(loss.value(vectors)) else vectors


def _count(own: NDArray[np.bool_], normal: NDArray[np.bool_], unused: int) -> int:
    return int(np.sum(own)) + unused * int(np.sum(normal))


def _comfortable(shares: Array, assignment: NDArray[np.int64], degree: int) -> Array:
    """The shares, moved inwards in the cell where one of them is very small."""
    moved = np.array(shares)
    for j in np.unique(assignment[assignment >= 0]):
        fibre = np.flatnonzero(assignment == j)
        masses = np.abs(moved[fibre]) ** degree
        if masses.min() < _SMALL_SHARE / len(fibre):
            lengths = ((masses + 1 / len(fibre)) / 2) ** (1.0 / degree)
            moved[fibre] = np.copysign(lengths, moved[fibre])
    return moved


def _largest(local: LocalReport) -> float:
    return float(np.abs(local.null.eigenvalues).max())


def _signs(own: int, normal: int, unused: int) -> int:
    return own + unused * normal


def _frozen(array: Array) -> Array:
    copy = np.array(array)
    copy.setflags(write=False)
    return copy
