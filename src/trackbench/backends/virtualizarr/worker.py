"""What one process does: open one granule through references and read its rows."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Final

import zarr

from trackbench.backends.virtualizarr import dmrpp, hdf
from trackbench.backends.virtualizarr.places import open_arrays
from trackbench.backends.virtualizarr.reading import read_tracks
from trackbench.backends.virtualizarr.stores import address
from trackbench.backends.virtualizarr.tasks import Outcome
from trackbench.backends.virtualizarr.trouble import naming
from trackbench.session import PhaseTimer

if TYPE_CHECKING:
    import pyarrow as pa

    from trackbench.backends.virtualizarr.places import Places
    from trackbench.backends.virtualizarr.tasks import Task
    from trackbench.request import SubsetRequest

_CHUNKS_AT_ONCE: Final = 64


def read(task: Task, request: SubsetRequest) -> Outcome:
    """Open a granule as the variant says and return its rows of the request."""
    timer = PhaseTimer()
    name = task.granule.name
    # An array has more chunks than the 10 that Zarr reads at a time by default, so that it would wait twice.
    with naming(name), zarr.config.set({"async.concurrency": _CHUNKS_AT_ONCE}), warnings.catch_warnings():
        # Of the codecs of HDF5 zlib and shuffle are not in the Zarr 3 specification; each array would say so.
        warnings.filterwarnings("ignore", message="Numcodecs codecs are not in the Zarr version 3 specification")
        batches = asyncio.run(_read(task, request, timer))
    return Outcome(name, batches, timer.seconds)


async def _read(task: Task, request: SubsetRequest, timer: PhaseTimer) -> list[pa.RecordBatch]:
    with timer.phase("metadata"):
        tracks = await open_arrays(await _references(task, request))
    return await read_tracks(tracks, request=request, name=task.granule.name, timer=timer)


async def _references(task: Task, request: SubsetRequest) -> Places:
    url = address(task.granule, task.access)
    match task.variant:
        case "dmrpp":
            return await dmrpp.references(url, task.access, request)
        case "hdf":
            return hdf.references(url, task.access, request)
    raise AssertionError(task.variant)
