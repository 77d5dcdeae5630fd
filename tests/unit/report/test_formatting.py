"""Numbers as people read them."""

from __future__ import annotations

import pytest

from trackbench.report.formatting import count, duration, listing, number, size


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (0.041234, "0.0412"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (48_211.4, "48,211"),
        (-3.14159, "-3.14"),
        (123.4, "123"),
    ],
)
def test_numbers_have_three_figures(value: float, words: str) -> None:
    """Three significant figures, none invented by rounding up, thousands set apart."""
    assert number(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.0123, "12.3 ms"),
        (0.412, "0.412 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3_599.9, "1 h 0 min"),
        (12_000, "3 h 20 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    """A unit that reads well, and never 60 of the smaller one."""
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0 B"), (999, "999 B"), (1_730_000_000, "1.73 GB"), (999_999, "1.00 MB")]
)
def test_sizes(value: float, words: str) -> None:
    """Powers of 1000, and never 1000 of the smaller unit."""
    assert size(value) == words


def test_counts_and_lists() -> None:
    """One is singular, and the last of several follows an and."""
    assert (count(1, "row"), count(48_211, "row")) == ("1 row", "48,211 rows")
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
