"""Teachers that depend on one parameter: of their vectors, or of their activation.

Vectors are the symmetric root V of the Gram matrix T, which is as smooth as T while T is positive
definite. Whatever permutation of the vectors keeps T for all parameters is a permutation of the
coordinates then, the same one for all of them. The derivative V' solves V V' + V' V = T'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from landtopo.checks import checked_count, checked_instance, checked_number, shown
from landtopo.eigen import eigh
from landtopo.errors import InvalidArgument
from landtopo.models.networks.activation import RELU, activation_from_spec
from landtopo.models.networks.activations.leaky import NAME as LEAKY
from landtopo.models.networks.activations.leaky import Leaky
from landtopo.models.networks.problem import Teacher
from landtopo.numerals import real_number, whole_number
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["SweptParameter", "TeacherCurve"]

# Smallest eigenvalue of T on the whole range, relative to the largest.
_DEFINITE = 1e-6
_MOST_VECTORS = 100


class SweptParameter(StrEnum):
    """What changes along a curve of teachers, in words."""

    CORRELATION = "scalar product of the teacher's vectors"
    NORM = "norm of the teacher's first vector"
    ANGLE = "angle of the teacher's vectors (radians)"
    LEAK = "slope of the activation below zero"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TeacherCurve(Brief):
    """A teacher for each value of a parameter in a range.

    Attributes
    ----------
    name : str
        Of the teacher, as on the command line, such as ``equicorrelated:6:-0.19..0.95``.
    activation : str
        ``relu`` or ``leaky:ALPHA``; with ``leaky:-0.5..0.9`` the parameter is ALPHA.
    parameter : SweptParameter
    low, high : float
    base : ndarray, shape (M, M)
        Gram matrix where the parameter is ALPHA, else that of orthonormal vectors.
    alpha : float
        Slope of the activation below zero where it is fixed.

    Examples
    --------
    >>> import landtopo as lt
    >>> curve = lt.TeacherCurve.from_spec("equicorrelated:2:-0.5..0.5")
    >>> curve.teacher(0.25).gram
    array([[1.  , 0.25],
           [0.25, 1.  ]])
    """

    name: str
    activation: str = RELU
    parameter: SweptParameter
    low: float
    high: float
    base: Array = field(repr=False)
    alpha: float = 0.0

    def __post_init__(self) -> None:
        # Along each curve the smallest eigenvalue is lowest at an end of the range.
        for value in (self.low, self.high):
            eigenvalues = np.linalg.eigvalsh(self.gram(value))
            if not eigenvalues[0] > _DEFINITE * eigenvalues[-1]:
                raise InvalidArgument(
                    f"The teacher's vectors must be linearly independent from {self.low:g} to "
                    f"{self.high:g}; at {value:g} the Gram matrix has the eigenvalue "
                    f"{eigenvalues[0]:.3g}."
                )

    @property
    def size(self) -> int:
        """Teacher vectors M, linearly independent for every value."""
        return len(self.base)

    @property
    def title(self) -> str:
        """The name, with the activation where it is not ReLU.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.from_spec("orthonormal:2", "leaky:0..0.5").title
        'orthonormal:2 | activation=leaky:0.0..0.5'
        """
        return (
            self.name if self.activation == RELU else f"{self.name} | activation={self.activation}"
        )

    def gram(self, value: float) -> Array:
        """T at a value, shape (M, M).

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.scaled(2, 1, 3).gram(2.0)
        array([[4., 0.],
               [0., 1.]])
        """
        found = self.base.copy()
        if self.parameter is SweptParameter.NORM:
            found[0, 0] = value**2
        elif self.parameter is not SweptParameter.LEAK:
            angle = self.parameter is SweptParameter.ANGLE
            found[~np.eye(self.size, dtype=bool)] = np.cos(value) if angle else value
        return found

    def slope(self, value: float) -> Array:
        """The derivative of T by the parameter, shape (M, M).

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.scaled(2, 1, 3).slope(2.0)
        array([[4., 0.],
               [0., 0.]])
        """
        found = np.zeros_like(self.base)
        if self.parameter is SweptParameter.NORM:
            found[0, 0] = 2.0 * value
        elif self.parameter is not SweptParameter.LEAK:
            angle = self.parameter is SweptParameter.ANGLE
            found[~np.eye(self.size, dtype=bool)] = -np.sin(value) if angle else 1.0
        return found

    def leak(self, value: float) -> tuple[float, float]:
        """The activation's slope below zero, and its derivative by the parameter.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.from_spec("orthonormal:2", "leaky:0..0.5").leak(0.25)
        (0.25, 1.0)
        """
        return (value, 1.0) if self.parameter is SweptParameter.LEAK else (self.alpha, 0.0)

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
        values, axes = eigh(self.gram(value))
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
        vectors, gram = self.vectors(value)[0], self.gram(value)
        for array in (vectors, gram):
            array.setflags(write=False)
        if self.parameter is SweptParameter.LEAK:
            return Teacher(vectors, gram, self.name).with_function(f"leaky:{value!r}")
        name = f"{self.name.rsplit(':', 1)[0]}:{value!r}"
        return Teacher(vectors, gram, name).with_function(self.activation)

    @classmethod
    def equicorrelated(
        cls, size: int, low: float, high: float, *, activation: str = RELU
    ) -> TeacherCurve:
        """Unit vectors; the parameter is their common scalar product.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.equicorrelated(3, -0.2, 0.9).name
        'equicorrelated:3:-0.2..0.9'
        """
        size = checked_count(
            "size", "TeacherCurve.equicorrelated", size, least=2, most=_MOST_VECTORS
        )
        low, high = _range("TeacherCurve.equicorrelated", low, high, -1.0 / (size - 1), 1.0)
        return cls(
            name=f"equicorrelated:{size}:{low!r}..{high!r}",
            parameter=SweptParameter.CORRELATION,
            low=low,
            high=high,
            base=np.eye(size),
            **_fixed("TeacherCurve.equicorrelated", activation),
        )

    @classmethod
    def scaled(cls, size: int, low: float, high: float, *, activation: str = RELU) -> TeacherCurve:
        """Orthogonal vectors; the parameter is the norm of the first one, the others have norm 1.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.scaled(3, 0.5, 2).teacher(0.5).norms
        array([0.5, 1. , 1. ])
        """
        size = checked_count("size", "TeacherCurve.scaled", size, most=_MOST_VECTORS)
        low, high = _range("TeacherCurve.scaled", low, high, 0.0, np.inf)
        return cls(
            name=f"scaled:{size}:{low!r}..{high!r}",
            parameter=SweptParameter.NORM,
            low=low,
            high=high,
            base=np.eye(size),
            **_fixed("TeacherCurve.scaled", activation),
        )

    @classmethod
    def at_angle(cls, low: float, high: float, *, activation: str = RELU) -> TeacherCurve:
        """Two unit vectors; the parameter is their angle, in radians.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.at_angle(0.5, 3.0).teacher(1.0).gram.round(6)
        array([[1.      , 0.540302],
               [0.540302, 1.      ]])
        """
        low, high = _range("TeacherCurve.at_angle", low, high, 0.0, np.pi)
        return cls(
            name=f"angle:{low!r}..{high!r}",
            parameter=SweptParameter.ANGLE,
            low=low,
            high=high,
            base=np.eye(2),
            **_fixed("TeacherCurve.at_angle", activation),
        )

    @classmethod
    def leaky(cls, teacher: Teacher, low: float, high: float) -> TeacherCurve:
        """One teacher of leaky ReLU; the parameter is the slope ALPHA below zero.

        ReLU has 0. At 1 the activation is linear, and the loss has one flat set of minima. At -1 it
        is the absolute value, and turning single neurons round changes nothing. ALPHA and 1 / ALPHA
        have the same critical points, so nothing is missed beyond.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.leaky(lt.Teacher.orthonormal(2), -0.5, 0.5).activation
        'leaky:-0.5..0.5'
        """
        checked_instance("teacher", "TeacherCurve.leaky", teacher, Teacher)
        teacher.require_relu("TeacherCurve.leaky")
        low, high = _range("TeacherCurve.leaky", low, high, -np.inf, np.inf)
        if not -1.0 <= low < high < 1.0:
            raise InvalidArgument(
                "The slopes of a sweep over leaky ReLU must lie between -1 and 1, below 1, where "
                "the activation is linear and no minimum is isolated; a slope and its inverse have "
                f"the same critical points; got {low:g} to {high:g}."
            )
        return cls(
            name=teacher.name,
            activation=f"leaky:{low!r}..{high!r}",
            parameter=SweptParameter.LEAK,
            low=low,
            high=high,
            base=np.array(teacher.gram),
        )

    @classmethod
    def from_spec(cls, spec: str, activation: str = RELU) -> TeacherCurve:
        """From short texts, as on the command line, with LOW..HIGH in place of one number.

        Parameters
        ----------
        spec : str
            ``equicorrelated:6:-0.19..0.95``, ``scaled:6:0.5..2``, ``angle:0.5..3``, or any teacher.
        activation : str
            ``relu``, ``leaky:0.1``, or ``leaky:-0.5..0.9`` with a teacher that has no interval.

        Examples
        --------
        >>> import landtopo as lt
        >>> lt.TeacherCurve.from_spec("scaled:6:0.5..2").high
        2.0
        >>> lt.TeacherCurve.from_spec("orthonormal:6", "leaky:0..0.9").parameter.value
        'slope of the activation below zero'
        """
        function = "TeacherCurve.from_spec"
        checked_instance("spec", function, spec, str)
        checked_instance("activation", function, activation, str)
        maker, *parts = spec.split(":")
        kind, *slopes = activation.split(":")
        found = [part for part in (*parts, *slopes) if _is_interval(part)]
        if len(found) != 1:
            raise InvalidArgument(
                "A sweep needs one interval LOW..HIGH in place of a number, in the teacher or in "
                f"the activation, such as equicorrelated:6:-0.19..0.95; {shown(spec)} with "
                f"{shown(activation)} has {'none' if not found else len(found)}."
            )
        try:
            low, high = (real_number(end) for end in found[0].split(".."))
            if slopes == found and kind == LEAKY:
                return cls.leaky(Teacher.from_spec(spec), low, high)
            if parts == found and maker == "angle":
                return cls.at_angle(low, high, activation=activation)
            if len(parts) == 2 and parts[1] == found[0] and maker in ("equicorrelated", "scaled"):
                make = cls.scaled if maker == "scaled" else cls.equicorrelated
                return make(whole_number(parts[0]), low, high, activation=activation)
        except ValueError as error:
            if isinstance(error, InvalidArgument):
                raise
        raise InvalidArgument(
            "The interval of a sweep must take the place of the last number of "
            "equicorrelated:M:RHO, scaled:M:NORM or angle:PHI, or of ALPHA in leaky:ALPHA, with a "
            f"number on either side; got {shown(spec)} with {shown(activation)}."
        )


def _is_interval(part: str) -> bool:
    low, dots, high = part.partition("..")
    # A file may be in the folder above.
    return bool(dots and low and high) and "/" not in part


def _fixed(function: str, activation: str) -> dict[str, Any]:
    """The arguments of a curve that say its activation."""
    known = activation_from_spec(activation)
    if known.is_relu:
        return {}
    if not isinstance(known.tag, Leaky) or known.parity:
        raise InvalidArgument(
            f"The 'activation' argument of {function} must be relu or leaky:ALPHA with an ALPHA "
            f"other than -1, for which alone it is worked out; got {shown(activation)}."
        )
    return {"activation": known.name, "alpha": float(known.tag.slope)}


def _range(
    function: str, low: float, high: float, least: float, most: float
) -> tuple[float, float]:
    low = checked_number(
        "low", function, low, f"be a finite number >= {least:.6g}", lambda x: least <= x < np.inf
    )
    high = checked_number(
        "high",
        function,
        high,
        f"be a finite number above {low:g}, and at most {most:.6g}",
        lambda x: low < x < np.inf and x <= most,
    )
    return float(low), float(high)
