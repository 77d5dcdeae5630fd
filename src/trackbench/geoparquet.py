"""Writing the rows of a subset to one GeoParquet file, and reading such a file."""

from __future__ import annotations

import errno
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trackbench.arrow import array_of
from trackbench.errors import FailedError, InputError
from trackbench.granules import Granule
from trackbench.table import TRACK_TYPE, schema, sort_order, track_codes, track_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trackbench.granules import GranuleName
    from trackbench.request import SubsetRequest

METADATA_KEY: Final = "trackbench"
"""Key of the file's metadata that holds the request, the granules and the versions, as JSON."""

METADATA_SCHEMA: Final = 1
_GEOPARQUET: Final = "1.1.0"
_ROW_GROUP: Final = 131_072
_COLUMNS_NEEDED: Final = ("time", "latitude", "longitude", "track_id", "rgt", "cycle", "geometry")
_REPEATING: Final = ("atl06_quality_summary", "track_id", "rgt", "cycle")


@dataclass(frozen=True, slots=True)
class WriteSummary:
    """What was written: number of rows, and size of the file in bytes."""

    rows: int
    bytes: int


def write_geoparquet(
    batches: Iterable[pa.RecordBatch],
    path: str | Path,
    *,
    request: SubsetRequest,
    granules: Iterable[Granule | GranuleName] = (),
    versions: Mapping[str, str] | None = None,
    in_order: bool = False,
) -> WriteSummary:
    """Sort the rows of a request and write them as GeoParquet 1.1.

    The file appears under its name only when it is whole; until then, and after any error, a file that was there
    before stays as it was. The same rows, granules and versions give the same bytes.

    Parameters
    ----------
    batches
        Canonical rows in any order, as `trackbench.table.canonical_batch` makes them.
    path
        The file to write.
    request
        What was asked for; kept in the file's metadata.
    granules
        The granules that were read; gone through only after `batches`, so a list that fills up meanwhile will do.
    versions
        Versions of the software by name. By default those of trackbench and pyarrow.
    in_order
        Whether batches come by cycle and RGT, each of one cycle and RGT alone. They are then written as they come,
        and only few are held at a time; the bytes are the same.

    Returns
    -------
    WriteSummary

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written to, or a batch has other columns than the request's.
    FailedError
        When the disk is full or fails.
    """
    target = Path(path)
    columns = schema(request.product, request.variables)
    with _replacing(target) as sink, _writer(sink, columns) as writer:
        written = _Written()
        for table in _row_groups(_in_order(batches, columns, in_order=in_order), columns):
            written.add(table)
            writer.write_table(table, row_group_size=_ROW_GROUP)
        used = versions if versions is not None else {name: version(name) for name in ("trackbench", "pyarrow")}
        names = sorted(granule.name if isinstance(granule, Granule) else granule for granule in granules)
        about = {
            "schema": METADATA_SCHEMA,
            "request": request.to_dict(),
            "granules": [{"name": str(name), "identifier": _identifier(name)} for name in names],
            "versions": dict(used),
        }
        # Known only now that all rows have passed; the metadata stand at the end of the file anyway.
        writer.add_key_value_metadata({"geo": _dumps(_geo_metadata(written.bounds)), METADATA_KEY: _dumps(about)})
    return WriteSummary(written.rows, target.stat().st_size)


@dataclass(slots=True)
class _Written:
    """How many rows have been written, and their bounds."""

    rows: int = 0
    bounds: tuple[float, float, float, float] | None = None

    def add(self, table: pa.Table) -> None:
        lon, lat = (pc.min_max(table[name]).as_py() for name in ("longitude", "latitude"))
        west, south, east, north = self.bounds or (lon["min"], lat["min"], lon["max"], lat["max"])
        self.bounds = (
            min(west, lon["min"]),
            min(south, lat["min"]),
            max(east, lon["max"]),
            max(north, lat["max"]),
        )
        self.rows += table.num_rows


def _in_order(batches: Iterable[pa.RecordBatch], columns: pa.Schema, *, in_order: bool) -> Iterator[pa.Table]:
    """Yield tables of rows in canonical order, all of them together in canonical order too."""
    held: list[pa.RecordBatch] = []
    last: tuple[int, int] | None = None
    for batch in batches:
        if not batch.schema.equals(columns):
            raise InputError(f"A batch of rows has the columns {batch.schema}, but the request has {columns}.")
        if not batch.num_rows:
            continue
        if in_order:
            track = _track_of(batch)
            if last is not None and track < last:
                raise InputError(f"Rows of cycle and RGT {track} came after those of {last}.")
            if last is not None and track > last:
                yield _sorted(held, columns)
                held = []
            last = track
        held.append(batch)
    if held:
        yield _sorted(held, columns)


