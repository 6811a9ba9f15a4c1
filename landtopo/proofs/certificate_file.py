"""Certificates of critical points as records that a small program can check without landtopo.

All numbers of a record are exact. The unknowns are one value for each orbit of entries under the
exchanges of teacher vectors that the point is found to have, so that records of wide networks are
small. docs/proofs.md says what is computed from a record, and why that proves what it claims;
`prove_point` computes it too, and makes no record of what it cannot prove.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_options
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.export.files import write_bytes
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.proofs.certification import (
    CertificateStatus,
    CertifyOptions,
    checked_weights,
    refusal,
    submatrix,
    turned,
)
from landtopo.proofs.enclosures import (
    Network,
    matrix,
    midpoints,
    radii,
    require_flint,
    upper,
)
from landtopo.proofs.kernels import NetworkFunction
from landtopo.proofs.reduction import (
    Exchange,
    Reduction,
    exchanges,
    reduction,
    within_values,
)
from landtopo.shown import Brief

if TYPE_CHECKING:
    from flint import arb, arb_mat

__all__ = [
    "CLAIM",
    "PointProof",
    "centre",
    "exact_table",
    "loss_bounds",
    "negatives",
    "prove_point",
    "told_symmetries",
    "write_record",
]

CLAIM = (
    "The box holds exactly one critical point that has the symmetries, up to rotations outside the "
    "columns; its kind, its index in all dimensions and its loss are as stated."
)

# Digits of the centre, relative to the teacher's unit, and of the arithmetic around it.
_CENTRE_BITS = 128
_BITS = 192
# Digits of matrices that are only approximations.
_MATRIX_BITS = 40
_REFINEMENTS = 40
# How far the given weights may be from the point, in the teacher's unit.
_CLOSE = 0.02
_ATTEMPTS = 40
_CONTRACTION = 0.25
# What the largest sum of a row of an approximate basis may differ from that of an orthonormal one.
_SKEW = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PointProof(Brief):
    """What was proved about a critical point, with all that is needed to check it.

    Attributes
    ----------
    neurons : int
    unknowns : int
        Numbers that the point was found with.
    radius : float
        Bound of how far an entry of the critical point is from the centre of the box.
    loss_bounds : tuple of float
        Enclosure of its loss.
    index : int or None
        Negative eigenvalues of the Hessian in d dimensions.
    kind : Kind
    status : CertificateStatus
    record : dict or None
        The certificate as JSON holds it; None where nothing was proved.

    Examples
    --------
    >>> import landtopo as lt
    >>> weights = lt.block_family(1, size=30).weights()
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(30), width=30)
    >>> proof = lt.prove_point(problem, weights)  # needs python-flint
    >>> str(proof.kind), proof.index, proof.unknowns
    ('minimum', 0, 5)
    """

    neurons: int
    unknowns: int
    radius: float
    loss_bounds: tuple[float, float]
    index: int | None
    kind: Kind
    status: CertificateStatus
    record: dict[str, Any] | None = field(repr=False)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate as JSON.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        InvalidArgument
            If nothing was proved.

        Examples
        --------
        >>> import tempfile, os
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> proof = lt.prove_point(problem, [[1, 0], [0, 1]])  # needs python-flint
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     proof.write(os.path.join(folder, "global.json"))
        ...     os.listdir(folder)
        ['global.json']
        """
        if self.record is None:
            raise InvalidArgument("There is no certificate to write: nothing was proved.")
        write_record(self.record, path)


