"""The search for a lower route after the first: bands that may lead around its highest point."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from landtopo.paths.ground import Ground
from landtopo.paths.pairs import Pairs
from landtopo.progress import Progress

__all__ = ["improve"]


def improve(
    ground: Ground,
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
    ground : Ground
        Where the ends are joined already; its ceiling is lowered to the highest point of the route.
    pairs : Pairs
    try_pair : callable
        Tries one band between two minima of the ground.
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
        patience = max(10, min(40, 600 // ground.objective.size))
    while used < most and idle < patience:
        before, highest = pairs.tries.total(), ground.highest()
        ground.ceiling = highest - 1e-9 * abs(highest)
        _once(ground, pairs, try_pair, rng, turn)
        turn += 1
        spent = max(pairs.tries.total() - before, 1)
        idle = 0 if ground.highest() < ground.ceiling else idle + spent
        used += spent
        progress.advance(spent, f"highest point {ground.highest():.7g}")
    progress.end()


def _once(
    ground: Ground,
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
        _try_chain(ground, try_pair, rng, *(pairs.closest_copies(ground.ceiling) or (0, 1)))
    elif turn % 4 == 2:
        try_pair(*pairs.new_exit())
    else:
        try_pair(*ground.sides_of_top(rng))


def _try_chain(
    ground: Ground,
    try_pair: Callable[[int, int], None],
    rng: np.random.Generator,
    i: int,
    j: int,
) -> None:
    """Bands along minima known by symmetry, as long as every link is below the ceiling."""
    points = ground.setting.intermediates(ground.minima[i].x, ground.minima[j].x, rng)
    numbers = [i, *(ground.add_minimum(point) for point in points), j]
    for here, there in pairwise(numbers):
        if ground.joined_below(here, there):
            continue
        try_pair(here, there)
        if not ground.joined_below(here, there):
            break
