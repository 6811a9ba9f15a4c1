"""`block_family`: a family of critical points of an orthonormal teacher at any size."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import (
    checked_array,
    checked_choice,
    checked_count,
    checked_number,
    shown,
)
from landtopo.errors import InvalidArgument
from landtopo.models.networks.blocks.branch import (
    Branch,
    Crossing,
    branch_of,
    eigenvalues,
)
from landtopo.models.networks.blocks.grown import Grown, grown
from landtopo.models.networks.blocks.kinds import EXTRAS, Kind
from landtopo.models.networks.blocks.loss import PRECISE, Slopes, grad_norm, loss
from landtopo.models.networks.blocks.pattern import Real
from landtopo.models.networks.blocks.spectrum import Representation, representations
from landtopo.objective import Array
from landtopo.shown import Brief, Table

__all__ = [
    "BlockCrossing",
    "BlockEigenvalue",
    "BlockExpansion",
    "BlockFamily",
    "BlockFold",
    "BlockOnset",
    "BlockStatus",
    "block_family",
]

_MOST = 1e9
_MOST_ENTRIES = 10**8
_COEFFICIENTS = 4
# Exchanges are looked for pair by pair.
_LARGEST_GIVEN = 100


class BlockStatus(Enum):
    """What became of the search for a family; the value is a sentence."""

    FOUND = "The gradient is zero."
    NOT_FOUND = "No critical point with these signs was found."
    NOT_REACHED = "The family does not reach this size: it ends, turns back or changes a sign."


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEigenvalue(Brief):
    """An eigenvalue of the Hessian.

    Attributes
    ----------
    value : float
    multiplicity : int or float
        Dimension of the representation. Outside the span, in each unused direction.
    representation : str
        Of the exchanges within the blocks.
    where : str
        ``in the span`` of the teacher, or ``outside`` of it (an eigenvalue of the normal block).
    """

    value: float
    multiplicity: int | float
    representation: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockOnset(Brief):
    """The size above which a family is a minimum, and just below which it is none.

    Attributes
    ----------
    size, loss : float
    representation, where : str
        Of the eigenvalue that is zero there.
    """

    size: float
    loss: float
    representation: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCrossing(Brief):
    """A size at which an eigenvalue is zero.

    Attributes
    ----------
    size, loss : float
    multiplicity : int or float
        How many eigenvalues of the Hessian that is; outside the span, in each unused direction.
    representation, where : str
        Of the eigenvalue.
    rises : bool
        Whether it is negative below this size and positive above, or the other way round.
    """

    size: float
    loss: float
    multiplicity: int | float
    representation: str
    where: str
    rises: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFold(Brief):
    """The size at which a family turns back: it exists above and not below.

    Attributes
    ----------
    size, loss : float
    """

    size: float
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockExpansion(Brief):
    """The loss at large sizes.

    Attributes
    ----------
    power : int
        Of the size that the loss is multiplied by: 1, or 0 where all neurons are anti-aligned.
    limit : float
        Of size^power L.
    coefficients : tuple of float
        Of size^power L by powers of size^(-1/2), the limit first.
    """

    power: int
    limit: float
    coefficients: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFamily(Table):
    """A family at one size.

    Attributes
    ----------
    anti_aligned : int or None
        None for all.
    extra : str or None
    size, width : float
        Teacher vectors and neurons; they need not be integers.
    status : BlockStatus
    loss, grad_norm : float
        NaN where there is no point, as the index is None then.
    index : int, float or None
        Negative eigenvalues, in inputs of infinite dimension: those of the normal block count once
        for each neuron.
    eigenvalues : tuple of BlockEigenvalue
        All, ascending.
    overlaps : tuple of tuples
        ``(orbit of neurons, class of teacher vectors, own, overlap)``.
    given : bool
        Whether the family is that of a given network; `anti_aligned` and `extra` are None then.
    onset : BlockOnset or None
        Where it was asked for and there is one.
    crossings : tuple of BlockCrossing
        By falling size, where onsets were asked for.
    fold : BlockFold or None
        Where onsets were asked for, and the family turns back on its way to smaller sizes.
    lowest_size : float
        The smallest size that was looked at for them; NaN where they were not asked for.
    expansion : BlockExpansion or None
        Where it was asked for.

    Examples
    --------
    >>> import landtopo as lt
    >>> family = lt.block_family("all", size=6)
    >>> isinstance(family, lt.BlockFamily), family.eigenvalues[0].representation
    (True, '(n-2, 1, 1) (anti-aligned)')
    """

    anti_aligned: int | None
    extra: str | None
    size: float
    width: float
    status: BlockStatus
    loss: float
    grad_norm: float
    index: int | float | None
    eigenvalues: tuple[BlockEigenvalue, ...]
    overlaps: tuple[tuple[str, str, bool, float], ...] = field(repr=False)
    given: bool = False
    onset: BlockOnset | None
    crossings: tuple[BlockCrossing, ...] = ()
    fold: BlockFold | None = None
    lowest_size: float = math.nan
    expansion: BlockExpansion | None
    _kind: Kind | Grown = field(repr=False)

    _printed: ClassVar[tuple[str, ...]] = ("value", "multiplicity", "representation", "where")

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the classes of teacher vectors.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.block_family(1, size=6).blocks
        ('anti-aligned', 'aligned')
        """
        return self._kind.classes

    def rows(self) -> list[dict[str, Any]]:
        """One row for each eigenvalue.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.block_family(0, size=4).rows()[-1]["representation"]
        'trivial'
        """
        return [{name: getattr(one, name) for name in self._printed} for one in self.eigenvalues]

    def weights(self) -> Array:
        """A representative: neurons as rows, teacher vectors as axes.

        Returns
        -------
        ndarray, shape (width, size)

        Raises
        ------
        InvalidArgument
            If the size is no integer, there is no point, or there are more than 1e8 weights.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.block_family(1, size=6).weights().shape
        (6, 6)
        """
        if self.status is not BlockStatus.FOUND:
            raise InvalidArgument("There are no weights: the family was not found at this size.")
        if self.size != int(self.size) or self.size * self.width > _MOST_ENTRIES:
            raise InvalidArgument(
                "There are weights of whole sizes, with at most 1e8 entries; the size is "
                f"{self.size:g}."
            )
        size = int(self.size)
        kind = self._kind
        pattern = kind.pattern(size)
        counts = [round(float(one)) for one in pattern.sizes]
        classes = [c for c, number in enumerate(counts) for _ in range(number)]
        values = {(orbit, teacher, own): value for orbit, teacher, own, value in self.overlaps}
        rows = []
        for orbit, followed in zip(kind.orbits, pattern.students, strict=True):
            own_ones = [m for m, c in enumerate(classes) if c == followed]
            for own in own_ones if followed is not None else [-1]:
                rows.append(
                    [values[orbit, kind.classes[c], m == own] for m, c in enumerate(classes)]
                )
        return np.array(rows)


