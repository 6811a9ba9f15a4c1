"""Binomial intervals from the equations that define them, and estimates of what was not met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import binom

from landtopo.points.coverage import estimate_coverage

__all__ = ["binomial_ends", "coverage_of", "interval_like"]

# Roots in double precision.
_SAME = 1e-9
# Looks at a sample that are tried: their number is not stored.
_MOST_LOOKS = 64


def binomial_ends(count: int, total: int, level: float) -> tuple[float, float]:
    """Exact interval: probabilities for which so many or more, so few or fewer, are as unlikely.

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
    tail = (1.0 - level) / 2
    low, high = 0.0, 1.0
    if count:
        low = float(brentq(lambda p: binom.sf(count - 1, total, p) - tail, 0.0, 1.0, xtol=1e-15))
    if count < total:
        high = float(brentq(lambda p: binom.cdf(count, total, p) - tail, 0.0, 1.0, xtol=1e-15))
    return low, high


def interval_like(
    stored: tuple[Any, Any], count: int, total: int, level: float = 0.95
) -> tuple[float, float]:
    """The exact interval; Wilson's if that is what is stored, as landtopo 0.1.0 gave it."""
    exact = binomial_ends(count, total, level)
    wilson = _wilson(count, total, level)
    given = [end for end in stored if end is not None]
    # One end may be wrong, and still says which of the two was meant by the other.
    near = [
        sum(abs(one - other) <= _SAME for one, other in zip(stored, ends, strict=True))
        for ends in (exact, wilson)
        if len(given) == 2
    ]
    return wilson if near and near[1] > near[0] else exact


def _wilson(count: int, total: int, level: float) -> tuple[float, float]:
    """Roots p of (count - total p)^2 = z^2 total p (1 - p)."""
    if not total:
        return 0.0, 1.0
    square = float(ndtri(0.5 + level / 2)) ** 2
    roots = np.roots([total * (total + square), -total * (2 * count + square), float(count) ** 2])
    low, high = float(roots.real.min()), float(roots.real.max())
    return (0.0 if not count else low), (1.0 if count == total else high)


def coverage_of(counts: Sequence[int], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What the counts say of families not met, in the fields that are stored.

    A record of landtopo 0.1.0 has bounds of other kinds, which are left as they are.
    """
    best = estimate_coverage(counts).record()
    for looks in range(1, _MOST_LOOKS):
        if stored.get("largest_missed") is None or _near(best, stored):
            break
        other = estimate_coverage(counts, looks=looks).record()
        best = other if _near(other, stored) else best
    old = {"richness_interval", "unseen_share"}
    if old <= set(stored):
        kept = {name: best[name] for name in best if name in stored}
        share = 1.0 if not sum(counts) else 1.0 - (1.0 - best["level"]) ** (1.0 / sum(counts))
        return {
            **kept,
            "unseen_share": share,
            "richness_interval": stored["richness_interval"],
        }
    return best


def _near(record: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether one of the two bounds that depend on looks is the stored one."""
    if abs(record["largest_missed"] - float(stored["largest_missed"])) <= _SAME:
        return True
    ends = zip(record["coverage_interval"], stored["coverage_interval"], strict=True)
    return all(abs(float(one) - float(other)) <= _SAME for one, other in ends)
