"""Ask an index which chunks may hold rows of a request.

Importing this must stay cheap: a lookup is the start of a subset that may take less time than a library to load.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from trackbench.access import store_for
from trackbench.arrow import array_of, nulls_of, values_of
from trackbench.chunkindex.manifest import FILE_NAME, Manifest
from trackbench.chunkindex.model import IndexedGranule, Selection
from trackbench.chunkindex.rows import FIXED, column_names, leading_paths
from trackbench.chunkindex.tracks import great_circle_km
from trackbench.errors import FailedError, InputError, UnavailableError
from trackbench.granules import Granule, GranuleName, newest
from trackbench.products import BEAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from trackbench.access import Access
    from trackbench.chunkindex.manifest import Partition
    from trackbench.region import Region
    from trackbench.request import SubsetRequest

_WORDS: Final = tuple(field.name for field in FIXED if pa.types.is_dictionary(field.type))
_READ: Final = (
    *("granule", "https", "s3", "path", "granule_bytes", "etag", "layout", "cycle", "rgt", "beam", "beam_rows"),
    *("chunk", "first_row", "rows", "time_start", "time_end", "bbox", "line_error", "filter_masks", "geometry"),
)
_REMOTE: Final = ("s3://", "https://", "http://")


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is open: its manifest has been read.

    Attributes
    ----------
    place
        Folder or address.
    manifest
        What it says of itself.
    access
        How to reach the address.
    """

    place: str
    manifest: Manifest
    access: Access | None = None

    @classmethod
    def open(cls, place: str | Path, access: Access | None = None) -> Self:
        """Open the index in a folder or at an address.

        Raises
        ------
        InputError
            If there is none.
        FailedError
            If it is damaged, or of a version that this release does not read.
        UnavailableError
            If the address does not answer.
        """
        text = str(place).rstrip("/")
        return cls(text, Manifest.parse(_get(text, FILE_NAME, access), text), access)

    def lookup(
        self,
        request: SubsetRequest,
        *,
        paths: Sequence[str] = (),
        granules: Collection[GranuleName] | None = None,
    ) -> Selection:
        """Return the chunks that may hold rows of a request; none that does is left out.

        Parameters
        ----------
        request
            Its region, time range and release.
        paths
            Further variables whose places are wanted, by path within the beam.
        granules
            Only these, where given.

        Raises
        ------
        InputError
            If the index is of another product, does not know a variable or one of the granules.
        FailedError, UnavailableError
            If a file of it cannot be read.
        """
        if self.manifest.product != request.product.name:
            raise InputError(
                f"{self.place} indexes {self.manifest.product}, and the request is for {request.product.name}."
            )
        wanted = [each for each in self.manifest.partitions if _may_meet(each, request)]
        tables = [self._candidates(each, request, paths) for each in wanted]
        return self._selection([table for table in tables if table.num_rows], request, paths, granules)

    def _candidates(self, partition: Partition, request: SubsetRequest, paths: Sequence[str]) -> pa.Table:
        places = [name for path in leading_paths(request.product) for name in column_names(path)]
        table = self._read(partition.file, [*_READ, *places])
        chosen = np.flatnonzero(_meets(table, request))
        found = table.take(array_of(chosen)) if len(chosen) < table.num_rows else table
        leading = set(leading_paths(request.product))
        further = [name for path in paths if path not in leading for name in column_names(path)]
        if further and found.num_rows:
            twin = self._read(partition.further_file, further).take(array_of(chosen))
            for name in further:
                found = found.append_column(name, twin[name])
        return found

    def _read(self, file: str, columns: list[str]) -> pa.Table:
        try:
            source = (
                pa.BufferReader(_get(self.place, file, self.access))
                if self.place.startswith(_REMOTE)
                else Path(self.place) / file
            )
            words = [name for name in _WORDS if name in columns]
            with pq.ParquetFile(source, read_dictionary=words) as opened:
                missing = [name for name in columns if name.partition(".")[0] not in _roots(opened)]
                if missing:
                    raise InputError(f"{self.place} says nothing of {missing[0].removesuffix('.offset')}.")
                return opened.read(columns, use_threads=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise FailedError(f"{self.place}/{file} cannot be read: {error}. Build the index again.") from error

    def _selection(
        self,
        tables: list[pa.Table],
        request: SubsetRequest,
        paths: Sequence[str],
        granules: Collection[GranuleName] | None,
    ) -> Selection:
        variables = list(dict.fromkeys([*leading_paths(request.product), *paths]))
        if not tables:
            return _nothing(variables, self.manifest)
        rows = pa.concat_tables(tables, promote_options="default").unify_dictionaries().combine_chunks()
        texts, codes = _words(rows, "granule")
        names = [GranuleName.parse(text) for text in texts]
        kept = _kept(names, np.unique(codes), request, granules)
        place_of = np.full(len(names), -1, dtype=np.int32)
        place_of[kept] = np.arange(len(kept), dtype=np.int32)
        beams, beam_codes = _words(rows, "beam")
        track = np.array([BEAMS.index(beam) for beam in beams], dtype=np.int8)[beam_codes]
        chunk = values_of(rows["chunk"]).astype(np.int64)
        granule = place_of[codes]
        # A chunk stands in the file of each cell that it crosses.
        order = np.lexsort((chunk, track, granule))
        order = order[granule[order] >= 0]
        same = np.zeros(len(order), dtype=np.bool_)
        if len(order):
            same[1:] = (np.diff(granule[order]) == 0) & (np.diff(track[order]) == 0) & (np.diff(chunk[order]) == 0)
        order = order[~same]
        first = order[np.unique(granule[order], return_index=True)[1]] if len(order) else order
        return Selection(
            _granules(rows, first, self.manifest),
            self.manifest.layouts,
            granule[order],
            track[order],
            values_of(rows["first_row"])[order],
            values_of(rows["rows"]).astype(np.int64)[order],
            {path: _integers(rows, column_names(path)[0])[order] for path in variables},
            {path: _integers(rows, column_names(path)[1])[order] for path in variables},
            _masks(rows, order, variables),
        )


def _roots(opened: pq.ParquetFile) -> set[str]:
    return {name.partition(".")[0] for name in opened.schema_arrow.names}


def _get(place: str, file: str, access: Access | None) -> bytes:
    if not place.startswith(_REMOTE):
        try:
            return (Path(place) / file).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(
                f"There is no chunk index at {place}: it has no {file}. `trackbench index build` makes one."
            ) from None
    import obstore  # noqa: PLC0415 - an index on this machine needs none
    from obstore.exceptions import BaseError  # noqa: PLC0415

    assert access is not None
    url = f"{place}/{file}"
    key = url.split("://", 1)[1].split("/", 1)[1]
    try:
        return bytes(obstore.get(store_for(url, access), key).bytes())
    except FileNotFoundError:
        raise InputError(f"There is no chunk index at {place}: it has no {file}.") from None
    except (BaseError, OSError) as error:
        said = str(error).split("\n", 1)[0]
        raise UnavailableError(f"{url} cannot be had: {type(error).__name__}: {said}") from error


def _may_meet(partition: Partition, request: SubsetRequest) -> bool:
    """Tell whether a file can hold a chunk that meets the request; when in doubt, it can."""
    if partition.bounds is None or partition.circle is None:
        return False
    if partition.times is not None:
        start, end = (int(moment.astype(np.int64)) for moment in (request.start, request.end))
        if partition.times[0] > end or partition.times[1] < start:
            return False
    west, south, east, north = partition.bounds
    box = shapely.box(west, south, east, north)
    return request.region.geometry.intersects(box) and _near(request.region, partition.circle)


def _near(region: Region, circle: tuple[float, float, float]) -> bool:
    """Tell whether a part of the region can reach into a circle, by a circle around the part's corners.

    A part of the region is a polygon in the longitude-latitude plane. Within a box of a few degrees no point is
    farther from the box's middle than its edge is; larger parts are taken to be near.
    """
    longitude, latitude, radius = circle
    for part in region.parts:
        west, south, east, north = part.bounds
        if max(east - west, north - south) > _SMALL:
            return True
        middle = (west + east) / 2, (south + north) / 2
        # Points of the edge, a hundredth of it apart: the farthest of them, and half a step more.
        along = np.linspace(0.0, 1.0, _STEPS + 1)
        edge_lon = np.concatenate(
            [west + (east - west) * along] * 2 + [np.full(_STEPS + 1, x) for x in (west, east)]
        )
        edge_lat = np.concatenate(
            [np.full(_STEPS + 1, y) for y in (south, north)] + [south + (north - south) * along] * 2
        )
        far = float(great_circle_km(edge_lon, edge_lat, *middle).max())
        step = max(east - west, north - south) * _KM_PER_DEGREE / _STEPS
        between = float(great_circle_km(np.array([middle[0]]), np.array([middle[1]]), longitude, latitude)[0])
        if between <= radius + far + step:
            return True
    return False


_SMALL: Final = 10.0
_STEPS: Final = 100
_KM_PER_DEGREE: Final = 111.4


def _meets(table: pa.Table, request: SubsetRequest) -> NDArray[np.bool_]:
    """Tell which chunks come near enough to the region, in the range of time."""
    start, end = (int(moment.astype(np.int64)) for moment in (request.start, request.end))
    first, last = (values_of(table[name]).astype(np.int64) for name in ("time_start", "time_end"))
    west, south, east, north = request.region.geometry.bounds
    box = table["bbox"].combine_chunks()
    edges = {name: values_of(box.field(name)) for name in ("xmin", "ymin", "xmax", "ymax")}
    meets = (first <= end) & (last >= start)
    meets &= (
        (edges["xmin"] <= east) & (edges["xmax"] >= west) & (edges["ymin"] <= north) & (edges["ymax"] >= south)
    )
    for name in ("time_start", "bbox", "geometry"):
        column = table[name]
        if column.null_count:
            meets &= ~nulls_of(column)
    left = np.flatnonzero(meets)
    if left.size:
        lines = shapely.from_wkb(table["geometry"].take(array_of(left)).to_pylist())
        # A little more than the bound, so that rounding within the geometry library loses nothing.
        reach = values_of(table["line_error"])[left].astype(np.float64) * (1 + 1e-6) + 1e-9
        region = np.full(left.shape, request.region.geometry, dtype=object)
        meets[left] = shapely.dwithin(region, lines, cast("Any", reach))
    return meets


def _kept(
    names: list[GranuleName],
    present: NDArray[np.int32],
    request: SubsetRequest,
    granules: Collection[GranuleName] | None,
) -> NDArray[np.intp]:
    """Return the codes of the granules that count, by cycle, RGT and region."""
    codes = {names[code]: int(code) for code in present}
    if granules is not None:
        chosen = sorted((name for name in codes if name in granules), key=lambda name: name.data)
        return np.array([codes[name] for name in chosen], dtype=np.intp)
    if request.release is not None:
        codes = {name: code for name, code in codes.items() if name.release == request.release}
    return np.array([codes[name] for name in newest(codes)], dtype=np.intp)


def _granules(rows: pa.Table, first: NDArray[np.intp], manifest: Manifest) -> tuple[IndexedGranule, ...]:
    columns = ("granule", "https", "s3", "path", "granule_bytes", "etag", "layout")
    told = rows.select(columns).take(array_of(first)).to_pylist()
    assert all(0 <= each["layout"] < len(manifest.layouts) for each in told)
    return tuple(
        IndexedGranule(
            Granule(
                GranuleName.parse(each["granule"]), each["https"], each["s3"], each["path"], each["granule_bytes"]
            ),
            each["etag"],
            each["layout"],
        )
        for each in told
    )


def _words(rows: pa.Table, name: str) -> tuple[list[str], NDArray[np.int32]]:
    column: Any = rows[name].combine_chunks()
    return column.dictionary.to_pylist(), values_of(column.indices).astype(np.int32)


def _integers(rows: pa.Table, name: str) -> NDArray[np.int64]:
    return values_of(rows[name]).astype(np.int64)


def _masks(rows: pa.Table, order: NDArray[np.intp], variables: Sequence[str]) -> dict[str, NDArray[np.uint32]]:
    told = rows["filter_masks"]
    if told.null_count == len(told):
        return {}
    masks: dict[str, NDArray[np.uint32]] = {}
    for place, skipped in enumerate(told.take(array_of(order)).to_pylist()):
        for each in skipped or ():
            if each["variable"] in variables:
                masks.setdefault(each["variable"], np.zeros(len(order), np.uint32))[place] = each["mask"]
    return masks


def _nothing(variables: Sequence[str], manifest: Manifest) -> Selection:
    none = np.empty(0, dtype=np.int64)
    return Selection(
        (),
        manifest.layouts,
        none.astype(np.int32),
        none.astype(np.int8),
        none,
        none,
        dict.fromkeys(variables, none),
        dict.fromkeys(variables, none),
        {},
    )
