"""Permutations of 0..n-1 as tuples of images, and their text as cycles of 1..n.

`permutation[i]` is where i goes. Text is read by people and counts from 1: ``(1 2 3)`` sends 1 to
2, 2 to 3 and 3 to 1, and ``()`` is the identity.

Where each of n things can be turned into its opposite, a *signed permutation* is one of 0..2n-1 in
which n + i is the opposite of i, and opposites go to opposites. Its text has minus signs, and of
two cycles that are opposite to each other only one: ``(1 -2)`` sends 1 to -2 and 2 to -1, and
``(3 -3)`` turns 3 around.
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
    "opposites",
    "parse_cycles",
    "signed",
    "unsigned",
]

Permutation = tuple[int, ...]

_CYCLES = re.compile(r"\s*(\(\s*(-?[0-9]+([\s,]+-?[0-9]+)*)?\s*\)\s*)+")


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


def opposites(count: int) -> Permutation:
    """The signed permutation of `count` things that turns all of them around."""
    return (*range(count, 2 * count), *range(count))


def signed(images: Sequence[int]) -> Permutation:
    """The signed permutation that sends thing i to images[i], one of 0..2n-1 for n things."""
    count = len(images)
    return (*images, *((image + count) % (2 * count) for image in images))


def unsigned(permutation: Sequence[int], count: int) -> Permutation:
    """What a permutation of `count` things, signed or not, does whatever the signs."""
    return tuple(image % count for image in permutation[:count])


def format_cycles(permutation: Sequence[int], count: int | None = None) -> str:
    """Text such as ``(1 2 3)(4 5)``, counted from 1; ``()`` for the identity.

    Parameters
    ----------
    permutation : sequence of int
    count : int, optional
        Number of things, where the permutation may be a signed one of twice that length.

    Examples
    --------
    >>> format_cycles([1, 0, 2]), format_cycles([3, 2, 1, 0], 2)
    ('(1 2)', '(1 -2)')
    """
    size = len(permutation) if count is None else count
    parts: list[str] = []
    told: set[int] = set()
    for cycle in cycles(permutation):
        if cycle[0] % size in told:
            continue  # the opposite of one before
        told.update(point % size for point in cycle)
        named = (point + 1 if point < size else size - point - 1 for point in cycle)
        parts.append("(" + " ".join(map(str, named)) + ")")
    return "".join(parts) or "()"


def parse_cycles(text: str, size: int, *, signs: bool = False) -> Permutation:
    """Permutation of `size` things from text such as ``(1 2 3)(4 5)``, counted from 1.

    Parameters
    ----------
    text : str
        Disjoint cycles; members are separated by blanks or commas.
    size : int
        Number of things permuted; those not named stay.
    signs : bool
        Whether things can be turned around: the result is a signed permutation of 0..2 size - 1.

    Raises
    ------
    InvalidArgument
        If the text is no product of disjoint cycles of 1..size, or of their opposites.

    Examples
    --------
    >>> parse_cycles("(1 3)", 3), parse_cycles("(1 -2)", 2, signs=True)
    ((2, 1, 0), (3, 2, 1, 0))
    """
    if not _CYCLES.fullmatch(text):
        raise InvalidArgument(
            'The permutation must be written as cycles such as "(1 2 3)(4 5)" or "()"'
            + (', with signs as in "(1 -2)"; ' if signs else "; ")
            + f"got {text!r}."
        )
    result = list(range(2 * size if signs else size))
    seen: set[int] = set()
    for group in re.findall(r"\(([^()]*)\)", text):
        cycle = [int(word) for word in re.split(r"[\s,]+", group.strip()) if word]
        # A cycle that holds opposites has each of its neurons twice, and is its own opposite.
        own = signs and any(-member in cycle for member in cycle)
        if own and cycle[len(cycle) // 2 :] != [-member for member in cycle[: len(cycle) // 2]]:
            raise InvalidArgument(
                "A cycle with a neuron and its opposite must go on with the opposites of its first "
                f'half, as in "(1 2 -1 -2)"; got {text!r}.'
            )
        for member in cycle[: len(cycle) // 2] if own else cycle:
            if not 1 <= (abs(member) if signs else member) <= size:
                raise InvalidArgument(
                    f"The permutation {text!r} must move neurons 1 to {size} only; it names "
                    f"{member}."
                )
            if abs(member) in seen:
                raise InvalidArgument(
                    f"The cycles of a permutation must be disjoint; {text!r} names {member} twice."
                )
            seen.add(abs(member))
        places = [member - 1 if member > 0 else size - member - 1 for member in cycle]
        for source, target in zip(places, places[1:] + places[:1], strict=True):
            result[source] = target
            if signs:
                result[(source + size) % (2 * size)] = (target + size) % (2 * size)
    return tuple(result)
