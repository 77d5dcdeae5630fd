"""Which chunks of a granule hold rows of an answer: the least that any reader of that file must fetch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Names of the registered HDF5 filters that ICESat-2 granules use (HDF5 specification, "Filter Pipeline Message").
_FILTERS: Final = {h5py.h5z.FILTER_DEFLATE: "deflate", h5py.h5z.FILTER_SHUFFLE: "shuffle"}


@dataclass(frozen=True, slots=True)
class NeededChunk:
    """A chunk, or a stretch of a contiguous dataset, that holds at least one row of the answer.

    Attributes
    ----------
    path
        The granule's file on local disk.
    beam
        The ground track.
    variable
        Path of the dataset within the beam.
    index
        Number of the chunk along the track, from 0; -1 for a dataset that is not chunked.
    offset, size
        Where its stored bytes are in the file, and how many; the offset is -1 where HDF5 keeps the values in an
        object header (compact layout).
    rows
        How many rows of the answer it holds.
    raw_size
        Bytes once decoded.
    filters
        Filters in the order in which they were applied when writing, ``shuffle`` before ``deflate``. A filter that
        was left out for this chunk is not named.
    """

    path: str
    beam: str
    variable: str
    index: int
    offset: int
    size: int
    rows: int
    raw_size: int
    filters: tuple[str, ...]

    @property
    def granule(self) -> str:
        """Name of the granule's file."""
        return PurePath(self.path).name


def needed_chunks(
    dataset: h5py.Dataset, rows: NDArray[np.intp], *, path: str, beam: str, variable: str
) -> Iterator[NeededChunk]:
    """Find the stored pieces of a dataset that hold the given rows.

    Parameters
    ----------
    dataset
        One value for each row along its first axis.
    rows
        Row numbers, ascending, int of shape (n,).
    path, beam, variable
        Named in the result.

    Yields
    ------
    NeededChunk
        In the order of the rows. A chunk that was never written (all fill values) is left out: it costs nothing.
    """
    if rows.size == 0:
        return
    if dataset.chunks is None:
        yield _stretch(dataset, rows, path=path, beam=beam, variable=variable)
        return
    raw_size = int(np.prod(dataset.chunks)) * dataset.dtype.itemsize
    numbers, counts = np.unique(rows // dataset.chunks[0], return_counts=True)
    filters = _filters(dataset)
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        corner = (number * dataset.chunks[0], *(0 for _ in dataset.shape[1:]))
        info = dataset.id.get_chunk_info_by_coord(corner)
        if info.byte_offset is None:
            continue
        used = tuple(name for place, name in enumerate(filters) if not info.filter_mask >> place & 1)
        yield NeededChunk(path, beam, variable, number, info.byte_offset, info.size, count, raw_size, used)


def _stretch(dataset: h5py.Dataset, rows: NDArray[np.intp], *, path: str, beam: str, variable: str) -> NeededChunk:
    row_size = int(np.prod(dataset.shape[1:], dtype=np.int64)) * dataset.dtype.itemsize
    size = (int(rows[-1]) - int(rows[0]) + 1) * row_size
    start = dataset.id.get_offset()
    offset = -1 if start is None else start + int(rows[0]) * row_size
    return NeededChunk(path, beam, variable, -1, offset, size, len(rows), size, ())


def _filters(dataset: h5py.Dataset) -> tuple[str, ...]:
    pipeline = dataset.id.get_create_plist()
    codes = [pipeline.get_filter(place)[0] for place in range(pipeline.get_nfilters())]
    return tuple(_FILTERS.get(code, f"filter {code}") for code in codes)
