"""Summary statistics (Q, R, T): from weights and back, the flow field and its Jacobian.

Q = W W^T, R = W V^T, T = V V^T. The gradient flow of the weights closes on them,

    dR/dt = -(A R + B T),    dQ/dt = -(A Q + B R^T) - (A Q + B R^T)^T,

with the coefficients A, B of the gradient A W + B V, which depend on (Q, R) only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_count, checked_instance, checked_products, checked_weights
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.kernels import relu
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = [
    "SummaryStatistics",
    "flow_field",
    "flow_jacobian",
    "summary_statistics",
    "weights_from_statistics",
]

_TWO_PI = 2.0 * np.pi
_VALIDITY = 1e-10
_COLLINEAR = 1e-9
_ROUNDING = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryStatistics(Brief):
    """The Gram matrix of students and teachers in blocks.

    Attributes
    ----------
    student : ndarray, shape (K, K)
        Q = W W^T.
    overlap : ndarray, shape (K, M)
        R = W V^T.
    teacher : ndarray, shape (M, M)
        T = V V^T.
    function : str
        What is not ReLU with output weights 1, in a few words: the flow of the statistics, and its
        noise, are worked out for that alone.

    Examples
    --------
    >>> import landtopo as lt
    >>> point = lt.summary_statistics(lt.Teacher.orthonormal(2), [[1, 0], [0, 2]])
    >>> point.overlap
    array([[1., 0.],
           [0., 2.]])
    """

    student: Array
    overlap: Array
    teacher: Array
    function: str = ""

    def require_relu(self, caller: str) -> None:
        """Raise InvalidArgument unless they are of ReLU with output weights 1.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.summary_statistics(lt.Teacher.orthonormal(1), [[2]]).require_relu("flow_field")
        """
        if self.function:
            raise InvalidArgument(
                f"The 'statistics' argument of {caller} must be of activation relu and output "
                f"weights 1, for which alone it is worked out; got {self.function}."
            )

    def block_matrix(self) -> Array:
        """[[Q, R], [R^T, T]], shape (K + M, K + M).

        Examples
        --------
        >>> import landtopo as lt
        >>> point = lt.summary_statistics(lt.Teacher.orthonormal(1), [[2]])
        >>> point.block_matrix()
        array([[4., 2.],
               [2., 1.]])
        """
        return np.block([[self.student, self.overlap], [self.overlap.T, self.teacher]])


def summary_statistics(teacher: Teacher, weights: ArrayLike) -> SummaryStatistics:
    """(Q, R, T) of weights.

    Parameters
    ----------
    teacher : Teacher
    weights : array_like, shape (K, r + E)
        Weights in the coordinates of the teacher's span and E further ones.

    Returns
    -------
    SummaryStatistics

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.summary_statistics(lt.Teacher.orthonormal(2), [[1, 0], [0, 2]]).student
    array([[1., 0.],
           [0., 4.]])
    """
    checked_instance("teacher", "summary_statistics", teacher, Teacher)
    w = checked_weights("summary_statistics", weights, teacher.rank)
    return SummaryStatistics(
        student=w @ w.T,
        overlap=w[:, : teacher.rank] @ teacher.vectors.T,
        teacher=teacher.gram,
        function="" if teacher.is_plain else teacher.told,
    )


def weights_from_statistics(
    problem: TeacherStudent, student: ArrayLike, overlap: ArrayLike, *, columns: int | None = None
) -> Array:
    """Weights with given summary statistics, up to the rotation outside the span.

    Parameters
    ----------
    problem : TeacherStudent
    student : array_like, shape (K, K)
        Q.
    overlap : array_like, shape (K, M)
        R.
    columns : int, optional
        Number of coordinates to return; by default r plus as many as Q needs.

    Returns
    -------
    ndarray, shape (K, columns)

    Raises
    ------
    InvalidArgument
        If [[Q, R], [R^T, T]] is not positive semidefinite (the message names the negative
        eigenvalue), has overlaps that no weights have, or has a rank above the dimension.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> point = lt.summary_statistics(problem.teacher, [[0.9, 0.1], [0.2, 0.7]])
    >>> lt.weights_from_statistics(problem, point.student, point.overlap).round(6)
    array([[0.9, 0.1],
           [0.2, 0.7]])
    """
    function = "weights_from_statistics"
    checked_instance("problem", function, problem, TeacherStudent)
    teacher = problem.teacher
    width = problem.width
    q = checked_products(function, "student", student, (width, width))
    r = checked_products(function, "overlap", overlap, (width, teacher.size))
    if columns is not None:
        columns = checked_count("columns", function, columns)
    scale = max(float(np.abs(q).max(initial=0.0)), float(np.abs(teacher.gram).max()))
    if np.abs(q - q.T).max() > _VALIDITY * scale:
        raise InvalidArgument("The 'student' argument of weights_from_statistics is not symmetric.")
    block = np.block([[q, r], [r.T, teacher.gram]])
    lowest = float(np.linalg.eigvalsh((block + block.T) / 2)[0])
    if lowest < -_VALIDITY * scale * len(block):
        raise InvalidArgument(
            "Summary statistics must form a positive semidefinite matrix [[Q, R], [R^T, T]]; "
            f"its smallest eigenvalue is {lowest:.6g}."
        )
    inside = np.linalg.lstsq(teacher.vectors, r.T, rcond=None)[0].T
    remainder = q - inside @ inside.T
    values, directions = eigh((remainder + remainder.T) / 2)
    limit = problem.codimension
    needed = int(np.sum(values > _VALIDITY * scale * len(block)))
    if limit is not None and needed > limit:
        raise InvalidArgument(
            f"Summary statistics need {teacher.rank + needed} dimensions, but dim is {problem.dim}."
        )
    keep = values > _ROUNDING * scale * len(block)
    if limit is not None and int(np.sum(keep)) > limit:
        keep[: len(keep) - limit] = False
    used = int(np.sum(keep))
    room = used if columns is None else columns - teacher.rank
    if room < used:
        raise InvalidArgument(
            f"The 'columns' argument of weights_from_statistics must be at least "
            f"{teacher.rank + used} for these statistics; got {columns}."
        )
    outside = np.zeros((width, room))
    outside[:, :used] = (directions[:, keep] * np.sqrt(values[keep]))[:, ::-1]
    return np.hstack([inside, outside])


def flow_field(statistics: SummaryStatistics) -> tuple[Array, Array]:
    """(dQ/dt, dR/dt) of the gradient flow, shapes (K, K) and (K, M).

    Angles are taken from the correlations of Q, R and T; nearly collinear neurons are therefore
    resolved to the square root of rounding only. Integrate weights where that matters.

    Parameters
    ----------
    statistics : SummaryStatistics

    Returns
    -------
    student_rate : ndarray, shape (K, K)
    overlap_rate : ndarray, shape (K, M)

    Examples
    --------
    >>> import landtopo as lt
    >>> point = lt.summary_statistics(lt.Teacher.orthonormal(2), [[1, 0], [0, 1]])
    >>> student, overlap = lt.flow_field(point)
    >>> float(abs(student).max()) < 1e-12
    True
    """
    checked_instance("statistics", "flow_field", statistics, SummaryStatistics)
    statistics.require_relu("flow_field")
    a, b = _coefficients(statistics)
    drift = a @ statistics.student + b @ statistics.overlap.T
    return -(drift + drift.T), -(a @ statistics.overlap + b @ statistics.teacher)


def flow_jacobian(teacher: Teacher, weights: ArrayLike) -> Array:
    """Jacobian of the flow in the coordinates (W_in, upper triangle of Q).

    At an in-span critical point its eigenvalues are exactly {-lambda_i(H_in)} and
    {-(alpha_i + alpha_j), i <= j}, alpha the eigenvalues of the normal block.

    Parameters
    ----------
    teacher : Teacher
    weights : array_like, shape (K, r + E)
        A point without zero neurons.

    Returns
    -------
    ndarray, shape (n, n), n = K r + K (K + 1) / 2

    Examples
    --------
    >>> import landtopo as lt
    >>> lt.flow_jacobian(lt.Teacher.orthonormal(2), [[0.9, 0.1], [0.2, 0.7]]).shape
    (7, 7)
    """
    checked_instance("teacher", "flow_jacobian", teacher, Teacher)
    teacher.require_relu("flow_jacobian")
    w = checked_weights("flow_jacobian", weights, teacher.rank)
    statistics = summary_statistics(teacher, w)
    width, rank = len(w), teacher.rank
    inside = w[:, :rank]
    v = teacher.vectors
    q = statistics.student
    work = _pair_tables(w, teacher)
    norms, cosines, sines = work[1][: width + teacher.size], work[4], work[6]
    cosines, sines = cosines[:, : width + teacher.size], sines[:, : width + teacher.size]
    off = ~np.eye(width, width + teacher.size, dtype=bool)
    if np.any(norms == 0):
        raise InvalidArgument(
            "flow_jacobian needs a point without zero neurons; remove them first."
        )
    a, b = _coefficients_from_tables(work, width, teacher.size)
    signed = np.where(np.arange(width + teacher.size) < width, norms, -norms)
    # At a collinear pair the angle moves like a square root, but its terms in A and B cancel to
    # higher order: the derivative of the sum is the one with the angle held.
    turning = off & (sines > _COLLINEAR)
    inverse = np.where(turning, 1.0 / np.where(turning, sines, 1.0), 0.0)
    rows, columns = np.triu_indices(width)
    size = width * rank + len(rows)
    jacobian = np.empty((size, size))
    for n in range(size):
        d_inside = np.zeros((width, rank))
        d_q = np.zeros((width, width))
        if n < width * rank:
            d_inside.ravel()[n] = 1.0
        else:
            k, j = rows[n - width * rank], columns[n - width * rank]
            d_q[k, j] = d_q[j, k] = 1.0
        d_norm = np.diag(d_q) / (2.0 * norms[:width])
        d_norms = np.concatenate([d_norm, np.zeros(teacher.size)])
        d_product = np.hstack([d_q, d_inside @ v.T])
        d_cos = d_product / np.outer(norms[:width], norms) - cosines * (
            (d_norm / norms[:width])[:, None] + (d_norms / norms)[None, :]
        )
        d_angle = -d_cos * inverse
        d_sine = cosines * d_angle
        d_a = np.where(off[:, :width], -d_angle[:, :width] / _TWO_PI, 0.0)
        d_b = d_angle[:, width:] / _TWO_PI
        own = sines @ signed
        d_own = d_sine @ signed + sines[:, :width] @ d_norm
        d_a[np.diag_indices(width)] = (
            d_own / norms[:width] - own * d_norm / norms[:width] ** 2
        ) / _TWO_PI
        moved = -(d_a @ inside + a @ d_inside + d_b @ v)
        drift = d_a @ q + a @ d_q + d_b @ statistics.overlap.T + b @ (d_inside @ v.T).T
        jacobian[:, n] = np.concatenate([moved.ravel(), -(drift + drift.T)[rows, columns]])
    return jacobian


def _pair_tables(weights: Array, teacher: Teacher) -> tuple[Array, ...]:
    width, columns = weights.shape
    rows, _ = relu.teacher_frame(teacher.vectors, columns)
    work: tuple[Array, ...] = relu.workspace(width, teacher.size, columns)
    relu.pairs(np.ascontiguousarray(weights), rows, work)
    return work


def _coefficients_from_tables(
    work: tuple[Array, ...], width: int, teachers: int
) -> tuple[Array, Array]:
    _, norms, _, own, _, complement, _ = work
    a = complement[:, :width] / _TWO_PI
    a[np.diag_indices(width)] = 0.5 + own / norms[:width]
    return a, -complement[:, width : width + teachers] / _TWO_PI


def _coefficients(statistics: SummaryStatistics) -> tuple[Array, Array]:
    """A and B of the gradient A W + B V from (Q, R, T)."""
    q, r, t = statistics.student, statistics.overlap, statistics.teacher
    student, teacher = np.sqrt(np.diag(q)), np.sqrt(np.diag(t))
    norms = np.concatenate([student, teacher])
    products = np.outer(student, norms)
    live = products > 0
    cosines = np.clip(np.hstack([q, r]) / np.where(live, products, 1.0), -1.0, 1.0)
    angles = 2.0 * np.arctan2(np.sqrt(1.0 - cosines), np.sqrt(1.0 + cosines))
    sines = np.sqrt((1.0 - cosines) * (1.0 + cosines))
    width = len(q)
    sines[np.diag_indices(width)] = 0.0
    signed = np.concatenate([student, -teacher])
    # A zero neuron has no angles; it stays where it is, like in the gradient.
    weights = np.where(live, (np.pi - angles) / _TWO_PI, 0.0)
    a = weights[:, :width]
    a[np.diag_indices(width)] = np.where(
        student > 0, 0.5 + sines @ signed / (_TWO_PI * np.where(student > 0, student, 1.0)), 0.0
    )
    return a, -weights[:, width:]
