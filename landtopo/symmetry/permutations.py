"""Permutations of 0..n-1 as tuples of images, and their text as cycles of 1..n.

`permutation[i]` is where i goes. Text is read by people and counts from 1: ``(1 2 3)`` sends 1 to
2, 2 to 3 and 3 to 1, and ``()`` is the identity.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from landtopo.errors import InvalidArgument

__all__ = [
    "Permutation",
    "compose",
    "cycle_type",
    "cycles",
    "format_cycles",
    "identity",
    "inverse",
    "is_even",
    "parse_cycles",
]

Permutation = tuple[int, ...]

_CYCLES = re.compile(r"\s*(\(\s*([0-9]+([\s,]+[0-9]+)*)?\s*\)\s*)+")


def identity(size: int) -> Permutation:
    """The permutation that moves nothing."""
    return tuple(range(size))


def compose(outer: Sequence[int], inner: Sequence[int]) -> Permutation:
    """First `inner`, then `outer`."""
    return tuple(outer[i] for i in inner)


def inverse(permutation: Sequence[int]) -> Permutation:
    """The permutation that undoes another."""
    result = [0] * len(permutation)
    for source, target in enumerate(permutation):
        result[target] = source
    return tuple(result)


def cycles(permutation: Sequence[int]) -> tuple[Permutation, ...]:
    """Cycles of two or more, each from its smallest member, ordered by it; counted from 0."""
    seen = [False] * len(permutation)
    result = []
    for start in range(len(permutation)):
        cycle = []
        point = start
        while not seen[point]:
            seen[point] = True
            cycle.append(point)
            point = permutation[point]
        if len(cycle) > 1:
            result.append(tuple(cycle))
    return tuple(result)


def cycle_type(permutation: Sequence[int]) -> tuple[int, ...]:
    """Lengths of all cycles, fixed points included, longest first: a partition of n."""
    moved = sorted((len(cycle) for cycle in cycles(permutation)), reverse=True)
    return (*moved, *[1] * (len(permutation) - sum(moved)))


def is_even(permutation: Sequence[int]) -> bool:
    """Whether the permutation is a product of an even number of transpositions."""
    return sum(len(cycle) - 1 for cycle in cycles(permutation)) % 2 == 0


def format_cycles(permutation: Sequence[int]) -> str:
    """Text such as ``(1 2 3)(4 5)``, counted from 1; ``()`` for the identity."""
    return "".join(
        "(" + " ".join(str(point + 1) for point in cycle) + ")" for cycle in cycles(permutation)
    ) or ("()")


def parse_cycles(text: str, size: int) -> Permutation:
    """Permutation of `size` things from text such as ``(1 2 3)(4 5)``, counted from 1.

    Parameters
    ----------
    text : str
        Disjoint cycles; members are separated by blanks or commas.
    size : int
        Number of things permuted; those not named stay.

    Raises
    ------
    InvalidArgument
        If the text is no product of disjoint cycles of 1..size.
    """
    if not _CYCLES.fullmatch(text):
        raise InvalidArgument(
            'The permutation must be written as cycles such as "(1 2 3)(4 5)" or "()"; '
            f"got {text!r}."
        )
    result = list(range(size))
    seen: set[int] = set()
    for group in re.findall(r"\(([^()]*)\)", text):
        cycle = [int(word) for word in re.split(r"[\s,]+", group.strip()) if word]
        for member in cycle:
            if not 1 <= member <= size:
                raise InvalidArgument(
                    f"The permutation {text!r} must move neurons 1 to {size} only; it names "
                    f"{member}."
                )
            if member in seen:
                raise InvalidArgument(
                    f"The cycles of a permutation must be disjoint; {text!r} names {member} twice."
                )
            seen.add(member)
        for source, target in zip(cycle, cycle[1:] + cycle[:1], strict=True):
            result[source - 1] = target - 1
    return tuple(result)
