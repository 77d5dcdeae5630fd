"""Read the rows of a request through an index: fetch chunks of many granules, decode while others come."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trackbench.chunkindex.decode import INFLATE, decode_chunk
from trackbench.chunkindex.fetch import fetcher_for
from trackbench.chunkindex.plan import GAP, chunk_name, plan_spans
from trackbench.chunkindex.trace import Trace
from trackbench.errors import FailedError, InputError
from trackbench.session import no_progress
from trackbench.table import canonical_batch, select_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    import pyarrow as pa
    from numpy.typing import NDArray

    from trackbench.access import Access
    from trackbench.chunkindex.decode import Library
    from trackbench.chunkindex.fetch import Fetcher
    from trackbench.chunkindex.model import IndexedGranule, Layout, Selection
    from trackbench.chunkindex.plan import Key
    from trackbench.products import Variable
    from trackbench.request import SubsetRequest
    from trackbench.session import Progress

_AHEAD: Final = 2
"""Granules whose rows may wait for those before them, as a multiple of those that are being fetched."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to read.

    Attributes
    ----------
    coordinates_first
        Fetch the other variables only of chunks in which a row was found: one more round, and no byte too many.
    library
        What inflates.
    granules_at_once
        How many granules are being fetched; of each, up to eleven requests are under way.
    gap
        Bytes between chunks that are fetched with them.
    """

    coordinates_first: bool = False
    library: Library = "libdeflate"
    granules_at_once: int = 24
    gap: int = GAP


@dataclass(slots=True)
class Spent:
    """What reading came to: seconds of all tasks by what was done, bytes and requests."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    bytes: int = 0
    requests: int = 0


@dataclass(slots=True)
class _Reading:
    """One reading of a selection."""

    selection: Selection
    request: SubsetRequest
    access: Access
    manner: Manner
    trace: Trace
    spent: Spent
    pool: ThreadPoolExecutor
    gate: asyncio.Semaphore
    fetchers: dict[bool, Fetcher] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def read_rows(
    selection: Selection,
    request: SubsetRequest,
    access: Access,
    *,
    manner: Manner | None = None,
    trace: Trace | None = None,
    spent: Spent | None = None,
    progress: Progress = no_progress,
) -> Iterator[tuple[IndexedGranule, pa.RecordBatch | None]]:
    """Yield the rows of each granule, None where it has none, by cycle, RGT and region.

    Raises
    ------
    InputError
        If a granule does not hold a variable that was asked for.
    FailedError
        If a chunk is not what the index says, naming granule, beam, variable and row; or a granule has changed.
    UnavailableError
        If a store cannot be reached.
    """
    if not selection.granules:
        return
    how = manner or Manner()
    with _loop() as loop, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        reading = _Reading(
            selection,
            request,
            access,
            how,
            trace or Trace(),
            spent or Spent(),
            pool,
            asyncio.Semaphore(how.granules_at_once),
        )
        places = np.split(
            np.arange(len(selection)), np.flatnonzero(np.diff(selection.granule)) + 1
        )  # chunks are sorted by granule, and each granule has one
        pending: deque[Future[pa.RecordBatch | None]] = deque()
        begun = 0
        try:
            for done, granule in enumerate(selection.granules, start=1):
                while begun < len(places) and len(pending) < _AHEAD * how.granules_at_once:
                    task = _read_granule(reading, places[begun].tolist())
                    pending.append(asyncio.run_coroutine_threadsafe(task, loop))
                    begun += 1
                batch = pending.popleft().result()
                progress(done, len(places), str(granule.granule.name))
                yield granule, batch
        finally:
            for future in pending:
                future.cancel()


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread of its own: requests go on while rows are written."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fetch", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _read_granule(reading: _Reading, numbers: Sequence[int]) -> pa.RecordBatch | None:
    """Fetch and decode the chunks of a granule, and return its rows."""
    async with reading.gate:
        granule = reading.selection.granules[int(reading.selection.granule[numbers[0]])]
        layout = reading.selection.layouts[granule.layout]
        columns = reading.request.columns
        _check_variables(granule, layout, columns)
        coordinates = [each.path for each in reading.request.product.coordinates]
        loop = asyncio.get_running_loop()
        keys = [(number, path) for number in numbers for path in coordinates]
        others = [(number, each.path) for number in numbers for each in columns]
        first = keys if reading.manner.coordinates_first else [*keys, *others]
        what = "coordinates" if reading.manner.coordinates_first else "read"
        stored = dict(await _fetch(reading, granule, layout, first, what=what))
        points = await loop.run_in_executor(reading.pool, _points, reading, layout, numbers, stored)
        found = [number for number, rows in zip(numbers, points.rows, strict=True) if rows.size]
        if not found:
            return None
        if reading.manner.coordinates_first:
            wanted = [(number, each.path) for number in found for each in columns]
            stored = dict(await _fetch(reading, granule, layout, wanted, what="read"))
    return await loop.run_in_executor(reading.pool, _batch, reading, granule, numbers, points, stored)