def block_family(
    anti_aligned: int | str | None = None,
    *,
    size: float,
    extra: str | None = None,
    weights: ArrayLike | None = None,
    onset: bool = False,
    expansion: bool = False,
) -> BlockFamily:
    """A family of critical points of an orthonormal teacher and ReLU students, at any size.

    Neurons of a block have the same overlaps, so that there are a handful of unknowns at every
    size, and equations that make sense at sizes which are no integers. The family is looked for at
    a small size and followed from there by arc length; what is told is computed with 60 digits.

    Parameters
    ----------
    anti_aligned : int or str, optional
        How many neurons have a negative overlap with their own teacher vector, or ``all``.
    size : float
        Number M of teacher vectors, at least `anti_aligned` + 1 (or `anti_aligned`, which is all),
        at least 2 and at most 1e9. There are M neurons, or M + 1 with an extra one. With `weights`,
        more than one member of the block that grows.
    extra : str, optional
        One neuron more, with the same overlap with each of the teacher vectors that anti-aligned
        neurons follow: ``spread``, a positive one; ``opposed``, a negative one, as theirs is.
    weights : array_like, shape (K, M), optional
        In place of `anti_aligned` and `extra`: a critical point of the teacher of M orthonormal
        vectors, which are the axes. Its blocks are those of teacher vectors that can be exchanged;
        the largest one grows, the others keep their sizes.
    onset : bool
        Walk from size 1e7 down to the smallest size that the family reaches: all sizes at which an
        eigenvalue is zero, the one above which the family is a minimum and below which it is none,
        and where it turns back. Two changes of one eigenvalue within a step of 0.03 in size^(-1/2)
        are not seen, nor is the other sheet of a fold.
    expansion : bool
        Expand the loss at large sizes.

    Returns
    -------
    BlockFamily

    Raises
    ------
    InvalidArgument
        If an argument cannot be used.

    Examples
    --------
    >>> import landtopo as lt
    >>> family = lt.block_family(1, size=1e7)
    >>> print(f"{family.size * family.loss:.6f}", family.index)
    0.297323 0
    """
    kind: Kind | Grown
    if weights is None:
        kind, exact = _checked_size(_checked_kind(anti_aligned, extra), anti_aligned, size)
    else:
        kind = _checked_network(weights, anti_aligned, extra)
        exact = checked_number(
            "size",
            "block_family",
            size,
            f"lie between {kind.least:g} and {_MOST:g}",
            lambda number: kind.least <= number <= _MOST,
        )
    branch = branch_of(kind)
    at = branch.at(exact) if branch.found else None
    spectrum = () if at is None else _spectrum(kind, at)
    width = float(kind.width(exact))
    walk = branch.walk() if onset and branch.found else None
    crossings = () if walk is None else walk.crossings
    first = next((one for one in crossings if one.onset), None)
    return BlockFamily(
        anti_aligned=kind.anti_aligned if isinstance(kind, Kind) else None,
        extra=extra,
        given=weights is not None,
        size=exact,
        width=width,
        status=_status(branch, at),
        loss=math.nan if at is None else float(loss(at)),
        grad_norm=math.nan if at is None else float(grad_norm(at)),
        index=None if at is None else _index(spectrum, width),
        eigenvalues=spectrum,
        overlaps=() if at is None else _overlaps(kind, at),
        onset=None if first is None else _onset(kind, first),
        crossings=tuple(_crossing(kind, one) for one in crossings),
        fold=None
        if walk is None or walk.fold is None
        else BlockFold(size=float(walk.fold.size), loss=float(loss(walk.fold.at))),
        lowest_size=math.nan if walk is None or walk.lowest is None else walk.lowest,
        expansion=_expansion(branch) if expansion else None,
        _kind=kind,
    )


