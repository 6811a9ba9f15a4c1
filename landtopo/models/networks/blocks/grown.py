"""The family of a given network: its blocks, one of which grows.

Two teacher vectors are in one block when exchanging them changes no more than the order of the
neurons. That holds for all members of a block, so that every neuron has equal overlaps with a
block, or with all of it but one member, which it follows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.models.networks.blocks.loss import PRECISE, Vector
from landtopo.models.networks.blocks.pattern import Pattern, Real
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Grown", "grown"]

# Entries that differ by no more are equal; of weights of order one that are critical to 1e-12.
_EQUAL = 1e-8
_NOTHING = 1e-9
_JUST_ABOVE = 1.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown(Brief):
    """A network's family at all sizes.

    Attributes
    ----------
    sizes : tuple of int
        Members of each block at the network's own size.
    growing : int
        The block that grows.
    students : tuple of int or None
        The block that each orbit of neurons follows, or None for a single neuron.
    overlaps : tuple of float
        At the network's own size, as `Pattern.coordinates` orders them.
    """

    sizes: tuple[int, ...]
    growing: int
    students: tuple[int | None, ...]
    overlaps: tuple[float, ...]

    @property
    def fixed(self) -> int:
        """Teacher vectors in the blocks that do not grow."""
        return sum(self.sizes) - self.sizes[self.growing]

    @property
    def least(self) -> float:
        """The smallest size that is looked at: just above one member of the growing block."""
        return self.fixed + _JUST_ABOVE

    @property
    def first(self) -> float:
        """The network's own size."""
        return float(sum(self.sizes))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the blocks."""
        return tuple(
            f"{n} teachers" if i != self.growing else "growing" for i, n in enumerate(self.sizes)
        )

    @property
    def orbits(self) -> tuple[str, ...]:
        """Names of the orbits of neurons."""
        names = [
            "single" if followed is None else f"follows {self.classes[followed]}"
            for followed in self.students
        ]
        return tuple(
            f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name
            for i, name in enumerate(names)
        )

    def width(self, size: Real) -> Real:
        """Neurons at a size."""
        pattern = self.pattern(size)
        return sum(pattern.count(orbit) for orbit in range(len(self.students)))

    def pattern(self, size: Real, arithmetic: Any = PRECISE) -> Pattern:
        """Blocks at a size, which is the number of teacher vectors."""
        sizes = [arithmetic.mpf(one) for one in self.sizes]
        sizes[self.growing] = arithmetic.mpf(size) - self.fixed
        return Pattern(sizes=tuple(sizes), students=self.students)

    def start(self) -> Vector | None:
        """The overlaps at the first size."""
        return list(self.overlaps)

    def fits(self, pattern: Pattern, x: Vector) -> bool:
        """Whether no neuron is zero."""
        norms = [sum(n * x[i] ** 2 for n, i in part) for part in pattern.parts]
        return all(norm > _NOTHING**2 for norm in norms)


def grown(weights: Array) -> Grown:
    """Blocks of a network of an orthonormal teacher; the largest one grows.

    Parameters
    ----------
    weights : ndarray, shape (K, M)
        Neurons as rows, teacher vectors as axes.

    Raises
    ------
    InvalidArgument
        If two neurons are the same, or one is neither alone nor one of a block's followers.
    """
    blocks = _blocks(weights)
    growing = max(range(len(blocks)), key=lambda c: len(blocks[c]))
    if len(blocks[growing]) < 2:
        raise InvalidArgument(
            "The 'weights' argument of block_family must have teacher vectors that can be "
            "exchanged; exchanging any two of these changes the network."
        )
    followed = [_followed(row, blocks) for row in weights]
    orbits: list[tuple[int | None, Array]] = []
    counts: Counter[int] = Counter()
    for row, own in zip(weights, followed, strict=True):
        block = None if own is None else next(c for c, b in enumerate(blocks) if own in b)
        values = _values(row, own, blocks)
        for number, (known, other) in enumerate(orbits):
            if known == block and np.abs(other - values).max() <= _EQUAL:
                counts[number] += 1
                break
        else:
            counts[len(orbits)] += 1
            orbits.append((block, values))
    for number, (block, _) in enumerate(orbits):
        if counts[number] != (1 if block is None else len(blocks[block])):
            raise InvalidArgument(
                "The 'weights' argument of block_family must have no two equal neurons, and "
                "neurons that follow one teacher vector of a block or are alone."
            )
    order = sorted(range(len(orbits)), key=lambda i: orbits[i][0] is None)
    return Grown(
        sizes=tuple(map(len, blocks)),
        growing=growing,
        students=tuple(orbits[i][0] for i in order),
        overlaps=tuple(float(x) for i in order for x in orbits[i][1]),
    )


def _blocks(weights: Array) -> list[list[int]]:
    blocks: list[list[int]] = []
    for m in range(weights.shape[1]):
        for block in blocks:
            exchanged = weights.copy()
            exchanged[:, [block[0], m]] = exchanged[:, [m, block[0]]]
            apart = np.abs(exchanged[:, None] - weights[None]).max(axis=2)
            if apart.min(axis=1).max() <= _EQUAL:
                block.append(m)
                break
        else:
            blocks.append([m])
    return blocks


def _followed(row: Array, blocks: list[list[int]]) -> int | None:
    """The teacher vector whose overlap stands apart in its block."""
    for block in blocks:
        values = row[block]
        if np.ptp(values) > _EQUAL:
            apart = np.abs(values - np.median(values))
            if len(block) == 2:
                apart = np.abs(values)
            return block[int(np.argmax(apart))]
    return None


def _values(row: Array, own: int | None, blocks: list[list[int]]) -> Array:
    found: list[float] = []
    for block in blocks:
        rest = [m for m in block if m != own]
        if len(rest) < len(block):
            assert own is not None
            found.append(float(row[own]))
        if rest:
            found.append(float(row[rest].mean()))
    return np.array(found)
