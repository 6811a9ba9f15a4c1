"""Binomial intervals as roots of the equation that defines them."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

__all__ = ["binomial_ends"]


def binomial_ends(count: int, total: int, level: float) -> tuple[float, float]:
    """Probabilities p with (count - total p)^2 = z^2 total p (1 - p), Wilson's interval.

    Parameters
    ----------
    count, total : int
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        (0, 1) without any trial.
    """
    if not total:
        return 0.0, 1.0
    square = float(ndtri(0.5 + level / 2)) ** 2
    roots = np.roots(
        [total * (total + square), -total * (2 * count + square), float(count) ** 2]
    ).real
    low, high = float(roots.min()), float(roots.max())
    return (0.0 if not count else low), (1.0 if count == total else high)