def _checked_size(kind: Kind, anti_aligned: object, size: object) -> tuple[Kind, float]:
    least = kind.least if anti_aligned in ("all", 0) else max(kind.anti_aligned or 0, 2)
    exact = checked_number(
        "size",
        "block_family",
        size,
        f"be {kind.anti_aligned} or lie between {kind.least:g} and {_MOST:g}"
        if least < kind.least
        else f"lie between {kind.least:g} and {_MOST:g}",
        lambda number: kind.least <= number <= _MOST or number == least,
    )
    if exact == kind.anti_aligned:
        kind = Kind(anti_aligned=None, extra=kind.extra)
    return kind, exact


def _checked_network(weights: ArrayLike, anti_aligned: object, extra: object) -> Grown:
    if anti_aligned is not None or extra is not None:
        raise InvalidArgument(
            "The 'weights' argument of block_family takes the place of anti_aligned and extra; "
            "give one or the other."
        )
    return grown(
        checked_array(
            "weights",
            "block_family",
            weights,
            "(K, M)",
            lambda shape: len(shape) == 2 and shape[0] > 0 and 2 <= shape[1] <= _LARGEST_GIVEN,
        )
    )


def _checked_kind(anti_aligned: object, extra: object) -> Kind:
    if extra is not None:
        extra = checked_choice("extra", "block_family", extra, EXTRAS)
    if anti_aligned is None:
        raise InvalidArgument("block_family needs the 'anti_aligned' or the 'weights' argument.")
    if anti_aligned == "all":
        return Kind(anti_aligned=None, extra=extra)
    if isinstance(anti_aligned, str):
        raise InvalidArgument(
            "The 'anti_aligned' argument of block_family must be an integer >= 0 or all; "
            f"got {shown(anti_aligned)}."
        )
    count = checked_count("anti_aligned", "block_family", anti_aligned, least=0)
    if extra is not None and count == 0:
        raise InvalidArgument(
            "The 'extra' argument of block_family needs anti-aligned neurons; anti_aligned is 0."
        )
    return Kind(anti_aligned=count, extra=extra)


