"""Rigorous enclosures of a population loss and its derivatives over boxes of weights.

Balls (midpoint and radius) of python-flint, rounded outwards in every operation: what is returned
contains the value at every point of the box. Needs the package python-flint.

What is known of the activation is its kernel (`landtopo.proofs.kernels`, where the letters are).
With |p| = S sqrt(a) and |q| = S sqrt(b), where a box allows S = 0 the quotients p_i p_j / S and
p_i q_j / S are bounded by their largest size, S a and S sqrt(a b); the derivatives are continuous
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from landtopo.errors import LandtopoError
from landtopo.objective import Array
from landtopo.proofs.kernels import Curvature, Kernel, NetworkFunction

if TYPE_CHECKING:
    from flint import arb, arb_mat

__all__ = [
    "Network",
    "Pair",
    "box",
    "lower",
    "matrix",
    "midpoints",
    "networks",
    "radii",
    "require_flint",
    "upper",
    "widened",
]

# A quotient by S is taken only when S is known to this part of itself.
_KNOWN = 0.25


def require_flint() -> None:
    """Say in one sentence that python-flint is missing, if it is.

    Raises
    ------
    LandtopoError
        If python-flint cannot be imported.
    """
    try:
        import flint  # noqa: F401
    except ImportError as error:
        raise LandtopoError(
            "Certificates need the package python-flint; install it with "
            "'pip install landtopo[certify]'."
        ) from error


def lower(ball: arb) -> float:
    """Largest double known to be below every number of the ball; NaN if there is no bound."""
    return float(np.nextafter(float(ball.lower()), -np.inf))


def upper(ball: arb) -> float:
    """Smallest double known to be above every number of the ball; NaN if there is no bound."""
    return float(np.nextafter(float(ball.upper()), np.inf))


def matrix(values: Array) -> arb_mat:
    """Matrix of exact balls."""
    from flint import arb, arb_mat

    rows, columns = values.shape
    return arb_mat(rows, columns, [arb(x) for x in values.ravel().tolist()])


def box(centre: Array | arb_mat, radius: float) -> arb_mat:
    """Matrix of balls of one radius, around exact numbers."""
    from flint import arb, arb_mat

    exact = matrix(centre) if isinstance(centre, np.ndarray) else centre
    entries = [arb(x, radius) for x in exact.entries()]
    return arb_mat(exact.nrows(), exact.ncols(), entries)


def widened(balls: arb_mat, columns: int) -> arb_mat:
    """A matrix with columns of zeros added."""
    from flint import arb, arb_mat

    rows = [row + [arb(0)] * columns for row in balls.tolist()]
    return arb_mat(balls.nrows(), balls.ncols() + columns, [entry for row in rows for entry in row])


def radii(balls: arb_mat) -> Array:
    """Radii of a matrix of balls, approximately."""
    sizes = np.array([float(x.rad()) for x in balls.entries()])
    return sizes.reshape(balls.nrows(), balls.ncols())


def midpoints(balls: arb_mat) -> Array:
    """Midpoints of a matrix of balls, rounded to doubles."""
    values = np.array([float(x.mid()) for x in balls.entries()])
    return values.reshape(balls.nrows(), balls.ncols())


class Pair:
    """Two vectors, and what a kernel makes of them; letters as in `landtopo.proofs.kernels`.

    Each is computed when it is asked for first, and kept.

    Parameters
    ----------
    kernel : Kernel
    u, v : arb_mat, shape (1, D)
    a, b : arb
        Their squares.
    first : Pair, optional
        The same with u and v exchanged, whose letters are taken over.
    """

    def __init__(
        self, kernel: Kernel, u: arb_mat, v: arb_mat, a: arb, b: arb, first: Pair | None = None
    ) -> None:
        self.kernel, self.u, self.v, self.a, self.b = kernel, u, v, a, b
        self._first = first
        self.c: arb = first.c if first else (u * v.transpose())[0, 0]

    def swapped(self) -> Pair:
        """The same pair seen from the second vector."""
        return Pair(self.kernel, self.v, self.u, self.b, self.a, self)

    @cached_property
    def p(self) -> arb_mat:
        """The part of v across u, a v - c u."""
        return self._first.q if self._first else self.v * self.a - self.u * self.c

    @cached_property
    def q(self) -> arb_mat:
        """The part of u across v, b u - c v."""
        return self._first.p if self._first else self.u * self.b - self.v * self.c

    @cached_property
    def sine(self) -> arb:
        """S."""
        from flint import arb

        if self._first:
            return self._first.sine
        # Both S^2 = |p|^2 / a and |q|^2 / b contain no difference of large numbers.
        square = (self.p * self.p.transpose())[0, 0] / self.a
        return square.sqrt() if square > 0 else arb(0).union(abs(square).upper().sqrt())

    @cached_property
    def opposite(self) -> arb:
        """B."""
        from flint import arb

        if self._first:
            return self._first.opposite
        if self.c > 0:
            return arb.pi() - arb.atan2(self.sine, self.c)
        return arb.atan2(self.sine, -self.c)

    @cached_property
    def slopes(self) -> tuple[arb, arb]:
        """Along and across."""
        return self.kernel.slopes(self)

    @cached_property
    def _curvature(self) -> Curvature:
        return self.kernel.curvature(self)

    def value(self) -> arb:
        """G."""
        return self.kernel.value(self)

    def own_hessian(self, identity: arb_mat) -> arb_mat:
        """H_uu."""
        bent = self._curvature
        block = identity * self.slopes[0]
        if bent.aa is not None:
            block += self.u.transpose() * self.u * bent.aa
        if bent.ac is not None:
            mixed = self.u.transpose() * self.v
            block += (mixed + mixed.transpose()) * bent.ac
        if bent.cc is not None:
            block += self.v.transpose() * self.v * bent.cc
        if bent.turn is not None:
            # |p|^2 / (a^2 S) = S / a.
            bound = bent.turn * self.sine / self.a
            block += self._turned(self.p, bent.turn / (self.a * self.a), bound)
        return block

    def mixed_hessian(self, identity: arb_mat) -> arb_mat:
        """H_uv."""
        bent, product = self._curvature, self.a * self.b
        block = identity * self.slopes[1]
        terms = (
            (bent.ab, self.u, self.v),
            (bent.ac, self.u, self.u),
            (bent.bc, self.v, self.v),
            (bent.cc, self.v, self.u),
        )
        for factor, left, right in terms:
            if factor is not None:
                block += left.transpose() * right * factor
        if bent.turn is not None:
            # |p||q| / (a b S) = S / sqrt(a b).
            bound = bent.turn * self.sine / product.sqrt()
            block += self._turned(self.q, bent.turn / product, bound)
        return block

    def _turned(self, other: arb_mat, factor: arb, bound: arb) -> arb_mat:
        """The last term, factor p^T other / S, whose entries are no larger than a bound."""
        from flint import arb, arb_mat

        sine, size = self.sine, self.u.ncols()
        if sine > 0 and float(sine.rad()) < _KNOWN * float(sine.mid()):
            return self.p.transpose() * other * (factor / sine)
        return arb_mat(size, size, [arb(0, upper(abs(bound)))] * (size * size))


class Network:
    """Enclosures for all students in a box and a teacher of exact doubles.

    Parameters
    ----------
    students : arb_mat, shape (K, D)
        Where s has a kink, no row may contain zero.
    teachers : arb_mat, shape (M, D)
    function : NetworkFunction, optional
        Activation and output weights; ReLU and ones by default.
    """

    def __init__(
        self, students: arb_mat, teachers: arb_mat, function: NetworkFunction | None = None
    ) -> None:
        from flint import arb, arb_mat

        self.width = students.nrows()
        self.columns = students.ncols()
        function = function or NetworkFunction()
        self._kernel = function.kernel
        self._students = _strengths(function.students, self.width)
        self._teaching = _strengths(function.teachers, teachers.nrows())
        self._weights = students
        self._teachers = teachers
        self._identity = arb_mat(
            self.columns,
            self.columns,
            [arb(i == j) for i in range(self.columns) for j in range(self.columns)],
        )
        self._rows = _rows(students)
        self._others = _rows(teachers)
        self._squares = [(row * row.transpose())[0, 0] for row in self._rows]
        self._other_squares = [(row * row.transpose())[0, 0] for row in self._others]
        self._known: dict[tuple[int, int], Pair] = {}

    def _pair(self, u: arb_mat, v: arb_mat, a: arb, b: arb) -> Pair:
        return Pair(self._kernel, u, v, a, b)

    def _inner(self, k: int, j: int) -> Pair:
        """Letters of students k and j, from the first."""
        if (k, j) not in self._known:
            pair = self._pair(self._rows[k], self._rows[j], self._squares[k], self._squares[j])
            self._known[k, j] = pair
            self._known[j, k] = pair.swapped()
        return self._known[k, j]

    def _partners(self, k: int) -> list[tuple[arb, Pair]]:
        """Pairs of student k with all other vectors, with a_k a_l and -a_k b_m."""
        strength = self._students[k]
        found = [
            (strength * self._students[j], self._inner(k, j)) for j in range(self.width) if j != k
        ]
        return found + [
            (-strength * b, pair) for b, pair in zip(self._teaching, self._cross(k), strict=True)
        ]

    def _cross(self, k: int) -> list[Pair]:
        """Pairs of student k with the teachers."""
        teachers = range(self._teachers.nrows())
        for m in teachers:
            # Teachers are counted on from the students, which are one another's only partners.
            if (k, self.width + m) not in self._known:
                self._known[k, self.width + m] = self._pair(
                    self._rows[k], self._others[m], self._squares[k], self._other_squares[m]
                )
        return [self._known[k, self.width + m] for m in teachers]

    def gradient(self) -> arb_mat:
        """Gradient as a column, shape (K D, 1): (A W + B V)."""
        from flint import arb_mat

        rows = [x for k in range(self.width) for x in self.gradient_row(k).entries()]
        return arb_mat(len(rows), 1, rows)

    def gradient_row(self, k: int) -> arb_mat:
        """Gradient by student k, shape (1, D)."""
        from flint import arb_mat

        strength = self._students[k]
        teachers = [
            strength * b * pair.slopes[1]
            for b, pair in zip(self._teaching, self._cross(k), strict=True)
        ]
        own = arb_mat(1, self.width, self.normal_row(k)) * self._weights
        return own - arb_mat(1, len(teachers), teachers) * self._teachers

    def normal_block(self) -> arb_mat:
        """Matrix A, shape (K, K)."""
        from flint import arb_mat

        entries = [x for k in range(self.width) for x in self.normal_row(k)]
        return arb_mat(self.width, self.width, entries)

    def normal_row(self, k: int) -> list[arb]:
        """Row k of the matrix A."""
        strength = self._students[k]
        own = strength * strength * self._kernel.own(self._squares[k])[1]
        own += sum(weight * pair.slopes[0] for weight, pair in self._partners(k))
        return [
            own if j == k else strength * self._students[j] * self._inner(k, j).slopes[1]
            for j in range(self.width)
        ]

    def hessian(self) -> arb_mat:
        """Hessian, shape (K D, K D), in C order of the weights."""
        from flint import arb, arb_mat

        size, columns = self.width * self.columns, self.columns
        entries: list[arb] = [arb(0)] * (size * size)
        for k in range(self.width):
            for j in range(k + 1):
                block = self.hessian_block(k, j)
                for row in range(columns):
                    for column in range(columns):
                        entry = block[row, column]
                        entries[(k * columns + row) * size + j * columns + column] = entry
                        entries[(j * columns + column) * size + k * columns + row] = entry
        return arb_mat(size, size, entries)

    def hessian_block(self, k: int, j: int) -> arb_mat:
        """Second derivatives by students k and j, shape (D, D)."""
        strength = self._students[k]
        if j != k:
            mixed = self._inner(k, j).mixed_hessian(self._identity)
            return mixed * (strength * self._students[j])
        _, slope, bend = self._kernel.own(self._squares[k])
        row = self._rows[k]
        block = self._identity * slope + row.transpose() * row * bend
        block *= strength * strength
        for weight, partner in self._partners(k):
            block += partner.own_hessian(self._identity) * weight
        return block

    def loss(self) -> arb:
        """Population loss."""
        from flint import arb

        total = arb(0)
        for k, (a, square) in enumerate(zip(self._students, self._squares, strict=True)):
            total += a * a * self._kernel.own(square)[0] / 2
            total += a * sum(self._students[j] * self._inner(k, j).value() for j in range(k))
            cross = zip(self._teaching, self._cross(k), strict=True)
            total -= a * sum(b * pair.value() for b, pair in cross)
        rows = list(zip(self._teaching, self._others, self._other_squares, strict=True))
        for m, (strength, v, b) in enumerate(rows):
            total += strength * strength * self._kernel.own(b)[0] / 2
            for other, w, c in rows[:m]:
                total += strength * other * self._pair(v, w, b, c).value()
        return total


def networks(
    teachers: arb_mat, function: NetworkFunction | None = None
) -> Callable[[arb_mat], Network]:
    """What makes the network of students of one teacher, in as many columns as they have.

    Parameters
    ----------
    teachers : arb_mat, shape (M, D)
    function : NetworkFunction, optional
        ReLU and ones by default.
    """

    def network(students: arb_mat) -> Network:
        return Network(students, widened(teachers, students.ncols() - teachers.ncols()), function)

    return network


def _strengths(values: Array | None, count: int) -> list[arb]:
    from flint import arb

    return [arb(1)] * count if values is None else [arb(x) for x in values.tolist()]


def _rows(balls: arb_mat) -> Sequence[arb_mat]:
    from flint import arb_mat

    return [arb_mat(1, balls.ncols(), row) for row in balls.tolist()]