def _check_variables(granule: IndexedGranule, layout: Layout, columns: Sequence[Variable]) -> None:
    missing = [each.path for each in columns if each.path not in layout.storages]
    if missing:
        raise InputError(f"{granule.granule.name} has no variable {', '.join(missing)} that byte ranges can read.")


async def _fetch(
    reading: _Reading, granule: IndexedGranule, layout: Layout, keys: Sequence[Key], *, what: str
) -> Mapping[Key, memoryview]:
    spans = plan_spans(reading.selection, granule, layout, keys, gap=reading.manner.gap)
    if not spans:
        return {}
    local = granule.granule.path is not None
    fetcher = reading.fetchers.setdefault(local, fetcher_for(granule, reading.access))
    size = sum(span.stop - span.start for span in spans)
    begin = time.perf_counter()
    stored = await fetcher.fetch(granule, spans)
    end = time.perf_counter()
    _spend(reading, **{what: end - begin})
    reading.spent.bytes += size
    reading.spent.requests += len(spans)
    if reading.trace.on:
        reading.trace.add("fetch", str(granule.granule.name), begin, end, requests=len(spans), bytes=size)
    return stored


@dataclass(frozen=True, slots=True)
class _Points:
    """Coordinates of the chosen rows, and which rows of each chunk they are."""

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    delta_time: NDArray[np.float64]
    rows: tuple[NDArray[np.intp], ...]


def _points(
    reading: _Reading, layout: Layout, numbers: Sequence[int], stored: Mapping[Key, memoryview]
) -> _Points:
    """Decode the coordinates of a granule's chunks and test them, all at once."""
    begin = time.perf_counter()
    request = reading.request
    latitude, longitude, delta_time = (
        np.concatenate([_values(reading, layout, number, each.path, stored) for number in numbers])
        for each in request.product.coordinates
    )
    middle = time.perf_counter()
    chosen = np.flatnonzero(
        select_rows(
            request.region,
            request.start,
            request.end,
            latitude=latitude,
            longitude=longitude,
            delta_time=delta_time,
        )
    )
    begins = np.concatenate([[0], np.cumsum([int(reading.selection.rows[number]) for number in numbers])])
    cuts = np.searchsorted(chosen, begins)
    rows = tuple(chosen[cuts[place] : cuts[place + 1]] - begins[place] for place in range(len(numbers)))
    end = time.perf_counter()
    _spend(reading, decode=middle - begin, filter=end - middle)
    if reading.trace.on:
        reading.trace.add("decode", "coordinates", begin, middle)
        reading.trace.add("filter", "rows", middle, end)
    return _Points(latitude[chosen], longitude[chosen], delta_time[chosen], rows)


def _batch(
    reading: _Reading,
    granule: IndexedGranule,
    numbers: Sequence[int],
    points: _Points,
    stored: Mapping[Key, memoryview],
) -> pa.RecordBatch:
    """Decode the variables of chunks with rows, and put the granule's rows together."""
    begin = time.perf_counter()
    layout = reading.selection.layouts[granule.layout]
    found = [(number, rows) for number, rows in zip(numbers, points.rows, strict=True) if rows.size]
    values: dict[str, Any] = {
        each.column: np.concatenate(
            [_values(reading, layout, number, each.path, stored)[_slice(rows)] for number, rows in found]
        )
        for each in reading.request.columns
    }
    middle = time.perf_counter()
    tracks = np.repeat(reading.selection.track[[number for number, _ in found]], [rows.size for _, rows in found])
    batch = canonical_batch(
        reading.request,
        granule.granule.name,
        tracks,
        latitude=points.latitude,
        longitude=points.longitude,
        delta_time=points.delta_time,
        values=values,
    )
    end = time.perf_counter()
    _spend(reading, decode=middle - begin, filter=end - middle)
    if reading.trace.on:
        reading.trace.add("decode", "variables", begin, middle)
        reading.trace.add("filter", "columns", middle, end)
    return batch


def _slice(rows: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    """Return a slice where the rows are without a gap: it copies less."""
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == rows.size else rows


def _values(
    reading: _Reading, layout: Layout, number: int, path: str, stored: Mapping[Key, memoryview]
) -> NDArray[Any]:
    selection = reading.selection
    mask = int(selection.masks[path][number]) if path in selection.masks else 0
    try:
        return decode_chunk(
            stored.get((number, path)),
            layout.storages[path],
            int(selection.rows[number]),
            mask=mask,
            inflate=INFLATE[reading.manner.library],
        )
    except ValueError as error:
        raise FailedError(
            f"{chunk_name(selection, number, path)} cannot be decoded: {error}. The granule is damaged, or has"
            " changed since it was indexed: fetch it again, or build the index again."
        ) from error


def _spend(reading: _Reading, **seconds: float) -> None:
    with reading.lock:
        for what, spent in seconds.items():
            reading.spent.seconds[what] += spent
