"""What one process does: open one granule through references and read its rows, or make its references."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import zarr

from trackbench.backends import earthdata
from trackbench.backends.virtualizarr import dmrpp, earthaccess_route, hdf, kerchunk_store, naive
from trackbench.backends.virtualizarr.places import open_arrays
from trackbench.backends.virtualizarr.reading import read_tracks
from trackbench.backends.virtualizarr.tasks import Outcome
from trackbench.backends.virtualizarr.trouble import naming
from trackbench.session import PhaseTimer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from trackbench.backends.virtualizarr.cases import Entry
    from trackbench.backends.virtualizarr.hdf import MadeGroup
    from trackbench.backends.virtualizarr.places import Places
    from trackbench.backends.virtualizarr.tasks import Task
    from trackbench.granules import GranuleName
    from trackbench.request import SubsetRequest

_CHUNKS_AT_ONCE: Final = 64


def read(task: Task, request: SubsetRequest) -> Outcome:
    """Open a granule as the variant says and return its rows of the request."""
    timer = PhaseTimer()
    name = task.entry.granule.name
    with _settings(name):
        batches = asyncio.run(_read(task, request, timer))
    return Outcome(name, batches, timer.seconds)


def make(task: Task, request: SubsetRequest) -> tuple[Entry, Sequence[MadeGroup]]:
    """Make the references of a granule; return its entry with its tracks, and what is left to be written."""
    entry = task.entry
    assert task.folder is not None
    with _settings(entry.granule.name):
        if task.variant == "kerchunk":
            tracks = kerchunk_store.write(entry, task.folder, task.access, request)
            return replace(entry, tracks=tracks), ()
        made = hdf.virtual_datasets(entry.url, task.access, request)
    return replace(entry, tracks=tuple(dict.fromkeys(each.track for each in made))), made


@contextmanager
def _settings(name: GranuleName) -> Iterator[None]:
    # An array has more chunks than the 10 that Zarr reads at a time by default, so that it would wait twice.
    with naming(name), zarr.config.set({"async.concurrency": _CHUNKS_AT_ONCE}), warnings.catch_warnings():
        # Of the codecs of HDF5 zlib and shuffle are not in the Zarr 3 specification; each array would say so.
        warnings.filterwarnings("ignore", message="Numcodecs codecs are not in the Zarr version 3 specification")
        yield


async def _read(task: Task, request: SubsetRequest, timer: PhaseTimer) -> list[pa.RecordBatch]:
    with timer.phase("startup"):
        _start(task)
    if task.variant == "naive":
        return naive.read(task, request, timer)
    with timer.phase("metadata"):
        tracks = await open_arrays(await _references(task, request))
    return await read_tracks(tracks, request=request, name=task.entry.granule.name, timer=timer)


def _start(task: Task) -> None:
    """Do what cannot be done before workers are forked."""
    if task.variant == "earthaccess" and task.result is not None and task.endpoints is not None:
        earthdata.ensure_login(task.endpoints)
    if task.variant == "icechunk":
        import trackbench.backends.virtualizarr.icechunk_store  # noqa: F401, PLC0415 - see there


async def _references(task: Task, request: SubsetRequest) -> Places:
    entry, access = task.entry, task.access
    if task.variant == "dmrpp":
        return await dmrpp.references(entry.url, access, request)
    if task.variant == "hdf":
        return hdf.references(entry.url, access, request)
    if task.variant == "earthaccess":
        return earthaccess_route.references(task, request)
    assert task.folder is not None
    if task.variant == "kerchunk":
        return kerchunk_store.references(entry, task.folder, access, request)
    from trackbench.backends.virtualizarr import icechunk_store  # noqa: PLC0415 - as in `_start`

    return icechunk_store.references(entry, task.folder, access, request)
