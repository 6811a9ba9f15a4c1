"""Proofs in interval arithmetic that a critical point exists, and of what it is.

Krawczyk's test on the gradient: with C an approximate inverse of the Hessian at the centre x and
H(X) an enclosure of the Hessian over a box X around x, a contraction of x - C g(x) +
(I - C H(X)) (X - x) into X proves that X holds exactly one critical point. Signs of eigenvalues
follow from an enclosure of Q^T H Q with Q nearly orthonormal (Weyl's and Ostrowski's inequalities).

The test is made in the r + e coordinates that the point uses. That no other critical point in d
dimensions is near follows from the normal block: the gradient outside the span is A W_out, so that
all columns of W_out at a critical point are in the kernel of A. Rotate them so that the e pivot
rows are zero in all columns but the first e. A further column z then has A_NN z_N = 0, N the rows
that are no pivots. Where an enclosure of A_NN over all points near, those with further columns
included, excludes zero from its spectrum, z = 0: the point lies in the r + e coordinates, where
there is one alone.

Everything is about the teacher whose vectors are the doubles stored in `Teacher.vectors`.

Needs the package python-flint (``pip install landtopo[certify]``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from landtopo.checks import check_options, checked_array, checked_instance, checked_options
from landtopo.eigen import eigh
from landtopo.models.networks.activation import Activation
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.proofs.enclosures import (
    Network,
    box,
    lower,
    matrix,
    midpoints,
    networks,
    radii,
    require_flint,
    upper,
    widened,
)
from landtopo.proofs.kernels import NetworkFunction, network_function
from landtopo.shown import Brief, Table

if TYPE_CHECKING:
    from flint import arb, arb_mat

__all__ = [
    "Certificate",
    "CertificateStatus",
    "CertifyOptions",
    "KrawczykTest",
    "certify",
    "checked_weights",
    "entries",
    "free_places",
    "refusal",
    "submatrix",
    "turned",
]

# The first box tried should have this contraction factor; after a failed test the next one is
# smaller by the same factor. Near 1 the box would be largest, but the bound of the radius loose.
_CONTRACTION = 0.5
_ATTEMPTS = 20


class CertificateStatus(StrEnum):
    """How a certification ended, as a sentence."""

    CERTIFIED = (
        "The box holds exactly one critical point, and the signs of its eigenvalues are proved."
    )
    SIGN_OPEN = (
        "The box holds exactly one critical point, but the sign of an eigenvalue is not proved."
    )
    ZERO_NEURON = "A student neuron is zero, where the loss is not smooth."
    MIXED = (
        "Rotations of neurons into each other leave this function alone, so that no critical point "
        "of more than one neuron is isolated."
    )
    PARALLEL_NEURONS = (
        "Two student neurons are parallel, so the critical points near them are not isolated."
    )
    NOT_PROVED = (
        "No box around the weights passed the test: they are too far from a critical point, or it "
        "is not isolated or has a curvature of zero."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifyOptions(Brief):
    """Tolerances of `certify`.

    Attributes
    ----------
    precision : int
        Bits of the interval arithmetic.
    zero_norm : float
        Neurons not longer than this, in units of the longest teacher vector, count as zero.
    parallel_angle : float
        Student neurons at angles not larger than this count as parallel (radians).
    span_tolerance : float
        Directions outside the teacher's span that the weights use no more than this, in units of
        the longest teacher vector, are dropped.
    """

    precision: int = 128
    zero_norm: float = 1e-8
    parallel_angle: float = 1e-6
    span_tolerance: float = 1e-9

    def __post_init__(self) -> None:
        check_options(self, zeros=("zero_norm", "parallel_angle", "span_tolerance"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Table):
    """What was proved about a point. Bounds are rigorous; arrays are empty where nothing was.

    Attributes
    ----------
    weights : ndarray, shape (K, r + e)
        The centre of the box: the weights given, in the e directions outside the span that they
        use, turned so that the outer part has zeros above its pivots.
    dropped : float
        Largest entry that was dropped because it lies in an unused direction.
    radius : float
        The critical point differs from `weights` by at most this in every entry.
    isolation : float
        No other critical point in d dimensions, outer axes rotated so that the pivot rows are as in
        `weights`, differs by less than this in every entry of the r + e coordinates and, for every
        neuron, in the length of its part outside of them. 0 if that was not proved.
    contraction : float
        Bound below 1 of the row sums of I - C H over a box of size `isolation` or larger.
    loss_bounds : tuple of float
        Enclosure of the loss at the critical point.
    eigenvalue_bounds : ndarray, shape (n, 2)
        Enclosures of the eigenvalues, ascending, of its Hessian in the r + e coordinates; with
        e > 1 on the orthogonal complement of the gauge directions at `weights`.
    normal_bounds : ndarray, shape (K - e, 2)
        The same for the normal block, on the complement of the columns outside the span.
    normal_multiplicity : int
        How often each of them counts: d - r - e, or K - e in infinite dimension.
    index_in_span, index_normal, index : int or None
        Proved numbers of negative eigenvalues of either, and in d dimensions; None where a sign
        is open.
    options : CertifyOptions
        Tolerances used.
    status : CertificateStatus
        How it ended.

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> certificate = lt.certify(problem, np.eye(2))  # needs python-flint
    >>> str(certificate.kind)
    'minimum'
    """

    _told = ("kind", "index", "radius", "isolation", "contraction", "loss_bounds", "status")

    weights: Array
    dropped: float
    radius: float = np.inf
    isolation: float = 0.0
    contraction: float = np.inf
    loss_bounds: tuple[float, float] = (-np.inf, np.inf)
    eigenvalue_bounds: Array
    normal_bounds: Array
    normal_multiplicity: int
    index_in_span: int | None = None
    index_normal: int | None = None
    index: int | None = None
    options: CertifyOptions
    status: CertificateStatus

    def rows(self) -> list[dict[str, Any]]:
        """One row an eigenvalue that was enclosed, with how often it counts in d dimensions.

        Examples
        --------
        >>> import numpy as np
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> certificate = lt.certify(problem, np.eye(2))  # needs python-flint
        >>> [row["multiplicity"] for row in certificate.rows()]
        [1, 1, 1, 1, 2, 2]
        """
        blocks = (
            ("in use", 1, self.eigenvalue_bounds),
            ("normal", self.normal_multiplicity, self.normal_bounds),
        )
        return [
            {"block": block, "multiplicity": times, "low": float(low), "high": float(high)}
            for block, times, bounds in blocks
            for low, high in bounds
        ]

    @property
    def neurons(self) -> int:
        """Number of neurons of the network that the proof is about."""
        return len(self.weights)

    @property
    def kind(self) -> Kind:
        """What was proved: a strict minimum, a saddle, or nothing."""
        if self.index == 0:
            return Kind.MINIMUM
        signs = [self.eigenvalue_bounds]
        if self.normal_multiplicity > 0:
            signs.append(self.normal_bounds)
        negative = any(np.any(bounds[:, 1] < 0) for bounds in signs)
        return Kind.SADDLE if negative else Kind.UNDECIDED


def certify(
    problem: TeacherStudent, weights: ArrayLike, options: CertifyOptions | None = None
) -> Certificate:
    """Prove that an isolated critical point lies next to the given weights, and its index.

    Parameters
    ----------
    problem : TeacherStudent
        Teacher and dimension; the width is taken from the weights, unless there are output weights
        of the student. The activation is relu, leaky, abs, erf, squared-relu or quadratic.
    weights : array_like, shape (K, r + E)
        A reduced network (no zero and no parallel neurons, but for erf) close to a critical point.
    options : CertifyOptions, optional

    Returns
    -------
    Certificate

    Raises
    ------
    InvalidArgument
        If the weights do not fit the problem, or there is no kernel of the activation.
    LandtopoError
        If python-flint is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> lt.certify(problem, np.eye(2)).index  # needs python-flint
    0
    """
    require_flint()
    import flint

    options = checked_options("options", "certify", options, CertifyOptions)
    points, function = checked_weights("certify", problem, weights)
    teacher = problem.teacher.vectors
    scale = float(problem.teacher.norms.max())
    centre, pivots, dropped = turned(points, problem.rank, options.span_tolerance * scale)
    outside = centre.shape[1] - problem.rank
    unused = len(centre) if problem.dim is None else problem.dim - problem.rank
    refused = Certificate(
        weights=_read_only(centre),
        dropped=dropped,
        eigenvalue_bounds=_read_only(np.empty((0, 2))),
        normal_bounds=_read_only(np.empty((0, 2))),
        normal_multiplicity=max(unused - outside, 0),
        options=options,
        status=CertificateStatus.NOT_PROVED,
    )
    status = refusal(points, options, scale, problem.function)
    if status is not None:
        return replace(refused, status=status)
    frame = np.zeros((len(teacher), centre.shape[1]))
    frame[:, : problem.rank] = teacher
    with flint.ctx.workprec(options.precision):
        test = KrawczykTest(matrix(centre), networks(matrix(frame), function), problem.rank, pivots)
        return test.certificate(refused, scale)


class KrawczykTest:
    """Krawczyk's test around one centre, on the coordinates that the gauge leaves free.

    Parameters
    ----------
    centre : arb_mat, shape (K, r + e)
        Exact balls.
    network : callable
        The network of students in some number of columns.
    rank : int
        r.
    pivots : list of int
        A row for each column outside the span, in which the columns after it are zero.
    """

    def __init__(
        self,
        centre: arb_mat,
        network: Callable[[arb_mat], Network],
        rank: int,
        pivots: list[int],
    ) -> None:
        self.exact = centre
        self.centre = midpoints(centre)
        self.network = network
        self.rank = rank
        self.pivots = pivots
        self.free = free_places(self.centre.shape, rank, pivots)
        exact = network(centre)
        self.gradient = exact.gradient()
        self.loss = exact.loss()
        hessian = exact.hessian()
        self.bend = submatrix(hessian, self.free).mid()
        self.middle = midpoints(hessian)

    def certificate(self, refused: Certificate, scale: float) -> Certificate:
        """What can be proved, in place of a certificate of nothing.

        Parameters
        ----------
        refused : Certificate
        scale : float
            Norm of the longest teacher vector.
        """
        found = self.contract(scale)
        return refused if found is None else self.conclude(refused, *found)

    def contract(self, scale: float) -> tuple[float, float, float] | None:
        """Radius, isolation and contraction factor, or None if no box passes."""
        from flint import arb

        try:
            # With more digits than the condition of the Hessian takes away.
            approximate = self.bend.solve(matrix(np.eye(len(self.free))), algorithm="approx")
        except ZeroDivisionError:
            return None
        inverse = midpoints(approximate)
        if not np.all(np.isfinite(inverse)):
            return None
        step = approximate * entries(self.gradient, self.free)
        residual = _largest(step.entries())
        # Where third derivatives vanish the estimate has no limit.
        size = min(self._first_size(inverse, 1e-7 * scale), scale)
        for _ in range(_ATTEMPTS):
            if not residual < size:
                return None
            product = approximate * submatrix(self._hessian(size), self.free)
            contraction = _largest_row_sum(product, np.ones(len(self.free)))
            # NaN, where a neuron can be zero in the box, fails every comparison.
            if contraction < 1 and self._pivots_hold(size):
                radius = upper(arb(residual) / (1 - arb(contraction)))
                if radius < size:
                    return radius, size, contraction
            size *= _CONTRACTION
        return None

    def _first_size(self, inverse: Array, trial: float) -> float:
        """Size of the box for which the contraction factor should be `_CONTRACTION`."""
        spread = radii(self._hessian(trial))[np.ix_(self.free, self.free)]
        factor = float((np.abs(inverse) @ spread).sum(axis=1).max())
        return trial * _CONTRACTION / factor if 0 < factor < np.inf else trial

    def _hessian(self, radius: float) -> arb_mat:
        return self.network(box(self.exact, radius)).hessian()

    def _pivots_hold(self, radius: float) -> bool:
        """No pivot can vanish: a critical point of the restriction is one of the loss.

        The gradient is orthogonal to the rotations of the outer columns, and as long as the pivots
        are not zero these reach every fixed coordinate, and the outer columns are independent.
        """
        return all(
            abs(self.centre[row, self.rank + order]) > radius
            for order, row in enumerate(self.pivots)
        )

    def conclude(
        self, refused: Certificate, radius: float, isolation: float, contraction: float
    ) -> Certificate:
        """Loss, spectra and verdict for the critical point within `radius` of the centre."""
        from flint import arb

        around = self.network(box(self.exact, radius))
        hessian = around.hessian()
        # L = L(x) + g.s + s.H s / 2 for a step s within the box.
        slope = sum((abs(g) for g in entries(self.gradient, self.free).entries()), arb(0))
        bend = sum((abs(x) for x in submatrix(hessian, self.free).entries()), arb(0)) / 2
        change = upper(slope * radius + bend * radius * radius)
        loss = self.loss + arb(0, change)
        spectrum = _enclosed_spectrum(hessian, self.middle, self._gauge())
        isolation = self._isolation(refused.normal_multiplicity, radius, isolation)
        outer = self.centre[:, self.rank :]
        block = around.normal_block()
        normal = _enclosed_spectrum(block, midpoints(block), _orthonormal(outer))
        multiplicity = refused.normal_multiplicity
        inner_index = _proved_index(spectrum)
        normal_index = _proved_index(normal)
        counted = normal_index if multiplicity > 0 else 0
        if inner_index is None or counted is None:
            index, status = None, CertificateStatus.SIGN_OPEN
        else:
            index = inner_index + multiplicity * counted
            status = CertificateStatus.CERTIFIED
        return replace(
            refused,
            radius=radius,
            isolation=isolation,
            contraction=contraction,
            loss_bounds=(max(lower(loss), 0.0), upper(loss)),
            eigenvalue_bounds=_read_only(spectrum),
            normal_bounds=_read_only(normal),
            index_in_span=inner_index,
            index_normal=normal_index,
            index=index,
            status=status,
        )

    def _isolation(self, spare: int, radius: float, size: float) -> float:
        """Size of a box, `size` at most, around which further columns cannot be used; or 0.

        As many columns as rows without a pivot hold every outer part, after a rotation.
        """
        rows = np.setdiff1d(np.arange(len(self.centre)), self.pivots)
        further = min(len(rows), spare)
        if not further:
            return size
        centre = widened(self.exact, further)
        for _ in range(_ATTEMPTS):
            if size <= radius:
                break
            block = submatrix(self.network(box(centre, size)).normal_block(), rows)
            spectrum = _enclosed_spectrum(block, midpoints(block), np.empty((len(rows), 0)))
            if _proved_index(spectrum) is not None:
                return size
            size *= _CONTRACTION
        return 0.0

    def _gauge(self) -> Array:
        """Orthonormal columns that span the rotations of the outer columns, at the centre."""
        outer = self.centre[:, self.rank :]
        used = outer.shape[1]
        directions = []
        for i in range(used):
            for j in range(i):
                turn = np.zeros_like(self.centre)
                turn[:, self.rank + i] = outer[:, j]
                turn[:, self.rank + j] = -outer[:, i]
                directions.append(turn.ravel())
        return _orthonormal(np.array(directions).reshape(len(directions), self.centre.size).T)


def _enclosed_spectrum(balls: arb_mat, middle: Array, excluded: Array) -> Array:
    """Enclosures of the eigenvalues on the complement of `excluded` columns, ascending, (n, 2)."""
    from flint import arb

    complement = np.linalg.qr(excluded, mode="complete")[0][:, excluded.shape[1] :]
    if complement.shape[1] == 0:
        return np.empty((0, 2))
    values, vectors = eigh(complement.T @ middle @ complement)
    basis = matrix(np.ascontiguousarray(complement @ vectors))
    skew = _largest_row_sum(basis.transpose() * basis, np.ones_like(values))
    # Weyl: each eigenvalue of the form is this close to the diagonal entry of its rank, ...
    spread = _largest_row_sum(basis.transpose() * balls * basis, values)
    bounds = np.empty((len(values), 2))
    for i, value in enumerate(values.tolist()):
        # ... and Ostrowski: it is that of the matrix times a factor within 1 +- skew.
        stretched = arb(value, spread) / arb(1, skew)
        bounds[i] = lower(stretched), upper(stretched)
    return bounds


def _largest(balls: list[arb]) -> float:
    """Bound of the sizes of some balls; NaN if one of them has none."""
    return float(np.max([upper(abs(ball)) for ball in balls]))


def _largest_row_sum(balls: arb_mat, diagonal: Array) -> float:
    """Bound of the row sums of |balls - diag(diagonal)|; NaN if a ball has none."""
    from flint import arb

    sums = []
    for i, row in enumerate(balls.tolist()):
        row[i] -= diagonal[i].item()
        sums.append(sum((abs(x) for x in row), arb(0)))
    return _largest(sums)


def _proved_index(bounds: Array) -> int | None:
    """Number of negative eigenvalues, or None where an enclosure contains zero."""
    negative = bounds[:, 1] < 0
    return int(negative.sum()) if np.all(negative | (bounds[:, 0] > 0)) else None


def free_places(shape: tuple[int, ...], rank: int, pivots: Sequence[int]) -> NDArray[np.intp]:
    """Places of the entries, in C order, that rotations outside the span leave free."""
    free = np.ones(shape, dtype=bool)
    for order, row in enumerate(pivots):
        free[row, rank + order + 1 :] = False
    return np.flatnonzero(free.ravel())


def entries(column: arb_mat, rows: NDArray[np.intp]) -> arb_mat:
    """Some entries of a column."""
    from flint import arb_mat

    given = column.entries()
    return arb_mat(len(rows), 1, [given[i] for i in rows.tolist()])


def submatrix(balls: arb_mat, rows: Iterable[int]) -> arb_mat:
    """Entries of some rows and the columns of the same numbers."""
    from flint import arb_mat

    table = balls.tolist()
    kept = list(map(int, rows))
    return arb_mat(len(kept), len(kept), [table[i][j] for i in kept for j in kept])


def _orthonormal(columns: Array) -> Array:
    return np.asarray(np.linalg.qr(columns)[0])


def turned(points: Array, rank: int, tolerance: float) -> tuple[Array, list[int], float]:
    """Weights in the span and the outer directions used, pivot rows, and what was dropped."""
    outer = points[:, rank:]
    if outer.shape[1] == 0:
        return points.copy(), [], 0.0
    used = int(np.sum(np.linalg.svd(outer, compute_uv=False) > tolerance))
    rotation, _, order = scipy.linalg.qr(outer.T, pivoting=True)
    turned = outer @ rotation
    pivots = [int(row) for row in order[:used]]
    for column, row in enumerate(pivots):
        turned[row, column + 1 :] = 0.0
    dropped = float(np.abs(turned[:, used:]).max(initial=0.0))
    return np.hstack([points[:, :rank], turned[:, :used]]), pivots, dropped


def refusal(
    points: Array, options: CertifyOptions, scale: float, function: Activation
) -> CertificateStatus | None:
    """Why the points cannot be isolated, or are not smooth, by looking at the neurons."""
    if function.mixes and len(points) > 1:
        return CertificateStatus.MIXED
    norms = np.linalg.norm(points, axis=1)
    zero = norms <= options.zero_norm * scale
    if function.kinks and np.any(zero):
        return CertificateStatus.ZERO_NEURON
    if not function.merges or len(points) == 1:
        return None
    units = points / norms[:, None]
    for k in range(1, len(units)):
        apart = np.linalg.norm(units[:k] - units[k], axis=1)
        angles = 2 * np.arctan2(apart, np.linalg.norm(units[:k] + units[k], axis=1))
        # Opposite neurons of an even function are parallel ones, one of them turned around.
        least = min(angles.min(), np.pi - angles.max()) if function.parity == 1 else angles.min()
        if least <= options.parallel_angle:
            return CertificateStatus.PARALLEL_NEURONS
    return None


def checked_weights(
    caller: str, problem: TeacherStudent, weights: ArrayLike
) -> tuple[Array, NetworkFunction]:
    """Weights that fit a problem, as an array of their own, and what the networks are."""
    checked_instance("problem", caller, problem, TeacherStudent)
    function = network_function(problem, caller)
    width = "K" if problem.outputs is None else str(problem.width)
    largest = np.inf if problem.dim is None else problem.dim
    points = checked_array(
        "weights",
        caller,
        weights,
        f"({width}, {problem.rank} + E), with no more than {largest} columns",
        lambda shape: (
            len(shape) == 2
            and (shape[0] > 0 if problem.outputs is None else shape[0] == problem.width)
            and problem.rank <= shape[1] <= largest
        ),
    )
    return np.array(points), function


def _read_only(values: Array) -> Array:
    values.setflags(write=False)
    return values
