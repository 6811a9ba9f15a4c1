"""Pair integrals of activations and their derivatives, in balls.

g(u, v) = G(a, b, c) with a = |u|^2, b = |v|^2, c = u.v; S = |u||v| sin t, B = pi - t with t the
angle between u and v, and p = a v - c u, q = b u - c v the parts orthogonal to u and to v. A kernel
states

    grad_u g = along u + across v,    along = 2 G_a, across = G_c,
    H_uu = along I + aa u u^T + ac (u v^T + v u^T) + cc v v^T + turn p p^T / (a^2 S),
    H_uv = across I + ab u v^T + ac u u^T + bc v v^T + cc v u^T + turn p q^T / (a b S),

and for one neuron phi(a) = G(a, a, a), phi' and 2 phi''. Where turn is zero, aa = 4 G_aa,
ac = 2 G_ac, bc = 2 G_bc, cc = G_cc and ab = 4 G_ab, which is the same, E[s''(u.x) s''(v.x)]. Where
s' jumps, that has a pole at S = 0; what of the derivatives is not bounded there one by one is taken
together in the last term. The formulas are those of the activations' files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from landtopo.errors import InvalidArgument
from landtopo.models.networks.activations.erf import Erf
from landtopo.models.networks.activations.leaky import Leaky
from landtopo.models.networks.activations.quadratic import Quadratic
from landtopo.models.networks.activations.squared_relu import SquaredRelu
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array

if TYPE_CHECKING:
    from flint import arb

__all__ = [
    "Curvature",
    "ErfKernel",
    "Kernel",
    "LeakyKernel",
    "Letters",
    "NetworkFunction",
    "QuadraticKernel",
    "SquaredReluKernel",
    "network_function",
]

_NAMES = "relu, leaky, abs, erf, squared-relu or quadratic"


class Letters(Protocol):
    """What a kernel is told of two vectors; what it does not ask for is not computed."""

    @property
    def a(self) -> arb:
        """|u|^2."""

    @property
    def b(self) -> arb:
        """|v|^2."""

    @property
    def c(self) -> arb:
        """u.v."""

    @property
    def sine(self) -> arb:
        """S."""

    @property
    def opposite(self) -> arb:
        """B."""


class Curvature(NamedTuple):
    """Coefficients of second derivatives; see the module's docstring. None is zero."""

    aa: arb | None = None
    ac: arb | None = None
    bc: arb | None = None
    cc: arb | None = None
    ab: arb | None = None
    turn: arb | None = None


class Kernel(Protocol):
    """A pair integral and its derivatives."""

    @property
    def parameter(self) -> Fraction:
        """The parameter of the activation, exactly; 0 if it has none."""

    def value(self, x: Letters) -> arb:
        """G."""

    def slopes(self, x: Letters) -> tuple[arb, arb]:
        """Along and across."""

    def curvature(self, x: Letters) -> Curvature:
        """Second derivatives."""

    def own(self, a: arb) -> tuple[arb, arb, arb]:
        """phi, phi' and 2 phi''."""


@dataclass(frozen=True, slots=True)
class LeakyKernel:
    """Leaky ReLU, with ReLU and |x|: (1 - al)^2 times ReLU's, and al c."""

    slope: float

    @property
    def parameter(self) -> Fraction:
        """Slope below zero."""
        return Fraction(self.slope)

    def _part(self) -> arb:
        from flint import arb

        return (1 - arb(self.slope)) ** 2 / (2 * arb.pi())

    def value(self, x: Letters) -> arb:
        """(1 - al)^2 (S + B c) / 2 pi + al c."""
        return self._part() * (x.sine + x.opposite * x.c) + self.slope * x.c

    def slopes(self, x: Letters) -> tuple[arb, arb]:
        """Along and across."""
        part = self._part()
        return part * x.sine / x.a, part * x.opposite + self.slope

    def curvature(self, x: Letters) -> Curvature:
        """Second derivatives, with all poles in one term."""
        part = self._part()
        bend = part * x.sine / x.a
        return Curvature(aa=-bend / x.a, ab=bend / x.b, turn=part)

    def own(self, a: arb) -> tuple[arb, arb, arb]:
        """(1 + al^2) / 2 times a."""
        from flint import arb

        half = (1 + arb(self.slope) ** 2) / 2
        return half * a, half, arb(0)