def _status(branch: Branch, at: Slopes | None) -> BlockStatus:
    if at is not None:
        return BlockStatus.FOUND
    return BlockStatus.NOT_REACHED if branch.found else BlockStatus.NOT_FOUND


def _spectrum(kind: Kind | Grown, at: Slopes) -> tuple[BlockEigenvalue, ...]:
    found = [
        BlockEigenvalue(
            value=float(value),
            multiplicity=_whole(one.dimension),
            representation=_name(kind, one),
            where=_where(outside),
        )
        for one in representations(at.pattern)
        for outside in (False, True)
        for value in eigenvalues(at, one, outside=outside)
    ]
    return tuple(sorted(found, key=lambda one: one.value))


def _index(spectrum: tuple[BlockEigenvalue, ...], width: float) -> int | float:
    return _whole(
        sum(
            one.multiplicity * (1 if one.where == _where(False) else width)
            for one in spectrum
            if one.value < 0
        )
    )


def _where(outside: bool) -> str:
    return "outside" if outside else "in the span"


def _whole(number: Real) -> int | float:
    """A number of dimensions; at whole sizes they are whole."""
    nearest = round(float(number))
    return nearest if abs(number - nearest) < PRECISE.mpf("1e-12") else float(number)


def _name(kind: Kind | Grown, one: Representation) -> str:
    if one.kind == "trivial":
        return one.kind
    word = "standard" if one.kind == "product" else one.kind
    return " x ".join(f"{word} ({kind.classes[c]})" for c in one.classes)


def _overlaps(kind: Kind | Grown, at: Slopes) -> tuple[tuple[str, str, bool, float], ...]:
    return tuple(
        (kind.orbits[one.student], kind.classes[one.teacher], one.own, float(value))
        for one, value in zip(at.pattern.coordinates, at.x, strict=True)
    )


def _onset(kind: Kind | Grown, found: Crossing) -> BlockOnset:
    return BlockOnset(
        size=float(found.size),
        loss=float(loss(found.at)),
        representation=_name(kind, found.representation),
        where=_where(found.outside),
    )


def _crossing(kind: Kind | Grown, found: Crossing) -> BlockCrossing:
    return BlockCrossing(
        size=float(found.size),
        loss=float(loss(found.at)),
        multiplicity=_whole(found.representation.dimension),
        representation=_name(kind, found.representation),
        where=_where(found.outside),
        rises=found.rises,
    )


def _expansion(branch: Branch) -> BlockExpansion | None:
    found = branch.expansion() if branch.found else None
    if found is None:
        return None
    power, terms = found
    coefficients = tuple(map(float, terms[:_COEFFICIENTS]))
    return BlockExpansion(power=power, limit=coefficients[0], coefficients=coefficients)
