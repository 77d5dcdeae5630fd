"""The bound: bytes, ranges and seconds of an answer under a network."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from trackbench.bench.bound import bound_of, compute_bound, count_ranges, measure_decode
from trackbench.bench.needed_chunks import NeededChunk
from trackbench.errors import FailedError, InputError
from trackbench.localcloud.profiles import Profile

if TYPE_CHECKING:
    from pathlib import Path


def chunk(
    path: str, offset: int, size: int, *, raw_size: int = 80_000, filters: tuple[str, ...] = ("deflate",)
) -> NeededChunk:
    """Make a chunk at a place."""
    return NeededChunk(path, "gt1l", "land_ice_segments/h_li", 0, offset, size, 10, raw_size, filters)


CHUNKS = (chunk("/a/x.h5", 1000, 500), chunk("/a/x.h5", 5000, 250), chunk("/a/y.h5", 1000, 250))


def test_a_warm_bound_is_one_round_trip_the_first_byte_and_the_bytes() -> None:
    """1000 bytes at 10 kB/s after 30 ms and 20 ms, plus decoding."""
    bound = compute_bound(CHUNKS, decode_seconds=0.5, rtt=0.03, first_byte=0.02, bandwidth=10_000, cold=False)
    assert bound.network_seconds == pytest.approx(0.03 + 0.02 + 0.1)
    assert bound.seconds == pytest.approx(0.65)
    assert (bound.decode_seconds, bound.bytes, bound.requests) == (0.5, 1000, 3)


@pytest.mark.parametrize(("scheme", "round_trips"), [("http", 2), ("https", 3)])
def test_a_cold_bound_opens_a_connection_first(scheme: str, round_trips: int) -> None:
    """TCP costs one more round trip, TLS another."""
    bound = compute_bound(
        CHUNKS, decode_seconds=0, rtt=0.1, first_byte=0, bandwidth=None, cold=True, scheme=scheme
    )
    assert bound.seconds == pytest.approx(round_trips * 0.1)


def test_an_unknown_scheme_is_refused() -> None:
    """Only http and https have known handshakes."""
    with pytest.raises(InputError, match="ftp"):
        compute_bound(CHUNKS, decode_seconds=0, rtt=0, first_byte=0, bandwidth=None, cold=True, scheme="ftp")


def test_an_empty_answer_has_a_bound() -> None:
    """Nothing to fetch costs no bytes and no requests; asking still takes a round trip."""
    bound = compute_bound((), decode_seconds=0, rtt=0.03, first_byte=0.02, bandwidth=1e6, cold=False)
    assert (bound.bytes, bound.requests) == (0, 0)
    assert bound.seconds == pytest.approx(0.05)
    assert measure_decode(()) == 0


def test_chunks_that_touch_are_one_range() -> None:
    """Neighbours in one file are fetched together, in any order; a gap or another file is another range."""
    touching = [
        chunk("/a/x.h5", 100, 50),
        chunk("/a/x.h5", 0, 100),
        chunk("/a/x.h5", 151, 9),
        chunk("/a/y.h5", 160, 5),
    ]
    assert count_ranges(touching) == 3
    assert count_ranges([]) == 0


def stored(tmp_path: Path) -> list[NeededChunk]:
    """Write deflated chunks into two files."""
    rng = np.random.default_rng(1)
    found = []
    for name in ("x.h5", "y.h5"):
        content = b"header"
        for _ in range(3):
            raw = rng.normal(size=10_000).tobytes()
            deflated = zlib.compress(raw, 6)
            found.append(chunk(str(tmp_path / name), len(content), len(deflated), raw_size=len(raw)))
            content += deflated
        (tmp_path / name).write_bytes(content)
    return found


def test_decoding_is_measured_on_the_stored_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inflating takes time, also in several batches; what is not deflated takes none."""
    chunks = stored(tmp_path)
    assert measure_decode(chunks, workers=2, repeats=1) > 0
    monkeypatch.setattr("trackbench.bench.bound._BATCH_BYTES", 1)
    assert measure_decode(chunks, workers=1, repeats=1) > 0
    assert measure_decode([chunk("/nowhere.h5", 0, 10, filters=())]) == 0


def test_a_file_that_changed_is_found_out(tmp_path: Path) -> None:
    """Bytes that do not inflate, or inflate to another size, or are gone, are errors."""
    first, *_ = stored(tmp_path)
    with pytest.raises(FailedError, match="does not inflate to its size"):
        measure_decode([chunk(first.path, first.offset, first.size, raw_size=first.raw_size + 1)])
    with pytest.raises(FailedError, match="does not inflate"):
        measure_decode([chunk(first.path, first.offset + 1, first.size)])
    with pytest.raises(InputError, match=r"no .*gone\.h5 any more"):
        measure_decode([chunk(str(tmp_path / "gone.h5"), 0, 10)])


def test_the_bound_of_a_profile_takes_its_numbers(tmp_path: Path) -> None:
    """Round trip, median first byte and the shared link are the profile's."""
    chunks = stored(tmp_path)
    profile = Profile("test", "a test", "assumed", rtt=1.0, ttfb_median=0.5, total_bandwidth=1000.0)
    bound = bound_of(chunks, profile, cold=True)
    assert bound.network_seconds == pytest.approx(3.5 + sum(each.size for each in chunks) / 1000)
    assert bound.seconds == bound.network_seconds + bound.decode_seconds
    assert bound.decode_seconds > 0
    assert bound.requests == 2
