"""Numbers by increasing value, which depend on no last digit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from landtopo.tolerances import TIED

__all__ = ["numbered"]


def numbered(values: Sequence[float]) -> NDArray[np.int64]:
    """Number by increasing value of each of some values.

    Values that tie keep the order they came in, which depends on the seed alone and not on the
    last digits.

    Parameters
    ----------
    values : sequence of float

    Returns
    -------
    ndarray of int, shape (n,)
    """
    given = np.array(values, dtype=np.float64)
    ranking = np.argsort(given, kind="stable")
    level = np.zeros(len(given), dtype=np.int64)
    for before, after in pairwise(ranking):
        level[after] = level[before] + (given[after] - given[before] > TIED)
    ranking = np.argsort(level, kind="stable")
    order = np.empty(len(given), dtype=np.int64)
    order[ranking] = np.arange(len(given))
    return order
