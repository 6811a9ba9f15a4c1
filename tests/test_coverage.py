"""How sure a list of families is.

Established here: the estimators give the published figures of the spider data; rarefaction is the
expectation over all subsets; over many simulated searches the estimated coverage is right on
average; every bound and interval has its level, also at 5 and at 50 starts, for one look and for
many; nothing fails for no start, one start or families that were never met.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom

from landtopo.errors import InvalidArgument
from landtopo.points.coverage import (
    Coverage,
    binomial_interval,
    estimate_coverage,
    rarefaction,
)


def sample(families: int, starts: int, singletons: int, doubletons: int) -> list[int]:
    rest = families - singletons - doubletons
    counts = [3] * rest
    counts[0] += starts - singletons - 2 * doubletons - 3 * rest
    return [1] * singletons + [2] * doubletons + counts


@pytest.mark.parametrize(
    ("data", "coverage", "richness"),
    [((26, 168, 12, 4), 0.9289, 43.893), ((37, 252, 14, 4), 0.9446, 61.403)],
)
def test_published_spider_data(
    data: tuple[int, int, int, int], coverage: float, richness: float
) -> None:
    # Girdled and logged trees, as analysed by Chao et al., Ecological Monographs 84, 45 (2014):
    # S, n, f1 and f2 determine all of these figures.
    found = estimate_coverage(sample(*data))
    assert (found.families, found.starts) == data[:2]
    assert found.coverage == pytest.approx(coverage, abs=5e-5)
    assert found.richness == pytest.approx(richness, abs=5e-4)


def test_rarefaction_is_the_mean_over_all_subsets() -> None:
    counts = [4, 2, 1, 1]
    labels = [i for i, count in enumerate(counts) for _ in range(count)]
    for size in range(len(labels) + 1):
        subsets = [len(set(chosen)) for chosen in combinations(labels, size)]
        mean = rarefaction(counts, np.array([size]))[0]
        assert mean == pytest.approx(np.mean(subsets), abs=1e-12)


def test_curve_ends_at_what_was_met_and_goes_on_smoothly() -> None:
    found = estimate_coverage([40, 20, 8, 3, 2, 1, 1])
    here = int(np.flatnonzero(found.rarefaction_starts == found.starts)[0])
    assert found.rarefaction_families[here] == pytest.approx(found.families, abs=1e-9)
    assert found.rarefaction_starts[-1] == 2 * found.starts
    assert np.all(np.diff(found.rarefaction_families) >= 0)
    assert found.rarefaction_families[-1] == pytest.approx(found.families + found.expected_new)
    assert found.rarefaction_families[-1] < found.richness


MIXTURES = {
    "uniform": np.full(40, 1 / 40),
    "few": np.full(3, 1 / 3),
    "geometric": 0.7 ** np.arange(30) * 0.3 / (1 - 0.7**30),
    "Zipf": 1 / np.arange(1, 301) / np.sum(1 / np.arange(1, 301)),
    "two points": np.array([0.97, 0.03]),
    # Five families that 50 starts miss with a probability of 4 % each, beside one of the rest.
    "rare": np.r_[np.full(5, 0.062), 1 - 5 * 0.062],
}
RUNS = 300
# 95 % of the runs, less three standard errors.
ENOUGH = RUNS * (0.95 - 3 * np.sqrt(0.95 * 0.05 / RUNS))


@pytest.mark.parametrize("starts", [5, 50, 600])
@pytest.mark.parametrize("name", MIXTURES)
def test_bounds_have_their_level(name: str, starts: int) -> None:
    """Good-Turing with its usual normal interval, and 1 - 0.05^(1/n), fail here."""
    shares = MIXTURES[name]
    generator = np.random.default_rng(starts)
    held = missed_none = 0
    errors, widths = [], []
    for _ in range(RUNS):
        counts = generator.multinomial(starts, shares)
        found = estimate_coverage(counts)
        low, high = found.coverage_interval
        covered = shares[counts > 0].sum()
        held += low - 1e-12 <= covered <= high + 1e-12
        missed_none += not np.any(shares[counts == 0] > found.largest_missed)
        errors.append(found.coverage - covered)
        widths.append(high - low)
        assert low <= found.coverage <= high
    assert held >= ENOUGH
    assert missed_none >= ENOUGH
    if starts > 5:
        assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(RUNS) + 0.01
    # A bound that says nothing would hold too.
    assert np.mean(widths) < {5: 1.01, 50: 0.7, 600: 0.2}[starts]


def test_bounds_keep_their_level_when_one_stops_on_what_is_seen() -> None:
    """Drawing until no family was met only once makes the sample look too good."""
    shares = MIXTURES["Zipf"][:60] / MIXTURES["Zipf"][:60].sum()
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(RUNS):
        counts, looks = generator.multinomial(40, shares), 1
        while np.sum(counts == 1) > 4 and looks < 12:
            counts, looks = counts + generator.multinomial(20, shares), looks + 1
        low, high = estimate_coverage(counts, looks=looks).coverage_interval
        held += low <= shares[counts > 0].sum() <= high
    assert held >= ENOUGH
    wide, narrow = estimate_coverage([30, 5], looks=4), estimate_coverage([30, 5])
    assert wide.coverage_interval[0] < narrow.coverage_interval[0]
    assert wide.largest_missed > narrow.largest_missed


@pytest.mark.parametrize("total", [1, 5, 50])
def test_binomial_interval_has_its_level_for_every_probability(total: int) -> None:
    """Wilson's interval falls to 84 % at 5 trials."""
    intervals = np.array([binomial_interval(count, total) for count in range(total + 1)])
    for p in np.linspace(0.001, 0.999, 499):
        inside = (intervals[:, 0] <= p) & (p <= intervals[:, 1])
        assert binom.pmf(np.arange(total + 1), total, p)[inside].sum() >= 0.95 - 1e-12


