"""Medians of a few samples, and how sure one can be of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trackbench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LEVEL: Final = 0.95
_RESAMPLES: Final = 4_000
_SEED: Final = 20_181_013


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of values and how often such a range holds the true one.

    Attributes
    ----------
    low, high
        Its ends, which belong to it.
    coverage
        Probability, 0 to 1. Few samples give a wide interval of low coverage, and it says so.
    """

    low: float
    high: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Several samples in short, in the unit of the samples.

    Attributes
    ----------
    count
        How many there are.
    median
        The middle one, or the mean of the two in the middle.
    first_quartile, third_quartile
        Interpolated linearly (type 7 of Hyndman and Fan, 1996).
    interval
        Where the true median lies.
    """

    count: int
    median: float
    first_quartile: float
    third_quartile: float
    interval: Interval

    @property
    def spread(self) -> float:
        """The interquartile range."""
        return self.third_quartile - self.first_quartile


def summarise(samples: Sequence[float]) -> Summary:
    """Return median, quartiles and the interval of the median.

    Raises
    ------
    InputError
        If there is no sample, or one is not finite.
    """
    values = _sorted(samples)
    first, median, third = (float(each) for each in np.percentile(values, [25, 50, 75]))
    return Summary(len(values), median, first, third, median_interval(samples))


def median_interval(samples: Sequence[float], level: float = _LEVEL) -> Interval:
    """Return an interval for the true median that assumes nothing of the distribution.

    It runs from the k-th smallest to the k-th largest sample. Each sample falls below the true median with
    probability one half, so the interval misses it with probability ``2 P(B < k)``, B binomial in n and 1/2
    (David and Nagaraja, Order Statistics, 3rd edition, section 7.1).

    Parameters
    ----------
    samples
        At least one finite number.
    level
        The coverage asked for. The narrowest interval that reaches it is taken; where even the whole range does
        not (it needs six samples for 95 %), the whole range is, with the coverage that it has.

    Raises
    ------
    InputError
        If there is no sample, or one is not finite.
    """
    values = _sorted(samples)
    count = len(values)
    reaching = [rank for rank in range(1, count // 2 + 1) if _coverage(count, rank) >= level]
    rank = max(reaching, default=1)
    return Interval(float(values[rank - 1]), float(values[count - rank]), _coverage(count, rank))


def ratio_interval(samples: Sequence[float], others: Sequence[float], level: float = _LEVEL) -> Interval:
    """Return the percentile bootstrap interval of ``median(samples) / median(others)``.

    Both groups are drawn from with replacement 4000 times, each time with the same seed (Efron and Tibshirani, An
    Introduction to the Bootstrap, chapter 13). With fewer than about ten samples in a group it is too narrow; it
    is then a hint, not a proof.

    Raises
    ------
    InputError
        If a group is empty, or a sample is not finite or, among `others`, not positive.
    """
    values, divisors = _sorted(samples), _sorted(others)
    if divisors[0] <= 0:
        raise InputError(f"A ratio to {divisors[0]} means nothing: the samples divided by must be positive.")
    random = np.random.default_rng(_SEED)
    drawn, drawn_others = (
        np.median(random.choice(each, (_RESAMPLES, len(each))), axis=1) for each in (values, divisors)
    )
    tail = 50 * (1 - level)
    low, high = np.percentile(drawn / drawn_others, [tail, 100 - tail])
    return Interval(float(low), float(high), level)


def _coverage(count: int, rank: int) -> float:
    missed = sum(math.comb(count, below) for below in range(rank)) / 2**count
    return float(max(0.0, 1 - 2 * missed))


def _sorted(samples: Sequence[float]) -> NDArray[np.float64]:
    values = np.sort(np.asarray(samples, dtype=np.float64))
    if not len(values):
        raise InputError("There is no sample to summarise.")
    if not np.isfinite(values).all():
        raise InputError(f"Samples must be finite numbers, not {list(samples)}.")
    return values
