"""Read the rows of a request through Zarr arrays: coordinates first, then only the chunks that hold rows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from trackbench.table import canonical_batch, select_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray
    from zarr import AsyncArray

    from trackbench.granules import GranuleName
    from trackbench.products import Variable
    from trackbench.request import SubsetRequest
    from trackbench.session import PhaseTimer

type Arrays = Mapping[str, AsyncArray[Any]]
"""The arrays of one ground track, by the path of their variable."""


def variables_of(request: SubsetRequest) -> tuple[Variable, ...]:
    """Return every variable that a request needs, coordinates first."""
    return (*request.product.coordinates, *request.columns)


async def read_tracks(
    tracks: Mapping[str, Arrays], *, request: SubsetRequest, name: GranuleName, timer: PhaseTimer
) -> list[pa.RecordBatch]:
    """Read the rows of one granule.

    Latitudes and longitudes of all ground tracks are read whole, at once; of the times and of the other variables
    only the chunks with points in the region, at once again.

    Parameters
    ----------
    tracks
        The arrays of each ground track that holds rows at all.
    request, name
        What is asked, and the granule.
    timer
        Times reading and filtering.

    Returns
    -------
    list of pyarrow.RecordBatch
        One for each ground track with rows.
    """
    product = request.product
    with timer.phase("coordinates"):
        points = await asyncio.gather(
            *(
                _whole(arrays[each.path])
                for arrays in tracks.values()
                for each in (product.latitude, product.longitude)
            )
        )
    with timer.phase("filter"):
        latitudes, longitudes = (dict(zip(tracks, values, strict=True)) for values in (points[::2], points[1::2]))
        covered = {
            track: np.flatnonzero(request.region.covers(longitudes[track], latitudes[track])) for track in tracks
        }
        covered = {track: rows for track, rows in covered.items() if rows.size}
    wanted = (product.delta_time, *request.columns)
    with timer.phase("read"):
        columns = await asyncio.gather(
            *(read_at(tracks[track][each.path], rows) for track, rows in covered.items() for each in wanted)
        )
    batches = []
    with timer.phase("filter"):
        for place, (track, rows) in enumerate(covered.items()):
            time, *others = columns[place * len(wanted) : (place + 1) * len(wanted)]
            point = {"latitude": latitudes[track][rows], "longitude": longitudes[track][rows], "delta_time": time}
            selected = select_rows(request.region, request.start, request.end, **point)
            if not selected.any():
                continue
            values = {each.column: other[selected] for each, other in zip(request.columns, others, strict=True)}
            kept = {each: value[selected] for each, value in point.items()}
            batches.append(canonical_batch(request, name, track, **kept, values=values))
    return batches


async def _whole(array: AsyncArray[Any]) -> NDArray[Any]:
    return np.asarray(await array.getitem(slice(None)))


async def read_at(array: AsyncArray[Any], rows: NDArray[np.intp]) -> NDArray[Any]:
    """Read some rows of an array, and no chunk that holds none of them.

    Parameters
    ----------
    array
        One-dimensional.
    rows
        Row numbers in ascending order, shape (n,) with n > 0.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    # A region that is crossed twice leaves whole chunks between the two stretches.
    gaps = np.flatnonzero(np.diff(rows // array.chunks[0]) > 1) + 1
    runs = np.split(rows, gaps)
    parts = await asyncio.gather(*(array.getitem(slice(int(run[0]), int(run[-1]) + 1)) for run in runs))
    return np.concatenate([np.asarray(part)[run - run[0]] for part, run in zip(parts, runs, strict=True)])
