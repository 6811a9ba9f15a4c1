"""What arguments must be, and the one sentence that says which one is not.

Every public function passes what it is given through these before it does any work.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from landtopo.errors import InvalidArgument
from landtopo.objective import Array

__all__ = [
    "LARGEST",
    "MOST_RATIO",
    "check_options",
    "checked_array",
    "checked_choice",
    "checked_count",
    "checked_instance",
    "checked_jobs",
    "checked_number",
    "checked_options",
    "checked_positive",
    "checked_products",
    "checked_seed",
    "checked_tolerance",
    "checked_weights",
    "shown",
]

#: Largest size of an entry: products of three of them stay finite in double precision.
LARGEST = 1e100

#: Largest ratio of two norms whose squares can be added in double precision without losing one.
MOST_RATIO = 2.0**26

_MOST = 1_000_000_000
_POWER = re.compile(r"^(?:Linear|Squared|Unitless)\[(.*)\]$")
_MOST_JOBS = 1024

# Builtin types by the words of people.
_KNOWN_AS = {str: "text", bool: "truth value"}

_Kind = TypeVar("_Kind")


def shown(value: object, most: int = 60) -> str:
    """A value as it is told in a sentence: on one line, of not much more than `most` characters."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a foreign object's repr, or an integer of too many digits to print
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= most else f"{text[:most]}..."


def checked_count(
    argument: str, function: str, value: object, *, least: int = 1, most: int = _MOST
) -> int:
    """An integer from `least` to `most`, or the sentence that says it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InvalidArgument(
            f"The '{argument}' argument of {function} must be an integer >= {least}; "
            f"got {shown(value)}."
        )
    if value > most:
        raise InvalidArgument(
            f"The '{argument}' argument of {function} must be at most {most}; got {shown(value)}."
        )
    return int(value)


def checked_jobs(function: str, value: object) -> int:
    """A number of threads, or the sentence that says it is none."""
    return checked_count("jobs", function, value, most=_MOST_JOBS)


def checked_seed(function: str, value: object) -> int:
    """An integer >= 0 of any size that can be written, or the sentence that says it is none."""
    return checked_count("seed", function, value, least=0, most=10**1000)


def checked_number(
    argument: str,
    function: str,
    value: object,
    condition: str,
    holds: Callable[[float], bool],
) -> float:
    """A real number for which a condition holds, or the sentence that says it is none.

    Parameters
    ----------
    argument, function : str
    value : object
    condition : str
        What it must do, such as ``lie between 0 and 1``.
    holds : callable
        The same for a float; comparisons with NaN are false.
    """
    number = _as_float(value)
    if number is None or not holds(number):
        raise InvalidArgument(
            f"The '{argument}' argument of {function} must {condition}; got {shown(value)}."
        )
    return number


def checked_positive(argument: str, function: str, value: object) -> float:
    """A finite number above zero, or the sentence that says it is none."""
    return checked_number(
        argument, function, value, "be a positive number", lambda number: 0 < number < math.inf
    )


def checked_tolerance(function: str, value: object, *, argument: str = "tolerance") -> float:
    """A norm of the gradient that can be reached and says something, or the sentence."""
    return checked_number(
        argument,
        function,
        value,
        "lie between 1e-14 and 1e-6",
        lambda number: 1e-14 <= number <= 1e-6,
    )


def checked_instance(argument: str, function: str, value: object, *kinds: type[_Kind]) -> _Kind:
    """An instance of one of some classes, or the sentence that says it is none."""
    if not isinstance(value, kinds):
        names = " or ".join(_KNOWN_AS.get(kind, kind.__name__) for kind in kinds)
        article = "an" if names[0] in "AEIOUaeiou" else "a"
        raise InvalidArgument(
            f"The '{argument}' argument of {function} must be {article} {names}; "
            f"got {type(value).__name__}."
        )
    return value


def checked_choice(argument: str, function: str, value: object, choices: Iterable[str]) -> str:
    """One of some texts, or the sentence that says it is none."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise InvalidArgument(
            f"The '{argument}' argument of {function} must be one of {', '.join(known)}; "
            f"got {shown(value)}."
        )
    return value