def write_record(record: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a certificate as JSON, in one line."""
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    write_bytes(Path(path), text.encode() + b"\n")


def prove_point(
    problem: TeacherStudent, weights: ArrayLike, options: CertifyOptions | None = None
) -> PointProof:
    """Prove that an isolated critical point lies next to given weights, for others to check.

    As `certify`, with the point refined to 128 bits, and its symmetries used: a point that many
    exchanges of teacher vectors leave alone is proved in as many unknowns as differ.

    Parameters
    ----------
    problem : TeacherStudent
        Teacher and dimension; the width is taken from the weights, unless there are output weights
        of the student. The activation is one that `certify` takes.
    weights : array_like, shape (K, r + E)
        A reduced network (no zero and no parallel neurons, but for erf) close to a critical point.
    options : CertifyOptions, optional
        Its precision is not used.

    Returns
    -------
    PointProof

    Raises
    ------
    InvalidArgument
        If the weights do not fit the problem, or there is no kernel of the activation.
    LandtopoError
        If python-flint is missing.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> lt.prove_point(problem, [[1, 0], [0, 1]]).index  # needs python-flint
    0
    """
    require_flint()
    import flint

    options = checked_options("options", "prove_point", options, CertifyOptions)
    points, function = checked_weights("prove_point", problem, weights)
    scale = float(problem.teacher.norms.max())
    status = refusal(points, options, scale, problem.function)
    if status is not None:
        return nothing(len(points), status)
    with flint.ctx.workprec(_BITS):
        return Prover(problem, function, points, options).proof()


def nothing(neurons: int, status: CertificateStatus) -> PointProof:
    return PointProof(
        neurons=neurons,
        unknowns=0,
        radius=math.inf,
        loss_bounds=(-math.inf, math.inf),
        index=None,
        kind=Kind.UNDECIDED,
        status=status,
        record=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sector:
    """Some symmetries, and places that they leave alone.

    Attributes
    ----------
    marked : list of tuple
        For each place its orbit, and how many look like it under all symmetries of the point.
    """

    own: Reduction
    places: list[list[int]]
    marked: list[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """A number of negative eigenvalues, and an approximate eigenbasis for each sector."""

    number: int
    bases: list[Array]


def told_symmetries(whole: Reduction) -> list[dict[str, Any]]:
    """Symmetries as records hold them."""
    return [
        {
            "neurons": one.neurons.tolist(),
            "columns": [one.column(m) for m in range(whole.labels.shape[1])],
        }
        for one in whole.symmetries
    ]


class Prover:
    """Krawczyk's test and inertia around one centre, in one unknown for each orbit."""

    def __init__(
        self,
        problem: TeacherStudent,
        function: NetworkFunction,
        points: Array,
        options: CertifyOptions,
    ) -> None:
        scale = float(problem.teacher.norms.max())
        self.problem, self.function = problem, function
        self.dim = problem.dim
        self.rank = problem.rank
        self.start, self.pivots, _ = turned(points, problem.rank, options.span_tolerance * scale)
        self.shape: tuple[int, int] = (self.start.shape[0], self.start.shape[1])
        frame = np.zeros((problem.teacher.size, self.shape[1]))
        frame[:, : problem.rank] = problem.teacher.vectors
        self.frame = frame
        self.teachers = matrix(frame)
        self.held = np.zeros(self.shape, dtype=bool)
        for order, row in enumerate(self.pivots):
            self.held[row, self.rank + order + 1 :] = True
        self.unit = 2.0 ** round(math.log2(scale))
        # Beside entries that are held at zero the checker takes no symmetries.
        self.classes = (
            []
            if np.any(self.held)
            else exchanges(
                frame,
                self.start,
                10 * options.parallel_angle * scale,
                (problem.teacher.strengths, self._strengths()),
            )
        )
        self.whole = self._reduction([one for group in self.classes for one in group])
        self.sectors = self._sectors()
        unknowns = int(np.sum(~self.held))
        if sum(len(one.own.sizes) ** 3 for one in self.sectors) > unknowns**3:
            self.classes = []
            self.whole = self._reduction([])
            self.sectors = self._sectors()

    def _strengths(self) -> Array:
        given = self.function.students
        return np.ones(self.shape[0]) if given is None else given

    def _reduction(self, symmetries: Sequence[Exchange]) -> Reduction:
        return reduction(self.shape, self.held, symmetries)

    def _sectors(self) -> list[_Sector]:
        """Together they see a place of each orbit of places."""
        found: dict[tuple[tuple[int, int], ...], _Sector] = {}
        _, firsts = np.unique(self.whole.labels, return_index=True)
        for place in (divmod(int(i), self.shape[1]) for i in firsts):
            if self.held[place]:
                continue
            symmetries = within_values(self.classes, self.whole.labels[place[0]], place[1])
            key = tuple((one.first, one.second) for one in symmetries)
            if key not in found:
                own = self._reduction(symmetries)
                found[key] = _Sector(own=own, places=[], marked=[])
            alike = int(self.whole.sizes[self.whole.labels[place]])
            found[key].places.append(list(place))
            found[key].marked.append((int(found[key].own.labels[place]), alike))
        return list(found.values())

    def _network(self, values: Sequence[arb], radius: arb | float = 0) -> Network:
        from flint import arb

        weights = self.whole.weights([x + arb(0, radius) for x in values])
        return Network(weights, self.teachers, self.function)

    def proof(self) -> PointProof:
        """All of it."""
        refined = self._refined()
        if refined is None:
            return nothing(self.shape[0], CertificateStatus.NOT_PROVED)
        values, inverse = refined
        found = self._contraction(values, inverse)
        if found is None:
            return nothing(self.shape[0], CertificateStatus.NOT_PROVED)
        radius, tight = found
        around = self._network(values, tight)
        inner = self._index(around)
        outer = self._normal_index(around)
        if inner is None or outer is None:
            return nothing(self.shape[0], CertificateStatus.SIGN_OPEN)
        index = inner.number + outer.number
        loss = self._loss(around)
        kind = Kind.SADDLE if index else Kind.MINIMUM
        told = self._told_function()
        record = {
            "format": "landtopo certificate of a point",
            "format_version": 2 if told else 1,
            "claim": CLAIM,
            "kind": str(kind),
            "index": index,
            "loss": [str(x) for x in loss],
            "dim": "infinite" if self.dim is None else self.dim,
            "teacher": _exact(self.frame[:, : self.rank]),
            "box": {"centre": self._centre(values), "radius": str(Fraction(radius))},
            "pivots": self.pivots,
            "inverse": _rounded(inverse),
            "symmetries": told_symmetries(self.whole),
            "sectors": [
                {
                    "symmetries": told_symmetries(one.own),
                    "places": one.places,
                    "basis": _rounded(basis),
                }
                for one, basis in zip(self.sectors, inner.bases, strict=True)
            ],
            "normal_basis": _rounded(outer.bases[0]) if outer.bases else [],
            **told,
        }
        return PointProof(
            neurons=self.shape[0],
            unknowns=len(values),
            radius=upper(tight),
            loss_bounds=loss_bounds(record),
            index=index,
            kind=kind,
            status=CertificateStatus.CERTIFIED,
            record=record,
        )

    def _told_function(self) -> dict[str, Any]:
        """Activation and output weights; nothing for ReLU and ones, as in format 1."""
        if self.problem.teacher.is_plain and self.function.students is None:
            return {}
        both = (self._strengths(), self.problem.teacher.strengths)
        return {
            "activation": self.problem.function.name.partition(":")[0],
            "parameter": str(self.function.kernel.parameter),
            "outputs": [[str(Fraction(x)) for x in a.tolist()] for a in both],
        }

    def _refined(self) -> tuple[list[arb], Array] | None:
        """Values on a grid, by Newton's method with one inverse; and that inverse."""
        from flint import arb

        labels = self.whole.labels.ravel()
        used = labels >= 0
        means = np.bincount(labels[used], self.start.ravel()[used]) / self.whole.sizes
        values = [arb(x) for x in means.tolist()]
        hessian = midpoints(self.whole.hessian(self._network(values)))
        try:
            inverse = _near(np.linalg.inv(hessian))
        except np.linalg.LinAlgError:
            return None
        if not np.all(np.isfinite(inverse)):
            return None
        factor = matrix(inverse)
        last = math.inf
        for _ in range(_REFINEMENTS):
            step = factor * self.whole.gradient(self._network(values))
            size = max(upper(abs(x)) for x in step.entries())
            if not size < last or size < self.unit * 2.0**-_CENTRE_BITS:
                break
            last = size
            values = [(x - s).mid() for x, s in zip(values, step.entries(), strict=True)]
        moved = max(upper(abs(x - y)) for x, y in zip(values, means.tolist(), strict=True))
        if not moved < _CLOSE * self.unit:
            return None
        grid = self.unit * 2.0**-_CENTRE_BITS
        return [arb(_nearest(x / grid)) * grid for x in values], inverse

    def _contraction(self, values: Sequence[arb], inverse: Array) -> tuple[float, arb] | None:
        """Radius of a box that passes, and how far the point is from its centre at most."""
        from flint import arb

        approximate = matrix(inverse)
        step = _row_sum(approximate * self.whole.gradient(self._network(values)))
        size = 2.0**-23 * self.unit
        spread = radii(self.whole.hessian(self._network(values, size)))
        # Infinite where a neuron can be zero in this box; a smaller one is then tried.
        with np.errstate(invalid="ignore", over="ignore"):
            factor = float((np.abs(inverse) @ spread).sum(axis=1).max())
        if 0 < factor < math.inf:
            size *= 2.0 ** math.floor(math.log2(_CONTRACTION / factor))
        one = matrix(np.eye(len(values)))
        for _ in range(_ATTEMPTS):
            product = approximate * self.whole.hessian(self._network(values, size))
            contraction = _row_sum(product - one)
            if contraction < 1 and self._pivots_hold(size):
                tight = (step / (1 - contraction)).upper()
                return (size, tight) if tight < arb(size) / 2 else None
            size /= 2
        return None

    def _pivots_hold(self, size: float) -> bool:
        return all(
            abs(self.start[row, self.rank + order]) > 2 * size
            for order, row in enumerate(self.pivots)
        )

    def _loss(self, around: Network) -> tuple[Fraction, Fraction]:
        """Bounds on a grid, with room for another way of rounding."""
        loss = around.loss()
        grid = self.unit**2 * 2.0 ** -(_CENTRE_BITS - 8)
        room = 8 * float(loss.rad()) / grid + 1
        low = (loss.lower() / grid - room).lower().floor()
        high = (loss.upper() / grid + room).upper().ceil()
        return _whole(low) * Fraction(grid), _whole(high) * Fraction(grid)

    def _centre(self, values: Sequence[arb]) -> dict[str, Any]:
        grid = self.unit * 2.0**-_CENTRE_BITS
        exact = [Fraction(_nearest(x / grid)) * Fraction(grid) for x in values]
        zero = Fraction(0)
        return exact_table(
            [[exact[i] if i >= 0 else zero for i in line] for line in self.whole.labels.tolist()]
        )

    def _index(self, around: Network) -> _Count | None:
        """Negative eigenvalues in the coordinates in use; None where a sign is open."""
        from flint import arb

        total, bases = arb(0), []
        for sector in self.sectors:
            sizes = sector.own.sizes.tolist()
            scaled = sector.own.hessian(around)
            roots = [arb(size).rsqrt() for size in sizes]
            for i, left in enumerate(roots):
                for j, right in enumerate(roots):
                    scaled[i, j] *= left * right
            bases.append(_eigenbasis(scaled))
            seen = _seen(scaled, sizes, bases[-1], sector.marked)
            if seen is None:
                return None
            total += seen
        number = total.unique_fmpz()
        return None if number is None else _Count(number=int(number), bases=bases)

    def _normal_index(self, around: Network) -> _Count | None:
        """The same in all unused directions together."""
        rows = [k for k in range(self.shape[0]) if k not in self.pivots]
        times = len(rows) if self.dim is None else self.dim - self.shape[1]
        if not (times and rows):
            return _Count(number=0, bases=[])
        block = submatrix(around.normal_block(), rows)
        basis = _eigenbasis(block)
        seen = _seen(block, [1] * len(rows), basis, [(i, 1) for i in range(len(rows))])
        if seen is None:
            return None
        return _Count(number=times * int(seen.unique_fmpz() or 0), bases=[basis])


def negatives(balls: arb_mat) -> int | None:
    """Negative eigenvalues of a symmetric matrix; None where a sign is open."""
    size = balls.nrows()
    seen = _seen(balls, [1] * size, _eigenbasis(balls), [(i, 1) for i in range(size)])
    return None if seen is None else int(seen.unique_fmpz() or 0)


def _eigenbasis(balls: arb_mat) -> Array:
    return _near(eigh(midpoints(balls))[1])


def _seen(
    scaled: arb_mat, sizes: list[int], basis: Array, marked: list[tuple[int, int]]
) -> arb | None:
    """What the marked orbits contribute to the trace; None where a sign is open."""
    from flint import arb

    size = len(basis)
    vectors = matrix(basis)
    form = vectors.transpose() * scaled * vectors
    skew = _row_sum(vectors.transpose() * vectors - matrix(np.eye(size)))
    slack = 2 * skew + skew * skew
    diagonal = [form[i, i].mid() for i in range(size)]
    error = slack * _row_sum(form)
    for i, entry in enumerate(diagonal):
        form[i, i] -= entry
    error = (error + _row_sum(form)).upper()
    gap = min(abs(entry) for entry in diagonal)
    # Weyl: the orthonormal basis next to this one has a form this close to the diagonal.
    if not (skew < _SKEW and error < gap):
        return None
    below = [i for i, entry in enumerate(diagonal) if entry < 0]
    if len(marked) == size == sum(sizes):
        return arb(len(below))
    total = arb(0)
    for row, count in marked:
        squares = [arb(x) * arb(x) for x in basis[row].tolist()]
        part = sum((squares[i] for i in below), arb(0))
        # Davis and Kahan: projectors differ by no more than error / gap.
        room = (slack * sum(squares, arb(0)) + error / gap).upper()
        total += count * (part + arb(0, room))
    return total


def _row_sum(balls: arb_mat) -> arb:
    """Bound of the sums of sizes in rows, an exact ball; NaN if a ball has none."""
    from flint import arb

    sums = [sum((abs(x) for x in row), arb(0)).upper() for row in balls.tolist()]
    return max(sums) if all(x.is_finite() for x in sums) else arb.nan()


def _nearest(ball: arb) -> int:
    from flint import arb

    return _whole((ball.mid() + arb(0.5)).mid().floor())


def _whole(exact: arb) -> int:
    """The integer that an exact ball is."""
    mantissa, exponent = exact.mid().man_exp()
    return int(Fraction(int(mantissa)) * Fraction(2) ** int(exponent))


def _near(values: np.ndarray[Any, Any]) -> Array:
    """Doubles on the grid of matrices that are approximations."""
    return np.asarray(np.ldexp(np.rint(np.ldexp(values, _MATRIX_BITS)), -_MATRIX_BITS))


def _rounded(values: Array) -> dict[str, Any]:
    scaled = np.ldexp(values, _MATRIX_BITS)
    return {
        "denominator": 2**_MATRIX_BITS,
        "numerators": [[int(x) for x in line] for line in scaled.tolist()],
    }


def _exact(values: Array) -> dict[str, Any]:
    return exact_table([[Fraction(x) for x in line] for line in values.tolist()])


def exact_table(values: Sequence[Sequence[Fraction]]) -> dict[str, Any]:
    """A matrix as records hold it."""
    denominator = math.lcm(*(x.denominator for line in values for x in line))
    return {
        "denominator": denominator,
        "numerators": [[int(x * denominator) for x in line] for line in values],
    }


def centre(record: dict[str, Any]) -> Array:
    """The centre of a certificate's box, to doubles."""
    table = record["box"]["centre"]
    scale = table["denominator"]
    return np.array([[float(Fraction(x, scale)) for x in line] for line in table["numerators"]])


def loss_bounds(record: dict[str, Any]) -> tuple[float, float]:
    """The enclosure of the loss that a certificate claims, or a little more."""
    low, high = map(Fraction, record["loss"])
    return _outward(low, -1), _outward(high, 1)


def _outward(number: Fraction, sign: int) -> float:
    """A double on that side of an exact number."""
    value = float(number)
    return (
        value if (Fraction(value) - number) * sign >= 0 else math.nextafter(value, sign * math.inf)
    )
