"""The search for a lower route after the first: bands that may lead around its highest point."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from landtopo.paths.known_ways import KnownWays
from landtopo.paths.pairs import Pairs
from landtopo.progress import Progress

__all__ = ["improve"]


def improve(
    ways: KnownWays,
    pairs: Pairs,
    try_pair: Callable[[int, int], None],
    rng: np.random.Generator,
    *,
    most: int,
    patience: int | None,
    progress: Progress,
) -> None:
    """Try bands until none has led to a lower route for a while.

    Parameters
    ----------
    ways : KnownWays
        Where the ends are joined already; its ceiling is lowered to the highest point of the route.
    pairs : Pairs
    try_pair : callable
        Tries one band between two minima of the known ways.
    rng : numpy.random.Generator
    most : int
        Largest number of bands.
    patience : int or None
        Bands in a row without success after which it ends; None for 10 and up to 40 where there
        are few coordinates and bands cost little.
    progress : Progress
    """
    progress.begin("looking for a lower route", most)
    used = idle = turn = 0
    if patience is None:
        patience = max(10, min(40, 600 // ways.objective.size))
    while used < most and idle < patience:
        before, highest = pairs.tries.total(), ways.highest()
        ways.ceiling = highest - 1e-9 * abs(highest)
        _once(ways, pairs, try_pair, rng, turn)
        turn += 1
        spent = max(pairs.tries.total() - before, 1)
        idle = 0 if ways.highest() < ways.ceiling else idle + spent
        used += spent
        progress.advance(spent, f"highest point {ways.highest():.7g}")
    progress.end()


def _once(
    ways: KnownWays,
    pairs: Pairs,
    try_pair: Callable[[int, int], None],
    rng: np.random.Generator,
    turn: int,
) -> None:
    """A band, or a chain of them, that may lead around the highest point of the route."""
    # In turn: the ends again, the closest minima on the two sides of the ceiling by small cycles,
    # ways out that are not known yet, and the two sides of the highest step.
    if turn % 4 == 0:
        try_pair(0, 1)
    elif turn % 4 == 1:
        pairs.spread()
        _try_chain(ways, try_pair, rng, *(pairs.closest_copies(ways.ceiling) or (0, 1)))
    elif turn % 4 == 2:
        try_pair(*pairs.new_exit())
    else:
        try_pair(*ways.sides_of_top(rng))


def _try_chain(
    ways: KnownWays,
    try_pair: Callable[[int, int], None],
    rng: np.random.Generator,
    i: int,
    j: int,
) -> None:
    """Bands along minima known by symmetry, as long as every link is below the ceiling."""
    points = ways.setting.intermediates(ways.minima[i].x, ways.minima[j].x, rng)
    numbers = [i, *(ways.add_minimum(point) for point in points), j]
    for here, there in pairwise(numbers):
        if ways.joined_below(here, there):
            continue
        try_pair(here, there)
        if not ways.joined_below(here, there):
            break
