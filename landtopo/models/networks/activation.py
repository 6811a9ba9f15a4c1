"""What is known of an activation s, and what follows from it.

A file in `landtopo/models/networks/activations/` states an activation: `NAME`, the text it is
called by; `PARAMETERS`, what follows after colons (empty if nothing); and `make`, which takes the
texts of the parameters and returns an `Activation`. The file is found by being there.

What it states is s, in floating point and to any number of digits; the pair integral
G(p, q, c) = E[s(u.x) s(v.x)], p = |u|^2, q = |v|^2, c = u.v, and its derivatives, compiled (the
bodies of `landtopo.kernels.formula` for the type of a tag); the degree of homogeneity, the parity,
and whether s has a kink. The rest is derived here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from landtopo.checks import shown
from landtopo.errors import InvalidArgument
from landtopo.objective import Array

__all__ = ["RELU", "Activation", "activation_from_spec", "activation_names", "numbers"]

#: The activation of everything that does not name one.
RELU = "relu"
_PROBES = np.linspace(0.25, 3.0, 12)
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Activation:
    """An activation s(x), as its file states it.

    Attributes
    ----------
    name : str
        The text it is called by, parameters included, such as ``leaky:0.1``.
    tag : named tuple
        Its parameters; the type of the tag chooses the compiled formulas.
    function : callable
        s, of arrays.
    slopes : callable or None
        First and second derivative of s, of arrays, where s has both everywhere.
    exact : callable
        (mp, x) -> s(x) to the working precision of `mp`, an mpmath context.
    degree : int or None
        h of s(t x) = t^h s(x) for all t > 0; None if there is none.
    parity : int
        1 for s(-x) = s(x), -1 for s(-x) = -s(x), 0 for neither.
    kinks : bool
        Whether a derivative of s, up to the second, is missing at 0.
    mixes : bool
        Whether the function depends on W^T W alone, so that rotating neurons into each other is a
        gauge: s(x) = x^2, up to a constant.
    longest : float
        Largest |w| for which the compiled formulas hold.
    error : float
        Error of the pair integral up to there, relative to E[s^2], where it is beyond rounding.
    """

    name: str
    tag: Any = field(repr=False)
    function: Callable[[Array], Array] = field(repr=False)
    exact: Callable[..., Any] = field(repr=False)
    slopes: Callable[[Array], tuple[Array, Array]] | None = field(default=None, repr=False)
    degree: int | None = None
    parity: int = 0
    kinks: bool = False
    mixes: bool = False
    longest: float = np.inf
    error: float = 0.0

    def __eq__(self, other: object) -> bool:
        """Activations of one name are the same."""
        return isinstance(other, Activation) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __getstate__(self) -> dict[str, Any]:
        """All but the formula, whose addresses hold in one process only."""
        return {name: value for name, value in self.__dict__.items() if name != "formula"}

    @cached_property
    def formula(self) -> Any:
        """What compiled loops hold of it: `landtopo.kernels.formula_calls.Formula`."""
        from landtopo.kernels.formula_calls import formula_of

        return formula_of(self.tag)

    @property
    def is_relu(self) -> bool:
        """Whether this is max(x, 0)."""
        return self.name == RELU

    @property
    def merges(self) -> bool:
        """Whether parallel neurons are as good as one: s is homogeneous."""
        return self.degree is not None

    @property
    def turns(self) -> bool:
        """Whether each neuron alone can be turned around: s is even, and does no more than that.

        A symmetry is then a signed permutation of the neurons; where s mixes them, rotations of the
        neurons into each other are a gauge.
        """
        return self.parity == 1 and not self.mixes

    @property
    def vanishes(self) -> bool:
        """Whether a zero neuron leaves the function as it is: s(0) = 0."""
        return float(self.function(np.zeros(1))[0]) == 0.0

    def meeting(self, square: float) -> float:
        """E[s'(u.x)^2], what parallel neurons of a homogeneous s have in common across u.

        With s(x) = k |x|^h on either side of 0 it is h^2 (2h - 3)!! |u|^(2h-2) E[k^2].

        Parameters
        ----------
        square : float
            |u|^2.
        """
        h = self.degree
        if h is None:
            raise ValueError(f"{self.name} is not homogeneous")
        sides = self.function(np.array([1.0, -1.0]))
        odd = float(np.prod(np.arange(2 * h - 3, 0, -2, dtype=np.float64)))
        return float(h**2 * odd * square ** (h - 1) * np.mean(sides**2))

    @cached_property
    def has_linear_odd_part(self) -> bool:
        """Whether s(x) - s(-x) is linear in x: then more maps than permutations can keep f*."""
        odd = self.function(_PROBES) - self.function(-_PROBES)
        return bool(np.ptp(odd / _PROBES) <= _ROUNDING * max(1.0, np.abs(odd / _PROBES).max()))

    @cached_property
    def has_constant_even_part(self) -> bool:
        """Whether s(x) + s(-x) is constant: then a s(v.x) and -a s(-v.x) differ by a constant."""
        even = self.function(_PROBES) + self.function(-_PROBES)
        return bool(np.ptp(even) <= _ROUNDING * max(1.0, np.abs(even).max()))


def activation_names() -> tuple[str, ...]:
    """Texts that name an activation, with what follows after colons.

    Examples
    --------
    >>> "leaky:ALPHA" in activation_names()
    True
    """
    return tuple(
        f"{module.NAME}:{module.PARAMETERS}" if module.PARAMETERS else module.NAME
        for module in _modules().values()
    )


@lru_cache(maxsize=256)
def activation_from_spec(spec: str) -> Activation:
    """The activation that a text names.

    Parameters
    ----------
    spec : str
        Such as ``relu``, ``leaky:0.1``, ``erf``.

    Raises
    ------
    InvalidArgument
        If no file states it, or with such parameters there is none.

    Examples
    --------
    >>> activation_from_spec("erf").parity
    -1
    """
    name, colon, rest = spec.partition(":")
    module = _modules().get(name)
    if module is None:
        raise InvalidArgument(
            f"The 'activation' argument must be one of {', '.join(activation_names())}; got "
            f"{shown(spec)}."
        )
    if bool(colon) != bool(module.PARAMETERS):
        form = f"{name}:{module.PARAMETERS}" if module.PARAMETERS else name
        raise InvalidArgument(
            f"The 'activation' argument must be written as {form}; got {shown(spec)}."
        )
    found: Activation = module.make(rest)
    return found


def numbers(spec: str, text: str) -> tuple[float, ...]:
    """The numbers of parameters that are separated by commas."""
    from landtopo.numerals import real_number

    try:
        return tuple(real_number(part) for part in text.split(","))
    except ValueError:
        raise InvalidArgument(
            f"The 'activation' argument {shown(f'{spec}:{text}')} has a parameter that is not a "
            "number."
        ) from None


@lru_cache(maxsize=1)
def _modules() -> dict[str, ModuleType]:
    from landtopo.models.networks import activations

    found = [
        importlib.import_module(f"{activations.__name__}.{entry.name}")
        for entry in pkgutil.iter_modules(activations.__path__)
    ]
    return {module.NAME: module for module in found}
