"""Rigorous enclosures of the ReLU population loss and its derivatives over boxes of weights.

Balls (midpoint and radius) of python-flint, rounded outwards in every operation: what is returned
contains the value at every point of the box. Needs the package python-flint.

Letters: u, v weight vectors; a = |u|^2, b = |v|^2, C = u.v, S = |u||v| sin t with t the angle
between them, B = pi - t; p = a v - C u and q = b u - C v, the parts orthogonal to u and to v, with
|p| = S sqrt(a) and |q| = S sqrt(b). In them
grad_u g = (S u / a + B v) / 2 pi,
H_uu = (|p| / a (I - u u^T / a) + p p^T / (a |p|)) / (2 pi |u|),
H_uv = (B I + S u v^T / (a b) + p q^T / (a b S)) / 2 pi.
Where a box allows S = 0, the quotients p_i p_j / |p| and p_i q_j / S are bounded by their largest
size, |p| and S sqrt(a b); the derivatives are continuous there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from landtopo.errors import LandtopoError
from landtopo.objective import Array

if TYPE_CHECKING:
    from flint import arb, arb_mat

__all__ = [
    "LeakyNetwork",
    "Network",
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


@dataclass(frozen=True, slots=True)
class _Pair:
    """Enclosures of two vectors' letters; see the module's docstring."""

    u: arb_mat
    v: arb_mat
    a: arb
    b: arb
    cosine: arb
    sine: arb
    opposite: arb
    p: arb_mat
    q: arb_mat
    known: bool

    def swapped(self) -> _Pair:
        """The same pair seen from the second vector."""
        return _Pair(
            self.v,
            self.u,
            self.b,
            self.a,
            self.cosine,
            self.sine,
            self.opposite,
            self.q,
            self.p,
            self.known,
        )

    def value(self) -> arb:
        """2 pi g."""
        return self.sine + self.opposite * self.cosine

    def own_hessian(self, identity: arb_mat) -> arb_mat:
        """2 pi H_uu."""
        length = self.a.sqrt()
        bend = self.sine / length  # |p| / a = |v| sin t
        flat = identity * bend - (self.u.transpose() * self.u) * (bend / self.a)
        if self.known:
            turned = (self.p.transpose() * self.p) / (self.a * length * self.sine)
        else:
            turned = _filled(len(identity.table()), upper(abs(bend)))
        return (flat + turned) / length

    def mixed_hessian(self, identity: arb_mat) -> arb_mat:
        """2 pi H_uv."""
        product = self.a * self.b
        flat = identity * self.opposite + (self.u.transpose() * self.v) * (self.sine / product)
        if self.known:
            turned = (self.p.transpose() * self.q) / (product * self.sine)
        else:
            turned = _filled(len(identity.table()), upper(abs(self.sine) / product.sqrt()))
        return flat + turned


def _filled(size: int, bound: float) -> arb_mat:
    from flint import arb, arb_mat

    return arb_mat(size, size, [arb(0, bound)] * (size * size))


def _pair(u: arb_mat, v: arb_mat, a: arb, b: arb) -> _Pair:
    from flint import arb

    cosine = (u * v.transpose())[0, 0]
    p = v * a - u * cosine
    q = u * b - v * cosine
    # Both S^2 = |p|^2 / a and |q|^2 / b contain no difference of large numbers.
    square = (p * p.transpose())[0, 0] / a
    sine = square.sqrt() if square > 0 else arb(0).union(abs(square).upper().sqrt())
    known = bool(sine > 0) and float(sine.rad()) < _KNOWN * float(sine.mid())
    opposite = arb.pi() - arb.atan2(sine, cosine) if cosine > 0 else arb.atan2(sine, -cosine)
    return _Pair(u, v, a, b, cosine, sine, opposite, p, q, known)


class Network:
    """Enclosures for all students in a box and a teacher of exact doubles.

    Parameters
    ----------
    students : arb_mat, shape (K, D)
        No row may contain zero.
    teachers : arb_mat, shape (M, D)
    """

    def __init__(self, students: arb_mat, teachers: arb_mat) -> None:
        from flint import arb, arb_mat

        self.width = students.nrows()
        self.columns = students.ncols()
        self._weights = students
        self._teachers = teachers
        self._identity = arb_mat(
            self.columns,
            self.columns,
            [arb(i == j) for i in range(self.columns) for j in range(self.columns)],
        )
        rows = _rows(students)
        others = _rows(teachers)
        squares = [(row * row.transpose())[0, 0] for row in rows]
        other_squares = [(row * row.transpose())[0, 0] for row in others]
        self._squares = squares
        self._other_squares = other_squares
        self._rows = rows
        self._others = others
        self._known: dict[tuple[int, int], _Pair] = {}

    def _inner(self, k: int, j: int) -> _Pair:
        """Letters of students k and j, from the first."""
        if (k, j) not in self._known:
            pair = _pair(self._rows[k], self._rows[j], self._squares[k], self._squares[j])
            self._known[k, j] = pair
            self._known[j, k] = pair.swapped()
        return self._known[k, j]

    def _partners(self, k: int) -> list[_Pair]:
        """Pairs of student k with the other students."""
        return [self._inner(k, j) for j in range(self.width) if j != k]

    def _cross(self, k: int) -> list[_Pair]:
        """Pairs of student k with the teachers."""
        teachers = range(self._teachers.nrows())
        for m in teachers:
            # Teachers are counted on from the students, which are one another's only partners.
            if (k, self.width + m) not in self._known:
                self._known[k, self.width + m] = _pair(
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
        from flint import arb, arb_mat

        teachers = [pair.opposite / (2 * arb.pi()) for pair in self._cross(k)]
        own = arb_mat(1, self.width, self.normal_row(k)) * self._weights
        return own - arb_mat(1, len(teachers), teachers) * self._teachers

    def normal_block(self) -> arb_mat:
        """Matrix A, shape (K, K)."""
        from flint import arb_mat

        entries = [x for k in range(self.width) for x in self.normal_row(k)]
        return arb_mat(self.width, self.width, entries)

    def normal_row(self, k: int) -> list[arb]:
        """Row k of the matrix A."""
        from flint import arb

        double_pi = 2 * arb.pi()
        bend = sum((pair.sine for pair in self._partners(k)), arb(0))
        bend -= sum((pair.sine for pair in self._cross(k)), arb(0))
        own = arb(0.5) + bend / (double_pi * self._squares[k])
        return [
            own if j == k else self._inner(k, j).opposite / double_pi for j in range(self.width)
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
        from flint import arb

        if j != k:
            return self._inner(k, j).mixed_hessian(self._identity) / (2 * arb.pi())
        block = self._identity * arb.pi()
        for partner in self._partners(k):
            block += partner.own_hessian(self._identity)
        for partner in self._cross(k):
            block -= partner.own_hessian(self._identity)
        return block / (2 * arb.pi())

    def loss(self) -> arb:
        """Population loss."""
        from flint import arb

        products = arb(0)
        for k in range(self.width):
            products += sum((self._inner(k, j).value() for j in range(k)), arb(0))
            products -= sum((pair.value() for pair in self._cross(k)), arb(0))
        for m, (v, b) in enumerate(zip(self._others, self._other_squares, strict=True)):
            for n in range(m):
                products += _pair(v, self._others[n], b, self._other_squares[n]).value()
        squares = sum(self._squares, arb(0)) + sum(self._other_squares, arb(0))
        return squares / 4 + products / (2 * arb.pi())


class LeakyNetwork(Network):
    """The same for leaky ReLU: (1 - al)^2 times ReLU's, and (al / 2) |sum_k w_k - sum_m v_m|^2.

    Parameters
    ----------
    students, teachers : arb_mat
    slope : float
        al, below zero.
    """

    def __init__(self, students: arb_mat, teachers: arb_mat, slope: float) -> None:
        from flint import arb

        super().__init__(students, teachers)
        self._al = arb(slope)
        self._be = (1 - self._al) ** 2

    def gradient_row(self, k: int) -> arb_mat:
        """Gradient by student k, shape (1, D)."""
        from flint import arb, arb_mat

        # Of both, A W + B V with entries (1 - al)^2 (pi - t) / 2 pi + al in B.
        teachers = [self._be * pair.opposite / (2 * arb.pi()) + self._al for pair in self._cross(k)]
        own = arb_mat(1, self.width, self.normal_row(k)) * self._weights
        return own - arb_mat(1, len(teachers), teachers) * self._teachers

    def normal_row(self, k: int) -> list[arb]:
        """Row k of the matrix A."""
        return [self._be * entry + self._al for entry in super().normal_row(k)]

    def hessian_block(self, k: int, j: int) -> arb_mat:
        """Second derivatives by students k and j, shape (D, D)."""
        return super().hessian_block(k, j) * self._be + self._identity * self._al

    def loss(self) -> arb:
        """Population loss."""
        rest = sum(self._rows, 0 * self._rows[0]) - sum(self._others, 0 * self._rows[0])
        return self._be * super().loss() + self._al / 2 * (rest * rest.transpose())[0, 0]


def networks(teachers: arb_mat, slope: float = 0.0) -> Callable[[arb_mat], Network]:
    """What makes the network of students of one teacher, in as many columns as they have.

    Parameters
    ----------
    teachers : arb_mat, shape (M, D)
    slope : float
        Of the activation below zero; 0 is ReLU.
    """

    def network(students: arb_mat) -> Network:
        wide = widened(teachers, students.ncols() - teachers.ncols())
        return LeakyNetwork(students, wide, slope) if slope else Network(students, wide)

    return network


def _rows(balls: arb_mat) -> Sequence[arb_mat]:
    from flint import arb_mat

    return [arb_mat(1, balls.ncols(), row) for row in balls.tolist()]