def checked_array(
    argument: str,
    function: str,
    value: ArrayLike,
    shape: str,
    fits: Callable[[tuple[int, ...]], bool],
    *,
    largest: float = LARGEST,
) -> Array:
    """Finite real numbers of a shape, as doubles, or the sentence that says what they are not.

    Parameters
    ----------
    argument, function : str
    value : array_like
        Complex, masked and ragged arrays, and those of texts, booleans or objects, are refused.
    shape : str
        The shape it must have, such as ``(3, 2 + E)``.
    fits : callable
        Whether a shape is one of those.
    largest : float
        Largest size of an entry; `LARGEST` squared where entries are products.

    Returns
    -------
    ndarray
        C-contiguous.
    """
    where = f"The '{argument}' argument of {function}"
    array = _real_array(value)
    if array is None:
        raise InvalidArgument(f"{where} must be an array of real numbers; got {shown(value)}.")
    if not fits(array.shape):
        raise InvalidArgument(f"{where} must have shape {shape}; got {array.shape}.")
    size = float(np.abs(array).max(initial=0.0))
    if not math.isfinite(size):
        raise InvalidArgument(f"{where} must be finite; it contains NaN or infinity.")
    if size > largest:
        raise InvalidArgument(
            f"{where} must have entries of at most {largest:g}, so that double precision can hold "
            f"what is computed from them; the largest is {size:.3g}."
        )
    return array


def checked_products(
    function: str, argument: str, value: ArrayLike, shape: tuple[int, ...]
) -> Array:
    """Scalar products of weights, of one shape, or the sentence that says they are none."""
    return checked_array(
        argument,
        function,
        value,
        str(shape),
        lambda given: given == shape,
        largest=LARGEST**2,
    )


def checked_weights(
    function: str,
    value: ArrayLike,
    rank: int,
    *,
    width: int | None = None,
    dim: int | None = None,
    argument: str = "weights",
) -> Array:
    """One point W = [W_in | W_out], or the sentence that says it is none.

    Parameters
    ----------
    function : str
    value : array_like, shape (K, r + E)
    rank : int
        r.
    width : int, optional
        K; any number of neurons but none by default.
    dim : int, optional
        Dimension of the inputs, which rows must fit into.
    argument : str

    Returns
    -------
    ndarray, shape (K, r + E)
    """
    rows = "K" if width is None else str(width)
    weights = checked_array(
        argument,
        function,
        value,
        f"({rows}, {rank} + E)",
        lambda shape: (
            len(shape) == 2 and shape[0] == (width or max(shape[0], 1)) and shape[1] >= rank
        ),
    )
    if dim is not None and weights.shape[1] > dim and np.any(weights[:, dim:]):
        raise InvalidArgument(
            f"The '{argument}' argument of {function} uses {weights.shape[1]} dimensions, but dim "
            f"is {dim}."
        )
    return weights


def checked_options(
    argument: str, function: str, value: _Kind | None, kind: Callable[[], _Kind]
) -> _Kind:
    """Options of a kind, the default ones in place of None, or the sentence that says they are not.

    Parameters
    ----------
    argument, function : str
    value : object
    kind : type
        Can be made without arguments.
    """
    if value is None:
        return kind()
    return checked_instance(argument, function, value, cast(type[_Kind], kind))


def check_options(options: Any, *, zeros: tuple[str, ...] = ()) -> None:
    """Refuse a record of options with a field that is not of its kind.

    Integers must be >= 0, numbers positive and finite, texts and truth values what they are called.

    Parameters
    ----------
    options : dataclass instance
        Records of options in fields check themselves.
    zeros : tuple of str
        Numbers that may be zero as well.
    """
    name = type(options).__name__
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        # A field may declare with which power of the unit it scales.
        kind = _POWER.sub(r"\1", str(field.type))
        if value is None and kind.endswith("| None"):
            continue
        if kind in ("int", "int | None"):
            checked_count(field.name, name, value, least=0)
        elif field.name in zeros:
            checked_number(
                field.name, name, value, "be a number >= 0", lambda number: 0 <= number < math.inf
            )
        elif kind in ("float", "float | None"):
            checked_positive(field.name, name, value)
        elif kind == "tuple[float, ...]":
            checked_array(field.name, name, value, "(n,)", lambda shape: len(shape) == 1)
        elif kind == "str":
            checked_instance(field.name, name, value, str)
        elif isinstance(field.default_factory, type):
            checked_instance(field.name, name, value, field.default_factory)
        elif kind == "bool":
            checked_instance(field.name, name, value, bool)


def _as_float(value: object) -> float | None:
    """A real number as a double; None for all else, and for what doubles cannot hold."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError):
        return None


def _real_array(value: ArrayLike) -> Array | None:
    """Real numbers as doubles; None for all else."""
    try:
        if type(value) is not np.ndarray and np.ma.is_masked(np.ma.asarray(value)):
            return None
        array = np.asarray(value)
        if array.dtype.kind == "O":
            numbers = [_as_float(entry) for entry in array.ravel()]
            array = np.array(numbers, dtype=np.float64).reshape(array.shape)
            return None if None in numbers else array
        with np.errstate(over="ignore"):
            return np.asarray(array, np.float64, "C") if array.dtype.kind in "iuf" else None
    # What an object does when it is asked for numbers is its own affair.
    except Exception:
        return None
