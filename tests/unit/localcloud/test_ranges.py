"""Byte ranges and preconditions as RFC 9110 and the object store have them."""

from __future__ import annotations

import pytest

from trackbench.localcloud.ranges import UnsatisfiableRangeError, etag_matches, parse_range


@pytest.mark.parametrize(
    ("field", "span"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-", (90, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
    ],
)
def test_parse_range(field: str | None, span: tuple[int, int] | None) -> None:
    """A single range is cut to the object; what is no single byte range means the whole."""
    assert parse_range(field, 100) == span


@pytest.mark.parametrize("field", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_ranges_outside_the_object(field: str) -> None:
    """A range that holds no byte of the object cannot be satisfied."""
    with pytest.raises(UnsatisfiableRangeError, match="100 bytes"):
        parse_range(field, 100)


def test_etag_matches() -> None:
    """A tag matches itself among several, with or without quotes, and the star."""
    assert etag_matches('"a", "b"', '"b"')
    assert etag_matches("b", '"b"')
    assert etag_matches("*", '"b"')
    assert not etag_matches('"a"', '"b"')
