"""How sure a list of families is.

Established here: the estimators give the published figures of the spider data; rarefaction is the
expectation over all subsets; over many simulated searches the estimated coverage is right on
average and the intervals hold; nothing fails for no start, one start or families that were never
met.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.points.coverage import binomial_interval, estimate_coverage, rarefaction


def sample(families: int, starts: int, singletons: int, doubletons: int) -> list[int]:
    rest = families - singletons - doubletons
    counts = [3] * rest
    counts[0] += starts - singletons - 2 * doubletons - 3 * rest
    return [1] * singletons + [2] * doubletons + counts


@pytest.mark.parametrize(
    ("data", "coverage", "richness", "low", "high"),
    [
        ((26, 168, 12, 4), 0.9289, 43.893, 30.511, 96.971),
        ((37, 252, 14, 4), 0.9446, 61.403, 43.502, 128.583),
    ],
)
def test_published_spider_data(
    data: tuple[int, int, int, int], coverage: float, richness: float, low: float, high: float
) -> None:
    # Girdled and logged trees, as analysed by Chao et al., Ecological Monographs 84, 45 (2014):
    # S, n, f1 and f2 determine all of these figures.
    found = estimate_coverage(sample(*data))
    assert (found.families, found.starts) == data[:2]
    assert found.coverage == pytest.approx(coverage, abs=5e-5)
    assert found.richness == pytest.approx(richness, abs=5e-4)
    assert found.richness_interval == pytest.approx((low, high), abs=5e-4)


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


def test_estimated_coverage_is_right_on_average_and_intervals_hold() -> None:
    generator = np.random.default_rng(0)
    shares = 0.6 ** np.arange(14)
    shares /= shares.sum()
    errors, missed = [], 0
    runs = 400
    for _ in range(runs):
        counts = generator.multinomial(120, shares)
        found = estimate_coverage(counts)
        errors.append(found.coverage - shares[counts > 0].sum())
        # Every family is missed above the stated share with a probability of at most 5 %.
        missed += int(np.any(shares[counts == 0] > found.unseen_share))
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(runs) + 0.002
    assert missed < 0.10 * runs


def test_interval_of_the_number_of_families_holds_where_all_are_equally_likely() -> None:
    # There Chao1 estimates the number itself; with rare families it is a lower bound of it.
    generator = np.random.default_rng(1)
    runs, families = 400, 20
    held = 0
    for _ in range(runs):
        found = estimate_coverage(generator.multinomial(45, np.full(families, 1 / families)))
        low, high = found.richness_interval
        held += low <= families <= high
    # The log-normal interval is approximate: it is known to fall short of 95 % in small samples.
    assert held > 0.8 * runs


def test_nothing_and_little() -> None:
    nothing = estimate_coverage([])
    assert (nothing.coverage, nothing.unseen_share, nothing.families) == (0.0, 1.0, 0)
    assert "nothing" in nothing.sentence()
    one = estimate_coverage([1])
    assert one.coverage == 0.0
    assert one.record()["richness_interval"] == [1.0, None]
    known_elsewhere = estimate_coverage([0, 5, 0])
    assert (known_elsewhere.families, known_elsewhere.coverage) == (1, 1.0)
    assert known_elsewhere.unseen_share == pytest.approx(1 - 0.05 ** (1 / 5))
    assert "1 family" in known_elsewhere.sentence()
    assert estimate_coverage([1, 1, 1, 1]).coverage < 0.5


@pytest.mark.parametrize("counts", [[-1, 2], [0.5], [[1, 2]]])
def test_bad_counts_are_refused(counts: list[float]) -> None:
    with pytest.raises(InvalidArgument, match="counts"):
        estimate_coverage(counts)  # type: ignore[arg-type]


def test_wilson_interval() -> None:
    # Brown, Cai, DasGupta 2001: the interval inverts the score test, so at its ends the score is
    # exactly the normal quantile.
    for count, total in [(0, 10), (3, 1000), (5, 5), (37, 80)]:
        low, high = binomial_interval(count, total)
        share = count / total
        assert low <= share <= high
        for end in (low, high):
            if 0 < end < 1:
                score = abs(share - end) / np.sqrt(end * (1 - end) / total)
                assert score == pytest.approx(1.959964, abs=1e-6)
    assert binomial_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(InvalidArgument):
        binomial_interval(3, 2)
