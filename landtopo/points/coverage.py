"""How sure a list of families is: what independent starts say about those that were not met.

The starts are a sample with replacement, the families are the species: n starts, S families met,
f_i of them met exactly i times. Only independent draws from one start distribution count, and every
figure is about that distribution: a family outside its reach has probability zero in it.

- Coverage, the share of the distribution that the families met make up (Good 1953, Turing), in the
  form of Chao and Jost (Ecology 93, 2012): C = 1 - f1/n * (n-1) f1 / ((n-1) f1 + 2 f2).
- Chao1 (Chao 1984), a lower bound of the number of families in reach: S + (n-1)/n f1^2 / (2 f2),
  with its log-normal interval (Chao 1987); bias-corrected where f2 = 0.
- Rarefaction (Hurlbert 1971): families expected in m of the n starts; and its extrapolation to 2 n
  (Colwell et al. 2012).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, isfinite, log, log1p, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.units import Unitless

__all__ = ["Coverage", "binomial_interval", "estimate_coverage", "rarefaction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a sample of independent starts says about families it has not met.

    Attributes
    ----------
    starts : int
        Number n of independent starts that ended in a family.
    families : int
        Number of families they met.
    singletons, doubletons : int
        Families met exactly once and twice.
    coverage : float
        Estimated probability that a further start ends in a family already met.
    expected_new : float
        Families not met yet that n further starts are expected to add.
    richness : float
        Chao1: estimated lower bound of the number of families in reach of the start distribution.
    richness_interval : tuple of float
        Its interval at `level`; without an upper end (inf) for less than two starts.
    unseen_share : float
        With confidence `level`, no given family that a start meets with a probability larger than
        this has been missed: 1 - (1 - level)^(1/n).
    level : float
        Confidence level.
    rarefaction_starts : ndarray of int
        Numbers of starts m, up to 2 n.
    rarefaction_families : ndarray
        Families expected in m starts.
    """

    starts: int
    families: int
    singletons: int
    doubletons: int
    coverage: Unitless[float]
    expected_new: Unitless[float]
    richness: Unitless[float]
    richness_interval: Unitless[tuple[float, float]]
    unseen_share: Unitless[float]
    level: Unitless[float]
    rarefaction_starts: NDArray[np.int64]
    rarefaction_families: Unitless[Array]

    def sentence(self) -> str:
        """The figures as one sentence."""
        if not self.starts:
            return "No independent start ended in a family, so nothing is known about the rest."
        low, high = self.richness_interval
        starts = "1 independent start" if self.starts == 1 else f"{self.starts} independent starts"
        families = "1 family" if self.families == 1 else f"{self.families} families"
        return (
            f"{starts} met {families}, {self.singletons} of them once; estimated coverage "
            f"{100 * self.coverage:.2f} %, at least {self.richness:.1f} families in reach "
            f"({100 * self.level:.0f} % interval {low:.1f} to {high:.1f}); a family met with "
            f"probability above {self.unseen_share:.2g} would have been seen."
        )

    def record(self) -> dict[str, Any]:
        """The figures as plain JSON values."""
        return {
            "starts": self.starts,
            "families": self.families,
            "singletons": self.singletons,
            "doubletons": self.doubletons,
            "coverage": self.coverage,
            "expected_new": self.expected_new,
            "richness": self.richness,
            "richness_interval": [
                bound if isfinite(bound) else None for bound in self.richness_interval
            ],
            "unseen_share": self.unseen_share,
            "level": self.level,
            "rarefaction_starts": self.rarefaction_starts.tolist(),
            "rarefaction_families": self.rarefaction_families.tolist(),
        }


def estimate_coverage(counts: Iterable[int], *, level: float = 0.95) -> Coverage:
    """Coverage, richness and rarefaction from how often each family was met.

    Parameters
    ----------
    counts : iterable of int
        Number of independent starts that ended in each family. Zeros are allowed: a family known
        from elsewhere says nothing about the starts.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Coverage
    """
    sample = _checked_counts("estimate_coverage", counts)
    if not 0 < level < 1:
        raise InvalidArgument(
            f"The 'level' argument of estimate_coverage must lie between 0 and 1; got {level}."
        )
    n, s = int(sample.sum()), len(sample)
    f1, f2 = int(np.sum(sample == 1)), int(np.sum(sample == 2))
    unseen = _unseen(n, f1, f2)
    sizes = np.unique(np.rint(np.linspace(0, n, 41)).astype(np.int64))
    further = np.unique(np.rint(np.linspace(0, n, 41)).astype(np.int64))[1:]
    expected = np.concatenate([rarefaction(sample, sizes), s + _new(unseen, f1, n, further)])
    return Coverage(
        starts=n,
        families=s,
        singletons=f1,
        doubletons=f2,
        coverage=_coverage(n, f1, f2),
        expected_new=float(_new(unseen, f1, n, np.array([n]))[0]),
        richness=s + unseen,
        richness_interval=_richness_interval(sample, unseen, level),
        unseen_share=1.0 if not n else float(-np.expm1(log1p(-level) / n)),
        level=level,
        rarefaction_starts=np.concatenate([sizes, n + further]),
        rarefaction_families=expected,
    )


