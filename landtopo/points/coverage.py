"""How sure a list of families is: what independent starts say about those that were not met.

The starts are a sample with replacement, the families are the species: n starts, S families met,
x_i starts in family i, f_k families met exactly k times, p_i their probabilities. Only independent
draws from one start distribution count, and every figure is about that distribution: a family
outside its reach has probability zero in it.

*Estimates.*

- Coverage, the share of the distribution that the families met make up (Good 1953, Turing), in the
  form of Chao and Jost (Ecology 93, 2012): C = 1 - f1/n * (n-1) f1 / ((n-1) f1 + 2 f2).
- Chao1 (Chao 1984), an estimate of a lower bound of the number of families in reach:
  S + (n-1)/n f1^2 / (2 f2), bias-corrected where f2 = 0. Where shares are uneven the number itself
  can be far above, and no interval around Chao1 is one for it.
- Rarefaction (Hurlbert 1971): families expected in m of the n starts; and its extrapolation to 2 n
  (Colwell et al. 2012).

*Bounds*, which hold for every n and every distribution with the stated confidence 1 - a. Let
M = 1 - C be the probability of all families that were not met.

- From above. Put every start into a test set with probability l, and let m be the size of that set.
  Families unseen in the others have the probability M'. Given the others and m, no test start falls
  into one of them with probability (1 - M')^m, and in that case M = M'. So the mean of
  1[no test start does] (1 - M)^-m is at most 1, over starts and test sets. Its mean over test sets
  alone, e(M) = prod_i ((1 - l + l t)^x_i - (l t)^x_i) with t = 1 / (1 - M), can be computed, and
  P(e(M) >= 1/a) <= a by Markov's inequality. e grows with M: M is below the root of e(M) = 1/a.
- From below. If the number of starts had the Poisson distribution of mean n, all x_i would be
  independent, and because sum_x (1 - (-l)^x) y^x / x! = e^y - e^(-l y) the mean of
  e^(-l n M) prod_i (1 - (-l)^x_i), over the families met, would be exactly 1. Terms of a mean
  that are positive are smaller than it, so at n starts the mean is at most n! e^n / n^n, and
  Markov's inequality bounds M from below.

  Both use the average of the left-hand sides for l = 1/4, 1/2, 3/4, whose mean is bounded too.
- The most likely family missed. At most 1/t families have a probability of t or more, and each is
  missed with probability (1 - t)^n at most. With (1 - t)^n / t = a/2, none of them is missed with
  confidence 1 - a/2, whatever they are; and none above the upper bound of M is. The smaller of the
  two is a bound for all families at once.

Where one looks at the sample to decide whether to go on, the j-th look has the error a / (j (j+1)):
all looks together keep a.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor, log, log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaincinv, gammaln, logsumexp

from landtopo.checks import checked_array, checked_count, checked_number, shown
from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.units import Unitless

__all__ = ["Coverage", "binomial_interval", "estimate_coverage", "rarefaction"]


# Chances l of a start to be in the test set.
_PARTS = np.array([0.25, 0.5, 0.75])


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Brief):
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
    coverage_interval : tuple of float
        Bounds of this probability at `level`, for any number of starts and any distribution.
    expected_new : float
        Families not met yet that n further starts are expected to add.
    richness : float
        Chao1: estimate of a lower bound of the number of families in reach of the start
        distribution.
    largest_missed : float
        With confidence `level`, every family that a start meets with a probability above this has
        been met; a statement about all families at once.
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
    coverage_interval: Unitless[tuple[float, float]]
    expected_new: Unitless[float]
    richness: Unitless[float]
    largest_missed: Unitless[float]
    level: Unitless[float]
    rarefaction_starts: NDArray[np.int64]
    rarefaction_families: Unitless[Array]

    def sentence(self, *, start: str = "start", family: str = "family") -> str:
        """The figures in sentences.

        Parameters
        ----------
        start, family : str
            What was drawn, and what it met.
        """
        if not self.starts:
            return (
                f"No independent {start} ended in a {family}, so nothing is known about the rest."
            )
        low, high = self.coverage_interval
        return (
            f"{_counted(self.starts, f'independent {start}')} met "
            f"{_counted(self.families, family)}, {self.singletons or 'none'} of them only once. "
            f"Estimated coverage of what is in reach of this start distribution: "
            f"{_down(self.coverage)} % ({100 * self.level:.0f} % interval {_down(low)} to "
            f"{_up(high)} %); with the same confidence no {family} that a {start} meets with "
            f"probability above {self.largest_missed:.2g} is missing. Chao1, a lower bound and no "
            f"estimate of the number in reach: {self.richness:.1f}."
        )

    def record(self) -> dict[str, Any]:
        """The figures as plain JSON values."""
        return {
            "starts": self.starts,
            "families": self.families,
            "singletons": self.singletons,
            "doubletons": self.doubletons,
            "coverage": self.coverage,
            "coverage_interval": list(self.coverage_interval),
            "expected_new": self.expected_new,
            "richness": self.richness,
            "largest_missed": self.largest_missed,
            "level": self.level,
            "rarefaction_starts": self.rarefaction_starts.tolist(),
            "rarefaction_families": self.rarefaction_families.tolist(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Coverage:
        """The figures of a record.

        One that landtopo 0.1 wrote has no interval. It is made for the counts that the record
        allows and that make it widest: as many families as can be were met three times.
        """
        if "coverage_interval" not in record:
            ones, twos = int(record["singletons"]), int(record["doubletons"])
            others = int(record["families"]) - ones - twos
            counts = [1] * ones + [2] * twos + [3] * others
            if others:
                counts[-1] += int(record["starts"]) - sum(counts)
            return estimate_coverage(counts, level=float(record["level"]))
        low, high = record["coverage_interval"]
        return cls(
            **{
                **record,
                "coverage_interval": (float(low), float(high)),
                "rarefaction_starts": np.array(record["rarefaction_starts"]),
                "rarefaction_families": np.array(record["rarefaction_families"]),
            }
        )


def estimate_coverage(counts: Iterable[int], *, level: float = 0.95, looks: int = 0) -> Coverage:
    """Coverage, richness and rarefaction from how often each family was met.

    Parameters
    ----------
    counts : iterable of int
        Number of independent starts that ended in each family. Zeros are allowed: a family known
        from elsewhere says nothing about the starts.
    level : float
        Confidence level of the bounds.
    looks : int
        How many times the sample was looked at to decide whether to draw more, the last one
        included; 0 for a number of starts that was fixed before.

    Returns
    -------
    Coverage
    """
    sample = _checked_counts("estimate_coverage", counts)
    level = _checked_level("estimate_coverage", level)
    looks = checked_count("looks", "estimate_coverage", looks, least=0)
    n, s = int(sample.sum()), len(sample)
    f1, f2 = int(np.sum(sample == 1)), int(np.sum(sample == 2))
    error = (1.0 - level) / max(looks * (looks + 1), 1)
    interval = _coverage_interval(sample, error)
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
        coverage_interval=interval,
        expected_new=float(_new(unseen, f1, n, np.array([n]))[0]),
        richness=s + unseen,
        largest_missed=min(_largest_missed(n, error / 2), 1.0 - interval[0]),
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
    """Exact interval of a probability from `count` successes in `total` trials.

    That of Clopper and Pearson (Biometrika 26, 1934): whatever the probability and the number of
    trials, it holds the probability with confidence `level` at least.

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

    Examples
    --------
    >>> import landtopo as lt
    >>> low, high = lt.binomial_interval(3, 20)
    >>> round(low, 4), round(high, 4)
    (0.0321, 0.3789)
    """
    total = checked_count("total", "binomial_interval", total, least=0)
    count = checked_count("count", "binomial_interval", count, least=0, most=total)
    level = _checked_level("binomial_interval", level)
    tail = (1.0 - level) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, total - count + 1, tail))
    high = 1.0 if count == total else float(betaincinv(count + 1, total - count, 1.0 - tail))
    return low, high


def _checked_level(function: str, level: float) -> float:
    return checked_number(
        "level", function, level, "lie between 0 and 1", lambda number: 0 < number < 1
    )


def _checked_counts(function: str, counts: Iterable[int]) -> NDArray[np.int64]:
    sample = checked_array(
        "counts",
        function,
        list(counts),
        "(n,)",
        lambda shape: len(shape) == 1,
        largest=float(2**53),
    )
    if np.any(sample < 0) or np.any(sample != np.floor(sample)):
        raise InvalidArgument(
            f"The 'counts' argument of {function} must be integers >= 0; got {shown(counts)}."
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


def _coverage_interval(sample: NDArray[np.int64], error: float) -> tuple[float, float]:
    """Bounds of the coverage, each with half of the error; see the module."""
    n = int(sample.sum())
    if not n:
        return 0.0, 1.0
    doubt = log(2.0 / error)

    def evidence(seen: float) -> float:
        whole, test = 1.0 - _PARTS + _PARTS / seen, _PARTS / seen
        # a^x - b^x = a^x (1 - (b/a)^x), where b/a is close to 1 when little was seen.
        ratio = np.log(test / whole)[:, None] * sample
        terms = sample * np.log(whole)[:, None] + np.log(-np.expm1(ratio))
        return _mean_of_exponentials(terms.sum(axis=1)) - doubt

    tiny = 1e-9
    low = 0.0 if evidence(tiny) <= 0 else float(brentq(evidence, tiny, 1.0, xtol=1e-12))
    # What n starts say less than as many with a Poisson distribution around n.
    loss = float(gammaln(n + 1.0)) + n - n * log(n)
    weights = np.log1p(-((-_PARTS[:, None]) ** sample)).sum(axis=1)

    def against(missing: float) -> float:
        return _mean_of_exponentials(weights - _PARTS * n * missing) - doubt - loss

    missing = (
        0.0 if against(0.0) <= 0 else float(brentq(against, 0.0, 1.0 / _PARTS.min(), xtol=1e-12))
    )
    return low, 1.0 - min(missing, 1.0)


def _mean_of_exponentials(values: Array) -> float:
    return float(logsumexp(values)) - log(len(values))


def _largest_missed(n: int, error: float) -> float:
    """The t with (1 - t)^n / t = error."""
    if not n:
        return 1.0
    return float(brentq(lambda t: n * np.log1p(-t) - log(t) - log(error), 1e-12, 1.0 - 1e-15))


def _counted(count: int, name: str) -> str:
    many = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    return f"{count} {name if count == 1 else many}"


def _down(share: float) -> str:
    """Per cent, rounded down: nothing short of all is said to be all."""
    return f"{floor(1e4 * share + 1e-9) / 100:.2f}"


def _up(share: float) -> str:
    return f"{ceil(1e4 * share - 1e-9) / 100:.2f}"
