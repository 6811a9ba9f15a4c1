"""Teachers that depend on one parameter.

Vectors are the symmetric root V of the Gram matrix T, which is as smooth as T while T is positive
definite. Whatever permutation of the vectors keeps T for all parameters is a permutation of the
coordinates then, the same one for all of them. The derivative V' solves V V' + V' V = T'.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from landtopo.checks import checked_count, checked_instance, checked_number
from landtopo.errors import InvalidArgument
from landtopo.models.networks.problem import Teacher
from landtopo.numerals import real_number, whole_number
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["TeacherCurve"]

_SPEC = re.compile(r"(equicorrelated|scaled):([^:]+):(.+?)\.\.(.+)")
# Smallest eigenvalue of T on the whole range, relative to the largest.
_DEFINITE = 1e-6
_CHECKED = 33


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherCurve(Brief):
    """A teacher for each value of a parameter in a range.

    Attributes
    ----------
    name : str
        As on the command line, such as ``equicorrelated:6:-0.19..0.95``.
    size : int
        Teacher vectors M, linearly independent for every value.
    low, high : float
    gram, slope : callable
        T and its derivative, shape (M, M), at a value.

    Examples
    --------
    >>> import landtopo as lt
    >>> curve = lt.TeacherCurve.from_spec("equicorrelated:2:-0.5..0.5")
    >>> curve.teacher(0.25).gram
    array([[1.  , 0.25],
           [0.25, 1.  ]])
    """

    name: str
    size: int
    low: float
    high: float
    gram: Callable[[float], Array] = field(repr=False)
    slope: Callable[[float], Array] = field(repr=False)

    def __post_init__(self) -> None:
        for value in np.linspace(self.low, self.high, _CHECKED):
            eigenvalues = np.linalg.eigvalsh(self.gram(float(value)))
            if not eigenvalues[0] > _DEFINITE * eigenvalues[-1]:
                raise InvalidArgument(
                    f"The teacher's vectors must be linearly independent from {self.low:g} to "
                    f"{self.high:g}; at {value:g} the Gram matrix has the eigenvalue "
                    f"{eigenvalues[0]:.3g}."
                )

    def vectors(self, value: float) -> tuple[Array, Array]:
        """Vectors and their derivative, one vector a row, shape (M, M) each.

        Examples
        --------
        >>> import landtopo as lt
        >>> vectors, slope = lt.TeacherCurve.equicorrelated(2, -0.5, 0.5).vectors(0.0)
        >>> slope
        array([[0. , 0.5],
               [0.5, 0. ]])
        """
        values, axes = np.linalg.eigh(self.gram(value))
        roots = np.sqrt(values)
        turned = axes.T @ self.slope(value) @ axes / (roots[:, None] + roots[None, :])
        return (axes * roots) @ axes.T, axes @ turned @ axes.T

    def teacher(self, value: float) -> Teacher:
        """The teacher at a value, in the coordinates of `vectors`.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.equicorrelated(2, -0.5, 0.5).teacher(0.25).name
        'equicorrelated:2:0.25'
        """
        vectors, gram = self.vectors(value)[0], np.array(self.gram(value))
        for array in (vectors, gram):
            array.setflags(write=False)
        return Teacher(vectors, gram, f"{self.name.rsplit(':', 1)[0]}:{value!r}")

    @classmethod
    def equicorrelated(cls, size: int, low: float, high: float) -> TeacherCurve:
        """Unit vectors; the parameter is their common scalar product.

        With two vectors it is the cosine of the angle between them.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.equicorrelated(3, -0.2, 0.9).name
        'equicorrelated:3:-0.2..0.9'
        """
        size = checked_count("size", "TeacherCurve.equicorrelated", size, least=2, most=100)
        low, high = _range("TeacherCurve.equicorrelated", low, high)
        others = np.ones((size, size)) - np.eye(size)
        return cls(
            name=f"equicorrelated:{size}:{low!r}..{high!r}",
            size=size,
            low=low,
            high=high,
            gram=lambda value: np.eye(size) + value * others,
            slope=lambda value: others,
        )

    @classmethod
    def scaled(cls, size: int, low: float, high: float) -> TeacherCurve:
        """Orthogonal vectors; the parameter is the norm of the first one, the others have norm 1.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.scaled(3, 0.5, 2).teacher(0.5).norms
        array([0.5, 1. , 1. ])
        """
        size = checked_count("size", "TeacherCurve.scaled", size, most=100)
        low, high = _range("TeacherCurve.scaled", low, high)
        first = np.zeros((size, size))
        first[0, 0] = 1.0
        return cls(
            name=f"scaled:{size}:{low!r}..{high!r}",
            size=size,
            low=low,
            high=high,
            gram=lambda value: np.eye(size) + (value**2 - 1.0) * first,
            slope=lambda value: 2.0 * value * first,
        )

    @classmethod
    def from_spec(cls, spec: str) -> TeacherCurve:
        """From a short text, as on the command line.

        Parameters
        ----------
        spec : str
            ``equicorrelated:6:-0.19..0.95`` or ``scaled:6:0.5..2``.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.from_spec("scaled:6:0.5..2").high
        2.0
        """
        checked_instance("spec", "TeacherCurve.from_spec", spec, str)
        match = _SPEC.fullmatch(spec)
        try:
            if match is None:
                raise ValueError
            size = whole_number(match[2])
            ends = real_number(match[3]), real_number(match[4])
        except ValueError:
            raise InvalidArgument(
                "The 'spec' argument of TeacherCurve.from_spec must be such as "
                f"equicorrelated:6:-0.19..0.95 or scaled:6:0.5..2; got '{spec}'."
            ) from None
        make = cls.equicorrelated if match[1] == "equicorrelated" else cls.scaled
        return make(size, *ends)


def _range(function: str, low: float, high: float) -> tuple[float, float]:
    low = checked_number("low", function, low, "be a finite number", np.isfinite)
    high = checked_number(
        "high", function, high, f"be a finite number above {low:g}", lambda x: low < x < np.inf
    )
    return float(low), float(high)