def rarefaction(counts: Iterable[int], sizes: NDArray[np.int64]) -> Array:
    """Number of families expected in a random part of the starts.

    Parameters
    ----------
    counts : iterable of int
        Number of starts that ended in each family, n together.
    sizes : ndarray of int, shape (m,)
        Numbers of starts, 0 to n.

    Returns
    -------
    ndarray, shape (m,)
        sum_i (1 - C(n - n_i, m) / C(n, m)), n_i the counts.
    """
    sample = _checked_counts("rarefaction", counts)
    n = int(sample.sum())
    wanted = np.asarray(sizes)
    if np.any(wanted < 0) or np.any(wanted > n):
        raise InvalidArgument(
            f"The 'sizes' argument of rarefaction must lie between 0 and {n}; got "
            f"{wanted.min()} to {wanted.max()}."
        )
    rest = n - sample[:, None]
    m = wanted[None, :]
    possible = m <= rest
    logs = (
        gammaln(rest + 1.0)
        - gammaln(np.where(possible, rest - m, 0) + 1.0)
        - gammaln(n + 1.0)
        + gammaln(n - m + 1.0)
    )
    return np.asarray(np.where(possible, -np.expm1(np.minimum(logs, 0.0)), 1.0).sum(axis=0))


def binomial_interval(count: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a probability from `count` successes in `total` trials.

    Parameters
    ----------
    count, total : int
        0 <= count <= total.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        (0, 1) without any trial.
    """
    if not 0 <= count <= total or not 0 < level < 1:
        raise InvalidArgument(
            "binomial_interval needs 0 <= count <= total and a level between 0 and 1; got "
            f"{count}, {total} and {level}."
        )
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = count / total
    spread = 1 + z**2 / total
    centre = (share + z**2 / (2 * total)) / spread
    half = z / spread * sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    # At the ends the formula gives exactly 0 and 1, up to rounding.
    low = 0.0 if count == 0 else max(0.0, centre - half)
    return low, 1.0 if count == total else min(1.0, centre + half)


def _checked_counts(function: str, counts: Iterable[int]) -> NDArray[np.int64]:
    sample = np.array(list(counts), dtype=np.float64)
    if sample.ndim != 1 or np.any(sample < 0) or np.any(sample != np.floor(sample)):
        raise InvalidArgument(
            f"The 'counts' argument of {function} must be integers >= 0; got {sample.tolist()}."
        )
    return sample[sample > 0].astype(np.int64)


def _coverage(n: int, f1: int, f2: int) -> float:
    if n < 2:
        return 0.0
    if not f1:
        return 1.0
    if f2:
        return 1.0 - f1 / n * (n - 1) * f1 / ((n - 1) * f1 + 2 * f2)
    return 1.0 - f1 / n * (n - 1) * (f1 - 1) / ((n - 1) * (f1 - 1) + 2)


def _unseen(n: int, f1: int, f2: int) -> float:
    """Families that Chao1 adds to those met."""
    if not n:
        return 0.0
    factor = (n - 1) / n
    return factor * f1**2 / (2 * f2) if f2 else factor * f1 * (f1 - 1) / 2


def _new(unseen: float, f1: int, n: int, further: NDArray[np.int64]) -> Array:
    """Families that further starts are expected to add."""
    if not unseen or not f1:
        return np.zeros(len(further))
    return np.asarray(unseen * -np.expm1(further * log1p(-f1 / (n * unseen + f1))))


def _richness_interval(
    sample: NDArray[np.int64], unseen: float, level: float
) -> tuple[float, float]:
    n, s = int(sample.sum()), len(sample)
    if n < 2:
        return float(s), float("inf")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    f1, f2 = int(np.sum(sample == 1)), int(np.sum(sample == 2))
    a = (n - 1) / n
    if unseen > 0:
        if f2:
            ratio = f1 / f2
            variance = f2 * (a / 2 * ratio**2 + a**2 * ratio**3 + a**2 / 4 * ratio**4)
        else:
            variance = a * f1 * (f1 - 1) / 2 + a**2 * f1 * (2 * f1 - 1) ** 2 / 4
            variance -= a**2 * f1**4 / (4 * (s + unseen))
        spread = exp(z * sqrt(log(1 + max(variance, 0.0) / unseen**2)))
        return s + unseen / spread, s + unseen * spread
    # Nothing is estimated to be missing; what is left is the chance that counts this large are 0.
    counts, times = np.unique(sample, return_counts=True)
    decay = np.exp(-counts.astype(np.float64))
    variance = float(np.sum(times * (decay - decay**2)) - np.sum(counts * decay * times) ** 2 / n)
    missed = float(np.sum(times * decay)) / s
    centre = s / (1 - missed)
    half = z * sqrt(max(variance, 0.0)) / (1 - missed)
    return max(float(s), centre - half), centre + half
