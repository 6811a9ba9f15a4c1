"""Results in another unit of length: every number declares the power with which it scales.

Tolerances are meant for landscapes of order one. A model of another size is solved divided by its
unit, and what comes out is multiplied back by `rescaled`. The unit is a power of two, so that both
are exact in floating point.

A record says with which power of the unit its numbers scale where it declares them,

    loss: Squared[float]
    weights: Linear[Array]
    gap: Unitless[float]

and a record with a number of which it does not say so cannot be scaled. Fields that hold other
records need no power: each of those has its own.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin
from typing import get_type_hints as _type_hints

import numpy as np

__all__ = ["Linear", "Power", "Squared", "Unitless", "powers", "rescaled"]

_Type = TypeVar("_Type")
_Record = TypeVar("_Record")
_WITHOUT_NUMBERS = (bool, int, str, bytes, type(None), np.integer, np.bool_, Enum)


@dataclasses.dataclass(frozen=True, slots=True)
class Power:
    """The power of the unit with which all numbers of an annotated field scale."""

    exponent: int


#: Numbers that are the same for every unit: counts, ratios, angles, Hessians.
Unitless = Annotated[_Type, Power(0)]
#: Numbers that scale with the unit: weights, gradients, slopes of growing neurons.
Linear = Annotated[_Type, Power(1)]
#: Numbers that scale with the square of the unit: losses, summary statistics.
Squared = Annotated[_Type, Power(2)]


def rescaled(record: _Record, unit: float) -> _Record:
    """A record of results for a divided model as one for the model itself.

    Parameters
    ----------
    record : dataclass instance
        Records in its fields, alone or in tuples, lists and mappings, are treated in the same way;
        a problem among them becomes the one itself.
    unit : float
        A power of two.

    Returns
    -------
    dataclass instance
        The record itself if the unit is 1.

    Raises
    ------
    TypeError
        A class of the record has a field of numbers without a declared power, see `powers`.
    """
    kind: type = type(record)
    for one in _reached(kind):
        powers(one)
    if unit == 1.0:
        return record
    changed = {
        name: _scaled(getattr(record, name), power, unit) for name, power in powers(kind).items()
    }
    return dataclasses.replace(record, **changed)  # type: ignore[type-var]


@cache
def powers(kind: type) -> Mapping[str, int]:
    """With which power of the unit the fields of a record scale; 0 where they hold no numbers.

    Parameters
    ----------
    kind : type
        A dataclass.

    Raises
    ------
    TypeError
        A field may hold numbers other than integers and has no declared power, or has a power and
        cannot hold such a number.
    """
    found = {}
    for name, hint in _hints(kind).items():
        declared = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Power)]
        if len(declared) != int(_may_hold_numbers(hint)):
            fault = "holds no" if declared else "must declare the power of the unit of its"
            raise TypeError(
                f"The field '{name}' of {kind.__qualname__} {fault} numbers; got the type {hint}."
            )
        found[name] = declared[0].exponent if declared else 0
    return found


def _hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"Only records can be scaled; got {kind.__qualname__}.")
    hints = _type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@cache
def _reached(kind: type) -> tuple[type, ...]:
    """A class of records, and all that its fields may hold."""
    reached = [kind]
    for one in reached:
        for hint in _hints(one).values():
            reached += [leaf for leaf in _leaves(hint) if _is_record(leaf) and leaf not in reached]
    return tuple(reached)


def _is_protocol_class(leaf: Any) -> bool:
    """Whether a type is a protocol."""
    return isinstance(leaf, type) and getattr(leaf, "_is_protocol", False)


def _is_record(leaf: Any) -> bool:
    return isinstance(leaf, type) and dataclasses.is_dataclass(leaf)


def _leaves(hint: Any) -> Iterator[Any]:
    """The types that a type is composed of; Any for a container that does not say of what."""
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _leaves(get_args(hint)[0])
    elif origin is np.ndarray:
        yield from _leaves(get_args(get_args(hint)[1])[0])
    elif origin is None:
        yield hint
    elif origin is not Literal:
        for part in get_args(hint):
            if part is not Ellipsis:
                yield from _leaves(part)


def _may_hold_numbers(hint: Any) -> bool:
    """Whether a value of the type can hold numbers with a unit, outside of records."""
    return any(
        not (
            _is_record(leaf)
            # What is told by a protocol is a record of some class, which has powers of its own.
            or _is_protocol_class(leaf)
            or (isinstance(leaf, type) and issubclass(leaf, _WITHOUT_NUMBERS))
        )
        for leaf in _leaves(hint)
    )


def _scaled(value: Any, power: int, unit: float) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_scaled(one, power, unit) for one in value)
    if isinstance(value, Mapping):
        return {key: _scaled(one, power, unit) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return rescaled(value, unit)
    if power == 0 or isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray):
        result = value * unit**power
        result.setflags(write=value.flags.writeable)
        return result
    return value * unit**power if isinstance(value, numbers.Complex) else value