def _track_of(batch: pa.RecordBatch) -> tuple[int, int]:
    """Return cycle and RGT of a batch, which must be the same in all its rows."""
    found = [pc.min_max(batch[name]).as_py() for name in ("cycle", "rgt")]
    if any(each["min"] != each["max"] for each in found):
        raise InputError("A batch of rows that come in order holds more than one cycle or RGT.")
    return found[0]["min"], found[1]["min"]


def _sorted(held: list[pa.RecordBatch], columns: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches(held, schema=columns).combine_chunks()
    return table.take(array_of(sort_order(table)))


def _row_groups(tables: Iterable[pa.Table], columns: pa.Schema) -> Iterator[pa.Table]:
    """Yield the same rows as tables of one row group each, however they came: the bytes of a file depend on it."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        if count < _ROW_GROUP:
            continue
        whole = pa.concat_tables(held)
        stop = count - count % _ROW_GROUP
        for start in range(0, stop, _ROW_GROUP):
            yield whole.slice(start, _ROW_GROUP).combine_chunks()
        held, count = [whole.slice(stop)], count - stop
    if count:
        yield pa.concat_tables(held).cast(columns).combine_chunks()


def read_geoparquet(path: str | Path) -> pa.Table:
    """Read a file that `write_geoparquet` wrote.

    Returns
    -------
    pyarrow.Table
        The rows in the order of the file, ``track_id`` as an index into the six ground tracks; its schema's
        metadata is the file's.

    Raises
    ------
    InputError
        When the file is missing, is no Parquet, was not written by trackbench, lacks a column or has another
        coordinate reference system than OGC:CRS84.
    """
    try:
        table = pq.ParquetFile(path).read()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; check its name.") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error}); write the subset again.") from error
    about = table.schema.metadata or {}
    if METADATA_KEY.encode() not in about or b"geo" not in about:
        raise InputError(
            f"{path} is no subset written by trackbench: its metadata has no {METADATA_KEY!r} or no 'geo'."
        )
    missing = [column for column in _COLUMNS_NEEDED if column not in table.column_names]
    if missing:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}; write the subset again.")
    _check_crs(path, json.loads(about[b"geo"]))
    place = table.schema.get_field_index("track_id")
    field = pa.field("track_id", TRACK_TYPE, nullable=table.schema.field(place).nullable)
    return table.set_column(place, field, track_column(track_codes(table["track_id"])))


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return what `write_geoparquet` said of the request, the granules and the versions.

    Raises
    ------
    InputError
        When the file was not written by trackbench.
    """
    try:
        about = pq.read_metadata(path).metadata or {}
        held: dict[str, Any] = json.loads(about[METADATA_KEY.encode()])
    except (KeyError, pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is no subset written by trackbench ({error}).") from error
    return held


def _identifier(name: GranuleName) -> str:
    # NSIDC registers one DOI for each release of a product; granules name it in `identifier_product_doi`.
    return f"https://doi.org/10.5067/ATLAS/{name.product}.{name.release:03d}"


def _geo_metadata(bounds: tuple[float, float, float, float] | None) -> dict[str, Any]:
    """Return the ``geo`` metadata (GeoParquet 1.1.0, "File metadata")."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        # As pyproj writes OGC:CRS84; importing pyproj for it would take longer than many a subset.
        "crs": json.loads(Path(__file__).with_name("crs84.json").read_text(encoding="utf-8")),
    }
    if bounds is not None:
        column["bbox"] = list(bounds)
    return {"version": _GEOPARQUET, "primary_column": "geometry", "columns": {"geometry": column}}


def _dumps(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def _writer(sink: BinaryIO, columns: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        sink,
        columns,
        compression="zstd",
        use_dictionary=[name for name in columns.names if name in _REPEATING],
        column_encoding={"time": "DELTA_BINARY_PACKED"},
    )


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a file beside the target that takes its name at the end, or is removed after any error."""
    if target.is_dir():
        raise InputError(f"{target} is a folder; give the name of a file in it.")
    temporary = target.with_name(f".{target.name}.{uuid4().hex[:8]}.partial")
    try:
        with temporary.open("xb") as sink:
            yield sink
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EROFS):
            raise InputError(
                f"{target} cannot be written ({error.strerror}); check the folder and its rights."
            ) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(target.parent).free
            raise FailedError(
                f"The disk is full: {free:,} bytes are free for {target}; make room or write to another folder."
            ) from error
        raise FailedError(f"Writing {target} failed: {error}.") from error


def _check_crs(path: str | Path, geo: Mapping[str, Any]) -> None:
    column = geo.get("columns", {}).get("geometry", {})
    crs = column.get("crs", {"id": {"authority": "OGC", "code": "CRS84"}})
    identifier = (crs or {}).get("id", {})
    if (identifier.get("authority"), identifier.get("code")) != ("OGC", "CRS84"):
        name = ":".join(str(identifier.get(key, "?")) for key in ("authority", "code"))
        raise InputError(f"{path} is in {name} instead of OGC:CRS84; reproject it or write the subset again.")
