"""Make a subset: get the rows of a backend and write them, while more come where they come in order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trackbench.geoparquet import write_geoparquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from trackbench.backends.protocol import Backend
    from trackbench.geoparquet import WriteSummary
    from trackbench.request import SubsetRequest
    from trackbench.session import Session


def write_subset(
    backend: Backend,
    request: SubsetRequest,
    session: Session,
    output: Path,
    *,
    versions: Mapping[str, str] | None = None,
) -> WriteSummary:
    """Write the rows of a request that a backend yields.

    A backend whose class says ``in_order = True`` yields its batches by cycle and RGT, each of one cycle and RGT
    alone: they are written as they come. Those of any other are collected and sorted first.

    Raises
    ------
    TrackbenchError
        As the backend and `trackbench.geoparquet.write_geoparquet` do.
    """
    in_order = bool(getattr(backend, "in_order", False))
    batches = backend.subset(request, session)
    source: Iterable[pa.RecordBatch]
    timed = _Timed(batches)
    source = timed if in_order else list(batches)
    begin = time.perf_counter()
    summary = write_geoparquet(
        source, output, request=request, granules=session.sources, versions=versions, in_order=in_order
    )
    session.timer.add("write", time.perf_counter() - begin - timed.waited)
    return summary


class _Timed:
    """Passes batches on, and adds up how long they were waited for: the backend has phases of its own for that."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.waited = 0.0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            begin = time.perf_counter()
            batch = next(self._batches, None)
            self.waited += time.perf_counter() - begin
            if batch is None:
                return
            yield batch
