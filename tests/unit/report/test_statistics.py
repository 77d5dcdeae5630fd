"""Medians, intervals and ratios of a few samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trackbench.errors import InputError
from trackbench.report.statistics import median_interval, ratio_interval, summarise


def test_summary_of_known_samples() -> None:
    """Median and quartiles are those of the textbook, in any order of the samples."""
    summary = summarise([5.0, 1.0, 3.0, 2.0, 4.0])

    assert (summary.count, summary.median, summary.first_quartile, summary.third_quartile) == (5, 3.0, 2.0, 4.0)
    assert summary.spread == 2.0


@pytest.mark.parametrize(
    ("count", "rank", "coverage"),
    [(1, 1, 0.0), (2, 1, 0.5), (3, 1, 0.75), (5, 1, 0.9375), (6, 1, 0.96875), (9, 2, 0.9609375), (20, 6, 0.9586)],
)
def test_interval_is_that_of_the_tables(count: int, rank: int, coverage: float) -> None:
    """Ranks and coverage agree with the tables of the sign test (Conover, 1999, table A3)."""
    interval = median_interval([float(value) for value in range(1, count + 1)])

    assert (interval.low, interval.high) == (rank, count + 1 - rank)
    assert interval.coverage == pytest.approx(coverage, abs=5e-5)


def test_interval_covers_as_often_as_it_says() -> None:
    """Over many draws of nine from a skewed distribution the true median lies inside as often as stated."""
    random = np.random.default_rng(7)
    draws = random.lognormal(0.0, 1.0, (4_000, 9))
    intervals = [median_interval(draw) for draw in draws.tolist()]
    inside = np.mean([each.low <= 1.0 <= each.high for each in intervals])

    assert inside == pytest.approx(intervals[0].coverage, abs=0.01)


def test_ratio_of_like_groups_holds_one_and_of_unlike_does_not() -> None:
    """Two draws of one distribution are not told apart; one that is 30 % slower is."""
    random = np.random.default_rng(11)
    one, other = random.normal(10, 0.3, 25).tolist(), random.normal(10, 0.3, 25).tolist()
    same = ratio_interval(one, other)
    slower = ratio_interval([value * 1.3 for value in one], other)

    assert same.low <= 1 <= same.high
    assert 1.2 < slower.low < 1.3 < slower.high < 1.4


def test_ratio_is_the_same_each_time() -> None:
    """The same samples give the same interval, so that the same records give the same page."""
    assert ratio_interval([1.0, 2.0, 4.0], [2.0, 3.0]) == ratio_interval([4.0, 1.0, 2.0], [3.0, 2.0])


@pytest.mark.parametrize("samples", [[], [1.0, math.nan], [math.inf]])
def test_samples_that_mean_nothing_are_refused(samples: list[float]) -> None:
    """No sample, or one that is not a number, ends in an error instead of in a figure."""
    with pytest.raises(InputError):
        summarise(samples)


def test_a_ratio_to_nothing_is_refused() -> None:
    """Dividing by a time of zero ends in an error."""
    with pytest.raises(InputError, match="positive"):
        ratio_interval([1.0], [0.0])