def test_nothing_and_little() -> None:
    nothing = estimate_coverage([])
    assert (nothing.coverage, nothing.largest_missed, nothing.families) == (0.0, 1.0, 0)
    assert nothing.coverage_interval == (0.0, 1.0)
    assert "nothing" in nothing.sentence()
    one = estimate_coverage([1])
    assert one.coverage == 0.0
    assert one.record()["coverage_interval"] == [0.0, 1.0]
    known_elsewhere = estimate_coverage([0, 5, 0])
    assert (known_elsewhere.families, known_elsewhere.coverage) == (1, 1.0)
    # Any share that is missed with a probability of 5 % is possible, and more.
    assert known_elsewhere.largest_missed > 1 - 0.05 ** (1 / 5)
    assert "1 family" in known_elsewhere.sentence()
    assert estimate_coverage([1, 1, 1, 1]).coverage < 0.5


@pytest.mark.parametrize("counts", [[-1, 2], [0.5], [[1, 2]]])
def test_bad_counts_are_refused(counts: list[float]) -> None:
    with pytest.raises(InvalidArgument, match="counts"):
        estimate_coverage(counts)  # type: ignore[arg-type]


def test_binomial_interval_leaves_half_of_the_error_on_each_side() -> None:
    for count, total in [(0, 10), (3, 1000), (5, 5), (37, 80)]:
        low, high = binomial_interval(count, total)
        assert low <= count / total <= high
        if count:
            assert binom.sf(count - 1, total, low) == pytest.approx(0.025)
        if count < total:
            assert binom.cdf(count, total, high) == pytest.approx(0.025)
    assert binomial_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(InvalidArgument):
        binomial_interval(3, 2)


def test_sentence_says_what_it_is_about_and_calls_no_bound_an_estimate() -> None:
    text = estimate_coverage([1988, 8, 2, 1, 1]).sentence()
    assert "in reach of this start distribution" in text
    assert "with the same confidence no family that a start meets" in text
    assert "a lower bound" in text
    # Nothing short of all is rounded to all, and no interval is given for the number of families.
    assert "to 100.00 %" in text
    assert "distribution: 99.9" in text
    assert "would have been seen" not in text
    assert (
        estimate_coverage([40, 1])
        .sentence(start="climb", family="transition")
        .startswith("41 independent climbs met 2 transitions, 1 of them only once.")
    )


def test_records_are_read_back_and_those_of_0_1_get_an_interval() -> None:
    found = estimate_coverage([300, 40, 9, 3, 2, 1])
    assert Coverage.from_record(found.record()).record() == found.record()
    old = found.record()
    for name in ("coverage_interval", "largest_missed"):
        del old[name]
    old["richness_interval"], old["unseen_share"] = [6.0, 7.5], 0.008
    read = Coverage.from_record(old)
    assert (read.coverage, read.richness) == (found.coverage, found.richness)
    # The counts themselves are not in it: the interval can only be wider.
    assert read.coverage_interval[0] <= found.coverage_interval[0]
    assert read.coverage_interval[1] >= found.coverage