@dataclass(frozen=True, slots=True)
class ErfKernel:
    """erf(x / sqrt 2); D = (1 + a)(1 + b) - c^2, which is never below 1 + a + b."""

    parameter: Fraction = Fraction(0)

    def _root(self, x: Letters) -> tuple[arb, arb]:
        from flint import arb

        least = 1 + x.a + x.b
        square = (1 + x.a) * (1 + x.b) - x.c * x.c
        d = least + arb(0).max(square - least)
        return d, 2 / (arb.pi() * d.sqrt())

    def value(self, x: Letters) -> arb:
        """(2 / pi) atan(c / sqrt D)."""
        from flint import arb

        d, _ = self._root(x)
        return 2 / arb.pi() * (x.c / d.sqrt()).atan()

    def slopes(self, x: Letters) -> tuple[arb, arb]:
        """Along and across."""
        _, across = self._root(x)
        return -x.c * across / (1 + x.a), across

    def curvature(self, x: Letters) -> Curvature:
        """Second derivatives."""
        d, across = self._root(x)
        left, right, bend = 1 + x.a, 1 + x.b, across / d
        return Curvature(
            aa=x.c * (2 * across / left**2 + bend * right / left),
            ac=-right * bend,
            bc=-left * bend,
            cc=x.c * bend,
            ab=x.c * bend,
        )

    def own(self, a: arb) -> tuple[arb, arb, arb]:
        """Phi = (2 / pi) asin(a / (1 + a)), and its derivatives."""
        from flint import arb

        square = 1 + 2 * a
        slope = 2 / (arb.pi() * (1 + a) * square.sqrt())
        value = 2 / arb.pi() * (a / square.sqrt()).atan()
        return value, slope, -2 * slope * (1 / (1 + a) + 1 / square)


@dataclass(frozen=True, slots=True)
class SquaredReluKernel:
    """max(x, 0)^2: second derivatives are bounded, and continuous where no neuron is zero."""

    parameter: Fraction = Fraction(0)

    def value(self, x: Letters) -> arb:
        """(3 c S + B (a b + 2 c^2)) / 2 pi."""
        from flint import arb

        whole = 3 * x.c * x.sine + x.opposite * (x.a * x.b + 2 * x.c * x.c)
        return whole / (2 * arb.pi())

    def slopes(self, x: Letters) -> tuple[arb, arb]:
        """Along and across."""
        from flint import arb

        along = x.c * x.sine / x.a + x.opposite * x.b
        return along / arb.pi(), 2 * (x.sine + x.opposite * x.c) / arb.pi()

    def curvature(self, x: Letters) -> Curvature:
        """Second derivatives."""
        from flint import arb

        bend = 2 * x.sine / arb.pi()
        bent = 2 * x.opposite / arb.pi()
        return Curvature(
            aa=-x.c * bend / (x.a * x.a), ac=bend / x.a, bc=bend / x.b, cc=bent, ab=bent
        )

    def own(self, a: arb) -> tuple[arb, arb, arb]:
        """3 a^2 / 2."""
        from flint import arb

        return 3 * a * a / 2, 3 * a, arb(6)


@dataclass(frozen=True, slots=True)
class QuadraticKernel:
    """x^2."""

    parameter: Fraction = Fraction(0)

    def value(self, x: Letters) -> arb:
        """The value a b + 2 c^2."""
        return x.a * x.b + 2 * x.c * x.c

    def slopes(self, x: Letters) -> tuple[arb, arb]:
        """Along and across."""
        return 2 * x.b, 4 * x.c

    def curvature(self, x: Letters) -> Curvature:
        """Second derivatives."""
        from flint import arb

        return Curvature(cc=arb(4), ab=arb(4))

    def own(self, a: arb) -> tuple[arb, arb, arb]:
        """3 a^2."""
        from flint import arb

        return 3 * a * a, 6 * a, arb(12)


_KERNELS: dict[type, Callable[[Any], Kernel]] = {
    Leaky: lambda tag: LeakyKernel(tag.slope),
    Erf: lambda tag: ErfKernel(),
    SquaredRelu: lambda tag: SquaredReluKernel(),
    Quadratic: lambda tag: QuadraticKernel(),
}


@dataclass(frozen=True, slots=True)
class NetworkFunction:
    """What students and teacher make of their weights.

    Attributes
    ----------
    kernel : Kernel
    students, teachers : ndarray of shape (K,) and (M,), or None
        Output weights; None is ones.
    """

    kernel: Kernel = LeakyKernel(0.0)
    students: Array | None = None
    teachers: Array | None = None


def network_function(problem: TeacherStudent, caller: str) -> NetworkFunction:
    """The function of a problem's networks, if it is one whose proofs are worked out.

    Parameters
    ----------
    problem : TeacherStudent
    caller : str
        Named in the refusal.

    Raises
    ------
    InvalidArgument
        If there is no kernel of the activation here.
    """
    tag = problem.function.tag
    if type(tag) not in _KERNELS:
        raise InvalidArgument(
            f"The 'problem' argument of {caller} must have the activation {_NAMES}, whose pair "
            f"integrals have closed forms in balls; got {problem.teacher.activation}."
        )
    return NetworkFunction(
        kernel=_KERNELS[type(tag)](tag),
        students=None if problem.outputs is None else problem.strengths,
        teachers=None if problem.teacher.outputs is None else problem.teacher.strengths,
    )
