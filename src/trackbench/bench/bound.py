"""The bound: the least time that a network and the layout of the files allow for an answer.

No backend is modelled. The bytes are those of the chunks that hold at least one row of the answer, as if their
places were known beforehand; they arrive as fast as the shared link carries them; and every core inflates.
"""

from __future__ import annotations

import os
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trackbench.bench.records import BoundRecord
from trackbench.errors import FailedError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trackbench.bench.needed_chunks import NeededChunk
    from trackbench.localcloud.profiles import Profile

Bound = BoundRecord

_HANDSHAKES: Final = {"http": 1, "https": 2}
"""Round trips before a request can be sent: one for TCP, one more for TLS 1.3 (RFC 8446)."""

_BATCH_BYTES: Final = 256 << 20
_REPEATS: Final = 3


def bound_of(needed: Sequence[NeededChunk], profile: Profile, *, cold: bool) -> Bound:
    """Return the bound of an answer under a network profile, its decoding measured on this machine now.

    Parameters
    ----------
    needed
        The chunks that hold rows of the answer.
    profile
        Gives the round trip, the median first byte and the bandwidth of the shared link.
    cold
        Whether connections must be opened first.
    """
    return compute_bound(
        needed,
        decode_seconds=measure_decode(needed),
        rtt=profile.rtt,
        first_byte=profile.ttfb_median,
        bandwidth=profile.total_bandwidth,
        cold=cold,
    )


def compute_bound(
    chunks: Sequence[NeededChunk],
    *,
    decode_seconds: float,
    rtt: float,
    first_byte: float,
    bandwidth: float | None,
    cold: bool,
    scheme: str = "https",
) -> Bound:
    """Combine what must be fetched with what the network allows.

    ``network_seconds = (1 + handshakes) * rtt + first_byte + bytes / bandwidth``, where the handshakes count only
    when cold.

    Parameters
    ----------
    chunks
        The chunks that hold rows of the answer.
    decode_seconds
        As `measure_decode` found.
    rtt
        Round trip, seconds.
    first_byte
        Median of the store's own time to the first byte, seconds.
    bandwidth
        Of the link that all connections share, bytes a second; None is unlimited.
    cold
        Whether connections must be opened first.
    scheme
        ``http`` or ``https``.

    Returns
    -------
    Bound
        ``requests`` is the least number of ranges that fetch the chunks and no byte more.
    """
    if scheme not in _HANDSHAKES:
        raise InputError(f"The scheme {scheme!r} is not one of {', '.join(_HANDSHAKES)}.")
    size = sum(chunk.size for chunk in chunks)
    round_trips = 1 + (_HANDSHAKES[scheme] if cold else 0)
    network_seconds = round_trips * rtt + first_byte + (size / bandwidth if bandwidth else 0.0)
    return Bound(
        seconds=network_seconds + decode_seconds,
        network_seconds=network_seconds,
        decode_seconds=decode_seconds,
        bytes=size,
        requests=count_ranges(chunks),
    )


def count_ranges(chunks: Iterable[NeededChunk]) -> int:
    """Count the byte ranges that are left when chunks which touch in the file are fetched together."""
    ranges = 0
    previous: tuple[str, int] | None = None
    for chunk in sorted(chunks, key=lambda chunk: (chunk.path, chunk.offset)):
        ranges += previous != (chunk.path, chunk.offset)
        previous = (chunk.path, chunk.offset + chunk.size)
    return ranges


def measure_decode(chunks: Sequence[NeededChunk], *, workers: int | None = None, repeats: int = _REPEATS) -> float:
    """Measure how long it takes to inflate the chunks from memory on all cores, with zlib.

    Parameters
    ----------
    chunks
        The chunks that hold rows of the answer.
    workers
        Threads; by default one for each core that this process may use. zlib lets go of the interpreter's lock.
    repeats
        How often each batch is inflated; the quickest counts, since the bound is the least.

    Returns
    -------
    float
        Seconds. Reading the bytes into memory is not part of it, and neither is undoing the shuffle of integers,
        which takes microseconds.

    Raises
    ------
    FailedError
        When stored bytes do not inflate to the size of a chunk.
    InputError
        When a granule's file is gone.
    """
    seconds = 0.0
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
        for batch in _batches(chunks):
            seconds += min(_inflate_all(batch, pool) for _ in range(repeats))
    return seconds


def _batches(chunks: Sequence[NeededChunk]) -> Iterator[list[tuple[bytes, int]]]:
    """Yield stored bytes and raw sizes of deflated chunks, in batches that fit into memory."""
    batch: list[tuple[bytes, int]] = []
    held = 0
    deflated = (chunk for chunk in chunks if "deflate" in chunk.filters)
    for path, group in groupby(
        sorted(deflated, key=lambda chunk: (chunk.path, chunk.offset)), key=lambda c: c.path
    ):
        if not Path(path).exists():
            raise InputError(f"There is no {path} any more; decoding needs its bytes.")
        with Path(path).open("rb") as file:
            for chunk in group:
                file.seek(chunk.offset)
                batch.append((file.read(chunk.size), chunk.raw_size))
                held += chunk.size + chunk.raw_size
                if held >= _BATCH_BYTES:
                    yield batch
                    batch, held = [], 0
    if batch:
        yield batch


def _inflate_all(batch: Sequence[tuple[bytes, int]], pool: ThreadPoolExecutor) -> float:
    begin = time.perf_counter()
    # One answer a chunk, its length alone: keeping the arrays would measure the memory allocator.
    lengths = list(pool.map(_inflated_length, batch))
    seconds = time.perf_counter() - begin
    if lengths != [raw_size for _, raw_size in batch]:
        raise FailedError(
            "A chunk does not inflate to its size: the file has changed since its reference was made."
        )
    return seconds


def _inflated_length(chunk: tuple[bytes, int]) -> int:
    stored, raw_size = chunk
    try:
        return len(zlib.decompress(stored, bufsize=raw_size))
    except zlib.error as error:
        raise FailedError(
            f"A chunk does not inflate ({error}): the file has changed since its reference."
        ) from error
