"""Read from a granule what the index says of it: metadata and coordinates, and nothing else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
import shapely

from trackbench.access import address, store_for
from trackbench.chunkindex.decode import INFLATE, decode_chunk
from trackbench.chunkindex.model import MISSING, Layout, Storage
from trackbench.chunkindex.tracks import samples, track_line, valid_points
from trackbench.errors import FailedError, TrackbenchError, UnsupportedError
from trackbench.products import BEAMS
from trackbench.table import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from trackbench.access import Access
    from trackbench.chunkindex.model import Filter
    from trackbench.granules import Granule
    from trackbench.products import Product

# Registered HDF5 filters (HDF5 specification, "Filter Pipeline Message") that a reader of the index can undo.
_FILTERS: Final[dict[int, Filter]] = {
    h5py.h5z.FILTER_DEFLATE: "deflate",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
}
_NOT_A_TIME: Final = np.iinfo(np.int64).min
_NEAR: Final = 1 << 16
"""Bytes between two chunks that are fetched with them."""

_BLOCK: Final = 1 << 18
_BLOCKS: Final = 256
"""Metadata of older releases is scattered over the file; a block read twice costs more than these."""

type Places = list[tuple[int, int, int]]
type Spans = list[slice]
type Values = Callable[[h5py.Dataset, Storage, Places, Spans], NDArray[Any]]
"""Reads a whole variable of a beam."""


@dataclass(frozen=True, slots=True)
class ScannedChunk:
    """A chunk of a ground track, and where the chunks of its variables are.

    Attributes
    ----------
    beam, beam_rows
        The ground track, and how many rows it has in this granule.
    number, first_row, rows
        Which chunk it is, from 0; the row it begins with; how many rows of the beam it holds.
    times
        First and last time, nanoseconds since 1970; None without any.
    geometry
        Line in WKB; None without a valid point.
    error, bounds
        As `trackbench.chunkindex.tracks.TrackLine` has them.
    sampled
        Longitudes and latitudes about a kilometre apart, float64 of shape (n, 2).
    reach
        How far any point is from its sample, in kilometres.
    places
        By path: offset, stored size and filter mask.
    """

    beam: str
    beam_rows: int
    number: int
    first_row: int
    rows: int
    times: tuple[int, int] | None
    geometry: bytes | None
    error: float
    bounds: tuple[float, float, float, float]
    sampled: NDArray[np.float64]
    reach: float
    places: dict[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a granule was found to be: size and entity tag, the storage of its variables, and its chunks."""

    granule: Granule
    etag: str | None
    layout: Layout
    chunks: tuple[ScannedChunk, ...]


def scan_granule(granule: Granule, access: Access, product: Product) -> Scan:
    """Read a granule's metadata and coordinates, from this machine or a store.

    Raises
    ------
    UnsupportedError
        If its variables are stored in a way that byte ranges cannot tell.
    UnavailableError
        If the store cannot be reached.
    FailedError
        If it cannot be read.
    """
    try:
        if granule.path is not None:
            size = Path(granule.path).stat().st_size
            with h5py.File(granule.path, "r") as file:
                return _scan(file, replace(granule, size=size), None, product, _from_file)
        return _scan_remote(granule, access, product)
    except TrackbenchError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise FailedError(
            f"{granule.name} cannot be read: {str(error).split(chr(10), 1)[0]}. If the file was cut short or"
            " damaged, fetch it again."
        ) from error


def _scan_remote(granule: Granule, access: Access, product: Product) -> Scan:
    import obstore  # noqa: PLC0415 - local files need neither
    from obspec_utils.readers import BlockStoreReader  # noqa: PLC0415

    url = address(granule, access)
    store = store_for(url, access)
    key = url.split("://", 1)[1].split("/", 1)[1]
    about = obstore.head(store, key)

    def values(_: h5py.Dataset, storage: Storage, places: Places, spans: Spans) -> NDArray[Any]:
        # Ranges side by side, where the HDF5 library would read one chunk after the other.
        there = [place for place in places if place[0] != MISSING]
        ranges = obstore.get_ranges(
            store,
            key,
            starts=[place[0] for place in there],
            lengths=[place[1] for place in there],
            coalesce=_NEAR,
        )
        stored = iter(ranges)
        inflate = INFLATE["libdeflate"]
        decoded = [
            decode_chunk(
                None if place[0] == MISSING else memoryview(next(stored)),
                storage,
                span.stop - span.start,
                mask=place[2],
                inflate=inflate,
            )
            for place, span in zip(places, spans, strict=True)
        ]
        return np.concatenate(decoded)

    reader: Any = BlockStoreReader(store, key, block_size=_BLOCK, max_cached_blocks=_BLOCKS)
    with closing(reader), h5py.File(reader, "r") as file:
        return _scan(file, replace(granule, size=about["size"]), about["e_tag"], product, values)


def _from_file(dataset: h5py.Dataset, *_: object) -> NDArray[Any]:
    values: NDArray[Any] = dataset[:]
    return values


def _scan(file: h5py.File, granule: Granule, etag: str | None, product: Product, values: Values) -> Scan:
    variables = (*product.coordinates, *product.columns, *product.further.values())
    storages: dict[str, Storage] = {}
    chunks: list[ScannedChunk] = []
    for beam in BEAMS:
        if f"{beam}/{product.latitude.path}" not in file:
            continue
        datasets = {each.path: file[f"{beam}/{each.path}"] for each in variables if f"{beam}/{each.path}" in file}
        rows = len(datasets[product.latitude.path])
        if not rows:
            continue
        found, chunk_rows = _storages(datasets, product, rows, f"{granule.name} {beam}")
        for path, storage in found.items():
            if storages.setdefault(path, storage) != storage:
                raise UnsupportedError(
                    f"{granule.name} stores {path} of {beam} in another way than that of other beams."
                )
        chunks.extend(
            _chunks(
                beam,
                datasets=datasets,
                storages=found,
                product=product,
                rows=rows,
                chunk_rows=chunk_rows,
                values=values,
            )
        )
    return Scan(granule, etag, Layout(storages), tuple(chunks))


def _storages(
    datasets: dict[str, h5py.Dataset], product: Product, rows: int, where: str
) -> tuple[dict[str, Storage], int]:
    """Return how the variables are stored that share the coordinates' chunks, and how many rows a chunk has."""
    latitude = datasets[product.latitude.path]
    chunk_rows = latitude.chunks[0] if latitude.chunks else rows
    asked = {each.path for each in (*product.coordinates, *product.columns)}
    found: dict[str, Storage] = {}
    for path, dataset in datasets.items():
        own_rows = dataset.chunks[0] if dataset.chunks else chunk_rows
        filters = _filters(dataset)
        missing = dataset.chunks is None and dataset.id.get_offset() is None
        fits = dataset.shape == (rows,) and own_rows == chunk_rows and filters is not None and not missing
        if fits and filters is not None:
            found[path] = Storage(dataset.dtype.str, _fill(dataset), chunk_rows, filters)
        elif path in asked:
            raise UnsupportedError(
                f"{where}/{path} is stored in a way that byte ranges cannot tell (shape {dataset.shape},"
                f" chunks {dataset.chunks}, filters {_filter_codes(dataset)}); its coordinates have chunks"
                f" of {chunk_rows}."
            )
    return found, chunk_rows


def _filter_codes(dataset: h5py.Dataset) -> list[int]:
    pipeline = dataset.id.get_create_plist()
    return [pipeline.get_filter(place)[0] for place in range(pipeline.get_nfilters())]


def _filters(dataset: h5py.Dataset) -> tuple[Filter, ...] | None:
    codes = _filter_codes(dataset)
    return tuple(_FILTERS[code] for code in codes) if all(code in _FILTERS for code in codes) else None


def _fill(dataset: h5py.Dataset) -> float | int | None:
    value: Any = dataset.fillvalue
    return None if value is None else value.item()


def _chunks(
    beam: str,
    *,
    datasets: dict[str, h5py.Dataset],
    storages: dict[str, Storage],
    product: Product,
    rows: int,
    chunk_rows: int,
    values: Values,
) -> list[ScannedChunk]:
    places = {path: _places(datasets[path], rows, chunk_rows) for path in storages}
    spans = [slice(first, min(first + chunk_rows, rows)) for first in range(0, rows, chunk_rows)]
    latitude, longitude, delta_time = (
        values(datasets[each.path], storages[each.path], places[each.path], spans) for each in product.coordinates
    )
    chunks = []
    for number, span in enumerate(spans):
        valid = valid_points(longitude[span], latitude[span])
        lon, lat = longitude[span][valid], latitude[span][valid]
        line = track_line(lon, lat)
        chosen, reach = samples(lon, lat)
        times = nanoseconds(delta_time[span])
        times = times[times != _NOT_A_TIME]
        chunks.append(
            ScannedChunk(
                beam,
                rows,
                number,
                span.start,
                span.stop - span.start,
                (int(times.min()), int(times.max())) if times.size else None,
                None if line.geometry is None else shapely.to_wkb(line.geometry),
                line.error,
                line.bounds,
                np.column_stack([lon[chosen], lat[chosen]]),
                reach,
                {path: place[number] for path, place in places.items()},
            )
        )
    return chunks


def _places(dataset: h5py.Dataset, rows: int, chunk_rows: int) -> Places:
    """Return offset, stored size and filter mask of each chunk; a contiguous dataset is cut as if chunked."""
    if dataset.chunks is None:
        begin, width = dataset.id.get_offset(), dataset.dtype.itemsize
        return [
            (begin + first * width, (min(first + chunk_rows, rows) - first) * width, 0)
            for first in range(0, rows, chunk_rows)
        ]
    places = [(MISSING, 0, 0)] * -(-rows // chunk_rows)

    def note(chunk: Any) -> None:  # noqa: ANN401 - h5py's StoreInfo has no public name
        places[chunk.chunk_offset[0] // chunk_rows] = (chunk.byte_offset, chunk.size, chunk.filter_mask)

    dataset.id.chunk_iter(note)
    return places
